//! Typed access to the tree. Each reader reports what does not fit and gives `None`, so that the
//! rest is read all the same.

use crate::diag::{Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::{Entry, Kind, Node, Scalar};

use super::cx::Cx;

/// A map with fixed keys.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    /// What it is, for messages: `a slot`.
    what: &'a str,
    span: Span,
    entries: &'a [Entry],
}

impl<'a> Fields<'a> {
    /// The value of a key; a key without a value counts as absent.
    pub(super) fn get(&self, key: &str) -> Option<&'a Node> {
        self.entry(key)
            .map(|entry| &entry.value)
            .filter(|node| !node.is_null())
    }

    /// A key with its value, null or not.
    pub(super) fn entry(&self, key: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.key == key)
    }

    /// The value of a key that must be there.
    pub(super) fn need(&self, cx: &Cx<'_>, key: &str) -> Option<&'a Node> {
        let found = self.get(key);
        if found.is_none() {
            let span = self.entry(key).map_or(self.span, |entry| entry.key_span);
            cx.report(Diagnostic::error(
                "E0203",
                first_line(span),
                format!("{} needs `{key}`", self.what),
            ));
        }
        found
    }
}

/// A span cut so that a finding about a whole map does not underline all of it.
fn first_line(span: Span) -> Span {
    Span {
        end: span.end.min(span.start + 1),
        ..span
    }
}

impl Cx<'_> {
    /// Reports that `node` is not `what`.
    pub(super) fn wrong(&self, node: &Node, what: &str) {
        let span = match node.kind {
            Kind::Scalar(_) => node.span,
            _ => first_line(node.span),
        };
        let found = node.what();
        self.report(Diagnostic::error(
            "E0202",
            span,
            format!("{what} is expected here, but this is {found}"),
        ));
    }

    /// Reports a key that is not among `keys`.
    pub(super) fn unknown_key(&self, entry: &Entry, what: &str, keys: &[&str]) {
        let finding = Diagnostic::error(
            "E0201",
            entry.key_span,
            format!("unknown key `{}` in {what}", entry.key),
        );
        self.report(match nearest(&entry.key, keys.iter().copied()) {
            Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
            None => finding.help(format!("{what} knows: {}", keys.join(", "))),
        });
    }

    /// A map with the given keys.
    pub(super) fn fields<'n>(
        &self,
        node: &'n Node,
        what: &'n str,
        keys: &[&str],
    ) -> Option<Fields<'n>> {
        let Kind::Map(entries) = &node.kind else {
            self.wrong(node, what);
            return None;
        };
        for entry in entries {
            if !keys.contains(&entry.key.as_str()) {
                self.unknown_key(entry, what, keys);
            }
        }
        Some(Fields {
            what,
            span: node.span,
            entries,
        })
    }

    /// A map with any keys; nothing at all is an empty one.
    pub(super) fn entries<'n>(&self, node: &'n Node, what: &str) -> &'n [Entry] {
        match &node.kind {
            Kind::Map(entries) => entries,
            _ => {
                if !node.is_null() {
                    self.wrong(node, what);
                }
                &[]
            }
        }
    }

    /// A list; nothing at all is an empty one.
    pub(super) fn list<'n>(&self, node: &'n Node, what: &str) -> &'n [Node] {
        match &node.kind {
            Kind::List(items) => items,
            _ => {
                if !node.is_null() {
                    self.wrong(node, what);
                }
                &[]
            }
        }
    }

    /// A scalar that is not null.
    pub(super) fn scalar<'n>(&self, node: &'n Node, what: &str) -> Option<&'n Scalar> {
        let scalar = node.scalar();
        if scalar.is_none() {
            self.wrong(node, what);
        }
        scalar
    }

    /// A text: any scalar but null.
    pub(super) fn text<'n>(&self, node: &'n Node, what: &str) -> Option<&'n str> {
        match node.scalar() {
            Some(scalar) if !scalar.is_null() => Some(&scalar.text),
            _ => {
                self.wrong(node, what);
                None
            }
        }
    }

    /// Texts in a list, or one text.
    pub(super) fn texts<'n>(&self, node: &'n Node, what: &str) -> Vec<&'n str> {
        one_or_many(node)
            .iter()
            .filter_map(|item| self.text(item, what))
            .collect()
    }

    /// `true` or `false`.
    pub(super) fn truth(&self, node: &Node, what: &str) -> Option<bool> {
        let truth = node.scalar().and_then(Scalar::as_bool);
        if truth.is_none() {
            self.wrong(node, &format!("`true` or `false` for {what}"));
        }
        truth
    }

    /// A whole number between `least` and `most`.
    pub(super) fn whole(&self, node: &Node, what: &str, least: u32, most: u32) -> Option<u32> {
        let number = node
            .scalar()
            .and_then(Scalar::as_i64)
            .and_then(|n| u32::try_from(n).ok());
        match number {
            Some(number) if (least..=most).contains(&number) => Some(number),
            _ => {
                self.wrong(
                    node,
                    &format!("a whole number from {least} to {most} for {what}"),
                );
                None
            }
        }
    }

    /// A number from 0 to 1.
    pub(super) fn share(&self, node: &Node, what: &str) -> Option<f64> {
        let number = node
            .scalar()
            .and_then(Scalar::as_f64)
            .filter(|n| (0.0..=1.0).contains(n));
        if number.is_none() {
            self.wrong(node, &format!("a number from 0 to 1 for {what}"));
        }
        number
    }

    /// A duration such as `200ms`, `2s`, `30m`, `4h` or `7d`, in milliseconds.
    pub(super) fn duration_ms(&self, node: &Node, what: &str) -> Option<u64> {
        let duration = node.scalar().and_then(|scalar| duration(&scalar.text));
        if duration.is_none() {
            self.report(
                Diagnostic::error(
                    "E0206",
                    node.span,
                    format!("this is no duration for {what}"),
                )
                .help("write a number with its unit: `200ms`, `2s`, `30m`, `4h` or `7d`"),
            );
        }
        duration
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(
        &self,
        node: &Node,
        what: &str,
        choices: &[(&str, T)],
    ) -> Option<T> {
        let text = self.text(node, what)?;
        if let Some((_, value)) = choices.iter().find(|(word, _)| *word == text) {
            return Some(*value);
        }
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        let finding = Diagnostic::error(
            "E0205",
            node.span,
            format!("`{text}` is no value for {what}"),
        )
        .help(format!("it is one of: {}", words.join(", ")));
        self.report(match nearest(text, words.iter().copied()) {
            Some(near) => finding.fix(near),
            None => finding,
        });
        None
    }
}

/// The items of a list, or the one value itself.
pub(super) fn one_or_many(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::List(items) => items,
        _ => std::slice::from_ref(node),
    }
}

/// A number and a unit, in milliseconds.
fn duration(text: &str) -> Option<u64> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at_checked(digits)?;
    let factor = match unit.trim() {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::duration;

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("200ms"), Some(200));
        assert_eq!(duration("2s"), Some(2000));
        assert_eq!(duration("4h"), Some(14_400_000));
        assert_eq!(duration("4"), None);
        assert_eq!(duration("s"), None);
        assert_eq!(duration("99999999999999999999h"), None);
    }
}
