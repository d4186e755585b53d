//! Rows of the container list: chosen columns, a stable order, pages, compose projects.

use std::collections::BTreeMap;

use crate::{
    engine::model::{Port, Summary},
    redaction::{self, Redactor},
    timestamp::Timestamp,
};
use mcp_core::{prelude::*, untrusted};

pub(crate) mod page;
pub(crate) mod project;

/// Label that compose puts on each container.
pub(crate) const PROJECT: &str = "com.docker.compose.project";
/// The service within the project.
pub(crate) const SERVICE: &str = "com.docker.compose.service";

const MAX_NAME: usize = 255;
const MAX_TEXT: usize = 300;
const MAX_ITEMS: usize = 50;

/// A column of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Field {
    Id,
    Name,
    Image,
    State,
    Health,
    Ports,
    AgeS,
    Project,
    Service,
    Status,
    Command,
    Labels,
    Networks,
    Mounts,
}

impl Field {
    /// The columns shown when none are chosen.
    pub(crate) const DEFAULT: [Self; 8] = [
        Self::Id,
        Self::Name,
        Self::Image,
        Self::State,
        Self::Health,
        Self::Ports,
        Self::AgeS,
        Self::Project,
    ];
}

/// Order of the list.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Sort {
    #[default]
    Newest,
    Oldest,
    Name,
    State,
    Project,
}

/// One container. Columns that were not chosen, or have nothing to say, are absent.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// First 12 digits of the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// `running`, `exited`, `paused`, `created`, `restarting`, `dead`, or the engine's newer word.
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<String>,
    /// `healthy`, `unhealthy` or `starting`.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    /// `host:port->port/protocol` when published, else `port/protocol`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ports: Vec<String>,
    /// Seconds since it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    age_s: Option<u64>,
    /// Compose project.
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    /// Compose service.
    #[serde(skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    /// The engine's sentence, such as `Exited (1) 2 hours ago`.
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<String>,
    /// Command line, credentials hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    labels: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    networks: Vec<String>,
    /// Mount points in the container.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    mounts: Vec<String>,
}

impl Row {
    /// Present the chosen columns of a container.
    pub(crate) fn new(summary: &Summary, fields: &[Field], now: Timestamp) -> Self {
        let mut row = Self::default();
        for field in fields {
            row.fill(summary, *field, now);
        }
        row
    }

    fn fill(&mut self, summary: &Summary, field: Field, now: Timestamp) {
        match field {
            Field::Id => self.id = Some(short_id(summary)),
            Field::Name => self.name = Some(name(summary)),
            Field::Image => self.image = Some(image(summary)),
            Field::State => self.state = Some(state(summary)),
            Field::Health => self.health = health(summary),
            Field::Ports => self.ports = ports(summary.ports.as_deref().unwrap_or_default()),
            Field::AgeS => self.age_s = created(summary).map(|created| created.age_s(now)),
            Field::Project => self.project = label(summary, PROJECT),
            Field::Service => self.service = label(summary, SERVICE),
            Field::Status => self.status = shown(summary.status.as_deref()),
            Field::Command => {
                let command = summary.command.as_deref().filter(|command| !command.is_empty());
                self.command =
                    command.map(|command| Redactor::default().present(command, MAX_TEXT));
            }
            Field::Labels => self.labels = labels(summary.labels.iter().flatten()),
            Field::Networks => {
                let settings = summary.network_settings.as_ref();
                let networks = settings.and_then(|settings| settings.networks.as_ref());
                let names = networks.into_iter().flat_map(BTreeMap::keys);
                self.networks =
                    names.take(MAX_ITEMS).map(|name| untrusted::line(name, MAX_NAME)).collect();
            }
            Field::Mounts => {
                let mounts = summary.mounts.as_deref().unwrap_or_default();
                let places = mounts.iter().filter_map(|mount| mount.destination.as_deref());
                self.mounts =
                    places.take(MAX_ITEMS).map(|place| untrusted::line(place, MAX_TEXT)).collect();
            }
        }
    }
}

/// Labels, cleaned and cut; values under a telling name are hidden.
pub(crate) fn labels<'a>(
    labels: impl Iterator<Item = (&'a String, &'a String)>,
) -> BTreeMap<String, String> {
    labels
        .take(MAX_ITEMS)
        .map(|(key, value)| {
            let value = if redaction::is_secret_name(key) {
                redaction::REDACTED.to_owned()
            } else {
                Redactor::default().present(value, MAX_TEXT)
            };
            (untrusted::line(key, MAX_NAME), value)
        })
        .collect()
}

pub(crate) fn short_id(summary: &Summary) -> String {
    summary.id.as_deref().unwrap_or_default().chars().take(12).collect()
}

/// The container's own name: with legacy links it is the one without a further slash.
pub(crate) fn name(summary: &Summary) -> String {
    let names = summary.names.as_deref().unwrap_or_default();
    let own = names.iter().find(|name| !name.trim_start_matches('/').contains('/'));
    let name = own.or(names.first()).map(String::as_str).unwrap_or_default();
    untrusted::line(name.trim_start_matches('/'), MAX_NAME)
}

/// The image as it was named; a bare digest is shortened as `docker ps` does.
fn image(summary: &Summary) -> String {
    let image = summary.image.as_deref().filter(|image| !image.is_empty());
    let image = image.or(summary.image_id.as_deref()).unwrap_or_default();
    match image.strip_prefix("sha256:") {
        Some(digest) => digest.chars().take(12).collect(),
        None => untrusted::line(image, MAX_TEXT),
    }
}

fn state(summary: &Summary) -> String {
    let state = summary.state.as_deref().filter(|state| !state.is_empty());
    untrusted::line(state.unwrap_or("unknown"), 40)
}

/// Health by its own field, else out of the status text: `Up 2 hours (healthy)`.
fn health(summary: &Summary) -> Option<String> {
    if let Some(health) = summary.health.as_ref().and_then(|health| health.status.as_deref()) {
        return (!matches!(health, "" | "none")).then(|| untrusted::line(health, 40));
    }
    let (_, inside) = summary.status.as_deref()?.rsplit_once('(')?;
    let word = inside.strip_suffix(')')?;
    let word = word.strip_prefix("health: ").unwrap_or(word);
    matches!(word, "healthy" | "unhealthy" | "starting").then(|| word.to_owned())
}

fn created(summary: &Summary) -> Option<Timestamp> {
    summary.created.filter(|seconds| *seconds > 0)?.checked_mul(1_000_000_000).map(Timestamp)
}

fn label(summary: &Summary, key: &str) -> Option<String> {
    let value = summary.labels.as_ref()?.get(key)?;
    Some(untrusted::line(value, MAX_NAME))
}

fn shown(text: Option<&str>) -> Option<String> {
    text.filter(|text| !text.is_empty()).map(|text| untrusted::line(text, MAX_TEXT))
}

/// Ports in order, each once: IPv4 and IPv6 wildcards of one port count as one.
pub(crate) fn ports(ports: &[Port]) -> Vec<String> {
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| (port.private, port.public));
    let mut shown: Vec<String> = Vec::new();
    for port in sorted {
        let text = port_text(port);
        if !shown.contains(&text) && shown.len() < MAX_ITEMS {
            shown.push(text);
        }
    }
    shown
}

fn port_text(port: &Port) -> String {
    let protocol = untrusted::line(port.protocol.as_deref().unwrap_or("tcp"), 10);
    let private = port.private;
    match (port.public.filter(|public| *public > 0), port.ip.as_deref()) {
        (None, _) => format!("{private}/{protocol}"),
        (Some(public), None | Some("" | "0.0.0.0" | "::")) => {
            format!("*:{public}->{private}/{protocol}")
        }
        (Some(public), Some(ip)) if ip.contains(':') => {
            format!("[{}]:{public}->{private}/{protocol}", untrusted::line(ip, 45))
        }
        (Some(public), Some(ip)) => {
            format!("{}:{public}->{private}/{protocol}", untrusted::line(ip, 45))
        }
    }
}

#[cfg(test)]
mod tests;
