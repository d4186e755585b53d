data {
  int<lower=0> J;
  int<lower=0> N;
  array[N] int<lower=1, upper=J> county;
  vector[N] floor;
  vector[J] u;
  vector[N] y;
}
parameters {
  real g0;
  real g1;
  real b;
  real<lower=0> sa;
  real<lower=0> sy;
  vector[J] z;
}
transformed parameters {
  vector[J] alpha = g0 + g1 * u + sa * z;
}
model {
  g0 ~ normal(0, 5);
  g1 ~ normal(0, 5);
  b ~ normal(0, 5);
  sa ~ normal(0, 1);
  sy ~ normal(0, 1);
  z ~ std_normal();
  y ~ normal(alpha[county] + b * floor, sy);
}
