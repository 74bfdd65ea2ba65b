//! Messages to the demo bot with one request and with several, read by the real model.

use std::path::PathBuf;

use bellhop_nlu::encoder::Encoder;
use bellhop_nlu::{Context, Understanding};

use crate::folder::BotFolder;
use crate::load::{Checked, spec};

/// Text and its requests, parted by blanks, with `|` between those that are as good; none for one
/// request.
const MESSAGES: &str = include_str!("requests.csv");

/// The folder of the model, where there is one.
fn model() -> Option<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "tests have no settings")]
    let variable = |name| std::env::var(name).ok().map(PathBuf::from);
    let home = || Some(variable("HOME")?.join(".local/share/bellhop/models/all-MiniLM-L6-v2"));
    let folder = variable("BELLHOP_MODEL").or_else(home)?;
    folder.join("model.safetensors").exists().then_some(folder)
}

#[test]
#[ignore = "trains the demo bot on the model; set BELLHOP_MODEL"]
fn requests_of_a_message_are_found_and_one_is_not_taken_for_two() {
    let Some(model) = model() else {
        return;
    };
    let encoder = Encoder::load(&model).expect("a model that is there can be loaded");
    let folder = BotFolder::demo();
    let bundle = Checked::of(&folder).bundle.expect("the demo compiles");
    let spec = spec(&bundle, &folder.articles);
    let understanding = Understanding::train(&spec, &encoder).expect("it trains");
    let context = Context {
        now: jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC),
        language: "en".to_owned(),
        open: None,
    };
    let (mut several, mut single) = ((0, 0), (0, 0));
    let mut wrong = Vec::new();
    for row in csv::Reader::from_reader(MESSAGES.as_bytes()).records() {
        let row = row.expect("two columns");
        let wanted: Vec<&str> = row[1].split_whitespace().collect();
        let reading = understanding.read(&encoder, &row[0], &context);
        let requests = reading.expect("it reads").requests;
        let right = requests.len() == wanted.len()
            && requests
                .iter()
                .zip(&wanted)
                .all(|(request, wanted)| wanted.split('|').any(|one| one == request.intent));
        let tally = if wanted.is_empty() {
            &mut single
        } else {
            &mut several
        };
        tally.0 += usize::from(right);
        tally.1 += 1;
        if !right {
            wrong.push(format!("{}: {requests:?}", &row[0]));
        }
    }
    // What was reached when this was written, less two; it must not fall behind.
    assert!(several.0 >= 25, "{several:?}\n{}", wrong.join("\n"));
    assert!(single.0 >= 36, "{single:?}\n{}", wrong.join("\n"));
}
