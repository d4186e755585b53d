// Outliers: Student-t errors whose degrees of freedom are learnt.
// data: {"N": 7, "x": [1, 2, 3, 4, 5, 6, 7], "y": [1.1, 1.9, 3.2, 3.9, 15.0, 6.1, 6.8]}
data {
  int<lower=1> N;
  vector[N] x;
  vector[N] y;
}
parameters {
  real a;
  real b;
  real<lower=0> sigma;
  real<lower=1> nu;
}
model {
  a ~ normal(0, 10);
  b ~ normal(0, 5);
  sigma ~ exponential(1);
  nu ~ gamma(2, 0.1);
  y ~ student_t(nu, a + b * x, sigma);
}
