use mcp_core::Kind;
use serde_json::json;

use super::*;

fn head(status: u16) -> Head {
    Head { status, request_id: Some("req_1".to_owned()), ..Head::default() }
}

fn error(fields: &Value) -> Vec<u8> {
    json!({ "error": fields }).to_string().into_bytes()
}

/// Status, `type/code` of the error object, then: our code, kind, outcome of a write, retry.
type Case = (u16, &'static str, &'static str, Kind, Outcome, bool);

fn refusals() -> Vec<Case> {
    use Kind::*;
    let none = Outcome::None;
    vec![
        (
            400,
            "invalid_request_error/parameter_missing",
            "invalid_request",
            InvalidInput,
            none,
            false,
        ),
        (
            400,
            "invalid_request_error/parameter_unknown",
            "invalid_request",
            InvalidInput,
            none,
            false,
        ),
        (400, "invalid_request_error/email_invalid", "invalid_request", InvalidInput, none, false),
        (400, "some_new_error/some_new_code", "invalid_request", InvalidInput, none, false),
        (422, "invalid_request_error/", "invalid_request", InvalidInput, none, false),
        (405, "", "invalid_request", InvalidInput, none, false),
        (400, "idempotency_error/", "idempotency_mismatch", Conflict, none, false),
        (409, "invalid_request_error/resource_already_exists", "conflict", Conflict, none, false),
        (401, "invalid_request_error/", "authentication_failed", Refused, none, false),
        (
            401,
            "authentication_error/api_key_expired",
            "authentication_failed",
            Refused,
            none,
            false,
        ),
        (403, "invalid_request_error/", "permission_denied", Refused, none, false),
        (404, "invalid_request_error/resource_missing", "not_found", NotFound, none, false),
        (402, "card_error/expired_card", "card_error", Upstream, none, false),
        (400, "card_error/incorrect_cvc", "card_error", Upstream, none, false),
    ]
}

fn passing() -> Vec<Case> {
    use {Kind::*, Outcome::Unknown as Doubt};
    let none = Outcome::None;
    let in_use = "idempotency_key_in_use";
    vec![
        (409, "idempotency_error/idempotency_key_in_use", in_use, Conflict, Doubt, true),
        (409, "invalid_request_error/idempotency_key_in_use", in_use, Conflict, Doubt, true),
        (429, "invalid_request_error/rate_limit", "rate_limited", RateLimited, none, true),
        (429, "invalid_request_error/lock_timeout", "lock_timeout", RateLimited, none, true),
        (400, "invalid_request_error/lock_timeout", "lock_timeout", RateLimited, none, true),
        (424, "api_error/", "upstream_error", Unavailable, Doubt, true),
        (500, "api_error/", "upstream_error", Unavailable, Doubt, true),
        (502, "", "upstream_error", Unavailable, Doubt, true),
        (503, "api_error/", "upstream_error", Unavailable, Doubt, true),
        (504, "", "upstream_error", Unavailable, Doubt, true),
    ]
}

/// docs.stripe.com/declines/codes
const DECLINES: &str = "approve_with_id call_issuer card_not_supported card_velocity_exceeded \
    currency_not_supported do_not_honor duplicate_transaction expired_card fraudulent generic_decline \
    incorrect_cvc incorrect_number insufficient_funds invalid_account invalid_amount \
    issuer_not_available lost_card merchant_blacklist new_account_information_available not_permitted \
    pickup_card processing_error reenter_transaction stolen_card testmode_decline \
    transaction_not_allowed try_again_later withdrawal_count_limit_exceeded";

fn fields(named: &str) -> Value {
    match named.split_once('/') {
        None => json!({}),
        Some((kind, "")) => json!({"type": kind, "param": "email"}),
        Some((kind, code)) => json!({"type": kind, "code": code, "param": "email"}),
    }
}

/// The error as a caller of a write sees it, after checking that a read is never in doubt.
fn told(status: u16, fields: &Value) -> Value {
    let bytes = error(fields);
    let read = parse_error(false, &head(status), &Body::Whole(&bytes));
    assert_eq!(read.outcome, Outcome::None, "{status} {fields}");
    parse_error(true, &head(status), &Body::Whole(&bytes)).into_tool_error().to_json()
}

#[test]
fn every_error_has_one_meaning() {
    for (status, named, code, kind, outcome, retryable) in [refusals(), passing()].concat() {
        let fields = fields(named);
        let body = error(&fields);
        let error = told(status, &fields);
        assert_eq!(error["code"], code, "{status} {named}");
        let details = &error["details"];
        assert_eq!(
            (&details["outcome"], &details["retryable"]),
            (&json!(outcome), &json!(retryable)),
            "{status} {named}"
        );
        for name in ["type", "code", "param"] {
            assert_eq!(details.get(name), fields.get(name), "{status} {named}");
        }
        assert_eq!(
            (&details["http_status"], &details["request_id"]),
            (&json!(status), &json!("req_1"))
        );
        let cause = parse_error(true, &head(status), &Body::Whole(&body)).cause;
        assert_eq!(cause.kind(), kind, "{status} {named}");
    }
}

#[test]
fn a_decline_keeps_its_reason() {
    let declines: Vec<_> = DECLINES.split_whitespace().collect();
    assert!(declines.len() >= 25);
    for decline in declines {
        let error = told(
            402,
            &json!({"type": "card_error", "code": "card_declined", "decline_code": decline}),
        );
        assert_eq!(
            (&error["code"], &error["details"]["decline_code"]),
            (&json!("card_error"), &json!(decline))
        );
        assert_eq!(
            (&error["details"]["outcome"], &error["details"]["retryable"]),
            (&json!("none"), &json!(false))
        );
    }
}

#[test]
fn an_object_of_the_other_environment_is_told_apart() {
    let message = "No such customer: 'cus_1'; a similar object exists in live mode, but a test mode key was used";
    let fields =
        json!({"type": "invalid_request_error", "code": "resource_missing", "message": message});
    assert_eq!(told(404, &fields)["code"], "mode_mismatch");
}

#[test]
fn a_body_that_says_nothing_leaves_the_status() {
    let bodies: [&[u8]; 6] = [b"", b"<html>", b"[]", b"null", br#"{"error":"text"}"#, b"\xff\xfe"];
    for body in bodies {
        for (status, code) in [
            (400, "invalid_request"),
            (401, "authentication_failed"),
            (404, "not_found"),
            (429, "rate_limited"),
            (502, "upstream_error"),
        ] {
            assert_eq!(parse_error(true, &head(status), &Body::Whole(body)).code(), code);
        }
    }
    for body in [Body::Broken, Body::Late] {
        assert_eq!(parse_error(true, &head(503), &body).code(), "upstream_error");
    }
}

#[test]
fn a_success_that_cannot_be_read_is_applied_only_if_stripe_answered() {
    let table = [
        (200, Some("req_1"), Body::Broken, "upstream_unreadable", Outcome::Applied),
        (200, Some("req_1"), Body::Late, "upstream_timeout", Outcome::Applied),
        (200, None, Body::Whole(b"<html>log in</html>"), "upstream_unreadable", Outcome::Unknown),
        (302, None, Body::Whole(b""), "upstream_unreadable", Outcome::Unknown),
    ];
    for (status, id, body, code, outcome) in table {
        let head = Head { status, request_id: id.map(str::to_owned), ..Head::default() };
        let failure = parse_error(true, &head, &body);
        assert_eq!((failure.code(), failure.outcome), (code, outcome), "{status} {id:?}");
        assert_eq!(parse_error(false, &head, &body).outcome, Outcome::None);
    }
}

#[test]
fn a_redirect_is_not_repeated() {
    assert!(!parse_error(false, &head(302), &Body::Whole(b"")).retryable);
}

#[test]
fn the_way_to_repeat_a_doubtful_write_is_told() {
    let mut failure = Failure::without_answer(Cause::Lost, Outcome::Unknown);
    failure.idempotency_key = Some("key-1".to_owned());
    failure.attempts = 4;
    let told = failure.into_tool_error().to_json();
    assert_eq!(told["code"], "connection_lost");
    assert_eq!(
        told["details"],
        json!({"outcome": "unknown", "retryable": true, "idempotency_key": "key-1", "attempts": 4})
    );
    assert!(told["hint"].as_str().unwrap().contains("idempotency_key within 23 hours"));
}

#[test]
fn what_stripe_says_is_bounded_and_holds_no_key() {
    let message = format!("Invalid API Key provided: sk_test_abcdef. {}\u{202e}", "x".repeat(1000));
    let bytes = error(
        &json!({"type": "invalid_request_error", "message": message, "param": 5, "charge": "ch_1"}),
    );
    let told = parse_error(true, &head(401), &Body::Whole(&bytes)).into_tool_error().to_json();
    let shown = told["details"]["upstream_message"].as_str().unwrap();
    assert!(
        shown.chars().count() <= 400 && !shown.contains("sk_test") && !shown.contains('\u{202e}')
    );
    assert!(told["details"].get("param").is_none() && told["details"].get("charge").is_none());
}

#[test]
fn retry_advice_is_given_only_for_what_may_pass() {
    let limited = Head { retry_after: Some(Duration::from_secs(7)), ..head(429) };
    assert_eq!(
        parse_error(false, &limited, &Body::Whole(b"{}")).into_tool_error().to_json()["retry_after_ms"],
        7000
    );
    let refused = Head { should_retry: Some(false), ..limited };
    assert!(
        parse_error(false, &refused, &Body::Whole(b"{}"))
            .into_tool_error()
            .to_json()
            .get("retry_after_ms")
            .is_none()
    );
}
