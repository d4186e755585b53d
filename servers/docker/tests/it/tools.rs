//! The tools against a real engine.

mod live;

use live::{Live, docker};
use mcp_testkit::TestResult;
use serde_json::{Value, json};

const WAIT: u16 = 30;

/// Wait for a log line, so that what follows finds the container ready.
async fn ready(live: &Live, name: &str, pattern: &str) -> TestResult {
    let arguments = json!({"container": live.name(name), "wait_for": "log", "pattern": pattern,
        "timeout_s": WAIT, "sections": ["state"]});
    let answer = live.server.call("inspect_container", arguments).await?;
    assert_eq!(answer.structured()["waited"]["satisfied"], true, "{}", answer.response());
    Ok(())
}

fn names(answer: &mcp_testkit::Answer) -> Vec<String> {
    let rows = answer.structured()["containers"].as_array().cloned().unwrap_or_default();
    rows.iter().filter_map(|row| row["name"].as_str().map(str::to_owned)).collect()
}

fn texts(answer: &mcp_testkit::Answer) -> Vec<String> {
    let lines = answer.structured()["lines"].as_array().cloned().unwrap_or_default();
    lines.iter().filter_map(|line| line["text"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn containers_are_found_by_every_filter() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    let shop = format!("com.docker.compose.project={}", live.mark);
    let web = [
        "--label",
        &shop,
        "--label",
        "com.docker.compose.service=web",
        "-p",
        "127.0.0.1::80",
        "--health-cmd",
        "/bin/busybox true",
        "--health-interval",
        "1s",
    ];
    live.run("web", &web, "exec /bin/busybox sleep 1000")?;
    live.run("done", &["--label", &shop, "--label", "com.docker.compose.service=job"], "exit 3")?;
    for (name, condition) in [("web", "healthy"), ("done", "exited")] {
        let arguments =
            json!({"container": live.name(name), "wait_for": condition, "timeout_s": WAIT});
        let answer = live.server.call("inspect_container", arguments).await?;
        assert_eq!(answer.structured()["waited"]["satisfied"], true, "{}", answer.response());
    }
    let both = [live.name("done"), live.name("web")];
    for (extra, expected) in [
        (json!({}), &both[..]),
        (json!({"state": ["running"]}), &both[1..]),
        (json!({"state": ["exited", "dead"]}), &both[..1]),
        (json!({"health": "healthy"}), &both[1..]),
        (json!({"name": live.name("w")}), &both[1..]),
        (json!({"label": ["com.docker.compose.service=job"]}), &both[..1]),
        (json!({"network": "bridge", "state": ["running"]}), &both[1..]),
        (json!({"image": format!("{}:base", live.mark)}), &both[..]),
        (json!({"volume": "no-such-volume"}), &[]),
        // Part of a name is text, not a pattern.
        (json!({"name": "mdt.*web"}), &[]),
    ] {
        let mut arguments = extra.clone();
        arguments["project"] = json!(live.mark);
        arguments["sort"] = json!("name");
        let answer = live.server.call("list_containers", arguments).await?;
        assert_eq!(names(&answer), expected, "{extra}");
    }
    let answer =
        live.server.call("list_containers", json!({"project": live.mark, "sort": "name"})).await?;
    let row = &answer.structured()["containers"][1];
    assert_eq!(
        (row["health"].as_str(), row["project"].as_str()),
        (Some("healthy"), Some(live.mark.as_str()))
    );
    assert!(
        row["ports"][0]
            .as_str()
            .is_some_and(|port| port.starts_with("127.0.0.1:") && port.ends_with("->80/tcp"))
    );
    let id =
        docker(&["ps", "-q", "--no-trunc", "--filter", &format!("name={}", live.name("web"))])?;
    assert!(id.starts_with(row["id"].as_str().unwrap_or("none")));
    Ok(())
}

#[tokio::test]
async fn projects_are_summed_up_and_pages_follow_each_other() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    let project = format!("com.docker.compose.project={}", live.mark);
    for n in 0..3 {
        live.run(
            &format!("web{n}"),
            &["--label", &project, "--label", "com.docker.compose.service=web"],
            if n == 0 { "exit 0" } else { "exec /bin/busybox sleep 1000" },
        )?;
    }
    let arguments =
        json!({"container": live.name("web0"), "wait_for": "exited", "timeout_s": WAIT});
    live.server.call("inspect_container", arguments).await?;
    let answer = live
        .server
        .call("list_containers", json!({"project": live.mark, "group_by": "project"}))
        .await?;
    assert_eq!(
        answer.structured()["projects"],
        json!([{"project": live.mark, "running": 2, "wanted": 3,
            "services": [{"service": "web", "running": 2, "wanted": 3, "not_running": ["exited"]}]}])
    );
    let mut arguments =
        json!({"project": live.mark, "sort": "name", "limit": 2, "fields": ["name"]});
    let first = live.server.call("list_containers", arguments.clone()).await?;
    assert_eq!(names(&first), [live.name("web0"), live.name("web1")]);
    arguments["cursor"] = first.structured()["next_cursor"].clone();
    let second = live.server.call("list_containers", arguments.clone()).await?;
    assert_eq!(names(&second), [live.name("web2")]);
    assert!(second.structured().get("next_cursor").is_none());
    arguments["sort"] = json!("state");
    assert_eq!(
        live.server.call("list_containers", arguments).await?.error_code(),
        "invalid_argument"
    );
    Ok(())
}

#[tokio::test]
async fn an_inspection_shows_every_section_and_no_secret() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    live.run(
        "app",
        &["-e", "DB_PASSWORD=canary-password", "-e", "PLAIN=canary-plain", "--label", "x.api_key=canary-label",
            "--memory", "64m", "--cpus", "0.5", "--read-only", "--cap-drop", "ALL", "--tmpfs", "/tmp",
            "--security-opt", "no-new-privileges", "--restart", "on-failure:3", "--user", "65534",
            "--health-cmd", "/bin/busybox echo probe $DB_PASSWORD", "--health-interval", "1s"],
        "echo starting with $DB_PASSWORD; exec /bin/busybox sh -c '/bin/busybox sleep 1000; :' app --password=canary-argument",
    )?;
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
    let arguments = json!({"container": live.name("app"), "sections": sections, "wait_for": "healthy", "timeout_s": WAIT});
    let answer = live.server.call("inspect_container", arguments).await?;
    let out = answer.structured();
    assert_eq!(out["waited"]["satisfied"], true, "{out}");
    assert_eq!(out["config"]["limits"]["memory_bytes"], 64 << 20);
    assert_eq!(out["config"]["limits"]["cpus"], 0.5);
    assert_eq!(out["config"]["restart"], "on-failure:3");
    for flag in ["readonly_rootfs", "no_new_privileges"] {
        assert_eq!(out["security"][flag], true, "{flag}");
    }
    assert_eq!(
        (out["security"]["user"].as_str(), &out["security"]["cap_drop"]),
        (Some("65534"), &json!(["ALL"]))
    );
    assert_eq!(out["state"]["status"], "running");
    assert_eq!(out["health"]["status"], "healthy");
    assert_eq!(out["health"]["log"][0]["output"].as_str().map(str::trim), Some("probe [redacted]"));
    assert!(out["processes"]["total"].as_u64().is_some_and(|total| total >= 1));
    assert!(out["changes"]["total"].is_u64());
    let names = out["config"]["env_names"].to_string();
    assert!(names.contains("DB_PASSWORD") && names.contains("PLAIN"));
    assert!(!answer.response().to_string().contains("canary"), "{out}");
    let logs =
        live.server.call("read_container_logs", json!({"containers": [live.name("app")]})).await?;
    assert_eq!(texts(&logs)[0], "starting with [redacted]");
    Ok(())
}

#[tokio::test]
async fn waiting_ends_when_it_is_useless_or_time_is_up() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    live.run("up", &[], "echo first; exec /bin/busybox sleep 1000")?;
    live.run("down", &[], "echo bye; exit 7")?;
    for (name, extra, satisfied, word) in [
        ("up", json!({"wait_for": "running", "timeout_s": WAIT}), true, ""),
        ("up", json!({"wait_for": "healthy", "timeout_s": WAIT}), false, "no health check"),
        ("up", json!({"wait_for": "exited", "timeout_s": 1}), false, "not exited"),
        ("up", json!({"wait_for": "log", "pattern": "^first$", "timeout_s": WAIT}), true, ""),
        ("up", json!({"wait_for": "log", "pattern": "never", "timeout_s": 1}), false, "no line"),
        ("down", json!({"wait_for": "exited", "timeout_s": WAIT}), true, ""),
        ("down", json!({"wait_for": "running", "timeout_s": WAIT}), false, "exited with code 7"),
        (
            "down",
            json!({"wait_for": "log", "pattern": "never", "timeout_s": WAIT}),
            false,
            "log ended",
        ),
    ] {
        let mut arguments = extra.clone();
        arguments["container"] = json!(live.name(name));
        let answer = live.server.call("inspect_container", arguments).await?;
        let waited = &answer.structured()["waited"];
        assert_eq!(waited["satisfied"], satisfied, "{extra}: {waited}");
        let reason = waited["reason"].as_str().unwrap_or_default();
        assert!(reason.contains(word), "{extra}: {waited}");
        assert!(waited["elapsed_ms"].as_u64().is_some_and(|ms| ms < 20_000), "{extra}: {waited}");
    }
    let missing =
        live.server.call("inspect_container", json!({"container": live.name("none")})).await?;
    assert_eq!(missing.error_code(), "not_found");
    Ok(())
}

/// 302 lines; before and after the one on stderr it waits for [`Live::go`].
const TALK: &str = "i=0
    pause() { until [ -e /go ]; do /bin/busybox sleep 0.05; done; /bin/busybox rm /go; }
    while [ $i -lt 300 ]; do
        echo line $i
        if [ $i = 150 ]; then pause; echo ERROR at $i >&2; pause; fi
        i=$((i+1))
    done
    echo end
    exec /bin/busybox sleep 1000";

#[tokio::test]
async fn logs_are_searched_cut_and_resumed() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    live.run("talk", &[], TALK)?;
    // The engine reads the two streams on their own: their lines are ordered only by waiting.
    for last in ["^line 150$", "^ERROR at 150$"] {
        ready(&live, "talk", last).await?;
        live.go("talk")?;
    }
    ready(&live, "talk", "^end$").await?;
    let call = async |extra: Value| {
        let mut arguments = extra;
        arguments["containers"] = json!([live.name("talk")]);
        live.server.call("read_container_logs", arguments).await
    };
    let tail = call(json!({"tail": 2})).await?;
    assert_eq!(texts(&tail), ["line 299", "end"]);
    assert_eq!(texts(&call(json!({})).await?).len(), 100);
    let found = call(json!({"grep": "ERROR", "context": 1})).await?;
    assert!(texts(&found).contains(&"ERROR at 150".to_owned()));
    assert_eq!(found.structured()["matched"], 1);
    assert_eq!(texts(&found).len(), 3, "{found:?}");
    let errors = call(json!({"stream": "stderr"})).await?;
    assert_eq!(
        (texts(&errors), errors.structured()["lines"][0]["stream"].as_str()),
        (vec!["ERROR at 150".to_owned()], Some("stderr"))
    );
    assert_eq!(
        texts(&call(json!({"grep": "line", "invert": true})).await?),
        ["ERROR at 150", "end"]
    );
    assert_eq!(texts(&call(json!({"until": "1h"})).await?), Vec::<String>::new());

    let mut all = Vec::new();
    let mut page = call(json!({"since": "1h", "max_bytes": 4096})).await?;
    loop {
        all.extend(texts(&page));
        assert!(page.structured()["lines"].to_string().len() <= 4096 + 300);
        if page.structured()["truncated"] == false {
            break;
        }
        page = call(json!({"cursor": page.structured()["cursor"], "max_bytes": 4096})).await?;
    }
    assert_eq!(all.len(), 302, "nothing lost, nothing twice");
    all.retain(|text| text.starts_with("line"));
    assert_eq!(all, (0..300).map(|n| format!("line {n}")).collect::<Vec<_>>());

    let nothing = call(json!({"cursor": page.structured()["cursor"]})).await?;
    assert_eq!(texts(&nothing), Vec::<String>::new());
    let other = json!({"cursor": page.structured()["cursor"], "stream": "stderr"});
    assert_eq!(call(other).await?.error_code(), "invalid_argument");
    Ok(())
}

#[tokio::test]
async fn following_sees_lines_that_come_later() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    live.run("slow", &[], "echo before; /bin/busybox sleep 2; echo after; exit 0")?;
    ready(&live, "slow", "^before$").await?;
    let arguments = json!({"containers": [live.name("slow")], "follow_s": 30});
    let answer = live.server.call("read_container_logs", arguments).await?;
    assert_eq!(
        texts(&answer),
        ["before", "after"],
        "and it ends with the container, not after 30 s"
    );
    Ok(())
}

#[tokio::test]
async fn terminals_long_lines_and_foreign_characters_are_read() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    let script = r"/bin/busybox printf '\033[1;31mred\033[0m \342\200\256evil\n'; /bin/busybox printf '%040000d\n' 7; echo end; exec /bin/busybox sleep 1000";
    for (name, options) in [("plain", &[][..]), ("tty", &["-t"][..])] {
        live.run(name, options, script)?;
        ready(&live, name, "^end$").await?;
        let answer = live
            .server
            .call("read_container_logs", json!({"containers": [live.name(name)]}))
            .await?;
        let texts = texts(&answer);
        assert_eq!(
            (texts.len(), texts[0].as_str(), texts[2].as_str()),
            (3, "red evil", "end"),
            "{name}"
        );
        assert!(texts[1].starts_with("0000") && texts[1].ends_with('…'), "{name}");
        // The engine stamps each 16 KiB piece of a line: none of the stamps may stay in it.
        let whole = json!({"containers": [live.name(name)], "grep": "^0+7$"});
        assert_eq!(
            live.server.call("read_container_logs", whole).await?.structured()["matched"],
            1,
            "{name}"
        );
    }
    let merged = json!({"containers": [live.name("plain"), live.name("tty")], "grep": "end"});
    let answer = live.server.call("read_container_logs", merged).await?;
    let sources: Vec<_> = answer.structured()["lines"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| line["source"].clone())
        .collect();
    assert_eq!(sources, [live.name("plain"), live.name("tty")]);
    Ok(())
}

#[tokio::test]
async fn a_log_that_is_not_kept_is_told() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    live.run("mute", &["--log-driver", "none"], "exec /bin/busybox sleep 1000")?;
    let answer =
        live.server.call("read_container_logs", json!({"containers": [live.name("mute")]})).await?;
    assert_eq!(answer.error_code(), "unsupported_by_engine", "{}", answer.response());
    let answer = live.server.call("read_container_logs", json!({"project": live.mark})).await?;
    assert_eq!(answer.error_code(), "invalid_argument");
    Ok(())
}

#[tokio::test]
async fn the_engine_is_described_as_it_describes_itself() -> TestResult {
    let Some(live) = Live::start().await? else { return Ok(()) };
    let answer = live.server.call("get_system_info", json!({"disk_usage": true})).await?;
    let out = answer.structured();
    assert_eq!(out["engine"]["version"], docker(&["version", "--format", "{{.Server.Version}}"])?);
    assert_eq!(out["storage"]["driver"], docker(&["info", "--format", "{{.Driver}}"])?);
    assert_eq!(out["host"]["kernel"], docker(&["info", "--format", "{{.KernelVersion}}"])?);
    assert_eq!(out["health"]["reachable"], true);
    assert!(out["disk_usage"]["images"]["count"].as_u64().is_some_and(|count| count >= 1));
    Ok(())
}
