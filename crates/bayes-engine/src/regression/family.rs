//! What each family of outcomes adds to a model's text.

use super::function;

/// Distribution of the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Normal, identity link.
    Gaussian,
    /// Student's t, identity link: outliers.
    Student,
    /// Normal on the log scale, above 0.
    Lognormal,
    /// Gamma, above 0, log link.
    Gamma,
    /// Weibull, above 0, log link of the scale.
    Weibull,
    /// Exponential, above 0, log link of the mean.
    Exponential,
    /// Beta, between 0 and 1, logit link.
    Beta,
    /// Between 0 and 1, or 0: beta, logit link.
    ZeroInflatedBeta,
    /// Yes or no, logit link.
    Bernoulli,
    /// Successes of a known number of trials, logit link.
    Binomial,
    /// The same with more zeros.
    ZeroInflatedBinomial,
    /// Counts, log link.
    Poisson,
    /// Counts that vary more than Poisson's, log link.
    NegBinomial,
    /// Counts with more zeros than Poisson's, log link.
    ZeroInflatedPoisson,
    /// Counts with more zeros than a negative binomial's, log link.
    ZeroInflatedNegBinomial,
    /// Zeros apart, Poisson's counts above, log link.
    HurdlePoisson,
    /// Zeros apart, counts of a negative binomial above, log link.
    HurdleNegBinomial,
    /// Zeros apart, gamma above, log link.
    HurdleGamma,
    /// Zeros apart, normal on the log scale above.
    HurdleLognormal,
    /// Categories without order, logits against the first.
    Categorical,
    /// Ordered categories 1, 2, .., logit link.
    Cumulative,
}

/// What an outcome may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Real,
    Positive,
    NonNegative,
    Unit,
    UnitOrZero,
    Binary,
    Count,
    Trials,
    Ordered,
    Named,
}

/// On which scale predictors act.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Link {
    Identity,
    Log,
    Logit,
}

/// A parameter besides intercept and slopes.
pub(super) struct Own {
    pub(super) name: &'static str,
    pub(super) declared: &'static str,
    /// Its weak prior; none: exponential on the scale of the outcome.
    pub(super) prior: Option<&'static str>,
}

const SIGMA: Own = Own { name: "sigma", declared: "real<lower=0> sigma", prior: None };
const SHAPE: Own =
    Own { name: "shape", declared: "real<lower=0> shape", prior: Some("gamma(2, 0.5)") };
const PHI: Own = Own { name: "phi", declared: "real<lower=0> phi", prior: Some("gamma(2, 0.1)") };
const NU: Own = Own { name: "nu", declared: "real<lower=1> nu", prior: Some("gamma(2, 0.1)") };
const ZERO: Own =
    Own { name: "zi", declared: "real<lower=0, upper=1> zi", prior: Some("beta(1, 1)") };
const HURDLE: Own =
    Own { name: "hu", declared: "real<lower=0, upper=1> hu", prior: Some("beta(1, 1)") };
const CUT: Own = Own { name: "cut", declared: "ordered[C - 1] cut", prior: Some("normal(0, 3)") };

impl Family {
    pub(super) fn support(self) -> Support {
        match self {
            Self::Gaussian | Self::Student => Support::Real,
            Self::Lognormal | Self::Gamma | Self::Weibull | Self::Exponential => Support::Positive,
            Self::HurdleGamma | Self::HurdleLognormal => Support::NonNegative,
            Self::Beta => Support::Unit,
            Self::ZeroInflatedBeta => Support::UnitOrZero,
            Self::Bernoulli => Support::Binary,
            Self::Binomial | Self::ZeroInflatedBinomial => Support::Trials,
            Self::Poisson
            | Self::NegBinomial
            | Self::ZeroInflatedPoisson
            | Self::ZeroInflatedNegBinomial
            | Self::HurdlePoisson
            | Self::HurdleNegBinomial => Support::Count,
            Self::Cumulative => Support::Ordered,
            Self::Categorical => Support::Named,
        }
    }

    pub(super) fn link(self) -> Link {
        match self.support() {
            Support::Real => Link::Identity,
            Support::Positive | Support::NonNegative | Support::Count => Link::Log,
            Support::Unit
            | Support::UnitOrZero
            | Support::Binary
            | Support::Trials
            | Support::Ordered
            | Support::Named => Link::Logit,
        }
    }

    /// Whether cuts stand for the intercept.
    pub(super) fn has_cuts(self) -> bool {
        self == Self::Cumulative
    }

    /// Whether every category but the first has predictors of its own.
    pub(super) fn has_categories(self) -> bool {
        self == Self::Categorical
    }

    /// Whether the outcome counts successes of trials.
    pub(super) fn has_trials(self) -> bool {
        self.support() == Support::Trials
    }

    /// Whether predictors speak of outcomes above 0 alone.
    pub(super) fn has_hurdle(self) -> bool {
        self.own().iter().any(|own| own.name == HURDLE.name)
    }

    /// Whether predictors act on the outcome's log.
    pub(super) fn is_lognormal(self) -> bool {
        matches!(self, Self::Lognormal | Self::HurdleLognormal)
    }

    pub(super) fn own(self) -> &'static [Own] {
        match self {
            Self::Gaussian | Self::Lognormal => &[SIGMA],
            Self::Student => &[SIGMA, NU],
            Self::Gamma | Self::Weibull => &[SHAPE],
            Self::Beta | Self::NegBinomial => &[PHI],
            Self::ZeroInflatedPoisson | Self::ZeroInflatedBinomial => &[ZERO],
            Self::ZeroInflatedNegBinomial | Self::ZeroInflatedBeta => &[PHI, ZERO],
            Self::HurdlePoisson => &[HURDLE],
            Self::HurdleNegBinomial => &[PHI, HURDLE],
            Self::HurdleGamma => &[SHAPE, HURDLE],
            Self::HurdleLognormal => &[SIGMA, HURDLE],
            Self::Cumulative => &[CUT],
            Self::Exponential
            | Self::Bernoulli
            | Self::Binomial
            | Self::Poisson
            | Self::Categorical => &[],
        }
    }

    pub(super) fn functions(self) -> &'static str {
        match self {
            Self::ZeroInflatedPoisson => function::ZERO_INFLATED,
            Self::ZeroInflatedNegBinomial => function::ZERO_INFLATED_NEGBIN,
            Self::ZeroInflatedBinomial => function::ZERO_INFLATED_BINOMIAL,
            Self::ZeroInflatedBeta => function::ZERO_INFLATED_BETA,
            Self::HurdlePoisson => function::HURDLE_POISSON,
            Self::HurdleNegBinomial => function::HURDLE_NEGBIN,
            Self::HurdleGamma => function::HURDLE_GAMMA,
            Self::HurdleLognormal => function::HURDLE_LOGNORMAL,
            Self::Cumulative => function::CUMULATIVE,
            _ => "",
        }
    }

    /// Declaration of the outcome.
    pub(super) fn outcome(self) -> &'static str {
        match self.support() {
            Support::Real => "  vector[N] y;\n",
            Support::Positive | Support::NonNegative => "  vector<lower=0>[N] y;\n",
            Support::Unit | Support::UnitOrZero => "  vector<lower=0, upper=1>[N] y;\n",
            Support::Binary => "  array[N] int<lower=0, upper=1> y;\n",
            Support::Count => "  array[N] int<lower=0> y;\n",
            Support::Trials => "  array[N] int<lower=1> trials;\n  array[N] int<lower=0> y;\n",
            Support::Ordered | Support::Named => {
                "  int<lower=2> C;\n  array[N] int<lower=1, upper=C> y;\n"
            }
        }
    }

    /// The statement on the outcome.
    pub(super) fn likelihood(self) -> &'static str {
        match self {
            Self::Gaussian => "  y ~ normal(eta, sigma);\n",
            Self::Student => "  y ~ student_t(nu, eta, sigma);\n",
            Self::Lognormal => "  y ~ lognormal(eta, sigma);\n",
            Self::Gamma => "  y ~ gamma(shape, shape * exp(-eta));\n",
            Self::Weibull => "  y ~ weibull(shape, exp(eta));\n",
            Self::Exponential => "  y ~ exponential(exp(-eta));\n",
            Self::Beta => {
                "  {\n    vector[N] mu = inv_logit(eta);\n    y ~ beta(mu * phi, (1 - mu) * phi);\n  }\n"
            }
            Self::ZeroInflatedBeta => {
                "  for (n in 1:N) y[n] ~ zero_inflated_beta(eta[n], phi, zi);\n"
            }
            Self::Bernoulli => "  y ~ bernoulli_logit(eta);\n",
            Self::Binomial => "  y ~ binomial_logit(trials, eta);\n",
            Self::ZeroInflatedBinomial => {
                "  for (n in 1:N) y[n] ~ zero_inflated_binomial(trials[n], eta[n], zi);\n"
            }
            Self::Poisson => "  y ~ poisson_log(eta);\n",
            Self::NegBinomial => "  y ~ neg_binomial_2_log(eta, phi);\n",
            Self::ZeroInflatedPoisson => "  for (n in 1:N) y[n] ~ zero_inflated(eta[n], zi);\n",
            Self::ZeroInflatedNegBinomial => {
                "  for (n in 1:N) y[n] ~ zero_inflated_negbin(eta[n], phi, zi);\n"
            }
            Self::HurdlePoisson => "  for (n in 1:N) y[n] ~ hurdle_poisson(eta[n], hu);\n",
            Self::HurdleNegBinomial => "  for (n in 1:N) y[n] ~ hurdle_negbin(eta[n], phi, hu);\n",
            Self::HurdleGamma => "  for (n in 1:N) y[n] ~ hurdle_gamma(eta[n], shape, hu);\n",
            Self::HurdleLognormal => {
                "  for (n in 1:N) y[n] ~ hurdle_lognormal(eta[n], sigma, hu);\n"
            }
            Self::Categorical => {
                "  for (n in 1:N) y[n] ~ categorical_logit(append_row(0, eta[n]'));\n"
            }
            Self::Cumulative => "  for (n in 1:N) y[n] ~ cumulative(eta[n], cut);\n",
        }
    }
}

impl Support {
    /// Whether a value lies in it.
    pub(super) fn holds(self, x: f64) -> bool {
        let is_count = x >= 0.0 && x.fract() == 0.0 && x <= 1e9;
        match self {
            Self::Real | Self::Named => true,
            Self::Positive => x > 0.0,
            Self::NonNegative => x >= 0.0,
            Self::UnitOrZero => (0.0..1.0).contains(&x),
            Self::Unit => 0.0 < x && x < 1.0,
            Self::Binary => is_count && x <= 1.0,
            Self::Count | Self::Trials => is_count,
            Self::Ordered => is_count && (1.0..=50.0).contains(&x),
        }
    }

    /// What to do about one that does not.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Real | Self::Named => "",
            Self::Positive => {
                "this family's outcome is above 0: hurdle_gamma and hurdle_lognormal take zeros, gaussian any number"
            }
            Self::Unit => {
                "this family's outcome lies strictly between 0 and 1: zero_inflated_beta takes zeros, bernoulli 0 and 1"
            }
            Self::NonNegative => "this family's outcome is 0 or above",
            Self::UnitOrZero => "this family's outcome is 0, or between 0 and 1",
            Self::Binary => "a bernoulli outcome is 0 or 1",
            Self::Count | Self::Trials => "counts are whole and not below 0",
            Self::Ordered => "number the categories in their order: 1, 2, .., at most 50",
        }
    }
}
