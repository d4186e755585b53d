//! A distribution by name and parameters.

use super::family::{Family, Law};
use super::law::{Moments, count_quantile};
use crate::error::{self, Error, ErrorKind, Result};
use crate::interval::{equal_tails, highest_density};
use crate::special::Mass;

/// A member of a [`Family`].
#[derive(Debug)]
pub struct Distribution {
    family: &'static Family,
    law: Law,
}

impl Distribution {
    /// The family's member with these named parameters; each must be given once.
    pub fn new<'name>(
        name: &str,
        parameters: impl IntoIterator<Item = (&'name str, f64)>,
    ) -> Result<Self> {
        let family = Family::named(name)?;
        let given: Vec<(&str, f64)> = parameters.into_iter().collect();
        if let Some((index, _)) = given
            .iter()
            .enumerate()
            .find(|(_, (given, _))| family.parameters.iter().all(|(known, _)| known != given))
        {
            let path = format!("/params/{}", given[index].0);
            let message = format!("{name} has no such parameter");
            return Err(Error::new(ErrorKind::Unexpected, path, message)
                .with_hint(format!("{name} takes {}", family.parameter_text())));
        }
        let mut values = Vec::with_capacity(family.parameters.len());
        for (known, _) in family.parameters {
            let Some((_, value)) = given.iter().find(|(given, _)| given == known) else {
                let path = format!("/params/{known}");
                return Err(Error::new(ErrorKind::Missing, path, format!("{known} is absent"))
                    .with_hint(format!("{name} takes {}", family.parameter_text())));
            };
            values.push(*value);
        }
        Self::of(family, &values)
    }

    /// The family's member with these parameters in its order.
    pub(crate) fn of(family: &'static Family, values: &[f64]) -> Result<Self> {
        family.check(values)?;
        Ok(Self { family, law: (family.build)(values)? })
    }

    /// Its family.
    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// Ends of the support; infinite where it has none.
    pub fn support(&self) -> [f64; 2] {
        match &self.law {
            Law::Continuous { location, scale, standard } => {
                standard.support().map(|end| location + scale * end)
            }
            Law::Count(law) => law.support(),
        }
    }

    /// Log density, or log probability of a count; `-inf` outside the support.
    pub fn ln_pdf(&self, x: f64) -> f64 {
        let [low, high] = self.support();
        if !(low <= x && x <= high) || (self.family.is_discrete && x.fract().abs() > 0.0) {
            return f64::NEG_INFINITY;
        }
        match &self.law {
            Law::Continuous { location, scale, standard } => {
                if x.is_infinite() {
                    return f64::NEG_INFINITY;
                }
                standard.ln_pdf((x - location) / scale) - scale.ln()
            }
            Law::Count(law) => law.ln_pmf(x),
        }
    }

    /// `P(X <= x)` and `P(X > x)`, each relatively exact.
    pub fn mass(&self, x: f64) -> Mass {
        let [low, high] = self.support();
        if x < low {
            return Mass::below(0.0);
        }
        if x >= high {
            return Mass::above(0.0);
        }
        match &self.law {
            Law::Continuous { location, scale, standard } if x > low => {
                standard.mass((x - location) / scale)
            }
            Law::Continuous { .. } => Mass::below(0.0),
            Law::Count(law) => law.mass(x.floor()),
        }
    }

    /// The smallest point with at least this mass at or below it.
    pub fn quantile(&self, mass: Mass) -> f64 {
        let [low, high] = self.support();
        if mass.lower <= 0.0 {
            return low;
        }
        if mass.upper <= 0.0 {
            return high;
        }
        match &self.law {
            Law::Continuous { location, scale, standard } => {
                location + scale * standard.quantile(mass)
            }
            Law::Count(law) => count_quantile(law.as_ref(), mass),
        }
    }

    /// The first four moments, each where it exists.
    pub fn moments(&self) -> Moments {
        match &self.law {
            Law::Continuous { location, scale, standard } => {
                let Moments { mean, sd, skewness, excess_kurtosis } = standard.moments();
                Moments {
                    mean: mean.map(|mean| location + scale * mean),
                    sd: sd.map(|sd| scale * sd),
                    skewness,
                    excess_kurtosis,
                }
            }
            Law::Count(law) => law.moments(),
        }
    }

    /// The equal-tailed interval of `level`.
    pub fn interval(&self, level: f64) -> Result<[f64; 2]> {
        error::level("/level", level)?;
        Ok(equal_tails(level).map(|mass| self.quantile(mass)))
    }

    /// The shortest interval of `level`; absent for counts and where the density has two peaks.
    pub fn hdi(&self, level: f64) -> Result<Option<[f64; 2]>> {
        error::level("/level", level)?;
        let Law::Continuous { location, scale, standard } = &self.law else { return Ok(None) };
        let at = |mass: Mass| {
            let [low, high] = standard.support();
            if mass.lower <= 0.0 {
                low
            } else if mass.upper <= 0.0 {
                high
            } else {
                standard.quantile(mass)
            }
        };
        let ends = highest_density(level, standard.peak(), |mass| standard.ln_pdf(at(mass)));
        Ok(ends.map(|ends| ends.map(|mass| location + scale * at(mass))))
    }

    /// As Stan writes it: `normal(0, 1)`.
    pub fn stan_text(family: &Family, values: &[f64]) -> String {
        let values: Vec<String> = values.iter().map(|value| short(*value)).collect();
        format!("{}({})", family.name, values.join(", "))
    }
}

/// The shorter of the two ways to write a number.
fn short(value: f64) -> String {
    let (plain, scientific) = (format!("{value}"), format!("{value:e}"));
    if scientific.len() < plain.len() { scientific } else { plain }
}

impl Family {
    /// Its parameters in words.
    pub fn parameter_text(&self) -> String {
        if self.parameters.is_empty() {
            return "no parameters".to_owned();
        }
        let names: Vec<_> = self.parameters.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    }
}
