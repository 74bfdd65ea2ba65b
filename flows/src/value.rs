//! Values and types: what a slot, a local or an expression holds.

use std::collections::BTreeMap;

use jiff::civil;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// The type of a slot, an action's result field or an expression.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Type {
    /// Free text.
    Text,
    /// A decimal number.
    Number,
    /// A position in an order: first is 1.
    Ordinal,
    /// An amount with an ISO 4217 currency.
    Money,
    /// A calendar day.
    Date,
    /// A time of day.
    Time,
    /// A day with a time of day, in the bot's time zone.
    Datetime,
    /// A length of time in seconds.
    Duration,
    /// A percentage: 5 % is 5.
    Percent,
    /// An e-mail address.
    Email,
    /// A telephone number, digits with an optional leading plus.
    Phone,
    /// A web address.
    Url,
    /// Yes or no; its value is a [`Value::Bool`].
    YesNo,
    /// A person's name.
    Name,
    /// True or false.
    Bool,
    /// A declared entity (list, regex or learned), by its id; its value is a [`Value::Text`] with the canonical name.
    Entity(String),
    /// A list of one type.
    List(Box<Type>),
    /// Named fields: what an action returns.
    Record(BTreeMap<String, Type>),
    /// Anything: the type of a value that is not known before it is there.
    Any,
}

/// A value. Serialised as plain JSON where JSON can tell it (text, number as string, bool, list),
/// and tagged where it can't.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(tag = "t", content = "v", rename_all = "snake_case")]
pub enum Value {
    /// Nothing: an empty slot.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// A decimal number.
    Number(Decimal),
    /// Text.
    Text(String),
    /// An amount with its ISO 4217 currency.
    Money {
        /// The amount in units of the currency.
        amount: Decimal,
        /// ISO 4217, upper case.
        currency: String,
    },
    /// A calendar day.
    Date(civil::Date),
    /// A time of day.
    Time(civil::Time),
    /// A day with a time of day.
    Datetime(civil::DateTime),
    /// Seconds.
    Duration(i64),
    /// A list.
    List(Vec<Value>),
    /// Named fields.
    Record(BTreeMap<String, Value>),
}
