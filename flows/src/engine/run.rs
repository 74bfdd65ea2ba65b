//! Runs a flow's steps until something has to be waited for.

use std::collections::BTreeSet;

use super::correct::Passed;
use super::effect::{Effect, MessageButton};
use super::frame::{Branch, Did, Frame, Place, Ran, advance, enter, first, place};
use super::handoff::Request;
use super::state::{Owner, Wait};
use super::turn::{Next, Turn};
use crate::bundle::{Ask, Confirm, Flow, Offer, Pattern, Step, StepKind};
use crate::expr::Expr;
use crate::value::Value;

impl<'a> Turn<'a> {
    /// Runs to the next wait.
    pub(super) fn run(&mut self) {
        self.just_said = false;
        while self.state.owner == Owner::Bot {
            let Some(flow) = self.top_flow() else {
                if self.state.frames.is_empty() {
                    if self.next_request() {
                        return;
                    }
                    // A flow that ends without a word would leave the customer wondering.
                    if self.state.last_said.is_empty() {
                        self.say_pattern(Pattern::AnythingElse, &[]);
                    }
                    self.state.wait = Wait::Customer;
                    self.listen();
                } else {
                    self.broken("the flow is not in this version of the bot");
                }
                return;
            };
            let bundle = self.bundle;
            let at = self.top().map(|frame| frame.at.clone()).unwrap_or_default();
            let next = match place(flow, &at) {
                Place::Over => self.end_frame("done"),
                Place::Lost => {
                    self.broken("the step is not in this version of the bot");
                    return;
                }
                Place::Step(step) => {
                    self.state.steps_run += 1;
                    if self.state.steps_run > bundle.limits.steps.max(1) {
                        self.broken("more steps than `limits.steps` without a wait");
                        return;
                    }
                    self.execute(flow, step)
                }
            };
            if next == Next::Stop {
                return;
            }
        }
    }

    /// The flow can't go on: says so and gets a person.
    pub(super) fn broken(&mut self, why: &str) {
        let what = self.step_name();
        self.note("error", what.clone(), "failed", why);
        self.say_pattern(Pattern::Error, &[]);
        let request = Request {
            trigger: what,
            reason: "tool_failure".to_owned(),
            detail: format!("the bot could not go on: {why}"),
            quiet: true,
            ..Request::default()
        };
        self.hand_off_broken(request);
    }

    /// `flow:step` of where the front frame stands.
    pub(super) fn step_name(&self) -> String {
        let Some(top) = self.top() else {
            return "none".to_owned();
        };
        match self.top_flow().map(|flow| place(flow, &top.at)) {
            Some(Place::Step(step)) => format!("{}:{}", top.flow, step.id),
            _ => top.flow.clone(),
        }
    }

    fn execute(&mut self, flow: &'a Flow, step: &'a Step) -> Next {
        let said_before = self.just_said;
        self.just_said = false;
        let name = self.step_name();
        if let Some(passed) = self.passed_before(step) {
            self.note("step", name, "skipped", "nothing it depends on has changed");
            match passed {
                Passed::Over => self.advance(flow),
                Passed::Into(branch) => self.enter(flow, branch),
            }
            return Next::Go;
        }
        self.note("step", name.clone(), "ran", "");
        match &step.kind {
            StepKind::Say(response) => self.say_step(flow, step, response),
            StepKind::Ask(ask) => self.ask_step(flow, step, ask),
            StepKind::Confirm(confirm) => self.confirm_step(flow, confirm),
            StepKind::Offer(offer) => self.offer_step(offer),
            StepKind::Set { slot, value } => self.set_step(flow, step, slot, value),
            StepKind::If { test, .. } => {
                let holds = self.eval(test, &name).truthy();
                self.tested(step, [test].into_iter());
                self.enter(flow, if holds { Branch::Then } else { Branch::Else });
                Next::Go
            }
            StepKind::Choose { branches, .. } => {
                let taken = branches
                    .iter()
                    .position(|(test, _)| self.eval(test, &name).truthy());
                self.tested(step, branches.iter().map(|(test, _)| test));
                self.enter(flow, taken.map_or(Branch::Else, Branch::Case));
                Next::Go
            }
            StepKind::Repeat { test, .. } => {
                let holds = self.eval(test, &name).truthy();
                self.tested(step, [test].into_iter());
                if holds {
                    self.enter(flow, Branch::Body);
                } else {
                    self.advance(flow);
                }
                Next::Go
            }
            StepKind::Do { action, .. } => self.act(flow, step, action),
            StepKind::Search { query, .. } => self.search_step(step, query.as_ref()),
            StepKind::Call(callee) => self.call(step, callee),
            StepKind::Go(target) => self.go(target),
            StepKind::Handoff {
                queue,
                reason,
                say,
                priority,
            } => {
                let request = Request {
                    queue: queue.clone(),
                    priority: *priority,
                    reason: reason.clone(),
                    trigger: name.clone(),
                    detail: format!("the flow {name} asks for a person"),
                    say: say.clone(),
                    quiet: said_before,
                    ..Request::default()
                };
                self.hand_off_step(request)
            }
            StepKind::End(outcome) => self.end_frame(outcome),
        }
    }

    fn say_step(&mut self, flow: &Flow, step: &Step, response: &str) -> Next {
        self.say(response);
        let reads = self.response_reads(response);
        self.ran(step, reads, BTreeSet::new(), Did::Said);
        self.just_said = true;
        self.advance(flow);
        Next::Go
    }

    fn set_step(&mut self, flow: &Flow, step: &Step, slot: &str, value: &Expr) -> Next {
        let name = self.step_name();
        let result = self.eval(value, &name);
        // What a choice of the customer's sets is the customer's answer.
        let chosen = self.top().is_some_and(|top| {
            top.at
                .iter()
                .any(|at| matches!(at.branch, Branch::Choice(_)))
        });
        let source = if chosen { "user" } else { "system" };
        self.put(slot, result, source, 1.0);
        let writes = BTreeSet::from([slot.to_owned()]);
        self.changed(&writes);
        self.ran(step, self.reads_of(value), writes, Did::Set);
        self.advance(flow);
        Next::Go
    }

    /// Moves the front frame past its step.
    pub(super) fn advance(&mut self, flow: &Flow) {
        if let Some(top) = self.top_mut() {
            advance(flow, &mut top.at);
        }
    }

    /// Moves the front frame into a list of its step.
    pub(super) fn enter(&mut self, flow: &Flow, branch: Branch) {
        if let Some(top) = self.top_mut() {
            enter(flow, &mut top.at, branch);
        }
    }

    /// Writes down that the front frame's step ran.
    pub(super) fn ran(
        &mut self,
        step: &Step,
        reads: BTreeSet<String>,
        writes: BTreeSet<String>,
        did: Did,
    ) {
        self.vouch(&reads, &writes, &did);
        let Some(top) = self.top() else { return };
        let ran = Ran {
            frame: top.id,
            flow: top.flow.clone(),
            step: step.id.clone(),
            path: top.at.clone(),
            reads,
            writes,
            did,
        };
        self.log(ran);
    }

    fn tested<'e>(&mut self, step: &Step, tests: impl Iterator<Item = &'e Expr>) {
        let reads = tests.flat_map(|test| self.reads_of(test)).collect();
        self.ran(step, reads, BTreeSet::new(), Did::Tested);
    }

    /// What an expression reads, locals with their flow.
    pub(super) fn reads_of(&self, expr: &Expr) -> BTreeSet<String> {
        expr.reads()
            .iter()
            .map(|name| self.read_name(name))
            .collect()
    }

    /// A slot's id, or `flow#local`.
    pub(super) fn read_name(&self, name: &str) -> String {
        if self.bundle.slots.contains_key(name) {
            return name.to_owned();
        }
        let flow = self.top().map_or("", |frame| &frame.flow);
        let local = name.split('.').next().unwrap_or(name);
        format!("{flow}#{local}")
    }

    /// What a response reads.
    pub(super) fn response_reads(&self, id: &str) -> BTreeSet<String> {
        let mut reads = BTreeSet::new();
        let Some(response) = self.bundle.responses.get(id) else {
            return reads;
        };
        for variant in response.variants.values().flatten() {
            reads.extend(variant.text.reads().iter().map(|n| self.read_name(n)));
            if let Some(when) = &variant.when {
                reads.extend(self.reads_of(when));
            }
        }
        reads
    }

    fn ask_step(&mut self, flow: &Flow, step: &Step, ask: &Ask) -> Next {
        let filled = self
            .state
            .slot(&ask.slot)
            .map(|slot| slot.source.clone())
            .filter(|_| !ask.always);
        let writes = BTreeSet::from([ask.slot.clone()]);
        let holds =
            filled.as_ref().is_none_or(|source| source != "user") || self.still_holds(&ask.slot);
        if let Some(source) = filled.filter(|_| holds) {
            let did = if source == "user" {
                Did::Asked
            } else {
                Did::Set
            };
            self.ran(step, BTreeSet::new(), writes, did);
            self.advance(flow);
            return Next::Go;
        }
        if let Some(default) = ask.default.as_ref().filter(|_| holds) {
            let value = self.eval(default, &step.id);
            if !value.is_null() && self.check(&ask.slot, &value) {
                self.put(&ask.slot, value, "inferred", 1.0);
                self.ran(step, self.reads_of(default), writes, Did::Set);
                self.advance(flow);
                return Next::Go;
            }
        }
        let rivals = self
            .base_mut()
            .and_then(|base| base.rivals.remove(&ask.slot));
        if let Some((first, second)) = rivals {
            self.ask_which(&first, &second);
            return self.wait_here();
        }
        // The opening message gave a value that failed its check: its text asks again by itself.
        let refused = self
            .base_mut()
            .and_then(|base| base.refused.remove(&ask.slot));
        self.say(refused.as_ref().unwrap_or(&ask.prompt));
        self.wait_here()
    }

    /// Whether what the customer gave for a slot still passes its check, which may read what became known since. If
    /// not, the slot is empty again, and the check's text asks.
    fn still_holds(&mut self, slot: &str) -> bool {
        let value = self.state.slot(slot).map(|filled| filled.value.clone());
        let value = value.unwrap_or_default();
        if self.check(slot, &value) {
            return true;
        }
        self.put(slot, Value::Null, "system", 1.0);
        self.refuse(slot);
        false
    }

    /// A slot that a confirm would show and that is empty although the flow asks for it: the path of its question.
    fn unasked(&mut self, flow: &Flow, confirm: &Confirm) -> Option<Vec<super::frame::At>> {
        let holes = self.shown_holes(&confirm.prompt);
        holes.into_iter().find_map(|slot| {
            if self.state.slot(&slot).is_some() {
                return None;
            }
            let mut question = None;
            super::frame::each(flow, &mut |step| {
                if matches!(&step.kind, StepKind::Ask(ask) if ask.slot == slot && ask.skip.is_none()) && question.is_none() {
                    question = Some(step.id.clone());
                }
            });
            super::frame::find(flow, &question?)
        })
    }

    fn confirm_step(&mut self, flow: &Flow, confirm: &Confirm) -> Next {
        // Nobody is asked to agree to a blank: what is missing is asked first, wherever its question stands.
        if let Some(path) = self.unasked(flow, confirm)
            && let Some(top) = self.top_mut()
        {
            top.at = path;
            return Next::Go;
        }
        self.say(&confirm.prompt);
        self.wait_here()
    }

    fn offer_step(&mut self, offer: &Offer) -> Next {
        let buttons = offer
            .choices
            .iter()
            .map(|choice| MessageButton {
                title: self.title(&choice.title, &choice.value),
                payload: choice.value.clone(),
            })
            .collect();
        for choice in &offer.choices {
            self.note("offer", choice.value.clone(), "offered", "");
        }
        self.say_with(&offer.prompt, buttons);
        self.wait_here()
    }

    fn wait_here(&mut self) -> Next {
        let name = self.step_name();
        self.note("step", name, "waited", "");
        self.state.wait = Wait::Customer;
        self.listen();
        Next::Stop
    }

    /// Puts a frame on the stack; false where the stack is full.
    pub(super) fn push_frame(&mut self, flow: &str, called: bool) -> bool {
        let depth = usize::try_from(self.bundle.limits.depth.max(1)).unwrap_or(usize::MAX);
        if self.state.frames.len() >= depth || !self.bundle.flows.contains_key(flow) {
            return false;
        }
        self.state.frame_serial += 1;
        self.state.recent = None;
        self.state.frames.push(Frame {
            id: self.state.frame_serial,
            flow: flow.to_owned(),
            bundle: self.bundle.hash.clone(),
            at: first(),
            called,
            opened_at: Some(self.now),
            ..Frame::default()
        });
        self.note("frame", flow, "started", if called { "called" } else { "" });
        true
    }

    fn call(&mut self, step: &Step, callee: &str) -> Next {
        let child = self.state.frame_serial + 1;
        self.ran(
            step,
            BTreeSet::new(),
            BTreeSet::new(),
            Did::Called { child },
        );
        // A sub-flow belongs to the flow in front, which stays.
        self.make_room(1);
        if !self.push_frame(callee, true) {
            self.broken("more flows inside each other than `limits.depth`");
            return Next::Stop;
        }
        Next::Go
    }

    fn go(&mut self, target: &str) -> Next {
        self.drop_front("go");
        if !self.push_frame(target, false) {
            self.broken("more flows inside each other than `limits.depth`");
            return Next::Stop;
        }
        Next::Go
    }

    /// Ends the front frame: a sub-flow returns, a flow is counted and uncovers the one below.
    pub(super) fn end_frame(&mut self, outcome: &str) -> Next {
        let Some(frame) = self.state.frames.pop() else {
            return Next::Stop;
        };
        if frame.called {
            self.note("frame", frame.flow, "returned", outcome);
            if let Some(flow) = self.top_flow() {
                self.advance(flow);
            }
            return Next::Go;
        }
        self.remember_end(&frame);
        if frame.reopened {
            // Counted already; what was corrected since is what a person is told.
            self.keep_collected(&frame, outcome);
        } else {
            self.ended(&frame, outcome);
        }
        self.remember_ended(&frame);
        self.state.counters.turns_since_done = 0;
        self.state.just_done = true;
        self.uncover()
    }

    /// Counts a flow as ended, and keeps what it collected.
    pub(super) fn ended(&mut self, frame: &Frame, outcome: &str) {
        let flow = &frame.flow;
        self.note("frame", flow, "ended", outcome);
        self.keep_collected(frame, outcome);
        self.attempt("flow", flow, outcome);
        self.effects.push(Effect::FlowEnded {
            flow: flow.clone(),
            outcome: outcome.to_owned(),
        });
    }

    /// Drops the flow in front with its sub-flows.
    pub(super) fn drop_front(&mut self, outcome: &str) {
        while let Some(frame) = self.state.frames.pop() {
            if !frame.called {
                self.remember_end(&frame);
                self.ended(&frame, outcome);
                return;
            }
            self.note("frame", frame.flow, "dropped", outcome);
        }
    }

    /// Drops every flow, and what waits for its turn behind them.
    pub(super) fn drop_frames(&mut self, outcome: &str) {
        self.state.pending.clear();
        while !self.state.frames.is_empty() {
            self.drop_front(outcome);
        }
    }
}
