//! Arguments and answer of `create_namespace`.

use std::collections::BTreeMap;

use mcp_core::{Principal, prelude::*};

use crate::{
    Error,
    graph::Cardinality,
    knowledge::GraphWork,
    server::Server,
    space::{Allowance, Made},
    tools::arguments::label,
};

/// Which namespace, and its rules.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateNamespaceArgs {
    /// Its name: your home, seen by `get_schema`, then `/` and words of a-z, 0-9, _ and -.
    #[schemars(length(min = 1, max = 259))]
    name: String,
    /// How much it may hold, besides what the operator allows; replaces what was set before.
    #[serde(default)]
    quota: Option<Allowance>,
    /// By type of fact: `one` if an entity has one value at a time.
    #[schemars(length(max = 100))]
    #[serde(default)]
    cardinalities: BTreeMap<String, Cardinality>,
}

/// The namespace.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CreateNamespaceOutput {
    /// Its name.
    name: String,
    /// False when it was there.
    created: bool,
    /// Made at.
    created_at: String,
    /// The bounds that count.
    quota: Allowance,
    /// Its journal position.
    seq: u64,
}

pub(super) async fn create(
    server: &Server,
    args: CreateNamespaceArgs,
    caller: &Principal,
) -> Result<CreateNamespaceOutput> {
    for kind in args.cardinalities.keys() {
        label("/cardinalities", kind)?;
        if kind.chars().count() > 64 {
            return Err(Error::invalid("/cardinalities", "types must be <= 64 characters").into());
        }
    }
    let Made { name, is_new, created_at, quota } =
        server.spaces().create(caller, &args.name, args.quota).await?;
    let space = server.writes(caller, Some(name.as_str())).await?;
    if !args.cardinalities.is_empty() {
        let rules = args.cardinalities.into_iter().collect();
        let work = GraphWork::Facts { items: Vec::new(), create_missing: false, rules };
        space.knowledge().upsert(work, None).await?;
    }
    let seq = space.knowledge().seq();
    Ok(CreateNamespaceOutput { name: name.to_string(), created: is_new, created_at, quota, seq })
}
