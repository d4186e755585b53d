//! Steps as they are traced.

use std::collections::HashMap;
use std::sync::Arc;

use super::design::Design;
use super::op::Op;
use super::quadratic::Quadratic;
use crate::language::eval::MAX_ALL_CELLS;

/// Place of one number.
pub(crate) type Cell = u32;

/// Marks the cell of a constant.
const CONSTANT: u32 = 1 << 31;

/// What a step computes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Step {
    /// An [`Op`] of each element; an input of one cell serves all.
    Each(Op),
    /// The sum of all.
    Sum,
    /// `ln sum exp` of all.
    LogSumExp,
    /// The scalar product of two lists.
    Dot,
    /// A product of matrices, column-major: rows, inner size, columns.
    Product(usize, usize, usize),
    /// The lower Cholesky factor of a square matrix.
    Cholesky(usize),
    /// `L^-1 B` with a lower triangular matrix: size, columns.
    SolveLower(usize, usize),
    /// The sum of an [`Op`] over that many elements.
    Total(Op, usize),
    /// The log density of that many answers of 0 and 1 by their logits; its slopes follow it.
    Logit(usize),
    /// Linear predictors by the cells of their columns.
    Linear(Arc<Design>),
    /// Normal densities by the cells in their locations, and their scale if it is not known.
    Quadratic(Arc<Quadratic>),
    /// Computes nothing; the point is refused unless the first is at least the second.
    AtLeast,
}

/// A traced step.
#[derive(Debug, Clone)]
pub(crate) struct Traced {
    pub(super) step: Step,
    pub(super) inputs: Vec<Arc<[Cell]>>,
    pub(super) out: Cell,
    pub(super) count: usize,
}

/// Collects the steps of a trace.
#[derive(Debug, Default)]
pub(crate) struct Builder {
    /// Free parameters.
    pub(super) dim: usize,
    pub(super) steps: Vec<Traced>,
    pub(super) constants: Vec<f64>,
    /// Cells in use, constants apart.
    pub(super) cells: usize,
    interned: HashMap<u64, Cell>,
    /// Scalar steps already there.
    known: HashMap<(Op, [Cell; 4]), Cell>,
}

impl Builder {
    /// A trace over that many free parameters, which are the first cells.
    pub(crate) fn new(dim: usize) -> Self {
        Self { dim, cells: dim, ..Self::default() }
    }

    /// The cell of a number.
    pub(crate) fn constant(&mut self, value: f64) -> Cell {
        let next = CONSTANT | index(self.constants.len());
        let cell = *self.interned.entry(value.to_bits()).or_insert(next);
        if cell == next {
            self.constants.push(value);
        }
        cell
    }

    /// The number of a constant's cell.
    pub(crate) fn number(&self, cell: Cell) -> Option<f64> {
        if is_constant(cell) {
            self.constants.get((cell & !CONSTANT) as usize).copied()
        } else {
            None
        }
    }

    /// Adds a step that computes `count` numbers; their first cell.
    pub(crate) fn push(&mut self, step: Step, inputs: Vec<Arc<[Cell]>>, count: usize) -> Cell {
        let out = index(self.cells);
        self.cells += count;
        // the evaluator refuses such a trace; until it looks, nothing is kept
        if self.cells > MAX_ALL_CELLS {
            return 0;
        }
        self.steps.push(Traced { step, inputs, out, count });
        out
    }

    /// An operation on single cells, shared with an equal one.
    pub(crate) fn scalar(&mut self, op: Op, inputs: &[Cell]) -> Cell {
        let mut key = [0; 4];
        for (slot, cell) in key.iter_mut().zip(inputs) {
            *slot = *cell;
        }
        if let Some(cell) = self.known.get(&(op, key)) {
            return *cell;
        }
        let lists = inputs.iter().map(|cell| Arc::from([*cell])).collect();
        let out = self.push(Step::Each(op), lists, 1);
        self.known.insert((op, key), out);
        out
    }

    /// Size of the trace so far.
    pub(crate) fn size(&self) -> (usize, usize) {
        (self.steps.len(), self.cells)
    }
}

pub(super) fn is_constant(cell: Cell) -> bool {
    cell & CONSTANT != 0
}

/// A position as a cell; the limits on data and steps keep it below 2^31.
pub(super) fn index(position: usize) -> Cell {
    Cell::try_from(position).unwrap_or(Cell::MAX) & !CONSTANT
}
