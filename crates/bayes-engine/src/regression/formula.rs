//! The formula's grammar.

use crate::error::{Error, ErrorKind, Result};

/// Most terms.
const MAX_TERMS: usize = 100;

/// `outcome | trials(column) ~ terms + (terms | group)`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Formula {
    pub(super) outcome: String,
    /// A column, or a number.
    pub(super) trials: Option<String>,
    pub(super) terms: Terms,
    pub(super) groups: Vec<(Terms, String)>,
}

/// Predictors, each a product of columns.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Terms {
    pub(super) has_intercept: bool,
    pub(super) products: Vec<Vec<String>>,
}

pub(super) fn parse(text: &str) -> Result<Formula> {
    let (left, right) = text.split_once('~').ok_or_else(|| wrong("has no `~`", "write y ~ x"))?;
    let (outcome, trials) = match left.split_once('|') {
        None => (name(left)?, None),
        Some((outcome, of)) => (name(outcome)?, Some(trials(of)?)),
    };
    let (mut plain, mut groups) = (Vec::new(), Vec::new());
    for (sign, part) in parts(right)? {
        if let Some(inner) = part.strip_prefix('(') {
            let inner =
                inner.strip_suffix(')').ok_or_else(|| wrong("has an open bracket", "close it"))?;
            let (varying, group) = inner
                .split_once('|')
                .ok_or_else(|| wrong("has a bracket without `|`", "write (1 + x | group)"))?;
            if sign == '-' {
                return Err(wrong("takes a group away", "leave the group out"));
            }
            groups.push((terms(&parts(varying)?)?, name(group)?));
        } else {
            plain.push((sign, part));
        }
    }
    Ok(Formula { outcome, trials, terms: terms(&plain)?, groups })
}

/// What `trials(..)` holds.
fn trials(text: &str) -> Result<String> {
    let inner = text.trim().strip_prefix("trials(").and_then(|rest| rest.strip_suffix(')'));
    name(
        inner.ok_or_else(|| {
            wrong("has `|` before `~` without trials(..)", "write y | trials(n) ~ x")
        })?,
    )
}

/// Parts with their signs, brackets whole.
fn parts(text: &str) -> Result<Vec<(char, String)>> {
    let (mut found, mut depth, mut sign) = (Vec::new(), 0_usize, '+');
    let mut part = String::new();
    for character in text.chars().chain(['+']) {
        match character {
            '(' => depth += 1,
            ')' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| wrong("closes a bracket that is not open", "remove it"))?;
            }
            '+' | '-' if depth == 0 => {
                let trimmed = part.trim().to_owned();
                if !trimmed.is_empty() {
                    found.push((sign, trimmed));
                }
                part.clear();
                sign = character;
                continue;
            }
            _ => {}
        }
        part.push(character);
    }
    if depth > 0 {
        return Err(wrong("has an open bracket", "close it"));
    }
    if found.is_empty() {
        return Err(wrong("has no terms", "write y ~ 1 for a mean alone"));
    }
    Ok(found)
}

fn terms(parts: &[(char, String)]) -> Result<Terms> {
    let mut terms = Terms { has_intercept: true, products: Vec::new() };
    for (sign, part) in parts {
        match (*sign, part.as_str()) {
            ('+', "1") => {}
            ('+', "0") | ('-', "1") => terms.has_intercept = false,
            ('-', _) => return Err(wrong("takes a predictor away", "leave it out")),
            (_, part) => {
                let factors = part.split('*').map(interaction).collect::<Result<Vec<_>>>()?;
                // a * b: each alone, and their product
                for chosen in 1..1_usize << factors.len().min(5) {
                    let product: Vec<String> = factors
                        .iter()
                        .enumerate()
                        .filter(|(at, _)| chosen >> at & 1 == 1)
                        .flat_map(|(_, names)| names.clone())
                        .collect();
                    if !terms.products.contains(&product) {
                        terms.products.push(product);
                    }
                }
            }
        }
    }
    terms.products.sort_by_key(Vec::len);
    if terms.products.len() > MAX_TERMS {
        return Err(Error::new(
            ErrorKind::Limit,
            "/formula",
            format!("the formula has more than {MAX_TERMS} terms"),
        )
        .with_hint("write the model itself, with a matrix of predictors"));
    }
    Ok(terms)
}

fn interaction(text: &str) -> Result<Vec<String>> {
    text.split(':').map(name).collect()
}

fn name(text: &str) -> Result<String> {
    let text = text.trim();
    let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.');
    if !text.is_empty() && text.len() <= 64 && text.chars().all(is_name) {
        return Ok(text.to_owned());
    }
    let shown: String = text.chars().filter(|c| !c.is_control()).take(40).collect();
    Err(wrong(
        &format!("has `{shown}` where a column is named"),
        "use names of columns with + : * and (1 + x | group); add transformed columns to the data",
    ))
}

fn wrong(what: &str, hint: &str) -> Error {
    Error::new(ErrorKind::Constraint, "/formula", format!("the formula {what}")).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_are_read() {
        let read = parse("y ~ a * b - 1 + (1 + a | g) + (0 + b|h)").expect("a formula");
        assert_eq!(read.outcome, "y");
        assert!(!read.terms.has_intercept);
        let products: Vec<String> =
            read.terms.products.iter().map(|product| product.join(":")).collect();
        assert_eq!(products, ["a", "b", "a:b"]);
        assert_eq!(read.groups.len(), 2);
        assert!(read.groups[0].0.has_intercept && !read.groups[1].0.has_intercept);
        let read = parse("y | trials(n) ~ a").expect("a formula");
        assert_eq!((read.outcome.as_str(), read.trials.as_deref()), ("y", Some("n")));
        for bad in [
            "y",
            "y | n ~ x",
            "y | trials() ~ x",
            "y | trials(n ~ x",
            "y ~",
            "y ~ log(x)",
            "y ~ (1 + x",
            "y ~ x)",
            "y ~ (x)",
            "~ x",
            "y ~ x - z",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
