//! Settings of the search for formulas.

use super::{
    Sample,
    grammar::{DEFAULT_FUNCTIONS, Grammar},
};
use crate::{
    Result,
    parameter::{Integer, Parameter, ParameterKind},
};

const MAX_SIZE: Integer = Integer { min: 3, max: 100, default: 30 };
const POPULATION: Integer = Integer { min: 20, max: 5000, default: 300 };
const FOLDS: Integer = Integer { min: 2, max: 20, default: 5 };

/// Settings as a caller gives them.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FitOptions {
    /// Functions that formulas may use; [`DEFAULT_FUNCTIONS`] when empty.
    pub functions: Vec<String>,
    /// Most functions, columns and numbers of a formula.
    pub max_size: Option<u32>,
    /// Trees of a generation.
    pub population: Option<u32>,
    /// Parts of the rows for cross-validation; 0 is none.
    pub folds: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FitSettings {
    /// Functions that formulas may use.
    pub functions: Vec<String>,
    /// Most functions, columns and numbers of a formula.
    pub max_size: u32,
    /// Trees of a generation.
    pub population: u32,
    /// Parts of the rows for cross-validation; 0 is none.
    pub folds: u32,
    pub(super) grammar: Grammar,
}

impl FitOptions {
    /// What can be set, beside the functions.
    pub const PARAMETERS: &'static [Parameter] = &[
        Parameter {
            name: "max_size",
            description: "most functions, columns and numbers of a formula",
            kind: ParameterKind::Integer(MAX_SIZE),
            only_with: None,
        },
        Parameter {
            name: "population",
            description: "trees of a generation",
            kind: ParameterKind::Integer(POPULATION),
            only_with: None,
        },
        Parameter {
            name: "folds",
            description: "parts of the rows for cross-validation",
            kind: ParameterKind::Integer(FOLDS),
            only_with: None,
        },
    ];

    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range, with more folds than rows, or for a
    /// function that is not there.
    pub fn resolve(self, data: &Sample) -> Result<FitSettings> {
        let mut functions = self.functions;
        if functions.is_empty() {
            functions = DEFAULT_FUNCTIONS.map(str::to_owned).to_vec();
        }
        let columns = u16::try_from(data.names().len()).unwrap_or(u16::MAX);
        let grammar = Grammar::new(&functions, columns)?;
        let max_size = MAX_SIZE.resolve("max_size", self.max_size)?;
        let population = POPULATION.resolve("population", self.population)?;
        let folds = match self.folds {
            Some(0) => 0,
            None if data.rows() < 2 * FOLDS.default as usize => 0,
            given => FOLDS.resolve("folds", given)?,
        };
        if folds as usize > data.rows() {
            let reason = format!("must be at most the {} rows", data.rows());
            return Err(crate::Error::InvalidParameter { field: "folds", reason });
        }
        Ok(FitSettings { functions, max_size, population, folds, grammar })
    }
}
