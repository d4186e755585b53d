//! F1: the accept loop, with limits in count and time, and the drain.

use std::{
    collections::HashMap,
    convert::Infallible,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use axum::body::Body;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use super::App;
use crate::{config::CoreConfig, metrics::Metrics, shutdown::GRACE, task::Tasks};

/// The other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// After an accept error (out of descriptors), wait instead of spinning.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A request may be on its way on a connection that looks idle. Each answer of a server that stops closes
/// its connection; those on which nothing came for this long are closed without one.
const LINGER: Duration = Duration::from_millis(250);

/// Serve until `stopping` is cancelled, then let requests in flight end; whether all did.
pub async fn serve(
    listener: TcpListener,
    app: App,
    core: &CoreConfig,
    metrics: Arc<Metrics>,
    stopping: CancellationToken,
) -> bool {
    let tasks = Tasks::new(TaskTracker::new());
    let graceful = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(core.max_connections));
    let addresses = Addresses { most: core.max_connections_each, open: Arc::default() };
    let header_limit = Duration::from_secs(core.header_timeout);
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
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let Some(place) = addresses.take(peer.ip()) else {
            // Closing says enough: who opens hundreds of connections reads no answer.
            app.refused_connection(Peer(peer));
            continue;
        };
        // Without this a small answer waits 40 ms for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "Nagle's algorithm stays on");
        }
        let service = hyper::service::service_fn(handler(app.clone(), Peer(peer)));
        let connection = hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(header_limit)
            .serve_connection(TokioIo::new(stream), service);
        let connection = graceful.watch(connection);
        let open = metrics.connections().clone();
        tasks.spawn("connection", async move {
            open.inc();
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            open.dec();
            drop((slot, place));
        });
    }
    drop(listener);
    tasks.join(LINGER).await;
    tokio::time::timeout(GRACE, graceful.shutdown()).await.is_ok()
}

/// Connections by address.
#[derive(Clone)]
struct Addresses {
    most: usize,
    open: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection of an address; ends when dropped.
struct Place {
    address: IpAddr,
    of: Addresses,
}

impl Addresses {
    fn take(&self, address: IpAddr) -> Option<Place> {
        let address = address.to_canonical();
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let count = open.entry(address).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Place { address, of: self.clone() })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.of.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = open.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                open.remove(&self.address);
            }
        }
    }
}

fn handler(
    app: App,
    peer: Peer,
) -> impl Fn(Request<Incoming>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> {
    move |request| {
        let app = app.clone();
        Box::pin(async move {
            let mut request = request.map(Body::new);
            request.extensions_mut().insert(peer);
            Ok(app.answer(request).await)
        })
    }
}
