//! The model's text.

use std::collections::BTreeMap;

use super::design::{Design, Grouping};
use super::family::{Family, Link};
use super::horseshoe::Horseshoe;
use crate::error::{Error, ErrorKind, Result};

/// Longest prior in bytes.
const MAX_PRIOR: usize = 200;

pub(super) fn write(
    design: &Design,
    family: Family,
    priors: &BTreeMap<String, String>,
) -> Result<String> {
    let priors = Priors::new(design, family, priors)?;
    let has_slopes = !design.columns.is_empty();
    let mut text = family.functions().to_owned();
    data(&mut text, design, family);
    transformed_data(&mut text, design, priors.horseshoe.is_some(), has_slopes);
    parameters(&mut text, design, family, &priors, has_slopes);
    transformed_parameters(&mut text, design, &priors, has_slopes);
    model(&mut text, design, family, &priors, has_slopes);
    generated(&mut text, design, has_slopes);
    Ok(text)
}

fn numbered(design: &Design) -> impl Iterator<Item = (usize, &Grouping)> {
    (1..).zip(&design.groups)
}

fn data(text: &mut String, design: &Design, family: Family) {
    text.push_str("data {\n  int<lower=1> N;\n");
    text.push_str(family.outcome());
    text.push_str("  int<lower=0> K;\n  matrix[N, K] X;\n");
    for (at, group) in numbered(design) {
        text.push_str(&format!(
            "  int<lower=1> J_{at}; // levels of {}\n  int<lower=1> M_{at};\n  array[N] int<lower=1, upper=J_{at}> g_{at};\n  \
             matrix[N, M_{at}] Z_{at};\n",
            comment(&group.name)
        ));
    }
    text.push_str("}\n");
}

/// A name within a comment.
fn comment(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).take(64).collect()
}

fn transformed_data(text: &mut String, design: &Design, is_shrunk: bool, has_slopes: bool) {
    let is_centred = has_slopes && design.has_intercept;
    if !is_centred && !is_shrunk {
        return;
    }
    text.push_str("transformed data {\n");
    if is_centred {
        text.push_str(
            "  row_vector[K] centre;\n  matrix[N, K] Xc;\n  for (k in 1:K) {\n    centre[k] = mean(X[, k]);\n    \
             Xc[, k] = X[, k] - centre[k];\n  }\n",
        );
    }
    if is_shrunk {
        text.push_str("  vector[K] spread;\n  for (k in 1:K) spread[k] = sd(X[, k]);\n");
    }
    text.push_str("}\n");
}

fn parameters(
    text: &mut String,
    design: &Design,
    family: Family,
    priors: &Priors,
    has_slopes: bool,
) {
    text.push_str("parameters {\n");
    if design.has_intercept {
        text.push_str("  real alpha; // intercept where predictors have their means\n");
    }
    if priors.horseshoe.is_some() {
        text.push_str(Horseshoe::parameters());
    } else if has_slopes {
        text.push_str("  vector[K] b;\n");
    }
    for own in family.own() {
        text.push_str(&format!("  {};\n", own.declared));
    }
    for (at, group) in numbered(design) {
        text.push_str(&format!(
            "  vector<lower=0>[M_{at}] sd_{at};\n  matrix[M_{at}, J_{at}] z_{at};\n"
        ));
        if group.columns.len() > 1 {
            text.push_str(&format!("  cholesky_factor_corr[M_{at}] L_{at};\n"));
        }
    }
    text.push_str("}\n");
}

fn transformed_parameters(text: &mut String, design: &Design, priors: &Priors, has_slopes: bool) {
    text.push_str("transformed parameters {\n");
    if let Some(shoe) = priors.horseshoe {
        text.push_str(&shoe.transformed(&priors.scale));
    }
    for (at, group) in numbered(design) {
        let factor = if group.columns.len() > 1 {
            format!("diag_pre_multiply(sd_{at}, L_{at})")
        } else {
            format!("diag_matrix(sd_{at})")
        };
        text.push_str(&format!("  matrix[J_{at}, M_{at}] r_{at} = ({factor} * z_{at})';\n"));
    }
    let mut sum = vec![
        (if design.has_intercept { "rep_vector(alpha, N)" } else { "rep_vector(0, N)" }).to_owned(),
    ];
    if has_slopes {
        sum.push((if design.has_intercept { "Xc * b" } else { "X * b" }).to_owned());
    }
    text.push_str(&format!("  vector[N] eta = {};\n", sum.join(" + ")));
    for (at, group) in numbered(design) {
        for column in 1..=group.columns.len() {
            text.push_str(&format!("  eta += r_{at}[g_{at}, {column}] .* Z_{at}[, {column}];\n"));
        }
    }
    text.push_str("}\n");
}

fn model(text: &mut String, design: &Design, family: Family, priors: &Priors, has_slopes: bool) {
    text.push_str("model {\n");
    if design.has_intercept {
        text.push_str(&format!("  alpha ~ {};\n", priors.intercept));
    }
    match &priors.b {
        _ if priors.horseshoe.is_some() => text.push_str(Horseshoe::statements()),
        _ if !has_slopes => {}
        Some(prior) => text.push_str(&format!("  b ~ {prior};\n")),
        None => {
            for (at, scale) in (1..).zip(&priors.scales) {
                text.push_str(&format!("  b[{at}] ~ normal(0, {scale});\n"));
            }
        }
    }
    for (own, prior) in family.own().iter().zip(&priors.own) {
        text.push_str(&format!("  {} ~ {prior};\n", own.name));
    }
    for (at, group) in numbered(design) {
        match &priors.sd {
            Some(prior) => text.push_str(&format!("  sd_{at} ~ {prior};\n")),
            None => {
                for (term, rate) in (1..).zip(&priors.rates[at - 1]) {
                    text.push_str(&format!("  sd_{at}[{term}] ~ exponential({rate});\n"));
                }
            }
        }
        text.push_str(&format!("  to_vector(z_{at}) ~ std_normal();\n"));
        if group.columns.len() > 1 {
            text.push_str(&format!("  L_{at} ~ lkj_corr_cholesky(2);\n"));
        }
    }
    text.push_str(family.likelihood());
    text.push_str("}\n");
}

fn generated(text: &mut String, design: &Design, has_slopes: bool) {
    let mut lines = String::new();
    if design.has_intercept {
        let off = if has_slopes { " - centre * b" } else { "" };
        lines.push_str(&format!("  real intercept = alpha{off}; // where predictors are 0\n"));
    }
    for (at, group) in numbered(design) {
        if group.columns.len() > 1 {
            lines.push_str(&format!("  matrix[M_{at}, M_{at}] cor_{at} = L_{at} * L_{at}';\n"));
        }
    }
    if !lines.is_empty() {
        text.push_str(&format!("generated quantities {{\n{lines}}}\n"));
    }
}

/// Priors as texts; those not given are weak for the scale of the data.
struct Priors {
    intercept: String,
    b: Option<String>,
    horseshoe: Option<Horseshoe>,
    scales: Vec<String>,
    /// Of the outcome, on the scale of the predictors' sum.
    scale: String,
    /// Of what the family adds, in its order.
    own: Vec<String>,
    sd: Option<String>,
    /// For each group, of each term: its slope times the predictor's spread has the scale of the outcome.
    rates: Vec<Vec<String>>,
}

impl Priors {
    fn new(design: &Design, family: Family, given: &BTreeMap<String, String>) -> Result<Self> {
        let known: Vec<&str> = ["intercept", "b", "sd"]
            .into_iter()
            .chain(family.own().iter().map(|own| own.name))
            .collect();
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
        let (mean, sd) = location(&design.outcome);
        let (centre, scale) = match family.link() {
            Link::Identity => (mean, sd),
            Link::Log if family == Family::Lognormal => {
                location(&design.outcome.iter().map(|y| y.ln()).collect::<Vec<_>>())
            }
            Link::Log => (mean.max(0.1).ln(), 1.0),
            Link::Logit => (0.0, 1.0),
        };
        let horseshoe = match given.get("b") {
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
