//! One transition of the no-U-turn sampler with multinomial weights (Betancourt, arXiv 1701.02434), with
//! the additional turn checks between subtrees.

use std::rc::Rc;

use super::metric::Mass;
use super::{Counted, Random};

/// Energy error at which a trajectory counts as divergent.
const MAX_ERROR: f64 = 1000.0;

/// A position with its log density.
#[derive(Debug, Clone)]
pub(super) struct Point {
    pub(super) q: Vec<f64>,
    pub(super) gradient: Vec<f64>,
    pub(super) value: f64,
}

/// What a transition led to.
pub(super) struct Outcome {
    pub(super) point: Point,
    pub(super) energy: f64,
    pub(super) depth: usize,
    pub(super) is_divergent: bool,
    pub(super) acceptance: f64,
}

/// A place on a trajectory: position, gradient, momentum and velocity lie one after another, for memory is
/// asked for at every step.
struct State {
    numbers: Vec<f64>,
    value: f64,
}

/// A subtree: its ends in the order of building, the sum of its momenta, one of its points.
struct Tree {
    first: Rc<State>,
    last: Rc<State>,
    /// None for a single point, which has a momentum of its own.
    rho: Option<Vec<f64>>,
    proposal: Rc<State>,
    /// Log of the sum of the weights of its points.
    weight: f64,
}

/// The state of one trajectory.
pub(super) struct Trajectory<'run, 'density> {
    density: &'run mut Counted<'density>,
    mass: &'run Mass,
    step: f64,
    max_depth: usize,
    start_energy: f64,
    acceptance: f64,
    steps: usize,
    is_divergent: bool,
}

impl<'run, 'density> Trajectory<'run, 'density> {
    pub(super) fn new(
        density: &'run mut Counted<'density>,
        mass: &'run Mass,
        step: f64,
        max_depth: usize,
    ) -> Self {
        let (start_energy, acceptance) = (0.0, 0.0);
        Self {
            density,
            mass,
            step,
            max_depth,
            start_energy,
            acceptance,
            steps: 0,
            is_divergent: false,
        }
    }

    pub(super) fn run(&mut self, from: &Point, random: &mut Random) -> Outcome {
        let start = Rc::new(self.start(from, random));
        self.start_energy = start.energy();
        let mut chosen = Rc::clone(&start);
        let mut weight = 0.0;
        let mut rho = start.p().to_vec();
        let (mut back, mut front) = (Rc::clone(&start), start);
        let mut depth = 0;
        while depth < self.max_depth {
            let is_forward = random.uniform() > 0.5;
            let sign = if is_forward { 1.0 } else { -1.0 };
            let inner = if is_forward { &front } else { &back };
            let mut moving = Rc::clone(inner);
            let Some(tree) = self.build(depth, &mut moving, sign, random) else { break };
            depth += 1;
            if tree.weight > weight || random.uniform() < (tree.weight - weight).exp() {
                chosen = Rc::clone(&tree.proposal);
            }
            weight = log_add(weight, tree.weight);
            let outer = if is_forward { &back } else { &front };
            let goes_on = no_turn(outer, &tree.last, &rho, tree.rho())
                && no_turn(outer, &tree.first, &rho, tree.first.p())
                && no_turn(inner, &tree.last, tree.rho(), inner.p());
            add(&mut rho, tree.rho());
            *(if is_forward { &mut front } else { &mut back }) = tree.last;
            if !goes_on {
                break;
            }
        }
        Outcome {
            point: chosen.point(),
            energy: self.start_energy,
            depth,
            is_divergent: self.is_divergent,
            acceptance: if self.steps == 0 { 0.0 } else { self.acceptance / self.steps as f64 },
        }
    }

    /// The point with a new momentum.
    fn start(&self, from: &Point, random: &mut Random) -> State {
        let p = self.mass.momentum(random);
        let mut velocity = vec![0.0; p.len()];
        self.mass.velocity(&p, &mut velocity);
        let numbers = [from.q.as_slice(), &from.gradient, &p, &velocity].concat();
        State { numbers, value: from.value }
    }

    /// A subtree of `2^depth` points beyond `moving`; none if it turns or diverges.
    fn build(
        &mut self,
        depth: usize,
        moving: &mut Rc<State>,
        sign: f64,
        random: &mut Random,
    ) -> Option<Tree> {
        if depth == 0 {
            return self.leaf(moving, sign);
        }
        let one = self.build(depth - 1, moving, sign, random)?;
        let two = self.build(depth - 1, moving, sign, random)?;
        let weight = log_add(one.weight, two.weight);
        let takes_second = random.uniform() < (two.weight - weight).exp();
        let goes_on = no_turn(&one.first, &two.last, one.rho(), two.rho())
            && no_turn(&one.first, &two.first, one.rho(), two.first.p())
            && no_turn(&one.last, &two.last, two.rho(), one.last.p());
        if !goes_on {
            return None;
        }
        let proposal = if takes_second { Rc::clone(&two.proposal) } else { one.proposal };
        let mut rho = one.rho.unwrap_or_else(|| one.first.p().to_vec());
        add(&mut rho, two.rho());
        Some(Tree { first: one.first, last: two.last, rho: Some(rho), proposal, weight })
    }

    /// One leapfrog step.
    fn leaf(&mut self, moving: &mut Rc<State>, sign: f64) -> Option<Tree> {
        let step = sign * self.step;
        let mut next = State { numbers: moving.numbers.clone(), value: f64::NEG_INFINITY };
        let size = next.numbers.len() / 4;
        let (q, rest) = next.numbers.split_at_mut(size);
        let (gradient, rest) = rest.split_at_mut(size);
        let (p, velocity) = rest.split_at_mut(size);
        add_scaled(p, 0.5 * step, gradient);
        self.mass.velocity(p, velocity);
        add_scaled(q, step, velocity);
        self.steps += 1;
        match self.density.gradient(q, gradient) {
            Some(value) => next.value = value,
            None => gradient.fill(0.0),
        }
        add_scaled(p, 0.5 * step, gradient);
        self.mass.velocity(p, velocity);
        let error = next.energy() - self.start_energy;
        // also where the energy is not a number
        if error.is_nan() || error > MAX_ERROR {
            self.is_divergent = true;
            return None;
        }
        self.acceptance += (-error).exp().min(1.0);
        let state = Rc::new(next);
        *moving = Rc::clone(&state);
        Some(Tree {
            first: Rc::clone(&state),
            last: Rc::clone(&state),
            rho: None,
            proposal: state,
            weight: -error,
        })
    }
}

impl State {
    fn part(&self, number: usize) -> &[f64] {
        let size = self.numbers.len() / 4;
        &self.numbers[number * size..(number + 1) * size]
    }

    fn p(&self) -> &[f64] {
        self.part(2)
    }

    fn velocity(&self) -> &[f64] {
        self.part(3)
    }

    fn energy(&self) -> f64 {
        let twice: f64 = self.p().iter().zip(self.velocity()).map(|(a, b)| a * b).sum();
        0.5 * twice - self.value
    }

    fn point(&self) -> Point {
        let (q, gradient) = (self.part(0).to_vec(), self.part(1).to_vec());
        Point { q, gradient, value: self.value }
    }
}

impl Tree {
    fn rho(&self) -> &[f64] {
        self.rho.as_deref().unwrap_or_else(|| self.first.p())
    }
}

/// Whether both ends still move apart along the sum of two momenta.
fn no_turn(one: &State, other: &State, rho: &[f64], more: &[f64]) -> bool {
    let (mut first, mut last) = (0.0, 0.0);
    let velocities = one.velocity().iter().zip(other.velocity());
    for ((one, other), (rho, more)) in velocities.zip(rho.iter().zip(more)) {
        let rho = rho + more;
        first += one * rho;
        last += other * rho;
    }
    first > 0.0 && last > 0.0
}

fn add(to: &mut [f64], more: &[f64]) {
    to.iter_mut().zip(more).for_each(|(slot, number)| *slot += number);
}

fn add_scaled(to: &mut [f64], by: f64, more: &[f64]) {
    to.iter_mut().zip(more).for_each(|(slot, number)| *slot += by * number);
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
