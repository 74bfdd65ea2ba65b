//! The text as tokens: words, numerals and signs, each with its place in the original text and
//! folded for case and accents, so that every finder compares words and none computes offsets.

use std::sync::LazyLock;

use unicode_normalization::{UnicodeNormalization, char::is_combining_mark};

/// A language that the system types know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    /// English, also for a language that isn't known here.
    En,
    /// Spanish.
    Es,
}

impl Lang {
    /// From a tag such as `es` or `es-MX`.
    pub(super) fn of(tag: &str) -> Lang {
        let primary = tag.split(['-', '_']).next().unwrap_or_default();
        if primary.eq_ignore_ascii_case("es") {
            Lang::Es
        } else {
            Lang::En
        }
    }
}

/// Words in an order that says what they stand for.
pub(super) type Words = LazyLock<Vec<&'static str>>;

/// The words of a list, parted by spaces.
pub(super) fn list(words: &'static str) -> Vec<&'static str> {
    words.split(' ').collect()
}

/// The number of a word in a list.
pub(super) fn place(words: &[&str], word: &str) -> Option<u32> {
    let at = words.iter().position(|w| *w == word)?;
    u32::try_from(at).ok()
}

/// What a token is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Letters, with apostrophes inside.
    Word,
    /// Digits, with single points and commas inside.
    Digits,
    /// One other character.
    Sign,
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    /// First byte in the text.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// Lower case, without accents, `'` for every apostrophe.
    pub(super) fold: String,
    /// What it is made of.
    pub(super) kind: Kind,
    /// White space, or the start of the text, comes before it.
    pub(super) spaced: bool,
}

/// A text with its tokens.
pub(super) struct Text<'a> {
    /// As the customer gave it.
    pub(super) raw: &'a str,
    /// In order.
    pub(super) tokens: Vec<Token>,
}

impl<'a> Text<'a> {
    /// Splits a text.
    pub(super) fn new(raw: &'a str) -> Text<'a> {
        let mut tokens = Vec::new();
        let mut chars = raw.char_indices().peekable();
        let mut spaced = true;
        while let Some((start, first)) = chars.next() {
            if first.is_whitespace() || first.is_control() {
                spaced = true;
                continue;
            }
            let kind = if first.is_alphabetic() {
                Kind::Word
            } else if first.is_ascii_digit() {
                Kind::Digits
            } else {
                Kind::Sign
            };
            let mut end = start + first.len_utf8();
            while let Some(&(at, c)) = chars.peek() {
                let rest = raw.get(at + c.len_utf8()..).unwrap_or_default();
                let inside = match kind {
                    Kind::Word => {
                        c.is_alphabetic()
                            || is_combining_mark(c)
                            || (is_apostrophe(c) && rest.starts_with(char::is_alphabetic))
                    }
                    Kind::Digits => {
                        c.is_ascii_digit()
                            || (matches!(c, '.' | ',')
                                && rest.starts_with(|d: char| d.is_ascii_digit()))
                    }
                    Kind::Sign => is_combining_mark(c),
                };
                if !inside {
                    break;
                }
                end = at + c.len_utf8();
                chars.next();
            }
            let fold = fold(raw.get(start..end).unwrap_or_default());
            tokens.push(Token {
                start,
                end,
                fold,
                kind,
                spaced,
            });
            spaced = false;
        }
        Text { raw, tokens }
    }

    /// The folded word at `i`; empty past the end.
    pub(super) fn word(&self, i: usize) -> &str {
        self.tokens.get(i).map_or("", |t| t.fold.as_str())
    }

    /// The token at `i` is this word.
    pub(super) fn is(&self, i: usize, words: &[&str]) -> bool {
        self.tokens
            .get(i)
            .is_some_and(|t| words.contains(&t.fold.as_str()))
    }

    /// The number of tokens that `phrase` (folded words with single spaces) takes at `i`, 0 if it
    /// isn't there.
    pub(super) fn phrase(&self, i: usize, phrase: &str) -> usize {
        // Nearly all fail at their first word, so that one is looked at without cutting the phrase up.
        let first = self.word(i);
        if first.is_empty() || !phrase.starts_with(first) {
            return 0;
        }
        let mut n = 0;
        for word in phrase.split(' ') {
            if self.word(i + n) != word {
                return 0;
            }
            n += 1;
        }
        n
    }

    /// The longest of the phrases at `i`, as its number of tokens and what stands with it.
    pub(super) fn longest<T: Copy>(&self, i: usize, phrases: &[(&str, T)]) -> Option<(usize, T)> {
        let found = phrases
            .iter()
            .map(|(p, v)| (self.phrase(i, p), *v))
            .filter(|(n, _)| *n > 0);
        found.max_by_key(|(n, _)| *n)
    }

    /// No white space between the token at `i` and the one before it.
    pub(super) fn glued(&self, i: usize) -> bool {
        i > 0 && self.tokens.get(i).is_some_and(|t| !t.spaced)
    }

    /// First byte of token `i`.
    pub(super) fn start(&self, i: usize) -> usize {
        self.tokens.get(i).map_or(self.raw.len(), |t| t.start)
    }

    /// One past the last byte of the token before `i`.
    pub(super) fn end(&self, i: usize) -> usize {
        i.checked_sub(1)
            .and_then(|i| self.tokens.get(i))
            .map_or(0, |t| t.end)
    }

    /// The token at `i` as the customer wrote it.
    pub(super) fn original(&self, i: usize) -> &str {
        self.tokens
            .get(i)
            .and_then(|t| self.raw.get(t.start..t.end))
            .unwrap_or_default()
    }
}

/// Lower case without accents, with one kind of apostrophe.
pub(super) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    let plain = text.nfd().filter(|c| !is_combining_mark(*c));
    plain
        .flat_map(char::to_lowercase)
        .map(|c| if is_apostrophe(c) { '\'' } else { c })
        .collect()
}

fn is_apostrophe(c: char) -> bool {
    matches!(c, '\'' | '\u{2019}' | '\u{2018}' | '`')
}
