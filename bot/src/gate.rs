//! The one gate that text passes before it is stored. What a customer sent passes it at intake, what the bot or a person of ours
//! says before it is put into a commit; the journal, traces, envelopes, exports, the desk and channels all read what is stored, so
//! that what the gate takes out is nowhere.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

use bellhop_nlu::redact::{Found, PersonalData, find, masked};
use regex::Regex;
use serde::{Deserialize, Serialize};

use bellhop_flows::bundle::{Bundle, EntityKind, Id};
use bellhop_flows::value::Type;

use crate::conversation::InboundBody;
use crate::conversation::journal::{Body, Note};
use crate::events::{Author, MessageEvent};
use crate::plain::{is_blank, plain};
use crate::secrets::{self, stand_in};
use crate::setting::list;

/// What is taken out of text: `[privacy]` of the settings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PrivacyConfig {
    /// What is masked before it is stored, unless the bot asks for it.
    #[serde(deserialize_with = "list")]
    pub mask: Vec<PersonalData>,
    /// The same for single channels, in place of `mask`.
    pub channels: BTreeMap<String, ChannelPrivacy>,
}

/// What is taken out of text on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelPrivacy {
    /// What is masked.
    #[serde(deserialize_with = "list")]
    pub mask: Vec<PersonalData>,
}

impl Default for PrivacyConfig {
    /// What nobody who serves a customer needs from a conversation. The rest may be what a person has to know.
    fn default() -> Self {
        Self {
            mask: vec![PersonalData::Card, PersonalData::Password],
            channels: BTreeMap::new(),
        }
    }
}

/// Takes out of text what must not be kept.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    config: PrivacyConfig,
    /// What slots of the bot hold.
    asked: Vec<PersonalData>,
    /// Texts that slots of the bot hold.
    patterns: Vec<Regex>,
    /// Slots whose values are hidden.
    secrets: Vec<SecretSlot>,
}

/// A slot that holds what only the customer knows.
#[derive(Debug)]
struct SecretSlot {
    slot: Id,
    pattern: Regex,
    /// Stands in the place of its values.
    sign: char,
}

impl Gate {
    /// The gate of a bot: what one of its slots can hold passes, because the bot asks for it.
    pub(crate) fn new(config: PrivacyConfig, bundle: &Bundle) -> Self {
        let (mut asked, mut patterns) = (Vec::new(), Vec::new());
        for slot in bundle.slots.values() {
            let mut ty = &slot.ty;
            while let Type::List(of) = ty {
                ty = of;
            }
            match ty {
                Type::Email => asked.push(PersonalData::Email),
                Type::Phone => asked.push(PersonalData::Phone),
                Type::Entity(id) => {
                    let entity = bundle.entities.get(id).map(|entity| &entity.kind);
                    if let Some(EntityKind::Regex(pattern)) = entity {
                        // One that can't be read finds nothing anywhere; the bot's check says so.
                        patterns.extend(Regex::new(pattern));
                    }
                }
                _ => {}
            }
        }
        let secrets = secrets::slots(bundle).filter_map(|(slot, sign)| {
            let Type::Entity(id) = &bundle.slots.get(slot)?.ty else {
                return None;
            };
            let EntityKind::Regex(pattern) = &bundle.entities.get(id)?.kind else {
                return None;
            };
            Some(SecretSlot {
                slot: slot.clone(),
                pattern: Regex::new(pattern).ok()?,
                sign,
            })
        });
        Self {
            secrets: secrets.collect(),
            config,
            asked,
            patterns,
        }
    }

    /// Some slot of the bot is secret.
    pub(crate) fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// Something that a customer sent may hold a secret.
    pub(crate) fn may_hide(&self, body: &InboundBody) -> bool {
        match body {
            InboundBody::Text { text } | InboundBody::File { text, .. } => {
                let numbers = spoken_numbers(text);
                let holds = |secret: &SecretSlot| {
                    let in_number = |(_, digits): &(_, String)| secret.pattern.is_match(digits);
                    secret.pattern.is_match(text) || numbers.iter().any(in_number)
                };
                self.secrets.iter().any(holds)
            }
            InboundBody::Speech { .. } | InboundBody::Keys { .. } => self.has_secrets(),
            InboundBody::Payload { .. } | InboundBody::Silence => false,
        }
    }

    /// Puts signs in the place of secrets in what a customer sent, as many bytes as there were; `open` are the slots that it may fill.
    /// What is called a password is hidden at any time. Tells whether something was hidden.
    pub(crate) fn hide(&self, open: &[Id], body: &mut InboundBody) -> bool {
        let before = body.clone();
        match body {
            InboundBody::Keys { keys } => {
                if let Some(sign) = self.sign_of(open, keys) {
                    *keys = stand_in(sign, keys);
                }
            }
            InboundBody::Text { text }
            | InboundBody::Speech { text, .. }
            | InboundBody::File { text, .. } => self.hide_in(open, text),
            InboundBody::Payload { .. } | InboundBody::Silence => {}
        }
        *body != before
    }

    /// The sign for a value that one of the open slots can hold.
    fn sign_of(&self, open: &[Id], value: &str) -> Option<char> {
        let holds = |secret: &&SecretSlot| {
            let found = secret.pattern.find(value);
            open.contains(&secret.slot) && found.is_some_and(|it| it.len() == value.len())
        };
        self.secrets.iter().find(holds).map(|secret| secret.sign)
    }

    fn hide_in(&self, open: &[Id], text: &mut String) {
        let called = find(text);
        let called: Vec<&Found> = called
            .iter()
            .filter(|found| found.kind == PersonalData::Password)
            .collect();
        let clear = text.clone();
        // What is asked for comes first: two slots may hold what looks alike.
        for asked in [true, false] {
            let those = |secret: &&SecretSlot| open.contains(&secret.slot) == asked;
            for secret in self.secrets.iter().filter(those) {
                for it in secret.pattern.find_iter(&clear) {
                    let is_called = || {
                        called
                            .iter()
                            .any(|found| it.start() <= found.start && found.end <= it.end())
                    };
                    // What another slot's sign stands for already is hidden.
                    let is_shown = text.get(it.range()) == Some(it.as_str());
                    if is_shown && (asked || is_called()) {
                        text.replace_range(it.range(), &stand_in(secret.sign, it.as_str()));
                    }
                }
            }
        }
        for (words, digits) in spoken_numbers(text) {
            if let Some(sign) = self.sign_of(open, &digits) {
                let hidden = stand_in(sign, &text[words.clone()]);
                text.replace_range(words, &hidden);
            }
        }
    }

    /// Something of what a customer sent is masked on one channel at least.
    pub(crate) fn may_change(&self, body: &InboundBody) -> bool {
        let channels = self.config.channels.values().map(|channel| &channel.mask);
        let any: Vec<PersonalData> = channels
            .chain([&self.config.mask])
            .flatten()
            .copied()
            .collect();
        texts(&mut body.clone())
            .into_iter()
            .any(|text| !self.to_mask(&any, text).is_empty())
    }

    /// Masks what a customer sent; gives what was in it.
    pub(crate) fn heard(&self, channel: &str, body: &mut InboundBody) -> Vec<PersonalData> {
        let mut taken_out = Vec::new();
        for text in texts(body) {
            let found = self.to_mask(self.masked_on(channel), text);
            mask(text, &found, &mut taken_out);
        }
        taken_out
    }

    /// Masks what the bot or a person of ours says to a customer. Addresses and telephone numbers pass: they are ours, or the customer
    /// has told them.
    pub(crate) fn said(&self, channel: &str, mut message: MessageEvent) -> MessageEvent {
        let masked = self.masked_on(channel).iter().copied();
        let masked: Vec<PersonalData> = masked.filter(|kind| !is_contact(*kind)).collect();
        let voice = message.voice.as_mut();
        let titles = message.buttons.iter_mut().map(|button| &mut button.title);
        for text in titles.chain(voice).chain([&mut message.text]) {
            if let Cow::Owned(plain) = plain(text) {
                *text = plain;
            }
            let found = self.to_mask(&masked, text);
            mask(text, &found, &mut message.redactions);
        }
        message
    }

    /// Masks a note between staff.
    pub(crate) fn noted(&self, channel: &str, text: &str) -> String {
        let text = &*plain(text);
        masked(text, &self.to_mask(self.masked_on(channel), text))
    }

    /// An entry of the journal as it is written. What customers sent has come through at intake.
    pub(crate) fn written<'b>(&self, channel: &str, body: &'b Body) -> Cow<'b, Body> {
        Cow::Owned(match body {
            Body::Message(message) if message.from != Author::Customer => {
                Body::Message(Box::new(self.said(channel, MessageEvent::clone(message))))
            }
            Body::Note(Note { by, text }) => Body::Note(Note {
                by: by.clone(),
                text: self.noted(channel, text),
            }),
            _ => return Cow::Borrowed(body),
        })
    }

    fn masked_on(&self, channel: &str) -> &[PersonalData] {
        let own = self.config.channels.get(channel);
        own.map_or(&self.config.mask, |own| &own.mask)
    }

    fn to_mask(&self, kinds: &[PersonalData], text: &str) -> Vec<Found> {
        if kinds.is_empty() {
            return Vec::new();
        }
        let mut found = find(text);
        found.retain(|found| kinds.contains(&found.kind) && !self.asked.contains(&found.kind));
        if found.is_empty() {
            return found;
        }
        // Once for the whole text: it may have a thousand numbers in it.
        let places = |pattern: &Regex| pattern.find_iter(text).map(|it| it.range()).collect();
        let held: Vec<Vec<Range<usize>>> = self.patterns.iter().map(places).collect();
        found.retain(|found| !self.is_asked_for(text, &held, found));
        found
    }

    /// A slot of the bot can hold it: the whole of it, as it stands or without spaces and dashes. `held` has the places of each
    /// pattern in the text.
    fn is_asked_for(&self, text: &str, held: &[Vec<Range<usize>>], found: &Found) -> bool {
        // Places don't overlap: only the first that ends late enough can reach over it.
        let reaches_over = |places: &Vec<Range<usize>>| {
            let first = places.partition_point(|place| place.end < found.end);
            places
                .get(first)
                .is_some_and(|place| place.start <= found.start)
        };
        if held.iter().any(reaches_over) {
            return true;
        }
        let plain: String = text[found.start..found.end]
            .chars()
            .filter(|c| !" -".contains(*c))
            .collect();
        self.patterns.iter().any(|pattern| {
            pattern
                .find(&plain)
                .is_some_and(|it| it.len() == plain.len())
        })
    }
}

/// Numbers that are said or typed digit by digit ("two five 8 oh", "2 5 8 0"): where each is, and its digits.
fn spoken_numbers(text: &str) -> Vec<(Range<usize>, String)> {
    static SPOKEN: LazyLock<Regex> = LazyLock::new(|| {
        let words: Vec<&str> = DIGITS.iter().map(|(word, _)| *word).collect();
        let one = format!(
            r"(?:[0-9]+|\b(?:{}|double|triple|doble)\b)",
            words.join("|")
        );
        Regex::new(&format!(r"(?i){one}(?:[\s,.-]+{one})*"))
            .unwrap_or_else(|error| unreachable!("{error}"))
    });
    let found = SPOKEN.find_iter(text);
    found
        .map(|it| (it.range(), digits_of(it.as_str())))
        .collect()
}

const DIGITS: [(&str, char); 22] = [
    ("zero", '0'),
    ("oh", '0'),
    ("one", '1'),
    ("two", '2'),
    ("three", '3'),
    ("four", '4'),
    ("five", '5'),
    ("six", '6'),
    ("seven", '7'),
    ("eight", '8'),
    ("nine", '9'),
    ("cero", '0'),
    ("uno", '1'),
    ("una", '1'),
    ("dos", '2'),
    ("tres", '3'),
    ("cuatro", '4'),
    ("cinco", '5'),
    ("seis", '6'),
    ("siete", '7'),
    ("ocho", '8'),
    ("nueve", '9'),
];

fn digits_of(words: &str) -> String {
    let mut digits = String::new();
    let mut times = 1;
    for word in words.split(|c: char| !c.is_alphanumeric()) {
        let word = word.to_lowercase();
        let said = DIGITS.iter().find(|(name, _)| *name == word);
        match (said, word.as_str()) {
            (Some((_, digit)), _) => digits.extend(std::iter::repeat_n(*digit, times)),
            (None, "double" | "doble") => {
                times = 2;
                continue;
            }
            (None, "triple") => {
                times = 3;
                continue;
            }
            (None, number) => digits.push_str(number),
        }
        times = 1;
    }
    digits
}

/// How to reach somebody.
fn is_contact(kind: PersonalData) -> bool {
    matches!(
        kind,
        PersonalData::Email | PersonalData::Phone | PersonalData::Iban
    )
}

fn mask(text: &mut String, found: &[Found], taken_out: &mut Vec<PersonalData>) {
    if found.is_empty() {
        return;
    }
    *text = masked(text, found);
    taken_out.extend(found.iter().map(|found| found.kind));
    taken_out.sort_unstable();
    taken_out.dedup();
}

/// Takes control characters out of what a customer sent, and all of a text that nobody could see.
pub(crate) fn tidy(body: &mut InboundBody) {
    for text in texts(body) {
        if is_blank(text) {
            text.clear();
        } else if let Cow::Owned(plain) = plain(text) {
            *text = plain;
        }
    }
}

/// What is text in something that a customer sent.
fn texts(body: &mut InboundBody) -> Vec<&mut String> {
    match body {
        InboundBody::Text { text } | InboundBody::Speech { text, .. } => vec![text],
        InboundBody::Payload { payload } => vec![payload],
        InboundBody::Keys { keys } => vec![keys],
        InboundBody::File { text, file } => vec![text, &mut file.title],
        InboundBody::Silence => Vec::new(),
    }
}

#[cfg(test)]
mod tests;
