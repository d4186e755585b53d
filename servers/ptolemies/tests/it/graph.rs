//! Entities and facts through the whole pipeline, on a real store.

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn start() -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start(Config::default()).await
}

/// Ada, who moved, with everything that is said of her.
async fn told(server: &InProcess<Server>) -> TestResult<Value> {
    let stored = server
        .call("upsert_entities", json!({"items": [
            {"name": "Ada Lovelace", "type": "person", "aliases": ["Countess of Lovelace"],
             "observations": ["Wrote the first published algorithm"], "props": {"born": 1815, "note": "a\u{200b}b"},
             "source": "encyclopaedia"},
            {"name": "Analytical Engine", "type": "machine"},
        ]}))
        .await?;
    let facts = server
        .call("upsert_facts", json!({"cardinalities": {"lives_in": "one"}, "items": [
            {"from": "Ada Lovelace", "type": "lives_in", "to": "London", "to_type": "city",
             "valid_from": "1835-07-08T00:00:00Z", "source": "parish register"},
            {"from": "countess of lovelace", "type": "wrote_about", "to": "Analytical Engine",
             "text": "Notes on the engine, with a program for Bernoulli numbers", "valid_from": "1843-09-01T00:00:00Z"},
        ]}))
        .await?;
    assert_eq!(facts.structured()["created_entities"].as_array().map(Vec::len), Some(1));
    assert_eq!(facts.structured()["results"][0]["from"], stored.structured()["results"][0]["id"]);
    Ok(facts.structured().clone())
}

#[tokio::test]
async fn entities_and_facts_are_stored_found_and_read() -> TestResult {
    let server = start().await?;
    let facts = told(&server).await?;
    let read = server
        .call(
            "get_entities",
            json!({"names": ["COUNTESS of lovelace", "Ada Lovelase", "London"], "detail": "full"}),
        )
        .await?;
    let read = read.structured();
    let ada = &read["entities"][0];
    assert_eq!((&ada["name"], &ada["type"]), (&json!("Ada Lovelace"), &json!("person")));
    assert_eq!(ada["props"], json!({"born": 1815, "note": "ab"}), "props are cleaned");
    assert_eq!(ada["observations"][0]["text"], "Wrote the first published algorithm");
    assert_eq!(
        (&ada["facts_total"], &ada["facts"][0]["sources"]),
        (&json!(2), &json!(["parish register"]))
    );
    assert_eq!(
        read["entities"][1]["facts"][0]["from"], "Ada Lovelace",
        "a fact is seen from both ends"
    );
    assert_eq!(read["missing"], json!([{"name": "Ada Lovelase", "nearest": ["Ada Lovelace"]}]));

    for (query, kind, id) in [
        ("bernoulli program", "fact", &facts["results"][1]["id"]),
        ("first published algorithm", "observation", &ada["observations"][0]["id"]),
        ("countess of lovelace", "entity", &ada["id"]),
    ] {
        let found =
            server.call("search_knowledge", json!({"query": query, "kinds": [kind]})).await?;
        assert_eq!(&found.structured()["hits"][0]["id"], id, "{query}");
    }
    let named = server.call("search_knowledge", json!({"query": "Analytical Engine"})).await?;
    assert_eq!(named.structured()["hits"][0]["key_match"], true);
    let none = server
        .call("search_knowledge", json!({"query": "bernoulli", "context": "default"}))
        .await?;
    assert_eq!(none.structured()["hits"], json!([]), "what has no context is in none");
    let early = json!({"query": "bernoulli", "as_of": "1840-01-01T00:00:00Z"});
    assert_eq!(server.call("search_knowledge", early).await?.structured()["hits"], json!([]));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn time_is_kept_over_a_restart() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let facts = told(&server).await?;
    let before =
        server.call("get_entities", json!({"names": ["London"], "detail": "full"})).await?;
    let known = before.structured()["entities"][0]["facts"][0]["recorded_at"].clone();
    let moved = json!({"items": [{"from": "Ada Lovelace", "type": "lives_in", "to": "Ockham", "to_type": "village",
        "valid_from": "1838-01-01T00:00:00Z", "source": "letter"}], "write_id": "move"});
    let moved_to = server.call("upsert_facts", moved.clone()).await?.structured().clone();
    assert_eq!(moved_to["results"][0]["closed"], json!([facts["results"][0]["id"]]));
    server.stop().await;

    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let again = server.call("upsert_facts", moved).await?.structured().clone();
    assert_eq!((&again["results"], &again["repeated"]), (&moved_to["results"], &json!(true)));
    for (as_of, known_at, wanted) in [
        ("1836-01-01T00:00:00Z", None, "London"),
        ("1839-01-01T00:00:00Z", None, "Ockham"),
        ("1839-01-01T00:00:00Z", Some(&known), "London"),
    ] {
        let mut arguments = json!({"names": ["Ada Lovelace"], "as_of": as_of});
        if let Some(known_at) = known_at {
            arguments["known_at"] = known_at.clone();
        }
        let read = server.call("get_entities", arguments).await?;
        assert_eq!(
            read.structured()["entities"][0]["facts"][0]["to"],
            wanted,
            "{as_of} {known_at:?}"
        );
    }
    let line = server.call("get_timeline", json!({"id": facts["results"][0]["id"]})).await?;
    let versions = &line.structured()["versions"];
    assert_eq!(versions.as_array().map(Vec::len), Some(2));
    assert_eq!(versions[1]["previous_id"], versions[0]["id"]);
    assert_eq!(versions[1]["valid_to"], "1838-01-01T00:00:00.000Z");
    assert!(versions[0].get("retracted_at").is_some() && versions[1].get("retracted_at").is_none());
    let whole = server.call("get_timeline", json!({"entity": "Ada Lovelace"})).await?;
    assert_eq!(whole.structured()["versions"].as_array().map(Vec::len), Some(6));

    let forgotten = server
        .call("forget_items", json!({"ids": [facts["results"][0]["from"]], "mode": "purge"}))
        .await?;
    // Herself, an observation, and facts of three: where she lived, twice, and what she wrote about.
    assert_eq!(forgotten.structured()["graph"], 5);
    let gone = server
        .call("search_knowledge", json!({"query": "lovelace bernoulli algorithm ockham"}))
        .await?;
    let left: Vec<&Value> = gone.structured()["hits"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|hit| &hit["text"])
        .collect();
    assert_eq!(left, ["Ockham (village)"]);
    server.stop().await;
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    assert!(
        server.call("get_timeline", json!({"id": facts["results"][0]["id"]})).await?.is_error()
    );
    server.stop().await;
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one table of refusals")]
#[tokio::test]
async fn wrong_graph_arguments_are_named() -> TestResult {
    let server = start().await?;
    let bad = "invalid_argument";
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let fact = |more: Value| {
        let mut item = json!({"from": "a", "type": "r", "to": "b"});
        for (name, value) in more.as_object().into_iter().flatten() {
            item[name] = value.clone();
        }
        json!({"items": [item]})
    };
    let entity = |more: Value| json!({"items": [more]});
    for (tool, arguments, code, field) in [
        ("upsert_entities", json!({"items": []}), bad, "/items"),
        ("upsert_entities", entity(json!({"name": " x"})), bad, "/items/0/name"),
        (
            "upsert_entities",
            entity(json!({"name": "x", "aliases": ["a", "b\n"]})),
            bad,
            "/items/0/aliases/1",
        ),
        (
            "upsert_entities",
            entity(json!({"name": "x", "observations": ["a\u{0}"]})),
            bad,
            "/items/0/observations/0",
        ),
        (
            "upsert_entities",
            entity(json!({"name": "x", "observations": ["é".repeat(16_000)]})),
            "too_large",
            "/items/0/observations/0",
        ),
        (
            "upsert_entities",
            entity(json!({"name": "x", "props": {"a": "x".repeat(40_000)}})),
            "too_large",
            "/items/0/props",
        ),
        ("upsert_facts", fact(json!({"weight": 0})), bad, "/items/0/weight"),
        ("upsert_facts", fact(json!({"valid_from": "soon"})), bad, "/items/0/valid_from"),
        (
            "upsert_facts",
            fact(json!({"valid_from": "2020-01-01T00:00:00Z", "valid_to": "2020-01-01T00:00:00Z"})),
            bad,
            "/items/0/valid_to",
        ),
        (
            "upsert_facts",
            fact(json!({"valid_to": "2020-01-01T00:00:00Z"})),
            bad,
            "/items/0/valid_to",
        ),
        (
            "upsert_facts",
            json!({"items": [{"from": "a", "type": "r", "to": "b"}], "create_missing": false}),
            "not_found",
            "/items/0/from",
        ),
        ("get_entities", json!({"names": []}), bad, "/names"),
        (
            "get_entities",
            json!({"names": ["a"], "known_at": "2200-01-01T00:00:00Z"}),
            bad,
            "/known_at",
        ),
        ("get_timeline", json!({}), bad, ""),
        ("get_timeline", json!({"id": "x"}), bad, "/id"),
        ("get_timeline", json!({"id": id}), "not_found", "/id"),
        ("get_timeline", json!({"key": "k"}), "not_found", "/key"),
        ("get_timeline", json!({"entity": "nobody"}), "not_found", "/entity"),
    ] {
        let error = server.call(tool, arguments.clone()).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{tool} {arguments}: {error}"
        );
    }
    let nothing = server.call("search_knowledge", json!({"query": "a b x"})).await?;
    assert_eq!(nothing.structured()["hits"], json!([]), "a refused call stores nothing");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_graph_is_bounded() -> TestResult {
    let mut config = Config::default();
    config.max_graph_mib = 1;
    let server = InProcess::<Server>::start(config).await?;
    let long = |name: &str| json!({"items": [{"name": name, "observations": (0..40).map(|n| format!("{n} {}", "x".repeat(15_000))).collect::<Vec<_>>()}]});
    server.call("upsert_entities", long("one")).await?.structured();
    let full = server.call("upsert_entities", long("two")).await?;
    assert_eq!(full.error_code(), "quota_exceeded");
    server
        .call("forget_items", json!({"ids": [entity_id(&server, "one").await?], "mode": "purge"}))
        .await?
        .structured();
    server.call("upsert_entities", long("two")).await?.structured();
    let read = server.call("get_entities", json!({"names": ["two"]})).await?;
    let read = read.structured();
    assert_eq!(
        (&read["truncated"], &read["entities"][0]["observations_total"]),
        (&json!(true), &json!(40))
    );
    server.stop().await;
    Ok(())
}

async fn entity_id(server: &InProcess<Server>, name: &str) -> TestResult<Value> {
    Ok(server.call("get_entities", json!({"names": [name]})).await?.structured()["entities"][0]["id"].clone())
}

#[tokio::test]
async fn texts_near_what_a_query_names_come_nearer() -> TestResult {
    let server = start().await?;
    let memories = ["Grace is on leave until June", "Harold is on leave until June"];
    let items: Vec<Value> = memories.iter().map(|text| json!({"text": text})).collect();
    server.call("store_memory", json!({"items": items})).await?;
    let facts = json!({"items": [
        {"from": "Grace", "type": "leads", "to": "Falcon project", "valid_from": "2024-01-01T00:00:00Z"},
        {"from": "Harold", "type": "leads", "to": "Heron project", "valid_from": "2024-01-01T00:00:00Z"},
    ]});
    server.call("upsert_facts", facts).await?;
    let asked = |query: &str| json!({"query": query, "kinds": ["memory"], "explain": true});
    for (query, first) in [
        ("Is the lead of the Falcon project's team on leave?", "Grace"),
        ("Is the lead of the Heron project on leave?", "Harold"),
    ] {
        let found = server.call("search_knowledge", asked(query)).await?;
        let found = found.structured();
        assert_eq!(found["legs"], json!(["lexical", "graph"]), "{query}");
        let hit = &found["hits"][0];
        assert!(hit["text"].as_str().is_some_and(|text| text.starts_with(first)), "{query}: {hit}");
        assert!(hit["explanation"]["graph"].as_f64() > Some(0.0), "{hit}");
    }
    // Neither without a name, nor where the fact does not hold, is anything nearer.
    let plain = server.call("search_knowledge", asked("who is on leave?")).await?;
    assert_eq!(plain.structured()["legs"], json!(["lexical"]));
    let mut early = asked("Is the lead of the Falcon project on leave?");
    early["as_of"] = json!("2023-06-01T00:00:00Z");
    let early = server.call("search_knowledge", early).await?;
    for hit in early.structured()["hits"].as_array().ok_or("no hits")? {
        assert_eq!(hit["explanation"]["graph"], Value::Null, "{hit}");
    }
    server.stop().await;
    Ok(())
}
