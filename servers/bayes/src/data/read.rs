//! Text into columns: JSON by name, or a table with a header.

use std::{collections::BTreeSet, fmt};

use mcp_core::prelude::*;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::{Value, value::RawValue};

use super::{DataError, Values};

/// Most columns.
const MAX_COLUMNS: usize = 1_000;
/// Deepest nesting of lists.
const MAX_DEPTH: usize = 8;
/// What stands for a missing cell.
const MISSING: [&str; 5] = ["", "NA", "NaN", "nan", "null"];

/// How a text is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Format {
    Json,
    Csv,
}

/// What a column holds.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum ColumnType {
    /// Whole numbers.
    Int,
    /// Numbers.
    Real,
    /// Words: of no use to a model as they are.
    Text,
}

/// A column, or a value of another shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Column {
    /// Its name.
    pub(crate) name: String,
    /// What it holds.
    pub(crate) r#type: ColumnType,
    /// Sizes; none of a single value.
    pub(crate) dims: Vec<usize>,
    /// Values, missing ones too.
    pub(crate) n: usize,
    /// Missing values.
    pub(crate) missing: usize,
    /// Least number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) min: Option<f64>,
    /// Largest number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) max: Option<f64>,
    /// Mean of the numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) mean: Option<f64>,
    /// Different words, or whole numbers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) distinct: Option<usize>,
}

/// The values of a text, and what they are.
pub(super) fn read(format: Format, content: &str) -> Result<(Values, Vec<Column>), DataError> {
    let given = match format {
        Format::Json => of_json(content)?,
        Format::Csv => of_csv(content)?,
    };
    if given.is_empty() {
        return Err(DataError::wrong(
            "data_missing",
            "the content has no values".to_owned(),
            "give at least one: {\"y\": [1, 2]}, or a header and rows",
        ));
    }
    if given.len() > MAX_COLUMNS {
        let message = format!("{} columns, more than {MAX_COLUMNS}", given.len());
        return Err(DataError::wrong(
            "limit_exceeded",
            message,
            "put those of one kind in a matrix",
        ));
    }
    let mut values = Values::new();
    let mut columns = Vec::with_capacity(given.len());
    for (name, value) in given {
        check_name(&name, &values)?;
        columns.push(column(&name, &value)?);
        values.insert(name, value);
    }
    Ok((values, columns))
}

fn check_name(name: &str, known: &Values) -> Result<(), DataError> {
    let letters = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let fits = name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic())
        && !name.ends_with("__")
        && name.chars().all(letters);
    if !fits {
        let plain: String =
            name.chars().map(|c| if letters(c) { c } else { '_' }).take(62).collect();
        let message = format!("`{}` cannot name a variable of a model", shown(name));
        let plain = plain.trim_matches('_');
        let fix = if plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
            format!("name it {plain}")
        } else {
            format!("name it x{plain}: a letter, then letters, digits and _")
        };
        return Err(DataError::wrong("data_constraint", message, fix));
    }
    if known.contains_key(name) {
        let message = format!("`{name}` is there twice");
        return Err(DataError::wrong("data_constraint", message, "rename or drop one of them"));
    }
    Ok(())
}

/// A map that keeps what stands in it twice.
struct Pairs<'text>(Vec<(String, &'text RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of values by name")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }
        deserializer.deserialize_map(Read)
    }
}

fn of_json(content: &str) -> Result<Vec<(String, Value)>, DataError> {
    let wrong = |error: &serde_json::Error| DataError::Wrong {
        code: "syntax",
        // The parser's own words name its source.
        message: format!(
            "the content is not the JSON of an object: line {}, column {}",
            error.line(),
            error.column()
        ),
        fix: "write {\"N\": 3, \"y\": [1.5, null, 2]}; null is a missing value".to_owned(),
        line: Some(error.line() as u64),
    };
    let pairs: Pairs<'_> = serde_json::from_str(content).map_err(|error| wrong(&error))?;
    let value = |(name, raw): (String, &RawValue)| match serde_json::from_str(raw.get()) {
        Ok(value) => Ok((name, value)),
        Err(error) => Err(wrong(&error)),
    };
    pairs.0.into_iter().map(value).collect()
}

fn of_csv(content: &str) -> Result<Vec<(String, Value)>, DataError> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(content.as_bytes());
    let header = reader.headers().map_err(|error| of_table(&error))?.clone();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); header.len()];
    for record in reader.records() {
        let record = record.map_err(|error| of_table(&error))?;
        for (column, cell) in cells.iter_mut().zip(&record) {
            column.push(cell.to_owned());
        }
    }
    let named = header.iter().zip(cells).filter(|(name, cells)| {
        // A separator at the end of every line makes a column of nothing.
        !(name.is_empty() && cells.iter().all(String::is_empty))
    });
    Ok(named.map(|(name, cells)| (name.to_owned(), of_cells(cells))).collect())
}

/// Numbers if all cells that are there are numbers, else words.
fn of_cells(cells: Vec<String>) -> Value {
    let number = |cell: &String| -> Option<Value> {
        if MISSING.contains(&cell.as_str()) {
            return Some(Value::Null);
        }
        let whole = cell.parse::<i64>().ok().map(Value::from);
        whole.or_else(|| {
            let number = cell.parse::<f64>().ok().filter(|number| number.is_finite());
            number.map(Value::from)
        })
    };
    let numbers: Option<Vec<Value>> = cells.iter().map(number).collect();
    Value::Array(numbers.unwrap_or_else(|| {
        let word = |cell: String| {
            if MISSING.contains(&cell.as_str()) { Value::Null } else { Value::String(cell) }
        };
        cells.into_iter().map(word).collect()
    }))
}

fn of_table(error: &csv::Error) -> DataError {
    let line = error.position().map(csv::Position::line);
    let (code, message) = match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            ("data_size", format!("a row has {len} cells, and the header {expected_len}"))
        }
        _ => ("syntax", "the content is not a table of comma-separated values".to_owned()),
    };
    let fix = "write a header and rows of equal length; quote cells with commas; leave missing ones empty";
    DataError::Wrong { code, message, fix: fix.to_owned(), line }
}

/// What is found in a value.
#[derive(Default)]
struct Seen {
    n: usize,
    missing: usize,
    sum: f64,
    range: Option<(f64, f64)>,
    is_real: bool,
    wholes: BTreeSet<i64>,
    words: BTreeSet<String>,
}

fn column(name: &str, value: &Value) -> Result<Column, DataError> {
    let mut seen = Seen::default();
    let dims = seen.look(value, &format!("/{name}"), 0)?;
    if !seen.words.is_empty() && seen.range.is_some() {
        let message = format!("`{name}` mixes words and numbers");
        return Err(DataError::wrong(
            "data_type",
            message,
            "write all as numbers, or all as words",
        ));
    }
    let r#type = match (seen.words.is_empty(), seen.is_real) {
        (false, _) => ColumnType::Text,
        (true, true) => ColumnType::Real,
        (true, false) => ColumnType::Int,
    };
    let distinct = match r#type {
        ColumnType::Text => Some(seen.words.len()),
        ColumnType::Int => Some(seen.wholes.len()),
        ColumnType::Real => None,
    };
    #[expect(clippy::cast_precision_loss, reason = "values are few")]
    let count = (seen.n - seen.missing) as f64;
    Ok(Column {
        name: name.to_owned(),
        r#type,
        dims,
        n: seen.n,
        missing: seen.missing,
        min: seen.range.map(|(min, _)| min),
        max: seen.range.map(|(_, max)| max),
        mean: seen.range.map(|_| seen.sum / count).filter(|mean| mean.is_finite()),
        distinct,
    })
}

impl Seen {
    /// Sizes of a value, all parts of equal size.
    fn look(&mut self, value: &Value, path: &str, depth: usize) -> Result<Vec<usize>, DataError> {
        let wrong = |code, what: &str, fix: &str| {
            Err(DataError::wrong(code, format!("{path} {what}"), fix))
        };
        match value {
            Value::Array(list) if depth < MAX_DEPTH => {
                let mut inner: Option<Vec<usize>> = None;
                for (at, part) in list.iter().enumerate() {
                    let path = format!("{path}/{at}");
                    let dims = self.look(part, &path, depth + 1)?;
                    if inner.as_ref().is_some_and(|inner| *inner != dims) {
                        let message = format!("{path} has another size than the parts before it");
                        let fix = "make all parts of a list equally long";
                        return Err(DataError::wrong("data_size", message, fix));
                    }
                    inner = Some(dims);
                }
                let mut dims = vec![list.len()];
                dims.extend(inner.unwrap_or_default());
                Ok(dims)
            }
            Value::Array(_) => {
                wrong("data_size", "is nested more than 8 deep", "give fewer dimensions")
            }
            Value::Number(number) => {
                self.number(number);
                Ok(Vec::new())
            }
            Value::String(word) => {
                self.n += 1;
                self.words.insert(word.clone());
                Ok(Vec::new())
            }
            Value::Null => {
                self.n += 1;
                self.missing += 1;
                Ok(Vec::new())
            }
            Value::Bool(_) => {
                wrong("data_type", "is a truth value", "write 1 for true and 0 for false")
            }
            Value::Object(_) => wrong("data_type", "is an object", "give a list"),
        }
    }

    fn number(&mut self, number: &serde_json::Number) {
        let value = number.as_f64().unwrap_or(f64::NAN);
        self.n += 1;
        self.sum += value;
        let (min, max) = self.range.unwrap_or((value, value));
        self.range = Some((min.min(value), max.max(value)));
        match number.as_i64() {
            Some(whole) => {
                self.wholes.insert(whole);
            }
            None => self.is_real = true,
        }
    }
}

/// A caller's word, fit for a message.
fn shown(word: &str) -> String {
    word.chars().filter(|c| !c.is_control()).take(40).collect()
}

#[cfg(test)]
mod tests;
