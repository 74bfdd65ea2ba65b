//! The functions of the language: their names, arguments and results.

use crate::value::Type;

/// What an operator or a function can tell apart of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Any,
    Text,
    Number,
    Money,
    Date,
    Time,
    Datetime,
    Duration,
    Bool,
    List,
    Record,
}

/// The class of a type.
pub(super) fn class(ty: &Type) -> Class {
    match ty {
        Type::Text | Type::Email | Type::Phone | Type::Url | Type::Name | Type::Entity(_) => {
            Class::Text
        }
        Type::Number | Type::Ordinal | Type::Percent => Class::Number,
        Type::Money => Class::Money,
        Type::Date => Class::Date,
        Type::Time => Class::Time,
        Type::Datetime => Class::Datetime,
        Type::Duration => Class::Duration,
        Type::YesNo | Type::Bool => Class::Bool,
        Type::List(_) => Class::List,
        Type::Record(_) => Class::Record,
        Type::Any => Class::Any,
    }
}

/// A function. Unless it says otherwise, a null argument gives null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Func {
    /// Characters of a text, items of a list, fields of a record; 0 for null.
    Size,
    /// In lower case.
    Lower,
    /// In upper case.
    Upper,
    /// Whether a text holds another, or a list an item; no for null.
    Contains,
    /// Whether a text begins with another; no for null.
    StartsWith,
    /// Whether a text ends with another; no for null.
    EndsWith,
    /// Whether a regular expression matches somewhere in a text; no for null.
    Matches,
    /// Days from the first date to the second.
    Days,
    /// The first argument that is not null.
    Coalesce,
    /// Whether the argument is not null.
    Has,
    /// The day of a datetime, or of a text such as `2026-03-04`.
    Date,
    /// The time of day of a datetime, or of a text such as `14:30`.
    Time,
    /// The number of an amount of money.
    Amount,
    /// The ISO 4217 code of an amount of money.
    Currency,
    /// An amount of money from a number and a currency.
    Money,
    /// A number from a text that is one; null for any other text.
    Number,
    /// A text from any value, as data: ISO 8601 dates, plain numbers.
    Text,
    /// Hour of a time or datetime, 0 to 23.
    Hour,
    /// Day of the week, 1 for Monday to 7 for Sunday.
    Weekday,
    /// The smallest argument.
    Min,
    /// The largest argument.
    Max,
    /// Without its sign.
    Abs,
    /// To so many decimals, none where not given; halves go away from zero.
    Round,
}

/// Classes that an argument may have.
type Takes = &'static [Class];

const TEXT: Takes = &[Class::Text];
const NUMBER: Takes = &[Class::Number];
const DAY: Takes = &[Class::Date, Class::Datetime];
const ANY: Takes = &[];
const SUM: Takes = &[Class::Number, Class::Money, Class::Duration];
const ORDER: Takes = &[
    Class::Number,
    Class::Money,
    Class::Date,
    Class::Time,
    Class::Datetime,
    Class::Duration,
];

/// Name, function, arguments that it must have, arguments that it may have.
type Row = (&'static str, Func, &'static [Takes], &'static [Takes]);

/// More arguments of the last kind may follow for these.
fn open_ended(func: Func) -> bool {
    matches!(func, Func::Coalesce | Func::Min | Func::Max)
}

const TABLE: [Row; 23] = [
    (
        "size",
        Func::Size,
        &[&[Class::Text, Class::List, Class::Record]],
        &[],
    ),
    ("lower", Func::Lower, &[TEXT], &[]),
    ("upper", Func::Upper, &[TEXT], &[]),
    (
        "contains",
        Func::Contains,
        &[&[Class::Text, Class::List], ANY],
        &[],
    ),
    ("starts_with", Func::StartsWith, &[TEXT, TEXT], &[]),
    ("ends_with", Func::EndsWith, &[TEXT, TEXT], &[]),
    ("matches", Func::Matches, &[TEXT, TEXT], &[]),
    ("days", Func::Days, &[DAY, DAY], &[]),
    ("coalesce", Func::Coalesce, &[ANY], &[ANY]),
    ("has", Func::Has, &[ANY], &[]),
    (
        "date",
        Func::Date,
        &[&[Class::Date, Class::Datetime, Class::Text]],
        &[],
    ),
    (
        "time",
        Func::Time,
        &[&[Class::Time, Class::Datetime, Class::Text]],
        &[],
    ),
    (
        "amount",
        Func::Amount,
        &[&[Class::Money, Class::Number]],
        &[],
    ),
    ("currency", Func::Currency, &[&[Class::Money]], &[]),
    ("money", Func::Money, &[NUMBER, TEXT], &[]),
    (
        "number",
        Func::Number,
        &[&[Class::Text, Class::Number]],
        &[],
    ),
    ("text", Func::Text, &[ANY], &[]),
    ("hour", Func::Hour, &[&[Class::Time, Class::Datetime]], &[]),
    ("weekday", Func::Weekday, &[DAY], &[]),
    ("min", Func::Min, &[ORDER], &[ORDER]),
    ("max", Func::Max, &[ORDER], &[ORDER]),
    ("abs", Func::Abs, &[SUM], &[]),
    (
        "round",
        Func::Round,
        &[&[Class::Number, Class::Money]],
        &[NUMBER],
    ),
];

/// A function's arguments.
pub(super) struct Signature {
    pub(super) func: Func,
    must: &'static [Takes],
    may: &'static [Takes],
}

/// The function called `name`.
pub(super) fn find(name: &str) -> Option<Signature> {
    TABLE
        .iter()
        .find(|row| row.0 == name)
        .map(|&(_, func, must, may)| Signature { func, must, may })
}

/// Names of all functions.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().map(|row| row.0)
}

impl Signature {
    /// What is wrong with having `n` arguments, if anything.
    pub(super) fn wrong_count(&self, n: usize) -> Option<String> {
        let least = self.must.len();
        let most = least + self.may.len();
        if n < least || (n > most && !open_ended(self.func)) {
            let wanted = match (least, most) {
                _ if open_ended(self.func) => format!("at least {least}"),
                (a, b) if a == b => a.to_string(),
                (a, b) => format!("{a} to {b}"),
            };
            return Some(wanted);
        }
        None
    }

    /// Whether the argument at `index` may have this type.
    pub(super) fn takes(&self, index: usize, ty: &Type) -> bool {
        let takes = self
            .must
            .get(index)
            .or_else(|| self.may.get(index - self.must.len().min(index)))
            .or_else(|| self.may.last())
            .copied()
            .unwrap_or(ANY);
        let class = class(ty);
        takes.is_empty() || class == Class::Any || takes.contains(&class)
    }

    /// What the argument at `index` may be, in words.
    pub(super) fn wants(&self, index: usize) -> String {
        let takes = self.must.get(index).or(self.may.last()).copied();
        let names: Vec<String> = takes
            .unwrap_or(ANY)
            .iter()
            .map(|c| format!("{c:?}").to_lowercase())
            .collect();
        names.join(" or ")
    }

    /// The type of the result.
    pub(super) fn result(&self, args: &[Type]) -> Type {
        let first = || args.first().cloned().unwrap_or(Type::Any);
        match self.func {
            Func::Size | Func::Amount | Func::Number | Func::Days | Func::Hour | Func::Weekday => {
                Type::Number
            }
            Func::Lower | Func::Upper | Func::Currency | Func::Text => Type::Text,
            Func::Contains | Func::StartsWith | Func::EndsWith | Func::Matches | Func::Has => {
                Type::Bool
            }
            Func::Date => Type::Date,
            Func::Time => Type::Time,
            Func::Money => Type::Money,
            Func::Abs | Func::Round => first(),
            Func::Coalesce | Func::Min | Func::Max => {
                let ty = first();
                if args.iter().all(|a| class(a) == class(&ty)) {
                    ty
                } else {
                    Type::Any
                }
            }
        }
    }
}
