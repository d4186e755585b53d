//! Registered data through the whole pipeline.

use machina_bayes::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::support::server;

const LINE: &str = "data { int N; vector[N] x; vector[N] y; }
    parameters { real a; real b; real<lower=0> s; }
    model { a ~ normal(0, 5); b ~ normal(0, 5); s ~ exponential(1); y ~ normal(a + b * x, s); }";

const TABLE: &str = "x,y,who\n1,2.1,ann\n2,3.9,bob\n3,6.2,ann\n4,7.8,eve\n";

#[tokio::test(flavor = "multi_thread")]
async fn models_are_fitted_to_registered_data() -> TestResult {
    let server = server().await?;
    let given = json!({"name": "line\u{7}", "format": "csv", "content": TABLE});
    let kept = server.call("register_data", given.clone()).await?;
    let kept = kept.structured();
    let id = kept["data_id"].clone();
    assert_eq!(
        (&kept["name"], &kept["columns"][0]["type"], &kept["columns"][1]["dims"]),
        (&json!("line"), &json!("int"), &json!([4]))
    );
    assert_eq!(
        (&kept["columns"][2]["type"], &kept["columns"][2]["distinct"]),
        (&json!("text"), &json!(3))
    );
    assert_eq!(kept["sha256"].as_str().map(str::len), Some(64));
    assert_eq!(server.call("register_data", given).await?.structured()["data_id"], id);

    // The table has no N: it is given beside it. The column of words is none of the model's.
    let check = json!({"code": LINE, "data_id": id});
    let checked = server.call("check_model", check.clone()).await?;
    let finding = &checked.structured()["diagnostics"][0];
    assert_eq!((&finding["code"], &finding["json_path"]), (&json!("data_missing"), &json!("/N")));
    let mut whole = check;
    whole["data"] = json!({"N": 4});
    assert_eq!(server.call("check_model", whole.clone()).await?.structured()["dimension"], 3);
    for (name, value) in [
        ("seed", json!(1)),
        ("draws", json!(200)),
        ("tune", json!(300)),
        ("wait_ms", json!(60_000)),
    ] {
        whole[name] = value;
    }
    let by_handle = server.call("fit_model", whole.clone()).await?;
    let mut inline = whole.clone();
    inline["data"] = json!({"N": 4, "x": [1, 2, 3, 4], "y": [2.1, 3.9, 6.2, 7.8]});
    inline.as_object_mut().ok_or("no object")?.remove("data_id");
    let inline = server.call("fit_model", inline).await?;
    assert_eq!(by_handle.structured()["summary"], inline.structured()["summary"]);
    assert_ne!(by_handle.structured()["run_id"], inline.structured()["run_id"]);
    // What is given beside a dataset goes before it.
    let mut other = whole.clone();
    other["data"] = json!({"N": 4, "y": [0, 0, 0, 0.1]});
    let other = server.call("fit_model", other).await?;
    assert_ne!(other.structured()["summary"], inline.structured()["summary"]);

    // A run keeps its own copy.
    server.call("delete_objects", json!({"ids": [id]})).await?.structured();
    assert_eq!(server.call("fit_model", whole.clone()).await?.structured()["elapsed_ms"], 0);
    whole["seed"] = json!(2);
    let error = server.call("fit_model", whole).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("unknown_id"), &json!("/data_id")));
    Ok(())
}

#[tokio::test]
async fn data_are_listed() -> TestResult {
    let server = server().await?;
    let mut ids = Vec::new();
    for at in 0..3 {
        let given = json!({"content": format!("{{\"v\": [{at}, null], \"w\": 1.5}}")});
        ids.push(server.call("register_data", given).await?.structured()["data_id"].clone());
    }
    let first = server.call("list_data", json!({"limit": 2})).await?;
    let first = first.structured();
    let rest =
        server.call("list_data", json!({"limit": 2, "cursor": first["next_cursor"]})).await?;
    let items = first["items"].as_array().into_iter().chain(rest.structured()["items"].as_array());
    let mut listed: Vec<Value> = items.flatten().map(|item| item["data_id"].clone()).collect();
    listed.sort_by_key(Value::to_string);
    let mut sorted = ids.clone();
    sorted.sort_by_key(Value::to_string);
    assert_eq!((listed, &first["items"][0]["names"]), (sorted, &json!(["v", "w"])));
    let one = server.call("list_data", json!({"data_id": ids[1]})).await?;
    let one = &one.structured()["items"][0];
    assert_eq!(
        (&one["columns"][0]["missing"], &one["columns"][1]["mean"]),
        (&json!(1), &json!(1.5))
    );
    let error = server.call("list_data", json!({"data_id": "data_0"})).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("unknown_id"), &json!("/data_id")));
    // A missing value is no number.
    let model = json!({"code": "data { vector[2] v; }", "data_id": ids[1]});
    let error = server.call("fit_model", model).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("data_type"), &json!("/data/v/1")));
    Ok(())
}

/// Wrong content: its code, its place, and a way out.
#[tokio::test]
async fn refusals_can_be_repaired() -> TestResult {
    let mut config = Config::default();
    config.max_data = 1;
    let server = InProcess::<Server>::start(config).await?;
    for (content, format, code) in [
        ("{\"y\": [1, 2}", "json", "syntax"),
        ("{\"y\": 1, \"y\": 2}", "json", "data_constraint"),
        ("{\"y\": [true]}", "json", "data_type"),
        ("{\"y\": [[1], [2, 3]]}", "json", "data_size"),
        ("a,b\n1,2,3\n", "csv", "data_size"),
        ("{}", "json", "data_missing"),
    ] {
        let given = json!({"content": content, "format": format});
        let error = server.call("register_data", given).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(code), &json!("/content")),
            "{content}"
        );
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    }
    let line =
        server.call("register_data", json!({"content": "a,b\n1,2\n3\n", "format": "csv"})).await?;
    assert_eq!(line.error()["details"]["line"], 3);
    let one = server.call("register_data", json!({"content": "{\"y\": 1}"})).await?;
    let full = json!({"content": "{\"y\": 2}"});
    let error = server.call("register_data", full.clone()).await?.error();
    assert_eq!(error["code"], "quota_exceeded");
    // The way out of the hint.
    let ids = json!({"ids": [one.structured()["data_id"]]});
    server.call("delete_objects", ids).await?.structured();
    server.call("register_data", full).await?.structured();
    Ok(())
}
