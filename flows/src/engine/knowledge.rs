//! Answers from the knowledge base: `search` steps and questions that no flow serves.

use std::collections::{BTreeMap, BTreeSet};

use super::acts::Acts;
use super::effect::{Effect, MessageButton, Source};
use super::event::{Act, Input, Passage, Reading};
use super::frame::{Branch, Did, Place, place};
use super::ladder::Missed;
use super::reading::SEARCHED;
use super::state::{Owner, Told, Wait};
use super::talk::pattern_name;
use super::turn::{Next, Turn};
use crate::bundle::{Pattern, Step, StepKind};
use crate::compile::walk;
use crate::expr::Expr;
use crate::template::Rendering;

/// Confidence from which an article that the flow in front is about answers a question in its middle.
const ABOUT: f64 = 0.2;
/// The same where another article would be told: the question is surely one, and it was asked there.
const ABOUT_FIRST: f64 = 0.12;
/// Confidence from which another one does all the same.
const SURE_ELSEWHERE: f64 = 0.9;
/// How much less sure a passage may be that answers a question which goes on from another.
const GOES_ON: f64 = 0.2;

/// Ends of a message that ask nothing, folded.
const TAGS: [&str; 22] = [
    "then",
    "is it",
    "is that it",
    "is that ok",
    "is that okay",
    "is that right",
    "is that fine",
    "will that do",
    "would that do",
    "does that work",
    "ok",
    "right",
    "yeah",
    "no",
    "vale",
    "verdad",
    "entonces",
    "esta bien",
    "le sirve",
    "te sirve",
    "le vale",
    "te vale",
];
/// What is to be told, in lower case.
const WISH_TO_KNOW: [&str; 14] = [
    "tell me",
    "know",
    "told",
    "depends on",
    "dime",
    "digas",
    "diga",
    "dígame",
    "decirme",
    "sepa",
    "saber",
    "depende de",
    "what's",
    "cuánto",
];

impl Turn<'_> {
    /// Looks for what a `search` step asks for.
    pub(super) fn search_step(&mut self, step: &Step, query: Option<&Expr>) -> Next {
        let language = self.state.language.clone();
        let how = Rendering {
            language: &language,
            spoken: false,
        };
        let text = match query {
            Some(expr) => self.eval(expr, &step.id).say(how),
            None => self.state.last_text.clone(),
        };
        let key = self.visit_key(step);
        self.state.wait = Wait::Search {
            key: key.clone(),
            step: true,
            question: true,
            sure: 0.0,
            then: None,
        };
        self.effects.push(Effect::Search {
            key,
            query: text,
            language,
            article: None,
        });
        Next::Stop
    }

    /// Looks for the answer to a message, in an article where the reading names one that surely.
    pub(super) fn search_message(&mut self, article: Option<(&str, f64)>, question: bool) {
        let text = self.state.last_text.clone();
        let front = self.state.flow().filter(|_| super::follow::goes_on(&text));
        // "Is there a fee for that?" in the middle of something is about it.
        let about = front.map(|flow| self.flow_title(flow));
        let before = self.goes_on_from(&text).or(about);
        let before = before.filter(|_| article.is_none() && question);
        let query = before.map(|before| format!("{before} {text}"));
        let then = query.is_some().then(|| text.clone());
        self.look_up(query.unwrap_or(text), then, article, question);
    }

    fn look_up(
        &mut self,
        query: String,
        then: Option<String>,
        article: Option<(&str, f64)>,
        question: bool,
    ) {
        self.state.search_serial += 1;
        let key = format!("search/{}", self.state.search_serial);
        self.state.wait = Wait::Search {
            key: key.clone(),
            step: false,
            question,
            sure: article.map_or(0.0, |(_, p)| p),
            then,
        };
        self.effects.push(Effect::Search {
            key,
            query,
            language: self.state.language.clone(),
            article: article.map(|(id, _)| id.to_owned()),
        });
    }

    /// A search is done.
    pub(super) fn found(&mut self, key: &str, passages: &[Passage]) {
        let (step, question, sure, then) = match &self.state.wait {
            Wait::Search {
                key: waited,
                step,
                question,
                sure,
                then,
            } if waited == key => (*step, *question, *sure, then.clone()),
            _ => {
                self.note("error", key, "ignored", "nothing waits for this search");
                return;
            }
        };
        self.state.wait = Wait::Customer;
        let bar = self.bundle.understanding.answer;
        let told = self.state.told.as_ref().map(|told| told.passage.clone());
        let again = |passage: &Passage| told.as_ref().is_some_and(|told| told.text == passage.text);
        // What the flow in front is about is asked about there.
        let front = self
            .state
            .flow()
            .and_then(|flow| self.bundle.flows.get(flow));
        let about = front.filter(|_| !step).map_or(&[][..], |flow| &flow.about);
        let told_anyway = passages
            .first()
            .is_some_and(|first| first.confidence.max(sure) >= bar);
        // A question of a few words is about what goes on.
        let generic = super::follow::goes_on(&self.state.last_text);
        let least = if told_anyway || generic {
            ABOUT_FIRST
        } else {
            ABOUT
        };
        let near = passages
            .iter()
            .find(|passage| about.contains(&passage.article) && passage.confidence >= least);
        let sure_elsewhere = !generic
            && passages
                .first()
                .is_some_and(|first| first.confidence.max(sure) >= SURE_ELSEWHERE);
        if let Some(passage) = near.filter(|_| !sure_elsewhere) {
            let what = format!("knowledge {}", passage.article);
            let why = format!("{:.3}, of what the flow is about", passage.confidence);
            self.note("reading", what, "taken", why);
            self.answer(passage, step);
            return;
        }
        if let Some(then) = then {
            // What goes on from an answer wants another one, and is asked in fewer words.
            let next = passages.iter().find(|passage| !again(passage));
            let next = next.filter(|passage| passage.confidence >= bar - GOES_ON);
            match next {
                Some(passage) => self.answer(passage, step),
                None => self.look_up(then, None, None, question),
            }
            return;
        }
        // An article that the reading names is as good an answer as the reading is sure of it.
        let best = passages
            .first()
            .filter(|passage| passage.confidence.max(sure) >= bar);
        if let Some(passage) = passages.first() {
            let verdict = if best.is_some() { "taken" } else { "rejected" };
            let why = format!(
                "confidence {:.3}, named with {sure:.3}, needed {bar:.3}",
                passage.confidence
            );
            let what = format!("knowledge {}", passage.article);
            self.note("reading", what, verdict, why);
        }
        match best {
            Some(passage) => self.answer(passage, step),
            None if step => self.nothing_for_step(),
            None => self.nothing_for_message(question),
        }
    }

    pub(super) fn answer(&mut self, passage: &Passage, step: bool) {
        self.attempt("answer", &passage.article, "told");
        self.state.told = Some(Told {
            question: self.question_now(),
            passage: Passage {
                confidence: 1.0,
                ..passage.clone()
            },
            turn: self.state.turn,
        });
        self.say_answer(
            &passage.text,
            Source {
                article: passage.article.clone(),
                title: passage.title.clone(),
                section: passage.section.clone(),
                url: passage.url.clone(),
            },
        );
        self.understood();
        if self.state.owner == Owner::Queue {
            self.listen();
            return;
        }
        if step {
            self.past_search();
        }
        self.run();
    }

    fn past_search(&mut self) {
        let Some(flow) = self.top_flow() else { return };
        let at = self.top().map(|frame| frame.at.clone()).unwrap_or_default();
        if let Place::Step(step) = place(flow, &at) {
            self.ran(step, BTreeSet::new(), BTreeSet::new(), Did::Said);
        }
        self.advance(flow);
    }

    fn nothing_for_step(&mut self) {
        let Some(flow) = self.top_flow() else {
            self.run();
            return;
        };
        let at = self.top().map(|frame| frame.at.clone()).unwrap_or_default();
        let handled = matches!(
            place(flow, &at),
            Place::Step(Step { kind: StepKind::Search { on_none, .. }, .. }) if !on_none.is_empty()
        );
        if handled {
            self.enter(flow, Branch::OnNone);
        } else {
            self.say_pattern_with(Pattern::NoAnswer, &[], self.person_button());
            self.past_search();
        }
        self.run();
    }

    fn nothing_for_message(&mut self, question: bool) {
        if !question {
            self.missed(Missed::NoMatch);
            return;
        }
        if self.state.owner == Owner::Queue {
            self.unknown_in_queue();
            return;
        }
        // A question about the question: its hints explain it best.
        let here = self.here().and_then(|(_, step)| walk::ladder(&step.kind));
        let about = super::exact::asks_about_the_question(&self.state.last_text);
        if about && here.is_some_and(|ladder| !ladder.no_match.is_empty()) {
            self.attempt("answer", "none", "nothing good enough");
            self.missed(Missed::Unanswered);
            return;
        }
        self.attempt("answer", "none", "nothing good enough");
        if self.offer_lead() || self.count_miss() {
            return;
        }
        self.say_pattern_with(Pattern::NoAnswer, &[], self.person_button());
        if self.state.frames.is_empty() {
            self.state.wait = Wait::Person;
            self.note(
                "offer",
                "/human",
                "offered",
                pattern_name(Pattern::NoAnswer),
            );
            self.listen();
        } else {
            self.run();
        }
    }

    /// A button that gets a person.
    pub(super) fn person_button(&self) -> Vec<MessageButton> {
        let titles = BTreeMap::from([
            ("en".to_owned(), "Talk to a person".to_owned()),
            ("es".to_owned(), "Hablar con una persona".to_owned()),
        ]);
        vec![MessageButton {
            title: self.title(&titles, "/human"),
            payload: "/human".to_owned(),
        }]
    }

    /// "Sure, after you tell me the fee": what is to be told first is looked up. True where there was something.
    pub(super) fn heard_wish_to_know(&mut self, text: &str) -> bool {
        let lower = text.to_lowercase();
        let at = WISH_TO_KNOW.iter().filter_map(|words| {
            let at = lower.find(words)?;
            lower.get(at + words.len()..)
        });
        let Some(rest) = at.min_by_key(|rest| rest.len()) else {
            return false;
        };
        let rest = rest.trim_matches(|c: char| !c.is_alphanumeric());
        if rest.chars().filter(|c| c.is_alphabetic()).count() < SEARCHED {
            return false;
        }
        let title = self.state.flow().map(|flow| self.flow_title(flow));
        self.note("reading", "question", "taken", "it is to be told first");
        self.state.last_text = format!("{rest} {}", title.unwrap_or_default());
        self.search_message(None, true);
        true
    }

    /// A question in the middle of a flow: told why it is asked, or answered from the articles; then the open question is
    /// asked again.
    pub(super) fn heard_question(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let acts = Acts::of(reading);
        if !self.state.frames.is_empty()
            && acts.says(Act::Limit)
            && self.heard_wish_to_know(&input.text)
        {
            return true;
        }
        // "4417, is it?" asks nothing of its own.
        let tag = |clause: &&super::event::Clause| {
            input
                .text
                .get(clause.start..clause.end)
                .is_some_and(|text| TAGS.contains(&super::exact::fold(text).as_str()))
        };
        let question = acts.clause(Act::Ask).filter(|clause| !tag(clause));
        let Some(question) = question.filter(|_| !self.state.frames.is_empty()) else {
            return false;
        };
        let why = self.here().and_then(|(_, step)| walk::ladder(&step.kind));
        if why.is_some_and(|ladder| self.heard_why(ladder, input)) {
            return true;
        }
        self.note("reading", "question", "taken", "");
        if let Some(text) = input.text.get(question.start..question.end) {
            text.trim().clone_into(&mut self.state.last_text);
        }
        self.search_message(None, true);
        true
    }
}
