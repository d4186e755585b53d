//! Blanks of a template, and what is filled in.

use mcp_core::prelude::*;
use serde_json::{Map, Value};

/// A blank.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) name: &'static str,
    /// Meaning, and what is allowed.
    pub(super) description: &'static str,
    /// JSON of the default.
    pub(super) default: &'static str,
}

impl Input {
    pub(super) fn value(&self) -> Result<Value> {
        serde_json::from_str(self.default).map_err(|error| {
            ToolError::internal(format!("the default of {} is no JSON: {error}", self.name))
        })
    }
}

/// What is filled in.
#[derive(Debug)]
pub(super) struct Inputs<'a> {
    blanks: &'static [Input],
    given: &'a Map<String, Value>,
}

impl<'a> Inputs<'a> {
    /// # Errors
    /// For a name that is no blank.
    pub(super) fn new(blanks: &'static [Input], given: &'a Map<String, Value>) -> Result<Self> {
        match given.keys().find(|name| blanks.iter().all(|blank| blank.name != **name)) {
            Some(name) => {
                let known: Vec<&str> = blanks.iter().map(|blank| blank.name).collect();
                let shown: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
                Err(ToolError::invalid(
                    format!("/inputs/{shown}"),
                    "is no input of this template".to_owned(),
                )
                .with_hint(format!("inputs: {}", known.join(", "))))
            }
            None => Ok(Self { blanks, given }),
        }
    }

    fn value(&self, name: &str) -> Result<Value> {
        if let Some(value) = self.given.get(name) {
            return Ok(value.clone());
        }
        let blank = self.blanks.iter().find(|blank| blank.name == name);
        blank.map_or(Ok(Value::Null), Input::value)
    }

    /// A whole number within bounds.
    pub(super) fn count(&self, name: &str, (least, most): (u64, u64)) -> Result<u64> {
        let value = self.value(name)?;
        let whole = value.as_u64().filter(|whole| (least..=most).contains(whole));
        whole.ok_or_else(|| self.wrong(name, &format!("must be a whole number, {least} to {most}")))
    }

    pub(super) fn number(&self, name: &str, (least, most): (f64, f64)) -> Result<f64> {
        let value = self.value(name)?;
        let number = value.as_f64().filter(|number| (least..=most).contains(number));
        number.ok_or_else(|| self.wrong(name, &format!("must be a number, {least} to {most}")))
    }

    /// A list of numbers, as long as `length` wants.
    pub(super) fn numbers(&self, name: &str, (least, most): (usize, usize)) -> Result<Vec<f64>> {
        let value = self.value(name)?;
        let list = numbers(&value).filter(|list| (least..=most).contains(&list.len()));
        let wanted = if least == most {
            format!("must be {least} numbers")
        } else {
            format!("must be {least} to {most} numbers")
        };
        list.ok_or_else(|| self.wrong(name, &wanted))
    }

    /// Rows of numbers, each as long as `width` says.
    pub(super) fn rows(
        &self,
        name: &str,
        (least, most): (usize, usize),
        width: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let value = self.value(name)?;
        let rows: Option<Vec<Vec<f64>>> =
            value.as_array().and_then(|rows| rows.iter().map(numbers).collect());
        let fits = |rows: &Vec<Vec<f64>>| {
            (least..=most).contains(&rows.len()) && rows.iter().all(|row| row.len() == width)
        };
        rows.filter(fits).ok_or_else(|| {
            self.wrong(name, &format!("must be {least} to {most} rows of {width} numbers"))
        })
    }

    /// The value as it is.
    pub(super) fn raw(&self, name: &str) -> Result<Value> {
        self.value(name)
    }

    pub(super) fn wrong(&self, name: &str, reason: &str) -> ToolError {
        let about = self.blanks.iter().find(|blank| blank.name == name);
        ToolError::invalid(format!("/inputs/{name}"), format!("{name} {reason}"))
            .with_hint(about.map_or("see list_templates", |blank| blank.description))
    }
}

fn numbers(value: &Value) -> Option<Vec<f64>> {
    let finite = |item: &Value| item.as_f64().filter(|number| number.abs() <= 1e12);
    value.as_array()?.iter().map(finite).collect()
}
