//! `tests:`: conversations that must go as written.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, Id, Test, TestGiven, TestInput, TestTurn};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::syntax::{Entry, Kind as NodeKind, Node};
use crate::value::Type;
use serde_json::Value as Json;

use super::cx::Cx;
use super::expect;
use super::index::Kind;
use super::read::Fields;
use super::walk;

const KEYS: [&str; 7] = [
    "name", "language", "channel", "customer", "given", "say", "each",
];
const INPUTS: [&str; 7] = [
    "user",
    "press",
    "keys",
    "silence",
    "agent_joins",
    "agent_returns",
    "agent_closes",
];

/// Reads one `tests:` section. The rest of the bundle is there already.
pub(super) fn compile(cx: &Cx<'_>, module: &str, node: &Node, bundle: &Bundle) -> Vec<Test> {
    let reader = Reader { cx, module, bundle };
    cx.list(node, "a list of tests")
        .iter()
        .flat_map(|node| reader.tests(node))
        .collect()
}

struct Reader<'c, 'a> {
    cx: &'c Cx<'a>,
    module: &'c str,
    bundle: &'c Bundle,
}

impl Reader<'_, '_> {
    /// A test, or one for each row of a table.
    fn tests(&self, node: &Node) -> Vec<Test> {
        let cx = self.cx;
        let Some(fields) = cx.fields(node, "a test", &KEYS) else {
            return Vec::new();
        };
        let (say, each) = (fields.entry("say"), fields.entry("each"));
        if let (Some(say), Some(each)) = (say, each) {
            cx.report(
                Diagnostic::error(
                    "E0204",
                    each.key_span,
                    "a test has `say` or `each`, not both",
                )
                .related(say.key_span, "it has this one already")
                .help("make two tests of it"),
            );
        }
        let Some(each) = each else {
            fields.need(cx, "say");
            let turns = say.map_or(&[][..], |entry| cx.list(&entry.value, "a list of turns"));
            let turns = turns.iter().filter_map(|node| self.turn(node)).collect();
            return self.test(fields, turns).into_iter().collect();
        };
        let Some(test) = self.test(fields, Vec::new()) else {
            return Vec::new();
        };
        let rows = cx.list(&each.value, "a list of rows");
        rows.iter()
            .filter_map(|row| {
                let turns = self.row(row)?;
                let words = turns.iter().map(|turn| match &turn.input {
                    TestInput::User(text) | TestInput::Press(text) | TestInput::Keys(text) => {
                        text.as_str()
                    }
                    _ => "…",
                });
                let words: Vec<&str> = words.collect();
                Some(Test {
                    name: format!("{}: {}", test.name, words.join(" / ")),
                    span: row.span,
                    turns,
                    ..test.clone()
                })
            })
            .collect()
    }

    /// The turns of a row of a table: one, or one for each message of a list, with what is expected after the last.
    fn row(&self, node: &Node) -> Option<Vec<TestTurn>> {
        let messages = match &node.kind {
            NodeKind::Map(entries) => entries.iter().find_map(|entry| match &entry.value.kind {
                NodeKind::List(messages) if entry.key == "user" => Some(messages),
                _ => None,
            }),
            _ => None,
        };
        let Some(messages) = messages else {
            return self.turn(node).map(|turn| vec![turn]);
        };
        let fields = self.cx.fields(node, "a row", &["user", "expect"])?;
        let mut turns: Vec<TestTurn> = messages
            .iter()
            .filter_map(|message| {
                Some(TestTurn {
                    input: TestInput::User(self.cx.text(message, "a text")?.to_owned()),
                    expect: BTreeMap::new(),
                    span: message.span,
                })
            })
            .collect();
        if messages.is_empty() {
            self.cx.report(
                Diagnostic::error(
                    "E0204",
                    start(node.span),
                    "this row has nothing that is said",
                )
                .help("give `user` at least one message"),
            );
        }
        if let (Some(last), Some(expect)) = (turns.last_mut(), fields.get("expect")) {
            last.expect = self.expect(expect);
        }
        (!turns.is_empty()).then_some(turns)
    }

    fn test(&self, fields: Fields<'_>, turns: Vec<TestTurn>) -> Option<Test> {
        let cx = self.cx;
        let name = fields.need(cx, "name")?;
        let text = |key: &str| {
            let node = fields.get(key)?;
            cx.text(node, &format!("`{key}`")).map(str::to_owned)
        };
        let language = text("language");
        if let (Some(language), Some(node)) = (&language, fields.get("language"))
            && !cx.languages.contains(language)
        {
            cx.report(Diagnostic::error(
                "E0404",
                node.span,
                format!("`{language}` is no language of this bot"),
            ));
        }
        if let Some(node) = fields.get("channel") {
            cx.choice(node, "`channel`", &[("web", ()), ("voice", ())]);
        }
        let customer = fields
            .get("customer")
            .map_or(&[][..], |n| cx.entries(n, "a map of facts"));
        Some(Test {
            name: cx.text(name, "a name")?.to_owned(),
            language,
            channel: text("channel"),
            customer: customer
                .iter()
                .filter_map(|entry| self.fact(entry))
                .collect(),
            turns,
            given: fields
                .get("given")
                .map_or_else(TestGiven::default, |node| self.given(node)),
            span: name.span,
        })
    }

    fn fact(&self, entry: &Entry) -> Option<(String, String)> {
        let value = self.cx.text(&entry.value, "a text")?;
        Some((entry.key.clone(), value.to_owned()))
    }

    fn given(&self, node: &Node) -> TestGiven {
        let cx = self.cx;
        let mut given = TestGiven::default();
        let Some(fields) = cx.fields(node, "`given`", &["slots", "flow", "step", "actions"]) else {
            return given;
        };
        given.flow = fields
            .get("flow")
            .and_then(|n| cx.refer(Kind::Flow, self.module, n));
        given.step = fields
            .get("step")
            .and_then(|node| self.step(node, given.flow.as_ref()));
        let slots = fields
            .get("slots")
            .map_or(&[][..], |n| cx.entries(n, "a map of slots"));
        for entry in slots {
            let slot = cx.index.find(Kind::Slot, self.module, &entry.key);
            // In mid-flow, what is no slot fills a result of an action before.
            if slot.is_none() && given.flow.is_some() {
                let json = entry.value.to_json();
                given.slots.insert(entry.key.clone(), json);
                continue;
            }
            let slot = cx.refer_text(Kind::Slot, self.module, &entry.key, entry.key_span);
            if let Some(slot) = slot {
                let ty = cx.slot_types.get(&slot).unwrap_or(&Type::Any);
                let value = cx.value(&entry.value, ty);
                cx.of_its_list(&entry.value, ty, &self.bundle.entities);
                given
                    .slots
                    .extend(value.map(|value| (slot, value.to_json())));
            }
        }
        let actions = fields
            .get("actions")
            .map_or(&[][..], |n| cx.entries(n, "a map of actions"));
        for entry in actions {
            let id = cx.refer_text(Kind::Action, self.module, &entry.key, entry.key_span);
            if let Some(id) = id {
                // A list gives one answer a call.
                let json = match &entry.value.kind {
                    NodeKind::List(answers) => {
                        answers.iter().map(|a| self.answer(&id, a)).collect()
                    }
                    _ => self.answer(&id, &entry.value),
                };
                given.actions.insert(id, json);
            }
        }
        given
    }

    /// An action's answer: an error, or fields that the action returns, read as their types.
    fn answer(&self, action: &Id, node: &Node) -> Json {
        let Some(action) = self.bundle.actions.get(action) else {
            return Json::Null;
        };
        let mut answer = serde_json::Map::new();
        for field in self.cx.entries(node, "a map from field to value") {
            if field.key == "error" {
                let kinds = ["timeout", "status", "shape", "needs_human"].map(|kind| (kind, ()));
                self.cx.choice(&field.value, "`error`", &kinds);
            } else if !action.returns.is_empty() && !action.returns.contains_key(&field.key) {
                let known: Vec<&str> = action
                    .returns
                    .keys()
                    .map(String::as_str)
                    .chain(["error"])
                    .collect();
                self.cx
                    .unknown_key(field, "the answer of this action", &known);
            }
            // What does not fit stays as it is: then the answer has the wrong shape.
            let ty = action.returns.get(&field.key).unwrap_or(&Type::Any);
            let json = self.cx.typed_json(&field.value, ty);
            answer.insert(field.key.clone(), json);
        }
        Json::Object(answer)
    }

    fn step(&self, node: &Node, flow: Option<&Id>) -> Option<String> {
        let step = self.cx.text(node, "a step")?;
        let Some(flow) = flow else {
            self.cx.report(
                Diagnostic::error("E0203", node.span, "`step` needs `flow`")
                    .help("say beside it which flow the step is in"),
            );
            return None;
        };
        let mut known = Vec::new();
        let steps = self
            .bundle
            .flows
            .get(flow)
            .map_or(&[][..], |flow| &flow.steps);
        walk::steps(steps, &mut |step| known.push(step.id.as_str()));
        if !known.contains(&step) {
            self.cx
                .unknown("step", step, node.span, known, "give the step a `label:`");
            return None;
        }
        Some(step.to_owned())
    }

    fn turn(&self, node: &Node) -> Option<TestTurn> {
        let keys: Vec<&str> = INPUTS.into_iter().chain(["expect"]).collect();
        let fields = self.cx.fields(node, "a turn", &keys)?;
        let mut inputs = INPUTS.into_iter().filter_map(|key| fields.entry(key));
        let Some(input) = inputs.next() else {
            self.cx.report(
                Diagnostic::error(
                    "E0204",
                    start(node.span),
                    "this turn has nothing that is said",
                )
                .help(format!("it has one of: {}", INPUTS.join(", "))),
            );
            return None;
        };
        if let Some(second) = inputs.next() {
            self.cx.report(
                Diagnostic::error("E0204", second.key_span, "a turn has one input only")
                    .related(input.key_span, "it has this one already")
                    .help("make two turns of it"),
            );
        }
        Some(TestTurn {
            input: self.input(input, fields)?,
            expect: fields
                .get("expect")
                .map_or_else(BTreeMap::new, |node| self.expect(node)),
            span: node.span,
        })
    }

    fn input(&self, entry: &Entry, fields: Fields<'_>) -> Option<TestInput> {
        let cx = self.cx;
        let text = || cx.text(&entry.value, "a text").map(str::to_owned);
        let bare = || {
            fields
                .get(&entry.key)
                .is_none_or(|n| cx.truth(n, "this input").is_some())
        };
        Some(match entry.key.as_str() {
            "user" => TestInput::User(text()?),
            "press" => TestInput::Press(text()?),
            "keys" => TestInput::Keys(text()?),
            "silence" if bare() => TestInput::Silence,
            "agent_closes" if bare() => TestInput::AgentCloses,
            "agent_joins" => TestInput::AgentJoins(text()?),
            "agent_returns" => {
                let node = &entry.value;
                let to_none =
                    node.is_null() || node.scalar().is_some_and(|s| s.as_bool().is_some());
                if to_none {
                    TestInput::AgentReturns(None)
                } else {
                    TestInput::AgentReturns(Some(cx.refer(Kind::Flow, self.module, node)?))
                }
            }
            _ => return None,
        })
    }

    fn expect(&self, node: &Node) -> BTreeMap<String, Json> {
        let reader = expect::Reader {
            cx: self.cx,
            module: self.module,
            bundle: self.bundle,
        };
        reader.read(node)
    }
}

/// The first byte of a span.
fn start(span: Span) -> Span {
    Span {
        end: span.end.min(span.start + 1),
        ..span
    }
}
