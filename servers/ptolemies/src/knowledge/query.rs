//! Raw reads of the store.

use mcp_core::prelude::CancellationToken;

use super::{Knowledge, Mode, Target};
use crate::{
    Error,
    guard::Judged,
    query::{Bounds, Found, Params},
    store::SurrealStore,
};

impl Knowledge<SurrealStore> {
    /// Rows of a query that the guard let through, and where the journal stood before it. What has
    /// expired is purged first: the store's rows know no clock.
    pub(crate) async fn select(
        &self,
        judged: &Judged,
        params: &Params,
        bounds: Bounds,
        token: &CancellationToken,
    ) -> Result<(u64, Found), Error> {
        self.ready().await?;
        let purged = self.forget(Target::Expired, Mode::Purge, false, None).await?;
        let found = self.shared.store().select(judged, params, bounds, token).await?;
        Ok((purged.seq, found.finish()))
    }
}
