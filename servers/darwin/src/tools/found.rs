//! What a run found, as it is told.

use darwin_engine::{Elite, Outcome, Point, StopReason};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use super::problem::by_name;
use crate::job::Job;

/// Why a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Stop {
    Target,
    MaxEvals,
    MaxTime,
    Stagnation,
    Converged,
}

/// A point and its value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct BestPoint {
    /// Coordinates in the order of the variables; a category by its place among its words.
    x: Vec<f64>,
    /// The same by name, when variables were named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
    /// Objective value.
    f: f64,
    /// The same loss over data that were held out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    held_out: Option<f64>,
    /// By how much constraints are broken, when there are any; 0: all hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

/// A point of a front.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct FrontPoint {
    /// Values of the variables by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
    /// Objective values in their order.
    f: Vec<f64>,
    /// By how much constraints are broken, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

/// An archive of behaviours.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct ArchiveItem {
    /// Niches that there are.
    niches: u64,
    /// Niches that are filled.
    filled: usize,
    /// The best points of niches, by number.
    pub(crate) elites: Vec<EliteItem>,
}

/// The best point of a niche.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct EliteItem {
    /// Number of the niche.
    niche: u64,
    /// How it behaves: the lets with a range, by name.
    pub(crate) behaviour: Map<String, Value>,
    /// Values of the variables by name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
    /// Objective value.
    pub(crate) f: f64,
    /// By how much constraints are broken, when there are any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

/// Best so far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct HistoryPoint {
    /// Generation; 0 is the initial sample.
    generation: u64,
    /// Evaluations so far.
    evals: u64,
    /// Best value so far; absent while none was finite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    f: Option<f64>,
}

/// The parts of an outcome.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) best: Option<BestPoint>,
    pub(crate) front: Option<Vec<FrontPoint>>,
    pub(crate) front_size: Option<usize>,
    pub(crate) archive: Option<ArchiveItem>,
    pub(crate) evals: u64,
    pub(crate) non_finite_evals: u64,
    pub(crate) generations: u64,
    pub(crate) history: Vec<HistoryPoint>,
}

impl Found {
    /// An outcome in the user's terms, with at most this many points of its front.
    pub(crate) fn new(job: &Job, outcome: Outcome, front_points: usize) -> Self {
        let many = job.problem.senses().len() > 1;
        let limited = job.problem.constraints() > 0 || job.problem.is_external();
        let named = |x: &[f64]| job.problem.space().map(|space| by_name(space, x));
        // Of a told point that breaks constraints only its violation is known.
        let best = outcome.best.filter(|best| best.f.is_finite()).map(|best| BestPoint {
            values: named(&best.x),
            held_out: job.problem.held_out(&best.x).filter(|loss| loss.is_finite()),
            violation: limited.then_some(best.violation),
            x: best.x,
            f: best.f,
        });
        let front_size = many.then_some(outcome.front.len());
        let rows = thinned(outcome.front, front_points);
        let front = rows.into_iter().map(|one| FrontPoint {
            values: named(&one.x),
            f: one.values,
            violation: limited.then_some(one.violation),
        });
        let archive = outcome.archive.map(|archive| ArchiveItem {
            niches: archive.niches,
            filled: archive.elites.len(),
            elites: thinned(archive.elites, front_points)
                .into_iter()
                .map(|one| EliteItem::new(job, one, limited))
                .collect(),
        });
        let history = outcome.history.iter().filter(|_| !many).map(HistoryPoint::from);
        Self {
            best,
            front: many.then(|| front.collect()),
            front_size,
            archive,
            evals: outcome.evals,
            non_finite_evals: outcome.non_finite_evals,
            generations: outcome.generations,
            history: history.collect(),
        }
    }
}

impl EliteItem {
    fn new(job: &Job, elite: Elite, limited: bool) -> Self {
        let names = job.problem.descriptors().iter().map(|one| one.name.clone());
        let values = job.problem.space().map(|space| by_name(space, &elite.report.x));
        Self {
            niche: elite.niche,
            behaviour: names.zip(elite.behaviour.into_iter().map(Value::from)).collect(),
            values,
            f: elite.report.values.first().copied().unwrap_or(f64::NAN),
            violation: limited.then_some(elite.report.violation),
        }
    }
}

impl FrontPoint {
    /// Objective values.
    pub(crate) fn values(&self) -> &[f64] {
        &self.f
    }
}

impl HistoryPoint {
    /// Evaluations and value, when there is one.
    #[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9")]
    pub(crate) fn place(&self) -> Option<(f64, f64)> {
        self.f.map(|f| (self.evals as f64, f))
    }
}

impl From<&Point> for HistoryPoint {
    fn from(point: &Point) -> Self {
        Self { generation: point.generation, evals: point.evals, f: point.f }
    }
}

impl Stop {
    /// The word for a reason; none for one that was cancelled.
    pub(crate) const fn of(reason: StopReason) -> Option<Self> {
        Some(match reason {
            StopReason::Target => Self::Target,
            StopReason::MaxEvals => Self::MaxEvals,
            StopReason::MaxTime => Self::MaxTime,
            StopReason::Stagnation => Self::Stagnation,
            StopReason::Converged => Self::Converged,
            StopReason::Cancelled => return None,
        })
    }
}

/// At most `most` >= 2 of the rows, evenly, the first and the last among them.
pub(crate) fn thinned<T>(rows: Vec<T>, most: usize) -> Vec<T> {
    let (all, gaps) = (rows.len(), most.max(2) - 1);
    if all <= most {
        return rows;
    }
    let mut next = 0;
    let keep = |(place, row): (usize, T)| {
        let kept = place == next * (all - 1) / gaps;
        next += usize::from(kept);
        kept.then_some(row)
    };
    rows.into_iter().enumerate().filter_map(keep).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thinning_keeps_the_ends_and_the_bound() {
        for all in 0_usize..60 {
            for most in 2..30 {
                let kept = thinned((0..all).collect(), most);
                assert_eq!(kept.len(), all.min(most), "{all} {most}");
                assert_eq!(kept.first().copied(), (all > 0).then_some(0));
                assert_eq!(kept.last().copied(), all.checked_sub(1));
            }
        }
    }
}
