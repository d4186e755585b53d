//! Whether draws can be trusted: R-hat, effective sample sizes, Monte Carlo errors.
//!
//! Rank-normalised split R-hat and bulk and tail ESS after Vehtari et al. 2021 (Bayesian Analysis 16:667),
//! in the conventions of ArviZ. A quantity is given as its draws by chain.

mod summary;
mod verdict;

pub use summary::{Estimate, estimate};
pub use verdict::{Reason, Trust, Verdict, energy_fraction, verdict};

use crate::special::normal_quantile;

/// R-hat: the larger of those of ranks and of folded ranks; NaN of constant or too few draws.
pub fn r_hat(chains: &[&[f64]]) -> f64 {
    let Some(parts) = split(chains) else { return f64::NAN };
    let all: Vec<f64> = parts.iter().flatten().copied().collect();
    let median = quantile(&sorted(&all), 0.5);
    let folded: Vec<Vec<f64>> =
        parts.iter().map(|part| part.iter().map(|x| (x - median).abs()).collect()).collect();
    plain_r_hat(&ranked(&parts)).max(plain_r_hat(&ranked(&folded)))
}

/// Effective draws for the centre of the distribution.
pub fn ess_bulk(chains: &[&[f64]]) -> f64 {
    split(chains).map_or(f64::NAN, |parts| ess(&ranked(&parts)))
}

/// Effective draws for its 5 % and 95 % quantiles, the smaller.
pub fn ess_tail(chains: &[&[f64]]) -> f64 {
    let Some(parts) = split(chains) else { return f64::NAN };
    // of all draws, the middle one of an odd chain too
    let all: Vec<f64> = chains.iter().flat_map(|chain| chain.iter().copied()).collect();
    let all = sorted(&all);
    let of = |p: f64| {
        let limit = quantile(&all, p);
        let is_below = |x: &f64| if *x <= limit { 1.0 } else { 0.0 };
        ess(&parts.iter().map(|part| part.iter().map(is_below).collect()).collect::<Vec<_>>())
    };
    of(0.05).min(of(0.95))
}

/// Effective draws for the mean.
pub fn ess_mean(chains: &[&[f64]]) -> f64 {
    split(chains).map_or(f64::NAN, |parts| ess(&parts))
}

/// First and last half of every chain; none with fewer than 4 draws or a value that is no number.
fn split(chains: &[&[f64]]) -> Option<Vec<Vec<f64>>> {
    let length = chains.iter().map(|chain| chain.len()).min()?;
    let is_finite = chains.iter().all(|chain| chain.iter().all(|x| x.is_finite()));
    if length < 4 || !is_finite {
        return None;
    }
    let half = length / 2;
    let halves = chains
        .iter()
        .flat_map(|chain| [chain[..half].to_vec(), chain[length - half..length].to_vec()]);
    Some(halves.collect())
}

/// Type-7 quantiles of values in any order.
pub fn quantiles<const N: usize>(values: &[f64], p: [f64; N]) -> [f64; N] {
    let order = sorted(values);
    p.map(|p| quantile(&order, p))
}

pub(crate) fn sorted(values: &[f64]) -> Vec<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The type-7 quantile of sorted values.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a position in a list")]
pub(crate) fn quantile(sorted: &[f64], p: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let at = p * last as f64;
    let low = (at.floor() as usize).min(last);
    let high = (low + 1).min(last);
    sorted[low] + (at - low as f64) * (sorted[high] - sorted[low])
}

/// Normal scores of the ranks among all; ties share their mean rank.
fn ranked(parts: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut order: Vec<(f64, usize)> =
        parts.iter().flatten().copied().enumerate().map(|(at, x)| (x, at)).collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let count = order.len() as f64;
    let mut scores = vec![0.0; order.len()];
    let mut first = 0;
    #[expect(clippy::float_cmp, reason = "ties are equal draws")]
    for tied in order.chunk_by(|a, b| a.0 == b.0) {
        let rank = first as f64 + 0.5 * (tied.len() as f64 + 1.0);
        let score = normal_quantile((rank - 0.375) / (count + 0.25));
        for (_, at) in tied {
            scores[*at] = score;
        }
        first += tied.len();
    }
    let mut scores = scores.into_iter();
    parts.iter().map(|part| scores.by_ref().take(part.len()).collect()).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// With divisor `n - 1`.
fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (values.len() as f64 - 1.0)
}

fn plain_r_hat(parts: &[Vec<f64>]) -> f64 {
    let n = parts.first().map_or(0, Vec::len) as f64;
    let means: Vec<f64> = parts.iter().map(|part| mean(part)).collect();
    let within = mean(&parts.iter().map(|part| variance(part)).collect::<Vec<_>>());
    let between = n * variance(&means);
    ((between / within + n - 1.0) / n).sqrt()
}

/// Effective draws by autocorrelations, cut where pairs of them end to be positive (Geyer).
fn ess(parts: &[Vec<f64>]) -> f64 {
    let n = parts.first().map_or(0, Vec::len);
    let total = (n * parts.len()) as f64;
    let spread = parts
        .iter()
        .flatten()
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
    if spread.1 - spread.0 < f64::MIN_POSITIVE {
        return total;
    }
    let centred: Vec<Vec<f64>> = parts
        .iter()
        .map(|part| {
            let mean = mean(part);
            part.iter().map(|x| x - mean).collect()
        })
        .collect();
    // mean over the chains of the autocovariance with divisor n
    let covariance = |lag: usize| {
        let of = |part: &Vec<f64>| {
            part.iter().zip(&part[lag..]).map(|(a, b)| a * b).sum::<f64>() / n as f64
        };
        mean(&centred.iter().map(of).collect::<Vec<_>>())
    };
    let size = n as f64;
    let within = covariance(0) * size / (size - 1.0);
    let means: Vec<f64> = parts.iter().map(|part| mean(part)).collect();
    let between = if parts.len() > 1 { variance(&means) } else { 0.0 };
    let whole = within * (size - 1.0) / size + between;
    let rho = |lag: usize| 1.0 - (within - covariance(lag)) / whole;
    let tau = integrated(n, &rho);
    total / tau.max(1.0 / total.log10())
}

/// The integrated autocorrelation time: initial positive, then monotone sequence of pairs.
fn integrated(n: usize, rho: &dyn Fn(usize) -> f64) -> f64 {
    let mut list = vec![0.0; n.max(3)];
    (list[0], list[1]) = (1.0, rho(1));
    let (mut even, mut odd) = (list[0], list[1]);
    let mut lag = 1;
    while lag + 3 < n && even + odd > 0.0 {
        (even, odd) = (rho(lag + 1), rho(lag + 2));
        if even + odd >= 0.0 {
            (list[lag + 1], list[lag + 2]) = (even, odd);
        }
        lag += 2;
    }
    // the last lag of a positive pair
    let Some(last) = lag.checked_sub(2) else { return list[0] };
    if even > 0.0 {
        list[last + 1] = even;
    }
    let mut at = 1;
    while at + 2 <= last {
        let before = list[at - 1] + list[at];
        if list[at + 1] + list[at + 2] > before {
            (list[at + 1], list[at + 2]) = (0.5 * before, 0.5 * before);
        }
        at += 2;
    }
    -1.0 + 2.0 * list[..=last].iter().sum::<f64>() + list[last + 1]
}
