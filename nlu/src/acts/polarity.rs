//! How the values in a message are meant: "not Monday" rules one out, "how fast is gold?" asks about one, "if it were
//! Monday" supposes one. Decided by the words around a value within its clause; by the clause's acts where they say
//! nothing.

use super::head::Heard;
use super::words::{Marks, Word};
use super::{Act, Clause, Polarity};
use crate::Entity;

/// Probability from which an act decides.
const SURE: f64 = 0.5;
/// Words between a negation and the value that it rules out, at most.
const REACH: usize = 8;
/// Words between a value and a verb that denies it, at most.
const BACK: usize = 3;

/// What rules out the values after it: to the end of the clause, a pause or a word that turns. Folded; the longest
/// counts.
const RULES_OUT: &str = "not|isnt|arent|wasnt|aint|dont|do not|doesnt|didnt|never|cant|cannot|cant do|wont|without|\
    neither|nor|except|except for|excepting|excluding|apart from|other than|rather than|instead of|anything but|\
    anyone but|any but|any day but|any time but|anywhere but|everything but|all but|everyone but|anybody but|\
    none of|no longer|bar|\
    no|ni|nunca|jamas|tampoco|menos|salvo|excepto|excepto por|sin|en vez de|en lugar de|que no sea|que no sean|\
    ninguno de|ninguna de|quitando|a excepcion de|exceptuando";
/// Of those, the ones that list: a comma doesn't end them.
const LISTS: &str = "neither|nor|except|except for|excluding|anything but|anyone but|any but|none of|apart from|ni|\
    menos|salvo|excepto|que no sea|ninguno de|ninguna de|everything but|all but";
/// What looks like a negation and isn't one, or limits a value instead of ruling it out.
const NO_NEGATION: &str = "why not|not just|not only|not sure|no problem|no later than|no more than|no less than|\
    not more than|not later than|not less than|no worries|no rush|dont mind|do not mind|dont forget|dont worry|\
    cant wait|not bad|no doubt|not yet|por que no|no solo|no importa|no mas de|no antes de|no hay problema|no mas tarde|\
    no pasa nada|no te olvides|no olvides|no se olvide|sin problema|sin duda|nada mas que|cant we|cant you|cant i|\
    couldnt you|couldnt we|wouldnt|dont you have|at least|al menos|por lo menos|mas o menos|ni idea|si no|more or less|\
    why dont|why dont we|why dont you|no it was|no its|no it is|no i meant|no i mean|no i said|no that was|\
    no it should be|cust no|customer no|client no|account no|acc no|card no|ref no|order no|phone no|tel no|mobile no|no quise decir|no queria decir|no he dicho|no seria|menos de|no menos de|sin falta|sin problemas";
/// Words between a "no" and the value that it corrects.
const LEADS: &str = "the|a|an|its|on|to|for|at|in|with|from|el|la|los|las|un|una|al|del|de|en|para|con|a|por|lo|for|que|me|i|said|and|y";
/// Words after which another thing is said.
const TURNS: &str = "but|instead|sino|pero|because|cause|since|so|although|though|porque|ya|aunque|make|prefer|prefiero|\
    mejor|cambialo|ponlo|ponle|better|rather";
/// Words that begin with a clause of their own behind a value.
const JOINS: &str = "because|if|as|since|so|but|when|cause|porque|si|pero|cuando|para|y|and|or|o|unless|though|aunque|que";
/// Verbs that deny the value before them.
const DENIES: &str = "isnt|arent|wont|doesnt|cant|cannot|is no good|no good|are out|is out|is no use|is not|are not|wont do|\
    is impossible|dont work|dont suit|dont do|dont fit|doesnt work|is off|are off|didnt work|wouldnt work|is too|are no|\
    is no|are too|i cant|i dont|im not|we cant|we dont|im busy|im away|i wont|id rather not|is bad|is out of|im working|is miles away|is miles off|is too far|is far|is a trek|me pilla lejos|me pilla lejisimos|\
    me queda lejos|queda lejos|esta lejos|\
    no puedo|no me|no quiero|no trabajo|no estoy|no sirve|no va|no viene|no esta|no es|no hay|no podemos|no funciona|\
    no gracias|no por|tampoco|es imposible|imposible|no nos|no podria|no le|no la|no lo|descartado|descartada|ni hablar";
/// Requests in the form of a question: the value is wanted.
const ASKS_FOR: &str = "can i|could i|may i|can we|could we|might i|can you|could you|would you|will you|can u|how about|\
    what about|can it be|could it be|puede ser|podria ser|puedo|podria|podemos|puedes|podrias|me puede|me puedes|\
    me podria|me podrias|puede|que tal|que te parece|would it be possible|is it possible|es posible|seria posible|\
    couldnt you|couldnt we|cant you|cant we|cant i|why not|por que no|me da|me das|me pones|me pone|shall we|\
    shall i|why dont we|would|do you mind|se podria|se puede|podriamos|no seria";
/// What a person wants for themselves or to be done: behind "can I", a value is given.
const WANTS: &str = "have|take|get|do|make|book|move|change|pick|choose|send|pay|put|set|go|come|switch|say|be|try|give|\
    transfer|order|add|reserve|schedule|swap|tener|tomar|ir|venir|hacer|poner|ponerlo|ponerme|cambiar|cambiarlo|reservar|\
    elegir|enviar|mandar|pagar|ser|pedir|dar|darme|escoger|mover|moverlo|pasarlo|dejarlo|coger|quedar|cambiarla|apuntarme|\
    use|arrange|fit|ponermelo|transferir|pasar|recoger|llevarme|quedarme";
/// What a question begins with.
const QUESTIONS: &str = "what|whats|how|hows|why|when|whens|where|wheres|who|whos|which|whose|is|are|does|do|did|has|have|\
    was|were|will|should|am|doesnt|isnt|arent|que|cual|cuales|como|cuando|donde|quien|cuanto|cuanta|cuantos|cuantas|\
    por que|para que|a que|en que|hay|es|son|esta|estan|abren|tienen|tiene|sirve|tarda|llega|vale|cuesta|funciona|hace falta|\
    incluye|trae|acepta|aceptan|cierran|atienden";
/// Questions inside of a sentence.
const INDIRECT: &str = "tell me about|tell me how|tell me what|tell me if|tell me whether|tell me when|tell me which|\
    know how|know if|know what|know when|know whether|know about|wondering if|wondering how|wondering whether|ask about|\
    ask if|ask how|ask whether|check if|check whether|see if|find out|info on|information on|information about|more about|\
    dime cuanto|dime si|dime que|dime cuando|saber si|saber cuanto|saber cuando|saber que|saber como|decirme si|\
    decirme cuanto|decirme cuando|preguntar si|preguntar por|preguntar cuanto|informacion de|informacion sobre|\
    difference between|diferencia entre|cuanto cuesta|cuanto vale|cuanto tarda|how much is|how long does";
/// Suppositions.
const SUPPOSED: &str = "if it was|if it were|if i|if we|if it|if the|if you|if he|if she|if they|if there|if that|if this|\
    if on|if my|what if|suppose|supposing|imagine|hypothetically|would have been|would have|had it been|were it|\
    only if|si fuera|si fuese|si fueran|si tuviera|si pagara|si hubiera|si eligiera|si cambiara|hubiera sido|imagina|\
    imaginate|supongamos|suponiendo|que pasa si|y si|si es|si hay|si me|si lo|si cuesta|si la|si hubiese|si pago|si elijo|\
    si cojo|solo si|a menos que|unless|en caso de|si no fuera";
/// What looks like a supposition and is courtesy.
const COURTEOUS: &str = "if possible|if you can|if i can|if it can be|if i may|if thats ok|if you dont mind|if you could|\
    if i could|if we can|if its possible|if you please|si es posible|si puede|si puedes|si se puede|si puede ser|si pudiera|\
    si me hace el favor|si no es molestia|si no le importa|if you like|if its ok|if thats possible|si te parece|\
    if its all the same|if you would|if it suits|if you have";
/// What was so at another time.
const BEFORE: &str = "last time|before|previously|used to|back then|the other time|formerly|originally|earlier it|\
    la otra vez|la vez pasada|antes|anteriormente|solia|solian|la ultima vez|hace tiempo|en su dia|antiguamente|at first";
/// The same in words that are dates themselves.
const DAYS_BEFORE: &str = "yesterday|last week|last month|last year|last night|ayer|la semana pasada|el mes pasado|\
    el ano pasado|anoche|anteayer";
const WAS: &str = "was|were|had|used|paid|cost|got|said|era|eran|fue|estaba|tenia|costaba|pague|solia|habia|costo|pagaba|fueron|eramos|\
    valia|decia|pagabamos|pagaba|solian|salia|cobraban";

/// Sets how the values are meant. `yes_no` answers stay as they are.
pub(crate) fn apply(heard: &Heard, clauses: &[Clause], entities: &mut [Entity]) {
    let words = heard.words();
    let places: Vec<(usize, usize)> = entities.iter().map(|e| span(words, e)).collect();
    for at in 0..entities.len() {
        if entities[at].entity == "yes_no" {
            continue;
        }
        let (first, end) = places[at];
        let inside = |clause: &&Clause| {
            clause.start <= entities[at].start && entities[at].start < clause.end
        };
        let Some(clause) = clauses.iter().find(inside) else {
            continue;
        };
        let mut from = heard.first(clause.start);
        // "Not Tuesday, Wednesday or Monday": a cut without a mark before a value parts no list.
        if places.iter().any(|(start, _)| *start == from)
            && words
                .get(from)
                .is_some_and(|w| w.before.0 & !Marks::OTHER == 0)
        {
            let before = clauses.iter().rev().find(|c| c.end <= clause.start);
            from = before.map_or(from, |c| heard.first(c.start));
        }
        let scope = Scope {
            words,
            from,
            to: heard.first(clause.start) + heard.within(clause).len(),
            places: &places,
            acts: &clause.acts,
            question: heard.asks(clause.end),
        };
        if first < end && (scope.from..scope.to).contains(&first) {
            let days = entities[at].entity.starts_with("date") || entities[at].entity == "time";
            entities[at].polarity = scope.polarity(first, end.min(scope.to), days);
        }
    }
    by_act(heard, clauses, entities);
}

/// A clause that rules out or leaves undone, with no word that says of what, means all its values.
fn by_act(heard: &Heard, clauses: &[Clause], entities: &mut [Entity]) {
    for clause in clauses {
        let sure = |act: Act| clause.acts.iter().any(|(a, p)| *a == act && *p >= SURE);
        if !sure(Act::Exclude) && !sure(Act::RequestNot) {
            continue;
        }
        let words = heard.within(clause);
        let scope = Scope {
            words,
            from: 0,
            to: words.len(),
            places: &[],
            acts: &clause.acts,
            question: false,
        };
        if (0..words.len()).any(|at| scope.phrase(at, NO_NEGATION) > 0) {
            continue;
        }
        // "I'm not in, Saturday is ok": what rules out stands before a pause, and the value behind it is no part of it.
        let ruled = (0..words.len()).find(|at| {
            scope.phrase(*at, RULES_OUT).max(scope.phrase(*at, DENIES)) > 0
                && scope.phrase(*at, LISTS) == 0
        });
        let pause = ruled.and_then(|at| (at + 1..words.len()).find(|next| scope.paused(*next)));
        let end = pause.map_or(clause.end, |at| words[at].start);
        let inside =
            |e: &&mut Entity| e.entity != "yes_no" && clause.start <= e.start && e.start < end;
        let mut own: Vec<&mut Entity> = entities.iter_mut().filter(inside).collect();
        if own.iter().all(|e| e.polarity.is_affirmed()) {
            own.iter_mut().for_each(|e| e.polarity = Polarity::Excluded);
        }
    }
}

/// The words that a value takes up: the first, and one past the last.
fn span(words: &[Word], entity: &Entity) -> (usize, usize) {
    let first = words.partition_point(|w| w.end <= entity.start);
    (
        first,
        words.partition_point(|w| w.start < entity.end).max(first),
    )
}

/// A clause as a value in it sees it.
struct Scope<'a> {
    words: &'a [Word],
    /// Its first word, and one past its last.
    from: usize,
    to: usize,
    /// The words of all values of the message.
    places: &'a [(usize, usize)],
    acts: &'a [(Act, f64)],
    /// A question mark ends it.
    question: bool,
}

impl Scope<'_> {
    fn polarity(&self, first: usize, end: usize, days: bool) -> Polarity {
        if self.ruled_out_before(first) || self.ruled_out_behind(end) {
            return Polarity::Excluded;
        }
        if self.supposed(first) || self.was(days) {
            return Polarity::Past;
        }
        if self.asked(first, end) {
            return Polarity::Asked;
        }
        Polarity::Affirmed
    }

    fn probability(&self, act: Act) -> f64 {
        self.acts
            .iter()
            .find(|(a, _)| *a == act)
            .map_or(0.0, |(_, p)| *p)
    }

    /// The words of the longest of these phrases at a place; 0 where none is there.
    fn phrase(&self, at: usize, phrases: &str) -> usize {
        self.phrase_to(at, self.to, phrases)
    }

    /// As `phrase`, beyond the end of the clause too.
    fn phrase_on(&self, at: usize, phrases: &str) -> usize {
        self.phrase_to(at, self.words.len(), phrases)
    }

    fn phrase_to(&self, at: usize, to: usize, phrases: &str) -> usize {
        let words = &self.words[at..to.max(at)];
        let Some(first) = words.first() else {
            return 0;
        };
        let fits = |phrase: &str| {
            let mut count = 0;
            for own in phrase.split(' ') {
                // A pause parts what would be a phrase.
                let word = words.get(count)?;
                if word.fold != own || (count > 0 && word.before.0 != 0) {
                    return None;
                }
                count += 1;
            }
            Some(count)
        };
        // Nearly all fail at their first word, so that one is looked at without cutting the phrase up.
        phrases
            .split('|')
            .map(str::trim)
            .filter(|phrase| phrase.starts_with(&first.fold))
            .filter_map(fits)
            .max()
            .unwrap_or(0)
    }

    /// Whether a word begins with a pause before it.
    fn paused(&self, at: usize) -> bool {
        self.words[at].before.0 & !Marks::OTHER != 0
    }

    /// A negation before a value, with nothing between that ends it.
    fn ruled_out_before(&self, first: usize) -> bool {
        let mut at = self.from.max(first.saturating_sub(REACH));
        let mut found = None;
        while at < first {
            if found.is_some() && self.phrase(at, TURNS) > 0 {
                found = None;
            }
            if self.phrase(at, NO_NEGATION) > 0 {
                at += self.phrase(at, NO_NEGATION);
                continue;
            }
            match self.phrase(at, RULES_OUT) {
                0 => at += 1,
                length => {
                    found = Some((at, at + length));
                    at += length;
                }
            }
        }
        let Some((start, behind)) = found else {
            return false;
        };
        if self.denies_another(start) {
            return false;
        }
        let list = self.phrase(start, LISTS) > 0;
        let pauses = (behind..=first).filter(|at| self.paused(*at)).count();
        if pauses > 0 && !list {
            return false;
        }
        !self.only_corrects(start, behind, first)
    }

    /// A negation behind another value that is about that one: "Monday doesn't work for me on the 5th".
    fn denies_another(&self, start: usize) -> bool {
        let another = self
            .places
            .iter()
            .any(|(_, end)| *end == start && *end > self.from);
        another && self.phrase(start, DENIES) > 0
    }

    /// "No Friday", said to correct what was understood: a bare "no" before the value that is meant.
    fn only_corrects(&self, start: usize, behind: usize, first: usize) -> bool {
        let bare = self.words[start].fold == "no" && behind == start + 1 && start == self.from;
        // "No, Thursday at 1": another value may stand between.
        let of_value = |at: usize| {
            self.places
                .iter()
                .any(|(start, end)| (*start..*end).contains(&at))
        };
        let near = (behind..first).all(|at| of_value(at) || self.phrase(at, LEADS) > 0);
        let given = self.probability(Act::Correct) + self.probability(Act::Inform);
        bare && near && given > self.probability(Act::Exclude) + self.probability(Act::RequestNot)
    }

    /// A verb or a "no" behind a value that denies it.
    fn ruled_out_behind(&self, end: usize) -> bool {
        // A cut may have come between the two.
        for at in end..self.words.len().min(end + BACK) {
            let value = self.places.iter().any(|(start, _)| *start == at);
            if value || self.paused(at) || self.phrase_on(at, JOINS) > 0 {
                return false;
            }
            if self.phrase_on(at, NO_NEGATION) > 0 {
                return false;
            }
            let denied = self.phrase_on(at, DENIES);
            if denied > 0 {
                // "Blue I can't, red": the negation may have a value of its own.
                return !self.places.iter().any(|(start, _)| *start == at + denied);
            }
            let next = at + 1;
            let last = next == self.words.len() || self.paused(next);
            let polite = !last && self.phrase_on(next, "please|thanks|gracias|eh|por favor") > 0;
            if at == end && (last || polite) && self.phrase_on(at, "no|not") > 0 {
                return !self.question;
            }
        }
        false
    }

    /// The value is part of a supposition or a condition.
    fn supposed(&self, first: usize) -> bool {
        let mut at = self.from;
        let mut found = false;
        while at < first {
            if self.paused(at) && at > self.from {
                found = false;
            }
            let courteous = self.phrase(at, COURTEOUS);
            if courteous > 0 {
                at += courteous;
                continue;
            }
            found |= self.phrase(at, SUPPOSED) > 0;
            at += 1;
        }
        found
    }

    /// It was so once, and the message says when.
    fn was(&self, day: bool) -> bool {
        let any = |phrases: &str| (self.from..self.to).any(|at| self.phrase(at, phrases) > 0);
        any(WAS) && (any(BEFORE) || (!day && any(DAYS_BEFORE)))
    }

    /// The value is only asked about.
    fn asked(&self, first: usize, end: usize) -> bool {
        let indirect = (self.from..first).any(|at| self.phrase(at, INDIRECT) > 0);
        if indirect {
            return true;
        }
        let start = self.start();
        // A value alone with a question mark is offered: "Monday?".
        let lead = (start..first).all(|at| self.phrase(at, LEADS) > 0);
        if lead {
            let verb = (end..self.to).any(|at| self.phrase(at, QUESTIONS) > 0);
            return verb && self.question && self.probability(Act::Ask) >= SURE;
        }
        let asks_for = self.phrase(start, ASKS_FOR);
        if asks_for > 0 {
            let wants = (start + asks_for..first).any(|at| self.phrase(at, WANTS) > 0);
            let near = first <= start + asks_for + 2;
            let given = wants || near;
            return !given && self.probability(Act::Ask) >= SURE;
        }
        if self.phrase(start, QUESTIONS) > 0 {
            // Spanish statements begin like its questions: "es el lunes".
            let spanish = self.phrase(
                start,
                "es|son|esta|estan|hay|que|como|cuando|donde|do|have|tiene|tienen|vale",
            ) > 0;
            return !spanish || self.question || self.probability(Act::Ask) >= SURE;
        }
        self.question && self.probability(Act::Ask) >= SURE
    }

    /// The first word that isn't "and", "well" or a greeting's comma.
    fn start(&self) -> usize {
        let own = &self.words[self.from..self.to];
        (self.from + super::rules::fillers(own)).min(self.to.saturating_sub(1))
    }
}
