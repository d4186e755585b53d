//! Prices of points, and how they change.

use super::{ConstraintMethod, Handling};
use crate::{
    Relation, Result,
    codec::{Reader, Writer},
    method::ranking,
    problem::infeasible_cost,
    statistics::quantile,
};

/// Share of the first generation whose violation is passed over first, and how steeply it falls.
const FIRST_SHARE: f64 = 0.2;
const STEEPNESS: i32 = 5;
/// A violation that is passed over falls to that of this share of a generation once nearly all of it
/// lies within: else an algorithm settles where nothing binds it, and follows no more.
const WITHIN_SHARE: f64 = 0.5;
const FEW_BEYOND: usize = 10;
/// Generations in a row with a feasible best, or none, after which a penalty changes, and by how much:
/// faster up than down, so that it does not swing.
const IN_A_ROW: u64 = 5;
const UP: f64 = 3.0;
const DOWN: f64 = 0.5;
/// Damping of multipliers and of the weight of squares.
const DAMPING: f64 = 5.0;
/// Prices stay below those of points that are merely ranked by their violation.
const MOST: f64 = 1e289;

/// What a point is priced by: its cost, by how far it breaks the constraints, and how far beyond each
/// of them it lies, below 0 within.
pub(crate) type Part<'a> = &'a [f64];

/// Prices, and what they depend on.
#[derive(Debug)]
pub(crate) struct Pricer {
    handling: Handling,
    relations: Vec<Relation>,
    dimension: f64,
    max_evals: u64,
    // From here on: what a checkpoint holds.
    begun: bool,
    evals: u64,
    /// Violation that is passed over, first and now.
    first: f64,
    level: f64,
    factor: f64,
    feasible_in_a_row: u64,
    infeasible_in_a_row: u64,
    multipliers: Vec<f64>,
    weights: Vec<f64>,
    /// Means of the better half of the last generation: of each constraint, and of the price.
    last: Vec<f64>,
    last_price: f64,
}

impl Pricer {
    pub(crate) fn new(
        handling: Handling,
        relations: Vec<Relation>,
        dimension: usize,
        max_evals: u64,
    ) -> Self {
        #[expect(clippy::cast_precision_loss, reason = "dimensions are small")]
        let dimension = dimension as f64;
        let none = vec![0.0; relations.len()];
        Self {
            factor: handling.penalty_factor,
            handling,
            relations,
            dimension,
            max_evals,
            begun: false,
            evals: 0,
            first: 0.0,
            level: 0.0,
            feasible_in_a_row: 0,
            infeasible_in_a_row: 0,
            multipliers: none.clone(),
            weights: none.clone(),
            last: none,
            last_price: 0.0,
        }
    }

    pub(crate) fn set_max_evals(&mut self, max_evals: u64) {
        self.max_evals = max_evals;
    }

    /// What the algorithm takes for the cost of a point.
    pub(crate) fn price(&self, part: Part<'_>) -> f64 {
        let [cost, violation, beyond @ ..] = part else { return f64::INFINITY };
        if !(cost.is_finite() && violation.is_finite()) {
            return f64::INFINITY;
        }
        let price = match self.handling.method {
            ConstraintMethod::Rules => return by_rules(*cost, *violation, 0.0),
            ConstraintMethod::Epsilon => return by_rules(*cost, *violation, self.level),
            ConstraintMethod::Penalty | ConstraintMethod::Adaptive => {
                cost + self.factor * violation
            }
            ConstraintMethod::Lagrangian => cost + self.charge(beyond),
        };
        price.min(MOST)
    }

    /// The price of being beyond, or near, the constraints.
    fn charge(&self, beyond: &[f64]) -> f64 {
        let mut sum = 0.0;
        for (place, gap) in beyond.iter().enumerate() {
            let (multiplier, weight) = (self.multipliers[place], self.weights[place]);
            let acts = multiplier + weight * gap >= 0.0;
            sum += if self.relations[place] == Relation::Equal || acts {
                gap * (multiplier + 0.5 * weight * gap)
            } else {
                -0.5 * multiplier * multiplier / weight
            };
        }
        sum
    }

    /// Learn scales from the first generation, before it is priced.
    pub(crate) fn begin(&mut self, parts: &[Vec<f64>]) {
        if self.begun {
            return;
        }
        let column = |k: usize| {
            let finite = parts.iter().filter(|part| part[0].is_finite());
            let mut column: Vec<f64> = finite.map(|part| part[k]).collect();
            column.sort_by(f64::total_cmp);
            column
        };
        let costs = column(0);
        if costs.len() < 2 {
            // Nothing to learn from yet: the next generation may tell.
            return;
        }
        self.begun = true;
        let violations = column(1);
        self.first = quantile(&violations, FIRST_SHARE).unwrap_or(0.0);
        self.level = self.first;
        let span = spread(&costs);
        if self.handling.method == ConstraintMethod::Adaptive {
            self.factor = (span / spread(&violations)).clamp(1e-9, 1e12);
        }
        for place in 0..self.relations.len() {
            let gap = spread(&column(2 + place));
            self.weights[place] =
                (0.4 * span / (self.dimension * gap * (1.0 + gap))).clamp(1e-12, 1e12);
        }
    }

    /// Learn from a generation that was priced; whether prices are others now.
    pub(crate) fn learn(&mut self, parts: &[Vec<f64>], prices: &[f64]) -> bool {
        self.evals += parts.len() as u64;
        if !self.begun {
            return false;
        }
        match self.handling.method {
            ConstraintMethod::Rules | ConstraintMethod::Penalty => false,
            ConstraintMethod::Epsilon => self.tighten(parts),
            ConstraintMethod::Adaptive => self.adapt(parts, prices),
            ConstraintMethod::Lagrangian => {
                self.balance(parts, prices);
                true
            }
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "evaluations are at most 1e9")]
    fn tighten(&mut self, parts: &[Vec<f64>]) -> bool {
        let whole = (self.max_evals as f64 * self.handling.relaxed_share).max(1.0);
        let left = (1.0 - self.evals as f64 / whole).max(0.0);
        let before = self.level;
        let due = self.first * (0..STEEPNESS).fold(1.0, |product, _| product * left);
        self.level = self.level.min(due);
        let finite = parts.iter().map(|part| part[1]).filter(|violation| violation.is_finite());
        let mut violations: Vec<f64> = finite.collect();
        let beyond = violations.iter().filter(|violation| **violation > self.level).count();
        if beyond * FEW_BEYOND < violations.len() {
            violations.sort_by(f64::total_cmp);
            let within = quantile(&violations, WITHIN_SHARE).unwrap_or(self.level);
            self.level = self.level.min(within);
        }
        self.level.total_cmp(&before).is_ne()
    }

    fn adapt(&mut self, parts: &[Vec<f64>], prices: &[f64]) -> bool {
        let best = ranking(prices).first().map(|best| &parts[*best]);
        let Some(best) = best.filter(|best| best[1].is_finite()) else { return false };
        if best[1] > 0.0 {
            (self.feasible_in_a_row, self.infeasible_in_a_row) = (0, self.infeasible_in_a_row + 1);
        } else {
            (self.feasible_in_a_row, self.infeasible_in_a_row) = (self.feasible_in_a_row + 1, 0);
        }
        let by = if self.infeasible_in_a_row >= IN_A_ROW {
            UP
        } else if self.feasible_in_a_row >= IN_A_ROW {
            DOWN
        } else {
            return false;
        };
        (self.feasible_in_a_row, self.infeasible_in_a_row) = (0, 0);
        self.factor = (self.factor * by).clamp(1e-9, 1e12);
        true
    }

    /// Multipliers follow how far the better half lies beyond each constraint; the weight of its
    /// square grows while that changes slowly, or moves the price little.
    fn balance(&mut self, parts: &[Vec<f64>], prices: &[f64]) {
        let mut better = ranking(prices);
        better.truncate((prices.len() / 2).max(1));
        better.retain(|one| prices[*one].is_finite());
        if better.is_empty() {
            return;
        }
        #[expect(clippy::cast_precision_loss, reason = "populations are small")]
        let count = better.len() as f64;
        let mean = |value: &dyn Fn(usize) -> f64| {
            better.iter().map(|one| value(*one)).sum::<f64>() / count
        };
        let price = mean(&|one| prices[one]);
        let moved = (price - self.last_price).abs();
        let step = libm::exp2(1.0 / (4.0 * self.dimension * DAMPING).max(1.0));
        for place in 0..self.relations.len() {
            let gap = mean(&|one| parts[one][2 + place]);
            let weight = self.weights[place];
            let little = weight * gap * gap < 3.0 * moved / self.dimension;
            let slow = 5.0 * (gap - self.last[place]).abs() < gap.abs();
            let multiplier = self.multipliers[place] + weight * gap / DAMPING;
            let free = self.relations[place] == Relation::Equal;
            self.multipliers[place] =
                if free { multiplier } else { multiplier.max(0.0) }.clamp(-1e200, 1e200);
            let by = if little || slow { step } else { 1.0 / step };
            self.weights[place] = (weight * by).clamp(1e-12, 1e15);
            self.last[place] = gap;
        }
        self.last_price = price;
    }

    pub(crate) fn save(&self, writer: &mut Writer) {
        writer.int(u64::from(self.begun));
        for count in [self.evals, self.feasible_in_a_row, self.infeasible_in_a_row] {
            writer.int(count);
        }
        for value in [self.first, self.level, self.factor, self.last_price] {
            writer.real(value);
        }
        for list in [&self.multipliers, &self.weights, &self.last] {
            writer.reals(list);
        }
    }

    pub(crate) fn load(&mut self, reader: &mut Reader<'_>) -> Result<()> {
        self.begun = reader.int()? == 1;
        for count in [&mut self.evals, &mut self.feasible_in_a_row, &mut self.infeasible_in_a_row] {
            *count = reader.int()?;
        }
        for value in [&mut self.first, &mut self.level, &mut self.factor, &mut self.last_price] {
            *value = reader.real()?;
        }
        for list in [&mut self.multipliers, &mut self.weights, &mut self.last] {
            *list = reader.exactly(self.relations.len())?;
        }
        Ok(())
    }
}

/// Behind all others from this violation on, by how large it is.
pub(crate) fn by_rules(cost: f64, violation: f64, passed_over: f64) -> f64 {
    if violation > passed_over { infeasible_cost(violation) } else { cost }
}

/// Distance of the quartiles; of all where these are equal, and 1 where all are.
fn spread(sorted: &[f64]) -> f64 {
    let between = |low: f64, high: f64| {
        quantile(sorted, high).unwrap_or(0.0) - quantile(sorted, low).unwrap_or(0.0)
    };
    let widths = [between(0.25, 0.75), between(0.0, 1.0), 1.0];
    widths.into_iter().find(|width| *width > 0.0 && width.is_finite()).unwrap_or(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::HandlingOptions;

    fn pricer(method: ConstraintMethod, relations: &[Relation]) -> Pricer {
        let options = HandlingOptions { method: Some(method), ..HandlingOptions::default() };
        Pricer::new(options.resolve().unwrap(), relations.to_vec(), 2, 1000)
    }

    #[test]
    fn a_violation_is_passed_over_until_its_time_has_come() {
        let mut epsilon = pricer(ConstraintMethod::Epsilon, &[Relation::AtMost]);
        let parts: Vec<Vec<f64>> =
            (0..100).map(|k| vec![f64::from(k), f64::from(k), f64::from(k)]).collect();
        epsilon.begin(&parts);
        let prices: Vec<f64> = parts.iter().map(|part| epsilon.price(part)).collect();
        assert!((prices[19] - 19.0).abs() < 1e-12 && prices[21] > 1e290);
        assert!(epsilon.learn(&parts, &prices));
        assert!(epsilon.level < 19.0 && epsilon.level > 0.5, "{}", epsilon.level);
        for _ in 0..4 {
            epsilon.learn(&parts, &prices);
        }
        assert!(epsilon.price(&[1.0, 1e-9, 1e-9]) > 1e290);
        assert!((epsilon.price(&[1.0, 0.0, -3.0]) - 1.0).abs() < 1e-12);
        assert!(epsilon.price(&[f64::INFINITY, f64::INFINITY, 0.0]).is_infinite());
    }

    #[test]
    fn a_violation_is_passed_over_only_as_far_as_points_need_it() {
        let mut epsilon = pricer(ConstraintMethod::Epsilon, &[Relation::AtMost]);
        let parts = |violations: std::ops::Range<u32>| -> Vec<Vec<f64>> {
            violations.map(f64::from).map(|v| vec![0.0, v, v]).collect()
        };
        epsilon.max_evals = 1_000_000;
        epsilon.begin(&parts(0..1000));
        let first = epsilon.level;
        epsilon.learn(&parts(0..1000), &[]);
        assert!(epsilon.level > 0.95 * first, "{} {first}", epsilon.level);
        // All lie within it: it comes to where half of them do.
        epsilon.learn(&parts(10..21), &[]);
        assert!((epsilon.level - 15.0).abs() < 1e-9, "{}", epsilon.level);
        epsilon.learn(&parts(10..21), &[]);
        assert!((epsilon.level - 15.0).abs() < 1e-9, "{}", epsilon.level);
        epsilon.learn(&vec![vec![0.0; 3]; 8], &[]);
        assert!(epsilon.level.abs() < 1e-300);
    }

    #[test]
    fn an_adapted_penalty_rises_without_feasible_points_and_falls_with_them() {
        let mut adaptive = pricer(ConstraintMethod::Adaptive, &[Relation::AtMost]);
        let parts = vec![vec![0.0, 2.0, 2.0], vec![4.0, 1.0, 1.0]];
        adaptive.begin(&parts);
        let first = adaptive.factor;
        for _ in 0..IN_A_ROW {
            let prices: Vec<f64> = parts.iter().map(|part| adaptive.price(part)).collect();
            adaptive.learn(&parts, &prices);
        }
        assert!((adaptive.factor / first - UP).abs() < 1e-12);
        let inside = vec![vec![0.0, 0.0, -1.0]];
        for _ in 0..IN_A_ROW {
            adaptive.learn(&inside, &[0.0]);
        }
        assert!((adaptive.factor / first - UP * DOWN).abs() < 1e-12);
    }

    #[test]
    fn the_lagrangian_charges_what_lies_beyond_and_is_smooth_where_that_begins() {
        let mut lagrangian = pricer(ConstraintMethod::Lagrangian, &[Relation::AtMost]);
        (lagrangian.multipliers[0], lagrangian.weights[0]) = (2.0, 4.0);
        let at = |gap: f64| lagrangian.price(&[0.0, gap.max(0.0), gap]);
        assert!((at(1.0) - 4.0).abs() < 1e-12 && at(0.0).abs() < 1e-12);
        // Inside, from where the slope is 0, nothing changes any more.
        assert!((at(-0.5) + 0.5).abs() < 1e-12 && (at(-9.0) + 0.5).abs() < 1e-12);
    }
}
