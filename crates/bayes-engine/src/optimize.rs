//! Small optimisation problems: up to a handful of unknowns.

use crate::distribution::{Role, Unknowns};

/// Candidate starting points tried by the optimisers.
const KEPT: usize = 8;

/// The best of many rough guesses; `centre` and `spread` are those of the variable, `lowest` the smallest
/// value that must have mass at or below it.
pub(crate) fn start(
    unknowns: &Unknowns,
    centre: f64,
    spread: f64,
    lowest: f64,
    cost: &dyn Fn(&[f64]) -> Option<f64>,
) -> Vec<Vec<f64>> {
    let mut points = vec![Vec::new()];
    for role in unknowns.roles() {
        let choices = guesses(role, centre, spread.abs().max(1e-300), lowest);
        points = points
            .into_iter()
            .flat_map(|point: Vec<f64>| {
                choices.iter().map(move |choice| {
                    let mut longer = point.clone();
                    longer.push(*choice);
                    longer
                })
            })
            .collect();
    }
    let mut ranked: Vec<(f64, Vec<f64>)> = points
        .into_iter()
        .map(|values| unknowns.free(&values))
        .filter_map(|free| cost(&free).filter(|cost| cost.is_finite()).map(|cost| (cost, free)))
        .collect();
    ranked.sort_by(|one, other| one.0.total_cmp(&other.0));
    ranked.into_iter().take(KEPT).map(|(_, free)| free).collect()
}

fn guesses(role: Role, centre: f64, spread: f64, lowest: f64) -> Vec<f64> {
    let size = centre.abs().max(1e-3 * spread);
    let ratio = (size / spread).clamp(1e-2, 1e4);
    match role {
        Role::Location => vec![centre, centre - spread, centre + spread],
        Role::Scale => vec![spread, size, 0.3 * spread, size * ratio * ratio, spread * ratio * 3.0],
        Role::Rate => vec![1.0 / spread, 1.0 / size, ratio / spread, size],
        Role::Shape => {
            let mut list = vec![0.5, 1.0, 2.5, 8.0, ratio, ratio * ratio, 1.0 / ratio];
            if 0.0 < centre && centre < 1.0 {
                let n = (centre * (1.0 - centre) / (spread * spread) - 1.0).max(0.5);
                list.extend([n * centre, n * (1.0 - centre), n]);
            }
            list
        }
        Role::Real => vec![0.0, size.ln(), 2.0, -2.0],
        Role::Unit => vec![0.5, 0.2, 0.8, centre.clamp(0.01, 0.99), 1.0 / (1.0 + size)],
        Role::Count => vec![size.round()],
        Role::Edge => vec![
            lowest - 0.05 * spread,
            lowest - spread,
            centre,
            centre + 2.0 * spread,
            centre + 6.0 * spread,
        ],
    }
}

/// Levenberg and Marquardt: the point and its sum of squares.
///
/// Derivatives by central differences; near an exact solution the steps become Gauss and Newton's, so
/// that it is found to the last digits all the same.
pub(crate) fn least_squares(
    mut at: Vec<f64>,
    residuals: &dyn Fn(&[f64]) -> Option<Vec<f64>>,
) -> Option<(Vec<f64>, f64)> {
    let square = |list: &[f64]| list.iter().map(|r| r * r).sum::<f64>();
    let mut here = residuals(&at)?;
    let mut cost = square(&here);
    let mut damping = 1e-3;
    for _ in 0..200 {
        let Some(jacobian) = jacobian(&at, residuals) else { break };
        let mut improved = false;
        while damping < 1e12 {
            let step = damped_step(&jacobian, &here, damping);
            let next: Vec<f64> = at.iter().zip(&step).map(|(at, step)| at + step).collect();
            let there = residuals(&next).filter(|list| list.iter().all(|r| r.is_finite()));
            if let Some(there) = there
                && square(&there) < cost
            {
                let gain = cost - square(&there);
                (at, cost, here) = (next, square(&there), there);
                damping = (damping * 0.1).max(1e-14);
                improved = gain > 1e-14 * cost || cost > 1e-26;
                break;
            }
            damping *= 10.0;
        }
        if !improved || cost < 1e-28 {
            break;
        }
    }
    Some((at, cost))
}

/// Rows of derivatives, one for each unknown.
fn jacobian(at: &[f64], residuals: &dyn Fn(&[f64]) -> Option<Vec<f64>>) -> Option<Vec<Vec<f64>>> {
    (0..at.len())
        .map(|index| {
            let step = 1e-5 * at[index].abs().max(1.0);
            let moved = |sign: f64| {
                let mut point = at.to_vec();
                point[index] += sign * step;
                residuals(&point)
            };
            let (up, down) = (moved(1.0)?, moved(-1.0)?);
            Some(up.iter().zip(&down).map(|(up, down)| (up - down) / (2.0 * step)).collect())
        })
        .collect()
}

/// `-(J'J + damping diag)^-1 J'r` by elimination.
fn damped_step(jacobian: &[Vec<f64>], residuals: &[f64], damping: f64) -> Vec<f64> {
    let n = jacobian.len();
    let dot = |one: &[f64], other: &[f64]| one.iter().zip(other).map(|(a, b)| a * b).sum::<f64>();
    let matrix: Vec<Vec<f64>> = (0..n)
        .map(|row| {
            let mut line: Vec<f64> =
                (0..n).map(|column| dot(&jacobian[row], &jacobian[column])).collect();
            line[row] += damping * line[row].max(1e-12);
            line.push(-dot(&jacobian[row], residuals));
            line
        })
        .collect();
    solve(matrix)
}

/// The solution of a linear system whose right side is its last column.
pub(crate) fn solve(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let n = matrix.len();
    for pivot in 0..n {
        let best = (pivot..n)
            .max_by(|a, b| matrix[*a][pivot].abs().total_cmp(&matrix[*b][pivot].abs()))
            .unwrap_or(pivot);
        matrix.swap(pivot, best);
        let head = matrix[pivot].clone();
        for line in matrix.iter_mut().skip(pivot + 1) {
            let factor = line[pivot] / head[pivot];
            for (value, top) in line.iter_mut().zip(&head) {
                *value -= factor * top;
            }
        }
    }
    let mut step = vec![0.0; n];
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|column| matrix[row][column] * step[column]).sum();
        step[row] = (matrix[row][n] - known) / matrix[row][row];
    }
    step
}

/// Nelder and Mead's simplex, restarted until it stays: the point and its value.
pub(crate) fn minimize(
    start: Vec<f64>,
    cost: &dyn Fn(&[f64]) -> f64,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<(Vec<f64>, f64)> {
    let mut best = (start, f64::INFINITY);
    for round in 0..6 {
        let size = if round == 0 { 0.3 } else { 0.02 };
        let (point, value) = simplex(&best.0, size, cost, is_cancelled)?;
        let moved = best.0.iter().zip(&point).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
        let gained = best.1 - value;
        best = (point, value);
        if round > 0 && moved < 1e-7 || gained.abs() <= 1e-13 * value.abs() {
            break;
        }
    }
    Some(best)
}

fn simplex(
    start: &[f64],
    size: f64,
    cost: &dyn Fn(&[f64]) -> f64,
    is_cancelled: &dyn Fn() -> bool,
) -> Option<(Vec<f64>, f64)> {
    let n = start.len();
    let mut corners: Vec<(f64, Vec<f64>)> = vec![(cost(start), start.to_vec())];
    for index in 0..n {
        let mut point = start.to_vec();
        point[index] += size * point[index].abs().max(1.0);
        corners.push((cost(&point), point));
    }
    for _ in 0..400 * n.max(1) {
        if is_cancelled() {
            return None;
        }
        corners.sort_by(|a, b| a.0.total_cmp(&b.0));
        let spread = corners[n].1.iter().zip(&corners[0].1).map(|(a, b)| (a - b).abs());
        if spread.fold(0.0, f64::max) < 1e-9 {
            break;
        }
        let middle: Vec<f64> = (0..n)
            .map(|index| corners.iter().take(n).map(|c| c.1[index]).sum::<f64>() / n.max(1) as f64)
            .collect();
        let along = |factor: f64| -> (f64, Vec<f64>) {
            let point: Vec<f64> =
                middle.iter().zip(&corners[n].1).map(|(m, w)| m + factor * (m - w)).collect();
            (cost(&point), point)
        };
        let reflected = along(1.0);
        if reflected.0 < corners[0].0 {
            let further = along(2.0);
            corners[n] = if further.0 < reflected.0 { further } else { reflected };
        } else if n > 0 && reflected.0 < corners[n - 1].0 {
            corners[n] = reflected;
        } else {
            let nearer = along(if reflected.0 < corners[n].0 { 0.5 } else { -0.5 });
            if nearer.0 < corners[n].0.min(reflected.0) {
                corners[n] = nearer;
            } else {
                let best = corners[0].1.clone();
                for corner in corners.iter_mut().skip(1) {
                    for (value, best) in corner.1.iter_mut().zip(&best) {
                        *value = 0.5 * (*value + best);
                    }
                    corner.0 = cost(&corner.1);
                }
            }
        }
    }
    corners.sort_by(|a, b| a.0.total_cmp(&b.0));
    corners.into_iter().next().map(|(value, point)| (point, value))
}
