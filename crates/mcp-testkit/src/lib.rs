//! Test clients for Machina's servers, the suite that all of them pass, and the fixture server of
//! the official conformance suite.
//!
//! `mcp_testkit::suite!(machina_bayes::Server);` in `tests/it/main.rs` brings the whole suite.

pub mod attacks;
pub mod binary;
pub mod everything;
pub mod http;
pub mod in_process;
pub mod kept_alive;
pub mod suite;
pub mod tasks;
pub mod wire;

pub use in_process::{Answer, InProcess};
#[doc(hidden)]
pub use insta;

/// What a test returns: any error fails it.
pub type TestResult<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;
