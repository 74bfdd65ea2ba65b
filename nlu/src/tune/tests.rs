use super::*;
use crate::test_model;

const TEXTS: [(&str, usize); 12] = [
    ("where is my card", 0),
    ("my card hasn't arrived", 0),
    ("when will the new card come", 0),
    ("is my card in the post", 0),
    ("my card was stolen", 1),
    ("someone took my card", 1),
    ("I lost my card yesterday", 1),
    ("block my card, it is gone", 1),
    ("how much money do I have", 2),
    ("what's my balance", 2),
    ("show me what is left on the account", 2),
    ("tell me my account's balance please", 2),
];

fn recipe() -> Recipe {
    Recipe {
        frozen: 4,
        epochs: 4.0,
        batch: 6,
        dropout: 0.1,
        ..Recipe::default()
    }
}

fn tune(threads: usize, seed: u64) -> Option<(Tuned, Vec<Vec<f32>>)> {
    let (texts, labels): (Vec<&str>, Vec<usize>) = TEXTS.into_iter().unzip();
    let recipe = recipe();
    let mut tuner =
        Tuner::new(test_model::encoder()?, &texts, &recipe, &mut |_| ()).expect("texts");
    tuner.threads = threads;
    let all: Vec<usize> = (0..texts.len()).collect();
    let mut shares = Vec::new();
    let tuned = tuner
        .tune(&all, &labels, seed, &mut |share| shares.push(share))
        .expect("tunes");
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "{shares:?}"
    );
    let vectors = tuner.embed(&tuned.upper).expect("vectors");
    Some((tuned, vectors))
}

#[test]
fn threads_change_nothing_and_the_seed_does() {
    let Some((one, _)) = tune(1, 3) else {
        return;
    };
    let (two, _) = tune(2, 3).expect("the model is there");
    assert!(one.upper.to_bytes() == two.upper.to_bytes() && one.prototypes == two.prototypes);
    let (other, _) = tune(2, 4).expect("the model is there");
    assert!(one.upper.to_bytes() != other.upper.to_bytes());
}

#[test]
fn a_batch_of_one_text_is_learned_from() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let (texts, labels): (Vec<&str>, Vec<usize>) = TEXTS[..7].iter().copied().unzip();
    let recipe = recipe();
    let tuner = Tuner::new(encoder, &texts, &recipe, &mut |_| ()).expect("texts");
    assert_eq!(texts.len() % recipe.batch, 1);
    let all: Vec<usize> = (0..texts.len()).collect();
    let tuned = tuner.tune(&all, &labels, 1, &mut |_| ()).expect("tunes");
    let vectors = tuner.embed(&tuned.upper).expect("vectors");
    assert!(vectors.iter().flatten().all(|x| x.is_finite()));
}

#[test]
fn intents_move_apart_and_reading_sees_the_same_vectors() {
    let Some((tuned, vectors)) = tune(2, 1) else {
        return;
    };
    let encoder = test_model::encoder().expect("the model is there");
    let texts: Vec<&str> = TEXTS.iter().map(|t| t.0).collect();
    let encoded = encoder.encode_with(&texts, &tuned.upper).expect("encodes");
    let cosine = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
    for (vector, encoded) in vectors.iter().zip(&encoded) {
        // The rows that tuning keeps are rounded to 16 bits, and 8-bit activations to a step.
        assert!(cosine(vector, &encoded.tuned) > 0.999);
    }
    let width = encoder.dimension();
    for (vector, (_, class)) in vectors.iter().zip(TEXTS) {
        let near = |class: usize| cosine(vector, &tuned.prototypes[class * width..][..width]);
        assert!((0..3).all(|other| near(other) <= near(class)));
    }
    // Mean cosine of texts of one intent, less that of texts of two.
    let gap = |of: &dyn Fn(usize) -> Vec<f32>| {
        let (mut inside, mut across) = (Vec::new(), Vec::new());
        for (i, one) in TEXTS.iter().enumerate() {
            for (j, other) in TEXTS[..i].iter().enumerate() {
                let same = one.1 == other.1;
                let to = if same { &mut inside } else { &mut across };
                to.push(cosine(&of(i), &of(j)));
            }
        }
        let mean = |x: &[f32]| x.iter().sum::<f32>() / x.len() as f32;
        mean(&inside) - mean(&across)
    };
    let before = gap(&|i| encoded[i].base.clone());
    let after = gap(&|i| encoded[i].tuned.clone());
    assert!(after > before + 0.1, "{before} to {after}");
}

#[test]
fn the_rate_rises_and_falls() {
    let shares: Vec<f32> = (0..100).map(|step| rate(step, 100)).collect();
    assert!(shares[..10].is_sorted());
    assert_eq!(shares[10], 1.0);
    assert!(shares[10..].is_sorted_by(|a, b| a >= b));
    assert!(shares[99] > 0.0 && shares[99] < 0.02);
    assert_eq!(rate(0, 1), 1.0);
}
