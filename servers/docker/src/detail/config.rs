//! What the container was told to be.

use std::collections::BTreeMap;

use mcp_core::{prelude::*, untrusted};

use super::{MAX_ITEMS, command, positive, shown};
use crate::{
    engine::model::{Container, HostConfig},
    listing,
    redaction::Redactor,
};

/// Image, command, environment names, limits.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ConfigSection {
    /// Image as it was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<String>,
    /// Entry point and arguments, credentials hidden.
    command: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    working_dir: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Names of its variables; values are never shown.
    env_names: Vec<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    /// `no`, `always`, `unless-stopped`, `on-failure` or `on-failure:N`.
    #[serde(skip_serializing_if = "Option::is_none")]
    restart: Option<String>,
    /// Whether it has a terminal: then its log is one stream.
    tty: bool,
    /// Removed when it exits.
    auto_remove: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<String>,
    /// Seconds between stop signal and kill.
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_timeout_s: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_driver: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    platform: Option<String>,
    limits: Limits,
}

/// Resource limits; absent means none.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_bytes: Option<u64>,
    /// Memory and swap together.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_swap_bytes: Option<u64>,
    /// CPUs, fractions allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpus: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pids: Option<u64>,
}

/// Present it.
pub(crate) fn section(container: &Container, redactor: &Redactor) -> ConfigSection {
    let config = container.config.clone().unwrap_or_default();
    let host = container.host_config.clone().unwrap_or_default();
    let entry = container.path.iter().filter(|path| !path.is_empty());
    let args: Vec<String> = entry.chain(container.args.iter().flatten()).cloned().collect();
    ConfigSection {
        image: shown(config.image.as_deref()),
        image_id: shown(container.image.as_deref()),
        command: command(&args, redactor),
        working_dir: shown(config.working_dir.as_deref()),
        user: shown(config.user.as_deref()),
        env_names: env_names(config.env.as_deref().unwrap_or_default()),
        labels: listing::labels(config.labels.iter().flatten()),
        restart: restart(&host),
        tty: config.tty.unwrap_or(false),
        auto_remove: host.auto_remove.unwrap_or(false),
        stop_signal: shown(config.stop_signal.as_deref()),
        stop_timeout_s: positive(config.stop_timeout),
        log_driver: shown(host.log_config.as_ref().and_then(|log| log.driver.as_deref())),
        runtime: shown(host.runtime.as_deref()),
        platform: shown(container.platform.as_deref()),
        limits: limits(&host),
    }
}

/// The names, sorted; a pair without `=` is a name.
fn env_names(env: &[String]) -> Vec<String> {
    let names = env.iter().map(|pair| pair.split_once('=').map_or(pair.as_str(), |(name, _)| name));
    let mut names: Vec<String> =
        names.take(MAX_ITEMS).map(|name| untrusted::line(name, 200)).collect();
    names.sort_unstable();
    names
}

fn restart(host: &HostConfig) -> Option<String> {
    let policy = host.restart_policy.as_ref()?;
    let name = shown(policy.name.as_deref())?;
    Some(match positive(policy.maximum_retry_count) {
        Some(retries) => format!("{name}:{retries}"),
        None => name,
    })
}

fn limits(host: &HostConfig) -> Limits {
    // `--cpus` is stored as billionths, compose files may give quota and period instead.
    let billionths = positive(host.nano_cpus).or_else(|| {
        let quota = positive(host.cpu_quota)?;
        let period = positive(host.cpu_period).unwrap_or(100_000);
        quota.checked_mul(1_000_000_000)?.checked_div(period)
    });
    #[expect(clippy::cast_precision_loss, reason = "a number of CPUs is far below 2^53")]
    let cpus = billionths.map(|billionths| billionths as f64 / 1e9);
    Limits {
        memory_bytes: positive(host.memory),
        memory_swap_bytes: positive(host.memory_swap),
        cpus,
        pids: positive(host.pids_limit),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_of_variables_are_not_shown() {
        let container: Container = serde_json::from_value(json!({
            "Path": "run", "Args": ["--token", "canary-1", "canary-2"],
            "Config": {"Env": ["B_TOKEN=canary-2", "A=canary-3", "BARE"], "Labels": {"x": "y"}},
            "HostConfig": {"RestartPolicy": {"Name": "on-failure", "MaximumRetryCount": 5},
                "Memory": 1_048_576, "CpuQuota": 50_000, "PidsLimit": -1}
        }))
        .unwrap();
        let redactor = Redactor::from_env(container.config.as_ref().unwrap().env.as_ref().unwrap());
        let section = serde_json::to_value(super::section(&container, &redactor)).unwrap();
        assert_eq!(section["env_names"], json!(["A", "BARE", "B_TOKEN"]));
        assert_eq!(section["command"], json!(["run", "--token", "[redacted]", "[redacted]"]));
        assert_eq!(section["limits"], json!({"memory_bytes": 1_048_576, "cpus": 0.5}));
        assert_eq!(section["restart"], "on-failure:5");
        assert!(!section.to_string().contains("canary"));
    }
}
