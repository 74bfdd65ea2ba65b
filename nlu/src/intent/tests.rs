//! On made-up embeddings: every intent has a direction of its own, texts lie around it.

use super::*;

const LENGTH: usize = 24;

/// A unit vector near direction `at`, a little off by `variant`.
fn around(at: usize, variant: usize) -> Vec<f32> {
    let mut v: Vec<f32> = (0..LENGTH)
        .map(|i| ((i * 7 + variant * 13 + at) as f32).sin() * 0.15)
        .collect();
    v[at] += 1.0;
    let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
    v.iter().map(|x| x / length).collect()
}

struct World {
    inside: Vec<(String, Vec<f32>, String)>,
    outside: Vec<(Vec<f32>, String)>,
}

/// Six intents of eight examples, and forty texts in eight other directions.
fn world() -> World {
    let inside = (0..48).map(|i| {
        (
            format!("intent{}", i % 6),
            around(i % 6, i),
            format!("w{} x{i}", i % 6),
        )
    });
    let outside = (0..40).map(|i| (around(12 + i % 8, i), format!("other{}", i % 8)));
    World {
        inside: inside.collect(),
        outside: outside.collect(),
    }
}

impl World {
    fn train(&self) -> Head {
        let examples: Vec<Example<'_>> = self
            .inside
            .iter()
            .map(|(class, embedding, text)| Example {
                class,
                features: embedding,
                text,
            })
            .collect();
        let outside: Vec<Outside<'_>> = self
            .outside
            .iter()
            .map(|(embedding, text)| Outside {
                features: embedding,
                text,
                background: true,
            })
            .collect();
        Head::train(&examples, &outside, LENGTH, 1, &mut |_| {}).expect("it trains")
    }
}

#[test]
fn the_nearest_intent_wins_and_elsewhere_none_does() {
    let head = world().train();
    for at in 0..6 {
        let (intents, none) = head.predict(&around(at, 100), "");
        assert_eq!(intents[0].0, format!("intent{at}"));
        assert!(intents[0].1 > 0.5, "{intents:?}");
        let sum = none + intents.iter().map(|i| i.1).sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-9, "{sum}");
        assert!(intents.is_sorted_by(|a, b| a.1 >= b.1));
    }
    let (intents, none) = head.predict(&around(15, 100), "");
    assert!(none > 0.5, "{none} {intents:?}");
}

#[test]
fn the_words_decide_where_the_embedding_does_not() {
    let head = world().train();
    let flat = vec![0.0; LENGTH];
    assert_eq!(head.predict(&flat, "w3").0[0].0, "intent3");
    assert_eq!(head.predict(&flat, "w5").0[0].0, "intent5");
}

#[test]
fn training_again_gives_the_same_bytes() {
    assert_eq!(world().train().to_bytes(), world().train().to_bytes());
}

#[test]
fn a_stored_head_reads_the_same_and_a_broken_one_is_refused() {
    let head = world().train();
    let bytes = head.to_bytes();
    assert_eq!(Head::from_bytes(&bytes).expect("it reads"), head);
    for broken in [
        &bytes[..bytes.len() - 4],
        &bytes[..bytes.len() - 1],
        &bytes[..20],
        b"",
        b"{}\n",
    ] {
        assert!(Head::from_bytes(broken).is_err());
    }
}

#[test]
fn a_background_sentence_about_an_intent_is_left_out() {
    let mut world = world();
    world
        .outside
        .extend((0..6).map(|at| (around(at, at), format!("w{at}"))));
    let (intents, none) = world.train().predict(&around(2, 100), "w2");
    assert!(intents[0].1 > 0.7 && none < 0.2, "{none} {intents:?}");
}

#[test]
fn the_built_in_background_is_long_and_has_no_line_twice() {
    let lines = background();
    let different: std::collections::BTreeSet<&str> = lines.iter().copied().collect();
    assert!(lines.len() >= 150);
    assert_eq!(different.len(), lines.len());
}

#[test]
fn no_example_is_an_error_that_says_what_to_do() {
    let error = Head::train(&[], &[], LENGTH, 1, &mut |_| {}).expect_err("nothing to learn");
    assert!(error.to_string().contains("at least two"), "{error}");
}
