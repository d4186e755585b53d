//! From kept draws back to free parameters.

use super::super::ast::{Base, Declaration};
use super::super::eval::{Evaluated, Evaluator};
use super::super::value::Value;
use super::{Model, Variable};

impl Model {
    /// The free point behind a draw's parameters; none where one lies at its bound to the last digit, or where
    /// draws do not tell (`unit_vector`).
    pub fn free_point(&self, numbers: &[f64]) -> Option<Vec<f64>> {
        let idle = || false;
        let mut evaluator = self.at(numbers, 0, &idle);
        let mut point = Vec::with_capacity(self.dim);
        let declarations = super::bind::declared(&self.program.parameters);
        for ((declaration, _), variable) in declarations.zip(&self.variables) {
            let own = numbers.get(variable.start..variable.start + variable.len())?;
            freed(&mut evaluator, declaration, variable, own, &mut point).ok().flatten()?;
            let value = Value::known(variable.kind, variable.dims.clone(), own.to_vec());
            evaluator.names.push((&variable.name, value));
        }
        (point.len() == self.dim && point.iter().all(|y| y.is_finite())).then_some(point)
    }

    /// Place among kept numbers, and free coordinate, of a parameter's element by its label (`beta[2]`); none for
    /// elements that are bound to others, like those of a simplex.
    pub fn coordinate(&self, label: &str) -> Option<(usize, usize)> {
        let declarations = super::bind::declared(&self.program.parameters);
        for (((declaration, _), variable), free) in
            declarations.zip(&self.variables).zip(&self.free)
        {
            let is_plain = matches!(
                declaration.base,
                Base::Real | Base::Vector | Base::RowVector | Base::Matrix
            );
            let at = (0..variable.len()).find(|place| variable.label(*place) == label);
            if let (true, Some(at)) = (is_plain, at) {
                return Some((variable.start + at, free.start + at));
            }
        }
        None
    }
}

/// Adds the free numbers of one parameter; none where there are none.
fn freed<'model>(
    evaluator: &mut Evaluator<'model>,
    declaration: &'model Declaration,
    variable: &Variable,
    x: &[f64],
    free: &mut Vec<f64>,
) -> Evaluated<Option<()>> {
    let inner: usize = variable.dims.iter().skip(declaration.arrays.len()).product();
    let parts = x.chunks(inner.max(1));
    match declaration.base {
        Base::Ordered => parts.for_each(|part| ordered(part, false, free)),
        Base::PositiveOrdered => parts.for_each(|part| ordered(part, true, free)),
        Base::Simplex => parts.for_each(|part| simplex(part, free)),
        Base::CholeskyFactorCorr => parts.for_each(|part| factor(part, free)),
        Base::Real | Base::Vector | Base::RowVector | Base::Matrix => {
            let bounds = &declaration.bounds;
            let mut lists = Vec::with_capacity(4);
            for (bound, idle) in [
                (&bounds.lower, f64::NEG_INFINITY),
                (&bounds.upper, f64::INFINITY),
                (&bounds.offset, 0.0),
                (&bounds.multiplier, 1.0),
            ] {
                lists.push(match bound {
                    None => vec![idle],
                    Some(expression) => {
                        let value = evaluator.value(expression)?;
                        value.numbers().unwrap_or(&[f64::NAN]).to_vec()
                    }
                });
            }
            for (at, x) in x.iter().enumerate() {
                let pick =
                    |list: &Vec<f64>| list.get(at).or(list.first()).copied().unwrap_or(f64::NAN);
                let [low, high, offset, multiplier] = [0, 1, 2, 3].map(|which| pick(&lists[which]));
                free.push(match (low.is_finite(), high.is_finite()) {
                    (true, true) => (x - low).ln() - (high - x).ln(),
                    (true, false) => (x - low).ln(),
                    (false, true) => (high - x).ln(),
                    (false, false) => (x - offset) / multiplier,
                });
            }
        }
        _ => return Ok(None),
    }
    Ok(Some(()))
}

fn ordered(x: &[f64], is_positive: bool, free: &mut Vec<f64>) {
    let mut before = is_positive.then_some(0.0);
    for x in x {
        free.push(before.map_or(*x, |before: f64| (x - before).ln()));
        before = Some(*x);
    }
}

/// The inverse of stick breaking; what is left is summed from the end, where it is small.
fn simplex(x: &[f64], free: &mut Vec<f64>) {
    let mut rests = vec![0.0; x.len()];
    for at in (0..x.len().saturating_sub(1)).rev() {
        rests[at] = rests[at + 1] + x[at + 1];
    }
    for (at, (x, rest)) in x.iter().zip(&rests).take(x.len().saturating_sub(1)).enumerate() {
        free.push(x.ln() - rest.ln() + ((rests.len() - at - 1) as f64).ln());
    }
}

/// Each entry as a part of what is left of its row.
fn factor(x: &[f64], free: &mut Vec<f64>) {
    let size = x.len().isqrt();
    for row in 1..size {
        let mut left = 1.0_f64;
        for column in 0..row {
            let entry = x[column * size + row];
            free.push((entry / left.sqrt()).atanh());
            left -= entry * entry;
        }
    }
}
