//! The made-up bank: its customers, and what can be done to their accounts and cards.

use std::collections::{BTreeMap, BTreeSet};

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};

/// Customer that the demo page is signed in as.
pub const DEMO_CUSTOMER: &str = "cust_2208";

const CURRENCY: &str = "GBP";
/// Idempotency keys kept; the demo forgets the oldest beyond.
const MAX_KEYS: usize = 10_000;
/// First number of each kind of reference, so that they look like a bank's.
const FIRST_REFERENCE: u32 = 73_014;

/// A customer's record.
#[derive(Debug, Clone, Serialize)]
pub struct Customer {
    /// Id such as `cust_2208`.
    pub id: String,
    /// Customer number, 8 digits.
    pub number: String,
    /// Name.
    pub name: String,
    /// `standard` or `premier`.
    pub tier: String,
    /// Telephone number.
    pub phone: String,
    /// E-mail address.
    pub email: String,
    /// Date of birth.
    pub date_of_birth: Date,
    /// Postal address.
    pub address: String,
    /// Language the bank writes in.
    pub language: String,
    /// Phone banking PIN: checked, never told.
    #[serde(skip)]
    pub(super) pin: String,
    #[serde(skip)]
    pub(super) accounts: BTreeMap<String, Account>,
    #[serde(skip)]
    pub(super) transactions: Vec<Transaction>,
    #[serde(skip)]
    pub(super) cards: Vec<Card>,
}

#[derive(Debug, Clone)]
pub(super) struct Account {
    pub(super) balance: Decimal,
    pub(super) overdraft: Decimal,
    pub(super) tail: String,
}

#[derive(Debug, Clone)]
pub(super) struct Transaction {
    pub(super) date: Date,
    pub(super) merchant: String,
    pub(super) amount: Decimal,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Card {
    pub(super) last4: String,
    pub(super) kind: String,
    pub(super) status: String,
    #[serde(skip)]
    pub(super) decline: Option<Decline>,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Decline {
    pub(super) reason: String,
    pub(super) merchant: String,
    pub(super) advice: String,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Branch {
    pub(super) id: &'static str,
    #[serde(skip)]
    pub(super) town: &'static str,
    pub(super) name: &'static str,
    pub(super) address: &'static str,
}

pub(super) const BRANCHES: [Branch; 5] = [
    Branch {
        id: "london-strand",
        town: "london",
        name: "Strand",
        address: "12 Strand, London WC2N 5HR",
    },
    Branch {
        id: "bristol-harbourside",
        town: "bristol",
        name: "Harbourside",
        address: "3 Canons Road, Bristol BS1 5UH",
    },
    Branch {
        id: "manchester-deansgate",
        town: "manchester",
        name: "Deansgate",
        address: "208 Deansgate, Manchester M3 3NW",
    },
    Branch {
        id: "leeds-park-row",
        town: "leeds",
        name: "Park Row",
        address: "41 Park Row, Leeds LS1 5JL",
    },
    Branch {
        id: "edinburgh-george-street",
        town: "edinburgh",
        name: "George Street",
        address: "97 George Street, Edinburgh EH2 3ES",
    },
];

/// What one pound buys, in ten-thousandths.
const RATES: [(&str, u32); 9] = [
    ("GBP", 10_000),
    ("EUR", 11_734),
    ("USD", 12_915),
    ("CHF", 11_308),
    ("JPY", 1_928_500),
    ("AUD", 19_620),
    ("CAD", 17_744),
    ("PLN", 50_120),
    ("TRY", 421_300),
];

/// Why a request can't be met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refusal {
    /// No such customer, account, card, branch or currency.
    NotFound(&'static str),
    /// The request makes no sense.
    Invalid(&'static str),
    /// Another request came first.
    Taken(&'static str),
    /// There is not enough money.
    InsufficientFunds,
}

/// Everything the bank knows.
#[derive(Debug)]
pub(super) struct Bank {
    customers: Vec<Customer>,
    booked: BTreeSet<(String, Date, String)>,
    references: BTreeMap<&'static str, u32>,
    /// Idempotency key -> request as it came and what was answered.
    answered: BTreeMap<String, (String, Value)>,
}

impl Bank {
    pub(super) fn open(today: Date) -> Self {
        Self {
            customers: vec![alex(today), maya(today), rosa(today), victor(today)],
            booked: BTreeSet::new(),
            references: BTreeMap::new(),
            answered: BTreeMap::new(),
        }
    }

    /// Runs `work` once for each key: the same key and request get the same answer again.
    pub(super) fn once(
        &mut self,
        key: Option<&str>,
        request: &str,
        work: impl FnOnce(&mut Self) -> Result<Value, Refusal>,
    ) -> Result<Value, Refusal> {
        let Some(key) = key else {
            return work(self);
        };
        if let Some((earlier, answer)) = self.answered.get(key) {
            return if earlier == request {
                Ok(answer.clone())
            } else {
                Err(Refusal::Taken("idempotency key"))
            };
        }
        let answer = work(self)?;
        if self.answered.len() >= MAX_KEYS {
            self.answered.pop_first();
        }
        self.answered
            .insert(key.to_owned(), (request.to_owned(), answer.clone()));
        Ok(answer)
    }

    pub(super) fn customer(&self, name: &str) -> Result<&Customer, Refusal> {
        self.customers
            .iter()
            .find(|customer| customer.id == name || customer.number == name)
            .ok_or(Refusal::NotFound("customer"))
    }

    fn customer_mut(&mut self, name: &str) -> Result<&mut Customer, Refusal> {
        self.customers
            .iter_mut()
            .find(|customer| customer.id == name || customer.number == name)
            .ok_or(Refusal::NotFound("customer"))
    }

    pub(super) fn customer_by_email(&self, email: &str) -> Result<&Customer, Refusal> {
        self.customers
            .iter()
            .find(|customer| customer.email.eq_ignore_ascii_case(email))
            .ok_or(Refusal::NotFound("customer"))
    }

    pub(super) fn verify(&self, name: &str, pin: &str) -> Value {
        match self.customer(name) {
            Ok(customer) if customer.pin == pin => {
                json!({"ok": true, "id": customer.id, "name": customer.name})
            }
            _ => json!({"ok": false, "id": "", "name": ""}),
        }
    }

    pub(super) fn account(&self, customer: &str, kind: &str) -> Result<Value, Refusal> {
        let account = self
            .customer(customer)?
            .accounts
            .get(kind)
            .ok_or(Refusal::NotFound("account"))?;
        Ok(json!({
            "kind": kind,
            "balance": money(account.balance),
            "available": money(account.balance + account.overdraft),
            "account_tail": account.tail,
        }))
    }

    pub(super) fn block_card(&mut self, customer: &str, last4: &str) -> Result<Value, Refusal> {
        let card = self.card_mut(customer, last4)?;
        "blocked".clone_into(&mut card.status);
        Ok(json!({"ref": self.reference("BL"), "status": "blocked"}))
    }

    pub(super) fn replace_card(&mut self, customer: &str, last4: &str) -> Result<Value, Refusal> {
        self.card_mut(customer, last4)?;
        Ok(json!({"ref": self.reference("RC"), "days": 4}))
    }

    fn card_mut(&mut self, customer: &str, last4: &str) -> Result<&mut Card, Refusal> {
        self.customer_mut(customer)?
            .cards
            .iter_mut()
            .find(|card| card.last4 == last4)
            .ok_or(Refusal::NotFound("card"))
    }

    pub(super) fn transfer(&mut self, order: &Transfer<'_>) -> Result<Value, Refusal> {
        if order.amount <= Decimal::ZERO {
            return Err(Refusal::Invalid("amount must be above zero"));
        }
        let (from, to) = match (order.from, order.to) {
            (None | Some("current"), "savings") => ("current", Some("savings")),
            (None | Some("savings"), "current") => ("savings", Some("current")),
            (None | Some("current"), "someone") => ("current", None),
            (Some("savings"), "someone") => ("savings", None),
            _ => return Err(Refusal::Invalid("from and to must be two accounts")),
        };
        let customer = self.customer_mut(order.customer)?;
        let source = customer
            .accounts
            .get_mut(from)
            .ok_or(Refusal::NotFound("account"))?;
        if source.balance + source.overdraft < order.amount {
            return Err(Refusal::InsufficientFunds);
        }
        source.balance -= order.amount;
        let new_balance = money(source.balance);
        if let Some(target) = to.and_then(|kind| customer.accounts.get_mut(kind)) {
            target.balance += order.amount;
        }
        Ok(json!({"ref": self.reference("TR"), "new_balance": new_balance}))
    }

    pub(super) fn move_house(&mut self, customer: &str, address: &str) -> Result<Value, Refusal> {
        address.clone_into(&mut self.customer_mut(customer)?.address);
        Ok(json!({"ref": self.reference("AD")}))
    }

    pub(super) fn book(&mut self, branch: &str, date: Date, time: &str) -> Result<Value, Refusal> {
        let free = self.slots(branch, date)?;
        if !free.iter().any(|slot| slot == time) {
            return Err(Refusal::Taken("appointment time"));
        }
        self.booked
            .insert((branch.to_owned(), date, time.to_owned()));
        Ok(json!({"ref": self.reference("AP")}))
    }

    /// Free times of a day: none on Sundays, mornings on Saturdays.
    pub(super) fn slots(&self, branch: &str, date: Date) -> Result<Vec<String>, Refusal> {
        let index = BRANCHES
            .iter()
            .position(|known| known.id == branch)
            .ok_or(Refusal::NotFound("branch"))?;
        let day: &[&str] = match date.weekday() {
            Weekday::Sunday => &[],
            Weekday::Saturday => &["10:00", "11:00", "12:30", "13:15"],
            _ => &[
                "10:00", "10:45", "11:30", "13:00", "14:15", "15:00", "15:45",
            ],
        };
        // A calendar that differs by branch and day, and is the same whenever it is asked for.
        let shift = index + usize::try_from(date.day_of_year()).unwrap_or(0);
        Ok(day
            .iter()
            .enumerate()
            .filter(|(at, _)| (at + shift) % 3 != 0)
            .map(|(_, time)| (*time).to_owned())
            .filter(|time| {
                !self
                    .booked
                    .contains(&(branch.to_owned(), date, time.clone()))
            })
            .collect())
    }

    /// A new reference such as `BL-73014`.
    pub(super) fn reference(&mut self, kind: &'static str) -> String {
        let next = self.references.entry(kind).or_insert(FIRST_REFERENCE);
        let reference = format!("{kind}-{next}");
        *next += 1;
        reference
    }
}

/// An order to move money.
#[derive(Debug)]
pub(super) struct Transfer<'a> {
    pub(super) customer: &'a str,
    pub(super) from: Option<&'a str>,
    pub(super) to: &'a str,
    pub(super) amount: Decimal,
}

/// What one unit of `from` buys of `to`, four decimals.
pub(super) fn rate(from: &str, to: &str) -> Result<Decimal, Refusal> {
    let find = |code: &str| {
        RATES
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(code))
            .map(|(_, rate)| Decimal::from(*rate))
            .ok_or(Refusal::NotFound("currency"))
    };
    Ok((find(to)? / find(from)?).round_dp(4).normalize())
}

pub(super) fn money(amount: Decimal) -> Value {
    let mut amount = amount;
    amount.rescale(2);
    json!({"amount": amount.to_string(), "currency": CURRENCY})
}

fn pence(amount: i64) -> Decimal {
    Decimal::new(amount, 2)
}

fn account(balance: i64, overdraft: i64, tail: &str) -> Account {
    Account {
        balance: pence(balance),
        overdraft: pence(overdraft),
        tail: tail.to_owned(),
    }
}

fn card(last4: &str, kind: &str, decline: Option<(&str, &str, &str)>) -> Card {
    Card {
        last4: last4.to_owned(),
        kind: kind.to_owned(),
        status: "active".to_owned(),
        decline: decline.map(|(reason, merchant, advice)| Decline {
            reason: reason.to_owned(),
            merchant: merchant.to_owned(),
            advice: advice.to_owned(),
        }),
    }
}

/// Payments of the last days: how many days ago, to whom, how much in pence.
fn payments(today: Date, list: &[(i64, &str, i64)]) -> Vec<Transaction> {
    list.iter()
        .map(|(days_ago, merchant, amount)| Transaction {
            date: today.saturating_sub(days_ago.days()),
            merchant: (*merchant).to_owned(),
            amount: pence(*amount),
        })
        .collect()
}

fn alex(today: Date) -> Customer {
    Customer {
        id: DEMO_CUSTOMER.to_owned(),
        number: "30552208".to_owned(),
        name: "Alex Morgan".to_owned(),
        tier: "standard".to_owned(),
        phone: "+447700900118".to_owned(),
        email: "alex.morgan@mail.example".to_owned(),
        date_of_birth: Date::constant(1989, 4, 17),
        address: "27 Clifton Vale, Bristol BS8 4PT".to_owned(),
        language: "en".to_owned(),
        pin: "2580".to_owned(),
        accounts: BTreeMap::from([
            ("current".to_owned(), account(128_436, 50_000, "4417")),
            ("savings".to_owned(), account(612_050, 0, "8802")),
        ]),
        transactions: payments(
            today,
            &[
                (0, "Quayside Foods", -2_365),
                (1, "Bristol Water", -3_110),
                (2, "Northline Trains", -5_840),
                (4, "Brightwell Ltd, salary", 231_200),
                (6, "Halyard Books", -1_499),
            ],
        ),
        cards: vec![
            card(
                "4821",
                "debit",
                Some((
                    "the contactless limit",
                    "Quayside Foods",
                    "put the card in and type your PIN once, then contactless works again.",
                )),
            ),
            card("9034", "credit", None),
            card("4812", "debit", None),
        ],
    }
}

fn maya(today: Date) -> Customer {
    Customer {
        id: "cust_1188".to_owned(),
        number: "20418812".to_owned(),
        name: "Maya Ellis".to_owned(),
        tier: "standard".to_owned(),
        phone: "+447700900226".to_owned(),
        email: "maya.ellis@mail.example".to_owned(),
        date_of_birth: Date::constant(1976, 11, 2),
        address: "8 Salt Lane, Leeds LS1 4HG".to_owned(),
        language: "en".to_owned(),
        pin: "4417".to_owned(),
        accounts: BTreeMap::from([
            ("current".to_owned(), account(-8_214, 25_000, "1930")),
            ("savings".to_owned(), account(45_000, 0, "7781")),
        ]),
        transactions: payments(
            today,
            &[
                (0, "Corner Pharmacy", -860),
                (3, "Leeds City Council", -14_200),
                (5, "Fenwick Motors", -38_000),
            ],
        ),
        cards: vec![card(
            "5520",
            "debit",
            Some((
                "too little money in the account",
                "Fenwick Motors",
                "move money into the account and try the payment again.",
            )),
        )],
    }
}

fn rosa(today: Date) -> Customer {
    Customer {
        id: "cust_3071".to_owned(),
        number: "41730715".to_owned(),
        name: "Rosa Delgado".to_owned(),
        tier: "standard".to_owned(),
        phone: "+447700900331".to_owned(),
        email: "rosa.delgado@mail.example".to_owned(),
        date_of_birth: Date::constant(1994, 7, 23),
        address: "15 Meadow Street, Edinburgh EH9 1JR".to_owned(),
        language: "es".to_owned(),
        pin: "9061".to_owned(),
        accounts: BTreeMap::from([
            ("current".to_owned(), account(74_902, 20_000, "6643")),
            ("savings".to_owned(), account(1_204_000, 0, "6651")),
        ]),
        transactions: payments(
            today,
            &[(1, "Castle Bakery", -415), (2, "Lothian Buses", -480)],
        ),
        cards: vec![card("3316", "debit", None), card("7042", "credit", None)],
    }
}

fn victor(today: Date) -> Customer {
    Customer {
        id: "cust_0093".to_owned(),
        number: "10000093".to_owned(),
        name: "Victor Osei".to_owned(),
        tier: "premier".to_owned(),
        phone: "+447700900447".to_owned(),
        email: "victor.osei@mail.example".to_owned(),
        date_of_birth: Date::constant(1961, 1, 30),
        address: "2 Harbour Terrace, London E14 9SH".to_owned(),
        language: "en".to_owned(),
        pin: "7716".to_owned(),
        accounts: BTreeMap::from([
            ("current".to_owned(), account(2_310_977, 500_000, "0042")),
            ("savings".to_owned(), account(18_440_000, 0, "0050")),
        ]),
        transactions: payments(today, &[(0, "Mariner Hotel", -42_000)]),
        cards: vec![card("1209", "credit", None)],
    }
}
