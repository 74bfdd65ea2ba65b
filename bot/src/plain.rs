//! Text without what nobody can see: control characters go before anything is stored, and what only they and invisible characters make
//! up is nothing.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

/// The text without control characters but tabs and line breaks: a NUL ends a text in half of the systems that it may get to.
pub(crate) fn plain(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_stray) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter(|c| !is_stray(*c)).collect())
}

/// The text on one line and without what turns the text around it: a name or another value that is shown among other words.
pub(crate) fn one_line(text: &str) -> String {
    static TURNS: LazyLock<Regex> = LazyLock::new(|| regex(r"\p{Bidi_Control}"));
    let text = plain(text).replace(['\t', '\n'], " ");
    TURNS.replace_all(&text, "").into_owned()
}

/// Nothing that anybody could see is in it.
pub(crate) fn is_blank(text: &str) -> bool {
    static BLANK: LazyLock<Regex> = LazyLock::new(|| {
        // U+2800 is braille without a dot.
        regex(r"^[\s\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u{2800}]*$")
    });
    BLANK.is_match(text)
}

fn is_stray(c: char) -> bool {
    c.is_control() && !matches!(c, '\t' | '\n')
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap_or_else(|error| unreachable!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_seen_is_nothing_and_what_can_stays() {
        for blank in [
            "",
            " \n",
            "\0",
            "\0\0\u{7}",
            "\u{200b}",
            "\u{feff} \u{200d}",
            "\u{2060}\u{ad}",
            "\u{3164}",
            "\u{2800}",
            "\u{202e}\u{2069}",
            "\u{e0041}",
            "\u{fe0f}",
            "\u{a0}\u{3000}",
        ] {
            assert!(is_blank(blank), "{blank:?}");
        }
        for seen in [
            "a",
            "\0a",
            "👩‍👩‍👧",
            "\u{200f}שלום",
            ".",
            "0",
            "é",
            "e\u{301}",
            "\u{301}",
        ] {
            assert!(!is_blank(seen), "{seen:?}");
        }
        assert_eq!(plain("a\0b\u{1b}[31m\tc\r\nd\u{85}"), "ab[31m\tc\nd");
        assert_eq!(plain("👩‍👩‍👧 \u{202e}x"), "👩‍👩‍👧 \u{202e}x");
        assert_eq!(one_line("An\u{202e}n\n\0Lee\u{2069}"), "Ann Lee");
    }
}
