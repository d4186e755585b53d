//! Diagnostics against ArviZ on equal series.
#![expect(clippy::cast_precision_loss, reason = "small counts")]

use bayes_engine::diagnose::{energy_fraction, ess_bulk, ess_mean, ess_tail, estimate, r_hat};

/// The series of `oracle/diagnostics.py`.
fn series(number: u64) -> Vec<Vec<f64>> {
    let mut state = 12345 + number;
    let (chains, draws) = (2 + number % 3, 40 + 37 * number);
    let phi = [0.0, 0.5, 0.9, -0.6, 0.99][usize::try_from(number % 5).expect("small")];
    (0..chains)
        .map(|chain| {
            let mut x = 0.0;
            (0..draws)
                .map(|_| {
                    state = (state * 1_103_515_245 + 12345) % 2_147_483_648;
                    let u = (state as f64 + 0.5) / 2_147_483_648.0;
                    let noise = if number % 4 == 1 { (u - 0.5) / (u * (1.0 - u)) } else { u - 0.5 };
                    x = phi * x + noise;
                    let value = x + if number % 6 == 5 { 0.3 * chain as f64 } else { 0.0 };
                    if number % 7 == 3 { (value * 4.0).floor() } else { value }
                })
                .collect()
        })
        .collect()
}

#[test]
fn diagnostics_equal_arviz() {
    let (mut sets, mut worst) = (0, 0.0_f64);
    for line in include_str!("data/diagnostics.txt").lines().filter(|line| !line.starts_with('#')) {
        let expected: Vec<f64> =
            line.split(' ').map(|word| word.parse().expect("a number")).collect();
        let chains = series(sets);
        let lists: Vec<&[f64]> = chains.iter().map(Vec::as_slice).collect();
        let found = estimate(&lists, 0.94).expect("an estimate");
        let values = [
            r_hat(&lists),
            ess_bulk(&lists),
            ess_tail(&lists),
            ess_mean(&lists),
            found.mcse_mean,
            found.mcse_sd,
            found.hdi[0],
            found.hdi[1],
        ];
        for (at, (value, expected)) in values.iter().zip(&expected[1..]).enumerate() {
            let off = (value - expected).abs() / (1e-12 + expected.abs());
            worst = worst.max(off);
            assert!(off < 1e-9, "series {sets}, value {at}: {value} where ArviZ has {expected}");
        }
        sets += 1;
    }
    assert!(sets >= 20);
    println!("{sets} sets, worst {worst:e}");
}

#[test]
fn what_has_no_diagnostics_is_not_a_number() {
    let short = [1.0, 2.0, 3.0];
    assert!(r_hat(&[&short, &short]).is_nan() && ess_bulk(&[&short]).is_nan());
    let odd = [1.0, f64::NAN, 2.0, 3.0, 4.0];
    assert!(ess_tail(&[&odd, &odd]).is_nan());
    let flat = [2.0; 10];
    assert!((ess_bulk(&[&flat, &flat]) - 20.0).abs() < 1e-12);
    assert!((energy_fraction(&[1.0, 2.0, 3.0]) - 1.0).abs() < 1e-12);
}
