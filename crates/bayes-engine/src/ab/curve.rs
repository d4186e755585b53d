//! One arm's posterior as a function of the log odds.

use crate::special::{IncompleteBeta, Mass, Tails, Unit};

/// Depths, in nats below the peak, at which a density counts as gone: for sums next to other terms,
/// and altogether (it underflows).
pub(super) const NEGLIGIBLE: f64 = 42.0;
pub(super) const GONE: f64 = 740.0;

/// Widest panel in log odds: the logistic function has poles at a distance of pi from the real line,
/// and 16 Gauss-Legendre nodes are exact to the last digit on panels up to this width.
pub(super) const WIDEST: f64 = 2.5;

/// The posterior of one arm.
#[derive(Debug, Clone)]
pub(super) struct Curve {
    pub(super) a: f64,
    pub(super) b: f64,
    integral: IncompleteBeta,
    /// Log odds at the peak of the density of the log odds.
    pub(super) peak: f64,
    /// Where the density has fallen by [`NEGLIGIBLE`].
    pub(super) near: [f64; 2],
    /// Where it has fallen by [`GONE`].
    pub(super) far: [f64; 2],
}

impl Curve {
    pub(super) fn new(a: f64, b: f64) -> Self {
        let integral = IncompleteBeta::new(a, b);
        let mut curve = Self { a, b, integral, peak: (a / b).ln(), near: [0.0; 2], far: [0.0; 2] };
        curve.near = [curve.edge(NEGLIGIBLE, -1.0), curve.edge(NEGLIGIBLE, 1.0)];
        curve.far = [curve.edge(GONE, -1.0), curve.edge(GONE, 1.0)];
        curve
    }

    pub(super) fn quantile(&self, mass: Mass) -> f64 {
        self.integral.quantile(mass).x
    }

    pub(super) fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Standard deviation of the rate.
    pub(super) fn sd(&self) -> f64 {
        let n = self.a + self.b;
        (self.a / n * (self.b / n) / (n + 1.0)).sqrt()
    }

    /// Third cumulant of the rate.
    pub(super) fn third(&self) -> f64 {
        let n = self.a + self.b;
        2.0 * (self.b - self.a) / n / (n + 2.0) * self.sd() * self.sd()
    }

    /// Mean, variance and third cumulant of the log of the rate, to two terms of their expansions.
    pub(super) fn ln_cumulants(&self) -> [f64; 3] {
        let (p, q) = (1.0 / self.a, 1.0 / (self.a + self.b));
        [
            self.mean().ln() - 0.5 * (p - q),
            p - q + 0.5 * (p * p - q * q),
            (q * q - p * p) + (q * q * q - p * p * p),
        ]
    }

    /// Spread of the log odds near the peak.
    pub(super) fn spread(&self) -> f64 {
        (1.0 / self.a + 1.0 / self.b).sqrt()
    }

    pub(super) fn tails(&self, u: f64) -> Tails {
        self.integral.tails_at_logit(u)
    }

    pub(super) fn tails_at(&self, at: Unit) -> Tails {
        self.integral.tails(at)
    }

    pub(super) fn ln_density(&self, at: Unit) -> f64 {
        self.integral.ln_density(at)
    }

    /// The longest panel from `u` upwards, up to `limit`, on which this curve is smooth.
    pub(super) fn panel(&self, u: f64, limit: f64) -> f64 {
        if u < self.far[0] {
            return limit.min(self.far[0] - u + 0.1 * self.spread());
        }
        if u > self.far[1] {
            return limit;
        }
        fitting(limit, |offset| self.smooth(Unit::from_logit(u + offset)))
    }

    /// Length in log odds on which the density looks like a low polynomial near a point.
    pub(super) fn smooth(&self, at: Unit) -> f64 {
        let rise = self.integral.residual(at);
        let fall = (self.a + self.b) * at.x * at.y;
        (2.5 / fall.sqrt()).min(16.0 / rise.abs())
    }

    /// Where, on one side of the peak, the log density has fallen by `depth` (to about 1 %).
    ///
    /// Newton on a convex function: from the second step on it stays outside and approaches.
    fn edge(&self, depth: f64, side: f64) -> f64 {
        let mut u = self.peak + side * (2.0 * depth).sqrt() * self.spread();
        for _ in 0..60 {
            let (fallen, slope) = self.fallen(u);
            let step = (fallen - depth) / slope;
            u -= step;
            if (fallen - depth).abs() <= 0.01 * depth {
                break;
            }
        }
        u
    }

    /// How far the log density at `u` is below the peak, and the derivative of that.
    fn fallen(&self, u: f64) -> (f64, f64) {
        let at = Unit::from_logit(u.clamp(-690.0, 690.0));
        let beyond = u - u.clamp(-690.0, 690.0);
        let slope = -self.integral.residual(at);
        (self.integral.deviance_at(at) + beyond * slope, slope)
    }
}

/// The longest panel up to `limit` that is smooth at both ends; `length` says how far the density is
/// smooth at an offset. A skewed density bends more at one end than at the other.
pub(super) fn fitting(limit: f64, length: impl Fn(f64) -> f64) -> f64 {
    let mut width = length(0.0).min(limit);
    for _ in 0..8 {
        if length(width) >= width {
            break;
        }
        width *= 0.7;
    }
    width
}
