//! Declarations of variables.

use super::super::ast::{Base, Bounds, Declaration, Expression, Statement, StatementKind};
use super::super::token::Kind;
use super::super::{Code, Diagnostic};
use super::{Parsed, Parser};

/// Binding power above every comparison: `<lower=a>` must not read `a > ..`.
const ABOVE_COMPARISONS: u8 = 10;

impl Parser {
    /// Whether a declaration starts here.
    pub(super) fn is_declaration(&self) -> bool {
        let Kind::Name(name) = self.peek() else { return false };
        known(name).is_some() || refused(name).is_some() || name == "array"
    }

    /// The element type, if one is next.
    pub(super) fn base(&mut self) -> Parsed<Option<Base>> {
        let Kind::Name(name) = self.peek() else { return Ok(None) };
        if let Some(fix) = refused(name) {
            return Err(Self::unsupported(self.span(), &format!("type `{name}`"), fix));
        }
        let base = known(name);
        self.at += usize::from(base.is_some());
        Ok(base)
    }

    /// One type, and the variables that have it.
    pub(super) fn declarations(&mut self) -> Parsed<Vec<Statement>> {
        self.operators = 0;
        let mut start = self.span();
        let arrays = if self.accept_word("array") { self.sizes()? } else { Vec::new() };
        let Some(base) = self.base()? else {
            return Err(self.unexpected(
                "a type",
                "int, real, vector, row_vector, matrix or a constrained type",
            ));
        };
        let bounds = if self.accept("<") { self.bounds()? } else { Bounds::default() };
        let takes = match base {
            Base::Int | Base::Real => 0,
            Base::Matrix => 2,
            _ => 1,
        };
        let place = self.span();
        let sizes = if takes > 0 { self.sizes()? } else { Vec::new() };
        if sizes.len() != takes {
            let message = format!("{} sizes where the type takes {takes}", sizes.len());
            return Err(Diagnostic::new(Code::Syntax, place, message)
                .with_fix("a vector takes [n], a matrix [rows, columns]"));
        }
        let mut list = Vec::new();
        loop {
            let (name, value) = self.declared()?;
            let declaration = Declaration {
                base,
                arrays: arrays.clone(),
                sizes: sizes.clone(),
                bounds: bounds.clone(),
                name,
                value,
            };
            let kind = StatementKind::Declare(Box::new(declaration));
            list.push(Statement { kind, span: start.to(self.before()) });
            if !self.accept(",") {
                break;
            }
            start = self.span();
        }
        self.expect(";")?;
        Ok(list)
    }

    /// A name and its value.
    fn declared(&mut self) -> Parsed<(String, Option<Expression>)> {
        let (name, span) = self.name()?;
        if self.is("[") {
            return Err(Self::unsupported(
                span.to(self.span()),
                "the array syntax from before Stan 2.33",
                &format!("write `array[N] real {name}` for `real {name}[N]`"),
            ));
        }
        let value = if self.accept("=") { Some(self.expression()?) } else { None };
        Ok((name, value))
    }

    fn sizes(&mut self) -> Parsed<Vec<Expression>> {
        self.expect("[")?;
        let mut sizes = vec![self.expression()?];
        while self.accept(",") {
            sizes.push(self.expression()?);
        }
        self.expect("]")?;
        Ok(sizes)
    }

    /// What follows `<`.
    fn bounds(&mut self) -> Parsed<Bounds> {
        let mut bounds = Bounds::default();
        loop {
            let span = self.span();
            let Kind::Name(name) = self.peek().clone() else {
                return Err(self.unexpected("a bound", "lower, upper, offset or multiplier"));
            };
            let slot = match name.as_str() {
                "lower" => &mut bounds.lower,
                "upper" => &mut bounds.upper,
                "offset" => &mut bounds.offset,
                "multiplier" => &mut bounds.multiplier,
                _ => return Err(self.unexpected("a bound", "lower, upper, offset or multiplier")),
            };
            self.at += 1;
            if slot.is_some() {
                return Err(Diagnostic::new(
                    Code::Syntax,
                    span,
                    format!("`{name}` is given twice"),
                )
                .with_fix("keep one of them"));
            }
            self.expect("=")?;
            *slot = Some(self.expression_above(ABOVE_COMPARISONS)?);
            if self.accept(">") {
                break;
            }
            self.expect(",")?;
        }
        if (bounds.lower.is_some() || bounds.upper.is_some())
            && (bounds.offset.is_some() || bounds.multiplier.is_some())
        {
            let message = "bounds and an affine transform exclude each other";
            return Err(Diagnostic::new(Code::Syntax, self.before(), message)
                .with_fix("keep lower and upper, or offset and multiplier"));
        }
        Ok(bounds)
    }
}

fn known(name: &str) -> Option<Base> {
    Some(match name {
        "int" => Base::Int,
        "real" => Base::Real,
        "vector" => Base::Vector,
        "row_vector" => Base::RowVector,
        "matrix" => Base::Matrix,
        "simplex" => Base::Simplex,
        "unit_vector" => Base::UnitVector,
        "ordered" => Base::Ordered,
        "positive_ordered" => Base::PositiveOrdered,
        "cholesky_factor_corr" => Base::CholeskyFactorCorr,
        _ => return None,
    })
}

/// Types of Stan outside the subset, with the way out.
fn refused(name: &str) -> Option<&'static str> {
    Some(match name {
        "corr_matrix" => {
            "declare a cholesky_factor_corr L and use multiply_lower_tri_self_transpose(L)"
        }
        "cov_matrix" | "cholesky_factor_cov" => {
            "scale a cholesky_factor_corr: diag_pre_multiply(sigma, L)"
        }
        "sum_to_zero_vector" => "declare n - 1 free values and set the last to minus their sum",
        "column_stochastic_matrix" | "row_stochastic_matrix" => "declare an array of simplexes",
        "tuple" => "declare each part as a variable of its own",
        "complex" | "complex_vector" | "complex_row_vector" | "complex_matrix" => {
            "declare real and imaginary parts as reals"
        }
        _ => return None,
    })
}
