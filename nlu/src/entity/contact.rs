//! E-mail addresses, telephone numbers and web addresses.

use regex::Regex;
use serde_json::Value;

use super::text::{Kind, Lang, Text};
use super::{Error, pattern, spoken};
use crate::Entity;
use crate::acts::Polarity;

/// The fewest and most digits of a telephone number (E.164 has at most 15).
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 7..=15;

/// The patterns of the system types that have one.
#[derive(Debug)]
pub(super) struct Contacts {
    email: Regex,
    url: Regex,
    bare_url: Regex,
    phone: Regex,
}

impl Contacts {
    /// Compiles them.
    pub(super) fn new() -> Result<Contacts, Error> {
        let label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
        let email = format!(r"\b[a-z0-9._%+'-]{{1,64}}@(?:{label}\.){{1,8}}[a-z]{{2,24}}\b");
        let url = format!(
            r"\b(?:https?://|www\.)(?:{label}\.){{0,8}}{label}(?::[0-9]{{1,5}})?(?:[/?#][^\s<>\x22]*)?"
        );
        // Without a scheme only where its ending is one that words hardly have.
        let bare = r"\b(?:[a-z0-9][a-z0-9-]*\.)+(?:com|org|net|edu|gov|io|app|dev|info|eu|uk|co|es|mx|ar|cl|ie|fr|shop|store|cloud|bank)\b(?:[/?#][^\s<>\x22]*)?";
        Ok(Contacts {
            email: pattern::compile("email", &email)?,
            url: pattern::compile("url", &url)?,
            bare_url: pattern::compile("url", bare)?,
            phone: pattern::compile("phone", r"[+(]?[0-9](?:[ ().-]{0,2}[0-9]){6,18}")?,
        })
    }

    /// Adds those in the text.
    pub(super) fn find(
        &self,
        text: &Text,
        lang: Lang,
        runs: &[pattern::Run],
        found: &mut Vec<Entity>,
    ) {
        // Most messages have none of this, and looking for one sign costs next to nothing.
        if text.raw.contains('@') {
            self.emails(text, found);
        }
        let says = |words: &[&str]| text.tokens.iter().any(|t| words.contains(&t.fold.as_str()));
        if says(&["dot", "punto", "arroba", "@"]) || (text.raw.contains('.') && says(&["at"])) {
            spoken::find(text, lang, found);
        }
        if text.raw.contains('.') || text.raw.contains("://") {
            self.urls(text, found);
        }
        self.phones(text, runs, found);
    }

    fn emails(&self, text: &Text, found: &mut Vec<Entity>) {
        for m in self.email.find_iter(text.raw) {
            found.push(at_bytes(
                "email",
                m.as_str().to_lowercase(),
                m.start(),
                m.end(),
                0.99,
            ));
        }
    }

    fn urls(&self, text: &Text, found: &mut Vec<Entity>) {
        let known: Vec<(usize, usize)> = found
            .iter()
            .filter(|e| e.entity == "email" || e.entity == "url")
            .map(|e| (e.start, e.end))
            .collect();
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
                    .any(|e| e.start <= start && end <= e.end)
                    || known.iter().any(|k| k.0 <= start && end <= k.1);
                let host = text.raw[end..].starts_with('@') || before == Some('@');
                if !(inside || host) {
                    found.push(at_bytes("url", url.to_owned(), start, end, sure));
                }
            }
        }
    }

    fn phones(&self, text: &Text, runs: &[pattern::Run], found: &mut Vec<Entity>) {
        let digits = text.raw.bytes().filter(u8::is_ascii_digit).count();
        let written = (digits >= *PHONE_DIGITS.start()).then(|| self.phone.find_iter(text.raw));
        for m in written.into_iter().flatten() {
            let before = text
                .raw
                .get(..m.start())
                .and_then(|b| b.chars().next_back());
            let after = text.raw.get(m.end()..).and_then(|a| a.chars().next());
            let apart = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
            if !apart(before) || !apart(after) || matches!(before, Some('£' | '$' | '€')) {
                continue;
            }
            let Some(phone) = phone(m.as_str()) else {
                continue;
            };
            // "Plus 44 7700 900123"
            let at = text.tokens.partition_point(|t| t.start < m.start());
            let plus = at > 0 && text.is(at - 1, &["plus", "mas"]);
            let start = if plus { text.start(at - 1) } else { m.start() };
            let phone = if plus { format!("+{phone}") } else { phone };
            let sure = if phone.starts_with(['+', '0']) {
                0.9
            } else {
                0.6
            };
            found.push(at_bytes("phone", phone, start, m.end(), sure));
        }
        for run in runs {
            for part in run.split(|p| !p.is_digits()) {
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
                    let value = Value::String(value);
                    found.push(super::entity(text, "phone", value, from, last.to, 0.6));
                }
            }
        }
    }
}

fn at_bytes(name: &str, value: String, start: usize, end: usize, confidence: f64) -> Entity {
    Entity {
        entity: name.to_owned(),
        value: Value::String(value),
        start,
        end,
        confidence,
        polarity: Polarity::default(),
    }
}

/// The digits, with the plus in front; nothing for a date, a range or another length.
fn phone(written: &str) -> Option<String> {
    let plus = written.starts_with('+');
    // `+44 (0)20`: the zero is for those who don't dial the 44.
    let dialled = if plus {
        written.replace("(0)", "")
    } else {
        written.to_owned()
    };
    let digits: String = dialled.chars().filter(char::is_ascii_digit).collect();
    let groups: Vec<&str> = written
        .split(|c: char| !c.is_ascii_digit())
        .filter(|g| !g.is_empty())
        .collect();
    let lengths: Vec<usize> = groups.iter().map(|g| g.len()).collect();
    let is_year = |group: &str| matches!(group.parse(), Ok(1900..=2100));
    let with_time = matches!(lengths[..], [4, 2, 2, 2]) && written.starts_with("20");
    let date = matches!(lengths[..], [4, 2, 2] | [2, 2, 4]) && groups.iter().any(|g| is_year(g));
    let years = matches!(groups[..], [a, b] if is_year(a) && is_year(b));
    // 9.00-17.30
    let minutes = |group: &str| matches!(group.parse(), Ok(0..=59)) && group.len() == 2;
    let hours = |group: &str| matches!(group.parse(), Ok(0..=24));
    let clocks = written.matches('.').count() == 2
        && matches!(groups[..], [a, b, c, d] if hours(a) && minutes(b) && hours(c) && minutes(d));
    // 1.500.000 and 12345.67
    let points = written.chars().all(|c| c == '.' || c.is_ascii_digit());
    let thousands = matches!(lengths[..], [1 | 2, 3, ..])
        && lengths.iter().skip(1).all(|n| *n == 3)
        && written.contains('.')
        && points;
    let decimal = points && matches!(lengths[..], [_, 1 | 2]);
    let address = written.split('.').count() == 4
        && written.split('.').all(|part| part.parse::<u8>().is_ok());
    let other = date || with_time || years || clocks || thousands || decimal || address;
    // Only with the code of a country are there so many.
    let most = if plus || written.starts_with("00") {
        *PHONE_DIGITS.end()
    } else {
        12
    };
    let fits = PHONE_DIGITS.contains(&digits.len()) && digits.len() <= most && !other;
    fits.then(|| if plus { format!("+{digits}") } else { digits })
}
