//! Every request this server can make is accepted by stripe-mock, which checks it against Stripe's
//! OpenAPI description.

use std::{process::Stdio, time::Duration};

use mcp_core::config::Environment;
use mcp_testkit::{TestResult, binary::free_port};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config as RunnerConfig, RngAlgorithm, TestRng, TestRunner},
};
use serde_json::{Map, Value, json};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::Instant,
};

use crate::session::{Session, config};

/// The double, on free ports of loopback; it ends when dropped.
struct Mock {
    base: String,
    _process: Child,
}

impl Mock {
    /// Nothing without the binary; a failure in CI, where it must be there.
    async fn start() -> TestResult<Option<Self>> {
        let environment = Environment::of_process();
        let Some(binary) = environment.get("MACHINA_STRIPE_MOCK") else {
            if environment.get("CI") == Some("true") {
                return Err("MACHINA_STRIPE_MOCK must name stripe-mock in CI".into());
            }
            return Ok(None);
        };
        let (http, https) = (free_port()?, free_port()?);
        let process = Command::new(binary)
            .args([
                "-http-addr",
                &format!("127.0.0.1:{http}"),
                "-https-addr",
                &format!("127.0.0.1:{https}"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let limit = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect(("127.0.0.1", http)).await.is_err() {
            if Instant::now() > limit {
                return Err("stripe-mock did not listen within 20 s".into());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Some(Self { base: format!("http://127.0.0.1:{http}"), _process: process }))
    }
}

macro_rules! mock_or_skip {
    () => {
        match Mock::start().await? {
            Some(mock) => mock,
            None => {
                eprintln!("skipped: MACHINA_STRIPE_MOCK does not name a stripe-mock binary");
                return Ok(());
            }
        }
    };
}

/// Every filter of every resource, by itself.
fn filters() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    for resource in ["customer", "product", "price", "payment_intent"] {
        all.push((resource, json!({"created": 1_700_000_000})));
        all.push((resource, json!({"created": {"gt": 1, "gte": 2, "lt": 3, "lte": 4}})));
    }
    let own = [
        ("customer", json!({"email": "a@b.c"})),
        ("customer", json!({"test_clock": "clock_1"})),
        ("product", json!({"active": true, "shippable": false})),
        ("product", json!({"ids": ["prod_1", "gold-special"]})),
        ("product", json!({"url": "https://example.com/?a=b&c"})),
        ("price", json!({"active": false, "currency": "EUR", "product": "prod_1"})),
        ("price", json!({"lookup_keys": ["a", "b"], "type": "recurring"})),
        ("price", json!({"recurring": {"interval": "month", "usage_type": "licensed"}})),
        ("price", json!({"recurring": {"meter": "mtr_1"}})),
        ("payment_intent", json!({"customer": "cus_1"})),
        ("payment_intent", json!({"customer_account": "acct_1"})),
    ];
    all.extend(own);
    all
}

#[tokio::test]
async fn every_list_filter_is_known_to_the_api() -> TestResult {
    let mock = mock_or_skip!();
    let session = Session::start(config(&mock.base)).await?;
    for (resource, filters) in filters() {
        let arguments =
            json!({"resource": resource, "filters": filters, "limit": 3, "fields": ["*"]});
        let answer = session.call("list_objects", arguments).await.expect("accepted");
        let rows = answer["data"].as_array().expect("rows");
        assert!(
            !rows.is_empty() && rows.iter().all(|row| row["object"] == resource),
            "{resource} {filters}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn every_kind_of_object_is_read_and_expanded() -> TestResult {
    let mock = mock_or_skip!();
    let session = Session::start(config(&mock.base)).await?;
    let table = [
        ("cus_1", "customer", "default_source"),
        ("prod_1", "product", "default_price"),
        ("price_1", "price", "product"),
        ("pi_1", "payment_intent", "latest_charge.customer"),
    ];
    for (id, resource, expand) in table {
        let answer = session
            .call("get_object", json!({"id": id, "expand": [expand]}))
            .await
            .expect("an object");
        assert_eq!((&answer["data"]["id"], &answer["resource"]), (&json!(id), &json!(resource)));
        let all = session
            .call("get_object", json!({"id": id, "fields": ["*"]}))
            .await
            .expect("an object");
        assert_eq!(all["data"]["object"], resource);
        assert!(!all.to_string().contains("client_secret"));
        let listed = json!({"resource": resource, "expand": [expand], "max_items": 3});
        session.call("list_objects", listed).await.expect("a list");
    }
    let price = session
        .call("get_object", json!({"id": "price_1", "expand": ["product"]}))
        .await
        .expect("a price");
    assert!(price["data"]["product"]["id"].as_str().is_some_and(|id| id.starts_with("prod_")));
    let account = session.call("get_account", json!({})).await.expect("an account");
    assert!(account["data"]["id"].as_str().is_some_and(|id| id.starts_with("acct_")));
    Ok(())
}

#[tokio::test]
async fn compact_lists_are_a_quarter_of_the_full_ones() -> TestResult {
    let mock = mock_or_skip!();
    let session = Session::start(config(&mock.base)).await?;
    let (mut compact, mut full) = (0, 0);
    for resource in ["customer", "product", "price", "payment_intent"] {
        let row = async |fields: Value| {
            let answer =
                session.call("list_objects", json!({"resource": resource, "fields": fields})).await;
            answer.map(|answer| answer["data"][0].to_string().len()).expect("a list")
        };
        let (small, large) = (row(Value::Null).await, row(json!(["*"])).await);
        println!("{resource}: {small} of {large} bytes");
        (compact, full) = (compact + small, full + large);
    }
    assert!(compact * 4 < full, "{compact} of {full} bytes");
    Ok(())
}

/// Arguments of `create_customer` as its schema allows them.
fn new_customer() -> impl Strategy<Value = Value> {
    let text = |max: usize| {
        prop::collection::vec(
            any::<char>().prop_filter("visible", |c| !c.is_control()),
            1..=max.min(60),
        )
        .prop_map(|chars| Value::from(chars.into_iter().collect::<String>()))
    };
    let metadata = prop::collection::btree_map("[a-zA-Z0-9 _.-]{1,40}", "[^\\x00]{1,100}", 0..5)
        .prop_map(|map| {
            map.into_iter().map(|(key, value)| (key, Value::from(value))).collect::<Map<_, _>>()
        });
    let address = prop::collection::btree_map(
        prop::sample::select(vec!["line1", "line2", "city", "state", "postal_code"]),
        text(20).prop_map(|value| value),
        1..5,
    );
    (
        text(256),
        prop::option::of("[a-z+.]{1,20}@[a-z]{1,20}\\.[a-z]{2,5}"),
        prop::option::of("[+0-9 ()-]{1,20}"),
        prop::option::of(text(5_000)),
        metadata,
        prop::option::of(address),
        any::<bool>(),
    )
        .prop_map(|(name, email, phone, description, metadata, address, clock)| {
            let mut all = json!({"name": name, "metadata": metadata});
            let optional = [
                ("email", email.map(Value::from)),
                ("phone", phone.map(Value::from)),
                ("description", description),
                (
                    "address",
                    address.map(|address| {
                        address
                            .into_iter()
                            .map(|(k, v)| (k.to_owned(), v))
                            .collect::<Map<_, _>>()
                            .into()
                    }),
                ),
                ("test_clock", clock.then(|| json!("clock_1"))),
            ];
            for (field, value) in optional {
                if let Some(value) = value {
                    all[field] = value;
                }
            }
            all
        })
}

#[tokio::test]
async fn any_customer_that_the_schema_allows_is_accepted() -> TestResult {
    let mock = mock_or_skip!();
    let session = Session::start(config(&mock.base)).await?;
    let seed = TestRng::from_seed(RngAlgorithm::ChaCha, &[7; 32]);
    let mut runner = TestRunner::new_with_rng(RunnerConfig::default(), seed);
    for _ in 0..200 {
        let arguments =
            new_customer().new_tree(&mut runner).map_err(|reason| reason.to_string())?.current();
        let answer = session.call("create_customer", arguments.clone()).await;
        let answer = answer.map_err(|error| format!("{arguments}: {error}"))?;
        assert!(
            answer["data"]["id"].as_str().is_some_and(|id| id.starts_with("cus_")),
            "{arguments}"
        );
        assert_eq!(answer["idempotency"]["key"].as_str().map(str::len), Some(36));
    }
    Ok(())
}
