//! The dashboard and the alerts ask for metrics that a server has.

use std::{collections::BTreeSet, convert::Infallible, path::PathBuf};

use mcp_core::{McpServer, config::CoreConfig};
use mcp_testkit::{
    TestResult, ensure,
    everything::Everything,
    http::{self, PLAIN},
    suite::drive,
};
use promql_parser::{
    parser::{self, Expr},
    util::{ExprVisitor, walk_expr},
};
use serde_json::{Value, json};

/// Metrics that Prometheus makes itself.
const FOREIGN: [&str; 1] = ["up"];

fn file(name: &str) -> TestResult<String> {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = manifest.ancestors().nth(2).ok_or("no repository")?;
    let path = root.join(name);
    std::fs::read_to_string(&path).map_err(|error| format!("{name}: {error}").into())
}

fn yaml(name: &str) -> TestResult<Value> {
    serde_norway::from_str(&file(name)?).map_err(|error| format!("{name}: {error}").into())
}

/// Names of the metrics that an expression asks for.
#[derive(Default)]
struct Names(BTreeSet<String>);

impl ExprVisitor for Names {
    type Error = Infallible;

    fn pre_visit(&mut self, expression: &Expr) -> Result<bool, Infallible> {
        let selector = match expression {
            Expr::VectorSelector(selector) => Some(selector),
            Expr::MatrixSelector(selector) => Some(&selector.vs),
            _ => None,
        };
        self.0.extend(selector.and_then(|selector| selector.name.clone()));
        Ok(true)
    }
}

fn queries() -> TestResult<Vec<String>> {
    let dashboard: Value =
        serde_json::from_str(&file("docker/observability/grafana/dashboards/machina.json")?)?;
    let alerts = yaml("docker/observability/alerts.yml")?;
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let panels = list(&dashboard["panels"]);
    let of_panels = panels.iter().flat_map(|panel| list(&panel["targets"]));
    let of_alerts = list(&alerts["groups"]).into_iter().flat_map(|group| list(&group["rules"]));
    let expressions = of_panels.chain(of_alerts).map(|query| query["expr"].clone());
    let expressions: Option<Vec<String>> =
        expressions.map(|text| text.as_str().map(str::to_owned)).collect();
    Ok(expressions.ok_or("a query without an expression")?)
}

/// Series names of a server that was called well, badly, and at a path of no use.
async fn live() -> TestResult<BTreeSet<String>> {
    let core = CoreConfig::default();
    let directory = tempfile::tempdir()?;
    let context = mcp_core::StartContext::detached(directory.path().to_path_buf());
    let server = Everything::start(mcp_core::config::NoConfig::default(), context).await?;
    let server = mcp_core::pipeline::Guarded::new(server, &core)?;
    let (address, _serving) = http::serve_here(&server, &core).await?;
    for body in ["{}", r#"{"wrong": 1}"#] {
        http::send(address, "POST /tools/test_simple_text", &PLAIN, body.as_bytes()).await?;
    }
    http::send(address, "POST /tools/test_register_read", &PLAIN, b"{}").await?;
    http::post(address, &PLAIN, b"no message").await?;
    // Tasks have figures from the first on.
    let tasks = json!({"extensions": {"io.modelcontextprotocol/tasks": {}}});
    super::figures::call(address, "slow_compute", json!({"seconds": 60}), tasks).await?;
    let metrics = http::get(address, "/metrics").await?.body;
    let names = metrics.lines().filter(|line| !line.starts_with('#'));
    Ok(names.filter_map(|line| line.split(['{', ' ']).next()).map(str::to_owned).collect())
}

#[test]
fn dashboard_and_alerts_ask_for_metrics_that_exist() {
    drive(async {
        let live = live().await?;
        let queries = queries()?;
        ensure!(queries.len() >= 18, "{} queries", queries.len());
        for query in queries {
            let query = query.replace("$__rate_interval", "5m").replace("$__range", "1h");
            let expression = parser::parse(&query).map_err(|error| format!("{query}: {error}"))?;
            let mut names = Names::default();
            walk_expr(&mut names, &expression)?;
            ensure!(!names.0.is_empty(), "{query} asks for nothing");
            for name in names.0 {
                let known = live.contains(&name) || FOREIGN.contains(&name.as_str());
                ensure!(known, "{query}: no server has {name}: {live:?}");
            }
        }
        Ok(())
    });
}

#[test]
fn the_seven_are_scraped_where_they_listen() {
    drive(async {
        let prometheus = yaml("docker/observability/prometheus.yml")?;
        let targets = prometheus["scrape_configs"][0]["static_configs"].as_array();
        let found: Vec<_> = targets
            .into_iter()
            .flatten()
            .map(|entry| (entry["targets"][0].clone(), entry["labels"]["service"].clone()))
            .collect();
        let wanted: Vec<_> = mcp_core::fleet::MEMBERS
            .iter()
            .map(|member| {
                (format!("{}:{}", member.name, member.port).into(), Value::from(member.name))
            })
            .collect();
        ensure!(found == wanted, "{found:?}");
        let compose = yaml("compose.yaml")?;
        for name in ["prometheus", "grafana"] {
            let service = &compose["services"][name];
            ensure!(service["profiles"] == json!(["observability"]), "{service}");
            let ports = service["ports"][0].as_str().unwrap_or_default();
            ensure!(ports.starts_with("127.0.0.1:"), "{service}");
        }
        for kind in ["datasources/prometheus", "dashboards/machina"] {
            let path = format!("docker/observability/grafana/provisioning/{kind}.yml");
            ensure!(yaml(&path)?["apiVersion"] == 1, "{path}");
        }
        Ok(())
    });
}
