//! A twin, and a server that talks to it.

use machina_shopify::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};
use shopify_twin::{Options, Twin, TwinHandle};

/// A server signed in to a twin by access token.
pub(crate) async fn start(options: Options) -> TestResult<(TwinHandle, InProcess<Server>)> {
    let twin = Twin::start(options).await?;
    let mut config = config(&twin);
    config.access_token = Some(twin.token().to_owned().into());
    Ok((twin, InProcess::start(config).await?))
}

/// Settings that point at a twin, without credentials.
pub(crate) fn config(twin: &TwinHandle) -> Config {
    let mut config = Config::default();
    config.store_domain = Some("twin.myshopify.com".to_owned());
    config.api_base = Some(twin.base_url().to_owned());
    config
}

/// Options for a store of so many products.
pub(crate) fn products(products: u32) -> Options {
    // Tests of the bucket set their own rate; the others must not wait for it.
    Options { products, restore_rate: 100_000.0, ..Options::default() }
}

/// All rows of a search, following cursors as a client would, and the number of calls.
pub(crate) async fn all_rows(
    server: &InProcess<Server>,
    arguments: Value,
) -> TestResult<(Vec<Value>, usize)> {
    let (mut rows, mut calls, mut arguments) = (Vec::new(), 0, arguments);
    loop {
        let answer = server.call("search_products", arguments.clone()).await?;
        let found = answer.structured();
        calls += 1;
        let products = found["data"]["products"].as_array().ok_or("no products")?;
        assert_eq!(found["page"]["count"], products.len());
        rows.extend(products.iter().cloned());
        let next = &found["page"]["next_cursor"];
        assert_eq!(found["page"]["truncated"], json!(next.is_string()));
        if !next.is_string() {
            return Ok((rows, calls));
        }
        arguments["cursor"] = next.clone();
    }
}
