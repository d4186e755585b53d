// A series whose values depend on the one before, with the next three foretold.
// data: {"N": 12, "y": [0.1, 0.6, 0.4, 0.9, 1.2, 0.8, 0.5, 0.7, 0.2, -0.1, 0.3, 0.4]}
data {
  int<lower=2> N;
  vector[N] y;
}
parameters {
  real alpha;
  real<lower=-1, upper=1> rho;
  real<lower=0> sigma;
}
model {
  alpha ~ normal(0, 1);
  rho ~ uniform(-1, 1);
  sigma ~ exponential(1);
  y[2:N] ~ normal(alpha + rho * y[1:(N - 1)], sigma);
}
generated quantities {
  vector[3] next;
  next[1] = normal_rng(alpha + rho * y[N], sigma);
  for (k in 2:3) next[k] = normal_rng(alpha + rho * next[k - 1], sigma);
}
