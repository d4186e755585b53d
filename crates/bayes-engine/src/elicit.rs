//! From what an expert can say to a prior: quantiles, or a mode with an interval.

use crate::distribution::{Distribution, Family, Unknowns};
use crate::error::{self, Error, ErrorKind, Result};
use crate::optimize::{least_squares, start};
use crate::special::{Mass, normal_score};

/// Most quantile pairs.
pub const MAX_QUANTILES: usize = 20;
/// Largest miss of a probability at which a prior counts as matching.
pub const MATCHES: f64 = 0.01;

/// What is believed.
#[derive(Debug, Clone, PartialEq)]
pub enum Belief {
    /// `(p, x)`: with probability `p` the quantity is at most `x`.
    Quantiles(Vec<(f64, f64)>),
    /// The most likely value, and an interval that holds the quantity with probability `level`.
    ModeInterval {
        /// The most likely value.
        mode: f64,
        /// The interval.
        interval: [f64; 2],
        /// Its probability.
        level: f64,
    },
}

/// The prior that fits best.
#[derive(Debug, Clone, PartialEq)]
pub struct Prior {
    /// Parameters by name.
    pub parameters: Vec<(&'static str, f64)>,
    /// What the prior says where the belief named a probability: `(wanted, found)`.
    pub probabilities: Vec<(f64, f64)>,
    /// Largest difference between those.
    pub residual: f64,
    /// The prior's own mode is off by this share of the interval (mode beliefs only).
    pub mode_miss: Option<f64>,
    /// As Stan writes it.
    pub stan_text: String,
}

/// Finds the member of `family` that says what is believed; parameters in `fixed` are kept.
pub fn elicit(name: &str, fixed: &[(String, f64)], belief: &Belief) -> Result<Prior> {
    let family = Family::named(name)?;
    if family.is_discrete {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/dist",
            format!("{name} is of counts, a prior of one unknown must be continuous"),
        )
        .with_hint("elicit a prior for its rate: gamma, or beta for a probability"));
    }
    let unknowns = Unknowns::new(family, fixed)?;
    let equations = belief.check()?;
    if unknowns.len() > equations {
        return Err(Error::new(
            ErrorKind::Missing,
            "/quantiles",
            format!("{equations} statements cannot fix {} parameters", unknowns.len()),
        )
        .with_hint("give more quantiles, or the value of a parameter in params"));
    }
    let (centre, spread) = belief.guess();
    let residuals = |free: &[f64]| {
        let law = unknowns.member(free).ok()?;
        Some(belief.residuals(&law))
    };
    let best = start(&unknowns, centre, spread, belief.lowest(), &|free| {
        residuals(free).map(|list| list.iter().map(|r| r * r).sum())
    })
    .into_iter()
    .filter_map(|free| least_squares(free, &residuals))
    .min_by(|(_, one), (_, other)| one.total_cmp(other));
    let Some((free, _)) = best else {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/dist",
            format!("no {name} distribution reaches these values"),
        )
        .with_hint("choose a family whose support holds all of them"));
    };
    let values = unknowns.values(&free);
    let law = Distribution::of(family, &values)?;
    Ok(belief.report(family, &values, &law))
}

impl Belief {
    /// Number of statements.
    fn check(&self) -> Result<usize> {
        match self {
            Self::Quantiles(pairs) => check_quantiles(pairs),
            Self::ModeInterval { mode, interval: [low, high], level } => {
                error::finite("/mode", *mode)?;
                error::finite("/interval/0", *low)?;
                error::finite("/interval/1", *high)?;
                error::level("/level", *level)?;
                if low < mode && mode < high {
                    return Ok(2);
                }
                Err(Error::new(
                    ErrorKind::Constraint,
                    "/mode",
                    format!("mode = {mode} is not within {low}..{high}"),
                )
                .with_hint("give an interval around the mode"))
            }
        }
    }

    /// Middle and standard deviation, roughly.
    fn guess(&self) -> (f64, f64) {
        match self {
            Self::Quantiles(pairs) => {
                let (first, last) = (pairs[0], pairs[pairs.len() - 1]);
                let score = |p| normal_score(Mass::below(p));
                let spread = if pairs.len() > 1 {
                    (last.1 - first.1) / (score(last.0) - score(first.0))
                } else {
                    first.1.abs().max(1e-6)
                };
                (first.1 - spread * score(first.0), spread)
            }
            Self::ModeInterval { mode, interval: [low, high], level } => {
                (*mode, (high - low) / (2.0 * normal_score(Mass::below(0.5 + 0.5 * level))))
            }
        }
    }

    fn lowest(&self) -> f64 {
        match self {
            Self::Quantiles(pairs) => pairs[0].1,
            Self::ModeInterval { interval, .. } => interval[0],
        }
    }

    /// In normal scores, where misses of small probabilities count.
    fn residuals(&self, law: &Distribution) -> Vec<f64> {
        let score = |mass: Mass| {
            let tiny = 1e-290;
            normal_score(Mass { lower: mass.lower.max(tiny), upper: mass.upper.max(tiny) })
        };
        match self {
            Self::Quantiles(pairs) => {
                pairs.iter().map(|(p, x)| score(law.mass(*x)) - score(Mass::below(*p))).collect()
            }
            Self::ModeInterval { interval, level, .. } => {
                let inside = inside(law, *interval);
                vec![score(inside) - score(Mass::below(*level)), self.slope(law)]
            }
        }
    }

    /// How steep the log density is at the wanted mode, per interval.
    fn slope(&self, law: &Distribution) -> f64 {
        let Self::ModeInterval { mode, interval: [low, high], .. } = self else { return 0.0 };
        let step = 1e-5 * (high - low);
        let slope = (law.ln_pdf(mode + step) - law.ln_pdf(mode - step)) / (2.0 * step);
        (slope * (high - low)).clamp(-1e6, 1e6)
    }

    fn report(&self, family: &'static Family, values: &[f64], law: &Distribution) -> Prior {
        let probabilities: Vec<(f64, f64)> = match self {
            Self::Quantiles(pairs) => pairs.iter().map(|(p, x)| (*p, law.mass(*x).lower)).collect(),
            Self::ModeInterval { interval, level, .. } => {
                vec![(*level, inside(law, *interval).lower)]
            }
        };
        let residual =
            probabilities.iter().map(|(wanted, found)| (wanted - found).abs()).fold(0.0, f64::max);
        let mode_miss = match self {
            Self::Quantiles(_) => None,
            Self::ModeInterval { .. } => Some(self.slope(law).abs()),
        };
        let names = family.parameters.iter().map(|(name, _)| *name);
        Prior {
            parameters: names.zip(values.iter().copied()).collect(),
            probabilities,
            residual,
            mode_miss,
            stan_text: Distribution::stan_text(family, values),
        }
    }
}

fn inside(law: &Distribution, [low, high]: [f64; 2]) -> Mass {
    let upper = law.mass(low).lower + law.mass(high).upper;
    Mass { lower: 1.0 - upper, upper }
}

fn check_quantiles(pairs: &[(f64, f64)]) -> Result<usize> {
    if !(1..=MAX_QUANTILES).contains(&pairs.len()) {
        return Err(Error::new(
            ErrorKind::Limit,
            "/quantiles",
            format!("{} quantiles are outside 1..{MAX_QUANTILES}", pairs.len()),
        )
        .with_hint("give two or three: for example the 5 %, 50 % and 95 % quantile"));
    }
    for (index, (p, x)) in pairs.iter().enumerate() {
        error::probability(&format!("/quantiles/{index}/p"), *p)?;
        error::finite(&format!("/quantiles/{index}/x"), *x)?;
        if !(1e-6..=1.0 - 1e-6).contains(p) {
            return Err(Error::new(
                ErrorKind::Constraint,
                format!("/quantiles/{index}/p"),
                format!("p = {p} is outside 1e-6..1 - 1e-6"),
            )
            .with_hint("give a probability strictly between 0 and 1"));
        }
    }
    for (index, pair) in pairs.windows(2).enumerate() {
        if !(pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1) {
            return Err(Error::new(
                ErrorKind::Constraint,
                format!("/quantiles/{}", index + 1),
                "quantiles do not rise in both p and x",
            )
            .with_hint("sort them by p; a higher probability belongs to a larger value"));
        }
    }
    Ok(pairs.len())
}
