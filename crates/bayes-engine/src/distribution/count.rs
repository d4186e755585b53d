//! Distributions of counts.

use super::discrete::{ln_beta_binomial, ln_binomial};
use super::law::{Count, Moments};
use crate::ab::probability_greater;
use crate::conjugate::BetaPrior;
use crate::special::beta::ln_kernel as beta_kernel;
use crate::special::gamma::ln_kernel as gamma_kernel;
use crate::special::stirling::ln_beta;
use crate::special::{IncompleteBeta, IncompleteGamma, Mass, Unit};

/// Successes among `n` trials.
#[derive(Debug)]
pub(super) struct Binomial {
    pub(super) n: f64,
    pub(super) p: Unit,
}

impl Count for Binomial {
    fn ln_pmf(&self, k: f64) -> f64 {
        if self.n <= 0.0 { 0.0 } else { ln_binomial(k, self.n, self.p) }
    }

    fn mass(&self, k: f64) -> Mass {
        if k >= self.n {
            return Mass::above(0.0);
        }
        let tails = IncompleteBeta::new(k + 1.0, self.n - k).tails(self.p);
        Mass { lower: tails.upper, upper: tails.lower }
    }

    fn moments(&self) -> Moments {
        let variance = self.n * self.p.x * self.p.y;
        let skewness = (self.p.y - self.p.x) / variance.sqrt();
        let kurtosis = (1.0 - 6.0 * self.p.x * self.p.y) / variance;
        Moments::all(self.n * self.p.x, variance.sqrt(), skewness, kurtosis)
    }

    fn support(&self) -> [f64; 2] {
        [0.0, self.n]
    }
}

#[derive(Debug)]
pub(super) struct Poisson {
    pub(super) rate: f64,
}

impl Count for Poisson {
    fn ln_pmf(&self, k: f64) -> f64 {
        if k <= 0.0 { -self.rate } else { gamma_kernel(k, self.rate) - k.ln() }
    }

    fn mass(&self, k: f64) -> Mass {
        let tails = IncompleteGamma::new(k + 1.0).tails(self.rate);
        Mass { lower: tails.upper, upper: tails.lower }
    }

    fn moments(&self) -> Moments {
        let root = self.rate.sqrt();
        Moments::all(self.rate, root, 1.0 / root, 1.0 / self.rate)
    }
}

/// Failures before the `shape`-th success of probability `p`.
#[derive(Debug)]
pub(super) struct NegBinomial {
    pub(super) shape: f64,
    pub(super) p: Unit,
}

impl Count for NegBinomial {
    fn ln_pmf(&self, k: f64) -> f64 {
        if k <= 0.0 {
            let ln = if self.p.y < 0.5 { (-self.p.y).ln_1p() } else { self.p.x.ln() };
            return self.shape * ln;
        }
        beta_kernel(self.shape, k, self.p) - k.ln()
    }

    fn mass(&self, k: f64) -> Mass {
        let tails = IncompleteBeta::new(self.shape, k + 1.0).tails(self.p);
        Mass { lower: tails.lower, upper: tails.upper }
    }

    fn moments(&self) -> Moments {
        let (r, p, q) = (self.shape, self.p.x, self.p.y);
        let mean = r * (q / p);
        Moments::all(mean, (mean / p).sqrt(), (1.0 + q) / (q * r).sqrt(), (6.0 + p * (p / q)) / r)
    }
}

/// Successes among `n` trials when their rate is Beta(`a`, `b`).
#[derive(Debug)]
pub(super) struct BetaBinomial {
    pub(super) n: f64,
    pub(super) a: f64,
    pub(super) b: f64,
}

/// `P(X > k)` of a count whose tail is that of a beta variable above another.
fn beaten(below: [f64; 2], above: [f64; 2]) -> Mass {
    let prior = |[alpha, beta]: [f64; 2]| BetaPrior { alpha, beta };
    let p = |low, high| probability_greater(prior(low), prior(high)).unwrap_or(f64::NAN);
    Mass { lower: p(above, below), upper: p(below, above) }
}

impl Count for BetaBinomial {
    fn ln_pmf(&self, k: f64) -> f64 {
        ln_beta_binomial(k, self.n, self.a, self.b)
    }

    fn mass(&self, k: f64) -> Mass {
        if k >= self.n {
            return Mass::above(0.0);
        }
        // given the rate p, X > k if the (k+1)-th smallest of n uniforms is below p
        beaten([k + 1.0, self.n - k], [self.a, self.b])
    }

    fn moments(&self) -> Moments {
        let (n, a, b) = (self.n, self.a, self.b);
        let s = a + b;
        let sd = (n * (a / s) * (b / s) * ((s + n) / (s + 1.0))).sqrt();
        let skewness =
            (s + 2.0 * n) * (b - a) / (s + 2.0) * ((1.0 + s) / (n * a * b * (n + s))).sqrt();
        let inner = s * (s - 1.0 + 6.0 * n) + 3.0 * a * b * (n - 2.0) + 6.0 * n * n
            - 3.0 * a * b * n * (6.0 - n) / s
            - 18.0 * a * b * n * n / (s * s);
        let outer = s * s * (1.0 + s) / (n * a * b * (s + 2.0) * (s + 3.0) * (s + n));
        Moments::all(n * a / s, sd, skewness, outer * inner - 3.0)
    }

    fn support(&self) -> [f64; 2] {
        [0.0, self.n]
    }
}

/// From this count on the tail of a beta negative binomial is a power.
const FAR: f64 = 1e11;

/// Failures before the `r`-th success when the rate of success is Beta(`a`, `b`).
#[derive(Debug)]
pub(super) struct BetaNegBinomial {
    pub(super) r: f64,
    pub(super) a: f64,
    pub(super) b: f64,
}

impl Count for BetaNegBinomial {
    fn ln_pmf(&self, k: f64) -> f64 {
        let (r, a, b) = (self.r, self.a, self.b);
        if k <= 0.0 {
            return ln_beta(r + a, b) - ln_beta(a, b);
        }
        // likelihood times prior over posterior at the posterior mean: nothing large cancels
        let (post_a, post_b) = (a + r, b + k);
        let total = post_a + post_b;
        let at = Unit { x: post_a / total, y: post_b / total };
        beta_kernel(r, k, at) - k.ln() + beta_kernel(a, b, at) - beta_kernel(post_a, post_b, at)
    }

    fn mass(&self, k: f64) -> Mass {
        if k >= FAR {
            // a power tail: its sum is an integral up to a relative 1 / k
            return Mass::above((k / self.a * self.ln_pmf(k).exp()).min(1.0));
        }
        let Mass { lower, upper } = beaten([self.r, k + 1.0], [self.a, self.b]);
        Mass { lower: upper, upper: lower }
    }

    fn moments(&self) -> Moments {
        let (r, a, b) = (self.r, self.a, self.b);
        let (inner, outer) = (r * (a + r - 1.0), b * (a + b - 1.0));
        let sd = (inner * outer / (a - 2.0)).sqrt() / (a - 1.0);
        let skewness = (a + 2.0 * r - 1.0) * (a + 2.0 * b - 1.0)
            / ((a - 3.0) * (inner * outer / (a - 2.0)).sqrt());
        Moments::upto(a, [r * b / (a - 1.0), sd, skewness, f64::NAN])
    }
}

/// Marked items among `draws` from `marked` and `others`, without replacement.
#[derive(Debug)]
pub(super) struct Hypergeometric {
    pub(super) draws: f64,
    pub(super) marked: f64,
    pub(super) others: f64,
}

impl Hypergeometric {
    /// `P(k + 1) / P(k)`.
    fn ratio(&self, k: f64) -> f64 {
        (self.marked - k) / (k + 1.0) * ((self.draws - k) / (self.others - self.draws + k + 1.0))
    }
}

impl Count for Hypergeometric {
    fn ln_pmf(&self, k: f64) -> f64 {
        let total = self.marked + self.others;
        if self.draws <= 0.0 || self.draws >= total {
            return 0.0;
        }
        let at = Unit { x: self.draws / total, y: (total - self.draws) / total };
        let part = |k: f64, n: f64| if n <= 0.0 { 0.0 } else { ln_binomial(k, n, at) };
        part(k, self.marked) + part(self.draws - k, self.others) - part(self.draws, total)
    }

    fn mass(&self, k: f64) -> Mass {
        let [low, high] = self.support();
        if k >= high {
            return Mass::above(0.0);
        }
        let is_lower = k < self.draws * (self.marked / (self.marked + self.others));
        let mut at = if is_lower { k } else { k + 1.0 };
        let first = self.ln_pmf(at).exp();
        let (mut term, mut sum) = (1.0, 1.0);
        while term > 1e-18 * sum && (if is_lower { at > low } else { at < high }) {
            if is_lower {
                at -= 1.0;
                term /= self.ratio(at);
            } else {
                term *= self.ratio(at);
                at += 1.0;
            }
            sum += term;
        }
        if is_lower { Mass::below(first * sum) } else { Mass::above(first * sum) }
    }

    fn moments(&self) -> Moments {
        let (n, k, m) = (self.draws, self.marked, self.marked + self.others);
        let spread = n * k * (m - k) * (m - n);
        let sd = (spread / (m - 1.0)).sqrt() / m;
        let skewness =
            (m - 2.0 * k) * (m - 1.0).sqrt() * (m - 2.0 * n) / (spread.sqrt() * (m - 2.0));
        let kurtosis =
            ((m - 1.0) * m * m * (m * (m + 1.0) - 6.0 * k * (m - k) - 6.0 * n * (m - n))
                + 6.0 * spread * (5.0 * m - 6.0))
                / (spread * (m - 2.0) * (m - 3.0));
        Moments::all(n * k / m, sd, skewness, kurtosis)
    }

    fn support(&self) -> [f64; 2] {
        [(self.draws - self.others).max(0.0), self.draws.min(self.marked)]
    }
}

/// Each whole number of a range alike.
#[derive(Debug)]
pub(super) struct Range {
    pub(super) low: f64,
    pub(super) high: f64,
}

impl Count for Range {
    fn ln_pmf(&self, _k: f64) -> f64 {
        -(self.high - self.low + 1.0).ln()
    }

    fn mass(&self, k: f64) -> Mass {
        let size = self.high - self.low + 1.0;
        Mass { lower: (k - self.low + 1.0) / size, upper: (self.high - k) / size }
    }

    fn moments(&self) -> Moments {
        let size = self.high - self.low + 1.0;
        let variance = (size * size - 1.0) / 12.0;
        let kurtosis = -1.2 * (size * size + 1.0) / (size * size - 1.0);
        Moments::all(0.5 * (self.low + self.high), variance.sqrt(), 0.0, kurtosis)
    }

    fn support(&self) -> [f64; 2] {
        [self.low, self.high]
    }
}
