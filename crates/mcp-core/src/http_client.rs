//! Outbound HTTP: the only place that builds a client, so that none lacks a deadline.

use std::time::Duration;

pub use reqwest;

use crate::{Result, StartError};

/// How long to wait, and who we are.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ClientOptions {
    /// `User-Agent`.
    pub user_agent: String,
    /// Limit for connecting; 5 s.
    pub connect_timeout: Duration,
    /// Limit for the whole exchange, body included; 30 s. A call's own deadline may be shorter.
    pub total_timeout: Duration,
}

impl ClientOptions {
    /// The usual limits for the server `name` of `version`.
    pub fn new(name: &str, version: &str) -> Self {
        Self {
            user_agent: format!("machina-{name}/{version}"),
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
        }
    }
}

/// A pooled client: TLS by rustls on ring, no redirects, no proxy variables, Nagle off.
///
/// # Errors
/// When the system's root certificates cannot be loaded.
pub fn client(options: ClientOptions) -> Result<reqwest::Client, StartError> {
    // A second installation in one process is refused and harmless: the first is ring as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    #[expect(clippy::disallowed_methods, reason = "this is the door")]
    let builder = reqwest::Client::builder();
    builder
        .user_agent(options.user_agent)
        .connect_timeout(options.connect_timeout)
        .timeout(options.total_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .no_proxy()
        .tcp_nodelay(true)
        .build()
        .map_err(|error| StartError::internal(format!("the HTTP client cannot be built: {error}")))
}
