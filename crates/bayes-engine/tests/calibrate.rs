//! Calibration by simulation: right models pass, wrong ones and chains that fail are found; draws of priors.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::calibrate::{DRAWS, Judged, Simulation, Study, judge};
use bayes_engine::language::{Data, Datum, Model, parse};

fn given<const N: usize>(pairs: [(&str, Datum); N]) -> Data {
    pairs.into_iter().map(|(name, datum)| (name.to_owned(), datum)).collect()
}

/// Five observations that are still unknown.
fn five() -> Data {
    let y = (0..5).map(|at| Datum::Number(f64::from(at))).collect();
    given([("y", Datum::List(y))])
}

fn bound(text: &str, data: &Data) -> Model {
    Model::bind(&parse(text).expect("a model"), text, data, 5, &|| false)
        .unwrap_or_else(|error| panic!("{error:#?}"))
}

/// Ranks of every quantity, and the share of simulations with divergent draws.
fn ranked(
    simulator: &str,
    fitted: &str,
    data: &Data,
    labels: &[&str],
    n: u32,
) -> (Vec<Judged>, f64) {
    let model = bound(simulator, data);
    assert!(model.draw_prior(0).is_some(), "drawn parameter by parameter");
    let program = parse(fitted).expect("a model");
    let quantities: Vec<String> = labels.iter().map(|label| (*label).to_owned()).collect();
    let study = Study {
        simulator: &model,
        fitted: (&program, fitted),
        data,
        quantities: &quantities,
        truths: &[],
        seed: 3,
    };
    let mut columns = vec![Vec::new(); labels.len() + 1];
    let mut off = 0.0;
    for number in 0..n {
        let found = study.simulate(number, &|| false).expect("no fault").expect("not cancelled");
        let Simulation::Ranked { ranks, divergent, .. } = found else { panic!("{found:?}") };
        assert!(ranks.len() == labels.len() + 1 && ranks.iter().all(|rank| *rank <= DRAWS));
        for (column, rank) in columns.iter_mut().zip(ranks) {
            column.push(rank);
        }
        off += f64::from(divergent > 0.0) / f64::from(n);
    }
    (columns.iter().map(|ranks| judge(ranks)).collect(), off)
}

const RIGHT: &str = "data { vector[5] y; } parameters { real mu; real<lower=0> s; }
    model { mu ~ normal(1, 2); s ~ normal(0, 1.5); y ~ normal(mu, s + 0.2); }";

#[test]
fn a_right_model_passes() {
    let (found, _) = ranked(RIGHT, RIGHT, &five(), &["mu", "s"], 120);
    for judged in &found {
        assert!(judged.p > 0.001 / 3.0, "{judged:?}");
        assert!((judged.coverage[1] - 0.9).abs() < 0.12, "{judged:?}");
    }
}

#[test]
fn wrong_models_are_found() {
    let narrow = RIGHT.replace("normal(mu, s + 0.2)", "normal(mu, 0.4 * (s + 0.2))");
    let (found, _) = ranked(RIGHT, &narrow, &five(), &["mu", "s"], 120);
    assert!(found[1].p < 1e-4 && found[1].mean < 0.4, "the scale is too large: {:?}", found[1]);
    // data that are not used at all: single parameters look right, the density of the data does not
    let idle =
        RIGHT.replace("y ~ normal(mu, s + 0.2);", "target += 1e-9 * normal_lpdf(y | mu, s + 0.2);");
    let (found, _) = ranked(RIGHT, &idle, &five(), &["mu", "s"], 100);
    assert!(found[0].p > 0.001 / 3.0 && found[2].p < 1e-6, "{found:?}");
}

/// A random number generator that does not belong to its density.
#[test]
fn a_wrong_generator_is_found() {
    let text = "functions {
            real own_lpdf(real y, real mu) { return normal_lpdf(y | mu, 1); }
            real own_rng(real mu) { return normal_rng(mu + 1, 1); }
        }
        data { real y; } parameters { real mu; } model { mu ~ normal(0, 1); y ~ own(mu); }";
    let (found, _) = ranked(text, text, &given([("y", Datum::Number(0.5))]), &["mu"], 120);
    assert!(found[0].p < 1e-4 && found[0].mean < 0.45, "{:?}", found[0]);
}

/// Draws parameter by parameter have the moments of their distributions.
#[test]
fn priors_are_drawn_as_written() {
    let text = "parameters { real<lower=0> tau; vector[3] theta; vector[2] b; cholesky_factor_corr[3] L; simplex[2] w;
            real mu; }
        model { theta ~ normal(mu, tau); mu ~ normal(4, 0.5); tau ~ normal(0, 2); L ~ lkj_corr_cholesky(1.5);
            b[1] ~ exponential(2); b[2] ~ normal(0, 3); w ~ dirichlet([2, 6]'); }";
    let wrong = bound(text, &Data::new());
    assert!(wrong.draw_prior(0).is_none(), "exponential on the whole line");
    let text = text.replace("b[1] ~ exponential(2)", "b[1] ~ normal(2, 1)");
    let model = bound(&text, &Data::new());
    let draws: Vec<Vec<f64>> = (0..4000).map(|at| model.draw_prior(at).expect("drawn")).collect();
    assert_eq!(model.draw_prior(7), model.draw_prior(7));
    let mean = |of: &dyn Fn(&[f64]) -> f64| {
        draws.iter().map(|draw| of(draw)).sum::<f64>() / draws.len() as f64
    };
    // tau is a half normal, theta has variance 0.25 + 4, a correlation of LKJ(1.5) in 3 dimensions 1/(2 * 1.5 + 2)
    let table = [
        (mean(&|x| x[0]), 2.0 * (2.0 / std::f64::consts::PI).sqrt(), 0.1),
        (mean(&|x| x[1]), 4.0, 0.15),
        (mean(&|x| (x[2] - 4.0).powi(2)), 4.25, 0.6),
        (mean(&|x| x[4]), 2.0, 0.08),
        (mean(&|x| x[5] * x[5]), 9.0, 1.0),
        (mean(&|x| x[7] * x[7]), 0.2, 0.02),
        (mean(&|x| x[8] * x[8]), 0.2, 0.02),
        (mean(&|x| (x[7] * x[8] + x[10] * x[11]).powi(2)), 0.2, 0.02),
        (mean(&|x| x[15]), 0.25, 0.02),
        (mean(&|x| x[17]), 4.0, 0.05),
    ];
    for (at, (found, expected, within)) in table.into_iter().enumerate() {
        assert!((found - expected).abs() < within, "{at}: {found} is not {expected}");
    }
    assert!(draws.iter().all(|x| x[0] >= 0.0 && (x[15] + x[16] - 1.0).abs() < 1e-12));
}

#[test]
fn what_cannot_be_simulated_says_why() {
    let data = five();
    let text = RIGHT.replace("vector[5] y", "vector<lower=0>[5] y");
    let model = bound(&text, &data);
    let program = parse(&text).expect("a model");
    let quantities = ["mu".to_owned()];
    let study = Study {
        simulator: &model,
        fitted: (&program, &text),
        data: &data,
        quantities: &quantities,
        truths: &[],
        seed: 3,
    };
    let all: Vec<Simulation> =
        (0..12).filter_map(|number| study.simulate(number, &|| false).expect("no fault")).collect();
    let is_bound =
        |one: &Simulation| matches!(one, Simulation::Refused(why) if why.contains("bound"));
    assert!(all.len() == 12 && all.iter().any(is_bound), "{all:?}");
    assert_eq!(study.simulate(0, &|| true).expect("no fault"), None);
}
