//! The flow language and its engine: a bot folder's files become a [`bundle::Bundle`], and
//! [`engine::step`] runs it.
//!
//! Pure: no I/O, no async, no clock, no random source, no model. Time, NLU readings, action results
//! and passages come in as events, so the same events give byte-equal output.

pub mod bundle;
pub mod check;
pub mod compile;
pub mod diag;
pub mod engine;
pub mod expr;
pub mod source;
pub mod span;
pub mod syntax;
pub mod template;
pub mod testing;
pub mod value;
