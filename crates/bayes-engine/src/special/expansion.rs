//! The uniform expansion of the incomplete gamma and beta functions for large parameters.

/// Coefficients of one tail; they depend on the parameters only, so a distribution prepares them once.
///
/// Source: Didonato and Morris 1992, "Algorithm 708", section on BASYM. The incomplete gamma
/// function is its limit as the other parameter goes to infinity (`h = 0`).
#[derive(Debug, Clone)]
pub(crate) struct Expansion {
    /// Of `erfc(sqrt f) / 2`, by which all is scaled.
    scale: f64,
    /// `d_n w0^n`.
    coefficients: [f64; TERMS + 1],
}

const TERMS: usize = 20;
/// `2 / sqrt(pi)` and `2^(-3/2)`.
const E0: f64 = std::f64::consts::FRAC_2_SQRT_PI;
const E1: f64 = 0.353_553_390_593_273_8;

impl Expansion {
    /// The tail of Beta(`tail`, `other`) on the side where `tail` is the exponent of the variable;
    /// `other` may be infinite (gamma). `correction` is the sum of both parameters' Stirling errors less
    /// that of their sum.
    /// Both tails are returned, the second with the roles of the parameters exchanged.
    pub(crate) fn pair(tail: f64, other: f64, correction: f64) -> [Self; 2] {
        let (h, r1, smaller) = if tail < other {
            (tail / other, 1.0 - tail / other, tail)
        } else {
            (other / tail, other / tail - 1.0, other)
        };
        let scale = (-correction).exp();
        let mut coefficients = inner(h, r1);
        let mut mirrored = coefficients;
        let w0 = 1.0 / (smaller * (1.0 + h)).sqrt();
        let (mut power, mut mirrored_power) = (1.0, 1.0);
        for (coefficient, mirror) in coefficients.iter_mut().zip(&mut mirrored) {
            *coefficient *= power;
            *mirror *= mirrored_power;
            power *= w0;
            // exchanging the roles turns the sign of r1, hence of every odd term
            mirrored_power *= -w0;
        }
        [Self { scale, coefficients }, Self { scale, coefficients: mirrored }]
    }

    /// The tail's probability; `f` is the deviance at the point and `kernel = exp(-f)`.
    pub(crate) fn tail(&self, f: f64, kernel: f64) -> f64 {
        let root = f.sqrt();
        let first = 0.5 * libm::erfc(root);
        let d = &self.coefficients;
        // moments of exp(-t^2) beyond sqrt(f), even and odd, scaled by exp(-f)
        let mut even = first / E0;
        let mut odd = E1 * kernel;
        let mut power_odd = root * std::f64::consts::SQRT_2 * E1 * kernel;
        let z2 = 2.0 * f;
        let mut power_even = z2 * E1 * kernel;
        let mut sum = d[1] * odd;
        let mut n = 2;
        let mut order = 2.0;
        while n < TERMS {
            even = power_odd + (order - 1.0) * even;
            odd = power_even + order * odd;
            power_odd *= z2;
            power_even *= z2;
            let term = d[n] * even + d[n + 1] * odd;
            sum += term;
            if term.abs() <= 1e-17 * first {
                break;
            }
            n += 2;
            order += 2.0;
        }
        self.scale * (first + E0 * sum)
    }
}

/// The `d_n` of the expansion, index 0 unused; `r0 = 1 / (1 + h)`.
fn inner(h: f64, r1: f64) -> [f64; TERMS + 1] {
    let r0 = 1.0 / (1.0 + h);
    let (mut a, mut b) = ([0.0; TERMS + 1], [0.0; TERMS + 1]);
    let (mut c, mut d) = ([0.0; TERMS + 1], [0.0; TERMS + 1]);
    d[0] = 1.0;
    a[1] = 2.0 / 3.0 * r1;
    let (mut alternating, mut power) = (1.0, 1.0);
    for n in (2..TERMS).step_by(2) {
        power *= h * h;
        let order = as_f64(n);
        a[n] = 2.0 * r0 * (1.0 + h * power) / (order + 2.0);
        alternating += power;
        a[n + 1] = 2.0 * r1 * alternating / (order + 3.0);
    }
    for i in 1..TERMS {
        let r = -0.5 * (as_f64(i) + 1.0);
        b[1] = r * a[1];
        for m in 2..=i {
            let inner: f64 =
                (1..m).map(|j| (as_f64(j) * r - as_f64(m - j)) * a[j] * b[m - j]).sum();
            b[m] = r * a[m] + inner / as_f64(m);
        }
        c[i] = b[i] / (as_f64(i) + 1.0);
        let earlier: f64 = (1..i).map(|j| d[i - j] * c[j]).sum();
        d[i] = -(earlier + c[i]);
    }
    d
}

fn as_f64(n: usize) -> f64 {
    n as f64
}
