use std::time::Duration;

use mcp_core::{SecretString, upstream::Upstreams};
use serde_json::json;

use super::{
    fake::{Fake, Step},
    *,
};
use crate::Config;

const FAST: RetryPolicy =
    RetryPolicy { attempts: 4, first: Duration::from_millis(1), longest: Duration::from_millis(2) };
const OK: &str = r#"{"id":"cus_1","object":"customer"}"#;

fn client(base: String) -> Client {
    let config = Config {
        api_key: Some(SecretString::from("rk_test_123".to_owned())),
        api_base: base,
        account: Some("acct_home".to_owned()),
        ..Config::default()
    };
    Client::new(config.settings().unwrap().unwrap(), &Upstreams::default(), FAST).unwrap()
}

fn parameters() -> Map<String, Value> {
    json!({"email": "a+b@c.d", "metadata": {"k": "v w"}}).as_object().unwrap().clone()
}

struct Run {
    outcome: Result<Reply, Failure>,
    fake: Fake,
}

impl Run {
    async fn read(script: impl IntoIterator<Item = Step>) -> Self {
        Self::within(script, false, Duration::from_secs(20)).await
    }

    async fn write(script: impl IntoIterator<Item = Step>) -> Self {
        Self::within(script, true, Duration::from_secs(20)).await
    }

    async fn within(script: impl IntoIterator<Item = Step>, write: bool, budget: Duration) -> Self {
        let fake = Fake::start(script).await.unwrap();
        let client = client(fake.base());
        let request = if write {
            client.post("/v1/customers", &parameters(), None, "key-1".to_owned()).unwrap()
        } else {
            client.get("/v1/customers", &parameters(), Some("acct_2")).unwrap()
        };
        let outcome =
            client.send(&request, Instant::now() + budget, &CancellationToken::new()).await;
        Self { outcome, fake }
    }

    #[track_caller]
    fn failure(&self) -> &Failure {
        self.outcome.as_ref().unwrap_err()
    }

    fn requests(&self) -> usize {
        self.fake.seen().len()
    }
}

#[tokio::test]
async fn a_read_carries_its_headers_and_query() {
    let run = Run::read([Step::answer(200, &["Request-Id: req_7"], OK)]).await;
    let reply = run.outcome.as_ref().unwrap();
    assert_eq!(
        (reply.body["id"].as_str(), reply.request_id.as_deref(), reply.replayed),
        (Some("cus_1"), Some("req_7"), false)
    );
    let seen = &run.fake.seen()[0];
    assert!(
        seen.text
            .starts_with("GET /v1/customers?email=a%2Bb%40c.d&metadata%5Bk%5D=v+w HTTP/1.1\r\n"),
        "{}",
        seen.text
    );
    assert_eq!(seen.header("authorization"), Some("Bearer rk_test_123"));
    assert_eq!(seen.header("stripe-version"), Some("2026-09-30.endive"));
    assert_eq!(seen.header("stripe-account"), Some("acct_2"));
    assert_eq!(seen.header("idempotency-key"), None);
    assert!(seen.header("user-agent").unwrap().starts_with("machina-stripe/"));
}

#[tokio::test]
async fn a_write_carries_its_key_and_body() {
    let run = Run::write([Step::answer(200, &["Idempotent-Replayed: true"], OK)]).await;
    assert!(run.outcome.as_ref().unwrap().replayed);
    let seen = &run.fake.seen()[0];
    assert!(seen.text.starts_with("POST /v1/customers HTTP/1.1\r\n"));
    assert!(seen.text.ends_with("\r\n\r\nemail=a%2Bb%40c.d&metadata%5Bk%5D=v+w"), "{}", seen.text);
    assert_eq!(seen.header("idempotency-key"), Some("key-1"));
    assert_eq!(seen.header("stripe-account"), Some("acct_home"));
    assert_eq!(seen.header("content-type"), Some(FORM));
}

#[tokio::test]
async fn retry_after_is_waited_out() {
    let limited = Step::answer(
        429,
        &["Retry-After: 1"],
        r#"{"error":{"type":"invalid_request_error","code":"rate_limit"}}"#,
    );
    let run = Run::read([limited, Step::answer(200, &[], OK)]).await;
    assert!(run.outcome.is_ok());
    let seen = run.fake.seen();
    assert_eq!(seen.len(), 2);
    assert!(seen[1].at - seen[0].at >= Duration::from_secs(1));
}

#[tokio::test]
async fn retry_after_beyond_the_deadline_is_handed_on() {
    let run = Run::read([Step::answer(429, &["Retry-After: 60"], "{}")]).await;
    let failure = run.failure();
    assert_eq!(
        (failure.cause, failure.retry_after, run.requests()),
        (Cause::RateLimited, Some(Duration::from_secs(60)), 1)
    );
}

#[tokio::test]
async fn a_failing_server_is_asked_four_times() {
    let run =
        Run::read([Step::answer(500, &["Request-Id: req_1"], r#"{"error":{"type":"api_error"}}"#)])
            .await;
    let failure = run.failure();
    assert_eq!((failure.cause, failure.attempts, run.requests()), (Cause::Server, 4, 4));
    assert_eq!(
        (failure.outcome, failure.fact("request_id")),
        (Outcome::None, Some(&json!("req_1")))
    );
    assert_eq!(run.fake.connections(), 1);
}

#[tokio::test]
async fn should_retry_is_obeyed_both_ways() {
    let run = Run::write([Step::answer(500, &["Stripe-Should-Retry: false"], "{}")]).await;
    assert_eq!(
        (run.requests(), run.failure().retryable, run.failure().outcome),
        (1, false, Outcome::Unknown)
    );
    let run = Run::read([
        Step::answer(400, &["Stripe-Should-Retry: true"], "{}"),
        Step::answer(200, &[], OK),
    ])
    .await;
    assert_eq!((run.requests(), run.outcome.is_ok()), (2, true));
}

#[tokio::test]
async fn a_page_of_html_keeps_its_status() {
    let html = Step::answer(
        502,
        &["Content-Type: text/html", "Request-Id: req_2"],
        "<html>Bad Gateway</html>",
    );
    let run = Run::write([html]).await;
    let failure = run.failure();
    assert_eq!(
        (failure.cause, failure.outcome, failure.attempts),
        (Cause::Server, Outcome::Unknown, 4)
    );
    assert_eq!(
        (failure.fact("http_status"), failure.fact("request_id")),
        (Some(&json!(502)), Some(&json!("req_2")))
    );
    assert!(run.fake.seen().iter().all(|seen| seen.header("idempotency-key") == Some("key-1")));
}

#[tokio::test]
async fn a_broken_body_is_read_again_but_not_written_again() {
    let broken = Step::broken(200, &["Request-Id: req_3"], r#"{"id":"cus_1","obj"#);
    let run = Run::read([broken.clone(), Step::answer(200, &[], OK)]).await;
    assert_eq!((run.requests(), run.outcome.is_ok()), (2, true));
    let run = Run::write([broken, Step::answer(200, &[], OK)]).await;
    let failure = run.failure();
    assert_eq!(
        (failure.cause, failure.outcome, run.requests()),
        (Cause::Unreadable, Outcome::Applied, 1)
    );
    assert_eq!(
        (failure.fact("request_id"), failure.idempotency_key.as_deref()),
        (Some(&json!("req_3")), Some("key-1"))
    );
}

#[tokio::test]
async fn silence_ends_at_the_deadline() {
    // The first request of a client also sets up TLS.
    let budget = Duration::from_secs(2);
    for (write, outcome) in [(false, Outcome::None), (true, Outcome::Unknown)] {
        let begun = Instant::now();
        let run = Run::within([Step::Hang], write, budget).await;
        assert_eq!((run.failure().cause, run.failure().outcome), (Cause::Timeout, outcome));
        assert!((budget..Duration::from_secs(10)).contains(&begun.elapsed()));
    }
}

#[tokio::test]
async fn a_body_that_never_ends_is_late_and_its_write_applied() {
    let begun = b"HTTP/1.1 200 OK\r\nRequest-Id: req_4\r\nContent-Length: 100\r\n\r\n{".to_vec();
    let run = Run::within([Step::Send(begun)], true, Duration::from_secs(2)).await;
    assert_eq!((run.failure().cause, run.failure().outcome), (Cause::Timeout, Outcome::Applied));
}

#[tokio::test]
async fn a_lost_write_is_repeated_under_its_key_and_replayed() {
    let run =
        Run::write([Step::Close, Step::answer(200, &["Idempotent-Replayed: true"], OK)]).await;
    assert!(run.outcome.as_ref().unwrap().replayed);
    let keys: Vec<_> = run
        .fake
        .seen()
        .iter()
        .map(|seen| seen.header("idempotency-key").map(str::to_owned))
        .collect();
    assert_eq!(keys, [Some("key-1".to_owned()), Some("key-1".to_owned())]);
}

#[tokio::test]
async fn doubt_outlives_a_later_refusal() {
    let limited = Step::answer(429, &["Stripe-Should-Retry: false"], "{}");
    let run = Run::write([Step::Close, limited]).await;
    assert_eq!(
        (run.failure().cause, run.failure().outcome),
        (Cause::RateLimited, Outcome::Unknown)
    );
}

#[tokio::test]
async fn a_saved_error_is_asked_for_once_more_only() {
    let first = Step::answer(500, &[], r#"{"error":{"type":"api_error"}}"#);
    let saved =
        Step::answer(500, &["Idempotent-Replayed: true"], r#"{"error":{"type":"api_error"}}"#);
    let run = Run::write([first, saved]).await;
    let failure = run.failure();
    assert_eq!(
        (failure.cause, failure.outcome, run.requests()),
        (Cause::Saved, Outcome::Unknown, 2)
    );
}

#[tokio::test]
async fn a_saved_refusal_settles_the_doubt() {
    let saved = Step::answer(
        402,
        &["Idempotent-Replayed: true"],
        r#"{"error":{"type":"card_error","decline_code":"lost_card"}}"#,
    );
    let run = Run::write([Step::Close, saved]).await;
    let failure = run.failure();
    assert_eq!(
        (failure.cause, failure.outcome, failure.fact("decline_code")),
        (Cause::Card, Outcome::None, Some(&json!("lost_card")))
    );
}

#[tokio::test]
async fn nobody_there_means_nothing_was_done() {
    let fake = Fake::start([]).await.unwrap();
    let base = fake.base();
    drop(fake);
    let client = client(base);
    let request = client.post("/v1/customers", &parameters(), None, "key-1".to_owned()).unwrap();
    let failure =
        client.send(&request, client.deadline(), &CancellationToken::new()).await.unwrap_err();
    assert_eq!(
        (failure.cause, failure.outcome, failure.attempts),
        (Cause::Unreachable, Outcome::None, 4)
    );
}

#[tokio::test]
async fn cancelling_tells_what_became_of_a_write() {
    let fake = Fake::start([Step::Hang]).await.unwrap();
    let client = client(fake.base());
    let request = client.post("/v1/customers", &parameters(), None, "key-1".to_owned()).unwrap();
    let cancel = CancellationToken::new();
    let sent = client.send(&request, client.deadline(), &cancel);
    let stop = async {
        while fake.seen().is_empty() {
            tokio::task::yield_now().await;
        }
        cancel.cancel();
    };
    let (outcome, ()) = tokio::join!(sent, stop);
    assert_eq!(outcome.map(drop).unwrap_err().outcome, Outcome::Unknown);
    let before = client.send(&request, client.deadline(), &cancel).await.unwrap_err();
    assert_eq!(
        (before.cause, before.outcome, fake.seen().len()),
        (Cause::Cancelled, Outcome::None, 1)
    );
}

#[tokio::test]
async fn one_connection_serves_many_calls() {
    let fake = Fake::start([Step::Compute(std::sync::Arc::new(|_| OK.to_owned()))]).await.unwrap();
    let client = client(fake.base());
    let request = client.get("/v1/customers/cus_1", &Map::new(), None).unwrap();
    for _ in 0..200 {
        client.send(&request, client.deadline(), &CancellationToken::new()).await.unwrap();
    }
    assert_eq!((fake.seen().len(), fake.connections()), (200, 1));
}

#[tokio::test]
async fn an_organization_key_needs_an_account_and_sends_a_context() {
    let config = Config {
        api_key: Some(SecretString::from("sk_org_live_1".to_owned())),
        ..Config::default()
    };
    let client =
        Client::new(config.settings().unwrap().unwrap(), &Upstreams::default(), FAST).unwrap();
    assert!(matches!(client.get("/v1/account", &Map::new(), None), Err(Error::AccountRequired)));
    let request = client.get("/v1/account", &Map::new(), Some("acct_1")).unwrap();
    assert!(request.headers.contains(&("Stripe-Context", "acct_1".to_owned())));
    assert!(!request.headers.iter().any(|(name, _)| *name == "Stripe-Account"));
}

#[test]
fn fresh_keys_are_random_uuids() {
    let keys: std::collections::BTreeSet<_> = (0..1000).map(|_| fresh_key().unwrap()).collect();
    assert_eq!(keys.len(), 1000);
    for key in &keys {
        let parts: Vec<_> = key.split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
        let bytes = key.as_bytes();
        assert!(bytes[14] == b'4' && b"89ab".contains(&bytes[19]), "{key}");
    }
}

#[tokio::test]
async fn a_dead_stripe_is_left_alone_and_a_doubt_stays_one() {
    let fake = Fake::start([Step::Close]).await.unwrap();
    let client = client(fake.base());
    let request = client.post("/v1/customers", &parameters(), None, "key-1".to_owned()).unwrap();
    let send = || async {
        client.send(&request, client.deadline(), &CancellationToken::new()).await.unwrap_err()
    };
    for _ in 0..2 {
        assert_eq!(send().await.cause, Cause::Lost);
    }
    // The breaker opens within the third call: what was sent before is still in doubt.
    let third = send().await;
    assert_eq!((third.cause, third.outcome), (Cause::Suspended, Outcome::Unknown));
    let sent = fake.seen().len();
    let fourth = send().await;
    assert_eq!((fourth.cause, fourth.outcome), (Cause::Suspended, Outcome::None));
    assert!(fourth.retryable && fourth.retry_after.is_some());
    assert_eq!((fake.seen().len(), sent), (10, 10));
}

#[tokio::test]
async fn a_call_with_less_time_than_the_setting_ends_with_it() {
    let client = client("http://127.0.0.1:1".to_owned());
    let end = Instant::now() + Duration::from_secs(10);
    let inside = deadline::within(end, async { client.deadline() }).await;
    assert!(inside <= end.checked_sub(MARGIN).unwrap());
    assert!(client.deadline() > end, "outside a call the setting holds");
}
