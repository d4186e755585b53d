//! What can be set.

use crate::{
    Algorithm, Error, Result,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
};

/// Largest population that restarts grow to.
pub(crate) const MAX_POPULATION: usize = 100_000;
/// From here on one decomposition takes too long to be cancelled in time.
const MAX_FULL: usize = 256;

const POPULATION: Integer = Integer { min: 4, max: 10_000, default: 0 };
const SIGMA: Real = Real { min: 1e-6, max: 1.0, default: Fallback::Fixed(0.2) };
const RESTARTS: &[&str] = &["bipop", "ipop", "none"];
const COVARIANCE: &[&str] = &["auto", "full", "diagonal"];

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "cma_es",
    title: "CMA-ES with restarts",
    summary: "Learns the shape of the function from ranked samples; restarts with other populations",
    representation: "real",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "Ill-conditioned, rotated, noisy or moderately rugged functions of 2 to 200 real \
                    variables; the first to try there. Weak on many separable minima and on \
                    categories. Above 256 variables the covariance is diagonal",
    parameters: &[
        Parameter {
            name: "population",
            description: "Samples of a generation in the first run",
            kind: ParameterKind::Rule(POPULATION, "4 + 3 ln(dimension)"),
            only_with: None,
        },
        Parameter {
            name: "sigma",
            description: "First step, as a share of each range",
            kind: ParameterKind::Real(SIGMA),
            only_with: None,
        },
        Parameter {
            name: "restarts",
            description: "What follows when a run can gain no more",
            kind: ParameterKind::Choice(RESTARTS),
            only_with: None,
        },
        Parameter {
            name: "covariance",
            description: "Shape that is learnt; auto is full up to 256 variables",
            kind: ParameterKind::Choice(COVARIANCE),
            only_with: None,
        },
    ],
    sources: &["arXiv:1604.00772", "Auger & Hansen (2005)", "Hansen (2009)", "Ros & Hansen (2008)"],
    revision: 1,
};

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct CmaOptions {
    /// Samples of a generation in the first run.
    pub population: Option<u32>,
    /// First step, as a share of each range.
    pub sigma: Option<f64>,
    /// What follows when a run can gain no more.
    pub restarts: Option<Restarts>,
    /// Whether only scales are learnt, and no directions.
    pub diagonal: Option<bool>,
}

/// What follows when a run of CMA-ES can gain no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Restarts {
    /// Twice the population, or a small one, so that both use as many evaluations.
    #[default]
    Bipop,
    /// Twice the population.
    Ipop,
    /// Nothing.
    None,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct CmaSettings {
    /// Samples of a generation in the first run; absent for the usual number.
    pub population: Option<u32>,
    /// First step.
    pub sigma: f64,
    /// What follows a run.
    pub restarts: Restarts,
    /// Whether only scales are learnt.
    pub diagonal: bool,
}

impl Restarts {
    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bipop => "bipop",
            Self::Ipop => "ipop",
            Self::None => "none",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Bipop, Self::Ipop, Self::None].into_iter().find(|one| one.name() == name)
    }
}

impl CmaOptions {
    /// Fill in the defaults for a number of variables, and check.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range; [`Error::LimitExceeded`] for a full
    /// covariance of more than 256 variables.
    pub fn resolve(self, dimension: usize) -> Result<CmaSettings> {
        let population = self.population.map(|given| POPULATION.resolve("population", Some(given)));
        if self.diagonal == Some(false) && dimension > MAX_FULL {
            let reason = format!("must be diagonal above {MAX_FULL} variables, not {dimension}");
            return Err(Error::LimitExceeded { field: "covariance", reason });
        }
        Ok(CmaSettings {
            population: population.transpose()?,
            sigma: SIGMA.resolve("sigma", self.sigma, dimension)?,
            restarts: self.restarts.unwrap_or_default(),
            diagonal: self.diagonal.unwrap_or(dimension > MAX_FULL),
        })
    }
}

impl From<CmaSettings> for CmaOptions {
    fn from(settings: CmaSettings) -> Self {
        Self {
            population: settings.population,
            sigma: Some(settings.sigma),
            restarts: Some(settings.restarts),
            diagonal: Some(settings.diagonal),
        }
    }
}
