//! Pages in a stable order.

use serde::Serialize;

use super::{PROJECT, Sort, label, name, project::Project, state};
use crate::{Error, engine::model::Summary, log::cursor::fingerprint};

/// Bytes of a page's rows: with the rest of the reply below the 50,000 characters that a client
/// surely shows.
const MAX_PAGE: usize = 44_000;

/// Order the containers and drop those up to `cursor`. `binding` is the fingerprint of the
/// filters: a cursor is valid for the query that it came from. Because a page begins behind a
/// sort key and not at a number, containers that come or go do not shift the rest.
pub(crate) fn order(
    mut summaries: Vec<Summary>,
    sort: Sort,
    cursor: Option<&str>,
    binding: u64,
) -> Result<Vec<Summary>, Error> {
    summaries.sort_by_cached_key(|summary| sort_key(summary, sort));
    if let Some(cursor) = cursor {
        let last = read_cursor(cursor, binding)?;
        let start = summaries.partition_point(|summary| sort_key(summary, sort) <= last);
        summaries.drain(..start);
    }
    Ok(summaries)
}

/// The cursor behind a container.
pub(crate) fn cursor_after(last: &Summary, sort: Sort, binding: u64) -> String {
    write_cursor(&sort_key(last, sort), binding)
}

/// The same for projects, which are ordered by name.
pub(crate) fn order_projects(
    mut projects: Vec<Project>,
    cursor: Option<&str>,
    binding: u64,
) -> Result<Vec<Project>, Error> {
    if let Some(cursor) = cursor {
        let (last, _) = read_cursor(cursor, binding)?;
        projects.retain(|project| project.name > last);
    }
    Ok(projects)
}

/// The cursor behind a project.
pub(crate) fn cursor_after_project(last: &Project, binding: u64) -> String {
    write_cursor(&(last.name.clone(), String::new()), binding)
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
type SortKey = (String, String);

fn sort_key(summary: &Summary, sort: Sort) -> SortKey {
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

fn write_cursor((key, id): &SortKey, binding: u64) -> String {
    format!("{binding:016x}{}", hex::encode(format!("{key}\0{id}")))
}

fn read_cursor(cursor: &str, binding: u64) -> Result<SortKey, Error> {
    let malformed = || Error::invalid("/cursor", "is not a cursor of list_containers");
    let (bound, rest) = cursor.split_at_checked(16).ok_or_else(malformed)?;
    if u64::from_str_radix(bound, 16).map_err(|_| malformed())? != binding {
        return Err(Error::invalid("/cursor", "belongs to other filters or another sort"));
    }
    let bytes = hex::decode(rest).map_err(|_| malformed())?;
    let text = String::from_utf8(bytes).map_err(|_| malformed())?;
    let (key, id) = text.split_once('\0').ok_or_else(malformed)?;
    Ok((key.to_owned(), id.to_owned()))
}

/// What a list cursor is bound to.
pub(crate) fn binding(filters: &str, order: impl std::fmt::Debug) -> u64 {
    fingerprint([filters, &format!("{order:?}")])
}
