//! Declared patterns, in the text as written and in what speech spells out.

use regex::{Regex, RegexBuilder};
use serde_json::Value;

use super::duration::is_unit;
use super::text::{Kind, Lang, Text};
use super::{Error, money, number};
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
    pub(super) fn find(&self, text: &Text, lang: Lang, runs: &[Run], found: &mut Vec<Entity>) {
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
            for run in runs {
                self.find_spelled(text, run, found);
            }
            self.find_counted(text, lang, found);
        }
    }

    /// `four thousand eight hundred and twenty one`: digits said as one number.
    fn find_counted(&self, text: &Text, lang: Lang, found: &mut Vec<Entity>) {
        let scales = ["thousand", "mil", "hundred"];
        if !text
            .tokens
            .iter()
            .any(|t| scales.contains(&t.fold.as_str()))
        {
            return;
        }
        let mut i = 0;
        while i < text.tokens.len() {
            let word = text.tokens.get(i).is_some_and(|t| t.kind == Kind::Word);
            let Some(number) = word.then(|| number::parse(text, i, lang)).flatten() else {
                i += 1;
                continue;
            };
            let says = number.value.to_string();
            let whole = self
                .regex
                .find(&says)
                .is_some_and(|m| m.start() == 0 && m.end() == says.len());
            let counts = money::is_currency(text, number.to, lang) || is_unit(text, number.to);
            let new = super::entity(text, &self.entity, Value::String(says), i, number.to, 0.8);
            let known = found
                .iter()
                .any(|e| e.entity == new.entity && e.start < new.end && new.start < e.end);
            if whole && !counts && !known && number.to > i + 1 {
                found.push(new);
            }
            i = number.to;
        }
    }

    /// A run as a whole, then without the word before it that only looks like a letter (`a four
    /// eight`), then its digits alone.
    fn find_spelled(&self, text: &Text, run: &[Piece], found: &mut Vec<Entity>) {
        let stray = run.first().is_some_and(|p| p.weak && run.len() > 2);
        let tail = run.get(1..).filter(|_| stray);
        let digits = run.split(|p| !p.says.starts_with(|c: char| c.is_ascii_digit()));
        let digits = digits.filter(|d| d.len() < run.len());
        // "Dos y uno"
        let strong: Vec<Piece> = run.iter().filter(|p| p.says != "Y").cloned().collect();
        let strong = (strong.len() < run.len() && strong.len() > 1).then_some(strong.as_slice());
        for pieces in [Some(run), tail, strong]
            .into_iter()
            .flatten()
            .chain(digits)
        {
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

/// A stretch in which letters and digits are spelled.
pub(super) type Run = Vec<Piece>;

/// One part of something spelled: a letter, a digit or a small number.
#[derive(Debug, Clone)]
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

impl Piece {
    /// It says digits and nothing else.
    pub(super) fn is_digits(&self) -> bool {
        self.says.bytes().all(|b| b.is_ascii_digit())
    }
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

/// What someone says while thinking of the next digit.
const PAUSES: [&str; 10] = ["-", ",", "um", "uh", "er", "erm", "eh", "hmm", "mmm", "em"];

/// The stretches of two parts or more in which letters and digits are spelled.
pub(super) fn runs(text: &Text, lang: Lang) -> Vec<Run> {
    let mut runs = Vec::new();
    let mut run: Run = Vec::new();
    let mut i = 0;
    while i < text.tokens.len() {
        if let Some(piece) = piece(text, i, lang) {
            i = piece.to;
            run.push(piece);
        } else {
            // Commas and hyphens are how a transcript writes the pauses.
            if run.is_empty() || !PAUSES.contains(&text.word(i)) {
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
        "quadruple" => 4,
        _ => 1,
    };
    let strong = |to: usize, says: String| {
        Some(Piece {
            from: i,
            to,
            says,
            weak: false,
        })
    };
    if times > 1 {
        let (to, says, _) = single(text, i + 1, lang)?;
        return strong(to, says.repeat(times));
    }
    if let Some((to, says)) = plural(text, i, lang).or_else(|| hundreds(text, i, lang)) {
        return strong(to, says);
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

/// `two fours`, `tres ceros`
fn plural(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    let digit = match (lang, text.word(i + 1)) {
        (Lang::En, "zeros" | "zeroes" | "oh's" | "ohs") | (Lang::Es, "ceros") => "0",
        (Lang::En, "ones") | (Lang::Es, "unos") => "1",
        (Lang::En, "twos") => "2",
        (Lang::En, "threes") | (Lang::Es, "treses") => "3",
        (Lang::En, "fours") | (Lang::Es, "cuatros") => "4",
        (Lang::En, "fives") | (Lang::Es, "cincos") => "5",
        (Lang::En, "sixes") => "6",
        (Lang::En, "sevens") | (Lang::Es, "sietes") => "7",
        (Lang::En, "eights") | (Lang::Es, "ochos") => "8",
        (Lang::En, "nines") | (Lang::Es, "nueves") => "9",
        _ => return None,
    };
    let (to, times) = number::below_hundred(text, i, lang)?;
    let fits = to == i + 1 && (2..=4).contains(&times);
    fits.then(|| (i + 2, digit.repeat(usize::try_from(times).unwrap_or(1))))
}

/// `nine hundred` as 900, `four hundred fifty five` as 455, `seiscientos doce` as 612: but after
/// hundreds an English digit begins the next part.
fn hundreds(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    if lang == Lang::Es {
        let (to, value) = number::below_thousand(text, i)?;
        let next = text.is(to, &["mil"]);
        return (value >= 100 && !next).then(|| (to, value.to_string()));
    }
    let (at, n) = number::below_hundred(text, i, lang).filter(|(_, n)| *n > 0)?;
    if !text.is(at, &["hundred"]) || text.is(at + 1, &["thousand", "million", "and"]) {
        return None;
    }
    let rest = number::below_hundred(text, at + 1, lang).filter(|(_, n)| *n >= 10);
    let (to, rest) = rest.unwrap_or((at + 1, 0));
    Some((to, (n * 100 + rest).to_string()))
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
    if lang == Lang::Es
        && let Some((to, letter)) = letter_name(text, i)
    {
        let weak = matches!(word, "ese" | "te" | "be" | "ve" | "pe" | "ye" | "cu");
        return Some((to, letter.to_owned(), weak));
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

/// A letter by its Spanish name, where that is no common word: `jota`, `uve doble`.
pub(super) fn letter_name(text: &Text, i: usize) -> Option<(usize, &'static str)> {
    let names = [
        ("be", "B"),
        ("efe", "F"),
        ("ge", "G"),
        ("hache", "H"),
        ("jota", "J"),
        ("ka", "K"),
        ("ele", "L"),
        ("eme", "M"),
        ("ene", "N"),
        ("pe", "P"),
        ("cu", "Q"),
        ("erre", "R"),
        ("ere", "R"),
        ("ese", "S"),
        ("te", "T"),
        ("uve", "V"),
        ("ve", "V"),
        ("uve doble", "W"),
        ("doble uve", "W"),
        ("doble ve", "W"),
        ("doble u", "W"),
        ("equis", "X"),
        ("ye", "Y"),
        ("i griega", "Y"),
        ("zeta", "Z"),
    ];
    text.longest(i, &names).map(|(n, letter)| (i + n, letter))
}
