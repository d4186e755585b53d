//! The rule that says whether a fit is reliable. All thresholds stand here.

/// Largest R-hat.
pub(crate) const MAX_R_HAT: f64 = 1.01;
/// Fewest effective draws for each chain, bulk and tail.
pub(crate) const MIN_ESS_PER_CHAIN: f64 = 100.0;
/// Largest share of divergent draws in a first attempt that a later one without may follow.
pub(crate) const MAX_FIRST_DIVERGENT: f64 = 0.005;
/// Least energy fraction.
pub(crate) const MIN_ENERGY_FRACTION: f64 = 0.2;
/// Energy fraction below which a warning is due.
pub(crate) const WARN_ENERGY_FRACTION: f64 = 0.3;
/// Largest share of trajectories of full depth.
pub(crate) const MAX_SATURATED: f64 = 0.01;

/// What a fit showed.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Trust {
    /// Chains.
    pub chains: usize,
    /// Kept draws of all chains.
    pub draws: usize,
    /// Largest R-hat and its quantity; NaN counts as failed.
    pub r_hat: Option<(String, f64)>,
    /// Fewest bulk and tail effective draws, with their quantities.
    pub ess: [Option<(String, f64)>; 2],
    /// Divergent draws.
    pub divergent: usize,
    /// Share of divergent draws in the first attempt.
    pub first_divergent: f64,
    /// Energy fraction of every chain.
    pub energy_fractions: Vec<f64>,
    /// Draws whose trajectory had the full depth.
    pub saturated: usize,
    /// Quantities with draws that are not finite.
    pub non_finite: Vec<String>,
    /// Whether all wanted draws were made.
    pub is_complete: bool,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// Stable word.
    pub code: &'static str,
    /// What was found, with its bound.
    pub message: String,
    /// What to do.
    pub fix: &'static str,
}

/// The rule's result.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Verdict {
    /// Whether the draws may be used.
    pub is_reliable: bool,
    /// Why not.
    pub reasons: Vec<Reason>,
    /// What to look at all the same.
    pub warnings: Vec<Reason>,
}

/// Energy fraction of a chain: how far momentum alone moves the energy.
pub fn energy_fraction(energies: &[f64]) -> f64 {
    let mean = energies.iter().sum::<f64>() / energies.len() as f64;
    let steps: f64 =
        energies.windows(2).map(|pair| (pair[1] - pair[0]) * (pair[1] - pair[0])).sum();
    steps / energies.iter().map(|energy| (energy - mean) * (energy - mean)).sum::<f64>()
}

/// Judges a fit.
pub fn verdict(trust: &Trust) -> Verdict {
    let mut verdict = Verdict::default();
    mixing(trust, &mut verdict.reasons);
    geometry(trust, &mut verdict);
    if !trust.is_complete {
        verdict.reasons.push(Reason {
            code: "incomplete",
            message: format!("sampling ended after {} draws", trust.draws),
            fix: "give it more time, or ask for fewer draws",
        });
    }
    if !trust.non_finite.is_empty() {
        let names: Vec<&str> = trust.non_finite.iter().take(5).map(String::as_str).collect();
        verdict.reasons.push(Reason {
            code: "non_finite",
            message: format!("draws of {} are not finite", names.join(", ")),
            fix: "look for logs of 0, divisions by 0 and unassigned variables",
        });
    }
    verdict.is_reliable = verdict.reasons.is_empty();
    verdict
}

fn mixing(trust: &Trust, reasons: &mut Vec<Reason>) {
    if let Some((name, r_hat)) =
        trust.r_hat.as_ref().filter(|(_, r_hat)| r_hat.is_nan() || *r_hat > MAX_R_HAT)
    {
        reasons.push(Reason {
            code: "r_hat",
            message: format!("R-hat of {name} is {r_hat:.3}, above {MAX_R_HAT}"),
            fix: "run longer; if chains sit in different places, order or separate what is exchangeable",
        });
    }
    let least = MIN_ESS_PER_CHAIN * trust.chains as f64;
    for (which, found) in ["bulk", "tail"].into_iter().zip(&trust.ess) {
        if let Some((name, ess)) = found.as_ref().filter(|(_, ess)| ess.is_nan() || *ess < least) {
            reasons.push(Reason {
                code: if which == "bulk" { "ess_bulk" } else { "ess_tail" },
                message: format!("{which} ESS of {name} is {ess:.0}, below {least:.0}"),
                fix: "ask for more draws, or reparameterise what is strongly correlated",
            });
        }
    }
}

fn geometry(trust: &Trust, verdict: &mut Verdict) {
    let fix = "use a non-centred parameterisation (z ~ std_normal(); theta = mu + tau * z) or tighter priors";
    if trust.divergent > 0 {
        let message = format!("{} of {} draws are divergent", trust.divergent, trust.draws);
        verdict.reasons.push(Reason { code: "divergences", message, fix });
    } else if trust.first_divergent > MAX_FIRST_DIVERGENT {
        let message = format!(
            "{:.1} % of the first attempt's draws were divergent; smaller steps only hide it",
            100.0 * trust.first_divergent
        );
        verdict.reasons.push(Reason { code: "divergences", message, fix });
    } else if trust.first_divergent > 0.0 {
        let message = "a first attempt with larger steps had divergent draws".to_owned();
        verdict.warnings.push(Reason { code: "divergences", message, fix });
    }
    let least = trust.energy_fractions.iter().copied().fold(f64::INFINITY, f64::min);
    if least < WARN_ENERGY_FRACTION {
        let message = format!("the energy fraction (E-BFMI) of a chain is {least:.2}");
        let fix = "reparameterise: a scale and what it scales move together";
        let reason = Reason { code: "energy", message, fix };
        let is_bad = least < MIN_ENERGY_FRACTION;
        if is_bad { verdict.reasons.push(reason) } else { verdict.warnings.push(reason) }
    }
    let share = trust.saturated as f64 / (trust.draws as f64).max(1.0);
    if share > MAX_SATURATED {
        let message = format!("{:.0} % of the trajectories had the full depth", 100.0 * share);
        let fix = "raise max_treedepth, or scale and decorrelate the parameters";
        verdict.reasons.push(Reason { code: "tree_depth", message, fix });
    }
}
