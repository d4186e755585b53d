//! Expressions, by Pratt's method.

use super::super::ast::{Binary, Expression, ExpressionKind, Index, Unary};
use super::super::token::{Kind, short};
use super::super::{Code, Diagnostic};
use super::{Parsed, Parser};

/// Powers on the left and right of an operator: the higher binds; `a - b - c` needs right above left.
const OPERATORS: [(&str, Binary, u8, u8); 19] = [
    ("||", Binary::Or, 2, 3),
    ("&&", Binary::And, 4, 5),
    ("==", Binary::Equal, 6, 7),
    ("!=", Binary::NotEqual, 6, 7),
    ("<=", Binary::LessEqual, 8, 9),
    (">=", Binary::GreaterEqual, 8, 9),
    ("<", Binary::Less, 8, 9),
    (">", Binary::Greater, 8, 9),
    ("+", Binary::Add, 10, 11),
    ("-", Binary::Subtract, 10, 11),
    ("*", Binary::Multiply, 12, 13),
    ("/", Binary::Divide, 12, 13),
    ("%", Binary::Modulo, 12, 13),
    ("%/%", Binary::IntDivide, 12, 13),
    ("\\", Binary::LeftDivide, 14, 15),
    (".*", Binary::ElementMultiply, 16, 17),
    ("./", Binary::ElementDivide, 16, 17),
    ("^", Binary::Power, 21, 20),
    (".^", Binary::ElementPower, 21, 20),
];
/// Suffixes of functions whose outcome stands before a `|`.
const GIVEN: [&str; 7] = ["_lpdf", "_lupdf", "_lpmf", "_lupmf", "_cdf", "_lcdf", "_lccdf"];
/// Of a sign: below a power, so that `-2^2` is `-(2^2)`.
const PREFIX: u8 = 18;
/// Of `? :`.
const CHOICE: u8 = 1;

impl Parser {
    pub(super) fn expression(&mut self) -> Parsed<Expression> {
        self.expression_above(0)
    }

    /// An expression whose operators bind at least as `power` does.
    pub(super) fn expression_above(&mut self, power: u8) -> Parsed<Expression> {
        self.nested(|parser| parser.climb(power))
    }

    fn climb(&mut self, power: u8) -> Parsed<Expression> {
        let mut left = self.prefix()?;
        loop {
            left = self.postfix(left)?;
            if power <= CHOICE && self.accept("?") {
                self.count()?;
                let one = self.expression()?;
                self.expect(":")?;
                let other = self.expression_above(CHOICE)?;
                let span = left.span.to(other.span);
                let parts = (Box::new(left), Box::new(one), Box::new(other));
                let kind = ExpressionKind::Choose(parts.0, parts.1, parts.2);
                left = Expression { kind, span };
                continue;
            }
            let Kind::Mark(mark) = *self.peek() else { return Ok(left) };
            let found = OPERATORS.iter().find(|(known, ..)| *known == mark);
            let Some(&(_, operator, _, right)) = found.filter(|(_, _, bind, _)| *bind >= power)
            else {
                return Ok(left);
            };
            self.at += 1;
            self.count()?;
            let other = self.expression_above(right)?;
            let span = left.span.to(other.span);
            let kind = ExpressionKind::Binary(operator, Box::new(left), Box::new(other));
            left = Expression { kind, span };
        }
    }

    fn prefix(&mut self) -> Parsed<Expression> {
        let start = self.span();
        for (mark, operator) in [("-", Unary::Minus), ("+", Unary::Plus), ("!", Unary::Not)] {
            if self.accept(mark) {
                let inner = self.expression_above(PREFIX)?;
                let span = start.to(inner.span);
                return Ok(Expression {
                    kind: ExpressionKind::Unary(operator, Box::new(inner)),
                    span,
                });
            }
        }
        let kind = match self.peek().clone() {
            Kind::Int(value) => self.taken(ExpressionKind::Int(value)),
            Kind::Real(value) => self.taken(ExpressionKind::Real(value)),
            Kind::Name(name) => self.named_value(name)?,
            Kind::Mark("(") => {
                self.at += 1;
                let inner = self.expression()?;
                if self.is(",") {
                    return Err(Self::unsupported(
                        start.to(self.span()),
                        "a tuple",
                        "give each part a variable of its own; an array is written {a, b}",
                    ));
                }
                self.expect(")")?;
                return Ok(Expression { kind: inner.kind, span: start.to(self.before()) });
            }
            Kind::Mark("{") => {
                self.at += 1;
                ExpressionKind::Array(self.arguments("}")?)
            }
            Kind::Mark("[") => {
                self.at += 1;
                ExpressionKind::Row(self.arguments("]")?)
            }
            Kind::Text(_) => {
                let fix = "texts belong into print(..) and reject(..)";
                return Err(self.unexpected("an expression", fix));
            }
            _ => return Err(self.unexpected("an expression", "give a value, a variable or a call")),
        };
        Ok(Expression { kind, span: start.to(self.before()) })
    }

    fn taken(&mut self, kind: ExpressionKind) -> ExpressionKind {
        self.at += 1;
        kind
    }

    /// A variable or a call.
    fn named_value(&mut self, name: String) -> Parsed<ExpressionKind> {
        let (is_call, span) = (matches!(self.ahead(1), Kind::Mark("(")), self.span());
        let fix = match name.as_str() {
            "map_rect" | "reduce_sum" | "reduce_sum_static" if is_call => {
                "call the function directly"
            }
            _ if is_call && is_ode(&name) => "differential equations are not served yet",
            _ => "",
        };
        if !fix.is_empty() {
            return Err(Self::unsupported(self.span(), &format!("`{name}`"), fix));
        }
        if name == "target" && is_call {
            self.at += 1;
        } else {
            self.name()?;
        }
        if !self.accept("(") {
            return Ok(ExpressionKind::Name(name));
        }
        let (list, has_bar) = self.list(")", true)?;
        let is_given = GIVEN.iter().any(|suffix| name.ends_with(suffix));
        if has_bar && !is_given {
            let message = format!("`{}` takes no `|`", short(&name));
            return Err(Diagnostic::new(Code::Syntax, span, message).with_fix("write `,`"));
        }
        if is_given && !has_bar && list.len() > 1 {
            let name = short(&name);
            let message = format!("`{name}` takes a `|` behind its outcome");
            return Err(Diagnostic::new(Code::Syntax, span, message)
                .with_fix(format!("write `{name}(y | ..)`")));
        }
        Ok(ExpressionKind::Call(name, list))
    }

    /// Expressions up to the closing mark.
    pub(super) fn arguments(&mut self, close: &str) -> Parsed<Vec<Expression>> {
        Ok(self.list(close, false)?.0)
    }

    /// The same, and whether a `|` stands for the first comma where one may.
    fn list(&mut self, close: &str, may_bar: bool) -> Parsed<(Vec<Expression>, bool)> {
        let (mut list, mut has_bar) = (Vec::new(), false);
        while !self.accept(close) {
            if list.len() == 1 && may_bar && self.accept("|") {
                has_bar = true;
                if self.accept(close) {
                    break;
                }
            } else if !list.is_empty() && !self.accept(",") {
                if self.ends_list() {
                    let fix = format!("close the list with `{close}`");
                    return Err(self.unexpected(&format!("`,` or `{close}`"), &fix));
                }
                self.expect(",")?;
            }
            list.push(self.expression()?);
        }
        Ok((list, has_bar))
    }

    /// Whether what stands here can neither be nor follow an element of a list.
    fn ends_list(&self) -> bool {
        matches!(
            self.peek().shown().as_str(),
            "`;`" | "`}`" | "`)`" | "`]`" | "`{`" | "`~`" | "`=`"
        )
    }

    /// Transposes and indices.
    fn postfix(&mut self, mut inner: Expression) -> Parsed<Expression> {
        loop {
            let start = inner.span;
            if self.accept("'") {
                self.count()?;
                let kind = ExpressionKind::Transpose(Box::new(inner));
                inner = Expression { kind, span: start.to(self.before()) };
            } else if self.accept("[") {
                self.count()?;
                let indices = self.indices()?;
                let kind = ExpressionKind::Index(Box::new(inner), indices);
                inner = Expression { kind, span: start.to(self.before()) };
            } else {
                return Ok(inner);
            }
        }
    }

    fn indices(&mut self) -> Parsed<Vec<Index>> {
        let mut list = Vec::new();
        loop {
            list.push(self.index()?);
            if self.accept("]") {
                return Ok(list);
            }
            if !self.is(",") {
                let message = format!("expected `,` or `]` before {}", self.peek().shown());
                return Err(Diagnostic::new(Code::Syntax, self.span(), message)
                    .with_fix("close the index with `]`"));
            }
            self.at += 1;
        }
    }

    fn index(&mut self) -> Parsed<Index> {
        let ends = |parser: &Self| parser.is(",") || parser.is("]");
        if ends(self) {
            return Ok(Index::All);
        }
        if self.accept(":") {
            let high = if ends(self) { None } else { Some(self.expression()?) };
            return Ok(if high.is_none() { Index::All } else { Index::Range(None, high) });
        }
        let low = self.expression()?;
        if !self.accept(":") {
            return Ok(Index::At(low));
        }
        let high = if ends(self) { None } else { Some(self.expression()?) };
        Ok(Index::Range(Some(low), high))
    }
}

fn is_ode(name: &str) -> bool {
    name.starts_with("ode_") || name.starts_with("integrate_ode") || name.starts_with("dae")
}
