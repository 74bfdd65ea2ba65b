//! Steps of a flow.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Ask, Choice, Confirm, Id, Ladder, Offer, Step, StepKind};
use crate::diag::Diagnostic;
use crate::expr::Expr;
use crate::span::Span;
use crate::syntax::{Kind as NodeKind, Node};
use crate::value::Type;

use super::cx::Cx;
use super::index::{Kind, id, is_name};
use super::policy::REASONS;
use super::read::one_or_many;
use super::scope::Scope;
use super::split::{Raw, split};

/// Reads the steps of one flow.
pub(super) struct Steps<'c, 'a> {
    cx: &'c Cx<'a>,
    module: &'c str,
    scope: Scope<'c, 'a>,
    /// Labels with their places, as each may be there once.
    labels: RefCell<BTreeMap<String, Span>>,
}

impl<'c, 'a> Steps<'c, 'a> {
    /// A reader for a flow of `module`.
    pub(super) fn new(cx: &'c Cx<'a>, module: &'c str, scope: Scope<'c, 'a>) -> Self {
        Self {
            cx,
            module,
            scope,
            labels: RefCell::new(BTreeMap::new()),
        }
    }

    /// The steps in `node`; `path` is the id of what they are in, with its branch.
    pub(super) fn read(&self, node: &Node, path: &str) -> Vec<Step> {
        let mut steps = Vec::new();
        for raw in split(self.cx, node) {
            self.step(&raw, path, &mut steps);
        }
        steps
    }

    fn inner(&self, raw: &Raw<'_>, key: &str, step: &str) -> Vec<Step> {
        raw.get(key)
            .map_or_else(Vec::new, |node| self.read(node, &format!("{step}.{key}")))
    }

    fn step(&self, raw: &Raw<'_>, path: &str, steps: &mut Vec<Step>) {
        let number = steps.len();
        let id = self
            .label(raw)
            .unwrap_or_else(|| under(path, &number.to_string()));
        let span = raw.span();
        if raw.kind.key == "set" {
            self.set(raw, path, id, steps);
            return;
        }
        if let Some(kind) = self.kind(raw, &id) {
            steps.push(Step { id, span, kind });
        }
    }

    fn label(&self, raw: &Raw<'_>) -> Option<String> {
        let node = raw.get("label")?;
        let label = self.cx.text(node, "a label")?;
        if !is_name(label) {
            self.cx.report(
                Diagnostic::error("E0406", node.span, format!("`{label}` is no label"))
                    .help("use letters, digits and `_`, no digit first"),
            );
            return None;
        }
        if let Some(first) = self.labels.borrow().get(label) {
            self.cx.report(
                Diagnostic::error(
                    "E0405",
                    node.span,
                    format!("the label `{label}` is in this flow twice"),
                )
                .related(*first, "it stands here first"),
            );
            return None;
        }
        self.labels.borrow_mut().insert(label.to_owned(), node.span);
        Some(label.to_owned())
    }

    fn kind(&self, raw: &Raw<'_>, step: &str) -> Option<StepKind> {
        let value = &raw.kind.value;
        let cx = self.cx;
        Some(match raw.kind.key.as_str() {
            "say" => StepKind::Say(cx.refer(Kind::Response, self.module, value)?),
            "ask" => StepKind::Ask(self.ask(raw, step)?),
            "confirm" => StepKind::Confirm(Confirm {
                prompt: cx.refer(Kind::Response, self.module, value)?,
                on_no: self.inner(raw, "on_no", step),
                ladder: self.ladder(raw, step),
            }),
            "if" => StepKind::If {
                test: cx.condition(value, &self.scope)?,
                then: self.branch(raw, "then", step),
                otherwise: self.inner(raw, "else", step),
            },
            "choose" => self.choose(value, step),
            "do" => StepKind::Do {
                action: cx.refer(Kind::Action, self.module, value)?,
                into: raw.get("into").and_then(|node| self.local(node)),
                on_error: self.inner(raw, "on_error", step),
            },
            "search" => StepKind::Search {
                query: self.query(value),
                on_none: self.inner(raw, "on_none", step),
            },
            "call" => StepKind::Call(cx.refer(Kind::Flow, self.module, value)?),
            "go" => StepKind::Go(cx.refer(Kind::Flow, self.module, value)?),
            "offer" => StepKind::Offer(self.offer(raw, step)?),
            "while" => StepKind::Repeat {
                test: cx.condition(value, &self.scope)?,
                steps: self.branch(raw, "steps", step),
            },
            "handoff" => self.handoff(raw),
            _ => StepKind::End(cx.text(value, "an outcome such as `done`")?.to_owned()),
        })
    }

    /// A branch that must be there.
    fn branch(&self, raw: &Raw<'_>, key: &str, step: &str) -> Vec<Step> {
        if raw.get(key).is_none() {
            let kind = &raw.kind.key;
            self.cx.report(Diagnostic::error(
                "E0203",
                raw.kind.key_span,
                format!("`{kind}` needs `{key}`"),
            ));
        }
        self.inner(raw, key, step)
    }

    fn ladder(&self, raw: &Raw<'_>, step: &str) -> Ladder {
        let rungs = |key: &str| -> Vec<Id> {
            let nodes = raw.get(key).map_or(&[][..], one_or_many);
            let refer = |node| self.cx.refer(Kind::Response, self.module, node);
            nodes.iter().filter_map(refer).collect()
        };
        Ladder {
            no_match: rungs("no_match"),
            no_input: rungs("no_input"),
            exhausted: self.inner(raw, "exhausted", step),
            why: raw
                .get("why")
                .and_then(|node| self.cx.refer(Kind::Response, self.module, node)),
            cannot: self.inner(raw, "cannot", step),
            on_refusal: self.inner(raw, "on_refusal", step),
        }
    }

    fn ask(&self, raw: &Raw<'_>, step: &str) -> Option<Ask> {
        let cx = self.cx;
        let slot = cx.refer(Kind::Slot, self.module, &raw.kind.value);
        let prompt = match raw.get("prompt") {
            Some(node) => cx.refer(Kind::Response, self.module, node),
            None => slot
                .as_ref()
                .and_then(|slot| self.default_prompt(slot, raw)),
        };
        let default = raw
            .get("default")
            .and_then(|node| cx.expr(node, &self.scope));
        if let (Some(slot), Some(default)) = (&slot, &default) {
            self.check_fits(slot, default);
        }
        let always = raw
            .get("always")
            .and_then(|node| cx.truth(node, "`always`"));
        let ladder = self.ladder(raw, step);
        let skip = self.skip(raw, step);
        Some(Ask {
            slot: slot?,
            prompt: prompt?,
            default,
            always: always.unwrap_or(false),
            skip,
            ladder,
        })
    }

    /// `skip: true`, or what runs when the question is passed over.
    fn skip(&self, raw: &Raw<'_>, step: &str) -> Option<Vec<Step>> {
        let node = raw.get("skip")?;
        match node.scalar() {
            Some(_) => self.cx.truth(node, "`skip`")?.then(Vec::new),
            None => Some(self.inner(raw, "skip", step)),
        }
    }

    /// `ask_NAME`: of this module, else beside the slot.
    fn default_prompt(&self, slot: &str, raw: &Raw<'_>) -> Option<Id> {
        let cx = self.cx;
        let (module, name) = slot.rsplit_once('.').unwrap_or(("", slot));
        let prompt = format!("ask_{name}");
        let beside = || cx.index.find(Kind::Response, module, &prompt);
        let found = cx
            .index
            .find(Kind::Response, self.module, &prompt)
            .or_else(beside);
        if found.is_none() {
            cx.report(
                Diagnostic::error(
                    "E0401",
                    raw.kind.value.span,
                    format!("there is no response `{prompt}` to ask for `{slot}` with"),
                )
                .help(format!(
                    "declare `{}` under `responses:`, or name another with `prompt:`",
                    id(self.module, &prompt)
                )),
            );
        }
        found.map(|decl| decl.id.clone())
    }

    /// `set: {slot: expression, …}`: one step a slot.
    fn set(&self, raw: &Raw<'_>, path: &str, first: String, steps: &mut Vec<Step>) {
        let mut first = Some(first);
        for entry in self
            .cx
            .entries(&raw.kind.value, "a map from slot to expression")
        {
            let slot = self
                .cx
                .refer_text(Kind::Slot, self.module, &entry.key, entry.key_span);
            let value = self.cx.expr(&entry.value, &self.scope);
            let (Some(slot), Some(value)) = (slot, value) else {
                continue;
            };
            self.check_fits(&slot, &value);
            let number = steps.len().to_string();
            steps.push(Step {
                id: first.take().unwrap_or_else(|| under(path, &number)),
                span: Span {
                    end: entry.value.span.end.max(entry.key_span.end),
                    ..entry.key_span
                },
                kind: StepKind::Set { slot, value },
            });
        }
    }

    /// Reports a value whose type the slot can't hold.
    fn check_fits(&self, slot: &str, value: &Expr) {
        let Some(ty) = self.cx.slot_types.get(slot) else {
            return;
        };
        if !fits(value.ty(), ty) {
            let (found, wanted) = (value.ty().name(), ty.name());
            self.cx.report(
                Diagnostic::error(
                    "E0411",
                    value.span(),
                    format!(
                        "the slot `{slot}` is of type `{wanted}`, but this is of type `{found}`"
                    ),
                )
                .help("a text within an expression has quotes of its own: \"'text'\""),
            );
        }
    }

    fn choose(&self, node: &Node, step: &str) -> StepKind {
        let mut branches = Vec::new();
        let mut otherwise = Vec::new();
        let items = self.cx.list(node, "a list of branches");
        for (number, item) in items.iter().enumerate() {
            let Some(fields) = self.cx.fields(item, "a branch", &["when", "steps", "else"]) else {
                continue;
            };
            if let Some(node) = fields.get("else") {
                if number + 1 < items.len() {
                    self.cx.report(
                        Diagnostic::error("E0204", item.span, "`else` must be the last branch")
                            .help("the branches after it would never run"),
                    );
                }
                otherwise = self.read(node, &format!("{step}.else"));
                continue;
            }
            let test = fields
                .need(self.cx, "when")
                .and_then(|n| self.cx.condition(n, &self.scope));
            let steps = fields.need(self.cx, "steps").map_or_else(Vec::new, |node| {
                self.read(node, &format!("{step}.{number}"))
            });
            branches.extend(test.map(|test| (test, steps)));
        }
        StepKind::Choose {
            branches,
            otherwise,
        }
    }

    fn offer(&self, raw: &Raw<'_>, step: &str) -> Option<Offer> {
        let cx = self.cx;
        let prompt = cx.refer(Kind::Response, self.module, &raw.kind.value);
        let ladder = self.ladder(raw, step);
        let mut choices = Vec::new();
        let mut seen = BTreeSet::new();
        let nodes = raw
            .get("choices")
            .map_or(&[][..], |node| cx.list(node, "a list of choices"));
        if nodes.is_empty() {
            cx.report(Diagnostic::error(
                "E0203",
                raw.kind.key_span,
                "`offer` needs `choices`, each with `value`, `title` and `steps`",
            ));
        }
        for node in nodes {
            let Some(choice) = self.choice(node, step) else {
                continue;
            };
            if !seen.insert(choice.value.clone()) {
                cx.report(Diagnostic::error(
                    "E0402",
                    node.span,
                    format!("the value `{}` is among the choices twice", choice.value),
                ));
            }
            choices.push(choice);
        }
        Some(Offer {
            prompt: prompt?,
            choices,
            on_no: self.inner(raw, "on_no", step),
            ladder,
        })
    }

    fn choice(&self, node: &Node, step: &str) -> Option<Choice> {
        let cx = self.cx;
        let fields = cx.fields(node, "a choice", &["value", "title", "steps"])?;
        let value = cx
            .text(fields.need(cx, "value")?, "a choice's value")?
            .to_owned();
        let title = match fields.get("title") {
            Some(node) => {
                let title = cx.localized(node, "the title of a choice");
                cx.check_languages(&title, node.span, &format!("the choice `{value}`"));
                title
            }
            None => BTreeMap::from([(cx.language().to_owned(), super::text::words(&value))]),
        };
        let steps = fields
            .get("steps")
            .map_or_else(Vec::new, |node| self.read(node, &format!("{step}.{value}")));
        Some(Choice {
            value,
            title,
            steps,
        })
    }

    fn handoff(&self, raw: &Raw<'_>) -> StepKind {
        let cx = self.cx;
        let value = &raw.kind.value;
        let any = value.is_null() || value.scalar().and_then(|s| s.as_bool()) == Some(true);
        let reason = raw.get("reason").and_then(|node| {
            cx.choice(
                node,
                "the reason of a handoff",
                &REASONS.map(|reason| (reason, reason)),
            )
        });
        StepKind::Handoff {
            queue: if any { None } else { cx.queue(value) },
            reason: reason.unwrap_or("other").to_owned(),
            say: raw
                .get("say")
                .and_then(|n| cx.refer(Kind::Response, self.module, n)),
            priority: raw.get("priority").and_then(|node| cx.priority(node)),
        }
    }

    fn query(&self, node: &Node) -> Option<Expr> {
        let anything = node.is_null() || node.scalar().and_then(|s| s.as_bool()) == Some(true);
        if anything {
            return None;
        }
        self.cx.expr(node, &self.scope)
    }

    fn local(&self, node: &Node) -> Option<String> {
        let name = self.cx.text(node, "a name")?;
        if !is_name(name) || super::scope::BUILTINS.contains(&name) {
            self.cx.report(
                Diagnostic::error("E0406", node.span, format!("`{name}` can't name a result"))
                    .help("use letters, digits and `_`, and no built-in name of expressions"),
            );
            return None;
        }
        if let Some(slot) = self.cx.index.find(Kind::Slot, self.module, name) {
            self.cx.report(
                Diagnostic::error(
                    "E0407",
                    node.span,
                    format!("`{name}` is a slot already; a result needs a name of its own"),
                )
                .related(slot.span, "the slot"),
            );
            return None;
        }
        Some(name.to_owned())
    }
}

/// `path.name`, or the name at the top.
fn under(path: &str, name: &str) -> String {
    id(path, name)
}

/// Whether a value of type `found` can go into a slot of type `slot`. What a text or number means
/// for a narrower type is seen when it runs.
pub(super) fn fits(found: &Type, slot: &Type) -> bool {
    let texts = |ty: &Type| {
        matches!(
            ty,
            Type::Text | Type::Email | Type::Phone | Type::Url | Type::Name | Type::Entity(_)
        )
    };
    let numbers = |ty: &Type| matches!(ty, Type::Number | Type::Ordinal | Type::Percent);
    match (found, slot) {
        (Type::Any, _) | (_, Type::Any) => true,
        (Type::Bool | Type::YesNo, Type::Bool | Type::YesNo) => true,
        (Type::List(found), Type::List(slot)) => fits(found, slot),
        (found, slot) => {
            found == slot || (texts(found) && texts(slot)) || (numbers(found) && numbers(slot))
        }
    }
}

/// The names after `into:` anywhere in a flow, with what the action returns.
pub(super) fn locals(
    cx: &Cx<'_>,
    module: &str,
    node: &Node,
    returns: &BTreeMap<Id, BTreeMap<String, Type>>,
    found: &mut BTreeMap<String, Type>,
) {
    match &node.kind {
        NodeKind::Scalar(_) => {}
        NodeKind::List(items) => {
            for item in items {
                locals(cx, module, item, returns, found);
            }
        }
        NodeKind::Map(entries) => {
            let text = |key: &str| {
                let entry = entries.iter().find(|entry| entry.key == key)?;
                entry.value.scalar().map(|scalar| scalar.text.as_str())
            };
            if let (Some(action), Some(into)) = (text("do"), text("into")) {
                let fields = cx
                    .index
                    .find(Kind::Action, module, action)
                    .and_then(|decl| returns.get(&decl.id))
                    .filter(|fields| !fields.is_empty());
                let ty = fields.map_or(Type::Any, |fields| Type::Record(fields.clone()));
                merge(found, into, &ty);
            }
            for entry in entries {
                locals(cx, module, &entry.value, returns, found);
            }
        }
    }
}

/// Adds a name; one that is there with another type can be anything.
pub(super) fn merge(types: &mut BTreeMap<String, Type>, name: &str, ty: &Type) {
    let known = types.entry(name.to_owned()).or_insert_with(|| ty.clone());
    if known != ty {
        *known = Type::Any;
    }
}
