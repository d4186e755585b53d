//! Functions of the model's own that a family's outcomes need.

/// More zeros than Poisson's.
pub(super) const ZERO_INFLATED: &str = "functions {
  real zero_inflated_lpmf(int y, real eta, real zi) {
    if (y == 0) return log_mix(zi, 0, poisson_log_lpmf(0 | eta));
    return log1m(zi) + poisson_log_lpmf(y | eta);
  }
  int zero_inflated_rng(real eta, real zi) {
    return bernoulli_rng(zi) == 1 ? 0 : poisson_log_rng(eta);
  }
}
";

/// More zeros than a negative binomial's.
pub(super) const ZERO_INFLATED_NEGBIN: &str = "functions {
  real zero_inflated_negbin_lpmf(int y, real eta, real phi, real zi) {
    if (y == 0) return log_mix(zi, 0, neg_binomial_2_log_lpmf(0 | eta, phi));
    return log1m(zi) + neg_binomial_2_log_lpmf(y | eta, phi);
  }
  int zero_inflated_negbin_rng(real eta, real phi, real zi) {
    return bernoulli_rng(zi) == 1 ? 0 : neg_binomial_2_log_rng(eta, phi);
  }
}
";

/// More zeros than a binomial's.
pub(super) const ZERO_INFLATED_BINOMIAL: &str = "functions {
  real zero_inflated_binomial_lpmf(int y, int trials, real eta, real zi) {
    if (y == 0) return log_mix(zi, 0, binomial_logit_lpmf(0 | trials, eta));
    return log1m(zi) + binomial_logit_lpmf(y | trials, eta);
  }
  int zero_inflated_binomial_rng(int trials, real eta, real zi) {
    return bernoulli_rng(zi) == 1 ? 0 : binomial_rng(trials, inv_logit(eta));
  }
}
";

/// Shares with zeros.
pub(super) const ZERO_INFLATED_BETA: &str = "functions {
  real zero_inflated_beta_lpdf(real y, real eta, real phi, real zi) {
    real mu = inv_logit(eta);
    if (y == 0) return log(zi);
    return log1m(zi) + beta_lpdf(y | mu * phi, (1 - mu) * phi);
  }
  real zero_inflated_beta_rng(real eta, real phi, real zi) {
    real mu = inv_logit(eta);
    return bernoulli_rng(zi) == 1 ? 0 : beta_rng(mu * phi, (1 - mu) * phi);
  }
}
";

/// Zeros apart, and a Poisson count that is not 0. Drawn by its first event in a unit of time, and those after.
pub(super) const HURDLE_POISSON: &str = "functions {
  real hurdle_poisson_lpmf(int y, real eta, real hu) {
    if (y == 0) return log(hu);
    return log1m(hu) + poisson_log_lpmf(y | eta) - log1m_exp(-exp(eta));
  }
  int hurdle_poisson_rng(real eta, real hu) {
    real mu = exp(eta);
    real rest = mu + log1m(-uniform_rng(0, 1) * expm1(-mu));
    return bernoulli_rng(hu) == 1 ? 0 : 1 + poisson_rng(fmax(rest, 1e-12));
  }
}
";

/// Zeros apart, and a negative binomial count that is not 0. Where 0 is likely it is drawn as a sum of
/// logarithmic counts (Kemp 1981), whose number is a Poisson count that is not 0.
///
/// Stan turns no number that depends on an argument into an integer, hence the search for one.
pub(super) const HURDLE_NEGBIN: &str = "functions {
  int whole_part(real x) {
    int low = 1;
    int high = 2;
    while (high <= x && high < 1000000000) high *= 2;
    low = high %/% 2;
    while (high - low > 1) {
      int middle = low + (high - low) %/% 2;
      if (middle <= x) low = middle;
      else high = middle;
    }
    return low;
  }
  real hurdle_negbin_lpmf(int y, real eta, real phi, real hu) {
    if (y == 0) return log(hu);
    return log1m(hu) + neg_binomial_2_log_lpmf(y | eta, phi) - log1m_exp(-phi * log1p(exp(eta) / phi));
  }
  int hurdle_negbin_rng(real eta, real phi, real hu) {
    real rate = phi * log1p(exp(eta) / phi);
    int y = 0;
    if (bernoulli_rng(hu) == 1) return 0;
    if (rate > 1) {
      while (y == 0) y = neg_binomial_2_log_rng(eta, phi);
    } else {
      real rest = rate + log1m(-uniform_rng(0, 1) * expm1(-rate));
      for (part in 1:(1 + poisson_rng(fmax(rest, 1e-12)))) {
        real q = -expm1(-uniform_rng(0, 1) * rate / phi);
        y += whole_part(1 + log(uniform_rng(0, 1)) / log(q));
      }
    }
    return y;
  }
}
";

/// Zeros apart, gamma above.
pub(super) const HURDLE_GAMMA: &str = "functions {
  real hurdle_gamma_lpdf(real y, real eta, real shape, real hu) {
    if (y == 0) return log(hu);
    return log1m(hu) + gamma_lpdf(y | shape, shape * exp(-eta));
  }
  real hurdle_gamma_rng(real eta, real shape, real hu) {
    return bernoulli_rng(hu) == 1 ? 0 : gamma_rng(shape, shape * exp(-eta));
  }
}
";

/// Zeros apart, log-normal above.
pub(super) const HURDLE_LOGNORMAL: &str = "functions {
  real hurdle_lognormal_lpdf(real y, real eta, real sigma, real hu) {
    if (y == 0) return log(hu);
    return log1m(hu) + lognormal_lpdf(y | eta, sigma);
  }
  real hurdle_lognormal_rng(real eta, real sigma, real hu) {
    return bernoulli_rng(hu) == 1 ? 0 : lognormal_rng(eta, sigma);
  }
}
";

/// Ordered categories: a logistic variable between cuts.
pub(super) const CUMULATIVE: &str = "functions {
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
