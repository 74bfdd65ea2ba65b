//! Tables by kind: what is one, what only looks like one, and what is part of something longer.

use super::check;

#[test]
fn contacts() {
    check(include_str!("contacts.txt"));
}

#[test]
fn people_shares_and_lengths() {
    check(include_str!("people.txt"));
}

#[test]
fn spoken_digits() {
    check(include_str!("digits.txt"));
}

#[test]
fn the_longest_span_owns_its_characters() {
    check(include_str!("spans.txt"));
}

#[test]
fn words_of_the_language_are_no_typing_errors() {
    check(include_str!("words.txt"));
}

#[test]
fn dates() {
    check(include_str!("dates.txt"));
}

#[test]
fn dates_that_a_grammar_makes() {
    check(include_str!("held_out.txt"));
}

#[test]
fn bare_times() {
    check(include_str!("times.txt"));
}

#[test]
fn numbers() {
    check(include_str!("numbers.txt"));
}
