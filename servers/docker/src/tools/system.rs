//! `get_system_info`.

use crate::{
    Error, Server,
    engine::{Negotiated, Target, info::Info},
    usage::{self, Usage},
};
use mcp_core::{prelude::*, untrusted::Text};
use tokio::time::Instant;

const MAX_TEXT: usize = 300;
const MAX_ITEMS: usize = 30;

/// What to add.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct GetSystemInfoArgs {
    /// Add disk usage; takes seconds on a full host.
    #[serde(default)]
    disk_usage: bool,
}

/// The engine and its host.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct GetSystemInfoOutput {
    /// Where the engine was reached.
    address: String,
    health: Health,
    engine: EngineInfo,
    host: Host,
    storage: Storage,
    containers: Containers,
    /// Images on disk.
    images: u64,
    /// The engine's warnings about itself.
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disk_usage: Option<Usage>,
    /// JSON pointers to text written by others.
    untrusted: Vec<&'static str>,
}

/// How well it answers.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Health {
    reachable: bool,
    /// Milliseconds that this engine took for its own summary.
    latency_ms: u64,
}

/// The engine.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct EngineInfo {
    /// `docker` or `podman`.
    product: &'static str,
    version: String,
    /// API version that this server speaks with it.
    api_negotiated: String,
    /// Newest that it offers.
    api_newest: String,
    /// Oldest that it offers.
    #[serde(skip_serializing_if = "Option::is_none")]
    api_oldest: Option<String>,
    /// Containers survive its restart.
    live_restore: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    default_runtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logging_driver: Option<String>,
    /// `inactive` when it is in no swarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    swarm: Option<String>,
    /// Kernel confinement, such as `seccomp` and `rootless`.
    security_options: Vec<String>,
}

/// The engine's host.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Host {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    operating_system: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    os: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    architecture: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kernel: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    /// Such as `cgroupfs, version 2`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup: Option<String>,
}

/// Where images and containers lie.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Storage {
    #[serde(skip_serializing_if = "Option::is_none")]
    driver: Option<String>,
    /// On the engine's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    root_dir: Option<String>,
    /// The driver's own facts.
    details: Vec<String>,
}

/// Containers by state.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Containers {
    total: u64,
    running: u64,
    paused: u64,
    stopped: u64,
}

#[tool_router(router = system_tools, vis = "pub(crate)")]
impl Server {
    /// Describe the container engine and its host: versions, API, storage, counts, warnings, and
    /// disk usage on request.
    #[tool(
        title = "Describe the container engine",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn get_system_info(
        &self,
        Parameters(args): Parameters<GetSystemInfoArgs>,
    ) -> Result<Json<GetSystemInfoOutput>> {
        let negotiated = self.engine.negotiated().await?;
        let start = Instant::now();
        let info: Info = self.engine.get(&Target::new("the engine's summary", "/info")).await?;
        let latency_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
        let disk_usage = if args.disk_usage { Some(self.disk_usage().await?) } else { None };
        let address = self.engine.endpoint().to_string();
        Ok(Json(present(&negotiated, &info, (address, latency_ms), disk_usage)))
    }

    async fn disk_usage(&self) -> std::result::Result<Usage, Error> {
        let target = Target::new("the disk usage", "/system/df");
        Ok(usage::sum(&self.engine.get(&target).await?))
    }
}

fn present(
    negotiated: &Negotiated,
    info: &Info,
    (address, latency_ms): (String, u64),
    disk_usage: Option<Usage>,
) -> GetSystemInfoOutput {
    let (newest, oldest) = negotiated.offered;
    GetSystemInfoOutput {
        address,
        health: Health { reachable: true, latency_ms },
        engine: EngineInfo {
            product: negotiated.product,
            version: negotiated.release.clone(),
            api_negotiated: negotiated.api.to_string(),
            api_newest: newest.to_string(),
            api_oldest: oldest.map(|oldest| oldest.to_string()),
            live_restore: info.live_restore_enabled.unwrap_or(false),
            default_runtime: shown(info.default_runtime.as_ref()),
            logging_driver: shown(info.logging_driver.as_ref()),
            swarm: shown(info.swarm.as_ref().and_then(|swarm| swarm.local_node_state.as_ref())),
            security_options: shown_all(info.security_options.as_deref()),
        },
        host: Host {
            name: shown(info.name.as_ref()),
            operating_system: shown(info.operating_system.as_ref()),
            os: shown(info.os_type.as_ref()),
            architecture: shown(info.architecture.as_ref()),
            kernel: shown(info.kernel_version.as_ref()),
            cpus: info.cpus,
            memory_bytes: info.mem_total,
            cgroup: cgroup(info),
        },
        storage: Storage {
            driver: shown(info.driver.as_ref()),
            root_dir: shown(info.docker_root_dir.as_ref()),
            details: details(info),
        },
        containers: Containers {
            total: info.containers.unwrap_or(0),
            running: info.containers_running.unwrap_or(0),
            paused: info.containers_paused.unwrap_or(0),
            stopped: info.containers_stopped.unwrap_or(0),
        },
        images: info.images.unwrap_or(0),
        warnings: shown_all(info.warnings.as_deref()),
        disk_usage,
        untrusted: vec!["/engine", "/host", "/storage", "/warnings"],
    }
}

fn shown(value: Option<&Text>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(|value| value.line(MAX_TEXT))
}

fn shown_all(values: Option<&[Text]>) -> Vec<String> {
    let values = values.unwrap_or_default().iter();
    values.take(MAX_ITEMS).map(|value| value.line(MAX_TEXT)).collect()
}

fn cgroup(info: &Info) -> Option<String> {
    let driver = shown(info.cgroup_driver.as_ref())?;
    Some(match shown(info.cgroup_version.as_ref()) {
        Some(version) => format!("{driver}, version {version}"),
        None => driver,
    })
}

/// The driver's pairs, as `name: value`.
fn details(info: &Info) -> Vec<String> {
    let pairs = info.driver_status.iter().flatten().take(MAX_ITEMS);
    let shown = |pair: &Vec<Text>| {
        let words: Vec<_> = pair.iter().map(|word| word.line(MAX_TEXT / 2)).collect();
        words.join(": ")
    };
    pairs.map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_engine_that_says_little_is_described_by_that() {
        let version = crate::engine::model::Version {
            newest_api: Some("1.41".to_owned()),
            ..Default::default()
        };
        let negotiated = Negotiated::agree(version).unwrap();
        let output = present(&negotiated, &Info::default(), ("unix:///x".to_owned(), 1), None);
        let json = serde_json::to_value(output).unwrap();
        assert_eq!(json["engine"]["api_negotiated"], "1.41");
        assert_eq!(json["host"], serde_json::json!({}));
        assert!(json.get("disk_usage").is_none());
    }
}
