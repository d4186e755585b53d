//! Tools through the whole pipeline: values, chaining, refusals.

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::support::{close, server};

#[tokio::test]
async fn a_positive_test_is_read() -> TestResult {
    let server = server().await?;
    let test = json!({"prevalence": 0.01, "sensitivity": 0.99, "specificity": 0.95});
    let answer = server.call("apply_bayes_rule", json!({"test": test})).await?;
    let output = answer.structured();
    close(1e-12, &output["ppv"], 1.0 / 6.0);
    close(1e-12, &output["lr_positive"], 19.8);
    close(1e-12, &output["posterior"][0]["probability"], 0.01);
    assert_eq!(output["reliable"], true);

    let mut twice = test;
    twice["results"] = json!(["positive", "positive"]);
    let answer = server.call("apply_bayes_rule", json!({"test": twice})).await?;
    let output = answer.structured();
    close(1e-12, &output["after_each"][0], 1.0 / 6.0);
    close(1e-12, &output["posterior"][0]["probability"], 0.009_801 / (0.009_801 + 0.99 * 0.0025));
    Ok(())
}

#[tokio::test]
async fn hypotheses_are_weighed_and_named() -> TestResult {
    let server = server().await?;
    let hypotheses = json!([
        {"name": "fair\u{7}", "prior": 0.5, "likelihoods": [0.5, 0.5, 0.5]},
        {"prior": 0.5, "likelihoods": [0.9, 0.9, 0.9]},
    ]);
    let answer = server.call("apply_bayes_rule", json!({"hypotheses": hypotheses})).await?;
    let output = answer.structured();
    assert_eq!(output["posterior"][0]["name"], "fair");
    assert_eq!(output["posterior"][1]["name"], "h1");
    close(1e-12, &output["posterior"][1]["probability"], 0.729 / (0.729 + 0.125));
    close(1e-12, &output["log_evidence"], (0.5 * (0.729 + 0.125_f64)).ln());
    close(1e-12, &output["posterior"][1]["log_lr"], (0.729 / 0.125_f64).ln());
    Ok(())
}

#[tokio::test]
async fn an_ab_test_is_decided() -> TestResult {
    let server = server().await?;
    let arms = json!([
        {"name": "A", "successes": 242, "trials": 2847},
        {"name": "B", "successes": 313, "trials": 2791},
    ]);
    let answer =
        server.call("analyze_ab_test", json!({"arms": arms, "rope": [-0.001, 0.001]})).await?;
    let output = answer.structured();
    close(1e-12, &output["p_best"][1], 0.999_688_520_101_304_4);
    close(1e-12, &output["expected_loss"][1], 6.337_443_270_882_32e-7);
    close(1e-12, &output["expected_loss"][0], 0.027_131_465_386_436_927);
    assert_eq!(output["decision"]["action"], "ship");
    assert_eq!(output["decision"]["name"], "B");
    assert_eq!(output["p_in_rope"].as_array().map(Vec::len), Some(1));
    assert_eq!(output["reliable"], true);
    assert!(output.to_string().len() < 1200, "a small answer: {output}");
    Ok(())
}

#[tokio::test]
async fn an_empty_arm_is_not_reliable() -> TestResult {
    let server = server().await?;
    let arms = json!([{"successes": 0, "trials": 20}, {"successes": 0, "trials": 0}]);
    let answer = server.call("analyze_ab_test", json!({"arms": arms})).await?;
    let output = answer.structured();
    assert_eq!(output["reliable"], false);
    let reasons = output["reasons"].to_string();
    assert!(
        reasons.contains("empty_group: variant_1") && reasons.contains("constant_outcome"),
        "{reasons}"
    );
    Ok(())
}

/// Each family: a posterior that is accepted as the next prior.
#[tokio::test]
async fn posteriors_chain() -> TestResult {
    let server = server().await?;
    let table = [
        ("beta_binomial", json!(null), json!({"successes": 7, "trials": 20}), None),
        ("gamma_poisson", json!({"shape": 2, "rate": 0.5}), json!({"counts": [3, 0, 5, 2]}), None),
        (
            "normal_known_sigma",
            json!({"mean": 3, "sd": 2}),
            json!({"values": [4.1, 5.3]}),
            Some(1.5),
        ),
        (
            "nig",
            json!({"mean": 3, "kappa": 0.5, "shape": 2, "scale": 1.5}),
            json!({"n": 5, "mean": 4.66, "sd": 1.67}),
            None,
        ),
        ("dirichlet_multinomial", json!(null), json!({"counts": [3, 0, 7]}), None),
        ("gamma_exponential", json!({"shape": 2, "rate": 0.5}), json!({"values": [3, 1.5]}), None),
        ("beta_negbin", json!(null), json!({"r": 3, "counts": [4, 0, 7]}), None),
        ("uniform_pareto", json!({"scale": 1, "shape": 2.5}), json!({"values": [3, 1.5]}), None),
        (
            "niw",
            json!({"means": [0, 0], "kappa": 1, "df": 4, "scale_matrix": [[1, 0], [0, 1]]}),
            json!({"rows": [[0.1, 0.4], [0.3, -0.2], [-0.2, 0.1]]}),
            None,
        ),
    ];
    for (family, prior, data, sigma) in table {
        let mut arguments = json!({"family": family, "data": data});
        if !prior.is_null() {
            arguments["prior"] = prior;
        }
        if let Some(sigma) = sigma {
            arguments["sigma"] = json!(sigma);
        }
        let first = server.call("update_conjugate", arguments.clone()).await?;
        let first = first.structured();
        assert_eq!((&first["family"], &first["reliable"]), (&json!(family), &json!(true)));
        assert!(first["log_marginal"].as_f64().is_some_and(|ln| ln < 0.0), "{first}");
        arguments["prior"] = first["posterior"].clone();
        let second = server.call("update_conjugate", arguments).await?;
        let width = |output: &Value| {
            let interval = &output["marginals"][0]["interval"];
            interval[1].as_f64().unwrap_or_default() - interval[0].as_f64().unwrap_or_default()
        };
        assert!(width(second.structured()) < width(first), "{family}: more data, less doubt");
    }
    Ok(())
}

/// Wrong input: its code, its place, and a way out.
async fn refused(tool: &str, table: &[(Value, &str, &str)]) -> TestResult {
    let server = server().await?;
    for (arguments, code, field) in table {
        let error = server.call(tool, arguments.clone()).await?.error();
        assert_eq!(error["code"], *code, "{arguments}: {error}");
        assert_eq!(error["field"].as_str().unwrap_or_default(), *field, "{arguments}: {error}");
        let hint = error["hint"].as_str().unwrap_or_default();
        assert!(!hint.is_empty(), "{arguments}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn refused_tests_can_be_repaired() -> TestResult {
    let with = |change: Value| {
        let mut arguments =
            json!({"arms": [{"successes": 1, "trials": 10}, {"successes": 2, "trials": 10}]});
        for (name, value) in change.as_object().expect("an object") {
            arguments[name] = value.clone();
        }
        arguments
    };
    let impossible = json!([{"successes": 11, "trials": 10}, {"successes": 1, "trials": 10}]);
    refused(
        "analyze_ab_test",
        &[
            (with(json!({"arms": impossible})), "data_constraint", "/arms/0/successes"),
            (with(json!({"prior": {"alpha": 0, "beta": 1}})), "improper", "/prior/alpha"),
            (with(json!({"prior": {"alpha": 1, "beta": 0.01}})), "limit_exceeded", "/prior/beta"),
            (with(json!({"rope": [0.1, -0.1]})), "data_constraint", "/rope"),
        ],
    )
    .await
}

#[tokio::test]
async fn refused_hypotheses_can_be_repaired() -> TestResult {
    let with = |priors: [f64; 2], likelihood: f64| {
        let hypothesis = |prior| json!({"prior": prior, "likelihoods": [likelihood]});
        json!({"hypotheses": priors.map(hypothesis)})
    };
    refused(
        "apply_bayes_rule",
        &[
            (json!({}), "data_missing", ""),
            (with([0.5, 0.4], 1.0), "data_constraint", "/hypotheses"),
            (with([0.5, 0.5], 0.0), "data_constraint", "/hypotheses"),
            (with([0.0, 0.0], 0.5), "improper", "/hypotheses"),
            (with([5.0, 0.5], 0.5), "data_constraint", "/hypotheses/0/prior"),
        ],
    )
    .await
}

#[tokio::test]
async fn refused_updates_can_be_repaired() -> TestResult {
    let with = |family: &str, rest: Value| {
        let mut arguments = rest;
        arguments["family"] = json!(family);
        arguments
    };
    let counts = json!({"successes": 1, "trials": 2});
    let foreign = json!({"successes": 1, "trials": 2, "n": 3});
    let unit = json!({"mean": 0, "sd": 1});
    let one = json!({"values": [1]});
    let both = json!({"values": [1], "n": 1, "mean": 1});
    refused(
        "update_conjugate",
        &[
            (with("nig", json!({"data": one})), "data_missing", "/prior"),
            (with("beta_binomial", json!({"data": foreign})), "data_unexpected", "/data/n"),
            (with("beta_binomial", json!({"data": {}})), "data_missing", "/data"),
            (
                with("beta_binomial", json!({"data": counts, "future": 1.5})),
                "limit_exceeded",
                "/future",
            ),
            (
                with("normal_known_sigma", json!({"prior": unit, "data": one})),
                "data_missing",
                "/sigma",
            ),
            (
                with("normal_known_sigma", json!({"prior": unit, "sigma": 1, "data": both})),
                "data_missing",
                "/data",
            ),
        ],
    )
    .await
}

/// What the schema forbids never reaches the engine.
#[tokio::test]
async fn the_schema_bounds_arguments() -> TestResult {
    let server = server().await?;
    for (tool, arguments) in [
        ("analyze_ab_test", json!({"arms": [{"successes": 1, "trials": 2}]})),
        (
            "analyze_ab_test",
            json!({"arms": [{"successes": -1, "trials": 2}, {"successes": 1, "trials": 2}]}),
        ),
        (
            "apply_bayes_rule",
            json!({"test": {"prevalence": 1.5, "sensitivity": 0.9, "specificity": 0.9}}),
        ),
        ("update_conjugate", json!({"family": "weibull", "data": {}})),
        ("update_conjugate", json!({"family": "beta_binomial", "data": {"succeses": 1}})),
    ] {
        let answer = server.call(tool, arguments.clone()).await?;
        assert_eq!(answer.error_code(), "invalid_argument", "{arguments}");
    }
    Ok(())
}

#[tokio::test]
async fn what_takes_long_to_compute_is_kept_and_what_does_not_is_not() -> TestResult {
    let server = server().await?;
    let arms = json!([
        {"name": "A", "successes": 242, "trials": 2847},
        {"name": "B", "successes": 313, "trials": 2791},
    ]);
    let quantiles = json!([{"p": 0.05, "x": 2.0}, {"p": 0.95, "x": 50.0}]);
    let test = json!({"prevalence": 0.01, "sensitivity": 0.99, "specificity": 0.95});
    for (tool, arguments, marks) in [
        ("analyze_ab_test", json!({"metric": "binary", "arms": arms}), Some(["miss", "hit"])),
        (
            "compare_groups",
            json!({"design": "one_sample", "x": [1.1, -0.1, 0.7, 1.7]}),
            Some(["miss", "hit"]),
        ),
        (
            "elicit_prior",
            json!({"dist": "lognormal", "quantiles": quantiles}),
            Some(["miss", "hit"]),
        ),
        ("apply_bayes_rule", json!({"test": test}), None),
    ] {
        let first = server.call(tool, arguments.clone()).await?;
        let again = server.call(tool, arguments).await?;
        assert_eq!(first.structured(), again.structured(), "{tool}");
        let mark = |answer: &mcp_testkit::Answer| {
            answer.response()["result"]["_meta"]["machina/cache"].as_str().map(str::to_owned)
        };
        let told = [mark(&first), mark(&again)];
        assert_eq!(
            told,
            marks.map_or([None, None], |marks| marks.map(|m| Some(m.to_owned()))),
            "{tool}"
        );
    }
    Ok(())
}
