//! One run, from the initial sample to its stop.

use std::{fmt, time::Duration};

use crate::{
    Budget, Executor, Point, Problem, ProblemRef, Report, Result, Seed, Settings,
    batch::Batch,
    cma::Cma,
    codec::{Reader, Writer},
    ga::Ga,
    lshade::Lshade,
    memetic::Memetic,
    method::Method,
    nsga::Nsga,
    portfolio::Portfolio,
    problem::is_feasible,
    trace::Trace,
};

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
    /// Sum by which constraints are broken beyond their tolerance; 0 when none is.
    pub violation: f64,
}

/// What a run found.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    /// The best point; absent when no value was finite, and with several objectives.
    pub best: Option<Best>,
    /// With several objectives, points that no other found point dominates, by the first objective;
    /// without any feasible point, the least violating ones.
    pub front: Vec<Report>,
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
    /// The algorithm can gain no more, and does not restart.
    Converged,
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
            Self::Converged => "converged",
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

/// Run an algorithm until its budget ends. One for a single objective takes the first of several.
pub fn optimize(
    problem: &Problem,
    settings: impl Into<Settings>,
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
    settings: Settings,
    budget: Budget,
    seed: Seed,
    engine: Engine<'p>,
    trace: Trace,
    improved_at: u64,
}

#[derive(Debug)]
enum Engine<'p> {
    Ga(Box<Ga<'p>>),
    Batch(Batch<'p>),
    Nsga(Box<Nsga<'p>>),
}

impl<'p> Engine<'p> {
    fn batch(problem: ProblemRef<'p>, method: impl Method + 'static) -> Self {
        Self::Batch(Batch::new(problem, Box::new(method)))
    }
}

impl<'p> Run<'p> {
    /// A run before its first generation, with a history of at most `points`.
    pub fn new(
        problem: impl Into<ProblemRef<'p>>,
        settings: impl Into<Settings>,
        budget: Budget,
        seed: Seed,
        points: usize,
    ) -> Self {
        let (problem, settings) = (problem.into(), settings.into());
        let (own, dimension) = (problem.clone(), problem.bounds().dimension());
        let engine = match settings {
            Settings::Ga(settings) => Engine::Ga(Box::new(Ga::new(own, settings, seed))),
            Settings::Nsga(settings) => Engine::Nsga(Box::new(Nsga::new(own, settings, seed))),
            Settings::Cma(settings) => Engine::batch(own, Cma::new(dimension, settings, seed)),
            Settings::Lshade(settings) => {
                Engine::batch(own, Lshade::new(dimension, settings, budget.max_evals(), seed))
            }
            Settings::Memetic(settings) => {
                let lengths = own.permutations();
                Engine::batch(own, Memetic::new(&lengths, settings, seed))
            }
            Settings::Portfolio(settings) => {
                Engine::batch(own, Portfolio::new(dimension, settings, seed))
            }
        };
        Self { problem, settings, budget, seed, engine, trace: Trace::new(points), improved_at: 0 }
    }

    /// Make, evaluate and learn from one generation, cut to what is left of the budget. When it is
    /// cancelled, nothing has changed.
    pub fn step(&mut self, controls: &mut Controls<'_>) -> Option<StopReason> {
        let before = self.best_cost();
        let room = self.budget.max_evals().saturating_sub(self.status().evals);
        let (executor, cancelled) = (&controls.executor, controls.cancelled);
        let whole = match &mut self.engine {
            Engine::Ga(ga) => ga.step(room, executor, cancelled),
            Engine::Batch(batch) => batch.step(room, executor, cancelled),
            Engine::Nsga(nsga) => nsga.step(room, executor, cancelled),
        };
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
        match &mut self.engine {
            Engine::Ga(ga) => ga.ask(room),
            Engine::Batch(batch) => {
                let mut genes = batch.ask();
                let most = usize::try_from(room).unwrap_or(usize::MAX);
                genes.truncate(most.saturating_mul(self.problem.bounds().dimension()));
                genes
            }
            Engine::Nsga(nsga) => nsga.ask(room),
        }
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
        match &mut self.engine {
            Engine::Ga(ga) => ga.tell(&costs),
            Engine::Batch(batch) => batch.tell(&costs),
            Engine::Nsga(nsga) => nsga.tell(&costs),
        }
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
        match &self.engine {
            Engine::Ga(ga) => ga.save(&mut writer),
            Engine::Batch(batch) => batch.save(&mut writer),
            Engine::Nsga(nsga) => nsga.save(&mut writer),
        }
        writer.finish()
    }

    /// A run that goes on where another with the same arguments was saved.
    ///
    /// # Errors
    /// [`crate::Error::InvalidCheckpoint`] when the bytes are damaged or of another run.
    pub fn resume(
        problem: impl Into<ProblemRef<'p>>,
        settings: impl Into<Settings>,
        budget: Budget,
        seed: Seed,
        points: usize,
        checkpoint: &[u8],
    ) -> Result<Self> {
        let mut run = Self::new(problem, settings, budget, seed, points);
        let mut reader = Reader::new(checkpoint)?;
        for number in run.identity() {
            let seen = reader.int()?;
            reader.check(seen == number)?;
        }
        run.improved_at = reader.int()?;
        run.trace.load(&mut reader)?;
        match &mut run.engine {
            Engine::Ga(ga) => ga.load(&mut reader)?,
            Engine::Batch(batch) => batch.load(&mut reader)?,
            Engine::Nsga(nsga) => nsga.load(&mut reader)?,
        }
        reader.end()?;
        Ok(run)
    }

    /// What a checkpoint must agree with.
    fn identity(&self) -> [u64; 4] {
        let algorithm = self.settings.algorithm();
        let name = algorithm
            .name
            .bytes()
            .fold(0_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let dimension = self.problem.bounds().dimension() as u64;
        [name, algorithm.revision.into(), dimension, self.seed.get()]
    }

    /// Where the run is.
    pub fn status(&self) -> Status {
        let (generation, evals) = match &self.engine {
            Engine::Ga(ga) => (ga.generation(), ga.evals()),
            Engine::Batch(batch) => (batch.generation(), batch.evals()),
            Engine::Nsga(nsga) => (nsga.generation(), nsga.evals()),
        };
        let cost = self.best_cost();
        let best_f = is_feasible(cost).then(|| self.problem.sense().cost(cost));
        Status { generation, evals, best_f }
    }

    /// Best so far over the run, evenly thinned.
    pub fn history(&self) -> Vec<Point> {
        self.trace.finish()
    }

    /// Let the budget be another from here on.
    pub fn set_budget(&mut self, budget: Budget) {
        self.budget = budget;
        if let Engine::Batch(batch) = &mut self.engine {
            batch.set_max_evals(budget.max_evals());
        }
    }

    /// What was found so far.
    pub fn finish(&self, stop: StopReason) -> Outcome {
        let status = self.status();
        let (genes, non_finite_evals) = match &self.engine {
            Engine::Ga(ga) => (ga.best_x(), ga.non_finite_evals()),
            Engine::Batch(batch) => (batch.best_x(), batch.non_finite_evals()),
            Engine::Nsga(nsga) => (&[] as &[f64], nsga.non_finite_evals()),
        };
        let front = match &self.engine {
            Engine::Nsga(nsga) => nsga.front(),
            _ => Vec::new(),
        };
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
            front,
            evals: status.evals,
            non_finite_evals,
            generations: status.generation,
            stop,
            history: self.trace.finish(),
        }
    }

    fn best_cost(&self) -> f64 {
        match &self.engine {
            Engine::Ga(ga) => ga.best_cost(),
            Engine::Batch(batch) => batch.best_cost(),
            // A front has no best point.
            Engine::Nsga(_) => f64::INFINITY,
        }
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
        if matches!(&self.engine, Engine::Batch(batch) if batch.is_finished()) {
            return Some(StopReason::Converged);
        }
        let has_best = !matches!(&self.engine, Engine::Nsga(_));
        let stagnation = budget.stagnation();
        if has_best && stagnation > 0 && status.generation - self.improved_at >= stagnation {
            return Some(StopReason::Stagnation);
        }
        if budget.max_time().is_some_and(|limit| (controls.elapsed)() >= limit) {
            return Some(StopReason::MaxTime);
        }
        None
    }
}
