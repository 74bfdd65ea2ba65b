use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::json;
use tokio::io::AsyncReadExt;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;

fn plan(method: &str, effect: ActionEffect) -> Plan {
    Plan {
        method: method.to_owned(),
        timeout: Duration::from_secs(20),
        retries: 2,
        backoff: Duration::ZERO,
        effect,
    }
}

fn peers() -> Peers {
    Actions::live(BTreeMap::new()).peers.expect("live")
}

fn to(url: String) -> env::Filled {
    env::Filled {
        url,
        headers: BTreeMap::from([("authorization".to_owned(), "Bearer t".to_owned())]),
    }
}

async fn call(peers: &Peers, plan: &Plan, url: String) -> (Outcome, u32) {
    let body = (plan.method != "GET").then(|| json!({"a": 1}));
    peers
        .call(plan, &to(url), body.as_ref(), "conv/f/s/1")
        .await
}

async fn server(answers: &[ResponseTemplate]) -> MockServer {
    let server = MockServer::start().await;
    for answer in answers {
        Mock::given(path("/x"))
            .respond_with(answer.clone())
            .up_to_n_times(1)
            .mount(&server)
            .await;
    }
    server
}

fn answered(body: serde_json::Value) -> Outcome {
    Outcome::Answered { body }
}

#[tokio::test]
async fn an_answer_comes_back_and_the_request_is_what_the_action_says() {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/x"))
        .and(header("idempotency-key", "conv/f/s/1"))
        .and(header("authorization", "Bearer t"))
        .and(body_json(json!({"a": 1})))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({"ref": "R-1"})))
        .expect(1)
        .mount(&server)
        .await;
    let done = call(
        &peers(),
        &plan("POST", ActionEffect::Reversible),
        format!("{}/x", server.uri()),
    )
    .await;
    assert_eq!(done, (answered(json!({"ref": "R-1"})), 1));
}

#[tokio::test]
async fn a_passing_failure_is_mended_by_another_try() {
    let server = server(&[
        ResponseTemplate::new(503),
        ResponseTemplate::new(429),
        ResponseTemplate::new(200).set_body_json(json!({"ok": true})),
    ])
    .await;
    let done = call(
        &peers(),
        &plan("GET", ActionEffect::None),
        format!("{}/x", server.uri()),
    )
    .await;
    assert_eq!(done, (answered(json!({"ok": true})), 3));
}

#[tokio::test]
async fn a_refusal_is_final_and_keeps_its_body() {
    let server = server(&[
        ResponseTemplate::new(409).set_body_json(json!({"error": "needs_human"})),
        ResponseTemplate::new(200),
    ])
    .await;
    let done = call(
        &peers(),
        &plan("GET", ActionEffect::None),
        format!("{}/x", server.uri()),
    )
    .await;
    let outcome = Outcome::Status {
        status: 409,
        body: Some(json!({"error": "needs_human"})),
    };
    assert_eq!(done, (outcome, 1));
}

#[tokio::test]
async fn an_irreversible_call_that_may_have_arrived_is_never_repeated() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let address = listener.local_addr().expect("address");
    let seen = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&seen);
    let peer = tokio::spawn(async move {
        // Reads the head of each request and hangs up without an answer.
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut buffer = [0; 64];
            if stream.read(&mut buffer).await.is_ok_and(|read| read > 0) {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    let url = format!("http://{address}/x");
    let (outcome, tries) = call(
        &peers(),
        &plan("POST", ActionEffect::Irreversible),
        url.clone(),
    )
    .await;
    assert!(matches!(outcome, Outcome::Failed { .. }), "{outcome:?}");
    assert_eq!((tries, seen.load(Ordering::SeqCst)), (1, 1));
    // The same peer and a call that can be undone: all tries are used.
    let (_, tries) = call(&peers(), &plan("POST", ActionEffect::Reversible), url).await;
    assert_eq!((tries, seen.load(Ordering::SeqCst)), (3, 4));
    peer.abort();
}

#[tokio::test]
async fn an_irreversible_call_that_never_left_is_tried_again() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        listener.local_addr().expect("address").port()
    };
    let (outcome, tries) = call(
        &peers(),
        &plan("POST", ActionEffect::Irreversible),
        format!("http://127.0.0.1:{port}/x"),
    )
    .await;
    assert_eq!(tries, 3);
    assert_eq!(outcome, failed("no connection to the host"));
}

#[tokio::test]
async fn a_slow_peer_is_a_time_out() {
    let server = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(ResponseTemplate::new(200).set_delay(Duration::from_secs(60)))
        .mount(&server)
        .await;
    let mut plan = plan("GET", ActionEffect::None);
    (plan.timeout, plan.retries) = (Duration::from_millis(50), 0);
    let done = call(&peers(), &plan, format!("{}/x", server.uri())).await;
    assert_eq!(done, (Outcome::TimedOut, 1));
}

#[tokio::test]
async fn redirects_big_answers_and_web_pages_are_failures() {
    let server = server(&[
        ResponseTemplate::new(302).insert_header("location", "/elsewhere"),
        ResponseTemplate::new(200).set_body_bytes(vec![b' '; 1024 * 1024 + 1]),
        ResponseTemplate::new(200).set_body_string("<p>secret</p>"),
        ResponseTemplate::new(204),
    ])
    .await;
    let peers = peers();
    let plan = plan("GET", ActionEffect::None);
    let url = format!("{}/x", server.uri());
    let (redirect, _) = call(&peers, &plan, url.clone()).await;
    assert_eq!(
        redirect,
        Outcome::Status {
            status: 302,
            body: None
        }
    );
    let (big, _) = call(&peers, &plan, url.clone()).await;
    assert_eq!(big, failed("an answer of more than 1048576 bytes"));
    let (page, _) = call(&peers, &plan, url.clone()).await;
    let Outcome::Failed { detail } = page else {
        panic!("{page:?}");
    };
    assert!(
        detail.contains("not JSON") && !detail.contains("secret"),
        "{detail}"
    );
    let (nothing, _) = call(&peers, &plan, url).await;
    assert_eq!(nothing, answered(serde_json::Value::Null));
}

#[tokio::test]
async fn a_failing_host_is_left_alone() {
    let server = MockServer::start().await;
    Mock::given(path("/x"))
        .respond_with(ResponseTemplate::new(500))
        .expect(5)
        .mount(&server)
        .await;
    let peers = peers();
    let mut plan = plan("GET", ActionEffect::None);
    plan.retries = 0;
    let url = format!("{}/x", server.uri());
    for _ in 0..5 {
        call(&peers, &plan, url.clone()).await;
    }
    let (outcome, tries) = call(&peers, &plan, url).await;
    assert_eq!(tries, 0);
    assert!(matches!(outcome, Outcome::Failed { detail } if detail.starts_with("not sent:")));
}
