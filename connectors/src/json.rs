//! Reading a vendor's JSON leniently: what is absent, empty or of another type is not there, so that
//! one odd field costs one message and not the whole delivery.

use serde_json::Value;

/// Longest name of a kind that is repeated, bytes.
const KIND_MAX: usize = 40;

/// The text at a JSON pointer, if it is one and not empty.
pub(crate) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value
        .pointer(pointer)?
        .as_str()
        .filter(|text| !text.is_empty())
}

/// As [`text`], to keep.
pub(crate) fn owned(value: &Value, pointer: &str) -> Option<String> {
    text(value, pointer).map(str::to_owned)
}

/// The whole number at a JSON pointer, written as a number or as a text.
pub(crate) fn number(value: &Value, pointer: &str) -> Option<i64> {
    let value = value.pointer(pointer)?;
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

/// The list at a JSON pointer; empty where there is none.
pub(crate) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value
        .pointer(pointer)
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .unwrap_or_default()
}

/// A provider's name for a kind of thing, safe to repeat in a log: a short word, or `unknown`.
pub(crate) fn kind(name: &str) -> String {
    let is_word = !name.is_empty()
        && name.len() <= KIND_MAX
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    if is_word { name } else { "unknown" }.to_owned()
}
