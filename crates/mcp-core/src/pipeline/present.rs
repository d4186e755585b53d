//! P7: what leaves the server.

use rmcp::{
    RoleServer,
    model::{CacheScope, CallToolResult, ContentBlock, JsonObject, MetaObject, ProtocolVersion},
    service::RequestContext,
};

use super::Guarded;
use crate::{Kind, ToolError};

/// Largest result in bytes, images and structured content included.
pub const MAX_BYTES: usize = 1 << 20;

/// How long a client may keep a list, in milliseconds.
pub(super) const LIST_TTL_MS: u64 = 300_000;
/// The same for the list of documents.
pub(super) const RESOURCES_TTL_MS: u64 = 30_000;

/// Refuse a result that a client would cut off; servers page before it comes to this.
pub(super) fn cap(
    result: &CallToolResult,
    max_text: usize,
    schema: &JsonObject,
) -> Result<(), ToolError> {
    let (mut characters, mut bytes) = (0, 0);
    for block in &result.content {
        match block {
            ContentBlock::Text(text) => {
                characters += text.text.chars().count();
                bytes += text.text.len();
            }
            ContentBlock::Image(image) => bytes += image.data.len(),
            ContentBlock::Audio(audio) => bytes += audio.data.len(),
            _ => {}
        }
    }
    if characters <= max_text && bytes <= MAX_BYTES {
        return Ok(());
    }
    let size = if characters > max_text {
        format!("{characters} characters, more than {max_text}")
    } else {
        format!("{bytes} bytes, more than {MAX_BYTES}")
    };
    let paging = paging_arguments(schema);
    let hint = if paging.is_empty() {
        "ask for less".to_owned()
    } else {
        format!("ask for less with {}", paging.join(", "))
    };
    Err(ToolError::new(Kind::Refused, "result_too_large", format!("the result has {size}"))
        .with_hint(hint))
}

/// Arguments by which a tool's answer can be made smaller.
fn paging_arguments(schema: &JsonObject) -> Vec<&str> {
    const KNOWN: [&str; 10] = [
        "limit",
        "cursor",
        "fields",
        "max_bytes",
        "max_tokens",
        "tail",
        "k",
        "points",
        "content",
        "sections",
    ];
    let properties = schema.get("properties").and_then(serde_json::Value::as_object);
    let has = |name: &&str| properties.is_some_and(|properties| properties.contains_key(*name));
    KNOWN.into_iter().filter(has).collect()
}

/// Whether the caller speaks 2026-07-28 or later.
pub(super) fn is_modern(context: &RequestContext<RoleServer>) -> bool {
    context.protocol_version().is_some_and(|version| version >= ProtocolVersion::V_2026_07_28)
}

impl Guarded {
    /// Name the server in the result's `_meta`, for callers whose revision knows that key.
    pub(super) fn stamp(&self, meta: &mut Option<MetaObject>, modern: bool) {
        if !modern {
            return;
        }
        let meta = meta.get_or_insert_default();
        meta.0.insert("io.modelcontextprotocol/serverInfo".to_owned(), self.0.stamp.clone());
    }

    /// Cache hint of a list: how long, for whom.
    pub(super) fn list_hint(&self, own_ttl_ms: u64, own: CacheScope) -> (u64, CacheScope) {
        match &self.0.extended {
            Some(extended) => (extended.list_ttl_ms(), own),
            None => (own_ttl_ms, own),
        }
    }
}
