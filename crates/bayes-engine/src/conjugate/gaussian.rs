//! Normal data: known spread, and unknown mean and spread together.

use super::count::size;
use super::{Marginal, Predictive, Update};
use crate::distribution::{InverseGamma, Normal, StudentT};
use crate::error::{self, Error, ErrorKind, Result};
use crate::special::gamma::ln_kernel;
use crate::special::normal_ln_pdf;
use crate::special::stirling::LN_SQRT_2PI;

/// Observations of one quantity.
#[derive(Debug, Clone, PartialEq)]
pub enum Sample {
    /// The values themselves.
    Values(Vec<f64>),
    /// Their number, mean and standard deviation (with `n - 1`).
    Statistics {
        /// Number of values, at least 1.
        n: u64,
        /// Their mean.
        mean: f64,
        /// Their standard deviation; absent when unknown, 0 when `n` is 1.
        sd: Option<f64>,
    },
}

/// Number, mean and sum of squares about the mean (absent when unknown).
#[derive(Debug, Clone, Copy)]
struct Moments {
    n: f64,
    mean: f64,
    squares: Option<f64>,
}

impl Sample {
    fn moments(&self) -> Result<Moments> {
        match self {
            Self::Values(values) => Self::of_values(values),
            Self::Statistics { n, mean, sd } => Self::of_statistics(*n, *mean, *sd),
        }
    }

    fn of_values(values: &[f64]) -> Result<Moments> {
        size("/data/values", values.len())?;
        for (index, value) in values.iter().enumerate() {
            error::finite(&format!("/data/values/{index}"), *value)?;
        }
        let n = values.len() as f64;
        let first = exact_sum(values.iter().map(|value| value / n));
        // a second pass takes out what rounding left in the first
        let mean = first + exact_sum(values.iter().map(|value| (value - first) / n));
        let squares = exact_sum(values.iter().map(|value| (value - mean) * (value - mean)));
        Ok(Moments { n, mean, squares: Some(error::finite("/data/values", squares)?) })
    }

    fn of_statistics(n: u64, mean: f64, sd: Option<f64>) -> Result<Moments> {
        if n == 0 {
            return Err(Error::new(ErrorKind::Constraint, "/data/n", "n = 0 is below 1")
                .with_hint("give the number of values that the mean is of"));
        }
        error::finite("/data/mean", mean)?;
        let n = n as f64;
        let squares = match sd {
            Some(sd) if error::finite("/data/sd", sd)? < 0.0 => {
                return Err(Error::new(
                    ErrorKind::Constraint,
                    "/data/sd",
                    format!("sd = {sd} is below 0"),
                ));
            }
            Some(sd) => Some((n - 1.0) * sd * sd),
            None if n < 2.0 => Some(0.0),
            None => None,
        };
        Ok(Moments { n, mean, squares })
    }
}

/// Neumaier's compensated sum.
fn exact_sum(values: impl Iterator<Item = f64>) -> f64 {
    let (mut sum, mut lost) = (0.0_f64, 0.0);
    for value in values {
        let next = sum + value;
        lost += if sum.abs() >= value.abs() { (sum - next) + value } else { (value - next) + sum };
        sum = next;
    }
    sum + lost
}

/// Normal belief about a mean.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NormalPrior {
    /// Centre.
    pub mean: f64,
    /// Standard deviation of the belief.
    pub sd: f64,
}

/// Normal prior on the mean of normal data whose standard deviation `sigma` is known.
///
/// The evidence is that of all values; of statistics without `sd`, that of the sample mean alone.
pub fn update_normal_known_sigma(
    prior: NormalPrior,
    sigma: f64,
    data: &Sample,
    level: f64,
) -> Result<Update<NormalPrior>> {
    error::finite("/prior/mean", prior.mean)?;
    error::positive("/prior/sd", prior.sd)?;
    error::positive("/sigma", sigma)?;
    error::level("/level", level)?;
    let Moments { n, mean, squares } = data.moments()?;
    // weights of prior and data, without squaring either spread on its own
    let ratio = n * (prior.sd / sigma) * (prior.sd / sigma);
    let posterior = NormalPrior {
        mean: prior.mean + (mean - prior.mean) * (ratio / (1.0 + ratio)),
        sd: prior.sd / (1.0 + ratio).sqrt(),
    };
    let spread = prior.sd.hypot(sigma / n.sqrt());
    let of_mean = normal_ln_pdf((mean - prior.mean) / spread) - spread.ln();
    let within = squares.map_or(0.0, |squares| {
        -(n - 1.0) * (LN_SQRT_2PI + sigma.ln()) - 0.5 * n.ln() - 0.5 * squares / sigma / sigma
    });
    let summary = Normal::new(posterior.mean, posterior.sd)?.summary(level);
    let next = Normal::new(posterior.mean, posterior.sd.hypot(sigma))?.summary(level);
    Ok(Update {
        posterior,
        marginals: vec![Marginal { name: "mean".into(), summary }],
        predictive: Predictive::value(&next),
        ln_marginal: of_mean + within,
    })
}

/// Normal-inverse-gamma belief: `sigma2 ~ InvGamma(shape, scale)`, `mean | sigma2 ~
/// Normal(mean, sigma2 / kappa)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NigPrior {
    /// Centre of the mean.
    pub mean: f64,
    /// How many observations the belief about the mean is worth.
    pub kappa: f64,
    /// Shape of the variance.
    pub shape: f64,
    /// Scale of the variance.
    pub scale: f64,
}

/// Normal data of unknown mean and variance. Statistics need `sd`.
pub fn update_nig(prior: NigPrior, data: &Sample, level: f64) -> Result<Update<NigPrior>> {
    error::finite("/prior/mean", prior.mean)?;
    error::positive("/prior/kappa", prior.kappa)?;
    error::shape("/prior/shape", prior.shape)?;
    error::positive("/prior/scale", prior.scale)?;
    error::level("/level", level)?;
    let Moments { n, mean, squares } = data.moments()?;
    let Some(squares) = squares else {
        return Err(Error::new(ErrorKind::Missing, "/data/sd", "sd is needed to learn a variance")
            .with_hint("give the standard deviation of the sample, or its values"));
    };
    let kappa = prior.kappa + n;
    let offset = mean - prior.mean;
    let between = prior.kappa / kappa * n * offset * offset;
    let posterior = NigPrior {
        mean: prior.mean + n / kappa * offset,
        kappa,
        shape: prior.shape + 0.5 * n,
        scale: prior.scale + 0.5 * (squares + between),
    };
    error::within_limits("/data", posterior.scale, f64::MIN_POSITIVE..=f64::MAX)?;
    let NigPrior { shape, scale, .. } = posterior;
    let location = posterior.mean;
    let mean = StudentT::new(2.0 * shape, location, (scale / shape / kappa).sqrt())?;
    let next = StudentT::new(2.0 * shape, location, (scale / shape * (1.0 + 1.0 / kappa)).sqrt())?;
    let variance = InverseGamma::new(shape, scale)?;
    Ok(Update {
        posterior,
        marginals: vec![
            Marginal { name: "mean".into(), summary: mean.summary(level) },
            Marginal { name: "sigma2".into(), summary: variance.summary(level) },
        ],
        predictive: Predictive::value(&next.summary(level)),
        ln_marginal: ln_nig_marginal(prior, posterior, n, squares + between),
    })
}

/// Likelihood times prior over posterior, at the posterior's centre `sigma2 = scale / shape`.
///
/// `squares` is that of the residuals about the prior's pull: the normal parts of prior and
/// likelihood at the posterior mean, taken together.
fn ln_nig_marginal(prior: NigPrior, posterior: NigPrior, n: f64, squares: f64) -> f64 {
    let variance = posterior.scale / posterior.shape;
    let normal = -n * (LN_SQRT_2PI + 0.5 * variance.ln())
        - 0.5 * squares / variance
        - 0.5 * (n / prior.kappa).ln_1p();
    normal + ln_kernel(prior.shape, prior.scale / variance)
        - ln_kernel(posterior.shape, posterior.shape)
}
