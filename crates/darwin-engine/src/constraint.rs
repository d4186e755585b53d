//! How points that break constraints are ranked among those that do not.
//!
//! By default feasibility rules: what breaks none comes first (Deb 2000). The others give every point
//! a price that the algorithm takes for its cost, and change it as the run goes on: epsilon (Takahama
//! & Sakai 2006), penalties fixed or adapted (Bean & Hadj-Alouane 1992), an augmented Lagrangian
//! (Atamna, Auger & Hansen 2017). What a run reports as its best is always by the rules.

mod price;

pub(crate) use price::Pricer;

use crate::{
    Result,
    parameter::{Fallback, Parameter, ParameterKind, Real},
};

const FACTOR: Real = Real { min: 1e-9, max: 1e12, default: Fallback::Fixed(1000.0) };
const RELAXED: Real = Real { min: 0.01, max: 1.0, default: Fallback::Fixed(0.2) };

/// Words of most algorithms, and of the one whose generations are ranked as a whole.
const METHODS: &[&str] = &["rules", "epsilon", "penalty", "adaptive_penalty"];
const ALL_METHODS: &[&str] = &["rules", "epsilon", "penalty", "adaptive_penalty", "lagrangian"];
const MEANING: &str = "How points that break constraints are ranked: behind all others (rules), or by a \
                       price that changes over the run. The best point is reported by the rules";

const FACTOR_PARAMETER: Parameter = Parameter {
    name: "penalty_factor",
    description: "What is added to the cost for each unit of violation",
    kind: ParameterKind::Real(FACTOR),
    only_with: Some(("constraints", "penalty")),
};
const RELAXED_PARAMETER: Parameter = Parameter {
    name: "relaxed_share",
    description: "Share of the evaluations over which the violation that is passed over falls to 0",
    kind: ParameterKind::Real(RELAXED),
    only_with: Some(("constraints", "epsilon")),
};
const PARAMETERS: &[Parameter] = &[method(METHODS), FACTOR_PARAMETER, RELAXED_PARAMETER];
const ALL_PARAMETERS: &[Parameter] = &[method(ALL_METHODS), FACTOR_PARAMETER, RELAXED_PARAMETER];

const fn method(words: &'static [&'static str]) -> Parameter {
    Parameter {
        name: "constraints",
        description: MEANING,
        kind: ParameterKind::Choice(words),
        only_with: None,
    }
}

/// What an algorithm lets be set.
pub(crate) fn parameters(algorithm: &str) -> &'static [Parameter] {
    match algorithm {
        "cma_es" => ALL_PARAMETERS,
        "ga" | "lshade" | "jso" | "pso" | "es" | "umda" => PARAMETERS,
        _ => &[],
    }
}

/// How points that break constraints are ranked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ConstraintMethod {
    /// Behind all that break none, by how far.
    #[default]
    Rules,
    /// As feasible up to a violation that falls to 0.
    Epsilon,
    /// A fixed price for each unit of violation.
    Penalty,
    /// A price that follows whether the best points are feasible.
    Adaptive,
    /// A price of each constraint that is learnt: an augmented Lagrangian.
    Lagrangian,
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct HandlingOptions {
    /// How.
    pub method: Option<ConstraintMethod>,
    /// Price of a unit of violation.
    pub penalty_factor: Option<f64>,
    /// Share of the evaluations over which a violation may be passed over.
    pub relaxed_share: Option<f64>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Handling {
    /// How.
    pub method: ConstraintMethod,
    /// Price of a unit of violation.
    pub penalty_factor: f64,
    /// Share of the evaluations over which a violation may be passed over.
    pub relaxed_share: f64,
}

impl ConstraintMethod {
    const ALL: [Self; 5] =
        [Self::Rules, Self::Epsilon, Self::Penalty, Self::Adaptive, Self::Lagrangian];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Epsilon => "epsilon",
            Self::Penalty => "penalty",
            Self::Adaptive => "adaptive_penalty",
            Self::Lagrangian => "lagrangian",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }
}

impl HandlingOptions {
    /// Fill in the defaults, and check.
    ///
    /// # Errors
    /// [`crate::Error::InvalidParameter`] outside a listed range, or for a number of another method.
    pub fn resolve(self) -> Result<Handling> {
        let method = self.method.unwrap_or_default();
        for (field, given, of) in [
            ("penalty_factor", self.penalty_factor, ConstraintMethod::Penalty),
            ("relaxed_share", self.relaxed_share, ConstraintMethod::Epsilon),
        ] {
            if given.is_some() && method != of {
                let reason = format!("applies to constraints {} only", of.name());
                return Err(crate::Error::InvalidParameter { field, reason });
            }
        }
        Ok(Handling {
            method,
            penalty_factor: FACTOR.resolve("penalty_factor", self.penalty_factor, 1)?,
            relaxed_share: RELAXED.resolve("relaxed_share", self.relaxed_share, 1)?,
        })
    }
}

impl Handling {
    /// Whether costs are what they are without any of this.
    pub fn is_rules(&self) -> bool {
        self.method == ConstraintMethod::Rules
    }
}

impl Default for Handling {
    fn default() -> Self {
        Self {
            method: ConstraintMethod::Rules,
            penalty_factor: FACTOR.default.on(1),
            relaxed_share: RELAXED.default.on(1),
        }
    }
}

impl From<Handling> for HandlingOptions {
    fn from(handling: Handling) -> Self {
        let of = |method| handling.method == method;
        Self {
            method: Some(handling.method),
            penalty_factor: of(ConstraintMethod::Penalty).then_some(handling.penalty_factor),
            relaxed_share: of(ConstraintMethod::Epsilon).then_some(handling.relaxed_share),
        }
    }
}
