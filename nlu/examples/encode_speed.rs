//! How long the encoder takes for one sentence on one core: `encode_speed MODEL_FOLDER`.

use std::io::Write;
use std::path::PathBuf;
use std::time::Instant;

use bellhop_nlu::encoder::Encoder;

const RUNS: usize = 500;
const SENTENCES: [&str; 4] = [
    "hi",
    "what's my balance",
    "I want to send money to my sister",
    "I lost my card and someone is spending my money, please block it right now",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = std::env::args_os()
        .nth(1)
        .ok_or("say where the model's folder is")?;
    let start = Instant::now();
    let encoder = Encoder::load(&PathBuf::from(folder))?;
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "loaded in {:.0} ms",
        start.elapsed().as_secs_f64() * 1e3
    )?;
    for sentence in SENTENCES {
        let mut times = Vec::with_capacity(RUNS);
        for _ in 0..RUNS {
            let start = Instant::now();
            encoder.encode(&[sentence])?;
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
        times.sort_by(f64::total_cmp);
        let (best, half, most) = (times[0], times[RUNS / 2], times[RUNS * 95 / 100]);
        writeln!(
            out,
            "best {best:.2} ms, p50 {half:.2}, p95 {most:.2}: {sentence}"
        )?;
    }
    let batch = SENTENCES.repeat(64);
    let start = Instant::now();
    encoder.encode(&batch)?;
    let each = start.elapsed().as_secs_f64() * 1e3 / 256.0;
    writeln!(out, "{each:.2} ms a sentence in a batch of 256")?;
    Ok(())
}
