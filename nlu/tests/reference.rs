//! The encoder against the same model in another implementation.

use std::path::{Path, PathBuf};

use bellhop_nlu::encoder::{Encoder, Precision};
use candle_core::{DType, Device, Tensor};
use candle_nn::VarBuilder;
use candle_transformers::models::bert::{BertModel, Config as BertConfig};

const TEXTS: [&str; 8] = [
    "what's my balance",
    "I lost my card and someone is spending my money, please block it right now",
    "hi",
    "¿Dónde está mi tarjeta nueva?",
    "",
    "Transfer £250.00 to Jamie's savings account on 3 March, then tell me what is left over",
    "this is ridiculous, let me talk to someone",
    "aaaa bbbb 1234 5678 🙂 \u{200b} 東京",
];

/// The folder that `BELLHOP_MODEL` names, else where the program downloads the model to.
fn model() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let variable = |name| std::env::var(name).ok();
    let home = || Some(PathBuf::from(variable("HOME")?).join(".local/share/bellhop/models"));
    let folder = variable("BELLHOP_MODEL")
        .map(PathBuf::from)
        .or_else(|| Some(home()?.join("all-MiniLM-L6-v2")))?;
    let there = folder.join("model.safetensors").exists();
    if !there {
        #[expect(clippy::print_stderr, reason = "a skipped test must say so")]
        {
            eprintln!("skipped: set BELLHOP_MODEL to the folder of all-MiniLM-L6-v2");
        }
    }
    there.then_some(folder)
}

/// The same model in another implementation, a sentence at a time.
fn reference(folder: &Path, texts: &[&str]) -> Vec<Vec<f32>> {
    let config = std::fs::read(folder.join("config.json")).expect("config");
    let config: BertConfig = serde_json::from_slice(&config).expect("config is JSON");
    let tensors = candle_core::safetensors::load(folder.join("model.safetensors"), &Device::Cpu)
        .expect("weights");
    let vars = VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu);
    let model = BertModel::load(vars, &config).expect("model");
    let mut tokenizer =
        tokenizers::Tokenizer::from_file(folder.join("tokenizer.json")).expect("tokenizer");
    tokenizer.with_padding(None);
    let vectors = texts.iter().map(|text| {
        let ids = tokenizer
            .encode(*text, true)
            .expect("tokens")
            .get_ids()
            .to_vec();
        let n = ids.len();
        let ids = Tensor::from_vec(ids, (1, n), &Device::Cpu).expect("ids");
        let kinds = ids.zeros_like().expect("kinds");
        let rows = model.forward(&ids, &kinds, None).expect("forward");
        let mean = rows.mean(1).expect("mean").squeeze(0).expect("one");
        let mean: Vec<f32> = mean.to_vec1().expect("numbers");
        let norm = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
        mean.into_iter().map(|x| x / norm).collect()
    });
    vectors.collect()
}

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn equals_another_implementation() {
    let Some(folder) = model() else {
        return;
    };
    let encoder = Encoder::load_with(&folder, Precision::Full).expect("the model loads");
    let long = "my card was declined at the shop yesterday ".repeat(40);
    let mut texts = TEXTS.to_vec();
    texts.push(&long);
    let expected = reference(&folder, &texts);
    let found = encoder.encode(&texts).expect("encode");
    for (text, (found, expected)) in texts.iter().zip(found.iter().zip(&expected)) {
        assert_eq!(found.len(), 384);
        let worst = found
            .iter()
            .zip(expected)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        assert!(worst < 1e-4, "{text:?} is off by {worst}");
        assert!(cosine(found, expected) > 0.999_999, "{text:?}");
    }
    // Eight bits lose a little, on odd texts more than on customers' messages.
    let fast = Encoder::load_with(&folder, Precision::Int8).expect("the model loads");
    let found = fast.encode(&texts).expect("encode");
    let pairs = found.iter().zip(&expected);
    let mean = pairs.map(|(a, b)| cosine(a, b)).sum::<f32>() / texts.len() as f32;
    assert!(mean > 0.995, "{mean}");
    assert_ne!(fast.fingerprint(), encoder.fingerprint());
}
