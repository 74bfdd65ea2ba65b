//! Names and types: the raw tree to one that runs.

use std::collections::BTreeSet;
use std::ops::Range;

use regex::{Regex, RegexBuilder};

use super::func::{self, Class, Func, class};
use super::parse::{Op, Raw, RawKind};
use super::{Names, Place};
use crate::diag::{Diagnostic, nearest};
use crate::value::{Type, Value};

/// Largest compiled regular expression, in bytes.
const REGEX_BYTES: usize = 1 << 18;

/// A checked node.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Node {
    pub(super) kind: Kind,
    /// Bytes of the expression it covers.
    pub(super) range: Range<usize>,
}

/// What a checked node is.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    Literal(Value),
    /// A resolved name.
    Name(String),
    Field(Box<Node>, String),
    List(Vec<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Op, Box<Node>, Box<Node>),
    Cond(Box<Node>, Box<Node>, Box<Node>),
    Call(Func, Vec<Node>),
    Matches(Box<Node>, Pattern),
}

impl Node {
    /// Calls `visit` for each text that a name is compared with.
    pub(super) fn compared<'n>(&'n self, visit: &mut dyn FnMut(&'n str, &'n str, Range<usize>)) {
        if let Kind::Binary(Op::Eq | Op::Ne | Op::In, left, right) = &self.kind {
            for (one, other) in [(left, right), (right, left)] {
                let Kind::Name(name) = &one.kind else {
                    continue;
                };
                let texts = match &other.kind {
                    Kind::List(items) => items.as_slice(),
                    _ => std::slice::from_ref(other.as_ref()),
                };
                for text in texts {
                    if let Kind::Literal(Value::Text(written)) = &text.kind {
                        visit(name, written, text.range.clone());
                    }
                }
            }
        }
        for child in self.children() {
            child.compared(visit);
        }
    }

    fn children(&self) -> Vec<&Self> {
        match &self.kind {
            Kind::Literal(_) | Kind::Name(_) => Vec::new(),
            Kind::Field(of, _) | Kind::Not(of) | Kind::Negate(of) | Kind::Matches(of, _) => {
                vec![of]
            }
            Kind::List(items) | Kind::Call(_, items) => items.iter().collect(),
            Kind::Binary(_, a, b) => vec![a, b],
            Kind::Cond(a, b, c) => vec![a, b, c],
        }
    }
}

/// A compiled regular expression; two are equal when they are written alike.
#[derive(Debug, Clone)]
pub(super) struct Pattern(pub(super) Regex);

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.0.as_str() == other.0.as_str()
    }
}

/// A checked expression.
pub(super) struct Checked {
    pub(super) node: Node,
    pub(super) ty: Type,
    pub(super) reads: Vec<String>,
}

/// Checks a whole expression.
pub(super) fn check(
    raw: &Raw,
    place: &Place,
    names: &dyn Names,
) -> Result<Checked, Vec<Diagnostic>> {
    let mut checker = Checker {
        place,
        names,
        reads: BTreeSet::new(),
        findings: Vec::new(),
    };
    let (node, ty) = checker.node(raw);
    if checker.findings.is_empty() {
        let reads = checker.reads.into_iter().collect();
        Ok(Checked { node, ty, reads })
    } else {
        Err(checker.findings)
    }
}

struct Checker<'a> {
    place: &'a Place,
    names: &'a dyn Names,
    reads: BTreeSet<String>,
    findings: Vec<Diagnostic>,
}

/// A null literal: its type is [`Type::Any`], yet arithmetic and order with it can't work.
fn is_null(raw: &Raw) -> bool {
    matches!(raw.kind, RawKind::Literal(Value::Null))
}

/// The dotted name that a chain of fields spells, if it is one.
fn dotted(raw: &Raw) -> Option<String> {
    match &raw.kind {
        RawKind::Name(name) => Some(name.clone()),
        RawKind::Field(of, name, _) => Some(format!("{}.{name}", dotted(of)?)),
        _ => None,
    }
}

impl Checker<'_> {
    fn report(&mut self, code: &'static str, message: String, range: Range<usize>) {
        self.findings.push(self.place.error(code, message, range));
    }

    fn help(&mut self, help: impl Into<String>) {
        if let Some(last) = self.findings.last_mut() {
            last.help = Some(help.into());
        }
    }

    fn node(&mut self, raw: &Raw) -> (Node, Type) {
        let (kind, ty) = match &raw.kind {
            RawKind::Literal(value) => (Kind::Literal(value.clone()), literal_type(value)),
            RawKind::Name(name) => self.name(name, &raw.range),
            RawKind::Field(of, name, range) => self.field(raw, of, name, range),
            RawKind::List(items) => self.list(items),
            RawKind::Not(inner) => {
                let node = self.truth(inner);
                (Kind::Not(Box::new(node)), Type::Bool)
            }
            RawKind::Negate(inner) => self.negate(inner),
            RawKind::Binary(op, left, right) => self.binary(*op, left, right, &raw.range),
            RawKind::Cond(test, then, otherwise) => {
                let test = self.truth(test);
                let (then, a) = self.node(then);
                let (otherwise, b) = self.node(otherwise);
                let ty = if a == b { a } else { Type::Any };
                let kind = Kind::Cond(Box::new(test), Box::new(then), Box::new(otherwise));
                (kind, ty)
            }
            RawKind::Call(name, at, args) => self.call(name, at, args),
        };
        let range = raw.range.clone();
        (Node { kind, range }, ty)
    }

    fn found(&mut self, (resolved, ty): (String, Type)) -> (Kind, Type) {
        self.reads.insert(resolved.clone());
        (Kind::Name(resolved), ty)
    }

    fn name(&mut self, name: &str, range: &Range<usize>) -> (Kind, Type) {
        if let Some(found) = self.names.lookup(name) {
            return self.found(found);
        }
        self.unknown(name, range.clone());
        (Kind::Literal(Value::Null), Type::Any)
    }

    fn unknown(&mut self, name: &str, range: Range<usize>) {
        let candidates = self.names.candidates();
        let near = nearest(name, candidates.iter().map(String::as_str));
        let mut finding =
            self.place
                .error("E0303", format!("nothing here is called `{name}`"), range);
        match near {
            Some(near) => {
                finding.help = Some(format!("did you mean `{near}`?"));
                finding.fix = Some(near.to_owned());
            }
            None => {
                finding.help = Some(format!(
                    "declare it under `slots`, or put a text in quotes: '{name}'"
                ));
            }
        }
        self.findings.push(finding);
    }

    fn field(&mut self, raw: &Raw, of: &Raw, name: &str, at: &Range<usize>) -> (Kind, Type) {
        if let Some(found) = dotted(raw).and_then(|whole| self.names.lookup(&whole)) {
            return self.found(found);
        }
        // `a.b` where neither is known: the whole name is what the author meant.
        if let Some(whole) = dotted(raw)
            && let RawKind::Name(first) = &of.kind
            && self.names.lookup(first).is_none()
        {
            self.unknown(&whole, raw.range.clone());
            return (Kind::Literal(Value::Null), Type::Any);
        }
        let (node, ty) = self.node(of);
        let field_type = match &ty {
            Type::Any => Type::Any,
            Type::Record(fields) => match fields.get(name) {
                Some(ty) => ty.clone(),
                None => {
                    self.report("E0304", format!("there is no field `{name}`"), at.clone());
                    let names: Vec<&str> = fields.keys().map(String::as_str).collect();
                    if let Some(near) = nearest(name, names.iter().copied()) {
                        self.help(format!("did you mean `{near}`?"));
                        if let Some(last) = self.findings.last_mut() {
                            last.fix = Some(near.to_owned());
                        }
                    } else {
                        self.help(format!("its fields are {}", names.join(", ")));
                    }
                    Type::Any
                }
            },
            other => {
                let message = format!("a {} has no fields", other.name());
                self.report("E0304", message, at.clone());
                Type::Any
            }
        };
        (Kind::Field(Box::new(node), name.to_owned()), field_type)
    }

    fn list(&mut self, items: &[Raw]) -> (Kind, Type) {
        let checked: Vec<(Node, Type)> = items.iter().map(|i| self.node(i)).collect();
        let first = checked.first().map_or(Type::Any, |(_, ty)| ty.clone());
        let alike = checked.iter().all(|(_, ty)| class(ty) == class(&first));
        let item = if alike { first } else { Type::Any };
        let nodes = checked.into_iter().map(|(node, _)| node).collect();
        (Kind::List(nodes), Type::List(Box::new(item)))
    }

    /// An operand that must be a yes or no.
    fn truth(&mut self, raw: &Raw) -> Node {
        let (node, ty) = self.node(raw);
        if !matches!(class(&ty), Class::Bool | Class::Any) {
            let message = format!("expected yes or no, found a {}", ty.name());
            self.report("E0307", message, raw.range.clone());
            self.help("compare it, or ask whether it is there with `has(…)`");
        }
        node
    }

    fn negate(&mut self, raw: &Raw) -> (Kind, Type) {
        let (node, ty) = self.node(raw);
        let fits = matches!(
            class(&ty),
            Class::Number | Class::Money | Class::Duration | Class::Any
        );
        if !fits || is_null(raw) {
            let message = format!("a {} has no negative", shown(raw, &ty));
            self.report("E0307", message, raw.range.clone());
        }
        (Kind::Negate(Box::new(node)), ty)
    }

    fn binary(&mut self, op: Op, left: &Raw, right: &Raw, range: &Range<usize>) -> (Kind, Type) {
        if matches!(op, Op::And | Op::Or) {
            let (a, b) = (self.truth(left), self.truth(right));
            return (Kind::Binary(op, Box::new(a), Box::new(b)), Type::Bool);
        }
        let (a, left_type) = self.node(left);
        let (b, right_type) = self.node(right);
        let null = is_null(left) || is_null(right);
        let ty = match op {
            Op::Eq | Op::Ne => equal_types(&left_type, &right_type).then_some(Type::Bool),
            Op::In => member(&left_type, &right_type).then_some(Type::Bool),
            _ if null => None,
            Op::Lt | Op::Le | Op::Gt | Op::Ge => {
                order_types(&left_type, &right_type).then_some(Type::Bool)
            }
            _ => arithmetic(op, &left_type, &right_type),
        };
        let ty = ty.unwrap_or_else(|| {
            let (x, y) = (shown(left, &left_type), shown(right, &right_type));
            let message = format!("`{}` does not work between {x} and {y}", op.symbol());
            self.report("E0307", message, range.clone());
            if let Some(help) = advice(op, null, &left_type, &right_type) {
                self.help(help);
            }
            Type::Any
        });
        (Kind::Binary(op, Box::new(a), Box::new(b)), ty)
    }

    fn call(&mut self, name: &str, at: &Range<usize>, args: &[Raw]) -> (Kind, Type) {
        let (nodes, types): (Vec<Node>, Vec<Type>) = args.iter().map(|a| self.node(a)).unzip();
        let nothing = (Kind::Literal(Value::Null), Type::Any);
        let Some(signature) = func::find(name) else {
            self.report(
                "E0305",
                format!("there is no function `{name}`"),
                at.clone(),
            );
            match nearest(name, func::names()) {
                Some(near) => {
                    self.help(format!("did you mean `{near}`?"));
                    if let Some(last) = self.findings.last_mut() {
                        last.fix = Some(near.to_owned());
                    }
                }
                None => {
                    let all: Vec<&str> = func::names().collect();
                    self.help(format!("the functions are {}", all.join(", ")));
                }
            }
            return nothing;
        };
        if let Some(wanted) = signature.wrong_count(args.len()) {
            let message = format!("`{name}` takes {wanted} arguments, found {}", args.len());
            self.report("E0306", message, at.clone());
            return nothing;
        }
        for (index, (arg, ty)) in args.iter().zip(&types).enumerate() {
            if !signature.takes(index, ty) {
                let wants = signature.wants(index);
                let message = format!("`{name}` needs a {wants} here, found a {}", ty.name());
                self.report("E0307", message, arg.range.clone());
            }
        }
        let result = signature.result(&types);
        if signature.func == Func::Matches {
            return (self.pattern(nodes, args), Type::Bool);
        }
        (Kind::Call(signature.func, nodes), result)
    }

    /// `matches`: its pattern is compiled here, once.
    fn pattern(&mut self, nodes: Vec<Node>, args: &[Raw]) -> Kind {
        let nothing = Kind::Literal(Value::Null);
        let range = args.get(1).map_or(0..0, |a| a.range.clone());
        let Some(RawKind::Literal(Value::Text(pattern))) = args.get(1).map(|a| &a.kind) else {
            let message = "the pattern of `matches` must be a text in quotes".to_owned();
            self.report("E0308", message, range);
            return nothing;
        };
        match RegexBuilder::new(pattern).size_limit(REGEX_BYTES).build() {
            Ok(regex) => match nodes.into_iter().next() {
                Some(node) => Kind::Matches(Box::new(node), Pattern(regex)),
                None => nothing,
            },
            Err(e) => {
                // The last line says what is wrong; the ones before draw the pattern once more.
                let text = e.to_string();
                let why = text.lines().last().unwrap_or_default();
                let why = why.trim_start_matches("error: ");
                self.report("E0308", format!("not a regular expression: {why}"), range);
                nothing
            }
        }
    }
}

fn literal_type(value: &Value) -> Type {
    match value {
        Value::Bool(_) => Type::Bool,
        Value::Number(_) => Type::Number,
        Value::Text(_) => Type::Text,
        Value::Money { .. } => Type::Money,
        _ => Type::Any,
    }
}

/// The type of an operand, in words.
fn shown(raw: &Raw, ty: &Type) -> String {
    if is_null(raw) {
        "null".to_owned()
    } else {
        ty.name()
    }
}

/// Whether values of the two types can be equal at all.
fn equal_types(a: &Type, b: &Type) -> bool {
    match (class(a), class(b)) {
        (Class::Any, _) | (_, Class::Any) => true,
        (Class::Money | Class::Duration, Class::Number)
        | (Class::Number, Class::Money | Class::Duration) => true,
        (x, y) => x == y,
    }
}

/// Whether values of the two types have an order.
fn order_types(a: &Type, b: &Type) -> bool {
    let ordered = |c| !matches!(c, Class::Bool | Class::List | Class::Record);
    equal_types(a, b) && ordered(class(a)) && ordered(class(b))
}

/// Whether the left can be an item of the right.
fn member(item: &Type, list: &Type) -> bool {
    match list {
        Type::Any => true,
        Type::List(of) => equal_types(item, of),
        _ => false,
    }
}

/// The type of a sum, difference, product, quotient or remainder; `None` where there is none.
fn arithmetic(op: Op, a: &Type, b: &Type) -> Option<Type> {
    use Class::{Any, Date, Datetime, Duration, Money, Number, Text};
    let ty = match (op, class(a), class(b)) {
        (_, Any, _) | (_, _, Any) => Type::Any,
        (Op::Rem, Number, Number) => Type::Number,
        (Op::Add | Op::Sub | Op::Mul | Op::Div, Number, Number) => Type::Number,
        (Op::Add | Op::Sub, Money, Money) => Type::Money,
        (Op::Mul | Op::Div, Money, Number) | (Op::Mul, Number, Money) => Type::Money,
        (Op::Div, Money, Money) | (Op::Div, Duration, Duration) => Type::Number,
        (Op::Add, Text, Text) => Type::Text,
        (Op::Add | Op::Sub, Duration, Duration) => Type::Duration,
        (Op::Mul | Op::Div, Duration, Number) | (Op::Mul, Number, Duration) => Type::Duration,
        // A number added to a day is so many days.
        (Op::Add | Op::Sub, Date, Number | Duration) => Type::Date,
        (Op::Add | Op::Sub, Datetime, Duration) => Type::Datetime,
        (Op::Sub, Date, Date) | (Op::Sub, Datetime, Datetime) => Type::Duration,
        _ => return None,
    };
    Some(ty)
}

/// What to do about operands that don't fit.
fn advice(op: Op, null: bool, a: &Type, b: &Type) -> Option<String> {
    if null {
        return Some("compare with null by `==`, or give a fallback with `coalesce(…)`".to_owned());
    }
    if op == Op::In {
        return Some("write a list: `x in ['a', 'b']`".to_owned());
    }
    let has = |c| class(a) == c || class(b) == c;
    if has(Class::Date) && has(Class::Datetime) {
        Some("take the day of a datetime with `date(…)`".to_owned())
    } else if has(Class::Date) && has(Class::Text) {
        Some("turn a text into a day with `date('2026-03-04')`".to_owned())
    } else if has(Class::Money) && has(Class::Number) {
        Some("take the number of an amount with `amount(…)`".to_owned())
    } else if has(Class::Number) && has(Class::Text) {
        Some(
            "turn a text into a number with `number(…)`, a number into a text with `text(…)`"
                .to_owned(),
        )
    } else if has(Class::Bool) && has(Class::Text) {
        Some("yes and no are `true` and `false`, without quotes".to_owned())
    } else {
        None
    }
}
