//! Between what channels carry and what a conversation holds.

use bellhop_connectors::channel::{Offer, chosen};
use bellhop_connectors::message::{
    Author as SaidBy, Button, Content, Link, Media, MediaKind, MediaSource, Outgoing, Source,
};

use crate::conversation::{Attachment, InboundBody};
use crate::events::{Author, MessageEvent};

/// What a customer sent, as a conversation takes it. `offer` is what was offered last: a typed number or title chooses from
/// it, and a token stands for its payload.
pub(crate) fn heard(content: Content, offer: &Offer) -> InboundBody {
    match content {
        Content::Text(text) => match chosen(&text, offer) {
            Some(option) => InboundBody::Payload {
                payload: option.payload.clone(),
            },
            None => InboundBody::Text { text },
        },
        Content::Payload { payload, title } => match (offer.pressed(&payload), title) {
            (Some(option), _) => InboundBody::Payload {
                payload: option.payload.clone(),
            },
            // A button of an earlier offer whose payload the channel could not carry: what it showed is what it means.
            (None, Some(title)) if payload.starts_with('#') => InboundBody::Text { text: title },
            (None, _) => InboundBody::Payload { payload },
        },
        Content::Edited { text, .. } => InboundBody::Text { text },
        Content::Media(media) => file(media),
        Content::Location {
            latitude,
            longitude,
            label,
        } => InboundBody::File {
            text: String::new(),
            file: Attachment {
                title: label.unwrap_or_else(|| "location".to_owned()),
                link: Some(format!(
                    "https://www.openstreetmap.org/?mlat={latitude}&mlon={longitude}"
                )),
                reference: None,
            },
        },
        Content::Contacts(contacts) => {
            let cards = contacts.iter().map(|card| {
                let phones = card.phones.join(", ");
                format!("{} {phones}", card.name).trim().to_owned()
            });
            InboundBody::File {
                text: String::new(),
                file: Attachment {
                    title: cards.collect::<Vec<_>>().join("; "),
                    link: None,
                    reference: None,
                },
            }
        }
        Content::Unsupported { what } => InboundBody::File {
            text: String::new(),
            file: Attachment {
                title: what,
                link: None,
                reference: None,
            },
        },
    }
}

fn file(media: Media) -> InboundBody {
    let kind = match media.kind {
        MediaKind::Image => "image",
        MediaKind::Audio => "audio",
        MediaKind::Voice => "voice message",
        MediaKind::Video => "video",
        MediaKind::Document => "document",
        MediaKind::Sticker => "sticker",
    };
    let (link, reference) = match media.source {
        MediaSource::Link(link) => (Some(link), None),
        MediaSource::Id(id) => (None, Some(id)),
    };
    InboundBody::File {
        text: media.caption.unwrap_or_default(),
        file: Attachment {
            title: media.file_name.unwrap_or_else(|| kind.to_owned()),
            link,
            reference,
        },
    }
}

/// Something said, as channels render it.
pub(crate) fn outgoing(message: &MessageEvent) -> Outgoing {
    Outgoing {
        text: message.text.clone(),
        buttons: message
            .buttons
            .iter()
            .map(|button| Button {
                title: button.title.clone(),
                payload: button.payload.clone(),
            })
            .collect(),
        links: message
            .links
            .iter()
            .map(|link| Link {
                title: link.title.clone(),
                url: link.url.clone(),
            })
            .collect(),
        // The bot's own words name the source of an answer already; here is where it can be opened.
        source: message
            .source
            .as_ref()
            .filter(|source| source.url.is_some() && !message.text.contains(&source.title))
            .map(|source| Source {
                title: source.title.clone(),
                section: source.section.clone(),
                url: source.url.clone(),
            }),
        from: match (message.from, &message.agent) {
            (Author::Agent, Some(name)) => SaidBy::Agent { name: name.clone() },
            _ => SaidBy::Bot,
        },
        language: message.language.clone().unwrap_or_else(|| "en".to_owned()),
    }
}
