//! Latency of the exact tools: median, 99th percentile and maximum over varied inputs.
//!
//! `cargo run --release -p bayes-engine --example latency`
#![expect(
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::cast_precision_loss,
    reason = "a bench measures wall time and prints it"
)]

use std::{hint::black_box, time::Instant};

use bayes_engine::{
    ab::{self, Question},
    compare::{self, TStatistic},
    conjugate::{self, BetaPrior, Concentration, Counts, Events, GammaPrior, NigPrior, Sample},
    rule::{self, Hypothesis, Test},
};

const CALLS: u64 = 500;

fn main() {
    println!("{:32} {:>9} {:>9} {:>9}  (microseconds, {CALLS} calls)", "", "p50", "p99", "max");
    measure("apply_bayes_rule, 5 x 20", &weigh);
    measure("apply_bayes_rule, test", &diagnose);
    measure("beta_binomial", &beta_binomial);
    measure("gamma_poisson", &gamma_poisson);
    measure("nig", &nig);
    measure("dirichlet_multinomial, 6", &dirichlet);
    measure("jzs with effect", &jzs);
    for arms in [2, 3, 5] {
        measure(&format!("analyze_ab_test, {arms} arms"), &|seed| ab_test(arms, seed));
    }
}

fn measure(name: &str, call: &dyn Fn(u64)) {
    for seed in 0..50 {
        call(seed);
    }
    let mut times: Vec<f64> = (0..CALLS)
        .map(|seed| {
            let start = Instant::now();
            call(seed);
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let at = |share: usize| times[(times.len() - 1) * share / 100];
    println!("{name:32} {:9.1} {:9.1} {:9.1}", at(50), at(99), at(100));
}

/// Scattered, but the same in every run.
fn scatter(seed: u64, salt: u64) -> f64 {
    let mixed = (seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15).rotate_left(23) ^ salt;
    let mixed = mixed.wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

/// Successes among up to a million trials, at a rate of 2 to 50 %.
fn counts(seed: u64, salt: u64) -> Counts {
    let trials = 10_f64.powf(1.0 + 5.0 * scatter(seed, salt)).round();
    let successes = (trials * (0.02 + 0.48 * scatter(seed, 99))).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "up to 1e6")]
    let [successes, trials] = [successes, trials].map(|count| count as u64);
    Counts { successes, trials }
}

fn ab_test(arms: u64, seed: u64) {
    let question = Question {
        arms: (0..arms).map(|arm| counts(seed, arm)).collect(),
        prior: BetaPrior { alpha: 1.0, beta: 1.0 },
        rope: Some([-0.005, 0.005]),
        loss_threshold: 0.001,
        level: 0.95,
    };
    black_box(ab::analyze(&question, &|| false)).expect("valid");
}

fn weigh(seed: u64) {
    let hypotheses: Vec<_> = (0..5)
        .map(|index| Hypothesis {
            prior: 0.2,
            likelihoods: (0..20)
                .map(|observation| scatter(seed, 20 * index + observation))
                .collect(),
        })
        .collect();
    black_box(rule::weigh(&hypotheses, false)).expect("valid");
}

fn diagnose(seed: u64) {
    let test = Test { prevalence: scatter(seed, 1), sensitivity: 0.9, specificity: 0.95 };
    black_box(rule::diagnose(test, &[true, false, true])).expect("valid");
}

fn jzs(seed: u64) {
    let statistic = TStatistic { t: 6.0 * scatter(seed, 3) - 3.0, n: 5 + seed, n2: Some(40) };
    black_box(compare::jzs(statistic, 0.7)).expect("valid");
    black_box(compare::effect(statistic, 0.7, 0.95)).expect("valid");
}

fn beta_binomial(seed: u64) {
    let prior = BetaPrior { alpha: 2.0, beta: 3.0 };
    black_box(conjugate::update_beta_binomial(prior, counts(seed, 7), 100, 0.95)).expect("valid");
}

fn gamma_poisson(seed: u64) {
    let data = Events::Total { events: counts(seed, 8).successes, exposure: 10.0 };
    let prior = GammaPrior { shape: 2.0, rate: 0.5 };
    black_box(conjugate::update_gamma_poisson(prior, &data, 1.0, 0.95)).expect("valid");
}

fn nig(seed: u64) {
    let data = Sample::Values((0..50).map(|index| scatter(seed, index)).collect());
    let prior = NigPrior { mean: 0.0, kappa: 1.0, shape: 2.0, scale: 1.0 };
    black_box(conjugate::update_nig(prior, &data, 0.95)).expect("valid");
}

fn dirichlet(seed: u64) {
    let counts: Vec<u64> = (0..6).map(|index| counts(seed, index).successes).collect();
    let prior = Concentration(vec![1.0; 6]);
    black_box(conjugate::update_dirichlet_multinomial(&prior, &counts, 0.95)).expect("valid");
}
