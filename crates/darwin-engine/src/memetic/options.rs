//! What can be set.

use crate::{
    Algorithm, Result,
    parameter::{Integer, Parameter, ParameterKind},
};

const MEMBERS: Integer = Integer { min: 1, max: 1000, default: 3 };

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "memetic",
    title: "Memetic permutation search",
    summary: "Local search by reversals, moved segments and swaps from crossed and disturbed orders",
    representation: "permutation",
    objectives: "single",
    constraints: "expressions",
    applicability: "Orders: tours, sequences, assignments, of up to some hundred items. All \
                    variables are permutations",
    parameters: &[Parameter {
        name: "population",
        description: "Orders that are kept and crossed",
        kind: ParameterKind::Integer(MEMBERS),
        only_with: None,
    }],
    sources: &["Croes (1958)", "Or (1976)", "Davis (1985)", "Moscato (1989)"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct MemeticOptions {
    /// Orders that are kept and crossed.
    pub population: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct MemeticSettings {
    /// Orders that are kept and crossed.
    pub population: u32,
}

impl MemeticOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self) -> Result<MemeticSettings> {
        Ok(MemeticSettings { population: MEMBERS.resolve("population", self.population)? })
    }
}
