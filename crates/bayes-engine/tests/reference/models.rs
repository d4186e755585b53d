/// Each with its data set and our text of it.
pub(super) const CASES: &[super::Case] = &[
    (
        "arK-arK",
        "arK",
        r"data { int K; int T; array[T] real y; }
parameters { real alpha; array[K] real beta; real<lower=0> sigma; }
model {
  alpha ~ normal(0, 10);
  beta ~ normal(0, 10);
  sigma ~ cauchy(0, 2.5);
  for (t in (K + 1):T) {
    real mu = alpha;
    for (k in 1:K) mu += beta[k] * y[t - k];
    y[t] ~ normal(mu, sigma);
  }
}",
    ),
    (
        "arma-arma11",
        "arma",
        r"data { int<lower=1> T; array[T] real y; }
parameters { real mu; real phi; real theta; real<lower=0> sigma; }
model {
  real err;
  mu ~ normal(0, 10);
  phi ~ normal(0, 2);
  theta ~ normal(0, 2);
  sigma ~ cauchy(0, 5);
  err = y[1] - (mu + phi * mu);
  err ~ normal(0, sigma);
  for (t in 2:T) {
    err = y[t] - (mu + phi * y[t - 1] + theta * err);
    err ~ normal(0, sigma);
  }
}",
    ),
    (
        "earnings-earn_height",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data {  }
parameters { vector[2] beta; real<lower=0> sigma; }
model {  earn ~ normal(beta[1] + beta[2] * height, sigma); }",
    ),
    (
        "earnings-log10earn_height",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log10(earn); }
parameters { vector[2] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * height, sigma); }",
    ),
    (
        "earnings-logearn_height",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log(earn); }
parameters { vector[2] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * height, sigma); }",
    ),
    (
        "earnings-logearn_height_male",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log(earn); }
parameters { vector[3] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * height + beta[3] * male, sigma); }",
    ),
    (
        "earnings-logearn_interaction",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log(earn); vector[N] both = height .* male; }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * height + beta[3] * male + beta[4] * both, sigma); }",
    ),
    (
        "earnings-logearn_interaction_z",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log(earn); vector[N] h = (height - mean(height)) / sd(height); vector[N] both = h .* male; }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * h + beta[3] * male + beta[4] * both, sigma); }",
    ),
    (
        "earnings-logearn_logheight_male",
        "earnings",
        r"data { int<lower=0> N; vector[N] earn; vector[N] height; vector[N] male; }
transformed data { vector[N] z = log(earn); vector[N] h = log(height); }
parameters { vector[3] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * h + beta[3] * male, sigma); }",
    ),
    (
        "eight_schools-eight_schools_noncentered",
        "eight_schools",
        r"data { int J; array[J] real y; array[J] real<lower=0> sigma; }
parameters { vector[J] z; real mu; real<lower=0> tau; }
transformed parameters { vector[J] theta; theta = z * tau + mu; }
model { z ~ normal(0, 1); y ~ normal(theta, sigma); mu ~ normal(0, 5); tau ~ cauchy(0, 5); }",
    ),
    (
        "garch-garch11",
        "garch",
        r"data { int T; array[T] real y; real<lower=0> sigma1; }
parameters { real mu; real<lower=0> alpha0; real<lower=0, upper=1> alpha1; real<lower=0, upper=(1 - alpha1)> beta1; }
model {
  array[T] real sigma;
  sigma[1] = sigma1;
  for (t in 2:T)
    sigma[t] = sqrt(alpha0 + alpha1 * pow(y[t - 1] - mu, 2) + beta1 * pow(sigma[t - 1], 2));
  y ~ normal(mu, sigma);
}",
    ),
    (
        "gp_pois_regr-gp_pois_regr",
        "gp_pois_regr",
        r"data { int N; array[N] real x; array[N] int k; }
parameters { real<lower=0> rho; real<lower=0> alpha; vector[N] z; }
transformed parameters {
  vector[N] f;
  {
    matrix[N, N] cov = gp_exp_quad_cov(x, alpha, rho) + diag_matrix(rep_vector(1e-10, N));
    f = cholesky_decompose(cov) * z;
  }
}
model { rho ~ gamma(25, 4); alpha ~ normal(0, 2); z ~ normal(0, 1); k ~ poisson_log(f); }",
    ),
    (
        "gp_pois_regr-gp_regr",
        "gp_pois_regr",
        r"data { int N; array[N] real x; vector[N] y; }
parameters { real<lower=0> rho; real<lower=0> alpha; real<lower=0> sigma; }
model {
  matrix[N, N] L = cholesky_decompose(add_diag(gp_exp_quad_cov(x, alpha, rho), sigma));
  rho ~ gamma(25, 4); alpha ~ normal(0, 2); sigma ~ normal(0, 1);
  y ~ multi_normal_cholesky(rep_vector(0, N), L);
}",
    ),
    (
        "hmm_example-hmm_example",
        "hmm_example",
        r"data { int N; int K; array[N] real y; }
parameters { simplex[K] theta1; simplex[K] theta2; positive_ordered[K] mu; }
model {
  target += normal_lpdf(mu[1] | 3, 1) + normal_lpdf(mu[2] | 10, 1);

  {
    array[N] vector[K] g;
    matrix[K, K] lp = log(append_row(theta1', theta2'));
    for (k in 1:K) g[1, k] = normal_lpdf(y[1] | mu[k], 1);
    for (t in 2:N)
      for (k in 1:K) {
        vector[K] acc;
        for (j in 1:K) acc[j] = g[t - 1, j] + lp[j, k] + normal_lpdf(y[t] | mu[k], 1);
        g[t, k] = log_sum_exp(acc);
      }
    target += log_sum_exp(g[N]);
  }
}",
    ),
    (
        "bball_drive_event_0-hmm_drive_0",
        "bball_drive_event_0",
        r"functions {
  real emit(real u, real v, real phi, real lambda) { return exponential_lpdf(u | phi) + exponential_lpdf(v | lambda); }
}
data { int<lower=0> K; int<lower=0> N; array[N] real u; array[N] real v; matrix<lower=0>[K, K] alpha; }
parameters { simplex[K] theta1; simplex[K] theta2; positive_ordered[K] phi; positive_ordered[K] lambda; }
model {
  target += dirichlet_lpdf(theta1 | alpha[1]') + dirichlet_lpdf(theta2 | alpha[2]');
  target += normal_lpdf(phi[1] | 0, 1) + normal_lpdf(phi[2] | 3, 1);
  target += normal_lpdf(lambda[1] | 0, 1) + normal_lpdf(lambda[2] | 3, 1);

  {
    array[N] vector[K] g;
    matrix[K, K] lp = log(append_row(theta1', theta2'));
    for (k in 1:K) g[1, k] = emit(u[1], v[1], phi[k], lambda[k]);
    for (t in 2:N)
      for (k in 1:K) {
        vector[K] acc;
        for (j in 1:K) acc[j] = g[t - 1, j] + lp[j, k] + emit(u[t], v[t], phi[k], lambda[k]);
        g[t, k] = log_sum_exp(acc);
      }
    target += log_sum_exp(g[N]);
  }
}",
    ),
    (
        "bball_drive_event_1-hmm_drive_1",
        "bball_drive_event_1",
        r"functions {
  real emit(real u, real v, real phi, real lambda, real tau, real rho) { return normal_lpdf(u | phi, tau) + normal_lpdf(v | lambda, rho); }
}
data { int<lower=0> K; int<lower=0> N; array[N] real u; array[N] real v; real<lower=0> tau; real<lower=0> rho; matrix<lower=0>[K, K] alpha; }
parameters { simplex[K] theta1; simplex[K] theta2; ordered[K] phi; ordered[K] lambda; }
model {
  target += dirichlet_lpdf(theta1 | alpha[1]') + dirichlet_lpdf(theta2 | alpha[2]');
  target += normal_lpdf(phi[1] | 0, 1) + normal_lpdf(phi[2] | 3, 1);
  target += normal_lpdf(lambda[1] | 0, 1) + normal_lpdf(lambda[2] | 3, 1);

  {
    array[N] vector[K] g;
    matrix[K, K] lp = log(append_row(theta1', theta2'));
    for (k in 1:K) g[1, k] = emit(u[1], v[1], phi[k], lambda[k], tau, rho);
    for (t in 2:N)
      for (k in 1:K) {
        vector[K] acc;
        for (j in 1:K) acc[j] = g[t - 1, j] + lp[j, k] + emit(u[t], v[t], phi[k], lambda[k], tau, rho);
        g[t, k] = log_sum_exp(acc);
      }
    target += log_sum_exp(g[N]);
  }
}",
    ),
    (
        "kidiq-kidscore_interaction",
        "kidiq",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data {  }
parameters { vector[4] beta; real<lower=0> sigma; }
model { sigma ~ cauchy(0, 2.5); kid_score ~ normal(beta[1] + beta[2] * mom_hs + beta[3] * mom_iq + beta[4] * (mom_hs .* mom_iq), sigma); }",
    ),
    (
        "kidiq-kidscore_momhs",
        "kidiq",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data {  }
parameters { vector[2] beta; real<lower=0> sigma; }
model { sigma ~ cauchy(0, 2.5); kid_score ~ normal(beta[1] + beta[2] * mom_hs, sigma); }",
    ),
    (
        "kidiq-kidscore_momhsiq",
        "kidiq",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data {  }
parameters { vector[3] beta; real<lower=0> sigma; }
model { sigma ~ cauchy(0, 2.5); kid_score ~ normal(beta[1] + beta[2] * mom_hs + beta[3] * mom_iq, sigma); }",
    ),
    (
        "kidiq-kidscore_momiq",
        "kidiq",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data {  }
parameters { vector[2] beta; real<lower=0> sigma; }
model { sigma ~ cauchy(0, 2.5); kid_score ~ normal(beta[1] + beta[2] * mom_iq, sigma); }",
    ),
    (
        "kidiq_with_mom_work-kidscore_interaction_c",
        "kidiq_with_mom_work",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data { vector[N] a = mom_hs - mean(mom_hs); vector[N] b = mom_iq - mean(mom_iq); vector[N] ab = a .* b; }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  kid_score ~ normal(beta[1] + beta[2] * a + beta[3] * b + beta[4] * ab, sigma); }",
    ),
    (
        "kidiq_with_mom_work-kidscore_interaction_c2",
        "kidiq_with_mom_work",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data { vector[N] a = mom_hs - 0.5; vector[N] b = mom_iq - 100; vector[N] ab = a .* b; }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  kid_score ~ normal(beta[1] + beta[2] * a + beta[3] * b + beta[4] * ab, sigma); }",
    ),
    (
        "kidiq_with_mom_work-kidscore_interaction_z",
        "kidiq_with_mom_work",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; }
transformed data { vector[N] a = (mom_hs - mean(mom_hs)) / (2 * sd(mom_hs)); vector[N] b = (mom_iq - mean(mom_iq)) / (2 * sd(mom_iq)); vector[N] ab = a .* b; }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  kid_score ~ normal(beta[1] + beta[2] * a + beta[3] * b + beta[4] * ab, sigma); }",
    ),
    (
        "kidiq_with_mom_work-kidscore_mom_work",
        "kidiq_with_mom_work",
        r"data { int<lower=0> N; vector[N] kid_score; vector[N] mom_hs; vector[N] mom_iq; array[N] int mom_work; }
transformed data { vector[N] w2; vector[N] w3; vector[N] w4; for (i in 1:N) { w2[i] = mom_work[i] == 2; w3[i] = mom_work[i] == 3; w4[i] = mom_work[i] == 4; } }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  kid_score ~ normal(beta[1] + beta[2] * w2 + beta[3] * w3 + beta[4] * w4, sigma); }",
    ),
    (
        "kilpisjarvi_mod-kilpisjarvi",
        "kilpisjarvi_mod",
        r"data { int N; vector[N] x; vector[N] y; real xpred; real pmualpha; real psalpha; real pmubeta; real psbeta; }
parameters { real alpha; real beta; real<lower=0> sigma; }
model { alpha ~ normal(pmualpha, psalpha); beta ~ normal(pmubeta, psbeta); y ~ normal(alpha + beta * x, sigma); }",
    ),
    (
        "low_dim_gauss_mix-low_dim_gauss_mix",
        "low_dim_gauss_mix",
        r"data { int N; vector[N] y; }
parameters { ordered[2] mu; array[2] real<lower=0> sigma; real<lower=0, upper=1> theta; }
model {
  sigma ~ normal(0, 2); mu ~ normal(0, 2); theta ~ beta(5, 5);
  for (n in 1:N)
    target += log_mix(theta, normal_lpdf(y[n] | mu[1], sigma[1]), normal_lpdf(y[n] | mu[2], sigma[2]));
}",
    ),
    (
        "mesquite-logmesquite",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight); vector[N] d1 = log(diam1); vector[N] d2 = log(diam2); vector[N] c = log(canopy_height); vector[N] th = log(total_height); vector[N] de = log(density);  }
parameters { vector[7] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * d1 + beta[3] * d2 + beta[4] * c + beta[5] * th + beta[6] * de + beta[7] * group, sigma); }",
    ),
    (
        "mesquite-logmesquite_logva",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight); vector[N] v = log(diam1 .* diam2 .* canopy_height); vector[N] ar = log(diam1 .* diam2);  }
parameters { vector[4] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * v + beta[3] * ar + beta[4] * group, sigma); }",
    ),
    (
        "mesquite-logmesquite_logvas",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight); vector[N] v = log(diam1 .* diam2 .* canopy_height); vector[N] ar = log(diam1 .* diam2); vector[N] s = log(diam1 ./ diam2); vector[N] th = log(total_height); vector[N] de = log(density);  }
parameters { vector[7] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * v + beta[3] * ar + beta[4] * s + beta[5] * th + beta[6] * de + beta[7] * group, sigma); }",
    ),
    (
        "mesquite-logmesquite_logvash",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight); vector[N] v = log(diam1 .* diam2 .* canopy_height); vector[N] ar = log(diam1 .* diam2); vector[N] s = log(diam1 ./ diam2); vector[N] th = log(total_height);  }
parameters { vector[6] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * v + beta[3] * ar + beta[4] * s + beta[5] * th + beta[6] * group, sigma); }",
    ),
    (
        "mesquite-logmesquite_logvolume",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight); vector[N] v = log(diam1 .* diam2 .* canopy_height);  }
parameters { vector[2] beta; real<lower=0> sigma; }
model {  z ~ normal(beta[1] + beta[2] * v, sigma); }",
    ),
    (
        "mesquite-mesquite",
        "mesquite",
        r"data { int<lower=0> N; vector[N] weight; vector[N] diam1; vector[N] diam2; vector[N] canopy_height; vector[N] total_height; vector[N] density; vector[N] group; }
transformed data { vector[N] z = log(weight);  }
parameters { vector[7] beta; real<lower=0> sigma; }
model {  weight ~ normal(beta[1] + beta[2] * diam1 + beta[3] * diam2 + beta[4] * canopy_height + beta[5] * total_height + beta[6] * density + beta[7] * group, sigma); }",
    ),
    (
        "nes1972-nes",
        "nes1972",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1976-nes",
        "nes1976",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1980-nes",
        "nes1980",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1984-nes",
        "nes1984",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1988-nes",
        "nes1988",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1992-nes",
        "nes1992",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes1996-nes",
        "nes1996",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "nes2000-nes",
        "nes2000",
        r"data { int N; vector[N] partyid7; vector[N] real_ideo; vector[N] race_adj; array[N] int age_discrete; vector[N] educ1; vector[N] gender; vector[N] income; }
transformed data {
  vector[N] a2; vector[N] a3; vector[N] a4;
  for (n in 1:N) { a2[n] = age_discrete[n] == 2; a3[n] = age_discrete[n] == 3; a4[n] = age_discrete[n] == 4; }
}
parameters { vector[9] beta; real<lower=0> sigma; }
model {
  partyid7 ~ normal(beta[1] + beta[2] * real_ideo + beta[3] * race_adj + beta[4] * a2 + beta[5] * a3 + beta[6] * a4
                    + beta[7] * educ1 + beta[8] * gender + beta[9] * income, sigma);
}",
    ),
    (
        "sblrc-blr",
        "sblrc",
        r"data { int N; int D; matrix[N, D] X; vector[N] y; }
parameters { vector[D] beta; real<lower=0> sigma; }
model { beta ~ normal(0, 10); sigma ~ normal(0, 10); y ~ normal(X * beta, sigma); }",
    ),
    (
        "sblri-blr",
        "sblri",
        r"data { int N; int D; matrix[N, D] X; vector[N] y; }
parameters { vector[D] beta; real<lower=0> sigma; }
model { beta ~ normal(0, 10); sigma ~ normal(0, 10); y ~ normal(X * beta, sigma); }",
    ),
    (
        "diamonds-diamonds",
        "diamonds",
        r"data { int N; vector[N] Y; int K; matrix[N, K] X; int prior_only; }
transformed data {
  int Kc = K - 1;
  matrix[N, Kc] Xc;
  vector[Kc] means;
  for (i in 2:K) { means[i - 1] = mean(X[, i]); Xc[, i - 1] = X[, i] - means[i - 1]; }
}
parameters { vector[Kc] b; real Intercept; real<lower=0> sigma; }
model {
  target += normal_lpdf(b | 0, 1);
  target += student_t_lpdf(Intercept | 3, 8, 10);
  target += student_t_lpdf(sigma | 3, 0, 10) - 1 * student_t_lccdf(0 | 3, 0, 10);
  if (!prior_only) target += normal_id_glm_lpdf(Y | Xc, Intercept, b, sigma);
}",
    ),
    (
        "mcycle_gp-accel_gp",
        "mcycle_gp",
        r"functions {
  // a Gaussian process in the basis of Laplace's operator: weights by the spectral density
  vector smooth(matrix X, real scale, real reach, vector z, array[] vector root) {
    vector[cols(X)] w;
    for (m in 1:cols(X)) w[m] = sqrt(square(scale) * sqrt(2 * pi()) * reach * exp(-0.5 * square(reach) * dot_self(root[m])));
    return X * (w .* z);
  }
}
data {
  int N; vector[N] Y; int NBgp_1; matrix[N, NBgp_1] Xgp_1; array[NBgp_1] vector[1] slambda_1;
  int NBgp_sigma_1; matrix[N, NBgp_sigma_1] Xgp_sigma_1; array[NBgp_sigma_1] vector[1] slambda_sigma_1;
}
parameters {
  real Intercept; real<lower=0> sdgp_1; real<lower=0> lscale_1; vector[NBgp_1] zgp_1;
  real Intercept_sigma; real<lower=0> sdgp_sigma_1; real<lower=0> lscale_sigma_1; vector[NBgp_sigma_1] zgp_sigma_1;
}
model {
  Intercept ~ student_t(3, -13, 36); sdgp_1 ~ student_t(3, 0, 36); lscale_1 ~ inv_gamma(1.124909, 0.0177);
  zgp_1 ~ std_normal();
  Intercept_sigma ~ student_t(3, 0, 10); sdgp_sigma_1 ~ student_t(3, 0, 36);
  lscale_sigma_1 ~ inv_gamma(1.124909, 0.0177); zgp_sigma_1 ~ std_normal();
  Y ~ normal(Intercept + smooth(Xgp_1, sdgp_1, lscale_1, zgp_1, slambda_1),
             exp(Intercept_sigma + smooth(Xgp_sigma_1, sdgp_sigma_1, lscale_sigma_1, zgp_sigma_1, slambda_sigma_1)));
}",
    ),
];
