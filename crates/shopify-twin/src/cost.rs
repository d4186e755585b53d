//! What a request costs, and the leaky bucket it is paid from.
//!
//! Shopify publishes the rules in words only. The twin's: an object costs 1, a connection 2 plus
//! `first` or `last` times one node, scalars and enums nothing; what was asked for above what was
//! found is paid back.

use apollo_compiler::executable::{Field, Selection, SelectionSet};
use apollo_compiler::response::JsonMap;
use apollo_compiler::{ExecutableDocument, Schema};
use serde_json::{Value, json};
use tokio::time::Instant;

/// The most one query may cost (Shopify's limit for a single query).
pub(crate) const MAX_QUERY_COST: u64 = 1_000;

/// What a selection would cost at most.
pub(crate) fn requested(
    schema: &Schema,
    document: &ExecutableDocument,
    variables: &JsonMap,
    set: &SelectionSet,
) -> u64 {
    let costs = set.selections.iter().map(|selection| match selection {
        Selection::Field(field) => field_cost(schema, document, variables, field),
        Selection::InlineFragment(inline) => {
            requested(schema, document, variables, &inline.selection_set)
        }
        Selection::FragmentSpread(spread) => spread
            .fragment_def(document)
            .map_or(0, |fragment| requested(schema, document, variables, &fragment.selection_set)),
    });
    costs.fold(0, u64::saturating_add)
}

fn field_cost(
    schema: &Schema,
    document: &ExecutableDocument,
    variables: &JsonMap,
    field: &Field,
) -> u64 {
    if field.selection_set.selections.is_empty() {
        return 0;
    }
    let inner = requested(schema, document, variables, &field.selection_set);
    let of = field.ty().inner_named_type().as_str();
    if of.ends_with("Connection") {
        let size = argument(field, variables, "first").or(argument(field, variables, "last"));
        return inner.saturating_mul(size.unwrap_or(1)).saturating_add(2);
    }
    // Edges and page information belong to their connection.
    if of.ends_with("Edge") || of == "PageInfo" { inner } else { inner.saturating_add(1) }
}

fn argument(field: &Field, variables: &JsonMap, name: &str) -> Option<u64> {
    let value = field.specified_argument_by_name(name)?;
    if let Some(number) = value.to_i32() {
        return u64::try_from(number).ok();
    }
    variables.get(value.as_variable()?.as_str())?.as_u64()
}

/// What the found data costs.
pub(crate) fn actual(data: &Value) -> u64 {
    match data {
        Value::Array(items) => items.iter().map(actual).sum(),
        Value::Object(fields) => {
            fields.iter().map(|(key, value)| own(key, value) + actual(value)).sum()
        }
        _ => 0,
    }
}

fn own(key: &str, value: &Value) -> u64 {
    match value {
        _ if key == "pageInfo" || key == "edges" => 0,
        Value::Object(fields)
            if ["edges", "nodes", "pageInfo"].iter().any(|of| fields.contains_key(*of)) =>
        {
            2
        }
        Value::Object(_) => 1,
        Value::Array(items) => items.iter().filter(|item| item.is_object()).count() as u64,
        _ => 0,
    }
}

/// A leaky bucket: `maximum` points, refilled at `rate` points per second.
#[derive(Debug)]
pub(crate) struct Bucket {
    maximum: f64,
    rate: f64,
    available: f64,
    at: Instant,
}

impl Bucket {
    pub(crate) fn new(maximum: f64, rate: f64, now: Instant) -> Self {
        Self { maximum, rate, available: maximum, at: now }
    }

    /// Pay, if there is enough.
    pub(crate) fn take(&mut self, cost: u64, now: Instant) -> bool {
        self.refill(now);
        let enough = as_points(cost) <= self.available;
        if enough {
            self.available -= as_points(cost);
        }
        enough
    }

    pub(crate) fn give_back(&mut self, cost: u64) {
        self.available = (self.available + as_points(cost)).min(self.maximum);
    }

    pub(crate) fn empty(&mut self, now: Instant) {
        self.refill(now);
        self.available = 0.0;
    }

    /// The `extensions.cost` of an answer.
    pub(crate) fn report(&mut self, requested: u64, actual: Option<u64>, now: Instant) -> Value {
        self.refill(now);
        json!({
            "requestedQueryCost": requested,
            "actualQueryCost": actual,
            "throttleStatus": {"maximumAvailable": self.maximum,
                "currentlyAvailable": self.available.floor(), "restoreRate": self.rate},
        })
    }

    fn refill(&mut self, now: Instant) {
        let gained = now.duration_since(self.at).as_secs_f64() * self.rate;
        self.available = (self.available + gained).min(self.maximum);
        self.at = now;
    }
}

fn as_points(cost: u64) -> f64 {
    // Costs stay far below 2^32; above it the bucket is empty either way.
    f64::from(u32::try_from(cost).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::{Bucket, actual};
    use serde_json::json;
    use std::time::Duration;
    use tokio::time::Instant;

    #[test]
    fn counts_objects_and_not_their_wrapping() {
        let data = json!({"shop": {"plan": {"x": 1}}, "products": {"pageInfo": {},
            "edges": [{"cursor": "a", "node": {"id": 1, "price": {"min": {}}}}]}});
        assert_eq!(actual(&data), 2 + 2 + 3);
    }

    #[test]
    fn refills_at_its_rate_and_never_above_its_size() {
        let start = Instant::now();
        let later = |millis| start + Duration::from_millis(millis);
        let mut bucket = Bucket::new(1_000.0, 50.0, start);
        assert!(bucket.take(900, start) && !bucket.take(101, start));
        assert!(bucket.take(101, later(20)));
        bucket.empty(later(30));
        assert!(bucket.take(1_000, later(600_000)) && !bucket.take(1, later(600_000)));
    }
}
