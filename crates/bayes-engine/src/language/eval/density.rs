//! Distributions: statements and `_lpdf`, `_lpmf` calls.

use super::super::ast::{Base, Expression, Type};
use super::super::tape::Op;
use super::super::value::Value;
use super::super::{Code, Diagnostic, Span};
use super::call::VECTOR;
use super::expression::{mismatch, nearest};
use super::{Evaluated, Evaluator};

/// Distributions of one number: name, operation, parameters, whether outcomes are whole.
pub(crate) const SCALAR: [(&str, Op, usize, bool); 20] = [
    ("normal", Op::Normal, 2, false),
    ("cauchy", Op::Cauchy, 2, false),
    ("student_t", Op::StudentT, 3, false),
    ("logistic", Op::Logistic, 2, false),
    ("double_exponential", Op::DoubleExponential, 2, false),
    ("lognormal", Op::Lognormal, 2, false),
    ("gamma", Op::Gamma, 2, false),
    ("inv_gamma", Op::InvGamma, 2, false),
    ("exponential", Op::Exponential, 1, false),
    ("weibull", Op::Weibull, 2, false),
    ("beta", Op::Beta, 2, false),
    ("uniform", Op::Uniform, 2, false),
    ("bernoulli", Op::Bernoulli, 1, true),
    ("bernoulli_logit", Op::BernoulliLogit, 1, true),
    ("binomial", Op::Binomial, 2, true),
    ("binomial_logit", Op::BinomialLogit, 2, true),
    ("poisson", Op::Poisson, 1, true),
    ("poisson_log", Op::PoissonLog, 1, true),
    ("neg_binomial_2", Op::NegBinomial2, 2, true),
    ("neg_binomial_2_log", Op::NegBinomial2, 2, true),
];

/// Distributions of several numbers, or with a shape of their own.
pub(crate) const OTHER: [&str; 10] = [
    "std_normal",
    "categorical",
    "categorical_logit",
    "dirichlet",
    "multi_normal",
    "multi_normal_cholesky",
    "lkj_corr_cholesky",
    "normal_id_glm",
    "bernoulli_logit_glm",
    "poisson_log_glm",
];

impl<'model> Evaluator<'model> {
    /// `outcome ~ name(arguments)`.
    pub(super) fn distribute(
        &mut self,
        outcome: &'model Expression,
        name: &'model str,
        arguments: &'model [Expression],
        span: Span,
    ) -> Evaluated<()> {
        self.in_model("~", span)?;
        let mut values = vec![self.value(outcome)?];
        values.extend(self.values(arguments)?);
        self.term(outcome, name, &values, span)
    }

    /// The log density of each observation, by the model's own function or a known distribution.
    pub(super) fn log_density(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Value> {
        let is_whole = values.first().is_some_and(Value::is_int);
        for suffix in if is_whole { ["_lpmf", "_lpdf"] } else { ["_lpdf", "_lpmf"] } {
            let own = format!("{name}{suffix}");
            if self.functions.contains_key(own.as_str()) {
                let value = self.call_own(&own, values.to_vec(), span)?;
                return Ok(value.unwrap_or_else(|| Value::real(0.0)));
            }
        }
        self.density(name, values, span)?.ok_or_else(|| refused(name, values, span))
    }

    pub(super) fn density_call(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let Some(stem) = stem(name) else { return Ok(None) };
        let Some(each) = self.density(stem, values, span)? else {
            return Err(refused(stem, values, span));
        };
        Ok(Some(self.sum(&each)))
    }

    /// The log density of each outcome; `None` for an unknown distribution or wrong arguments.
    fn density(&mut self, name: &str, values: &[Value], span: Span) -> Evaluated<Option<Value>> {
        let known = SCALAR.iter().find(|(known, ..)| *known == name);
        if let Some((_, op, parameters, is_whole)) = known {
            if values.len() != parameters + 1 {
                return Ok(None);
            }
            if *is_whole && !values[0].is_int() {
                let rule = format!("outcomes of `{name}` are whole numbers");
                return Err(mismatch(span, &rule, &[&values[0]]).with_fix("declare them as int"));
            }
            let mut values = values.to_vec();
            if name == "neg_binomial_2_log" {
                values[1] = self.vectorised(Op::Exp, &[&values[1]], span)?;
            }
            return self.scalar_density(*op, &values, span).map(Some);
        }
        self.other_density(name, values, span)
    }

    fn scalar_density(&mut self, op: Op, values: &[Value], span: Span) -> Evaluated<Value> {
        let mut inputs: Vec<Value> = values.to_vec();
        let one = Value::real(1.0);
        match op {
            Op::Poisson | Op::PoissonLog | Op::NegBinomial2 => {
                let raised = self.vectorised(Op::Add, &[&values[0], &one], span)?;
                inputs.push(self.vectorised(Op::Lgamma, &[&raised], span)?);
            }
            Op::Binomial | Op::BinomialLogit => {
                inputs.push(self.lchoose(&values[1], &values[0], span)?);
            }
            _ => {}
        }
        let lists: Vec<&Value> = inputs.iter().collect();
        let kernel = self.vectorised(op, &lists, span)?;
        let norm = match op {
            Op::Gamma | Op::InvGamma => {
                self.vectorised(Op::GammaNorm, &[&values[1], &values[2]], span)?
            }
            Op::StudentT => self.vectorised(Op::StudentNorm, &[&values[1]], span)?,
            Op::Beta => {
                let beta = self.vectorised(Op::Lbeta, &[&values[1], &values[2]], span)?;
                return self.vectorised(Op::Subtract, &[&kernel, &beta], span);
            }
            _ => return Ok(kernel),
        };
        self.vectorised(Op::Add, &[&kernel, &norm], span)
    }

    fn other_density(
        &mut self,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<Option<Value>> {
        let found = match (name, values) {
            ("std_normal", [y]) => {
                self.vectorised(Op::Normal, &[y, &Value::real(0.0), &Value::real(1.0)], span)?
            }
            ("categorical", [y, theta]) if y.is_int() => {
                let logs = self.each(Op::Log, &[theta], span)?;
                self.chosen_logs(y, &logs, span)?
            }
            ("categorical_logit", [y, eta]) if y.is_int() => {
                let total = self.log_sum_exp(eta);
                let logs = self.each(Op::Subtract, &[eta, &total], span)?;
                self.chosen_logs(y, &logs, span)?
            }
            ("dirichlet", [theta, alpha]) => self.dirichlet(theta, alpha, span)?,
            ("multi_normal", [y, mu, sigma]) => {
                let factor = self.cholesky(sigma, span)?;
                self.multi_normal(y, mu, &factor, span)?
            }
            ("multi_normal_cholesky", [y, mu, factor]) => self.multi_normal(y, mu, factor, span)?,
            ("lkj_corr_cholesky", [factor, eta]) => self.lkj(factor, eta, span)?,
            ("normal_id_glm", [y, x, alpha, beta, sigma]) => {
                let mean = self.linear(x, alpha, beta, span)?;
                self.vectorised(Op::Normal, &[y, &mean, sigma], span)?
            }
            ("bernoulli_logit_glm", [y, x, alpha, beta]) if y.is_int() => {
                let eta = self.linear(x, alpha, beta, span)?;
                self.vectorised(Op::BernoulliLogit, &[y, &eta], span)?
            }
            ("poisson_log_glm", [y, x, alpha, beta]) if y.is_int() => {
                let eta = self.linear(x, alpha, beta, span)?;
                self.scalar_density(Op::PoissonLog, &[y.clone(), eta], span)?
            }
            _ => return Ok(None),
        };
        Ok(Some(found))
    }

    pub(super) fn linear(
        &mut self,
        x: &Value,
        alpha: &Value,
        beta: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        let product = self.multiply(x, beta, span)?;
        self.each(Op::Add, &[&product, alpha], span)
    }

    fn chosen_logs(&mut self, y: &Value, logs: &Value, span: Span) -> Evaluated<Value> {
        let numbers = y.numbers().unwrap_or_default();
        let mut parts = Vec::with_capacity(numbers.len());
        for number in numbers {
            let at = Self::natural(&Value::int(*number), span)?;
            if at == 0 || at > logs.len() {
                let message = format!("category {at} is outside 1..{}", logs.len());
                return Err(Diagnostic::new(Code::DataConstraint, span, message)
                    .with_fix("number the categories from 1"));
            }
            parts.push(logs.element(at - 1));
        }
        Ok(self.joined(VECTOR, vec![parts.len()], &parts))
    }

    fn dirichlet(&mut self, theta: &Value, alpha: &Value, span: Span) -> Evaluated<Value> {
        if theta.kind.arrays + alpha.kind.arrays > 0 {
            let rows = if theta.kind.arrays > 0 { theta.dims[0] } else { alpha.dims[0] };
            let row = |value: &Value, at: usize| {
                if value.kind.arrays == 0 {
                    Some(value.clone())
                } else {
                    (at < value.dims[0]).then(|| value.part(at))
                }
            };
            let mut terms = Vec::with_capacity(rows);
            for at in 0..rows {
                let (Some(theta), Some(alpha)) = (row(theta, at), row(alpha, at)) else {
                    return Err(mismatch(span, "sizes differ", &[theta, alpha]));
                };
                terms.push(self.dirichlet(&theta, &alpha, span)?);
            }
            return Ok(self.joined(VECTOR, vec![rows], &terms));
        }
        if theta.len() != alpha.len() || theta.dims.len() != 1 {
            return Err(mismatch(span, "sizes differ", &[theta, alpha]));
        }
        let lesser = self.vectorised(Op::Subtract, &[alpha, &Value::real(1.0)], span)?;
        let logs = self.vectorised(Op::Log, &[theta], span)?;
        let kernel = self.dot(&lesser, &logs);
        let total = self.sum(alpha);
        let total = self.each(Op::Lgamma, &[&total], span)?;
        let each = self.vectorised(Op::Lgamma, &[alpha], span)?;
        let each = self.sum(&each);
        let norm = self.each(Op::Subtract, &[&total, &each], span)?;
        self.each(Op::Add, &[&kernel, &norm], span)
    }

    fn multi_normal(
        &mut self,
        y: &Value,
        mu: &Value,
        factor: &Value,
        span: Span,
    ) -> Evaluated<Value> {
        let size = Self::square(factor, span)?;
        let count = |value: &Value| if value.kind.arrays == 1 { value.dims[0] } else { 1 };
        let rows = count(y).max(count(mu));
        if count(y) * count(mu) == 0 {
            return Ok(Value::real(0.0));
        }
        let vector = |value: &Value, at: usize| {
            let one = if value.kind.arrays == 1 {
                value.part(at.min(value.dims[0] - 1))
            } else {
                value.clone()
            };
            (one.len() == size && one.dims.len() == 1)
                .then(|| one.reshaped(Base::Vector, 0, vec![size]))
                .ok_or_else(|| mismatch(span, "sizes differ", &[value, factor]))
        };
        let places: Vec<usize> = (0..size).map(|at| at * (size + 1)).collect();
        let diagonal = factor.gathered(VECTOR, vec![size], &places);
        let logs = self.each(Op::Log, &[&diagonal], span)?;
        let half = self.sum(&logs);
        let constant = Value::real(-0.5 * size as f64 * (2.0 * std::f64::consts::PI).ln());
        let norm = self.each(Op::Subtract, &[&constant, &half], span)?;
        let mut terms = Vec::with_capacity(rows);
        for at in 0..rows {
            let (y, mu) = (vector(y, at)?, vector(mu, at)?);
            let difference = self.each(Op::Subtract, &[&y, &mu], span)?;
            let z = self.solve_lower(factor, &difference, span)?;
            let square = self.dot(&z, &z);
            let kernel = self.each(Op::Multiply, &[&Value::real(-0.5), &square], span)?;
            terms.push(self.each(Op::Add, &[&kernel, &norm], span)?);
        }
        Ok(self.joined(VECTOR, vec![rows], &terms))
    }

    /// Normalised over Cholesky factors of correlation matrices.
    fn lkj(&mut self, factor: &Value, eta: &Value, span: Span) -> Evaluated<Value> {
        let size = factor.dims.first().copied().unwrap_or(0);
        if factor.dims != [size, size] || !eta.is_scalar() {
            return Err(mismatch(
                span,
                "a square factor and one number are wanted",
                &[factor, eta],
            ));
        }
        let shape = self.each(Op::Subtract, &[eta, &Value::real(1.0)], span)?;
        let twice = self.each(Op::Multiply, &[&shape, &Value::real(2.0)], span)?;
        let mut total = Value::real(0.0);
        for k in 1..size {
            let log = self.each(Op::Log, &[&factor.element(k * (size + 1))], span)?;
            let power = self.each(Op::Add, &[&twice, &Value::real((size - k - 1) as f64)], span)?;
            let term = self.each(Op::Multiply, &[&log, &power], span)?;
            total = self.each(Op::Add, &[&total, &term], span)?;
            // row k is a point on a half sphere: sum of one beta function for each of its entries
            for before in 0..k {
                let left = (size - 1 - k) as f64;
                let a = self.each(
                    Op::Add,
                    &[eta, &Value::real(0.5 * (left + (k - before - 1) as f64))],
                    span,
                )?;
                let norm = self.each(Op::Lbeta, &[&a, &Value::real(0.5)], span)?;
                total = self.each(Op::Subtract, &[&total, &norm], span)?;
            }
        }
        Ok(total)
    }

    /// An operation on lists of one length, whatever their types; the result is a vector.
    pub(super) fn vectorised(&mut self, op: Op, values: &[&Value], span: Span) -> Evaluated<Value> {
        let model = values.iter().copied().find(|value| !value.is_scalar());
        let Some(model) = model else {
            return Ok(self.mapped(op, values, Type { base: Base::Real, arrays: 0 }, Vec::new()));
        };
        let is_wrong = |value: &&&Value| {
            !value.is_scalar() && (value.dims.len() != 1 || value.len() != model.len())
        };
        if let Some(wrong) = values.iter().find(is_wrong) {
            let error = mismatch(
                span,
                "arguments are single numbers or lists of one length",
                &[model, wrong],
            );
            return Err(error.with_fix("make the lengths agree; use to_vector for matrices"));
        }
        Ok(self.mapped(op, values, VECTOR, model.dims.clone()))
    }
}

/// The distribution behind `normal_lpdf`.
pub(crate) fn stem(name: &str) -> Option<&str> {
    ["_lpdf", "_lpmf", "_lupdf", "_lupmf"].iter().find_map(|suffix| name.strip_suffix(suffix))
}

/// Why a distribution is none.
fn refused(name: &str, values: &[Value], span: Span) -> Diagnostic {
    let all = || SCALAR.iter().map(|(known, ..)| *known).chain(OTHER);
    if all().any(|known| known == name) {
        let met: Vec<&Value> = values.iter().collect();
        return mismatch(span, &format!("`{name}` takes other arguments"), &met);
    }
    let shown: String = name.chars().take(60).collect();
    let fix = nearest(name, all()).map_or_else(
        || "write its log density with target += in terms of functions".to_owned(),
        |near| format!("did you mean `{near}`?"),
    );
    let message = format!("distribution `{shown}` is not in the supported subset");
    Diagnostic::new(Code::Unsupported, span, message).with_fix(fix)
}
