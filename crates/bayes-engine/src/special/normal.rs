//! The standard normal distribution.

use super::stirling::LN_SQRT_2PI;

/// `P(Z <= z)`, relatively exact in the left tail.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * std::f64::consts::FRAC_1_SQRT_2)
}

/// Log density at `z`.
pub fn normal_ln_pdf(z: f64) -> f64 {
    -0.5 * z * z - LN_SQRT_2PI
}

/// The `z` with `P(Z <= z) = p`, for `p` in `(0, 1)`; for `p` near 1 use `-normal_quantile(1 - p)`.
///
/// Start: Abramowitz and Stegun 26.2.23 (4.5e-4 off); then Halley steps on the distribution.
pub fn normal_quantile(p: f64) -> f64 {
    if p > 0.5 {
        return -normal_quantile(1.0 - p);
    }
    let t = (-2.0 * p.ln()).sqrt();
    let mut z = -(t
        - (2.515_517 + t * (0.802_853 + t * 0.010_328))
            / (1.0 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308))));
    for _ in 0..3 {
        let cdf = normal_cdf(z);
        // Newton step of ln P, with its second-order term: d/dz (p/P) is known in closed form
        let step = (cdf / p).ln() * cdf / normal_ln_pdf(z).exp();
        let hazard = normal_ln_pdf(z).exp() / cdf;
        z -= step * (1.0 - 0.5 * step * (z + hazard));
    }
    z
}
