//! What moves in a run that this process holds: its algorithm, its ledger, and how much of that is on
//! disk.

use std::{sync::Arc, time::Duration};

use darwin_engine::{Budget, Run};

use super::{
    RunError,
    active::TIME,
    checkpoint::Seen,
    entry::{Ledger, StatusEntry},
};
use crate::{
    job::Job,
    tools::{found::HistoryPoint, optimize::BudgetArgs},
};

/// What moves.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) run: Run<'static>,
    pub(crate) ledger: Ledger,
    /// Time it has computed.
    pub(crate) active: Duration,
    /// Whether a driver has it.
    pub(crate) driven: bool,
    /// Genes of the generation whose values are awaited, once they were asked for.
    pub(crate) open: Option<Vec<f64>>,
    /// Updates of the budget that the run knows.
    updates: usize,
    /// Injections that are in the run.
    injections: usize,
    /// Evaluations and injections in the checkpoint.
    saved: Option<(u64, usize)>,
}

/// What others may see at any time.
#[derive(Debug, Clone)]
pub(super) struct View {
    pub(super) last: StatusEntry,
    pub(super) seen: Seen,
    pub(super) budget: BudgetArgs,
}

impl Core {
    /// A run before its first generation.
    pub(super) fn new(job: &Job, ledger: Ledger) -> Self {
        let problem = Arc::clone(&job.problem);
        Self {
            run: Run::new(problem, job.settings, job.budget, job.seed, job.points),
            ledger,
            active: Duration::ZERO,
            driven: false,
            open: None,
            updates: 0,
            injections: 0,
            saved: None,
        }
    }

    pub(super) fn view(&self) -> View {
        View {
            last: self.ledger.last.clone(),
            seen: self.seen(),
            budget: self.ledger.budget().clone(),
        }
    }

    pub(super) fn seen(&self) -> Seen {
        let status = self.run.status();
        Seen {
            generation: status.generation,
            evals: status.evals,
            best_f: status.best_f,
            active_ms: u64::try_from(self.active.as_millis()).unwrap_or(u64::MAX),
            history: self.run.history().iter().map(HistoryPoint::from).collect(),
            injections: self.injections,
        }
    }

    /// Its run is that of a checkpoint now.
    pub(super) fn resumed(&mut self, seen: &Seen) {
        self.active = Duration::from_millis(seen.active_ms);
        self.injections = seen.injections;
        self.saved(seen);
    }

    /// This is on disk.
    pub(super) fn saved(&mut self, seen: &Seen) {
        self.saved = Some((seen.evals, seen.injections));
    }

    pub(super) fn is_saved(&self, seen: &Seen) -> bool {
        self.saved == Some((seen.evals, seen.injections))
    }

    /// The budget that held after so many evaluations.
    pub(super) fn budget_at(&mut self, evals: u64, job: &Job) -> Result<Budget, RunError> {
        self.updates = self.ledger.updates.iter().take_while(|one| one.at_evals <= evals).count();
        match self.updates.checked_sub(1).and_then(|last| self.ledger.updates.get(last)) {
            Some(update) => Ok(update.budget.build(job.problem.bounds().dimension(), TIME, 0)?),
            None => Ok(job.budget),
        }
    }

    /// Let the run know of updates that hold by now, and of points that were put in; which of the last
    /// of these were taken.
    pub(crate) fn take_updates(&mut self, job: &Job) -> Result<Vec<bool>, RunError> {
        let (known, evals) = (self.updates, self.run.status().evals);
        let budget = self.budget_at(evals, job)?;
        if self.updates > known {
            self.run.set_budget(budget);
        }
        let mut taken = Vec::new();
        while let Some(inject) = self.ledger.injections.get(self.injections)
            && inject.at_evals <= evals
        {
            taken = self.run.inject(&inject.rows);
            self.injections += 1;
        }
        Ok(taken)
    }
}
