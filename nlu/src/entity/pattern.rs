//! Declared patterns, in the text as written and in what speech spells out.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::text::{Kind, Lang, Text};
use super::{Error, number};
use crate::Entity;
use crate::acts::Polarity;

/// A declared regular expression.
#[derive(Debug)]
pub(super) struct Pattern {
    entity: String,
    regex: Regex,
    spelled: bool,
}

impl Pattern {
    /// Compiles `pattern`, without regard to case unless it says otherwise.
    pub(super) fn new(entity: &str, pattern: &str, spelled: bool) -> Result<Pattern, Error> {
        Ok(Pattern {
            entity: entity.to_owned(),
            regex: compile(entity, pattern)?,
            spelled,
        })
    }

    /// Adds the pattern's matches.
    pub(super) fn find(&self, text: &Text, lang: Lang, found: &mut Vec<Entity>) {
        for m in self.regex.find_iter(text.raw).filter(|m| !m.is_empty()) {
            found.push(Entity {
                entity: self.entity.clone(),
                value: Value::String(m.as_str().to_owned()),
                start: m.start(),
                end: m.end(),
                confidence: 1.0,
                polarity: Polarity::default(),
            });
        }
        if self.spelled {
            for run in runs(text, lang) {
                self.find_spelled(text, &run, found);
            }
        }
    }

    /// A run as a whole, then without the word before it that only looks like a letter (`a four
    /// eight`), then its digits alone.
    fn find_spelled(&self, text: &Text, run: &[Piece], found: &mut Vec<Entity>) {
        let stray = run.first().is_some_and(|p| p.weak && run.len() > 2);
        let tail = run.get(1..).filter(|_| stray);
        let digits = run.split(|p| !p.says.starts_with(|c: char| c.is_ascii_digit()));
        let digits = digits.filter(|d| d.len() < run.len());
        for pieces in [Some(run), tail].into_iter().flatten().chain(digits) {
            let upper: String = pieces.iter().map(|p| p.says.as_str()).collect();
            for says in [upper.to_lowercase(), upper] {
                for m in self.regex.find_iter(&says).filter(|m| !m.is_empty()) {
                    let Some((from, to)) = place(pieces, m.start(), m.end()) else {
                        continue;
                    };
                    let value = Value::String(m.as_str().to_uppercase());
                    let cased = Value::String(m.as_str().to_owned());
                    // The capitals are what is meant; small letters only count for a pattern that
                    // insists on them.
                    let value = if self.regex.is_match(&m.as_str().to_uppercase()) {
                        value
                    } else {
                        cased
                    };
                    let new = super::entity(text, &self.entity, value, from, to, 0.85);
                    // As written is better than as spelled.
                    let known = found.iter().any(|e| {
                        e.entity == new.entity && e.start == new.start && e.end == new.end
                    });
                    if !known {
                        found.push(new);
                    }
                }
            }
        }
    }
}

/// Compiles a pattern for `entity`.
pub(super) fn compile(entity: &str, pattern: &str) -> Result<Regex, Error> {
    RegexBuilder::new(pattern)
        .case_insensitive(true)
        .build()
        .map_err(|source| Error::Pattern {
            entity: entity.to_owned(),
            source: Box::new(source),
        })
}

/// One part of something spelled: a letter, a digit or a small number.
#[derive(Debug)]
pub(super) struct Piece {
    /// First token.
    pub(super) from: usize,
    /// One past the last token.
    pub(super) to: usize,
    /// What it stands for.
    pub(super) says: String,
    /// A common word besides (`a`, `I`, `oh`, `y`).
    weak: bool,
}

/// The parts' tokens for bytes `start..end` of what they say together, if those are whole parts.
fn place(pieces: &[Piece], start: usize, end: usize) -> Option<(usize, usize)> {
    let mut at = 0;
    let mut from = None;
    for piece in pieces {
        if at == start {
            from = Some(piece.from);
        }
        at += piece.says.len();
        if at == end {
            return from.map(|from| (from, piece.to));
        }
    }
    None
}

/// The stretches of two parts or more in which letters and digits are spelled.
pub(super) fn runs(text: &Text, lang: Lang) -> Vec<Vec<Piece>> {
    let mut runs = Vec::new();
    let mut run: Vec<Piece> = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        if let Some(piece) = piece(text, i, lang) {
            i = piece.to;
            run.push(piece);
        } else {
            // Commas and hyphens are how a transcript writes the pauses.
            if run.is_empty() || !matches!(text.word(i), "-" | ",") {
                runs.push(std::mem::take(&mut run));
            }
            i += 1;
        }
    }
    runs.push(run);
    runs.retain(|r| r.len() > 1 || r.iter().any(|p| p.to - p.from > 1));
    runs
}

fn piece(text: &Text, i: usize, lang: Lang) -> Option<Piece> {
    let times = match text.word(i) {
        "double" | "doble" => 2,
        "triple" | "treble" => 3,
        _ => 1,
    };
    if times > 1 {
        let (to, says, _) = single(text, i + 1, lang)?;
        return Some(Piece {
            from: i,
            to,
            says: says.repeat(times),
            weak: false,
        });
    }
    let (to, says, weak) = single(text, i, lang)?;
    let to = likened(text, to, &says, lang).unwrap_or(to);
    Some(Piece {
        from: i,
        to,
        says,
        weak,
    })
}

/// The words that radio uses for letters.
const RADIO: &str = "alpha alfa bravo charlie delta echo foxtrot golf hotel india juliet juliett kilo \
    lima mike november oscar papa quebec romeo sierra tango uniform victor whiskey yankee zulu xray";

/// One past `as in Bravo`, `for Sierra` or `de Barcelona` after a letter that it begins with.
fn likened(text: &Text, to: usize, letter: &str, lang: Lang) -> Option<usize> {
    let joints: &[(&str, ())] = match lang {
        Lang::En => &[("as in", ()), ("for", ()), ("like", ()), ("is for", ())],
        Lang::Es => &[("de", ()), ("como", ()), ("como en", ())],
    };
    let (n, ()) = text.longest(to, joints)?;
    let letter = letter.to_lowercase();
    let is_letter = letter.len() == 1 && letter.starts_with(|c: char| c.is_ascii_lowercase());
    let at = to + n;
    // X as in x-ray.
    let hyphened = text.is(at + 1, &["-"]) && text.glued(at + 1) && text.glued(at + 2);
    let known = is_letter && text.word(at).starts_with(&letter);
    known.then_some(if hyphened { at + 3 } else { at + 1 })
}

fn single(text: &Text, i: usize, lang: Lang) -> Option<(usize, String, bool)> {
    let token = text.tokens.get(i)?;
    let word = token.fold.as_str();
    if token.kind == Kind::Digits {
        return word
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| (i + 1, word.to_owned(), false));
    }
    if token.kind != Kind::Word {
        return None;
    }
    if lang == Lang::En && matches!(word, "oh" | "o") {
        return Some((i + 1, "0".to_owned(), true));
    }
    if let Some((to, n)) = number::below_hundred(text, i, lang) {
        return Some((to, n.to_string(), false));
    }
    if RADIO.split(' ').any(|w| w == word) {
        let letter = word.get(..1).unwrap_or_default().to_uppercase();
        return Some((i + 1, letter, false));
    }
    if word == "x" && text.is(i + 1, &["-"]) && text.is(i + 2, &["ray"]) && text.glued(i + 2) {
        return Some((i + 3, "X".to_owned(), false));
    }
    let letter = word.len() == 1 && word.starts_with(|c: char| c.is_ascii_lowercase());
    let weak = matches!(word, "a" | "i" | "y" | "o" | "e");
    letter.then(|| (i + 1, word.to_uppercase(), weak))
}
