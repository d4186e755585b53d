//! The model's own functions: their heads, their ends, and which of several a call means.

use std::collections::HashSet;

use super::super::ast::{
    Argument, Base, Expression, ExpressionKind, Function, Statement, StatementKind, Type,
};
use super::super::eval::density_stem;
use super::super::token::short;
use super::super::value::shown;
use super::super::{Code, Span};
use super::signature::{given, mass_stem, promotions};
use super::{Block, Checker, Name};

/// Which function a call means.
pub(super) enum Fit<'model> {
    One(&'model Function),
    None,
    Several,
}

/// The function that takes these arguments with the fewest promotions.
pub(super) fn fitting<'model>(own: &[&'model Function], kinds: &[Type]) -> Fit<'model> {
    let mut best: Option<(u32, &'model Function)> = None;
    let mut is_tied = false;
    for function in own.iter().copied() {
        if function.arguments.len() != kinds.len() {
            continue;
        }
        let steps = function.arguments.iter().zip(kinds);
        let cost: Option<u32> =
            steps.map(|(argument, kind)| promotions(*kind, argument.kind)).sum();
        let Some(cost) = cost else { continue };
        match best {
            // a head and its body are one function
            Some((least, known)) if cost == least => is_tied |= !is_same_head(known, function),
            Some((least, _)) if cost > least => {}
            _ => (best, is_tied) = (Some((cost, function)), false),
        }
    }
    match best {
        Some(_) if is_tied => Fit::Several,
        Some((_, function)) => Fit::One(function),
        None => Fit::None,
    }
}

fn is_same_head(one: &Function, other: &Function) -> bool {
    one.name == other.name && types(&one.arguments) == types(&other.arguments)
}

fn types(arguments: &[Argument]) -> Vec<Type> {
    arguments.iter().map(|argument| argument.kind).collect()
}

/// Functions of functions: their names take no other meaning.
const TAKEN: [&str; 9] = [
    "map_rect",
    "reduce_sum",
    "integrate_",
    "ode_",
    "dae",
    "algebra_solver",
    "solve_newton",
    "solve_powell",
    "laplace_",
];

impl<'model> Checker<'model> {
    /// Functions beside each other.
    pub(super) fn definitions(&mut self, functions: &'model [Function]) {
        let (mut heads, mut bodies) = (HashSet::new(), HashSet::new());
        for function in functions {
            let kinds: Vec<String> =
                function.arguments.iter().map(|argument| shown(argument.kind)).collect();
            let key = (&function.name, kinds);
            let is_new = if function.body.is_some() {
                bodies.insert(key)
            } else {
                !bodies.contains(&key) && heads.insert(key)
            };
            if !is_new {
                let message = format!("function `{}` is defined twice", short(&function.name));
                self.find(Code::Syntax, function.span, message, "keep one of them");
            }
        }
        for head in functions.iter().filter(|function| function.body.is_none()) {
            let is_defined = functions.iter().any(|function| {
                function.body.is_some()
                    && is_same_head(function, head)
                    && function.returns == head.returns
                    && function
                        .arguments
                        .iter()
                        .zip(&head.arguments)
                        .all(|(a, b)| a.is_data == b.is_data)
            });
            if !is_defined {
                let message = format!(
                    "function `{}` has a head and no body of the same types",
                    short(&head.name)
                );
                let fix = "write its body, or remove the head";
                self.find(Code::Syntax, head.span, message, fix);
            }
        }
    }

    pub(super) fn function(&mut self, function: &'model Function) {
        self.head(function);
        let Some(body) = &function.body else { return };
        self.within = Some(function);
        let depth = self.names.len();
        for argument in &function.arguments {
            self.new_name(&argument.name, function.span);
            self.names.push(Name {
                text: &argument.name,
                kind: Some(argument.kind),
                depends: false,
                varies: !argument.is_data && argument.kind.base != Base::Int,
                block: None,
            });
        }
        self.statement(body);
        if function.returns.is_some() && !ends(body) {
            let message = format!("`{}` may end without a value", short(&function.name));
            self.find(Code::Type, function.span, message, "return a value on every path");
        }
        self.names.truncate(depth);
        self.within = None;
    }

    /// What a name and its arguments promise.
    fn head(&mut self, function: &'model Function) {
        let (name, span) = (function.name.as_str(), function.span);
        let shown = short(name);
        for suffix in ["_lp", "_jacobian"] {
            if name.ends_with(suffix) {
                let message = format!(
                    "user function `{shown}` with this suffix is not in the supported subset"
                );
                let fix = "write its statements where it is called";
                self.find(Code::Unsupported, span, message, fix);
            }
        }
        if TAKEN.iter().any(|taken| name.starts_with(taken)) {
            let message = format!("`{shown}` is a function of the language that takes functions");
            self.find(Code::Syntax, span, message, "choose another name");
        } else if given(name, &types(&function.arguments)).is_some_and(|found| !found.is_promoted) {
            let message = format!("the language has a function `{shown}` of these arguments");
            self.find(Code::Syntax, span, message, "choose another name");
        }
        if ["_lupdf", "_lupmf"].iter().any(|suffix| name.ends_with(suffix)) {
            let message = format!("`{shown}` ends like an unnormalised density");
            let fix = "define it with _lpdf or _lpmf; the unnormalised one follows";
            self.find(Code::Syntax, span, message, fix);
        } else if density_stem(name).is_some() || mass_stem(name).is_some() {
            self.density_head(function, span);
        }
    }

    fn density_head(&mut self, function: &Function, span: Span) {
        let shown = short(&function.name);
        let is_density = density_stem(&function.name).is_some();
        if function.returns != Some(Type { base: Base::Real, arrays: 0 }) {
            let message = format!("`{shown}` does not return real");
            let fix = "return real, or choose a name without this suffix";
            self.find(Code::Type, span, message, fix);
        }
        let first = function.arguments.first().map(|argument| argument.kind.base);
        let wanted = match first {
            Some(Base::Int) if function.name.ends_with("_lpdf") => "real outcomes",
            Some(base) if function.name.ends_with("_lpmf") && base != Base::Int => "whole outcomes",
            None if is_density => "an outcome as first argument",
            _ => return,
        };
        let message = format!("`{shown}` takes {wanted}");
        let fix = "_lpdf is of real outcomes, _lpmf of int ones; change the suffix or the argument";
        self.find(Code::Type, span, message, fix);
    }

    pub(super) fn returned(&mut self, value: Option<&'model Expression>, span: Span) {
        let known = value.map(|value| (self.known(value), value.span));
        let Some(function) = self.within.filter(|_| self.block == Block::Function) else {
            let fix = "remove it; blocks run to their end";
            return self.find(Code::Syntax, span, "`return` stands outside a function", fix);
        };
        let shown = short(&function.name);
        match (function.returns, known) {
            (Some(kind), Some((known, place))) => self.fits(&shown, kind, known, place),
            (None, Some(_)) => {
                let message = format!("`{shown}` is void and returns a value");
                self.find(Code::Type, span, message, "write `return;`, or give it a type");
            }
            (Some(_), None) => {
                let message = format!("`{shown}` returns no value here");
                self.find(Code::Type, span, message, "return a value of its type");
            }
            (None, None) => {}
        }
    }
}

/// Whether a statement never runs on to the next.
fn ends(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Return(_) | StatementKind::Reject(_) => true,
        StatementKind::Block(list) => list.iter().any(ends),
        StatementKind::If(_, then, otherwise) => {
            ends(then) && otherwise.as_ref().is_some_and(|otherwise| ends(otherwise))
        }
        StatementKind::For { body, .. } => ends(body) && !breaks(body),
        StatementKind::While(condition, body) => {
            let is_endless = matches!(condition.kind, ExpressionKind::Int(value) if value != 0);
            (is_endless || ends(body)) && !breaks(body)
        }
        _ => false,
    }
}

/// Whether a `break` leaves the loop of which this is the body.
fn breaks(statement: &Statement) -> bool {
    match &statement.kind {
        StatementKind::Break => true,
        StatementKind::Block(list) => list.iter().any(breaks),
        StatementKind::If(_, then, otherwise) => {
            breaks(then) || otherwise.as_ref().is_some_and(|otherwise| breaks(otherwise))
        }
        _ => false,
    }
}
