//! What examples that read a model's data share.

use std::{error::Error, fs};

use bayes_engine::language::{Data, Datum, ast::Program};
use serde_json::Value;

/// What a file of JSON gives for the model's own data.
pub(crate) fn given(program: &Program, path: &str) -> Result<Data, Box<dyn Error>> {
    let values: Value = serde_json::from_str(&fs::read_to_string(path)?)?;
    let known: Vec<String> = program.data_variables().into_iter().map(|(name, _)| name).collect();
    let values = values.as_object().into_iter().flatten();
    Ok(values
        .filter(|(name, _)| known.contains(name))
        .map(|(name, value)| (name.clone(), datum(value)))
        .collect())
}

fn datum(value: &Value) -> Datum {
    match value {
        Value::Array(list) => Datum::List(list.iter().map(datum).collect()),
        other => Datum::Number(other.as_f64().unwrap_or(f64::NAN)),
    }
}

/// CPU time of this thread, in seconds.
pub(crate) fn cpu_s() -> f64 {
    let said = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    said.split_whitespace().next().and_then(|word| word.parse().ok()).unwrap_or(f64::NAN) * 1e-9
}
