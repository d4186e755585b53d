//! `cargo xtask`: generated files, token counts, the official suite, real clients, start figures.

mod attacks;
mod bench;
mod bench_bayes;
mod bench_core;
mod bench_darwin;
mod clients;
mod conformance;
mod dashboard;
mod generate;
mod server;
mod tokens;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "xtask", about = "Checks and generated files of this repository")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Write the generated files, or check that they are up to date
    Gen {
        /// Change nothing; fail when something would change
        #[arg(long)]
        check: bool,
    },
    /// Write the Grafana dashboard from the metric names, or check that it is up to date
    Dashboard {
        /// Change nothing; fail when the file would change
        #[arg(long)]
        check: bool,
    },
    /// Count what the tool definitions cost a model (o200k)
    Tokens,
    /// Run the official conformance suite on the fixture and on all seven servers
    Conformance,
    /// Talk to all seven servers with the official Python and TypeScript clients
    Clients,
    /// Measure start time and idle memory of all seven (release build)
    Start {
        /// Starts per server
        #[arg(long, default_value_t = 15)]
        runs: usize,
        /// Binaries that are built already, such as the static ones of profile `dist`
        #[arg(long, value_name = "DIR")]
        binaries: Option<PathBuf>,
    },
    /// Attack all seven servers and the fixture, and write `docs/attack-table.md`
    Attacks {
        /// Change nothing; fail when the table would change
        #[arg(long)]
        check: bool,
        /// Only these servers, or `fixture`; nothing is written then
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// Measure what a call costs, or a sampler yields (release builds)
    Bench {
        #[command(subcommand)]
        what: Bench,
    },
}

#[derive(Debug, Subcommand)]
enum Bench {
    /// One tool on our stack and on five others, interleaved; then ours under stress
    Core {
        /// Rounds over all stacks
        #[arg(long, default_value_t = 3)]
        rounds: usize,
        /// Seconds of load a round and stack
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Only these stacks; nothing is written then
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// The sampler of `bayes` beside nutpie, `PyStan`, `NextStat` and `PyMC`: effective draws per CPU second
    Bayes {
        /// A process for each engine, model and seed
        #[arg(long, value_delimiter = ',', default_values_t = [2, 3, 4])]
        seeds: Vec<u64>,
        /// Only these engines or models; nothing is written then
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
    /// The algorithms of `darwin` beside pygmo, pymoo, DEAP, pycma, Optuna and gplearn: what they come to, and
    /// CPU time
    Darwin {
        /// Most seeds
        #[arg(long, default_value_t = 11)]
        seeds: usize,
        /// Only these parts: speed, fronts, few, tours, tours-5s, formulas
        #[arg(long, value_delimiter = ',')]
        only: Vec<String>,
    },
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Gen { check } => generate::run(check),
        Command::Dashboard { check } => dashboard::run(check),
        Command::Tokens => tokens::run(),
        Command::Conformance => conformance::run(),
        Command::Clients => clients::run(),
        Command::Start { runs, binaries } => bench::run(runs, binaries),
        Command::Attacks { check, only } => attacks::run(check, &only),
        Command::Bench { what: Bench::Core { rounds, seconds, only } } => {
            bench_core::run(rounds, seconds, &only)
        }
        Command::Bench { what: Bench::Bayes { seeds, only } } => bench_bayes::run(&seeds, &only),
        Command::Bench { what: Bench::Darwin { seeds, only } } => bench_darwin::run(seeds, &only),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(&format!("error: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Print a line for the person or log that runs this.
#[expect(clippy::print_stdout, reason = "a developer's tool: no protocol is spoken on its stdout")]
fn say(text: &str) {
    println!("{text}");
}

/// The repository.
fn root() -> PathBuf {
    let manifest = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).map_or_else(|| manifest.clone(), PathBuf::from)
}

/// A variable that `scripts/ci-tools` sets.
fn variable(name: &str) -> Result<PathBuf> {
    let environment = mcp_core::config::Environment::of_process();
    let value = environment.get(name).map(PathBuf::from);
    value.ok_or_else(|| anyhow::anyhow!("{name} is not set; scripts/ci-tools sets it"))
}
