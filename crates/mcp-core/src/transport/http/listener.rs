//! F1: the accept loop, with limits in count and time, and the drain.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{Router, body::Body};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;

use crate::{metrics::Metrics, shutdown::GRACE, task::Tasks};

/// A client that sends its headers slower than this is given up.
const HEADER_LIMIT: Duration = Duration::from_secs(10);
/// After an accept error (out of descriptors), wait instead of spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serve until `stopping` is cancelled, then let requests in flight end; whether all did.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    max_connections: usize,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
) -> bool {
    let tasks = Tasks::new(TaskTracker::new());
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(max_connections));
    loop {
        // Beyond the limit connections wait in the kernel's backlog.
        let slot = tokio::select! {
            slot = Arc::clone(&slots).acquire_owned() => slot,
            () = stopping.cancelled() => break,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopping.cancelled() => break,
        };
        let stream = match accepted {
            Ok((stream, _peer)) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        // Without this a small answer waits 40 ms for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Nagle's algorithm stays on");
        }
        let service = hyper::service::service_fn(handler(router.clone()));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_LIMIT)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let open = metrics.connections().clone();
        tasks.spawn("connection", async move {
            open.inc();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            open.dec();
            drop(slot);
        });
    }
    drop(listener);
    tokio::time::timeout(GRACE, graceful.shutdown()).await.is_ok()
}

fn handler(
    router: Router,
) -> impl Fn(
    Request<Incoming>,
) -> futures_util::future::BoxFuture<'static, Result<Response<Body>, Infallible>> {
    move |request| Box::pin(router.clone().oneshot(request.map(Body::new)))
}
