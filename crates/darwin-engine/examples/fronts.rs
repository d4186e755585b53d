//! Hypervolume and CPU time of the algorithms for several objectives: ZDT1 to ZDT3 with 30 variables
//! and DTLZ2 with 12 and three objectives, population 100, 25,000 evaluations, reference point 1.1,
//! medians of five seeds.
//!
//! `cargo run --release -p darwin-engine --example fronts`

use std::io::{Error, Result, Write as _};

use darwin_engine::{
    Budget, Controls, FrontKind, FrontOptions, Kind, Model, Problem, Seed, Sense, Variable,
    hypervolume, optimize,
};

fn problem(length: usize, lets: &[(&str, &str)], objectives: &[&str]) -> Result<Problem> {
    let kind = Kind::Real { lo: 0.0, hi: 1.0, step: None };
    Problem::compile(Model {
        variables: vec![Variable { name: "x".to_owned(), kind, length: Some(length) }],
        lets: lets.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        objectives: objectives.iter().map(|one| (Sense::Min, (*one).to_owned())).collect(),
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .map_err(Error::other)
}

fn problems() -> Result<[(&'static str, Problem); 4]> {
    let zdt = |second| problem(30, &[("g", "1 + 9*sum(i,1,n-1,x[i])/(n-1)")], &["x[0]", second]);
    let lets = [("g", "1 + sum(i,2,n-1,(x[i]-0.5)^2)"), ("a", "x[0]*pi/2"), ("b", "x[1]*pi/2")];
    let objectives = ["g*cos(a)*cos(b)", "g*cos(a)*sin(b)", "g*sin(a)"];
    Ok([
        ("ZDT1", zdt("g*(1-sqrt(x[0]/g))")?),
        ("ZDT2", zdt("g*(1-(x[0]/g)^2)")?),
        ("ZDT3", zdt("g*(1-sqrt(x[0]/g)-x[0]/g*sin(10*pi*x[0]))")?),
        ("DTLZ2", problem(12, &lets, &objectives)?),
    ])
}

fn main() -> Result<()> {
    let mut out = std::io::stdout().lock();
    let problems = problems()?;
    let budget = Budget::evals(25_000).map_err(Error::other)?;
    for kind in FrontKind::ALL {
        write!(out, "{:<9}", kind.name())?;
        for (name, problem) in &problems {
            let objectives = problem.senses().len();
            let settings =
                FrontOptions::default().resolve(kind, objectives).map_err(Error::other)?;
            let (mut volumes, mut times) = (Vec::new(), Vec::new());
            for seed in 1..=5 {
                let seed = Seed::new(seed).map_err(Error::other)?;
                let before = cpu_seconds();
                let run = optimize(problem, settings, &budget, seed, &mut Controls::default());
                times.push(cpu_seconds() - before);
                let values: Vec<Vec<f64>> = run.front.into_iter().map(|one| one.values).collect();
                volumes.push(hypervolume(&values, &vec![1.1; objectives]));
            }
            volumes.sort_by(f64::total_cmp);
            times.sort_by(f64::total_cmp);
            write!(out, "  {name} {:.5} {:.3} s", volumes[2], times[2])?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// CPU time of this thread, where the system tells it (Linux); else not a number.
fn cpu_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}
