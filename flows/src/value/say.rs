//! Values as a customer reads or hears them, in English and Spanish. Other languages get the
//! English forms.

use jiff::civil::{Date, DateTime, Time};
use rust_decimal::Decimal;
use rust_decimal::RoundingStrategy;

use super::Value;
use crate::template::Rendering;

const DAYS_EN: [&str; 7] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
];
const DAYS_ES: [&str; 7] = [
    "lunes",
    "martes",
    "miércoles",
    "jueves",
    "viernes",
    "sábado",
    "domingo",
];
const MONTHS_EN: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const MONTHS_ES: [&str; 12] = [
    "enero",
    "febrero",
    "marzo",
    "abril",
    "mayo",
    "junio",
    "julio",
    "agosto",
    "septiembre",
    "octubre",
    "noviembre",
    "diciembre",
];

impl Value {
    /// As a customer reads or hears it: `£1,284.36`, `Thursday 26 November 2026`, `14:30`,
    /// `2 hours 5 minutes`, `yes`, `a, b and c`; nothing for null.
    pub fn say(&self, how: Rendering<'_>) -> String {
        let es = spanish(how);
        match self {
            Self::Null => String::new(),
            Self::Bool(b) => match (b, es) {
                (true, false) => "yes".to_owned(),
                (true, true) => "sí".to_owned(),
                (false, _) => "no".to_owned(),
            },
            Self::Number(n) => decimals(*n, es, false),
            Self::Text(s) => s.clone(),
            Self::Money { amount, currency } => money(*amount, currency, how),
            Self::Date(d) => date(*d, es),
            Self::Time(t) => time(*t, how),
            Self::Datetime(at) => datetime(*at, how),
            Self::Duration(s) => duration(*s, es),
            Self::List(items) => list(items, how),
            Self::Record(fields) => {
                let parts: Vec<String> = fields
                    .values()
                    .filter(|v| !v.is_null())
                    .map(|v| v.say(how))
                    .collect();
                parts.join(", ")
            }
        }
    }
}

fn spanish(how: Rendering<'_>) -> bool {
    how.language == "es" || how.language.starts_with("es-")
}

/// Digits with the language's separators; thousands are grouped where asked for.
fn decimals(n: Decimal, es: bool, grouped: bool) -> String {
    let text = n.to_string();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.as_str()),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut out = sign.to_owned();
    for (i, c) in whole.chars().enumerate() {
        if grouped && i > 0 && (whole.len() - i).is_multiple_of(3) {
            out.push(if es { '.' } else { ',' });
        }
        out.push(c);
    }
    if !fraction.is_empty() {
        out.push(if es { ',' } else { '.' });
        out.push_str(fraction);
    }
    out
}

/// A number with grouped thousands, without trailing zeros.
pub(crate) fn number(n: Decimal, how: Rendering<'_>) -> String {
    decimals(n.normalize(), spanish(how), true)
}

/// Decimals of a currency in daily use (ISO 4217 minor units where they are not 2).
fn minor_units(currency: &str) -> u32 {
    match currency {
        "JPY" | "KRW" | "CLP" | "VND" | "ISK" | "PYG" | "UGX" | "XAF" | "XOF" => 0,
        "BHD" | "JOD" | "KWD" | "OMR" | "TND" => 3,
        _ => 2,
    }
}

/// An amount: `£1,284.36`, `1.284,36 €`; for the ear `1,284 pounds and 36 pence`.
pub(crate) fn money(amount: Decimal, currency: &str, how: Rendering<'_>) -> String {
    let es = spanish(how);
    if how.spoken
        && let Some(words) = spoken_money(amount, currency, es)
    {
        return words;
    }
    let places = minor_units(currency);
    let mut rounded = amount.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero);
    rounded.rescale(places);
    let sign = if rounded.is_sign_negative() && !rounded.is_zero() {
        "-"
    } else {
        ""
    };
    let digits = decimals(rounded.abs(), es, true);
    let symbol = match currency {
        "GBP" => "£",
        "EUR" => "€",
        "USD" => "$",
        "JPY" => "¥",
        other => other,
    };
    if es {
        format!("{sign}{digits} {symbol}")
    } else if symbol == currency {
        format!("{sign}{currency} {digits}")
    } else {
        format!("{sign}{symbol}{digits}")
    }
}

/// Names of a currency: one, several; of its hundredths: one, several.
fn coins(currency: &str, es: bool) -> Option<[&'static str; 4]> {
    Some(match (currency, es) {
        ("GBP", false) => ["pound", "pounds", "penny", "pence"],
        ("EUR", false) => ["euro", "euros", "cent", "cents"],
        ("USD", false) => ["dollar", "dollars", "cent", "cents"],
        ("GBP", true) => ["libra", "libras", "penique", "peniques"],
        ("EUR", true) => ["euro", "euros", "céntimo", "céntimos"],
        ("USD", true) => ["dólar", "dólares", "centavo", "centavos"],
        _ => return None,
    })
}

/// An amount in words as far as a voice needs them: the digits are left to it.
fn spoken_money(amount: Decimal, currency: &str, es: bool) -> Option<String> {
    let [one, several, cent, cents] = coins(currency, es)?;
    let rounded = amount
        .round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
        .abs();
    let whole = rounded.trunc();
    let rest = ((rounded - whole) * Decimal::ONE_HUNDRED).trunc();
    let name = |n: Decimal, one: &str, several: &str| {
        let name = if n == Decimal::ONE { one } else { several };
        format!("{} {name}", decimals(n.normalize(), es, true))
    };
    let words = match (whole.is_zero(), rest.is_zero()) {
        (_, true) => name(whole, one, several),
        (true, false) => name(rest, cent, cents),
        (false, false) => {
            let and = if es { "con" } else { "and" };
            let (a, b) = (name(whole, one, several), name(rest, cent, cents));
            format!("{a} {and} {b}")
        }
    };
    let negative = amount.is_sign_negative() && !rounded.is_zero();
    let minus = match (negative, es) {
        (false, _) => "",
        (true, false) => "minus ",
        (true, true) => "menos ",
    };
    Some(format!("{minus}{words}"))
}

fn date(d: Date, es: bool) -> String {
    let weekday = usize::try_from(d.weekday().to_monday_zero_offset()).unwrap_or(0);
    let month = usize::try_from(d.month() - 1).unwrap_or(0);
    let (day, year) = (d.day(), d.year());
    if es {
        format!(
            "{} {day} de {} de {year}",
            DAYS_ES[weekday], MONTHS_ES[month]
        )
    } else {
        format!("{} {day} {} {year}", DAYS_EN[weekday], MONTHS_EN[month])
    }
}

/// `14:30`; for the ear in English `2:30 pm`.
fn time(t: Time, how: Rendering<'_>) -> String {
    let (hour, minute) = (t.hour(), t.minute());
    if !how.spoken || spanish(how) {
        return format!("{hour:02}:{minute:02}");
    }
    let half = if hour < 12 { "am" } else { "pm" };
    let twelve = if hour % 12 == 0 { 12 } else { hour % 12 };
    if minute == 0 {
        format!("{twelve} {half}")
    } else {
        format!("{twelve}:{minute:02} {half}")
    }
}

fn datetime(at: DateTime, how: Rendering<'_>) -> String {
    let (day, clock) = (date(at.date(), spanish(how)), time(at.time(), how));
    match (spanish(how), at.hour()) {
        (false, _) => format!("{day} at {clock}"),
        (true, 1) => format!("{day} a la {clock}"),
        (true, _) => format!("{day} a las {clock}"),
    }
}

/// The two largest units that are not zero: `2 hours 5 minutes`.
fn duration(seconds: i64, es: bool) -> String {
    let units: [(u64, [&str; 2], [&str; 2]); 4] = [
        (86_400, ["day", "days"], ["día", "días"]),
        (3_600, ["hour", "hours"], ["hora", "horas"]),
        (60, ["minute", "minutes"], ["minuto", "minutos"]),
        (1, ["second", "seconds"], ["segundo", "segundos"]),
    ];
    let mut left = seconds.unsigned_abs();
    let mut parts = Vec::new();
    for (size, en_names, es_names) in units {
        let n = left / size;
        left %= size;
        if n > 0 && parts.len() < 2 {
            let names = if es { es_names } else { en_names };
            parts.push(format!("{n} {}", names[usize::from(n != 1)]));
        }
    }
    if parts.is_empty() {
        return if es { "0 segundos" } else { "0 seconds" }.to_owned();
    }
    let sign = if seconds < 0 { "-" } else { "" };
    format!("{sign}{}", parts.join(" "))
}

/// `a, b and c`; in Spanish `a, b y c`, with `e` before the sound of i.
fn list(items: &[Value], how: Rendering<'_>) -> String {
    let parts: Vec<String> = items.iter().map(|v| v.say(how)).collect();
    let Some((last, before)) = parts.split_last() else {
        return String::new();
    };
    if before.is_empty() {
        return last.clone();
    }
    let lower = last.to_lowercase();
    let and = if !spanish(how) {
        "and"
    } else if lower.starts_with('i')
        || lower.starts_with('í')
        || (lower.starts_with("hi") && !lower.starts_with("hie"))
    {
        "e"
    } else {
        "y"
    };
    format!("{} {and} {last}", before.join(", "))
}

/// Character by character, for codes read out: `AB-12` is `A B dash 1 2`.
pub(crate) fn spell(text: &str, how: Rendering<'_>) -> String {
    let dash = match (how.spoken, spanish(how)) {
        (false, _) => "-",
        (true, false) => "dash",
        (true, true) => "guion",
    };
    let parts: Vec<String> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| match c {
            '-' | '–' => dash.to_owned(),
            c => c.to_uppercase().to_string(),
        })
        .collect();
    parts.join(" ")
}
