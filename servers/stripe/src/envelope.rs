//! What every answer carries beside its data.

use schemars::JsonSchema;
use serde::Serialize;

/// Which part of a listing this is.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Page {
    /// Objects in `data`, or counted when `count_only`.
    pub(crate) count: u64,
    /// Whether more objects exist beyond this answer; then `count` is not the total.
    pub(crate) truncated: bool,
    /// Continues the listing; absent at its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next_cursor: Option<String>,
}

/// How a write can be repeated safely.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(crate) struct Idempotency {
    /// The key sent. Stripe runs a write at most once per key, and keeps keys for at least 24 hours.
    pub(crate) key: String,
    /// Whether this is the saved answer of an earlier call with the same key.
    pub(crate) replayed: bool,
}

/// Characters of JSON that the data of one answer may have: the pipeline refuses text beyond
/// 50,000, and the rest of the envelope needs room.
pub(crate) const MAX_DATA: usize = 40_000;
