//! WhatsApp Cloud API (Meta): the webhook, and sending.
//!
//! A delivery is signed ([`crate::verify::meta`]) and may carry several messages and statuses; Meta
//! repeats it for days until it is answered 200. So [`read`] refuses only what is no delivery at
//! all, and lists what it left out.
//!
//! A customer is known by a phone number, by a business-scoped user id (`US.1349…`), or by both: who
//! has a user name may keep the number to themselves ("Business-scoped user IDs"). The number is the
//! address where there is one, the id the alias; see [`crate::message::Incoming::alias`].
//!
//! Sources: developers.facebook.com, "WhatsApp Business Platform": "Webhooks reference", "Messages",
//! "Error codes".

mod challenge;
mod errors;
mod media;
mod read;
mod send;

pub use challenge::challenge;
pub use errors::WINDOW_CLOSED;
pub use media::{MEDIA_HOSTS, find_media, found_media};
pub use read::{WhatsAppError, read};
pub use send::{Account, Template, outcome, request, seen, template, window_open};

#[cfg(test)]
mod tests;
