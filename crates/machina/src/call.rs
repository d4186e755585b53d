//! `call` and `tools`.

use std::{net::SocketAddr, time::Duration};

use mcp_core::{
    StartError,
    cli::{arguments_of, show},
    fleet::Member,
    server::{CallPolicy, Exit},
    transport::local::call_message,
};
use serde_json::{Map, Value};
use tokio::process::Command;

use crate::{client, output, sibling};

/// A little more than the longest call.
const LIMIT: Duration = CallPolicy::MAX_DEADLINE.saturating_add(Duration::from_secs(10));

const UNAUTHORIZED: u16 = 401;

/// Call a tool on the running server; without one, on one that lives for this call.
pub(crate) async fn call(
    member: &Member,
    tool: &str,
    words: &[String],
    json: bool,
) -> Result<Exit, StartError> {
    let arguments = arguments_of(words)?;
    let address = sibling::address(member).await?;
    let live = client::get(address, "/health", Duration::from_secs(1)).await;
    if !live.is_ok_and(|answer| answer.body["server"] == member.name) {
        return call_alone(member, tool, &arguments, json).await;
    }
    let message = call_message(tool, &arguments);
    let mut answer = post(member, address, &message, None).await?;
    if answer.status == UNAUTHORIZED {
        // Nothing was called, so it can be sent again: with the key in the server's own state directory,
        // which this user can read or not.
        let key = first_key(member).await?;
        answer = post(member, address, &message, Some(&key)).await?;
    }
    show(&answer.body, json)
}

async fn post(
    member: &Member,
    address: SocketAddr,
    message: &Value,
    key: Option<&str>,
) -> Result<client::Answer, StartError> {
    client::mcp(address, message, key, LIMIT).await.map_err(|error| {
        StartError::unavailable(format!("{}: the call got no answer: {error}", member.binary()))
            .with_hint("whether it took effect is unknown: look before you repeat it")
    })
}

async fn first_key(member: &Member) -> Result<String, StartError> {
    let output = sibling::run(member, &["key"]).await?;
    let key = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    if output.status.success() && !key.is_empty() {
        return Ok(key);
    }
    let what = format!("{} asks for a key, and its first one is not at hand", member.binary());
    let hint = format!(
        "run this as the user of the server, or call POST /tools/<tool> with `Authorization: Bearer <key>`; \
         `{} key create` makes one",
        member.binary()
    );
    Err(StartError::config(what).with_hint(hint))
}

async fn call_alone(
    member: &Member,
    tool: &str,
    arguments: &Value,
    json: bool,
) -> Result<Exit, StartError> {
    let path = sibling::executable(member)?;
    let mut command = Command::new(&path);
    command.args(["call", tool, &arguments.to_string()]).args(json.then_some("--json"));
    let status = command.status().await.map_err(|error| {
        StartError::internal(format!("{} cannot be run: {error}", path.display()))
    })?;
    match status.code() {
        Some(0) => Ok(Exit::Ok),
        Some(64) => Ok(Exit::Usage),
        Some(69) => Ok(Exit::Unavailable),
        Some(1) => Ok(Exit::CallFailed),
        _ => Ok(Exit::Internal),
    }
}

/// List the tools of servers.
pub(crate) async fn tools(
    members: Vec<&'static Member>,
    json: bool,
    toolset: Option<&str>,
) -> Result<Exit, StartError> {
    let mut all = Map::new();
    for member in members {
        let mut arguments = vec!["tools", "--json"];
        arguments.extend(toolset.map(|name| ["--toolset", name]).into_iter().flatten());
        all.insert(member.name.to_owned(), sibling::json(member, &arguments).await?);
    }
    if json {
        output::line(&format!("{:#}", Value::Object(all)))?;
        return Ok(Exit::Ok);
    }
    let mut rows = Vec::new();
    for (server, tools) in &all {
        for tool in tools.as_array().into_iter().flatten() {
            let text = |name: &str| tool[name].as_str().unwrap_or_default().to_owned();
            rows.push([server.clone(), text("name"), text("title")]);
        }
    }
    output::table(["server", "tool", "title"], &rows)?;
    Ok(Exit::Ok)
}
