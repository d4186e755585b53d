//! The Grafana dashboard, from the metric names of `mcp_core::metrics`.

use std::fs;

use anyhow::{Result, ensure};
use mcp_core::metrics::{
    AUDIT_DROPPED, AUDIT_FAILURES, AUDIT_REFUSALS_DROPPED, CACHE, CACHE_BYTES, CALLS, CONNECTIONS,
    IN_FLIGHT, OPERATIONS, PANICS, PROCESS_CPU, PROCESS_FILES, PROCESS_MEMORY, REFUSED, TASKS,
};
use serde_json::{Value, json};

use crate::{root, say};

const FILE: &str = "docker/observability/grafana/dashboards/machina.json";
/// What every query is asked of: the servers chosen at the top.
const CHOSEN: &str = r#"service=~"$service""#;

pub(crate) fn run(check: bool) -> Result<()> {
    let path = root().join(FILE);
    let text = format!("{:#}\n", dashboard());
    let current = fs::read_to_string(&path).is_ok_and(|old| old == text);
    if check {
        ensure!(current, "{FILE} is out of date; run `cargo xtask dashboard`");
        say(&format!("{FILE} is up to date"));
    } else {
        fs::write(path, text)?;
        say(&format!("written: {FILE}"));
    }
    Ok(())
}

/// One panel: title, unit, queries with their legends.
struct Panel {
    title: &'static str,
    unit: &'static str,
    queries: Vec<(String, &'static str)>,
}

fn panel(title: &'static str, unit: &'static str, query: String, legend: &'static str) -> Panel {
    Panel { title, unit, queries: vec![(query, legend)] }
}

#[expect(clippy::too_many_lines, reason = "one table")]
fn panels() -> Vec<Panel> {
    let rate =
        |metric: &str, more: &str| format!("rate({metric}{{{CHOSEN}{more}}}[$__rate_interval])");
    let sum = |by: &str, of: String| format!("sum by ({by}) ({of})");
    let calls = r#",mcp_method_name="tools/call""#;
    let failed = r#",mcp_method_name="tools/call",error_type!="""#;
    let count = format!("{OPERATIONS}_count");
    let quantile = |share: &str, by: &str, metric: &str, more: &str| {
        let buckets = sum(&format!("{by}le"), rate(&format!("{metric}_bucket"), more));
        format!("histogram_quantile({share}, {buckets})")
    };
    let durations = Panel {
        title: "Duration of calls",
        unit: "s",
        queries: vec![
            (quantile("0.5", "", CALLS, ""), "p50"),
            (quantile("0.95", "", CALLS, ""), "p95"),
            (quantile("0.99", "", CALLS, ""), "p99"),
        ],
    };
    let share = format!(
        "{} / {}",
        sum("service", rate(&count, failed)),
        sum("service", rate(&count, calls))
    );
    let by_tool = sum("gen_ai_tool_name", rate(&count, calls));
    let lost = Panel {
        title: "Panics and audit trouble",
        unit: "short",
        queries: vec![
            (
                sum("service", format!("increase({PANICS}{{{CHOSEN}}}[$__range])")),
                "{{service}} panics",
            ),
            (
                sum("service", format!("increase({AUDIT_DROPPED}{{{CHOSEN}}}[$__range])")),
                "{{service}} lines of reads dropped",
            ),
            (
                sum("service", format!("increase({AUDIT_REFUSALS_DROPPED}{{{CHOSEN}}}[$__range])")),
                "{{service}} lines of refusals left out",
            ),
            (
                sum("service", format!("increase({AUDIT_FAILURES}{{{CHOSEN}}}[$__range])")),
                "{{service}} failed writes",
            ),
        ],
    };
    let hits = format!(
        "{} / {}",
        sum("service", rate(CACHE, r#",result="hit""#)),
        sum("service", rate(CACHE, ""))
    );
    let gauge = |metric: &str| format!("{metric}{{{CHOSEN}}}");
    vec![
        panel("Calls", "reqps", sum("service", rate(&count, calls)), "{{service}}"),
        panel("Share of failed calls", "percentunit", share, "{{service}}"),
        durations,
        panel(
            "Failures by class",
            "reqps",
            sum("error_type", rate(&count, failed)),
            "{{error_type}}",
        ),
        panel("Calls by tool", "reqps", format!("topk(10, {by_tool})"), "{{gen_ai_tool_name}}"),
        panel(
            "p95 by tool",
            "s",
            quantile("0.95", "gen_ai_tool_name, ", OPERATIONS, calls),
            "{{gen_ai_tool_name}}",
        ),
        panel("Refused at the front", "reqps", sum("reason", rate(REFUSED, "")), "{{reason}}"),
        panel("Connections", "short", gauge(CONNECTIONS), "{{service}}"),
        panel("Calls in flight", "short", gauge(IN_FLIGHT), "{{service}}"),
        panel("Tasks", "short", gauge(TASKS), "{{service}} {{state}}"),
        panel("Share of answers from the cache", "percentunit", hits, "{{service}}"),
        panel("Kept answers", "bytes", gauge(CACHE_BYTES), "{{service}}"),
        panel("CPU", "percentunit", rate(PROCESS_CPU, ""), "{{service}}"),
        panel("Memory", "bytes", gauge(PROCESS_MEMORY), "{{service}}"),
        panel("Open files", "short", gauge(PROCESS_FILES), "{{service}}"),
        lost,
    ]
}

fn dashboard() -> Value {
    let source = json!({"type": "prometheus", "uid": "prometheus"});
    let panels: Vec<Value> = panels()
        .into_iter()
        .enumerate()
        .map(|(index, panel)| {
            let targets: Vec<Value> = panel
                .queries
                .into_iter()
                .zip('A'..='Z')
                .map(|((query, legend), name)| {
                    json!({"refId": name.to_string(), "datasource": source, "expr": query, "legendFormat": legend})
                })
                .collect();
            json!({
                "id": index + 1,
                "type": "timeseries",
                "title": panel.title,
                "datasource": source,
                "gridPos": {"h": 8, "w": 12, "x": index % 2 * 12, "y": index / 2 * 8},
                "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
                "targets": targets,
            })
        })
        .collect();
    let service = json!({
        "name": "service", "label": "Server", "type": "query", "datasource": source,
        "query": "label_values(machina_build_info, service)", "refresh": 2,
        "includeAll": true, "multi": true, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    });
    json!({
        "uid": "machina", "title": "Machina", "tags": ["machina", "mcp"], "schemaVersion": 39,
        "editable": false, "refresh": "30s", "time": {"from": "now-1h", "to": "now"},
        "templating": {"list": [service]}, "panels": panels,
    })
}
