//! How fast the encoder is: `encode_speed MODEL_FOLDER [TEXTS.csv]`. Texts are a CSV file's column `text`,
//! 200 of them from all over the file; a few built-in ones without a file. `nlu/benches/onnx_runtime.py`
//! runs it side by side with another engine.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use bellhop_nlu::encoder::{Encoder, Precision};

/// Rounds over all texts.
const ROUNDS: usize = 3;
const TEXTS: usize = 200;
const BATCH: usize = 32;
const SENTENCES: [&str; 4] = [
    "hi",
    "what's my balance",
    "I want to send money to my sister",
    "I lost my card and someone is spending my money, please block it right now",
];

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn texts(path: Option<PathBuf>) -> Result<Vec<String>> {
    let Some(path) = path else {
        let built_in = SENTENCES.iter().cycle().take(TEXTS);
        return Ok(built_in.map(|text| (*text).to_owned()).collect());
    };
    let mut reader = csv::Reader::from_path(path)?;
    let column = reader.headers()?.iter().position(|name| name == "text");
    let column = column.ok_or("the file has no column `text`")?;
    let mut all = Vec::new();
    for record in reader.records() {
        all.push(record?.get(column).unwrap_or_default().to_owned());
    }
    let step = (all.len() / TEXTS).max(1);
    Ok(all.into_iter().step_by(step).take(TEXTS).collect())
}

fn main() -> Result<()> {
    let mut words = std::env::args_os().skip(1).map(PathBuf::from);
    let folder = words.next().ok_or("say where the model's folder is")?;
    let texts = texts(words.next())?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let mut out = std::io::stdout().lock();
    let mut vectors = Vec::new();
    for precision in [Precision::Full, Precision::Int8] {
        for threads in [1, 2] {
            let encoder = Encoder::load_with(&folder, precision)?.with_threads(threads);
            let name = encoder.instructions();
            let mut times = Vec::new();
            for _ in 0..ROUNDS {
                for text in &texts {
                    let start = Instant::now();
                    encoder.encode(&[text])?;
                    times.push(start.elapsed().as_secs_f64() * 1e3);
                }
            }
            times.sort_by(f64::total_cmp);
            let at = |share: usize| times[(times.len() - 1) * share / 100];
            let mut rate = 0.0f64;
            for _ in 0..ROUNDS {
                let start = Instant::now();
                for batch in texts.chunks(BATCH) {
                    encoder.encode(batch)?;
                }
                rate = rate.max(texts.len() as f64 / start.elapsed().as_secs_f64());
            }
            writeln!(
                out,
                "{precision:?}, {name}, {threads} threads: p50 {:.2} ms, p95 {:.2}, p99 {:.2}; {rate:.0} texts a \
                 second in batches of {BATCH}",
                at(50),
                at(95),
                at(99)
            )?;
            vectors.push(encoder.encode(&texts)?);
        }
    }
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    let pairs = vectors[0].iter().zip(&vectors[2]);
    let sum: f32 = pairs.map(|(a, b)| cosine(a, b)).sum();
    let mean = sum / texts.len() as f32;
    writeln!(out, "mean cosine of the two precisions: {mean:.5}")?;
    Ok(())
}
