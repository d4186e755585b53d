//! Steps over whole arrays: sums, products, triangular systems.

use std::borrow::Cow;

use super::builder::Step;
use super::run::Input;

/// Sums that a processor may run beside each other: one after another, each addition waits for the one before.
const LANES: usize = 8;

/// The sum of numbers, in lanes; equal on every machine.
pub(super) fn total(numbers: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (chunks, rest) = numbers.as_chunks::<LANES>();
    for chunk in chunks {
        for (lane, number) in lanes.iter_mut().zip(chunk) {
            *lane += number;
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The sum of products, in lanes.
pub(super) fn dot_total(left: &[f64], right: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let ((left, left_rest), (right, right_rest)) =
        (left.as_chunks::<LANES>(), right.as_chunks::<LANES>());
    for (a, b) in left.iter().zip(right) {
        for at in 0..LANES {
            lanes[at] += a[at] * b[at];
        }
    }
    let rest: f64 = left_rest.iter().zip(right_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

pub(super) fn sum(input: &Input, length: usize, values: &[f64]) -> f64 {
    match input {
        Input::Range(start) => {
            let start = *start as usize;
            total(&values[start..start + length])
        }
        _ => (0..length).map(|element| values[input.at(element)]).sum(),
    }
}

/// Adds the same slope to all.
pub(super) fn spread(input: &Input, length: usize, slope: f64, adjoints: &mut [f64]) {
    for element in 0..length {
        if let Some(slot) = adjoints.get_mut(input.at(element)) {
            *slot += slope;
        }
    }
}

pub(super) fn log_sum_exp(input: &Input, length: usize, values: &[f64]) -> f64 {
    let numbers = || (0..length).map(|element| values[input.at(element)]);
    let high = numbers().fold(f64::NEG_INFINITY, f64::max);
    if high.is_infinite() || numbers().any(f64::is_nan) {
        return numbers().fold(high, |all, one| if one.is_nan() { one } else { all });
    }
    high + numbers().map(|number| (number - high).exp()).sum::<f64>().ln()
}

pub(super) fn log_sum_exp_back(
    input: &Input,
    length: usize,
    adjoint: f64,
    y: f64,
    values: &[f64],
    adjoints: &mut [f64],
) {
    if adjoint == 0.0 || y == f64::NEG_INFINITY {
        return;
    }
    for element in 0..length {
        let place = input.at(element);
        if let Some(slot) = adjoints.get_mut(place) {
            *slot += adjoint * (values[place] - y).exp();
        }
    }
}

pub(super) fn dot(left: &Input, right: &Input, length: usize, values: &[f64]) -> f64 {
    (0..length).map(|at| values[left.at(at)] * values[right.at(at)]).sum()
}

pub(super) fn dot_back(
    inputs: &[Input],
    length: usize,
    adjoint: f64,
    values: &[f64],
    adjoints: &mut [f64],
) {
    let [left, right] = inputs else { return };
    for at in 0..length {
        for (one, other) in [(left, right), (right, left)] {
            if let Some(slot) = adjoints.get_mut(one.at(at)) {
                *slot += adjoint * values[other.at(at)];
            }
        }
    }
}

pub(super) fn forward(step: &Step, inputs: &[Input], out: usize, values: &mut [f64]) {
    match *step {
        Step::Product(rows, inner, columns) => {
            let left = inputs[0].taken(rows * inner, values);
            let right = inputs[1].taken(inner * columns, values);
            let product = product(&left, &right, [rows, inner, columns]);
            values[out..out + product.len()].copy_from_slice(&product);
        }
        Step::Cholesky(n) => {
            let mut factor = vec![0.0; n * n];
            inputs[0].load(values, 0, &mut factor);
            cholesky(&mut factor, n);
            values[out..out + n * n].copy_from_slice(&factor);
        }
        Step::SolveLower(n, columns) => {
            let lower = inputs[0].taken(n * n, values);
            let mut x = inputs[1].taken(n * columns, values).into_owned();
            for column in x.chunks_mut(n.max(1)) {
                solve_lower(&lower, n, column);
            }
            values[out..out + x.len()].copy_from_slice(&x);
        }
        _ => {}
    }
}

pub(super) fn backward(
    step: &Step,
    inputs: &[Input],
    out: usize,
    values: &[f64],
    adjoints: &mut [f64],
) {
    match *step {
        Step::Product(rows, inner, columns) => {
            product_back(inputs, [rows, inner, columns], out, values, adjoints);
        }
        Step::Cholesky(n) => {
            let mut slopes = adjoints[out..out + n * n].to_vec();
            cholesky_back(&values[out..out + n * n], &mut slopes, n);
            inputs[0].add(adjoints, 0, &slopes);
        }
        Step::SolveLower(n, columns) => {
            let mut lower = vec![0.0; n * n];
            inputs[0].load(values, 0, &mut lower);
            let mut of_right = adjoints[out..out + n * columns].to_vec();
            let mut of_lower = vec![0.0; n * n];
            for (slopes, x) in of_right.chunks_mut(n.max(1)).zip(values[out..].chunks(n.max(1))) {
                solve_upper_transposed(&lower, n, slopes);
                for (column, x) in x.iter().enumerate() {
                    for row in column..n {
                        of_lower[column * n + row] -= slopes[row] * x;
                    }
                }
            }
            inputs[0].add(adjoints, 0, &of_lower);
            inputs[1].add(adjoints, 0, &of_right);
        }
        _ => {}
    }
}

/// Column-major product.
pub(crate) fn product(left: &[f64], right: &[f64], [rows, inner, columns]: [usize; 3]) -> Vec<f64> {
    let mut to = vec![0.0; rows * columns];
    if rows == 0 || inner == 0 {
        return to;
    }
    for (column, right) in to.chunks_mut(rows).zip(right.chunks(inner)) {
        for (left, factor) in left.chunks(rows).zip(right) {
            for (slot, value) in column.iter_mut().zip(left) {
                *slot += value * factor;
            }
        }
    }
    to
}

fn product_back(
    inputs: &[Input],
    [rows, inner, columns]: [usize; 3],
    out: usize,
    values: &[f64],
    adjoints: &mut [f64],
) {
    if rows == 0 || inner == 0 || columns == 0 {
        return;
    }
    let left = inputs[0].taken(rows * inner, values);
    let right = inputs[1].taken(inner * columns, values);
    let slopes = adjoints[out..out + rows * columns].to_vec();
    let mut of_right = vec![0.0; right.len()];
    for (to, slopes) in of_right.chunks_mut(inner).zip(slopes.chunks(rows)) {
        for (slot, left) in to.iter_mut().zip(left.chunks(rows)) {
            *slot = dot_total(left, slopes);
        }
    }
    inputs[1].add(adjoints, 0, &of_right);
    if inputs[0].is_constant(adjoints.len()) {
        return;
    }
    let mut of_left = vec![0.0; left.len()];
    for (right, slopes) in right.chunks(inner).zip(slopes.chunks(rows)) {
        for (to, factor) in of_left.chunks_mut(rows).zip(right) {
            for (slot, slope) in to.iter_mut().zip(slopes) {
                *slot += slope * factor;
            }
        }
    }
    inputs[0].add(adjoints, 0, &of_left);
}

impl Input {
    /// Its numbers, borrowed where they lie one after another.
    fn taken<'values>(&self, length: usize, values: &'values [f64]) -> Cow<'values, [f64]> {
        if let Self::Range(start) = self {
            let start = *start as usize;
            return Cow::Borrowed(&values[start..start + length]);
        }
        let mut copy = vec![0.0; length];
        self.load(values, 0, &mut copy);
        Cow::Owned(copy)
    }

    /// Whether all of it lies behind the computed cells.
    pub(super) fn is_constant(&self, cells: usize) -> bool {
        match self {
            Self::One(place) | Self::Range(place) => *place as usize >= cells,
            Self::List(_) => false,
        }
    }
}

/// The lower factor in place; NaN where the matrix is not positive definite.
pub(crate) fn cholesky(a: &mut [f64], n: usize) {
    for column in 0..n {
        for row in 0..column {
            a[column * n + row] = 0.0;
        }
        for row in column..n {
            let sum: f64 = (0..column).map(|k| a[k * n + row] * a[k * n + column]).sum();
            let rest = a[column * n + row] - sum;
            a[column * n + row] =
                if row == column { rest.sqrt() } else { rest / a[column * n + column] };
        }
        let pivot = &mut a[column * n + column];
        if *pivot <= 0.0 {
            *pivot = f64::NAN;
        }
    }
}

/// From the adjoint of the factor to that of the lower half of the matrix, in place.
fn cholesky_back(factor: &[f64], slopes: &mut [f64], n: usize) {
    for column in (0..n).rev() {
        for row in 0..column {
            slopes[column * n + row] = 0.0;
        }
        let pivot = factor[column * n + column];
        for row in (column + 1..n).rev() {
            let slope = slopes[column * n + row] / pivot;
            slopes[column * n + row] = slope;
            slopes[column * n + column] -= slope * factor[column * n + row];
            for k in 0..column {
                slopes[k * n + row] -= slope * factor[k * n + column];
                slopes[k * n + column] -= slope * factor[k * n + row];
            }
        }
        let slope = 0.5 * slopes[column * n + column] / pivot;
        slopes[column * n + column] = slope;
        for k in 0..column {
            slopes[k * n + column] -= 2.0 * slope * factor[k * n + column];
        }
    }
}

pub(crate) fn solve_lower(lower: &[f64], n: usize, x: &mut [f64]) {
    for row in 0..n {
        let sum: f64 = (0..row).map(|k| lower[k * n + row] * x[k]).sum();
        x[row] = (x[row] - sum) / lower[row * n + row];
    }
}

/// Back substitution by the transposed factor.
pub(crate) fn solve_upper_transposed(lower: &[f64], n: usize, x: &mut [f64]) {
    for row in (0..n).rev() {
        let sum: f64 = (row + 1..n).map(|k| lower[row * n + k] * x[k]).sum();
        x[row] = (x[row] - sum) / lower[row * n + row];
    }
}
