//! Writing one thing said as a channel can show it.

use unicode_segmentation::UnicodeSegmentation;

use super::choice::token;
use super::split::pieces;
use super::{ButtonLimits, Capabilities, ListLimits, split};
use crate::message::{Author, Button, Outgoing};

/// One message as a channel shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A text.
    Text(String),
    /// A text with buttons under it.
    Buttons {
        /// The text; never empty.
        text: String,
        /// The buttons, with titles and payloads that fit.
        buttons: Vec<Button>,
    },
    /// A text from which a list opens.
    List {
        /// The text; never empty.
        text: String,
        /// What opens the list.
        label: String,
        /// The rows.
        rows: Vec<Row>,
    },
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// First line.
    pub title: String,
    /// The whole title, where the first line can't hold it.
    pub description: Option<String>,
    /// What choosing it sends.
    pub payload: String,
}

/// Writes one thing said as frames, to be sent in this order.
///
/// Options are shown as buttons if all fit, else as a list, else as numbered lines of text; none is
/// left out and no title is shortened unless the whole of it stands beside. A payload that the
/// channel can't carry is replaced by a token that [`super::Offer::pressed`] resolves. Links and
/// the source become lines of text. A text that is too long is split, see [`split`]; options stay
/// with its last piece.
///
/// A person's name goes before what they say where the channel doesn't show who speaks.
pub fn render(said: &Outgoing, can: &Capabilities) -> Vec<Frame> {
    let text = written(said, can);
    let options = with_titles(&said.buttons);
    if options.is_empty() {
        return texts(&text, can);
    }
    let choose = words(&said.language).options;
    if let Some(limits) = can.buttons
        && let Some(buttons) = as_buttons(&options, &limits, can)
    {
        let (mut frames, text) = lead(&text, choose, limits.text_chars, can);
        frames.push(Frame::Buttons { text, buttons });
        return frames;
    }
    if let Some(limits) = can.list
        && let Some(rows) = as_rows(&options, &limits, can)
    {
        let (mut frames, text) = lead(&text, choose, limits.text_chars, can);
        let label = shorten(choose, limits.label_chars, can);
        frames.push(Frame::List { text, label, rows });
        return frames;
    }
    let mut lines = vec![text];
    lines.retain(|text| !text.is_empty());
    lines.extend(
        (1..)
            .zip(&options)
            .map(|(number, option)| format!("{number}. {}", option.title)),
    );
    texts(&lines.join("\n"), can)
}

/// The text with everything that goes into lines of it.
fn written(said: &Outgoing, can: &Capabilities) -> String {
    let mut lines = Vec::new();
    let text = said.text.trim();
    match &said.from {
        Author::Agent { name } if !can.shows_author && !name.trim().is_empty() => {
            lines.push(format!("{}: {text}", name.trim()).trim_end().to_owned());
        }
        _ => lines.push(text.to_owned()),
    }
    for link in &said.links {
        lines.push(beside(&[&link.title, &link.url]));
    }
    if let Some(source) = &said.source {
        let place = [Some(&source.title), source.section.as_ref()];
        let place: Vec<&str> = place.into_iter().flatten().map(String::as_str).collect();
        let place = place.join(", ");
        let url = source.url.as_deref().unwrap_or_default();
        let from = words(&said.language).from;
        lines.push(format!("{from}: {}", beside(&[&place, url])));
    }
    lines.retain(|line| !line.is_empty());
    lines.join("\n\n")
}

fn beside(parts: &[&str]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(|part| part.trim())
        .filter(|part| !part.is_empty())
        .collect();
    parts.join(": ")
}

/// The options with titles of one line. An option without a title shows its payload: a button that
/// says nothing is refused by every provider.
pub(super) fn with_titles(buttons: &[Button]) -> Vec<Button> {
    buttons
        .iter()
        .map(|button| {
            let words: Vec<&str> = button.title.split_whitespace().collect();
            Button {
                title: if words.is_empty() {
                    button.payload.clone()
                } else {
                    words.join(" ")
                },
                payload: button.payload.clone(),
            }
        })
        .collect()
}

/// The options as buttons, if all of them fit. Titles must differ: WhatsApp refuses a message whose
/// don't, and elsewhere nobody could choose between them.
fn as_buttons(
    options: &[Button],
    limits: &ButtonLimits,
    can: &Capabilities,
) -> Option<Vec<Button>> {
    let fits = |option: &Button| can.unit.count(&option.title) <= limits.title_chars;
    if options.len() > limits.count || !options.iter().all(fits) || !differ(options) {
        return None;
    }
    let payloads = payloads(options, limits.payload_bytes);
    Some(
        options
            .iter()
            .zip(payloads)
            .map(|(option, payload)| Button {
                title: option.title.clone(),
                payload,
            })
            .collect(),
    )
}

/// The options as rows of a list, if all of them fit: a title that is too long for the first line
/// stands whole in the second.
fn as_rows(options: &[Button], limits: &ListLimits, can: &Capabilities) -> Option<Vec<Row>> {
    let fits = |option: &Button| {
        let length = can.unit.count(&option.title);
        length <= limits.title_chars || length <= limits.description_chars
    };
    if options.len() > limits.rows || !options.iter().all(fits) || !differ(options) {
        return None;
    }
    let payloads = payloads(options, limits.payload_bytes);
    let row = |(option, payload): (&Button, String)| {
        let is_whole = can.unit.count(&option.title) <= limits.title_chars;
        Row {
            title: shorten(&option.title, limits.title_chars, can),
            description: (!is_whole).then(|| option.title.clone()),
            payload,
        }
    };
    Some(options.iter().zip(payloads).map(row).collect())
}

fn differ(options: &[Button]) -> bool {
    options.iter().enumerate().all(|(at, option)| {
        options[..at]
            .iter()
            .all(|earlier| earlier.title != option.title)
    })
}

/// What each option sends. A token stands in for a payload that is too long, that another option has
/// as well (ids must differ), or that would be taken for a token itself.
fn payloads(options: &[Button], max: usize) -> Vec<String> {
    (0..options.len())
        .map(|at| {
            let payload = &options[at].payload;
            let is_plain = !payload.is_empty() && payload.len() <= max && !payload.starts_with('#');
            let is_first = options[..at].iter().all(|other| other.payload != *payload);
            if is_plain && is_first {
                payload.clone()
            } else {
                token(at, payload)
            }
        })
        .collect()
}

/// Everything but the last piece as texts, and the last piece, which fits above options.
fn lead(text: &str, choose: &str, max: usize, can: &Capabilities) -> (Vec<Frame>, String) {
    // Above options there has to be something.
    let text = if text.is_empty() { choose } else { text };
    let last = pieces(text, max, can.unit).pop().unwrap_or(0..0);
    (texts(&text[..last.start], can), text[last].to_owned())
}

fn texts(text: &str, can: &Capabilities) -> Vec<Frame> {
    split(text, can.text_chars.unwrap_or(usize::MAX), can.unit)
        .into_iter()
        .map(Frame::Text)
        .collect()
}

/// A text of at most `max` units, with an ellipsis where something is missing.
fn shorten(text: &str, max: usize, can: &Capabilities) -> String {
    const ELLIPSIS: &str = "…";
    if can.unit.count(text) <= max {
        return text.to_owned();
    }
    let room = max.saturating_sub(can.unit.count(ELLIPSIS));
    let mut short = String::new();
    let mut used = 0;
    for cluster in text.graphemes(true) {
        used += can.unit.count(cluster);
        if used > room {
            break;
        }
        short.push_str(cluster);
    }
    short.truncate(short.trim_end().len());
    short.push_str(ELLIPSIS);
    short
}

/// The few words that a channel makes necessary.
struct Words {
    /// What opens a list.
    options: &'static str,
    /// What goes before a source.
    from: &'static str,
}

/// The words in a language; in English where we don't have it.
fn words(language: &str) -> Words {
    let language = language.split('-').next().unwrap_or_default();
    let (options, from) = match language {
        "es" => ("Opciones", "Fuente"),
        "fr" => ("Options", "Source"),
        "de" => ("Optionen", "Quelle"),
        "it" => ("Opzioni", "Fonte"),
        "pt" => ("Opções", "Fonte"),
        "nl" => ("Opties", "Bron"),
        "pl" => ("Opcje", "Źródło"),
        _ => ("Options", "From"),
    };
    Words { options, from }
}
