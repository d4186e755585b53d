//! One transition of the no-U-turn sampler with multinomial weights (Betancourt, arXiv 1701.02434), with
//! the additional turn checks between subtrees.

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

/// The places of a trajectory that are still needed; memory serves again, for it is asked for at every step.
pub(super) struct Places {
    dim: usize,
    /// Of each place position, gradient, momentum and velocity, one after another.
    numbers: Vec<f64>,
    /// Log densities.
    values: Vec<f64>,
    free: Vec<usize>,
    /// Sums of momenta that nobody needs.
    sums: Vec<Vec<f64>>,
}

/// A subtree: its ends in the order of building, the sum of its momenta, one of its points.
struct Tree {
    first: usize,
    last: usize,
    /// None for a single point, which has a momentum of its own.
    rho: Option<Vec<f64>>,
    proposal: usize,
    /// Log of the sum of the weights of its points.
    weight: f64,
}

/// The state of one trajectory.
pub(super) struct Trajectory<'run, 'density> {
    density: &'run mut Counted<'density>,
    mass: &'run Mass,
    places: &'run mut Places,
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
        places: &'run mut Places,
        step: f64,
        max_depth: usize,
    ) -> Self {
        let (start_energy, acceptance) = (0.0, 0.0);
        Self {
            density,
            mass,
            places,
            step,
            max_depth,
            start_energy,
            acceptance,
            steps: 0,
            is_divergent: false,
        }
    }

    pub(super) fn run(&mut self, from: &Point, random: &mut Random) -> Outcome {
        let start = self.start(from, random);
        self.start_energy = self.places.energy(start);
        let (mut chosen, mut weight) = (start, 0.0);
        let mut rho = self.places.p(start).to_vec();
        let (mut back, mut front) = (start, start);
        let mut depth = 0;
        while depth < self.max_depth {
            let is_forward = random.uniform() > 0.5;
            let sign = if is_forward { 1.0 } else { -1.0 };
            let (inner, outer) = if is_forward { (front, back) } else { (back, front) };
            let mut moving = inner;
            let Some(tree) = self.build(depth, &mut moving, sign, random) else { break };
            depth += 1;
            let loser = if tree.weight > weight || random.uniform() < (tree.weight - weight).exp() {
                std::mem::replace(&mut chosen, tree.proposal)
            } else {
                tree.proposal
            };
            weight = log_add(weight, tree.weight);
            let (places, more) = (&*self.places, self.places.rho(&tree));
            let goes_on = places.no_turn([outer, tree.last], &rho, more)
                && places.no_turn([outer, tree.first], &rho, places.p(tree.first))
                && places.no_turn([inner, tree.last], more, places.p(inner));
            add(&mut rho, more);
            *(if is_forward { &mut front } else { &mut back }) = tree.last;
            self.places.release([inner, tree.first, loser], [back, front, chosen]);
            self.places.sums.extend(tree.rho);
            if !goes_on {
                break;
            }
        }
        Outcome {
            point: self.places.point(chosen),
            energy: self.start_energy,
            depth,
            is_divergent: self.is_divergent,
            acceptance: if self.steps == 0 { 0.0 } else { self.acceptance / self.steps as f64 },
        }
    }

    /// The point with a new momentum; of the trajectory before nothing is needed any more.
    fn start(&mut self, from: &Point, random: &mut Random) -> usize {
        self.places.clear();
        let start = self.places.take();
        let [q, gradient, p, velocity] = self.places.parts(start);
        q.copy_from_slice(&from.q);
        gradient.copy_from_slice(&from.gradient);
        self.mass.momentum(random, p);
        self.mass.velocity(p, velocity);
        self.places.values[start] = from.value;
        start
    }

    /// A subtree of `2^depth` points beyond `moving`; none if it turns or diverges.
    fn build(
        &mut self,
        depth: usize,
        moving: &mut usize,
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
        let places = &mut *self.places;
        let (first, second) = (places.rho(&one), places.rho(&two));
        let goes_on = places.no_turn([one.first, two.last], first, second)
            && places.no_turn([one.first, two.first], first, places.p(two.first))
            && places.no_turn([one.last, two.last], second, places.p(one.last));
        if !goes_on {
            return None;
        }
        let (proposal, loser) =
            if takes_second { (two.proposal, one.proposal) } else { (one.proposal, two.proposal) };
        let rho = places.joined(one.rho, one.first, &two);
        places.release([one.last, two.first, loser], [one.first, two.last, proposal]);
        places.sums.extend(two.rho);
        Some(Tree { first: one.first, last: two.last, rho: Some(rho), proposal, weight })
    }

    /// One leapfrog step.
    fn leaf(&mut self, moving: &mut usize, sign: f64) -> Option<Tree> {
        let step = sign * self.step;
        let next = self.places.copy(*moving);
        let [q, gradient, p, velocity] = self.places.parts(next);
        add_scaled(p, 0.5 * step, gradient);
        self.mass.velocity(p, velocity);
        add_scaled(q, step, velocity);
        self.steps += 1;
        let value = self.density.gradient(q, gradient);
        if value.is_none() {
            gradient.fill(0.0);
        }
        add_scaled(p, 0.5 * step, gradient);
        self.mass.velocity(p, velocity);
        self.places.values[next] = value.unwrap_or(f64::NEG_INFINITY);
        let error = self.places.energy(next) - self.start_energy;
        // also where the energy is not a number
        if error.is_nan() || error > MAX_ERROR {
            self.is_divergent = true;
            return None;
        }
        self.acceptance += (-error).exp().min(1.0);
        *moving = next;
        Some(Tree { first: next, last: next, rho: None, proposal: next, weight: -error })
    }
}

impl Places {
    pub(super) fn new(dim: usize) -> Self {
        let (numbers, values, free, sums) = Default::default();
        Self { dim, numbers, values, free, sums }
    }

    fn clear(&mut self) {
        self.free.clear();
        self.free.extend(0..self.values.len());
    }

    fn take(&mut self) -> usize {
        if let Some(place) = self.free.pop() {
            return place;
        }
        self.numbers.resize(self.numbers.len() + 4 * self.dim, 0.0);
        self.values.push(0.0);
        self.values.len() - 1
    }

    /// A place that begins as another; its velocity is to be written.
    fn copy(&mut self, from: usize) -> usize {
        let (to, size) = (self.take(), 4 * self.dim);
        self.numbers.copy_within(from * size..from * size + 3 * self.dim, to * size);
        to
    }

    /// Gives back those that are not kept.
    fn release(&mut self, places: [usize; 3], kept: [usize; 3]) {
        for (at, place) in places.iter().enumerate() {
            if !kept.contains(place) && !places[..at].contains(place) {
                self.free.push(*place);
            }
        }
    }

    /// Position, gradient, momentum and velocity.
    fn parts(&mut self, place: usize) -> [&mut [f64]; 4] {
        let size = 4 * self.dim;
        let all = &mut self.numbers[place * size..(place + 1) * size];
        let (q, rest) = all.split_at_mut(self.dim);
        let (gradient, rest) = rest.split_at_mut(self.dim);
        let (p, velocity) = rest.split_at_mut(self.dim);
        [q, gradient, p, velocity]
    }

    fn part(&self, place: usize, number: usize) -> &[f64] {
        let start = (4 * place + number) * self.dim;
        &self.numbers[start..start + self.dim]
    }

    fn p(&self, place: usize) -> &[f64] {
        self.part(place, 2)
    }

    fn velocity(&self, place: usize) -> &[f64] {
        self.part(place, 3)
    }

    fn energy(&self, place: usize) -> f64 {
        let pairs = self.p(place).iter().zip(self.velocity(place));
        0.5 * pairs.map(|(a, b)| a * b).sum::<f64>() - self.values[place]
    }

    fn point(&self, place: usize) -> Point {
        let (q, gradient) = (self.part(place, 0).to_vec(), self.part(place, 1).to_vec());
        Point { q, gradient, value: self.values[place] }
    }

    /// The sum of a subtree's momenta.
    fn rho<'run>(&'run self, tree: &'run Tree) -> &'run [f64] {
        tree.rho.as_deref().unwrap_or_else(|| self.p(tree.first))
    }

    /// The sum of two subtrees' momenta, of which the first's sum, or its only point, is given.
    fn joined(&mut self, sum: Option<Vec<f64>>, first: usize, two: &Tree) -> Vec<f64> {
        let mut sum = sum.unwrap_or_else(|| {
            let mut sum = self.sums.pop().unwrap_or_default();
            sum.clear();
            sum.extend_from_slice(self.p(first));
            sum
        });
        add(&mut sum, self.rho(two));
        sum
    }

    /// Whether both ends still move apart along the sum of two momenta.
    fn no_turn(&self, ends: [usize; 2], rho: &[f64], more: &[f64]) -> bool {
        let [one, other] = ends.map(|place| self.velocity(place));
        let (mut first, mut last) = (0.0, 0.0);
        for ((one, other), (rho, more)) in one.iter().zip(other).zip(rho.iter().zip(more)) {
            let rho = rho + more;
            first += one * rho;
            last += other * rho;
        }
        first > 0.0 && last > 0.0
    }
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
