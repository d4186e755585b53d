//! The official suite: all of it on the fixture, what needs no fixture on each of the seven.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail, ensure};
use mcp_core::fleet::MEMBERS;
use serde_json::Value;

use crate::{
    say,
    server::{self, Server},
    variable,
};

/// What each of the seven must pass, by revision.
const SCENARIOS: [(&str, &[&str]); 2] = [
    (
        "2025-11-25",
        &[
            "server-initialize",
            "ping",
            "completion-complete",
            "tools-list",
            "resources-list",
            "prompts-list",
            "dns-rebinding-protection",
            "server-sse-multiple-streams",
            "server-session-lifecycle",
            "server-sse-polling",
        ],
    ),
    (
        "2026-07-28",
        &[
            "completion-complete",
            "tools-list",
            "resources-list",
            "prompts-list",
            "dns-rebinding-protection",
            "server-sse-multiple-streams",
            "server-stateless",
            "caching",
            "sep-2164-resource-not-found",
            "input-required-result-unsupported-methods",
            "input-required-result-missing-input-response",
            "input-required-result-ignore-extra-params",
            "input-required-result-validate-input",
            "http-header-validation",
        ],
    ),
];

/// Checks that only a server with the suite's own fixtures, or with sessions, can pass.
const BASELINE: [&str; 8] = [
    "server-sse-polling-session",
    "server-sse-multiple-streams-session",
    "sep-2575-server-rejects-undeclared-capability",
    "sep-2575-missing-capability-http-400",
    "sep-2575-http-server-no-independent-requests-on-stream",
    "sep-2575-server-no-log-without-loglevel",
    "sep-2322-missing-response-rerequests",
    "sep-2322-ignore-unexpected-params",
];

const FIXTURE: &str = "machina-everything";
/// A key for one run on loopback.
const KEY: &str = "mk_everything_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG";

/// Adds `KEY` to every request of the process that loads it.
const KEY_MODULE: &str = "\
import d from 'node:diagnostics_channel';
import http from 'node:http';
import {syncBuiltinESMExports} from 'node:module';
const key = 'Bearer KEY';
d.channel('undici:request:create').subscribe(({request}) => request.addHeader('authorization', key));
const real = http.request;
http.request = (...given) => {
  const list = given.find((one) => Array.isArray(one?.headers))?.headers;
  if (list) list.push('authorization', key);
  const request = real(...given);
  if (!list) request.setHeader('authorization', key);
  return request;
};
syncBuiltinESMExports();";

struct Suite {
    node: PathBuf,
    script: PathBuf,
    output: PathBuf,
}

/// One check that did not succeed.
struct Finding {
    scenario: String,
    check: String,
    status: String,
    message: String,
}

/// Outcome of a run.
#[derive(Default)]
struct Tally {
    passed: usize,
    findings: Vec<Finding>,
}

pub(crate) fn run() -> Result<()> {
    let suite = Suite {
        node: variable("MACHINA_NODE")?,
        script: variable("MACHINA_CONFORMANCE")?,
        output: server::state().join("conformance"),
    };
    let directory = server::build()?;
    let mut failed = fixture(&suite, &directory)?;
    for member in MEMBERS {
        failed += one_of_seven(&suite, &directory, &member.binary())?;
    }
    ensure!(failed == 0, "{failed} checks failed");
    Ok(())
}

/// Every scenario of both revisions, the unscored ones too: no failure, no warning. Plain; with the
/// limits and the audit of every day, but quotas for one caller that does in two seconds what others do
/// in a day; and with a key that callers must show besides.
fn fixture(suite: &Suite, directory: &Path) -> Result<usize> {
    let plain = server::command(directory, FIXTURE);
    let limits = || {
        let mut command = server::plain(directory, FIXTURE);
        for rate in ["READ", "WRITE", "ADMIN"] {
            command.env(format!("MACHINA_RATE_{rate}"), "100:1000");
        }
        command
    };
    let (limited, mut closed) = (limits(), limits());
    closed.env("MACHINA_AUTH", "api_key").env("MACHINA_API_KEY", KEY);
    let mut failed = 0;
    for (way, key, command) in [
        ("plain", None, plain),
        ("with limits", None, limited),
        ("with limits and auth", Some(KEY), closed),
    ] {
        let server = Server::serve(command, FIXTURE)?;
        for (revision, _) in SCENARIOS {
            let output = suite.output.join(format!("everything-{way}-{revision}"));
            suite.run_as(key, &server.url(), &output, &["--requirements", revision])?;
            let tally = tally(&output)?;
            failed += report(&format!("{FIXTURE}, {way}"), revision, &tally, &[]);
        }
    }
    Ok(failed)
}

fn one_of_seven(suite: &Suite, directory: &Path, name: &str) -> Result<usize> {
    let server = Server::start(directory, name)?;
    let mut failed = 0;
    for (revision, scenarios) in SCENARIOS {
        let mut all = Tally::default();
        for scenario in scenarios {
            let output = suite.output.join(format!("{name}-{revision}-{scenario}"));
            let arguments = ["--scenario", scenario, "--spec-version", revision, "--force"];
            suite.run(&server.url(), &output, &arguments)?;
            let one = tally(&output)?;
            all.passed += one.passed;
            all.findings.extend(one.findings);
        }
        failed += report(name, revision, &all, &BASELINE);
    }
    Ok(failed)
}

impl Suite {
    /// Run it; whether it passed is read from the checks it writes.
    fn run(&self, url: &str, output: &Path, arguments: &[&str]) -> Result<()> {
        self.run_as(None, url, output, arguments)
    }

    /// The same with a key in every request, which the suite has no option for: a module that is loaded
    /// first adds it in both of Node's HTTP clients.
    fn run_as(
        &self,
        key: Option<&str>,
        url: &str,
        output: &Path,
        arguments: &[&str],
    ) -> Result<()> {
        if output.exists() {
            fs::remove_dir_all(output)?;
        }
        let mut command = Command::new(&self.node);
        if let Some(key) = key {
            let module = KEY_MODULE.replace("KEY", key).replace('\n', "").replace(' ', "%20");
            command.args(["--import", &format!("data:text/javascript,{module}")]);
        }
        let ran = command
            .arg(&self.script)
            .args(["server", "--url", url, "-o"])
            .arg(output)
            .args(arguments)
            .output()
            .context("the conformance suite cannot be run")?;
        if !output.exists() {
            bail!("the suite wrote no result: {}", String::from_utf8_lossy(&ran.stdout));
        }
        Ok(())
    }
}

fn tally(output: &Path) -> Result<Tally> {
    let mut tally = Tally::default();
    let mut ran = 0;
    for file in checks_files(output)? {
        let checks: Value = serde_json::from_slice(&fs::read(&file)?)?;
        let scenario = file.parent().and_then(Path::file_name).unwrap_or_default();
        for check in checks.as_array().into_iter().flatten() {
            let text = |name: &str| check[name].as_str().unwrap_or_default().to_owned();
            match text("status").as_str() {
                "SUCCESS" => tally.passed += 1,
                "FAILURE" | "WARNING" => tally.findings.push(Finding {
                    scenario: scenario.to_string_lossy().into_owned(),
                    check: text("id"),
                    status: text("status"),
                    message: text("errorMessage"),
                }),
                // Skipped: the scenario does not apply to a server without sessions.
                _ => {}
            }
            ran += 1;
        }
    }
    ensure!(ran > 0, "no check ran in {}", output.display());
    Ok(tally)
}

fn checks_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(checks_files(&path)?);
        } else if path.file_name().is_some_and(|name| name == "checks.json") {
            found.push(path);
        }
    }
    Ok(found)
}

fn report(name: &str, revision: &str, tally: &Tally, baseline: &[&str]) -> usize {
    let (known, new): (Vec<_>, Vec<_>) =
        tally.findings.iter().partition(|finding| baseline.contains(&finding.check.as_str()));
    for finding in &new {
        let Finding { scenario, check, status, message } = finding;
        say(&format!("{name} {revision} {scenario}: {status} {check}: {message}"));
    }
    let (passed, known, failed) = (tally.passed, known.len(), new.len());
    say(&format!("{name:<19} {revision}: {passed} passed, {failed} failed, {known} known"));
    failed
}
