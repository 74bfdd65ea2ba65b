//! Keyword search: BM25 over titles, questions and passages in tantivy, with stemming and stop words
//! of the article's language and one typo forgiven where a word is known nowhere.

use std::collections::BTreeSet;
use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{
    BooleanQuery, BoostQuery, ConstScoreQuery, FuzzyTermQuery, Occur, Query, TermQuery,
};
use tantivy::schema::{
    FAST, Field, IndexRecordOption, STRING, Schema, TextFieldIndexing, TextOptions,
};
use tantivy::tokenizer::{
    AsciiFoldingFilter, Language, LowerCaser, PreTokenizedString, RemoveLongFilter,
    SimpleTokenizer, Stemmer, StopWordFilter, TextAnalyzer, Token,
};
use tantivy::{Index, IndexReader, Searcher, TantivyDocument, Term};

use crate::KnowledgeError;
use crate::article::Audience;

/// Words longer than this are no words.
const WORD_BYTES: usize = 40;
/// Shorter words are not forgiven a typo: too many neighbours.
const FUZZY_FROM: usize = 5;
/// A hit in the title says more than one in the text.
const TITLE_BOOST: f32 = 1.6;
const WRITER_BYTES: usize = 20_000_000;

/// What is indexed of a passage.
pub(crate) struct Document<'a> {
    pub(crate) passage: u64,
    pub(crate) article: &'a str,
    pub(crate) language: &'a str,
    pub(crate) audience: Audience,
    pub(crate) title: String,
    pub(crate) text: &'a str,
    pub(crate) questions: String,
}

/// Who and what a search is restricted to.
pub(crate) struct Filter<'a> {
    pub(crate) language: &'a str,
    pub(crate) audience: Audience,
    pub(crate) article: Option<&'a str>,
}

/// A word of a query with its weight.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct QueryWord {
    pub(crate) stem: String,
    /// Inverse document frequency: ln(1 + (N - n + 0.5) / (n + 0.5)), as in BM25.
    pub(crate) idf: f32,
}

struct Fields {
    passage: Field,
    article: Field,
    language: Field,
    audience: Field,
    title: Field,
    text: Field,
    questions: Field,
}

/// The keyword index.
pub(crate) struct Words {
    reader: IndexReader,
    fields: Fields,
}

impl Words {
    /// Writes a new index into the empty folder `dir`.
    pub(crate) fn build(dir: &Path, documents: &[Document<'_>]) -> Result<(), KnowledgeError> {
        let (schema, fields) = schema();
        let index = Index::create_in_dir(dir, schema)?;
        // One thread, so that the same articles give the same segments.
        let mut writer = index.writer_with_num_threads(1, WRITER_BYTES)?;
        for document in documents {
            let mut doc = TantivyDocument::new();
            doc.add_u64(fields.passage, document.passage);
            doc.add_text(fields.article, document.article);
            doc.add_text(fields.language, document.language);
            doc.add_text(fields.audience, audience_name(document.audience));
            let mut add = |field, text: &str| {
                doc.add_pre_tokenized_text(
                    field,
                    PreTokenizedString {
                        text: String::new(),
                        tokens: tokens(text, document.language),
                    },
                );
            };
            add(fields.title, &document.title);
            add(fields.text, document.text);
            add(fields.questions, &document.questions);
            writer.add_document(doc)?;
        }
        writer.commit()?;
        writer.wait_merging_threads()?;
        Ok(())
    }

    /// Opens an index that [`Words::build`] wrote.
    pub(crate) fn open(dir: &Path) -> Result<Self, KnowledgeError> {
        let index = Index::open_in_dir(dir)?;
        let (_, fields) = schema();
        Ok(Self {
            reader: index.reader()?,
            fields,
        })
    }

    /// The words of a query that carry meaning, with their weights.
    pub(crate) fn query_words(
        &self,
        text: &str,
        language: &str,
    ) -> Result<Vec<QueryWord>, KnowledgeError> {
        let searcher = self.reader.searcher();
        let total = searcher.num_docs() as f32;
        let mut words = Vec::new();
        for stem in stems(text, language) {
            let seen = self.frequency(&searcher, &stem)? as f32;
            let idf = (1.0 + (total - seen + 0.5).max(0.0) / (seen + 0.5)).ln();
            words.push(QueryWord { stem, idf });
        }
        Ok(words)
    }

    /// Passages with their BM25 score, best first, at most `limit`.
    pub(crate) fn search(
        &self,
        words: &[QueryWord],
        filter: &Filter<'_>,
        limit: usize,
    ) -> Result<Vec<(u64, f32)>, KnowledgeError> {
        if words.is_empty() || limit == 0 {
            return Ok(Vec::new());
        }
        let searcher = self.reader.searcher();
        let mut any: Vec<(Occur, Box<dyn Query>)> = Vec::new();
        for word in words {
            let known = self.frequency(&searcher, &word.stem)? > 0;
            for (field, boost) in [
                (self.fields.title, TITLE_BOOST),
                (self.fields.text, 1.0),
                (self.fields.questions, 1.0),
            ] {
                let term = Term::from_field_text(field, &word.stem);
                let query: Box<dyn Query> = if known || word.stem.len() < FUZZY_FROM {
                    Box::new(TermQuery::new(term, IndexRecordOption::WithFreqs))
                } else {
                    Box::new(FuzzyTermQuery::new(term, 1, true))
                };
                any.push((Occur::Should, Box::new(BoostQuery::new(query, boost))));
            }
        }
        let mut all: Vec<(Occur, Box<dyn Query>)> =
            vec![(Occur::Must, Box::new(BooleanQuery::new(any)))];
        all.push((Occur::Must, exactly(self.fields.language, filter.language)));
        if filter.audience == Audience::Public {
            let public = audience_name(Audience::Public);
            all.push((Occur::Must, exactly(self.fields.audience, public)));
        }
        if let Some(article) = filter.article {
            all.push((Occur::Must, exactly(self.fields.article, article)));
        }
        let top = searcher.search(
            &BooleanQuery::new(all),
            &TopDocs::with_limit(limit).order_by_score(),
        )?;
        let mut hits = Vec::with_capacity(top.len());
        for (score, address) in top {
            let column = searcher
                .segment_reader(address.segment_ord)
                .fast_fields()
                .u64("passage")?;
            hits.extend(column.first(address.doc_id).map(|passage| (passage, score)));
        }
        hits.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        Ok(hits)
    }

    fn frequency(&self, searcher: &Searcher, stem: &str) -> Result<u64, KnowledgeError> {
        let mut most = 0;
        for field in [self.fields.title, self.fields.text, self.fields.questions] {
            most = most.max(searcher.doc_freq(&Term::from_field_text(field, stem))?);
        }
        Ok(most)
    }
}

/// The distinct stems of a text in order of first use, stop words left out.
pub(crate) fn stems(text: &str, language: &str) -> Vec<String> {
    let mut seen = BTreeSet::new();
    tokens(text, language)
        .into_iter()
        .map(|token| token.text)
        .filter(|stem| seen.insert(stem.clone()))
        .collect()
}

fn tokens(text: &str, language: &str) -> Vec<Token> {
    let mut analyzer = analyzer(language);
    let mut stream = analyzer.token_stream(text);
    let mut tokens = Vec::new();
    while stream.advance() {
        tokens.push(stream.token().clone());
    }
    tokens
}

fn analyzer(language: &str) -> TextAnalyzer {
    let base = TextAnalyzer::builder(SimpleTokenizer::default())
        .filter(RemoveLongFilter::limit(WORD_BYTES))
        .filter(LowerCaser);
    let Some(language) = stemming_language(language) else {
        return base.filter(AsciiFoldingFilter).build();
    };
    let stop_words = StopWordFilter::new(language)
        .unwrap_or_else(|| StopWordFilter::remove(Vec::<String>::new()));
    // Accents go before stemming: customers leave them out.
    base.filter(stop_words)
        .filter(AsciiFoldingFilter)
        .filter(Stemmer::new(language))
        .build()
}

fn stemming_language(code: &str) -> Option<Language> {
    Some(match code {
        "da" => Language::Danish,
        "de" => Language::German,
        "en" => Language::English,
        "es" => Language::Spanish,
        "fi" => Language::Finnish,
        "fr" => Language::French,
        "hu" => Language::Hungarian,
        "it" => Language::Italian,
        "nl" => Language::Dutch,
        "no" => Language::Norwegian,
        "pt" => Language::Portuguese,
        "ro" => Language::Romanian,
        "ru" => Language::Russian,
        "sv" => Language::Swedish,
        "tr" => Language::Turkish,
        _ => return None,
    })
}

fn exactly(field: Field, text: &str) -> Box<dyn Query> {
    let term = Term::from_field_text(field, text);
    let query = TermQuery::new(term, IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(Box::new(query), 0.0))
}

fn audience_name(audience: Audience) -> &'static str {
    match audience {
        Audience::Public => "public",
        Audience::Internal => "internal",
    }
}

fn schema() -> (Schema, Fields) {
    let mut builder = Schema::builder();
    // The texts arrive as tokens; tantivy keeps counts only, positions would serve phrases.
    let words = TextOptions::default().set_indexing_options(
        TextFieldIndexing::default().set_index_option(IndexRecordOption::WithFreqs),
    );
    let fields = Fields {
        passage: builder.add_u64_field("passage", FAST),
        article: builder.add_text_field("article", STRING),
        language: builder.add_text_field("language", STRING),
        audience: builder.add_text_field("audience", STRING),
        title: builder.add_text_field("title", words.clone()),
        text: builder.add_text_field("text", words.clone()),
        questions: builder.add_text_field("questions", words),
    };
    (builder.build(), fields)
}
