//! The retriever: articles in, passages with their source and an honest confidence out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::article::{Article, Audience};
use crate::chunk::chunk;
use crate::confidence::{Evidence, WEIGHTS};
use crate::vectors::Vectors;
use crate::words::{Document, Filter, QueryWord, Words, stems};
use crate::{Embed, KnowledgeError};

/// Raised when the files of an index change their meaning.
const FORMAT: u32 = 2;
/// Passages that each of the two searches hands to the fusion.
const CANDIDATES: usize = 50;
/// Share of the dense search in the fused score; the rest is BM25 relative to the best of the query.
/// Chosen on covidfaq (`bellhop kb eval`): hit@1 is 0.67 at 0.7, 0.75 at 0.9 and 0.74 at 0.95.
const DENSE_SHARE: f32 = 0.9;
/// How much farther than another passage the first one of an article may be and still be what answers a question of its
/// own: authors open an article with what is asked most.
const OPENING: f32 = 0.08;
/// What the words of a question count beside the cosine when that passage is chosen.
const NAMED: f32 = 0.2;
/// Texts embedded at once while an index is built.
const BATCH: usize = 32;

/// What is looked for.
#[derive(Debug, Clone, Copy)]
pub struct Query<'a> {
    /// The question.
    pub text: &'a str,
    /// Its embedding, where the caller has it already.
    pub vector: Option<&'a [f32]>,
    /// Language of the answer.
    pub language: &'a str,
    /// Who asks.
    pub audience: Audience,
    /// Only this article.
    pub article: Option<&'a str>,
    /// Most passages wanted.
    pub limit: usize,
}

/// A passage that answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Hit {
    /// Article id.
    pub article: String,
    /// Title of the article.
    pub title: String,
    /// Heading within it, if any.
    pub section: Option<String>,
    /// The text, plain: list items and rows of tables are lines that begin with `• `.
    pub text: String,
    /// Address customers can open, if any.
    pub url: Option<String>,
    /// Calibrated probability that it answers.
    pub confidence: f64,
}

/// How passages are ranked; [`Ranking::Hybrid`] but for comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ranking {
    /// BM25 alone.
    Words,
    /// Cosine alone.
    Dense,
    /// Both, fused.
    Hybrid,
}

/// An article as the index keeps it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Entry {
    id: String,
    title: String,
    audience: Audience,
    language: String,
    url: Option<String>,
    /// Stems of everything in it, sorted.
    stems: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Passage {
    /// Index into the entries.
    entry: usize,
    section: Option<String>,
    /// What is searched.
    text: String,
    /// What a reader gets, where it differs: the rows of tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shown: Option<String>,
}

/// What is kept on disk beside the vectors and the keyword index.
#[derive(Debug, Serialize, Deserialize)]
struct Catalog {
    entries: Vec<Entry>,
    passages: Vec<Passage>,
    /// For each question vector, its entry.
    questions: Vec<usize>,
}

/// A passage with its scores.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ranked {
    pub(crate) passage: usize,
    pub(crate) dense: f32,
    pub(crate) score: f32,
}

/// An index over articles.
pub struct Index {
    catalog: Catalog,
    passage_vectors: Vectors,
    question_vectors: Vectors,
    words: Words,
}

impl Index {
    /// Opens the index of these articles under `dir`, building it when there is none yet. The folder
    /// of an index is named by the hash of all that goes into it.
    ///
    /// # Errors
    /// A disk that can't be read or written, or a model that fails.
    pub fn open_or_build(
        dir: &Path,
        articles: &[Article],
        embed: &dyn Embed,
    ) -> Result<Self, KnowledgeError> {
        let place = dir.join(format!("knowledge-{}", key(articles, embed)));
        if !place.join("catalog.json").exists() {
            build(dir, &place, articles, embed)?;
        }
        Self::open(&place)
    }

    fn open(place: &Path) -> Result<Self, KnowledgeError> {
        let catalog = place.join("catalog.json");
        let invalid = |path: &Path, message: &str| KnowledgeError::Io {
            path: path.to_owned(),
            source: std::io::Error::new(std::io::ErrorKind::InvalidData, message.to_owned()),
        };
        let catalog = serde_json::from_slice(&read(&catalog)?)
            .map_err(|error| invalid(&catalog, &error.to_string()))?;
        let vectors = |name: &str| {
            let path = place.join(name);
            let vectors = Vectors::from_bytes(&read(&path)?);
            vectors.ok_or_else(|| invalid(&path, "not a vector file; remove the folder"))
        };
        Ok(Self {
            catalog,
            passage_vectors: vectors("passages.bin")?,
            question_vectors: vectors("questions.bin")?,
            words: Words::open(&place.join("words"))?,
        })
    }

    /// Number of articles and of passages.
    pub fn size(&self) -> (usize, usize) {
        (self.catalog.entries.len(), self.catalog.passages.len())
    }

    /// Passages for a query, best first. The confidence of the first is the probability that it
    /// answers; that of the others is theirs were they the best.
    ///
    /// Without a vector the words alone decide, and the confidence is low.
    ///
    /// # Errors
    /// A keyword index that can't be read.
    pub fn search(&self, query: &Query<'_>) -> Result<Vec<Hit>, KnowledgeError> {
        let words = self.words.query_words(query.text, query.language)?;
        let ranked = self.rank(query, &words, Ranking::Hybrid)?;
        let evidence = self.evidence(&ranked, &words);
        Ok(ranked
            .iter()
            .zip(evidence)
            .take(query.limit)
            .map(|(ranked, evidence)| self.hit(*ranked, WEIGHTS.probability(evidence)))
            .collect())
    }

    /// Article ids best first, one place each, and the evidence for the first.
    pub(crate) fn articles(
        &self,
        query: &Query<'_>,
        ranking: Ranking,
    ) -> Result<(Vec<&str>, Option<Evidence>), KnowledgeError> {
        let words = self.words.query_words(query.text, query.language)?;
        let ranked = self.rank(query, &words, ranking)?;
        let evidence = self.evidence(&ranked, &words).first().copied();
        let mut ids: Vec<&str> = Vec::new();
        for hit in &ranked {
            let id = self.entry(hit.passage).id.as_str();
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok((ids, evidence))
    }

    fn rank(
        &self,
        query: &Query<'_>,
        words: &[QueryWord],
        ranking: Ranking,
    ) -> Result<Vec<Ranked>, KnowledgeError> {
        let filter = Filter {
            language: query.language,
            audience: query.audience,
            article: query.article,
        };
        let by_words = self.words.search(words, &filter, CANDIDATES)?;
        let best_words = by_words.first().map_or(0.0, |(_, score)| *score);
        let dense = self.dense(query, &by_words);
        let mut scores: BTreeMap<usize, f32> = BTreeMap::new();
        if ranking != Ranking::Dense && best_words > 0.0 {
            for (passage, score) in &by_words {
                let passage = usize::try_from(*passage).unwrap_or(usize::MAX);
                *scores.entry(passage).or_default() += (1.0 - DENSE_SHARE) * score / best_words;
            }
        }
        if ranking != Ranking::Words {
            let mut by_meaning: Vec<(usize, f32)> = (0..self.catalog.passages.len())
                .filter(|passage| self.allowed(self.entry(*passage), query))
                .map(|passage| (passage, dense[passage]))
                .collect();
            by_meaning.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
            by_meaning.truncate(CANDIDATES);
            for (passage, cosine) in by_meaning {
                *scores.entry(passage).or_default() += DENSE_SHARE * cosine;
            }
        }
        let mut ranked: Vec<Ranked> = scores
            .into_iter()
            .filter(|(passage, _)| *passage < dense.len())
            .map(|(passage, score)| Ranked {
                passage,
                dense: dense[passage],
                score,
            })
            .collect();
        ranked.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.passage.cmp(&b.passage)));
        Ok(ranked)
    }

    /// Cosine of each passage; an article's own question that is nearer lifts the passage that answers it best.
    fn dense(&self, query: &Query<'_>, by_words: &[(u64, f32)]) -> Vec<f32> {
        let Some(vector) = query.vector else {
            return vec![0.0; self.catalog.passages.len()];
        };
        let mut dense = self.passage_vectors.cosines(vector);
        let mut best_question: BTreeMap<usize, f32> = BTreeMap::new();
        let cosines = self.question_vectors.cosines(vector);
        for (entry, cosine) in self.catalog.questions.iter().zip(cosines) {
            let best = best_question.entry(*entry).or_insert(f32::MIN);
            *best = best.max(cosine);
        }
        let most = by_words.first().map_or(1.0, |(_, score)| *score);
        let mut nearness = dense.clone();
        for (passage, score) in by_words {
            let at = usize::try_from(*passage).unwrap_or(usize::MAX);
            if let Some(own) = nearness.get_mut(at) {
                *own += NAMED * score / most;
            }
        }
        // An article opens with what is asked most: its first passage needs less.
        let mut best_passage: BTreeMap<usize, (usize, f32)> = BTreeMap::new();
        for (passage, near) in nearness.iter().enumerate() {
            let entry = self.catalog.passages[passage].entry;
            let best = best_passage
                .entry(entry)
                .or_insert((passage, near + OPENING));
            if *near > best.1 {
                *best = (passage, *near);
            }
        }
        for (entry, (passage, _)) in best_passage {
            if let Some(question) = best_question.get(&entry) {
                dense[passage] = dense[passage].max(*question);
            }
        }
        dense
    }

    fn evidence(&self, ranked: &[Ranked], words: &[QueryWord]) -> Vec<Evidence> {
        let total: f32 = words.iter().map(|word| word.idf).sum();
        // Best cosine of each article, for the lead over the others.
        let mut best: BTreeMap<usize, f32> = BTreeMap::new();
        for hit in ranked {
            let slot = best
                .entry(self.catalog.passages[hit.passage].entry)
                .or_insert(f32::MIN);
            *slot = slot.max(hit.dense);
        }
        ranked
            .iter()
            .map(|hit| {
                let own = self.catalog.passages[hit.passage].entry;
                let entry = &self.catalog.entries[own];
                let found: f32 = words
                    .iter()
                    .filter(|word| entry.stems.binary_search(&word.stem).is_ok())
                    .map(|word| word.idf)
                    .sum();
                let rival = best
                    .iter()
                    .filter(|(entry, _)| **entry != own)
                    .map(|(_, cosine)| *cosine)
                    .fold(0.0_f32, f32::max);
                Evidence {
                    dense: hit.dense,
                    coverage: if total > 0.0 { found / total } else { 0.0 },
                    lead: hit.dense - rival,
                }
            })
            .collect()
    }

    fn entry(&self, passage: usize) -> &Entry {
        &self.catalog.entries[self.catalog.passages[passage].entry]
    }

    fn allowed(&self, entry: &Entry, query: &Query<'_>) -> bool {
        entry.language == query.language
            && (query.audience == Audience::Internal || entry.audience == Audience::Public)
            && query.article.is_none_or(|article| article == entry.id)
    }

    fn hit(&self, ranked: Ranked, confidence: f64) -> Hit {
        let passage = &self.catalog.passages[ranked.passage];
        let entry = &self.catalog.entries[passage.entry];
        Hit {
            article: entry.id.clone(),
            title: entry.title.clone(),
            section: passage.section.clone(),
            text: passage.shown.as_ref().unwrap_or(&passage.text).clone(),
            url: entry.url.clone(),
            confidence,
        }
    }
}

/// Names an index by what goes into it.
fn key(articles: &[Article], embed: &dyn Embed) -> String {
    let mut hash = Sha256::new();
    hash.update(FORMAT.to_le_bytes());
    hash.update(embed.id());
    for article in articles {
        let json = serde_json::to_vec(article).expect("articles are plain data");
        hash.update((json.len() as u64).to_le_bytes());
        hash.update(json);
    }
    hex::encode(&hash.finalize()[..12])
}

/// Builds beside the place and moves in when whole, so that half an index is never opened.
fn build(
    dir: &Path,
    place: &Path,
    articles: &[Article],
    embed: &dyn Embed,
) -> Result<(), KnowledgeError> {
    let part = dir.join(format!(
        "knowledge-{}.{}.part",
        key(articles, embed),
        std::process::id()
    ));
    if part.exists() {
        remove(&part)?;
    }
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| KnowledgeError::Io { path, source }
    };
    std::fs::create_dir_all(part.join("words")).map_err(io(&part))?;
    let catalog = catalog(articles);
    write(
        &part.join("passages.bin"),
        &passage_vectors(&catalog, embed)?.to_bytes(),
    )?;
    let questions: Vec<&str> = articles
        .iter()
        .flat_map(|article| article.questions.iter().map(String::as_str))
        .collect();
    write(
        &part.join("questions.bin"),
        &embed_all(&questions, embed)?.to_bytes(),
    )?;
    Words::build(&part.join("words"), &documents(&catalog, articles))?;
    let json = serde_json::to_vec(&catalog).expect("the catalog is plain data");
    write(&part.join("catalog.json"), &json)?;
    match std::fs::rename(&part, place) {
        Ok(()) => Ok(()),
        // Another process was faster: its index is the same.
        Err(_) if place.join("catalog.json").exists() => remove(&part),
        Err(source) => Err(io(place)(source)),
    }
}

fn catalog(articles: &[Article]) -> Catalog {
    let mut catalog = Catalog {
        entries: Vec::new(),
        passages: Vec::new(),
        questions: Vec::new(),
    };
    for (entry, article) in articles.iter().enumerate() {
        let everything = [&article.title, &article.body, &article.questions.join("\n")]
            .map(String::as_str)
            .join("\n");
        let mut stems = stems(&everything, &article.language, usize::MAX);
        stems.sort();
        catalog.entries.push(Entry {
            id: article.id.clone(),
            title: article.title.clone(),
            audience: article.audience,
            language: article.language.clone(),
            url: article.url.clone(),
            stems,
        });
        catalog
            .passages
            .extend(chunk(&article.body).into_iter().map(|chunk| Passage {
                entry,
                section: chunk.section,
                shown: Some(chunk.shown).filter(|shown| *shown != chunk.text),
                text: chunk.text,
            }));
        catalog
            .questions
            .extend(std::iter::repeat_n(entry, article.questions.len()));
    }
    catalog
}

/// A passage is embedded with its title and heading: alone it may not say what it is about.
fn passage_vectors(catalog: &Catalog, embed: &dyn Embed) -> Result<Vectors, KnowledgeError> {
    let texts: Vec<String> = catalog
        .passages
        .iter()
        .map(|passage| {
            let title = &catalog.entries[passage.entry].title;
            match &passage.section {
                Some(section) => format!("{title}. {section}. {}", passage.text),
                None => format!("{title}. {}", passage.text),
            }
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    embed_all(&texts, embed)
}

fn embed_all(texts: &[&str], embed: &dyn Embed) -> Result<Vectors, KnowledgeError> {
    let mut rows = Vec::with_capacity(texts.len());
    for batch in texts.chunks(BATCH) {
        rows.extend(embed.embed(batch).map_err(KnowledgeError::Embed)?);
    }
    Ok(Vectors::new(&rows))
}

fn documents<'a>(catalog: &'a Catalog, articles: &'a [Article]) -> Vec<Document<'a>> {
    catalog
        .passages
        .iter()
        .enumerate()
        .map(|(number, passage)| {
            let article = &articles[passage.entry];
            let heading = passage.section.as_deref().unwrap_or_default();
            Document {
                passage: number as u64,
                article: &article.id,
                language: &article.language,
                audience: article.audience,
                title: format!("{} {heading}", article.title),
                text: &passage.text,
                questions: article.questions.join("\n"),
            }
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, KnowledgeError> {
    std::fs::read(path).map_err(|source| KnowledgeError::Io {
        path: path.to_owned(),
        source,
    })
}

fn write(path: &PathBuf, bytes: &[u8]) -> Result<(), KnowledgeError> {
    std::fs::write(path, bytes).map_err(|source| KnowledgeError::Io {
        path: path.clone(),
        source,
    })
}

fn remove(dir: &Path) -> Result<(), KnowledgeError> {
    std::fs::remove_dir_all(dir).map_err(|source| KnowledgeError::Io {
        path: dir.to_owned(),
        source,
    })
}
