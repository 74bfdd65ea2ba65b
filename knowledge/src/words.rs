//! Keyword search: BM25 over titles, questions and passages in tantivy, with stemming and stop words
//! of the article's language and one typo forgiven where a word is known nowhere. What a query costs is bounded by what
//! is looked at, never by a clock: the same question finds the same passages on any machine.

use std::collections::BTreeSet;
use std::path::Path;

use tantivy::collector::TopDocs;
use tantivy::query::{BooleanQuery, BoostQuery, ConstScoreQuery, Occur, Query, TermQuery};
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
use crate::neighbours::Vocabulary;

/// Words longer than this are no words.
const WORD_BYTES: usize = 40;
/// Shorter words are not forgiven a typo: too many neighbours.
const FUZZY_FROM: usize = 5;
/// Distinct words of a question that are looked for: the first, as the sentence model reads no more either.
pub(crate) const WORDS: usize = 64;
/// Unknown words of a question that are forgiven a typo.
pub(crate) const FORGIVEN: usize = 16;
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

/// A part of a query: whether it must be there, and what it looks for.
type Part = (Occur, Box<dyn Query>);

struct Fields {
    passage: Field,
    article: Field,
    language: Field,
    audience: Field,
    title: Field,
    text: Field,
    questions: Field,
}

impl Fields {
    /// Those that words are looked for in.
    fn searched(&self) -> [Field; 3] {
        [self.title, self.text, self.questions]
    }
}

/// The keyword index.
pub(crate) struct Words {
    reader: IndexReader,
    fields: Fields,
    vocabulary: Vocabulary,
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
        let reader = index.reader()?;
        let mut words = Vec::new();
        for segment in reader.searcher().segment_readers() {
            for field in fields.searched() {
                let inverted = segment.inverted_index(field)?;
                let terms = inverted.terms().stream();
                let mut terms = terms.map_err(tantivy::TantivyError::from)?;
                while terms.advance() {
                    words.extend(std::str::from_utf8(terms.key()).map(str::to_owned));
                }
            }
        }
        Ok(Self {
            reader,
            fields,
            vocabulary: Vocabulary::new(words),
        })
    }

    /// The words of a query that carry meaning, with their weights; the first [`WORDS`] of more.
    pub(crate) fn query_words(
        &self,
        text: &str,
        language: &str,
    ) -> Result<Vec<QueryWord>, KnowledgeError> {
        let searcher = self.reader.searcher();
        let total = searcher.num_docs() as f32;
        let mut words = Vec::new();
        for stem in stems(text, language, WORDS) {
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
        let any = self.looked_for(&searcher, words)?;
        let mut all: Vec<Part> = vec![(Occur::Must, Box::new(BooleanQuery::new(any)))];
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

    /// A query for each word in each field: for the word itself, or for those that it may be, mistyped.
    fn looked_for(
        &self,
        searcher: &Searcher,
        words: &[QueryWord],
    ) -> Result<Vec<Part>, KnowledgeError> {
        let mut any: Vec<Part> = Vec::new();
        let mut forgiven = 0;
        for word in words {
            let known = self.frequency(searcher, &word.stem)? > 0;
            let fuzzy = !known && word.stem.len() >= FUZZY_FROM;
            if fuzzy && forgiven == FORGIVEN {
                continue;
            }
            forgiven += usize::from(fuzzy);
            let near = fuzzy.then(|| self.vocabulary.near(&word.stem));
            for field in self.fields.searched() {
                let boost = if field == self.fields.title {
                    TITLE_BOOST
                } else {
                    1.0
                };
                let query: Box<dyn Query> = match &near {
                    None => exact(field, &word.stem, IndexRecordOption::WithFreqs),
                    Some(near) => any_of(field, near),
                };
                any.push((Occur::Should, Box::new(BoostQuery::new(query, boost))));
            }
        }
        Ok(any)
    }

    fn frequency(&self, searcher: &Searcher, stem: &str) -> Result<u64, KnowledgeError> {
        let mut most = 0;
        for field in self.fields.searched() {
            most = most.max(searcher.doc_freq(&Term::from_field_text(field, stem))?);
        }
        Ok(most)
    }
}

/// The distinct stems of a text in order of first use, stop words left out; the first `most` of more.
pub(crate) fn stems(text: &str, language: &str, most: usize) -> Vec<String> {
    let mut analyzer = analyzer(language);
    let mut stream = analyzer.token_stream(text);
    let (mut seen, mut stems) = (BTreeSet::new(), Vec::new());
    while stems.len() < most && stream.advance() {
        let stem = &stream.token().text;
        if seen.insert(stem.clone()) {
            stems.push(stem.clone());
        }
    }
    stems
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

fn exact(field: Field, text: &str, option: IndexRecordOption) -> Box<dyn Query> {
    Box::new(TermQuery::new(Term::from_field_text(field, text), option))
}

/// Documents with the text, whatever their score is.
fn exactly(field: Field, text: &str) -> Box<dyn Query> {
    let query = exact(field, text, IndexRecordOption::Basic);
    Box::new(ConstScoreQuery::new(query, 0.0))
}

/// Documents with one of the words; how many of them it has and how rare they are says nothing about a word mistyped.
fn any_of(field: Field, words: &[&str]) -> Box<dyn Query> {
    let of = |word: &&str| exact(field, word, IndexRecordOption::Basic);
    let any = BooleanQuery::union(words.iter().map(of).collect());
    Box::new(ConstScoreQuery::new(Box::new(any), 1.0))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_has_no_more_parts_however_long_the_message() {
        let dir = tempfile::tempdir().expect("a folder");
        let document = Document {
            passage: 0,
            article: "fees",
            language: "en",
            audience: Audience::Public,
            title: "Overdraft fees".to_owned(),
            text: "An overdraft costs nothing for a week.",
            questions: String::new(),
        };
        Words::build(dir.path(), &[document]).expect("built");
        let words = Words::open(dir.path()).expect("opened");
        let parts = |text: &str| {
            let known = words.query_words(text, "en").expect("words");
            let searcher = words.reader.searcher();
            let parts = words.looked_for(&searcher, &known).expect("parts");
            (known.len(), parts.len())
        };
        assert_eq!(parts("overdrft fees"), (2, 6));
        let unknown = |n: usize| {
            let words = (0..n).map(|n| format!("zq{n:04}x"));
            words.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(parts(&unknown(10_000)), (WORDS, FORGIVEN * 3));
        let short: String = ('\u{4e00}'..'\u{5e00}').flat_map(|c| [c, ' ']).collect();
        assert_eq!(parts(&short), (WORDS, WORDS * 3));
        let filter = Filter {
            language: "en",
            audience: Audience::Public,
            article: None,
        };
        let query = words
            .query_words(&format!("overdrfat {}", unknown(100)), "en")
            .expect("words");
        let found = words.search(&query, &filter, 5).expect("found");
        assert_eq!(
            found.len(),
            1,
            "a typo is forgiven among many unknown words"
        );
    }
}
