//! An article to passages: one heading's text, cut at paragraph ends when it is long, as plain text.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// Words after which a passage is cut at the next paragraph end: what fits a chat bubble and keeps
/// within the encoder's 256 tokens.
const WORDS: usize = 110;
/// What stands between two cells of a row.
const CELL: &str = " · ";

/// A passage before it has an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    /// Heading it stands under, if any.
    pub(crate) section: Option<String>,
    /// Plain text; list items begin with `• `, paragraphs are separated by a newline. A row of a table is its cells
    /// with ` · ` between them. This is what is searched.
    pub(crate) text: String,
    /// The same as a reader gets it: each row of a table says what its values are ([`Table::row`]).
    pub(crate) shown: String,
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
    shown: String,
    /// Numbers of the open lists; `None` for bullets.
    lists: Vec<Option<u64>>,
    table: Option<Table>,
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
            Event::End(TagEnd::Paragraph | TagEnd::Item | TagEnd::CodeBlock) => self.end_block(),
            Event::Start(Tag::Table(_)) => self.table = Some(Table::default()),
            Event::End(TagEnd::Table) => self.end_table(),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => self.end_row(),
            Event::End(TagEnd::TableCell) => self.end_cell(),
            Event::Text(text) | Event::Code(text) => self.push(&text),
            Event::SoftBreak | Event::HardBreak => self.push(" "),
            _ => {}
        }
    }

    fn push(&mut self, text: &str) {
        match (&mut self.heading, &mut self.table) {
            (Some(heading), _) => heading.push_str(text),
            (None, Some(table)) => table.cell.push_str(text),
            (None, None) => self.block.push_str(text),
        }
    }

    fn end_cell(&mut self) {
        let Some(table) = &mut self.table else { return };
        let cell = std::mem::take(&mut table.cell);
        self.block.push_str(&cell);
        self.block.push_str(CELL);
        table.cells.push(cell.trim().to_owned());
    }

    fn end_row(&mut self) {
        let line = self.table.as_mut().map(Table::row).unwrap_or_default();
        self.end_block_as(&line);
    }

    fn end_table(&mut self) {
        let table = self.table.take().unwrap_or_default();
        // Nothing but a heading row: then that is what there is to read.
        if !table.has_rows {
            add_line(&mut self.shown, table.heads.join(CELL).trim());
        }
    }

    fn end_block(&mut self) {
        let shown = self.block.trim().to_owned();
        self.end_block_as(&shown);
    }

    /// Ends a block that is read as `shown`.
    fn end_block_as(&mut self, shown: &str) {
        let block = std::mem::take(&mut self.block);
        let block = block.trim().trim_end_matches('·').trim();
        if block.is_empty() || block == "•" {
            return;
        }
        add_line(&mut self.passage, block);
        add_line(&mut self.shown, shown);
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
        let shown = std::mem::take(&mut self.shown);
        if !text.is_empty() {
            self.chunks.push(Chunk {
                section: self.section.clone(),
                text,
                shown,
            });
        }
    }
}

fn add_line(text: &mut String, line: &str) {
    if line.is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push('\n');
    }
    text.push_str(line);
}

/// A table that is being read.
#[derive(Default)]
struct Table {
    /// What stands over the columns; none while the heading row is being read.
    heads: Vec<String>,
    has_rows: bool,
    cells: Vec<String>,
    cell: String,
}

impl Table {
    /// Ends a row; gives the line that stands for it, such as `• Easy Saver – Rate: 3.10% · Access: any time`. A line of
    /// its own can be read aloud, in a plain text and on a narrow screen, and a page can make the table from them again.
    /// The heading row has no line: its words are in those of the others.
    fn row(&mut self) -> String {
        let cells = std::mem::take(&mut self.cells);
        if self.heads.is_empty() {
            self.heads = cells;
            return String::new();
        }
        self.has_rows = true;
        let (label, values) = cells
            .split_first()
            .map_or(("", &cells[..]), |(label, values)| (label.as_str(), values));
        let corner = self.heads.first().map_or("", String::as_str);
        // "10" says nothing without what is counted.
        let label = if label.chars().any(char::is_alphabetic) || corner.is_empty() {
            label.to_owned()
        } else {
            format!("{corner} {label}").trim().to_owned()
        };
        let named: Vec<String> = values
            .iter()
            .zip(self.heads.iter().skip(1))
            .filter(|(value, _)| !value.is_empty())
            .map(|(value, head)| {
                if head.is_empty() {
                    value.clone()
                } else {
                    format!("{head}: {value}")
                }
            })
            .collect();
        let parts = [label, named.join(CELL)];
        let said: Vec<&str> = parts
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        if said.is_empty() {
            return String::new();
        }
        format!("• {}", said.join(" – "))
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

    /// What a reader gets of each passage.
    fn shown(markdown: &str) -> Vec<String> {
        chunk(markdown)
            .into_iter()
            .map(|chunk| chunk.shown)
            .collect()
    }

    #[test]
    fn each_row_of_a_table_says_what_its_values_are() {
        for (table, lines) in [
            (
                "| Account | Rate (AER) | Access |\n|---|---|---|\n| Easy Saver | **3.10%** variable | any time |\n\
                 | One-Year Fixed | 4.05% fixed | after a year |\n",
                "• Easy Saver – Rate (AER): 3.10% variable · Access: any time\n\
                 • One-Year Fixed – Rate (AER): 4.05% fixed · Access: after a year",
            ),
            (
                "| Letter | Cost |\n|---|---|\n| Balance | £10 |\n",
                "• Balance – Cost: £10",
            ),
            // A number alone says nothing, an empty cell is left out, and so is an empty heading.
            (
                "| Days late | Fee |\n|---|---|\n| 10 | £5 |\n",
                "• Days late 10 – Fee: £5",
            ),
            (
                "| Card | Fee | Limit |\n|---|---|---|\n| Debit | | £300 |\n",
                "• Debit – Limit: £300",
            ),
            (
                "| | |\n|---|---|\n| Phone | 24 hours |\n",
                "• Phone – 24 hours",
            ),
            ("| Branch |\n|---|\n| Leeds |\n", "• Leeds"),
            ("| Only | heads |\n|---|---|\n", "Only · heads"),
        ] {
            assert_eq!(shown(table), [lines], "{table}");
        }
        let around = shown("Before.\n\n| A | B |\n|---|---|\n| x | 1 |\n\nAfter.\n");
        assert_eq!(around, ["Before.\n• x – B: 1\nAfter."]);
    }

    #[test]
    fn a_table_that_is_cut_can_be_read_in_both_halves() {
        let rows: String = (0..60).map(|n| format!("| row {n} | £{n} |\n")).collect();
        let parts = shown(&format!("| Item | Price |\n|---|---|\n{rows}"));
        assert!(parts.len() > 1);
        for line in parts.iter().flat_map(|part| part.lines()) {
            assert!(
                line.starts_with("• row ") && line.contains(" – Price: £"),
                "{line}"
            );
        }
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
            let cut = chunk(&text);
            prop_assert!(cut.iter().all(|c| c.shown == c.text), "only tables are shown otherwise");
            let out: Vec<String> = cut
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
