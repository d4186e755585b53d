//! A/B tests against the finite sum in 70-digit arithmetic, and their own laws.

use bayes_engine::{
    ErrorKind,
    ab::{Action, Analysis, Question, analyze, probability_greater},
    conjugate::{BetaPrior, Counts},
};
use proptest::prelude::*;

fn question(arms: &[(u64, u64)], prior: f64) -> Question {
    Question {
        arms: arms.iter().map(|&(successes, trials)| Counts { successes, trials }).collect(),
        prior: BetaPrior { alpha: prior, beta: prior },
        rope: Some([-0.01, 0.01]),
        loss_threshold: 0.001,
        level: 0.95,
    }
}

fn run(arms: &[(u64, u64)], prior: f64) -> Analysis {
    analyze(&question(arms, prior), &|| false).expect("valid")
}

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= tolerance, "{found:e} is not {expected:e}: {off:e} off");
}

/// The values of the design, section 7.
#[test]
fn published_values() {
    let beta = |alpha, beta| BetaPrior { alpha, beta };
    let p = probability_greater(beta(243.0, 2606.0), beta(314.0, 2479.0)).expect("valid");
    close(p, 0.999_688_520_101_304_4, 1e-12);
    let p = probability_greater(beta(50001.0, 950_001.0), beta(50301.0, 949_701.0)).expect("valid");
    close(p, 0.834_460_768_620_196_2, 1e-12);

    let test = run(&[(242, 2847), (313, 2791)], 1.0);
    close(test.p_best[1], 0.999_688_520_101_304_4, 1e-12);
    close(test.expected_loss[1], 6.337_443_270_882_32e-7, 1e-12);
    close(test.expected_loss[0], 0.027_131_465_386_436_927, 1e-12);
    assert_eq!((test.decision.action, test.decision.arm), (Action::Ship, 1));
    let test = run(&[(50_000, 1_000_000), (50_300, 1_000_000)], 1.0);
    close(test.p_best[1], 0.834_460_768_620_196_2, 1e-12);
}

#[test]
fn two_arms_are_exact() {
    let mut cases = 0;
    let rows = include_str!("data/ab.txt").lines().filter(|line| !line.starts_with('#'));
    for line in rows {
        let row: Vec<f64> = line.split(' ').map(|word| word.parse().expect("a number")).collect();
        let counts = |index: usize| format!("{}", row[index]).parse().expect("a count");
        let test = run(&[(counts(0), counts(1)), (counts(2), counts(3))], 1.0);
        let found = [test.p_best, test.expected_loss].concat();
        for (found, expected) in found.iter().zip(&row[4..]) {
            if *expected > 1e-290 {
                let off = (found / expected - 1.0).abs();
                assert!(off <= 1e-12, "{row:?}: {found:e} is {off:e} off");
            }
        }
        assert!(test.defect < 1e-12, "{row:?}: {}", test.defect);
        cases += 1;
    }
    assert!(cases >= 240, "{cases}");
}

/// Gauss-Legendre quadrature with mpmath 1.4.1 at 25 digits, Jeffreys' prior.
#[test]
fn three_arms_are_exact() {
    let test = run(&[(12, 80), (20, 90), (3, 40)], 0.5);
    let p = [0.111_750_481_198_375_42, 0.875_075_722_228_939_3, 0.013_173_796_572_685_33];
    let loss = [0.074_675_373_468_737_04, 0.003_721_635_848_332_756, 0.143_630_507_464_521_45];
    for (found, expected) in
        test.p_best.iter().chain(&test.expected_loss).zip(p.iter().chain(&loss))
    {
        close(*found, *expected, 1e-12);
    }
}

/// Two uniform rates: the difference is triangular and `P(ratio <= r) = r / 2` below 1.
#[test]
fn lift_of_ignorance_is_known() {
    let test = run(&[(0, 0), (0, 0)], 1.0);
    let lift = test.lift[0];
    let edge = 1.0 - 0.05_f64.sqrt();
    close(lift.difference_interval[0], -edge, 1e-12);
    close(lift.difference_interval[1], edge, 1e-12);
    close(lift.relative_interval[0], -0.95, 1e-12);
    close(lift.relative_interval[1], 19.0, 1e-12);
    close(lift.p_in_rope.expect("asked"), 1.0 - 0.99 * 0.99, 1e-12);
    assert_eq!(lift.relative, None, "E(1/rate) is infinite");
    close(test.expected_loss[0], 1.0 / 6.0, 1e-12);
}

/// Identical arms: each quantity is known by symmetry, at every size and even at the edges.
#[test]
fn equal_arms_are_equal() {
    for (arm, prior) in
        [((0, 50), 0.5), ((7, 9), 1.0), ((400, 1000), 2.5), ((500_000, 900_000), 1.0)]
    {
        let test = run(&[arm; 4], prior);
        for index in 0..4 {
            close(test.p_best[index], 0.25, 1e-13);
            close(test.expected_loss[index], test.expected_loss[0], 1e-13);
        }
        for lift in &test.lift {
            close(lift.p_better, 0.5, 1e-13);
            close(-lift.difference_interval[0], lift.difference_interval[1], 1e-9);
            let [low, high] = lift.relative_interval;
            close((1.0 + low) * (1.0 + high), 1.0, 1e-9);
        }
    }
}

/// Nothing is known of one arm, under a prior with poles: half its mass lies next to 1.
#[test]
fn an_empty_arm_keeps_its_mass() {
    let test = run(&[(0, 0), (500_000, 1_000_000)], 0.1);
    assert!(test.defect < 1e-12, "{}", test.defect);
    close(test.p_best[0], 0.5, 1e-9);
}

#[test]
fn decisions_follow_the_loss() {
    assert_eq!(run(&[(300, 1000), (200, 1000)], 1.0).decision.action, Action::Keep);
    assert_eq!(run(&[(10, 100), (12, 100)], 1.0).decision.action, Action::Continue);
    let same = run(&[(100_000, 1_000_000), (100_100, 1_000_000)], 1.0);
    assert_eq!(same.decision.action, Action::Equivalent);
    let mut strict = question(&[(242, 2847), (313, 2791)], 1.0);
    strict.loss_threshold = 1e-7;
    strict.rope = None;
    assert_eq!(analyze(&strict, &|| false).expect("valid").decision.action, Action::Continue);
}

#[test]
fn wrong_questions_are_refused_with_their_place() {
    let path = |change: &dyn Fn(&mut Question)| {
        let mut wrong = question(&[(1, 10), (2, 10)], 1.0);
        change(&mut wrong);
        let error = analyze(&wrong, &|| false).expect_err("refused");
        assert!(!error.message.is_empty(), "{error:?}");
        (error.path, error.kind)
    };
    assert_eq!(
        path(&|q| q.arms[1].successes = 11),
        ("/arms/1/successes".into(), ErrorKind::Constraint)
    );
    assert_eq!(path(&|q| q.arms.truncate(1)), ("/arms".into(), ErrorKind::Limit));
    assert_eq!(
        path(&|q| q.arms[0].trials = 2_000_000_000),
        ("/arms/0/trials".into(), ErrorKind::Limit)
    );
    assert_eq!(path(&|q| q.prior.alpha = 0.0), ("/prior/alpha".into(), ErrorKind::Improper));
    assert_eq!(path(&|q| q.prior.beta = 0.01), ("/prior/beta".into(), ErrorKind::Limit));
    assert_eq!(path(&|q| q.rope = Some([0.1, -0.1])), ("/rope".into(), ErrorKind::Constraint));
    assert_eq!(path(&|q| q.level = 1.0), ("/level".into(), ErrorKind::Constraint));
    assert_eq!(
        path(&|q| q.loss_threshold = 0.0),
        ("/loss_threshold".into(), ErrorKind::Constraint)
    );
    assert_eq!(
        path(&|q| q.loss_threshold = f64::NAN),
        ("/loss_threshold".into(), ErrorKind::NonFinite)
    );
    let cancelled = analyze(&question(&[(1, 10), (2, 10)], 1.0), &|| true).expect_err("cancelled");
    assert_eq!(cancelled.kind, ErrorKind::Cancelled);
}

fn arm() -> impl Strategy<Value = (u64, u64)> {
    (0.0_f64..6.0, 0.0_f64..=1.0).prop_map(|(size, rate)| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 1e6")]
        let trials = 10_f64.powf(size) as u64;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "up to 1e6"
        )]
        let successes = (rate * rate * trials as f64) as u64;
        (successes, trials)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 1500, ..ProptestConfig::default() })]

    #[test]
    fn probabilities_of_being_best_sum_to_one(
        arms in proptest::collection::vec(arm(), 2..8), prior in 0.1_f64..5.0,
    ) {
        let test = run(&arms, prior);
        prop_assert!(test.defect < 1e-11, "{}", test.defect);
        prop_assert!(test.p_best.iter().all(|p| (0.0..=1.0).contains(p)), "{:?}", test.p_best);
        prop_assert!(test.lift.iter().all(|lift| (0.0..=1.0).contains(&lift.p_better)));
        prop_assert!(test.expected_loss.iter().all(|loss| (0.0..=1.0).contains(loss)));
        let decision = test.decision;
        prop_assert!(test.expected_loss.iter().all(|loss| *loss >= decision.expected_loss));
    }

    #[test]
    fn sum_and_quadrature_agree(a in arm(), b in arm()) {
        // prior 1: the finite sum where it is short; a hair beside it: always quadrature
        let exact = run(&[a, b], 1.0);
        let beta = |(successes, trials): (u64, u64)| BetaPrior {
            alpha: 1.0 + counted(successes),
            beta: 1.0 + counted(trials - successes),
        };
        let p = probability_greater(beta(a), beta(b)).expect("valid");
        if p < 1e-290 {
            return Ok(());
        }
        prop_assert!((exact.p_best[1] / p - 1.0).abs() < 1e-12, "{} {p}", exact.p_best[1]);
    }

    #[test]
    fn more_successes_are_better(a in arm(), b in arm()) {
        prop_assume!(b.0 < b.1);
        let (less, more) = (run(&[a, b], 1.0), run(&[a, (b.0 + 1, b.1)], 1.0));
        prop_assert!(more.p_best[1] >= less.p_best[1] * (1.0 - 1e-12));
        prop_assert!(more.expected_loss[1] <= less.expected_loss[1] * (1.0 + 1e-12));
        let (less, more) = (less.lift[0].difference_interval, more.lift[0].difference_interval);
        prop_assert!(more[0] >= less[0] - 1e-9 && more[1] >= less[1] - 1e-9);
    }

    #[test]
    fn exchanging_arms_mirrors_the_lift(a in arm(), b in arm(), prior in 0.3_f64..3.0) {
        let (there, back) = (run(&[a, b], prior).lift[0], run(&[b, a], prior).lift[0]);
        for (one, other) in [(0, 1), (1, 0)] {
            let [x, y] = [there.difference_interval[one], -back.difference_interval[other]];
            prop_assert!((x - y).abs() < 1e-9 * x.abs().max(1e-4), "{there:?} {back:?}");
            // a ratio near 0 is reported as -1 and something, with few digits of its logarithm
            let logs = |ratio: f64| ratio.clamp(-0.99, 99.0).ln_1p();
            let x = logs(there.relative_interval[one]);
            let y = -logs(back.relative_interval[other]);
            prop_assert!((x - y).abs() < 1e-9 * x.abs().max(1e-4), "{there:?} {back:?}");
        }
        let (p, q) = (there.p_in_rope.expect("asked"), back.p_in_rope.expect("asked"));
        prop_assert!((p - q).abs() <= 1e-10 * p.max(1e-200), "{p} {q}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "up to 1e6")]
fn counted(count: u64) -> f64 {
    count as f64
}
