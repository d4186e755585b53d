// Intercepts and slopes that vary by group and correlate (LKJ), non-centred.
// data: {"N": 9, "J": 3, "g": [1, 1, 1, 2, 2, 2, 3, 3, 3], "x": [-1, 0, 1, -1, 0, 1, -1, 0, 1], "y": [1, 2, 3.2, 0.4, 2.1, 4.2, 1.9, 2.2, 2.4]}
data {
  int<lower=1> N;
  int<lower=1> J;
  array[N] int<lower=1, upper=J> g;
  vector[N] x;
  vector[N] y;
}
parameters {
  vector[2] b;
  vector<lower=0>[2] tau;
  cholesky_factor_corr[2] L;
  matrix[2, J] z;
  real<lower=0> sigma;
}
transformed parameters {
  matrix[J, 2] r = (diag_pre_multiply(tau, L) * z)';
}
model {
  b ~ normal(0, 5);
  tau ~ exponential(1);
  L ~ lkj_corr_cholesky(2);
  to_vector(z) ~ std_normal();
  sigma ~ exponential(1);
  y ~ normal(b[1] + r[g, 1] + (b[2] + r[g, 2]) .* x, sigma);
}
generated quantities {
  matrix[2, 2] correlation = L * L';
}
