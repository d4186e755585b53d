//! Receipts of purges: what is gone, by keyed digests of ids, without anything of what it said.

use std::collections::{BTreeMap, HashSet};

use mcp_core::{
    Principal, StateKey, ToolError,
    prelude::{Deserialize, JsonSchema, Serialize},
};
use ulid::Ulid;

use crate::{Error, moment::Moment, record::Table, space::Space};

/// Layout of a receipt.
const FORMAT: u32 = 1;
/// Digests in a receipt, and backups.
const IDS: usize = 1_000;
const BACKUPS: usize = 50;

/// What was purged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub(crate) struct Receipt {
    /// Layout.
    format: u32,
    /// Where it was.
    namespace: String,
    /// Random name of the store.
    store: String,
    /// Journal position behind the purge.
    seq: u64,
    /// When store and index were read again.
    at: String,
    /// Rows that were deleted, by table.
    rows: BTreeMap<String, usize>,
    /// HMAC of the id of each row but chunks, at most 1,000.
    ids: Vec<String>,
    /// Rows beyond these.
    left_out: usize,
    /// Rows of them that store or index still had afterwards.
    found_after: usize,
    /// `pending`: files of the store keep old bytes until `run_maintenance` with `vacuum`.
    bytes_erased: String,
    /// Backups from before, which may hold what was purged, newest first, at most 50.
    backups: Vec<String>,
    /// HMAC of all of this.
    signature: String,
}

/// Signs receipts, and knows its own again.
#[derive(Debug, Clone)]
pub(crate) struct Seal(StateKey);

impl Seal {
    pub(crate) fn new(key: StateKey) -> Self {
        Self(key)
    }

    /// The receipt of a purge, after looking for what it took; `None` where there was nothing, or
    /// nothing can be said of it.
    pub(crate) async fn receipt(
        &self,
        space: &Space,
        seq: u64,
        purged: &[(Table, Ulid)],
    ) -> Option<Receipt> {
        if purged.is_empty() {
            return None;
        }
        let issued = self.issue(space, seq, purged).await;
        issued.inspect_err(|error| tracing::warn!(%error, "a purge has no receipt")).ok()
    }

    async fn issue(
        &self,
        space: &Space,
        seq: u64,
        purged: &[(Table, Ulid)],
    ) -> Result<Receipt, Error> {
        let store = space.knowledge().store_id();
        let found_after = space.knowledge().remains(purged).await?;
        let mut rows = BTreeMap::new();
        for (table, _) in purged {
            *rows.entry(table.label().to_owned()).or_default() += 1;
        }
        let named = purged.iter().filter(|(table, _)| *table != Table::Chunk);
        let ids: Vec<String> =
            named.clone().take(IDS).map(|(table, id)| self.tag(&store, *table, *id)).collect();
        let backups = space.backups().list()?.into_iter().take(BACKUPS);
        let mut receipt = Receipt {
            format: FORMAT,
            namespace: space.name().to_string(),
            seq,
            at: Moment::now().to_string(),
            rows,
            left_out: named.count() - ids.len(),
            ids,
            found_after,
            bytes_erased: "pending".to_owned(),
            backups: backups.map(|backup| backup.id).collect(),
            signature: String::new(),
            store,
        };
        receipt.signature = self.signature(&receipt)?;
        Ok(receipt)
    }

    /// Rows that a receipt tells of, if it was made here and nothing of it was changed.
    pub(crate) fn open(&self, receipt: &Receipt) -> Result<Gone, ToolError> {
        let ours = self.signature(receipt)?;
        // Compared by digests under the key: how long it takes tells nothing of the signature.
        if self.again(receipt, &ours) != self.again(receipt, &receipt.signature) {
            let message = "must be that of a receipt made here, unchanged";
            return Err(Error::invalid("/receipt/signature", message).into());
        }
        let tags = receipt.ids.iter().cloned().collect();
        Ok(Gone { seal: self.clone(), store: receipt.store.clone(), tags })
    }

    /// Digest of an id under a key that nobody else has.
    fn tag(&self, store: &str, table: Table, id: Ulid) -> String {
        self.0.name("row", &owner(store), format!("{} {id}", table.label()).as_bytes())
    }

    fn signature(&self, receipt: &Receipt) -> Result<String, Error> {
        let unsigned = Receipt { signature: String::new(), ..receipt.clone() };
        let text =
            serde_json::to_vec(&unsigned).map_err(|error| Error::Internal(error.to_string()))?;
        Ok(self.0.name("receipt", &owner(&receipt.store), &text))
    }

    fn again(&self, receipt: &Receipt, signature: &str) -> String {
        self.0.name("again", &owner(&receipt.store), signature.as_bytes())
    }
}

fn owner(store: &str) -> Principal {
    Principal::new(format!("store:{store}"), None, None)
}

/// Rows that should not be there.
#[derive(Debug)]
pub(crate) struct Gone {
    seal: Seal,
    store: String,
    tags: HashSet<String>,
}

impl Gone {
    /// Whether this is one of them.
    pub(crate) fn has(&self, table: Table, id: Ulid) -> bool {
        table != Table::Chunk && self.tags.contains(&self.seal.tag(&self.store, table, id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(seal: &Seal) -> Receipt {
        let mut receipt = Receipt {
            format: FORMAT,
            namespace: "default".to_owned(),
            store: "s".to_owned(),
            seq: 7,
            at: "2026-01-01T00:00:00Z".to_owned(),
            rows: BTreeMap::from([("memory".to_owned(), 1)]),
            ids: vec![seal.tag("s", Table::Memory, Ulid(5))],
            left_out: 0,
            found_after: 0,
            bytes_erased: "pending".to_owned(),
            backups: Vec::new(),
            signature: String::new(),
        };
        receipt.signature = seal.signature(&receipt).unwrap();
        receipt
    }

    #[test]
    fn a_receipt_is_good_where_it_was_made_and_unchanged() {
        let seal = Seal::new(StateKey::random().unwrap());
        let receipt = receipt(&seal);
        let gone = seal.open(&receipt).unwrap();
        assert!(gone.has(Table::Memory, Ulid(5)));
        assert!(!gone.has(Table::Memory, Ulid(6)) && !gone.has(Table::Fact, Ulid(5)));
        let other = Seal::new(StateKey::random().unwrap());
        assert_eq!(other.open(&receipt).unwrap_err().field(), Some("/receipt/signature"));
        for changed in [
            Receipt { seq: 8, ..receipt.clone() },
            Receipt { store: "t".to_owned(), ..receipt.clone() },
            Receipt { ids: Vec::new(), ..receipt.clone() },
            Receipt { found_after: 1, ..receipt.clone() },
            Receipt { signature: String::new(), ..receipt.clone() },
        ] {
            assert!(seal.open(&changed).is_err(), "{changed:?}");
        }
        assert!(!serde_json::to_string(&receipt).unwrap().contains(&Ulid(5).to_string()));
    }
}
