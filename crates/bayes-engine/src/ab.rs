//! Comparison of success rates: exact, by quadrature, never by sampling; and how large a test must be.

mod curve;
pub mod design;
mod grid;
mod pair;
mod sum;

use crate::conjugate::{BetaPrior, Counts};
use crate::error::{self, Error, ErrorKind, Result};
use crate::interval::equal_tails;
use curve::Curve;

/// Fewest and most arms compared at once.
pub const ARMS: std::ops::RangeInclusive<usize> = 2..=20;
/// Most trials of one arm.
pub const MAX_TRIALS: u64 = 1_000_000_000;
/// Pseudo-counts served: below, a posterior without successes has mass at rates under 1e-300.
pub const PRIOR_RANGE: std::ops::RangeInclusive<f64> = 0.1..=1e9;
/// Mass inside the region of practical equivalence from which arms count as equal.
pub const EQUIVALENT: f64 = 0.95;

/// What is asked of a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Successes and trials of each arm; the first is the control.
    pub arms: Vec<Counts>,
    /// Belief about every arm's rate before the data.
    pub prior: BetaPrior,
    /// Differences from the control that do not matter.
    pub rope: Option<[f64; 2]>,
    /// Largest expected loss, in units of the rate, at which an arm may be chosen.
    pub loss_threshold: f64,
    /// Mass of the reported intervals.
    pub level: f64,
}

/// What the data say.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Posterior of each arm's rate.
    pub posteriors: Vec<BetaPrior>,
    /// Mean and interval of each arm's rate.
    pub rates: Vec<Rate>,
    /// Probability that each arm's rate is the highest; their sum is 1.
    pub p_best: Vec<f64>,
    /// Expected shortfall from the best rate when each arm is chosen.
    pub expected_loss: Vec<f64>,
    /// Each further arm against the control.
    pub lift: Vec<Lift>,
    /// What follows.
    pub decision: Decision,
    /// How far the computed `p_best` are from 1 in sum: the quadrature's own check.
    pub defect: f64,
}

/// What is known about one arm's rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Mean.
    pub mean: f64,
    /// Equal-tailed interval.
    pub interval: [f64; 2],
}

/// One arm against the control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// Probability that the arm's rate is above the control's.
    pub p_better: f64,
    /// Mean of `arm - control`.
    pub difference: f64,
    /// Equal-tailed interval of `arm - control`.
    pub difference_interval: [f64; 2],
    /// Mean of `arm / control - 1`; absent where it is infinite.
    pub relative: Option<f64>,
    /// Equal-tailed interval of `arm / control - 1`.
    pub relative_interval: [f64; 2],
    /// Probability that `arm - control` lies in the region of practical equivalence.
    pub p_in_rope: Option<f64>,
}

/// What to do, and why.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Decision {
    /// The action.
    pub action: Action,
    /// The arm with the least expected loss.
    pub arm: usize,
    /// Its expected loss.
    pub expected_loss: f64,
}

/// What to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Another arm than the control risks no more than the threshold: take it.
    Ship,
    /// Keeping the control risks no more than the threshold.
    Keep,
    /// The best arm equals the control for practical purposes: either will do.
    Equivalent,
    /// Every choice still risks more than the threshold.
    Continue,
}

/// Analyses a test. `is_cancelled` is asked from time to time and ends the work early.
pub fn analyze(question: &Question, is_cancelled: &dyn Fn() -> bool) -> Result<Analysis> {
    question.check()?;
    let posteriors: Vec<BetaPrior> =
        question.arms.iter().map(|arm| question.prior.with(*arm)).collect();
    let curves: Vec<Curve> = posteriors.iter().map(|p| Curve::new(p.alpha, p.beta)).collect();
    let ends = equal_tails(question.level);
    let rates = curves
        .iter()
        .map(|curve| Rate { mean: curve.mean(), interval: ends.map(|mass| curve.quantile(mass)) })
        .collect();
    let grid::Verdict { mut p_best, expected_loss } = grid::judge(&curves, is_cancelled)?;
    let defect = (p_best.iter().sum::<f64>() - 1.0).abs();
    for p in &mut p_best {
        *p = p.min(1.0);
    }
    let mut lift = Vec::with_capacity(curves.len() - 1);
    for (index, arm) in curves.iter().enumerate().skip(1) {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let p_better = match curves.len() {
            2 => p_best[index],
            _ => p_greater(&curves[0], arm, is_cancelled)?,
        };
        lift.push(pair::lift(&curves[0], arm, p_better, question));
    }
    let decision = decide(question, &expected_loss, &lift);
    Ok(Analysis { posteriors, rates, p_best, expected_loss, lift, decision, defect })
}

/// `P(B > A)` of two beta posteriors.
pub fn probability_greater(a: BetaPrior, b: BetaPrior) -> Result<f64> {
    let (a, b) = (a.checked("/a")?, b.checked("/b")?);
    p_greater(&Curve::new(a.alpha, a.beta), &Curve::new(b.alpha, b.beta), &|| false)
}

/// The finite sum where a parameter is a small integer, quadrature elsewhere.
fn p_greater(a: &Curve, b: &Curve, is_cancelled: &dyn Fn() -> bool) -> Result<f64> {
    if let Some(p) = sum::p_greater([a.a, a.b], [b.a, b.b]) {
        return Ok(p.min(1.0));
    }
    Ok(grid::judge(&[a.clone(), b.clone()], is_cancelled)?.p_best[1].min(1.0))
}

fn decide(question: &Question, expected_loss: &[f64], lift: &[Lift]) -> Decision {
    let arm = (1..expected_loss.len())
        .fold(0, |best, arm| if expected_loss[arm] < expected_loss[best] { arm } else { best });
    let equivalent = arm > 0 && lift[arm - 1].p_in_rope.is_some_and(|p| p >= EQUIVALENT);
    // the control is as good as every other arm
    let all_equal = lift.iter().all(|lift| lift.p_in_rope.is_some_and(|p| p >= EQUIVALENT));
    let action = if equivalent || all_equal {
        Action::Equivalent
    } else if expected_loss[arm] > question.loss_threshold {
        Action::Continue
    } else if arm == 0 {
        Action::Keep
    } else {
        Action::Ship
    };
    Decision { action, arm, expected_loss: expected_loss[arm] }
}

impl Question {
    fn check(&self) -> Result<()> {
        let arms = self.arms.len();
        if !ARMS.contains(&arms) {
            return Err(Error::new(
                ErrorKind::Limit,
                "/arms",
                format!("{arms} arms are outside {}..{}", ARMS.start(), ARMS.end()),
            )
            .with_hint("give the control first, then one to nineteen variants"));
        }
        for (index, arm) in self.arms.iter().enumerate() {
            let path = format!("/arms/{index}");
            if arm.trials > MAX_TRIALS {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!("{path}/trials"),
                    format!("trials = {} exceeds {MAX_TRIALS}", arm.trials),
                ));
            }
            error::successes(&path, arm.successes, arm.trials)?;
        }
        let BetaPrior { alpha, beta } = self.prior.checked("/prior")?;
        error::within_limits("/prior/alpha", alpha, PRIOR_RANGE)?;
        error::within_limits("/prior/beta", beta, PRIOR_RANGE)?;
        error::level("/level", self.level)?;
        if error::finite("/loss_threshold", self.loss_threshold)? <= 0.0 {
            return Err(Error::new(
                ErrorKind::Constraint,
                "/loss_threshold",
                format!("loss_threshold = {} is not above 0", self.loss_threshold),
            )
            .with_hint("give the rate you can afford to lose, for example 0.001"));
        }
        self.rope.map_or(Ok(()), check_rope)
    }
}

fn check_rope([low, high]: [f64; 2]) -> Result<()> {
    error::finite("/rope/0", low)?;
    error::finite("/rope/1", high)?;
    if -1.0 <= low && low < high && high <= 1.0 {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Constraint,
        "/rope",
        format!("rope [{low}, {high}] does not rise within -1..1"),
    )
    .with_hint("give the differences that do not matter, for example [-0.001, 0.001]"))
}
