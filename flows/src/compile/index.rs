//! Every declared name, and what a name means where it is used.

use std::collections::{BTreeMap, BTreeSet};

use crate::bundle::Id;
use crate::diag::Diagnostic;
use crate::span::Span;
use crate::syntax::{Entry, Kind as NodeKind, Node};

/// Keys that may stand at the top of any file.
pub(super) const TOP: [&str; 18] = [
    "schema",
    "module",
    "name",
    "languages",
    "time_zone",
    "currency",
    "understanding",
    "limits",
    "queues",
    "handoff",
    "patterns",
    "entities",
    "slots",
    "intents",
    "actions",
    "flows",
    "responses",
    "tests",
];

/// A file with a readable top.
pub(super) struct File<'a> {
    /// Its namespace; empty where it has none.
    pub(super) module: &'a str,
    /// Its keys.
    pub(super) entries: &'a [Entry],
}

/// Reads the top of every file: `schema`, `module` and which keys there are.
pub(super) fn files<'a>(roots: &'a [Node], findings: &mut Vec<Diagnostic>) -> Vec<File<'a>> {
    let mut files = Vec::new();
    for root in roots {
        let entries = match &root.kind {
            NodeKind::Map(entries) => entries.as_slice(),
            _ if root.is_null() => continue,
            _ => {
                findings.push(
                    Diagnostic::error(
                        "E0202",
                        root.span,
                        format!(
                            "a file holds a map with keys such as `flows`, but this is {}",
                            root.what()
                        ),
                    )
                    .help("begin with `schema: 1`"),
                );
                continue;
            }
        };
        let find = |key: &str| entries.iter().find(|entry| entry.key == key);
        match find("schema") {
            None => {
                let at = Span {
                    end: root.span.start,
                    ..root.span
                };
                findings.push(
                    Diagnostic::error("E0203", at, "the file does not say its `schema`")
                        .help("write `schema: 1` as its first line"),
                );
            }
            Some(entry) => {
                let version = entry.value.scalar().and_then(|scalar| scalar.as_i64());
                if version != Some(1) {
                    findings.push(
                        Diagnostic::error(
                            "E0205",
                            entry.value.span,
                            "this version of the program reads `schema: 1` only",
                        )
                        .fix("1"),
                    );
                }
            }
        }
        let module = find("module").and_then(|entry| module_name(entry, findings));
        files.push(File {
            module: module.unwrap_or(""),
            entries,
        });
    }
    files
}

fn module_name<'a>(entry: &'a Entry, findings: &mut Vec<Diagnostic>) -> Option<&'a str> {
    let name = entry
        .value
        .scalar()
        .map_or("", |scalar| scalar.text.as_str());
    if name == "pattern" {
        findings.push(
            Diagnostic::error(
                "E0407",
                entry.value.span,
                "`pattern` names the built-in responses",
            )
            .help("choose another name for the module"),
        );
        return None;
    }
    if !is_name(name) {
        findings.push(
            Diagnostic::error("E0406", entry.value.span, "this is no name for a module")
                .help("use letters, digits and `_`, a letter first"),
        );
        return None;
    }
    Some(name)
}

/// Whether a text can be a name: letters, digits and `_`, no digit first.
pub(super) fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// What a name names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    Entity,
    Slot,
    Intent,
    Action,
    Flow,
    Response,
}

impl Kind {
    /// All kinds with their top-level key and their word.
    const ALL: [(Self, &'static str, &'static str); 6] = [
        (Self::Entity, "entities", "entity"),
        (Self::Slot, "slots", "slot"),
        (Self::Intent, "intents", "intent"),
        (Self::Action, "actions", "action"),
        (Self::Flow, "flows", "flow"),
        (Self::Response, "responses", "response"),
    ];

    /// `entity`, `slot`, ….
    pub(super) fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("name", |(.., word)| word)
    }

    /// `entities`, `slots`, ….
    pub(super) fn key(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(kind, ..)| *kind == self)
            .map_or("names", |(_, key, _)| key)
    }
}

/// A declared name.
#[derive(Debug, Clone)]
pub(super) struct Decl<'a> {
    /// `module.name`, or the bare name.
    pub(super) id: Id,
    /// The module it is declared in.
    pub(super) module: &'a str,
    /// Its name within the module.
    pub(super) name: &'a str,
    /// Where its name stands.
    pub(super) span: Span,
    /// What it is declared as.
    pub(super) node: &'a Node,
}

/// All declared names.
#[derive(Debug, Default)]
pub(super) struct Index<'a> {
    tables: BTreeMap<Kind, BTreeMap<Id, Decl<'a>>>,
}

/// `module.name`, or the bare name without a module.
pub(super) fn id(module: &str, name: &str) -> Id {
    if module.is_empty() {
        name.to_owned()
    } else {
        format!("{module}.{name}")
    }
}

impl<'a> Index<'a> {
    /// Collects the names of all files, with findings for names that are bad or there twice.
    pub(super) fn new(files: &[File<'a>], findings: &mut Vec<Diagnostic>) -> Self {
        let mut index = Self::default();
        for file in files {
            for (kind, key, word) in Kind::ALL {
                let Some(section) = file.entries.iter().find(|entry| entry.key == key) else {
                    continue;
                };
                let NodeKind::Map(entries) = &section.value.kind else {
                    if !section.value.is_null() {
                        let what = section.value.what();
                        findings.push(Diagnostic::error(
                            "E0202",
                            section.value.span,
                            format!("`{key}` is a map of names, but this is {what}"),
                        ));
                    }
                    continue;
                };
                for entry in entries {
                    index.declare(file.module, kind, word, entry, findings);
                }
            }
        }
        index
    }

    fn declare(
        &mut self,
        module: &'a str,
        kind: Kind,
        word: &str,
        entry: &'a Entry,
        findings: &mut Vec<Diagnostic>,
    ) {
        if !is_name(&entry.key) {
            findings.push(
                Diagnostic::error(
                    "E0406",
                    entry.key_span,
                    format!("`{}` is no name for {}", entry.key, article(word)),
                )
                .help("use letters, digits and `_`, a letter first; the module's name is put before it"),
            );
            return;
        }
        let decl = Decl {
            id: id(module, &entry.key),
            module,
            name: &entry.key,
            span: entry.key_span,
            node: &entry.value,
        };
        let table = self.tables.entry(kind).or_default();
        if let Some(first) = table.get(&decl.id) {
            findings.push(
                Diagnostic::error(
                    "E0402",
                    entry.key_span,
                    format!("the {word} `{}` is declared twice", decl.id),
                )
                .related(first.span, "it is declared here first")
                .help("rename one of the two, or put one into another module"),
            );
            return;
        }
        table.insert(decl.id.clone(), decl);
    }

    /// All declarations of a kind, in order of id.
    pub(super) fn all(&self, kind: Kind) -> impl Iterator<Item = &Decl<'a>> {
        self.tables
            .get(&kind)
            .into_iter()
            .flat_map(BTreeMap::values)
    }

    /// What `name` means in `module`: a name of the module, else a bare name or a whole id.
    pub(super) fn find(&self, kind: Kind, module: &str, name: &str) -> Option<&Decl<'a>> {
        let table = self.tables.get(&kind)?;
        if !module.is_empty()
            && let Some(decl) = table.get(&id(module, name))
        {
            return Some(decl);
        }
        table.get(name)
    }

    /// Every way to write a name of `kind` in `module`.
    pub(super) fn spellings(&self, kind: Kind, module: &str) -> BTreeSet<&str> {
        self.all(kind)
            .flat_map(|decl| {
                let own = (decl.module == module).then_some(decl.name);
                own.into_iter().chain([decl.id.as_str()])
            })
            .collect()
    }
}

/// `a slot`, `an action`.
pub(super) fn article(word: &str) -> String {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) {
        format!("an {word}")
    } else {
        format!("a {word}")
    }
}
