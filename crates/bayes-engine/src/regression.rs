//! Regressions by formula: from `y ~ x + (1 + x | g)` and columns to a model's text and data.
//!
//! What runs is a model of [`crate::language`]: its text is the caller's to read and to change. Predictors are
//! centred while they are fitted; `intercept` is given where they are 0.

mod design;
mod family;
mod formula;
mod function;
mod horseshoe;
mod text;

pub use design::Column;
pub use family::Family;

use std::collections::BTreeMap;

use crate::error::Result;
use crate::language::{Data, Datum};

/// A regression ready to be fitted.
#[derive(Debug, Clone, PartialEq)]
pub struct Regression {
    /// The model.
    pub code: String,
    /// Its data.
    pub data: Data,
    /// Names of the elements of `b`.
    pub coefficients: Vec<String>,
    /// Grouping columns with the names of their levels and of what varies.
    pub groups: Vec<Group>,
    /// Names of the categories of an outcome without order; `b[k,c]` is of category `c + 1` against the first.
    pub categories: Vec<String>,
    /// Rows used.
    pub rows: usize,
    /// Rows left out for missing values.
    pub dropped: usize,
}

/// What varies by a grouping column.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The column.
    pub name: String,
    /// Its levels, in the order of their numbers.
    pub levels: Vec<String>,
    /// What varies: `1` and predictors.
    pub terms: Vec<String>,
}

/// Builds a regression; `priors` replace the weak ones by name: `intercept`, `b` (also `horseshoe(m)`), `sd`, and
/// what the family adds, as `sigma`.
pub fn regression(
    formula: &str,
    family: Family,
    columns: &BTreeMap<String, Column>,
    priors: &BTreeMap<String, String>,
) -> Result<Regression> {
    let formula = formula::parse(formula)?;
    let mut design = design::build(&formula, family, columns)?;
    if family.has_cuts() {
        // cuts stand where an intercept would
        design.has_intercept = false;
    }
    let code = text::write(&design, family, priors)?;
    let groups = design
        .groups
        .iter()
        .map(|group| Group {
            name: group.name.clone(),
            levels: group.levels.clone(),
            terms: group.names.clone(),
        })
        .collect();
    Ok(Regression {
        code,
        data: data(&design, family),
        coefficients: design.names.clone(),
        groups,
        categories: design.categories.clone(),
        rows: design.outcome.len(),
        dropped: design.dropped,
    })
}

fn data(design: &design::Design, family: Family) -> Data {
    let list = |x: &[f64]| Datum::List(x.iter().map(|x| Datum::Number(*x)).collect());
    let rows = design.outcome.len();
    let by_row = |columns: &[Vec<f64>]| {
        let row =
            |at| Datum::List(columns.iter().map(|column| Datum::Number(column[at])).collect());
        Datum::List((0..rows).map(row).collect())
    };
    let mut data = Data::new();
    let number = |count: usize| Datum::Number(count as f64);
    data.insert("N".to_owned(), number(rows));
    data.insert("y".to_owned(), list(&design.outcome));
    if let Some(trials) = &design.trials {
        data.insert("trials".to_owned(), list(trials));
    }
    if family.has_cuts() || family.has_categories() {
        let most = design.outcome.iter().copied().fold(2.0, f64::max);
        data.insert("C".to_owned(), Datum::Number(most));
    }
    data.insert("K".to_owned(), number(design.columns.len()));
    data.insert("X".to_owned(), by_row(&design.columns));
    for (at, group) in (1..).zip(&design.groups) {
        data.insert(format!("J_{at}"), number(group.levels.len()));
        data.insert(format!("M_{at}"), number(group.columns.len()));
        let of_row: Vec<f64> = group.of_row.iter().map(|level| *level as f64 + 1.0).collect();
        data.insert(format!("g_{at}"), list(&of_row));
        data.insert(format!("Z_{at}"), by_row(&group.columns));
    }
    data
}
