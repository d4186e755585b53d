//! The exact tools on random cases, against 40-digit arithmetic (`oracle/exact.py`); A/B tests are in `ab.rs`.

use bayes_engine::compare::{TStatistic, jzs};
use bayes_engine::conjugate::{
    BetaPrior, Counts, Events, GammaPrior, update_beta_binomial, update_gamma_poisson,
};

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of the oracle")]
fn count(number: f64) -> u64 {
    number as u64
}

/// What the engine says to one line.
fn found(kind: &str, x: &[f64]) -> Vec<f64> {
    match kind {
        "beta_binomial" => {
            let prior = BetaPrior { alpha: x[0], beta: x[1] };
            let data = Counts { successes: count(x[2]), trials: count(x[3]) };
            let update = update_beta_binomial(prior, data, 1, x[4]).expect("valid");
            let rate = update.marginals[0].summary;
            vec![rate.interval[0], rate.median, rate.interval[1], update.ln_marginal]
        }
        "gamma_poisson" => {
            let prior = GammaPrior { shape: x[0], rate: x[1] };
            let data = Events::Total { events: count(x[2]), exposure: x[3] };
            let update = update_gamma_poisson(prior, &data, 1.0, x[4]).expect("valid");
            let rate = update.marginals[0].summary;
            vec![rate.interval[0], rate.median, rate.interval[1]]
        }
        _ => {
            let n2 = (x[2] > 0.0).then(|| count(x[2]));
            let statistic = TStatistic { t: x[0], n: count(x[1]), n2 };
            vec![jzs(statistic, x[3]).expect("valid").ln_bf10]
        }
    }
}

#[test]
fn random_cases_are_exact() {
    let (mut cases, mut worst) = (0, [0.0_f64; 2]);
    for line in include_str!("data/exact.txt").lines().filter(|line| !line.starts_with('#')) {
        let (kind, rest) = line.split_once(' ').expect("a kind");
        let numbers: Vec<f64> =
            rest.split(' ').map(|word| word.parse().expect("a number")).collect();
        let arguments = if kind == "jzs" { 4 } else { 5 };
        let values = found(kind, &numbers[..arguments]);
        assert_eq!(values.len(), numbers.len() - arguments, "{line}");
        for (value, expected) in values.iter().zip(&numbers[arguments..]) {
            // next to 0 a logarithm is known as well as what it is of
            let off = (value - expected).abs()
                / expected.abs().max(if kind == "jzs" { 1.0 } else { 1e-2 });
            let bound = if kind == "jzs" { 1e-9 } else { 1e-12 };
            assert!(off <= bound, "{line}: {value} is {off:e} off");
            let slot = &mut worst[usize::from(kind == "jzs")];
            *slot = slot.max(off);
        }
        cases += 1;
    }
    // with the 240 of ab.rs more than 500
    assert!(cases >= 280, "{cases}");
    println!("{cases} cases, worst {:e}, of JZS {:e}", worst[0], worst[1]);
}
