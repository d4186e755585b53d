//! Arguments of `update_conjugate`: flat, with a family that says which fields count.

use bayes_engine::conjugate::{
    BetaPrior, Concentration, Counts, Events, Failures, GammaPrior, NigPrior, NiwPrior,
    NormalPrior, ParetoPrior, Sample, Waits,
};
use mcp_core::prelude::*;

use crate::Error;

/// A family, a prior and data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateArgs {
    /// Prior and likelihood.
    pub(super) family: Family,
    /// Beta families: alpha, beta; dirichlet: concentration (these are uniform by default); gamma: shape, rate;
    /// `normal_known_sigma`: mean, sd; nig: mean, kappa, shape, scale; niw: means, kappa, df, `scale_matrix`;
    /// pareto: scale, shape.
    pub(super) prior: Option<Parameters>,
    /// `beta_binomial`: successes, trials; `beta_negbin`: r, counts; dirichlet: counts; `gamma_poisson`: counts, or
    /// events and exposure; `gamma_exponential`: values, or n and exposure; normal and nig: values, or n, mean, sd;
    /// pareto: values; niw: rows.
    pub(super) data: DataArgs,
    /// Known standard deviation of the data (`normal_known_sigma`).
    #[schemars(range(min = 0.0))]
    pub(super) sigma: Option<f64>,
    /// Trials (1 to 10000) or exposure to predict; default 1.
    #[schemars(range(min = 0.0))]
    pub(super) future: Option<f64>,
    /// Mass of the intervals.
    #[serde(default = "level")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    pub(super) level: f64,
}

fn level() -> f64 {
    0.95
}

/// Prior and likelihood that fit together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Family {
    BetaBinomial,
    GammaPoisson,
    NormalKnownSigma,
    Nig,
    DirichletMultinomial,
    GammaExponential,
    BetaNegbin,
    UniformPareto,
    Niw,
}

/// Parameters of a prior or posterior; which ones depends on the family.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Parameters {
    /// Pseudo-successes.
    #[serde(skip_serializing_if = "Option::is_none")]
    alpha: Option<f64>,
    /// Pseudo-failures.
    #[serde(skip_serializing_if = "Option::is_none")]
    beta: Option<f64>,
    /// Shape; gamma: pseudo-events, nig: of the variance.
    #[serde(skip_serializing_if = "Option::is_none")]
    shape: Option<f64>,
    /// Pseudo-exposure.
    #[serde(skip_serializing_if = "Option::is_none")]
    rate: Option<f64>,
    /// Centre.
    #[serde(skip_serializing_if = "Option::is_none")]
    mean: Option<f64>,
    /// Standard deviation of the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    sd: Option<f64>,
    /// Pseudo-observations behind the mean.
    #[serde(skip_serializing_if = "Option::is_none")]
    kappa: Option<f64>,
    /// Scale of the variance; pareto: least end.
    #[serde(skip_serializing_if = "Option::is_none")]
    scale: Option<f64>,
    /// Pseudo-counts by category.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub(super) concentration: Option<Vec<f64>>,
    /// Centre of the mean vector.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    means: Option<Vec<f64>>,
    /// Degrees of freedom.
    #[serde(skip_serializing_if = "Option::is_none")]
    df: Option<f64>,
    /// Scale of the covariance.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 20))]
    scale_matrix: Option<Vec<Vec<f64>>>,
}

/// Observations; which fields depends on the family.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct DataArgs {
    /// Of the trials.
    #[schemars(range(max = 1_000_000_000_000_u64))]
    successes: Option<u64>,
    /// Successes included.
    #[schemars(range(max = 1_000_000_000_000_u64))]
    trials: Option<u64>,
    /// By unit of exposure, category, or series (failures).
    #[schemars(length(max = 100_000), inner(range(max = 1_000_000_000_000_u64)))]
    pub(super) counts: Option<Vec<u64>>,
    /// All events of the exposure.
    #[schemars(range(max = 1_000_000_000_000_u64))]
    events: Option<u64>,
    /// All of it.
    #[schemars(range(min = 0.0))]
    exposure: Option<f64>,
    /// Each value, or wait.
    #[schemars(length(max = 100_000))]
    values: Option<Vec<f64>>,
    /// How many values, with their mean and sd instead.
    #[schemars(range(max = 1_000_000_000_000_u64))]
    n: Option<u64>,
    /// Mean of the values.
    mean: Option<f64>,
    /// Their standard deviation (n - 1).
    #[schemars(range(min = 0.0))]
    sd: Option<f64>,
    /// Successes that end a series.
    #[schemars(range(min = 0.0))]
    r: Option<f64>,
    /// Vectors, for niw.
    #[schemars(length(max = 100_000))]
    rows: Option<Vec<Vec<f64>>>,
}

impl Family {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::BetaBinomial => "beta_binomial",
            Self::GammaPoisson => "gamma_poisson",
            Self::NormalKnownSigma => "normal_known_sigma",
            Self::Nig => "nig",
            Self::DirichletMultinomial => "dirichlet_multinomial",
            Self::GammaExponential => "gamma_exponential",
            Self::BetaNegbin => "beta_negbin",
            Self::UniformPareto => "uniform_pareto",
            Self::Niw => "niw",
        }
    }

    /// Parameters of its prior.
    fn prior_fields(self) -> &'static [&'static str] {
        match self {
            Self::BetaBinomial | Self::BetaNegbin => &["alpha", "beta"],
            Self::GammaPoisson | Self::GammaExponential => &["shape", "rate"],
            Self::NormalKnownSigma => &["mean", "sd"],
            Self::Nig => &["mean", "kappa", "shape", "scale"],
            Self::DirichletMultinomial => &["concentration"],
            Self::UniformPareto => &["scale", "shape"],
            Self::Niw => &["means", "kappa", "df", "scale_matrix"],
        }
    }

    /// Fields of its data.
    fn data_fields(self) -> &'static [&'static str] {
        match self {
            Self::BetaBinomial => &["successes", "trials"],
            Self::GammaPoisson => &["counts", "events", "exposure"],
            Self::NormalKnownSigma | Self::Nig => &["values", "n", "mean", "sd"],
            Self::DirichletMultinomial => &["counts"],
            Self::GammaExponential => &["values", "n", "exposure"],
            Self::BetaNegbin => &["r", "counts"],
            Self::UniformPareto => &["values"],
            Self::Niw => &["rows"],
        }
    }

    fn prior_text(self) -> &'static str {
        match self {
            Self::BetaBinomial | Self::BetaNegbin => "prior.alpha and prior.beta",
            Self::GammaPoisson | Self::GammaExponential => "prior.shape and prior.rate",
            Self::NormalKnownSigma => "prior.mean and prior.sd",
            Self::Nig => "prior.mean, prior.kappa, prior.shape and prior.scale",
            Self::DirichletMultinomial => "prior.concentration, one number per category",
            Self::UniformPareto => "prior.scale and prior.shape",
            Self::Niw => "prior.means, prior.kappa, prior.df and prior.scale_matrix",
        }
    }

    fn data_text(self) -> &'static str {
        match self {
            Self::BetaBinomial => "data.successes and data.trials",
            Self::GammaPoisson => "data.counts, or data.events and data.exposure",
            Self::NormalKnownSigma => "data.values, or data.n and data.mean (and data.sd)",
            Self::Nig => "data.values, or data.n, data.mean and data.sd",
            Self::DirichletMultinomial => "data.counts, one per category",
            Self::GammaExponential => "data.values, or data.n and data.exposure",
            Self::BetaNegbin => "data.r and data.counts",
            Self::UniformPareto => "data.values",
            Self::Niw => "data.rows, one vector per observation",
        }
    }

    pub(super) fn missing_prior(self) -> Error {
        Error::Missing { family: self.name(), needed: self.prior_text(), path: "/prior" }
    }

    pub(super) fn missing_data(self) -> Error {
        Error::Missing { family: self.name(), needed: self.data_text(), path: "/data" }
    }

    /// A value of another family is a misunderstanding: it is refused, never ignored.
    pub(super) fn refuse_foreign(
        self,
        prior: Option<&Parameters>,
        data: &DataArgs,
        sigma: Option<f64>,
        future: Option<f64>,
    ) -> Result<(), Error> {
        let refuse =
            |name, path, takes| Error::Unexpected { family: self.name(), name, path, takes };
        let foreign = |present: Vec<(&'static str, bool)>, own: &[&str]| {
            present.into_iter().find(|(name, given)| *given && !own.contains(name))
        };
        if let Some((name, _)) =
            prior.and_then(|prior| foreign(prior.present(), self.prior_fields()))
        {
            return Err(refuse(name, format!("/prior/{name}"), self.prior_text()));
        }
        if let Some((name, _)) = foreign(data.present(), self.data_fields()) {
            return Err(refuse(name, format!("/data/{name}"), self.data_text()));
        }
        if sigma.is_some() && self != Self::NormalKnownSigma {
            return Err(refuse("sigma", "/sigma".to_owned(), "nothing"));
        }
        if future.is_some() && !matches!(self, Self::BetaBinomial | Self::GammaPoisson) {
            return Err(refuse("future", "/future".to_owned(), "nothing"));
        }
        Ok(())
    }
}

impl Parameters {
    fn present(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("alpha", self.alpha.is_some()),
            ("beta", self.beta.is_some()),
            ("shape", self.shape.is_some()),
            ("rate", self.rate.is_some()),
            ("mean", self.mean.is_some()),
            ("sd", self.sd.is_some()),
            ("kappa", self.kappa.is_some()),
            ("scale", self.scale.is_some()),
            ("concentration", self.concentration.is_some()),
            ("means", self.means.is_some()),
            ("df", self.df.is_some()),
            ("scale_matrix", self.scale_matrix.is_some()),
        ]
    }

    pub(super) fn beta(&self, family: Family) -> Result<BetaPrior, Error> {
        match (self.alpha, self.beta) {
            (Some(alpha), Some(beta)) => Ok(BetaPrior { alpha, beta }),
            _ => Err(family.missing_prior()),
        }
    }

    pub(super) fn gamma(&self, family: Family) -> Result<GammaPrior, Error> {
        match (self.shape, self.rate) {
            (Some(shape), Some(rate)) => Ok(GammaPrior { shape, rate }),
            _ => Err(family.missing_prior()),
        }
    }

    pub(super) fn normal(&self, family: Family) -> Result<NormalPrior, Error> {
        match (self.mean, self.sd) {
            (Some(mean), Some(sd)) => Ok(NormalPrior { mean, sd }),
            _ => Err(family.missing_prior()),
        }
    }

    pub(super) fn nig(&self, family: Family) -> Result<NigPrior, Error> {
        match (self.mean, self.kappa, self.shape, self.scale) {
            (Some(mean), Some(kappa), Some(shape), Some(scale)) => {
                Ok(NigPrior { mean, kappa, shape, scale })
            }
            _ => Err(family.missing_prior()),
        }
    }

    pub(super) fn pareto(&self, family: Family) -> Result<ParetoPrior, Error> {
        match (self.scale, self.shape) {
            (Some(scale), Some(shape)) => Ok(ParetoPrior { scale, shape }),
            _ => Err(family.missing_prior()),
        }
    }

    pub(super) fn niw(self, family: Family) -> Result<NiwPrior, Error> {
        match (self.means, self.kappa, self.df, self.scale_matrix) {
            (Some(mean), Some(kappa), Some(df), Some(scale)) => {
                Ok(NiwPrior { mean, kappa, df, scale })
            }
            _ => Err(family.missing_prior()),
        }
    }
}

impl DataArgs {
    fn present(&self) -> Vec<(&'static str, bool)> {
        vec![
            ("successes", self.successes.is_some()),
            ("trials", self.trials.is_some()),
            ("counts", self.counts.is_some()),
            ("events", self.events.is_some()),
            ("exposure", self.exposure.is_some()),
            ("values", self.values.is_some()),
            ("n", self.n.is_some()),
            ("mean", self.mean.is_some()),
            ("sd", self.sd.is_some()),
            ("r", self.r.is_some()),
            ("rows", self.rows.is_some()),
        ]
    }

    pub(super) fn successes(&self, family: Family) -> Result<Counts, Error> {
        match (self.successes, self.trials) {
            (Some(successes), Some(trials)) => Ok(Counts { successes, trials }),
            _ => Err(family.missing_data()),
        }
    }

    pub(super) fn events(self, family: Family) -> Result<Events, Error> {
        match (self.counts, self.events, self.exposure) {
            (Some(counts), None, None) => Ok(Events::Each(counts)),
            (None, Some(events), Some(exposure)) => Ok(Events::Total { events, exposure }),
            (None, ..) => Err(family.missing_data()),
            (Some(_), ..) => Err(both("counts", "events and exposure")),
        }
    }

    pub(super) fn waits(self, family: Family) -> Result<Waits, Error> {
        match (self.values, self.n, self.exposure) {
            (Some(values), None, None) => Ok(Waits::Values(values)),
            (None, Some(n), Some(total)) => Ok(Waits::Total { n, total }),
            (None, ..) => Err(family.missing_data()),
            (Some(_), ..) => Err(both("values", "n and exposure")),
        }
    }

    pub(super) fn failures(self, family: Family) -> Result<Failures, Error> {
        match (self.r, self.counts) {
            (Some(successes), Some(counts)) => Ok(Failures { successes, counts }),
            _ => Err(family.missing_data()),
        }
    }

    pub(super) fn range(self, family: Family) -> Result<Vec<f64>, Error> {
        self.values.ok_or_else(|| family.missing_data())
    }

    pub(super) fn vectors(self, family: Family) -> Result<Vec<Vec<f64>>, Error> {
        self.rows.ok_or_else(|| family.missing_data())
    }

    pub(super) fn sample(self, family: Family) -> Result<Sample, Error> {
        match (self.values, self.n, self.mean) {
            (Some(values), None, None) if self.sd.is_none() => Ok(Sample::Values(values)),
            (None, Some(n), Some(mean)) => Ok(Sample::Statistics { n, mean, sd: self.sd }),
            (None, ..) => Err(family.missing_data()),
            (Some(_), ..) => Err(both("values", "n, mean and sd")),
        }
    }
}

fn both(first: &'static str, second: &'static str) -> Error {
    Error::OneOf { given: "both", first, second, path: "/data" }
}

impl From<BetaPrior> for Parameters {
    fn from(BetaPrior { alpha, beta }: BetaPrior) -> Self {
        Self { alpha: Some(alpha), beta: Some(beta), ..Self::default() }
    }
}

impl From<GammaPrior> for Parameters {
    fn from(GammaPrior { shape, rate }: GammaPrior) -> Self {
        Self { shape: Some(shape), rate: Some(rate), ..Self::default() }
    }
}

impl From<NormalPrior> for Parameters {
    fn from(NormalPrior { mean, sd }: NormalPrior) -> Self {
        Self { mean: Some(mean), sd: Some(sd), ..Self::default() }
    }
}

impl From<NigPrior> for Parameters {
    fn from(NigPrior { mean, kappa, shape, scale }: NigPrior) -> Self {
        Self {
            mean: Some(mean),
            kappa: Some(kappa),
            shape: Some(shape),
            scale: Some(scale),
            ..Self::default()
        }
    }
}

impl From<Concentration> for Parameters {
    fn from(Concentration(concentration): Concentration) -> Self {
        Self { concentration: Some(concentration), ..Self::default() }
    }
}

impl From<ParetoPrior> for Parameters {
    fn from(ParetoPrior { scale, shape }: ParetoPrior) -> Self {
        Self { scale: Some(scale), shape: Some(shape), ..Self::default() }
    }
}

impl From<NiwPrior> for Parameters {
    fn from(NiwPrior { mean, kappa, df, scale }: NiwPrior) -> Self {
        Self {
            means: Some(mean),
            kappa: Some(kappa),
            df: Some(df),
            scale_matrix: Some(scale),
            ..Self::default()
        }
    }
}
