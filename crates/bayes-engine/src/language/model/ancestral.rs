//! Draws from a prior, parameter by parameter: independent and exact, where its text allows it.

use super::super::replay::Outcome;
use super::super::value::Value;
use super::super::{Data, Datum};
use super::{Model, stream};

impl Model {
    /// Parameters drawn from the prior; none where its text does not show how, or a number is not finite.
    ///
    /// `number` names the draw: equal numbers give equal draws.
    pub fn draw_prior(&self, number: u32) -> Option<Vec<f64>> {
        let idle = || false;
        let mut evaluator = self.at(&[], 0, &idle);
        evaluator.random = Some(stream(self.seed.rotate_left(17), number, 0));
        let own = self.variables.iter().filter(|variable| variable.block == 0);
        let mut numbers = vec![f64::NAN; own.map(super::Variable::len).sum()];
        for plain in self.plain_priors()? {
            let variable = plain.variable;
            let mut drawn = vec![f64::NAN; variable.len()];
            for prior in &plain.priors {
                let places = match prior.element {
                    None => 0..variable.len(),
                    Some(element) => element - 1..element,
                };
                let size = places.len();
                let found =
                    evaluator.prior_draw(prior.name, prior.arguments, size).ok().flatten()?;
                drawn[places].copy_from_slice(&found);
            }
            if plain.log_mass < 0.0 {
                // above 0 a distribution that is symmetric about it was cut; others lie there anyway
                for x in &mut drawn {
                    *x = x.abs();
                }
            }
            numbers[variable.start..variable.start + variable.len()].copy_from_slice(&drawn);
            let value = Value::known(variable.kind, variable.dims.clone(), drawn);
            evaluator.names.push((&variable.name, value));
        }
        Some(numbers)
    }
}

impl Outcome {
    /// Puts the drawn numbers where the observed ones stand in the data; false if they are not all of a
    /// variable's, in its order.
    pub fn replace(&self, data: &mut Data) -> bool {
        let Some(datum) = data.get_mut(&self.name) else { return false };
        let mut known = Vec::new();
        flatten(datum, &mut known);
        let is_same = |(a, b): (&f64, &f64)| a.to_bits() == b.to_bits();
        if !self.is_drawable()
            || known.len() != self.observed.len()
            || !known.iter().zip(&self.observed).all(is_same)
        {
            return false;
        }
        let mut drawn = self.drawn.iter();
        fill(datum, &mut drawn);
        true
    }
}

fn flatten(datum: &Datum, numbers: &mut Vec<f64>) {
    match datum {
        Datum::Number(number) | Datum::Fill(number) => numbers.push(*number),
        Datum::List(list) => list.iter().for_each(|part| flatten(part, numbers)),
    }
}

fn fill<'draw>(datum: &mut Datum, drawn: &mut impl Iterator<Item = &'draw f64>) {
    match datum {
        Datum::Number(number) | Datum::Fill(number) => {
            if let Some(next) = drawn.next() {
                *number = *next;
            }
        }
        Datum::List(list) => list.iter_mut().for_each(|part| fill(part, drawn)),
    }
}
