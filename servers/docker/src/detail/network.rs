//! Where the container can be reached, and what it has mounted.

use mcp_core::{prelude::*, untrusted};

use super::{MAX_ITEMS, shown, shown_all};
use crate::engine::model::{Container, Mount, NetworkEndpoint, PortBinding};

/// Networks and ports.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct NetworkSection {
    /// `bridge`, `host`, `none`, `container:ID` or a network's name.
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hostname: Option<String>,
    /// `host:port->port/protocol` when published, else `port/protocol`.
    ports: Vec<String>,
    networks: Vec<Network>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    extra_hosts: Vec<String>,
}

/// One network that it is in.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Network {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ip: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    gateway: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac: Option<String>,
    /// Names that other containers of the network find it by.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    aliases: Vec<String>,
}

/// Present networks.
pub(crate) fn section(container: &Container) -> NetworkSection {
    let host = container.host_config.as_ref();
    let settings = container.network_settings.clone().unwrap_or_default();
    let ports = settings.ports.unwrap_or_default();
    let networks = settings.networks.unwrap_or_default();
    NetworkSection {
        mode: shown(host.and_then(|host| host.network_mode.as_deref())),
        hostname: shown(container.config.as_ref().and_then(|config| config.hostname.as_deref())),
        ports: ports
            .iter()
            .flat_map(|(port, bindings)| published(port, bindings.as_deref().unwrap_or_default()))
            .take(MAX_ITEMS)
            .collect(),
        networks: networks.iter().take(MAX_ITEMS).map(|(name, end)| network(name, end)).collect(),
        dns: shown_all(host.and_then(|host| host.dns.as_deref())),
        extra_hosts: shown_all(host.and_then(|host| host.extra_hosts.as_deref())),
    }
}

fn published(port: &str, bindings: &[PortBinding]) -> Vec<String> {
    let port = untrusted::line(port, 20);
    if bindings.is_empty() {
        return vec![port];
    }
    let mut shown: Vec<String> = bindings
        .iter()
        .map(|binding| {
            let ip = match binding.host_ip.as_deref() {
                None | Some("" | "0.0.0.0" | "::") => "*".to_owned(),
                Some(ip) if ip.contains(':') => format!("[{}]", untrusted::line(ip, 45)),
                Some(ip) => untrusted::line(ip, 45),
            };
            let public = untrusted::line(binding.host_port.as_deref().unwrap_or_default(), 20);
            format!("{ip}:{public}->{port}")
        })
        .collect();
    shown.dedup();
    shown
}

fn network(name: &str, end: &NetworkEndpoint) -> Network {
    Network {
        name: untrusted::line(name, 255),
        ip: shown(end.ip_address.as_deref()),
        ipv6: shown(end.ipv6_address.as_deref()),
        gateway: shown(end.gateway.as_deref()),
        mac: shown(end.mac_address.as_deref()),
        aliases: shown_all(end.aliases.as_deref()),
    }
}

/// Something mounted.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct MountRow {
    /// `bind`, `volume`, `tmpfs` or the engine's other word.
    #[serde(rename = "type")]
    kind: String,
    /// Name of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    /// Path on the engine's host.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    destination: String,
    writable: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    propagation: Option<String>,
}

/// Present mounts.
pub(crate) fn mounts(container: &Container) -> Vec<MountRow> {
    container.mounts.as_deref().unwrap_or_default().iter().take(MAX_ITEMS).map(mount).collect()
}

fn mount(mount: &Mount) -> MountRow {
    MountRow {
        kind: shown(mount.kind.as_deref()).unwrap_or_else(|| "unknown".to_owned()),
        name: shown(mount.name.as_deref()),
        source: shown(mount.source.as_deref()),
        destination: shown(mount.destination.as_deref()).unwrap_or_default(),
        writable: mount.writable.unwrap_or(false),
        mode: shown(mount.mode.as_deref()),
        propagation: shown(mount.propagation.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn ports_networks_and_mounts_are_flat() {
        let container: Container = serde_json::from_value(json!({
            "HostConfig": {"NetworkMode": "front"},
            "NetworkSettings": {
                "Ports": {"80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "::", "HostPort": "8080"}],
                    "9/udp": null},
                "Networks": {"front": {"IPAddress": "10.0.0.2", "Aliases": ["web"], "Gateway": ""}}},
            "Mounts": [{"Type": "volume", "Name": "data", "Destination": "/data", "RW": true}]
        }))
        .unwrap();
        assert_eq!(
            serde_json::to_value(section(&container)).unwrap(),
            json!({"mode": "front", "ports": ["*:8080->80/tcp", "9/udp"],
                "networks": [{"name": "front", "ip": "10.0.0.2", "aliases": ["web"]}]})
        );
        assert_eq!(
            serde_json::to_value(mounts(&container)).unwrap(),
            json!([{"type": "volume", "name": "data", "destination": "/data", "writable": true}])
        );
    }
}
