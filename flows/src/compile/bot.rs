//! A whole bot: the sections of all files in the order in which they need each other.

use std::collections::BTreeMap;

use crate::bundle::{Bundle, Id, Limits, Pattern, Policy, Queue, Understanding};
use crate::diag::{Diagnostic, nearest};
use crate::span::Span;
use crate::syntax::Entry;

use super::cx::Cx;
use super::index::{File, Index, TOP};
use super::scope::Locals;
use super::steps::merge;
use super::tests_section;
use super::usage::Usage;
use super::{ArticleRef, actions, entities, flows, intents, patterns, policy, responses, slots};

/// Sections of which a bot has one each, wherever it stands.
const ONCE: [&str; 7] = [
    "name",
    "languages",
    "time_zone",
    "currency",
    "understanding",
    "limits",
    "handoff",
];

/// A section with the module of its file.
type Section<'a> = (&'a str, &'a Entry);

/// The sections of a bot that are not name tables.
struct Sections<'a> {
    once: BTreeMap<&'a str, Section<'a>>,
    queues: Vec<Section<'a>>,
    patterns: Vec<Section<'a>>,
    tests: Vec<Section<'a>>,
}

impl<'a> Sections<'a> {
    fn new(files: &[File<'a>], findings: &mut Vec<Diagnostic>) -> Self {
        let mut sections = Self {
            once: BTreeMap::new(),
            queues: Vec::new(),
            patterns: Vec::new(),
            tests: Vec::new(),
        };
        for file in files {
            for entry in file.entries {
                let section = (file.module, entry);
                match entry.key.as_str() {
                    "queues" => sections.queues.push(section),
                    "patterns" => sections.patterns.push(section),
                    "tests" => sections.tests.push(section),
                    key if ONCE.contains(&key) => sections.single(key, section, findings),
                    key if TOP.contains(&key) => {}
                    key => findings.push(unknown_top(key, entry)),
                }
            }
        }
        sections
    }

    fn single(&mut self, key: &'a str, section: Section<'a>, findings: &mut Vec<Diagnostic>) {
        if let Some((_, first)) = self.once.get(key) {
            findings.push(
                Diagnostic::error(
                    "E0402",
                    section.1.key_span,
                    format!("`{key}` is given twice; a bot has it once"),
                )
                .related(first.key_span, "it is given here first"),
            );
            return;
        }
        self.once.insert(key, section);
    }
}

fn unknown_top(key: &str, entry: &Entry) -> Diagnostic {
    let finding = Diagnostic::error(
        "E0201",
        entry.key_span,
        format!("unknown key `{key}` in a file"),
    );
    match nearest(key, TOP) {
        Some(near) => finding.help(format!("did you mean `{near}`?")).fix(near),
        None => finding.help(format!("a file knows: {}", TOP.join(", "))),
    }
}

/// Reads a bot. The bundle is whole only if there are no errors among the findings.
pub(super) fn compile(
    files: &[File<'_>],
    articles: &[ArticleRef],
    hash: String,
) -> (Bundle, Vec<Diagnostic>) {
    let mut findings = Vec::new();
    let sections = Sections::new(files, &mut findings);
    let index = Index::new(files, &mut findings);
    let mut cx = Cx::new(index, findings);
    let name = settings(&mut cx, &sections);
    let languages_at = sections
        .once
        .get("languages")
        .map_or(Span::default(), |(_, e)| e.key_span);
    cx.articles = article_titles(articles, cx.language());

    let mut queues: BTreeMap<String, Queue> = BTreeMap::new();
    for (module, entry) in &sections.queues {
        policy::queues(&cx, module, &entry.value, &mut queues);
    }
    if queues.is_empty() {
        // A person can be reached in every bot.
        let (name, queue) = policy::implicit_queue(&cx);
        queues.insert(name, queue);
    }
    cx.queues = queues
        .iter()
        .map(|(name, queue)| (name.clone(), queue.span))
        .collect();
    cx.slot_types = slots::types(&cx);

    let returns = actions::returns(&cx);
    let locals = flows::all_locals(&cx, &returns);
    let by_module = module_locals(&cx, &locals);
    let entities = entities::compile(&cx);
    cx.value_titles = entities::value_titles(&entities);
    let slots = slots::compile(&cx, &by_module);
    let intents = intents::compile(&cx);
    let titles = intents
        .iter()
        .map(|(id, intent)| (id.clone(), intent.title.clone()))
        .collect();
    let flows = flows::compile(&cx, &locals, &titles);
    let policy = match sections.once.get("handoff") {
        Some((module, entry)) => policy::policy(&cx, module, entry),
        None => default_policy(&cx),
    };
    let mut patterns: BTreeMap<Pattern, Id> = BTreeMap::new();
    let (mut inline, mut seen) = (Vec::new(), BTreeMap::new());
    for (module, entry) in &sections.patterns {
        patterns::read(
            &cx,
            module,
            &entry.value,
            &mut patterns,
            &mut inline,
            &mut seen,
        );
    }
    let usage = Usage::new(
        &flows,
        &locals,
        &slots,
        (&policy.triggers, &queues),
        &patterns,
    );
    let actions = actions::compile(&cx, &returns, &usage.actions);
    let mut responses = responses::compile(&cx, &usage.responses, &by_module, &titles);
    patterns::complete(
        &cx,
        &mut patterns,
        &inline,
        &titles,
        languages_at,
        &mut responses,
    );
    let mut bundle = Bundle {
        hash,
        name,
        languages: cx.languages.clone(),
        time_zone: time_zone(&cx, &sections),
        currency: cx.currency.clone(),
        entities,
        slots,
        intents,
        actions,
        flows,
        responses,
        articles: cx.articles.clone(),
        patterns,
        policy,
        queues,
        limits: limits(&cx, &sections),
        understanding: understanding(&cx, &sections),
        tests: Vec::new(),
    };
    for (module, entry) in &sections.tests {
        bundle
            .tests
            .extend(tests_section::compile(&cx, module, &entry.value, &bundle));
    }
    cx.report_untranslated();
    (bundle, cx.into_findings())
}

/// Name, languages and currency; returns the name.
fn settings(cx: &mut Cx<'_>, sections: &Sections<'_>) -> String {
    let value = |key: &str| sections.once.get(key).map(|(_, entry)| &entry.value);
    if let Some(node) = value("languages") {
        let languages: Vec<String> = cx
            .texts(node, "a language such as `en`")
            .into_iter()
            .map(str::to_owned)
            .collect();
        let odd = |language: &&String| {
            !(2..=3).contains(&language.len()) || !language.chars().all(|c| c.is_ascii_lowercase())
        };
        if let Some(language) = languages.iter().find(odd) {
            cx.report(
                Diagnostic::error("E0205", node.span, format!("`{language}` is no language"))
                    .help("write the two or three letters of ISO 639, such as `en` or `es`"),
            );
        } else if languages.is_empty() {
            cx.wrong(node, "a list with at least one language");
        } else {
            cx.languages = languages;
        }
    }
    if let Some(node) = value("currency")
        && let Some(currency) = cx.text(node, "a currency").map(str::to_owned)
    {
        if currency.len() == 3 && currency.chars().all(|c| c.is_ascii_uppercase()) {
            cx.currency = currency;
        } else {
            cx.report(
                Diagnostic::error("E0205", node.span, format!("`{currency}` is no currency"))
                    .help("write the three letters of ISO 4217, such as `EUR`"),
            );
        }
    }
    match value("name") {
        Some(node) => cx
            .text(node, "the bot's name")
            .unwrap_or_default()
            .to_owned(),
        None => {
            cx.report(
                Diagnostic::error("E0203", Span::default(), "the bot has no `name`")
                    .help("write `name: …` into bot.yaml"),
            );
            String::new()
        }
    }
}

fn time_zone(cx: &Cx<'_>, sections: &Sections<'_>) -> String {
    let fallback = "UTC".to_owned();
    let Some((_, entry)) = sections.once.get("time_zone") else {
        return fallback;
    };
    let Some(name) = cx.text(&entry.value, "a time zone") else {
        return fallback;
    };
    // Only the shape is looked at: which zones there are is known where the bot runs.
    let odd = |c: char| !(c.is_ascii_alphanumeric() || "/_+-".contains(c));
    if name.contains(odd) || (name != "UTC" && !name.contains('/')) {
        cx.report(
            Diagnostic::error(
                "E0205",
                entry.value.span,
                format!("`{name}` is no time zone"),
            )
            .help("write an IANA name such as `Europe/Madrid`, or `UTC`"),
        );
        return fallback;
    }
    name.to_owned()
}

fn limits(cx: &Cx<'_>, sections: &Sections<'_>) -> Limits {
    let mut limits = Limits {
        steps: 100,
        depth: 5,
        idle_close_s: 1800,
        correctable_turns: 3,
        correctable_s: 300,
    };
    let Some((_, entry)) = sections.once.get("limits") else {
        return limits;
    };
    let keys = ["steps", "depth", "idle_close", "correctable"];
    let Some(fields) = cx.fields(&entry.value, "`limits`", &keys) else {
        return limits;
    };
    if let Some(steps) = fields
        .get("steps")
        .and_then(|n| cx.whole(n, "`steps`", 1, 10_000))
    {
        limits.steps = steps;
    }
    if let Some(depth) = fields
        .get("depth")
        .and_then(|n| cx.whole(n, "`depth`", 1, 50))
    {
        limits.depth = depth;
    }
    if let Some(ms) = fields
        .get("idle_close")
        .and_then(|n| cx.duration_ms(n, "`idle_close`"))
    {
        limits.idle_close_s = i64::try_from(ms / 1000).unwrap_or(i64::MAX).max(1);
    }
    let correctable = fields
        .get("correctable")
        .and_then(|node| cx.fields(node, "`correctable`", &["turns", "time"]));
    if let Some(fields) = correctable {
        let turns = fields.get("turns");
        if let Some(turns) = turns.and_then(|n| cx.whole(n, "`turns`", 0, 100)) {
            limits.correctable_turns = turns;
        }
        let time = fields.get("time");
        if let Some(ms) = time.and_then(|n| cx.duration_ms(n, "`time`")) {
            limits.correctable_s = i64::try_from(ms / 1000).unwrap_or(i64::MAX);
        }
    }
    limits
}

fn understanding(cx: &Cx<'_>, sections: &Sections<'_>) -> Understanding {
    let mut sure = Understanding {
        accept: 0.5,
        margin: 0.1,
        answer: 0.5,
        interrupt_margin: 0.2,
        lead: 0.3,
    };
    let Some((_, entry)) = sections.once.get("understanding") else {
        return sure;
    };
    let keys = ["accept", "margin", "answer", "interrupt_margin", "lead"];
    let Some(fields) = cx.fields(&entry.value, "`understanding`", &keys) else {
        return sure;
    };
    let places = [
        &mut sure.accept,
        &mut sure.margin,
        &mut sure.answer,
        &mut sure.interrupt_margin,
        &mut sure.lead,
    ];
    for (key, place) in keys.into_iter().zip(places) {
        if let Some(share) = fields
            .get(key)
            .and_then(|n| cx.share(n, &format!("`{key}`")))
        {
            *place = share;
        }
    }
    sure
}

/// Without a `handoff:` section people are reached through the first queue.
fn default_policy(cx: &Cx<'_>) -> Policy {
    Policy {
        default_queue: cx.queues.keys().next().cloned().unwrap_or_default(),
        triggers: Vec::new(),
    }
}

/// Id to title; of an article in several languages the default language's.
fn article_titles(articles: &[ArticleRef], language: &str) -> BTreeMap<String, String> {
    let mut titles = BTreeMap::new();
    for article in articles {
        if article.language == language || !titles.contains_key(&article.id) {
            titles.insert(article.id.clone(), article.title.clone());
        }
    }
    titles
}

/// What the flows of each module know together.
fn module_locals<'a>(cx: &Cx<'a>, locals: &BTreeMap<Id, Locals>) -> BTreeMap<&'a str, Locals> {
    let mut all: BTreeMap<&str, Locals> = BTreeMap::new();
    for decl in cx.index.all(super::index::Kind::Flow) {
        let known = all.entry(decl.module).or_default();
        for (name, ty) in locals.get(&decl.id).into_iter().flatten() {
            merge(known, name, ty);
        }
    }
    all
}
