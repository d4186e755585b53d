//! The logarithmic derivatives of the gamma function.

/// The derivative of `ln gamma`, for positive arguments; NaN at 0 and below.
///
/// The asymptotic series above 12, reached by recurrence (Abramowitz and Stegun 6.3.5, 6.3.18). Near
/// its root the recurrence would cancel: there a Taylor series about the root.
pub fn digamma(x: f64) -> f64 {
    if x <= 0.0 {
        return f64::NAN;
    }
    let offset = (x - ROOT) - ROOT_REST;
    if offset.abs() < 0.35 {
        return TAYLOR.iter().rev().fold(0.0, |sum, coefficient| sum * offset + coefficient)
            * offset;
    }
    let (mut z, mut shift) = (x, 0.0);
    while z < 12.0 {
        shift += 1.0 / z;
        z += 1.0;
    }
    let w = 1.0 / (z * z);
    let series = DIGAMMA.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * w);
    z.ln() - 0.5 / z - series - shift
}

/// The second derivative of `ln gamma`, for positive arguments; NaN at 0 and below.
pub fn trigamma(x: f64) -> f64 {
    if x <= 0.0 {
        return f64::NAN;
    }
    let (mut z, mut shift) = (x, 0.0);
    while z < 12.0 {
        shift += 1.0 / (z * z);
        z += 1.0;
    }
    let w = 1.0 / (z * z);
    let series = BERNOULLI.iter().rev().fold(0.0, |sum, coefficient| (sum + coefficient) * w);
    shift + (1.0 + (0.5 + series * z) / z) / z
}

/// Where `digamma` is 0, in two parts.
const ROOT: f64 = 1.461_632_144_968_362_2;
const ROOT_REST: f64 = 9.549_995_429_965_697e-17;

/// `B_2k / 2k`.
const DIGAMMA: [f64; 9] = [
    1.0 / 12.0,
    -1.0 / 120.0,
    1.0 / 252.0,
    -1.0 / 240.0,
    1.0 / 132.0,
    -691.0 / 32_760.0,
    1.0 / 12.0,
    -3617.0 / 8160.0,
    43_867.0 / 14_364.0,
];

/// `B_2k`.
const BERNOULLI: [f64; 9] = [
    1.0 / 6.0,
    -1.0 / 30.0,
    1.0 / 42.0,
    -1.0 / 30.0,
    5.0 / 66.0,
    -691.0 / 2730.0,
    7.0 / 6.0,
    -3617.0 / 510.0,
    43_867.0 / 798.0,
];

/// Derivatives at the root over factorials, from the first.
const TAYLOR: [f64; 26] = [
    0.967_672_245_447_621_2,
    -0.442_763_168_983_592_1,
    0.258_499_760_955_651,
    -0.163_942_705_442_406_52,
    0.107_824_050_691_262_37,
    -0.072_199_561_256_454_71,
    0.048_804_288_164_143_11,
    -0.033_161_126_474_847_36,
    0.022_597_648_232_218_104,
    -0.015_424_765_904_948_96,
    0.010_538_791_616_612_175,
    -0.007_204_534_386_356_869,
    0.004_926_781_395_729_853,
    -0.003_369_801_655_439_328,
    0.002_305_126_326_734_928,
    -0.001_576_936_771_430_197_2,
    0.001_078_825_201_916_296_7,
    -0.000_738_070_938_996_005_2,
    0.000_504_953_265_834_602,
    -0.000_345_468_025_106_307_7,
    0.000_236_356_015_640_270_53,
    -0.000_161_706_220_919_748_03,
    0.000_110_633_727_687_474_1,
    -7.569_179_582_195_066e-05,
    5.178_575_795_222_081e-05,
    -3.543_007_094_765_960_4e-05,
];
