//! Generated projects: how they are made, started and spoken with. One file per language uses it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use machina_scaffold::{Config, Server};
use mcp_testkit::{
    InProcess, TestResult,
    binary::{StdioServer, free_port},
    http, wire,
};
use serde_json::{Value, json};
use tokio::{net::TcpStream, process::Command};

/// A cold build of an SDK takes minutes.
const BUILD_LIMIT: Duration = Duration::from_secs(480);
const START_LIMIT: Duration = Duration::from_secs(60);

/// Three tools: a given schema, typed parameters, and names and texts that are hard to write.
pub(crate) fn spec(language: &str, transports: &[&str]) -> Value {
    json!({
        "name": "sample-server",
        "description": "Says \"hello\" to */ everyone {{ name }} in ${USER}'s town \\ – grüße 😀",
        "language": language,
        "transports": transports,
        "tools": [
            {
                "name": "shout", "description": "Repeats a text.",
                "input_schema": {
                    "type": "object",
                    "properties": {
                        "text": {"$ref": "#/$defs/text"},
                        "mode": {"enum": ["\"quoted\"", "`${tick}`", "\\"], "default": "\\"},
                        "more": {"type": "object", "properties": {"deep": {"type": "array", "items": {"type": "integer"}}}},
                    },
                    "required": ["text"],
                    "$defs": {"text": {"type": "string", "minLength": 1, "maxLength": 100}},
                },
            },
            {
                "name": "get_forecast", "title": "Forecast", "description": "Weather of a city.",
                "parameters": [
                    {"name": "city", "type": "string", "description": "Where it is \"raining\"."},
                    {"name": "days", "type": "integer", "minimum": 1, "maximum": 14, "required": false},
                    {"name": "type", "type": "string", "enum": ["short", "long"], "required": false},
                    {"name": "min-temp", "type": "number", "required": false},
                    {"name": "hours", "type": "array", "items": "integer", "max_length": 3, "required": false},
                ],
                "annotations": {"read_only": true, "open_world": true},
            },
            {"name": "match", "description": "A tool named like a keyword, without arguments."},
        ],
    })
}

/// What `tools/list` must say, by name: worked out by hand, not by the server under test.
pub(crate) fn expected_tools() -> Value {
    let output = json!({
        "type": "object",
        "properties": {"arguments": {"type": "object", "description": "The arguments as they came."}},
        "required": ["arguments"],
        "additionalProperties": false,
    });
    let write = json!({"readOnlyHint": false, "destructiveHint": true, "idempotentHint": false, "openWorldHint": true});
    json!([
        {
            "name": "get_forecast", "title": "Forecast", "description": "Weather of a city.",
            "inputSchema": {
                "type": "object",
                "properties": {
                    "city": {"type": "string", "description": "Where it is \"raining\"."},
                    "days": {"type": "integer", "minimum": 1, "maximum": 14},
                    "type": {"type": "string", "enum": ["short", "long"]},
                    "min-temp": {"type": "number"},
                    "hours": {"type": "array", "items": {"type": "integer"}, "maxItems": 3},
                },
                "required": ["city"],
                "additionalProperties": false,
            },
            "outputSchema": output,
            "annotations": {"readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": true},
        },
        {
            "name": "match", "title": "Match", "description": "A tool named like a keyword, without arguments.",
            "inputSchema": {"type": "object", "properties": {}, "additionalProperties": false},
            "outputSchema": output, "annotations": write,
        },
        {
            "name": "shout", "title": "Shout", "description": "Repeats a text.",
            "inputSchema": spec("rust", &[])["tools"][0]["input_schema"],
            "outputSchema": output, "annotations": write,
        },
    ])
}

/// Calls that must be answered with their arguments, and calls that must be refused.
fn calls() -> (Value, Value) {
    let right = json!([
        ["shout", {"text": "grüße 😀 \"\\\n", "mode": "`${tick}`", "more": {"deep": [1, 2]}, "unnamed": [null]}],
        ["get_forecast", {"city": "x", "days": 3, "type": "short", "min-temp": -1.5, "hours": [1]}],
        ["get_forecast", {"city": ""}],
        ["match", {}],
    ]);
    let wrong = json!([
        ["shout", {"text": ""}],
        ["shout", {"mode": "\\"}],
        ["shout", {"text": "a", "more": {"deep": ["x"]}}],
        ["get_forecast", {"city": "x", "days": 15}],
        ["get_forecast", {"city": "x", "type": "other"}],
        ["get_forecast", {"city": "x", "hours": [1, 2, 3, 4]}],
        ["get_forecast", {"city": 1}],
        ["match", {"unexpected": 1}],
    ]);
    (right, wrong)
}

/// Write a project below `root` with the server under test; its directory.
pub(crate) async fn create(
    root: &Path,
    language: &str,
    transports: &[&str],
) -> TestResult<PathBuf> {
    let server =
        InProcess::<Server>::start(Config::with_roots([root.display().to_string()])).await?;
    let plan = server.call("plan_project", json!({"spec": spec(language, transports)})).await?;
    let plan = plan.structured();
    assert!(plan.get("warnings").is_none(), "{plan}");
    let target = format!("{language}-{}", transports.join("-"));
    let arguments = json!({"plan_id": plan["plan_id"], "target": target});
    server.call("create_project", arguments).await?.structured();
    Ok(root.join(target))
}

/// A directory of ours that outlives the test: SDKs are built and fetched once.
pub(crate) fn cache(name: &str) -> TestResult<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "no setting: where caches are kept")]
    let home = std::env::var_os("HOME").ok_or("no HOME")?;
    let path = Path::new(&home).join(".cache/machina").join(name);
    std::fs::create_dir_all(&path)?;
    Ok(path)
}

/// Say why a test cannot run; in CI that is a failure.
#[expect(clippy::print_stdout, reason = "what was not tested must be said")]
pub(crate) fn skip(reason: &str) -> TestResult {
    #[expect(clippy::disallowed_methods, reason = "no setting: whether this is CI")]
    let in_ci = std::env::var_os("CI").is_some();
    if in_ci {
        return Err(format!("must run in CI: {reason}").into());
    }
    println!("skipped: {reason}");
    Ok(())
}

/// A command in a directory.
pub(crate) fn command(
    program: impl AsRef<std::ffi::OsStr>,
    arguments: &[&str],
    directory: &Path,
) -> Command {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .current_dir(directory)
        .stdin(std::process::Stdio::null())
        .kill_on_drop(true);
    command
}

/// Run a command to its end: its output, or what went wrong.
pub(crate) async fn run(mut command: Command) -> Result<String, String> {
    let output = tokio::time::timeout(BUILD_LIMIT, command.output())
        .await
        .map_err(|_| format!("{command:?} took too long"))?
        .map_err(|error| format!("{command:?}: {error}"))?;
    let text =
        [output.stdout, output.stderr].map(|part| String::from_utf8_lossy(&part).into_owned());
    if output.status.success() {
        Ok(text.concat())
    } else {
        Err(format!("{command:?}: {}\n{}", output.status, text.concat()))
    }
}

/// Speak with a project on stdio, in both eras: lists, calls, purity of stdout, exit at the end.
pub(crate) async fn speak_stdio(start: impl Fn() -> Command) -> TestResult {
    let mut server = spawn(start())?;
    server.ask(&wire::initialize(1, wire::LEGACY)).await?;
    server.send(&wire::notification("notifications/initialized", &json!({}))).await?;
    let listed = server.ask(&wire::request(2, "tools/list", &json!({}))).await?;
    check_list(&listed)?;
    let (right, wrong) = calls();
    let mut id = 2;
    for call in right.as_array().into_iter().chain(wrong.as_array()).flatten() {
        id += 1;
        let params = json!({"name": call[0], "arguments": call[1]});
        let answer = server.ask(&wire::request(id, "tools/call", &params)).await?;
        check_call(call, &answer, right.as_array().is_some_and(|right| right.contains(call)));
    }
    let (rest, status) = server.close().await?;
    assert!(rest.is_empty() && status.success(), "{rest:?} {status}");
    let mut modern = spawn(start())?;
    check_list(&modern.ask(&wire::modern(1, "tools/list", &json!({}))).await?)?;
    let params = json!({"name": "match", "arguments": {}});
    let answer = modern.ask(&wire::modern(2, "tools/call", &params)).await?;
    check_call(&json!(["match", {}]), &answer, true);
    assert!(modern.close().await?.1.success());
    Ok(())
}

fn spawn(mut command: Command) -> TestResult<StdioServer> {
    use std::process::Stdio;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    StdioServer::spawn(command)
}

/// Speak with a project over HTTP: lists in both eras, a call, foreign hosts and origins, SIGTERM.
pub(crate) async fn speak_http(mut start: Command) -> TestResult {
    let port = free_port()?;
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut child = start
        .env("PORT", port.to_string())
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let wait = async {
        while TcpStream::connect(address).await.is_err() {
            if let Some(status) = child.try_wait()? {
                return Err(format!("the project ended: {status}").into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        TestResult::Ok(())
    };
    tokio::time::timeout(START_LIMIT, wait).await??;
    check_list(&http::modern(address, "tools/list", &json!({})).await?.json()?)?;
    let initialized = http::legacy(address, &wire::initialize(1, wire::LEGACY)).await?;
    assert_eq!(initialized.json()?["result"]["serverInfo"]["name"], "sample-server");
    check_list(&http::legacy(address, &wire::request(1, "tools/list", &json!({}))).await?.json()?)?;
    let params = json!({"name": "get_forecast", "arguments": {"city": "x", "days": 15}});
    let refused = http::modern(address, "tools/call", &params).await?.json()?;
    assert_eq!(refused["result"]["isError"], true, "{refused}");
    let body = wire::initialize(1, wire::LEGACY).to_string();
    for (header, value, allowed) in [
        ("Host", "evil.example", false),
        ("Host", "localhost.evil.example", false),
        ("Origin", "http://evil.example", false),
        ("Origin", "null", false),
        ("Origin", "http://localhost:3000", true),
    ] {
        let headers = [http::PLAIN[0], http::PLAIN[1], (header, value)];
        let answer = http::post(address, &headers, body.as_bytes()).await?;
        assert_eq!(answer.status == 200, allowed, "{header}: {value}: {}", answer.status);
        assert!(answer.status < 500, "{header}: {value}: {}", answer.status);
    }
    mcp_testkit::binary::signal_to(child.id(), "TERM").await?;
    tokio::time::timeout(Duration::from_secs(5), child.wait()).await??;
    Ok(())
}

fn check_list(answer: &Value) -> TestResult {
    let mut tools =
        answer["result"]["tools"].as_array().cloned().ok_or(format!("no list: {answer}"))?;
    tools.sort_by_key(|tool| tool["name"].to_string());
    let fields = ["name", "title", "description", "inputSchema", "outputSchema", "annotations"];
    let listed: Value = tools
        .iter()
        .map(|tool| {
            fields
                .iter()
                .map(|field| ((*field).to_owned(), tool[*field].clone()))
                .collect::<Value>()
        })
        .collect();
    assert!(same(&listed, &expected_tools()), "{listed:#}\nis not\n{:#}", expected_tools());
    Ok(())
}

fn check_call(call: &Value, answer: &Value, is_right: bool) {
    let result = &answer["result"];
    if is_right {
        let echoed = &result["structuredContent"]["arguments"];
        assert!(same(echoed, &call[1]), "{call} was answered {answer}");
        assert_ne!(result["isError"], true, "{call} was answered {answer}");
    } else {
        assert_eq!(result["isError"], true, "{call} was answered {answer}");
    }
}

/// Equal, where languages write whole numbers with or without a fraction.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|it| same(value, it)))
        }
        _ => one == other,
    }
}
