//! PINs on the demo bots, whose systems of record check them: the system is told the PIN, and nothing that is kept or shown holds it.

use anyhow::{Context, Result};
use bellhop_tests::{Customer, Program, Start, get, post, texts};
use serde_json::{Value, json};

/// What is said until a card is blocked, in a language; `PIN` stands for itself.
struct Case {
    language: &'static str,
    says: &'static [&'static str],
    blocked: &'static str,
}

const CASES: [Case; 4] = [
    Case {
        language: "en",
        says: &["I lost my card", "30552208", "2580", "4812"],
        blocked: "is blocked",
    },
    Case {
        language: "en",
        says: &["I lost my card", "30552208, 2580", "4812"],
        blocked: "is blocked",
    },
    Case {
        language: "en",
        says: &[
            "I lost my card",
            "30552208",
            "it's 1111",
            "sorry, my PIN is 2580",
            "4812",
        ],
        blocked: "is blocked",
    },
    Case {
        language: "es",
        says: &[
            "he perdido mi tarjeta",
            "30552208",
            "mi PIN es 2580",
            "4812",
        ],
        blocked: "bloqueada",
    },
];

/// All strings in a JSON value, but times and ids.
fn strings<'v>(value: &'v Value, out: &mut Vec<&'v str>) {
    match value {
        Value::String(text) => out.push(text),
        Value::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Value::Object(fields) => {
            let told = |name: &str| {
                name != "at" && !name.ends_with("_at") && !name.ends_with("id") && name != "sha256"
            };
            let told = fields.iter().filter(|(name, _)| told(name));
            told.for_each(|(_, field)| strings(field, out));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn holds(value: &Value, pin: &str) -> bool {
    let mut all = Vec::new();
    strings(value, &mut all);
    all.iter().any(|text| text.contains(pin))
}

#[tokio::test]
async fn a_pin_opens_the_account_and_nobody_sees_it() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path(), &Start::default())?;
    let (client, url) = (reqwest::Client::new(), &program.url);
    let staff = Customer::sign_in(&client, url, &program.staff_code).await?;
    for case in CASES {
        let open = json!({ "language": case.language });
        let mut customer = Customer::open(&client, url, open).await?;
        let mut told = Vec::new();
        for said in case.says {
            told = customer.say(said).await?;
        }
        if !texts(&told).contains("4812") {
            // Which of the two is asked first, whether it was lost or stolen, is the flow's.
            told = customer
                .say(if case.language == "es" {
                    "perdida"
                } else {
                    "lost"
                })
                .await?;
        }
        told.extend(
            customer
                .say(if case.language == "es" { "sí" } else { "yes" })
                .await?,
        );
        assert!(
            texts(&told).contains(case.blocked),
            "{:?}: {told:#?}",
            case.says
        );
        let waiting = customer.press("/human").await?;
        let handoff = waiting.iter().find(|event| event["type"] == "handoff");
        let handoff = handoff.context("a handoff")?["handoff_id"]
            .as_str()
            .context("its id")?;
        let trace = format!("{url}/v1/conversations/{}/trace", customer.id);
        let trace = get(&client, &trace, &staff).await?;
        let accept = format!("{url}/v1/desk/handoffs/{handoff}/accept");
        let envelope = post(&client, &accept, Some(&staff), &json!({})).await?;
        for pin in ["2580", "1111"] {
            assert!(!holds(&trace, pin), "{trace:#}");
            assert!(!holds(&envelope, pin), "{envelope:#}");
        }
        let mut shown = Vec::new();
        strings(&envelope["transcript"], &mut shown);
        assert!(shown.iter().any(|text| text.contains("****")), "{shown:?}");
        assert!(shown.contains(&"password"), "{shown:?}");
        // What was told is told: agents know that the PIN was given, and the rest.
        assert!(holds(&envelope, "30552208") && holds(&envelope, "4812"));
        assert!(
            envelope.to_string().contains("PIN given"),
            "{:#}",
            envelope["summary"]
        );
    }
    Ok(())
}
