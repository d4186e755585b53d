//! Runs a program on a block of points, or on one: the same code, so the same bits.

use super::{
    Op, Place, Program,
    function::{Binary, Unary},
    index::{Counters, MAX_LOOPS},
};
use crate::{LANES, Objective};

/// Up to this many points are run one by one: a block costs as much as all its lanes.
const FEW: usize = 4;

/// One number of each point of a block.
type Block<const L: usize> = [f64; L];

impl Objective for Program {
    fn dimension(&self) -> usize {
        self.dimension
    }

    fn outputs(&self) -> usize {
        self.outputs
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        let points = values.len() / self.outputs.max(1);
        if points <= FEW {
            for point in 0..points {
                let one: Vec<Block<1>> = inputs.iter().map(|lanes| [lanes[point]]).collect();
                self.run(&one, |output, [value]| values[output * points + point] = *value);
            }
            return;
        }
        self.run(inputs, |output, block| {
            let start = output * points;
            values[start..start + points].copy_from_slice(&block[..points]);
        });
    }
}

impl Program {
    fn run<const L: usize>(&self, inputs: &[Block<L>], mut write: impl FnMut(usize, &Block<L>)) {
        let mut machine = Machine {
            program: self,
            inputs,
            stack: Vec::with_capacity(self.stack),
            lets: vec![[0.0; L]; self.lets],
            counters: [0; MAX_LOOPS],
            ends: [0; MAX_LOOPS],
        };
        let mut at = 0;
        while let Some(op) = self.code.get(at) {
            at = match op {
                Op::Output(output) => {
                    write((*output).into(), &machine.pop());
                    at + 1
                }
                op => machine.step(op, at),
            };
        }
    }
}

/// What a running program holds. The walk over the code has proved that no index leaves its range
/// and that no value is taken from an empty stack.
struct Machine<'a, const L: usize> {
    program: &'a Program,
    inputs: &'a [Block<L>],
    stack: Vec<Block<L>>,
    lets: Vec<Block<L>>,
    counters: Counters,
    ends: Counters,
}

impl<'a, const L: usize> Machine<'a, L> {
    fn pop(&mut self) -> Block<L> {
        self.stack.pop().unwrap_or([f64::NAN; L])
    }

    fn load(&self, place: &Place) -> &'a Block<L> {
        let index = place.index.value(&self.counters).unwrap_or(0);
        &self.inputs[place.base + usize::try_from(index).unwrap_or(0)]
    }

    /// Run one instruction; gives the place of the next.
    fn step(&mut self, op: &Op, at: usize) -> usize {
        match op {
            Op::Const(value) => self.stack.push([*value; L]),
            Op::Load(place) => self.stack.push(*self.load(place)),
            Op::Counter(slot) => {
                #[expect(clippy::cast_precision_loss, reason = "loops are far shorter than 2^53")]
                let value = self.counters[usize::from(*slot)] as f64;
                self.stack.push([value; L]);
            }
            Op::Let(slot) => self.stack.push(self.lets[usize::from(*slot)]),
            Op::SetLet(slot) => self.lets[usize::from(*slot)] = self.pop(),
            Op::Unary(function) => self.on_top(|top| unary(*function, top)),
            Op::Binary(function) => {
                let right = self.pop();
                self.on_top(|top| binary(*function, top, &right));
            }
            Op::WithConst(function, value) => {
                self.on_top(|top| binary(*function, top, &[*value; L]));
            }
            Op::WithLoad(function, place) => {
                let right = self.load(place);
                self.on_top(|top| binary(*function, top, right));
            }
            Op::Loop { .. } | Op::Next { .. } => return self.count(op, at),
            op => self.rare(op),
        }
        at + 1
    }

    fn on_top(&mut self, work: impl FnOnce(&mut Block<L>)) {
        if let Some(top) = self.stack.last_mut() {
            work(top);
        }
    }

    fn rare(&mut self, op: &Op) {
        match op {
            Op::Clamp => {
                let (high, low) = (self.pop(), self.pop());
                self.on_top(|top| {
                    binary(Binary::Max, top, &low);
                    binary(Binary::Min, top, &high);
                });
            }
            Op::Select => {
                let (otherwise, then) = (self.pop(), self.pop());
                self.on_top(|top| {
                    for ((top, then), otherwise) in top.iter_mut().zip(&then).zip(&otherwise) {
                        *top = if *top != 0.0 { *then } else { *otherwise };
                    }
                });
            }
            Op::Table(number, two) => {
                let columns = if *two { self.pop() } else { [0.0; L] };
                let table = &self.program.tables[usize::from(*number)];
                let two = *two;
                self.on_top(|top| {
                    for (top, column) in top.iter_mut().zip(&columns) {
                        *top = table.get(two, *top, *column);
                    }
                });
            }
            Op::Sum { base, length } => {
                let mut total = [0.0; L];
                for block in &self.inputs[*base..base + length] {
                    binary(Binary::Add, &mut total, block);
                }
                self.stack.push(total);
            }
            Op::Dot { left, right, length } => {
                let mut total = [0.0; L];
                for place in 0..*length {
                    let mut product = self.inputs[left + place];
                    binary(Binary::Mul, &mut product, &self.inputs[right + place]);
                    binary(Binary::Add, &mut total, &product);
                }
                self.stack.push(total);
            }
            _ => {}
        }
    }

    fn count(&mut self, op: &Op, at: usize) -> usize {
        match op {
            Op::Loop { slot, lo, hi, join, body, .. } => {
                let lo = lo.value(&self.counters).unwrap_or(0);
                let hi = hi.value(&self.counters).unwrap_or(-1);
                let slot = usize::from(*slot);
                (self.counters[slot], self.ends[slot]) = (lo, hi);
                self.stack.push([join.neutral(); L]);
                if lo > hi { at + body + 1 } else { at + 1 }
            }
            Op::Next { slot, join, body } => {
                let value = self.pop();
                self.on_top(|total| binary(*join, total, &value));
                let slot = usize::from(*slot);
                if self.counters[slot] < self.ends[slot] {
                    self.counters[slot] += 1;
                    return at - body + 1;
                }
                at + 1
            }
            _ => at + 1,
        }
    }
}

impl super::Table {
    /// The number at a rounded place; not a number outside.
    fn get(&self, two: bool, first: f64, second: f64) -> f64 {
        let place = |index: f64, length: usize| {
            let index = libm::rint(index);
            #[expect(clippy::cast_precision_loss, reason = "tables are far smaller than 2^53")]
            let inside = index >= 0.0 && index < length as f64;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "checked to lie in the table"
            )]
            inside.then_some(index as usize)
        };
        let found = if two {
            let rows = self.values.len() / self.columns.max(1);
            place(first, rows)
                .zip(place(second, self.columns))
                .map(|(row, column)| row * self.columns + column)
        } else {
            place(first, self.values.len())
        };
        found.and_then(|place| self.values.get(place)).copied().unwrap_or(f64::NAN)
    }
}

/// Frequent functions have a loop of their own, which the compiler can vectorise.
fn binary<const L: usize>(function: Binary, left: &mut Block<L>, right: &Block<L>) {
    fn zip<const L: usize>(l: &mut Block<L>, r: &Block<L>, f: impl Fn(f64, f64) -> f64) {
        for (l, r) in l.iter_mut().zip(r) {
            *l = f(*l, *r);
        }
    }
    match function {
        Binary::Add => zip(left, right, |a, b| a + b),
        Binary::Sub => zip(left, right, |a, b| a - b),
        Binary::Mul => zip(left, right, |a, b| a * b),
        Binary::Div => zip(left, right, |a, b| a / b),
        Binary::Less => zip(left, right, |a, b| Binary::Less.apply(a, b)),
        Binary::LessEqual => zip(left, right, |a, b| Binary::LessEqual.apply(a, b)),
        Binary::Min => zip(left, right, |a, b| Binary::Min.apply(a, b)),
        Binary::Max => zip(left, right, |a, b| Binary::Max.apply(a, b)),
        other => zip(left, right, |a, b| other.apply(a, b)),
    }
}

fn unary<const L: usize>(function: Unary, block: &mut Block<L>) {
    fn map<const L: usize>(block: &mut Block<L>, f: impl Fn(f64) -> f64) {
        for x in block {
            *x = f(*x);
        }
    }
    match function {
        Unary::Neg => map(block, |x| -x),
        Unary::Abs => map(block, f64::abs),
        Unary::Sqrt => map(block, f64::sqrt),
        Unary::Powi(2) => map(block, |x| Unary::Powi(2).apply(x)),
        Unary::Powi(3) => map(block, |x| Unary::Powi(3).apply(x)),
        Unary::Powi(4) => map(block, |x| Unary::Powi(4).apply(x)),
        Unary::Sin => map(block, libm::sin),
        Unary::Cos => map(block, libm::cos),
        Unary::Exp => map(block, libm::exp),
        Unary::Ln => map(block, libm::log),
        other => map(block, |x| other.apply(x)),
    }
}
