//! An article to passages: one heading's text, cut at paragraph ends when it is long, as plain text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Words after which a passage is cut at the next paragraph end: what fits a chat bubble and keeps
/// within the encoder's 256 tokens.
const WORDS: usize = 110;

/// A passage before it has an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Heading it stands under, if any.
    pub(crate) section: Option<String>,
    /// Plain text; list items begin with `• `, paragraphs are separated by a newline.
    pub(crate) text: String,
}

/// Cuts Markdown into passages.
pub(crate) fn chunk(markdown: &str) -> Vec<Chunk> {
    let mut cutter = Cutter::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        cutter.take(event);
    }
    cutter.flush();
    cutter.chunks
}

#[derive(Default)]
struct Cutter {
    chunks: Vec<Chunk>,
    section: Option<String>,
    heading: Option<String>,
    block: String,
    passage: String,
    /// Numbers of the open lists; `None` for bullets.
    lists: Vec<Option<u64>>,
}

impl Cutter {
    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(Tag::Heading { .. }) => {
                self.flush();
                self.heading = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => self.section = self.heading.take(),
            Event::Start(Tag::List(start)) => {
                self.end_block();
                self.lists.push(start);
            }
            Event::End(TagEnd::List(_)) => {
                self.lists.pop();
            }
            Event::Start(Tag::Item) => match self.lists.last_mut() {
                Some(Some(number)) => {
                    self.block.push_str(&number.to_string());
                    self.block.push_str(". ");
                    *number += 1;
                }
                _ => self.block.push_str("• "),
            },
            Event::End(
                TagEnd::Paragraph
                | TagEnd::Item
                | TagEnd::TableRow
                | TagEnd::TableHead
                | TagEnd::CodeBlock,
            ) => self.end_block(),
            Event::End(TagEnd::TableCell) => self.push(" · "),
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        match &mut self.heading {
            Some(heading) => heading.push_str(text),
            None => self.block.push_str(text),
        }
    }

    fn end_block(&mut self) {
        let block = std::mem::take(&mut self.block);
        let block = block.trim().trim_end_matches('·').trim();
        if block.is_empty() || block == "•" {
            return;
        }
        if !self.passage.is_empty() {
            self.passage.push('\n');
        }
        self.passage.push_str(block);
        // A list is not torn apart.
        if self.lists.is_empty() && self.passage.split_whitespace().count() >= WORDS {
            self.cut();
        }
    }

    fn flush(&mut self) {
        self.end_block();
        self.cut();
    }

    fn cut(&mut self) {
        let text = std::mem::take(&mut self.passage);
        if !text.is_empty() {
            self.chunks.push(Chunk {
                section: self.section.clone(),
                text,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_heading_is_a_passage_and_lists_stay_together() {
        let chunks = chunk(
            "Intro *here*.\n\n# Fees\n\nOne\nline.\n\n- first `a`\n- second\n\n1. x\n2. y\n\n## Empty\n\n# Table\n\n\
             | a | b |\n|---|---|\n| 1 | 2 |\n",
        );
        insta::assert_debug_snapshot!(chunks);
    }

    #[test]
    fn long_text_is_cut_at_paragraph_ends() {
        let paragraph = "word ".repeat(60);
        let chunks = chunk(&format!("{paragraph}\n\n{paragraph}\n\n{paragraph}"));
        let words: Vec<usize> = chunks
            .iter()
            .map(|c| c.text.split_whitespace().count())
            .collect();
        assert_eq!(words, [120, 60]);
    }

    proptest! {
        #[test]
        fn no_word_is_lost(words in prop::collection::vec("[a-z]{1,8}", 1..400)) {
            let text = words.chunks(7).map(|c| c.join(" ")).collect::<Vec<_>>().join("\n\n");
            let out: Vec<String> = chunk(&text)
                .iter()
                .flat_map(|c| c.text.split_whitespace().map(str::to_owned).collect::<Vec<_>>())
                .collect();
            prop_assert_eq!(out, words);
        }

        #[test]
        fn any_markdown_is_cut(text in "\\PC{0,300}") {
            let _ = chunk(&text);
        }
    }
}
