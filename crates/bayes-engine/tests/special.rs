//! Special functions against 70-digit arithmetic, and their own laws.

use std::collections::BTreeMap;

use bayes_engine::language::{Data, Datum, Model, parse};
use bayes_engine::special::{
    IncompleteBeta, IncompleteGamma, Mass, Unit, digamma, ln_gamma, normal_cdf, normal_ln_cdf,
    normal_quantile, trigamma,
};
use proptest::prelude::*;

/// Numbers of each line of a data file; a line starting with `#` says how they were made.
fn rows(text: &str) -> impl Iterator<Item = Vec<f64>> {
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split(' ').map(|word| word.parse().expect("a number")).collect())
}

fn relative(found: f64, expected: f64) -> f64 {
    if expected < 1e-300 { 0.0 } else { (found / expected - 1.0).abs() }
}

#[test]
fn incomplete_beta_is_exact_in_both_tails() {
    let (mut worst, mut points) = (0.0_f64, 0);
    for row in rows(include_str!("data/incomplete_beta.txt")) {
        let tails = IncompleteBeta::new(row[0], row[1]).tails(Unit::new(row[2]));
        let off = relative(tails.lower, row[3]).max(relative(tails.upper, row[4]));
        assert!(off <= 5e-12, "I_x{row:?}: {tails:?} is {off:e} off");
        worst = worst.max(off);
        points += 1;
    }
    assert!(points >= 450 && worst <= 2e-12, "{points} points, worst {worst:e}");
    println!("I_x: {points} points, worst {worst:e}");
}

#[test]
fn incomplete_gamma_is_exact_in_both_tails() {
    let (mut worst, mut points) = (0.0_f64, 0);
    for row in rows(include_str!("data/incomplete_gamma.txt")) {
        let tails = IncompleteGamma::new(row[0]).tails(row[1]);
        let off = relative(tails.lower, row[2]).max(relative(tails.upper, row[3]));
        assert!(off <= 5e-12, "P,Q{row:?}: {tails:?} is {off:e} off");
        worst = worst.max(off);
        points += 1;
    }
    assert!(points >= 350 && worst <= 2e-12, "{points} points, worst {worst:e}");
    println!("P, Q: {points} points, worst {worst:e}");
}

/// `oracle/special.py`; relative, next to a root absolute.
#[test]
fn elementary_functions_are_exact() {
    let (mut points, mut worst) = (0, BTreeMap::new());
    let rows = include_str!("data/special.txt").lines().filter(|line| !line.starts_with('#'));
    for line in rows {
        let words: Vec<&str> = line.split(' ').collect();
        let [x, expected]: [f64; 2] = [1, 2].map(|index| words[index].parse().expect("a number"));
        let found = match words[0] {
            "digamma" => digamma(x),
            "trigamma" => trigamma(x),
            "ln_gamma" => ln_gamma(x),
            "normal_cdf" => normal_cdf(x),
            "normal_ln_cdf" => normal_ln_cdf(x),
            "erf" | "erfc" => of_the_language(words[0], x),
            _ => normal_quantile(x),
        };
        let off = (found - expected).abs() / expected.abs().max(1e-3);
        // exp(-z^2 / 2) itself is no better known than z^2 times the precision of z
        let is_tail = matches!(words[0], "normal_cdf" | "erfc");
        let bound = if is_tail { 1e-13_f64.max(3e-16 * x * x) } else { 1e-13 };
        assert!(off <= bound, "{line}: {found} is {off:e} off");
        let slot = worst.entry(words[0]).or_insert((0, 0.0_f64));
        *slot = (slot.0 + 1, slot.1.max(off));
        points += 1;
    }
    assert!(points >= 1000, "{points}");
    println!("{points} points, by function: {worst:?}");
}

/// A function that only models call.
fn of_the_language(name: &str, x: f64) -> f64 {
    let text = format!("data {{ real x; }} generated quantities {{ real y = {name}(x); }}");
    let data = Data::from([("x".to_owned(), Datum::Number(x))]);
    let model = Model::bind(&parse(&text).expect("a model"), &text, &data, 1, &|| false);
    let mut numbers = [f64::NAN];
    model.expect("bound").generate(1, 0, &mut numbers).expect("a number");
    numbers[0]
}

/// mpmath 1.4.1 at 40 digits: the root of `erfc`.
#[test]
fn normal_quantile_is_exact() {
    let table = [
        (0.025, -1.959_963_984_540_054_2),
        (0.3, -0.524_400_512_708_040_8),
        (0.5, 0.0),
        (0.975, 1.959_963_984_540_053_9),
        (1e-10, -6.361_340_902_404_056),
        (1e-300, -37.047_096_299_361_2),
    ];
    for (p, z) in table {
        assert!((normal_quantile(p) - z).abs() <= 1e-13 * z.abs().max(1.0), "{p}");
    }
}

#[test]
fn tails_at_the_ends_are_certain() {
    for (a, b) in [(0.5, 0.5), (1.0, 1.0), (300.0, 1e6)] {
        let beta = IncompleteBeta::new(a, b);
        assert_eq!(
            (beta.tails(Unit::new(0.0)).lower, beta.tails(Unit::new(1.0)).upper),
            (0.0, 0.0)
        );
        let gamma = IncompleteGamma::new(a);
        assert_eq!((gamma.tails(0.0).lower, gamma.tails(f64::INFINITY).upper), (0.0, 0.0));
    }
}

fn shape() -> impl Strategy<Value = f64> {
    (-3.0_f64..9.0).prop_map(|exponent| 10_f64.powf(exponent))
}

/// Where a point's own rounding moves its mass by less than 1e-11.
fn round_trip_shape() -> impl Strategy<Value = f64> {
    (-3.0_f64..7.0).prop_map(|exponent| 10_f64.powf(exponent))
}

fn mass() -> impl Strategy<Value = f64> {
    prop_oneof![0.001_f64..0.999, (-12.0_f64..-1.0).prop_map(|exponent| 10_f64.powf(exponent))]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn incomplete_beta_is_symmetric(a in shape(), b in shape(), u in -30.0_f64..30.0) {
        let at = Unit::from_logit(u);
        let here = IncompleteBeta::new(a, b).tails(at);
        let mirrored = IncompleteBeta::new(b, a).tails(Unit { x: at.y, y: at.x });
        prop_assert!(relative(mirrored.upper, here.lower) < 1e-12, "{here:?} {mirrored:?}");
        prop_assert!(relative(mirrored.lower, here.upper) < 1e-12, "{here:?} {mirrored:?}");
        prop_assert!((here.lower + here.upper - 1.0).abs() < 1e-14);
    }

    /// `I_x(a, b) - I_x(a + 1, b) = x^a (1 - x)^b / (a B(a, b))`.
    #[test]
    fn incomplete_beta_obeys_its_recurrence(a in shape(), b in shape(), z in -6.0_f64..6.0) {
        let at = Unit::from_logit((a / b).ln() + z * (1.0 / a + 1.0 / b).sqrt());
        let (one, two) = (IncompleteBeta::new(a, b).tails(at), IncompleteBeta::new(a + 1.0, b).tails(at));
        if one.lower < 1e-300 {
            return Ok(());
        }
        let difference = two.lower + one.density / a;
        prop_assert!((difference - one.lower).abs() <= 4e-12 * one.lower, "{one:?} {two:?}");
    }

    #[test]
    fn incomplete_beta_rises(a in shape(), b in shape(), u in -20.0_f64..20.0, step in 0.001_f64..5.0) {
        let beta = IncompleteBeta::new(a, b);
        let (low, high) = (beta.tails_at_logit(u), beta.tails_at_logit(u + step));
        prop_assert!(low.lower <= high.lower * (1.0 + 1e-12), "{low:?} {high:?}");
        prop_assert!(high.upper <= low.upper * (1.0 + 1e-12), "{low:?} {high:?}");
    }

    #[test]
    fn beta_quantile_returns(a in round_trip_shape(), b in round_trip_shape(), p in mass(), is_lower in any::<bool>()) {
        let beta = IncompleteBeta::new(a, b);
        let wanted = if is_lower { Mass::below(p) } else { Mass::above(p) };
        let at = beta.quantile(wanted);
        if at.x.min(at.y) < 1e-300 {
            return Ok(());
        }
        let found = beta.tails(at);
        let off = if is_lower { relative(found.lower, p) } else { relative(found.upper, p) };
        prop_assert!(off < 1e-11, "{found:?}");
    }

    #[test]
    fn gamma_quantile_returns(a in round_trip_shape(), p in mass(), is_lower in any::<bool>()) {
        let gamma = IncompleteGamma::new(a);
        let wanted = if is_lower { Mass::below(p) } else { Mass::above(p) };
        let x = gamma.quantile(wanted);
        if x < 1e-300 {
            return Ok(());
        }
        let found = gamma.tails(x);
        let off = if is_lower { relative(found.lower, p) } else { relative(found.upper, p) };
        prop_assert!(off < 1e-11, "{found:?}");
    }

    #[test]
    fn gamma_is_poisson(k in 1_u32..200, x in 0.01_f64..300.0) {
        // Q(k, x) = P(Poisson(x) < k)
        let sum: f64 = (0..k).map(f64::from).map(|i| (i * x.ln() - x - ln_gamma(i + 1.0)).exp()).sum();
        let tails = IncompleteGamma::new(f64::from(k)).tails(x);
        prop_assert!((tails.upper - sum).abs() <= 1e-11 * sum, "{tails:?} {sum}");
    }

    #[test]
    fn normal_quantile_returns(p in mass()) {
        prop_assert!(relative(normal_cdf(normal_quantile(p)), p) < 1e-13);
    }
}
