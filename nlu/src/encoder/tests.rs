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
        let split = threaded.encode(&[text]).expect("encode").remove(0);
        assert_eq!(&split, together, "{text:?} on three threads");
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

#[test]
fn the_models_own_layers_put_on_again_change_nothing() {
    let Some(folder) = test_model::folder() else {
        return;
    };
    // Tuned layers are kept in 16 bits, which moves some 8-bit weights by a step, and the activations after
    // them; odd texts show it most.
    for (precision, least) in [(Precision::Full, 0.9999), (Precision::Int8, 0.98)] {
        let encoder = Encoder::load_with(&folder, precision).expect("it loads");
        let base = encoder.encode(&TEXTS).expect("encode");
        for first in [0, 3, 5, 6] {
            let layers = encoder.layer_weights(first).expect("weights");
            if first == 6 {
                let none = Upper::new(first, &layers, precision);
                assert!(none.is_err(), "no layer at all");
                continue;
            }
            let upper = Upper::new(first, &layers, precision).expect("they pack");
            let again = Upper::from_bytes(upper.to_bytes(), precision).expect("they come back");
            assert_eq!(again.to_bytes(), upper.to_bytes());
            let encoded = encoder.encode_with(&TEXTS, &again).expect("encode");
            for (encoded, base) in encoded.iter().zip(&base) {
                assert_eq!(&encoded.base, base);
                let near = cosine(&encoded.tuned, base);
                assert!(near > least, "{precision:?} from layer {first}: {near}");
            }
        }
    }
}

#[test]
fn other_upper_layers_change_their_own_vectors_only() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let mut layers = encoder.layer_weights(4).expect("weights");
    layers[1]
        .norm
        .gain
        .iter_mut()
        .step_by(2)
        .for_each(|x| *x = 0.0);
    let upper = Upper::new(4, &layers, encoder.precision()).expect("they pack");
    let encoded = encoder.encode_with(&TEXTS, &upper).expect("encode");
    for (encoded, text) in encoded.iter().zip(TEXTS) {
        assert_eq!(encoded.base, encoder.encode(&[text]).expect("encode")[0]);
        assert!(cosine(&encoded.tuned, &encoded.base) < 0.9);
        let alone = encoder.encode_with(&[text], &upper).expect("encode");
        assert_eq!(&alone[0], encoded);
    }
    let elsewhere = Upper::new(3, &layers, encoder.precision()).expect("they pack");
    let error = encoder
        .encode_with(&TEXTS, &elsewhere)
        .expect_err("too few");
    assert!(
        error.to_string().contains("another sentence model"),
        "{error}"
    );
}

#[test]
fn states_are_what_a_tap_sees() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let tap = |seen: &mut Vec<(usize, Vec<f32>)>, layer: usize, rows: &[f32]| {
        seen.push((layer, rows.to_vec()));
    };
    let tapped = encoder.encode_tapped(&TEXTS, None, &tap).expect("encode");
    for layers in [0, 3, 6] {
        let states = encoder.states(&TEXTS, layers).expect("states");
        for ((encoded, seen), rows) in tapped.iter().zip(&states) {
            assert_eq!(seen.len(), 7);
            assert_eq!(seen[layers], (layers, rows.clone()));
            let pooled = pool::mean_and_normalise(rows, encoder.dimension());
            assert_eq!(layers == 6, pooled == encoded.base);
        }
    }
}

proptest::proptest! {
    #[test]
    fn stored_layers_that_are_none_are_refused(bytes in proptest::collection::vec(0u8.., 0..200)) {
        assert!(Upper::from_bytes(&bytes, Precision::Int8).is_err());
        let mut front = b"bhupper1".to_vec();
        front.extend(bytes);
        assert!(Upper::from_bytes(&front, Precision::Int8).is_err());
    }
}
