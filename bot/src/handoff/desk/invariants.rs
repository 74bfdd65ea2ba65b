//! Whatever customers and agents do, in whatever order: one owner at a time, no word from anyone else,
//! no place lost, one end for each handoff.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use rusqlite::Connection;

use super::tests::{agent, ask, desk, wanted};
use super::*;
use crate::outbox::CustomerEvent;
use crate::store::Store;

const CONVERSATIONS: usize = 3;
const AGENTS: [&str; 3] = ["Mia", "Bob", "Eve"];

/// Something that somebody does to the latest handoff of a conversation.
#[derive(Debug, Clone)]
enum Act {
    Ask(usize),
    NeverMind(usize),
    Take(usize, usize),
    Say(usize, usize, u8),
    Transfer(usize, usize),
    Return(usize, usize),
    WrapUp(usize, usize),
    Gone(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let c = 0..CONVERSATIONS;
    let both = (c.clone(), 0..AGENTS.len());
    let act = prop_oneof![
        3 => c.clone().prop_map(Act::Ask),
        1 => c.prop_map(Act::NeverMind),
        4 => both.clone().prop_map(|(c, a)| Act::Take(c, a)),
        4 => (both.clone(), 0_u8..3).prop_map(|((c, a), id)| Act::Say(c, a, id)),
        1 => both.clone().prop_map(|(c, a)| Act::Transfer(c, a)),
        1 => both.clone().prop_map(|(c, a)| Act::Return(c, a)),
        1 => both.prop_map(|(c, a)| Act::WrapUp(c, a)),
        1 => (0..AGENTS.len()).prop_map(Act::Gone),
    ];
    proptest::collection::vec(act, 1..60)
}

/// What must be the case, kept beside the store in the simplest way.
#[derive(Debug, Default)]
struct Model {
    owner: BTreeMap<usize, Owned>,
    asked: BTreeMap<usize, Timestamp>,
    said: BTreeMap<usize, BTreeSet<(usize, u8)>>,
    handoffs: BTreeMap<usize, u32>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Owned {
    #[default]
    Bot,
    Queue,
    Agent(usize),
}

impl Model {
    fn owner(&self, c: usize) -> Owned {
        self.owner.get(&c).copied().unwrap_or_default()
    }

    fn id(&self, c: usize) -> String {
        format!("h{c}-{:03}", self.handoffs.get(&c).copied().unwrap_or(0))
    }

    fn next_id(&mut self, c: usize) -> String {
        *self.handoffs.entry(c).or_default() += 1;
        self.id(c)
    }

    /// Does an act in the store and here; they must agree on whether it is allowed.
    fn act(&mut self, tx: &Transaction<'_>, act: &Act, now: i64) -> Result<(), StoreError> {
        let desk = desk(now);
        let theirs = |model: &Self, c: usize, a: usize| model.owner(c) == Owned::Agent(a);
        match *act {
            Act::Ask(c) if self.owner(c) == Owned::Bot => {
                let id = self.next_id(c);
                ask(tx, &desk, &format!("c{c}"), &id, &wanted("cards", 5))?;
                self.owner.insert(c, Owned::Queue);
                self.asked.insert(c, desk.now);
            }
            Act::Ask(_) => {}
            Act::NeverMind(c) => {
                if self.owner(c) == Owned::Queue {
                    conversations::give(tx, &format!("c{c}"), Owner::Bot)?;
                    self.owner.insert(c, Owned::Bot);
                }
                desk.withdraw(tx, &format!("c{c}"), false)?;
            }
            Act::Take(c, a) => {
                let taken = desk.take(tx, &self.id(c), &agent(AGENTS[a]));
                match self.owner(c) {
                    Owned::Queue => {
                        assert!(matches!(taken, Ok(Taken::Won(_))), "{taken:?}");
                        self.owner.insert(c, Owned::Agent(a));
                    }
                    Owned::Agent(has) if has == a => assert_eq!(taken, Ok(Taken::Theirs)),
                    Owned::Agent(has) => {
                        let by = AGENTS[has].to_owned();
                        assert_eq!(taken, Ok(Taken::Lost { by }));
                    }
                    Owned::Bot => assert!(taken.is_err(), "{taken:?}"),
                }
            }
            Act::Say(c, a, n) => {
                let said = desk.say(tx, &self.id(c), &agent(AGENTS[a]), &n.to_string(), "hi");
                let known = self.handoffs.contains_key(&c);
                let mine = self.said.entry(c).or_default();
                if known && mine.contains(&(a, n)) {
                    assert!(matches!(said, Ok((accepted, _)) if accepted.duplicate));
                } else {
                    assert_eq!(said.is_ok(), self.owner(c) == Owned::Agent(a), "{said:?}");
                    if said.is_ok() {
                        self.said.entry(c).or_default().insert((a, n));
                    }
                }
            }
            Act::Transfer(c, a) => {
                let old = self.id(c);
                let allowed = theirs(self, c, a);
                let new = if allowed { self.next_id(c) } else { "x".into() };
                let moved = desk.transfer(tx, &old, &agent(AGENTS[a]), (&new, "cards", ""));
                assert_eq!(moved.is_ok(), allowed, "{moved:?}");
                if allowed {
                    self.owner.insert(c, Owned::Queue);
                }
            }
            Act::Return(c, a) => {
                let done = desk.give_back(tx, &self.id(c), &agent(AGENTS[a]), None);
                self.ended(c, a, done);
            }
            Act::Gone(a) => {
                desk.requeue_abandoned(tx, &agent(AGENTS[a]).id)?;
                for owned in self.owner.values_mut() {
                    if *owned == Owned::Agent(a) {
                        *owned = Owned::Queue;
                    }
                }
            }
            Act::WrapUp(c, a) => {
                let done = desk.wrap_up(tx, &self.id(c), &agent(AGENTS[a]), "note", true);
                self.ended(c, a, done);
            }
        }
        Ok(())
    }

    /// An end by who has it works; by anyone else it changes nothing.
    fn ended(&mut self, c: usize, a: usize, done: Result<Rows, StoreError>) {
        if self.owner(c) == Owned::Agent(a) {
            assert!(matches!(&done, Ok(rows) if !rows.is_empty()), "{done:?}");
            self.owner.insert(c, Owned::Bot);
        } else {
            assert!(done.is_err() || done == Ok(Vec::new()), "{done:?}");
        }
    }

    fn check(&self, c: &Connection) -> Result<(), StoreError> {
        for n in self.handoffs.keys() {
            let id = format!("c{n}");
            let head = conversations::head(c, &id)?;
            let open = handoffs::open_of(c, &id)?;
            let of = |record: &Record| (record.stage.with_agent(), record.agent.clone());
            match (self.owner(*n), head.owner, open) {
                (Owned::Bot, Owner::Bot, None) => {}
                (Owned::Queue, Owner::Queue, Some(open)) => {
                    assert_eq!((open.stage, open.epoch), (Stage::Queued, head.epoch));
                    assert_eq!(Some(&open.requested_at), self.asked.get(n), "its age");
                }
                (Owned::Agent(a), Owner::Agent, Some(open)) => {
                    assert_eq!(of(&open), (true, Some(agent(AGENTS[a]).id)));
                    assert_eq!(open.epoch, head.epoch);
                    assert_eq!(Some(&open.requested_at), self.asked.get(n), "its age");
                }
                other => panic!("{other:?}"),
            }
            let events = journal::visible(c, &id, 0, u64::MAX)?;
            let spoken = events.iter().filter(
                |event| matches!(event, CustomerEvent::Message(said) if said.from == Author::Agent),
            );
            assert_eq!(spoken.count(), self.said.get(n).map_or(0, BTreeSet::len));
        }
        let mut places = handoffs::places(c)?;
        queue::order(&mut places);
        for (position, place) in (1..).zip(&places) {
            assert_eq!(place.told, Some(position), "everyone knows their place");
        }
        let due = crate::store::outbox::due(c, Timestamp::MAX, u32::MAX)?;
        let statuses: Vec<Status> = due
            .iter()
            .map(|due| serde_json::from_str(&due.body).expect("a status"))
            .collect();
        let ids: BTreeSet<&str> = statuses.iter().map(|status| status.id.as_str()).collect();
        assert_eq!(ids.len(), statuses.len(), "each state of a handoff once");
        for (n, made) in &self.handoffs {
            for number in 1..=*made {
                let id = format!("h{n}-{number:03}");
                let ends = statuses.iter().filter(|status| {
                    status.handoff_id == id
                        && matches!(
                            status.state.as_str(),
                            "returned" | "completed" | "cancelled"
                        )
                });
                let over = number < *made || self.owner(*n) == Owned::Bot;
                assert_eq!(ends.count(), usize::from(over), "{id} ends once");
            }
        }
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn one_owner_no_word_from_others_no_place_lost_and_one_end(acts in acts()) {
        let dir = tempfile::tempdir().expect("a folder");
        let store = Store::open(&dir.path().join("bellhop.db")).expect("opens");
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut model = Model::default();
        for (now, act) in (0..).zip(&acts) {
            let act = act.clone();
            model = runtime
                .block_on(store.write(move |tx| {
                    model.act(tx, &act, now)?;
                    model.check(tx)?;
                    Ok(model)
                }))
                .expect("done");
        }
    }
}
