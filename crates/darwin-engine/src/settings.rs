//! Which algorithm runs, and how.

use crate::{
    Algorithm, CmaOptions, CmaSettings, GaOptions, GaSettings, LshadeSettings, MemeticOptions,
    MemeticSettings, NsgaOptions, NsgaSettings, Problem, Result, cma, ga, lshade, memetic, nsga,
    portfolio,
};

/// Checked settings of an algorithm.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Settings {
    /// The genetic algorithm.
    Ga(GaSettings),
    /// CMA-ES.
    Cma(CmaSettings),
    /// L-SHADE.
    Lshade(LshadeSettings),
    /// CMA-ES, axis search, CMA-ES with restarts; by the usual settings.
    Portfolio(CmaSettings),
    /// The memetic search of permutations.
    Memetic(MemeticSettings),
    /// NSGA-II, for several objectives.
    Nsga(NsgaSettings),
}

impl Settings {
    /// The algorithm that `auto` takes for a problem, with its usual settings, and why.
    ///
    /// # Errors
    /// As [`GaOptions::resolve`].
    pub fn auto(problem: &Problem) -> Result<(Self, &'static str)> {
        let dimension = problem.bounds().dimension();
        if problem.senses().len() > 1 {
            let why = "several objectives: NSGA-II, which looks for all that none dominates";
            return Ok((Self::Nsga(NsgaOptions::default().resolve()?), why));
        }
        if problem.is_permutation() {
            let why =
                "all variables are permutations: local search from crossed and disturbed orders";
            return Ok((Self::Memetic(MemeticOptions::default().resolve()?), why));
        }
        if problem.is_continuous() {
            let why = "all variables are real: one run of CMA-ES, a pass along the axes for what \
                       is separable, then CMA-ES with BIPOP restarts";
            return Ok((Self::portfolio(dimension)?, why));
        }
        let why = "some variables are whole numbers, on a grid, categories or permutations: a \
                   genetic algorithm needs no small steps";
        Ok((Self::Ga(GaOptions::default().resolve(dimension)?), why))
    }

    /// The portfolio for a number of variables.
    ///
    /// # Errors
    /// None for any dimension of a problem.
    pub fn portfolio(dimension: usize) -> Result<Self> {
        CmaOptions::default().resolve(dimension).map(Self::Portfolio)
    }

    /// The algorithm.
    pub fn algorithm(&self) -> &'static Algorithm {
        match self {
            Self::Ga(_) => &ga::ALGORITHM,
            Self::Cma(_) => &cma::ALGORITHM,
            Self::Lshade(_) => &lshade::ALGORITHM,
            Self::Portfolio(_) => &portfolio::ALGORITHM,
            Self::Memetic(_) => &memetic::ALGORITHM,
            Self::Nsga(_) => &nsga::ALGORITHM,
        }
    }
}

impl From<GaSettings> for Settings {
    fn from(settings: GaSettings) -> Self {
        Self::Ga(settings)
    }
}

impl From<&GaSettings> for Settings {
    fn from(settings: &GaSettings) -> Self {
        Self::Ga(*settings)
    }
}

impl From<CmaSettings> for Settings {
    fn from(settings: CmaSettings) -> Self {
        Self::Cma(settings)
    }
}

impl From<LshadeSettings> for Settings {
    fn from(settings: LshadeSettings) -> Self {
        Self::Lshade(settings)
    }
}

impl From<MemeticSettings> for Settings {
    fn from(settings: MemeticSettings) -> Self {
        Self::Memetic(settings)
    }
}

impl From<NsgaSettings> for Settings {
    fn from(settings: NsgaSettings) -> Self {
        Self::Nsga(settings)
    }
}
