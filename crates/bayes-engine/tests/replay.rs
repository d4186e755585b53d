//! A model's statements on its draws: log densities, new data, means, the prior; power scaling against ArviZ.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::check::sensitivity;
use bayes_engine::language::{Data, Datum, Model, Part, Replay, Wanted, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::sampler::Settings;

const ALL: Wanted = Wanted { draws: true, means: true };

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

fn bind(text: &str, data: &Data, part: Part) -> Model {
    let program = parse(text).expect("a model");
    Model::bind_part(&program, text, data, 7, part, &|| false)
        .unwrap_or_else(|error| panic!("{error:#?}"))
}

fn replay(text: &str, data: &Data, numbers: &[f64]) -> Replay {
    let model = bind(text, data, Part::Posterior);
    model.replay(1, 0, numbers, ALL).expect("a replay").expect("accepted")
}

fn near(found: &[f64], expected: &[f64]) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}

fn normal(y: f64, mu: f64, sigma: f64) -> f64 {
    let z = (y - mu) / sigma;
    -0.5 * z * z - sigma.ln() - 0.5 * (2.0 * std::f64::consts::PI).ln()
}

#[test]
fn statements_on_data_are_told_from_those_on_parameters() {
    let text = "
        data { int N; vector[N] y; array[N] int k; vector[N] x; }
        transformed data { vector[N] z = 2 * y; }
        parameters { real mu; real<lower=0> sigma; }
        transformed parameters { vector[N] m = mu + x; }
        model {
          mu ~ normal(0, 3);
          target += exponential_lpdf(sigma | 1);
          target += -log(sigma);
          z ~ normal(m, sigma);
          for (n in 1:N) target += poisson_log_lpmf(k[n] | mu * x[n]);
        }";
    let (y, x, k) = ([0.5, -1.0, 2.0], [1.0, 0.0, -0.5], [3.0, 1.0, 0.0]);
    let data =
        given([("N", Datum::Number(3.0)), ("y", list(&y)), ("x", list(&x)), ("k", list(&k))]);
    let (mu, sigma) = (0.4, 1.5);
    let found = replay(text, &data, &[mu, sigma, mu + x[0], mu + x[1], mu + x[2]]);
    near(&[found.log_prior], &[normal(mu, 0.0, 3.0) - sigma - sigma.ln()]);
    let names: Vec<&str> = found.outcomes.iter().map(|outcome| outcome.name.as_str()).collect();
    assert_eq!(names, ["z", "k"]);
    let [z, count] = found.outcomes.as_slice() else { panic!("two outcomes") };
    near(&z.observed, &[1.0, -2.0, 4.0]);
    let of = |at: usize| normal(2.0 * y[at], mu + x[at], sigma);
    near(&z.log_lik, &[of(0), of(1), of(2)]);
    near(&z.means, &[mu + x[0], mu + x[1], mu + x[2]]);
    assert!(count.is_whole && count.is_drawable() && !z.is_whole);
    near(&count.means, &x.map(|x| (mu * x).exp()));
    assert!(count.drawn.iter().all(|k| *k >= 0.0 && k.fract() == 0.0));
    assert!(bind(text, &data, Part::Posterior).mixed_lines().is_empty());
}

#[test]
fn a_mixture_by_hand_is_named_by_its_line() {
    let text = "data { real y; } parameters { real mu; } model {\n  mu ~ normal(0, 1);\n  target += log_mix(0.3, \
                normal_lpdf(y | mu, 1), normal_lpdf(y | -mu, 1));\n}";
    let model = bind(text, &given([("y", Datum::Number(1.0))]), Part::Posterior);
    assert_eq!((model.mixed_lines(), model.has_data_terms()), ([3].as_slice(), false));
}

#[test]
fn draws_of_a_distribution_have_its_mean() {
    let text = "
        data { int N; array[N] int a; array[N] int b; array[N] int c; vector[N] d; matrix[N, 1] x; array[2] vector[2] e; }
        parameters { real p; }
        model {
          a ~ bernoulli_logit_glm(x, p, [0.5]');
          b ~ neg_binomial_2_log(p, 3);
          c ~ categorical([0.2, 0.3, 0.5]');
          d ~ gamma(2, exp(p));
          e ~ multi_normal([p, 1]', [[1, 0.5], [0.5, 2]]);
        }";
    let n = 4000;
    let rows = Datum::List((0..n).map(|_| list(&[1.0])).collect());
    let data = given([
        ("N", Datum::Number(f64::from(n))),
        ("a", Datum::Fill(1.0)),
        ("b", Datum::Fill(2.0)),
        ("c", Datum::Fill(1.0)),
        ("d", Datum::Fill(1.5)),
        ("e", Datum::Fill(0.0)),
        ("x", rows),
    ]);
    let p = 0.3;
    let found = replay(text, &data, &[p]);
    let share = 1.0 / (1.0 + (-0.8_f64).exp());
    for (name, mean, sd) in [
        ("a", share, (share * (1.0 - share)).sqrt()),
        ("b", p.exp(), (p.exp() + (2.0 * p).exp() / 3.0).sqrt()),
        ("d", 2.0 / p.exp(), 2.0_f64.sqrt() / p.exp()),
    ] {
        let outcome = found.outcomes.iter().find(|outcome| outcome.name == name).expect(name);
        assert!((outcome.means[0] - mean).abs() < 1e-12, "{name}: {}", outcome.means[0]);
        let drawn = outcome.drawn.iter().sum::<f64>() / f64::from(n);
        assert!((drawn - mean).abs() < 4.5 * sd / f64::from(n).sqrt(), "{name}: {drawn} {mean}");
    }
    let category = found.outcomes.iter().find(|outcome| outcome.name == "c").expect("c");
    assert!(category.means[0].is_nan() && category.is_drawable());
    let thirds =
        category.drawn.iter().filter(|c| (**c - 3.0).abs() < 0.5).count() as f64 / f64::from(n);
    assert!((thirds - 0.5).abs() < 4.5 * 0.5 / f64::from(n).sqrt());
    let pairs = found.outcomes.iter().find(|outcome| outcome.name == "e").expect("e");
    assert_eq!((pairs.log_lik.len(), pairs.drawn.len()), (2, 4));
    near(&pairs.means, &[p, 1.0, p, 1.0]);
}

#[test]
fn the_prior_is_what_is_left_without_data() {
    let text = "data { int N; vector[N] y; } parameters { real mu; real<lower=0> sigma; }
        model { mu ~ normal(2, 0.5); sigma ~ exponential(2); y ~ normal(mu, sigma); }";
    let data = given([("N", Datum::Number(3.0)), ("y", list(&[9.0, 8.0, 9.5]))]);
    let model = bind(text, &data, Part::Prior);
    assert!(model.improper().is_empty() && model.has_data_terms());
    let settings = Settings { seed: 4, ..Settings::default() };
    let chains = (0..2)
        .map(|number| run_chain(&model, &settings, number, &mut |_| {}, &|| false).expect("draws"))
        .collect();
    let posterior = Posterior::new(&model, &settings, chains);
    for (place, mean) in [(0, 2.0), (1, 0.5)] {
        let estimate = posterior.estimate(place, 0.9).expect("an estimate");
        assert!((estimate.mean - mean).abs() < 4.5 * estimate.mcse_mean, "{estimate:?}");
    }
    let flat =
        "data { real y; } parameters { real mu; real<lower=0> sigma; real<lower=0, upper=1> p; }
        model { y ~ normal(mu * p, sigma); }";
    let model = bind(flat, &given([("y", Datum::Number(1.0))]), Part::Prior);
    assert_eq!(model.improper(), ["mu", "sigma"]);
}

#[test]
fn without_jacobians_the_mode_is_that_of_the_parameter() {
    // gamma(3, 2) has its mode at 1; its log at 1.5
    let text = "parameters { real<lower=0> x; } model { x ~ gamma(3, 2); }";
    for (part, mode) in [(Part::Plain, 1.0_f64), (Part::Posterior, 1.5)] {
        let model = bind(text, &Data::new(), part);
        let mut gradient = [0.0];
        model.density().gradient(&[mode.ln()], &mut gradient).expect("a density");
        assert!(gradient[0].abs() < 1e-12, "{part:?}: {gradient:?}");
    }
}

#[test]
fn parameters_foretell_other_rows() {
    let text = "data { int N; vector[N] x; vector[N] y; } parameters { real a; real b; }
        transformed parameters { vector[N] mu = a + b * x; } model { y ~ normal(mu, 1); }";
    let data =
        given([("N", Datum::Number(2.0)), ("x", list(&[1.0, 10.0])), ("y", Datum::Fill(0.0))]);
    let model = bind(text, &data, Part::Posterior);
    let found = model.foretell(1, 0, &[0.5, 2.0], ALL).expect("a replay").expect("accepted");
    near(&found.outcomes[0].means, &[2.5, 20.5]);
}

#[test]
fn power_scaling_equals_arviz() {
    let mut sets = 0;
    for line in include_str!("data/sensitivity.txt").lines().filter(|line| !line.starts_with('#')) {
        let expected: f64 = line.split(' ').nth(1).expect("two words").parse().expect("a number");
        let mut state: u64 = 99 + sets;
        let mut uniform = || {
            state = (state * 1_103_515_245 + 12345) % 2_147_483_648;
            (state as f64 + 0.5) / 2_147_483_648.0
        };
        let (mut draws, mut logs) = (Vec::new(), Vec::new());
        for _ in 0..400 + 100 * sets {
            let x = 0.5 * sets as f64 + uniform() + uniform() + uniform() - 1.5;
            draws.push(x);
            logs.push(-0.5 * x * x * (1.0 + sets as f64));
        }
        let found = sensitivity(&draws, &logs);
        assert!((found - expected).abs() < 1e-9 * (1.0 + expected), "{sets}: {found} {expected}");
        sets += 1;
    }
    assert_eq!(sets, 6);
}
