//! Looks for texts that break the entity finders: `fuzz_entities [SECONDS] [SEED]` puts sentences together
//! from fragments that finders react to, mutates them, and checks what is found. It ends with an error
//! at the first bad finding.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::{Duration, Instant};

use bellhop_nlu::entity::Finder;
use bellhop_nlu::{Entity, EntityKind, EntitySpec, Spec};

/// What customers write, and what only looks like it.
const FRAGMENTS: &str = "double|triple|oh|zero|four|twenty-one|a hundred and|thousand|, four hundred|million|\
    billion|and a half|half of|three quarters|1/2|½|-|minus|£|$1.5m|A$20|1 000 000|1,234.50|1.234,50 €|20|quid|pence|\
    2k|3rd|twenty-first|second|seconds|in|ago|two weeks|next|friday|week|from tomorrow|end of the month|this weekend|\
    christmas|may|march|5|2027|'85|12/03/1985|2026-12-03|14:00|at 0900|1830 hours|half past|quarter to|three|pm|\
    o'clock|morning|at night|%|percent|+44 20 7946 0958|(415) 555-0132|192.168.0.1|ann@example.com|ann|at|dot|com|\
    underscore|https://example.com/a?b=c|example.es|yes|no|not|please|sure|my name is|Dr.|Zoë O'Brien|B as in Bravo|\
    sierra|x-ray|x|manchestre|el|próximo|viernes|a las|tres y media|menos cuarto|de la tarde|mañana|por la|hace|\
    dentro de|dos horas|mil|millones|medio millón|veintiún|euros y medio|fin de mes|segundo|un|vigésima|doble|arroba|\
    guion bajo|punto|me llamo|sí|claro|99999999999999999999999999999999|٣|😀|e\u{301}|\u{200f}|שלום|İ|ﬁ|\u{0}|\n|\t|.|,|:|/";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let seconds: u64 = arguments.next().map_or(Ok(10), |a| a.parse())?;
    let seed: u64 = arguments.next().map_or(Ok(1), |a| a.parse())?;
    let finder = Finder::new(&spec())?;
    let fragments: Vec<&str> = FRAGMENTS.split('|').collect();
    // Clocks go back, go forward, and neither.
    let nows: Vec<jiff::ZonedDateTime> = [
        "2026-11-26T10:15:00[Europe/London]",
        "2026-10-25T00:30:00[Europe/London]",
        "2026-03-29T00:30:00[Europe/Madrid]",
        "2028-02-29T23:59:59[America/Santiago]",
        "9999-12-30T12:00:00[UTC]",
    ]
    .iter()
    .map(|now| now.parse())
    .collect::<Result<_, _>>()?;
    let mut random = Random(seed);
    let (mut texts, mut found, mut bytes) = (0_u64, 0_usize, 0_usize);
    let end = Instant::now() + Duration::from_secs(seconds);
    while Instant::now() < end {
        let text = random.text(&fragments);
        let language = ["en", "es"][random.below(2)];
        let now = &nows[random.below(nows.len())];
        let all = finder.find(&text, language, now);
        if let Some(wrong) = all.iter().find(|e| !is_sound(e, &text)) {
            return Err(format!("{wrong:?} in {language} {text:?}").into());
        }
        if !all.is_sorted_by_key(|e| (e.start, usize::MAX - e.end)) {
            return Err(format!("out of order in {language} {text:?}").into());
        }
        (texts, found, bytes) = (texts + 1, found + all.len(), bytes + text.len());
    }
    let mut out = std::io::stdout().lock();
    writeln!(
        out,
        "{texts} texts of {bytes} bytes, {found} entities, nothing wrong"
    )?;
    Ok(())
}

/// Its range is text, and its confidence a probability.
fn is_sound(e: &Entity, text: &str) -> bool {
    e.start < e.end && text.get(e.start..e.end).is_some() && (0.0..=1.0).contains(&e.confidence)
}

fn spec() -> Spec {
    let towns = ["Manchester", "St. Ives", "Leeds"];
    let towns = towns.map(|t| {
        (
            t.to_lowercase(),
            BTreeMap::from([("en".to_owned(), vec![t.to_owned()])]),
        )
    });
    let entity = |name: &str, kind, spelled| EntitySpec {
        name: name.to_owned(),
        kind,
        spelled,
    };
    let postcode = r"\b[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2}\b";
    Spec {
        languages: vec!["en".to_owned(), "es".to_owned()],
        time_zone: "Europe/London".to_owned(),
        currency: "GBP".to_owned(),
        entities: vec![
            entity("town", EntityKind::List(towns.into()), false),
            entity("postcode", EntityKind::Regex(postcode.to_owned()), true),
            entity("last4", EntityKind::Regex(r"\b[0-9]{4}\b".to_owned()), true),
        ],
        ..Spec::default()
    }
}

/// SplitMix64 (Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % most.max(1) as u64) as usize
    }

    /// Fragments, some of them mutated; now and then very many.
    fn text(&mut self, fragments: &[&str]) -> String {
        let parts = if self.below(500) == 0 { 2_000 } else { 12 };
        let mut text = String::new();
        for _ in 0..self.below(parts) + 1 {
            text.push_str(fragments[self.below(fragments.len())]);
            text.push_str([" ", " ", " ", "", "-", ", "][self.below(6)]);
        }
        for _ in 0..self.below(4) {
            let mut letters: Vec<char> = text.chars().collect();
            let at = self.below(letters.len());
            match self.below(4) {
                _ if letters.is_empty() => {}
                0 => {
                    letters.remove(at);
                }
                1 => letters.insert(at, letters[self.below(letters.len())]),
                2 => letters[at] = char::from_u32(self.below(0x11_0000) as u32).unwrap_or(' '),
                _ => letters.truncate(at),
            }
            text = letters.into_iter().collect();
        }
        text
    }
}
