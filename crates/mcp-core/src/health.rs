//! Liveness and readiness.

use std::time::Duration;

use serde::Serialize;
use tokio::{sync::Mutex, time::Instant};
use tokio_util::sync::CancellationToken;

use crate::{Facts, ProbeReport, ProbeState, pipeline::Guarded, upstream::Upstreams};

/// A probe's answer stands for this long, so that polling does not load what is probed.
const KEEP: Duration = Duration::from_secs(2);
/// Probes that take longer count as down.
const LIMIT: Duration = Duration::from_secs(2);

/// `GET /health`.
#[derive(Debug, Clone, Serialize)]
pub struct Liveness {
    /// Always `ok`: the process answers.
    pub status: &'static str,
    /// Server name.
    pub server: &'static str,
    /// Version.
    pub version: &'static str,
    /// Seconds since start.
    pub uptime_s: u64,
}

/// `GET /health/ready`.
#[derive(Debug, Clone, Serialize)]
pub struct Readiness {
    /// `ready`, `degraded` (something optional is down), `unready` or `stopping`.
    pub status: &'static str,
    /// Server name.
    pub server: &'static str,
    /// Each probe.
    pub probes: Vec<Probe>,
}

/// One probe as an operator sees it.
#[derive(Debug, Clone, Serialize)]
pub struct Probe {
    /// What was looked at.
    pub name: &'static str,
    /// `up`, `down` or `not_configured`.
    pub state: &'static str,
    /// Whether the server is of no use without it.
    pub required: bool,
    /// Milliseconds since it was looked at.
    pub age_ms: u64,
    /// One line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Health of one server.
pub struct Health {
    server: Guarded,
    started: Instant,
    stopping: CancellationToken,
    upstreams: Upstreams,
    last: Mutex<Option<(Instant, Vec<ProbeReport>)>>,
}

impl Health {
    /// Health of a server that starts now.
    pub(crate) fn new(server: Guarded, stopping: CancellationToken) -> Self {
        let upstreams = Upstreams::default();
        Self { server, started: Instant::now(), stopping, upstreams, last: Mutex::new(None) }
    }

    /// Show the breakers of these upstreams beside the server's own probes.
    #[must_use]
    pub fn watching(self, upstreams: Upstreams) -> Self {
        Self { upstreams, ..self }
    }

    /// Whether the process answers; looks at nothing else.
    pub fn live(&self) -> Liveness {
        let Facts { member, version, .. } = *self.server.facts();
        Liveness {
            status: "ok",
            server: member.name,
            version,
            uptime_s: self.started.elapsed().as_secs(),
        }
    }

    /// Whether the server was asked to stop.
    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping.is_cancelled()
    }

    /// Whether calls can succeed.
    pub async fn ready(&self) -> Readiness {
        let (at, mut reports) = self.reports().await;
        reports.extend(self.upstreams.probes());
        let status = if self.is_stopping() { "stopping" } else { verdict(&reports) };
        let age_ms = u64::try_from(at.elapsed().as_millis()).unwrap_or(u64::MAX);
        let probes = reports.into_iter().map(|report| Probe {
            name: report.name,
            state: report.state.label(),
            required: report.required,
            age_ms,
            detail: report.detail,
        });
        Readiness { status, server: self.server.facts().member.name, probes: probes.collect() }
    }

    async fn reports(&self) -> (Instant, Vec<ProbeReport>) {
        let mut last = self.last.lock().await;
        if let Some((at, reports)) = last.as_ref().filter(|(at, _)| at.elapsed() < KEEP) {
            return (*at, reports.clone());
        }
        let reports =
            tokio::time::timeout(LIMIT, self.server.probes()).await.unwrap_or_else(|_| {
                vec![ProbeReport {
                    name: "probes",
                    required: true,
                    state: ProbeState::Down,
                    detail: Some("did not answer within 2 s".to_owned()),
                }]
            });
        let now = Instant::now();
        *last = Some((now, reports.clone()));
        (now, reports)
    }
}

fn verdict(reports: &[ProbeReport]) -> &'static str {
    let down = |report: &&ProbeReport| report.state == ProbeState::Down;
    if reports.iter().filter(down).any(|report| report.required) {
        "unready"
    } else if reports.iter().any(|report| down(&report)) {
        "degraded"
    } else {
        "ready"
    }
}

impl Readiness {
    /// Whether a balancer should send calls.
    pub fn accepts(&self) -> bool {
        matches!(self.status, "ready" | "degraded")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(required: bool, state: ProbeState) -> ProbeReport {
        ProbeReport { name: "x", required, state, detail: None }
    }

    #[test]
    fn only_a_required_probe_makes_a_server_unready() {
        assert_eq!(verdict(&[]), "ready");
        assert_eq!(verdict(&[report(true, ProbeState::NotConfigured)]), "ready");
        assert_eq!(verdict(&[report(false, ProbeState::Down)]), "degraded");
        assert_eq!(
            verdict(&[report(false, ProbeState::Down), report(true, ProbeState::Down)]),
            "unready"
        );
    }
}
