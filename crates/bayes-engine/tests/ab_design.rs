//! Planned tests against the sum over all outcomes, decided one by one, and against the normal formula.

use bayes_engine::{
    ErrorKind,
    ab::{
        Action, Question, analyze,
        design::{Chances, Design, MAX_PLANNED, Plan, Rule, design},
        probability_greater,
    },
    conjugate::{BetaPrior, Counts},
};
use proptest::prelude::*;

fn plan(baseline: f64, effect: f64) -> Plan {
    Plan {
        baseline,
        baseline_trials: None,
        effect,
        effect_sd: 0.0,
        rule: Rule::Loss(0.001),
        prior: BetaPrior { alpha: 1.0, beta: 1.0 },
        assurance: 0.8,
        max_n: 1_000_000,
    }
}

fn run(plan: &Plan) -> Design {
    design(plan, &|| false).expect("valid")
}

/// The chances of exactly `n` trials.
fn chances(plan: &Plan, n: u64) -> Chances {
    let plan = Plan { max_n: n, assurance: 1.0 - 1e-9, ..*plan };
    let last = *run(&plan).curve.last().expect("a curve");
    assert_eq!(last.n, n);
    last
}

fn masses(n: u64, rate: f64) -> Vec<f64> {
    let mut row = vec![1.0];
    for _ in 0..n {
        let mut next = vec![0.0; row.len() + 1];
        for (at, mass) in row.iter().enumerate() {
            next[at] += mass * (1.0 - rate);
            next[at + 1] += mass * rate;
        }
        row = next;
    }
    row
}

fn is_shipped(plan: &Plan, n: u64, a: u64, b: u64) -> bool {
    let BetaPrior { alpha, beta } = plan.prior;
    match plan.rule {
        Rule::Loss(loss_threshold) => {
            let arms = [a, b].map(|successes| Counts { successes, trials: n }).to_vec();
            let question =
                Question { arms, prior: plan.prior, rope: None, loss_threshold, level: 0.95 };
            analyze(&question, &|| false).expect("valid").decision.action == Action::Ship
        }
        Rule::Probability(wanted) => {
            let of = |count: u64| {
                #[expect(clippy::cast_precision_loss, reason = "small counts")]
                let (good, bad) = (count as f64, (n - count) as f64);
                BetaPrior { alpha: alpha + good, beta: beta + bad }
            };
            probability_greater(of(a), of(b)).expect("valid") >= wanted
        }
    }
}

/// Every outcome decided by the analysis itself.
fn brute(plan: &Plan, n: u64, rates: [f64; 2]) -> f64 {
    let [control, variant] = rates.map(|rate| masses(n, rate));
    let mut sum = 0.0;
    for a in 0..=n {
        // shipped from some count on: the first is enough
        if let Some(least) = (0..=n).find(|b| is_shipped(plan, n, a, *b)) {
            let at = usize::try_from(least).expect("small");
            sum += control[usize::try_from(a).expect("small")] * variant[at..].iter().sum::<f64>();
        }
    }
    sum
}

#[test]
fn chances_are_those_of_every_outcome_decided() {
    for (rule, n) in [
        (Rule::Loss(0.01), 30),
        (Rule::Loss(0.002), 41),
        (Rule::Probability(0.95), 37),
        (Rule::Probability(0.6), 12),
    ] {
        let plan = Plan { rule, ..plan(0.3, 0.2) };
        let found = chances(&plan, n);
        for (found, rates) in [
            (found.ship, [0.3, 0.5]),
            (found.ship_if_equal, [0.3, 0.3]),
            (found.ship_if_worse, [0.3, 0.1]),
        ] {
            let exact = brute(&plan, n, rates);
            assert!((found - exact).abs() < 1e-9, "{rule:?} {n} {rates:?}: {found} is not {exact}");
        }
    }
}

/// A flat prior and a one-sided test agree when both arms are large: n per arm within 2 %.
#[test]
fn large_tests_are_as_large_as_the_classical_formula_says() {
    let plan = Plan { rule: Rule::Probability(0.975), ..plan(0.1, 0.01) };
    let found = run(&plan).found.expect("within reach");
    let (a, b) = (0.1_f64, 0.11_f64);
    let (z, power) = (1.959_964, 0.841_621_2);
    let classical = (z + power) * (z + power) * (a * (1.0 - a) + b * (1.0 - b)) / (0.01 * 0.01);
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    let off = found.n as f64 / classical - 1.0;
    assert!(off.abs() < 0.02, "{} beside {classical}", found.n);
    assert!((found.ship_if_equal - 0.025).abs() < 0.001, "{found:?}");
    assert!(found.ship >= 0.8 && found.ship < 0.801 && found.ship_if_worse < 1e-5, "{found:?}");
}

#[test]
fn the_number_found_is_the_least_and_the_curve_rises() {
    let plan = plan(0.05, 0.01);
    let design = run(&plan);
    let found = design.found.expect("within reach");
    assert!(found.ship >= 0.8);
    assert!(chances(&plan, found.n - 1).ship < 0.8);
    assert!(
        design.curve.windows(2).all(|pair| pair[0].n < pair[1].n && pair[0].ship < pair[1].ship)
    );
    assert!(design.curve.contains(&found) && design.curve.len() == 6);
    assert!((design.better - 1.0).abs() < 1e-12);
}

#[test]
fn what_is_uncertain_costs_trials_and_bounds_the_assurance() {
    let sure = run(&plan(0.05, 0.01)).found.expect("within reach").n;
    let unsure = Plan { effect_sd: 0.004, baseline_trials: Some(2000.0), ..plan(0.05, 0.01) };
    let design = run(&unsure);
    let found = design.found.expect("within reach");
    assert!(found.n > sure, "{} is not above {sure}", found.n);
    assert!((design.better - 0.9938).abs() < 0.005, "{}", design.better);

    // an effect that is as likely to be harm: no number of trials ships it in 8 of 10 tests
    let doubtful = Plan { effect_sd: 0.05, max_n: 200_000, ..plan(0.3, 0.01) };
    let design = run(&doubtful);
    assert!(design.found.is_none() && design.curve.last().is_some_and(|last| last.n == 200_000));
    assert!(design.better < 0.65, "{}", design.better);
}

#[test]
fn refusals_name_what_is_wrong() {
    let good = plan(0.05, 0.01);
    let table = [
        (Plan { baseline: 0.0, ..good }, "/baseline", ErrorKind::Constraint),
        (Plan { baseline: 5.0, ..good }, "/baseline", ErrorKind::Constraint),
        (Plan { effect: -0.01, ..good }, "/effect", ErrorKind::Constraint),
        (Plan { effect: 0.96, ..good }, "/effect", ErrorKind::Constraint),
        (Plan { effect: f64::NAN, ..good }, "/effect", ErrorKind::NonFinite),
        (Plan { effect_sd: -1.0, ..good }, "/effect_sd", ErrorKind::Constraint),
        (Plan { baseline_trials: Some(0.5), ..good }, "/baseline_trials", ErrorKind::Limit),
        (Plan { rule: Rule::Loss(0.0), ..good }, "/loss_threshold", ErrorKind::Constraint),
        (Plan { rule: Rule::Probability(0.3), ..good }, "/threshold", ErrorKind::Constraint),
        (Plan { assurance: 1.0, ..good }, "/assurance", ErrorKind::Constraint),
        (Plan { max_n: 0, ..good }, "/max_n", ErrorKind::Limit),
        (Plan { max_n: MAX_PLANNED + 1, ..good }, "/max_n", ErrorKind::Limit),
    ];
    for (plan, path, kind) in table {
        let error = design(&plan, &|| false).expect_err(path);
        assert_eq!((error.path.as_str(), error.kind), (path, kind), "{error:?}");
        assert!(!error.hint.is_empty(), "{error:?}");
    }
    let error = design(&good, &|| true).expect_err("cancelled");
    assert_eq!(error.kind, ErrorKind::Cancelled);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// Interpolated boundaries decide as the analysis does.
    #[test]
    fn larger_tests_agree_with_the_analysis(
        n in 60_u64..110,
        baseline in 0.05_f64..0.9,
        share in 0.2_f64..0.9,
        loss in 0.001_f64..0.02,
        is_loss: bool,
    ) {
        let effect = share * (1.0 - baseline) * 0.9;
        let rule = if is_loss { Rule::Loss(loss) } else { Rule::Probability(0.5 + 20.0 * loss) };
        let plan = Plan { rule, ..plan(baseline, effect) };
        let found = chances(&plan, n).ship;
        // the boundary by bisection of the analysis
        let (control, variant) = (masses(n, baseline), masses(n, baseline + effect));
        let mut exact = 0.0;
        for (a, mass) in control.iter().enumerate().filter(|(_, mass)| **mass > 1e-8) {
            let (mut low, mut high) = (0, n + 1);
            while low < high {
                let middle = u64::midpoint(low, high);
                if is_shipped(&plan, n, a as u64, middle) { high = middle } else { low = middle + 1 }
            }
            exact += mass * variant[usize::try_from(low).expect("small")..].iter().sum::<f64>();
        }
        prop_assert!((found - exact).abs() < 1e-5, "{found} is not {exact}");
    }
}
