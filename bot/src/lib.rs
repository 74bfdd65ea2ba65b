//! The Bellhop program: joins channels, understanding, flows, knowledge and people.
//!
//! One message flows through it in a straight line: connector, intake, mailbox, understanding,
//! policy, flow, effects, commit, reply. ARCHITECTURE.md draws it.

pub mod config;
pub mod model;
