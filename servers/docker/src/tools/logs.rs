//! `read_container_logs`.

use std::{collections::BTreeMap, time::Duration};

use futures_util::future::join_all;
use mcp_core::{Principal, cursor::Pages, prelude::*};
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::{
    Error, Server,
    engine::{ContainerRef, Target, model::Summary},
    listing::PROJECT,
    log::{
        Channel, Position,
        merge::{self, Collected, Merged},
        read::{self, Source},
    },
    timestamp::Timestamp,
    wait,
};

mod request;

use request::{ReadContainerLogsArgs, Request, Who};

const MAX_SOURCES: usize = 20;

/// A line.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Line {
    /// When it was written, UTC.
    ts: String,
    /// Its container; absent when one is read.
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<String>,
    /// `stdout` or `stderr`.
    stream: &'static str,
    /// Terminal sequences and invisible characters removed; cut at 4,096 characters.
    text: String,
    /// Only surrounds a match.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    is_context: bool,
}

/// A container whose log could not be read.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Skipped {
    source: String,
    /// As in an error.
    code: &'static str,
    message: String,
}

/// Lines, oldest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ReadContainerLogsOutput {
    /// Containers read.
    sources: Vec<String>,
    lines: Vec<Line>,
    /// Lines that matched among those read, shown or not.
    matched: u64,
    /// Lines read.
    scanned: u64,
    /// Lines that belong here do not fit: raise `max_bytes` or narrow; reading forward, `cursor` goes on.
    truncated: bool,
    /// For the lines after these.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    skipped: Vec<Skipped>,
    /// JSON pointers to text written by others.
    untrusted: Vec<&'static str>,
}

#[tool_router(router = log_tools, vis = "pub(crate)")]
impl Server {
    /// Read logs of containers or a compose project, merged by time: the newest lines, a time
    /// window, lines that match a pattern, or what is new since a cursor.
    #[tool(
        title = "Read container logs",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn read_container_logs(
        &self,
        Parameters(args): Parameters<ReadContainerLogsArgs>,
        progress: Progress,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<ReadContainerLogsOutput>> {
        let request = Request::new(&args, Timestamp::now())?;
        let pages = self.logs.of(caller);
        let output = ct.run_until_cancelled(self.read_logs(&request, &pages, &progress)).await;
        Ok(Json(output.unwrap_or_else(|| Err(Error::Cancelled.into()))?))
    }

    async fn read_logs(
        &self,
        request: &Request,
        pages: &Pages,
        progress: &Progress,
    ) -> Result<ReadContainerLogsOutput> {
        let sources = self.sources(&request.who).await?;
        let query = &request.query_for(&sources);
        let ids: Vec<&str> = sources.iter().map(|source| source.id.as_str()).collect();
        let filter = (ids, query.channel);
        let resumes: Vec<Position> = match &request.cursor {
            Some(word) => pages.open(&filter, word)?,
            None => vec![Position::default(); sources.len()],
        };
        let pace = read::pace(self.log_scan, request.follow);
        let reads = sources
            .iter()
            .enumerate()
            .zip(&resumes)
            .map(|(source, resume)| read::read(&self.engine, source, query, *resume, pace));
        let outcomes = tell(progress, request.follow, join_all(reads)).await;
        let (collected, skipped) = separate(outcomes, &sources, &resumes)?;
        let merged = merge::merge(collected, query);
        let has_read = merged.positions.iter().any(|position| *position != Position::default());
        let cursor = has_read.then(|| pages.next(&filter, &merged.positions)).transpose()?;
        Ok(present(merged, &sources, cursor, skipped))
    }

    /// The containers, each once, by id: the order that cursors rely on.
    async fn sources(&self, who: &Who) -> std::result::Result<Vec<Source>, Error> {
        let refs = match who {
            Who::Containers(refs) => refs.clone(),
            Who::Project(project) => self.of_project(project).await?,
        };
        let looks = refs.iter().map(|container| async {
            let seen = wait::inspect(&self.engine, container).await?;
            Ok(Source::new(container.clone(), &seen))
        });
        let found: Vec<std::result::Result<Source, Error>> = join_all(looks).await;
        let by_id: std::result::Result<BTreeMap<String, Source>, Error> = found
            .into_iter()
            .map(|source| source.map(|source| (source.id.clone(), source)))
            .collect();
        Ok(by_id?.into_values().collect())
    }

    async fn of_project(&self, project: &str) -> std::result::Result<Vec<ContainerRef>, Error> {
        let filters = serde_json::json!({ "label": [format!("{PROJECT}={project}")] });
        let target = Target::new("the project's containers", "/containers/json")
            .with("all", "1")
            .with("filters", &filters.to_string());
        let found: Vec<Summary> = self.engine.get(&target).await?;
        match found.len() {
            0 => Err(Error::invalid(
                "/project",
                "has no containers; list_containers with group_by shows projects",
            )),
            n if n > MAX_SOURCES => Err(Error::invalid(
                "/project",
                format!("has {n} containers, at most {MAX_SOURCES} can be read: name them"),
            )),
            _ => found
                .iter()
                .map(|row| ContainerRef::parse("/project", row.id.as_deref().unwrap_or_default()))
                .collect(),
        }
    }
}

/// Run a read; while it follows, tell how far it is.
async fn tell<T>(progress: &Progress, follow: Duration, work: impl Future<Output = T>) -> T {
    if follow.is_zero() || !progress.is_wanted() {
        return work.await;
    }
    let start = Instant::now();
    let mut ticks = interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            outcome = &mut work => return outcome,
            _ = ticks.tick() => {
                let done = start.elapsed().as_secs_f64();
                progress.report(done, Some(follow.as_secs_f64()), "waiting for new lines").await;
            },
        }
    }
}

/// One log that cannot be read does not hide the others; when none can, the first says why.
fn separate(
    outcomes: Vec<std::result::Result<Collected, Error>>,
    sources: &[Source],
    resumes: &[Position],
) -> std::result::Result<(Vec<Collected>, Vec<Skipped>), Error> {
    let mut collected = Vec::with_capacity(outcomes.len());
    let mut skipped = Vec::new();
    let mut first = None;
    for ((outcome, source), resume) in outcomes.into_iter().zip(sources).zip(resumes) {
        collected.push(outcome.unwrap_or_else(|error| {
            skipped.push(Skipped {
                source: source.name.clone(),
                code: error.code(),
                message: error.to_string(),
            });
            first.get_or_insert(error);
            Collected { resume: *resume, scanned: *resume, ..Collected::default() }
        }));
    }
    match first {
        Some(error) if skipped.len() == collected.len() => Err(error),
        _ => Ok((collected, skipped)),
    }
}

fn present(
    merged: Merged,
    sources: &[Source],
    cursor: Option<String>,
    skipped: Vec<Skipped>,
) -> ReadContainerLogsOutput {
    let lines = merged.entries.into_iter().map(|entry| Line {
        ts: entry.at.to_rfc3339(),
        source: (sources.len() > 1).then(|| sources[entry.source].name.clone()),
        stream: match entry.channel {
            Channel::Stdout => "stdout",
            Channel::Stderr => "stderr",
        },
        text: entry.text,
        is_context: !entry.is_match,
    });
    ReadContainerLogsOutput {
        lines: lines.collect(),
        sources: sources.iter().map(|source| source.name.clone()).collect(),
        matched: merged.matched,
        scanned: merged.lines,
        truncated: merged.truncated,
        cursor,
        skipped,
        untrusted: vec!["/sources", "/lines"],
    }
}
