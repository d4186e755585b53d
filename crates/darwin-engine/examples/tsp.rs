//! Tours of TSPLIB instances: gap to the optimum, time and evaluations, for ten seeds.
//!
//! `cargo run --release -p darwin-engine --example tsp -- DIRECTORY [SECONDS] [NAME ..]`

use std::{
    io::{Error, Write},
    time::{Duration, SystemTime},
};

use darwin_engine::{
    Budget, Controls, Kind, MAX_EVALS, Model, Problem, Seed, Sense, Settings, Variable,
    expression::Table, optimize,
};

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

fn problem(points: &[[f64; 2]]) -> Result<Problem, darwin_engine::Error> {
    let distance =
        |a: &[f64; 2], b: &[f64; 2]| libm::floor(libm::hypot(a[0] - b[0], a[1] - b[1]) + 0.5);
    let values = points.iter().flat_map(|a| points.iter().map(move |b| distance(a, b))).collect();
    let table = Table { name: "d".to_owned(), columns: points.len(), values };
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
        tables: vec![table],
    })
}

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let directory = arguments.next().ok_or(Error::other("which directory?"))?;
    let seconds: f64 = arguments.next().and_then(|word| word.parse().ok()).unwrap_or(5.0);
    let names: Vec<String> = arguments.collect();
    let mut out = std::io::stdout().lock();
    for (name, optimum) in OPTIMA {
        if !names.is_empty() && names.iter().all(|wanted| wanted != name) {
            continue;
        }
        let text = std::fs::read_to_string(format!("{directory}/{name}.tsp"))?;
        let problem = problem(&points(&text)).map_err(Error::other)?;
        let (settings, _) = Settings::auto(&problem).map_err(Error::other)?;
        let budget = Budget::evals(MAX_EVALS)
            .and_then(|budget| budget.with_max_time(Duration::from_secs_f64(seconds)))
            .and_then(|budget| budget.with_target(optimum))
            .map_err(Error::other)?;
        write!(out, "{name:<9}")?;
        for seed in 1..=10 {
            let started = SystemTime::now();
            let elapsed = || started.elapsed().unwrap_or_default();
            let mut controls = Controls { elapsed: &elapsed, ..Controls::default() };
            let seed = Seed::new(seed).map_err(Error::other)?;
            let run = optimize(&problem, settings, &budget, seed, &mut controls);
            let f = run.best.map_or(f64::NAN, |best| best.f);
            let (gap, took) = (100.0 * (f / optimum - 1.0), elapsed().as_secs_f64());
            write!(out, "  {gap:.2}% {took:.1}s {}k", run.evals / 1000)?;
            out.flush()?;
        }
        writeln!(out)?;
    }
    Ok(())
}
