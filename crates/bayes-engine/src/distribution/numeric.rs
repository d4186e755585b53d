//! Tails by quadrature, where no closed form keeps its digits.

use std::f64::consts::PI;

use super::law::{Moments, Standard, solve};
use crate::interval::Peak;
use crate::quadrature;
use crate::special::{Mass, normal_score};

/// Most panels of one tail.
const MAX_PANELS: usize = 20_000;

/// Mass on both sides of `z` under a density with one peak; `centre` is about its middle, `width(t)` how
/// far the log density is smooth there. The tail away from the centre is summed, all terms positive.
pub(super) fn mass(
    ln_pdf: &dyn Fn(f64) -> f64,
    z: f64,
    centre: f64,
    width: impl Fn(f64) -> f64,
) -> Mass {
    let side = if z < centre { -1.0 } else { 1.0 };
    let (mut at, mut sum) = (z, 0.0);
    for _ in 0..MAX_PANELS {
        // within the panel the density should fall by a few nats at most
        let fall = (ln_pdf(at) - ln_pdf(at + side * 1e-3)).abs() * 1e3;
        let length = width(at).min(8.0 / fall.max(1e-300));
        let end = at + side * length;
        let mut panel = 0.0;
        quadrature::panel(at.min(end), at.max(end), |t, weight| panel += weight * ln_pdf(t).exp());
        sum += panel;
        at = end;
        if panel <= 1e-18 * sum {
            break;
        }
    }
    if side < 0.0 { Mass::below(sum.min(1.0)) } else { Mass::above(sum.min(1.0)) }
}

/// On a circle cut open opposite its centre.
#[derive(Debug)]
pub(super) struct VonMises {
    kappa: f64,
    /// Log of the density at the centre.
    ln_peak: f64,
}

impl VonMises {
    pub(super) fn new(kappa: f64) -> Self {
        let mut law = Self { kappa, ln_peak: 0.0 };
        let half = law.arc(0.0, 1e-18);
        law.ln_peak = -(2.0 * half).ln();
        law
    }

    /// The integral from `from` to pi, less what is negligible.
    fn arc(&self, from: f64, negligible: f64) -> f64 {
        let width = (1.0 / self.kappa.max(1e-9).sqrt()).min(0.4);
        let (mut at, mut sum) = (from, 0.0);
        while at < PI {
            let end = (at + width).min(PI);
            let mut panel = 0.0;
            quadrature::panel(at, end, |t, w| panel += w * self.ln_pdf(t).exp());
            sum += panel;
            if panel <= negligible * sum {
                break;
            }
            at = end;
        }
        sum
    }
}

impl Standard for VonMises {
    fn ln_pdf(&self, z: f64) -> f64 {
        let half = (0.5 * z).sin();
        self.ln_peak - 2.0 * self.kappa * half * half
    }

    fn mass(&self, z: f64) -> Mass {
        let tail = self.arc(z.abs(), 1e-18).min(0.5);
        if z < 0.0 { Mass::below(tail) } else { Mass::above(tail) }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let spread = (1.0 / self.kappa.max(1e-9).sqrt()).min(1.0);
        let start = (spread * normal_score(mass)).clamp(-3.0, 3.0);
        solve(self, mass, start, spread)
    }

    fn moments(&self) -> Moments {
        let even = |power: i32| {
            let width = (1.0 / self.kappa.max(1e-9).sqrt()).min(0.4);
            let (mut at, mut sum) = (0.0, 0.0);
            while at < PI {
                let end = (at + width).min(PI);
                quadrature::panel(at, end, |t, w| {
                    sum += 2.0 * w * t.powi(power) * self.ln_pdf(t).exp();
                });
                at = end;
            }
            sum
        };
        let variance = even(2);
        Moments::all(0.0, variance.sqrt(), 0.0, even(4) / (variance * variance) - 3.0)
    }

    fn support(&self) -> [f64; 2] {
        [-PI, PI]
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}
