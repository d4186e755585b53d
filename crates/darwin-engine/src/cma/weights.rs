//! Constants of CMA-ES: Hansen (2016), "The CMA Evolution Strategy: A Tutorial", arXiv 1604.00772,
//! Table 1; for a diagonal matrix, Ros & Hansen (2008), "A simple modification in CMA-ES".

/// Constants for a number of variables and a population.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Weights {
    /// Of all ranks, best first; the worse half is negative.
    pub(super) all: Vec<f64>,
    /// Ranks with a positive weight.
    pub(super) parents: usize,
    /// Variance-effective number of parents.
    pub(super) effective: f64,
    pub(super) c_sigma: f64,
    pub(super) d_sigma: f64,
    pub(super) c_c: f64,
    pub(super) c_1: f64,
    pub(super) c_mu: f64,
    /// Expected length of a standard normal vector.
    pub(super) chi: f64,
}

impl Weights {
    #[expect(clippy::cast_precision_loss, reason = "dimensions and populations are small")]
    pub(super) fn new(dimension: usize, population: usize, diagonal: bool) -> Self {
        let (n, half) = (dimension as f64, f64::midpoint(population as f64, 1.0));
        let raw: Vec<f64> =
            (1..=population).map(|rank| libm::log(half) - libm::log(rank as f64)).collect();
        let parents = population / 2;
        let sum = |part: &[f64]| part.iter().sum::<f64>();
        let effective = |part: &[f64]| {
            let squares: f64 = part.iter().map(|w| w * w).sum();
            if squares > 0.0 { sum(part) * sum(part) / squares } else { 0.0 }
        };
        let (better, worse) = raw.split_at(parents);
        let (mu, mu_worse) = (effective(better), effective(worse));
        let faster = if diagonal { (n + 1.5) / 3.0 } else { 1.0 };
        let c_1 = (faster * 2.0 / ((n + 1.3) * (n + 1.3) + mu)).min(1.0);
        let c_mu = (faster * 2.0 * (0.25 + mu + 1.0 / mu - 2.0) / ((n + 2.0) * (n + 2.0) + mu))
            .min(1.0 - c_1);
        let negative = (1.0 + c_1 / c_mu)
            .min(1.0 + 2.0 * mu_worse / (mu + 2.0))
            .min((1.0 - c_1 - c_mu) / (n * c_mu));
        let (positive_sum, negative_sum) = (sum(better), -sum(worse));
        let scale = |w: &f64| {
            if *w >= 0.0 { w / positive_sum } else { negative * w / negative_sum }
        };
        Self {
            all: raw.iter().map(scale).collect(),
            parents,
            effective: mu,
            c_sigma: (mu + 2.0) / (n + mu + 5.0),
            d_sigma: 1.0
                + 2.0 * (((mu - 1.0) / (n + 1.0)).max(0.0).sqrt() - 1.0).max(0.0)
                + (mu + 2.0) / (n + mu + 5.0),
            c_c: (4.0 + mu / n) / (n + 4.0 + 2.0 * mu / n),
            c_1,
            c_mu,
            chi: n.sqrt() * (1.0 - 1.0 / (4.0 * n) + 1.0 / (21.0 * n * n)),
        }
    }
}

/// Population when none is given: 4 + 3 ln n, rounded down.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a small positive number"
)]
pub(super) fn default_population(dimension: usize) -> usize {
    4 + (3.0 * libm::log(dimension as f64)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_are_those_of_the_tutorial() {
        assert_eq!([2, 10, 20, 40].map(default_population), [6, 10, 12, 15]);
        let weights = Weights::new(10, 10, false);
        let positive: f64 = weights.all[..weights.parents].iter().sum();
        assert!((positive - 1.0).abs() < 1e-15);
        // What pycma reports for 10 variables.
        assert!((weights.effective - 3.167_299_28).abs() < 1e-8, "{}", weights.effective);
        assert!((weights.c_sigma - 0.284_428_587).abs() < 1e-8, "{}", weights.c_sigma);
        assert!((weights.c_1 - 0.015_283_824_9).abs() < 1e-9, "{}", weights.c_1);
        assert!(weights.all[5..].iter().all(|w| *w < 0.0));
        assert!((weights.chi - 3.084_7).abs() < 1e-3);
    }

    #[test]
    fn the_matrix_stays_positive_whatever_the_population() {
        for dimension in [1, 2, 5, 40, 300] {
            for population in [2, 4, 10, 100, 3000] {
                let weights = Weights::new(dimension, population, false);
                assert!(weights.c_1 > 0.0 && weights.c_mu >= 0.0, "{dimension} {population}");
                assert!(weights.c_1 + weights.c_mu <= 1.0);
                assert!(weights.all.iter().all(|w| w.is_finite()), "{dimension} {population}");
            }
        }
    }
}
