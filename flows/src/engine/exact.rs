//! Readings that need no model: folded texts, phrases, commands.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Words that change nothing about a command or a yes.
const FILLERS: [&str; 24] = [
    "please", "ok", "okay", "oh", "well", "sorry", "thanks", "thank", "you", "just", "actually",
    "um", "uh", "then", "that", "it", "s", "por", "favor", "gracias", "bueno", "pues", "vale",
    "perdon",
];

const HUMAN: [&str; 22] = [
    "human",
    "agent",
    "person",
    "operator",
    "representative",
    "a human",
    "a person",
    "an agent",
    "real person",
    "a real person",
    "speak to a person",
    "talk to a person",
    "talk to a human",
    "speak to a human",
    "live agent",
    "humano",
    "agente",
    "persona",
    "operador",
    "una persona",
    "hablar con una persona",
    "un agente",
];

const CANCEL: [&str; 22] = [
    "cancel",
    "never mind",
    "nevermind",
    "forget",
    "forget about",
    "stop",
    "quit",
    "exit",
    "abort",
    "drop",
    "leave",
    "cancel this",
    "stop this",
    "i changed my mind",
    "i ve changed my mind",
    "i don t want this",
    "cancelar",
    "cancela",
    "olvidalo",
    "dejalo",
    "he cambiado de idea",
    "parar",
];

const REPEAT: [&str; 20] = [
    "repeat",
    "again",
    "say again",
    "what did say",
    "pardon",
    "come again",
    "can repeat",
    "can you repeat",
    "could you repeat",
    "what was",
    "i didn t hear",
    "i didn t catch",
    "once more",
    "repite",
    "repita",
    "repetir",
    "otra vez",
    "puede repetir",
    "puedes repetir",
    "como dice",
];

const BACK: [&str; 10] = [
    "back",
    "go back",
    "previous",
    "one step back",
    "step back",
    "undo",
    "atras",
    "volver",
    "volver atras",
    "ir atras",
];

const OVER: [&str; 12] = [
    "start over",
    "restart",
    "start again",
    "from the beginning",
    "begin again",
    "start from the beginning",
    "empezar de nuevo",
    "empezar otra vez",
    "desde el principio",
    "volver a empezar",
    "reiniciar",
    "start afresh",
];

/// Phrases with a yes or a no in them that are neither.
const UNSURE: [&str; 16] = [
    "no idea",
    "not sure",
    "don t know",
    "dont know",
    "do not know",
    "maybe",
    "perhaps",
    "can t say",
    "no se",
    "ni idea",
    "no estoy seguro",
    "no estoy segura",
    "no lo se",
    "quiza",
    "quizas",
    "tal vez",
];

/// Messages that ask what the bot's question means: its hints explain it.
const PUZZLED: [&str; 20] = [
    "what do you mean",
    "what does that mean",
    "what is that",
    "what s that",
    "what",
    "huh",
    "eh",
    "i don t understand",
    "i do not understand",
    "i don t get",
    "don t understand",
    "explain",
    "help me",
    "no entiendo",
    "no lo entiendo",
    "que quiere decir",
    "que significa",
    "que es eso",
    "que",
    "a que se refiere",
];

/// First words of a question, per language.
const ASKING: [&str; 40] = [
    "what", "whats", "when", "where", "who", "whose", "which", "why", "how", "can", "could", "do",
    "does", "did", "is", "are", "was", "will", "would", "should", "may", "am", "que", "cual",
    "cuales", "cuando", "donde", "quien", "por que", "como", "cuanto", "cuanta", "cuantos",
    "cuantas", "puedo", "pueden", "puede", "hay", "tienen", "cobran",
];

/// First words that only a question has.
const SURELY_ASKING: [&str; 22] = [
    "what",
    "what s",
    "when",
    "where",
    "who",
    "which",
    "why",
    "how",
    "can i",
    "can you",
    "could you",
    "do you",
    "do i",
    "are you",
    "is it",
    "is there",
    "que",
    "cual",
    "por que",
    "como",
    "donde",
    "cuanto",
];

/// Phrases that ask why something is wanted.
const WHY: [&str; 22] = [
    "what s it for",
    "whats it for",
    "what is it for",
    "need it for",
    "want it for",
    "want my number for",
    "need that for",
    "para q",
    "pa que",
    "pa q",
    "por q",
    "porque me",
    "porque lo",
    "pq",
    "why",
    "what for",
    "is it safe",
    "how come",
    "por que",
    "para que",
    "es seguro",
    "xq",
];

/// Phrases that ask whether something must be: about the question only where they say that it is told.
const NEED: [&str; 8] = [
    "what do you need",
    "do you need",
    "do you have to",
    "do i have to",
    "must i",
    "es necesario",
    "hace falta",
    "tengo que",
];

/// What is done with an answer, folded.
const GIVE: [&str; 22] = [
    "give", "tell", "say", "share", "answer", "enter", "type", "put", "know", "number", "pin",
    "that", "dar", "darte", "darle", "decir", "decirte", "decirle", "poner", "saber", "numero",
    "eso",
];

/// Phrases that ask what is wanted.
const ABOUT: [&str; 24] = [
    "where",
    "which one",
    "which number",
    "what number",
    "what format",
    "what do you want",
    "what do i",
    "what should i",
    "like what",
    "such as",
    "how many digits",
    "do i find",
    "to find",
    "what kind",
    "what are my options",
    "the choices",
    "donde",
    "cual",
    "que numero",
    "que pongo",
    "como es",
    "cuantas cifras",
    "encontrar",
    "que opciones",
];

/// A global command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Command {
    /// A person.
    Human,
    /// Drop what is going on.
    Cancel,
    /// Say that again.
    Repeat,
    /// To the question before.
    Back,
    /// From the beginning.
    StartOver,
}

impl Command {
    /// Its payload.
    pub(super) fn payload(self) -> &'static str {
        match self {
            Self::Human => "/human",
            Self::Cancel => "/cancel",
            Self::Repeat => "/repeat",
            Self::Back => "/back",
            Self::StartOver => "/start_over",
        }
    }

    /// The command of a payload.
    pub(super) fn of_payload(payload: &str) -> Option<Self> {
        [
            Self::Human,
            Self::Cancel,
            Self::Repeat,
            Self::Back,
            Self::StartOver,
        ]
        .into_iter()
        .find(|command| command.payload() == payload)
    }

    /// The command that a message is, wholly: "cancel" is one, "cancel my card" is not.
    pub(super) fn of_text(text: &str) -> Option<Self> {
        let whole = fold(text);
        let bare = bare(&whole);
        let is = |phrases: &[&str]| {
            phrases
                .iter()
                .any(|phrase| *phrase == whole || *phrase == bare)
        };
        if bare.is_empty() {
            return None;
        }
        if is(&HUMAN) {
            Some(Self::Human)
        } else if is(&CANCEL) {
            Some(Self::Cancel)
        } else if is(&REPEAT) {
            Some(Self::Repeat)
        } else if is(&BACK) {
            Some(Self::Back)
        } else if is(&OVER) {
            Some(Self::StartOver)
        } else {
            None
        }
    }
}

/// Lower case without accents; everything that is no letter or digit is one space.
pub(super) fn fold(text: &str) -> String {
    if is_folded(text) {
        return text.to_owned();
    }
    let plain: String = text
        .nfd()
        .filter(|c| !is_combining_mark(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A folded text without words that change nothing.
pub(super) fn bare(folded: &str) -> String {
    folded
        .split(' ')
        .filter(|word| !FILLERS.contains(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// True for a text that folding leaves as it is, told without making another.
fn is_folded(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b' ';
    text.bytes().all(plain)
        && !text.starts_with(' ')
        && !text.ends_with(' ')
        && !text.contains("  ")
}

/// True where the folded text holds the phrase at word borders. Phrases of the word lists are folded as they stand, and
/// hundreds of them are looked for in a message.
pub(super) fn holds(folded: &str, phrase: &str) -> bool {
    if is_folded(phrase) {
        return holds_folded(folded, phrase);
    }
    holds_folded(folded, &fold(phrase))
}

/// As `holds`, for a phrase that is folded.
pub(super) fn holds_folded(folded: &str, phrase: &str) -> bool {
    let is_border = |byte: Option<&u8>| byte.is_none_or(|byte| *byte == b' ');
    let bytes = folded.as_bytes();
    let mut from = 0;
    while !phrase.is_empty()
        && let Some(at) = folded.get(from..).and_then(|rest| rest.find(phrase))
    {
        let (start, end) = (from + at, from + at + phrase.len());
        if is_border(start.checked_sub(1).and_then(|before| bytes.get(before)))
            && is_border(bytes.get(end))
        {
            return true;
        }
        from = folded.ceil_char_boundary(start + 1);
    }
    false
}

/// True where the folded text begins with a folded phrase and goes on after it.
pub(super) fn begins(folded: &str, phrase: &str) -> bool {
    folded
        .strip_prefix(phrase)
        .is_some_and(|rest| rest.starts_with(' '))
}

/// True where a message leaves a yes-or-no question open.
pub(super) fn unsure(text: &str) -> bool {
    let folded = fold(text);
    UNSURE.iter().any(|phrase| holds(&folded, phrase))
}

/// True where a message is wholly a sign that the bot's question was not understood.
pub(super) fn puzzled(text: &str) -> bool {
    let whole = fold(text);
    PUZZLED.contains(&whole.as_str()) || PUZZLED.contains(&bare(&whole).as_str())
}

/// True where a message reads like a question.
pub(super) fn asks(text: &str) -> bool {
    let folded = fold(text);
    text.contains('?')
        || text.contains('¿')
        || ASKING
            .iter()
            .any(|word| folded == *word || begins(&folded, word))
}

/// True where a message is a question whatever it stands for: "Will" may be a name, "what" is none.
pub(super) fn surely_asks(text: &str) -> bool {
    let folded = fold(text);
    text.contains('?') || SURELY_ASKING.iter().any(|word| begins(&folded, word))
}

/// True where a message asks what is wanted of it: "where would that be?".
pub(super) fn asks_about_the_question(text: &str) -> bool {
    let folded = fold(text);
    ABOUT.iter().any(|phrase| holds(&folded, phrase))
}

/// True where a message asks why something is wanted, or whether it must be.
pub(super) fn asks_why(text: &str) -> bool {
    let folded = fold(text);
    let told = GIVE.iter().any(|word| holds(&folded, word)) || folded.split(' ').count() <= 3;
    WHY.iter().any(|phrase| holds(&folded, phrase))
        || (told && NEED.iter().any(|phrase| holds(&folded, phrase)))
}

/// Bytes on each side of a range that are held against it.
const BESIDE: usize = 1024;

/// Share of a text's letters and digits that lie within the byte range, fillers not counted. Of a long text only what is
/// beside the range counts.
pub(super) fn coverage(text: &str, start: usize, end: usize) -> f64 {
    let inside = text.get(start..end).unwrap_or_default();
    let (before, after) = (
        text.get(..start).unwrap_or_default(),
        text.get(end..).unwrap_or_default(),
    );
    let outside = [
        &before[before.ceil_char_boundary(before.len().saturating_sub(BESIDE))..],
        &after[..after.floor_char_boundary(BESIDE)],
    ];
    let count = |part: &str| bare(&fold(part)).chars().filter(|c| *c != ' ').count();
    let within = fold(inside).chars().filter(|c| *c != ' ').count();
    let all = within + outside.iter().map(|part| count(part)).sum::<usize>();
    if all == 0 {
        return 0.0;
    }
    ratio(within, all)
}

fn ratio(part: usize, all: usize) -> f64 {
    let number = |n: usize| f64::from(u32::try_from(n).unwrap_or(u32::MAX));
    number(part) / number(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_held_at_word_borders() {
        for (folded, phrase, held) in [
            ("i don t know", "don t", true),
            ("don t", "don t", true),
            ("london t", "don t", false),
            ("don tea", "don t", false),
            // A place that is none does not hide one that begins in it.
            ("xa a a", "a a", true),
            ("xé é é", "é é", true),
            ("a", "", false),
        ] {
            assert_eq!(holds_folded(folded, phrase), held, "{folded}: {phrase}");
        }
    }

    #[test]
    fn a_value_is_held_against_what_is_beside_it() {
        assert!(coverage("it is 4821", 6, 10) < 0.9);
        let far = format!("{}4821", " ".repeat(BESIDE));
        assert_eq!(
            coverage(&format!("word{far}"), far.len(), far.len() + 4),
            1.0
        );
        let long = format!("{}4821", "word ".repeat(3000));
        assert!(coverage(&long, long.len() - 4, long.len()) < 0.01);
    }
}
