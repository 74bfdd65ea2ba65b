//! From text to reading, and from question to passage: the seams to the model and the retriever, and
//! the compute thread between them and the turns.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Semaphore, mpsc, oneshot};

use bellhop_flows::engine::event::{Passage, Reading};

/// Requests that may wait; one more is not read.
const QUEUE: usize = 256;
/// Most requests read together: beyond this a batch makes the first wait without saving much.
const BATCH: usize = 16;
/// Searches that run at once: each keeps a core busy and holds memory while it runs, and the others wait their turn.
const SEARCHES: usize = 4;

/// A message to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its text.
    pub text: String,
    /// Language of the conversation so far.
    pub language: String,
    /// When it was said: relative dates count from here.
    pub now: Timestamp,
    /// What the open question wants, as the engine's `open_question` names it.
    pub open: Option<&'static str>,
}

/// A message that was read.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Understood {
    /// The reading.
    pub reading: Reading,
    /// Sentence embedding; empty where the reader has none.
    pub embedding: Arc<[f32]>,
}

/// Reads messages: the model, or a script in tests.
pub trait Understand: Send + Sync {
    /// Reads messages, in order; waiting ones come together.
    fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>>;
}

/// Finds passages that customers may see: the index, or a script in tests.
pub trait Retrieve: Send + Sync {
    /// Finds passages, best first, none below usefulness; `article` restricts to one.
    ///
    /// # Errors
    /// An index that can't be read.
    fn search(
        &self,
        query: &str,
        embedding: Option<&[f32]>,
        language: &str,
        article: Option<&str>,
    ) -> Result<Vec<Passage>, String>;
}

struct Job {
    request: Request,
    answer: oneshot::Sender<Understood>,
}

/// The compute thread: the model's matrix products run here and never on the runtime's threads.
/// It ends when the last clone is dropped.
#[derive(Clone)]
pub struct Reader {
    jobs: mpsc::Sender<Job>,
    timeout: Duration,
    /// Reads at once instead: a simulation has one thread.
    #[cfg(test)]
    inline: Option<Arc<dyn Understand>>,
}

impl Reader {
    /// Starts the thread. A message that is not read within `timeout` is read too late.
    ///
    /// # Errors
    /// The system has no thread left.
    pub fn spawn(model: Box<dyn Understand>, timeout: Duration) -> std::io::Result<Self> {
        let (jobs, queue) = mpsc::channel(QUEUE);
        std::thread::Builder::new()
            .name("understanding".to_owned())
            .spawn(move || work(&*model, queue))?;
        Ok(Self {
            jobs,
            timeout,
            #[cfg(test)]
            inline: None,
        })
    }

    /// Reads without a thread.
    #[cfg(test)]
    pub(crate) fn inline(model: Arc<dyn Understand>) -> Self {
        Self {
            jobs: mpsc::channel(1).0,
            timeout: Duration::MAX,
            inline: Some(model),
        }
    }

    /// Reads a message; `None` where the model is too late, has too many waiting or fails: the turn
    /// then goes on with a degraded reading.
    pub async fn read(&self, request: Request) -> Option<Understood> {
        #[cfg(test)]
        if let Some(model) = &self.inline {
            return model.read(&[request]).pop()?.ok();
        }
        let (answer, read) = oneshot::channel();
        if self.jobs.try_send(Job { request, answer }).is_err() {
            tracing::warn!(
                waiting = QUEUE,
                "understanding is too busy; a message is not read"
            );
            return None;
        }
        match tokio::time::timeout(self.timeout, read).await {
            Ok(understood) => understood.ok(),
            Err(_) => {
                tracing::warn!("understanding took too long; a message is not read");
                None
            }
        }
    }
}

/// A question for the knowledge base.
#[derive(Debug, Clone)]
pub(crate) struct Question {
    /// Its words.
    pub(crate) text: String,
    /// Their embedding; empty where there is none.
    pub(crate) embedding: Arc<[f32]>,
    /// Language of the answer.
    pub(crate) language: String,
    /// Only this article.
    pub(crate) article: Option<String>,
}

/// The retriever, at work for a few conversations at a time on threads that may block.
pub(crate) struct Searcher {
    retrieve: Arc<dyn Retrieve>,
    room: Semaphore,
}

impl Searcher {
    /// Makes one.
    pub(crate) fn new(retrieve: Arc<dyn Retrieve>) -> Self {
        Self {
            retrieve,
            room: Semaphore::new(SEARCHES),
        }
    }

    /// Finds passages once it is this question's turn.
    ///
    /// # Errors
    /// An index that can't be read, or a search that broke off.
    pub(crate) async fn search(&self, question: Question) -> Result<Vec<Passage>, String> {
        let broke_off = |error: &dyn std::fmt::Display| format!("the search broke off: {error}");
        let _turn = self.room.acquire().await.map_err(|e| broke_off(&e))?;
        let retrieve = Arc::clone(&self.retrieve);
        let search = tokio::task::spawn_blocking(move || {
            let embedding = (!question.embedding.is_empty()).then_some(&*question.embedding);
            let (text, language) = (&question.text, &question.language);
            retrieve.search(text, embedding, language, question.article.as_deref())
        });
        search.await.unwrap_or_else(|e| Err(broke_off(&e)))
    }
}

fn work(model: &dyn Understand, mut queue: mpsc::Receiver<Job>) {
    while let Some(first) = queue.blocking_recv() {
        let mut jobs = vec![first];
        while jobs.len() < BATCH
            && let Ok(job) = queue.try_recv()
        {
            jobs.push(job);
        }
        // Nobody waits for these any more: what is left of the queue comes sooner.
        jobs.retain(|job| !job.answer.is_closed());
        if jobs.is_empty() {
            continue;
        }
        let (requests, answers): (Vec<_>, Vec<_>) = jobs
            .into_iter()
            .map(|job| (job.request, job.answer))
            .unzip();
        for (answer, result) in answers.into_iter().zip(model.read(&requests)) {
            match result {
                // A receiver that is gone was too late; there is nobody to tell.
                Ok(understood) => drop(answer.send(understood)),
                Err(error) => tracing::warn!(error, "a message can't be read"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// A model that waits for leave before each batch and tells the size of it.
    struct Gated {
        leave: Mutex<std::sync::mpsc::Receiver<()>>,
        batches: std::sync::mpsc::Sender<usize>,
    }

    impl Understand for Gated {
        fn read(&self, requests: &[Request]) -> Vec<Result<Understood, String>> {
            self.batches.send(requests.len()).expect("test waits");
            self.leave.lock().expect("lock").recv().expect("leave");
            requests
                .iter()
                .map(|request| match request.text.as_str() {
                    "bad" => Err("broken".to_owned()),
                    text => Ok(Understood {
                        reading: Reading {
                            language: text.to_owned(),
                            ..Reading::default()
                        },
                        ..Understood::default()
                    }),
                })
                .collect()
        }
    }

    fn request(text: &str) -> Request {
        Request {
            text: text.to_owned(),
            language: "en".to_owned(),
            now: Timestamp::UNIX_EPOCH,
            open: None,
        }
    }

    struct Setup {
        reader: Reader,
        leave: std::sync::mpsc::Sender<()>,
        batches: std::sync::mpsc::Receiver<usize>,
    }

    fn setup(timeout: Duration) -> Setup {
        let (leave, given) = std::sync::mpsc::channel();
        let (told, batches) = std::sync::mpsc::channel();
        let model = Gated {
            leave: Mutex::new(given),
            batches: told,
        };
        Setup {
            reader: Reader::spawn(Box::new(model), timeout).expect("thread"),
            leave,
            batches,
        }
    }

    fn ask(reader: &Reader, text: &str) -> tokio::task::JoinHandle<Option<Understood>> {
        let (reader, request) = (reader.clone(), request(text));
        tokio::spawn(async move { reader.read(request).await })
    }

    #[tokio::test]
    async fn what_waits_is_read_together_and_a_failure_hits_only_its_own() {
        let setup = setup(Duration::from_secs(600));
        let first = ask(&setup.reader, "first");
        tokio::task::yield_now().await;
        assert_eq!(setup.batches.recv(), Ok(1));
        // The model is busy: these three wait. One yield runs them all on this runtime of one thread.
        let waiting = ["a", "bad", "b"].map(|text| ask(&setup.reader, text));
        tokio::task::yield_now().await;
        setup.leave.send(()).expect("model");
        assert_eq!(setup.batches.recv(), Ok(3));
        setup.leave.send(()).expect("model");
        let read = |understood: Option<Understood>| understood.map(|u| u.reading.language);
        assert_eq!(read(first.await.expect("task")).as_deref(), Some("first"));
        let mut got = Vec::new();
        for task in waiting {
            got.push(read(task.await.expect("task")));
        }
        assert_eq!(got, [Some("a".to_owned()), None, Some("b".to_owned())]);
    }

    #[tokio::test]
    async fn a_model_that_hangs_makes_nobody_wait_longer_than_agreed() {
        let setup = setup(Duration::from_millis(1));
        assert_eq!(setup.reader.read(request("x")).await, None);
        setup.leave.send(()).expect("model");
    }

    #[tokio::test]
    async fn beyond_the_queue_a_message_is_not_read() {
        let setup = setup(Duration::from_secs(600));
        let first = ask(&setup.reader, "first");
        tokio::task::yield_now().await;
        assert_eq!(setup.batches.recv(), Ok(1));
        let waiting: Vec<_> = (0..QUEUE).map(|_| ask(&setup.reader, "w")).collect();
        while setup.reader.jobs.capacity() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(setup.reader.read(request("one too many")).await, None);
        for _ in 0..=QUEUE / BATCH {
            setup.leave.send(()).expect("model");
        }
        for task in waiting {
            assert!(task.await.expect("task").is_some());
        }
        assert!(first.await.expect("task").is_some());
    }

    /// Searches that don't end before as many run as may, and no more ever do.
    struct Counted {
        together: std::sync::Barrier,
        running: std::sync::atomic::AtomicUsize,
    }

    impl Retrieve for Counted {
        fn search(
            &self,
            _: &str,
            _: Option<&[f32]>,
            _: &str,
            _: Option<&str>,
        ) -> Result<Vec<Passage>, String> {
            use std::sync::atomic::Ordering::SeqCst;
            let running = self.running.fetch_add(1, SeqCst) + 1;
            self.together.wait();
            self.running.fetch_sub(1, SeqCst);
            // Nobody begins before those who leave have left.
            self.together.wait();
            if running > SEARCHES {
                return Err(format!("{running} at once"));
            }
            Ok(Vec::new())
        }
    }

    #[tokio::test]
    async fn few_searches_run_at_once_and_all_get_their_turn() {
        let searcher = Searcher::new(Arc::new(Counted {
            together: std::sync::Barrier::new(SEARCHES),
            running: 0.into(),
        }));
        let question = Question {
            text: "fees".to_owned(),
            embedding: Arc::from([]),
            language: "en".to_owned(),
            article: None,
        };
        let all = (0..SEARCHES * 5).map(|_| searcher.search(question.clone()));
        for found in futures_util::future::join_all(all).await {
            assert_eq!(found, Ok(Vec::new()));
        }
    }
}
