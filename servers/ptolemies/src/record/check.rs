//! Bounds of rows that come from outside: those of the tools that write them.

use super::{Record, Refused};
use crate::{
    Error,
    document::MAX_CHUNKS,
    graph::{Entity, Fact},
    memory::Memory,
    moment::Moment,
    tools::arguments::{label, labels, plain_text},
};

/// Bytes of a memory, of an observation or a fact in words, of an object.
const MAX_MEMORY: usize = 64 * 1024;
const MAX_TEXT: usize = 16 * 1024;
const MAX_PROPS: usize = 32 * 1024;
/// Bytes of a chunk: of the longest, with a speaker's name, in UTF-8. Twice that is no chunk of ours.
const MAX_CHUNK: usize = 32 * 1024;

pub(super) fn check(record: &Record) -> Result<(), Refused> {
    match record {
        Record::Rule(rule) => short("/type", &rule.kind, 64),
        Record::Entity(row) => entity(row),
        Record::Observation(row) => {
            plain_text("/text", &row.text, MAX_TEXT).map_err(refuse)?;
            optional("/source", row.source.as_ref(), 500)?;
            ordered("valid_from", row.times.valid_from, row.times.valid_to)?;
            ordered("recorded_at", row.times.recorded_at, row.times.retracted_at)
        }
        Record::Fact(row) => fact(row),
        Record::Merge(row) => {
            if row.merged.is_empty() || row.merged.len() > 50 || row.merged.contains(&row.keep) {
                return Err(Refused::invalid("merged must name 1-50 entities other than keep"));
            }
            ordered("recorded_at", row.recorded_at, row.retracted_at)
        }
        Record::Memory(row) => memory(row),
        Record::Document(row) => {
            short("/uri", &row.uri, 1_024)?;
            if row.title.as_ref().is_some_and(|title| title.chars().count() > 200) {
                return Err(Refused::invalid("title must be <= 200 characters"));
            }
            short("/mime", &row.mime, 100)?;
            short("/context", &row.context, 100)?;
            if row.sha256.len() != 64 || !row.sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                return Err(Refused::invalid("sha256 must be 64 hexadecimal digits"));
            }
            if row.chunks == 0 || row.chunks as usize > MAX_CHUNKS {
                return Err(Refused::invalid(format!("chunks must be 1-{MAX_CHUNKS}")));
            }
            versioned(row.version)?;
            ordered("recorded_at", row.recorded_at, row.retracted_at)
        }
        Record::Chunk(row) => {
            let path: usize = row.path.iter().map(String::len).sum();
            if row.text.len() > MAX_CHUNK || path > MAX_CHUNK || row.text.contains('\0') {
                return Err(Refused::invalid(format!(
                    "text and path must be <= {MAX_CHUNK} bytes, without NUL"
                )));
            }
            Ok(())
        }
    }
}

fn entity(row: &Entity) -> Result<(), Refused> {
    short("/name", &row.name, 200)?;
    optional("/type", row.kind.as_ref(), 64)?;
    if row.aliases.len() > 200 {
        return Err(Refused::invalid("aliases must be <= 200"));
    }
    labels("/aliases", &row.aliases).map_err(refuse)?;
    row.aliases.iter().try_for_each(|alias| short("/aliases", alias, 200))?;
    object(row.props.as_ref())?;
    optional("/source", row.source.as_ref(), 500)?;
    versioned(row.version)?;
    ordered("recorded_at", row.recorded_at, row.retracted_at)
}

fn fact(row: &Fact) -> Result<(), Refused> {
    short("/type", &row.kind, 64)?;
    if let Some(text) = &row.text {
        plain_text("/text", text, MAX_TEXT).map_err(refuse)?;
    }
    object(row.props.as_ref())?;
    if !(0.000_001..=1_000_000.0).contains(&row.weight) {
        return Err(Refused::invalid("weight must be 0.000001-1000000"));
    }
    share(row.confidence)?;
    row.sources.iter().try_for_each(|source| short("/sources", &source.text, 500))?;
    versioned(row.version)?;
    ordered("valid_from", row.times.valid_from, row.times.valid_to)?;
    ordered("recorded_at", row.times.recorded_at, row.times.retracted_at)
}

fn memory(row: &Memory) -> Result<(), Refused> {
    plain_text("/text", &row.text, MAX_MEMORY).map_err(refuse)?;
    optional("/key", row.key.as_ref(), 200)?;
    short("/context", &row.context, 100)?;
    if row.tags.len() > 20 {
        return Err(Refused::invalid("tags must be <= 20"));
    }
    row.tags.iter().try_for_each(|tag| short("/tags", tag, 64))?;
    if !(1..=10).contains(&row.importance) {
        return Err(Refused::invalid("importance must be 1-10"));
    }
    share(row.confidence)?;
    optional("/source", row.source.as_ref(), 500)?;
    versioned(row.version)?;
    ordered("recorded_at", row.recorded_at, row.retracted_at)
}

fn short(field: &str, text: &str, most: usize) -> Result<(), Refused> {
    label(field, text).map_err(refuse)?;
    if text.chars().count() > most {
        return Err(Refused::invalid(format!("{field} must be <= {most} characters")));
    }
    Ok(())
}

fn optional(field: &str, text: Option<&String>, most: usize) -> Result<(), Refused> {
    text.map_or(Ok(()), |text| short(field, text, most))
}

fn object(props: Option<&String>) -> Result<(), Refused> {
    if props.is_some_and(|props| props.len() > MAX_PROPS) {
        return Err(Refused::invalid(format!("props must be <= {MAX_PROPS} bytes as JSON")));
    }
    Ok(())
}

fn share(confidence: Option<f64>) -> Result<(), Refused> {
    if confidence.is_some_and(|confidence| !(0.0..=1.0).contains(&confidence)) {
        return Err(Refused::invalid("confidence must be 0-1"));
    }
    Ok(())
}

fn versioned(version: u32) -> Result<(), Refused> {
    if version == 0 {
        return Err(Refused::invalid("version must be >= 1"));
    }
    Ok(())
}

fn ordered(field: &str, from: Moment, to: Moment) -> Result<(), Refused> {
    if from > to {
        return Err(Refused::invalid(format!("{field} must not lie behind the end")));
    }
    Ok(())
}

fn refuse(error: Error) -> Refused {
    match error {
        Error::Invalid { field, message } | Error::TooLarge { field, message, .. } => {
            Refused::invalid(format!("{field} {message}"))
        }
        other => Refused::invalid(other.to_string()),
    }
}
