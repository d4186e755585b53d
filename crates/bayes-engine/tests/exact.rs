//! The exact tools on random cases, against 34-digit arithmetic (`oracle/exact.py`); two arms are in `ab.rs`.

use bayes_engine::ab::{Question, analyze};
use bayes_engine::compare::{TStatistic, correlation, jzs, proportion};
use bayes_engine::conjugate::{
    BetaPrior, Concentration, Counts, Events, Failures, GammaPrior, Marginal, NigPrior,
    NormalPrior, ParetoPrior, Predictive, Sample, Update, Waits, update_beta_binomial,
    update_beta_negbin, update_dirichlet_multinomial, update_gamma_exponential,
    update_gamma_poisson, update_nig, update_normal_known_sigma, update_uniform_pareto,
};
use bayes_engine::rule::{Hypothesis, Test, diagnose, weigh};

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts of the oracle")]
fn count(number: f64) -> u64 {
    number as u64
}

fn counts(numbers: &[f64]) -> Vec<u64> {
    numbers.iter().map(|number| count(*number)).collect()
}

/// Interval and median of every unknown, then what is predicted if that is wanted, then the evidence.
fn told<P>(update: &Update<P>, predicts: bool) -> Vec<f64> {
    let quantiles = |Marginal { summary, .. }: &Marginal| {
        [summary.interval[0], summary.median, summary.interval[1]]
    };
    let Predictive { interval, .. } = &update.predictive;
    let interval = interval.filter(|_| predicts);
    let marginals = update.marginals.iter().flat_map(quantiles);
    marginals.chain(interval.into_iter().flatten()).chain([update.ln_marginal]).collect()
}

/// What the engine says to one line.
fn found(kind: &str, x: &[f64]) -> Vec<f64> {
    match kind {
        "beta_binomial" => {
            let prior = BetaPrior { alpha: x[0], beta: x[1] };
            let data = Counts { successes: count(x[2]), trials: count(x[3]) };
            told(&update_beta_binomial(prior, data, 1, x[4]).expect("valid"), false)
        }
        "gamma_poisson" => {
            let prior = GammaPrior { shape: x[0], rate: x[1] };
            let data = Events::Total { events: count(x[2]), exposure: x[3] };
            told(&update_gamma_poisson(prior, &data, 1.0, x[4]).expect("valid"), false)
        }
        "gamma_exponential" => {
            let prior = GammaPrior { shape: x[0], rate: x[1] };
            let data = Waits::Total { n: count(x[2]), total: x[3] };
            told(&update_gamma_exponential(prior, &data, x[4]).expect("valid"), true)
        }
        "beta_negbin" => {
            let prior = BetaPrior { alpha: x[0], beta: x[1] };
            let data = Failures { successes: x[3], counts: counts(&x[4..]) };
            told(&update_beta_negbin(prior, &data, x[2]).expect("valid"), false)
        }
        "uniform_pareto" => {
            let prior = ParetoPrior { scale: x[0], shape: x[1] };
            told(&update_uniform_pareto(prior, &x[3..], x[2]).expect("valid"), false)
        }
        "normal" => {
            let (prior, data) =
                (NormalPrior { mean: x[0], sd: x[1] }, Sample::Values(x[4..].to_vec()));
            told(&update_normal_known_sigma(prior, x[2], &data, x[3]).expect("valid"), false)
        }
        "nig" => {
            let prior = NigPrior { mean: x[0], kappa: x[1], shape: x[2], scale: x[3] };
            let data = Sample::Values(x[5..].to_vec());
            told(&update_nig(prior, &data, x[4]).expect("valid"), false)
        }
        "dirichlet" => {
            let (prior, data) = x[1..].split_at(x.len() / 2);
            let prior = Concentration(prior.to_vec());
            let update = update_dirichlet_multinomial(&prior, &counts(data), x[0]);
            told(&update.expect("valid"), false)
        }
        _ => decided(kind, x),
    }
}

fn decided(kind: &str, x: &[f64]) -> Vec<f64> {
    match kind {
        "arms" => {
            let arm = |pair: &[f64]| Counts { successes: count(pair[0]), trials: count(pair[1]) };
            let question = Question {
                arms: x[2..].chunks(2).map(arm).collect(),
                prior: BetaPrior { alpha: x[0], beta: x[1] },
                rope: None,
                loss_threshold: 0.001,
                level: 0.95,
            };
            let test = analyze(&question, &|| false).expect("valid");
            [test.p_best, test.expected_loss].concat()
        }
        "weigh" => {
            let (priors, rows) = x[1..].split_at(usize::try_from(count(x[0])).expect("small"));
            let rows = rows.chunks(rows.len() / priors.len());
            let hypothesis = |(prior, row): (&f64, &[f64])| Hypothesis {
                prior: *prior,
                likelihoods: row.to_vec(),
            };
            let all: Vec<Hypothesis> = priors.iter().zip(rows).map(hypothesis).collect();
            let said = weigh(&all, true).expect("valid");
            said.posterior.into_iter().chain([said.ln_evidence]).collect()
        }
        "test" => {
            let test = Test { prevalence: x[0], sensitivity: x[1], specificity: x[2] };
            let results: Vec<bool> = x[3..].iter().map(|result| *result > 0.5).collect();
            let said = diagnose(test, &results).expect("valid");
            vec![said.posterior, said.ppv.expect("defined"), said.ln_evidence]
        }
        "jzs" => {
            let n2 = (x[2] > 0.0).then(|| count(x[2]));
            let statistic = TStatistic { t: x[0], n: count(x[1]), n2 };
            vec![jzs(statistic, x[3]).expect("valid").ln_bf10]
        }
        "correlation" => vec![correlation(x[0], count(x[1])).expect("valid").ln_bf10],
        _ => {
            let found = proportion(count(x[0]), count(x[1]), [x[2], x[3]], x[4]);
            vec![found.expect("valid").ln_bf10]
        }
    }
}

/// How far off each number is. The error of a log is that of what it is of; a place is known as well as the
/// interval around it is wide.
fn off(kind: &str, values: &[f64], expected: &[&str]) -> Vec<f64> {
    let is_place = |at: usize| at < 3 && (kind == "normal" || kind == "nig");
    let width = if is_place(0) { 0.5 * (values[2] - values[0]) } else { 0.0 };
    let one = |(at, (value, word)): (usize, (&f64, &&str))| {
        let number = |word: &str| word.parse::<f64>().expect("a number");
        let (expected, least) = match word.strip_prefix("ln=") {
            Some(word) => (number(word), 1.0),
            None => (number(word), if is_place(at) { width } else { 1e-290 }),
        };
        (value - expected).abs() / expected.abs().max(least)
    };
    values.iter().zip(expected).enumerate().map(one).collect()
}

#[test]
fn random_cases_are_exact() {
    let (mut cases, mut worst) = (0, [(0.0_f64, ""); 2]);
    for line in include_str!("data/exact.txt").lines().filter(|line| !line.starts_with('#')) {
        let (asked, expected) = line.split_once(" : ").expect("what is expected");
        let (kind, rest) = asked.split_once(' ').expect("a kind");
        let numbers: Vec<f64> =
            rest.split(' ').map(|word| word.parse().expect("a number")).collect();
        let expected: Vec<&str> = expected.split(' ').collect();
        let values = found(kind, &numbers);
        assert_eq!(values.len(), expected.len(), "{line}");
        // the bars of quadrature and of closed forms
        let is_integral = matches!(kind, "jzs" | "correlation");
        for off in off(kind, &values, &expected) {
            let bound = if is_integral { 1e-9 } else { 1e-12 };
            assert!(off <= bound, "{line}: {values:?} is {off:e} off");
            let slot = &mut worst[usize::from(is_integral)];
            if off > slot.0 {
                *slot = (off, kind);
            }
        }
        cases += 1;
    }
    // with the 240 of ab.rs more than the 500 that were promised
    assert!(cases >= 500, "{cases}");
    println!("{cases} cases, worst {:?}, of integrals {:?}", worst[0], worst[1]);
}
