//! The phrases that the acts are learned from: messages cut into clauses, each with what is done in it.
//!
//! A line is `open<TAB>[text](act) [text](act) …`: `open` has what the open question wants, kinds parted by commas or
//! `*` where it doesn't matter.

use std::collections::BTreeMap;

use super::{Act, open};

/// A message of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Phrase {
    pub(super) text: String,
    /// The kinds that may be open, as places in [`open::OPEN`]; empty where it doesn't matter.
    pub(super) open: Vec<usize>,
    /// Its clauses: first byte, one past the last, act.
    pub(super) clauses: Vec<(usize, usize, Act)>,
}

/// A language's phrases.
pub(super) struct Table {
    pub(super) language: &'static str,
    pub(super) name: &'static str,
    pub(super) text: &'static str,
}

/// Those that come with the program.
pub(super) const TABLES: [Table; 2] = [
    Table {
        language: "en",
        name: "phrases/en.tsv",
        text: include_str!("phrases/en.tsv"),
    },
    Table {
        language: "es",
        name: "phrases/es.tsv",
        text: include_str!("phrases/es.tsv"),
    },
];

/// Reads a table.
///
/// # Errors
/// A line isn't one, or says again what another says; the message names it.
pub(super) fn parse(name: &str, table: &str) -> Result<Vec<Phrase>, String> {
    let mut all: Vec<Phrase> = Vec::new();
    let mut known: BTreeMap<String, Vec<(usize, Vec<usize>)>> = BTreeMap::new();
    for (line, at) in table.lines().zip(1..) {
        let phrase = phrase(line).map_err(|why| format!("{name}, line {at}: {why}"))?;
        let same = known.entry(phrase.text.to_lowercase()).or_default();
        let clash = |open: &[usize]| {
            let any = open.is_empty() || phrase.open.is_empty();
            any || open.iter().any(|kind| phrase.open.contains(kind))
        };
        if let Some((other, _)) = same.iter().find(|(_, open)| clash(open)) {
            return Err(format!(
                "{name}, line {at}: it is the same as line {other}; take one out"
            ));
        }
        same.push((at, phrase.open.clone()));
        all.push(phrase);
    }
    Ok(all)
}

fn phrase(line: &str) -> Result<Phrase, String> {
    let (kinds, marked) = line
        .split_once('\t')
        .ok_or("a tab parts what is open from the marked text")?;
    let open = match kinds {
        "*" => Vec::new(),
        kinds => kinds
            .split(',')
            .map(|kind| open::place(kind).ok_or_else(|| format!("`{kind}` is no kind of question")))
            .collect::<Result<_, _>>()?,
    };
    let (mut text, mut clauses) = (String::new(), Vec::new());
    let mut rest = marked;
    while !rest.is_empty() {
        let spaces = rest.len() - rest.trim_start_matches(' ').len();
        text.push_str(&rest[..spaces]);
        rest = &rest[spaces..];
        let inner = rest
            .strip_prefix('[')
            .ok_or_else(|| format!("`{rest}` should begin with `[`"))?;
        let (own, after) = inner
            .split_once("](")
            .ok_or_else(|| format!("`{rest}` has no `](act)`"))?;
        let (act, after) = after
            .split_once(')')
            .ok_or_else(|| format!("`{rest}`: the act's `)` is missing"))?;
        let act = Act::from_name(act).ok_or_else(|| format!("`{act}` is no act"))?;
        if own.trim() != own || own.is_empty() {
            return Err(format!("`[{own}]` is empty or begins or ends with a blank"));
        }
        let start = text.len();
        text.push_str(own);
        clauses.push((start, text.len(), act));
        rest = after;
    }
    if clauses.is_empty() {
        return Err("it has no clause".to_owned());
    }
    Ok(Phrase {
        text,
        open,
        clauses,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_none_are_named() {
        let why = |table: &str| parse("en", table).expect_err("it is wrong");
        assert!(why("confirm [yes](affirm)").contains("line 1: a tab"));
        assert!(why("*\t[yes](affirm)\nconfirmed\t[no](deny)").contains("line 2: `confirmed`"));
        assert!(why("*\t[yes](afirm)").contains("`afirm` is no act"));
        assert!(why("*\tyes").contains("should begin"));
        assert!(why("*\t[yes](affirm").contains("missing"));
        assert!(why("*\t[yes ](affirm)").contains("blank"));
        assert!(why("*\t[yes](affirm)\ndate\t[Yes](deny)").contains("same as line 1"));
        assert!(parse("en", "date\t[evening](inform)\nnone\t[evening](greet)").is_ok());
    }

    #[test]
    fn clauses_have_their_places() {
        let all = parse("en", "confirm,none\t[no,](deny) [I meant 75](correct)").expect("a line");
        assert_eq!(all[0].text, "no, I meant 75");
        assert_eq!(all[0].clauses, [(0, 3, Act::Deny), (4, 14, Act::Correct)]);
        assert_eq!(all[0].open.len(), 2);
    }

    #[test]
    fn the_tables_that_come_along_are_whole() {
        for table in TABLES {
            let all = parse(table.name, table.text).unwrap_or_else(|why| panic!("{why}"));
            assert!(all.len() > 2000, "{}: {}", table.name, all.len());
        }
    }
}
