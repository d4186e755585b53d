//! The figures of a run, as they are told.

use darwin_engine::{Axis, Limit, Neighbourhood, Progress, Relation, Wall, walls};

use super::{
    AtBound, ConstraintItem, ExplainRunOutput, ProgressItem, Sensitivity, StepItem, advice,
};
use crate::{
    run::{Looked, Status},
    tools::{found::Stop, problem::value_at},
};

/// All that is known of a run.
#[derive(Debug)]
pub(super) struct Evidence {
    pub(super) looked: Looked,
    pub(super) names: Vec<String>,
    pub(super) around: Option<Neighbourhood>,
    pub(super) constraints: Vec<(f64, Limit, f64)>,
    pub(super) progress: Option<Progress>,
    pub(super) walls: Vec<Wall>,
    /// What `auto` would take, and why.
    pub(super) auto: (&'static str, &'static str),
}

/// Coordinates that are told.
const TOLD: usize = 20;

impl Evidence {
    pub(super) fn told(self) -> ExplainRunOutput {
        let (limits, next) = advice::of(&self);
        let (run, outcome) = (&self.looked.run, &self.looked.outcome);
        let one = self.is_single();
        ExplainRunOutput {
            run_id: run.id.clone(),
            status: run.last.status,
            algorithm: self.looked.job.settings.algorithm().name.to_owned(),
            algorithm_reason: run.header.reason.clone(),
            stop: self.stop(),
            stop_reason: run.last.stop_reason,
            evals: outcome.evals,
            non_finite_evals: outcome.non_finite_evals,
            generation: outcome.generations,
            improved_at: one.then_some(self.looked.improved_at),
            progress: self.progress.as_ref().map(ProgressItem::from),
            sensitivity: self.sensitivity(),
            at_bounds: self.at_bounds(),
            constraints: self.constraint_items(),
            front: self.front(),
            limits,
            next,
            probe_evals: self.around.as_ref().map_or(0, |around| around.evals),
        }
    }

    pub(super) fn is_single(&self) -> bool {
        self.looked.job.problem.senses().len() == 1
    }

    pub(super) fn max_evals(&self) -> u64 {
        self.looked.job.budget.max_evals()
    }

    /// Name of a coordinate.
    pub(super) fn name(&self, coordinate: usize) -> &str {
        self.names.get(coordinate).map_or("?", String::as_str)
    }

    /// A step inwards from a bound: how much worse it is.
    pub(super) fn inwards(&self, wall: &Wall) -> Option<f64> {
        self.rise(wall, !wall.upper)
    }

    /// Whether the bound holds the best point back, as far as that was tried.
    pub(super) fn is_held(&self, wall: &Wall) -> bool {
        // A point that is not quite at the bound can still step up to it.
        self.inwards(wall).is_none_or(|rise| rise > 0.0)
            && self.rise(wall, wall.upper).is_none_or(|rise| rise <= 0.0)
    }

    fn rise(&self, wall: &Wall, up: bool) -> Option<f64> {
        let axis: &Axis = self.around.as_ref()?.axes.get(wall.coordinate)?;
        axis.rise[usize::from(up)]
    }

    fn stop(&self) -> String {
        let (run, outcome) = (&self.looked.run, &self.looked.outcome);
        let (evals, max, generation) = (outcome.evals, self.max_evals(), outcome.generations);
        let made = format!("{evals} of {max} evaluations made, in {generation} generations");
        match (run.last.status, run.last.stop_reason) {
            (Status::Cancelled, _) => format!("it was cancelled: {made}"),
            (Status::Done, Some(Stop::Target)) => {
                let target = self.looked.job.budget.target().map(number).unwrap_or_default();
                let best = run.seen.best_f.map(number).unwrap_or_default();
                format!("the best value, {best}, reached the target {target}: {made}")
            }
            (Status::Done, Some(Stop::MaxEvals)) => format!("the evaluations are used up: {made}"),
            (Status::Done, Some(Stop::MaxTime)) => {
                let limit = self.looked.job.budget.max_time().unwrap_or_default().as_secs_f64();
                format!("the {} s are used up: {made}", number(limit))
            }
            (Status::Done, Some(Stop::Stagnation)) => format!(
                "nothing better was found in {} generations: {made}",
                generation.saturating_sub(self.looked.improved_at)
            ),
            (Status::Done, Some(Stop::Converged)) => {
                format!("the algorithm had come to rest, and does not restart: {made}")
            }
            (status, _) => format!("it has not ended, and is {}: {made}", status.name()),
        }
    }

    fn sensitivity(&self) -> Vec<Sensitivity> {
        let Some(around) = &self.around else { return Vec::new() };
        let problem = &self.looked.job.problem;
        let mut axes: Vec<(usize, f64, &Axis)> = (0..)
            .zip(&around.axes)
            .filter_map(|(place, axis)| Some((place, axis.effect?, axis)))
            .collect();
        axes.sort_by(|a, b| b.1.total_cmp(&a.1));
        let told = axes.into_iter().take(TOLD).map(|(place, effect, axis)| Sensitivity {
            variable: self.name(place).to_owned(),
            value: value_at(problem, place, around.here.x[place]),
            effect,
            better: axis.better.map(|better| value_at(problem, place, better.value)),
            better_f: axis.better.map(|better| better.f).filter(|f| f.is_finite()),
        });
        told.collect()
    }

    fn at_bounds(&self) -> Vec<AtBound> {
        let told = |wall: &Wall| AtBound {
            variable: self.name(wall.coordinate).to_owned(),
            bound: wall.bound,
            upper: wall.upper,
            inwards: self.inwards(wall),
        };
        if self.is_single() {
            return self.walls.iter().map(told).collect();
        }
        let front = &self.looked.outcome.front;
        let mut met: Vec<(Wall, usize)> = Vec::new();
        for wall in front.iter().flat_map(|point| walls(&self.looked.job.problem, &point.x)) {
            match met.iter_mut().find(|(known, _)| *known == wall) {
                Some((_, count)) => *count += 1,
                None => met.push((wall, 1)),
            }
        }
        let most = met.iter().filter(|(_, count)| 2 * count > front.len());
        most.map(|(wall, _)| told(wall)).collect()
    }

    fn constraint_items(&self) -> Vec<ConstraintItem> {
        let exprs = self.looked.run.header.spec.problem.constraints();
        let told = |((value, limit, broken), expr): (&(f64, Limit, f64), &str)| ConstraintItem {
            expr: short(expr),
            value: value.is_finite().then_some(*value),
            rhs: limit.rhs,
            broken: (*broken > 0.0 && broken.is_finite()).then_some(*broken),
            active: is_active(*value, limit, *broken),
        };
        self.constraints.iter().zip(exprs).map(told).collect()
    }

    fn front(&self) -> Vec<[f64; 2]> {
        let front = &self.looked.outcome.front;
        let objectives = front.first().map_or(0, |point| point.values.len());
        let range = |k: usize| {
            let values = || front.iter().map(|point| point.values[k]);
            [values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max)]
        };
        (0..objectives).map(range).filter(|range| range.iter().all(|f| f.is_finite())).collect()
    }
}

impl From<&Progress> for ProgressItem {
    fn from(seen: &Progress) -> Self {
        let steps = seen.steps.iter().map(|step| StepItem { evals: step.evals, f: step.f });
        Self { steps: steps.collect(), last_gain: seen.last_gain, next_gain: seen.next_gain }
    }
}

/// Whether a constraint holds with nothing to spare.
fn is_active(value: f64, limit: &Limit, broken: f64) -> bool {
    let spare = limit.tolerance.max(1e-6 * limit.rhs.abs().max(value.abs()));
    broken <= 0.0 && (limit.relation == Relation::Equal || limit.rhs - value <= spare)
}

/// A number for a sentence.
pub(super) fn number(x: f64) -> String {
    let size = x.abs();
    if size > 0.0 && !(1e-3..1e6).contains(&size) {
        return format!("{x:.3e}");
    }
    let text = format!("{x:.6}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A caller's expression, fit for a sentence.
pub(super) fn short(expr: &str) -> String {
    expr.chars().filter(|c| !c.is_control()).take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short_and_not_rounded_away() {
        for (x, text) in [
            (0.0, "0"),
            (5.12, "5.12"),
            (-20.0, "-20"),
            (1e-7, "1.000e-7"),
            (12_345_678.0, "1.235e7"),
            (0.25, "0.25"),
        ] {
            assert_eq!(number(x), text);
        }
    }
}
