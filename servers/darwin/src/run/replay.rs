//! An earlier generation of a run, computed again: equal bytes need no snapshots.

use std::{path::Path, sync::Arc, time::Duration};

use darwin_engine::{Controls, Executor, Run, StopReason};

use super::{
    Rules, RunError, TIME,
    checkpoint::{Checkpoint, Seen},
    entry::Ledger,
    journal::Journal,
};
use crate::{Error, job::Job, tools::found::HistoryPoint};

/// The state that a run had after a generation: from its beginning, or from where it was forked, by
/// its own algorithm, and by what it was told.
///
/// # Errors
/// [`RunError::Generation`] when it never was there, [`RunError::Cancelled`].
///
/// `visit` sees the run after each generation on the way.
pub(super) fn replay(
    folder: &Path,
    generation: u64,
    (rules, pool): (Rules, Option<&rayon::ThreadPool>),
    cancelled: &(dyn Fn() -> bool + Sync),
    visit: &mut dyn FnMut(&mut Run<'_>),
) -> Result<Checkpoint, RunError> {
    let ledger = Journal::read(folder)?;
    let header = &ledger.header;
    let job = header.job(rules)?;
    if header.revision != job.settings.algorithm().revision {
        let by = header.engine.clone();
        return Err(RunError::Revision { by, is: job.engine_version() });
    }
    let problem = Arc::clone(&job.problem);
    let (settings, budget, seed, points) = (job.settings, job.budget, job.seed, job.points);
    let mut run = match header.origin {
        None => Run::new(problem, settings, budget, seed, points),
        Some(_) => {
            let state = Checkpoint::read_origin(folder)?.state;
            Run::fork(problem, settings, budget, seed, points, &state).map_err(Error::from)?
        }
    };
    let first = run.status().generation;
    // A fork begins with what was injected before it.
    let mut injected = 0;
    while run.status().evals == 0 || run.status().generation < generation {
        let before = run.status();
        injected = inject(&mut run, &ledger, injected);
        let max_evals = take_budget(&mut run, &ledger, &job)?;
        let went = if before.evals >= max_evals {
            false
        } else if job.problem.is_external() {
            tell(&mut run, &ledger, &job)
        } else {
            let executor =
                pool.map_or_else(Executor::default, |pool| Executor::pool(pool, job.threads));
            let elapsed = || Duration::ZERO;
            let mut controls =
                Controls { cancelled, elapsed: &elapsed, progress: None, executor, points };
            let stop = run.step(&mut controls);
            if stop == Some(StopReason::Cancelled) {
                return Err(RunError::Cancelled);
            }
            // One that ends may have been given more after that.
            run.status().evals > before.evals
        };
        if !went || cancelled() {
            let is = before.generation;
            return Err(if went {
                RunError::Cancelled
            } else {
                RunError::Generation { is, first }
            });
        }
        visit(&mut run);
    }
    let injections = inject(&mut run, &ledger, injected);
    if generation < first {
        return Err(RunError::Generation { is: run.status().generation, first });
    }
    let status = run.status();
    let history = run.history().iter().map(HistoryPoint::from).collect();
    let (generation, evals, best_f) = (status.generation, status.evals, status.best_f);
    Ok(Checkpoint {
        seen: Seen { generation, evals, best_f, active_ms: 0, history, injections },
        state: run.save(),
    })
}

/// Let the budget be the one that held then; its evaluations.
fn take_budget(run: &mut Run<'_>, ledger: &Ledger, job: &Job) -> Result<u64, RunError> {
    let evals = run.status().evals;
    let budget = match ledger.updates.iter().rfind(|one| one.at_evals <= evals) {
        Some(update) => update.budget.build(job.problem.bounds().dimension(), TIME, 0)?,
        None => job.budget,
    };
    run.set_budget(budget);
    Ok(budget.max_evals())
}

/// Put in what was put in by now; how many times that was.
fn inject(run: &mut Run<'_>, ledger: &Ledger, known: usize) -> usize {
    let evals = run.status().evals;
    let due = ledger.injections.iter().skip(known).take_while(|one| one.at_evals <= evals);
    due.fold(known, |count, one| {
        run.inject(&one.rows);
        count + 1
    })
}

/// Learn from the next generation, if all of it was told.
fn tell(run: &mut Run<'_>, ledger: &Ledger, job: &Job) -> bool {
    let first = run.status().evals;
    let size = (run.ask().len() / job.problem.bounds().dimension()) as u64;
    let told: Option<Vec<_>> = (first..first + size)
        .map(|id| {
            let told = ledger.told(id)?;
            Some(told.values.clone().map(|values| (values, told.violation)))
        })
        .collect();
    told.is_some_and(|told| {
        run.tell_values(&told);
        true
    })
}
