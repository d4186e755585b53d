//! How much is kept.

use std::{cmp::Reverse, collections::HashMap, sync::Arc};

use mcp_core::prelude::{CancellationToken, ToolError, task};

use super::{Knowledge, Limits, Load};
use crate::store::Store;

/// Memories counted, and the bounds.
#[derive(Debug)]
pub(crate) struct Holdings {
    pub(crate) limits: Limits,
    /// What of them is used.
    pub(crate) load: Load,
    /// Memories that are known now.
    pub(crate) memories: usize,
    /// Versions of memories, the old ones too.
    pub(crate) versions: usize,
    /// Contexts of memories known now, most first, of equals by name.
    pub(crate) contexts: Vec<(String, usize)>,
    /// Documents that are known now, by media type, most first, of equals by name.
    pub(crate) mimes: Vec<(String, usize)>,
    /// Documents by context, in the same order.
    pub(crate) document_contexts: Vec<(String, usize)>,
    /// Chunks of documents, of the old versions too.
    pub(crate) chunks: usize,
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
            let mut mimes: HashMap<&str, usize> = HashMap::new();
            let mut document_contexts: HashMap<&str, usize> = HashMap::new();
            for document in state.documents.newest(None).filter(|document| document.is_open()) {
                *mimes.entry(&document.mime).or_default() += 1;
                *document_contexts.entry(&document.context).or_default() += 1;
            }
            Holdings {
                limits: shared.limits(),
                load: state.load(),
                memories,
                versions: state.catalog.len(),
                contexts: most_first(contexts),
                mimes: most_first(mimes),
                document_contexts: most_first(document_contexts),
                chunks: state.documents.chunks(),
                meaning: state.index.rank() > 0,
            }
        });
        counted.await
    }
}

fn most_first(counts: HashMap<&str, usize>) -> Vec<(String, usize)> {
    let mut counts: Vec<(String, usize)> =
        counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
    counts.sort_by(|a, b| (Reverse(a.1), &a.0).cmp(&(Reverse(b.1), &b.0)));
    counts
}
