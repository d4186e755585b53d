//! Long lists: nothing lost, nothing twice, and always a way to go on.

use std::{collections::BTreeSet, sync::Arc};

use mcp_testkit::TestResult;
use serde_json::{Value, json};

use crate::{
    fake::{Fake, Step},
    session::{Session, config},
};

/// A list of `total` customers, newest first, as the API pages it.
fn pages(total: usize, description: &'static str) -> Step {
    Step::Compute(Arc::new(move |line| {
        let parameter = |name: &str| {
            let query = line.split(' ').nth(1)?.split_once('?')?.1;
            query
                .split('&')
                .find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let limit: usize = parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(10);
        let after =
            parameter("starting_after").and_then(|id| id.strip_prefix("cus_")?.parse().ok());
        let first = after.map_or(0, |after: usize| after + 1);
        let last = total.min(first + limit);
        let rows: Vec<Value> = (first..last)
            .map(|n| json!({"id": format!("cus_{n}"), "object": "customer", "description": description}))
            .collect();
        json!({"object": "list", "data": rows, "has_more": last < total}).to_string()
    }))
}

fn ids(answer: &Value) -> Vec<String> {
    let rows = answer["data"].as_array().map(Vec::as_slice).unwrap_or_default();
    rows.iter().filter_map(|row| row["id"].as_str().map(str::to_owned)).collect()
}

async fn serving(step: Step) -> TestResult<(Fake, Session)> {
    let fake = Fake::start([step]).await?;
    let session = Session::start(config(&fake.base())).await?;
    Ok((fake, session))
}

/// Follow cursors to the end; all ids in order.
async fn follow(session: &Session, arguments: &Value) -> Vec<String> {
    let mut arguments = arguments.clone();
    let mut all = Vec::new();
    loop {
        let answer = session.call("list_objects", arguments.clone()).await.expect("a page");
        let page = &answer["page"];
        assert_eq!(page["count"], ids(&answer).len());
        assert_eq!(page["truncated"], page.get("next_cursor").is_some());
        all.extend(ids(&answer));
        let Some(cursor) = page.get("next_cursor") else { return all };
        arguments["cursor"] = cursor.clone();
    }
}

#[tokio::test]
async fn ten_thousand_objects_none_lost_none_twice() -> TestResult {
    let (fake, session) = serving(pages(10_000, "")).await?;
    let arguments = json!({"resource": "customer", "max_items": 10_000, "fields": ["id"]});
    let all = follow(&session, &arguments).await;
    assert_eq!(all.len(), 10_000);
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), 10_000);
    assert_eq!(all.last().map(String::as_str), Some("cus_9999"));
    assert_eq!(fake.connections(), 1);
    let counted = session
        .call("list_objects", json!({"resource": "customer", "count_only": true}))
        .await
        .expect("a count");
    assert_eq!(counted["page"], json!({"count": 10_000, "truncated": false}));
    assert!(counted.get("data").is_none());
    Ok(())
}

#[tokio::test]
async fn pages_of_any_size_make_the_same_list() -> TestResult {
    let (_fake, session) = serving(pages(57, "")).await?;
    for (limit, max_items) in [
        (Some(1), None),
        (Some(10), None),
        (None, None),
        (Some(7), Some(20)),
        (None, Some(57)),
        (None, Some(100)),
        (Some(19), Some(19)),
    ] {
        let arguments = json!({"resource": "customer", "limit": limit, "max_items": max_items});
        let all = follow(&session, &arguments).await;
        let expected: Vec<_> = (0..57).map(|n| format!("cus_{n}")).collect();
        assert_eq!(all, expected, "{arguments}");
    }
    Ok(())
}

#[tokio::test]
async fn a_count_below_the_total_says_so_and_goes_on() -> TestResult {
    let (_fake, session) = serving(pages(250, "")).await?;
    let mut arguments = json!({"resource": "customer", "count_only": true, "max_items": 120});
    let mut counts = Vec::new();
    loop {
        let answer = session.call("list_objects", arguments.clone()).await.expect("a count");
        counts.push(answer["page"]["count"].as_u64());
        let Some(cursor) = answer["page"].get("next_cursor") else { break };
        arguments["cursor"] = cursor.clone();
    }
    assert_eq!(counts, [Some(120), Some(120), Some(10)]);
    Ok(())
}

#[tokio::test]
async fn a_full_answer_stops_and_goes_on() -> TestResult {
    const TEXT: &str = include_str!("fake.rs");
    let (_fake, session) = serving(pages(300, TEXT)).await?;
    let arguments = json!({"resource": "customer", "max_items": 300});
    let answer = session.call("list_objects", arguments.clone()).await.expect("a page");
    assert_eq!(answer["page"]["truncated"], true);
    let warnings = answer["warnings"].to_string();
    assert!(
        warnings.contains("the answer is full") && warnings.contains("long texts are cut"),
        "{warnings}"
    );
    assert!(answer.to_string().chars().count() < 50_000);
    assert_eq!(follow(&session, &arguments).await.len(), 300);
    Ok(())
}

#[tokio::test]
async fn a_cursor_serves_its_own_listing_only() -> TestResult {
    let (fake, session) = serving(pages(50, "")).await?;
    let first = session
        .call("list_objects", json!({"resource": "customer", "filters": {"email": "a@b.c"}}))
        .await
        .expect("a page");
    let cursor = first["page"]["next_cursor"].clone();
    let others = [
        json!({"resource": "customer", "cursor": cursor}),
        json!({"resource": "product", "cursor": cursor}),
        json!({"resource": "customer", "filters": {"email": "x@b.c"}, "cursor": cursor}),
        json!({"resource": "customer", "filters": {"email": "a@b.c"}, "account": "acct_2", "cursor": cursor}),
    ];
    for other in others {
        assert_eq!(
            session.call("list_objects", other).await.expect_err("foreign")["code"],
            "invalid_cursor"
        );
    }
    let mut config = config(&fake.base());
    config.api_key = Some("rk_test_other".to_owned().into());
    let stranger = Session::start(config).await?;
    let same = json!({"resource": "customer", "filters": {"email": "a@b.c"}, "cursor": cursor, "limit": 3, "fields": ["id"]});
    assert_eq!(
        stranger.call("list_objects", same.clone()).await.expect_err("foreign")["code"],
        "invalid_cursor"
    );
    let next = session.call("list_objects", same).await.expect("the next page");
    assert_eq!(ids(&next), ["cus_10", "cus_11", "cus_12"]);
    Ok(())
}

#[tokio::test]
async fn a_failure_on_the_way_keeps_what_there_is() -> TestResult {
    let rows: Vec<Value> =
        (0..100).map(|n| json!({"id": format!("cus_{n}"), "object": "customer"})).collect();
    let page = json!({"object": "list", "data": rows, "has_more": true}).to_string();
    let failing = Step::answer(503, &["Retry-After: 600"], "{}");
    let (_fake, session) = {
        let fake = Fake::start([Step::answer(200, &[], &page), failing]).await?;
        let session = Session::start(config(&fake.base())).await?;
        (fake, session)
    };
    let answer = session
        .call("list_objects", json!({"resource": "customer", "max_items": 500}))
        .await
        .expect("a part");
    assert_eq!(answer["page"]["count"], 100);
    assert!(answer["page"].get("next_cursor").is_some());
    assert_eq!(
        answer["warnings"],
        json!(["stopped early: Stripe failed to answer (upstream_error)"])
    );
    Ok(())
}

#[tokio::test]
async fn a_list_that_is_none_is_unreadable() -> TestResult {
    let odd = [
        json!({"object": "list"}),
        json!({"object": "list", "data": [{"object": "customer"}]}),
        json!({"object": "list", "data": ["cus_1"]}),
        json!({"object": "list", "data": [], "has_more": true}),
    ];
    for body in odd {
        let (_fake, session) = serving(Step::answer(200, &[], &body.to_string())).await?;
        let error = session
            .call("list_objects", json!({"resource": "customer", "max_items": 9}))
            .await
            .expect_err("odd");
        assert_eq!(error["code"], "upstream_unreadable", "{body}");
        assert!(error["details"]["problem"].is_string());
    }
    Ok(())
}

#[tokio::test]
async fn one_object_beyond_the_size_of_an_answer_is_said() -> TestResult {
    let metadata: serde_json::Map<_, _> =
        (0..200).map(|n| (format!("key{n}"), json!("x".repeat(400)))).collect();
    let row = json!({"id": "cus_1", "object": "customer", "metadata": metadata});
    let list = json!({"object": "list", "data": [row], "has_more": false}).to_string();
    let (_fake, session) = serving(Step::answer(200, &[], &list)).await?;
    let error =
        session.call("list_objects", json!({"resource": "customer"})).await.expect_err("too large");
    assert_eq!((&error["code"], &error["field"]), (&json!("output_too_large"), &json!("/fields")));
    let answer = session
        .call("list_objects", json!({"resource": "customer", "fields": ["id"]}))
        .await
        .expect("ids");
    assert_eq!(ids(&answer), ["cus_1"]);
    Ok(())
}
