use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::super::upkeep::Upkeep;
use super::*;
use crate::partition::{Kind, NewEntry, Prune};

struct Deaf;

impl Listener for Deaf {
    fn changed(&self, _: Notice) {}
    fn signalled(&self, _: &PartitionId, _: &[u8]) {}
}

fn open(path: &Path) -> Sqlite {
    Sqlite::open(path, Arc::new(Deaf)).expect("opens")
}

fn refusal(path: &Path) -> String {
    match Sqlite::open(path, Arc::new(Deaf)) {
        Err(error @ ServiceError::Store { .. }) => error.to_string(),
        Err(other) => panic!("not a store error: {other}"),
        Ok(_) => panic!("{} opened", path.display()),
    }
}

/// Makes a conversation with one long entry.
fn long(id: &str) -> Commit {
    let mut commit = Commit::new(PartitionId::conversation(id), None, Timestamp::UNIX_EPOCH);
    commit.append.push(NewEntry {
        kind: Kind::Message,
        cause: 0,
        body: Arc::from("word ".repeat(1000).into_bytes()),
    });
    commit
}

#[test]
fn a_missing_folder_is_made_and_the_file_opens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a/b/bellhop.db");
    drop(open(&path));
    assert!(path.exists());
    drop(open(&path));
}

#[tokio::test]
async fn one_process_at_a_time_serves_a_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    let first = open(&path);
    let said = refusal(&path);
    assert!(
        said.contains("bellhop.db") && said.contains("another server"),
        "{said}"
    );
    assert!(ensure_free(&path).is_err());
    // Commands get at it all the same, but for one that would fill it.
    let visit = |access| Sqlite::visit(&path, access, Arc::new(Deaf));
    assert!(visit(Access::Read).is_ok() && visit(Access::Write).is_ok());
    assert!(visit(Access::Create).is_err());
    // What it had begun is written, and then it is free, though somebody still holds on to the engine.
    first.close().await;
    assert!(ensure_free(&path).is_ok());
    let second = open(&path);
    assert!(ensure_free(&path).is_err());
    drop(second);
    drop(open(&path));
}

#[test]
fn what_is_no_store_is_refused_with_its_path_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    let text = "not a database, just a long enough text file\n".repeat(200);
    std::fs::write(&path, text).expect("writes");
    let said = refusal(&path);
    assert!(
        said.contains("notes.txt") && said.contains("not a database"),
        "{said}"
    );
    assert!(refusal(folder.path()).contains("this is a folder"));

    let foreign = folder.path().join("other.db");
    tamper(&foreign, "CREATE TABLE songs (title TEXT)");
    assert!(refusal(&foreign).contains("another program"));

    let newer = folder.path().join("newer.db");
    drop(open(&newer));
    tamper(&newer, "PRAGMA user_version = 99");
    assert!(refusal(&newer).contains("newer version (tables 99"));

    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("writes");
    assert!(refusal(&file.join("bellhop.db")).contains("folder"));
}

#[tokio::test]
async fn a_panicking_write_leaves_nothing_and_spares_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(&folder.path().join("bellhop.db"));
    let good = engine.commit(long("good"));
    let panics = engine.write_quietly::<(), _>(|tx| {
        writes::commit(tx, long("panics"))?;
        panic!("on purpose");
    });
    let last = engine.commit(long("last"));
    let (good, panics, last) = tokio::join!(good, panics, last);
    assert!(matches!(good, Ok(Committed::Done { .. })));
    assert!(matches!(panics, Err(StoreError::Engine(_))));
    assert!(matches!(last, Ok(Committed::Done { .. })));
    let kept = engine.partitions("", 9).await.expect("reads");
    let kept: Vec<_> = kept.iter().map(PartitionId::as_str).collect();
    assert_eq!(kept, ["good", "last"]);
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let engine = open(&folder.path().join("bellhop.db"));
    let limit = |pages: i64| {
        engine.write_quietly(move |tx| {
            tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
    };
    limit(60).await.expect("set");
    let mut kept = Vec::new();
    let refused = loop {
        let id = format!("{:03}", kept.len());
        match engine.commit(long(&id)).await {
            Ok(_) => kept.push(PartitionId::conversation(&id)),
            Err(error) => break error,
        }
    };
    assert_eq!(refused, StoreError::Full);
    limit(1_000_000).await.expect("set");
    let stored = engine.partitions("", 999).await.expect("reads");
    assert_eq!(stored, kept);
    assert!(engine.commit(long("after")).await.is_ok());
}

/// Counts what it hears.
#[derive(Default)]
struct Counts(AtomicUsize);

impl Listener for Counts {
    fn changed(&self, _: Notice) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
    fn signalled(&self, _: &PartitionId, _: &[u8]) {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_at_once_are_all_stored_and_told_and_closing_waits_for_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    let counts = Arc::new(Counts::default());
    let engine = Sqlite::open(&path, Arc::clone(&counts) as _).expect("opens");
    let engine = Arc::new(engine);
    let tasks = (0..500).map(|n| {
        let engine = Arc::clone(&engine);
        // Nobody waits for it: it is stored and told all the same.
        tokio::spawn(async move {
            let stored = engine.commit(long(&format!("{n:03}")));
            drop(tokio::time::timeout(std::time::Duration::from_millis(1), stored).await);
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.expect("no panic");
    }
    engine.close().await;
    assert_eq!(engine.commit(long("x")).await, Err(StoreError::ShutDown));
    let again = open(&path);
    let stored = again.partitions("", 999).await.expect("reads").len();
    assert!(stored > 0);
    assert_eq!(counts.0.load(Ordering::SeqCst), stored);
}

#[test]
fn what_is_old_is_found_without_reading_what_is_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    drop(open(&path));
    let connection = Connection::open(&path).expect("opens");
    for (sql, index) in [
        (prune::OVER, "partitions_over"),
        (prune::TRACES, "traces_by_time"),
        (prune::SEEN, "seen_by_time"),
    ] {
        let mut plan = connection
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .expect("SQL");
        let steps = plan.query_map([1, 2], |row| row.get::<_, String>(3));
        let steps: Vec<String> = steps.expect("runs").map(|it| it.expect("reads")).collect();
        assert!(steps.iter().any(|step| step.contains(index)), "{steps:?}");
        assert!(steps.iter().all(|step| !step.contains("SCAN")), "{steps:?}");
    }
}

#[tokio::test]
async fn a_file_of_version_2_learns_how_old_what_it_holds_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    let at = |seconds| Timestamp::from_second(seconds).expect("a time");
    let id = PartitionId::conversation("a");
    let contact = PartitionId::contact("chat", "", "+1");
    let engine = open(&path);
    for id in [&id, &contact] {
        let made = engine.commit(Commit::new(id.clone(), None, at(5))).await;
        made.expect("commits");
    }
    let message = Accept {
        partition: id.clone(),
        sender_id: "s".to_owned(),
        hash: [0; 16],
        at: at(10),
        body: Arc::from(*b"hi"),
        most_waiting: 1,
    };
    engine.accept(message.clone()).await.expect("taken");
    let mut turn = Commit::new(id.clone(), Some(1), at(11));
    turn.processed = Some(1);
    turn.trace = Some(Arc::from(*b"{}"));
    turn.close = true;
    engine.commit(turn).await.expect("commits");
    engine.close().await;
    // As version 2 had it.
    tamper(
        &path,
        "DROP INDEX partitions_over; DROP INDEX seen_by_time; DROP INDEX traces_by_time;
         ALTER TABLE seen DROP COLUMN at; ALTER TABLE traces DROP COLUMN at; PRAGMA user_version = 2",
    );
    let engine = open(&path);
    let seen = engine.accept(message).await;
    assert_eq!(seen, Ok(Accepted::Before { seq: 1 }));
    let before = |seconds, transcript| Prune {
        transcript_before: at(transcript),
        trace_before: at(seconds),
        seen_before: at(seconds),
    };
    let pruned = async |prune| {
        let pruned = engine.prune(prune, 9).await.expect("prunes");
        (pruned.partitions, pruned.traces, pruned.seen)
    };
    assert_eq!(pruned(before(10, 0)).await, (0, 0, 0));
    assert_eq!(pruned(before(11, 0)).await, (0, 1, 1));
    assert_eq!(pruned(before(11, 11)).await, (1, 0, 0));
    let day = 24 * 3_600;
    let due = async |days: i64| engine.due(at(5 + days * day), 9).await;
    assert_eq!(due(89).await, Ok(Vec::new()));
    assert_eq!(due(90).await, Ok(vec![contact.clone()]));
}

/// Makes some conversations.
async fn filled(path: &Path, conversations: u32) -> Sqlite {
    let engine = open(path);
    for n in 0..conversations {
        engine.commit(long(&format!("{n:03}"))).await.expect("made");
    }
    engine
}

#[tokio::test]
async fn a_backup_is_whole_is_checked_and_takes_no_files_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, to) = (folder.path().join("a.db"), folder.path().join("b.db"));
    let engine = filled(&path, 20).await;
    let made = backup(&path, &to).expect("made while the file is open");
    assert_eq!((made.partitions, made.entries), (20, 20));
    engine.commit(long("after")).await.expect("it goes on");
    let said = backup(&path, &to).expect_err("there is one").to_string();
    assert!(
        said.contains("b.db") && said.contains("there is a file"),
        "{said}"
    );
    assert!(!folder.path().join("b.db.part").exists());
    let copy = open(&to);
    let kept = copy.partitions("", 99).await.expect("reads").len();
    assert_eq!(kept, 20, "what came later is not in it");
    let nowhere = folder.path().join("no.db");
    assert!(backup(&nowhere, &folder.path().join("c.db")).is_err());
    assert!(!nowhere.exists() && !folder.path().join("c.db").exists());
}

#[tokio::test]
async fn pages_that_were_overwritten_are_found_by_the_check_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let engine = filled(&path, 60).await;
    engine.close().await;
    drop(engine);
    // Everything is in the file itself, not in its log.
    tamper(&path, "PRAGMA wal_checkpoint(TRUNCATE)");
    let visitor = |access| Sqlite::visit(&path, access, Arc::new(Deaf));
    let whole = visitor(Access::Read).expect("opens").verify().await;
    assert_eq!(whole, Ok(Vec::new()));
    let mut bytes = std::fs::read(&path).expect("reads");
    let pages = bytes.len() / 4096;
    for page in pages / 2..pages / 2 + 6 {
        bytes[page * 4096..(page + 1) * 4096].fill(0x5a);
    }
    std::fs::write(&path, &bytes).expect("writes");
    let engine = visitor(Access::Read).expect("the start does not read all of it");
    let found = engine.verify().await.expect("it can be looked at");
    assert!(!found.is_empty());
    assert!(found[0].place.ends_with("a.db") && found[0].todo.contains("backup"));
    drop(engine);
    let after = std::fs::read(&path).expect("reads");
    assert!(after == bytes, "it changed nothing");
}

#[tokio::test]
async fn a_visitor_finds_who_is_there_and_makes_and_migrates_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let visit = |access| Sqlite::visit(&path, access, Arc::new(Deaf));
    for access in [Access::Read, Access::Write] {
        assert!(visit(access).is_err());
        assert!(!path.exists());
    }
    assert_eq!(is_used(&path), Ok(false));
    let engine = filled(&path, 3).await;
    assert_eq!(is_used(&path), Ok(true));
    // Two at once: what one writes the other reads.
    let visitor = visit(Access::Write).expect("opens beside it");
    visitor.commit(long("theirs")).await.expect("writes");
    assert_eq!(engine.partitions("", 9).await.expect("reads").len(), 4);
    visitor.close().await;
    engine.close().await;
    drop((visitor, engine));
    assert_eq!(is_used(&path), Ok(false));
    tamper(&path, "PRAGMA user_version = 1");
    for access in [Access::Read, Access::Write] {
        let Err(refused) = visit(access) else {
            panic!("opened");
        };
        let refused = refused.to_string();
        assert!(refused.contains("version 1"), "{refused}");
    }
}

#[tokio::test]
async fn a_file_that_was_closed_is_alone_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let engine = filled(&path, 3).await;
    assert_eq!(engine.partitions("", 9).await.expect("reads").len(), 3);
    engine.close().await;
    let left = std::fs::read_dir(folder.path()).expect("reads");
    let mut left: Vec<_> = left.map(|it| it.expect("a name").file_name()).collect();
    left.sort();
    // The lock is of no use to anybody else.
    assert_eq!(
        left,
        ["a.db", "a.db-lock"],
        "nothing to be played into another file"
    );
    assert_eq!(
        engine.partitions("", 9).await,
        Err(StoreError::ShutDown),
        "nobody reads it any more"
    );
    #[cfg(unix)]
    {
        let rights = std::fs::metadata(&path).expect("is there").permissions();
        let mode = std::os::unix::fs::PermissionsExt::mode(&rights);
        assert_eq!(mode & 0o777, 0o600);
    }
}
