//! Work that goes on after its call, and documents behind URLs.

use std::{collections::HashMap, fs, path::Path, time::Duration};

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::transfer::{ask, start};

async fn start_on(root: &Path) -> TestResult<InProcess<Server>> {
    let mut config = Config::default();
    config.ingest_root = Some(root.to_string_lossy().into_owned());
    InProcess::<Server>::start(config).await
}

fn write_files(root: &Path, count: usize) -> TestResult {
    for number in 0..count {
        fs::write(
            root.join(format!("n{number:04}.md")),
            format!("# Note {number}\n\nsays w{number}x\n"),
        )?;
    }
    Ok(())
}

/// The job once it has ended.
async fn ended(server: &InProcess<Server>, id: &Value) -> TestResult<Value> {
    let look = async {
        loop {
            let listed = ask(server, "list_jobs", json!({"id": id})).await?;
            let job = listed["jobs"][0].clone();
            if job["state"] != "running" {
                return Ok(job);
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(300), look).await?
}

#[tokio::test]
async fn a_job_goes_on_after_its_call_and_tells_how_far_it_is() -> TestResult {
    let root = tempfile::tempdir()?;
    write_files(root.path(), 150)?;
    let server = start_on(root.path()).await?;
    let call = json!({"paths": ["."], "wait_ms": 0, "write_id": "all"});
    let begun = ask(&server, "ingest_documents", call.clone()).await?;
    assert_eq!(begun["state"], "running");
    // The same call while it runs is the same job.
    let same = ask(&server, "ingest_documents", call.clone()).await?;
    if same["state"] == "running" {
        assert_eq!(same["job_id"], begun["job_id"]);
    }
    let job = ended(&server, &begun["job_id"]).await?;
    assert_eq!((&job["state"], &job["kind"]), (&json!("done"), &json!("ingest")));
    assert_eq!((&job["done"], &job["total"]), (&json!(150), &json!(150)));
    assert_eq!(job["result"]["added"], 150);
    let again = ask(&server, "ingest_documents", call).await?;
    assert_eq!((&again["added"], &again["repeated"]), (&json!(150), &json!(true)));
    let other = json!({"paths": ["n0001.md"], "write_id": "all"});
    let error = server.call("ingest_documents", other).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("conflict"), &json!("/write_id")));
    let error = server.call("list_jobs", json!({"id": "nobody"})).await?.error();
    assert_eq!(error["code"], "not_found");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_cancelled_job_keeps_what_it_has_stored() -> TestResult {
    let root = tempfile::tempdir()?;
    write_files(root.path(), 200)?;
    let server = start_on(root.path()).await?;
    let call = json!({"paths": ["."], "wait_ms": 0});
    let begun = ask(&server, "ingest_documents", call).await?;
    let cancelled = ask(&server, "cancel_job", json!({"id": begun["job_id"]})).await?;
    let job = &cancelled["job"];
    assert_eq!(job["state"], "cancelled", "{job}");
    let kept = job["result"]["added"].as_u64().unwrap_or(0);
    assert!(kept < 200, "it was stopped on the way");
    let schema = ask(&server, "get_schema", json!({})).await?;
    assert_eq!(schema["totals"]["documents"], kept, "all that was told is there, and nothing else");
    // Repeated, it does what is left.
    let begun = ask(&server, "ingest_documents", json!({"paths": ["."], "wait_ms": 0})).await?;
    let rest = ended(&server, &begun["job_id"]).await?;
    assert_eq!((&rest["state"], &rest["result"]["unchanged"]), (&json!("done"), &json!(kept)));
    assert_eq!(rest["result"]["added"], 200 - kept);
    let again = ask(&server, "cancel_job", json!({"id": begun["job_id"]})).await?;
    assert_eq!(again["job"]["state"], "done", "what has ended stays as it is");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn an_import_is_a_job_too() -> TestResult {
    let server = start().await?;
    let lines: Vec<String> = (0..1_000)
        .map(|n| json!({"type": "entity", "name": format!("e{n}"), "entityType": "t", "observations": [format!("says w{n}x")]}).to_string())
        .collect();
    let call = json!({"format": "memory_json", "text": lines.join("\n"), "wait_ms": 0});
    let begun = ask(&server, "import_knowledge", call.clone()).await?;
    let cancelled = ask(&server, "cancel_job", json!({"id": begun["job_id"]})).await?;
    assert_eq!(cancelled["job"]["state"], "cancelled");
    let kept = cancelled["job"]["result"]["added"]["entity"].as_u64().unwrap_or(0);
    let schema = ask(&server, "get_schema", json!({})).await?;
    assert_eq!(schema["totals"]["entities"], kept);
    let begun = ask(&server, "import_knowledge", call).await?;
    let rest = ended(&server, &begun["job_id"]).await?;
    assert_eq!(rest["result"]["added"]["entity"], 1_000 - kept);
    assert_eq!(rest["result"]["duplicates"], kept);
    server.stop().await;
    Ok(())
}

/// A server on loopback that answers paths, and counts what it was asked.
async fn pages(
    answers: HashMap<&'static str, String>,
) -> TestResult<(String, std::sync::Arc<std::sync::atomic::AtomicUsize>)> {
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let origin = format!("http://{}", listener.local_addr()?);
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let serve = async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            count.fetch_add(1, Ordering::SeqCst);
            let mut bytes = Vec::new();
            let mut part = [0; 1_024];
            while !bytes.windows(4).any(|end| end == b"\r\n\r\n") {
                match stream.read(&mut part).await {
                    Ok(read) if read > 0 => bytes.extend_from_slice(&part[..read]),
                    _ => break,
                }
            }
            let head = String::from_utf8_lossy(&bytes).into_owned();
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let missing = "HTTP/1.1 404 X\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
            let answer = answers.get(path.as_str()).map_or(missing, String::as_str);
            drop(stream.write_all(answer.as_bytes()).await);
        }
    };
    #[expect(clippy::disallowed_methods, reason = "a test's server")]
    drop(tokio::spawn(serve));
    Ok((origin, asked))
}

fn page(media: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 200 X\r\nContent-Type: {media}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

fn moved(to: &str) -> String {
    format!("HTTP/1.1 302 X\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

#[expect(clippy::too_many_lines, reason = "a table of URLs")]
#[tokio::test]
async fn urls_of_listed_hosts_are_read_and_no_others() -> TestResult {
    let (elsewhere, asked_elsewhere) = pages(HashMap::new()).await?;
    let html = "<html><head><title>Zebra</title></head><body><h1>Stripes</h1><p>green lamp</p></body></html>";
    let (origin, asked) = pages(HashMap::from([
        ("/page", page("text/html; charset=utf-8", html)),
        ("/notes.md", page("text/plain", "# Notes\n\nread the quagga")),
        ("/moved", moved("/page")),
        ("/away", moved(&format!("{elsewhere}/secret"))),
        ("/metadata", moved("http://169.254.169.254/latest/meta-data/")),
        ("/circle", moved("/circle")),
        ("/picture", page("image/png", "\u{1}\u{0}")),
    ]))
    .await?;
    let mut config = Config::default();
    config.ingest_hosts = vec![origin.clone(), "http://169.254.169.254".to_owned()];
    let server = InProcess::<Server>::start(config).await?;
    let urls = |paths: &[&str]| -> Vec<String> {
        paths.iter().map(|path| format!("{origin}{path}")).collect()
    };
    let good = urls(&["/page", "/notes.md", "/moved"]);
    let done = ask(&server, "ingest_documents", json!({"urls": good})).await?;
    assert_eq!((&done["added"], &done["failed"]), (&json!(3), &Value::Null), "{done}");
    let again = ask(&server, "ingest_documents", json!({"urls": good})).await?;
    assert_eq!(again["unchanged"], 3);
    let found = ask(&server, "search_knowledge", json!({"query": "green lamp"})).await?;
    assert_eq!(found["hits"][0]["document"]["title"], "Zebra");
    let notes = ask(&server, "get_document", json!({"uri": good[1]})).await?;
    assert_eq!(notes["document"]["mime"], "text/markdown");

    let before = asked.load(std::sync::atomic::Ordering::SeqCst);
    let mut bad = urls(&["/none", "/away", "/metadata", "/circle", "/picture"]);
    bad.extend([
        format!("{elsewhere}/x"),
        "http://169.254.169.254/latest/".to_owned(),
        origin.replace("http://", "http://user:pass@"),
        "file:///etc/passwd".to_owned(),
        "http://localhost:1/".to_owned(),
        "no url".to_owned(),
    ]);
    let done = ask(&server, "ingest_documents", json!({"urls": bad})).await?;
    let codes: Vec<&str> = done["failed"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|failure| failure["code"].as_str())
        .collect();
    let denied = "url_denied";
    assert_eq!(
        codes,
        [
            "upstream_error",
            denied,
            denied,
            denied,
            "unsupported_format",
            denied,
            denied,
            denied,
            denied,
            denied,
            denied
        ],
        "{done}"
    );
    assert_eq!(done["added"], 0);
    // One for each path that exists or not, and the circle until it is given up.
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst) - before, 8);
    assert_eq!(asked_elsewhere.load(std::sync::atomic::Ordering::SeqCst), 0);
    server.stop().await;

    let server = start().await?;
    let error = server.call("ingest_documents", json!({"urls": good})).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!(denied), &json!("/urls")));
    server.stop().await;
    Ok(())
}
