//! Beta, gamma, inverse gamma, normal and Student's t.

use crate::error::{self, Result};
use crate::interval::{Peak, Summary, equal_tails, highest_density};
use crate::special::{IncompleteBeta, IncompleteGamma, Mass, Tails, Unit, normal_score};

/// Beta distribution of a rate in 0..1.
#[derive(Debug, Clone)]
pub struct Beta {
    a: f64,
    b: f64,
    integral: IncompleteBeta,
}

impl Beta {
    /// Pseudo-counts `alpha`, `beta` within [`SHAPE_RANGE`](crate::SHAPE_RANGE).
    pub fn new(alpha: f64, beta: f64) -> Result<Self> {
        error::shape("/alpha", alpha)?;
        error::shape("/beta", beta)?;
        Ok(Self { a: alpha, b: beta, integral: IncompleteBeta::new(alpha, beta) })
    }

    /// Mean.
    pub fn mean(&self) -> f64 {
        self.a / (self.a + self.b)
    }

    /// Standard deviation.
    pub fn sd(&self) -> f64 {
        let n = self.a + self.b;
        (self.mean() * (self.b / n) / (n + 1.0)).sqrt()
    }

    /// Both tails at `x` in 0..1.
    pub fn tails(&self, x: f64) -> Tails {
        self.integral.tails(Unit::new(x))
    }

    /// The point with this mass on both sides.
    pub fn quantile(&self, mass: Mass) -> f64 {
        self.point(mass).x
    }

    fn point(&self, mass: Mass) -> Unit {
        if mass.lower <= 0.0 {
            return Unit { x: 0.0, y: 1.0 };
        }
        if mass.upper <= 0.0 {
            return Unit { x: 1.0, y: 0.0 };
        }
        self.integral.quantile(mass)
    }

    /// Mean, sd, median and intervals of `level`.
    pub fn summary(&self, level: f64) -> Summary {
        let peak = match (self.a > 1.0, self.b > 1.0) {
            (true, true) => Peak::Inside,
            (true, false) => Peak::High,
            (false, true) => Peak::Low,
            // flat: any interval of that mass is as dense; the equal-tailed one is reported
            (false, false) if self.a >= 1.0 && self.b >= 1.0 => Peak::Symmetric,
            (false, false) if self.a >= 1.0 => Peak::High,
            (false, false) if self.b >= 1.0 => Peak::Low,
            (false, false) => Peak::Both,
        };
        let hdi = highest_density(level, peak, |mass| {
            let at = self.point(mass);
            self.integral.ln_density(at) - at.x.ln() - at.y.ln()
        });
        Summary {
            mean: Some(self.mean()),
            sd: Some(self.sd()),
            median: self.quantile(Mass::below(0.5)),
            interval: equal_tails(level).map(|mass| self.quantile(mass)),
            hdi: hdi.map(|ends| ends.map(|mass| self.quantile(mass))),
        }
    }
}

/// Gamma distribution of a positive rate.
#[derive(Debug, Clone)]
pub struct Gamma {
    shape: f64,
    rate: f64,
    integral: IncompleteGamma,
}

impl Gamma {
    /// `shape` within [`SHAPE_RANGE`](crate::SHAPE_RANGE), `rate` positive (its inverse is the scale).
    pub fn new(shape: f64, rate: f64) -> Result<Self> {
        error::shape("/shape", shape)?;
        error::positive("/rate", rate)?;
        Ok(Self { shape, rate, integral: IncompleteGamma::new(shape) })
    }

    /// Both tails at `x >= 0`.
    pub fn tails(&self, x: f64) -> Tails {
        self.integral.tails(x * self.rate)
    }

    /// The point with this mass on both sides.
    pub fn quantile(&self, mass: Mass) -> f64 {
        self.standard(mass) / self.rate
    }

    /// Quantile at rate 1.
    fn standard(&self, mass: Mass) -> f64 {
        if mass.lower <= 0.0 {
            return 0.0;
        }
        if mass.upper <= 0.0 {
            return f64::INFINITY;
        }
        self.integral.quantile(mass)
    }

    /// Mean, sd, median and intervals of `level`.
    pub fn summary(&self, level: f64) -> Summary {
        let peak = if self.shape > 1.0 { Peak::Inside } else { Peak::Low };
        let hdi = highest_density(level, peak, |mass| {
            let at = self.standard(mass);
            self.integral.ln_density(at) - at.ln()
        });
        Summary {
            mean: Some(self.shape / self.rate),
            sd: Some(self.shape.sqrt() / self.rate),
            median: self.quantile(Mass::below(0.5)),
            interval: equal_tails(level).map(|mass| self.quantile(mass)),
            hdi: hdi.map(|ends| ends.map(|mass| self.quantile(mass))),
        }
    }
}

/// Inverse gamma distribution of a variance.
#[derive(Debug, Clone)]
pub struct InverseGamma {
    scale: f64,
    inverse: Gamma,
}

impl InverseGamma {
    /// `shape` within [`SHAPE_RANGE`](crate::SHAPE_RANGE), `scale` positive.
    pub fn new(shape: f64, scale: f64) -> Result<Self> {
        error::positive("/scale", scale)?;
        Ok(Self { scale, inverse: Gamma::new(shape, 1.0)? })
    }

    /// Both tails at `x > 0`.
    pub fn tails(&self, x: f64) -> Tails {
        let Tails { lower, upper, density } = self.inverse.tails(self.scale / x);
        Tails { lower: upper, upper: lower, density }
    }

    /// The point with this mass on both sides.
    pub fn quantile(&self, mass: Mass) -> f64 {
        self.scale / self.inverse.standard(Mass { lower: mass.upper, upper: mass.lower })
    }

    /// Mean, sd, median and intervals of `level`; mean needs shape > 1, sd shape > 2.
    pub fn summary(&self, level: f64) -> Summary {
        let shape = self.inverse.shape;
        let mean = (shape > 1.0).then(|| self.scale / (shape - 1.0));
        let sd = mean.filter(|_| shape > 2.0).map(|mean| mean / (shape - 2.0).sqrt());
        let hdi = highest_density(level, Peak::Inside, |mass| {
            let at = self.quantile(mass);
            self.inverse.integral.ln_density(self.scale / at) - at.ln()
        });
        Summary {
            mean,
            sd,
            median: self.quantile(Mass::below(0.5)),
            interval: equal_tails(level).map(|mass| self.quantile(mass)),
            hdi: hdi.map(|ends| ends.map(|mass| self.quantile(mass))),
        }
    }
}

/// Normal distribution.
#[derive(Debug, Clone, Copy)]
pub struct Normal {
    mean: f64,
    sd: f64,
}

impl Normal {
    /// `mean` finite, `sd` positive.
    pub fn new(mean: f64, sd: f64) -> Result<Self> {
        error::finite("/mean", mean)?;
        error::positive("/sd", sd)?;
        Ok(Self { mean, sd })
    }

    /// The point with this mass on both sides.
    pub fn quantile(&self, mass: Mass) -> f64 {
        self.mean + normal_score(mass) * self.sd
    }

    /// Mean, sd, median and intervals of `level`.
    pub fn summary(&self, level: f64) -> Summary {
        let interval = equal_tails(level).map(|mass| self.quantile(mass));
        Summary {
            mean: Some(self.mean),
            sd: Some(self.sd),
            median: self.mean,
            interval,
            hdi: Some(interval),
        }
    }
}

/// Student's t distribution with location and scale.
#[derive(Debug, Clone)]
pub struct StudentT {
    df: f64,
    location: f64,
    scale: f64,
    /// Of `df / (df + t^2)`, whose lower tail is twice the tail of t.
    integral: IncompleteBeta,
}

impl StudentT {
    /// `df / 2` within [`SHAPE_RANGE`](crate::SHAPE_RANGE), `location` finite, `scale` positive.
    pub fn new(df: f64, location: f64, scale: f64) -> Result<Self> {
        error::shape("/df", 0.5 * df)?;
        error::finite("/location", location)?;
        error::positive("/scale", scale)?;
        Ok(Self { df, location, scale, integral: IncompleteBeta::new(0.5 * df, 0.5) })
    }

    /// Mass on both sides of `x`.
    pub fn mass(&self, x: f64) -> Mass {
        let t = (x - self.location) / self.scale;
        let square = t * t / self.df;
        let at = Unit { x: 1.0 / (1.0 + square), y: square / (1.0 + square) };
        let both = self.integral.tails(at);
        let (far, near) = (0.5 * both.lower, 0.5 + 0.5 * both.upper);
        if t < 0.0 { Mass { lower: far, upper: near } } else { Mass { lower: near, upper: far } }
    }

    /// The point with this mass on both sides.
    pub fn quantile(&self, mass: Mass) -> f64 {
        let tail = mass.lower.min(mass.upper);
        if tail >= 0.5 {
            return self.location;
        }
        let side = if mass.lower < mass.upper { -1.0 } else { 1.0 };
        let at = self.integral.quantile(Mass::below(2.0 * tail));
        self.location + side * self.scale * (self.df * (at.y / at.x)).sqrt()
    }

    /// Mean, sd, median and intervals of `level`; mean needs df > 1, sd df > 2.
    pub fn summary(&self, level: f64) -> Summary {
        let interval = equal_tails(level).map(|mass| self.quantile(mass));
        Summary {
            mean: (self.df > 1.0).then_some(self.location),
            sd: (self.df > 2.0).then(|| self.scale * (self.df / (self.df - 2.0)).sqrt()),
            median: self.location,
            interval,
            hdi: Some(interval),
        }
    }
}
