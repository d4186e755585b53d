//! The least number of trials with a wanted chance, and a curve about it.

use super::{Chances, Plan};
use crate::error::Result;
use crate::special::normal_quantile;

/// Trials the search begins with.
const FIRST: u64 = 8;

/// The least number found, and the last that was tried where there is none.
///
/// Counts are whole, so that chances of small tests rise in a saw: the number found has the wanted chance
/// and the one before it has not.
pub(super) fn least(
    plan: &Plan,
    at: &dyn Fn(u64) -> Result<Chances>,
) -> Result<(Option<Chances>, Chances)> {
    let mut high = at(FIRST.min(plan.max_n))?;
    let mut low = Chances { n: 0, ship: 0.0, ship_if_equal: 0.0, ship_if_worse: 0.0 };
    while high.ship < plan.assurance {
        if high.n >= plan.max_n {
            return Ok((None, high));
        }
        low = high;
        high = at((high.n * 3).min(plan.max_n))?;
    }
    for round in 1.. {
        if high.n - low.n <= 1 {
            break;
        }
        let next = at(between(plan.assurance, low, high, round))?;
        if next.ship >= plan.assurance {
            high = next;
        } else {
            low = next;
        }
    }
    Ok((Some(high), high))
}

/// Where to look next: the normal score of a chance rises with the root of the trials, nearly on a line.
fn between(wanted: f64, low: Chances, high: Chances, round: u32) -> u64 {
    let (first, last) = (low.n + 1, high.n - 1);
    let middle = first + (last - first) / 2;
    if round.is_multiple_of(4) {
        return middle;
    }
    let score = |chance: f64| normal_quantile(chance.clamp(1e-12, 1.0 - 1e-12));
    let [a, b, c] = [low.ship, high.ship, wanted].map(score);
    let [from, to] = [low.n, high.n].map(|n| (n as f64).sqrt());
    let root = from + (to - from) * (c - a) / (b - a);
    if !root.is_finite() {
        return middle;
    }
    // a step past the guess closes the other side as well
    let nudge = if round.is_multiple_of(2) { -1.0 } else { 1.0 };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below max_n")]
    let guess = (root * root + nudge).round().max(0.0) as u64;
    guess.clamp(first, last)
}

/// Chances from a quarter to twice the number found, or up to the most.
pub(super) fn curve(
    plan: &Plan,
    found: Option<Chances>,
    seen: Chances,
    at: &dyn Fn(u64) -> Result<Chances>,
) -> Result<Vec<Chances>> {
    let quarters: &[u64] = if found.is_some() { &[1, 2, 3, 4, 6, 8] } else { &[1, 2, 3, 4] };
    let mut curve: Vec<Chances> = Vec::with_capacity(quarters.len());
    for quarter in quarters {
        let n = (seen.n * quarter).div_ceil(4).clamp(1, plan.max_n);
        if curve.last().is_some_and(|last| last.n >= n) {
            continue;
        }
        curve.push(if n == seen.n { seen } else { at(n)? });
    }
    Ok(curve)
}
