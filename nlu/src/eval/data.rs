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
    let text = read_text(path)?;
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

/// Reads a file of text in UTF-8, with or without the mark that some programs begin it with.
///
/// # Errors
/// The file can't be read, or isn't UTF-8; the error names the line.
pub fn read_text(path: &Path) -> Result<String, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Read {
        path: path.to_owned(),
        source,
        hint: "give a file of text that is there".to_owned(),
    })?;
    decode(bytes).map_err(|why| Error::data(path, why))
}

/// Bytes as text without a byte order mark, or why they aren't text in UTF-8, and where.
fn decode(bytes: Vec<u8>) -> Result<String, String> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let bytes = error.as_bytes();
        let line = bytes[..good].iter().filter(|b| **b == b'\n').count() + 1;
        let start = bytes[..good].iter().rposition(|b| *b == b'\n');
        let column = good - start.map_or(0, |at| at + 1) + 1;
        let byte = bytes.get(good).copied().unwrap_or_default();
        format!("line {line}, byte {column}: {byte:#04x} isn't UTF-8; save the file as UTF-8")
    })?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

fn comma_separated(text: &str) -> Result<Vec<Labelled>, String> {
    #[derive(Deserialize)]
    struct Line {
        text: String,
        #[serde(alias = "intent", alias = "category")]
        label: String,
    }
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header = reader.headers().map_err(|error| error.to_string())?;
    for names in [&["text"][..], &["label", "intent", "category"]] {
        if !header.iter().any(|name| names.contains(&name)) {
            let found: Vec<&str> = header.iter().collect();
            return Err(format!(
                "line 1: no column {}; the header must be text,label and is {}",
                names[0],
                found.join(",")
            ));
        }
    }
    let mut rows = Vec::new();
    for line in reader.deserialize::<Line>() {
        let Line { text, label } = line.map_err(|error| error.to_string())?;
        rows.push(Labelled {
            text,
            label,
            entities: Vec::new(),
        });
    }
    Ok(rows)
}

fn json_lines(text: &str) -> Result<Vec<Labelled>, String> {
    let lines = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let mut row: Labelled =
                serde_json::from_str(line).map_err(|error| wrong_line(at + 1, &error))?;
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

/// What is wrong with a line of JSON; the parser counts its own lines, and each has only one.
fn wrong_line(line: usize, error: &serde_json::Error) -> String {
    let said = error.to_string();
    let why = said.rsplit_once(" at line 1 column ");
    let why = why.map_or(said.as_str(), |(why, _)| why);
    format!("line {line}, byte {}: {why}", error.column())
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
        assert!(error.to_string().contains("no column text"), "{error}");
        let error = read("a.csv", "text,words\na,b\n").expect_err("no label column");
        assert!(error.to_string().contains("no column label"), "{error}");
        let error = read("a.csv", "text,label\na,b\nc\n").expect_err("a field is missing");
        assert!(error.to_string().contains("line: 3"), "{error}");
        assert!(read("a.csv", "text,label\n").is_err());
        assert!(read("a.csv", "").is_err());
        let half = "{\"text\":\"\\ud83d\",\"intent\":\"b\"}";
        let error = read("a.jsonl", &format!("\n{half}\n")).expect_err("half a character");
        assert!(error.to_string().contains("line 2, byte 16: "), "{error}");
        let error = read("a.jsonl", "{\"text\":\"a\"}").expect_err("no intent");
        assert!(error.to_string().contains("line 1"), "{error}");
    }

    #[test]
    fn bytes_that_are_no_text_are_named_and_a_mark_at_the_start_is_not_text() {
        let error = decode(b"text,label\nok,a\nna\xefve,b\n".to_vec()).expect_err("Latin-1");
        assert!(error.starts_with("line 3, byte 3: 0xef"), "{error}");
        let error = decode(b"\xff\xfet\0e\0".to_vec()).expect_err("UTF-16");
        assert!(error.starts_with("line 1, byte 1: 0xff"), "{error}");
        let marked = read("a.csv", "\u{feff}text,label\r\nhi,a\r\n").expect("it reads");
        assert_eq!(
            (marked[0].text.as_str(), marked[0].label.as_str()),
            ("hi", "a")
        );
    }
}
