//! A number that is read, written and destroyed: for tests of the cache and of confirmation.

use std::{
    sync::atomic::{AtomicU64, Ordering::SeqCst},
    time::Duration,
};

use futures_util::FutureExt;
use mcp_core::{CallPolicy, Preview};
use rmcp::model::ToolAnnotations;
use serde_json::{Value, json};

use super::{Call, Fixture, no_arguments, said};

/// The number, and how often it was read.
#[derive(Default)]
pub(super) struct Register {
    number: AtomicU64,
    reads: AtomicU64,
}

impl Register {
    pub(super) fn preview(&self, tool: &str) -> Preview {
        let number = self.number.load(SeqCst);
        match tool {
            "test_register_reset" => {
                Preview { effect: format!("forget {number}"), state: number.to_string() }
            }
            _ => Preview::default(),
        }
    }
}

pub(super) fn policy(tool: &str) -> Option<CallPolicy> {
    match tool {
        "test_register_read" => Some(CallPolicy::new().cache(Duration::from_secs(60))),
        "test_register_reset" => Some(CallPolicy::new().confirm()),
        _ => None,
    }
}

pub(super) fn annotations(tool: &str) -> ToolAnnotations {
    let read = Some(tool == "test_register_read");
    let destroys = Some(tool == "test_register_reset");
    ToolAnnotations::from_raw(None, read, destroys, Some(false), Some(false))
}

fn labelled(field: &str, schema: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {field: schema}})
}

fn number(call: &Call<'_>) -> u64 {
    call.arguments.get("number").and_then(Value::as_u64).unwrap_or_default()
}

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "test_register_read",
        description: "Tells the number, and how often it was looked at",
        schema: || labelled("label", &json!({"type": "string", "maxLength": 100})),
        run: |call| {
            async move {
                let register = &call.server.register;
                let reads = register.reads.fetch_add(1, SeqCst) + 1;
                said(format!("{} after {reads}", register.number.load(SeqCst)))
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_register_write",
        description: "Sets the number",
        schema: || labelled("number", &json!({"type": "integer", "minimum": 0})),
        run: |call| {
            async move {
                call.server.register.number.store(number(&call), SeqCst);
                said("written")
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_register_reset",
        description: "Forgets the number, after a confirmation",
        schema: no_arguments,
        run: |call| {
            async move {
                let unseen = !call.arguments.contains_key("confirm_token");
                call.server.register.number.store(0, SeqCst);
                said(format!("reset, token unseen: {unseen}"))
            }
            .boxed()
        },
    },
];
