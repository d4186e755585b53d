//! `compare_groups`.

use bayes_engine::compare::{self, Effect, Evidence, TStatistic};
use mcp_core::prelude::*;

use super::engine_version;
use crate::{Error, Server};

/// A design with its data, raw or summarised.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CompareArgs {
    /// What is compared.
    design: Design,
    /// Values: of the first group, or of one variable.
    #[schemars(length(max = 100_000))]
    x: Option<Vec<f64>>,
    /// Values of the second group, pair by pair for paired and correlation.
    #[schemars(length(max = 100_000))]
    y: Option<Vec<f64>>,
    /// Instead of values: the t statistic (t designs) or Pearson's r (correlation), with n.
    statistic: Option<f64>,
    /// Observations of the (first) group, pairs, or trials (proportion).
    #[schemars(range(max = 1_000_000_000))]
    n: Option<u64>,
    /// Observations of the second group (`two_sample`).
    #[schemars(range(max = 1_000_000_000))]
    n2: Option<u64>,
    /// Successes among n trials (proportion).
    #[schemars(range(max = 1_000_000_000))]
    successes: Option<u64>,
    /// Value of the null hypothesis; default 0, of proportion 0.5.
    null: Option<f64>,
    /// Scale of the Cauchy prior on the effect (t designs).
    #[serde(default = "scale")]
    #[schemars(range(min = 0.1, max = 2.0))]
    r: f64,
    /// Mass of the interval.
    #[serde(default = "level")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    level: f64,
}

fn scale() -> f64 {
    std::f64::consts::FRAC_1_SQRT_2
}

fn level() -> f64 {
    0.95
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Design {
    OneSample,
    Paired,
    TwoSample,
    Correlation,
    Proportion,
}

/// The evidence.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CompareOutput {
    /// Bayes factor of a difference against none; absent beyond 1e300.
    #[serde(skip_serializing_if = "Option::is_none")]
    bf10: Option<f64>,
    /// Its natural log.
    log_bf10: f64,
    /// Relative error of the quadrature.
    error: f64,
    /// t, Pearson's r or the share of successes, from the data.
    statistic: f64,
    /// Standardised effect if there is one (t designs).
    #[serde(skip_serializing_if = "Option::is_none")]
    effect: Option<EffectOutput>,
    /// Evidence under other scales of the prior (t designs).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    robustness: Vec<ScaleOutput>,
    /// Whether the figures can be used as they are.
    reliable: bool,
    /// What to be careful about.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasons: Vec<String>,
    /// Version of the algorithms.
    engine_version: String,
}

/// Posterior of the effect in standard deviations.
#[derive(Debug, Serialize, JsonSchema)]
struct EffectOutput {
    /// Mean.
    mean: f64,
    /// Standard deviation.
    sd: f64,
    /// Equal-tailed interval.
    interval: [f64; 2],
    /// P(effect > 0).
    p_positive: f64,
}

/// Evidence under one scale.
#[derive(Debug, Serialize, JsonSchema)]
struct ScaleOutput {
    /// Scale.
    r: f64,
    /// Log Bayes factor.
    log_bf10: f64,
}

#[tool_router(router = compare_tools, vis = "pub(crate)")]
impl Server {
    /// Weigh a difference against none by a default Bayes factor: one sample, pairs or two groups (JZS t
    /// test), a correlation, a proportion. Takes values or published statistics; answers evidence, effect
    /// size and how both depend on the prior.
    #[tool(
        title = "Compare groups",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn compare_groups(
        &self,
        Parameters(args): Parameters<CompareArgs>,
        ct: CancellationToken,
    ) -> Result<Json<CompareOutput>> {
        Ok(Json(task::compute(&ct, move |_cancel| args.answer()).await??))
    }
}

impl CompareArgs {
    fn answer(self) -> Result<CompareOutput, Error> {
        self.refuse_foreign()?;
        match self.design {
            Design::Proportion => self.proportion(),
            Design::Correlation => self.correlation(),
            _ => self.t_test(),
        }
    }

    /// What the design does not use is a misunderstanding: it is refused, never ignored.
    fn refuse_foreign(&self) -> Result<(), Error> {
        let (family, takes, own): (_, _, &[&str]) = match self.design {
            Design::OneSample => {
                ("one_sample", "x, or statistic and n", &["x", "statistic", "n", "null"])
            }
            Design::Paired => {
                ("paired", "x and y, or statistic and n", &["x", "y", "statistic", "n"])
            }
            Design::TwoSample => (
                "two_sample",
                "x and y, or statistic, n and n2",
                &["x", "y", "statistic", "n", "n2"],
            ),
            Design::Correlation => {
                ("correlation", "x and y, or statistic and n", &["x", "y", "statistic", "n"])
            }
            Design::Proportion => ("proportion", "successes and n", &["n", "successes", "null"]),
        };
        let present = [
            ("x", self.x.is_some()),
            ("y", self.y.is_some()),
            ("statistic", self.statistic.is_some()),
            ("n", self.n.is_some()),
            ("n2", self.n2.is_some()),
            ("successes", self.successes.is_some()),
            ("null", self.null.is_some()),
        ];
        match present.into_iter().find(|(name, given)| *given && !own.contains(name)) {
            None => Ok(()),
            Some((name, _)) => {
                Err(Error::Unexpected { family, name, path: format!("/{name}"), takes })
            }
        }
    }

    fn t_test(self) -> Result<CompareOutput, Error> {
        let statistic = self.t_statistic()?;
        let evidence = compare::jzs(statistic, self.r)?;
        let effect = compare::effect(statistic, self.r, self.level)?;
        let mut output = CompareOutput::new(evidence, statistic.t);
        output.effect = Some(effect.into());
        for r in compare::ROBUSTNESS {
            let log_bf10 = compare::jzs(statistic, r)?.ln_bf10;
            output.robustness.push(ScaleOutput { r, log_bf10 });
        }
        let signs = output.robustness.iter().map(|other| other.log_bf10 > 0.0);
        if signs.clone().any(|sign| sign != (evidence.ln_bf10 > 0.0)) {
            output.reasons.push(
                "prior_sensitive: another usual scale of the prior turns the evidence around"
                    .to_owned(),
            );
        }
        Ok(output)
    }

    fn t_statistic(&self) -> Result<TStatistic, Error> {
        let needs_second = self.design == Design::TwoSample;
        match (self.statistic, self.n) {
            (Some(t), Some(n)) if self.x.is_none() && self.y.is_none() => {
                if needs_second && self.n2.is_none() {
                    return Err(missing("two_sample", "n2", "/n2"));
                }
                Ok(TStatistic { t, n, n2: self.n2 })
            }
            (None, None) if self.n2.is_none() && self.x.is_some() => self.t_of_values(),
            _ => Err(Error::OneOf {
                given: if self.x.is_some() { "both" } else { "none" },
                first: "x",
                second: "statistic with n",
                path: "",
            }),
        }
    }

    fn t_of_values(&self) -> Result<TStatistic, Error> {
        let x = self.x.as_ref().ok_or_else(|| missing("this design", "x", "/x"))?;
        if self.design == Design::OneSample {
            return Ok(TStatistic::of_one(x, self.null.unwrap_or(0.0))?);
        }
        let y = self.y.as_ref().ok_or_else(|| missing("this design", "y", "/y"))?;
        if self.design == Design::TwoSample {
            return Ok(TStatistic::of_two(x, y)?);
        }
        let differences: Vec<f64> = paired(x, y)?.map(|(x, y)| x - y).collect();
        Ok(TStatistic::of_one(&differences, 0.0)?)
    }

    fn correlation(&self) -> Result<CompareOutput, Error> {
        let (r, n) = match (self.statistic, self.n, &self.x, &self.y) {
            (Some(r), Some(n), None, None) => (r, n),
            (None, None, Some(x), Some(y)) => (
                compare::pearson(&paired(x, y)?.map(|(x, y)| [*x, *y]).collect::<Vec<_>>())?,
                x.len() as u64,
            ),
            _ => return Err(missing("correlation", "x and y, or statistic and n", "")),
        };
        Ok(CompareOutput::new(compare::correlation(r, n)?, r))
    }

    fn proportion(&self) -> Result<CompareOutput, Error> {
        let (Some(successes), Some(n)) = (self.successes, self.n) else {
            return Err(missing("proportion", "successes and n", ""));
        };
        let evidence = compare::proportion(successes, n, [1.0, 1.0], self.null.unwrap_or(0.5))?;
        #[expect(clippy::cast_precision_loss, reason = "up to 1e9")]
        let share = successes as f64 / n as f64;
        Ok(CompareOutput::new(evidence, share))
    }
}

fn missing(family: &'static str, needed: &'static str, path: &'static str) -> Error {
    Error::Missing { family, needed, path }
}

/// Pairs of equally long lists.
fn paired<'a>(
    x: &'a [f64],
    y: &'a [f64],
) -> Result<impl Iterator<Item = (&'a f64, &'a f64)>, Error> {
    if x.len() == y.len() {
        return Ok(x.iter().zip(y));
    }
    let message = format!("{} values of y for {} of x", y.len(), x.len());
    Err(bayes_engine::Error::new(bayes_engine::ErrorKind::Constraint, "/y", message)
        .with_hint("give both values of every pair, in the same order")
        .into())
}

impl CompareOutput {
    fn new(evidence: Evidence, statistic: f64) -> Self {
        let bf10 = evidence.ln_bf10.exp();
        Self {
            bf10: Some(bf10).filter(|bf10| *bf10 < 1e300),
            log_bf10: evidence.ln_bf10,
            error: evidence.error,
            statistic,
            effect: None,
            robustness: Vec::new(),
            reliable: true,
            reasons: Vec::new(),
            engine_version: engine_version(),
        }
    }
}

impl From<Effect> for EffectOutput {
    fn from(Effect { mean, sd, interval, p_positive }: Effect) -> Self {
        Self { mean, sd, interval, p_positive }
    }
}
