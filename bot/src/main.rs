//! `bellhop`: the command line.

use std::process::ExitCode;

fn main() -> ExitCode {
    bellhop::cli::main()
}
