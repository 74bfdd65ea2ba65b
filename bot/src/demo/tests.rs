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

    async fn put(&self, path: &str, key: &str, body: &Value) -> (u16, Value) {
        let request = self.http.put(format!("{}{path}", self.url)).json(body);
        let answer = request.header("Idempotency-Key", key).send().await;
        Self::read(answer.expect("an answer")).await
    }

    async fn delete(&self, path: &str, key: &str) -> (u16, Value) {
        let request = self.http.delete(format!("{}{path}", self.url));
        let answer = request.header("Idempotency-Key", key).send().await;
        Self::read(answer.expect("an answer")).await
    }

    /// Books a time at Park Row in Leeds and returns its reference.
    async fn book(&self, date: &str, time: &str, customer: &Value) -> String {
        let body = json!({
            "branch": "leeds-park-row", "date": date, "time": time, "topic": "loan",
            "customer": customer,
        });
        let key = format!("{date} {time}");
        let (status, booked) = self.post("/appointments", &key, &body).await;
        assert_eq!(status, 200, "{booked}");
        booked["ref"].as_str().expect("a reference").to_owned()
    }

    /// Free times at Park Row in Leeds.
    async fn free(&self, date: &str) -> Value {
        let path = format!("/branches/leeds-park-row/slots?date={date}");
        self.get(&path).await.1["slots"].take()
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
async fn name_birthday_and_postcode_open_only_their_own_customer() {
    let bank = Client::start().await;
    let ask = |name: &str, born: &str, postcode: &str| json!({"name": name, "date_of_birth": born, "postcode": postcode});
    for (name, born, postcode, id) in [
        ("Maya Ellis", "1976-11-02", "LS1 4HG", "cust_1188"),
        ("  maya  ELLIS", "1976-11-02", "ls14hg", "cust_1188"),
        ("Rosa Delgádo", "1994-07-23", "EH9  1JR", "cust_3071"),
    ] {
        let body = ask(name, born, postcode);
        let (_, right) = bank.post("/customers/verify-details", "1", &body).await;
        assert_eq!((&right["ok"], &right["id"]), (&json!(true), &json!(id)));
    }
    for (name, born, postcode) in [
        ("Maya Ellis", "1976-11-02", "BS8 4PT"),
        ("Maya Ellis", "1976-02-11", "LS1 4HG"),
        ("Alex Morgan", "1976-11-02", "LS1 4HG"),
        ("Maya", "1976-11-02", "LS1 4HG"),
        ("Maya Ellis", "1976-11-02", "4HG"),
        ("Maya Ellis", "1976-11-02", "S1 4HG"),
        ("Maya Ellis", "1976-11-02", "Lane, Leeds LS1 4HG"),
        ("Maya Ellis", "1976-11-02", " "),
    ] {
        let body = ask(name, born, postcode);
        let (_, wrong) = bank.post("/customers/verify-details", "2", &body).await;
        let none = json!({"ok": false, "id": "", "name": ""});
        assert_eq!(wrong, none, "{body}");
    }
    let body = ask("Maya Ellis", "2 November", "LS1 4HG");
    let answer = bank.post("/customers/verify-details", "3", &body).await;
    assert_eq!(answer.0, 400);
}

#[tokio::test]
async fn a_new_address_is_the_one_that_a_postcode_is_compared_with() {
    let bank = Client::start().await;
    let moved = json!({"customer": "cust_1188", "street": "3 Quay, Leeds", "postcode": "ls28jp"});
    assert_eq!(bank.post("/addresses", "m1", &moved).await.0, 200);
    for (postcode, ok) in [("LS2 8JP", true), ("LS1 4HG", false)] {
        let body =
            json!({"name": "Maya Ellis", "date_of_birth": "1976-11-02", "postcode": postcode});
        let (_, answer) = bank.post("/customers/verify-details", "1", &body).await;
        assert_eq!(answer["ok"], ok, "{postcode}");
    }
}

#[tokio::test]
async fn cards_are_found_by_what_people_call_them() {
    let bank = Client::start().await;
    for (customer, kind, count, last4, digits) in [
        ("cust_2208", "debit", 2, "", "4821, 4812"),
        ("cust_2208", "credit", 1, "9034", "9034"),
        ("30552208", "gold", 1, "9034", "9034"),
        ("cust_2208", "rewards", 0, "", "4821, 9034, 4812"),
        ("cust_2208", "only", 3, "", "4821, 9034, 4812"),
        ("cust_1188", "only", 1, "5520", "5520"),
        ("cust_1188", "credit", 0, "", "5520"),
        ("cust_3071", "rewards", 1, "7042", "7042"),
        ("cust_0093", "gold", 1, "1209", "1209"),
    ] {
        let path = format!("/customers/{customer}/cards/of-kind?kind={kind}");
        let (_, answer) = bank.get(&path).await;
        let wanted = json!({"count": count, "last4": last4, "digits": digits});
        assert_eq!(answer, wanted, "{path}");
    }
    for (path, status) in [
        ("/customers/cust_2208/cards/of-kind?kind=silver", 400),
        ("/customers/nobody/cards/of-kind?kind=debit", 404),
    ] {
        assert_eq!(bank.get(path).await.0, status, "{path}");
    }
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
async fn one_of_the_free_times_is_picked_by_its_place() {
    let bank = Client::start().await;
    let leeds = "/branches/leeds-park-row/slots?date=2026-11-30";
    let (_, all) = bank.get(leeds).await;
    assert_eq!(all["times"], "10:00, 10:45, 13:00, 14:15, 15:45");
    assert_eq!(all["picked"], "");
    // Two times are free on this Saturday.
    let bristol = "/branches/bristol-harbourside/slots?date=2026-11-28";
    let sunday = "/branches/leeds-park-row/slots?date=2026-11-29";
    for (path, pick, picked) in [
        (leeds, "first", "10:00"),
        (leeds, "second", "10:45"),
        (leeds, "third", "13:00"),
        (leeds, "middle", "13:00"),
        (leeds, "last", "15:45"),
        (bristol, "second", "12:30"),
        (bristol, "third", ""),
        (bristol, "middle", "11:00"),
        (sunday, "first", ""),
        (sunday, "middle", ""),
        (sunday, "last", ""),
    ] {
        let (_, answer) = bank.get(&format!("{path}&pick={pick}")).await;
        assert_eq!(answer["picked"], picked, "{path} {pick}");
    }
    assert_eq!(bank.get(&format!("{leeds}&pick=best")).await.0, 400);
}

#[tokio::test]
async fn an_appointment_is_found_by_its_reference_and_by_its_customer() {
    let bank = Client::start().await;
    let none = json!({
        "found": false, "ref": "", "id": "", "name": "", "date": null, "time": null,
    });
    let next = "/customers/cust_2208/appointments/next";
    assert_eq!(bank.get(next).await, (200, none.clone()));
    // A past one, one of a stranger and one of somebody unknown are nobody's next.
    bank.book("2026-11-26", "10:45", &json!("cust_2208")).await;
    bank.book("2026-11-28", "10:00", &Value::Null).await;
    bank.book("2026-11-28", "12:30", &json!("nobody")).await;
    bank.book("2026-12-01", "10:00", &json!("cust_2208")).await;
    let reference = bank
        .book("2026-11-30", "13:00:00", &json!("30552208"))
        .await;
    let wanted = json!({
        "found": true, "ref": reference, "id": "leeds-park-row", "name": "Park Row",
        "date": "2026-11-30", "time": "13:00",
    });
    assert_eq!(bank.get(next).await.1, wanted);
    for written in ["AP-73018", "ap73018", "Ap%2073018"] {
        let (_, answer) = bank.get(&format!("/appointments/{written}")).await;
        assert_eq!(answer, wanted, "{written}");
    }
    assert_eq!(bank.get("/appointments/AP-99999").await, (200, none));
    let unknown = bank.get("/customers/nobody/appointments/next").await;
    assert_eq!(unknown.0, 404);
}

#[tokio::test]
async fn a_cancelled_appointment_frees_its_time() {
    let bank = Client::start().await;
    let before = bank.free("2026-11-30").await;
    let reference = bank.book("2026-11-30", "13:00", &json!("cust_2208")).await;
    assert_ne!(bank.free("2026-11-30").await, before);
    // Asked for twice under one key, it is done once and answered twice.
    for _ in 0..2 {
        let gone = bank.delete("/appointments/ap73014", "c1").await;
        assert_eq!(gone, (200, json!({"ref": reference})));
    }
    assert_eq!(bank.free("2026-11-30").await, before);
    let (_, seen) = bank.get("/appointments/AP-73014").await;
    assert_eq!(seen["found"], false);
    assert_eq!(bank.delete("/appointments/AP-73014", "c2").await.0, 404);
    // The reference is not given to anybody else.
    let other = bank.book("2026-11-30", "10:00", &Value::Null).await;
    assert_eq!(other, "AP-73015");
}

#[tokio::test]
async fn an_appointment_moves_to_a_free_time_or_stays_where_it_is() {
    let bank = Client::start().await;
    let reference = bank.book("2026-11-30", "13:00", &json!("cust_2208")).await;
    bank.book("2026-12-01", "10:00", &Value::Null).await;
    let path = format!("/appointments/{reference}");
    let to = |date: &str, time: &str| json!({"date": date, "time": time});
    for (key, body, status) in [
        ("m1", to("2026-12-01", "10:00:00"), 409),
        ("m2", to("2026-11-29", "10:00:00"), 409),
        ("m3", to("2026-12-01", "03:00:00"), 409),
        ("m4", to("tomorrow", "10:45:00"), 400),
        // Where it is already.
        ("m5", to("2026-11-30", "13:00:00"), 200),
    ] {
        assert_eq!(bank.put(&path, key, &body).await.0, status, "{body}");
        assert_eq!(bank.get(&path).await.1["time"], "13:00", "{body}");
    }
    let body = to("2026-12-01", "11:30:00");
    for _ in 0..2 {
        let moved = bank.put(&path, "m6", &body).await;
        assert_eq!(moved, (200, json!({"ref": reference})));
    }
    let (_, seen) = bank.get(&path).await;
    assert_eq!(
        (&seen["date"], &seen["time"]),
        (&json!("2026-12-01"), &json!("11:30"))
    );
    let free = bank.free("2026-11-30").await;
    assert!(free.to_string().contains("13:00"), "{free}");
    let free = bank.free("2026-12-01").await;
    assert!(!free.to_string().contains("11:30"), "{free}");
    assert_eq!(bank.put("/appointments/AP-99999", "m7", &body).await.0, 404);
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
