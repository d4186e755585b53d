//! The engine's JSON, read leniently: every field may be absent or null, states are strings, and a
//! field of an unexpected type is left out instead of failing the whole answer.

use std::collections::BTreeMap;

use mcp_core::untrusted::Text;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

/// Labels of a container. Ordered, so that answers are stable.
pub(crate) type Labels = BTreeMap<String, String>;

/// `null`, absent and misshapen are all `None`.
fn lenient<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let value = Option::<Value>::deserialize(deserializer)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()))
}

/// Body of a failure.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Failure {
    pub(crate) message: Option<Text>,
}

/// `GET /version`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Version {
    #[serde(rename = "Version")]
    pub(crate) release: Option<String>,
    #[serde(rename = "ApiVersion")]
    pub(crate) newest_api: Option<String>,
    #[serde(rename = "MinAPIVersion")]
    pub(crate) oldest_api: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) components: Option<Vec<Component>>,
}

/// A part of the engine.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Component {
    pub(crate) name: Option<String>,
}

/// A row of `GET /containers/json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Summary {
    pub(crate) id: Option<String>,
    pub(crate) names: Option<Vec<String>>,
    pub(crate) image: Option<String>,
    #[serde(rename = "ImageID")]
    pub(crate) image_id: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) command: Option<String>,
    /// Unix seconds.
    #[serde(deserialize_with = "lenient")]
    pub(crate) created: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) ports: Option<Vec<Port>>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) labels: Option<Labels>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) state: Option<String>,
    pub(crate) status: Option<String>,
    /// From API 1.52 on; before, the status text has it.
    #[serde(deserialize_with = "lenient")]
    pub(crate) health: Option<HealthSummary>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) network_settings: Option<NetworkSettings>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) mounts: Option<Vec<Mount>>,
}

/// Health in a list row.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HealthSummary {
    pub(crate) status: Option<String>,
}

/// A port in a list row.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Port {
    #[serde(rename = "IP")]
    pub(crate) ip: Option<String>,
    #[serde(rename = "PrivatePort")]
    pub(crate) private: u16,
    #[serde(rename = "PublicPort")]
    pub(crate) public: Option<u16>,
    #[serde(rename = "Type")]
    pub(crate) protocol: Option<String>,
}

/// `GET /containers/{id}/json`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Container {
    pub(crate) id: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) created: Option<String>,
    pub(crate) path: Option<String>,
    pub(crate) args: Option<Vec<String>>,
    pub(crate) image: Option<String>,
    pub(crate) platform: Option<String>,
    pub(crate) restart_count: Option<i64>,
    pub(crate) app_armor_profile: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) state: Option<State>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) config: Option<Config>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) host_config: Option<HostConfig>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) network_settings: Option<NetworkSettings>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) mounts: Option<Vec<Mount>>,
}

/// Run state.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct State {
    pub(crate) status: Option<String>,
    pub(crate) running: Option<bool>,
    pub(crate) paused: Option<bool>,
    pub(crate) restarting: Option<bool>,
    #[serde(rename = "OOMKilled")]
    pub(crate) oom_killed: Option<bool>,
    pub(crate) dead: Option<bool>,
    pub(crate) pid: Option<i64>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) error: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) finished_at: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) health: Option<Health>,
    /// Podman's word, beside `Health` or instead of it.
    #[serde(deserialize_with = "lenient")]
    pub(crate) healthcheck: Option<Health>,
}

impl State {
    /// Health under either name.
    pub(crate) fn health(&self) -> Option<&Health> {
        self.health.as_ref().or(self.healthcheck.as_ref())
    }

    /// The state's word; `unknown` when the engine names none.
    pub(crate) fn word(&self) -> &str {
        self.status.as_deref().filter(|word| !word.is_empty()).unwrap_or("unknown")
    }

    /// The health's word, when the container has a health check.
    pub(crate) fn health_word(&self) -> Option<&str> {
        let word = self.health()?.status.as_deref()?;
        (!matches!(word, "" | "none")).then_some(word)
    }
}

/// Health in an inspection.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Health {
    pub(crate) status: Option<String>,
    pub(crate) failing_streak: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) log: Option<Vec<HealthProbe>>,
}

/// One run of a health check.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HealthProbe {
    pub(crate) start: Option<String>,
    pub(crate) end: Option<String>,
    pub(crate) exit_code: Option<i64>,
    pub(crate) output: Option<String>,
}

/// What was asked of the image's runtime.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Config {
    pub(crate) hostname: Option<String>,
    pub(crate) user: Option<String>,
    pub(crate) tty: Option<bool>,
    pub(crate) env: Option<Vec<String>>,
    pub(crate) image: Option<String>,
    pub(crate) working_dir: Option<String>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) labels: Option<Labels>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) stop_signal: Option<String>,
    pub(crate) stop_timeout: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) healthcheck: Option<HealthCheck>,
}

/// A health check's definition; times in nanoseconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HealthCheck {
    pub(crate) test: Option<Vec<String>>,
    pub(crate) interval: Option<i64>,
    pub(crate) timeout: Option<i64>,
    pub(crate) start_period: Option<i64>,
    pub(crate) retries: Option<i64>,
}

/// What was asked of the host.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct HostConfig {
    pub(crate) network_mode: Option<String>,
    pub(crate) pid_mode: Option<String>,
    pub(crate) ipc_mode: Option<String>,
    #[serde(rename = "UTSMode")]
    pub(crate) uts_mode: Option<String>,
    pub(crate) userns_mode: Option<String>,
    pub(crate) cgroup_parent: Option<String>,
    pub(crate) runtime: Option<String>,
    pub(crate) privileged: Option<bool>,
    pub(crate) readonly_rootfs: Option<bool>,
    pub(crate) auto_remove: Option<bool>,
    pub(crate) cap_add: Option<Vec<String>>,
    pub(crate) cap_drop: Option<Vec<String>>,
    pub(crate) security_opt: Option<Vec<String>>,
    pub(crate) dns: Option<Vec<String>>,
    pub(crate) extra_hosts: Option<Vec<String>>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) devices: Option<Vec<Device>>,
    pub(crate) memory: Option<i64>,
    pub(crate) memory_swap: Option<i64>,
    pub(crate) nano_cpus: Option<i64>,
    pub(crate) cpu_quota: Option<i64>,
    pub(crate) cpu_period: Option<i64>,
    pub(crate) pids_limit: Option<i64>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) restart_policy: Option<RestartPolicy>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) log_config: Option<LogConfig>,
}

/// When the engine starts it again.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct RestartPolicy {
    pub(crate) name: Option<String>,
    pub(crate) maximum_retry_count: Option<i64>,
}

/// Where its logs go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct LogConfig {
    #[serde(rename = "Type")]
    pub(crate) driver: Option<String>,
}

/// A host device given to it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Device {
    pub(crate) path_on_host: Option<String>,
    pub(crate) path_in_container: Option<String>,
}

/// Networks and published ports.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct NetworkSettings {
    #[serde(deserialize_with = "lenient")]
    pub(crate) networks: Option<BTreeMap<String, NetworkEndpoint>>,
    #[serde(deserialize_with = "lenient")]
    pub(crate) ports: Option<BTreeMap<String, Option<Vec<PortBinding>>>>,
}

/// A container in a network.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct NetworkEndpoint {
    #[serde(rename = "IPAddress")]
    pub(crate) ip_address: Option<String>,
    #[serde(rename = "GlobalIPv6Address")]
    pub(crate) ipv6_address: Option<String>,
    pub(crate) gateway: Option<String>,
    pub(crate) mac_address: Option<String>,
    pub(crate) aliases: Option<Vec<String>>,
}

/// Where a port is published.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct PortBinding {
    pub(crate) host_ip: Option<String>,
    pub(crate) host_port: Option<String>,
}

/// Something mounted.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Mount {
    #[serde(rename = "Type")]
    pub(crate) kind: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) source: Option<String>,
    pub(crate) destination: Option<String>,
    pub(crate) mode: Option<String>,
    #[serde(rename = "RW")]
    pub(crate) writable: Option<bool>,
    pub(crate) propagation: Option<String>,
}

/// `GET /containers/{id}/top`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Top {
    pub(crate) titles: Option<Vec<String>>,
    pub(crate) processes: Option<Vec<Vec<String>>>,
}

/// A row of `GET /containers/{id}/changes`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Change {
    pub(crate) path: Option<String>,
    pub(crate) kind: Option<u8>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nulls_unknown_states_and_misshapen_fields_do_not_fail_a_row() {
        let rows: Vec<Summary> = serde_json::from_str(
            r#"[{"Id":"a","Names":null,"State":"stopping","Ports":null,"Labels":null,"New":{"x":1}},
                {"Id":"b","Created":"yesterday","Ports":[{"PrivatePort":"many"}],"State":7,"Mounts":{}}]"#,
        )
        .unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(rows[0].state.as_deref(), Some("stopping"));
        assert!(rows[1].created.is_none() && rows[1].ports.is_none() && rows[1].state.is_none());
    }

    #[test]
    fn podmans_health_is_found_under_its_name() {
        let state: State =
            serde_json::from_str(r#"{"Status":"running","Healthcheck":{"Status":"healthy"}}"#)
                .unwrap();
        assert_eq!(state.health_word(), Some("healthy"));
    }
}
