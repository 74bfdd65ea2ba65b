//! Conditions that compare a list slot with a value that the list has not.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, EntityKind, Language, Slot, StepKind};
use crate::compile::walk;
use crate::diag::{Diagnostic, nearest};
use crate::expr::Expr;
use crate::value::Type;

/// Looks at every expression of flows, slots and responses.
pub(super) fn find(bundle: &Bundle, out: &mut Vec<Diagnostic>) {
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            for expr in exprs(&step.kind) {
                look(bundle, expr, out);
            }
        });
    }
    for slot in bundle.slots.values() {
        if let Some(expr) = &slot.check {
            look(bundle, expr, out);
        }
    }
    for response in bundle.responses.values() {
        for variant in response.variants.values().flatten() {
            let templates = std::iter::once(&variant.text).chain(&variant.voice);
            for expr in variant.when.iter().chain(templates.flat_map(|t| t.exprs())) {
                look(bundle, expr, out);
            }
        }
    }
}

/// The expressions of a step itself.
fn exprs(kind: &StepKind) -> Vec<&Expr> {
    match kind {
        StepKind::Set { value, .. } => vec![value],
        StepKind::If { test, .. } | StepKind::Repeat { test, .. } => vec![test],
        StepKind::Choose { branches, .. } => branches.iter().map(|(test, _)| test).collect(),
        StepKind::Search { query, .. } => query.iter().collect(),
        StepKind::Ask(ask) => ask.default.iter().collect(),
        _ => Vec::new(),
    }
}

fn look(bundle: &Bundle, expr: &Expr, out: &mut Vec<Diagnostic>) {
    for (name, text, span) in expr.compared() {
        let Some((list, values)) = bundle.slots.get(name).and_then(|slot| list(bundle, slot))
        else {
            continue;
        };
        if values.contains_key(text) {
            continue;
        }
        let message = format!("`{list}` has no value '{text}', so this never fits");
        let finding = Diagnostic::error("E0709", span, message);
        let known = values.keys().map(String::as_str);
        out.push(match nearest(text, known.clone()) {
            Some(near) => finding
                .help(format!("did you mean '{near}'?"))
                .fix(format!("'{near}'")),
            None => finding.help(format!(
                "its values are {}",
                known.collect::<Vec<_>>().join(", ")
            )),
        });
    }
}

/// Canonical values with their synonyms.
type Values = BTreeMap<String, BTreeMap<Language, Vec<String>>>;

/// The list that a slot takes its values from.
fn list<'b>(bundle: &'b Bundle, slot: &'b Slot) -> Option<(&'b str, &'b Values)> {
    let ty = match &slot.ty {
        Type::List(of) => of.as_ref(),
        ty => ty,
    };
    let Type::Entity(id) = ty else {
        return None;
    };
    match &bundle.entities.get(id)?.kind {
        EntityKind::List(values) => Some((id, values)),
        _ => None,
    }
}
