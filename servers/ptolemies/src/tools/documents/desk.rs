//! Documents taken in one after the other, as a job.

use std::sync::Arc;

use mcp_core::{
    path_root::{PathRoot, RelativePath},
    prelude::*,
};

use super::{
    files,
    ingest::{Done, IngestDocumentsArgs, IngestDocumentsOutput, unreadable},
};
use crate::{
    Error,
    document::{self, DocumentOutcome, DocumentStatus, Format, NewDocument, Origin, Raw},
    jobs::{End, JobState, Ticket, kept},
    knowledge::{Knowledge, WriteId},
    store::SurrealStore,
    web::Web,
};

/// What a job of this tool works with.
pub(super) struct Desk {
    pub(super) knowledge: Knowledge<SurrealStore>,
    pub(super) root: Option<Arc<PathRoot>>,
    pub(super) web: Option<Web>,
}

/// Where documents come from.
pub(super) enum Source {
    /// What the call brought.
    Given,
    /// With files left out whose names tell no format.
    Files {
        files: Vec<(usize, RelativePath)>,
        skipped: usize,
    },
    Urls(Vec<String>),
}

impl Desk {
    pub(super) async fn sources(
        &self,
        paths: Option<Vec<String>>,
        urls: Option<Vec<String>>,
    ) -> Result<Source> {
        match (paths, urls) {
            (Some(paths), _) => {
                let listing = files::find(self.root.as_ref(), paths).await?;
                Ok(Source::Files { files: listing.files, skipped: listing.skipped })
            }
            (None, Some(urls)) => {
                if self.web.is_none() {
                    return Err(Error::UrlDenied {
                        field: "/urls".to_owned(),
                        message: "this server reads no URLs".to_owned(),
                        hint: "the operator lists hosts in MACHINA_PTOLEMIES_INGEST_HOSTS; or give text with uri",
                    }
                    .into());
                }
                Ok(Source::Urls(urls))
            }
            (None, None) => Ok(Source::Given),
        }
    }

    pub(super) async fn run(
        self,
        ticket: Ticket,
        args: IngestDocumentsArgs,
        source: Source,
        write: Option<WriteId>,
    ) -> Result<End> {
        let mut output = IngestDocumentsOutput::begun(args.dry_run);
        let whole = match source {
            Source::Given => {
                let (field, raw) = match (args.text, args.turns) {
                    (Some(text), _) => ("/text", Raw::Text(text)),
                    (None, turns) => {
                        let turns = turns.into_iter().flatten();
                        let turns = turns.map(|turn| (turn.speaker, turn.text)).collect();
                        ("/turns", Raw::Turns(turns))
                    }
                };
                let origin = Origin {
                    field: field.to_owned(),
                    uri: args.uri.unwrap_or_default(),
                    title: args.title,
                    context: args.context,
                    format: args.format,
                };
                let (uri, outcome) = self.take(raw, origin, &ticket, &mut output).await?;
                output.note(&uri, &outcome);
                if outcome.status == DocumentStatus::Unchanged {
                    output.results.push(Done::of(&uri, &outcome));
                }
                ticket.report(1, Some(1));
                true
            }
            Source::Files { files, skipped } => {
                output.skipped = skipped;
                let many = Many { desk: &self, ticket: &ticket, args: &args };
                let wanted = files.into_iter().map(|(number, path)| Wanted::File(number, path));
                many.take(wanted.collect(), &mut output).await?
            }
            Source::Urls(urls) => {
                let many = Many { desk: &self, ticket: &ticket, args: &args };
                let wanted = urls.into_iter().enumerate();
                let wanted = wanted.map(|(number, url)| Wanted::Url(number, url));
                many.take(wanted.collect(), &mut output).await?
            }
        };
        if !whole {
            return Ok(End::Cut(kept(&output)?));
        }
        if let Some(write) = write {
            output.state = JobState::Done;
            let text = serde_json::to_string(&output).map_err(|error| unreadable(&error))?;
            self.knowledge.say(write, text).await?;
        }
        Ok(End::Whole(kept(&output)?))
    }

    /// Read a document and store it, or say what that would do.
    async fn take(
        &self,
        raw: Raw,
        origin: Origin,
        ticket: &Ticket,
        output: &mut IngestDocumentsOutput,
    ) -> Result<(String, DocumentOutcome)> {
        let read = task::compute(ticket.token(), move |_| document::read(raw, origin));
        let new: NewDocument = read.await??;
        let uri = new.uri.clone();
        let done = if output.dry_run {
            self.knowledge.compare(&new).await?
        } else {
            self.knowledge.ingest(new).await?
        };
        output.seq = done.seq;
        Ok((uri, done.outcome))
    }
}

/// One of many documents, with the number of its argument.
enum Wanted {
    File(usize, RelativePath),
    Url(usize, String),
}

/// A call about many documents.
struct Many<'a> {
    desk: &'a Desk,
    ticket: &'a Ticket,
    args: &'a IngestDocumentsArgs,
}

impl Many<'_> {
    /// Take them in, one after the other; whether all of them, or until it was asked to stop.
    async fn take(&self, wanted: Vec<Wanted>, output: &mut IngestDocumentsOutput) -> Result<bool> {
        let total = wanted.len();
        self.ticket.report(0, Some(total));
        for (done, one) in wanted.into_iter().enumerate() {
            if self.ticket.token().is_cancelled() {
                return Ok(false);
            }
            let uri = match &one {
                Wanted::File(_, path) => path.as_str().to_owned(),
                Wanted::Url(_, url) => url.clone(),
            };
            match self.one(one, output).await {
                Ok(outcome) => output.note(&uri, &outcome),
                Err(error) if error.kind() == Kind::Cancelled => return Ok(false),
                // What is wrong with one of them leaves the others alone; what is wrong with the
                // store does not.
                Err(error) if is_of_one(&error) => output.fail(&uri, &error),
                Err(error) => return Err(error),
            }
            self.ticket.report(done + 1, Some(total));
        }
        Ok(true)
    }

    async fn one(
        &self,
        wanted: Wanted,
        output: &mut IngestDocumentsOutput,
    ) -> Result<DocumentOutcome> {
        let origin = |field: String, uri: &str, format: Option<Format>| Origin {
            field,
            uri: uri.to_owned(),
            title: None,
            context: self.args.context.clone(),
            format: self.args.format.or(format),
        };
        let (raw, origin) = match wanted {
            Wanted::File(number, path) => {
                let Some(root) = &self.desk.root else {
                    return Err(ToolError::internal("there is no ingest root"));
                };
                let origin = origin(format!("/paths/{number}"), path.as_str(), None);
                let bytes = files::load(root, path, origin.clone()).await?;
                (Raw::Bytes(bytes), origin)
            }
            Wanted::Url(number, url) => {
                let Some(web) = &self.desk.web else {
                    return Err(ToolError::internal("there are no listed hosts"));
                };
                let field = format!("/urls/{number}");
                let fetched = tokio::select! {
                    fetched = web.get(&field, &url) => fetched?,
                    () = self.ticket.token().cancelled() => return Err(Error::Cancelled.into()),
                };
                let origin = origin(field, &url, fetched.format);
                (Raw::Bytes(fetched.bytes), origin)
            }
        };
        let (_, outcome) = self.desk.take(raw, origin, self.ticket, output).await?;
        Ok(outcome)
    }
}

fn is_of_one(error: &ToolError) -> bool {
    matches!(error.kind(), Kind::InvalidInput | Kind::NotFound | Kind::Upstream)
        || matches!(
            error.code(),
            "path_denied"
                | "url_denied"
                | "upstream_unavailable"
                | "upstream_unreachable"
                | "upstream_timeout"
                | "connection_lost"
        )
}
