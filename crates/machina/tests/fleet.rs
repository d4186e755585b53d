//! The fleet's command line, on the real executables where they are built.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use mcp_testkit::{TestResult, binary, ensure, http, suite::drive};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
};

const PAIR: [&str; 2] = ["bayes", "darwin"];

/// `machina` beside copies of the servers' executables, or without some of them.
struct Fleet {
    directory: tempfile::TempDir,
    ports: BTreeMap<&'static str, u16>,
}

impl Fleet {
    fn with(servers: &[&'static str]) -> TestResult<Self> {
        let directory = tempfile::tempdir()?;
        let mut ports = BTreeMap::new();
        for name in servers {
            link(&format!("machina-{name}"), directory.path())?;
            ports.insert(*name, binary::free_port()?);
        }
        link("machina", directory.path())?;
        Ok(Self { directory, ports })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let state = self.directory.path();
        let mut command = Command::new(state.join("machina"));
        command.args(arguments).env_clear().env("HOME", state).env("XDG_CONFIG_HOME", state);
        command.env("PATH", "/usr/bin:/bin");
        for (name, port) in &self.ports {
            command.env(format!("MACHINA_{}_PORT", name.to_uppercase()), port.to_string());
        }
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn run(&self, arguments: &[&str]) -> TestResult<binary::Ran> {
        let output =
            tokio::time::timeout(binary::LIMIT, self.command(arguments).output()).await??;
        Ok(binary::Ran {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout)?,
            stderr: String::from_utf8(output.stderr)?,
        })
    }

    /// Start `up` and read stdout until the table is complete.
    async fn up(&self) -> TestResult<(Child, String)> {
        let mut arguments = vec!["up"];
        arguments.extend(self.ports.keys());
        let mut command = self.command(&arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().ok_or("no stdout")?).lines();
        let mut table = String::new();
        let read = async {
            while let Some(line) = lines.next_line().await? {
                table.push_str(&line);
                table.push('\n');
                if line.starts_with("Ctrl-C") {
                    return TestResult::Ok(true);
                }
            }
            Ok(false)
        };
        ensure!(tokio::time::timeout(binary::LIMIT, read).await??, "no table: {table}");
        Ok((child, table))
    }

    fn address(&self, name: &str) -> std::net::SocketAddr {
        ([127, 0, 0, 1], self.ports[name]).into()
    }
}

fn link(name: &str, directory: &std::path::Path) -> TestResult {
    // A hard link keeps the path that `machina` derives its siblings from; across file systems copy.
    let (from, to) = (binary::path_of(name)?, directory.join(name));
    if std::fs::hard_link(&from, &to).is_err() {
        std::fs::copy(&from, &to)?;
    }
    Ok(())
}

async fn until_down(address: std::net::SocketAddr) -> TestResult {
    let wait = async {
        while http::get(address, "/health").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    Ok(tokio::time::timeout(binary::LIMIT, wait).await?)
}

#[test]
fn up_shows_calls_and_ends_all_on_a_signal() {
    drive(async {
        let fleet = Fleet::with(&PAIR)?;
        let (mut child, table) = fleet.up().await?;
        for name in PAIR {
            let port = fleet.ports[name].to_string();
            ensure!(
                table.contains(name) && table.contains(&port) && table.contains("ready"),
                "{table}"
            );
        }
        let status = fleet.run(&["status", "--json", "bayes", "darwin"]).await?;
        let rows: Value = serde_json::from_str(&status.stdout)?;
        ensure!(rows[0]["state"] == "ready" && rows[1]["state"] == "ready", "{rows}");
        ensure!(status.code == Some(0), "{status:?}");
        let called =
            fleet.run(&["call", "bayes", "apply_bayes_rule", r#"{"no_such_argument": 1}"#]).await?;
        ensure!(called.code == Some(1) && called.stderr.contains("invalid_argument"), "{called:?}");
        let second = fleet.run(&["up", "bayes"]).await?;
        ensure!(
            second.code == Some(69) && second.stderr.contains("machina-bayes runs there"),
            "{second:?}"
        );
        binary::signal_to(child.id(), "INT").await?;
        let ended = tokio::time::timeout(binary::LIMIT, child.wait()).await??;
        ensure!(ended.success(), "{ended}");
        for name in PAIR {
            ensure!(http::get(fleet.address(name), "/health").await.is_err(), "{name} still runs");
        }
        Ok(())
    });
}

#[test]
fn a_killed_server_comes_back_and_none_outlives_the_fleet() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let (mut child, _) = fleet.up().await?;
        let pid = child.id().ok_or("ended")?.to_string();
        let listed = Command::new("ps").args(["--ppid", &pid, "-o", "pid="]).output().await?;
        let server: u32 = String::from_utf8(listed.stdout)?.trim().parse()?;
        binary::signal_to(Some(server), "KILL").await?;
        until_down(fleet.address("bayes")).await?;
        let back = async {
            while http::get(fleet.address("bayes"), "/health").await.is_err() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(binary::LIMIT, back).await?;
        child.kill().await?;
        until_down(fleet.address("bayes")).await
    });
}

#[test]
fn mistakes_are_named() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let unknown = fleet.run(&["up", "bayse"]).await?;
        ensure!(unknown.code == Some(64) && unknown.stderr.contains("`bayes`"), "{unknown:?}");
        let missing = fleet.run(&["up", "darwin"]).await?;
        ensure!(
            missing.code == Some(64) && missing.stderr.contains("machina-darwin is not in"),
            "{missing:?}"
        );
        let taken = std::net::TcpListener::bind(fleet.address("bayes"))?;
        let busy = fleet.run(&["up"]).await?;
        ensure!(busy.code == Some(64), "darwin is missing: {busy:?}");
        let busy = fleet.run(&["up", "bayes"]).await?;
        ensure!(
            busy.code == Some(69) && busy.stderr.contains("in use by another process"),
            "{busy:?}"
        );
        drop(taken);
        let down = fleet.run(&["status", "bayes"]).await?;
        ensure!(down.code == Some(1) && down.stdout.contains("down"), "{down:?}");
        Ok(())
    });
}

#[test]
fn one_port_for_two_servers_is_refused() {
    drive(async {
        let fleet = Fleet { ports: BTreeMap::new(), ..Fleet::with(&PAIR)? };
        let mut command = fleet.command(&["up", "bayes", "darwin"]);
        let output = command.env("MACHINA_PORT", "6100").output().await?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.code() == Some(64) && stderr.contains("both set to port 6100"),
            "{stderr}"
        );
        Ok(())
    });
}

#[test]
fn a_server_with_a_wrong_setting_stops_the_start() {
    drive(async {
        let fleet = Fleet::with(&PAIR)?;
        let mut command = fleet.command(&["up", "bayes", "darwin"]);
        let output = command.env("MACHINA_DARWIN_PROT", "1").output().await?;
        let stderr = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(64), "{stderr}");
        ensure!(
            stderr.contains("machina-darwin") && stderr.contains("MACHINA_DARWIN_PORT"),
            "{stderr}"
        );
        Ok(())
    });
}

#[test]
fn a_call_without_a_running_server_starts_one_for_it() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let called = fleet.run(&["call", "bayes", "no_such_tool"]).await?;
        ensure!(called.code == Some(1) && called.stderr.contains("no_such_tool"), "{called:?}");
        let tools = fleet.run(&["tools", "bayes"]).await?;
        ensure!(tools.code == Some(0) && tools.stdout.contains("apply_bayes_rule"), "{tools:?}");
        Ok(())
    });
}

#[test]
fn a_server_that_asks_for_a_key_is_called_with_its_first() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let auth = ("MACHINA_AUTH", "api_key");
        let mut server = Command::new(fleet.directory.path().join("machina-bayes"));
        server.arg("serve").env_clear().env(auth.0, auth.1).env("HOME", fleet.directory.path());
        server.env("MACHINA_BAYES_PORT", fleet.ports["bayes"].to_string());
        let _server =
            server.stdin(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true).spawn()?;
        let live = async {
            while http::get(fleet.address("bayes"), "/health").await.is_err() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(binary::LIMIT, live).await?;
        let test = r#"test={"prevalence": 0.5, "sensitivity": 0.9, "specificity": 0.9}"#;
        let mut call = fleet.command(&["call", "bayes", "apply_bayes_rule", test]);
        let output = call.env(auth.0, auth.1).output().await?;
        let said = String::from_utf8(output.stdout)?;
        ensure!(
            output.status.success() && said.contains("posterior"),
            "{said} {:?}",
            output.stderr
        );
        let mut other = fleet.command(&["call", "bayes", "apply_bayes_rule", test]);
        let output =
            other.env("MACHINA_STATE_DIR", fleet.directory.path().join("empty")).output().await?;
        let said = String::from_utf8(output.stderr)?;
        ensure!(output.status.code() == Some(64) && said.contains("key create"), "{said}");
        Ok(())
    });
}

#[test]
fn a_client_is_told_and_untold() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let file = fleet.directory.path().join("mcp.json");
        std::fs::write(&file, "{\n  // mine\n  \"servers\": {}\n}\n")?;
        let path = file.to_str().ok_or("not Unicode")?;
        let told = ["install", "vscode", "bayes", "--file", path];
        let dry = fleet.run(&[&told[..], &["--dry-run"]].concat()).await?;
        ensure!(dry.code == Some(0) && dry.stdout.contains("would be added"), "{dry:?}");
        ensure!(!std::fs::read_to_string(&file)?.contains("bayes"), "a dry run wrote");
        let ran = fleet.run(&told).await?;
        ensure!(ran.code == Some(0) && ran.stdout.contains("added"), "{ran:?}");
        let text = std::fs::read_to_string(&file)?;
        let executable = fleet.directory.path().join("machina-bayes");
        ensure!(text.contains("// mine") && text.contains(executable.to_str().unwrap()), "{text}");
        let http = fleet.run(&[&told[..], &["--http"]].concat()).await?;
        ensure!(http.code == Some(64) && http.stderr.contains("--replace"), "{http:?}");
        let http = fleet.run(&[&told[..], &["--http", "--replace"]].concat()).await?;
        ensure!(http.code == Some(0) && http.stdout.contains("replaced"), "{http:?}");
        let url = format!("http://{}/mcp", fleet.address("bayes"));
        ensure!(std::fs::read_to_string(&file)?.contains(&url), "no {url}");
        let out = fleet.run(&[&told[..], &["--remove"]].concat()).await?;
        ensure!(out.code == Some(0) && out.stdout.contains("removed"), "{out:?}");
        ensure!(!std::fs::read_to_string(&file)?.contains("bayes"), "it is still there");
        Ok(())
    });
}

#[test]
fn a_client_that_cannot_be_told_is_named() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let unknown = fleet.run(&["install", "cursr", "bayes"]).await?;
        ensure!(unknown.code == Some(64) && unknown.stderr.contains("`cursor`"), "{unknown:?}");
        let absent = fleet.run(&["install", "cursor", "bayes"]).await?;
        ensure!(absent.code == Some(69) && absent.stderr.contains("--file"), "{absent:?}");
        let program = fleet.run(&["install", "claude-code", "bayes"]).await?;
        ensure!(
            program.code == Some(69)
                && program.stderr.contains("claude mcp add --scope user bayes"),
            "{program:?}"
        );
        Ok(())
    });
}

#[test]
fn doctor_says_what_is_wrong() {
    drive(async {
        let fleet = Fleet::with(&["bayes"])?;
        let well = fleet.run(&["doctor", "bayes"]).await?;
        ensure!(well.code == Some(0) && well.stdout.contains("would be ready"), "{well:?}");
        ensure!(!well.stdout.contains("hint"), "{well:?}");
        let mut loose = fleet.command(&["doctor", "bayes"]);
        let output = loose.env("MACHINA_RATE_WRITE", "0").output().await?;
        let stdout = String::from_utf8(output.stdout)?;
        ensure!(stdout.contains("core.rate_write is 0"), "{stdout}");
        ensure!(stdout.contains("unset MACHINA_RATE_WRITE"), "{stdout}");
        std::fs::write(fleet.directory.path().join("file"), "")?;
        let mut blocked = fleet.command(&["doctor", "bayes"]);
        let place = fleet.directory.path().join("file/state");
        let output = blocked.env("MACHINA_STATE_DIR", place).output().await?;
        let stdout = String::from_utf8(output.stdout)?;
        ensure!(stdout.contains("warning") && stdout.contains("file/state"), "{stdout}");
        let missing = fleet.run(&["doctor", "darwin", "--json"]).await?;
        let findings: Value = serde_json::from_str(&missing.stdout)?;
        ensure!(findings[0]["state"] == "fault" && missing.code == Some(1), "{missing:?}");
        Ok(())
    });
}
