//! What an open question may want.

/// What may be open: no question, then the kinds that [`Context::open`](crate::Context::open) names.
pub const OPEN: [&str; 20] = [
    "none", "confirm", "yes_no", "choice", "text", "name", "number", "ordinal", "money", "percent",
    "date", "time", "datetime", "duration", "email", "phone", "url", "code", "rating", "other",
];

/// The place of a kind; nothing for a name that is none.
pub(super) fn place(kind: &str) -> Option<usize> {
    OPEN.iter().position(|known| *known == kind)
}

/// The place of what is open: a kind that isn't known is some other one.
pub(super) fn of(open: Option<&str>) -> usize {
    let named = open.map_or("none", |kind| kind);
    place(named).unwrap_or(OPEN.len() - 1)
}

/// Kinds that are alike for what an answer looks like: nothing, agreement, one of a list, free text, a value.
pub(super) fn group(place: usize) -> &'static str {
    match OPEN[place] {
        "none" => "none",
        "confirm" | "yes_no" => "agree",
        "choice" => "choice",
        "text" | "name" => "text",
        "email" | "phone" | "url" | "code" => "code",
        "date" | "time" | "datetime" | "duration" => "when",
        "number" | "money" | "percent" | "ordinal" | "rating" => "number",
        _ => "other",
    }
}
