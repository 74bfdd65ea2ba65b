use std::time::Duration;

use super::*;
use crate::app::App;
use crate::app::rig::Rig;
use crate::audit::{Act, By};
use crate::staff::Role;
use crate::store::tamper;

/// A store with a log of seven entries; the fourth is Mia's invitation.
async fn seven(rig: &Rig) -> App {
    let app = rig.start().await;
    app.note_start(&["listen".to_owned()])
        .await
        .expect("written");
    for name in ["Ada", "Bob", "Mia", "Sam", "Tom", "Uma"] {
        app.staff_invite(name, Role::Agent).await.expect("a code");
    }
    app
}

#[tokio::test]
async fn what_is_done_is_chained_and_the_chain_holds() {
    let rig = Rig::new();
    let app = seven(&rig).await;
    let auditor = &app.services.auditor;
    let entries = auditor.entries().await.expect("reads");
    let names: Vec<_> = entries.iter().map(|it| it.on.as_deref()).collect();
    let invited = ["Ada", "Bob", "Mia", "Sam", "Tom", "Uma"].map(Some);
    assert_eq!(names, [&[None], &invited[..]].concat());
    assert_eq!(entries[0].detail["settings"], "listen");
    let verified = auditor.verify(&[]).await.expect("reads");
    assert_eq!((verified.entries, verified.last.seq), (7, 7));
    assert_eq!(verified.found, Vec::<String>::new());
    // It is the same after a start, and goes on.
    app.shutdown().await;
    let app = rig.start().await;
    app.staff_invite("Vic", Role::Agent).await.expect("a code");
    let noted = [verified.last];
    let verified = app.services.auditor.verify(&noted).await.expect("reads");
    assert_eq!((verified.entries, verified.found.len()), (8, 0));
}

#[tokio::test]
async fn of_many_who_write_at_once_in_several_processes_nobody_is_lost() {
    let rig = Rig::new();
    let app = rig.start().await;
    let store = &app.services.store;
    // Each has a turn of its own, as another process has.
    let processes = [0, 1, 2].map(|_| Auditor::new(store.clone(), rig.clock.clone()));
    let all = (0..60).map(|number| {
        let auditor = processes[number % 3].clone();
        async move {
            let deed = Deed::new(By::Program, Act::Read).on(&number.to_string());
            auditor.write(&deed).await
        }
    });
    let written = futures_util::future::join_all(all).await;
    assert!(written.iter().all(Result::is_ok), "{written:?}");
    let entries = app.services.auditor.entries().await.expect("reads");
    let mut numbers: Vec<u32> = entries
        .iter()
        .map(|it| it.on.as_ref().expect("a number").parse().expect("a number"))
        .collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..60).collect::<Vec<_>>());
    let verified = app.services.auditor.verify(&[]).await.expect("reads");
    assert_eq!((verified.entries, verified.found.len()), (60, 0));
}

#[tokio::test]
async fn what_was_changed_taken_out_or_put_in_is_found_and_told_where() {
    const LOG: &str = "kind = 'audit' AND seq";
    let put = "CAST(replace(CAST(body AS TEXT), 'Mia', 'Eve') AS BLOB)";
    let insert = "(pid, seq, at, kind, cause, body) SELECT pid";
    let cases = [
        (
            format!("UPDATE log SET body = {put} WHERE {LOG} = 4"),
            "entry 4 was changed: entry 5 was chained to another in its place",
        ),
        (
            format!("UPDATE log SET body = CAST('{{}}' AS BLOB) WHERE {LOG} = 4"),
            "entry 4: a stored audit entry can't be read",
        ),
        (
            format!("UPDATE log SET at = at + 1 WHERE {LOG} = 4"),
            "entry 4 is not kept as it was written",
        ),
        (
            format!("DELETE FROM log WHERE {LOG} = 4"),
            "entry 4 is missing",
        ),
        (
            format!("DELETE FROM log WHERE {LOG} BETWEEN 1 AND 3"),
            "entries 1 to 3 are missing",
        ),
        (
            // What came after closes up, as if it had never been there.
            format!(
                "DELETE FROM log WHERE {LOG} = 4; UPDATE log SET seq = seq + 100 WHERE {LOG} > 4;
                 UPDATE log SET seq = seq - 101 WHERE {LOG} > 100;"
            ),
            "entry 4 was written as entry 5: an entry was put in or taken out before it",
        ),
        (
            format!(
                "UPDATE log SET seq = seq + 100 WHERE {LOG} > 4; UPDATE log SET seq = seq - 99 WHERE {LOG} > 100;
                 INSERT INTO log {insert}, 5, at, kind, cause, {put} FROM log WHERE {LOG} = 4;"
            ),
            "entry 5 was written as entry 4: an entry was put in or taken out before it",
        ),
        (
            format!("DELETE FROM log WHERE {LOG} > 5"),
            "entry 7 is missing: the log ends at 5",
        ),
        (
            format!("UPDATE log SET body = CAST(replace(CAST(body AS TEXT), 'Uma', 'Eve') AS BLOB) WHERE {LOG} = 7"),
            "entry 7 was changed: its hash is not the one that was noted",
        ),
    ];
    for (harm, told) in cases {
        let rig = Rig::new();
        let app = seven(&rig).await;
        tamper(&rig.store(), &harm);
        let found = app.services.auditor.verify(&[]).await.expect("reads").found;
        let first = found.first().map(String::as_str).unwrap_or_default();
        assert!(first.starts_with(told), "{harm}: {found:?}");
    }
}

#[tokio::test]
async fn a_log_that_was_made_anew_is_found_by_what_was_noted_of_it() {
    let (rig, other) = (Rig::new(), Rig::new());
    let noted = seven(&rig).await.services.auditor.verify(&[]).await;
    let noted = noted.expect("reads").last;
    let app = other.start().await;
    for name in ["Ada", "Bob", "Mia", "Sam", "Tom", "Uma", "Vic", "Wim"] {
        app.staff_invite(name, Role::Agent).await.expect("a code");
    }
    let auditor = &app.services.auditor;
    assert_eq!(auditor.verify(&[]).await.expect("reads").found.len(), 0);
    let found = auditor.verify(&[noted]).await.expect("reads").found;
    assert_eq!(
        found,
        ["entry 7 was changed: its hash is not the one that was noted"]
    );
}

#[tokio::test]
async fn old_entries_are_forgotten_from_the_front_which_is_an_entry_and_the_rest_still_verifies() {
    let rig = Rig::new();
    let app = seven(&rig).await;
    let auditor = &app.services.auditor;
    let day = Duration::from_secs(86_400);
    rig.clock.advance(day * 2);
    app.staff_invite("Vic", Role::Agent).await.expect("a code");
    let left = async || {
        app.services.forget_old().await.expect("forgets");
        let entries = auditor.entries().await.expect("reads");
        let names = entries.into_iter().map(|it| it.on.unwrap_or_default());
        names.collect::<Vec<_>>()
    };
    // They are old after two years, and go once they have been for a day.
    rig.clock.advance(day * (2 * 365 - 1));
    assert_eq!(left().await.len(), 8);
    rig.clock.advance(Duration::from_secs(1));
    // That they were forgotten is the last.
    assert_eq!(left().await, ["Vic", ""]);
    let first = auditor.verify(&[]).await.expect("reads");
    assert_eq!((first.entries, first.last.seq), (2, 9));
    rig.clock.advance(day * 800);
    assert_eq!(left().await, [""]);
    assert_eq!(left().await, [""]);
    app.staff_invite("Wim", Role::Agent).await.expect("a code");
    let verified = auditor.verify(&[]).await.expect("reads");
    assert_eq!((verified.entries, verified.last.seq), (2, 11));
    assert_eq!(verified.found, Vec::<String>::new());
    let found = auditor.verify(&[first.last]).await.expect("reads").found;
    let told = "entry 9 was noted and is forgotten: compare with a later one";
    assert_eq!(found, [told]);
    // What is the oldest now can't be taken out as if it had been forgotten.
    tamper(
        &rig.store(),
        "UPDATE docs SET body = (SELECT CAST(json_object('seq', 10, 'hash', json_extract(CAST(body AS TEXT), '$.prev')) AS BLOB)
             FROM log WHERE kind = 'audit' AND seq = 11) WHERE name = 'forgotten';
         DELETE FROM log WHERE kind = 'audit' AND seq = 10",
    );
    let found = auditor.verify(&[]).await.expect("reads").found;
    let told = "what came up to entry 10 was taken out: no entry says that it was forgotten";
    assert_eq!(found, [told]);
}
