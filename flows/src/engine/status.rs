//! "Did it go through?", "so nothing's been sent?": told from what was done, by a table of words. A message counts only if
//! it says nothing else, so that "did my card arrive" stays a question of its own.

use super::bare::yes_no;
use super::exact::{fold, holds};
use super::state::{LastEnd, Owner};
use super::turn::Turn;
use crate::bundle::Pattern;
use crate::value::Value;

/// Words of such a question, at most.
const WORDS: usize = 12;
/// Turns after its end for which a flow can be asked about.
const TURNS: u32 = 4;
/// Turns for which what was done is told.
const DONE: u32 = 12;
/// What asks how things stand, folded.
const ASKS: &str = "did it|did that|did you|did u|has it|has that|have you|have u|is it|is that|is this|is everything|is all|was it|is it all|\
it s done|its done|all done|it went|go through|go thru|gone through|went through|so nothing|nothing s been|nothing has been|\
nothings been|nothing is|nothing was|you haven t|you havent|you didn t|you didnt|nothing got|\
se ha|se hizo|se ha hecho|lo has|la has|lo ha|la ha|ya esta|esta hecho|esta hecha|ha salido|ha ido|lo hiciste|la hiciste|lo hizo|se envio|\
no se ha|no has|no ha|entonces sigue|sigue funcionando|sigue igual|seguro que no|ya lo|ya la";
/// Words of which the message may be made, folded.
const SAYS: &str = "did|it|that|this|you|u|has|have|is|was|all|everything|go|gone|went|through|thru|done|do|so|nothing|nothings|s|been|got|\
moved|sent|send|changed|change|blocked|block|stopped|paid|pay|booked|book|made|happened|happen|cancelled|canceled|ordered|saved|me|\
work|worked|working|still|yet|now|then|already|actually|right|wait|no|ok|phew|oh|well|and|but|not|haven|havent|didn|didnt|t|just|really|\
sure|for|me|please|anything|slow|re|youre|your|slow|ok|hm|hmm|hey|the|money|finished|finish|complete|completed|as|before|same|are|i|checking|\
se|ha|han|has|hecho|hecha|hizo|hiciste|lo|la|le|los|las|enviado|enviada|envio|mandado|cambiado|cambiada|bloqueado|bloqueada|pagado|reservado|\
reservada|movido|salido|ido|nada|ya|esta|entonces|sigue|funcionando|igual|todo|no|si|verdad|seguro|que|pues|ah|uf|todavia|aun|cancelado|\
cancelada|guardado|hecho|dinero|el|mi|me|habeis|bien|o|y|por|favor|a|al|final|realmente|parado|anulado|anulada";

/// True for a question how things stand, and nothing else.
pub(super) fn asks_status(text: &str) -> bool {
    let folded = fold(text);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let about = text.contains('?')
        || text.contains('¿')
        || [
            "did", "has", "have", "is", "was", "right", "so", "entonces", "se ha", "verdad",
        ]
        .iter()
        .any(|word| holds(&folded, word));
    yes_no(text).is_none()
        && (2..=WORDS).contains(&words.len())
        && about
        && ASKS.split('|').any(|phrase| holds(&folded, phrase))
        && words
            .iter()
            .all(|word| SAYS.split('|').any(|known| known == *word))
}

impl Turn<'_> {
    /// Keeps how the flow in front ended. What was done before stays what is told for a while, whatever was only looked
    /// at or left since.
    pub(super) fn remember_end(&mut self, frame: &super::frame::Frame) {
        let turn = self.state.turn;
        let done = self.state.last_end.as_ref();
        if done.is_some_and(|end| end.acted && turn.saturating_sub(end.turn) <= DONE) {
            return;
        }
        self.state.last_end = Some(LastEnd {
            flow: frame.flow.clone(),
            acted: false,
            said: String::new(),
            turn,
        });
    }

    fn tell_done(&mut self, end: LastEnd) {
        let title = Value::Text(self.flow_title(&end.flow));
        let said = Value::Text(end.said);
        self.say_pattern(Pattern::StatusDone, &[("title", title), ("said", said)]);
    }

    /// A question how things stand; true where it was one.
    pub(super) fn heard_status(&mut self, text: &str) -> bool {
        if !asks_status(text) {
            return false;
        }
        let front = self.state.flow().cloned();
        if let Some(front) = front {
            if let Some(end) = self
                .state
                .last_end
                .clone()
                .filter(|end| end.acted && end.flow == front)
            {
                self.tell_done(end);
                self.go_on();
                return true;
            }
            if self.done_anything_for_good() {
                return false;
            }
            self.note("reading", "status", "taken", front.clone());
            self.understood();
            let title = Value::Text(self.flow_title(&front));
            self.say_pattern(Pattern::StatusOpen, &[("title", title)]);
            if self.state.owner == Owner::Queue {
                self.listen();
            } else {
                self.run();
            }
            return true;
        }
        let turn = self.state.turn;
        let fresh =
            |end: &LastEnd| turn.saturating_sub(end.turn) <= if end.acted { DONE } else { TURNS };
        let Some(end) = self.state.last_end.clone().filter(fresh) else {
            return false;
        };
        self.note("reading", "status", "taken", end.flow.clone());
        self.understood();
        if end.acted {
            self.tell_done(end);
        } else {
            self.say_pattern(Pattern::StatusNothing, &[]);
        }
        self.listen();
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_things_stand_is_asked_in_few_words() {
        for text in [
            "no wait did that go thru",
            "so nothings been moved right?",
            "phew. is it all still working then",
            "is this changed yet? youre slow",
            "has it been sent",
            "seguro que no se ha enviado nada?",
            "entonces sigue funcionando no?",
            "¿ya está hecho?",
        ] {
            assert!(asks_status(text), "{text}");
        }
        for text in [
            "did my new card arrive",
            "Did you charge me?",
            "is the branch open on Sunday?",
            "has my salary been paid in",
            "is it about my balance",
            "no",
            "have you got a mortgage for me",
            "¿ha llegado mi tarjeta?",
        ] {
            assert!(!asks_status(text), "{text}");
        }
    }
}
