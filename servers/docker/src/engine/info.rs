//! The engine's JSON about its host, read as leniently as [`super::model`].

use mcp_core::untrusted::Text;
use serde::Deserialize;

/// `GET /info`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Info {
    pub(crate) name: Option<Text>,
    pub(crate) containers: Option<u64>,
    pub(crate) containers_running: Option<u64>,
    pub(crate) containers_paused: Option<u64>,
    pub(crate) containers_stopped: Option<u64>,
    pub(crate) images: Option<u64>,
    pub(crate) driver: Option<Text>,
    pub(crate) driver_status: Option<Vec<Vec<Text>>>,
    pub(crate) docker_root_dir: Option<Text>,
    pub(crate) logging_driver: Option<Text>,
    pub(crate) cgroup_driver: Option<Text>,
    pub(crate) cgroup_version: Option<Text>,
    pub(crate) default_runtime: Option<Text>,
    pub(crate) kernel_version: Option<Text>,
    pub(crate) operating_system: Option<Text>,
    #[serde(rename = "OSType")]
    pub(crate) os_type: Option<Text>,
    pub(crate) architecture: Option<Text>,
    #[serde(rename = "NCPU")]
    pub(crate) cpus: Option<u64>,
    pub(crate) mem_total: Option<u64>,
    pub(crate) live_restore_enabled: Option<bool>,
    pub(crate) security_options: Option<Vec<Text>>,
    pub(crate) warnings: Option<Vec<Text>>,
    pub(crate) swarm: Option<Swarm>,
}

/// Membership of a swarm.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct Swarm {
    pub(crate) local_node_state: Option<Text>,
}

/// `GET /system/df`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct DiskUsage {
    pub(crate) layers_size: Option<i64>,
    pub(crate) images: Option<Vec<ImageUsage>>,
    pub(crate) containers: Option<Vec<ContainerUsage>>,
    pub(crate) volumes: Option<Vec<VolumeUsage>>,
    pub(crate) build_cache: Option<Vec<CacheUsage>>,
}

/// Disk of one image.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct ImageUsage {
    pub(crate) size: Option<i64>,
    pub(crate) shared_size: Option<i64>,
    pub(crate) containers: Option<i64>,
}

/// Disk of one container's writable layer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct ContainerUsage {
    pub(crate) size_rw: Option<i64>,
    pub(crate) state: Option<String>,
}

/// Disk of one volume.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct VolumeUsage {
    pub(crate) usage_data: Option<UsageData>,
}

/// Size of a volume and how many containers use it; -1 when unknown.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct UsageData {
    pub(crate) size: Option<i64>,
    pub(crate) ref_count: Option<i64>,
}

/// Disk of one build cache record.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub(crate) struct CacheUsage {
    pub(crate) size: Option<i64>,
    pub(crate) in_use: Option<bool>,
    pub(crate) shared: Option<bool>,
}
