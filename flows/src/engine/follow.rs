//! Messages that go on from what was told before: "and on Saturdays?", "how do I apply for that?".

use super::acts::Acts;
use super::event::{Act, Reading};
use super::exact::fold;
use super::turn::Turn;

/// Turns after an answer in which a question may go on from it.
const TURNS: u32 = 4;
/// Words of a message that goes on from another, at most.
const WORDS: usize = 10;
/// Words of a message that says too little by itself, at most.
const SHORT: usize = 3;
/// Letters of the question before that are kept with the next.
const KEPT: usize = 160;
/// Probability of a flow's intent from which a wish starts it.
const WISHED: f64 = 0.7;
/// Probability of a topic from which it is one of its own.
const CLEAR: f64 = 0.9;
/// As that, of an article for a message of a few words.
const BARE: f64 = 0.98;
/// First words of a message that goes on, folded.
const LEADS: [&str; 26] = [
    "and",
    "an",
    "so",
    "but",
    "or",
    "also",
    "then",
    "what about",
    "how about",
    "what if",
    "ok and",
    "ok so",
    "ok but",
    "even",
    "is that",
    "does that",
    "y",
    "e",
    "o",
    "pero",
    "entonces",
    "tambien",
    "y si",
    "vale y",
    "que tal",
    "incluso",
];
/// Words that stand for something said before, folded.
const STAND_FOR: [&str; 27] = [
    "it", "its", "that", "them", "they", "those", "these", "this", "there", "one", "ones", "other",
    "same", "eso", "esa", "ese", "esas", "esos", "esto", "esta", "ellos", "ahi", "alli", "otra",
    "otro", "misma", "mismo",
];

/// True for a message that hardly says anything without the one before.
pub(super) fn goes_on(text: &str) -> bool {
    let folded = fold(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let led = LEADS
        .iter()
        .any(|lead| folded == *lead || super::exact::begins(&folded, lead));
    let stands = words.iter().any(|word| STAND_FOR.contains(word));
    !words.is_empty() && words.len() <= WORDS && (led || stands || words.len() <= SHORT)
}

impl Turn<'_> {
    /// The question that a message goes on from, where one was answered just before.
    pub(super) fn goes_on_from(&self, text: &str) -> Option<String> {
        let told = self.state.told.as_ref()?;
        let fresh = self.state.turn > told.turn && self.state.turn - told.turn <= TURNS;
        let fits = fresh && !told.question.is_empty() && goes_on(text);
        fits.then(|| told.question.chars().take(KEPT).collect())
    }

    /// True where a message goes on from an answer, and the topic that it sounds like needs more than that: a flow
    /// starts on a clear wish, another article on a clear question.
    pub(super) fn goes_on_elsewhere(&self, topic: &str, p: f64, reading: Option<&Reading>) -> bool {
        let wished = Acts::of(reading).says(Act::Request);
        let flow = self.flow_of(topic).is_some();
        let words = self.state.last_text.split_whitespace().count();
        let least = if wished && flow {
            WISHED
        } else if words <= SHORT && !flow {
            BARE
        } else {
            CLEAR
        };
        self.state.frames.is_empty()
            && p < least
            && self.goes_on_from(&self.state.last_text).is_some()
    }

    /// What is looked for when the next question goes on from this one.
    pub(super) fn question_now(&self) -> String {
        let text = &self.state.last_text;
        match self.goes_on_from(text) {
            Some(before) => format!("{before} {text}"),
            None => text.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_little_by_itself_goes_on() {
        for text in [
            "and on Saturdays?",
            "y sábado",
            "so how do i apply",
            "do u post them",
            "is that for the isa as well",
            "festivos",
            "y si me quedo sin saldo?",
            "whats the fee on the other one",
        ] {
            assert!(goes_on(text), "{text}");
        }
        for text in [
            "I want to book an appointment at your branch in Leeds for next Tuesday morning please",
            "what is my balance",
            "quiero cambiar mi dirección postal ahora",
        ] {
            assert!(!goes_on(text), "{text}");
        }
    }
}
