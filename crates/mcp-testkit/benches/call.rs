//! What one call through the whole pipeline costs, with and without its audit line.
//!
//! `cargo bench -p mcp-testkit --bench call`

use mcp_core::{
    McpServer, StartContext, audit::Audit, config::CoreConfig, pipeline::Guarded, task::Tasks,
    transport::local,
};
use mcp_testkit::{TestResult, everything::Everything};
use serde_json::{Value, json};

fn main() {
    divan::main();
}

fn message() -> Value {
    local::call_message("test_simple_text", &json!({}))
}

async fn server() -> TestResult<Guarded> {
    let directory = tempfile::tempdir()?;
    let context = StartContext::detached(directory.path().to_path_buf());
    let server = Everything::start(mcp_core::config::NoConfig::default(), context).await?;
    Ok(Guarded::new(server, &CoreConfig::default())?)
}

#[divan::bench]
fn without_audit(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(server()).expect("a server");
    let message = message();
    bencher.bench_local(|| runtime.block_on(local::answer(&server, &message)));
}

#[divan::bench]
fn with_audit(bencher: divan::Bencher<'_, '_>) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let server = runtime.block_on(server()).expect("a server");
    let directory = tempfile::tempdir().expect("a directory");
    let mut core = CoreConfig::default();
    core.audit_file = Some(directory.path().join("audit.jsonl"));
    let tasks = Tasks::default();
    let audit = runtime.block_on(async { Audit::start(&core, &tasks, server.metrics(), "x") });
    server.keep_audit(audit.expect("a file").expect("audit is on"));
    let message = message();
    bencher.bench_local(|| runtime.block_on(local::answer(&server, &message)));
}
