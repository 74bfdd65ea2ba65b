//! Labelled texts from CSV (`text,label`) or JSON lines (`{text, intent, entities}`).

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::Error;

/// A text with what a person said it means.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Labelled {
    /// What was said.
    pub text: String,
    /// The right intent, or the out-of-scope label.
    #[serde(alias = "intent")]
    pub label: String,
    /// Spans that an entity finder should find; only JSON lines have them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entities: Vec<Span>,
}

/// A marked part of a text. Files count characters, as other tools do; in memory these are bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Span {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// What it is.
    pub entity: String,
}

/// Reads a file of labelled texts; a name that ends in `.jsonl` or `.json` is read as JSON lines,
/// any other as CSV with the header `text,label`.
///
/// # Errors
/// The file can't be read, or a line of it isn't what it should be; the error names the line.
pub fn read_file(path: &Path) -> Result<Vec<Labelled>, Error> {
    let text = std::fs::read_to_string(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
        hint: "give a CSV file with the header text,label, or JSON lines".to_owned(),
    })?;
    let json = path
        .extension()
        .is_some_and(|e| e == "jsonl" || e == "json");
    let rows = if json {
        json_lines(&text)
    } else {
        comma_separated(&text)
    };
    let rows = rows.map_err(|why| Error::data(path, why))?;
    if rows.is_empty() {
        return Err(Error::data(path, "it has no texts; add at least one line"));
    }
    Ok(rows)
}

fn comma_separated(text: &str) -> Result<Vec<Labelled>, String> {
    #[derive(Deserialize)]
    struct Line {
        text: String,
        #[serde(alias = "intent", alias = "category")]
        label: String,
    }
    csv::Reader::from_reader(text.as_bytes())
        .deserialize::<Line>()
        .map(|line| match line {
            Ok(Line { text, label }) => Ok(Labelled {
                text,
                label,
                entities: Vec::new(),
            }),
            Err(error) => Err(format!("{error}; the header must be text,label")),
        })
        .collect()
}

fn json_lines(text: &str) -> Result<Vec<Labelled>, String> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let mut row: Labelled =
                serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1))?;
            for span in &mut row.entities {
                bytes(&row.text, span).ok_or_else(|| {
                    let Span { start, end, entity } = &span;
                    let at = at + 1;
                    format!("line {at}: {entity} at characters {start}..{end} isn't in the text")
                })?;
            }
            Ok(row)
        })
        .collect()
}

/// Turns the places of a span from characters into bytes; nothing where they aren't in the text.
fn bytes(text: &str, span: &mut Span) -> Option<()> {
    let places = text.char_indices().map(|(at, _)| at).chain([text.len()]);
    let place = |character: usize| places.clone().nth(character);
    let (start, end) = (place(span.start)?, place(span.end)?);
    (start < end).then(|| (span.start, span.end) = (start, end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(name: &str, text: &str) -> Result<Vec<Labelled>, Error> {
        let dir = tempfile::tempdir().expect("a temporary folder");
        let path = dir.path().join(name);
        std::fs::write(&path, text).expect("a file is written");
        read_file(&path)
    }

    #[test]
    fn both_formats_say_the_same() {
        let csv = read("a.csv", "text,label\n\"hello, you\",greet\n").expect("CSV reads");
        let json = read(
            "a.jsonl",
            "{\"text\":\"hello, you\",\"intent\":\"greet\"}\n",
        )
        .expect("JSON reads");
        assert_eq!(csv, json);
        assert_eq!(csv[0].text, "hello, you");
    }

    #[test]
    fn places_in_files_are_characters() {
        let line =
            r#"{"text":"a café now","intent":"b","entities":[{"start":7,"end":10,"entity":"x"}]}"#;
        let rows = read("a.jsonl", line).expect("JSON reads");
        let span = &rows[0].entities[0];
        assert_eq!(&rows[0].text[span.start..span.end], "now");
    }

    #[test]
    fn a_wrong_line_is_named() {
        let span = "{\"text\":\"a\",\"intent\":\"b\",\"entities\":[{\"start\":0,\"end\":9,\"entity\":\"x\"}]}";
        let error = read("a.jsonl", &format!("\n{span}\n")).expect_err("the span is outside");
        assert!(error.to_string().contains("line 2"), "{error}");
        let error = read("a.csv", "words,label\na,b\n").expect_err("no text column");
        assert!(error.to_string().contains("text,label"), "{error}");
        assert!(read("a.csv", "text,label\n").is_err());
    }
}
