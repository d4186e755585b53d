// Two groups that nobody labelled. As a density of its own it can be checked, compared and drawn from.
// data: {"N": 10, "y": [-2.1, -1.7, -2.4, -1.9, 1.8, 2.3, 2.0, 1.6, 2.5, -2.2]}
functions {
  real pair_lpdf(real y, real share, vector mu, real sigma) {
    return log_mix(share, normal_lpdf(y | mu[1], sigma), normal_lpdf(y | mu[2], sigma));
  }
  real pair_rng(real share, vector mu, real sigma) {
    return normal_rng(bernoulli_rng(share) == 1 ? mu[1] : mu[2], sigma);
  }
}
data {
  int<lower=1> N;
  vector[N] y;
}
parameters {
  real<lower=0, upper=1> share;
  ordered[2] mu; // an order, or the two could swap names
  real<lower=0> sigma;
}
model {
  share ~ beta(5, 5);
  mu ~ normal(0, 3);
  sigma ~ exponential(1);
  for (n in 1:N) y[n] ~ pair(share, mu, sigma);
}
