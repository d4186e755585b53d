//! How much is kept.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use mcp_core::prelude::{CancellationToken, ToolError, task};

use super::{Knowledge, Limits};
use crate::store::Store;

/// Memories counted, and the bounds.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) limits: Limits,
    /// Memories that are known now.
    pub(crate) memories: usize,
    /// Versions of memories, the old ones too.
    pub(crate) versions: usize,
    /// Contexts of memories known now, most first, of equals by name.
    pub(crate) contexts: Vec<(String, usize)>,
    /// Whether there is a model of meaning.
    pub(crate) meaning: bool,
}

impl<S: Store> Knowledge<S> {
    /// Count what is kept.
    pub(crate) async fn holdings(&self, token: &CancellationToken) -> Result<Holdings, ToolError> {
        self.ready().await?;
        let shared = Arc::clone(&self.shared);
        let counted = task::compute(token, move |_| {
            let state = shared.read();
            let now = shared.now(&state);
            let mut contexts: HashMap<&str, usize> = HashMap::new();
            let mut memories = 0;
            for (_, entry) in state.catalog.newest(None).filter(|(_, entry)| entry.is_current(now))
            {
                memories += 1;
                *contexts.entry(&entry.context).or_default() += 1;
            }
            let mut contexts: Vec<(String, usize)> =
                contexts.into_iter().map(|(context, count)| (context.to_owned(), count)).collect();
            contexts.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
            Holdings {
                limits: shared.limits,
                memories,
                versions: state.catalog.len(),
                contexts,
                meaning: state.index.rank() > 0,
            }
        });
        counted.await
    }
}
