//! Everything a bot's NLU is, trained: text in, reading out.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ZonedDateTime;
use sha2::{Digest as _, Sha256};

use crate::acts::{Acts, polarity};
use crate::encoder::{Encoder, Precision, Upper};
use crate::entity::Finder;
use crate::intent::{self, Head};
use crate::sentiment::{Mood, Sentiment};
use crate::spans::{self, Marked, Pieces, Spans};
use crate::vectors::{Look, Vectors};
use crate::{Entity, EntityKind, Error, Reading, Spec, beginning, language, profanity};

pub(crate) use examples::examples;
use learn::Texts;
use recent::Recent;

mod examples;
mod learn;
mod parts;
mod recent;

/// Changes whenever the same examples would train to something else, or be stored in another way.
const VERSION: u32 = 11;
/// A text this upset has its reasons named.
const NAMED: f64 = 0.3;
/// How upset an oath aimed at the reader is at least.
const AIMED: f64 = 0.8;
/// Entities and swear words of a message that are told: what is held against each other must not be many.
const FOUND: usize = 100;
/// Texts encoded at once while training: enough that the threads have as much to do as each other.
pub(crate) const BATCH: usize = 256;

/// What a text is read in the light of.
#[derive(Debug, Clone)]
pub struct Context {
    /// Relative dates count from it, in its time zone.
    pub now: ZonedDateTime,
    /// The language of the conversation so far, which a short text is taken to be in.
    pub language: String,
    /// What the open question wants: `confirm`, `yes_no`, `choice`, `text`, `name`, `number`, `ordinal`, `money`,
    /// `percent`, `date`, `time`, `datetime`, `duration`, `email`, `phone`, `url`, `code`, `rating`; nothing where none
    /// is open.
    pub open: Option<String>,
}

/// What is trained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mode {
    /// Heads on the encoder as it is: seconds.
    #[default]
    Head,
    /// The encoder's upper layers too: minutes, and fewer mistakes.
    Tune,
}

/// How to train.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrainOptions {
    /// Decides everything random: which examples are held out together and, while tuning, the order of the examples and
    /// which activations are dropped.
    pub seed: u64,
    /// Texts known to be none of the intents, beside the built-in ones. None are needed.
    pub outside: Vec<String>,
    /// What is trained.
    pub mode: Mode,
}

/// A trained NLU.
#[derive(Debug)]
pub struct Understanding {
    /// Nothing where the bot has no example.
    head: Option<Head>,
    /// The encoder's layers that were tuned for the head.
    upper: Option<Upper>,
    /// Nothing where no example is marked.
    spans: Option<Spans>,
    /// Names of the spans that nothing declared finds.
    wanted: BTreeSet<String>,
    finder: Finder,
    sentiment: Sentiment,
    acts: Acts,
    languages: Vec<String>,
    recent: Recent,
}

impl Spec {
    /// A name for what training on this would give: it changes with the encoder, the examples and the
    /// way of training, and with nothing else, so that a change of texts never retrains.
    pub fn cache_key(&self, encoder_fingerprint: &str) -> String {
        self.cache_key_of(encoder_fingerprint, Mode::Head)
    }

    /// `cache_key` for another mode than the quick one.
    pub fn cache_key_of(&self, encoder_fingerprint: &str, mode: Mode) -> String {
        let mut hash = Sha256::new();
        let mut part = |text: &str| {
            // Lengths keep two neighbours from being read as one.
            hash.update((text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        };
        part(&VERSION.to_string());
        part(encoder_fingerprint);
        part(match mode {
            Mode::Head => "head",
            Mode::Tune => "tune",
        });
        intent::background().iter().for_each(|line| part(line));
        // Their order doesn't count.
        let of_intents = self.intents.iter();
        let mut examples: Vec<_> = of_intents
            .flat_map(|i| i.examples.iter().map(|e| (&i.name, &e.text, &e.marks)))
            .collect();
        examples.sort_unstable();
        for (intent, text, marks) in examples {
            part(intent);
            part(text);
            for (start, end, name) in marks {
                part(&format!("{start} {end} {name}"));
            }
        }
        hex::encode(hash.finalize())
    }
}

impl Understanding {
    /// Trains with the default options.
    ///
    /// # Errors
    /// As `train_with`.
    pub fn train(spec: &Spec, encoder: &Encoder) -> Result<Understanding, Error> {
        Understanding::train_with(spec, encoder, &TrainOptions::default(), &mut |_| {})
    }

    /// Trains on the examples of `spec`. `progress` is told the share that is done, 0 to 1.
    ///
    /// # Errors
    /// A text can't be encoded, or an entity's pattern isn't a regular expression.
    pub fn train_with(
        spec: &Spec,
        encoder: &Encoder,
        options: &TrainOptions,
        progress: &mut dyn FnMut(f64),
    ) -> Result<Understanding, Error> {
        // A wrong pattern should not be told of after minutes of training.
        let untrained = Understanding::assemble(spec, None, None)?;
        let texts = Texts::new(spec, &options.outside);
        let (head, upper) = match options.mode {
            _ if texts.is_empty() => (None, None),
            Mode::Tune if texts.has_several_classes() => {
                let (head, upper) =
                    learn::tuned(encoder, &texts, &texts.recipe(), options.seed, &mut |p| {
                        progress(0.7 * p);
                    })?;
                (Some(head), Some(upper))
            }
            _ => (
                Some(learn::head(encoder, &texts, options.seed, &mut |p| {
                    progress(0.7 * p);
                })?),
                None,
            ),
        };
        let spans = Spans::train(&marked(spec), Some(encoder), options.seed, &mut |p| {
            progress(0.7 + 0.3 * p);
        })?;
        progress(1.0);
        Ok(Understanding {
            head,
            upper,
            spans,
            ..untrained
        })
    }

    fn assemble(
        spec: &Spec,
        head: Option<Head>,
        spans: Option<Spans>,
    ) -> Result<Understanding, Error> {
        let finder = Finder::new(spec).map_err(|error| Error::Spec {
            what: "the entities".to_owned(),
            why: error.to_string(),
        })?;
        Ok(Understanding {
            head,
            upper: None,
            spans,
            wanted: wanted(spec, &finder),
            finder,
            sentiment: Sentiment::builtin(),
            acts: Acts::builtin(),
            languages: spec.languages.clone(),
            recent: Recent::default(),
        })
    }

    /// What was learned, as bytes. What is declared isn't in it: `from_bytes` takes it from the spec.
    pub fn to_bytes(&self) -> Vec<u8> {
        let head = self.head.as_ref().map(Head::to_bytes).unwrap_or_default();
        let spans = self.spans.as_ref().map(Spans::to_bytes).unwrap_or_default();
        let upper = self.upper.as_ref().map(Upper::to_bytes).unwrap_or_default();
        let mut out = Vec::with_capacity(head.len() + spans.len() + upper.len() + 28);
        out.extend(VERSION.to_le_bytes());
        for part in [&head, &spans, upper] {
            out.extend((part.len() as u64).to_le_bytes());
            out.extend(part);
        }
        out
    }

    /// Reads `to_bytes` back, for a spec of the same `cache_key` and an encoder of this precision.
    ///
    /// # Errors
    /// The bytes are of another version or another bot, cut short, or no understanding at all.
    pub fn from_bytes(
        bytes: &[u8],
        spec: &Spec,
        precision: Precision,
    ) -> Result<Understanding, Error> {
        let bad = |why: &str| Error::Saved {
            what: "understanding",
            why: why.to_owned(),
        };
        let (version, rest) = bytes
            .split_first_chunk()
            .ok_or_else(|| bad("it is cut short"))?;
        if u32::from_le_bytes(*version) != VERSION {
            return Err(bad("it was written by another version"));
        }
        let mut rest = rest;
        let mut part = || {
            let (length, after) = rest.split_first_chunk()?;
            let length = usize::try_from(u64::from_le_bytes(*length)).ok()?;
            let (part, after) = after.split_at_checked(length)?;
            rest = after;
            Some(part)
        };
        let parts = (part(), part(), part());
        let (Some(head), Some(spans), Some(upper)) = parts else {
            return Err(bad("it is cut short"));
        };
        let head = (!head.is_empty())
            .then(|| Head::from_bytes(head))
            .transpose()?;
        let spans = (!spans.is_empty())
            .then(|| Spans::from_bytes(spans))
            .transpose()?;
        let upper = (!upper.is_empty())
            .then(|| Upper::from_bytes(upper, precision))
            .transpose()?;
        let learned = head.iter().flat_map(Head::classes);
        let mut declared: Vec<&str> = examples(spec).iter().map(|e| e.0).collect();
        declared.dedup();
        if !learned.eq(declared) {
            return Err(bad("it was trained on other intents"));
        }
        let learned = Understanding::assemble(spec, head, spans)?;
        Ok(Understanding { upper, ..learned })
    }

    /// Reads one text.
    ///
    /// # Errors
    /// The text can't be encoded.
    pub fn read(&self, encoder: &Encoder, text: &str, context: &Context) -> Result<Reading, Error> {
        let mut readings = self.read_batch(encoder, &[(text, context)])?;
        Ok(readings.pop().unwrap_or_default())
    }

    /// Reads texts at once, which is faster than one by one.
    ///
    /// # Errors
    /// A text can't be encoded.
    pub fn read_batch(
        &self,
        encoder: &Encoder,
        texts: &[(&str, &Context)],
    ) -> Result<Vec<Reading>, Error> {
        let only: Vec<&str> = texts.iter().map(|(text, _)| *text).collect();
        let look = Look {
            upper: self.upper.as_ref(),
            states: self.spans.as_ref().map(|_| spans::LAYER),
            sentiment: Some(&self.sentiment),
            acts: Some(&self.acts),
        };
        let all = self.recent.read(encoder, look, &only)?;
        let mut readings = Vec::with_capacity(texts.len());
        for (vectors, (text, context)) in all.iter().zip(texts) {
            let text = beginning(text);
            let mut reading = self.reading(vectors, text, context);
            if let Some(spans) = &self.spans {
                let places = &encoder.places(text)?;
                let states = &vectors.states;
                let found = spans.find(text, Pieces { places, states }, &self.wanted);
                let all = &mut reading.entities;
                all.extend(found);
                all.sort_by_key(|e| (e.start, std::cmp::Reverse(e.end)));
            }
            reading.entities.truncate(FOUND);
            polarity::apply(&vectors.heard, &reading.clauses, &mut reading.entities);
            self.feel(&mut reading, &vectors.mood, encoder, text)?;
            reading.profanity.truncate(FOUND);
            readings.push(reading);
        }
        self.read_parts(encoder, &only, &mut readings)?;
        Ok(readings)
    }

    fn reading(&self, vectors: &Vectors, text: &str, context: &Context) -> Reading {
        let language = language::detect(text, &self.languages, &context.language);
        let (intents, none) = match &self.head {
            Some(head) if !text.trim().is_empty() => head.predict(&vectors.features, text),
            _ => (Vec::new(), 1.0),
        };
        let entities = self.finder.find(text, &language, &context.now);
        Reading {
            entities,
            negative: 0.0,
            reasons: Vec::new(),
            profanity: Vec::new(),
            language,
            intents,
            none,
            embedding: vectors.embedding.clone(),
            requests: Vec::new(),
            clauses: self.acts.judge(&vectors.heard, context.open.as_deref()),
        }
    }

    /// The head; nothing where the bot has no example.
    pub(crate) fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// Adds how upset the text sounds, and why. An oath aimed at the reader is upset whatever the words
    /// around it.
    fn feel(
        &self,
        reading: &mut Reading,
        mood: &Mood,
        encoder: &Encoder,
        text: &str,
    ) -> Result<(), Error> {
        if text.trim().is_empty() {
            return Ok(());
        }
        reading.negative = mood.negative;
        if reading.negative >= NAMED {
            reading.reasons = mood.reasons(text, &encoder.places(text)?);
        }
        let found = profanity::find(text);
        if found.iter().any(|swearing| swearing.aimed) {
            reading.negative = reading.negative.max(AIMED);
        }
        reading.profanity = found;
        Ok(())
    }

    /// The tuned upper layers, where there are any.
    pub(crate) fn upper(&self) -> Option<&Upper> {
        self.upper.as_ref()
    }

    /// Forgets what the encoder made of the last messages, so that a measurement reads them anew.
    pub fn forget(&self) {
        self.recent.clear();
    }

    /// Whether the encoder's upper layers were tuned for this bot.
    pub fn is_tuned(&self) -> bool {
        self.upper.is_some()
    }

    /// The probability from which acting on the best intent pays, found on held-out examples. A bot's
    /// own settings come first; this is for data without any.
    pub fn threshold(&self) -> f64 {
        self.head.as_ref().map_or(0.5, Head::threshold)
    }

    /// The same for one intent. A bot's own settings come first here too.
    pub fn threshold_of(&self, intent: &str) -> f64 {
        self.head
            .as_ref()
            .map_or(0.5, |head| head.threshold_of(intent))
    }

    /// The intents that a message may mean, best first: of messages in scope that are like the
    /// examples, at most the share `error_rate` mean something that is not in their set. Empty where
    /// the message is none of the intents; every intent where there are too few examples to promise
    /// the rate.
    pub fn conformal<'r>(&self, reading: &'r Reading, error_rate: f64) -> Vec<&'r str> {
        let cut = self
            .head
            .as_ref()
            .map_or(0.0, |head| head.conformal_cut(error_rate));
        reading
            .intents
            .iter()
            .take_while(|(_, p)| *p >= cut)
            .map(|(intent, _)| intent.as_str())
            .collect()
    }
}

/// The probability of the best intent.
fn best(intents: &[(String, f64)]) -> f64 {
    intents.first().map_or(0.0, |(_, p)| *p)
}

/// The examples with their marks, each once.
fn marked(spec: &Spec) -> Vec<Marked<'_>> {
    let mut all: BTreeMap<&str, &[(usize, usize, String)]> = BTreeMap::new();
    for example in spec.intents.iter().flat_map(|i| &i.examples) {
        let marks = all.entry(&example.text).or_default();
        if marks.is_empty() {
            *marks = &example.marks;
        }
    }
    all.into_iter()
        .map(|(text, marks)| Marked {
            text,
            marks: marks
                .iter()
                .map(|(start, end, name)| (*start, *end, name.as_str()))
                .collect(),
        })
        .collect()
}

/// The names that marks alone teach: of entities declared as learned, and those of which no mark has
/// anything that a declared list or pattern finds. A list's canonical value must not be outdone by
/// the words that stand for it.
fn wanted(spec: &Spec, finder: &Finder) -> BTreeSet<String> {
    let learned = |name: &str| {
        spec.entities
            .iter()
            .any(|e| e.name == name && matches!(e.kind, EntityKind::Learned))
    };
    let declared = |found: &Entity| spec.entities.iter().any(|e| e.name == found.entity);
    let now = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
    let (mut all, mut found) = (BTreeSet::new(), BTreeSet::new());
    for example in spec
        .intents
        .iter()
        .flat_map(|i| &i.examples)
        .filter(|e| !e.marks.is_empty())
    {
        let entities = finder.find(&example.text, &example.language, &now);
        for (start, end, name) in &example.marks {
            all.insert(name.clone());
            let overlaps = |e: &&Entity| e.start < *end && *start < e.end;
            if !learned(name) && entities.iter().filter(overlaps).any(declared) {
                found.insert(name.clone());
            }
        }
    }
    &all - &found
}

#[cfg(test)]
mod bad_input;
#[cfg(test)]
pub(crate) mod tests;
