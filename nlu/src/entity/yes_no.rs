//! Yes and no, said as an answer: "I have no card" says neither.

use serde_json::Value;

use super::text::{Kind, Lang, Text};
use crate::Entity;

const EN_YES: &str = "yes|yeah|yep|yup|ya|aye|yes please|sure|sure thing|of course|ok|okay|alright|all right|absolutely|\
    definitely|certainly|correct|that's right|thats right|that is right|that's correct|that is correct|right|exactly|go ahead|\
    do it|please do|go on|sounds good|fine|that's fine|perfect|indeed|affirmative|i do|i am|it is|i would|yes i do|\
    you bet|why not|that's it|that is it|yes that's right|yes that is right|yes correct|i think so|i believe so|i guess so|confirm|confirmed|i confirm|y|👍|✅";
const EN_NO: &str = "no|nope|nah|no thanks|no thank you|not really|not at all|no way|never|absolutely not|\
    definitely not|certainly not|of course not|please don't|please do not|don't|do not|don't do it|that's wrong|\
    that is wrong|wrong|incorrect|not correct|that's not right|that is not right|that isn't right|i don't|i do not|i'm not|\
    not now|not yet|negative|no i don't|not today|i'd rather not|i don't think so|i do not think so|no it isn't|no it's not|n|👎|❌";
const ES_YES: &str = "si|claro|claro que si|vale|de acuerdo|por supuesto|correcto|exacto|exactamente|eso es|\
    asi es|esta bien|ok|okay|perfecto|bueno|dale|adelante|afirmativo|desde luego|efectivamente|si por favor|sip|\
    hazlo|hagalo|confirmo|es correcto|si claro|si quiero|creo que si|por que no|👍|✅";
const ES_NO: &str = "no|no gracias|para nada|en absoluto|que va|claro que no|por supuesto que no|desde luego que no|\
    ni hablar|nunca|negativo|incorrecto|no es correcto|no quiero|mejor no|creo que no|nada de eso|ahora no|todavia no|aun no|no por favor|nop|\
    no es asi|no esta bien|👎|❌";
/// What begins like an answer and isn't one.
const NEITHER: &str = "no idea|no clue|no sure|no one|no problem|no se|no lo se|not sure|no estoy seguro|no estoy segura|\
    no entiendo|no i mean|sure not|right now|no puedo|no se que|si no|right away|ok google|never mind|nevermind|no hay|\
    no tengo|no me|no funciona|no veo|no recuerdo|no encuentro";
/// Words around an answer that leave it one.
const FILLERS: [&str; 26] = [
    "um", "uh", "er", "erm", "hmm", "well", "oh", "so", "please", "thanks", "thank", "you", "ta",
    "mate", "and", "por", "favor", "gracias", "pues", "eh", "ah", "bueno", "muchas", "then",
    "it's", "the",
];

/// Adds the answers: the whole text, how it begins, or how it ends after a comma.
pub(super) fn find(text: &Text, lang: Lang, found: &mut Vec<Entity>) {
    let filler = |i: usize| {
        let token = text.tokens.get(i);
        token.is_some_and(|t| is_pause(&t.fold) || FILLERS.contains(&t.fold.as_str()))
    };
    let count = text.tokens.len();
    let start = (0..count).find(|i| !filler(*i)).unwrap_or(0);
    // "Por supuesto" begins with a word that may be one around an answer.
    let whole = |i: &usize| answer(text, *i, lang).is_some_and(|(to, _)| to > start);
    let start = (0..start).find(whole).unwrap_or(start);
    let Some((to, yes)) = answer(text, start, lang) else {
        return ending(text, start, lang, found);
    };
    let whole = (to..count).all(filler);
    let paused = text.tokens.get(to).is_some_and(|t| is_pause(&t.fold));
    let again = (to..count)
        .find(|i| !filler(*i))
        .and_then(|i| answer(text, i, lang));
    // Spanish denies with "no" before the verb, and English says "no card".
    let sure = match again {
        _ if whole => 0.99,
        Some((_, other)) if other != yes => 0.4,
        Some(_) => 0.95,
        None if paused => 0.88,
        None if text.is(
            start,
            &[
                "no", "right", "fine", "si", "never", "don't", "do", "i", "it",
            ],
        ) && to == start + 1 =>
        {
            0.45
        }
        None => 0.8,
    };
    found.push(super::entity(
        text,
        "yes_no",
        Value::Bool(yes),
        start,
        to,
        sure,
    ));
    if !whole {
        ending(text, to, lang, found);
    }
}

/// "The blue one, yes": after a pause, and the last thing said.
fn ending(text: &Text, from: usize, lang: Lang, found: &mut Vec<Entity>) {
    let count = text.tokens.len();
    let trailing = (0..count).rev().take_while(|i| is_sign(text, *i)).count();
    let last = count - trailing;
    let pause = (from..last)
        .rev()
        .take(6)
        .find(|i| text.is(*i, &[",", ".", ";", "!", "?"]));
    let Some(at) = pause.map(|i| i + 1) else {
        return;
    };
    if let Some((to, yes)) =
        answer(text, at, lang).filter(|(to, _)| *to == last || text.is(*to, &["please", "thanks"]))
    {
        found.push(super::entity(text, "yes_no", Value::Bool(yes), at, to, 0.6));
    }
}

/// The answer at `i`: one past its last token, and whether it is yes.
fn answer(text: &Text, i: usize, lang: Lang) -> Option<(usize, bool)> {
    let longest = |phrases: &str| {
        phrases
            .split('|')
            .map(|p| text.phrase(i, p.trim()))
            .max()
            .unwrap_or(0)
    };
    let (yes, no) = match lang {
        Lang::En => (longest(EN_YES), longest(EN_NO)),
        Lang::Es => (longest(ES_YES), longest(ES_NO)),
    };
    let best = yes.max(no);
    (best > 0 && longest(NEITHER) < best.max(2)).then_some((i + best, yes > no))
}

fn is_pause(sign: &str) -> bool {
    matches!(
        sign,
        "," | "." | "!" | ";" | ":" | "\u{a1}" | "?" | "-" | "\u{2013}" | "\u{2014}" | "\u{2026}"
    )
}

fn is_sign(text: &Text, i: usize) -> bool {
    text.tokens.get(i).is_some_and(|t| t.kind == Kind::Sign)
}
