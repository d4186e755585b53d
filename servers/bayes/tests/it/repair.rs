//! Refusals of tools: code, place, and a hint whose repair is accepted. Those of a model's text are the engine's
//! (`crates/bayes-engine/tests/repair.rs`).

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::support::server;

const LINE: &str = "data { int N; vector[N] y; } parameters { real a; real<lower=0> s; } \
                    model { a ~ normal(0, 5); s ~ exponential(1); y ~ normal(a, s); }";

/// Tool, arguments, code, field, words of the hint, then the member that repairs it.
type Case = (&'static str, Value, &'static str, &'static str, &'static str, (&'static str, Value));

#[expect(clippy::too_many_lines, reason = "a table")]
fn table() -> Vec<Case> {
    let counts = json!({"successes": 7, "trials": 20});
    let fit = |draws: u64| json!({"code": LINE, "data": {"N": 3, "y": [1, 2, 3]}, "tune": 100, "draws": draws});
    let line = json!({"x": [1, 2, 3, 4], "k": [1, 0, 3, 2], "y": [1.0, 2.1, 2.9, 4.2]});
    let regress = |formula: &str, family: &str| json!({"formula": formula, "family": family, "data": line, "draws": 100, "chains": 1});
    vec![
        (
            "update_conjugate",
            json!({"family": "beta_binomial", "prior": {"alpha": 0, "beta": 1}, "data": counts}),
            "improper",
            "/prior/alpha",
            "above 0",
            ("prior", json!({"alpha": 0.01, "beta": 1})),
        ),
        (
            "update_conjugate",
            json!({"family": "beta_binomial", "data": {"successes": 27, "trials": 20}}),
            "data_constraint",
            "/data/successes",
            "",
            ("data", counts.clone()),
        ),
        (
            "update_conjugate",
            json!({"family": "gamma_poisson", "prior": {"shape": 2, "rate": 1}, "data": counts}),
            "data_unexpected",
            "/data/successes",
            "counts",
            ("data", json!({"counts": [3, 1]})),
        ),
        (
            "apply_bayes_rule",
            json!({}),
            "data_missing",
            "",
            "",
            ("test", json!({"prevalence": 0.1, "sensitivity": 0.9, "specificity": 0.9})),
        ),
        (
            "evaluate_distribution",
            json!({"dist": "gama", "params": {"alpha": 2, "beta": 1}, "op": "cdf", "x": [1]}),
            "data_constraint",
            "/dist",
            "gamma",
            ("dist", json!("gamma")),
        ),
        ("fit_model", fit(20_000), "limit_exceeded", "/draws", "fewer", ("draws", json!(100))),
        (
            "summarize_run",
            json!({"run_id": "run_0"}),
            "unknown_id",
            "/run_id",
            "list_runs",
            ("run_id", json!("RUN")),
        ),
        (
            "fit_regression",
            regress("k ~ x", "binomial"),
            "data_missing",
            "/formula",
            "trials(n)",
            ("formula", json!("k | trials(5) ~ x")),
        ),
        (
            "fit_regression",
            regress("y ~ x", "hurdle_poisson"),
            "data_constraint",
            "/data/y",
            "whole",
            ("formula", json!("k ~ x")),
        ),
    ]
}

#[tokio::test]
async fn what_a_hint_says_is_accepted() -> TestResult {
    let server = server().await?;
    let fitted = json!({"code": LINE, "data": {"N": 3, "y": [1, 2, 3]}, "tune": 100, "draws": 120});
    let run = server.call("fit_model", fitted).await?.structured()["run_id"].clone();
    let mut wrong = Vec::new();
    for (tool, mut arguments, code, field, words, (member, value)) in table() {
        if code == "limit_exceeded" {
            arguments["chains"] = json!(16);
            arguments["code"] = json!(LINE.replace(
                "model {",
                "transformed parameters { vector[400] z = rep_vector(a, 400); } model {"
            ));
        }
        let error = server.call(tool, arguments.clone()).await?.error();
        let told = (
            error["code"].as_str().unwrap_or_default(),
            error["field"].as_str().unwrap_or_default(),
        );
        let hint = error["hint"].as_str().unwrap_or_default();
        if told != (code, field) || hint.is_empty() || !hint.contains(words) {
            wrong.push(format!("{tool}: {error}"));
        }
        arguments[member] = if value == "RUN" { run.clone() } else { value };
        let answer = server.call(tool, arguments.clone()).await?;
        if answer.is_error() {
            wrong.push(format!("{tool} {arguments}: {}", answer.error()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What time or a caller ends is said, never hidden, and what the answer asks for works.
#[tokio::test]
async fn what_is_cut_short_says_so_and_can_be_asked_again() -> TestResult {
    let server = server().await?;
    let slow = "data { int N; } parameters { real<lower=0, upper=1> phi; vector[N] e; }
        model { real x = 0; for (n in 1:N) { x = tanh(phi * x + e[n]); x ~ normal(0, 1); } }";
    let mut arguments = json!({"code": slow, "data": {"N": 150}, "max_time_s": 1, "chains": 1, "tune": 100,
        "draws": 20_000});
    let answer = server.call("fit_model", arguments.clone()).await?;
    let output = answer.structured();
    assert_eq!((&output["status"], &output["reliable"]), (&json!("partial"), &json!(false)));
    let reasons = output["reasons"].as_array().expect("reasons");
    // On a slow machine a second does not see the first draw.
    let words = [("incomplete", "fewer draws"), ("no_draws", "max_time_s")];
    let said = |reason: &Value| {
        let fix = reason["fix"].as_str().unwrap_or_default();
        words.iter().any(|(code, word)| reason["code"] == *code && fix.contains(word))
    };
    assert!(reasons.iter().any(said), "{output}");
    arguments["data"] = json!({"N": 3});
    arguments["draws"] = json!(100);
    arguments["max_time_s"] = json!(30);
    let answer = server.call("fit_model", arguments).await?;
    assert_eq!(answer.structured()["status"], "complete");
    Ok(())
}
