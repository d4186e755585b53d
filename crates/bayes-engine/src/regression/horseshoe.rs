//! The regularised horseshoe (Piironen and Vehtari 2017): many slopes, few of which matter.

use crate::error::{Error, ErrorKind, Result};

/// What is asked of it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Horseshoe {
    /// Slopes that are thought to matter.
    expected: f64,
    /// How far the others may go, in scales of the outcome.
    slab: f64,
}

impl Horseshoe {
    /// From `horseshoe(3)` or `horseshoe(3, 2.5)`; none if the prior is another.
    pub(super) fn read(prior: &str, slopes: usize) -> Result<Option<Self>> {
        let Some(inner) = prior.strip_prefix("horseshoe(").and_then(|rest| rest.strip_suffix(')'))
        else {
            return Ok(None);
        };
        let numbers: Vec<Option<f64>> =
            inner.split(',').map(|word| word.trim().parse::<f64>().ok()).collect();
        let found = match numbers.as_slice() {
            [Some(expected)] => Some(Self { expected: *expected, slab: 2.5 }),
            [Some(expected), Some(slab)] => Some(Self { expected: *expected, slab: *slab }),
            _ => None,
        };
        let is_good = |shoe: &Self| {
            (0.0..slopes as f64).contains(&shoe.expected)
                && shoe.expected > 0.0
                && shoe.slab > 0.0
                && shoe.slab <= 1e6
        };
        found.filter(is_good).map(Some).ok_or_else(|| {
            let message = format!("the horseshoe of b does not fit {slopes} slopes");
            Error::new(ErrorKind::Constraint, "/priors/b", message).with_hint(
                "write horseshoe(m): m above 0 and below the number of slopes is how many are thought to matter",
            )
        })
    }

    pub(super) fn parameters() -> &'static str {
        "  vector[K] hs_z;\n  vector<lower=0>[K] hs_local;\n  real<lower=0> hs_global;\n  real<lower=0> hs_slab;\n"
    }

    /// Slopes of predictors with a spread of 1, then those of the predictors as given.
    pub(super) fn transformed(self, scale: &str) -> String {
        let Self { expected, slab } = self;
        format!(
            "  real hs_tau = hs_global * {scale} * {expected} / (K - {expected}) / sqrt(N);\n  real hs_width = \
             square({slab} * {scale}) * hs_slab;\n  vector[K] b = hs_tau * hs_z .* sqrt(hs_width * square(hs_local) \
             ./ (hs_width + square(hs_tau) * square(hs_local))) ./ spread;\n"
        )
    }

    pub(super) fn statements() -> &'static str {
        "  hs_z ~ std_normal();\n  hs_local ~ student_t(1, 0, 1);\n  hs_global ~ student_t(1, 0, 1);\n  hs_slab ~ \
         inv_gamma(2, 2);\n"
    }
}
