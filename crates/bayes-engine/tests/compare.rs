//! Bayes factors and effects against mpmath (`oracle/compare.py`), and their own laws.

use bayes_engine::{
    ErrorKind, Result,
    compare::{TStatistic, correlation, effect, jzs, pearson, proportion},
};

const MEDIUM: f64 = std::f64::consts::FRAC_1_SQRT_2;

#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let off = (found / expected - 1.0).abs();
    assert!(off <= tolerance, "{found} is not {expected}: {off:e} off");
}

fn statistic(t: f64, n: u64, n2: Option<u64>) -> TStatistic {
    TStatistic { t, n, n2 }
}

/// The value of the design, section 7.
#[test]
fn published_value() {
    let evidence = jzs(statistic(2.5, 30, Some(30)), MEDIUM).expect("valid");
    close(evidence.ln_bf10.exp(), 3.378_738_594_357_94, 1e-12);
    assert!(evidence.error <= 1e-9, "{}", evidence.error);
}

#[test]
fn evidence_and_effect_are_exact() {
    let table = [
        (
            2.5,
            30,
            Some(30),
            MEDIUM,
            1.217_502_442_904_099_7,
            0.562_532_324_076_844_1,
            0.257_181_156_602_020_34,
            0.987_601_108_308_647_3,
        ),
        (
            -1.2,
            12,
            None,
            1.0,
            -0.892_479_821_512_095_4,
            -0.311_602_234_608_553_85,
            0.281_415_651_387_251_44,
            0.133_103_774_625_549_23,
        ),
        (
            0.3,
            200,
            Some(150),
            0.5,
            -1.758_672_189_120_687_7,
            0.029_941_022_974_804_97,
            0.103_818_945_093_464_52,
            0.613_419_321_298_934,
        ),
    ];
    for (t, n, n2, r, ln_bf10, mean, sd, p) in table {
        let statistic = statistic(t, n, n2);
        close(jzs(statistic, r).expect("valid").ln_bf10, ln_bf10, 1e-9);
        let effect = effect(statistic, r, 0.95).expect("valid");
        close(effect.mean, mean, 1e-8);
        close(effect.sd, sd, 1e-8);
        close(effect.p_positive, p, 1e-8);
        let [low, high] = effect.interval;
        assert!(low < mean && mean < high && (high - low) / sd > 3.5 && (high - low) / sd < 4.2);
    }
}

#[test]
fn correlations_are_exact() {
    close(correlation(0.3, 40).expect("valid").ln_bf10, -0.337_632_603_485_445_6, 1e-9);
    close(correlation(-0.85, 12).expect("valid").ln_bf10, 4.490_310_916_428_403, 1e-9);
    let pairs = [[1.0, 2.0], [2.0, 4.5], [3.0, 5.0], [4.0, 9.0]];
    // by hand: 10.75, 5 and 25.1875 are the sums of products and squares about the means
    close(pearson(&pairs).expect("valid"), 10.75 / (5.0_f64 * 25.187_5).sqrt(), 1e-13);
}

/// A uniform prior makes every count equally likely: BF10 = 1 / ((n + 1) P(k | theta)).
#[test]
fn a_proportion() {
    let evidence = proportion(7, 10, [1.0, 1.0], 0.5).expect("valid");
    close(evidence.ln_bf10.exp(), 1024.0 / (11.0 * 120.0), 1e-12);
}

/// Symmetric in sign, rising in |t|, and for nothing to see the null wins with more data.
#[test]
fn evidence_behaves() {
    let of = |t, n| jzs(statistic(t, n, None), MEDIUM).expect("valid").ln_bf10;
    close(of(-2.0, 25), of(2.0, 25), 1e-14);
    assert!(of(3.0, 25) > of(2.0, 25) && of(0.0, 1000) < of(0.0, 100) && of(0.0, 100) < 0.0);
    // overwhelming evidence stays finite in logs
    assert!(of(200.0, 100_000) > 5000.0);
    let [low, high] = effect(statistic(0.0, 50, None), MEDIUM, 0.9).expect("valid").interval;
    assert!((low + high).abs() < 1e-9, "{low} {high}");
}

#[test]
fn statistics_come_from_values() {
    let one = TStatistic::of_one(&[1.0, 2.0, 4.0], 1.0).expect("valid");
    close(one.t, (4.0 / 3.0) / (7.0_f64 / 9.0).sqrt(), 1e-13);
    let two = TStatistic::of_two(&[1.0, 2.0, 3.0], &[2.0, 4.0, 6.0, 8.0]).expect("valid");
    close(two.t, -3.0 / (22.0 / 5.0 * (1.0 / 3.0 + 0.25_f64)).sqrt(), 1e-13);
    assert_eq!((two.n, two.n2), (3, Some(4)));
}

#[test]
fn wrong_questions_are_refused_with_their_place() {
    fn refused<T: std::fmt::Debug>(result: Result<T>) -> (String, ErrorKind) {
        let error = result.expect_err("refused");
        assert!(!error.hint.is_empty(), "{error:?}");
        (error.path, error.kind)
    }
    let flat = TStatistic::of_one(&[2.0, 2.0], 0.0);
    assert_eq!(refused(flat), ("/x".into(), ErrorKind::Constraint));
    let short = TStatistic::of_two(&[1.0, 2.0], &[1.0]);
    assert_eq!(refused(short), ("/y".into(), ErrorKind::Missing));
    let wide = jzs(statistic(1.0, 10, None), 5.0);
    assert_eq!(refused(wide), ("/r".into(), ErrorKind::Constraint));
    let single = jzs(statistic(1.0, 1, None), 1.0);
    assert_eq!(refused(single), ("/n".into(), ErrorKind::Limit));
    assert_eq!(refused(correlation(1.0, 10)), ("/statistic".into(), ErrorKind::Constraint));
    let more = proportion(3, 2, [1.0, 1.0], 0.5);
    assert_eq!(refused(more), ("/successes".into(), ErrorKind::Constraint));
    let sure = proportion(1, 2, [1.0, 1.0], 0.0);
    assert_eq!(refused(sure), ("/theta".into(), ErrorKind::Constraint));
}
