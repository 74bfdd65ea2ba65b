//! A message as words and what stands between them, folded so that "Don't", "dont" and "DON’T" are one word.

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// Words that are looked at. The encoder sees fewer, and a message that long is a story.
pub(super) const MOST: usize = 192;

/// A word, an emoji, or a thing without a blank in it such as an address or a sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    /// First byte.
    pub(super) start: usize,
    /// One past the last byte.
    pub(super) end: usize,
    /// Lower case without accents and apostrophes.
    pub(super) fold: String,
    /// Where a clause that begins with this word begins: at the word, or at a mark that opens it.
    pub(super) opens: usize,
    /// The marks before it that end what was before.
    pub(super) before: Marks,
    /// It begins with a capital letter.
    pub(super) capital: bool,
}

/// What stands between two words, as bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Marks(pub(super) u16);

impl Marks {
    pub(super) const COMMA: u16 = 1;
    pub(super) const STOP: u16 = 2;
    pub(super) const QUESTION: u16 = 4;
    pub(super) const CALL: u16 = 8;
    pub(super) const DOTS: u16 = 16;
    pub(super) const COLON: u16 = 32;
    pub(super) const DASH: u16 = 64;
    pub(super) const LINE: u16 = 128;
    pub(super) const OTHER: u16 = 256;

    pub(super) fn has(self, mark: u16) -> bool {
        self.0 & mark != 0
    }

    fn of(signs: &str) -> Marks {
        let mut all = 0;
        let mut stops = 0;
        for c in signs.chars() {
            all |= match c {
                ',' | '،' | '、' | '，' => Self::COMMA,
                '.' | '。' => {
                    stops += 1;
                    if stops > 1 { Self::DOTS } else { Self::STOP }
                }
                '…' => Self::DOTS,
                '?' | '？' | '¿' => Self::QUESTION,
                '!' | '！' | '¡' => Self::CALL,
                ';' | ':' => Self::COLON,
                '-' | '–' | '—' => Self::DASH,
                '\n' => Self::LINE,
                c if c.is_whitespace() => 0,
                _ => Self::OTHER,
            };
        }
        Marks(all)
    }
}

/// The words of a message, at most [`MOST`], and the marks after the last one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Words {
    pub(super) all: Vec<Word>,
    pub(super) after: Marks,
}

impl Words {
    /// Splits a message.
    pub(super) fn new(text: &str) -> Words {
        let mut all: Vec<Word> = Vec::new();
        let mut from = 0;
        let mut chars = text.char_indices().peekable();
        while let Some((start, c)) = chars.next() {
            if !begins(c) {
                continue;
            }
            if all.len() == MOST {
                return Words {
                    all,
                    after: Marks::default(),
                };
            }
            let mut end = start + c.len_utf8();
            let mut last = c;
            while let Some(&(at, next)) = chars.peek() {
                let after = text[at + next.len_utf8()..].chars().next();
                if !goes_on(last, next, after) {
                    break;
                }
                end = at + next.len_utf8();
                last = next;
                chars.next();
            }
            let signs = &text[from..start];
            let opening = signs.trim_end_matches(is_opening).len();
            all.push(Word {
                start,
                end,
                fold: fold(&text[start..end]),
                opens: from + opening,
                before: Marks::of(&signs[..opening]),
                capital: c.is_uppercase(),
            });
            from = end;
        }
        Words {
            all,
            after: Marks::of(&text[from..]),
        }
    }
}

/// A letter, a digit or a picture.
fn begins(c: char) -> bool {
    c.is_alphanumeric() || is_picture(c)
}

/// Whether a word that ends in `last` so far takes in `next`, which `after` follows.
fn goes_on(last: char, next: char, after: Option<char>) -> bool {
    if is_picture(last) || is_joiner(last) {
        return is_joiner(next) || is_picture(next);
    }
    if next.is_alphanumeric() || is_combining_mark(next) {
        return true;
    }
    match next {
        '.' | ':' | ',' | '/' if last.is_numeric() => after.is_some_and(char::is_numeric),
        '.' | '@' | '-' | '_' | '/' | '&' | '+' | '\'' | '’' | '‘' | '`' | '´' | '·'
            if last.is_alphanumeric() =>
        {
            after.is_some_and(char::is_alphanumeric)
        }
        // The beginning of an address.
        ':' => after == Some('/'),
        '/' => matches!(last, ':' | '/'),
        _ => false,
    }
}

/// Emoji and other pictures, which are words by themselves.
fn is_picture(c: char) -> bool {
    matches!(u32::from(c), 0x2190..=0x2bff | 0x1f000..=0x1faff)
}

/// What changes the picture before it, or joins it to the next.
fn is_joiner(c: char) -> bool {
    matches!(u32::from(c), 0x200d | 0xfe0f | 0x20e3 | 0xe0020..=0xe007f)
}

/// Marks that belong to what comes after them.
fn is_opening(c: char) -> bool {
    matches!(
        c,
        '¿' | '¡'
            | '('
            | '['
            | '"'
            | '“'
            | '«'
            | '\''
            | '‘'
            | '#'
            | '£'
            | '$'
            | '€'
            | '+'
            | '@'
            | '*'
    )
}

/// Lower case without accents and apostrophes.
pub(super) fn fold(text: &str) -> String {
    let plain = text.nfd().filter(|c| !is_combining_mark(*c));
    plain
        .flat_map(char::to_lowercase)
        .filter(|c| !matches!(c, '\'' | '’' | '‘' | '`' | '´'))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folds(text: &str) -> Vec<String> {
        Words::new(text).all.into_iter().map(|w| w.fold).collect()
    }

    #[test]
    fn words_are_folded_and_things_without_blanks_stay_whole() {
        assert_eq!(
            folds("Don't pay £4.50, it’s at 10:30!"),
            ["dont", "pay", "4.50", "its", "at", "10:30"]
        );
        assert_eq!(
            folds("ann.lee@mail.org or http://a.b/c"),
            ["ann.lee@mail.org", "or", "http://a.b/c"]
        );
        assert_eq!(folds("Sí,quiero...ya"), ["si", "quiero", "ya"]);
        assert_eq!(folds("ok👍🏽yes"), ["ok", "👍🏽", "yes"]);
        assert_eq!(folds("?! ..."), [""; 0]);
    }

    #[test]
    fn marks_go_with_what_they_end_or_open() {
        let text = "no, ¿cuánto? \"yes\"";
        let words = Words::new(text);
        let opens: Vec<&str> = words.all.iter().map(|w| &text[w.opens..w.end]).collect();
        assert_eq!(opens, ["no", "¿cuánto", "\"yes"]);
        assert!(words.all[1].before.has(Marks::COMMA));
        assert!(words.all[2].before.has(Marks::QUESTION));
        assert!(!words.all[1].before.has(Marks::QUESTION));
    }
}
