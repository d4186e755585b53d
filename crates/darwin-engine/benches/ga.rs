//! Wall time of whole runs: `cargo bench -p darwin-engine`.

use darwin_engine::{
    Bounds, Budget, Controls, Function, GaOptions, Problem, Seed, Sense, optimize,
};
use divan::{Bencher, counter::ItemsCount};

fn main() {
    divan::main();
}

fn run(
    bencher: Bencher<'_, '_>,
    function: Function,
    dimension: usize,
    population: u32,
    evals: u64,
) {
    let (lo, hi) = function.domain();
    let bounds = Bounds::cube(dimension, lo, hi).expect("a valid box");
    let objective = Box::new(function.on(dimension).expect("a valid dimension"));
    let problem = Problem::new(objective, bounds, Sense::Min).expect("equal dimensions");
    let options = GaOptions { population: Some(population), ..GaOptions::default() };
    let settings = options.resolve(dimension).expect("valid settings");
    let budget = Budget::evals(evals).expect("a valid budget");
    let seed = Seed::new(1).expect("a small seed");
    bencher
        .counter(ItemsCount::new(evals))
        .bench_local(|| optimize(&problem, settings, &budget, seed, &mut Controls::default()));
}

/// darwin's bar 8: population 100, 500 generations.
#[divan::bench]
fn rastrigin_20d_500_generations(bencher: Bencher<'_, '_>) {
    run(bencher, Function::Rastrigin, 20, 100, 50_100);
}

/// Population 50, 10 generations.
#[divan::bench(args = [5, 20])]
fn rastrigin_10_generations(bencher: Bencher<'_, '_>, dimension: usize) {
    run(bencher, Function::Rastrigin, dimension, 50, 550);
}

/// 100 generations of 100 individuals with 20 genes.
#[divan::bench(args = ["sphere", "rastrigin", "rosenbrock", "ackley"])]
fn hundred_generations(bencher: Bencher<'_, '_>, name: &str) {
    let function = Function::from_name(name).expect("a built-in function");
    run(bencher, function, 20, 100, 10_100);
}
