//! The bank's HTTP face: reads requests, lets [`super::data::Bank`] decide, words the answers.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Value, json};

use super::Shared;
use super::calendar::{BRANCHES, Place, picked};
use super::data::{Bank, Refusal, Transfer, money, rate};

const DEFAULT_TRANSACTIONS: usize = 5;

pub(super) fn router(bank: Shared) -> Router {
    Router::new()
        .route("/customers/verify", post(verify))
        .route("/customers/verify-details", post(verify_details))
        .route("/customers/{id}", get(customer))
        .route("/customers/{id}/accounts/{kind}", get(account))
        .route("/customers/{id}/transactions", get(transactions))
        .route("/customers/{id}/cards", get(cards))
        .route("/customers/{id}/cards/of-kind", get(cards_of_kind))
        .route("/customers/{id}/cards/{last4}", get(card))
        .route("/customers/{id}/appointments/next", get(next_appointment))
        .route("/cards/{last4}/block", post(block))
        .route("/cards/{last4}/replace", post(replace))
        .route("/cards/{last4}/declines", get(declines))
        .route("/password-resets", post(reset_password))
        .route("/branches", get(branches))
        .route("/branches/{id}/slots", get(slots))
        .route("/appointments", post(book))
        .route(
            "/appointments/{reference}",
            get(appointment).delete(cancel).put(put_off),
        )
        .route("/transfers", post(transfer))
        .route("/statements", post(statement))
        .route("/addresses", post(address))
        .route("/rates", get(rates))
        .route("/disputes", post(dispute))
        .with_state(bank)
}

type Answer = Result<Json<Value>, Refusal>;

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, code, message) = match self {
            Self::NotFound(what) => (
                StatusCode::NOT_FOUND,
                "not_found",
                format!("no such {what}"),
            ),
            Self::Invalid(why) => (StatusCode::BAD_REQUEST, "invalid", why.to_owned()),
            Self::Taken(what) => (
                StatusCode::CONFLICT,
                "taken",
                format!("this {what} is taken"),
            ),
            Self::InsufficientFunds => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "insufficient_funds",
                "there is not enough money in the account".to_owned(),
            ),
        };
        (status, Json(json!({"error": code, "message": message}))).into_response()
    }
}

/// A JSON body whose fields are texts, numbers or `{amount, currency}`; absent and null are the same.
struct Body<'a>(&'a Value);

impl<'a> Body<'a> {
    fn optional(&self, name: &str) -> Option<&'a str> {
        self.0[name].as_str().filter(|text| !text.is_empty())
    }

    fn text(&self, name: &'static str) -> Result<&'a str, Refusal> {
        self.optional(name).ok_or(Refusal::Invalid(name))
    }

    fn amount(&self, name: &str) -> Result<Decimal, Refusal> {
        let value = match &self.0[name] {
            Value::Object(fields) => fields.get("amount").unwrap_or(&Value::Null),
            other => other,
        };
        let text = match value {
            Value::Number(number) => number.to_string(),
            Value::String(text) => text.split(' ').next().unwrap_or_default().to_owned(),
            _ => String::new(),
        };
        text.parse()
            .map_err(|_| Refusal::Invalid("amount must be a number"))
    }
}

/// Runs a change under the caller's `Idempotency-Key`.
fn change(
    bank: &Shared,
    headers: &HeaderMap,
    path: &str,
    body: &Value,
    work: impl FnOnce(&mut Bank, &Body<'_>) -> Result<Value, Refusal>,
) -> Answer {
    let key = headers
        .get("idempotency-key")
        .and_then(|value| value.to_str().ok());
    let request = format!("{path} {body}");
    bank.with(|bank| bank.once(key, &request, |bank| work(bank, &Body(body))))
        .map(Json)
}

async fn customer(State(bank): State<Shared>, Path(id): Path<String>) -> Answer {
    bank.with(|bank| bank.customer(&id).map(|customer| Json(json!(customer))))
}

async fn verify(State(bank): State<Shared>, Json(body): Json<Value>) -> Answer {
    let body = Body(&body);
    let (customer, pin) = (body.text("customer")?, body.text("pin")?);
    Ok(Json(bank.with(|bank| bank.verify(customer, pin))))
}

async fn verify_details(State(bank): State<Shared>, Json(body): Json<Value>) -> Answer {
    let body = Body(&body);
    let (name, postcode) = (body.text("name")?, body.text("postcode")?);
    let born = read_date(body.text("date_of_birth")?)?;
    Ok(Json(
        bank.with(|bank| bank.verify_details(name, born, postcode)),
    ))
}

async fn account(State(bank): State<Shared>, Path((id, kind)): Path<(String, String)>) -> Answer {
    bank.with(|bank| bank.account(&id, &kind)).map(Json)
}

#[derive(Deserialize)]
struct TransactionQuery {
    limit: Option<usize>,
}

async fn transactions(
    State(bank): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<TransactionQuery>,
) -> Answer {
    let limit = query.limit.unwrap_or(DEFAULT_TRANSACTIONS);
    bank.with(|bank| {
        let list = &bank.customer(&id)?.transactions;
        let shown = &list[..limit.min(list.len())];
        let summary: Vec<String> = shown
            .iter()
            .map(|payment| {
                let sign = if payment.amount.is_sign_negative() {
                    "-"
                } else {
                    "+"
                };
                let mut amount = payment.amount.abs();
                amount.rescale(2);
                let day = payment.date.strftime("%-d %b");
                format!("{day} {} {sign}£{amount}", payment.merchant)
            })
            .collect();
        let rows: Vec<Value> = shown
            .iter()
            .map(|payment| {
                json!({
                    "date": payment.date,
                    "merchant": payment.merchant,
                    "amount": money(payment.amount),
                })
            })
            .collect();
        Ok(Json(
            json!({"transactions": rows, "summary": summary.join("; ")}),
        ))
    })
}

async fn cards(State(bank): State<Shared>, Path(id): Path<String>) -> Answer {
    bank.with(|bank| {
        bank.customer(&id)
            .map(|customer| Json(json!({"cards": customer.cards})))
    })
}

#[derive(Deserialize)]
struct KindQuery {
    kind: String,
}

async fn cards_of_kind(
    State(bank): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<KindQuery>,
) -> Answer {
    bank.with(|bank| bank.cards_of_kind(&id, &query.kind))
        .map(Json)
}

async fn card(State(bank): State<Shared>, Path((id, last4)): Path<(String, String)>) -> Answer {
    bank.with(|bank| {
        let cards = &bank.customer(&id)?.cards;
        Ok(Json(match cards.iter().find(|card| card.last4 == last4) {
            Some(card) => json!({
                "last4": card.last4, "kind": card.kind, "status": card.status, "found": true,
            }),
            None => json!({"last4": last4, "kind": "", "status": "unknown", "found": false}),
        }))
    })
}

async fn block(
    State(bank): State<Shared>,
    Path(last4): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let path = format!("block {last4}");
    change(&bank, &headers, &path, &body, |bank, body| {
        body.text("reason")?;
        bank.block_card(body.text("customer")?, &last4)
    })
}

async fn replace(
    State(bank): State<Shared>,
    Path(last4): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let path = format!("replace {last4}");
    change(&bank, &headers, &path, &body, |bank, body| {
        bank.replace_card(body.text("customer")?, &last4)
    })
}

#[derive(Deserialize)]
struct DeclineQuery {
    customer: String,
}

async fn declines(
    State(bank): State<Shared>,
    Path(last4): Path<String>,
    Query(query): Query<DeclineQuery>,
) -> Answer {
    bank.with(|bank| {
        let cards = &bank.customer(&query.customer)?.cards;
        let decline = cards
            .iter()
            .find(|card| card.last4 == last4)
            .and_then(|card| card.decline.as_ref());
        Ok(Json(match decline {
            Some(decline) => json!(decline),
            None => json!({"reason": "none", "merchant": "", "advice": ""}),
        }))
    })
}

async fn reset_password(
    State(bank): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    change(&bank, &headers, "reset", &body, |bank, body| {
        let customer = match body.optional("email") {
            Some(email) if body.optional("customer").is_none() => bank.customer_by_email(email)?,
            _ => bank.customer(body.text("customer")?)?,
        };
        // Enough to recognise the address, not enough to learn it.
        let sent_to = match body.optional("send_by") {
            Some("text") => {
                let digits = &customer.phone[customer.phone.len() - 3..];
                format!("•••• ••• {digits}")
            }
            _ => {
                let domain = customer.email.split('@').next_back().unwrap_or_default();
                format!("{}•••@{domain}", &customer.email[..1])
            }
        };
        Ok(json!({"ref": bank.reference("PR"), "sent_to": sent_to}))
    })
}

#[derive(Deserialize)]
struct BranchQuery {
    town: Option<String>,
}

async fn branches(Query(query): Query<BranchQuery>) -> Answer {
    let Some(town) = query.town else {
        return Ok(Json(json!({"branches": BRANCHES})));
    };
    BRANCHES
        .iter()
        .find(|branch| branch.town.eq_ignore_ascii_case(&town))
        .map(|branch| Json(json!(branch)))
        .ok_or(Refusal::NotFound("branch"))
}

#[derive(Deserialize)]
struct SlotQuery {
    date: String,
    pick: Option<String>,
}

async fn slots(
    State(bank): State<Shared>,
    Path(id): Path<String>,
    Query(query): Query<SlotQuery>,
) -> Answer {
    let date = read_date(&query.date)?;
    let free = bank.with(|bank| bank.calendar.slots(&id, date))?;
    let picked = match &query.pick {
        Some(pick) => picked(&free, pick)?,
        None => "",
    };
    Ok(Json(json!({
        "open": !free.is_empty(),
        "times": free.join(", "),
        "first": free.first().cloned().unwrap_or_default(),
        "picked": picked,
        "slots": free,
    })))
}

async fn book(State(bank): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Answer {
    change(&bank, &headers, "appointment", &body, |bank, body| {
        let place = Place {
            branch: body.text("branch")?.to_owned(),
            date: read_date(body.text("date")?)?,
            time: read_time(body.text("time")?).to_owned(),
        };
        bank.book(place, body.optional("customer"))
    })
}

async fn appointment(State(bank): State<Shared>, Path(reference): Path<String>) -> Answer {
    Ok(Json(bank.with(|bank| bank.calendar.find(&reference))))
}

async fn next_appointment(State(bank): State<Shared>, Path(id): Path<String>) -> Answer {
    bank.with(|bank| bank.next_appointment(&id)).map(Json)
}

async fn cancel(
    State(bank): State<Shared>,
    Path(reference): Path<String>,
    headers: HeaderMap,
) -> Answer {
    let path = format!("cancel {reference}");
    change(&bank, &headers, &path, &Value::Null, |bank, _| {
        bank.calendar.cancel(&reference)
    })
}

async fn put_off(
    State(bank): State<Shared>,
    Path(reference): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let path = format!("put off {reference}");
    change(&bank, &headers, &path, &body, |bank, body| {
        let date = read_date(body.text("date")?)?;
        let time = read_time(body.text("time")?);
        bank.calendar.put_off(&reference, date, time)
    })
}

async fn transfer(
    State(bank): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    change(&bank, &headers, "transfer", &body, |bank, body| {
        bank.transfer(&Transfer {
            customer: body.text("customer")?,
            from: body.optional("from"),
            to: body.text("to")?,
            amount: body.amount("amount")?,
        })
    })
}

async fn statement(
    State(bank): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    change(&bank, &headers, "statement", &body, |bank, body| {
        bank.customer(body.text("customer")?)?;
        Ok(json!({"ref": bank.reference("ST")}))
    })
}

async fn address(
    State(bank): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    change(&bank, &headers, "address", &body, |bank, body| {
        let address = match body.optional("address") {
            Some(address) => address.to_owned(),
            None => format!("{} {}", body.text("street")?, body.text("postcode")?),
        };
        bank.move_house(body.text("customer")?, &address)
    })
}

#[derive(Deserialize)]
struct RateQuery {
    from: String,
    to: String,
}

async fn rates(Query(query): Query<RateQuery>) -> Answer {
    let rate = rate(&query.from, &query.to)?;
    Ok(Json(json!({"rate": rate.to_string(), "at": "09:00"})))
}

async fn dispute(
    State(bank): State<Shared>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    change(&bank, &headers, "dispute", &body, |bank, body| {
        bank.customer(body.text("customer")?)?;
        body.text("merchant")?;
        body.amount("amount")?;
        Ok(json!({"ref": bank.reference("DS")}))
    })
}

fn read_date(text: &str) -> Result<Date, Refusal> {
    text.parse()
        .map_err(|_| Refusal::Invalid("date must be written as 2027-01-31"))
}

/// `14:15:00` and `14:15` are the same time.
fn read_time(text: &str) -> &str {
    text.get(..5).unwrap_or(text)
}
