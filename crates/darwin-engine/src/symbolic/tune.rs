//! The numbers of an expression: factors of a sum by least squares, all others by Levenberg and
//! Marquardt, and shorter decimals where they do no harm.

use super::{
    machine::{Machine, Normal, dot, numbers},
    tree::{Node, Tree, combined, simplified, terms},
};

/// Below this share of the target's variance residuals are rounding.
const ROUNDING: f64 = 1e-24;
/// A factor this near to a whole number is meant to be one.
const NEAR: f64 = 1e-9;
/// A direction with less than this share of its own is that of others.
const SINGULAR: f64 = 1e-12;
/// Most numbers that are tuned at once.
const MAX_NUMBERS: usize = 40;

/// Give the terms of the sum at the root their best factors. `None` when there is no term, or a value
/// that is not finite.
pub(super) fn linear(machine: &mut Machine<'_>, tree: &[Node], most: usize) -> Option<Tree> {
    let mut terms = terms(tree);
    loop {
        let mut columns = Vec::with_capacity(terms.len());
        for term in &terms {
            columns.push(machine.values(term)?);
        }
        let (mut factors, shift) = least_squares(&columns, machine.data().target())?;
        let spread: Vec<f64> = columns
            .iter()
            .zip(&factors)
            .map(|(column, factor)| factor.abs() * deviation(column))
            .collect();
        let scale = machine.data().variance().sqrt();
        for (factor, spread) in factors.iter_mut().zip(&spread) {
            if !(*spread > 1e-10 * scale) {
                *factor = 0.0;
            }
        }
        let whole = combined(&terms, &factors, shift);
        if whole.len() <= most || terms.len() <= 1 {
            return Some(whole);
        }
        // Too large: without the term that does least.
        let least = (0..terms.len()).min_by(|a, b| spread[*a].total_cmp(&spread[*b]))?;
        terms.remove(least);
    }
}

/// Factors of columns and a number that come nearest to the target.
fn least_squares(columns: &[Vec<f64>], target: &[f64]) -> Option<(Vec<f64>, f64)> {
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let rows = target.len() as f64;
    let k = columns.len();
    if k == 0 || k + 1 > target.len() {
        return None;
    }
    let mean = |column: &[f64]| column.iter().sum::<f64>() / rows;
    let centred: Vec<Vec<f64>> = columns
        .iter()
        .map(|column| {
            let mean = mean(column);
            column.iter().map(|value| value - mean).collect()
        })
        .collect();
    let middle = mean(target);
    let mut residual: Vec<f64> = target.iter().map(|value| value - middle).collect();
    let mut matrix = vec![0.0; k * k];
    for i in 0..k {
        for j in 0..=i {
            let sum = dot(&centred[i], &centred[j]);
            (matrix[i * k + j], matrix[j * k + i]) = (sum, sum);
        }
    }
    let mut factors = vec![0.0; k];
    // Twice: the second step takes away what rounding left of the first.
    for _ in 0..2 {
        let right: Vec<f64> = centred.iter().map(|column| dot(column, &residual)).collect();
        let step = solve(&matrix, &right, 1e-13)?;
        for ((factor, step), column) in factors.iter_mut().zip(&step).zip(&centred) {
            *factor += step;
            for (residual, value) in residual.iter_mut().zip(column) {
                *residual -= step * value;
            }
        }
    }
    let shift = columns.iter().zip(&factors).fold(middle, |sum, (c, f)| sum - f * mean(c));
    (shift.is_finite() && factors.iter().all(|one| one.is_finite())).then_some((factors, shift))
}

/// Solve a symmetric system after Cholesky, scaled by its diagonal, which is raised by a share;
/// directions in which it is singular get nothing. `None` when something is not finite.
fn solve(matrix: &[f64], right: &[f64], damping: f64) -> Option<Vec<f64>> {
    let n = right.len();
    let scale: Vec<f64> = (0..n).map(|i| matrix[i * n + i].sqrt()).collect();
    let mut lower = vec![0.0; n * n];
    let mut dead = vec![false; n];
    for i in 0..n {
        dead[i] = !(scale[i] > 0.0);
        if dead[i] {
            continue;
        }
        for j in 0..=i {
            if dead[j] {
                continue;
            }
            let mut sum = matrix[i * n + j] / (scale[i] * scale[j]);
            if i == j {
                sum += damping;
            }
            sum -= dot(&lower[i * n..i * n + j], &lower[j * n..j * n + j]);
            if i != j {
                lower[i * n + j] = sum / lower[j * n + j];
            } else if sum > SINGULAR {
                lower[i * n + i] = sum.sqrt();
            } else {
                dead[i] = true;
                lower[i * n..i * n + n].fill(0.0);
            }
        }
    }
    let mut solution = vec![0.0; n];
    for i in (0..n).filter(|i| !dead[*i]) {
        let sum = right[i] / scale[i] - dot(&lower[i * n..i * n + i], &solution[..i]);
        solution[i] = sum / lower[i * n + i];
    }
    for i in (0..n).rev().filter(|i| !dead[*i]) {
        let mut sum = solution[i];
        for j in (i + 1..n).filter(|j| !dead[*j]) {
            sum -= lower[j * n + i] * solution[j];
        }
        solution[i] = sum / lower[i * n + i];
    }
    for (value, (scale, dead)) in solution.iter_mut().zip(scale.iter().zip(dead)) {
        *value = if dead { 0.0 } else { *value / scale };
    }
    solution.iter().all(|one| one.is_finite()).then_some(solution)
}

fn deviation(values: &[f64]) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "rows are few")]
    let rows = values.len() as f64;
    let mean = values.iter().sum::<f64>() / rows;
    (values.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / rows).sqrt()
}

/// Better numbers for a tree, in some steps; its sum of squared residuals.
pub(super) fn tune(machine: &mut Machine<'_>, tree: &mut Tree, steps: u32) -> f64 {
    let places = numbers(tree);
    let mut sse = machine.sse(tree);
    if places.is_empty() || places.len() > MAX_NUMBERS || !sse.is_finite() {
        return sse;
    }
    let floor = ROUNDING * 1e-8 * machine.data().scatter();
    let (mut normal, mut damping) = (Normal::default(), 1e-7);
    for _ in 0..steps {
        if sse <= floor || !machine.normal(tree, &places, &mut normal) {
            break;
        }
        let before = sse;
        for _ in 0..4 {
            let Some(step) = solve(&normal.matrix, &normal.right, damping) else { break };
            let mut next = tree.clone();
            for (place, step) in places.iter().zip(step) {
                if let Node::Number(value) = &mut next[*place] {
                    *value += step;
                }
            }
            let there = machine.sse(&next);
            if there < sse {
                (*tree, sse) = (next, there);
                damping = f64::max(damping * 0.1, 1e-12);
                break;
            }
            damping = f64::max(damping, 1e-5) * 30.0;
        }
        if sse >= before * (1.0 - 1e-9) {
            break;
        }
    }
    sse
}

/// Whole numbers where a number is nearly one; the tree may become simpler by that.
pub(super) fn snapped(machine: &mut Machine<'_>, tree: Tree, sse: f64) -> (Tree, f64) {
    let mut next = tree.clone();
    let mut changed = false;
    for node in &mut next {
        if let Node::Number(value) = node {
            let whole = libm::round(*value);
            let gap = (*value - whole).abs();
            if gap > 0.0 && gap < NEAR * whole.abs().max(1.0) {
                *node = Node::Number(whole);
                changed = true;
            }
        }
    }
    let next = simplified(&next);
    if !changed && next.len() >= tree.len() {
        return (tree, sse);
    }
    let there = machine.sse(&next);
    let room = ROUNDING * machine.data().scatter();
    if there <= sse * (1.0 + 1e-6) + room { (next, there) } else { (tree, sse) }
}

/// The fewest digits for every number that leave the error as it is, up to one part in 10^6.
pub(super) fn shortened(machine: &mut Machine<'_>, tree: &Tree, sse: f64) -> (Tree, f64) {
    let room = ROUNDING * machine.data().scatter();
    let limit = sse * (1.0 + 1e-6) + room;
    let (mut best, mut reached) = (tree.clone(), sse);
    for place in numbers(tree) {
        let Node::Number(value) = best[place] else { continue };
        for digits in 0..16 {
            let text = format!("{value:.digits$e}");
            let Ok(shorter) = text.parse::<f64>() else { continue };
            let mut next = best.clone();
            next[place] = Node::Number(shorter);
            let there = machine.sse(&next);
            if there <= limit {
                (best, reached) = (next, there);
                break;
            }
        }
    }
    let simple = simplified(&best);
    let there = machine.sse(&simple);
    if there <= limit { (simple, there) } else { (best, reached) }
}

#[cfg(test)]
mod tests {
    use super::{super::Sample, *};
    use crate::expression::{Binary, Unary};

    #[test]
    fn factors_and_inner_numbers_are_found_to_the_last_digits() {
        let x: Vec<f64> = (0..40).map(|k| f64::from(k) / 10.0).collect();
        let y: Vec<f64> = x.iter().map(|x| 2.5 * libm::exp(-0.7 * x) + 3.0 * x - 1.25).collect();
        let data = Sample::new(vec!["x".to_owned()], vec![x], y).unwrap();
        let mut machine = Machine::new(&data);
        let guess = vec![
            Node::Number(-1.0),
            Node::Column(0),
            Node::Two(Binary::Mul),
            Node::One(Unary::Exp),
            Node::Column(0),
            Node::Two(Binary::Add),
        ];
        let mut tree = linear(&mut machine, &guess, 30).unwrap();
        let sse = tune(&mut machine, &mut tree, 30);
        assert!(sse < 1e-25, "{sse} {tree:?}");
        let (tree, sse) = shortened(&mut machine, &tree, sse);
        assert!(sse < 1e-25);
        let mut found: Vec<f64> = numbers(&tree)
            .into_iter()
            .filter_map(|at| if let Node::Number(value) = tree[at] { Some(value) } else { None })
            .collect();
        found.sort_by(f64::total_cmp);
        assert_eq!(found, [-1.25, -0.7, 2.5, 3.0]);
    }

    #[test]
    fn equal_columns_share_nothing_and_useless_ones_go() {
        let x: Vec<f64> = (0..20).map(f64::from).collect();
        let twice = vec![x.clone(), x.iter().map(|x| 2.0 * x).collect()];
        let (factors, shift) = least_squares(&twice, &x).unwrap();
        assert!((factors[0] + 2.0 * factors[1] - 1.0).abs() < 1e-9 && shift.abs() < 1e-9);
        assert!(least_squares(&[], &x).is_none());
        assert!(least_squares(&[vec![1.0]], &[2.0]).is_none());
        let (factors, shift) = least_squares(&[vec![3.0; 20]], &x).unwrap();
        assert!(factors[0].abs() < 1e-12 && (shift - 9.5).abs() < 1e-9);
    }
}
