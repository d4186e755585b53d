//! Every family of the library against mpmath (`oracle/distributions.py`), and their own laws.

use bayes_engine::{
    ErrorKind,
    distribution::{Distribution, FAMILIES, Family, Role},
    special::Mass,
};
use proptest::prelude::*;

fn member(name: &str, values: &[f64]) -> Distribution {
    let family = Family::named(name).expect("a family");
    let names = family.parameters.iter().map(|(name, _)| *name);
    Distribution::new(name, names.zip(values.iter().copied())).expect("valid")
}

/// Relative, but absolute below 1 for logarithms near 0.
fn off(found: f64, expected: f64, floor: f64) -> f64 {
    (found - expected).abs() / expected.abs().max(floor)
}

fn parameters(text: &str) -> Vec<f64> {
    if text == "-" {
        return Vec::new();
    }
    text.split(',').map(|word| word.parse().expect("a number")).collect()
}

#[test]
fn densities_tails_and_moments_are_exact() {
    let (mut points, mut wrong) = (0, Vec::new());
    let mut seen = std::collections::BTreeSet::new();
    let rows = include_str!("data/distributions.txt").lines().filter(|line| !line.starts_with('#'));
    for line in rows {
        let words: Vec<&str> = line.split(' ').collect();
        seen.insert(words[0]);
        let law = member(words[0], &parameters(words[1]));
        let expected: Vec<f64> =
            words[3..].iter().map(|word| word.parse().expect("a number")).collect();
        let found = if words[2] == "m" {
            let moments = law.moments();
            let all = [moments.mean, moments.sd, moments.skewness, moments.excess_kurtosis];
            all.iter()
                .zip(&expected)
                .map(|(found, expected)| match found {
                    Some(found) => off(*found, *expected, 1e-3) * 1e-3,
                    None if expected.is_nan() => 0.0,
                    None => f64::INFINITY,
                })
                .fold(0.0, f64::max)
        } else {
            let x = words[2].parse().expect("a number");
            let Mass { lower, upper } = law.mass(x);
            let tail = |found: f64, expected: f64| {
                if expected < 1e-300 { 0.0 } else { off(found, expected, 0.0) }
            };
            // the density's own conditioning: ln f to 1e-12 of itself or of 1
            off(law.ln_pdf(x), expected[0], 1.0)
                .max(tail(lower, expected[1]))
                .max(tail(upper, expected[2]))
        };
        if found > 5e-12 || found.is_nan() {
            wrong.push(format!("{found:.1e} {line}"));
        }
        points += 1;
    }
    assert!(wrong.is_empty(), "{} of {points}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(points >= 500, "{points}");
    assert_eq!(seen.len(), FAMILIES.len(), "every family has an oracle");
    assert!(FAMILIES.len() >= 40);
}

fn value(role: Role, u: f64) -> f64 {
    match role {
        Role::Location | Role::Real | Role::Edge => 4.0 * u - 2.0,
        Role::Scale | Role::Rate => 10_f64.powf(4.0 * u - 2.0),
        Role::Shape => 10_f64.powf(3.5 * u - 0.7),
        Role::Unit => 0.001 + 0.998 * u,
        Role::Count => (300.0 * u * u).round(),
    }
}

/// A random member: parameters that fit together.
fn any_member() -> impl Strategy<Value = (usize, Vec<f64>)> {
    (0..FAMILIES.len(), proptest::collection::vec(0.0_f64..1.0, 3)).prop_map(|(index, us)| {
        let family = &FAMILIES[index];
        let mut values: Vec<f64> =
            family.parameters.iter().zip(us).map(|((_, role), u)| value(*role, u)).collect();
        match family.name {
            "uniform" | "triangular" => values.sort_by(f64::total_cmp),
            "discrete_range" => {
                values.sort_by(f64::total_cmp);
                values[0] = (10.0 * values[0]).floor();
                values[1] = (10.0 * values[1]).ceil();
            }
            "pareto" => values[0] = values[0].exp(),
            "hypergeometric" => values[0] = (0.5 * (values[1] + values[2])).floor(),
            "inv_gaussian" => values[1] *= values[0],
            "exp_mod_normal" => values[2] = values[2].max(0.01) / values[1],
            "beta_binomial" => values[0] += 1.0,
            _ => {}
        }
        if let ("triangular", true) = (family.name, values.len() == 3) {
            values[2] += 0.01;
            values[0] -= 0.01;
        }
        (index, values)
    })
}

fn mass() -> impl Strategy<Value = Mass> {
    let p = prop_oneof![0.001_f64..0.999, (-12.0_f64..-1.0).prop_map(|e| 10_f64.powf(e))];
    (p, any::<bool>())
        .prop_map(|(p, is_lower)| if is_lower { Mass::below(p) } else { Mass::above(p) })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn quantiles_return((index, values) in any_member(), wanted in mass()) {
        let family = &FAMILIES[index];
        let Ok(law) = Distribution::new(family.name, family.parameters.iter().map(|(name, _)| *name).zip(values)) else {
            return Ok(());
        };
        let x = law.quantile(wanted);
        let is_lower = wanted.lower <= wanted.upper;
        if x.is_infinite() {
            return Ok(());
        }
        if family.is_discrete {
            let (here, before) = (law.mass(x), law.mass(x - 1.0));
            if is_lower {
                prop_assert!(here.lower >= wanted.lower && before.lower < wanted.lower, "{x} {here:?} {before:?}");
            } else {
                prop_assert!(here.upper <= wanted.upper && before.upper > wanted.upper, "{x} {here:?} {before:?}");
            }
            return Ok(());
        }
        let here = law.mass(x);
        let [found, p] = if is_lower { [here.lower, wanted.lower] } else { [here.upper, wanted.upper] };
        // what rounding x to a double alone may move
        let moved = law.ln_pdf(x).exp() * x.abs().max(1.0) * 4e-16;
        prop_assert!((found - p).abs() <= 1e-11 * p + moved || x.abs() < 1e-290, "{x}: {found} {p}");
    }

    #[test]
    fn masses_rise_and_add_up((index, values) in any_member(), at in mass(), step in 0.001_f64..2.0) {
        let family = &FAMILIES[index];
        let Ok(law) = Distribution::new(family.name, family.parameters.iter().map(|(name, _)| *name).zip(values)) else {
            return Ok(());
        };
        let x = law.quantile(at);
        let (here, there) = (law.mass(x), law.mass(x + step));
        if x.is_infinite() {
            return Ok(());
        }
        prop_assert!((here.lower + here.upper - 1.0).abs() < 1e-13, "{here:?}");
        prop_assert!(here.lower <= there.lower * (1.0 + 1e-12) && there.upper <= here.upper * (1.0 + 1e-12));
        prop_assert!(!law.ln_pdf(x).is_nan());
    }

    #[test]
    fn the_shortest_interval_is_shortest((index, values) in any_member(), level in 0.1_f64..0.99) {
        let family = &FAMILIES[index];
        let Ok(law) = Distribution::new(family.name, family.parameters.iter().map(|(name, _)| *name).zip(values)) else {
            return Ok(());
        };
        let [low, high] = law.interval(level).expect("valid");
        if let Some([a, b]) = law.hdi(level).expect("valid") {
            // an end of the support may be minus 0
            prop_assert!(b - a <= (high - low) * (1.0 + 1e-9), "{a} {b} {low} {high}");
            if a.abs().min(b.abs()) < 1e-290 {
                return Ok(());
            }
            let outside = law.mass(a).lower + law.mass(b).upper;
            let moved = 4e-16 * (law.ln_pdf(a).min(600.0).exp() * a.abs() + law.ln_pdf(b).min(600.0).exp() * b.abs());
            prop_assert!((outside - (1.0 - level)).abs() < 1e-9 + moved, "{a} {b} {outside}");
        }
    }
}

#[test]
fn wrong_parameters_are_refused_with_their_place() {
    let refused = |name: &str, given: &[(&str, f64)]| {
        let error = Distribution::new(name, given.iter().copied()).expect_err("refused");
        assert!(!error.hint.is_empty(), "{error:?}");
        (error.path, error.kind)
    };
    assert_eq!(refused("norml", &[]), ("/dist".into(), ErrorKind::Constraint));
    assert_eq!(
        refused("normal", &[("mu", 0.0), ("sd", 1.0)]),
        ("/params/sd".into(), ErrorKind::Unexpected)
    );
    assert_eq!(refused("normal", &[("mu", 0.0)]), ("/params/sigma".into(), ErrorKind::Missing));
    assert_eq!(
        refused("normal", &[("mu", 0.0), ("sigma", -1.0)]),
        ("/params/sigma".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("bernoulli", &[("theta", 1.0)]),
        ("/params/theta".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("binomial", &[("N", 2.5), ("theta", 0.5)]),
        ("/params/N".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("uniform", &[("alpha", 2.0), ("beta", 1.0)]),
        ("/params/beta".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        refused("gamma", &[("alpha", f64::NAN), ("beta", 1.0)]),
        ("/params/alpha".into(), ErrorKind::NonFinite)
    );
}
