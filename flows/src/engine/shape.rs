//! What a text looks like: a telephone number, an address, a text with words around it.

use std::sync::LazyLock;

use regex::Regex;

/// Words before and after a free text that are no part of it, in lower case.
const LEADS: [&str; 33] = [
    "es de ",
    "era de ",
    "fue de ",
    "con ",
    "just ",
    "only ",
    "solo ",
    "it's ",
    "its ",
    "it is ",
    "it was ",
    "that's ",
    "that is ",
    "to ",
    "at ",
    "from ",
    "my name is ",
    "the name is ",
    "name is ",
    "i'm ",
    "i am ",
    "to my ",
    "es ",
    "era ",
    "a ",
    "se llama ",
    "me llamo ",
    "mi nombre es ",
    "soy ",
    "fue en ",
    "en ",
    "um ",
    "er ",
];

/// Words after a free text that are no part of it, in lower case.
const TAILS: [&str; 12] = [
    " please",
    " thanks",
    " thank you",
    " on",
    " for",
    " at",
    " por favor",
    " gracias",
    " el",
    " por",
    " and",
    " y",
];

/// The digits of a telephone number, with the plus in front; nothing for anything else (E.164: at most 15).
pub(super) fn phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(|c| c.is_ascii_digit()).collect();
    let fits = text
        .chars()
        .all(|c| c.is_ascii_digit() || " +-().".contains(c));
    let plus = if text.starts_with('+') { "+" } else { "" };
    (fits && (7..=15).contains(&digits.len())).then(|| format!("{plus}{digits}"))
}

pub(super) fn is_email(text: &str) -> bool {
    let Some((user, host)) = text.split_once('@') else {
        return false;
    };
    let whole = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|c| c.is_alphanumeric() || "._%+-'".contains(c))
    };
    let dotted = host.split('.').count() > 1 && host.split('.').all(|label| !label.is_empty());
    whole(user) && whole(host) && dotted
}

/// True for a text that is a web address all by itself.
pub(super) fn is_url(text: &str) -> bool {
    let plain = !text.contains(char::is_whitespace);
    let host = text.split("://").last().unwrap_or(text);
    plain
        && host
            .split('/')
            .next()
            .is_some_and(|host| host.contains('.') && !host.ends_with('.'))
}

/// A part of a text without spaces, signs and lead-ins at its ends.
pub(super) fn trimmed(text: &str, start: usize, end: usize) -> (usize, usize) {
    let part = text.get(start..end).unwrap_or_default();
    let loose = |c: char| c.is_whitespace() || matches!(c, ',' | '.' | ';' | ':' | '!');
    let part_start = start + part.len() - part.trim_start_matches(loose).len();
    let part = part.trim_matches(loose);
    let (mut from, mut to) = (part_start, part_start + part.len());
    loop {
        let rest = text.get(from..to).unwrap_or_default();
        let lower = rest.to_lowercase();
        if lower.len() != rest.len() {
            return (from, to);
        }
        if let Some(lead) = LEADS.iter().find(|lead| lower.starts_with(**lead)) {
            from += lead.len();
        } else if let Some(tail) = TAILS.iter().find(|tail| lower.ends_with(**tail)) {
            to -= tail.len();
        } else {
            return (from, to);
        }
        let rest = text.get(from..to).unwrap_or_default();
        from += rest.len() - rest.trim_start_matches(loose).len();
        to = from
            + text
                .get(from..to)
                .unwrap_or_default()
                .trim_end_matches(loose)
                .len();
    }
}

/// Sounds and laughter, folded.
static SOUND: LazyLock<Regex> = LazyLock::new(|| {
    let sounds =
        "h+m+|m+|u+[mh]+m*|e+[rh]+m*|a+h+|o+h+|lo+l|(ha|ja|je|he)+h*|pf+|u+gh*|u+f+|meh|psst";
    Regex::new(&format!("^(?:{sounds})$")).expect("the pattern is whole")
});
/// Words that no name has, folded.
const NO_NAME: [&str; 31] = [
    "person", "persona", "someone", "somebody", "alguien", "you", "it", "its", "your", "is", "are",
    "was", "have", "has", "same", "already", "question", "what", "account", "this", "that", "the",
    "know", "misma", "mismo", "tiene", "tienes", "siempre", "cuenta", "pregunta", "usted",
];

/// False for a text that is no name: "hmm", "you already have it".
pub(super) fn may_be_name(text: &str) -> bool {
    let folded = super::exact::fold(text);
    let mut words = folded.split(' ').peekable();
    words.peek().is_some()
        && !folded.split(' ').all(|word| SOUND.is_match(word))
        && !words.any(|word| NO_NAME.contains(&word))
}

/// Words right before a number that make it the name of something and no amount, folded.
const LABELS: [&str; 26] = [
    "card",
    "order",
    "ref",
    "reference",
    "ticket",
    "invoice",
    "account",
    "day",
    "house",
    "flat",
    "room",
    "code",
    "postcode",
    "line",
    "tarjeta",
    "pedido",
    "referencia",
    "factura",
    "cuenta",
    "dia",
    "piso",
    "puerta",
    "codigo",
    "linea",
    "parcel",
    "paquete",
];

/// True for a number that only names something: "order 4471", "card 4821", "el día 5".
pub(super) fn labelled(text: &str, start: usize) -> bool {
    let before = text
        .get(..start)
        .map(super::exact::fold)
        .unwrap_or_default();
    let last = before.rsplit(' ').next().unwrap_or_default();
    LABELS.contains(&last)
}

#[cfg(test)]
mod tests {
    use super::may_be_name;

    #[test]
    fn sounds_and_remarks_are_no_names() {
        for text in [
            "hmm",
            "Mmm",
            "umm",
            "uh",
            "ehh",
            "oh",
            "lol",
            "jajaja",
            "you already have it",
            "same as my husband's",
            "good question",
            "it's on the account",
            "la misma de siempre",
        ] {
            assert!(!may_be_name(text), "{text}");
        }
        for text in [
            "Emma",
            "Uma",
            "Al",
            "Jo",
            "Ana Ruiz",
            "Eha",
            "O'Hara",
            "Hu Mei",
            "Ohm",
            "Theo",
            "José María de la O",
        ] {
            assert!(may_be_name(text), "{text}");
        }
    }
}
