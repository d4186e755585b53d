//! Problems that are stored and used by name.

use std::fs;

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{get, server, with};

fn valley() -> Value {
    json!({
        "variables": [{"name": "x", "lo": -2, "hi": 2, "length": 2}, {"name": "on", "kind": "bool"}],
        "objectives": [{"expr": "(1-x[0])^2 + 100*(x[1]-x[0]^2)^2 + on"}],
        "constraints": [{"expr": "x[0] + x[1]", "op": "<=", "rhs": 3}],
    })
}

async fn define(server: &InProcess<Server>, arguments: Value) -> TestResult<Value> {
    Ok(server.call("define_problem", arguments).await?.structured().clone())
}

#[tokio::test]
async fn a_problem_is_defined_once_and_used_by_name_everywhere() -> TestResult {
    let state = tempfile::tempdir()?;
    let first = server(state.path()).await?;
    let defined = define(&first, json!({"problem": valley(), "name": "valley"})).await?;
    let look = &defined["look"];
    assert_eq!((&defined["is_new"], &defined["coordinates"]), (&json!(true), &json!(3)));
    assert_eq!((&look["middle"]["x"], &look["f"]), (&json!([0.0, 0.0]), &json!([1.0])));
    assert_eq!((&look["finite"], &look["warnings"]), (&json!(64), &json!([])), "{look}");
    assert!(look["cost_ns_per_eval"].as_f64() > Some(0.0));
    first.stop().await;

    let second = server(state.path()).await?;
    let again = define(&second, json!({"problem": valley(), "name": "valley"})).await?;
    let id = &again["problem_id"];
    assert_eq!((&again["is_new"], id), (&json!(false), &defined["problem_id"]));
    let other = define(&second, json!({"problem": {"problem_id": id}, "name": "copy"})).await?;
    assert_ne!(other["problem_id"], *id);
    let listed = second.call("list_problems", json!({"name": "val"})).await?;
    let items = listed.structured()["items"].as_array().ok_or("no items")?;
    assert_eq!((items.len(), &items[0]["problem_id"]), (1, id));
    let whole = second.call("list_problems", json!({"problem_id": id})).await?;
    assert_eq!(whole.structured()["items"][0]["problem"]["variables"][1]["name"], "on");

    let stored = json!({"problem": {"problem_id": id}, "seed": 3, "budget": {"max_evals": 2000}});
    let written = with(stored.clone(), &json!({"problem": valley()}));
    let by_name = second.call("optimize_problem", stored.clone()).await?;
    let by_value = second.call("optimize_problem", written).await?;
    assert_eq!(by_name.structured(), by_value.structured());
    let analyzed = second.call("analyze_problem", json!({"problem": {"problem_id": id}})).await?;
    assert_eq!(analyzed.structured()["recommended"], "ga");
    let compared = json!({"problem": {"problem_id": id}, "algorithms": ["ga", "design"],
                          "seeds": 2, "budget": {"max_evals": 300}});
    let compared = second.call("compare_algorithms", compared).await?;
    assert_eq!(compared.structured()["max_evals"], 300);

    // A run carries its own copy.
    let run = second.call("create_run", stored).await?;
    let run = run.structured()["run_id"].as_str().ok_or("no run")?.to_owned();
    let gone = second.call("delete_problem", json!({"problem_id": id})).await?;
    assert_eq!(gone.structured()["deleted"], true);
    second.call("update_run", json!({"run_id": run, "state": "running"})).await?;
    assert_eq!(get(&second, &run, 60_000).await?["status"], "done");
    for (tool, arguments, field) in [
        ("optimize_problem", json!({"problem": {"problem_id": id}}), "/problem/problem_id"),
        ("list_problems", json!({"problem_id": id}), "/problem_id"),
        ("delete_problem", json!({"problem_id": "problem_../x"}), "/problem_id"),
    ] {
        let refused = second.call(tool, arguments).await?.error();
        assert_eq!((&refused["code"], &refused["field"]), (&json!("not_found"), &json!(field)));
    }
    let both = json!({"problem": {"problem_id": other["problem_id"], "name": "sphere"}});
    let refused = second.call("optimize_problem", both).await?.error();
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("invalid_problem"), &json!("/problem/problem_id"))
    );
    Ok(())
}

#[tokio::test]
async fn a_first_look_says_what_is_likely_not_meant() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let odd = json!({
        "variables": [{"name": "x", "lo": -1, "hi": 1, "length": 2}, {"name": "z", "lo": 0, "hi": 1}],
        "objectives": [{"expr": "ln(x[0] - 0.5)"}, {"expr": "7"}],
        "constraints": [{"expr": "x[1]", "op": "<=", "rhs": -2}],
    });
    let look = define(&server, json!({"problem": odd})).await?["look"].clone();
    let warnings = look["warnings"].as_array().ok_or("no warnings")?;
    let texts: Vec<&str> = warnings.iter().filter_map(Value::as_str).collect();
    assert_eq!(texts.len(), 4, "{texts:?}");
    assert!(texts[0].ends_with("narrow the bounds to where they are defined"));
    assert_eq!(texts[1], "objective 1 is the same at all 64 random points");
    assert_eq!(texts[2], "constraint 0, `x[1]`, holds at none of 64 random points");
    assert_eq!(texts[3], "nothing changed wherever z was moved");
    assert_eq!((&look["f"], &look["feasible"]), (&json!([null, 7.0]), &json!(0)));

    let told = json!({"variables": [{"name": "x", "lo": 0, "hi": 1}], "objectives": [{}]});
    let defined = define(&server, json!({"problem": told})).await?;
    assert!(defined.get("look").is_none(), "{defined}");
    let by_name = json!({"problem": {"problem_id": defined["problem_id"]}, "start": true});
    let run = server.call("create_run", by_name.clone()).await?;
    assert_eq!(run.structured()["status"], "waiting_tell");
    let refused = server.call("optimize_problem", json!({"problem": by_name["problem"]})).await?;
    assert_eq!(refused.error()["field"], "/problem/objectives");
    let wrong = json!({"problem": {"variables": [{"name": "x", "lo": 1, "hi": 0}],
                                   "objectives": [{"expr": "x"}]}});
    let refused = server.call("define_problem", wrong).await?.error();
    let field = refused["field"].as_str().unwrap_or_default();
    assert!(field.starts_with("/problem/variables/0/"), "{refused}");
    Ok(())
}

#[tokio::test]
async fn stored_problems_are_counted_and_a_changed_file_is_found_out() -> TestResult {
    let state = tempfile::tempdir()?;
    let mut config = Config::default();
    config.max_problems = 2;
    let server = InProcess::<Server>::start_in(state.path(), config).await?;
    let sphere = |dimension: u32| json!({"problem": {"name": "sphere", "dimension": dimension}});
    let one = define(&server, sphere(1)).await?;
    define(&server, sphere(2)).await?;
    let refused = server.call("define_problem", sphere(3)).await?.error();
    assert_eq!(refused["code"], "quota_exceeded");
    assert_eq!(define(&server, sphere(1)).await?["is_new"], false);
    let page = server.call("list_problems", json!({"limit": 1})).await?;
    let next = page.structured()["next_cursor"].clone();
    let rest = server.call("list_problems", json!({"limit": 1, "cursor": next})).await?;
    let id_of = |page: &Value| page["items"][0]["problem_id"].clone();
    assert_ne!(id_of(page.structured()), id_of(rest.structured()));
    assert!(rest.structured().get("next_cursor").is_none());

    let id = one["problem_id"].as_str().ok_or("no id")?;
    let owner = fs::read_dir(state.path().join("problems"))?.next().ok_or("no owner")??;
    let file = owner.path().join(id).join("problem");
    let text = fs::read_to_string(&file)?.replace("sphere", "ackley");
    fs::write(&file, text)?;
    let refused = server.call("optimize_problem", json!({"problem": {"problem_id": id}})).await?;
    let refused = refused.error();
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("problem_damaged"), &json!("/problem/problem_id"))
    );
    let listed = server.call("list_problems", json!({})).await?;
    let items = listed.structured()["items"].as_array().ok_or("no items")?;
    let broken = items.iter().find(|item| item["problem_id"] == id).ok_or("not listed")?;
    assert_eq!(broken["error"]["code"], "problem_damaged");
    server.call("delete_problem", json!({"problem_id": id})).await?;
    assert_eq!(define(&server, sphere(3)).await?["is_new"], true);
    Ok(())
}
