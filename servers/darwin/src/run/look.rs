//! The whole of what a run has found, without changing it.

use std::sync::Arc;

use darwin_engine::{Member, Outcome, Report, Run, StopReason};
use mcp_core::prelude::*;

use super::{
    Active, Core, Header, Origin, Overview, Rules, RunError, Runs, TIME, checkpoint::Checkpoint,
    entry::Status, replay::replay, shown,
};
use crate::{Error, job::Job};

/// A run, and all it found up to now.
#[derive(Debug)]
pub(crate) struct Looked {
    pub(crate) run: Overview,
    pub(crate) job: Arc<Job>,
    pub(crate) outcome: Outcome,
    /// The last generation in which something better was found.
    pub(crate) improved_at: u64,
}

/// The points that a run keeps between two generations.
#[derive(Debug)]
pub(crate) struct Crew {
    pub(crate) job: Job,
    pub(crate) at: Origin,
    /// As the algorithm keeps them; of one that keeps none, the next that it would try.
    pub(crate) members: Vec<Member>,
    /// Whether they are kept, and so were evaluated.
    pub(crate) kept: bool,
    run: Run<'static>,
}

impl Crew {
    /// A point in the user's terms.
    pub(crate) fn describe(&self, member: &Member) -> Report {
        self.run.describe(member)
    }
}

impl Looked {
    fn new(run: Overview, job: Arc<Job>, state: &Run<'_>) -> Self {
        let (outcome, improved_at) = (state.finish(StopReason::Cancelled), state.improved_at());
        Self { run, job, outcome, improved_at }
    }
}

/// A run as it was when its state was taken.
fn resumed(
    header: &Header,
    state: &[u8],
    rules: Rules,
    budget: Option<&crate::tools::optimize::BudgetArgs>,
) -> Result<(Job, Run<'static>), RunError> {
    let mut job = header.job(rules)?;
    if header.revision != job.settings.algorithm().revision {
        let by = header.engine.clone();
        return Err(RunError::Revision { by, is: job.engine_version() });
    }
    if let Some(budget) = budget {
        job.budget = budget.build(job.problem.bounds().dimension(), TIME, 0)?;
    }
    let problem = Arc::clone(&job.problem);
    let run = Run::resume(problem, job.settings, job.budget, job.seed, job.points, state)
        .map_err(Error::from)?;
    Ok((job, run))
}

impl Runs {
    /// Look at a run of this caller's that has not failed; one that computes goes on.
    pub(crate) async fn look(&self, owner: &Principal, id: &str) -> Result<Looked> {
        let run = self.overview(owner, id).await?;
        if !run.last.status.is_final() {
            let active = self.hold(owner, id).await?;
            let look = |active: &Active, core: &mut Core| {
                Ok(Looked::new(active.overview(), Arc::clone(&active.job), &core.run))
            };
            let mut looked = self.command(&active, look).await?;
            // It may have ended meanwhile.
            looked.run = active.overview();
            return Ok(looked);
        }
        if run.last.status == Status::Failed {
            return Err(RunError::Unfit { is: Status::Failed, wanted: "has no state" }.into());
        }
        let store = self.0.store.clone().ok_or(RunError::NoStore)?;
        let folder = store.folder(owner.id(), id).ok_or_else(|| RunError::NotFound(shown(id)))?;
        let rules = self.0.rules;
        let looked = task::blocking(move || -> Result<Looked, RunError> {
            let wanted = "has no state to look at";
            let missing = RunError::Unfit { is: run.last.status, wanted };
            let last = Checkpoint::read(&folder).ok_or(missing)?;
            let (job, state) = resumed(&run.header, &last.state, rules, Some(&run.budget))?;
            Ok(Looked::new(run, Arc::new(job), &state))
        });
        Ok(looked.await??)
    }

    /// The points that a run of this caller's keeps now, or kept after an earlier generation.
    pub(crate) async fn crew(
        &self,
        owner: &Principal,
        id: &str,
        generation: Option<u64>,
        ct: &CancellationToken,
    ) -> Result<Crew> {
        let (at, state) = self.state(owner, id, generation, ct).await?;
        let header = self.overview(owner, id).await?.header;
        let rules = self.0.rules;
        let crew = task::blocking(move || -> Result<Crew, RunError> {
            let (job, mut run) = resumed(&header, &state.state, rules, None)?;
            let mut members = run.members();
            let kept = !members.is_empty();
            if !kept {
                let dimension = job.problem.bounds().dimension();
                let member = |genes: &[f64]| Member {
                    genes: genes.to_vec(),
                    cost: f64::INFINITY,
                    report: None,
                };
                members = run.ask().chunks_exact(dimension).map(member).collect();
            }
            Ok(Crew { job, at, members, kept, run })
        });
        Ok(crew.await??)
    }

    /// Generations of a run of this caller's, computed again, and how far its points were spread after
    /// each, at about so many of them.
    pub(crate) async fn diversity(
        &self,
        owner: &Principal,
        id: &str,
        points: u64,
        ct: &CancellationToken,
    ) -> Result<Vec<(f64, f64)>> {
        let (at, _) = self.state(owner, id, None, ct).await?;
        let store = self.0.store.clone().ok_or(RunError::NoStore)?;
        let folder = store.folder(owner.id(), id).ok_or_else(|| RunError::NotFound(shown(id)))?;
        let (shared, every) = (Arc::clone(&self.0), at.generation.div_ceil(points).max(1));
        let seen = task::compute(ct, move |cancel| -> Result<Vec<(f64, f64)>, RunError> {
            let (mut seen, mut next) = (Vec::new(), 0);
            let mut visit = |run: &mut Run<'_>| {
                let generation = run.status().generation;
                if generation >= next {
                    next = generation - generation % every + every;
                    seen.extend(spread(run).map(|width| (generation, width)));
                }
            };
            let pool = shared.pool.get();
            let workers = (shared.rules, pool.as_deref());
            let cancelled = || cancel.is_cancelled();
            replay(&folder, at.generation, workers, &cancelled, &mut visit)?;
            #[expect(clippy::cast_precision_loss, reason = "generations are at most 1e9")]
            let place = |(generation, width)| (generation as f64, width);
            Ok(seen.into_iter().map(place).collect())
        });
        Ok(seen.await??)
    }
}

/// Mean over the genes of the deviation as a share of the range, of the points that are kept, or of
/// those that come next; none of less than two.
fn spread(run: &mut Run<'_>) -> Option<f64> {
    let members = run.members();
    let rows: Vec<Vec<f64>> = if members.is_empty() {
        let dimension = run.problem().bounds().dimension();
        run.ask().chunks_exact(dimension).map(<[f64]>::to_vec).collect()
    } else {
        members.into_iter().map(|member| member.genes).collect()
    };
    let bounds = run.problem().bounds();
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000 points")]
    let count = rows.len() as f64;
    let deviation = |gene: usize| {
        let mean = rows.iter().map(|row| row[gene]).sum::<f64>() / count;
        let squares: f64 = rows.iter().map(|row| (row[gene] - mean).powi(2)).sum();
        (squares / count).sqrt() / (bounds.hi()[gene] - bounds.lo()[gene])
    };
    #[expect(clippy::cast_precision_loss, reason = "at most 1000 genes")]
    let genes = bounds.dimension() as f64;
    (rows.len() > 1).then(|| (0..bounds.dimension()).map(deviation).sum::<f64>() / genes)
}
