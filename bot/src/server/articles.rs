//! The demo's help site: the articles that answers come from, so that a source can be opened. A real
//! bot's articles have the addresses of its own site.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use axum::extract::{Path, State};
use axum::response::Response;
use pulldown_cmark::{Event, HeadingLevel, Parser, TagEnd};

use bellhop_knowledge::{Article, Audience};

use super::HttpState;
use super::pages::{escape, missing, page};
use crate::folder::BotFolder;

/// The page around an article.
const PAGE: &str = include_str!("pages/article.html");

/// The shipped demo's articles that customers may read, by id.
static ARTICLES: LazyLock<BTreeMap<String, Article>> = LazyLock::new(|| {
    BotFolder::demo()
        .articles
        .into_iter()
        .filter(|article| article.audience == Audience::Public)
        .map(|article| (article.id.clone(), article))
        .collect()
});

/// An article as a page.
pub(super) async fn read(State(edge): State<HttpState>, Path(id): Path<String>) -> Response {
    let Some(article) = ARTICLES.get(&id).filter(|_| edge.is_demo) else {
        return missing(&id);
    };
    page(
        PAGE.replace("{language}", &escape(&article.language))
            .replace("{title}", &escape(&article.title))
            .replace("{body}", &html(&article.body)),
    )
}

/// The HTML of an article: what the demo's articles use of Markdown, and never HTML of their own.
fn html(markdown: &str) -> String {
    let mut out = String::new();
    for event in Parser::new(markdown) {
        match event {
            Event::Start(tag) => {
                if let Some(name) = element(&tag.to_end()) {
                    out.extend(["<", name, ">"]);
                }
            }
            Event::End(tag) => {
                if let Some(name) = element(&tag) {
                    out.extend(["</", name, ">"]);
                }
            }
            Event::Text(text) | Event::Code(text) | Event::Html(text) | Event::InlineHtml(text) => {
                out.push_str(&escape(&text));
            }
            Event::SoftBreak | Event::HardBreak => out.push('\n'),
            _ => {}
        }
    }
    out
}

fn element(tag: &TagEnd) -> Option<&'static str> {
    Some(match tag {
        TagEnd::Paragraph => "p",
        TagEnd::Heading(HeadingLevel::H1 | HeadingLevel::H2) => "h2",
        TagEnd::Heading(_) => "h3",
        TagEnd::List(true) => "ol",
        TagEnd::List(false) => "ul",
        TagEnd::Item => "li",
        TagEnd::Strong => "strong",
        TagEnd::Emphasis => "em",
        TagEnd::BlockQuote(_) => "blockquote",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_becomes_elements_and_markup_in_it_text() {
        assert_eq!(
            html("A *b* <i>c</i> & **d**.\n\n## E\n\n- f\n- g\n"),
            "<p>A <em>b</em> &lt;i&gt;c&lt;/i&gt; &amp; <strong>d</strong>.</p>\
             <h2>E</h2><ul><li>f</li><li>g</li></ul>"
        );
    }

    #[test]
    fn every_source_of_the_demo_can_be_opened() {
        assert!(ARTICLES.len() > 20);
        for (id, article) in ARTICLES.iter() {
            assert_eq!(article.url.as_deref(), Some(format!("/help/{id}").as_str()));
            assert!(html(&article.body).starts_with('<'), "{id}");
        }
    }
}
