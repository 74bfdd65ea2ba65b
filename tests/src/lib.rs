//! Whole-program tests: this harness starts the real program, on a free port, with its own store.
//!
//! The model and the cached heads are those of the default data folder: `bellhop train
//! flows/demo/harbor-bank` puts them there.

pub mod desk;
pub mod provider;

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};

mod dice;
mod redis;

pub use dice::Dice;
pub use redis::RedisServer;

/// Longest wait for the program to be ready: training included, on a busy machine.
const START_LIMIT: Duration = Duration::from_secs(120);

/// The program of this build.
///
/// # Errors
/// It has not been built.
pub fn binary() -> Result<PathBuf> {
    let test = std::env::current_exe()?;
    let folder = test
        .ancestors()
        .find(|folder| folder.join("bellhop").is_file());
    folder.map(|folder| folder.join("bellhop")).ok_or_else(|| {
        anyhow!(
            "no `bellhop` beside {}: run cargo build --release --workspace",
            test.display()
        )
    })
}

/// Top of the source tree.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the workspace is above this crate")
}

/// A copy of a demo bot in a folder.
///
/// # Errors
/// It can't be copied.
pub fn copy_of_demo(demo: &str, folder: &Path) -> Result<PathBuf> {
    let bot = folder.join(demo);
    let copied = Command::new("cp")
        .arg("-r")
        .arg(root().join("flows/demo").join(demo))
        .arg(&bot)
        .status()?;
    anyhow::ensure!(copied.success(), "{demo} can't be copied");
    Ok(bot)
}

/// How to start the program.
#[derive(Debug, Clone, Default)]
pub struct Start {
    /// Arguments after `serve`.
    pub args: Vec<String>,
    /// Environment variables.
    pub env: Vec<(String, String)>,
}

/// A running program; killed when dropped.
#[derive(Debug)]
pub struct Program {
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// One-time code of the printed staff link; empty where the process has no desk, or an admin has signed in before.
    pub staff_code: String,
    store: String,
    child: Child,
}

impl Program {
    /// Starts `bellhop serve` with its store in `folder` and waits until it listens. Where `TEST_REDIS` names a server
    /// (`HOST:PORT`), the store is there, under a prefix of the folder's own.
    ///
    /// # Errors
    /// It ended or did not listen in time; what it said is in the message.
    pub fn start(folder: &Path, start: &Start) -> Result<Self> {
        let mut args = start.args.clone();
        let given = args.iter().position(|arg| arg == "--store");
        let given = given.and_then(|at| args.get(at + 1)).cloned();
        let store = given.clone().unwrap_or_else(|| store_in(folder));
        if given.is_none() {
            args.extend(["--store".to_owned(), store.clone()]);
        }
        let mut child = Command::new(binary()?)
            .arg("serve")
            .args(["--listen", "127.0.0.1:0"])
            .args(&args)
            .envs(start.env.iter().map(|(name, value)| (name, value)))
            .current_dir(root())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("the program starts")?;
        let (lines, said) = mpsc::sync_channel(1_000);
        let streams: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().context("stdout is piped")?),
            Box::new(child.stderr.take().context("stderr is piped")?),
        ];
        for stream in streams {
            let lines = lines.clone();
            // Reads to the end, so that the program never blocks on a full pipe.
            std::thread::spawn(move || {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    let _ = lines.try_send(line);
                }
            });
        }
        drop(lines);
        let mut transcript = String::new();
        let (mut url, mut staff_code, mut is_desk_told) = (None, None, false);
        // A process without the desk prints no link for staff.
        let is_desk = start.args.iter().all(|arg| arg != "--roles")
            || start.args.iter().any(|arg| arg.contains("desk"));
        while url.is_none() || (is_desk && !is_desk_told) {
            match said.recv_timeout(START_LIMIT) {
                Ok(line) => {
                    url = url.or_else(|| address(&line));
                    staff_code = staff_code.or_else(|| code(&line));
                    is_desk_told |= line.contains("/desk");
                    transcript.push_str(&line);
                    transcript.push('\n');
                }
                Err(_) => {
                    let _ = child.kill();
                    let status = child.wait()?;
                    bail!("the program did not come up ({status}); it said:\n{transcript}");
                }
            }
        }
        Ok(Self {
            url: url.context("address")?,
            staff_code: staff_code.unwrap_or_default(),
            store,
            child,
        })
    }

    /// A one-time code for somebody, made by the command beside the program.
    ///
    /// # Errors
    /// The command says no.
    pub fn invite(&self, name: &str, role: &str) -> Result<String> {
        let output = Command::new(binary()?)
            .args(["staff", "invite", name, "--role", role, "--json"])
            .args(["--store", &self.store])
            .current_dir(root())
            .output()?;
        let why = String::from_utf8_lossy(&output.stderr);
        anyhow::ensure!(output.status.success(), "{why}");
        let invited: Value = serde_json::from_slice(&output.stdout)?;
        let code = invited["code"].as_str().context("a code")?;
        Ok(code.to_owned())
    }

    /// Ends it as a power cut would.
    ///
    /// # Errors
    /// The system refuses.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Ends it as a service manager does, and waits for it.
    ///
    /// # Errors
    /// The system refuses, or it ended with an error.
    pub fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill")
            .args(["-TERM", &self.child.id().to_string()])
            .status()?;
        anyhow::ensure!(asked.success(), "the program can't be asked to end");
        let status = self.child.wait()?;
        anyhow::ensure!(status.success(), "the program ended with {status}");
        Ok(())
    }

    /// Resident memory, bytes (Linux).
    ///
    /// # Errors
    /// No such information on this system.
    pub fn resident_bytes(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .context("VmRSS")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1024)
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Address of the store that belongs to a folder.
fn store_in(folder: &Path) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let server = std::env::var_os("TEST_REDIS").unwrap_or_default();
    match server.to_str() {
        Some(server) if !server.is_empty() => {
            let mut hasher = DefaultHasher::new();
            folder.hash(&mut hasher);
            let joint = if server.contains('?') { '&' } else { '?' };
            format!("redis://{server}{joint}prefix=t{:x}", hasher.finish())
        }
        _ => format!("sqlite:{}", folder.join("bellhop.db").display()),
    }
}

fn address(line: &str) -> Option<String> {
    let start = line.find("http://127.0.0.1:")?;
    let rest = &line[start + "http://127.0.0.1:".len()..];
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    (!port.is_empty()).then(|| format!("http://127.0.0.1:{port}"))
}

fn code(line: &str) -> Option<String> {
    let (_, rest) = line.split_once("#code=")?;
    let code: String = rest
        .chars()
        .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
        .collect();
    (!code.is_empty()).then_some(code)
}

/// One customer's conversation over the HTTP API.
#[derive(Debug, Clone)]
pub struct Customer {
    /// Conversation id.
    pub id: String,
    /// Conversation token.
    pub token: String,
    url: String,
    client: reqwest::Client,
    sent: u32,
}

impl Customer {
    /// Opens a conversation; `body` as in `POST /v1/conversations`.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn open(client: &reqwest::Client, url: &str, body: Value) -> Result<Self> {
        let answer = post(client, &format!("{url}/v1/conversations"), None, &body).await?;
        let text = |key: &str| {
            answer[key]
                .as_str()
                .map(str::to_owned)
                .with_context(|| format!("`{key}` in {answer}"))
        };
        Ok(Self {
            id: text("conversation_id")?,
            token: text("token")?,
            url: url.to_owned(),
            client: client.clone(),
            sent: 0,
        })
    }

    /// Goes on against another process.
    pub fn move_to(&mut self, url: &str) {
        url.clone_into(&mut self.url);
    }

    /// Says something and waits for the replies.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn say(&mut self, text: &str) -> Result<Vec<Value>> {
        self.send(json!({ "text": text })).await
    }

    /// Presses a button.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn press(&mut self, payload: &str) -> Result<Vec<Value>> {
        self.send(json!({ "payload": payload })).await
    }

    async fn send(&mut self, mut body: Value) -> Result<Vec<Value>> {
        self.sent += 1;
        body["client_msg_id"] = json!(format!("{}-{}", self.id, self.sent));
        let url = format!(
            "{}/v1/conversations/{}/messages?wait=reply",
            self.url, self.id
        );
        let answer = post(&self.client, &url, Some(&self.token), &body).await?;
        Ok(answer["replies"].as_array().cloned().unwrap_or_default())
    }

    /// Sends under an own id without waiting; the `seq` it was stored under.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn post(&self, client_msg_id: &str, text: &str) -> Result<u64> {
        let url = format!("{}/v1/conversations/{}/messages", self.url, self.id);
        let body = json!({ "client_msg_id": client_msg_id, "text": text });
        let answer = post(&self.client, &url, Some(&self.token), &body).await?;
        answer["seq"]
            .as_u64()
            .with_context(|| format!("seq in {answer}"))
    }

    /// Says something under an own id and waits for what it caused.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn ask(&self, client_msg_id: &str, text: &str) -> Result<Vec<Value>> {
        let url = format!(
            "{}/v1/conversations/{}/messages?wait=reply",
            self.url, self.id
        );
        let body = json!({ "client_msg_id": client_msg_id, "text": text });
        let answer = post(&self.client, &url, Some(&self.token), &body).await?;
        Ok(answer["replies"].as_array().cloned().unwrap_or_default())
    }

    /// Bearer token of staff: exchanges the printed one-time code.
    ///
    /// # Errors
    /// The server is away or says no.
    pub async fn sign_in(client: &reqwest::Client, url: &str, code: &str) -> Result<String> {
        let body = json!({ "code": code });
        let answer = post(client, &format!("{url}/v1/desk/sign-in"), None, &body).await?;
        let token = answer["token"].as_str().context("staff token")?;
        Ok(token.to_owned())
    }
}

/// Posts JSON and reads JSON.
///
/// # Errors
/// The server is away or answers with an error; its problem document is in the message.
pub async fn post(
    client: &reqwest::Client,
    url: &str,
    token: Option<&str>,
    body: &Value,
) -> Result<Value> {
    let mut request = client.post(url).json(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    read(request.send().await?).await
}

/// Gets JSON.
///
/// # Errors
/// The server is away or answers with an error; its problem document is in the message.
pub async fn get(client: &reqwest::Client, url: &str, token: &str) -> Result<Value> {
    read(client.get(url).bearer_auth(token).send().await?).await
}

async fn read(response: reqwest::Response) -> Result<Value> {
    let status = response.status();
    let text = response.text().await?;
    if !status.is_success() {
        bail!("{status}: {text}");
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(&text).with_context(|| text)
}

/// Texts of the messages among events.
pub fn texts(events: &[Value]) -> String {
    events
        .iter()
        .filter_map(|event| event["text"].as_str())
        .collect::<Vec<_>>()
        .join("\n")
}

impl Customer {
    /// The customer's own messages as the transcript has them, in order, up to and including `seq`:
    /// client message ids, read from the event stream.
    ///
    /// # Errors
    /// The server is away, says no, or ends the stream early.
    pub async fn own_messages(&self, seq: u64) -> Result<Vec<String>> {
        use futures_util::StreamExt;
        let url = format!("{}/v1/conversations/{}/events?after=0", self.url, self.id);
        let response = self
            .client
            .get(url)
            .bearer_auth(&self.token)
            .send()
            .await?
            .error_for_status()?;
        let mut stream = response.bytes_stream();
        let mut buffer = Vec::new();
        let mut own = Vec::new();
        while let Some(chunk) = stream.next().await {
            buffer.extend_from_slice(&chunk?);
            while let Some(end) = buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = buffer.drain(..=end).collect();
                let Some(data) = line.strip_prefix(b"data:") else {
                    continue;
                };
                let event: Value = serde_json::from_slice(data)?;
                if event["from"] == "customer"
                    && let Some(id) = event["client_msg_id"].as_str()
                {
                    own.push(id.to_owned());
                }
                if event["seq"].as_u64().is_some_and(|at| at >= seq) {
                    return Ok(own);
                }
            }
        }
        bail!("the event stream ended before {seq}")
    }
}
