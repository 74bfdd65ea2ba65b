//! Another flow in between: what happens to the one it covers, and how that one goes on.

use super::acts::Acts;
use super::bare::yes_no;
use super::effect::MessageButton;
use super::event::{Act, Input, Reading};
use super::state::Wait;
use super::topic::ARTICLE;
use super::turn::{Next, Said, Turn};
use crate::bundle::{OnInterrupt, Pattern};
use crate::value::{Type, Value};

impl Turn<'_> {
    /// Serves an intent or `article:ID` that the message is about with probability `p`.
    pub(super) fn serve(&mut self, topic: &str, p: f64, said: &Said) {
        self.understood();
        self.state.wait = Wait::Customer;
        self.state.pending.retain(|request| request.topic != topic);
        if let Some(article) = topic.strip_prefix(ARTICLE) {
            let front = self
                .state
                .flow()
                .and_then(|flow| self.bundle.flows.get(flow));
            let about = front.map_or(&[][..], |flow| &flow.about);
            // What the flow in front is about comes before what a few words sound like.
            if !about.is_empty()
                && !about.iter().any(|own| own == article)
                && super::follow::goes_on(&said.text)
            {
                self.note(
                    "reading",
                    format!("knowledge {article}"),
                    "rejected",
                    "the flow has its own",
                );
                self.search_message(None, true);
                return;
            }
            self.note("reading", format!("knowledge {article}"), "taken", "");
            self.search_message(Some((article, p)), true);
            return;
        }
        let Some(flow) = self.flow_of(topic).map(str::to_owned) else {
            self.note(
                "reading",
                format!("new_flow {topic}"),
                "rejected",
                "it starts no flow",
            );
            self.search_message(None, true);
            return;
        };
        self.note("reading", format!("new_flow {flow}"), "taken", "");
        if self.make_way(&flow) && !self.start_flow(&flow, said) {
            self.note("error", flow, "failed", "the flow could not start");
        }
        self.run();
    }

    /// Covers or drops the flow in front; false where the new one must not start.
    fn make_way(&mut self, flow: &str) -> bool {
        let Some(front) = self.state.flow().cloned() else {
            return true;
        };
        if self
            .state
            .frames
            .iter()
            .any(|f| f.flow == flow && !f.called)
        {
            self.back_to(flow);
            return false;
        }
        let how = self.bundle.flows.get(&front).map(|flow| flow.on_interrupt);
        match how.unwrap_or(OnInterrupt::Replace) {
            OnInterrupt::Refuse => {
                self.note("frame", flow, "dropped", format!("{front} lets nothing in"));
                let title = Value::Text(self.flow_title(&front));
                let other = Value::Text(self.flow_title(flow));
                self.say_pattern(Pattern::Refused, &[("title", title), ("other", other)]);
                false
            }
            OnInterrupt::Replace => {
                self.drop_front("replaced");
                true
            }
            OnInterrupt::Resume | OnInterrupt::Offer => {
                let now = self.now;
                if let Some(base) = self.base_mut() {
                    base.covered_at.get_or_insert(now);
                }
                self.note("frame", front, "covered", flow);
                true
            }
        }
    }

    /// The customer asks for a flow that is covered: it comes to the front.
    fn back_to(&mut self, flow: &str) {
        while self.state.flow().is_some_and(|front| front != flow) {
            self.drop_front("replaced");
        }
        if let Some(base) = self.base_mut()
            && base.covered_at.take().is_some()
        {
            self.note("frame", flow, "resumed", "asked for");
        }
    }

    /// The flow in front is over: the one below goes on, or is offered.
    pub(super) fn uncover(&mut self) -> Next {
        let Some(base) = self.base() else {
            return Next::Go;
        };
        let Some(covered_at) = base.covered_at else {
            return Next::Go;
        };
        let id = base.flow.clone();
        let flow = self.bundle.flows.get(&id);
        let age = self.now.as_second().saturating_sub(covered_at.as_second());
        let stale = flow.is_some_and(|flow| age > flow.stale_after_s);
        if stale || flow.is_some_and(|flow| flow.on_interrupt == OnInterrupt::Offer) {
            self.note("frame", id, "offered", format!("covered for {age} s"));
            self.offer_resume();
            return Next::Stop;
        }
        let title = Value::Text(self.flow_title(&id));
        self.say_pattern(Pattern::Resume, &[("title", title)]);
        self.resume();
        Next::Go
    }

    fn resume(&mut self) {
        let Some(base) = self.base_mut() else { return };
        base.covered_at = None;
        let flow = base.flow.clone();
        self.note("frame", flow, "resumed", "");
    }

    fn yes_no_buttons(&self) -> Vec<MessageButton> {
        let spanish = self.state.language == "es";
        let button = |title: &str, payload: &str| MessageButton {
            title: title.to_owned(),
            payload: payload.to_owned(),
        };
        vec![
            button(if spanish { "Sí" } else { "Yes" }, "yes"),
            button("No", "no"),
        ]
    }

    /// Offers to go on with the covered flow in front.
    pub(super) fn offer_resume(&mut self) {
        let front = self.state.flow().cloned().unwrap_or_default();
        let title = Value::Text(self.flow_title(&front));
        let buttons = self.yes_no_buttons();
        self.say_pattern_with(Pattern::OfferResume, &[("title", title)], buttons);
        self.state.wait = Wait::Resume;
        self.listen();
    }

    /// A yes or a no in a message, wholly or as its main part.
    pub(super) fn said_yes_no(&self, input: &Input, reading: Option<&Reading>) -> Option<bool> {
        if let Some(payload) = &input.payload {
            return yes_no(payload);
        }
        let acts = Acts::of(reading);
        if acts.only(&[Act::Deny, Act::Withdraw, Act::RequestNot, Act::Resolved]) {
            return Some(false);
        }
        match self.fit_type("", &Type::YesNo, input, reading)?.value {
            Value::Bool(yes) => Some(yes),
            _ => None,
        }
    }

    /// A message while going on with the covered flow is offered; true where it was read as an answer.
    pub(super) fn heard_resume(&mut self, input: &Input, reading: Option<&Reading>) -> bool {
        let strong = input.payload.is_none() && self.interrupting_topic(reading).is_some();
        // "Then block it please": a wish that is about nothing else goes on.
        let acts = Acts::of(reading);
        let wishes = acts.says_any(&[Act::Request, Act::Resume])
            && acts.only(&[Act::Request, Act::Resume, Act::Affirm, Act::Inform])
            && self
                .clear_topic(reading)
                .is_none_or(|(topic, _)| self.is_own(topic));
        let answer = self
            .said_yes_no(input, reading)
            .or_else(|| wishes.then_some(true))
            .filter(|_| !strong);
        match answer {
            Some(true) => {
                self.note("reading", "answer yes", "taken", "go on");
                self.state.wait = Wait::Customer;
                self.resume();
                self.understood();
                self.run();
                true
            }
            Some(false) => {
                self.note("reading", "answer no", "taken", "leave it");
                self.state.wait = Wait::Customer;
                self.drop_front("declined");
                self.understood();
                if self.state.frames.is_empty() {
                    self.say_pattern(Pattern::AnythingElse, &[]);
                    self.listen();
                } else if self.uncover() == Next::Go {
                    self.run();
                }
                true
            }
            None => false,
        }
    }
}
