//! A world for conversation tests that needs no model: classes by the words they share with their
//! examples, entities by lists, patterns and a table of phrases. It stands in for the NLU where the
//! flows and the engine are under test, not the understanding.

use std::collections::BTreeMap;

use bellhop_flows::bundle::{Bundle, EntityKind};
use bellhop_flows::engine::event::{Found, Passage, Reading};
use bellhop_flows::testing::World;
use regex::Regex;
use serde_json::{Value as Json, json};

/// How steeply a better match turns into a higher probability.
const STEEP: f64 = 14.0;
/// Match below which "none of these" is the best class.
const NONE: f64 = 0.5;

/// An article that can be found.
pub(crate) struct Article {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) language: String,
    pub(crate) audience: String,
    pub(crate) questions: Vec<String>,
    pub(crate) text: String,
}

/// The scripted world.
pub(crate) struct Scripted {
    classes: Vec<(String, BTreeMap<String, f64>)>,
    weights: BTreeMap<String, f64>,
    lists: Vec<(String, String, String)>,
    patterns: Vec<(String, Regex)>,
    articles: Vec<Article>,
}

/// Messages whose class the shared words don't tell.
const CLASSES: [(&str, &str); 11] = [
    ("show me my recent transactions", "accounts.transactions"),
    ("block card 4821, I lost it", "cards.lost_card"),
    ("block card 4821, it was stolen", "cards.lost_card"),
    ("block card 1111, it's gone", "cards.lost_card"),
    ("why was my card refused", "cards.declined"),
    ("transfer £5,000 to my savings", "payments.transfer"),
    ("can't remember", ""),
    ("I can't remember it", ""),
    ("can't remember it", ""),
    ("no idea", ""),
    ("whenever", ""),
];

/// Phrases with a value that does not depend on the bot.
const PHRASES: [(&str, &str, &str); 12] = [
    ("tomorrow", "date", "2026-03-05"),
    ("mañana", "date", "2026-03-05"),
    ("yesterday", "date", "2026-03-03"),
    ("next thursday", "date", "2026-03-12"),
    ("next friday", "date", "2026-03-13"),
    ("3 january 2020", "date", "2020-01-03"),
    ("3 june", "date", "2026-06-03"),
    ("half past eleven", "time", "11:30:00"),
    ("at 10 am", "time", "10:00:00"),
    ("a las 10:00", "time", "10:00:00"),
    ("first", "ordinal", "1"),
    ("second", "ordinal", "2"),
];

fn words(text: &str) -> Vec<String> {
    text.to_lowercase()
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(|word| word.strip_suffix('s').unwrap_or(word).to_owned())
        .collect()
}

fn pairs(text: &str) -> Vec<String> {
    let words = words(text);
    let two = words.windows(2).map(|pair| pair.join(" "));
    words.iter().cloned().chain(two).collect()
}

impl Scripted {
    pub(crate) fn new(bundle: &Bundle, articles: Vec<Article>) -> Self {
        let mut examples: Vec<(String, String)> = Vec::new();
        for (id, intent) in &bundle.intents {
            for example in intent.examples.values().flatten() {
                examples.push((id.clone(), example.text.clone()));
            }
        }
        for article in articles.iter().filter(|a| a.audience == "public") {
            for question in &article.questions {
                examples.push((format!("article:{}", article.id), question.clone()));
            }
        }
        let mut seen: BTreeMap<String, f64> = BTreeMap::new();
        for (_, text) in &examples {
            let mut all = pairs(text);
            all.sort();
            all.dedup();
            for word in all {
                *seen.entry(word).or_default() += 1.0;
            }
        }
        let total = examples.len() as f64;
        let weights = seen
            .into_iter()
            .map(|(word, n)| (word, (total / n).ln() + 1.0))
            .collect();
        let mut world = Self {
            classes: Vec::new(),
            weights,
            lists: Vec::new(),
            patterns: Vec::new(),
            articles,
        };
        world.classes = examples
            .into_iter()
            .map(|(class, text)| (class, world.vector(&text)))
            .collect();
        world.learn_entities(bundle);
        world
    }

    fn learn_entities(&mut self, bundle: &Bundle) {
        for (id, entity) in &bundle.entities {
            match &entity.kind {
                EntityKind::List(values) => {
                    for (value, languages) in values {
                        let own = std::iter::once(value);
                        for word in own.chain(languages.values().flatten()) {
                            self.lists
                                .push((id.clone(), value.clone(), word.to_lowercase()));
                        }
                    }
                }
                EntityKind::Regex(pattern) => {
                    let pattern = Regex::new(pattern).expect("checked by compile");
                    self.patterns.push((id.clone(), pattern));
                }
                EntityKind::Learned => {}
            }
        }
        for (kind, pattern) in [
            ("number", r"\b[0-9]+\b"),
            ("money", r"£[0-9][0-9,.]*|\b[0-9]+ pounds"),
        ] {
            let pattern = Regex::new(pattern).expect("a pattern");
            self.patterns.push((kind.to_owned(), pattern));
        }
    }

    fn vector(&self, text: &str) -> BTreeMap<String, f64> {
        let mut vector: BTreeMap<String, f64> = BTreeMap::new();
        for word in pairs(text) {
            // A word that no example has counts as a rare one: it makes the text unlike all.
            let weight = self.weights.get(&word).copied().unwrap_or(6.0);
            vector.insert(word, weight);
        }
        let length = vector.values().map(|w| w * w).sum::<f64>().sqrt();
        for weight in vector.values_mut() {
            *weight /= length;
        }
        vector
    }

    fn classes(&self, text: &str) -> (Vec<(String, f64)>, f64) {
        if let Some((_, class)) = CLASSES.iter().find(|(known, _)| *known == text) {
            return match *class {
                "" => (Vec::new(), 0.9),
                class => (vec![(class.to_owned(), 0.9)], 0.05),
            };
        }
        let vector = self.vector(text);
        let mut best: BTreeMap<&str, f64> = BTreeMap::new();
        for (class, example) in &self.classes {
            let like: f64 = vector
                .iter()
                .filter_map(|(word, a)| example.get(word).map(|b| a * b))
                .sum();
            let entry = best.entry(class).or_default();
            *entry = entry.max(like);
        }
        let none = (STEEP * NONE).exp();
        let sum = none
            + best
                .values()
                .map(|like| (STEEP * like).exp() - 1.0)
                .sum::<f64>();
        let mut classes: Vec<(String, f64)> = best
            .into_iter()
            .map(|(class, like)| (class.to_owned(), ((STEEP * like).exp() - 1.0) / sum))
            .collect();
        classes.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        classes.truncate(8);
        (classes, none / sum)
    }

    fn entities(&self, text: &str) -> Vec<Found> {
        let lower = text.to_lowercase();
        let mut found: Vec<Found> = Vec::new();
        let mut add = |kind: &str, value: Json, start: usize, end: usize| {
            found.push(Found {
                entity: kind.to_owned(),
                value,
                start,
                end,
                confidence: 0.9,
                polarity: Default::default(),
            });
        };
        let lists = self
            .lists
            .iter()
            .map(|(k, v, w)| (k.as_str(), v.as_str(), w.as_str()));
        let table = PHRASES.iter().map(|(w, k, v)| (*k, *v, *w));
        for (kind, value, word) in lists.chain(table) {
            if let Some(start) = at_borders(&lower, word) {
                add(kind, json!(value), start, start + word.len());
            }
        }
        for (kind, pattern) in &self.patterns {
            for hit in pattern.find_iter(text) {
                let digits: String = hit
                    .as_str()
                    .chars()
                    .filter(|c| c.is_ascii_digit() || *c == '.')
                    .collect();
                let value = match kind.as_str() {
                    "money" => json!({"amount": digits, "currency": "GBP"}),
                    "number" => json!(digits),
                    _ => json!(hit.as_str()),
                };
                add(kind, value, hit.start(), hit.end());
            }
        }
        for (word, yes) in [("yes", true), ("sí", true), ("no", false)] {
            if let Some(start) = at_borders(&lower, word) {
                add("yes_no", json!(yes), start, start + word.len());
            }
        }
        found
    }
}

/// First byte of `word` where it stands between characters that are no letters or digits.
fn at_borders(text: &str, word: &str) -> Option<usize> {
    text.match_indices(word).map(|(at, _)| at).find(|at| {
        let before = text[..*at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        !before.is_some_and(char::is_alphanumeric) && !after.is_some_and(char::is_alphanumeric)
    })
}

impl World for Scripted {
    fn read(&mut self, text: &str, language: &str, _: Option<&'static str>) -> Reading {
        let (intents, none) = self.classes(text);
        Reading {
            language: language.to_owned(),
            intents,
            none,
            requests: Vec::new(),
            clauses: Vec::new(),
            entities: self.entities(text),
            negative: 0.0,
            reasons: Vec::new(),
            profanity: Vec::new(),
            degraded: false,
        }
    }

    fn search(&mut self, query: &str, language: &str, article: Option<&str>) -> Vec<Passage> {
        let asked = words(query);
        let mut passages: Vec<Passage> = self
            .articles
            .iter()
            .filter(|found| found.audience == "public" && found.language == language)
            .filter(|found| article.is_none_or(|id| found.id == id))
            .map(|found| {
                let there = words(&format!("{} {}", found.title, found.questions.join(" ")));
                let hits = asked.iter().filter(|word| there.contains(word)).count();
                let share = hits as f64 / asked.len().max(1) as f64;
                Passage {
                    article: found.id.clone(),
                    title: found.title.clone(),
                    section: None,
                    text: found.text.clone(),
                    url: None,
                    confidence: if article.is_some() {
                        0.9
                    } else {
                        share * share * 0.9
                    },
                }
            })
            .collect();
        passages.sort_by(|a, b| {
            b.confidence
                .total_cmp(&a.confidence)
                .then_with(|| a.article.cmp(&b.article))
        });
        passages.truncate(3);
        passages
    }
}
