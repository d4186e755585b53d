//! What a run found, as it is kept and told.

use darwin_engine::{Outcome, StopReason};
use mcp_core::prelude::*;

use super::entry::Ledger;
use crate::{
    job::Job,
    tools::found::{ArchiveItem, BestPoint, Found, FrontPoint, HistoryPoint, Stop},
};

/// Most points of a front that are kept.
const FRONT_POINTS: usize = 1000;

/// What a run found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct Report {
    /// Why it ended; absent while it has not, and when it was cancelled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stop_reason: Option<Stop>,
    /// Best point, for one objective; absent while none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    best: Option<BestPoint>,
    /// For several objectives: points that none found dominates, by the first objective.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    front: Option<Vec<FrontPoint>>,
    /// Points of the whole front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    front_size: Option<usize>,
    /// What `map_elites` filled: the best point of each niche of behaviour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    archive: Option<ArchiveItem>,
    /// Evaluations made.
    evals: u64,
    /// Evaluations that failed or were not finite; counted as worst.
    non_finite_evals: u64,
    /// Generations after the initial sample.
    generations: u64,
    /// Best value so far, evenly thinned.
    history: Vec<HistoryPoint>,
    /// Algorithm used.
    algorithm: String,
    /// Why `auto` chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm_reason: Option<String>,
    /// Seed used.
    seed: u64,
    /// Whether the arguments alone give the same result: not after a time stop, another budget
    /// under way, told values, injected points, or in a fork.
    reproducible: bool,
    /// Version of the engine, and revision of the algorithm.
    engine_version: String,
    /// Command that gives this result again; its JSON works as arguments too. After a time stop it
    /// repeats the run by its evaluations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repro: Option<String>,
}

impl Report {
    pub(crate) fn new(job: &Job, ledger: &Ledger, outcome: Outcome) -> Self {
        let timed = outcome.stop == StopReason::MaxTime;
        let stop_reason = Stop::of(outcome.stop);
        let alone = !job.problem.is_external()
            && ledger.updates.is_empty()
            && ledger.injections.is_empty()
            && ledger.header.origin.is_none();
        let max_evals = if timed { outcome.evals } else { job.budget.max_evals() };
        let spec = ledger.header.spec.resolved(job, max_evals, None).in_short();
        let repro = serde_json::to_value(spec).ok().map(|mut again| {
            again["start"] = true.into();
            again["wait_ms"] = 60_000.into();
            format!("machina-darwin call create_run '{again}'")
        });
        let found = Found::new(job, outcome, FRONT_POINTS);
        Self {
            stop_reason,
            best: found.best,
            front: found.front,
            front_size: found.front_size,
            archive: found.archive,
            evals: found.evals,
            non_finite_evals: found.non_finite_evals,
            generations: found.generations,
            history: found.history,
            algorithm: job.settings.algorithm().name.to_owned(),
            algorithm_reason: ledger.header.reason.clone(),
            seed: job.seed.get(),
            reproducible: alone && !timed && stop_reason.is_some(),
            engine_version: job.engine_version(),
            repro: repro.filter(|_| alone && stop_reason.is_some()),
        }
    }

    /// Best so far, by evaluations.
    pub(crate) fn history(&self) -> impl Iterator<Item = (f64, f64)> {
        self.history.iter().filter_map(HistoryPoint::place)
    }

    /// Objective values of the front.
    pub(crate) fn front(&self) -> Vec<Vec<f64>> {
        self.front.iter().flatten().map(|point| point.values().to_vec()).collect()
    }

    /// Algorithm and seed.
    pub(crate) fn label(&self) -> String {
        format!("{}, seed {}", self.algorithm, self.seed)
    }

    /// At most so many points of the front, or of the archive, evenly.
    pub(crate) fn thin(&mut self, most: usize) {
        if let Some(archive) = &mut self.archive {
            let elites = std::mem::take(&mut archive.elites);
            archive.elites = crate::tools::found::thinned(elites, most);
        }
        if let Some(front) = self.front.take() {
            self.front = Some(crate::tools::found::thinned(front, most));
        }
    }
}
