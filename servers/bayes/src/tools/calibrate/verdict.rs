//! What ranks say.

use bayes_engine::{
    calibrate::{Judged, LOG_LIK, Simulation, judge},
    diagnose::Reason,
};

use super::{CalibrateOutput, DRAWS, QuantityOutput, engine_version, said};

/// Probability, all quantities together, below which ranks are not uniform.
const UNIFORM: f64 = 0.001;
/// Probability below which that is worth a second look.
const DOUBTFUL: f64 = 0.05;
/// Fewest simulations that are judged.
const LEAST: usize = 100;
/// Largest share of simulations without a rank, with divergent draws, or with dependent ones.
const MOST_FAILED: f64 = 0.01;
const MOST_DIVERGENT: f64 = 0.05;

pub(super) fn output(
    quantities: &[String],
    found: &[Simulation],
    wanted: u32,
    mut warnings: Vec<Reason>,
    seed: u64,
) -> CalibrateOutput {
    let mut columns: Vec<Vec<usize>> = Vec::new();
    let (mut divergent, mut sticky, mut failed) = (0, 0, Vec::new());
    for simulation in found {
        match simulation {
            Simulation::Ranked { ranks, divergent: share, is_sticky } => {
                columns.resize(ranks.len(), Vec::new());
                for (column, rank) in columns.iter_mut().zip(ranks) {
                    column.push(*rank);
                }
                divergent += usize::from(*share > 0.0);
                sticky += usize::from(*is_sticky);
            }
            Simulation::Refused(why) | Simulation::Failed(why) => failed.push(why.as_str()),
        }
    }
    let names = quantities.iter().map(String::as_str).chain([LOG_LIK]);
    let count = columns.len().max(1);
    let mut judged: Vec<(&str, Judged)> = names
        .zip(&columns)
        .map(|(name, ranks)| {
            let found = judge(ranks);
            #[expect(clippy::cast_precision_loss, reason = "a few quantities")]
            let p = (found.p * count as f64).min(1.0);
            (name, Judged { p, ..found })
        })
        .collect();
    judged.sort_by(|a, b| a.1.p.total_cmp(&b.1.p));
    let n_sims = columns.first().map_or(0, Vec::len);
    let findings: Vec<Reason> =
        judged.iter().filter(|(_, found)| found.p < UNIFORM).map(finding).collect();
    if let Some((name, found)) = judged.first().filter(|_| findings.is_empty()) {
        if found.p < DOUBTFUL {
            warnings.push(Reason {
                code: "doubtful",
                message: format!(
                    "ranks of `{name}` have p {:.3}: chance, or a small fault",
                    found.p
                ),
                fix: "run again with another seed and more simulations",
            });
        }
    }
    warnings.extend(many(divergent, n_sims));
    let reasons = doubts(n_sims, wanted, &failed, sticky);
    CalibrateOutput {
        calibrated: findings.is_empty() && reasons.is_empty(),
        quantities: judged.iter().map(quantity).collect(),
        n_sims,
        failed: failed.len(),
        divergent,
        findings: said(findings),
        reliable: reasons.is_empty(),
        reasons: said(reasons),
        warnings: said(warnings),
        seed,
        engine_version: engine_version(),
    }
}

fn quantity((name, found): &(&str, Judged)) -> QuantityOutput {
    QuantityOutput {
        name: (*name).to_owned(),
        ecdf_p: found.p,
        coverage: found.coverage,
        histogram: found.histogram,
    }
}

/// What ranks that are not uniform mean.
fn finding((name, found): &(&str, Judged)) -> Reason {
    let (shape, fix) = if found.spread > 1.1 && (found.mean - 0.5).abs() < 0.08 {
        (
            "true values lie in the tails too often: draws are too narrow",
            "a density or an _rng function is wrong in scale, or chains do not reach the tails: a funnel, correlation",
        )
    } else if found.spread < 0.9 {
        (
            "true values lie in the middle too often: draws are too wide",
            "the density leaves information out: data counted too weakly, a scale that is too large",
        )
    } else if found.mean < 0.5 {
        ("draws are too high", "look for a shift, a wrong sign, a wrong link, a missing Jacobian")
    } else {
        ("draws are too low", "look for a shift, a wrong sign, a wrong link, a missing Jacobian")
    };
    Reason {
        code: "not_calibrated",
        message: format!("ranks of `{name}` are not uniform (p {:.1e}): {shape}", found.p),
        fix,
    }
}

/// Why the figures cannot be used.
fn doubts(n_sims: usize, wanted: u32, failed: &[&str], sticky: usize) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if n_sims < LEAST {
        reasons.push(Reason {
            code: "few_simulations",
            message: format!("{n_sims} of {wanted} simulations were ranked, fewer than {LEAST}"),
            fix: "give max_time_s up to 900, less data, or vectorised statements",
        });
    }
    if is_many(failed.len(), n_sims + failed.len(), MOST_FAILED) {
        reasons.push(Reason {
            code: "failed_simulations",
            message: format!("{} simulations have no rank, as: {}", failed.len(), failed[0]),
            fix: "narrow priors that make impossible data, correct the bounds of the data block",
        });
    }
    if is_many(sticky, n_sims, MOST_DIVERGENT) {
        reasons.push(Reason {
            code: "dependent_draws",
            message: format!("in {sticky} simulations fewer than {DRAWS} of the draws are independent"),
            fix: "reparametrise: ranks of dependent draws pile up at both ends whether or not the model is right",
        });
    }
    reasons
}

fn many(divergent: usize, n_sims: usize) -> Option<Reason> {
    is_many(divergent, n_sims, MOST_DIVERGENT).then(|| Reason {
        code: "divergences",
        message: format!("draws diverge in {divergent} of {n_sims} simulations"),
        fix: "write groups as mu + tau * z with z ~ std_normal(), narrow the priors of scales",
    })
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn is_many(count: usize, of: usize, share: f64) -> bool {
    count as f64 > share * of as f64
}
