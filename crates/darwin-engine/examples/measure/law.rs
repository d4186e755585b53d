//! Nguyen's formulas from 20 points: the error on 1000 others.

use std::io::{Error, Result};

use darwin_engine::{Budget, Controls, FitOptions, Problem, Sample, Seed, fit_expression};

use super::{Row, compile, cpu_seconds, vector};

/// Formula and range.
const LAWS: [(&str, [f64; 2]); 8] = [
    ("x + x^2 + x^3", [-1.0, 1.0]),
    ("x + x^2 + x^3 + x^4", [-1.0, 1.0]),
    ("x + x^2 + x^3 + x^4 + x^5", [-1.0, 1.0]),
    ("x + x^2 + x^3 + x^4 + x^5 + x^6", [-1.0, 1.0]),
    ("sin(x^2)*cos(x) - 1", [-1.0, 1.0]),
    ("sin(x) + sin(x + x^2)", [-1.0, 1.0]),
    ("ln(x+1) + ln(x^2+1)", [0.0, 2.0]),
    ("sqrt(x)", [0.0, 4.0]),
];
const EVALS: u64 = 2_000_000;

fn law(formula: &str, range: [f64; 2]) -> Result<Problem> {
    compile(vec![vector("x", 1, range)], &[], &[formula])
}

/// Points that are spread as by chance, the same for all.
fn points(rows: std::ops::Range<u32>, [lo, hi]: [f64; 2]) -> Vec<f64> {
    rows.map(|row| lo + (f64::from(row) * std::f64::consts::SQRT_2).fract() * (hi - lo)).collect()
}

pub(super) fn row(name: &str, seed: Seed) -> Result<Row> {
    let number = name.strip_prefix("nguyen").and_then(|number| number.parse::<usize>().ok());
    let known = number.and_then(|number| LAWS.get(number.wrapping_sub(1)));
    let (formula, range) = *known.ok_or(Error::other("no such law"))?;
    let truth = law(formula, range)?;
    let x = points(1..21, range);
    let y = x.iter().map(|x| truth.value_at(&[*x])).collect();
    let data = Sample::new(vec!["x".to_owned()], vec![x], y).map_err(Error::other)?;
    let settings = FitOptions::default().resolve(&data).map_err(Error::other)?;
    let budget = Budget::evals(EVALS).map_err(Error::other)?;
    let before = cpu_seconds();
    let fit = fit_expression(&data, &settings, &budget, seed, &mut Controls::default());
    let cpu_s = cpu_seconds() - before;
    let chosen = fit.choice.and_then(|(place, _)| fit.front.get(place));
    let chosen = chosen.ok_or(Error::other("nothing was found"))?;
    let found = law(&chosen.expression, range)?;
    let squares = points(5001..6001, range).into_iter().map(|x| {
        let gap = found.value_at(&[x]) - truth.value_at(&[x]);
        gap * gap
    });
    Ok(Row { value: (squares.sum::<f64>() / 1000.0).sqrt(), evals: fit.evals, cpu_s })
}
