//! Bar P17: a tenant calls every tool with whatever it knows of another's, and learns nothing.
//!
//! Two servers get the same calls of tenant A; on one of them tenant B lives too, and writes all the
//! while. Every answer to A must be the same on both: errors, counts, journal positions, scores. And
//! no text of B's may show in any of them.
//!
//! `MACHINA_TEST_LEAK_CALLS` sets how many calls, `MACHINA_TEST_LEAK_SEED` which.

mod caller;
mod still;

use std::collections::BTreeMap;

use machina_ptolemies::{Allowance, Config};
use mcp_core::config::Environment;
use mcp_testkit::TestResult;
use serde_json::{Value, json};

use self::{
    caller::{Caller, Random},
    still::Still,
};
use crate::house::{House, Tenant};

/// Calls where nothing else is set.
const CALLS: usize = 600;
/// From so many calls on each tool must have been answered, not only refused.
const EACH: usize = 5_000;
/// In every text of B's, in no word that A says.
const CANARY: &str = "zqcanary";

/// Items that fit a namespace: below the number from which a model of meaning is made in the
/// background, at a time of its own.
const ITEMS: u64 = 60;

fn number(name: &str, default: usize) -> TestResult<usize> {
    Environment::of_process().get(name).map_or(Ok(default), |text| Ok(text.parse()?))
}

async fn house() -> TestResult<House> {
    let mut config = Config::default();
    config.quotas.insert("*".to_owned(), Allowance { items: Some(ITEMS), bytes: None });
    config.max_namespaces = 40;
    House::open(config).await
}

/// B says something new; what A could guess or have seen of the answer.
async fn churn(b: &mut Tenant, round: usize) -> TestResult<Vec<String>> {
    let secret = format!("{CANARY} {round} about Ada, the crane and lunch");
    let (tool, arguments) = match round % 6 {
        0 => (
            "store_memory",
            json!({"write_id": format!("w{round}"), "items": [
            {"text": secret, "key": "k1", "context": "work", "tags": ["t1"], "source": CANARY}]}),
        ),
        1 => (
            "upsert_facts",
            json!({"items": [
            {"from": "Ada", "type": "knows", "to": "Bob", "text": secret, "source": secret}]}),
        ),
        2 => (
            "upsert_entities",
            json!({"items": [
            {"name": "Eve", "observations": [secret], "props": {"secret": CANARY}}]}),
        ),
        3 => (
            "ingest_documents",
            json!({"uri": "notes.md", "text": format!("# {CANARY}\n\n{secret}")}),
        ),
        4 => ("export_knowledge", json!({})),
        _ => ("list_memories", json!({"limit": 1})),
    };
    let mut seen = Vec::new();
    if let Ok(answer) = b.ask(tool, arguments).await {
        caller::names(&answer, &mut seen);
        return Ok(seen);
    }
    // It is full: make room.
    b.ask("forget_items", json!({"filter": {"importance_max": 10}, "mode": "purge"}))
        .await
        .map(|_| seen)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_tenant_learns_nothing_of_another() -> TestResult {
    let calls = number("MACHINA_TEST_LEAK_CALLS", CALLS)?;
    let seed = number("MACHINA_TEST_LEAK_SEED", 1)?;
    let (with, without) = (house().await?, house().await?);
    let (mut b, mut a, mut alone) =
        (with.tenant(2).await?, with.tenant(1).await?, without.tenant(1).await?);
    let listed: Value = serde_json::from_str(&a.send("tools/list", &json!({})).await?)?;
    let mut random = Random::new(seed as u64);
    let mut caller = Caller::new(&listed)?;
    let homes = [b.ask("get_schema", json!({})).await?, a.ask("get_schema", json!({})).await?];
    caller.knows(homes.iter().filter_map(|schema| schema["namespace"].as_str().map(str::to_owned)));
    let (mut one, mut other) = (Still::default(), Still::default());
    let mut answered: BTreeMap<String, [usize; 2]> = BTreeMap::new();
    for round in 0..calls {
        if round % 5 == 0 {
            caller.knows(churn(&mut b, round / 5).await?);
        }
        let (method, params) = caller.next(&mut random);
        let mut told = a.send(&method, &caller.filled(&params, 0)).await?;
        let mut said = alone.send(&method, &caller.filled(&params, 1)).await?;
        assert!(!told.contains(CANARY), "{method} {params} tells: {told}");
        if let Some([one, other]) = caller.confirmed(&params, [&told, &said])? {
            told = a.send(&method, &one).await?;
            said = alone.send(&method, &other).await?;
            assert!(!told.contains(CANARY), "{method} {params} tells: {told}");
        }
        let told: Value = serde_json::from_str(&told)?;
        let said: Value = serde_json::from_str(&said)?;
        let tool = params["name"].as_str().unwrap_or(&method).to_owned();
        let fine = told["result"].is_object() && told["result"]["isError"] != true;
        answered.entry(tool.clone()).or_default()[usize::from(fine)] += 1;
        if tool != "get_server_status" {
            let (told, said) = (one.of(&told), other.of(&said));
            assert_eq!(told, said, "round {round}, seed {seed}: {method} {params}");
        }
        caller.heard(&told, &said);
    }
    println!("{calls} calls, 0 leaks; refused and answered by tool: {answered:?}");
    if calls >= EACH {
        let silent: Vec<&String> =
            answered.iter().filter(|(_, [_, fine])| *fine == 0).map(|(tool, _)| tool).collect();
        assert!(silent.is_empty(), "never answered: {silent:?}");
        assert_eq!(
            answered.len(),
            caller.tools() + 1,
            "every tool and the documents: {answered:?}"
        );
    }
    with.stop().await;
    without.stop().await;
    Ok(())
}
