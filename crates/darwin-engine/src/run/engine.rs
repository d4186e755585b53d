//! The algorithm of a run, whichever it is.

use crate::{
    Budget, Executor, ProblemRef, Report, Result, Seed, Settings,
    batch::Batch,
    cma::Cma,
    codec::{Reader, Writer},
    design::Design,
    evolution::Es,
    front::Front,
    ga::Ga,
    lshade::Lshade,
    memetic::Memetic,
    method::Method,
    portfolio::Portfolio,
    pso::Pso,
    simplex::Simplex,
    tally::Tally,
    tpe::Tpe,
    umda::Umda,
};

#[derive(Debug)]
pub(super) enum Engine<'p> {
    Ga(Box<Ga<'p>>),
    Batch(Batch<'p>),
    Front(Box<Front<'p>>),
}

impl<'p> Engine<'p> {
    pub(super) fn new(
        problem: ProblemRef<'p>,
        settings: Settings,
        budget: &Budget,
        seed: Seed,
    ) -> Self {
        let dimension = problem.bounds().dimension();
        let method: Box<dyn Method> = match settings {
            Settings::Ga(settings) => return Self::Ga(Box::new(Ga::new(problem, settings, seed))),
            Settings::Front(settings) => {
                return Self::Front(Box::new(Front::new(problem, settings, seed)));
            }
            Settings::Cma(settings) => Box::new(Cma::new(dimension, settings, seed)),
            Settings::Lshade(settings) => {
                Box::new(Lshade::new(dimension, settings, budget.max_evals(), seed))
            }
            Settings::Pso(settings) => Box::new(Pso::new(dimension, settings, seed)),
            Settings::Es(settings) => Box::new(Es::new(dimension, settings, seed)),
            Settings::Simplex(settings) => Box::new(Simplex::new(dimension, settings, seed)),
            Settings::Tpe(settings) => Box::new(Tpe::new(dimension, settings, seed)),
            Settings::Umda(settings) => Box::new(Umda::new(&problem, settings, seed)),
            Settings::Design(settings) => Box::new(Design::new(dimension, settings, seed)),
            Settings::Memetic(settings) => {
                Box::new(Memetic::new(&problem.permutations(), settings, seed))
            }
            Settings::Portfolio(settings) => Box::new(Portfolio::new(dimension, settings, seed)),
        };
        Self::Batch(Batch::new(problem, method))
    }

    pub(super) fn step(
        &mut self,
        room: u64,
        executor: &Executor<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> bool {
        match self {
            Self::Ga(ga) => ga.step(room, executor, cancelled),
            Self::Batch(batch) => batch.step(room, executor, cancelled),
            Self::Front(front) => front.step(room, executor, cancelled),
        }
    }

    /// Genes of the next generation, at most `room` points.
    pub(super) fn ask(&mut self, room: u64) -> Vec<f64> {
        match self {
            Self::Ga(ga) => ga.ask(room),
            Self::Batch(batch) => batch.ask_at_most(room),
            Self::Front(front) => front.ask(room),
        }
    }

    pub(super) fn tell(&mut self, costs: &[f64]) {
        match self {
            Self::Ga(ga) => ga.tell(costs),
            Self::Batch(batch) => batch.tell(costs),
            Self::Front(front) => front.tell(costs),
        }
    }

    pub(super) fn save(&self, writer: &mut Writer) {
        match self {
            Self::Ga(ga) => ga.save(writer),
            Self::Batch(batch) => batch.save(writer),
            Self::Front(front) => front.save(writer),
        }
    }

    pub(super) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        match self {
            Self::Ga(ga) => ga.load(reader),
            Self::Batch(batch) => batch.load(reader),
            Self::Front(front) => front.load(reader),
        }
    }

    pub(super) fn tally(&self) -> Tally {
        match self {
            Self::Ga(ga) => ga.tally(),
            Self::Batch(batch) => batch.tally(),
            Self::Front(front) => front.tally(),
        }
    }

    /// Genes and cost of the best point; infinite while there is none. A front has none.
    pub(super) fn best(&self) -> (&[f64], f64) {
        match self {
            Self::Ga(ga) => (ga.best_x(), ga.best_cost()),
            Self::Batch(batch) => (batch.best_x(), batch.best_cost()),
            Self::Front(_) => (&[], f64::INFINITY),
        }
    }

    pub(super) fn has_best(&self) -> bool {
        !matches!(self, Self::Front(_))
    }

    pub(super) fn front(&self) -> Vec<Report> {
        match self {
            Self::Front(front) => front.front(),
            _ => Vec::new(),
        }
    }

    pub(super) fn is_finished(&self) -> bool {
        matches!(self, Self::Batch(batch) if batch.is_finished())
    }

    pub(super) fn set_max_evals(&mut self, max_evals: u64) {
        if let Self::Batch(batch) = self {
            batch.set_max_evals(max_evals);
        }
    }
}
