//! Declarations: sizes, bounds, names, first values.

use super::super::ast::{Base, Declaration, Expression, Type};
use super::super::token::short;
use super::super::value::{plain, shown};
use super::super::{Code, Span};
use super::signature::promotions;
use super::{Block, Checker, INT, Known, Name, is_scalar};

impl<'model> Checker<'model> {
    pub(super) fn declare(&mut self, declaration: &'model Declaration, span: Span) {
        for size in declaration.arrays.iter().chain(&declaration.sizes) {
            self.size(size, &declaration.name);
        }
        let kind = Type { base: plain(declaration.base), arrays: declaration.arrays.len() };
        self.bounded(declaration, kind, span);
        let mut depends = self.block == Block::Parameters;
        if let Some(value) = &declaration.value {
            let known = self.known(value);
            depends |= known.depends;
            self.fits(&declaration.name, kind, known, value.span);
            if matches!(self.block, Block::Data | Block::Parameters) {
                let message =
                    format!("`{}` has a value where it is only declared", short(&declaration.name));
                let fix = "declare it in a transformed block, or drop the value";
                self.find(Code::Syntax, value.span, message, fix);
            }
        }
        if kind.base == Base::Int {
            self.whole_parameter(declaration, span);
        }
        self.new_name(&declaration.name, span);
        let varies = kind.base != Base::Int
            && !matches!(self.block, Block::Data | Block::TransformedData | Block::Generated);
        let block = Some(self.block);
        self.names.push(Name { text: &declaration.name, kind: Some(kind), depends, varies, block });
    }

    fn whole_parameter(&mut self, declaration: &Declaration, span: Span) {
        let name = short(&declaration.name);
        if self.block == Block::Parameters {
            let fix = "sum it out of the density with log_sum_exp, or declare it real";
            self.find(Code::Type, span, format!("parameter `{name}` is int"), fix);
        } else if self.block == Block::TransformedParameters && self.is_outermost() {
            let message = format!("transformed parameter `{name}` is int");
            let fix = "declare it in transformed data or generated quantities, or declare it real";
            self.find(Code::Type, span, message, fix);
        }
    }

    fn size(&mut self, size: &'model Expression, name: &str) {
        let known = self.known(size);
        let name = short(name);
        if known.kind.is_some_and(|kind| kind != INT) {
            let message = format!("a size of `{name}` is not int");
            self.find(Code::Type, size.span, message, "declare the size as int");
        } else if (known.depends || (known.varies && self.is_outermost()))
            && self.block != Block::Generated
        {
            let message = format!("a size of `{name}` depends on parameters");
            self.find(Code::Type, size.span, message, "sizes are data");
        }
    }

    fn bounded(&mut self, declaration: &'model Declaration, kind: Type, span: Span) {
        let bounds = &declaration.bounds;
        let all = [&bounds.lower, &bounds.upper, &bounds.offset, &bounds.multiplier];
        for bound in all.into_iter().flatten() {
            let known = self.known(bound);
            let Some(met) = known.kind else { continue };
            let fits = if kind.base == Base::Int {
                met == INT || met == kind
            } else {
                is_scalar(met) || promotions(met, kind).is_some()
            };
            if !fits {
                let message = format!(
                    "a bound of `{}` is {}, the variable {}",
                    short(&declaration.name),
                    shown(met),
                    shown(kind)
                );
                let fix = "give one number, or a value of the variable's own type";
                self.find(Code::Type, bound.span, message, fix);
            }
        }
        let is_constrained =
            all.into_iter().any(Option::is_some) || plain(declaration.base) != declaration.base;
        if is_constrained && !self.is_outermost() {
            let message = format!("local variable `{}` is constrained", short(&declaration.name));
            let fix =
                "declare it without constraint; constraints belong to variables of a whole block";
            self.find(Code::Type, span, message, fix);
        }
    }

    /// A name that nothing else in sight may have.
    pub(super) fn new_name(&mut self, name: &str, span: Span) {
        let shown = short(name);
        if self.names.iter().any(|known| known.text == name) {
            let message = format!("`{shown}` is declared twice");
            self.find(Code::Syntax, span, message, "rename one of them");
        } else if self.block != Block::Function
            && self.functions.iter().any(|function| function.name == name)
        {
            let message = format!("`{shown}` is a function of this model");
            self.find(Code::Syntax, span, message, "rename one of them");
        } else if ["_lupdf", "_lupmf"].iter().any(|suffix| name.ends_with(suffix)) {
            let message = format!("`{shown}` ends like an unnormalised density");
            self.find(Code::Syntax, span, message, "choose another name");
        }
    }

    /// Whether a value may be stored as this type.
    pub(super) fn fits(&mut self, name: &str, kind: Type, known: Known, span: Span) {
        let Some(met) = known.kind else { return };
        if promotions(met, kind).is_some() {
            return;
        }
        let fix = match (kind.base, met.base) {
            (Base::Int, Base::Real) => "declare it real, or compute with whole numbers only",
            (Base::Vector, Base::RowVector) | (Base::RowVector, Base::Vector) => {
                "transpose it with '"
            }
            _ => "change the declaration or convert the value, for example with to_vector",
        };
        let message = format!("`{}` is {}, the value {}", short(name), shown(kind), shown(met));
        self.find(Code::Type, span, message, fix);
    }
}
