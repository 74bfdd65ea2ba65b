//! The Bellhop program: joins channels, understanding, flows, knowledge and people.
//!
//! One message flows through it in a straight line: connector, intake, mailbox, understanding,
//! policy, flow, effects, commit, reply. ARCHITECTURE.md draws it.

pub mod actions;
pub mod app;
pub mod clock;
pub mod config;
pub mod demo;
pub mod handoff;
mod hub;
mod intake;
pub mod kb_adapter;
mod mailbox;
pub mod model;
pub mod outbox;
pub mod store;
mod turn;
pub mod understand;
