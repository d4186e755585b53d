// A smooth curve of unknown shape.
// data: {"N": 8, "x": [0, 1, 2, 3, 4, 5, 6, 7], "y": [0.1, 0.9, 0.8, 0.2, -0.7, -1.0, -0.3, 0.6]}
data {
  int<lower=1> N;
  array[N] real x;
  vector[N] y;
}
parameters {
  real<lower=0> rho;   // how far neighbours matter
  real<lower=0> alpha; // how far the curve goes
  real<lower=0> sigma;
}
model {
  matrix[N, N] K = add_diag(gp_exp_quad_cov(x, alpha, rho), square(sigma) + 1e-9);
  rho ~ inv_gamma(5, 5);
  alpha ~ normal(0, 1);
  sigma ~ exponential(2);
  y ~ multi_normal_cholesky(rep_vector(0, N), cholesky_decompose(K));
}
