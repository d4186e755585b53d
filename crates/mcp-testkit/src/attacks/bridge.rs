//! The bridge between what a tool's schema tells a client and what the pipeline checks.

use mcp_core::{
    McpServer, confirm,
    pipeline::catalogue::Catalogue,
    validation::{DEFAULT_MAX_ITEMS, DEFAULT_MAX_LENGTH, Schema},
};
use proptest::{
    prelude::*,
    sample::Index,
    test_runner::{Config, TestCaseError, TestRunner},
};
use serde_json::Value;

use super::{
    input::without_nulls,
    instance::{full, minimal, mutations, places},
};
use crate::{TestResult, in_process::all_tools};

struct Tool {
    name: String,
    bases: [Value; 2],
    advertised: Schema,
    checked: Schema,
}

/// Over values near good ones: what the advertised schema admits the checker admits, within the default
/// bounds of texts and lists, and the other way round but for `null` in place of absence. As many cases
/// as `PROPTEST_CASES` says.
pub fn advertised_is_checked<S: McpServer>() -> TestResult {
    if S::VERBATIM_SCHEMAS {
        return Ok(());
    }
    let offered = Catalogue::new::<S>(&all_tools())?;
    let mut tools = Vec::new();
    for (name, route) in S::tools().map {
        let tool = offered.tool(&name).ok_or("a tool is not on offer")?;
        let advertised = Value::Object((*tool.input_schema).clone());
        let (least, most) = (minimal(&advertised), full(&advertised));
        let compiled = Schema::compile(&advertised)?;
        // One that wants some field, whichever, has no least one.
        let least = if compiled.check(&least).is_ok() { least } else { most.clone() };
        tools.push(Tool {
            name: name.to_string(),
            bases: [least, most],
            advertised: compiled,
            checked: Schema::compile_bounded(&Value::Object((*route.attr.input_schema).clone()))?,
        });
    }
    for tool in &tools {
        let [least, _] = &tool.bases;
        tool.advertised
            .check(least)
            .map_err(|wrong| format!("{}: {least}: {wrong:?}", tool.name))?;
    }
    let edits = prop::collection::vec((any::<Index>(), any::<Index>()), 0..4);
    let strategy = (any::<Index>(), any::<bool>(), edits);
    let config = Config { failure_persistence: None, ..Config::default() };
    let outcome = TestRunner::new(config).run(&strategy, |(tool, all, edits)| {
        let tool = tool.get(&tools);
        let mut value = tool.bases[usize::from(all)].clone();
        for (place, mutation) in edits {
            let at = places(&value);
            let at: &String = place.get(&at);
            let Some(target) = value.pointer_mut(at) else { continue };
            let choices = mutations(target);
            *target = mutation.get(&choices).clone();
        }
        agree(tool, &value)
    });
    outcome.map_err(|error| error.to_string().into())
}

fn agree(tool: &Tool, value: &Value) -> Result<(), TestCaseError> {
    let advertised = tool.advertised.check(value);
    if advertised.is_ok() && within_bounds(value) {
        // The pipeline takes the token of a confirmation out before arguments are checked.
        let mut bare = value.clone();
        bare.as_object_mut().map(|arguments| arguments.remove(confirm::ARGUMENT));
        let checked = tool.checked.check(&bare);
        prop_assert!(
            checked.is_ok(),
            "{}: advertised, but refused: {value}: {checked:?}",
            tool.name
        );
    }
    if tool.checked.check(value).is_ok() {
        let told = tool.advertised.check(&without_nulls(value));
        prop_assert!(
            told.is_ok(),
            "{}: admitted, but not advertised: {value}: {told:?}",
            tool.name
        );
    }
    Ok(())
}

/// Whether no text and no list is longer than where a schema is silent.
fn within_bounds(value: &Value) -> bool {
    match value {
        Value::String(text) => text.chars().count() as u64 <= DEFAULT_MAX_LENGTH,
        Value::Array(items) => {
            items.len() as u64 <= DEFAULT_MAX_ITEMS && items.iter().all(within_bounds)
        }
        Value::Object(object) => object.values().all(within_bounds),
        _ => true,
    }
}
