//! `bellhop test`: a bot's own conversations, with the real NLU and stubs for the actions.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Context, Result};
use bellhop_flows::source::Sources;
use bellhop_flows::span::Span;
use bellhop_flows::testing::{self, TestResult};

use super::args::Test;
use super::out::{line, warn};
use super::world::RealWorld;
use super::{compiled, count, mind, place_of};
use crate::config::Config;

/// Runs it.
pub(super) fn run(config: &Config, args: &Test) -> Result<ExitCode> {
    let (folder, bundle) = compiled(Some(&args.bot))?;
    let mind = mind(config, &folder, &bundle, None)?;
    let mut world = RealWorld::new(&mind);
    let wanted = |name: &str| args.only.as_deref().is_none_or(|part| name.contains(part));
    let mut results = Vec::new();
    for test in bundle.tests.iter().filter(|test| wanted(&test.name)) {
        let result = testing::run(&bundle, test, &mut world);
        print(&result, &folder.sources, args.verbose);
        results.push(result);
    }
    for problem in &world.problems {
        warn(&format!("error: {problem}"));
    }
    if let Some(path) = &args.junit {
        std::fs::write(path, junit(&results, &folder.sources))
            .with_context(|| path.display().to_string())?;
    }
    let failed = results
        .iter()
        .filter(|result| !result.failures.is_empty())
        .count();
    line(&format!(
        "{}: {} passed, {failed} failed",
        count(results.len(), "test"),
        results.len() - failed
    ));
    let uncovered = if args.coverage {
        coverage(&results, &testing::all_steps(&bundle), &folder.sources)
    } else {
        0
    };
    let good = failed == 0 && uncovered == 0 && world.problems.is_empty();
    Ok(if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn print(result: &TestResult, sources: &Sources, verbose: bool) {
    let passed = result.failures.is_empty();
    if passed && !verbose {
        return;
    }
    line(&format!(
        "{} {}",
        if passed { "ok  " } else { "FAIL" },
        result.name
    ));
    for said in &result.transcript {
        line(&format!("       {said}"));
    }
    for failure in &result.failures {
        line(&format!(
            "  {}: {}",
            place_of(&failure.span, sources),
            failure.message
        ));
    }
}

fn coverage(results: &[TestResult], all: &[(String, Span)], sources: &Sources) -> usize {
    let covered: BTreeSet<&str> = results
        .iter()
        .flat_map(|result| result.covered.iter().map(String::as_str))
        .collect();
    let missing: Vec<_> = all
        .iter()
        .filter(|(step, _)| !covered.contains(step.as_str()))
        .collect();
    for (step, span) in &missing {
        line(&format!(
            "{}: step {step} is run by no test",
            place_of(span, sources)
        ));
    }
    line(&format!(
        "coverage: {} of {}",
        all.len() - missing.len(),
        count(all.len(), "step")
    ));
    missing.len()
}

/// The results as JUnit XML, the form that build servers read.
fn junit(results: &[TestResult], sources: &Sources) -> String {
    let failed = results
        .iter()
        .filter(|result| !result.failures.is_empty())
        .count();
    let mut xml = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"bellhop\" tests=\"{}\" failures=\"{failed}\">\n",
        results.len()
    );
    for result in results {
        let _ = write!(xml, "  <testcase name=\"{}\">", escape(&result.name));
        for failure in &result.failures {
            let text = format!("{}: {}", place_of(&failure.span, sources), failure.message);
            let _ = write!(xml, "<failure message=\"{}\"/>", escape(&text));
        }
        xml.push_str("</testcase>\n");
    }
    xml.push_str("</testsuite>\n");
    xml
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\n' => escaped.push_str("&#10;"),
            c if c.is_control() => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use bellhop_flows::source::SourceFile;
    use bellhop_flows::testing::Failure;

    use super::*;

    #[test]
    fn a_failure_is_placed_and_escaped() {
        let sources = Sources {
            files: vec![SourceFile {
                path: "tests/a.yaml".into(),
                text: "tests:\n  - é: x\n".into(),
            }],
        };
        let span = Span {
            file: 0,
            start: 13,
            end: 14,
        };
        assert_eq!(place_of(&span, &sources), "tests/a.yaml:2:6");
        let results = [TestResult {
            name: "a <b> & \"c\"".into(),
            failures: vec![Failure {
                span,
                message: "expected <x>".into(),
            }],
            transcript: Vec::new(),
            covered: Vec::new(),
        }];
        let xml = junit(&results, &sources);
        assert!(
            xml.contains("name=\"a &lt;b&gt; &amp; &quot;c&quot;\""),
            "{xml}"
        );
        assert!(
            xml.contains("tests/a.yaml:2:6: expected &lt;x&gt;"),
            "{xml}"
        );
        assert!(xml.contains("failures=\"1\""), "{xml}");
    }
}
