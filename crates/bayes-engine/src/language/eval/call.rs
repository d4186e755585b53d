//! Calls: of the model's own functions, and of the language's.

use super::super::ast::{Base, Expression, ExpressionKind, Function, Type};
use super::super::tape::Op;
use super::super::value::{Cells, Value};
use super::super::{Code, Diagnostic, Span};
use super::expression::{mismatch, nearest};
use super::{Evaluated, Evaluator, Flow, MAX_CALLS};

/// Functions of each element.
pub(crate) const UNARY: [(&str, Op); 39] = [
    ("exp", Op::Exp),
    ("exp2", Op::Exp2),
    ("expm1", Op::Expm1),
    ("log", Op::Log),
    ("log2", Op::Log2),
    ("log10", Op::Log10),
    ("log1p", Op::Log1p),
    ("log1m", Op::Log1m),
    ("log1p_exp", Op::Log1pExp),
    ("log1m_exp", Op::Log1mExp),
    ("sqrt", Op::Sqrt),
    ("cbrt", Op::Cbrt),
    ("square", Op::Square),
    ("inv", Op::Inv),
    ("inv_sqrt", Op::InvSqrt),
    ("abs", Op::Abs),
    ("floor", Op::Floor),
    ("ceil", Op::Ceil),
    ("round", Op::Round),
    ("trunc", Op::Trunc),
    ("sin", Op::Sin),
    ("cos", Op::Cos),
    ("tan", Op::Tan),
    ("asin", Op::Asin),
    ("acos", Op::Acos),
    ("atan", Op::Atan),
    ("sinh", Op::Sinh),
    ("cosh", Op::Cosh),
    ("tanh", Op::Tanh),
    ("inv_logit", Op::InvLogit),
    ("log_inv_logit", Op::LogInvLogit),
    ("logit", Op::Logit),
    ("Phi", Op::Phi),
    ("inv_Phi", Op::InvPhi),
    ("erf", Op::Erf),
    ("erfc", Op::Erfc),
    ("lgamma", Op::Lgamma),
    ("digamma", Op::Digamma),
    ("minus", Op::Negate),
];

/// Functions of two numbers, element by element.
pub(crate) const BINARY: [(&str, Op); 8] = [
    ("fmin", Op::Fmin),
    ("fmax", Op::Fmax),
    ("atan2", Op::Atan2),
    ("log_diff_exp", Op::LogDiffExp),
    ("lbeta", Op::Lbeta),
    ("pow", Op::Power),
    ("add", Op::Add),
    ("subtract", Op::Subtract),
];

impl<'model> Evaluator<'model> {
    pub(super) fn call(
        &mut self,
        name: &'model str,
        arguments: &'model [Expression],
        span: Span,
    ) -> Evaluated<Value> {
        let values = self.values(arguments)?;
        let own = name.replace("_lupdf", "_lpdf").replace("_lupmf", "_lpmf");
        if self.functions.contains_key(own.as_str())
            && (self.fitting(&own, &values).is_some() || !is_known(name))
        {
            let value = self.call_own(&own, values, span)?;
            return value.ok_or_else(|| {
                Diagnostic::new(Code::Type, span, format!("`{name}` returns nothing"))
                    .with_fix("call it as a statement of its own")
            });
        }
        self.built_in(name, &values, span)
    }

    /// A call as a statement.
    pub(super) fn call_statement(&mut self, call: &'model Expression) -> Evaluated<()> {
        if let ExpressionKind::Call(name, arguments) = &call.kind {
            if self.functions.contains_key(name.as_str()) {
                let values = self.values(arguments)?;
                self.call_own(name, values, call.span)?;
                return Ok(());
            }
        }
        self.value(call).map(drop)
    }

    /// The function of the model that takes the values with the fewest promotions.
    fn fitting(&self, name: &str, values: &[Value]) -> Option<&'model Function> {
        let takes = |function: &&&'model Function| {
            function.arguments.len() == values.len()
                && function
                    .arguments
                    .iter()
                    .zip(values)
                    .all(|(argument, value)| value.clone().promoted(argument.kind).is_some())
        };
        let promotions = |function: &&&'model Function| {
            let pairs = function.arguments.iter().zip(values);
            pairs.filter(|(argument, value)| argument.kind != value.kind).count()
        };
        self.functions.get(name)?.iter().filter(takes).min_by_key(promotions).copied()
    }

    /// Runs a function of the model on values.
    pub(super) fn call_own(
        &mut self,
        name: &str,
        values: Vec<Value>,
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let Some(function) = self.fitting(name, &values) else {
            let met: Vec<&Value> = values.iter().collect();
            return Err(mismatch(span, &format!("`{name}` takes other arguments"), &met));
        };
        if self.calls >= MAX_CALLS {
            let message = format!("`{name}` is called more than {MAX_CALLS} deep");
            return Err(Diagnostic::new(Code::Limit, span, message)
                .with_fix("write the recursion as a loop"));
        }
        let (depth, base) = (self.names.len(), self.base);
        for (argument, value) in function.arguments.iter().zip(values) {
            if argument.is_data && !value.is_known() {
                let rule = format!("argument `{}` of `{name}` is data only", argument.name);
                return Err(mismatch(span, &rule, &[&value]));
            }
            let value = value.promoted(argument.kind).unwrap_or_else(|| Value::real(f64::NAN));
            self.names.push((&argument.name, value));
        }
        self.base = depth;
        self.calls += 1;
        let flow = function.body.as_ref().map_or(Ok(Flow::Next), |body| self.run(body))?;
        self.calls -= 1;
        self.base = base;
        self.names.truncate(depth);
        match (flow, function.returns) {
            (Flow::Return(Some(value)), Some(kind)) => {
                let met = value.clone();
                value.promoted(kind).map(Some).ok_or_else(|| {
                    mismatch(span, &format!("`{name}` returns another type"), &[&met])
                })
            }
            (_, None) => Ok(None),
            (_, Some(_)) => {
                Err(Diagnostic::new(Code::Type, span, format!("`{name}` ended without a value"))
                    .with_fix("return a value on every path"))
            }
        }
    }

    /// A function of the language.
    fn built_in(&mut self, name: &str, values: &[Value], span: Span) -> Evaluated<Value> {
        if let [value] = values {
            if let Some(value) = self.unary_call(name, value, span)? {
                return Ok(value);
            }
        }
        if let [left, right] = values {
            if let Some((_, op)) = BINARY.iter().find(|(known, _)| *known == name) {
                if *op == Op::Power {
                    return self.power(left, right, span);
                }
                return self.each(*op, &[left, right], span);
            }
        }
        if let Some(value) = Self::constant_call(name, values) {
            return Ok(value);
        }
        if let Some(value) = self.reduce(name, values, span)? {
            return Ok(value);
        }
        if let Some(value) = self.shape_call(name, values, span)? {
            return Ok(value);
        }
        if let Some(value) = self.algebra_call(name, values, span)? {
            return Ok(value);
        }
        if let Some(value) = self.mass_call(name, values, span)? {
            return Ok(value);
        }
        if let Some(value) = self.density_call(name, values, span)? {
            return Ok(value);
        }
        if let Some(value) = self.random_call(name, values, span)? {
            return Ok(value);
        }
        Err(self.refused_call(name, values, span))
    }

    fn unary_call(&mut self, name: &str, value: &Value, span: Span) -> Evaluated<Option<Value>> {
        let applied = match name {
            "tgamma" => {
                let log = self.each(Op::Lgamma, &[value], span)?;
                self.each(Op::Exp, &[&log], span)?
            }
            "log1m_inv_logit" => {
                let turned = self.each(Op::Negate, &[value], span)?;
                self.each(Op::LogInvLogit, &[&turned], span)?
            }
            "inv_square" => {
                let squared = self.each(Op::Square, &[value], span)?;
                self.each(Op::Inv, &[&squared], span)?
            }
            "Phi_approx" => {
                let cube = self.each(Op::Power, &[value, &Value::real(3.0)], span)?;
                let cube = self.each(Op::Multiply, &[&cube, &Value::real(0.070_565_99)], span)?;
                let linear = self.each(Op::Multiply, &[value, &Value::real(1.597_614_8)], span)?;
                let sum = self.each(Op::Add, &[&cube, &linear], span)?;
                self.each(Op::InvLogit, &[&sum], span)?
            }
            "to_int" => {
                let Some(numbers) = value.numbers() else {
                    return Err(mismatch(span, "`to_int` takes data", &[value]));
                };
                let kind = Type { base: Base::Int, arrays: value.kind.arrays };
                let whole = numbers.iter().map(|number| number.trunc()).collect();
                Value::known(kind, value.dims.clone(), whole)
            }
            "int_step" => match value.cells {
                Cells::Number(number) => Value::int(if number > 0.0 { 1.0 } else { 0.0 }),
                _ => return Err(super::on_parameters(span)),
            },
            _ => {
                let Some((_, op)) = UNARY.iter().find(|(known, _)| *known == name) else {
                    return Ok(None);
                };
                let is_int = *op == Op::Abs && value.is_int();
                let applied = self.each(*op, &[value], span)?;
                if is_int { Value { kind: value.kind, ..applied } } else { applied }
            }
        };
        Ok(Some(applied))
    }

    fn constant_call(name: &str, values: &[Value]) -> Option<Value> {
        if !values.is_empty() {
            return None;
        }
        Some(Value::real(match name {
            "pi" => std::f64::consts::PI,
            "e" => std::f64::consts::E,
            "sqrt2" => std::f64::consts::SQRT_2,
            "log2" => std::f64::consts::LN_2,
            "log10" => std::f64::consts::LN_10,
            "positive_infinity" => f64::INFINITY,
            "negative_infinity" => f64::NEG_INFINITY,
            "not_a_number" => f64::NAN,
            "machine_precision" => f64::EPSILON,
            _ => return None,
        }))
    }

    /// Why a call is no call of the language.
    fn refused_call(&self, name: &str, values: &[Value], span: Span) -> Diagnostic {
        let met: Vec<&Value> = values.iter().collect();
        if is_known(name) {
            return mismatch(span, &format!("`{name}` takes other arguments"), &met);
        }
        let shown: String = name.chars().take(60).collect();
        let own = self.functions.keys().copied().map(str::to_owned);
        let all: Vec<String> = own.chain(super::super::names::all().map(str::to_owned)).collect();
        let near = nearest(name, all.iter().map(String::as_str));
        let fix = near.map_or_else(
            || "write it as a function in the functions block".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let message = format!("function `{shown}` is not in the supported subset");
        Diagnostic::new(Code::Unsupported, span, message).with_fix(fix)
    }
}

/// Whether the language has a function of this name.
pub(crate) fn is_known(name: &str) -> bool {
    super::super::names::all().any(|known| known == name)
}

/// The type of a plain real vector.
pub(super) const VECTOR: Type = Type { base: Base::Vector, arrays: 0 };
/// The type of a plain row.
pub(super) const ROW: Type = Type { base: Base::RowVector, arrays: 0 };
/// The type of a plain matrix.
pub(super) const MATRIX: Type = Type { base: Base::Matrix, arrays: 0 };
