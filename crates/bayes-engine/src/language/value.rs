//! Values: known numbers, cells of a trace, and the parts of both.

use std::sync::Arc;

use super::ast::{Base, Type};
use super::tape::Cell;

/// The numbers of a value: arrays last index fastest, matrices by columns.
#[derive(Debug, Clone)]
pub(crate) enum Cells {
    /// One known number.
    Number(f64),
    /// One traced number.
    Cell(Cell),
    /// Known numbers.
    Known(Arc<[f64]>),
    /// Traced numbers, constants among them.
    Traced(Arc<[Cell]>),
}

/// A value with its type and sizes.
#[derive(Debug, Clone)]
pub(crate) struct Value {
    /// What it is; constrained types count as what they constrain.
    pub(crate) kind: Type,
    /// Sizes of its arrays, then of its vector or matrix.
    pub(crate) dims: Vec<usize>,
    pub(crate) cells: Cells,
}

/// One index, resolved: positions from 0, and whether the dimension goes.
#[derive(Debug)]
pub(crate) enum Chosen {
    One(usize),
    Many(Vec<usize>),
}

impl Value {
    pub(crate) fn int(value: f64) -> Self {
        Self {
            kind: Type { base: Base::Int, arrays: 0 },
            dims: Vec::new(),
            cells: Cells::Number(value),
        }
    }

    pub(crate) fn real(value: f64) -> Self {
        Self::scalar(Cells::Number(value))
    }

    pub(crate) fn scalar(cells: Cells) -> Self {
        Self { kind: Type { base: Base::Real, arrays: 0 }, dims: Vec::new(), cells }
    }

    /// Known numbers of any shape.
    pub(crate) fn known(kind: Type, dims: Vec<usize>, numbers: Vec<f64>) -> Self {
        let cells = match numbers.as_slice() {
            [number] if dims.is_empty() => Cells::Number(*number),
            _ => Cells::Known(numbers.into()),
        };
        Self { kind, dims, cells }
    }

    pub(crate) fn vector(numbers: Vec<f64>) -> Self {
        Self::known(Type { base: Base::Vector, arrays: 0 }, vec![numbers.len()], numbers)
    }

    /// Traced numbers of any shape.
    pub(crate) fn traced(kind: Type, dims: Vec<usize>, cells: Vec<Cell>) -> Self {
        let cells = match cells.as_slice() {
            [cell] if dims.is_empty() => Cells::Cell(*cell),
            _ => Cells::Traced(cells.into()),
        };
        Self { kind, dims, cells }
    }

    /// How many numbers it holds.
    pub(crate) fn len(&self) -> usize {
        match &self.cells {
            Cells::Number(_) | Cells::Cell(_) => 1,
            Cells::Known(numbers) => numbers.len(),
            Cells::Traced(cells) => cells.len(),
        }
    }

    pub(crate) fn is_scalar(&self) -> bool {
        self.dims.is_empty()
    }

    pub(crate) fn is_int(&self) -> bool {
        self.kind.base == Base::Int
    }

    pub(crate) fn is_known(&self) -> bool {
        matches!(self.cells, Cells::Number(_) | Cells::Known(_))
    }

    /// Its numbers, if known.
    pub(crate) fn numbers(&self) -> Option<&[f64]> {
        match &self.cells {
            Cells::Number(number) => Some(std::slice::from_ref(number)),
            Cells::Known(numbers) => Some(numbers),
            _ => None,
        }
    }

    /// The same numbers seen as another type.
    pub(crate) fn reshaped(&self, base: Base, arrays: usize, dims: Vec<usize>) -> Self {
        let cells = match &self.cells {
            Cells::Known(numbers) if dims.is_empty() => {
                Cells::Number(numbers.first().copied().unwrap_or(f64::NAN))
            }
            Cells::Traced(cells) if dims.is_empty() => {
                Cells::Cell(cells.first().copied().unwrap_or(0))
            }
            Cells::Number(number) if !dims.is_empty() => Cells::Known(Arc::new([*number])),
            Cells::Cell(cell) if !dims.is_empty() => Cells::Traced(Arc::new([*cell])),
            cells => cells.clone(),
        };
        Self { kind: Type { base, arrays }, dims, cells }
    }

    /// Numbers at these places, in this order.
    pub(crate) fn gathered(&self, kind: Type, dims: Vec<usize>, places: &[usize]) -> Self {
        match &self.cells {
            Cells::Number(number) => Self::known(kind, dims, vec![*number; places.len()]),
            Cells::Cell(cell) => Self::traced(kind, dims, vec![*cell; places.len()]),
            Cells::Known(numbers) => {
                Self::known(kind, dims, places.iter().map(|place| numbers[*place]).collect())
            }
            Cells::Traced(cells) => {
                Self::traced(kind, dims, places.iter().map(|place| cells[*place]).collect())
            }
        }
    }

    /// One number.
    pub(crate) fn element(&self, place: usize) -> Self {
        let base = if self.is_int() { Base::Int } else { Base::Real };
        let cells = match &self.cells {
            Cells::Known(numbers) => Cells::Number(numbers[place]),
            Cells::Traced(cells) => Cells::Cell(cells[place]),
            one => one.clone(),
        };
        Self { kind: Type { base, arrays: 0 }, dims: Vec::new(), cells }
    }

    /// All its numbers, one value each.
    pub(crate) fn elements(&self) -> Vec<Self> {
        (0..self.len()).map(|place| self.element(place)).collect()
    }

    /// Elements of an array, or of a vector.
    pub(crate) fn part(&self, position: usize) -> Self {
        let (kind, dims, places) = self.select(&[Chosen::One(position)]);
        self.gathered(kind, dims, &places)
    }

    /// Type, sizes and places of what the indices choose; absent ones choose everything.
    pub(crate) fn select(&self, chosen: &[Chosen]) -> (Type, Vec<usize>, Vec<usize>) {
        let strides = self.strides();
        let mut axes: Vec<(Vec<usize>, bool)> = Vec::with_capacity(self.dims.len());
        for (axis, size) in self.dims.iter().enumerate() {
            axes.push(match chosen.get(axis) {
                Some(Chosen::One(at)) => (vec![*at], false),
                Some(Chosen::Many(list)) => (list.clone(), true),
                None => ((0..*size).collect(), true),
            });
        }
        let arrays = self.kind.arrays;
        let kept: Vec<bool> = axes.iter().map(|(_, is_kept)| *is_kept).collect();
        let base = reduced(self.kind.base, kept.get(arrays..).unwrap_or_default());
        let left = kept.iter().take(arrays).filter(|is_kept| **is_kept).count();
        let dims: Vec<usize> =
            axes.iter().filter(|(_, is_kept)| *is_kept).map(|(list, _)| list.len()).collect();
        // the slowest axis first; a matrix's columns are slower than its rows
        let mut order: Vec<usize> = (0..axes.len()).collect();
        if self.kind.base == Base::Matrix {
            order.swap(arrays, arrays + 1);
        }
        let mut places = vec![0];
        for axis in order {
            let (list, stride) = (&axes[axis].0, strides[axis]);
            places = places
                .iter()
                .flat_map(|place| list.iter().map(move |at| place + at * stride))
                .collect();
        }
        (Type { base, arrays: left }, dims, places)
    }

    fn strides(&self) -> Vec<usize> {
        let mut strides = vec![1; self.dims.len()];
        let arrays = self.kind.arrays;
        let mut stride: usize = self.dims.iter().skip(arrays).product();
        for axis in (0..arrays.min(self.dims.len())).rev() {
            strides[axis] = stride;
            stride *= self.dims[axis];
        }
        if self.kind.base == Base::Matrix {
            strides[arrays + 1] = self.dims[arrays];
        }
        strides
    }

    /// The value as another type, where that loses nothing.
    pub(crate) fn promoted(mut self, kind: Type) -> Option<Self> {
        if self.kind == kind {
            return Some(self);
        }
        let is_widened = self.kind.base == Base::Int && kind.base == Base::Real;
        // `{}` and `[]` have no elements whose type could disagree
        if self.kind.arrays == kind.arrays && is_widened {
            self.kind = kind;
            return Some(self);
        }
        None
    }
}

/// What is left of a vector or matrix of which some dimensions are kept.
fn reduced(base: Base, kept: &[bool]) -> Base {
    match (base, kept) {
        (Base::Matrix, [true, true]) => Base::Matrix,
        (Base::Matrix, [true, false]) => Base::Vector,
        (Base::Matrix, [false, true]) => Base::RowVector,
        (Base::Vector | Base::RowVector, [true]) => base,
        (Base::Int, _) => Base::Int,
        (Base::Real, _) => Base::Real,
        _ => Base::Real,
    }
}

/// What a constrained type constrains.
pub(crate) fn plain(base: Base) -> Base {
    match base {
        Base::Simplex | Base::UnitVector | Base::Ordered | Base::PositiveOrdered => Base::Vector,
        Base::CholeskyFactorCorr => Base::Matrix,
        other => other,
    }
}

/// How the language writes a type.
pub(crate) fn shown(kind: Type) -> String {
    let base = match kind.base {
        Base::Int => "int",
        Base::Real => "real",
        Base::Vector => "vector",
        Base::RowVector => "row_vector",
        Base::Matrix => "matrix",
        Base::Simplex => "simplex",
        Base::UnitVector => "unit_vector",
        Base::Ordered => "ordered",
        Base::PositiveOrdered => "positive_ordered",
        Base::CholeskyFactorCorr => "cholesky_factor_corr",
    };
    match kind.arrays {
        0 => base.to_owned(),
        n => format!("array[{}] {base}", ",".repeat(n - 1)),
    }
}

impl Value {
    /// The type of one number of it.
    pub(crate) fn element_kind(&self) -> Type {
        let base = if self.is_int() { Base::Int } else { Base::Real };
        Type { base, arrays: 0 }
    }
}
