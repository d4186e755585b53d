//! Time of one evaluation of a compiled expression and of the same function in Rust with `std`'s
//! mathematics, 20 variables, 64 points a call; medians of interleaved rounds of CPU time.
//!
//! `cargo run --release -p darwin-engine --example vm`

use std::{hint::black_box, io::Write as _};

use darwin_engine::{
    LANES, Objective,
    expression::{Compiler, Fault, Program, Symbol},
};

const DIMENSION: usize = 20;
const ROUNDS: usize = 11;
const CALLS: u32 = 2000;

/// A chunk of points.
type Inputs = [[f64; LANES]];

/// Values of a chunk of points.
type Native = fn(&Inputs, &mut [f64]);

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let cases: [(&str, &str, Native); 2] = [
        ("rastrigin", "sum(i, 0, n-1, x[i]^2 - 10*cos(2*pi*x[i]) + 10)", rastrigin),
        ("rosenbrock", "sum(i, 0, n-2, 100*(x[i+1] - x[i]^2)^2 + (1 - x[i])^2)", rosenbrock),
    ];
    for (name, source, native) in cases {
        let program = match compile(source) {
            Ok(program) => program,
            Err(fault) => return writeln!(out, "failed to compile {name}: {fault:?}"),
        };
        let (ours, theirs) = measure(&program, native);
        writeln!(
            out,
            "{name}: expression {ours:.0} ns, native {theirs:.0} ns, ratio {:.2}; {} operations",
            ours / theirs,
            program.operations(),
        )?;
    }
    Ok(())
}

fn compile(source: &str) -> Result<Program, Fault> {
    let (name, length) = ("x".to_owned(), Some(DIMENSION));
    let symbols = [Symbol { name, base: 0, length, categories: Vec::new() }];
    let mut compiler = Compiler::new(&symbols, &[])?;
    compiler.output(source)?;
    Ok(compiler.finish())
}

/// Median nanoseconds of an evaluation: expression, native.
fn measure(program: &Program, native: Native) -> (f64, f64) {
    let lane = |k: usize, l: usize| {
        let place = u32::try_from(k * LANES + l).unwrap_or(0);
        f64::from(place) * 0.003_7 - 2.0
    };
    let inputs: Vec<[f64; LANES]> =
        (0..DIMENSION).map(|k| std::array::from_fn(|l| lane(k, l))).collect();
    let mut values = [0.0; LANES];
    let mut rounds = [Vec::new(), Vec::new()];
    for _ in 0..ROUNDS {
        rounds[0].push(time(|| program.evaluate(black_box(&inputs), black_box(&mut values))));
        rounds[1].push(time(|| native(black_box(&inputs), black_box(&mut values))));
    }
    let [ours, theirs] = rounds.map(|mut all| {
        all.sort_by(f64::total_cmp);
        all[ROUNDS / 2]
    });
    (ours, theirs)
}

fn time(mut call: impl FnMut()) -> f64 {
    let before = cpu_nanoseconds();
    (0..CALLS).for_each(|_| call());
    #[expect(clippy::cast_precision_loss, reason = "64 lanes")]
    let points = LANES as f64 * f64::from(CALLS);
    (cpu_nanoseconds() - before) / points
}

fn rastrigin(inputs: &Inputs, values: &mut [f64]) {
    for (lane, value) in values.iter_mut().enumerate() {
        let term = |x: f64| x * x - 10.0 * (std::f64::consts::TAU * x).cos() + 10.0;
        *value = inputs.iter().map(|lanes| term(lanes[lane])).sum();
    }
}

fn rosenbrock(inputs: &Inputs, values: &mut [f64]) {
    for (lane, value) in values.iter_mut().enumerate() {
        let term = |x: f64, y: f64| 100.0 * (y - x * x) * (y - x * x) + (1.0 - x) * (1.0 - x);
        *value = inputs.windows(2).map(|pair| term(pair[0][lane], pair[1][lane])).sum();
    }
}

/// CPU time of this thread, where the system tells it (Linux); else not a number.
fn cpu_nanoseconds() -> f64 {
    std::fs::read_to_string("/proc/thread-self/schedstat")
        .ok()
        .and_then(|text| text.split_whitespace().next()?.parse::<f64>().ok())
        .unwrap_or(f64::NAN)
}
