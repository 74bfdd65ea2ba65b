//! From a bot folder to a bot that can answer: compiled flows, trained heads, an index. What is
//! costly is cached by the hash of what went into it.

use std::path::Path;
use std::sync::Arc;

use bellhop_flows::bundle::{Bundle, EntityKind};
use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::diag::{Diagnostic, Severity};
use bellhop_flows::source::Sources;
use bellhop_flows::span::Span;
use bellhop_knowledge::{Article, Audience, Finding, Index};
use bellhop_nlu as nlu;
use bellhop_nlu::encoder::Encoder;
use bellhop_nlu::{Mode, TrainOptions, Understanding};

use crate::bots::BotSource;
use crate::encoding::{content_hash, encode};
use crate::folder::BotFolder;
use crate::kb_adapter::Knowledge;
use crate::nlu_adapter::{Embedder, Model};
use crate::patience;
use crate::understand::{Retrieve, Understand};

/// Prefix of the classes that articles with `questions:` take part in a reading as.
pub const ARTICLE_CLASS: &str = "article:";

/// A compiled folder with everything that was found in it.
#[derive(Debug)]
pub struct Checked {
    /// The bundle; absent when there are errors in the flows.
    pub bundle: Option<Bundle>,
    /// Findings in flows and articles.
    pub diagnostics: Vec<Diagnostic>,
    /// The texts that the findings point into.
    pub sources: Sources,
}

impl Checked {
    /// Compiles the flows and joins what was found there with what was found in the articles.
    pub fn of(folder: &BotFolder) -> Self {
        let compiled = compile(&folder.sources, &article_refs(&folder.articles));
        let mut sources = folder.sources.clone();
        let first = sources.files.len();
        sources.files.extend(folder.broken.iter().cloned());
        let mut diagnostics = compiled.diagnostics;
        diagnostics.extend(compiled.bundle.iter().flat_map(patience::find));
        diagnostics.extend(folder.findings.iter().filter_map(|finding| {
            let file = folder
                .broken
                .iter()
                .position(|file| file.path == finding.path)?;
            Some(diagnostic(finding, first + file, &folder.broken[file].text))
        }));
        Self {
            bundle: compiled.bundle,
            diagnostics,
            sources,
        }
    }

    /// Number of findings that keep the bot from running.
    pub fn errors(&self) -> usize {
        self.diagnostics
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count()
    }
}

/// The articles that flows may name.
fn article_refs(articles: &[Article]) -> Vec<ArticleRef> {
    let public = |article: &&Article| article.audience == Audience::Public;
    let of = |article: &Article| ArticleRef {
        id: article.id.clone(),
        title: article.title.clone(),
        language: article.language.clone(),
    };
    articles.iter().filter(public).map(of).collect()
}

fn diagnostic(finding: &Finding, file: usize, text: &str) -> Diagnostic {
    let line_start: usize = text
        .split_inclusive('\n')
        .take(finding.line.saturating_sub(1) as usize)
        .map(str::len)
        .sum();
    let line = text[line_start..].lines().next().unwrap_or("");
    let column = finding.column.saturating_sub(1) as usize;
    let inside = line
        .char_indices()
        .nth(column)
        .map_or(line.len(), |(at, _)| at);
    let start = line_start + inside;
    let end = line_start + line.len().max(inside);
    Diagnostic {
        code: if finding.is_error { "E0901" } else { "W0902" },
        severity: if finding.is_error {
            Severity::Error
        } else {
            Severity::Warning
        },
        message: finding.message.clone(),
        span: Span {
            file: u32::try_from(file).unwrap_or(u32::MAX),
            start: u32::try_from(start).unwrap_or(u32::MAX),
            end: u32::try_from(end).unwrap_or(u32::MAX),
        },
        related: Vec::new(),
        help: None,
        fix: None,
    }
}

/// Everything of a bot that came out of its examples and articles.
pub struct Mind {
    /// The model.
    pub encoder: Arc<Encoder>,
    /// The heads.
    pub understanding: Arc<Understanding>,
    /// The articles.
    pub knowledge: Arc<Knowledge>,
    /// Number of articles and of passages.
    pub size: (usize, usize),
    /// Changes with the model, the examples and the articles.
    fingerprint: String,
    zone: String,
}

/// Why a bot could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The model or the heads.
    #[error(transparent)]
    Nlu(#[from] nlu::Error),
    /// The index.
    #[error(transparent)]
    Knowledge(#[from] bellhop_knowledge::KnowledgeError),
    /// The cache folder.
    #[error("cache {}: {source}; name another data folder with --data-dir", path.display())]
    Cache {
        /// The file.
        path: std::path::PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Mind {
    /// Loads or trains the heads and loads or builds the index. `train` trains in that mode even when
    /// cached heads are there; without it tuned heads come first, and heads that there are none of are
    /// trained in the quick mode.
    ///
    /// # Errors
    /// See [`LoadError`].
    pub fn make(
        bundle: &Bundle,
        articles: &[Article],
        encoder: Encoder,
        cache: &Path,
        train: Option<Mode>,
    ) -> Result<Self, LoadError> {
        let encoder = Arc::new(encoder);
        let spec = spec(bundle, articles);
        let understanding = Arc::new(heads(&spec, &encoder, cache, train)?);
        let embedder = Arc::new(Embedder::new(Arc::clone(&encoder)));
        let index = Index::open_or_build(cache, articles, &*embedder)?;
        Ok(Self {
            fingerprint: fingerprint(&spec, &encoder, articles),
            encoder,
            understanding,
            size: index.size(),
            knowledge: Arc::new(Knowledge::new(index, embedder)),
            zone: bundle.time_zone.clone(),
        })
    }

    /// What reads messages.
    pub fn reader(&self) -> Box<dyn Understand> {
        let (encoder, understanding) = (Arc::clone(&self.encoder), Arc::clone(&self.understanding));
        Box::new(Model::new(encoder, understanding, &self.zone))
    }

    /// What the bot was made from.
    pub fn source(&self, folder: &BotFolder) -> BotSource {
        BotSource {
            files: folder.sources.clone(),
            articles: article_refs(&folder.articles),
            fingerprint: self.fingerprint.clone(),
        }
    }

    /// What finds passages.
    pub fn retriever(&self) -> Arc<dyn Retrieve> {
        Arc::clone(&self.knowledge) as Arc<dyn Retrieve>
    }
}

/// What a bot teaches its NLU: its intents, its entities, and each public article with questions.
pub fn spec(bundle: &Bundle, articles: &[Article]) -> nlu::Spec {
    let intents = bundle.intents.iter().map(|(id, intent)| nlu::IntentSpec {
        name: id.clone(),
        examples: intent
            .examples
            .iter()
            .flat_map(|(language, examples)| {
                examples.iter().map(|example| nlu::ExampleSpec {
                    text: example.text.clone(),
                    language: language.clone(),
                    marks: example.marks.clone(),
                })
            })
            .collect(),
    });
    let questions = articles
        .iter()
        .filter(|article| article.audience == Audience::Public && !article.questions.is_empty())
        .map(|article| nlu::IntentSpec {
            name: format!("{ARTICLE_CLASS}{}", article.id),
            examples: article
                .questions
                .iter()
                .map(|question| nlu::ExampleSpec {
                    text: question.clone(),
                    language: article.language.clone(),
                    marks: Vec::new(),
                })
                .collect(),
        });
    nlu::Spec {
        languages: bundle.languages.clone(),
        time_zone: bundle.time_zone.clone(),
        currency: bundle.currency.clone(),
        intents: intents.chain(questions).collect(),
        entities: bundle
            .entities
            .iter()
            .map(|(id, entity)| nlu::EntitySpec {
                name: id.clone(),
                kind: match &entity.kind {
                    EntityKind::List(values) => nlu::EntityKind::List(values.clone()),
                    EntityKind::Regex(pattern) => nlu::EntityKind::Regex(pattern.clone()),
                    EntityKind::Learned => nlu::EntityKind::Learned,
                },
                spelled: entity.spelled,
            })
            .collect(),
    }
}

/// What decides how a bot reads and searches, beside its flows: the same on every machine.
fn fingerprint(spec: &nlu::Spec, encoder: &Encoder, articles: &[Article]) -> String {
    let heads = spec.cache_key_of(encoder.fingerprint(), Mode::Head);
    // Articles are plain text, which always has a JSON.
    let articles = encode("articles", &articles).unwrap_or_default();
    format!("{heads} {}", hex::encode(content_hash(&articles)))
}

fn heads(
    spec: &nlu::Spec,
    encoder: &Encoder,
    cache: &Path,
    train: Option<Mode>,
) -> Result<Understanding, LoadError> {
    let key = |mode| spec.cache_key_of(encoder.fingerprint(), mode);
    let place = |mode| cache.join(format!("heads-{}.bin", key(mode)));
    if train.is_none() {
        for path in [place(Mode::Tune), place(Mode::Head)] {
            let Ok(bytes) = std::fs::read(&path) else {
                continue;
            };
            match Understanding::from_bytes(&bytes, spec, encoder.precision()) {
                Ok(understanding) => return Ok(understanding),
                // Of an older release or half a disk: trained anew and written over.
                Err(error) => {
                    tracing::warn!(path = %path.display(), error = %error, "cached heads not used")
                }
            }
        }
    }
    let mode = train.unwrap_or_default();
    let (key, path) = (key(mode), place(mode));
    let options = TrainOptions {
        mode,
        ..TrainOptions::default()
    };
    let understanding = Understanding::train_with(spec, encoder, &options, &mut |_| {})?;
    let io = |source| LoadError::Cache {
        path: path.clone(),
        source,
    };
    std::fs::create_dir_all(cache).map_err(io)?;
    // Beside its place and renamed when it is whole: a reader never finds half of it.
    let part = cache.join(format!("heads-{key}.{}.part", std::process::id()));
    std::fs::write(&part, understanding.to_bytes()).map_err(io)?;
    std::fs::rename(&part, &path).map_err(io)?;
    if mode == Mode::Head && train.is_some() {
        // Tuned heads would come first, and these were asked for.
        match std::fs::remove_file(place(Mode::Tune)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(error)),
            _ => {}
        }
    }
    Ok(understanding)
}
