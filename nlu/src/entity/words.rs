//! The ordinary words of a language: what is one is no other word mistyped, and alone no name.
//!
//! `words/en.txt` and `words/es.txt` were put together for this: the words that came up three times or
//! more in the public data sets that the project measures with, without names, and the words of shops,
//! banks, travel and homes. They hold base forms; plurals, conjugated verbs and the like are led back
//! to them by their endings. Crates with frequency lists bring tens of thousands of words and more
//! licences than this needs.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::text::Lang;

static EN: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("words/en.txt").split_whitespace().collect());
static ES: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| include_str!("words/es.txt").split_whitespace().collect());

/// Names that are words too.
static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| {
    let names = "will mark grace rose may april june hope faith joy art bill bob rob sue pat nick frank \
        grant dean drew chase hunter miles max penny ruby amber ivy lily daisy violet hazel olive dawn summer autumn \
        angel christian harry pearl rich guy ray lance victor carol eve iris jade jack john james david peter paul \
        mary anna amy ben sam tom tim jim joe dan don ron ted ken kim lee jean gene earl duke king ash olivia jasmine \
        crystal gail gale holly heather ginger melody robin martin charity constance felicity patience prudence rusty \
        sandy skip sunny bonnie chip cliff colt dale dusty flint forest glen heath jay josh kit norm ozzy reed rock \
        roman sterling stone storm tiffany tony wade ward wayne woody austin brooke paris sky \
        rosa luz mar sol paz pilar dolores mercedes consuelo esperanza concepcion socorro cruz blanca clara alba nieves \
        rocio soledad victoria gloria flor leon jesus domingo santos remedios angeles milagros amparo encarnacion \
        trinidad reyes estrella aurora perla rubi julio agosto abril marina paloma celeste linda inmaculada \
        asuncion natividad caridad fe virtudes salvador justo severo maximo perfecto clemente bienvenido modesto fidel \
        ana jose maria juan luis";
    names.split_whitespace().collect()
});

/// The word, folded, is one of the language: as it stands, or as a form of one.
pub(super) fn is_ordinary(word: &str, lang: Lang) -> bool {
    match lang {
        Lang::En => EN.contains(word) || english(word),
        Lang::Es => ES.contains(word) || spanish(word),
    }
}

/// The word, folded, is a name although it may be a word of the language.
pub(super) fn is_given_name(word: &str) -> bool {
    NAMES.contains(word)
}

/// `tracked`, `broker`, `planes`, `stopping`: a known word with an ending.
fn english(word: &str) -> bool {
    let endings: [(&str, &[&str]); 12] = [
        ("'s", &[""]),
        ("ies", &["y"]),
        ("ied", &["y"]),
        ("es", &["", "e"]),
        ("s", &[""]),
        ("ed", &["", "e"]),
        ("ing", &["", "e"]),
        ("ers", &["", "e"]),
        ("er", &["", "e"]),
        ("ly", &["", "e"]),
        ("est", &["", "e"]),
        ("n", &["", "e"]),
    ];
    endings.iter().any(|(ending, back)| {
        let Some(stem) = word.strip_suffix(ending).filter(|s| s.len() > 2) else {
            return false;
        };
        let doubled = || {
            let mut ends = stem.chars().rev();
            let twice = ends.next() == ends.next() && stem.len() > 3;
            twice && EN.contains(stem.get(..stem.len() - 1).unwrap_or_default())
        };
        // "Savings" is "saving" first.
        let again = || matches!(*ending, "s" | "'s" | "ly") && english(stem);
        back.iter()
            .any(|end| EN.contains(format!("{stem}{end}").as_str()))
            || doubled()
            || again()
    })
}

/// Endings of regular verbs: of those in `ar`, and of those in `er` and `ir`.
const AR: &str = "o as a amos an ais e aste asteis aron aba abas abamos aban are aras ara aremos aran aria \
    arias ariamos arian ando ado ada ados adas en es emos arme arte arse arlo arla arle arlos arlas arles arnos aste \
    ame alo ala ales enme eme elo ela andome andote ase asen";
const ER: &str = "o es e emos en imos is eis i iste io isteis ieron ia ias iamos ian ere eras era eremos eran eria \
    erian ire iras ira iremos iran iria irian iendo ido ida idos idas a as amos an er erme erte erse erlo erla erle irme \
    irte irse irlo irla irle iera ieran";

static ENDINGS: LazyLock<Vec<(&'static str, &'static [&'static str])>> = LazyLock::new(|| {
    let of = |endings: &'static str, base: &'static [&'static str]| {
        endings.split_whitespace().map(move |e| (e, base))
    };
    of(AR, &["ar"]).chain(of(ER, &["er", "ir"])).collect()
});

/// `cobraron`, `pague`, `barcos`, `rojas`: a known word with an ending.
fn spanish(word: &str) -> bool {
    let is = |stem: &str, end: &str| ES.contains(format!("{stem}{end}").as_str());
    let one = word.strip_suffix('s').unwrap_or(word);
    let plural = ES.contains(one) || word.strip_suffix("es").is_some_and(|w| ES.contains(w));
    let gender = one
        .strip_suffix('a')
        .is_some_and(|stem| is(stem, "o") || ES.contains(stem));
    let lively = word.strip_suffix("ces").is_some_and(|stem| is(stem, "z"));
    let adverb = word
        .strip_suffix("mente")
        .is_some_and(|w| ES.contains(w) || w.strip_suffix('a').is_some_and(|stem| is(stem, "o")));
    if plural || gender || lively || adverb {
        return true;
    }
    ENDINGS.iter().any(|(ending, base)| {
        let Some(stem) = word.strip_suffix(ending).filter(|s| s.len() > 1) else {
            return false;
        };
        // `pague` of "pagar", `busque` of "buscar", `realice` of "realizar"
        let hard = [("gu", "g"), ("qu", "c"), ("c", "z"), ("j", "g")];
        let other = hard
            .iter()
            .find_map(|(said, base)| Some(format!("{}{base}", stem.strip_suffix(said)?)));
        base.iter()
            .any(|b| is(stem, b) || other.as_ref().is_some_and(|o| is(o, b)))
    })
}
