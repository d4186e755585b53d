//! What a run asks of its surroundings, and what it tells them.

use std::{fmt, time::Duration};

use crate::{Archive, Executor, Point, Report};

/// What a run asks of its surroundings, and tells them.
pub struct Controls<'a> {
    /// Whether to stop now; asked before every chunk, so it must be cheap.
    pub cancelled: &'a (dyn Fn() -> bool + Sync),
    /// Time since the run began; asked after every generation, and only with a time budget.
    pub elapsed: &'a dyn Fn() -> Duration,
    /// Told after every generation; must return quickly.
    pub progress: Option<&'a mut dyn FnMut(Status)>,
    /// Where evaluations run.
    pub executor: Executor<'a>,
    /// Most points of the convergence history, at least 2.
    pub points: usize,
}

/// Where a run is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Status {
    /// Generations completed after the initial sample.
    pub generation: u64,
    /// Evaluations so far.
    pub evals: u64,
    /// Best objective value so far.
    pub best_f: Option<f64>,
}

/// A point and its objective value.
#[derive(Debug, Clone, PartialEq)]
pub struct Best {
    /// Coordinates, within the bounds.
    pub x: Vec<f64>,
    /// Objective value.
    pub f: f64,
    /// Sum by which constraints are broken beyond their tolerance; 0 when none is.
    pub violation: f64,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best point; absent when no value was finite, and with several objectives.
    pub best: Option<Best>,
    /// With several objectives, points that no other found point dominates, by the first objective;
    /// without any feasible point, the least violating ones.
    pub front: Vec<Report>,
    /// What fills an archive of behaviours, for an algorithm that has one.
    pub archive: Option<Archive>,
    /// Evaluations made.
    pub evals: u64,
    /// Evaluations whose value was not finite.
    pub non_finite_evals: u64,
    /// Generations completed after the initial sample.
    pub generations: u64,
    /// Why it ended.
    pub stop: StopReason,
    /// Best so far over the run, evenly thinned.
    pub history: Vec<Point>,
}

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// The target was reached.
    Target,
    /// The evaluations are used up.
    MaxEvals,
    /// The time is used up. The outcome is that of the last completed generation: a run with
    /// `max_evals` set to its evaluations gives the same one.
    MaxTime,
    /// No improvement for the given number of generations.
    Stagnation,
    /// The algorithm can gain no more, and does not restart.
    Converged,
    /// The caller asked for it. The outcome is that of the last completed generation.
    Cancelled,
}

impl StopReason {
    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::MaxEvals => "max_evals",
            Self::MaxTime => "max_time",
            Self::Stagnation => "stagnation",
            Self::Converged => "converged",
            Self::Cancelled => "cancelled",
        }
    }
}

impl Default for Controls<'_> {
    /// Never cancelled, no clock, no listener, one thread, 50 points.
    fn default() -> Self {
        Self {
            cancelled: &|| false,
            elapsed: &|| Duration::ZERO,
            progress: None,
            executor: Executor::default(),
            points: 50,
        }
    }
}

impl fmt::Debug for Controls<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Controls").field("points", &self.points).finish_non_exhaustive()
    }
}
