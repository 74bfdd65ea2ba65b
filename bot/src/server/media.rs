//! Files that customers sent, for staff.

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};

use super::HttpState;
use super::auth::Staff;
use super::problem::Problem;
use crate::app::Reading;

/// Types that a browser shows without running anything of them. No SVG, no HTML: those are programs.
const SHOWN: [&str; 13] = [
    "application/pdf",
    "audio/aac",
    "audio/amr",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "video/3gpp",
    "video/mp4",
    "video/webm",
];
/// Everything else is for the disk.
const UNKNOWN: &str = "application/octet-stream";

/// A file that a customer sent with the message at this place, where only the channel's provider has it (`file_address` in
/// the transcript). Pictures, sound, moving pictures and PDF are to be shown, everything else to be kept.
#[utoipa::path(get, path = "/v1/handoffs/{id}/media/{seq}", tag = "handoffs",
    params(("id" = String, Path), ("seq" = u64, Path, description = "`journal_seq` of the message")),
    responses((status = 200, description = "the file", content_type = "application/octet-stream"), (status = 401, body = Problem),
        (status = 403, body = Problem), (status = 404, body = Problem), (status = 410, description = "the provider no longer has it", body = Problem),
        (status = 502, description = "the provider does not give it", body = Problem)))]
pub(super) async fn file(
    State(edge): State<HttpState>,
    Staff { agent, .. }: Staff,
    Path((id, seq)): Path<(String, u64)>,
) -> Result<Response, Problem> {
    edge.app.reads_handoff(&agent, &id, Reading::File).await?;
    let (name, media) = edge.app.media(&id, seq).await?;
    let kind = shown(media.mime.as_deref(), media.extension.as_deref());
    let how = if kind.is_some() {
        "inline"
    } else {
        "attachment"
    };
    let headers = [
        (header::CONTENT_TYPE, kind.unwrap_or(UNKNOWN).to_owned()),
        (header::CONTENT_DISPOSITION, disposition(how, &name)),
        (header::CACHE_CONTROL, "private, no-store".to_owned()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff".to_owned()),
        // Should somebody come to open it as a page after all: nothing of it runs, and it is nobody's origin.
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox".to_owned(),
        ),
    ];
    let mut response = (headers, Body::from_stream(media.parts)).into_response();
    if let Some(bytes) = media.bytes {
        response
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from(bytes));
    }
    Ok(response)
}

/// The type as which a file is shown. A provider that says nothing of it may name it.
fn shown(mime: Option<&str>, extension: Option<&str>) -> Option<&'static str> {
    let said = mime.and_then(|mime| mime.split(';').next());
    let said = said.map(|mime| mime.trim().to_ascii_lowercase());
    let named = match extension {
        Some("gif") => "image/gif",
        Some("jpg" | "jpeg") => "image/jpeg",
        Some("png") => "image/png",
        Some("webp") => "image/webp",
        Some("oga" | "ogg") => "audio/ogg",
        Some("mp3") => "audio/mpeg",
        Some("mp4") => "video/mp4",
        Some("pdf") => "application/pdf",
        _ => UNKNOWN,
    };
    let kind = match said.as_deref() {
        None | Some(UNKNOWN) => named,
        Some(said) => said,
    };
    SHOWN.into_iter().find(|known| *known == kind)
}

/// A `Content-Disposition` (RFC 6266): the name in plain letters, and as it is (RFC 8187).
fn disposition(how: &str, name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|c| match c {
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' | ' ' => c,
            _ => '_',
        })
        .collect();
    let whole: String = name
        .bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'_' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{whole}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_runs_nothing_is_shown() {
        assert_eq!(shown(Some("image/jpeg"), None), Some("image/jpeg"));
        assert_eq!(
            shown(Some("audio/ogg; codecs=opus"), None),
            Some("audio/ogg")
        );
        assert_eq!(shown(Some(UNKNOWN), Some("oga")), Some("audio/ogg"));
        for program in ["text/html", "image/svg+xml", "application/xhtml+xml", ""] {
            assert_eq!(shown(Some(program), Some("png")), None, "{program}");
        }
        assert_eq!(shown(None, Some("html")), None);
    }

    #[test]
    fn a_name_stays_a_name() {
        let header = disposition("attachment", "a\"; x=\r\n../Ñ.pdf");
        assert_eq!(
            header,
            "attachment; filename=\"a__ x___..__.pdf\"; filename*=UTF-8''a%22%3B%20x%3D%0D%0A..%2F%C3%91.pdf"
        );
        assert!(HeaderValue::from_str(&header).is_ok());
    }
}
