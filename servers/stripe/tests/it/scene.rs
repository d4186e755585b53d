//! What the attacks must know: a Stripe whose every text is hostile, and the cursors.

use mcp_testkit::attacks::upstream::{Asked, Held, STEERING, Scene, Upstream};
use serde_json::{Value, json};

pub(crate) const SCENE: Scene = Scene {
    upstream: Some(Upstream {
        variables: |address| {
            vec![
                ("STRIPE_API_KEY", "rk_test_000000000000000000000000".to_owned()),
                ("STRIPE_API_BASE", format!("http://{address}")),
            ]
        },
        answer: |asked| answer(asked).to_string().into_bytes(),
        refusal: |_| {
            let error = json!({"type": "invalid_request_error", "message": STEERING, "param": STEERING,
                "code": "parameter_unknown"});
            (400, json!({ "error": error }).to_string().into_bytes())
        },
        changes: |asked| asked.method != "GET",
        calls: &[
            ("get_account", "{}"),
            ("get_object", r#"{"id":"cus_1","fields":["*"]}"#),
            ("list_objects", r#"{"resource":"customer"}"#),
            ("create_customer", r#"{"name":"Jane","idempotency_key":"key-1"}"#),
        ],
    }),
    held: &[Held {
        before: &[],
        given_by: ("list_objects", r#"{"resource":"customer","limit":1}"#),
        place: "/page/next_cursor",
        taken_by: ("list_objects", r#"{"resource":"customer","limit":1,"cursor":"HERE"}"#),
        refused_by: &[
            ("list_objects", r#"{"resource":"price","limit":1,"cursor":"HERE"}"#),
            (
                "list_objects",
                r#"{"resource":"customer","filters":{"email":"a@example.com"},"cursor":"HERE"}"#,
            ),
        ],
    }],
};

fn answer(asked: &Asked) -> Value {
    let path = asked.target.split('?').next().unwrap_or_default();
    match path {
        "/v1/account" => {
            json!({"id": "acct_1", "object": "account", "country": "DE", "charges_enabled": true,
            "business_profile": {"name": STEERING, "url": STEERING}, "settings": {"dashboard": {"display_name": STEERING}}})
        }
        "/v1/customers" if asked.target.contains("starting_after") => {
            json!({"object": "list", "data": [], "has_more": false, "url": path})
        }
        "/v1/customers" if asked.method == "GET" => {
            json!({"object": "list", "data": [customer()], "has_more": true, "url": path})
        }
        _ => customer(),
    }
}

fn customer() -> Value {
    json!({"id": "cus_1", "object": "customer", "name": STEERING, "email": null, "created": 1, "livemode": false,
        "description": STEERING, "metadata": {"note": STEERING}})
}
