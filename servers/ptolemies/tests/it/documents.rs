//! Documents through the whole pipeline, on a real store.

use std::{fs, os::unix::fs::symlink, path::Path};

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn start() -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start(Config::default()).await
}

/// A server that reads files below a directory.
async fn start_on(root: &Path) -> TestResult<InProcess<Server>> {
    let mut config = Config::default();
    config.ingest_root = Some(root.to_string_lossy().into_owned());
    InProcess::<Server>::start(config).await
}

async fn ask(server: &InProcess<Server>, tool: &str, arguments: Value) -> TestResult<Value> {
    Ok(server.call(tool, arguments).await?.structured().clone())
}

const GUIDE: &str = "# Guide\n\nStart here.\n\n## Install\n\nRun the installer, then wait for the \
    green lamp.\n\n## Use\n\nPress the lever.\n";

#[tokio::test]
async fn a_document_is_taken_in_found_read_and_forgotten() -> TestResult {
    let server = start().await?;
    let call = json!({"text": GUIDE, "uri": "docs/guide.md", "context": "manual"});
    let done = ask(&server, "ingest_documents", call.clone()).await?;
    assert_eq!((&done["added"], &done["seq"]), (&json!(1), &json!(1)));
    assert_eq!(done["results"][0]["chunks"], 3);
    let again = ask(&server, "ingest_documents", call).await?;
    assert_eq!((&again["unchanged"], &again["seq"]), (&json!(1), &json!(1)));
    assert_eq!(again["results"][0]["id"], done["results"][0]["id"]);

    let found =
        ask(&server, "search_knowledge", json!({"query": "green lamp", "explain": true})).await?;
    let hit = &found["hits"][0];
    assert_eq!((&hit["kind"], &hit["context"]), (&json!("chunk"), &json!("manual")));
    assert_eq!(hit["document"]["path"], json!(["Guide", "Install"]));
    assert_eq!(
        (&hit["document"]["title"], &hit["document"]["chunk"]),
        (&json!("Guide"), &json!(1))
    );
    let made = &hit["explanation"];
    let share = |name: &str| made[name].as_f64().unwrap_or(0.0);
    let sum = share("words") + share("meaning") + share("beside") + share("parent");
    assert!((sum - 1.0).abs() < 1e-9 && share("parent") > 0.0, "{made}");
    let documents = json!({"query": "lamp", "granularity": "parent", "kinds": ["chunk"]});
    let documents = ask(&server, "search_knowledge", documents).await?;
    assert_eq!(documents["hits"][0]["kind"], "document");
    assert_eq!(documents["hits"][0]["id"], done["results"][0]["id"]);
    let named = ask(&server, "search_knowledge", json!({"query": "docs/guide.md"})).await?;
    assert_eq!(named["hits"][0]["key_match"], true);
    for (context, count) in [("manual", 1), ("other", 0)] {
        let asked = json!({"query": "lever", "context": context, "kinds": ["chunk"]});
        let found = ask(&server, "search_knowledge", asked).await?;
        let hits = found["hits"].as_array().into_iter().flatten();
        assert_eq!(hits.filter(|hit| hit["document"]["chunk"] == 2).count(), count, "{context}");
    }

    let around = json!({"uri": "docs/guide.md", "chunk": 1, "neighbours": 0});
    let around = ask(&server, "get_document", around).await?;
    assert!(around["parts"][0]["text"].as_str().is_some_and(|text| text.starts_with("## Install")));
    let section = json!({"uri": "docs/guide.md", "section": "guide > use"});
    let section = ask(&server, "get_document", section).await?;
    assert_eq!(section["parts"][0]["text"], "## Use\n\nPress the lever.\n");
    let outline = json!({"id": done["results"][0]["id"], "outline": true});
    let outline = ask(&server, "get_document", outline).await?;
    assert_eq!(
        outline["outline"][1],
        json!({"path": ["Guide", "Install"], "chunk": 1, "chunks": 1})
    );
    assert_eq!(outline["untrusted"], json!(["/document", "/parts", "/outline"]));

    let forgotten = ask(&server, "forget_items", json!({"document": "docs/guide.md"})).await?;
    assert_eq!((&forgotten["documents"], &forgotten["memories"]), (&json!(1), &json!(0)));
    let gone = ask(&server, "search_knowledge", json!({"query": "green lamp"})).await?;
    assert_eq!(gone["hits"], json!([]));
    let missing = ask(&server, "forget_items", json!({"document": "docs/guide.md"})).await?;
    assert_eq!(missing["missing"], json!(["docs/guide.md"]));
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn versions_are_kept_over_a_restart() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let odd = "Ünïcödé 東京 \"quoted\" \\ \u{1b}[2J\u{202e}x\u{202c} 🙂 {$at; DELETE chunk; --\r\n\r\nend  \n";
    let first = json!({"text": odd, "uri": "odd'; REMOVE TABLE document;"});
    let first = ask(&server, "ingest_documents", first).await?;
    let listed = ask(&server, "list_documents", json!({})).await?;
    let known = listed["items"][0]["recorded_at"].clone();
    let turns = json!({"uri": "talk", "turns": [
        {"speaker": "Ada", "text": "The engine weaves algebraic patterns."},
        {"speaker": "Bob", "text": "Like a loom?"},
    ]});
    ask(&server, "ingest_documents", turns).await?;
    let second = json!({"text": "second quagga", "uri": "odd'; REMOVE TABLE document;"});
    let second = ask(&server, "ingest_documents", second).await?;
    assert_eq!((&second["updated"], &second["results"][0]["version"]), (&json!(1), &json!(2)));
    server.stop().await;

    let server = InProcess::<Server>::start_in(state.path(), Config::default()).await?;
    let name = "odd'; REMOVE TABLE document;";
    for (arguments, wanted) in [
        (json!({"uri": name}), "second quagga"),
        (json!({"id": second["results"][0]["id"]}), "second quagga"),
        (
            json!({"uri": name, "known_at": known}),
            "Ünïcödé 東京 \"quoted\" \\ x 🙂 {$at; DELETE chunk; --\n\nend  \n",
        ),
        (
            json!({"uri": name, "version": 1}),
            "Ünïcödé 東京 \"quoted\" \\ x 🙂 {$at; DELETE chunk; --\n\nend  \n",
        ),
        (
            json!({"id": first["results"][0]["id"]}),
            "Ünïcödé 東京 \"quoted\" \\ x 🙂 {$at; DELETE chunk; --\n\nend  \n",
        ),
    ] {
        let read = ask(&server, "get_document", arguments.clone()).await?;
        assert_eq!(read["parts"][0]["text"], wanted, "{arguments}");
        assert_eq!(read["versions"], 2);
    }
    let then = ask(&server, "list_documents", json!({"known_at": known})).await?;
    assert_eq!(then["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(then["items"][0]["version"], 1);
    let said =
        ask(&server, "search_knowledge", json!({"query": "loom", "kinds": ["chunk"]})).await?;
    assert_eq!(said["hits"][0]["text"], "Bob: Like a loom?");
    let old = ask(&server, "search_knowledge", json!({"query": "東京"})).await?;
    assert_eq!(old["hits"], json!([]), "an old version is not found");
    server.stop().await;
    Ok(())
}

/// A directory of files of every kind, and traps.
fn library() -> TestResult<tempfile::TempDir> {
    let root = tempfile::tempdir()?;
    let at = |name: &str| root.path().join(name);
    fs::create_dir_all(at("docs/deep"))?;
    fs::create_dir_all(at(".hidden"))?;
    fs::write(at("docs/a.md"), GUIDE)?;
    fs::write(at("docs/b.txt"), "A paragraph about zebras.\n")?;
    fs::write(
        at("docs/c.html"),
        "<title>Page</title><h1>Okapi</h1><script>var quagga</script><p>Striped legs",
    )?;
    fs::write(at("docs/deep/d.json"), r#"{"animal": "tapir"}"#)?;
    fs::write(at("docs/deep/e.csv"), "name,legs\nostrich,2\n")?;
    fs::write(at("docs/deep/f.rs"), "/// Counts.\nfn count_legs() {}\n")?;
    fs::write(at("docs/broken.json"), "{\"a\":")?;
    fs::write(at("docs/latin.md"), b"caf\xe9")?;
    fs::write(at("docs/picture.png"), b"\x89PNG")?;
    fs::write(at(".hidden/secret.md"), "hidden")?;
    symlink("/etc/passwd", at("link.txt"))?;
    symlink("/etc", at("docs/etc"))?;
    Ok(root)
}

#[tokio::test]
async fn files_are_read_below_the_root() -> TestResult {
    let root = library()?;
    let server = start_on(root.path()).await?;
    let dry = ask(&server, "ingest_documents", json!({"paths": ["docs"], "dry_run": true})).await?;
    assert_eq!((&dry["added"], &dry["seq"]), (&json!(6), &json!(0)));
    assert!(dry["results"][0].get("id").is_none());
    assert_eq!(ask(&server, "list_documents", json!({})).await?["items"], json!([]));

    let done = ask(&server, "ingest_documents", json!({"paths": ["docs/", "docs/a.md"]})).await?;
    assert_eq!((&done["added"], &done["skipped"]), (&json!(6), &json!(1)), "{done}");
    let failed: Vec<(&str, &str)> = done["failed"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| Some((one["uri"].as_str()?, one["code"].as_str()?)))
        .collect();
    assert_eq!(
        failed,
        [("docs/broken.json", "unsupported_format"), ("docs/latin.md", "unsupported_format")]
    );
    assert!(done["failed"][0]["hint"].is_string());
    for (query, uri) in [
        ("zebras", "docs/b.txt"),
        ("okapi legs", "docs/c.html"),
        ("tapir", "docs/deep/d.json"),
        ("ostrich", "docs/deep/e.csv"),
        ("count_legs", "docs/deep/f.rs"),
    ] {
        let found = ask(&server, "search_knowledge", json!({"query": query})).await?;
        assert_eq!(found["hits"][0]["document"]["uri"], uri, "{query}: {found}");
    }
    let hidden = ask(&server, "search_knowledge", json!({"query": "quagga root hidden"})).await?;
    assert_eq!(hidden["hits"], json!([]), "neither scripts nor links nor hidden files");
    let globbed = json!({"uri_glob": "docs/deep/*", "mime": "text/csv"});
    let globbed = ask(&server, "list_documents", globbed).await?;
    assert_eq!(globbed["items"].as_array().map(Vec::len), Some(1));

    fs::write(root.path().join("docs/b.txt"), "A paragraph about quaggas.\n")?;
    let again = ask(&server, "ingest_documents", json!({"paths": ["."]})).await?;
    assert_eq!((&again["updated"], &again["unchanged"]), (&json!(1), &json!(5)), "{again}");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn paths_do_not_leave_the_root() -> TestResult {
    let root = library()?;
    let outside = tempfile::tempdir()?;
    fs::write(outside.path().join("secret.md"), "outside")?;
    symlink(outside.path(), root.path().join("out"))?;
    let server = start_on(root.path()).await?;
    let absolute = outside.path().join("secret.md").to_string_lossy().into_owned();
    for (path, code) in [
        ("../secret.md", "path_denied"),
        ("docs/../../secret.md", "path_denied"),
        (absolute.as_str(), "path_denied"),
        ("/etc/passwd", "path_denied"),
        ("out/secret.md", "path_denied"),
        ("out", "path_denied"),
        ("link.txt", "path_denied"),
        ("docs/etc/passwd", "path_denied"),
        ("docs\\a.md", "path_denied"),
        ("docs//a.md", "path_denied"),
        ("docs/%2e%2e/a.md", "path_denied"),
        ("a\u{0}b", "path_denied"),
        ("..", "path_denied"),
        ("docs/none.md", "not_found"),
        ("none/none.md", "not_found"),
    ] {
        let error =
            server.call("ingest_documents", json!({"paths": ["docs", path]})).await?.error();
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!("/paths/1")), "{path}");
        assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("ingest root")), "{error}");
        let said = error.to_string();
        assert!(!said.contains(&*root.path().to_string_lossy()), "{said}");
    }
    let nothing = ask(&server, "list_documents", json!({})).await?;
    assert_eq!(nothing["items"], json!([]), "a refused call stores nothing");
    server.stop().await;

    let server = start().await?;
    let error = server.call("ingest_documents", json!({"paths": ["a.md"]})).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("path_denied"), &json!("/paths")));
    assert!(
        error["hint"].as_str().is_some_and(|hint| hint.contains("MACHINA_PTOLEMIES_INGEST_ROOT"))
    );
    server.stop().await;
    Ok(())
}

#[expect(clippy::too_many_lines, reason = "a table of mistakes")]
#[tokio::test]
async fn wrong_calls_about_documents_are_named() -> TestResult {
    let mut config = Config::default();
    config.max_chunks = 3;
    let server = InProcess::<Server>::start(config).await?;
    ask(&server, "ingest_documents", json!({"text": "a\n\nb", "uri": "here.md"})).await?;
    let (bad, large, ingest, get) =
        ("invalid_argument", "too_large", "ingest_documents", "get_document");
    let unknown = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let chunks: Vec<String> = (0..4).map(|n| format!("# {n}\n\n{}", "x ".repeat(450))).collect();
    for (tool, arguments, code, field) in [
        (ingest, json!({}), bad, ""),
        (ingest, json!({"text": "x", "turns": [{"text": "y"}], "uri": "u"}), bad, ""),
        (ingest, json!({"text": "x"}), bad, "/uri"),
        (ingest, json!({"text": "x", "uri": " u"}), bad, "/uri"),
        (ingest, json!({"paths": ["a.md"], "uri": "u"}), bad, "/uri"),
        (ingest, json!({"paths": ["a.md"], "title": "t"}), bad, "/title"),
        (ingest, json!({"turns": [{"text": "x"}], "uri": "u", "format": "text"}), bad, "/format"),
        (ingest, json!({"turns": [{"text": "x\u{0}"}], "uri": "u"}), bad, "/turns/0/text"),
        (
            ingest,
            json!({"turns": [{"text": "x", "speaker": "a\n"}], "uri": "u"}),
            bad,
            "/turns/0/speaker",
        ),
        (ingest, json!({"text": " \n", "uri": "u"}), bad, "/text"),
        (ingest, json!({"text": "x", "uri": "u", "context": ""}), bad, "/context"),
        (ingest, json!({"text": "{", "uri": "u.json"}), "unsupported_format", "/text"),
        (ingest, json!({"text": "a\u{0}b", "uri": "u"}), "unsupported_format", "/text"),
        (ingest, json!({"text": "x ".repeat(1_200_000), "uri": "u"}), large, "/text"),
        (ingest, json!({"text": chunks.join("\n"), "uri": "u.md"}), "quota_exceeded", ""),
        (get, json!({}), bad, ""),
        (get, json!({"id": unknown, "uri": "here.md"}), bad, ""),
        (get, json!({"id": unknown}), "not_found", "/id"),
        (get, json!({"uri": "nowhere"}), "not_found", "/uri"),
        (get, json!({"uri": "here.md", "version": 2}), "not_found", "/uri"),
        (get, json!({"uri": "here.md", "known_at": "2001-01-01T00:00:00Z"}), "not_found", "/uri"),
        (get, json!({"uri": "here.md", "known_at": "2200-01-01T00:00:00Z"}), bad, "/known_at"),
        (get, json!({"uri": "here.md", "section": "None"}), "not_found", "/section"),
        (get, json!({"uri": "here.md", "chunk": 1}), bad, "/chunk"),
        (get, json!({"uri": "here.md", "from": 7}), bad, "/from"),
        (get, json!({"uri": "here.md", "chunk": 0, "outline": true}), bad, ""),
        (get, json!({"uri": "here.md", "chunk": 0, "neighbours": 11}), bad, "/neighbours"),
        ("list_documents", json!({"cursor": "00ff"}), bad, "/cursor"),
        ("list_documents", json!({"known_at": "later"}), bad, "/known_at"),
        (
            "search_knowledge",
            json!({"query": "x", "document": "nowhere"}),
            "not_found",
            "/document",
        ),
        (
            "search_knowledge",
            json!({"query": "x", "granularity": "parent", "kinds": ["fact"]}),
            bad,
            "/kinds",
        ),
        ("forget_items", json!({"document": "here.md", "expired": true}), bad, ""),
        ("forget_items", json!({"document": "here.md", "ids": [unknown]}), bad, ""),
    ] {
        let error = server.call(tool, arguments.clone()).await?.error();
        let field_of = error["field"].as_str().unwrap_or_default();
        let shown: String = arguments.to_string().chars().take(100).collect();
        assert_eq!((&error["code"], field_of), (&json!(code), field), "{tool} {shown}: {error}");
        assert!(code == bad || error["hint"].is_string(), "{error}");
    }
    let all = ask(&server, "list_documents", json!({})).await?;
    assert_eq!(all["items"].as_array().map(Vec::len), Some(1), "a refused call stores nothing");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn long_documents_and_lists_are_read_in_parts() -> TestResult {
    let server = start().await?;
    let paragraph = |n: u32| format!("Paragraph {n} says \"{n}\". {}", "word ".repeat(180));
    let text = (0..90).map(paragraph).collect::<Vec<_>>().join("\n\n");
    ask(&server, "ingest_documents", json!({"text": text, "uri": "long.txt"})).await?;
    let mut arguments = json!({"uri": "long.txt"});
    let (mut joined, mut end) = (String::new(), 0);
    loop {
        let page = ask(&server, "get_document", arguments.clone()).await?;
        assert!(page.to_string().len() < 50_000);
        for part in page["parts"].as_array().into_iter().flatten() {
            assert_eq!(part["start"], end, "parts follow each other");
            end = part["end"].as_u64().unwrap_or(0);
            joined.push_str(part["text"].as_str().unwrap_or_default());
        }
        let Some(next) = page.get("next") else { break };
        arguments["from"] = next.clone();
    }
    assert!(arguments["from"].is_u64(), "more than one page");
    assert_eq!((joined, end), (text.clone(), text.len() as u64));

    for n in 0..25 {
        let call = json!({"text": format!("note {n}"), "uri": format!("n/{n}.md")});
        ask(&server, "ingest_documents", call).await?;
    }
    let mut arguments = json!({"uri_glob": "n/*", "limit": 10});
    let mut names = Vec::new();
    loop {
        let page = ask(&server, "list_documents", arguments.clone()).await?;
        let items = page["items"].as_array().into_iter().flatten();
        names.extend(items.map(|item| item["uri"].to_string()));
        let Some(cursor) = page.get("next_cursor") else { break };
        arguments["cursor"] = cursor.clone();
    }
    assert_eq!((names.len(), names[0].as_str()), (25, "\"n/24.md\""));
    let other = json!({"uri_glob": "m/*", "cursor": arguments["cursor"]});
    assert_eq!(server.call("list_documents", other).await?.error()["field"], "/cursor");
    server.stop().await;
    Ok(())
}
