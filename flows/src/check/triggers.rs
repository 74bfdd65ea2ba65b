//! Triggers that can't fire because an earlier one always does first.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::{Bundle, Language, Trigger, TriggerKind};
use crate::diag::Diagnostic;

pub(super) fn find(bundle: &Bundle, findings: &mut Vec<Diagnostic>) {
    let triggers = &bundle.policy.triggers;
    for (place, later) in triggers.iter().enumerate() {
        let earlier = triggers
            .iter()
            .take(place)
            .find(|earlier| shadows(earlier, later));
        if let Some(earlier) = earlier {
            findings.push(
                Diagnostic::warning(
                    "W0605",
                    later.span,
                    format!(
                        "the trigger `{}` never fires: `{}` does whenever it would",
                        later.name, earlier.name
                    ),
                )
                .related(earlier.span, "the earlier one")
                .help("the first trigger that fires wins: put the narrower one first"),
            );
        }
    }
}

/// Whether `earlier` fires whenever `later` would.
fn shadows(earlier: &Trigger, later: &Trigger) -> bool {
    use TriggerKind as K;
    let subset = |less: &[String], more: &[String]| {
        !less.is_empty() && less.iter().all(|item| more.contains(item))
    };
    match (&earlier.when, &later.when) {
        (K::Asked(a), K::Asked(b)) | (K::Tier(a), K::Tier(b)) => subset(b, a),
        (K::NeverAutomate { intents: a, .. }, K::Asked(b)) => subset(b, a),
        (
            K::NeverAutomate {
                intents: a,
                at: low,
                phrases: p,
            },
            K::NeverAutomate {
                intents: b,
                at: high,
                phrases: q,
            },
        ) => {
            let intents = b.is_empty() || (subset(b, a) && low <= high);
            let phrases = q.is_empty() || covers(p.lists(), q.lists());
            intents && phrases && !(b.is_empty() && q.is_empty())
        }
        (K::Keyword(p) | K::NeverAutomate { phrases: p, .. }, K::Keyword(q)) => {
            covers(p.lists(), q.lists())
        }
        (K::LowConfidence { below: a, turns: m }, K::LowConfidence { below: b, turns: n }) => {
            a >= b && m <= n
        }
        (
            K::Misunderstood {
                running: a,
                total: m,
            },
            K::Misunderstood {
                running: b,
                total: n,
            },
        ) => a <= b && m <= n,
        (K::TurnLimit(a), K::TurnLimit(b)) | (K::ToolFailure(a), K::ToolFailure(b)) => a <= b,
        (
            K::Sentiment {
                now: a,
                trend: s,
                turns: m,
            },
            K::Sentiment {
                now: b,
                trend: t,
                turns: n,
            },
        ) => a <= b && s <= t && m == n,
        _ => false,
    }
}

/// Whether every phrase of `less` holds one of `more` as whole words, in the same language.
fn covers(more: &BTreeMap<Language, Vec<String>>, less: &BTreeMap<Language, Vec<String>>) -> bool {
    let mut phrases = less
        .iter()
        .flat_map(|(language, all)| all.iter().map(move |p| (language, p)));
    let held = |(language, phrase): (&Language, &String)| {
        let padded = padded(phrase);
        let known: BTreeSet<String> = more
            .get(language)
            .into_iter()
            .flatten()
            .map(|phrase| self::padded(phrase))
            .collect();
        known.iter().any(|known| padded.contains(known.as_str()))
    };
    less.values().any(|all| !all.is_empty()) && phrases.all(held)
}

/// A phrase in lower case with a blank on both sides of each word.
fn padded(phrase: &str) -> String {
    let words: Vec<String> = phrase.split_whitespace().map(str::to_lowercase).collect();
    format!(" {} ", words.join(" "))
}
