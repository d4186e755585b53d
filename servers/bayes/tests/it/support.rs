//! What the tests share.

use machina_bayes::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::Value;

pub(crate) async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

/// Within this relative distance.
#[track_caller]
pub(crate) fn close(within: f64, found: &Value, expected: f64) {
    let found = found.as_f64().expect("a number");
    let off = (found - expected).abs() / expected.abs().max(1e-300);
    assert!(off <= within, "{found} is not {expected}: {off:e} off");
}
