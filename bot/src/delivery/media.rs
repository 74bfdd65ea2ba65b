//! Files that customers sent, where only their provider has them: read from there when somebody opens one.

use std::time::Duration;

use bellhop_connectors::channel::{MediaError, Request, SendError};
use futures_util::StreamExt;
use futures_util::stream::{self, BoxStream};

use super::ChannelLine;
use crate::channels::Account;

/// Largest file, bytes: WhatsApp's largest document ("Media: supported media types").
const LARGEST: u64 = 100 * 1024 * 1024;
/// Longest that a file may take from the provider to whoever opens it.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A file, as it comes.
pub(crate) struct Media {
    /// Its media type, as the provider says.
    pub(crate) mime: Option<String>,
    /// Its size in bytes, where the provider says.
    pub(crate) bytes: Option<u64>,
    /// The end of its name at the provider, such as `oga`.
    pub(crate) extension: Option<String>,
    /// The file; breaks off with an error beyond 100 MiB, after two minutes, and where the provider breaks off.
    pub(crate) parts: BoxStream<'static, Result<Vec<u8>, std::io::Error>>,
}

/// What is read of a file, and how much there may still be.
struct Rest(reqwest::Response, u64);

impl ChannelLine {
    /// Opens a file by the provider's id of it.
    ///
    /// # Errors
    /// The provider has it no more, gives it to nobody or does not answer.
    pub(crate) async fn media(&self, account: &Account, id: &str) -> Result<Media, MediaError> {
        let network = |error: String| MediaError::Failed(SendError::network(&error));
        let request = account.find_media(id).ok_or(MediaError::Gone)?;
        let (status, headers, body) = self.ask(request).await.map_err(network)?;
        let found = account.found_media((status, &headers, &body))?;
        if found.bytes.is_some_and(|bytes| bytes > LARGEST) {
            return Err(MediaError::TooLarge);
        }
        let extension = extension(&found.request);
        let answer = self.file(found.request).await?;
        let header = answer.headers().get(reqwest::header::CONTENT_TYPE);
        let told = header.and_then(|value| value.to_str().ok());
        let told = told.map(str::to_owned);
        let bytes = answer.content_length();
        if bytes.is_some_and(|bytes| bytes > LARGEST) {
            return Err(MediaError::TooLarge);
        }
        Ok(Media {
            mime: found.mime.or(told),
            bytes,
            extension,
            parts: stream::try_unfold(Rest(answer, LARGEST), read).boxed(),
        })
    }

    async fn file(&self, request: Request) -> Result<reqwest::Response, MediaError> {
        let network = |error: String| MediaError::Failed(SendError::network(&error));
        let client = self.client().await.map_err(network)?;
        let mut asked = client.get(request.url).timeout(TIMEOUT);
        for (name, value) in request.headers {
            asked = asked.header(name, value);
        }
        // An address may hold a secret.
        let told = |error: reqwest::Error| network(error.without_url().to_string());
        let answer = asked.send().await.map_err(told)?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            404 | 410 => Err(MediaError::Gone),
            status if (300..400).contains(&status) => Err(MediaError::Elsewhere),
            status => Err(network(format!("the file is answered with {status}"))),
        }
    }
}

async fn read(Rest(mut answer, left): Rest) -> Result<Option<(Vec<u8>, Rest)>, std::io::Error> {
    let broken = |error: reqwest::Error| std::io::Error::other(error.without_url());
    let Some(part) = answer.chunk().await.map_err(broken)? else {
        return Ok(None);
    };
    let left = left.checked_sub(part.len() as u64);
    let left = left.ok_or_else(|| std::io::Error::other("the file is larger than was said"))?;
    Ok(Some((part.to_vec(), Rest(answer, left))))
}

/// The end of the name in an address, without its query: it may tell what a file is that comes without a type.
fn extension(request: &Request) -> Option<String> {
    let url = url::Url::parse(&request.url).ok()?;
    let name = url.path_segments()?.next_back()?;
    let (_, end) = name.rsplit_once('.')?;
    Some(end.to_ascii_lowercase())
}
