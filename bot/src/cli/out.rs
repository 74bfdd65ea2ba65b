//! Printing: results to standard output, everything else to standard error. A closed pipe is no
//! reason to panic.

use std::io::Write;

/// Prints a line of the result.
pub(super) fn line(text: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{text}");
}

/// Prints a line beside the result.
pub(super) fn warn(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
