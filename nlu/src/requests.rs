//! Several requests in one message: "block my card and tell me my balance".
//!
//! A message is cut at sentence ends, commas and words that join requests; each part is read by itself,
//! parts that say nothing clear go with their neighbour, and the parts count only where they say more
//! than the message read as a whole.

use std::ops::Range;

use crate::Request;

/// Parts beyond which a message is a story and not a list of requests.
const MOST: usize = 6;
/// Words that a part has at least; beside a comma it takes one more.
const WORDS: usize = 2;
/// Probability from which a part is a request.
const SURE: f64 = 0.75;
/// Probability from which a message read as a whole is one request, whatever words it is joined by.
const ONE: f64 = 0.97;
/// Probability from which a message read as a whole is about something else, and so are its parts.
const NONE: f64 = 0.5;
/// Words that join requests, in English and Spanish.
const JOINING: &[&str] = &[
    "and", "also", "then", "plus", "y", "e", "además", "ademas", "también", "tambien", "luego",
    "después", "despues",
];

/// What parts two neighbours, the weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Cut {
    Comma,
    Word,
    Sentence,
}

/// A word's place, and what it ends or is.
struct Word {
    place: Range<usize>,
    /// The cut after it, by its punctuation.
    after: Option<Cut>,
    joins: bool,
}

/// The parts that `text` may be read in, as byte ranges in order; none where it can't be parted.
pub(crate) fn parts(text: &str) -> Vec<Range<usize>> {
    let words = words(text);
    for weakest in [Cut::Comma, Cut::Word, Cut::Sentence] {
        let parts = cut(&words, weakest);
        match parts.len() {
            0 | 1 => return Vec::new(),
            2..=MOST => return parts,
            _ => {}
        }
    }
    Vec::new()
}

/// Whether a message that reads as one intent with probability `best`, or as none with `none`, may be several.
pub(crate) fn may_be_several(best: f64, none: f64) -> bool {
    best < ONE && none < NONE
}

/// The requests that the parts make, in order; none where they are fewer than two. `read` has the best
/// intent of each part, `best` that of the whole message.
pub(crate) fn of_parts(parts: &[Range<usize>], read: &[(String, f64)], best: f64) -> Vec<Request> {
    let mut out: Vec<Request> = Vec::new();
    // Where the next request begins, unclear words before it included.
    let mut start = None;
    for (part, (intent, probability)) in parts.iter().zip(read) {
        let known = out.iter().any(|request| request.intent == *intent);
        if *probability >= SURE && !known {
            out.push(Request {
                start: start.take().unwrap_or(part.start),
                end: part.end,
                intent: intent.clone(),
                probability: *probability,
            });
            continue;
        }
        match out.last_mut() {
            Some(last) => {
                last.end = part.end;
                if last.intent == *intent {
                    last.probability = last.probability.max(*probability);
                }
            }
            None => start = start.or(Some(part.start)),
        }
    }
    let mean = out.iter().map(|r| r.probability).sum::<f64>() / out.len().max(1) as f64;
    if out.len() < 2 || mean <= best {
        out.clear();
    }
    out
}

/// The words of a text, parted by white space.
fn words(text: &str) -> Vec<Word> {
    let mut out: Vec<Word> = Vec::new();
    let mut end = 0;
    for word in text.split_whitespace() {
        let start = end + text[end..].find(word).unwrap_or(0);
        if let Some(last) = out.last_mut()
            && text[end..start].contains('\n')
        {
            last.after = Some(Cut::Sentence);
        }
        end = start + word.len();
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let joins = JOINING.contains(&bare.to_lowercase().as_str()) || word == "&";
        out.push(Word {
            place: start..end,
            after: match word.chars().next_back() {
                Some('.' | '!' | '?' | ';' | '…' | '。' | '？' | '！') => Some(Cut::Sentence),
                Some(',' | '،' | '、') => Some(Cut::Comma),
                _ => None,
            },
            joins,
        });
    }
    out
}

/// Cuts between words where the cut is `weakest` or stronger. A part too short goes with the one before
/// it, the first with the one after it.
fn cut(words: &[Word], weakest: Cut) -> Vec<Range<usize>> {
    // Each part with its words and the cut before it.
    let mut parts: Vec<(Range<usize>, usize, Option<Cut>)> = Vec::new();
    let mut open: Option<(Range<usize>, usize, Option<Cut>)> = None;
    let mut before = None;
    for word in words {
        let here = if word.joins {
            before.max(Some(Cut::Word))
        } else {
            before
        };
        if here >= Some(weakest) {
            parts.extend(open.take());
        }
        if word.joins && open.is_none() && weakest <= Cut::Word {
            // It belongs to neither side, and what follows it is cut off from what was before.
            before = word.after.max(Some(Cut::Word));
            continue;
        }
        let (range, count, _) = open.get_or_insert((word.place.clone(), 0, here));
        range.end = word.place.end;
        *count += 1;
        before = word.after;
    }
    parts.extend(open);
    let mut out: Vec<(Range<usize>, usize)> = Vec::new();
    for (range, count, cut) in parts {
        let least = WORDS + usize::from(cut == Some(Cut::Comma));
        match out.last_mut() {
            Some((last, so_far)) if count < least || *so_far < least => {
                last.end = range.end;
                *so_far += count;
            }
            _ => out.push((range, count)),
        }
    }
    out.into_iter().map(|(range, _)| range).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn said(text: &str) -> Vec<&str> {
        parts(text).into_iter().map(|part| &text[part]).collect()
    }

    #[test]
    fn messages_are_cut_between_requests() {
        assert_eq!(
            said("block my card and tell me my balance"),
            ["block my card", "tell me my balance"]
        );
        assert_eq!(
            said("hi, I lost my card. also what's my balance?"),
            ["hi, I lost my card.", "what's my balance?"]
        );
        assert_eq!(
            said("quiero bloquear mi tarjeta y saber mi saldo"),
            ["quiero bloquear mi tarjeta", "saber mi saldo"]
        );
        assert_eq!(
            said("pay Ann,  then\nshow my payments"),
            ["pay Ann,", "show my payments"]
        );
        assert_eq!(said("good morning, I lost my card"), [""; 0]);
        assert_eq!(
            said("I lost my card, what's my balance"),
            ["I lost my card,", "what's my balance"]
        );
    }

    #[test]
    fn a_word_alone_is_no_request() {
        assert_eq!(said("terms and conditions"), [""; 0]);
        assert_eq!(said("hello and thanks"), [""; 0]);
        assert_eq!(said("and"), [""; 0]);
        assert_eq!(said(""), [""; 0]);
        assert_eq!(
            said("send 50 and 20 pounds to Ann and Bob"),
            ["send 50", "20 pounds to Ann and Bob"]
        );
    }

    #[test]
    fn a_story_is_cut_at_its_sentences_or_not_at_all() {
        let list = "I went out, I paid by card, I came home, I slept well, I woke up, I ate well, I read on. \
                    What is my balance?";
        assert_eq!(said(list).len(), 2);
        let story = "I went out. ".repeat(9);
        assert_eq!(said(&story), [""; 0]);
    }

    #[test]
    fn unclear_parts_go_with_their_neighbour_and_parts_must_beat_the_whole() {
        let read = |intents: &[(&str, f64)]| -> Vec<(String, f64)> {
            intents.iter().map(|(i, p)| ((*i).to_owned(), *p)).collect()
        };
        let parts = [0..5, 6..10, 11..20, 21..30];
        let both = read(&[("a", 0.3), ("a", 0.9), ("b", 0.8), ("b", 0.9)]);
        let out = of_parts(&parts, &both, 0.6);
        let places: Vec<_> = out
            .iter()
            .map(|r| (r.start, r.end, r.intent.as_str()))
            .collect();
        assert_eq!(places, [(0, 10, "a"), (11, 30, "b")]);
        assert_eq!(out[1].probability, 0.9);
        assert!(of_parts(&parts, &both, 0.95).is_empty());
        let one = read(&[("a", 0.9), ("c", 0.4), ("a", 0.9), ("d", 0.1)]);
        assert!(of_parts(&parts, &one, 0.1).is_empty());
    }

    proptest! {
        #[test]
        fn parts_are_in_order_and_inside(text in "(\\PC{0,6}|and|y|, |\\. | ){0,40}") {
            let parts = parts(&text);
            prop_assert!(parts.len() != 1 && parts.len() <= MOST);
            for part in &parts {
                prop_assert!(text.get(part.clone()).is_some_and(|t| !t.trim().is_empty()));
            }
            for pair in parts.windows(2) {
                prop_assert!(pair[0].end <= pair[1].start);
            }
        }
    }
}
