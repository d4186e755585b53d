//! Problems whose values are told by someone else.

use super::{INFEASIBLE, Problem, Report, infeasible_cost, is_feasible};
use crate::{LANES, MAX_OBJECTIVES, Objective, Result, Sense, Space, Variable, error::Error};

/// Stands where values are told: it knows none.
#[derive(Debug)]
struct Unknown {
    dimension: usize,
    objectives: usize,
}

impl Objective for Unknown {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn outputs(&self) -> usize {
        self.objectives
    }

    fn evaluate(&self, _inputs: &[[f64; LANES]], values: &mut [f64]) {
        values.fill(f64::NAN);
    }
}

impl Problem {
    /// A problem for [`crate::Run::ask`] and [`crate::Run::tell_values`]: the caller evaluates.
    ///
    /// # Errors
    /// What is wrong with a variable, or [`Error::InvalidProblem`] for no objective or too many.
    pub fn external(variables: Vec<Variable>, senses: Vec<Sense>) -> Result<Self> {
        if !(1..=MAX_OBJECTIVES).contains(&senses.len()) {
            let reason = format!("must be 1 to {MAX_OBJECTIVES} in number");
            return Err(Error::InvalidProblem { field: "objectives", reason });
        }
        let space = Space::new(variables)?;
        let bounds = space.bounds().clone();
        let unknown = Unknown { dimension: bounds.dimension(), objectives: senses.len() };
        Ok(Self {
            objective: Box::new(unknown),
            bounds,
            space: Some(space),
            senses,
            limits: Vec::new(),
            descriptors: Vec::new(),
            external: true,
        })
    }

    /// Whether values are told by someone else.
    pub fn is_external(&self) -> bool {
        self.external
    }

    /// What a run learns from the values of a point, and by how much it breaks constraints; `None`
    /// for a point that could not be evaluated.
    pub(crate) fn told(&self, told: Option<(&[f64], f64)>, costs: &mut Vec<f64>) {
        let several = self.senses.len() > 1;
        let known = told.filter(|(values, violation)| {
            violation.is_finite() && values.iter().all(|value| value.abs() < INFEASIBLE)
        });
        let Some((values, violation)) = known else {
            let width = if several { self.senses.len() + 1 } else { 1 };
            costs.extend(std::iter::repeat_n(f64::INFINITY, width));
            return;
        };
        let values = self.senses.iter().zip(values).map(|(sense, value)| sense.cost(*value));
        if several {
            costs.extend(values);
            costs.push(violation.max(0.0));
        } else if violation > 0.0 {
            costs.push(infeasible_cost(violation));
        } else {
            costs.extend(values);
        }
    }

    /// A point in the user's terms, from what was told. Of one that breaks constraints the value is
    /// not known any more.
    pub(crate) fn report_told(&self, genes: &[f64], cost: f64) -> Report {
        let feasible = is_feasible(cost);
        let value = if feasible { self.sense().cost(cost) } else { f64::NAN };
        let violation = if feasible { 0.0 } else { libm::exp2((cost / INFEASIBLE - 2.0) * 2048.0) };
        Report { x: self.decode(genes), values: vec![value], violation }
    }

    /// Genes of a point, given by the values of its coordinates.
    ///
    /// # Errors
    /// As [`Space::encode`].
    pub fn encode(&self, values: &[f64]) -> Result<Vec<f64>, (usize, &'static str)> {
        if let Some(space) = &self.space {
            return space.encode(values);
        }
        let outside = |(value, (lo, hi)): (&f64, (&f64, &f64))| !(lo..=hi).contains(&value);
        let sides = self.bounds.lo().iter().zip(self.bounds.hi());
        if values.len() != self.bounds.dimension() {
            return Err((values.len().min(self.bounds.dimension()), "is missing, or one too many"));
        }
        match values.iter().zip(sides).position(outside) {
            Some(place) => Err((place, "is outside its range")),
            None => Ok(values.to_vec()),
        }
    }

    /// Values of the coordinates.
    pub fn decode(&self, genes: &[f64]) -> Vec<f64> {
        self.space.as_ref().map_or_else(|| genes.to_vec(), |space| space.decode(genes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Kind;

    fn external(senses: &[Sense]) -> Problem {
        let kind = Kind::Int { lo: 0.0, hi: 9.0 };
        let variable = Variable { name: "a".to_owned(), kind, length: None };
        Problem::external(vec![variable], senses.to_vec()).unwrap()
    }

    #[test]
    fn told_values_become_costs_in_the_same_order() {
        let one = external(&[Sense::Max]);
        let mut costs = Vec::new();
        for told in [Some((5.0, 0.0)), Some((9.0, 2.0)), Some((f64::NAN, 0.0)), None] {
            let told = told.map(|(value, violation)| ([value], violation));
            one.told(told.as_ref().map(|(value, violation)| (&value[..], *violation)), &mut costs);
        }
        assert_eq!(costs[0].to_bits(), (-5.0_f64).to_bits());
        assert!(
            !is_feasible(costs[1]) && costs[1] < costs[2] && costs[2].total_cmp(&costs[3]).is_eq()
        );
        let report = one.report_told(&[3.2], costs[1]);
        assert!((report.violation - 2.0).abs() < 1e-9 && report.values[0].is_nan());
        assert_eq!(report.x, [3.0]);
        let mut costs = Vec::new();
        external(&[Sense::Max, Sense::Min]).told(Some((&[1.0, 2.0], 0.5)), &mut costs);
        assert_eq!(costs, [-1.0, 2.0, 0.5]);
        assert!(Problem::external(Vec::new(), vec![Sense::Min]).is_err());
        assert!(external(&[Sense::Min]).is_external());
    }
}
