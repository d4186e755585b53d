//! The gain that an earlier darwin reported (population 50, 10 generations: -38.71 to -5.57), and
//! the scenario it was shown with (100 generations of 100 individuals with 20 genes, crossover
//! 0.8, mutation 0.1).
//!
//! `cargo run --release -p darwin-engine --example parity`

use darwin_engine::{
    Bounds, Budget, Controls, Function, GaOptions, Outcome, Problem, Result, Seed, Sense, optimize,
};

/// Improvement reported: 38.71 - 5.57.
const REPORTED_GAIN: f64 = 33.14;
const REPORTED_END: f64 = 5.57;
const SEEDS: u32 = 201;

/// What one run is made of.
struct Scenario {
    function: Function,
    dimension: usize,
    options: GaOptions,
    evals: u64,
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let small = GaOptions { population: Some(50), ..GaOptions::default() };
    for (dimension, evals) in [(5, 550), (20, 550), (5, 1550), (20, 1550)] {
        let scenario = Scenario { function: Function::Rastrigin, dimension, options: small, evals };
        report(&mut out, &scenario)?;
    }
    let seed_scenario = GaOptions {
        crossover_probability: Some(0.8),
        mutation_probability: Some(0.1),
        ..GaOptions::default()
    };
    for function in Function::ALL {
        let scenario = Scenario { function, dimension: 20, options: seed_scenario, evals: 10_100 };
        report(&mut out, &scenario)?;
    }
    Ok(())
}

fn report(out: &mut impl std::io::Write, scenario: &Scenario) -> std::io::Result<()> {
    let before = cpu_seconds();
    let outcomes: Result<Vec<_>> = (1..=SEEDS).map(|seed| run(scenario, seed.into())).collect();
    let each = (cpu_seconds() - before) / f64::from(SEEDS);
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => return writeln!(out, "failed to run: {error}"),
    };
    let mut pairs: Vec<(f64, f64)> = outcomes.iter().filter_map(ends).collect();
    let gained = pairs.iter().filter(|(first, last)| first - last >= REPORTED_GAIN).count();
    let reached = pairs.iter().filter(|(_, last)| *last <= REPORTED_END).count();
    pairs.sort_by(|a, b| a.1.total_cmp(&b.1));
    let last = pairs[pairs.len() / 2].1;
    pairs.sort_by(|a, b| a.0.total_cmp(&b.0));
    let first = pairs[pairs.len() / 2].0;
    writeln!(
        out,
        "{:>10} {:>2}-D, {:>6} evals: median {first:>9.3} -> {last:>9.3}; gain >= {REPORTED_GAIN} \
         in {gained}/{SEEDS}, end <= {REPORTED_END} in {reached}/{SEEDS}; {:.3} ms CPU",
        scenario.function.name(),
        scenario.dimension,
        scenario.evals,
        each * 1e3,
    )
}

fn run(scenario: &Scenario, seed: u64) -> Result<Outcome> {
    let Scenario { function, dimension, options, evals } = *scenario;
    let (lo, hi) = function.domain();
    let bounds = Bounds::cube(dimension, lo, hi)?;
    let problem = Problem::new(Box::new(function.on(dimension)?), bounds, Sense::Min)?;
    let settings = options.resolve(dimension)?;
    let budget = Budget::evals(evals)?;
    Ok(optimize(&problem, settings, &budget, Seed::new(seed)?, &mut Controls::default()))
}

/// Best of the initial sample, and of the run.
fn ends(outcome: &Outcome) -> Option<(f64, f64)> {
    Some((outcome.history.first()?.f?, outcome.history.last()?.f?))
}

/// CPU time of this thread, where the system tells it (Linux); else not a number.
fn cpu_seconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .map_or(f64::NAN, |nanoseconds| nanoseconds / 1e9)
}
