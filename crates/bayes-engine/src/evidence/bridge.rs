//! Bridge sampling with the optimal bridge (Meng and Wong 1996), between draws that are made symmetric about
//! their mean (Warp-III, Meng and Schilling 2002) and a standard normal; relative error as in Gronau et al. 2017.

use super::gauss::Gauss;
use super::{Estimated, Points, halves, log_at};
use crate::diagnose::ess_mean;
use crate::error::{Error, ErrorKind, Result};
use crate::psis::log_sum_exp;
use crate::sampler::{LogDensity, Random};
use crate::special::stirling::LN_SQRT_2PI;

/// Most steps of the iteration; it converges in about ten.
const STEPS: usize = 1000;

/// The log of the integral of a density from draws of it.
///
/// One half of the draws finds the normal distribution, the other crosses the bridge, and the other way round:
/// all draws are used, and two estimates tell of each other.
pub fn bridge(
    density: &mut dyn LogDensity,
    points: &Points,
    seed: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Estimated> {
    let [first, second] = halves(points)?;
    let mut random = Random::new(seed, u32::MAX);
    let mut one = |fitted: &Points, crossed: &Points| {
        let gauss = Gauss::of(fitted, &[]).ok_or_else(flat)?;
        crossing(density, &gauss, crossed, &mut random, is_cancelled)
    };
    let found = [one(&first, &second)?, one(&second, &first)?];
    let mean = |of: fn(&(f64, f64)) -> f64| found.iter().map(of).sum::<f64>() / 2.0;
    Ok(Estimated {
        log: mean(|half| half.0),
        // each half rests on draws of its own
        error: (mean(|half| half.1 * half.1) / 2.0).sqrt(),
        gap: (found[0].0 - found[1].0).abs(),
        shape: 0.0,
        draws: points.iter().map(Vec::len).sum(),
    })
}

pub(super) fn flat() -> Error {
    Error::new(ErrorKind::Numeric, "/run_ids", "the draws do not spread in every direction")
        .with_hint("see diagnose_run: a chain that stands still has no covariance")
}

/// The log of the integral and its error, from draws that the normal distribution does not know.
fn crossing(
    density: &mut dyn LogDensity,
    gauss: &Gauss,
    points: &Points,
    random: &mut Random,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<(f64, f64)> {
    let mut scratch = vec![0.0; gauss.dim()];
    let mut ratio = |scores: &[f64]| -> Result<f64> {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let sides = [1.0, -1.0].map(|sign| {
            let point = gauss.point(scores, sign);
            log_at(density, &point, &mut scratch)
        });
        let square: f64 = scores.iter().map(|z| z * z).sum();
        let normal = -0.5 * square - gauss.dim() as f64 * LN_SQRT_2PI;
        Ok(log_sum_exp(&sides) - std::f64::consts::LN_2 + gauss.log_volume() - normal)
    };
    let mut own: Vec<Vec<f64>> = Vec::with_capacity(points.len());
    for chain in points {
        own.push(chain.iter().map(|x| ratio(&gauss.scores(x))).collect::<Result<_>>()?);
    }
    let count: usize = own.iter().map(Vec::len).sum();
    let mut normal = Vec::with_capacity(count);
    for _ in 0..count {
        let scores: Vec<f64> = (0..gauss.dim()).map(|_| random.normal()).collect();
        normal.push(ratio(&scores)?);
    }
    if own.iter().flatten().any(|log| !log.is_finite()) || normal.iter().any(|log| log.is_nan()) {
        return Err(Error::new(
            ErrorKind::Numeric,
            "/run_ids",
            "the density of a draw is not finite when it is computed again",
        )
        .with_hint("a parameter lies at its bound to the last digit: tighten its prior"));
    }
    Ok(optimal(&own, &normal))
}

/// Solves for the integral; logs of density by normal at draws (by chain) and at normal points.
fn optimal(own: &[Vec<f64>], normal: &[f64]) -> (f64, f64) {
    let lists: Vec<&[f64]> = own.iter().map(Vec::as_slice).collect();
    let all = own.concat();
    let (n1, n2) = (all.len() as f64, normal.len() as f64);
    // dependent draws count for less
    let independent = |found: f64| if found.is_finite() { found.clamp(1.0, n1) } else { n1 };
    let effective = independent(ess_mean(&lists));
    let (s1, s2) = (effective / (effective + n2), n2 / (effective + n2));
    // ln(s1 e^x + s2 e^r)
    let mixed = |x: f64, r: f64| log_sum_exp(&[s1.ln() + x, s2.ln() + r]);
    let mut sorted = all.clone();
    sorted.sort_by(f64::total_cmp);
    let mut r = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    for _ in 0..STEPS {
        let up: Vec<f64> = normal.iter().map(|x| x - mixed(*x, r)).collect();
        let down: Vec<f64> = all.iter().map(|x| -mixed(*x, r)).collect();
        let next = (log_sum_exp(&up) - n2.ln()) - (log_sum_exp(&down) - n1.ln());
        let is_done = (next - r).abs() < 1e-12 * (1.0 + r.abs());
        r = next;
        if is_done || !r.is_finite() {
            break;
        }
    }
    let over = |logs: &[f64], is_own: bool| -> Vec<f64> {
        // density (or normal) by the mixture of both, the density normalised
        logs.iter()
            .map(|x| ((if is_own { 0.0 } else { x - r }) - mixed(x - r, 0.0)).exp())
            .collect()
    };
    let relative = |values: &[f64]| {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0) / (mean * mean)
    };
    let by_chain: Vec<Vec<f64>> = own.iter().map(|chain| over(chain, true)).collect();
    let lists: Vec<&[f64]> = by_chain.iter().map(Vec::as_slice).collect();
    let effective = independent(ess_mean(&lists));
    let square = relative(&over(normal, false)) / n2 + relative(&by_chain.concat()) / effective;
    (r, square.sqrt())
}
