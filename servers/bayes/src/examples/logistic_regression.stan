// Yes or no by predictors, on the logit scale.
// data: {"N": 8, "K": 1, "X": [[-2], [-1.5], [-1], [-0.2], [0.3], [0.9], [1.4], [2]], "y": [0, 0, 1, 0, 1, 0, 1, 1]}
data {
  int<lower=1> N;
  int<lower=1> K;
  matrix[N, K] X;
  array[N] int<lower=0, upper=1> y;
}
parameters {
  real alpha;
  vector[K] beta;
}
model {
  alpha ~ normal(0, 2.5);
  beta ~ normal(0, 2.5);
  y ~ bernoulli_logit_glm(X, alpha, beta);
}
generated quantities {
  vector[K] odds_ratio = exp(beta);
}
