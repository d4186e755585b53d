// Success rates of several groups that learn from each other.
// data: {"J": 5, "n": [20, 18, 31, 9, 40], "y": [4, 6, 5, 4, 9]}
data {
  int<lower=1> J;
  array[J] int<lower=0> n;
  array[J] int<lower=0> y;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[J] z;
}
model {
  mu ~ normal(0, 1.5);
  tau ~ normal(0, 1);
  z ~ std_normal();
  y ~ binomial_logit(n, mu + tau * z);
}
generated quantities {
  vector[J] rate = inv_logit(mu + tau * z);
}
