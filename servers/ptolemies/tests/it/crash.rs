//! kill -9 at any moment: what was acknowledged is there, once, and is found.

use std::{path::Path, time::Duration};

use mcp_testkit::{
    TestResult,
    binary::{self, StdioServer},
    wire,
};
use serde_json::{Value, json};

pub(crate) const NAME: &str = "machina-ptolemies";

/// A server on a directory.
pub(crate) fn start(state: &Path) -> TestResult<StdioServer> {
    let mut command = binary::command(NAME, state)?;
    command.args(["--toolset", "all", "--state-dir", &state.join("ptolemies").to_string_lossy()]);
    StdioServer::spawn(command)
}

pub(crate) async fn call(
    server: &mut StdioServer,
    id: u64,
    tool: &str,
    arguments: &Value,
) -> TestResult<Value> {
    let message = wire::modern(id, "tools/call", &json!({"name": tool, "arguments": arguments}));
    let answer = server.ask(&message).await?;
    let content = answer["result"].get("structuredContent");
    Ok(content.ok_or_else(|| format!("{tool} failed: {answer}"))?.clone())
}

/// A word that no other item holds and no stemmer touches.
fn word(number: u64) -> String {
    format!("w{number}x")
}

/// Call a tool with numbered arguments until killed; numbers and ids of what was acknowledged.
async fn until_killed(
    state: &Path,
    from: u64,
    after: Duration,
    (tool, arguments): (&str, impl Fn(u64) -> Value),
) -> TestResult<Vec<(u64, String)>> {
    let mut server = start(state)?;
    // The first answer shows that it is up: the time to the kill counts from here.
    call(&mut server, 0, "list_memories", &json!({"limit": 1})).await?;
    let mut acknowledged = Vec::new();
    let deadline = tokio::time::Instant::now() + after;
    let write = async {
        for number in from.. {
            let Ok(answer) = call(&mut server, number + 1, tool, &arguments(number)).await else {
                break;
            };
            let id = answer["results"][0]["id"].as_str().unwrap_or_default().to_owned();
            acknowledged.push((number, id));
        }
    };
    // At the deadline the future is dropped in the middle of whatever it does.
    drop(tokio::time::timeout_at(deadline, write).await);
    binary::signal_to(server.child().id(), "KILL").await?;
    server.child().wait().await?;
    Ok(acknowledged)
}

/// An item of its own, and a counter that each write replaces.
fn items(number: u64) -> Value {
    json!({"items": [
        {"text": format!("item {} of the log", word(number)), "key": format!("n{number}")},
        {"text": format!("counter stands at {}", word(number)), "key": "counter"},
    ]})
}

/// A fact that ends the one before.
fn fact(number: u64) -> Value {
    json!({"cardinalities": {"stands_at": "one"}, "items": [
        {"from": "Counter", "type": "stands_at", "to": word(number), "source": format!("s{number}")},
    ]})
}

/// Everything acknowledged is listed under its id, found by its word, once; batches are whole.
async fn check(
    state: &Path,
    acknowledged: &[(u64, String)],
    sample_from: usize,
) -> TestResult<u64> {
    let mut server = start(state)?;
    let mut id = 0;
    for chunk in acknowledged.chunks(200) {
        id += 1;
        let ids: Vec<&str> = chunk.iter().map(|(_, id)| id.as_str()).collect();
        let arguments = json!({"ids": ids, "fields": ["key"], "limit": 200});
        let listed = call(&mut server, id, "list_memories", &arguments).await?;
        assert!(listed.get("missing").is_none(), "lost: {}", listed["missing"]);
        for ((number, _), item) in
            chunk.iter().zip(listed["items"].as_array().into_iter().flatten())
        {
            assert_eq!(item["key"], format!("n{number}"));
        }
    }
    for (number, wanted) in acknowledged.iter().skip(sample_from) {
        id += 1;
        let arguments = json!({"query": word(*number), "k": 5});
        let found = call(&mut server, id, "search_knowledge", &arguments).await?;
        // Search by meaning finds its neighbours too.
        let of_it = |hit: &&Value| {
            let text = hit["text"].as_str().unwrap_or_default();
            hit["key"] != "counter" && text.contains(&word(*number))
        };
        let hits: Vec<&Value> =
            found["hits"].as_array().into_iter().flatten().filter(of_it).collect();
        assert_eq!(hits.len(), 1, "{number} is found {} times: {found}", hits.len());
        assert_eq!(&hits[0]["id"], wanted);
    }
    let all = call(&mut server, id + 1, "list_memories", &json!({"group_by": "context"})).await?;
    let count = all["groups"][0]["count"].as_u64().unwrap_or(0);
    let counter = call(&mut server, id + 2, "list_memories", &json!({"keys": ["counter"]})).await?;
    // Both items of a batch came together: one current counter, a version per item.
    if let Some(version) = counter["items"][0]["version"].as_u64() {
        assert_eq!(version + 1, count, "an item without its counter, or the other way round");
    }
    let (_, status) = server.close().await?;
    assert!(status.success(), "{status}");
    Ok(count)
}

/// Kill cycles: 10, or the number in `MACHINA_TEST_KILL_CYCLES`.
fn cycles() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "a test's own knob")]
    let wanted = std::env::var("MACHINA_TEST_KILL_CYCLES");
    wanted.ok().and_then(|text| text.parse().ok()).unwrap_or(10)
}

#[tokio::test]
async fn what_was_acknowledged_survives_kill_9() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut next = 0;
    for cycle in 0..cycles() {
        // 20-400 ms, spread without a pattern that meets the store's own rhythm.
        let after = Duration::from_millis(20 + cycle * 7_919 % 381);
        let checked = acknowledged.len();
        acknowledged
            .extend(until_killed(state.path(), next, after, ("store_memory", items)).await?);
        let there = check(state.path(), &acknowledged, checked).await?;
        // One batch may have been written without its acknowledgement; never more.
        let least = acknowledged.len() as u64;
        let doubtful = (there.saturating_sub(1)).saturating_sub(least);
        assert!(doubtful <= cycle + 1, "{there} items for {least} acknowledgements");
        next = acknowledged.last().map_or(next, |(number, _)| number + 1) + 1;
    }
    println!("{} cycles, {} acknowledged, 0 lost", cycles(), acknowledged.len());
    assert!(!acknowledged.is_empty(), "nothing was acknowledged: the test shows nothing");
    Ok(())
}

/// Write, kill, check, as often as asked for; how many writes were acknowledged.
async fn survive(
    written: (&str, fn(u64) -> Value),
    check: impl AsyncFn(&Path, &[(u64, String)], usize) -> TestResult,
) -> TestResult<usize> {
    let state = tempfile::tempdir()?;
    let mut acknowledged: Vec<(u64, String)> = Vec::new();
    let mut next = 0;
    for cycle in 0..cycles() {
        let after = Duration::from_millis(20 + cycle * 7_919 % 381);
        let checked = acknowledged.len();
        acknowledged.extend(until_killed(state.path(), next, after, written).await?);
        check(state.path(), &acknowledged, checked).await?;
        next = acknowledged.last().map_or(next, |(number, _)| number + 1) + 1;
    }
    assert!(!acknowledged.is_empty(), "nothing was acknowledged: the test shows nothing");
    Ok(acknowledged.len())
}

/// Each acknowledged fact has its history, its entity is found; one value holds now.
async fn check_facts(state: &Path, acknowledged: &[(u64, String)], from: usize) -> TestResult {
    let mut server = start(state)?;
    let mut id = 0;
    for (number, fact) in acknowledged.iter().skip(from) {
        id += 2;
        let line = call(&mut server, id, "get_timeline", &json!({"id": fact})).await?;
        assert_eq!(line["versions"][0]["id"], *fact);
        assert_eq!(line["versions"][0]["sources"], json!([format!("s{number}")]));
        let arguments = json!({"query": word(*number), "kinds": ["entity"], "k": 2});
        let found = call(&mut server, id + 1, "search_knowledge", &arguments).await?;
        let hits = found["hits"].as_array().into_iter().flatten();
        let named: Vec<&Value> = hits.filter(|hit| hit["key_match"] == true).collect();
        assert_eq!(named.len(), 1, "{number} is found {} times: {found}", named.len());
        assert_eq!(named[0]["text"], word(*number));
    }
    let now = call(&mut server, id + 2, "get_entities", &json!({"names": ["Counter"]})).await?;
    if let Some((last, _)) = acknowledged.last() {
        assert_eq!(now["entities"][0]["facts_total"], 1, "one value at a time: {now}");
        let value = now["entities"][0]["facts"][0]["to"].as_str().unwrap_or_default().to_owned();
        // One more may have been written without its acknowledgement, by this life or by one that did
        // not come to any: that began one number later.
        let written = (*last..=last + 2).any(|number| value == word(number));
        assert!(written, "{value} after {last}");
    }
    let (_, status) = server.close().await?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn facts_that_were_acknowledged_survive_kill_9() -> TestResult {
    let kept = survive(("upsert_facts", fact), check_facts).await?;
    println!("{} cycles, {kept} acknowledged, 0 lost", cycles());
    Ok(())
}

/// A new document, and a new version of one that each call replaces.
fn document(number: u64) -> Value {
    let sections: Vec<String> = (0..5)
        .map(|part| format!("# Part {part}\n\n{} {}", word(number), "filled ".repeat(130)))
        .collect();
    json!({"uri": format!("d/{}.md", number / 2), "text": sections.join("\n\n")})
}

/// Each acknowledged version is there whole; the last one of each document is found by its word.
async fn check_documents(state: &Path, acknowledged: &[(u64, String)], from: usize) -> TestResult {
    let mut server = start(state)?;
    let mut id = 0;
    for (number, version) in acknowledged.iter().skip(from) {
        id += 2;
        let read = call(&mut server, id, "get_document", &json!({"id": version})).await?;
        let text: String = read["parts"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|part| part["text"].as_str())
            .collect();
        assert_eq!(json!(text), document(*number)["text"], "{number} is not whole");
        if read["document"].get("retracted_at").is_some() {
            continue;
        }
        let arguments = json!({"query": word(*number), "kinds": ["chunk"], "k": 20});
        let found = call(&mut server, id + 1, "search_knowledge", &arguments).await?;
        let hits = found["hits"].as_array().into_iter().flatten();
        let holding =
            |hit: &&Value| hit["text"].as_str().is_some_and(|text| text.contains(&word(*number)));
        // Those parts that say nearly the same fold into one.
        let folded: usize = hits
            .filter(holding)
            .map(|hit| 1 + hit["near_duplicates"].as_array().map_or(0, Vec::len))
            .sum();
        assert_eq!(folded, 5, "{number}: {found}");
    }
    let (_, status) = server.close().await?;
    assert!(status.success(), "{status}");
    Ok(())
}

#[tokio::test]
async fn documents_that_were_acknowledged_survive_kill_9() -> TestResult {
    let kept = survive(("ingest_documents", document), check_documents).await?;
    println!("{} cycles, {kept} acknowledged, 0 lost", cycles());
    Ok(())
}
