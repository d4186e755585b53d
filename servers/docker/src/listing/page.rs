//! Pages in a stable order.

use serde::Serialize;

use super::{PROJECT, Sort, label, name, project::Project, state};
use crate::engine::model::Summary;

/// Bytes of a page's rows: with the rest of the reply below the 50,000 characters that a client
/// surely shows.
const MAX_PAGE: usize = 44_000;

/// Order the containers and drop those up to `last`. Because a page begins behind a sort key and
/// not at a number, containers that come or go do not shift the rest.
pub(crate) fn order(
    mut summaries: Vec<Summary>,
    sort: Sort,
    last: Option<&SortKey>,
) -> Vec<Summary> {
    summaries.sort_by_cached_key(|summary| sort_key(summary, sort));
    if let Some(last) = last {
        let start = summaries.partition_point(|summary| sort_key(summary, sort) <= *last);
        summaries.drain(..start);
    }
    summaries
}

/// The same for projects, which are ordered by name.
pub(crate) fn order_projects(mut projects: Vec<Project>, last: Option<&str>) -> Vec<Project> {
    if let Some(last) = last {
        projects.retain(|project| project.name.as_str() > last);
    }
    projects
}

/// The first items that fit into `limit` rows and [`MAX_PAGE`], and whether more follow. One item
/// is always taken, or no page would end.
pub(crate) fn take_page<T, R: Serialize>(
    items: &[T],
    limit: usize,
    present: impl Fn(&T) -> R,
) -> (Vec<R>, bool) {
    let mut rows = Vec::new();
    let mut size = 0;
    for item in items.iter().take(limit) {
        let row = present(item);
        size += serde_json::to_string(&row).map_or(0, |json| json.len() + 1);
        if size > MAX_PAGE && !rows.is_empty() {
            break;
        }
        rows.push(row);
    }
    let has_more = rows.len() < items.len();
    (rows, has_more)
}

/// The column's value and the id, which makes it unique.
pub(crate) type SortKey = (String, String);

/// Where a container stands in the order.
pub(crate) fn sort_key(summary: &Summary, sort: Sort) -> SortKey {
    let created = summary.created.unwrap_or_default().max(0);
    let key = match sort {
        Sort::Newest => format!("{:019}", i64::MAX - created),
        Sort::Oldest => format!("{created:019}"),
        Sort::Name => name(summary),
        Sort::State => state(summary),
        Sort::Project => label(summary, PROJECT).unwrap_or_else(|| "\u{10ffff}".to_owned()),
    };
    (key, summary.id.clone().unwrap_or_default())
}
