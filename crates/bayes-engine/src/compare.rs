//! Bayes factors of group comparisons, exact by quadrature.
//!
//! Default (JZS) tests: a Cauchy prior of scale `r` on the standardised effect, which is a mixture of
//! normal priors over `g` (Rouder et al. 2009, "Bayesian t tests for accepting and rejecting the null
//! hypothesis"; Wetzels and Wagenmakers 2012 for correlations). In `ln g` every integrand is positive,
//! analytic and falls on both sides: the trapezoid rule is exact to the last digits.

mod effect;

use crate::distribution::{ln_beta_binomial, ln_binomial};
use crate::error::{self, Error, ErrorKind, Result};
use crate::special::Unit;
use crate::special::stirling::LN_SQRT_2PI;
pub use effect::Effect;

/// Scales of the prior on the effect that are served; `sqrt(2) / 2` is the usual one.
pub const SCALES: std::ops::RangeInclusive<f64> = 0.1..=2.0;
/// Other scales at which the evidence is reported.
pub const ROBUSTNESS: [f64; 3] = [std::f64::consts::FRAC_1_SQRT_2, 1.0, std::f64::consts::SQRT_2];
/// Most observations of one group.
pub const MAX_GROUP: u64 = 1_000_000_000;

/// Step in `ln g`, and its range: below, `exp(-1 / 2g)` underflows; above, the tail falls as `1 / g`.
const STEP: f64 = 0.2;
const LOW: f64 = -8.0;
const NODES: u32 = 280;

/// A t statistic with what it came from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TStatistic {
    /// Mean difference over its standard error.
    pub t: f64,
    /// Observations of the first (or only) group.
    pub n: u64,
    /// Observations of the second group; absent for one sample and for pairs.
    pub n2: Option<u64>,
}

impl TStatistic {
    /// From the values of one group (or of differences of pairs) and a value to compare with.
    pub fn of_one(values: &[f64], against: f64) -> Result<Self> {
        let (mean, squares) = moments("/x", values)?;
        let n = values.len() as f64;
        let t = (mean - against) / (squares / (n - 1.0) / n).sqrt();
        Ok(Self { t: error::finite("/x", t)?, n: values.len() as u64, n2: None })
    }

    /// From the values of two independent groups of equal variance; positive if the first is larger.
    pub fn of_two(first: &[f64], second: &[f64]) -> Result<Self> {
        let (one, squares) = moments("/x", first)?;
        let (two, more) = moments("/y", second)?;
        let (n, m) = (first.len() as f64, second.len() as f64);
        let pooled = (squares + more) / (n + m - 2.0);
        let t = (one - two) / (pooled * (1.0 / n + 1.0 / m)).sqrt();
        let n2 = Some(second.len() as u64);
        Ok(Self { t: error::finite("/x", t)?, n: first.len() as u64, n2 })
    }

    /// Effective observations and degrees of freedom.
    fn sizes(self) -> Result<(f64, f64)> {
        error::finite("/statistic", self.t)?;
        let least = if self.n2.is_some() { 1 } else { 2 };
        for (path, n) in [("/n", Some(self.n)), ("/n2", self.n2)] {
            let Some(n) = n else { continue };
            if !(least..=MAX_GROUP).contains(&n) {
                let message = format!("{n} observations are outside {least}..{MAX_GROUP}");
                return Err(Error::new(ErrorKind::Limit, path, message)
                    .with_hint("give the number of observations of each group"));
            }
        }
        let n = self.n as f64;
        let Some(m) = self.n2.map(|n2| n2 as f64) else { return Ok((n, n - 1.0)) };
        if n + m < 3.0 {
            return Err(Error::new(ErrorKind::Limit, "/n", "two observations have no variance")
                .with_hint("give at least three observations in all"));
        }
        Ok((n * (m / (n + m)), n + m - 2.0))
    }
}

/// Mean and sum of squares about it; values must vary.
fn moments(path: &str, values: &[f64]) -> Result<(f64, f64)> {
    if values.len() < 2 {
        let message = format!("{} values are fewer than 2", values.len());
        return Err(Error::new(ErrorKind::Missing, path, message)
            .with_hint("give at least two values of each group"));
    }
    for (index, value) in values.iter().enumerate() {
        error::finite(&format!("{path}/{index}"), *value)?;
    }
    let n = values.len() as f64;
    let mean = values.iter().map(|x| x / n).sum::<f64>();
    let squares = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    if squares > 0.0 {
        return Ok((mean, squares));
    }
    Err(Error::new(ErrorKind::Constraint, path, "all values are equal")
        .with_hint("an effect in standard deviations needs values that vary"))
}

/// What the data say about two hypotheses.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evidence {
    /// Log of the Bayes factor of the alternative against the null hypothesis.
    pub ln_bf10: f64,
    /// Relative error of the quadrature.
    pub error: f64,
}

impl Evidence {
    fn exact(ln_bf10: f64) -> Self {
        Self { ln_bf10, error: 1e-12 }
    }

    /// Sums `exp(ln_integrand)` over `ln g`; half the nodes give the error.
    fn integrate(ln_integrand: impl Fn(f64) -> f64) -> Self {
        let nodes: Vec<f64> = (0..NODES).map(|i| ln_integrand(LOW + STEP * f64::from(i))).collect();
        let peak = nodes.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let sum = |stride: usize| -> f64 {
            nodes.iter().step_by(stride).map(|ln| (ln - peak).exp()).sum::<f64>() * stride as f64
        };
        let (fine, coarse) = (sum(1), sum(2));
        // twice the step has the square root of the error
        let half = (coarse / fine - 1.0).abs();
        Self { ln_bf10: peak + (STEP * fine).ln(), error: (half * half).max(1e-13) }
    }
}

/// The JZS t test: Cauchy(0, `r`) on the standardised difference against none.
pub fn jzs(statistic: TStatistic, r: f64) -> Result<Evidence> {
    let (n, df) = statistic.sizes()?;
    scale(r)?;
    let square = statistic.t * (statistic.t / df);
    Ok(Evidence::integrate(|u| {
        let widened = 1.0 + n * u.exp() * r * r;
        // ((1 + t^2/v) / (1 + t^2/(v widened))) without cancellation
        let gain = (square * (1.0 - 1.0 / widened) / (1.0 + square / widened)).ln_1p();
        ln_mixing(u) - 0.5 * widened.ln() + 0.5 * (df + 1.0) * gain
    }))
}

/// The effect's posterior under the JZS prior, by its mixture over `g`.
pub fn effect(statistic: TStatistic, r: f64, level: f64) -> Result<Effect> {
    let (n, df) = statistic.sizes()?;
    scale(r)?;
    error::level("/level", level)?;
    Ok(Effect::new(statistic.t, n, df, r, level))
}

fn scale(r: f64) -> Result<()> {
    error::finite("/r", r)?;
    if SCALES.contains(&r) {
        return Ok(());
    }
    let message = format!("r = {r} is outside {}..{}", SCALES.start(), SCALES.end());
    Err(Error::new(ErrorKind::Constraint, "/r", message)
        .with_hint("0.707 is medium, 1 wide, 1.414 very wide"))
}

/// Log density of `ln g` for an inverse-gamma(1/2, 1/2) `g`.
fn ln_mixing(u: f64) -> f64 {
    -LN_SQRT_2PI - 0.5 * u - 0.5 * (-u).exp()
}

/// The default test of a correlation `r` among `n` pairs (Jeffreys, Zellner and Siow).
pub fn correlation(r: f64, n: u64) -> Result<Evidence> {
    if error::finite("/statistic", r)?.abs() >= 1.0 {
        let message = format!("correlation = {r} is not strictly within -1..1");
        return Err(Error::new(ErrorKind::Constraint, "/statistic", message)
            .with_hint("a perfect correlation leaves nothing to test"));
    }
    if !(3..=MAX_GROUP).contains(&n) {
        let message = format!("n = {n} pairs are outside 3..{MAX_GROUP}");
        return Err(Error::new(ErrorKind::Limit, "/n", message).with_hint("give at least 3 pairs"));
    }
    let n = n as f64;
    Ok(Evidence::integrate(|u| {
        // g in units of n: the prior is inverse-gamma(1/2, n/2)
        let g = n * u.exp();
        let gain = (-(r * r) * (g / (1.0 + g))).ln_1p();
        ln_mixing(u) - 0.5 * g.ln_1p() - 0.5 * (n - 1.0) * gain
    }))
}

/// Pearson's correlation of pairs; both values must vary.
pub fn pearson(pairs: &[[f64; 2]]) -> Result<f64> {
    let [x, y] = [0, 1].map(|side| pairs.iter().map(|pair| pair[side]).collect::<Vec<_>>());
    let ((mean_x, squares_x), (mean_y, squares_y)) = (moments("/x", &x)?, moments("/y", &y)?);
    let products: f64 = x.iter().zip(&y).map(|(x, y)| (x - mean_x) * (y - mean_y)).sum();
    Ok(products / squares_x.sqrt() / squares_y.sqrt())
}

/// A rate against one value: Beta(`prior`) against exactly `theta`.
pub fn proportion(successes: u64, trials: u64, prior: [f64; 2], theta: f64) -> Result<Evidence> {
    error::successes("", successes, trials)?;
    error::shape("/prior/0", prior[0])?;
    error::shape("/prior/1", prior[1])?;
    error::probability("/theta", theta)?;
    if trials == 0 || theta <= 0.0 || theta >= 1.0 {
        let path = if trials == 0 { "/trials" } else { "/theta" };
        return Err(Error::new(ErrorKind::Constraint, path, "nothing is left to chance")
            .with_hint("give at least one trial and a theta strictly between 0 and 1"));
    }
    let (k, n) = (successes as f64, trials as f64);
    let null = ln_binomial(k, n, Unit::new(theta));
    Ok(Evidence::exact(ln_beta_binomial(k, n, prior[0], prior[1]) - null))
}
