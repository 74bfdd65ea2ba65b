//! Staff through HTTP: who may do what, and what ends with a session.

use std::sync::Arc;
use std::time::Duration;

use axum::http::StatusCode;
use metrics_exporter_prometheus::PrometheusBuilder;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::{Claims, HttpState, router, serve};
use crate::app::App;
use crate::app::rig::{Rig, SOON, web};
use crate::audit::By;
use crate::config::Config;
use crate::conversation::{Inbound, InboundBody, NewConversation};
use crate::setting::Secrets;
use crate::staff::Role;
use crate::store::tamper;

/// The program with its edge on a free port.
pub(super) struct Edge {
    pub(super) app: App,
    url: String,
    client: reqwest::Client,
    /// Everything that the document says there is: method and path.
    routes: Vec<(Method, String)>,
    _stop: DropGuard,
}

/// An answer.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    kind: String,
    pub(super) body: Value,
}

impl Edge {
    pub(super) async fn of(rig: &Rig) -> Self {
        let app = rig.start().await;
        let stop = CancellationToken::new();
        let metrics = PrometheusBuilder::new().build_recorder().handle();
        let claims = Claims::new(&Secrets::default()).expect("random bits");
        let config = Arc::new(Config::default());
        let state = HttpState::new(app.clone(), config, claims, metrics, false, stop.clone());
        let (router, document) = router(state);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        tokio::spawn(serve(listener, router, stop.clone()));
        let document = serde_json::to_value(&document).expect("JSON");
        let mut routes = Vec::new();
        for (path, operations) in document["paths"].as_object().expect("paths") {
            for method in operations.as_object().expect("operations").keys() {
                let method = method.to_uppercase().parse().expect("a method");
                routes.push((method, path.clone()));
            }
        }
        Self {
            app,
            url,
            client: reqwest::Client::new(),
            routes,
            _stop: stop.drop_guard(),
        }
    }

    /// Lets somebody in; gives their token.
    pub(super) async fn enter(&self, name: &str, role: Role) -> String {
        let code = self.app.staff_invite(name, role).await.expect("a code");
        self.app
            .staff_sign_in(&code)
            .await
            .expect("a session")
            .token
    }

    pub(super) async fn ask(&self, method: Method, path: &str, token: &str, body: Value) -> Answer {
        let request = self.client.request(method, format!("{}{path}", self.url));
        let request = request.bearer_auth(token).json(&body);
        let response = request.send().await.expect("answers");
        let kind = response.headers().get("content-type");
        let kind = kind.map(|kind| kind.to_str().expect("text").to_owned());
        let kind = kind.unwrap_or_default();
        let status = response.status();
        // A stream does not end by itself.
        let body = match kind.as_str() {
            "text/event-stream" => Value::Null,
            _ => response.json().await.unwrap_or_default(),
        };
        Answer { status, kind, body }
    }

    pub(super) async fn get(&self, path: &str, token: &str) -> Answer {
        self.ask(Method::GET, path, token, json!({})).await
    }

    pub(super) async fn post(&self, path: &str, token: &str, body: Value) -> Answer {
        self.ask(Method::POST, path, token, body).await
    }

    /// The stream of changes of somebody's desk.
    async fn listens(&self, token: &str) -> reqwest::Response {
        let url = format!("{}/v1/desk/events", self.url);
        let response = self.client.get(url).bearer_auth(token).send().await;
        response
            .expect("answers")
            .error_for_status()
            .expect("listens")
    }

    /// A conversation that waits for a person; gives it and its handoff.
    pub(super) async fn waits(&self) -> (String, String) {
        let conversation = web(&self.app).await;
        let handoff = self.asks_for_a_person(&conversation).await;
        (conversation, handoff)
    }

    async fn asks_for_a_person(&self, conversation: &str) -> String {
        let inbound = Inbound {
            client_msg_id: "h".to_owned(),
            body: InboundBody::Payload {
                payload: "/human".to_owned(),
            },
        };
        let accepted = self.app.accept(conversation, inbound).await;
        let seq = accepted.expect("accepted").seq;
        let reply = self.app.reply(conversation, seq, SOON).await;
        reply.expect("answers").handoff_id.expect("a handoff")
    }

    async fn waiting(&self) -> usize {
        self.app.queue().await.expect("reads").len()
    }
}

/// Reads a stream to its end; gives what it told.
async fn to_the_end(mut stream: reqwest::Response) -> String {
    let mut told = String::new();
    let read = async {
        while let Ok(Some(chunk)) = stream.chunk().await {
            told.push_str(&String::from_utf8_lossy(&chunk));
        }
    };
    let ended = tokio::time::timeout(SOON, read).await;
    ended.expect("the stream ends");
    told
}

/// Routes that anybody may reach: customers, providers, monitors, and whoever has a code.
const PUBLIC: [(&str, &str); 13] = [
    ("POST", "/v1/conversations"),
    ("POST", "/v1/conversations/{id}/messages"),
    ("GET", "/v1/conversations/{id}/events"),
    ("GET", "/v1/conversations/{id}/socket"),
    ("GET", "/v1/origin"),
    ("POST", "/webhooks/rest/webhook"),
    ("POST", "/webhooks/voice/twiml"),
    ("POST", "/webhooks/messages/{account}"),
    ("GET", "/webhooks/messages/{account}"),
    ("POST", "/v1/desk/sign-in"),
    ("GET", "/healthz"),
    ("GET", "/readyz"),
    ("GET", "/metrics"),
];

/// Routes of staff, and who may use them: agent, supervisor, designer, admin. What names a conversation is asked for one that
/// waits; `OTHER` for one that another agent has, `TEST` for one that is held to try the bot out.
const STAFF: [(&str, &str, [bool; 4]); 33] = {
    const NONE: [bool; 4] = [true, true, true, true];
    const SERVE: [bool; 4] = [true, true, false, true];
    const ANY: [bool; 4] = [false, true, false, true];
    const TESTS: [bool; 4] = [false, true, true, true];
    const ADMIN: [bool; 4] = [false, false, false, true];
    [
        ("GET", "/v1/desk/me", NONE),
        ("GET", "/v1/conversations/{id}/trace", SERVE),
        ("GET", "/v1/conversations/OTHER/trace", ANY),
        ("GET", "/v1/conversations/TEST/trace", TESTS),
        ("GET", "/v1/conversations/{id}/summary", SERVE),
        ("GET", "/v1/conversations/OTHER/summary", ANY),
        ("GET", "/v1/conversations/TEST/summary", TESTS),
        ("GET", "/v1/handoffs/{id}", SERVE),
        ("GET", "/v1/handoffs/OTHER", ANY),
        ("GET", "/v1/handoffs/{id}/summary", SERVE),
        ("GET", "/v1/handoffs/OTHER/summary", ANY),
        ("GET", "/v1/handoffs/{id}/media/{seq}", SERVE),
        ("GET", "/v1/handoffs/OTHER/media/{seq}", ANY),
        ("GET", "/v1/desk/handoffs/{id}", SERVE),
        ("GET", "/v1/desk/handoffs/OTHER", ANY),
        ("PUT", "/v1/desk/status", SERVE),
        ("GET", "/v1/desk/queue", SERVE),
        ("GET", "/v1/desk/events", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/decline", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/note", SERVE),
        ("POST", "/v1/desk/handoffs/OTHER/note", ANY),
        ("POST", "/v1/desk/handoffs/{id}/typing", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/reply", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/transfer", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/return", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/wrap-up", SERVE),
        ("POST", "/v1/desk/handoffs/{id}/accept", SERVE),
        ("GET", "/v1/outbox", ANY),
        ("POST", "/v1/outbox/replay", ADMIN),
        ("POST", "/v1/outbox/drop", ADMIN),
        ("POST", "/v1/desk/invites", ADMIN),
        ("GET", "/v1/desk/staff", ADMIN),
        ("DELETE", "/v1/desk/staff/{id}", ADMIN),
    ]
};

/// A body that every route takes.
fn body() -> Value {
    json!({ "text": "hello", "client_msg_id": "m1", "status": "away", "note": "n", "resolved": true, "queue": "help",
            "name": "New", "role": "agent", "ids": ["none"] })
}

#[tokio::test]
async fn every_route_of_staff_is_open_to_the_roles_that_may_and_to_no_others() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let holder = edge.enter("Holder", Role::Agent).await;
    let (other, held) = edge.waits().await;
    let taken = edge
        .post(
            &format!("/v1/desk/handoffs/{held}/accept"),
            &holder,
            json!({}),
        )
        .await;
    assert_eq!(taken.status, StatusCode::OK);
    let test = NewConversation {
        channel: "test".to_owned(),
        ..NewConversation::default()
    };
    let test = edge.app.open(test).await.expect("opens").conversation_id;
    let mut sessions = Vec::new();
    for role in Role::ALL {
        sessions.push((role, edge.enter(role.name(), role).await));
    }
    for (method, pattern, allowed) in STAFF {
        for ((role, token), may) in sessions.iter().zip(allowed) {
            let (conversation, handoff) = edge.waits().await;
            let (id, other) = match pattern.contains("handoffs/") {
                true => (&handoff, &held),
                false => (&conversation, &other),
            };
            let path = pattern.replace("{id}", id).replace("{seq}", "1");
            let path = path.replace("OTHER", other).replace("TEST", &test);
            let method: Method = method.parse().expect("a method");
            let answer = edge.ask(method, &path, token, body()).await;
            let told = (answer.status, &answer.body);
            let refused = answer.status == StatusCode::FORBIDDEN;
            assert_eq!(!refused, may, "{pattern} as {role:?}: {told:?}");
            let is_odd = answer.status == StatusCode::UNAUTHORIZED
                || answer.status.is_server_error()
                || answer.status == StatusCode::METHOD_NOT_ALLOWED
                || answer.status == StatusCode::UNPROCESSABLE_ENTITY;
            assert!(!is_odd, "{pattern} as {role:?}: {told:?}");
            if refused {
                assert_eq!(answer.kind, "application/problem+json", "{pattern}");
            }
        }
    }
    // Nothing is there that neither list names, and without a session nothing of it is open.
    for (method, path) in &edge.routes {
        let is = |listed: (&str, &str)| listed.0 == method.as_str() && listed.1 == path;
        if PUBLIC.into_iter().any(is) {
            continue;
        }
        let is_listed = path == "/v1/desk/sign-out" || STAFF.iter().any(|it| is((it.0, it.1)));
        assert!(is_listed, "{method} {path}: say above who may use it");
        for token in ["", "guess"] {
            let answer = edge.ask(method.clone(), path, token, body()).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(answer.kind, "application/problem+json", "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_session_that_was_signed_out_is_over_for_its_token_its_stream_and_its_customers() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let mia = edge.enter("Mia", Role::Agent).await;
    let (_, handoff) = edge.waits().await;
    edge.post(
        &format!("/v1/desk/handoffs/{handoff}/accept"),
        &mia,
        json!({}),
    )
    .await;
    assert_eq!(edge.waiting().await, 0);
    let stream = edge.listens(&mia).await;
    let left = edge.post("/v1/desk/sign-out", &mia, json!({})).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    to_the_end(stream).await;
    assert_eq!(edge.waiting().await, 1);
    for (method, path) in [
        ("GET", "/v1/desk/me"),
        ("POST", "/v1/desk/sign-out"),
        ("GET", "/v1/desk/events"),
    ] {
        let method: Method = method.parse().expect("a method");
        let answer = edge.ask(method, path, &mia, json!({})).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    let again = edge.enter("Mia", Role::Agent).await;
    let me = edge.get("/v1/desk/me", &again).await;
    assert_eq!(me.body["agent"]["name"], "Mia");
}

#[tokio::test]
async fn what_an_admin_revokes_is_over_at_once() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let admin = edge.enter("Ada", Role::Admin).await;
    let listed = async || edge.get("/v1/desk/staff", &admin).await.body;
    let revoke = async |id: &Value| {
        let path = format!("/v1/desk/staff/{}", id.as_str().expect("an id"));
        edge.ask(Method::DELETE, &path, &admin, json!({}))
            .await
            .status
    };
    let named = |list: &Value, name: &str| {
        let mut all = list.as_array().expect("a list").iter();
        let found = all.find(|it| it["name"] == name || it["agent"]["name"] == name);
        found.map(|it| it["id"].clone())
    };
    // A session, with its stream; a member, with session and stream; an invitation.
    for what in ["sessions", "members"] {
        let mia = edge.enter("Mia", Role::Agent).await;
        let (_, handoff) = edge.waits().await;
        let before = edge.waiting().await;
        edge.post(
            &format!("/v1/desk/handoffs/{handoff}/accept"),
            &mia,
            json!({}),
        )
        .await;
        let stream = edge.listens(&mia).await;
        let id = named(&listed().await[what], "Mia").expect("is listed");
        assert_eq!(revoke(&id).await, StatusCode::NO_CONTENT);
        to_the_end(stream).await;
        assert_eq!(edge.waiting().await, before, "{what}");
        let me = edge.get("/v1/desk/me", &mia).await;
        assert_eq!(me.status, StatusCode::UNAUTHORIZED, "{what}");
        assert_eq!(named(&listed().await["sessions"], "Mia"), None);
        assert_eq!(revoke(&id).await, StatusCode::NOT_FOUND);
    }
    assert_eq!(named(&listed().await["members"], "Mia"), None);
    let invited = json!({ "name": "Bob", "role": "agent" });
    let code = edge.post("/v1/desk/invites", &admin, invited).await.body["code"].clone();
    let id = named(&listed().await["invites"], "Bob").expect("is listed");
    assert_eq!(revoke(&id).await, StatusCode::NO_CONTENT);
    let tried = edge
        .post("/v1/desk/sign-in", "", json!({ "code": code }))
        .await;
    assert_eq!(tried.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn another_role_ends_the_session_at_once_and_keeps_the_person() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let admin = edge.enter("Ada", Role::Admin).await;
    let sam = edge.enter("Sam", Role::Admin).await;
    let before = edge.get("/v1/desk/me", &sam).await.body["agent"].clone();
    let stream = edge.listens(&sam).await;
    let invited = json!({ "name": "Sam", "role": "agent" });
    let invited = edge.post("/v1/desk/invites", &admin, invited).await;
    to_the_end(stream).await;
    assert_eq!(
        edge.get("/v1/desk/staff", &sam).await.status,
        StatusCode::UNAUTHORIZED
    );
    let code = json!({ "code": invited.body["code"] });
    let now = edge.post("/v1/desk/sign-in", "", code).await.body;
    assert_eq!(now["agent"]["id"], before["id"]);
    assert_eq!(now["agent"]["role"], "agent");
    let token = now["token"].as_str().expect("a token");
    assert_eq!(
        edge.get("/v1/desk/staff", token).await.status,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn a_stream_tells_nothing_of_what_comes_after_its_session_has_run_out() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let mia = edge.enter("Mia", Role::Agent).await;
    let (_, handoff) = edge.waits().await;
    edge.post(
        &format!("/v1/desk/handoffs/{handoff}/accept"),
        &mia,
        json!({}),
    )
    .await;
    let stream = edge.listens(&mia).await;
    rig.clock.advance(Duration::from_secs(12 * 3_600));
    // What it hears of first is that somebody waits.
    let (_, other) = edge.waits().await;
    let told = to_the_end(stream).await;
    assert!(!told.contains(&other), "{told}");
    assert_eq!(
        edge.get("/v1/desk/me", &mia).await.status,
        StatusCode::UNAUTHORIZED
    );
    // The next sweep finds that she is gone, though her page was open to the end.
    edge.app.services.requeue_abandoned().await.expect("sweeps");
    assert_eq!(edge.waiting().await, 2);
}

#[tokio::test]
async fn a_code_voids_the_others_of_its_name_and_roles_are_told_by_the_list() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let first = edge
        .app
        .staff_invite("Operator", Role::Admin)
        .await
        .expect("a code");
    let second = edge
        .app
        .staff_invite("Operator", Role::Admin)
        .await
        .expect("a code");
    let entered = edge
        .post("/v1/desk/sign-in", "", json!({ "code": second }))
        .await;
    assert_eq!(entered.status, StatusCode::OK);
    let late = edge
        .post("/v1/desk/sign-in", "", json!({ "code": first }))
        .await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    let token = entered.body["token"].as_str().expect("a token");
    let listed = edge.get("/v1/desk/staff", token).await.body;
    assert_eq!(listed["members"][0]["role"], "admin", "{listed:#}");
    assert_eq!(listed["sessions"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["invites"], json!([]));
}

/// What is asked, as whom, and the entry that it leaves: act, by whom, on what.
type Row<'a> = (
    Method,
    String,
    &'a str,
    Value,
    &'a str,
    &'a str,
    Option<&'a str>,
);

/// What the audit log says: act, by whom, on what.
async fn deeds(edge: &Edge) -> Vec<(String, String, Option<String>)> {
    let entries = edge.app.services.auditor.entries().await.expect("reads");
    let told = entries.into_iter().map(|entry| {
        let by = match entry.by {
            By::Staff(agent) => agent.name,
            other => format!("{other:?}"),
        };
        let act = serde_json::to_value(entry.act).expect("JSON");
        (act.as_str().expect("a name").to_owned(), by, entry.on)
    });
    told.collect()
}

#[tokio::test]
async fn whatever_staff_read_and_do_is_in_the_audit_log() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let admin = edge.enter("Ada", Role::Admin).await;
    let mia = edge.enter("Mia", Role::Agent).await;
    let (talk, first) = edge.waits().await;
    let (_, second) = edge.waits().await;
    let (_, third) = edge.waits().await;
    let act = |handoff: &str, what: &str| format!("/v1/desk/handoffs/{handoff}/{what}");
    let begun = deeds(&edge).await.len();
    let get = Method::GET;
    let media = format!("/v1/handoffs/{first}/media/1");
    let refusal = json!({ "code": "guess" });
    let bob = json!({ "name": "Bob", "role": "agent" });
    let all = json!({ "all": true, "yes": true });
    let moves = json!({ "queue": "help", "note": "n" });
    let wrap = json!({ "note": "n", "resolved": true });
    let table: Vec<Row<'_>> = vec![
        (
            get.clone(),
            format!("/v1/handoffs/{first}"),
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&first),
        ),
        (
            get.clone(),
            format!("/v1/handoffs/{first}/summary"),
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&first),
        ),
        (
            get.clone(),
            format!("/v1/desk/handoffs/{first}"),
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&first),
        ),
        (
            get.clone(),
            media,
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&first),
        ),
        (
            get.clone(),
            format!("/v1/conversations/{talk}/summary"),
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&talk),
        ),
        (
            get.clone(),
            format!("/v1/conversations/{talk}/trace"),
            &mia,
            json!({}),
            "read",
            "Mia",
            Some(&talk),
        ),
        (
            Method::POST,
            act(&first, "accept"),
            &mia,
            json!({}),
            "take",
            "Mia",
            Some(&first),
        ),
        (
            Method::POST,
            act(&first, "transfer"),
            &mia,
            moves,
            "transfer",
            "Mia",
            Some(&first),
        ),
        (
            Method::POST,
            act(&second, "accept"),
            &mia,
            json!({}),
            "take",
            "Mia",
            Some(&second),
        ),
        (
            Method::POST,
            act(&second, "return"),
            &mia,
            json!({}),
            "return",
            "Mia",
            Some(&second),
        ),
        (
            Method::POST,
            act(&third, "accept"),
            &admin,
            json!({}),
            "take",
            "Ada",
            Some(&third),
        ),
        (
            get.clone(),
            format!("/v1/handoffs/{third}"),
            &mia,
            json!({}),
            "refused",
            "Mia",
            third.split('-').next(),
        ),
        (
            Method::POST,
            act(&third, "wrap-up"),
            &admin,
            wrap,
            "wrap_up",
            "Ada",
            Some(&third),
        ),
        (
            get,
            "/v1/desk/staff".to_owned(),
            &mia,
            json!({}),
            "refused",
            "Mia",
            Some("GET /v1/desk/staff"),
        ),
        (
            Method::POST,
            "/v1/desk/sign-in".to_owned(),
            "",
            refusal,
            "sign_in_refused",
            "Stranger",
            None,
        ),
        (
            Method::POST,
            "/v1/desk/invites".to_owned(),
            &admin,
            bob,
            "invite",
            "Ada",
            Some("Bob"),
        ),
        (
            Method::DELETE,
            "/v1/desk/staff/Bob".to_owned(),
            &admin,
            json!({}),
            "revoke",
            "Ada",
            Some("Bob"),
        ),
        (
            Method::POST,
            "/v1/outbox/replay".to_owned(),
            &admin,
            all.clone(),
            "outbox_replay",
            "Ada",
            None,
        ),
        (
            Method::POST,
            "/v1/outbox/drop".to_owned(),
            &admin,
            all,
            "outbox_drop",
            "Ada",
            None,
        ),
        (
            Method::POST,
            "/v1/desk/sign-out".to_owned(),
            &mia,
            json!({}),
            "sign_out",
            "Mia",
            None,
        ),
    ];
    for (number, (method, path, token, body, did, by, on)) in table.into_iter().enumerate() {
        edge.ask(method, &path, token, body).await;
        let told = deeds(&edge).await;
        let wanted = (did.to_owned(), by.to_owned(), on.map(str::to_owned));
        assert_eq!(told[begun + number..], [wanted], "{path}");
    }
    let verified = edge.app.services.auditor.verify(&[]).await.expect("reads");
    assert_eq!(verified.found, Vec::<String>::new());
}

#[tokio::test]
async fn nobody_reads_or_is_let_in_where_it_can_not_be_written_down() {
    let rig = Rig::new();
    let edge = Edge::of(&rig).await;
    let admin = edge.enter("Ada", Role::Admin).await;
    let (talk, handoff) = edge.waits().await;
    let invited = json!({ "name": "Bob", "role": "agent" });
    let ask = async |method: Method, path: &str, body: &Value| {
        edge.ask(method, path, &admin, body.clone()).await
    };
    let code = edge
        .app
        .staff_invite("Mia", Role::Agent)
        .await
        .expect("a code");
    let enters = json!({ "code": code });
    let refused: [(Method, String, &Value); 7] = [
        (Method::GET, format!("/v1/handoffs/{handoff}"), &Value::Null),
        (
            Method::GET,
            format!("/v1/handoffs/{handoff}/summary"),
            &Value::Null,
        ),
        (
            Method::GET,
            format!("/v1/desk/handoffs/{handoff}"),
            &Value::Null,
        ),
        (
            Method::GET,
            format!("/v1/conversations/{talk}/trace"),
            &Value::Null,
        ),
        (
            Method::POST,
            format!("/v1/desk/handoffs/{handoff}/accept"),
            &Value::Null,
        ),
        (Method::POST, "/v1/desk/invites".to_owned(), &invited),
        (Method::POST, "/v1/desk/sign-in".to_owned(), &enters),
    ];
    let trigger = "CREATE TRIGGER deaf BEFORE INSERT ON log WHEN NEW.kind = 'audit' BEGIN SELECT RAISE(ABORT, 'deaf'); END";
    tamper(&rig.store(), trigger);
    for (method, path, body) in &refused {
        let answer = ask(method.clone(), path, body).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.kind, "application/problem+json", "{path}");
        for said in ["transcript", "token", "code\":"] {
            assert!(
                !answer.body.to_string().contains(said),
                "{path}: {}",
                answer.body
            );
        }
    }
    // What ends something is done all the same.
    let left = ask(Method::POST, "/v1/desk/sign-out", &Value::Null).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT);
    tamper(&rig.store(), "DROP TRIGGER deaf");
    let admin = edge.enter("Ada", Role::Admin).await;
    for (method, path, body) in &refused[..6] {
        let answer = edge
            .ask(method.clone(), path, &admin, (*body).clone())
            .await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
    }
}
