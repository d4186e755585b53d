//! Speed and quality of the genetic algorithm on Rastrigin 20-D, population 100, 500 generations.
//!
//! `cargo run --release -p darwin-engine --example throughput`

use std::io::Write as _;

use darwin_engine::{
    Bounds, Budget, Controls, Function, GaOptions, Problem, Result, Seed, Sense, optimize,
};

const SEEDS: u32 = 40;
const EVALS: u32 = 50_100;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    match values() {
        Ok((mut values, evals, seconds)) => {
            values.sort_by(f64::total_cmp);
            let middle = values.len() / 2;
            writeln!(
                out,
                "{SEEDS} runs, {evals} evaluations, {seconds:.3} s CPU, {:.0} per second\nbest f: \
                 least {:.2e}, median {:.2e}, most {:.2e}",
                f64::from(evals) / seconds,
                values[0],
                values[middle],
                values[values.len() - 1],
            )
        }
        Err(error) => writeln!(out, "failed to run: {error}"),
    }
}

fn values() -> Result<(Vec<f64>, u32, f64)> {
    let (lo, hi) = Function::Rastrigin.domain();
    let bounds = Bounds::cube(20, lo, hi)?;
    let problem = Problem::new(Box::new(Function::Rastrigin.on(20)?), bounds, Sense::Min)?;
    let settings = GaOptions::default().resolve(20)?;
    let budget = Budget::evals(EVALS.into())?;
    let before = cpu_seconds();
    let mut values = Vec::new();
    for seed in 1..=SEEDS {
        let outcome = optimize(
            &problem,
            settings,
            &budget,
            Seed::new(seed.into())?,
            &mut Controls::default(),
        );
        values.extend(outcome.best.map(|best| best.f));
    }
    Ok((values, SEEDS * EVALS, cpu_seconds() - before))
}

/// CPU time of this thread, where the system tells it (Linux); else not a number.
fn cpu_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}
