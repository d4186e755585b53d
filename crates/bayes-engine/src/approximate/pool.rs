//! Draws from approximations, weighed by what the model says of them.

use crate::psis;
use crate::sampler::Random;

/// Draws with both log densities.
#[derive(Debug, Default)]
pub(super) struct Cloud {
    pub(super) points: Vec<Vec<f64>>,
    pub(super) log_p: Vec<f64>,
    pub(super) log_q: Vec<f64>,
}

/// What the weights say.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weighed {
    pub(super) shape: f64,
    pub(super) effective: f64,
}

impl Cloud {
    pub(super) fn push(&mut self, point: Vec<f64>, log_p: f64, log_q: f64) {
        self.points.push(point);
        self.log_p.push(log_p);
        self.log_q.push(log_q);
    }

    pub(super) fn append(&mut self, other: Self) {
        self.points.extend(other.points);
        self.log_p.extend(other.log_p);
        self.log_q.extend(other.log_q);
    }

    /// Chooses draws by their smoothed weights, evenly spread over the whole weight.
    pub(super) fn resampled(&self, count: usize, random: &mut Random) -> (Vec<usize>, Weighed) {
        let ratios: Vec<f64> = self.log_p.iter().zip(&self.log_q).map(|(p, q)| p - q).collect();
        let span = ratios
            .iter()
            .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], x| [low.min(*x), high.max(*x)]);
        // equal weights: the approximation is the posterior itself
        if span[1] - span[0] < 1e-6 {
            let every = self.points.len() as f64 / count as f64;
            let places = (0..count).map(|at| index(at as f64 * every, self.points.len()));
            let weighed = Weighed { shape: f64::NEG_INFINITY, effective: self.points.len() as f64 };
            return (places.collect(), weighed);
        }
        let smoothed = psis::smooth(&ratios, 1.0);
        let weights: Vec<f64> = smoothed.log_weights.iter().map(|log| log.exp()).collect();
        let effective = 1.0 / weights.iter().map(|weight| weight * weight).sum::<f64>();
        let first = random.uniform();
        let mut places = Vec::with_capacity(count);
        let (mut at, mut passed) = (0, weights.first().copied().unwrap_or(0.0));
        for draw in 0..count {
            let wanted = (draw as f64 + first) / count as f64;
            while passed < wanted && at + 1 < weights.len() {
                at += 1;
                passed += weights[at];
            }
            places.push(at);
        }
        (places, Weighed { shape: smoothed.shape, effective })
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
fn index(at: f64, len: usize) -> usize {
    (at as usize).min(len.saturating_sub(1))
}
