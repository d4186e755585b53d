//! `evaluate_distribution` and `elicit_prior` through the whole pipeline.

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::support::{close, server};

#[tokio::test]
async fn a_far_tail_keeps_its_digits() -> TestResult {
    let server = server().await?;
    let ask = |op: &str, x: Value| json!({"dist": "normal", "params": {"mu": 0, "sigma": 1}, "op": op, "x": x});
    let answer = server.call("evaluate_distribution", ask("sf", json!([10]))).await?;
    // mpmath: erfc(10 / sqrt(2)) / 2
    close(1e-11, &answer.structured()["values"][0], 7.619_853_024_160_527e-24);
    let answer = server.call("evaluate_distribution", ask("quantile", json!([0, 0.975]))).await?;
    let output = answer.structured();
    assert_eq!(output["values"][0], Value::Null);
    close(1e-11, &output["values"][1], 1.959_963_984_540_054);
    assert!(output["reasons"][0].as_str().is_some_and(|reason| reason.starts_with("infinite")));
    let answer = server.call("evaluate_distribution", ask("log_pdf", json!([0, 100]))).await?;
    close(1e-11, &answer.structured()["values"][1], -5_000.918_938_533_205);
    Ok(())
}

#[tokio::test]
async fn moments_samples_and_fits() -> TestResult {
    let server = server().await?;
    let gamma = json!({"dist": "gamma", "params": {"alpha": 4, "beta": 2}, "op": "moments"});
    let answer = server.call("evaluate_distribution", gamma).await?;
    let moments = &answer.structured()["moments"];
    close(1e-11, &moments["mean"], 2.0);
    close(1e-11, &moments["skewness"], 1.0);
    assert_eq!(moments["support"], json!([0.0, null]));
    let width = |name: &str| {
        moments[name][1].as_f64().unwrap_or_default()
            - moments[name][0].as_f64().unwrap_or_default()
    };
    assert!(width("hdi") < width("interval"), "{moments}");

    let draw = |seed: u64| json!({"dist": "poisson", "params": {"lambda": 3}, "op": "sample", "n": 50, "seed": seed});
    let one = server.call("evaluate_distribution", draw(1)).await?;
    let same = server.call("evaluate_distribution", draw(1)).await?;
    let other = server.call("evaluate_distribution", draw(2)).await?;
    assert_eq!(one.structured(), same.structured());
    assert_ne!(one.structured()["values"], other.structured()["values"]);

    let fit = json!({"dist": "poisson", "op": "fit", "x": [3, 0, 5, 2, 8, 1, 1, 4]});
    let answer = server.call("evaluate_distribution", fit).await?;
    let lambda = answer.structured()["fit"]["params"]["lambda"].as_f64().unwrap_or_default();
    assert!((lambda - 3.0).abs() < 1e-5, "{lambda}");
    Ok(())
}

#[tokio::test]
async fn a_prior_says_what_was_said() -> TestResult {
    let server = server().await?;
    let quantiles = json!([{"p": 0.05, "x": 1}, {"p": 0.95, "x": 100}]);
    let answer =
        server.call("elicit_prior", json!({"dist": "lognormal", "quantiles": quantiles})).await?;
    let output = answer.structured();
    close(1e-11, &output["params"]["mu"], 10_f64.ln());
    assert!(output["stan_text"].as_str().is_some_and(|text| text.starts_with("lognormal(2.30258")));
    assert_eq!(output["reliable"], true);

    let three = json!([{"p": 0.05, "x": 0}, {"p": 0.5, "x": 9}, {"p": 0.95, "x": 10}]);
    let answer = server.call("elicit_prior", json!({"dist": "normal", "quantiles": three})).await?;
    let output = answer.structured();
    assert_eq!(output["reliable"], false);
    assert!(output["reasons"][0].as_str().is_some_and(|reason| reason.starts_with("compromise")));
    Ok(())
}

/// Wrong input: its code, its place, and a way out.
#[tokio::test]
async fn refusals_can_be_repaired() -> TestResult {
    let server = server().await?;
    let normal = |params: Value, op: &str, x: Value| {
        ("evaluate_distribution", json!({"dist": "normal", "params": params, "op": op, "x": x}))
    };
    let whole = json!({"mu": 0, "sigma": 1});
    let table = [
        (normal(json!({"mu": 0}), "pdf", json!([0])), "data_missing", "/params/sigma"),
        (normal(json!({"mu": 0, "sd": 1}), "pdf", json!([0])), "data_unexpected", "/params/sd"),
        (normal(json!({"mu": 0, "sigma": 0}), "pdf", json!([0])), "improper", "/params/sigma"),
        (normal(whole.clone(), "pdf", json!([])), "data_missing", "/x"),
        (normal(whole, "quantile", json!([0.5, 95])), "data_constraint", "/x/1"),
        (
            ("evaluate_distribution", json!({"dist": "norml", "op": "moments"})),
            "data_constraint",
            "/dist",
        ),
        (("elicit_prior", json!({"dist": "normal"})), "data_missing", ""),
        (
            ("elicit_prior", json!({"dist": "normal", "quantiles": [{"p": 0.5, "x": 1}]})),
            "data_missing",
            "/quantiles",
        ),
        (
            ("elicit_prior", json!({"dist": "poisson", "mode": 1, "interval": [0, 2]})),
            "data_constraint",
            "/dist",
        ),
    ];
    for ((tool, arguments), code, field) in table {
        let error = server.call(tool, arguments.clone()).await?.error();
        assert_eq!(error["code"], code, "{arguments}: {error}");
        assert_eq!(error["field"].as_str().unwrap_or_default(), field, "{arguments}: {error}");
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    }
    Ok(())
}
