//! Priors of a regression.

use std::collections::BTreeMap;

use super::super::design::Design;
use super::super::family::{Family, Link};
use super::super::horseshoe::Horseshoe;
use crate::error::{Error, ErrorKind, Result};

/// Longest prior in bytes.
const MAX_PRIOR: usize = 200;

/// Priors as texts; those not given are weak for the scale of the data.
pub(super) struct Priors {
    pub(super) intercept: String,
    pub(super) b: Option<String>,
    pub(super) horseshoe: Option<Horseshoe>,
    pub(super) scales: Vec<String>,
    /// Of the outcome, on the scale of the predictors' sum.
    pub(super) scale: String,
    /// Of what the family adds, in its order.
    pub(super) own: Vec<String>,
    pub(super) sd: Option<String>,
    /// For each group, of each term: its slope times the predictor's spread has the scale of the outcome.
    pub(super) rates: Vec<Vec<String>>,
}

impl Priors {
    pub(super) fn new(
        design: &Design,
        family: Family,
        given: &BTreeMap<String, String>,
    ) -> Result<Self> {
        check(family, given)?;
        let (centre, scale) = place(design, family);
        let horseshoe = match given.get("b") {
            Some(prior) if prior.starts_with("horseshoe(") && family.has_categories() => {
                let message = "the horseshoe is not served with the family categorical";
                return Err(Error::new(ErrorKind::Unexpected, "/priors/b", message)
                    .with_hint("give a distribution: double_exponential(0, 0.5)"));
            }
            Some(prior) => Horseshoe::read(prior, design.columns.len())?,
            None => None,
        };
        let own = |name: &str, weak: String| given.get(name).cloned().unwrap_or(weak);
        let slope = |column: &Vec<f64>| rounded(2.5 * scale / location(column).1);
        let rate = |column: &Vec<f64>| {
            let spread = location(column).1;
            rounded(if spread > 0.0 { spread } else { 1.0 } / scale)
        };
        Ok(Self {
            intercept: own(
                "intercept",
                format!("normal({}, {})", rounded(centre), rounded(2.5 * scale)),
            ),
            b: given.get("b").cloned(),
            horseshoe,
            scales: design.columns.iter().map(slope).collect(),
            scale: rounded(scale),
            own: family
                .own()
                .iter()
                .map(|one| {
                    let scaled = || format!("exponential({})", rounded(1.0 / scale));
                    own(one.name, one.prior.map_or_else(scaled, str::to_owned))
                })
                .collect(),
            sd: given.get("sd").cloned(),
            rates: design
                .groups
                .iter()
                .map(|group| group.columns.iter().map(rate).collect())
                .collect(),
        })
    }
}

/// Refuses priors of what is not there, and what is no distribution.
fn check(family: Family, given: &BTreeMap<String, String>) -> Result<()> {
    let own = family.own().iter().map(|own| own.name);
    let known: Vec<&str> = ["intercept", "b", "sd"].into_iter().chain(own).collect();
    for (name, prior) in given {
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "_(),.+- ".contains(c);
        if !known.contains(&name.as_str()) {
            let message = "a prior is given for what the regression does not have";
            return Err(Error::new(ErrorKind::Unexpected, "/priors", message)
                .with_hint(format!("give priors for {}", known.join(", "))));
        }
        if prior.len() > MAX_PRIOR || !prior.chars().all(is_plain) || !prior.ends_with(')') {
            let message = format!("the prior of {name} is no distribution");
            return Err(Error::new(ErrorKind::Constraint, format!("/priors/{name}"), message)
                .with_hint("write it as in Stan: normal(0, 1)"));
        }
    }
    Ok(())
}

/// Centre and spread of the outcome on the scale of the predictors' sum.
fn place(design: &Design, family: Family) -> (f64, f64) {
    // beyond a hurdle predictors speak of what is above 0
    let is_shown = |y: &&f64| !family.has_hurdle() || **y > 0.0;
    let shown = design.outcome.iter().filter(is_shown);
    let shown: Vec<f64> = if family.is_lognormal() {
        shown.map(|y| y.ln()).collect()
    } else {
        shown.copied().collect()
    };
    let (mean, sd) = location(&shown);
    match family.link() {
        Link::Identity => (mean, sd),
        // one value above 0, or equal ones, have no spread
        Link::Log if family.is_lognormal() => {
            (if mean.is_finite() { mean } else { 0.0 }, if sd > 0.0 { sd } else { 1.0 })
        }
        Link::Log => (mean.max(0.1).ln(), 1.0),
        Link::Logit => (0.0, 1.0),
    }
}

/// Mean and standard deviation.
fn location(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let square = values.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>();
    (mean, (square / (n - 1.0)).sqrt())
}

/// Three digits are enough for a prior.
fn rounded(value: f64) -> String {
    if value == 0.0 || !value.is_finite() {
        return "0".to_owned();
    }
    let word = format!("{value:.2e}");
    word.parse::<f64>().map_or(word, |value| value.to_string())
}
