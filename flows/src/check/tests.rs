//! Each finding on a bot that has it, and none on one that has not.

use crate::compile::compile;
use crate::diag::Diagnostic;
use crate::source::{SourceFile, Sources};

const BOT: &str = "schema: 1\nname: Shop\nlanguages: [en, es]\ntime_zone: UTC\ncurrency: EUR\n\
                   queues: {desk: {title: Desk}}\nhandoff: {default_queue: desk}\n";

const PARTS: &str = r#"
schema: 1
entities:
  size: {type: list, values: {small: {en: [small]}, big: {en: [big]}}}
slots:
  size: {type: size}
  tries: {type: number}
actions:
  look: {http: {get: "{env.SHOP}/look", timeout: 2s}, returns: {found: bool}, stub: {found: true}}
  pay: {http: {post: "{env.SHOP}/pay", timeout: 2s}, effect: irreversible, returns: {ref: text}, stub: {ref: r}}
responses:
  hi: {en: Hi, es: Hola}
  sure: {en: Sure?, es: ¿Seguro?}
  ask_size: {en: Which size?, es: ¿Qué talla?}
"#;

/// What compiling a bot with this file finds in it.
fn findings(yaml: &str) -> Vec<Diagnostic> {
    let file = |path: &str, text: &str| SourceFile {
        path: path.to_owned(),
        text: text.to_owned(),
    };
    let sources = Sources {
        files: vec![
            file("bot.yaml", BOT),
            file("flows/a.yaml", PARTS),
            file("flows/b.yaml", &format!("schema: 1\n{yaml}")),
        ],
    };
    let mut all = compile(&sources, &[]).diagnostics;
    let other = all
        .iter()
        .find(|d| d.code.starts_with('E') && !d.code.starts_with("E07"));
    assert!(other.is_none(), "{other:?}");
    all.retain(|d| d.span.file == 2 && d.code[1..].starts_with("07"));
    all
}

/// Codes of the findings, with the first line of what each points at.
fn found(yaml: &str) -> Vec<(&'static str, String)> {
    let whole = format!("schema: 1\n{yaml}");
    findings(yaml)
        .into_iter()
        .map(|d| {
            let (start, end) = (d.span.start as usize, d.span.end as usize);
            let text = whole.get(start..end).unwrap_or_default();
            (d.code, text.lines().next().unwrap_or_default().to_owned())
        })
        .collect()
}

fn codes(yaml: &str) -> Vec<&'static str> {
    found(yaml).into_iter().map(|(code, _)| code).collect()
}

#[test]
fn a_step_after_the_end_is_never_reached() {
    let yaml = "flows:\n  f:\n    steps:\n      - end: done\n      - say: hi\n";
    let found = found(yaml);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "W0701");
    assert!(found[0].1.contains("say"), "{found:?}");
    let both = "flows:\n  f:\n    steps:\n      - if: tries == null\n        then: {end: a}\n        else: {handoff: desk}\n      - say: hi\n";
    assert_eq!(codes(both), ["W0701"]);
    let one = "flows:\n  f:\n    steps:\n      - if: tries == null\n        then: {end: a}\n      - say: hi\n";
    assert!(codes(one).is_empty());
}

#[test]
fn a_loop_must_wait_or_change_what_it_tests() {
    let quiet = "flows:\n  f:\n    steps:\n      - while: tries < 3\n        steps: [{say: hi}]\n";
    assert_eq!(codes(quiet), ["E0702"]);
    let one_way = "flows:\n  f:\n    steps:\n      - while: tries < 3\n        steps:\n          - if: size == null\n            then: {set: {tries: tries + 1}}\n";
    assert_eq!(codes(one_way), ["E0702"]);
    let counts = "flows:\n  f:\n    steps:\n      - while: tries < 3\n        steps: [{say: hi}, {set: {tries: tries + 1}}]\n";
    assert!(codes(counts).is_empty());
    let asks =
        "flows:\n  f:\n    steps:\n      - while: size == null\n        steps: [{ask: size}]\n";
    assert!(codes(asks).is_empty());
}

#[test]
fn flows_that_go_round_without_waiting() {
    let yaml = "flows:\n  a:\n    steps: [{say: hi}, {go: b}]\n  b:\n    steps: [{go: a}]\n";
    assert_eq!(codes(yaml), ["E0702", "E0702"]);
    let waits = "flows:\n  a:\n    steps: [{ask: size}, {go: b}]\n  b:\n    steps: [{go: a}]\n";
    assert!(codes(waits).is_empty());
}

#[test]
fn flows_that_call_each_other() {
    let yaml = "flows:\n  a:\n    steps: [{call: b}]\n  b:\n    steps: [{ask: size}, {call: c}]\n  c:\n    steps: [{call: a}]\n";
    let all = findings(yaml);
    let circle: Vec<_> = all.iter().filter(|d| d.code == "E0703").collect();
    assert_eq!(circle.len(), 1);
    assert!(
        circle[0].message.ends_with("a → b → c → a"),
        "{}",
        circle[0].message
    );
}

#[test]
fn what_cannot_be_undone_is_confirmed_on_every_way() {
    let bare = "flows:\n  f:\n    steps: [{do: pay}]\n";
    assert_eq!(codes(bare), ["E0704"]);
    let confirmed =
        "flows:\n  f:\n    steps: [{confirm: sure, on_no: {end: declined}}, {do: pay}]\n";
    assert!(codes(confirmed).is_empty());
    let no_goes_on = "flows:\n  f:\n    steps: [{confirm: sure, on_no: {say: hi}}, {do: pay}]\n";
    assert_eq!(codes(no_goes_on), ["E0704"]);
    let one_way = "flows:\n  f:\n    steps:\n      - if: size == null\n        then: {confirm: sure, on_no: {end: x}}\n      - do: pay\n";
    assert_eq!(codes(one_way), ["E0704"]);
    let in_sub_flow = "flows:\n  f:\n    steps: [{confirm: sure, on_no: {end: x}}, {call: g}]\n  g:\n    steps: [{do: pay}]\n";
    assert!(codes(in_sub_flow).is_empty());
    let unanswered = "flows:\n  f:\n    steps:\n      - {confirm: sure, on_no: {end: x}, no_match: [hi], exhausted: {say: hi}}\n      - {do: pay}\n";
    assert_eq!(codes(unanswered), ["E0704"]);
    let gone_to = "flows:\n  f:\n    steps: [{confirm: sure, on_no: {end: x}}, {call: g}]\n  g:\n    steps: [{do: pay}]\n  h:\n    steps: [{say: hi}, {go: g}]\n";
    assert_eq!(codes(gone_to), ["E0704"]);
    let sub_flow_bare = "flows:\n  f:\n    steps: [{call: g}]\n  g:\n    steps: [{do: pay}]\n";
    assert_eq!(codes(sub_flow_bare), ["E0704"]);
}

#[test]
fn hints_need_an_end() {
    let open = "flows:\n  f:\n    steps: [{ask: size, no_match: [hi]}]\n";
    assert_eq!(codes(open), ["W0705"]);
    let closed =
        "flows:\n  f:\n    steps: [{ask: size, no_match: [hi], exhausted: {handoff: desk}}]\n";
    assert!(codes(closed).is_empty());
}

#[test]
fn examples_teach_one_thing() {
    let list = |words: &[&str]| words.join(", ");
    let five = list(&["one a", "two b", "three c", "four d", "five e"]);
    let cinco = list(&["uno a", "dos b", "tres c", "cuatro d", "cinco e"]);
    let seis = list(&["seis", "siete", "ocho", "nueve", "diez"]);
    let yaml = |more: &str| {
        format!(
            "intents:\n  x: {{examples: {{en: [{five}], es: [{cinco}]}}}}\n  y: {{examples: {{en: [six, seven, eight, nine, ten{more}], es: [{seis}]}}}}\n"
        )
    };
    assert_eq!(found(&yaml("")), []);
    assert_eq!(codes(&yaml(", Two B!")), ["E0706"]);
    assert_eq!(codes(&yaml(", b two")), ["W0707"]);
    let few = format!("intents:\n  x: {{examples: {{en: [one, two], es: [{cinco}]}}}}\n");
    assert_eq!(codes(&few), ["W0708"]);
}

#[test]
fn a_condition_names_values_that_the_list_has() {
    let step = |test: &str| {
        format!("flows:\n  f:\n    steps:\n      - if: \"{test}\"\n        then: {{say: hi}}\n")
    };
    assert_eq!(
        found(&step("size == 'small' || size in ['big', 'small']")),
        []
    );
    let wrong = found(&step("tries == null || size != 'smal'"));
    assert_eq!(wrong, [("E0709", "'smal'".to_owned())]);
    assert_eq!(
        found(&step("size in ['big', 'huge']")),
        [("E0709", "'huge'".to_owned())]
    );
    let fix = findings(&step("'smal' == size")).remove(0).fix;
    assert_eq!(fix.as_deref(), Some("'small'"));
    let text = "responses:\n  r: {en: [{when: \"size == 'x'\", text: A}, B], es: C}\n";
    assert_eq!(codes(text), ["E0709"]);
}
