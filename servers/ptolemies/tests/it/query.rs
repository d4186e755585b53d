//! Raw reads of the store.

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

const GOOD: &str = include_str!("../../src/guard/corpus/surrealql-good.txt");
const BAD: &str = include_str!("../../src/guard/corpus/surrealql-bad.txt");

/// A server that knows a little, and what it knows as a dump of every table.
async fn told() -> TestResult<InProcess<Server>> {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let memories = json!({"items": [
        {"text": "Ada lives in London", "key": "home", "context": "people", "tags": ["ada"], "importance": 8},
        {"text": "clean\u{1b}[31m me", "context": "odd"},
        {"text": "gone soon", "ttl_s": 1},
    ]});
    server.call("store_memory", memories).await?.structured();
    let facts = json!({"items": [
        {"from": "Ada", "type": "lives_in", "to": "London", "source": "letter", "valid_from": "1835-07-08T00:00:00Z"},
        {"from": "Ada", "type": "knows", "to": "Charles"},
    ], "write_id": "facts"});
    server.call("upsert_facts", facts).await?.structured();
    Ok(server)
}

async fn query(server: &InProcess<Server>, query: &str, params: Value) -> TestResult<Value> {
    let answer = server.call("query_graph", json!({"query": query, "params": params})).await?;
    Ok(answer.structured().clone())
}

#[tokio::test]
async fn rows_are_read_by_arrows_and_parameters() -> TestResult {
    let server = told().await?;
    let found = query(
        &server,
        "SELECT name, ->fact[WHERE kind = $kind]->entity.name AS places FROM entity WHERE name = $name",
        json!({"name": "Ada", "kind": "lives_in"}),
    )
    .await?;
    assert_eq!(found["columns"], json!(["name", "places"]));
    assert_eq!(found["rows"], json!([["Ada", ["London"]]]));
    assert_eq!((&found["backend"], &found["truncated"]), (&json!("surrealdb"), &json!(false)));
    assert_eq!(found["untrusted"], json!(["/columns", "/rows"]));
    let cleaned =
        query(&server, "SELECT VALUE text FROM memory WHERE context = 'odd'", json!({})).await?;
    assert_eq!(cleaned["rows"], json!([["clean me"]]));
    let id =
        query(&server, "SELECT VALUE record::id(id) FROM memory WHERE key = 'home'", json!({}))
            .await?;
    let by_id = "SELECT importance FROM type::record('memory', $id)";
    let by_id = query(&server, by_id, json!({"id": id["rows"][0][0]})).await?;
    assert_eq!(by_id["rows"], json!([[8]]));
    let count = query(&server, "RETURN array::len((SELECT * FROM entity))", json!({})).await?;
    assert_eq!((&count["columns"], &count["rows"]), (&json!(["value"]), &json!([[3]])));
    let info = query(&server, "INFO FOR TABLE fact", json!({})).await?;
    assert!(info["columns"].as_array().is_some_and(|columns| columns.contains(&json!("fields"))));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn rows_characters_and_time_are_bounded() -> TestResult {
    let server = told().await?;
    let items: Vec<Value> = (0..300)
        .map(|n| json!({"text": format!("{n} {}", "x".repeat(400)), "context": "many"}))
        .collect();
    server.call("store_memory", json!({"items": items})).await?.structured();
    let answer = |arguments: Value| server.call("query_graph", arguments);
    let few = answer(json!({"query": "SELECT seq FROM memory", "max_rows": 7})).await?;
    let few = few.structured();
    assert_eq!((few["rows"].as_array().map(Vec::len), &few["truncated"]), (Some(7), &json!(true)));
    let wide =
        answer(json!({"query": "SELECT * FROM memory LIMIT 500", "max_rows": 1_000})).await?;
    let wide = wide.structured();
    assert_eq!(wide["truncated"], true);
    assert!(wide["rows"].to_string().len() < 45_000);
    let exact =
        answer(json!({"query": "SELECT seq FROM memory WHERE context = 'many'", "max_rows": 300}))
            .await?;
    assert_eq!(exact.structured()["truncated"], false);
    let one = "RETURN string::repeat('x', 50000)";
    assert_eq!(answer(json!({"query": one})).await?.error_code(), "too_large");
    let slow = "SELECT count() FROM memory WHERE array::len((SELECT id FROM memory WHERE array::len(\
                (SELECT id FROM memory WHERE text CONTAINS $parent.text)) > 0)) > 0 GROUP ALL";
    let began = tokio::time::Instant::now();
    let slow = answer(json!({"query": slow, "timeout_s": 1})).await?;
    assert_eq!(slow.error_code(), "query_timeout");
    assert!(began.elapsed().as_secs() < 20, "it ends soon after its time");
    let again = query(&server, "RETURN 1", json!({})).await?;
    assert_eq!(again["rows"], json!([[1]]), "others are served");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn refusals_name_rule_place_and_repair() -> TestResult {
    let server = told().await?;
    let refused = server
        .call("query_graph", json!({"query": "SELECT *\nFROM memory; DELETE memory"}))
        .await?;
    let error = refused.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("query_rejected"), &json!("/query")));
    assert_eq!(
        error["details"],
        json!({"rule": "single_statement", "offset": 20, "line": 2, "column": 12})
    );
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("one statement")));
    for (arguments, code, field) in [
        (json!({"query": "SELECT FROM WHERE"}), "invalid_argument", "/query"),
        (json!({"query": "SELECT * FROM nothing_here"}), "invalid_argument", "/query"),
        (json!({"query": "RETURN $x"}), "invalid_argument", "/params"),
        (json!({"query": "MATCH (n) RETURN n", "language": "cypher"}), "not_configured", ""),
        (json!({"query": "MATCH (n) DELETE n", "language": "cypher"}), "query_rejected", "/query"),
        (json!({"query": ""}), "invalid_argument", "/query"),
        (json!({"query": "RETURN 1", "max_rows": 0}), "invalid_argument", "/max_rows"),
        (json!({"query": "RETURN 1", "timeout_s": 31}), "invalid_argument", "/timeout_s"),
    ] {
        let error = server.call("query_graph", arguments.clone()).await?.error();
        let said = error["field"].as_str().unwrap_or_default();
        assert_eq!((&error["code"], said), (&json!(code), field), "{arguments}: {error}");
    }
    server.stop().await;
    Ok(())
}

/// What is known, as every table says it.
async fn everything(server: &InProcess<Server>) -> TestResult<Vec<Value>> {
    let mut tables = Vec::new();
    for table in
        ["memory", "entity", "fact", "observation", "rule", "merge", "document", "chunk", "change"]
    {
        let rows = query(server, &format!("SELECT * FROM {table} ORDER BY id LIMIT 50"), json!({}))
            .await?;
        tables.push(rows["rows"].clone());
    }
    Ok(tables)
}

#[tokio::test]
async fn the_bad_corpus_changes_nothing_and_the_good_one_runs() -> TestResult {
    let server = told().await?;
    let expiring = tokio::time::Instant::now() + std::time::Duration::from_secs(15);
    let gone = "SELECT * FROM memory WHERE text = 'gone soon'";
    while query(&server, gone, json!({})).await?["rows"] != json!([]) {
        assert!(tokio::time::Instant::now() < expiring, "what has expired is still read");
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let before = everything(&server).await?;
    let params = json!({"key": "home", "word": "ada", "at": "2026-01-01T00:00:00Z", "id": "abc", "name": "Ada",
        "words": ["Ada"], "n": 3, "from": 0, "given": 1, "x": "written:facts", "table": "written"});
    for line in BAD.lines() {
        let (_, bad) = line.split_once(" | ").ok_or("a rule and a query")?;
        let bad = bad.replace('␤', "\n");
        let answer = server.call("query_graph", json!({"query": bad, "params": params})).await?;
        assert_eq!(answer.error_code(), "query_rejected", "{bad}");
    }
    for good in GOOD.lines() {
        let good = good.replace('␤', "\n");
        let answer = server.call("query_graph", json!({"query": good, "params": params})).await?;
        // A table without rows is there; a value of the wrong type is the engine's to refuse.
        if answer.is_error() {
            assert_eq!(answer.error_code(), "invalid_argument", "{good}: {}", answer.error());
            println!("{good}: {}", answer.error()["message"]);
        }
    }
    assert_eq!(everything(&server).await?, before);
    server.stop().await;
    Ok(())
}
