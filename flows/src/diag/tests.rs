use super::{Diagnostic, nearest, render_json, render_sarif, render_text};
use crate::source::{SourceFile, Sources};
use crate::span::Span;

fn sample() -> (Vec<Diagnostic>, Sources) {
    let long = format!("{}: x # {}", "k".repeat(150), "y".repeat(100));
    let text = format!("módulo: á\nflows: {{}}\n{long}\n");
    let at = |start, end| Span {
        file: 0,
        start,
        end,
    };
    let findings = vec![
        Diagnostic::error("E0201", at(0, 7), "unknown key `módulo`")
            .related(at(12, 17), "a key that is known")
            .help("did you mean `module`?")
            .fix("module"),
        Diagnostic::warning("W0601", at(23, 173), "a key that is very long"),
        Diagnostic::warning("W0602", at(9, 20), "over two lines"),
        Diagnostic::warning("W0603", at(4000, 5000), "past the end"),
    ];
    let sources = Sources {
        files: vec![SourceFile {
            path: "flows/a b.yaml".to_owned(),
            text,
        }],
    };
    (findings, sources)
}

#[test]
fn text_shows_line_caret_related_places_and_help() {
    let (findings, sources) = sample();
    insta::assert_snapshot!(render_text(&findings, &sources));
}

#[test]
fn json_counts_columns_in_characters() {
    let (findings, sources) = sample();
    let json: serde_json::Value =
        serde_json::from_str(&render_json(&findings, &sources)).expect("JSON");
    assert_eq!(json[0]["end_column"], 7);
    assert_eq!(json[0]["fix"], "module");
    assert_eq!(json[2]["end_line"], 2);
}

#[test]
fn sarif_has_rules_results_and_fixes() {
    let (findings, sources) = sample();
    let log: serde_json::Value =
        serde_json::from_str(&render_sarif(&findings, &sources)).expect("JSON");
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    assert_eq!(
        run["tool"]["driver"]["rules"].as_array().map(Vec::len),
        Some(4)
    );
    let first = &run["results"][0];
    assert_eq!(first["level"], "error");
    let place = &first["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "flows/a%20b.yaml");
    let inserted = &first["fixes"][0]["artifactChanges"][0]["replacements"][0];
    assert_eq!(inserted["insertedContent"]["text"], "module");
}

#[test]
fn nearest_wants_a_third_of_the_letters_at_most() {
    let names = ["order", "orders", "amount"];
    assert_eq!(nearest("ordr", names), Some("order"));
    assert_eq!(nearest("Amuont", names), Some("amount"));
    assert_eq!(nearest("zzz", names), None);
}
