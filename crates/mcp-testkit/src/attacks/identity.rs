//! AU: who calls, and what one caller can learn or take of another. Tokens are made here, by hand, so that
//! they can be wrong in every way.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hmac::{Hmac, Mac};
use mcp_core::McpServer;
use serde_json::{Value, json};
use sha2::Sha256;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use super::{
    Outcome,
    channel::{LIMITS, Transport},
    instance,
    transport::Logged,
};
use crate::{
    TestResult,
    binary::{self, HttpServer},
    ensure,
    http::{self, PLAIN, Response},
    wire,
};

const SECRET: &str = "a-shared-secret-of-the-tests-0123456789abcdef";
const ISSUER: &str = "https://issuer.example";
const RESOURCE: &str = "https://machina.example/mcp";

pub(super) fn settings() -> [(&'static str, &'static str); 9] {
    let [a, b, c, d] = LIMITS;
    [
        a,
        b,
        c,
        d,
        ("MACHINA_AUTH", "jwt"),
        ("MACHINA_JWT_SECRET", SECRET),
        ("MACHINA_JWT_ISSUER", ISSUER),
        ("MACHINA_PUBLIC_URL", RESOURCE),
        ("MACHINA_TOOLSET", "all"),
    ]
}

/// A server that asks for tokens of the shared secret.
async fn start<S: McpServer>() -> TestResult<HttpServer> {
    HttpServer::start(&S::FACTS.member.binary(), &settings()).await
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Claims that are right, for these scopes.
fn claims(scope: &str) -> Value {
    json!({"iss": ISSUER, "aud": RESOURCE, "sub": "tester", "exp": now() + 600, "nbf": now() - 60, "iat": now(), "scope": scope})
}

fn scope<S: McpServer>(right: &str) -> String {
    format!("{}:{right}", S::FACTS.member.name)
}

/// A token of a header and claims, signed with a secret.
fn token(header: &Value, claims: &Value, secret: &str) -> String {
    let signed =
        format!("{}.{}", BASE64.encode(header.to_string()), BASE64.encode(claims.to_string()));
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    let signature = mac.map(|mac| mac.chain_update(signed.as_bytes()).finalize().into_bytes());
    format!("{signed}.{}", signature.map(|bytes| BASE64.encode(bytes)).unwrap_or_default())
}

/// A token of another subject, with every right.
pub(super) fn token_of<S: McpServer>(subject: &str) -> String {
    let mut claims = claims(&scope::<S>("admin"));
    claims["sub"] = subject.into();
    token(&json!({"alg": "HS256", "typ": "JWT"}), &claims, SECRET)
}

fn good_token<S: McpServer>(right: &str) -> String {
    token(&json!({"alg": "HS256", "typ": "JWT"}), &claims(&scope::<S>(right)), SECRET)
}

/// A request of the newest revision with this Authorization header.
pub(super) async fn ask(
    address: SocketAddr,
    credential: Option<&str>,
    method: &str,
    params: &Value,
) -> TestResult<Response> {
    tell(address, credential, &wire::modern(1, method, params)).await
}

/// The same, with a message as it stands.
pub(super) async fn tell(
    address: SocketAddr,
    credential: Option<&str>,
    message: &Value,
) -> TestResult<Response> {
    let (method, params) = (message["method"].as_str().unwrap_or_default(), &message["params"]);
    let mut headers = PLAIN.to_vec();
    headers.extend([("MCP-Protocol-Version", wire::MODERN), ("Mcp-Method", method)]);
    if let Some(name) = ["name", "uri", "taskId"].iter().find_map(|key| params[*key].as_str()) {
        headers.push(("Mcp-Name", name));
    }
    if let Some(credential) = credential {
        headers.push(("Authorization", credential));
    }
    http::post(address, &headers, message.to_string().as_bytes()).await
}

async fn list(address: SocketAddr, credential: Option<&str>) -> TestResult<Response> {
    ask(address, credential, "tools/list", &json!({})).await
}

/// None of these credentials gets in, and each answer says where to get one. An address may be wrong ten
/// times a minute, so that few are shown to one server.
async fn none_gets_in<S: McpServer>(credentials: &[(&str, String)]) -> TestResult {
    for few in credentials.chunks(8) {
        let server = start::<S>().await?;
        the_right_one_gets_in::<S>(server.address).await?;
        for (what, credential) in few {
            let answer = list(server.address, Some(credential)).await?;
            ensure!(answer.status == 401, "{what}: {answer:?}");
            ensure!(answer.head.contains("www-authenticate: bearer"), "{what}: {answer:?}");
            ensure!(!answer.body.contains("\"tools\""), "{what}: {answer:?}");
        }
    }
    Ok(())
}

/// The right token gets in: without this the refusals would prove nothing.
async fn the_right_one_gets_in<S: McpServer>(address: SocketAddr) -> TestResult {
    let credential = format!("Bearer {}", good_token::<S>("admin"));
    let answer = list(address, Some(&credential)).await?;
    ensure!(answer.status == 200, "the right token is refused: {answer:?}");
    Ok(())
}

/// No, malformed, empty token.
pub async fn au_01<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    if transport == Transport::Rest {
        for path in ["/tools", "/openapi.json"] {
            let answer = http::get(server.address, path).await?;
            ensure!(answer.status == 401, "{path}: {answer:?}");
        }
        let answer = super::channel::post_to(server.address, "/tools/any", "{}").await?;
        ensure!(answer.status == 401, "{answer:?}");
        return Ok(Outcome::Run);
    }
    the_right_one_gets_in::<S>(server.address).await?;
    let absent = list(server.address, None).await?;
    ensure!(absent.status == 401 && absent.head.contains("resource_metadata="), "{absent:?}");
    let good = good_token::<S>("admin");
    let wrong = [
        ("empty", "Bearer ".to_owned()),
        ("no scheme", good.clone()),
        ("basic", format!("Basic {good}")),
        ("two tokens", format!("Bearer {good} {good}")),
        ("garbage", "Bearer abc".to_owned()),
        ("two parts", "Bearer a.b".to_owned()),
        ("four parts", format!("Bearer {good}.x")),
        (
            "no signature",
            format!("Bearer {}.", good.rsplit_once('.').map_or("", |(signed, _)| signed)),
        ),
    ];
    none_gets_in::<S>(&wrong).await?;
    Ok(Outcome::Run)
}

/// Tokens of another time, issuer or audience.
pub async fn au_02<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let changed = |member: &str, value: Value| {
        let mut claims = claims(&scope::<S>("admin"));
        match value {
            Value::Null => drop(claims.as_object_mut().and_then(|claims| claims.remove(member))),
            value => claims[member] = value,
        }
        format!("Bearer {}", token(&json!({"alg": "HS256"}), &claims, SECRET))
    };
    let wrong = [
        ("expired", changed("exp", json!(now() - 120))),
        ("without expiry", changed("exp", Value::Null)),
        ("expiry a text", changed("exp", json!("tomorrow"))),
        ("not yet valid", changed("nbf", json!(now() + 600))),
        ("another issuer", changed("iss", json!("https://evil.example"))),
        ("issuer with a slash", changed("iss", json!(format!("{ISSUER}/")))),
        ("without issuer", changed("iss", Value::Null)),
        ("another audience", changed("aud", json!("https://other.example/mcp"))),
        ("audience a prefix", changed("aud", json!("https://machina.example"))),
        (
            "audiences without ours",
            changed("aud", json!(["https://a.example", "https://b.example"])),
        ),
        ("without audience", changed("aud", Value::Null)),
    ];
    none_gets_in::<S>(&wrong).await?;
    Ok(Outcome::Run)
}

/// Algorithm confusion, keys that the token brings along.
pub async fn au_03<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let (hits, address) = counting_server("{\"keys\":[]}").await?;
    let url = format!("http://{address}/keys");
    let good = claims(&scope::<S>("admin"));
    let with = |header: Value, secret: &str| format!("Bearer {}", token(&header, &good, secret));
    let unsigned = format!(
        "Bearer {}.{}.",
        BASE64.encode("{\"alg\":\"none\"}"),
        BASE64.encode(good.to_string())
    );
    let wrong = [
        ("alg none", unsigned),
        ("alg None", with(json!({"alg": "None"}), "")),
        (
            "another secret",
            with(json!({"alg": "HS256"}), "another-secret-of-the-tests-0123456789abcdef"),
        ),
        ("empty secret", with(json!({"alg": "HS256"}), "")),
        ("HS384", with(json!({"alg": "HS384"}), SECRET)),
        ("RS256", with(json!({"alg": "RS256"}), SECRET)),
        ("unknown", with(json!({"alg": "XX256"}), SECRET)),
        ("jku", with(json!({"alg": "RS256", "jku": url, "kid": "x"}), SECRET)),
        ("x5u", with(json!({"alg": "RS256", "x5u": url, "kid": "x"}), SECRET)),
        (
            "jwk",
            with(
                json!({"alg": "HS256", "jwk": {"kty": "oct", "k": BASE64.encode("evil")}}),
                "evil",
            ),
        ),
        ("critical extension", with(json!({"alg": "HS256", "crit": ["x"], "x": 1}), "evil")),
    ];
    none_gets_in::<S>(&wrong).await?;
    ensure!(hits.load(Ordering::SeqCst) == 0, "a key was fetched from where the token said");
    Ok(Outcome::Run)
}

/// A thousand unknown key ids: at most two fetches, the first one included.
pub async fn au_04<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let (hits, address) = counting_server("{\"keys\":[]}").await?;
    let url = format!("http://{address}/keys");
    let variables = [
        ("MACHINA_AUTH", "jwt"),
        ("MACHINA_JWKS_URL", url.as_str()),
        ("MACHINA_JWT_ISSUER", ISSUER),
        ("MACHINA_PUBLIC_URL", RESOURCE),
    ];
    let server = HttpServer::start(&S::FACTS.member.binary(), &variables).await?;
    for index in 0..1_000 {
        let header = json!({"alg": "RS256", "kid": format!("key-{index}")});
        let credential =
            format!("Bearer {}", token(&header, &claims(&scope::<S>("admin")), SECRET));
        let answer = list(server.address, Some(&credential)).await?;
        let refused = matches!(answer.status, 401 | 429 | 503);
        ensure!(refused, "{answer:?}");
    }
    let hits = hits.load(Ordering::SeqCst);
    ensure!(hits <= 2, "{hits} fetches of the key set");
    Ok(Outcome::Run)
}

/// A token in the query does not count, and is not logged.
pub async fn au_05<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let mut variables = settings().to_vec();
    variables.push(("MACHINA_LOG_LEVEL", "trace"));
    let logged = Logged::start::<S>(&variables).await?;
    let good = good_token::<S>("admin");
    for key in ["access_token", "token", "api_key", "authorization"] {
        let body = wire::request(1, "tools/list", &json!({})).to_string();
        let path = format!("/mcp?{key}={good}");
        let answer = super::channel::post_to(logged.address, &path, &body).await?;
        ensure!(answer.status == 401, "{key}: {answer:?}");
    }
    let log = logged.stop().await?;
    ensure!(!log.contains(&good), "the token is in the log");
    Ok(Outcome::Run)
}

/// Missing scope: 403 with what is needed; a broader one implies it.
pub async fn au_06<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    let none = format!("Bearer {}", token(&json!({"alg": "HS256"}), &claims("other:read"), SECRET));
    let answer =
        ask(server.address, Some(&none), "tools/call", &first_call::<S>(server.address).await?)
            .await?;
    ensure!(answer.status == 403 && answer.head.contains("insufficient_scope"), "{answer:?}");
    ensure!(answer.head.contains(&scope::<S>("")), "the scope is not named: {answer:?}");
    let broad = format!("Bearer {}", good_token::<S>("admin"));
    let answer =
        ask(server.address, Some(&broad), "tools/call", &first_call::<S>(server.address).await?)
            .await?;
    ensure!(answer.status == 200, "{answer:?}");
    Ok(Outcome::Run)
}

/// A harmless call of the first tool.
async fn first_call<S: McpServer>(address: SocketAddr) -> TestResult<Value> {
    let credential = format!("Bearer {}", good_token::<S>("admin"));
    let tools = list(address, Some(&credential)).await?.json()?;
    Ok(json!({"name": tools["result"]["tools"][0]["name"], "arguments": {"no_such_argument": 1}}))
}

/// What a scope does not allow is not listed, and calling it has no effect.
pub async fn au_07<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    let admin = format!("Bearer {}", good_token::<S>("admin"));
    let reader = format!("Bearer {}", good_token::<S>("read"));
    let all = list(server.address, Some(&admin)).await?.json()?;
    let all = all["result"]["tools"].as_array().cloned().unwrap_or_default();
    let Some(hidden) = all.iter().find(|tool| tool["annotations"]["readOnlyHint"] != true) else {
        return Ok(Outcome::NotApplicable("every tool only reads"));
    };
    let name = hidden["name"].as_str().unwrap_or_default();
    let arguments = instance::minimal(&hidden["inputSchema"]);
    if transport == Transport::Rest {
        let body = arguments.to_string();
        let head = format!(
            "POST /tools/{name} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {reader}\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let answer = http::raw(server.address, head.as_bytes()).await?;
        ensure!(answer.status == 403, "{answer:?}");
        return Ok(Outcome::Run);
    }
    let few = list(server.address, Some(&reader)).await?.json()?;
    let few = few["result"]["tools"].as_array().cloned().unwrap_or_default();
    let reads = few.iter().all(|tool| tool["annotations"]["readOnlyHint"] == true);
    ensure!(reads && few.iter().all(|tool| tool["name"] != name), "a reader is shown {name}");
    let call = json!({"name": name, "arguments": arguments});
    let answer = ask(server.address, Some(&reader), "tools/call", &call).await?;
    ensure!(answer.status == 403, "{name}: {answer:?}");
    Ok(Outcome::Run)
}

/// The token itself is nowhere: not in answers, metrics, status, logs.
pub async fn au_08<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let mut variables = settings().to_vec();
    variables.push(("MACHINA_LOG_LEVEL", "trace"));
    let logged = Logged::start::<S>(&variables).await?;
    let good = good_token::<S>("admin");
    let credential = format!("Bearer {good}");
    let mut seen = String::new();
    for (method, params) in [
        ("tools/list", json!({})),
        ("tools/call", json!({"name": "no_such_tool", "arguments": {}})),
        ("resources/read", json!({"uri": "machina://nowhere"})),
        ("resources/read", json!({"uri": "machina://status"})),
    ] {
        seen.push_str(&ask(logged.address, Some(&credential), method, &params).await?.body);
    }
    for path in ["/metrics", "/status", "/health", "/health/ready"] {
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {credential}\r\n\r\n"
        );
        seen.push_str(&http::raw(logged.address, head.as_bytes()).await?.body);
    }
    seen.push_str(&logged.stop().await?);
    let signature = good.rsplit('.').next().unwrap_or_default();
    ensure!(
        !seen.contains(signature) && !seen.contains(SECRET),
        "the token or the secret was shown"
    );
    Ok(Outcome::Run)
}

/// Guessing keys: slowed down from the eleventh failure on. Digests are looked up, so that time tells
/// nothing of a key; that is measured in the core, not here.
pub async fn au_09<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let variables = [("MACHINA_AUTH", "api_key")];
    let server = HttpServer::start(&S::FACTS.member.binary(), &variables).await?;
    let mut statuses = Vec::new();
    for index in 0..20 {
        let guess = format!("Bearer mk_{}_{index:043}", S::FACTS.member.name);
        statuses.push(list(server.address, Some(&guess)).await?.status);
    }
    let refused = statuses.iter().take(10).all(|status| *status == 401);
    let slowed = statuses.iter().skip(10).all(|status| *status == 429);
    ensure!(refused && slowed, "{statuses:?}");
    Ok(Outcome::Run)
}

/// Health says nothing of settings; random names make no series.
pub async fn au_12<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    let credential = format!("Bearer {}", good_token::<S>("admin"));
    let head = format!(
        "GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: {credential}\r\n\r\n"
    );
    let call = |index: u32| json!({"name": format!("random_{index}"), "arguments": {}});
    ask(server.address, Some(&credential), "tools/call", &call(0)).await?;
    let before = http::raw(server.address, head.as_bytes()).await?.body;
    for index in 1..200 {
        ask(server.address, Some(&credential), "tools/call", &call(index)).await?;
    }
    let after = http::raw(server.address, head.as_bytes()).await?.body;
    let series = |text: &str| text.lines().filter(|line| !line.starts_with('#')).count();
    // Counters that were never touched before may appear; one for each name may not.
    ensure!(
        series(&after) < series(&before) + 50,
        "{} series, then {}",
        series(&before),
        series(&after)
    );
    let health = http::get(server.address, "/health").await?.body;
    for text in [SECRET, ISSUER, "random_"] {
        ensure!(!health.contains(text) && !after.contains(text), "`{text}` is shown");
    }
    Ok(Outcome::Run)
}

/// Another address than loopback without a credential: exit 64 with the setting's name. The first start
/// makes a key that only its owner can read.
pub async fn au_13<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let name = S::FACTS.member.binary();
    if transport == Transport::Stdio {
        return Ok(Outcome::NotApplicable("stdio binds nothing"));
    }
    for address in ["0.0.0.0", "::", "192.0.2.1"] {
        let ran = binary::run(&name, &["serve", "--bind", address, "--port", "0"], &[]).await?;
        ensure!(ran.code == Some(64) && ran.stderr.contains("MACHINA_"), "{address}: {ran:?}");
    }
    let state = tempfile::tempdir()?;
    let directory = state.path().join("own").to_string_lossy().into_owned();
    let variables = [("MACHINA_AUTH", "api_key"), ("MACHINA_STATE_DIR", directory.as_str())];
    let logged = Logged::start::<S>(&variables).await?;
    let path = std::path::Path::new(&directory).join("api_key");
    let key = std::fs::read_to_string(&path)?.trim().to_owned();
    ensure!(key.len() >= 32, "a short key");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&path)?.permissions().mode() & 0o777;
        ensure!(mode == 0o600, "the key file has mode {mode:o}");
    }
    let answer = list(logged.address, Some(&format!("Bearer {key}"))).await?;
    ensure!(answer.status == 200, "the generated key is refused: {answer:?}");
    let log = logged.stop().await?;
    ensure!(!log.contains(&key), "the key is in the log");
    Ok(Outcome::Run)
}

/// A key set that cannot be had: nobody gets in.
pub async fn au_14<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let variables = [
        ("MACHINA_AUTH", "jwt"),
        ("MACHINA_JWKS_URL", "http://127.0.0.1:9/keys"),
        ("MACHINA_JWT_ISSUER", ISSUER),
        ("MACHINA_PUBLIC_URL", RESOURCE),
    ];
    let server = HttpServer::start(&S::FACTS.member.binary(), &variables).await?;
    let header = json!({"alg": "RS256", "kid": "a"});
    let credential = format!("Bearer {}", token(&header, &claims(&scope::<S>("admin")), SECRET));
    let answer = list(server.address, Some(&credential)).await?;
    ensure!(matches!(answer.status, 401 | 503), "{answer:?}");
    Ok(Outcome::Run)
}

/// What one principal caused is not seen by another: lists and answers after an administrator's are a
/// reader's own.
pub async fn au_15<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    let admin = format!("Bearer {}", good_token::<S>("admin"));
    let reader = format!("Bearer {}", good_token::<S>("read"));
    let none = format!("Bearer {}", token(&json!({"alg": "HS256"}), &claims("other:read"), SECRET));
    for method in ["tools/list", "resources/list", "resources/templates/list", "prompts/list"] {
        let first = ask(server.address, Some(&reader), method, &json!({})).await?.json()?;
        ask(server.address, Some(&admin), method, &json!({})).await?;
        let again = ask(server.address, Some(&reader), method, &json!({})).await?.json()?;
        ensure!(first["result"] == again["result"], "{method}: {first}, then {again}");
    }
    let tools = list(server.address, Some(&reader)).await?.json()?;
    for tool in tools["result"]["tools"].as_array().into_iter().flatten() {
        let arguments = instance::minimal(&tool["inputSchema"]);
        let call = json!({"name": tool["name"], "arguments": arguments});
        ask(server.address, Some(&admin), "tools/call", &call).await?;
        let answer = ask(server.address, Some(&none), "tools/call", &call).await?;
        ensure!(answer.status == 403, "{}: an answer without a right: {answer:?}", tool["name"]);
    }
    Ok(Outcome::Run)
}

/// The resource's metadata (RFC 9728).
pub async fn au_16<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let server = start::<S>().await?;
    for path in
        ["/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp"]
    {
        let answer = http::get(server.address, path).await?;
        ensure!(answer.status == 200, "{path}: {answer:?}");
        let told = answer.json()?;
        ensure!(told["resource"] == RESOURCE, "{path}: {told}");
        ensure!(
            told["authorization_servers"].as_array().is_some_and(|servers| !servers.is_empty()),
            "{path}: {told}"
        );
        let scopes = told["scopes_supported"].to_string();
        ensure!(!scopes.contains('*') && !scopes.contains("offline_access"), "{path}: {told}");
    }
    Ok(Outcome::Run)
}

/// A server that answers every request with this JSON and counts them.
async fn counting_server(body: &'static str) -> TestResult<(Arc<AtomicUsize>, SocketAddr)> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let hits = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hits);
    #[expect(clippy::disallowed_methods, reason = "a test's own task, ended with its runtime")]
    drop(tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut request = [0; 4_096];
            let answer = format!(
                "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            if stream.read(&mut request).await.is_ok() {
                drop(stream.write_all(answer.as_bytes()).await);
            }
        }
    }));
    Ok((hits, address))
}
