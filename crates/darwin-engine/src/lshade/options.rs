//! What can be set.

use crate::{
    Algorithm, Result,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
};

const POPULATION: Integer = Integer { min: 8, max: 10_000, default: 0 };
const BEST_SHARE: Real = Real { min: 0.01, max: 1.0, default: Fallback::Fixed(0.11) };
const JSO_BEST_SHARE: Real = Real { min: 0.01, max: 1.0, default: Fallback::Fixed(0.25) };

pub(crate) const LSHADE: Algorithm = Algorithm {
    name: "lshade",
    title: "L-SHADE differential evolution",
    summary: "Differential evolution that learns its rates and shrinks its population",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Rugged and partly separable functions of up to some hundred real variables, \
                    with a budget that is known: the population shrinks towards its end. Slow on \
                    ill-conditioned functions",
    parameters: &[
        Parameter {
            name: "population",
            description: "Individuals at the start",
            kind: ParameterKind::Rule(POPULATION, "18 x dimension, at most 10000"),
            only_with: None,
        },
        Parameter {
            name: "best_share",
            description: "Share of the population whose members lead",
            kind: ParameterKind::Real(BEST_SHARE),
            only_with: None,
        },
    ],
    sources: &["Tanabe & Fukunaga (2014), CEC", "Tanabe & Fukunaga (2013), CEC"],
    revision: 1,
};

pub(crate) const JSO: Algorithm = Algorithm {
    name: "jso",
    title: "jSO differential evolution",
    summary: "L-SHADE with a stronger pull to the best as the budget runs out",
    parameters: &[
        Parameter {
            name: "population",
            description: "Individuals at the start",
            kind: ParameterKind::Rule(POPULATION, "25 ln(dimension) sqrt(dimension), at least 8"),
            only_with: None,
        },
        Parameter {
            name: "best_share",
            description: "Share of the population whose members lead; falls to half of it",
            kind: ParameterKind::Real(JSO_BEST_SHARE),
            only_with: None,
        },
    ],
    sources: &["Brest, Maucec & Boskovic (2017), CEC"],
    ..LSHADE
};

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum LshadeKind {
    /// L-SHADE.
    #[default]
    Lshade,
    /// jSO.
    Jso,
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct LshadeOptions {
    /// Individuals at the start.
    pub population: Option<u32>,
    /// Share of the population whose members lead.
    pub best_share: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct LshadeSettings {
    /// Which of the two.
    pub kind: LshadeKind,
    /// Individuals at the start.
    pub population: u32,
    /// Share of the population whose members lead.
    pub best_share: f64,
}

impl LshadeOptions {
    /// Fill in the defaults for a number of variables, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    pub fn resolve(self, dimension: usize) -> Result<LshadeSettings> {
        let usual = u32::try_from(dimension.saturating_mul(18)).unwrap_or(u32::MAX);
        self.resolve_with(LshadeKind::Lshade, usual, BEST_SHARE)
    }

    /// The same for jSO.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "dimensions are small"
    )]
    pub fn resolve_jso(self, dimension: usize) -> Result<LshadeSettings> {
        let d = dimension as f64;
        let usual = libm::round(25.0 * libm::log(d) * libm::sqrt(d)) as u32;
        self.resolve_with(LshadeKind::Jso, usual, JSO_BEST_SHARE)
    }

    fn resolve_with(self, kind: LshadeKind, usual: u32, share: Real) -> Result<LshadeSettings> {
        let population = self.population.unwrap_or(usual.clamp(POPULATION.min, POPULATION.max));
        Ok(LshadeSettings {
            kind,
            population: POPULATION.resolve("population", Some(population))?,
            best_share: share.resolve("best_share", self.best_share, 1)?,
        })
    }
}

impl From<LshadeSettings> for LshadeOptions {
    fn from(settings: LshadeSettings) -> Self {
        Self { population: Some(settings.population), best_share: Some(settings.best_share) }
    }
}
