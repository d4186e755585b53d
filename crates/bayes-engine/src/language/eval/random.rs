//! `_rng` functions: draws in transformed data and generated quantities.

use rand_chacha::rand_core::Rng;

use super::super::ast::{Base, Type};
use super::super::tape::product;
use super::super::value::Value;
use super::super::{Code, Diagnostic, Span};
use super::call::VECTOR;
use super::expression::mismatch;
use super::{Evaluated, Evaluator};
use crate::distribution::{Distribution, Family};
use crate::special::{Mass, normal_quantile};

/// Distributions drawn here and not through a family.
pub(crate) const OWN: [&str; 9] = [
    "bernoulli_logit",
    "binomial_logit",
    "poisson_log",
    "neg_binomial_2_log",
    "categorical",
    "categorical_logit",
    "dirichlet",
    "multi_normal",
    "multi_normal_cholesky",
];

impl Evaluator<'_> {
    pub(super) fn random_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let Some(stem) = name.strip_suffix("_rng") else { return Ok(None) };
        if self.random.is_none() {
            let message =
                format!("`{name}` stands outside transformed data and generated quantities");
            return Err(Diagnostic::new(Code::Type, span, message)
                .with_fix("move it into generated quantities"));
        }
        match (stem, values) {
            ("categorical" | "categorical_logit", [theta]) => {
                let weights = weights(stem, theta);
                return Ok(Some(self.category(&weights)));
            }
            ("dirichlet", [alpha]) => return self.dirichlet_draw(alpha, span).map(Some),
            ("multi_normal" | "multi_normal_cholesky", [mu, scale]) => {
                let factor = if stem == "multi_normal" {
                    self.cholesky(scale, span)?
                } else {
                    scale.clone()
                };
                return self.multi_normal_draw(mu, &factor, span).map(Some);
            }
            _ => {}
        }
        let known = Family::named(stem).is_ok() || OWN.contains(&stem);
        if !known {
            return Ok(None);
        }
        let length = values.iter().filter(|value| !value.is_scalar()).map(Value::len).max();
        if let Some(wrong) =
            values.iter().find(|value| !value.is_scalar() && Some(value.len()) != length)
        {
            return Err(mismatch(span, "sizes differ", &[wrong]));
        }
        let mut draws = Vec::with_capacity(length.unwrap_or(1));
        let mut is_whole = false;
        for at in 0..length.unwrap_or(1) {
            let numbers: Vec<f64> = values
                .iter()
                .map(|value| {
                    let numbers = value.numbers().unwrap_or_default();
                    numbers.get(at).or(numbers.first()).copied().unwrap_or(f64::NAN)
                })
                .collect();
            let (draw, is_count) = self.draw(stem, &numbers, span)?;
            is_whole = is_count;
            draws.push(draw);
        }
        let base = if is_whole { Base::Int } else { Base::Real };
        Ok(Some(match length {
            None => Value::known(Type { base, arrays: 0 }, Vec::new(), draws),
            Some(length) => Value::known(Type { base, arrays: 1 }, vec![length], draws),
        }))
    }

    /// Strictly within 0..1.
    fn uniform(&mut self) -> f64 {
        let bits = self.random.as_mut().map_or(0, Rng::next_u64);
        ((bits >> 12) as f64 + 0.5) / (1_u64 << 52) as f64
    }

    pub(super) fn draw(
        &mut self,
        stem: &str,
        numbers: &[f64],
        span: Span,
    ) -> Evaluated<(f64, bool)> {
        let (name, numbers) = plain(stem, numbers);
        let uniform = self.uniform();
        if let ("normal", [mu, sigma]) = (name, numbers.as_slice()) {
            if *sigma > 0.0 {
                return Ok((mu + sigma * normal_quantile(uniform), false));
            }
        }
        let refuse = |error: crate::Error| {
            Diagnostic::new(Code::Rejected, span, error.message.clone()).with_fix(error.hint)
        };
        let family = Family::named(name).map_err(refuse)?;
        if family.parameters.len() != numbers.len() {
            let message = format!("`{stem}_rng` takes {}", family.parameter_text());
            return Err(Diagnostic::new(Code::Type, span, message).with_fix("give all parameters"));
        }
        let law = Distribution::of(family, &numbers).map_err(refuse)?;
        Ok((law.quantile(Mass::below(uniform)), family.is_discrete))
    }

    fn category(&mut self, weights: &[f64]) -> Value {
        let total: f64 = weights.iter().sum();
        let mut left = self.uniform() * total;
        for (at, weight) in weights.iter().enumerate() {
            left -= weight;
            if left < 0.0 {
                return Value::int(at as f64 + 1.0);
            }
        }
        Value::int(weights.len() as f64)
    }

    fn dirichlet_draw(&mut self, alpha: &Value, span: Span) -> Evaluated<Value> {
        let mut draws = Vec::with_capacity(alpha.len());
        for shape in alpha.numbers().unwrap_or_default() {
            draws.push(self.draw("gamma", &[*shape, 1.0], span)?.0);
        }
        let total: f64 = draws.iter().sum();
        Ok(Value::vector(draws.iter().map(|draw| draw / total).collect()))
    }

    fn multi_normal_draw(&mut self, mu: &Value, factor: &Value, span: Span) -> Evaluated<Value> {
        let size = mu.len();
        if factor.dims != [size, size] {
            return Err(mismatch(span, "sizes differ", &[mu, factor]));
        }
        let z: Vec<f64> = (0..size).map(|_| normal_quantile(self.uniform())).collect();
        let mut x = product(factor.numbers().unwrap_or_default(), &z, [size, size, 1]);
        x.iter_mut().zip(mu.numbers().unwrap_or_default()).for_each(|(x, mu)| *x += mu);
        Ok(Value::known(VECTOR, vec![size], x))
    }
}

/// The family behind one that takes its parameter on another scale.
pub(super) fn plain<'name>(stem: &'name str, numbers: &[f64]) -> (&'name str, Vec<f64>) {
    let logistic = |x: f64| 1.0 / (1.0 + (-x).exp());
    match (stem, numbers) {
        ("bernoulli_logit", [x]) => ("bernoulli", vec![logistic(*x)]),
        ("binomial_logit", [n, x]) => ("binomial", vec![*n, logistic(*x)]),
        ("poisson_log", [x]) => ("poisson", vec![x.exp()]),
        ("neg_binomial_2_log", [x, phi]) => ("neg_binomial_2", vec![x.exp(), *phi]),
        _ => (stem, numbers.to_vec()),
    }
}

fn weights(stem: &str, theta: &Value) -> Vec<f64> {
    let numbers = theta.numbers().unwrap_or_default();
    if stem == "categorical" {
        return numbers.to_vec();
    }
    let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    numbers.iter().map(|number| (number - high).exp()).collect()
}
