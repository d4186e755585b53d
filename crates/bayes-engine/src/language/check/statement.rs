//! Statements: where they may stand, and what they take.

use super::super::ast::{
    Base, Binary, Expression, ExpressionKind, Index, Statement, StatementKind, Type,
};
use super::super::value::shown;
use super::super::{Code, Span};
use super::call::Returned;
use super::signature::promotions;
use super::{Block, Checker, INT, Name, is_scalar};

impl<'model> Checker<'model> {
    pub(super) fn statement(&mut self, statement: &'model Statement) {
        let span = statement.span;
        if matches!(self.block, Block::Data | Block::Parameters)
            && !matches!(statement.kind, StatementKind::Declare(_) | StatementKind::Empty)
        {
            let fix = "declare variables here and compute in a transformed block";
            self.find(Code::Syntax, span, "this block holds declarations only", fix);
            return;
        }
        match &statement.kind {
            StatementKind::Empty => {}
            StatementKind::Block(list) => self.statements(list),
            StatementKind::Declare(declaration) => self.declare(declaration, span),
            StatementKind::Assign { target, operator, value } => {
                self.assign(target, *operator, value);
            }
            StatementKind::Distribute { outcome, name, arguments } => {
                self.in_model("~", span);
                let mut parts = vec![self.known(outcome)];
                parts.extend(arguments.iter().map(|argument| self.known(argument)));
                self.distributed(name, &parts, span);
            }
            StatementKind::Target(value) => {
                self.in_model("target +=", span);
                self.known(value);
            }
            StatementKind::Call(call) => self.call_alone(call),
            StatementKind::For { name, low, high, body } => {
                self.run_for(name, low, high.as_ref(), body, span);
            }
            StatementKind::While(condition, body) => {
                self.condition(condition);
                self.looped(body);
            }
            StatementKind::If(condition, then, otherwise) => {
                self.condition(condition);
                self.statement(then);
                if let Some(otherwise) = otherwise {
                    self.statement(otherwise);
                }
            }
            StatementKind::Break | StatementKind::Continue => {
                if self.loops == 0 {
                    self.find(Code::Syntax, span, "this stands outside a loop", "remove it");
                }
            }
            StatementKind::Return(value) => self.returned(value.as_ref(), span),
            StatementKind::Print(list) | StatementKind::Reject(list) => self.all(list),
        }
    }

    fn statements(&mut self, list: &'model [Statement]) {
        let depth = self.names.len();
        self.scopes += 1;
        for statement in list {
            self.statement(statement);
        }
        self.scopes -= 1;
        self.names.truncate(depth);
    }

    fn looped(&mut self, body: &'model Statement) {
        self.loops += 1;
        self.statement(body);
        self.loops -= 1;
    }

    fn call_alone(&mut self, call: &'model Expression) {
        let ExpressionKind::Call(name, arguments) = &call.kind else { return };
        if let Returned::Value(known) = self.called(name, arguments, call.span) {
            if known.kind.is_some() {
                let message = format!("what `{name}` returns is not used");
                let fix = "assign it to a variable, or write `target += ..`";
                self.find(Code::Type, call.span, message, fix);
            }
        }
    }

    fn run_for(
        &mut self,
        name: &'model str,
        low: &'model Expression,
        high: Option<&'model Expression>,
        body: &'model Statement,
        span: Span,
    ) {
        let first = self.known(low);
        let mut kind = Some(INT);
        if let Some(high) = high {
            for (known, end) in [(first, low), (self.known(high), high)] {
                if known.kind.is_some_and(|kind| kind != INT) {
                    let met = known.kind.map(shown).unwrap_or_default();
                    let message = format!("the end of a loop is {met}, not int");
                    self.find(Code::Type, end.span, message, "use a whole number");
                }
            }
        } else {
            kind = first.kind.and_then(element);
            if let (Some(met), None) = (first.kind, kind) {
                let message = format!("a loop runs through a list, not {}", shown(met));
                self.find(Code::Type, low.span, message, "write `for (i in 1:n)`");
            }
        }
        self.new_name(name, span);
        let depth = self.names.len();
        let (depends, varies) =
            if high.is_none() { (first.depends, first.varies) } else { (false, false) };
        self.names.push(Name { text: name, kind, depends, varies, block: None });
        self.looped(body);
        self.names.truncate(depth);
    }

    fn assign(
        &mut self,
        target: &'model Expression,
        operator: Option<Binary>,
        value: &'model Expression,
    ) {
        let known = self.known(value);
        let into = self.known(target);
        let Some(name) = root(target) else { return };
        self.addressed(target, name);
        let Some(place) = self.names.iter().rposition(|known| known.text == name) else { return };
        if self.names[place].block != Some(self.block) {
            let message = format!("`{name}` is not assigned to here");
            let fix = "declare a variable of its own in this block";
            self.find(Code::Type, target.span, message, fix);
        }
        self.names[place].depends |= known.depends;
        let Some(kind) = into.kind else { return };
        let Some(operator) = operator else { return self.fits(name, kind, known, value.span) };
        let is_of_elements = matches!(operator, Binary::ElementMultiply | Binary::ElementDivide);
        if is_of_elements && is_scalar(kind) {
            let message = format!("`{name}` is {}: it has no elements", shown(kind));
            let fix = "write `*=` or `/=`";
            return self.find(Code::Type, target.span, message, fix);
        }
        let span = target.span.to(value.span);
        if let Some(met) = known.kind.and_then(|met| self.joined(operator, kind, met, span)) {
            if promotions(met, kind).is_none() {
                let message = format!("`{name}` is {}, the result {}", shown(kind), shown(met));
                let fix = "declare a variable of the result's type";
                self.find(Code::Type, span, message, fix);
            }
        }
    }

    /// Rules of what stands left of an assignment.
    fn addressed(&mut self, target: &'model Expression, name: &str) {
        let (mut next, mut is_inner) = (target, false);
        while let ExpressionKind::Index(base, indices) = &next.kind {
            let is_single = |index: &Index| matches!(index, Index::At(_));
            if is_inner && !indices.iter().all(is_single) {
                let message = "a range stands before another pair of brackets";
                let fix = "write the indices in one pair of brackets: x[i:j, k]";
                self.find(Code::Type, target.span, message, fix);
            }
            if indices.iter().flat_map(ends).any(|end| mentions(end, name)) {
                let message =
                    format!("`{name}` is read in an index of itself while it is stored to");
                let fix = "put the index in a variable first";
                self.find(Code::Type, target.span, message, fix);
            }
            (next, is_inner) = (base, true);
        }
    }

    pub(super) fn condition(&mut self, condition: &'model Expression) {
        let known = self.known(condition);
        if known.kind.is_some_and(|kind| kind != INT) {
            let met = known.kind.map(shown).unwrap_or_default();
            let message = format!("a condition is a whole number, not {met}");
            let fix = "compare a single number: x > 0, x[1] != 0, sum(x) > 0";
            self.find(Code::Type, condition.span, message, fix);
        }
        if known.depends && matches!(self.block, Block::TransformedParameters | Block::Model) {
            self.findings.push(super::super::eval::on_parameters(condition.span));
        }
    }

    fn in_model(&mut self, what: &str, span: Span) {
        // functions that end in _lp are refused as a whole
        if self.block != Block::Model && !self.is_within(&["_lp"]) {
            let message = format!("`{what}` stands outside the model block");
            self.find(Code::Type, span, message, "move it into the model block");
        }
    }
}

/// The variable of a place.
fn root(target: &Expression) -> Option<&str> {
    match &target.kind {
        ExpressionKind::Index(base, _) => root(base),
        ExpressionKind::Name(name) => Some(name),
        _ => None,
    }
}

fn ends(index: &Index) -> Vec<&Expression> {
    match index {
        Index::All => Vec::new(),
        Index::At(at) => vec![at],
        Index::Range(low, high) => [low, high].into_iter().flatten().collect(),
    }
}

/// Whether a variable is read in an expression.
fn mentions(expression: &Expression, name: &str) -> bool {
    let any = |list: &[Expression]| list.iter().any(|part| mentions(part, name));
    match &expression.kind {
        ExpressionKind::Name(read) => read == name,
        ExpressionKind::Call(_, list) | ExpressionKind::Array(list) | ExpressionKind::Row(list) => {
            any(list)
        }
        ExpressionKind::Index(base, indices) => {
            mentions(base, name) || indices.iter().flat_map(ends).any(|end| mentions(end, name))
        }
        ExpressionKind::Unary(_, inner) | ExpressionKind::Transpose(inner) => mentions(inner, name),
        ExpressionKind::Binary(_, left, right) => mentions(left, name) || mentions(right, name),
        ExpressionKind::Choose(condition, one, other) => {
            [condition, one, other].into_iter().any(|part| mentions(part, name))
        }
        ExpressionKind::Int(_) | ExpressionKind::Real(_) | ExpressionKind::Text(_) => false,
    }
}

/// What a loop over a value runs through.
fn element(kind: Type) -> Option<Type> {
    match kind {
        Type { base, arrays } if arrays > 0 => Some(Type { base, arrays: arrays - 1 }),
        Type { base: Base::Vector | Base::RowVector | Base::Matrix, .. } => {
            Some(Type { base: Base::Real, arrays: 0 })
        }
        _ => None,
    }
}
