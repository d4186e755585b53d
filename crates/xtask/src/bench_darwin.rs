//! The algorithms of `darwin` beside their peers, a process for each algorithm, problem and seed, in turn:
//! `docs/benchmarks/darwin-peers.csv`, and the table in `darwin.md`.

use std::{
    collections::BTreeMap, fmt::Write as _, fs, path::Path, path::PathBuf, process::Command,
};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{root, say, server, variable};

/// What is measured together.
struct Section {
    name: &'static str,
    /// What its figure is.
    figure: &'static str,
    problems: &'static [&'static str],
    /// Ours first, by the names of the engine; then peers, by those of the script.
    ours: &'static [&'static str],
    peers: &'static [&'static str],
    /// Most seeds: of what takes long, few.
    seeds: usize,
}

const SECTIONS: [Section; 6] = [
    Section {
        name: "speed",
        figure: "least value after 50,000 evaluations",
        problems: &["rastrigin20"],
        ours: &["ga"],
        peers: &["pygmo-sga", "deap-ga", "pymoo-ga", "pycma-es"],
        seeds: 5,
    },
    Section {
        name: "fronts",
        figure: "hypervolume after 25,000 evaluations",
        problems: &["zdt1", "zdt2", "zdt3", "dtlz2"],
        ours: &["nsga2", "nsga3", "moead", "sms_emoa"],
        peers: &["pygmo-nsga2", "pymoo-nsga2", "deap-nsga2", "pymoo-nsga3", "pymoo-sms"],
        seeds: 3,
    },
    Section {
        name: "few",
        figure: "least value after 100 evaluations",
        problems: &["hartmann6"],
        ours: &["tpe"],
        peers: &["optuna-tpe"],
        seeds: 11,
    },
    Section {
        name: "tours",
        figure: "gap to the optimum after 100,000 evaluations, %",
        problems: &["berlin52", "kroA100"],
        ours: &["memetic"],
        peers: &["pymoo-order-ga"],
        seeds: 3,
    },
    Section {
        name: "tours-5s",
        figure: "gap to the optimum after 5 s of CPU time at most, %",
        problems: &["berlin52-5s", "kroA100-5s"],
        ours: &["memetic"],
        peers: &[],
        seeds: 10,
    },
    Section {
        name: "formulas",
        figure: "error on 1000 other points",
        problems: &[
            "nguyen1", "nguyen2", "nguyen3", "nguyen4", "nguyen5", "nguyen6", "nguyen7", "nguyen8",
        ],
        ours: &["symbolic"],
        peers: &["gplearn"],
        seeds: 3,
    },
];
/// Between these lines `darwin.md` holds the table.
const MARKS: [&str; 2] = ["<!-- table: cargo xtask bench darwin -->", "<!-- end of the table -->"];
/// Where the tours are.
const DATA: &str = "MACHINA_BENCH_DATA";

/// One algorithm on one problem with one seed.
#[derive(Clone)]
struct Row {
    section: String,
    problem: String,
    algorithm: String,
    seed: u64,
    value: f64,
    evals: f64,
    cpu_s: f64,
}

pub(crate) fn run(seeds: usize, only: &[String]) -> Result<()> {
    let python = variable("MACHINA_DARWIN_PYTHON")?;
    let script = root().join("benches/darwin/peer.py");
    let said = Command::new(&python).arg(&script).arg("versions").output()?;
    let versions: BTreeMap<String, String> = serde_json::from_slice(&said.stdout)?;
    let binary = build()?;
    let tours = variable(DATA).ok().map(|data| data.join("tsplib"));
    let path = root().join("docs/benchmarks/darwin-peers.csv");
    let mut rows = read(&path)?;
    for section in SECTIONS {
        let Section { name, problems, ours, peers, .. } = section;
        if !(only.is_empty() || only.iter().any(|one| one == name)) {
            continue;
        }
        if name.starts_with("tours") && tours.is_none() {
            say(&format!("{name:<9} skipped: {DATA} names no data"));
            continue;
        }
        rows.retain(|row| row.section != name);
        for problem in problems {
            for seed in 1..=seeds.min(section.seeds) as u64 {
                let ours = ours.iter().map(|one| (*one, Command::new(&binary)));
                let peers = peers.iter().map(|one| {
                    let mut command = Command::new(&python);
                    command.arg(&script);
                    (*one, command)
                });
                for (algorithm, mut command) in ours.chain(peers) {
                    command.args([algorithm, problem, &seed.to_string()]).args(&tours);
                    match measure(&mut command) {
                        Ok([value, evals, cpu_s]) => {
                            say(&format!(
                                "{problem:<12} {algorithm:<15} seed {seed:<2} {value:>13.6e}  {cpu_s:>8.3} CPU s"
                            ));
                            let (problem, algorithm) = ((*problem).into(), algorithm.into());
                            let section = name.into();
                            rows.push(Row {
                                section,
                                problem,
                                algorithm,
                                seed,
                                value,
                                evals,
                                cpu_s,
                            });
                        }
                        Err(error) => say(&format!("{problem:<12} {algorithm:<15} {error:#}")),
                    }
                }
            }
        }
        // What was measured is not lost when a later part fails.
        fs::write(&path, csv(&rows, &versions))?;
    }
    insert(&root().join("docs/benchmarks/darwin.md"), &table(&rows, &versions))?;
    say("rows are in docs/benchmarks/darwin-peers.csv, the table in darwin.md");
    Ok(())
}

/// The engine's own program, for release.
fn build() -> Result<PathBuf> {
    let mut build = server::cargo();
    build.args(["build", "-q", "--release", "--locked", "-p", "darwin-engine"]);
    build.args(["--example", "measure"]);
    server::run(&mut build)?;
    Ok(server::target_directory()?.join("release/examples/measure"))
}

fn measure(command: &mut Command) -> Result<[f64; 3]> {
    let output = command.output()?;
    let tail = String::from_utf8_lossy(&output.stderr);
    let tail = tail.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "not measured: {tail}");
    let said = String::from_utf8(output.stdout)?;
    let said: Value = serde_json::from_str(said.lines().last().context("no answer")?)?;
    Ok(["value", "evals", "cpu_s"].map(|key| said[key].as_f64().unwrap_or(f64::NAN)))
}

/// Rows of an earlier run: a part that is not measured now stays.
fn read(path: &Path) -> Result<Vec<Row>> {
    let Ok(text) = fs::read_to_string(path) else { return Ok(Vec::new()) };
    let row = |line: &str| -> Result<Row> {
        let [section, problem, algorithm, _, seed, value, evals, cpu_s] = line
            .split(',')
            .collect::<Vec<_>>()
            .try_into()
            .ok()
            .context("a row of other columns")?;
        Ok(Row {
            section: section.to_owned(),
            problem: problem.to_owned(),
            algorithm: algorithm.to_owned(),
            seed: seed.parse()?,
            value: value.parse()?,
            evals: evals.parse()?,
            cpu_s: cpu_s.parse()?,
        })
    };
    text.lines().skip(1).map(row).collect()
}

fn version<'v>(algorithm: &str, versions: &'v BTreeMap<String, String>) -> Option<&'v str> {
    let library = algorithm.split('-').next().unwrap_or(algorithm);
    versions.get(library).map(String::as_str)
}

fn csv(rows: &[Row], versions: &BTreeMap<String, String>) -> String {
    let mut text = "section,problem,algorithm,version,seed,value,evals,cpu_s\n".to_owned();
    for Row { section, problem, algorithm, seed, value, evals, cpu_s } in rows {
        let version = version(algorithm, versions).unwrap_or(env!("CARGO_PKG_VERSION"));
        let _infallible = writeln!(
            text,
            "{section},{problem},{algorithm},{version},{seed},{value:e},{evals:.0},{cpu_s:.4}"
        );
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// A figure with as many digits as say something.
fn figure(value: f64) -> String {
    if value.abs() >= 0.01 || value == 0.0 { format!("{value:.4}") } else { format!("{value:.1e}") }
}

fn table(rows: &[Row], versions: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for section in SECTIONS {
        let mine: Vec<&Row> = rows.iter().filter(|row| row.section == section.name).collect();
        if mine.is_empty() {
            continue;
        }
        let seeds = mine.iter().map(|row| row.seed).max().unwrap_or_default();
        let head = section.problems.join(" | ");
        let lines = "---|".repeat(section.problems.len() + 2);
        let _infallible = writeln!(
            text,
            "{}, median of {seeds} seeds (least to most)\n\n| | {head} | CPU s |\n|{lines}",
            section.figure
        );
        for algorithm in section.ours.iter().chain(section.peers) {
            let own = mine.iter().filter(|row| row.algorithm == *algorithm);
            let own: Vec<&&Row> = own.collect();
            if own.is_empty() {
                continue;
            }
            let name = version(algorithm, versions)
                .map_or(format!("`{algorithm}`"), |version| format!("{algorithm} {version}"));
            let cells = section.problems.iter().map(|problem| {
                let values: Vec<f64> =
                    own.iter().filter(|row| row.problem == *problem).map(|row| row.value).collect();
                let least = values.iter().copied().fold(f64::INFINITY, f64::min);
                let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
                let (least, most) = (figure(least), figure(most));
                format!("{} ({least} to {most})", figure(median(values)))
            });
            let cells: Vec<String> = cells.collect();
            let seconds = median(own.iter().map(|row| row.cpu_s).collect());
            let _infallible = writeln!(text, "| {name} | {} | {seconds:.3} |", cells.join(" | "));
        }
        text.push('\n');
    }
    text
}

/// Puts the table between its marks; the words around it stay.
fn insert(path: &Path, table: &str) -> Result<()> {
    let page = fs::read_to_string(path)?;
    let (before, rest) = page.split_once(MARKS[0]).context("no mark of the table")?;
    let (_, after) = rest.split_once(MARKS[1]).context("no mark of the table's end")?;
    fs::write(
        path,
        format!("{before}{}\n\n{}\n\n{}{after}", MARKS[0], table.trim_end(), MARKS[1]),
    )?;
    Ok(())
}
