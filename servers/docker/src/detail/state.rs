//! How the container is.

use mcp_core::{prelude::*, untrusted};

use super::{MAX_TEXT, command, positive};
use crate::{
    engine::model::{Container, HealthProbe, State},
    redaction::Redactor,
    timestamp::Timestamp,
};

/// Probe results shown, and characters of the output of each.
const MAX_PROBES: usize = 5;
const MAX_PROBE_OUTPUT: usize = 400;

/// Run state.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct StateSection {
    /// `running`, `exited`, `paused`, `created`, `restarting`, `dead`, or the engine's newer word.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<String>,
    /// Of the last run; absent while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i64>,
    /// The kernel killed it for want of memory.
    oom_killed: bool,
    restart_count: u64,
    /// Process id on the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    started_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    finished_at: Option<String>,
    /// Seconds since its start, while it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    uptime_s: Option<u64>,
    /// Why the engine could not start it.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

/// Present it.
pub(crate) fn section(container: &Container, redactor: &Redactor, now: Timestamp) -> StateSection {
    let state = container.state.clone().unwrap_or_default();
    let is_running = state.running.unwrap_or(false);
    let started = state.started_at.as_deref().and_then(Timestamp::parse);
    let finished = state.finished_at.as_deref().and_then(Timestamp::parse);
    let has_ended = !is_running && finished.is_some();
    StateSection {
        status: untrusted::line(state.word(), 40),
        health: state.health_word().map(|word| untrusted::line(word, 40)),
        exit_code: state.exit_code.filter(|_| has_ended),
        oom_killed: state.oom_killed.unwrap_or(false),
        restart_count: positive(container.restart_count).unwrap_or(0),
        pid: positive(state.pid),
        created_at: instant(container.created.as_deref()),
        started_at: started.map(Timestamp::to_rfc3339),
        finished_at: finished.filter(|_| has_ended).map(Timestamp::to_rfc3339),
        uptime_s: started.filter(|_| is_running).map(|started| started.age_s(now)),
        error: state
            .error
            .filter(|error| !error.is_empty())
            .map(|error| redactor.present(&error, MAX_TEXT)),
    }
}

fn instant(text: Option<&str>) -> Option<String> {
    text.and_then(Timestamp::parse).map(Timestamp::to_rfc3339)
}

/// Health check and its last results.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct HealthSection {
    /// `healthy`, `unhealthy`, `starting`, or `none` without a health check.
    status: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    failing_streak: Option<u64>,
    /// The check, credentials hidden.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    test: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    interval_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeout_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_period_s: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retries: Option<u64>,
    /// The last 5 probes, newest last.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    log: Vec<Probe>,
}

/// One probe.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Probe {
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    exit_code: i64,
    /// First 400 characters.
    output: String,
}

/// Present health.
pub(crate) fn health(container: &Container, redactor: &Redactor) -> HealthSection {
    let state = container.state.clone().unwrap_or_default();
    let check = container.config.as_ref().and_then(|config| config.healthcheck.clone());
    let check = check.unwrap_or_default();
    let known = state.health();
    let probes = known.and_then(|health| health.log.as_deref()).unwrap_or_default();
    let newest = probes.get(probes.len().saturating_sub(MAX_PROBES)..).unwrap_or_default();
    HealthSection {
        status: state
            .health_word()
            .map_or_else(|| "none".to_owned(), |word| untrusted::line(word, 40)),
        failing_streak: known
            .and_then(|health| health.failing_streak)
            .and_then(|streak| u64::try_from(streak).ok()),
        test: command(check.test.as_deref().unwrap_or_default(), redactor),
        interval_s: seconds(check.interval),
        timeout_s: seconds(check.timeout),
        start_period_s: seconds(check.start_period),
        retries: positive(check.retries),
        log: newest.iter().map(|probe| present(probe, redactor)).collect(),
    }
}

fn present(probe: &HealthProbe, redactor: &Redactor) -> Probe {
    Probe {
        at: instant(probe.end.as_deref().or(probe.start.as_deref())),
        exit_code: probe.exit_code.unwrap_or(-1),
        output: redactor.present(probe.output.as_deref().unwrap_or_default(), MAX_PROBE_OUTPUT),
    }
}

#[expect(clippy::cast_precision_loss, reason = "intervals are far below 2^53 ns")]
fn seconds(nanos: Option<i64>) -> Option<f64> {
    positive(nanos).map(|nanos| nanos as f64 / 1e9)
}

/// Whether the container runs now, as `wait_for: running` means it.
pub(crate) fn is_running(state: &State) -> bool {
    state.running.unwrap_or(false) && !state.restarting.unwrap_or(false)
}

/// Whether the container has ended and is not being started again.
pub(crate) fn has_exited(state: &State) -> bool {
    !state.running.unwrap_or(false)
        && !state.restarting.unwrap_or(false)
        && matches!(state.word(), "exited" | "dead" | "stopped")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn container(value: serde_json::Value) -> Container {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_running_container_has_no_exit_code() {
        let container = container(json!({"RestartCount": 2, "State": {
            "Status": "running", "Running": true, "ExitCode": 0, "Pid": 7,
            "StartedAt": "2026-01-01T00:00:00Z", "FinishedAt": "2025-12-31T00:00:00Z"}}));
        let now = Timestamp::parse("2026-01-01T00:01:00Z").unwrap();
        let section = serde_json::to_value(section(&container, &Redactor::default(), now)).unwrap();
        assert_eq!(
            section,
            json!({"status": "running", "oom_killed": false, "restart_count": 2, "pid": 7,
                "started_at": "2026-01-01T00:00:00.000Z", "uptime_s": 60})
        );
    }

    #[test]
    fn an_ended_container_has_one_and_unknown_words_pass() {
        let container =
            container(json!({"State": {"Status": "stopping", "OOMKilled": true, "ExitCode": 137,
            "FinishedAt": "2026-01-01T00:00:00Z", "Error": "bad\u{1b}[31m thing"}}));
        let section = section(&container, &Redactor::default(), Timestamp(0));
        assert_eq!(
            (section.status.as_str(), section.exit_code, section.oom_killed),
            ("stopping", Some(137), true)
        );
        assert_eq!(section.error.as_deref(), Some("bad thing"));
    }

    #[test]
    fn health_logs_are_few_and_short() {
        let probes: Vec<_> = (0..9)
            .map(|n| json!({"Start": "2026-01-01T00:00:00Z", "ExitCode": n, "Output": "x".repeat(4096)}))
            .collect();
        let container = container(json!({
            "State": {"Health": {"Status": "unhealthy", "FailingStreak": 9, "Log": probes}},
            "Config": {"Healthcheck": {"Test": ["CMD", "check", "--password=canary"], "Interval": 1_500_000_000}}
        }));
        let section = health(&container, &Redactor::default());
        assert_eq!(
            section.log.iter().map(|probe| probe.exit_code).collect::<Vec<_>>(),
            [4, 5, 6, 7, 8]
        );
        assert!(section.log.iter().all(|probe| probe.output.chars().count() == MAX_PROBE_OUTPUT));
        assert_eq!(
            (section.interval_s, section.test[2].as_str()),
            (Some(1.5), "--password=[redacted]")
        );
    }
}
