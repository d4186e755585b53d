//! Conjugate families beyond the first five against mpmath (`oracle/conjugate.py`), and their own laws.

use bayes_engine::{
    ErrorKind, Result,
    conjugate::{
        BetaPrior, Failures, GammaPrior, NigPrior, NiwPrior, ParetoPrior, Sample, Waits,
        update_beta_negbin, update_gamma_exponential, update_nig, update_niw,
        update_uniform_pareto,
    },
};

const GAMMA: GammaPrior = GammaPrior { shape: 2.0, rate: 0.5 };
const BETA: BetaPrior = BetaPrior { alpha: 2.5, beta: 3.5 };

#[track_caller]
fn close(found: impl IntoIterator<Item = f64>, expected: impl IntoIterator<Item = f64>) {
    let (found, expected): (Vec<_>, Vec<_>) =
        (found.into_iter().collect(), expected.into_iter().collect());
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(&expected) {
        let off = (found / expected - 1.0).abs();
        assert!(off <= 1e-12, "{found} is not {expected}: {off:e} off");
    }
}

#[test]
fn waiting_times() {
    let data = Waits::Values(vec![0.8, 1.4, 0.3]);
    let update = update_gamma_exponential(GAMMA, &data, 0.95).expect("valid");
    assert_eq!(update.posterior, GammaPrior { shape: 5.0, rate: 3.0 });
    close([update.ln_marginal], [-3.701_301_974_112_493_6]);
    let next = &update.predictive;
    close(next.interval.expect("known"), [0.015_229_209_270_887_823, 3.273_837_315_547_639_4]);
    close(next.mean, [0.75]);
    let total = Waits::Total { n: 3, total: 2.5 };
    let same = update_gamma_exponential(GAMMA, &total, 0.95).expect("valid");
    assert_eq!(same.posterior, update.posterior);
    close([same.ln_marginal], [update.ln_marginal]);
}

#[test]
fn failures_before_successes() {
    let data = Failures { successes: 3.0, counts: vec![4, 0, 7] };
    let update = update_beta_negbin(BETA, &data, 0.95).expect("valid");
    assert_eq!(update.posterior, BetaPrior { alpha: 11.5, beta: 14.5 });
    close([update.ln_marginal], [-8.255_434_495_203_82]);
    assert_eq!(update.predictive.interval, Some([0.0, 14.0]));
    close(update.predictive.mean, [4.142_857_142_857_143]);
}

#[test]
fn the_end_of_a_range() {
    let prior = ParetoPrior { scale: 1.0, shape: 2.5 };
    let update = update_uniform_pareto(prior, &[0.4, 1.7, 0.9], 0.95).expect("valid");
    assert_eq!(update.posterior, ParetoPrior { scale: 1.7, shape: 5.5 });
    close([update.ln_marginal], [-3.706_912_741_206_207]);
    let interval = update.predictive.interval.expect("known");
    close(interval, [0.050_227_272_727_272_73, 2.365_539_082_496_425]);
    let end = update.marginals[0].summary;
    close(end.mean, [1.7 * 5.5 / 4.5]);
    close(end.hdi.expect("one peak"), [1.7, 1.7 * 0.05_f64.powf(-1.0 / 5.5)]);
}

fn niw() -> NiwPrior {
    NiwPrior {
        mean: vec![1.0, -1.0],
        kappa: 0.5,
        df: 4.0,
        scale: vec![vec![2.0, 0.5], vec![0.5, 1.0]],
    }
}

/// One row follows a multivariate t; many rows are worth as much at once as one after the other.
#[test]
fn vectors() {
    let rows = vec![vec![1.5, 0.25], vec![0.5, -2.0], vec![3.0, 1.0]];
    let one = update_niw(&niw(), &rows[..1], 0.95).expect("valid");
    close([one.ln_marginal], [-3.170_718_623_067_815_7]);
    let rest = update_niw(&one.posterior, &rows[1..], 0.95).expect("valid");
    let all = update_niw(&niw(), &rows, 0.95).expect("valid");
    close([one.ln_marginal + rest.ln_marginal], [all.ln_marginal]);
    close(rest.posterior.scale.concat(), all.posterior.scale.concat());
    close(rest.posterior.mean, all.posterior.mean);
}

/// A vector of one component is a normal-inverse-gamma update.
#[test]
fn one_component_is_nig() {
    let values = [4.1, 5.3, 2.2, 6.7, 5.0];
    let prior = NiwPrior { mean: vec![3.0], kappa: 0.5, df: 4.0, scale: vec![vec![3.0]] };
    let rows: Vec<Vec<f64>> = values.iter().map(|value| vec![*value]).collect();
    let wide = update_niw(&prior, &rows, 0.95).expect("valid");
    let nig = NigPrior { mean: 3.0, kappa: 0.5, shape: 2.0, scale: 1.5 };
    let plain = update_nig(nig, &Sample::Values(values.to_vec()), 0.95).expect("valid");
    close([wide.ln_marginal], [plain.ln_marginal]);
    for (wide, plain) in wide.marginals.iter().zip(&plain.marginals) {
        close(wide.summary.interval, plain.summary.interval);
        close(wide.summary.hdi.expect("one peak"), plain.summary.hdi.expect("one peak"));
    }
}

#[test]
fn wrong_data_are_refused_with_their_place() {
    fn refused<P: std::fmt::Debug>(update: Result<P>) -> (String, ErrorKind) {
        let error = update.expect_err("refused");
        assert!(!error.hint.is_empty(), "{error:?}");
        (error.path, error.kind)
    }
    let waits = Waits::Values(vec![1.0, -2.0]);
    assert_eq!(
        refused(update_gamma_exponential(GAMMA, &waits, 0.95)),
        ("/data/values/1".into(), ErrorKind::Constraint)
    );
    let none = Failures { successes: 3.0, counts: Vec::new() };
    assert_eq!(
        refused(update_beta_negbin(BETA, &none, 0.95)),
        ("/data/counts".into(), ErrorKind::Missing)
    );
    let prior = ParetoPrior { scale: 0.0, shape: 1.0 };
    assert_eq!(
        refused(update_uniform_pareto(prior, &[1.0], 0.95)),
        ("/prior/scale".into(), ErrorKind::Improper)
    );
    let ragged = [vec![1.0, 2.0], vec![1.0]];
    assert_eq!(
        refused(update_niw(&niw(), &ragged, 0.95)),
        ("/data/rows/1".into(), ErrorKind::Constraint)
    );
    let flat = NiwPrior { scale: vec![vec![1.0, 2.0], vec![2.0, 1.0]], ..niw() };
    assert_eq!(
        refused(update_niw(&flat, &ragged[..1], 0.95)),
        ("/prior/scale_matrix".into(), ErrorKind::Constraint)
    );
    let weak = NiwPrior { df: 1.0, ..niw() };
    assert_eq!(
        refused(update_niw(&weak, &ragged[..1], 0.95)),
        ("/prior/df".into(), ErrorKind::Improper)
    );
}
