//! Families whose outcomes have zeros of their own, trials or categories: log densities against closed forms,
//! replications against exact probabilities, parameters that made the data.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use std::collections::BTreeMap;

use bayes_engine::distribution::Distribution;
use bayes_engine::language::{Part, Wanted};
use bayes_engine::regression::{Column, Family, Regression, regression};
use bayes_engine::special::Mass;

use super::{bound, fitted, mean, numbers, uniforms};

const X: [f64; 6] = [-1.0, 0.5, 2.0, 0.0, 1.5, -0.4];

fn made(formula: &str, family: Family, columns: &[(&str, &[f64])]) -> Regression {
    let table: BTreeMap<String, Column> = columns
        .iter()
        .map(|(name, values)| ((*name).to_owned(), numbers(values.iter().copied())))
        .collect();
    regression(formula, family, &table, &BTreeMap::new())
        .unwrap_or_else(|error| panic!("{formula}: {error:?}"))
}

/// Log likelihood at a free point: the posterior's density less the prior's.
fn log_likelihood(made: &Regression, point: &[f64]) -> f64 {
    let of = |part| {
        let model = bound(made, part);
        let mut gradient = vec![0.0; point.len()];
        assert_eq!(model.dim(), point.len(), "{}", made.code);
        model.density().gradient(point, &mut gradient).expect("finite")
    };
    of(Part::Posterior) - of(Part::Prior)
}

fn ln(name: &str, parameters: &[(&'static str, f64)], y: f64) -> f64 {
    Distribution::new(name, parameters.iter().copied()).expect("a distribution").ln_pdf(y)
}

fn logistic(x: f64) -> f64 {
    1.0 / (1.0 + (-x).exp())
}

/// Of a zero with the chance `zero`, else of the law.
fn inflated(zero: f64, y: f64, law: f64) -> f64 {
    if y == 0.0 { (zero + (1.0 - zero) * law.exp()).ln() } else { (-zero).ln_1p() + law }
}

/// Of a zero apart, else of the law given that it is not 0.
fn hurdle(zero: f64, y: f64, law: f64, law_at_zero: f64) -> f64 {
    if y == 0.0 { zero.ln() } else { (-zero).ln_1p() + law - (-law_at_zero.exp()).ln_1p() }
}

/// Formula, family, outcome, free point, log likelihood.
type Case<'a> = (&'a str, Family, &'a [f64; 6], &'a [f64], f64);

#[expect(clippy::too_many_lines, reason = "a table of closed forms")]
#[test]
fn log_densities_are_the_closed_forms() {
    let (alpha, slope, own, zero) = (0.3, -0.4, 0.6_f64, -0.7);
    let (size, share) = (own.exp(), logistic(zero));
    let centre = X.iter().sum::<f64>() / 6.0;
    let etas = X.map(|x| alpha + slope * (x - centre));
    let counts = [0.0, 3.0, 0.0, 1.0, 7.0, 2.0];
    let amounts = [0.0, 3.5, 0.0, 1.25, 7.0, 0.2];
    let shares = [0.0, 0.35, 0.0, 0.125, 0.7, 0.92];
    let trials = [3.0, 4.0, 1.0, 6.0, 9.0, 2.0];
    let poisson = |eta: f64, y| ln("poisson", &[("lambda", eta.exp())], y);
    let negbin = |eta: f64, y| ln("neg_binomial_2", &[("mu", eta.exp()), ("phi", size)], y);
    let binomial = |eta, n, y| ln("binomial", &[("N", n), ("theta", logistic(eta))], y);
    let gamma = |eta: f64, y| ln("gamma", &[("alpha", size), ("beta", size * (-eta).exp())], y);
    let lognormal = |eta, y| ln("lognormal", &[("mu", eta), ("sigma", size)], y);
    let beta = |eta, y| {
        let mu = logistic(eta);
        ln("beta", &[("alpha", mu * size), ("beta", (1.0 - mu) * size)], y)
    };
    let sum = |of: &dyn Fn(usize) -> f64| (0..6).map(of).sum::<f64>();
    let both = [alpha, slope, own, zero];
    let plain = [alpha, slope, zero];
    let table = |y: &[f64; 6]| vec![("y", y.to_vec()), ("x", X.to_vec()), ("n", trials.to_vec())];
    let cases: [Case<'_>; 8] = [
        (
            "y | trials(n) ~ x",
            Family::Binomial,
            &counts,
            &both[..2],
            sum(&|at| binomial(etas[at], trials[at], counts[at])),
        ),
        (
            "y | trials(n) ~ x",
            Family::ZeroInflatedBinomial,
            &counts,
            &plain,
            sum(&|at| inflated(share, counts[at], binomial(etas[at], trials[at], counts[at]))),
        ),
        (
            "y ~ x",
            Family::ZeroInflatedNegBinomial,
            &counts,
            &both,
            sum(&|at| inflated(share, counts[at], negbin(etas[at], counts[at]))),
        ),
        (
            "y ~ x",
            Family::ZeroInflatedBeta,
            &shares,
            &both,
            sum(&|at| {
                let y = shares[at];
                if y == 0.0 { share.ln() } else { (-share).ln_1p() + beta(etas[at], y) }
            }),
        ),
        (
            "y ~ x",
            Family::HurdlePoisson,
            &counts,
            &plain,
            sum(&|at| {
                hurdle(share, counts[at], poisson(etas[at], counts[at]), poisson(etas[at], 0.0))
            }),
        ),
        (
            "y ~ x",
            Family::HurdleNegBinomial,
            &counts,
            &both,
            sum(&|at| {
                hurdle(share, counts[at], negbin(etas[at], counts[at]), negbin(etas[at], 0.0))
            }),
        ),
        (
            "y ~ x",
            Family::HurdleGamma,
            &amounts,
            &both,
            sum(&|at| hurdle(share, amounts[at], gamma(etas[at], amounts[at]), f64::NEG_INFINITY)),
        ),
        (
            "y ~ x",
            Family::HurdleLognormal,
            &amounts,
            &both,
            sum(&|at| {
                hurdle(share, amounts[at], lognormal(etas[at], amounts[at]), f64::NEG_INFINITY)
            }),
        ),
    ];
    for (formula, family, y, point, expected) in cases {
        let columns = table(y);
        let columns: Vec<(&str, &[f64])> =
            columns.iter().map(|(name, values)| (*name, values.as_slice())).collect();
        let made = made(formula, family, &columns);
        assert!(bound(&made, Part::Prior).improper().is_empty(), "{}", made.code);
        let found = log_likelihood(&made, point);
        assert!((found - expected).abs() < 1e-11, "{family:?}: {found} is not {expected}");
    }
}

#[test]
fn categories_without_order_are_logits_against_the_first() {
    let words = ["tea", "coffee", "water", "tea", "water", "water"];
    let column = Column::Words(words.iter().map(|word| Some((*word).to_owned())).collect());
    let table = BTreeMap::from([("y".to_owned(), column), ("x".to_owned(), numbers(X))]);
    let none = BTreeMap::new();
    let made = regression("y ~ x", Family::Categorical, &table, &none).expect("a regression");
    assert_eq!(made.categories, ["coffee", "tea", "water"]);
    assert!(bound(&made, Part::Prior).improper().is_empty(), "{}", made.code);
    let (alpha, slope) = ([0.2, -0.5], [0.7, 0.1]);
    let centre = X.iter().sum::<f64>() / 6.0;
    let of = |at: usize| {
        let logits =
            [0.0, alpha[0] + slope[0] * (X[at] - centre), alpha[1] + slope[1] * (X[at] - centre)];
        let place = made.categories.iter().position(|word| word == words[at]).expect("a category");
        logits[place] - logits.iter().map(|logit| logit.exp()).sum::<f64>().ln()
    };
    let expected: f64 = (0..6).map(of).sum();
    let found = log_likelihood(&made, &[0.2, -0.5, 0.7, 0.1]);
    assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");

    let own = BTreeMap::from([("b".to_owned(), "double_exponential(0, 1)".to_owned())]);
    let made = regression("y ~ 0 + x", Family::Categorical, &table, &own).expect("a regression");
    assert!(made.code.contains("to_vector(b) ~ double_exponential(0, 1);"), "{}", made.code);
    assert_eq!(bound(&made, Part::Prior).improper().len(), 0);
    let shoe = BTreeMap::from([("b".to_owned(), "horseshoe(1)".to_owned())]);
    for (formula, priors, path) in
        [("y ~ x + (1 | x)", &none, "/formula"), ("y ~ x", &shoe, "/priors/b")]
    {
        let error = regression(formula, Family::Categorical, &table, priors).expect_err("refused");
        assert_eq!((error.path.as_str(), error.hint.is_empty()), (path, false), "{error:?}");
    }
}

/// Chance of 1 and mean of a count that is not 0, by summing its probabilities.
fn above_zero(probability: &dyn Fn(f64) -> f64) -> [f64; 2] {
    let rest = 1.0 - probability(0.0);
    let mean: f64 = (1..3000).map(|y| f64::from(y) * probability(f64::from(y))).sum();
    [probability(1.0) / rest, mean / rest]
}

/// Replications of 4000 rows at one point.
#[test]
fn what_lies_beyond_a_hurdle_is_drawn_from_its_law() {
    let rows = 4000;
    let x = uniforms(rows);
    let y: Vec<f64> = (0..rows).map(|at| if at % 2 == 0 { 0.0 } else { 2.0 }).collect();
    let y: Vec<f64> = y.iter().enumerate().map(|(at, y)| y + f64::from(at == 1)).collect();
    // rare and common counts; few and many events in the sum of logarithmic ones
    for (mu, phi) in [(0.05_f64, 0.8), (1.5, 0.4), (6.0, 3.0)] {
        for family in [Family::HurdlePoisson, Family::HurdleNegBinomial] {
            let is_poisson = family == Family::HurdlePoisson;
            let made = made("y ~ x", family, &[("y", &y), ("x", &x)]);
            let model = bound(&made, Part::Posterior);
            let hu = (0.25_f64 / 0.75).ln();
            let point = if is_poisson {
                vec![mu.ln(), 0.0, hu]
            } else {
                vec![mu.ln(), 0.0, f64::ln(phi), hu]
            };
            let mut slots = vec![f64::NAN; model.width()];
            model.density().outputs(&point, &mut slots);
            let wanted = Wanted { draws: true, means: false };
            let found = model.replay(1, 0, &slots, wanted).expect("a replay").expect("accepted");
            let drawn = &found.outcomes[0].drawn;
            let above: Vec<f64> = drawn.iter().copied().filter(|y| *y > 0.0).collect();
            let count = above.len() as f64;
            assert!((count / rows as f64 - 0.75).abs() < 0.03, "{count} above 0");
            let of = |y: f64| {
                if is_poisson {
                    ln("poisson", &[("lambda", mu)], y).exp()
                } else {
                    ln("neg_binomial_2", &[("mu", mu), ("phi", phi)], y).exp()
                }
            };
            let [ones, middle] = above_zero(&of);
            let share = above.iter().filter(|y| **y < 1.5).count() as f64 / count;
            let error = (ones * (1.0 - ones) / count).sqrt();
            assert!((share - ones).abs() < 4.5 * error, "{family:?} {mu}: {share} of {ones}");
            let average = above.iter().sum::<f64>() / count;
            let spread = above.iter().map(|y| (y - average).powi(2)).sum::<f64>() / count;
            let off = (average - middle).abs();
            assert!(off < 4.5 * (spread / count).sqrt(), "{family:?} {mu}: {average} {middle}");
        }
    }
}

/// What made 400 rows is found within four of its posterior's standard deviations.
#[test]
fn parameters_that_made_the_data_are_found() {
    let u = uniforms(1600);
    let x: Vec<f64> = u[..400].iter().map(|u| 4.0 * u - 2.0).collect();
    let eta: Vec<f64> = x.iter().map(|x| 0.5 + 0.6 * x).collect();
    let quantile = |name: &str, parameters: &[(&'static str, f64)], u: f64| {
        let law = Distribution::new(name, parameters.iter().copied()).expect("a distribution");
        law.quantile(Mass::below(u))
    };
    let chance = &u[1200..];
    // beyond the hurdle by the quantile of what is left above the chance of 0
    let hurdle = |at: usize| {
        let (p_zero, mu) = ((-eta[at].exp()).exp(), eta[at].exp());
        let u = p_zero + (1.0 - p_zero) * u[800 + at];
        if chance[at] < 0.3 { 0.0 } else { quantile("poisson", &[("lambda", mu)], u) }
    };
    let counts: Vec<f64> = (0..400).map(hurdle).collect();
    let successes: Vec<f64> = (0..400)
        .map(|at| quantile("binomial", &[("N", 12.0), ("theta", logistic(eta[at]))], u[400 + at]))
        .collect();
    let tight = made("y ~ x", Family::HurdlePoisson, &[("y", &counts), ("x", &x)]);
    let share = made("y | trials(12) ~ x", Family::Binomial, &[("y", &successes), ("x", &x)]);
    for (made, zero) in [(tight, Some(0.3)), (share, None)] {
        let posterior = fitted(&made);
        let sd = |name: &str| {
            posterior.estimate(super::place(&posterior, name), 0.9).expect("an estimate").sd
        };
        for (name, truth) in [("b[1]", Some(0.6)), ("intercept", Some(0.5)), ("hu", zero)] {
            let Some(truth) = truth else { continue };
            let off = (mean(&posterior, name) - truth).abs();
            assert!(off < 4.0 * sd(name) && sd(name) < 0.1, "{name} is {off} off\n{}", made.code);
        }
    }
}

#[test]
fn trials_are_checked_against_successes_and_family() {
    let y: &[f64] = &[1.0, 3.0, 2.0];
    let columns = [("y", y), ("x", &[0.1, 0.2, 0.4]), ("n", &[2.0, 2.0, 2.0]), ("half", &[0.5; 3])];
    let table: BTreeMap<String, Column> = columns
        .iter()
        .map(|(name, values)| ((*name).to_owned(), numbers(values.iter().copied())))
        .collect();
    for (formula, family, path, code) in [
        ("y ~ x", Family::Binomial, "/formula", "data_missing"),
        ("y | trials(n) ~ x", Family::Poisson, "/formula", "data_unexpected"),
        ("y | trials(n) ~ x", Family::Binomial, "/data/y", "data_constraint"),
        ("y | trials(half) ~ x", Family::Binomial, "/data/half", "data_constraint"),
        ("y | trials(m) ~ x", Family::Binomial, "/data/m", "data_missing"),
        ("y | size(n) ~ x", Family::Binomial, "/formula", "data_constraint"),
    ] {
        let error = regression(formula, family, &table, &BTreeMap::new()).expect_err(formula);
        assert_eq!((error.path.as_str(), error.kind.code()), (path, code), "{error:?}");
        assert!(!error.hint.is_empty(), "{error:?}");
    }
}
