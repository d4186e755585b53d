//! Eliciting and fitting: what went in comes out.

use bayes_engine::{
    ErrorKind,
    distribution::{Distribution, FAMILIES, Role},
    elicit::{Belief, Prior, elicit},
    fit::fit,
    sample::sample,
    special::Mass,
};

fn prior(name: &str, belief: &Belief) -> Prior {
    elicit(name, &[], belief).expect("valid")
}

fn values(prior: &Prior) -> Vec<f64> {
    prior.parameters.iter().map(|(_, value)| *value).collect()
}

#[track_caller]
fn close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        let off = (found - expected).abs() / expected.abs().max(1e-3);
        assert!(off <= tolerance, "{found} is not {expected}: {off:e} off");
    }
}

/// Typical parameters of each role; quantiles of that member must lead back to it.
fn typical(name: &str, role: Role) -> f64 {
    match (name, role) {
        ("pareto", Role::Edge) => 1.0,
        (_, Role::Location) => 12.0,
        (_, Role::Scale) => 3.0,
        (_, Role::Rate) => 0.7,
        (_, Role::Shape) => 2.8,
        (_, Role::Real) => 0.8,
        (_, Role::Unit) => 0.3,
        (_, Role::Count | Role::Edge) => 0.0,
    }
}

#[test]
fn quantiles_of_every_family_lead_back_to_it() {
    let mut tried = 0;
    for family in FAMILIES.iter().filter(|family| !family.is_discrete) {
        if ["uniform", "triangular", "std_normal"].contains(&family.name) {
            continue;
        }
        let member: Vec<(&str, f64)> = family
            .parameters
            .iter()
            .map(|(name, role)| (*name, typical(family.name, *role)))
            .collect();
        let law = Distribution::new(family.name, member.clone()).expect("valid");
        // what ends the support is known
        let fixed: Vec<(String, f64)> = family
            .parameters
            .iter()
            .zip(&member)
            .filter(|((_, role), _)| *role == Role::Edge)
            .map(|((name, _), (_, value))| ((*name).to_owned(), *value))
            .collect();
        let pairs = [0.03, 0.3, 0.6, 0.97].map(|p| (p, law.quantile(Mass::below(p))));
        let found = elicit(family.name, &fixed, &Belief::Quantiles(pairs.to_vec())).expect("valid");
        assert!(found.residual < 1e-9, "{}: {found:?}", family.name);
        let expected: Vec<f64> = member.iter().map(|(_, value)| *value).collect();
        close(&values(&found), &expected, 1e-5);
        tried += 1;
    }
    assert!(tried >= 35, "{tried}");
}

/// Closed forms: normal and lognormal by two quantiles, the exponential by one.
#[test]
fn closed_forms() {
    let z = 1.644_853_626_951_472_2;
    let pair = |low, high| Belief::Quantiles(vec![(0.05, low), (0.95, high)]);
    let normal = prior("normal", &pair(-1.0, 5.0));
    close(&values(&normal), &[2.0, 3.0 / z], 1e-10);
    assert!(normal.stan_text.starts_with("normal(2"), "{}", normal.stan_text);
    let lognormal = prior("lognormal", &pair(1.0, 100.0));
    close(&values(&lognormal), &[10_f64.ln(), 10_f64.ln() / z], 1e-10);
    let exponential = prior("exponential", &Belief::Quantiles(vec![(0.5, 4.0)]));
    close(&values(&exponential), &[2_f64.ln() / 4.0], 1e-10);
}

/// A mode and the mass around it: for beta, the mode is `(a - 1) / (a + b - 2)`.
#[test]
fn a_mode_and_an_interval() {
    let belief = Belief::ModeInterval { mode: 0.2, interval: [0.1, 0.4], level: 0.9 };
    let found = prior("beta", &belief);
    let [a, b] = values(&found)[..] else { panic!("two parameters") };
    close(&[(a - 1.0) / (a + b - 2.0)], &[0.2], 1e-6);
    let law = Distribution::new("beta", [("alpha", a), ("beta", b)]).expect("valid");
    close(&[law.mass(0.4).lower - law.mass(0.1).lower], &[0.9], 1e-8);
    assert!(found.mode_miss.is_some_and(|miss| miss < 1e-4), "{found:?}");
}

/// More statements than parameters: the best compromise, and its miss.
#[test]
fn contradictions_are_measured() {
    let belief = Belief::Quantiles(vec![(0.05, 0.0), (0.5, 9.0), (0.95, 10.0)]);
    let found = prior("normal", &belief);
    assert!(found.residual > 0.02, "{found:?}");
    assert_eq!(found.probabilities.len(), 3);
}

#[test]
fn wrong_beliefs_are_refused_with_their_place() {
    let refused = |name: &str, fixed: &[(&str, f64)], belief: &Belief| {
        let fixed: Vec<_> =
            fixed.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
        let error = elicit(name, &fixed, belief).expect_err("refused");
        assert!(!error.hint.is_empty(), "{error:?}");
        (error.path, error.kind)
    };
    let pairs = |pairs: &[(f64, f64)]| Belief::Quantiles(pairs.to_vec());
    let two = pairs(&[(0.1, 1.0), (0.9, 2.0)]);
    let known = ("mu", 0.0);
    assert_eq!(
        refused("normal", &[], &pairs(&[(0.1, 1.0)])),
        ("/quantiles".into(), ErrorKind::Missing)
    );
    assert_eq!(
        refused("normal", &[], &pairs(&[(0.1, 1.0), (0.9, 0.5)])),
        ("/quantiles/1".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("normal", &[], &pairs(&[(0.1, 1.0), (90.0, 2.0)])),
        ("/quantiles/1/p".into(), ErrorKind::Constraint)
    );
    assert_eq!(refused("poisson", &[], &two), ("/dist".into(), ErrorKind::Constraint));
    assert_eq!(
        refused("normal", &[known, ("sigma", 1.0)], &two),
        ("/params".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("normal", &[("tau", 1.0)], &two),
        ("/params/tau".into(), ErrorKind::Unexpected)
    );
    let mode = Belief::ModeInterval { mode: 3.0, interval: [0.0, 1.0], level: 0.9 };
    assert_eq!(refused("normal", &[], &mode), ("/mode".into(), ErrorKind::Constraint));
}

/// SciPy 1.17.1 `fit` (location 0), and closed forms.
#[test]
fn likelihood_is_maximised() {
    let data = [0.8, 1.4, 2.2, 0.3, 5.1, 1.9, 3.3, 0.9, 2.7, 1.1];
    let n = f64::from(u32::try_from(data.len()).expect("ten"));
    let mean = data.iter().sum::<f64>() / n;
    let of = |name: &str| {
        let fit = fit(name, &[], &data, &|| false).expect("valid");
        fit.parameters.iter().map(|(_, value)| *value).collect::<Vec<_>>()
    };
    let variance = data.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / n;
    close(&of("normal"), &[mean, variance.sqrt()], 1e-6);
    close(&of("exponential"), &[1.0 / mean], 1e-6);
    let logs = data.map(f64::ln);
    let centre = logs.iter().sum::<f64>() / n;
    let spread = (logs.iter().map(|x| (x - centre) * (x - centre)).sum::<f64>() / n).sqrt();
    close(&of("lognormal"), &[centre, spread], 1e-6);
    let [alpha, beta] = of("gamma")[..] else { panic!("two") };
    // the likelihood equations
    close(&[alpha / beta], &[mean], 1e-6);
    close(&[bayes_engine::special::digamma(alpha) - beta.ln()], &[centre], 1e-5);
}

#[test]
fn a_sample_is_fitted_by_its_family() {
    let law = Distribution::new("weibull", [("alpha", 1.7), ("sigma", 3.0)]).expect("valid");
    let data = sample(&law, 5000, 7, &|| false).expect("not cancelled");
    assert_eq!(data, sample(&law, 5000, 7, &|| false).expect("not cancelled"));
    assert_ne!(data, sample(&law, 5000, 8, &|| false).expect("not cancelled"));
    let fitted = fit("weibull", &[], &data, &|| false).expect("valid");
    close(&[fitted.parameters[0].1, fitted.parameters[1].1], &[1.7, 3.0], 0.05);
    let counts = [3.0, 0.0, 5.0, 2.0, 8.0, 1.0, 1.0, 4.0];
    let fitted = fit("poisson", &[], &counts, &|| false).expect("valid");
    close(&[fitted.parameters[0].1], &[3.0], 1e-6);
    let error = fit("uniform", &[], &data, &|| false).expect_err("an edge");
    assert_eq!((error.path.as_str(), error.kind), ("/params/alpha", ErrorKind::Missing));
    let error = fit("gamma", &[], &[1.0, -1.0, 2.0], &|| false).expect_err("outside");
    assert_eq!(error.kind, ErrorKind::Constraint);
    let error = fit("gamma", &[], &data, &|| true).expect_err("cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
}
