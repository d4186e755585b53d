//! Marginal likelihoods and densities at a point against closed forms.

use bayes_engine::conjugate::{
    BetaPrior, Counts, NigPrior, NormalPrior, Sample, update_beta_binomial, update_nig,
    update_normal_known_sigma,
};
use bayes_engine::evidence::{Estimated, Points, bridge, ordinate};
use bayes_engine::language::{Data, Datum, Model, Part, Wanted, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::sampler::Settings;
use bayes_engine::special::normal_ln_pdf;

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

fn bound(text: &str, data: &Data, part: Part) -> Model {
    let program = parse(text).expect("a model");
    Model::bind_part(&program, text, data, 7, part, &|| false)
        .unwrap_or_else(|error| panic!("{error:#?}"))
}

fn sampled(model: &Model, draws: usize) -> Posterior {
    let settings =
        Settings { tune: 500, draws, seed: 11, target_accept: 0.9, ..Settings::default() };
    let chains = (0..4)
        .map(|number| run_chain(model, &settings, number, &mut |_| {}, &|| false))
        .collect::<Result<Vec<_>, _>>()
        .expect("draws");
    Posterior::new(model, &settings, chains)
}

/// Free points of all draws, each checked to have the density the sampler saw.
fn points(model: &Model, posterior: &Posterior) -> Points {
    let mut density = model.density();
    let mut scratch = vec![0.0; model.dim()];
    posterior
        .chains
        .iter()
        .map(|chain| {
            let draws = chain.numbers.chunks(posterior.width).zip(&chain.steps);
            draws
                .map(|(numbers, step)| {
                    let point = model.free_point(numbers).expect("a free point");
                    let log = density.gradient(&point, &mut scratch).expect("a density");
                    let off = (log - step.log_density).abs();
                    assert!(off < 1e-7 * (1.0 + log.abs()), "{log} was {}", step.log_density);
                    point
                })
                .collect()
        })
        .collect()
}

fn evidence(text: &str, data: &Data) -> Estimated {
    let model = bound(text, data, Part::Posterior);
    let points = points(&model, &sampled(&model, 1000));
    let found = bridge(&mut model.density(), &points, 5, &|| false).expect("an estimate");
    assert!(found.reason("it").is_none(), "{found:?}");
    found
}

#[track_caller]
fn near(found: Estimated, exact: f64) {
    let off = (found.log - exact).abs();
    assert!(off < 4.5 * found.error.max(1e-4) && off < 0.05, "{found:?} is not {exact}");
}

const VALUES: [f64; 8] = [2.1, 1.4, 3.3, 0.2, 2.8, 1.9, 2.2, 4.1];

#[test]
fn conjugate_marginals_are_met() {
    let prior = NormalPrior { mean: 0.0, sd: 3.0 };
    let exact = update_normal_known_sigma(prior, 1.5, &Sample::Values(VALUES.to_vec()), 0.95);
    let text = "data { vector[8] y; } parameters { real mu; }
        model { mu ~ normal(0, 3); y ~ normal(mu, 1.5); }";
    near(evidence(text, &given([("y", list(&VALUES))])), exact.expect("valid").ln_marginal);

    let prior = NigPrior { mean: 1.0, kappa: 0.5, shape: 3.0, scale: 2.0 };
    let exact = update_nig(prior, &Sample::Values(VALUES.to_vec()), 0.95).expect("valid");
    let text = "data { vector[8] y; } parameters { real mu; real<lower=0> s2; }
        model { s2 ~ inv_gamma(3, 2); mu ~ normal(1, sqrt(s2 / 0.5)); y ~ normal(mu, sqrt(s2)); }";
    near(evidence(text, &given([("y", list(&VALUES))])), exact.ln_marginal);

    let prior = BetaPrior { alpha: 2.0, beta: 5.0 };
    let counts = Counts { successes: 7, trials: 19 };
    let exact = update_beta_binomial(prior, counts, 1, 0.95).expect("valid");
    let text = "parameters { real<lower=0, upper=1> p; }
        model { p ~ beta(2, 5); target += binomial_lpmf(7 | 19, p); }";
    near(evidence(text, &Data::new()), exact.ln_marginal);
}

/// Every constrained type goes back to its free numbers; a prior integrates to 1, half of one to a half.
#[test]
fn priors_integrate_to_what_their_text_says() {
    let simple =
        "parameters { simplex[4] w; cholesky_factor_corr[3] L; real<lower=0> s; vector[3] z;
            real<lower=0, upper=1> p; matrix[2, 2] m; }
        model { w ~ dirichlet([2, 3, 4, 5]'); L ~ lkj_corr_cholesky(2); s ~ student_t(7, 0, 2);
            z ~ normal(0, 2); p ~ beta(3, 3); to_vector(m) ~ std_normal(); }";
    let model = bound(simple, &Data::new(), Part::Prior);
    let mass = model.log_prior_mass().expect("shown by the text");
    assert!((mass + 2.0_f64.ln()).abs() < 1e-15);
    near(evidence(simple, &Data::new()), mass);

    // an order of three cuts 5 of 6 parts away, and no text shows it
    let ordered = "parameters { ordered[3] x; positive_ordered[2] q; real<upper=2> u; real<lower=-1, upper=3> v;
            vector<offset=4, multiplier=2>[2] a; }
        model { x ~ normal(0, 1); q ~ exponential(1); u ~ normal(2, 1); v ~ uniform(-1, 3); a ~ normal(4, 2); }";
    assert_eq!(bound(ordered, &Data::new(), Part::Prior).log_prior_mass(), None);
    near(evidence(ordered, &Data::new()), -(6.0_f64 * 2.0 * 2.0).ln());
}

#[test]
fn what_a_text_does_not_show_is_not_claimed() {
    let table = [
        "parameters { real x; } model { x ~ normal(0, 1); x ~ normal(1, 1); }",
        "parameters { real x; real y; } model { x ~ normal(y, 1); y ~ normal(x, 1); }",
        "parameters { real x; real y; } model { x ~ normal(0, 1); }",
        "parameters { real<lower=1> x; } model { x ~ normal(0, 1); }",
        "parameters { real<lower=0> x; } model { x ~ normal(1, 1); }",
        "parameters { vector[2] x; } model { for (i in 1:2) x[i] ~ normal(0, 1); }",
        "parameters { real x; } transformed parameters { real<lower=0> y = x; } model { x ~ normal(0, 1); }",
        "parameters { real x; } model { if (x > 0) reject(1); x ~ normal(0, 1); }",
    ];
    for text in &table[..7] {
        assert_eq!(bound(text, &Data::new(), Part::Prior).log_prior_mass(), None, "{text}");
    }
    let centred = "data { int J; } parameters { real mu; real<lower=0> tau; vector[J] theta; }
        model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); target += normal_lpdf(theta | mu, tau); }";
    let model = bound(centred, &given([("J", Datum::Number(8.0))]), Part::Prior);
    assert_eq!(model.log_prior_mass(), Some(-std::f64::consts::LN_2));
    let each = "parameters { vector<lower=0>[2] s; } model { s[1] ~ normal(0, 1); s[2] ~ exponential(1); }";
    let model = bound(each, &Data::new(), Part::Prior);
    assert_eq!(model.log_prior_mass(), Some(-std::f64::consts::LN_2));
    let missing = "parameters { vector[2] s; } model { s[2] ~ normal(0, 1); s[2] ~ normal(0, 1); }";
    assert_eq!(bound(missing, &Data::new(), Part::Prior).log_prior_mass(), None);
}

/// A regression of 12 coefficients, unit variance: the evidence is that of a multivariate normal.
#[test]
fn many_correlated_parameters_are_crossed() {
    let rows: Vec<Vec<f64>> = (0..30)
        .map(|row| {
            (0..12).map(|column| (f64::from(row * 12 + column) * 0.37).sin() + 0.5).collect()
        })
        .collect();
    let y: Vec<f64> = (0..30).map(|row| (f64::from(row) * 0.9).cos()).collect();
    let text = "data { matrix[30, 12] X; vector[30] y; } parameters { vector[12] b; }
        model { b ~ normal(0, 1); y ~ normal(X * b, 1); }";
    let x = Datum::List(rows.iter().map(|row| list(row)).collect());
    let found = evidence(text, &given([("X", x), ("y", list(&y))]));
    // covariance I + X X'
    let n = y.len();
    let mut factor = vec![vec![0.0; n]; n];
    for i in 0..n {
        for j in 0..=i {
            let product: f64 = rows[i].iter().zip(&rows[j]).map(|(a, b)| a * b).sum();
            let sum: f64 = (0..j).map(|k| factor[i][k] * factor[j][k]).sum();
            let rest = product + if i == j { 1.0 } else { 0.0 } - sum;
            factor[i][j] = if i == j { f64::sqrt(rest) } else { rest / factor[j][j] };
        }
    }
    let mut exact = 0.0;
    let mut z = vec![0.0; n];
    for i in 0..n {
        let sum: f64 = (0..i).map(|k| factor[i][k] * z[k]).sum();
        z[i] = (y[i] - sum) / factor[i][i];
        exact += normal_ln_pdf(z[i]) - factor[i][i].ln();
    }
    near(found, exact);
    assert!(found.error < 0.02, "{found:?}");
}

/// Two far peaks that the chains do not cross give two halves or chains that the verdict knows; here one that
/// stands still is refused.
#[test]
fn what_does_not_spread_is_refused() {
    let model =
        bound("parameters { real x; } model { x ~ std_normal(); }", &Data::new(), Part::Posterior);
    let still: Points = vec![vec![vec![0.3]; 400]; 2];
    assert_eq!(
        bridge(&mut model.density(), &still, 1, &|| false).expect_err("flat").kind.code(),
        "numeric"
    );
    let few: Points = vec![vec![vec![0.3]; 40]; 2];
    assert_eq!(
        bridge(&mut model.density(), &few, 1, &|| false).expect_err("few").kind.code(),
        "limit_exceeded"
    );
    let none: Points = vec![vec![Vec::new(); 400]];
    assert!(bridge(&mut model.density(), &none, 1, &|| false).is_err());
    // a drift that the halves tell of
    let drifting: Points = vec![
        (0..2000).map(|at| vec![f64::from(at / 1000) * 3.0 + f64::from(at % 7) * 0.1]).collect(),
    ];
    let found = bridge(&mut model.density(), &drifting, 1, &|| false).expect("a figure");
    assert!(found.reason("it").is_some(), "{found:?}");
}

#[test]
fn the_density_at_a_point_is_exact_on_a_normal() {
    let text = "data { vector[8] y; } parameters { real mu; real<lower=0> s; vector[2] b; }
        model { mu ~ normal(0, 3); s ~ lognormal(0, 0.5); b ~ normal(mu, 2); y ~ normal(mu, 1.5); }";
    let model = bound(text, &given([("y", list(&VALUES))]), Part::Posterior);
    let points = points(&model, &sampled(&model, 1000));
    // posterior of mu: b is no data
    let precision = 1.0 / 9.0 + 8.0 / 2.25;
    let mean = VALUES.iter().sum::<f64>() / 2.25 / precision;
    for (value, within) in [(0.0, 0.2), (2.0, 0.02), (3.0, 0.05)] {
        let (_, free) = model.coordinate("mu").expect("there");
        let found =
            ordinate(&mut model.density(), &points, &[(free, value)], &|| false).expect("found");
        let exact = normal_ln_pdf((value - mean) * precision.sqrt()) + 0.5 * precision.ln();
        let off = (found.log - exact).abs();
        assert!(off < 4.5 * found.error.max(1e-3) && off < within, "{value}: {found:?}, {exact}");
    }
    // two at once: independent of each other
    let at = ["mu", "s"].map(|name| (model.coordinate(name).expect("there").1, 0.3));
    let found = ordinate(&mut model.density(), &points, &at, &|| false).expect("found");
    let exact = normal_ln_pdf((0.3 - mean) * precision.sqrt())
        + 0.5 * precision.ln()
        + normal_ln_pdf(0.3 / 0.5)
        - 0.5_f64.ln();
    assert!((found.log - exact).abs() < 0.2, "{found:?}, {exact}");
    assert_eq!(model.coordinate("b[2]"), Some((3, 3)));
    assert_eq!(model.coordinate("b"), None);
}

/// What is left out of a density is what a replay counts as those observations.
#[test]
fn a_part_that_is_left_out_is_missing_from_the_density() {
    let text = "data { vector[8] y; array[3] int c; } parameters { real mu; real<lower=0> s; }
        model { mu ~ normal(0, 3); s ~ exponential(1); y[1:5] ~ normal(mu, s); for (n in 6:8) y[n] ~ normal(mu, 2 * s);
          target += poisson_lpmf(c | s); }";
    let counts = list(&[1.0, 0.0, 4.0]);
    let data = given([("y", list(&VALUES)), ("c", counts)]);
    let full = bound(text, &data, Part::Posterior);
    let numbers = [1.3, 0.7];
    let point = full.free_point(&numbers).expect("free");
    let at = |model: &Model| model.density().gradient(&point, &mut [0.0; 2]).expect("a density");
    let replay = full.replay(1, 0, &numbers, Wanted::default()).expect("runs").expect("kept");
    assert_eq!(replay.outcomes.iter().map(|one| one.log_lik.len()).collect::<Vec<_>>(), [8, 3]);
    for fold in 0..3 {
        let rest = bound(text, &data, Part::Without { fold, folds: 3 });
        let lost: f64 = replay
            .outcomes
            .iter()
            .flat_map(|one| one.log_lik.iter().enumerate().filter(|(at, _)| at % 3 == fold))
            .map(|(_, log)| log)
            .sum();
        assert!((at(&full) - at(&rest) - lost).abs() < 1e-10, "{fold}");
        assert!(rest.has_data_terms() && rest.mixed_lines().is_empty());
    }
}
