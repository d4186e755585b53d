//! What a process answers that has not the store: the same as the one that has it.

use std::{fs, path::Path};

use machina_ptolemies::{Config, Server};
use mcp_core::{Principal, StartContext, pipeline::Guarded, transport::local};
use mcp_testkit::{InProcess, TestResult, in_process::all_tools, wire};
use serde_json::{Value, json};

use crate::transfer::{ask, fill};

async fn pair(state: &Path, config: Config) -> TestResult<(InProcess<Server>, InProcess<Server>)> {
    let owner = InProcess::<Server>::start_in(state, config.clone()).await?;
    let proxy = InProcess::<Server>::start_in(state, config).await?;
    Ok((owner, proxy))
}

#[tokio::test]
async fn reads_answer_the_same_by_both_ways() -> TestResult {
    let state = tempfile::tempdir()?;
    let (owner, proxy) = pair(state.path(), Config::default()).await?;
    fill(&proxy).await?;
    for (tool, arguments) in [
        ("list_memories", json!({})),
        ("list_memories", json!({"group_by": "tag"})),
        ("search_knowledge", json!({"query": "Ada deploy", "explain": true})),
        ("get_entities", json!({"names": ["Ada", "Nobody"]})),
        ("get_timeline", json!({"key": "target"})),
        ("explore_graph", json!({"seeds": ["Ada"], "format": "mermaid"})),
        ("find_paths", json!({"from": "Ada", "to": "Babbage"})),
        ("analyze_graph", json!({"method": "pagerank"})),
        ("analyze_knowledge", json!({"report": "orphans"})),
        ("get_schema", json!({})),
        ("list_documents", json!({})),
        ("export_knowledge", json!({"format": "memory_json"})),
        ("query_graph", json!({"language": "surrealql", "query": "SELECT name FROM entity"})),
    ] {
        let here = owner.call(tool, arguments.clone()).await?;
        let there = proxy.call(tool, arguments).await?;
        let text = there.response()["result"]["content"][0]["text"].as_str().unwrap_or_default();
        assert_eq!(text, there.structured().to_string(), "{tool}: its copy");
        let [here, there] = [here, there].map(|answer| {
            let mut answer = answer.structured().clone();
            // They are the time of the call, or hold it.
            answer["next_cursor"] = Value::Null;
            answer["known_at"] = Value::Null;
            answer
        });
        assert_eq!(here, there, "{tool}");
    }
    for uri in ["ptolemies://schema", "ptolemies://stats", "machina://readme"] {
        let read = |server: &InProcess<Server>| {
            let server = server.guarded().clone();
            async move {
                let message = wire::modern(1, "resources/read", &json!({"uri": uri}));
                local::answer(&server, &message).await.unwrap_or_else(|error| error)
            }
        };
        let (here, there) = (read(&owner).await, read(&proxy).await);
        assert!(here["result"]["contents"][0]["text"].is_string(), "{here}");
        assert_eq!(here["result"]["contents"], there["result"]["contents"], "{uri}");
    }
    proxy.stop().await;
    owner.stop().await;
    Ok(())
}

#[tokio::test]
async fn failures_come_through_as_they_are() -> TestResult {
    let state = tempfile::tempdir()?;
    let (owner, proxy) = pair(state.path(), Config::default()).await?;
    for (tool, arguments) in [
        ("store_memory", json!({"items": [{"text": " "}]})),
        ("find_paths", json!({"from": "a", "to": "b"})),
        ("query_graph", json!({"language": "surrealql", "query": "DELETE memory"})),
        ("query_graph", json!({"language": "cypher", "query": "MATCH (n) RETURN n"})),
        ("ingest_documents", json!({"paths": ["."]})),
        ("cancel_job", json!({"id": "01KAZ8ZZZZZZZZZZZZZZZZZZZZ"})),
    ] {
        let mut here = owner.call(tool, arguments.clone()).await?.error();
        let mut there = proxy.call(tool, arguments).await?.error();
        for error in [&mut here, &mut there] {
            error["request_id"] = Value::Null;
        }
        assert_eq!(here, there, "{tool}");
    }
    proxy.stop().await;
    owner.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_write_is_named_and_its_repeat_is_one() -> TestResult {
    let state = tempfile::tempdir()?;
    let (owner, proxy) = pair(state.path(), Config::default()).await?;
    let call = json!({"items": [{"text": "once", "key": "k"}], "write_id": "w"});
    let first = ask(&proxy, "store_memory", call.clone()).await?;
    let again = ask(&owner, "store_memory", call.clone()).await?;
    assert_eq!((&again["repeated"], &again["seq"]), (&json!(true), &first["seq"]));
    // The same by one that takes the place.
    owner.stop().await;
    let again = ask(&proxy, "store_memory", call).await?;
    assert_eq!((&again["repeated"], &again["seq"]), (&json!(true), &first["seq"]));
    let unnamed = json!({"items": [{"text": "another"}]});
    assert!(ask(&proxy, "store_memory", unnamed).await?.get("repeated").is_none());
    proxy.stop().await;
    Ok(())
}

#[tokio::test]
async fn jobs_and_confirmations_work_through_a_proxy() -> TestResult {
    let state = tempfile::tempdir()?;
    let root = tempfile::tempdir()?;
    for number in 0..150 {
        fs::write(root.path().join(format!("n{number}.md")), format!("# {number}\n\nw{number}x"))?;
    }
    let mut config = Config::default();
    config.ingest_root = Some(root.path().to_string_lossy().into_owned());
    let (owner, proxy) = pair(state.path(), config).await?;
    let begun = json!({"paths": ["."], "wait_ms": 0});
    let begun = ask(&proxy, "ingest_documents", begun).await?;
    let job = json!({"id": begun["job_id"]});
    ask(&proxy, "cancel_job", job.clone()).await?;
    let seen = ask(&owner, "list_jobs", job).await?;
    let ended = ["cancelled", "done"].contains(&seen["jobs"][0]["state"].as_str().unwrap_or(""));
    assert!(ended, "{seen}");
    // The same again does what is left.
    let whole = ask(&proxy, "ingest_documents", json!({"paths": ["."]})).await?;
    assert_eq!(whole["state"], "done", "{whole}");
    let stored = ask(&owner, "get_schema", json!({})).await?["totals"].clone();
    assert_eq!(stored["documents"], 150, "{stored}");

    let made = ask(&proxy, "create_backup", json!({})).await?;
    let restore = json!({"id": made["backup"]["id"], "replace": true});
    let asked = proxy.call("restore_backup", restore.clone()).await?.error();
    assert_eq!(asked["code"], "confirmation_required", "{asked}");
    let mut restore = restore;
    restore["confirm_token"] = asked["details"]["confirm_token"].clone();
    ask(&proxy, "restore_backup", restore).await?;
    assert_eq!(ask(&owner, "get_schema", json!({})).await?["totals"], stored);
    proxy.stop().await;
    owner.stop().await;
    Ok(())
}

#[tokio::test]
async fn callers_keep_what_is_theirs_through_a_proxy() -> TestResult {
    let state = tempfile::tempdir()?;
    let owner = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let context = StartContext::detached(state.path().to_path_buf());
    let proxy = <Server as mcp_core::McpServer>::start(Config::default(), context).await?;
    let proxy = Guarded::new(proxy, &all_tools())?;
    let call = |who: &'static str, tool: &'static str, arguments: Value| {
        let (proxy, message) = (proxy.clone(), local::call_message(tool, &arguments));
        let principal = Principal::new(who, Some(mcp_core::Scope::Admin), None);
        async move { local::answer_as(&proxy, &principal, &message).await.unwrap_or_default() }
    };
    let begun = json!({"text": "some text", "uri": "u"});
    let begun = call("ada", "ingest_documents", begun).await;
    let job = json!({"id": begun["result"]["structuredContent"]["job_id"]});
    let seen = call("ada", "list_jobs", job.clone()).await;
    assert_eq!(seen["result"]["structuredContent"]["jobs"][0]["state"], "done", "{seen}");
    let seen = call("bob", "list_jobs", job).await;
    assert_eq!(seen["result"]["isError"], true, "{seen}");
    proxy.stop().await;
    owner.stop().await;
    Ok(())
}
