//! Which algorithm runs, and how.

use crate::{
    Algorithm, CmaOptions, CmaSettings, DesignSettings, ElitesSettings, EsSettings, FrontKind,
    FrontOptions, FrontSettings, GaOptions, GaSettings, LshadeKind, LshadeSettings, MemeticOptions,
    MemeticSettings, Problem, PsoSettings, Result, SimplexSettings, TpeSettings, UmdaSettings, cma,
    design, elites, evolution, ga, lshade, memetic, portfolio, pso, simplex, tpe, umda,
};

/// Checked settings of an algorithm.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Settings {
    /// The genetic algorithm.
    Ga(GaSettings),
    /// CMA-ES.
    Cma(CmaSettings),
    /// L-SHADE and jSO.
    Lshade(LshadeSettings),
    /// Particle swarm.
    Pso(PsoSettings),
    /// Evolution strategies.
    Es(EsSettings),
    /// Nelder-Mead.
    Simplex(SimplexSettings),
    /// Tree-structured Parzen estimator.
    Tpe(TpeSettings),
    /// Univariate marginal distributions.
    Umda(UmdaSettings),
    /// Space-filling design.
    Design(DesignSettings),
    /// CMA-ES, axis search, CMA-ES with restarts; by the usual settings.
    Portfolio(CmaSettings),
    /// The memetic search of permutations.
    Memetic(MemeticSettings),
    /// NSGA-II and others, for several objectives.
    Front(FrontSettings),
    /// MAP-Elites.
    Elites(ElitesSettings),
}

impl Settings {
    /// The algorithm that `auto` takes for a problem, with its usual settings, and why.
    ///
    /// # Errors
    /// As [`GaOptions::resolve`].
    pub fn auto(problem: &Problem) -> Result<(Self, &'static str)> {
        let dimension = problem.bounds().dimension();
        let objectives = problem.senses().len();
        if objectives > 1 {
            let (kind, why) = if objectives > 3 {
                let why = "more than three objectives: NSGA-III, which keeps points near directions \
                           spread over all trade-offs";
                (FrontKind::Nsga3, why)
            } else {
                let why = "several objectives: NSGA-II, which looks for all that none dominates";
                (FrontKind::Nsga2, why)
            };
            return Ok((Self::Front(FrontOptions::default().resolve(kind, objectives)?), why));
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
                   genetic algorithm with operators for each kind";
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
            Self::Lshade(settings) => match settings.kind {
                LshadeKind::Lshade => &lshade::LSHADE,
                LshadeKind::Jso => &lshade::JSO,
            },
            Self::Pso(_) => &pso::ALGORITHM,
            Self::Es(_) => &evolution::ALGORITHM,
            Self::Simplex(_) => &simplex::ALGORITHM,
            Self::Tpe(_) => &tpe::ALGORITHM,
            Self::Umda(_) => &umda::ALGORITHM,
            Self::Design(_) => &design::ALGORITHM,
            Self::Portfolio(_) => &portfolio::ALGORITHM,
            Self::Memetic(_) => &memetic::ALGORITHM,
            Self::Front(settings) => settings.kind.algorithm(),
            Self::Elites(_) => &elites::ALGORITHM,
        }
    }
}

/// Settings of an algorithm are settings.
macro_rules! from {
    ($($settings:ident => $variant:ident),+ $(,)?) => {
        $(impl From<$settings> for Settings {
            fn from(settings: $settings) -> Self {
                Self::$variant(settings)
            }
        })+
    };
}

from! {
    GaSettings => Ga,
    CmaSettings => Cma,
    LshadeSettings => Lshade,
    MemeticSettings => Memetic,
    FrontSettings => Front,
    PsoSettings => Pso,
    EsSettings => Es,
    SimplexSettings => Simplex,
    TpeSettings => Tpe,
    UmdaSettings => Umda,
    DesignSettings => Design,
    ElitesSettings => Elites,
}

impl From<&GaSettings> for Settings {
    fn from(settings: &GaSettings) -> Self {
        Self::Ga(*settings)
    }
}
