//! What the container may do to its host.

use mcp_core::prelude::*;

use super::{shown, shown_all};
use crate::engine::model::{Container, Mount};

/// Sockets of container engines: who can write to one is root on the host.
const ENGINE_SOCKETS: [&str; 4] = ["docker.sock", "podman.sock", "containerd.sock", "crio.sock"];

/// Privileges and isolation.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct SecuritySection {
    privileged: bool,
    /// `root` when none is set.
    user: String,
    /// Root file system cannot be written.
    readonly_rootfs: bool,
    /// It cannot gain privileges by setuid.
    no_new_privileges: bool,
    cap_add: Vec<String>,
    cap_drop: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    security_opt: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    apparmor: Option<String>,
    /// Namespaces shared with the host: `network`, `pid`, `ipc`, `uts`, `user`.
    host_namespaces: Vec<&'static str>,
    /// Namespaces joined from another container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    joined_namespaces: Vec<String>,
    /// Host devices, `host:container`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    devices: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_parent: Option<String>,
    /// An engine's socket is mounted: as good as root on the host.
    engine_socket: bool,
}

/// Present it.
pub(crate) fn section(container: &Container) -> SecuritySection {
    let host = container.host_config.clone().unwrap_or_default();
    let user = shown(container.config.as_ref().and_then(|config| config.user.as_deref()));
    let options = shown_all(host.security_opt.as_deref());
    let modes = [
        ("network", host.network_mode.as_deref()),
        ("pid", host.pid_mode.as_deref()),
        ("ipc", host.ipc_mode.as_deref()),
        ("uts", host.uts_mode.as_deref()),
        ("user", host.userns_mode.as_deref()),
    ];
    let host_namespaces =
        modes.iter().filter(|(_, mode)| *mode == Some("host")).map(|(name, _)| *name).collect();
    let joined = modes.iter().filter_map(|(name, mode)| {
        let other = mode.and_then(|mode| mode.strip_prefix("container:"))?;
        Some(format!("{name} of {}", shown(Some(other))?))
    });
    let devices = host.devices.unwrap_or_default();
    let device = devices.iter().filter_map(|device| {
        let inside = shown(device.path_in_container.as_deref()).unwrap_or_default();
        Some(format!("{}:{inside}", shown(device.path_on_host.as_deref())?))
    });
    SecuritySection {
        privileged: host.privileged.unwrap_or(false),
        user: user.unwrap_or_else(|| "root".to_owned()),
        readonly_rootfs: host.readonly_rootfs.unwrap_or(false),
        no_new_privileges: options.iter().any(|option| is_no_new_privileges(option)),
        cap_add: shown_all(host.cap_add.as_deref()),
        cap_drop: shown_all(host.cap_drop.as_deref()),
        apparmor: shown(container.app_armor_profile.as_deref()),
        host_namespaces,
        joined_namespaces: joined.collect(),
        devices: device.take(super::MAX_ITEMS).collect(),
        cgroup_parent: shown(host.cgroup_parent.as_deref()),
        engine_socket: container.mounts.iter().flatten().any(is_engine_socket),
        security_opt: options,
    }
}

fn is_no_new_privileges(option: &str) -> bool {
    matches!(option, "no-new-privileges" | "no-new-privileges:true" | "no-new-privileges=true")
}

fn is_engine_socket(mount: &Mount) -> bool {
    let ends = |path: &Option<String>| {
        path.as_deref().is_some_and(|path| ENGINE_SOCKETS.iter().any(|name| path.ends_with(name)))
    };
    ends(&mount.source) || ends(&mount.destination)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_breaks_isolation_is_named() {
        let container: Container = serde_json::from_value(json!({
            "HostConfig": {"Privileged": true, "NetworkMode": "host", "PidMode": "container:abc", "IpcMode": "private",
                "SecurityOpt": ["no-new-privileges", "seccomp=unconfined"], "CapAdd": ["SYS_ADMIN"],
                "Devices": [{"PathOnHost": "/dev/kvm", "PathInContainer": "/dev/kvm"}]},
            "Mounts": [{"Source": "/run/user/1/podman/podman.sock", "Destination": "/s"}]
        }))
        .unwrap();
        let section = serde_json::to_value(section(&container)).unwrap();
        assert_eq!(section["host_namespaces"], json!(["network"]));
        assert_eq!(section["joined_namespaces"], json!(["pid of abc"]));
        assert_eq!(section["devices"], json!(["/dev/kvm:/dev/kvm"]));
        for flag in ["privileged", "no_new_privileges", "engine_socket"] {
            assert_eq!(section[flag], true, "{flag}");
        }
        assert_eq!(section["user"], "root");
    }
}
