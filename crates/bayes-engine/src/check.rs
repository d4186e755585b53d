//! Whether a model could have made its data: replicated data beside the observed, predictive ranks.

mod sensitivity;

pub use sensitivity::sensitivity;

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use crate::diagnose::{quantile, sorted};
use crate::psis;

/// One number that a data set is summed up by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "named as they read")]
pub enum Statistic {
    Mean,
    Sd,
    Min,
    Max,
    Median,
    /// The 5 % quantile.
    Q05,
    /// The 95 % quantile.
    Q95,
    /// Skewness.
    Skewness,
    /// Share of zeros.
    Zeros,
    /// Correlation of neighbours.
    Lag1,
}

impl Statistic {
    /// Its value of a data set; NaN where it has none.
    pub fn of(self, data: &[f64]) -> f64 {
        let n = data.len() as f64;
        let mean = data.iter().sum::<f64>() / n;
        let central = |power: i32| data.iter().map(|x| (x - mean).powi(power)).sum::<f64>() / n;
        match self {
            Self::Mean => mean,
            Self::Sd => (central(2) * n / (n - 1.0)).sqrt(),
            Self::Min => data.iter().copied().fold(f64::INFINITY, f64::min),
            Self::Max => data.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            Self::Median => quantile(&sorted(data), 0.5),
            Self::Q05 => quantile(&sorted(data), 0.05),
            Self::Q95 => quantile(&sorted(data), 0.95),
            Self::Skewness => central(3) / central(2).powf(1.5),
            Self::Zeros => data.iter().filter(|x| **x == 0.0).count() as f64 / n,
            Self::Lag1 => {
                let pairs = data.windows(2).map(|pair| (pair[0] - mean) * (pair[1] - mean));
                pairs.sum::<f64>() / n / central(2)
            }
        }
    }
}

/// A statistic of the data among those of replicated data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Check {
    /// Of the data.
    pub observed: f64,
    /// Mean over the replications.
    pub mean: f64,
    /// 5 %, 50 % and 95 % quantiles over the replications.
    pub quantiles: [f64; 3],
    /// Share of replications at or above the data, ties by half.
    pub tail: f64,
    /// Replications it rests on.
    pub count: usize,
}

/// Places a statistic of the data among those of replications; those without a value are left out.
pub fn place(observed: f64, replicated: &[f64]) -> Check {
    let kept: Vec<f64> = replicated.iter().copied().filter(|x| x.is_finite()).collect();
    let order = sorted(&kept);
    let count = order.len();
    let above = order.iter().filter(|x| **x > observed).count() as f64;
    #[expect(clippy::float_cmp, reason = "ties of counts and shares are exact")]
    let equal = order.iter().filter(|x| **x == observed).count() as f64;
    Check {
        observed,
        mean: order.iter().sum::<f64>() / count as f64,
        quantiles: [0.05, 0.5, 0.95].map(|p| quantile(&order, p)),
        tail: (above + 0.5 * equal) / count as f64,
        count,
    }
}

/// The rank of an observation under the posterior without it (LOO-PIT): uniform if the model is right.
///
/// Equal numbers (counts) are broken at random, by a seed.
pub fn left_out_rank(
    observed: f64,
    drawn: &[f64],
    log_lik: &[f64],
    efficiency: f64,
    uniform: f64,
) -> (f64, f64) {
    let ratios: Vec<f64> = log_lik.iter().map(|log| -log).collect();
    let smoothed = psis::smooth(&ratios, efficiency);
    let mut below = 0.0;
    let mut equal = 0.0;
    #[expect(clippy::float_cmp, reason = "ties of counts are exact")]
    for (log, y) in smoothed.log_weights.iter().zip(drawn) {
        if *y < observed {
            below += log.exp();
        } else if *y == observed {
            equal += log.exp();
        }
    }
    ((below + uniform * equal).clamp(0.0, 1.0), smoothed.shape)
}

/// Uniform numbers that break ties.
pub fn uniforms(seed: u64, count: usize) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..count).map(|_| ((random.next_u64() >> 12) as f64 + 0.5) / (1_u64 << 52) as f64).collect()
}

/// How far ranks are from uniform: the largest gap of their distribution function, and the probability of one
/// as large (Kolmogorov's limit with Stephens' correction for few).
pub fn uniformity(ranks: &[f64]) -> (f64, f64) {
    let order = sorted(ranks);
    let n = order.len() as f64;
    let gap = order
        .iter()
        .enumerate()
        .map(|(at, rank)| (rank - at as f64 / n).max((at as f64 + 1.0) / n - rank))
        .fold(0.0, f64::max);
    let t = (n.sqrt() + 0.12 + 0.11 / n.sqrt()) * gap;
    let mut p = 0.0;
    for k in 1..=100 {
        let sign = if k % 2 == 1 { 2.0 } else { -2.0 };
        let k = f64::from(k);
        p += sign * (-2.0 * k * k * t * t).exp();
    }
    // the series does not converge near 0, where the probability is 1
    (gap, if t < 0.2 { 1.0 } else { p.clamp(0.0, 1.0) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statistics_are_what_they_say() {
        let data = [0.0, 1.0, 2.0, 3.0, 10.0];
        let expected = [
            (Statistic::Mean, 3.2),
            (Statistic::Sd, 15.7_f64.sqrt()),
            (Statistic::Min, 0.0),
            (Statistic::Max, 10.0),
            (Statistic::Median, 2.0),
            (Statistic::Q05, 0.2),
            (Statistic::Q95, 8.6),
            // SciPy's skew
            (Statistic::Skewness, 1.209_900_441_472_048_2),
            (Statistic::Zeros, 0.2),
            (Statistic::Lag1, 0.136_305_732_484_076_46),
        ];
        for (statistic, value) in expected {
            let found = statistic.of(&data);
            assert!((found - value).abs() < 1e-12, "{statistic:?}: {found} {value}");
        }
    }

    #[test]
    fn a_tail_splits_ties() {
        let check = place(2.0, &[1.0, 2.0, 2.0, 3.0, f64::NAN]);
        assert_eq!((check.tail, check.count), (0.5, 4));
        assert!((check.mean - 2.0).abs() < 1e-12);
    }

    #[test]
    fn ranks_that_crowd_are_found() {
        let even: Vec<f64> = (0..200).map(|at| (f64::from(at) + 0.5) / 200.0).collect();
        assert!(uniformity(&even).1 > 0.999);
        let crowded: Vec<f64> = even.iter().map(|rank| 0.5 + 0.5 * (rank - 0.5)).collect();
        let (gap, p) = uniformity(&crowded);
        assert!((gap - 0.25).abs() < 0.01 && p < 1e-9, "{gap} {p}");
        // SciPy's kstwobign.sf(1.2) at the corrected statistic
        let n = 100.0_f64;
        let gap = 1.2 / (n.sqrt() + 0.12 + 0.11 / n.sqrt());
        let ranks: Vec<f64> =
            (0..100).map(|at| ((f64::from(at) + 1.0) / n - gap).clamp(0.0, 1.0)).collect();
        let (_, p) = uniformity(&ranks);
        assert!((p - 0.112_249_666_670_724_97).abs() < 1e-9, "{p}");
    }
}
