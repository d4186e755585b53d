// Many predictors of which few matter: the regularised horseshoe (Piironen and Vehtari 2017).
// data: {"N": 8, "K": 3, "X": [[1, 0.2, -1], [-1, 0.1, 0.4], [0.5, -1.2, 0.3], [-0.3, 0.8, 1.1], [1.4, -0.2, 0], [-1.2, 0.6, -0.7], [0.1, -0.5, 0.9], [-0.5, 0.2, -1]], "y": [2.1, -1.9, 1.2, -0.6, 2.7, -2.3, 0.1, -1.1], "expected": 1, "slab": 2}
data {
  int<lower=1> N;
  int<lower=2> K;
  matrix[N, K] X;
  vector[N] y;
  real<lower=0> expected; // predictors that are thought to matter
  real<lower=0> slab;     // how large their slopes may be
}
parameters {
  real alpha;
  vector[K] z;
  vector<lower=0>[K] lambda;
  real<lower=0> tau;
  real<lower=0> c2;
  real<lower=0> sigma;
}
transformed parameters {
  real global = tau * sigma * expected / (K - expected) / sqrt(N);
  real width = slab * slab * c2;
  vector[K] b = z .* sqrt(width * square(lambda) ./ (width + square(global) * square(lambda))) * global;
}
model {
  alpha ~ normal(0, 5);
  z ~ std_normal();
  lambda ~ student_t(1, 0, 1);
  tau ~ student_t(1, 0, 1);
  c2 ~ inv_gamma(2, 2);
  sigma ~ exponential(1);
  y ~ normal(alpha + X * b, sigma);
}
