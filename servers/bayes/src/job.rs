//! Sampling beside the async threads: chains in parallel, in limited time, with progress.

use std::{
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bayes_engine::{
    language::{Data, Diagnostic, Model, parse},
    posterior::{Chain, Posterior, run_chain},
    sampler::Settings,
};
use futures_util::future::try_join_all;
use mcp_core::prelude::*;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::Error;

/// How often a listener hears of a run.
const REPORT_EVERY: Duration = Duration::from_millis(200);
/// Acceptance wanted in the attempts of a run whose caller names none: smaller steps after divergences.
const ATTEMPTS: [f64; 3] = [0.8, 0.95, 0.99];

/// A bound model and how to sample it.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) model: Arc<Model>,
    pub(crate) settings: Settings,
    pub(crate) chains: u32,
    /// Whether divergences are followed by attempts with smaller steps.
    pub(crate) is_adaptive: bool,
    pub(crate) until: Instant,
}

/// What sampling gave.
#[derive(Debug)]
pub(crate) struct Sampled {
    pub(crate) posterior: Posterior,
    pub(crate) target_accept: f64,
    pub(crate) attempts: usize,
    pub(crate) timed_out: bool,
}

/// The longest run; the deadline of the call lies above it, so that a result is not lost.
pub(crate) const MAX_TIME: Duration = Duration::from_secs(110);

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

impl Job {
    /// Samples, again with smaller steps as long as draws diverge and time is left.
    pub(crate) async fn run(
        mut self,
        token: &CancellationToken,
        progress: &Progress,
    ) -> Result<Sampled> {
        let mut best = self.attempt(token, progress).await?;
        let first = best.posterior.first_divergent;
        let mut attempts = 1;
        if self.is_adaptive {
            for target in ATTEMPTS.into_iter().skip(1) {
                if best.posterior.divergent() == 0 || best.timed_out {
                    break;
                }
                self.settings.target_accept = target;
                let next = self.attempt(token, progress).await?;
                if next.timed_out {
                    // the whole attempt before says more than half of this
                    best.timed_out = false;
                    break;
                }
                best = next;
                attempts += 1;
            }
        }
        best.posterior.first_divergent = first;
        best.attempts = attempts;
        Ok(best)
    }

    async fn attempt(&self, token: &CancellationToken, progress: &Progress) -> Result<Sampled> {
        let done = Arc::new(AtomicUsize::new(0));
        let chains = try_join_all((0..self.chains).map(|number| self.chain(number, &done, token)));
        let mut chains = pin!(chains);
        let total = self.settings.draws * self.chains as usize;
        let chains = if progress.is_wanted() {
            let mut ticks = interval(REPORT_EVERY);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    biased;
                    chains = &mut chains => break chains?,
                    _ = ticks.tick() => {
                        let target = self.settings.target_accept;
                        let message = format!("sampling with target acceptance {target}");
                        #[expect(clippy::cast_precision_loss, reason = "draws are few")]
                        let (now, all) = (done.load(Ordering::Relaxed) as f64, total as f64);
                        progress.report(now, Some(all), &message).await;
                    }
                }
            }
        } else {
            chains.await?
        };
        let timed_out = chains.iter().any(|chain| !chain.ended.is_complete);
        let posterior = Posterior::new(&self.model, &self.settings, chains);
        let target_accept = self.settings.target_accept;
        Ok(Sampled { posterior, target_accept, attempts: 1, timed_out })
    }

    async fn chain(
        &self,
        number: u32,
        done: &Arc<AtomicUsize>,
        token: &CancellationToken,
    ) -> Result<Chain> {
        let (model, settings, until) = (Arc::clone(&self.model), self.settings, self.until);
        let done = Arc::clone(done);
        let sampled = task::compute(token, move |cancel| {
            let is_over = || cancel.is_cancelled() || Instant::now() >= until;
            let mut tell = |_| {
                done.fetch_add(1, Ordering::Relaxed);
            };
            run_chain(&model, &settings, number, &mut tell, &is_over)
        });
        sampled.await?.map_err(|diagnostic| Error::Model(Box::new(diagnostic)).into())
    }
}
