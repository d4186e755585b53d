//! Turns at the cores: each caller gets as many as every other, however many runs it has.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::oneshot;

/// Hands out turns. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Turns(Arc<Mutex<Queue>>);

#[derive(Debug)]
struct Queue {
    free: usize,
    /// Turns that were given.
    given: u64,
    callers: Vec<Caller>,
}

#[derive(Debug)]
struct Caller {
    id: Arc<str>,
    /// Number of its last turn.
    last: u64,
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

/// Callers that are remembered while none of their runs wait.
const REMEMBERED: usize = 1000;

/// A turn; the next one begins when it is dropped.
#[derive(Debug)]
pub struct Turn(Option<Turns>);

impl Turns {
    /// So many at once.
    pub fn new(free: usize) -> Self {
        Self(Arc::new(Mutex::new(Queue { free: free.max(1), given: 0, callers: Vec::new() })))
    }

    /// Wait for a turn of a caller, behind its others.
    pub async fn take(&self, caller: &Arc<str>) -> Turn {
        self.wait(caller, VecDeque::push_back).await
    }

    /// Wait for a turn of a caller, before its others: to go on with what was interrupted.
    pub async fn resume(&self, caller: &Arc<str>) -> Turn {
        self.wait(caller, VecDeque::push_front).await
    }

    /// Whether any other caller waits.
    pub fn is_contended(&self, caller: &str) -> bool {
        let waits = |other: &Caller| *other.id != *caller && !other.waiting.is_empty();
        self.queue().callers.iter().any(waits)
    }

    async fn wait(
        &self,
        caller: &Arc<str>,
        enter: impl FnOnce(&mut VecDeque<oneshot::Sender<Turn>>, oneshot::Sender<Turn>),
    ) -> Turn {
        let waiting = {
            let mut queue = self.queue();
            let place = queue.place(caller);
            if queue.free > 0 {
                queue.free -= 1;
                queue.give(place);
                return Turn(Some(self.clone()));
            }
            let (sender, waiting) = oneshot::channel();
            if let Some(caller) = queue.callers.get_mut(place) {
                enter(&mut caller.waiting, sender);
            }
            waiting
        };
        // The sender leaves the queue only by sending.
        waiting.await.unwrap_or(Turn(None))
    }

    /// Who comes next: of the callers that wait, the one whose last turn is longest ago. `None` frees
    /// the turn.
    fn next(&self) -> Option<oneshot::Sender<Turn>> {
        let mut queue = self.queue();
        let waiting = queue.callers.iter().enumerate().filter(|(_, one)| !one.waiting.is_empty());
        let Some((place, _)) = waiting.min_by_key(|(_, one)| one.last) else {
            queue.free += 1;
            return None;
        };
        queue.give(place)
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Where a caller stands.
    fn place(&mut self, id: &Arc<str>) -> usize {
        if let Some(place) = self.callers.iter().position(|caller| caller.id == *id) {
            return place;
        }
        if self.callers.len() >= REMEMBERED {
            self.callers.retain(|caller| !caller.waiting.is_empty());
        }
        let waiting = VecDeque::new();
        self.callers.push(Caller { id: Arc::clone(id), last: 0, waiting });
        self.callers.len() - 1
    }

    /// Count a turn of a caller's; the run of it that waits longest.
    fn give(&mut self, place: usize) -> Option<oneshot::Sender<Turn>> {
        self.given += 1;
        let caller = self.callers.get_mut(place)?;
        caller.last = self.given;
        caller.waiting.pop_front()
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let Some(turns) = self.0.take() else { return };
        while let Some(next) = turns.next() {
            match next.send(Self(Some(turns.clone()))) {
                Ok(()) => return,
                // That run does not wait any more; its turn is not to end twice.
                Err(mut turn) => turn.0 = None,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn callers_alternate_however_many_runs_they_have() {
        let turns = Turns::new(1);
        let (many, one): (Arc<str>, Arc<str>) = ("many".into(), "one".into());
        let order = Arc::new(Mutex::new(Vec::new()));
        let held = turns.take(&many).await;
        let run = |caller: &Arc<str>| {
            let (turns, caller, order) = (turns.clone(), Arc::clone(caller), Arc::clone(&order));
            async move {
                for _ in 0..2 {
                    let turn = turns.take(&caller).await;
                    order.lock().unwrap().push(caller.to_string());
                    drop(turn);
                }
            }
        };
        let runs = async { tokio::join!(run(&many), run(&many), run(&many), run(&one)) };
        let release = async {
            tokio::task::yield_now().await;
            drop(held);
        };
        tokio::join!(runs, release);
        let order = order.lock().unwrap();
        assert_eq!(order.len(), 8);
        assert_eq!(order[..4].iter().filter(|who| *who == "one").count(), 2, "{order:?}");
    }

    #[tokio::test]
    async fn a_run_that_waits_no_more_loses_no_turn() {
        let turns = Turns::new(1);
        let caller: Arc<str> = "a".into();
        let held = turns.take(&caller).await;
        {
            let mut gone = Box::pin(turns.take(&caller));
            assert!(futures_poll(&mut gone).await.is_none());
        }
        drop(held);
        let turn = turns.take(&caller).await;
        drop(turn);
        assert_eq!(turns.queue().free, 1);
    }

    #[tokio::test]
    async fn what_was_interrupted_goes_on_before_what_has_not_begun() {
        let turns = Turns::new(1);
        let (caller, other): (Arc<str>, Arc<str>) = ("a".into(), "b".into());
        let held = turns.take(&caller).await;
        assert!(!turns.is_contended("a"));
        let order = Mutex::new(Vec::new());
        let note = |word| order.lock().unwrap().push(word);
        let later = async {
            drop(turns.take(&caller).await);
            note("begun");
        };
        let resumed = async {
            drop(turns.resume(&caller).await);
            note("resumed");
        };
        let release = async {
            tokio::task::yield_now().await;
            assert!(turns.is_contended("b") && !turns.is_contended(&caller));
            drop(held);
        };
        tokio::join!(later, resumed, release);
        assert_eq!(*order.lock().unwrap(), ["resumed", "begun"]);
        drop(turns.take(&other).await);
    }

    /// Poll once.
    async fn futures_poll<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
        std::future::poll_fn(|context| {
            let poll = std::pin::Pin::new(&mut *future).poll(context);
            std::task::Poll::Ready(match poll {
                std::task::Poll::Ready(value) => Some(value),
                std::task::Poll::Pending => None,
            })
        })
        .await
    }
}
