//! One Markdown file with front matter to an [`Article`], or findings that name the place.

use std::collections::BTreeMap;
use std::str::FromStr;

use granit_parser::{Event, Parser};
use serde::{Deserialize, Serialize};

/// Largest article, bytes.
pub const MAX_BYTES: usize = 1 << 20;

const KEYS: &[&str] = &[
    "title",
    "audience",
    "language",
    "owner",
    "review_by",
    "url",
    "questions",
];

/// Who may see an article.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    /// Customers and staff.
    Public,
    /// Staff only: never reaches a customer.
    Internal,
}

/// An article.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Article {
    /// Path under `knowledge/` without `.md`.
    pub id: String,
    /// Title.
    pub title: String,
    /// Who may see it.
    pub audience: Audience,
    /// BCP 47 primary language.
    pub language: String,
    /// Who keeps it true.
    pub owner: String,
    /// When it must be looked at again.
    pub review_by: jiff::civil::Date,
    /// Questions it answers, in customers' words: taught to the NLU as `article:ID`.
    pub questions: Vec<String>,
    /// Address customers can open, if any.
    pub url: Option<String>,
    /// Markdown after the front matter.
    pub body: String,
}

/// What is wrong with an article, with its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    /// Path relative to the bot folder.
    pub path: String,
    /// From 1.
    pub line: u32,
    /// From 1.
    pub column: u32,
    /// The article can't be used.
    pub is_error: bool,
    /// What and what to do.
    pub message: String,
}

/// A front matter value with its place.
enum Field {
    Text(String, Place),
    List(Vec<String>, Place),
}

#[derive(Clone, Copy)]
struct Place {
    line: u32,
    column: u32,
}

/// Parses the file at `path` (relative to the bot folder, such as `knowledge/fees/overdraft.md`).
///
/// # Errors
/// Every mistake of the file at once, each with its place.
pub fn parse_article(path: &str, text: &str) -> Result<Article, Vec<Finding>> {
    let mut findings = Findings {
        path,
        list: Vec::new(),
    };
    if text.len() > MAX_BYTES {
        findings.error(
            START,
            format!("the article is larger than {MAX_BYTES} bytes; split it"),
        );
        return Err(findings.list);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let Some((front, body)) = split_front_matter(text) else {
        findings.error(
            START,
            "no front matter: begin the file with a line `---`, then title, audience, language, \
             owner and review_by, then a line `---`"
                .into(),
        );
        return Err(findings.list);
    };
    let fields = read_fields(front, &mut findings);
    let article = build(path, fields, body, &mut findings);
    match article {
        Some(article) if findings.list.is_empty() => Ok(article),
        _ => Err(findings.list),
    }
}

const START: Place = Place { line: 1, column: 1 };

struct Findings<'a> {
    path: &'a str,
    list: Vec<Finding>,
}

impl Findings<'_> {
    fn error(&mut self, at: Place, message: String) {
        self.list.push(Finding {
            path: self.path.to_owned(),
            line: at.line,
            column: at.column,
            is_error: true,
            message,
        });
    }
}

/// The YAML between the two `---` lines (its first line is line 2 of the file) and what follows.
fn split_front_matter(text: &str) -> Option<(&str, &str)> {
    let rest = text
        .strip_prefix("---\n")
        .or_else(|| text.strip_prefix("---\r\n"))?;
    let mut offset = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&rest[..offset], &rest[offset + line.len()..]));
        }
        offset += line.len();
    }
    None
}

fn read_fields(front: &str, findings: &mut Findings<'_>) -> BTreeMap<String, Field> {
    let mut fields = BTreeMap::new();
    let mut key: Option<(String, Place)> = None;
    let mut list: Option<(Vec<String>, Place)> = None;
    let mut depth = 0_usize;
    for next in Parser::new_from_str(front) {
        let (event, span) = match next {
            Ok(next) => next,
            Err(error) => {
                let at = place(error.marker().line(), error.marker().col());
                findings.error(at, format!("front matter: {}", error.info()));
                return fields;
            }
        };
        let at = place(span.start.line(), span.start.col());
        match event {
            Event::MappingStart(..) if depth == 0 => depth = 1,
            Event::MappingEnd if depth == 1 => depth = 0,
            Event::SequenceStart(..) if depth == 1 && key.is_some() && list.is_none() => {
                list = Some((Vec::new(), at));
            }
            Event::SequenceEnd => {
                if let (Some((items, at)), Some((name, key_at))) = (list.take(), key.take()) {
                    insert(&mut fields, name, key_at, Field::List(items, at), findings);
                }
            }
            Event::Scalar(value, ..) if depth == 1 => match (&mut list, key.take()) {
                (Some((items, _)), name) => {
                    items.push(value.into_owned());
                    key = name;
                }
                (None, None) => key = Some((value.into_owned(), at)),
                (None, Some((name, key_at))) => {
                    let field = Field::Text(value.into_owned(), at);
                    insert(&mut fields, name, key_at, field, findings);
                }
            },
            Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(..)
            | Event::DocumentEnd
            | Event::Comment(..) => {}
            _ => {
                findings.error(
                    at,
                    "front matter holds `key: text` and `questions: [text, …]` only".into(),
                );
                return fields;
            }
        }
    }
    fields
}

/// Lines of the front matter start at the file's second line; columns count from 1.
fn place(line: usize, column: usize) -> Place {
    Place {
        line: u32::try_from(line + 1).unwrap_or(u32::MAX),
        column: u32::try_from(column + 1).unwrap_or(u32::MAX),
    }
}

fn insert(
    fields: &mut BTreeMap<String, Field>,
    name: String,
    at: Place,
    field: Field,
    findings: &mut Findings<'_>,
) {
    if !KEYS.contains(&name.as_str()) {
        findings.error(
            at,
            format!("unknown key `{name}`; known are {}", KEYS.join(", ")),
        );
    } else if fields.insert(name.clone(), field).is_some() {
        findings.error(at, format!("`{name}` stands here a second time"));
    }
}

fn build(
    path: &str,
    mut fields: BTreeMap<String, Field>,
    body: &str,
    findings: &mut Findings<'_>,
) -> Option<Article> {
    let mut text = |key: &str, findings: &mut Findings<'_>| match fields.remove(key) {
        Some(Field::Text(value, at)) if !value.trim().is_empty() => {
            Some((value.trim().to_owned(), at))
        }
        Some(Field::Text(_, at) | Field::List(_, at)) => {
            findings.error(at, format!("`{key}` must be a text"));
            None
        }
        None => None,
    };
    let title = text("title", findings);
    let audience = text("audience", findings);
    let language = text("language", findings);
    let owner = text("owner", findings);
    let review_by = text("review_by", findings);
    let url = text("url", findings);
    for (key, value) in [
        ("title", &title),
        ("audience", &audience),
        ("language", &language),
        ("owner", &owner),
        ("review_by", &review_by),
    ] {
        if value.is_none() && !findings.list.iter().any(|f| f.message.contains(key)) {
            findings.error(START, format!("`{key}` is missing from the front matter"));
        }
    }
    let questions = match fields.remove("questions") {
        Some(Field::List(items, _)) => items,
        Some(Field::Text(_, at)) => {
            findings.error(at, "`questions` must be a list of texts".into());
            Vec::new()
        }
        None => Vec::new(),
    };
    let audience = audience.and_then(|(value, at)| match value.as_str() {
        "public" => Some(Audience::Public),
        "internal" => Some(Audience::Internal),
        _ => {
            findings.error(
                at,
                format!("audience `{value}` must be `public` or `internal`"),
            );
            None
        }
    });
    let review_by = review_by.and_then(|(value, at)| {
        jiff::civil::Date::from_str(&value)
            .map_err(|_| {
                findings.error(
                    at,
                    format!("review_by `{value}` must be a date such as 2027-06-30"),
                );
            })
            .ok()
    });
    let url = url.and_then(|(value, at)| {
        let fits = value.starts_with("https://")
            || value.starts_with("http://")
            || (value.starts_with('/') && !value.starts_with("//"));
        if !fits {
            findings.error(at, format!("url `{value}` must begin with https:// or /"));
        }
        fits.then_some(value)
    });
    if body.trim().is_empty() {
        findings.error(
            START,
            "the article has no text after its front matter".into(),
        );
    }
    let id = path.strip_prefix("knowledge/").unwrap_or(path);
    Some(Article {
        id: id.strip_suffix(".md").unwrap_or(id).to_owned(),
        title: title?.0,
        audience: audience?,
        language: language?.0,
        owner: owner?.0,
        review_by: review_by?,
        questions,
        url,
        body: body.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const GOOD: &str = "---\ntitle: Overdraft fees\naudience: public\nlanguage: en\nowner: Fees\n\
        review_by: 2027-06-30\nurl: /help/overdraft\nquestions:\n  - what does an overdraft cost\n  \
        - am I charged when I go below zero\n---\n\n# Arranged\n\nIt is 39 %.\n";

    #[test]
    fn reads_every_key() {
        let article = parse_article("knowledge/fees/overdraft.md", GOOD).expect("good article");
        assert_eq!(article.id, "fees/overdraft");
        assert_eq!(article.title, "Overdraft fees");
        assert_eq!(article.audience, Audience::Public);
        assert_eq!(article.review_by, jiff::civil::date(2027, 6, 30));
        assert_eq!(article.questions.len(), 2);
        assert!(article.body.contains("39 %"));
    }

    #[test]
    fn every_mistake_has_its_place() {
        let bad: &[(&str, &str, &str)] = &[
            ("no front matter at all", "hello", "1:1 no front matter"),
            ("never closed", "---\ntitle: x\n", "1:1 no front matter"),
            (
                "audience misspelt",
                &GOOD.replace("public", "pubic"),
                "3:11 audience `pubic`",
            ),
            (
                "unknown key",
                &GOOD.replace("owner:", "ownr:"),
                "5:1 unknown key `ownr`",
            ),
            (
                "missing title",
                &GOOD.replace("title: Overdraft fees\n", ""),
                "1:1 `title` is missing",
            ),
            (
                "no date",
                &GOOD.replace("2027-06-30", "soon"),
                "6:12 review_by `soon`",
            ),
            (
                "twice",
                &GOOD.replace("owner: Fees", "owner: Fees\nowner: Us"),
                "6:1 `owner` stands here a second time",
            ),
            (
                "script address",
                &GOOD.replace("/help/overdraft", "javascript:alert(1)"),
                "7:6 url `javascript:alert(1)`",
            ),
            (
                "questions as text",
                "---\ntitle: a\naudience: public\nlanguage: en\nowner: b\nreview_by: 2027-01-01\n\
                 questions: one\n---\nbody",
                "7:12 `questions` must be a list",
            ),
            (
                "broken yaml",
                &GOOD.replace("title: Overdraft fees", "title: \"open"),
                "front matter:",
            ),
            ("nothing to read", &GOOD[..GOOD.len() - 25], "no text after"),
        ];
        for (name, text, expected) in bad {
            let findings = parse_article("knowledge/a.md", text).expect_err(name);
            let rendered: Vec<String> = findings
                .iter()
                .map(|f| format!("{}:{} {}", f.line, f.column, f.message))
                .collect();
            assert!(
                rendered.iter().any(|line| line.contains(expected)),
                "{name}: {rendered:#?}"
            );
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "\\PC{0,200}") {
            let framed = format!("---\n{text}\n---\nbody");
            let _ = parse_article("knowledge/a.md", &framed);
            let _ = parse_article("knowledge/a.md", &text);
        }
    }
}
