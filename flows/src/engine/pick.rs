//! Which of the things that were shown a message picks.

use super::effect::Message;
use super::event::{Input, Reading};
use super::exact::{bare, fold};

/// The payload of a button whose title a message is, word for word.
pub(super) fn typed_title(text: &str, said: &[Message]) -> Option<String> {
    let typed = fold(text);
    let buttons = said.iter().flat_map(|message| &message.buttons);
    // "Yes, send it?" asks.
    let asks = |text: &str| text.contains(['?', '¿']);
    let mut of_title = buttons
        .filter(|button| fold(&button.title) == typed && (!asks(text) || asks(&button.title)));
    let first = of_title.next().filter(|_| !typed.is_empty())?;
    // A title that stands for itself is read as any text.
    let plain = fold(&first.payload) == typed;
    (!plain && of_title.next().is_none()).then(|| first.payload.clone())
}

/// Which of some titles a message picks: by number, by place, or by its words.
pub(super) fn pick(input: &Input, reading: Option<&Reading>, titles: &[String]) -> Option<usize> {
    let text = fold(&input.text);
    if text.is_empty() {
        return None;
    }
    let by_words = |fits: &dyn Fn(&str) -> bool| {
        let mut all = titles
            .iter()
            .enumerate()
            .filter(|(_, title)| fits(&fold(title)));
        let first = all.next().map(|(at, _)| at);
        first.filter(|_| all.next().is_none())
    };
    let exact = by_words(&|title| title == text);
    let last = [
        "last",
        "the last",
        "last one",
        "the last one",
        "el ultimo",
        "la ultima",
        "ultimo",
        "ultima",
    ];
    if last.contains(&bare(&text).as_str()) && !titles.is_empty() {
        return Some(titles.len() - 1);
    }
    let number = text.parse::<usize>().ok().or_else(|| {
        let entities = &reading?.entities;
        let ordinal = entities.iter().find(|found| found.entity == "ordinal")?;
        ordinal.value.as_str()?.parse().ok()
    });
    let place = number
        .and_then(|n| n.checked_sub(1))
        .filter(|at| *at < titles.len());
    exact
        .or(place)
        .or_else(|| by_words(&|title| format!(" {text} ").contains(&format!(" {title} "))))
        .or_else(|| {
            by_words(&|title| text.len() > 2 && format!(" {title} ").contains(&format!(" {text} ")))
        })
}
