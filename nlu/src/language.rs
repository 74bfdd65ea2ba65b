//! Which of the bot's languages an utterance is in.
//!
//! A conversation has a language already, and most turns are a word or two ("yes", "500", a name) that
//! prove nothing; so the conversation's language stays until the text gives a reason to leave it:
//! another script, words that only one of the languages has, or enough text for trigram statistics.

use whatlang::{Detector, Lang, Script};

/// Words of everyday requests that the other lists do not contain. Words shared between two of the
/// languages ("no", "a", "me", "son") are left out.
const WORDS: [(&str, &str); 6] = [
    (
        "en",
        "the my is what how i can you please want need with have do does did where when which thanks thank \
         hello hi yes to of and for was are this that been your would could should help lost new card money \
         account talk someone from why it i'm don doesn didn isn wasn hasn haven aren won couldn wouldn am not \
         never only still again something else nobody up down out so just really more than then there here \
         they we she him her his our them these those some any all get got give make take know see say tell \
         show find change send pay set after before between about into over because last first next much \
         many keep stop ever today tomorrow yesterday good morning sorry wrong who whose",
    ),
    (
        "es",
        "el los las mi mis qué que cómo cuál cuáles cuánto cuántos cuando cuándo dónde donde quién quiero \
         quisiera necesito puedo puede por favor con tengo está están estoy esta este esto ese esos gracias \
         hola buenos buenas sí una para pero ayuda perdí tarjeta dinero cuenta hablar alguien saldo ayer hoy \
         mañana vale desde porque eso muy han hay mucho más también nada soy es del y otra otro vez veces \
         siempre nunca nadie algo cosa ahora todavía ya ahorros pago pagar enviar envía transferencia \
         servicio días semanas tarde reconozco olvidé cobraron hasta sobre aquí así nuestro funciona \
         funcionan sirve problema bloquear bloqueada perdido",
    ),
    (
        "fr",
        "je les mon ma mes est une vous nous pas avec pour merci bonjour oui où quand comment pourquoi \
         voudrais veux peux besoin j'ai c'est carte argent compte aide parler quelqu'un",
    ),
    (
        "de",
        "ich der die das mein meine ist und nicht wie wo wann warum bitte danke hallo ja nein kann möchte \
         brauche habe mit für ein eine karte geld konto hilfe sprechen jemand",
    ),
    (
        "pt",
        "eu meu minha meus não como quanto onde preciso posso obrigado obrigada olá sim uma com cartão \
         dinheiro conta ajuda falar alguém estou você isso",
    ),
    (
        "it",
        "il gli mio mia che come quanto dove voglio vorrei posso grazie ciao sì sono della carta soldi \
         conto aiuto parlare qualcuno perché buongiorno",
    ),
];

/// Words that count half: names and other languages have them too.
const WEAK_WORDS: [(&str, &str); 3] = [
    ("es", "de la lo un en no me te se su al he ha le tu a"),
    ("fr", "de la le un en me te se au du"),
    ("pt", "de o os um em no na me se do da"),
];

/// Words of courtesy that people say in another language than the rest of the sentence; they count half.
const COURTESY: [(&str, &str); 2] = [
    ("en", "please thanks thank hello hi sorry help"),
    ("es", "por favor gracias hola ayuda"),
];

/// ISO 639-1 codes of the languages that have trigram statistics.
const TRIGRAMS: &str = "en:eng es:spa fr:fra de:deu pt:por it:ita nl:nld sv:swe da:dan nb:nob no:nob fi:fin \
    pl:pol cs:ces sk:slk hu:hun ro:ron bg:bul el:ell tr:tur ru:rus uk:ukr be:bel sr:srp hr:hrv sl:slv mk:mkd \
    lt:lit lv:lav et:est ca:cat he:heb ar:ara fa:pes ur:urd hi:hin bn:ben pa:pan gu:guj mr:mar ta:tam te:tel \
    kn:kan ml:mal th:tha vi:vie id:ind ja:jpn ko:kor zh:cmn ka:kat hy:hye az:aze uz:uzb af:afr tl:tgl cy:cym";

/// Letters below which trigram statistics are not asked.
const ENOUGH_LETTERS: usize = 25;

/// One of `allowed` (codes such as `en` or `pt-BR`): the language of `text`, or `prior`, the language
/// of the conversation so far, where the text does not show another one. A `prior` that is not allowed
/// counts as the first allowed language; with nothing allowed it is `prior`.
#[must_use]
pub fn detect(text: &str, allowed: &[String], prior: &str) -> String {
    let prior = allowed
        .iter()
        .find(|a| *a == prior)
        .or(allowed.first())
        .map_or(prior, |a| a.as_str());
    if allowed.len() < 2 {
        return prior.to_owned();
    }
    let by_words = by_words(text, allowed, prior);
    by_words
        .or_else(|| by_letters(text, allowed))
        .unwrap_or(prior)
        .to_owned()
}

/// `pt-BR` is `pt`.
fn primary(code: &str) -> &str {
    code.split(['-', '_']).next().unwrap_or(code)
}

/// The language whose own words the text holds; nothing where they do not decide.
fn by_words<'a>(text: &str, allowed: &'a [String], prior: &'a str) -> Option<&'a str> {
    let text = text.to_lowercase().replace('’', "'");
    let words: Vec<&str> = text
        .split(|c: char| !c.is_alphanumeric() && c != '\'')
        .filter(|w| w.chars().any(char::is_alphabetic))
        .collect();
    let list = |lists: &'static [(&str, &str)], code: &str| {
        lists
            .iter()
            .find(|(l, _)| *l == primary(code))
            .map_or("", |(_, list)| *list)
    };
    let among = |list: &str| {
        let listed = |word: &str| list.split_ascii_whitespace().any(|l| l == word);
        // "what's" is listed as "what".
        let stem = |word: &str| word.split_once('\'').is_some_and(|(stem, _)| listed(stem));
        words.iter().filter(|w| listed(w) || stem(w)).count()
    };
    // Two for a word that only this language has, one for a weak one.
    let points = |code: &str| {
        let marks = if primary(code) == "es" {
            text.matches(['¿', '¡', 'ñ']).count()
        } else {
            0
        };
        let strong =
            (2 * (among(list(&WORDS, code)) + marks)).saturating_sub(among(list(&COURTESY, code)));
        if strong == 0 {
            0
        } else {
            strong + among(list(&WEAK_WORDS, code))
        }
    };
    let here = points(prior);
    // The first of the best, so that variants of one language do not take turns.
    let mut best = (prior, here);
    for code in allowed {
        let found = points(code);
        if found > best.1 {
            best = (code, found);
        }
    }
    if best.0 == prior {
        return (here > 0).then_some(prior);
    }
    // Leaving needs two words more, or nearly half of the words of a text that has none of the prior's.
    let leave = best.1 >= here + 4 || (here == 0 && best.1 + 1 >= words.len());
    leave.then_some(best.0)
}

/// The language by script and trigrams; nothing where the text is too short for them.
fn by_letters<'a>(text: &str, allowed: &'a [String]) -> Option<&'a str> {
    let lang = |code: &str| {
        TRIGRAMS
            .split_ascii_whitespace()
            .filter_map(|entry| entry.split_once(':'))
            .find(|(short, _)| *short == primary(code))
            .and_then(|(_, long)| Lang::from_code(long))
    };
    let known: Vec<(&str, Lang)> = allowed
        .iter()
        .filter_map(|a| Some((a.as_str(), lang(a)?)))
        .collect();
    // Another script than Latin decides where only one of the languages is written in it.
    let script = whatlang::detect_script(text)?;
    if script != Script::Latin {
        let written = |lang: Lang| {
            script.langs().contains(&lang) || (script == Script::Mandarin && lang == Lang::Jpn)
        };
        let mut fitting = known.iter().filter(|k| written(k.1));
        if let (Some(only), None) = (fitting.next(), fitting.next()) {
            return Some(only.0);
        }
    }
    let letters = text.chars().filter(|c| c.is_alphabetic()).count();
    let detector = Detector::with_allowlist(known.iter().map(|k| k.1).collect());
    let info = detector
        .detect(text)
        .filter(|i| i.is_reliable() && letters >= ENOUGH_LETTERS)?;
    known.iter().find(|k| k.1 == info.lang()).map(|k| k.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(allowed: &[&str], prior: &str, text: &str, expected: &str) {
        let allowed: Vec<String> = allowed.iter().map(|a| (*a).to_owned()).collect();
        assert_eq!(
            detect(text, &allowed, prior),
            expected,
            "{text:?} after {prior}"
        );
    }

    #[test]
    fn short_answers_keep_the_conversation_s_language() {
        for text in [
            "500",
            "no",
            "ok",
            "",
            "Jamie",
            "San Francisco",
            "???",
            "La Paz",
            "👍",
            "visa",
        ] {
            check(&["en", "es"], "en", text, "en");
            check(&["en", "es"], "es", text, "es");
        }
    }

    #[test]
    fn a_sentence_changes_the_language() {
        let english = [
            "what's my balance",
            "I lost my card",
            "can I talk to someone please",
            "hello",
            "yes",
            "Which branches are open on Sunday morning near the harbour?",
            "thanks",
        ];
        let spanish = [
            "¿cuál es mi saldo?",
            "cual es mi saldo",
            "perdí mi tarjeta",
            "quiero hablar con alguien",
            "hola",
            "sí",
            "buenos días",
            "me han cobrado dos veces",
            "Transferencias internacionales pendientes desde septiembre",
        ];
        for prior in ["en", "es"] {
            english
                .iter()
                .for_each(|text| check(&["en", "es"], prior, text, "en"));
            spanish
                .iter()
                .for_each(|text| check(&["en", "es"], prior, text, "es"));
        }
    }

    #[test]
    fn a_name_or_a_thank_you_inside_a_sentence_does_not() {
        check(&["en", "es"], "en", "send it to Maria de los Santos", "en");
        check(&["en", "es"], "es", "quiero ver the voice en la tele", "es");
        check(&["en", "es"], "en", "my address is Calle de la Rosa", "en");
    }

    #[test]
    fn short_and_mixed_messages() {
        // Text, what it is after English, what it is after Spanish.
        for (text, after_english, after_spanish) in [
            ("hola", "es", "es"),
            ("hello", "en", "en"),
            ("ok", "en", "es"),
            ("thanks", "en", "en"),
            ("gracias", "es", "es"),
            ("thank you", "en", "en"),
            ("por favor", "es", "es"),
            ("vale", "es", "es"),
            ("no", "en", "es"),
            ("mi tarjeta no funciona please help", "es", "es"),
            ("my card doesn't work por favor", "en", "en"),
            ("hola, I lost my card", "en", "en"),
            ("hi, perdí mi tarjeta ayer", "es", "es"),
            ("quiero un refund", "es", "es"),
            ("gracias bye", "es", "es"),
            ("check mi saldo", "es", "es"),
            ("asdf", "en", "es"),
        ] {
            check(&["en", "es"], "en", text, after_english);
            check(&["en", "es"], "es", text, after_spanish);
        }
    }

    #[test]
    fn only_the_bot_s_languages_come_out() {
        check(&["en"], "en", "¿dónde está mi tarjeta?", "en");
        check(&["en", "de"], "en", "¿dónde está mi tarjeta?", "en");
        check(&["en", "es"], "fr", "500", "en");
        check(&[], "en", "hola", "en");
        check(
            &["en-GB", "pt-BR"],
            "en-GB",
            "eu preciso de ajuda com meu cartão",
            "pt-BR",
        );
    }

    #[test]
    fn another_script_needs_no_length() {
        check(&["en", "ja"], "en", "残高", "ja");
        check(&["en", "ru"], "en", "привет", "ru");
        check(&["en", "ru", "uk"], "uk", "так", "uk");
    }
}
