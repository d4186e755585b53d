//! The sampler of `bayes` beside its peers, a process for each engine, model and seed:
//! `docs/benchmarks/bayes.csv`, and the table in `bayes.md`.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path, process::Command};

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use crate::{root, say, server, variable};

const OURS: &str = "machina";
const ENGINES: [&str; 6] = [OURS, "nutpie", "nutpie-low-rank", "pystan", "nextstat", "pymc"];
const MODELS: [&str; 3] = ["schools", "logit", "radon"];
/// Between these lines `bayes.md` holds the table.
const MARKS: [&str; 2] = ["<!-- table: cargo xtask bench bayes -->", "<!-- end of the table -->"];

/// One engine on one model and seed.
struct Row {
    model: &'static str,
    engine: &'static str,
    seed: u64,
    cpu_s: f64,
    gradients: f64,
    divergent: f64,
    ess: f64,
    r_hat: f64,
    least: String,
}

pub(crate) fn run(seeds: &[u64], only: &[String]) -> Result<()> {
    let python = variable("MACHINA_BAYES_PYTHON")?;
    let script = root().join("benches/bayes/engine.py");
    let directory = build()?;
    let said = Command::new(&python).arg(&script).arg("versions").output()?;
    let versions: BTreeMap<String, String> = serde_json::from_slice(&said.stdout)?;
    // names of engines choose among engines, those of models among models
    let chosen = |all: &[&'static str]| -> Vec<&'static str> {
        let named = all.iter().copied().filter(|name| only.iter().any(|one| one == name));
        let named: Vec<&'static str> = named.collect();
        if named.is_empty() { all.to_vec() } else { named }
    };
    let (mut rows, mut missing) = (Vec::new(), BTreeMap::new());
    for model in chosen(&MODELS) {
        for seed in seeds {
            for engine in chosen(&ENGINES) {
                let mut command = Command::new(&python);
                command.arg(&script).args([engine, model, &seed.to_string()]).arg(&directory);
                match measure(&mut command, model, engine, *seed) {
                    Ok(row) => {
                        say(&format!(
                            "{model:<8} {engine:<16} seed {seed}  {:>7.3} CPU s  {:>8.0} gradients  ESS {:>5.0}  {:>8.0} per CPU s",
                            row.cpu_s,
                            row.gradients,
                            row.ess,
                            row.ess / row.cpu_s
                        ));
                        rows.push(row);
                    }
                    Err(error) => {
                        say(&format!("{model:<8} {engine:<16} seed {seed}  {error:#}"));
                        missing.insert(engine, format!("{error:#}"));
                    }
                }
            }
        }
    }
    if only.is_empty() {
        let directory = root().join("docs/benchmarks");
        fs::write(directory.join("bayes.csv"), csv(&rows, &versions))?;
        insert(&directory.join("bayes.md"), &table(&rows, &versions, &missing))?;
        say("rows are in docs/benchmarks/bayes.csv, the table in bayes.md");
    }
    Ok(())
}

/// The engine's own program, for release; where it lies.
fn build() -> Result<std::path::PathBuf> {
    let mut build = server::cargo();
    build.args([
        "build",
        "-q",
        "--release",
        "--locked",
        "-p",
        "bayes-engine",
        "--example",
        "sample",
    ]);
    server::run(&mut build)?;
    Ok(server::target_directory()?.join("release/examples"))
}

fn measure(
    command: &mut Command,
    model: &'static str,
    engine: &'static str,
    seed: u64,
) -> Result<Row> {
    let output = command.output()?;
    let tail = String::from_utf8_lossy(&output.stderr);
    let tail = tail.lines().last().unwrap_or_default();
    ensure!(output.status.success(), "not measured: {tail}");
    let said = String::from_utf8(output.stdout)?;
    let said: Value = serde_json::from_str(said.lines().last().context("no answer")?)?;
    let number = |key: &str| said[key].as_f64().unwrap_or(f64::NAN);
    Ok(Row {
        model,
        engine,
        seed,
        cpu_s: number("cpu_s"),
        gradients: number("gradients"),
        divergent: number("divergent"),
        ess: number("ess"),
        r_hat: number("r_hat"),
        least: said["least"].as_str().unwrap_or_default().to_owned(),
    })
}

fn version<'v>(engine: &str, versions: &'v BTreeMap<String, String>) -> &'v str {
    let package = engine.split('-').next().unwrap_or(engine);
    versions.get(package).map_or(env!("CARGO_PKG_VERSION"), String::as_str)
}

fn csv(rows: &[Row], versions: &BTreeMap<String, String>) -> String {
    let mut text =
        "model,engine,version,seed,cpu_s,gradients,divergent,min_bulk_ess,of,r_hat\n".to_owned();
    for Row { model, engine, seed, cpu_s, gradients, divergent, ess, r_hat, least } in rows {
        let version = version(engine, versions);
        let _infallible = writeln!(
            text,
            "{model},{engine},{version},{seed},{cpu_s:.4},{gradients:.0},{divergent:.0},{ess:.1},\"{least}\",{r_hat:.4}"
        );
    }
    text
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn table(
    rows: &[Row],
    versions: &BTreeMap<String, String>,
    missing: &BTreeMap<&str, String>,
) -> String {
    let mut text = String::new();
    for model in MODELS {
        let of = |engine: &str, value: &dyn Fn(&Row) -> f64| {
            let rows = rows.iter().filter(|row| row.model == model && row.engine == engine);
            median(rows.map(value).collect())
        };
        let speed = |row: &Row| row.ess / row.cpu_s;
        let _infallible = writeln!(
            text,
            "| {model} | CPU s | gradients | least ESS | ESS per CPU s | ESS per 1000 gradients | ours / it |\n|---|---|---|---|---|---|---|"
        );
        for engine in ENGINES {
            let per_second = of(engine, &speed);
            if per_second.is_nan() {
                continue;
            }
            let _infallible = writeln!(
                text,
                "| {engine} {} | {:.3} | {:.0} | {:.0} | {per_second:.0} | {:.1} | {:.2} |",
                version(engine, versions),
                of(engine, &|row| row.cpu_s),
                of(engine, &|row| row.gradients),
                of(engine, &|row| row.ess),
                of(engine, &|row| 1e3 * row.ess / row.gradients),
                of(OURS, &speed) / per_second,
            );
        }
        text.push('\n');
    }
    for (engine, reason) in missing {
        let _infallible = writeln!(text, "{engine}: {reason}");
    }
    text
}

/// Puts the table between its marks; the words around it stay.
fn insert(path: &Path, table: &str) -> Result<()> {
    let page = fs::read_to_string(path)?;
    let (before, rest) = page.split_once(MARKS[0]).context("no mark of the table")?;
    let (_, after) = rest.split_once(MARKS[1]).context("no mark of the table's end")?;
    fs::write(path, format!("{before}{}\n\n{}\n{}{after}", MARKS[0], table.trim_end(), MARKS[1]))?;
    Ok(())
}
