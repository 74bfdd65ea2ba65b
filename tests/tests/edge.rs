//! Who gets in at the edge of the real program: by which secrets, by which channel, and as whom they count.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bellhop::clock::Clock;
use bellhop::server::Claims;
use bellhop::setting::Secrets;
use bellhop_tests::{Customer, Program, Start};
use futures_util::future::try_join_all;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

/// A site that signs who its customers are.
fn site(secret: &str) -> Result<Claims> {
    Ok(Claims::new(&Secrets::new(vec![secret.repeat(8)])?)?)
}

fn start(env: &[(&str, &str)]) -> Start {
    let owned = |&(name, value): &(&str, &str)| (name.to_owned(), value.to_owned());
    Start {
        env: env.iter().map(owned).collect(),
        ..Start::default()
    }
}

#[tokio::test]
async fn while_a_secret_is_replaced_customers_of_both_get_in_and_nobody_else() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("site");
    std::fs::write(
        &file,
        format!("{}\n{}\n", "new!".repeat(8), "old!".repeat(8)),
    )?;
    let start = start(&[("BELLHOP_CUSTOMER_SECRET_FILE", &file.to_string_lossy())]);
    let program = Program::start(folder.path(), &start)?;
    let client = Client::new();
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

const REST: &str = "/webhooks/rest/webhook";

/// What a problem document says.
async fn problem(answer: Response) -> Result<(StatusCode, String)> {
    let status = answer.status();
    let kind = answer.headers()["content-type"].to_str()?.to_owned();
    ensure!(kind == "application/problem+json", "{status} {kind}");
    let said: Value = serde_json::from_str(&answer.text().await?)?;
    let detail = said["detail"].as_str().context("detail")?;
    Ok((status, detail.to_owned()))
}

#[tokio::test]
async fn the_rasa_channel_is_off_where_others_than_this_machine_could_reach_it() -> Result<()> {
    let client = Client::new();
    for (setting, value) in [
        ("BELLHOP_REST__ENABLED", "false"),
        ("BELLHOP_PUBLIC_URL", "https://chat.example"),
        ("BELLHOP_TRUSTED_PROXIES", "10.0.0.1,10.0.1.0/24"),
    ] {
        let folder = tempfile::tempdir()?;
        let program = Program::start(folder.path(), &start(&[(setting, value)]))?;
        let body = json!({ "sender": "ada", "message": "hello" });
        let asked = client.post(format!("{}{REST}", program.url)).json(&body);
        let (status, detail) = problem(asked.send().await?).await?;
        ensure!(
            status == 404 && !detail.contains("rest."),
            "{setting}: {status} {detail}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_rasa_channel_takes_json_of_who_knows_the_token_and_has_a_name() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let token = "rest-token-0123456789abcdef01234";
    let env = [
        ("BELLHOP_REST__TOKEN", token),
        ("BELLHOP_PUBLIC_URL", "https://chat.example"),
    ];
    let program = Program::start(folder.path(), &start(&env))?;
    let client = Client::new();
    let url = format!("{}{REST}", program.url);
    let body = r#"{"sender":"ada","message":"how much is the overdraft fee?"}"#;
    let post = |body: &str| {
        let json = client.post(&url).header("content-type", "application/json");
        json.body(body.to_owned())
    };
    let by_query = client
        .post(format!("{url}?token={token}"))
        .header("content-type", "application/json; charset=utf-8");
    for taken in [post(body).bearer_auth(token), by_query.body(body)] {
        let replies: Value =
            serde_json::from_str(&taken.send().await?.error_for_status()?.text().await?)?;
        ensure!(replies[0]["recipient_id"] == "ada", "{replies}");
    }
    let says = |kind: &str| {
        client
            .post(&url)
            .bearer_auth(token)
            .header("content-type", kind)
            .body(body)
    };
    let refused: [(&str, RequestBuilder, u16); 12] = [
        ("no token", post(body), 401),
        ("another token", post(body).bearer_auth("x".repeat(32)), 401),
        (
            "a part of the token",
            post(body).bearer_auth(&token[1..]),
            401,
        ),
        (
            "another in the query",
            client.post(format!("{url}?token=x")).body(body),
            401,
        ),
        (
            "a page of another site",
            post(body)
                .bearer_auth(token)
                .header("origin", "https://evil.example"),
            403,
        ),
        ("text, as a form posts it", says("text/plain"), 415),
        ("a form", says("application/x-www-form-urlencoded"), 415),
        ("something like it", says("application/jsonp"), 415),
        (
            "no kind",
            client.post(&url).bearer_auth(token).body(body),
            415,
        ),
        (
            "no sender",
            post(r#"{"message":"hi"}"#).bearer_auth(token),
            400,
        ),
        (
            "an empty sender",
            post(r#"{"sender":"","message":"hi"}"#).bearer_auth(token),
            400,
        ),
        (
            "spaces",
            post(r#"{"sender":"  ","message":"hi"}"#).bearer_auth(token),
            400,
        ),
    ];
    for (what, request, expected) in refused {
        let (status, detail) = problem(request.send().await?).await?;
        ensure!(
            status == expected && !detail.contains(token),
            "{what}: {status} {detail}"
        );
    }
    Ok(())
}

/// How many of many requests at once were too many; each of these says how long to wait.
async fn too_many(requests: impl Iterator<Item = RequestBuilder>) -> Result<usize> {
    let answers = try_join_all(requests.map(RequestBuilder::send)).await?;
    let mut refused = 0;
    for answer in answers {
        if answer.status() == StatusCode::TOO_MANY_REQUESTS {
            let wait = answer.headers().get("retry-after").context("how long")?;
            ensure!(wait.to_str()?.parse::<u32>()? >= 1, "{wait:?}");
            problem(answer).await?;
            refused += 1;
        }
    }
    Ok(refused)
}

#[tokio::test]
async fn a_limit_goes_by_the_customers_address_and_nobody_writes_their_own() -> Result<()> {
    const AT_ONCE: usize = 30;
    type Said = fn(usize) -> (&'static str, String);
    let each = |n: usize| ("x-forwarded-for", format!("203.0.113.{n}"));
    let behind: [(&str, Said, bool); 6] = [
        ("customers behind our proxy", each, false),
        (
            "behind two",
            |n| ("x-forwarded-for", format!("203.0.113.{n}, 127.0.0.1")),
            false,
        ),
        (
            "by the standard's header",
            |n| ("forwarded", format!("for=203.0.113.{n}")),
            false,
        ),
        (
            "one who makes up addresses",
            |n| ("x-forwarded-for", format!("203.0.113.{n}, 198.51.100.1")),
            true,
        ),
        (
            "one with a network of their own",
            |n| ("x-forwarded-for", format!("2001:db8:0:1::{n}")),
            true,
        ),
        (
            "one whose proxy hides them",
            |n| ("x-forwarded-for", format!("203.0.113.{n}, unknown")),
            true,
        ),
    ];
    let directly: [(&str, Said, bool); 1] = [("no proxy of ours", each, true)];
    for (trusted, cases) in [("127.0.0.1", &behind[..]), ("10.0.0.0/8", &directly)] {
        for (path, body) in [
            ("/v1/conversations", json!({})),
            ("/v1/desk/sign-in", json!({ "code": "guessed" })),
        ] {
            // The limits of one program are used up by what came before.
            for (who, said, is_limited) in cases {
                let folder = tempfile::tempdir()?;
                let env = [
                    ("BELLHOP_TRUSTED_PROXIES", trusted),
                    ("BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND", "1"),
                ];
                let program = Program::start(folder.path(), &start(&env))?;
                let client = Client::new();
                let url = format!("{}{path}", program.url);
                let requests = (1..=AT_ONCE).map(|n| {
                    let (name, value) = said(n);
                    client.post(&url).header(name, value).json(&body)
                });
                let refused = too_many(requests).await?;
                ensure!(
                    (refused > 0) == *is_limited,
                    "{who} at {path}: {refused} refused"
                );
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn whoever_sends_too_much_is_told_how_long_to_wait_on_every_route() -> Result<()> {
    const AT_ONCE: usize = 30;
    let folder = tempfile::tempdir()?;
    let env = [
        ("BELLHOP_LIMITS__MESSAGES_PER_SECOND", "1"),
        ("BELLHOP_LIMITS__CONVERSATIONS_PER_SECOND", "1"),
    ];
    let program = Program::start(folder.path(), &start(&env))?;
    let client = Client::new();
    let customer = Customer::open(&client, &program.url, json!({})).await?;
    let message = |n: usize| json!({ "client_msg_id": format!("m{n}"), "text": "hello" });
    let hello = |sender: String| json!({ "sender": sender, "message": "hello" });
    let messages = format!("/v1/conversations/{}/messages", customer.id);
    let body: [(&str, &dyn Fn(usize) -> Value); 5] = [
        (&messages, &message),
        // One sender who writes much, and one who makes up senders.
        (REST, &|_| hello("ada".to_owned())),
        (REST, &|n| hello(format!("sender {n}"))),
        ("/v1/conversations", &|_| json!({})),
        ("/v1/desk/sign-in", &|_| json!({ "code": "guessed" })),
    ];
    for (path, body) in body {
        let url = format!("{}{path}", program.url);
        let requests = (0..AT_ONCE).map(|n| {
            client
                .post(&url)
                .bearer_auth(&customer.token)
                .json(&body(n))
        });
        let refused = too_many(requests).await?;
        ensure!(refused > 0, "{path}: nothing was refused");
    }
    Ok(())
}
