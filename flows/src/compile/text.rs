//! Texts that stand once for all languages, or once a language.

use std::collections::BTreeMap;

use crate::bundle::Language;
use crate::diag::{Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::{Entry, Kind, Node};

use super::cx::Cx;

impl Cx<'_> {
    /// A text for the default language, or a map from language to text.
    pub(super) fn localized(&self, node: &Node, what: &str) -> BTreeMap<Language, String> {
        self.by_language(node, what)
            .into_iter()
            .filter_map(|(language, node)| Some((language, self.text(node, what)?.to_owned())))
            .collect()
    }

    /// A text for the default language or a list of them, or a map from language to those.
    pub(super) fn localized_lists(
        &self,
        node: &Node,
        what: &str,
    ) -> BTreeMap<Language, Vec<String>> {
        self.by_language(node, what)
            .into_iter()
            .map(|(language, node)| {
                let texts = self
                    .texts(node, what)
                    .into_iter()
                    .map(str::to_owned)
                    .collect();
                (language, texts)
            })
            .collect()
    }

    /// What stands for each language; anything but a map stands for the default language.
    pub(super) fn by_language<'n>(
        &self,
        node: &'n Node,
        what: &str,
    ) -> BTreeMap<Language, &'n Node> {
        let Kind::Map(entries) = &node.kind else {
            return BTreeMap::from([(self.language().to_owned(), node)]);
        };
        entries
            .iter()
            .filter(|entry| self.is_language(entry, what))
            .map(|entry| (entry.key.clone(), &entry.value))
            .collect()
    }

    fn is_language(&self, entry: &Entry, what: &str) -> bool {
        if self.languages.contains(&entry.key) {
            return true;
        }
        let finding = Diagnostic::error(
            "E0404",
            entry.key_span,
            format!("`{}` is no language of this bot, in {what}", entry.key),
        );
        self.report(
            match nearest(&entry.key, self.languages.iter().map(String::as_str)) {
                Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
                None => finding.help(format!(
                    "its languages are {}; more are added under `languages:` in bot.yaml",
                    self.languages.join(", ")
                )),
            },
        );
        false
    }

    /// Reports a text without the default language, and remembers other languages it lacks.
    pub(super) fn check_languages<T>(&self, texts: &BTreeMap<Language, T>, span: Span, what: &str) {
        let Some((default, others)) = self.languages.split_first() else {
            return;
        };
        if !texts.contains_key(default) {
            self.report(
                Diagnostic::error(
                    "E0403",
                    span,
                    format!("{what} has no text in the default language `{default}`"),
                )
                .help("other languages fall back to it, so it must be there"),
            );
        }
        for language in others
            .iter()
            .filter(|language| !texts.contains_key(*language))
        {
            self.untranslated
                .borrow_mut()
                .entry((span.file, language.clone()))
                .or_default()
                .push((span, what.to_owned()));
        }
    }

    /// One warning a file and language for all texts that fall back to the default language.
    pub(super) fn report_untranslated(&self) {
        for ((_, language), mut places) in self.untranslated.take() {
            places.sort();
            let Some((first, what)) = places.first() else {
                continue;
            };
            let message = match places.len() {
                1 => format!("{what} has no text in `{language}`"),
                count => format!(
                    "{what} and {} more in this file have no text in `{language}`",
                    count - 1
                ),
            };
            let finding = Diagnostic::warning("W0501", *first, message);
            let rest = places.iter().skip(1).take(3);
            self.report(rest.fold(
                finding.help(format!(
                    "customers read it in `{}` instead",
                    self.language()
                )),
                |finding, (span, what)| finding.related(*span, format!("as well as {what}")),
            ));
        }
    }
}

/// A name as words: `reset_password` is `reset password`.
pub(super) fn words(name: &str) -> String {
    name.rsplit('.').next().unwrap_or(name).replace('_', " ")
}
