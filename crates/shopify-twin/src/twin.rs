//! Starting a twin, and looking into it.

use crate::cost::Bucket;
use crate::fault::Fault;
use crate::seed;
use crate::service::{CountingListener, router};
use crate::store::Store;
use serde_json::Value;
use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What kind of store to be.
#[derive(Debug, Clone)]
pub struct Options {
    /// Products in the demo store; 25.
    pub products: u32,
    /// Most variants of one product, at least 1; 4.
    pub variants: u32,
    /// Whether the plan is a development store's; true.
    pub development: bool,
    /// Access scopes of the app; `read_products`.
    pub scopes: Vec<String>,
    /// An access token that works from the start; `shpat_twin`.
    pub token: String,
    /// Client id and secret that the token route accepts; `twin-key` and `twin-secret`.
    pub client: (String, String),
    /// Seconds that a token of the token route is said to live; 86,399.
    pub token_lifetime: u64,
    /// Size of the cost bucket in points; 2,000.
    pub bucket: f64,
    /// Points per second that refill it; 100.
    pub restore_rate: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            products: 25,
            variants: 4,
            development: true,
            scopes: vec!["read_products".to_owned()],
            token: "shpat_twin".to_owned(),
            client: ("twin-key".to_owned(), "twin-secret".to_owned()),
            token_lifetime: 86_399,
            bucket: 2_000.0,
            restore_rate: 100.0,
        }
    }
}

/// A GraphQL request that arrived, and what became of it.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RecordedRequest {
    /// The operation's name, when it was given.
    pub operation: Option<String>,
    /// The document as sent.
    pub document: String,
    /// The variables as sent.
    pub variables: Value,
    /// The API version in the path.
    pub version: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The `errors` of the answer.
    pub errors: Vec<Value>,
    /// The cost that was asked for, when the document was valid.
    pub cost: Option<u64>,
}

/// The double of one store; see the crate's documentation.
#[derive(Debug)]
pub struct Twin;

impl Twin {
    /// Serve a demo store on a free loopback port until the handle is dropped.
    ///
    /// # Errors
    /// No port can be bound.
    pub async fn start(options: Options) -> io::Result<TwinHandle> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        let connections = Arc::new(AtomicUsize::new(0));
        let shared = Arc::new(Shared::new(options));
        let service = router(Arc::clone(&shared));
        let listener = CountingListener { inner: listener, count: Arc::clone(&connections) };
        #[expect(clippy::disallowed_methods, reason = "the handle ends the task")]
        let task = tokio::spawn(async move {
            // Accept errors are retried inside; this only ends with the task.
            drop(axum::serve(listener, service).await);
        });
        Ok(TwinHandle { base_url, connections, shared, task })
    }
}

/// A running twin.
#[derive(Debug)]
pub struct TwinHandle {
    base_url: String,
    connections: Arc<AtomicUsize>,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

impl TwinHandle {
    /// `http://127.0.0.1:<port>`, without a slash at the end.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// The access token that works from the start.
    pub fn token(&self) -> &str {
        &self.shared.options.token
    }

    /// Every GraphQL request so far, in order of arrival.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.shared.state().requests.clone()
    }

    /// How many access tokens the token route gave out.
    pub fn tokens_issued(&self) -> usize {
        self.shared.state().issued
    }

    /// How many TCP connections were accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Let the next `times` GraphQL requests meet this fault; faults queue up.
    pub fn inject(&self, fault: Fault, times: usize) {
        self.shared.state().faults.extend(std::iter::repeat_n(fault, times));
    }

    /// Change the store.
    pub fn edit<T>(&self, change: impl FnOnce(&mut Store) -> T) -> T {
        change(&mut self.shared.state().store)
    }
}

impl Drop for TwinHandle {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// What the routes share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) options: Options,
    state: Mutex<State>,
}

#[derive(Debug)]
pub(crate) struct State {
    pub(crate) store: Store,
    pub(crate) bucket: Bucket,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) requests: Vec<RecordedRequest>,
    pub(crate) tokens: Vec<String>,
    pub(crate) issued: usize,
}

impl Shared {
    fn new(options: Options) -> Self {
        let state = State {
            store: seed::demo(options.products, options.variants, options.development),
            bucket: Bucket::new(options.bucket, options.restore_rate, Instant::now()),
            faults: VecDeque::new(),
            requests: Vec::new(),
            tokens: vec![options.token.clone()],
            issued: 0,
        };
        Self { options, state: Mutex::new(state) }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
