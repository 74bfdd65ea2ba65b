//! What a person does with each part of a message: agrees, sets a condition, asks back, takes something back.

use serde::{Deserialize, Serialize};

mod cut;
mod features;
mod head;
mod lessons;
mod open;
pub(crate) mod polarity;
mod report;
mod rules;
mod second;
mod softmax;
mod table;
mod train;
mod words;

pub(crate) use cut::bare;
pub use head::Acts;
pub(crate) use head::{Heard, Rows};
pub use open::OPEN;
pub use report::Report;
pub use train::train;

/// What a person does with a part of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "their names say it; the others have a line")]
pub enum Act {
    Affirm,
    Deny,
    /// A condition, a limit or a doubt: "but only next week", "if it's free". Beside an affirm it undoes it.
    Limit,
    /// Gives a value: "it's 4821", "on Thursday".
    Inform,
    /// Changes a value given before: "no, I meant Friday", "the street is wrong".
    Correct,
    /// Takes a value out of the choices: "not Monday", "anything but gold".
    Exclude,
    /// Wants something done: "block my card".
    Request,
    /// Wants something left undone: "don't block it".
    RequestNot,
    /// A question: "how long does it take?".
    Ask,
    /// Does not know or does not have what was asked for.
    Cannot,
    /// Won't say what was asked for.
    Refuse,
    /// Wants to pass over the question.
    Skip,
    /// Needs a moment: "hold on".
    Wait,
    /// Is there again: "I'm back".
    Resume,
    /// The matter is settled: "found it".
    Resolved,
    /// No longer wants it: "never mind".
    Withdraw,
    /// Wants a person.
    Human,
    /// Does not want a person.
    HumanNot,
    Greet,
    Thanks,
    Bye,
    /// Small talk: "how are you", "nice weather".
    Chat,
    /// About the bot itself: "are you real?", "what can you do?".
    AboutBot,
    /// Is unhappy with what was done to them.
    Complain,
    /// Insults.
    Abuse,
    /// Can't cope.
    Distress,
    /// In danger, or speaks of self-harm.
    Crisis,
    /// Wants it said again.
    Repeat,
    /// Was misread: "I said yes", "you're not listening".
    Rephrase,
    /// Asks for another language.
    Language,
}

impl Act {
    /// All of them.
    pub const ALL: [Act; 30] = [
        Act::Affirm,
        Act::Deny,
        Act::Limit,
        Act::Inform,
        Act::Correct,
        Act::Exclude,
        Act::Request,
        Act::RequestNot,
        Act::Ask,
        Act::Cannot,
        Act::Refuse,
        Act::Skip,
        Act::Wait,
        Act::Resume,
        Act::Resolved,
        Act::Withdraw,
        Act::Human,
        Act::HumanNot,
        Act::Greet,
        Act::Thanks,
        Act::Bye,
        Act::Chat,
        Act::AboutBot,
        Act::Complain,
        Act::Abuse,
        Act::Distress,
        Act::Crisis,
        Act::Repeat,
        Act::Rephrase,
        Act::Language,
    ];

    /// As it is written: `request_not`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Act::Affirm => "affirm",
            Act::Deny => "deny",
            Act::Limit => "limit",
            Act::Inform => "inform",
            Act::Correct => "correct",
            Act::Exclude => "exclude",
            Act::Request => "request",
            Act::RequestNot => "request_not",
            Act::Ask => "ask",
            Act::Cannot => "cannot",
            Act::Refuse => "refuse",
            Act::Skip => "skip",
            Act::Wait => "wait",
            Act::Resume => "resume",
            Act::Resolved => "resolved",
            Act::Withdraw => "withdraw",
            Act::Human => "human",
            Act::HumanNot => "human_not",
            Act::Greet => "greet",
            Act::Thanks => "thanks",
            Act::Bye => "bye",
            Act::Chat => "chat",
            Act::AboutBot => "about_bot",
            Act::Complain => "complain",
            Act::Abuse => "abuse",
            Act::Distress => "distress",
            Act::Crisis => "crisis",
            Act::Repeat => "repeat",
            Act::Rephrase => "rephrase",
            Act::Language => "language",
        }
    }

    /// The act of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Act> {
        Act::ALL.into_iter().find(|act| act.name() == name)
    }
}

/// A part of a message with one act.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Clause {
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
    /// Acts with their probabilities, best first.
    pub acts: Vec<(Act, f64)>,
    /// The intent of this part read by itself, with its probability, where the message has several parts and this
    /// one may want something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intent: Option<(String, f64)>,
}

/// How a value is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Polarity {
    /// Given as a value.
    #[default]
    Affirmed,
    /// Ruled out: "not Monday", "anything but gold".
    Excluded,
    /// Only asked about: "how fast is gold?".
    Asked,
    /// Past or supposed: "yesterday it was 5", "if it were Monday".
    Past,
}

impl Polarity {
    /// True for a value that is given as one.
    pub fn is_affirmed(&self) -> bool {
        *self == Self::Affirmed
    }
}

#[cfg(test)]
mod tests;
