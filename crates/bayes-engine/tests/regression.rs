//! Formulas become models that bind, have proper priors and find what made the data.

#[path = "regression/outcome.rs"]
mod outcome;

use std::collections::BTreeMap;

use bayes_engine::approximate::{Method, approximate};
use bayes_engine::language::{Model, Part, parse};
use bayes_engine::posterior::{Posterior, run_chain};
use bayes_engine::regression::{Column, Family, Regression, regression};
use bayes_engine::sampler::Settings;

/// Numbers in 0..1 from a linear congruential generator.
fn uniforms(count: usize) -> Vec<f64> {
    let mut state: u64 = 77;
    (0..count)
        .map(|_| {
            state = (state * 1_103_515_245 + 12345) % 2_147_483_648;
            f64::from(u32::try_from(state).expect("31 bits")) / 2_147_483_648.0
        })
        .collect()
}

fn numbers(values: impl IntoIterator<Item = f64>) -> Column {
    Column::Numbers(values.into_iter().map(Some).collect())
}

/// 120 rows in 5 groups with a numeric and a categorical predictor.
fn table() -> BTreeMap<String, Column> {
    let u = uniforms(360);
    let x: Vec<f64> = u[..120].iter().map(|u| 10.0 * u).collect();
    let noise: Vec<f64> = (0..120).map(|at| u[120 + at] + u[240 + at] - 1.0).collect();
    let words = ["mid", "low", "top"];
    let shift = |at: usize| [0.0, -2.0, 3.0][at % 3];
    let group = |at: usize| [1.0, -1.0, 0.5, 0.0, 2.0][at % 5];
    let y: Vec<f64> =
        (0..120).map(|at| 4.0 + 0.7 * x[at] + shift(at) + group(at) + 0.3 * noise[at]).collect();
    let mut table = BTreeMap::new();
    table.insert("yes".to_owned(), numbers(y.iter().map(|y| f64::from(*y > 8.0))));
    table.insert("count".to_owned(), numbers(y.iter().map(|y| y.max(0.0).floor())));
    table.insert("above".to_owned(), numbers(y.iter().map(|y| (0.1 * y).exp())));
    table.insert("share".to_owned(), numbers(y.iter().map(|y| 1.0 / (1.0 + (8.0 - y).exp()))));
    let grade = |y: &f64| {
        if *y < 5.0 {
            1.0
        } else if *y < 9.0 {
            2.0
        } else {
            3.0
        }
    };
    table.insert("grade".to_owned(), numbers(y.iter().map(grade)));
    table.insert("below".to_owned(), numbers(y.iter().map(|y| y - 8.0)));
    table.insert("y".to_owned(), numbers(y));
    table.insert("x".to_owned(), numbers(x));
    let level = |at: usize| Some(words[at % 3].to_owned());
    table.insert("level".to_owned(), Column::Words((0..120).map(level).collect()));
    let named = |at: usize| Some(format!("g{}", at % 5));
    table.insert("g".to_owned(), Column::Words((0..120).map(named).collect()));
    table
}

fn built(formula: &str, family: Family) -> Regression {
    regression(formula, family, &table(), &BTreeMap::new())
        .unwrap_or_else(|error| panic!("{formula}: {error:?}"))
}

fn bound(regression: &Regression, part: Part) -> Model {
    let program =
        parse(&regression.code).unwrap_or_else(|error| panic!("{error:#?}\n{}", regression.code));
    Model::bind_part(&program, &regression.code, &regression.data, 1, part, &|| false)
        .unwrap_or_else(|error| panic!("{error:#?}\n{}", regression.code))
}

fn place(posterior: &Posterior, name: &str) -> usize {
    posterior.labels(2).find(|(label, _)| label == name).expect(name).1
}

#[test]
fn every_formula_binds_with_a_proper_prior() {
    let formulas = [
        "~ x",
        "~ 0 + x + level",
        "~ 1",
        "~ x * level",
        "~ x + (1 | g)",
        "~ 1 + (1 + x | g)",
        "~ level + (x | g) + (0 + x | level)",
    ];
    for (outcome, family) in [
        ("y", Family::Gaussian),
        ("yes", Family::Bernoulli),
        ("count", Family::Poisson),
        ("count", Family::NegBinomial),
        ("count", Family::ZeroInflatedPoisson),
        ("y", Family::Student),
        ("above", Family::Lognormal),
        ("above", Family::Gamma),
        ("above", Family::Weibull),
        ("above", Family::Exponential),
        ("share", Family::Beta),
        ("grade", Family::Cumulative),
        ("count", Family::ZeroInflatedNegBinomial),
        ("count", Family::HurdlePoisson),
        ("count", Family::HurdleNegBinomial),
        ("above", Family::HurdleGamma),
        ("above", Family::HurdleLognormal),
        ("share", Family::ZeroInflatedBeta),
        ("count | trials(30)", Family::Binomial),
        ("count | trials(30)", Family::ZeroInflatedBinomial),
    ] {
        for formula in formulas {
            let made = built(&format!("{outcome} {formula}"), family);
            let prior = bound(&made, Part::Prior);
            assert!(prior.improper().is_empty(), "{:?}\n{}", prior.improper(), made.code);
            assert!(prior.has_data_terms() && prior.mixed_lines().is_empty());
            assert!(bound(&made, Part::Posterior).dim() > 0);
        }
    }
}

#[test]
fn slopes_and_levels_are_found() {
    let made = built("y ~ x + level + (1 | g)", Family::Gaussian);
    assert_eq!(made.coefficients, ["x", "levelmid", "leveltop"]);
    assert_eq!((made.rows, made.dropped, made.groups[0].levels.len()), (120, 0, 5));
    let model = bound(&made, Part::Posterior);
    let settings = Settings { seed: 2, tune: 500, draws: 400, ..Settings::default() };
    let chains = (0..2)
        .map(|number| run_chain(&model, &settings, number, &mut |_| {}, &|| false).expect("draws"))
        .collect();
    let posterior = Posterior::new(&model, &settings, chains);
    let mean =
        |name: &str| posterior.estimate(place(&posterior, name), 0.9).expect("an estimate").mean;
    assert!((mean("b[1]") - 0.7).abs() < 0.03, "{}", mean("b[1]"));
    assert!((mean("b[2]") - 2.0).abs() < 0.1 && (mean("b[3]") - 5.0).abs() < 0.1);
    assert!((mean("r_1[1,1]") - mean("r_1[4,1]") - 1.0).abs() < 0.15);
    assert!((mean("sigma") - 0.3 / 6_f64.sqrt()).abs() < 0.03, "{}", mean("sigma"));
}

#[test]
fn a_line_without_groups_has_the_least_squares_slope() {
    let made = built("y ~ x", Family::Gaussian);
    let model = bound(&made, Part::Plain);
    let found =
        approximate(&model, Method::Map, &Settings::default(), 4, &|| false).expect("a mode");
    let Column::Numbers(x) = &table()["x"] else { panic!("numbers") };
    let Column::Numbers(y) = &table()["y"] else { panic!("numbers") };
    let (x, y): (Vec<f64>, Vec<f64>) = x.iter().flatten().zip(y.iter().flatten()).unzip();
    let (mx, my) = (x.iter().sum::<f64>() / 120.0, y.iter().sum::<f64>() / 120.0);
    let top: f64 = x.iter().zip(&y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let slope = top / x.iter().map(|x| (x - mx) * (x - mx)).sum::<f64>();
    let at = |name: &str| found.posterior.column(place(&found.posterior, name)).concat()[0];
    // the prior draws it towards 0 by less than a hundredth
    assert!((at("b[1]") / slope - 1.0).abs() < 0.01, "{} {slope}", at("b[1]"));
    assert!((at("intercept") - (my - slope * mx)).abs() < 0.05);
}

#[test]
fn missing_rows_are_dropped_and_mistakes_named() {
    let mut data = table();
    if let Some(Column::Numbers(list)) = data.get_mut("x") {
        list[3] = None;
        list[9] = Some(f64::NAN);
    }
    let priors = BTreeMap::new();
    let made = regression("y ~ x", Family::Gaussian, &data, &priors).expect("a regression");
    assert_eq!((made.rows, made.dropped), (118, 2));
    let own = BTreeMap::from([("b".to_owned(), "normal(0, 1)".to_owned())]);
    let made = regression("y ~ x", Family::Gaussian, &data, &own).expect("a regression");
    assert!(made.code.contains("b ~ normal(0, 1);"));
    let evil = BTreeMap::from([("b".to_owned(), "normal(0, 1); } functions {".to_owned())]);
    for (formula, family, priors, path) in [
        ("y ~ z", Family::Gaussian, &priors, "/data/z"),
        ("level ~ x", Family::Gaussian, &priors, "/data/level"),
        ("y ~ x", Family::Bernoulli, &priors, "/data/y"),
        ("y ~ x", Family::Poisson, &priors, "/data/y"),
        ("y ~ log(x)", Family::Gaussian, &priors, "/formula"),
        ("y ~ x", Family::Gaussian, &evil, "/priors/b"),
    ] {
        let error = regression(formula, family, &data, priors).expect_err(formula);
        assert_eq!(error.path, path, "{error:?}");
        assert!(!error.hint.is_empty(), "{error:?}");
    }
}

fn fitted(made: &Regression) -> Posterior {
    let model = bound(made, Part::Posterior);
    let settings =
        Settings { seed: 2, tune: 500, draws: 400, target_accept: 0.95, ..Settings::default() };
    let chains = (0..2)
        .map(|number| run_chain(&model, &settings, number, &mut |_| {}, &|| false).expect("draws"))
        .collect();
    Posterior::new(&model, &settings, chains)
}

fn mean(posterior: &Posterior, name: &str) -> f64 {
    posterior.estimate(place(posterior, name), 0.9).expect("an estimate").mean
}

/// The slope that made the data is found on the scale of each link.
#[test]
fn every_family_finds_the_slope_that_made_the_data() {
    for (outcome, family, slope) in [
        ("y", Family::Student, 0.7),
        ("above", Family::Lognormal, 0.07),
        ("above", Family::Gamma, 0.07),
        ("share", Family::Beta, 0.7),
    ] {
        let made = built(&format!("{outcome} ~ x + level + (1 | g)"), family);
        let found = mean(&fitted(&made), "b[1]");
        assert!((found / slope - 1.0).abs() < 0.08, "{family:?}: {found} is not {slope}");
    }
    // the order of three grades by a latent logistic: the slope has the sign and size of y's
    let made = built("grade ~ x", Family::Cumulative);
    let posterior = fitted(&made);
    assert!(mean(&posterior, "b[1]") > 0.3, "{}", made.code);
    assert!(mean(&posterior, "cut[1]") < mean(&posterior, "cut[2]"));
}

/// Half of the counts are zeros whatever the predictor says: a plain Poisson cannot say so.
#[test]
fn zeros_beyond_poisson_are_counted_apart() {
    let mut table = table();
    let Column::Numbers(list) = &table["count"] else { panic!("numbers") };
    let zeros =
        list.iter().enumerate().map(|(at, y)| if at % 2 == 0 { 0.0 } else { y.unwrap_or(0.0) });
    let zeros = numbers(zeros.collect::<Vec<_>>());
    table.insert("count".to_owned(), zeros);
    let made = regression("count ~ x", Family::ZeroInflatedPoisson, &table, &BTreeMap::new());
    let posterior = fitted(&made.expect("a model"));
    let zi = mean(&posterior, "zi");
    assert!((0.4..0.6).contains(&zi), "{zi}");
}

/// Twenty predictors, two of which matter.
#[test]
fn a_horseshoe_keeps_what_matters_and_shrinks_the_rest() {
    let u = uniforms(60 * 22);
    let mut table = BTreeMap::new();
    let column =
        |at: usize| -> Vec<f64> { (0..60).map(|row| 3.0 * u[at * 60 + row] - 1.5).collect() };
    let (first, second, noise) = (column(0), column(1), column(21));
    let y = (0..60).map(|row| 2.0 * first[row] - 1.5 * second[row] + 0.6 * noise[row]);
    table.insert("y".to_owned(), numbers(y.collect::<Vec<_>>()));
    let names: Vec<String> = (0..20).map(|at| format!("x{at:02}")).collect();
    for (at, name) in names.iter().enumerate() {
        table.insert(name.clone(), numbers(column(at)));
    }
    let formula = format!("y ~ {}", names.join(" + "));
    let prior = |text: &str| BTreeMap::from([("b".to_owned(), text.to_owned())]);
    let made = regression(&formula, Family::Gaussian, &table, &prior("horseshoe(2)"));
    let made = made.expect("a model");
    let model = bound(&made, Part::Prior);
    assert!(model.improper().is_empty(), "{:?}", model.improper());
    let posterior = fitted(&made);
    assert!((mean(&posterior, "b[1]") - 2.0).abs() < 0.2, "{}", mean(&posterior, "b[1]"));
    assert!((mean(&posterior, "b[2]") + 1.5).abs() < 0.2, "{}", mean(&posterior, "b[2]"));
    let rest: Vec<f64> = (3..=20).map(|at| mean(&posterior, &format!("b[{at}]")).abs()).collect();
    assert!(rest.iter().all(|b| *b < 0.12), "{rest:?}");
    for wrong in ["horseshoe(20)", "horseshoe(0)", "horseshoe(a)", "horseshoe(1, -1)"] {
        let error = regression(&formula, Family::Gaussian, &table, &prior(wrong)).expect_err(wrong);
        assert_eq!(error.path, "/priors/b", "{error:?}");
    }
}

#[test]
fn outcomes_outside_of_a_family_are_refused() {
    for (outcome, family) in [
        ("below", Family::Gamma),
        ("y", Family::Beta),
        ("y", Family::Cumulative),
        ("below", Family::Poisson),
        ("y", Family::ZeroInflatedPoisson),
    ] {
        let formula = format!("{outcome} ~ x");
        let error = regression(&formula, family, &table(), &BTreeMap::new()).expect_err(outcome);
        assert!(!error.hint.is_empty() && error.path.ends_with(outcome), "{family:?}: {error:?}");
    }
    let priors = BTreeMap::from([("phi".to_owned(), "gamma(2, 1)".to_owned())]);
    let error = regression("y ~ x", Family::Gaussian, &table(), &priors).expect_err("phi");
    assert!(error.hint.contains("sigma") && !error.hint.contains("phi"), "{error:?}");
}
