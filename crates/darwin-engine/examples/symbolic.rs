//! Nguyen's formulas and laws of physics: how often they are found exactly, how fast.
//!
//! `cargo run --release -p darwin-engine --example symbolic [seeds] [max_evals] [part of a name]`; a row
//! of CSV for each run.

use darwin_engine::{
    Budget, Controls, FitOptions, Kind, Model, Problem, Sample, Seed, Sense, Variable,
    fit_expression,
};

#[expect(clippy::disallowed_types, reason = "a measuring tool needs the real clock")]
type Clock = std::time::Instant;

type Law = (&'static str, usize, &'static [(&'static str, f64, f64)], &'static str);

const X: &[(&str, f64, f64)] = &[("x", -1.0, 1.0)];

/// Name, rows, ranges, formula.
const LAWS: &[Law] = &[
    ("nguyen1", 20, X, "x + x^2 + x^3"),
    ("nguyen2", 20, X, "x + x^2 + x^3 + x^4"),
    ("nguyen3", 20, X, "x + x^2 + x^3 + x^4 + x^5"),
    ("nguyen4", 20, X, "x + x^2 + x^3 + x^4 + x^5 + x^6"),
    ("nguyen5", 20, X, "sin(x^2)*cos(x) - 1"),
    ("nguyen6", 20, X, "sin(x) + sin(x + x^2)"),
    ("nguyen7", 20, &[("x", 0.0, 2.0)], "ln(x+1) + ln(x^2+1)"),
    ("nguyen8", 20, &[("x", 0.0, 4.0)], "sqrt(x)"),
    ("I.6.2a", 100, &[("t", 1.0, 3.0)], "exp(-t^2/2)/sqrt(2*pi)"),
    ("I.10.7", 100, &[("m", 1.0, 5.0), ("v", 1.0, 2.0), ("c", 3.0, 10.0)], "m/sqrt(1-v^2/c^2)"),
    (
        "I.12.2",
        100,
        &[("p", 1.0, 5.0), ("q", 1.0, 5.0), ("k", 1.0, 5.0), ("r", 1.0, 5.0)],
        "p*q/(4*pi*k*r^2)",
    ),
    ("I.14.4", 100, &[("k", 1.0, 5.0), ("x", 1.0, 5.0)], "k*x^2/2"),
    ("I.27.6", 100, &[("d", 1.0, 5.0), ("f", 1.0, 5.0), ("m", 1.0, 5.0)], "1/(1/d + m/f)"),
    (
        "I.29.16",
        100,
        &[("a", 1.0, 5.0), ("b", 1.0, 5.0), ("s", 1.0, 3.0), ("t", 1.0, 3.0)],
        "sqrt(a^2 + b^2 - 2*a*b*cos(s-t))",
    ),
    (
        "I.50.26",
        100,
        &[("x", 1.0, 3.0), ("w", 1.0, 3.0), ("t", 1.0, 3.0), ("a", 1.0, 3.0)],
        "x*(cos(w*t) + a*cos(w*t)^2)",
    ),
];

fn problem(ranges: &[(&str, f64, f64)], formula: &str) -> Problem {
    let variable = |(name, lo, hi): &(&str, f64, f64)| Variable {
        name: (*name).to_owned(),
        kind: Kind::Real { lo: *lo, hi: *hi, step: None },
        length: None,
    };
    Problem::compile(Model {
        variables: ranges.iter().map(variable).collect(),
        lets: Vec::new(),
        objectives: vec![(Sense::Min, formula.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("well-formed")
}

fn point(ranges: &[(&str, f64, f64)], row: u32) -> Vec<f64> {
    let at = |(root, (_, lo, hi)): (f64, &(&str, f64, f64))| {
        lo + (f64::from(row) * root.sqrt()).fract() * (hi - lo)
    };
    [2.0, 3.0, 5.0, 7.0].into_iter().zip(ranges).map(at).collect()
}

#[expect(clippy::print_stdout, reason = "prints what it measures")]
fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let number = |place: usize, usual: u64| {
        arguments.get(place).and_then(|text| text.parse().ok()).unwrap_or(usual)
    };
    let part = arguments.get(3).cloned().unwrap_or_default();
    println!("law,seed,chosen_by,held_out_rmse,size,evals,seconds,expression");
    for (name, rows, ranges, formula) in LAWS.iter().filter(|law| law.0.contains(&part)) {
        let law = problem(ranges, formula);
        let points: Vec<Vec<f64>> = (1..).take(*rows).map(|row| point(ranges, row)).collect();
        let column = |place: usize| points.iter().map(|point| point[place]).collect();
        let names = ranges.iter().map(|range| range.0.to_owned()).collect();
        let target = points.iter().map(|point| law.value_at(point)).collect();
        let data =
            Sample::new(names, (0..ranges.len()).map(column).collect(), target).expect("data");
        let settings = FitOptions::default().resolve(&data).expect("valid");
        for seed in 1..=number(1, 3) {
            let budget = Budget::evals(number(2, 3_000_000)).expect("valid");
            let started = Clock::now();
            let seed_value = Seed::new(seed).expect("valid");
            let fit =
                fit_expression(&data, &settings, &budget, seed_value, &mut Controls::default());
            let seconds = started.elapsed().as_secs_f64();
            let Some((chosen, why)) = fit.choice else { continue };
            let chosen = &fit.front[chosen];
            let found = problem(ranges, &chosen.expression);
            let square: f64 = (5001..6001)
                .map(|row| {
                    let point = point(ranges, row);
                    let gap = found.value_at(&point) - law.value_at(&point);
                    gap * gap
                })
                .sum();
            println!(
                "{name},{seed},{},{:.1e},{},{},{seconds:.2},\"{}\"",
                why.name(),
                (square / 1000.0).sqrt(),
                chosen.size,
                fit.evals,
                chosen.expression
            );
        }
    }
}
