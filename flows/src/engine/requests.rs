//! Several requests in one message: the first is served, the others wait for their turn.

use super::event::Reading;
use super::state::Pending;
use super::topic::ARTICLE;
use super::turn::{Said, Turn};
use crate::bundle::Pattern;
use crate::value::Value;

impl Turn<'_> {
    /// The requests of a message that the bot can serve, each sure enough, in the message's order; none
    /// where there are fewer than two, or while a flow is going on: then a message is an answer first.
    fn requests(&self, reading: Option<&Reading>, said: &Said) -> Vec<Pending> {
        let Some(reading) = reading.filter(|r| !r.degraded && self.state.frames.is_empty()) else {
            return Vec::new();
        };
        let turn = super::topic::changes_mind(&said.text);
        let served = |topic: &str| topic.starts_with(ARTICLE) || self.flow_of(topic).is_some();
        let requests: Vec<Pending> = reading
            .requests
            .iter()
            .filter(|part| part.probability >= self.bar(&part.intent) && served(&part.intent))
            .filter(|part| turn.is_none_or(|turn| part.end > turn))
            .filter_map(|part| {
                let inside = part.start..part.end;
                let mut entities = said.entities.clone();
                entities.retain(|e| inside.start <= e.start && e.end <= inside.end);
                Some(Pending {
                    topic: part.intent.clone(),
                    probability: part.probability,
                    text: said.text.get(inside)?.to_owned(),
                    entities,
                })
            })
            .collect();
        if requests.len() < 2 {
            return Vec::new();
        }
        requests
    }

    /// Serves the first request of a message that has several, and remembers the others; true where it
    /// has.
    pub(super) fn heard_requests(&mut self, reading: Option<&Reading>, said: &Said) -> bool {
        let mut requests = self.requests(reading, said);
        if requests.is_empty() {
            return false;
        }
        let first = requests.remove(0);
        for later in &requests {
            let p = later.probability;
            self.note("request", later.topic.clone(), "held", format!("{p:.3}"));
        }
        self.state.pending = requests;
        self.serve_request(first);
        true
    }

    /// Serves what the customer asked for beside what is done now; true where there was something.
    pub(super) fn next_request(&mut self) -> bool {
        if self.state.pending.is_empty() {
            return false;
        }
        let next = self.state.pending.remove(0);
        let title = Value::Text(self.option_title(&next.topic));
        self.say_pattern(Pattern::NextRequest, &[("title", title)]);
        self.serve_request(next);
        true
    }

    fn serve_request(&mut self, request: Pending) {
        let p = request.probability;
        self.note("request", request.topic.clone(), "taken", format!("{p:.3}"));
        request.text.clone_into(&mut self.state.last_text);
        let said = Said {
            text: request.text,
            entities: request.entities,
        };
        self.serve(&request.topic, p, &said);
    }
}
