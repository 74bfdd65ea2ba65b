//! E-mail addresses, telephone numbers and web addresses.

use regex::Regex;
use serde_json::Value;

use super::text::{Kind, Lang, Text};
use super::{Error, pattern};
use crate::Entity;
use crate::acts::Polarity;

/// The fewest and most digits of a telephone number (E.164 has at most 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The patterns of the system types that have one.
#[derive(Debug)]
pub(super) struct Contacts {
    email: Regex,
    spoken_email: Regex,
    url: Regex,
    bare_url: Regex,
    phone: Regex,
}

impl Contacts {
    /// Compiles them.
    pub(super) fn new() -> Result<Contacts, Error> {
        let label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
        // Letters one by one, or words.
        let part = "(?:(?:[a-z0-9] ){2,30}[a-z0-9]+|[a-z0-9]+)";
        let joint = "(?:dot|punto|underscore|gui[oó]n bajo|dash|hyphen|gui[oó]n|plus|[._-])";
        let spoken = format!(
            r"\b({part}(?: ?{joint} ?{part}){{0,4}}) (?:at|arroba) ({part}(?: ?{joint} ?[a-z0-9]+){{1,4}})\b"
        );
        let email = format!(r"\b[a-z0-9._%+'-]{{1,64}}@(?:{label}\.){{1,8}}[a-z]{{2,24}}\b");
        let url = format!(
            r"\b(?:https?://|www\.)(?:{label}\.){{0,8}}{label}(?::[0-9]{{1,5}})?(?:[/?#][^\s<>\x22]*)?"
        );
        // Without a scheme only where its ending is one that words hardly have.
        let bare = r"\b(?:[a-z0-9][a-z0-9-]*\.)+(?:com|org|net|edu|gov|io|app|dev|info|eu|co\.uk|org\.uk|gov\.uk|es|mx)\b(?:[/?#][^\s<>\x22]*)?";
        Ok(Contacts {
            email: pattern::compile("email", &email)?,
            spoken_email: pattern::compile("email", &spoken)?,
            url: pattern::compile("url", &url)?,
            bare_url: pattern::compile("url", bare)?,
            phone: pattern::compile("phone", r"[+(]?[0-9](?:[ ().-]{0,2}[0-9]){6,18}")?,
        })
    }

    /// Adds those in the text.
    pub(super) fn find(&self, text: &Text, lang: Lang, found: &mut Vec<Entity>) {
        // Most messages have none of this, and looking for one sign costs next to nothing.
        if text.raw.contains('@') {
            self.emails(text, found);
        }
        let says = |words: &[&str]| text.tokens.iter().any(|t| words.contains(&t.fold.as_str()));
        if says(&["dot", "punto"]) && says(&["at", "arroba"]) {
            self.spoken_emails(text, found);
        }
        if text.raw.contains('.') || text.raw.contains("://") {
            self.urls(text, found);
        }
        self.phones(text, lang, found);
    }

    fn emails(&self, text: &Text, found: &mut Vec<Entity>) {
        for m in self.email.find_iter(text.raw) {
            found.push(at(
                "email",
                m.as_str().to_lowercase(),
                m.start(),
                m.end(),
                0.99,
            ));
        }
    }

    fn spoken_emails(&self, text: &Text, found: &mut Vec<Entity>) {
        for c in self.spoken_email.captures_iter(text.raw) {
            let (Some(all), Some(user), Some(host)) = (c.get(0), c.get(1), c.get(2)) else {
                continue;
            };
            // "Look at example.com": only a spoken "dot" makes "at" part of an address.
            let host = host.as_str().to_lowercase();
            if host.contains(" dot ") || host.contains(" punto ") {
                let address = format!("{}@{}", joined(user.as_str()), joined(&host));
                found.push(at("email", address, all.start(), all.end(), 0.8));
            }
        }
    }

    fn urls(&self, text: &Text, found: &mut Vec<Entity>) {
        let begun = found.len();
        for (regex, sure) in [(&self.url, 0.98), (&self.bare_url, 0.6)] {
            for m in regex.find_iter(text.raw) {
                let url = m
                    .as_str()
                    .trim_end_matches(['.', ',', ')', ';', '!', '?', ':']);
                let (start, end) = (m.start(), m.start() + url.len());
                // Not the host of an e-mail address or of a whole URL.
                let before = text.raw[..start].chars().next_back();
                let inside = found[begun..]
                    .iter()
                    .any(|e| e.start <= start && end <= e.end);
                let host = text.raw[end..].starts_with('@') || before == Some('@');
                if !(inside || host) {
                    found.push(at("url", url.to_owned(), start, end, sure));
                }
            }
        }
    }

    fn phones(&self, text: &Text, lang: Lang, found: &mut Vec<Entity>) {
        let digits = text.raw.bytes().filter(u8::is_ascii_digit).count();
        let written = (digits >= *PHONE_DIGITS.start()).then(|| self.phone.find_iter(text.raw));
        for m in written.into_iter().flatten() {
            let before = text
                .raw
                .get(..m.start())
                .and_then(|b| b.chars().next_back());
            let after = text.raw.get(m.end()..).and_then(|a| a.chars().next());
            let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            if !apart(before) || !apart(after) || before == Some('£') {
                continue;
            }
            if let Some(phone) = phone(m.as_str()) {
                let sure = if phone.starts_with(['+', '0']) {
                    0.9
                } else {
                    0.6
                };
                found.push(at("phone", phone, m.start(), m.end(), sure));
            }
        }
        for run in pattern::runs(text, lang) {
            for part in run.split(|p| !p.says.bytes().all(|b| b.is_ascii_digit())) {
                let digits: String = part.iter().map(|p| p.says.as_str()).collect();
                let (Some(first), Some(last)) = (part.first(), part.last()) else {
                    continue;
                };
                // Digits alone were looked for above, with the signs that phone numbers have.
                let mut tokens = text.tokens.get(first.from..last.to).into_iter().flatten();
                let spoken = tokens.any(|t| t.kind == Kind::Word);
                if spoken && PHONE_DIGITS.contains(&digits.len()) {
                    let plus = first.from > 0 && text.is(first.from - 1, &["plus", "mas", "+"]);
                    let value = if plus { format!("+{digits}") } else { digits };
                    let from = if plus { first.from - 1 } else { first.from };
                    found.push(super::entity(
                        text,
                        "phone",
                        Value::String(value),
                        from,
                        last.to,
                        0.6,
                    ));
                }
            }
        }
    }
}

fn at(name: &str, value: String, start: usize, end: usize, confidence: f64) -> Entity {
    Entity {
        entity: name.to_owned(),
        value: Value::String(value),
        start,
        end,
        confidence,
        polarity: Polarity::default(),
    }
}

/// The digits, with the plus in front; nothing for a date or another length.
fn phone(written: &str) -> Option<String> {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    let plus = written.starts_with('+');
    let groups: Vec<usize> = written
        .split(|c: char| !c.is_ascii_digit())
        .map(str::len)
        .collect();
    let with_time = matches!(groups[..], [4, 2, 2, 2]) && written.starts_with("20");
    let date =
        (matches!(groups[..], [4, 2, 2] | [2, 2, 4]) || with_time) && written.contains(['-', '.']);
    // 1.500.000
    let thousands = matches!(groups[..], [1 | 2, 3, ..])
        && groups.iter().skip(1).all(|n| *n == 3)
        && written.contains('.')
        && written.chars().all(|c| c == '.' || c.is_ascii_digit());
    let address = written.split('.').count() == 4
        && written.split('.').all(|part| part.parse::<u8>().is_ok());
    let fits = PHONE_DIGITS.contains(&digits.len()) && !date && !thousands && !address;
    fits.then(|| if plus { format!("+{digits}") } else { digits })
}

/// `alex dot morgan` as `alex.morgan`.
fn joined(spoken: &str) -> String {
    let parts = spoken.to_lowercase();
    let parts = parts.replace("guion bajo", "_").replace("guión bajo", "_");
    let parts = parts.split(' ').map(|word| match word {
        "dot" | "punto" => ".",
        "underscore" => "_",
        "dash" | "hyphen" | "guion" | "guión" => "-",
        "plus" => "+",
        other => other,
    });
    parts.collect()
}
