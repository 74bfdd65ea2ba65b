//! Files ("getFile"): up to 20 MB, at an address that holds the bot's token and is good for an hour.

use serde_json::{Value, json};
use url::Url;

use super::{Bot, outcome};
use crate::channel::{Download, MediaError, Request, SendOutcome};
use crate::json::{number, text};

/// Asks where a file is.
pub fn find_media(bot: &Bot, id: &str) -> Request {
    bot.call("getFile", &json!({"file_id": id}))
}

/// Reads the answer to [`find_media`].
///
/// # Errors
/// There is no such file, or its path leads out of the bot's files.
pub fn found_media(
    bot: &Bot,
    (status, headers, body): (u16, &[(String, String)], &[u8]),
) -> Result<Download, MediaError> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let Some(path) = text(&answer, "/result/file_path") else {
        return Err(match (outcome(status, headers, body), status) {
            (SendOutcome::Failed(error), _) if error.message.contains("too big") => {
                MediaError::TooLarge
            }
            (SendOutcome::Sent { .. }, _) | (SendOutcome::Failed(_), 400 | 404 | 410) => {
                MediaError::Gone
            }
            (SendOutcome::Failed(error), _) => MediaError::Failed(error),
        });
    };
    // A bot API server of one's own may tell a path on its disk; that is no address.
    let url = file_address(bot, path).ok_or(MediaError::Elsewhere)?;
    Ok(Download {
        request: Request {
            method: "GET",
            url,
            headers: Vec::new(),
            body: Vec::new(),
        },
        mime: None,
        bytes: number(&answer, "/result/file_size").and_then(|bytes| bytes.try_into().ok()),
    })
}

fn file_address(bot: &Bot, path: &str) -> Option<String> {
    let mut url = Url::parse(&bot.base_url).ok()?;
    let names: Vec<&str> = path.split('/').collect();
    if names.iter().any(|name| matches!(*name, "" | "." | "..")) {
        return None;
    }
    let token = format!("bot{}", bot.token);
    url.path_segments_mut()
        .ok()?
        .pop_if_empty()
        .extend(["file", &token])
        .extend(names);
    Some(url.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(status: u16, body: &Value) -> Result<Download, MediaError> {
        let bot = Bot {
            base_url: "https://api.telegram.org".to_owned(),
            token: "1:t".to_owned(),
        };
        found_media(&bot, (status, &[], body.to_string().as_bytes()))
    }

    fn at(path: &str) -> Result<Download, MediaError> {
        let file = json!({ "file_id": "f", "file_path": path, "file_size": 7 });
        found(200, &json!({ "ok": true, "result": file }))
    }

    #[test]
    fn a_path_stays_among_the_bots_files() {
        let download = at("photos/file 1.jpg").expect("a path");
        let url = "https://api.telegram.org/file/bot1:t/photos/file%201.jpg";
        assert_eq!((&*download.request.url, download.bytes), (url, Some(7)));
        let odd = at("a?x=1#y").expect("a path").request.url;
        assert_eq!(odd, "https://api.telegram.org/file/bot1:t/a%3Fx=1%23y");
        for path in [
            "../bot1:t/getMe",
            "/var/lib/telegram/1.jpg",
            "a//b",
            "a/./b",
        ] {
            assert_eq!(at(path), Err(MediaError::Elsewhere), "{path}");
        }
    }

    #[test]
    fn what_is_gone_or_too_large_is_told_from_what_fails() {
        let refused = |code: u16, why: &str| {
            let body = json!({ "ok": false, "error_code": code, "description": why });
            found(code, &body)
        };
        let gone = refused(400, "Bad Request: invalid file_id");
        assert_eq!(gone, Err(MediaError::Gone));
        let large = refused(400, "Bad Request: file is too big");
        assert_eq!(large, Err(MediaError::TooLarge));
        let failed = refused(401, "Unauthorized");
        assert!(matches!(failed, Err(MediaError::Failed(_))), "{failed:?}");
    }
}
