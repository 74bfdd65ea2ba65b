//! Numbers in digits and in words, and numbers said digit by digit.

use std::sync::LazyLock;

use rust_decimal::Decimal;
use serde_json::Value;

use super::text::{Kind, Lang, Text, Words, list, place};
use super::{digits, pattern};
use crate::Entity;

/// The words for 0 to 20, in order.
static EN: Words = LazyLock::new(|| {
    list(
        "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen \
         fifteen sixteen seventeen eighteen nineteen twenty",
    )
});
pub(super) static EN_TENS: Words =
    LazyLock::new(|| list("twenty thirty forty fifty sixty seventy eighty ninety"));
/// The words for 0 to 29, in order.
static ES: Words = LazyLock::new(|| {
    list(
        "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince \
         dieciseis diecisiete dieciocho diecinueve veinte veintiuno veintidos veintitres veinticuatro \
         veinticinco veintiseis veintisiete veintiocho veintinueve",
    )
});
static ES_TENS: Words =
    LazyLock::new(|| list("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa"));
/// The stems of 100 to 900, before `os` or `as`.
static ES_HUNDREDS: Words = LazyLock::new(|| {
    list("cient doscient trescient cuatrocient quinient seiscient setecient ochocient novecient")
});

/// A number at some token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Number {
    /// One past its last token.
    pub(super) to: usize,
    /// Its value.
    pub(super) value: Decimal,
}

/// Adds the numbers of the text; the bytes of those said digit by digit go to `long`.
pub(super) fn find(
    text: &Text,
    lang: Lang,
    runs: &[pattern::Run],
    found: &mut Vec<Entity>,
    long: &mut Vec<(usize, usize)>,
) {
    let mut i = 0;
    while i < text.tokens.len() {
        if let Some((to, value)) = fraction(text, i, lang) {
            let value = Value::String(value.to_string());
            found.push(super::entity(text, "number", value, i, to, 0.7));
            i = to;
            continue;
        }
        let Some(number) = parse(text, i, lang) else {
            i += 1;
            continue;
        };
        let alone = number.to == i + 1;
        let article = alone && text.is(i, &["un", "una"]);
        if !article && !is_part(text, i, number.to) {
            let minus = is_minus(text, i);
            let from = if minus { i - 1 } else { i };
            let value = if minus { -number.value } else { number.value };
            // "The blue one" has no number in it, and a house number counts nothing.
            let sure = if (alone && text.is(i, &["one"]) && i > 0) || is_house(text, i, number.to) {
                0.5
            } else {
                0.95
            };
            let value = Value::String(value.to_string());
            found.push(super::entity(text, "number", value, from, number.to, sure));
        }
        i = number.to;
    }
    for run in runs {
        for digits in run.split(|p| !is_digit(p)) {
            // "Four" was found above; "double four" is one part that says two digits.
            if digits.iter().map(|p| p.to - p.from).sum::<usize>() < 2 {
                continue;
            }
            let says: String = digits.iter().map(|p| p.says.as_str()).collect();
            if let (Some(first), Some(last), true) =
                (digits.first(), digits.last(), says.len() <= 28)
            {
                // "Five, six" may be two numbers; nobody counts to four in digits.
                let sure = if digits.len() > 2 { 0.85 } else { 0.75 };
                let new = super::entity(
                    text,
                    "number",
                    Value::String(says),
                    first.from,
                    last.to,
                    sure,
                );
                if digits.len() > 2 {
                    long.push((new.start, new.end));
                }
                found.push(new);
            }
        }
    }
}

/// The number of a house: before a name with a word for a street, or after it.
pub(super) fn is_house(text: &Text, from: usize, to: usize) -> bool {
    let streets = [
        "street",
        "road",
        "lane",
        "avenue",
        "drive",
        "close",
        "way",
        "court",
        "place",
        "square",
        "terrace",
        "crescent",
        "gardens",
        "grove",
        "hill",
        "st",
        "rd",
        "ave",
        "ln",
        "row",
        "mews",
        "calle",
        "avenida",
        "avda",
        "plaza",
        "paseo",
        "camino",
        "carretera",
        "ronda",
        "c",
    ];
    let capital = |i: usize| text.original(i).starts_with(char::is_uppercase);
    let after = capital(to) && (to + 1..to + 4).any(|i| capital(i) && text.is(i, &streets));
    let mut before = (from.saturating_sub(5)..from).rev();
    after || (capital(from.saturating_sub(1)) && before.any(|i| capital(i) && text.is(i, &streets)))
}

/// One digit, or `double four`.
fn is_digit(piece: &pattern::Piece) -> bool {
    let says = piece.says.as_bytes();
    let repeated = says.windows(2).all(|w| w.first() == w.last());
    let spoken = says.len() == 1 || (repeated && piece.to - piece.from == 2);
    spoken && says.iter().all(u8::is_ascii_digit)
}

/// Units of measure as they are written behind a number without a space.
const UNITS: [&str; 12] = [
    "kg", "kgs", "kilo", "kilos", "gr", "lb", "lbs", "oz", "cm", "mm", "km", "ml",
];

/// Part of something else: `BS1`, `3rd`, `15:30`, `3/5`.
fn is_part(text: &Text, from: usize, to: usize) -> bool {
    let is_letters = |i: usize| text.tokens.get(i).is_some_and(|t| t.kind == Kind::Word);
    let is_slash = |i: usize| text.is(i, &["/", ":"]);
    let before = text.glued(from) && (is_letters(from - 1) || is_slash(from - 1));
    // "3kg" is three of something.
    let measured = text.glued(to) && text.is(to, &UNITS) && !text.glued(to + 1);
    let after = text.glued(to) && (is_letters(to) || (is_slash(to) && text.glued(to + 1)));
    before || (after && !measured)
}

/// A share said or written: `three quarters`, `half of`, `la mitad`, `1/2`, `¾`.
fn fraction(text: &Text, i: usize, lang: Lang) -> Option<(usize, Decimal)> {
    let share = |hundredths: i64| Decimal::new(hundredths, 2);
    let thirds = |n: i64| Some(Decimal::new(if n == 1 { 3_333 } else { 6_667 }, 4));
    let sign = match text.word(i) {
        "\u{bd}" => Some(share(50)),
        "\u{bc}" => Some(share(25)),
        "\u{be}" => Some(share(75)),
        _ => None,
    };
    if let Some(value) = sign {
        return Some((i + 1, value.normalize()));
    }
    let written = text.is(i + 1, &["/"]) && text.glued(i + 1) && text.glued(i + 2);
    if written && !text.is(i + 3, &["/"]) && !(text.glued(i) && text.is(i - 1, &["/"])) {
        let value = match (text.word(i), text.word(i + 2)) {
            ("1", "2") => Some(share(50)),
            ("1", "4") => Some(share(25)),
            ("3", "4") => Some(share(75)),
            ("1", "3") => thirds(1),
            ("2", "3") => thirds(2),
            _ => None,
        };
        return value.map(|v| (i + 3, v.normalize()));
    }
    let phrases: &[(&str, i64)] = match lang {
        Lang::En => &[
            ("half of", 50),
            ("half the", 50),
            ("three quarters", 75),
            ("three-quarters", 75),
            ("one quarter", 25),
            ("a quarter of", 25),
            ("a third of", 33),
            ("one third", 33),
            ("two thirds", 67),
        ],
        Lang::Es => &[
            ("la mitad", 50),
            ("un tercio", 33),
            ("dos tercios", 67),
            ("tres cuartos", 75),
        ],
    };
    let (n, hundredths) = text.longest(i, phrases)?;
    let value = match hundredths {
        33 => thirds(1)?,
        67 => thirds(2)?,
        other => share(other).normalize(),
    };
    let last = usize::from(text.is(i + n - 1, &["of", "the"]));
    Some((i + n - last, value))
}

pub(super) fn is_minus(text: &Text, i: usize) -> bool {
    if i == 0 {
        return false;
    }
    let sign = text.is(i - 1, &["-", "\u{2212}"]) && text.glued(i) && !text.glued(i - 1);
    sign || text.is(i - 1, &["minus", "negative"]) || (i == 1 && text.is(0, &["menos"]))
}

/// The number that begins at `i`.
pub(super) fn parse(text: &Text, i: usize, lang: Lang) -> Option<Number> {
    let number = with_rest(text, one_part(text, i, lang)?, lang);
    Some(with_fraction(text, number, lang))
}

/// The number at `i` up to where digits and words change.
fn one_part(text: &Text, i: usize, lang: Lang) -> Option<Number> {
    let token = text.tokens.get(i)?;
    match token.kind {
        Kind::Digits => {
            let (to, value) = match digits::spaced(text, i, lang) {
                Some(found) => found,
                None => (i + 1, digits::value(&token.fold, lang)?),
            };
            scaled(text, Number { to, value }, lang)
        }
        Kind::Word => match lang {
            Lang::En => english(text, i),
            Lang::Es => spanish(text, i),
        },
        Kind::Sign => None,
    }
}

/// `20 mil 500`, `2 thousand five hundred`: what is left below a scale that was said.
fn with_rest(text: &Text, number: Number, lang: Lang) -> Number {
    let scale = match (text.word(number.to - 1), lang) {
        ("thousand", Lang::En) | ("mil", Lang::Es) => 1_000,
        ("million", Lang::En) | ("millon" | "millones", Lang::Es) => 1_000_000,
        ("billion", Lang::En) => 1_000_000_000,
        _ => return number,
    };
    let fits = |rest: &Number| (Decimal::TEN..Decimal::from(scale)).contains(&rest.value);
    // Each rest ends in a smaller scale, so that there are few.
    let rest = one_part(text, number.to, lang).filter(fits);
    rest.and_then(|rest| {
        let rest = with_rest(text, rest, lang);
        Some(Number {
            to: rest.to,
            value: number.value.checked_add(rest.value)?,
        })
    })
    .unwrap_or(number)
}

/// The number at `i`, where `a` or `an` counts as one.
pub(super) fn counted(text: &Text, i: usize, lang: Lang) -> Option<Number> {
    let article = lang == Lang::En && text.is(i, &["a", "an"]);
    let one = Number {
        to: i + 1,
        value: Decimal::ONE,
    };
    parse(text, i, lang).or(article.then_some(one))
}

/// `5k`, `20 thousand`, `3 millones`, `2 mil millones`.
fn scaled(text: &Text, number: Number, lang: Lang) -> Option<Number> {
    let thousand_millions = text.phrase(number.to, "mil millones");
    let (n, scale) = match (text.word(number.to), lang) {
        (_, Lang::Es) if thousand_millions > 0 => (2, 1_000_000_000),
        ("k", _) if text.glued(number.to) => (1, 1_000),
        ("bn", Lang::En) if text.glued(number.to) => (1, 1_000_000_000),
        ("hundred", Lang::En) => (1, 100),
        ("thousand", Lang::En) | ("mil", Lang::Es) => (1, 1_000),
        ("million", Lang::En) | ("millon" | "millones", Lang::Es) => (1, 1_000_000),
        ("billion", Lang::En) => (1, 1_000_000_000),
        ("lakh" | "lakhs", _) => (1, 100_000),
        ("crore" | "crores", _) => (1, 10_000_000),
        _ => return Some(number),
    };
    let value = number.value.checked_mul(Decimal::from(scale))?;
    let larger = Number {
        to: number.to + n,
        value: value.normalize(),
    };
    // "2 hundred thousand"
    scaled(text, larger, lang)
}

/// What a half is of after `a million`: half a million.
fn half_of(text: &Text, last: usize) -> Decimal {
    let scale = match text.word(last) {
        "million" | "millon" | "millones" => 1_000_000,
        "billion" => 1_000_000_000,
        _ => 1,
    };
    Decimal::from(scale) * Decimal::new(5, 1)
}

/// `two point five`, `two and a half`, `dos coma cinco`, `dos y medio`.
fn with_fraction(text: &Text, number: Number, lang: Lang) -> Number {
    let half = match lang {
        Lang::En => text.phrase(number.to, "and a half"),
        Lang::Es => text
            .phrase(number.to, "y medio")
            .max(text.phrase(number.to, "y media")),
    };
    if half > 0
        && number.value.is_integer()
        && let Some(value) = number.value.checked_add(half_of(text, number.to - 1))
    {
        let number = Number {
            to: number.to + half,
            value: value.normalize(),
        };
        // "One and a half million", but no "dos y medio mil".
        let scale = text.is(number.to, &["million", "billion", "thousand", "millones"]);
        return match scaled(text, number, lang) {
            Some(larger) if scale => larger,
            _ => number,
        };
    }
    let spoken = match lang {
        Lang::En => text.is(number.to, &["point"]),
        Lang::Es => text.is(number.to, &["coma"]),
    };
    let mut to = number.to + 1;
    let mut decimals = String::new();
    while spoken && decimals.len() < 6 {
        let Some((next, digit)) = below_hundred(text, to, lang) else {
            break;
        };
        decimals.push_str(&digit.to_string());
        to = next;
    }
    if decimals.is_empty() || !number.value.is_integer() {
        return number;
    }
    match format!("{}.{decimals}", number.value).parse() {
        Ok(value) => Number { to, value },
        Err(_) => number,
    }
}

/// 0 to 20 (29 in Spanish) in one word.
fn unit(word: &str, lang: Lang) -> Option<u32> {
    match (lang, word) {
        (Lang::En, "nought" | "naught" | "aught") => Some(0),
        (Lang::En, _) => place(&EN, word),
        (Lang::Es, "un" | "una") => Some(1),
        (Lang::Es, "veintiun" | "veintiuna") => Some(21),
        (Lang::Es, _) => place(&ES, word),
    }
}

/// A number below 100 in words, with one past its last token.
pub(super) fn below_hundred(text: &Text, i: usize, lang: Lang) -> Option<(usize, u32)> {
    let word = text.word(i);
    let tens =
        place(if lang == Lang::En { &EN_TENS } else { &ES_TENS }, word).map(|n| (n + 2) * 10);
    let Some(tens) = tens else {
        return unit(word, lang).map(|n| (i + 1, n));
    };
    let joined = match lang {
        Lang::En => text.is(i + 1, &["-"]) && text.glued(i + 1),
        Lang::Es => text.is(i + 1, &["y"]),
    };
    let next = if joined { i + 2 } else { i + 1 };
    match unit(text.word(next), lang) {
        Some(n) if (1..10).contains(&n) && (joined || lang == Lang::En) => {
            Some((next + 1, tens + n))
        }
        _ => Some((i + 1, tens)),
    }
}

fn english(text: &Text, i: usize) -> Option<Number> {
    let known = [
        ("a couple of", 2),
        ("a couple", 2),
        ("a dozen", 12),
        ("half a dozen", 6),
        ("half a million", 500_000),
        ("half a billion", 500_000_000),
        ("quarter of a million", 250_000),
        ("a quarter of a million", 250_000),
    ];
    if let Some((n, value)) = text.longest(i, &known) {
        let known = Number {
            to: i + n,
            value: Decimal::from(value),
        };
        // "A couple of hundred"
        let scale = text.is(known.to, &["hundred", "thousand", "million"]);
        return if scale {
            scaled(text, known, Lang::En)
        } else {
            Some(known)
        };
    }
    let mut to = i;
    let mut total: u64 = 0;
    let mut scale_limit = u64::MAX;
    loop {
        // After a scale, `and` may come before the rest, or a comma before hundreds.
        let hundreds = || {
            let scaled = text.is(to - 1, &["thousand", "million", "billion"]);
            let small = below_hundred(text, to + 1, Lang::En);
            scaled && small.is_some_and(|(next, _)| text.is(next, &["hundred"]))
        };
        let joined = to > i && (text.is(to, &["and"]) || (text.is(to, &[","]) && hundreds()));
        let at = if joined { to + 1 } else { to };
        let article = to == i
            && text.is(i, &["a"])
            && text.is(i + 1, &["hundred", "thousand", "million", "billion"]);
        let small = if article {
            Some((at + 1, 1))
        } else {
            below_hundred(text, at, Lang::En)
        };
        let Some((mut next, n)) = small else { break };
        let mut value = u64::from(n);
        let mut scale = 1;
        if text.is(next, &["hundred"]) {
            (value, scale, next) = (value * 100, 100, next + 1);
            let rest = if text.is(next, &["and"]) {
                next + 1
            } else {
                next
            };
            // "Two hundred and three hundred" are two numbers.
            let small = below_hundred(text, rest, Lang::En);
            if let Some((after, n)) = small.filter(|(to, _)| !text.is(*to, &["hundred"])) {
                (value, scale, next) = (value + u64::from(n), 1, after);
            }
        }
        let large = if text.is(next, &["thousand"]) {
            1_000
        } else if text.is(next, &["million"]) {
            1_000_000
        } else if text.is(next, &["billion"]) {
            1_000_000_000
        } else {
            0
        };
        if large > 0 {
            (value, scale, next) = (value * large, large, next + 1);
        }
        if value >= scale_limit {
            break;
        }
        (total, to, scale_limit) = (total + value, next, scale);
        if scale == 1 {
            break;
        }
    }
    (to > i).then(|| Number {
        to,
        value: Decimal::from(total),
    })
}

/// A Spanish number below 1000 in words, with one past its last token.
pub(super) fn below_thousand(text: &Text, at: usize) -> Option<(usize, u32)> {
    let word = text.word(at);
    let stem = word.strip_suffix("os").or(word.strip_suffix("as"));
    let hundreds = match word {
        "cien" | "ciento" => Some(1),
        _ => stem
            .and_then(|s| place(&ES_HUNDREDS, s))
            .map(|n| n + 1)
            .filter(|n| *n > 1),
    };
    match hundreds {
        None => below_hundred(text, at, Lang::Es),
        Some(h) => match below_hundred(text, at + 1, Lang::Es).filter(|_| word != "cien") {
            Some((to, n)) => Some((to, h * 100 + n)),
            None => Some((at + 1, h * 100)),
        },
    }
}

fn spanish(text: &Text, i: usize) -> Option<Number> {
    let known = [
        ("un par de", 2),
        ("un par de cientos", 200),
        ("un par de miles", 2_000),
        ("un par de millones", 2_000_000),
        ("un centenar", 100),
        ("un par", 2),
        ("una docena", 12),
        ("media docena", 6),
        ("medio millon", 500_000),
    ];
    if let Some((n, value)) = text.longest(i, &known) {
        return Some(Number {
            to: i + n,
            value: Decimal::from(value),
        });
    }
    let mut to = i;
    let mut total: u64 = 0;
    let mut limit = u64::MAX;
    loop {
        let bare = text.is(to, &["mil"]).then_some((to, 1));
        let Some((mut next, n)) = bare.or_else(|| below_thousand(text, to)) else {
            break;
        };
        let scale = match text.word(next) {
            "mil" if text.is(next + 1, &["millones"]) => 1_000_000_000,
            "mil" => 1_000,
            "millon" | "millones" => 1_000_000,
            _ => 1,
        };
        if scale > 1 {
            next += if scale > 1_000_000 { 2 } else { 1 };
        }
        let value = u64::from(n) * scale;
        if value >= limit {
            break;
        }
        (total, to, limit) = (total + value, next, scale);
        if scale == 1 {
            break;
        }
    }
    (to > i).then(|| Number {
        to,
        value: Decimal::from(total),
    })
}
