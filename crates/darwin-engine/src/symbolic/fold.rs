//! Which formula to take: errors on rows that its numbers were not fitted to.

use super::{Candidate, Sample, machine::Machine, tree::Tree, tune::tune};
use crate::{Seed, stream::Stream};

/// Below this share of the target's deviation an error is rounding.
pub(super) const EXACT: f64 = 1e-10;
/// Steps that numbers get on the rows of a fold.
const STEPS: u32 = 8;
/// Streams of this number are of no generation.
const GENERATION: u64 = u64::MAX;

/// Why a formula was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// The smallest whose error is rounding.
    Exact,
    /// The smallest within a standard error of the least validated error.
    Validated,
    /// The least sum of the error's logarithm and a cost for size (BIC).
    Criterion,
}

impl Choice {
    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exact => "exact",
            Self::Validated => "cross_validation",
            Self::Criterion => "bic",
        }
    }
}

/// Numbers of the rows of each fold, dealt out at random.
pub(super) fn deal(rows: usize, folds: usize, seed: Seed) -> Vec<Vec<usize>> {
    let mut all: Vec<usize> = (0..rows).collect();
    let mut stream = Stream::new(seed, GENERATION, 0);
    for at in (1..rows).rev() {
        all.swap(at, super::grammar::pick(&mut stream, at + 1));
    }
    let mut dealt = vec![Vec::new(); folds];
    for (place, row) in all.into_iter().enumerate() {
        dealt[place % folds].push(row);
    }
    dealt.iter_mut().for_each(|fold| fold.sort_unstable());
    dealt
}

/// Root mean square over the rows of all folds, each by numbers that were fitted to the others, and the
/// standard error by folds; `None` when a value is not finite.
#[expect(clippy::cast_precision_loss, reason = "rows are few")]
pub(super) fn cross_validate(
    data: &Sample,
    folds: &[Vec<usize>],
    tree: &Tree,
) -> Option<(f64, f64)> {
    let mut means = Vec::with_capacity(folds.len());
    for (number, fold) in folds.iter().enumerate() {
        let mut rest: Vec<usize> = folds
            .iter()
            .enumerate()
            .filter(|(other, _)| *other != number)
            .flat_map(|(_, rows)| rows.clone())
            .collect();
        rest.sort_unstable();
        let (train, test) = (data.chosen(&rest), data.chosen(fold));
        let (mut machine, mut tree) = (Machine::new(&train), tree.clone());
        tune(&mut machine, &mut tree, STEPS);
        let sse = Machine::new(&test).sse(&tree);
        if !sse.is_finite() {
            return None;
        }
        means.push(sse / fold.len().max(1) as f64);
    }
    let count = means.len() as f64;
    let mean = means.iter().sum::<f64>() / count;
    let scatter: f64 = means.iter().map(|one| (one - mean) * (one - mean)).sum();
    let error = (scatter / (count - 1.0).max(1.0) / count).sqrt();
    let root = mean.sqrt();
    // Of a root, half the error over it.
    Some((root, if root > 0.0 { error / (2.0 * root) } else { 0.0 }))
}

/// The formula to take.
#[expect(clippy::cast_precision_loss, reason = "rows and sizes are small")]
pub(super) fn choose(front: &[Candidate], rows: usize) -> Option<(usize, Choice)> {
    if let Some(place) = front.iter().position(|one| one.exact) {
        return Some((place, Choice::Exact));
    }
    let validated = || front.iter().filter_map(|one| one.validated);
    let least = validated().min_by(|a, b| a.0.total_cmp(&b.0));
    if let Some((mean, error)) = least {
        let fits = |one: &Candidate| one.validated.is_some_and(|(m, _)| m <= mean + error);
        return front.iter().position(fits).map(|place| (place, Choice::Validated));
    }
    let rows = rows as f64;
    let cost =
        |one: &Candidate| 2.0 * rows * libm::log(one.rmse) + one.size as f64 * libm::log(rows);
    let best = (0..front.len()).min_by(|a, b| cost(&front[*a]).total_cmp(&cost(&front[*b])));
    best.map(|place| (place, Choice::Criterion))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(size: usize, rmse: f64, validated: Option<(f64, f64)>) -> Candidate {
        let r2 = 1.0 - rmse * rmse;
        Candidate {
            expression: String::new(),
            size,
            rmse,
            r2,
            worst: rmse,
            exact: rmse <= 0.0,
            validated,
        }
    }

    #[test]
    fn every_row_is_in_one_fold() {
        let dealt = deal(23, 5, Seed::new(4).unwrap());
        let mut all: Vec<usize> = dealt.concat();
        all.sort_unstable();
        assert_eq!(all, (0..23).collect::<Vec<_>>());
        assert!(dealt.iter().all(|fold| (4..=5).contains(&fold.len())));
        assert_ne!(dealt, deal(23, 5, Seed::new(5).unwrap()));
    }

    #[test]
    fn the_smallest_that_is_about_as_good_is_taken() {
        let front = [
            candidate(1, 0.9, Some((0.95, 0.1))),
            candidate(5, 0.2, Some((0.22, 0.05))),
            candidate(9, 0.18, Some((0.2, 0.03))),
            candidate(20, 0.1, Some((0.7, 0.4))),
        ];
        assert_eq!(choose(&front, 50), Some((1, Choice::Validated)));
        let exact = [front[0].clone(), candidate(7, 0.0, None), candidate(8, 0.0, None)];
        assert_eq!(choose(&exact, 50), Some((1, Choice::Exact)));
        let plain = [candidate(1, 0.9, None), candidate(5, 0.2, None), candidate(30, 0.19, None)];
        assert_eq!(choose(&plain, 50), Some((1, Choice::Criterion)));
        assert_eq!(choose(&[], 50), None);
    }
}
