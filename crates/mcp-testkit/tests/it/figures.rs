//! The parts of a report say what the metrics say.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use mcp_core::{McpServer, StartContext, config::CoreConfig, limits::Rate, pipeline::Guarded};
use mcp_testkit::{TestResult, everything::Everything, http, suite::drive, wire};
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;

/// Place in the report, sample of the metrics, what both say.
const COMPARED: &[(&str, &str, f64)] = &[
    ("/limits/in_flight", "machina_in_flight", 0.0),
    ("/limits/callers", "machina_callers", 1.0),
    ("/limits/refused/envelope", "machina_refused_total{reason=\"envelope\"}", 4.0),
    ("/limits/refused/host", "machina_refused_total{reason=\"host\"}", 1.0),
    ("/cache/entries", "machina_cache_entries", 1.0),
    (
        "/cache/tools/test_register_read/hits",
        "machina_cache_total{gen_ai_tool_name=\"test_register_read\",result=\"hit\"}",
        2.0,
    ),
    (
        "/cache/tools/test_register_read/misses",
        "machina_cache_total{gen_ai_tool_name=\"test_register_read\",result=\"miss\"}",
        1.0,
    ),
    ("/tasks/working", "machina_tasks{state=\"working\"}", 2.0),
    ("/tasks/input_required", "machina_tasks{state=\"input_required\"}", 1.0),
    ("/tasks/ended", "machina_tasks{state=\"ended\"}", 0.0),
];

/// The samples of `/metrics`, by name and labels.
fn samples(text: &str) -> BTreeMap<&str, f64> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.rsplit_once(' '))
        .filter_map(|(name, value)| Some((name, value.parse().ok()?)))
        .collect()
}

pub(crate) async fn call(
    address: SocketAddr,
    tool: &str,
    arguments: Value,
    client: Value,
) -> TestResult<Value> {
    let mut message = wire::modern(1, "tools/call", &json!({"name": tool, "arguments": arguments}));
    message["params"]["_meta"]["io.modelcontextprotocol/clientCapabilities"] = client;
    let mut headers = http::PLAIN.to_vec();
    headers.extend([
        ("MCP-Protocol-Version", wire::MODERN),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", tool),
    ]);
    http::post(address, &headers, message.to_string().as_bytes()).await?.json()
}

async fn serve(core: &CoreConfig, state: &Path) -> TestResult<(SocketAddr, DropGuard)> {
    let context = StartContext::detached(state.to_path_buf());
    let server = Everything::start(mcp_core::config::NoConfig::default(), context).await?;
    http::serve_here(&Guarded::new(server, core)?, core).await
}

#[test]
fn a_report_and_the_metrics_agree() {
    drive(async {
        let mut core = CoreConfig::default();
        core.rate_write = Rate::new(0, 0);
        core.rate_admin = Rate::new(0, 0);
        let directory = tempfile::tempdir()?;
        let (address, _serving) = serve(&core, directory.path()).await?;
        let before = http::get(address, "/status").await?.json()?;
        assert_eq!(before["parts"]["cache"]["entries"], 0, "{before}");
        assert_eq!(before["parts"]["tasks"]["working"], 0, "{before}");

        for _ in 0..3 {
            call(address, "test_register_read", json!({}), json!({})).await?;
        }
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        for _ in 0..2 {
            call(address, "slow_compute", json!({"seconds": 60}), tasks.clone()).await?;
        }
        let asking =
            json!({"extensions": {"io.modelcontextprotocol/tasks": {}}, "elicitation": {}});
        call(address, "confirm_delete", json!({"filename": "x"}), asking).await?;
        for _ in 0..4 {
            http::post(address, &http::PLAIN, b"no message").await?;
        }
        http::send(address, "POST /mcp", &[("Host", "evil.example")], b"{}").await?;

        let parts =
            async || TestResult::Ok(http::get(address, "/status").await?.json()?["parts"].take());
        let mut report = parts().await?;
        while report["tasks"]["input_required"] != 1 {
            tokio::task::yield_now().await;
            report = parts().await?;
        }
        let text = http::get(address, "/metrics").await?.body;
        let metrics = samples(&text);
        for (pointer, sample, expected) in COMPARED {
            let told = report.pointer(pointer).and_then(Value::as_f64);
            assert_eq!(told, Some(*expected), "{pointer}: {report}");
            assert_eq!(metrics.get(sample), Some(expected), "{sample}: {text}");
        }
        let bytes = report["cache"]["bytes"].as_f64();
        assert!(
            bytes > Some(0.0) && bytes == metrics.get("machina_cache_bytes").copied(),
            "{report}"
        );

        // The other doors give the same.
        let params = json!({"name": "get_server_status", "arguments": {}});
        let all = http::modern(address, "tools/call", &params).await?.json()?;
        let tool = &all["result"]["structuredContent"]["parts"];
        if !tool.is_null() {
            assert_eq!(tool["tasks"], report["tasks"]);
            assert_eq!(tool["cache"], report["cache"]);
        }
        Ok(())
    });
}

/// Tasks do not keep the place of the call that made them: it would lock their owner out.
#[test]
fn whoever_has_tasks_can_still_ask_for_them() {
    drive(async {
        let mut core = CoreConfig::default();
        core.rate_write = Rate::new(0, 0);
        core.max_in_flight_each = 2;
        core.queue_ms = 0;
        let directory = tempfile::tempdir()?;
        let (address, _serving) = serve(&core, directory.path()).await?;
        let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
        for _ in 0..4 {
            let made = call(address, "slow_compute", json!({"seconds": 60}), tasks.clone()).await?;
            assert_eq!(made["result"]["resultType"], "task", "{made}");
        }
        Ok(())
    });
}
