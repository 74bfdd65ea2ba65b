use super::*;
use crate::encoder::Encoder;
use crate::test_model;

fn mood(encoder: &Encoder, head: &Sentiment, text: &str) -> Mood {
    let rows = encoder.states(&[text], head.layer()).expect("encode");
    head.judge(&rows[0])
}

#[test]
fn the_head_that_comes_along_is_small_and_whole() {
    let head = Sentiment::builtin();
    let bytes = head.to_bytes();
    assert!(bytes.len() < 100_000, "{} bytes", bytes.len());
    assert_eq!(bytes, include_bytes!("weights.json"));
    assert!(Sentiment::from_bytes(b"{}").is_err());
    assert_eq!(head.judge(&[1.0; 7]), Mood::default());
    assert_eq!(head.judge(&[]), Mood::default());
}

/// None of these is in `service.tsv`.
#[test]
fn upset_customers_are_told_from_calm_ones() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let head = Sentiment::builtin();
    let mut wrong = Vec::new();
    for text in [
        "this is ridiculous, let me talk to someone",
        "I'm furious, fix this now",
        "I am really angry with you people",
        "your customer service is horrible",
        "this is the third time I've called and nothing has been done",
        "this is the third time I call",
        "oh great, my card is blocked again",
        "are you serious?? I already told you twice",
        "MY MONEY IS GONE AND NOBODY CARES",
        "get me a human, you're hopeless",
        "no me están ayudando en nada",
        "llevo una hora esperando y nadie me atiende",
    ] {
        let found = mood(encoder, &head, text).negative;
        if found < 0.4 {
            wrong.push(format!("{text}: {found:.2}"));
        }
    }
    for text in [
        "I lost my card",
        "my card was stolen",
        "someone stole my card",
        "how much is in my savings account",
        "my wallet was taken, I need to block my card",
        "move 300 to my landlord please",
        "I would like to talk to an adviser",
        "when do you open tomorrow",
        "I love this",
        "what happens if my card is stolen abroad",
        "there's a charge I didn't make",
        "CHECK MY BALANCE",
        "perdí mi tarjeta",
        "me robaron la cartera",
    ] {
        let found = mood(encoder, &head, text).negative;
        if found > 0.2 {
            wrong.push(format!("{text}: {found:.2}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_words_that_sound_upset_are_named() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let head = Sentiment::builtin();
    for (text, word) in [
        ("hello, your customer service is horrible today", "horrible"),
        ("I am furious about my bank statement", "furious"),
    ] {
        let pieces = encoder.places(text).expect("tokens");
        let reasons = mood(encoder, &head, text).reasons(text, &pieces);
        assert!(reasons.len() <= REASONS, "{reasons:?}");
        let named: Vec<&str> = reasons.iter().map(|r| &text[r.start..r.end]).collect();
        assert!(named.contains(&word), "{text}: {reasons:?}");
    }
}

#[test]
fn pieces_of_a_word_count_together() {
    let mood = Mood {
        negative: 0.9,
        shares: vec![0.0, -0.5, 0.2, 0.3, 0.1, 0.0],
    };
    let pieces = [(0, 0), (0, 2), (3, 6), (6, 9), (9, 10), (0, 0)];
    let reasons = mood.reasons("so horrid!", &pieces);
    let ranges: Vec<(usize, usize)> = reasons.iter().map(|r| (r.start, r.end)).collect();
    assert_eq!(ranges, [(3, 9), (9, 10)]);
    assert!((reasons[0].weight - 0.5).abs() < 1e-6);
    // Ranges of another text are no reason to fail.
    assert!(mood.reasons("é", &pieces).len() <= REASONS);
}

#[test]
fn the_shares_add_up_to_what_the_score_moves() {
    // Two tokens of which the second carries everything.
    let width = 2;
    let rows = [0.0, 0.0, 2.0, 0.0];
    let (features, highest) = features(&rows, width);
    assert_eq!(features, [1.0, 0.0, 2.0, 0.0]);
    assert_eq!(highest, [1, 0]);
    let shares = shares(
        &rows,
        &[0.0, 0.0],
        &[0.5, 0.0, 0.25, 0.0],
        &highest,
        [1.0, 0.0],
    );
    // 0.5 * mean 1 + 0.25 * highest 2, all from the second.
    assert_eq!(shares, [-0.5, 0.5]);
}
