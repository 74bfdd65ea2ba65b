//! What an answer to a list of options means.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::Frame;
use super::render::with_titles;
use crate::message::{Button, Outgoing};

/// Words that say that a number counts options, folded as [`fold`] does. "no" alone is none: "no 2"
/// is "no, 2" as often as "number two".
const COUNTING: [&str; 19] = [
    "option", "choice", "number", "no.", "nr", "opcion", "numero", "n.o", "opcao", "choix",
    "numer", "nummer", "auswahl", "opzione", "scelta", "optie", "keuze", "opcja", "num",
];
/// What may stand before such a word.
const ARTICLES: [&str; 13] = [
    "the", "la", "el", "le", "l", "die", "der", "das", "il", "lo", "a", "o", "de",
];

/// What was offered last. The caller keeps it with the conversation until something else is said.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Offer {
    /// The options in the order and with the titles in which they were shown.
    pub options: Vec<Button>,
    /// They were shown as numbered lines. Only then is a bare number an answer: under buttons, "2"
    /// answers "how many?" and is no second option.
    pub numbered: bool,
}

impl Offer {
    /// What is offered by something said, given the frames that it was rendered to.
    pub fn new(said: &Outgoing, frames: &[Frame]) -> Self {
        Self {
            options: with_titles(&said.buttons),
            numbered: !said.buttons.is_empty() && matches!(frames.last(), Some(Frame::Text(_))),
        }
    }

    /// The option whose button was pressed: by its payload, or by the token that stands in for it.
    /// `None` where it belongs to an earlier offer.
    pub fn pressed(&self, payload: &str) -> Option<&Button> {
        by_token(payload, self).or_else(|| {
            self.options
                .iter()
                .find(|option| option.payload == payload && !payload.is_empty())
        })
    }
}

/// The option that a typed answer or a token names, if it names one and nothing else.
///
/// Taken are a title (case, accents and a full stop aside), "option 2" and "#2", and, where the
/// options were numbered, "2", "2." and "(2)". A number within a sentence, beyond the list, or
/// that is part of another option's title ("2" for "2 cards") names none: the text then means what
/// it says.
pub fn chosen<'a>(typed: &str, offer: &'a Offer) -> Option<&'a Button> {
    if let Some(option) = by_token(typed.trim(), offer) {
        return Some(option);
    }
    let typed = fold(typed);
    if typed.is_empty() {
        return None;
    }
    let mut titled = offer
        .options
        .iter()
        .filter(|option| fold(&option.title) == typed);
    if let Some(option) = titled.next() {
        // Two titles that differ in an accent alone: either may be meant.
        return titled.next().is_none().then_some(option);
    }
    let (number, is_counted) = numbered(&typed)?;
    let at = number.checked_sub(1)?;
    let option = offer.options.get(at)?;
    if is_counted {
        return Some(option);
    }
    let is_elsewhere = offer
        .options
        .iter()
        .enumerate()
        .any(|(other, option)| other != at && has_number(&option.title, number));
    (offer.numbered && !is_elsewhere).then_some(option)
}

/// Stands in for the payload of the option at a place, counted from 0. Says which option and which
/// payload, so that a button of an earlier offer is not taken for one of the last.
pub(super) fn token(at: usize, payload: &str) -> String {
    let digest = Sha256::digest(payload.as_bytes());
    format!("#{}.{}", at + 1, hex::encode(&digest[..4]))
}

fn by_token<'a>(text: &str, offer: &'a Offer) -> Option<&'a Button> {
    let number = text.strip_prefix('#')?.split_once('.')?.0;
    let at = number.parse::<usize>().ok()?.checked_sub(1)?;
    let option = offer.options.get(at)?;
    (token(at, &option.payload) == text).then_some(option)
}

/// The number that a folded answer consists of, and whether it says that it counts options.
fn numbered(folded: &str) -> Option<(usize, bool)> {
    if let Some(number) = folded.strip_prefix('#') {
        return digits(number.trim_start()).map(|number| (number, true));
    }
    if let Some((before, number)) = folded.rsplit_once(' ') {
        let word = match before.split_once(' ') {
            Some((article, word)) if ARTICLES.contains(&article) => word,
            _ => before,
        };
        let is_counting =
            COUNTING.contains(&word) || COUNTING.contains(&word.trim_end_matches('.'));
        let number = digits(number.trim_start_matches('#')).filter(|_| is_counting)?;
        return Some((number, true));
    }
    let bare = folded
        .strip_prefix('(')
        .and_then(|rest| rest.strip_suffix(')'))
        .unwrap_or(folded);
    digits(bare).map(|number| (number, false))
}

/// A number as one writes it in counting: no sign, no leading zero, at most three digits.
fn digits(text: &str) -> Option<usize> {
    let text = text.trim_end_matches(['.', ')', ':']);
    let is_count = (1..=3).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_digit())
        && !text.starts_with('0');
    is_count.then(|| text.parse().ok()).flatten()
}

fn has_number(title: &str, number: usize) -> bool {
    title
        .split(|c: char| !c.is_ascii_digit())
        .any(|digits| digits.parse() == Ok(number))
}

/// A text without case, accents, outer white space, and the stops that people put around it.
fn fold(text: &str) -> String {
    let bare: String = text
        .nfkd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .collect();
    let words: Vec<&str> = bare.split_whitespace().collect();
    words
        .join(" ")
        .trim_start_matches(['¡', '¿'])
        .trim_end_matches(['.', '!', ',', ';'])
        .trim()
        .to_owned()
}
