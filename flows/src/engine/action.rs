//! Calls to systems of record: what is sent, and what the answer means for the flow.

use std::collections::{BTreeMap, BTreeSet};

use rust_decimal::Decimal;
use serde_json::Value as Json;

use super::effect::{ActionCall, Effect};
use super::event::Outcome;
use super::frame::{Branch, Did};
use super::handoff::Request;
use super::state::Wait;
use super::turn::{Next, Turn};
use crate::bundle::{Action, ActionEffect, Flow, JsonTemplate, Pattern, Step, StepKind};
use crate::template::{Escape, Template};
use crate::value::{Type, Value};

/// Why an action has no usable answer.
pub(super) struct Failure {
    /// `timeout`, `status`, `shape` or `needs_human`.
    pub(super) kind: &'static str,
    status: Option<u16>,
    body: Option<Json>,
    detail: String,
}

impl Failure {
    fn new(kind: &'static str, detail: impl Into<String>) -> Self {
        Self {
            kind,
            status: None,
            body: None,
            detail: detail.into(),
        }
    }
}

impl<'a> Turn<'a> {
    /// Sends the action of a `do` step.
    pub(super) fn act(&mut self, flow: &'a Flow, step: &'a Step, id: &str) -> Next {
        let bundle = self.bundle;
        let Some(action) = bundle.actions.get(id) else {
            self.broken("the action is not in this version of the bot");
            return Next::Stop;
        };
        let key = self.visit_key(step);
        match self.compose_call(id, action, key.clone()) {
            Ok(call) => {
                self.note("action", id, "called", key.clone());
                self.effects.push(Effect::Call(call));
                self.state.wait = Wait::Action { key };
                Next::Stop
            }
            Err(why) => self.failed(flow, step, id, &Failure::new("shape", why)),
        }
    }

    /// The idempotency key of a step's next visit, the conversation left out.
    pub(super) fn visit_key(&mut self, step: &Step) -> String {
        let Some(top) = self.top_mut() else {
            return String::new();
        };
        let visit = top.visits.entry(step.id.clone()).or_default();
        *visit += 1;
        format!("{}/{}:{}/{visit}", top.id, top.flow, step.id)
    }

    pub(super) fn compose_call(
        &self,
        id: &str,
        action: &Action,
        key: String,
    ) -> Result<ActionCall, String> {
        let names = self.names(BTreeMap::new());
        let write = |template: &Template, escape: Escape| {
            template
                .render_data(&names, escape)
                .map_err(|error| error.message)
        };
        let mut headers = BTreeMap::new();
        for (name, template) in &action.headers {
            headers.insert(name.clone(), write(template, Escape::None)?);
        }
        let body = action.body.as_ref().map(|body| self.json(body));
        Ok(ActionCall {
            key,
            action: id.to_owned(),
            url: write(&action.url, Escape::Url)?,
            headers,
            body: body.transpose()?,
            effect: action.effect,
        })
    }

    fn json(&self, template: &JsonTemplate) -> Result<Json, String> {
        let names = self.names(BTreeMap::new());
        match template {
            JsonTemplate::Plain(value) => Ok(value.clone()),
            JsonTemplate::Text(text) => match text.single() {
                Some(expr) => expr
                    .eval(&names)
                    .map(|value| value.to_json())
                    .map_err(|error| error.message),
                None => text
                    .render_data(&names, Escape::None)
                    .map(Json::String)
                    .map_err(|error| error.message),
            },
            JsonTemplate::List(items) => items.iter().map(|item| self.json(item)).collect(),
            JsonTemplate::Object(fields) => fields
                .iter()
                .map(|(name, field)| Ok((name.clone(), self.json(field)?)))
                .collect::<Result<serde_json::Map<_, _>, String>>()
                .map(Json::Object),
        }
    }

    /// An action is done.
    pub(super) fn action_done(&mut self, key: &str, outcome: &Outcome) {
        if let Wait::Undoing { key: waited, undo } = &self.state.wait
            && waited == key
        {
            let undo = undo.clone();
            self.undone(&undo, outcome);
            return;
        }
        let waited = matches!(&self.state.wait, Wait::Action { key: waited } if waited == key);
        let bundle = self.bundle;
        let top = self.top();
        let flow = top.and_then(|frame| bundle.flows.get(&frame.flow));
        let step =
            top.zip(flow)
                .and_then(|(frame, flow)| match super::frame::place(flow, &frame.at) {
                    super::frame::Place::Step(step) => Some(step),
                    _ => None,
                });
        let (true, Some(flow), Some(step)) = (waited, flow, step) else {
            self.note("error", key, "ignored", "nothing waits for this action");
            return;
        };
        let StepKind::Do {
            action: id, into, ..
        } = &step.kind
        else {
            self.note("error", key, "ignored", "the step is no action");
            return;
        };
        self.state.wait = Wait::Customer;
        let Some(action) = bundle.actions.get(id) else {
            self.broken("the action is not in this version of the bot");
            return;
        };
        match answer(action, outcome) {
            Ok(result) => {
                self.note("action", id, "ok", "");
                self.attempt("tool", id, "ok");
                self.succeeded(step, id, action, into.as_deref(), result);
                self.advance(flow);
                self.run();
            }
            Err(failure) => {
                if self.failed(flow, step, id, &failure) == Next::Go {
                    self.run();
                }
            }
        }
    }

    fn succeeded(
        &mut self,
        step: &Step,
        id: &str,
        action: &Action,
        into: Option<&str>,
        result: Value,
    ) {
        let reads = self.action_reads(action);
        let mut writes = BTreeSet::new();
        if let Some(local) = into {
            writes.insert(self.read_name(local));
            if let Some(top) = self.top_mut() {
                top.locals.insert(local.to_owned(), result.clone());
            }
        }
        self.redone(step, id, &writes);
        if action.effect != ActionEffect::None {
            self.acted = self.state.flow().cloned();
        }
        let did = Did::Acted {
            action: id.to_owned(),
            once: !action.repeatable,
            result,
        };
        self.ran(step, reads, writes, did);
    }

    /// Slots and locals that an action's templates read.
    pub(super) fn action_reads(&self, action: &Action) -> BTreeSet<String> {
        let mut reads: BTreeSet<String> = action.reads.iter().cloned().collect();
        let mut names = action.url.reads();
        for header in action.headers.values() {
            names.extend(header.reads());
        }
        if let Some(body) = &action.body {
            body_reads(body, &mut names);
        }
        reads.extend(names.iter().map(|name| self.read_name(name)));
        reads
    }

    fn failed(&mut self, flow: &'a Flow, step: &'a Step, id: &str, failure: &Failure) -> Next {
        self.note("action", id, failure.kind, failure.detail.clone());
        self.attempt("tool", id, failure.kind);
        self.state.counters.tool_failures += 1;
        let status = failure
            .status
            .map_or(Value::Null, |status| Value::Number(Decimal::from(status)));
        let body = failure
            .body
            .as_ref()
            .and_then(|body| Value::from_json(body, &Type::Any))
            .unwrap_or_default();
        let error = Value::Record(BTreeMap::from([
            ("kind".to_owned(), Value::Text(failure.kind.to_owned())),
            ("status".to_owned(), status),
            ("body".to_owned(), body),
        ]));
        if let Some(top) = self.top_mut() {
            top.locals.insert("error".to_owned(), error);
        }
        let handled = matches!(&step.kind, StepKind::Do { on_error, .. } if !on_error.is_empty());
        if handled {
            self.enter(flow, Branch::OnError);
            return Next::Go;
        }
        let human = failure.kind == "needs_human";
        if !human {
            self.say_pattern(Pattern::Error, &[]);
        }
        self.hand_off_step(Request {
            reason: if human { "policy" } else { "tool_failure" }.to_owned(),
            trigger: format!("{}:{}", self.top().map_or("", |f| &f.flow), step.id),
            detail: format!("the action {id} failed: {}", failure.kind),
            quiet: !human,
            ..Request::default()
        })
    }
}

fn body_reads(body: &JsonTemplate, names: &mut Vec<String>) {
    match body {
        JsonTemplate::Plain(_) => {}
        JsonTemplate::Text(text) => names.extend(text.reads()),
        JsonTemplate::List(items) => items.iter().for_each(|item| body_reads(item, names)),
        JsonTemplate::Object(fields) => fields.values().for_each(|f| body_reads(f, names)),
    }
}

fn needs_human(body: &Json) -> bool {
    body.get("error").and_then(Json::as_str) == Some("needs_human")
}

/// The answer as the declared record, or why it is none.
pub(super) fn answer(action: &Action, outcome: &Outcome) -> Result<Value, Failure> {
    match outcome {
        Outcome::TimedOut => Err(Failure::new("timeout", "no answer in time")),
        Outcome::Failed { detail } => Err(Failure::new("status", detail.clone())),
        Outcome::Status { status, body } => {
            let human = body.as_ref().is_some_and(needs_human);
            Err(Failure {
                kind: if human { "needs_human" } else { "status" },
                status: Some(*status),
                body: body.clone(),
                detail: format!("status {status}"),
            })
        }
        Outcome::Answered { body } if needs_human(body) => {
            Err(Failure::new("needs_human", "the answer asks for a person"))
        }
        Outcome::Answered { body } => shape(&action.returns, body),
    }
}

fn shape(returns: &BTreeMap<String, Type>, body: &Json) -> Result<Value, Failure> {
    let mut fields = BTreeMap::new();
    for (name, ty) in returns {
        let Some(found) = body.get(name) else {
            return Err(Failure::new("shape", format!("the answer has no `{name}`")));
        };
        let value = if found.is_null() {
            Value::Null
        } else {
            Value::from_json(found, ty)
                .ok_or_else(|| Failure::new("shape", format!("`{name}` is no {}", ty.name())))?
        };
        fields.insert(name.clone(), value);
    }
    Ok(Value::Record(fields))
}
