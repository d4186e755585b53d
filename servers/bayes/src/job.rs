//! Sampling beside the async threads: chains in turns with other callers' chains, in limited time.

use std::{
    cell::{Cell, RefCell},
    io,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bayes_engine::{
    language::{Data, Diagnostic, Model, parse},
    posterior::{Chain, Posterior, run_chain},
    sampler::{Ended, Settings},
};
use futures_util::future::try_join_all;
use mcp_core::{
    prelude::*,
    turn::{Turn, Turns},
};
use tokio::{runtime::Handle, time::Instant};

use crate::{run::mark_incomplete, store::chain};

/// How long a chain keeps a core that another caller waits for.
const SLICE: Duration = Duration::from_millis(50);
/// Acceptance wanted in the attempts of a run whose caller names none: smaller steps after divergences.
pub(crate) const ATTEMPTS: [f64; 3] = [0.8, 0.95, 0.99];
/// The longest time a model may take to be bound to its data.
pub(crate) const BIND_TIME: Duration = Duration::from_secs(60);

/// A bound model and how to sample it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) model: Arc<Model>,
    pub(crate) settings: Settings,
    pub(crate) chains: u32,
    /// Whether divergences are followed by attempts with smaller steps.
    pub(crate) is_adaptive: bool,
    /// Longest sampling, from the first turn on.
    pub(crate) time: Duration,
}

/// Where a run is sampled.
#[derive(Debug, Clone)]
pub(crate) struct Stage {
    pub(crate) turns: Turns,
    pub(crate) owner: Arc<str>,
    pub(crate) control: Arc<Control>,
    /// Directory for chains that have ended.
    pub(crate) folder: PathBuf,
}

/// What may be asked and told of a run while it is sampled.
#[derive(Debug, Default)]
pub(crate) struct Control {
    /// What chains look at: reading it costs nothing.
    stopped: AtomicBool,
    token: CancellationToken,
    done: AtomicUsize,
    attempt: AtomicUsize,
    until: OnceLock<Instant>,
}

/// What sampling gave.
#[derive(Debug)]
pub(crate) struct Sampled {
    pub(crate) posterior: Posterior,
    pub(crate) target_accept: f64,
    /// The attempt that is kept, from 1.
    pub(crate) attempt: usize,
    /// Attempts that ended.
    pub(crate) attempts: usize,
    /// Whether draws of the kept attempt are missing.
    pub(crate) timed_out: bool,
    /// Whether any attempt was stopped before its end.
    pub(crate) is_cut: bool,
}

/// Why a run gave nothing.
#[derive(Debug)]
pub(crate) enum Failed {
    /// The model cannot be sampled.
    Model(Box<Diagnostic>),
    /// Its draws could not be written down.
    Store(io::ErrorKind),
    /// A fault of ours.
    Panic,
}

/// Binds a text to data off the async threads.
pub(crate) async fn try_bind(
    code: String,
    data: Data,
    seed: u64,
    until: Instant,
    token: &CancellationToken,
) -> Result<Result<Model, Diagnostic>> {
    task::compute(token, move |cancel| {
        let is_over = || cancel.is_cancelled() || Instant::now() >= until;
        parse(&code).and_then(|program| Model::bind(&program, &code, &data, seed, &is_over))
    })
    .await
}

impl Control {
    /// Ask the run to end with what it has.
    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
        self.token.cancel();
    }

    /// Kept draws of this attempt, and its number.
    pub(crate) fn done(&self) -> (usize, usize) {
        (self.done.load(Ordering::Relaxed), self.attempt.load(Ordering::Relaxed).max(1))
    }

    fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    fn begin(&self, attempt: usize) {
        self.done.store(0, Ordering::Relaxed);
        self.attempt.store(attempt, Ordering::Relaxed);
    }
}

impl Job {
    /// Samples, again with smaller steps as long as draws diverge and time is left.
    pub(crate) async fn run(mut self, stage: &Stage) -> Result<Sampled, Failed> {
        let mut best = self.attempt(1, stage).await?;
        let first = best.posterior.first_divergent;
        if self.is_adaptive {
            for (attempt, target) in (2..).zip(ATTEMPTS.into_iter().skip(1)) {
                if best.posterior.divergent() == 0 || best.timed_out {
                    break;
                }
                self.settings.target_accept = target;
                let next = self.attempt(attempt, stage).await?;
                if next.timed_out {
                    // The whole attempt before says more than part of this.
                    best.is_cut = true;
                    break;
                }
                best = next;
            }
        }
        best.posterior.first_divergent = first;
        Ok(best)
    }

    async fn attempt(&self, attempt: usize, stage: &Stage) -> Result<Sampled, Failed> {
        stage.control.begin(attempt);
        let all = (0..self.chains).map(|number| self.chain(number, attempt, stage));
        let mut chains = try_join_all(all).await?;
        let timed_out = chains.iter().any(|chain| !chain.ended.is_complete);
        let wanted = chains.len();
        chains.retain(|chain| !chain.steps.is_empty());
        mark_incomplete(&mut chains, wanted);
        let posterior = Posterior::new(&self.model, &self.settings, chains);
        let target_accept = self.settings.target_accept;
        let (attempts, is_cut) = (attempt, timed_out);
        Ok(Sampled { posterior, target_accept, attempt, attempts, timed_out, is_cut })
    }

    /// One chain, on disk when it has ended.
    async fn chain(&self, number: u32, attempt: usize, stage: &Stage) -> Result<Chain, Failed> {
        let turn = tokio::select! {
            biased;
            () = stage.control.token.cancelled() => return Ok(nothing()),
            turn = stage.turns.take(&stage.owner) => turn,
        };
        let until = *stage.control.until.get_or_init(|| Instant::now() + self.time);
        if Instant::now() >= until {
            return Ok(nothing());
        }
        let (model, settings, stage) = (Arc::clone(&self.model), self.settings, stage.clone());
        let sampled = task::blocking(move || {
            let slice = Slice::new(turn, &stage);
            let is_over = || slice.is_over(until);
            let mut tell = |_| {
                stage.control.done.fetch_add(1, Ordering::Relaxed);
            };
            let chain = run_chain(&model, &settings, number, &mut tell, &is_over);
            let chain = chain.map_err(|diagnostic| Failed::Model(Box::new(diagnostic)))?;
            if !chain.steps.is_empty() {
                let path = stage.folder.join(chain::name(attempt, number as usize));
                chain::write(&path, &chain).map_err(|error| Failed::Store(error.kind()))?;
            }
            // Not before: who counts chains that began counts on those that ended.
            drop(slice);
            Ok(chain)
        });
        sampled.await.map_err(|_| Failed::Panic)?
    }
}

/// A chain that never began.
fn nothing() -> Chain {
    Chain { numbers: Vec::new(), steps: Vec::new(), ended: Ended::default(), refused: 0 }
}

/// A chain's hold on a core.
struct Slice<'stage> {
    stage: &'stage Stage,
    turn: RefCell<Option<Turn>>,
    since: Cell<Instant>,
}

impl<'stage> Slice<'stage> {
    fn new(turn: Turn, stage: &'stage Stage) -> Self {
        Self { stage, turn: RefCell::new(Some(turn)), since: Cell::new(Instant::now()) }
    }

    /// Whether to end; asked at every gradient. Waits here while the core is another's.
    fn is_over(&self, until: Instant) -> bool {
        if self.stage.control.is_stopped() {
            return true;
        }
        let mut now = Instant::now();
        if now.duration_since(self.since.get()) >= SLICE {
            self.pass_on();
            now = Instant::now();
            self.since.set(now);
        }
        now >= until
    }

    /// Let another caller's chain go on, if one waits.
    fn pass_on(&self) {
        let Stage { turns, owner, control, .. } = self.stage;
        if !turns.is_contended(owner) {
            return;
        }
        drop(self.turn.take());
        let next = Handle::current().block_on(async {
            tokio::select! {
                biased;
                () = control.token.cancelled() => None,
                turn = turns.resume(owner) => Some(turn),
            }
        });
        self.turn.replace(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "parameters { vector[5] x; } model { x ~ std_normal(); }";

    fn job(draws: usize, chains: u32) -> Job {
        let model = Model::bind(&parse(TEXT).unwrap(), TEXT, &Data::new(), 1, &|| false).unwrap();
        let settings = Settings { tune: 100, draws, seed: 1, ..Settings::default() };
        let time = Duration::from_secs(60);
        Job { model: Arc::new(model), settings, chains, is_adaptive: true, time }
    }

    fn stage(owner: &str, turns: &Turns, folder: &std::path::Path) -> Stage {
        let folder = folder.to_path_buf();
        Stage { turns: turns.clone(), owner: owner.into(), control: Arc::default(), folder }
    }

    /// Turns change the order of the work, not one bit of its results.
    #[tokio::test]
    async fn a_long_run_lets_another_caller_through_and_draws_the_same() {
        let dir = tempfile::tempdir().unwrap();
        let alone = job(200, 2).run(&stage("a", &Turns::new(2), dir.path())).await.unwrap();
        let turns = Turns::new(1);
        let long = stage("long", &turns, dir.path());
        let short = stage("short", &turns, dir.path());
        let (first, second) = (job(20_000, 4).run(&long), job(200, 2).run(&short));
        let second = async {
            // It begins when the long one is at work.
            while long.control.done().0 == 0 {
                tokio::task::yield_now().await;
            }
            let ended = second.await.unwrap();
            let done = long.control.done().0;
            long.control.stop();
            (ended, done)
        };
        let (first, (second, done)) = tokio::join!(first, second);
        assert!(done < 80_000, "the short run waited for the whole of the long one");
        let first = first.unwrap();
        assert!(first.is_cut && first.timed_out && first.posterior.draws() >= done);
        assert_eq!(second.posterior, alone.posterior);
        assert!(!second.is_cut && second.attempts == 1);
    }

    #[tokio::test]
    async fn a_run_that_is_stopped_before_its_turn_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let turns = Turns::new(1);
        let held = turns.take(&"other".into()).await;
        let stage = stage("a", &turns, dir.path());
        let stop = async { stage.control.stop() };
        let (sampled, ()) = tokio::join!(job(100, 2).run(&stage), stop);
        let sampled = sampled.unwrap();
        assert!(sampled.is_cut && sampled.posterior.chains.is_empty());
        drop(held);
    }
}
