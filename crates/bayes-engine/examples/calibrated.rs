//! Simulation-based calibration of the engine by ten models: p of the uniformity of every rank.
//!
//! `calibrated SIMULATIONS SEED [FIRST LAST]`: models FIRST to LAST of the ten, counted from 1.
#![expect(clippy::print_stdout, reason = "an example prints what it found")]

use std::error::Error;

use bayes_engine::calibrate::{Simulation, Study, judge};
use bayes_engine::language::{Data, Datum, Model, parse};

/// Name, text, ranked quantities; `N` is 8, `x` a slope, `g` four groups.
const MODELS: [(&str, &str, &[&str]); 10] = [
    (
        "normal",
        "data { int N; vector[N] y; } parameters { real mu; real<lower=0> s; } model { mu ~ normal(1, 2); s ~ normal(0, 1.5); y ~ normal(mu, s + 0.2); }",
        &["mu", "s"],
    ),
    (
        "regression",
        "data { int N; vector[N] x; vector[N] y; } parameters { real a; real b; real<lower=0> s; } model { a ~ normal(0, 2); b ~ normal(0, 1); s ~ exponential(1); y ~ normal(a + b * x, s + 0.1); }",
        &["a", "b", "s"],
    ),
    (
        "logit",
        "data { int N; vector[N] x; array[N] int y; } parameters { real a; real b; } model { a ~ normal(0, 1.5); b ~ normal(0, 1); y ~ bernoulli_logit(a + b * x); }",
        &["a", "b"],
    ),
    (
        "poisson",
        "data { int N; vector[N] x; array[N] int y; } parameters { real a; real b; } model { a ~ normal(1, 0.7); b ~ normal(0, 0.5); y ~ poisson_log(a + b * x); }",
        &["a", "b"],
    ),
    (
        "binomial",
        "data { int N; array[N] int y; } parameters { real<lower=0, upper=1> p; } model { p ~ beta(2, 3); y ~ binomial(20, p); }",
        &["p"],
    ),
    (
        "negative binomial",
        "data { int N; array[N] int y; } parameters { real m; real<lower=0> phi; } model { m ~ normal(1, 0.5); phi ~ gamma(3, 1); y ~ neg_binomial_2_log(m, phi); }",
        &["m", "phi"],
    ),
    (
        "groups, not centred",
        "data { int N; array[N] int g; vector[N] y; } parameters { real mu; real<lower=0> tau; vector[4] z; } model { mu ~ normal(0, 2); tau ~ normal(0, 1); z ~ normal(0, 1); y ~ normal(mu + tau * z[g], 0.7); }",
        &["mu", "tau", "z[2]"],
    ),
    (
        "student",
        "data { int N; vector[N] y; } parameters { real mu; real<lower=0> s; } model { mu ~ normal(0, 1); s ~ lognormal(0, 0.5); y ~ student_t(5, mu, s); }",
        &["mu", "s"],
    ),
    (
        "shares",
        "data { int N; array[N] int y; } parameters { simplex[3] w; } model { w ~ dirichlet([1.5, 2, 3]'); y ~ categorical(w); }",
        &["w[1]", "w[3]"],
    ),
    (
        "waiting times",
        "data { int N; vector<lower=0>[N] y; } parameters { real<lower=0> a; real<lower=0> b; } model { a ~ lognormal(0.3, 0.4); b ~ inv_gamma(4, 4); y ~ weibull(a, b); }",
        &["a", "b"],
    ),
];

fn main() -> Result<(), Box<dyn Error>> {
    let numbers: Vec<usize> =
        std::env::args().skip(1).map(|word| word.parse()).collect::<Result<_, _>>()?;
    let [simulations, seed, range @ ..] = numbers.as_slice() else {
        return Err("calibrated SIMULATIONS SEED [FIRST LAST]".into());
    };
    let first = range.first().map_or(0, |first| first.saturating_sub(1));
    let last = range.get(1).copied().unwrap_or(MODELS.len());
    println!(
        "model,quantity,simulations,p,mean,coverage_50,coverage_90,refused_or_failed,divergent"
    );
    for (name, text, labels) in MODELS.iter().take(last).skip(first) {
        run(name, text, labels, u32::try_from(*simulations)?, *seed as u64)?;
    }
    Ok(())
}

fn run(
    name: &str,
    text: &str,
    labels: &[&str],
    simulations: u32,
    seed: u64,
) -> Result<(), Box<dyn Error>> {
    let program = parse(text)?;
    let data = data();
    let model = Model::bind(&program, text, &data, seed, &|| false)?;
    let quantities: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let study = Study {
        simulator: &model,
        fitted: (&program, text),
        data: &data,
        quantities: &quantities,
        truths: &[],
        seed,
    };
    let mut columns = vec![Vec::new(); labels.len() + 1];
    let (mut lost, mut divergences) = (0, 0);
    for number in 0..simulations {
        match study.simulate(number, &|| false)? {
            Some(Simulation::Ranked { ranks, divergent, .. }) => {
                divergences += u32::from(divergent > 0.0);
                columns.iter_mut().zip(ranks).for_each(|(column, rank)| column.push(rank));
            }
            _ => lost += 1,
        }
    }
    for (label, ranks) in labels.iter().chain(&["log_lik"]).zip(&columns) {
        let found = judge(ranks);
        println!(
            "{name},{label},{simulations},{:.5},{:.4},{:.3},{:.3},{lost},{divergences}",
            found.p, found.mean, found.coverage[0], found.coverage[1]
        );
    }
    Ok(())
}

/// Outcomes are replaced; the rest stays.
fn data() -> Data {
    let list = |numbers: &[f64]| {
        Datum::List(numbers.iter().map(|number| Datum::Number(*number)).collect())
    };
    [
        ("N", Datum::Number(8.0)),
        ("x", list(&[-1.5, -1.0, -0.5, 0.0, 0.2, 0.7, 1.1, 1.6])),
        ("g", list(&[1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0])),
        ("y", list(&[1.0; 8])),
    ]
    .into_iter()
    .map(|(name, datum)| (name.to_owned(), datum))
    .collect()
}
