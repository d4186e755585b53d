// Counts that vary more than Poisson's, with exposure.
// data: {"N": 6, "x": [0, 0, 0, 1, 1, 1], "exposure": [10, 12, 8, 11, 9, 10], "y": [4, 9, 2, 15, 6, 21]}
data {
  int<lower=1> N;
  vector[N] x;
  vector<lower=0>[N] exposure;
  array[N] int<lower=0> y;
}
parameters {
  real alpha;
  real b;
  real<lower=0> phi; // small: much variation beyond Poisson's
}
model {
  alpha ~ normal(0, 2);
  b ~ normal(0, 1);
  phi ~ gamma(2, 0.1);
  y ~ neg_binomial_2_log(alpha + b * x + log(exposure), phi);
}
generated quantities {
  real rate_ratio = exp(b);
}
