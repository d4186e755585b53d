//! From flat arguments to one family's update.

use super::argument::{Family, Parameters, UpdateArgs};
use crate::Error;
use bayes_engine::conjugate::{
    self, BetaPrior, Concentration, Counts, Events, Failures, GammaPrior, Marginal, NigPrior,
    NiwPrior, NormalPrior, ParetoPrior, Predictive, Sample, Update, Waits,
};

/// A checked request: the engine does the rest.
pub(super) enum Request {
    BetaBinomial { prior: BetaPrior, data: Counts, future: u32, level: f64 },
    GammaPoisson { prior: GammaPrior, data: Events, future: f64, level: f64 },
    NormalKnownSigma { prior: NormalPrior, sigma: f64, data: Sample, level: f64 },
    Nig { prior: NigPrior, data: Sample, level: f64 },
    DirichletMultinomial { prior: Concentration, counts: Vec<u64>, level: f64 },
    GammaExponential { prior: GammaPrior, data: Waits, level: f64 },
    BetaNegbin { prior: BetaPrior, data: Failures, level: f64 },
    UniformPareto { prior: ParetoPrior, values: Vec<f64>, level: f64 },
    Niw { prior: NiwPrior, rows: Vec<Vec<f64>>, level: f64 },
}

/// What the engine found, in one shape for all families.
pub(super) struct Answer {
    pub(super) family: Family,
    pub(super) posterior: Parameters,
    pub(super) marginals: Vec<Marginal>,
    pub(super) predictive: Predictive,
    pub(super) ln_marginal: f64,
    pub(super) reasons: Vec<String>,
}

impl Request {
    pub(super) fn answer(self) -> Result<Answer, Error> {
        Ok(match self {
            Self::BetaBinomial { prior, data, future, level } => {
                let update = conjugate::update_beta_binomial(prior, data, future, level)?;
                let empty = data.trials == 0;
                Answer::new(Family::BetaBinomial, update, empty.then_some(EMPTY), Parameters::from)
            }
            Self::GammaPoisson { prior, data, future, level } => {
                let update = conjugate::update_gamma_poisson(prior, &data, future, level)?;
                Answer::new(Family::GammaPoisson, update, None, Parameters::from)
            }
            Self::NormalKnownSigma { prior, sigma, data, level } => {
                let update = conjugate::update_normal_known_sigma(prior, sigma, &data, level)?;
                Answer::new(Family::NormalKnownSigma, update, None, Parameters::from)
            }
            Self::Nig { prior, data, level } => {
                let update = conjugate::update_nig(prior, &data, level)?;
                let caution = is_constant(&data).then_some(CONSTANT);
                Answer::new(Family::Nig, update, caution, Parameters::from)
            }
            Self::DirichletMultinomial { prior, counts, level } => {
                let update = conjugate::update_dirichlet_multinomial(&prior, &counts, level)?;
                let empty = counts.iter().all(|count| *count == 0);
                Answer::new(
                    Family::DirichletMultinomial,
                    update,
                    empty.then_some(EMPTY),
                    Parameters::from,
                )
            }
            other => return other.answer_rare(),
        })
    }

    /// The families that are asked for less.
    fn answer_rare(self) -> Result<Answer, Error> {
        Ok(match self {
            Self::GammaExponential { prior, data, level } => {
                let update = conjugate::update_gamma_exponential(prior, &data, level)?;
                Answer::new(Family::GammaExponential, update, None, Parameters::from)
            }
            Self::BetaNegbin { prior, data, level } => {
                let update = conjugate::update_beta_negbin(prior, &data, level)?;
                Answer::new(Family::BetaNegbin, update, None, Parameters::from)
            }
            Self::UniformPareto { prior, values, level } => {
                let update = conjugate::update_uniform_pareto(prior, &values, level)?;
                Answer::new(Family::UniformPareto, update, None, Parameters::from)
            }
            Self::Niw { prior, rows, level } => {
                let update = conjugate::update_niw(&prior, &rows, level)?;
                Answer::new(Family::Niw, update, None, Parameters::from)
            }
            other => return other.answer(),
        })
    }
}

const EMPTY: &str = "empty_group: there are no observations, the posterior is the prior";
const CONSTANT: &str =
    "constant_outcome: the data show no variation, what is said of the variance is the prior's";

fn is_constant(data: &Sample) -> bool {
    match data {
        Sample::Values(values) => values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq()),
        Sample::Statistics { n, sd, .. } => *n < 2 || sd.is_some_and(|sd| sd <= 0.0),
    }
}

impl Answer {
    fn new<P>(
        family: Family,
        update: Update<P>,
        caution: Option<&str>,
        wire: fn(P) -> Parameters,
    ) -> Self {
        Self {
            family,
            posterior: wire(update.posterior),
            marginals: update.marginals,
            predictive: update.predictive,
            ln_marginal: update.ln_marginal,
            reasons: caution.map(str::to_owned).into_iter().collect(),
        }
    }
}

impl TryFrom<UpdateArgs> for Request {
    type Error = Error;

    fn try_from(args: UpdateArgs) -> Result<Self, Error> {
        let family = args.family;
        let UpdateArgs { prior, data, sigma, future, level, .. } = args;
        family.refuse_foreign(prior.as_ref(), &data, sigma, future)?;
        let needed = || prior.clone().ok_or_else(|| family.missing_prior());
        Ok(match family {
            Family::BetaBinomial => Self::BetaBinomial {
                prior: prior.map_or(Ok(UNIFORM), |prior| prior.beta(family))?,
                data: data.successes(family)?,
                future: trials(future)?,
                level,
            },
            Family::GammaPoisson => Self::GammaPoisson {
                prior: needed()?.gamma(family)?,
                data: data.events(family)?,
                future: future.unwrap_or(1.0),
                level,
            },
            Family::NormalKnownSigma => Self::NormalKnownSigma {
                prior: needed()?.normal(family)?,
                sigma: sigma.ok_or(Error::Missing {
                    family: family.name(),
                    needed: "sigma, the known standard deviation of the data",
                    path: "/sigma",
                })?,
                data: data.sample(family)?,
                level,
            },
            Family::Nig => {
                Self::Nig { prior: needed()?.nig(family)?, data: data.sample(family)?, level }
            }
            Family::DirichletMultinomial => {
                let counts = data.counts.ok_or_else(|| family.missing_data())?;
                let prior = match prior {
                    Some(prior) => prior.concentration.ok_or_else(|| family.missing_prior())?,
                    None => vec![1.0; counts.len()],
                };
                Self::DirichletMultinomial { prior: Concentration(prior), counts, level }
            }
            Family::GammaExponential => Self::GammaExponential {
                prior: needed()?.gamma(family)?,
                data: data.waits(family)?,
                level,
            },
            Family::BetaNegbin => Self::BetaNegbin {
                prior: prior.map_or(Ok(UNIFORM), |prior| prior.beta(family))?,
                data: data.failures(family)?,
                level,
            },
            Family::UniformPareto => Self::UniformPareto {
                prior: needed()?.pareto(family)?,
                values: data.range(family)?,
                level,
            },
            Family::Niw => {
                Self::Niw { prior: needed()?.niw(family)?, rows: data.vectors(family)?, level }
            }
        })
    }
}

const UNIFORM: BetaPrior = BetaPrior { alpha: 1.0, beta: 1.0 };

/// `future` of `beta_binomial`, which counts trials.
fn trials(future: Option<f64>) -> Result<u32, Error> {
    let future = future.unwrap_or(1.0);
    let most = conjugate::MAX_FUTURE_TRIALS;
    if (1.0..=f64::from(most)).contains(&future) && future.fract() <= 0.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "1 to 10000")]
        return Ok(future as u32);
    }
    let message = format!("future = {future} is not a whole number of trials in 1..{most}");
    Err(bayes_engine::Error::new(bayes_engine::ErrorKind::Limit, "/future", message)
        .with_hint("predict fewer trials and scale the result")
        .into())
}
