//! `inspect_container`.

use std::time::Duration;

use crate::{
    Error, Server,
    detail::{
        config::{self, ConfigSection},
        network::{self, MountRow, NetworkSection},
        process::{self, ChangeSection, ProcessSection},
        raw,
        security::{self, SecuritySection},
        state::{self, HealthSection, StateSection},
    },
    engine::{ContainerRef, Target, model::Container},
    pattern,
    redaction::Redactor,
    timestamp::Timestamp,
    wait::{self, Condition, Waited},
};
use mcp_core::{prelude::*, untrusted};
use serde_json::Value;

/// A part of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Section {
    Config,
    State,
    Network,
    Mounts,
    Health,
    Security,
    Processes,
    Changes,
    /// The engine's JSON of configuration and state, secrets hidden.
    Raw,
}

/// What is shown when no section is chosen.
const DEFAULT: [Section; 5] =
    [Section::Config, Section::State, Section::Network, Section::Mounts, Section::Health];

/// What to wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum WaitFor {
    Running,
    Healthy,
    Exited,
    /// A log line of the current run that matches `pattern`.
    Log,
}

/// Container, sections, condition.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectContainerArgs {
    /// Name, id or unique id prefix.
    #[schemars(regex(pattern = ContainerRef::PATTERN))]
    container: String,
    /// Parts to show; default config, state, network, mounts, health.
    #[serde(default)]
    #[schemars(length(max = 9))]
    sections: Vec<Section>,
    /// Wait for this before looking.
    #[serde(default)]
    wait_for: Option<WaitFor>,
    /// Regular expression for `wait_for: log`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    pattern: Option<String>,
    /// Seconds to wait; 0 looks once.
    #[serde(default)]
    #[schemars(range(min = 0, max = 300))]
    timeout_s: u16,
}

/// A checked request.
struct Request {
    container: ContainerRef,
    sections: Vec<Section>,
    condition: Option<Condition>,
    timeout: Duration,
}

impl TryFrom<InspectContainerArgs> for Request {
    type Error = Error;

    fn try_from(args: InspectContainerArgs) -> std::result::Result<Self, Error> {
        let condition = match (args.wait_for, &args.pattern) {
            (Some(WaitFor::Log), Some(text)) => {
                Some(Condition::Log(pattern::compile("/pattern", text)?))
            }
            (Some(WaitFor::Log), None) => {
                return Err(Error::invalid("/pattern", "is required with wait_for `log`"));
            }
            (_, Some(_)) => {
                return Err(Error::invalid("/pattern", "is for wait_for `log` only"));
            }
            (None, None) if args.timeout_s > 0 => {
                return Err(Error::invalid("/timeout_s", "needs wait_for"));
            }
            (None, None) => None,
            (Some(WaitFor::Running), None) => Some(Condition::Running),
            (Some(WaitFor::Healthy), None) => Some(Condition::Healthy),
            (Some(WaitFor::Exited), None) => Some(Condition::Exited),
        };
        Ok(Self {
            container: ContainerRef::parse("/container", &args.container)?,
            sections: if args.sections.is_empty() { DEFAULT.to_vec() } else { args.sections },
            condition,
            timeout: Duration::from_secs(args.timeout_s.into()),
        })
    }
}

/// The chosen sections.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct InspectContainerOutput {
    /// Full id.
    id: String,
    name: String,
    /// How the wait ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    waited: Option<Waited>,
    #[serde(skip_serializing_if = "Option::is_none")]
    config: Option<ConfigSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<StateSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<NetworkSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mounts: Option<Vec<MountRow>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    security: Option<SecuritySection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    processes: Option<ProcessSection>,
    #[serde(skip_serializing_if = "Option::is_none")]
    changes: Option<ChangeSection>,
    /// `config` and `state` as the engine has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    raw: Option<Value>,
    /// JSON pointers to text written by others.
    untrusted: Vec<&'static str>,
}

#[tool_router(router = inspect_tools, vis = "pub(crate)")]
impl Server {
    /// Inspect one container by sections, at once or after it runs, is healthy, has exited or
    /// logged a line. Values of environment variables are never shown.
    #[tool(
        title = "Inspect a container",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn inspect_container(
        &self,
        Parameters(args): Parameters<InspectContainerArgs>,
        progress: Progress,
        ct: CancellationToken,
    ) -> Result<Json<InspectContainerOutput>> {
        let request = Request::try_from(args)?;
        let output = ct.run_until_cancelled(self.inspect(&request, &progress)).await;
        Ok(Json(output.unwrap_or(Err(Error::Cancelled))?))
    }

    async fn inspect(
        &self,
        request: &Request,
        progress: &Progress,
    ) -> std::result::Result<InspectContainerOutput, Error> {
        let container = &request.container;
        let waited = match &request.condition {
            None => None,
            Some(condition) => Some(
                wait::wait(&self.engine, container, condition, request.timeout, progress).await?,
            ),
        };
        let target = Target::container("the container", container, "json");
        let body = self.engine.get_bytes(&target).await?;
        let seen: Container = serde_json::from_slice(&body)
            .map_err(|_| crate::engine::bad(target.what, "it is not the expected JSON"))?;
        let env = seen.config.as_ref().and_then(|config| config.env.as_deref());
        let redactor = Redactor::from_env(env.unwrap_or_default());
        let mut output = InspectContainerOutput {
            id: untrusted::line(seen.id.as_deref().unwrap_or_default(), 80),
            name: untrusted::line(
                seen.name.as_deref().unwrap_or_default().trim_start_matches('/'),
                255,
            ),
            waited,
            untrusted: vec!["/name"],
            ..InspectContainerOutput::default()
        };
        if output.waited.as_ref().is_some_and(|waited| waited.line.is_some()) {
            output.untrusted.push("/waited/line");
        }
        for section in &request.sections {
            match section {
                Section::Processes => {
                    let is_running = seen.state.as_ref().is_some_and(state::is_running);
                    let processes =
                        process::processes(&self.engine, container, is_running, &redactor).await?;
                    output.processes = Some(processes);
                }
                Section::Changes => {
                    output.changes = Some(process::changes(&self.engine, container).await?);
                }
                Section::Raw => {
                    let inspected: Value = serde_json::from_slice(&body).unwrap_or_default();
                    output.raw = Some(raw::section(&inspected, &redactor));
                }
                known => output.fill(*known, &seen, &redactor),
            }
            output.untrusted.push(pointer(*section));
        }
        output.untrusted.dedup();
        Ok(output)
    }
}

impl InspectContainerOutput {
    /// The sections that need nothing but the inspection.
    fn fill(&mut self, section: Section, seen: &Container, redactor: &Redactor) {
        match section {
            Section::Config => self.config = Some(config::section(seen, redactor)),
            Section::State => self.state = Some(state::section(seen, redactor, Timestamp::now())),
            Section::Network => self.network = Some(network::section(seen)),
            Section::Mounts => self.mounts = Some(network::mounts(seen)),
            Section::Health => self.health = Some(state::health(seen, redactor)),
            Section::Security => self.security = Some(security::section(seen)),
            Section::Processes | Section::Changes | Section::Raw => {}
        }
    }
}

const fn pointer(section: Section) -> &'static str {
    match section {
        Section::Config => "/config",
        Section::State => "/state/error",
        Section::Network => "/network",
        Section::Mounts => "/mounts",
        Section::Health => "/health",
        Section::Security => "/security",
        Section::Processes => "/processes",
        Section::Changes => "/changes",
        Section::Raw => "/raw",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(args: Value) -> std::result::Result<Request, Error> {
        serde_json::from_value::<InspectContainerArgs>(args).unwrap().try_into()
    }

    #[test]
    fn waiting_arguments_go_together() {
        assert!(request(json!({"container": "a"})).is_ok());
        assert!(
            request(
                json!({"container": "a", "wait_for": "log", "pattern": "ready", "timeout_s": 5})
            )
            .is_ok()
        );
        for (args, pointer) in [
            (json!({"container": "a", "wait_for": "log"}), "/pattern"),
            (json!({"container": "a", "wait_for": "running", "pattern": "x"}), "/pattern"),
            (json!({"container": "a", "timeout_s": 5}), "/timeout_s"),
            (json!({"container": "a/b"}), "/container"),
            (json!({"container": "a", "wait_for": "log", "pattern": "("}), "/pattern"),
        ] {
            match request(args) {
                Err(Error::Invalid { field, .. }) => assert_eq!(field, pointer),
                other => panic!("accepted or wrong: {:?}", other.err()),
            }
        }
    }
}
