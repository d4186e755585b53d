//! How much of a prior lies within the declared bounds, where its text alone tells.

use super::super::ast::{
    Base, Declaration, Expression, ExpressionKind, Index, Program, Statement, StatementKind,
};
use super::super::eval::density_stem;
use super::bind::declared;
use super::{Model, Variable};

/// Densities on the whole line.
const LINE: &[&str] =
    &["normal", "std_normal", "cauchy", "student_t", "logistic", "double_exponential"];
/// Densities of whole vectors.
const VECTOR: &[&str] = &["multi_normal", "multi_normal_cholesky"];
/// Densities above 0.
const POSITIVE: &[&str] = &["gamma", "inv_gamma", "exponential", "weibull", "lognormal"];

impl Model {
    /// The log of the prior's integral over the declared bounds, every constant included: 0 for most models,
    /// `-ln 2` for each half of a symmetric distribution. None where the text does not show it.
    ///
    /// It shows it if every parameter has one statement of its own, by a distribution whose support the bounds
    /// keep or halve, and if the statements can be put in an order in which each depends on those before.
    pub fn log_prior_mass(&self) -> Option<f64> {
        self.plain_priors().map(|priors| priors.iter().map(|prior| prior.log_mass).sum())
    }

    /// One prior for each parameter, each after those it depends on; none where the text does not show that.
    pub(super) fn plain_priors(&self) -> Option<Vec<Plain<'_>>> {
        let program = &self.program;
        if rejects(program) || bounds_later(program) {
            return None;
        }
        let mut priors = Vec::new();
        self.collect(&program.model, true, &mut priors)?;
        let mut open: Vec<(Plain<'_>, Vec<&str>)> = Vec::new();
        let mut used = 0;
        for ((declaration, _), variable) in declared(&program.parameters).zip(&self.variables) {
            let own: Vec<Prior<'_>> =
                priors.iter().filter(|prior| prior.outcome == declaration.name).copied().collect();
            used += own.len();
            let log_mass = mass(declaration, variable, &own)?;
            let mut parents = Vec::new();
            for prior in &own {
                parents.extend(self.parents(prior)?);
            }
            open.push((Plain { variable, priors: own, log_mass }, parents));
        }
        if priors.len() != used {
            return None;
        }
        // take what depends on nothing that is left, until nothing is
        let mut ordered = Vec::with_capacity(open.len());
        while !open.is_empty() {
            let names: Vec<&str> =
                open.iter().map(|(plain, _)| plain.variable.name.as_str()).collect();
            let is_free = |(_, parents): &(Plain<'_>, Vec<&str>)| {
                !parents.iter().any(|parent| names.contains(parent))
            };
            let at = open.iter().position(is_free)?;
            ordered.push(open.remove(at).0);
        }
        Some(ordered)
    }

    /// Statements on parameters; none if one is not of the plain kind.
    fn collect<'text>(
        &self,
        statements: &'text [Statement],
        is_outer: bool,
        priors: &mut Vec<Prior<'text>>,
    ) -> Option<()> {
        for statement in statements {
            let (start, prior) = match &statement.kind {
                StatementKind::Distribute { outcome, name, arguments } => {
                    (statement.span.start, prior(outcome, name, arguments))
                }
                StatementKind::Target(value) => (value.span.start, of_target(value)),
                StatementKind::Block(body) => {
                    self.collect(body, is_outer, priors)?;
                    continue;
                }
                StatementKind::For { body, .. } | StatementKind::While(_, body) => {
                    self.collect(std::slice::from_ref(body), false, priors)?;
                    continue;
                }
                StatementKind::If(_, then, otherwise) => {
                    for body in [Some(then), otherwise.as_ref()].into_iter().flatten() {
                        self.collect(std::slice::from_ref(body), false, priors)?;
                    }
                    continue;
                }
                StatementKind::Call(_) | StatementKind::Reject(_) => return None,
                _ => continue,
            };
            if !self.data_terms.contains(&start) {
                priors.push(prior.filter(|_| is_outer)?);
            }
        }
        Some(())
    }

    /// Parameters that a prior depends on; none if it depends on what was computed of parameters.
    fn parents<'text>(&self, prior: &Prior<'text>) -> Option<Vec<&'text str>> {
        let mut found = Vec::new();
        let mut is_plain = true;
        for argument in prior.arguments {
            super::super::eval::names(argument, &mut |name| {
                if self.known.iter().any(|(known, _)| known == name) {
                    return;
                }
                let own = self.variables.iter().find(|variable| variable.name == name);
                is_plain &= own.is_some_and(|variable| variable.block == 0);
                found.push(name);
            });
        }
        is_plain.then_some(found)
    }
}

/// A parameter's one prior.
pub(super) struct Plain<'model> {
    pub(super) variable: &'model Variable,
    /// One for all of it, or one for each element.
    pub(super) priors: Vec<Prior<'model>>,
    /// Log of its share within the bounds.
    pub(super) log_mass: f64,
}

/// `outcome ~ name(arguments)` of a parameter, or of its element from 1.
#[derive(Clone, Copy)]
pub(super) struct Prior<'text> {
    outcome: &'text str,
    pub(super) element: Option<usize>,
    pub(super) name: &'text str,
    pub(super) arguments: &'text [Expression],
}

fn prior<'text>(
    outcome: &'text Expression,
    name: &'text str,
    arguments: &'text [Expression],
) -> Option<Prior<'text>> {
    match &outcome.kind {
        ExpressionKind::Name(outcome) => Some(Prior { outcome, element: None, name, arguments }),
        ExpressionKind::Index(base, indices) => {
            let ExpressionKind::Name(outcome) = &base.kind else { return None };
            let [Index::At(Expression { kind: ExpressionKind::Int(at), .. })] = indices.as_slice()
            else {
                return None;
            };
            let element = Some(usize::try_from(*at).ok()?);
            Some(Prior { outcome, element, name, arguments })
        }
        ExpressionKind::Call(function, list) if function == "to_vector" => {
            prior(list.first()?, name, arguments)
        }
        _ => None,
    }
}

/// `target += name_lpdf(outcome | arguments)`.
fn of_target(value: &Expression) -> Option<Prior<'_>> {
    let ExpressionKind::Call(name, list) = &value.kind else { return None };
    let (outcome, arguments) = list.split_first()?;
    prior(outcome, density_stem(name)?, arguments)
}

/// Log of the share of a parameter's priors within its bounds; none if they are not one for all of it or one for
/// each element.
fn mass(declaration: &Declaration, variable: &Variable, own: &[Prior<'_>]) -> Option<f64> {
    if let [Prior { element: None, .. }] = own {
        return Some(variable.len() as f64 * each(declaration, own.first()?)?);
    }
    let mut places: Vec<usize> = own.iter().map(|prior| prior.element).collect::<Option<_>>()?;
    places.sort_unstable();
    let is_flat = variable.dims.len() == 1;
    if !is_flat || !places.iter().copied().eq(1..=variable.len()) {
        return None;
    }
    let is_single = |prior: &Prior<'_>| !VECTOR.contains(&prior.name);
    let plain = own.iter().filter(|prior| is_single(prior));
    let logs = plain.map(|prior| each(declaration, prior)).collect::<Option<Vec<_>>>()?;
    (logs.len() == own.len() && !matches!(declaration.base, Base::Simplex))
        .then(|| logs.iter().sum())
}

/// Log of the share of one number's, or one vector's, distribution within its bounds.
fn each(declaration: &Declaration, prior: &Prior<'_>) -> Option<f64> {
    let literal = |bound: &Option<Expression>| bound.as_ref().map(number);
    let (lower, upper) = (literal(&declaration.bounds.lower), literal(&declaration.bounds.upper));
    let is = |bound: Option<Option<f64>>, wanted: f64| bound == Some(Some(wanted));
    let name = prior.name;
    match declaration.base {
        Base::Simplex => (name == "dirichlet").then_some(0.0),
        Base::CholeskyFactorCorr => (name == "lkj_corr_cholesky").then_some(0.0),
        Base::Real | Base::Vector | Base::RowVector | Base::Matrix => {
            if lower.is_none() && upper.is_none() {
                return (LINE.contains(&name) || VECTOR.contains(&name)).then_some(0.0);
            }
            if is(lower, 0.0) && upper.is_none() {
                if POSITIVE.contains(&name) {
                    return Some(0.0);
                }
                let centre = match name {
                    "std_normal" => Some(0.0),
                    "student_t" => number(prior.arguments.get(1)?),
                    name if LINE.contains(&name) => number(prior.arguments.first()?),
                    _ => None,
                };
                return (centre == Some(0.0)).then_some(-std::f64::consts::LN_2);
            }
            (is(lower, 0.0) && is(upper, 1.0) && name == "beta").then_some(0.0)
        }
        _ => None,
    }
}

/// The value of a literal.
fn number(expression: &Expression) -> Option<f64> {
    match &expression.kind {
        ExpressionKind::Int(value) => Some(*value as f64),
        ExpressionKind::Real(value) => Some(*value),
        _ => None,
    }
}

/// Whether anything may refuse a draw.
fn rejects(program: &Program) -> bool {
    fn any(statements: &[Statement]) -> bool {
        statements.iter().any(|statement| match &statement.kind {
            StatementKind::Reject(_) => true,
            StatementKind::Block(body) => any(body),
            StatementKind::For { body, .. } | StatementKind::While(_, body) => {
                any(std::slice::from_ref(body))
            }
            StatementKind::If(_, then, otherwise) => {
                any(std::slice::from_ref(then))
                    || otherwise.as_ref().is_some_and(|body| any(std::slice::from_ref(body)))
            }
            _ => false,
        })
    }
    let bodies = program.functions.iter().filter_map(|function| function.body.as_ref());
    bodies.into_iter().any(|body| any(std::slice::from_ref(body)))
        || any(&program.transformed_parameters)
        || any(&program.model)
}

/// Whether what is computed of parameters has bounds that cut them.
fn bounds_later(program: &Program) -> bool {
    declared(&program.transformed_parameters).any(|(declaration, _)| {
        declaration.bounds.lower.is_some() || declaration.bounds.upper.is_some()
    })
}
