//! Sums of densities: each is added up as it is computed, and none is kept.

use super::op::Op;
use super::run::{BLOCK, Blocks, Input, apply, slope_block};
use super::{kernel, linear};

/// The sum of a density over `count` elements.
pub(super) fn forward(
    op: Op,
    count: usize,
    inputs: &[Input],
    values: &[f64],
    blocks: &mut Blocks,
) -> f64 {
    let mut y = [0.0; BLOCK];
    let (mut from, mut total) = (0, 0.0);
    while from < count {
        let size = BLOCK.min(count - from);
        blocks.load(inputs, values, from, size);
        apply(op, &blocks.x, &mut y[..size]);
        total += linear::total(&y[..size]);
        from += size;
    }
    total
}

pub(super) fn backward(
    op: Op,
    count: usize,
    inputs: &[Input],
    adjoint: f64,
    values: &[f64],
    adjoints: &mut [f64],
    blocks: &mut Blocks,
) {
    // the slopes of a density do not need its value
    let (idle, same) = ([0.0; BLOCK], [adjoint; BLOCK]);
    let mut from = 0;
    while from < count {
        let size = BLOCK.min(count - from);
        blocks.load(inputs, values, from, size);
        let Blocks { x, slopes } = &mut *blocks;
        slope_block(op, x, &idle[..size], &same[..size], slopes);
        for (input, block) in inputs.iter().zip(&*slopes) {
            if !input.is_constant(adjoints.len()) {
                input.add(adjoints, from, &block[..size]);
            }
        }
        from += size;
    }
}

/// The log density of `count` answers by their logits; the slopes follow it, for they need the same exponentials.
pub(super) fn logit_forward(count: usize, inputs: &[Input], out: usize, values: &mut [f64]) {
    let mut x = [[0.0; BLOCK]; 2];
    let mut slopes = [0.0; BLOCK];
    let (mut from, mut total) = (0, 0.0);
    while from < count {
        let size = BLOCK.min(count - from);
        for (block, input) in x.iter_mut().zip(inputs) {
            input.load(values, from, &mut block[..size]);
        }
        total += kernel::logit_total(&x[0], &x[1], size, &mut slopes);
        let start = out + 1 + from;
        values[start..start + size].copy_from_slice(&slopes[..size]);
        from += size;
    }
    values[out] = total;
}

pub(super) fn logit_backward(
    count: usize,
    inputs: &[Input],
    out: usize,
    values: &[f64],
    adjoints: &mut [f64],
) {
    let adjoint = adjoints[out];
    let mut slopes = [0.0; BLOCK];
    let mut from = 0;
    while from < count {
        let size = BLOCK.min(count - from);
        let start = out + 1 + from;
        for (slot, slope) in slopes.iter_mut().zip(&values[start..start + size]) {
            *slot = adjoint * slope;
        }
        inputs[1].add(adjoints, from, &slopes[..size]);
        from += size;
    }
}
