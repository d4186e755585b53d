//! What may be asked of `read_container_logs`.

use std::time::Duration;

use mcp_core::prelude::*;

use crate::{
    Error,
    engine::ContainerRef,
    log::{Channel, Query, read::Source},
    pattern,
    timestamp::Timestamp,
};

const DEFAULT_TAIL: u16 = 100;
/// `{"stream":"stdout","text":"","ts":"2026-11-21T11:32:02.761Z"},` and `"is_context":true,`.
const LINE_OVERHEAD: usize = 64 + 18;
/// `"source":"",` where several are read.
const SOURCE_OVERHEAD: usize = 12;

/// Streams to read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Stream {
    #[default]
    Both,
    Stdout,
    Stderr,
}

/// Sources, window, search.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReadContainerLogsArgs {
    /// Names, ids or unique id prefixes.
    #[serde(default)]
    #[schemars(length(max = 20), inner(regex(pattern = ContainerRef::PATTERN)))]
    containers: Vec<String>,
    /// Compose project, instead of containers.
    #[serde(default)]
    #[schemars(length(min = 1, max = 255))]
    project: Option<String>,
    /// Newest lines (with `grep`: matches) per container; default 100, or all with `since`.
    #[serde(default)]
    #[schemars(range(min = 0, max = 10_000))]
    tail: Option<u16>,
    /// From then on: RFC 3339, Unix seconds, or an age such as `10m`.
    #[serde(default)]
    #[schemars(length(min = 1, max = 40))]
    since: Option<String>,
    /// Up to then, same forms.
    #[serde(default)]
    #[schemars(length(min = 1, max = 40))]
    until: Option<String>,
    /// Stream to read; default both.
    #[serde(default)]
    stream: Stream,
    /// Regular expression that lines must match; `(?i)` ignores case.
    #[serde(default)]
    #[schemars(length(min = 1, max = 500))]
    grep: Option<String>,
    /// Lines that do not match instead.
    #[serde(default)]
    invert: bool,
    /// Lines around each match.
    #[serde(default)]
    #[schemars(range(min = 0, max = 20))]
    context: u8,
    /// Bytes of lines in the reply; default 32,768.
    #[serde(default = "default_bytes")]
    #[schemars(range(min = 1024, max = 46_080))]
    max_bytes: u32,
    /// Seconds to wait for new lines.
    #[serde(default)]
    #[schemars(range(min = 0, max = 60))]
    follow_s: u8,
    /// `cursor` of an earlier reply: the lines after it, oldest first.
    #[serde(default)]
    #[schemars(length(min = 1, max = 1200))]
    cursor: Option<String>,
}

const fn default_bytes() -> u32 {
    32 << 10
}

/// Whose logs.
#[derive(Debug, PartialEq)]
pub(super) enum Who {
    Containers(Vec<ContainerRef>),
    Project(String),
}

/// A checked request.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) who: Who,
    pub(super) query: Query,
    pub(super) cursor: Option<String>,
    pub(super) follow: Duration,
}

impl Request {
    pub(super) fn new(
        args: &ReadContainerLogsArgs,
        now: Timestamp,
    ) -> std::result::Result<Self, Error> {
        let since = time("/since", args.since.as_deref(), now)?;
        let until = time("/until", args.until.as_deref(), now)?;
        args.check(since, until)?;
        let is_forward = args.cursor.is_some() || (since.is_some() && args.tail.is_none());
        let newest = (!is_forward).then(|| usize::from(args.tail.unwrap_or(DEFAULT_TAIL)));
        Ok(Self {
            who: args.who()?,
            query: Query {
                pattern: args
                    .grep
                    .as_deref()
                    .map(|text| pattern::compile("/grep", text))
                    .transpose()?,
                invert: args.invert,
                context: args.context.into(),
                channel: match args.stream {
                    Stream::Both => None,
                    Stream::Stdout => Some(Channel::Stdout),
                    Stream::Stderr => Some(Channel::Stderr),
                },
                since,
                until,
                newest,
                max_bytes: usize::try_from(args.max_bytes).unwrap_or(usize::MAX),
                overhead: LINE_OVERHEAD,
            },
            cursor: args.cursor.clone(),
            follow: Duration::from_secs(args.follow_s.into()),
        })
    }
}

impl Request {
    /// With several sources each line names its own.
    pub(super) fn query_for(&self, sources: &[Source]) -> Query {
        let mut query = self.query.clone();
        if sources.len() > 1 {
            let longest = sources.iter().map(|source| source.name.len()).max().unwrap_or(0);
            query.overhead += SOURCE_OVERHEAD + longest;
        }
        query
    }
}

impl ReadContainerLogsArgs {
    /// Which arguments exclude or need each other.
    fn check(
        &self,
        since: Option<Timestamp>,
        until: Option<Timestamp>,
    ) -> std::result::Result<(), Error> {
        let rules = [
            (self.cursor.is_some() && since.is_some(), "/since", "cannot go with cursor"),
            (self.cursor.is_some() && self.tail.is_some(), "/tail", "cannot go with cursor"),
            (self.follow_s > 0 && until.is_some(), "/until", "cannot go with follow_s"),
            (
                since.zip(until).is_some_and(|(since, until)| since > until),
                "/until",
                "must not be before since",
            ),
            (self.invert && self.grep.is_none(), "/invert", "needs grep"),
            (self.context > 0 && self.grep.is_none(), "/context", "needs grep"),
        ];
        match rules.into_iter().find(|(broken, _, _)| *broken) {
            Some((_, field, message)) => Err(Error::invalid(field, message)),
            None => Ok(()),
        }
    }

    fn who(&self) -> std::result::Result<Who, Error> {
        match (&self.project, self.containers.as_slice()) {
            (None, []) => {
                Err(Error::invalid("/containers", "name 1 to 20 containers, or a project"))
            }
            (Some(_), [_, ..]) => Err(Error::invalid("/project", "cannot go with containers")),
            (Some(project), []) => Ok(Who::Project(project.clone())),
            (None, names) => {
                let refs = names.iter().map(|name| ContainerRef::parse("/containers", name));
                Ok(Who::Containers(refs.collect::<std::result::Result<_, _>>()?))
            }
        }
    }
}

fn time(
    field: &'static str,
    text: Option<&str>,
    now: Timestamp,
) -> std::result::Result<Option<Timestamp>, Error> {
    let Some(text) = text else { return Ok(None) };
    Timestamp::parse_argument(text, now).map(Some).ok_or_else(|| {
        Error::invalid(
            field,
            "must be RFC 3339, Unix seconds, or an age such as 45s, 10m, 1h30m, 2d",
        )
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(args: serde_json::Value) -> std::result::Result<Request, Error> {
        let args: ReadContainerLogsArgs = serde_json::from_value(args).unwrap();
        Request::new(&args, Timestamp(2_000_000_000_000_000_000))
    }

    #[test]
    fn the_window_decides_the_direction() {
        for (args, newest) in [
            (json!({"containers": ["a"]}), Some(100)),
            (json!({"containers": ["a"], "tail": 5, "since": "10m"}), Some(5)),
            (json!({"containers": ["a"], "since": "10m"}), None),
            (json!({"containers": ["a"], "cursor": "x"}), None),
            (json!({"project": "p", "tail": 0}), Some(0)),
        ] {
            assert_eq!(request(args).unwrap().query.newest, newest);
        }
    }

    #[test]
    fn arguments_that_exclude_each_other_are_named() {
        for (args, pointer) in [
            (json!({}), "/containers"),
            (json!({"containers": ["a"], "project": "p"}), "/project"),
            (json!({"containers": ["../a"]}), "/containers"),
            (json!({"containers": ["a"], "since": "soon"}), "/since"),
            (json!({"containers": ["a"], "since": "1m", "until": "2m"}), "/until"),
            (json!({"containers": ["a"], "until": "2m", "follow_s": 1}), "/until"),
            (json!({"containers": ["a"], "cursor": "x", "tail": 1}), "/tail"),
            (json!({"containers": ["a"], "cursor": "x", "since": "1m"}), "/since"),
            (json!({"containers": ["a"], "invert": true}), "/invert"),
            (json!({"containers": ["a"], "context": 1}), "/context"),
            (json!({"containers": ["a"], "grep": "("}), "/grep"),
        ] {
            match request(args) {
                Err(Error::Invalid { field, .. }) => assert_eq!(field, pointer),
                other => panic!("{other:?}"),
            }
        }
    }
}
