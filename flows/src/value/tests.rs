//! Values: JSON in and out, and how they are said.

use std::collections::BTreeMap;

use rust_decimal::Decimal;
use serde_json::json;

use super::{Type, Value};
use crate::template::Rendering;

fn said(value: &Value, language: &str, spoken: bool) -> String {
    value.say(Rendering { language, spoken })
}

fn money(text: &str) -> Value {
    Value::from_json(&json!(text), &Type::Money).expect("money")
}

#[test]
fn type_names_read_back() {
    for name in [
        "text",
        "number",
        "ordinal",
        "money",
        "date",
        "time",
        "datetime",
        "duration",
        "percent",
        "email",
        "phone",
        "url",
        "yes_no",
        "name",
        "bool",
        "any",
        "list of money",
    ] {
        assert_eq!(Type::parse(name).map(|t| t.name()).as_deref(), Some(name));
    }
    assert_eq!(Type::parse("[date]"), Type::parse("list of date"));
    for name in [
        "record",
        "order_no",
        "list of order_no",
        "list of list of text",
        "",
    ] {
        assert_eq!(Type::parse(name), None, "{name}");
    }
}

#[test]
fn json_of_every_type_reads_back() {
    for (ty, json) in [
        ("text", json!("a")),
        ("number", json!(42)),
        ("number", json!(4.5)),
        ("number", json!(-0.5)),
        ("money", json!({"amount": "42.00", "currency": "EUR"})),
        ("date", json!("2026-03-04")),
        ("time", json!("14:30:00")),
        ("datetime", json!("2026-03-04T14:30:00")),
        ("duration", json!(90)),
        ("yes_no", json!(true)),
        ("list of number", json!([1, 2])),
        ("any", json!({"a": [1, "b", null, {"c": false}]})),
        ("text", json!(null)),
    ] {
        let ty = Type::parse(ty).expect("a type");
        let value = Value::from_json(&json, &ty).expect("it fits");
        assert_eq!(value.to_json(), json);
    }
}

#[test]
fn other_ways_to_write_a_value() {
    let read = |json, ty: &str| Value::from_json(&json, &Type::parse(ty).expect("a type"));
    assert_eq!(
        read(json!("42.00"), "number"),
        Some(Value::Number(Decimal::new(4200, 2)))
    );
    assert_eq!(read(json!("42.00 eur"), "money"), Some(money("42.00 EUR")));
    assert_eq!(
        read(json!(9920), "text"),
        Some(Value::Text("9920".to_owned()))
    );
    assert_eq!(read(json!("2h"), "duration"), Some(Value::Duration(7200)));
    assert_eq!(read(json!("yes"), "yes_no"), Some(Value::Bool(true)));
    assert_eq!(
        read(json!("2026-03-04T14:30:00Z"), "datetime"),
        read(json!("2026-03-04T14:30"), "datetime")
    );
    assert_eq!(
        read(json!("2026-03-04T14:30:00+01:00"), "datetime"),
        read(json!("2026-03-04 14:30"), "datetime")
    );
}

#[test]
fn what_does_not_fit_is_none() {
    for (json, ty) in [
        (json!("soon"), "date"),
        (json!("2026-03-04T14:30:00Z"), "date"),
        (json!("2026-02-30"), "date"),
        (json!("forty"), "number"),
        (json!(42), "money"),
        (json!("42 euros"), "money"),
        (json!("maybe"), "yes_no"),
        (json!("a"), "list of text"),
        (json!(true), "text"),
        (json!({"a": 1}), "text"),
    ] {
        assert_eq!(
            Value::from_json(&json, &Type::parse(ty).expect("a type")),
            None,
            "{json} {ty}"
        );
    }
}

#[test]
fn a_record_takes_its_fields() {
    let ty = Type::Record(BTreeMap::from([
        ("total".to_owned(), Type::Money),
        ("note".to_owned(), Type::Text),
    ]));
    let value = Value::from_json(&json!({"total": "1.00 GBP", "more": 1}), &ty).expect("fits");
    let Value::Record(fields) = &value else {
        panic!("{value:?}");
    };
    assert_eq!(fields["total"], money("1.00 GBP"));
    assert!(fields["note"].is_null());
    assert_eq!(fields.len(), 2);
    assert_eq!(Value::from_json(&json!({"total": 1}), &ty), None);
}

#[test]
fn a_number_that_json_would_bend_stays_a_text() {
    let long: Decimal = "0.1234567890123456789012345".parse().expect("a number");
    assert_eq!(
        Value::Number(long).to_json(),
        json!("0.1234567890123456789012345")
    );
}

#[test]
fn money_as_it_is_read_and_heard() {
    for (text, en, es, voice, voz) in [
        (
            "1284.36 GBP",
            "£1,284.36",
            "1.284,36 £",
            "1,284 pounds and 36 pence",
            "1.284 libras con 36 peniques",
        ),
        (
            "-42.1 GBP",
            "-£42.10",
            "-42,10 £",
            "minus 42 pounds and 10 pence",
            "menos 42 libras con 10 peniques",
        ),
        ("1 EUR", "€1.00", "1,00 €", "1 euro", "1 euro"),
        ("0.01 USD", "$0.01", "0,01 $", "1 cent", "1 centavo"),
        (
            "1234567.005 EUR",
            "€1,234,567.01",
            "1.234.567,01 €",
            "1,234,567 euros and 1 cent",
            "1.234.567 euros con 1 céntimo",
        ),
        ("500 JPY", "¥500", "500 ¥", "¥500", "500 ¥"),
        ("5 CHF", "CHF 5.00", "5,00 CHF", "CHF 5.00", "5,00 CHF"),
        ("-0.001 EUR", "€0.00", "0,00 €", "0 euros", "0 euros"),
    ] {
        let value = money(text);
        assert_eq!(said(&value, "en", false), en);
        assert_eq!(said(&value, "es", false), es);
        assert_eq!(said(&value, "en", true), voice);
        assert_eq!(said(&value, "es", true), voz);
    }
}

#[test]
fn days_times_and_lengths() {
    let read = |text: &str, ty: Type| Value::from_json(&json!(text), &ty).expect("fits");
    let day = read("2026-11-26", Type::Date);
    assert_eq!(said(&day, "en", false), "Thursday 26 November 2026");
    assert_eq!(said(&day, "es", false), "jueves 26 de noviembre de 2026");
    let at = read("2026-11-26T01:05:00", Type::Datetime);
    assert_eq!(said(&at, "en", false), "Thursday 26 November 2026 at 01:05");
    assert_eq!(
        said(&at, "es", false),
        "jueves 26 de noviembre de 2026 a la 01:05"
    );
    assert_eq!(said(&read("00:30", Type::Time), "en", true), "12:30 am");
    for (seconds, en, es) in [
        (0, "0 seconds", "0 segundos"),
        (1, "1 second", "1 segundo"),
        (7_500, "2 hours 5 minutes", "2 horas 5 minutos"),
        (86_400 * 3, "3 days", "3 días"),
        (90_061, "1 day 1 hour", "1 día 1 hora"),
    ] {
        assert_eq!(said(&Value::Duration(seconds), "en", false), en);
        assert_eq!(said(&Value::Duration(seconds), "es", false), es);
    }
}

#[test]
fn lists_end_in_and() {
    let list =
        |items: &[&str]| Value::List(items.iter().map(|s| Value::Text((*s).into())).collect());
    assert_eq!(said(&list(&[]), "en", false), "");
    assert_eq!(said(&list(&["a"]), "en", false), "a");
    assert_eq!(said(&list(&["a", "b", "c"]), "en", false), "a, b and c");
    assert_eq!(
        said(&list(&["agujas", "hilo"]), "es", false),
        "agujas e hilo"
    );
    assert_eq!(said(&list(&["agua", "hielo"]), "es", false), "agua y hielo");
}

#[test]
fn only_true_is_true() {
    assert!(Value::Bool(true).truthy());
    for value in [
        Value::Null,
        Value::Bool(false),
        Value::Text("true".into()),
        Value::Number(1.into()),
    ] {
        assert!(!value.truthy());
    }
}
