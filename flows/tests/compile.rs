//! What the compiler makes of what an author writes.

use bellhop_flows::bundle::{
    Bundle, EntityKind, JsonTemplate, Keep, OnInterrupt, Pattern, Step, StepKind, TestInput,
};
use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::diag::{Severity, render_text};
use bellhop_flows::source::{SourceFile, Sources};
use bellhop_flows::value::{Type, Value};

const BOT: &str = "
schema: 1
name: Shop
languages: [en, es]
time_zone: UTC
currency: EUR
";

const ORDERS: &str = r#"
schema: 1
module: orders
entities:
  order_no: {type: regex, pattern: "[A-Z]{2}-[0-9]{6}", spoken: spelled}
  reason:
    type: list
    values:
      damaged: {en: [broken, cracked], es: [roto, dañado]}
      late: {en: [late]}
  colour: {type: list, values: [red, blue]}
slots:
  order: {type: order_no, keep: conversation}
  why: {type: reason, title: {en: reason, es: motivo}}
  amount: {type: money, check: "amount <= order_info.total", else: too_much}
  all: list of reason
intents:
  want_refund:
    title: {en: getting a refund, es: pedir un reembolso}
    examples:
      en: ["I want my money back", "refund [AB-123456](order)", "it came [broken](why)"]
      es: "me llegó [roto](why), ¡ñu!"
  bye: [goodbye]
actions:
  find_order:
    http: {get: "{env.OMS}/orders/{order}", timeout: 2s, retry: {times: 2, backoff: 100ms}}
    returns: {total: money, refundable: bool, note: text, lines: {first: text}}
    stub: {total: 42.00 EUR, refundable: true, note: 12, lines: {first: x}}
  pay_back:
    http: {post: "{env.OMS}/refunds", body: {order: "{order}", amount: "{amount}", n: 3, all: ["{why}"]}, timeout: 5s}
    effect: irreversible
    returns: {ref: text}
flows:
  refund:
    start: want_refund
    on_interrupt: offer
    stale_after: 1h
    steps:
      - ask: order
        no_match: [order_hint, order_hint]
        exhausted: {say: sorry, handoff: true, reason: policy, priority: 2}
      - do: find_order
        into: order_info
        on_error: {say: sorry, handoff: true}
      - if: "!order_info.refundable"
        then: [{say: sorry}, {end: refused}]
        else:
          - label: inner
            ask: why
            exhausted: [{say: sorry}]
      - ask: amount
        default: order_info.total
      - set: {why: "'late'", order: null}
      - choose:
          - {when: "why == 'late'", steps: {say: sorry}}
          - else: {say: sorry, end: late}
      - offer: sorry
        choices:
          - {value: a, title: {en: A, es: La a}, steps: {say: sorry}}
      - confirm: check_refund
        on_no: {end: declined}
      - {do: pay_back, into: paid, call: other}
      - while: "order == null"
        steps: {end: done}
  other: [{search: true, on_none: {say: sorry}}]
responses:
  ask_order: Which order is it?
  ask_why: {en: {text: What is wrong?, buttons: [damaged, late, /want_refund, /human]}, es: {text: ¿Qué pasa?, buttons: [damaged, late, /want_refund, /human, yes]}}
  ask_amount: {en: [{when: "amount == null", text: How much?}, Again?]}
  check_refund: {text: "Refund {amount|money} for {order}? {order_info.note}", links: ["https://a.test"]}
  order_hint: Such as AB-123456.
  too_much: "At most {order_info.total|money}."
  sorry: Sorry.
patterns: {greeting: {en: "Hi, {bot} here"}, goodbye: sorry}
tests:
  - name: one
    customer: {id: 42}
    given: {flow: refund, step: inner, slots: {why: late, amount: 5 EUR, order_info: {total: 1}}, actions: {find_order: {error: timeout}, pay_back: {ref: 0042}}}
    say:
      - {press: yes, expect: {said: [sorry, greeting], did: pay_back, slots: {why: late}, ended: "orders.refund: done", handoff: false, source: cards/new, flow: null}}
      - {silence: true}
      - {agent_returns: true}
      - {agent_returns: refund}
"#;

fn bundle() -> Bundle {
    bundle_of(ORDERS)
}

fn bundle_of(orders: &str) -> Bundle {
    let sources = Sources {
        files: [("bot.yaml", BOT), ("orders.yaml", orders)]
            .map(|(path, text)| SourceFile {
                path: path.to_owned(),
                text: text.to_owned(),
            })
            .to_vec(),
    };
    let articles = [("es", "Nueva"), ("en", "New")].map(|(language, title)| ArticleRef {
        id: "cards/new".to_owned(),
        title: title.to_owned(),
        language: language.to_owned(),
    });
    let compiled = compile(&sources, &articles);
    let errors: Vec<_> = compiled
        .diagnostics
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect();
    assert_eq!(render_text(&errors, &sources), "");
    compiled.bundle.expect("no errors, so a bundle")
}

fn ids(steps: &[Step]) -> Vec<&str> {
    steps.iter().map(|step| step.id.as_str()).collect()
}

#[test]
fn steps_have_stable_ids() {
    let bundle = bundle();
    let flow = &bundle.flows["orders.refund"];
    assert_eq!(
        ids(&flow.steps),
        ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11"]
    );
    let StepKind::Ask(ask) = &flow.steps[0].kind else {
        panic!("{:?}", flow.steps[0]);
    };
    assert_eq!(
        (ask.slot.as_str(), ask.prompt.as_str()),
        ("orders.order", "orders.ask_order")
    );
    assert_eq!(ask.ladder.no_match.len(), 2);
    assert_eq!(
        ids(&ask.ladder.exhausted),
        ["0.exhausted.0", "0.exhausted.1"]
    );
    let StepKind::Handoff {
        queue,
        reason,
        priority,
        say,
    } = &ask.ladder.exhausted[1].kind
    else {
        panic!("{:?}", ask.ladder.exhausted);
    };
    assert_eq!(
        (queue, reason.as_str(), *priority, say),
        (&None, "policy", Some(2), &None)
    );
    let StepKind::If {
        then, otherwise, ..
    } = &flow.steps[2].kind
    else {
        panic!("{:?}", flow.steps[2]);
    };
    assert_eq!(
        (ids(then), ids(otherwise)),
        (vec!["2.then.0", "2.then.1"], vec!["inner"])
    );
    let StepKind::Ask(inner) = &otherwise[0].kind else {
        panic!("{otherwise:?}");
    };
    assert_eq!(ids(&inner.ladder.exhausted), ["inner.exhausted.0"]);
    let StepKind::Choose {
        branches,
        otherwise,
    } = &flow.steps[6].kind
    else {
        panic!("{:?}", flow.steps[6]);
    };
    assert_eq!(
        (ids(&branches[0].1), ids(otherwise)),
        (vec!["6.0.0"], vec!["6.else.0", "6.else.1"])
    );
    let StepKind::Offer(offer) = &flow.steps[7].kind else {
        panic!("{:?}", flow.steps[7]);
    };
    assert_eq!(ids(&offer.choices[0].steps), ["7.a.0"]);
    let kinds: Vec<_> = [9, 10].map(|at| &flow.steps[at].kind).into_iter().collect();
    assert!(matches!(kinds[0], StepKind::Do { into: Some(into), .. } if into == "paid"));
    assert!(matches!(kinds[1], StepKind::Call(flow) if flow == "orders.other"));
}

#[test]
fn flows_take_the_title_of_their_intent() {
    let bundle = bundle();
    let flow = &bundle.flows["orders.refund"];
    assert_eq!(flow.title["es"], "pedir un reembolso");
    assert_eq!(
        (flow.on_interrupt, flow.stale_after_s),
        (OnInterrupt::Offer, 3600)
    );
    assert_eq!(bundle.flows["orders.other"].title["en"], "other");
}

#[test]
fn slots_and_entities_are_typed() {
    let bundle = bundle();
    let slot = &bundle.slots["orders.order"];
    assert_eq!(slot.ty, Type::Entity("orders.order_no".to_owned()));
    assert_eq!(
        (slot.keep, slot.title["en"].as_str()),
        (Keep::Conversation, "order")
    );
    let all = &bundle.slots["orders.all"];
    assert_eq!(
        all.ty,
        Type::List(Box::new(Type::Entity("orders.reason".to_owned())))
    );
    let amount = &bundle.slots["orders.amount"];
    let reads = amount.check.as_ref().expect("a check").reads();
    assert_eq!(reads, ["order_info", "orders.amount"]);
    assert_eq!(amount.check_else.as_deref(), Some("orders.too_much"));
    let EntityKind::List(colours) = &bundle.entities["orders.colour"].kind else {
        panic!("a list");
    };
    assert_eq!(colours.keys().collect::<Vec<_>>(), ["blue", "red"]);
    assert!(bundle.entities["orders.order_no"].spelled);
}

#[test]
fn marks_are_byte_ranges_of_the_plain_text() {
    let bundle = bundle();
    let example = &bundle.intents["orders.want_refund"].examples["es"][0];
    assert_eq!(example.text, "me llegó roto, ¡ñu!");
    let (from, to, slot) = &example.marks[0];
    assert_eq!(
        (&example.text[*from..*to], slot.as_str()),
        ("roto", "orders.why")
    );
}

#[test]
fn actions_have_templates_effects_and_stubs() {
    let bundle = bundle();
    let find = &bundle.actions["orders.find_order"];
    assert_eq!(
        (find.method.as_str(), find.timeout_ms, find.retry_times),
        ("GET", 2000, 2)
    );
    assert_eq!(find.reads, ["orders.order"]);
    let Some(Value::Record(stub)) = &find.stub else {
        panic!("{:?}", find.stub);
    };
    assert_eq!(stub["note"], Value::Text("12".to_owned()));
    assert!(matches!(&stub["total"], Value::Money { currency, .. } if currency == "EUR"));
    let pay = &bundle.actions["orders.pay_back"];
    assert_eq!(pay.reads, ["orders.amount", "orders.order", "orders.why"]);
    let Some(JsonTemplate::Object(body)) = &pay.body else {
        panic!("{:?}", pay.body);
    };
    assert!(matches!(&body["amount"], JsonTemplate::Text(text) if text.single().is_some()));
    assert!(matches!(&body["n"], JsonTemplate::Plain(number) if *number == 3));
}

#[test]
fn a_correction_sends_only_what_replaces_itself() {
    for (action, repeatable) in [
        ("http: {get: ADDRESS}", true),
        ("http: {post: ADDRESS}", false),
        ("http: {post: ADDRESS}, effect: none", true),
        ("http: {post: ADDRESS}, effect: reversible", false),
        ("http: {post: ADDRESS}, repeatable: true", true),
        ("http: {put: ADDRESS}", true),
        ("http: {patch: ADDRESS}, compensate: undo", false),
        ("http: {delete: ADDRESS}", true),
        ("http: {put: ADDRESS}, effect: irreversible", false),
        ("http: {put: ADDRESS}, repeatable: false", false),
    ] {
        let action = action.replace("ADDRESS", "\"{env.SHOP}/orders\", timeout: 1s");
        let orders = format!(
            "schema: 1\nmodule: orders\nactions:\n  undo: {{http: {{put: \"{{env.SHOP}}/undo\", timeout: 1s}}}}\n  act: {{{action}}}\n"
        );
        let bundle = bundle_of(&orders);
        assert_eq!(
            bundle.actions["orders.act"].repeatable, repeatable,
            "{action}"
        );
    }
}

#[test]
fn buttons_without_a_title_get_one_in_their_language() {
    let bundle = bundle();
    let titles = |language: &str| -> Vec<(String, String)> {
        let variant = &bundle.responses["orders.ask_why"].variants[language][0];
        let pair = |button: &bellhop_flows::bundle::Button| {
            (button.payload.clone(), button.title.source().to_owned())
        };
        variant.buttons.iter().map(pair).collect()
    };
    let pairs = |all: &[(&str, &str)]| -> Vec<(String, String)> {
        all.iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect()
    };
    assert_eq!(
        titles("en"),
        pairs(&[
            ("damaged", "damaged"),
            ("late", "late"),
            ("/orders.want_refund", "getting a refund"),
            ("/human", "Talk to a person"),
        ])
    );
    assert_eq!(
        titles("es"),
        pairs(&[
            ("damaged", "roto"),
            ("late", "late"),
            ("/orders.want_refund", "pedir un reembolso"),
            ("/human", "Hablar con una persona"),
            ("yes", "Sí"),
        ])
    );
}

#[test]
fn patterns_are_built_in_and_can_be_given() {
    let bundle = bundle();
    assert_eq!(bundle.patterns[&Pattern::Goodbye], "orders.sorry");
    assert_eq!(bundle.patterns[&Pattern::Greeting], "pattern.greeting");
    assert_eq!(
        bundle.responses["pattern.greeting"].variants["en"][0]
            .text
            .source(),
        "Hi, {bot} here"
    );
    let csat = &bundle.responses[&bundle.patterns[&Pattern::Csat]];
    assert_eq!(csat.variants["es"][0].buttons.len(), 5);
    assert_eq!(bundle.policy.default_queue, "people");
    assert_eq!(bundle.queues["people"].title["es"], "nuestro equipo");
}

#[test]
fn tests_name_ids() {
    let bundle = bundle();
    let test = &bundle.tests[0];
    assert_eq!(test.customer["id"], "42");
    assert_eq!(test.given.flow.as_deref(), Some("orders.refund"));
    assert_eq!(
        test.given.slots.keys().collect::<Vec<_>>(),
        ["order_info", "orders.amount", "orders.why"]
    );
    let amount = serde_json::json!({"amount": "5", "currency": "EUR"});
    assert_eq!(test.given.slots["orders.amount"], amount);
    let answers = &test.given.actions;
    assert_eq!(
        answers["orders.find_order"],
        serde_json::json!({"error": "timeout"})
    );
    assert_eq!(
        answers["orders.pay_back"],
        serde_json::json!({"ref": "0042"})
    );
    let expect = &test.turns[0].expect;
    assert_eq!(
        expect["said"],
        serde_json::json!(["orders.sorry", "greeting"])
    );
    assert_eq!(expect["did"], "orders.pay_back");
    assert_eq!(expect["slots"], serde_json::json!({"orders.why": "late"}));
    assert_eq!(expect["flow"], serde_json::Value::Null);
    let inputs: Vec<_> = test.turns.iter().map(|turn| turn.input.clone()).collect();
    assert_eq!(
        inputs,
        [
            TestInput::Press("yes".to_owned()),
            TestInput::Silence,
            TestInput::AgentReturns(None),
            TestInput::AgentReturns(Some("orders.refund".to_owned())),
        ]
    );
    assert_eq!(bundle.articles["cards/new"], "New");
}
