//! From how many successes on the variant is shipped, for each number of the control's.

use super::{Plan, Rule};
use crate::ab::curve::Curve;
use crate::ab::grid;
use crate::error::{Error, Result};
use crate::root;

/// Counts of the control up to which every boundary is sought.
const FEW: u64 = 8;
/// How far a curve through five boundaries may miss two others, in successes.
const CLOSE: f64 = 1e-3;

/// The least number of the variant's successes that ships it, for the control's counts `low..=high`; `n + 1`
/// where none does.
pub(super) fn boundary(
    plan: &Plan,
    n: u64,
    [low, high]: [u64; 2],
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<u64>> {
    let search = Search { plan, n, is_cancelled };
    let mut found = Vec::with_capacity(usize::try_from(high - low).unwrap_or(0) + 1);
    search.fill(low, high, search.real(low)?, search.real(high)?, &mut found)?;
    Ok(found)
}

struct Search<'run> {
    plan: &'run Plan,
    n: u64,
    is_cancelled: &'run dyn Fn() -> bool,
}

impl Search<'_> {
    /// Boundaries of `low..=high`, of which the ends' real ones are known.
    fn fill(
        &self,
        low: u64,
        high: u64,
        first: Option<f64>,
        last: Option<f64>,
        found: &mut Vec<u64>,
    ) -> Result<()> {
        if first.is_none() {
            // it rises with the control's successes
            found.extend((low..=high).map(|_| self.n + 1));
            return Ok(());
        }
        if high - low <= FEW {
            for at in low..=high {
                let real = if at == low { first } else { self.real(at)? };
                found.push(self.whole(at, real));
            }
            return Ok(());
        }
        let quarter = (high - low) / 4;
        let places = [low, low + quarter, low + 2 * quarter, low + 3 * quarter, high];
        let inner = [self.real(places[1])?, self.real(places[2])?, self.real(places[3])?];
        let all = [first, inner[0], inner[1], inner[2], last];
        if let [Some(a), Some(b), Some(c), Some(d), Some(e)] = all {
            let line = Line { at: places.map(|place| place as f64), value: [a, b, c, d, e] };
            let tests = [low + quarter / 2, places[3] + (high - places[3]) / 2];
            let mut is_close = true;
            for test in tests {
                let real = self.real(test)?;
                is_close &= real.is_some_and(|real| (line.value(test) - real).abs() < CLOSE);
            }
            if is_close {
                found.extend((low..=high).map(|at| self.whole(at, Some(line.value(at)))));
                return Ok(());
            }
        }
        let middle = places[2];
        self.fill(low, middle, first, inner[1], found)?;
        found.pop();
        self.fill(middle, high, inner[1], last, found)
    }

    /// The count from which on the rule holds; it must lead, too.
    fn whole(&self, control: u64, real: Option<f64>) -> u64 {
        let Some(real) = real else { return self.n + 1 };
        let leads = if matches!(self.plan.rule, Rule::Loss(_)) { control + 1 } else { 0 };
        // a root is good to 1e-7
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below n")]
        let least = (real - 1e-6).ceil().max(0.0) as u64;
        least.max(leads).min(self.n + 1)
    }

    /// The same on the real line, where it is smooth; none if not even every trial suffices.
    fn real(&self, control: u64) -> Result<Option<f64>> {
        if (self.is_cancelled)() {
            return Err(Error::cancelled());
        }
        let (own, n) = (control as f64, self.n as f64);
        if self.short(own, n)? < 0.0 {
            return Ok(None);
        }
        // about where it is for a normal, give or take
        let sd = ((own + 1.0) * (n - own + 1.0) / (n + 2.0)).sqrt();
        let mut low = own;
        if self.short(own, low)? >= 0.0 {
            return Ok(Some(0.0_f64.max(own)));
        }
        let mut high = n;
        for step in [1.0, 3.0, 6.0] {
            let next = own + step * sd;
            if next >= n {
                break;
            }
            if self.short(own, next)? >= 0.0 {
                high = next;
                break;
            }
            low = next;
        }
        let off = std::cell::Cell::new(None);
        let root = root::increasing(low, high, 1e-7, |count| {
            self.short(own, count).unwrap_or_else(|error| {
                off.set(Some(error));
                0.0
            })
        });
        off.take().map_or(Ok(Some(root)), Err)
    }

    /// How much better than the rule asks for; rises with the variant's successes.
    fn short(&self, control: f64, variant: f64) -> Result<f64> {
        let curve = |count: f64| {
            let prior = self.plan.prior;
            Curve::new(prior.alpha + count, prior.beta + self.n as f64 - count)
        };
        let verdict = grid::judge(&[curve(control), curve(variant)], self.is_cancelled)?;
        Ok(match self.plan.rule {
            Rule::Loss(threshold) => (threshold / verdict.expected_loss[1].max(1e-300)).ln(),
            // the smaller of two probabilities keeps its digits
            Rule::Probability(p) => ((1.0 - p) / verdict.p_best[0].max(1e-300)).ln(),
        })
    }
}

/// The polynomial through five points.
struct Line {
    at: [f64; 5],
    value: [f64; 5],
}

impl Line {
    fn value(&self, place: u64) -> f64 {
        let x = place as f64;
        let term = |(own, value): (usize, &f64)| {
            let others = (0..5).filter(|other| *other != own);
            value
                * others
                    .map(|other| (x - self.at[other]) / (self.at[own] - self.at[other]))
                    .product::<f64>()
        };
        self.value.iter().enumerate().map(term).sum()
    }
}
