//! What the bot says: responses and patterns, in the customer's language, for eye and ear, and what it
//! listens for afterwards.

use std::collections::BTreeMap;

use super::effect::{Effect, Listen, Message, MessageButton, Source};
use super::frame::{Place, place};
use super::state::{LastEnd, Wait};
use super::turn::Turn;
use crate::bundle::{Button, EntityKind, Pattern, StepKind, Variant};
use crate::expr::Expr;
use crate::template::{Rendering, Template};
use crate::value::{Type, Value};

/// Words for a recogniser, at most.
const HINTS: usize = 50;
/// Choices that a digit can stand for.
const DIGITS: usize = 9;

/// Name of a pattern as flows, tests and traces write it.
pub(super) fn pattern_name(pattern: Pattern) -> String {
    serde_json::to_value(pattern)
        .ok()
        .and_then(|name| name.as_str().map(str::to_owned))
        .unwrap_or_default()
}

impl Turn<'_> {
    /// Says a response.
    pub(super) fn say(&mut self, response: &str) {
        self.say_as(response, response, BTreeMap::new(), Vec::new());
    }

    /// Says a response, with buttons for choices where it has none of its own.
    pub(super) fn say_with(&mut self, response: &str, buttons: Vec<MessageButton>) {
        self.say_as(response, response, BTreeMap::new(), buttons);
    }

    /// Says a pattern.
    pub(super) fn say_pattern(&mut self, pattern: Pattern, names: &[(&str, Value)]) {
        self.say_pattern_with(pattern, names, Vec::new());
    }

    /// Says a pattern with buttons.
    pub(super) fn say_pattern_with(
        &mut self,
        pattern: Pattern,
        names: &[(&str, Value)],
        buttons: Vec<MessageButton>,
    ) {
        let name = pattern_name(pattern);
        let Some(response) = self.bundle.patterns.get(&pattern) else {
            self.note(
                "error",
                name,
                "failed",
                "the bot has no words for this pattern",
            );
            return;
        };
        let names = names
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone()))
            .collect();
        self.say_as(response, &name, names, buttons);
    }

    /// The text of a pattern that is part of another message, such as a button's title.
    pub(super) fn pattern_text(&mut self, pattern: Pattern) -> String {
        let name = pattern_name(pattern);
        let response = self.bundle.patterns.get(&pattern);
        let message = response.and_then(|id| self.render(id, &name, &BTreeMap::new()));
        message.map_or(name, |message| message.text)
    }

    /// Says the pattern `answer` with the source of the passage.
    pub(super) fn say_answer(&mut self, text: &str, source: Source) {
        let before = self.effects.len();
        self.say_pattern(
            Pattern::Answer,
            &[
                ("answer", Value::Text(text.to_owned())),
                ("source", Value::Text(source.title.clone())),
            ],
        );
        if let Some(Effect::Say(message)) = self.effects.get_mut(before) {
            message.source = Some(source.clone());
        }
        if let Some(last) = self.state.last_said.last_mut() {
            last.source = Some(source);
        }
    }

    fn say_as(
        &mut self,
        response: &str,
        name: &str,
        extra: BTreeMap<String, Value>,
        buttons: Vec<MessageButton>,
    ) {
        let Some(mut message) = self.render(response, name, &extra) else {
            self.note("error", response, "failed", "nothing of it can be said");
            return;
        };
        if message.buttons.is_empty() {
            message.buttons = buttons;
        }
        if let Some(flow) = self.acted.take() {
            self.state.last_end = Some(LastEnd {
                flow,
                acted: true,
                said: message.text.clone(),
                turn: self.state.turn,
            });
        }
        self.state.last_said.push(message.clone());
        self.effects.push(Effect::Say(message));
    }

    pub(super) fn render(
        &mut self,
        response: &str,
        name: &str,
        extra: &BTreeMap<String, Value>,
    ) -> Option<Message> {
        let bundle = self.bundle;
        let found = bundle.responses.get(response)?;
        let default = bundle.languages.first().map_or("en", String::as_str);
        let own = self.state.language.clone();
        for language in [own.as_str(), default] {
            for variant in found.variants.get(language).into_iter().flatten() {
                if !self.fits(variant, response, extra) {
                    continue;
                }
                match self.compose(variant, name, language, extra) {
                    Ok(message) => return Some(message),
                    Err(why) => self.note("error", response, "failed", why),
                }
            }
        }
        None
    }

    /// Slots that stand by themselves in a hole of what a response would say now.
    pub(super) fn shown_holes(&mut self, response: &str) -> Vec<String> {
        let bundle = self.bundle;
        let Some(found) = bundle.responses.get(response) else {
            return Vec::new();
        };
        let default = bundle.languages.first().map_or("en", String::as_str);
        let own = self.state.language.clone();
        for language in [own.as_str(), default] {
            for variant in found.variants.get(language).into_iter().flatten() {
                if self.fits(variant, response, &BTreeMap::new()) {
                    let bare = |hole: &Expr| {
                        let text = hole.text().trim();
                        text.chars()
                            .all(|c| c.is_alphanumeric() || c == '_' || c == '.')
                    };
                    let holes = variant.text.exprs().filter(|hole| bare(hole));
                    let holes = holes.flat_map(Expr::reads);
                    return holes
                        .filter(|name| bundle.slots.contains_key(name))
                        .collect();
                }
            }
        }
        Vec::new()
    }

    fn fits(&mut self, variant: &Variant, response: &str, extra: &BTreeMap<String, Value>) -> bool {
        let Some(test) = &variant.when else {
            return true;
        };
        let result = test.eval(&self.names(extra.clone()));
        result.map_or_else(
            |error| {
                self.note("error", response, "failed", error.message);
                false
            },
            |value| value.truthy(),
        )
    }

    fn compose(
        &self,
        variant: &Variant,
        name: &str,
        language: &str,
        extra: &BTreeMap<String, Value>,
    ) -> Result<Message, String> {
        let names = self.names(extra.clone());
        let write = |template: &Template, spoken: bool| {
            template
                .render(&names, Rendering { language, spoken })
                .map_err(|error| error.message)
        };
        let text = write(&variant.text, false)?;
        let voice = write(variant.voice.as_ref().unwrap_or(&variant.text), true)?;
        let mut buttons = Vec::new();
        for button in &variant.buttons {
            let title = write(&button.title, false)?;
            buttons.push(MessageButton {
                title: self.button_title(button, title, language),
                payload: button.payload.clone(),
            });
        }
        let mut links = Vec::new();
        for (title, url) in &variant.links {
            links.push((write(title, false)?, write(url, false)?));
        }
        Ok(Message {
            name: name.to_owned(),
            voice: (voice != text).then_some(voice),
            text,
            language: language.to_owned(),
            buttons,
            links,
            source: None,
        })
    }

    /// A button written as its bare payload gets a title that a customer can read.
    fn button_title(&self, button: &Button, title: String, language: &str) -> String {
        if title != button.payload {
            return title;
        }
        match (title.as_str(), language) {
            ("yes", "es") => "Sí".to_owned(),
            ("no", "es") => "No".to_owned(),
            ("yes", _) => "Yes".to_owned(),
            ("no", _) => "No".to_owned(),
            ("/human", "es") => "Hablar con una persona".to_owned(),
            ("/human", _) => "Talk to a person".to_owned(),
            _ => self.payload_title(&title).unwrap_or(title),
        }
    }

    fn payload_title(&self, payload: &str) -> Option<String> {
        if let Some(id) = payload.strip_prefix('/') {
            let intent = self.bundle.intents.get(id)?;
            return Some(self.title(&intent.title, id));
        }
        let mut letters = payload.chars();
        let first = letters.next()?;
        let rest: String = letters.as_str().replace('_', " ");
        Some(format!("{}{rest}", first.to_uppercase()))
    }

    /// Waits for the customer.
    pub(super) fn listen(&mut self) {
        self.state.steps_run = 0;
        let listen = self.listening();
        self.effects.push(Effect::Listen(listen));
    }

    /// What the bot listens for as the conversation stands.
    pub(super) fn listening(&self) -> Listen {
        match &self.state.wait {
            Wait::Rating { .. } => Listen {
                expects: Some("number".to_owned()),
                keys: (1..=5).map(|n| (n.to_string(), n.to_string())).collect(),
                ..Listen::default()
            },
            Wait::Choice { options, .. } => Listen {
                keys: keys(options.iter().map(|option| format!("/{option}"))),
                hints: options
                    .iter()
                    .map(|option| self.option_title(option))
                    .collect(),
                ..Listen::default()
            },
            Wait::Resume | Wait::Person | Wait::Undo(_) => self.listen_yes_no(),
            Wait::Change => Listen {
                keys: keys(
                    self.state
                        .last_said
                        .iter()
                        .flat_map(|message| &message.buttons)
                        .map(|button| button.payload.clone()),
                ),
                ..Listen::default()
            },
            Wait::Customer | Wait::Action { .. } | Wait::Search { .. } | Wait::Undoing { .. } => {
                self.listen_step()
            }
        }
    }

    fn listen_step(&self) -> Listen {
        let Some(top) = self.top() else {
            return Listen::default();
        };
        let Some(flow) = self.bundle.flows.get(&top.flow) else {
            return Listen::default();
        };
        let Place::Step(step) = place(flow, &top.at) else {
            return Listen::default();
        };
        match &step.kind {
            StepKind::Ask(ask) => self.listen_slot(&ask.slot),
            StepKind::Confirm(_) => self.listen_yes_no(),
            StepKind::Offer(offer) => Listen {
                keys: keys(offer.choices.iter().map(|choice| choice.value.clone())),
                hints: offer
                    .choices
                    .iter()
                    .map(|choice| self.title(&choice.title, &choice.value))
                    .collect(),
                ..Listen::default()
            },
            _ => Listen::default(),
        }
    }

    fn listen_yes_no(&self) -> Listen {
        let words: &[&str] = if self.state.language == "es" {
            &["sí", "no"]
        } else {
            &["yes", "no"]
        };
        Listen {
            slot: None,
            expects: Some("yes_no".to_owned()),
            keys: keys(["yes".to_owned(), "no".to_owned()].into_iter()),
            hints: words.iter().map(|word| (*word).to_owned()).collect(),
        }
    }

    fn listen_slot(&self, id: &str) -> Listen {
        let Some(slot) = self.bundle.slots.get(id) else {
            return Listen::default();
        };
        let mut listen = match &slot.ty {
            Type::YesNo | Type::Bool => self.listen_yes_no(),
            Type::Entity(entity) => self.listen_entity(entity),
            _ => Listen::default(),
        };
        listen.slot = Some(id.to_owned());
        listen.expects = Some(slot.ty.name());
        listen
    }

    fn listen_entity(&self, id: &str) -> Listen {
        let Some(EntityKind::List(values)) = self.bundle.entities.get(id).map(|e| &e.kind) else {
            return Listen::default();
        };
        let said = self.state.last_said.last();
        let buttons = said.map_or(&[][..], |message| &message.buttons);
        let shown = buttons.iter().map(|button| button.payload.clone());
        Listen {
            keys: keys(shown.filter(|payload| values.contains_key(payload))),
            hints: values
                .values()
                .filter_map(|languages| languages.get(&self.state.language))
                .flatten()
                .take(HINTS)
                .cloned()
                .collect(),
            ..Listen::default()
        }
    }

    /// What a choice between readings calls an intent or `article:ID`.
    pub(super) fn option_title(&self, option: &str) -> String {
        if let Some(article) = option.strip_prefix("article:") {
            let title = self.bundle.articles.get(article);
            return title.cloned().unwrap_or_else(|| article.to_owned());
        }
        match self.bundle.intents.get(option) {
            Some(intent) => self.title(&intent.title, option),
            None => option.to_owned(),
        }
    }
}

/// Digits for payloads in order.
fn keys(payloads: impl Iterator<Item = String>) -> BTreeMap<String, String> {
    payloads
        .take(DIGITS)
        .enumerate()
        .map(|(at, payload)| ((at + 1).to_string(), payload))
        .collect()
}
