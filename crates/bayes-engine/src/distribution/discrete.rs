//! Predictive distributions of counts.

use crate::interval::equal_tails;
use crate::special::beta::ln_kernel as beta_kernel;
use crate::special::{IncompleteBeta, Mass, Unit, normal_score};

/// Successes among `n` further trials when the rate is Beta(`a`, `b`).
#[derive(Debug, Clone, Copy)]
pub struct BetaBinomial {
    n: u32,
    a: f64,
    b: f64,
}

impl BetaBinomial {
    /// `n` trials; `a`, `b` positive.
    pub(crate) fn new(n: u32, a: f64, b: f64) -> Self {
        Self { n, a, b }
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        f64::from(self.n) * self.a / (self.a + self.b)
    }

    /// Standard deviation.
    pub fn sd(&self) -> f64 {
        let (n, s) = (f64::from(self.n), self.a + self.b);
        (n * (self.a / s) * (self.b / s) * ((s + n) / (s + 1.0))).sqrt()
    }

    /// Smallest counts at which `P(Y <= k)` reaches either end of the equal-tailed `level`.
    ///
    /// Sums the probabilities outwards from the mean, so its time is proportional to `n`.
    pub fn interval(&self, level: f64) -> [f64; 2] {
        let n = self.n as usize;
        let mut probabilities = vec![0.0; n + 1];
        let whole = f64::from(self.n);
        let start = (0..n).take_while(|k| ((k + 1) as f64) < self.mean()).count();
        probabilities[start] = ln_beta_binomial(start as f64, whole, self.a, self.b).exp();
        for k in start + 1..=n {
            probabilities[k] = probabilities[k - 1] * self.ratio(k);
        }
        for k in (0..start).rev() {
            probabilities[k] = probabilities[k + 1] / self.ratio(k + 1);
        }
        let [low, high] = equal_tails(level);
        let (mut below, mut first) = (0.0, 0);
        for (k, p) in probabilities.iter().enumerate() {
            below += p;
            first = k;
            if below >= low.lower {
                break;
            }
        }
        let (mut above, mut last) = (0.0, n);
        for (k, p) in probabilities.iter().enumerate().rev() {
            above += p;
            last = k;
            if above > high.upper {
                break;
            }
        }
        [first as f64, last.max(first) as f64]
    }

    /// `P(k) / P(k - 1)`.
    fn ratio(&self, k: usize) -> f64 {
        let (n, k) = (f64::from(self.n), k as f64);
        (n - k + 1.0) / k * ((self.a + k - 1.0) / (self.b + n - k))
    }
}

/// `ln P(k)` of the beta-binomial distribution.
///
/// Bayes' rule read backwards: likelihood times prior over posterior, at the posterior mean. Every
/// factor is a density near its own peak, so nothing large cancels.
pub(crate) fn ln_beta_binomial(k: f64, n: f64, a: f64, b: f64) -> f64 {
    if n <= 0.0 {
        return 0.0;
    }
    let (post_a, post_b) = (a + k, b + (n - k));
    let total = post_a + post_b;
    let at = Unit { x: post_a / total, y: post_b / total };
    ln_binomial(k, n, at) + beta_kernel(a, b, at) - beta_kernel(post_a, post_b, at)
}

/// `ln` of the binomial probability of `k` successes in `n > 0`.
pub(crate) fn ln_binomial(k: f64, n: f64, at: Unit) -> f64 {
    if k <= 0.0 {
        return n * ln_unit(at.y, at.x);
    }
    if k >= n {
        return n * ln_unit(at.x, at.y);
    }
    beta_kernel(k, n - k, at) + (n / k / (n - k)).ln()
}

/// `ln value`, given one minus it.
fn ln_unit(value: f64, complement: f64) -> f64 {
    if complement < 0.5 { (-complement).ln_1p() } else { value.ln() }
}

/// Events in an exposure when their rate is Gamma distributed.
#[derive(Debug, Clone)]
pub struct NegativeBinomial {
    shape: f64,
    /// `rate / (rate + exposure)` and its complement.
    p: Unit,
}

impl NegativeBinomial {
    /// For an unknown rate Gamma(`shape`, `rate`) and a future `exposure`, all positive.
    pub(crate) fn new(shape: f64, rate: f64, exposure: f64) -> Self {
        let total = rate + exposure;
        Self { shape, p: Unit { x: rate / total, y: exposure / total } }
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.shape * (self.p.y / self.p.x)
    }

    /// Standard deviation.
    pub fn sd(&self) -> f64 {
        (self.mean() / self.p.x).sqrt()
    }

    /// Smallest counts at which `P(Y <= k)` reaches either end of the equal-tailed `level`.
    pub fn interval(&self, level: f64) -> [f64; 2] {
        equal_tails(level).map(|mass| self.quantile(mass))
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let reached = |k: f64| {
            let tails = IncompleteBeta::new(self.shape, k + 1.0).tails(self.p);
            if mass.lower <= mass.upper {
                tails.lower >= mass.lower
            } else {
                tails.upper <= mass.upper
            }
        };
        // a guess by the Cornish-Fisher expansion, then doubling steps to a bracket around it
        let z = normal_score(mass);
        let skewness = (1.0 + self.p.y) / (self.shape * self.p.y).sqrt();
        let guess = self.mean() + self.sd() * (z + skewness.min(2.0) / 6.0 * (z * z - 1.0)) - 0.5;
        let guess = guess.round().max(0.0);
        let (mut low, mut high, mut step) = (guess, guess, 1.0);
        if reached(guess) {
            while low >= 0.0 && reached(low) {
                (low, high) = (low - step, low);
                step *= 2.0;
            }
            low = low.max(-1.0);
        } else {
            while high < 9e15 && !reached(high) {
                (low, high) = (high, high + step);
                step *= 2.0;
            }
        }
        // not reached at `low`, reached at `high`
        while high - low > 1.0 {
            let middle = (0.5 * (low + high)).floor();
            if reached(middle) { high = middle } else { low = middle }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uniform_prior_makes_every_count_equally_likely() {
        for k in [0.0, 1.0, 17.0, 499_999.0, 1e6] {
            let ln = ln_beta_binomial(k, 1e6, 1.0, 1.0);
            assert!((ln + 1_000_001_f64.ln()).abs() < 1e-13, "{k}: {ln}");
        }
    }

    #[test]
    fn interval_of_one_trial_is_a_count() {
        let shown = |a, b| format!("{:?}", BetaBinomial::new(1, a, b).interval(0.95));
        assert_eq!(shown(2.0, 2.0), "[0.0, 1.0]");
        assert_eq!(shown(1.0, 999.0), "[0.0, 0.0]");
    }
}
