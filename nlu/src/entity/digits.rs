//! Numbers in digits, and how languages group them.

use rust_decimal::Decimal;

use super::money;
use super::text::{Kind, Lang, Text};

/// `1,234.50` in English and `1.234,50` in Spanish; where only one reading makes sense, that one.
pub(super) fn value(written: &str, lang: Lang) -> Option<Decimal> {
    let separators: Vec<(usize, char)> = written
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_digit())
        .collect();
    let last = separators.last().copied();
    let alike = separators
        .windows(2)
        .all(|w| w.first().map(|s| s.1) == w.last().map(|s| s.1));
    let own_decimal = if lang == Lang::Es { ',' } else { '.' };
    let decimal_at = match last {
        None => None,
        Some((at, sign)) if separators.len() == 1 => {
            let thousands = sign != own_decimal && in_threes(written);
            (!thousands).then_some(at)
        }
        Some(_) if alike => {
            let grouped = in_threes(written) || in_lakhs(written);
            return grouped.then(|| plain(written)).flatten();
        }
        Some((at, _)) => {
            let (whole, _) = written.split_at(at);
            let signs: Vec<char> = whole.chars().filter(|c| !c.is_ascii_digit()).collect();
            let one_kind = signs.iter().all(|c| Some(c) == signs.first());
            if !one_kind
                || signs.first() == last.as_ref().map(|s| &s.1)
                || !(in_threes(whole) || in_lakhs(whole))
            {
                return None;
            }
            Some(at)
        }
    };
    let Some(at) = decimal_at else {
        return plain(written);
    };
    let (whole, fraction) = written.split_at(at);
    let kept: String = whole.chars().filter(char::is_ascii_digit).collect();
    format!("{kept}.{}", fraction.get(1..)?).parse().ok()
}

/// Groups as India writes them: `1,00,000`.
fn in_lakhs(written: &str) -> bool {
    let groups: Vec<usize> = written.split(',').map(str::len).collect();
    let [first, middle @ .., last] = groups.as_slice() else {
        return false;
    };
    let digits = written.bytes().all(|b| b.is_ascii_digit() || b == b',');
    let middle = !middle.is_empty() && middle.iter().all(|n| *n == 2);
    digits && middle && (1..=2).contains(first) && *last == 3 && !written.starts_with('0')
}

/// Groups of three digits, as thousands are written; no thousands begin with a zero.
fn in_threes(written: &str) -> bool {
    let mut groups = written.split(['.', ',']);
    let first = groups.next().unwrap_or_default();
    (1..=3).contains(&first.len()) && !first.starts_with('0') && groups.all(|g| g.len() == 3)
}

/// The value of digits with one separator before the last three, whichever it is: `1.500`, `12,000`.
pub(super) fn one_thousands(written: &str) -> Option<Decimal> {
    let separators = written.chars().filter(|c| !c.is_ascii_digit()).count();
    (separators == 1 && in_threes(written))
        .then(|| plain(written))
        .flatten()
}

/// `10 000` or `1 000 000`, and `1'000` or `1 500` with a hard space; other groups of three may be parts of
/// a code, unless a currency follows.
pub(super) fn spaced(text: &Text, i: usize, lang: Lang) -> Option<(usize, Decimal)> {
    let first = text.word(i);
    let plain_first = first.len() <= 3 && first.bytes().all(|b| b.is_ascii_digit());
    if !plain_first || first.starts_with('0') {
        return None;
    }
    if let Some(found) = apostrophes(text, i) {
        return Some(found);
    }
    let group = |at: usize| {
        let token = text.tokens.get(at)?;
        let fits = token.kind == Kind::Digits && token.spaced && token.fold.len() == 3;
        fits.then_some(token.fold.as_str())
    };
    let more = (i + 1..).map_while(group).take(3).count();
    let to = i + more + 1;
    let hard = || {
        (i + 1..to).all(|at| {
            let gap = text.raw.get(text.end(at)..text.start(at));
            matches!(gap, Some("\u{a0}" | "\u{202f}" | "\u{2009}"))
        })
    };
    let alone = text.tokens.get(to).is_none_or(|t| t.kind != Kind::Digits);
    let before = i == 0
        || text
            .tokens
            .get(i - 1)
            .is_none_or(|t| t.kind != Kind::Digits);
    // "1 234 567", but no "612 345 678".
    let round = text.word(to - 1) == "000" || (more == 2 && first.len() == 1 && alone && before);
    let amount = || alone && before && (hard() || money::is_currency(text, to, lang));
    if more == 0 || !(round || amount()) {
        return None;
    }
    let all: String = (i..to).map(|at| text.word(at)).collect();
    Some((to, all.parse().ok()?))
}

/// `1'000'000`
fn apostrophes(text: &Text, i: usize) -> Option<(usize, Decimal)> {
    let group = |at: usize| {
        let token = text.tokens.get(at + 1)?;
        let sign = text.is(at, &["'", "\u{2019}"]) && text.glued(at) && text.glued(at + 1);
        (sign && token.kind == Kind::Digits && token.fold.len() == 3).then_some(at + 2)
    };
    let mut to = i + 1;
    let mut all = text.word(i).to_owned();
    while let Some(next) = group(to).filter(|_| all.len() < 15) {
        all.push_str(text.word(next - 1));
        to = next;
    }
    (to > i + 1).then(|| all.parse().ok().map(|value| (to, value)))?
}

fn plain(written: &str) -> Option<Decimal> {
    let kept: String = written.chars().filter(char::is_ascii_digit).collect();
    kept.parse().ok()
}
