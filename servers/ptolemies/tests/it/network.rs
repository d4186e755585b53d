//! The graph walked, connected, analysed and merged, through the whole pipeline on a real store.

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn start() -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start(Config::default()).await
}

/// A call's answer.
async fn ask(server: &InProcess<Server>, tool: &str, arguments: Value) -> TestResult<Value> {
    Ok(server.call(tool, arguments).await?.structured().clone())
}

fn fact(from: &str, kind: &str, to: &str) -> Value {
    json!({"from": from, "type": kind, "to": to, "valid_from": "2020-01-01T00:00:00Z"})
}

/// Programs and what they need: two of them need each other; a person stands aside.
async fn told(server: &InProcess<Server>) -> TestResult {
    let people = json!({"items": [
        {"name": "Ada", "type": "person", "observations": ["Ada maintains the parser and the lexer"]},
        {"name": "Augusta", "type": "person", "observations": ["Augusta reviews the parser"]},
        {"name": "Nobody", "type": "person"},
    ]});
    server.call("upsert_entities", people).await?.structured();
    let mut weak = fact("App", "needs", "Log");
    weak["weight"] = json!(0.1);
    weak["valid_from"] = json!("2024-01-01T00:00:00Z");
    let facts = json!({"items": [
        fact("App", "needs", "Parser"), fact("Parser", "needs", "Lexer"), fact("Lexer", "needs", "Text"),
        fact("Text", "needs", "Lexer"), fact("Lexer", "needs", "Log"), weak,
        fact("Ada", "maintains", "Parser"), fact("Ada", "maintains", "Lexer"),
        fact("Augusta", "reviews", "Parser"),
    ]});
    server.call("upsert_facts", facts).await?.structured();
    Ok(())
}

/// Names of the entities of an answer in order.
fn names(list: &Value) -> Vec<&str> {
    list.as_array().into_iter().flatten().filter_map(|item| item["name"].as_str()).collect()
}

#[tokio::test]
async fn a_part_of_the_graph_is_shown_and_says_where_it_was_cut() -> TestResult {
    let server = start().await?;
    told(&server).await?;
    let call = json!({"seeds": ["App"], "depth": 1, "direction": "out"});
    let near = ask(&server, "explore_graph", call).await?;
    assert_eq!(names(&near["nodes"]), ["App", "Parser", "Log"]);
    assert_eq!(
        (&near["cut_by"], &near["cut"]),
        (&json!(["depth"]), &json!([{"node": 1, "left_out": 1}]))
    );
    let edges = near["edges"].as_array().ok_or("no edges")?;
    let edges: Vec<(&Value, &Value, &Value)> =
        edges.iter().map(|edge| (&edge["from"], &edge["to"], &edge["weight"])).collect();
    assert_eq!(edges, [(&json!(0), &json!(1), &Value::Null), (&json!(0), &json!(2), &json!(0.1))]);

    // Before the log was needed directly.
    let then =
        json!({"seeds": ["App"], "depth": 1, "direction": "out", "as_of": "2022-01-01T00:00:00Z"});
    assert_eq!(names(&ask(&server, "explore_graph", then).await?["nodes"]), ["App", "Parser"]);

    let few = json!({"seeds": ["App"], "depth": 6, "max_nodes": 3});
    let few = ask(&server, "explore_graph", few).await?;
    assert_eq!((&few["node_count"], &few["cut_by"]), (&json!(3), &json!(["max_nodes"])));
    assert_eq!(few["cut_count"], 2);

    let whole = json!({"seeds": ["app"], "depth": 6, "types": ["NEEDS"], "report": "dependencies", "backend": "engine"});
    let whole = ask(&server, "explore_graph", whole).await?;
    assert_eq!((&whole["cut_by"], &whole["cut_count"]), (&json!([]), &json!(0)));
    let nodes = names(&whole["nodes"]);
    let layers: Vec<Vec<Vec<&str>>> =
        serde_json::from_value::<Vec<Vec<Vec<usize>>>>(whole["layers"].clone())?
            .into_iter()
            .map(|layer| {
                layer.into_iter().map(|set| set.into_iter().map(|at| nodes[at]).collect()).collect()
            })
            .collect();
    assert_eq!(
        layers,
        [vec![vec!["Log"]], vec![vec!["Lexer", "Text"]], vec![vec!["Parser"]], vec![vec!["App"]]]
    );

    let circles = json!({"seeds": ["Ada"], "depth": 3, "report": "cycles"});
    let circles = ask(&server, "explore_graph", circles).await?;
    let nodes = names(&circles["nodes"]);
    let circle: Vec<usize> = serde_json::from_value(circles["cycles"][0]["nodes"].clone())?;
    let circle: Vec<&str> = circle.into_iter().map(|at| nodes[at]).collect();
    assert_eq!((circle, &circles["cycles"][0]["among"]), (vec!["Lexer", "Text"], &json!(2)));
    assert_eq!(circles["cycles"].as_array().map(Vec::len), Some(1));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn nasty_labels_are_text_in_every_format() -> TestResult {
    let server = start().await?;
    let nasty = "x\"]; --> y[z] <b>&amp;</b> #quot;";
    server
        .call(
            "upsert_facts",
            json!({"items": [{"from": nasty, "type": "\"-->\" |k|", "to": "end"}]}),
        )
        .await?
        .structured();
    let show = async |format: &str| -> TestResult<String> {
        let call = json!({"seeds": ["end"], "format": format});
        let answer = ask(&server, "explore_graph", call).await?;
        assert_eq!((&answer["untrusted"], answer.get("nodes")), (&json!(["/text"]), None));
        Ok(answer["text"].as_str().ok_or("no text")?.to_owned())
    };
    assert_eq!(
        show("mermaid").await?,
        "flowchart LR\n  n0[\"end\"]\n  n1[\"x#34;#93;#59; #45;#45;#62; y#91;z#93; \
         #60;b#62;#38;amp#59;#60;#47;b#62; #35;quot#59;\"]\n  n1 -->|\"#34;#45;#45;#62;#34; #124;k#124;\"| n0\n"
    );
    assert_eq!(
        show("dot").await?,
        "digraph knowledge {\n  rankdir=LR;\n  n0 [label=\"end\"];\n  n1 [label=\"x\\\"]; --> y[z] \
         <b>&amp;amp;</b> #quot;\"];\n  n1 -> n0 [label=\"\\\"-->\\\" |k|\"];\n}\n"
    );
    let xml = show("graphml").await?;
    for part in [
        "<data key=\"name\">x\"]; --&gt; y[z] &lt;b&gt;&amp;amp;&lt;/b&gt; #quot;</data>",
        "<edge source=\"n1\" target=\"n0\">",
        "<data key=\"type\">\"--&gt;\" |k|</data>",
    ] {
        assert!(xml.contains(part), "{part} is not in {xml}");
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_has_no_room_is_left_out_from_the_far_end() -> TestResult {
    let server = start().await?;
    let long = "n".repeat(150);
    for batch in 0..2 {
        let items = (0..240).map(|n| fact("Hub", "leads_to", &format!("{long} {batch} {n}")));
        let items: Vec<Value> = items.collect();
        server.call("upsert_facts", json!({"items": items})).await?.structured();
    }
    for format in ["json", "mermaid", "dot", "graphml"] {
        let call = json!({"seeds": ["Hub"], "max_nodes": 500, "format": format});
        let answer = server.call("explore_graph", call).await?;
        let answer = answer.structured();
        assert!(answer.to_string().chars().count() <= 40_000);
        assert_eq!(answer["cut_by"], json!(["room"]), "{format}");
        let shown = answer["node_count"].as_u64().ok_or("no count")?;
        assert!(shown > 60 && answer["edge_count"] == shown - 1, "{format}: {shown}");
        assert_eq!(answer["cut"], json!([{"node": 0, "left_out": 481 - shown}]));
    }
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn paths_are_facts_with_their_cost() -> TestResult {
    let server = start().await?;
    told(&server).await?;
    let stops = |answer: &Value, at: usize| -> Vec<String> {
        names(&answer["paths"][at]["entities"]).into_iter().map(str::to_owned).collect()
    };
    let call = |more: Value| {
        let mut call = json!({"from": "App", "to": "Log", "direction": "out"});
        for (name, value) in more.as_object().into_iter().flatten() {
            call[name] = value.clone();
        }
        call
    };
    let short = ask(&server, "find_paths", call(json!({}))).await?;
    assert_eq!(stops(&short, 0), ["App", "Log"]);
    assert_eq!((&short["paths"][0]["cost"], &short["complete"]), (&json!(1.0), &json!(false)));
    let strong = ask(&server, "find_paths", call(json!({"mode": "weighted", "k": 5}))).await?;
    assert_eq!(stops(&strong, 0), ["App", "Parser", "Lexer", "Log"]);
    assert_eq!(
        (&strong["paths"][0]["cost"], &strong["paths"][1]["cost"]),
        (&json!(3.0), &json!(10.0))
    );
    assert_eq!(
        (strong["paths"].as_array().map(Vec::len), &strong["complete"]),
        (Some(2), &json!(true))
    );
    // The cheapest has too many facts.
    let bounded =
        ask(&server, "find_paths", call(json!({"mode": "weighted", "max_hops": 2}))).await?;
    assert_eq!(stops(&bounded, 0), ["App", "Log"]);
    let all = json!({"from": "Ada", "to": "Augusta", "mode": "k_shortest", "k": 10});
    let all = ask(&server, "find_paths", all).await?;
    assert_eq!(stops(&all, 0), ["Ada", "Parser", "Augusta"]);
    let steps = &all["paths"][0]["facts"];
    assert_eq!((&steps[0]["type"], &steps[1]["type"]), (&json!("maintains"), &json!("reviews")));
    assert_eq!((steps[0].get("backwards"), &steps[1]["backwards"]), (None, &json!(true)));
    assert_eq!(all["complete"], true);
    let none = json!({"from": "App", "to": "Nobody"});
    let none = ask(&server, "find_paths", none).await?;
    assert_eq!((&none["paths"], &none["complete"]), (&json!([]), &json!(true)));
    let earlier = call(json!({"as_of": "2022-01-01T00:00:00Z"}));
    assert_eq!(stops(&ask(&server, "find_paths", earlier).await?, 0).len(), 4);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_graph_is_analysed() -> TestResult {
    let server = start().await?;
    told(&server).await?;
    let by = async |more: Value| -> TestResult<Value> { ask(&server, "analyze_graph", more).await };
    let rank = by(json!({"method": "pagerank", "direction": "out"})).await?;
    assert_eq!(
        (&rank["entities"], &rank["facts"], &rank["isolated"]),
        (&json!(7), &json!(9), &json!(1))
    );
    let sum: f64 = rank["scores"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|item| item["score"].as_f64())
        .sum();
    assert!((sum - 1.0).abs() < 1e-9, "{sum}");
    assert_eq!(rank["scores"][0]["name"], "Lexer");
    let near =
        by(json!({"method": "personalized", "seeds": ["Augusta"], "direction": "out", "k": 2}))
            .await?;
    assert_eq!((&near["scores"][0]["name"], &near["left_out"]), (&json!("Lexer"), &json!(5)));
    let degree = by(json!({"method": "degree", "types": ["maintains", "reviews"]})).await?;
    let top: Vec<(&Value, &Value, &Value, &Value)> = degree["scores"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|item| (&item["name"], &item["score"], &item["in"], &item["out"]))
        .take(2)
        .collect();
    let (two, none) = (json!(2), json!(0));
    let wanted =
        [(&json!("Ada"), &json!(2.0), &none, &two), (&json!("Parser"), &json!(2.0), &two, &none)];
    assert_eq!(top, wanted, "of equals the older first");
    assert_eq!(degree["isolated"], 4);
    let between = by(json!({"method": "betweenness"})).await?;
    assert_eq!(
        (&between["exact"], &between["scores"][0]["name"]),
        (&json!(true), &json!("Parser"))
    );
    let parts = by(json!({"method": "components", "types": ["maintains"]})).await?;
    assert_eq!(
        (&parts["groups"][0]["size"], names(&parts["groups"][0]["members"])[0]),
        (&json!(3), "Ada")
    );
    assert!(parts.get("modularity").is_none());
    let groups = by(json!({"method": "communities"})).await?;
    let sizes = groups["groups"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|group| group["size"].as_u64());
    assert_eq!(sizes.sum::<u64>(), 7);
    assert!(groups["modularity"].as_f64().is_some_and(|share| share > 0.0));
    let summary = groups["groups"][0]["summary"].as_array().ok_or("no summary")?;
    assert!(!summary.is_empty() && summary.len() <= 3, "{groups}");
    assert_eq!(groups, by(json!({"method": "communities"})).await?, "answers repeat");
    server.stop().await;
    Ok(())
}

/// Answers of every read, without the journal position.
async fn read_all(server: &InProcess<Server>) -> TestResult<Vec<String>> {
    let mut answers = Vec::new();
    for (tool, arguments) in [
        ("get_entities", json!({"names": ["Ada", "Augusta"], "detail": "full"})),
        ("explore_graph", json!({"seeds": ["Augusta"], "depth": 6})),
        ("find_paths", json!({"from": "Ada", "to": "Augusta", "mode": "k_shortest", "k": 3})),
        ("analyze_graph", json!({"method": "pagerank"})),
        ("analyze_graph", json!({"method": "communities"})),
        ("search_knowledge", json!({"query": "augusta reviews"})),
        ("search_knowledge", json!({"query": "ada"})),
        ("get_schema", json!({})),
    ] {
        let answer = server.call(tool, arguments).await?;
        match answer.structured() {
            Value::Object(answer) => {
                let mut answer = answer.clone();
                answer.remove("seq");
                // Bytes held count the row of the merge, which stays.
                answer.remove("limits");
                answers.push(Value::Object(answer).to_string());
            }
            other => return Err(format!("{tool} answered {other}").into()),
        }
    }
    Ok(answers)
}

#[tokio::test]
async fn a_merge_is_one_entity_until_it_is_undone() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    told(&server).await?;
    let before = read_all(&server).await?;
    let known = ask(&server, "get_entities", json!({"names": ["Ada"], "detail": "full"})).await?;
    let known_at = known["entities"][0]["recorded_at"].clone();
    let call = json!({"keep": "Ada", "merge": ["Augusta"], "write_id": "m"});
    let done = ask(&server, "merge_entities", call.clone()).await?;
    let again = ask(&server, "merge_entities", call).await?;
    assert_eq!((&again["merge"], &again["repeated"]), (&done["merge"], &json!(true)));
    server.stop().await;

    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let both =
        ask(&server, "get_entities", json!({"names": ["augusta", done["merge"]["merged"][0]]}))
            .await?;
    let ada = &both["entities"][0];
    assert_eq!((&ada["name"], &ada["aliases"]), (&json!("Ada"), &json!(["Augusta"])));
    assert_eq!((&ada["facts_total"], &ada["observations_total"]), (&json!(3), &json!(2)));
    assert_eq!(ada["merges"][0]["id"], done["merge"]["merge_id"]);
    assert_eq!(both["entities"].as_array().map(Vec::len), Some(1));
    let then = json!({"names": ["Augusta"], "known_at": known_at});
    let then = ask(&server, "get_entities", then).await?;
    assert_eq!(then["entities"][0]["name"], "Augusta", "the past is answered as before");
    let same = server.call("find_paths", json!({"from": "Ada", "to": "Augusta"})).await?.error();
    assert_eq!((&same["code"], &same["field"]), (&json!("invalid_argument"), &json!("/to")));
    let line = ask(&server, "get_timeline", json!({"entity": "Augusta"})).await?;
    let last = line["versions"].as_array().and_then(|rows| rows.last()).ok_or("no history")?;
    assert_eq!(
        (&last["kind"], &last["text"]),
        (&json!("merge"), &json!("Augusta merged into Ada"))
    );

    ask(&server, "merge_entities", json!({"undo": done["merge"]["merge_id"]})).await?;
    assert_eq!(read_all(&server).await?, before);
    server.stop().await;
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    assert_eq!(read_all(&server).await?, before, "after a restart too");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn the_schema_tells_what_is_stored_and_its_examples_work() -> TestResult {
    let server = start().await?;
    let empty = ask(&server, "get_schema", json!({})).await?;
    assert_eq!(
        empty["totals"],
        json!({"memories": 0, "entities": 0, "observations": 0, "facts": 0, "merges": 0, "documents": 0})
    );
    told(&server).await?;
    server
        .call("store_memory", json!({"items": [{"text": "a", "context": "ops"}, {"text": "b", "context": "ops"}, {"text": "c"}]}))
        .await?
        .structured();
    server.call("upsert_facts", json!({"items": [], "cardinalities": {}})).await?.error();
    server
        .call("upsert_facts", json!({"items": [fact("Ada", "Lives In", "Graz")], "cardinalities": {"lives_in": "one"}}))
        .await?
        .structured();
    let schema = ask(&server, "get_schema", json!({})).await?;
    assert_eq!(
        schema["totals"],
        json!({"memories": 3, "entities": 9, "observations": 2, "facts": 10, "merges": 0, "documents": 0})
    );
    assert_eq!(schema["entity_types"], json!([{"type": "person", "count": 3}, {"count": 6}]));
    assert_eq!(
        schema["fact_types"][0],
        json!({"type": "needs", "count": 6, "cardinality": "many"})
    );
    let lives =
        schema["fact_types"].as_array().into_iter().flatten().find(|it| it["type"] == "Lives In");
    assert_eq!(lives.map(|it| &it["cardinality"]), Some(&json!("one")));
    assert_eq!(
        schema["contexts"],
        json!([{"context": "ops", "count": 2}, {"context": "default", "count": 1}])
    );
    assert_eq!(
        (&schema["limits"]["memories_held"], &schema["backends"]["graph"]),
        (&json!(3), &json!("engine"))
    );
    let past = ask(&server, "get_schema", json!({"as_of": "2022-01-01T00:00:00Z"})).await?;
    assert_eq!(past["fact_types"][0]["count"], 5);
    for answer in [&empty, &schema] {
        for example in answer["examples"].as_array().ok_or("no examples")? {
            let tool = example["tool"].as_str().ok_or("no tool")?;
            server.call(tool, example["arguments"].clone()).await?.structured();
        }
    }
    assert_eq!(schema["examples"].as_array().map(Vec::len), Some(5));
    server.stop().await;
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "one table of refusals")]
#[tokio::test]
async fn wrong_questions_to_the_graph_are_named_with_their_repair() -> TestResult {
    let server = start().await?;
    told(&server).await?;
    server
        .call(
            "upsert_entities",
            json!({"items": [{"name": "Two", "type": "a"}, {"name": "Two", "type": "b"}]}),
        )
        .await?
        .structured();
    let one = json!({"cardinalities": {"lives_in": "one"}, "items": [fact("Ada", "lives_in", "Graz"), fact("Augusta", "lives_in", "Linz")]});
    server.call("upsert_facts", one).await?.structured();
    let (bad, absent, clash) = ("invalid_argument", "not_found", "conflict");
    let id = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    for (tool, arguments, code, field) in [
        ("explore_graph", json!({"seeds": []}), bad, "/seeds"),
        ("explore_graph", json!({"seeds": ["Ada"], "depth": 7}), bad, "/depth"),
        ("explore_graph", json!({"seeds": ["Ada"], "max_nodes": 501}), bad, "/max_nodes"),
        ("explore_graph", json!({"seeds": ["Ada"], "backend": "neo4j"}), bad, "/backend"),
        ("explore_graph", json!({"seeds": ["Ada", " Ada"]}), bad, "/seeds/1"),
        ("explore_graph", json!({"seeds": ["Ada", "Adda"]}), absent, "/seeds/1"),
        ("explore_graph", json!({"seeds": ["Two"]}), clash, "/seeds/0"),
        (
            "explore_graph",
            json!({"seeds": ["Ada"], "types": ["needs", "nedes"]}),
            absent,
            "/types/1",
        ),
        ("explore_graph", json!({"seeds": ["Ada"], "as_of": "soon"}), bad, "/as_of"),
        (
            "explore_graph",
            json!({"seeds": ["Ada"], "known_at": "2200-01-01T00:00:00Z"}),
            bad,
            "/known_at",
        ),
        (
            "explore_graph",
            json!({"seeds": ["Ada"], "known_at": "1999-01-01T00:00:00Z"}),
            absent,
            "/seeds/0",
        ),
        ("find_paths", json!({"from": "Ada", "to": "ada"}), bad, "/to"),
        ("find_paths", json!({"from": "Ada", "to": "App", "k": 2}), bad, "/k"),
        ("find_paths", json!({"from": "Ada", "to": "App", "max_hops": 11}), bad, "/max_hops"),
        ("find_paths", json!({"from": "Adda", "to": "App"}), absent, "/from"),
        ("find_paths", json!({"from": "Ada", "to": "Two"}), clash, "/to"),
        ("find_paths", json!({"from": "Ada", "to": "App", "types": ["x"]}), absent, "/types/0"),
        ("analyze_graph", json!({"method": "wealth"}), bad, "/method"),
        ("analyze_graph", json!({"method": "personalized"}), bad, "/seeds"),
        ("analyze_graph", json!({"method": "degree", "seeds": ["Ada"]}), bad, "/seeds"),
        ("analyze_graph", json!({"method": "personalized", "seeds": ["Adda"]}), absent, "/seeds/0"),
        ("analyze_graph", json!({"method": "degree", "types": ["x"]}), absent, "/types/0"),
        ("get_schema", json!({"known_at": "2200-01-01T00:00:00Z"}), bad, "/known_at"),
        ("merge_entities", json!({}), bad, ""),
        ("merge_entities", json!({"keep": "Ada", "merge": ["App"], "undo": id}), bad, ""),
        ("merge_entities", json!({"keep": "Ada"}), bad, "/merge"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["App", " "]}), bad, "/merge/1"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["App", "app"]}), bad, "/merge/1"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["Adda"]}), absent, "/merge/0"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["Two"]}), clash, "/merge/0"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["ADA"]}), clash, "/merge/0"),
        ("merge_entities", json!({"keep": "Ada", "merge": ["Augusta"]}), clash, "/merge"),
        ("merge_entities", json!({"undo": "x"}), bad, "/undo"),
        ("merge_entities", json!({"undo": id}), absent, "/undo"),
    ] {
        let error = server.call(tool, arguments.clone()).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!(field)),
            "{tool} {arguments}: {error}"
        );
        assert!(
            code == bad || error["hint"].is_string(),
            "{tool} {arguments} has no repair: {error}"
        );
    }
    let merged =
        ask(&server, "merge_entities", json!({"keep": "App", "merge": ["Nobody"]})).await?;
    let undo = json!({"undo": merged["merge"]["merge_id"]});
    let cycle =
        server.call("merge_entities", json!({"keep": "Nobody", "merge": ["App"]})).await?.error();
    assert_eq!((&cycle["code"], &cycle["field"]), (&json!(clash), &json!("/merge/0")));
    ask(&server, "merge_entities", undo.clone()).await?;
    let twice = server.call("merge_entities", undo).await?.error();
    assert_eq!((&twice["code"], &twice["field"]), (&json!(clash), &json!("/undo")));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_wants_mending_is_found_and_the_calls_mend_it() -> TestResult {
    let server = start().await?;
    let people = ["Ann", "Bea", "Cleo", "Dora", "Edith", "Fay"];
    let mut items: Vec<Value> =
        people.iter().map(|name| fact(name, "lives_in", &format!("{name} Town"))).collect();
    let mut later = fact("Fay", "lives_in", "Ann Town");
    later["valid_from"] = json!("2021-06-01T00:00:00Z");
    items.push(later);
    server.call("upsert_facts", json!({"items": items})).await?.structured();
    server
        .call(
            "upsert_entities",
            json!({"items": [{"name": "Edith Piaf"}, {"name": "Edith Piaff"}, {"name": "Alone"}]}),
        )
        .await?
        .structured();
    let find =
        async |report: &str| ask(&server, "analyze_knowledge", json!({"report": report})).await;
    for (report, count, left) in
        [("duplicates", 1, 0), ("contradictions", 1, 0), ("orphans", 2, 0), ("stale", 0, 0)]
    {
        let found = find(report).await?;
        let findings = found["findings"].as_array().ok_or("no findings")?;
        assert_eq!(
            (findings.len(), &found["complete"]),
            (count, &json!(true)),
            "{report}: {found}"
        );
        for finding in findings {
            let tool = finding["fix"]["tool"].as_str().ok_or("no tool")?;
            server.call(tool, finding["fix"]["arguments"].clone()).await?.structured();
        }
        let after = find(report).await?;
        assert_eq!(after["findings"].as_array().map(Vec::len), Some(left), "{report}: {after}");
    }
    let moved = json!({"names": ["Fay"], "as_of": "2021-05-31T00:00:00Z"});
    let moved = ask(&server, "get_entities", moved).await?;
    assert_eq!(
        moved["entities"][0]["facts"][0]["to"], "Fay Town",
        "the older value ends, it is not lost"
    );
    for (arguments, field) in [
        (json!({"report": "gossip"}), "/report"),
        (json!({"report": "stale", "older_than_days": 0}), "/older_than_days"),
        (json!({"report": "orphans", "limit": 201}), "/limit"),
    ] {
        let error = server.call("analyze_knowledge", arguments).await?.error();
        assert_eq!((&error["code"], &error["field"]), (&json!("invalid_argument"), &json!(field)));
    }
    server.stop().await;
    Ok(())
}
