//! Tests of the engine on a small bank built by hand.

mod bank;
mod begin;
mod flow;
mod kit;
mod person;
mod random;
mod reading;
