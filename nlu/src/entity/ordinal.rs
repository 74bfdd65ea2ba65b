//! Ordinals: a position in an order, first is 1.

use std::sync::LazyLock;

use serde_json::Value;

use super::number;
use super::text::{Kind, Lang, Text, Words, list, place};
use crate::Entity;

static EN: Words = LazyLock::new(|| {
    list(
        "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth \
         fourteenth fifteenth sixteenth seventeenth eighteenth nineteenth twentieth",
    )
});
static EN_TENS: Words = LazyLock::new(|| {
    list("twentieth thirtieth fortieth fiftieth sixtieth seventieth eightieth ninetieth")
});
static ES: Words = LazyLock::new(|| {
    list("primer segund tercer cuart quint sext septim octav noven decim undecim duodecim")
});

/// Adds the ordinals of the text.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let mut i = 0;
    while i < text.tokens.len() {
        let Some((to, n)) = parse(text, i, lang) else {
            i += 1;
            continue;
        };
        if is_length(text, i, lang) {
            i = to;
            continue;
        }
        // "A second", "un cuarto" and the like.
        let sure = if text.is(i, &["second", "cuarto"]) {
            0.6
        } else {
            0.9
        };
        found.push(super::entity(
            text,
            "ordinal",
            Value::String(n.to_string()),
            i,
            to,
            sure,
        ));
        i = to;
    }
}

/// "One second", "un segundo", "30 segundos": a length of time.
fn is_length(text: &Text, i: usize, lang: Lang) -> bool {
    if i == 0 || !text.is(i, &["second", "segundo"]) {
        return false;
    }
    let counted = match lang {
        Lang::En => number::below_hundred(text, i - 1, lang).is_some(),
        Lang::Es => text.is(i - 1, &["un"]),
    };
    let digits = text
        .tokens
        .get(i - 1)
        .is_some_and(|t| t.kind == Kind::Digits);
    counted || digits || text.is(i - 1, &["split", "per", "por"])
}

/// The ordinal that begins at `i`, with one past its last token.
pub(super) fn parse(text: &Text, i: usize, lang: Lang) -> Option<(usize, u32)> {
    let token = text.tokens.get(i)?;
    if token.kind == Kind::Digits {
        let n = token.fold.trim_end_matches('.').parse().ok()?;
        let dotted = usize::from(lang == Lang::Es && text.is(i + 1, &["."]));
        let endings: &[&str] = match lang {
            Lang::En => &["st", "nd", "rd", "th"],
            Lang::Es => &["o", "a", "er", "ero", "era", "\u{ba}", "\u{aa}", "\u{b0}"],
        };
        let at = i + 1 + dotted;
        return (text.glued(at) && text.is(at, endings)).then_some((at + 1, n));
    }
    let place = |words: &Words, word| place(words, word).map(|n| n + 1);
    match lang {
        Lang::En => {
            let Some(tens) = place(&number::EN_TENS, text.word(i)).map(|n| (n + 1) * 10) else {
                let large = match text.word(i) {
                    "hundredth" => Some(100),
                    "thousandth" => Some(1_000),
                    word => place(&EN_TENS, word).map(|n| (n + 1) * 10),
                };
                return place(&EN, text.word(i)).or(large).map(|n| (i + 1, n));
            };
            let next = if text.is(i + 1, &["-"]) { i + 2 } else { i + 1 };
            place(&EN, text.word(next))
                .filter(|n| *n < 10)
                .map(|n| (next + 1, tens + n))
        }
        Lang::Es => {
            let word = text.word(i);
            let stem = if place(&ES, word).is_some() {
                word
            } else {
                word.strip_suffix(['o', 'a'])?
            };
            // Of the stems themselves only `primer` and `tercer` are words.
            let is_word = stem != word || matches!(word, "primer" | "tercer");
            let tens = match stem {
                "vigesim" => Some(20),
                "trigesim" => Some(30),
                "centesim" => Some(100),
                _ => None,
            };
            place(&ES, stem)
                .filter(|_| is_word)
                .or(tens)
                .map(|n| (i + 1, n))
        }
    }
}
