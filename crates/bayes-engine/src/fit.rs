//! Maximum likelihood of one family.

use crate::distribution::{Family, Role, Unknowns};
use crate::error::{self, Error, ErrorKind, Result};
use crate::optimize::{minimize, start};

/// Most observations.
pub const MAX_VALUES: usize = 10_000;

/// The member under which the data are most likely.
#[derive(Debug, Clone, PartialEq)]
pub struct Fit {
    /// Parameters by name.
    pub parameters: Vec<(&'static str, f64)>,
    /// Log likelihood of all data.
    pub ln_likelihood: f64,
}

/// Fits `family` to `values`; parameters in `fixed` are kept.
///
/// Ends of the support cannot be fitted this way, they must be given.
pub fn fit(
    name: &str,
    fixed: &[(String, f64)],
    values: &[f64],
    is_cancelled: &dyn Fn() -> bool,
) -> Result<Fit> {
    let family = Family::named(name)?;
    let unknowns = Unknowns::new(family, fixed)?;
    check(&unknowns, values)?;
    let n = values.len() as f64;
    let centre = values.iter().map(|x| x / n).sum::<f64>();
    let spread = values.iter().map(|x| (x - centre) * (x - centre) / n).sum::<f64>().sqrt();
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let cost = |free: &[f64]| {
        let Ok(law) = unknowns.member(free) else { return f64::INFINITY };
        let sum: f64 = values.iter().map(|x| law.ln_pdf(*x)).sum();
        if sum.is_nan() { f64::INFINITY } else { -sum }
    };
    let spread = if spread > 0.0 { spread } else { centre.abs().max(1.0) * 1e-3 };
    let starts = start(&unknowns, centre, spread, lowest, &|free| Some(cost(free)));
    let mut best: Option<(Vec<f64>, f64)> = None;
    for from in starts.into_iter().take(2) {
        let found = minimize(from, &cost, is_cancelled).ok_or_else(Error::cancelled)?;
        if best.as_ref().is_none_or(|best| found.1 < best.1) {
            best = Some(found);
        }
    }
    let Some((free, value)) = best.filter(|(_, value)| value.is_finite()) else {
        return Err(Error::new(
            ErrorKind::Constraint,
            "/x",
            format!("no {name} distribution gives all values a finite density"),
        )
        .with_hint("choose a family whose support holds all values"));
    };
    let names = family.parameters.iter().map(|(name, _)| *name);
    let parameters = names.zip(unknowns.values(&free)).collect();
    Ok(Fit { parameters, ln_likelihood: -value })
}

fn check(unknowns: &Unknowns, values: &[f64]) -> Result<()> {
    if let Some((edge, _)) = unknowns.named().find(|(_, role)| *role == Role::Edge) {
        let message = format!("{edge} ends the support and has no smooth likelihood");
        return Err(Error::new(ErrorKind::Missing, format!("/params/{edge}"), message)
            .with_hint(format!("give {edge} in params")));
    }
    if !(unknowns.len() + 1..=MAX_VALUES).contains(&values.len()) {
        return Err(Error::new(
            ErrorKind::Limit,
            "/x",
            format!("{} values are outside {}..{MAX_VALUES}", values.len(), unknowns.len() + 1),
        )
        .with_hint("give more values than parameters, and a sample of very many"));
    }
    for (index, value) in values.iter().enumerate() {
        error::finite(&format!("/x/{index}"), *value)?;
    }
    if values.windows(2).all(|pair| pair[0].total_cmp(&pair[1]).is_eq()) {
        return Err(Error::new(ErrorKind::Constraint, "/x", "all values are equal")
            .with_hint("a spread cannot be learnt from values without any"));
    }
    Ok(())
}
