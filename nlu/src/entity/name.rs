//! A person's name, where someone says it is one.

use serde_json::Value;

use super::text::{Kind, Lang, Text};
use super::{number, words};
use crate::Entity;

/// The most words of a name.
const MOST: usize = 5;
/// Particles inside a name.
const PARTICLES: [&str; 12] = [
    "de", "del", "la", "las", "los", "van", "von", "der", "da", "dos", "di", "y",
];
/// Words that follow "I'm" and "it's" with a capital without being names, and ends of a spoken name.
const NO_NAMES: &str = "i the a an and from calling here but my your not just so at in with for to of on is it's i'm \
    monday tuesday wednesday thursday friday saturday sunday january february march april may june july august \
    september october november december today tomorrow sorry fine good ok okay yes no english spanish british \
    looking trying having going afraid sure happy very still lost unable about because please thanks thank \
    spelled spelt y el un una mi su con para pero porque que desde cliente llamo gracias por favor hola hello hi";

/// Words that end a name said without capitals: the sentence goes on, or it was about a name.
const GOES_ON: &str = "what how when where why which who can could would should do does did need want have had has was     were wrong incorrect misspelled misspelt quiero quisiera necesito tengo puedo podria deseo perdi cual como donde     cuando incorrecto";

/// Words that no name begins with, capitals or not.
const NEVER: &str = "none not no nobody nothing never neither why what who how yes hello hi hey hiya thanks thank help skip     cancel stop next back sorry please ok okay sure later maybe lost null test unknown anonymous nope nah yeah yep idk     dunno hola buenas buenos adios nada nadie ninguno ninguna nunca porque por para que quien cual no manana luego     ayuda saltar gracias vale claro si tampoco depende anonimo";

/// What comes before a name, and whether nothing but a name can follow.
const EN_OPENINGS: [(&str, bool); 27] = [
    ("my name is", true),
    ("my name's", true),
    ("my full name is", true),
    ("the name is", true),
    ("the name's", true),
    ("name is", true),
    ("name :", true),
    ("i am called", true),
    ("i'm called", true),
    ("call me", false),
    ("i am", false),
    ("i'm", false),
    ("it's", false),
    ("it is", false),
    ("this is", false),
    ("my wife", false),
    ("my husband", false),
    ("my partner", false),
    ("my son", false),
    ("my daughter", false),
    ("my mother", false),
    ("my father", false),
    ("my mum", false),
    ("my dad", false),
    ("my sister", false),
    ("my brother", false),
    ("my friend", false),
];
/// The same in Spanish.
const ES_OPENINGS: [(&str, bool); 20] = [
    ("me llamo", true),
    ("mi nombre es", true),
    ("mi nombre completo es", true),
    ("nombre :", true),
    ("nombre es", true),
    ("soy", false),
    ("habla", false),
    ("le habla", false),
    ("mi mujer", false),
    ("mi esposa", false),
    ("mi marido", false),
    ("mi esposo", false),
    ("mi hijo", false),
    ("mi hija", false),
    ("mi madre", false),
    ("mi padre", false),
    ("mi hermano", false),
    ("mi hermana", false),
    ("mi amigo", false),
    ("mi amiga", false),
];

/// Adds the names of the text.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let openings: &[(&str, bool)] = match lang {
        Lang::En => &EN_OPENINGS,
        Lang::Es => &ES_OPENINGS,
    };
    let mut i = 0;
    while i < text.tokens.len() {
        let Some((n, only)) = text.longest(i, openings) else {
            i += 1;
            continue;
        };
        i += n;
        i += title(text, i, lang);
        if let Some((to, capitals)) = name(text, i, only) {
            // "I'm Lost", "my name is not important"
            if !is_name(text, i, to, lang, only) {
                i = to;
                continue;
            }
            let value = titled(text, i, to, capitals);
            let sure = match (only, capitals) {
                (true, true) => 0.97,
                (true, false) => 0.7,
                _ => 0.75,
            };
            found.push(super::entity(
                text,
                "name",
                Value::String(value),
                i,
                to,
                sure,
            ));
            i = to;
        }
    }
    alone(text, lang, found);
}

/// The number of tokens of a title before a name: `Dr.`, `Mrs`, `doña`.
fn title(text: &Text, i: usize, lang: Lang) -> usize {
    let titles: &[&str] = match lang {
        Lang::En => &["mr", "mrs", "ms", "miss", "dr", "prof", "sir"],
        Lang::Es => &[
            "sr", "sra", "srta", "dr", "dra", "don", "dona", "senor", "senora",
        ],
    };
    if !text.is(i, titles) {
        return 0;
    }
    1 + usize::from(text.is(i + 1, &["."]) && text.glued(i + 1))
}

/// Nothing but a name, with how it is written perhaps: an answer to "what's your name?". Without capitals
/// it is a `name_bare`, which only that question makes a name.
fn alone(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let from = title(text, 0, lang);
    let spelling = [
        "with", "spelled", "spelt", "con", "se", "that's", "as", "no",
    ];
    let comma = (0..text.tokens.len().min(MOST * 2))
        .find(|i| text.is(*i, &[",", "(", "-"]) && !text.glued(i + 1));
    let spelled = comma.filter(|i| text.is(i + 1, &spelling));
    let last = text.tokens.iter().rposition(|t| t.kind == Kind::Word);
    let end = spelled.unwrap_or(last.map_or(0, |i| i + 1));
    let signs = text.tokens.len() - end;
    let Some((to, capitals)) = name(text, from, true) else {
        return;
    };
    if to != end || (signs > 1 && spelled.is_none()) || !is_name(text, from, to, lang, false) {
        return;
    }
    let (kind, sure) = match (capitals, to > from + 1) {
        (true, true) => ("name", 0.5),
        (true, false) => ("name", 0.3),
        (false, true) => ("name_bare", 0.4),
        (false, false) => ("name_bare", 0.3),
    };
    let value = Value::String(titled(text, from, to, capitals));
    found.push(super::entity(text, kind, value, from, to, sure));
}

/// Its first word is none of the language, or a name besides; `said` that it is one, only the words that
/// deny or put it off are looked at.
fn is_name(text: &Text, from: usize, to: usize, lang: Lang, said: bool) -> bool {
    let first = text.word(from);
    if NEVER.split_whitespace().any(|w| w == first) {
        return false;
    }
    if words::is_given_name(first) || said && text.original(from).starts_with(char::is_uppercase) {
        return true;
    }
    let ordinary = |i: usize| {
        let known = words::is_ordinary(text.word(i), lang)
            || number::below_hundred(text, i, lang).is_some();
        known && !words::is_given_name(text.word(i))
    };
    let more = (from + 1..to).filter(|i| !PARTICLES.contains(&text.word(*i)));
    let capitals = text.original(from).starts_with(char::is_uppercase);
    // "Young Lee" and "Baker Smith" with capitals.
    !ordinary(from) || (capitals && more.clone().count() > 0 && more.clone().all(|i| !ordinary(i)))
}

/// One past the last token of the name at `i`, and whether it has capitals; `spoken` takes one
/// without them, as speech to text writes it.
fn name(text: &Text, i: usize, spoken: bool) -> Option<(usize, bool)> {
    let capital = |i: usize| text.original(i).starts_with(char::is_uppercase);
    let capitals = capital(i);
    let others = if capitals { "" } else { GOES_ON };
    let word = |i: usize| {
        let token = text.tokens.get(i);
        let mut others = NO_NAMES.split_whitespace().chain(others.split_whitespace());
        token.is_some_and(|t| t.kind == Kind::Word) && others.all(|w| w != text.word(i))
    };
    if !word(i) || !(capitals || spoken) {
        return None;
    }
    let most = if capitals { MOST } else { 3 };
    let mut to = i + 1;
    let mut words = 1;
    while words < most {
        // O'Brien is one token, Smith-Jones three, J. Smith has a point.
        let hyphen = text.is(to, &["-"]) && text.glued(to) && text.glued(to + 1);
        let initial = text.is(to, &["."]) && text.original(to - 1).len() == 1;
        let at = if hyphen || initial { to + 1 } else { to };
        let particles = (0..2)
            .take_while(|n| PARTICLES.contains(&text.word(at + n)) && !capital(at + n))
            .count();
        let next = at + particles;
        if !word(next) || capital(next) != capitals {
            break;
        }
        to = next + 1;
        words += 1;
    }
    Some((to, capitals))
}

/// As written, with capitals where speech has none.
fn titled(text: &Text, from: usize, to: usize, capitals: bool) -> String {
    let written = text
        .raw
        .get(text.start(from)..text.end(to))
        .unwrap_or_default();
    if capitals {
        return written.split_whitespace().collect::<Vec<_>>().join(" ");
    }
    let words = written.split_whitespace().map(|word| {
        let mut chars = word.chars();
        let first = chars
            .next()
            .map(|c| c.to_uppercase().to_string())
            .unwrap_or_default();
        if PARTICLES.contains(&word) {
            word.to_owned()
        } else {
            first + chars.as_str()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}
