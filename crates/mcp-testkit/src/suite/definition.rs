//! What a client is told: tools, prompts, documents.

use mcp_core::{McpServer, config::CoreConfig, pipeline::catalogue::Catalogue};
use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::{InProcess, TestResult, ensure, in_process::all_tools};

/// Every definition of a server's own, for the snapshot.
pub fn all<S: McpServer>() -> Value {
    let catalogue = catalogue::<S>();
    let own = catalogue.tools().filter(|tool| tool.name != mcp_core::status::TOOL);
    let tools: Vec<Tool> = own.cloned().collect();
    let sets: Vec<Value> = S::toolsets()
        .iter()
        .map(|set| json!({"name": set.name, "purpose": set.purpose, "tools": set.tools}))
        .collect();
    let prompts: Vec<Value> = S::prompts()
        .iter()
        .map(|prompt| {
            let arguments: Vec<Value> = prompt
                .arguments
                .iter()
                .map(|argument| json!({"name": argument.name, "required": argument.required, "description": argument.description}))
                .collect();
            json!({"name": prompt.name, "description": prompt.description, "arguments": arguments})
        })
        .collect();
    json!({"instructions": S::instructions(), "tools": tools, "toolsets": sets, "prompts": prompts})
}

fn catalogue<S: McpServer>() -> Catalogue {
    Catalogue::new::<S>(&all_tools()).expect("every tool's schema compiles")
}

/// Each tool says everything a client and a reviewer need; names and sets are in order.
///
/// # Panics
/// When one does not.
pub fn complete<S: McpServer>() {
    let catalogue = catalogue::<S>();
    for tool in catalogue.tools() {
        let name = &tool.name;
        let fine = name.len() <= 40
            && name.split('_').count() <= 3
            && name.chars().all(|c| matches!(c, 'a'..='z' | '0'..='9' | '_'));
        assert!(fine, "{name}: a name is verb_noun, [a-z0-9_], at most 3 words and 40 characters");
        assert!(tool.title.is_some(), "{name} has no title");
        assert!(
            tool.description.as_ref().is_some_and(|text| text.len() >= 20),
            "{name} has no description"
        );
        assert!(tool.output_schema.is_some(), "{name} has no output schema");
        let hints =
            tool.annotations.as_ref().unwrap_or_else(|| panic!("{name} has no annotations"));
        let all = [
            hints.read_only_hint,
            hints.destructive_hint,
            hints.idempotent_hint,
            hints.open_world_hint,
        ];
        assert!(all.iter().all(Option::is_some), "{name}: all four annotations must be given");
        assert_ne!(
            (hints.read_only_hint, hints.destructive_hint),
            (Some(true), Some(true)),
            "{name}"
        );
        assert_eq!(
            tool.input_schema.get("additionalProperties"),
            Some(&Value::Bool(false)),
            "{name} takes unknown arguments: deny_unknown_fields is missing"
        );
        described(name, &Value::Object((*tool.input_schema).clone()));
        no_orders(name, &serde_json::to_string(tool).expect("a definition is JSON"));
    }
    sets_are_in_order::<S>(&catalogue);
}

/// Every field is described: for a model an undocumented field is a guess.
fn described(tool: &str, schema: &Value) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, property) in properties {
            let known = property.get("description").is_some()
                || property.get("const").is_some()
                || property.get("$ref").is_some();
            assert!(known, "{tool}: argument `{name}` is not described");
        }
    }
    match schema {
        Value::Object(object) => object.values().for_each(|inner| described(tool, inner)),
        Value::Array(items) => items.iter().for_each(|inner| described(tool, inner)),
        _ => {}
    }
}

/// Definitions inform; they do not instruct the model, and hide nothing.
fn no_orders(name: &str, definition: &str) {
    let text = definition.to_lowercase();
    for order in [
        "important:",
        "ignore previous",
        "always call",
        "you must",
        "never mention",
        "before any other",
    ] {
        assert!(!text.contains(order), "{name}: `{order}` is an order to the model");
    }
    let hidden = |c: char| matches!(u32::from(c), 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x2069 | 0xE0000..=0xE007F);
    assert!(!definition.chars().any(hidden), "{name}: hidden characters");
}

fn sets_are_in_order<S: McpServer>(catalogue: &Catalogue) {
    let sets = S::toolsets();
    let core = sets.first().expect("a server has a toolset");
    assert_eq!(core.name, "core", "the first toolset is the default");
    assert!((1..=12).contains(&core.tools.len()), "core holds 1 to 12 tools");
    for set in sets {
        for name in set.tools {
            assert!(
                catalogue.tool(name).is_some(),
                "toolset {} names {name}, which is no tool",
                set.name
            );
        }
    }
}

#[expect(clippy::too_many_lines, reason = "one walk through everything that is declared")]
/// Lists, reads, renders and completes what the server declares; unknown names are -32602.
pub async fn prompts_and_documents_are_served<S: McpServer>() -> TestResult {
    let server = InProcess::<S>::start(S::Config::default()).await?;
    let prompts = server.request("prompts/list", json!({})).await;
    let listed = prompts["result"]["prompts"].as_array().ok_or("no prompts")?;
    ensure!(listed.len() == S::prompts().len() && !listed.is_empty(), "prompts: {prompts}");
    for prompt in S::prompts() {
        let arguments: Value = prompt
            .arguments
            .iter()
            .map(|argument| (argument.name.to_owned(), Value::from("{x} <role>")))
            .collect::<serde_json::Map<_, _>>()
            .into();
        let got = server
            .request("prompts/get", json!({"name": prompt.name, "arguments": arguments}))
            .await;
        let messages = got["result"]["messages"].as_array().ok_or_else(|| format!("{got}"))?;
        ensure!(messages.len() == 1 && messages[0]["role"] == "user", "{got}");
        let text = messages[0]["content"]["text"].as_str().unwrap_or_default();
        ensure!(
            prompt.arguments.is_empty() || text.contains("{x} <role>"),
            "{}: {text}",
            prompt.name
        );
        for argument in prompt.arguments {
            ensure!(
                prompt.template.contains(&format!("{{{}}}", argument.name)),
                "{}: `{}` is not in the template",
                prompt.name,
                argument.name
            );
            let completed = server
                .request(
                    "completion/complete",
                    json!({
                "ref": {"type": "ref/prompt", "name": prompt.name},
                "argument": {"name": argument.name, "value": ""}}),
                )
                .await;
            let values = completed["result"]["completion"]["values"].as_array().map(Vec::len);
            ensure!(values == Some(argument.values.len()), "{completed}");
        }
    }
    let resources = server.request("resources/list", json!({})).await;
    for resource in resources["result"]["resources"].as_array().ok_or("no resources")? {
        let read = server.request("resources/read", json!({"uri": resource["uri"]})).await;
        let text = read["result"]["contents"][0]["text"].as_str().unwrap_or_default();
        ensure!(!text.is_empty(), "{}: {read}", resource["uri"]);
    }
    let reference = json!({"type": "ref/prompt", "name": "no_such_prompt"});
    let unknown = json!({"ref": reference, "argument": {"name": "x", "value": ""}});
    let completed = server.request("completion/complete", unknown).await;
    ensure!(completed["result"]["completion"]["values"] == json!([]), "{completed}");
    for (method, params) in [
        ("prompts/get", json!({"name": "no_such_prompt"})),
        ("resources/read", json!({"uri": "machina://no-such-document"})),
        ("tools/list", json!({"cursor": "made-up"})),
        ("tools/call", json!({"name": "no_such_tool", "arguments": {}})),
    ] {
        let answer = server.request(method, params).await;
        ensure!(answer["error"]["code"] == -32602, "{method}: {answer}");
    }
    server.stop().await;
    Ok(())
}

/// A tool that is not on offer is refused with the sets that have it, a slip with the name meant.
pub async fn a_name_that_is_not_on_offer_is_repaired<S: McpServer>() -> TestResult {
    let server = InProcess::<S>::start_with(&CoreConfig::default(), S::Config::default()).await?;
    let refused = async |name: &str| {
        let answer = server.request("tools/call", json!({"name": name, "arguments": {}})).await;
        ensure!(answer["error"]["code"] == -32602, "{name}: {answer}");
        ensure!(answer["error"]["data"]["code"] == "unknown_tool", "{name}: {answer}");
        let hint = answer["error"]["data"]["hint"].as_str().ok_or("no hint")?;
        TestResult::Ok(hint.to_owned())
    };
    let core = S::toolsets().first().ok_or("no toolset")?;
    for tool in catalogue::<S>().tools().filter(|tool| !core.tools.contains(&&*tool.name)) {
        let hint = refused(&tool.name).await?;
        let sets = S::toolsets().iter().filter(|set| set.tools.contains(&&*tool.name));
        for set in sets.map(|set| set.name).chain(["all"]) {
            ensure!(hint.contains(set), "{}: {hint}", tool.name);
        }
    }
    let (name, slip) = (core.tools[0], format!("{}x", core.tools[0]));
    let hint = refused(&slip).await?;
    ensure!(hint.contains(&format!("`{name}`")), "{slip}: {hint}");
    server.stop().await;
    Ok(())
}

/// Arguments that do not fit the schema never reach a handler, and the answer names the place.
pub async fn arguments_are_checked<S: McpServer>() -> TestResult {
    let server = InProcess::<S>::start(S::Config::default()).await?;
    for tool in catalogue::<S>().tools() {
        let stranger = server.call(&tool.name, json!({"no_such_argument": 1})).await?;
        ensure!(stranger.is_error(), "{}: {:?}", tool.name, stranger);
        let error = stranger.error();
        ensure!(
            error["code"] == "invalid_argument" && error["field"].is_string(),
            "{}: {error}",
            tool.name
        );
        ensure!(error["request_id"].is_string(), "{}: {error}", tool.name);
        let typed = server.request("tools/call", json!({"name": tool.name, "arguments": []})).await;
        ensure!(
            typed.get("error").is_some() || typed["result"]["isError"] == true,
            "{}: {typed}",
            tool.name
        );
    }
    server.stop().await;
    Ok(())
}

/// The conformance suite calls the first listed tool with `{}`.
pub async fn first_tool_is_safe_without_arguments<S: McpServer>() -> TestResult {
    let server = InProcess::<S>::start(S::Config::default()).await?;
    let catalogue = catalogue::<S>();
    let first = catalogue.tools().next().ok_or("no tools")?;
    let reads = first.annotations.as_ref().and_then(|hints| hints.read_only_hint) == Some(true);
    let answer = server.call(&first.name, json!({})).await?;
    ensure!(answer.response().get("result").is_some(), "{}: {:?}", first.name, answer);
    ensure!(
        reads || answer.error_code() == "invalid_argument",
        "{} acts on {{}}: {:?}",
        first.name,
        answer
    );
    server.stop().await;
    Ok(())
}
