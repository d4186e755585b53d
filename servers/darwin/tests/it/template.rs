//! Templates: listed, filled in, run.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::json;

#[tokio::test]
async fn every_example_can_be_made_and_is_stored_once() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let listed = server.call("list_templates", json!({})).await?;
    let items = listed.structured()["items"].as_array().ok_or("no items")?;
    assert!(items.len() >= 12);
    for item in items {
        let first = server.call("instantiate_template", item["example"].clone()).await?;
        let again = server.call("instantiate_template", json!({"template": item["name"]})).await?;
        let (first, again) = (first.structured(), again.structured());
        assert_eq!(first["problem_id"], again["problem_id"], "{item}");
        assert_eq!((&first["is_new"], &again["is_new"]), (&json!(true), &json!(false)));
        assert!(first["problem"].is_object());
    }
    let orders = server.call("list_templates", json!({"kind": "order"})).await?;
    assert_eq!(orders.structured()["items"].as_array().map(Vec::len), Some(2));
    let sack = json!({"template": "knapsack", "inputs": {"values": [60, 100, 120],
                      "weights": [10, 20, 30], "capacity": 50}});
    let made = server.call("instantiate_template", sack).await?;
    let problem = json!({"problem_id": made.structured()["problem_id"]});
    let run = json!({"problem": problem, "seed": 1, "budget": {"max_evals": 2000}});
    let best = server.call("optimize_problem", run).await?;
    assert_eq!(best.structured()["best"]["f"], 220.0);
    for (arguments, code, field) in [
        (json!({"template": "knapsak"}), "unknown_name", "/template"),
        (
            json!({"template": "sphere", "inputs": {"dimension": 1.5}}),
            "invalid_argument",
            "/inputs/dimension",
        ),
        (json!({"template": "sphere", "inputs": {"size": 2}}), "invalid_argument", "/inputs/size"),
    ] {
        let refused = server.call("instantiate_template", arguments).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!(code), &json!(field)),
            "{refused}"
        );
        assert!(refused["hint"].is_string(), "{refused}");
    }
    Ok(())
}
