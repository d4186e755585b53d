//! What can be set.

use crate::{
    Algorithm, Error, Result,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
};

const POPULATION: Integer = Integer { min: 4, max: 2000, default: 100 };
const NEIGHBOURS: Integer = Integer { min: 2, max: 500, default: 20 };
const CROSSOVER_ETA: Real = Real { min: 0.0, max: 200.0, default: Fallback::Fixed(15.0) };
const MUTATION_ETA: Real = Real { min: 0.0, max: 200.0, default: Fallback::Fixed(20.0) };
/// With more, the volumes of a generation take too long to be cancelled in time.
const MAX_SMS_OBJECTIVES: usize = 4;

const MEMBERS: Parameter = Parameter {
    name: "population",
    description: "individuals, and most points of the front; nsga3, moead: the most directions that \
                  are spread evenly",
    kind: ParameterKind::Integer(POPULATION),
    only_with: None,
};
const CROSSING: Parameter = Parameter {
    name: "crossover_eta",
    description: "SBX distribution index; larger keeps children nearer to their parents",
    kind: ParameterKind::Real(CROSSOVER_ETA),
    only_with: None,
};
const MUTATING: Parameter = Parameter {
    name: "mutation_eta",
    description: "polynomial distribution index; larger steps are rarer when it is larger",
    kind: ParameterKind::Real(MUTATION_ETA),
    only_with: None,
};

/// What all of them share.
const NSGA2: Algorithm = Algorithm {
    name: "nsga2",
    title: "NSGA-II",
    summary: "Genetic algorithm that sorts by domination and keeps the front spread",
    representation: "mixed",
    objectives: "multiple",
    constraints: "bounds, expressions",
    applicability: "Two or three objectives; with more, nearly all points dominate none",
    parameters: &[MEMBERS, CROSSING, MUTATING],
    sources: &["Deb, Pratap, Agarwal & Meyarivan (2002)"],
    revision: 2,
};

const NSGA3: Algorithm = Algorithm {
    name: "nsga3",
    title: "NSGA-III",
    summary: "Genetic algorithm that keeps points near directions spread over all trade-offs",
    applicability: "Three to fifteen objectives of any scale",
    sources: &["Deb & Jain (2014)", "Das & Dennis (1998)"],
    revision: 1,
    ..NSGA2
};

const MOEAD: Algorithm = Algorithm {
    name: "moead",
    title: "MOEA/D",
    summary: "One member for each direction, improved together with its neighbours",
    applicability: "Two or more objectives whose front is whole and evenly bent; cheap generations",
    parameters: &[
        MEMBERS,
        CROSSING,
        MUTATING,
        Parameter {
            name: "neighbours",
            description: "near directions whose members mate",
            kind: ParameterKind::Integer(NEIGHBOURS),
            only_with: None,
        },
    ],
    sources: &["Zhang & Li (2007)", "Li & Zhang (2009)"],
    revision: 1,
    ..NSGA2
};

const SMS: Algorithm = Algorithm {
    name: "sms_emoa",
    title: "SMS-EMOA",
    summary: "Genetic algorithm that keeps the points that add most hypervolume",
    applicability: "Two to four objectives, when the best spread front counts more than the time",
    sources: &["Beume, Naujoks & Emmerich (2007)"],
    revision: 1,
    ..NSGA2
};

/// All of them, in the order of [`FrontKind`].
pub(crate) const ALGORITHMS: [Algorithm; 4] = [NSGA2, NSGA3, MOEAD, SMS];

/// Which algorithm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FrontKind {
    /// NSGA-II.
    #[default]
    Nsga2,
    /// NSGA-III.
    Nsga3,
    /// MOEA/D.
    Moead,
    /// SMS-EMOA.
    Sms,
}

impl FrontKind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Nsga2, Self::Nsga3, Self::Moead, Self::Sms];

    /// Name of the algorithm.
    pub const fn name(self) -> &'static str {
        self.algorithm().name
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    pub(crate) const fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Nsga2 => &ALGORITHMS[0],
            Self::Nsga3 => &ALGORITHMS[1],
            Self::Moead => &ALGORITHMS[2],
            Self::Sms => &ALGORITHMS[3],
        }
    }
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct FrontOptions {
    /// Individuals.
    pub population: Option<u32>,
    /// Distribution index of the crossover.
    pub crossover_eta: Option<f64>,
    /// Distribution index of the mutation.
    pub mutation_eta: Option<f64>,
    /// Near directions, of [`FrontKind::Moead`].
    pub neighbours: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct FrontSettings {
    /// Which algorithm.
    pub kind: FrontKind,
    /// Individuals.
    pub population: u32,
    /// Distribution index of the crossover.
    pub crossover_eta: f64,
    /// Distribution index of the mutation.
    pub mutation_eta: f64,
    /// Near directions, of [`FrontKind::Moead`].
    pub neighbours: u32,
}

impl FrontOptions {
    /// Fill in the defaults of an algorithm for a number of objectives, and check.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range or with fewer individuals than
    /// objectives, [`Error::LimitExceeded`] for SMS-EMOA with more than four objectives.
    pub fn resolve(self, kind: FrontKind, objectives: usize) -> Result<FrontSettings> {
        if kind == FrontKind::Sms && objectives > MAX_SMS_OBJECTIVES {
            let reason = format!("must be at most {MAX_SMS_OBJECTIVES} for sms_emoa; use nsga3");
            return Err(Error::LimitExceeded { field: "objectives", reason });
        }
        let population = POPULATION.resolve("population", self.population)?;
        if (population as usize) < objectives {
            let reason = format!("must be at least the {objectives} objectives");
            return Err(Error::InvalidParameter { field: "population", reason });
        }
        Ok(FrontSettings {
            kind,
            population,
            crossover_eta: CROSSOVER_ETA.resolve("crossover_eta", self.crossover_eta, 1)?,
            mutation_eta: MUTATION_ETA.resolve("mutation_eta", self.mutation_eta, 1)?,
            neighbours: NEIGHBOURS.resolve("neighbours", self.neighbours)?,
        })
    }
}

impl From<FrontSettings> for FrontOptions {
    fn from(settings: FrontSettings) -> Self {
        Self {
            population: Some(settings.population),
            crossover_eta: Some(settings.crossover_eta),
            mutation_eta: Some(settings.mutation_eta),
            neighbours: (settings.kind == FrontKind::Moead).then_some(settings.neighbours),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_algorithms() {
        for kind in FrontKind::ALL {
            assert_eq!(FrontKind::from_name(kind.name()), Some(kind));
            let settings = FrontOptions::default().resolve(kind, 3).unwrap();
            assert_eq!(FrontOptions::from(settings).resolve(kind, 3).unwrap(), settings);
        }
        assert!(FrontOptions::default().resolve(FrontKind::Sms, 5).is_err());
        let few = FrontOptions { population: Some(4), ..FrontOptions::default() };
        assert!(few.resolve(FrontKind::Nsga3, 5).is_err());
    }
}
