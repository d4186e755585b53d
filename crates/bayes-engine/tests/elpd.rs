//! LOO, WAIC and weights of models against ArviZ on equal log likelihoods.
#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "small counts"
)]

use bayes_engine::elpd::{Criterion, Elpd, rank, score};
use bayes_engine::psis;

const POINTS: u64 = 20;
const GROUP: u64 = 3;

/// The log densities of `oracle/elpd.py`, by point.
fn logs(number: u64) -> Vec<Vec<f64>> {
    let mut state = 4711 + 100 * number;
    let mut uniform = || {
        state = (state * 1_103_515_245 + 12345) % 2_147_483_648;
        (state as f64 + 0.5) / 2_147_483_648.0
    };
    let group = number / GROUP;
    let mut observed: Vec<f64> =
        (0..POINTS).map(|point| ((group * 7 + 3 * point) % 11) as f64 / 3.0 - 1.5).collect();
    observed[19] = 1.5 + 0.6 * group as f64;
    let spread = [0.25, 0.8, 0.4, 1.5][usize::try_from(group).expect("small")];
    let mut columns = vec![Vec::new(); observed.len()];
    for _ in 0..4 * (60 + 80 * group) {
        let sum = uniform() + uniform() + uniform() + uniform() - 2.0;
        let mean = 0.4 * (number % GROUP) as f64 + spread * sum;
        let precision: f64 = 0.6 + 0.8 * uniform();
        for (column, y) in columns.iter_mut().zip(&observed) {
            column.push(0.5 * precision.ln() - 0.5 * precision * (y - mean) * (y - mean));
        }
    }
    columns
}

fn scored(criterion: Criterion, number: u64, efficiency: f64) -> Elpd {
    let columns = logs(number);
    let column = |at: usize| columns[at].clone();
    score(criterion, columns.len(), &column, efficiency, &|| false).expect("a score")
}

fn lines(kind: &str) -> Vec<Vec<f64>> {
    include_str!("data/elpd.txt")
        .lines()
        .filter_map(|line| line.strip_prefix(kind))
        .map(|line| line.split_whitespace().map(|word| word.parse().expect("a number")).collect())
        .collect()
}

#[test]
fn loo_and_waic_equal_arviz() {
    let sets = lines("set ");
    assert_eq!(sets.len(), 12);
    let (mut good, mut bad) = (0, 0);
    for (number, line) in (0..).zip(&sets) {
        let (loo, waic) =
            (scored(Criterion::Loo, number, line[1]), scored(Criterion::Waic, number, line[1]));
        let mut found =
            vec![loo.total, loo.error, loo.parameters, waic.total, waic.error, waic.parameters];
        found.extend(loo.points.iter().map(|point| point.spread));
        found.extend(loo.points.iter().map(|point| point.elpd));
        assert_eq!(found.len(), line.len() - 2);
        for (at, (found, expected)) in found.iter().zip(&line[2..]).enumerate() {
            let off = (found - expected).abs() / (1e-3 + expected.abs());
            assert!(off < 1e-9, "set {number}, value {at}: {found} where ArviZ has {expected}");
        }
        bad += loo.flagged().len();
        good += loo.points.len() - loo.flagged().len();
        assert_eq!(loo.reason().is_some(), !loo.flagged().is_empty());
    }
    // both sides of the bound were tried
    assert!(good > 50 && bad > 20, "{good} {bad}");
}

#[test]
fn differences_equal_arviz_and_weights_score_no_less() {
    let efficiency: Vec<f64> = lines("set ").iter().map(|line| line[1]).collect();
    for line in lines("group ") {
        let group = line[0] as u64;
        let numbers: Vec<u64> = (group * GROUP..(group + 1) * GROUP).collect();
        let models: Vec<Elpd> = numbers
            .iter()
            .map(|number| {
                let at = usize::try_from(*number).expect("small");
                scored(Criterion::Loo, *number, efficiency[at])
            })
            .collect();
        let ranked = rank(&models, 3).expect("ranks");
        let mut weights = [vec![0.0; 3], vec![0.0; 3]];
        for (place, expected) in line[1..].chunks(5).enumerate() {
            let at = ranked.iter().position(|ranked| ranked.place == place).expect("ranked");
            let found = ranked[at];
            assert!((at as f64 - expected[0]).abs() < 0.5);
            assert!((found.difference - expected[1]).abs() < 1e-9);
            assert!((found.error - expected[2]).abs() < 1e-9);
            assert!((found.stacking - expected[3]).abs() < 1e-2, "{found:?} {expected:?}");
            // two bootstraps of 1,000 and 100,000
            assert!((found.pseudo_bma - expected[4]).abs() < 0.03, "{found:?} {expected:?}");
            (weights[0][place], weights[1][place]) = (found.stacking, expected[3]);
        }
        let log_score = |weights: &[f64]| -> f64 {
            (0..models[0].points.len())
                .map(|row| {
                    let parts = models.iter().zip(weights);
                    parts.map(|(model, w)| w * model.points[row].elpd.exp()).sum::<f64>().ln()
                })
                .sum()
        };
        let (own, theirs) = (log_score(&weights[0]), log_score(&weights[1]));
        assert!(own >= theirs - 1e-9, "{own} {theirs}");
        assert!((weights[0].iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }
}

#[test]
fn one_model_has_all_weight_and_equal_models_share_it() {
    let model = scored(Criterion::Loo, 0, 1.0);
    let alone = rank(std::slice::from_ref(&model), 1).expect("ranks");
    assert!((alone[0].stacking - 1.0).abs() < 1e-12 && (alone[0].pseudo_bma - 1.0).abs() < 1e-12);
    let pair = rank(&[model.clone(), model], 1).expect("ranks");
    assert!(pair.iter().all(|ranked| (ranked.pseudo_bma - 0.5).abs() < 1e-12));
    assert!((pair[0].stacking - 0.5).abs() < 1e-6, "{pair:?}");
}

#[test]
fn different_data_and_infinite_densities_are_refused() {
    let model = scored(Criterion::Waic, 0, 1.0);
    let mut shorter = model.clone();
    shorter.points.pop();
    let error = rank(&[model, shorter], 1).expect_err("other data");
    assert_eq!((error.kind.code(), error.path.as_str()), ("data_constraint", "/run_ids/1"));
    let infinite = |_| vec![f64::NEG_INFINITY; 100];
    let error = score(Criterion::Loo, 1, &infinite, 1.0, &|| false).expect_err("infinite");
    assert!(error.kind.code() == "data_non_finite" && error.message.contains("observation 1"));
}

#[test]
fn smoothed_weights_sum_to_one_and_never_exceed_the_largest() {
    for number in 0..12 {
        for column in logs(number) {
            let ratios: Vec<f64> = column.iter().map(|log| -log).collect();
            let top = ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let raw: f64 = ratios.iter().map(|ratio| (ratio - top).exp()).sum();
            let smoothed = psis::smooth(&ratios, 1.0);
            let total: f64 = smoothed.log_weights.iter().map(|log| log.exp()).sum();
            assert!((total - 1.0).abs() < 1e-12);
            let most = smoothed.log_weights.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            assert!(most.exp() <= 2.0 / raw.max(1.0), "{most} {raw}");
        }
    }
}
