//! Templates: holes, filters, escapes, what machines read.

use proptest::prelude::*;

use super::{Escape, Rendering, Template, without_env};
use crate::diag::Diagnostic;
use crate::expr::Scope;
use crate::expr::tests::World;
use crate::span::Span;
use crate::value::Value;

fn parse(text: &str) -> Result<Template, Vec<Diagnostic>> {
    let end = u32::try_from(text.len()).expect("short");
    let at = Span {
        file: 0,
        start: 0,
        end,
    };
    Template::parse(text, at, &World)
}

fn said(text: &str, language: &str, spoken: bool) -> String {
    let how = Rendering { language, spoken };
    let template = parse(text).expect(text);
    template.render(&World, how).expect(text)
}

#[test]
fn holes_and_filters() {
    for (text, en, es, voice) in [
        ("Hi {who}!", "Hi Maya!", "Hi Maya!", "Hi Maya!"),
        ("{total|money}", "€42.00", "42,00 €", "42 euros"),
        ("{pounds}", "£5.00", "5,00 £", "5 pounds"),
        (
            "{day|date}",
            "Wednesday 4 March 2026",
            "miércoles 4 de marzo de 2026",
            "Wednesday 4 March 2026",
        ),
        ("{now|time}", "10:00", "10:00", "10 am"),
        ("{clock|time}", "14:30", "14:30", "2:30 pm"),
        ("{tags|list}", "a and b", "a y b", "a and b"),
        ("{who|upper}{who|lower}", "MAYAmaya", "MAYAmaya", "MAYAmaya"),
        (
            "{'jo-ann lee'|title}",
            "Jo-Ann Lee",
            "Jo-Ann Lee",
            "Jo-Ann Lee",
        ),
        ("{'ab-12'|spell}", "A B - 1 2", "A B - 1 2", "A B dash 1 2"),
        ("{12345.5|number}", "12,345.5", "12.345,5", "12,345.5"),
        ("{{n}} {n}", "{n} 7", "{n} 7", "{n} 7"),
        ("{ok ? 'a' : 'b}'}", "a", "a", "a"),
        ("{empty}", "", "", ""),
        ("{ok || false}", "yes", "sí", "yes"),
    ] {
        assert_eq!(said(text, "en", false), en, "{text}");
        assert_eq!(said(text, "es", false), es, "{text}");
        assert_eq!(said(text, "en", true), voice, "{text}");
    }
}

#[test]
fn findings_point_into_the_text() {
    for (text, code, from, to) in [
        ("Hi {whoo}!", "E0303", 4, 8),
        ("a { b", "E0320", 2, 3),
        ("a } b", "E0320", 2, 3),
        ("a {} b", "E0322", 2, 4),
        ("{total|mony}", "E0321", 7, 11),
        ("{who|money}", "E0323", 5, 10),
        ("{ n + }", "E0301", 5, 5),
    ] {
        let found = parse(text).expect_err(text);
        assert_eq!(found[0].code, code, "{text}");
        assert_eq!(
            (found[0].span.start, found[0].span.end),
            (from, to),
            "{text}"
        );
    }
}

#[test]
fn env_holes_stay_and_are_listed() {
    let template = parse("{env.OMS}/orders/{who}?k={ env.KEY }").expect("fine");
    assert_eq!(template.env(), ["OMS", "KEY"]);
    assert_eq!(template.reads(), ["shop.who"]);
    let url = template.render_data(&World, Escape::Url).expect("fine");
    assert_eq!(url, "{env.OMS}/orders/Maya?k={env.KEY}");
}

struct One(&'static str);

impl Scope for One {
    fn get(&self, _: &str) -> Option<Value> {
        Some(Value::Text(self.0.to_owned()))
    }
}

#[test]
fn what_a_customer_writes_stays_in_its_segment_and_names_no_secret() {
    let url = parse("{env.OMS}/orders/{who}").expect("fine");
    let at = |text| url.render_data(&One(text), Escape::Url);
    assert_eq!(
        at("a/../b?x=ü").expect("fine"),
        "{env.OMS}/orders/a%2F..%2Fb%3Fx%3D%C3%BC"
    );
    assert_eq!(
        at("{env.KEY}").expect("fine"),
        "{env.OMS}/orders/%7Benv.KEY%7D"
    );
    assert!(at("..").is_err());
    let header = parse("{who}").expect("fine");
    let text = header
        .render_data(&One("{env.KEY}"), Escape::None)
        .expect("fine");
    assert!(!text.contains("{env."), "{text}");
    assert_eq!(without_env("plain"), "plain");
    let empty = parse("/orders/{empty}").expect("fine");
    assert!(empty.render_data(&World, Escape::Url).is_err());
}

#[test]
fn data_is_plain() {
    let template = parse("{total} {day} {now} {n} {ok} {tags}").expect("fine");
    let text = template.render_data(&World, Escape::None).expect("fine");
    assert_eq!(
        text,
        "42.00 EUR 2026-03-04 2026-03-04T10:00:00 7 true [\"a\",\"b\"]"
    );
}

#[test]
fn one_hole_alone_keeps_its_type() {
    assert!(parse("{n}").expect("fine").single().is_some());
    assert!(parse("{n|number}").expect("fine").single().is_none());
    assert!(parse("{n} ").expect("fine").single().is_none());
    assert!(parse("no hole").expect("fine").is_plain());
    assert!(Template::plain("{n}").is_plain());
    assert_eq!(Template::plain("{n}").source(), "{n}");
}

#[test]
fn errors_say_where() {
    let template = parse("ab {empty + 1}").expect("fine");
    let how = Rendering {
        language: "en",
        spoken: false,
    };
    let error = template.render(&World, how).expect_err("null");
    assert_eq!((error.span.start, error.span.end), (4, 13));
}

proptest! {
    #[test]
    fn any_text_parses_or_is_a_finding(text in "[a-z{}|'\" .,ñ\\\\]{0,40}") {
        if let Ok(template) = parse(&text) {
            let how = Rendering { language: "es", spoken: true };
            let _ = template.render(&World, how);
        }
    }

    #[test]
    fn plain_texts_come_back(text in "[^{}]{0,40}") {
        prop_assert_eq!(said(&text, "en", false), text);
    }
}
