//! Whether ranks are uniform: the largest departure of their distribution function, each place judged by its
//! binomial distribution (Säilynoja, Bürkner and Vehtari 2103.10522). The probability of one as large is exact.

use super::DRAWS;
use crate::special::ln_gamma;

/// Bins of the histogram; they divide the ranks evenly.
const BINS: usize = 10;
/// Masses of the central intervals whose coverage is told.
const LEVELS: [f64; 2] = [0.5, 0.9];

/// What the ranks of one quantity say.
#[derive(Debug, Clone, PartialEq)]
pub struct Judged {
    /// Probability of a distribution function as far from uniform, if ranks are.
    pub p: f64,
    /// Share of true values within the central 50 % and 90 % intervals.
    pub coverage: [f64; 2],
    /// Simulations by tenth of the rank.
    pub histogram: [usize; BINS],
    /// Mean rank by the largest, 0.5 if uniform.
    pub mean: f64,
    /// Variance of that by the uniform one: above 1 draws are too narrow, below too wide.
    pub spread: f64,
}

/// Judges ranks 0 to [`DRAWS`].
pub fn judge(ranks: &[usize]) -> Judged {
    let n = ranks.len();
    let mut counts = [0_usize; DRAWS + 1];
    for rank in ranks {
        counts[(*rank).min(DRAWS)] += 1;
    }
    let values = (DRAWS + 1) as f64;
    let mut histogram = [0; BINS];
    for (rank, count) in counts.iter().enumerate() {
        histogram[rank * BINS / (DRAWS + 1)] += count;
    }
    let share = |level: f64| {
        let tail = 0.5 * (1.0 - level) * values;
        // a rank stands for the middle of its cell
        let is_in = |rank: &usize| (tail..=values - tail).contains(&(*rank as f64 + 0.5));
        let inside: usize = (0..=DRAWS).filter(is_in).map(|rank| counts[rank]).sum();
        inside as f64 / n.max(1) as f64
    };
    let of = |rank: &usize| *rank as f64 / DRAWS as f64;
    let mean = ranks.iter().map(of).sum::<f64>() / n.max(1) as f64;
    let square = ranks.iter().map(|rank| (of(rank) - 0.5).powi(2)).sum::<f64>() / n.max(1) as f64;
    let uniform = (values + 1.0) / (12.0 * (values - 1.0));
    Judged {
        p: probability(&counts, n),
        coverage: LEVELS.map(share),
        histogram,
        mean,
        spread: square / uniform,
    }
}

/// The exact probability that some place of the distribution function departs as far as the farthest does.
fn probability(counts: &[usize; DRAWS + 1], n: usize) -> f64 {
    if n == 0 {
        return 1.0;
    }
    let logs = LogFactorials::new(n);
    let mut least: f64 = 1.0;
    let mut sum = 0;
    for (place, count) in counts.iter().enumerate().take(DRAWS) {
        sum += count;
        let law = logs.binomial(n, chance(place));
        least = least.min(two_sided(&law)[sum]);
    }
    // P(every place stays within), place by place: counts so far are a Markov chain
    let mut state = vec![0.0; n + 1];
    state[0] = 1.0;
    let mut before = 0.0;
    for place in 0..DRAWS {
        let z = chance(place);
        let allowed = two_sided(&logs.binomial(n, z));
        let step = (z - before) / (1.0 - before);
        let mut next = vec![0.0; n + 1];
        for (had, mass) in state.iter().enumerate().filter(|(_, mass)| **mass > 1e-300) {
            for (more, slot) in next[had..].iter_mut().enumerate() {
                let to = had + more;
                // as far as the farthest counts as out
                if allowed[to] > least * (1.0 + 1e-9) {
                    *slot += mass * logs.log_mass(n - had, more, step).exp();
                } else if to as f64 > n as f64 * z {
                    break;
                }
            }
        }
        state = next;
        before = z;
    }
    (1.0 - state.iter().sum::<f64>()).clamp(0.0, 1.0)
}

/// P(rank <= place).
fn chance(place: usize) -> f64 {
    (place + 1) as f64 / (DRAWS + 1) as f64
}

/// Twice the smaller tail, the count itself in both.
fn two_sided(law: &[f64]) -> Vec<f64> {
    let total = |list: &mut dyn Iterator<Item = &f64>| -> Vec<f64> {
        list.scan(0.0, |sum, mass| {
            *sum += mass;
            Some(*sum)
        })
        .collect()
    };
    let below = total(&mut law.iter());
    let mut above = total(&mut law.iter().rev());
    above.reverse();
    below.iter().zip(&above).map(|(below, above)| (2.0 * below.min(*above)).min(1.0)).collect()
}

struct LogFactorials(Vec<f64>);

impl LogFactorials {
    fn new(n: usize) -> Self {
        Self((0..=n).map(|k| ln_gamma(k as f64 + 1.0)).collect())
    }

    fn log_mass(&self, n: usize, k: usize, p: f64) -> f64 {
        let (hits, misses) = (k as f64, (n - k) as f64);
        self.0[n] - self.0[k] - self.0[n - k] + hits * p.ln() + misses * (-p).ln_1p()
    }

    fn binomial(&self, n: usize, p: f64) -> Vec<f64> {
        (0..=n).map(|k| self.log_mass(n, k, p).exp()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Xorshift: enough for counts.
    fn uniforms(seed: u64) -> impl FnMut() -> f64 {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 11) as f64 / (1_u64 << 53) as f64
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 99")]
    fn ranks(n: usize, seed: u64, bend: impl Fn(f64) -> f64) -> Vec<usize> {
        let mut next = uniforms(seed);
        (0..n).map(|_| (bend(next()) * 100.0).floor().clamp(0.0, 99.0) as usize).collect()
    }

    /// Of 400 uniform samples 1 in 10 has p below 0.1: the probability is exact, not a bound.
    #[test]
    fn uniform_ranks_pass_as_often_as_they_should() {
        let below = (0..400).filter(|seed| judge(&ranks(60, *seed + 1, |u| u)).p < 0.1).count();
        assert!((16..=68).contains(&below), "{below} of 400");
    }

    #[test]
    fn what_is_too_narrow_too_wide_or_shifted_is_found() {
        let narrow = judge(&ranks(300, 1, |u| {
            0.5 + (u - 0.5).signum() * (2.0 * (u - 0.5).abs()).powf(0.6) / 2.0
        }));
        assert!(narrow.p < 0.01 && narrow.spread > 1.15, "{narrow:?}");
        assert!(narrow.coverage[0] < 0.45, "{narrow:?}");
        let wide = judge(&ranks(300, 2, |u| 0.5 + (u - 0.5) * 0.8));
        assert!(wide.p < 1e-6 && wide.spread < 0.8 && wide.coverage[1] > 0.95, "{wide:?}");
        let shifted = judge(&ranks(300, 3, |u| u * u));
        assert!(shifted.p < 1e-9 && shifted.mean < 0.4, "{shifted:?}");
        let fine = judge(&ranks(300, 4, |u| u));
        assert!(fine.p > 0.001 && (fine.mean - 0.5).abs() < 0.1, "{fine:?}");
        assert_eq!(fine.histogram.iter().sum::<usize>(), 300);
    }

    /// One rank: the farthest place is that where its probability is least.
    #[test]
    fn a_single_rank_has_the_probability_of_its_place() {
        // rank 0: at the first place both counts are possible, P(1) = 0.01, twice that 0.02; as far: rank 99
        let lone = judge(&[0]);
        assert!((lone.p - 0.02).abs() < 1e-12, "{lone:?}");
        assert!((judge(&[49]).p - 1.0).abs() < 1e-12);
        assert!((judge(&[]).p - 1.0).abs() < 1e-12);
    }
}
