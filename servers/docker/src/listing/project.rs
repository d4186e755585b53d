//! Sums per compose project.

use std::collections::BTreeMap;

use mcp_core::prelude::*;

use super::{PROJECT, SERVICE, health, label, state};
use crate::engine::model::Summary;

/// `True` on containers of `compose run`, which are not part of the service.
pub(super) const ONE_OFF: &str = "com.docker.compose.oneoff";

/// Containers of one compose project.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Project {
    #[serde(rename = "project")]
    pub(crate) name: String,
    /// Containers that run.
    running: u32,
    /// Containers that exist, one-off runs left out.
    wanted: u32,
    /// The worst of its services.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    services: Vec<Service>,
}

/// Containers of one compose service.
#[derive(Debug, Clone, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Service {
    #[serde(rename = "service")]
    name: String,
    /// Containers that run.
    running: u32,
    /// Containers that exist, one-off runs left out.
    wanted: u32,
    /// The worst of its containers: `unhealthy`, `starting` or `healthy`.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    /// States of the containers that do not run.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_running: Vec<String>,
}

/// Sum up by compose project and service, from labels alone. Containers of no project are left
/// out; their number comes second.
pub(crate) fn group(summaries: &[Summary]) -> (Vec<Project>, u32) {
    let mut projects: BTreeMap<String, BTreeMap<String, Service>> = BTreeMap::new();
    let mut alone = 0;
    for summary in summaries {
        let Some(project) = label(summary, PROJECT) else {
            alone += 1;
            continue;
        };
        let services = projects.entry(project).or_default();
        if label(summary, ONE_OFF).is_some_and(|one_off| one_off.eq_ignore_ascii_case("true")) {
            continue;
        }
        let name = label(summary, SERVICE).unwrap_or_default();
        services.entry(name).or_default().add(summary);
    }
    let projects = projects.into_iter().map(|(name, services)| {
        let services: Vec<_> =
            services.into_iter().map(|(name, sum)| Service { name, ..sum }).collect();
        Project {
            name,
            running: services.iter().map(|service| service.running).sum(),
            wanted: services.iter().map(|service| service.wanted).sum(),
            health: services
                .iter()
                .filter_map(|service| service.health.as_deref())
                .max_by_key(|health| rank(health))
                .map(str::to_owned),
            services,
        }
    });
    (projects.collect(), alone)
}

impl Service {
    fn add(&mut self, summary: &Summary) {
        self.wanted += 1;
        let state = state(summary);
        if state == "running" {
            self.running += 1;
        } else {
            self.not_running.push(state);
        }
        self.health =
            self.health.take().into_iter().chain(health(summary)).max_by_key(|health| rank(health));
    }
}

/// Worse is more.
fn rank(health: &str) -> u8 {
    match health {
        "unhealthy" => 3,
        "starting" => 2,
        "healthy" => 1,
        _ => 0,
    }
}
