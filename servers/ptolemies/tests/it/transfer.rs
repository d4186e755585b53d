//! Knowledge carried out and in, through the whole pipeline, on a real store.

use std::{fs, path::Path};

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

pub(crate) async fn start() -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start(Config::default()).await
}

pub(crate) async fn ask(
    server: &InProcess<Server>,
    tool: &str,
    arguments: Value,
) -> TestResult<Value> {
    Ok(server.call(tool, arguments).await?.structured().clone())
}

/// Every kind of row, with history: what was replaced, ended, merged, forgotten.
pub(crate) async fn fill(server: &InProcess<Server>) -> TestResult {
    let odd =
        "Ünïcödé 東京 \"quoted\" \\ \u{202e}hidden\u{202c} \u{e0041} 🙂 {$at; DELETE memory; --";
    for (tool, arguments) in [
        (
            "store_memory",
            json!({"items": [
                {"text": odd, "key": "odd", "context": "ops", "tags": ["b", "a"], "importance": 8,
                    "confidence": 0.25, "source": "a test"},
                {"text": "The deploy target is the Graz cluster", "key": "target"},
                {"text": "Lunch is at noon", "expires_at": "9999-01-01T00:00:00Z"},
                {"text": "long ".repeat(13_000)},
            ]}),
        ),
        (
            "store_memory",
            json!({"items": [{"text": "The deploy target is Vienna", "key": "target"}]}),
        ),
        (
            "upsert_entities",
            json!({"items": [
                {"name": "Ada", "type": "person", "aliases": ["Countess"], "props": {"n": [1, 2.5]},
                    "observations": ["writes programs", "lives in London"], "source": "s"},
                {"name": "A. Lovelace", "type": "person", "observations": ["knew Babbage"]},
            ]}),
        ),
        (
            "upsert_facts",
            json!({"cardinalities": {"lives_in": "one"}, "items": [
                {"from": "Ada", "type": "lives_in", "to": "London", "valid_from": "1815-12-10T00:00:00Z",
                    "source": "a"},
                {"from": "Ada", "type": "knows", "to": "Babbage", "weight": 2.5, "confidence": 0.5,
                    "text": "they met in 1833", "props": {"since": 1833}},
            ]}),
        ),
        (
            "upsert_facts",
            json!({"items": [{"from": "Ada", "type": "lives_in", "to": "Ockham",
                "valid_from": "1835-07-08T00:00:00Z", "source": "b"}]}),
        ),
        ("merge_entities", json!({"keep": "Ada", "merge": ["A. Lovelace"]})),
        ("ingest_documents", json!({"text": "# One\n\nfirst quagga", "uri": "d.md"})),
        (
            "ingest_documents",
            json!({"text": format!("# One\n\nsecond tapir\n\n# Two\n\n{}", "word ".repeat(900)), "uri": "d.md"}),
        ),
        ("store_memory", json!({"items": [{"text": "gone soon", "key": "gone"}]})),
        ("forget_items", json!({"keys": ["gone"]})),
    ] {
        ask(server, tool, arguments).await?;
    }
    Ok(())
}

/// All pages of an export, joined, and the digest of its last page.
pub(crate) async fn export(
    server: &InProcess<Server>,
    mut arguments: Value,
) -> TestResult<(String, String)> {
    let mut text = String::new();
    loop {
        let page = server.call("export_knowledge", arguments.clone()).await?;
        assert!(page.response()["result"]["structuredContent"].to_string().len() < 50_000);
        let page = page.structured();
        text.push_str(page["text"].as_str().unwrap_or_default());
        let Some(cursor) = page.get("next_cursor") else {
            assert_eq!(page["lines"], text.lines().count());
            return Ok((text, page["digest"].as_str().unwrap_or_default().to_owned()));
        };
        arguments["cursor"] = cursor.clone();
    }
}

/// What readers see.
async fn seen(server: &InProcess<Server>) -> TestResult<Vec<Value>> {
    let mut answers = Vec::new();
    for (tool, arguments, pointer) in [
        ("search_knowledge", json!({"query": "tapir"}), "/hits"),
        ("search_knowledge", json!({"query": "quagga"}), "/hits"),
        ("search_knowledge", json!({"query": "deploy target"}), "/hits"),
        ("list_memories", json!({"fields": ["key", "text", "version", "recorded_at"]}), "/items"),
        ("get_entities", json!({"names": ["Countess", "A. Lovelace"]}), "/entities"),
        ("get_entities", json!({"names": ["Ada"], "as_of": "1820-01-01T00:00:00Z"}), "/entities"),
        ("get_timeline", json!({"key": "target"}), "/versions"),
        ("get_document", json!({"uri": "d.md", "version": 1}), "/parts"),
        ("get_schema", json!({}), "/totals"),
    ] {
        let answer = ask(server, tool, arguments).await?;
        let mut answer = answer.pointer(pointer).cloned().unwrap_or_default();
        for version in answer.as_array_mut().into_iter().flatten() {
            // Which change wrote it is of each store's own.
            version.as_object_mut().map(|version| version.remove("seq"));
        }
        answers.push(answer);
    }
    Ok(answers)
}

#[tokio::test]
async fn an_export_is_taken_in_as_it_was_once() -> TestResult {
    let one = start().await?;
    fill(&one).await?;
    let (text, digest) = export(&one, json!({})).await?;
    let folded = text.split_inclusive('\n').fold("0".repeat(64), |before, line| {
        hex::encode(Sha256::new().chain_update(before).chain_update(line).finalize())
    });
    assert_eq!(digest, folded, "the digest is that of the lines");
    assert!(!text.contains('\u{202e}') && !text.contains('\u{e0041}'), "what hides is escaped");
    let again = export(&one, json!({})).await?;
    assert_eq!(again.0, text, "equal stores give equal files");

    let two = start().await?;
    let dry = json!({"text": text, "dry_run": true});
    let dry = ask(&two, "import_knowledge", dry).await?;
    assert_eq!((&dry["state"], &dry["seq"]), (&json!("done"), &json!(0)));
    let done = ask(&two, "import_knowledge", json!({"text": text})).await?;
    assert_eq!(done["added"], dry["added"], "a dry run says what would be");
    assert_eq!(done["added"]["memory"], 6);
    assert_eq!(done["added"]["document"], 2);
    assert!(done.get("failed").is_none(), "{done}");
    assert_eq!(export(&two, json!({})).await?, (text.clone(), digest));
    assert_eq!(seen(&two).await?, seen(&one).await?);

    let again = ask(&two, "import_knowledge", json!({"text": text})).await?;
    assert_eq!((&again["added"], &again["seq"]), (&json!({}), &done["seq"]));
    let rows = text.lines().filter(|line| !line.contains("\"table\":\"chunk\"")).count();
    assert_eq!(again["duplicates"], rows);
    let checked = ask(&two, "run_maintenance", json!({"action": "verify"})).await?;
    assert!(checked.get("findings").is_none(), "{checked}");
    // What was taken in is history that new writes go on from.
    let item = json!({"items": [{"text": "The deploy target is Wien", "key": "target"}]});
    let next = ask(&two, "store_memory", item).await?;
    assert_eq!(next["results"][0]["version"], 3);
    two.stop().await;
    one.stop().await;
    Ok(())
}

#[tokio::test]
async fn kinds_and_times_narrow_an_export() -> TestResult {
    let server = start().await?;
    fill(&server).await?;
    let (graph, _) = export(&server, json!({"kinds": ["graph"]})).await?;
    assert!(graph.contains("\"table\":\"fact\"") && !graph.contains("\"table\":\"memory\""));
    let line = ask(&server, "get_timeline", json!({"key": "target"})).await?;
    let first = line["versions"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|version| version["recorded_at"].as_str())
        .min()
        .unwrap_or_default();
    let then = json!({"kinds": ["memories"], "known_at": first});
    let (then, _) = export(&server, then).await?;
    assert_eq!(then.lines().count(), 4);
    assert!(!then.contains("retracted_at"), "what was replaced later was current then: {then}");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_wrong_is_told_by_line_and_the_rest_goes_on() -> TestResult {
    let one = start().await?;
    fill(&one).await?;
    let (text, _) = export(&one, json!({})).await?;
    one.stop().await;
    let line_of =
        |part: &str| text.lines().find(|line| line.contains(part)).unwrap_or_default().to_owned();
    let memory = line_of("Lunch is at noon");
    let fact = line_of("they met in 1833");
    let target = line_of("The deploy target is Vienna");
    let future = memory.replace("\"recorded_at\":\"2", "\"recorded_at\":\"8");
    let other = memory.replace("Lunch", "Dinner");
    let rival = target
        .replacen("\"id\":\"01", "\"id\":\"00", 1)
        .replace("\"memory\":\"01", "\"memory\":\"00");
    let cases = [
        (memory.clone(), ""),
        ("no JSON {".to_owned(), "invalid_line"),
        ("{\"table\":\"memory\"}".to_owned(), "invalid_line"),
        ("{\"table\":\"secret\",\"id\":1}".to_owned(), "invalid_line"),
        (memory.replace("\"importance\":5", "\"importance\":11"), "invalid_line"),
        (future, "invalid_line"),
        (fact, "not_found"),
        (other, "conflict"),
        (target.clone(), ""),
        (rival, "conflict"),
        (line_of("\"table\":\"chunk\""), "not_found"),
        (line_of("\"table\":\"document\""), "invalid_line"),
    ];
    let lines: Vec<&str> = cases.iter().map(|(line, _)| line.as_str()).collect();
    let server = start().await?;
    let call = json!({"text": lines.join("\n\n")});
    let done = ask(&server, "import_knowledge", call.clone()).await?;
    let failed: Vec<(usize, &str)> = done["failed"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|failure| {
            let line = failure["line"].as_u64().unwrap_or(0);
            (usize::try_from(line).unwrap_or(0), failure["code"].as_str().unwrap_or_default())
        })
        .collect();
    let wanted = cases.iter().enumerate().filter(|(_, (_, code))| !code.is_empty());
    let wanted: Vec<(usize, &str)> = wanted.map(|(at, (_, code))| (at * 2 + 1, *code)).collect();
    assert_eq!(failed, wanted, "{done}");
    assert_eq!(done["added"], json!({"memory": 2}));
    let again = ask(&server, "import_knowledge", call).await?;
    assert_eq!((&again["duplicates"], &again["added"]), (&json!(2), &json!({})));
    for (arguments, code) in [
        (json!({}), "invalid_argument"),
        (json!({"text": "x", "path": "y"}), "invalid_argument"),
        (json!({"path": "y"}), "path_denied"),
    ] {
        let error = server.call("import_knowledge", arguments).await?.error_code();
        assert_eq!(error, code);
    }
    server.stop().await;
    Ok(())
}

/// A file as the reference server writes it.
const MEMORY: &str = r#"{"type":"entity","name":"Ada","entityType":"person","observations":["writes programs","knew Babbage"]}
{"type":"entity","name":"Analytical Engine","entityType":"machine","observations":[]}
{"type":"relation","from":"Ada","to":"Analytical Engine","relationType":"programmed"}
{"type":"relation","from":"Ada","to":"Babbage","relationType":"knew"}
"#;

#[tokio::test]
async fn the_file_of_the_reference_server_is_taken_in_and_given_back() -> TestResult {
    let server = start().await?;
    let call = json!({"format": "memory_json", "text": format!("{MEMORY}\nwrong\n")});
    let mut dry = call.clone();
    dry["dry_run"] = json!(true);
    let dry = ask(&server, "import_knowledge", dry).await?;
    let done = ask(&server, "import_knowledge", call.clone()).await?;
    assert_eq!(done["added"], json!({"entity": 3, "fact": 2, "observation": 2}));
    assert_eq!((&dry["added"], &dry["seq"]), (&done["added"], &json!(0)));
    assert_eq!(done["failed"][0]["line"], 6);
    let again = ask(&server, "import_knowledge", call).await?;
    assert_eq!((&again["added"], &again["duplicates"]), (&json!({}), &json!(4)));
    let ada = ask(&server, "get_entities", json!({"names": ["Ada"]})).await?;
    assert_eq!(ada["entities"][0]["facts_total"], 2);
    let (text, _) = export(&server, json!({"format": "memory_json"})).await?;
    let mut wanted: Vec<Value> =
        MEMORY.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let babbage =
        json!({"type": "entity", "name": "Babbage", "entityType": "entity", "observations": []});
    wanted.insert(2, babbage);
    let given: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert_eq!(given, wanted);
    let error = server
        .call("export_knowledge", json!({"format": "memory_json", "kinds": ["memories"]}))
        .await?;
    assert_eq!(error.error()["field"], "/kinds");
    server.stop().await;
    Ok(())
}

/// A server that reads files below a directory.
async fn start_on(root: &Path) -> TestResult<InProcess<Server>> {
    let mut config = Config::default();
    config.ingest_root = Some(root.to_string_lossy().into_owned());
    InProcess::<Server>::start(config).await
}

#[tokio::test]
async fn a_file_is_read_below_the_root_compressed_or_not() -> TestResult {
    let root = tempfile::tempdir()?;
    let server = start_on(root.path()).await?;
    fs::write(root.path().join("plain.jsonl"), MEMORY)?;
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    std::io::Write::write_all(&mut gzip, MEMORY.as_bytes())?;
    fs::write(root.path().join("packed.gz"), gzip.finish()?)?;
    fs::write(root.path().join("broken.gz"), [0x1f, 0x8b, 8, 0, 1])?;
    let call = |path: &str| json!({"format": "memory_json", "path": path});
    let done = ask(&server, "import_knowledge", call("plain.jsonl")).await?;
    assert_eq!(done["added"]["entity"], 3);
    let again = ask(&server, "import_knowledge", call("packed.gz")).await?;
    assert_eq!(again["duplicates"], 4);
    for (path, code) in [
        ("broken.gz", "unsupported_format"),
        ("absent.jsonl", "not_found"),
        ("../x", "path_denied"),
    ] {
        let error = server.call("import_knowledge", call(path)).await?.error_code();
        assert_eq!(error, code, "{path}");
    }
    server.stop().await;
    Ok(())
}
