//! Data as a caller gives it: columns, or CSV.

use std::collections::BTreeMap;

use darwin_engine::{Error as EngineError, MAX_COLUMNS, MAX_ROWS, Sample};
use mcp_core::prelude::*;
use mcp_core::suggest;
use serde_json::json;

use crate::data::{self, Columns, Most};

/// Numbers by column: one of the two.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct DataArgs {
    /// Columns by name, equally long: 4 to 10,000 rows, at most 51 columns.
    #[schemars(length(max = 51))]
    columns: Option<BTreeMap<String, Vec<f64>>>,
    /// The same as text: names in the first line, then numbers; separated by comma, semicolon or tab.
    #[schemars(length(max = 4_000_000))]
    csv: Option<String>,
}

const MOST: Most = Most { columns: MAX_COLUMNS + 1, rows: MAX_ROWS };

impl DataArgs {
    /// The columns beside the target, and the target.
    pub(super) fn sample(self, target: &str) -> Result<Sample> {
        let (place, mut columns): (&str, Columns) = match (self.columns, self.csv) {
            (Some(columns), None) => ("/data/columns", columns.into_iter().collect()),
            (None, Some(text)) => (
                "/data/csv",
                data::read(&text, MOST).map_err(|fault| fault.into_error("/data/csv"))?,
            ),
            _ => {
                let message = "data needs either columns or csv".to_owned();
                return Err(data::invalid("/data", message));
            }
        };
        let Some(at) = columns.iter().position(|(name, _)| name == target) else {
            let names = columns.iter().map(|(name, _)| name.as_str());
            let near = suggest::nearest(target, names).map(str::to_owned);
            let hint = near.as_ref().map_or_else(
                || "name one of the columns".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            return Err(ToolError::new(
                Kind::InvalidInput,
                "unknown_name",
                "there is no column of the target's name",
            )
            .with_field("/target")
            .with_hint(hint)
            .with_details(json!({ "nearest": near })));
        };
        let (_, values) = columns.remove(at);
        let (names, columns): (Vec<String>, Vec<Vec<f64>>) = columns.into_iter().unzip();
        let known = names.clone();
        Sample::new(names, columns, values).map_err(|error| match error {
            EngineError::InvalidData { column, row, reason } => {
                let name = column.map_or(Some(target), |at| known.get(at).map(String::as_str));
                let shown: String =
                    name.unwrap_or_default().chars().filter(|c| !c.is_control()).take(40).collect();
                let whole = column.is_none() && row.is_none();
                let subject = if whole { "data".to_owned() } else { format!("column `{shown}`") };
                let line = row.map_or_else(String::new, |row| format!(", row {},", row + 1));
                let error = data::invalid(place, format!("{subject}{line} {reason}"));
                match row {
                    Some(row) => error.with_details(json!({ "row": row + 1, "column": shown })),
                    None => error,
                }
            }
            other => crate::Error::from(other).into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(csv: &str, target: &str) -> Result<Sample> {
        DataArgs { columns: None, csv: Some(csv.to_owned()) }.sample(target)
    }

    #[test]
    fn text_is_read_with_any_of_its_marks() {
        for text in [
            "a,y\n1,2\n2,3\n3,5\n4,8\n",
            "\u{feff}\"a\"; y\r\n1;2\r\n2;3\r\n3;5\r\n4;8",
            "a\ty\n1\t2\n2\t3\n3\t5\n4\t8.0\n",
        ] {
            let sample = from(text, "y").unwrap();
            assert_eq!((sample.rows(), sample.names()), (4, &["a".to_owned()][..]));
        }
    }

    #[test]
    fn what_is_no_data_is_refused_with_its_row() {
        for (text, target, code, part) in [
            ("a,y\n1,2\n2\n3,5\n", "y", "invalid_data", "line 3 has 1 fields"),
            ("a,y\n1,2\n2,x\n3,5\n4,8", "y", "invalid_data", "column `y`, row 2,"),
            ("a,y\n1,2\n2,inf\n3,5\n4,8", "y", "invalid_data", "row 2,"),
            ("a,y\n1,2\n2,3\n", "y", "invalid_data", "4 to 10000 rows"),
            ("sin,y\n1,2\n2,3\n3,5\n4,8", "y", "invalid_data", "sin"),
            ("a,y\n1,2\n2,3\n3,5\n4,8", "z", "unknown_name", "target"),
            ("", "y", "unknown_name", "target"),
        ] {
            let json = from(text, target).unwrap_err().to_json();
            assert_eq!(json["code"], code, "{json}");
            assert!(json["message"].as_str().is_some_and(|m| m.contains(part)), "{json}");
        }
        assert!(DataArgs::default().sample("y").is_err());
    }
}
