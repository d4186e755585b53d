//! Terms of the target: added, left out, or replayed.

use super::super::Span;
use super::super::ast::{Expression, ExpressionKind};
use super::super::replay::{Outcome, Part, Wanted};
use super::super::value::{Cells, Value};
use super::random::OWN;
use super::{Evaluated, Evaluator, Phase, density_stem};
use crate::distribution::{Distribution, Family};

impl<'model> Evaluator<'model> {
    /// `outcome ~ name(..)`, or the same written as `target +=`.
    pub(super) fn term(
        &mut self,
        outcome: &'model Expression,
        name: &str,
        values: &[Value],
        span: Span,
    ) -> Evaluated<()> {
        let each = self.log_density(name, values, span)?;
        let is_data = values.first().is_some_and(Value::is_known);
        if self.phase == Phase::Model {
            if is_data {
                self.watch.data.insert(span.start);
                match self.watch.part {
                    Part::Prior => return Ok(()),
                    Part::Without { fold, folds } => {
                        self.add_rest(root(outcome), &values[0], &each, (fold, folds));
                        return Ok(());
                    }
                    _ => {}
                }
            }
            if !is_data && !values.iter().skip(1).all(Value::is_known) {
                self.watch.conditional.insert(span.start);
            }
            self.add_target(&each);
            return Ok(());
        }
        let is_conditional = self.watch.conditional.contains(&span.start);
        let is_observed = self.watch.data.contains(&span.start);
        let Some((replay, wanted)) = self.watch.replay.as_mut() else { return Ok(()) };
        let logs = each.numbers().unwrap_or_default();
        if is_conditional {
            return Ok(());
        }
        if !is_observed {
            replay.log_prior += logs.iter().sum::<f64>();
            return Ok(());
        }
        let wanted = *wanted;
        let (drawn, means) = self.replicate(name, values, wanted, span)?;
        let Some((replay, _)) = self.watch.replay.as_mut() else { return Ok(()) };
        let y = &values[0];
        let observed = y.numbers().unwrap_or_default();
        let found = replay.outcome(root(outcome));
        found.is_whole = y.is_int();
        // one number under many parameters is one observation
        if y.is_scalar() {
            found.log_lik.push(logs.iter().sum());
        } else {
            found.log_lik.extend_from_slice(logs);
        }
        found.observed.extend_from_slice(observed);
        found.drawn.extend(drawn);
        found.means.extend(means);
        Ok(())
    }

    /// Adds the terms of observations that are not left out.
    fn add_rest(&mut self, name: &str, y: &Value, each: &Value, (fold, folds): (usize, usize)) {
        // counted as a replay counts them
        let count = if y.is_scalar() { 1 } else { each.len() };
        let met = self.watch.met.entry(name.to_owned()).or_default();
        let first = *met;
        *met += count;
        let is_kept = |at: usize| (first + at) % folds.max(1) != fold;
        if y.is_scalar() {
            if is_kept(0) {
                self.add_target(each);
            }
            return;
        }
        for at in (0..count).filter(|at| is_kept(*at)) {
            let term = each.element(at);
            self.add_target(&term);
        }
    }

    /// `target += value` that is no density of one outcome.
    pub(super) fn loose_term(&mut self, expression: &'model Expression, value: &Value) {
        if self.phase == Phase::Model {
            if !value.is_known() && !self.is_of_parameters(expression) {
                self.watch.mixed.insert(expression.span.start);
            }
            self.add_target(value);
        } else if let Some((replay, _)) = self.watch.replay.as_mut() {
            replay.log_prior += value.numbers().unwrap_or_default().iter().sum::<f64>();
        }
    }

    /// The outcome and the distribution of `name_lpdf(outcome | ..)`.
    pub(super) fn density_of(
        expression: &'model Expression,
    ) -> Option<(&'model Expression, &'model str, &'model [Expression])> {
        let ExpressionKind::Call(name, arguments) = &expression.kind else { return None };
        Some((arguments.first()?, density_stem(name)?, arguments))
    }

    /// Whether an expression speaks of parameters and sizes alone.
    fn is_of_parameters(&self, expression: &Expression) -> bool {
        let mut is_so = true;
        names(expression, &mut |name| {
            let at = self.names.iter().rposition(|(known, _)| *known == name);
            is_so &= at.is_some_and(|at| {
                let value = &self.names[at].1;
                let is_size = value.is_int() && matches!(value.cells, Cells::Number(_));
                is_size || self.watch.parameters.contains(&at)
            });
        });
        is_so
    }

    /// New numbers in place of an outcome, and the means of their distributions.
    fn replicate(
        &mut self,
        name: &str,
        values: &[Value],
        wanted: Wanted,
        span: Span,
    ) -> Evaluated<(Vec<f64>, Vec<f64>)> {
        let size = values[0].len();
        if wanted == Wanted::default() {
            return Ok((Vec::new(), Vec::new()));
        }
        let unknown = vec![f64::NAN; size];
        let own = format!("{name}_rng");
        if self.functions.contains_key(own.as_str()) {
            let drawn = self.call_own(&own, values[1..].to_vec(), span)?;
            let drawn = drawn.as_ref().and_then(Value::numbers).map(<[f64]>::to_vec);
            return Ok((
                drawn.filter(|list| list.len() == size).unwrap_or(unknown.clone()),
                unknown,
            ));
        }
        match (name, &values[1..]) {
            ("normal_id_glm", [x, alpha, beta, sigma]) => {
                let mean = self.linear(x, alpha, beta, span)?;
                self.draw_each("normal", &[mean, sigma.clone()], size, wanted, span)
            }
            ("bernoulli_logit_glm", [x, alpha, beta]) => {
                let eta = self.linear(x, alpha, beta, span)?;
                self.draw_each("bernoulli_logit", &[eta], size, wanted, span)
            }
            ("poisson_log_glm", [x, alpha, beta]) => {
                let eta = self.linear(x, alpha, beta, span)?;
                self.draw_each("poisson_log", &[eta], size, wanted, span)
            }
            ("categorical" | "categorical_logit", [theta]) => {
                let mut drawn = Vec::with_capacity(size);
                for _ in 0..size {
                    drawn.push(self.drawn(&own, std::slice::from_ref(theta), span)?);
                }
                Ok((drawn.concat(), unknown))
            }
            ("multi_normal" | "multi_normal_cholesky", [mu, scale]) => {
                let is_list = |value: &Value| value.kind.arrays == 1;
                let rows = if is_list(&values[0]) { values[0].dims[0] } else { 1 };
                let (mut drawn, mut means) = (Vec::with_capacity(size), Vec::with_capacity(size));
                for at in 0..rows {
                    let mu = if is_list(mu) { mu.part(at) } else { mu.clone() };
                    means.extend_from_slice(mu.numbers().unwrap_or_default());
                    drawn.extend(self.drawn(&own, &[mu, scale.clone()], span)?);
                }
                Ok((drawn, means))
            }
            ("dirichlet", [_]) => Ok((self.drawn(&own, &values[1..], span)?, unknown)),
            (stem, parameters) if Family::named(stem).is_ok() || OWN.contains(&stem) => {
                self.draw_each(stem, parameters, size, wanted, span)
            }
            _ => Ok((unknown.clone(), unknown)),
        }
    }

    /// Numbers from a distribution of a parameter; none if it cannot be drawn from.
    pub(crate) fn prior_draw(
        &mut self,
        stem: &str,
        arguments: &'model [Expression],
        size: usize,
    ) -> Evaluated<Option<Vec<f64>>> {
        let span = Span::default();
        let values = self.values(arguments)?;
        let own = format!("{stem}_rng");
        Ok(match stem {
            "multi_normal" | "multi_normal_cholesky" | "dirichlet" => {
                Some(self.drawn(&own, &values, span)?)
            }
            stem if Family::named(stem).is_ok() => {
                let wanted = Wanted { draws: true, means: false };
                Some(self.draw_each(stem, &values, size, wanted, span)?.0)
            }
            "lkj_corr_cholesky" => {
                let eta = values.first().and_then(Value::numbers).and_then(|list| list.first());
                let eta = eta.copied().unwrap_or(f64::NAN);
                Some(self.factor_draw(eta, size, span)?)
            }
            _ => None,
        }
        .filter(|numbers| numbers.len() == size && numbers.iter().all(|x| x.is_finite())))
    }

    /// The factor of a correlation matrix of `size` numbers: partial correlations are beta (Lewandowski,
    /// Kurowicka and Joe 2009).
    fn factor_draw(&mut self, eta: f64, size: usize, span: Span) -> Evaluated<Vec<f64>> {
        let rows = size.isqrt();
        let mut numbers = vec![0.0; rows * rows];
        for row in 0..rows {
            let mut left = 1.0_f64;
            for column in 0..row {
                let shape = eta + 0.5 * (rows as f64 - 2.0 - column as f64);
                let part = 2.0 * self.draw("beta", &[shape, shape], span)?.0 - 1.0;
                let entry = part * left.sqrt();
                numbers[column * rows + row] = entry;
                left -= entry * entry;
            }
            numbers[row * rows + row] = left.sqrt();
        }
        Ok(numbers)
    }

    fn drawn(&mut self, name: &str, values: &[Value], span: Span) -> Evaluated<Vec<f64>> {
        let value = self.random_call(name, values, span)?;
        Ok(value.as_ref().and_then(Value::numbers).unwrap_or_default().to_vec())
    }

    fn draw_each(
        &mut self,
        stem: &str,
        parameters: &[Value],
        size: usize,
        wanted: Wanted,
        span: Span,
    ) -> Evaluated<(Vec<f64>, Vec<f64>)> {
        let lists: Vec<&[f64]> =
            parameters.iter().map(|value| value.numbers().unwrap_or_default()).collect();
        let (mut drawn, mut means) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for at in 0..size {
            let pick = |list: &&[f64]| list.get(at).or(list.first()).copied().unwrap_or(f64::NAN);
            let numbers: Vec<f64> = lists.iter().map(pick).collect();
            if wanted.draws {
                drawn.push(self.draw(stem, &numbers, span)?.0);
            }
            if wanted.means {
                means.push(mean(stem, &numbers));
            }
        }
        Ok((drawn, means))
    }
}

/// The mean of a distribution, where it has one.
fn mean(stem: &str, numbers: &[f64]) -> f64 {
    let (name, numbers) = super::random::plain(stem, numbers);
    match (name, numbers.as_slice()) {
        ("normal" | "logistic" | "double_exponential" | "neg_binomial_2", [mu, _])
        | ("poisson" | "bernoulli", [mu]) => *mu,
        ("binomial", [trials, theta]) => trials * theta,
        (name, numbers) => {
            let law = Family::named(name).and_then(|family| Distribution::of(family, numbers));
            law.ok().and_then(|law| law.moments().mean).unwrap_or(f64::NAN)
        }
    }
}

/// The variable an outcome stands in.
fn root(expression: &Expression) -> &str {
    match &expression.kind {
        ExpressionKind::Name(name) => name,
        ExpressionKind::Index(base, _) | ExpressionKind::Transpose(base) => root(base),
        ExpressionKind::Unary(_, inner) => root(inner),
        ExpressionKind::Call(_, arguments) => arguments.first().map_or("outcome", root),
        ExpressionKind::Binary(_, left, _) => root(left),
        _ => "outcome",
    }
}

/// Tells every variable of an expression.
pub(crate) fn names<'text>(expression: &'text Expression, tell: &mut dyn FnMut(&'text str)) {
    use super::super::ast::Index;
    match &expression.kind {
        ExpressionKind::Name(name) => tell(name),
        ExpressionKind::Call(_, list) | ExpressionKind::Array(list) | ExpressionKind::Row(list) => {
            for part in list {
                names(part, tell);
            }
        }
        ExpressionKind::Index(base, indices) => {
            names(base, tell);
            for index in indices {
                match index {
                    Index::All => {}
                    Index::At(at) => names(at, tell),
                    Index::Range(from, to) => {
                        for end in from.iter().chain(to) {
                            names(end, tell);
                        }
                    }
                }
            }
        }
        ExpressionKind::Unary(_, inner) | ExpressionKind::Transpose(inner) => names(inner, tell),
        ExpressionKind::Binary(_, left, right) => {
            names(left, tell);
            names(right, tell);
        }
        ExpressionKind::Choose(condition, one, other) => {
            for part in [condition, one, other] {
                names(part, tell);
            }
        }
        ExpressionKind::Int(_) | ExpressionKind::Real(_) | ExpressionKind::Text(_) => {}
    }
}

impl Outcome {
    /// Whether new data could be drawn, number for number.
    pub fn is_drawable(&self) -> bool {
        self.drawn.len() == self.observed.len() && !self.drawn.iter().any(|x| x.is_nan())
    }
}
