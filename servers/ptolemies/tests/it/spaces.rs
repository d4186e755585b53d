//! Namespaces: whose they are, what is granted, how much they hold, and that nothing passes between.

use std::collections::BTreeMap;

use machina_ptolemies::{Access, Allowance, Config};
use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::house::{House, Tenant};

const A: &str = "key:configured-1";
const B: &str = "key:configured-2";

fn granting(caller: &str, to: &[(&str, Access)]) -> Config {
    let to: BTreeMap<String, Access> =
        to.iter().map(|(name, access)| ((*name).to_owned(), *access)).collect();
    let mut config = Config::default();
    config.grants.insert(caller.to_owned(), to);
    config
}

fn memory(text: &str) -> Value {
    json!({"items": [{"text": text}]})
}

async fn texts(tenant: &mut Tenant, arguments: Value) -> TestResult<Vec<String>> {
    let found = tenant.ask("list_memories", arguments).await?;
    let items = found["items"].as_array().cloned().unwrap_or_default();
    Ok(items.iter().filter_map(|item| item["text"].as_str().map(str::to_owned)).collect())
}

#[tokio::test]
async fn each_caller_has_a_home_of_its_own() -> TestResult {
    let mut config = Config::default();
    config.homes.insert(A.to_owned(), "alice".to_owned());
    let house = House::open(config).await?;
    let (mut a, mut b) = (house.tenant(1).await?, house.tenant(2).await?);
    a.ask("store_memory", memory("of a")).await?;
    b.ask("store_memory", memory("of b")).await?;
    house.local().call("store_memory", memory("of the user")).await?.structured();
    assert_eq!(texts(&mut a, json!({})).await?, ["of a"]);
    assert_eq!(texts(&mut b, json!({})).await?, ["of b"]);
    assert_eq!(texts(&mut a, json!({"namespace": "alice"})).await?, ["of a"]);
    let schema = a.ask("get_schema", json!({})).await?;
    assert_eq!(schema["namespace"], "alice");
    assert_eq!(schema["namespaces"], json!([{"name": "alice", "access": "rw", "home": true}]));
    let schema = b.ask("get_schema", json!({})).await?;
    let home = schema["namespace"].as_str().unwrap_or_default().to_owned();
    assert!(home.starts_with("u_") && home.len() == 22, "{home}");
    assert_eq!(a.read("ptolemies://stats").await?["namespace"], "alice");
    assert_eq!(b.read("ptolemies://schema").await?["namespace"], home);
    // The user of this machine enters all of them.
    let all = house.local().call("get_schema", json!({"namespace": home})).await?;
    assert_eq!(all.structured()["namespaces"].as_array().map(Vec::len), Some(3));
    let listed = house.local().call("list_memories", json!({"namespace": home})).await?;
    assert_eq!(listed.structured()["items"][0]["text"], "of b");
    house.stop().await;
    Ok(())
}

#[tokio::test]
async fn grants_open_as_far_as_they_say() -> TestResult {
    let config = granting(A, &[("team", Access::Write), ("books", Access::Read)]);
    let house = House::open(config).await?;
    let (mut a, mut b) = (house.tenant(1).await?, house.tenant(2).await?);
    let into = |namespace: &str| json!({"namespace": namespace, "items": [{"text": "shared"}]});
    a.ask("store_memory", into("team")).await?;
    let refused = a.refused("store_memory", into("books")).await?;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("namespace_read_only"), &json!("/namespace"))
    );
    assert!(texts(&mut a, json!({"namespace": "books"})).await?.is_empty());
    // What is not granted is not there, whether it is there or not.
    let unknown = b.refused("list_memories", json!({"namespace": "no_such"})).await?;
    assert_eq!(unknown["code"], "not_found");
    for name in ["team", "books", "default", "team/x", "NOT A NAME", "*", "", "..", "u_x"] {
        for (tool, arguments) in [
            ("list_memories", json!({"namespace": name})),
            ("store_memory", into(name)),
            ("restore_backup", json!({"namespace": name, "id": "x"})),
            ("list_jobs", json!({"namespace": name})),
        ] {
            assert_eq!(b.refused(tool, arguments).await?, unknown, "{tool} {name}");
        }
    }
    // A grant covers what lies below, which the user of this machine may make; a tenant may not.
    let made = a.refused("create_namespace", json!({"name": "team/new"})).await?;
    assert_eq!(made["code"], "invalid_argument");
    house.local().call("create_namespace", json!({"name": "team/new"})).await?.structured();
    a.ask("store_memory", into("team/new")).await?;
    let absent = a.refused("store_memory", into("team/other")).await?;
    assert_eq!(absent, unknown);
    let names = a.ask("get_schema", json!({})).await?["namespaces"].clone();
    let names: Vec<&Value> =
        names.as_array().into_iter().flatten().map(|one| &one["name"]).skip(1).collect();
    assert_eq!(names, ["books", "team", "team/new"]);
    house.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_tenant_makes_namespaces_below_its_home() -> TestResult {
    let mut config = Config::default();
    config.homes.insert(A.to_owned(), "alice".to_owned());
    config.homes.insert(B.to_owned(), "bob".to_owned());
    config.max_namespaces = 4;
    let house = House::open(config).await?;
    let (mut a, mut b) = (house.tenant(1).await?, house.tenant(2).await?);
    let asked = json!({"name": "alice/notes", "cardinalities": {"lives_in": "one"}});
    let made = a.ask("create_namespace", asked.clone()).await?;
    assert_eq!((&made["name"], &made["created"]), (&json!("alice/notes"), &json!(true)));
    let again = a.ask("create_namespace", asked).await?;
    assert_eq!((&again["created"], &again["created_at"]), (&json!(false), &made["created_at"]));
    let fact = |to: &str| json!({"namespace": "alice/notes", "items": [{"from": "Ada", "type": "lives_in", "to": to}]});
    a.ask("upsert_facts", fact("London")).await?;
    let moved = a.ask("upsert_facts", fact("Ockham")).await?;
    assert_eq!(moved["results"][0]["closed"].as_array().map(Vec::len), Some(1), "{moved}");
    let home = a.ask("get_entities", json!({"names": ["Ada"]})).await?;
    assert_eq!(home["entities"], json!([]));
    // Not in another's home, with the same words whether it is there or not.
    let there = b.refused("create_namespace", json!({"name": "alice/notes"})).await?;
    assert_eq!(there, b.refused("create_namespace", json!({"name": "alice/none"})).await?);
    assert_eq!(there["message"], "must lie below your home: bob/...");
    // alice/notes, alice, bob and one more.
    b.ask("list_memories", json!({})).await?;
    b.ask("create_namespace", json!({"name": "bob/x"})).await?;
    let full = b.refused("create_namespace", json!({"name": "bob/y"})).await?;
    assert_eq!(full["code"], "quota_exceeded");
    assert!(full["hint"].as_str().unwrap_or_default().contains("max_namespaces"), "{full}");
    let mut c = house.tenant(3).await?;
    assert_eq!(c.refused("list_memories", json!({})).await?["code"], "quota_exceeded");
    house.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_quota_is_of_a_namespace_and_names_its_bound() -> TestResult {
    let mut config = Config::default();
    config.homes.insert(A.to_owned(), "alice".to_owned());
    let quota = |items, bytes| {
        let mut quota = Allowance::default();
        (quota.items, quota.bytes) = (items, bytes);
        quota
    };
    config.quotas.insert("*".to_owned(), quota(Some(4), None));
    config.quotas.insert("alice".to_owned(), quota(Some(6), Some(100)));
    let house = House::open(config).await?;
    let (mut a, mut b) = (house.tenant(1).await?, house.tenant(2).await?);
    for text in ["one", "two", "three", "four"] {
        a.ask("store_memory", memory(text)).await?;
        b.ask("store_memory", memory(text)).await?;
    }
    let full = b.refused("store_memory", memory("five")).await?;
    assert_eq!(full["code"], "quota_exceeded");
    for part in ["at most 4 items", "has 4", "would add 1"] {
        assert!(full["message"].as_str().unwrap_or_default().contains(part), "{part}: {full}");
    }
    // Two entities, one fact: no part of them is written.
    let fact = json!({"items": [{"from": "Ada", "type": "knows", "to": "Bob"}]});
    assert_eq!(a.refused("upsert_facts", fact).await?["code"], "quota_exceeded");
    let limits = a.ask("get_schema", json!({})).await?["limits"].clone();
    assert_eq!(
        [&limits["max_items"], &limits["items_held"], &limits["max_bytes"]],
        [&json!(6), &json!(4), &json!(100)]
    );
    let long = json!({"uri": "long", "text": "word ".repeat(20)});
    let full = a.refused("ingest_documents", long).await?;
    assert!(full["message"].as_str().unwrap_or_default().contains("at most 100 bytes"), "{full}");
    // A maker may narrow what it makes, not widen it.
    let made = json!({"name": "alice/small", "quota": {"items": 1, "bytes": 1_000_000}});
    let made = a.ask("create_namespace", made).await?;
    assert_eq!(made["quota"], json!({"items": 1, "bytes": 1_000_000}));
    let wide = json!({"name": "alice/small", "quota": {"items": 50}});
    assert_eq!(a.ask("create_namespace", wide).await?["quota"], json!({"items": 4}));
    // Purging makes room.
    let listed = b.ask("list_memories", json!({"fields": ["version"]})).await?;
    let id = &listed["items"][0]["id"];
    b.ask("forget_items", json!({"ids": [id], "mode": "purge"})).await?;
    b.ask("store_memory", memory("five")).await?;
    house.stop().await;
    Ok(())
}

/// What of a tenant's another might ask for, by the tools that take it.
async fn property(b: &mut Tenant) -> TestResult<Vec<(&'static str, Value)>> {
    let stored = b.ask("store_memory", json!({"items": [{"text": "secret", "key": "k"}]})).await?;
    let memory = &stored["results"][0]["id"];
    let facts = json!({"items": [{"from": "Ada", "type": "knows", "to": "Bob"}]});
    let fact = b.ask("upsert_facts", facts).await?["results"][0]["id"].clone();
    let entity =
        b.ask("get_entities", json!({"names": ["Ada"]})).await?["entities"][0]["id"].clone();
    let merged = json!({"keep": "Ada", "merge": ["Bob"]});
    let merge = b.ask("merge_entities", merged).await?["merge"]["merge_id"].clone();
    let taken = b.ask("ingest_documents", json!({"uri": "u", "text": "secret"})).await?;
    let (document, job) = (&taken["results"][0]["id"], &taken["job_id"]);
    let backup = b.ask("create_backup", json!({})).await?["backup"]["id"].clone();
    let cases = [
        ("list_memories", json!({"ids": [memory]})),
        ("list_memories", json!({"keys": ["k"]})),
        ("get_timeline", json!({"id": memory})),
        ("get_timeline", json!({"id": fact})),
        ("get_timeline", json!({"entity": entity})),
        ("get_timeline", json!({"key": "k"})),
        ("get_entities", json!({"names": [entity, "Ada", "Bob"]})),
        ("explore_graph", json!({"seeds": [entity]})),
        ("find_paths", json!({"from": entity, "to": "Bob"})),
        ("get_document", json!({"id": document})),
        ("get_document", json!({"uri": "u"})),
        ("list_jobs", json!({"id": job})),
        ("cancel_job", json!({"id": job})),
        ("restore_backup", json!({"id": backup})),
        ("merge_entities", json!({"undo": merge})),
        ("forget_items", json!({"ids": [memory, fact, entity, document], "dry_run": true})),
        ("forget_items", json!({"keys": ["k"], "mode": "purge"})),
        ("forget_items", json!({"document": "u"})),
        ("query_graph", json!({"query": "SELECT * FROM memory, fact, entity, document, change"})),
        ("search_knowledge", json!({"query": "secret"})),
        ("search_knowledge", json!({"query": "k"})),
        ("list_documents", json!({})),
        ("export_knowledge", json!({})),
    ];
    Ok(cases.to_vec())
}

#[tokio::test]
async fn what_another_has_is_not_there_with_the_very_words_for_what_is_not() -> TestResult {
    let (with, without) =
        (House::open(Config::default()).await?, House::open(Config::default()).await?);
    let mut b = with.tenant(2).await?;
    let cases = property(&mut b).await?;
    let (mut a, mut alone) = (with.tenant(1).await?, without.tenant(1).await?);
    let still = |mut response: Value| {
        let text = response["result"]["content"][0]["text"].take();
        let mut text: Value =
            serde_json::from_str(text.as_str().unwrap_or_default()).unwrap_or_default();
        for told in ["request_id", "known_at"] {
            if let Some(object) = text.as_object_mut() {
                object.remove(told);
            }
        }
        (response["result"]["isError"].clone(), text)
    };
    for (tool, arguments) in cases {
        let answer = a.call(tool, &arguments).await?;
        assert!(!answer.to_string().contains("secret") || tool == "search_knowledge", "{answer}");
        let alone = alone.call(tool, &arguments).await?;
        assert_eq!(still(answer), still(alone), "{tool} {arguments}");
    }
    assert_eq!(texts(&mut b, json!({})).await?, ["secret"], "and it is all there still");
    // A write id is its namespace's too.
    let named = |text: &str| json!({"write_id": "w", "items": [{"text": text}]});
    b.ask("store_memory", named("secret two")).await?;
    let own = a.ask("store_memory", named("of a")).await?;
    assert!(own.get("repeated").is_none(), "{own}");
    with.stop().await;
    without.stop().await;
    Ok(())
}

#[tokio::test]
async fn cursors_are_of_their_namespace() -> TestResult {
    let house = House::open(granting(A, &[("team", Access::Write)])).await?;
    let mut a = house.tenant(1).await?;
    for namespace in [json!(null), json!("team")] {
        let items = json!([{"text": "one"}, {"text": "two"}]);
        let mut arguments = json!({"items": items});
        if namespace.is_string() {
            arguments["namespace"] = namespace;
        }
        a.ask("store_memory", arguments).await?;
    }
    let page = a.ask("list_memories", json!({"limit": 1})).await?;
    let cursor = &page["next_cursor"];
    let on = json!({"limit": 1, "cursor": cursor});
    assert_eq!(a.ask("list_memories", on).await?["items"][0]["text"], "one");
    let elsewhere = json!({"limit": 1, "cursor": cursor, "namespace": "team"});
    let refused = a.refused("list_memories", elsewhere).await?;
    let garbage = json!({"limit": 1, "cursor": "garbage", "namespace": "team"});
    assert_eq!(refused, a.refused("list_memories", garbage).await?);
    house.stop().await;
    Ok(())
}

#[tokio::test]
async fn several_namespaces_are_searched_each_with_its_own_scores() -> TestResult {
    let house =
        House::open(granting(A, &[("team", Access::Write), ("books", Access::Read)])).await?;
    let mut a = house.tenant(1).await?;
    let home = a.ask("get_schema", json!({})).await?["namespace"].clone();
    let mine = json!({"items": [{"text": "the harbour crane is painted yellow"},
        {"text": "lunch is at noon"}]});
    a.ask("store_memory", mine).await?;
    let team = json!({"namespace": "team", "items": [
        {"text": "the crane of the harbour lifts forty tons"},
        {"text": "a crane is a bird"}, {"text": "birds fly south"},
        {"text": "the harbour crane is painted yellow!"}]});
    a.ask("store_memory", team).await?;
    let query = "harbour crane tons";
    let scores = |answer: &Value| -> Vec<(String, Value)> {
        let hits = answer["hits"].as_array().cloned().unwrap_or_default();
        let hits = hits.iter().map(|hit| (hit["id"].to_string(), hit["score"].clone()));
        hits.collect()
    };
    let alone = [
        a.ask("search_knowledge", json!({"query": query})).await?,
        a.ask("search_knowledge", json!({"query": query, "namespaces": ["team"]})).await?,
    ];
    let both = json!({"query": query, "namespaces": [home, "team", "books", "team"]});
    let both = a.ask("search_knowledge", both).await?;
    let searched = both["searched"].as_array().cloned().unwrap_or_default();
    let names: Vec<&Value> = searched.iter().map(|one| &one["namespace"]).collect();
    assert_eq!(names, [&home, &json!("team"), &json!("books")]);
    let alone: Vec<(String, Value)> = alone.iter().flat_map(&scores).collect();
    for hit in scores(&both) {
        assert!(alone.contains(&hit), "{hit:?} scores otherwise alone: {alone:?}");
    }
    // The one that holds all words comes first, though each is the best of its namespace.
    assert_eq!(both["hits"][0]["namespace"], "team", "{both}");
    assert_eq!(both["hits"][0]["text"], "the crane of the harbour lifts forty tons");
    assert!(searched[0]["weight"].as_f64() < searched[1]["weight"].as_f64(), "{both}");
    let folded = both["hits"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|hit| hit["near_duplicates"].as_array().is_some_and(|twins| !twins.is_empty()));
    assert_eq!(folded.count(), 1, "{both}");
    let one =
        a.ask("search_knowledge", json!({"query": query, "namespaces": [home, "team"], "k": 1}));
    assert_eq!(one.await?["hits"].as_array().map(Vec::len), Some(1));
    let foreign = json!({"query": query, "namespaces": ["team", "default"]});
    let foreign = a.refused("search_knowledge", foreign).await?;
    assert_eq!(
        (&foreign["code"], &foreign["field"]),
        (&json!("not_found"), &json!("/namespaces/1"))
    );
    house.stop().await;
    Ok(())
}

#[tokio::test]
async fn namespaces_outlive_the_process_and_are_kept_apart() -> TestResult {
    let state = tempfile::tempdir()?;
    let start = || {
        mcp_testkit::InProcess::<machina_ptolemies::Server>::start_in(
            state.path(),
            Config::default(),
        )
    };
    let server = start().await?;
    server
        .call("create_namespace", json!({"name": "work", "quota": {"items": 3}}))
        .await?
        .structured();
    let stored = json!({"namespace": "work", "items": [{"text": "kept", "key": "k"}]});
    server.call("store_memory", stored).await?.structured();
    let made = server.call("create_backup", json!({"namespace": "work"})).await?;
    let id = made.structured()["backup"]["id"].clone();
    // A backup is of its namespace: another does not know it.
    let elsewhere = server.call("restore_backup", json!({"id": id})).await?;
    assert_eq!(elsewhere.error_code(), "not_found");
    let vacuumed = json!({"namespace": "work", "action": "vacuum"});
    server.call("run_maintenance", vacuumed).await?.structured();
    server.stop().await;
    let server = start().await?;
    let listed = server.call("list_memories", json!({"namespace": "work"})).await?;
    assert_eq!(listed.structured()["items"][0]["text"], "kept");
    let home = server.call("list_memories", json!({"keys": ["k"]})).await?;
    assert_eq!(home.structured()["missing"], json!(["k"]));
    let listed = server.call("list_jobs", json!({"namespace": "work", "backups": true})).await?;
    assert_eq!(listed.structured()["backups"][0]["id"], id);
    let schema = server.call("get_schema", json!({"namespace": "work"})).await?;
    assert_eq!(schema.structured()["limits"]["max_items"], 3);
    let checked = json!({"namespace": "work", "action": "verify"});
    let checked = server.call("run_maintenance", checked).await?;
    assert!(checked.structured().get("findings").is_none());
    server.stop().await;
    Ok(())
}
