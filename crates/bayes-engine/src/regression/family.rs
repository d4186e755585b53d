//! What each family of outcomes adds to a model's text.

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
    /// Yes or no, logit link.
    Bernoulli,
    /// Counts, log link.
    Poisson,
    /// Counts that vary more than Poisson's, log link.
    NegBinomial,
    /// Counts with more zeros than Poisson's, log link.
    ZeroInflatedPoisson,
    /// Ordered categories 1, 2, .., logit link.
    Cumulative,
}

/// What an outcome may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Support {
    Real,
    Positive,
    Unit,
    Binary,
    Count,
    Ordered,
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
const CUT: Own = Own { name: "cut", declared: "ordered[C - 1] cut", prior: Some("normal(0, 3)") };

/// More zeros than Poisson's.
const ZERO_INFLATED: &str = "functions {
  real zero_inflated_lpmf(int y, real eta, real zi) {
    if (y == 0) return log_mix(zi, 0, poisson_log_lpmf(0 | eta));
    return log1m(zi) + poisson_log_lpmf(y | eta);
  }
  int zero_inflated_rng(real eta, real zi) {
    return bernoulli_rng(zi) == 1 ? 0 : poisson_log_rng(eta);
  }
}
";

/// Ordered categories: a logistic variable between cuts.
const CUMULATIVE: &str = "functions {
  real cumulative_lpmf(int y, real eta, vector cut) {
    int C = num_elements(cut) + 1;
    if (y == 1) return log_inv_logit(cut[1] - eta);
    if (y == C) return log_inv_logit(eta - cut[C - 1]);
    return log_diff_exp(log_inv_logit(cut[y] - eta), log_inv_logit(cut[y - 1] - eta));
  }
  int cumulative_rng(real eta, vector cut) {
    real latent = logistic_rng(eta, 1);
    int y = 1;
    for (c in 1:num_elements(cut)) {
      if (latent > cut[c]) y = c + 1;
    }
    return y;
  }
}
";

impl Family {
    pub(super) fn support(self) -> Support {
        match self {
            Self::Gaussian | Self::Student => Support::Real,
            Self::Lognormal | Self::Gamma | Self::Weibull | Self::Exponential => Support::Positive,
            Self::Beta => Support::Unit,
            Self::Bernoulli => Support::Binary,
            Self::Poisson | Self::NegBinomial | Self::ZeroInflatedPoisson => Support::Count,
            Self::Cumulative => Support::Ordered,
        }
    }

    pub(super) fn link(self) -> Link {
        match self.support() {
            Support::Real => Link::Identity,
            Support::Positive | Support::Count => Link::Log,
            Support::Unit | Support::Binary | Support::Ordered => Link::Logit,
        }
    }

    /// Whether cuts stand for the intercept.
    pub(super) fn has_cuts(self) -> bool {
        self == Self::Cumulative
    }

    pub(super) fn own(self) -> &'static [Own] {
        match self {
            Self::Gaussian | Self::Lognormal => &[SIGMA],
            Self::Student => &[SIGMA, NU],
            Self::Gamma | Self::Weibull => &[SHAPE],
            Self::Beta | Self::NegBinomial => &[PHI],
            Self::ZeroInflatedPoisson => &[ZERO],
            Self::Cumulative => &[CUT],
            Self::Exponential | Self::Bernoulli | Self::Poisson => &[],
        }
    }

    pub(super) fn functions(self) -> &'static str {
        match self {
            Self::ZeroInflatedPoisson => ZERO_INFLATED,
            Self::Cumulative => CUMULATIVE,
            _ => "",
        }
    }

    /// Declaration of the outcome.
    pub(super) fn outcome(self) -> &'static str {
        match self.support() {
            Support::Real => "  vector[N] y;\n",
            Support::Positive => "  vector<lower=0>[N] y;\n",
            Support::Unit => "  vector<lower=0, upper=1>[N] y;\n",
            Support::Binary => "  array[N] int<lower=0, upper=1> y;\n",
            Support::Count => "  array[N] int<lower=0> y;\n",
            Support::Ordered => "  int<lower=2> C;\n  array[N] int<lower=1, upper=C> y;\n",
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
            Self::Bernoulli => "  y ~ bernoulli_logit(eta);\n",
            Self::Poisson => "  y ~ poisson_log(eta);\n",
            Self::NegBinomial => "  y ~ neg_binomial_2_log(eta, phi);\n",
            Self::ZeroInflatedPoisson => "  for (n in 1:N) y[n] ~ zero_inflated(eta[n], zi);\n",
            Self::Cumulative => "  for (n in 1:N) y[n] ~ cumulative(eta[n], cut);\n",
        }
    }
}

impl Support {
    /// Whether a value lies in it.
    pub(super) fn holds(self, x: f64) -> bool {
        let is_count = x >= 0.0 && x.fract() == 0.0 && x <= 1e9;
        match self {
            Self::Real => true,
            Self::Positive => x > 0.0,
            Self::Unit => 0.0 < x && x < 1.0,
            Self::Binary => is_count && x <= 1.0,
            Self::Count => is_count,
            Self::Ordered => is_count && (1.0..=50.0).contains(&x),
        }
    }

    /// What to do about one that does not.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Real => "",
            Self::Positive => {
                "this family's outcome is above 0: give zeros a model of their own, or use gaussian"
            }
            Self::Unit => {
                "this family's outcome lies strictly between 0 and 1: use bernoulli for 0 and 1"
            }
            Self::Binary => "a bernoulli outcome is 0 or 1",
            Self::Count => "counts are whole and not below 0",
            Self::Ordered => "number the categories in their order: 1, 2, .., at most 50",
        }
    }
}
