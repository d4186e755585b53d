//! Tables of numbers as text.

use mcp_core::prelude::*;
use serde_json::{Value, json};

/// Columns by name.
pub(crate) type Columns = Vec<(String, Vec<f64>)>;

/// How large a table may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Most {
    pub(crate) columns: usize,
    pub(crate) rows: usize,
}

/// What is wrong with a text, and where in it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fault {
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

impl Fault {
    fn new(message: String) -> Self {
        Self { message, details: None }
    }

    fn at(self, details: Value) -> Self {
        Self { details: Some(details), ..self }
    }

    /// The same for the wire.
    pub(crate) fn into_error(self, field: &str) -> ToolError {
        let error = invalid(field, self.message);
        match self.details {
            Some(details) => error.with_details(details),
            None => error,
        }
    }
}

/// What is wrong with data, and where they were given.
pub(crate) fn invalid(field: &str, message: String) -> ToolError {
    ToolError::new(Kind::InvalidInput, "invalid_data", message)
        .with_field(field)
        .with_hint("give equally long columns of finite numbers, named as variables are")
}

/// A name of a caller's, fit for a message.
pub(crate) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(40).collect()
}

/// Columns of a text: names in the first line, then numbers; separated by comma, semicolon or tab.
pub(crate) fn read(text: &str, most: Most) -> Result<Columns, Fault> {
    let bad = Fault::new;
    let head = text.lines().next().unwrap_or_default();
    let count = |mark: char| head.matches(mark).count();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|mark| count(char::from(*mark)));
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(delimiter.unwrap_or(b','))
        .trim(csv::Trim::All)
        .from_reader(text.as_bytes());
    let broken = |error: &csv::Error| match error.kind() {
        csv::ErrorKind::UnequalLengths { pos, expected_len, len } => {
            let line = pos.as_ref().map_or(0, csv::Position::line);
            bad(format!("line {line} has {len} fields, the first {expected_len}"))
                .at(json!({ "line": line }))
        }
        _ => bad("csv cannot be read".to_owned()),
    };
    let names = reader.headers().map_err(|error| broken(&error))?.clone();
    if names.len() > most.columns {
        return Err(bad(format!("csv must have at most {} columns", most.columns)));
    }
    let mut columns: Columns = names
        .iter()
        .map(|name| (name.trim_start_matches('\u{feff}').to_owned(), Vec::new()))
        .collect();
    for (row, record) in reader.records().enumerate() {
        let record = record.map_err(|error| broken(&error))?;
        if row >= most.rows {
            return Err(bad(format!("csv must have at most {} rows", most.rows)));
        }
        for ((name, column), field) in columns.iter_mut().zip(&record) {
            let Ok(value) = field.parse::<f64>() else {
                let shown = shown(name);
                return Err(bad(format!("column `{shown}`, row {}, is no number", row + 1))
                    .at(json!({ "row": row + 1, "column": shown })));
            };
            column.push(value);
        }
    }
    Ok(columns)
}
