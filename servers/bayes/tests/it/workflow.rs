//! What follows a fit: models compared, checked, used to foretell, approximated and drawn.

use machina_bayes::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

const LINE: &str = "data { int<lower=0> N; vector[N] x; vector[N] y; }
parameters { real a; real b; real<lower=0> sigma; }
transformed parameters { vector[N] mu = a + b * x; }
model { a ~ normal(0, 5); b ~ normal(0, 5); sigma ~ exponential(1); y ~ normal(mu, sigma); }";

const FLAT_LINE: &str = "data { int<lower=0> N; vector[N] x; vector[N] y; }
parameters { real a; real<lower=0> sigma; }
model { a ~ normal(0, 5); sigma ~ exponential(1); y ~ normal(a, sigma); }
generated quantities { vector[N] log_lik; for (n in 1:N) log_lik[n] = normal_lpdf(y[n] | a, sigma); }";

/// 30 points about 1 + 2 x, without chance.
fn points() -> Value {
    let x: Vec<f64> = (0..30).map(|at| f64::from(at) / 15.0 - 1.0).collect();
    let y: Vec<f64> = x.iter().map(|x| 1.0 + 2.0 * x + 0.4 * (37.0 * x).sin()).collect();
    json!({"N": 30, "x": x, "y": y})
}

async fn fit(server: &InProcess<Server>, code: &str, data: Value) -> TestResult<String> {
    let arguments = json!({"code": code, "data": data, "tune": 400, "draws": 500, "seed": 3});
    let answer = server.call("fit_model", arguments).await?;
    Ok(answer.structured()["run_id"].as_str().expect("a handle").to_owned())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

#[tokio::test]
async fn the_model_that_foretells_better_leads() -> TestResult {
    let server = server().await?;
    let line = fit(&server, LINE, points()).await?;
    let flat = fit(&server, FLAT_LINE, points()).await?;
    for criterion in ["loo", "waic"] {
        let arguments = json!({"run_ids": [flat, line], "criterion": criterion});
        let answer = server.call("compare_models", arguments).await?;
        let output = answer.structured();
        let [first, second] = [&output["models"][0], &output["models"][1]];
        assert_eq!((&first["run_id"], &output["observations"]), (&json!(line), &json!(30)));
        assert!(number(&second["diff"]) > 3.0 * number(&second["dse"]), "{output}");
        assert!(number(&first["stacking"]) > 0.99 && number(&first["pseudo_bma"]) > 0.99);
        assert!((number(&first["p"]) - 3.0).abs() < 1.5, "{output}");
        assert_eq!(output["reliable"], true, "{output}");
    }
    let other = fit(&server, LINE, json!({"N": 3, "x": [1, 2, 3], "y": [1, 2, 4]})).await?;
    let error = server.call("compare_models", json!({"run_ids": [line, other]})).await?.error();
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("data_constraint"), &json!("/run_ids/1"))
    );
    let error = server.call("compare_models", json!({"run_ids": [line], "var": "ll"})).await?;
    assert_eq!(error.error()["code"], "data_missing");
    Ok(())
}

#[tokio::test]
async fn a_fit_is_checked_and_foretells() -> TestResult {
    let server = server().await?;
    let line = fit(&server, LINE, points()).await?;
    let answer = server.call("check_fit", json!({"run_id": line})).await?;
    let output = answer.structured();
    assert_eq!((&output["fits"], &output["outcomes"][0]["name"]), (&json!(true), &json!("y")));
    assert_eq!(output["outcomes"][0]["checks"].as_array().map(Vec::len), Some(4), "{output}");
    assert!(number(&output["outcomes"][0]["loo_pit"]["p"]) > 0.01, "{output}");

    // one far point that a normal distribution does not allow for
    let mut far = points();
    far["y"][7] = json!(25.0);
    let wrong = fit(&server, FLAT_LINE, far).await?;
    let answer =
        server.call("check_fit", json!({"run_id": wrong, "stats": ["max", "skewness"]})).await?;
    let output = answer.structured();
    assert_eq!(output["fits"], false, "{output}");
    assert!(output["misfits"][0]["fix"].as_str().is_some_and(|fix| !fix.is_empty()));

    for (kind, sd) in [("mean", 0.2), ("outcome", 0.6)] {
        let arguments =
            json!({"run_id": line, "kind": kind, "data": {"N": 2, "x": [0.0, 3.0]}, "prob": 0.9});
        let answer = server.call("predict_outcome", arguments).await?;
        let output = answer.structured();
        assert_eq!(
            (&output["rows_total"], &output["rows"][1]["name"]),
            (&json!(2), &json!("y[2]"))
        );
        let (low, high) = (&output["rows"][0], &output["rows"][1]);
        assert!((number(&low["mean"]) - 1.0).abs() < 0.25, "{output}");
        assert!((number(&high["mean"]) - 7.0).abs() < 0.8, "{output}");
        assert!(number(&low["sd"]) < sd && number(&high["sd"]) > number(&low["sd"]), "{output}");
    }
    Ok(())
}

#[tokio::test]
async fn priors_are_checked_before_and_after() -> TestResult {
    let server = server().await?;
    let call = json!({"code": LINE, "data": points(), "possible": [-3, 3]});
    let answer = server.call("check_prior", call).await?;
    let output = answer.structured();
    let outcome = &output["outcomes"][0];
    assert!(number(&outcome["share_impossible"]) > 0.3, "{output}");
    assert_eq!(output["findings"][0]["code"], "too_wide");
    assert_eq!(output["parameters"][0]["name"], "a");

    let flat = "data { int N; vector[N] y; } parameters { real a; } model { y ~ normal(a, 1); }";
    let call = json!({"code": flat, "data": {"N": 2, "y": [1, 2]}});
    let answer = server.call("check_prior", call).await?;
    let output = answer.structured();
    assert_eq!(
        (&output["reliable"], &output["reasons"][0]["code"]),
        (&json!(false), &json!("improper"))
    );

    // a prior far from the data, and as strong
    let conflict = "data { int N; vector[N] y; } parameters { real a; }
        model { a ~ normal(10, 0.5); y ~ normal(a, 1); }";
    let run = fit(&server, conflict, json!({"N": 4, "y": [0.1, -0.4, 0.3, 0.0]})).await?;
    let answer = server.call("check_prior", json!({"run_id": run})).await?;
    let output = answer.structured();
    assert_eq!(output["sensitivity"][0]["diagnosis"], "conflict", "{output}");
    let error = server.call("check_prior", json!({})).await?.error();
    assert_eq!(error["code"], "data_missing");
    Ok(())
}

#[tokio::test]
async fn mixtures_by_hand_are_refused_by_line() -> TestResult {
    let server = server().await?;
    let code = "data { int N; vector[N] y; } parameters { real a; } model {\n  a ~ normal(0, 1);\n  for (n in 1:N) \
        target += log_mix(0.3, normal_lpdf(y[n] | a, 1), normal_lpdf(y[n] | -a, 1));\n}";
    let run = fit(&server, code, json!({"N": 2, "y": [1, 2]})).await?;
    for tool in ["check_fit", "predict_outcome"] {
        let error = server.call(tool, json!({"run_id": run})).await?.error();
        assert_eq!(error["code"], "unsupported");
        assert!(
            error["message"].as_str().is_some_and(|message| message.contains("line 3")),
            "{error}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn approximations_say_what_they_are_worth() -> TestResult {
    let server = server().await?;
    for (method, is_reliable) in [("map", false), ("laplace", true), ("pathfinder", true)] {
        let call = json!({"code": LINE, "data": points(), "method": method, "draws": 2000});
        let answer = server.call("approximate_model", call).await?;
        let output = answer.structured();
        assert_eq!(output["reliable"], is_reliable, "{output}");
        let slope = &output["summary"][1];
        assert_eq!(slope["name"], "b");
        assert!((number(&slope["mean"]) - 2.0).abs() < 0.15, "{output}");
        assert_eq!(slope.get("sd").is_some(), is_reliable);
    }
    let heavy = "parameters { vector[20] x; } model { x ~ student_t(2, 0, 1); }";
    let call = json!({"code": heavy, "method": "laplace"});
    let answer = server.call("approximate_model", call).await?;
    let output = answer.structured();
    assert_eq!(
        (&output["reliable"], &output["reasons"][0]["code"]),
        (&json!(false), &json!("pareto_k"))
    );
    Ok(())
}

#[tokio::test]
async fn charts_are_equal_bytes_and_nothing_but_shapes() -> TestResult {
    let server = server().await?;
    let run = fit(&server, LINE, points()).await?;
    for kind in ["trace", "rank", "forest", "density", "pair", "ppc", "energy", "loo_k"] {
        let arguments = json!({"run_id": run, "kind": kind, "format": "svg"});
        let answer = server.call("plot_run", arguments.clone()).await?;
        let svg = answer.structured()["svg"].as_str().expect("a chart").to_owned();
        assert!(svg.starts_with("<svg xmlns=") && svg.ends_with("</svg>"), "{kind}");
        assert!(svg.len() < 40_000 && svg.matches("<path").count() > 1, "{kind}: {}", svg.len());
        assert!(!svg.contains("NaN") && !svg.contains("inf") && !svg.contains('"'), "{kind}");
        let again = server.call("plot_run", arguments).await?;
        assert_eq!(again.structured()["svg"], json!(svg), "{kind}");
        let seen = server.call("plot_run", json!({"run_id": run, "kind": kind})).await?;
        assert_eq!(seen.structured()["mime_type"], "image/png", "{kind}");
        assert!(seen.image().starts_with(b"\x89PNG") && seen.image().len() > 2_000, "{kind}");
        let again = server.call("plot_run", json!({"run_id": run, "kind": kind})).await?;
        assert_eq!(again.image(), seen.image(), "{kind}");
    }
    let all = json!({"run_id": run, "kind": "forest", "vars": ["mu", "b"]});
    let answer = server.call("plot_run", all).await?;
    assert_eq!(answer.structured()["shown"].as_array().map(Vec::len), Some(31));
    let none =
        server.call("plot_run", json!({"run_id": run, "kind": "trace", "vars": ["c"]})).await?;
    assert_eq!(none.error()["code"], "unknown_name");
    Ok(())
}

#[tokio::test]
async fn a_formula_becomes_a_model_that_is_returned() -> TestResult {
    let server = server().await?;
    let x: Vec<f64> = (0..60).map(|at| f64::from(at % 10)).collect();
    let level: Vec<&str> = (0..60).map(|at| if at % 2 == 0 { "low" } else { "top" }).collect();
    let shift = |at: i32| [0.5, -1.0, 0.3, 0.9, -0.7, 0.1][usize::try_from(at / 10).unwrap_or(0)];
    let y: Vec<f64> = (0..60)
        .map(|at| {
            let noise = 0.3 * (f64::from(at) * 37.7).sin();
            1.0 + 0.5 * f64::from(at % 10) + 2.0 * f64::from(at % 2) + shift(at) + noise
        })
        .collect();
    let g: Vec<String> = (0..60).map(|at| format!("g{}", at / 10)).collect();
    let mut data = json!({"x": x, "level": level, "g": g, "y": y});
    data["x"][5] = Value::Null;
    let call = json!({"formula": "y ~ x + level + (1 | g)", "family": "gaussian", "data": data, "draws": 500, "seed": 1});
    let mut answer = server.call("fit_regression", call.clone()).await?;
    for _ in 0..5 {
        if answer.structured()["fit"]["status"] != "running" {
            break;
        }
        // An equal call waits for the run that is there.
        answer = server.call("fit_regression", call.clone()).await?;
    }
    let output = answer.structured();
    assert_eq!(output["coefficients"], json!(["x", "leveltop"]), "{output}");
    assert_eq!((&output["rows"], &output["rows_dropped"]), (&json!(59), &json!(1)));
    assert!(
        output["stan_code"].as_str().is_some_and(|code| code.contains("y ~ normal(eta, sigma)"))
    );
    let rows = output["fit"]["summary"].as_array().expect("rows");
    let mean = |name: &str| {
        rows.iter().find(|row| row["name"] == name).map_or(f64::NAN, |row| number(&row["mean"]))
    };
    assert!((mean("b[1]") - 0.5).abs() < 0.05 && (mean("b[2]") - 2.0).abs() < 0.2, "{output}");
    // its run serves the other tools
    let call_fit = json!({"run_id": output["fit"]["run_id"]});
    assert_eq!(server.call("check_fit", call_fit).await?.structured()["outcomes"][0]["name"], "y");

    for (key, value, field) in [
        ("formula", json!("y ~ z"), "/data/z"),
        ("formula", json!("y ~ log(x)"), "/formula"),
        ("family", json!("poisson"), "/data/y"),
        ("priors", json!({"b": "normal(0, 1); }"}), "/priors/b"),
    ] {
        let mut wrong = call.clone();
        wrong[key] = value;
        let error = server.call("fit_regression", wrong).await?.error();
        assert_eq!(error["field"], field, "{error}");
    }
    Ok(())
}
