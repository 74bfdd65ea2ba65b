//! The made-up bank: its customers, and what can be done to their accounts and cards.

use std::collections::BTreeMap;

use jiff::ToSpan;
use jiff::civil::Date;
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::calendar::{Calendar, Place};

/// Customer that the demo page is signed in as.
pub const DEMO_CUSTOMER: &str = "cust_2208";

const CURRENCY: &str = "GBP";
/// Idempotency keys kept; the demo forgets the oldest beyond.
const MAX_KEYS: usize = 10_000;
/// Letters and digits of a British postcode such as `M3 3NW`; its second half alone is shorter.
const SHORTEST_POSTCODE: usize = 5;
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
    #[serde(skip)]
    product: Product,
    pub(super) status: String,
    #[serde(skip)]
    pub(super) decline: Option<Decline>,
}

/// What a card is sold as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Product {
    Classic,
    /// The Premier card, which people call the gold one.
    Premier,
    /// Harbor Rewards, which collects points.
    Rewards,
}

#[derive(Debug, Clone, Serialize)]
pub(super) struct Decline {
    pub(super) reason: String,
    pub(super) merchant: String,
    pub(super) advice: String,
}

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
    pub(super) calendar: Calendar,
    references: BTreeMap<&'static str, u32>,
    /// Idempotency key -> request as it came and what was answered.
    answered: BTreeMap<String, (String, Value)>,
}

impl Bank {
    pub(super) fn open(today: Date) -> Self {
        Self {
            customers: vec![alex(today), maya(today), rosa(today), victor(today)],
            calendar: Calendar::open(today),
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

    /// Knows a customer by what others are less likely to know than the name.
    pub(super) fn verify_details(&self, name: &str, born: Date, postcode: &str) -> Value {
        let known = self.customers.iter().find(|customer| {
            plain(&customer.name) == plain(name)
                && customer.date_of_birth == born
                && has_postcode(&customer.address, postcode)
        });
        match known {
            Some(customer) => json!({"ok": true, "id": customer.id, "name": customer.name}),
            None => json!({"ok": false, "id": "", "name": ""}),
        }
    }

    /// A customer's cards of a kind, or all where there is none of it: how many they have, the
    /// digits of the only one, and the digits to read out.
    pub(super) fn cards_of_kind(&self, customer: &str, kind: &str) -> Result<Value, Refusal> {
        let is_meant: fn(&Card) -> bool = match kind {
            "debit" => |card| card.kind == "debit",
            "credit" => |card| card.kind == "credit",
            "gold" => |card| card.product == Product::Premier,
            "rewards" => |card| card.product == Product::Rewards,
            "only" => |_| true,
            _ => {
                return Err(Refusal::Invalid(
                    "kind must be debit, credit, gold, rewards or only",
                ));
            }
        };
        let all = &self.customer(customer)?.cards;
        let of_kind = all.iter().filter(|card| is_meant(card));
        let meant: Vec<&str> = of_kind.map(|card| card.last4.as_str()).collect();
        let last4 = match meant.as_slice() {
            [only] => only,
            _ => "",
        };
        let told = if meant.is_empty() {
            all.iter().map(|card| card.last4.as_str()).collect()
        } else {
            meant.clone()
        };
        // Commas, since they are read out in every language.
        Ok(json!({"count": meant.len(), "last4": last4, "digits": told.join(", ")}))
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

    /// Keeps an appointment; who is no customer of ours may have one too.
    pub(super) fn book(&mut self, place: Place, customer: Option<&str>) -> Result<Value, Refusal> {
        self.calendar.check_free(&place)?;
        let customer = customer.and_then(|name| Some(self.customer(name).ok()?.id.clone()));
        let reference = self.reference("AP");
        self.calendar.keep(&reference, place, customer);
        Ok(json!({"ref": reference}))
    }

    pub(super) fn next_appointment(&self, customer: &str) -> Result<Value, Refusal> {
        Ok(self.calendar.next_of(&self.customer(customer)?.id))
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

/// A name without regard to case, accents and blanks.
fn plain(name: &str) -> String {
    let bare: String = name.nfd().filter(|c| !is_combining_mark(*c)).collect();
    let words: Vec<&str> = bare.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

/// True where the address ends with the whole postcode, however either is spaced.
fn has_postcode(address: &str, postcode: &str) -> bool {
    let solid = |text: &str| -> String {
        let kept = text.chars().filter(char::is_ascii_alphanumeric);
        kept.map(|c| c.to_ascii_uppercase()).collect()
    };
    let asked = solid(postcode);
    if asked.len() < SHORTEST_POSTCODE {
        return false;
    }
    let words: Vec<&str> = address.split_whitespace().collect();
    // `LS1 4HG` or `LS14HG`, never the end of a longer one.
    [1, 2].into_iter().any(|count| {
        let from = words.len().saturating_sub(count);
        solid(&words[from..].concat()) == asked
    })
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

fn card(last4: &str, kind: &str, product: Product, decline: Option<(&str, &str, &str)>) -> Card {
    Card {
        last4: last4.to_owned(),
        kind: kind.to_owned(),
        product,
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
                Product::Classic,
                Some((
                    "the contactless limit",
                    "Quayside Foods",
                    "put the card in and type your PIN once, then contactless works again.",
                )),
            ),
            card("9034", "credit", Product::Premier, None),
            card("4812", "debit", Product::Classic, None),
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
            Product::Classic,
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
        cards: vec![
            card("3316", "debit", Product::Classic, None),
            card("7042", "credit", Product::Rewards, None),
        ],
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
        cards: vec![card("1209", "credit", Product::Premier, None)],
    }
}
