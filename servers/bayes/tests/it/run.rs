//! Runs through the whole pipeline: in the background, listed, stopped, read, removed.

use machina_bayes::Server;
use mcp_testkit::{InProcess, TestResult, binary::LIMIT};
use serde_json::{Value, json};

use crate::support::server;

const PAIR: &str =
    "parameters { real mu; vector[3] x; } transformed parameters { real s = sum(x); }
    model { mu ~ normal(1, 2); x ~ std_normal(); }
    generated quantities { real y = normal_rng(mu, 1); }";

fn small(seed: u64) -> Value {
    json!({"code": PAIR, "chains": 2, "tune": 100, "draws": 100, "seed": seed, "wait_ms": 60_000})
}

/// Long enough that nobody waits for its end.
fn long(seed: u64) -> Value {
    json!({"code": "parameters { vector[200] x; } model { x ~ std_normal(); }", "chains": 2,
           "tune": 100, "draws": 10_000, "seed": seed, "max_time_s": 900, "wait_ms": 0})
}

/// Call until an answer is as wanted.
async fn until(
    server: &InProcess<Server>,
    tool: &str,
    arguments: Value,
    wanted: impl Fn(&Value) -> bool,
) -> TestResult<Value> {
    let ask = async {
        loop {
            let answer = server.call(tool, arguments.clone()).await?;
            if wanted(answer.structured()) {
                return TestResult::Ok(answer.structured().clone());
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LIMIT, ask).await?
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_goes_on_behind_its_answer_and_keeps_what_it_has_when_stopped() -> TestResult {
    let server = server().await?;
    let begun = server.call("fit_model", long(1)).await?;
    let begun = begun.structured();
    assert_eq!((&begun["status"], &begun["reliable"]), (&json!("running"), &json!(false)));
    assert_eq!(begun["reasons"][0]["code"], "running");
    let id = begun["run_id"].as_str().ok_or("no id")?;
    // Its draws cannot be looked at yet, and the way out works.
    for tool in ["summarize_run", "diagnose_run", "get_draws"] {
        let error = server.call(tool, json!({"run_id": id})).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!("conflict"), &json!("/run_id")),
            "{error}"
        );
    }
    let list = json!({"run_id": id, "status": "running"});
    let seen = until(&server, "list_runs", list, |list| {
        list["items"][0]["progress"]["draws"].as_u64() > Some(0)
    });
    let seen = &seen.await?["items"][0];
    assert_eq!((&seen["progress"]["total"], &seen["status"]), (&json!(20_000), &json!("running")));
    assert_eq!(seen["begun"]["parameters"], json!(["x"]));

    let stopped = server.call("cancel_run", json!({"run_id": id})).await?;
    let stopped = stopped.structured();
    let kept = stopped["draws_kept"].as_u64().ok_or("no draws")?;
    assert!(stopped["status"] == "cancelled" && kept > 0 && kept < 20_000, "{stopped}");
    assert_eq!(server.call("cancel_run", json!({"run_id": id})).await?.structured(), stopped);
    let page = server.call("get_draws", json!({"run_id": id, "vars": ["x[1]"]})).await?;
    let page = page.structured();
    assert_eq!((&page["status"], &page["total"]), (&json!("cancelled"), &json!(kept)));
    let verdict = server.call("diagnose_run", json!({"run_id": id})).await?;
    assert_eq!(verdict.structured()["reliable"], false);
    // Who asks again wants it again.
    let again = server.call("fit_model", long(1)).await?;
    assert_eq!(
        (&again.structured()["run_id"], &again.structured()["status"]),
        (&json!(id), &json!("running"))
    );
    server.call("delete_objects", json!({"ids": [id]})).await?.structured();
    let gone = server.call("list_runs", json!({"run_id": id})).await?.error();
    assert_eq!(gone["code"], "unknown_id");
    server.stop().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn draws_are_read_page_by_page() -> TestResult {
    let server = server().await?;
    let fitted = server.call("fit_model", small(1)).await?;
    let id = fitted.structured()["run_id"].clone();
    let ask = |more: Value| {
        let mut arguments = json!({"run_id": id});
        for (name, value) in more.as_object().into_iter().flatten() {
            arguments[name] = value.clone();
        }
        server.call("get_draws", arguments)
    };
    let whole = ask(json!({"limit": 1000})).await?;
    let whole = whole.structured();
    assert_eq!(whole["columns"], json!(["chain", "draw", "mu", "x[1]", "x[2]", "x[3]"]));
    assert_eq!((&whole["total"], &whole["status"]), (&json!(200), &json!("complete")));
    let mut rows: Vec<Value> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = ask(json!({"limit": 70, "cursor": cursor})).await?;
        let page = page.structured();
        rows.extend(page["rows"].as_array().into_iter().flatten().cloned());
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
        let other = ask(json!({"limit": 70, "cursor": cursor, "thin": 2})).await?;
        assert_eq!(other.error()["field"], "/cursor");
    }
    assert_eq!(whole["rows"], Value::Array(rows.clone()));
    assert_eq!(
        (&rows[0][0], &rows[0][1], &rows[199][0], &rows[199][1]),
        (&json!(1.0), &json!(1.0), &json!(2.0), &json!(100.0))
    );

    let thin = ask(json!({"thin": 30, "vars": ["s", "divergent__", "x[2]", "y", "lp__"]})).await?;
    let thin = thin.structured();
    assert_eq!(thin["columns"], json!(["chain", "draw", "s", "divergent__", "x[2]", "y", "lp__"]));
    assert_eq!(thin["total"], 8);
    let drawn = &thin["rows"][1];
    assert_eq!((&drawn[1], &drawn[4]), (&json!(31.0), &rows[30][4]));
    let sum: f64 = (3..6).filter_map(|at| rows[30][at].as_f64()).sum();
    assert!(drawn[2].as_f64().is_some_and(|s| (s - sum).abs() < 1e-12), "{drawn}");

    for (vars, hint) in [
        (json!(["muu"]), "did you mean `mu`?"),
        (json!(["mu", "x[4]"]), "x is vector[3]"),
        (json!(["lp_"]), "did you mean `lp__`?"),
        (json!(["mu[1]"]), "mu is real"),
    ] {
        let error = ask(json!({"vars": vars})).await?.error();
        assert_eq!((&error["code"], &error["field"]), (&json!("unknown_name"), &json!("/vars")));
        assert!(error["hint"].as_str().is_some_and(|said| said.contains(hint)), "{error}");
    }
    let wide = json!({"code": "parameters { vector[201] x; } model { x ~ std_normal(); }", "chains": 1,
                      "tune": 100, "draws": 100, "wait_ms": 60_000});
    let wide = server.call("fit_model", wide).await?.structured()["run_id"].clone();
    let error = server.call("get_draws", json!({"run_id": wide})).await?.error();
    assert_eq!(error["code"], "limit_exceeded");
    let narrow = json!({"run_id": wide, "vars": ["x[201]", "x[1]"]});
    assert_eq!(server.call("get_draws", narrow).await?.structured()["total"], 100);
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn runs_are_listed_and_removed() -> TestResult {
    let server = server().await?;
    let mut ids = Vec::new();
    for seed in 1..=3 {
        let fitted = server.call("fit_model", small(seed)).await?;
        let output = fitted.structured();
        assert_eq!(output["status"], "complete", "{output}");
        ids.push(output["run_id"].as_str().ok_or("no id")?.to_owned());
    }
    // What is asked for besides the draws does not make another run.
    let mut same = small(3);
    same["prob"] = json!(0.5);
    same["wait_ms"] = json!(0);
    assert_eq!(server.call("fit_model", same).await?.structured()["run_id"], json!(ids[2]));

    let mut listed = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let page = json!({"status": "complete", "limit": 2, "cursor": cursor});
        let page = server.call("list_runs", page).await?;
        let page = page.structured();
        for item in page["items"].as_array().into_iter().flatten() {
            assert_eq!((&item["draws_kept"], &item["begun"]["draws"]), (&json!(200), &json!(100)));
            assert!(item["expires_in_s"].as_u64() > Some(86_000), "{item}");
            listed.push(item["run_id"].as_str().ok_or("no id")?.to_owned());
        }
        cursor = page["next_cursor"].clone();
        if cursor.is_null() {
            break;
        }
    }
    listed.sort();
    let mut sorted = ids.clone();
    sorted.sort();
    assert_eq!(listed, sorted);
    let none = server.call("list_runs", json!({"status": "failed"})).await?;
    assert_eq!(none.structured()["items"], json!([]));

    let stranger = format!("run_{}", "0".repeat(32));
    let both = json!({"ids": [ids[0], stranger, "../owner"], "dry_run": true});
    let told = server.call("delete_objects", both.clone()).await?;
    let told = told.structured();
    assert_eq!((&told["deleted"][0]["id"], &told["dry_run"]), (&json!(ids[0]), &json!(true)));
    assert_eq!(told["unknown"], json!([stranger, "../owner"]));
    server.call("summarize_run", json!({"run_id": ids[0]})).await?.structured();
    let mut really = both;
    really["dry_run"] = json!(false);
    let done = server.call("delete_objects", really.clone()).await?;
    assert_eq!(done.structured()["deleted"], told["deleted"]);
    let error = server.call("summarize_run", json!({"run_id": ids[0]})).await?.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("unknown_id"), &json!("/run_id")));
    let again = server.call("delete_objects", really).await?;
    assert_eq!(again.structured()["deleted"], json!([]));
    // The way out of the hint.
    assert_eq!(server.call("fit_model", small(1)).await?.structured()["run_id"], json!(ids[0]));
    Ok(())
}
