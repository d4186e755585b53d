//! Planted secrets are looked for in everything that leaves a server but the answer that hands one over.

use std::{fmt::Debug, path::Path};

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use mcp_core::{
    StateKey,
    auth::Authenticator,
    config::{CoreConfig, Environment, Flags, Loaded, NoConfig, load},
    fleet,
    state_dir::StateDir,
    upstream::Upstreams,
};
use mcp_testkit::{
    TestResult,
    binary::{self, LIMIT},
    http::{self, PLAIN},
    suite::drive,
    wire,
};
use serde_json::{Value, json};

use crate::peer::{NAME, failure};

const API_KEY: &str = "planted1-0123456789abcdefghijklmnopqrstuvwxyz";
const JWT_SECRET: &str = "planted2-0123456789abcdefghijklmnopqrstuvwxyz";
const STATE_KEY: &str = "planted3-0123456789abcdefghijklmnopqrstuvwxyz";
/// A credential that somebody tries: it may be good elsewhere.
const WRONG: &str = "planted4-0123456789abcdefghijklmnopqrstuvwxyz";

/// What a caller says to a tool is for the tool and the answer alone.
const ARGUMENT: &str = "planted7-0123456789abcdefghijklmnopqrstuvwxyz";

/// How a secret may show: as it is, as base64, as hex, as the bytes of a `Debug`.
fn forms(secret: &str) -> Vec<String> {
    let bytes = format!("{:?}", secret.as_bytes());
    let hex: Vec<String> = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    vec![
        secret.to_owned(),
        BASE64_STANDARD_NO_PAD.encode(secret),
        hex.concat(),
        bytes.trim_matches(['[', ']']).to_owned(),
    ]
}

fn assert_absent(secret: &str, seen: &str, place: &str) {
    for form in forms(secret) {
        let at = seen.find(&form);
        let around = at.map(|at| seen.get(at.saturating_sub(200)..at).unwrap_or_default());
        assert!(at.is_none(), "{place} shows {form}, after {around:?}");
    }
}

/// The fixture with every kind of secret that the configuration takes, logging all it can.
struct Planted {
    state: tempfile::TempDir,
    environment: Vec<(&'static str, String)>,
}

impl Planted {
    fn new(level: &str) -> TestResult<Self> {
        let state = tempfile::tempdir()?;
        let path = |name: &str| state.path().join(name).to_string_lossy().into_owned();
        let secret = path("state-key");
        std::fs::write(&secret, STATE_KEY)?;
        let environment = vec![
            ("MACHINA_AUTH", "api_key,jwt".to_owned()),
            ("MACHINA_API_KEY", API_KEY.to_owned()),
            ("MACHINA_API_KEYS_FILE", path("keys.json")),
            ("MACHINA_JWT_SECRET", JWT_SECRET.to_owned()),
            ("MACHINA_STATE_KEY_FILE", secret),
            ("MACHINA_LOG_LEVEL", level.to_owned()),
            ("MACHINA_AUDIT_FILE", path("audit")),
            ("MACHINA_STATE_DIR", path("own")),
            ("MACHINA_TOOLSET", "all".to_owned()),
            ("MACHINA_PUBLIC_URL", "https://machina.example/mcp".to_owned()),
        ];
        Ok(Self { state, environment })
    }

    fn variables(&self) -> Vec<(&str, &str)> {
        self.environment.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }

    /// What a command says, to its user and to the log.
    async fn said(&self, arguments: &[&str]) -> TestResult<String> {
        let ran = binary::run(NAME, arguments, &self.variables()).await?;
        assert_eq!(ran.code, Some(0), "{arguments:?}: {ran:?}");
        Ok(ran.stdout + &ran.stderr)
    }

    fn file(&self, name: &str) -> TestResult<String> {
        Ok(String::from_utf8_lossy(&std::fs::read(self.state.path().join(name))?).into_owned())
    }
}

async fn ask(
    address: std::net::SocketAddr,
    credential: &str,
    method: &str,
    params: &Value,
) -> TestResult<http::Response> {
    let message = wire::modern(1, method, params).to_string();
    let bearer = format!("Bearer {credential}");
    let mut headers = PLAIN.to_vec();
    headers.extend([("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", method)]);
    headers.extend(params["name"].as_str().map(|name| ("Mcp-Name", name)));
    headers.push(("Authorization", &bearer));
    http::post(address, &headers, message.as_bytes()).await
}

/// Everything a stranger, a caller and an operator ask for; what was said, and the token that a
/// confirmation took.
async fn exercise(address: std::net::SocketAddr, good: &[&str]) -> TestResult<(String, String)> {
    let (mut seen, mut confirm) = (String::new(), String::new());
    let mut hear = |answer: http::Response| {
        seen.push_str(&answer.head);
        seen.push_str(&answer.body);
    };
    for path in ["/health", "/health/ready", "/metrics", "/.well-known/oauth-protected-resource"] {
        hear(http::get(address, path).await?);
    }
    for wrong in [WRONG, "", "a.b.c", &format!("mk_everything_{WRONG}")] {
        hear(ask(address, wrong, "tools/list", &json!({})).await?);
    }
    hear(http::get(address, &format!("/tools?access_token={WRONG}")).await?);
    for credential in good {
        let bearer = format!("Bearer {credential}");
        let own = [PLAIN[0], ("Authorization", bearer.as_str())];
        for target in
            ["GET /status", "GET /tools", "GET /openapi.json", "POST /tools/get_server_status"]
        {
            let answer = http::send(address, target, &own, b"{}").await?;
            assert_eq!(answer.status, 200, "{target}: {answer:?}");
            hear(answer);
        }
        for params in [
            json!({"name": "greet", "arguments": {"name": ARGUMENT}}),
            json!({"name": "get_server_status", "arguments": {"errors": "wrong"}}),
            json!({"name": "no_such_tool", "arguments": {}}),
        ] {
            hear(ask(address, credential, "tools/call", &params).await?);
        }
        let reset = json!({"name": "test_register_reset", "arguments": {}});
        let asked = failure(&ask(address, credential, "tools/call", &reset).await?.json()?);
        let token = asked["details"]["confirm_token"].as_str().unwrap_or_default().to_owned();
        assert!(token.len() > 40, "{asked}");
        let again = json!({"name": "test_register_reset", "arguments": {"confirm_token": token}});
        for _ in 0..2 {
            hear(ask(address, credential, "tools/call", &again).await?);
        }
        confirm = token;
    }
    Ok((seen, confirm))
}

#[test]
fn planted_secrets_are_in_nothing_that_leaves_a_server_at_any_log_level() {
    drive(async {
        for level in ["trace", "debug", "info,rmcp=trace,hyper=trace"] {
            let planted = Planted::new(level)?;
            let minted = planted.said(&["token", "mint", "ci", "--scope", "admin"]).await?;
            let token = minted.lines().find(|line| line.matches('.').count() == 2);
            let made = planted.said(&["key", "create", "ci", "--scope", "admin"]).await?;
            let key = made.lines().find(|line| line.starts_with("mk_")).ok_or("no key")?.trim();
            let token = token.ok_or("no token")?.trim();

            let port = binary::free_port()?;
            let log = planted.state.path().join("log");
            let mut command = binary::command(NAME, planted.state.path())?;
            command.args(["serve", "--port", &port.to_string()]).envs(planted.variables());
            command.stdout(std::process::Stdio::null()).stderr(std::fs::File::create(&log)?);
            let mut child = command.spawn()?;
            let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
            assert!(http::wait_until_live(address, &mut child).await?, "it does not come up");
            let (mut seen, confirm) = exercise(address, &[API_KEY, key, token]).await?;
            binary::signal_to(child.id(), "TERM").await?;
            tokio::time::timeout(LIMIT, child.wait()).await??;
            for arguments in [
                &["config"][..],
                &["config", "--json"],
                &["key", "list"],
                &["tools"],
                &["version"],
                &["call", "greet", "name=x"],
            ] {
                seen.push_str(&planted.said(arguments).await?);
            }
            let written =
                [planted.file("log")?, planted.file("audit")?, planted.file("keys.json")?];
            assert!(written.iter().all(|text| text.len() > 200) && seen.len() > 10_000);
            for text in written {
                // Handed over in an answer, it is for nobody else to read.
                assert_absent(&confirm, &text, "a file");
                if !level.contains("rmcp") {
                    assert_absent(ARGUMENT, &text, "a file");
                }
                seen.push_str(&text);
            }
            for secret in [API_KEY, JWT_SECRET, STATE_KEY, WRONG, key, token] {
                assert_absent(secret, &seen, level);
            }
        }
        Ok(())
    });
}

#[test]
fn planted_secrets_are_in_no_debug_and_no_listing() {
    drive(async {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("secret");
        std::fs::write(&path, STATE_KEY)?;
        let environment: Environment = [
            ("MACHINA_API_KEY", API_KEY),
            ("MACHINA_JWT_SECRET", JWT_SECRET),
            ("MACHINA_STATE_KEY_FILE", path.to_str().ok_or("not UTF-8")?),
            ("MACHINA_AUTH", "api_key,jwt"),
        ]
        .into_iter()
        .collect();
        let loaded: Loaded<NoConfig> = load(&fleet::BAYES, &Flags::default(), &environment)?;
        let core: &CoreConfig = &loaded.core;
        let auth = authenticator(core, directory.path())?;
        let key = StateKey::of(core.state_key.as_ref())?;
        let context = mcp_core::StartContext::detached(directory.path().to_path_buf());
        let shown = [debugs(&loaded), debugs(core), debugs(&auth), debugs(&key), debugs(&context)];
        let seen = shown.concat()
            + &serde_json::to_string(core)?
            + &serde_json::to_string(&loaded.entries)?;
        assert!(seen.contains("***") && seen.len() > 2_000, "{seen}");
        for secret in [API_KEY, JWT_SECRET, STATE_KEY] {
            assert_absent(secret, &seen, "a Debug");
        }
        Ok(())
    });
}

fn authenticator(core: &CoreConfig, state: &Path) -> TestResult<Authenticator> {
    let state = StateDir::new(state.to_path_buf());
    Ok(Authenticator::open(core, &fleet::BAYES, &state, &Upstreams::default())?)
}

fn debugs(value: &impl Debug) -> String {
    format!("{value:?} {value:#?}")
}
