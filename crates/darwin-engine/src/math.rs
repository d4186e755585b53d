//! Elementary functions whose bits do not depend on the platform.
//!
//! Everything here is `+`, `-`, `*`, `/`, comparison and `libm`, in a fixed order and without
//! fused multiply-add, so each lane of a vectorised loop gives the bits of the scalar code.

/// Adding and taking away 1.5 * 2^52 rounds to the nearest integer, ties to even.
const ROUNDER: f64 = 6_755_399_441_055_744.0;

/// Below this magnitude [`ROUNDER`] works; from 2^52 on every double is an integer anyway.
const ROUNDABLE: f64 = 2_251_799_813_685_248.0;

/// Taylor coefficients of sin(pi r) in r^(2k+1): (-1)^k pi^(2k+1) / (2k+1)!.
///
/// At r = 1/2 the first term left out is 5e-21.
const SIN_PI: [f64; 12] = [
    std::f64::consts::PI,
    -5.167_712_780_049_97,
    2.550_164_039_877_345_5,
    -0.599_264_529_320_792_1,
    0.082_145_886_611_128_23,
    -0.007_370_430_945_714_35,
    0.000_466_302_805_767_612_55,
    -2.191_535_344_783_021_7e-5,
    7.952_054_001_475_513e-7,
    -2.294_842_899_726_987_3e-8,
    5.392_664_662_608_129e-10,
    -1.051_847_171_693_206_5e-11,
];

/// 1 - cos(2 pi x) as 2 sin^2(pi x), for any finite `x`.
///
/// Unlike the left side it keeps its relative precision near the integers, where it is zero. The
/// absolute error is below 2e-15.
#[inline]
#[must_use]
pub fn one_minus_cos_tau(x: f64) -> f64 {
    let sine = sin_pi(x);
    2.0 * (sine * sine)
}

/// sin(pi x) up to sign: the distance of `x` to the nearest integer decides, not its parity.
#[inline]
fn sin_pi(x: f64) -> f64 {
    let rounded = (x + ROUNDER) - ROUNDER;
    let r = if x.abs() < ROUNDABLE { x - rounded } else { 0.0 };
    let square = r * r;
    let mut sum = 0.0;
    for coefficient in SIN_PI.iter().rev() {
        sum = sum * square + coefficient;
    }
    sum * r
}

/// A real exponent that is applied by multiplications when it is a small integer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Exponent {
    value: f64,
    chain: Option<u32>,
}

impl Exponent {
    /// An exponent >= 0.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be a small non-negative integer"
    )]
    pub(crate) fn new(value: f64) -> Self {
        let whole = value.fract() == 0.0 && (0.0..=64.0).contains(&value);
        Self { value, chain: whole.then_some(value as u32) }
    }

    /// `base` to this power, for `base` >= 0.
    #[inline]
    pub(crate) fn raise(self, base: f64) -> f64 {
        match self.chain {
            Some(power) => power_chain(base, power),
            None => power(base, self.value),
        }
    }

    /// The root of this order of `base` >= 0.
    #[inline]
    pub(crate) fn root(self, base: f64) -> f64 {
        power(base, 1.0 / self.value)
    }
}

/// exp(y ln x): good to about |y ln x| ulp, a third of the time of `pow`, for sampling.
#[inline]
fn power(x: f64, y: f64) -> f64 {
    libm::exp(y * libm::log(x))
}

/// `base` to an integer power by squaring, in an order that depends on the power only.
#[inline]
pub(crate) fn power_chain(base: f64, power: u32) -> f64 {
    let (mut result, mut factor, mut left) = (1.0, base, power);
    while left > 0 {
        if left & 1 == 1 {
            result *= factor;
        }
        factor *= factor;
        left >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use std::f64::consts::PI;

    use super::*;

    #[test]
    fn agrees_with_libm_over_a_period_and_beyond() {
        for step in -40_000..=40_000 {
            let x = f64::from(step) / 1_777.0;
            let r = x - libm::rint(x);
            let expected = 1.0 - libm::cos(2.0 * PI * r);
            assert!((one_minus_cos_tau(x) - expected).abs() < 2e-15, "{x}");
        }
    }

    #[test]
    fn is_exact_where_it_must_be() {
        for whole in [0.0, 1.0, -3.0, 1e9, 4.0e15, 1e300] {
            assert_eq!(one_minus_cos_tau(whole).to_bits(), 0, "{whole}");
        }
        assert!((one_minus_cos_tau(0.5) - 2.0).abs() < 4.5e-16);
        let tiny = 1e-12;
        let expected = 2.0 * (PI * tiny) * (PI * tiny);
        assert!((one_minus_cos_tau(tiny) / expected - 1.0).abs() < 1e-14);
    }

    #[test]
    fn chains_and_roots_are_powers() {
        assert_eq!(power_chain(3.0, 0).to_bits(), 1.0_f64.to_bits());
        assert_eq!(power_chain(2.0, 16).to_bits(), 65_536.0_f64.to_bits());
        for (base, exponent) in [(0.3, 16.0), (1.7, 21.0), (0.9, 3.5), (4.0, 120.0)] {
            let exponent = Exponent::new(exponent);
            let expected = libm::pow(base, exponent.value);
            assert!((exponent.raise(base) / expected - 1.0).abs() < 1e-12);
            assert!((exponent.root(expected) / base - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn zero_to_any_power_is_zero() {
        assert_eq!(Exponent::new(16.0).raise(0.0).to_bits(), 0);
        assert_eq!(Exponent::new(2.5).raise(0.0).to_bits(), 0);
        assert_eq!(Exponent::new(16.0).root(0.0).to_bits(), 0);
    }
}
