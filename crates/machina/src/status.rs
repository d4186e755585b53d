//! `status`: who answers, and how they are.

use std::time::Duration;

use futures_util::future::join_all;
use mcp_core::{StartError, fleet::Member, server::Exit};
use serde::Serialize;
use serde_json::Value;

use crate::{client, output, sibling};

const LIMIT: Duration = Duration::from_secs(3);
const EVERY: Duration = Duration::from_secs(2);

/// One server as an operator sees it.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) server: &'static str,
    pub(crate) port: u16,
    pub(crate) state: String,
    pub(crate) version: String,
    pub(crate) uptime_s: u64,
    pub(crate) probes: Value,
}

impl Row {
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.state.as_str(), "ready" | "degraded")
    }

    fn cells(&self) -> [String; 6] {
        let probes = self.probes.as_array().into_iter().flatten();
        let probes: Vec<String> = probes
            .map(|probe| {
                let text = |name: &str| probe[name].as_str().unwrap_or_default().to_owned();
                format!("{}={}", text("name"), text("state"))
            })
            .collect();
        let uptime = if self.version.is_empty() { String::new() } else { duration(self.uptime_s) };
        [
            self.server.to_owned(),
            self.port.to_string(),
            self.state.clone(),
            self.version.clone(),
            uptime,
            probes.join(" "),
        ]
    }
}

fn duration(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{}s", seconds / 60, seconds % 60),
        _ => format!("{}h{}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// Show servers; 0 when all are ready, 1 otherwise.
pub(crate) async fn status(
    members: Vec<&'static Member>,
    json: bool,
    watch: bool,
) -> Result<Exit, StartError> {
    loop {
        let rows = join_all(members.iter().map(|member| row(member))).await;
        let rows: Vec<Row> = rows.into_iter().collect::<Result<_, _>>()?;
        if json {
            output::line(&serde_json::to_string(&rows).unwrap_or_default())?;
        } else {
            let cells: Vec<[String; 6]> = rows.iter().map(Row::cells).collect();
            output::table(["server", "port", "state", "version", "up", "probes"], &cells)?;
        }
        if !watch {
            let ready = rows.iter().all(Row::is_ready);
            return Ok(if ready { Exit::Ok } else { Exit::CallFailed });
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = tokio::signal::ctrl_c() => return Ok(Exit::Ok),
        }
        if !json {
            output::line("")?;
        }
    }
}

async fn row(member: &'static Member) -> Result<Row, StartError> {
    let address = sibling::address(member).await?;
    Ok(of(member, address).await)
}

/// Ask a server at an address how it is.
pub(crate) async fn of(member: &'static Member, address: std::net::SocketAddr) -> Row {
    let mut row = Row {
        server: member.name,
        port: address.port(),
        state: "down".to_owned(),
        version: String::new(),
        uptime_s: 0,
        probes: Value::Array(Vec::new()),
    };
    let Ok(live) = client::get(address, "/health", LIMIT).await else { return row };
    if live.body["server"] != member.name {
        row.state = "not ours".to_owned();
        return row;
    }
    row.version = live.body["version"].as_str().unwrap_or_default().to_owned();
    row.uptime_s = live.body["uptime_s"].as_u64().unwrap_or_default();
    row.state = "alive".to_owned();
    if let Ok(mut ready) = client::get(address, "/health/ready", LIMIT).await {
        if let Some(state) = ready.body["status"].as_str() {
            row.state = state.to_owned();
        }
        row.probes = ready.body["probes"].take();
        debug_assert!(ready.status == 200 || !row.is_ready(), "status and body agree");
    }
    row
}
