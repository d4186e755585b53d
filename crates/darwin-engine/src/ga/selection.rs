//! Who becomes a parent.

use crate::{Seed, method::ranking, stream::Stream};

/// How parents are chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SelectionKind {
    /// The best of a few drawn at random.
    #[default]
    Tournament,
    /// By place in the ranking, linearly: Baker (1985).
    Rank,
    /// In proportion to how far the cost lies below the worst: Holland (1975).
    Roulette,
    /// As roulette, with evenly spaced pointers: Baker (1987).
    Sus,
    /// Any of the best.
    Truncation,
}

/// Number of the stream that shuffles the pointers of a generation.
const SHARED: u64 = u64::MAX;

/// Chooses the parents of one generation.
#[derive(Debug)]
pub(crate) struct Mates<'a> {
    kind: SelectionKind,
    costs: &'a [f64],
    size: u32,
    /// Sums of weights up to each individual.
    wheel: Vec<f64>,
    /// The individuals that are drawn from, or the parent of each child.
    drawn: Vec<usize>,
}

impl<'a> Mates<'a> {
    /// From the costs of at least one individual; `size` is that of a tournament, `share` that of the
    /// best.
    pub(crate) fn new(
        (kind, size, share): (SelectionKind, u32, f64),
        costs: &'a [f64],
        (seed, generation): (Seed, u64),
    ) -> Self {
        let mut mates = Self { kind, costs, size, wheel: Vec::new(), drawn: Vec::new() };
        match kind {
            SelectionKind::Tournament => {}
            SelectionKind::Rank => mates.wheel = sums(rank_weights(costs)),
            SelectionKind::Roulette => mates.wheel = sums(weights(costs)),
            SelectionKind::Truncation => {
                mates.drawn = ranking(costs);
                mates.drawn.truncate(part(costs.len(), share));
            }
            SelectionKind::Sus => {
                let mut stream = Stream::new(seed, generation, SHARED);
                mates.drawn = pointers(&sums(weights(costs)), costs.len(), &mut stream);
            }
        }
        mates
    }

    /// A parent of the child of this number.
    pub(crate) fn pick(&self, stream: &mut Stream, child: usize) -> usize {
        match self.kind {
            SelectionKind::Tournament => tournament(stream, self.costs, self.size),
            SelectionKind::Rank | SelectionKind::Roulette => at(&self.wheel, stream.unit()),
            SelectionKind::Truncation => self.drawn[index(stream, self.drawn.len())],
            SelectionKind::Sus => self.drawn[child % self.drawn.len()],
        }
    }
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

/// The best of `size` individuals drawn with replacement; of equals, the first in number.
#[inline]
fn tournament(stream: &mut Stream, costs: &[f64], size: u32) -> usize {
    let mut best = index(stream, costs.len());
    for _ in 1..size {
        let other = index(stream, costs.len());
        let better = (costs[other], other) < (costs[best], best);
        best = if better { other } else { best };
    }
    best
}

/// How far each cost lies below the worst finite one; all alike where that says nothing.
fn weights(costs: &[f64]) -> Vec<f64> {
    let worst = costs.iter().copied().filter(|cost| cost.is_finite()).fold(f64::MIN, f64::max);
    let best = costs.iter().copied().fold(f64::INFINITY, f64::min);
    let span = worst - best;
    if !(span > 0.0 && span.is_finite()) {
        return vec![1.0; costs.len()];
    }
    costs.iter().map(|cost| if cost.is_finite() { (worst - cost) / span } else { 0.0 }).collect()
}

/// The best weighs 2, the worst 0.
#[expect(clippy::cast_precision_loss, reason = "a population is at most 10,000")]
fn rank_weights(costs: &[f64]) -> Vec<f64> {
    let last = costs.len().saturating_sub(1).max(1) as f64;
    let mut weights = vec![0.0; costs.len()];
    for (place, individual) in ranking(costs).into_iter().enumerate() {
        weights[individual] = 2.0 * (1.0 - place as f64 / last);
    }
    if costs.len() == 1 { vec![1.0] } else { weights }
}

fn sums(weights: Vec<f64>) -> Vec<f64> {
    let mut sum = 0.0;
    weights
        .into_iter()
        .map(|weight| {
            sum += weight;
            sum
        })
        .collect()
}

/// The individual at a share of the wheel.
fn at(wheel: &[f64], share: f64) -> usize {
    let wanted = share * wheel.last().copied().unwrap_or_default();
    wheel.partition_point(|sum| *sum <= wanted).min(wheel.len() - 1)
}

/// Evenly spaced pointers, in random order.
#[expect(clippy::cast_precision_loss, reason = "a population is at most 10,000")]
fn pointers(wheel: &[f64], count: usize, stream: &mut Stream) -> Vec<usize> {
    let from = stream.unit();
    let mut drawn: Vec<usize> =
        (0..count).map(|k| at(wheel, (k as f64 + from) / count as f64)).collect();
    for left in (1..drawn.len()).rev() {
        drawn.swap(left, index(stream, left + 1));
    }
    drawn
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a population is at most 10,000"
)]
fn part(size: usize, share: f64) -> usize {
    (libm::ceil(size as f64 * share) as usize).clamp(1, size.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Mean cost of the parents of 100 individuals with costs 0 to 99.
    fn mean(kind: SelectionKind, size: u32, share: f64) -> f64 {
        let costs: Vec<f64> = (0..100).map(f64::from).collect();
        let seed = Seed::new(3).unwrap();
        let mut sum = 0.0;
        for generation in 0..200 {
            let mates = Mates::new((kind, size, share), &costs, (seed, generation));
            let mut stream = Stream::new(seed, generation, 0);
            sum += (0..100).map(|child| costs[mates.pick(&mut stream, child)]).sum::<f64>();
        }
        sum / 20_000.0
    }

    #[test]
    fn pressure_is_that_of_the_law() {
        // The smallest of k uniform numbers in 0..n has mean n / (k + 1), about; a weight that falls
        // linearly has mean n / 3.
        for (size, expected) in [(1, 49.5), (2, 32.8), (3, 24.5), (7, 12.0)] {
            let seen = mean(SelectionKind::Tournament, size, 0.5);
            assert!((seen - expected).abs() < 1.0, "{size}: {seen}");
        }
        for kind in [SelectionKind::Rank, SelectionKind::Roulette, SelectionKind::Sus] {
            let seen = mean(kind, 1, 0.5);
            assert!((seen - 32.7).abs() < 1.0, "{kind:?}: {seen}");
        }
        let seen = mean(SelectionKind::Truncation, 1, 0.3);
        assert!((seen - 14.5).abs() < 0.5, "{seen}");
    }

    #[test]
    fn universal_sampling_takes_each_as_often_as_it_weighs() {
        let costs: Vec<f64> = (0..50).map(f64::from).collect();
        let seed = Seed::new(9).unwrap();
        let mates = Mates::new((SelectionKind::Sus, 1, 0.5), &costs, (seed, 1));
        let total: f64 = weights(&costs).iter().sum();
        for (individual, weight) in weights(&costs).into_iter().enumerate() {
            let count = mates.drawn.iter().filter(|one| **one == individual).count();
            let count = f64::from(u32::try_from(count).unwrap());
            assert!((count - 50.0 * weight / total).abs() < 1.0 + 1e-9);
        }
    }

    #[test]
    fn what_is_not_finite_is_no_parent_while_others_are() {
        let costs = [f64::INFINITY, 1.0, 2.0, f64::INFINITY];
        let seed = Seed::new(2).unwrap();
        let mut stream = Stream::new(seed, 0, 0);
        for kind in [SelectionKind::Roulette, SelectionKind::Sus] {
            let mates = Mates::new((kind, 2, 0.5), &costs, (seed, 0));
            assert!((0..100).all(|child| mates.pick(&mut stream, child) == 1), "{kind:?}");
        }
        let none = [f64::INFINITY; 3];
        let mates = Mates::new((SelectionKind::Roulette, 2, 0.5), &none, (seed, 0));
        assert!((0..100).all(|child| mates.pick(&mut stream, child) < 3));
    }
}
