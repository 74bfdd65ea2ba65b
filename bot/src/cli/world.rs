//! The real NLU and the real index, as conversation tests see them: with a clock that stands.

use std::sync::Arc;

use bellhop_flows::engine::event::{Passage, Reading};
use bellhop_flows::testing::{self, World};
use jiff::Timestamp;

use crate::load::Mind;
use crate::understand::{Request, Retrieve, Understand};

/// What a test's messages are read and searched with.
pub(super) struct RealWorld {
    reader: Box<dyn Understand>,
    retriever: Arc<dyn Retrieve>,
    now: Timestamp,
    /// What went wrong with the model or the index; a test with it counts as failed.
    pub(super) problems: Vec<String>,
}

impl RealWorld {
    /// Makes it of a loaded bot.
    pub(super) fn new(mind: &Mind) -> Self {
        Self {
            reader: mind.reader(),
            retriever: mind.retriever(),
            now: testing::start(),
            problems: Vec::new(),
        }
    }
}

impl World for RealWorld {
    fn read(&mut self, text: &str, language: &str, open: Option<&'static str>) -> Reading {
        let request = Request {
            text: text.to_owned(),
            language: language.to_owned(),
            now: self.now,
            open,
        };
        match self.reader.read(std::slice::from_ref(&request)).pop() {
            Some(Ok(understood)) => understood.reading,
            Some(Err(problem)) => {
                self.problems.push(problem);
                Reading::default()
            }
            None => Reading::default(),
        }
    }

    fn search(&mut self, query: &str, language: &str, article: Option<&str>) -> Vec<Passage> {
        self.retriever
            .search(query, None, language, article)
            .unwrap_or_else(|problem| {
                self.problems.push(problem);
                Vec::new()
            })
    }
}
