//! Points from elsewhere: written down before they are taken, so that a crash loses none of them.

use super::{
    Active, Core, RunError,
    entry::{Entry, InjectEntry},
};

impl Active {
    /// Put points in between two generations; which of them were taken.
    pub(crate) fn inject(
        &self,
        core: &mut Core,
        rows: Vec<Vec<f64>>,
    ) -> Result<Vec<bool>, RunError> {
        let is = core.ledger.status();
        let unfit = |wanted| Err(RunError::Unfit { is, wanted });
        if is.is_final() {
            return unfit("takes no points any more");
        }
        if self.job.problem.is_external() {
            return unfit("learns what it is told: tell_trials");
        }
        if core.run.status().evals == 0 {
            return unfit("has no points yet: step it first");
        }
        if core.run.members().is_empty() || self.job.settings.algorithm().name == "moead" {
            return unfit(
                "has no place for other points: ga, lshade, jso, pso, memetic, map_elites, nsga2, nsga3 and sms_emoa have",
            );
        }
        let at_evals = core.run.status().evals;
        self.append(core, Entry::Inject(InjectEntry { at_evals, rows }))?;
        let taken = core.take_updates(&self.job)?;
        self.checkpoint(core)?;
        Ok(taken)
    }
}
