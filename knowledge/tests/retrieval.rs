//! The retriever as its users see it, with a small deterministic embedder in place of the model.

use std::path::Path;

use bellhop_knowledge::{Article, Audience, Embed, Hit, Index, Query, parse_article};

/// Words hashed into 64 buckets: texts that share words are near, which is all these tests need.
struct Buckets;

impl Embed for Buckets {
    fn embed(&self, texts: &[&str]) -> Result<Vec<Vec<f32>>, String> {
        Ok(texts.iter().map(|text| vector(text)).collect())
    }

    fn id(&self) -> String {
        "buckets".into()
    }
}

fn vector(text: &str) -> Vec<f32> {
    let mut row = vec![0.0_f32; 64];
    for word in text.to_lowercase().split(|c: char| !c.is_alphanumeric()) {
        if word.len() > 3 {
            let bucket = word.bytes().fold(7_usize, |hash, byte| {
                hash * 31 % 1_000_003 + usize::from(byte)
            });
            row[bucket % 64] += 1.0;
        }
    }
    let norm = row.iter().map(|x| x * x).sum::<f32>().sqrt().max(1e-9);
    row.iter().map(|x| x / norm).collect()
}

fn article(path: &str, head: &str, body: &str) -> Article {
    let text = format!("---\n{head}\nowner: Team\nreview_by: 2027-01-31\n---\n{body}");
    parse_article(path, &text).expect("the fixture is well formed")
}

fn articles() -> Vec<Article> {
    vec![
        article(
            "knowledge/fees/overdraft.md",
            "title: Overdraft fees\naudience: public\nlanguage: en\nurl: /help/overdraft\n\
             questions: [what does going below zero cost]",
            "# Arranged overdraft\n\nInterest is charged daily.\n\n# Unarranged overdraft\n\nWe \
             refuse payments rather than charging you.",
        ),
        article(
            "knowledge/travel.md",
            "title: Using your card abroad\naudience: public\nlanguage: en",
            "Your debit card works abroad. A foreign transaction costs 2.75 percent.",
        ),
        article(
            "knowledge/staff/goodwill.md",
            "title: Goodwill refunds of overdraft fees\naudience: internal\nlanguage: en",
            "Agents may refund overdraft interest up to thirty pounds.",
        ),
        article(
            "knowledge/es/descubierto.md",
            "title: Comisiones por descubierto\naudience: public\nlanguage: es",
            "Los intereses del descubierto se cobran cada día.",
        ),
    ]
}

fn search(index: &Index, text: &str, language: &str, audience: Audience) -> Vec<Hit> {
    let vector = vector(text);
    index
        .search(&Query {
            text,
            vector: Some(&vector),
            language,
            audience,
            article: None,
            limit: 5,
        })
        .expect("search")
}

fn open(dir: &Path) -> Index {
    Index::open_or_build(dir, &articles(), &Buckets).expect("index")
}

#[test]
fn an_answer_is_a_passage_with_its_article() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let hits = search(
        &open(dir.path()),
        "unarranged overdraft refused payments",
        "en",
        Audience::Public,
    );
    assert_eq!(hits[0].article, "fees/overdraft");
    assert_eq!(hits[0].section.as_deref(), Some("Unarranged overdraft"));
    assert_eq!(hits[0].url.as_deref(), Some("/help/overdraft"));
    assert!(hits[0].confidence > hits.last().expect("several hits").confidence);
}

#[test]
fn an_internal_article_reaches_staff_only() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = open(dir.path());
    let question = "goodwill refund overdraft interest agents thirty pounds";
    let for_staff = search(&index, question, "en", Audience::Internal);
    assert_eq!(for_staff[0].article, "staff/goodwill");
    let for_customers = search(&index, question, "en", Audience::Public);
    assert!(!for_customers.is_empty());
    assert!(
        for_customers
            .iter()
            .all(|hit| hit.article != "staff/goodwill")
    );
}

#[test]
fn the_language_is_kept_and_accents_may_be_missing() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = open(dir.path());
    let hits = search(
        &index,
        "cuando cobran el descubierto cada dia",
        "es",
        Audience::Public,
    );
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].article, "es/descubierto");
}

#[test]
fn a_typo_in_a_rare_word_is_forgiven() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let hits = search(&open(dir.path()), "overdarft", "en", Audience::Public);
    assert_eq!(hits[0].article, "fees/overdraft");
}

#[test]
fn a_question_of_the_article_lifts_it_and_one_article_can_be_asked() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = open(dir.path());
    let hits = search(
        &index,
        "what does going below zero cost",
        "en",
        Audience::Public,
    );
    assert_eq!(hits[0].article, "fees/overdraft");
    assert!(hits[0].confidence > 0.5, "{}", hits[0].confidence);
    let vector = vector("what does it cost");
    let hits = index
        .search(&Query {
            text: "what does it cost",
            vector: Some(&vector),
            language: "en",
            audience: Audience::Public,
            article: Some("travel"),
            limit: 5,
        })
        .expect("search");
    assert!(hits.iter().all(|hit| hit.article == "travel") && !hits.is_empty());
}

#[test]
fn nothing_in_common_gives_no_confidence() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let index = open(dir.path());
    for text in ["", "zzz qqq", "🎉🎉", "?!"] {
        for hit in search(&index, text, "en", Audience::Public) {
            assert!(hit.confidence < 0.2, "{text}: {}", hit.confidence);
        }
    }
}

#[test]
fn the_same_articles_are_indexed_once_and_answer_the_same() {
    let dir = tempfile::tempdir().expect("temporary folder");
    let first = search(
        &open(dir.path()),
        "overdraft interest",
        "en",
        Audience::Public,
    );
    let second = search(
        &open(dir.path()),
        "overdraft interest",
        "en",
        Audience::Public,
    );
    assert_eq!(first, second);
    let folders = std::fs::read_dir(dir.path()).expect("list").count();
    assert_eq!(folders, 1);
}

#[test]
fn a_broken_index_names_its_file() {
    let dir = tempfile::tempdir().expect("temporary folder");
    drop(open(dir.path()));
    let place = std::fs::read_dir(dir.path())
        .expect("list")
        .next()
        .expect("one folder")
        .expect("entry")
        .path();
    std::fs::write(place.join("passages.bin"), b"half").expect("write");
    let error = Index::open_or_build(dir.path(), &articles(), &Buckets)
        .err()
        .expect("broken")
        .to_string();
    assert!(error.contains("passages.bin"), "{error}");
}
