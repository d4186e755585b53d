//! Outbound HTTP: the one way out, guarded where it dials.
//!
//! An [`Upstream`] is one remote service under a name. Each attempt passes, in this order: the
//! address [guard](Refusal), the circuit breaker of its host, the deadline of the call, the dialer
//! (which connects to checked addresses only), the cap of the body. [`Upstream::send`] repeats a
//! request that says it may be repeated; a server that knows its upstream better keeps the loop
//! itself with [`Upstream::retry`].
//!
//! Errors say which of these ended the attempt and whether anything was sent. They hold nothing the
//! upstream wrote and nothing of the URL but what its operator configured.

mod breaker;
mod registry;

#[cfg(feature = "http-client")]
mod client;
#[cfg(feature = "http-client")]
mod dial;
#[cfg(feature = "http-client")]
mod exchange;
#[cfg(feature = "http-client")]
mod guard;
#[cfg(feature = "http-client")]
mod retry;

pub use self::registry::Upstreams;

#[cfg(feature = "http-client")]
pub use self::{
    client::{Options, Upstream},
    dial::{Lookup, Resolver},
    exchange::{Answer, Body, Failure, Request},
    guard::{Reach, Refusal, is_denied},
    retry::{Retry, RetryPolicy, retry_after},
};

#[cfg(feature = "http-client")]
pub use reqwest::header;
#[cfg(feature = "http-client")]
pub use url::Url;

#[cfg(all(test, feature = "http-client"))]
mod secret_tests;
#[cfg(all(test, feature = "http-client"))]
mod tests;
