//! The OpenAPI document against the program: each route is asked as it should not be, and every refusal is a problem document that
//! says nothing of the inside.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use bellhop_tests::{Customer, Program, Start, get};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;

/// Longer than most addresses take, and short enough to be sent whole before the answer comes.
const TOO_LONG: usize = 256 << 10;
/// What a detail must not give away.
const INSIDE: [&str; 7] = ["panicked", "src/", ".rs", "axum", "sqlite", "SELECT", "::"];

/// The methods of each address that the document names.
fn addresses(document: &Value) -> Result<BTreeMap<String, Vec<Method>>> {
    let paths = document["paths"].as_object().context("paths")?;
    let mut all = BTreeMap::new();
    for (path, item) in paths {
        let named = item.as_object().context("a path")?.keys();
        let methods =
            named.filter_map(|name| Method::from_bytes(name.to_uppercase().as_bytes()).ok());
        all.insert(path.clone(), methods.collect());
    }
    Ok(all)
}

/// Asks, and fails where the answer is a refusal of another form or an error of the program's own.
async fn check(what: &str, request: RequestBuilder) -> Result<StatusCode> {
    let answer = request.send().await.with_context(|| what.to_owned())?;
    let status = answer.status();
    ensure!(!status.is_server_error(), "{what}: {status}");
    if !status.is_client_error() {
        return Ok(status);
    }
    let kind = answer.headers().get("content-type").cloned();
    let text = answer.text().await?;
    ensure!(
        kind.is_some_and(|kind| kind == "application/problem+json"),
        "{what}: {status} is no problem document: {text}"
    );
    let problem: Value = serde_json::from_str(&text).with_context(|| format!("{what}: {text}"))?;
    ensure!(problem["type"] == "about:blank", "{what}: {text}");
    ensure!(problem["status"] == status.as_u16(), "{what}: {text}");
    let detail = problem["detail"].as_str().unwrap_or_default();
    ensure!(!detail.is_empty(), "{what}: {text}");
    for inner in INSIDE {
        ensure!(!detail.contains(inner), "{what}: {text}");
    }
    Ok(status)
}

#[tokio::test]
async fn every_refusal_is_a_problem_document() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let start = Start {
        args: vec!["--stubs".to_owned()],
        ..Start::default()
    };
    let program = Program::start(folder.path(), &start)?;
    // Each on a connection of its own: one on which too much was sent is closed.
    let client = Client::builder().pool_max_idle_per_host(0).build()?;
    let url = &program.url;
    let token = Customer::sign_in(&client, url, &program.staff_code).await?;
    let document = get(&client, &format!("{url}/openapi.json"), "").await?;
    let all = addresses(&document)?;
    ensure!(all.len() > 25, "{} addresses", all.len());
    let mut refused: BTreeMap<u16, usize> = BTreeMap::new();
    for (path, methods) in &all {
        let address = path
            .replace("{seq}", "x")
            .replace("{id}", "x")
            .replace("{account}", "x");
        let address = format!("{url}{address}");
        let ask = |method: &Method| client.request(method.clone(), &address).bearer_auth(&token);
        let other = [Method::DELETE, Method::PATCH, Method::PUT];
        let other = other.iter().find(|method| !methods.contains(method));
        let other = other.context("a method that is not taken")?;
        let status = check(&format!("{other} {path}"), ask(other)).await?;
        ensure!(
            status == StatusCode::METHOD_NOT_ALLOWED,
            "{other} {path}: {status}"
        );
        // It would end the session that the rest is asked with.
        if path == "/v1/desk/sign-out" {
            continue;
        }
        for method in methods.iter().filter(|method| **method != Method::GET) {
            let json = |body: &str| {
                ask(method)
                    .header("content-type", "application/json")
                    .body(body.to_owned())
            };
            let asked = [
                ("broken JSON", json("{\"a\":")),
                ("another JSON", json("[1, {\"a\": null}]")),
                ("a list", json("[]")),
                ("no body", json("")),
                (
                    "another type",
                    ask(method).header("content-type", "text/plain").body("a"),
                ),
                (
                    "no text",
                    ask(method)
                        .header("content-type", "application/json")
                        .body(vec![0xff, 0xfe]),
                ),
                ("too long", json(&" ".repeat(TOO_LONG))),
                (
                    "nobody",
                    client.request(method.clone(), &address).body("{}"),
                ),
            ];
            for (how, request) in asked {
                let status = check(&format!("{method} {path}, {how}"), request).await?;
                *refused.entry(status.as_u16()).or_default() += 1;
                let takes_body =
                    !document["paths"][path][method.as_str().to_lowercase()]["requestBody"]
                        .is_null();
                if how == "a list" && takes_body {
                    ensure!(status.is_client_error(), "{method} {path}, {how}: {status}");
                }
                // What is sent is too long before it is anything else, but for who may not send it.
                if how == "too long" && status != StatusCode::UNAUTHORIZED {
                    ensure!(!status.is_success(), "{method} {path}, {how}: {status}");
                }
            }
        }
    }
    for status in [400, 401, 413, 415] {
        ensure!(
            refused.contains_key(&status),
            "nothing was refused with {status}: {refused:?}"
        );
    }
    for address in [
        "/nothing",
        "/v1/handoffs/%ff",
        "/v1/handoffs/x/media/y",
        "/v1/outbox?limit=many",
        "/v1/outbox?color=red",
        "/v1/conversations/x/socket",
        "/assets/none.js",
    ] {
        let asked = client.get(format!("{url}{address}")).bearer_auth(&token);
        let status = check(address, asked).await?;
        ensure!(status.is_client_error(), "{address}: {status}");
    }
    Ok(())
}

#[tokio::test]
async fn every_operation_says_how_it_refuses() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let program = Program::start(folder.path(), &Start::default())?;
    let document = get(&Client::new(), &format!("{}/openapi.json", program.url), "").await?;
    let paths = document["paths"].as_object().context("paths")?;
    for (path, operation) in paths.iter().flat_map(|(path, item)| {
        let operations = item.as_object().into_iter().flatten();
        operations.map(move |(_, operation)| (path, operation))
    }) {
        let responses = operation["responses"].as_object().context("responses")?;
        ensure!(responses.contains_key("default"), "{path}");
        for (status, response) in responses {
            if status == "default" || status.starts_with('4') || status.starts_with('5') {
                let body = &response["content"]["application/problem+json"]["schema"]["$ref"];
                ensure!(
                    body == "#/components/schemas/Problem",
                    "{path}, {status}: {response}"
                );
            }
        }
    }
    Ok(())
}
