//! The knowledge base behind [`Retrieve`]. Everything found here may be shown to a customer: no
//! other audience is ever asked for.

use std::sync::Arc;

use bellhop_flows::engine::event::Passage;
use bellhop_knowledge::{Audience, Embed, Index, Query};

use crate::understand::Retrieve;

/// Most passages given to the engine.
const PASSAGES: usize = 3;
/// Confidence below which a passage helps nobody; the bot's own bar for an answer is far higher.
const USEFUL: f64 = 0.05;

/// An index with a model for questions that come without an embedding.
pub struct Knowledge {
    index: Index,
    embed: Arc<dyn Embed + Send>,
}

impl Knowledge {
    /// Joins an index and the model it was built with.
    pub fn new(index: Index, embed: Arc<dyn Embed + Send>) -> Self {
        Self { index, embed }
    }
}

impl Retrieve for Knowledge {
    fn search(
        &self,
        query: &str,
        embedding: Option<&[f32]>,
        language: &str,
        article: Option<&str>,
    ) -> Result<Vec<Passage>, String> {
        let own;
        let vector = match embedding.filter(|vector| !vector.is_empty()) {
            Some(vector) => Some(vector),
            None => {
                own = self.embed.embed(&[query])?;
                own.first().map(Vec::as_slice)
            }
        };
        let hits = self
            .index
            .search(&Query {
                text: query,
                vector,
                language,
                audience: Audience::Public,
                article,
                limit: PASSAGES,
            })
            .map_err(|error| error.to_string())?;
        Ok(hits
            .into_iter()
            // An article that the reading named is wanted whatever the words of the question are.
            .filter(|hit| article.is_some() || hit.confidence >= USEFUL)
            .map(|hit| Passage {
                article: hit.article,
                title: hit.title,
                section: hit.section,
                text: hit.text,
                url: hit.url,
                confidence: hit.confidence,
            })
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use bellhop_knowledge::Article;

    use super::*;

    /// One dimension a word: enough to tell these texts apart.
    struct Words;

    impl Embed for Words {
        fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
            let count = |text: &str, word: &str| if text.contains(word) { 1.0 } else { 0.0 };
            Ok(texts
                .iter()
                .map(|text| {
                    let text = text.to_lowercase();
                    let raw = ["fee", "card", "secret"].map(|word| count(&text, word) + 0.01);
                    let norm = raw.iter().map(|x| x * x).sum::<f32>().sqrt();
                    raw.iter().map(|x| x / norm).collect()
                })
                .collect())
        }

        fn id(&self) -> String {
            "words".to_owned()
        }
    }

    fn knowledge(dir: &std::path::Path) -> Knowledge {
        let article = |id: &str, audience: Audience, text: &str| Article {
            id: id.to_owned(),
            title: id.to_owned(),
            audience,
            language: "en".to_owned(),
            owner: "team".to_owned(),
            review_by: jiff::civil::date(2030, 1, 1),
            questions: Vec::new(),
            url: None,
            body: text.to_owned(),
        };
        let articles = [
            article("fees", Audience::Public, "The monthly fee is five pounds."),
            article("cards", Audience::Public, "A new card comes in four days."),
            article("staff", Audience::Internal, "The secret fee override."),
        ];
        let index = Index::open_or_build(dir, &articles, &Words).expect("an index");
        Knowledge::new(index, Arc::new(Words))
    }

    #[test]
    fn a_question_finds_its_article_and_never_an_internal_one() {
        let dir = tempfile::tempdir().expect("folder");
        let knowledge = knowledge(dir.path());
        let found = knowledge
            .search("what is the secret fee override?", None, "en", None)
            .expect("search");
        assert_eq!(found.first().map(|p| p.article.as_str()), Some("fees"));
        assert!(found.iter().all(|passage| passage.article != "staff"));
        let named = knowledge
            .search("secret", None, "en", Some("staff"))
            .expect("search");
        assert_eq!(named, []);
    }

    #[test]
    fn an_article_that_is_named_is_found_with_an_embedding_that_says_nothing() {
        let dir = tempfile::tempdir().expect("folder");
        let found = knowledge(dir.path())
            .search("hm", Some(&[]), "en", Some("cards"))
            .expect("search");
        assert_eq!(found.first().map(|p| p.article.as_str()), Some("cards"));
    }
}
