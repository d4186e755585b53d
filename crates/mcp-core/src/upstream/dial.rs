//! Names to addresses, each checked: the dialer gets no other.

use std::{
    fmt,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::{Guard, Refusal};

/// A lookup under way.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of a host. The system's resolver unless a test brings its own.
pub trait Resolver: fmt::Debug + Send + Sync {
    /// All addresses of a host, best first.
    fn lookup(&self, host: &str) -> Lookup;
}

/// The system's resolver.
#[derive(Debug)]
pub(super) struct System;

impl Resolver for System {
    fn lookup(&self, host: &str) -> Lookup {
        let host = host.to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    }
}

/// Resolves once for each connection and hands out what passed: between the check and the dial
/// there is no second lookup that could answer otherwise.
#[derive(Debug)]
pub(super) struct Checked {
    pub(super) guard: Arc<Guard>,
    pub(super) resolver: Arc<dyn Resolver>,
}

impl Resolve for Checked {
    fn resolve(&self, name: Name) -> Resolving {
        let guard = Arc::clone(&self.guard);
        let lookup = self.resolver.lookup(name.as_str());
        Box::pin(async move {
            let found = lookup.await?;
            let (passed, denied): (Vec<_>, Vec<_>) = found
                .into_iter()
                .partition(|address| guard.check_address(name.as_str(), *address).is_ok());
            if passed.is_empty() && !denied.is_empty() {
                tracing::warn!(host = name.as_str(), "not connected: its addresses are not public");
                return Err(Refusal::Address.into());
            }
            let addresses = passed.into_iter().map(|address| SocketAddr::new(address, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
