//! One run, from the initial sample to its stop.

mod engine;
mod outcome;

use engine::engine;
pub use outcome::{Best, Controls, Outcome, Status, StopReason};

use crate::{
    Budget, Member, Plan, Point, Problem, ProblemRef, Report, Result, Seed,
    codec::{Reader, Writer},
    problem::{is_feasible, rules_cost},
    search::Search,
    trace::Trace,
};

/// Run an algorithm until its budget ends. One for a single objective takes the first of several.
pub fn optimize(
    problem: &Problem,
    settings: impl Into<Plan>,
    budget: &Budget,
    seed: Seed,
    controls: &mut Controls<'_>,
) -> Outcome {
    let mut run = Run::new(problem, settings, *budget, seed, controls.points);
    loop {
        if let Some(stop) = run.step(controls) {
            return run.finish(stop);
        }
    }
}

/// A run that is advanced one generation at a time, saved and resumed.
#[derive(Debug)]
pub struct Run<'p> {
    problem: ProblemRef<'p>,
    plan: Plan,
    budget: Budget,
    seed: Seed,
    engine: Box<dyn Search + 'p>,
    trace: Trace,
    improved_at: u64,
}

impl<'p> Run<'p> {
    /// A run before its first generation, with a history of at most `points`.
    pub fn new(
        problem: impl Into<ProblemRef<'p>>,
        settings: impl Into<Plan>,
        budget: Budget,
        seed: Seed,
        points: usize,
    ) -> Self {
        let (problem, plan) = (problem.into(), settings.into());
        let engine = engine(&problem, plan, budget.max_evals(), seed);
        Self { problem, plan, budget, seed, engine, trace: Trace::new(points), improved_at: 0 }
    }

    /// Make, evaluate and learn from one generation, cut to what is left of the budget. When it is
    /// cancelled, nothing has changed.
    pub fn step(&mut self, controls: &mut Controls<'_>) -> Option<StopReason> {
        let before = self.best_cost();
        let room = self.budget.max_evals().saturating_sub(self.status().evals);
        let (executor, cancelled) = (&controls.executor, controls.cancelled);
        let whole = self.engine.step(room, executor, cancelled);
        if !whole {
            return Some(StopReason::Cancelled);
        }
        self.record(before);
        if let Some(progress) = &mut controls.progress {
            progress(self.status());
        }
        self.stop_reason(controls)
    }

    /// Why not to go on, as the last generation left it: what [`Run::step`] said then. Ask it of a
    /// run that was resumed.
    pub fn ended(&self, controls: &Controls<'_>) -> Option<StopReason> {
        if self.status().evals == 0 { None } else { self.stop_reason(controls) }
    }

    /// Genes of the next generation, row after row, cut to what is left of the budget, for those who
    /// evaluate elsewhere. Asking again before telling gives the same.
    pub fn ask(&mut self) -> Vec<f64> {
        let room = self.budget.max_evals().saturating_sub(self.status().evals).max(1);
        self.engine.ask(room)
    }

    /// Learn, for all that was asked last and in its order, the objective values and by how much the
    /// constraints are broken; `None` for a point that could not be evaluated. Then why to stop, if
    /// there is a reason.
    pub fn tell_values(&mut self, told: &[Option<(Vec<f64>, f64)>]) -> Option<StopReason> {
        let mut costs = Vec::with_capacity(told.len());
        for one in told {
            let one = one.as_ref().map(|(values, violation)| (values.as_slice(), *violation));
            self.problem.told(one, &mut costs);
        }
        self.tell(&costs);
        self.stop_reason(&Controls::default())
    }

    /// Learn the costs, smaller is better, of all that was asked last. What is not a number counts
    /// as infinite, the worst. With several objectives, for each point the cost of every objective
    /// and then by how much it breaks the constraints.
    pub fn tell(&mut self, costs: &[f64]) {
        let before = self.best_cost();
        let costs: Vec<f64> =
            costs.iter().map(|f| if f.is_nan() { f64::INFINITY } else { *f }).collect();
        self.engine.tell(&costs);
        self.record(before);
    }

    /// The state after the last generation; a run that goes on from it gives the same bits.
    pub fn save(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        for number in self.identity() {
            writer.int(number);
        }
        writer.int(self.improved_at);
        self.trace.save(&mut writer);
        self.engine.save(&mut writer);
        writer.finish()
    }

    /// A run that goes on where another with the same arguments was saved.
    ///
    /// # Errors
    /// [`crate::Error::InvalidCheckpoint`] when the bytes are damaged or of another run.
    pub fn resume(
        problem: impl Into<ProblemRef<'p>>,
        settings: impl Into<Plan>,
        budget: Budget,
        seed: Seed,
        points: usize,
        checkpoint: &[u8],
    ) -> Result<Self> {
        let run = Self::new(problem, settings, budget, seed, points);
        run.loaded(checkpoint, true)
    }

    /// The same with another seed from here on; settings may differ where the state fits them.
    ///
    /// # Errors
    /// [`crate::Error::InvalidCheckpoint`] as [`Run::resume`].
    pub fn fork(
        problem: impl Into<ProblemRef<'p>>,
        settings: impl Into<Plan>,
        budget: Budget,
        seed: Seed,
        points: usize,
        checkpoint: &[u8],
    ) -> Result<Self> {
        Self::new(problem, settings, budget, seed, points).loaded(checkpoint, false)
    }

    fn loaded(mut self, checkpoint: &[u8], same_seed: bool) -> Result<Self> {
        let mut reader = Reader::new(checkpoint)?;
        for (place, number) in self.identity().into_iter().enumerate() {
            let seen = reader.int()?;
            // The last is the seed.
            reader.check(seen == number || place == 3 && !same_seed)?;
        }
        self.improved_at = reader.int()?;
        self.trace.load(&mut reader)?;
        self.engine.load(&mut reader)?;
        reader.end()?;
        Ok(self)
    }

    /// What a checkpoint must agree with.
    fn identity(&self) -> [u64; 4] {
        let algorithm = self.plan.algorithm();
        let name = algorithm
            .name
            .bytes()
            .fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let dimension = self.problem.bounds().dimension() as u64;
        [name, algorithm.revision.into(), dimension, self.seed.get()]
    }

    /// Where the run is.
    pub fn status(&self) -> Status {
        let tally = self.engine.tally();
        let cost = self.best_cost();
        let best_f = is_feasible(cost).then(|| self.problem.sense().cost(cost));
        Status { generation: tally.generation, evals: tally.evals, best_f }
    }

    /// Best so far over the run, evenly thinned.
    pub fn history(&self) -> Vec<Point> {
        self.trace.finish()
    }

    /// The last generation in which something better was found.
    pub fn improved_at(&self) -> u64 {
        self.improved_at
    }

    /// Let the budget be another from here on.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
        self.engine.set_max_evals(budget.max_evals());
    }

    /// Take points from elsewhere, as genes, between two generations: each in place of the worst that
    /// is kept, if it is better. They are evaluated, and not counted to the budget. For each, whether
    /// it was taken. A problem whose values are told takes none.
    pub fn inject(&mut self, rows: &[Vec<f64>]) -> Vec<bool> {
        let before = self.best_cost();
        let mut taken = Vec::with_capacity(rows.len());
        for row in rows {
            let fits = !self.problem.is_external() && self.problem.bounds().contains(row);
            let part = if fits { self.problem.part(row) } else { vec![f64::INFINITY; 2] };
            let usable = fits && part[0].is_finite();
            taken.push(usable && self.engine.admit(row, rules_cost(part[0], part[1])));
        }
        if self.best_cost() < before {
            self.improved_at = self.status().generation;
        }
        taken
    }

    /// The points that the algorithm keeps from one generation to the next; none for one that learns
    /// from a generation and forgets it.
    pub fn members(&mut self) -> Vec<Member> {
        self.engine.members()
    }

    /// What is optimised.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// A point that the algorithm keeps, in the user's terms; of one that was told and breaks
    /// constraints the value is not known any more.
    pub fn describe(&self, member: &Member) -> Report {
        match &member.report {
            Some(report) => report.clone(),
            None if self.problem.is_external() => {
                self.problem.report_told(&member.genes, member.cost)
            }
            None => self.problem.report(&member.genes),
        }
    }

    /// What was found so far.
    pub fn finish(&self, stop: StopReason) -> Outcome {
        let status = self.status();
        let (genes, _) = self.engine.best();
        let best = self.best_cost().is_finite().then(|| {
            let report = if self.problem.is_external() {
                self.problem.report_told(genes, self.best_cost())
            } else {
                self.problem.report(genes)
            };
            let f = report.values.first().copied().unwrap_or(f64::NAN);
            Best { x: report.x, f, violation: report.violation }
        });
        Outcome {
            best,
            front: self.engine.front(),
            archive: self.engine.archive(),
            evals: status.evals,
            non_finite_evals: self.engine.tally().non_finite,
            generations: status.generation,
            stop,
            history: self.trace.finish(),
        }
    }

    fn best_cost(&self) -> f64 {
        self.engine.best().1
    }

    fn record(&mut self, before: f64) {
        let Status { generation, evals, best_f: f } = self.status();
        if self.best_cost() < before {
            self.improved_at = generation;
        }
        self.trace.record(Point { generation, evals, f });
    }

    /// Checked in the order of how much a reason says: a run that reached its target with the last
    /// evaluation stopped for the target.
    fn stop_reason(&self, controls: &Controls<'_>) -> Option<StopReason> {
        let (budget, status) = (&self.budget, self.status());
        let sense = self.problem.sense();
        if budget.target().is_some_and(|target| self.best_cost() <= sense.cost(target)) {
            return Some(StopReason::Target);
        }
        if status.evals >= budget.max_evals() {
            return Some(StopReason::MaxEvals);
        }
        if self.engine.is_finished() {
            return Some(StopReason::Converged);
        }
        let stagnation = budget.stagnation();
        if self.engine.has_best()
            && stagnation > 0
            && status.generation - self.improved_at >= stagnation
        {
            return Some(StopReason::Stagnation);
        }
        if budget.max_time().is_some_and(|limit| (controls.elapsed)() >= limit) {
            return Some(StopReason::MaxTime);
        }
        None
    }
}
