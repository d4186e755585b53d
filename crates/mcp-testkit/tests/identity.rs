//! Who may call what, over HTTP, on the fixture.

use std::{net::SocketAddr, path::Path};

use mcp_core::{
    McpServer, StartContext,
    auth::key_file::{self, Grant},
    config::{AuthMode, CoreConfig, NoConfig},
    limits::{Rate, Rates},
    pipeline::Guarded,
};
use mcp_testkit::{
    TestResult,
    everything::Everything,
    http::{self, Response},
    suite::drive,
    wire,
};
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;

const NAME: &str = Everything::FACTS.member.name;

/// The fixture behind API keys.
struct Closed {
    address: SocketAddr,
    dir: tempfile::TempDir,
    _serving: DropGuard,
}

impl Closed {
    async fn start(change: impl FnOnce(&mut CoreConfig)) -> TestResult<Self> {
        let dir = tempfile::tempdir()?;
        let mut core = CoreConfig::default();
        core.auth = vec![AuthMode::ApiKey];
        core.api_keys_file = Some(keys(dir.path()));
        "all".clone_into(&mut core.toolset);
        change(&mut core);
        // So that there is no first key.
        key_file::create(&keys(dir.path()), NAME, "someone", Grant::default())?;
        let context = StartContext::detached(dir.path().to_path_buf());
        let server = Everything::start(NoConfig::default(), context).await?;
        let (address, serving) = http::serve_here(&Guarded::new(server, &core)?, &core).await?;
        Ok(Self { address, dir, _serving: serving })
    }

    fn key(&self, name: &str, grant: Grant) -> TestResult<String> {
        Ok(key_file::create(&keys(self.dir.path()), NAME, name, grant)?.0)
    }

    /// Ask until a change of the file of keys is seen.
    async fn until(&self, key: &str, status: u16) -> TestResult<()> {
        let wait = async {
            while self.ask(Some(key), "tools/list", &json!({})).await?.status != status {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
            Ok(())
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), wait).await?
    }

    async fn ask(&self, key: Option<&str>, method: &str, params: &Value) -> TestResult<Response> {
        let message = wire::modern(1, method, params).to_string();
        let bearer = key.map(|key| format!("Bearer {key}"));
        let mut headers = http::PLAIN.to_vec();
        headers.extend([("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", method)]);
        headers.extend(params["name"].as_str().map(|name| ("Mcp-Name", name)));
        headers.extend(bearer.as_deref().map(|bearer| ("Authorization", bearer)));
        http::post(self.address, &headers, message.as_bytes()).await
    }

    async fn call(&self, key: &str, tool: &str) -> TestResult<Response> {
        self.ask(Some(key), "tools/call", &json!({"name": tool, "arguments": {}})).await
    }
}

fn keys(dir: &Path) -> std::path::PathBuf {
    dir.join("keys.json")
}

fn scoped(scope: &str) -> Grant {
    Grant { scopes: vec![format!("{NAME}:{scope}")], ..Grant::default() }
}

#[test]
fn strangers_are_turned_away() {
    drive(async {
        let closed = Closed::start(|_| {}).await?;
        for key in [None, Some(""), Some("mk_wrong"), Some("a.b.c")] {
            let answer = closed.ask(key, "tools/list", &json!({})).await?;
            assert_eq!(answer.status, 401, "{answer:?}");
            assert!(answer.head.contains("www-authenticate: bearer realm="), "{answer:?}");
            assert_eq!(answer.json()?["error"]["code"], 1401);
        }
        for path in ["/tools", "/status", "/nothing", "/mcp?access_token=x"] {
            assert_eq!(http::get(closed.address, path).await?.status, 401, "{path}");
        }
        // Liveness, and on this machine what an operator polls.
        for path in ["/health", "/health/ready", "/metrics"] {
            assert_eq!(http::get(closed.address, path).await?.status, 200, "{path}");
        }
        Ok(())
    });
}

#[test]
fn a_key_opens_what_its_scopes_and_tools_say() {
    drive(async {
        let closed = Closed::start(|_| {}).await?;
        let nothing = closed.key("nothing", Grant::default())?;
        let all = closed.key("all", scoped("admin"))?;
        let one = Grant { tools: Some(["greet".to_owned()].into()), ..scoped("admin") };
        let one = closed.key("one", one)?;
        closed.until(&all, 200).await?;

        let listed = closed.ask(Some(&all), "tools/list", &json!({})).await?.json()?;
        assert!(listed["result"]["tools"].as_array().is_some_and(|tools| tools.len() > 10));
        assert_eq!(listed["result"]["cacheScope"], "private");
        assert_eq!(closed.call(&all, "greet").await?.status, 200);

        let listed = closed.ask(Some(&one), "tools/list", &json!({})).await?.json()?;
        assert_eq!(listed["result"]["tools"].as_array().map(Vec::len), Some(1));
        assert_eq!(closed.call(&one, "greet").await?.status, 200);
        assert_eq!(closed.call(&one, "test_simple_text").await?.status, 403);

        assert_eq!(closed.ask(Some(&nothing), "server/discover", &json!({})).await?.status, 200);
        let answer = closed.ask(Some(&nothing), "tools/list", &json!({})).await?;
        assert_eq!(answer.status, 403, "{answer:?}");
        assert!(answer.head.contains("error=\"insufficient_scope\""), "{answer:?}");
        assert!(answer.head.contains(&format!("scope=\"{NAME}:read\"")), "{answer:?}");
        assert_eq!(closed.call(&nothing, "greet").await?.status, 403);
        Ok(())
    });
}

#[test]
fn a_revoked_key_closes() {
    drive(async {
        let closed = Closed::start(|_| {}).await?;
        let key = closed.key("ci", scoped("admin"))?;
        closed.until(&key, 200).await?;
        key_file::revoke(&keys(closed.dir.path()), "ci")?;
        closed.until(&key, 401).await
    });
}

#[test]
fn quotas_are_those_of_the_key_and_say_when_to_come_back() {
    drive(async {
        let closed = Closed::start(|core| core.rate_read = Rate::new(1_000, 1_000)).await?;
        let slow = Rate::new(1, 3);
        let rates = Rates { read: slow, write: slow, admin: slow };
        let slow = closed.key("slow", Grant { rates: Some(rates), ..scoped("read") })?;
        let fast = closed.key("fast", scoped("read"))?;
        closed.until(&fast, 200).await?;
        let mut refused = None;
        for _ in 0..10 {
            let answer = closed.ask(Some(&slow), "tools/list", &json!({})).await?;
            if answer.status != 200 {
                refused = Some(answer);
                break;
            }
        }
        let refused = refused.ok_or("the quota never ended")?;
        assert_eq!(refused.status, 429, "{refused:?}");
        assert!(refused.head.contains("retry-after: 1"), "{refused:?}");
        let error = &refused.json()?["error"];
        assert_eq!(error["code"], 1429);
        assert!(error["data"]["retry_after_ms"].as_u64().is_some_and(|after| after <= 1_000));
        assert_eq!(closed.ask(Some(&fast), "tools/list", &json!({})).await?.status, 200);
        Ok(())
    });
}

/// Ask a path with a key; the answer's status and body.
async fn plain(closed: &Closed, key: &str, target: &str, body: &str) -> TestResult<(u16, Value)> {
    let bearer = format!("Bearer {key}");
    let headers = [http::PLAIN[0], ("Authorization", bearer.as_str())];
    let answer = http::send(closed.address, target, &headers, body.as_bytes()).await?;
    Ok((answer.status, answer.json()?))
}

#[test]
fn plain_http_asks_for_the_same_scopes_and_counts_the_same_quotas() {
    drive(async {
        let closed = Closed::start(|_| {}).await?;
        let nothing = closed.key("nothing", Grant::default())?;
        let read = closed.key("read", scoped("read"))?;
        let one = Rate::new(1, 1);
        let rates = Rates { read: one, write: one, admin: one };
        let tools = Some(["greet".to_owned()].into());
        let slow = Grant { tools, rates: Some(rates), ..scoped("admin") };
        let slow = closed.key("slow", slow)?;
        closed.until(&read, 200).await?;

        for target in ["GET /tools", "GET /openapi.json", "POST /tools/get_server_status"] {
            let (status, problem) = plain(&closed, &nothing, target, "{}").await?;
            assert_eq!((status, &problem["code"]), (403, &json!("insufficient_scope")), "{target}");
            assert_eq!(plain(&closed, &read, target, "{}").await?.0, 200, "{target}");
        }
        let (_, listed) = plain(&closed, &read, "GET /tools", "").await?;
        assert_eq!(listed["tools"].as_array().map(Vec::len), Some(2), "those that only read");
        let (status, problem) = plain(&closed, &read, "POST /tools/greet", "{}").await?;
        assert_eq!((status, &problem["code"]), (403, &json!("insufficient_scope")));
        assert_eq!(plain(&closed, &read, "GET /tools/greet", "").await?.0, 404);

        assert_eq!(plain(&closed, &slow, "POST /tools/greet", r#"{"name":"x"}"#).await?.0, 200);
        let (status, problem) = plain(&closed, &slow, "POST /tools/greet", "{}").await?;
        assert_eq!((status, &problem["code"]), (429, &json!("rate_limited")), "{problem}");
        assert!(problem["retry_after_ms"].is_u64(), "{problem}");
        Ok(())
    });
}

#[test]
fn operators_need_their_scopes() {
    drive(async {
        let closed = Closed::start(|_| {}).await?;
        let nothing = closed.key("nothing", Grant::default())?;
        let write = closed.key("write", scoped("write"))?;
        closed.until(&write, 200).await?;
        assert_eq!(plain(&closed, &nothing, "GET /status", "").await?.0, 403);
        let (status, report) = plain(&closed, &write, "GET /status", "").await?;
        assert_eq!((status, &report["server"]), (200, &json!(NAME)));
        let level = r#"{"level":"debug"}"#;
        let (status, problem) = plain(&closed, &write, "PUT /admin/log-level", level).await?;
        assert_eq!((status, &problem["code"]), (403, &json!("insufficient_scope")));
        Ok(())
    });
}
