//! What steps leave to chance: failures without an answer, and texts that name a result which is not
//! there in every flow that says them.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, Flow, Response, StepKind};
use crate::compile::walk;
use crate::diag::Diagnostic;
use crate::template::Template;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    for flow in bundle.flows.values() {
        walk::steps(&flow.steps, &mut |step| {
            if let StepKind::Do {
                action, on_error, ..
            } = &step.kind
                && on_error.is_empty()
            {
                findings.push(
                    Diagnostic::warning(
                        "W0603",
                        step.span,
                        format!("nothing is said when the action `{action}` fails"),
                    )
                    .help("add `on_error:`; without it the pattern `error` is said and a person takes over"),
                );
            }
        });
    }
    missing_results(bundle, findings);
}

fn missing_results(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let results: BTreeMap<&str, BTreeSet<&str>> = bundle
        .flows
        .iter()
        .map(|(id, flow)| (id.as_str(), results(flow)))
        .collect();
    let all: BTreeSet<&str> = results.values().flatten().copied().collect();
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (flow_id, flow) in &bundle.flows {
        walk::steps(&flow.steps, &mut |step| {
            for id in walk::said(&step.kind) {
                let Some(response) = bundle.responses.get(id) else {
                    continue;
                };
                for name in reads(response) {
                    let known = results.get(flow_id.as_str());
                    let here = known.is_some_and(|known| known.contains(name.as_str()));
                    let Some(name) = all.get(name.as_str()).filter(|_| !here) else {
                        continue;
                    };
                    if bundle.slots.contains_key(*name) || !told.insert((flow_id.as_str(), id)) {
                        continue;
                    }
                    findings.push(
                        Diagnostic::warning(
                            "W0609",
                            step.span,
                            format!("`{id}` names `{name}`, which no step of this flow fills"),
                        )
                        .related(response.span, "the response")
                        .help("say another response here, or run the action with `into:` first"),
                    );
                }
            }
        });
    }
}

/// Names of results in a flow.
fn results(flow: &Flow) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    walk::steps(&flow.steps, &mut |step| {
        if let StepKind::Do {
            into: Some(into), ..
        } = &step.kind
        {
            names.insert(into.as_str());
        }
    });
    names
}

/// Names that the texts of a response read.
fn reads(response: &Response) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for variant in response.variants.values().flatten() {
        let texts = [Some(&variant.text), variant.voice.as_ref()];
        let titles = variant.buttons.iter().map(|button| &button.title);
        let links = variant.links.iter().flat_map(|(title, url)| [title, url]);
        names.extend(
            texts
                .into_iter()
                .flatten()
                .chain(titles)
                .chain(links)
                .flat_map(Template::reads),
        );
        names.extend(variant.when.iter().flat_map(|when| when.reads()));
    }
    names
}
