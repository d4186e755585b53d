//! Vectors of normal data with unknown mean and covariance.

use super::{MAX_VALUES, Marginal, Predictive, Update};
use crate::distribution::{InverseGamma, StudentT};
use crate::error::{self, Error, ErrorKind, Result};
use crate::special::{ln_gamma, stirling::LN_SQRT_2PI};

/// Most components of a vector.
pub const MAX_COMPONENTS: usize = 20;

/// Normal-inverse-Wishart belief: `Sigma ~ InvWishart(df, scale)`, `mean | Sigma ~ Normal(mean, Sigma /
/// kappa)`.
#[derive(Debug, Clone, PartialEq)]
pub struct NiwPrior {
    /// Centre of the mean.
    pub mean: Vec<f64>,
    /// How many observations the belief about the mean is worth.
    pub kappa: f64,
    /// Degrees of freedom, above the number of components less 1.
    pub df: f64,
    /// Scale matrix by rows, positive definite.
    pub scale: Vec<Vec<f64>>,
}

/// Normal vectors of unknown mean and covariance; `rows` are the observations.
///
/// Marginals are `mean[i]` and `sigma2[i]`; the prediction is left out (a multivariate t).
pub fn update_niw(prior: &NiwPrior, rows: &[Vec<f64>], level: f64) -> Result<Update<NiwPrior>> {
    let d = check(prior, rows)?;
    error::level("/level", level)?;
    let n = rows.len() as f64;
    let mean: Vec<f64> = (0..d).map(|i| rows.iter().map(|row| row[i] / n).sum::<f64>()).collect();
    let kappa = prior.kappa + n;
    let pull = prior.kappa / kappa * n;
    let offset: Vec<f64> = mean.iter().zip(&prior.mean).map(|(x, m)| x - m).collect();
    let scale: Vec<Vec<f64>> = (0..d)
        .map(|i| {
            (0..d)
                .map(|j| {
                    let within: f64 =
                        rows.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum();
                    prior.scale[i][j] + within + pull * offset[i] * offset[j]
                })
                .collect()
        })
        .collect();
    let posterior = NiwPrior {
        mean: prior.mean.iter().zip(&offset).map(|(m, x)| m + n / kappa * x).collect(),
        kappa,
        df: prior.df + n,
        scale,
    };
    let ln_marginal = ln_norm(&posterior)? - ln_norm(prior)? - n * d as f64 * LN_SQRT_2PI;
    let mut marginals = Vec::with_capacity(2 * d);
    let freedom = posterior.df - d as f64 + 1.0;
    for i in 0..d {
        let spread = (posterior.scale[i][i] / freedom / kappa).sqrt();
        let law = StudentT::new(freedom, posterior.mean[i], spread)?;
        marginals.push(Marginal { name: format!("mean[{}]", i + 1), summary: law.summary(level) });
    }
    for i in 0..d {
        let law = InverseGamma::new(0.5 * freedom, 0.5 * posterior.scale[i][i])?;
        let name = format!("sigma2[{}]", i + 1);
        marginals.push(Marginal { name, summary: law.summary(level) });
    }
    let predictive = Predictive { mean: None, sd: None, interval: None, probabilities: None };
    Ok(Update { posterior, marginals, predictive, ln_marginal })
}

/// Log of what normalises the belief, less what prior and posterior share.
fn ln_norm(belief: &NiwPrior) -> Result<f64> {
    let d = belief.mean.len();
    let ln_gamma_d: f64 = (0..d).map(|i| ln_gamma(0.5 * (belief.df - i as f64))).sum();
    let dimension = d as f64;
    Ok(ln_gamma_d
        - 0.5 * belief.df * ln_determinant(&belief.scale)?
        - 0.5 * dimension * belief.kappa.ln()
        + 0.5 * belief.df * dimension * std::f64::consts::LN_2)
}

/// By Cholesky's factor.
fn ln_determinant(matrix: &[Vec<f64>]) -> Result<f64> {
    let d = matrix.len();
    let mut factor = vec![vec![0.0; d]; d];
    let mut sum = 0.0;
    for i in 0..d {
        for j in 0..=i {
            let dot: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = matrix[i][j] - dot;
            if i == j {
                if !(rest > 0.0 && rest.is_finite()) {
                    return Err(Error::new(
                        ErrorKind::Constraint,
                        "/prior/scale_matrix",
                        "the scale matrix is not positive definite",
                    )
                    .with_hint("give a symmetric matrix such as the identity times a variance"));
                }
                factor[i][i] = rest.sqrt();
                sum += rest.ln();
            } else {
                factor[i][j] = rest / factor[j][j];
            }
        }
    }
    Ok(sum)
}

fn check(prior: &NiwPrior, rows: &[Vec<f64>]) -> Result<usize> {
    let d = prior.mean.len();
    if !(1..=MAX_COMPONENTS).contains(&d) {
        let message = format!("{d} components are outside 1..{MAX_COMPONENTS}");
        return Err(Error::new(ErrorKind::Limit, "/prior/means", message)
            .with_hint("give one prior mean for each component"));
    }
    for (index, value) in prior.mean.iter().enumerate() {
        error::finite(&format!("/prior/means/{index}"), *value)?;
    }
    error::positive("/prior/kappa", prior.kappa)?;
    error::finite("/prior/df", prior.df)?;
    if prior.df <= d as f64 - 1.0 {
        let message = format!("df = {} is not above {}", prior.df, d - 1);
        return Err(Error::new(ErrorKind::Improper, "/prior/df", message)
            .with_hint("give more degrees of freedom than components"));
    }
    square(&prior.scale, d)?;
    if rows.is_empty() || rows.len() * d > MAX_VALUES {
        let message = format!("{} rows of {d} are outside 1..{MAX_VALUES} values", rows.len());
        return Err(Error::new(ErrorKind::Limit, "/data/rows", message)
            .with_hint("give at least one observation, and fewer than that many values"));
    }
    for (index, row) in rows.iter().enumerate() {
        if row.len() != d {
            let message = format!("{} values where the prior has {d} components", row.len());
            return Err(Error::new(ErrorKind::Constraint, format!("/data/rows/{index}"), message)
                .with_hint("every row holds one value for each component"));
        }
        for (column, value) in row.iter().enumerate() {
            error::finite(&format!("/data/rows/{index}/{column}"), *value)?;
        }
    }
    Ok(d)
}

fn square(matrix: &[Vec<f64>], d: usize) -> Result<()> {
    let path = "/prior/scale_matrix";
    if matrix.len() != d || matrix.iter().any(|row| row.len() != d) {
        let message = format!("the scale matrix is not {d} by {d}");
        return Err(Error::new(ErrorKind::Constraint, path, message)
            .with_hint("give one row and one column for each component"));
    }
    for (i, row) in matrix.iter().enumerate() {
        for (value, mirror) in row.iter().zip(matrix.iter().map(|other| other[i])) {
            error::finite(path, *value)?;
            if (value - mirror).abs() > 1e-12 * value.abs() {
                let message = "the scale matrix is not symmetric";
                return Err(Error::new(ErrorKind::Constraint, path, message)
                    .with_hint("entry [i][j] must equal entry [j][i]"));
            }
        }
    }
    ln_determinant(matrix).map(|_| ())
}
