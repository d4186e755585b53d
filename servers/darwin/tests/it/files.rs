//! Stored runs on disk: who may change them, what a crash leaves, what damage says.

use std::fs;

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::{
    runs::{create, endless, folder, get, server, sphere, with},
    trials::told,
};

#[tokio::test]
async fn a_run_is_one_process_s_to_change_and_all_s_to_read() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, endless()).await?;
    let second = server(state.path()).await?;
    assert_eq!(get(&second, &id, 0).await?["status"], "running");
    for tool in ["cancel_run", "delete_run"] {
        let error = second.call(tool, json!({"run_id": id})).await?.error();
        assert_eq!(
            (&error["code"], &error["message"]),
            (&json!("conflict"), &json!("another process drives this run"))
        );
    }
    first.stop().await;
    let cancelled = second.call("cancel_run", json!({"run_id": id})).await?;
    assert_eq!(cancelled.structured()["status"], "cancelled");
    second.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_torn_end_is_left_out_and_damage_is_told_with_its_place() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, told()).await?;
    let asked = first.call("ask_trials", json!({"run_id": id, "count": 2})).await?;
    assert_eq!(asked.structured()["pending"], 2);
    first.stop().await;
    let journal = folder(state.path(), &id)?.join("journal");
    let whole = fs::read(&journal)?;
    // Cut inside the last record: the ask was never acknowledged.
    fs::write(&journal, &whole[..whole.len() - 3])?;
    let second = server(state.path()).await?;
    let asked = second.call("ask_trials", json!({"run_id": id, "count": 1})).await?;
    assert_eq!(
        (&asked.structured()["trials"][0]["id"], &asked.structured()["pending"]),
        (&json!(0), &json!(1))
    );
    second.stop().await;
    let mut damaged = fs::read(&journal)?;
    damaged[30] ^= 1;
    fs::write(&journal, &damaged)?;
    let third = server(state.path()).await?;
    let error = third.call("get_run", json!({"run_id": id})).await?.error();
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("run_damaged"), &json!("the journal of the run is damaged at byte 0"))
    );
    let listed = third.call("list_runs", json!({})).await?;
    let item = &listed.structured()["items"][0];
    assert_eq!(
        (&item["status"], &item["error"]["code"]),
        (&json!("failed"), &json!("run_damaged"))
    );
    third.call("delete_run", json!({"run_id": id})).await?;
    Ok(())
}

#[tokio::test]
async fn without_its_checkpoint_a_run_comes_to_the_same_end() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, with(sphere(20_000), &json!({"algorithm": "lshade"}))).await?;
    let update = |more: Value| with(json!({"run_id": id}), &more);
    first.call("step_run", json!({"run_id": id, "generations": 30})).await?;
    first.call("update_run", update(json!({"budget": {"max_evals": 9000}}))).await?;
    first.call("step_run", json!({"run_id": id, "generations": 20})).await?;
    first.stop().await;
    let files = folder(state.path(), &id)?;
    let copy = tempfile::tempdir()?;
    let mut results = Vec::new();
    for damaged in [false, true] {
        if damaged {
            fs::copy(copy.path().join("journal"), files.join("journal"))?;
            fs::write(files.join("checkpoint"), b"nothing of use")?;
        } else {
            fs::copy(files.join("journal"), copy.path().join("journal"))?;
        }
        let server = server(state.path()).await?;
        server.call("update_run", update(json!({"state": "running"}))).await?;
        assert_eq!(get(&server, &id, 20_000).await?["status"], "done");
        results
            .push(server.call("get_run_result", json!({"run_id": id})).await?.structured().clone());
        server.stop().await;
    }
    assert_eq!(results[0], results[1]);
    Ok(())
}

#[tokio::test]
async fn a_run_begun_by_another_revision_fails_with_the_reason() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let id = create(&first, sphere(100)).await?;
    first.stop().await;
    let journal = folder(state.path(), &id)?.join("journal");
    let text = String::from_utf8_lossy(&fs::read(&journal)?).into_owned();
    let header = text.split_once('{').map(|(_, rest)| format!("{{{rest}")).ok_or("no header")?;
    let mut stream = serde_json::Deserializer::from_str(&header).into_iter::<Value>();
    let mut header = stream.next().ok_or("no header")??;
    header["revision"] = 99.into();
    let mut bytes = darwin_engine::journal::encode(
        darwin_engine::journal::RecordKind::Header,
        0,
        header.to_string().as_bytes(),
    );
    let status = br#"{"status":"created"}"#;
    bytes.extend(darwin_engine::journal::encode(
        darwin_engine::journal::RecordKind::Status,
        1,
        status,
    ));
    fs::write(&journal, bytes)?;
    let second = server(state.path()).await?;
    let error = second.call("update_run", json!({"run_id": id, "state": "running"})).await?.error();
    assert_eq!(error["code"], "revision_changed");
    let run = get(&second, &id, 0).await?;
    assert_eq!(
        (&run["status"], &run["error"]["code"]),
        (&json!("failed"), &json!("revision_changed"))
    );
    Ok(())
}
