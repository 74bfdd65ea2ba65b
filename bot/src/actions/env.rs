//! `{env.NAME}` in addresses and headers. Filled here and not in the engine, so that no secret enters
//! the journal.

use std::collections::{BTreeMap, BTreeSet};

use bellhop_flows::bundle::Action;
use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::template::Template;

use crate::config;

/// Address and headers of a call, ready to send.
#[derive(Debug)]
pub(super) struct Filled {
    pub(super) url: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// The variables that an action's address and headers name.
pub(super) fn names(action: &Action) -> BTreeSet<String> {
    std::iter::once(&action.url)
        .chain(action.headers.values())
        .flat_map(Template::env)
        .collect()
}

/// Value of a variable: the program's own first, then the environment's. An empty one counts as unset.
pub(super) fn value(own: &BTreeMap<String, String>, name: &str) -> Option<String> {
    own.get(name)
        .cloned()
        .or_else(|| config::env(name))
        .filter(|value| !value.is_empty())
}

/// Fills a call. Only the `allowed` names, those of the action's own templates, are filled: what a
/// customer wrote may look like a hole, and must not draw a secret in.
///
/// # Errors
/// A variable that is not set.
pub(super) fn fill(
    call: &ActionCall,
    allowed: &BTreeSet<String>,
    own: &BTreeMap<String, String>,
) -> Result<Filled, String> {
    let mut values = BTreeMap::new();
    for name in allowed {
        let value = value(own, name).ok_or_else(|| {
            format!("the environment variable {name} is not set; set it and start again")
        })?;
        values.insert(name.as_str(), value);
    }
    Ok(Filled {
        url: replace(&call.url, &values),
        headers: call
            .headers
            .iter()
            .map(|(name, value)| (name.clone(), replace(value, &values)))
            .collect(),
    })
}

/// Replaces holes in one pass, so that a value that looks like a hole stays as it is.
fn replace(text: &str, values: &BTreeMap<&str, String>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("{env.") {
        out.push_str(&rest[..at]);
        let hole = &rest[at..];
        let filled = hole.find('}').and_then(|end| {
            let value = values.get(&hole["{env.".len()..end])?;
            Some((value, end + 1))
        });
        let taken = match filled {
            Some((value, taken)) => {
                out.push_str(value);
                taken
            }
            None => {
                out.push('{');
                1
            }
        };
        rest = &hole[taken..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use bellhop_flows::bundle::ActionEffect;

    use super::*;

    fn call(url: &str) -> ActionCall {
        ActionCall {
            key: "k".into(),
            action: "a".into(),
            url: url.into(),
            headers: BTreeMap::from([("authorization".into(), "Bearer {env.TOKEN}".into())]),
            body: None,
            effect: ActionEffect::None,
        }
    }

    fn own() -> BTreeMap<String, String> {
        [
            ("HOST", "https://h"),
            ("TOKEN", "{env.HOST}"),
            ("OTHER", "o"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into()
    }

    #[test]
    fn only_the_actions_own_holes_are_filled_and_only_once() {
        let allowed = ["HOST".to_owned(), "TOKEN".to_owned()].into();
        let filled =
            fill(&call("{env.HOST}/{env.OTHER}/{env.HOST"), &allowed, &own()).expect("set");
        assert_eq!(filled.url, "https://h/{env.OTHER}/{env.HOST");
        assert_eq!(filled.headers["authorization"], "Bearer {env.HOST}");
    }

    #[test]
    fn an_unset_variable_is_named() {
        let allowed = ["BELLHOP_TEST_NOBODY_SETS_THIS".to_owned()].into();
        let detail = fill(&call("x"), &allowed, &own()).expect_err("unset");
        assert!(detail.contains("BELLHOP_TEST_NOBODY_SETS_THIS"), "{detail}");
    }
}
