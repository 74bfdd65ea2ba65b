//! An agent at the desk, by its API.

use std::time::Duration;

use anyhow::{Context, Result};
use futures_util::{Stream, StreamExt};
use serde_json::{Value, json};

use crate::{Customer, Program, get, post};

/// Longest wait for news that have to come.
const LIMIT: Duration = Duration::from_secs(30);

/// An agent who is signed in.
#[derive(Debug, Clone)]
pub struct Agent {
    client: reqwest::Client,
    url: String,
    /// Bearer token.
    pub token: String,
}

impl Agent {
    /// Signs in with the code that a program printed.
    ///
    /// # Errors
    /// The program is away or says no.
    pub async fn sign_in(program: &Program) -> Result<Self> {
        let client = reqwest::Client::new();
        let token = Customer::sign_in(&client, &program.url, &program.staff_code).await?;
        Ok(Self::with_token(program, token))
    }

    /// Somebody who has signed in.
    pub fn with_token(program: &Program, token: String) -> Self {
        Self {
            client: reqwest::Client::new(),
            url: program.url.clone(),
            token,
        }
    }

    /// Listens to what changes.
    ///
    /// # Errors
    /// The program is away or says no.
    pub async fn listen(&self) -> Result<News> {
        let url = format!("{}/v1/desk/events", self.url);
        let answer = self.client.get(url).bearer_auth(&self.token).send().await?;
        let stream = answer.error_for_status()?.bytes_stream();
        Ok(News {
            stream: stream
                .map(|chunk| chunk.map(|chunk| chunk.to_vec()))
                .boxed(),
            rest: Vec::new(),
        })
    }

    /// Takes whoever waits first; gives the handoff. `news` tells when there is somebody.
    ///
    /// # Errors
    /// Nobody waits in time.
    pub async fn take_first(&self, news: &mut News) -> Result<String> {
        loop {
            let queue = get(
                &self.client,
                &format!("{}/v1/desk/queue", self.url),
                &self.token,
            )
            .await?;
            if let Some(id) = queue["waiting"][0]["handoff_id"].as_str() {
                self.act(id, "accept", json!({})).await?;
                return Ok(id.to_owned());
            }
            news.next(|news| news["type"] == "queue").await?;
        }
    }

    /// Does something with a handoff.
    ///
    /// # Errors
    /// The program is away or says no.
    pub async fn act(&self, handoff: &str, what: &str, body: Value) -> Result<Value> {
        let url = format!("{}/v1/desk/handoffs/{handoff}/{what}", self.url);
        post(&self.client, &url, Some(&self.token), &body).await
    }

    /// The items of a handoff's transcript.
    ///
    /// # Errors
    /// The program is away or says no.
    pub async fn transcript(&self, handoff: &str) -> Result<Vec<Value>> {
        let url = format!("{}/v1/desk/handoffs/{handoff}", self.url);
        let read = get(&self.client, &url, &self.token).await?;
        let items = read["envelope"]["transcript"]["items"].as_array();
        items.cloned().context("a transcript")
    }

    /// The transcript's item of this text.
    ///
    /// # Errors
    /// There is none.
    pub async fn item(&self, handoff: &str, text: &str) -> Result<Value> {
        let items = self.transcript(handoff).await?;
        let found = items.iter().find(|item| item["text"] == text);
        found
            .cloned()
            .with_context(|| format!("no {text} in {items:#?}"))
    }
}

/// What the desk is told as it happens.
pub struct News {
    stream: std::pin::Pin<Box<dyn Stream<Item = reqwest::Result<Vec<u8>>> + Send>>,
    rest: Vec<u8>,
}

impl std::fmt::Debug for News {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("News").finish_non_exhaustive()
    }
}

impl News {
    /// Waits for the end of the stream.
    ///
    /// # Errors
    /// It did not end in time.
    pub async fn ends(&mut self) -> Result<()> {
        let all = async { while let Some(Ok(_)) = self.stream.next().await {} };
        tokio::time::timeout(LIMIT, all)
            .await
            .context("the stream goes on")
    }

    /// Waits for news of a kind.
    ///
    /// # Errors
    /// None came in time.
    pub async fn next(&mut self, is_it: impl Fn(&Value) -> bool) -> Result<Value> {
        let found = tokio::time::timeout(LIMIT, async {
            loop {
                while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                    let line: Vec<u8> = self.rest.drain(..=end).collect();
                    let Some(data) = line.strip_prefix(b"data:") else {
                        continue;
                    };
                    let news: Value = serde_json::from_slice(data)?;
                    if is_it(&news) {
                        return Ok(news);
                    }
                }
                let chunk = self.stream.next().await.context("the stream ended")??;
                self.rest.extend_from_slice(&chunk);
            }
        });
        found.await.context("no such news came")?
    }
}
