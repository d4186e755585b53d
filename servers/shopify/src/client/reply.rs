//! An HTTP answer, and the GraphQL answer in it.

use super::failure::{Class, Failure};
use mcp_core::untrusted::line;
use mcp_core::upstream::header::HeaderMap;
use mcp_core::upstream::retry_after;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// An HTTP answer, read to its end.
#[derive(Debug, Clone, Default)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) json: bool,
    pub(super) version: Option<String>,
    pub(super) request_id: Option<String>,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Vec<u8>,
}

/// What came back, not yet of any query's shape.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) data: Value,
    pub(super) spent: Spent,
}

/// What a request took.
#[derive(Debug, Clone, Default)]
pub(crate) struct Spent {
    pub(crate) cost: Option<Charged>,
    pub(crate) request_id: Option<String>,
    pub(crate) warnings: Vec<String>,
}

/// Points of one request.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Charged {
    pub(crate) requested: f64,
    pub(crate) actual: Option<f64>,
    pub(crate) throttle: Throttle,
}

/// State of the bucket.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
pub(crate) struct Throttle {
    #[serde(rename = "currentlyAvailable")]
    pub(crate) available: f64,
    #[serde(rename = "maximumAvailable")]
    pub(crate) maximum: f64,
    #[serde(rename = "restoreRate")]
    pub(crate) restore_rate: f64,
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    data: Value,
    #[serde(default)]
    errors: Value,
    #[serde(default)]
    extensions: Value,
}

impl Reply {
    pub(super) fn new(status: u16, headers: &HeaderMap) -> Self {
        let text = |name: &str| {
            headers.get(name).and_then(|value| value.to_str().ok()).map(|text| line(text, 100))
        };
        Self {
            status,
            json: text("content-type").is_some_and(|of| of.starts_with("application/json")),
            version: text("x-shopify-api-version"),
            request_id: text("x-request-id"),
            retry_after: retry_after(headers, SystemTime::now()),
            body: Vec::new(),
        }
    }

    /// The GraphQL answer, or what is wrong with it. This is the one place that judges answers.
    pub(super) fn read(self, version: &str) -> Result<Answer, Box<Failure>> {
        let fail = |class: Class| Failure::new(class).with_reply(&self);
        if let Some(class) = Class::of_status(self.status) {
            return Err(Box::new(fail(class)));
        }
        if !self.json {
            return Err(Box::new(fail(Class::NotJson)));
        }
        let Ok(body) = serde_json::from_slice::<Body>(&self.body) else {
            return Err(Box::new(fail(Class::Truncated)));
        };
        let cost = charged(&body.extensions);
        if let Some(error) = first_error(&body.errors) {
            let code = error.pointer("/extensions/code").and_then(Value::as_str);
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let mut failure = fail(Class::of_graphql(code, message)).with_message(message);
            failure.code = code.map(|code| line(code, 60));
            failure.throttle = cost;
            return Err(Box::new(failure));
        }
        // Judged after the errors: an old version's refusal says more than its number.
        if self.version.as_deref().is_some_and(|actual| actual != version) {
            let message = format!("answered as {}", self.version.as_deref().unwrap_or_default());
            return Err(Box::new(fail(Class::Version).with_message(&message)));
        }
        if let Some(error) = user_error(&body.data) {
            let message = error.get("message").and_then(Value::as_str).unwrap_or_default();
            let mut failure = fail(Class::UserErrors).with_message(message);
            failure.code = error.get("code").and_then(Value::as_str).map(|code| line(code, 60));
            return Err(Box::new(failure));
        }
        if !body.data.is_object() {
            return Err(Box::new(fail(Class::Shape).with_message("no data")));
        }
        let warnings = search_warnings(&body.extensions);
        let spent = Spent { cost, request_id: self.request_id, warnings };
        Ok(Answer { data: body.data, spent })
    }

    /// A JSON answer of a route that is not GraphQL.
    pub(super) fn read_plain<T: DeserializeOwned>(self) -> Result<T, Box<Failure>> {
        let fail = |class: Class| Box::new(Failure::new(class).with_reply(&self));
        if let Some(class) = Class::of_status(self.status) {
            return Err(fail(class));
        }
        if !self.json {
            return Err(fail(Class::NotJson));
        }
        serde_json::from_slice(&self.body).map_err(|_| fail(Class::Truncated))
    }
}

/// The error that says most: one with a code that we know before any other.
fn first_error(errors: &Value) -> Option<Value> {
    match errors {
        // Some refusals are a bare text.
        Value::String(message) => Some(serde_json::json!({ "message": message })),
        Value::Array(list) => {
            let known = |error: &&Value| {
                let code = error.pointer("/extensions/code").and_then(Value::as_str);
                Class::of_graphql(code, "") != Class::Graphql
            };
            list.iter().find(known).or(list.first()).cloned()
        }
        Value::Null => None,
        other => Some(serde_json::json!({ "message": other.to_string() })),
    }
}

/// The first of a mutation's `userErrors`.
fn user_error(data: &Value) -> Option<&Value> {
    data.as_object()?.values().find_map(|root| root.get("userErrors")?.as_array()?.first())
}

fn charged(extensions: &Value) -> Option<Charged> {
    let cost = extensions.get("cost")?;
    Some(Charged {
        requested: cost.get("requestedQueryCost")?.as_f64()?,
        actual: cost.get("actualQueryCost").and_then(Value::as_f64),
        throttle: Throttle::deserialize(cost.get("throttleStatus")?).ok()?,
    })
}

/// Shopify leaves an unknown search field out of the search and says so here only.
fn search_warnings(extensions: &Value) -> Vec<String> {
    let entries = extensions.get("search").and_then(Value::as_array).into_iter().flatten();
    let warnings = entries.filter_map(|entry| entry.get("warnings")?.as_array()).flatten().take(10);
    let text = |warning: &Value, key: &str| {
        line(warning.get(key).and_then(Value::as_str).unwrap_or_default(), 120)
    };
    warnings
        .map(|warning| {
            let (field, message) = (text(warning, "field"), text(warning, "message"));
            format!("search term `{field}` was ignored by the store: {message}")
        })
        .collect()
}

#[cfg(test)]
#[path = "reply_tests.rs"]
mod tests;
