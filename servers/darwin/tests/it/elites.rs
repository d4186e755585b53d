//! Archives of behaviours through the whole server.

use mcp_testkit::TestResult;
use serde_json::json;

use crate::runs::{create, get, server};

#[tokio::test]
async fn an_archive_is_filled_stored_and_goes_on_after_a_restart() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let made = first.call("instantiate_template", json!({"template": "arm_repertoire"})).await?;
    let problem = json!({"problem_id": made.structured()["problem_id"]});
    let arguments = json!({
        "problem": problem, "algorithm": "map_elites", "seed": 4, "budget": {"max_evals": 8000},
        "points": 200,
    });
    let whole = first.call("optimize_problem", arguments.clone()).await?;
    let whole = whole.structured();
    let archive = &whole["archive"];
    assert_eq!(archive["niches"], 100);
    assert!(archive["filled"].as_u64() > Some(60), "{}", archive["filled"]);
    let elites = archive["elites"].as_array().ok_or("no elites")?;
    assert_eq!(Some(elites.len() as u64), archive["filled"].as_u64());
    assert!(
        elites
            .iter()
            .all(|one| one["behaviour"]["east"].is_number() && one["values"]["a"].is_array())
    );
    assert_eq!(first.call("optimize_problem", arguments.clone()).await?.structured(), whole);
    let id = create(&first, arguments).await?;
    first.call("step_run", json!({"run_id": id, "generations": 9})).await?;
    first.stop().await;
    let second = server(state.path()).await?;
    second.call("update_run", json!({"run_id": id, "state": "running"})).await?;
    assert_eq!(get(&second, &id, 60_000).await?["status"], "done");
    let stored = second.call("get_run_result", json!({"run_id": id, "points": 200})).await?;
    assert_eq!(stored.structured()["result"]["archive"], *archive);
    let few = second.call("get_run_result", json!({"run_id": id, "points": 5})).await?;
    let few = &few.structured()["result"]["archive"];
    assert_eq!(
        (few["elites"].as_array().map(Vec::len), &few["filled"]),
        (Some(5), &archive["filled"])
    );
    let explained = second.call("explain_run", json!({"run_id": id})).await?;
    assert_eq!(explained.structured()["algorithm"], "map_elites");
    let shown = second.call("inspect_population", json!({"run_id": id})).await?;
    assert_eq!(shown.structured()["size"], archive["filled"]);
    Ok(())
}
