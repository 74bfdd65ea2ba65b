//! Places in source files.

use serde::{Deserialize, Serialize};

/// A place in a source file of the bot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub struct Span {
    /// Index of the file in the bundle's `sources::Sources`.
    pub file: u32,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}
