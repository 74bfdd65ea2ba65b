//! Harbor Bank's back office: the small HTTP service that the demo bot's actions call. `serve` starts
//! it on a loopback port when it serves the shipped demo, and points `{env.HARBOR_BANK_API}` at it.
//!
//! Owns made-up customers in memory; nothing survives a restart. Must never be started for any other
//! bot, and never listens beyond loopback.
//!
//! Money goes out as `{"amount": "1284.36", "currency": "GBP"}` and comes in as that, as a number or
//! as text such as `50` or `50.00 GBP`. A customer is named by id (`cust_2208`) or by the 8-digit
//! customer number. A change with an `Idempotency-Key` answers the same again and does nothing twice;
//! the same key with another body is refused with 409. Errors are `{"error": code, "message": text}`.
//!
//! | request | answer |
//! |---|---|
//! | `GET /customers/{id}` | `{id, number, name, tier, phone, email, date_of_birth, address, language}` |
//! | `POST /customers/verify {customer, pin}` | `{ok, id, name}`; a wrong pair is `ok: false` with empty texts |
//! | `POST /customers/verify-details {name, date_of_birth, postcode}` | the same, by what the customer knows |
//! | `GET /customers/{id}/accounts/{kind}` (`current`, `savings`) | `{kind, balance, available, account_tail}` |
//! | `GET /customers/{id}/transactions?limit=` | `{transactions: [{date, merchant, amount}], summary}` |
//! | `GET /customers/{id}/cards` | `{cards: [{last4, kind, status}]}` |
//! | `GET /customers/{id}/cards/{last4}` | `{last4, kind, status, found}`; an unknown card is `found: false` |
//! | `GET /customers/{id}/cards/of-kind?kind=` (`debit`, `credit`, `gold`, `rewards`, `only`) | `{count, last4, digits}`: `last4` of the only one, `digits` of them or else of all: `"4821, 4812"` |
//! | `POST /cards/{last4}/block {customer, reason}` | `{ref, status}` |
//! | `POST /cards/{last4}/replace {customer, address_ok?}` | `{ref, days}` |
//! | `GET /cards/{last4}/declines?customer=` | `{reason, merchant, advice}`; nothing declined is reason `none` |
//! | `POST /password-resets {customer \| email, secret?, send_by?}` | `{ref, sent_to}` |
//! | `GET /branches?town=` | `{id, name, address}` of the town's branch; without `town`, `{branches: […]}` |
//! | `GET /branches/{id}/slots?date=&pick=` (`first`, `second`, `third`, `middle`, `last`) | `{open, slots: ["10:00", …], times: "10:00, …", first, picked}`; `picked` is empty where there is no such one |
//! | `POST /appointments {branch, date, time, topic?, customer?}` | `{ref}`; a taken time is 409 |
//! | `GET /appointments/{ref}` | `{found, ref, id, name, date, time}`, `id` and `name` of the branch; an unknown one is `found: false` |
//! | `GET /customers/{id}/appointments/next` | the same, of the customer's next one |
//! | `PUT /appointments/{ref} {date, time}` | `{ref}`; a taken time is 409 and changes nothing |
//! | `DELETE /appointments/{ref}` | `{ref}`; its time is free again |
//! | `POST /transfers {customer, amount, to, from?, payee?}` (`to`: `savings`, `current`, `someone`) | `{ref, new_balance}`; too little money is 422 |
//! | `POST /statements {customer, kind?, period \| months, delivery \| by}` | `{ref}` |
//! | `POST /addresses {customer, address \| street + postcode, from?}` | `{ref}` |
//! | `GET /rates?from=&to=` | `{rate, at}` |
//! | `POST /disputes {customer, merchant, amount, date?, reason?}` | `{ref}` |

mod calendar;
mod data;
mod routes;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use data::Bank;
pub use data::{Customer, DEMO_CUSTOMER};

/// Name of the environment variable that the demo bot's actions read their address from.
pub const ADDRESS_VARIABLE: &str = "HARBOR_BANK_API";

/// The bank, shared by its routes.
#[derive(Debug, Clone)]
pub(crate) struct Shared(Arc<Mutex<Bank>>);

impl Shared {
    fn new(today: jiff::civil::Date) -> Self {
        Self(Arc::new(Mutex::new(Bank::open(today))))
    }

    /// Runs `work` on the bank. A panic in another request leaves a bank that still adds up, since
    /// every change is made in one piece.
    fn with<T>(&self, work: impl FnOnce(&mut Bank) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Starts the service on a free loopback port; it stops with `stop`. `today` dates the transactions.
///
/// # Errors
/// No loopback port can be had.
pub async fn start(
    today: jiff::civil::Date,
    stop: CancellationToken,
) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
    let address = listener.local_addr()?;
    let app = routes::router(Shared::new(today));
    tokio::spawn(async move {
        let served = axum::serve(listener, app)
            .with_graceful_shutdown(async move { stop.cancelled().await })
            .await;
        if let Err(error) = served {
            tracing::error!(error = %error, "the demo's back office stopped");
        }
    });
    Ok(address)
}

#[cfg(test)]
mod requests;
#[cfg(test)]
mod tests;
