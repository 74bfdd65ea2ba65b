//! The Bellhop program: joins channels, understanding, flows, knowledge and people.
//!
//! One message flows through it in a straight line: connector, intake, mailbox, understanding,
//! policy, flow, effects, commit, reply. ARCHITECTURE.md draws it.

pub mod actions;
pub mod app;
mod audit;
mod auditor;
pub mod bots;
mod breaker;
pub mod channels;
pub mod cli;
pub mod clock;
pub mod config;
pub mod conversation;
mod decide;
mod delivery;
pub mod demo;
mod dispatch;
pub mod encoding;
pub mod error;
pub mod events;
pub mod folder;
pub mod gate;
pub mod handoff;
mod hub;
mod inspect;
mod intake;
pub mod kb_adapter;
pub mod load;
mod mailbox;
pub mod model;
pub mod nlu_adapter;
pub mod outbox;
pub mod partition;
mod patience;
mod plain;
mod positions;
pub mod privacy;
pub mod retention;
pub mod roles;
mod roster;
mod rules;
mod secrets;
pub mod server;
pub mod setting;
pub mod staff;
pub mod store;
mod turn;
pub mod understand;
