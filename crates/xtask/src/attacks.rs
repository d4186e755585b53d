//! Runs the attack suite of every server and writes what became of each id: `docs/attack-table.md`.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use mcp_core::fleet::MEMBERS;
use mcp_testkit::attacks::table::CASES;
use serde_json::Value;

use crate::{root, say, server};

const FILE: &str = "docs/attack-table.md";
/// The column of the conformance fixture.
const FIXTURE: &str = "fixture";

/// What a server's tests said: by id and transport.
type Said = BTreeMap<(String, String), String>;

pub(crate) fn run(check: bool, only: &[String]) -> Result<()> {
    let suites = build(only)?;
    let mut columns = Vec::new();
    let mut failed = Vec::new();
    for (name, program, directory) in suites {
        let said = attack(&program, &directory)?;
        let count = |word: &str| said.values().filter(|outcome| outcome.starts_with(word)).count();
        say(&format!(
            "{name:<10} {:>3} run, {:>3} not applicable, {:>3} pending, {:>3} failed",
            count("run"),
            count("not applicable"),
            count("pending"),
            count("FAILED")
        ));
        let broken = said.iter().filter(|(_, outcome)| *outcome == "FAILED");
        failed.extend(broken.map(|((id, transport), _)| format!("{name} {id} over {transport}")));
        columns.push((name, said));
    }
    columns.sort_by_key(|(name, _)| {
        MEMBERS.iter().position(|member| member.name == name).unwrap_or(usize::MAX)
    });
    let text = table(&columns);
    ensure!(failed.is_empty(), "not withstood: {}", failed.join(", "));
    if !only.is_empty() {
        return Ok(());
    }
    let path = root().join(FILE);
    if !check {
        return Ok(fs::write(path, text)?);
    }
    let committed = fs::read_to_string(path).unwrap_or_default();
    ensure!(committed == text, "{FILE} is not what the suite says; run `cargo xtask attacks`");
    Ok(())
}

/// Build the test programs and the servers they start; name, program and package directory of each.
fn build(only: &[String]) -> Result<Vec<(String, PathBuf, PathBuf)>> {
    let packages: Vec<String> = only
        .iter()
        .map(
            |name| {
                if name == FIXTURE { "mcp-testkit".to_owned() } else { format!("machina-{name}") }
            },
        )
        .collect();
    let mut command = server::cargo();
    command.args(["build", "-q", "--locked", "--bins", "--tests", "--message-format=json"]);
    if packages.is_empty() {
        command.arg("--workspace");
    } else {
        command.args(packages.iter().flat_map(|package| ["-p", package]));
    }
    let output = command.stderr(std::process::Stdio::inherit()).output()?;
    ensure!(output.status.success(), "the build failed");
    let mut suites = Vec::new();
    for line in String::from_utf8(output.stdout)?.lines() {
        let message: Value = serde_json::from_str(line)?;
        let (Some(program), Some(manifest)) =
            (message["executable"].as_str(), message["manifest_path"].as_str())
        else {
            continue;
        };
        let directory = Path::new(manifest).parent().context("no directory")?;
        let folder = directory.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let target = message["target"]["name"].as_str().unwrap_or_default();
        let name = match (folder, target) {
            ("mcp-testkit", "it") => FIXTURE,
            (name, "it") if MEMBERS.iter().any(|member| member.name == name) => name,
            _ => continue,
        };
        if message["target"]["kind"][0] == "test" {
            suites.push((name.to_owned(), PathBuf::from(program), directory.to_path_buf()));
        }
    }
    ensure!(!suites.is_empty(), "no test programs were built");
    Ok(suites)
}

/// Run one server's suite and read its lines.
fn attack(program: &Path, directory: &Path) -> Result<Said> {
    let output = Command::new(program)
        .args(["attacks::", "--show-output", "--test-threads", "4"])
        .current_dir(directory)
        .env("INSTA_UPDATE", "no")
        .env("RUST_BACKTRACE", "0")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut said = Said::new();
    for line in text.lines().filter_map(|line| line.strip_prefix("attack ")) {
        let mut words = line.splitn(3, ' ');
        let (Some(id), Some(transport), Some(outcome)) = (words.next(), words.next(), words.next())
        else {
            bail!("an unreadable line: {line}");
        };
        said.insert((id.to_owned(), transport.to_owned()), outcome.to_owned());
    }
    ensure!(
        !said.is_empty(),
        "no attack was run: {text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    if !output.status.success() {
        text.lines().filter(|line| line.contains(": ") && line.len() < 1_000).for_each(say);
        ensure!(said.values().any(|outcome| outcome == "FAILED"), "the suite failed: {text}");
    }
    Ok(said)
}

fn table(columns: &[(String, Said)]) -> String {
    let names: Vec<&str> = columns.iter().map(|(name, _)| name.as_str()).collect();
    let mut text = "<!-- Generated by `cargo xtask attacks`; do not edit. -->\n# Attack table\n\n\
         Every id of the suite `mcp_testkit::attacks!` on every server, on the real executable. **H** was run over HTTP \
         (`/mcp`), **R** over the REST bridge, **S** over stdio, and the server withstood it; a small letter with a number \
         was not run, and the notes say why. The fixture is the server of the official conformance suite, on the same core. \
         The slowest (TR-08) runs on the fixture alone.\n\n"
        .to_owned();
    let _infallible = writeln!(text, "| Id | Case | Expected | {} |", names.join(" | "));
    let _infallible = writeln!(text, "|---|---|---|{}", "---|".repeat(names.len()));
    let mut notes: Vec<String> = Vec::new();
    for (id, case, expected) in CASES {
        let cells: Vec<String> =
            columns.iter().map(|(_, said)| cell(said, id, &mut notes)).collect();
        let _infallible = writeln!(text, "| {id} | {case} | {expected} | {} |", cells.join(" | "));
    }
    text.push_str("\n## Notes\n\n");
    for (index, note) in notes.iter().enumerate() {
        let _infallible = writeln!(text, "{}. {note}", index + 1);
    }
    let all = columns.iter().flat_map(|(_, said)| said.values());
    let (mut run, mut not, mut pending) = (0, 0, 0);
    for outcome in all {
        match outcome.split(':').next() {
            Some("run") => run += 1,
            Some("pending") => pending += 1,
            _ => not += 1,
        }
    }
    let _infallible =
        writeln!(text, "\n{run} run, {not} not applicable, {pending} pending, 0 unexpected.");
    text
}

/// `H S r1`: run over HTTP and stdio, over REST see note 1.
fn cell(said: &Said, id: &str, notes: &mut Vec<String>) -> String {
    let mut words = Vec::new();
    for transport in ["http", "rest", "stdio"] {
        let Some(outcome) = said.get(&(id.to_owned(), transport.to_owned())) else { continue };
        let letter = transport.get(..1).unwrap_or_default();
        if outcome == "run" {
            words.push(letter.to_uppercase());
            continue;
        }
        let place = notes.iter().position(|note| note == outcome).unwrap_or_else(|| {
            notes.push(outcome.clone());
            notes.len() - 1
        });
        words.push(format!("{letter}{}", place + 1));
    }
    words.join(" ")
}
