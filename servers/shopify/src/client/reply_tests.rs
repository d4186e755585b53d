//! One table: each answer that an Admin API gives when something is wrong, and what it becomes.

use super::Reply;
use mcp_core::{Kind, ToolError};
use serde_json::{Value, json};
use std::time::Duration;

fn reply(status: u16, json: bool, body: &str) -> Reply {
    Reply {
        status,
        json,
        version: Some("2026-10".to_owned()),
        request_id: Some("id-1".to_owned()),
        retry_after: None,
        body: body.as_bytes().to_vec(),
    }
}

fn judged(reply: Reply) -> ToolError {
    reply.read("2026-10").unwrap_err().into_tool_error()
}

fn coded(code: &str, message: &str) -> String {
    json!({"errors": [{"message": message, "extensions": {"code": code}}]}).to_string()
}

#[test]
fn statuses() {
    for (status, kind, code, retryable) in [
        (301, Kind::Upstream, "store_moved", false),
        (400, Kind::Upstream, "bad_request", false),
        (401, Kind::Refused, "unauthorized", false),
        (402, Kind::Refused, "shop_frozen", false),
        (403, Kind::Refused, "forbidden", false),
        (404, Kind::Upstream, "store_not_found", false),
        (406, Kind::Upstream, "bad_request", false),
        (408, Kind::Timeout, "upstream_timeout", true),
        (413, Kind::InvalidInput, "query_too_expensive", false),
        (423, Kind::Refused, "shop_locked", false),
        (429, Kind::RateLimited, "rate_limited", true),
        (430, Kind::RateLimited, "security_rejection", true),
        (500, Kind::Unavailable, "upstream_unavailable", true),
        (502, Kind::Unavailable, "upstream_unavailable", true),
        (503, Kind::Unavailable, "upstream_unavailable", true),
        (504, Kind::Timeout, "upstream_timeout", true),
        (520, Kind::Unavailable, "upstream_unavailable", true),
    ] {
        let error = judged(reply(status, false, "<html>secret words</html>"));
        assert_eq!((error.kind(), error.code()), (kind, code), "{status}");
        assert!(error.hint().is_some_and(|hint| !hint.is_empty()), "{status}");
        let body = error.to_json();
        let details = json!({"http_status": status, "request_id": "id-1", "outcome": "none",
            "retryable": retryable, "type": body["details"]["type"]});
        assert_eq!(body["details"], details, "{status}");
        assert!(!body.to_string().contains("secret words"));
    }
}

#[test]
fn graphql_errors_on_http_200() {
    for (code, message, expected, retryable) in [
        ("THROTTLED", "Throttled", "rate_limited", true),
        ("ACCESS_DENIED", "Access denied for products field.", "missing_scope", false),
        ("MAX_COST_EXCEEDED", "Query cost is 1002", "query_too_expensive", false),
        ("SHOP_INACTIVE", "Shop is inactive", "shop_inactive", false),
        ("UNAUTHORIZED", "x", "unauthorized", false),
        ("FORBIDDEN", "x", "forbidden", false),
        ("TIMEOUT", "x", "upstream_timeout", true),
        ("INTERNAL_SERVER_ERROR", "Internal error", "upstream_unavailable", true),
        ("SERVICE_UNAVAILABLE", "x", "upstream_unavailable", true),
        ("undefinedField", "Field 'x' doesn't exist", "graphql_invalid", false),
        ("argumentLiteralsIncompatible", "x", "graphql_invalid", false),
        ("INVALID_VARIABLE", "x", "graphql_invalid", false),
        ("BAD_REQUEST", "Invalid cursor for current pagination sort.", "invalid_cursor", false),
        ("SOMETHING_NEW", "x", "upstream_error", false),
    ] {
        let error = judged(reply(200, true, &coded(code, message)));
        assert_eq!(error.code(), expected, "{code}");
        let details = &error.to_json()["details"];
        assert_eq!(details["code"], code);
        assert_eq!(details["message"], message);
        assert_eq!(details["retryable"], retryable, "{code}");
    }
}

#[test]
fn answers_that_are_none() {
    for (reply, expected) in [
        (reply(200, false, "<!DOCTYPE html>"), "invalid_response"),
        (reply(200, true, "{\"data\":{\"shop\":{\"na"), "truncated_response"),
        (reply(200, true, ""), "truncated_response"),
        (reply(200, true, "[1]"), "unexpected_response"),
        (reply(200, true, "{\"data\":null}"), "unexpected_response"),
        (reply(200, true, "{}"), "unexpected_response"),
        (reply(200, true, "{\"errors\":\"Not Found\"}"), "upstream_error"),
        (reply(200, true, "{\"errors\":{\"base\":\"x\"}}"), "upstream_error"),
        (reply(200, true, "{\"data\":{},\"errors\":[]}"), ""),
        (
            reply(
                200,
                true,
                r#"{"data":{"a":{"userErrors":[{"field":["x"],"message":"no","code":"TAKEN"}]}}}"#,
            ),
            "user_errors",
        ),
    ] {
        let code =
            reply.read("2026-10").err().map(|failure| failure.into_tool_error().code().to_owned());
        assert_eq!(code.unwrap_or_default(), expected);
    }
}

#[test]
fn another_version_is_an_error_and_none_is_not() {
    let data = json!({"data": {"shop": {}}}).to_string();
    let mut other = reply(200, true, &data);
    other.version = Some("2025-01".to_owned());
    assert_eq!(judged(other.clone()).code(), "api_version_mismatch");
    other.version = None;
    assert!(other.read("2026-10").is_ok());
}

#[test]
fn the_known_error_among_several_decides() {
    let body = json!({"data": {"a": null}, "errors": [{"message": "odd"},
        {"message": "Access denied", "extensions": {"code": "ACCESS_DENIED"}}]});
    assert_eq!(judged(reply(200, true, &body.to_string())).code(), "missing_scope");
}

#[test]
fn a_throttled_answer_tells_the_wait() {
    let body = json!({"errors": [{"message": "Throttled", "extensions": {"code": "THROTTLED"}}],
        "extensions": {"cost": {"requestedQueryCost": 120, "actualQueryCost": null,
            "throttleStatus": {"maximumAvailable": 2000.0, "currentlyAvailable": 20,
                "restoreRate": 100.0}}}});
    let body = judged(reply(200, true, &body.to_string())).to_json();
    assert_eq!(body["retry_after_ms"], 1_000);

    let mut asked = reply(429, true, "{}");
    asked.retry_after = Some(Duration::from_secs(2));
    assert_eq!(judged(asked).to_json()["retry_after_ms"], 2_000);
}

#[test]
fn foreign_words_are_bounded_and_clean() {
    let message = format!("a\u{1b}[2J\n{}", "x".repeat(5_000));
    let body = judged(reply(200, true, &coded("ODD\u{7}", &message))).to_json();
    assert_eq!(body["details"]["code"], "ODD");
    let shown = body["details"]["message"].as_str().unwrap_or_default();
    assert!(shown.starts_with("a x") && shown.chars().count() == 300);
}

#[test]
fn cost_and_search_warnings_are_read() {
    let body = json!({"data": {"shop": {}}, "extensions": {
        "cost": {"requestedQueryCost": 12, "actualQueryCost": 7, "throttleStatus":
            {"maximumAvailable": 2000.0, "currentlyAvailable": 1993, "restoreRate": 100.0}},
        "search": [{"path": ["products"], "query": "colour:red", "warnings":
            [{"field": "colour", "message": "Invalid search field for this query."}]}]}});
    let spent = reply(200, true, &body.to_string()).read("2026-10").unwrap().spent;
    let cost = spent.cost.unwrap();
    assert_eq!((cost.requested, cost.actual, cost.throttle.available), (12.0, Some(7.0), 1993.0));
    assert_eq!(spent.warnings.len(), 1);
    assert!(spent.warnings[0].contains("colour"));
    assert_eq!(
        reply(200, true, &json!({"data": Value::Object(serde_json::Map::new())}).to_string())
            .read("2026-10")
            .unwrap()
            .spent
            .cost,
        None
    );
}
