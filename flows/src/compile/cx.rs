//! What every part of the compiler shares: findings, names, languages.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::bundle::{Id, Language};
use crate::diag::{Diagnostic, nearest};
use crate::expr::{Expr, Names};
use crate::span::Span;
use crate::syntax::{Node, Scalar};
use crate::template::Template;
use crate::value::Type;

use super::index::{Index, Kind, article};

/// Texts that lack a language, by file and language: where they stand and what they are.
type Untranslated = BTreeMap<(u32, Language), Vec<(Span, String)>>;

/// The shared context.
pub(super) struct Cx<'a> {
    /// Declared names.
    pub(super) index: Index<'a>,
    /// Languages of the bot; the first is the default. Never empty.
    pub(super) languages: Vec<Language>,
    /// ISO 4217 currency of amounts without one.
    pub(super) currency: String,
    /// Slot types, known after the slots are read.
    pub(super) slot_types: BTreeMap<Id, Type>,
    /// Names of the queues with their places.
    pub(super) queues: BTreeMap<String, Span>,
    /// What a value of a list is called in a language: its first synonym.
    pub(super) value_titles: BTreeMap<(String, Language), String>,
    /// Articles: id -> title.
    pub(super) articles: BTreeMap<String, String>,
    /// Texts that lack a language, per file and language.
    pub(super) untranslated: RefCell<Untranslated>,
    findings: RefCell<Vec<Diagnostic>>,
}

impl<'a> Cx<'a> {
    /// A context for `index`, with what was found so far.
    pub(super) fn new(index: Index<'a>, findings: Vec<Diagnostic>) -> Self {
        Self {
            index,
            languages: vec!["en".to_owned()],
            currency: "EUR".to_owned(),
            slot_types: BTreeMap::new(),
            queues: BTreeMap::new(),
            value_titles: BTreeMap::new(),
            articles: BTreeMap::new(),
            untranslated: RefCell::new(BTreeMap::new()),
            findings: RefCell::new(findings),
        }
    }

    /// The default language.
    pub(super) fn language(&self) -> &str {
        self.languages.first().map_or("en", String::as_str)
    }

    /// Adds a finding.
    pub(super) fn report(&self, finding: Diagnostic) {
        self.findings.borrow_mut().push(finding);
    }

    /// All findings so far.
    pub(super) fn into_findings(self) -> Vec<Diagnostic> {
        self.findings.into_inner()
    }

    /// The id that a scalar names in `module`; reports a name that is not there.
    pub(super) fn refer(&self, kind: Kind, module: &str, node: &Node) -> Option<Id> {
        let scalar = self.scalar(node, &article(kind.word()))?;
        self.refer_text(kind, module, &scalar.text, scalar.inner)
    }

    /// The same for a text at a place.
    pub(super) fn refer_text(
        &self,
        kind: Kind,
        module: &str,
        name: &str,
        span: Span,
    ) -> Option<Id> {
        if let Some(decl) = self.index.find(kind, module, name) {
            return Some(decl.id.clone());
        }
        let help = format!("declare it under `{}:`", kind.key());
        self.unknown(
            kind.word(),
            name,
            span,
            self.index.spellings(kind, module),
            &help,
        );
        None
    }

    /// Reports that `name` is no known `word`.
    pub(super) fn unknown<'n>(
        &self,
        word: &str,
        name: &str,
        span: Span,
        known: impl IntoIterator<Item = &'n str>,
        help: &str,
    ) {
        let finding = Diagnostic::error("E0401", span, format!("there is no {word} `{name}`"));
        let known: Vec<&str> = known.into_iter().collect();
        // Of another module it is written with the module's name.
        let elsewhere = known
            .iter()
            .copied()
            .find(|full| full.rsplit_once('.').is_some_and(|(_, last)| last == name));
        self.report(
            match elsewhere.or_else(|| nearest(name, known.iter().copied())) {
                Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
                None => finding.help(help),
            },
        );
    }

    /// The expression in a scalar.
    pub(super) fn expr(&self, node: &Node, names: &dyn Names) -> Option<Expr> {
        let scalar = self.scalar(node, "an expression")?;
        let text = if scalar.is_null() {
            "null"
        } else {
            scalar.text.as_str()
        };
        self.found(Expr::parse(text, scalar.inner, names))
    }

    /// An expression that must be true or false.
    pub(super) fn condition(&self, node: &Node, names: &dyn Names) -> Option<Expr> {
        let expr = self.expr(node, names)?;
        if !matches!(expr.ty(), Type::Bool | Type::YesNo | Type::Any) {
            let ty = expr.ty().name();
            self.report(
                Diagnostic::error(
                    "E0410",
                    node.span,
                    format!("a condition is true or false, but this is of type `{ty}`"),
                )
                .help("compare it with something, such as `… != null` or `… == 'x'`"),
            );
            return None;
        }
        Some(expr)
    }

    /// The template in a scalar.
    pub(super) fn template(&self, scalar: &Scalar, names: &dyn Names) -> Option<Template> {
        self.found(Template::parse(&scalar.text, scalar.inner, names))
    }

    fn found<T>(&self, parsed: Result<T, Vec<Diagnostic>>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(findings) => {
                self.findings.borrow_mut().extend(findings);
                None
            }
        }
    }
}
