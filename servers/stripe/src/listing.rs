//! Walks a paginated list: page by page, within bounds, and always able to go on.

use mcp_core::{prelude::CancellationToken, progress::Progress};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    Error,
    client::{Client, reply::Reply},
    envelope::MAX_DATA,
    present::{Notes, present},
    privacy::Rules,
    projection::Fields,
    resource::Resource,
};

/// What to list.
pub(crate) struct Listing {
    pub(crate) resource: Resource,
    /// Query parameters without paging.
    pub(crate) parameters: Map<String, Value>,
    pub(crate) account: Option<String>,
    pub(crate) after: Option<String>,
    /// Objects per request, 1 to 100.
    pub(crate) page_size: u64,
    /// Objects in all.
    pub(crate) max_items: u64,
    pub(crate) shape: Shape,
}

/// What to keep of each object.
pub(crate) enum Shape {
    /// Nothing: count only.
    Count,
    /// These fields, cleaned by these rules.
    Rows(Fields, Rules),
}

/// What was found, and where it stopped.
#[derive(Debug, Default)]
pub(crate) struct Walk {
    pub(crate) rows: Vec<Map<String, Value>>,
    pub(crate) count: u64,
    /// The object after which the listing goes on; absent at its end.
    pub(crate) resume_after: Option<String>,
    pub(crate) warnings: Vec<String>,
    pub(crate) notes: Notes,
    pub(crate) request_id: Option<String>,
    size: usize,
    last: Option<String>,
}

/// Time that must be left for another page to be asked for.
const PAGE_TIME: std::time::Duration = std::time::Duration::from_millis(500);

impl Listing {
    /// Fetch pages until the end, `max_items`, the size of an answer, or the deadline.
    ///
    /// # Errors
    /// A failure on the first page, or one that repeating cannot cure. A passing failure later
    /// ends the walk with what there is.
    pub(crate) async fn walk(
        &self,
        client: &Client,
        cancel: &CancellationToken,
        progress: Option<&Progress>,
    ) -> Result<Walk, Error> {
        let deadline = client.deadline();
        let mut walk = Walk { last: self.after.clone(), ..Walk::default() };
        loop {
            let reply = match self.page(client, &walk, deadline, cancel).await {
                Ok(reply) => reply,
                Err(Error::Upstream(failure)) if walk.count > 0 && failure.retryable => {
                    walk.warnings.push(format!(
                        "stopped early: {} ({})",
                        failure.message(),
                        failure.code()
                    ));
                    walk.resume_after.clone_from(&walk.last);
                    return Ok(walk);
                }
                Err(error) => return Err(error),
            };
            if self.take(&mut walk, reply)? {
                return Ok(walk);
            }
            if let Some(progress) = progress {
                let done = u32::try_from(walk.count).unwrap_or(u32::MAX);
                progress.report(f64::from(done), None, "objects read").await;
            }
            if deadline.saturating_duration_since(Instant::now()) < PAGE_TIME {
                walk.warnings.push("stopped early: no time left for another page".to_owned());
                walk.resume_after.clone_from(&walk.last);
                return Ok(walk);
            }
        }
    }

    async fn page(
        &self,
        client: &Client,
        walk: &Walk,
        deadline: Instant,
        cancel: &CancellationToken,
    ) -> Result<Reply, Error> {
        let mut parameters = self.parameters.clone();
        let limit = self.page_size.min(self.max_items - walk.count).max(1);
        parameters.insert("limit".to_owned(), limit.into());
        if let Some(after) = &walk.last {
            parameters.insert("starting_after".to_owned(), after.clone().into());
        }
        let request = client.get(self.resource.path(), &parameters, self.account.as_deref())?;
        Ok(client.send(&request, deadline, cancel).await?)
    }

    /// Take in one page; whether the walk is over.
    fn take(&self, walk: &mut Walk, mut reply: Reply) -> Result<bool, Error> {
        let Some(Value::Array(objects)) = reply.body.remove("data") else {
            return Err(Error::unreadable(reply.request_id, "a list without `data`"));
        };
        let has_more = reply.body.get("has_more") == Some(&Value::Bool(true));
        let asked_after = walk.last.clone();
        walk.request_id.clone_from(&reply.request_id);
        let total = objects.len();
        for (index, object) in objects.into_iter().enumerate() {
            let id = object.get("id").and_then(Value::as_str).map(str::to_owned);
            let (Value::Object(object), Some(id)) = (object, id) else {
                return Err(Error::unreadable(reply.request_id, "an object without `id`"));
            };
            if !self.keep(walk, object)? {
                walk.warnings.push(
                    "stopped early: the answer is full; fewer `fields` let more objects fit"
                        .to_owned(),
                );
                walk.resume_after.clone_from(&walk.last);
                return Ok(true);
            }
            walk.last = Some(id);
            if walk.count == self.max_items {
                let rest = has_more || index + 1 < total;
                walk.resume_after = walk.last.clone().filter(|_| rest);
                return Ok(true);
            }
        }
        if has_more && walk.last == asked_after {
            return Err(Error::unreadable(reply.request_id, "a page that does not go on"));
        }
        Ok(!has_more)
    }

    /// Add one object, unless it no longer fits.
    fn keep(&self, walk: &mut Walk, object: Map<String, Value>) -> Result<bool, Error> {
        if let Shape::Rows(fields, rules) = &self.shape {
            let row = present(self.resource.compact(), fields, *rules, object, &mut walk.notes);
            let size = serde_json::to_string(&row).map_or(0, |text| text.chars().count());
            if walk.size + size > MAX_DATA {
                return if walk.rows.is_empty() {
                    Err(Error::TooLarge { limit: MAX_DATA })
                } else {
                    Ok(false)
                };
            }
            walk.size += size;
            walk.rows.push(row);
        }
        walk.count += 1;
        Ok(true)
    }
}
