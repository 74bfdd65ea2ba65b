//! Examples with marks: `refund [AB-123456](order)`.

use crate::bundle::{Example, Id};
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::syntax::{Node, Scalar};

use super::cx::Cx;
use super::index::Kind;

/// Reads one example of a module.
pub(super) fn example(cx: &Cx<'_>, module: &str, node: &Node) -> Option<Example> {
    let scalar = cx.scalar(node, "an example")?;
    if scalar.text.trim().is_empty() {
        cx.wrong(node, "an example");
        return None;
    }
    let mut text = String::new();
    let mut marks = Vec::new();
    let mut rest = scalar.text.as_str();
    while let Some(mark) = next_mark(rest) {
        text.push_str(mark.before);
        let start = text.len();
        text.push_str(mark.text);
        let offset = scalar.text.len() - rest.len() + mark.name_at;
        let span = inside(scalar, offset, mark.name.len());
        if mark.text.trim().is_empty() {
            cx.report(Diagnostic::error("E0208", span, "this mark has no text"));
        } else if let Some(id) = marked(cx, module, mark.name, span) {
            marks.push((start, text.len(), id));
        }
        rest = mark.after;
    }
    text.push_str(rest);
    Some(Example {
        text,
        marks,
        span: node.span,
    })
}

/// A `[text](name)` with what stands around it.
struct Mark<'a> {
    before: &'a str,
    text: &'a str,
    name: &'a str,
    /// Where the name begins, from the beginning of `before`.
    name_at: usize,
    after: &'a str,
}

fn next_mark(text: &str) -> Option<Mark<'_>> {
    let mut from = 0;
    loop {
        let open = from + text.get(from..)?.find('[')?;
        let inner = text.get(open + 1..)?;
        let (Some(close), next) = (inner.find("]("), inner.find('[')) else {
            return None;
        };
        // Of `[a [b](c)` the inner one is the mark.
        if next.is_some_and(|next| next < close) {
            from = open + 1;
            continue;
        }
        let tail = inner.get(close + 2..)?;
        let end = tail.find(')')?;
        return Some(Mark {
            before: text.get(..open)?,
            text: inner.get(..close)?,
            name: tail.get(..end)?,
            name_at: open + 1 + close + 2,
            after: tail.get(end + 1..)?,
        });
    }
}

/// The slot, else the entity, that a mark names.
fn marked(cx: &Cx<'_>, module: &str, name: &str, span: Span) -> Option<Id> {
    let slot = cx.index.find(Kind::Slot, module, name);
    if let Some(decl) = slot.or_else(|| cx.index.find(Kind::Entity, module, name)) {
        return Some(decl.id.clone());
    }
    let mut known = cx.index.spellings(Kind::Slot, module);
    known.extend(cx.index.spellings(Kind::Entity, module));
    cx.unknown(
        "slot or entity",
        name,
        span,
        known,
        "declare it under `slots:`",
    );
    None
}

/// The place of some bytes of a scalar's text; all of it where escapes moved them.
pub(super) fn inside(scalar: &Scalar, offset: usize, len: usize) -> Span {
    let inner = scalar.inner;
    let exact = (inner.end - inner.start) as usize == scalar.text.len();
    match (u32::try_from(offset), u32::try_from(len)) {
        (Ok(offset), Ok(len)) if exact => Span {
            start: inner.start + offset,
            end: inner.start + offset + len,
            ..inner
        },
        _ => inner,
    }
}

#[cfg(test)]
mod tests {
    use super::next_mark;

    fn split(text: &str) -> Option<(&str, &str, &str, &str)> {
        next_mark(text).map(|mark| (mark.before, mark.text, mark.name, mark.after))
    }

    #[test]
    fn marks_are_found() {
        assert_eq!(
            split("refund [AB-1](order) now"),
            Some(("refund ", "AB-1", "order", " now"))
        );
        assert_eq!(split("a [b [c](d)"), Some(("a [b ", "c", "d", "")));
        assert_eq!(split("no [mark] here"), None);
        assert_eq!(split("no [mark](here"), None);
        assert_eq!(split("[ñ](x)"), Some(("", "ñ", "x", "")));
    }
}
