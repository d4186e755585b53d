//! How large a test of two arms must be: chances of its decision, summed over every possible outcome.
//!
//! For a number of trials the variant is shipped from some number of successes on, which depends on the
//! control's (the boundary). The chance of that is a sum over two binomial distributions, averaged over what
//! is believed of baseline and effect: nothing is simulated, nothing is approximated by a normal.

mod binomial;
mod boundary;
mod search;

use crate::ab::curve::Curve;
use crate::conjugate::BetaPrior;
use crate::error::{self, Error, ErrorKind, Result};
use crate::quadrature;
use crate::special::{Mass, normal_cdf, normal_quantile};
use binomial::Binomial;
use boundary::boundary;

/// Most trials of one arm that are designed for.
pub const MAX_PLANNED: u64 = 10_000_000;

/// When the variant is shipped.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Rule {
    /// It leads, and its expected loss is at most this: the rule of [`analyze`](super::analyze).
    Loss(f64),
    /// The probability that its rate is the higher is at least this.
    Probability(f64),
}

/// A test that is planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Plan {
    /// Expected rate of the control.
    pub baseline: f64,
    /// Trials that knowledge of it is worth; a point if absent.
    pub baseline_trials: Option<f64>,
    /// Expected difference of the variant's rate from the control's.
    pub effect: f64,
    /// Uncertainty of that, a normal standard deviation; 0 for a point.
    pub effect_sd: f64,
    /// When it is shipped.
    pub rule: Rule,
    /// Prior of both rates in the analysis to come.
    pub prior: BetaPrior,
    /// Wanted chance that the variant is shipped.
    pub assurance: f64,
    /// Most trials of one arm.
    pub max_n: u64,
}

/// Chances of a test with a number of trials in each arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Chances {
    /// Trials of one arm.
    pub n: u64,
    /// That the variant is shipped, averaged over what is believed of both rates.
    pub ship: f64,
    /// That it is shipped although it is equal to the control.
    pub ship_if_equal: f64,
    /// That it is shipped although it is worse by the expected effect.
    pub ship_if_worse: f64,
}

/// How large the test must be.
#[derive(Debug, Clone, PartialEq)]
pub struct Design {
    /// The least number of trials with the wanted chance; absent beyond the most.
    pub found: Option<Chances>,
    /// Chances at several numbers of trials, rising.
    pub curve: Vec<Chances>,
    /// Chance that the variant is better at all: no number of trials exceeds it much.
    pub better: f64,
}

/// Finds the number of trials. `is_cancelled` is asked from time to time and ends the work early.
pub fn design(plan: &Plan, is_cancelled: &dyn Fn() -> bool) -> Result<Design> {
    plan.check()?;
    let beliefs = Beliefs::new(plan);
    let at = |n| chances(plan, &beliefs, n, is_cancelled);
    let (found, seen) = search::least(plan, &at)?;
    let curve = search::curve(plan, found, seen, &at)?;
    Ok(Design { found, curve, better: beliefs.better() })
}

/// Chances with `n` trials in each arm.
fn chances(
    plan: &Plan,
    beliefs: &Beliefs,
    n: u64,
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Chances> {
    let mut found = Chances { n, ship: 0.0, ship_if_equal: 0.0, ship_if_worse: 0.0 };
    let controls: Vec<Binomial> =
        beliefs.controls.iter().map(|control| Binomial::new(n, control.rate)).collect();
    let low = controls.iter().map(|control| control.first).min().unwrap_or(0);
    let high = controls.iter().map(Binomial::last).max().unwrap_or(0);
    let least = boundary(plan, n, [low, high], is_cancelled)?;
    for (control, counts) in beliefs.controls.iter().zip(&controls) {
        if is_cancelled() {
            return Err(Error::cancelled());
        }
        let ship = |rate: f64| shipped(counts, &Binomial::new(n, rate), &least, low);
        for (rate, weight) in &control.variants {
            found.ship += control.weight * weight * ship(*rate);
        }
        found.ship_if_equal += control.weight * ship(control.rate);
        found.ship_if_worse += control.weight * ship((control.rate - plan.effect).max(0.0));
    }
    Ok(found)
}

/// `sum P(a) P(b >= least(a))`.
fn shipped(control: &Binomial, variant: &Binomial, least: &[u64], low: u64) -> f64 {
    let above = variant.upper_tails();
    let least = least.iter().skip(usize::try_from(control.first - low).unwrap_or(usize::MAX));
    control.masses.iter().zip(least).map(|(mass, least)| mass * variant.upper(&above, *least)).sum()
}

/// What is believed of both rates, at points with weights.
struct Beliefs {
    controls: Vec<Control>,
}

/// A rate the control may have, and those the variant may have then.
struct Control {
    rate: f64,
    weight: f64,
    variants: Vec<(f64, f64)>,
}

impl Beliefs {
    fn new(plan: &Plan) -> Self {
        let rates = match plan.baseline_trials {
            None => vec![(plan.baseline, 1.0)],
            Some(trials) => {
                let curve = Curve::new(plan.baseline * trials, (1.0 - plan.baseline) * trials);
                by_mass().map(|(mass, weight)| (curve.quantile(mass), weight)).collect()
            }
        };
        let control = |(rate, weight)| Control { rate, weight, variants: variants(plan, rate) };
        Self { controls: rates.into_iter().map(control).collect() }
    }

    fn better(&self) -> f64 {
        let of = |control: &Control| {
            let above = control.variants.iter().filter(|(rate, _)| *rate > control.rate);
            control.weight * above.map(|(_, weight)| weight).sum::<f64>()
        };
        self.controls.iter().map(of).sum()
    }
}

/// Rates of the variant beside the control's: the effect is normal within what rates allow.
fn variants(plan: &Plan, rate: f64) -> Vec<(f64, f64)> {
    if plan.effect_sd == 0.0 {
        return vec![((rate + plan.effect).clamp(0.0, 1.0), 1.0)];
    }
    let score = |end: f64| (end - rate - plan.effect) / plan.effect_sd;
    // the lower tail, so that a far truncation keeps its digits
    let (low, high) = (normal_cdf(score(0.0)), normal_cdf(score(1.0)));
    by_mass()
        .map(|(mass, weight)| {
            let z = normal_quantile((low + (high - low) * mass.lower).clamp(1e-300, 1.0 - 1e-16));
            ((rate + plan.effect + plan.effect_sd * z).clamp(0.0, 1.0), weight)
        })
        .collect()
}

/// Masses below points of a distribution, and their weights: finer towards both tails.
fn by_mass() -> impl Iterator<Item = (Mass, f64)> {
    let mut points = Vec::with_capacity(16);
    // u = 3 v^2 - 2 v^3 flattens both ends
    quadrature::panel(0.0, 1.0, |v, weight| {
        points.push((Mass::below(v * v * (3.0 - 2.0 * v)), weight * 6.0 * v * (1.0 - v)));
    });
    points.into_iter()
}

impl Plan {
    fn check(&self) -> Result<()> {
        open("/baseline", self.baseline)?;
        if let Some(trials) = self.baseline_trials {
            error::positive("/baseline_trials", trials)?;
            error::within_limits("/baseline_trials", trials, 2.0..=1e9)?;
        }
        error::finite("/effect", self.effect)?;
        let rate = self.baseline + self.effect;
        if self.effect <= 0.0 || rate >= 1.0 {
            let message = format!(
                "effect = {} does not lead from baseline = {} to a rate between it and 1",
                self.effect, self.baseline
            );
            return Err(Error::new(ErrorKind::Constraint, "/effect", message).with_hint(
                "give the difference of rates as a fraction above 0: 5 % to 6 % is 0.01; for a rate that should \
                 fall, count the other outcome as success",
            ));
        }
        error::finite("/effect_sd", self.effect_sd)?;
        if !(0.0..=1.0).contains(&self.effect_sd) {
            let message = format!("effect_sd = {} is outside 0..1", self.effect_sd);
            return Err(Error::new(ErrorKind::Constraint, "/effect_sd", message)
                .with_hint("give it in the unit of the rate, or leave it out"));
        }
        let BetaPrior { alpha, beta } = self.prior.checked("/prior")?;
        error::within_limits("/prior/alpha", alpha, super::PRIOR_RANGE)?;
        error::within_limits("/prior/beta", beta, super::PRIOR_RANGE)?;
        open("/assurance", self.assurance)?;
        match self.rule {
            Rule::Loss(threshold) => open("/loss_threshold", threshold)?,
            Rule::Probability(p) if (0.5..1.0).contains(&p) => {}
            Rule::Probability(p) => {
                let message = format!("threshold = {p} is outside 0.5..1");
                return Err(Error::new(ErrorKind::Constraint, "/threshold", message)
                    .with_hint("give the probability of being better that is asked for: 0.95"));
            }
        }
        if (1..=MAX_PLANNED).contains(&self.max_n) {
            return Ok(());
        }
        let message = format!("max_n = {} is outside 1..{MAX_PLANNED}", self.max_n);
        Err(Error::new(ErrorKind::Limit, "/max_n", message)
            .with_hint("give the most trials one arm can have"))
    }
}

/// A fraction strictly between 0 and 1.
fn open(path: &str, value: f64) -> Result<()> {
    error::probability(path, value)?;
    if 0.0 < value && value < 1.0 {
        return Ok(());
    }
    let name = path.trim_start_matches('/');
    Err(Error::new(ErrorKind::Constraint, path, format!("{name} = {value} is not between 0 and 1"))
        .with_hint("give a fraction strictly between 0 and 1"))
}
