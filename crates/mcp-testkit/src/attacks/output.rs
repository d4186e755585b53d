//! OU: what leaves a server, for a model to read.

use std::collections::BTreeSet;

use mcp_core::McpServer;
use serde_json::Value;

use super::{
    Outcome,
    channel::{Channel, Said, Transport},
    input::{below, no_internals},
    instance,
    transport::Logged,
};
use crate::{TestResult, ensure, http, suite::fault};

/// Calls that fit the schemas: with the least, and with everything.
pub(super) fn good_calls(tools: &[Value], wanted: impl Fn(&Value) -> bool) -> Vec<(String, Value)> {
    let mut calls = Vec::new();
    for tool in tools.iter().filter(|tool| wanted(&tool["annotations"])) {
        let name = tool["name"].as_str().unwrap_or_default();
        calls.push((name.to_owned(), instance::minimal(&tool["inputSchema"])));
        calls.push((name.to_owned(), instance::full(&tool["inputSchema"])));
    }
    calls.dedup();
    calls
}

/// Secrets in the environment are in no answer, no log line, no metric, no listing of settings.
pub async fn ou_03<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    let canaries: &[(&str, &str)] = match S::FACTS.member.name {
        "stripe" => &[("STRIPE_API_KEY", "sk_test_canary0000000000000000000000")],
        "shopify" => &[
            ("SHOPIFY_ACCESS_TOKEN", "shpat_canary00000000000000000000000"),
            ("SHOPIFY_STORE_DOMAIN", "example.myshopify.com"),
            ("SHOPIFY_API_BASE", "http://127.0.0.1:9"),
        ],
        _ => &[],
    };
    let secrets: Vec<&str> =
        canaries.iter().map(|(_, value)| *value).filter(|value| value.contains("canary")).collect();
    if secrets.is_empty() {
        return Ok(Outcome::NotApplicable("no setting of its own is secret"));
    }
    let mut seen = String::new();
    if transport == Transport::Http {
        let logged = Logged::start::<S>(canaries).await?;
        for path in ["/metrics", "/health", "/health/ready", "/status", "/tools", "/openapi.json"] {
            seen.push_str(&http::get(logged.address, path).await?.body);
        }
        let tools = logged.tools().await?;
        for (name, arguments) in good_calls(&tools, |_| true) {
            let params = serde_json::json!({"name": name, "arguments": arguments});
            seen.push_str(&http::modern(logged.address, "tools/call", &params).await?.body);
        }
        seen.push_str(&logged.stop().await?);
        let config =
            crate::binary::run(&S::FACTS.member.binary(), &["config", "--json"], canaries).await?;
        seen.push_str(&config.stdout);
        seen.push_str(&config.stderr);
    } else {
        let mut channel = Channel::open_with::<S>(transport, canaries).await?;
        for (name, arguments) in good_calls(&channel.tools.clone(), |_| true) {
            seen.push_str(&channel.call(&name, &arguments).await?.raw);
        }
    }
    for secret in secrets {
        ensure!(!seen.contains(secret), "the secret `{secret}` was shown");
    }
    ensure!(!seen.is_empty(), "nothing was seen");
    Ok(Outcome::Run)
}

/// A result that a client would cut off.
pub async fn ou_04<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    fault::a_result_too_large_says_how_to_ask_for_less::<S>().await?;
    Ok(Outcome::Run)
}

/// No error shows a path, a stack or a line of code.
pub async fn ou_05<S: McpServer>(transport: Transport) -> TestResult<Outcome> {
    if S::VERBATIM_SCHEMAS {
        return Ok(Outcome::NotApplicable("the fixture's errors are the official suite's"));
    }
    let mut channel = Channel::open::<S>(transport).await?;
    let mut errors = 0;
    for (name, arguments) in good_calls(&channel.tools.clone(), |_| true) {
        let reply = channel.call(&name, &arguments).await?;
        if let Said::Refused(error) = &reply.said {
            errors += 1;
            no_internals(&reply).map_err(|found| format!("{name}: {found}"))?;
            ensure!(error["request_id"].is_string(), "{name}: {error}");
        }
        ensure!(!matches!(reply.said, Said::Fault(-32603)), "{name} {arguments}: {reply:?}");
    }
    let first = channel.tools[0]["name"].as_str().unwrap_or_default().to_owned();
    let reply = channel.call_text(&first, "{\"no_such_argument\":1}").await?;
    no_internals(&reply)?;
    ensure!(errors > 0 || reply.is_refusal(), "no error was seen");
    Ok(Outcome::Run)
}

/// Tools that say they change nothing change nothing that the server keeps.
pub(super) async fn ou_06<S: McpServer>() -> TestResult<Outcome> {
    if S::VERBATIM_SCHEMAS {
        return Ok(Outcome::NotApplicable("no tool of the fixture says that it only reads"));
    }
    let mut channel = Channel::open::<S>(Transport::Http).await?;
    let before = contents(&channel)?;
    for (name, arguments) in
        good_calls(&channel.tools.clone(), |hints| hints["readOnlyHint"] == true)
    {
        channel.call(&name, &arguments).await?;
    }
    let after = contents(&channel)?;
    let new: Vec<_> = after.difference(&before).collect();
    ensure!(new.is_empty(), "new after reads alone: {new:?}");
    Ok(Outcome::Run)
}

/// What lies in the state directory, but for logs that a store turns over by itself, and what the core
/// makes when it is first needed.
fn contents(channel: &Channel) -> TestResult<BTreeSet<String>> {
    let own = |path: &String| {
        path.contains("audit") || ["state/format", "state/state_key"].contains(&path.as_str())
    };
    Ok(below(channel.home())?.into_iter().filter(|path| !own(path)).collect())
}

/// The second call of an idempotent tool leaves what the first left, and says the same.
pub(super) async fn ou_07<S: McpServer>() -> TestResult<Outcome> {
    let mut channel = Channel::open::<S>(Transport::Http).await?;
    let mut called = 0;
    for (name, arguments) in
        good_calls(&channel.tools.clone(), |hints| hints["idempotentHint"] == true)
    {
        if name == mcp_core::status::TOOL {
            // It tells of the calls that were made.
            continue;
        }
        let first = channel.call(&name, &arguments).await?;
        let again = channel.call(&name, &arguments).await?;
        called += 1;
        ensure!(first.code() == again.code(), "{name}: {first:?}, then {again:?}");
        if let (Said::Success(first), Said::Success(again)) = (&first.said, &again.said) {
            let (first, again) = (lasting(first), lasting(again));
            ensure!(first == again, "{name} {arguments}: {first}, then {again}");
        }
    }
    if called == 0 {
        return Ok(Outcome::NotApplicable("no tool says that it is idempotent"));
    }
    Ok(Outcome::Run)
}

/// An answer without what tells time, or whether something was new, or which job did it.
pub(super) fn lasting(value: &Value) -> Value {
    const PASSING: &[&str] = &[
        "_ms",
        "_s",
        "_at",
        "elapsed",
        "duration",
        "seconds",
        "created",
        "status",
        "outcome",
        "unchanged",
        "repeated",
        "version",
        "cost",
        "cost_limit",
        "request_id",
        "job_id",
    ];
    match value {
        Value::Object(object) => object
            .iter()
            .filter(|(name, _)| !PASSING.iter().any(|end| name.ends_with(end)))
            .map(|(name, inner)| (name.clone(), lasting(inner)))
            .collect::<serde_json::Map<_, _>>()
            .into(),
        Value::Array(items) => items.iter().map(lasting).collect(),
        scalar => scalar.clone(),
    }
}

/// Pictures and pages that would run or fetch something.
pub async fn ou_08<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    if S::VERBATIM_SCHEMAS {
        return Ok(Outcome::NotApplicable("the fixture's pictures are the official suite's"));
    }
    let mut channel = Channel::open::<S>(Transport::Http).await?;
    let mut pictures = 0;
    for (name, arguments) in good_calls(&channel.tools.clone(), |_| true) {
        let raw = channel.call(&name, &arguments).await?.raw.to_lowercase();
        for word in ["<script", "javascript:", "onload=", "<foreignobject", "xlink:href=\\\"http"] {
            ensure!(!raw.contains(word), "{name}: `{word}`");
        }
        pictures +=
            usize::from(raw.contains("<svg") || raw.contains("image/svg") || raw.contains("<html"));
    }
    if pictures == 0 {
        return Ok(Outcome::NotApplicable(
            "no answer holds SVG or HTML but the charts of runs, which darwin's tests draw with hostile names",
        ));
    }
    Ok(Outcome::Run)
}

/// Forms that ask for what must not be typed into one.
pub async fn ou_09<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    std::future::ready(()).await;
    if S::VERBATIM_SCHEMAS {
        return Ok(Outcome::NotApplicable("the fixture's forms are the official suite's"));
    }
    Ok(Outcome::NotApplicable("no tool asks by a form"))
}
