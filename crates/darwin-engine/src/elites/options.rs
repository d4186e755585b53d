//! What can be set.

use crate::{
    Algorithm, Error, Problem, Result,
    parameter::{Fallback, Integer, Parameter, ParameterKind, Real},
};

/// Most niches of an archive.
pub(crate) const MAX_NICHES: u32 = 10_000;

const BATCH: Integer = Integer { min: 2, max: 10_000, default: 100 };
const FIRST: Integer = Integer { min: 2, max: 100_000, default: 500 };
const NICHES: Integer = Integer { min: 2, max: MAX_NICHES, default: 1000 };
const CROSSED: Real = Real { min: 0.0, max: 1.0, default: Fallback::Fixed(0.5) };
const ARCHIVES: &[&str] = &["grid", "cvt"];

pub(crate) const ALGORITHM: Algorithm = Algorithm {
    name: "map_elites",
    title: "MAP-Elites",
    summary: "Fills an archive with the best point of each kind of behaviour, which lets name",
    representation: "mixed",
    objectives: "single",
    constraints: "bounds, expressions",
    applicability: "When many different good points are wanted: behaviours are lets with a range, their \
                    cells the grid. One best point alone is found faster by the others",
    parameters: &[
        Parameter {
            name: "batch",
            description: "Children of a generation",
            kind: ParameterKind::Integer(BATCH),
            only_with: None,
        },
        Parameter {
            name: "first",
            description: "Random points to begin with",
            kind: ParameterKind::Integer(FIRST),
            only_with: None,
        },
        Parameter {
            name: "crossover_probability",
            description: "Chance that a pair of children has two parents",
            kind: ParameterKind::Real(CROSSED),
            only_with: None,
        },
        Parameter {
            name: "archive",
            description: "Niches: cells of a grid, or the nearest of evenly spread places (for three \
                          behaviours or more)",
            kind: ParameterKind::Choice(ARCHIVES),
            only_with: None,
        },
        Parameter {
            name: "niches",
            description: "Evenly spread places",
            kind: ParameterKind::Integer(NICHES),
            only_with: Some(("archive", "cvt")),
        },
    ],
    sources: &["Mouret & Clune (2015)", "Vassiliades, Chatzilygeroudis & Mouret (2018)"],
    revision: 1,
};

/// How behaviours are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ArchiveKind {
    /// By the cells of a grid.
    #[default]
    Grid,
    /// By the nearest of evenly spread places.
    Cvt,
}

impl ArchiveKind {
    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grid => "grid",
            Self::Cvt => "cvt",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Grid, Self::Cvt].into_iter().find(|one| one.name() == name)
    }
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ElitesOptions {
    /// Children of a generation.
    pub batch: Option<u32>,
    /// Random points to begin with.
    pub first: Option<u32>,
    /// Chance that a pair of children has two parents.
    pub crossover_probability: Option<f64>,
    /// How behaviours are told apart.
    pub archive: Option<ArchiveKind>,
    /// Evenly spread places.
    pub niches: Option<u32>,
}

/// Checked settings.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct ElitesSettings {
    /// Children of a generation.
    pub batch: u32,
    /// Random points to begin with.
    pub first: u32,
    /// Chance that a pair of children has two parents.
    pub crossover_probability: f64,
    /// How behaviours are told apart.
    pub archive: ArchiveKind,
    /// Niches of the archive.
    pub niches: u32,
}

impl ElitesOptions {
    /// Fill in the defaults for a problem, and check.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range, or for a number of the other archive;
    /// [`Error::LimitExceeded`] for a grid of too many cells.
    pub fn resolve(self, problem: &Problem) -> Result<ElitesSettings> {
        let archive = self.archive.unwrap_or_default();
        let niches = match (archive, self.niches) {
            (ArchiveKind::Cvt, niches) => NICHES.resolve("niches", niches)?,
            (ArchiveKind::Grid, None) => grid(problem)?,
            (ArchiveKind::Grid, Some(_)) => {
                let reason =
                    "applies to archive cvt only: cells of the lets are the grid".to_owned();
                return Err(Error::InvalidParameter { field: "niches", reason });
            }
        };
        Ok(ElitesSettings {
            batch: BATCH.resolve("batch", self.batch)?,
            first: FIRST.resolve("first", self.first)?,
            crossover_probability: CROSSED.resolve(
                "crossover_probability",
                self.crossover_probability,
                1,
            )?,
            archive,
            niches,
        })
    }
}

/// Cells of the grid over all behaviours.
fn grid(problem: &Problem) -> Result<u32> {
    let cells = problem.descriptors().iter().try_fold(1_u32, |all, one| all.checked_mul(one.cells));
    cells.filter(|cells| *cells <= MAX_NICHES).ok_or_else(|| {
        let reason = format!("has more than {MAX_NICHES} cells: use fewer, or cvt");
        Error::LimitExceeded { field: "archive", reason }
    })
}

impl From<ElitesSettings> for ElitesOptions {
    fn from(settings: ElitesSettings) -> Self {
        let cvt = settings.archive == ArchiveKind::Cvt;
        Self {
            batch: Some(settings.batch),
            first: Some(settings.first),
            crossover_probability: Some(settings.crossover_probability),
            archive: Some(settings.archive),
            niches: cvt.then_some(settings.niches),
        }
    }
}
