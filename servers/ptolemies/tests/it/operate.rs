//! Backups, restores and maintenance, on a real store.

use std::{fs, path::Path};

use machina_ptolemies::{Config, Server};
use mcp_testkit::{InProcess, TestResult, binary::StdioServer, wire};
use serde_json::{Value, json};

use crate::{
    crash::{self, call},
    transfer::{ask, export, fill, start},
};

async fn start_in(state: &Path) -> TestResult<InProcess<Server>> {
    InProcess::<Server>::start_in(state, Config::default()).await
}

/// A call that is confirmed.
pub(crate) async fn confirmed(
    server: &InProcess<Server>,
    mut arguments: Value,
) -> TestResult<mcp_testkit::Answer> {
    let asked = server.call("restore_backup", arguments.clone()).await?.error();
    assert_eq!(asked["code"], "confirmation_required", "{asked}");
    arguments["confirm_token"] = asked["details"]["confirm_token"].clone();
    server.call("restore_backup", arguments).await
}

/// Carry a backup to another state directory.
fn carry(from: &Path, to: &Path, id: &str) -> TestResult {
    fs::create_dir_all(to.join("backups"))?;
    for extension in ["json", "jsonl.gz"] {
        let name = format!("backups/{id}.{extension}");
        fs::copy(from.join(&name), to.join(&name))?;
    }
    Ok(())
}

#[tokio::test]
async fn a_backup_comes_back_elsewhere_and_over_what_is_there() -> TestResult {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let server = start_in(one.path()).await?;
    fill(&server).await?;
    let (text, _) = export(&server, json!({})).await?;
    let made = ask(&server, "create_backup", json!({})).await?;
    let id = made["backup"]["id"].as_str().unwrap_or_default().to_owned();
    let rows = made["backup"]["rows"].as_object().into_iter().flatten();
    let rows: u64 = rows.filter_map(|(_, count)| count.as_u64()).sum();
    assert_eq!(rows, text.lines().count() as u64);
    let listed = ask(&server, "list_jobs", json!({"backups": true})).await?;
    assert_eq!(listed["backups"], json!([made["backup"]]));
    assert_eq!(listed["jobs"][0]["kind"], "backup");
    let later = json!({"items": [{"text": "written after the backup", "key": "later"}]});
    ask(&server, "store_memory", later).await?;

    carry(one.path(), two.path(), &id)?;
    let other = start_in(two.path()).await?;
    let done = confirmed(&other, json!({"id": id})).await?.structured().clone();
    assert!(done.get("previous_backup").is_none(), "{done}");
    assert_eq!(export(&other, json!({})).await?.0, text);
    other.stop().await;
    let other = start_in(two.path()).await?;
    assert_eq!(export(&other, json!({})).await?.0, text, "it lasts");
    other.stop().await;

    let refused = confirmed(&server, json!({"id": id})).await?.error();
    assert_eq!((&refused["code"], &refused["field"]), (&json!("conflict"), &json!("/replace")));
    let before = export(&server, json!({})).await?.0;
    let done = confirmed(&server, json!({"id": id, "replace": true})).await?.structured().clone();
    assert_eq!(export(&server, json!({})).await?.0, text);
    let gone = ask(&server, "list_memories", json!({"keys": ["later"]})).await?;
    assert_eq!(gone["missing"], json!(["later"]));
    assert!(done["seq"].as_u64() > made["backup"]["seq"].as_u64(), "positions go on");
    let checked = ask(&server, "run_maintenance", json!({"action": "verify"})).await?;
    assert!(checked.get("findings").is_none(), "{checked}");
    // What was there before was backed up.
    let previous = json!({"id": done["previous_backup"], "replace": true});
    confirmed(&server, previous).await?.structured();
    assert_eq!(export(&server, json!({})).await?.0, before);
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn what_is_no_backup_is_refused_and_nothing_changes() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = start_in(state.path()).await?;
    fill(&server).await?;
    let (text, _) = export(&server, json!({})).await?;
    let made = ask(&server, "create_backup", json!({})).await?;
    let id = made["backup"]["id"].as_str().unwrap_or_default().to_owned();
    let dir = state.path().join("backups");
    let rows = fs::read(dir.join(format!("{id}.jsonl.gz")))?;
    let manifest = fs::read_to_string(dir.join(format!("{id}.json")))?;
    let put = |manifest: &str, rows: &[u8]| -> TestResult {
        fs::write(dir.join(format!("{id}.jsonl.gz")), rows)?;
        Ok(fs::write(dir.join(format!("{id}.json")), manifest)?)
    };
    let mut broken = rows.clone();
    let middle = broken.len() / 2;
    broken[middle] ^= 1;
    put(&manifest, &broken)?;
    let error = confirmed(&server, json!({"id": id, "replace": true})).await?.error();
    assert_eq!(error["code"], "backup_invalid", "a flipped bit: {error}");
    put(&manifest, rows.get(..middle).unwrap_or_default())?;
    let error = confirmed(&server, json!({"id": id, "replace": true})).await?.error();
    assert_eq!(error["code"], "backup_invalid", "a torn file: {error}");
    // The rows, with a checksum that fits, but fewer of them than there were.
    let fewer = manifest.replacen("\"memory\": 6", "\"memory\": 7", 1);
    assert_ne!(fewer, manifest);
    put(&fewer, &rows)?;
    let error = confirmed(&server, json!({"id": id, "replace": true})).await?.error();
    assert_eq!(error["code"], "backup_invalid", "other rows: {error}");
    let newer = manifest.replacen("\"format\": 1", "\"format\": 2", 1);
    put(&newer, &rows)?;
    let error = server.call("restore_backup", json!({"id": id, "replace": true})).await?.error();
    assert_eq!(error["code"], "backup_invalid", "a newer format: {error}");
    assert!(error["message"].as_str().is_some_and(|text| text.contains("format 2")), "{error}");
    for id in ["01KAZ8ZZZZZZZZZZZZZZZZZZZZ", "../../etc/passwd"] {
        let error = server.call("restore_backup", json!({"id": id})).await?.error_code();
        assert_eq!(error, "not_found");
    }
    assert_eq!(export(&server, json!({})).await?.0, text);
    let stores = fs::read_dir(state.path())?.filter_map(Result::ok);
    let stores = stores.filter(|entry| entry.file_name().to_string_lossy().starts_with("store"));
    assert_eq!(stores.count(), 1, "what was begun is removed");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_backup_shows_one_moment_while_writes_go_on() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = start_in(state.path()).await?;
    let pair = |number: usize| {
        json!({"items": [
            {"text": format!("left {number}"), "key": "left"},
            {"text": format!("right {number}"), "key": "right"},
            {"text": format!("filler {number}")},
        ]})
    };
    for number in 0..40 {
        ask(&server, "store_memory", pair(number)).await?;
    }
    let writes = async {
        for number in 40..80 {
            ask(&server, "store_memory", pair(number)).await?;
            let purge = json!({"keys": ["left"], "mode": "purge"});
            if number == 60 {
                ask(&server, "forget_items", purge).await?;
            }
        }
        TestResult::Ok(())
    };
    let backup = async {
        // In the middle of the writes: not before the first of them was acknowledged.
        while ask(&server, "list_memories", json!({"group_by": "context"})).await?["seq"]
            .as_u64()
            .is_some_and(|seq| seq < 45)
        {}
        ask(&server, "create_backup", json!({})).await
    };
    let (written, made) = tokio::join!(writes, backup);
    written?;
    let made = made?;
    let other = tempfile::tempdir()?;
    let id = made["backup"]["id"].as_str().unwrap_or_default();
    carry(state.path(), other.path(), id)?;
    server.stop().await;
    let server = start_in(other.path()).await?;
    confirmed(&server, json!({"id": id})).await?.structured();
    let both = ask(&server, "list_memories", json!({"keys": ["left", "right"]})).await?;
    let word = |at: usize| {
        let text = both["items"][at]["text"].as_str().unwrap_or_default();
        text.split(' ').nth(1).unwrap_or_default().to_owned()
    };
    assert_eq!(word(0), word(1), "both halves of a batch, or none: {both}");
    let checked = ask(&server, "run_maintenance", json!({"action": "verify"})).await?;
    assert!(checked.get("findings").is_none(), "{checked}");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_vacuum_takes_purged_bytes_off_the_disk() -> TestResult {
    const CANARY: &str = "xylograph7canary";
    fn holds(dir: &Path) -> TestResult<bool> {
        for entry in fs::read_dir(dir)? {
            let path = entry?.path();
            let found = if path.is_dir() {
                holds(&path)?
            } else if !path.is_file() {
                // The socket of the process.
                false
            } else {
                let bytes = fs::read(&path)?;
                bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes())
            };
            if found {
                return Ok(true);
            }
        }
        Ok(false)
    }
    let state = tempfile::tempdir()?;
    let server = start_in(state.path()).await?;
    fill(&server).await?;
    let write = json!({"items": [{"text": "kept", "key": "kept"}], "write_id": "w"});
    let first = ask(&server, "store_memory", write.clone()).await?;
    let secret = json!({"items": [{"text": CANARY, "key": "secret"}]});
    ask(&server, "store_memory", secret).await?;
    ask(&server, "forget_items", json!({"keys": ["secret"], "mode": "purge"})).await?;
    let before = export(&server, json!({})).await?;
    assert!(holds(state.path())?, "the store keeps old bytes: the test would show nothing");
    let done = ask(&server, "run_maintenance", json!({"action": "vacuum"})).await?;
    assert_eq!(done["state"], "done");
    assert!(!holds(state.path())?, "no file has it any more");
    assert_eq!(export(&server, json!({})).await?.0, before.0);
    let again = ask(&server, "store_memory", write).await?;
    assert_eq!((&again["results"], &again["repeated"]), (&first["results"], &json!(true)));
    for action in ["verify", "rebuild_index", "verify"] {
        let checked = ask(&server, "run_maintenance", json!({"action": action})).await?;
        assert!(checked.get("findings").is_none(), "{checked}");
        assert_eq!(export(&server, json!({})).await?.0, before.0);
    }
    server.stop().await;
    let server = start_in(state.path()).await?;
    assert_eq!(export(&server, json!({})).await?.0, before.0, "the new store is opened");
    server.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_current_that_names_nothing_is_no_new_store() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = start().await?;
    server.stop().await;
    fs::create_dir_all(state.path().join("store-7"))?;
    fs::write(state.path().join("CURRENT"), "store-8\n")?;
    assert!(start_in(state.path()).await.is_err());
    fs::write(state.path().join("CURRENT"), "../elsewhere\n")?;
    assert!(start_in(state.path()).await.is_err());
    assert!(state.path().join("store-7").exists(), "nothing is removed then");
    Ok(())
}

/// Everything there is, page by page.
async fn all(server: &mut StdioServer, id: &mut u64) -> TestResult<String> {
    let mut arguments = json!({});
    let mut text = String::new();
    loop {
        *id += 1;
        let page = call(server, *id, "export_knowledge", &arguments).await?;
        text.push_str(page["text"].as_str().unwrap_or_default());
        let Some(cursor) = page.get("next_cursor") else { return Ok(text) };
        arguments["cursor"] = cursor.clone();
    }
}

#[tokio::test]
async fn a_backup_is_restored_after_kill_9() -> TestResult {
    let (one, two) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let (mut server, mut id) = (crash::start(one.path())?, 0);
    for number in 0..30 {
        id += 1;
        let text = format!("# Note {number}\n\nsays w{number}x");
        let document = json!({"uri": format!("n{}.md", number / 2), "text": text});
        call(&mut server, id, "ingest_documents", &document).await?;
        id += 1;
        let item = json!({"items": [{"text": format!("value {number}"), "key": "k"}]});
        call(&mut server, id, "store_memory", &item).await?;
    }
    let before = all(&mut server, &mut id).await?;
    let query = json!({"query": "w29x"});
    let found = call(&mut server, id + 1, "search_knowledge", &query).await?;
    let made = call(&mut server, id + 2, "create_backup", &json!({})).await?;
    let backup = made["backup"]["id"].as_str().unwrap_or_default().to_owned();
    let later = json!({"items": [{"text": "after the backup", "key": "later"}]});
    call(&mut server, id + 3, "store_memory", &later).await?;
    // Killed with a restore of its own under way, or before, or after it.
    let asked = wire::modern(
        id + 4,
        "tools/call",
        &json!({"name": "run_maintenance", "arguments": {"action": "vacuum"}}),
    );
    server.send(&asked).await?;
    mcp_testkit::binary::signal_to(server.child().id(), "KILL").await?;
    server.child().wait().await?;

    let mut server = crash::start(one.path())?;
    let there = call(&mut server, 1, "list_memories", &json!({"keys": ["later"]})).await?;
    assert_eq!(there["items"][0]["text"], "after the backup", "nothing acknowledged is lost");
    let (_, status) = server.close().await?;
    assert!(status.success(), "{status}");

    let home = two.path().join("ptolemies");
    carry(&one.path().join("ptolemies"), &home, &backup)?;
    let mut server = crash::start(two.path())?;
    let mut arguments = json!({"id": backup});
    let ask =
        wire::modern(1, "tools/call", &json!({"name": "restore_backup", "arguments": arguments}));
    let asked = server.ask(&ask).await?;
    let text = asked["result"]["content"][0]["text"].as_str().unwrap_or_default();
    let asked: Value = serde_json::from_str(text)?;
    arguments["confirm_token"] = asked["details"]["confirm_token"].clone();
    call(&mut server, 2, "restore_backup", &arguments).await?;
    let mut id = 2;
    assert_eq!(all(&mut server, &mut id).await?, before);
    let same = call(&mut server, id + 1, "search_knowledge", &query).await?;
    assert_eq!(same["hits"], found["hits"]);
    let (_, status) = server.close().await?;
    assert!(status.success(), "{status}");
    Ok(())
}
