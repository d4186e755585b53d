//! One transition of the no-U-turn sampler with multinomial weights (Betancourt, arXiv 1701.02434), with
//! the additional turn checks between subtrees.

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

/// A momentum with its velocity.
#[derive(Clone)]
struct Edge {
    p: Vec<f64>,
    velocity: Vec<f64>,
}

/// A subtree: its ends in the order of building, the sum of its momenta, one of its points.
struct Tree {
    first: Edge,
    last: Edge,
    rho: Vec<f64>,
    proposal: Point,
    /// Log of the sum of the weights of its points.
    weight: f64,
}

/// The state of one trajectory.
pub(super) struct Trajectory<'run, 'density> {
    density: &'run mut Counted<'density>,
    /// Diagonal of the inverse mass matrix.
    variance: &'run [f64],
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
        variance: &'run [f64],
        step: f64,
        max_depth: usize,
    ) -> Self {
        let (start_energy, acceptance) = (0.0, 0.0);
        Self {
            density,
            variance,
            step,
            max_depth,
            start_energy,
            acceptance,
            steps: 0,
            is_divergent: false,
        }
    }

    pub(super) fn run(&mut self, from: &Point, random: &mut Random) -> Outcome {
        let p: Vec<f64> =
            self.variance.iter().map(|variance| random.normal() / variance.sqrt()).collect();
        let start = self.edge(p);
        self.start_energy = Self::energy(from, &start);
        let mut chosen = from.clone();
        let mut weight = 0.0;
        let mut rho = start.p.clone();
        // both ends of the trajectory so far; their points lie in `ends`
        let (mut back, mut front) = (start.clone(), start);
        let mut ends = [from.clone(), from.clone()];
        let mut depth = 0;
        while depth < self.max_depth {
            let is_forward = random.uniform() > 0.5;
            let side = usize::from(is_forward);
            let sign = if is_forward { 1.0 } else { -1.0 };
            let edge = if is_forward { &front } else { &back };
            let mut moving = (ends[side].clone(), edge.clone());
            let Some(tree) = self.build(depth, &mut moving, sign, random) else { break };
            ends[side] = moving.0;
            depth += 1;
            if tree.weight > weight || random.uniform() < (tree.weight - weight).exp() {
                chosen = tree.proposal;
            }
            weight = log_add(weight, tree.weight);
            let inner = if is_forward { &front } else { &back };
            let outer = if is_forward { &back } else { &front };
            let total = plus(&rho, &tree.rho);
            let goes_on = no_turn(outer, &tree.last, &total)
                && no_turn(outer, &tree.first, &plus(&rho, &tree.first.p))
                && no_turn(inner, &tree.last, &plus(&tree.rho, &inner.p));
            rho = total;
            *(if is_forward { &mut front } else { &mut back }) = tree.last;
            if !goes_on {
                break;
            }
        }
        Outcome {
            point: chosen,
            energy: self.start_energy,
            depth,
            is_divergent: self.is_divergent,
            acceptance: if self.steps == 0 { 0.0 } else { self.acceptance / self.steps as f64 },
        }
    }

    /// A subtree of `2^depth` points beyond `moving`; none if it turns or diverges.
    fn build(
        &mut self,
        depth: usize,
        moving: &mut (Point, Edge),
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
        let rho = plus(&one.rho, &two.rho);
        let goes_on = no_turn(&one.first, &two.last, &rho)
            && no_turn(&one.first, &two.first, &plus(&one.rho, &two.first.p))
            && no_turn(&one.last, &two.last, &plus(&two.rho, &one.last.p));
        let proposal = if takes_second { two.proposal } else { one.proposal };
        goes_on.then_some(Tree { first: one.first, last: two.last, rho, proposal, weight })
    }

    /// One leapfrog step.
    fn leaf(&mut self, moving: &mut (Point, Edge), sign: f64) -> Option<Tree> {
        let step = sign * self.step;
        let (point, edge) = moving;
        for (p, slope) in edge.p.iter_mut().zip(&point.gradient) {
            *p += 0.5 * step * slope;
        }
        for ((q, p), variance) in point.q.iter_mut().zip(&edge.p).zip(self.variance) {
            *q += step * variance * p;
        }
        self.steps += 1;
        let value = self.density.gradient(&point.q, &mut point.gradient);
        point.value = value.unwrap_or(f64::NEG_INFINITY);
        if value.is_none() {
            point.gradient.fill(0.0);
        }
        for (p, slope) in edge.p.iter_mut().zip(&point.gradient) {
            *p += 0.5 * step * slope;
        }
        *edge = self.edge(std::mem::take(&mut edge.p));
        let error = Self::energy(point, edge) - self.start_energy;
        // also where the energy is not a number
        if error.is_nan() || error > MAX_ERROR {
            self.is_divergent = true;
            return None;
        }
        self.acceptance += (-error).exp().min(1.0);
        let edge = edge.clone();
        Some(Tree {
            first: edge.clone(),
            rho: edge.p.clone(),
            last: edge,
            proposal: point.clone(),
            weight: -error,
        })
    }

    fn edge(&self, p: Vec<f64>) -> Edge {
        let velocity = p.iter().zip(self.variance).map(|(p, variance)| p * variance).collect();
        Edge { p, velocity }
    }

    fn energy(point: &Point, edge: &Edge) -> f64 {
        0.5 * dot(&edge.p, &edge.velocity) - point.value
    }
}

/// Whether both ends still move apart along the summed momentum.
fn no_turn(one: &Edge, other: &Edge, rho: &[f64]) -> bool {
    dot(&one.velocity, rho) > 0.0 && dot(&other.velocity, rho) > 0.0
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn plus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

fn log_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    if high == f64::NEG_INFINITY { high } else { high + (low - high).exp().ln_1p() }
}
