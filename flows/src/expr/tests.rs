//! Expressions: values, types, places of findings, bounds.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::{Expr, Names, Scope};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::value::{Type, Value};

/// Names and values for the tests: `total` 42.00 EUR, `limit` 50.00 EUR, `pounds` 5.00 GBP,
/// `day` 2026-03-04, `now`, `n` 7, `who` "Maya", `empty` null, `ok` true, `order` a record, `tags` a list.
pub(crate) struct World;

fn record() -> Type {
    Type::Record(BTreeMap::from([
        ("total".to_owned(), Type::Money),
        ("refundable".to_owned(), Type::Bool),
    ]))
}

fn table() -> Vec<(&'static str, Type, serde_json::Value)> {
    vec![
        ("shop.total", Type::Money, json!("42.00 EUR")),
        ("shop.limit", Type::Money, json!("50.00 EUR")),
        ("shop.pounds", Type::Money, json!("5.00 GBP")),
        ("shop.day", Type::Date, json!("2026-03-04")),
        ("shop.clock", Type::Time, json!("14:30")),
        ("now", Type::Datetime, json!("2026-03-04T10:00:00")),
        ("shop.n", Type::Number, json!(7)),
        ("shop.who", Type::Name, json!("Maya")),
        ("shop.empty", Type::Number, json!(null)),
        ("shop.ok", Type::YesNo, json!(true)),
        (
            "order",
            record(),
            json!({"total": "12.50 EUR", "refundable": false}),
        ),
        (
            "shop.tags",
            Type::List(Box::new(Type::Text)),
            json!(["a", "b"]),
        ),
        ("customer", Type::Any, json!({"tier": "gold"})),
        ("customer.name", Type::Text, json!("Maya Ellis")),
    ]
}

impl Names for World {
    fn lookup(&self, name: &str) -> Option<(String, Type)> {
        let full = format!("shop.{name}");
        table()
            .into_iter()
            .find(|(id, ..)| *id == name || *id == full)
            .map(|(id, ty, _)| (id.to_owned(), ty))
    }

    fn candidates(&self) -> Vec<String> {
        table()
            .iter()
            .map(|(id, ..)| id.trim_start_matches("shop.").to_owned())
            .collect()
    }
}

impl Scope for World {
    fn get(&self, name: &str) -> Option<Value> {
        let (_, ty, json) = table().into_iter().find(|(id, ..)| *id == name)?;
        Value::from_json(&json, &ty)
    }
}

fn at(start: u32, len: usize) -> Span {
    let end = start + u32::try_from(len).expect("short");
    Span {
        file: 3,
        start,
        end,
    }
}

fn parse(text: &str) -> Result<Expr, Vec<Diagnostic>> {
    Expr::parse(text, at(100, text.len()), &World)
}

fn eval(text: &str) -> String {
    match parse(text) {
        Ok(expr) => match expr.eval(&World) {
            Ok(value) => value.as_data(),
            Err(e) => format!("error: {}", e.message),
        },
        Err(found) => format!("finding: {}", found[0].message),
    }
}

#[test]
fn operators_bind_as_in_cel() {
    for (text, value) in [
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("10 - 2 - 3", "5"),
        ("7 % 4", "3"),
        ("-2 + 3", "1"),
        ("1 + 1 == 2 && !(3 < 2)", "true"),
        ("false || true && false", "false"),
        ("n > 5 ? 'many' : n > 2 ? 'some' : 'few'", "many"),
        ("0.1 + 0.2 == 0.3", "true"),
        ("'a' + \"b\"", "ab"),
        ("'it\\'s'", "it's"),
        ("who in ['Maya', 'Tom']", "true"),
        ("'c' in tags", "false"),
        ("3 in [1, 2, 3]", "true"),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
}

#[test]
fn money_keeps_its_currency() {
    for (text, value) in [
        ("total <= limit", "true"),
        ("total == 42 EUR", "true"),
        ("total + 8 EUR == limit", "true"),
        ("total > 40", "true"),
        ("amount(total) * 2", "84.00"),
        ("total * 2", "84.00 EUR"),
        ("limit / 20.00 EUR == 2.5", "true"),
        ("pounds == 5 EUR", "false"),
        ("currency(pounds)", "GBP"),
        ("money(3, 'gbp')", "3 GBP"),
        ("-order.total", "-12.50 EUR"),
        ("round(10.00 EUR / 3, 2)", "3.33 EUR"),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
    assert!(eval("total < pounds").starts_with("error: EUR and GBP don't mix"));
    assert!(eval("total + pounds").starts_with("error: EUR and GBP don't mix"));
    assert!(eval("total + 5").starts_with("finding: `+` does not work between money and number"));
}

#[test]
fn null_equals_only_null_and_counts_as_no() {
    for (text, value) in [
        ("empty == null", "true"),
        ("empty != null", "false"),
        ("n != null", "true"),
        ("has(empty) || has(n)", "true"),
        ("coalesce(empty, 3) + 1", "4"),
        ("customer.nothing == null", "true"),
        ("customer.nothing.deeper == null", "true"),
        ("!customer.nothing", "true"),
        ("customer.nothing ? 1 : 2", "2"),
        ("size(customer.nothing)", "0"),
        ("amount(customer.nothing) == null", "true"),
        ("contains(customer.nothing, 'a')", "false"),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
    assert_eq!(
        eval("empty + 1"),
        "error: `+` does not work between nothing (null) and a number"
    );
    assert_eq!(
        eval("empty < 1"),
        "error: nothing (null) and a number have no order"
    );
    assert_eq!(
        eval("n < null"),
        "finding: `<` does not work between number and null"
    );
}

#[test]
fn days_and_times() {
    for (text, value) in [
        ("day >= date(now)", "true"),
        ("day - 1 < date(now)", "true"),
        ("days(day, date('2026-03-31'))", "27"),
        ("days(now, day)", "0"),
        ("day + 28", "2026-04-01"),
        ("hour(now)", "10"),
        ("weekday(day)", "3"),
        ("time(now) < clock", "true"),
        ("time('14:30') == clock", "true"),
        ("date('soon') == null", "true"),
        ("(day + 2) - day > 86400", "true"),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
    assert!(eval("day > now").starts_with("finding: `>` does not work between date and datetime"));
    assert_eq!(eval("day + 99999999"), "error: the result is out of range");
}

#[test]
fn functions_in_both_forms() {
    for (text, value) in [
        ("size(who)", "4"),
        ("who.lower()", "maya"),
        ("upper(who)", "MAYA"),
        ("who.contains('ay')", "true"),
        ("tags.contains('b')", "true"),
        ("starts_with(who, 'Ma') && ends_with(who, 'ya')", "true"),
        ("matches(who, '^M[a-z]+$')", "true"),
        ("who.matches('x')", "false"),
        ("max(1, n, 3) - min(1, n)", "6"),
        ("abs(-3)", "3"),
        ("round(2.5)", "3"),
        ("number('12') + 1", "13"),
        ("number('twelve') == null", "true"),
        ("text(n) + '!'", "7!"),
        ("customer.name", "Maya Ellis"),
        ("customer.tier", "gold"),
    ] {
        assert_eq!(eval(text), value, "{text}");
    }
}

#[test]
fn findings_point_at_the_part_and_name_the_nearest() {
    for (text, code, from, to, help) in [
        ("totl > 5", "E0303", 0, 4, "did you mean `total`?"),
        (
            "1 + qqq",
            "E0303",
            4,
            7,
            "declare it under `slots`, or put a text in quotes: 'qqq'",
        ),
        ("order.totals", "E0304", 6, 12, "did you mean `total`?"),
        ("n.x", "E0304", 2, 3, ""),
        ("sizee(who)", "E0305", 0, 5, "did you mean `size`?"),
        ("size(who, n)", "E0306", 0, 4, ""),
        (
            "ok && n",
            "E0307",
            6,
            7,
            "compare it, or ask whether it is there with `has(…)`",
        ),
        (
            "day > '2026-03-04'",
            "E0307",
            0,
            18,
            "turn a text into a day with `date('2026-03-04')`",
        ),
        ("matches(who, '(')", "E0308", 13, 16, ""),
        ("n = 3", "E0301", 2, 3, "compare with `==`"),
        ("n and ok", "E0301", 2, 5, "write `&&` for and"),
        ("'abc", "E0301", 0, 4, "close it with '"),
        ("n >", "E0301", 3, 3, ""),
        ("5abc", "E0301", 0, 4, ""),
    ] {
        let found = parse(text).expect_err(text);
        assert_eq!(found[0].code, code, "{text}");
        let span = (found[0].span.start, found[0].span.end);
        assert_eq!(span, (100 + from, 100 + to), "{text}");
        assert_eq!(found[0].help.as_deref().unwrap_or(""), help, "{text}");
    }
}

#[test]
fn every_unknown_name_is_reported() {
    let found = parse("aaa + bbb").expect_err("two");
    assert_eq!(found.len(), 2);
}

#[test]
fn quotes_around_the_text_shift_the_place_and_escapes_widen_it() {
    let found = Expr::parse("zzz", at(10, 5), &World).expect_err("unknown");
    assert_eq!((found[0].span.start, found[0].span.end), (11, 14));
    let found = Expr::parse("zzz", at(10, 9), &World).expect_err("unknown");
    assert_eq!((found[0].span.start, found[0].span.end), (10, 19));
}

#[test]
fn types_and_reads() {
    let expr = parse("customer.name == who && total > order.total").expect("fine");
    assert_eq!(*expr.ty(), Type::Bool);
    assert_eq!(
        expr.reads(),
        ["customer.name", "order", "shop.total", "shop.who"]
    );
    assert_eq!(
        *parse("n > 1 ? total : limit").expect("fine").ty(),
        Type::Money
    );
}

#[test]
fn nesting_is_bounded_in_every_form() {
    for text in [
        format!("{}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000)),
        format!("{}1{}", "[".repeat(1_000), "]".repeat(1_000)),
        format!("{}ok", "!".repeat(1_000)),
        format!("1{}", "+1".repeat(1_000)),
        format!("customer{}", ".a".repeat(1_000)),
        format!("{}1", "ok?1:".repeat(1_000)),
        "abs(".repeat(1_000),
    ] {
        let found = parse(&text).expect_err("too deep");
        assert!(matches!(found[0].code, "E0302" | "E0310"), "{:?}", found[0]);
    }
    let fine = format!("{}1{}", "(".repeat(60), ")".repeat(60));
    assert_eq!(eval(&fine), "1");
}

#[test]
fn arithmetic_ends_in_errors_and_not_in_panics() {
    assert_eq!(eval("1 / 0"), "error: division by zero");
    assert_eq!(eval("n % 0"), "error: division by zero");
    let big = "79228162514264337593543950335";
    assert_eq!(
        eval(&format!("{big} * {big}")),
        "error: the result is out of range"
    );
    assert!(eval(&format!("{big}0")).starts_with("finding: "));
}

struct Big(Value);

impl Scope for Big {
    fn get(&self, _: &str) -> Option<Value> {
        Some(self.0.clone())
    }
}

#[test]
fn long_texts_and_long_lists_run_out_of_bounds() {
    let text = Big(Value::Text("x".repeat(10_000)));
    let error = parse("who + who")
        .expect("fine")
        .eval(&text)
        .expect_err("too long");
    assert!(
        error.message.contains("more than 16384 bytes"),
        "{}",
        error.message
    );
    let list = Big(Value::List(vec![Value::Null; 200_000]));
    let error = parse("'a' in tags")
        .expect("fine")
        .eval(&list)
        .expect_err("too long");
    assert!(
        error.message.contains("takes too long"),
        "{}",
        error.message
    );
}

proptest! {
    #[test]
    fn any_text_parses_or_is_a_finding(text in "\\PC{0,60}") {
        if let Ok(expr) = parse(&text) {
            let _ = expr.eval(&World);
        }
    }

    #[test]
    fn any_mix_of_tokens_parses_or_is_a_finding(
        tokens in prop::collection::vec(
            prop::sample::select(vec![
                "n", "total", "day", "now", "who", "tags", "order", ".total", "(", ")", "[", "]", ",",
                "+", "-", "*", "/", "%", "&&", "||", "!", "?", ":", "==", "<", "in", "1", "0", "'a'",
                "5 EUR", "null", "true", "size(", "max(", "days(", "round(", "matches(", "date(",
            ]),
            0..20,
        )
    ) {
        let text = tokens.join(" ");
        match parse(&text) {
            Ok(expr) => {
                let first = expr.eval(&World);
                prop_assert_eq!(first, expr.eval(&World));
            }
            Err(found) => {
                prop_assert!(!found.is_empty());
                for finding in found {
                    let end = 100 + u32::try_from(text.len()).expect("short");
                    prop_assert!(finding.span.start >= 100 && finding.span.end <= end);
                }
            }
        }
    }
}
