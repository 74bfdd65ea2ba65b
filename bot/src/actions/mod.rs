//! Calls to systems of record: fills `{env.NAME}`, sends, retries what another try may mend, gives up
//! in time, and leaves a peer alone that keeps failing.
//!
//! Must never repeat an irreversible call that may have arrived, nor put a secret or an address into
//! an outcome.

mod env;
mod http;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bellhop_flows::bundle::{Action, ActionEffect, Bundle};
use bellhop_flows::engine::effect::ActionCall;
use bellhop_flows::engine::event::Outcome;
use bellhop_flows::span::Span;

use crate::breaker::Breakers;
use http::Attempt;

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

/// How actions are carried out. Clones share their connections and circuit breakers.
#[derive(Debug, Clone)]
pub struct Actions {
    env: Arc<BTreeMap<String, String>>,
    peers: Option<Peers>,
    /// Stands in for the peers.
    #[cfg(test)]
    script: Option<Script>,
}

/// Systems of record as a test wants them.
#[cfg(test)]
pub(crate) trait Peer: std::fmt::Debug + Send + Sync {
    /// Does what a call asks for; `key` is the one that it is sent with.
    fn called<'a>(
        &'a self,
        call: &'a ActionCall,
        key: &'a str,
    ) -> futures_util::future::BoxFuture<'a, Outcome>;
}

#[cfg(test)]
type Script = Arc<dyn Peer>;

#[derive(Debug, Clone)]
struct Peers {
    // A client that can't be built (no TLS roots, say) fails each call, not the whole program: a bot
    // without actions still answers and hands over.
    client: Result<reqwest::Client, String>,
    breakers: Arc<Breakers>,
}

/// What an action says about how it is sent.
#[derive(Debug, Clone)]
struct Plan {
    method: String,
    timeout: Duration,
    retries: u32,
    backoff: Duration,
    effect: ActionEffect,
}

impl Plan {
    fn of(action: &Action) -> Self {
        Self {
            method: action.method.clone(),
            timeout: Duration::from_millis(action.timeout_ms),
            retries: action.retry_times,
            backoff: Duration::from_millis(action.retry_backoff_ms),
            effect: action.effect,
        }
    }

    /// Whether another try may mend this attempt and can do no harm. Every call carries the same
    /// idempotency key, so only what can't be undone is held back once a byte of it has left.
    fn tries_again(&self, attempt: &Attempt) -> bool {
        match self.effect {
            ActionEffect::Irreversible => attempt.unsent,
            ActionEffect::None | ActionEffect::Reversible => attempt.passing,
        }
    }
}

impl Actions {
    /// Sends real requests; `env` wins over the environment (the demo's address, say).
    pub fn live(env: BTreeMap<String, String>) -> Self {
        Self {
            env: Arc::new(env),
            peers: Some(Peers {
                client: http::client(),
                breakers: Arc::default(),
            }),
            #[cfg(test)]
            script: None,
        }
    }

    /// Asks a script.
    #[cfg(test)]
    pub(crate) fn scripted(script: Arc<dyn Peer>) -> Self {
        Self {
            script: Some(script),
            ..Self::stub()
        }
    }

    /// Answers with each action's `stub`.
    pub fn stub() -> Self {
        Self {
            env: Arc::default(),
            peers: None,
            #[cfg(test)]
            script: None,
        }
    }

    /// Lists the variables that the bundle's actions need and that are not set, by action, each once.
    /// Stubs need none.
    pub fn missing_env(&self, bundle: &Bundle) -> Vec<MissingEnv> {
        if self.peers.is_none() {
            return Vec::new();
        }
        let mut missing = Vec::new();
        for (id, action) in &bundle.actions {
            for variable in env::names(action) {
                if env::value(&self.env, &variable).is_none() {
                    missing.push(MissingEnv {
                        variable,
                        action: id.clone(),
                        span: action.span,
                    });
                }
            }
        }
        missing
    }

    /// Carries out a call; gives how it ended and how often it was sent. Takes at most the action's
    /// timeout for each try plus the waits between them.
    pub async fn call(
        &self,
        call: &ActionCall,
        bundle: &Bundle,
        conversation: &str,
    ) -> (Outcome, u32) {
        let Some(action) = bundle.actions.get(&call.action) else {
            return (failed("the bot has no such action"), 0);
        };
        #[cfg(test)]
        if let Some(script) = &self.script {
            let key = format!("{conversation}/{}", call.key);
            return (script.called(call, &key).await, 1);
        }
        let Some(peers) = &self.peers else {
            return (stubbed(action), 0);
        };
        let filled = match env::fill(call, &env::names(action), &self.env) {
            Ok(filled) => filled,
            Err(detail) => return (failed(detail), 0),
        };
        let key = format!("{conversation}/{}", call.key);
        peers
            .call(&Plan::of(action), &filled, call.body.as_ref(), &key)
            .await
    }
}

impl Peers {
    async fn call(
        &self,
        plan: &Plan,
        filled: &env::Filled,
        body: Option<&serde_json::Value>,
        key: &str,
    ) -> (Outcome, u32) {
        let client = match &self.client {
            Ok(client) => client,
            Err(detail) => return (failed(detail.clone()), 0),
        };
        let request = match http::request(client, plan, filled, body, key) {
            Ok(request) => request,
            Err(detail) => return (failed(detail), 0),
        };
        let host = http::host(request.url());
        let mut wait = plan.backoff;
        let mut tries = 0;
        loop {
            let permit = match self.breakers.enter(&host, tokio::time::Instant::now()) {
                Ok(permit) => permit,
                Err(detail) => return (failed(detail), tries),
            };
            let Some(copy) = request.try_clone() else {
                return (failed("a request that can't be repeated"), tries);
            };
            let attempt = http::send(client, copy).await;
            permit.settle(!attempt.peer_down, tokio::time::Instant::now());
            tries += 1;
            if tries > plan.retries || !plan.tries_again(&attempt) {
                return (attempt.outcome, tries);
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2);
        }
    }
}

fn stubbed(action: &Action) -> Outcome {
    match &action.stub {
        Some(stub) => Outcome::Answered {
            body: stub.to_json(),
        },
        None => failed("the action has no `stub`; add one to use it without its service"),
    }
}

fn failed(detail: impl Into<String>) -> Outcome {
    Outcome::Failed {
        detail: detail.into(),
    }
}

#[cfg(test)]
mod tests;
