//! A test double of one store's Shopify Admin GraphQL API, version 2026-10.
//!
//! [`Twin::start`] serves `POST /admin/api/{version}/graphql.json` and
//! `POST /admin/oauth/access_token` on a free loopback port. Every document is validated against
//! the published [`SDL`], its variables are coerced against their input types, and what is left is
//! executed field by field over a seeded store: a field the store has no value for is an error,
//! never a guess. Costs, the leaky bucket, scopes, tokens and faults answer as Shopify's
//! documentation says they do; only a real store can show that they really do.
//!
//! ```no_run
//! # async fn example() -> std::io::Result<()> {
//! use shopify_twin::{Fault, Options, Twin};
//!
//! let twin = Twin::start(Options { products: 500, ..Options::default() }).await?;
//! twin.inject(Fault::Throttled, 1);
//! // … point a client at twin.base_url(), with the token twin.token() …
//! assert!(twin.requests().iter().all(|request| request.errors.is_empty()));
//! # Ok(())
//! # }
//! ```

mod connection;
mod cost;
mod execute;
mod fault;
mod introspection;
mod resolve;
mod schema;
mod search;
mod seed;
mod service;
mod store;
mod twin;

pub use fault::Fault;
pub use introspection::sdl_from_introspection;
pub use schema::{API_VERSION, SDL};
pub use store::Store;
pub use twin::{Options, RecordedRequest, Twin, TwinHandle};
