//! The four tools through the whole pipeline, on a real store.

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn start() -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start(Config::default()).await
}

#[tokio::test]
async fn a_memory_is_stored_found_listed_and_forgotten() -> TestResult {
    let server = start().await?;
    let stored = server
        .call("store_memory", json!({"items": [
            {"text": "The deploy target is the Graz cluster", "key": "deploy-target", "context": "ops",
             "tags": ["infra", "prod"], "importance": 8, "confidence": 0.9, "source": "call with Ada"},
            {"text": "Lunch is at noon"},
        ]}))
        .await?;
    let stored = stored.structured();
    assert_eq!(stored["results"][0]["status"], "created");
    assert_eq!(stored["seq"], 1);

    let found = server
        .call("search_knowledge", json!({"query": "deploying targets", "explain": true}))
        .await?;
    let found = found.structured();
    assert_eq!(found["legs"], json!(["lexical"]));
    assert_eq!(found["hits"][0]["id"], stored["results"][0]["id"]);
    assert_eq!(found["hits"][0]["source"], "call with Ada");
    assert_eq!(found["hits"].as_array().map(Vec::len), Some(1));
    assert_eq!(found["untrusted"], json!(["/hits"]));
    assert_eq!(found["hits"][0]["explanation"]["terms"][0]["texts"], 1);

    let recalled =
        server.call("list_memories", json!({"keys": ["deploy-target", "absent"]})).await?;
    let recalled = recalled.structured();
    assert_eq!(recalled["items"][0]["text"], "The deploy target is the Graz cluster");
    assert_eq!(recalled["items"][0]["tags"], json!(["infra", "prod"]));
    assert_eq!(recalled["missing"], json!(["absent"]));

    let slim = server.call("list_memories", json!({"context": "ops", "fields": ["key"]})).await?;
    assert_eq!(
        slim.structured()["items"],
        json!([{"id": stored["results"][0]["id"], "key": "deploy-target"}])
    );
    let counts = server.call("list_memories", json!({"group_by": "tag"})).await?;
    assert_eq!(
        counts.structured()["groups"],
        json!([{"value": "infra", "count": 1}, {"value": "prod", "count": 1}])
    );

    let dry =
        server.call("forget_items", json!({"keys": ["deploy-target"], "dry_run": true})).await?;
    assert_eq!((&dry.structured()["memories"], &dry.structured()["seq"]), (&json!(1), &json!(1)));
    server.call("forget_items", json!({"keys": ["deploy-target"]})).await?;
    let gone = server.call("search_knowledge", json!({"query": "deploy target"})).await?;
    assert_eq!(gone.structured()["hits"], json!([]));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn everything_survives_a_restart() -> TestResult {
    let state = tempfile::tempdir()?;
    let odd = "Ünïcödé 東京 \"quoted\" \\ back\n\ttab 🙂 {$at; DELETE memory; --";
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let call = json!({"items": [{"text": odd, "key": "odd'; REMOVE TABLE memory;"},
        {"text": "x".repeat(65_536)}, {"text": "first", "key": "k"}], "write_id": "w-1"});
    let first = server.call("store_memory", call.clone()).await?.structured().clone();
    server.call("store_memory", json!({"items": [{"text": "second", "key": "k"}]})).await?;
    server.stop().await;

    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let listed =
        server.call("list_memories", json!({"keys": ["odd'; REMOVE TABLE memory;", "k"]})).await?;
    let items = &listed.structured()["items"];
    assert_eq!(items[0]["text"], odd);
    assert_eq!((&items[1]["text"], &items[1]["version"]), (&json!("second"), &json!(2)));
    assert_eq!(items[1]["previous_id"], first["results"][2]["id"]);
    let then = server
        .call("list_memories", json!({"keys": ["k"], "known_at": items[0]["recorded_at"]}))
        .await?;
    assert_eq!(then.structured()["items"][0]["text"], "first");
    let found = server.call("search_knowledge", json!({"query": "unicode 東京"})).await?;
    assert_eq!(found.structured()["hits"][0]["text"], odd);
    let again = server.call("store_memory", call).await?.structured().clone();
    assert_eq!((&again["results"], &again["repeated"]), (&first["results"], &json!(true)));
    server.stop().await;
    Ok(())
}

/// A call of `store_memory` with one item of these fields.
fn item(fields: &Value) -> Value {
    let mut item = json!({"text": "t"});
    for (name, value) in fields.as_object().into_iter().flatten() {
        item[name] = value.clone();
    }
    json!({"items": [item]})
}

/// Check code and place of each refusal, and that nothing was stored.
async fn refused(cases: Vec<(&str, Value, &str, &str)>) -> TestResult {
    let server = start().await?;
    for (tool, arguments, code, field) in cases {
        let error = server.call(tool, arguments.clone()).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{tool} {arguments}: {error}"
        );
    }
    let nothing = server.call("list_memories", json!({})).await?;
    assert_eq!(nothing.structured()["items"], json!([]), "a refused call stores nothing");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn wrong_items_are_named() -> TestResult {
    let items = |count: u32| -> Vec<Value> {
        (0..count).map(|n| json!({"text": format!("{n} {}", "x".repeat(60_000))})).collect()
    };
    let (bad, large) = ("invalid_argument", "too_large");
    let mut cases = vec![
        ("store_memory", json!({"items": []}), bad, "/items"),
        ("store_memory", json!({"items": items(80)}), large, "/items"),
    ];
    for (fields, code, field) in [
        (json!({"importance": 11}), bad, "/items/0/importance"),
        (json!({"text": " \n"}), bad, "/items/0/text"),
        (json!({"text": "a\u{0}b"}), bad, "/items/0/text"),
        (json!({"text": "é".repeat(40_000)}), large, "/items/0/text"),
        (json!({"key": " k"}), bad, "/items/0/key"),
        (json!({"tags": ["a", "b\n"]}), bad, "/items/0/tags/1"),
        (json!({"expires_at": "soon"}), bad, "/items/0/expires_at"),
        (json!({"ttl_s": 5, "expires_at": "2030-01-01T00:00:00Z"}), bad, "/items/0/expires_at"),
        (json!({"expected_version": 1}), bad, "/items/0/expected_version"),
        (json!({"key": "k", "expected_version": 3}), "conflict", "/items/0/expected_version"),
    ] {
        cases.push(("store_memory", item(&fields), code, field));
    }
    refused(cases).await
}

#[tokio::test]
async fn wrong_questions_are_named() -> TestResult {
    let bad = "invalid_argument";
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    refused(vec![
        ("search_knowledge", json!({"query": "  "}), bad, "/query"),
        ("search_knowledge", json!({"query": "q", "k": 101}), bad, "/k"),
        ("list_memories", json!({"ids": ["nonsense"]}), bad, "/ids/0"),
        ("list_memories", json!({"cursor": "00ff"}), bad, "/cursor"),
        ("list_memories", json!({"known_at": "2200-01-01T00:00:00Z"}), bad, "/known_at"),
        ("list_memories", json!({"keys": ["a"], "group_by": "tag"}), bad, "/group_by"),
        ("forget_items", json!({}), bad, ""),
        ("forget_items", json!({"ids": [id], "expired": true}), bad, ""),
        ("forget_items", json!({"filter": {}}), bad, "/filter"),
    ])
    .await
}

#[tokio::test]
async fn stored_text_is_cleaned_on_its_way_out() -> TestResult {
    let server = start().await?;
    let text = "visible\u{1b}[2Jtext \u{202e}reversed\u{202c} \u{200b}hidden\u{e0041}";
    server.call("store_memory", json!({"items": [{"text": text, "key": "k"}]})).await?;
    for (tool, arguments, list) in [
        ("search_knowledge", json!({"query": "reversed"}), "hits"),
        ("list_memories", json!({"keys": ["k"]}), "items"),
    ] {
        let answer = server.call(tool, arguments).await?;
        assert_eq!(answer.structured()[list][0]["text"], "visibletext reversed hidden", "{tool}");
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn pages_join_to_the_whole() -> TestResult {
    let server = start().await?;
    for batch in 0..3 {
        let items: Vec<Value> = (0..100)
            .map(|n| json!({"text": format!("memory {batch}-{n}"), "context": "c"}))
            .collect();
        server.call("store_memory", json!({"items": items})).await?;
    }
    let mut arguments = json!({"context": "c", "limit": 70, "fields": ["text"]});
    let mut texts = Vec::new();
    loop {
        let page = server.call("list_memories", arguments.clone()).await?;
        let page = page.structured();
        texts.extend(
            page["items"].as_array().into_iter().flatten().map(|item| item["text"].to_string()),
        );
        let Some(cursor) = page.get("next_cursor") else { break };
        arguments["cursor"] = cursor.clone();
    }
    assert_eq!(texts.len(), 300);
    assert_eq!((texts[0].as_str(), texts[299].as_str()), ("\"memory 2-99\"", "\"memory 0-0\""));
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), 300);
    let other = json!({"context": "other", "cursor": arguments["cursor"]});
    assert_eq!(server.call("list_memories", other).await?.error()["field"], "/cursor");
    server.stop().await;
    Ok(())
}
