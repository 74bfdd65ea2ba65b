use super::*;
use crate::acts::{Act, Polarity};
use crate::test_model;
use crate::tune::Recipe;
use crate::{EntitySpec, ExampleSpec, IntentSpec};

pub(super) fn spec(intents: &[(&str, &[&str])]) -> Spec {
    let example = |text: &&str| ExampleSpec {
        text: (*text).to_owned(),
        language: "en".to_owned(),
        marks: Vec::new(),
    };
    Spec {
        languages: vec!["en".to_owned(), "es".to_owned()],
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        intents: intents
            .iter()
            .map(|(name, texts)| IntentSpec {
                name: (*name).to_owned(),
                examples: texts.iter().map(example).collect(),
            })
            .collect(),
        entities: Vec::new(),
    }
}

pub(crate) fn bank() -> Spec {
    spec(&[
        (
            "block_card",
            &[
                "I lost my card",
                "block my card please",
                "my card was stolen",
                "someone took my debit card",
                "he perdido mi tarjeta",
                "bloquear la tarjeta",
            ],
        ),
        (
            "balance",
            &[
                "what's my balance",
                "how much money do I have",
                "am I overdrawn",
                "balance please",
                "cuál es mi saldo",
                "cuánto dinero tengo",
            ],
        ),
        (
            "article:branches/hours",
            &[
                "when do you open",
                "what are your opening hours",
                "are you open on Saturday",
                "what time does the branch close",
                "a qué hora abren",
                "horario de la sucursal",
            ],
        ),
    ])
}

/// Vectors that say nothing.
pub(super) fn blank() -> Vectors {
    Vectors {
        embedding: vec![0.0; 384],
        features: vec![0.0; 384],
        ..Vectors::default()
    }
}

pub(super) fn context() -> Context {
    Context {
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC),
        language: "en".to_owned(),
        open: None,
    }
}

#[test]
fn the_cache_key_follows_examples_and_encoder_alone() {
    let bank = bank();
    let key = bank.cache_key("encoder");
    let mut other = bank.clone();
    other.currency = "EUR".to_owned();
    other.intents.reverse();
    assert_eq!(other.cache_key("encoder"), key);
    assert_ne!(bank.cache_key("another"), key);
    other.intents[0].examples[0].text.push('!');
    assert_ne!(other.cache_key("encoder"), key);
    let ab = spec(&[("a", &["bc"])]);
    let abc = spec(&[("ab", &["c"])]);
    assert_ne!(ab.cache_key(""), abc.cache_key(""));
    assert_ne!(ab.cache_key(""), ab.cache_key_of("", Mode::Tune));
}

#[test]
fn a_bot_without_examples_reads_none() {
    let empty = spec(&[]);
    let bytes = Understanding::assemble(&empty, None, None)
        .expect("nothing is wrong")
        .to_bytes();
    let understanding =
        Understanding::from_bytes(&bytes, &empty, Precision::Int8).expect("it reads back");
    let reading = understanding.reading(&blank(), "hello", &context());
    assert_eq!((reading.intents.len(), reading.none), (0, 1.0));
}

#[test]
fn bytes_of_another_bot_or_cut_short_are_refused() {
    let empty = spec(&[]);
    let bytes = Understanding::assemble(&empty, None, None)
        .expect("nothing is wrong")
        .to_bytes();
    for (bytes, spec) in [(&bytes[..], &bank()), (&bytes[..6], &empty), (&[], &empty)] {
        let error =
            Understanding::from_bytes(bytes, spec, Precision::Int8).expect_err("it can't be used");
        assert!(error.to_string().contains("train it again"), "{error}");
    }
}

#[test]
fn marks_of_what_a_list_finds_are_not_learned() {
    let mut spec = spec(&[("pay", &["pay Ann from savings", "pay Bob"])]);
    let entity = |name: &str, kind| EntitySpec {
        name: name.to_owned(),
        kind,
        spelled: false,
    };
    let savings = BTreeMap::from([("en".to_owned(), vec!["savings".to_owned()])]);
    let list = EntityKind::List(BTreeMap::from([("savings".to_owned(), savings)]));
    spec.entities = vec![
        entity("account", list),
        entity("person", EntityKind::Learned),
    ];
    spec.intents[0].examples[0].marks = vec![(4, 7, "payee".into()), (13, 20, "from".into())];
    spec.intents[0].examples[1].marks = vec![(4, 7, "person".into())];
    let finder = Finder::new(&spec).expect("a list");
    let wanted: Vec<String> = wanted(&spec, &finder).into_iter().collect();
    assert_eq!(wanted, ["payee", "person"]);
}

#[test]
#[ignore = "needs the model; set BELLHOP_MODEL"]
fn a_small_bank_reads_what_it_was_not_taught() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let spec = bank();
    let mut shares = Vec::new();
    let options = TrainOptions::default();
    let understanding =
        Understanding::train_with(&spec, encoder, &options, &mut |share| shares.push(share))
            .expect("it trains");
    assert!(
        shares.is_sorted() && shares.last() == Some(&1.0),
        "{shares:?}"
    );
    let texts = [
        ("where did I put my card, please stop it", "block_card"),
        ("how much is left in the account", "balance"),
        ("opening times on Monday", "article:branches/hours"),
        ("me han robado la tarjeta", "block_card"),
    ];
    let context = context();
    for (text, intent) in texts {
        let reading = understanding
            .read(encoder, text, &context)
            .expect("it reads");
        assert_eq!(
            reading.intents[0].0, intent,
            "{text}: {:?}",
            reading.intents
        );
        let sum = reading.none + reading.intents.iter().map(|i| i.1).sum::<f64>();
        assert!((sum - 1.0).abs() < 1e-9);
    }
    let reading = understanding.read(encoder, "who painted the Mona Lisa", &context);
    assert!(reading.expect("it reads").none > 0.5);

    let bytes = understanding.to_bytes();
    let again =
        Understanding::from_bytes(&bytes, &spec, encoder.precision()).expect("it reads back");
    assert_eq!(again.to_bytes(), bytes);
    let pairs: Vec<_> = texts.iter().map(|(text, _)| (*text, &context)).collect();
    let batch = again.read_batch(encoder, &pairs).expect("it reads");
    for (reading, (text, intent)) in batch.iter().zip(texts) {
        assert_eq!(reading.intents[0].0, intent, "{text}");
    }
}

#[test]
#[ignore = "needs the model; set BELLHOP_MODEL"]
fn a_tuned_bank_reads_the_same_after_storing_and_keeps_the_models_own_vectors() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let spec = bank();
    let recipe = Recipe {
        frozen: 5,
        epochs: 2.0,
        ..Recipe::default()
    };
    let mut shares = Vec::new();
    let texts = Texts::new(&spec, &[]);
    let mut progress = |share| shares.push(share);
    let (head, upper) =
        learn::tuned(encoder, &texts, &recipe, 0, &mut progress).expect("it trains");
    assert!(
        shares.is_sorted() && shares.iter().all(|share| *share <= 1.0),
        "{shares:?}"
    );
    let learned = Understanding::assemble(&spec, Some(head), None).expect("nothing is wrong");
    let tuned = Understanding {
        upper: Some(upper),
        ..learned
    };
    let again = Understanding::from_bytes(&tuned.to_bytes(), &spec, encoder.precision())
        .expect("it reads back");
    assert_eq!(again.to_bytes(), tuned.to_bytes());
    let context = context();
    for (text, intent) in [
        ("where did I put my card, please stop it", "block_card"),
        ("how much is left in the account", "balance"),
    ] {
        let reading = tuned.read(encoder, text, &context).expect("it reads");
        assert_eq!(reading.intents[0].0, intent, "{:?}", reading.intents);
        assert_eq!(
            reading.embedding,
            encoder.encode(&[text]).expect("encodes")[0]
        );
        assert_eq!(
            again.read(encoder, text, &context).expect("it reads"),
            reading
        );
    }
}

#[test]
fn clauses_are_read_in_the_light_of_what_is_open_and_by_themselves() {
    let Some(encoder) = test_model::encoder() else {
        return;
    };
    let understanding = Understanding::train(&bank(), encoder).expect("it trains");
    let (nothing, mut confirm) = (context(), context());
    confirm.open = Some("confirm".to_owned());
    let read = |text: &str, context: &Context| {
        let reading = understanding.read(encoder, text, context);
        reading.expect("it reads")
    };
    let text = "no thanks, but please block my card";
    let reading = read(text, &confirm);
    let parts: Vec<&str> = reading
        .clauses
        .iter()
        .map(|c| &text[c.start..c.end])
        .collect();
    assert_eq!(parts, ["no thanks,", "but please block my card"]);
    assert_eq!(reading.clauses[0].acts[0].0, Act::Deny);
    assert_eq!(reading.clauses[0].intent, None);
    assert_eq!(reading.clauses[1].acts[0].0, Act::Request);
    let (intent, probability) = reading.clauses[1].intent.clone().expect("it was read");
    assert!(
        intent == "block_card" && probability > 0.5,
        "{intent} {probability}"
    );
    assert_eq!(
        read("block my card", &nothing).clauses[0].intent,
        None,
        "it is the message"
    );

    // The second time it is remembered, and yet another question is open.
    let text = "not until I know the price";
    let (open, closed) = (read(text, &confirm), read(text, &nothing));
    assert_eq!(open.clauses[0].acts[0].0, Act::Limit);
    assert_ne!(open.clauses, closed.clauses);
    assert_eq!(read(text, &confirm), open);
    let both = understanding.read_batch(encoder, &[(text, &confirm), (text, &nothing)]);
    assert_eq!(both.expect("it reads"), [open, closed]);

    let dates = |text: &str| -> Vec<Polarity> {
        let found = read(text, &nothing).entities.into_iter();
        found
            .filter(|e| e.entity == "date")
            .map(|e| e.polarity)
            .collect()
    };
    assert_eq!(
        dates("not Monday, Tuesday"),
        [Polarity::Excluded, Polarity::Affirmed]
    );
    assert_eq!(dates("is Monday free?"), [Polarity::Asked]);
    let answers = read("no, not Monday", &confirm).entities.into_iter();
    let yes_no: Vec<Polarity> = answers
        .filter(|e| e.entity == "yes_no")
        .map(|e| e.polarity)
        .collect();
    assert_eq!(yes_no, [Polarity::Affirmed]);
}
