//! Trials: points that are handed out, and the values that come back.

use darwin_engine::{Controls, StopReason};

use super::{
    RunError,
    active::Active,
    core::Core,
    entry::{AskEntry, Entry, Status, TellEntry, Told},
};

/// Generations between two checkpoints: what lies between is told again at a start.
const SAVE_EVERY: u64 = 64;

/// A point to evaluate.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Trial {
    pub(crate) id: u64,
    /// Values of the coordinates.
    pub(crate) x: Vec<f64>,
}

/// What telling came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Accepted {
    pub(crate) accepted: usize,
    pub(crate) duplicates: usize,
}

impl Active {
    /// Hand out trials; those of an earlier call with the same key, as far as they are not told.
    pub(crate) fn ask(
        &self,
        core: &mut Core,
        count: u64,
        key: Option<String>,
    ) -> Result<Vec<Trial>, RunError> {
        self.awaits(core)?;
        let dimension = self.job.problem.bounds().dimension();
        let first = core.run.status().evals;
        let size = (core.open_rows().len() / dimension) as u64;
        let known = key.as_ref().and_then(|key| {
            core.ledger.asks.iter().find(|ask| ask.key.as_ref() == Some(key)).cloned()
        });
        let ask = match known {
            Some(ask) => ask,
            None => {
                let from = core.ledger.handed_out().max(first);
                let ask = AskEntry { first: from, count: count.min(first + size - from), key };
                if ask.count > 0 {
                    self.append(core, Entry::Ask(ask.clone()))?;
                }
                ask
            }
        };
        let ids = (ask.first.max(first)..ask.first + ask.count)
            .filter(|id| core.ledger.told(*id).is_none());
        let ids: Vec<u64> = ids.collect();
        let rows = core.open_rows();
        let row = |id: u64| {
            let place = usize::try_from(id - first).unwrap_or(usize::MAX);
            rows.chunks_exact(dimension).nth(place).unwrap_or_default()
        };
        Ok(ids.into_iter().map(|id| Trial { id, x: self.job.problem.decode(row(id)) }).collect())
    }

    /// Take values: all of them, or none.
    pub(crate) fn tell(&self, core: &mut Core, given: Vec<Told>) -> Result<Accepted, RunError> {
        self.awaits(core)?;
        let (all, mut new) = (given.len(), Vec::<Told>::new());
        for (place, told) in given.into_iter().enumerate() {
            let id = told.id;
            self.check(place, &told)?;
            if id >= core.ledger.handed_out() {
                return Err(RunError::UnknownTrial { place, id });
            }
            let before = core.ledger.told(id).or_else(|| new.iter().find(|one| one.id == id));
            match before {
                Some(before) if *before == told => {}
                Some(_) => return Err(RunError::ToldBefore { place, id }),
                None => new.push(told),
            }
        }
        let accepted = new.len();
        if accepted > 0 {
            self.append(core, Entry::Tell(TellEntry { trials: new }))?;
            if let Some(stop) = self.close_generations(core)? {
                self.finish(core, stop)?;
            }
        }
        Ok(Accepted { accepted, duplicates: all - accepted })
    }

    /// Learn from every generation of which all is told; then why to stop, if there is a reason.
    pub(super) fn close_generations(
        &self,
        core: &mut Core,
    ) -> Result<Option<StopReason>, RunError> {
        let dimension = self.job.problem.bounds().dimension();
        loop {
            core.take_updates(&self.job)?;
            if let Some(stop) = core.run.ended(&Controls::default()) {
                return Ok(Some(stop));
            }
            let first = core.run.status().evals;
            let size = (core.open_rows().len() / dimension) as u64;
            let told: Option<Vec<_>> = (first..first + size)
                .map(|id| {
                    let told = core.ledger.told(id)?;
                    Some(told.values.clone().map(|values| (values, told.violation)))
                })
                .collect();
            let Some(told) = told else { return Ok(None) };
            core.open = None;
            // Why it ends, if it does, is asked above.
            core.run.tell_values(&told);
            if core.run.status().generation.is_multiple_of(SAVE_EVERY) {
                self.checkpoint(core)?;
            }
        }
    }

    fn awaits(&self, core: &Core) -> Result<(), RunError> {
        if !self.job.problem.is_external() {
            let wanted = "computes its objectives itself: nothing is asked or told";
            return Err(RunError::Unfit { is: core.ledger.status(), wanted });
        }
        match core.ledger.status() {
            Status::WaitingTell => Ok(()),
            is => Err(RunError::Unfit { is, wanted: "takes no values now" }),
        }
    }

    fn check(&self, place: usize, told: &Told) -> Result<(), RunError> {
        let objectives = self.job.problem.senses().len();
        let usable = |values: &Vec<f64>| {
            values.len() == objectives && values.iter().all(|value| value.is_finite())
        };
        if told.values.as_ref().is_none_or(usable) {
            return Ok(());
        }
        let wanted = match objectives {
            1 => "one finite value".to_owned(),
            many => format!("{many} finite values"),
        };
        Err(RunError::Values { place, id: told.id, wanted })
    }
}

impl Core {
    /// Genes of the generation whose values are awaited.
    pub(super) fn open_rows(&mut self) -> &[f64] {
        let run = &mut self.run;
        self.open.get_or_insert_with(|| run.ask())
    }

    /// Trials that are handed out and not told.
    pub(crate) fn pending(&self) -> u64 {
        let first = self.run.status().evals;
        let handed = first..self.ledger.handed_out().max(first);
        handed.filter(|id| self.ledger.told(*id).is_none()).count() as u64
    }
}
