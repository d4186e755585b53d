//! The gamma function near and far from its poles, without cancellation.

/// `ln(sqrt(2 pi))`.
pub(crate) const LN_SQRT_2PI: f64 = 0.918_938_533_204_672_8;

/// `1 - euler_gamma`.
const ONE_MINUS_EULER: f64 = 0.422_784_335_098_467_1;

/// Natural logarithm of the gamma function of a positive argument (`libm`, at most 2.2e-16 off).
pub fn ln_gamma(z: f64) -> f64 {
    libm::lgamma(z)
}

/// `ln gamma(1 + z)` for `z` in `[-0.5, 1.5]`, relatively exact as `z` goes to 0.
///
/// Source: Abramowitz and Stegun 6.1.33, its series in `zeta(k) - 1`.
pub(crate) fn ln_gamma_1p(z: f64) -> f64 {
    if z.abs() > 0.5 {
        return ln_gamma(1.0 + z);
    }
    let mut power = -z;
    let mut series = 0.0;
    for (zeta, k) in ZETA_MINUS_ONE.iter().zip(2_u32..) {
        power *= -z;
        series += zeta / f64::from(k) * power;
    }
    z * ONE_MINUS_EULER - z.ln_1p() + series
}

/// What Stirling's formula lacks: `ln gamma(z) - ((z - 1/2) ln z - z + ln sqrt(2 pi))`, `z > 0`.
///
/// Differences of large `ln_gamma` values lose all digits; their Stirling parts cancel on paper and
/// only these small remainders are left to compute (Loader 2000, "Fast and accurate computation of
/// binomial probabilities").
pub(crate) fn stirling_error(z: f64) -> f64 {
    if z < 10.0 {
        return ln_gamma(z) - (z - 0.5) * z.ln() + z - LN_SQRT_2PI;
    }
    let w = 1.0 / (z * z);
    STIRLING.iter().rev().fold(0.0, |sum, coefficient| sum * w + coefficient) / z
}

/// `ln(1 + x) - x`, relatively exact near 0; `one_plus` is `1 + x` as the caller knows it best.
pub(crate) fn ln_1p_minus(x: f64, one_plus: f64) -> f64 {
    if !(-0.35..0.5).contains(&x) {
        return one_plus.ln() - x;
    }
    // ln(1 + x) = 2 artanh(t), t = x / (2 + x), |t| <= 0.212
    let t = x / (2.0 + x);
    let w = t * t;
    let series = ARTANH.iter().rev().fold(0.0, |sum, coefficient| sum * w + coefficient);
    t * (2.0 * w * series - x)
}

/// `ln B(a, b)` of positive arguments.
pub(crate) fn ln_beta(a: f64, b: f64) -> f64 {
    let n = a + b;
    let (small, large) = if a < b { (a, b) } else { (b, a) };
    if large < 10.0 {
        return ln_gamma(a) + ln_gamma(b) - ln_gamma(n);
    }
    // ln(large / n) = ln(1 - small / n)
    let rest = (large - 0.5) * (-small / n).ln_1p() + stirling_error(large) - stirling_error(n);
    if small < 10.0 {
        return ln_gamma(small) - small * n.ln() + small + rest;
    }
    (small - 0.5) * (small / n).ln() - 0.5 * n.ln() + LN_SQRT_2PI + stirling_error(small) + rest
}

/// Bernoulli numbers `B_2k / (2k (2k - 1))`.
const STIRLING: [f64; 8] = [
    1.0 / 12.0,
    -1.0 / 360.0,
    1.0 / 1260.0,
    -1.0 / 1680.0,
    1.0 / 1188.0,
    -691.0 / 360_360.0,
    1.0 / 156.0,
    -3617.0 / 122_400.0,
];

/// `1 / (2k + 3)`.
const ARTANH: [f64; 12] = [
    1.0 / 3.0,
    1.0 / 5.0,
    1.0 / 7.0,
    1.0 / 9.0,
    1.0 / 11.0,
    1.0 / 13.0,
    1.0 / 15.0,
    1.0 / 17.0,
    1.0 / 19.0,
    1.0 / 21.0,
    1.0 / 23.0,
    1.0 / 25.0,
];

/// `zeta(k) - 1` for `k = 2, 3, ..`.
const ZETA_MINUS_ONE: [f64; 28] = [
    0.644_934_066_848_226_4,
    0.202_056_903_159_594_3,
    0.082_323_233_711_138_19,
    0.036_927_755_143_369_93,
    0.017_343_061_984_449_14,
    0.008_349_277_381_922_827,
    0.004_077_356_197_944_34,
    0.002_008_392_826_082_214_3,
    0.000_994_575_127_818_085_3,
    0.000_494_188_604_119_464_5,
    0.000_246_086_553_308_048_3,
    0.000_122_713_347_578_489_15,
    6.124_813_505_870_483e-5,
    3.058_823_630_702_049e-5,
    1.528_225_940_865_187e-5,
    7.637_197_637_899_763e-6,
    3.817_293_264_999_84e-6,
    1.908_212_716_553_939e-6,
    9.539_620_338_727_962e-7,
    4.769_329_867_878_064e-7,
    2.384_505_027_277_33e-7,
    1.192_199_259_653_110_6e-7,
    5.960_818_905_125_948e-8,
    2.980_350_351_465_228e-8,
    1.490_155_482_836_504_3e-8,
    7.450_711_789_835_43e-9,
    3.725_334_024_788_457e-9,
    1.862_659_723_513_049e-9,
];
