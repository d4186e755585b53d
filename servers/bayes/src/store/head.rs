//! What is known of a run besides its draws, as JSON.

use std::{collections::BTreeMap, io, path::Path};

use bayes_engine::language::{
    Variable,
    ast::{Base, Type},
};
use mcp_core::{durable, prelude::*};
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::file::{self, FileError, Holds};

/// File of what a run was begun with.
const RUN: &str = "run";
/// File of how it ended; absent until then.
const STATE: &str = "state";

/// How a run was begun.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) created_ms: u64,
    pub(crate) engine: String,
    pub(crate) seed: u64,
    pub(crate) chains: usize,
    pub(crate) tune: usize,
    pub(crate) draws: usize,
    pub(crate) target_accept: Option<f64>,
    pub(crate) max_treedepth: usize,
    pub(crate) max_time_s: f64,
    /// Free parameters.
    pub(crate) dimension: usize,
    /// Numbers of a draw.
    pub(crate) width: usize,
    pub(crate) variables: Vec<Kept>,
    /// What the model printed while it was bound.
    pub(crate) printed: String,
}

/// A model and its data.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Source {
    pub(crate) code: String,
    pub(crate) data: BTreeMap<String, Value>,
}

/// A variable whose draws are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Kept {
    name: String,
    base: String,
    arrays: usize,
    dims: Vec<usize>,
    start: usize,
    block: u8,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) status: Status,
    /// Kept draws of all chains.
    pub(crate) draws: usize,
    /// The attempt whose draws are kept, from 1.
    pub(crate) attempt: usize,
    /// Attempts that ended.
    pub(crate) attempts: usize,
    pub(crate) target_accept: f64,
    /// Share of divergent draws in the first attempt.
    pub(crate) first_divergent: f64,
    pub(crate) error: Option<Fault>,
}

/// What a run does, or how it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Status {
    /// It is being sampled, or waits for its turn.
    Running,
    /// All wanted draws were made.
    Complete,
    /// Its time ended first.
    Partial,
    /// Its caller stopped it.
    Cancelled,
    /// The server stopped first.
    Interrupted,
    /// It could not be sampled.
    Failed,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Fault {
    /// Stable word.
    pub(crate) code: String,
    /// What happened.
    pub(crate) message: String,
    /// What repairs it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) fix: String,
}

impl Status {
    /// Whether an equal call is answered by this run; the others are begun anew.
    pub(crate) const fn answers(self) -> bool {
        matches!(self, Self::Running | Self::Complete | Self::Partial)
    }

    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Partial => "partial",
            Self::Cancelled => "cancelled",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

impl Head {
    /// Write what a run begins with into its new directory.
    pub(crate) fn write(&self, folder: &Path, source: &Source) -> io::Result<()> {
        let sections = [serde_json::to_vec(self)?, serde_json::to_vec(source)?];
        file::write_new(&folder.join(RUN), Holds::Run, &[&sections[0], &sections[1]])
    }

    pub(crate) fn read(folder: &Path) -> Result<Self, FileError> {
        json(&file::read_first(Holds::Run, &folder.join(RUN))?)
    }

    /// Most draws of all chains.
    pub(crate) fn wanted(&self) -> usize {
        self.draws.saturating_mul(self.chains)
    }

    /// What the numbers of a draw are, if they are what the width says.
    pub(crate) fn variables(&self) -> Result<Vec<Variable>, FileError> {
        let mut next = 0_usize;
        let mut variables = Vec::with_capacity(self.variables.len());
        for kept in &self.variables {
            let size = kept.dims.iter().try_fold(1_usize, |size, dim| size.checked_mul(*dim));
            let end = size.and_then(|size| next.checked_add(size));
            let (Some(base), Some(end)) = (base(&kept.base), end) else {
                return Err(FileError::Damaged(0));
            };
            if kept.start != next || kept.arrays > kept.dims.len() {
                return Err(FileError::Damaged(0));
            }
            next = end;
            variables.push(Variable {
                name: kept.name.clone(),
                kind: Type { base, arrays: kept.arrays },
                dims: kept.dims.clone(),
                start: kept.start,
                block: kept.block,
            });
        }
        if next == self.width { Ok(variables) } else { Err(FileError::Damaged(0)) }
    }
}

impl Source {
    pub(crate) fn read(folder: &Path) -> Result<Self, FileError> {
        let bytes = file::read(&folder.join(RUN))?;
        match file::decode(Holds::Run, &bytes)?.get(1) {
            Some(section) => json(section),
            None => Err(FileError::Damaged(bytes.len() as u64)),
        }
    }
}

impl Kept {
    pub(crate) fn of(variable: &Variable) -> Self {
        Self {
            name: variable.name.clone(),
            base: format!("{:?}", variable.kind.base),
            arrays: variable.kind.arrays,
            dims: variable.dims.clone(),
            start: variable.start,
            block: variable.block,
        }
    }

    /// Its name, if it is a parameter's.
    pub(crate) fn parameter(&self) -> Option<&str> {
        (self.block == 0).then_some(&self.name)
    }
}

impl State {
    /// Put it on disk, and all that was written to the directory before.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let bytes = file::encode(Holds::State, &[&serde_json::to_vec(self)?]);
        durable::replace(&folder.join(STATE), &bytes)
    }

    /// How a run ended, if it has.
    pub(crate) fn read(folder: &Path) -> Result<Option<Self>, FileError> {
        match file::read_first(Holds::State, &folder.join(STATE)) {
            Ok(bytes) => json(&bytes).map(Some),
            Err(FileError::Io(io::ErrorKind::NotFound)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

pub(crate) fn json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, FileError> {
    serde_json::from_slice(bytes).map_err(|_| FileError::Damaged(0))
}

fn base(word: &str) -> Option<Base> {
    const ALL: [Base; 10] = [
        Base::Int,
        Base::Real,
        Base::Vector,
        Base::RowVector,
        Base::Matrix,
        Base::Simplex,
        Base::UnitVector,
        Base::Ordered,
        Base::PositiveOrdered,
        Base::CholeskyFactorCorr,
    ];
    ALL.into_iter().find(|base| format!("{base:?}") == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(dims: Vec<usize>, width: usize) -> Head {
        let kind = Type { base: Base::Simplex, arrays: 1 };
        let variable = Variable { name: "theta".to_owned(), kind, dims, start: 0, block: 0 };
        Head {
            created_ms: 1,
            engine: "0".to_owned(),
            seed: 7,
            chains: 2,
            tune: 100,
            draws: 100,
            target_accept: None,
            max_treedepth: 10,
            max_time_s: 60.0,
            dimension: 4,
            width,
            variables: vec![Kept::of(&variable)],
            printed: String::new(),
        }
    }

    #[test]
    fn a_run_is_read_as_it_was_begun_and_ended() {
        let dir = tempfile::tempdir().unwrap();
        let source = Source { code: "parameters".to_owned(), data: BTreeMap::new() };
        let head = head(vec![2, 3], 6);
        head.write(dir.path(), &source).unwrap();
        assert_eq!(Head::read(dir.path()), Ok(head.clone()));
        assert_eq!(Source::read(dir.path()), Ok(source));
        assert_eq!(head.variables().unwrap()[0].label(1), "theta[1,2]");
        assert_eq!(State::read(dir.path()), Ok(None));
        let state = State {
            status: Status::Partial,
            draws: 3,
            attempt: 1,
            attempts: 1,
            target_accept: 0.8,
            first_divergent: 0.0,
            error: None,
        };
        state.write(dir.path()).unwrap();
        assert_eq!(State::read(dir.path()), Ok(Some(state)));
    }

    #[test]
    fn variables_that_do_not_fit_their_width_are_damage() {
        for (dims, width) in [(vec![2, 3], 5), (vec![], 1), (vec![usize::MAX, 3], 6)] {
            assert_eq!(head(dims, width).variables(), Err(FileError::Damaged(0)));
        }
    }
}
