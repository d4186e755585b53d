//! Sampling: known posteriors recovered, equal seeds equal bits, the verdict, cancellation.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use std::sync::atomic::{AtomicUsize, Ordering};

use bayes_engine::language::{Code, Data, Datum, Model, parse};
use bayes_engine::posterior::{Chain, Posterior, run_chain};
use bayes_engine::sampler::Settings;

fn list(numbers: &[f64]) -> Datum {
    Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
}

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

fn bind(text: &str, data: &Data) -> Model {
    let program = parse(text).expect("a model");
    Model::bind(&program, text, data, 7, &|| false).unwrap_or_else(|error| panic!("{error:#?}"))
}

fn chains(model: &Model, settings: &Settings, count: u32) -> Vec<Chain> {
    (0..count)
        .map(|number| run_chain(model, settings, number, &mut |_| {}, &|| false).expect("a start"))
        .collect()
}

fn fit(text: &str, data: &Data, settings: &Settings) -> Posterior {
    let model = bind(text, data);
    let chains = chains(&model, settings, 4);
    Posterior::new(&model, settings, chains)
}

/// How many Monte Carlo errors the mean of a quantity is off.
fn off(posterior: &Posterior, name: &str, expected: f64) -> f64 {
    let (_, place) = posterior.labels(2).find(|(label, _)| label == name).expect(name);
    let estimate = posterior.estimate(place, 0.9).expect("an estimate");
    (estimate.mean - expected).abs() / estimate.mcse_mean
}

const MEAN: &str = "
data { int N; vector[N] y; }
parameters { real mu; real<lower=0> sigma; }
model { y ~ normal(mu, sigma); target += -2 * log(sigma); }
generated quantities { real variance = square(sigma); real next = normal_rng(mu, sigma); }
";

#[test]
fn a_normal_sample_gives_the_known_posterior() {
    // flat on mu and 1 / sigma^2 on sigma: sigma^2 ~ inverse gamma(n / 2, s / 2), mean s / (n - 2)
    let y = [3.1, 4.7, 2.2, 5.9, 4.4, 3.8, 5.1, 4.0, 2.9, 4.9];
    let n = y.len() as f64;
    let mean = y.iter().sum::<f64>() / n;
    let square: f64 = y.iter().map(|y| (y - mean) * (y - mean)).sum();
    let data = given([("N", Datum::Number(n)), ("y", list(&y))]);
    let posterior = fit(MEAN, &data, &Settings { seed: 11, draws: 2000, ..Settings::default() });
    let verdict = posterior.verdict();
    assert!(verdict.is_reliable, "{verdict:?}");
    assert!(off(&posterior, "mu", mean) < 4.5);
    assert!(off(&posterior, "variance", square / (n - 2.0)) < 4.5);
    assert!(off(&posterior, "next", mean) < 4.5);
}

#[test]
fn conjugate_shares_and_rates_are_recovered() {
    let text = "
        data { int y; int n; array[3] int k; }
        parameters { real<lower=0, upper=1> p; real<lower=0> rate; simplex[3] theta; }
        model {
          p ~ beta(2, 3); y ~ binomial(n, p);
          rate ~ gamma(2, 1); k ~ poisson(rate);
          theta ~ dirichlet([2, 3, 5]');
        }";
    let data = given([
        ("y", Datum::Number(7.0)),
        ("n", Datum::Number(10.0)),
        ("k", list(&[3.0, 5.0, 1.0])),
    ]);
    let posterior = fit(text, &data, &Settings { seed: 3, draws: 2000, ..Settings::default() });
    assert!(posterior.verdict().is_reliable);
    assert!(off(&posterior, "p", 9.0 / 15.0) < 4.5);
    assert!(off(&posterior, "rate", 11.0 / 4.0) < 4.5);
    for (name, mean) in [("theta[1]", 0.2), ("theta[2]", 0.3), ("theta[3]", 0.5)] {
        assert!(off(&posterior, name, mean) < 4.5, "{name}");
    }
}

const SCHOOLS: [&str; 2] = [
    "data { int J; vector[J] y; vector<lower=0>[J] sigma; }
     parameters { real mu; real<lower=0> tau; vector[J] z; }
     transformed parameters { vector[J] theta = mu + tau * z; }
     model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); z ~ std_normal(); y ~ normal(theta, sigma); }",
    "data { int J; vector[J] y; vector<lower=0>[J] sigma; }
     parameters { real mu; real<lower=0> tau; vector[J] theta; }
     model { mu ~ normal(0, 5); tau ~ cauchy(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); }",
];

fn schools() -> Data {
    given([
        ("J", Datum::Number(8.0)),
        ("y", list(&[28., 8., -3., 7., -1., 1., 18., 12.])),
        ("sigma", list(&[15., 10., 16., 11., 9., 11., 10., 18.])),
    ])
}

#[test]
fn eight_schools_agree_with_the_reference() {
    // the reference's means and their errors: 4.4105 (0.0330), 3.6021 (0.0319)
    let settings = Settings { seed: 5, draws: 2500, target_accept: 0.95, ..Settings::default() };
    let posterior = fit(SCHOOLS[0], &schools(), &settings);
    for (name, mean, error) in [("mu", 4.4105, 0.0330), ("tau", 3.6021, 0.0319)] {
        let (_, place) = posterior.labels(2).find(|(label, _)| label == name).expect(name);
        let estimate = posterior.estimate(place, 0.9).expect("an estimate");
        let z = (estimate.mean - mean).abs() / estimate.mcse_mean.hypot(error);
        assert!(z < 4.5, "{name}: {estimate:?}");
    }
}

#[test]
fn centred_schools_are_not_called_reliable() {
    let posterior = fit(SCHOOLS[1], &schools(), &Settings { seed: 2, ..Settings::default() });
    let verdict = posterior.verdict();
    assert!(!verdict.is_reliable);
    assert!(verdict.reasons.iter().any(|reason| reason.code == "divergences"), "{verdict:?}");
}

#[test]
fn chains_do_not_depend_on_where_they_run() {
    let model = bind(SCHOOLS[0], &schools());
    let settings = Settings { seed: 9, tune: 200, draws: 100, ..Settings::default() };
    let alone = chains(&model, &settings, 3);
    let mut together: Vec<Option<Chain>> = vec![None; 3];
    std::thread::scope(|scope| {
        for (slot, number) in together.iter_mut().zip(0..) {
            let (model, settings) = (&model, &settings);
            scope.spawn(move || {
                *slot = run_chain(model, settings, number, &mut |_| {}, &|| false).ok();
            });
        }
    });
    for (one, other) in alone.iter().zip(together) {
        let other = other.expect("a chain");
        assert!(one.numbers.iter().zip(&other.numbers).all(|(a, b)| a.to_bits() == b.to_bits()));
    }
    assert_ne!(alone[0].numbers, alone[1].numbers);
}

#[test]
fn a_cancelled_chain_keeps_its_draws() {
    let model = bind(SCHOOLS[0], &schools());
    let kept = AtomicUsize::new(0);
    let settings = Settings { seed: 1, ..Settings::default() };
    let mut progress = |draws: usize| kept.store(draws, Ordering::Relaxed);
    let is_cancelled = || kept.load(Ordering::Relaxed) >= 40;
    let chain = run_chain(&model, &settings, 0, &mut progress, &is_cancelled).expect("a chain");
    assert_eq!(chain.steps.len(), 40);
    assert_eq!(chain.numbers.len(), 40 * model.width());
    assert!(!chain.ended.is_complete);
    let verdict = Posterior::new(&model, &settings, vec![chain]).verdict();
    assert!(verdict.reasons.iter().any(|reason| reason.code == "incomplete"));
}

#[test]
fn no_start_names_the_line_that_fails() {
    let text = "data { real y; }\nparameters { real mu; }\nmodel {\n  mu ~ normal(0, 1);\n  y ~ exponential(mu - 100);\n}\n";
    let model = bind(text, &given([("y", Datum::Number(1.0))]));
    let error =
        run_chain(&model, &Settings::default(), 0, &mut |_| {}, &|| false).expect_err("no start");
    assert_eq!(error.code, Code::InitFailed);
    assert!(error.message.contains("line 5"), "{}", error.message);
}
