//! Points by parts: for those that price constraints themselves, or look at behaviours.

use super::{INFEASIBLE, Problem, Relation, infeasible_cost, model::Descriptor};
use crate::{Cancelled, LANES};

impl Problem {
    /// What is asked of each constraint.
    pub(crate) fn relations(&self) -> Vec<Relation> {
        self.limits.iter().map(|limit| limit.relation).collect()
    }

    /// What tells behaviours apart.
    pub fn descriptors(&self) -> &[Descriptor] {
        &self.descriptors
    }

    /// Numbers of a part: cost, violation, how far beyond each constraint, behaviour.
    fn width(&self) -> usize {
        2 + self.limits.len() + self.descriptors.len()
    }

    /// The first objective's cost, the violation, how far each constraint is exceeded (below 0
    /// within), and the behaviour of a block of points, laid out as [`crate::Objective::evaluate`]
    /// does it. All are infinite where the cost or the violation is no number; gives how many such
    /// points there are.
    pub(crate) fn parts(
        &self,
        genes: &[[f64; LANES]],
        points: usize,
        cancelled: Cancelled<'_>,
    ) -> (Vec<f64>, u64) {
        let mut values = vec![f64::NAN; points * self.objective.outputs()];
        self.raw(genes, &mut values, cancelled);
        let (objectives, limits) = (self.senses.len(), self.limits.len());
        let mut parts = vec![f64::INFINITY; points * self.width()];
        let mut bad = 0;
        for point in 0..points {
            let value = |output: usize| values[output * points + point];
            let cost = self.sense().canonical_cost(value(0));
            let violation = self.violation(|limit| value(objectives + limit));
            if !(cost.abs() < INFEASIBLE && violation.is_finite()) {
                bad += 1;
                continue;
            }
            parts[point] = cost;
            parts[points + point] = violation;
            for (k, limit) in self.limits.iter().enumerate() {
                parts[(2 + k) * points + point] = limit.gap(value(objectives + k));
            }
            for k in 0..self.descriptors.len() {
                let behaviour = value(objectives + limits + k);
                parts[(2 + limits + k) * points + point] = behaviour;
            }
        }
        (parts, bad)
    }

    /// The same of one point.
    pub(crate) fn part(&self, genes: &[f64]) -> Vec<f64> {
        let mut lanes = vec![[0.0; LANES]; self.bounds.dimension()];
        for (lanes, gene) in lanes.iter_mut().zip(genes) {
            lanes[0] = *gene;
        }
        self.parts(&lanes, 1, &|| false).0
    }
}

/// The cost by the rules: behind all that break no constraint, by how far.
pub(crate) fn rules_cost(cost: f64, violation: f64) -> f64 {
    if !(cost.is_finite() && violation.is_finite()) {
        f64::INFINITY
    } else if violation > 0.0 {
        infeasible_cost(violation)
    } else {
        cost
    }
}
