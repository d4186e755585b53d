//! The model's text.

mod prior;

use std::collections::BTreeMap;

use self::prior::Priors;
use super::design::{Design, Grouping};
use super::family::Family;
use super::horseshoe::Horseshoe;
use crate::error::Result;

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
    transformed_parameters(&mut text, design, family, &priors, has_slopes);
    model(&mut text, design, family, &priors, has_slopes);
    generated(&mut text, design, family, has_slopes);
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
    let (one, many) = if family.has_categories() {
        ("vector[C - 1]", "matrix[K, C - 1]")
    } else {
        ("real", "vector[K]")
    };
    if design.has_intercept {
        text.push_str(&format!("  {one} alpha; // intercept where predictors have their means\n"));
    }
    if priors.horseshoe.is_some() {
        text.push_str(Horseshoe::parameters());
    } else if has_slopes {
        text.push_str(&format!("  {many} b;\n"));
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

fn transformed_parameters(
    text: &mut String,
    design: &Design,
    family: Family,
    priors: &Priors,
    has_slopes: bool,
) {
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
    let (kind, constant) = match (family.has_categories(), design.has_intercept) {
        (true, true) => ("matrix[N, C - 1]", "rep_matrix(alpha', N)"),
        (true, false) => ("matrix[N, C - 1]", "rep_matrix(0, N, C - 1)"),
        (false, true) => ("vector[N]", "rep_vector(alpha, N)"),
        (false, false) => ("vector[N]", "rep_vector(0, N)"),
    };
    let mut sum = vec![constant];
    if has_slopes {
        sum.push(if design.has_intercept { "Xc * b" } else { "X * b" });
    }
    text.push_str(&format!("  {kind} eta = {};\n", sum.join(" + ")));
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
        Some(prior) if family.has_categories() => {
            text.push_str(&format!("  to_vector(b) ~ {prior};\n"));
        }
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

fn generated(text: &mut String, design: &Design, family: Family, has_slopes: bool) {
    let mut lines = String::new();
    if design.has_intercept {
        let (kind, off) = match (family.has_categories(), has_slopes) {
            (true, true) => ("vector[C - 1]", " - (centre * b)'"),
            (true, false) => ("vector[C - 1]", ""),
            (false, true) => ("real", " - centre * b"),
            (false, false) => ("real", ""),
        };
        lines.push_str(&format!("  {kind} intercept = alpha{off}; // where predictors are 0\n"));
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
