//! Values that a message names and does not give: bounds ("after the 5th"), sums that nobody can act on ("thirty
//! something") and numbers that are the name of something else. They fill nothing, so that the question is asked again.

use super::event::Found;
use super::exact::fold;

/// Words right before a day or a time that make it a bound, folded.
const BOUNDS: [&str; 16] = [
    "after",
    "not before",
    "no earlier than",
    "not earlier than",
    "not until",
    "despues de",
    "despues del",
    "despues de las",
    "despues de la",
    "a partir de",
    "a partir del",
    "a partir de las",
    "a partir de la",
    "no antes de",
    "no antes del",
    "no antes de las",
];
/// Words between such a word and the day.
const SMALL: [&str; 6] = ["the", "el", "las", "la", "on", "los"];
/// Words right after a number or a sum with which it is another one, folded.
const ABOUT: [&str; 9] = [
    "and a half",
    "something",
    "odd",
    "and something",
    "y medio",
    "y media",
    "y pico",
    "y algo",
    "y tantos",
];
/// A half by itself, folded.
const HALF: [&str; 4] = ["half", "a half", "la mitad", "mitad"];
/// Words right after a number that make it a difference, folded.
const DIFFERENCE: [&str; 14] = [
    "too much",
    "too many",
    "too little",
    "too few",
    "more",
    "less",
    "extra",
    "de mas",
    "de menos",
    "demas",
    "mas",
    "menos",
    "over",
    "short",
];
/// Words before a run of digits that say what it is, folded; a number that the bot knows by digits alone is none of
/// these.
const OTHER_NUMBERS: [&str; 16] = [
    "birthday",
    "birth",
    "born",
    "dob",
    "order",
    "invoice",
    "phone",
    "mobile",
    "telephone",
    "nacimiento",
    "naci",
    "cumpleanos",
    "pedido",
    "factura",
    "telefono",
    "movil",
];
/// Words before a number among which they are looked for.
const NEAR: usize = 4;

/// Bytes on each side of a value that may say something about it. A message may have many values, and a long text on both
/// sides of each.
const AROUND: usize = 128;

/// The whole words before a value, folded.
fn before(text: &str, found: &Found) -> String {
    let near = |before: &str| {
        let cut = before.ceil_char_boundary(before.len().saturating_sub(AROUND));
        let (far, near) = before.split_at(cut);
        if far.ends_with(char::is_alphanumeric) {
            fold(near.trim_start_matches(char::is_alphanumeric))
        } else {
            fold(near)
        }
    };
    text.get(..found.start).map(near).unwrap_or_default()
}

/// The whole words after a value, folded.
fn after(text: &str, found: &Found) -> String {
    let near = |after: &str| {
        let (near, far) = after.split_at(after.floor_char_boundary(AROUND));
        if far.starts_with(char::is_alphanumeric) {
            fold(near.trim_end_matches(char::is_alphanumeric))
        } else {
            fold(near)
        }
    };
    text.get(found.end..).map(near).unwrap_or_default()
}

fn starts(rest: &str, words: &[&str]) -> bool {
    words
        .iter()
        .any(|word| rest == *word || super::exact::begins(rest, word))
}

/// True for a day or a time that only says from when on.
pub(super) fn is_bound(text: &str, found: &Found) -> bool {
    if !matches!(
        found.entity.as_str(),
        "date" | "date_past" | "time" | "time_bare" | "datetime" | "datetime_past" | "number"
    ) {
        return false;
    }
    let mut before = before(text, found);
    while let Some((rest, last)) = before.rsplit_once(' ') {
        if !SMALL.contains(&last) || BOUNDS.iter().any(|bound| before.ends_with(bound)) {
            break;
        }
        before = rest.to_owned();
    }
    BOUNDS
        .iter()
        .any(|bound| before == *bound || before.ends_with(&format!(" {bound}")))
}

/// True for a number or a sum that the words around it make another one.
pub(super) fn is_about(text: &str, found: &Found) -> bool {
    if !matches!(found.entity.as_str(), "number" | "money") {
        return false;
    }
    let said = text.get(found.start..found.end).map(fold);
    let half = said.is_some_and(|said| HALF.contains(&said.as_str()));
    let half_of = half && starts(&after(text, found), &["of", "de"]);
    half_of || starts(&after(text, found), &ABOUT)
}

/// True for a number that says by how much something differs.
pub(super) fn is_difference(text: &str, found: &Found) -> bool {
    matches!(found.entity.as_str(), "number" | "money") && starts(&after(text, found), &DIFFERENCE)
}

/// True for a run of digits that the words before it call something else.
pub(super) fn is_another_number(text: &str, found: &Found, title: &str) -> bool {
    let digits = text
        .get(found.start..found.end)
        .is_some_and(|said| said.chars().all(|c| c.is_ascii_digit() || c == ' '));
    let before = before(text, found);
    let title = fold(title);
    digits
        && before
            .split(' ')
            .rev()
            .take(NEAR)
            .any(|word| OTHER_NUMBERS.contains(&word) && !title.split(' ').any(|own| own == word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::event::Polarity;

    fn found(text: &str, said: &str, entity: &str) -> Found {
        let start = text.find(said).expect("it is said");
        Found {
            entity: entity.to_owned(),
            value: serde_json::json!(said.parse::<f64>().unwrap_or(0.0)),
            start,
            end: start + said.len(),
            confidence: 0.9,
            polarity: Polarity::Affirmed,
        }
    }

    #[test]
    fn bounds_are_no_days() {
        for (text, said, bound) in [
            ("im free after 5 december", "5 december", true),
            ("not before ten", "ten", true),
            ("any time after the 5th", "5th", true),
            ("a partir del viernes", "viernes", true),
            ("después de las 10", "10", true),
            ("the day after tomorrow", "the day after tomorrow", false),
            ("on friday", "friday", false),
            ("hereafter friday", "friday", false),
        ] {
            assert_eq!(is_bound(text, &found(text, said, "date")), bound, "{text}");
        }
    }

    #[test]
    fn only_whole_words_near_a_value_count() {
        let many = "word ".repeat(100);
        for (text, bound) in [
            (format!("{many}after 5 december"), true),
            (format!("after {many}5 december"), false),
            // Cut at any place, "hereafter" is not "after".
            (format!("{} 5 december", "hereafter".repeat(40)), false),
            (format!("hereafter {}5 december", "the ".repeat(30)), false),
        ] {
            let day = found(&text, "5 december", "date");
            assert_eq!(is_bound(&text, &day), bound, "{text}");
        }
        let text = format!("30 {}", "odd".repeat(200));
        assert!(!is_about(&text, &found(&text, "30", "number")));
        let text = format!("30 odd {many}");
        assert!(is_about(&text, &found(&text, "30", "number")));
    }

    #[test]
    fn a_number_with_more_to_it_is_another() {
        for (text, said, vague) in [
            ("a grand and a half", "a grand", true),
            ("treinta y pico", "treinta", true),
            ("thirty odd", "thirty", true),
            ("30 please", "30", false),
            ("30 oddly", "30", false),
        ] {
            assert_eq!(is_about(text, &found(text, said, "money")), vague, "{text}");
        }
        let text = "that's 10 too much";
        assert!(is_difference(text, &found(text, "10", "number")));
        let text = "make it 10";
        assert!(!is_difference(text, &found(text, "10", "number")));
    }

    #[test]
    fn digits_that_are_called_something_else_are_not_the_bots() {
        let text = "it's my birthday lol 01021960";
        let birthday = found(text, "01021960", "customer_number");
        assert!(is_another_number(text, &birthday, "customer number"));
        assert!(!is_another_number(text, &birthday, "birthday"));
        let text = "customer number 01021960";
        let number = found(text, "01021960", "customer_number");
        assert!(!is_another_number(text, &number, "customer number"));
    }
}
