//! A binomial distribution where it has mass.

/// Standard deviations from the mean beyond which a count has no mass (below 1e-18).
const REACH: f64 = 9.0;

/// Probabilities of counts.
pub(super) struct Binomial {
    /// The first count with mass.
    pub(super) first: u64,
    /// From that on.
    pub(super) masses: Vec<f64>,
}

impl Binomial {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are below 1e7 and not negative"
    )]
    pub(super) fn new(n: u64, rate: f64) -> Self {
        let trials = n as f64;
        let (mean, sd) = (trials * rate, (trials * rate * (1.0 - rate)).sqrt());
        // tails of small means are Poisson's, longer than a normal's
        let reach = REACH * sd + 40.0;
        let first = (mean - reach).max(0.0).floor();
        let last = (mean + reach).min(trials).ceil();
        let peak = ((trials + 1.0) * rate).floor().clamp(first, last);
        let mut masses = vec![0.0; (last - first) as usize + 1];
        let at = (peak - first) as usize;
        masses[at] = 1.0;
        let odds = rate / (1.0 - rate);
        for place in at + 1..masses.len() {
            let count = first + place as f64;
            masses[place] = masses[place - 1] * ((trials - count + 1.0) / count * odds);
        }
        for place in (0..at).rev() {
            let count = first + place as f64 + 1.0;
            masses[place] = masses[place + 1] * (count / ((trials - count + 1.0) * odds));
        }
        let total: f64 = masses.iter().sum();
        for mass in &mut masses {
            *mass /= total;
        }
        Self { first: first as u64, masses }
    }

    pub(super) fn last(&self) -> u64 {
        self.first + self.masses.len() as u64 - 1
    }

    /// `P(count >= c)` from the first count on.
    pub(super) fn upper_tails(&self) -> Vec<f64> {
        let mut tails = self.masses.clone();
        for place in (0..tails.len().saturating_sub(1)).rev() {
            tails[place] += tails[place + 1];
        }
        tails
    }

    /// The same at any count.
    pub(super) fn upper(&self, tails: &[f64], count: u64) -> f64 {
        let Some(place) = count.checked_sub(self.first) else { return 1.0 };
        usize::try_from(place).ok().and_then(|place| tails.get(place)).copied().unwrap_or(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Binomial;

    #[test]
    fn masses_are_those_of_the_formula() {
        let found = Binomial::new(5, 0.3);
        let exact = [0.16807, 0.36015, 0.3087, 0.1323, 0.02835, 0.00243];
        assert_eq!((found.first, found.masses.len()), (0, 6));
        for (found, exact) in found.masses.iter().zip(exact) {
            assert!((found / exact - 1.0).abs() < 1e-14);
        }
        let tails = found.upper_tails();
        assert!((found.upper(&tails, 4) - 0.03078).abs() < 1e-15);
        assert!((found.upper(&tails, 0) - 1.0).abs() < 1e-15 && found.upper(&tails, 6) == 0.0);
        let sure = [Binomial::new(9, 0.0), Binomial::new(9, 1.0)];
        assert!((sure[0].masses[0] - 1.0).abs() < 1e-15 && (sure[1].masses[9] - 1.0).abs() < 1e-15);
    }
}
