//! Tests of the engine on a small bank built by hand.

mod bank;
mod begin;
mod collected;
mod flow;
mod kit;
mod person;
mod random;
mod reading;
