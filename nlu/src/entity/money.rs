//! Amounts with a currency.

use rust_decimal::Decimal;
use serde_json::json;

use super::digits;
use super::number::{self, Number};
use super::text::{Lang, Text};
use crate::Entity;

/// Currencies that "dollars" may be.
const DOLLARS: [&str; 6] = ["USD", "AUD", "CAD", "NZD", "SGD", "HKD"];
/// Currencies that "pesos" may be.
const PESOS: [&str; 6] = ["MXN", "ARS", "CLP", "COP", "UYU", "DOP"];
/// Currencies that are found by their code, beside those and the bot's own.
const CODES: [&str; 10] = [
    "GBP", "EUR", "CHF", "JPY", "PLN", "SEK", "NOK", "DKK", "INR", "BRL",
];

/// What a word or sign says about an amount.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Unit {
    /// One past its last token.
    to: usize,
    currency: String,
    /// A hundredth of it: pence, cents.
    small: bool,
}

/// Adds the amounts of the text; words that name no country mean `own`, the bot's currency.
pub(super) fn find(text: &Text, lang: Lang, own: &str, found: &mut Vec<Entity>) {
    let mut i = 0;
    while i < text.tokens.len() {
        let Some((to, amount, currency)) = parse(text, i, lang, own) else {
            i = number::parse(text, i, lang).map_or(i + 1, |n| n.to);
            continue;
        };
        let value = json!({"amount": amount.to_string(), "currency": currency});
        found.push(super::entity(text, "money", value, i, to, 0.98));
        i = to;
    }
}

fn parse(text: &Text, i: usize, lang: Lang, own: &str) -> Option<(usize, Decimal, String)> {
    let sign = text.is(i, &["-", "\u{2212}"]) && text.glued(i + 1) && !text.glued(i);
    // "Al menos 50 euros" is no debt.
    let minus = sign || text.is(i, &["minus"]) || (i == 0 && text.is(i, &["menos"]));
    let at = if minus { i + 1 } else { i };
    // £20, GBP 20
    if let Some(unit) = unit(text, at, lang, own).filter(|u| !u.small && is_before(text, at, own)) {
        // £-20
        let inner = text.is(unit.to, &["-", "\u{2212}"]) && text.glued(unit.to + 1);
        let from = unit.to + usize::from(inner);
        let mut number = whole(text, from, number::parse(text, from, lang)?);
        let millions = match text.word(number.to) {
            "m" | "mn" if text.glued(number.to) => 1_000_000,
            "bn" | "b" if text.glued(number.to) => 1_000_000_000,
            _ => 1,
        };
        if millions > 1 {
            let value = number.value.checked_mul(Decimal::from(millions))?;
            (number.to, number.value) = (number.to + 1, value.normalize());
        }
        let negative = minus || inner;
        let amount = if negative {
            -number.value
        } else {
            number.value
        };
        return Some((number.to, amount, unit.currency));
    }
    if let Some((to, amount)) = slang(text, at, lang) {
        return Some((to, amount, own.to_owned()));
    }
    let number = whole(text, at, number::counted(text, at, lang)?);
    if lang == Lang::En && text.is(number.to, &["grand"]) {
        return Some((
            number.to + 1,
            number.value.checked_mul(Decimal::from(1_000))?,
            own.to_owned(),
        ));
    }
    let of = usize::from(text.is(number.to, &["de", "of"]));
    let unit = unit(text, number.to + of, lang, own)?;
    // In "4821 £20" the sign belongs to what follows it.
    if is_sign(text, unit.to - 1)
        && text.glued(unit.to)
        && number::parse(text, unit.to, lang).is_some()
    {
        return None;
    }
    let mut amount = number.value;
    let mut to = unit.to;
    let half = ["and a half", "y medio", "y media"].map(|p| text.phrase(to, p));
    let half = half.into_iter().max().unwrap_or(0);
    if half > 0 && !unit.small && amount.is_integer() {
        to += half;
        amount = amount.checked_add(Decimal::new(50, 2))?;
    } else if unit.small {
        amount = amount.checked_mul(Decimal::new(1, 2))?;
    } else if let Some(rest) = hundredths(text, to, lang, own, &unit.currency) {
        to = rest.to;
        amount = amount.checked_add(rest.value)?;
    }
    Some((to, if minus { -amount } else { amount }, unit.currency))
}

/// `1.500` and `1,500` of any currency are fifteen hundred in every language: nobody names a thousandth of a pound.
fn whole(text: &Text, i: usize, number: Number) -> Number {
    let scale = text.is(number.to, &["m", "mn", "bn", "b"]) && text.glued(number.to);
    match digits::one_thousands(text.word(i)) {
        Some(value) if number.to == i + 1 && !scale => Number { value, ..number },
        _ => number,
    }
}

/// The unit may stand before its number: a sign or a code, not a word.
fn is_before(text: &Text, i: usize, own: &str) -> bool {
    is_sign(text, i)
        || codes(own).any(|code| code == text.original(i))
        || (text.is(i, &["us", "ca", "c", "a", "au", "nz", "hk", "r"]) && text.glued(i + 1))
}

/// All currencies that are found by their code.
fn codes(own: &str) -> impl Iterator<Item = &str> {
    let known = CODES.iter().chain(&DOLLARS).chain(&PESOS).copied();
    known
        .chain(std::iter::once(own))
        .filter(|code| !code.is_empty())
}

fn is_sign(text: &Text, i: usize) -> bool {
    text.is(i, &["£", "$", "€", "¥", "₹"])
}

/// `fifty` of "twenty pounds fifty", "and fifty pence", "con cincuenta".
fn hundredths(text: &Text, to: usize, lang: Lang, own: &str, currency: &str) -> Option<Number> {
    let joined = text.is(to, &["and", "con", "y"]);
    let number = number::parse(text, if joined { to + 1 } else { to }, lang)?;
    let unit = unit(text, number.to, lang, own);
    let small = unit.as_ref().is_some_and(|u| u.small);
    // "20 pounds and 30 euros" are two amounts; "20 pounds 5 times" says nothing of pence.
    let bare = unit.is_none() && !(joined && lang == Lang::En) && number.value >= Decimal::TEN;
    if !(small || bare) || number.value >= Decimal::ONE_HUNDRED || !number.value.is_integer() {
        return None;
    }
    // "5 pounds 20 March" and "5 pounds 20 minutes ago" aren't five pounds twenty: the pence end the phrase.
    let after = [
        ",", ".", "!", "?", ";", ")", "please", "to", "from", "for", "and", "on", "in", "into",
        "at", "de", "para", "por", "a", "al", "en", "y",
    ];
    let ends = small || number.to >= text.tokens.len() || text.is(number.to, &after);
    let to = unit.filter(|u| u.small).map_or(number.to, |u| u.to);
    let cents = ends && !currency.is_empty();
    cents.then(|| Number {
        to,
        value: number.value * Decimal::new(1, 2),
    })
}

/// A fiver, a tenner.
fn slang(text: &Text, i: usize, lang: Lang) -> Option<(usize, Decimal)> {
    if lang != Lang::En {
        return None;
    }
    let at = if text.is(i, &["a"]) { i + 1 } else { i };
    let amount = match text.word(at) {
        "fiver" => 5,
        "tenner" => 10,
        _ => return None,
    };
    Some((at + 1, Decimal::from(amount)))
}

/// Whether a currency is named at `i`.
pub(super) fn is_currency(text: &Text, i: usize, lang: Lang) -> bool {
    unit(text, i, lang, "").is_some()
}

/// The currency named at `i`.
fn unit(text: &Text, i: usize, lang: Lang, own: &str) -> Option<Unit> {
    let word = text.word(i);
    let own_of = |all: &[&str], usual: &str| {
        if all.contains(&own) {
            own.to_owned()
        } else {
            usual.to_owned()
        }
    };
    let large = |n: usize, currency: String| {
        Some(Unit {
            to: i + n,
            currency,
            small: false,
        })
    };
    let small = |currency: String| {
        Some(Unit {
            to: i + 1,
            currency,
            small: true,
        })
    };
    let phrases = [
        ("us dollars", "USD"),
        ("us dollar", "USD"),
        ("dolares americanos", "USD"),
        ("dolares estadounidenses", "USD"),
        ("australian dollars", "AUD"),
        ("canadian dollars", "CAD"),
        ("swiss francs", "CHF"),
        ("pounds sterling", "GBP"),
        ("libras esterlinas", "GBP"),
        ("francos suizos", "CHF"),
    ];
    if let Some((n, currency)) = text.longest(i, &phrases) {
        return large(n, currency.to_owned());
    }
    // `A$20`, where "a $20 note" is none.
    if text.is(i + 1, &["$"]) && text.glued(i + 1) {
        let country = match word {
            "us" => Some("USD"),
            "ca" | "c" => Some("CAD"),
            "a" | "au" => Some("AUD"),
            "nz" => Some("NZD"),
            "hk" => Some("HKD"),
            "r" => Some("BRL"),
            _ => None,
        };
        if let Some(currency) = country {
            return large(2, currency.to_owned());
        }
    }
    match (word, lang) {
        ("₹" | "rupees" | "rupee" | "rupias", _) => large(1, "INR".into()),
        ("£" | "pounds" | "pound" | "quid" | "sterling" | "libras", _) | ("libra", Lang::Es) => {
            large(1, "GBP".into())
        }
        ("€" | "euros" | "euro", _) => large(1, "EUR".into()),
        ("$" | "dollars" | "dollar" | "bucks" | "dolares" | "dolar", _) => {
            large(1, own_of(&DOLLARS, "USD"))
        }
        ("pesos" | "peso", _) => large(1, own_of(&PESOS, "MXN")),
        ("yen" | "yenes" | "¥", _) => large(1, "JPY".into()),
        ("francs" | "francos", _) => large(1, "CHF".into()),
        ("zloty" | "zlotys", _) => large(1, "PLN".into()),
        ("pence" | "penny" | "pennies" | "peniques" | "penique", _) => small("GBP".into()),
        ("p", Lang::En) if text.glued(i) && own == "GBP" => small("GBP".into()),
        ("cents" | "cent", Lang::En) => small(if own == "GBP" {
            "EUR".into()
        } else {
            own.to_owned()
        }),
        ("centimos" | "centimo", Lang::Es) => small("EUR".into()),
        ("centavos" | "centavo", Lang::Es) => small(own_of(&PESOS, "MXN")),
        _ => {
            let code = codes(own).find(|c| c.eq_ignore_ascii_case(word))?;
            large(1, code.to_owned())
        }
    }
}
