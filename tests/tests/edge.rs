//! Who gets in at the edge of the real program: by which secrets, by which channel, and as whom they count.

use std::collections::BTreeMap;

use anyhow::Result;
use bellhop::clock::Clock;
use bellhop::server::Claims;
use bellhop::setting::Secrets;
use bellhop_tests::{Program, Start};
use serde_json::json;

/// A site that signs who its customers are.
fn site(secret: &str) -> Result<Claims> {
    Ok(Claims::new(&Secrets::new(vec![secret.repeat(8)])?)?)
}

#[tokio::test]
async fn while_a_secret_is_replaced_customers_of_both_get_in_and_nobody_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("site");
    std::fs::write(
        &file,
        format!("{}\n{}\n", "new!".repeat(8), "old!".repeat(8)),
    )?;
    let start = Start {
        env: vec![(
            "BELLHOP_CUSTOMER_SECRET_FILE".to_owned(),
            file.display().to_string(),
        )],
        ..Start::default()
    };
    let program = Program::start(folder.path(), &start)?;
    let client = reqwest::Client::new();
    let facts = BTreeMap::from([("id".to_owned(), "cust_2208".to_owned())]);
    for (secret, status) in [("new!", 201), ("old!", 201), ("bad!", 401)] {
        let token = site(secret)?.sign(&facts, Clock::System.now());
        let opened = client
            .post(format!("{}/v1/conversations", program.url))
            .json(&json!({ "token": token }))
            .send()
            .await?;
        assert_eq!(opened.status().as_u16(), status, "{secret}");
    }
    Ok(())
}
