//! What the heads see of a message's words: which of its gaps part clauses, and what is done in each.

use super::open;
use super::rules::{Flag, Flags};
use super::softmax::Sparse;
use super::words::{Marks, Word, Words};
use crate::intent::fnv;

/// Hashed columns of a gap.
pub(super) const GAP_COLUMNS: usize = 4096;
/// Words on each side of a gap whose phrases count.
const NEAR: usize = 5;
/// Hashed columns of a clause.
pub(super) const CLAUSE_COLUMNS: usize = 8192;

/// Features as they are collected: hashed, with a sign that keeps collisions from adding up in one direction.
struct Bag {
    all: Sparse,
    columns: u64,
}

impl Bag {
    fn new(columns: usize) -> Bag {
        Bag {
            all: Vec::with_capacity(128),
            columns: columns as u64,
        }
    }

    fn add(&mut self, kind: u8, what: &str, weight: f32) {
        let hash = fnv(kind, what);
        let sign = if hash >> 63 == 0 { weight } else { -weight };
        self.all.push(((hash % self.columns) as u32, sign));
    }

    /// Several words as one feature.
    fn join(&mut self, kind: u8, parts: &[&str], weight: f32) {
        self.add(kind, &parts.join(" "), weight);
    }
}

/// The words at the places, or what stands for none.
fn at(words: &[Word], place: isize) -> &str {
    usize::try_from(place)
        .ok()
        .and_then(|place| words.get(place))
        .map_or("<>", shape)
}

/// A word as a feature: numbers are all alike but for their length.
fn shape(word: &Word) -> &str {
    let digits = word.fold.bytes().filter(u8::is_ascii_digit).count();
    match digits {
        0 => &word.fold,
        _ if word.fold.contains('@') => "<mail>",
        1 | 2 if word.fold.len() <= 2 => "<9>",
        _ if word.fold.contains(':') => "<9:9>",
        _ if word.fold.bytes().all(|b| b.is_ascii_digit()) => "<999>",
        _ => "<a9>",
    }
}

/// What the words before each gap and behind it say on their face; of the first word's too, which has none.
pub(super) type Around = Vec<(Flags, Flags)>;

/// What is said around all gaps of a message.
pub(super) fn flags_around(words: &Words) -> Around {
    let all = &words.all;
    (0..all.len())
        .map(|gap| {
            let before = &all[gap.saturating_sub(NEAR)..gap];
            let after = &all[gap..all.len().min(gap + NEAR)];
            (Flags::of(before), Flags::of(after))
        })
        .collect()
}

/// The features of the gap before the word at `gap`.
pub(super) fn gap(words: &Words, flags: &Around, gap: usize) -> Sparse {
    let all = &words.all;
    let mut bag = Bag::new(GAP_COLUMNS);
    let place = gap as isize;
    let word = |by: isize| at(all, place + by);
    let marks = all[gap].before;
    let sign = marks.0.to_string();
    bag.add(b'0', "", 1.0);
    bag.add(b'm', &sign, 1.0);
    for by in -3..3 {
        bag.add(b'a' + (by + 3) as u8, word(by), 1.0);
    }
    bag.join(b'g', &[word(-1), word(0)], 1.0);
    bag.join(b'h', &[word(-2), word(-1)], 1.0);
    bag.join(b'i', &[word(0), word(1)], 1.0);
    bag.join(b'j', &[word(0), word(1), word(2)], 1.0);
    bag.join(b'k', &[word(-2), word(-1), word(0)], 1.0);
    bag.join(b'l', &[word(-1), word(0), word(1)], 1.0);
    bag.join(b'n', &[&sign, word(-1)], 1.0);
    bag.join(b'o', &[&sign, word(0)], 1.0);
    bag.join(b'p', &[&sign, word(0), word(1)], 1.0);
    let (left, right) = (gap, all.len() - gap);
    let near = |n: usize| n.min(6).to_string();
    bag.add(b'q', &near(left), 1.0);
    bag.add(b'r', &near(right), 1.0);
    bag.join(b's', &[&near(left), &near(right), &sign], 1.0);
    if left <= 3 {
        let whole: Vec<&str> = all[..gap].iter().map(shape).collect();
        bag.add(b't', &whole.join(" "), 1.0);
    }
    if right <= 3 {
        let whole: Vec<&str> = all[gap..].iter().map(shape).collect();
        bag.add(b'u', &whole.join(" "), 1.0);
    }
    // How far the words go on both sides without a mark.
    let to_left = all[..gap]
        .iter()
        .rev()
        .take_while(|w| w.before.0 == 0)
        .count();
    let to_right = all[gap + 1..]
        .iter()
        .take_while(|w| w.before.0 == 0)
        .count();
    bag.join(b'v', &[&near(to_left), &sign], 1.0);
    bag.join(b'w', &[&near(to_right), &sign], 1.0);
    let (before, after) = flags[gap];
    for flag in before.each() {
        bag.add(b'x', &flag.to_string(), 1.0);
    }
    for flag in after.each() {
        bag.add(b'y', &flag.to_string(), 1.0);
        bag.join(b'z', &[&flag.to_string(), &sign], 1.0);
    }
    for one in before.each() {
        for other in after.each() {
            bag.join(b'Z', &[&one.to_string(), &other.to_string()], 0.5);
        }
    }
    bag.add(b'c' + 100, if all[gap].capital { "A" } else { "a" }, 1.0);
    bag.all
}

/// A clause among its message's.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub(super) words: &'a Words,
    /// Where the clauses begin, as places of words.
    pub(super) starts: &'a [usize],
    /// Which of them it is.
    pub(super) at: usize,
    /// What is open, as a place of a kind.
    pub(super) open: usize,
}

impl<'a> Place<'a> {
    /// Its words.
    pub(super) fn words(self) -> &'a [Word] {
        let end = self.starts.get(self.at + 1);
        let end = end.copied().unwrap_or(self.words.all.len());
        &self.words.all[self.starts[self.at]..end]
    }

    /// The marks that end it.
    pub(super) fn after(self) -> Marks {
        let next = self.starts.get(self.at + 1);
        next.and_then(|next| self.words.all.get(*next))
            .map_or(self.words.after, |word| word.before)
    }

    fn neighbour(self, by: isize) -> Option<Place<'a>> {
        let at = self.at.checked_add_signed(by)?;
        (at < self.starts.len()).then_some(Place { at, ..self })
    }
}

/// Lengths of the parts of a clause's features: its n-grams all together, then each of what its words say on their face,
/// of two such things at once, of what is open, and of its neighbours. Half or twice of any of them was no better.
const GRAMS: f32 = 1.0;
const FLAGS: f32 = 0.3;
const PAIRS: f32 = 0.1;
const OPEN: f32 = 0.3;
const AROUND: f32 = 0.3;

/// The features of a clause.
pub(super) fn clause(place: Place<'_>) -> Sparse {
    let words = place.words();
    let flags = Flags::of(words);
    let mut bag = Bag::new(CLAUSE_COLUMNS);
    grams(&mut bag, words);
    let length = bag.all.iter().map(|(_, x)| x * x).sum::<f32>().sqrt();
    let scale = GRAMS / length.max(1e-6);
    bag.all.iter_mut().for_each(|(_, x)| *x *= scale);
    let mut form = vec![
        format!("n{}", words.len().min(9)),
        format!("m{}", place.after().0),
        format!("k{}", place.starts.len().min(4)),
        format!("p{}", place.at.min(3)),
        format!("l{}", place.at + 1 == place.starts.len()),
        format!(
            "o{}",
            place.words.all.first().is_some_and(|w| w.opens < w.start)
        ),
    ];
    if let Some(first) = words.first() {
        form.push(format!("b{}", first.before.0));
    }
    if words.iter().skip(1).any(|w| w.capital) {
        form.push("A".to_owned());
    }
    for one in &form {
        bag.add(b'f', one, FLAGS);
    }
    let numbers: Vec<String> = flags.each().map(|flag| flag.to_string()).collect();
    for (at, one) in numbers.iter().enumerate() {
        bag.add(b'F', one, FLAGS);
        for other in &numbers[..at] {
            bag.join(b'P', &[other, one], PAIRS);
        }
        bag.join(b'Q', &[one, &form[0]], PAIRS);
        bag.join(b'R', &[one, &form[1]], PAIRS);
    }
    of_open(&mut bag, place, &numbers, OPEN);
    around(&mut bag, place, &numbers, AROUND);
    bag.all
}

/// Words alone, in pairs and in threes, whole short clauses, and letters.
fn grams(bag: &mut Bag, words: &[Word]) {
    let count = words.len() as isize;
    for here in 0..count {
        bag.add(b'w', at(words, here), 1.0);
    }
    for here in -1..count {
        bag.join(b'p', &[at(words, here), at(words, here + 1)], 1.0);
    }
    for here in -1..count - 1 {
        bag.join(
            b't',
            &[at(words, here), at(words, here + 1), at(words, here + 2)],
            1.0,
        );
    }
    if (1..=4).contains(&count) {
        let whole: Vec<&str> = words.iter().map(shape).collect();
        bag.add(b'a', &whole.join(" "), 1.5);
    }
    for word in words
        .iter()
        .filter(|w| w.fold.chars().all(char::is_alphabetic))
    {
        let padded = format!("<{}>", word.fold);
        let letters: Vec<usize> = padded
            .char_indices()
            .map(|(at, _)| at)
            .chain([padded.len()])
            .collect();
        for length in [3, 4] {
            for ends in letters.windows(length + 1) {
                bag.add(b'l', &padded[ends[0]..ends[length]], 0.35);
            }
        }
    }
}

/// What is open, by itself and with what would mean something else without it.
fn of_open(bag: &mut Bag, place: Place<'_>, numbers: &[String], weight: f32) {
    let words = place.words();
    let kind = open::OPEN[place.open];
    let group = open::group(place.open);
    bag.add(b'O', kind, weight);
    bag.add(b'G', group, weight);
    bag.join(b'H', &[group, &words.len().min(5).to_string()], weight);
    for one in numbers {
        bag.join(b'I', &[group, one], weight / 2.0);
    }
    bag.join(b'J', &[group, at(words, 0)], weight);
    if words.len() <= 3 {
        let whole: Vec<&str> = words.iter().map(shape).collect();
        bag.join(b'K', &[group, &whole.join(" ")], weight);
    }
}

/// The neighbours' first and last words and what they say on their face.
fn around(bag: &mut Bag, place: Place<'_>, numbers: &[String], weight: f32) {
    for (kind, by) in [(0, -1), (1, 1)] {
        let Some(neighbour) = place.neighbour(by) else {
            bag.add(b'N' + kind, "", weight);
            continue;
        };
        let words = neighbour.words();
        bag.add(b'1' + kind, at(words, 0), weight);
        bag.add(b'3' + kind, at(words, words.len() as isize - 1), weight);
        bag.join(b'5' + kind, &[at(words, 0), at(place.words(), 0)], weight);
        let theirs = Flags::of(words);
        for flag in theirs.each() {
            bag.add(b'7' + kind, &flag.to_string(), weight);
        }
        for flag in [
            Flag::StartsNo,
            Flag::StartsYes,
            Flag::Greet,
            Flag::Thanks,
            Flag::NotOrder,
        ] {
            if theirs.has(flag) {
                for one in numbers {
                    bag.join(b'9' + kind, &[&(flag as u8).to_string(), one], weight / 2.0);
                }
            }
        }
    }
}
