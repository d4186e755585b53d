//! The density of some parameters at a point, from draws of all (Chen 1994): each draw carries the conditional
//! density there through the joint density, so that no histogram and no kernel is needed.

use super::gauss::Gauss;
use super::{Estimated, Points, bridge::flat, halves, log_at};
use crate::diagnose::ess_mean;
use crate::error::{Error, Result};
use crate::psis::{log_sum_exp, smooth};
use crate::sampler::LogDensity;

/// The log density of free coordinates at given values.
pub fn ordinate(
    density: &mut dyn LogDensity,
    points: &Points,
    at: &[(usize, f64)],
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Estimated> {
    let [first, second] = halves(points)?;
    let last: Vec<usize> = at.iter().map(|(place, _)| *place).collect();
    let mut one = |fitted: &Points, weighed: &Points| {
        let gauss = Gauss::of(fitted, &last).ok_or_else(flat)?;
        ratios(density, &gauss, weighed, at, is_cancelled)
    };
    let [second, first] = [one(&first, &second)?, one(&second, &first)?];
    let found = [mean(&first), mean(&second)];
    let all = [first.concat(), second.concat()].concat();
    Ok(Estimated {
        log: f64::midpoint(found[0].0, found[1].0),
        error: 0.5 * found[0].1.hypot(found[1].1),
        gap: (found[0].0 - found[1].0).abs(),
        shape: shape(&all),
        draws: all.len(),
    })
}

/// Logs of the weighted ratio of densities of each draw, by chain.
fn ratios(
    density: &mut dyn LogDensity,
    gauss: &Gauss,
    points: &Points,
    at: &[(usize, f64)],
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Vec<Vec<f64>>> {
    let mut scratch = vec![0.0; gauss.dim()];
    let mut one = |point: &Vec<f64>| {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let mut moved = point.clone();
        for (place, value) in at {
            moved[*place] = *value;
        }
        let own = log_at(density, point, &mut scratch);
        let there = log_at(density, &moved, &mut scratch);
        Ok(gauss.log_last(&gauss.scores(point), at.len()) + there - own)
    };
    points.iter().map(|chain| chain.iter().map(&mut one).collect()).collect()
}

/// The log of the mean and its error.
fn mean(logs: &[Vec<f64>]) -> (f64, f64) {
    let all = logs.concat();
    let n = all.len() as f64;
    let log = log_sum_exp(&all) - n.ln();
    if !log.is_finite() {
        return (f64::NEG_INFINITY, f64::INFINITY);
    }
    let scaled: Vec<Vec<f64>> =
        logs.iter().map(|chain| chain.iter().map(|x| (x - log).exp()).collect()).collect();
    let lists: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
    let found = ess_mean(&lists);
    let effective = if found.is_finite() { found.clamp(1.0, n) } else { n };
    let variance = scaled.concat().iter().map(|x| (x - 1.0) * (x - 1.0)).sum::<f64>() / (n - 1.0);
    (log, (variance / effective).sqrt())
}

/// Shape of the tail of ratios; 0 where they hardly differ.
fn shape(logs: &[f64]) -> f64 {
    let top = logs.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let typical = log_sum_exp(logs) - (logs.len() as f64).ln();
    if top - typical < 1.0 { 0.0 } else { smooth(logs, 1.0).shape }
}
