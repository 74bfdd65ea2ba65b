//! Events of the YAML parser to a tree.

use granit_parser::{Event, Parser, ScalarStyle};

use super::{Entry, Kind, MAX_DEPTH, MAX_FILE, Node, Scalar};
use crate::diag::Diagnostic;
use crate::span::Span;

/// Parses one file; `file` is its index for spans. The tree is absent when the file is empty or
/// when its syntax is so wrong that nothing can be said about it.
pub fn parse(file: u32, text: &str) -> (Option<Node>, Vec<Diagnostic>) {
    let mut build = Build::new(file, text);
    if text.len() > MAX_FILE {
        build.findings.push(
            Diagnostic::error("E0102", build.span(0, 0), "the file is larger than 1 MiB")
                .help("split it into several files; any key may stand in any file"),
        );
        return (None, build.findings);
    }
    let options = granit_parser::options! { emit_comments: false };
    for next in Parser::new_from_str_with_options(text, options) {
        match next {
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                let at = build.span(range.start, range.end);
                let tagged = span.tag_span().and_then(|tag| tag.byte_range());
                if let Some(tag) = tagged {
                    build.refuse_tag(tag);
                }
                if build.event(event, at).is_break() {
                    break;
                }
            }
            Err(error) => {
                build.syntax_error(&error);
                break;
            }
        }
    }
    let broken = build.broken;
    (build.root.filter(|_| !broken), build.findings)
}

/// An open list or map.
enum Open {
    List(Span, Vec<Node>),
    /// A map, and the key that waits for its value.
    Map(Span, Vec<Entry>, Option<(String, Span)>),
}

struct Build<'a> {
    file: u32,
    text: &'a str,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    broken: bool,
    findings: Vec<Diagnostic>,
}

type Flow = std::ops::ControlFlow<()>;

impl<'a> Build<'a> {
    fn new(file: u32, text: &'a str) -> Self {
        Self {
            file,
            text,
            open: Vec::new(),
            root: None,
            documents: 0,
            broken: false,
            findings: Vec::new(),
        }
    }

    /// Offsets fit, as files are at most 1 MiB.
    fn span(&self, start: usize, end: usize) -> Span {
        let fit = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Span {
            file: self.file,
            start: fit(start),
            end: fit(end),
        }
    }

    /// Reports something after which the rest of the file means nothing.
    fn stop(&mut self, finding: Diagnostic) -> Flow {
        self.findings.push(finding);
        self.broken = true;
        Flow::Break(())
    }

    fn event(&mut self, event: Event<'_>, at: Span) -> Flow {
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return self.stop(
                        Diagnostic::error("E0107", at, "a second YAML document begins here")
                            .help("put it into a file of its own and take out the `---`"),
                    );
                }
                Flow::Continue(())
            }
            Event::Alias(_) | Event::UnresolvedAlias(_) => self.stop(
                Diagnostic::error("E0104", at, "aliases (`*name`) are not allowed")
                    .help("write the value out, or give it a name in the bot and refer to that"),
            ),
            Event::Scalar(text, style, ..) => {
                let node = self.scalar_node(text.into_owned(), style, at);
                self.value(node)
            }
            Event::SequenceStart(..) => self.begin(Open::List(at, Vec::new()), at),
            Event::MappingStart(..) => self.begin(Open::Map(at, Vec::new(), None), at),
            Event::SequenceEnd | Event::MappingEnd => self.end(at),
            _ => Flow::Continue(()),
        }
    }

    fn begin(&mut self, open: Open, at: Span) -> Flow {
        if self.open.len() >= MAX_DEPTH {
            return self.stop(Diagnostic::error(
                "E0103",
                at,
                format!("lists and maps nest deeper than {MAX_DEPTH} here"),
            ));
        }
        self.open.push(open);
        Flow::Continue(())
    }

    fn end(&mut self, at: Span) -> Flow {
        // A block ends where its last value ends; only brackets have an end of their own.
        let close = |start: Span, last: Option<u32>| Span {
            end: match last {
                Some(last) if at.start == at.end => last,
                _ => at.end,
            }
            .max(start.end),
            ..start
        };
        let node = match self.open.pop() {
            Some(Open::List(start, items)) => Node {
                span: close(start, items.last().map(|item| item.span.end)),
                kind: Kind::List(items),
            },
            Some(Open::Map(start, entries, _)) => Node {
                span: close(start, entries.last().map(|entry| entry.value.span.end)),
                kind: Kind::Map(entries),
            },
            None => return Flow::Continue(()),
        };
        self.value(node)
    }

    /// Puts a finished value where it belongs.
    fn value(&mut self, node: Node) -> Flow {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, items)) => items.push(node),
            Some(Open::Map(_, entries, waiting)) => match waiting.take() {
                Some((key, key_span)) => {
                    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                        let finding = Diagnostic::error(
                            "E0105",
                            key_span,
                            format!("the key `{key}` is already in this map"),
                        )
                        .related(first.key_span, "it stands here first")
                        .help("keep one of the two");
                        self.findings.push(finding);
                    } else {
                        entries.push(Entry {
                            key,
                            key_span,
                            value: node,
                        });
                    }
                }
                None => match node.kind {
                    Kind::Scalar(scalar) => *waiting = Some((scalar.text, node.span)),
                    _ => {
                        return self.stop(Diagnostic::error(
                            "E0106",
                            node.span,
                            "a key must be a text, not a list or a map",
                        ));
                    }
                },
            },
        }
        Flow::Continue(())
    }

    fn scalar_node(&self, text: String, style: ScalarStyle, at: Span) -> Node {
        let quoted = matches!(style, ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted);
        let raw = self
            .text
            .get(at.start as usize..at.end as usize)
            .unwrap_or("");
        let inner = if quoted && raw.len() >= 2 {
            Span {
                start: at.start + 1,
                end: at.end - 1,
                ..at
            }
        } else {
            at
        };
        Node {
            span: at,
            kind: Kind::Scalar(Scalar {
                text,
                plain: style == ScalarStyle::Plain,
                inner,
            }),
        }
    }

    fn refuse_tag(&mut self, tag: std::ops::Range<usize>) {
        let at = self.span(tag.start, tag.end);
        self.findings.push(
            Diagnostic::error("E0108", at, "tags (`!name`) are not allowed")
                .help("take it out; put quotes around a value that must be text"),
        );
    }

    fn syntax_error(&mut self, error: &granit_parser::ScanError) {
        let marker = error.marker();
        let start = match marker.byte_offset() {
            Some(byte) => byte,
            None => self
                .text
                .char_indices()
                .nth(marker.index())
                .map_or(self.text.len(), |c| c.0),
        };
        let start = start.min(self.text.len());
        let width = self.text.get(start..).and_then(|rest| rest.chars().next());
        let end = start + width.filter(|c| *c != '\n').map_or(0, char::len_utf8);
        let at = self.span(start, end);
        let mut info = error.info();
        if info.is_empty() {
            info.push_str("this is not YAML");
        }
        self.findings
            .push(Diagnostic::error("E0101", at, info).help(
                "check the indentation, and put quotes around a text with `: `, ` #`, or one that \
             begins with `[`, `{`, `*`, `&`, `!`, `%`, `@` or a quote",
            ));
        self.broken = true;
    }
}
