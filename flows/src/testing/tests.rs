//! The runner on a small bot: what passes, what fails and with which words, what is covered.

use std::collections::BTreeMap;

use super::{TestResult, World, all_steps, run, start};
use crate::bundle::Bundle;
use crate::compile::compile;
use crate::engine::event::{Found, Passage, Reading};
use crate::source::{SourceFile, Sources};

const BOT: &str = "schema: 1\nname: Shop\nlanguages: [en]\ntime_zone: UTC\ncurrency: EUR\n\
                   queues: {desk: {title: Desk}}\nhandoff: {default_queue: desk}\n";

const FLOWS: &str = r#"
schema: 1
entities:
  size: {type: list, values: {small: {en: [small]}, big: {en: [big]}}}
slots:
  size: {type: size}
intents:
  buy: {title: {en: buying}, examples: {en: [buy, I want a shirt]}}
actions:
  order:
    http: {post: "{env.SHOP}/orders", body: {size: "{size}"}, timeout: 2s}
    returns: {ref: text}
    stub: {ref: R-1}
flows:
  buy:
    start: buy
    steps:
      - ask: size
        no_match: [which]
        exhausted: {handoff: desk, reason: other}
      - confirm: sure
        on_no: {end: declined}
      - do: order
        into: placed
        on_error: {say: down, handoff: desk, reason: tool_failure}
      - say: done
      - end: done
responses:
  ask_size: {en: Which size?}
  which: {en: Small or big?}
  sure: {en: "A {size} one?"}
  done: {en: "Ordered, {placed.ref}."}
  down: {en: It is down.}
"#;

fn bundle(tests: &str) -> Bundle {
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = Sources {
        files: vec![
            file("bot.yaml", BOT),
            file("flows/a.yaml", FLOWS),
            file("tests/a.yaml", &format!("schema: 1\ntests:\n{tests}")),
        ],
    };
    let compiled = compile(&sources, &[]);
    let findings = compiled.diagnostics;
    compiled.bundle.unwrap_or_else(|| panic!("{findings:#?}"))
}

/// Reads "buy" as the intent and sizes as entities; finds one article.
struct Words;

impl World for Words {
    fn read(&mut self, text: &str, language: &str, _: Option<&'static str>) -> Reading {
        let buys = text.contains("buy");
        let entities = ["small", "big"]
            .iter()
            .filter_map(|size| {
                let at = text.find(size)?;
                Some(Found {
                    entity: "size".to_owned(),
                    value: (*size).into(),
                    start: at,
                    end: at + size.len(),
                    confidence: 1.0,
                    polarity: Default::default(),
                })
            })
            .collect();
        Reading {
            language: language.to_owned(),
            intents: vec![("buy".to_owned(), if buys { 0.97 } else { 0.01 })],
            none: if buys { 0.02 } else { 0.98 },
            entities,
            ..Reading::default()
        }
    }

    fn search(&mut self, _: &str, _: &str, _: Option<&str>) -> Vec<Passage> {
        Vec::new()
    }
}

fn results(tests: &str) -> Vec<TestResult> {
    let bundle = bundle(tests);
    bundle
        .tests
        .iter()
        .map(|test| run(&bundle, test, &mut Words))
        .collect()
}

fn messages(result: &TestResult) -> Vec<&str> {
    result.failures.iter().map(|f| f.message.as_str()).collect()
}

const BUYS: &str = r#"
  - name: buys
    say:
      - {user: I want to buy a small one, expect: {intent: buy, slots: {size: small}, said: sure, text: "A small one", asks: sure, flow: buy}}
      - {press: "yes", expect: {did: order, said: done, text: R-1, ended: "buy: done", flow: null, handoff: false}}
"#;

#[test]
fn a_test_that_holds_passes_twice_the_same() {
    let first = results(BUYS);
    assert_eq!(
        messages(&first[0]),
        Vec::<&str>::new(),
        "{:#?}",
        first[0].transcript
    );
    assert_eq!(first, results(BUYS));
    let bundle = bundle(BUYS);
    let all: BTreeMap<String, _> = all_steps(&bundle).into_iter().collect();
    assert!(all.len() >= 8, "{all:?}");
    let covered = &first[0].covered;
    assert!(
        covered.iter().all(|step| all.contains_key(step)),
        "{covered:?} {all:?}"
    );
    assert!(covered.contains(&"buy:3".to_owned()), "{covered:?}");
    assert!(
        !covered.iter().any(|s| s.contains("on_error")),
        "{covered:?}"
    );
}

#[test]
fn a_failure_says_what_was_expected_and_what_was_found() {
    let bundle = bundle("  - {name: n, say: [{user: a}]}\n");
    let mut test = bundle.tests[0].clone();
    let wrong: serde_json::Value = serde_json::json!({
        "said": "done", "not_said": "sure", "text": "huge", "asks": "size", "slots": {"size": "big"},
        "flow": null, "ended": "done", "intent": "sell", "did": "order", "handoff": true,
        "queue": "desk", "corrected": "size", "nonsense": 1,
    });
    let expect = wrong.as_object().expect("a map").clone();
    test.turns[0].input = crate::bundle::TestInput::User("I want to buy a small one".to_owned());
    test.turns[0].expect = expect.into_iter().collect();
    let result = run(&bundle, &test, &mut Words);
    let mut all = messages(&result);
    let text = all.pop().unwrap_or_default();
    assert_eq!(
        all,
        [
            "asks: expected size, found sure",
            "corrected: expected size, found nothing",
            "did: expected order, found nothing",
            "ended: expected done, found nothing",
            "flow: expected nothing, found buy",
            "handoff: expected true, found none",
            "intent: expected sell, found buy",
            "`nonsense` is nothing that can be expected",
            "not_said: expected not to find sure in greeting, sure",
            "queue: expected desk, found none",
            "said: expected done, found greeting, sure",
            "slots: expected size = big, found small",
        ]
    );
    assert!(
        text.starts_with("text: expected \"huge\" in ") && text.ends_with("\"A small one?\""),
        "{text}"
    );
    assert!(result.failures.iter().all(|f| f.span == test.turns[0].span));
}

#[test]
fn what_is_given_holds_before_the_first_turn() {
    let tests = r#"
  - name: slots and a failing action
    given: {slots: {size: big}, actions: {order: {error: timeout}}}
    say:
      - {user: buy, expect: {said: sure, text: "A big one"}}
      - {press: "yes", expect: {said: down, handoff: tool_failure, queue: desk}}
  - name: one answer a call, the last for all that follow
    given: {slots: {size: big}, actions: {order: [{ref: R-7}, {error: status}]}}
    say:
      - {press: /buy, expect: {said: sure}}
      - {press: "yes", expect: {did: order, text: R-7, ended: done}}
      - {press: /buy, expect: {said: sure}}
      - {press: "yes", expect: {said: down, handoff: tool_failure}}
  - name: in mid-flow
    given: {slots: {size: big}, flow: buy, step: "2"}
    say:
      - {press: "yes", expect: {did: order, ended: done}}
"#;
    for result in results(tests) {
        assert_eq!(
            messages(&result),
            Vec::<&str>::new(),
            "{:#?}",
            result.transcript
        );
    }
}

#[test]
fn the_clock_stands_where_it_says() {
    assert_eq!(start().to_string(), "2026-03-04T10:00:00Z");
}
