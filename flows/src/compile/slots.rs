//! `slots:` and the names of types.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Id, Keep, Like, Looks, Slot};
use crate::diag::{Diagnostic, nearest};
use crate::syntax::{Kind as NodeKind, Node};
use crate::value::Type;

use super::cx::Cx;
use super::index::{Decl, Kind};
use super::read::Fields;
use super::scope::{BUILTINS, Locals, Scope};
use super::text::words;

const KEYS: [&str; 10] = [
    "type", "keep", "check", "else", "pii", "secret", "title", "looks", "words", "like",
];
/// Types that every bot has.
const SYSTEM: [&str; 17] = [
    "text",
    "number",
    "ordinal",
    "money",
    "date",
    "time",
    "datetime",
    "duration",
    "percent",
    "email",
    "phone",
    "url",
    "yes_no",
    "name",
    "bool",
    "any",
    "list of …",
];

/// The types of all slots; reports types that are not there.
pub(super) fn types(cx: &Cx<'_>) -> BTreeMap<Id, Type> {
    let mut types = BTreeMap::new();
    for decl in cx.index.all(Kind::Slot) {
        if BUILTINS.contains(&decl.name) {
            cx.report(
                Diagnostic::error(
                    "E0407",
                    decl.span,
                    format!("`{}` is a built-in name of expressions", decl.name),
                )
                .help("choose another name for the slot"),
            );
        }
        let node = match &decl.node.kind {
            // `town: text` is short for `town: {type: text}`.
            NodeKind::Scalar(_) => Some(decl.node),
            _ => cx
                .fields(decl.node, "a slot", &KEYS)
                .and_then(|fields| fields.need(cx, "type")),
        };
        let ty = node.and_then(|node| cx.type_of(decl.module, node));
        types.insert(decl.id.clone(), ty.unwrap_or(Type::Any));
    }
    types
}

/// Reads all slots; their types are known already.
/// `module_locals` are the results that the flows of each module know: a check may read them, for
/// a slot is asked for within a flow.
pub(super) fn compile(cx: &Cx<'_>, module_locals: &BTreeMap<&str, Locals>) -> BTreeMap<Id, Slot> {
    let none = Locals::new();
    cx.index
        .all(Kind::Slot)
        .map(|decl| {
            (decl.id.clone(), {
                slot(cx, decl, module_locals.get(decl.module).unwrap_or(&none))
            })
        })
        .collect()
}

fn slot(cx: &Cx<'_>, decl: &Decl<'_>, locals: &Locals) -> Slot {
    let mut slot = Slot {
        ty: cx.slot_types.get(&decl.id).cloned().unwrap_or(Type::Any),
        keep: Keep::Flow,
        check: None,
        check_else: None,
        pii: false,
        secret: false,
        looks: Looks::Future,
        words: None,
        like: None,
        title: BTreeMap::from([(cx.language().to_owned(), words(decl.name))]),
        span: decl.span,
    };
    let NodeKind::Map(_) = decl.node.kind else {
        return slot;
    };
    // Its keys were checked with its type.
    let all: Vec<&str> = match &decl.node.kind {
        NodeKind::Map(entries) => entries.iter().map(|entry| entry.key.as_str()).collect(),
        _ => Vec::new(),
    };
    let Some(fields) = cx.fields(decl.node, "a slot", &all) else {
        return slot;
    };
    if let Some(node) = fields.get("keep") {
        let choices = [
            ("flow", Keep::Flow),
            ("conversation", Keep::Conversation),
            ("customer", Keep::Customer),
        ];
        slot.keep = cx.choice(node, "`keep`", &choices).unwrap_or(Keep::Flow);
    }
    if let Some(node) = fields.get("check") {
        slot.check = cx.condition(node, &Scope::new(cx, decl.module, locals));
    }
    if let Some(node) = fields.get("else") {
        slot.check_else = cx.refer(Kind::Response, decl.module, node);
    }
    if let (Some(entry), None) = (fields.entry("else"), fields.get("check")) {
        cx.report(
            Diagnostic::error("E0203", entry.key_span, "`else` needs a `check`")
                .help("write the condition that a new value must fulfil as `check:`"),
        );
    }
    if let Some(node) = fields.get("pii") {
        slot.pii = cx.truth(node, "`pii`").unwrap_or(true);
    }
    if let Some(node) = fields.get("secret") {
        // What is secret is personal too, whatever `pii` says.
        slot.secret = cx.truth(node, "`secret`").unwrap_or(true);
        slot.pii |= slot.secret;
    }
    meaning(cx, &mut slot, &fields);
    if let Some(node) = fields.get("title") {
        slot.title = cx.localized(node, "the title of a slot");
        cx.check_languages(
            &slot.title,
            decl.span,
            &format!("the title of slot `{}`", decl.id),
        );
    }
    slot
}

/// What an answer must be like beyond its type.
fn meaning(cx: &Cx<'_>, slot: &mut Slot, fields: &Fields<'_>) {
    if let Some(node) = fields.get("looks") {
        let choices = [
            ("past", Looks::Past),
            ("future", Looks::Future),
            ("either", Looks::Either),
        ];
        slot.looks = cx.choice(node, "`looks`", &choices).unwrap_or_default();
    }
    if let Some(node) = fields.get("like") {
        let choices = [
            ("person", Like::Person),
            ("place", Like::Place),
            ("company", Like::Company),
        ];
        slot.like = cx.choice(node, "`like`", &choices);
    }
    if let Some(node) = fields.get("words") {
        slot.words = bounds(cx, node);
    }
    let free = matches!(slot.ty, Type::Text | Type::Name | Type::Any | Type::List(_));
    for key in ["words", "like"] {
        if let (Some(entry), false) = (fields.entry(key), free) {
            let ty = slot.ty.name();
            cx.report(
                Diagnostic::error(
                    "E0204",
                    entry.key_span,
                    format!("`{key}` bounds a free text, and this slot is of type `{ty}`"),
                )
                .help("leave it out, or make the slot a `text`"),
            );
        }
    }
}

/// `1..5`, or one number of words.
fn bounds(cx: &Cx<'_>, node: &Node) -> Option<(u32, u32)> {
    let text = cx.scalar(node, "a number of words such as `1..5`")?;
    let (low, high) = text
        .text
        .split_once("..")
        .unwrap_or((&text.text, &text.text));
    let bounds = low.trim().parse().ok().zip(high.trim().parse().ok());
    let bounds = bounds.filter(|(low, high)| 1 <= *low && low <= high);
    if bounds.is_none() {
        cx.report(
            Diagnostic::error("E0204", node.span, "`words` is a range such as `1..5`")
                .help("write the fewest and the most words, with two dots between them"),
        );
    }
    bounds
}

impl Cx<'_> {
    /// The type that a node names: a system type, `list of` a type, an entity, or a map from field
    /// to type.
    pub(super) fn type_of(&self, module: &str, node: &Node) -> Option<Type> {
        match &node.kind {
            NodeKind::Map(entries) => Some(Type::Record(
                entries
                    .iter()
                    .filter_map(|entry| {
                        Some((entry.key.clone(), self.type_of(module, &entry.value)?))
                    })
                    .collect(),
            )),
            NodeKind::List(items) => match items.as_slice() {
                [item] => Some(Type::List(Box::new(self.type_of(module, item)?))),
                _ => {
                    self.wrong(node, "a list with one type in it");
                    None
                }
            },
            NodeKind::Scalar(_) => {
                let text = self.text(node, "a type")?;
                self.named_type(module, text, node)
            }
        }
    }

    fn named_type(&self, module: &str, text: &str, node: &Node) -> Option<Type> {
        if let Some(item) = text.strip_prefix("list of ") {
            let item = item.trim();
            if item.starts_with("list of ") {
                let message = "no question fills a list of lists";
                let finding = Diagnostic::error("E0401", node.span, message.to_owned());
                self.report(finding.help("use a list of one type"));
                return None;
            }
            return Some(Type::List(Box::new(self.named_type(module, item, node)?)));
        }
        if let Some(decl) = self.index.find(Kind::Entity, module, text) {
            return Some(Type::Entity(decl.id.clone()));
        }
        if SYSTEM.contains(&text)
            && let Some(ty) = Type::parse(text)
        {
            return Some(ty);
        }
        let mut known: BTreeSet<&str> = self.index.spellings(Kind::Entity, module);
        known.extend(SYSTEM);
        let finding = Diagnostic::error(
            "E0401",
            node.span,
            format!("there is no type or entity `{text}`"),
        );
        self.report(match nearest(text, known) {
            Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
            None => finding.help(format!(
                "declare it under `entities:`, or use one of: {}",
                SYSTEM.join(", ")
            )),
        });
        None
    }
}
