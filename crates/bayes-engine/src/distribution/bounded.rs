//! Distributions on 0..1.

use super::law::{Moments, Standard, moments_by_quantile};
use super::positive::edge;
use crate::interval::Peak;
use crate::special::stirling::ln_beta;
use crate::special::{IncompleteBeta, Mass, Unit};

const UNIT: [f64; 2] = [0.0, 1.0];

#[derive(Debug)]
pub(super) struct Beta {
    a: f64,
    b: f64,
    integral: IncompleteBeta,
}

impl Beta {
    pub(super) fn new(a: f64, b: f64) -> Self {
        Self { a, b, integral: IncompleteBeta::new(a, b) }
    }
}

impl Standard for Beta {
    fn ln_pdf(&self, z: f64) -> f64 {
        let constant = || -ln_beta(self.a, self.b);
        if z <= 0.0 {
            return edge(self.a - 1.0, constant());
        }
        if z >= 1.0 {
            return edge(self.b - 1.0, constant());
        }
        let at = Unit::new(z);
        self.integral.ln_density(at) - at.x.ln() - at.y.ln()
    }

    fn mass(&self, z: f64) -> Mass {
        let tails = self.integral.tails(Unit::new(z));
        Mass { lower: tails.lower, upper: tails.upper }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        self.integral.quantile(mass).x
    }

    fn moments(&self) -> Moments {
        let (a, b, n) = (self.a, self.b, self.a + self.b);
        let sd = (a / n * (b / n) / (n + 1.0)).sqrt();
        let skewness = 2.0 * (b - a) / (n + 2.0) * ((n + 1.0) / a / b).sqrt();
        let spread = (a - b) * ((a - b) / a / b) * (n + 1.0) - (n + 2.0);
        Moments::all(a / n, sd, skewness, 6.0 * spread / ((n + 2.0) * (n + 3.0)))
    }

    fn support(&self) -> [f64; 2] {
        UNIT
    }

    fn peak(&self) -> Peak {
        match (self.a > 1.0, self.b > 1.0) {
            (true, true) => Peak::Inside,
            (true, false) => Peak::High,
            (false, true) => Peak::Low,
            // flat: any interval of that mass is as dense; the equal-tailed one is reported
            (false, false) if self.a >= 1.0 && self.b >= 1.0 => Peak::Symmetric,
            (false, false) if self.a >= 1.0 => Peak::High,
            (false, false) if self.b >= 1.0 => Peak::Low,
            (false, false) => Peak::Both,
        }
    }
}

#[derive(Debug)]
pub(super) struct Uniform;

impl Standard for Uniform {
    fn ln_pdf(&self, _z: f64) -> f64 {
        0.0
    }

    fn mass(&self, z: f64) -> Mass {
        Mass::below(z)
    }

    fn quantile(&self, mass: Mass) -> f64 {
        mass.lower
    }

    fn moments(&self) -> Moments {
        Moments::all(0.5, 12_f64.sqrt().recip(), 0.0, -1.2)
    }

    fn support(&self) -> [f64; 2] {
        UNIT
    }

    fn peak(&self) -> Peak {
        Peak::Symmetric
    }
}

#[derive(Debug)]
pub(super) struct Kumaraswamy {
    pub(super) a: f64,
    pub(super) b: f64,
}

impl Kumaraswamy {
    /// `ln(1 - z^a)`.
    fn ln_rest(&self, z: f64) -> f64 {
        let ln_power = self.a * z.ln();
        if ln_power < -std::f64::consts::LN_2 {
            (-ln_power.exp()).ln_1p()
        } else {
            (-ln_power.exp_m1()).ln()
        }
    }
}

impl Standard for Kumaraswamy {
    fn ln_pdf(&self, z: f64) -> f64 {
        let constant = self.a.ln() + self.b.ln();
        if z <= 0.0 {
            return edge(self.a - 1.0, constant);
        }
        if z >= 1.0 {
            return edge(self.b - 1.0, constant);
        }
        constant + (self.a - 1.0) * z.ln() + (self.b - 1.0) * self.ln_rest(z)
    }

    fn mass(&self, z: f64) -> Mass {
        let ln_upper = self.b * self.ln_rest(z);
        Mass { lower: -ln_upper.exp_m1(), upper: ln_upper.exp() }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let ln_upper = if mass.lower < 0.5 { (-mass.lower).ln_1p() } else { mass.upper.ln() };
        (-(ln_upper / self.b).exp_m1()).powf(1.0 / self.a)
    }

    fn moments(&self) -> Moments {
        moments_by_quantile(self, f64::INFINITY)
    }

    fn support(&self) -> [f64; 2] {
        UNIT
    }

    fn peak(&self) -> Peak {
        match (self.a > 1.0, self.b > 1.0) {
            (true, true) => Peak::Inside,
            (true, false) => Peak::High,
            (false, true) => Peak::Low,
            (false, false) if self.a >= 1.0 && self.b >= 1.0 => Peak::Symmetric,
            (false, false) if self.a >= 1.0 => Peak::High,
            (false, false) if self.b >= 1.0 => Peak::Low,
            (false, false) => Peak::Both,
        }
    }
}

#[derive(Debug)]
pub(super) struct Triangular {
    pub(super) mode: f64,
}

impl Standard for Triangular {
    fn ln_pdf(&self, z: f64) -> f64 {
        let c = self.mode;
        (2.0 * if z < c { z / c } else { (1.0 - z) / (1.0 - c) }).ln()
    }

    fn mass(&self, z: f64) -> Mass {
        let c = self.mode;
        if z < c {
            Mass::below(z * (z / c))
        } else {
            Mass::above((1.0 - z) * ((1.0 - z) / (1.0 - c)))
        }
    }

    fn quantile(&self, mass: Mass) -> f64 {
        let c = self.mode;
        if mass.lower < c { (mass.lower * c).sqrt() } else { 1.0 - (mass.upper * (1.0 - c)).sqrt() }
    }

    fn moments(&self) -> Moments {
        let c = self.mode;
        let spread = 1.0 - c + c * c;
        let skewness =
            2_f64.sqrt() * (1.0 - 2.0 * c) * (1.0 + c) * (2.0 - c) / (5.0 * spread * spread.sqrt());
        Moments::all((1.0 + c) / 3.0, (spread / 18.0).sqrt(), skewness, -0.6)
    }

    fn support(&self) -> [f64; 2] {
        UNIT
    }

    fn peak(&self) -> Peak {
        if self.mode <= 0.0 {
            Peak::Low
        } else if self.mode >= 1.0 {
            Peak::High
        } else {
            Peak::Inside
        }
    }
}
