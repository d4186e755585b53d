//! One algorithm on one problem with one seed, as a row of JSON: what it came to, evaluations, CPU time.
//!
//! `cargo run --release -p darwin-engine --example measure -- ALGORITHM PROBLEM SEED [DIRECTORY]`;
//! `cargo xtask bench darwin` runs it beside its peers. Problems: `rastrigin20`, `zdt1` to `zdt3`,
//! `dtlz2`, `hartmann6`, `nguyen1` to `nguyen8`, and tours of TSPLIB by name, read from the directory:
//! `berlin52` with 100,000 evaluations, `berlin52-5s` for five seconds of CPU time.

mod front;
mod law;
mod tour;

use std::io::{Error, Result, Write as _};

use darwin_engine::{
    Algorithm, Bounds, Budget, Controls, FrontKind, Function, GaOptions, Kind, LshadeOptions,
    Model, Problem, Seed, Sense, Settings, TpeOptions, Variable, optimize,
};

/// What a run came to.
struct Row {
    /// Best value, hypervolume, gap to the optimum in percent, or error on other points.
    value: f64,
    evals: u64,
    cpu_s: f64,
}

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [algorithm, problem, seed, rest @ ..] = words.as_slice() else {
        return Err(Error::other("which ALGORITHM, PROBLEM, SEED?"));
    };
    let seed = seed.parse().map_err(Error::other)?;
    let seed = Seed::new(seed).map_err(Error::other)?;
    let row = if problem == "rastrigin20" {
        rastrigin(algorithm, seed)
    } else if problem == "hartmann6" {
        hartmann(algorithm, seed)
    } else if problem.starts_with("nguyen") {
        law::row(problem, seed)
    } else if let Some(kind) = FrontKind::ALL.into_iter().find(|kind| kind.name() == algorithm) {
        front::row(kind, problem, seed)
    } else {
        let directory = rest.first().ok_or(Error::other("which directory?"))?;
        tour::row(algorithm, problem, directory, seed)
    }?;
    let Row { value, evals, cpu_s } = row;
    let mut out = std::io::stdout().lock();
    writeln!(out, "{{\"value\": {value:?}, \"evals\": {evals}, \"cpu_s\": {cpu_s:.6}}}")
}

/// Settings of an algorithm for one objective, by its usual numbers.
fn settings(name: &str, problem: &Problem) -> Result<Settings> {
    let dimension = problem.bounds().dimension();
    match Algorithm::from_name(name).map(|one| one.name) {
        Some("ga") => GaOptions::default().resolve(dimension).map(Settings::from),
        Some("lshade") => LshadeOptions::default().resolve(dimension).map(Settings::from),
        Some("tpe") => TpeOptions::default().resolve().map(Settings::from),
        _ => Settings::auto(problem).map(|(settings, _)| settings),
    }
    .map_err(Error::other)
}

fn least(problem: &Problem, algorithm: &str, evals: u64, seed: Seed) -> Result<Row> {
    let settings = settings(algorithm, problem)?;
    let budget = Budget::evals(evals).map_err(Error::other)?;
    let before = cpu_seconds();
    let outcome = optimize(problem, settings, &budget, seed, &mut Controls::default());
    let cpu_s = cpu_seconds() - before;
    let value = outcome.best.map_or(f64::NAN, |best| best.f);
    Ok(Row { value, evals: outcome.evals, cpu_s })
}

/// Population 100, 500 generations.
fn rastrigin(algorithm: &str, seed: Seed) -> Result<Row> {
    let (lo, hi) = Function::Rastrigin.domain();
    let problem = Function::Rastrigin
        .on(20)
        .and_then(|function| {
            Problem::new(Box::new(function), Bounds::cube(20, lo, hi)?, Sense::Min)
        })
        .map_err(Error::other)?;
    least(&problem, algorithm, 50_100, seed)
}

/// Hartmann's function of six variables, minimum -3.322.
fn hartmann(algorithm: &str, seed: Seed) -> Result<Row> {
    const A: [[f64; 6]; 4] = [
        [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
        [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
        [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
        [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
    ];
    const P: [[f64; 6]; 4] = [
        [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
        [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
        [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
        [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
    ];
    let term = |(weight, (a, p)): (f64, (&[f64; 6], &[f64; 6]))| {
        let squares: Vec<String> = (a.iter().zip(p).enumerate())
            .map(|(place, (a, p))| format!("{a}*(x[{place}]-{p})^2"))
            .collect();
        format!("-{weight}*exp(-({}))", squares.join("+"))
    };
    let terms: Vec<String> =
        [1.0, 1.2, 3.0, 3.2].into_iter().zip(A.iter().zip(&P)).map(term).collect();
    let problem = compile(vec![vector("x", 6, [0.0, 1.0])], &[], &[&terms.join(" ")])?;
    least(&problem, algorithm, 100, seed)
}

fn vector(name: &str, length: usize, [lo, hi]: [f64; 2]) -> Variable {
    let kind = Kind::Real { lo, hi, step: None };
    Variable { name: name.to_owned(), kind, length: (length > 1).then_some(length) }
}

fn compile(
    variables: Vec<Variable>,
    lets: &[(&str, &str)],
    objectives: &[&str],
) -> Result<Problem> {
    Problem::compile(Model {
        variables,
        lets: lets.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        objectives: objectives.iter().map(|one| (Sense::Min, (*one).to_owned())).collect(),
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .map_err(Error::other)
}

/// CPU time of this thread, where the system tells it (Linux); else not a number.
fn cpu_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}
