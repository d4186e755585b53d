//! Where a chain starts: at random, but not in a far tail.

use super::nuts::Point;
use super::{Counted, Random, Settings};

/// Tries for a start with a finite density.
const TRIES: usize = 100;
/// Most steps out of a tail.
const STEPS: usize = 100;
/// Gain of log density for each parameter in one step, above which a place counts as a far tail. A typical
/// set, and the neck of a funnel, offer far less.
const STEEP: f64 = 10.0;

/// A uniform start where the density and its gradient are finite, led out of far tails.
///
/// A recurrence that explodes has gradients of 1e30 there: no step size serves both the way out and what
/// follows, so the sampler would tune on the way instead of the destination.
pub(super) fn start(
    density: &mut Counted<'_>,
    settings: &Settings,
    random: &mut Random,
) -> Option<Point> {
    let dim = density.dim();
    for _ in 0..TRIES {
        let q: Vec<f64> =
            (0..dim).map(|_| settings.radius * (2.0 * random.uniform() - 1.0)).collect();
        let mut gradient = vec![0.0; dim];
        if let Some(value) = density.gradient(&q, &mut gradient) {
            return Some(led_out(density, Point { q, gradient, value }));
        }
        if density.is_cancelled() {
            return None;
        }
    }
    None
}

/// Steps along the signs of the gradient, each coordinate at a pace of its own, while they gain steeply.
fn led_out(density: &mut Counted<'_>, mut at: Point) -> Point {
    let dim = at.q.len();
    let mut paces = vec![0.1_f64; dim];
    let mut trial = at.clone();
    for _ in 0..STEPS {
        for ((slot, q), (slope, pace)) in
            trial.q.iter_mut().zip(&at.q).zip(at.gradient.iter().zip(&paces))
        {
            *slot = if *slope == 0.0 { *q } else { q + pace * slope.signum() };
        }
        let value = density.gradient(&trial.q, &mut trial.gradient);
        let Some(value) = value.filter(|value| *value > at.value) else {
            for pace in &mut paces {
                *pace *= 0.5;
            }
            if paces.iter().all(|pace| *pace < 1e-4) || density.is_cancelled() {
                break;
            }
            continue;
        };
        let gain = value - at.value;
        for (pace, (new, old)) in paces.iter_mut().zip(trial.gradient.iter().zip(&at.gradient)) {
            *pace = if new * old > 0.0 { (*pace * 1.2).min(0.5) } else { *pace * 0.5 };
        }
        trial.value = value;
        std::mem::swap(&mut at, &mut trial);
        if gain < STEEP * dim as f64 {
            break;
        }
    }
    at
}
