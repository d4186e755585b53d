//! Cumulative distributions.

use super::super::tape::Op;
use super::super::value::Value;
use super::super::{Code, Diagnostic, Span};
use super::expression::mismatch;
use super::{Evaluated, Evaluator};
use crate::distribution::{Distribution, Family};

impl Evaluator<'_> {
    pub(super) fn mass_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        // the longest suffix first: `_lcdf` ends in `_cdf`'s letters but for one
        let found = ["_lccdf", "_lcdf", "_cdf"]
            .iter()
            .find_map(|suffix| name.strip_suffix(suffix).map(|stem| (stem, *suffix)));
        let Some((stem, suffix)) = found else { return Ok(None) };
        let value = if values.iter().all(Value::is_known) {
            Self::known_masses(stem, suffix, values, span)?
        } else {
            let Some(value) = self.traced_mass(stem, suffix, values, span)? else {
                return Ok(None);
            };
            value
        };
        let total = self.sum(&value);
        Ok(Some(if suffix == "_cdf" { self.each(Op::Exp, &[&total], span)? } else { total }))
    }

    /// The log of the mass on one side, of known numbers: the sum over lists.
    fn known_masses(stem: &str, suffix: &str, values: &[Value], span: Span) -> Evaluated<Value> {
        let lists: Vec<&[f64]> = values.iter().filter_map(Value::numbers).collect();
        let length = values.iter().find(|value| !value.is_scalar()).map_or(1, Value::len);
        if values.iter().any(|value| !value.is_scalar() && value.len() != length) {
            let all: Vec<&Value> = values.iter().collect();
            return Err(mismatch(span, "sizes differ", &all));
        }
        let mut total = 0.0;
        for at in 0..length {
            let one =
                |(value, list): (&Value, &&[f64])| list[if value.is_scalar() { 0 } else { at }];
            let row: Vec<f64> = values.iter().zip(&lists).map(one).collect();
            total += Self::known_mass(stem, suffix, &row, span)?;
        }
        Ok(Value::real(total))
    }

    fn known_mass(stem: &str, suffix: &str, numbers: &[f64], span: Span) -> Evaluated<f64> {
        let (x, parameters) = numbers.split_first().unwrap_or((&f64::NAN, &[]));
        let refuse = |error: crate::Error| {
            Diagnostic::new(Code::Numeric, span, error.message.clone()).with_fix(error.hint)
        };
        let family = Family::named(stem).map_err(refuse)?;
        if family.parameters.len() != parameters.len() {
            let message = format!("`{stem}` takes {}", family.parameter_text());
            return Err(Diagnostic::new(Code::Type, span, message).with_fix("give all parameters"));
        }
        let law = Distribution::of(family, parameters).map_err(refuse)?;
        let mass = law.mass(*x);
        Ok(if suffix == "_lccdf" { mass.upper.ln() } else { mass.lower.ln() })
    }

    /// The same as steps, for families whose mass is a function the tape has.
    fn traced_mass(
        &mut self,
        stem: &str,
        suffix: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let is_upper = suffix == "_lccdf";
        let value = match (stem, values) {
            ("normal" | "logistic" | "lognormal", [y, mu, sigma]) => {
                let y = if stem == "lognormal" {
                    self.vectorised(Op::Log, &[y], span)?
                } else {
                    y.clone()
                };
                let off = self.vectorised(Op::Subtract, &[&y, mu], span)?;
                let z = self.vectorised(Op::Divide, &[&off, sigma], span)?;
                let z = if is_upper { self.vectorised(Op::Negate, &[&z], span)? } else { z };
                let op = if stem == "logistic" { Op::LogInvLogit } else { Op::LogPhi };
                self.vectorised(op, &[&z], span)?
            }
            ("std_normal", [y]) => {
                let z = if is_upper { self.vectorised(Op::Negate, &[y], span)? } else { y.clone() };
                self.vectorised(Op::LogPhi, &[&z], span)?
            }
            ("exponential", [y, beta]) => {
                let product = self.vectorised(Op::Multiply, &[y, beta], span)?;
                self.survival(&product, is_upper, span)?
            }
            ("weibull", [y, alpha, sigma]) => {
                let ratio = self.vectorised(Op::Divide, &[y, sigma], span)?;
                let power = self.vectorised(Op::Power, &[&ratio, alpha], span)?;
                self.survival(&power, is_upper, span)?
            }
            _ => {
                let message =
                    format!("`{stem}{suffix}` of parameters is not in the supported subset");
                return Err(Diagnostic::new(Code::Unsupported, span, message).with_fix(
                    "use it on data, or a normal, logistic, lognormal, exponential or weibull",
                ));
            }
        };
        Ok(Some(value))
    }

    /// From the cumulative hazard.
    fn survival(&mut self, hazard: &Value, is_upper: bool, span: Span) -> Evaluated<Value> {
        let log = self.vectorised(Op::Negate, &[hazard], span)?;
        if is_upper { Ok(log) } else { self.vectorised(Op::Log1mExp, &[&log], span) }
    }
}
