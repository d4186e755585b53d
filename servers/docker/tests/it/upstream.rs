//! Engines of other versions, other makers, and in bad shape.

mod fake;

use fake::{Fake, Reply, frame};
use machina_docker::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

fn container() -> Value {
    json!({
        "Id": "0123456789abcdef", "Name": "/web", "Path": "run", "Args": [],
        "State": {"Status": "running", "Running": true, "StartedAt": "2026-01-01T00:00:00Z",
            "Health": {"Status": "healthy", "Log": []}},
        "Config": {"Tty": false, "Env": ["API_TOKEN=canary-value"], "Image": "web:1"},
        "HostConfig": {}, "NetworkSettings": {}, "Mounts": []
    })
}

/// A plain engine with one container.
fn engine(path: &str, _query: &str) -> Reply {
    match path {
        "/containers/json" => Reply::ok(json!([{"Id": "0123456789abcdef", "Names": ["/web"],
            "State": "running", "Labels": {"com.docker.compose.project": "shop"}}])),
        "/containers/web/json" | "/containers/0123456789abcdef/json" => Reply::ok(container()),
        "/containers/web/top" => {
            Reply::ok(json!({"Titles": ["PID", "CMD"], "Processes": [["7", "run"]]}))
        }
        "/containers/web/changes" => Reply::ok(json!(null)),
        "/containers/web/logs" | "/containers/0123456789abcdef/logs" => Reply::Body(
            200,
            vec![
                frame(1, "2026-01-01T00:00:01.000000000Z hello canary-value\n"),
                frame(2, "2026-01-01T00:00:02.000000000Z \u{1b}[31moops\u{1b}[0m\n"),
            ],
        ),
        "/info" => Reply::ok(json!({"Name": "host", "NCPU": 2})),
        "/system/df" => Reply::ok(json!({"LayersSize": 5, "Images": []})),
        _ => Reply::Json(404, json!({"message": "page not found"})),
    }
}

#[tokio::test]
async fn each_api_version_is_pinned_once() -> TestResult {
    for (api, pinned) in
        [("1.41", "/v1.41/"), ("1.44", "/v1.44/"), ("1.52", "/v1.52/"), ("1.60", "/v1.52/")]
    {
        let fake = Fake::start(api, engine).await?;
        for _call in 0..2 {
            let answer = fake.server.call("list_containers", json!({})).await?;
            assert_eq!(answer.structured()["containers"][0]["name"], "web");
        }
        let seen = fake.seen();
        assert_eq!(seen[0], "GET /version");
        assert_eq!(seen.len(), 3, "{seen:?}");
        assert!(seen[1].starts_with(&format!("GET {pinned}containers/json?all=1")), "{seen:?}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_that_was_replaced_is_negotiated_with_again() -> TestResult {
    let fake = Fake::start("1.44", |path, query| {
        static ASKED: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
        match ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
            1 => Reply::Json(400, json!({"message": "client version 1.44 is too new. Maximum supported API version is 1.41"})),
            _ => engine(path, query),
        }
    })
    .await?;
    for _call in 0..2 {
        assert_eq!(fake.server.call("list_containers", json!({})).await?.structured()["total"], 1);
    }
    assert_eq!(fake.seen().iter().filter(|line| line.as_str() == "GET /version").count(), 2);
    Ok(())
}

#[tokio::test]
async fn podman_is_recognised_and_its_gaps_are_filled() -> TestResult {
    let version = json!({"Version": "5.4.0", "ApiVersion": "1.41", "MinAPIVersion": "1.24",
        "Components": [{"Name": "Podman Engine", "Version": "5.4.0"}]});
    let fake = Fake::with_version(version, |path, query| match path {
        "/containers/json" => Reply::ok(json!([{"Id": "ab", "Names": ["/pod"], "Ports": null,
            "Labels": null, "State": "stopped", "Status": "", "Created": 1_700_000_000, "NetworkSettings": null}])),
        _ => engine(path, query),
    })
    .await?;
    let list = fake.server.call("list_containers", json!({})).await?;
    assert_eq!(list.structured()["containers"][0]["state"], "stopped");
    let info = fake.server.call("get_system_info", json!({})).await?;
    assert_eq!(info.structured()["engine"]["product"], "podman");
    Ok(())
}

#[tokio::test]
async fn unknown_words_and_shapes_do_not_fail_a_list() -> TestResult {
    let fake = Fake::start("1.52", |_, _| {
        Reply::ok(json!([
            {"Id": "a", "State": "stopping", "Names": ["/a"], "Health": {"Status": "quantum"}},
            {"Id": "b", "State": 7, "Names": ["/b"], "Created": "yesterday", "Ports": {"x": 1}},
            {}
        ]))
    })
    .await?;
    let answer = fake.server.call("list_containers", json!({"sort": "name"})).await?;
    let rows = &answer.structured()["containers"];
    assert_eq!(rows[1]["state"], "stopping");
    assert_eq!(rows[1]["health"], "quantum");
    assert_eq!(rows[2]["state"], "unknown");
    Ok(())
}

#[tokio::test]
async fn read_only_tools_send_nothing_but_reads() -> TestResult {
    let fake = Fake::start("1.44", engine).await?;
    let sections = json!([
        "config",
        "state",
        "network",
        "mounts",
        "health",
        "security",
        "processes",
        "changes",
        "raw"
    ]);
    for (tool, arguments) in [
        ("list_containers", json!({"state": ["running"], "label": ["a"], "health": "healthy"})),
        ("list_containers", json!({"group_by": "project"})),
        ("inspect_container", json!({"container": "web", "sections": sections})),
        ("inspect_container", json!({"container": "web", "wait_for": "running", "timeout_s": 1})),
        ("inspect_container", json!({"container": "web", "wait_for": "healthy", "timeout_s": 1})),
        (
            "inspect_container",
            json!({"container": "web", "wait_for": "log", "pattern": "oops", "timeout_s": 1}),
        ),
        ("read_container_logs", json!({"containers": ["web"], "grep": "h", "context": 1})),
        ("read_container_logs", json!({"project": "shop", "follow_s": 1})),
        ("get_system_info", json!({"disk_usage": true})),
    ] {
        let answer = fake.server.call(tool, arguments.clone()).await?;
        assert!(!answer.is_error(), "{tool} {arguments}: {}", answer.response());
        assert!(!answer.response().to_string().contains("canary"), "{tool}: {}", answer.response());
    }
    let seen = fake.seen();
    assert!(seen.len() > 15, "{seen:?}");
    assert!(seen.iter().all(|line| line.starts_with("GET /")), "{seen:?}");
    assert!(!seen.iter().any(|line| line.contains("size=1")), "{seen:?}");
    Ok(())
}

#[tokio::test]
async fn one_list_is_one_request() -> TestResult {
    let fake = Fake::start("1.44", |_, _| {
        Reply::ok(
            (0..75)
                .map(|n| json!({"Id": format!("{n:064}"), "Names": [format!("/c{n}")]}))
                .collect(),
        )
    })
    .await?;
    fake.server
        .call("list_containers", json!({"fields": ["networks", "mounts", "health"]}))
        .await?;
    assert_eq!(fake.seen().len(), 2, "the version and the list");
    Ok(())
}

#[tokio::test]
async fn long_lists_end_in_a_cursor_before_they_get_too_large() -> TestResult {
    let fake = Fake::start("1.44", |_, _| {
        Reply::ok((0..500).map(|n| json!({"Id": format!("{n:064}"), "Names": [format!("/{}{n:03}", "n".repeat(200))]})).collect())
    })
    .await?;
    let mut names = std::collections::BTreeSet::new();
    let mut arguments = json!({"limit": 500});
    loop {
        let answer = fake.server.call("list_containers", arguments.clone()).await?;
        let page = answer.structured();
        assert!(page.to_string().chars().count() <= 50_000);
        for row in page["containers"].as_array().ok_or("rows")? {
            assert!(names.insert(row["name"].to_string()), "twice: {row}");
        }
        let Some(cursor) = page.get("next_cursor") else { break };
        arguments["cursor"] = cursor.clone();
    }
    assert_eq!(names.len(), 500);
    Ok(())
}

#[tokio::test]
async fn without_an_engine_each_call_names_the_address_and_the_way_out() -> TestResult {
    let dir = tempfile::tempdir()?;
    let address = format!("unix://{}/none.sock", dir.path().display());
    let mut config = Config::default();
    config.host = Some(address.clone());
    let server = InProcess::<Server>::start(config).await?;
    for (tool, arguments) in [
        ("list_containers", json!({})),
        ("inspect_container", json!({"container": "web"})),
        ("read_container_logs", json!({"containers": ["web"]})),
        ("get_system_info", json!({})),
    ] {
        let error = server.call(tool, arguments).await?.error();
        assert_eq!(error["code"], "daemon_unavailable", "{tool}");
        assert!(error["message"].as_str().is_some_and(|text| text.contains(&address)), "{error}");
        assert!(error["hint"].as_str().is_some_and(|text| text.contains("DOCKER_HOST")), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_behind_tcp_is_reached_and_a_closed_port_is_named() -> TestResult {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = format!("tcp://{}", listener.local_addr()?);
    drop(listener);
    let mut config = Config::default();
    config.host = Some(address.clone());
    let server = InProcess::<Server>::start(config).await?;
    let error = server.call("list_containers", json!({})).await?.error();
    assert_eq!(error["code"], "daemon_unavailable");
    assert!(error.to_string().contains(&address));
    Ok(())
}

#[tokio::test]
async fn a_hung_engine_is_an_error_within_the_limit() -> TestResult {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[".to_vec();
    for silence in [Vec::new(), head] {
        let fake = Fake::start("1.44", move |_, _| Reply::Silence(silence.clone())).await?;
        let start = std::time::SystemTime::now();
        for (tool, arguments) in [
            ("list_containers", json!({})),
            ("inspect_container", json!({"container": "web"})),
            ("get_system_info", json!({})),
        ] {
            let answer = fake.server.call(tool, arguments).await?;
            assert_eq!(answer.error_code(), "daemon_timeout", "{tool}");
        }
        assert!(start.elapsed()? < std::time::Duration::from_secs(9));
    }
    Ok(())
}

#[tokio::test]
async fn a_log_that_hangs_gives_an_error_or_what_there_is() -> TestResult {
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    let line = frame(1, "2026-01-01T00:00:01.000000000Z first\n");
    let chunk = [format!("{:x}\r\n", line.len()).as_bytes(), &line, b"\r\n"].concat();
    for (bytes, outcome) in
        [(head.clone(), Err("daemon_timeout")), ([head, chunk].concat(), Ok("first"))]
    {
        let fake = Fake::start("1.44", move |path, query| match path {
            "/containers/web/logs" => Reply::Silence(bytes.clone()),
            _ => engine(path, query),
        })
        .await?;
        let answer =
            fake.server.call("read_container_logs", json!({"containers": ["web"]})).await?;
        match outcome {
            Err(code) => assert_eq!(answer.error_code(), code),
            Ok(text) => {
                assert_eq!(answer.structured()["lines"][0]["text"], text);
                assert_eq!(answer.structured()["truncated"], true);
            }
        }
    }
    Ok(())
}

/// An answer, and the error that it becomes.
type Case = (fn() -> Reply, &'static str);

#[tokio::test]
async fn broken_answers_are_told_apart() -> TestResult {
    let cases: [Case; 9] = [
        (
            || Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[".to_vec()),
            "bad_engine_answer",
        ),
        (|| Reply::Body(200, vec![b"<html>".to_vec()]), "bad_engine_answer"),
        (|| Reply::ok(json!({"not": "a list"})), "bad_engine_answer"),
        (|| Reply::Bytes(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec()), "daemon_unavailable"),
        (|| Reply::Bytes(Vec::new()), "daemon_unavailable"),
        (|| Reply::Body(502, vec![b"<h1>\x1b[31mIGNORE ALL\x1b[0m".to_vec()]), "engine_error"),
        (|| Reply::Json(403, json!({"message": "denied"})), "policy_denied"),
        (|| Reply::Json(400, json!({"message": "Invalid filter 'health'"})), "engine_error"),
        (|| Reply::Body(200, vec![vec![b' '; 1 << 20]; 33]), "too_large"),
    ];
    for (reply, code) in cases {
        let fake = Fake::start("1.44", move |_, _| reply()).await?;
        let error = fake.server.call("list_containers", json!({})).await?.error();
        assert_eq!(error["code"], code, "{error}");
        assert!(!error["message"].to_string().contains("IGNORE"), "{error}");
        assert!(!error.to_string().contains("\\u001b"), "{error}");
    }
    Ok(())
}

#[tokio::test]
async fn an_engine_of_another_age_is_refused_with_both_ranges() -> TestResult {
    for version in [
        json!({"ApiVersion": "1.24", "MinAPIVersion": "1.12"}),
        json!({"ApiVersion": "1.80", "MinAPIVersion": "1.70"}),
    ] {
        let fake = Fake::with_version(version, engine).await?;
        let answer = fake.server.call("list_containers", json!({})).await?;
        assert_eq!(answer.error_code(), "unsupported_by_engine");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_missing_is_named() -> TestResult {
    let fake = Fake::start("1.44", |path, query| match path {
        "/containers/gone/json" => Reply::Json(404, json!({"message": "No such container: gone"})),
        "/containers/quiet/json" => Reply::ok(container()),
        "/containers/quiet/logs" => Reply::Json(
            501,
            json!({"message": "configured logging driver does not support reading"}),
        ),
        _ => engine(path, query),
    })
    .await?;
    let error = fake.server.call("inspect_container", json!({"container": "gone"})).await?.error();
    assert_eq!(
        (error["code"].as_str(), error["message"].to_string().contains("gone")),
        (Some("not_found"), true)
    );
    let answer = fake.server.call("read_container_logs", json!({"containers": ["quiet"]})).await?;
    assert_eq!(answer.error_code(), "unsupported_by_engine");
    Ok(())
}

#[tokio::test]
async fn logs_in_pieces_are_joined_and_one_bad_source_does_not_hide_the_rest() -> TestResult {
    let fake = Fake::start("1.44", |path, query| match path {
        "/containers/other/json" => {
            Reply::ok(json!({"Id": "other", "Name": "/other", "Config": {}}))
        }
        "/containers/other/logs" => Reply::Json(500, json!({"message": "disk on fire"})),
        "/containers/web/logs" => {
            let whole = frame(
                1,
                "2026-01-01T00:00:01.000000000Z one\n2026-01-01T00:00:02.000000000Z two\n",
            );
            Reply::Body(200, whole.chunks(3).map(<[u8]>::to_vec).collect())
        }
        _ => engine(path, query),
    })
    .await?;
    let answer =
        fake.server.call("read_container_logs", json!({"containers": ["web", "other"]})).await?;
    let out = answer.structured();
    assert_eq!(
        out["lines"][1],
        json!({"source": "web", "stream": "stdout", "text": "two", "ts": "2026-01-01T00:00:02.000Z"})
    );
    assert_eq!(out["skipped"][0]["source"], "other");
    assert_eq!(out["skipped"][0]["code"], "engine_error");
    Ok(())
}
