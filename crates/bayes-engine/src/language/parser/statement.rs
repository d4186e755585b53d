//! Statements.

use super::super::ast::{Binary, Expression, ExpressionKind, Statement, StatementKind};
use super::super::token::Kind;
use super::super::{Code, Diagnostic};
use super::{Parsed, Parser};

/// Assignments with an operator.
const COMPOUND: [(&str, Binary); 6] = [
    ("+=", Binary::Add),
    ("-=", Binary::Subtract),
    ("*=", Binary::Multiply),
    ("/=", Binary::Divide),
    (".*=", Binary::ElementMultiply),
    ("./=", Binary::ElementDivide),
];

impl Parser {
    pub(super) fn statement(&mut self) -> Parsed<Statement> {
        self.nested(Self::any_statement)
    }

    fn any_statement(&mut self) -> Parsed<Statement> {
        let start = self.span();
        self.operators = 0;
        let kind = if self.is_declaration() {
            StatementKind::Block(self.declarations()?)
        } else if self.is("{") && self.is_outcome() {
            self.simple()?
        } else if self.accept("{") {
            StatementKind::Block(self.statements()?)
        } else if self.accept(";") {
            StatementKind::Empty
        } else if let Kind::Name(name) = self.peek().clone() {
            self.named(&name)?
        } else {
            self.simple()?
        };
        Ok(Statement { kind, span: start.to(self.before()) })
    }

    /// Whether the braces here hold an array before `~`, and not statements.
    fn is_outcome(&self) -> bool {
        let (mut open, mut places) = (0_usize, 0);
        loop {
            match self.ahead(places) {
                Kind::Mark("{") => open += 1,
                Kind::Mark("}") => open -= 1,
                Kind::Mark(";") | Kind::End => return false,
                _ => {}
            }
            places += 1;
            if open == 0 {
                return matches!(self.ahead(places), Kind::Mark("~"));
            }
        }
    }

    /// A statement that starts with a name or keyword.
    fn named(&mut self, name: &str) -> Parsed<StatementKind> {
        match name {
            "for" => self.for_loop(),
            "while" => {
                self.at += 1;
                let condition = self.parenthesised()?;
                Ok(StatementKind::While(condition, Box::new(self.statement()?)))
            }
            "if" => {
                self.at += 1;
                let condition = self.parenthesised()?;
                let then = Box::new(self.statement()?);
                let otherwise =
                    if self.accept_word("else") { Some(Box::new(self.statement()?)) } else { None };
                Ok(StatementKind::If(condition, then, otherwise))
            }
            "else" => {
                Err(self.unexpected("a statement", "`else` follows the statement of an `if`"))
            }
            "break" | "continue" => {
                self.at += 1;
                self.expect(";")?;
                let is_break = name == "break";
                Ok(if is_break { StatementKind::Break } else { StatementKind::Continue })
            }
            "return" => {
                self.at += 1;
                let value = if self.is(";") { None } else { Some(self.expression()?) };
                self.expect(";")?;
                Ok(StatementKind::Return(value))
            }
            "print" | "reject" => {
                self.at += 1;
                self.expect("(")?;
                let list = self.texts()?;
                self.expect(";")?;
                let is_print = name == "print";
                Ok(if is_print { StatementKind::Print(list) } else { StatementKind::Reject(list) })
            }
            "target" if matches!(self.ahead(1), Kind::Mark("+=")) => {
                self.at += 2;
                let value = self.expression()?;
                self.expect(";")?;
                Ok(StatementKind::Target(value))
            }
            _ => match refused(name) {
                Some((what, fix)) => Err(Self::unsupported(self.span(), what, fix)),
                None => self.simple(),
            },
        }
    }

    fn parenthesised(&mut self) -> Parsed<Expression> {
        self.expect("(")?;
        let inner = self.expression()?;
        self.expect(")")?;
        Ok(inner)
    }

    fn for_loop(&mut self) -> Parsed<StatementKind> {
        self.at += 1;
        self.expect("(")?;
        let (name, _) = self.name()?;
        if !self.accept_word("in") {
            return Err(self.unexpected("`in`", "write `for (i in 1:N)`"));
        }
        let low = self.expression()?;
        let high = if self.accept(":") { Some(self.expression()?) } else { None };
        self.expect(")")?;
        Ok(StatementKind::For { name, low, high, body: Box::new(self.statement()?) })
    }

    /// Arguments of `print` and `reject`.
    fn texts(&mut self) -> Parsed<Vec<Expression>> {
        let mut list = Vec::new();
        while !self.accept(")") {
            if !list.is_empty() {
                self.expect(",")?;
            }
            let span = self.span();
            if let Kind::Text(text) = self.peek().clone() {
                self.at += 1;
                list.push(Expression { kind: ExpressionKind::Text(text), span });
            } else {
                list.push(self.expression()?);
            }
        }
        Ok(list)
    }

    /// An assignment, a distribution or a call.
    fn simple(&mut self) -> Parsed<StatementKind> {
        let left = self.expression()?;
        if self.accept("~") {
            return self.distribution(left);
        }
        let operator = if self.accept("=") {
            Some(None)
        } else {
            COMPOUND.iter().find(|(mark, _)| self.accept(mark)).map(|(_, operator)| Some(*operator))
        };
        let Some(operator) = operator else {
            return self.call(left);
        };
        if !is_place(&left) {
            let message = "only a variable or elements of it can be assigned to";
            return Err(Diagnostic::new(Code::Syntax, left.span, message)
                .with_fix("put the variable on the left of `=`"));
        }
        let value = self.expression()?;
        self.expect(";")?;
        Ok(StatementKind::Assign { target: left, operator, value })
    }

    fn call(&mut self, left: Expression) -> Parsed<StatementKind> {
        if matches!(left.kind, ExpressionKind::Call(..)) {
            self.expect(";")?;
            return Ok(StatementKind::Call(left));
        }
        if self.is(";") {
            let message = "an expression alone does nothing";
            return Err(Diagnostic::new(Code::Syntax, left.span, message)
                .with_fix("assign it to a variable, or write `target += ..`"));
        }
        self.expect(";")?;
        Ok(StatementKind::Empty)
    }

    /// What follows `~`.
    fn distribution(&mut self, outcome: Expression) -> Parsed<StatementKind> {
        let (name, _) = self.name()?;
        self.expect("(")?;
        let arguments = self.arguments(")")?;
        if self.is_word("T") && matches!(self.ahead(1), Kind::Mark("[")) {
            return Err(Self::unsupported(
                self.span(),
                "truncation `T[,]`",
                "add the normalisation by hand: target += -normal_lccdf(low | mu, sigma)",
            ));
        }
        self.expect(";")?;
        Ok(StatementKind::Distribute { outcome, name, arguments })
    }
}

/// A name with any number of indices.
fn is_place(expression: &Expression) -> bool {
    match &expression.kind {
        ExpressionKind::Name(_) => true,
        ExpressionKind::Index(base, _) => is_place(base),
        _ => false,
    }
}

/// Statements of Stan outside of the subset, with the way out.
fn refused(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "profile" => ("`profile`", "remove `profile(..)` and keep the statements of its block"),
        "fatal_error" => ("`fatal_error`", "write `reject(..)`, which refuses the one draw"),
        "jacobian" => ("`jacobian +=`", "add the log Jacobian with `target +=` in the model block"),
        "increment_log_prob" => ("`increment_log_prob`", "write `target += ..`"),
        _ => return None,
    })
}
