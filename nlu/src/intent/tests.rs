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

#[test]
fn a_thousand_intents_are_told_apart() {
    // Each intent lies between two directions of its own, and has a word of its own.
    let pairs = (0..46).flat_map(|a| (0..a).map(move |b| (a, b)));
    let pairs: Vec<(usize, usize)> = pairs.take(1000).collect();
    let vector = |(a, b): (usize, usize), variant: usize| {
        let noise = (0..46).map(|i| ((i * 7 + variant * 13 + a * 3 + b) as f32).sin() * 0.15);
        let mut v: Vec<f32> = noise.collect();
        v[a] += 1.0;
        v[b] += 1.0;
        let length = v.iter().map(|x| x * x).sum::<f32>().sqrt();
        v.iter().map(|x| x / length).collect::<Vec<f32>>()
    };
    let world: Vec<(String, Vec<f32>, String)> = (0..3000)
        .map(|i| {
            let at = i % 1000;
            (
                format!("intent{at:04}"),
                vector(pairs[at], i),
                format!("{} x{i}", "abcdefghij".repeat(1 + at / 500)),
            )
        })
        .collect();
    let examples: Vec<Example<'_>> = world
        .iter()
        .map(|(class, features, text)| Example {
            class,
            features,
            text,
        })
        .collect();
    let head = Head::train(&examples, &[], 46, 1, &mut |_| {}).expect("it trains");
    let right = (0..1000).filter(|at| {
        let (intents, _) = head.predict(&vector(pairs[*at], 4001), "");
        intents[0].0 == format!("intent{at:04}")
    });
    let right = right.count();
    assert!(right > 900, "{right}");
    // What is between two intents becomes the one that it is added to.
    let (a, b) = (vector(pairs[7], 4001), vector(pairs[8], 4001));
    let between: Vec<f32> = a.iter().zip(&b).map(|(a, b)| (a + b) / 2.0).collect();
    let probability = |head: &Head, name: &str| {
        let (intents, _) = head.predict(&between, "");
        intents.iter().find(|i| i.0 == name).map_or(0.0, |i| i.1)
    };
    let added = Example {
        class: "intent0007",
        features: &between,
        text: "between",
    };
    let after = head.with_example(&examples, &[], added).expect("it fits");
    assert!(probability(&after, "intent0007") > probability(&head, "intent0007"));
}
