// A line with predictors centred and priors on the scale of the outcome.
// data: {"N": 6, "K": 2, "X": [[1, 3], [2, 1], [3, 4], [4, 2], [5, 6], [6, 5]], "y": [3.1, 4.2, 7.1, 7.8, 11.2, 12.1]}
data {
  int<lower=1> N;
  int<lower=1> K;
  matrix[N, K] X;
  vector[N] y;
}
transformed data {
  row_vector[K] centre;
  matrix[N, K] Xc;
  for (k in 1:K) {
    centre[k] = mean(X[, k]);
    Xc[, k] = X[, k] - centre[k];
  }
}
parameters {
  real alpha;
  vector[K] b;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(8, 10);
  b ~ normal(0, 5);
  sigma ~ exponential(0.3);
  y ~ normal(alpha + Xc * b, sigma);
}
generated quantities {
  real intercept = alpha - centre * b; // where predictors are 0
}
