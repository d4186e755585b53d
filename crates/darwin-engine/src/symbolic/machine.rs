//! Values of trees on data, and their derivatives by the numbers in them.

use super::{
    Sample,
    tree::{Node, Tree, sizes},
};
use crate::{
    LANES,
    expression::{Binary, Unary},
};

/// Evaluates trees on data, block by block, and counts how often it did.
pub(super) struct Machine<'d> {
    data: &'d Sample,
    width: usize,
    values: Vec<f64>,
    adjoints: Vec<f64>,
    /// Evaluations on the whole data.
    pub(super) evals: u64,
}

/// Normal equations of a step of Gauss and Newton.
#[derive(Debug, Default)]
pub(super) struct Normal {
    /// Rows of the upper triangle, whole rows for simplicity.
    pub(super) matrix: Vec<f64>,
    pub(super) right: Vec<f64>,
    /// Sum of squared residuals.
    pub(super) sse: f64,
}

impl<'d> Machine<'d> {
    pub(super) fn new(data: &'d Sample) -> Self {
        let width = data.rows().min(LANES);
        Self { data, width, values: Vec::new(), adjoints: Vec::new(), evals: 0 }
    }

    pub(super) fn data(&self) -> &'d Sample {
        self.data
    }

    /// Call `each` with the first row and the values of the root, block by block; false when one of
    /// them is not finite.
    pub(super) fn each_block(
        &mut self,
        tree: &[Node],
        mut each: impl FnMut(usize, &[f64]),
    ) -> bool {
        self.evals += 1;
        let sizes = sizes(tree);
        for from in (0..self.data.rows()).step_by(self.width) {
            let count = self.forward(tree, &sizes, from);
            let root = &self.values[(tree.len() - 1) * self.width..][..count];
            if root.iter().any(|value| !value.is_finite()) {
                return false;
            }
            each(from, root);
        }
        true
    }

    /// Values of all rows; `None` when one is not finite.
    pub(super) fn values(&mut self, tree: &[Node]) -> Option<Vec<f64>> {
        let mut all = Vec::with_capacity(self.data.rows());
        self.each_block(tree, |_, block| all.extend_from_slice(block)).then_some(all)
    }

    /// Sum of squared residuals; infinite when a value is not finite.
    pub(super) fn sse(&mut self, tree: &[Node]) -> f64 {
        let (mut sse, target) = (0.0, self.data.target());
        let finite = self.each_block(tree, |from, block| {
            for (value, wanted) in block.iter().zip(&target[from..]) {
                sse += (wanted - value) * (wanted - value);
            }
        });
        if finite && sse.is_finite() { sse } else { f64::INFINITY }
    }

    /// Normal equations for the numbers at these places of a tree.
    pub(super) fn normal(&mut self, tree: &[Node], numbers: &[usize], normal: &mut Normal) -> bool {
        self.evals += 1;
        let (sizes, p, width) = (sizes(tree), numbers.len(), self.width);
        normal.matrix.clear();
        normal.matrix.resize(p * p, 0.0);
        normal.right.clear();
        normal.right.resize(p, 0.0);
        normal.sse = 0.0;
        let root = tree.len() - 1;
        for from in (0..self.data.rows()).step_by(width) {
            let count = self.forward(tree, &sizes, from);
            self.backward(tree, &sizes, count);
            let mut residuals = [0.0; LANES];
            let rows = self.data.target()[from..].iter().zip(&self.values[root * width..]);
            for (residual, (wanted, value)) in residuals.iter_mut().zip(rows.take(count)) {
                *residual = wanted - value;
                normal.sse += *residual * *residual;
            }
            for (i, place) in numbers.iter().enumerate() {
                let column = &self.adjoints[place * width..][..count];
                normal.right[i] += dot(column, &residuals[..count]);
                for (j, other) in numbers.iter().enumerate().take(i + 1) {
                    let sum = dot(column, &self.adjoints[other * width..][..count]);
                    normal.matrix[i * p + j] += sum;
                    if i != j {
                        normal.matrix[j * p + i] += sum;
                    }
                }
            }
        }
        normal.sse.is_finite()
            && normal.matrix.iter().chain(&normal.right).all(|one| one.is_finite())
    }

    /// Values of all nodes on a block; how many rows it has.
    fn forward(&mut self, tree: &[Node], sizes: &[usize], from: usize) -> usize {
        let width = self.width;
        let count = width.min(self.data.rows() - from);
        if self.values.len() < tree.len() * width {
            self.values.resize(tree.len() * width, 0.0);
        }
        for (at, node) in tree.iter().enumerate() {
            let (before, rest) = self.values.split_at_mut(at * width);
            let out = &mut rest[..count];
            let argument = |at: usize| &before[at * width..][..count];
            match node {
                Node::Number(value) => out.fill(*value),
                Node::Column(column) => {
                    out.copy_from_slice(&self.data.column(*column)[from..from + count]);
                }
                Node::One(function) => unary(*function, argument(at - 1), out),
                Node::Two(function) => {
                    let left = at - 1 - sizes[at - 1];
                    binary(*function, argument(left), argument(at - 1), out);
                }
                Node::If => {
                    let yes = at - 1 - sizes[at - 1];
                    let condition = yes - sizes[yes];
                    let all = argument(condition).iter().zip(argument(yes)).zip(argument(at - 1));
                    for (out, ((condition, yes), no)) in out.iter_mut().zip(all) {
                        *out = if *condition != 0.0 { *yes } else { *no };
                    }
                }
            }
        }
        count
    }

    /// Derivatives of the root by every node.
    fn backward(&mut self, tree: &[Node], sizes: &[usize], count: usize) {
        let width = self.width;
        if self.adjoints.len() < tree.len() * width {
            self.adjoints.resize(tree.len() * width, 0.0);
        }
        let root = tree.len() - 1;
        self.adjoints[root * width..][..count].fill(1.0);
        for at in (0..tree.len()).rev() {
            let right = at.wrapping_sub(1);
            let (before, rest) = self.adjoints.split_at_mut(at * width);
            let own = &rest[..count];
            let value = |at: usize, lane: usize| self.values[at * width + lane];
            match tree[at] {
                Node::Number(_) | Node::Column(_) => {}
                Node::One(function) => {
                    for (lane, own) in own.iter().enumerate() {
                        let slope = slope(function, value(right, lane), value(at, lane));
                        before[right * width + lane] = own * slope;
                    }
                }
                Node::Two(function) => {
                    let left = right - sizes[right];
                    for (lane, own) in own.iter().enumerate() {
                        let [a, b] = [value(left, lane), value(right, lane)];
                        let (da, db) = slopes(function, a, b, value(at, lane));
                        before[left * width + lane] = own * da;
                        before[right * width + lane] = own * db;
                    }
                }
                Node::If => {
                    let yes = right - sizes[right];
                    let condition = yes - sizes[yes];
                    for (lane, own) in own.iter().enumerate() {
                        let holds = value(condition, lane) != 0.0;
                        before[condition * width + lane] = 0.0;
                        before[yes * width + lane] = if holds { *own } else { 0.0 };
                        before[right * width + lane] = if holds { 0.0 } else { *own };
                    }
                }
            }
        }
    }
}

/// Places of the numbers of a tree.
pub(super) fn numbers(tree: &Tree) -> Vec<usize> {
    let is_number = |at: &usize| matches!(tree[*at], Node::Number(_));
    (0..tree.len()).filter(is_number).collect()
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |sum, (a, b)| sum + a * b)
}

fn map(from: &[f64], out: &mut [f64], of: impl Fn(f64) -> f64) {
    for (out, x) in out.iter_mut().zip(from) {
        *out = of(*x);
    }
}

fn unary(function: Unary, from: &[f64], out: &mut [f64]) {
    match function {
        Unary::Powi(2) => map(from, out, |x| x * x),
        Unary::Sqrt => map(from, out, f64::sqrt),
        _ => map(from, out, |x| function.apply(x)),
    }
}

fn binary(function: Binary, left: &[f64], right: &[f64], out: &mut [f64]) {
    let of = |out: &mut [f64], of: fn(f64, f64) -> f64| {
        for (out, (a, b)) in out.iter_mut().zip(left.iter().zip(right)) {
            *out = of(*a, *b);
        }
    };
    match function {
        Binary::Add => of(out, |a, b| a + b),
        Binary::Sub => of(out, |a, b| a - b),
        Binary::Mul => of(out, |a, b| a * b),
        Binary::Div => of(out, |a, b| a / b),
        Binary::Less => of(out, |a, b| Binary::Less.apply(a, b)),
        Binary::Min => of(out, |a, b| Binary::Min.apply(a, b)),
        Binary::Max => of(out, |a, b| Binary::Max.apply(a, b)),
        _ => of(out, |a, b| Binary::Pow.apply(a, b)),
    }
}

/// Derivative at x, where the value is v.
fn slope(function: Unary, x: f64, v: f64) -> f64 {
    match function {
        Unary::Sin => libm::cos(x),
        Unary::Cos => -libm::sin(x),
        Unary::Tan => 1.0 + v * v,
        Unary::Exp => v,
        Unary::Ln => 1.0 / x,
        Unary::Sqrt => 0.5 / v,
        Unary::Cbrt => 1.0 / (3.0 * v * v),
        Unary::Tanh => 1.0 - v * v,
        Unary::Atan => 1.0 / (1.0 + x * x),
        Unary::Abs => Unary::Sign.apply(x),
        Unary::Powi(2) => 2.0 * x,
        Unary::Powi(3) => 3.0 * (x * x),
        Unary::Neg => -1.0,
        _ => 0.0,
    }
}

fn slopes(function: Binary, a: f64, b: f64, v: f64) -> (f64, f64) {
    match function {
        Binary::Add => (1.0, 1.0),
        Binary::Sub => (1.0, -1.0),
        Binary::Mul => (b, a),
        Binary::Div => (1.0 / b, -v / b),
        Binary::Min if a < b => (1.0, 0.0),
        Binary::Max if a > b => (1.0, 0.0),
        Binary::Min | Binary::Max => (0.0, 1.0),
        Binary::Pow => {
            let by_exponent = if a > 0.0 { v * libm::log(a) } else { 0.0 };
            (b * libm::pow(a, b - 1.0), by_exponent)
        }
        _ => (0.0, 0.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn derivatives_are_those_of_differences() {
        let x: Vec<f64> = (1..=70).map(|k| f64::from(k) / 20.0).collect();
        let data = Sample::new(vec!["x".to_owned()], vec![x.clone()], x).unwrap();
        let functions = [
            Unary::Sin,
            Unary::Cos,
            Unary::Tan,
            Unary::Exp,
            Unary::Ln,
            Unary::Sqrt,
            Unary::Cbrt,
            Unary::Tanh,
            Unary::Atan,
            Unary::Abs,
            Unary::Powi(2),
            Unary::Powi(3),
        ];
        let joins = [
            Binary::Add,
            Binary::Sub,
            Binary::Mul,
            Binary::Div,
            Binary::Pow,
            Binary::Min,
            Binary::Max,
        ];
        let mut machine = Machine::new(&data);
        let mut normal = Normal::default();
        for join in joins {
            for function in functions {
                // f(c0 * x) joined with c1
                let tree = |c0: f64, c1: f64| {
                    vec![
                        Node::Number(c0),
                        Node::Column(0),
                        Node::Two(Binary::Mul),
                        Node::One(function),
                        Node::Number(c1),
                        Node::Two(join),
                    ]
                };
                let [c0, c1] = [0.3, 1.7];
                let here = tree(c0, c1);
                if !machine.normal(&here, &numbers(&here), &mut normal) {
                    continue;
                }
                let h = 1e-6;
                for (place, (plus, minus)) in
                    [(tree(c0 + h, c1), tree(c0 - h, c1)), (tree(c0, c1 + h), tree(c0, c1 - h))]
                        .iter()
                        .enumerate()
                {
                    // The sum of squares falls by 2 J'r.
                    let change = (machine.sse(plus) - machine.sse(minus)) / (2.0 * h);
                    let expected = -2.0 * normal.right[place];
                    let scale = normal.sse + expected.abs();
                    assert!((change - expected).abs() < 1e-5 * scale, "{function:?} {join:?}");
                }
            }
        }
    }
}
