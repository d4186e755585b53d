//! OU-01: definitions inform, hide nothing, name no foreign tool, and do not change unseen.

use std::collections::BTreeMap;

use mcp_core::{McpServer, fleet::MEMBERS};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::{
    Outcome,
    channel::{Channel, Transport},
};
use crate::{TestResult, binary, ensure, suite::definition};

/// A line for each definition: its name and the SHA-256 of its JSON with sorted keys.
///
/// # Panics
/// When a tool's schema does not compile.
pub fn hashes<S: McpServer>() -> String {
    let all = definition::all::<S>();
    let mut lines = BTreeMap::new();
    for kind in ["tools", "prompts"] {
        for one in all[kind].as_array().into_iter().flatten() {
            let name = one["name"].as_str().unwrap_or_default();
            lines.insert(format!("{kind}/{name}"), digest(one));
        }
    }
    lines.insert("instructions".to_owned(), digest(&all["instructions"]));
    lines
        .into_iter()
        .fold(String::new(), |text, (name, digest)| text + &format!("{digest}  {name}\n"))
}

fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    let bytes = Sha256::digest(text.as_bytes());
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// JSON with the keys of every object sorted, whatever order the map keeps.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(object) => {
            let sorted: BTreeMap<_, _> = object.iter().collect();
            text.push('{');
            for (name, inner) in sorted {
                text.push_str(&format!("{},", Value::from(name.as_str())));
                canonical(inner, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for inner in items {
                canonical(inner, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// Words that give orders to a model, in any of its definitions.
const ORDERS: &[&str] = &[
    "always call",
    "always use",
    "before any other",
    "before using",
    "do not mention",
    "do not tell",
    "don't tell",
    "ignore all",
    "ignore any",
    "ignore previous",
    "important:",
    "<important>",
    "instead of calling",
    "must call",
    "must first",
    "never mention",
    "override",
    "secretly",
    "system prompt",
    "you are ",
    "you must",
    "you should",
    "without telling",
];

/// The definitions as a client sees them, and their hashes against the committed ones.
pub async fn ou_01<S: McpServer>(_: Transport) -> TestResult<Outcome> {
    let channel = Channel::open::<S>(Transport::Stdio).await?;
    let listed = Value::from(channel.tools.clone()).to_string();
    let text = format!("{listed} {}", S::instructions()).to_lowercase();
    for order in ORDERS {
        ensure!(!text.contains(order), "`{order}` is an order to the model");
    }
    let hidden = |c: char| matches!(u32::from(c), 0x00..=0x08 | 0x0B..=0x1F | 0x7F..=0x9F | 0xAD | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE0FFF);
    ensure!(!listed.chars().any(hidden), "hidden characters");
    foreign_names::<S>(&text).await?;
    Ok(Outcome::Run)
}

/// No definition names a tool of another server: that is how one server steers the use of another.
async fn foreign_names<S: McpServer>(text: &str) -> TestResult {
    for member in MEMBERS.iter().filter(|member| member.name != S::FACTS.member.name) {
        // Where only one server was built, its neighbours are not asked.
        if binary::path_of(&member.binary()).is_err() {
            continue;
        }
        let tools =
            binary::run(&member.binary(), &["tools", "--json", "--toolset", "all"], &[]).await?;
        let tools: Value = serde_json::from_str(&tools.stdout)?;
        for tool in tools.as_array().into_iter().flatten() {
            let name = tool["name"].as_str().unwrap_or_default();
            // Of the core, and so of all.
            let shared = name == mcp_core::status::TOOL
                || S::tools().list_all().iter().any(|own| own.name == name);
            ensure!(shared || !text.contains(name), "names `{name}` of {}", member.name);
        }
    }
    Ok(())
}
