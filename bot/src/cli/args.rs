//! Arguments. Names are a contract: scripts and benchmarks call them.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// A front door for contact centres: answers customers on web chat and the phone before a person does.
#[derive(Debug, Parser)]
#[command(name = "bellhop", version, about, max_term_width = 100)]
pub(super) struct Args {
    /// Settings file; `bellhop.toml` in the working folder where none is given.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    /// Folder for the store, the model and cached heads.
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) data_dir: Option<PathBuf>,
    /// Folder with the encoder's files; fetched into the data folder where none is given.
    #[arg(long, global = true, value_name = "DIR")]
    pub(super) model: Option<PathBuf>,
    /// What to do; `serve` where nothing is said.
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Runs everything: web chat, desk, webhooks, APIs.
    Serve(Serve),
    /// Holds a conversation in the terminal.
    Chat(Chat),
    /// Makes a bot folder that passes `check` and `test`.
    New {
        /// Folder to make.
        dir: PathBuf,
    },
    /// Validates a bot; findings as file:line:col.
    Check(Check),
    /// Runs a bot's conversation tests.
    Test(Test),
    /// Trains and caches a bot's NLU heads and its article index.
    Train {
        /// Bot folder.
        bot: PathBuf,
        /// How to train its understanding.
        #[arg(long, value_enum, default_value_t = Mode::Head)]
        mode: Mode,
    },
    /// Understanding: parse, eval, impact, bench, train-acts, train-sentiment.
    #[command(subcommand)]
    Nlu(Nlu),
    /// Knowledge: index, search, eval, calibrate.
    #[command(subcommand)]
    Kb(Kb),
    /// Sends labelled messages through a whole bot and counts where they end.
    Messages(Messages),
    /// Generates load and prints latency percentiles.
    Load(Load),
    /// Measures what the program can be made to spend: hostile.
    #[command(subcommand)]
    Bench(Bench),
    /// What could not be sent and was given up: list, replay, drop.
    #[command(subcommand)]
    Outbox(super::outbox::Outbox),
    /// What is kept of a customer: export, erase.
    #[command(subcommand)]
    Privacy(super::privacy::Privacy),
    /// Who may sit at the desk: list, invite, revoke.
    #[command(subcommand)]
    Staff(super::staff::Staff),
    /// Who did what: verify, export.
    #[command(subcommand)]
    Audit(super::audit::Audit),
    /// Looks after a store: check, copy, backup.
    #[command(subcommand)]
    Store(super::store::StoreCommand),
    /// Exits 0 when a server is ready.
    Healthcheck {
        /// Address of the server.
        #[arg(long, default_value = "http://127.0.0.1:8080")]
        url: String,
    },
}

impl Default for Command {
    fn default() -> Self {
        Self::Serve(Serve::default())
    }
}

/// `serve`.
#[derive(Debug, Default, clap::Args)]
pub(super) struct Serve {
    /// Bot folder; the shipped demo where none is given.
    pub(super) bot: Option<PathBuf>,
    /// Address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDR")]
    pub(super) listen: Option<std::net::SocketAddr>,
    /// Where the store lives: sqlite:PATH, or redis://HOST:PORT for several processes.
    #[arg(long, value_name = "STORE")]
    pub(super) store: Option<String>,
    /// What this process does, of several on one store: some of edge, turns and desk, with commas between; all where nothing
    /// is said.
    #[arg(long, value_name = "ROLES")]
    pub(super) roles: Option<crate::roles::Roles>,
    /// Answer actions with their stubs instead of calling systems of record.
    #[arg(long)]
    pub(super) stubs: bool,
}

/// `chat`.
#[derive(Debug, clap::Args)]
pub(super) struct Chat {
    /// Bot folder; the shipped demo where none is given.
    pub(super) bot: Option<PathBuf>,
    /// Language to speak.
    #[arg(long)]
    pub(super) language: Option<String>,
    /// Call systems of record instead of answering with stubs.
    #[arg(long)]
    pub(super) live: bool,
}

/// `check`.
#[derive(Debug, clap::Args)]
pub(super) struct Check {
    /// Bot folder.
    pub(super) bot: PathBuf,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(super) format: Format,
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code review tools: SARIF 2.1.0.
    Sarif,
}

/// `test`.
#[derive(Debug, clap::Args)]
pub(super) struct Test {
    /// Bot folder.
    pub(super) bot: PathBuf,
    /// List steps that no test runs; exits 1 when there are any.
    #[arg(long)]
    pub(super) coverage: bool,
    /// Also write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub(super) junit: Option<PathBuf>,
    /// Only tests whose name contains this.
    #[arg(long, value_name = "TEXT")]
    pub(super) only: Option<String>,
    /// Print the conversation of every test, not only of those that fail.
    #[arg(long)]
    pub(super) verbose: bool,
}

/// `nlu`.
#[derive(Debug, Subcommand)]
pub(super) enum Nlu {
    /// Reads a line an utterance on standard input and writes a JSON line each.
    Parse {
        /// Bot folder.
        bot: PathBuf,
        /// Also write the set of intents that misses the right one at this rate.
        #[arg(long, value_name = "RATE", value_parser = rate)]
        error: Option<f64>,
        /// Read as the answer to a question of this kind, such as `confirm`, `date` or `text`.
        #[arg(long, value_name = "KIND", value_parser = kinds())]
        open: Option<String>,
    },
    /// Shows which messages would be read otherwise if a text became an example.
    Impact(Impact),
    /// Trains on one file and scores another.
    Eval(NluEval),
    /// Latency and throughput of reading.
    Bench(NluBench),
    /// Makes the weights of the head that says what is done in each clause; they are compiled in.
    TrainActs {
        /// File to write.
        out: PathBuf,
        /// Also list the phrases that heads which had not seen them read wrong.
        #[arg(long)]
        wrong: bool,
    },
    /// Makes the weights of the sentiment head that are compiled in.
    TrainSentiment {
        /// Folder with train.csv, dev.csv and test.csv of GoEmotions.
        data: PathBuf,
        /// File to write.
        out: PathBuf,
    },
}

/// `nlu impact`.
#[derive(Debug, clap::Args)]
pub(super) struct Impact {
    /// Bot folder.
    pub(super) bot: PathBuf,
    /// The text.
    #[arg(long, value_name = "TEXT")]
    pub(super) add: String,
    /// The intent that it would be an example of.
    #[arg(long, value_name = "NAME")]
    pub(super) intent: String,
    /// A store: what customers have written so far is looked at.
    #[arg(long, value_name = "FILE", conflicts_with = "messages")]
    pub(super) store: Option<PathBuf>,
    /// A line a message.
    #[arg(long, value_name = "FILE")]
    pub(super) messages: Option<PathBuf>,
    /// Write a JSON line for each message.
    #[arg(long)]
    pub(super) json: bool,
}

/// A rate between 0 and 1, both left out.
fn rate(text: &str) -> Result<f64, String> {
    let number: f64 = text.parse().map_err(|_| "it must be a number".to_owned())?;
    if number > 0.0 && number < 1.0 {
        Ok(number)
    } else {
        Err("it must lie between 0 and 1, such as 0.05".to_owned())
    }
}

/// `nlu bench`.
#[derive(Debug, clap::Args)]
pub(super) struct NluBench {
    /// CSV with a column text, or a line a text; a built-in list where none is given.
    #[arg(long, value_name = "FILE")]
    pub(super) texts: Option<PathBuf>,
    /// Also time the whole reading, with intents learned from this file; several files are joined.
    #[arg(long, value_name = "FILE")]
    pub(super) train: Vec<PathBuf>,
    /// Also time another engine on the same texts and model: `nlu/benches/onnx_runtime.py`.
    #[arg(long, value_name = "PROGRAM")]
    pub(super) against: Option<PathBuf>,
}

/// `nlu eval`.
#[derive(Debug, clap::Args)]
pub(super) struct NluEval {
    /// CSV with text,label or JSONL with text, intent, entities; several files are joined.
    #[arg(long, value_name = "FILE", required = true)]
    pub(super) train: Vec<PathBuf>,
    /// The same, to be scored.
    #[arg(long, value_name = "FILE")]
    pub(super) test: PathBuf,
    /// Label of messages that belong to no intent.
    #[arg(long, value_name = "NAME")]
    pub(super) oos_label: Option<String>,
    /// How to train.
    #[arg(long, value_enum, default_value_t = Mode::Head)]
    pub(super) mode: Mode,
    /// Seed of everything random.
    #[arg(long, default_value_t = 0)]
    pub(super) seed: u64,
    /// Evaluate with this many seeds from --seed on, and print mean and spread.
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seeds: u64,
    /// Train on this many examples of each intent, drawn by the seed.
    #[arg(long, value_name = "N")]
    pub(super) shots: Option<usize>,
    /// Also judge the sets of intents that should miss the right one at this rate.
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub(super) error: Option<f64>,
    /// Write the full report here.
    #[arg(long, value_name = "OUT")]
    pub(super) json: Option<PathBuf>,
}

/// How to train.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Mode {
    /// A head on the sentence model as it is: seconds.
    Head,
    /// The sentence model's upper layers too: minutes, and fewer mistakes.
    Tune,
}

impl From<Mode> for bellhop_nlu::Mode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Head => Self::Head,
            Mode::Tune => Self::Tune,
        }
    }
}

/// `kb`.
#[derive(Debug, Subcommand)]
pub(super) enum Kb {
    /// Builds the index of a bot's articles.
    Index {
        /// Bot folder.
        bot: PathBuf,
    },
    /// Searches a bot's articles as a customer would.
    Search {
        /// Bot folder.
        bot: PathBuf,
        /// The question.
        query: Vec<String>,
        /// Language of the question; the bot's first where none is given.
        #[arg(long)]
        language: Option<String>,
    },
    /// Scores words, vectors and both on a corpus with questions.
    Eval(KbData),
    /// Fits the confidence on a corpus with questions and prints the weights.
    Calibrate(KbData),
}

/// A corpus with questions.
#[derive(Debug, clap::Args)]
pub(super) struct KbData {
    /// JSONL of {id, title, text}.
    #[arg(long, value_name = "FILE")]
    pub(super) corpus: PathBuf,
    /// JSONL of {query, relevant}.
    #[arg(long, value_name = "FILE")]
    pub(super) queries: PathBuf,
    /// Write the report here as JSON.
    #[arg(long, value_name = "OUT")]
    pub(super) json: Option<PathBuf>,
}

/// `messages`.
#[derive(Debug, clap::Args)]
pub(super) struct Messages {
    /// Bot folder.
    pub(super) bot: PathBuf,
    /// CSV with label,right: what each label should reach (flow:ID, article:ID or trigger:NAME,
    /// several with | between).
    #[arg(long, value_name = "FILE")]
    pub(super) table: PathBuf,
    /// CSV with text,label; labels that the table does not have are left out.
    #[arg(long, value_name = "FILE")]
    pub(super) messages: PathBuf,
    /// CSV with text,label of messages that the bot has no answer to.
    #[arg(long, value_name = "FILE")]
    pub(super) out_of_scope: Option<PathBuf>,
    /// Print each message that did not end where it should.
    #[arg(long)]
    pub(super) wrong: bool,
}

/// `load`.
#[derive(Debug, clap::Args)]
pub(super) struct Load {
    /// Address of the server; of several, each request goes to any one.
    #[arg(long, value_delimiter = ',', default_value = "http://127.0.0.1:8080")]
    pub(super) url: Vec<String>,
    /// Makes a new connection for each request, which a TCP balancer may give to another process.
    #[arg(long)]
    pub(super) reconnect: bool,
    /// Which of several addresses a request goes to follows from this.
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Conversations at once; several values are run one after the other.
    #[arg(long, value_delimiter = ',', default_value = "1,8,32")]
    pub(super) conversations: Vec<usize>,
    /// Seconds for each.
    #[arg(long, default_value_t = 15)]
    pub(super) seconds: u64,
    /// Which interface is spoken.
    #[arg(long, value_enum, default_value_t = Protocol::Bellhop)]
    pub(super) protocol: Protocol,
    /// A line a message; each conversation goes through them in turn. A built-in list where none is given.
    #[arg(long, value_name = "FILE")]
    pub(super) messages: Option<PathBuf>,
}

/// `bench`.
#[derive(Debug, Subcommand)]
pub(super) enum Bench {
    /// Time and memory of the worst messages, each as long as a message may be, beside usual ones; exits 1 where one costs
    /// too much.
    Hostile(Hostile),
}

/// `bench hostile`.
#[derive(Debug, clap::Args)]
pub(super) struct Hostile {
    /// Bot folder; the shipped demo where none is given.
    pub(super) bot: Option<PathBuf>,
    /// Say this before, so that each message is the answer to what the bot then asks.
    #[arg(long, value_name = "TEXT")]
    pub(super) after: Option<String>,
    /// Only this kind, by the name that the table gives it; prints what was measured as JSON.
    #[arg(long, value_name = "KIND")]
    pub(super) only: Option<String>,
}

/// Which interface is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Protocol {
    /// `POST /v1/conversations/{id}/messages?wait=reply`.
    Bellhop,
    /// `POST /webhooks/rest/webhook`.
    Rasa,
}

/// Kinds of open questions.
fn kinds() -> clap::builder::PossibleValuesParser {
    bellhop_nlu::acts::OPEN[1..].into()
}
