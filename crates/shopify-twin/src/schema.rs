//! The committed schema, parsed once and only when a request needs it.

use apollo_compiler::Schema;
use apollo_compiler::collections::HashMap;
use apollo_compiler::schema::{Implementers, Name};
use apollo_compiler::validation::Valid;
use std::sync::LazyLock;

/// The API version that [`SDL`] describes.
pub const API_VERSION: &str = "2026-10";

/// Shopify's Admin API types without descriptions; source and licence in `schema/NOTICE.md`.
pub const SDL: &str = include_str!("../schema/admin-2026-10.graphql");

pub(crate) struct Loaded {
    pub(crate) schema: Valid<Schema>,
    pub(crate) implementers: HashMap<Name, Implementers>,
}

/// The parsed schema; an error only when the committed file was damaged.
pub(crate) fn loaded() -> Result<&'static Loaded, &'static str> {
    static LOADED: LazyLock<Result<Loaded, String>> = LazyLock::new(|| {
        let schema = Schema::parse_and_validate(SDL, "admin-2026-10.graphql")
            .map_err(|invalid| invalid.to_string())?;
        let implementers = schema.implementers_map();
        Ok(Loaded { schema, implementers })
    });
    LOADED.as_ref().map_err(String::as_str)
}
