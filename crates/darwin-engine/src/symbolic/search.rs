//! Generations, populations, and what is left of them.

use std::{
    borrow::Cow,
    collections::HashSet,
    sync::atomic::{AtomicBool, Ordering},
};

use super::{
    Candidate, Fit, FitSettings, Sample,
    fold::{EXACT, cross_validate, deal},
    front::{Front, Individual},
    grammar::pick,
    lexicase::Cases,
    machine::{Machine, numbers},
    tree::{Kind, Tree, simplified, terms},
    tune::{linear, shortened, snapped, tune},
    vary::{child, is_usable},
    write::{complexity, written},
};
use crate::{Budget, Controls, Seed, Status, StopReason, stream::Stream};

/// Rows that the search looks at.
const SEARCH_ROWS: usize = 1000;
/// Rows that selection looks at.
const CASES: usize = 64;
/// Nodes by which a tree of the population may be larger than a formula: factors that turn out to be
/// one are not written.
const SLACK: usize = 10;
/// Generations without an improvement after which a population makes room; each lasts a little longer
/// than the one before.
const STALL: u64 = 12;
const PATIENCE: u64 = 2;
/// Share of the parents that come from the front, and by lexicase; the others win tournaments.
const FROM_FRONT: f64 = 0.35;
const BY_CASES: f64 = 0.35;
const TOURNAMENT: usize = 4;
/// Steps of the numbers of a new tree, and of a formula at the end.
const STEPS: u32 = 3;
const LAST_STEPS: u32 = 20;

/// A search that goes on.
#[derive(Debug)]
pub(super) struct Search<'d> {
    rows: Cow<'d, Sample>,
    /// Rows that selection looks at.
    looked_at: Vec<usize>,
    settings: &'d FitSettings,
    seed: Seed,
    population: Vec<Individual>,
    /// Of this population, and of all.
    own: Front,
    all: Front,
    generation: u64,
    populations: u64,
    improved_at: u64,
    evals: u64,
}

/// A place for a child.
#[derive(Debug, Default)]
struct Slot {
    found: Option<Individual>,
    evals: u64,
}

impl<'d> Search<'d> {
    pub(super) fn new(data: &'d Sample, settings: &'d FitSettings, seed: Seed) -> Self {
        let rows = data.thinned(SEARCH_ROWS).map_or(Cow::Borrowed(data), Cow::Owned);
        let (count, cases) = (rows.rows(), CASES.min(rows.rows()));
        let looked_at = (0..cases).map(|k| k * (count - 1) / (cases - 1).max(1)).collect();
        let max_size = settings.max_size as usize;
        Self {
            rows,
            looked_at,
            settings,
            seed,
            population: Vec::new(),
            own: Front::new(max_size),
            all: Front::new(max_size),
            generation: 0,
            populations: 1,
            improved_at: 0,
            evals: 0,
        }
    }

    /// To the end of the budget.
    pub(super) fn run(&mut self, budget: &Budget, controls: &mut Controls<'_>) -> StopReason {
        #[expect(clippy::cast_precision_loss, reason = "rows are few")]
        let count = self.rows.rows() as f64;
        let target = budget.target().map_or(0.0, |rmse| rmse * rmse * count);
        let target = target.max(EXACT * EXACT * self.rows.scatter());
        loop {
            if !self.step(controls) {
                return StopReason::Cancelled;
            }
            let best = self.all.best();
            if let Some(progress) = &mut controls.progress {
                let best_f = best.is_finite().then(|| (best / count).sqrt());
                progress(Status { generation: self.generation, evals: self.evals, best_f });
            }
            if best <= target {
                return StopReason::Target;
            }
            if self.evals >= budget.max_evals() {
                return StopReason::MaxEvals;
            }
            let stagnation = budget.stagnation();
            if stagnation > 0 && self.generation - self.improved_at >= stagnation {
                return StopReason::Stagnation;
            }
            if budget.max_time().is_some_and(|limit| (controls.elapsed)() >= limit) {
                return StopReason::MaxTime;
            }
        }
    }

    /// One generation; false, and nothing learnt, when cancelled.
    fn step(&mut self, controls: &Controls<'_>) -> bool {
        let mut slots: Vec<Slot> = Vec::new();
        slots.resize_with(self.settings.population as usize, Slot::default);
        let cases = self.cases();
        let fronts: Vec<&Tree> = self.own.members().map(|one| &one.tree).collect();
        let stopped = AtomicBool::new(false);
        let this = &*self;
        controls.executor.for_items(&mut slots, |number, slot| {
            if stopped.load(Ordering::Relaxed) || (controls.cancelled)() {
                stopped.store(true, Ordering::Relaxed);
                return;
            }
            let mut stream = Stream::new(this.seed, this.generation, number as u64);
            *slot = this.fill(number, &cases, &fronts, &mut stream);
        });
        if stopped.into_inner() {
            return false;
        }
        self.generation += 1;
        self.admit(slots);
        true
    }

    fn cases(&self) -> Cases {
        let residuals = self.population.iter().flat_map(|one| one.residuals.iter().copied());
        Cases::new(self.looked_at.len(), residuals.collect())
    }

    /// A new tree, fitted.
    fn fill(&self, number: usize, cases: &Cases, fronts: &[&Tree], stream: &mut Stream) -> Slot {
        let mut machine = Machine::new(&self.rows);
        let most = self.settings.max_size as usize + SLACK;
        let grammar = &self.settings.grammar;
        let mut found = None;
        for round in 0..4 {
            let tree = if self.population.is_empty() {
                let known = grammar.known(number).filter(|_| self.populations == 1 && round == 0);
                let size = 1 + pick(stream, self.settings.max_size.min(16) as usize);
                known.unwrap_or_else(|| grammar.random(Kind::Real, size, stream))
            } else {
                let mut parent = || self.parent(cases, fronts, stream);
                let (one, other) = (parent(), parent());
                child((one, other), grammar, stream)
            };
            found = self.fitted(&mut machine, &tree, most);
            if found.is_some() {
                break;
            }
        }
        Slot { found, evals: machine.evals }
    }

    fn parent<'a>(&'a self, cases: &Cases, fronts: &[&'a Tree], stream: &mut Stream) -> &'a Tree {
        let choice = stream.unit();
        if choice < FROM_FRONT
            && let Some(tree) = fronts.get(pick(stream, fronts.len()))
        {
            return tree;
        }
        let winner = if choice < FROM_FRONT + BY_CASES {
            cases.select(stream)
        } else {
            let mut entry = || pick(stream, self.population.len());
            let first = entry();
            (1..TOURNAMENT).map(|_| entry()).fold(first, |best, other| {
                if self.population[other].sse < self.population[best].sse { other } else { best }
            })
        };
        &self.population[winner].tree
    }

    /// A tree in its normal form, with good numbers.
    fn fitted(&self, machine: &mut Machine<'_>, tree: &Tree, most: usize) -> Option<Individual> {
        let tree = simplified(tree);
        if !is_usable(&tree, most) {
            return None;
        }
        let mut tree = linear(machine, &tree, most)?;
        if !is_usable(&tree, most) || numbers(&tree).len() >= self.rows.rows() {
            return None;
        }
        // Numbers beside the factors of the terms and the one at the end.
        let inner = numbers(&tree).len() > terms(&tree).len() + 1;
        let sse = tune(machine, &mut tree, if inner { STEPS } else { 1 });
        let (tree, sse) = snapped(machine, tree, sse);
        if !sse.is_finite() || !is_usable(&tree, most) {
            return None;
        }
        let values = machine.values(&tree)?;
        let target = self.rows.target();
        let residuals = self.looked_at.iter().map(|row| (target[*row] - values[*row]).abs());
        Some(Individual { residuals: residuals.collect(), tree, sse })
    }

    /// Children and the front become the population; equal ones are in it once.
    fn admit(&mut self, slots: Vec<Slot>) {
        let mut next: Vec<Individual> = self.own.members().cloned().collect();
        let mut seen: HashSet<u64> = next.iter().map(|one| one.sse.to_bits()).collect();
        let mut improved = false;
        for slot in slots {
            self.evals += slot.evals;
            let Some(one) = slot.found else { continue };
            improved |= self.own.offer(&one);
            self.all.offer(&one);
            if seen.insert(one.sse.to_bits()) {
                next.push(one);
            }
        }
        self.population = next;
        if improved {
            self.improved_at = self.generation;
        }
        if self.generation - self.improved_at >= STALL + PATIENCE * self.populations {
            self.population.clear();
            self.own = Front::new(self.settings.max_size as usize);
            self.populations += 1;
            self.improved_at = self.generation;
        }
    }

    /// The front with its last digits, on all of the data.
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    pub(super) fn finish(self, data: &Sample, stop: StopReason, controls: &Controls<'_>) -> Fit {
        let mut front = Front::new(self.settings.max_size as usize);
        let members: Vec<Tree> = self.all.members().map(|one| one.tree.clone()).collect();
        for mut tree in members {
            if (controls.cancelled)() {
                break;
            }
            let mut machine = Machine::new(&self.rows);
            let sse = tune(&mut machine, &mut tree, LAST_STEPS);
            let (tree, sse) = snapped(&mut machine, tree, sse);
            let (tree, _) = shortened(&mut machine, &tree, sse);
            let mut whole = Machine::new(data);
            let sse = whole.sse(&tree);
            front.offer(&Individual { tree, sse, residuals: Vec::new() });
        }
        let folds = self.settings.folds as usize;
        let folds = if folds > 1 { deal(self.rows.rows(), folds, self.seed) } else { Vec::new() };
        let mut candidates = Vec::new();
        for one in front.members() {
            // What comes after an exact one only rounds otherwise.
            let done =
                candidates.last().is_some_and(|last: &Candidate| 1.0 - last.r2 <= EXACT * EXACT);
            if done {
                break;
            }
            let validated = if folds.is_empty() || (controls.cancelled)() {
                None
            } else {
                cross_validate(&self.rows, &folds, &one.tree)
            };
            let values = Machine::new(data).values(&one.tree).unwrap_or_default();
            let residuals = values.iter().zip(data.target()).map(|(value, y)| (y - value).abs());
            candidates.push(Candidate {
                expression: written(&one.tree, data.names()),
                size: complexity(&one.tree),
                rmse: (one.sse / data.rows() as f64).sqrt(),
                r2: 1.0 - one.sse / data.scatter(),
                worst: residuals.fold(0.0, f64::max),
                exact: one.sse <= EXACT * EXACT * data.scatter(),
                validated,
            });
        }
        Fit {
            front: candidates,
            choice: None,
            evals: self.evals,
            generations: self.generation,
            populations: self.populations,
            stop,
        }
    }
}
