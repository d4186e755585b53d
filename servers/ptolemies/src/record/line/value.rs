//! Values that lines have in common.

use serde_json::{Map, Value};
use ulid::Ulid;

use crate::{graph::Times, moment::Moment, record::Refused};

pub(super) fn end(moment: Moment) -> Option<String> {
    moment.known().map(|moment| moment.to_string())
}

pub(super) fn object(props: Option<&String>) -> Option<Map<String, Value>> {
    serde_json::from_str(props?).ok()
}

pub(super) fn stored(props: Option<Map<String, Value>>) -> Result<Option<String>, Refused> {
    let text = props.map(|props| serde_json::to_string(&props)).transpose();
    text.map_err(|error| Refused::invalid(error.to_string()))
}

pub(super) fn ulid(field: &str, text: &str) -> Result<Ulid, Refused> {
    Ulid::from_string(text)
        .ok()
        .filter(|id| id.to_string() == text)
        .ok_or_else(|| Refused::invalid(format!("{field} must be an id: 26 letters and digits")))
}

pub(super) fn previous(text: Option<&String>) -> Result<Option<Ulid>, Refused> {
    text.map(|text| ulid("previous", text)).transpose()
}

pub(super) fn time(field: &str, text: &str) -> Result<Moment, Refused> {
    Moment::parse(text).ok_or_else(|| {
        Refused::invalid(format!("{field} must be a time as in 2026-01-31T09:30:00Z"))
    })
}

pub(super) fn open(field: &str, text: Option<&String>) -> Result<Moment, Refused> {
    text.map_or(Ok(Moment::NEVER), |text| time(field, text))
}

pub(super) fn times(
    valid_from: &str,
    valid_to: Option<&String>,
    recorded_at: &str,
    retracted_at: Option<&String>,
) -> Result<Times, Refused> {
    Ok(Times {
        valid_from: time("valid_from", valid_from)?,
        valid_to: open("valid_to", valid_to)?,
        recorded_at: time("recorded_at", recorded_at)?,
        retracted_at: open("retracted_at", retracted_at)?,
    })
}
