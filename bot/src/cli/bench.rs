//! `bellhop nlu bench`: how long reading takes, beside another engine where one is named. All take turns in
//! each round, so that a busy moment of the machine hits them alike.

use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use anyhow::{Context, Result, ensure};
use bellhop_nlu::encoder::{Encoder, Precision};
use bellhop_nlu::{Context as ReadContext, TrainOptions, Understanding, eval};
use serde::{Deserialize, Serialize};

use super::args::NluBench;
use super::model_dir;
use super::out::line;
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;

/// Messages that are read where no file is given: short and long, as customers write.
const TEXTS: [&str; 8] = [
    "what's my balance",
    "I lost my card",
    "hi, my card was declined at the supermarket this morning and I don't know why",
    "how much does an overdraft cost",
    "can I book an appointment at the Leeds branch next tuesday at half past two",
    "no",
    "transfer 50 pounds to my savings",
    "I have been a customer for twenty years and this is the third time that a payment of mine was \
     refused abroad although I told you beforehand, so please tell me what is going on",
];
/// Most texts of a file that are read, from all over it.
const MOST: usize = 200;
/// Rounds that count; one before them doesn't.
const ROUNDS: usize = 5;
/// Texts of a batch.
const BATCH: usize = 32;

/// Something that is timed.
trait Subject {
    /// What it is, for a line of the table.
    fn name(&self) -> String;

    /// Milliseconds that each batch of so many texts takes.
    fn times(&mut self, texts: &[&str], batch: usize) -> Result<Vec<f64>>;

    /// The sentence vectors; none of a subject that has others besides.
    fn vectors(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>>;
}

/// What was measured of a subject.
#[derive(Default)]
struct Measured {
    /// Milliseconds of each message by itself.
    single: Vec<f64>,
    /// Texts a second in batches, of each round.
    rates: Vec<f64>,
}

/// Runs it.
pub(super) fn run(config: &Config, args: &NluBench) -> Result<()> {
    let owned = texts(args.texts.as_deref())?;
    let texts: Vec<&str> = owned.iter().map(String::as_str).collect();
    let model = model_dir(config)?;
    let mut subjects: Vec<Box<dyn Subject>> = Vec::new();
    for precision in [Precision::Full, Precision::Int8] {
        for threads in [1, 2] {
            let encoder = Encoder::load_with(&model, precision)?.with_threads(threads);
            subjects.push(Box::new(Own { encoder, threads }));
        }
    }
    if !args.train.is_empty() {
        subjects.push(Box::new(Whole::learn(config, &model, &args.train)?));
    }
    let peer = args
        .against
        .as_deref()
        .map(|program| Peer::start(program, &model));
    if let Some(peer) = peer {
        let peer = std::rc::Rc::new(std::cell::RefCell::new(peer?));
        let precisions = peer.borrow().hello.precisions.clone();
        for precision in precisions {
            for threads in [1, 2] {
                subjects.push(Box::new(Other {
                    peer: std::rc::Rc::clone(&peer),
                    precision: precision.clone(),
                    threads,
                }));
            }
        }
    }
    let tokens = Encoder::load(&model)?;
    let counts = texts
        .iter()
        .map(|text| tokens.places(text).map(|p| p.len()));
    let counts = counts.collect::<Result<Vec<usize>, _>>()?;
    let mean = counts.iter().sum::<usize>() as f64 / counts.len() as f64;
    line(&format!(
        "{} texts, {mean:.1} tokens on average; {} cores, instructions {}, load {}; {ROUNDS} rounds",
        texts.len(),
        std::thread::available_parallelism().map_or(1, usize::from),
        tokens.instructions(),
        load().unwrap_or_else(|| "unknown".to_owned()),
    ));
    let mut measured: Vec<Measured> = subjects.iter().map(|_| Measured::default()).collect();
    for round in 0..=ROUNDS {
        for (subject, measured) in subjects.iter_mut().zip(&mut measured) {
            let single = subject.times(&texts, 1)?;
            let batches: f64 = subject.times(&texts, BATCH)?.iter().sum();
            if round > 0 {
                measured.single.extend(single);
                measured.rates.push(texts.len() as f64 / batches * 1e3);
            }
        }
    }
    line(&format!(
        "{:<44} {:>8} {:>8} {:>8} {:>14} {:>8}",
        "", "p50 ms", "p95 ms", "p99 ms", "a s, by 32s", "cosine"
    ));
    let full = subjects[0].vectors(&texts)?;
    for (subject, measured) in subjects.iter_mut().zip(&mut measured) {
        measured.single.sort_by(f64::total_cmp);
        measured.rates.sort_by(f64::total_cmp);
        let at = |share: usize| measured.single[(measured.single.len() - 1) * share / 100];
        let rate = measured.rates[measured.rates.len() / 2];
        let cosine = cosine(&full, &subject.vectors(&texts)?);
        line(&format!(
            "{:<44} {:>8.2} {:>8.2} {:>8.2} {rate:>14.0} {:>8}",
            subject.name(),
            at(50),
            at(95),
            at(99),
            cosine.map_or_else(String::new, |c| format!("{c:.4}")),
        ));
    }
    Ok(())
}

/// The texts to read: of a CSV file its column `text`, of any other file its lines.
fn texts(path: Option<&Path>) -> Result<Vec<String>> {
    let Some(path) = path else {
        return Ok(TEXTS.map(str::to_owned).to_vec());
    };
    let all: Vec<String> = if path.extension().is_some_and(|e| e == "csv" || e == "jsonl") {
        let rows = eval::read_file(path)?;
        rows.into_iter().map(|row| row.text).collect()
    } else {
        let text = eval::read_text(path)?;
        let lines = text.lines().filter(|text| !text.trim().is_empty());
        lines.map(str::to_owned).collect()
    };
    ensure!(!all.is_empty(), "{}: no text to read", path.display());
    let step = (all.len() / MOST).max(1);
    Ok(all.into_iter().step_by(step).take(MOST).collect())
}

/// What else the machine is doing: its load of the last minute, where the system tells.
fn load() -> Option<String> {
    let text = std::fs::read_to_string("/proc/loadavg").ok()?;
    text.split(' ').next().map(str::to_owned)
}

/// The mean cosine of unit vectors with others of the same texts.
fn cosine(full: &[Vec<f32>], other: &[Vec<f32>]) -> Option<f32> {
    let dot = |(a, b): (&Vec<f32>, &Vec<f32>)| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let same = full.len() == other.len();
    same.then(|| full.iter().zip(other).map(dot).sum::<f32>() / full.len() as f32)
}

/// Times `work` on each batch of texts.
fn timed<T>(texts: &[&str], batch: usize, work: impl Fn(&[&str]) -> Result<T>) -> Result<Vec<f64>> {
    let time = |texts: &[&str]| {
        let watch = Stopwatch::start();
        work(texts)?;
        Ok(watch.elapsed().as_secs_f64() * 1e3)
    };
    texts.chunks(batch).map(time).collect()
}

fn threads_name(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

fn precision_name(precision: Precision) -> &'static str {
    match precision {
        Precision::Full => "fp32",
        Precision::Int8 => "int8",
    }
}

/// Bellhop's encoder.
struct Own {
    encoder: Encoder,
    threads: usize,
}

impl Subject for Own {
    fn name(&self) -> String {
        let precision = precision_name(self.encoder.precision());
        format!("Bellhop, {precision}, {}", threads_name(self.threads))
    }

    fn times(&mut self, texts: &[&str], batch: usize) -> Result<Vec<f64>> {
        timed(texts, batch, |texts| Ok(self.encoder.encode(texts)?))
    }

    fn vectors(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(self.encoder.encode(texts)?)
    }
}

/// Bellhop's whole reading, with intents learned from files.
struct Whole {
    encoder: Encoder,
    understanding: Understanding,
    intents: usize,
    context: ReadContext,
}

impl Whole {
    fn learn(config: &Config, model: &Path, files: &[PathBuf]) -> Result<Self> {
        let encoder = config.encoder(model)?;
        let mut examples = Vec::new();
        for file in files {
            examples.extend(eval::read_file(file)?);
        }
        let spec = eval::spec(&examples, &[], None);
        let options = TrainOptions::default();
        let understanding = Understanding::train_with(&spec, &encoder, &options, &mut |_| {})?;
        Ok(Self {
            encoder: encoder.with_threads(1),
            understanding,
            intents: spec.intents.len(),
            context: ReadContext {
                now: Clock::System.now().in_tz(&spec.time_zone)?,
                language: spec.languages.first().cloned().unwrap_or_default(),
                open: None,
            },
        })
    }
}

impl Subject for Whole {
    fn name(&self) -> String {
        let precision = precision_name(self.encoder.precision());
        format!(
            "whole reading, {precision}, 1 thread, {} intents",
            self.intents
        )
    }

    fn times(&mut self, texts: &[&str], batch: usize) -> Result<Vec<f64>> {
        self.understanding.forget();
        timed(texts, batch, |texts| {
            let texts: Vec<_> = texts.iter().map(|text| (*text, &self.context)).collect();
            Ok(self.understanding.read_batch(&self.encoder, &texts)?)
        })
    }

    fn vectors(&mut self, _: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(Vec::new())
    }
}

/// Another engine in a process of its own; see `nlu/benches/onnx_runtime.py` for what they say to each other.
struct Peer {
    child: Child,
    ask: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    hello: Hello,
}

#[derive(Default, Deserialize)]
struct Hello {
    engine: String,
    precisions: Vec<String>,
}

#[derive(Serialize)]
struct Ask<'a> {
    precision: &'a str,
    threads: usize,
    batch: usize,
    texts: &'a [&'a str],
    vectors: bool,
}

#[derive(Deserialize)]
struct Answer {
    ms: Vec<f64>,
    vectors: Vec<Vec<f32>>,
}

impl Peer {
    fn start(program: &Path, model: &Path) -> Result<Self> {
        let mut child = Command::new(program)
            .arg("--model")
            .arg(model)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(|| program.display().to_string())?;
        let (ask, answers) = (child.stdin.take(), child.stdout.take());
        let mut peer = Self {
            child,
            ask,
            answers: BufReader::new(answers.context("the other engine has no output")?),
            hello: Hello::default(),
        };
        peer.hello = peer.line()?;
        Ok(peer)
    }

    fn line<T: serde::de::DeserializeOwned>(&mut self) -> Result<T> {
        let mut text = String::new();
        self.answers.read_line(&mut text)?;
        serde_json::from_str(&text)
            .context("the other engine gave no answer; what it printed above says why")
    }

    fn ask(&mut self, ask: &Ask<'_>) -> Result<Answer> {
        let mut text = serde_json::to_string(ask)?;
        text.push('\n');
        let pipe = self
            .ask
            .as_mut()
            .context("the other engine takes no input")?;
        pipe.write_all(text.as_bytes())?;
        self.line()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        // It ends at the end of its input. A peer that failed has said so already.
        self.ask = None;
        let _ = self.child.wait();
    }
}

/// One of the other engine's ways to run.
struct Other {
    peer: std::rc::Rc<std::cell::RefCell<Peer>>,
    precision: String,
    threads: usize,
}

impl Other {
    fn ask(&self, texts: &[&str], batch: usize, vectors: bool) -> Result<Answer> {
        self.peer.borrow_mut().ask(&Ask {
            precision: &self.precision,
            threads: self.threads,
            batch,
            texts,
            vectors,
        })
    }
}

impl Subject for Other {
    fn name(&self) -> String {
        let engine = &self.peer.borrow().hello.engine;
        format!(
            "{engine}, {}, {}",
            self.precision,
            threads_name(self.threads)
        )
    }

    fn times(&mut self, texts: &[&str], batch: usize) -> Result<Vec<f64>> {
        Ok(self.ask(texts, batch, false)?.ms)
    }

    fn vectors(&mut self, texts: &[&str]) -> Result<Vec<Vec<f32>>> {
        Ok(self.ask(texts, 1, true)?.vectors)
    }
}
