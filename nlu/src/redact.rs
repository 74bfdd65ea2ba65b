//! Numbers and addresses that identify a customer, taken out of text that is kept or shown: payment
//! cards (Luhn's check digit, ISO/IEC 7812-1), IBANs (mod 97, ISO 13616, with each country's length),
//! e-mail addresses and telephone numbers. Digits that fail the checks stay: amounts, dates, order
//! numbers.

/// What a stretch of text gives away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An e-mail address.
    Email,
    /// An international bank account number.
    Iban,
    /// A payment card's number.
    Card,
    /// A telephone number.
    Phone,
}

impl Kind {
    /// The word that stands in its place, without brackets.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Email => "email",
            Self::Iban => "iban",
            Self::Card => "card",
            Self::Phone => "phone",
        }
    }
}

/// A stretch that gives something away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// First byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// Puts `[card]`, `[iban]`, `[email]` and `[phone]` in the places of what [`find`] finds.
#[must_use]
pub fn redact(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut done = 0;
    for found in find(text) {
        out.push_str(&text[done..found.start]);
        out.push('[');
        out.push_str(found.kind.name());
        out.push(']');
        done = found.end;
    }
    out.push_str(&text[done..]);
    out
}

/// What is in the text, from left to right, without overlaps.
#[must_use]
pub fn find(text: &str) -> Vec<Found> {
    let mut found = Vec::new();
    let mut at = 0;
    // Bytes, not characters: everything looked for is ASCII but an e-mail's name, and a byte below 128 is
    // never part of a longer character.
    let bytes = text.as_bytes();
    while at < bytes.len() {
        let end = |kind: fn(&str, usize) -> Option<usize>| kind(text, at);
        let hit = if bytes[at] == b'@' {
            email(text, at, found.last().map_or(0, |f: &Found| f.end)).map(|(start, end)| Found {
                kind: Kind::Email,
                start,
                end,
            })
        } else if !starts_a_word(text, at) {
            None
        } else {
            end(iban)
                .map(|e| (Kind::Iban, e))
                .or_else(|| end(card).map(|e| (Kind::Card, e)))
                .or_else(|| end(phone).map(|e| (Kind::Phone, e)))
                .map(|(kind, end)| Found {
                    kind,
                    start: at,
                    end,
                })
        };
        match hit {
            Some(hit) => {
                at = hit.end;
                found.push(hit);
            }
            None => at += 1,
        }
    }
    found
}

/// Nothing that would make `at` the middle of a longer word or number stands before it.
fn starts_a_word(text: &str, at: usize) -> bool {
    // Nothing that is looked for begins inside a character.
    let mut before = text.get(..at).unwrap_or_default().chars().rev();
    let Some(last) = before.next() else {
        return true;
    };
    let number_goes_on = ".,/:".contains(last) && before.next().is_some_and(|c| c.is_ascii_digit());
    !(last.is_alphanumeric() || number_goes_on || last == '+')
}

/// What follows does not make the word or number longer.
fn ends_a_word(text: &str, end: usize) -> bool {
    let mut after = text.get(end..).unwrap_or_default().chars();
    match after.next() {
        None => true,
        Some('.' | ',' | '/' | ':') => !after.next().is_some_and(|c| c.is_ascii_digit()),
        Some(c) => !c.is_alphanumeric() && c != '@',
    }
}

/// The address around the at sign, not reaching to the left of `floor`.
fn email(text: &str, at: usize, floor: usize) -> Option<(usize, usize)> {
    let name = |c: char| c.is_alphanumeric() || "._%+-'".contains(c);
    let left = text[floor..at]
        .chars()
        .rev()
        .take_while(|c| name(*c))
        .map(char::len_utf8)
        .sum::<usize>();
    let host = |c: char| c.is_alphanumeric() || c == '.' || c == '-';
    let right: usize = text[at + 1..]
        .chars()
        .take_while(|c| host(*c))
        .map(char::len_utf8)
        .sum();
    let domain = text[at + 1..at + 1 + right].trim_end_matches(['.', '-']);
    let (before, last) = domain.rsplit_once('.')?;
    let complete = left > 0
        && !before.is_empty()
        && !domain.contains("..")
        && last.chars().count() >= 2
        && last.chars().all(char::is_alphabetic);
    complete.then_some((at - left, at + 1 + domain.len()))
}

/// Country codes with the length of their IBANs (SWIFT's IBAN registry).
const IBAN_LENGTHS: &str = "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 \
    CZ24 DE22 DJ27 DK18 DO28 EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HR21 HU28 \
    IE22 IL23 IQ23 IS26 IT27 JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 \
    MR27 MT31 MU30 NI28 NL18 NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 \
    SK24 SM27 SO23 ST25 SV28 TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30";

/// Where an IBAN that begins at `start` ends.
fn iban(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let country = text.get(start..start + 2)?.to_ascii_uppercase();
    if !bytes
        .get(start + 2..start + 4)?
        .iter()
        .all(u8::is_ascii_digit)
    {
        return None;
    }
    let length: usize = IBAN_LENGTHS
        .split_ascii_whitespace()
        .find_map(|entry| entry.strip_prefix(country.as_str()))?
        .parse()
        .ok()?;
    let mut signs = Vec::with_capacity(length);
    let mut at = start;
    while signs.len() < length {
        match bytes.get(at)? {
            b if b.is_ascii_alphanumeric() => signs.push(b.to_ascii_uppercase()),
            b' ' | b'-' if bytes[at - 1].is_ascii_alphanumeric() => {}
            _ => return None,
        }
        at += 1;
    }
    // Letters count as 10 to 35; the first four signs go to the end.
    signs.rotate_left(4);
    let rest = signs.iter().fold(0u32, |rest, sign| match sign {
        b'0'..=b'9' => (rest * 10 + u32::from(sign - b'0')) % 97,
        _ => (rest * 100 + u32::from(sign - b'A') + 10) % 97,
    });
    (rest == 1 && ends_a_word(text, at)).then_some(at)
}

/// Digits from `start` on with where each ends, single spaces or `marks` between them allowed.
fn digits(bytes: &[u8], start: usize, marks: &[u8], most: usize) -> Vec<(u8, usize)> {
    let mut found = Vec::new();
    let mut at = start;
    while found.len() < most {
        match bytes.get(at) {
            Some(b) if b.is_ascii_digit() => found.push((b - b'0', at + 1)),
            Some(b) if marks.contains(b) && !found.is_empty() => {
                // Only between digits, and only one, but ") " and " (" as in "(020) 7946".
                let two = bytes[at - 1] != b' ' || *b != b' ';
                if !two {
                    break;
                }
            }
            _ => break,
        }
        at += 1;
    }
    found
}

/// Where a card's number that begins at `start` ends: 13 to 19 digits with a right check digit.
fn card(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let digits = digits(bytes, start, b" -", 19);
    // The longest reading first: an expiry date may follow the number.
    (13..=digits.len()).rev().find_map(|n| {
        let end = digits[n - 1].1;
        let sum: u32 = digits[..n]
            .iter()
            .rev()
            .enumerate()
            .map(
                |(i, (d, _))| match u32::from(*d) * if i % 2 == 1 { 2 } else { 1 } {
                    d if d > 9 => d - 9,
                    d => d,
                },
            )
            .sum();
        let all_zero = digits[..n].iter().all(|(d, _)| *d == 0);
        (sum.is_multiple_of(10) && !all_zero && ends_a_word(text, end)).then_some(end)
    })
}

/// Where a telephone number that begins at `start` ends: `+` and 8 to 15 digits, `0` and 9 or 10 more, or
/// a national number of the North American plan (10 digits) or of Spain (9 digits).
fn phone(text: &str, start: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let first = *bytes.get(start)?;
    if !(first.is_ascii_digit() || first == b'+' || first == b'(') {
        return None;
    }
    let international = first == b'+';
    // The rest of a longer number is no telephone number.
    let mid = start >= 2 && b" -".contains(&bytes[start - 1]) && bytes[start - 2].is_ascii_digit();
    if mid && !international {
        return None;
    }
    let from = if first.is_ascii_digit() {
        start
    } else {
        start + 1
    };
    if !bytes.get(from)?.is_ascii_digit() {
        return None;
    }
    let digits = digits(bytes, from, b" -.()", 15);
    let plain = |n: usize| -> bool {
        let d = |i: usize| digits[i].0;
        match n {
            10 => d(0) == 0 || (d(0) >= 2 && d(3) >= 2),
            11 => d(0) == 0 || (d(0) == 1 && d(1) >= 2 && d(4) >= 2),
            9 => (6..=9).contains(&d(0)),
            _ => false,
        }
    };
    (9..=digits.len())
        .rev()
        .chain([8])
        .filter(|n| *n <= digits.len())
        .find_map(|n| {
            let end = digits[n - 1].1;
            let whole = ends_a_word(text, end) && !goes_on(bytes, end);
            let number = if international {
                n >= 8
            } else {
                plain(n) && !is_date(&text[start..end])
            };
            (whole && number).then_some(end)
        })
}

/// More digits follow after a mark, so that a cut here would be in the middle.
fn goes_on(bytes: &[u8], end: usize) -> bool {
    matches!(bytes.get(end), Some(b'-' | b'.'))
        && bytes.get(end + 1).is_some_and(u8::is_ascii_digit)
}

/// `2026-03-01 14` and the like.
fn is_date(text: &str) -> bool {
    let b = text.as_bytes();
    let mark = |i: usize| b.get(i).is_some_and(|b| matches!(b, b'-' | b'.'));
    (mark(4) && mark(7) && b.len() >= 10)
        || (mark(2) && mark(5) && b.len() >= 10 && b[6..10].iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        assert_eq!(redact(text), expected, "{text}");
    }

    #[test]
    fn cards_go_when_their_check_digit_is_right() {
        check(
            "my card is 4111 1111 1111 1111 12/27",
            "my card is [card] 12/27",
        );
        check("4111-1111-1111-1111, thanks", "[card], thanks");
        check("amex 378282246310005.", "amex [card].");
        check("4111 1111 1111 1112", "4111 1111 1111 1112");
        check(
            "card 5555555555554444 and 4012888888881881",
            "card [card] and [card]",
        );
        check("order 0000000000000000", "order 0000000000000000");
        check("“4111 1111 1111 1111”…", "“[card]”…");
        check("4111111111111111👍", "[card]👍");
        check("é4111111111111111", "é4111111111111111");
    }

    #[test]
    fn ibans_go_when_their_check_digits_are_right() {
        check("to GB82 WEST 1234 5698 7654 32 please", "to [iban] please");
        check("gb82west12345698765432", "[iban]");
        check("DE89370400440532013000.", "[iban].");
        check("ES91 2100 0418 4502 0005 1332", "[iban]");
        check("GB83 WEST 1234 5698 7654 32", "GB83 WEST 1234 5698 7654 32");
    }

    #[test]
    fn mail_addresses_go() {
        check(
            "write to jamie.o'neil+bank@mail.example.co.uk.",
            "write to [email].",
        );
        check("josé@ejemplo.es y ana@ejemplo.es", "[email] y [email]");
        check(
            "meet @ noon, user@host, @name",
            "meet @ noon, user@host, @name",
        );
    }

    #[test]
    fn telephone_numbers_go() {
        check("call +44 20 7946 0018 today", "call [phone] today");
        check(
            "call (415) 555-0132 or 020 7946 0018",
            "call [phone] or [phone]",
        );
        check(
            "415.555.0132",
            "415.555.0132".replace("415.555.0132", "[phone]").as_str(),
        );
        check("llámame al 612 345 678", "llámame al [phone]");
        check("1-415-555-0132", "[phone]");
    }

    #[test]
    fn other_numbers_stay() {
        for text in [
            "I paid £1,250.00 on 2026-03-01 14:30",
            "on 01.03.2026 12 people",
            "account 12345678, sort code 20-00-00",
            "order 12345",
            "1000000000",
            "it was 1234567890123 pesos",
            "",
            "ñ",
        ] {
            check(text, text);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_at_character_borders_and_nothing_is_found_twice(text in "\\PC{0,60}") {
            let once = redact(&text);
            proptest::prop_assert!(find(&once).len() <= find(&text).len());
        }

        #[test]
        fn every_card_is_found_in_any_words(
            body in "[1-9][0-9]{14}", before in "[a-z ]{0,10}", after in "[a-z ]{0,10}"
        ) {
            let digits: Vec<u32> = body.bytes().map(|b| u32::from(b - b'0')).collect();
            let sum: u32 = digits.iter().enumerate()
                .map(|(i, d)| if i % 2 == 0 { let d = d * 2; if d > 9 { d - 9 } else { d } } else { *d })
                .sum();
            let number = format!("{body}{}", (10 - sum % 10) % 10);
            let text = format!("{before} {number} {after}");
            let expected = format!("{before} [card] {after}");
            proptest::prop_assert_eq!(redact(&text), expected);
        }
    }
}
