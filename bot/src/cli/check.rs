//! `bellhop check`: everything that is wrong with a bot, each with its place.

use std::process::ExitCode;

use anyhow::Result;
use bellhop_flows::diag::{Severity, render_json, render_sarif, render_text};

use super::args::{Check, Format};
use super::count;
use super::out::{line, warn};
use crate::folder::BotFolder;
use crate::load::Checked;

/// Runs it.
pub(super) fn run(args: &Check) -> Result<ExitCode> {
    let folder = BotFolder::open(Some(&args.bot))?;
    let checked = Checked::of(&folder);
    let errors = checked.errors();
    let (found, sources) = (&checked.diagnostics, &checked.sources);
    match args.format {
        Format::Json => line(&render_json(found, sources)),
        Format::Sarif => line(&render_sarif(found, sources)),
        Format::Text => {
            let text = render_text(found, sources);
            if !text.is_empty() {
                line(text.trim_end());
            }
            let warnings = found
                .iter()
                .filter(|one| one.severity == Severity::Warning)
                .count();
            let articles = count(folder.articles.len(), "article");
            let judged = match &checked.bundle {
                Some(bundle) => format!(
                    "{}, {articles}, {}",
                    count(bundle.flows.len(), "flow"),
                    count(bundle.tests.len(), "test")
                ),
                None => articles,
            };
            warn(&format!(
                "{}: {}, {} ({judged})",
                args.bot.display(),
                count(errors, "error"),
                count(warnings, "warning"),
            ));
        }
    }
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
