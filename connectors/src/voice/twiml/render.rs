//! Writing the answer. Values are data: everything that was not written here is escaped.

use std::fmt::Write as _;

/// Seconds of silence after which the provider comes back with nothing heard.
const SILENCE_S: u32 = 6;
/// Longest `hints` attribute that the provider takes, bytes.
const HINTS_MAX: usize = 500;

/// Something to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Say<'a> {
    /// The text.
    pub text: &'a str,
    /// BCP 47 language such as `en`.
    pub language: &'a str,
}

/// What follows what is spoken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next<'a> {
    /// Hear the caller, while speaking already.
    Listen {
        /// Address that hears what came.
        action: &'a str,
        /// Language of the recogniser, such as `en`.
        language: &'a str,
        /// Words to expect.
        hints: &'a [String],
        /// One key is the whole answer.
        one_key: bool,
    },
    /// A person takes the call.
    Person {
        /// Where people are.
        target: Target<'a>,
        /// Address that hears how it went.
        action: &'a str,
        /// The handoff: its whole context can be read by this id.
        handoff_id: &'a str,
        /// The interaction.
        interaction_id: &'a str,
        /// Address of the context, for staff.
        url: &'a str,
    },
    /// There is more to come: the provider asks again after a pause.
    Wait {
        /// Address that it asks.
        action: &'a str,
        /// Seconds of silence before.
        pause_s: u32,
    },
    /// The call is over.
    HangUp,
}

/// Where people are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target<'a> {
    /// A TaskRouter workflow (`WW…`) or the name of a queue.
    Enqueue(&'a str),
    /// A telephone number or a SIP address.
    Dial(&'a str),
}

/// Writes the answer to a webhook.
pub fn render(says: &[Say<'_>], next: &Next<'_>) -> String {
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>");
    match next {
        Next::Listen {
            action,
            language,
            hints,
            one_key,
        } => {
            xml.push_str(
                "<Gather input=\"speech dtmf\" method=\"POST\" actionOnEmptyResult=\"true\"",
            );
            attribute(&mut xml, "action", action);
            attribute(&mut xml, "language", &locale(language));
            attribute(&mut xml, "speechTimeout", "auto");
            attribute(&mut xml, "timeout", &SILENCE_S.to_string());
            let hints = join_hints(hints);
            if !hints.is_empty() {
                attribute(&mut xml, "hints", &hints);
            }
            if *one_key {
                attribute(&mut xml, "numDigits", "1");
            }
            xml.push('>');
            // Inside the gather, so that the caller can answer while it is being said.
            speak(&mut xml, says);
            xml.push_str("</Gather>");
        }
        Next::Person {
            target,
            action,
            handoff_id,
            interaction_id,
            url,
        } => {
            speak(&mut xml, says);
            let context = serde_json::json!({
                "handoff_id": handoff_id, "interaction_id": interaction_id, "url": url,
            });
            person(&mut xml, *target, action, handoff_id, &context.to_string());
        }
        Next::Wait { action, pause_s } => {
            speak(&mut xml, says);
            if *pause_s > 0 {
                let _ = write!(xml, "<Pause length=\"{pause_s}\"/>");
            }
            xml.push_str("<Redirect method=\"POST\">");
            escape(&mut xml, action);
            xml.push_str("</Redirect>");
        }
        Next::HangUp => {
            speak(&mut xml, says);
            xml.push_str("<Hangup/>");
        }
    }
    xml.push_str("</Response>\n");
    xml
}

/// What is said while an answer takes its time; in English where the language has no words of its own here.
pub fn filler(language: &str) -> Say<'_> {
    let text = match language.split('-').next().unwrap_or(language) {
        "es" => "Un momento, por favor.",
        "fr" => "Un instant, s'il vous plaît.",
        "de" => "Einen Moment, bitte.",
        "it" => "Un momento, per favore.",
        "pt" => "Um momento, por favor.",
        "nl" => "Een ogenblik, alstublieft.",
        "pl" => "Chwileczkę.",
        _ => {
            return Say {
                text: "One moment, please.",
                language: "en",
            };
        }
    };
    Say { text, language }
}

fn speak(xml: &mut String, says: &[Say<'_>]) {
    for say in says.iter().filter(|say| !say.text.trim().is_empty()) {
        xml.push_str("<Say");
        attribute(xml, "language", &locale(say.language));
        xml.push('>');
        escape(xml, &spoken(say.text));
        xml.push_str("</Say>");
    }
}

/// A text without the signs that are there to be seen: the dots before items of a list and between the cells of a table
/// become pauses, and each line ends like a sentence, so that the next does not run into it.
fn spoken(text: &str) -> String {
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.trim().trim_start_matches('•').trim())
        .filter(|line| !line.is_empty())
        .collect();
    let mut spoken = String::with_capacity(text.len());
    for (at, line) in lines.iter().enumerate() {
        spoken.push_str(&line.replace(" · ", ", ").replace(" – ", ", "));
        if at + 1 == lines.len() {
            break;
        }
        let ends = line.ends_with(|last: char| last.is_ascii_punctuation() || last == '…');
        spoken.push_str(if ends { " " } else { ". " });
    }
    spoken
}

fn person(xml: &mut String, target: Target<'_>, action: &str, handoff_id: &str, context: &str) {
    match target {
        Target::Enqueue(name) => {
            xml.push_str("<Enqueue");
            let is_workflow = name.len() == 34 && name.starts_with("WW");
            if is_workflow {
                attribute(xml, "workflowSid", name);
            }
            attribute(xml, "action", action);
            xml.push_str("><Task>");
            escape(xml, context);
            xml.push_str("</Task>");
            if !is_workflow {
                escape(xml, name);
            }
            xml.push_str("</Enqueue>");
        }
        Target::Dial(address) => {
            xml.push_str("<Dial");
            attribute(xml, "action", action);
            xml.push('>');
            if address.starts_with("sip:") || address.starts_with("sips:") {
                // A parameter with this prefix becomes a header of the INVITE.
                let separator = if address.contains('?') { '&' } else { '?' };
                xml.push_str("<Sip>");
                escape(xml, address);
                let mut header = String::new();
                let _ = write!(header, "{separator}X-Bellhop-Handoff={handoff_id}");
                escape(xml, &header);
                xml.push_str("</Sip>");
            } else {
                // A telephone line carries no headers: the id stands in the address that hears how
                // it went.
                xml.push_str("<Number>");
                escape(xml, address);
                xml.push_str("</Number>");
            }
            xml.push_str("</Dial>");
        }
    }
}

/// The provider wants a region with the language.
fn locale(language: &str) -> String {
    let region = match language {
        "en" => "GB",
        "es" => "ES",
        "fr" => "FR",
        "de" => "DE",
        "it" => "IT",
        "pt" => "PT",
        "nl" => "NL",
        "pl" => "PL",
        other => return other.to_owned(),
    };
    format!("{language}-{region}")
}

/// Joins hints with commas, leaving out what does not fit whole.
fn join_hints(hints: &[String]) -> String {
    let mut joined = String::new();
    for hint in hints {
        let words: Vec<&str> = hint
            .split(|c: char| c == ',' || c.is_whitespace())
            .filter(|word| !word.is_empty())
            .collect();
        let hint = words.join(" ");
        if hint.is_empty() || joined.len() + hint.len() + 2 > HINTS_MAX {
            continue;
        }
        if !joined.is_empty() {
            joined.push_str(", ");
        }
        joined.push_str(&hint);
    }
    joined
}

fn attribute(xml: &mut String, name: &str, value: &str) {
    let _ = write!(xml, " {name}=\"");
    escape(xml, value);
    xml.push('"');
}

/// Escapes for text and attributes alike; leaves out what XML 1.0 can't hold.
fn escape(xml: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\'' => xml.push_str("&apos;"),
            '\t' | '\n' | '\r' => xml.push(' '),
            '\u{FFFE}' | '\u{FFFF}' => {}
            c if u32::from(c) < 0x20 => {}
            c => xml.push(c),
        }
    }
}
