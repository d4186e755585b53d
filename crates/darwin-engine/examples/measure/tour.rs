//! Tours of TSPLIB instances: the gap to the optimum in percent.

use std::{
    io::{Error, Result},
    time::Duration,
};

use darwin_engine::{
    Budget, Controls, Kind, MAX_EVALS, Model, Problem, Seed, Sense, Variable, expression::Table,
    optimize,
};

use super::{Row, cpu_seconds, settings};

const OPTIMA: [(&str, f64); 6] = [
    ("berlin52", 7542.0),
    ("eil51", 426.0),
    ("kroA100", 21282.0),
    ("ch130", 6110.0),
    ("pr76", 108_159.0),
    ("a280", 2579.0),
];

/// Coordinates of an instance.
fn points(text: &str) -> Vec<[f64; 2]> {
    let rows = text.lines().skip_while(|line| !line.starts_with("NODE_COORD_SECTION")).skip(1);
    let row = |line: &str| {
        let mut numbers = line.split_whitespace().skip(1).filter_map(|word| word.parse().ok());
        Some([numbers.next()?, numbers.next()?])
    };
    rows.map_while(row).collect()
}

fn problem(points: &[[f64; 2]]) -> Result<Problem> {
    let distance =
        |a: &[f64; 2], b: &[f64; 2]| libm::floor(libm::hypot(a[0] - b[0], a[1] - b[1]) + 0.5);
    let values = points.iter().flat_map(|a| points.iter().map(move |b| distance(a, b))).collect();
    let length = "sum(i,0,n-2,at(d,p[i],p[i+1])) + at(d,p[n-1],p[0])".to_owned();
    Problem::compile(Model {
        variables: vec![Variable {
            name: "p".to_owned(),
            kind: Kind::Permutation,
            length: Some(points.len()),
        }],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, length)],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: vec![Table { name: "d".to_owned(), columns: points.len(), values }],
    })
    .map_err(Error::other)
}

pub(super) fn row(algorithm: &str, name: &str, directory: &str, seed: Seed) -> Result<Row> {
    let (place, timed) = match name.strip_suffix("-5s") {
        Some(place) => (place, true),
        None => (name, false),
    };
    let known = OPTIMA.iter().find(|(one, _)| *one == place);
    let (_, optimum) = known.ok_or(Error::other("no such tour"))?;
    let text = std::fs::read_to_string(format!("{directory}/{place}.tsp"))?;
    let problem = problem(&points(&text))?;
    let budget = Budget::evals(if timed { MAX_EVALS } else { 100_000 })
        .and_then(|budget| budget.with_target(*optimum))
        .and_then(|budget| budget.with_max_time(Duration::from_secs(if timed { 5 } else { 600 })))
        .map_err(Error::other)?;
    let settings = settings(algorithm, &problem)?;
    // Seconds of its own: others on the machine change nothing.
    let before = cpu_seconds();
    if before.is_nan() {
        return Err(Error::other("this system does not tell CPU time"));
    }
    let elapsed = || Duration::from_secs_f64((cpu_seconds() - before).max(0.0));
    let mut controls = Controls { elapsed: &elapsed, ..Controls::default() };
    let outcome = optimize(&problem, settings, &budget, seed, &mut controls);
    let cpu_s = cpu_seconds() - before;
    let f = outcome.best.map_or(f64::NAN, |best| best.f);
    Ok(Row { value: 100.0 * (f / optimum - 1.0), evals: outcome.evals, cpu_s })
}
