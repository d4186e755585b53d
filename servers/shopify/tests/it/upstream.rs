//! What happens when the store, or the way to it, fails.

use crate::support::{config, products, start};
use machina_shopify::Server;
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use shopify_twin::{Fault, Options, Twin};
use std::time::{Duration, SystemTime};

const CALLS: [&str; 3] = ["get_shop", "search_products", "get_object"];

fn arguments(tool: &str) -> Value {
    if tool == "get_object" { json!({"id": "Product/8000000001"}) } else { json!({}) }
}

#[tokio::test]
async fn without_credentials_nothing_leaves_the_process() -> TestResult {
    let twin = Twin::start(products(1)).await?;
    let mut blank = config(&twin);
    blank.access_token = Some(String::new().into());
    let mut half = config(&twin);
    half.api_key = Some("key".to_owned());
    for config in [config(&twin), blank, half, machina_shopify::Config::default()] {
        let server = InProcess::<Server>::start(config).await?;
        for tool in CALLS {
            let error = server.call(tool, arguments(tool)).await?.error();
            assert_eq!(error["code"], "not_configured");
            let hint = error["hint"].as_str().unwrap_or_default();
            assert!(hint.contains("SHOPIFY_STORE_DOMAIN") && hint.contains("SHOPIFY_API_SECRET"));
        }
        assert_eq!(twin.connections(), 0);
    }
    Ok(())
}

#[tokio::test]
async fn wrong_settings_refuse_to_start() -> TestResult {
    let twin = Twin::start(products(1)).await?;
    let mut elsewhere = config(&twin);
    elsewhere.store_domain = Some("shop.example.com".to_owned());
    let mut both = config(&twin);
    both.access_token = Some("shpat_1".to_owned().into());
    both.api_key = Some("key".to_owned());
    let mut base = config(&twin);
    base.api_base = Some("http://192.0.2.1".to_owned());
    let mut version = config(&twin);
    version.api_version = "latest".to_owned();
    for (config, setting) in [
        (elsewhere, "SHOPIFY_STORE_DOMAIN"),
        (both, "SHOPIFY_ACCESS_TOKEN"),
        (base, "SHOPIFY_API_BASE"),
        (version, "SHOPIFY_API_VERSION"),
    ] {
        let error = InProcess::<Server>::start(config).await.err().ok_or(setting)?;
        assert!(error.to_string().contains(setting), "{error}");
    }
    assert_eq!(twin.connections(), 0);
    Ok(())
}

#[tokio::test]
async fn passing_faults_are_retried() -> TestResult {
    let (twin, server) = start(products(3)).await?;
    for fault in [
        Fault::Status(429, Some(0)),
        Fault::Status(430, None),
        Fault::Status(500, None),
        Fault::Status(503, None),
        Fault::Truncated,
        Fault::Reset,
        Fault::Graphql("INTERNAL_SERVER_ERROR"),
    ] {
        twin.inject(fault.clone(), 1);
        let before = twin.requests().len();
        let answer = server.call("search_products", json!({})).await?;
        assert_eq!(answer.structured()["page"]["count"], 3, "{fault:?}");
        assert_eq!(twin.requests().len(), before + 2, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_lasting_fault_ends_after_four_attempts() -> TestResult {
    let (twin, server) = start(products(3)).await?;
    twin.inject(Fault::Status(502, Some(0)), 4);
    let error = server.call("search_products", json!({})).await?.error();
    assert_eq!(error["code"], "upstream_unavailable");
    assert_eq!(error["details"]["http_status"], 502);
    assert_eq!(error["details"]["retryable"], true);
    assert!(error["details"]["request_id"].is_string());
    assert_eq!(twin.requests().len(), 4);
    Ok(())
}

#[tokio::test]
async fn lasting_refusals_are_not_retried() -> TestResult {
    let (twin, server) = start(products(3)).await?;
    for (fault, code) in [
        (Fault::Status(301, None), "store_moved"),
        (Fault::Status(402, None), "shop_frozen"),
        (Fault::Status(403, None), "forbidden"),
        (Fault::Status(404, None), "store_not_found"),
        (Fault::Status(423, None), "shop_locked"),
        (Fault::Graphql("SHOP_INACTIVE"), "shop_inactive"),
        (Fault::Graphql("SOMETHING_NEW"), "upstream_error"),
        (Fault::Html, "invalid_response"),
        (Fault::WrongVersion, "api_version_mismatch"),
    ] {
        let before = twin.requests().len();
        twin.inject(fault.clone(), 1);
        let answer = server.call("get_object", arguments("get_object")).await?;
        assert_eq!(answer.error_code(), code, "{fault:?}");
        assert_eq!(twin.requests().len(), before + 1, "{fault:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wait_longer_than_the_call_is_told_at_once() -> TestResult {
    let (twin, server) = start(products(3)).await?;
    twin.inject(Fault::Status(429, Some(900)), 1);
    let error = server.call("search_products", json!({})).await?.error();
    assert_eq!(error["code"], "rate_limited");
    assert_eq!(error["retry_after_ms"], 900_000);
    assert_eq!(twin.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn an_empty_bucket_is_waited_for_exactly() -> TestResult {
    let (twin, server) = start(Options { products: 3, ..Options::default() }).await?;
    server.call("search_products", json!({})).await?.structured();
    let cost = twin.requests().last().and_then(|sent| sent.cost).ok_or("no cost")?;
    twin.inject(Fault::Throttled, 1);
    let begin = SystemTime::now();
    let answer = server.call("search_products", json!({})).await?;
    let took = begin.elapsed()?;
    assert_eq!(answer.structured()["page"]["count"], 3);
    // An empty bucket gains 100 points a second; half a point may be rounded away.
    let wait = Duration::from_millis(cost.saturating_sub(1) * 10);
    assert!(took >= wait, "{took:?} for {cost} points");
    assert_eq!(twin.requests().iter().filter(|sent| !sent.errors.is_empty()).count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_burst_stays_inside_the_bucket() -> TestResult {
    let options = Options { bucket: 300.0, restore_rate: 400.0, ..products(20) };
    let (twin, server) = start(options).await?;
    // The first answer tells the cost and the bucket.
    server.call("search_products", json!({})).await?.structured();
    for _ in 0..8 {
        server.call("search_products", json!({})).await?.structured();
    }
    assert_eq!(twin.connections(), 1, "one connection is used again");
    for _ in 0..2 {
        let calls = (0..8).map(|_| server.call("search_products", json!({})));
        for answer in futures_util::future::join_all(calls).await {
            answer?.structured();
        }
    }
    let throttled = twin.requests().iter().filter(|sent| !sent.errors.is_empty()).count();
    assert_eq!((twin.requests().len(), throttled), (25, 0));
    Ok(())
}

#[tokio::test]
async fn a_page_that_costs_too_much_is_made_smaller() -> TestResult {
    let (twin, server) = start(products(250)).await?;
    let fields = json!({"limit": 250, "max_items": 250, "fields": ["id"]});
    let answer = server.call("search_products", fields).await?;
    assert_eq!(answer.structured()["page"]["count"], 250);
    let refused = twin.requests();
    let refused = refused.iter().filter(|sent| !sent.errors.is_empty());
    assert_eq!(refused.count(), 1);
    Ok(())
}

#[tokio::test]
async fn a_fault_between_pages_keeps_what_was_read() -> TestResult {
    let (twin, server) = start(products(90)).await?;
    let first = server.call("search_products", json!({"limit": 40})).await?;
    let cursor = first.structured()["page"]["next_cursor"].clone();
    twin.inject(Fault::Delay(0), 1);
    twin.inject(Fault::Status(403, None), 1);
    let rest = json!({"limit": 10, "max_items": 50, "cursor": cursor});
    let answer = server.call("search_products", rest).await?;
    let found = answer.structured();
    assert_eq!(found["page"]["count"], 10);
    assert_eq!(found["page"]["truncated"], true);
    assert!(found["warnings"][0].as_str().is_some_and(|text| text.contains("stopped early")));
    Ok(())
}

#[tokio::test]
async fn client_credentials_buy_one_token_and_renew_it() -> TestResult {
    let twin = Twin::start(products(3)).await?;
    let mut config = config(&twin);
    config.api_key = Some("twin-key".to_owned());
    config.api_secret = Some("twin-secret".to_owned().into());
    let server = InProcess::<Server>::start(config).await?;
    let calls = (0..6).map(|_| server.call("search_products", json!({"limit": 1})));
    for answer in futures_util::future::join_all(calls).await {
        answer?.structured();
    }
    assert_eq!(twin.tokens_issued(), 1, "one request for all callers");
    twin.inject(Fault::ExpiredToken, 1);
    server.call("search_products", json!({})).await?.structured();
    assert_eq!(twin.tokens_issued(), 2);
    Ok(())
}

#[tokio::test]
async fn short_lived_tokens_are_renewed_ahead_of_their_end() -> TestResult {
    let twin = Twin::start(Options { token_lifetime: 0, ..products(3) }).await?;
    let mut config = config(&twin);
    config.api_key = Some("twin-key".to_owned());
    config.api_secret = Some("twin-secret".to_owned().into());
    let server = InProcess::<Server>::start(config).await?;
    for _ in 0..3 {
        server.call("search_products", json!({})).await?.structured();
    }
    assert_eq!(twin.tokens_issued(), 3);
    assert!(twin.requests().iter().all(|sent| sent.status == 200));
    Ok(())
}

#[tokio::test]
async fn refused_credentials_say_which() -> TestResult {
    let twin = Twin::start(products(3)).await?;
    let mut pair = config(&twin);
    pair.api_key = Some("twin-key".to_owned());
    pair.api_secret = Some("wrong-secret-words".to_owned().into());
    let server = InProcess::<Server>::start(pair).await?;
    let error = server.call("get_shop", json!({})).await?.error();
    assert_eq!(error["code"], "credentials_refused");
    assert!(!error.to_string().contains("wrong-secret-words"));
    assert_eq!(twin.requests().len(), 0);

    let mut token = config(&twin);
    token.access_token = Some("shpat_wrong_token".to_owned().into());
    let server = InProcess::<Server>::start(token).await?;
    let error = server.call("get_shop", json!({})).await?.error();
    assert_eq!(error["code"], "unauthorized");
    assert!(!error.to_string().contains("shpat_wrong_token"));
    assert_eq!(twin.requests().len(), 1);
    Ok(())
}

#[tokio::test]
async fn a_store_that_is_not_there_is_unreachable() -> TestResult {
    let (twin, server) = start(products(1)).await?;
    drop(twin);
    let error = server.call("get_shop", json!({})).await?.error();
    assert!(
        ["upstream_unreachable", "truncated_response"]
            .contains(&error["code"].as_str().unwrap_or("")),
        "{error}"
    );
    assert_eq!(error["details"]["retryable"], true);
    assert!(!error.to_string().contains("127.0.0.1"), "{error}");
    Ok(())
}
