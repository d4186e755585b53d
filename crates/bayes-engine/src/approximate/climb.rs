//! The way up a log density: L-BFGS with a weak Wolfe line search.

use std::collections::VecDeque;

use crate::sampler::LogDensity;

/// Steps remembered.
pub(super) const MEMORY: usize = 6;
/// Most steps.
const STEPS: usize = 2000;
/// Most points of a line search.
const TRIES: usize = 40;
/// Slopes, in the unit of the log density, at which a point is the top.
const FLAT: f64 = 1e-9;
/// Relative gain of a step that counts as none.
const NO_GAIN: f64 = 1e-13;

/// A point on the way.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) x: Vec<f64>,
    pub(super) value: f64,
    pub(super) gradient: Vec<f64>,
}

/// How a climb ended.
#[derive(Debug)]
pub(super) struct Climb {
    pub(super) top: Place,
    pub(super) is_converged: bool,
    pub(super) gradients: u64,
}

/// A step and the change of the negative gradient over it.
#[derive(Debug, Clone)]
pub(super) struct Pair {
    pub(super) s: Vec<f64>,
    pub(super) y: Vec<f64>,
}

/// Climbs from a place; `observe` sees every place reached and the step that led there.
pub(super) fn climb(
    density: &mut dyn LogDensity,
    from: Place,
    observe: &mut dyn FnMut(&Place, Option<&Pair>),
    is_cancelled: &dyn Fn() -> bool,
) -> Climb {
    let mut at = from;
    let mut pairs: VecDeque<Pair> = VecDeque::new();
    let (mut gradients, mut idle) = (0, 0);
    observe(&at, None);
    for _ in 0..STEPS {
        if largest(&at.gradient) <= FLAT || idle >= 3 || is_cancelled() {
            break;
        }
        let mut direction = ascent(&at.gradient, &pairs);
        let is_up = dot(&direction, &at.gradient) > 0.0;
        if !is_up {
            pairs.clear();
            direction = ascent(&at.gradient, &pairs);
        }
        let Some(next) = search(density, &at, &direction, &mut gradients) else {
            // no way up along this direction: forget it once, then give up
            if pairs.is_empty() {
                break;
            }
            pairs.clear();
            idle += 1;
            continue;
        };
        idle = if next.value - at.value <= NO_GAIN * (1.0 + at.value.abs()) { idle + 1 } else { 0 };
        let pair = Pair { s: minus(&next.x, &at.x), y: minus(&at.gradient, &next.gradient) };
        let is_curved = dot(&pair.s, &pair.y) > 1e-14 * dot(&pair.y, &pair.y);
        observe(&next, is_curved.then_some(&pair));
        if is_curved {
            if pairs.len() == MEMORY {
                pairs.pop_front();
            }
            pairs.push_back(pair);
        }
        at = next;
    }
    let scale = 1.0 + at.value.abs();
    let is_converged = largest(&at.gradient) <= 1e-5 * scale.max(1.0);
    Climb { top: at, is_converged, gradients }
}

/// The direction of a quasi-Newton step (two-loop recursion).
fn ascent(gradient: &[f64], pairs: &VecDeque<Pair>) -> Vec<f64> {
    let mut direction = gradient.to_vec();
    let Some(last) = pairs.back() else {
        let scale = 1.0 / dot(gradient, gradient).sqrt().max(1.0);
        for x in &mut direction {
            *x *= scale;
        }
        return direction;
    };
    let mut shares = Vec::with_capacity(pairs.len());
    for Pair { s, y } in pairs.iter().rev() {
        let share = dot(s, &direction) / dot(s, y);
        add(&mut direction, -share, y);
        shares.push(share);
    }
    let scale = dot(&last.s, &last.y) / dot(&last.y, &last.y);
    for x in &mut direction {
        *x *= scale;
    }
    for (Pair { s, y }, share) in pairs.iter().zip(shares.into_iter().rev()) {
        let back = share - dot(y, &direction) / dot(s, y);
        add(&mut direction, back, s);
    }
    direction
}

/// A point that gains enough and whose slope has fallen enough, by bisection.
fn search(
    density: &mut dyn LogDensity,
    at: &Place,
    direction: &[f64],
    gradients: &mut u64,
) -> Option<Place> {
    let slope = dot(&at.gradient, direction);
    let (mut low, mut high, mut size) = (0.0, f64::INFINITY, 1.0);
    let mut best: Option<Place> = None;
    for _ in 0..TRIES {
        let x: Vec<f64> = at.x.iter().zip(direction).map(|(x, d)| x + size * d).collect();
        let mut gradient = vec![0.0; x.len()];
        *gradients += 1;
        let value = density.gradient(&x, &mut gradient).unwrap_or(f64::NEG_INFINITY);
        let gains = value >= at.value + 1e-4 * size * slope;
        if !gains {
            high = size;
        } else if dot(&gradient, direction) > 0.9 * slope {
            low = size;
            best = Some(Place { x, value, gradient });
        } else {
            return Some(Place { x, value, gradient });
        }
        size = if high.is_finite() { 0.5 * (low + high) } else { 2.0 * low };
    }
    best
}

/// Adds a multiple.
pub(super) fn add(to: &mut [f64], factor: f64, x: &[f64]) {
    for (to, x) in to.iter_mut().zip(x) {
        *to += factor * x;
    }
}

pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn minus(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

fn largest(x: &[f64]) -> f64 {
    x.iter().fold(0.0, |most, x| most.max(x.abs()))
}
