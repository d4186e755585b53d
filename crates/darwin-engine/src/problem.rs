//! What is optimised: objectives, constraints, and where.

mod computed;
mod external;
mod model;
mod part;
mod reference;

use std::fmt;

pub(crate) use model::locate;
pub use model::{Descriptor, Limit, Model, Relation};
pub(crate) use part::rules_cost;
pub use reference::ProblemRef;

use crate::{Bounds, Cancelled, Error, LANES, Objective, Result, Sense, Space};

/// From here on a cost stands for how far a point breaks the constraints.
const INFEASIBLE: f64 = 1e290;

/// Most objectives of a problem.
pub const MAX_OBJECTIVES: usize = 15;

/// Objectives, where they are searched, and in which directions.
pub struct Problem {
    objective: Box<dyn Objective>,
    bounds: Bounds,
    /// Absent when genes are the values.
    space: Option<Space>,
    senses: Vec<Sense>,
    limits: Vec<Limit>,
    /// Behaviours; the last outputs.
    descriptors: Vec<Descriptor>,
    /// Whether values are told by someone else.
    external: bool,
}

/// A point in the user's terms.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Values of the coordinates.
    pub x: Vec<f64>,
    /// Objective values.
    pub values: Vec<f64>,
    /// Sum by which constraints are broken beyond their tolerance; 0 when none is.
    pub violation: f64,
}

impl Problem {
    /// One objective over real variables.
    ///
    /// # Errors
    /// [`Error::InvalidProblem`] when the box has another dimension than the objective.
    pub fn new(objective: Box<dyn Objective>, bounds: Bounds, sense: Sense) -> Result<Self> {
        if objective.dimension() != bounds.dimension() {
            let reason = format!("must be {}, as the bounds have", bounds.dimension());
            return Err(Error::InvalidProblem { field: "dimension", reason });
        }
        Ok(Self {
            objective,
            bounds,
            space: None,
            senses: vec![sense],
            limits: Vec::new(),
            descriptors: Vec::new(),
            external: false,
        })
    }

    /// A problem with several objectives over real variables.
    ///
    /// # Errors
    /// [`Error::InvalidProblem`] when dimensions or numbers of outputs differ.
    pub fn multiple(
        objective: Box<dyn Objective>,
        bounds: Bounds,
        senses: Vec<Sense>,
    ) -> Result<Self> {
        if senses.is_empty() || senses.len() > MAX_OBJECTIVES || senses.len() != objective.outputs()
        {
            let reason = format!("must be 1 to {MAX_OBJECTIVES}, one for each output");
            return Err(Error::InvalidProblem { field: "objectives", reason });
        }
        Ok(Self { senses, ..Self::new(objective, bounds, Sense::Min)? })
    }

    /// Where genes are searched.
    pub fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// The variables, when they were named.
    pub fn space(&self) -> Option<&Space> {
        self.space.as_ref()
    }

    /// Whether small steps change all variables a little.
    pub fn is_continuous(&self) -> bool {
        self.space.as_ref().is_none_or(Space::is_continuous)
    }

    /// Whether all variables are permutations.
    pub fn is_permutation(&self) -> bool {
        self.space.as_ref().is_some_and(Space::is_permutation)
    }

    /// Lengths of the permutations; where there is none, of one over all coordinates.
    pub(crate) fn permutations(&self) -> Vec<usize> {
        let space = self.space.as_ref().filter(|space| space.is_permutation());
        space.map_or_else(|| vec![self.bounds.dimension()], Space::permutations)
    }

    /// Direction of the first objective.
    pub fn sense(&self) -> Sense {
        self.senses.first().copied().unwrap_or_default()
    }

    /// Directions of all objectives.
    pub fn senses(&self) -> &[Sense] {
        &self.senses
    }

    /// Number of constraints.
    pub fn constraints(&self) -> usize {
        self.limits.len()
    }

    /// The function.
    pub fn objective(&self) -> &dyn Objective {
        &*self.objective
    }

    /// First objective at one point, as [`Objective::evaluate`] gives it.
    pub fn value_at(&self, point: &[f64]) -> f64 {
        self.values_at(point).first().copied().unwrap_or(f64::NAN)
    }

    fn values_at(&self, point: &[f64]) -> Vec<f64> {
        let mut inputs = vec![[0.0; LANES]; self.bounds.dimension()];
        for (lanes, x) in inputs.iter_mut().zip(point) {
            lanes[0] = *x;
        }
        let mut values = vec![f64::NAN; self.objective.outputs()];
        self.objective.evaluate(&inputs, &mut values);
        values
    }

    /// A point of genes in the user's terms.
    pub fn report(&self, genes: &[f64]) -> Report {
        self.report_at(self.decode(genes))
    }

    /// A point whose coordinates are already in the user's terms.
    pub fn report_at(&self, x: Vec<f64>) -> Report {
        let mut values = self.values_at(&x);
        let violation = self.violation(|limit| values[self.senses.len() + limit]);
        values.truncate(self.senses.len());
        Report { x, values, violation }
    }

    /// What the left side of every constraint is at such a point, and by how much that breaks it.
    pub fn constraints_at(&self, x: &[f64]) -> Vec<(f64, Limit, f64)> {
        let values = self.values_at(x);
        let left = values.into_iter().skip(self.senses.len());
        left.zip(&self.limits).map(|(value, limit)| (value, *limit, limit.excess(value))).collect()
    }

    /// Costs of a block of points: smaller is better. Points that break a constraint come after
    /// all that do not, by how far they break it (Deb 2000); values that are not finite come last
    /// and are counted.
    pub(crate) fn costs(
        &self,
        genes: &[[f64; LANES]],
        costs: &mut [f64],
        cancelled: Cancelled<'_>,
    ) -> u64 {
        let sense = self.sense();
        if self.limits.is_empty() && self.senses.len() == 1 {
            self.raw(genes, costs, cancelled);
            let mut bad = 0;
            for cost in costs {
                bad += u64::from(!cost.is_finite());
                *cost = sense.canonical_cost(*cost);
            }
            return bad;
        }
        let points = costs.len();
        let mut values = vec![f64::NAN; points * self.objective.outputs()];
        self.raw(genes, &mut values, cancelled);
        let mut bad = 0;
        for (point, cost) in costs.iter_mut().enumerate() {
            let value = sense.canonical_cost(values[point]);
            let violation =
                self.violation(|limit| values[(self.senses.len() + limit) * points + point]);
            let usable = value.abs() < INFEASIBLE && violation.is_finite();
            bad += u64::from(!usable);
            *cost = match usable {
                false => f64::INFINITY,
                true if violation > 0.0 => infeasible_cost(violation),
                true => value,
            };
        }
        bad
    }

    /// Costs of all objectives, and the violation, of a block of points, laid out as
    /// [`Objective::evaluate`] does it, the violation last; infinite where a value is not finite.
    /// Gives how many such points there are.
    pub(crate) fn cost_vectors(
        &self,
        genes: &[[f64; LANES]],
        points: usize,
        cancelled: Cancelled<'_>,
    ) -> (Vec<f64>, u64) {
        let mut values = vec![f64::NAN; points * self.objective.outputs()];
        self.raw(genes, &mut values, cancelled);
        let objectives = self.senses.len();
        let mut costs = vec![f64::INFINITY; points * (objectives + 1)];
        let mut bad = 0;
        for point in 0..points {
            let violation = self.violation(|limit| values[(objectives + limit) * points + point]);
            let cost = |k: usize| self.senses[k].canonical_cost(values[k * points + point]);
            if violation.is_finite() && (0..objectives).all(|k| cost(k).is_finite()) {
                for k in 0..objectives {
                    costs[k * points + point] = cost(k);
                }
                costs[objectives * points + point] = violation;
            } else {
                bad += 1;
            }
        }
        (costs, bad)
    }

    fn raw(&self, genes: &[[f64; LANES]], values: &mut [f64], cancelled: Cancelled<'_>) {
        match &self.space {
            Some(space) if !space.is_plain() => {
                self.objective.evaluate_until(&space.decode_lanes(genes), values, cancelled);
            }
            _ => self.objective.evaluate_until(genes, values, cancelled),
        }
    }

    /// Sum over the constraints; infinite when one is not a number.
    fn violation(&self, value: impl Fn(usize) -> f64) -> f64 {
        let mut sum = 0.0;
        for (index, limit) in self.limits.iter().enumerate() {
            sum += limit.excess(value(index));
        }
        sum
    }
}

/// A violation > 0 as a cost above every feasible one, in the same order.
pub(crate) fn infeasible_cost(violation: f64) -> f64 {
    INFEASIBLE * (2.0 + libm::log2(violation) / 2048.0)
}

/// Whether a cost is that of a point that breaks no constraint.
pub(crate) fn is_feasible(cost: f64) -> bool {
    cost < INFEASIBLE
}

impl fmt::Debug for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { objective: _, bounds, space: _, senses, limits, descriptors: _, external: _ } =
            self;
        f.debug_struct("Problem")
            .field("bounds", bounds)
            .field("senses", senses)
            .field("limits", limits)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{model::tests::model, *};
    use crate::Function;

    #[test]
    fn dimensions_must_agree() {
        let objective = Box::new(Function::Sphere.on(3).unwrap());
        let bounds = Bounds::cube(2, 0.0, 1.0).unwrap();
        assert!(Problem::new(objective, bounds, Sense::Min).is_err());
    }

    #[test]
    fn feasible_comes_first_then_by_violation_then_what_is_not_finite() {
        let limits = [("x[0] + x[1]", Relation::AtMost), ("x[0] - x[1]", Relation::Equal)];
        let problem = Problem::compile(model("1/x[0]", &limits)).unwrap();
        let points = [[-0.9, -0.9], [-0.1, -0.1], [0.1, 0.1], [0.5, 0.4], [0.9, -0.9], [0.0, 0.0]];
        let mut lanes = vec![[0.0; LANES]; 2];
        for (lane, point) in points.iter().enumerate() {
            (lanes[0][lane], lanes[1][lane]) = (point[0], point[1]);
        }
        let mut costs = [0.0; 6];
        assert_eq!(problem.costs(&lanes, &mut costs, &|| false), 1);
        assert!((costs[0] + 1.0 / 0.9).abs() < 1e-12 && (costs[1] + 10.0).abs() < 1e-12);
        assert!(is_feasible(costs[0]) && !is_feasible(costs[2]));
        assert!(costs[2] < costs[3] && costs[3] < costs[4] && costs[4] < costs[5]);
        let report = problem.report(&points[3]);
        assert!((report.violation - (0.9 - 1e-6 + 0.1 - 1e-6)).abs() < 1e-12);
        assert_eq!(problem.report(&points[0]).violation.to_bits(), 0);
    }

    #[test]
    fn violations_keep_their_order_over_all_magnitudes() {
        let all = [f64::MIN_POSITIVE, 1e-200, 1e-9, 1e-6, 1.0, 1.000_001, 1e9, 1e300];
        let costs = all.map(infeasible_cost);
        assert!(costs.windows(2).all(|pair| pair[0] < pair[1]), "{costs:?}");
        assert!(costs.iter().all(|cost| cost.is_finite() && !is_feasible(*cost)));
    }
}
