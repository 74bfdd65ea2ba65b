use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::*;

struct Client {
    http: reqwest::Client,
    url: String,
    _stop: tokio_util::sync::DropGuard,
}

impl Client {
    async fn start() -> Self {
        let stop = CancellationToken::new();
        // A Friday.
        let today = jiff::civil::Date::constant(2026, 11, 27);
        let address = start(today, stop.clone()).await.expect("a free port");
        Self {
            http: reqwest::Client::new(),
            url: format!("http://{address}"),
            _stop: stop.drop_guard(),
        }
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        let answer = self.http.get(format!("{}{path}", self.url)).send().await;
        Self::read(answer.expect("an answer")).await
    }

    async fn post(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request = self.http.post(format!("{}{path}", self.url)).json(body);
        let answer = request.header("Idempotency-Key", key).send().await;
        Self::read(answer.expect("an answer")).await
    }

    async fn read(answer: reqwest::Response) -> (u16, Value) {
        let status = answer.status().as_u16();
        (status, answer.json().await.expect("JSON"))
    }
}

#[tokio::test]
async fn a_balance_is_money_and_an_unknown_customer_is_refused() {
    let bank = Client::start().await;
    let (status, account) = bank.get("/customers/cust_2208/accounts/current").await;
    assert_eq!(status, 200);
    assert_eq!(
        account,
        json!({
            "kind": "current",
            "balance": {"amount": "1284.36", "currency": "GBP"},
            "available": {"amount": "1784.36", "currency": "GBP"},
            "account_tail": "4417",
        })
    );
    assert_eq!(bank.get("/customers/nobody/accounts/current").await.0, 404);
    assert_eq!(bank.get("/customers/cust_2208/accounts/gold").await.0, 404);
}

#[tokio::test]
async fn a_pin_opens_only_its_own_customer() {
    let bank = Client::start().await;
    let ask = |customer: &str, pin: &str| json!({"customer": customer, "pin": pin});
    let (_, right) = bank
        .post("/customers/verify", "1", &ask("20418812", "4417"))
        .await;
    assert_eq!(
        right,
        json!({"ok": true, "id": "cust_1188", "name": "Maya Ellis"})
    );
    for (customer, pin) in [
        ("20418812", "2580"),
        ("30552208", "4417"),
        ("99999999", "4417"),
    ] {
        let (_, wrong) = bank
            .post("/customers/verify", "2", &ask(customer, pin))
            .await;
        assert_eq!(wrong, json!({"ok": false, "id": "", "name": ""}));
    }
    let (_, record) = bank.get("/customers/cust_2208").await;
    assert_eq!(record["name"], "Alex Morgan");
    assert!(record.get("pin").is_none(), "{record}");
}

#[tokio::test]
async fn a_card_is_blocked_once_for_one_key() {
    let bank = Client::start().await;
    let body = json!({"customer": "cust_2208", "reason": "lost"});
    let first = bank.post("/cards/4821/block", "k1", &body).await;
    assert_eq!(first.1["status"], "blocked");
    assert_eq!(bank.post("/cards/4821/block", "k1", &body).await, first);
    let other = json!({"customer": "cust_2208", "reason": "stolen"});
    assert_eq!(bank.post("/cards/4821/block", "k1", &other).await.0, 409);
    let (_, card) = bank.get("/customers/cust_2208/cards/4821").await;
    assert_eq!(card["status"], "blocked");
    let (_, unknown) = bank.get("/customers/cust_2208/cards/0000").await;
    assert_eq!(unknown["found"], false);
}

#[tokio::test]
async fn money_moves_once_and_not_below_the_overdraft() {
    let bank = Client::start().await;
    let body = json!({
        "customer": "cust_2208", "to": "savings",
        "amount": {"amount": "200.00", "currency": "GBP"},
    });
    for _ in 0..2 {
        let (_, sent) = bank.post("/transfers", "t1", &body).await;
        assert_eq!(sent["new_balance"]["amount"], "1084.36");
    }
    let (_, savings) = bank.get("/customers/cust_2208/accounts/savings").await;
    assert_eq!(savings["balance"]["amount"], "6320.50");
    for (amount, status) in [(json!("2000"), 422), (json!(-5), 400), (json!("lots"), 400)] {
        let body = json!({"customer": "cust_2208", "to": "someone", "amount": amount});
        assert_eq!(
            bank.post("/transfers", "t2", &body).await.0,
            status,
            "{body}"
        );
    }
}

#[tokio::test]
async fn a_booked_time_is_gone_and_sundays_are_closed() {
    let bank = Client::start().await;
    let (_, branch) = bank.get("/branches?town=leeds").await;
    assert_eq!(branch["name"], "Park Row");
    let path = "/branches/leeds-park-row/slots?date=2026-11-30";
    let (_, before) = bank.get(path).await;
    let time = before["first"].as_str().expect("a free time");
    let body =
        json!({"branch": "leeds-park-row", "date": "2026-11-30", "time": format!("{time}:00")});
    assert_eq!(bank.post("/appointments", "a1", &body).await.0, 200);
    assert_eq!(bank.post("/appointments", "a2", &body).await.0, 409);
    let (_, after) = bank.get(path).await;
    assert!(
        !after["times"].as_str().expect("text").contains(time),
        "{after}"
    );
    let (_, sunday) = bank
        .get("/branches/leeds-park-row/slots?date=2026-11-29")
        .await;
    assert_eq!(sunday["open"], false);
}

#[tokio::test]
async fn rates_resets_and_declines_answer() {
    let bank = Client::start().await;
    let (_, euro) = bank.get("/rates?from=GBP&to=EUR").await;
    assert_eq!(euro["rate"], "1.1734");
    let (_, back) = bank.get("/rates?from=EUR&to=GBP").await;
    assert_eq!(back["rate"], "0.8522");
    assert_eq!(bank.get("/rates?from=GBP&to=XAU").await.0, 404);
    let body = json!({"customer": "cust_2208", "secret": "password", "send_by": "text"});
    let (_, sent) = bank.post("/password-resets", "r1", &body).await;
    assert_eq!(sent["sent_to"], "•••• ••• 118");
    let (_, decline) = bank.get("/cards/4821/declines?customer=cust_2208").await;
    assert_eq!(decline["merchant"], "Quayside Foods");
    let (_, none) = bank.get("/cards/9034/declines?customer=cust_2208").await;
    assert_eq!(none["reason"], "none");
    let (_, list) = bank.get("/customers/cust_2208/transactions?limit=1").await;
    assert_eq!(list["summary"], "27 Nov Quayside Foods -£23.65");
}
