//! Problems whose objectives are computed otherwise than by expressions.

use super::{Problem, model::Parts};
use crate::{Cancelled, Error, LANES, MAX_OBJECTIVES, Model, Objective, Result, Sense};

/// Objectives of one make, and after them what a program gives.
struct Joined {
    first: Box<dyn Objective>,
    rest: Box<dyn Objective>,
}

impl Objective for Joined {
    fn dimension(&self) -> usize {
        self.first.dimension()
    }

    fn outputs(&self) -> usize {
        self.first.outputs() + self.rest.outputs()
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        self.evaluate_until(inputs, values, &|| false);
    }

    fn evaluate_until(
        &self,
        inputs: &[[f64; LANES]],
        values: &mut [f64],
        cancelled: Cancelled<'_>,
    ) {
        let points = values.len() / self.outputs();
        let (first, rest) = values.split_at_mut(points * self.first.outputs());
        self.first.evaluate_until(inputs, first, cancelled);
        self.rest.evaluate_until(inputs, rest, cancelled);
    }

    fn held_out(&self, x: &[f64]) -> Option<f64> {
        self.first.held_out(x)
    }
}

impl Problem {
    /// Objectives of any make over the variables of a model, which has none of its own; its constraints
    /// and what tells behaviours apart are expressions.
    ///
    /// # Errors
    /// What is wrong with a variable or an expression, and where; [`Error::InvalidProblem`] when the
    /// objectives are for another number of coordinates, or are not as many as `senses`.
    pub fn computed(
        model: Model,
        senses: Vec<Sense>,
        objective: Box<dyn Objective>,
    ) -> Result<Self> {
        let invalid = |field, reason: String| Err(Error::InvalidProblem { field, reason });
        if !model.objectives.is_empty() {
            return invalid("objectives", "must be left out: they are computed".to_owned());
        }
        if !(1..=MAX_OBJECTIVES).contains(&senses.len()) || senses.len() != objective.outputs() {
            let reason = format!("must be 1 to {MAX_OBJECTIVES}, one for each output");
            return invalid("objectives", reason);
        }
        let Parts { program, space, limits, descriptors, .. } = Parts::compile(model, 0..=0)?;
        if objective.dimension() != space.bounds().dimension() {
            let reason = format!("must have {} coordinates in all", objective.dimension());
            return invalid("variables", reason);
        }
        let objective = match program.outputs() {
            0 => objective,
            _ => Box::new(Joined { first: objective, rest: Box::new(program) }),
        };
        Ok(Self {
            objective,
            bounds: space.bounds().clone(),
            space: Some(space),
            senses,
            limits,
            descriptors,
            external: false,
        })
    }

    /// The loss at a point over data that the search does not see, where some are held out.
    pub fn held_out(&self, x: &[f64]) -> Option<f64> {
        self.objective.held_out(x)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Function, Relation, problem::model::tests::model};

    #[test]
    fn constraints_join_what_is_computed() {
        let mut base = model("x[0]", &[("x[0] + x[1]", Relation::AtMost)]);
        let sphere = |n| Box::new(Function::Sphere.on(n).unwrap());
        let refused = Problem::computed(base.clone(), vec![Sense::Min], sphere(2));
        assert!(matches!(refused, Err(Error::InvalidProblem { field: "objectives", .. })));
        base.objectives.clear();
        for (senses, dimension) in [(vec![], 2), (vec![Sense::Min; 2], 2), (vec![Sense::Min], 3)] {
            assert!(Problem::computed(base.clone(), senses, sphere(dimension)).is_err());
        }
        let problem = Problem::computed(base, vec![Sense::Max], sphere(2)).unwrap();
        assert_eq!(problem.sense(), Sense::Max);
        let report = problem.report(&[0.5, 0.25]);
        assert_eq!(report.values, [0.3125]);
        assert!((report.violation - (0.75 - 1e-6)).abs() < 1e-12);
        assert_eq!(problem.held_out(&[0.0, 0.0]), None);
    }
}
