//! Comparing samples: quantiles, and tests that ask nothing of the distribution.

use std::cmp::Ordering;

/// The value below which a share of a sorted sample lies, between neighbours by interpolation; `None`
/// for an empty one.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "samples are small"
)]
pub fn quantile(sorted: &[f64], share: f64) -> Option<f64> {
    let place = share.clamp(0.0, 1.0) * (sorted.len().checked_sub(1)? as f64);
    let below = libm::floor(place) as usize;
    let (low, high) = (*sorted.get(below)?, *sorted.get(below + 1).or(sorted.last())?);
    let part = place - below as f64;
    // Equal ends stay as they are, infinite ones too.
    Some(if part <= 0.0 || low.total_cmp(&high).is_eq() { low } else { low + part * (high - low) })
}

/// Probability, under equal distributions, of rank sums that differ as much: Wilcoxon (1945), Mann &
/// Whitney (1947), two-sided, by the normal approximation with correction for ties and continuity.
/// 1 when all are equal or a sample is empty.
#[expect(clippy::cast_precision_loss, reason = "samples are small")]
pub fn rank_sum_test(a: &[f64], b: &[f64]) -> f64 {
    let (first, second) = (a.len() as f64, b.len() as f64);
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let (ranks, ties) = ranks(&all);
    let sum = ranks.iter().take(a.len()).sum::<f64>() - first * (first + 1.0) / 2.0;
    let total = first + second;
    let spread = first * second / 12.0 * (total + 1.0 - ties / (total * (total - 1.0)));
    if spread <= 0.0 || spread.is_nan() {
        return 1.0;
    }
    let z = ((sum - first * second / 2.0).abs() - 0.5).max(0.0) / libm::sqrt(spread);
    libm::erfc(z / std::f64::consts::SQRT_2).min(1.0)
}

/// Probability, if all treatments are alike, of ranks that differ as much: Friedman (1937), by the
/// chi-squared approximation with correction for ties. `rows` are blocks, with one value for each
/// treatment. 1 with fewer than two of either, or when all are equal.
#[expect(clippy::cast_precision_loss, reason = "samples are small")]
pub fn friedman_test(rows: &[Vec<f64>]) -> f64 {
    let treatments = rows.first().map_or(0, Vec::len);
    if treatments < 2 || rows.len() < 2 {
        return 1.0;
    }
    let (n, k) = (rows.len() as f64, treatments as f64);
    let mut sums = vec![0.0; treatments];
    let mut tied = 0.0;
    for row in rows {
        let (ranks, ties) = ranks(row);
        tied += ties;
        sums.iter_mut().zip(ranks).for_each(|(sum, rank)| *sum += rank);
    }
    let squares: f64 = sums.iter().map(|sum| sum * sum).sum();
    let correction = 1.0 - tied / (n * k * (k * k - 1.0));
    if correction <= 0.0 {
        return 1.0;
    }
    let statistic = (12.0 / (n * k * (k + 1.0)) * squares - 3.0 * n * (k + 1.0)) / correction;
    upper_gamma((k - 1.0) / 2.0, (statistic / 2.0).max(0.0))
}

/// Middle ranks from 1, and the sum of t^3 - t over groups of t equals.
#[expect(clippy::cast_precision_loss, reason = "samples are small")]
fn ranks(values: &[f64]) -> (Vec<f64>, f64) {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let compare =
        |a: &usize, b: &usize| values[*a].partial_cmp(&values[*b]).unwrap_or(Ordering::Equal);
    order.sort_by(compare);
    let (mut ranks, mut ties, mut first) = (vec![0.0; values.len()], 0.0, 0);
    for group in order.chunk_by(|a, b| compare(a, b).is_eq()) {
        let size = group.len() as f64;
        let rank = first as f64 + f64::midpoint(size, 1.0);
        for one in group {
            ranks[*one] = rank;
        }
        ties += size * size * size - size;
        first += group.len();
    }
    (ranks, ties)
}

/// Regularised upper incomplete gamma function: by its series below `shape` + 1, by Lentz's
/// continued fraction above.
fn upper_gamma(shape: f64, x: f64) -> f64 {
    if x <= 0.0 {
        return 1.0;
    }
    let front = libm::exp(shape * libm::log(x) - x - libm::lgamma(shape));
    if x < shape + 1.0 {
        return (1.0 - front * lower_series(shape, x)).clamp(0.0, 1.0);
    }
    let mut whole = x + 1.0 - shape;
    let (mut above, mut below) = (1e300, 1.0 / whole);
    let mut fraction = below;
    for k in 1..500 {
        let k = f64::from(k);
        let part = -k * (k - shape);
        whole += 2.0;
        below = 1.0 / (part * below + whole);
        above = whole + part / above;
        fraction *= below * above;
        if (below * above - 1.0).abs() < 1e-15 {
            break;
        }
    }
    (front * fraction).clamp(0.0, 1.0)
}

fn lower_series(shape: f64, x: f64) -> f64 {
    let (mut term, mut sum, mut next) = (1.0 / shape, 1.0 / shape, shape);
    while term > sum * 1e-16 {
        next += 1.0;
        term *= x / next;
        sum += term;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 8] = [1.1, 2.3, 2.3, 3.9, 5.0, 0.4, 2.2, 1.8];
    const B: [f64; 7] = [3.1, 4.4, 2.3, 6.0, 5.5, 7.1, 4.9];

    #[test]
    fn figures_are_those_of_scipy() {
        // scipy 1.17.1: mannwhitneyu(A, B, method="asymptotic"), friedmanchisquare(...).
        assert!((rank_sum_test(&A, &B) - MANN_WHITNEY).abs() < 1e-12, "{}", rank_sum_test(&A, &B));
        let rows: Vec<Vec<f64>> = (0..7).map(|k| vec![A[k], B[k], A[7 - k] * 2.0]).collect();
        assert!((friedman_test(&rows) - FRIEDMAN).abs() < 1e-12, "{}", friedman_test(&rows));
        for (a, x, expected) in GAMMA {
            assert!((upper_gamma(a, x) - expected).abs() < 1e-13, "{a} {x}");
        }
    }

    const MANN_WHITNEY: f64 = 0.017_268_872_420_121_74;
    const FRIEDMAN: f64 = 0.030_197_383_422_318_5;
    const GAMMA: [(f64, f64, f64); 4] = [
        (0.5, 0.2, 0.527_089_256_865_538_1),
        (1.0, 3.0, 0.049_787_068_367_863_95),
        (2.5, 1.0, 0.849_145_036_084_609_6),
        (4.0, 9.0, 0.021_226_486_302_908_9),
    ];

    #[test]
    fn equal_samples_differ_by_chance() {
        assert!((rank_sum_test(&[1.0; 5], &[1.0; 5]) - 1.0).abs() < 1e-15);
        assert!((rank_sum_test(&[], &[1.0]) - 1.0).abs() < 1e-15);
        assert!((friedman_test(&vec![vec![2.0; 3]; 4]) - 1.0).abs() < 1e-15);
        assert!(rank_sum_test(&[f64::INFINITY, 1.0], &[2.0, f64::INFINITY]) > 0.5);
    }

    #[test]
    fn quantiles_lie_between_their_neighbours() {
        let sorted = [1.0, 2.0, 4.0, f64::INFINITY];
        assert_eq!(quantile(&sorted, 0.0), Some(1.0));
        assert_eq!(quantile(&sorted, 0.5), Some(3.0));
        assert_eq!(quantile(&sorted, 1.0), Some(f64::INFINITY));
        assert_eq!(quantile(&[], 0.5), None);
    }
}
