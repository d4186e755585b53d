//! Models through the whole pipeline: check, fit, summarise, diagnose.

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::support::server;

const SCHOOLS: &str = "data {
  int<lower=0> J;
  vector[J] y;
  vector<lower=0>[J] sigma;
}
parameters {
  real mu;
  real<lower=0> tau;
  vector[J] z;
}
transformed parameters {
  vector[J] theta = mu + tau * z;
}
model {
  mu ~ normal(0, 5);
  tau ~ cauchy(0, 5);
  z ~ std_normal();
  y ~ normal(theta, sigma);
}
generated quantities {
  vector[J] log_lik;
  for (j in 1:J) log_lik[j] = normal_lpdf(y[j] | theta[j], sigma[j]);
}
";

fn schools() -> Value {
    json!({"J": 8, "y": [28, 8, -3, 7, -1, 1, 18, 12], "sigma": [15, 10, 16, 11, 9, 11, 10, 18]})
}

fn fit() -> Value {
    json!({"code": SCHOOLS, "data": schools(), "tune": 500, "draws": 500, "target_accept": 0.95, "seed": 1})
}

#[tokio::test]
async fn a_model_is_fitted_and_looked_at() -> TestResult {
    let server = server().await?;
    let checked = server.call("check_model", json!({"code": SCHOOLS, "data": schools()})).await?;
    let output = checked.structured();
    assert_eq!((&output["ok"], &output["dimension"]), (&json!(true), &json!(10)));
    assert_eq!(output["parameters"][2], json!({"name": "z", "type": "vector[8]"}));

    let answer = server.call("fit_model", fit()).await?;
    let output = answer.structured();
    assert_eq!(output["status"], "complete", "{output}");
    assert_eq!(output["rows_total"], 18);
    let mu = &output["summary"][0];
    assert_eq!(mu["name"], "mu");
    assert!(mu["mean"].as_f64().is_some_and(|mean| (mean - 4.41).abs() < 0.6), "{mu}");
    assert!(mu["r_hat"].as_f64().is_some_and(|r_hat| r_hat < 1.02), "{mu}");
    assert_eq!(output["sampler"]["draws"], 2000);
    let id = output["run_id"].as_str().expect("a handle").to_owned();

    // an equal call is the same run
    let again = server.call("fit_model", fit()).await?;
    assert_eq!(again.structured()["run_id"], json!(id));
    assert_eq!(again.structured()["summary"], output["summary"]);

    let page = json!({"run_id": id, "vars": ["log_lik", "tau"], "limit": 5});
    let first = server.call("summarize_run", page.clone()).await?;
    let first = first.structured();
    assert_eq!((&first["total"], &first["rows"][0]["name"]), (&json!(9), &json!("tau")));
    let mut next = page;
    next["cursor"] = first["next_cursor"].clone();
    let second = server.call("summarize_run", next).await?;
    let rows = second.structured()["rows"].as_array().map_or(0, Vec::len);
    assert_eq!(rows, 4);
    assert!(second.structured()["next_cursor"].is_null());

    let verdict = server.call("diagnose_run", json!({"run_id": id})).await?;
    let verdict = verdict.structured();
    assert_eq!(verdict["reliable"], output["reliable"]);
    assert_eq!(verdict["chains"].as_array().map(Vec::len), Some(4));
    assert_eq!(verdict["worst"].as_array().map(Vec::len), Some(5));
    Ok(())
}

#[tokio::test]
async fn what_a_fit_hides_is_told() -> TestResult {
    let server = server().await?;
    // centred: a funnel that no step size cures
    let code = "data { int J; vector[J] y; vector<lower=0>[J] sigma; }
        parameters { real mu; real<lower=0> tau; vector[J] theta; }
        model { tau ~ cauchy(0, 5); mu ~ normal(0, 5); theta ~ normal(mu, tau); y ~ normal(theta, sigma); }";
    let arguments = json!({"code": code, "data": schools(), "tune": 300, "draws": 300, "seed": 2});
    let answer = server.call("fit_model", arguments).await?;
    let output = answer.structured();
    assert_eq!(output["reliable"], false);
    let reasons = output["reasons"].as_array().expect("reasons");
    assert!(reasons.iter().all(|reason| reason["fix"].as_str().is_some_and(|fix| !fix.is_empty())));
    assert!(!reasons.is_empty() && output["sampler"]["attempts"].as_u64() > Some(1), "{output}");
    Ok(())
}

/// Code, place and a fix for every mistake.
#[tokio::test]
async fn mistakes_name_line_column_and_fix() -> TestResult {
    let server = server().await?;
    let table = [
        ("model { x ~ normal(0, 1); }", json!({}), "unknown_name", "/code"),
        ("parameters { real x; } model { x ~ norml(0, 1); }", json!({}), "unsupported", "/code"),
        ("parameters { real x; }\nmodel { x ~ normal(0 1); }", json!({}), "syntax", "/code"),
        (
            "parameters { real x; } model { if (x > 0) x ~ normal(0, 1); }",
            json!({}),
            "unsupported",
            "/code",
        ),
        (
            "parameters { real x; vector[2] v; } model { v * v ~ normal(0, x); }",
            json!({}),
            "type",
            "/code",
        ),
        ("data { int n; }", json!({}), "data_missing", "/data/n"),
        ("data { int n; }", json!({"n": 1.5}), "data_type", "/data/n"),
        ("data { int n; vector[n] y; }", json!({"n": 3, "y": [1, 2]}), "data_size", "/data/y"),
        ("data { int<lower=0> n; }", json!({"n": -1}), "data_constraint", "/data/n"),
        ("data { vector[2] y; }", json!({"y": [1, null]}), "data_type", "/data/y/1"),
        (
            "parameters { real<lower=0> s; } model { -1 ~ exponential(s); }",
            json!({}),
            "init_failed",
            "/code",
        ),
    ];
    for (code, data, word, field) in table {
        let error = server.call("fit_model", json!({"code": code, "data": data})).await?.error();
        assert_eq!(
            (&error["code"], &error["field"]),
            (&json!(word), &json!(field)),
            "{code}: {error}"
        );
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    }
    let wrong = json!({"code": "parameters {\n  real x;\n}\nmodel {\n  y ~ normal(x, 1);\n}"});
    let answer = server.call("check_model", wrong).await?;
    let finding = &answer.structured()["diagnostics"][0];
    assert_eq!((&finding["line"], &finding["column"]), (&json!(5), &json!(3)), "{finding}");
    assert_eq!(answer.structured()["ok"], false);
    Ok(())
}

#[tokio::test]
async fn time_limits_and_strangers_are_answered() -> TestResult {
    let server = server().await?;
    // a recurrence of scalars: hundreds of steps for each gradient
    let code = "data { int N; } parameters { real<lower=0, upper=1> phi; vector[N] e; }
        model { real x = 0; for (n in 1:N) { x = tanh(phi * x + e[n]); x ~ normal(0, 1); } }";
    let arguments = json!({
        "code": code, "data": {"N": 150}, "max_time_s": 1, "chains": 1, "tune": 100, "draws": 20_000
    });
    let answer = server.call("fit_model", arguments).await?;
    let output = answer.structured();
    assert_eq!((&output["status"], &output["reliable"]), (&json!("partial"), &json!(false)));
    let large = json!({"code": code, "data": {"N": 4000}, "draws": 20_000});
    assert_eq!(server.call("fit_model", large).await?.error()["code"], "limit_exceeded");
    for tool in ["summarize_run", "diagnose_run"] {
        let error = server.call(tool, json!({"run_id": "run_0"})).await?.error();
        assert_eq!(error["code"], "unknown_id");
    }
    Ok(())
}
