//! A run's settings as a whole: an algorithm, how it takes constraints, and on how many islands.

use crate::{
    Algorithm, Error, Handling, IslandSettings, Problem, Result, Settings, constraint, islands,
    parameter::Parameter,
};

/// Checked settings of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// The algorithm.
    pub settings: Settings,
    /// How points that break constraints are ranked.
    pub handling: Handling,
    /// Several populations that exchange points.
    pub islands: Option<IslandSettings>,
}

impl Plan {
    /// The algorithm.
    pub fn algorithm(&self) -> &'static Algorithm {
        self.settings.algorithm()
    }

    /// Check that a problem can be searched so.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] when constraints are to be priced and the caller evaluates, or when
    /// an archive of behaviours is wanted and the problem names none.
    pub fn check(&self, problem: &Problem) -> Result<()> {
        let invalid =
            |field, reason: &str| Err(Error::InvalidParameter { field, reason: reason.to_owned() });
        if problem.is_external() && !self.handling.is_rules() {
            return invalid("constraints", "must be rules when the caller evaluates");
        }
        if matches!(self.settings, Settings::Elites(_)) && problem.descriptors().is_empty() {
            return invalid("archive", "needs lets with a range: they say where a point belongs");
        }
        Ok(())
    }
}

impl<S: Into<Settings>> From<S> for Plan {
    fn from(settings: S) -> Self {
        Self { settings: settings.into(), handling: Handling::default(), islands: None }
    }
}

impl Algorithm {
    /// Everything that can be set: its own parameters, and those of what may be put around it.
    pub fn all_parameters(&self) -> impl Iterator<Item = &'static Parameter> + use<> {
        let around = [constraint::parameters(self.name), islands::parameters(self.name)];
        self.parameters.iter().chain(around.into_iter().flatten())
    }

    /// Whether constraints may be priced in this way.
    pub fn takes(&self, handling: &Handling) -> bool {
        constraint::parameters(self.name).iter().any(|one| match one.kind {
            crate::parameter::ParameterKind::Choice(words) => {
                words.contains(&handling.method.name())
            }
            _ => false,
        }) || handling.is_rules()
    }
}
