//! Running a tape forward and back.

use super::builder::{Cell, Step};
use super::op::Op;
use super::{density, kernel, linear, total};

/// Where the numbers of an argument lie.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Input {
    /// One for all elements.
    One(Cell),
    /// One after another from here.
    Range(Cell),
    /// Anywhere.
    List(Box<[Cell]>),
}

impl Input {
    #[inline]
    pub(super) fn at(&self, element: usize) -> usize {
        match self {
            Self::One(place) => *place as usize,
            Self::Range(start) => *start as usize + element,
            Self::List(places) => places[element] as usize,
        }
    }

    /// Its numbers, up to as many as `to` holds, from `from` on.
    pub(super) fn load(&self, values: &[f64], from: usize, to: &mut [f64]) {
        match self {
            Self::One(place) => to.fill(values[*place as usize]),
            Self::Range(start) => {
                let start = *start as usize + from;
                to.copy_from_slice(&values[start..start + to.len()]);
            }
            Self::List(places) => {
                for (slot, place) in to.iter_mut().zip(&places[from..]) {
                    *slot = values[*place as usize];
                }
            }
        }
    }

    /// Adds slopes to the adjoints of its numbers; those of constants lie behind the end.
    pub(super) fn add(&self, adjoints: &mut [f64], from: usize, slopes: &[f64]) {
        match self {
            Self::One(place) => {
                if let Some(slot) = adjoints.get_mut(*place as usize) {
                    *slot += linear::total(slopes);
                }
            }
            Self::Range(start) => {
                let start = *start as usize + from;
                if let Some(slots) = adjoints.get_mut(start..start + slopes.len()) {
                    for (slot, slope) in slots.iter_mut().zip(slopes) {
                        *slot += slope;
                    }
                }
            }
            Self::List(places) => {
                for (place, slope) in places[from..].iter().zip(slopes) {
                    if let Some(slot) = adjoints.get_mut(*place as usize) {
                        *slot += slope;
                    }
                }
            }
        }
    }
}

/// A step with its places.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(super) step: Step,
    pub(super) inputs: Vec<Input>,
    pub(super) out: usize,
    /// Numbers it computes.
    pub(super) count: usize,
    /// Numbers of its first input.
    pub(super) length: usize,
}

/// A program ready to run.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    pub(super) dim: usize,
    /// Cells that are computed, parameters included.
    pub(super) cells: usize,
    pub(super) steps: Vec<Placed>,
    pub(super) constants: Vec<f64>,
    pub(super) roots: Vec<Input>,
}

/// The arena of one chain.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    values: Vec<f64>,
    adjoints: Vec<f64>,
    blocks: Box<Blocks>,
}

/// Room for one block of up to four inputs and of their slopes: to clear it anew costs more than a short step.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    pub(super) x: [[f64; BLOCK]; 4],
    pub(super) slopes: [[f64; BLOCK]; 4],
}

impl Blocks {
    /// Takes in the inputs of some elements; those that a step does not have are 0.
    pub(super) fn load(&mut self, inputs: &[Input], values: &[f64], from: usize, size: usize) {
        for (at, block) in self.x.iter_mut().enumerate() {
            match inputs.get(at) {
                Some(input) => input.load(values, from, &mut block[..size]),
                None => block[..size].fill(0.0),
            }
        }
    }
}

/// Elements computed at a time.
pub(super) const BLOCK: usize = 64;

impl Tape {
    /// An arena for it.
    pub(crate) fn workspace(&self) -> Workspace {
        let mut values = vec![0.0; self.cells];
        values.extend_from_slice(&self.constants);
        let blocks = Box::new(Blocks { x: [[0.0; BLOCK]; 4], slopes: [[0.0; BLOCK]; 4] });
        Workspace { values, adjoints: vec![0.0; self.cells], blocks }
    }

    /// Array steps, for measurement.
    pub(crate) fn len(&self) -> usize {
        self.steps.len()
    }

    /// Runs it at a point; false where the point is refused.
    pub(crate) fn forward(&self, work: &mut Workspace, point: &[f64]) -> bool {
        work.values[..self.dim].copy_from_slice(point);
        let Workspace { values, blocks, .. } = work;
        self.steps.iter().all(|placed| placed.forward(values, blocks))
    }

    /// A root's numbers after [`Self::forward`].
    pub(crate) fn root(&self, work: &Workspace, root: usize, to: &mut [f64]) {
        if let Some(input) = self.roots.get(root) {
            input.load(&work.values, 0, to);
        }
    }

    /// The only number of the first root and its gradient; `None` where the point is refused.
    pub(crate) fn gradient(
        &self,
        work: &mut Workspace,
        point: &[f64],
        gradient: &mut [f64],
    ) -> Option<f64> {
        if !self.forward(work, point) {
            return None;
        }
        let root = self.roots.first()?.at(0);
        work.adjoints.fill(0.0);
        if let Some(slot) = work.adjoints.get_mut(root) {
            *slot = 1.0;
        }
        for placed in self.steps.iter().rev() {
            placed.backward(&work.values, &mut work.adjoints, &mut work.blocks);
        }
        gradient.copy_from_slice(&work.adjoints[..self.dim]);
        Some(work.values[root])
    }
}

impl Placed {
    fn forward(&self, values: &mut [f64], blocks: &mut Blocks) -> bool {
        let (out, inputs) = (self.out, &self.inputs);
        match &self.step {
            Step::Each(op) if self.count == 1 => {
                values[out] = op.value(self.single(values));
            }
            Step::Each(op) => self.each_forward(*op, values, blocks),
            Step::Sum => {
                values[out] = linear::sum(&inputs[0], self.length, values);
            }
            Step::LogSumExp => values[out] = linear::log_sum_exp(&inputs[0], self.length, values),
            Step::AtLeast => {
                return values[inputs[0].at(0)] >= values[inputs[1].at(0)];
            }
            Step::Dot => values[out] = linear::dot(&inputs[0], &inputs[1], self.length, values),
            Step::Total(op, count) => {
                values[out] = total::forward(*op, *count, inputs, values, blocks);
            }
            Step::Logit(count) => total::logit_forward(*count, inputs, out, values),
            Step::Linear(design) => design.forward(&inputs[0], out, values),
            Step::Quadratic(quadratic) => quadratic.forward(inputs, out, values),
            step => linear::forward(step, inputs, out, values),
        }
        true
    }

    fn single(&self, values: &[f64]) -> [f64; 4] {
        let mut x = [0.0; 4];
        for (slot, input) in x.iter_mut().zip(&self.inputs) {
            *slot = values[input.at(0)];
        }
        x
    }

    fn each_forward(&self, op: Op, values: &mut [f64], blocks: &mut Blocks) {
        let mut y = [0.0; BLOCK];
        let mut from = 0;
        while from < self.count {
            let size = BLOCK.min(self.count - from);
            blocks.load(&self.inputs, values, from, size);
            apply(op, &blocks.x, &mut y[..size]);
            values[self.out + from..self.out + from + size].copy_from_slice(&y[..size]);
            from += size;
        }
    }

    fn backward(&self, values: &[f64], adjoints: &mut [f64], blocks: &mut Blocks) {
        match &self.step {
            Step::Each(op) if self.count == 1 => {
                let adjoint = adjoints[self.out];
                if adjoint == 0.0 {
                    return;
                }
                let slopes = op.slopes(self.single(values), values[self.out]);
                for (input, slope) in self.inputs.iter().zip(slopes) {
                    if let Some(slot) = adjoints.get_mut(input.at(0)) {
                        *slot += adjoint * slope;
                    }
                }
            }
            Step::Each(op) => self.each_backward(*op, values, adjoints, blocks),
            Step::Sum => {
                let adjoint = adjoints[self.out];
                linear::spread(&self.inputs[0], self.length, adjoint, adjoints);
            }
            Step::LogSumExp => {
                let (adjoint, y) = (adjoints[self.out], values[self.out]);
                linear::log_sum_exp_back(
                    &self.inputs[0],
                    self.length,
                    adjoint,
                    y,
                    values,
                    adjoints,
                );
            }
            Step::AtLeast => {}
            Step::Total(op, count) => {
                let adjoint = adjoints[self.out];
                total::backward(*op, *count, &self.inputs, adjoint, values, adjoints, blocks);
            }
            Step::Logit(count) => {
                total::logit_backward(*count, &self.inputs, self.out, values, adjoints);
            }
            Step::Linear(design) => design.backward(&self.inputs[0], self.out, adjoints),
            Step::Quadratic(quadratic) => {
                quadratic.backward(&self.inputs, self.out, values, adjoints);
            }
            Step::Dot => {
                let adjoint = adjoints[self.out];
                linear::dot_back(&self.inputs, self.length, adjoint, values, adjoints);
            }
            step => linear::backward(step, &self.inputs, self.out, values, adjoints),
        }
    }

    fn each_backward(&self, op: Op, values: &[f64], adjoints: &mut [f64], blocks: &mut Blocks) {
        let mut from = 0;
        while from < self.count {
            let size = BLOCK.min(self.count - from);
            blocks.load(&self.inputs, values, from, size);
            let Blocks { x, slopes } = &mut *blocks;
            let here = self.out + from..self.out + from + size;
            slope_block(op, x, &values[here.clone()], &adjoints[here], slopes);
            for (input, block) in self.inputs.iter().zip(&*slopes) {
                if !input.is_constant(adjoints.len()) {
                    input.add(adjoints, from, &block[..size]);
                }
            }
            from += size;
        }
    }
}

/// Runs a loop with the operation as a constant where it is common: its branches fall away.
macro_rules! specialised {
    ($op:expr, $run:ident, $arguments:tt; $($name:ident)*) => {
        match $op {
            $(Op::$name => specialised!(@ $run, Op::$name, $arguments),)*
            other => specialised!(@ $run, other, $arguments),
        }
    };
    (@ $run:ident, $op:expr, ($($argument:expr),*)) => { $run($op, $($argument),*) };
}

/// Values of a block; the commonest operations in loops of their own, which the compiler vectorises.
pub(super) fn apply(op: Op, x: &[[f64; BLOCK]; 4], y: &mut [f64]) {
    let [a, b, c, _] = x;
    match op {
        Op::Add => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a + b),
        Op::Subtract => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a - b),
        Op::Multiply => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a * b),
        Op::Divide => y.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a / b),
        Op::Normal => density::normal_block([a, b, c], y),
        Op::BernoulliLogit if kernel::are_answers(&a[..y.len()]) => kernel::logit_block(a, b, y),
        _ => {
            specialised!(op, values_of, (x, y); Negate Exp Log Square Sqrt Inv InvLogit Log1p Log1m Log1pExp
            Log1mExp Power PoissonLog BinomialLogit StudentT Cauchy Lognormal Gamma Exponential LogSumExp);
        }
    }
}

/// [`apply`] of one operation.
#[expect(clippy::inline_always, reason = "the operation is a constant only where this is inlined")]
#[inline(always)]
fn values_of(op: Op, x: &[[f64; BLOCK]; 4], y: &mut [f64]) {
    let [a, b, c, d] = x;
    for (at, y) in y.iter_mut().enumerate() {
        *y = op.value([a[at], b[at], c[at], d[at]]);
    }
}

/// Slopes times adjoints of a block; an element nothing depends on is left out, so that an infinite slope
/// there does no harm.
pub(super) fn slope_block(
    op: Op,
    x: &[[f64; BLOCK]; 4],
    y: &[f64],
    adjoints: &[f64],
    to: &mut [[f64; BLOCK]; 4],
) {
    let [a, b, c, _] = x;
    match op {
        Op::Add | Op::Subtract => {
            let sign = if op == Op::Add { 1.0 } else { -1.0 };
            for (at, adjoint) in adjoints.iter().enumerate() {
                to[0][at] = *adjoint;
                to[1][at] = sign * adjoint;
            }
            return;
        }
        Op::Multiply => {
            for (at, adjoint) in adjoints.iter().enumerate() {
                to[0][at] = adjoint * b[at];
                to[1][at] = adjoint * a[at];
            }
            return;
        }
        Op::Normal => return density::normal_slopes([a, b, c], adjoints, to),
        Op::BernoulliLogit => {
            to[0][..adjoints.len()].fill(0.0);
            return kernel::logit_slopes(a, b, adjoints, &mut to[1]);
        }
        _ => {}
    }
    specialised!(op, slopes_of, (x, y, adjoints, to); Divide Negate Exp Log Square Sqrt Inv InvLogit Log1p Log1m
        Log1pExp Log1mExp Power PoissonLog BinomialLogit StudentT Cauchy Lognormal Gamma Exponential LogSumExp);
}

/// [`slope_block`] of one operation.
#[expect(clippy::inline_always, reason = "the operation is a constant only where this is inlined")]
#[inline(always)]
fn slopes_of(
    op: Op,
    x: &[[f64; BLOCK]; 4],
    y: &[f64],
    adjoints: &[f64],
    to: &mut [[f64; BLOCK]; 4],
) {
    let [a, b, c, d] = x;
    for (at, (y, adjoint)) in y.iter().zip(adjoints).enumerate() {
        if *adjoint == 0.0 {
            for block in to.iter_mut() {
                block[at] = 0.0;
            }
            continue;
        }
        let [one, two, three, four] = op.slopes([a[at], b[at], c[at], d[at]], *y);
        to[0][at] = one * adjoint;
        to[1][at] = two * adjoint;
        to[2][at] = three * adjoint;
        to[3][at] = four * adjoint;
    }
}
