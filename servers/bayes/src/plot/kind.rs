//! The kinds of charts.

mod many;
mod single;

pub(crate) use many::{forest, pair};
pub(crate) use single::{density, energy, points, rank, replications, trace};

use super::axis::Axis;
use super::canvas::{Anchor, Canvas};
use super::{ALARM, COLOURS, QUIET, WIDTH, colour};

/// A quantity by chain.
#[derive(Debug)]
pub(crate) struct Panel {
    /// Its name.
    pub(crate) name: String,
    /// Its draws.
    pub(crate) chains: Vec<Vec<f64>>,
}

/// Pixels left of, right of, above and below a panel.
const LEFT: f64 = 60.0;
const RIGHT: f64 = WIDTH - 20.0;
const ABOVE: f64 = 26.0;
const BELOW: f64 = 24.0;
/// Height of a panel.
const PANEL: f64 = 150.0;

/// Panels one below the other: for each its top and bottom.
fn stacked(count: usize) -> (Canvas, Vec<[f64; 2]>) {
    let each = ABOVE + PANEL + BELOW;
    #[expect(clippy::cast_precision_loss, reason = "a few panels")]
    let tops = (0..count).map(|at| {
        let top = at as f64 * each + ABOVE;
        [top, top + PANEL]
    });
    let tops: Vec<[f64; 2]> = tops.collect();
    (Canvas::new(tops.last().map_or(each, |last| last[1] + BELOW + 6.0)), tops)
}

/// Names of the chains in their colours, at the right of a title.
fn legend(canvas: &mut Canvas, chains: usize, y: f64) {
    for at in 0..chains.min(COLOURS.len()) {
        #[expect(clippy::cast_precision_loss, reason = "a few chains")]
        let x = RIGHT - 52.0 * (chains.min(COLOURS.len()) - at) as f64;
        canvas.coloured([x, y], &format!("chain {}", at + 1), colour(at));
    }
}

/// A smooth density on a grid: points and heights.
fn smooth(values: &[f64], grid: &[f64]) -> Vec<f64> {
    let mut order: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    order.sort_by(f64::total_cmp);
    let n = order.len();
    if n < 2 {
        return vec![0.0; grid.len()];
    }
    #[expect(clippy::cast_precision_loss, reason = "draws are few")]
    let size = n as f64;
    let mean = order.iter().sum::<f64>() / size;
    let sd = (order.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / size).sqrt();
    let middle = (order[n * 3 / 4] - order[n / 4]) / 1.34;
    let spread = if middle > 0.0 { sd.min(middle) } else { sd };
    let width = (0.9 * spread * size.powf(-0.2)).max(1e-12 * mean.abs().max(1e-12));
    let near = |x: f64| {
        let from = order.partition_point(|y| *y < x - 4.0 * width);
        let to = order.partition_point(|y| *y <= x + 4.0 * width);
        order[from..to].iter().map(|y| (-0.5 * ((x - y) / width).powi(2)).exp()).sum::<f64>()
    };
    let scale = 1.0 / (size * width * (2.0 * std::f64::consts::PI).sqrt());
    grid.iter().map(|x| scale * near(*x)).collect()
}

/// Evenly spaced values from the least to the largest.
#[expect(clippy::cast_precision_loss, reason = "places are few")]
fn grid(values: impl Iterator<Item = f64>, count: usize) -> Vec<f64> {
    let [low, high] = values
        .filter(|x| x.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(x), high.max(x)]);
    if low > high {
        return vec![0.0, 1.0];
    }
    let step = (high - low) / (count - 1) as f64;
    (0..count).map(|at| low + at as f64 * step).collect()
}
