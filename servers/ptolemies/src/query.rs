//! A raw read, whichever engine answers it.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Map, Value};

use crate::text::{clean, scrub};

/// Values of parameters by name.
pub(crate) type Params = BTreeMap<String, Value>;

/// How much is read, and how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bounds {
    pub(crate) rows: usize,
    /// Characters of the rows as JSON.
    pub(crate) room: usize,
    pub(crate) within: Duration,
}

/// Rows that were read, cleaned.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    pub(crate) columns: Vec<String>,
    /// As many values as there were columns when it came; what is missing at its end is null.
    pub(crate) rows: Vec<Vec<Value>>,
    /// Whether there is more than was taken.
    pub(crate) truncated: bool,
    used: usize,
}

impl Found {
    /// Take a row: an object's entries go under their names, any other value under `value`. Whether
    /// it is the one too many, and was left out.
    pub(crate) fn add(&mut self, row: Value, bounds: Bounds) -> bool {
        let row = match row {
            Value::Object(row) => row,
            other => Map::from_iter([("value".to_owned(), other)]),
        };
        let mut values = vec![Value::Null; self.columns.len()];
        let mut columns = Vec::new();
        for (name, value) in row {
            let (name, value) = (clean(&name), scrub(value));
            let known = self.columns.iter().position(|column| *column == name);
            match known {
                Some(at) => values[at] = value,
                None => {
                    columns.push(name);
                    values.push(value);
                }
            }
        }
        self.add_values(columns, values, bounds)
    }

    /// No rows yet, of these columns.
    pub(crate) fn of(columns: &[String]) -> Self {
        Self { columns: columns.iter().map(|name| clean(name)).collect(), ..Self::default() }
    }

    /// Take a row of the known columns. See [`Self::add`].
    pub(crate) fn add_row(&mut self, values: Vec<Value>, bounds: Bounds) -> bool {
        self.add_values(Vec::new(), values.into_iter().map(scrub).collect(), bounds)
    }

    /// Take a row whose last values are of new columns.
    fn add_values(&mut self, columns: Vec<String>, values: Vec<Value>, bounds: Bounds) -> bool {
        let size = serde_json::to_string(&(&columns, &values))
            .map_or(usize::MAX, |row| row.chars().count());
        let used = self.used.saturating_add(size);
        if self.rows.len() >= bounds.rows || used > bounds.room {
            self.truncated = true;
            return true;
        }
        self.used = used;
        self.columns.extend(columns);
        self.rows.push(values);
        false
    }

    /// Rows of one length.
    pub(crate) fn finish(mut self) -> Self {
        for row in &mut self.rows {
            row.resize(self.columns.len(), Value::Null);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BOUNDS: Bounds = Bounds { rows: 3, room: 80, within: Duration::from_secs(1) };

    #[test]
    fn rows_fall_into_columns() {
        let mut found = Found::default();
        assert!(!found.add(json!({"a": 1, "b": "x\u{1b}[2J"}), BOUNDS));
        assert!(!found.add(json!({"c": null, "a": 2}), BOUNDS));
        assert!(!found.add(json!([3]), BOUNDS));
        assert!(found.add(json!({"a": 4}), BOUNDS), "a row too many");
        let found = found.finish();
        assert_eq!(found.columns, ["a", "b", "c", "value"]);
        assert_eq!(
            json!(found.rows),
            json!([[1, "x", null, null], [2, null, null, null], [null, null, null, [3]]])
        );
        assert!(found.truncated);
    }

    #[test]
    fn rows_fit_the_room() {
        let mut found = Found::default();
        assert!(!found.add(json!({"a": "x".repeat(20)}), BOUNDS));
        assert!(found.add(json!({"a": "x".repeat(40)}), BOUNDS));
        assert_eq!((found.rows.len(), found.truncated), (1, true));
    }
}
