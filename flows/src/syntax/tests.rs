use super::{Kind, Node, parse};
use proptest::prelude::*;

fn read(text: &str) -> Node {
    let (node, findings) = parse(0, text);
    assert_eq!(findings, Vec::new());
    node.expect("the text has a value")
}

fn slice(text: &str, node: &Node) -> String {
    text[node.span.start as usize..node.span.end as usize].to_owned()
}

fn codes(text: &str) -> Vec<&'static str> {
    parse(0, text)
        .1
        .iter()
        .map(|finding| finding.code)
        .collect()
}

fn entries(node: &Node) -> &[super::Entry] {
    match &node.kind {
        Kind::Map(entries) => entries,
        other => panic!("not a map: {other:?}"),
    }
}

#[test]
fn spans_are_bytes_after_accents() {
    let text = "título: ñandú\nb: \"é\"\nc: [ü, {d: 'ß'}]\n";
    let node = read(text);
    let map = entries(&node);
    assert_eq!(slice(text, &map[0].value), "ñandú");
    assert_eq!(slice(text, &map[1].value), "\"é\"");
    assert_eq!(slice(text, &map[2].value), "[ü, {d: 'ß'}]");
    let key = map[2].key_span;
    assert_eq!(&text[key.start as usize..key.end as usize], "c");
    let inner = map[1].value.scalar().expect("a scalar").inner;
    assert_eq!(&text[inner.start as usize..inner.end as usize], "é");
}

#[test]
fn a_block_ends_with_its_last_value() {
    let text = "a:\n  b: 1\n  c:\n    - x\n    - yy\n\n# later\nd: 2\n";
    let node = read(text);
    assert_eq!(
        slice(text, &entries(&node)[0].value),
        "b: 1\n  c:\n    - x\n    - yy"
    );
}

#[test]
fn bare_yes_no_and_on_stay_text() {
    let node =
        read("a: yes\nb: no\non: off\nc: true\nd: ~\ne: 0x1F\nf: '12'\ng: 1.50\nh: 1e3\ni: .5\n");
    let json = node.to_json();
    assert_eq!(
        json,
        serde_json::json!({
            "a": "yes", "b": "no", "on": "off", "c": true, "d": null, "e": 31, "f": "12",
            "g": 1.5, "h": 1000.0, "i": 0.5
        })
    );
}

#[test]
fn a_key_twice_names_both_places() {
    let text = "a: 1\nb: 2\na: 3\n";
    let (_, findings) = parse(0, text);
    assert_eq!(findings.len(), 1);
    assert_eq!((findings[0].code, findings[0].span.start), ("E0105", 10));
    assert_eq!(findings[0].related[0].0.start, 0);
}

#[test]
fn hostile_files_are_refused() {
    assert_eq!(codes("a: &x [1, 2]\nb: *x\n"), ["E0104"]);
    let deep = format!("a: {}{}", "[".repeat(70), "]".repeat(70));
    assert_eq!(codes(&deep), ["E0103"]);
    assert_eq!(
        codes(&format!("a: \"{}\"", "x".repeat(super::MAX_FILE))),
        ["E0102"]
    );
    assert_eq!(codes("a: 1\n---\nb: 2\n"), ["E0107"]);
    assert_eq!(codes("? [a]\n: 1\n"), ["E0106"]);
    assert_eq!(codes("a: !secret x\n"), ["E0108"]);
    assert_eq!(codes("a: [1, 2\nb: 3\n"), ["E0101"]);
}

#[test]
fn an_empty_file_has_no_tree() {
    assert!(
        parse(0, "# nothing but a word\n")
            .0
            .is_none_or(|node| node.is_null())
    );
}

proptest! {
    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let text = String::from_utf8_lossy(&bytes);
        let (_, findings) = parse(0, &text);
        for finding in findings {
            prop_assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some());
        }
    }

    #[test]
    fn no_yaml_like_text_panics(text in "([a-c]: |- |\\[|\\]|\\{|\\}|\"|'|\n|  |é|x|,|#|&a |\\*a|!t |\\||>|\\?|---){0,60}") {
        let (node, findings) = parse(0, &text);
        for finding in &findings {
            prop_assert!(text.get(finding.span.start as usize..finding.span.end as usize).is_some());
        }
        if let Some(node) = node {
            prop_assert!(text.get(node.span.start as usize..node.span.end as usize).is_some());
        }
    }
}
