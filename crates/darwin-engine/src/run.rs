//! One run, from the initial sample to its stop.

use std::{fmt, time::Duration};

use crate::{Budget, Executor, Ga, GaSettings, Point, Problem, Seed, trace::Trace};

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
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best point; absent when no value was finite.
    pub best: Option<Best>,
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

/// Run the genetic algorithm until its budget ends.
pub fn optimize(
    problem: &Problem,
    settings: &GaSettings,
    budget: &Budget,
    seed: Seed,
    controls: &mut Controls<'_>,
) -> Outcome {
    let mut ga = Ga::new(problem, *settings, seed);
    let mut trace = Trace::new(controls.points);
    let mut improved_at = 0;
    let stop = loop {
        let before = ga.best_cost();
        let room = budget.max_evals() - ga.evals();
        if !ga.step(room, &controls.executor, controls.cancelled) {
            break StopReason::Cancelled;
        }
        if ga.best_cost() < before {
            improved_at = ga.generation();
        }
        let status = Status { generation: ga.generation(), evals: ga.evals(), best_f: ga.best_f() };
        trace.record(Point {
            generation: status.generation,
            evals: status.evals,
            f: status.best_f,
        });
        if let Some(progress) = &mut controls.progress {
            progress(status);
        }
        if let Some(stop) = stop_reason(budget, &ga, improved_at, controls) {
            break stop;
        }
    };
    Outcome {
        best: ga.best_f().map(|f| Best { x: ga.best_x().to_vec(), f }),
        evals: ga.evals(),
        non_finite_evals: ga.non_finite_evals(),
        generations: ga.generation(),
        stop,
        history: trace.finish(),
    }
}

/// Checked in the order of how much a reason says: a run that reached its target with the last
/// evaluation stopped for the target.
fn stop_reason(
    budget: &Budget,
    ga: &Ga<'_>,
    improved_at: u64,
    controls: &Controls<'_>,
) -> Option<StopReason> {
    let sense = ga.problem().sense();
    if budget.target().is_some_and(|target| ga.best_cost() <= sense.cost(target)) {
        return Some(StopReason::Target);
    }
    if ga.evals() >= budget.max_evals() {
        return Some(StopReason::MaxEvals);
    }
    let stagnation = budget.stagnation();
    if stagnation > 0 && ga.generation() - improved_at >= stagnation {
        return Some(StopReason::Stagnation);
    }
    if budget.max_time().is_some_and(|limit| (controls.elapsed)() >= limit) {
        return Some(StopReason::MaxTime);
    }
    None
}
