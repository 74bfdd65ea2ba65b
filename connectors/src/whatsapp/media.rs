//! Files ("Media: retrieve media URL, download media"). An id is good for 30 days, the address that it leads to for five
//! minutes.

use serde_json::Value;
use url::Url;

use super::Account;
use super::errors::judge;
use crate::channel::{Download, MediaError, Request};
use crate::json::{number, owned, text};

/// Where Meta keeps files.
pub const MEDIA_HOSTS: [&str; 1] = ["lookaside.fbsbx.com"];

/// Asks where a file is. `None` for an id that is none.
pub fn find_media(account: &Account, id: &str) -> Option<Request> {
    let mut url = Url::parse(&account.base_url).ok()?;
    url.path_segments_mut().ok()?.push(id);
    let number = &account.phone_number_id;
    url.query_pairs_mut().append_pair("phone_number_id", number);
    // `.` and `..` are no names but ways.
    let is_name = !matches!(id, "" | "." | "..");
    is_name.then(|| get(account, url.into()))
}

/// Reads the answer to [`find_media`]. The token goes to the API's own origin, and by `https` to `hosts` and the hosts below
/// them, and nowhere else.
///
/// # Errors
/// There is no such file, or it is said to be elsewhere.
pub fn found_media(
    account: &Account,
    hosts: &[String],
    (status, headers, body): (u16, &[(String, String)], &[u8]),
) -> Result<Download, MediaError> {
    let answer: Value = serde_json::from_slice(body).unwrap_or_default();
    let error = answer.get("error");
    let Some(url) = text(&answer, "/url").filter(|_| error.is_none() && status == 200) else {
        let nothing = Value::Null;
        let error = error.unwrap_or(&nothing);
        // "Object with ID … does not exist", and media that can't be downloaded.
        let is_gone = matches!(number(error, "/code"), Some(100 | 131_052));
        return Err(match status {
            _ if is_gone => MediaError::Gone,
            404 | 410 => MediaError::Gone,
            _ => MediaError::Failed(judge(error, status, headers)),
        });
    };
    if !may_have_the_token(account, hosts, url) {
        return Err(MediaError::Elsewhere);
    }
    Ok(Download {
        request: get(account, url.to_owned()),
        mime: owned(&answer, "/mime_type"),
        bytes: number(&answer, "/file_size").and_then(|bytes| bytes.try_into().ok()),
    })
}

fn get(account: &Account, url: String) -> Request {
    let token = format!("Bearer {}", account.access_token);
    Request {
        method: "GET",
        url,
        headers: vec![("authorization".to_owned(), token)],
        body: Vec::new(),
    }
}

fn may_have_the_token(account: &Account, hosts: &[String], url: &str) -> bool {
    let (Ok(url), Ok(api)) = (Url::parse(url), Url::parse(&account.base_url)) else {
        return false;
    };
    if !url.username().is_empty() || url.password().is_some() {
        return false;
    }
    let is_api = url.origin() == api.origin();
    let of_host = |host: &str| {
        hosts.iter().any(|known| {
            let below = host.strip_suffix(known.as_str());
            below.is_some_and(|below| below.is_empty() || below.ends_with('.'))
        })
    };
    // An address by numbers is nobody's name.
    let named = url.domain().is_some_and(of_host);
    is_api || (url.scheme() == "https" && url.port().is_none() && named)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn account(base_url: &str) -> Account {
        Account {
            base_url: base_url.to_owned(),
            phone_number_id: "106".to_owned(),
            access_token: "EAAG".to_owned(),
        }
    }

    fn meta() -> Account {
        account("https://graph.facebook.com/v24.0")
    }

    fn found(account: &Account, status: u16, body: &Value) -> Result<Download, MediaError> {
        let hosts = MEDIA_HOSTS.map(str::to_owned);
        found_media(account, &hosts, (status, &[], body.to_string().as_bytes()))
    }

    #[test]
    fn an_id_is_one_name_in_the_address() {
        let url = |id: &str| find_media(&meta(), id).map(|request| request.url);
        let at = "https://graph.facebook.com/v24.0/";
        let plain = format!("{at}1037?phone_number_id=106");
        assert_eq!(url("1037"), Some(plain));
        let slash = format!("{at}..%2Fme%3Fx?phone_number_id=106");
        assert_eq!(url("../me?x"), Some(slash));
        assert_eq!((url(".."), url("")), (None, None));
    }

    #[test]
    fn the_token_goes_to_meta_and_nowhere_else() {
        let at = |account: &Account, url: &str| found(account, 200, &json!({ "url": url }));
        for url in [
            "https://lookaside.fbsbx.com/whatsapp_business/attachments/?mid=1",
            "https://eu.lookaside.fbsbx.com/a",
            "https://graph.facebook.com/v24.0/a",
        ] {
            let download = at(&meta(), url).expect(url);
            let token = ("authorization".to_owned(), "Bearer EAAG".to_owned());
            assert_eq!(download.request.url, url);
            assert_eq!(download.request.headers, [token]);
        }
        for url in [
            "http://lookaside.fbsbx.com/a",
            "https://lookaside.fbsbx.com:8443/a",
            "https://lookaside.fbsbx.com.evil.example/a",
            "https://evillookaside.fbsbx.com/a",
            "https://a@lookaside.fbsbx.com/a",
            "https://evil.example/?lookaside.fbsbx.com",
            "https://169.254.169.254/latest",
            "https://[::1]/a",
            "http://graph.facebook.com/v24.0/a",
            "file:///etc/passwd",
            "//lookaside.fbsbx.com/a",
        ] {
            assert_eq!(at(&meta(), url), Err(MediaError::Elsewhere), "{url}");
        }
        // A stand-in of Meta keeps its files itself, at the same port.
        let here = account("http://127.0.0.1:9000/v24.0");
        assert!(at(&here, "http://127.0.0.1:9000/file").is_ok());
        let other = at(&here, "http://127.0.0.1:9001/file");
        assert_eq!(other, Err(MediaError::Elsewhere));
    }

    #[test]
    fn what_is_gone_is_told_from_what_fails() {
        let error = |code: u32| json!({ "error": { "code": code, "message": "no" } });
        assert_eq!(found(&meta(), 400, &error(100)), Err(MediaError::Gone));
        assert_eq!(found(&meta(), 404, &json!({})), Err(MediaError::Gone));
        for (status, body) in [(401, error(190)), (500, json!({})), (200, json!([]))] {
            let failed = found(&meta(), status, &body);
            assert!(matches!(failed, Err(MediaError::Failed(_))), "{failed:?}");
        }
    }
}
