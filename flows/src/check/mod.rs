//! What looks wrong in a bot whose every name is resolved: one finding, one file. Looked for only
//! when there are no errors.

mod buttons;
mod confirm;
mod cycles;
mod examples;
mod ladders;
mod loops;
mod privacy;
mod reach;
mod secrets;
mod slots;
mod steps;
mod tests_of_bot;
mod triggers;
mod unused;
mod values;

use crate::bundle::Bundle;
use crate::diag::Diagnostic;

/// All findings, in no particular order.
pub fn check(bundle: &Bundle) -> Vec<Diagnostic> {
    let mut out = Vec::new();
    buttons::find(bundle, &mut out);
    confirm::find(bundle, &mut out);
    cycles::find(bundle, &mut out);
    examples::find(bundle, &mut out);
    ladders::find(bundle, &mut out);
    loops::find(bundle, &mut out);
    privacy::find(bundle, &mut out);
    reach::find(bundle, &mut out);
    secrets::find(bundle, &mut out);
    slots::find(bundle, &mut out);
    steps::find(bundle, &mut out);
    tests_of_bot::find(bundle, &mut out);
    triggers::find(bundle, &mut out);
    unused::find(bundle, &mut out);
    values::find(bundle, &mut out);
    out
}

#[cfg(test)]
mod tests;
