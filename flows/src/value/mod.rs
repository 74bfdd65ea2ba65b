//! Values and types: what a slot, a local or an expression holds.

mod json;
mod say;

pub(crate) use say::{money as say_money, number as say_number, spell};

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

/// Names of the types that stand alone, as authors write them.
static TYPES: [(&str, Type); 17] = [
    ("text", Type::Text),
    ("number", Type::Number),
    ("ordinal", Type::Ordinal),
    ("money", Type::Money),
    ("date", Type::Date),
    ("time", Type::Time),
    ("datetime", Type::Datetime),
    ("duration", Type::Duration),
    ("percent", Type::Percent),
    ("email", Type::Email),
    ("phone", Type::Phone),
    ("url", Type::Url),
    ("yes_no", Type::YesNo),
    ("name", Type::Name),
    ("bool", Type::Bool),
    ("any", Type::Any),
    ("record", Type::Record(BTreeMap::new())),
];

impl Type {
    /// Its name as authors write it: `money`, `yes_no`, an entity's id, `list of date`, `record`.
    pub fn name(&self) -> String {
        match self {
            Self::Entity(id) => id.clone(),
            Self::List(of) => format!("list of {}", of.name()),
            Self::Record(_) => "record".to_owned(),
            other => TYPES
                .iter()
                .find(|(_, ty)| ty == other)
                .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        }
    }

    /// The type called `name`: one that stands alone, or a list of one (`list of date`, `[date]`).
    /// `None` for anything else, an entity's id too: only the caller knows which are declared.
    /// `record` alone is none: its fields must be given.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        let item = name
            .strip_prefix("list of ")
            .or_else(|| name.strip_prefix('[')?.strip_suffix(']'));
        if let Some(item) = item {
            // One level only: no question fills a list of lists.
            return match Self::parse_plain(item.trim())? {
                Self::Any => None,
                ty => Some(Self::List(Box::new(ty))),
            };
        }
        Self::parse_plain(name)
    }

    fn parse_plain(name: &str) -> Option<Self> {
        let (_, ty) = TYPES.iter().find(|(n, _)| *n == name)?;
        (!matches!(ty, Self::Record(_))).then(|| ty.clone())
    }
}

impl Value {
    /// Whether it is nothing.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether a condition with this value holds: only for true. An empty slot is no.
    pub fn truthy(&self) -> bool {
        matches!(self, Self::Bool(true))
    }
}

#[cfg(test)]
mod tests;
