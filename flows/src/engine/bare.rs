//! A bare yes and a bare no: messages that say it and nothing else. The whole message must be made of the phrases
//! below; one word more and it is neither. What can't be undone hangs on this, so it is a list that can be read and
//! not a model.

use super::exact::{fold, holds};

/// Phrases that say yes, folded.
const YES: &str = "yes|yeah|yea|yah|yep|yup|yip|ya|yh|yes yes|ye|aye|sure|sure thing|for sure|of course|course|absolutely|definitely|\
certainly|correct|right|exactly|indeed|affirmative|fine|ok|okay|oki|okey|k|kk|alright|all right|perfect|great|good|cool|lovely|agreed|agree|\
i agree|deal|done|go ahead|go on|go on then|go for it|do it|do that|do so|please do|do|yes do|by all means|be my guest|why not|\
i do|i am|i would|i will|i did|i have|it does|it is|it was|it has|it did|they are|they do|that is|that s it|that is it|thats it|thats it then|that s right|thats right|that is right|\
that s correct|thats correct|that is correct|that s fine|thats fine|that is fine|that s ok|that s okay|that s good|that s great|that s perfect|that s the one|thats the one|\
is right|is correct|all correct|all good|looks good|looks right|sounds good|sounds right|sounds great|sounds fine|works for me|fine by me|fine with me|ok with me|\
good to go|i guess so|guess so|i suppose so|i spose so|suppose so|spose so|i think so|i believe so|no problem|no problem at all|no worries|not a problem|\
confirm|confirmed|i confirm|confirm it|proceed|please proceed|continue|carry on|you bet|you got it|yes it is|yes it does|yes i do|yes i am|yes that is|\
y|yep that s it|that ll do nicely|that ll do|thatll do|that will do|yeh|yehh|yes yes|if you would|if you could|i d like that|i would like that|i d love that|that would be great|that d be great|that would be good|that would be lovely|that works|roger|\
si|si si|por supuesto que si|estupendo|fenomenal|claro claro|sip|sii|siii|claro|claro que si|por supuesto|desde luego|correcto|es correcto|exacto|exactamente|eso es|asi es|eso mismo|vale|va|venga|venga va|\
de acuerdo|esta bien|esta correcto|muy bien|perfecto|genial|adelante|hazlo|hagalo|dale|dele|ok dale|confirmo|confirmado|lo confirmo|afirmativo|efectivamente|\
como no|con gusto|con mucho gusto|por que no|sin problema|no hay problema|ningun problema|no pasa nada|si quiero|si lo confirmo|creo que si|supongo que si|\
supongo|me parece bien|me vale|me sirve|todo bien|todo correcto|sigue|siga|continue por favor|continua|si senor|si señor|si senora|obvio|listo|procede|proceda";

/// Phrases that say no, folded.
const NO: &str = "no|nope|nah|naw|nay|no no|no no no|no way|not|not really|not at all|not now|not today|not this time|never|absolutely not|definitely not|certainly not|\
of course not|don t|dont|do not|don t do it|dont do it|do not do it|don t do that|do not do that|please don t|please do not|i don t|i do not|i do not want that|\
i don t want that|i don t want to|i do not want to|i don t think so|i do not think so|i d rather not|i would rather not|rather not|i m not|i am not|\
it isn t|it is not|it s not|its not|it doesn t|it does not|it wasn t|that isn t|that s not it|that s wrong|thats wrong|that is wrong|that s incorrect|\
that s not right|thats not right|that is not right|that isn t right|is wrong|wrong|incorrect|not correct|not right|negative|no thanks|no thank you|no ta|nothing|\
still no|still not|leave it|leave it as it is|leave it please|keep it|none of those|none of these|none of them|none|neither|neither of them|neither of those|not those|ninguno|ninguna|ninguno de esos|ninguna de esas|ninguno de ellos|ninguna de ellas|no wait|no espera|no espere|n|no i don t|no it isn t|no it s not|no it doesn t|no need|no need thanks|not necessary|i disagree|\
no gracias|ya no|para nada|en absoluto|que va|claro que no|por supuesto que no|desde luego que no|ni hablar|ni de broma|nunca|jamas|negativo|incorrecto|no es correcto|\
no quiero|no lo quiero|no lo haga|no lo hagas|mejor no|creo que no|me parece que no|ahora no|ahorita no|hoy no|todavia no|aun no|nada de eso|nop|no senor|no es asi|\
no esta bien|no hace falta|no es necesario|dejalo|dejelo|dejelo asi|dejalo asi|tampoco|sigue siendo que no|prefiero que no|preferiria no";

/// Phrases that may stand around either and change nothing, folded.
const POLITE: &str = "please|pls|plz|thanks|thank you|thank you very much|thanks a lot|many thanks|thx|ta|cheers|thank you so much|thanks so much|so much|very much|a lot|\
oh|well|um|uh|er|erm|hmm|hm|ah|so|then|just|actually|really|honestly|sorry|mate|love|dear|sir|madam|man|pal|there|hi|hello|again|indeed|and|\
por favor|porfa|porfavor|gracias|muchas gracias|mil gracias|pues|bueno|eh|ah|oh|perdon|perdone|disculpa|disculpe|hola|senorita|amigo|amiga|hombre|y|\
o sea|entonces|that|it|s|for me|i m back|im back|ya estoy|mejor|aqui estoy|ya he vuelto|obviously|obvio|obviamente|clearly|ffs";

/// Of those that say yes, the ones that may only acknowledge, folded.
const WEAK: &str = "ok|okay|oki|okey|k|kk|alright|all right|great|cool|good|lovely|perfect|fine|right|exactly|deal|done|sure thing|roger|\
no problem|no worries|guess so|i guess so|suppose so|i suppose so|i think so|i believe so|vale|va|venga|venga va|genial|perfecto|muy bien|\
estupendo|fenomenal|listo|de acuerdo|supongo|supongo que si|creo que si|no hay problema|sin problema|no pasa nada|esta bien|all good";
/// Yeses that mean the contrary, folded.
const IRONY: &str = "yeah right|aye right|yes right|yeah yeah|yea yea|sure sure|ok ok ok|oh great|oh perfect|oh lovely|oh good|just great|just perfect|\
great just|as if|ya claro|si claro claro|claro claro|venga ya|ya ya|claro hombre|si hombre|anda ya|haha|lol|lmao|jaja|jajaja|jaja si|jk";
/// Faces that doubt, mock or are cross.
const FACES: [char; 12] = [
    '\u{1f644}',
    '\u{1f643}',
    '\u{1f928}',
    '\u{1f937}',
    '\u{1f621}',
    '\u{1f620}',
    '\u{1f602}',
    '\u{1f923}',
    '\u{1f914}',
    '\u{1f612}',
    '\u{1f624}',
    '\u{1f62c}',
];
/// Spanish pronouns at the end of a verb.
const CLITICS: [&str; 6] = ["las", "los", "la", "lo", "les", "le"];
/// Words that join a condition or a doubt.
const CONDITIONS: [&str; 26] = [
    "if",
    "but",
    "unless",
    "only",
    "as long",
    "after",
    "before",
    "when",
    "first",
    "except",
    "maybe",
    "depends",
    "si",
    "pero",
    "solo",
    "siempre que",
    "cuando",
    "antes",
    "despues",
    "menos",
    "depende",
    "quiza",
    "perhaps",
    "later",
    "luego",
    "mas tarde",
];

/// What a message says, all of it: yes, no, or neither or both or more.
pub(super) fn yes_no(text: &str) -> Option<bool> {
    said(text, "")
}

/// As `yes_no`, for the answer to a question: "send it" says yes to "Shall I send it?".
pub(super) fn answer(text: &str, question: &str) -> Option<bool> {
    said(text, question)
}

/// Words beyond which nothing is a bare yes or no.
const BARE: usize = 64;

fn said(text: &str, question: &str) -> Option<bool> {
    if text.contains(['?', '¿']) {
        return None;
    }
    let folded = fold(&signs(text));
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    if words.len() > BARE {
        return None;
    }
    let question = format!(" {} ", fold(question));
    let (mut yes, mut no) = (false, false);
    let mut at = 0;
    while at < words.len() {
        let rest = &words[at..];
        let (of_yes, of_no) = (longest(YES, rest), longest(NO, rest));
        let of_verb = verb(rest, &question).max(plain_verb(rest, &question, yes));
        let polite = longest(POLITE, rest);
        let most = of_yes.max(of_no).max(of_verb).max(polite);
        if most == 0 {
            return None;
        }
        if most == of_no {
            no = true;
        } else if most == of_yes || most == of_verb {
            yes = true;
        }
        at += most;
    }
    match (yes, no) {
        (true, false) if doubts(text, &folded) => None,
        (true, false) => Some(true),
        (false, true) => Some(false),
        _ => None,
    }
}

/// True where a yes is not meant as one: irony, a face that doubts it, a voice that trails off.
fn doubts(text: &str, folded: &str) -> bool {
    let faces = text.chars().any(|c| FACES.contains(&c));
    let trails = text.contains("...") || text.contains('\u{2026}');
    faces
        || trails
        || IRONY
            .split('|')
            .any(|phrase| super::exact::holds(folded, phrase))
}

/// True for a yes that may only acknowledge what was said last: "ok", "great", "vale, gracias".
pub(super) fn weak(text: &str) -> bool {
    let folded = fold(&signs(text));
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let mut at = 0;
    while at < words.len() {
        let rest = &words[at..];
        let most = longest(WEAK, rest).max(longest(POLITE, rest));
        if most == 0 || longest(YES, rest) > most {
            return false;
        }
        at += most;
    }
    !words.is_empty()
}

/// True for a message that thanks.
pub(super) fn thanks(text: &str) -> bool {
    let folded = fold(text);
    ["thanks", "thank you", "ta", "thx", "cheers", "gracias"]
        .iter()
        .any(|word| super::exact::holds(&folded, word))
}

/// Signs that are answers, as words.
fn signs(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\u{1f44d}' | '\u{2705}' | '\u{1f44c}' | '\u{2714}' | '\u{1f197}' => {
                out.push_str(" yes ");
            }
            '\u{1f44e}' | '\u{274c}' | '\u{1f6ab}' => out.push_str(" no "),
            c => out.push(c),
        }
    }
    out
}

/// Words that the longest phrase of a list takes at the front.
fn longest(phrases: &str, words: &[&str]) -> usize {
    let first = words.first().copied().unwrap_or_default();
    let fits = |phrase: &str| {
        let mut count = 0;
        for word in phrase.split(' ') {
            if words.get(count) != Some(&word) {
                return 0;
            }
            count += 1;
        }
        count
    };
    phrases
        .split('|')
        .filter(|phrase| phrase.starts_with(first))
        .map(fits)
        .max()
        .unwrap_or(0)
}

/// "Send it" where the question says "send": the words that it takes.
fn verb(words: &[&str], question: &str) -> usize {
    match words {
        [verb, "it" | "them" | "that", ..]
            if verb.len() > 2 && question.contains(&format!(" {verb} ")) =>
        {
            2
        }
        // "Bloqueela" where the question says "bloqueo".
        [verb, ..] if verb.len() > 5 => {
            let stem = CLITICS.iter().find_map(|end| verb.strip_suffix(end));
            let stem = stem.and_then(|stem| stem.get(..5.min(stem.len())));
            usize::from(
                stem.is_some_and(|stem| stem.len() > 3 && question.contains(&format!(" {stem}"))),
            )
        }
        _ => 0,
    }
}

/// "Yes, cancel" where the question says "cancel": the verb alone, once a yes was said.
fn plain_verb(words: &[&str], question: &str, yes: bool) -> usize {
    let Some(verb) = words.first().filter(|verb| yes && verb.len() > 3) else {
        return 0;
    };
    let stem = verb.get(..4).unwrap_or(verb);
    let whole = question.contains(&format!(" {verb} "));
    usize::from(
        whole || (verb.len() < 8 && question.contains(&format!(" {stem}")) && verb.ends_with('a')),
    )
}

/// True where a message begins like an answer, or joins a condition to one.
pub(super) fn touches(text: &str) -> bool {
    let folded = fold(&signs(text));
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let lead = words
        .iter()
        .take_while(|word| POLITE.split('|').any(|polite| polite == **word))
        .count();
    let rest = words.get(lead..).unwrap_or_default();
    longest(YES, rest) > 0
        || longest(NO, rest) > 0
        || CONDITIONS
            .iter()
            .any(|word| super::exact::holds(&folded, word))
}

/// Words that negate a no, folded.
const TURNED_TWICE: [&str; 10] = [
    "never said no",
    "didn t say no",
    "didnt say no",
    "not saying no",
    "dont not",
    "don t not",
    "do not not",
    "no digo que no",
    "no he dicho que no",
    "no dije que no",
];

/// True for a no that is itself turned around: nobody can act on it.
pub(super) fn turned_twice(text: &str) -> bool {
    let folded = fold(text);
    TURNED_TWICE.iter().any(|words| holds(&folded, words))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_yes_is_a_yes_in_many_words() {
        for text in [
            "yes",
            "Yes please thanks",
            "yep go ahead",
            "ok that's fine",
            "it does",
            "by all means",
            "k",
            "I guess so",
            "👍",
            "no problem",
            "sí",
            "sí, por favor",
            "claro que sí",
            "vale, gracias",
            "venga dale",
            "👍👍 thanks",
            "yes yes YES",
            "sure, go for it",
            "why not",
            "oh yes, please do",
            "Sí, adelante, muchas gracias",
        ] {
            assert_eq!(yes_no(text), Some(true), "{text}");
        }
        assert_eq!(answer("send it", "Send £20 to Tom?"), Some(true));
        assert_eq!(
            answer("yes, send it please", "Send £20 to Tom?"),
            Some(true)
        );
        assert_eq!(answer("delete it", "Send £20 to Tom?"), None);
    }

    #[test]
    fn a_bare_no_is_a_no_in_many_words() {
        for text in [
            "no",
            "still no",
            "not really",
            "no thanks",
            "nope, leave it",
            "I'd rather not",
            "no, gracias",
            "mejor no",
            "👎",
            "ahorita no, gracias",
            "qué va",
            "please don't",
        ] {
            assert_eq!(yes_no(text), Some(false), "{text}");
        }
    }

    #[test]
    fn one_word_more_and_it_is_neither() {
        for text in [
            "yes but make it 25",
            "ok wait",
            "yes if it's free",
            "sure, after you tell me the fee",
            "right but I did that yesterday",
            "sí, pero que sean 30",
            "yes no",
            "yeah no",
            "yes?",
            "yes tomorrow",
            "fine, whatever 20",
            "no wait, make it 25",
            "sí o no",
            "ok ok pero espera",
            "right now",
            "no idea",
            "sure about that",
            "yes and close my account",
            "hello",
            "please",
            "thanks",
            "",
        ] {
            let said = yes_no(text);
            assert_eq!(said, None, "{text}");
        }
    }
}
