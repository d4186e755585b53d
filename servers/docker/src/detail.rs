//! Sections of an inspected container, each presented by one function. Foreign text is cleaned,
//! cut and scrubbed of secrets on its way in.

use mcp_core::untrusted;

use crate::redaction::Redactor;

pub(crate) mod config;
pub(crate) mod network;
pub(crate) mod process;
pub(crate) mod raw;
pub(crate) mod security;
pub(crate) mod state;

/// Entries of one list in a section.
const MAX_ITEMS: usize = 60;
/// Characters of one value.
const MAX_TEXT: usize = 300;

/// A value to show: `None` when the engine left it empty.
fn shown(value: Option<&str>) -> Option<String> {
    value.filter(|value| !value.is_empty()).map(|value| untrusted::line(value, MAX_TEXT))
}

fn shown_all(values: Option<&[String]>) -> Vec<String> {
    values
        .unwrap_or_default()
        .iter()
        .take(MAX_ITEMS)
        .map(|value| untrusted::line(value, MAX_TEXT))
        .collect()
}

/// A command line, credentials hidden.
fn command(args: &[String], redactor: &Redactor) -> Vec<String> {
    redactor.present_args(args.get(..MAX_ITEMS).unwrap_or(args), MAX_TEXT)
}

/// Zero and negative mean "not set" throughout the engine's limits.
fn positive(value: Option<i64>) -> Option<u64> {
    value.and_then(|value| u64::try_from(value).ok()).filter(|value| *value > 0)
}
