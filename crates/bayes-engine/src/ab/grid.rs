//! Probability of being best and expected loss of up to 20 arms, on one grid.
//!
//! `p_best[j] = int f_j prod F_i` and `loss[j] = int F_j (1 - prod F_i) dx` (i != j), both with positive
//! integrands: nothing cancels, so a loss of 1e-9 is as exact as one of 0.1. The variable is the log
//! odds, in which every posterior is smooth and log-concave even if its density is infinite at 0 or 1.
//! Panels follow the narrowest posterior that is alive at a place.

use super::curve::{Curve, NEGLIGIBLE, WIDEST};
use crate::error::{Error, ErrorKind, Result};
use crate::quadrature;
use crate::special::{Tails, Unit};

/// More panels than any served input needs.
const MAX_PANELS: usize = 50_000;

pub(super) struct Verdict {
    pub(super) p_best: Vec<f64>,
    pub(super) expected_loss: Vec<f64>,
}

pub(super) fn judge(curves: &[Curve], is_cancelled: &dyn Fn() -> bool) -> Result<Verdict> {
    let arms = curves.len();
    let mut verdict = Verdict { p_best: vec![0.0; arms], expected_loss: vec![0.0; arms] };
    let mut node = Node::new(arms);
    let (mut low, end) = range(curves);
    for _ in 0..MAX_PANELS {
        if low >= end {
            return Ok(verdict);
        }
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let width = curves.iter().fold(widest(curves, low), |limit, curve| curve.panel(low, limit));
        let high = (low + width).min(end);
        quadrature::panel(low, high, |u, weight| node.visit(curves, u, weight, &mut verdict));
        low = high;
    }
    Err(Error::new(
        ErrorKind::Numeric,
        "/arms",
        format!("the posteriors need more than {MAX_PANELS} panels"),
    )
    .with_hint("compare arms of less different size, or use a prior of at least 0.5"))
}

/// The longest panel from `u` upwards that the logistic function allows.
fn widest(curves: &[Curve], u: f64) -> f64 {
    if u.abs() <= 40.0 + WIDEST {
        return WIDEST;
    }
    // beyond its bend only exponentials are left
    let rise: f64 = curves
        .iter()
        .filter(|curve| curve.far[0] <= u && u <= curve.far[1])
        .map(|curve| if u < 0.0 { curve.a } else { curve.b })
        .sum();
    (u.abs() - 40.0).min(16.0 / (1.0 + rise))
}

/// Where anything can matter.
///
/// Outside all peaks every factor falls, and by log-concavity at least as fast as it does from its own
/// peak. Below them `p_best` has a falling factor of every arm, so the fastest bounds it; the slowest bounds
/// the losses, which are measured in the rate and so die off as `exp(-|u|)` besides. Above them `p_best` of an
/// arm falls as its own density does: the slowest decides.
fn range(curves: &[Curve]) -> (f64, f64) {
    let left = |curve: &Curve| curve.peak - curve.near[0];
    let right = |curve: &Curve| curve.near[1] - curve.peak;
    let fastest = curves.iter().map(left).fold(f64::INFINITY, f64::min);
    let slowest = curves.iter().map(left).fold(0.0, f64::max);
    let lowest = curves.iter().map(|curve| curve.peak).fold(f64::INFINITY, f64::min);
    let highest = curves.iter().map(|curve| curve.peak).fold(f64::NEG_INFINITY, f64::max);
    let beyond = curves.iter().map(right).fold(0.0, f64::max);
    (lowest - slowest.min(fastest.max(NEGLIGIBLE)), highest + beyond)
}

/// Scratch space for one point.
struct Node {
    tails: Vec<Tails>,
    /// `prod F_i` and `1 - prod F_i` over the arms after each.
    after: Vec<(f64, f64)>,
}

impl Node {
    fn new(arms: usize) -> Self {
        Self { tails: vec![Tails::BELOW; arms], after: vec![(1.0, 0.0); arms + 1] }
    }

    fn visit(&mut self, curves: &[Curve], u: f64, weight: f64, verdict: &mut Verdict) {
        for (tails, curve) in self.tails.iter_mut().zip(curves) {
            *tails = curve.tails(u);
        }
        for (index, tails) in self.tails.iter().enumerate().rev() {
            self.after[index] = and(self.after[index + 1], tails);
        }
        let at = Unit::from_logit(u);
        let rate = weight * at.x * at.y;
        let mut before = (1.0, 0.0);
        for (index, tails) in self.tails.iter().enumerate() {
            let (all, rest) = self.after[index + 1];
            verdict.p_best[index] += weight * tails.density * before.0 * all;
            let some = before.1 + before.0 * rest;
            verdict.expected_loss[index] += rate * tails.lower * some;
            before = and(before, tails);
        }
    }
}

/// `(F, 1 - F)` of the maximum with one more arm.
fn and((all, some): (f64, f64), tails: &Tails) -> (f64, f64) {
    (all * tails.lower, some + all * tails.upper)
}
