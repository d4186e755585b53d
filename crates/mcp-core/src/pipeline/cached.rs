//! P5: answers of read-only tools, kept for their caller; equal calls at once run once.

use std::{sync::Arc, time::Duration};

use rmcp::{
    RoleServer,
    model::{CallToolRequestParams, CallToolResponse, CallToolResult},
    service::RequestContext,
};

use super::{
    Guarded,
    call::{Bounds, Failure, bounded},
    catalogue::Entry,
};
use crate::{Kind, Principal, cache::Outcome};

/// Tells in `_meta` whether an answer was kept.
const META: &str = "machina/cache";

impl Guarded {
    /// Answer from the cache, else run the tool for all who ask the same now.
    pub(super) async fn cached(
        &self,
        entry: &Entry,
        ttl: Duration,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
        limits: Bounds,
    ) -> Result<CallToolResponse, Failure> {
        let cache = &self.0.cache;
        let principal = Principal::of(&context);
        let arguments = request.arguments.clone().unwrap_or_default();
        let key = cache.key(&principal, &entry.name, &arguments);
        if let Some(kept) = cache.get(&key) {
            return Ok(self.marked(entry, &kept, true));
        }
        let (token, mut ran) = (context.ct.clone(), false);
        let flight = cache.flight(key);
        let work = flight.cell.get_or_try_init(|| async {
            ran = true;
            let outcome = shared(Box::pin(self.run(entry, request, context, limits)).await)?;
            if let Outcome::Answer(result) = &outcome {
                cache.keep(key, result, ttl);
            }
            Ok(outcome)
        });
        // The one who runs it has its own limits inside; these are for those who wait.
        let outcome = match bounded(work, &token, limits).await? {
            Ok(outcome) => outcome.clone(),
            Err(Unshared(own)) => return own,
        };
        match outcome {
            Outcome::Answer(result) => Ok(self.marked(entry, &result, !ran)),
            Outcome::Tool(error) => Err(Failure::Tool(error)),
            Outcome::Protocol(error) => Err(Failure::Protocol(error)),
        }
    }

    fn marked(&self, entry: &Entry, result: &Arc<CallToolResult>, hit: bool) -> CallToolResponse {
        let word = if hit { "hit" } else { "miss" };
        self.0.metrics.cache(&entry.name, word);
        let mut result = CallToolResult::clone(result);
        result.meta.get_or_insert_default().0.insert(META.to_owned(), word.into());
        result.into()
    }
}

/// What concerns only the one who ran it: its questions, its cancellation, its deadline.
struct Unshared(Result<CallToolResponse, Failure>);

fn shared(outcome: Result<CallToolResponse, Failure>) -> Result<Outcome, Unshared> {
    match outcome {
        Ok(CallToolResponse::Complete(result)) => Ok(Outcome::Answer(Arc::new(result))),
        Err(Failure::Tool(error)) if !matches!(error.kind(), Kind::Cancelled | Kind::Timeout) => {
            Ok(Outcome::Tool(error))
        }
        Err(Failure::Protocol(error)) => Ok(Outcome::Protocol(error)),
        own => Err(Unshared(own)),
    }
}
