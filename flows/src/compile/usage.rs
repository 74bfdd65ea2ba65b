//! Who says a response and who runs an action: it decides which names their texts know and which
//! button payloads somebody waits for.

use std::collections::BTreeMap;

use crate::bundle::{Flow, Id, Pattern, Queue, Slot, Step, StepKind, Trigger};
use crate::value::Type;

use super::scope::Locals;
use super::steps::merge;
use super::walk;

/// What a response's texts may name beside slots and built-ins.
#[derive(Debug, Default)]
pub(super) struct Usage {
    /// Response -> names with their types.
    pub(super) responses: BTreeMap<Id, Locals>,
    /// Action -> names with their types.
    pub(super) actions: BTreeMap<Id, Locals>,
}

impl Usage {
    /// Looks through all flows, slots, triggers and patterns.
    pub(super) fn new(
        flows: &BTreeMap<Id, Flow>,
        locals: &BTreeMap<Id, Locals>,
        slots: &BTreeMap<Id, Slot>,
        (triggers, queues): (&[Trigger], &BTreeMap<String, Queue>),
        patterns: &BTreeMap<Pattern, Id>,
    ) -> Self {
        let mut usage = Self::default();
        let none = Locals::new();
        for (id, flow) in flows {
            let names = locals.get(id).unwrap_or(&none);
            walk::steps(&flow.steps, &mut |step| usage.step(step, names, slots));
        }
        for trigger in triggers {
            if let Some(id) = &trigger.say {
                usage.pattern(id, Pattern::Handoff);
            }
        }
        for id in queues.values().filter_map(|queue| queue.advice.as_ref()) {
            usage.pattern(id, Pattern::StillWaiting);
        }
        for (pattern, id) in patterns {
            usage.pattern(id, *pattern);
        }
        usage
    }

    fn step(&mut self, step: &Step, names: &Locals, slots: &BTreeMap<Id, Slot>) {
        for id in walk::said(&step.kind) {
            self.say(id, names);
        }
        match &step.kind {
            StepKind::Do { action, .. } => {
                let known = self.actions.entry(action.clone()).or_default();
                for (name, ty) in names {
                    merge(known, name, ty);
                }
            }
            StepKind::Ask(ask) => {
                // What is said when a new value fails its check.
                if let Some(id) = slots
                    .get(&ask.slot)
                    .and_then(|slot| slot.check_else.as_ref())
                {
                    self.say(id, names);
                }
            }
            StepKind::Handoff { say: Some(id), .. } => self.pattern(id, Pattern::Handoff),
            _ => {}
        }
    }

    fn say(&mut self, id: &str, names: &Locals) {
        let known = self.responses.entry(id.to_owned()).or_default();
        for (name, ty) in names {
            merge(known, name, ty);
        }
    }

    fn pattern(&mut self, id: &str, pattern: Pattern) {
        let known = self.responses.entry(id.to_owned()).or_default();
        for (name, ty) in pattern.names() {
            let ty: Type = ty;
            merge(known, name, &ty);
        }
    }
}
