//! An algorithm behind a pipe, so that benchmarks in any language can evaluate its points.
//!
//! `asktell ALGORITHM DIMENSION LO HI MAX_EVALS SEED`: writes a batch as its number of points (u32)
//! and their coordinates (f64, row after row), reads as many values (f64), and so on until its
//! input ends or a batch of 0 points is written; all little-endian.
//!
//! `cargo run --release -p darwin-engine --example asktell -- portfolio 10 -5 5 100000 1`

use std::io::{Error, Read, Result, Write};

use darwin_engine::{
    Bounds, Budget, CmaOptions, Function, GaOptions, LshadeOptions, Problem, Run, Seed, Sense,
    Settings,
};

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [algorithm, dimension, lo, hi, max_evals, seed] = arguments.as_slice() else {
        return Err(Error::other("asktell ALGORITHM DIMENSION LO HI MAX_EVALS SEED"));
    };
    let dimension = parse(dimension)?;
    let bounds = Bounds::cube(dimension, parse(lo)?, parse(hi)?).map_err(Error::other)?;
    // The values come through the pipe: the function stands for its dimension only.
    let objective = Function::Sphere.on(dimension).map_err(Error::other)?;
    let problem = Problem::new(Box::new(objective), bounds, Sense::Min).map_err(Error::other)?;
    let settings = match algorithm.as_str() {
        "portfolio" => Settings::portfolio(dimension),
        "cma_es" => CmaOptions::default().resolve(dimension).map(Settings::from),
        "lshade" => LshadeOptions::default().resolve(dimension).map(Settings::from),
        "ga" => GaOptions::default().resolve(dimension).map(Settings::from),
        other => return Err(Error::other(format!("no algorithm {other}"))),
    };
    let budget = Budget::evals(parse(max_evals)?).map_err(Error::other)?;
    let seed = Seed::new(parse(seed)?).map_err(Error::other)?;
    let mut run = Run::new(&problem, settings.map_err(Error::other)?, budget, seed, 2);
    serve(&mut run, dimension, budget.max_evals())
}

fn parse<T: std::str::FromStr>(text: &str) -> Result<T> {
    text.parse().map_err(|_| Error::other(format!("{text} is not a number of the right kind")))
}

fn serve(run: &mut Run<'_>, dimension: usize, max_evals: u64) -> Result<()> {
    let (mut input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    while run.status().evals < max_evals {
        let genes = run.ask();
        let count = genes.len() / dimension;
        let mut bytes = u32::try_from(count).unwrap_or(0).to_le_bytes().to_vec();
        bytes.extend(genes.iter().flat_map(|gene| gene.to_le_bytes()));
        output.write_all(&bytes)?;
        output.flush()?;
        let mut values = vec![0; count * 8];
        if input.read_exact(&mut values).is_err() {
            return Ok(());
        }
        let costs: Vec<f64> =
            values.as_chunks::<8>().0.iter().map(|bytes| f64::from_le_bytes(*bytes)).collect();
        run.tell(&costs);
    }
    output.write_all(&0_u32.to_le_bytes())
}
