//! How a conversation begins, at its start or, for tests, in mid-flow.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Step;
use super::frame::find;
use super::state::{Owner, State};
use super::turn::{Said, Turn};
use crate::bundle::{Bundle, Pattern};
use crate::value::Value;

/// Begins a flow at a step, as tests do that start in mid-flow. The time is that of the last event.
/// A flow or a step that does not exist is an `error` entry in the trace and changes nothing.
pub fn begin_at(
    bundle: &Bundle,
    state: &mut State,
    flow: &str,
    step: Option<&str>,
    locals: BTreeMap<String, Value>,
) -> Step {
    let now = state.now.unwrap_or(Timestamp::UNIX_EPOCH);
    let mut turn = Turn::new(bundle, state, now);
    turn.begin(flow, step, locals);
    turn.finish()
}

impl Turn<'_> {
    fn begin(&mut self, flow: &str, step: Option<&str>, locals: BTreeMap<String, Value>) {
        let Some(found) = self.bundle.flows.get(flow) else {
            self.note("error", flow, "ignored", "there is no such flow");
            return;
        };
        let at = match step.map(|id| find(found, id)) {
            None => None,
            Some(Some(at)) => Some(at),
            Some(None) => {
                self.note("error", flow, "ignored", "the flow has no such step");
                return;
            }
        };
        self.default_language();
        self.state.owner = Owner::Bot;
        if !self.start_flow(flow, &Said::default()) {
            self.note("error", flow, "ignored", "the flow could not start");
            return;
        }
        if let Some(top) = self.top_mut() {
            top.locals.extend(locals);
            if let Some(at) = at {
                top.at = at;
            }
        }
        self.run();
    }

    fn default_language(&mut self) {
        if self.state.language.is_empty() {
            let first = self.bundle.languages.first();
            self.state.language = first.cloned().unwrap_or_else(|| "en".to_owned());
        }
    }

    /// The conversation begins; a second time is a reconnect, which says nothing.
    pub(super) fn opened(
        &mut self,
        channel: &str,
        language: Option<&str>,
        customer: &BTreeMap<String, String>,
    ) {
        self.state.customer.extend(customer.clone());
        if self.state.opened {
            self.note(
                "reading",
                "opened",
                "ignored",
                "the conversation is open already",
            );
            return;
        }
        self.state.opened = true;
        channel.clone_into(&mut self.state.channel);
        let known = language.filter(|l| self.bundle.languages.iter().any(|own| own == l));
        if let Some(language) = known {
            language.clone_into(&mut self.state.language);
        }
        self.default_language();
        let bot = Value::Text(self.bundle.name.clone());
        self.say_pattern(Pattern::Greeting, &[("bot", bot)]);
        self.listen();
    }
}
