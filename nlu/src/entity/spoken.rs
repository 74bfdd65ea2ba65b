//! E-mail and web addresses as speech gives them: `jo at example dot com`, `w w w punto ejemplo punto es`.

use serde_json::Value;

use super::number::below_hundred;
use super::pattern::letter_name;
use super::text::{Kind, Lang, Text};
use crate::Entity;

/// The most tokens before the at sign.
const BEFORE: usize = 24;
/// The most labels of a host.
const LABELS: usize = 6;

/// Words that are not the beginning of an address though they stand before one.
const NO_PART: &str = "is it's its i'm es soy email e-mail mail correo electronico address direccion my mi the to a and y el \
    la me us look looking am are be at en on in with or o shop shopping bought buy order ordered working work login log \
    that's thats that this su your our un una por";

/// Endings that a spoken web address may have without `www`.
const ENDINGS: &str =
    "com org net edu gov io app dev info eu uk es mx ar cl co shop store tv ai cloud bank";

/// Adds the e-mail and web addresses that are spoken.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let mut i = 0;
    while i < text.tokens.len() {
        let at = at_sign(text, i);
        if let Some(next) = at
            && let Some((from, to, address)) = email(text, i, next, lang)
        {
            let known = found
                .iter()
                .any(|e| e.entity == "email" && e.start < text.end(to) && text.start(from) < e.end);
            if !known {
                let value = Value::String(address);
                found.push(super::entity(text, "email", value, from, to, 0.8));
            }
            i = to;
            continue;
        }
        match web(text, i, lang) {
            Some((to, address)) => {
                let value = Value::String(address);
                found.push(super::entity(text, "url", value, i, to, 0.7));
                i = to;
            }
            None => i += 1,
        }
    }
}

/// One past an at sign: `at`, `arroba`, `(at)`, `@`.
fn at_sign(text: &Text, i: usize) -> Option<usize> {
    if text.is(i, &["at", "arroba", "@"]) {
        let sign = text.is(i + 1, &["sign"]);
        return Some(i + 1 + usize::from(sign));
    }
    let open = text.is(i, &["(", "["]) && text.is(i + 1, &["at", "arroba"]);
    (open && text.is(i + 2, &[")", "]"])).then_some(i + 3)
}

/// What joins the parts of an address.
fn joint(text: &Text, i: usize) -> Option<(usize, char)> {
    let names = [
        ("dot", '.'),
        ("punto", '.'),
        ("underscore", '_'),
        ("guion bajo", '_'),
        ("barra baja", '_'),
        ("dash", '-'),
        ("hyphen", '-'),
        ("guion", '-'),
        ("guion medio", '-'),
        ("plus", '+'),
        ("mas", '+'),
        ("( dot )", '.'),
        ("[ dot ]", '.'),
    ];
    if let Some((n, sign)) = text.longest(i, &names) {
        return Some((i + n, sign));
    }
    let sign = match text.word(i) {
        "." => '.',
        "_" => '_',
        "-" => '-',
        "+" => '+',
        _ => return None,
    };
    (text.glued(i) && text.glued(i + 1)).then_some((i + 1, sign))
}

/// A letter, a digit, a small number or `double u`, as it is written.
fn sign(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    let token = text.tokens.get(i)?;
    let times = match token.fold.as_str() {
        "double" | "doble" => 2,
        "triple" => 3,
        _ => 1,
    };
    if times > 1 {
        let (to, said) = sign(text, i + 1, lang).filter(|(_, said)| said.len() == 1)?;
        return Some((to, said.repeat(times)));
    }
    if lang == Lang::En && text.is(i, &["oh"]) {
        return Some((i + 1, "0".to_owned()));
    }
    if let Some((to, n)) = below_hundred(text, i, lang).filter(|_| !text.is(i, &["un", "una"])) {
        return Some((to, n.to_string()));
    }
    if lang == Lang::Es
        && let Some((to, letter)) = letter_name(text, i)
    {
        return Some((to, letter.to_lowercase()));
    }
    let one = token.kind == Kind::Word && token.fold.len() == 1;
    let digits = token.kind == Kind::Digits && token.fold.bytes().all(|b| b.is_ascii_digit());
    (one || digits).then(|| (i + 1, token.fold.clone()))
}

/// A part of an address: signs one by one, or a word with digits behind it.
fn part(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    let mut all = String::new();
    let mut to = i;
    if sign(text, i, lang).is_none() {
        let token = text.tokens.get(i).filter(|t| t.kind == Kind::Word)?;
        let plain = token.fold.bytes().all(|b| b.is_ascii_alphabetic());
        if !plain || NO_PART.split_whitespace().any(|w| w == token.fold) {
            return None;
        }
        (to, all) = (i + 1, token.fold.clone());
        // Only digits may follow a word: other letters are the next word.
        while let Some((next, said)) = sign(text, to, lang).filter(|(_, s)| is_digits(s)) {
            (to, all) = (next, all + &said);
        }
        return Some((to, all));
    }
    while let Some((next, said)) = sign(text, to, lang).filter(|_| all.len() < 40) {
        (to, all) = (next, all + &said);
        // `x2y` is one word to a reader.
        while text.glued(to)
            && let Some(token) = text.tokens.get(to).filter(|t| t.kind == Kind::Word)
        {
            (to, all) = (to + 1, all + &token.fold);
        }
    }
    (to > i).then_some((to, all))
}

fn is_digits(said: &str) -> bool {
    said.bytes().all(|b| b.is_ascii_digit())
}

/// The part before the at sign at `end`, which begins as early as it can be read.
fn user(text: &Text, end: usize, lang: Lang) -> Option<(usize, String)> {
    (end.saturating_sub(BEFORE)..end).find_map(|from| {
        // Not from the middle of a word.
        if joint(text, from).is_some()
            || (text.glued(from) && from > 0 && !text.is(from - 1, &["(", ":"]))
        {
            return None;
        }
        let (mut to, mut all) = part(text, from, lang)?;
        while to < end {
            let (next, sign) = joint(text, to)?;
            let (after, said) = part(text, next, lang)?;
            all.push(sign);
            all.push_str(&said);
            to = after;
        }
        (to == end).then_some((from, all))
    })
}

/// A host: labels with points between them; the number of those that were spoken.
fn host(text: &Text, i: usize, lang: Lang) -> Option<(usize, String, usize)> {
    let (mut to, mut all) = label(text, i, lang)?;
    let mut spoken = 0;
    for _ in 0..LABELS {
        let Some((next, '.')) = joint(text, to) else {
            break;
        };
        let Some((after, said)) = label(text, next, lang) else {
            break;
        };
        spoken += usize::from(!text.is(to, &["."]));
        all.push('.');
        all.push_str(&said);
        to = after;
    }
    let ending = all.rsplit('.').next().unwrap_or_default();
    let known = ending.len() > 1 && ending.bytes().all(|b| b.is_ascii_alphabetic());
    (known && all.contains('.')).then_some((to, all, spoken))
}

/// A label, with hyphens inside.
fn label(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    let word = |i: usize| {
        let token = text.tokens.get(i)?;
        let plain =
            token.kind != Kind::Sign && token.fold.bytes().all(|b| b.is_ascii_alphanumeric());
        (plain && token.fold.len() > 1).then(|| (i + 1, token.fold.clone()))
    };
    // A label like "es" or "com" is not read for its letters.
    let one = |i: usize| word(i).or_else(|| part(text, i, lang));
    let (mut to, mut all) = one(i)?;
    while let Some((next, '-')) = joint(text, to) {
        let Some((after, said)) = one(next) else {
            break;
        };
        (to, all) = (after, format!("{all}-{said}"));
    }
    Some((to, all))
}

/// The address around the at sign at `at..next`.
fn email(text: &Text, at: usize, next: usize, lang: Lang) -> Option<(usize, usize, String)> {
    let (to, host, spoken) = host(text, next, lang)?;
    let (from, user) = user(text, at, lang)?;
    // "Look at example.com": without a spoken point, "at" needs to be one for sure.
    let said = || {
        let words = ["email", "e", "mail", "correo", "arroba", "address"];
        (from == 0 && to + 1 >= text.tokens.len()) || (0..at).any(|i| text.is(i, &words))
    };
    let sure = spoken > 0 || !text.is(at, &["at"]) || said();
    sure.then(|| (from, to, format!("{user}@{host}")))
}

/// A web address: `www` in any way, or a host with a spoken point and an ending that is known.
fn web(text: &Text, i: usize, lang: Lang) -> Option<(usize, String)> {
    if text.glued(i) && i > 0 {
        return None;
    }
    let www = [
        ("www", ()),
        ("w w w", ()),
        ("triple w", ()),
        ("dub dub dub", ()),
        ("double u double u double u", ()),
        ("uve doble uve doble uve doble", ()),
        ("doble ve doble ve doble ve", ()),
        ("doble u doble u doble u", ()),
        ("tres uves dobles", ()),
        ("tres uve doble", ()),
        ("triple uve doble", ()),
        ("tres w", ()),
        ("tres ws", ()),
    ];
    let named = text.longest(i, &www).map(|(n, ())| i + n);
    let from = match named {
        Some(at) => match joint(text, at) {
            Some((next, '.')) => next,
            _ => at,
        },
        None => i,
    };
    if named.is_none() && NO_PART.split_whitespace().any(|w| text.is(i, &[w])) {
        return None;
    }
    let (mut to, host, spoken) = host(text, from, lang)?;
    let ending = host.rsplit('.').next().unwrap_or_default();
    // "Es" and "co" are words and syllables too.
    let last = text.tokens.get(to).is_none_or(|t| t.kind == Kind::Sign) || ending.len() > 2;
    let known = ENDINGS.split(' ').any(|e| e == ending) && last;
    let slashed = text.is(to, &["slash", "barra"]);
    let written = spoken == 0 && !text.is(i + 1, &["dot", "punto"]);
    if (named.is_none() && (!(known || slashed) || spoken == 0))
        || (named == Some(i + 1) && written && text.is(i + 1, &["."]))
    {
        return None;
    }
    let mut all = if named.is_some() {
        format!("www.{host}")
    } else {
        host
    };
    while text.is(to, &["slash", "barra", "/"])
        && let Some((next, said)) = label(text, to + 1, lang)
    {
        all.push('/');
        all.push_str(&said);
        to = next;
    }
    Some((to, all))
}
