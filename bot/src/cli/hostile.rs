//! `bellhop bench hostile`: what the worst messages cost beside usual ones. Each kind is sent through a whole bot, from the gate to
//! the store, by a process of its own, so that none finds memory that another has left behind.

use std::process::{Command, ExitCode};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::{Deserialize, Serialize};

use super::args::Hostile;
use super::out::line;
use super::{compiled, mind, runtime};
use crate::actions::Actions;
use crate::app::{App, Options, Parts};
use crate::clock::{Clock, Stopwatch};
use crate::config::Config;
use crate::conversation::{Inbound, InboundBody, NewConversation};
use crate::store::StoreAddress;

/// Length of a hostile message, bytes: the longest that is taken.
const BYTES: usize = 16 * 1024;
/// Longest wait for an answer: here nothing is cut off.
const PATIENCE: Duration = Duration::from_secs(600);
/// Times that each kind is said.
const ROUNDS: usize = 5;
/// More than this is too much: times the cost of a usual message, and bytes of memory.
const MOST_TIMES: f64 = 20.0;
const MOST_BYTES: u64 = 8 << 20;

/// What customers write. Each is said once: a message that came before is read faster.
const USUAL: [&str; 24] = [
    "what's my balance please, and is there anything left of the savings?",
    "hi, my card was declined at the supermarket this morning and I don't know why",
    "how much does an overdraft cost if I only need it for a few days?",
    "can I book an appointment at the Leeds branch next tuesday at half past two",
    "I'd like to transfer 50 pounds to my savings on friday",
    "somebody used my card in Madrid and I have never been there",
    "is the branch in Harbour Street open on Sunday morning?",
    "I moved house last week, my new address is 12 Station Road",
    "why was I charged £3.50 on the second of March?",
    "quiero saber cuánto dinero me queda en la cuenta corriente",
    "perdí mi tarjeta ayer en el tren, ¿qué hago ahora?",
    "please block the card that ends in 4821, I can't find it",
    "I never got the statement that you promised me by email",
    "could you raise my limit to 2000 euros for the holidays?",
    "what do you need from me to open an account for my daughter?",
    "the app logs me out each time I try to pay somebody",
    "do you charge anything when I pay abroad with the debit card?",
    "I want to talk to a person about my mortgage, not to a machine",
    "there is a payment of 42 dollars here that I don't recognise",
    "when does the standing order to my landlord go out?",
    "I made a mistake in the sort code of a payment yesterday",
    "how long does it take until a new card is in the post?",
    "can my wife use the account too, and what does that cost?",
    "thanks, that was all I needed to know about the savings account",
];

/// A kind of hostile message: its name, and the text that a number gives; the texts of 0, 1, 2 … one after the other fill it up.
type Kind = (&'static str, fn(usize) -> String);

const KINDS: [Kind; 36] = [
    ("unknown words", unknown),
    ("different one-letter words", |n| format!("{} ", letter(n))),
    ("one letter again and again", |_| "a ".to_owned()),
    ("one long word", |_| "x".to_owned()),
    ("digits", |n| (n % 10).to_string()),
    ("single digits", |n| format!("{} ", n % 10)),
    ("numbers", |n| format!("{} ", n * 7919 % 100_000)),
    ("numbers in words", |_| "twenty one thousand ".to_owned()),
    ("numbers in Spanish words", |_| {
        "veinte mil ciento dos ".to_owned()
    }),
    ("spelled", |_| "alpha bravo four double seven ".to_owned()),
    ("sums", |n| format!("£{}.50 ", n % 1000)),
    ("dates", |n| format!("{} May 2027, ", n % 28 + 1)),
    ("days from now", |_| "next tuesday at 5pm ".to_owned()),
    ("lengths of time", |n| format!("{n} days ")),
    ("card numbers", |_| "4111 1111 1111 1111 ".to_owned()),
    ("phone numbers", |_| "+44 20 7946 0018 ".to_owned()),
    ("\"pin pin pin\"", |_| "pin ".to_owned()),
    ("passwords", |n| format!("pin is {n}x! ")),
    ("at signs", |_| "@".to_owned()),
    ("mail addresses", |n| format!("a{n}@b.co ")),
    ("web addresses", |_| "www.a.b.co.uk/x ".to_owned()),
    ("said web addresses", |_| "at dot slash www ".to_owned()),
    ("points", |_| "a.".to_owned()),
    ("dashes", |_| "1-".to_owned()),
    ("brackets", |_| "(".to_owned()),
    ("braces", |_| "{".to_owned()),
    ("nested quotes", |n| {
        if n.is_multiple_of(2) {
            "\"'".to_owned()
        } else {
            "“‘".to_owned()
        }
    }),
    ("emoji", |_| "👩‍👩‍👧‍👦".to_owned()),
    ("joiners", |n| {
        if n == 0 {
            "e".to_owned()
        } else {
            "\u{200d}".to_owned()
        }
    }),
    ("marks on one letter", |n| {
        if n == 0 {
            "e".to_owned()
        } else {
            "\u{301}".to_owned()
        }
    }),
    ("newlines", |n| {
        if n.is_multiple_of(8) {
            "a".to_owned()
        } else {
            "\n".to_owned()
        }
    }),
    ("right to left", |_| "\u{202e}שלום עולם ".to_owned()),
    ("names", |_| "my name is Ann Lee and ".to_owned()),
    ("clauses", |_| {
        "block my card, no, tell me my balance? ".to_owned()
    }),
    ("yes and no", |n| {
        if n.is_multiple_of(2) {
            "yes, ".to_owned()
        } else {
            "no, ".to_owned()
        }
    }),
    ("swearing", |_| "f u c k sh*t ".to_owned()),
];

/// A word that nobody knows; the same number gives the same word.
fn unknown(n: usize) -> String {
    let mut bits = (n as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let letters = (0..5 + n % 6).map(|_| {
        bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        char::from(b'a' + (bits >> 59) as u8 % 26)
    });
    letters.chain([' ']).collect()
}

/// One of some ten thousand letters.
fn letter(n: usize) -> char {
    let at = u32::try_from(n % 20_000).unwrap_or(0);
    char::from_u32(0x4e00 + at).unwrap_or('a')
}

/// The message of a kind.
fn message((_, part): Kind) -> String {
    let mut text = String::with_capacity(BYTES);
    for part in (0..).map(part) {
        if text.len() + part.len() > BYTES {
            break;
        }
        text.push_str(&part);
    }
    text
}

/// What a message cost.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
struct Cost {
    /// From the gate to the answer.
    micros: u64,
    /// Of that: reading, searching and the engine.
    nlu: u64,
    retrieval: u64,
    engine: u64,
    /// By how much memory grew at most; none where the system does not tell.
    bytes: Option<u64>,
}

/// What one process measured.
#[derive(Debug, Serialize, Deserialize)]
struct Measured {
    usual: Cost,
    hostile: Cost,
}

/// Runs it.
pub(super) fn run(config: &Config, args: &Hostile) -> Result<ExitCode> {
    if let Some(kind) = &args.only {
        let kind = KINDS.iter().find(|(name, _)| name == kind);
        let kind = kind.with_context(|| {
            let names: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
            format!("no such kind; there are {}", names.join(", "))
        })?;
        line(&serde_json::to_string(&measured(config, args, *kind)?)?);
        return Ok(ExitCode::SUCCESS);
    }
    line(&format!(
        "{:<28} {:>9} {:>6} {:>8} {:>8} {:>8} {:>8} {:>9}",
        format!("{BYTES} bytes of"),
        "ms",
        "times",
        "read",
        "search",
        "engine",
        "MiB",
        "usual ms"
    ));
    let mut too_much = 0;
    for (name, _) in KINDS {
        let Measured { usual, hostile } = by_another(name)?;
        let ms = |micros: u64| micros as f64 / 1e3;
        let times = hostile.micros as f64 / usual.micros.max(1) as f64;
        let is_fine = times <= MOST_TIMES && hostile.bytes.unwrap_or(0) <= MOST_BYTES;
        too_much += usize::from(!is_fine);
        line(&format!(
            "{name:<28} {:>9.2} {times:>6.1} {:>8.2} {:>8.2} {:>8.2} {:>8} {:>9.2}{}",
            ms(hostile.micros),
            ms(hostile.nlu),
            ms(hostile.retrieval),
            ms(hostile.engine),
            hostile.bytes.map_or_else(
                || "?".to_owned(),
                |bytes| format!("{:.1}", bytes as f64 / f64::from(1 << 20))
            ),
            ms(usual.micros),
            if is_fine { "" } else { "  too much" },
        ));
    }
    line(&format!(
        "{too_much} of {} kinds cost more than {MOST_TIMES} times a usual message or {} MiB",
        KINDS.len(),
        MOST_BYTES >> 20
    ));
    Ok(if too_much == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Has a fresh process, started as this one was, measure a kind.
fn by_another(kind: &str) -> Result<Measured> {
    let mut child = Command::new(std::env::current_exe().context("the program's own file")?);
    child
        .args(std::env::args_os().skip(1))
        .args(["--only", kind]);
    let out = child
        .output()
        .context("the program could not be started again")?;
    ensure!(
        out.status.success(),
        "{kind}: {}",
        String::from_utf8_lossy(&out.stderr).trim()
    );
    serde_json::from_slice(&out.stdout).with_context(|| format!("{kind}: what was measured"))
}

/// Measures usual messages and one of a kind.
fn measured(config: &Config, args: &Hostile, kind: Kind) -> Result<Measured> {
    let (folder, bundle) = compiled(args.bot.as_deref())?;
    let mind = mind(config, &folder, &bundle, None)?;
    let store = tempfile::tempdir().context("a folder for the store")?;
    let parts = Parts {
        understand: mind.reader(),
        retrieve: mind.retriever(),
        source: mind.source(&folder),
        bundle,
        actions: Actions::stub(),
        clock: Clock::System,
        store: StoreAddress::Sqlite(store.path().join("bellhop.db")),
        options: Options {
            nlu_timeout: PATIENCE,
            ..Options::default()
        },
    };
    let hostile = message(kind);
    runtime()?.block_on(async {
        let app = App::start(parts).await?;
        let mut usual = Vec::new();
        for text in USUAL {
            usual.push(said(&app, args.after.as_deref(), text).await?);
        }
        let mut worst = Vec::new();
        for _ in 0..ROUNDS {
            worst.push(said(&app, args.after.as_deref(), &hostile).await?);
        }
        app.shutdown().await;
        Ok(Measured {
            usual: middle(usual),
            hostile: middle(worst),
        })
    })
}

/// The cost in the middle, with the most memory of any.
fn middle(mut costs: Vec<Cost>) -> Cost {
    let bytes = costs.iter().filter_map(|cost| cost.bytes).max();
    costs.sort_by_key(|cost| cost.micros);
    let middle = costs.get(costs.len() / 2).copied().unwrap_or_default();
    Cost { bytes, ..middle }
}

/// Says something in a new conversation, after something else where that is wanted.
async fn said(app: &App, after: Option<&str>, text: &str) -> Result<Cost> {
    let new = NewConversation {
        channel: "web".to_owned(),
        ..NewConversation::default()
    };
    let id = app.open(new).await?.conversation_id;
    let say = |n: u32, text: &str| {
        let inbound = Inbound {
            client_msg_id: n.to_string(),
            body: InboundBody::Text {
                text: text.to_owned(),
            },
        };
        let (app, id) = (app, &id);
        async move {
            let seq = app.accept(id, inbound).await?.seq;
            app.reply(id, seq, PATIENCE).await
        }
    };
    if let Some(after) = after {
        say(0, after).await?;
    }
    let before = memory::begin();
    let watch = Stopwatch::start();
    say(1, text).await?;
    let micros = watch.micros();
    let bytes = memory::most()
        .zip(before)
        .map(|(most, before)| most.saturating_sub(before));
    let trace = app
        .trace(&id)
        .await?
        .pop()
        .context("a turn leaves a trace")?;
    Ok(Cost {
        micros,
        nlu: trace.micros.nlu,
        retrieval: trace.micros.retrieval,
        engine: trace.micros.engine,
        bytes,
    })
}

/// The memory of this process, as Linux tells it.
mod memory {
    /// Forgets the most that there ever was; gives what there is.
    pub(super) fn begin() -> Option<u64> {
        std::fs::write("/proc/self/clear_refs", "5").ok()?;
        status("VmRSS:")
    }

    /// The most that there was since.
    pub(super) fn most() -> Option<u64> {
        status("VmHWM:")
    }

    fn status(name: &str) -> Option<u64> {
        let status = std::fs::read_to_string("/proc/self/status").ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        let kib: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kib * 1024)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_fills_a_message_and_says_the_same_each_time() {
        let mut names = std::collections::BTreeSet::new();
        for kind in KINDS {
            let text = message(kind);
            assert!(text.len() <= BYTES && text.len() > BYTES - 64, "{}", kind.0);
            assert_eq!(text, message(kind));
            assert!(names.insert(kind.0), "{} is there twice", kind.0);
        }
        let words = message(KINDS[0]);
        let different: std::collections::BTreeSet<&str> = words.split_whitespace().collect();
        assert!(different.len() > 1_500, "{}", different.len());
    }
}
