//! `evaluate_distribution` and `elicit_prior`.

use std::collections::BTreeMap;

use bayes_engine::{
    distribution::Distribution,
    elicit::{self, Belief},
    fit, sample,
    special::Mass,
};
use mcp_core::prelude::*;

use super::engine_version;
use crate::{Error, Server};

/// A distribution and what is asked of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DistributionArgs {
    /// Stan's name: normal, `student_t`, gamma, beta, `neg_binomial_2`, ..; a wrong name is answered by all.
    #[schemars(length(max = 40))]
    dist: String,
    /// Parameters by Stan's names, e.g. {"mu": 0, "sigma": 1}; for fit, those that are known.
    #[serde(default)]
    params: BTreeMap<String, f64>,
    /// cdf = P(X <= x), sf = P(X > x), quantile takes probabilities.
    op: Op,
    /// Points, probabilities (quantile) or data (fit).
    #[serde(default)]
    #[schemars(length(max = 10_000))]
    x: Vec<f64>,
    /// Mass of the intervals of moments.
    #[serde(default = "level")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    level: f64,
    /// Draws (sample).
    #[serde(default = "draws")]
    #[schemars(range(min = 1, max = 10_000))]
    n: usize,
    /// Of sample: equal seeds, equal draws.
    #[serde(default)]
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: u64,
}

fn level() -> f64 {
    0.95
}

fn draws() -> usize {
    10
}

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Op {
    Pdf,
    LogPdf,
    Cdf,
    Sf,
    Quantile,
    Moments,
    Sample,
    Fit,
}

/// The answer.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(crate) struct DistributionOutput {
    /// One for each x, or the draws; null where infinite.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Vec<Option<f64>>>,
    /// What was asked by moments.
    #[serde(skip_serializing_if = "Option::is_none")]
    moments: Option<MomentsOutput>,
    /// What was asked by fit.
    #[serde(skip_serializing_if = "Option::is_none")]
    fit: Option<FitOutput>,
    /// Seed of the draws.
    #[serde(skip_serializing_if = "Option::is_none")]
    seed: Option<u64>,
    /// Whether the figures can be used as they are.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

/// Summary of a distribution, each where it exists.
#[derive(Debug, Serialize, JsonSchema)]
struct MomentsOutput {
    /// Mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// Standard deviation.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    /// Skewness.
    #[serde(skip_serializing_if = "Option::is_none")]
    skewness: Option<f64>,
    /// Kurtosis less 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    excess_kurtosis: Option<f64>,
    /// Median.
    median: f64,
    /// Equal-tailed interval.
    interval: [f64; 2],
    /// Shortest interval; absent for counts and densities with two peaks.
    #[serde(skip_serializing_if = "Option::is_none")]
    hdi: Option<[f64; 2]>,
    /// Ends of the support; null where it has none.
    support: [Option<f64>; 2],
}

/// The most likely member of the family.
#[derive(Debug, Serialize, JsonSchema)]
struct FitOutput {
    /// All parameters.
    params: BTreeMap<String, f64>,
    /// Log likelihood of the data.
    log_likelihood: f64,
    /// Akaike's criterion, to compare families on the same data.
    aic: f64,
}

/// What is known about a quantity.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ElicitArgs {
    /// Family of the prior, by Stan's name: normal, lognormal, gamma, beta, `student_t`, ..
    #[schemars(length(max = 40))]
    dist: String,
    /// Parameters that are given, e.g. {"nu": 4}.
    #[serde(default)]
    params: BTreeMap<String, f64>,
    /// P(quantity <= x) = p, rising. Or give mode and interval.
    #[schemars(length(min = 1, max = 20))]
    quantiles: Option<Vec<QuantileArg>>,
    /// Most likely value.
    mode: Option<f64>,
    /// Range around the mode.
    interval: Option<[f64; 2]>,
    /// Probability of that range.
    #[serde(default = "level")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    level: f64,
}

/// One quantile.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct QuantileArg {
    /// Probability.
    p: f64,
    /// Value.
    x: f64,
}

/// A prior.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ElicitOutput {
    /// Parameters by name.
    params: BTreeMap<String, f64>,
    /// The prior in Stan's words.
    stan_text: String,
    /// What the prior says of each probability that was named.
    probabilities: Vec<f64>,
    /// Largest miss of those.
    residual: f64,
    /// Whether all that was said is met.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

#[tool_router(router = distribution_tools, vis = "pub(crate)")]
impl Server {
    /// Evaluate one of 50 distributions: density, both tails exact to 1e-300, quantiles, moments with
    /// intervals, reproducible draws, or the maximum-likelihood fit to data.
    #[tool(
        title = "Evaluate a distribution",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn evaluate_distribution(
        &self,
        Parameters(args): Parameters<DistributionArgs>,
        ct: CancellationToken,
    ) -> Result<Json<DistributionOutput>> {
        Ok(Json(task::compute(&ct, move |cancel| args.answer(&|| cancel.is_cancelled())).await??))
    }

    /// Find the prior that says what is known of a quantity: quantiles, or a most likely value with a
    /// range. Answers its parameters, its Stan text and how far it misses.
    #[tool(
        title = "Elicit a prior",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn elicit_prior(
        &self,
        Parameters(args): Parameters<ElicitArgs>,
        ct: CancellationToken,
    ) -> Result<Json<ElicitOutput>> {
        Ok(Json(task::compute(&ct, move |_cancel| args.answer()).await??))
    }
}

impl DistributionArgs {
    fn answer(self, is_cancelled: &dyn Fn() -> bool) -> Result<DistributionOutput, Error> {
        let mut output = DistributionOutput {
            reliable: true,
            engine_version: engine_version(),
            ..Default::default()
        };
        if self.op == Op::Fit {
            output.fit = Some(self.fit(is_cancelled)?);
            return Ok(output);
        }
        let params = self.params.iter().map(|(name, value)| (name.as_str(), *value));
        let law = Distribution::new(&self.dist, params)?;
        match self.op {
            Op::Moments => output.moments = Some(moments(&law, self.level)?),
            Op::Sample => {
                let draws = sample::sample(&law, self.n, self.seed, is_cancelled)?;
                output.values = Some(draws.into_iter().map(finite).collect());
                output.seed = Some(self.seed);
            }
            _ => {
                let values = self.points(&law, is_cancelled)?;
                let infinite = values.iter().filter(|value| value.is_none()).count();
                if infinite > 0 {
                    output
                        .reasons
                        .push(format!("infinite: {infinite} values are infinite, given as null"));
                }
                output.values = Some(values);
            }
        }
        Ok(output)
    }

    fn points(
        &self,
        law: &Distribution,
        is_cancelled: &dyn Fn() -> bool,
    ) -> Result<Vec<Option<f64>>, Error> {
        if self.x.is_empty() {
            return Err(refused(bayes_engine::ErrorKind::Missing, "/x", "x is empty", "give x"));
        }
        let mut values = Vec::with_capacity(self.x.len());
        for (index, x) in self.x.iter().enumerate() {
            if is_cancelled() {
                return Err(bayes_engine::Error::cancelled().into());
            }
            values.push(finite(match self.op {
                Op::Pdf => law.ln_pdf(*x).exp(),
                Op::LogPdf => law.ln_pdf(*x),
                Op::Cdf => law.mass(*x).lower,
                Op::Sf => law.mass(*x).upper,
                _ if (0.0..=1.0).contains(x) => law.quantile(Mass::below(*x)),
                _ => {
                    return Err(refused(
                        bayes_engine::ErrorKind::Constraint,
                        &format!("/x/{index}"),
                        &format!("x = {x} is not a probability: outside 0..1"),
                        "quantile takes probabilities: the 5 % quantile is at 0.05",
                    ));
                }
            }));
        }
        Ok(values)
    }

    fn fit(&self, is_cancelled: &dyn Fn() -> bool) -> Result<FitOutput, Error> {
        let known = known(&self.params);
        let found = fit::fit(&self.dist, &known, &self.x, is_cancelled)?;
        #[expect(clippy::cast_precision_loss, reason = "a handful of parameters")]
        let free = (found.parameters.len() - known.len()) as f64;
        Ok(FitOutput {
            params: by_name(found.parameters),
            log_likelihood: found.ln_likelihood,
            aic: 2.0 * (free - found.ln_likelihood),
        })
    }
}

fn refused(kind: bayes_engine::ErrorKind, path: &str, message: &str, hint: &str) -> Error {
    bayes_engine::Error::new(kind, path, message).with_hint(hint).into()
}

fn finite(value: f64) -> Option<f64> {
    Some(value).filter(|value| value.is_finite())
}

fn known(params: &BTreeMap<String, f64>) -> Vec<(String, f64)> {
    params.iter().map(|(name, value)| (name.clone(), *value)).collect()
}

fn by_name(parameters: Vec<(&'static str, f64)>) -> BTreeMap<String, f64> {
    parameters.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn moments(law: &Distribution, level: f64) -> Result<MomentsOutput, Error> {
    let moments = law.moments();
    Ok(MomentsOutput {
        mean: moments.mean,
        sd: moments.sd,
        skewness: moments.skewness,
        excess_kurtosis: moments.excess_kurtosis,
        median: law.quantile(Mass::below(0.5)),
        interval: law.interval(level)?,
        hdi: law.hdi(level)?.filter(|ends| ends.iter().all(|end| end.is_finite())),
        support: law.support().map(finite),
    })
}

impl ElicitArgs {
    fn answer(self) -> Result<ElicitOutput, Error> {
        let belief = match (self.quantiles, self.mode, self.interval) {
            (Some(pairs), None, None) => {
                Belief::Quantiles(pairs.into_iter().map(|pair| (pair.p, pair.x)).collect())
            }
            (None, Some(mode), Some(interval)) => {
                Belief::ModeInterval { mode, interval, level: self.level }
            }
            (quantiles, ..) => {
                return Err(Error::OneOf {
                    given: if quantiles.is_some() { "both" } else { "none" },
                    first: "quantiles",
                    second: "mode with interval",
                    path: "",
                });
            }
        };
        let prior = elicit::elicit(&self.dist, &known(&self.params), &belief)?;
        let mut reasons = Vec::new();
        if prior.residual > elicit::MATCHES {
            reasons.push(format!(
                "compromise: no {} meets all of it, a probability is missed by {:.3}",
                self.dist, prior.residual
            ));
        }
        if prior.mode_miss.is_some_and(|miss| miss > elicit::MATCHES) {
            reasons.push(format!("compromise: the mode of this {} lies elsewhere", self.dist));
        }
        Ok(ElicitOutput {
            params: by_name(prior.parameters),
            stan_text: prior.stan_text,
            probabilities: prior.probabilities.iter().map(|(_, found)| *found).collect(),
            residual: prior.residual,
            reliable: reasons.is_empty(),
            reasons,
            engine_version: engine_version(),
        })
    }
}
