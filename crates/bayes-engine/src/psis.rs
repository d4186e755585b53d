//! Pareto smoothed importance sampling (Vehtari et al. 2024, JMLR 25(72)), in the conventions of ArviZ.
//!
//! Largest weights decide what an importance estimate is worth. Their tail is fitted by a generalised Pareto
//! distribution and replaced by its quantiles; its shape `k` says how far the estimate can be trusted.

/// Largest shape under which estimates are called reliable, for very many draws.
const MAX_SHAPE: f64 = 0.7;
/// Fewest weights above the cut that a tail is fitted to.
const LEAST_TAIL: usize = 5;

/// Smoothed weights of all draws.
#[derive(Debug, Clone, PartialEq)]
pub struct Smoothed {
    /// Log weights; their exponentials sum to 1.
    pub log_weights: Vec<f64>,
    /// Shape of the tail of the raw weights; infinite where none could be fitted.
    pub shape: f64,
}

/// The shape above which `draws` draws do not suffice: `min(1 - 1 / log10 draws, 0.7)`.
pub fn max_shape(draws: usize) -> f64 {
    (1.0 - 1.0 / (draws as f64).log10()).min(MAX_SHAPE)
}

/// Draws with which a shape would suffice, where there are any; grows without bound towards 0.7.
pub fn draws_for(shape: f64) -> Option<f64> {
    (shape < MAX_SHAPE).then(|| 10_f64.powf(1.0 / (1.0 - shape.max(0.0))))
}

/// Smooths log weights whose draws have the relative efficiency `efficiency` (effective draws by draws).
///
/// Weights must not be NaN or positive infinity.
pub fn smooth(log_ratios: &[f64], efficiency: f64) -> Smoothed {
    let top = log_ratios.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut x: Vec<f64> = log_ratios.iter().map(|ratio| ratio - top).collect();
    let shape = smooth_tail(&mut x, efficiency);
    let total = log_sum_exp(&x);
    for x in &mut x {
        *x -= total;
    }
    Smoothed { log_weights: x, shape }
}

/// Replaces the tail of log weights that end at 0; its shape.
fn smooth_tail(x: &mut [f64], efficiency: f64) -> f64 {
    let count = x.len() as f64;
    let length = (count / 5.0).min(3.0 * (count / efficiency).sqrt()).ceil();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a count")]
    let Some(at) = x.len().checked_sub(length as usize + 1) else { return f64::INFINITY };
    let mut order = x.to_vec();
    let (_, cut, _) = order.select_nth_unstable_by(at, f64::total_cmp);
    let cut = cut.max(f64::MIN_POSITIVE.ln());
    let mut places: Vec<usize> = (0..x.len()).filter(|place| x[*place] > cut).collect();
    if places.len() < LEAST_TAIL {
        return f64::INFINITY;
    }
    places.sort_by(|a, b| x[*a].total_cmp(&x[*b]));
    let base = cut.exp();
    let tail: Vec<f64> = places.iter().map(|place| x[*place].exp() - base).collect();
    let (shape, scale) = fit(&tail);
    if !shape.is_finite() {
        return f64::INFINITY;
    }
    let size = tail.len() as f64;
    for (at, place) in places.iter().enumerate() {
        let p = (at as f64 + 0.5) / size;
        // no weight above the largest raw one
        x[*place] = (quantile(p, shape, scale) + base).ln().min(0.0);
    }
    shape
}

/// Shape and scale of a generalised Pareto distribution (Zhang and Stephens 2009), the shape drawn towards
/// 0.5 by a prior worth ten values.
fn fit(sorted: &[f64]) -> (f64, f64) {
    let n = sorted.len();
    let size = n as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small counts")]
    let (grid, quarter) = (30 + size.sqrt() as usize, (size / 4.0 + 0.5) as usize - 1);
    let mean_log = |b: f64| sorted.iter().map(|x| (-b * x).ln_1p()).sum::<f64>() / size;
    let points: Vec<(f64, f64)> = (1..=grid)
        .map(|at| {
            let b = (1.0 - (grid as f64 / (at as f64 - 0.5)).sqrt()) / (3.0 * sorted[quarter])
                + 1.0 / sorted[n - 1];
            let k = mean_log(b);
            (b, size * ((-b / k).ln() - k - 1.0))
        })
        .collect();
    let lengths: Vec<f64> = points.iter().map(|(_, length)| *length).collect();
    let total = log_sum_exp(&lengths);
    let kept: Vec<(f64, f64)> = points
        .iter()
        .map(|(b, length)| (*b, (length - total).exp()))
        .filter(|(_, weight)| *weight >= 10.0 * f64::EPSILON)
        .collect();
    let sum: f64 = kept.iter().map(|(_, weight)| weight).sum();
    let b = kept.iter().map(|(b, weight)| b * weight / sum).sum::<f64>();
    let shape = mean_log(b);
    ((size * shape + 5.0) / (size + 10.0), -shape / b)
}

fn quantile(p: f64, shape: f64, scale: f64) -> f64 {
    let log = (-p).ln_1p();
    if shape.abs() < f64::EPSILON { -scale * log } else { scale * (-shape * log).exp_m1() / shape }
}

/// `ln sum exp`, of finite or minus infinite numbers.
pub(crate) fn log_sum_exp(x: &[f64]) -> f64 {
    let top = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    if top == f64::NEG_INFINITY {
        return top;
    }
    top + x.iter().map(|x| (x - top).exp()).sum::<f64>().ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pareto_tail_has_its_shape() {
        // quantiles of a generalised Pareto law of shape 0.4 and scale 2
        let n = 4000;
        let sorted: Vec<f64> =
            (0..n).map(|at| quantile((f64::from(at) + 0.5) / f64::from(n), 0.4, 2.0)).collect();
        let (shape, scale) = fit(&sorted);
        assert!((shape - 0.4).abs() < 0.01 && (scale - 2.0).abs() < 0.02, "{shape} {scale}");
    }

    #[test]
    fn equal_weights_stay_and_have_no_tail() {
        let smoothed = smooth(&[1.5; 200], 1.0);
        assert!(smoothed.shape.is_infinite());
        assert!(smoothed.log_weights.iter().all(|x| (x + 200_f64.ln()).abs() < 1e-12));
    }

    #[test]
    fn the_bound_rises_with_the_draws() {
        assert!((max_shape(100) - 0.5).abs() < 1e-12);
        assert!((max_shape(1_000_000) - 0.7).abs() < 1e-12);
        assert!((draws_for(0.5).expect("some") - 100.0).abs() < 1e-9);
        assert_eq!(draws_for(0.71), None);
    }
}
