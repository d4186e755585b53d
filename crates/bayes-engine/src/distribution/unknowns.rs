//! Parameters that are to be found, on a scale without bounds.

use super::family::{Family, Role};
use super::named::Distribution;
use crate::error::{Error, ErrorKind, Result};

/// A family of which some parameters are known.
#[derive(Debug)]
pub(crate) struct Unknowns {
    family: &'static Family,
    fixed: Vec<Option<f64>>,
}

impl Unknowns {
    pub(crate) fn new(family: &'static Family, fixed: &[(String, f64)]) -> Result<Self> {
        let mut known = vec![None; family.parameters.len()];
        for (name, value) in fixed {
            let Some(index) = family.parameters.iter().position(|(known, _)| known == name) else {
                let message = format!("{} has no such parameter", family.name);
                return Err(Error::new(ErrorKind::Unexpected, format!("/params/{name}"), message)
                    .with_hint(format!("{} takes {}", family.name, family.parameter_text())));
            };
            known[index] = Some(*value);
        }
        if let Some((name, _)) = family
            .parameters
            .iter()
            .zip(&known)
            .find(|((_, role), known)| *role == Role::Count && known.is_none())
            .map(|(parameter, _)| parameter)
        {
            let message = format!("{name} is a count and cannot be searched for");
            return Err(Error::new(ErrorKind::Missing, format!("/params/{name}"), message)
                .with_hint(format!("give {name} in params")));
        }
        if known.iter().all(Option::is_some) {
            return Err(Error::new(
                ErrorKind::Constraint,
                "/params",
                format!("every parameter of {} is given", family.name),
            )
            .with_hint("leave out the parameters that are to be found"));
        }
        Ok(Self { family, fixed: known })
    }

    /// How many are to be found.
    pub(crate) fn len(&self) -> usize {
        self.fixed.iter().filter(|known| known.is_none()).count()
    }

    /// Roles of those.
    pub(crate) fn roles(&self) -> impl Iterator<Item = Role> {
        self.named().map(|(_, role)| role)
    }

    /// Names and roles of those.
    pub(crate) fn named(&self) -> impl Iterator<Item = (&'static str, Role)> {
        self.family
            .parameters
            .iter()
            .zip(&self.fixed)
            .filter(|(_, known)| known.is_none())
            .map(|(parameter, _)| *parameter)
    }

    /// From their values to the scale without bounds.
    pub(crate) fn free(&self, values: &[f64]) -> Vec<f64> {
        self.roles()
            .zip(values)
            .map(|(role, value)| match role {
                Role::Scale | Role::Rate | Role::Shape => value.ln(),
                Role::Unit => (value / (1.0 - value)).ln(),
                Role::Location | Role::Real | Role::Edge | Role::Count => *value,
            })
            .collect()
    }

    /// All parameters in the family's order.
    pub(crate) fn values(&self, free: &[f64]) -> Vec<f64> {
        let mut found = self.roles().zip(free).map(|(role, free)| match role {
            Role::Scale | Role::Rate | Role::Shape => free.exp(),
            Role::Unit => 1.0 / (1.0 + (-free).exp()),
            Role::Location | Role::Real | Role::Edge | Role::Count => *free,
        });
        self.fixed
            .iter()
            .map(|known| known.unwrap_or_else(|| found.next().unwrap_or(f64::NAN)))
            .collect()
    }

    pub(crate) fn member(&self, free: &[f64]) -> Result<Distribution> {
        Distribution::of(self.family, &self.values(free))
    }
}
