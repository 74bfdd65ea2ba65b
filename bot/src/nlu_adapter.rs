//! The model behind [`Understand`], and behind the knowledge base's `Embed`.

use std::sync::Arc;

use bellhop_flows::engine::event::{Act, Clause, Found, Part, Place, Polarity, Reading};
use bellhop_knowledge::Embed;
use bellhop_nlu::encoder::Encoder;
use bellhop_nlu::{Context, Understanding};

use crate::understand::{Request, Understand, Understood};

/// The model with a bot's heads.
pub struct Model {
    encoder: Arc<Encoder>,
    understanding: Arc<Understanding>,
    /// IANA time zone that dates are read in.
    zone: String,
}

impl Model {
    /// Joins them.
    pub fn new(encoder: Arc<Encoder>, understanding: Arc<Understanding>, zone: &str) -> Self {
        Self {
            encoder,
            understanding,
            zone: zone.to_owned(),
        }
    }

    fn read_all(&self, requests: &[Request]) -> Result<Vec<Understood>, String> {
        let contexts = requests
            .iter()
            .map(|request| {
                let now = request
                    .now
                    .in_tz(&self.zone)
                    .map_err(|error| error.to_string())?;
                Ok(Context {
                    now,
                    language: request.language.clone(),
                    open: request.open.map(str::to_owned),
                })
            })
            .collect::<Result<Vec<Context>, String>>()?;
        let batch: Vec<(&str, &Context)> = requests
            .iter()
            .zip(&contexts)
            .map(|(request, context)| (request.text.as_str(), context))
            .collect();
        let readings = self
            .understanding
            .read_batch(&self.encoder, &batch)
            .map_err(|error| error.to_string())?;
        Ok(readings.into_iter().map(understood).collect())
    }
}

impl Understand for Model {
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>> {
        match self.read_all(requests) {
            Ok(readings) => readings.into_iter().map(Ok).collect(),
            Err(error) => requests.iter().map(|_| Err(error.clone())).collect(),
        }
    }
}

/// Probability that may be left out of a reading as the sum of what is least likely: no decision hangs on it, and written
/// down with every turn it would be most of what is stored.
const LEFT_OUT: f64 = 0.005;
/// Intents that are kept however unlikely: who reads a trace wants to see what else there was.
const AT_LEAST: usize = 5;

/// The intents of a reading, best first, without the many that have next to nothing, in six decimals as the engine takes
/// them.
fn leading(mut intents: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let mut left_out = 0.0;
    while intents.len() > AT_LEAST
        && let Some((_, p)) = intents.last()
        && left_out + p <= LEFT_OUT
    {
        left_out += p;
        intents.pop();
    }
    for (_, p) in &mut intents {
        *p = (*p * 1e6).round() / 1e6;
    }
    intents
}

fn understood(reading: bellhop_nlu::Reading) -> Understood {
    Understood {
        embedding: reading.embedding.into(),
        reading: Reading {
            language: reading.language,
            intents: leading(reading.intents),
            none: reading.none,
            requests: reading
                .requests
                .into_iter()
                .map(|request| Part {
                    start: request.start,
                    end: request.end,
                    intent: request.intent,
                    probability: request.probability,
                })
                .collect(),
            clauses: reading.clauses.into_iter().map(clause).collect(),
            entities: reading
                .entities
                .into_iter()
                .map(|entity| Found {
                    entity: entity.entity,
                    value: entity.value,
                    start: entity.start,
                    end: entity.end,
                    confidence: entity.confidence,
                    polarity: polarity(entity.polarity),
                })
                .collect(),
            negative: reading.negative,
            reasons: reading
                .reasons
                .iter()
                .map(|reason| Place {
                    start: reason.start,
                    end: reason.end,
                })
                .collect(),
            profanity: reading
                .profanity
                .iter()
                .map(|oath| Place {
                    start: oath.range.start,
                    end: oath.range.end,
                })
                .collect(),
            degraded: false,
        },
    }
}

fn clause(clause: bellhop_nlu::acts::Clause) -> Clause {
    let acts = clause.acts.into_iter();
    Clause {
        start: clause.start,
        end: clause.end,
        acts: acts.map(|(known, p)| (act(known), p)).collect(),
        intent: clause.intent,
    }
}

fn polarity(polarity: bellhop_nlu::acts::Polarity) -> Polarity {
    use bellhop_nlu::acts::Polarity as Known;
    match polarity {
        Known::Affirmed => Polarity::Affirmed,
        Known::Excluded => Polarity::Excluded,
        Known::Asked => Polarity::Asked,
        Known::Past => Polarity::Past,
    }
}

fn act(act: bellhop_nlu::acts::Act) -> Act {
    use bellhop_nlu::acts::Act as Known;
    match act {
        Known::Affirm => Act::Affirm,
        Known::Deny => Act::Deny,
        Known::Limit => Act::Limit,
        Known::Inform => Act::Inform,
        Known::Correct => Act::Correct,
        Known::Exclude => Act::Exclude,
        Known::Request => Act::Request,
        Known::RequestNot => Act::RequestNot,
        Known::Ask => Act::Ask,
        Known::Cannot => Act::Cannot,
        Known::Refuse => Act::Refuse,
        Known::Skip => Act::Skip,
        Known::Wait => Act::Wait,
        Known::Resume => Act::Resume,
        Known::Resolved => Act::Resolved,
        Known::Withdraw => Act::Withdraw,
        Known::Human => Act::Human,
        Known::HumanNot => Act::HumanNot,
        Known::Greet => Act::Greet,
        Known::Thanks => Act::Thanks,
        Known::Bye => Act::Bye,
        Known::Chat => Act::Chat,
        Known::AboutBot => Act::AboutBot,
        Known::Complain => Act::Complain,
        Known::Abuse => Act::Abuse,
        Known::Distress => Act::Distress,
        Known::Crisis => Act::Crisis,
        Known::Repeat => Act::Repeat,
        Known::Rephrase => Act::Rephrase,
        Known::Language => Act::Language,
    }
}

/// The model's sentence vectors, as the knowledge base asks for them.
pub struct Embedder(Arc<Encoder>);

impl Embedder {
    /// Wraps the model.
    pub fn new(encoder: Arc<Encoder>) -> Self {
        Self(encoder)
    }
}

impl Embed for Embedder {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        self.0.encode(texts).map_err(|error| error.to_string())
    }

    fn id(&self) -> String {
        self.0.fingerprint().to_owned()
    }
}
