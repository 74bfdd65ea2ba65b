//! The versions of a bot: the one that answers now, and those that answered before.
//!
//! What the engine was fed is kept with the version that it was fed to, and each version's files are in the store, so that a
//! conversation's state can be made again from its journal however often the files have changed since.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use sha2::{Digest, Sha256};

use bellhop_flows::bundle::Bundle;
use bellhop_flows::compile::{ArticleRef, compile};
use bellhop_flows::source::{SourceFile, Sources};

use crate::actions::Actions;
use crate::clock::Clock;
use crate::encoding::{Unreadable, decode, encode};
use crate::error::ServiceError;
use crate::partition::{Bytes, Commit, PartitionId, Snapshot};
use crate::store::{Store, StoreError};
use crate::understand::{Reader, Searcher};

/// Characters of a version: 64 bits of its hash. It is in every turn's entry, and a store sees few versions.
const VERSION_CHARS: usize = 16;
/// Prefix of the documents that hold a version's files.
pub(crate) const FILE: &str = "file/";
/// The document that holds the articles which its flows may name.
const ARTICLES: &str = "articles";

/// What a bot was made from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct BotSource {
    /// Its YAML files; none where the flows can't be compiled again, as in tests.
    pub files: Sources,
    /// The articles that its flows may name.
    pub articles: Vec<ArticleRef>,
    /// Changes with everything else that decides how it answers: examples, articles, the model.
    pub fingerprint: String,
}

/// One version of a bot: everything that decides how it answers.
pub(crate) struct Bot {
    /// Names it: the same files and the same model have the same version on every machine.
    pub(crate) version: Arc<str>,
    /// The compiled flows.
    pub(crate) bundle: Arc<Bundle>,
    /// Reads messages.
    pub(crate) reader: Reader,
    /// Finds passages.
    pub(crate) searcher: Searcher,
    /// Calls systems of record.
    pub(crate) actions: Actions,
}

/// The version of a bot.
pub(crate) fn version(bundle: &Bundle, source: &BotSource) -> Arc<str> {
    let mut hash = Sha256::new();
    for part in [&bundle.hash, &source.fingerprint] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut text = hex::encode(hash.finalize());
    text.truncate(VERSION_CHARS);
    Arc::from(text)
}

/// All versions that the store knows.
pub(crate) struct Bots {
    current: Arc<Bot>,
    store: Store,
    earlier: Mutex<HashMap<Arc<str>, Arc<Bundle>>>,
}

impl Bots {
    /// Has the store keep what `current` was made from, so that every process that shares the store can make it again.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn open(
        current: Bot,
        source: &BotSource,
        store: Store,
        clock: &Clock,
    ) -> Result<Self, ServiceError> {
        if !source.files.files.is_empty() {
            let partition = PartitionId::bot(&current.version);
            let mut commit = Commit::new(partition, None, clock.now());
            commit.docs = documents(source)?;
            // Where it is there already, this changes nothing.
            store.commit(commit).await?;
        }
        Ok(Self {
            current: Arc::new(current),
            store,
            earlier: Mutex::default(),
        })
    }

    /// The version that answers now.
    pub(crate) fn current(&self) -> &Arc<Bot> {
        &self.current
    }

    /// The flows of a version; today's where it is not known or today's program can't compile them any more.
    ///
    /// # Errors
    /// The store is away.
    pub(crate) async fn bundle_of(
        &self,
        version: Option<&str>,
    ) -> Result<Arc<Bundle>, ServiceError> {
        let current = || Arc::clone(&self.current.bundle);
        let Some(version) = version.filter(|it| **it != *self.current.version) else {
            return Ok(current());
        };
        let known = |bundle: &Arc<Bundle>| Arc::clone(bundle);
        if let Some(bundle) = self.earlier().get(version).map(known) {
            return Ok(bundle);
        }
        let kept = kept(&self.store, &PartitionId::bot(version)).await?;
        let bundle = kept.map(Arc::new).unwrap_or_else(|| {
            tracing::warn!(
                version,
                "a bot of this version can't be made again; conversations that it held are read with today's flows"
            );
            current()
        });
        self.earlier()
            .insert(Arc::from(version), Arc::clone(&bundle));
        Ok(bundle)
    }

    fn earlier(&self) -> MutexGuard<'_, HashMap<Arc<str>, Arc<Bundle>>> {
        self.earlier.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The flows of every version that was met in a store: for commands, which have no bot of today.
#[derive(Default)]
pub(crate) struct KeptFlows {
    by_version: HashMap<Arc<str>, Arc<Bundle>>,
    /// Those of what was said before versions were kept, where somebody names them.
    older: Option<Arc<Bundle>>,
}

impl KeptFlows {
    /// Reads the versions that a store knows.
    ///
    /// # Errors
    /// One of them can't be read.
    pub(crate) async fn read(
        store: &Store,
        older: Option<Arc<Bundle>>,
    ) -> Result<Self, StoreError> {
        let mut by_version = HashMap::new();
        let mut after = PartitionId::bot("");
        while let Some(partition) = store.partitions(after.as_str(), 1).await?.pop()
            && let Some(version) = partition.as_bot()
        {
            if let Some(bundle) = kept(store, &partition).await? {
                by_version.insert(Arc::from(version), Arc::new(bundle));
            }
            after = partition;
        }
        Ok(Self { by_version, older })
    }

    /// The flows of a version, where they are known.
    pub(crate) fn of(&self, version: Option<&str>) -> Option<&Bundle> {
        match version {
            Some(version) => self.by_version.get(version),
            None => self.older.as_ref(),
        }
        .map(|bundle| &**bundle)
    }
}

fn documents(source: &BotSource) -> Result<BTreeMap<String, Option<Bytes>>, Unreadable> {
    let articles = encode("list of articles", &source.articles)?;
    let articles = (ARTICLES.to_owned(), Some(articles));
    let files = source.files.files.iter().map(|file| {
        let name = format!("{FILE}{}", file.path);
        (name, Some(Arc::from(file.text.as_bytes())))
    });
    Ok(files.chain([articles]).collect())
}

/// The flows that a partition holds; none where there are none, or today's program finds errors in them.
async fn kept(store: &Store, partition: &PartitionId) -> Result<Option<Bundle>, StoreError> {
    let docs = [&*format!("{FILE}*"), ARTICLES];
    let snapshot = store.snapshot(partition, &docs).await?;
    Ok(snapshot.as_ref().map(compiled).transpose()?.flatten())
}

/// The flows in a snapshot; none where today's program finds errors in them.
fn compiled(snapshot: &Snapshot) -> Result<Option<Bundle>, Unreadable> {
    let file = |(path, text): (&str, &Bytes)| SourceFile {
        path: path.to_owned(),
        text: String::from_utf8_lossy(text).into_owned(),
    };
    let files = snapshot.below(FILE).map(file).collect();
    let articles: Vec<ArticleRef> = match snapshot.doc(ARTICLES) {
        Some(body) => decode("list of articles", body)?,
        None => Vec::new(),
    };
    Ok(compile(&Sources { files }, &articles).bundle)
}
