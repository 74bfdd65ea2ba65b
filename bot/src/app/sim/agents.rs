//! Agents: they take who waits, talk, hand on, and some of them vanish.

use std::sync::Arc;

use super::oracle;
use super::random::Random;
use super::world::{Told, World};
use crate::app::AtDesk;
use crate::error::{ServiceError, TakeError};
use crate::staff::{Agent, Role};

/// Times that a request is sent again before its sender gives up.
const TRIES: usize = 30;

/// An agent at the desk.
pub(super) struct AtWork {
    world: Arc<World>,
    random: Random,
    agent: Agent,
    /// Their page, at one of the processes.
    page: Option<AtDesk>,
    said: u64,
}

/// How taking went.
enum Take {
    Theirs,
    NotTheirs,
}

/// Comes to the desk and works until it is late.
pub(super) async fn work(world: Arc<World>, mut random: Random, name: String) {
    let Some(agent) = sign_in(&world, &mut random, &name).await else {
        return;
    };
    let (page, said) = (None, 0);
    let mut it = AtWork {
        world,
        random,
        agent,
        page,
        said,
    };
    for _ in 0..it.random.between(10, 40) {
        if it.page.is_none() {
            it.page = it.opens_page().await;
        }
        tokio::time::sleep(it.random.millis(50, 3_000)).await;
        if let Some(handoff) = it.chooses().await {
            it.serves(handoff).await;
        }
    }
}

async fn sign_in(world: &World, random: &mut Random, name: &str) -> Option<Agent> {
    for _ in 0..TRIES {
        let entered = world.ask(random, |app| async move {
            let code = app.staff_invite(name, Role::Agent).await?;
            let session = app.staff_sign_in(&code).await?;
            app.set_available(&session.agent, true).await?;
            Ok(session.agent)
        });
        match entered.await {
            Told::Yes(agent) => return Some(agent),
            // The code may be used up though nobody heard of it: another one.
            Told::No(_) | Told::Unknown => tokio::time::sleep(random.millis(50, 1_000)).await,
        }
    }
    None
}

impl AtWork {
    async fn opens_page(&mut self) -> Option<AtDesk> {
        let agent = self.agent.clone();
        let opened = self.world.ask(
            &mut self.random,
            |app| async move { Ok(app.at_desk(&agent)) },
        );
        match opened.await {
            Told::Yes(page) => Some(page),
            Told::No(_) | Told::Unknown => None,
        }
    }

    /// Somebody who waits: mostly the first, as all others choose.
    async fn chooses(&mut self) -> Option<String> {
        let waiting = self
            .world
            .ask(&mut self.random, |app| async move { app.queue().await });
        let Told::Yes(waiting) = waiting.await else {
            return None;
        };
        let first = waiting.first()?;
        let chosen = if self.random.chance(7_000) {
            first
        } else {
            self.random.pick(&waiting)
        };
        Some(chosen.handoff_id.clone())
    }

    async fn serves(&mut self, handoff: String) {
        if !matches!(self.takes(&handoff).await, Some(Take::Theirs)) {
            return;
        }
        for _ in 0..self.random.below(4) {
            tokio::time::sleep(self.random.millis(0, 2_000)).await;
            if self.random.chance(2_000) {
                self.notes(&handoff).await;
            } else {
                self.says(&handoff).await;
            }
        }
        match self.random.below(10) {
            0..3 => self.ends(&handoff, End::Return).await,
            3..6 => self.ends(&handoff, End::WrapUp).await,
            6..8 => self.ends(&handoff, End::Transfer).await,
            _ => self.vanishes(&handoff).await,
        }
    }

    async fn takes(&mut self, handoff: &str) -> Option<Take> {
        for _ in 0..TRIES {
            let agent = self.agent.clone();
            let taken = self.world.ask(&mut self.random, |app| async move {
                match app.take(handoff, &agent).await {
                    Ok(_) => Ok(Take::Theirs),
                    Err(TakeError::AlreadyTaken { .. }) => Ok(Take::NotTheirs),
                    Err(TakeError::Service(error)) => Err(error),
                }
            });
            match taken.await {
                Told::Yes(Take::Theirs) => {
                    let taken = (handoff.to_owned(), self.agent.id.clone());
                    self.world.lock().oracle.taken.push(taken);
                    return Some(Take::Theirs);
                }
                Told::Yes(Take::NotTheirs) => {
                    self.world.lock().figures.takes_lost += 1;
                    return Some(Take::NotTheirs);
                }
                Told::No(ServiceError::Conflict { .. }) => return None,
                Told::No(error) => {
                    self.odd("take", handoff, &error);
                    return None;
                }
                Told::Unknown => tokio::time::sleep(self.random.millis(10, 1_000)).await,
            }
        }
        None
    }

    /// Says something, under the same id until it is acknowledged.
    async fn says(&mut self, handoff: &str) {
        self.said += 1;
        let id = format!("{}-{}", self.agent.name, self.said);
        let text = format!("word {}", self.said);
        for _ in 0..TRIES {
            let (agent, id, text) = (&self.agent, &*id, &*text);
            let said = self.world.ask(&mut self.random, |app| async move {
                app.agent_say(handoff, agent, id, text).await
            });
            match said.await {
                Told::Yes(accepted) => {
                    let conversation = handoff.split('-').next().unwrap_or_default().to_owned();
                    let (id, text, seq) = (id.to_owned(), text.to_owned(), accepted.seq);
                    let told = oracle::Told {
                        id,
                        text,
                        conversation,
                        seq,
                    };
                    // In each conversation an order of its own.
                    let sender = format!("{} in {}", self.agent.name, told.conversation);
                    return self.world.lock().oracle.acknowledge(&sender, told);
                }
                Told::No(ServiceError::Conflict { .. } | ServiceError::Closed) => {
                    self.world.lock().oracle.refused.insert(id.to_owned());
                    return;
                }
                Told::No(error) => return self.odd("say", handoff, &error),
                Told::Unknown => tokio::time::sleep(self.random.millis(10, 1_000)).await,
            }
        }
    }

    async fn notes(&mut self, handoff: &str) {
        let agent = &self.agent;
        let noted = self.world.ask(&mut self.random, |app| async move {
            app.agent_note(handoff, agent, "a note").await
        });
        if let Told::No(error) = noted.await {
            self.odd("note", handoff, &error);
        }
    }

    async fn ends(&mut self, handoff: &str, how: End) {
        for _ in 0..TRIES {
            let agent = &self.agent;
            let ended = self.world.ask(&mut self.random, |app| async move {
                match how {
                    End::Return => app.return_to_bot(handoff, agent, None).await,
                    End::WrapUp => app.wrap_up(handoff, agent, "done", true).await,
                    End::Transfer => {
                        app.transfer(handoff, agent, "experts", "look").await?;
                        Ok(())
                    }
                }
            });
            match ended.await {
                // Somebody else's by now, or ended by the try before, or the customer has left.
                Told::Yes(()) | Told::No(ServiceError::Conflict { .. } | ServiceError::Closed) => {
                    return;
                }
                Told::No(error) => return self.odd("end", handoff, &error),
                Told::Unknown => tokio::time::sleep(self.random.millis(10, 1_000)).await,
            }
        }
    }

    /// Their page goes, and they come back long after, still with the conversation in their mind.
    async fn vanishes(&mut self, handoff: &str) {
        self.page = None;
        tokio::time::sleep(self.random.millis(1_000, 120_000)).await;
        self.says(handoff).await;
    }

    fn odd(&self, what: &str, handoff: &str, error: &ServiceError) {
        let name = &self.agent.name;
        self.world
            .violated(format!("{name}, {what} of {handoff}: {error}"));
    }
}

/// How an agent is done with somebody.
#[derive(Debug, Clone, Copy)]
enum End {
    Return,
    WrapUp,
    Transfer,
}
