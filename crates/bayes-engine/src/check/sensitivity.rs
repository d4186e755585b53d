//! How much a posterior moves when its prior or its likelihood is made a little stronger or weaker.
//!
//! Kallioinen et al. 2023 (Statistics and Computing 34:57, arXiv 2107.14054), in the conventions of ArviZ.

use crate::psis;

/// How much stronger, and weaker.
const DELTA: f64 = 0.01;

/// The derivative of the distance between a quantity's draws and the same draws reweighted by a power of a
/// component, whose log density of every draw is given. Above 0.05 the component matters.
pub fn sensitivity(draws: &[f64], component: &[f64]) -> f64 {
    let moved = |power: f64| {
        let logs: Vec<f64> = component.iter().map(|log| (power - 1.0) * log).collect();
        let smoothed = psis::smooth(&logs, 1.0);
        let weights: Vec<f64> = smoothed.log_weights.iter().map(|log| log.exp()).collect();
        let turned: Vec<f64> = draws.iter().map(|draw| -draw).collect();
        distance(draws, &weights).max(distance(&turned, &weights))
    };
    (moved(1.0 / (1.0 + DELTA)) + moved(1.0 + DELTA)) / (2.0 * (1.0 + DELTA).log2())
}

/// Cumulative Jensen-Shannon distance between draws and the same draws with weights that sum to 1.
fn distance(draws: &[f64], weights: &[f64]) -> f64 {
    let count = draws.len();
    let mut order: Vec<usize> = (0..count).collect();
    order.sort_by(|a, b| draws[*a].total_cmp(&draws[*b]));
    let size = count as f64;
    let (mut q, mut all_p, mut all_q) = (0.0, 0.0, 0.0);
    let (mut to_q, mut to_p) = (0.0, 0.0);
    let log = |x: f64| if x == 0.0 { 0.0 } else { x.log2() };
    for (at, pair) in order.windows(2).enumerate() {
        let width = draws[pair[1]] - draws[pair[0]];
        q += weights[pair[0]];
        // from 1 / S to 1 - 1 / S in equal steps
        let p = (1.0 + at as f64) / size;
        let middle = log(0.5 * (p + q));
        all_p += p * width;
        all_q += q * width;
        to_q += width * p * (log(p) - middle);
        to_p += width * q * (log(q) - middle);
    }
    let half = 0.5 / std::f64::consts::LN_2;
    let one = (to_q + half * (all_q - all_p)).max(0.0);
    let other = (to_p + half * (all_p - all_q)).max(0.0);
    ((one + other) / (all_p + all_q)).sqrt()
}
