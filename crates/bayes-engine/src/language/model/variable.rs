//! What is kept of every draw, and what a program declares.

use super::super::ast::{Declaration, Program, Statement, Type};
use super::super::value::shown;
use super::bind::declared;

/// A variable whose draws are kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its type, constraints aside.
    pub kind: Type,
    /// Sizes of its arrays, then of its vector or matrix.
    pub dims: Vec<usize>,
    /// Where its first number stands among all that are kept.
    pub start: usize,
    /// Which block declares it: 0 parameters, 1 transformed parameters, 2 generated quantities.
    pub block: u8,
}

impl Variable {
    /// Numbers it holds.
    pub fn len(&self) -> usize {
        self.dims.iter().product()
    }

    /// Its type with its sizes: `array[2] vector[3]`.
    pub fn shown(&self) -> String {
        let list = |dims: &[usize]| dims.iter().map(usize::to_string).collect::<Vec<_>>().join(",");
        let (arrays, inner) = self.dims.split_at(self.kind.arrays.min(self.dims.len()));
        let base = shown(Type { base: self.kind.base, arrays: 0 });
        let base = if inner.is_empty() { base } else { format!("{base}[{}]", list(inner)) };
        if arrays.is_empty() { base } else { format!("array[{}] {base}", list(arrays)) }
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of its number at a place: `theta[1,2]`.
    pub fn label(&self, place: usize) -> String {
        if self.dims.is_empty() {
            return self.name.clone();
        }
        let arrays = self.kind.arrays;
        let inner: usize = self.dims.iter().skip(arrays).product();
        let mut positions = Vec::with_capacity(self.dims.len());
        let mut left = place / inner.max(1);
        for size in self.dims.iter().take(arrays).rev() {
            positions.push(left % size + 1);
            left /= size;
        }
        positions.reverse();
        let mut left = place % inner.max(1);
        for size in self.dims.iter().skip(arrays) {
            positions.push(left % size + 1);
            left /= size;
        }
        let shown: Vec<String> = positions.iter().map(usize::to_string).collect();
        format!("{}[{}]", self.name, shown.join(","))
    }
}

impl Program {
    /// Names and types of what the data block declares.
    pub fn data_variables(&self) -> Vec<(String, String)> {
        listed(&self.data)
    }

    /// Names and types of the parameters.
    pub fn parameter_variables(&self) -> Vec<(String, String)> {
        listed(&self.parameters)
    }
}

fn listed(block: &[Statement]) -> Vec<(String, String)> {
    let kind = |declaration: &Declaration| {
        shown(Type { base: declaration.base, arrays: declaration.arrays.len() })
    };
    declared(block).map(|(declaration, _)| (declaration.name.clone(), kind(declaration))).collect()
}
