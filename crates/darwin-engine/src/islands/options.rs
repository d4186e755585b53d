//! What can be set.

use crate::{
    Error, Result,
    parameter::{Integer, Parameter, ParameterKind},
};

const COUNT: Integer = Integer { min: 1, max: 64, default: 1 };
/// When something else of islands is given, and not how many.
const USUAL: u32 = 4;
const INTERVAL: Integer = Integer { min: 1, max: 1_000_000, default: 10 };
const MIGRANTS: Integer = Integer { min: 1, max: 100, default: 2 };

const PARAMETERS: &[Parameter] = &[
    Parameter {
        name: "islands",
        description: "Populations, each of the whole size, that exchange points (4 when another of the \
                      island parameters is given)",
        kind: ParameterKind::Integer(COUNT),
        only_with: None,
    },
    Parameter {
        name: "topology",
        description: "Which islands get points from which: the one before, the first one and the first \
                      from all, all from all",
        kind: ParameterKind::Choice(Topology::NAMES),
        only_with: None,
    },
    Parameter {
        name: "migration_interval",
        description: "Generations between two exchanges",
        kind: ParameterKind::Integer(INTERVAL),
        only_with: None,
    },
    Parameter {
        name: "migrants",
        description: "Best points of an island that its neighbours get, in place of worse ones",
        kind: ParameterKind::Integer(MIGRANTS),
        only_with: None,
    },
];

/// What an algorithm lets be set: those that keep points to exchange.
pub(crate) fn parameters(algorithm: &str) -> &'static [Parameter] {
    match algorithm {
        "ga" | "lshade" | "jso" | "pso" | "memetic" => PARAMETERS,
        _ => &[],
    }
}

/// Which islands get points from which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Topology {
    /// Each from the one before it.
    #[default]
    Ring,
    /// The first from all, all from the first.
    Star,
    /// All from all.
    Full,
}

impl Topology {
    /// Names on the wire, the default first.
    pub const NAMES: &'static [&'static str] = &["ring", "star", "full"];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ring => "ring",
            Self::Star => "star",
            Self::Full => "full",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Ring, Self::Star, Self::Full].into_iter().find(|one| one.name() == name)
    }

    /// Whether an island gets points of another one.
    pub(super) fn joins(self, from: usize, to: usize, count: usize) -> bool {
        from != to
            && match self {
                Self::Ring => (from + 1) % count == to,
                Self::Star => from == 0 || to == 0,
                Self::Full => true,
            }
    }
}

/// Settings as a caller gives them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct IslandOptions {
    /// Populations.
    pub islands: Option<u32>,
    /// Which get points from which.
    pub topology: Option<Topology>,
    /// Generations between two exchanges.
    pub migration_interval: Option<u32>,
    /// Points that each gives to a neighbour.
    pub migrants: Option<u32>,
}

/// Checked settings: two islands or more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct IslandSettings {
    /// Populations.
    pub islands: u32,
    /// Which get points from which.
    pub topology: Topology,
    /// Generations between two exchanges.
    pub migration_interval: u32,
    /// Points that each gives to a neighbour.
    pub migrants: u32,
}

impl IslandOptions {
    /// Fill in the defaults, and check; nothing for a single population.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] outside a listed range, or for an exchange of one island.
    pub fn resolve(self) -> Result<Option<IslandSettings>> {
        let others = Self { islands: None, ..self };
        let any = others != Self::default();
        let usual = if any { USUAL } else { COUNT.default };
        let islands = COUNT.resolve("islands", Some(self.islands.unwrap_or(usual)))?;
        if islands == 1 {
            let reason = "must be at least 2 for an exchange of points".to_owned();
            return if any {
                Err(Error::InvalidParameter { field: "islands", reason })
            } else {
                Ok(None)
            };
        }
        Ok(Some(IslandSettings {
            islands,
            topology: self.topology.unwrap_or_default(),
            migration_interval: INTERVAL.resolve("migration_interval", self.migration_interval)?,
            migrants: MIGRANTS.resolve("migrants", self.migrants)?,
        }))
    }
}

impl From<IslandSettings> for IslandOptions {
    fn from(settings: IslandSettings) -> Self {
        Self {
            islands: Some(settings.islands),
            topology: Some(settings.topology),
            migration_interval: Some(settings.migration_interval),
            migrants: Some(settings.migrants),
        }
    }
}
