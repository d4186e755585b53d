//! Conjugate updates against mpmath 1.4.1 at 40 digits: distribution functions by the continued
//! fractions of the special-function oracle, quantiles by secant steps, evidence by its closed form.

use bayes_engine::{
    ErrorKind, Result, Summary,
    conjugate::{
        BetaPrior, Concentration, Counts, Events, GammaPrior, NigPrior, NormalPrior, Sample,
        Update, update_beta_binomial, update_dirichlet_multinomial, update_gamma_poisson,
        update_nig, update_normal_known_sigma,
    },
    special::{IncompleteBeta, Unit},
};
use proptest::prelude::*;

const BETA: BetaPrior = BetaPrior { alpha: 2.5, beta: 3.5 };
const GAMMA: GammaPrior = GammaPrior { shape: 2.0, rate: 0.5 };
const NORMAL: NormalPrior = NormalPrior { mean: 3.0, sd: 2.0 };
const NIG: NigPrior = NigPrior { mean: 3.0, kappa: 0.5, shape: 2.0, scale: 1.5 };

fn values() -> Sample {
    Sample::Values(vec![4.1, 5.3, 2.2, 6.7, 5.0])
}

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

fn hdi(summary: &Summary) -> [f64; 2] {
    summary.hdi.expect("one peak")
}

#[test]
fn beta_binomial() {
    let data = Counts { successes: 7, trials: 20 };
    let update = update_beta_binomial(BETA, data, 10, 0.95).expect("valid");
    assert_eq!(update.posterior, BetaPrior { alpha: 9.5, beta: 16.5 });
    let rate = update.marginals[0].summary;
    close([rate.median], [0.361_883_284_668_763_1]);
    close(rate.interval, [0.195_327_399_457_182_84, 0.555_057_026_793_450_6]);
    close(hdi(&rate), [0.188_862_754_836_866_97, 0.547_518_077_651_608_4]);
    close([update.ln_marginal], [-2.476_390_770_615_736_4]);
    let next = update.predictive;
    close(
        [next.mean, next.sd].map(|value| value.expect("exists")),
        [3.653_846_153_846_154, 1.758_327_607_794_224_7],
    );
    assert_eq!(next.interval, Some([1.0, 7.0]));

    let prior = BetaPrior { alpha: 30.0, beta: 70.0 };
    let data = Counts { successes: 300_000, trials: 1_000_000 };
    let update = update_beta_binomial(prior, data, 1, 0.95).expect("valid");
    close([update.ln_marginal], [-11.654_724_934_040_668]);
}

#[test]
fn gamma_poisson() {
    let data = Events::Each(vec![3, 0, 5, 2]);
    let update = update_gamma_poisson(GAMMA, &data, 2.0, 0.95).expect("valid");
    assert_eq!(update.posterior, GammaPrior { shape: 12.0, rate: 4.5 });
    let rate = update.marginals[0].summary;
    close([rate.median], [2.592_969_589_565_503]);
    close(rate.interval, [1.377_905_579_716_048_3, 4.373_786_336_289_323]);
    close(hdi(&rate), [1.262_374_748_328_498_4, 4.201_953_057_795_082]);
    close([update.ln_marginal], [-9.205_313_669_131_34]);
    let next = update.predictive;
    close(
        [next.mean, next.sd].map(|value| value.expect("exists")),
        [5.333_333_333_333_333, 2.775_554_665_954_844],
    );
    assert_eq!(next.interval, Some([1.0, 12.0]));

    let total = Events::Total { events: 10, exposure: 4.0 };
    let update = update_gamma_poisson(GAMMA, &total, 2.0, 0.95).expect("valid");
    close([update.ln_marginal], [-3.174_384_238_437_903]);
}

#[test]
fn normal_known_sigma() {
    let update = update_normal_known_sigma(NORMAL, 1.5, &values(), 0.95).expect("valid");
    let NormalPrior { mean, sd } = update.posterior;
    close([mean, sd], [4.492_134_831_460_674, 0.635_998_728_003_815_9]);
    close([update.ln_marginal], [-10.533_342_080_290_236]);
    let z = 1.959_963_984_540_054;
    close(update.marginals[0].summary.interval, [mean - z * sd, mean + z * sd]);

    let statistics = Sample::Statistics { n: 5, mean: 4.66, sd: None };
    let update = update_normal_known_sigma(NORMAL, 1.5, &statistics, 0.95).expect("valid");
    close([update.posterior.mean], [4.492_134_831_460_674]);
    close([update.ln_marginal], [-1.975_008_558_821_837]);
}

#[test]
fn normal_inverse_gamma() {
    let update = update_nig(NIG, &values(), 0.95).expect("valid");
    let NigPrior { mean, kappa, shape, scale } = update.posterior;
    close([mean, kappa, shape, scale], [4.509_090_909_090_909, 5.5, 4.5, 7.652_272_727_272_727]);
    close([update.ln_marginal], [-11.686_485_630_483_232]);
    let [mean, variance] = [0, 1].map(|index: usize| update.marginals[index].summary);
    close([mean.sd.expect("df > 2")], [0.630_492_395_796_352_8]);
    close(mean.interval, [3.251_236_453_542_913, 5.766_945_364_638_905]);
    close(
        [variance.mean, variance.sd].map(|value| value.expect("exists")),
        [2.186_363_636_363_636_4, 1.382_777_776_855_446],
    );
    close([variance.median], [1.834_454_317_747_143_2]);
    close(variance.interval, [0.804_538_309_910_838_2, 5.667_532_574_340_395]);
    close(hdi(&variance), [0.586_899_803_313_303_5, 4.660_972_818_530_731]);
    let next = update.predictive;
    close([next.sd.expect("df > 2")], [1.607_446_514_668_734_2]);
    close(next.interval.expect("one"), [1.302_178_702_041_479, 7.716_003_116_140_339]);

    let many = Sample::Statistics { n: 100_000, mean: 4.25, sd: Some(1.75) };
    let update = update_nig(NIG, &many, 0.95).expect("valid");
    close([update.ln_marginal], [-197_867.570_965_567_53]);
    close([update.posterior.scale], [153_125.359_373_046_88]);
}

#[test]
fn dirichlet_multinomial() {
    let prior = Concentration(vec![0.5, 1.0, 2.0, 0.7]);
    let update = update_dirichlet_multinomial(&prior, &[3, 0, 7, 2], 0.95).expect("valid");
    assert_eq!(update.posterior, Concentration(vec![3.5, 1.0, 9.0, 2.7]));
    close([update.ln_marginal], [-6.015_891_425_557_684]);
    let shares = update.predictive.probabilities.expect("categories");
    close(shares, [3.5, 1.0, 9.0, 2.7].map(|alpha| alpha / 16.2));
}

/// The evidence of the data is that of its first part times that of the rest given the first.
#[test]
fn evidence_chains() {
    let chain = |first: &[f64], rest: &[f64]| -> Result<[f64; 2]> {
        let all = update_nig(NIG, &Sample::Values([first, rest].concat()), 0.9)?;
        let before: Update<NigPrior> = update_nig(NIG, &Sample::Values(first.to_vec()), 0.9)?;
        let after = update_nig(before.posterior, &Sample::Values(rest.to_vec()), 0.9)?;
        Ok([before.ln_marginal + after.ln_marginal, all.ln_marginal])
    };
    let [parts, whole] = chain(&[4.1, 5.3, 1e6], &[2.2, -6.7, 5.0]).expect("valid");
    close([parts], [whole]);
}

#[test]
fn refusals_name_their_place() {
    fn path<P: std::fmt::Debug>(update: Result<Update<P>>) -> (String, ErrorKind) {
        let error = update.expect_err("refused");
        (error.path, error.kind)
    }
    let counts = |successes, trials| Counts { successes, trials };
    let zero = BetaPrior { alpha: 0.0, beta: 1.0 };
    let table = [
        (
            path(update_beta_binomial(zero, counts(1, 2), 1, 0.95)),
            "/prior/alpha",
            ErrorKind::Improper,
        ),
        (
            path(update_beta_binomial(BETA, counts(3, 2), 1, 0.95)),
            "/data/successes",
            ErrorKind::Constraint,
        ),
        (path(update_beta_binomial(BETA, counts(1, 2), 0, 0.95)), "/future", ErrorKind::Limit),
        (
            path(update_gamma_poisson(GAMMA, &Events::Each(vec![]), 1.0, 0.95)),
            "/data/counts",
            ErrorKind::Missing,
        ),
        (
            path(update_gamma_poisson(
                GAMMA,
                &Events::Total { events: 1, exposure: 0.0 },
                1.0,
                0.95,
            )),
            "/data/exposure",
            ErrorKind::Improper,
        ),
        (
            path(update_normal_known_sigma(NORMAL, -1.0, &values(), 0.95)),
            "/sigma",
            ErrorKind::Constraint,
        ),
        (
            path(update_nig(NIG, &Sample::Values(vec![1.0, f64::NAN]), 0.95)),
            "/data/values/1",
            ErrorKind::NonFinite,
        ),
        (
            path(update_nig(NIG, &Sample::Statistics { n: 9, mean: 0.0, sd: None }, 0.95)),
            "/data/sd",
            ErrorKind::Missing,
        ),
        (
            path(update_dirichlet_multinomial(&Concentration(vec![1.0; 3]), &[1, 2], 0.95)),
            "/prior/concentration",
            ErrorKind::Constraint,
        ),
        (path(update_nig(NIG, &values(), 0.0)), "/level", ErrorKind::Constraint),
    ];
    for ((found, kind), expected, expected_kind) in table {
        assert_eq!((found.as_str(), kind), (expected, expected_kind));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn the_shortest_interval_is_shortest_and_holds_its_mass(
        a in 1.05_f64..2000.0, b in 1.05_f64..2000.0, level in 0.05_f64..0.999,
    ) {
        let prior = BetaPrior { alpha: a, beta: b };
        let none = Counts { successes: 0, trials: 0 };
        let rate = update_beta_binomial(prior, none, 1, level).expect("valid").marginals[0].summary;
        let [low, high] = hdi(&rate);
        prop_assert!(high - low <= (rate.interval[1] - rate.interval[0]) * (1.0 + 1e-12));
        let beta = IncompleteBeta::new(a, b);
        let outside = beta.tails(Unit::new(low)).lower + beta.tails(Unit::new(high)).upper;
        prop_assert!((outside - (1.0 - level)).abs() < 1e-11);
    }

    #[test]
    fn evidence_of_counts_sums_to_one(a in 0.05_f64..50.0, b in 0.05_f64..50.0, trials in 1_u64..60) {
        let prior = BetaPrior { alpha: a, beta: b };
        let total: f64 = (0..=trials)
            .map(|successes| {
                let data = Counts { successes, trials };
                update_beta_binomial(prior, data, 1, 0.9).expect("valid").ln_marginal.exp()
            })
            .sum();
        prop_assert!((total - 1.0).abs() < 1e-12, "{total}");
    }

    #[test]
    fn a_posterior_is_the_next_prior(data in proptest::collection::vec(0_u64..50, 2..20), cut in 1_usize..19) {
        let cut = cut.min(data.len() - 1);
        let update = |prior, part: &[u64]| {
            update_gamma_poisson(prior, &Events::Each(part.to_vec()), 1.0, 0.9).expect("valid")
        };
        let (first, whole) = (update(GAMMA, &data[..cut]), update(GAMMA, &data));
        let second = update(first.posterior, &data[cut..]);
        prop_assert_eq!(second.posterior, whole.posterior);
        let sum = first.ln_marginal + second.ln_marginal;
        prop_assert!((sum - whole.ln_marginal).abs() < 1e-11 * whole.ln_marginal.abs());
    }
}
