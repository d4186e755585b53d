//! The form of a row as a line of JSON. Times are RFC 3339 in UTC; an open end is left out.

mod document;
mod entity;
mod fact;
mod memory;
mod value;

use mcp_core::prelude::{Deserialize, Serialize};
use serde_json::Value;

use self::{
    document::{ChunkLine, DocumentLine},
    entity::{EntityLine, MergeLine, ObservationLine, RuleLine},
    fact::FactLine,
    memory::MemoryLine,
};
use super::{Record, Refused, check};

/// The row as one line, without its end. What no reader sees is written as an escape, so that a line
/// shows all it holds.
pub(crate) fn write(record: &Record) -> String {
    visible(serde_json::to_string(&Line::of(record)).unwrap_or_default())
}

/// Any value as one line with its end, in the same way.
pub(crate) fn line_of(value: &Value) -> String {
    visible(format!("{value}\n"))
}

/// The row of a line, its bounds checked.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn parse(line: &str) -> Result<Record, Refused> {
    let line: Line = serde_json::from_str(line).map_err(|error| Refused::invalid(told(&error)))?;
    let record = line.into_record()?;
    check::check(&record)?;
    Ok(record)
}

/// What is wrong with a line, without what it holds.
fn told(error: &serde_json::Error) -> String {
    match error.classify() {
        serde_json::error::Category::Data => mcp_core::untrusted::line(&error.to_string(), 200),
        _ => format!("is no JSON at column {}", error.column()),
    }
}

fn visible(line: String) -> String {
    if matches!(mcp_core::untrusted::clean(&line), std::borrow::Cow::Borrowed(_)) {
        return line;
    }
    let mut out = String::with_capacity(line.len() + 16);
    for c in line.chars() {
        if c != '\n' && (mcp_core::untrusted::is_invisible(c) || c.is_control()) {
            let mut units = [0u16; 2];
            for unit in c.encode_utf16(&mut units) {
                out.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            out.push(c);
        }
    }
    out
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "table", rename_all = "snake_case")]
enum Line {
    Rule(RuleLine),
    Entity(EntityLine),
    Observation(ObservationLine),
    Fact(FactLine),
    Merge(MergeLine),
    Memory(MemoryLine),
    Document(DocumentLine),
    Chunk(ChunkLine),
}

impl Line {
    fn of(record: &Record) -> Self {
        match record {
            Record::Rule(row) => Self::Rule(RuleLine::of(row)),
            Record::Entity(row) => Self::Entity(EntityLine::of(row)),
            Record::Observation(row) => Self::Observation(ObservationLine::of(row)),
            Record::Fact(row) => Self::Fact(FactLine::of(row)),
            Record::Merge(row) => Self::Merge(MergeLine::of(row)),
            Record::Memory(row) => Self::Memory(MemoryLine::of(row)),
            Record::Document(row) => Self::Document(DocumentLine::of(row)),
            Record::Chunk(row) => Self::Chunk(ChunkLine::of(row)),
        }
    }

    fn into_record(self) -> Result<Record, Refused> {
        Ok(match self {
            Self::Rule(line) => Record::Rule(line.into_row()),
            Self::Entity(line) => Record::Entity(line.into_row()?),
            Self::Observation(line) => Record::Observation(line.into_row()?),
            Self::Fact(line) => Record::Fact(line.into_row()?),
            Self::Merge(line) => Record::Merge(line.into_row()?),
            Self::Memory(line) => Record::Memory(line.into_row()?),
            Self::Document(line) => Record::Document(line.into_row()?),
            Self::Chunk(line) => Record::Chunk(line.into_row()?),
        })
    }
}
