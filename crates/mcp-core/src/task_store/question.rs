//! What a running task asks its owner, until all of it is answered.

use std::collections::BTreeMap;

use rmcp::model::{InputRequests, InputResponses};
use tokio::sync::oneshot;

/// Open requests under keys that the task uses once.
pub(super) struct Question {
    open: InputRequests,
    /// The tool's own key of each.
    keys: BTreeMap<String, String>,
    given: InputResponses,
    done: oneshot::Sender<InputResponses>,
}

impl Question {
    /// Ask; `None` when there is nothing to ask. From the second round on the keys carry its
    /// number: a client must not take an old answer for a new one.
    pub(super) fn new(
        requests: InputRequests,
        round: u32,
    ) -> Option<(Self, oneshot::Receiver<InputResponses>)> {
        if requests.is_empty() {
            return None;
        }
        let (done, answers) = oneshot::channel();
        let (mut open, mut keys) = (InputRequests::new(), BTreeMap::new());
        for (key, request) in requests {
            let shown = if round == 1 { key.clone() } else { format!("{key}#{round}") };
            keys.insert(shown.clone(), key);
            open.insert(shown, request);
        }
        Some((Self { open, keys, given: InputResponses::new(), done }, answers))
    }

    pub(super) fn open(&self) -> InputRequests {
        self.open.clone()
    }

    /// Take answers to what is open. What remains of the question, or nothing: then the task goes
    /// on.
    pub(super) fn answered(mut self, given: InputResponses) -> Option<Self> {
        for (shown, answer) in given {
            if self.open.remove(&shown).is_none() {
                continue;
            }
            if let Some(key) = self.keys.remove(&shown) {
                self.given.insert(key, answer);
            }
        }
        if !self.open.is_empty() {
            return Some(self);
        }
        // Nobody waits any more when the task was cancelled meanwhile.
        drop(self.done.send(self.given));
        None
    }
}
