//! Declared lists: synonyms and canonical names at word borders, with plurals and typing errors.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::text::{Kind, Lang, Text};
use super::words;
use crate::{Entity, EntityKind, Spec};

/// Every declared list, by language.
#[derive(Debug)]
pub(super) struct Lists {
    tables: BTreeMap<String, Table>,
    entities: Vec<String>,
}

/// The phrases of one language.
#[derive(Debug, Default)]
struct Table {
    phrases: Vec<Phrase>,
    vocabulary: Vec<Word>,
    /// Word -> its place in `vocabulary`.
    index: HashMap<String, usize>,
    /// Word -> the phrases that begin with it.
    first: Vec<Vec<usize>>,
}

/// One way to say a value.
#[derive(Debug)]
struct Phrase {
    entity: usize,
    value: String,
    words: Vec<usize>,
}

/// A word of some phrase.
#[derive(Debug)]
struct Word {
    fold: String,
    letters: usize,
    bag: u32,
}

/// A phrase found at tokens of the text.
struct Match<'a> {
    phrase: &'a Phrase,
    from: usize,
    to: usize,
    sure: f64,
}

impl Lists {
    /// Indexes the lists of `spec`.
    pub(super) fn new(spec: &Spec) -> Lists {
        let mut lists = Lists {
            tables: BTreeMap::new(),
            entities: Vec::new(),
        };
        let mut languages = spec.languages.clone();
        if languages.is_empty() {
            languages.push(String::new());
        }
        for declared in &spec.entities {
            let EntityKind::List(values) = &declared.kind else {
                continue;
            };
            let entity = lists.entities.len();
            lists.entities.push(declared.name.clone());
            for language in &languages {
                let table = lists.tables.entry(language.clone()).or_default();
                for (value, synonyms) in values {
                    table.add(entity, value, value);
                    // A value without words in this language is looked for in those of the others.
                    let own = synonyms.get(language).filter(|s| !s.is_empty());
                    let all = synonyms.values().filter(|_| own.is_none());
                    for synonym in own.into_iter().chain(all).flatten() {
                        table.add(entity, value, synonym);
                    }
                }
            }
        }
        lists
    }

    /// Adds the list values in `text`; within one entity the longest match wins.
    pub(super) fn find(&self, text: &Text, language: &str, found: &mut Vec<Entity>) {
        let table = self
            .tables
            .get(language)
            .or_else(|| self.tables.values().next());
        let Some(table) = table else { return };
        // Of other languages there is no dictionary here.
        let lang = ["en", "es"]
            .iter()
            .any(|known| {
                language
                    .get(..2)
                    .is_some_and(|l| l.eq_ignore_ascii_case(known))
            })
            .then(|| Lang::of(language));
        let mut matches = table.matches(text, lang);
        matches.sort_by(|a, b| {
            let longest = (b.to - b.from).cmp(&(a.to - a.from));
            longest
                .then(b.sure.total_cmp(&a.sure))
                .then(a.from.cmp(&b.from))
        });
        let mut taken = vec![vec![false; text.tokens.len()]; self.entities.len()];
        for m in matches {
            let Some(places) = taken
                .get_mut(m.phrase.entity)
                .and_then(|t| t.get_mut(m.from..m.to))
            else {
                continue;
            };
            let Some(name) = self.entities.get(m.phrase.entity) else {
                continue;
            };
            if places.contains(&true) {
                continue;
            }
            places.fill(true);
            let value = Value::String(m.phrase.value.clone());
            found.push(super::entity(text, name, value, m.from, m.to, m.sure));
        }
    }
}

impl Table {
    fn add(&mut self, entity: usize, value: &str, said: &str) {
        let said = Text::new(said);
        let mut words = Vec::new();
        for token in said.tokens.iter().filter(|t| !is_joint(&t.fold)) {
            let next = self.vocabulary.len();
            let at = *self.index.entry(token.fold.clone()).or_insert(next);
            if at == next {
                self.vocabulary.push(Word::new(token.fold.clone()));
                self.first.push(Vec::new());
            }
            words.push(at);
        }
        if let Some(first) = words.first().and_then(|w| self.first.get_mut(*w)) {
            first.push(self.phrases.len());
            self.phrases.push(Phrase {
                entity,
                value: value.to_owned(),
                words,
            });
        }
    }

    fn matches(&self, text: &Text, lang: Option<Lang>) -> Vec<Match<'_>> {
        let places: Vec<usize> = (0..text.tokens.len())
            .filter(|i| !is_joint(text.word(*i)))
            .collect();
        let mut known: HashMap<&str, Vec<(usize, f64)>> = HashMap::new();
        for &i in &places {
            if let Some(token) = text.tokens.get(i) {
                known
                    .entry(&token.fold)
                    .or_insert_with(|| self.like(&token.fold, token.kind, lang));
            }
        }
        let mut matches = Vec::new();
        for (at, &from) in places.iter().enumerate() {
            for (word, _) in known.get(text.word(from)).into_iter().flatten() {
                for phrase in self
                    .first
                    .get(*word)
                    .into_iter()
                    .flatten()
                    .filter_map(|p| self.phrases.get(*p))
                {
                    let mut sure: f64 = 1.0;
                    let mut to = from;
                    let whole = phrase.words.iter().enumerate().all(|(n, wanted)| {
                        let Some(&place) = places.get(at + n) else {
                            return false;
                        };
                        let ways = known.get(text.word(place)).into_iter().flatten();
                        let Some((_, s)) = ways
                            .filter(|(w, _)| w == wanted)
                            .max_by(|a, b| a.1.total_cmp(&b.1))
                        else {
                            return false;
                        };
                        sure = sure.min(*s);
                        to = place + 1;
                        true
                    });
                    if whole {
                        matches.push(Match {
                            phrase,
                            from,
                            to,
                            sure,
                        });
                    }
                }
            }
        }
        matches
    }

    /// The vocabulary's words that a word of the text may stand for, with how sure that is. A word of the
    /// language is no other word mistyped.
    fn like(&self, word: &str, kind: Kind, lang: Option<Lang>) -> Vec<(usize, f64)> {
        let mut ways = Vec::new();
        if let Some(at) = self.index.get(word) {
            ways.push((*at, 1.0));
        }
        if kind != Kind::Word {
            return ways;
        }
        for other in numbers_of(word) {
            if let Some(at) = self.index.get(&other) {
                ways.push((*at, 0.95));
            }
        }
        let mine = Word::new(word.to_owned());
        if !ways.is_empty() || mine.letters < 4 || mine.letters > 40 {
            return ways;
        }
        for (at, other) in self.vocabulary.iter().enumerate() {
            let allowed = match other.letters {
                0..=4 => continue,
                5..=8 => 1,
                9..=40 => 2,
                _ => continue,
            };
            // Each error changes at most two letters of the bag: most words are ruled out by it.
            if other.letters.abs_diff(mine.letters) > allowed
                || (other.bag ^ mine.bag).count_ones() > 2 * allowed as u32
            {
                continue;
            }
            let errors = strsim::damerau_levenshtein(&other.fold, &mine.fold);
            if errors <= allowed {
                let same_start = other.fold.chars().next() == mine.fold.chars().next();
                let sure = if errors == 1 { 0.75 } else { 0.65 };
                ways.push((at, if same_start { sure } else { sure - 0.1 }));
            }
        }
        // Looked up only where it matters: most words are like none of the bot's.
        if !ways.is_empty() && lang.is_some_and(|lang| words::is_ordinary(word, lang)) {
            ways.clear();
        }
        ways
    }
}

impl Word {
    fn new(fold: String) -> Word {
        let letters = fold.chars().count();
        let bag = fold
            .chars()
            .fold(0, |bag, c| bag | 1 << (u32::from(c) % 32));
        Word { fold, letters, bag }
    }
}

/// Signs that join words: `e-mail`, `lost_card` and `24/7` are looked for as their parts.
fn is_joint(sign: &str) -> bool {
    matches!(
        sign,
        "-" | "_" | "." | "/" | "'" | "&" | "\u{2011}" | "\u{2013}"
    )
}

/// A word's plural or singular forms, by ending, in English and Spanish.
fn numbers_of(word: &str) -> Vec<String> {
    if word.chars().count() < 3 {
        return Vec::new();
    }
    let mut forms = vec![format!("{word}s"), format!("{word}es")];
    if let Some(stem) = word.strip_suffix("ies") {
        forms.push(format!("{stem}y"));
    }
    if let Some(stem) = word.strip_suffix('y') {
        forms.push(format!("{stem}ies"));
    }
    forms.extend(word.strip_suffix("'s").map(str::to_owned));
    forms.extend(word.strip_suffix("es").map(str::to_owned));
    forms.extend(
        word.strip_suffix('s')
            .filter(|s| s.len() > 2)
            .map(str::to_owned),
    );
    forms.sort();
    forms.dedup();
    forms
}
