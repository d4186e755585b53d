//! The engine's HTTP API, read only: nothing in here can send anything but a GET.
//!
//! One connection per read, driven by the reader itself: dropping the read closes the connection,
//! which is how the engine learns that nobody listens any more.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use mcp_core::untrusted::Text;
use serde::de::DeserializeOwned;
use tokio::{
    sync::{Mutex, Semaphore},
    time::timeout,
};

use crate::Error;

pub(crate) mod endpoint;
pub(crate) mod exchange;
pub(crate) mod info;
pub(crate) mod model;
pub(crate) mod target;
pub(crate) mod version;

pub(crate) use endpoint::Endpoint;
pub(crate) use exchange::Exchange;
pub(crate) use target::{ContainerRef, Target};
pub(crate) use version::Negotiated;

/// Largest JSON answer accepted. 1,000 containers with full labels stay far below.
const MAX_BODY: usize = 32 << 20;
/// How much of a failure's body is looked at, and shown.
const MAX_FAILURE_BODY: usize = 64 << 10;
const MAX_FAILURE_CHARS: usize = 500;
/// A readiness check has a second to answer all its probes.
const PROBE_LIMIT: Duration = Duration::from_secs(1);
/// Reads at a time; further ones queue. Streams are not counted.
const CONCURRENT_READS: usize = 16;

type Result<T, E = Error> = std::result::Result<T, E>;

/// A container engine behind one address.
#[derive(Debug)]
pub(crate) struct Engine {
    endpoint: Endpoint,
    limit: Duration,
    negotiated: Mutex<Option<Arc<Negotiated>>>,
    permits: Semaphore,
}

impl Engine {
    pub(crate) fn new(endpoint: Endpoint, limit: Duration) -> Self {
        Self {
            endpoint,
            limit,
            negotiated: Mutex::new(None),
            permits: Semaphore::new(CONCURRENT_READS),
        }
    }

    pub(crate) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Read a JSON answer.
    pub(crate) async fn get<T: DeserializeOwned>(&self, target: &Target) -> Result<T> {
        let body = self.get_bytes(target).await?;
        serde_json::from_slice(&body).map_err(|_| bad(target.what, "it is not the expected JSON"))
    }

    /// Read a whole answer, at most [`MAX_BODY`] bytes, within the limit.
    pub(crate) async fn get_bytes(&self, target: &Target) -> Result<Bytes> {
        self.within(target.what, self.limit, async {
            let _permit = self.permits.acquire().await;
            let mut exchange = self.open(target).await?;
            collect(&mut exchange, target.what, MAX_BODY).await
        })
        .await
    }

    /// Whether the engine answers now, within a probe's patience.
    pub(crate) async fn ping(&self) -> Result<()> {
        let patience = PROBE_LIMIT.min(self.limit);
        self.within("a ping", patience, async {
            let exchange = self.request("/_ping").await?;
            let target = Target::new("a ping", "/_ping");
            self.accept(exchange, &target).await.map(drop)
        })
        .await
    }

    /// Begin to read a stream: the answer's head has to come within the limit.
    pub(crate) async fn stream(&self, target: &Target) -> Result<Exchange> {
        self.within(target.what, self.limit, self.open(target)).await
    }

    /// What was agreed on with the engine; asks it at the first call and after [`Self::forget`].
    pub(crate) async fn negotiated(&self) -> Result<Arc<Negotiated>> {
        let mut slot = self.negotiated.lock().await;
        if let Some(known) = slot.as_ref() {
            return Ok(Arc::clone(known));
        }
        let target = Target::new("the engine's version", "/version");
        let exchange = self.within(target.what, self.limit, async {
            let mut exchange = self.request(target.path(None).as_str()).await?;
            if exchange.status() != 200 {
                return Err(self.failure(exchange, &target).await);
            }
            collect(&mut exchange, target.what, MAX_BODY).await
        });
        let version = serde_json::from_slice(&exchange.await?)
            .map_err(|_| bad(target.what, "it is not the expected JSON"))?;
        let agreed = Arc::new(Negotiated::agree(version)?);
        *slot = Some(Arc::clone(&agreed));
        Ok(agreed)
    }

    /// Open a versioned read. An engine that was replaced by one of another version says so with
    /// a 400: then the version is negotiated again, once.
    async fn open(&self, target: &Target) -> Result<Exchange> {
        let known = self.negotiated().await?;
        let exchange = self.request(&target.path(Some(known.api))).await?;
        match self.accept(exchange, target).await {
            Err(Error::Engine { status: 400, message, .. })
                if message.contains("client version") =>
            {
                *self.negotiated.lock().await = None;
                let agreed = self.negotiated().await?;
                let exchange = self.request(&target.path(Some(agreed.api))).await?;
                self.accept(exchange, target).await
            }
            outcome => outcome,
        }
    }

    async fn accept(&self, exchange: Exchange, target: &Target) -> Result<Exchange> {
        if exchange.status() == 200 {
            Ok(exchange)
        } else {
            Err(self.failure(exchange, target).await)
        }
    }

    async fn request(&self, path: &str) -> Result<Exchange> {
        Exchange::open(&self.endpoint, path)
            .await
            .map_err(|reason| self.endpoint.unavailable(reason))
    }

    /// The error behind an answer other than 200.
    async fn failure(&self, mut exchange: Exchange, target: &Target) -> Error {
        let status = exchange.status();
        let body = collect(&mut exchange, target.what, MAX_FAILURE_BODY).await.unwrap_or_default();
        let message = failure_message(&body);
        match (status, &target.container) {
            (404, Some(container)) => Error::NotFound { container: container.to_string() },
            // Before 24.0 an ambiguous id prefix is a 400 or 500 with these words.
            (_, Some(_)) if message.contains("ultiple IDs found") => {
                Error::invalid("/container", "the id prefix fits several containers")
            }
            (401 | 403, _) => Error::Denied { what: target.what },
            (501, _) => unreadable_logs(),
            (500, _) if message.contains("does not support reading") => unreadable_logs(),
            _ => Error::Engine { what: target.what, status, message },
        }
    }

    async fn within<T>(
        &self,
        what: &'static str,
        limit: Duration,
        work: impl Future<Output = Result<T>>,
    ) -> Result<T> {
        timeout(limit, work).await.unwrap_or_else(|_| {
            Err(Error::Timeout {
                address: self.endpoint.to_string(),
                what,
                seconds: limit.as_secs(),
            })
        })
    }
}

async fn collect(exchange: &mut Exchange, what: &'static str, limit: usize) -> Result<Bytes> {
    let mut body = Vec::new();
    while let Some(chunk) = exchange.next().await {
        let chunk = chunk.map_err(|_| bad(what, "the connection broke off"))?;
        if body.len() + chunk.len() > limit {
            return Err(Error::TooLarge { what, limit });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.into())
}

/// The engine's own words: `message` of its JSON, else the text as it is; cleaned and cut.
fn failure_message(body: &[u8]) -> String {
    let json: Option<model::Failure> = serde_json::from_slice(body).ok();
    let message = json.and_then(|failure| failure.message);
    message.unwrap_or_else(|| Text::from(body)).line(MAX_FAILURE_CHARS)
}

fn unreadable_logs() -> Error {
    Error::Unsupported {
        message: "the container's logging driver keeps nothing to read".to_owned(),
        hint: "inspect_container shows `log_driver`; json-file, local and journald can be read",
    }
}

pub(crate) fn bad(what: &'static str, reason: &'static str) -> Error {
    Error::BadAnswer { what, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_read_as_json_or_text() {
        assert_eq!(
            failure_message(br#"{"message":"No such container: x"}"#),
            "No such container: x"
        );
        assert_eq!(failure_message(br#"{"cause":"c","message":"m","response":500}"#), "m");
        assert_eq!(failure_message(b"<h1>Bad\x1b[31m gateway</h1>\n"), "<h1>Bad gateway</h1>");
        assert_eq!(failure_message(&[b'x'; 2000]).chars().count(), MAX_FAILURE_CHARS);
    }
}
