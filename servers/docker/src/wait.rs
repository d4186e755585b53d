//! Waiting until a container is as it should be.

use std::time::Duration;

use mcp_core::prelude::*;
use regex::Regex;
use tokio::time::{Instant, sleep_until};

use crate::{
    Error,
    detail::state::{has_exited, is_running},
    engine::{ContainerRef, Engine, Target, model::Container},
    log::read::{self, Source},
    timestamp::Timestamp,
};

const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What to wait for.
#[derive(Debug, Clone)]
pub(crate) enum Condition {
    /// It runs and is not being restarted.
    Running,
    /// Its health check succeeds.
    Healthy,
    /// It has ended.
    Exited,
    /// A line written since its last start matches.
    Log(Regex),
}

/// How the wait ended.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Waited {
    pub(crate) satisfied: bool,
    /// Why not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    /// Milliseconds waited.
    pub(crate) elapsed_ms: u64,
    /// With a log pattern: the line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<String>,
}

/// A verdict on one look.
enum Verdict {
    Yes,
    /// It can no longer come true by waiting.
    Never(String),
    NotYet(String),
}

/// Inspect a container.
pub(crate) async fn inspect(engine: &Engine, container: &ContainerRef) -> Result<Container, Error> {
    engine.get(&Target::container("the container", container, "json")).await
}

/// Wait at most `limit`; zero looks once.
pub(crate) async fn wait(
    engine: &Engine,
    container: &ContainerRef,
    condition: &Condition,
    limit: Duration,
    progress: &Progress,
) -> Result<Waited, Error> {
    let start = Instant::now();
    let (reason, line) = match condition {
        Condition::Log(pattern) => watch_log(engine, container, pattern, start + limit).await?,
        state => (poll(engine, container, state, (start, limit), progress).await?, None),
    };
    let elapsed_ms = u64::try_from(start.elapsed().as_millis()).unwrap_or(u64::MAX);
    Ok(Waited { satisfied: reason.is_none(), reason, elapsed_ms, line })
}

async fn poll(
    engine: &Engine,
    container: &ContainerRef,
    condition: &Condition,
    (start, limit): (Instant, Duration),
    progress: &Progress,
) -> Result<Option<String>, Error> {
    let until = start + limit;
    let mut pause = FIRST_PAUSE;
    loop {
        let seen = inspect(engine, container).await?;
        let why = match judge(condition, &seen) {
            Verdict::Yes => return Ok(None),
            Verdict::Never(why) => return Ok(Some(why)),
            Verdict::NotYet(why) => why,
        };
        let now = Instant::now();
        if now >= until {
            return Ok(Some(format!("after {} s {why}", limit.as_secs())));
        }
        progress.report(start.elapsed().as_secs_f64(), Some(limit.as_secs_f64()), &why).await;
        sleep_until(until.min(now + pause)).await;
        pause = LONGEST_PAUSE.min(pause * 2);
    }
}

fn judge(condition: &Condition, container: &Container) -> Verdict {
    let state = container.state.clone().unwrap_or_default();
    let has_ended = has_exited(&state);
    let ended = || match state.exit_code {
        Some(code) => format!("it has exited with code {code}"),
        None => "it has exited".to_owned(),
    };
    match condition {
        Condition::Running if is_running(&state) => Verdict::Yes,
        Condition::Exited if has_ended => Verdict::Yes,
        Condition::Exited => Verdict::NotYet("it has not exited".to_owned()),
        Condition::Healthy => match state.health_word() {
            Some("healthy") if is_running(&state) => Verdict::Yes,
            _ if has_ended => Verdict::Never(ended()),
            None if is_running(&state) => Verdict::Never("it has no health check".to_owned()),
            Some("unhealthy") => Verdict::NotYet("it is unhealthy".to_owned()),
            _ => Verdict::NotYet("it is not healthy".to_owned()),
        },
        // Someone may start an ended container again, but waiting alone does not.
        _ if has_ended => Verdict::Never(ended()),
        _ => Verdict::NotYet("it does not run".to_owned()),
    }
}

/// Follow the log of the current run. It ends when the container does.
async fn watch_log(
    engine: &Engine,
    container: &ContainerRef,
    pattern: &Regex,
    until: Instant,
) -> Result<(Option<String>, Option<String>), Error> {
    let seen = inspect(engine, container).await?;
    let state = seen.state.as_ref();
    // Not since its start: the engine notes that after the first lines may have been written.
    let ended = state.and_then(|state| state.finished_at.as_deref()).and_then(Timestamp::parse);
    let is_over = state.is_some_and(has_exited);
    let since = ended.filter(|_| !is_over).unwrap_or_default();
    let source = Source::new(container.clone(), &seen);
    // Even with no time to wait, what is already there gets read.
    let until = until.max(Instant::now() + LONGEST_PAUSE);
    let accept = |text: &str| pattern.is_match(text);
    let line = read::watch(engine, &source, since, until, accept).await?;
    let reason = match line {
        Some(_) => None,
        None if Instant::now() >= until => Some("no line matched in time".to_owned()),
        None => Some("its log ended without a match".to_owned()),
    };
    Ok((reason, line))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn verdict(condition: &Condition, state: &serde_json::Value) -> &'static str {
        let container: Container = serde_json::from_value(json!({ "State": state })).unwrap();
        match judge(condition, &container) {
            Verdict::Yes => "yes",
            Verdict::Never(_) => "never",
            Verdict::NotYet(_) => "not yet",
        }
    }

    #[test]
    fn each_condition_knows_when_waiting_is_useless() {
        let running = json!({"Status": "running", "Running": true});
        let healthy =
            json!({"Status": "running", "Running": true, "Health": {"Status": "healthy"}});
        let sick = json!({"Status": "running", "Running": true, "Health": {"Status": "unhealthy"}});
        let ended = json!({"Status": "exited", "ExitCode": 1});
        let again = json!({"Status": "restarting", "Restarting": true, "Running": true});
        let new = json!({"Status": "created"});
        for (condition, state, expected) in [
            (Condition::Running, &running, "yes"),
            (Condition::Running, &ended, "never"),
            (Condition::Running, &again, "not yet"),
            (Condition::Running, &new, "not yet"),
            (Condition::Healthy, &healthy, "yes"),
            (Condition::Healthy, &sick, "not yet"),
            (Condition::Healthy, &running, "never"),
            (Condition::Healthy, &ended, "never"),
            (Condition::Healthy, &new, "not yet"),
            (Condition::Exited, &ended, "yes"),
            (Condition::Exited, &running, "not yet"),
            (Condition::Exited, &again, "not yet"),
        ] {
            assert_eq!(verdict(&condition, state), expected, "{condition:?} {state}");
        }
    }
}
