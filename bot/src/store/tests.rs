use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

fn store(folder: &Path) -> Store {
    Store::open(&folder.join("bellhop.db")).expect("a fresh store opens")
}

fn message(path: &Path) -> String {
    match Store::open(path) {
        Err(error @ ServiceError::Store { .. }) => error.to_string(),
        Err(other) => panic!("not a store error: {other}"),
        Ok(_) => panic!("{} opened", path.display()),
    }
}

fn put(tx: &Transaction<'_>, id: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO traces (conversation, seq, body) VALUES (?1, 1, '')",
        [id],
    )?;
    Ok(())
}

async fn stored(store: &Store) -> Vec<String> {
    store
        .read(|c| {
            let mut all = c.prepare("SELECT conversation FROM traces ORDER BY conversation")?;
            let rows = all.query_map([], |row| row.get(0))?;
            Ok(rows.collect::<Result<Vec<String>, _>>()?)
        })
        .await
        .expect("reads")
}

#[test]
fn a_missing_folder_is_made_and_the_file_opens_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a/b/bellhop.db");
    drop(Store::open(&path).expect("opens"));
    assert!(path.exists());
    drop(Store::open(&path).expect("opens again"));
}

#[test]
fn what_is_no_store_is_refused_with_its_path_and_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notes.txt");
    std::fs::write(
        &path,
        "not a database, just a long enough text file\n".repeat(200),
    )
    .expect("writes");
    let said = message(&path);
    assert!(
        said.contains("notes.txt") && said.contains("not a database"),
        "{said}"
    );

    assert!(message(folder.path()).contains("this is a folder"));

    let foreign = folder.path().join("other.db");
    let other = Connection::open(&foreign).expect("opens");
    other
        .execute_batch("CREATE TABLE songs (title TEXT)")
        .expect("a table");
    drop(other);
    assert!(message(&foreign).contains("another program"));

    let newer = folder.path().join("newer.db");
    drop(Store::open(&newer).expect("opens"));
    let other = Connection::open(&newer).expect("opens");
    other
        .pragma_update(None, "user_version", 99)
        .expect("a version");
    drop(other);
    assert!(message(&newer).contains("newer version (tables 99"));

    let file = folder.path().join("file");
    std::fs::write(&file, "x").expect("writes");
    assert!(message(&file.join("bellhop.db")).contains("folder"));
}

#[tokio::test]
async fn a_damaged_file_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("bellhop.db");
    let store = store(folder.path());
    for n in 0..200 {
        let id = format!("{n:0>200}");
        store.write(move |tx| put(tx, &id)).await.expect("stored");
    }
    store.shutdown().await;
    drop(store);
    let bytes = std::fs::read(&path).expect("reads");
    assert!(
        bytes.len() > 40_000,
        "the log was folded in: {}",
        bytes.len()
    );
    std::fs::write(&path, &bytes[..bytes.len() / 2]).expect("cuts");
    let said = message(&path);
    assert!(
        said.contains("damaged") && said.contains("restore a backup"),
        "{said}"
    );
}

#[tokio::test]
async fn a_refused_or_panicking_write_leaves_nothing_and_spares_the_others() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let good = store.write(|tx| put(tx, "good"));
    let refused = store.write(|tx| {
        put(tx, "refused")?;
        Err::<(), _>(ServiceError::Closed.into())
    });
    let panics = store.write::<(), _>(|tx| {
        put(tx, "panics")?;
        panic!("on purpose");
    });
    let last = store.write(|tx| put(tx, "last"));
    let (good, refused, panics, last) = tokio::join!(good, refused, panics, last);
    assert_eq!(good, Ok(()));
    assert_eq!(refused, Err(StoreError::Refused(ServiceError::Closed)));
    assert!(matches!(panics, Err(StoreError::Sql(_))));
    assert_eq!(last, Ok(()));
    assert_eq!(stored(&store).await, ["good", "last"]);
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_and_goes_on_when_there_is_room() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let limit = |pages: i64| {
        store.write(move |tx| {
            tx.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(()))?;
            Ok(())
        })
    };
    limit(40).await.expect("set");
    let mut kept = 0;
    let mut full = 0;
    for n in 0..40 {
        let id = format!("{n:0>9000}");
        match store.write(move |tx| put(tx, &id)).await {
            Ok(()) => kept += 1,
            Err(StoreError::Full) => full += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(kept > 0 && full > 0, "kept {kept}, full {full}");
    assert_eq!(stored(&store).await.len(), kept);
    limit(100_000).await.expect("set");
    store
        .write(|tx| put(tx, "after"))
        .await
        .expect("room again");
    assert_eq!(stored(&store).await.len(), kept + 1);
}

#[tokio::test]
async fn then_runs_after_the_commit_in_order_even_if_the_caller_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let order = Arc::new(Mutex::new(Vec::new()));
    for n in 0..50 {
        let order = Arc::clone(&order);
        let mut write = Box::pin(store.write_then(
            move |tx| put(tx, &format!("{n:03}")),
            move |()| lock(&order).push(n),
        ));
        // Handed over, then dropped without waiting for the answer.
        let polled = futures_util::poll!(&mut write);
        assert!(polled.is_pending() || n > 0);
    }
    store.write(|tx| put(tx, "last")).await.expect("stored");
    assert_eq!(*lock(&order), (0..50).collect::<Vec<_>>());
    assert_eq!(stored(&store).await.len(), 51);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_all_stored_and_shutdown_waits_for_them() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = store(folder.path());
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = Vec::new();
    for n in 0..500 {
        let (store, done) = (store.clone(), Arc::clone(&done));
        tasks.push(tokio::spawn(async move {
            let id = format!("{n:04}");
            store.write(move |tx| put(tx, &id)).await.expect("stored");
            done.fetch_add(1, Ordering::SeqCst);
        }));
    }
    for task in tasks {
        task.await.expect("no panic");
    }
    store.shutdown().await;
    assert_eq!(done.load(Ordering::SeqCst), 500);
    assert_eq!(stored(&store).await.len(), 500);
    let after = store.write(|tx| put(tx, "late")).await;
    assert_eq!(after, Err(StoreError::ShutDown));
}
