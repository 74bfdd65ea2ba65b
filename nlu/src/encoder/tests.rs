use super::*;
use crate::test_model;

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

fn cosine(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[test]
fn a_text_has_the_same_bytes_alone_in_a_batch_and_with_threads() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let folder = test_model::folder().expect("the model is there");
    let threaded = Encoder::load(&folder).expect("load").with_threads(3);
    let mut texts = TEXTS.repeat(5);
    texts.rotate_left(3);
    let together = encoder.encode(&texts).expect("encode");
    assert_eq!(together, threaded.encode(&texts).expect("encode"));
    for (text, together) in texts.iter().zip(&together) {
        let alone = encoder.encode(&[text]).expect("encode").remove(0);
        assert_eq!(&alone, together, "{text:?}");
    }
}

#[test]
fn near_meanings_lie_near_and_vectors_have_length_one() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let texts = [
        "how much money do I have",
        "what's my balance",
        "the train leaves at nine",
    ];
    let v = encoder.encode(&texts).expect("encode");
    assert!(cosine(&v[0], &v[1]) > cosine(&v[0], &v[2]) + 0.2);
    for v in &v {
        assert!((cosine(v, v) - 1.0).abs() < 1e-5);
    }
    assert!(encoder.encode(&[]).expect("encode").is_empty());
    assert_eq!(encoder.fingerprint().len(), 64);
}

#[test]
fn a_missing_file_is_named() {
    let folder = tempfile::tempdir().expect("folder");
    let error = Encoder::load(folder.path())
        .expect_err("nothing there")
        .to_string();
    assert!(error.contains("config.json"), "{error}");
    assert!(error.contains("model.safetensors"), "{error}");
}

#[test]
fn another_kind_of_model_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("folder");
    let write = |text: &str| std::fs::write(folder.path().join("config.json"), text);
    let config = |act: &str, heads: usize| {
        format!(
            r#"{{"vocab_size":9,"hidden_size":384,"num_hidden_layers":6,"num_attention_heads":{heads},
            "intermediate_size":1536,"max_position_embeddings":512,"layer_norm_eps":1e-12,
            "hidden_act":"{act}"}}"#
        )
    };
    for (text, reason) in [
        (config("relu", 12), "hidden_act is relu"),
        (config("gelu", 6), "heads of 32"),
        ("{}".to_owned(), "vocab_size"),
    ] {
        write(&text).expect("write");
        let error = Encoder::load(folder.path())
            .expect_err("refused")
            .to_string();
        assert!(error.contains(reason), "{error}");
    }
}
