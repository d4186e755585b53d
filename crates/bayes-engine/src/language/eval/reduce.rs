//! Functions that make one number of many.

use super::super::ast::Base;
use super::super::tape::{Op, Step};
use super::super::value::{Cells, Value};
use super::super::{Code, Diagnostic, Span};
use super::expression::mismatch;
use super::{Evaluated, Evaluator};

impl Evaluator<'_> {
    pub(super) fn reduce(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let value = match (name, values) {
            ("sum", [value]) => self.sum(value),
            ("prod", [value]) => self.folded(Op::Multiply, value, 1.0),
            ("mean", [value]) => self.mean(value, span)?,
            ("variance", [value]) => self.variance(value, span)?,
            ("sd", [value]) => {
                let variance = self.variance(value, span)?;
                self.each(Op::Sqrt, &[&variance], span)?
            }
            ("min", [value]) => self.extreme(Op::Fmin, value, f64::INFINITY, span)?,
            ("max", [value]) => self.extreme(Op::Fmax, value, f64::NEG_INFINITY, span)?,
            ("min" | "max", [left, right]) if left.is_int() && right.is_int() => {
                let op = if name == "min" { Op::Fmin } else { Op::Fmax };
                let found = self.each(op, &[left, right], span)?;
                Value { kind: left.kind, ..found }
            }
            ("log_sum_exp", [value]) => self.log_sum_exp(value),
            ("log_sum_exp", [left, right]) => self.each(Op::LogSumExp, &[left, right], span)?,
            ("log_mix", [shares, logs]) => self.log_mixture(shares, logs, span)?,
            ("log_mix", [share, one, other]) => self.log_mix(share, one, other, span)?,
            ("dot_product", [left, right]) => {
                if left.len() != right.len() {
                    return Err(mismatch(span, "sizes differ", &[left, right]));
                }
                self.dot(left, right)
            }
            ("dot_self", [value]) => self.dot(value, value),
            ("squared_distance" | "distance", [left, right]) => {
                let difference = self.vectorised(Op::Subtract, &[left, right], span)?;
                let square = self.dot(&difference, &difference);
                if name == "distance" { self.each(Op::Sqrt, &[&square], span)? } else { square }
            }
            ("cumulative_sum", [value]) => self.cumulative_sum(value),
            ("lchoose" | "log_falling_factorial", [n, k]) if name == "lchoose" => {
                self.lchoose(n, k, span)?
            }
            ("softmax" | "log_softmax", [value]) if value.kind.arrays > 0 => {
                let mut parts = Vec::new();
                for at in 0..value.dims.first().copied().unwrap_or(0) {
                    let part = value.part(at);
                    parts.extend(self.reduce(name, &[part], span)?);
                }
                self.joined(value.kind, value.dims.clone(), &parts)
            }
            ("softmax" | "log_softmax", [value])
                if matches!(value.kind.base, Base::Vector | Base::RowVector) =>
            {
                let total = self.log_sum_exp(value);
                let logs = self.each(Op::Subtract, &[value, &total], span)?;
                if name == "softmax" { self.each(Op::Exp, &[&logs], span)? } else { logs }
            }
            _ => return Ok(None),
        };
        Ok(Some(value))
    }

    pub(super) fn sum(&mut self, value: &Value) -> Value {
        let kind = value.element_kind();
        match &value.cells {
            Cells::Number(_) | Cells::Cell(_) => value.clone(),
            Cells::Known(numbers) => {
                Value { kind, dims: Vec::new(), cells: Cells::Number(numbers.iter().sum()) }
            }
            Cells::Traced(cells) => {
                let out = self.trace.push(Step::Sum, vec![cells.clone()], 1);
                Value::scalar(Cells::Cell(out))
            }
        }
    }

    pub(super) fn log_sum_exp(&mut self, value: &Value) -> Value {
        if let Some(numbers) = value.numbers() {
            let high = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let total = if high.is_infinite() {
                high
            } else {
                high + numbers.iter().map(|number| (number - high).exp()).sum::<f64>().ln()
            };
            return Value::real(total);
        }
        let inputs = vec![self.cells(value).into()];
        Value::scalar(Cells::Cell(self.trace.push(Step::LogSumExp, inputs, 1)))
    }

    /// The operation from element to element.
    fn folded(&mut self, op: Op, value: &Value, start: f64) -> Value {
        let kind = value.element_kind();
        let mut all = Value { kind, ..Value::real(start) };
        for (place, element) in value.elements().into_iter().enumerate() {
            all = if place == 0 {
                element
            } else {
                self.mapped(op, &[&all, &element], kind, Vec::new())
            };
        }
        all
    }

    fn extreme(&mut self, op: Op, value: &Value, empty: f64, span: Span) -> Evaluated<Value> {
        if value.len() == 0 && value.is_int() {
            return Err(Diagnostic::new(Code::Numeric, span, "no numbers to choose from")
                .with_fix("give at least one number"));
        }
        Ok(self.folded(op, value, empty))
    }

    fn mean(&mut self, value: &Value, span: Span) -> Evaluated<Value> {
        let sum = self.sum(value);
        let count = Value::real(value.len() as f64);
        let sum = Value { kind: count.kind, ..sum };
        self.each(Op::Divide, &[&sum, &count], span)
    }

    fn variance(&mut self, value: &Value, span: Span) -> Evaluated<Value> {
        if value.len() <= 1 {
            return Ok(Value::real(0.0));
        }
        let mean = self.mean(value, span)?;
        let deviations = self.vectorised(Op::Subtract, &[value, &mean], span)?;
        let squares = self.dot(&deviations, &deviations);
        self.each(Op::Divide, &[&squares, &Value::real(value.len() as f64 - 1.0)], span)
    }

    fn log_mix(
        &mut self,
        share: &Value,
        one: &Value,
        other: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        let log = self.each(Op::Log, &[share], span)?;
        let rest = self.each(Op::Log1m, &[share], span)?;
        let left = self.each(Op::Add, &[&log, one], span)?;
        let right = self.each(Op::Add, &[&rest, other], span)?;
        self.each(Op::LogSumExp, &[&left, &right], span)
    }

    /// The log of a mixture's density: shares, and log densities of its parts for one or several outcomes.
    fn log_mixture(&mut self, shares: &Value, logs: &Value, span: Span) -> Evaluated<Value> {
        let weights = self.vectorised(Op::Log, &[shares], span)?;
        let is_many = logs.kind.arrays > 0 && logs.dims.len() > 1;
        let rows: Vec<Value> = if is_many {
            (0..logs.dims[0]).map(|at| logs.part(at)).collect()
        } else {
            vec![logs.clone()]
        };
        let mut total = Value::real(0.0);
        for row in &rows {
            let sum = self.vectorised(Op::Add, &[&weights, row], span)?;
            let mixed = self.log_sum_exp(&sum);
            total = self.each(Op::Add, &[&total, &mixed], span)?;
        }
        Ok(total)
    }

    fn cumulative_sum(&mut self, value: &Value) -> Value {
        let mut sums: Vec<Value> = Vec::with_capacity(value.len());
        for element in value.elements() {
            let next = match sums.last() {
                Some(last) => {
                    let kind = element.kind;
                    self.mapped(Op::Add, &[last, &element], kind, Vec::new())
                }
                None => element,
            };
            sums.push(next);
        }
        self.joined(value.kind, value.dims.clone(), &sums)
    }

    /// `ln n! / (k! (n - k)!)`.
    pub(super) fn lchoose(&mut self, n: &Value, k: &Value, span: Span) -> Evaluated<Value> {
        let one = Value::real(1.0);
        let rest = self.vectorised(Op::Subtract, &[n, k], span)?;
        let mut logs = Vec::with_capacity(3);
        for part in [n, k, &rest] {
            let raised = self.vectorised(Op::Add, &[part, &one], span)?;
            logs.push(self.vectorised(Op::Lgamma, &[&raised], span)?);
        }
        let mut all = logs.remove(0);
        for log in &logs {
            all = self.vectorised(Op::Subtract, &[&all, log], span)?;
        }
        Ok(all)
    }
}
