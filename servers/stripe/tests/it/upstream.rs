//! Faults of the upstream, as a caller of the tools meets them.

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::{
    fake::{Fake, Step},
    session::{Session, config},
};

const CREATED: &str = r#"{"id":"cus_1","object":"customer"}"#;

async fn create(
    script: impl IntoIterator<Item = Step>,
) -> TestResult<(Fake, Result<Value, Value>)> {
    let fake = Fake::start(script).await?;
    let mut config = config(&fake.base());
    config.timeout_seconds = 2;
    let session = Session::start(config).await?;
    let outcome =
        session.call("create_customer", json!({"name": "x", "idempotency_key": "key-1"})).await;
    Ok((fake, outcome))
}

#[tokio::test]
async fn each_fault_has_its_code_and_outcome() -> TestResult {
    let error = |fields: Value| json!({ "error": fields }).to_string();
    let invalid = error(
        json!({"type": "invalid_request_error", "code": "email_invalid", "param": "email", "message": "no"}),
    );
    let card = error(
        json!({"type": "card_error", "code": "card_declined", "decline_code": "do_not_honor"}),
    );
    let mismatch = error(json!({"type": "idempotency_error"}));
    let html = "<html>Bad Gateway</html>";
    let id = ["Request-Id: req_1"];
    let never = ["Stripe-Should-Retry: false", "Request-Id: req_1"];
    let table = [
        (Step::answer(400, &id, &invalid), "invalid_request", "none", false),
        (Step::answer(402, &id, &card), "card_error", "none", false),
        (Step::answer(400, &id, &mismatch), "idempotency_mismatch", "none", false),
        (Step::answer(401, &id, "{}"), "authentication_failed", "none", false),
        (
            Step::answer(429, &["Retry-After: 9", "Request-Id: req_1"], "{}"),
            "rate_limited",
            "none",
            true,
        ),
        (Step::answer(500, &never, "{}"), "upstream_error", "unknown", false),
        (Step::answer(502, &id, html), "upstream_error", "unknown", true),
        (Step::broken(200, &id, "{\"id\":"), "upstream_unreadable", "applied", true),
    ];
    for (step, code, outcome, retryable) in table {
        let (_fake, answer) = create([step]).await?;
        let error = answer.expect_err(code);
        let details = &error["details"];
        assert_eq!((&error["code"], &details["outcome"]), (&json!(code), &json!(outcome)));
        assert_eq!(details["retryable"], retryable, "{code}");
        assert_eq!(
            (&details["idempotency_key"], &details["request_id"]),
            (&json!("key-1"), &json!("req_1")),
            "{code}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn silence_is_an_unknown_outcome_with_the_way_to_settle_it() -> TestResult {
    let (fake, answer) = create([Step::Hang]).await?;
    let error = answer.expect_err("silence");
    assert_eq!(
        (&error["code"], &error["details"]["outcome"]),
        (&json!("upstream_timeout"), &json!("unknown"))
    );
    assert!(error["hint"].as_str().is_some_and(|hint| hint.contains("this idempotency_key")));
    assert_eq!(fake.seen().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_lost_answer_is_fetched_under_the_same_key() -> TestResult {
    let (fake, answer) =
        create([Step::Close, Step::answer(200, &["Idempotent-Replayed: true"], CREATED)]).await?;
    let answer = answer.expect("a customer");
    assert_eq!(answer["idempotency"], json!({"key": "key-1", "replayed": true}));
    assert!(fake.seen().iter().all(|seen| seen.header("idempotency-key") == Some("key-1")));
    Ok(())
}

#[tokio::test]
async fn a_limit_is_waited_out_within_the_call() -> TestResult {
    let limited = Step::answer(429, &["Retry-After: 1"], "{}");
    let (fake, answer) = create([limited, Step::answer(200, &[], CREATED)]).await?;
    assert_eq!(answer.expect("a customer")["data"]["id"], "cus_1");
    let seen = fake.seen();
    assert!(seen.len() == 2 && seen[1].at - seen[0].at >= std::time::Duration::from_secs(1));
    Ok(())
}

#[tokio::test]
async fn two_calls_without_a_key_are_two_customers() -> TestResult {
    let fake = Fake::start([Step::answer(200, &[], CREATED)]).await?;
    let session = Session::start(config(&fake.base())).await?;
    for _ in 0..2 {
        session.call("create_customer", json!({"name": "x"})).await.expect("a customer");
    }
    let keys: Vec<_> = fake
        .seen()
        .iter()
        .filter_map(|seen| seen.header("idempotency-key").map(str::to_owned))
        .collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys[0], keys[1]);
    Ok(())
}
