//! What runs in the container, and which files it changed.

use mcp_core::{prelude::*, untrusted};

use super::MAX_TEXT;
use crate::{
    Error,
    engine::{
        ContainerRef, Engine, Target,
        model::{Change, Top},
    },
    redaction::Redactor,
};

/// Rows shown.
const MAX_PROCESSES: usize = 60;
const MAX_CHANGES: usize = 200;

/// Processes as the host's `ps` sees them.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ProcessSection {
    /// All of them.
    total: usize,
    /// The first 60.
    processes: Vec<Process>,
    /// Why there are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

/// One process.
#[derive(Debug, Default, PartialEq, Serialize, JsonSchema)]
pub(crate) struct Process {
    /// On the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parent: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<String>,
    /// Processor time used, `[days-]hh:mm:ss`.
    #[serde(skip_serializing_if = "Option::is_none")]
    cpu_time: Option<String>,
    /// Command line, credentials hidden.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<String>,
}

/// Ask for the processes. A container that does not run has none: that is no error.
pub(crate) async fn processes(
    engine: &Engine,
    container: &ContainerRef,
    is_running: bool,
    redactor: &Redactor,
) -> Result<ProcessSection, Error> {
    let none = ProcessSection { note: Some("it does not run"), ..ProcessSection::default() };
    if !is_running {
        return Ok(none);
    }
    let target = Target::container("the container's processes", container, "top");
    match engine.get::<Top>(&target).await {
        Ok(top) => Ok(present(&top, redactor)),
        // It ended between the two questions.
        Err(Error::Engine { status: 409, .. }) => Ok(none),
        Err(error) => Err(error),
    }
}

fn present(top: &Top, redactor: &Redactor) -> ProcessSection {
    let titles = top.titles.as_deref().unwrap_or_default();
    let rows = top.processes.as_deref().unwrap_or_default();
    let column = |names: &[&str]| {
        titles.iter().position(|title| names.iter().any(|name| title.eq_ignore_ascii_case(name)))
    };
    let [pid, parent, user, time, command] = [
        column(&["PID"]),
        column(&["PPID"]),
        column(&["UID", "USER"]),
        column(&["TIME"]),
        column(&["CMD", "COMMAND", "ARGS"]),
    ];
    let process = |row: &Vec<String>| {
        let cell = |column: Option<usize>| column.and_then(|column| row.get(column));
        Process {
            pid: cell(pid).and_then(|text| text.parse().ok()),
            parent: cell(parent).and_then(|text| text.parse().ok()),
            user: cell(user).map(|text| untrusted::line(text, 60)),
            cpu_time: cell(time).map(|text| untrusted::line(text, 30)),
            command: cell(command).map(|text| redactor.present(text, MAX_TEXT)),
        }
    };
    ProcessSection {
        total: rows.len(),
        processes: rows.iter().take(MAX_PROCESSES).map(process).collect(),
        note: None,
    }
}

/// Files that differ from the image.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct ChangeSection {
    /// All of them.
    total: usize,
    /// The first 200, by path.
    changes: Vec<ChangeRow>,
}

/// One file that differs.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub(crate) struct ChangeRow {
    path: String,
    /// `modified`, `added` or `deleted`.
    kind: &'static str,
}

/// Ask for the changed files.
pub(crate) async fn changes(
    engine: &Engine,
    container: &ContainerRef,
) -> Result<ChangeSection, Error> {
    let target = Target::container("the container's changed files", container, "changes");
    let changes: Option<Vec<Change>> = engine.get(&target).await?;
    Ok(present_changes(changes.unwrap_or_default()))
}

fn present_changes(mut changes: Vec<Change>) -> ChangeSection {
    changes.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    let rows = changes.iter().take(MAX_CHANGES).map(|change| ChangeRow {
        path: untrusted::line(change.path.as_deref().unwrap_or_default(), MAX_TEXT),
        kind: match change.kind {
            Some(0) => "modified",
            Some(1) => "added",
            Some(2) => "deleted",
            _ => "unknown",
        },
    });
    ChangeSection { total: changes.len(), changes: rows.collect() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_found_by_title_and_command_lines_scrubbed() {
        let top: Top = serde_json::from_value(json!({
            "Titles": ["UID", "PID", "PPID", "C", "STIME", "TTY", "TIME", "CMD"],
            "Processes": [["root", "7", "1", "0", "11:32", "?", "00:00:01", "app --password=canary"], ["short"]]
        }))
        .unwrap();
        let section = present(&top, &Redactor::default());
        assert_eq!(section.total, 2);
        assert_eq!(
            serde_json::to_value(&section.processes).unwrap(),
            json!([{"pid": 7, "parent": 1, "user": "root", "cpu_time": "00:00:01",
                "command": "app --password=[redacted]"}, {"user": "short"}])
        );
    }

    #[test]
    fn podmans_titles_are_understood() {
        let top: Top = serde_json::from_value(json!({
            "Titles": ["USER", "PID", "%CPU", "TIME", "COMMAND"], "Processes": [["app", "9", "0.1", "0s", "run"]]
        }))
        .unwrap();
        let process = &present(&top, &Redactor::default()).processes[0];
        assert_eq!((process.pid, process.command.as_deref()), (Some(9), Some("run")));
    }

    #[test]
    fn changes_are_counted_and_bounded() {
        let many: Vec<Change> = (0..500)
            .map(|n| {
                serde_json::from_value(json!({"Path": format!("/f{n:03}"), "Kind": n % 4})).unwrap()
            })
            .collect();
        let section = present_changes(many);
        assert_eq!((section.total, section.changes.len()), (500, MAX_CHANGES));
        assert_eq!(section.changes[3].kind, "unknown");
    }
}
