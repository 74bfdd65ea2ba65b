//! What heads make of phrases that they have not seen.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::Act;
use super::softmax::probabilities;

/// Shares of the probabilities that are looked at together.
const BINS: usize = 10;

/// A clause, cut where the table cuts it, that a head has not seen.
#[derive(Debug, Clone)]
pub(super) struct Clause {
    pub(super) language: &'static str,
    pub(super) text: String,
    pub(super) act: Act,
    pub(super) logits: Vec<f32>,
}

/// Everything that was judged.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) clauses: Vec<Clause>,
    messages: BTreeMap<&'static str, Counts>,
    /// Messages that agree and say more, and those of them read as agreeing alone; then those that agree alone, and
    /// those of them read so.
    agreed: [usize; 4],
    miscut: Vec<String>,
}

/// How messages of a language were cut and read.
#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    /// Cuts found that are right, cuts found, cuts to find.
    cuts: [usize; 3],
    /// Messages, those cut right, and those cut and read right.
    messages: [usize; 3],
}

impl Judged {
    /// Counts a message by its clauses: first byte, one past the last, act.
    pub(super) fn message(
        &mut self,
        language: &'static str,
        text: &str,
        wanted: &[(usize, usize, Act)],
        found: &[(usize, usize, Act)],
    ) {
        let starts = |all: &[(usize, usize, Act)]| -> Vec<usize> {
            all.iter().skip(1).map(|clause| clause.0).collect()
        };
        let (to_find, cuts) = (starts(wanted), starts(found));
        let counts = self.messages.entry(language).or_default();
        counts.cuts[0] += cuts.iter().filter(|at| to_find.contains(at)).count();
        counts.cuts[1] += cuts.len();
        counts.cuts[2] += to_find.len();
        counts.messages[0] += 1;
        counts.messages[1] += usize::from(cuts == to_find);
        counts.messages[2] += usize::from(wanted == found);
        let agrees = |all: &[(usize, usize, Act)]| all.iter().any(|c| c.2 == Act::Affirm);
        if agrees(wanted) {
            let at = if bare(wanted) { 2 } else { 0 };
            self.agreed[at] += 1;
            self.agreed[at + 1] += usize::from(agrees(found) && bare(found));
        }
        if cuts != to_find {
            let parts = found
                .iter()
                .map(|c| format!("[{}]({})", &text[c.0..c.1], c.2.name()));
            self.miscut.push(parts.collect::<Vec<_>>().join(" "));
        }
    }

    /// What the logits are to be multiplied by so that the truth is most probable.
    pub(super) fn scale(&self) -> f32 {
        let surprise = |scale: f32| -> f64 {
            let of = |clause: &Clause| {
                -probabilities(&clause.logits, scale)[clause.act as usize]
                    .max(1e-12)
                    .ln()
            };
            self.clauses.iter().map(of).sum()
        };
        // Every hundredth between a third and three, in steps of a hundredth of their logarithm.
        let scales = (-110..=110i16).map(|at| (f32::from(at) / 100.0).exp());
        let best = scales.min_by(|a, b| surprise(*a).total_cmp(&surprise(*b)));
        best.map_or(1.0, |scale| (scale * 1000.0).round() / 1000.0)
    }
}

/// Whether nothing is done that an agreement would not stand beside.
fn bare(all: &[(usize, usize, Act)]) -> bool {
    let polite = [Act::Affirm, Act::Thanks, Act::Greet, Act::Bye, Act::Chat];
    all.iter().all(|clause| polite.contains(&clause.2))
}

/// How well an act is found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct OfAct {
    /// Its name.
    pub act: String,
    /// Share of the clauses read as it that are.
    pub precision: f64,
    /// Share of its clauses that are read as it.
    pub recall: f64,
    /// Harmonic mean of the two.
    pub f1: f64,
    /// Its clauses.
    pub count: usize,
    /// What its clauses are most often taken for, with how many.
    pub taken_for: Vec<(String, usize)>,
}

/// What a training run came to. Every phrase was judged by a head that had seen four fifths of the others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// Messages trained on, and their clauses.
    pub trained_on: (usize, usize),
    /// Of clauses cut where the table cuts them.
    pub acts: Vec<OfAct>,
    /// By language: share of the clauses read right, and how many there are.
    pub accuracy: Vec<(String, f64, usize)>,
    /// Share of the clauses whose act is among the best two.
    pub best_two: f64,
    /// Mean of the acts' F1.
    pub macro_f1: f64,
    /// By language: F1 of the cuts, the share of messages cut right, and of those cut and read right throughout.
    pub cuts: Vec<(String, f64, f64, f64)>,
    /// Messages that agree and say more, and how many of them are read as agreeing alone; messages that agree alone, and
    /// how many of them are read so.
    pub agreed: [usize; 4],
    /// Mean distance of the best act's probability from the share that is right (expected calibration error).
    pub calibration: f64,
    /// What the logits are multiplied by.
    pub scale: f32,
    /// Clauses read wrong: the text, its act, what it was read as and how surely.
    #[serde(skip)]
    pub wrong: Vec<(String, String, String, f64)>,
    /// Messages cut wrong.
    #[serde(skip)]
    pub miscut: Vec<String>,
}

pub(super) fn report(judged: &Judged, scale: f32, messages: usize) -> Report {
    let mut table = vec![vec![0usize; Act::ALL.len()]; Act::ALL.len()];
    let mut of_language: BTreeMap<&str, [usize; 2]> = BTreeMap::new();
    let mut bins = [(0.0, 0.0, 0.0); BINS];
    let (mut second, mut wrong) = (0, Vec::new());
    for clause in &judged.clauses {
        let p = probabilities(&clause.logits, scale);
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|a, b| p[*b].total_cmp(&p[*a]));
        let (best, truth) = (order[0], clause.act as usize);
        table[truth][best] += 1;
        let right = best == truth;
        second += usize::from(order[..2].contains(&truth));
        let counts = of_language.entry(clause.language).or_default();
        counts[0] += usize::from(right);
        counts[1] += 1;
        let bin = bins
            .iter_mut()
            .rev()
            .zip((0..BINS).rev())
            .find(|(_, at)| p[best] * BINS as f64 >= *at as f64);
        if let Some((bin, _)) = bin {
            bin.0 += 1.0;
            bin.1 += p[best];
            bin.2 += f64::from(u8::from(right));
        }
        if !right {
            let name = |at: usize| Act::ALL[at].name().to_owned();
            wrong.push((clause.text.clone(), name(truth), name(best), p[best]));
        }
    }
    let acts: Vec<OfAct> = Act::ALL.iter().map(|act| of_act(*act, &table)).collect();
    let total = judged.clauses.len().max(1) as f64;
    Report {
        trained_on: (messages, judged.clauses.len()),
        macro_f1: acts.iter().map(|a| a.f1).sum::<f64>() / acts.len() as f64,
        acts,
        accuracy: of_language
            .into_iter()
            .map(|(language, [right, all])| (language.to_owned(), ratio(right, all), all))
            .collect(),
        best_two: second as f64 / total,
        cuts: judged
            .messages
            .iter()
            .map(|(language, Counts { cuts, messages })| {
                let f1 = ratio(2 * cuts[0], cuts[1] + cuts[2]);
                let share = |at: usize| ratio(messages[at], messages[0]);
                ((*language).to_owned(), f1, share(1), share(2))
            })
            .collect(),
        agreed: judged.agreed,
        calibration: bins
            .iter()
            .map(|(_, said, right)| (said - right).abs())
            .sum::<f64>()
            / total,
        scale,
        wrong,
        miscut: judged.miscut.clone(),
    }
}

fn of_act(act: Act, table: &[Vec<usize>]) -> OfAct {
    let own = act as usize;
    let right = table[own][own];
    let count: usize = table[own].iter().sum();
    let read: usize = table.iter().map(|row| row[own]).sum();
    let mut taken: Vec<(String, usize)> = Act::ALL
        .iter()
        .filter(|other| **other != act && table[own][**other as usize] > 0)
        .map(|other| (other.name().to_owned(), table[own][*other as usize]))
        .collect();
    taken.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    taken.truncate(3);
    OfAct {
        act: act.name().to_owned(),
        precision: ratio(right, read),
        recall: ratio(right, count),
        f1: ratio(2 * right, read + count),
        count,
        taken_for: taken,
    }
}

fn ratio(part: usize, of: usize) -> f64 {
    part as f64 / of.max(1) as f64
}

impl Report {
    /// The main figures, a line each.
    fn figures(&self) -> Vec<String> {
        let percent = |share: f64| format!("{:.1} %", share * 100.0);
        let mut out = Vec::new();
        for ((language, share, count), (_, f1, cut, whole)) in self.accuracy.iter().zip(&self.cuts)
        {
            out.push(format!(
                "{language}: {} of {count} clauses read right; F1 of the cuts {f1:.3}, {} of the messages cut right, {} \
                 cut and read right",
                percent(*share),
                percent(*cut),
                percent(*whole)
            ));
        }
        out.push(format!(
            "mean F1 {:.3}; the act is among the best two of {}; calibration error {:.3}",
            self.macro_f1,
            percent(self.best_two),
            self.calibration
        ));
        let [more, bare, alone, right] = self.agreed;
        out.push(format!(
            "of {more} messages that agree and say more, {bare} are read as agreeing alone; of {alone} that agree \
             alone, {right} are read so"
        ));
        out
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (messages, clauses) = self.trained_on;
        writeln!(
            f,
            "trained on {messages} messages of {clauses} clauses; each fifth judged by a head that had not seen it"
        )?;
        writeln!(
            f,
            "{:12} {:>6} {:>6} {:>6} {:>5}  most often taken for",
            "act", "P", "R", "F1", "n"
        )?;
        for act in &self.acts {
            let taken: Vec<String> = act
                .taken_for
                .iter()
                .map(|(name, n)| format!("{name} {n}"))
                .collect();
            writeln!(
                f,
                "{:12} {:6.3} {:6.3} {:6.3} {:5}  {}",
                act.act,
                act.precision,
                act.recall,
                act.f1,
                act.count,
                taken.join(", ")
            )?;
        }
        write!(f, "{}", self.figures().join("\n"))
    }
}
