//! `compare_groups` through the whole pipeline.

use mcp_testkit::TestResult;
use serde_json::json;

use crate::support::{close, server};

#[tokio::test]
async fn statistics_and_values_agree() -> TestResult {
    let server = server().await?;
    let published = json!({"design": "two_sample", "statistic": 2.5, "n": 30, "n2": 30});
    let answer = server.call("compare_groups", published).await?;
    let output = answer.structured();
    close(1e-9, &output["bf10"], 3.378_738_594_357_94);
    assert_eq!(output["robustness"].as_array().map(Vec::len), Some(3));
    assert!(output["effect"]["p_positive"].as_f64().is_some_and(|p| p > 0.95), "{output}");

    let (x, y) = (json!([5.1, 4.9, 6.2, 5.8]), json!([4.0, 5.0, 5.5, 4.1]));
    let pairs = server.call("compare_groups", json!({"design": "paired", "x": x, "y": y})).await?;
    let differences = json!([1.1, -0.1, 0.7, 1.7]);
    let one =
        server.call("compare_groups", json!({"design": "one_sample", "x": differences})).await?;
    let log = one.structured()["log_bf10"].as_f64().unwrap_or_default();
    close(1e-9, &pairs.structured()["log_bf10"], log);

    let rate = json!({"design": "proportion", "successes": 7, "n": 10});
    let answer = server.call("compare_groups", rate).await?;
    close(1e-9, &answer.structured()["bf10"], 1024.0 / 1320.0);
    let line = json!({"design": "correlation", "x": [1, 2, 3, 4], "y": [2, 4.5, 5, 9]});
    let answer = server.call("compare_groups", line).await?;
    close(1e-9, &answer.structured()["statistic"], 10.75 / (5.0_f64 * 25.187_5).sqrt());
    Ok(())
}

/// Wrong input: its code, its place, and a way out.
#[tokio::test]
async fn refusals_can_be_repaired() -> TestResult {
    let server = server().await?;
    let table = [
        (json!({"design": "one_sample"}), "data_missing", ""),
        (json!({"design": "one_sample", "x": [1, 2], "y": [1, 2]}), "data_unexpected", "/y"),
        (json!({"design": "one_sample", "x": [2, 2]}), "data_constraint", "/x"),
        (json!({"design": "paired", "x": [1, 2], "y": [1]}), "data_constraint", "/y"),
        (json!({"design": "two_sample", "statistic": 2, "n": 9}), "data_missing", "/n2"),
        (json!({"design": "proportion", "n": 9}), "data_missing", ""),
        (json!({"design": "proportion", "n": 2, "successes": 3}), "data_constraint", "/successes"),
        (json!({"design": "correlation", "statistic": 1, "n": 9}), "data_constraint", "/statistic"),
    ];
    for (arguments, code, field) in table {
        let error = server.call("compare_groups", arguments.clone()).await?.error();
        assert_eq!(error["code"], code, "{arguments}: {error}");
        assert_eq!(error["field"].as_str().unwrap_or_default(), field, "{arguments}: {error}");
        assert!(error["hint"].as_str().is_some_and(|hint| !hint.is_empty()), "{error}");
    }
    Ok(())
}
