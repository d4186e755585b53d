//! Tests planned, models weighed by evidence and calibrated by simulation.

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::support::{close, server};

#[tokio::test]
async fn a_test_is_planned() -> TestResult {
    let server = server().await?;
    let arguments =
        json!({"baseline": 0.1, "effect": 0.05, "rule": "probability", "threshold": 0.975});
    let answer = server.call("design_ab_test", arguments).await?;
    let output = answer.structured();
    // the classical formula gives 683
    let n = output["n_per_arm"].as_u64().expect("within reach");
    assert!((660..700).contains(&n), "{output}");
    assert_eq!((&output["chances"]["n"], &output["reliable"]), (&json!(n), &json!(true)));
    close(0.05, &output["chances"]["p_ship_if_equal"], 0.025);
    assert!(output["chances"]["p_ship"].as_f64() >= Some(0.8));
    assert_eq!(output["curve"].as_array().map(Vec::len), Some(6));

    let arguments = json!({"baseline": 0.1, "effect": 0.01, "effect_sd": 0.1, "max_n": 500});
    let answer = server.call("design_ab_test", arguments).await?;
    let output = answer.structured();
    assert_eq!(
        (&output["reliable"], &output["reasons"][0]["code"], &output["n_per_arm"]),
        (&json!(false), &json!("out_of_reach"), &Value::Null)
    );
    let error = server.call("design_ab_test", json!({"baseline": 0.99, "effect": 0.05})).await?;
    let error = error.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("data_constraint"), &json!("/effect")));
    Ok(())
}

const VALUES: [f64; 8] = [2.1, 1.4, 3.3, 0.2, 2.8, 1.9, 2.2, 4.1];

async fn fit(
    server: &mcp_testkit::InProcess<machina_bayes::Server>,
    code: &str,
) -> TestResult<String> {
    let arguments = json!({"code": code, "data": {"y": VALUES}, "tune": 300, "draws": 600, "seed": 3, "wait_ms": 60_000});
    let answer = server.call("fit_model", arguments).await?;
    Ok(answer.structured()["run_id"].as_str().expect("a handle").to_owned())
}

/// Against the closed form of `update_conjugate`, and the null value both ways.
#[tokio::test]
async fn evidence_meets_the_closed_form() -> TestResult {
    let server = server().await?;
    let free = "data { vector[8] y; } parameters { real mu; } model { mu ~ normal(0, 3); y ~ normal(mu, 1.5); }";
    let wide = free.replace("normal(0, 3)", "normal(0, 30)");
    let (free, wide) = (fit(&server, free).await?, fit(&server, &wide).await?);
    let exact = |sd: f64| json!({"family": "normal_known_sigma", "prior": {"mean": 0, "sd": sd}, "data": {"values": VALUES}, "sigma": 1.5});
    let mut marginals = Vec::new();
    for sd in [3.0, 30.0] {
        let answer = server.call("update_conjugate", exact(sd)).await?;
        marginals.push(answer.structured()["log_marginal"].as_f64().expect("a number"));
    }
    let arguments = json!({"run_ids": [wide, free], "criterion": "bridge"});
    let answer = server.call("compare_models", arguments).await?;
    let output = answer.structured();
    assert_eq!(
        (&output["reliable"], &output["observations"]),
        (&json!(true), &json!(8)),
        "{output}"
    );
    let [best, other] = [&output["evidence"][0], &output["evidence"][1]];
    assert_eq!((&best["run_id"], &best["prior_mass"]), (&json!(free), &json!("text")));
    close(0.002, &best["log_ml"], marginals[0]);
    close(0.002, &other["log_ml"], marginals[1]);
    close(0.02, &other["log_bf"], marginals[0] - marginals[1]);
    close(1e-9, &best["probability"], 1.0 - other["probability"].as_f64().unwrap_or(9.0));

    // p(y | mu = 1) over p(y)
    let arguments = json!({"run_ids": [free], "criterion": "savage_dickey", "null": {"mu": 1.0}});
    let answer = server.call("compare_models", arguments).await?;
    let output = answer.structured();
    let normal = |y: f64| {
        -0.5 * ((y - 1.0) / 1.5_f64).powi(2) - (1.5 * (2.0 * std::f64::consts::PI).sqrt()).ln()
    };
    let expected = VALUES.iter().map(|y| normal(*y)).sum::<f64>() - marginals[0];
    let found = output["nulls"][0]["log_bf01"].as_f64().expect("a number");
    assert!((found - expected).abs() < 0.03, "{found} is not {expected}");
    assert_eq!(output["reliable"], true, "{output}");

    for (null, code, field) in
        [(json!({}), "data_missing", "/null"), (json!({"nu": 1}), "unknown_name", "/null/nu")]
    {
        let arguments = json!({"run_ids": [free], "criterion": "savage_dickey", "null": (null)});
        let error = server.call("compare_models", arguments).await?.error();
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{error}");
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()));
    }
    Ok(())
}

/// Fits without each part score as the posterior reweighted does, where that holds.
#[tokio::test]
async fn folds_score_as_loo_does() -> TestResult {
    let server = server().await?;
    let code = "data { vector[8] y; } parameters { real mu; } model { mu ~ normal(0, 3); y ~ normal(mu, 1.5); }";
    let run = fit(&server, code).await?;
    let mut scores = Vec::new();
    for (criterion, k) in [("loo", 2), ("kfold", 8)] {
        let arguments = json!({"run_ids": [run], "criterion": criterion, "k": k, "seed": 1});
        let answer = server.call("compare_models", arguments).await?;
        let output = answer.structured();
        assert_eq!(output["observations"], 8, "{output}");
        let model = &output["models"][0];
        scores.push((
            model["elpd"].as_f64().expect("a number"),
            model["p"].as_f64().expect("a number"),
        ));
    }
    assert!((scores[0].0 - scores[1].0).abs() < 0.1, "{scores:?}");
    assert!((scores[0].1 - scores[1].1).abs() < 0.1, "{scores:?}");
    Ok(())
}

/// The prior's own integral is taken out, by the text or by draws; what has none is refused.
#[tokio::test]
async fn priors_are_normalised_or_refused() -> TestResult {
    let server = server().await?;
    let half = "data { vector[8] y; } parameters { real<lower=0> s; } model { s ~ normal(0, 3); y ~ normal(2, s); }";
    let cut = half.replace("s ~ normal(0, 3);", "target += normal_lpdf(s | 0, 3) + 0;");
    let (half, cut) = (fit(&server, half).await?, fit(&server, &cut).await?);
    let arguments = json!({"run_ids": [half, cut], "criterion": "bridge"});
    let answer = server.call("compare_models", arguments).await?;
    let output = answer.structured();
    assert_eq!(output["reliable"], true, "{output}");
    let of = |id: &str| {
        let list = output["evidence"].as_array().into_iter().flatten();
        list.into_iter().find(|one| one["run_id"] == id).cloned().unwrap_or_default()
    };
    assert_eq!(
        (&of(&half)["prior_mass"], &of(&cut)["prior_mass"]),
        (&json!("text"), &json!("draws"))
    );
    close(1e-12, &of(&half)["log_prior_mass"], 0.5_f64.ln());
    close(0.05, &of(&cut)["log_prior_mass"], 0.5_f64.ln());
    assert!(of(&cut)["log_bf"].as_f64().is_some_and(|bf| bf.abs() < 0.1), "{output}");

    let flat =
        fit(&server, "data { vector[8] y; } parameters { real mu; } model { y ~ normal(mu, 1); }")
            .await?;
    let error =
        server.call("compare_models", json!({"run_ids": [flat], "criterion": "bridge"})).await?;
    let error = error.error();
    assert_eq!((&error["code"], &error["field"]), (&json!("improper"), &json!("/run_ids/0")));
    let logged = fit(
        &server,
        "data { vector[8] y; } transformed data { vector[8] z = log(y); } parameters { real mu; }
         model { mu ~ normal(0, 3); z ~ normal(mu, 1); }",
    );
    let arguments = json!({"run_ids": [half, logged.await?], "criterion": "bridge"});
    let error = server.call("compare_models", arguments).await?.error();
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("data_constraint"), &json!("/run_ids/1"))
    );
    Ok(())
}

#[tokio::test]
async fn a_model_is_calibrated_and_a_wrong_one_found() -> TestResult {
    let server = server().await?;
    let right = "data { vector[4] y; } parameters { real mu; } model { mu ~ normal(0, 2); y ~ normal(mu, 1); }";
    let data = json!({"y": [1, 2, 3, 4]});
    let arguments = json!({"code": right, "data": data, "n_sims": 100, "max_time_s": 300});
    let answer = server.call("calibrate_model", arguments).await?;
    let output = answer.structured();
    assert_eq!((&output["calibrated"], &output["n_sims"]), (&json!(true), &json!(100)), "{output}");
    assert_eq!(output["quantities"].as_array().map(Vec::len), Some(2));

    let wrong = right.replace("normal(mu, 1)", "normal(mu, 0.4)");
    let arguments =
        json!({"code": wrong, "simulator": right, "data": data, "n_sims": 100, "max_time_s": 300});
    let answer = server.call("calibrate_model", arguments).await?;
    let output = answer.structured();
    assert_eq!(
        (&output["calibrated"], &output["findings"][0]["code"]),
        (&json!(false), &json!("not_calibrated")),
        "{output}"
    );

    let improper = right.replace("mu ~ normal(0, 2);", "");
    let error =
        server.call("calibrate_model", json!({"code": improper, "data": data})).await?.error();
    assert_eq!(error["code"], "improper", "{error}");
    let error =
        server.call("calibrate_model", json!({"code": right, "data": data, "vars": ["z"]})).await?;
    assert_eq!(error.error()["code"], "unknown_name");
    // too little time: what was done is told, and not trusted
    let arguments = json!({"code": right, "data": data, "n_sims": 2000, "max_time_s": 1});
    let answer = server.call("calibrate_model", arguments).await?;
    let output = answer.structured();
    let done = output["n_sims"].as_u64().unwrap_or(0);
    let is_few = output["reasons"][0]["code"] == "few_simulations";
    assert!(is_few == (done < 100) && output["reliable"] == json!(!is_few), "{output}");
    Ok(())
}
