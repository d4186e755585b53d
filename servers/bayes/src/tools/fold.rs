//! `compare_models` by k-fold cross-validation: fits without each part of the observations.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{
    diagnose::Reason,
    elpd::{self, Elpd},
    language::{Model, Part},
};
use mcp_core::prelude::*;

use super::{
    again::{bind, model_of, needs_terms, refused},
    model::data,
    prior::sampled,
    score::replayed,
};
use crate::{Error, run::Run, store::Source};

/// Draws of each chain of a fold.
const DRAWS: usize = 500;
/// Folds that are fitted beside each other.
const BESIDE: usize = 2;

/// Log densities of the observations that a fit did not see, by their number, and why its draws cannot be used.
type Fold = (BTreeMap<usize, Vec<f64>>, Option<Reason>);

/// The score of every run, and doubts about folds.
pub(super) async fn scores(
    runs: &[Arc<Run>],
    (k, seed): (usize, u64),
    ct: &CancellationToken,
    told: &Progress,
) -> Result<(Vec<Elpd>, Vec<Reason>)> {
    let (mut scores, mut reasons, mut done) = (Vec::with_capacity(runs.len()), Vec::new(), 0.0);
    #[expect(clippy::cast_precision_loss, reason = "a few hundred fits at most")]
    let total = (runs.len() * k) as f64;
    for (at, run) in runs.iter().enumerate() {
        let model = model_of(run, ct).await?;
        needs_terms(&model)?;
        let parts: Arc<[usize]> = parts(run, &model, k)?.into();
        let mut folds: Vec<Fold> = Vec::with_capacity(k);
        while folds.len() < k {
            let next = (folds.len()..k)
                .take(BESIDE)
                .map(|fold| fitted(run, (fold, Arc::clone(&parts)), (k, seed), ct));
            let found = futures_util::future::try_join_all(next).await?;
            #[expect(clippy::cast_precision_loss, reason = "a few fits")]
            let more = found.len() as f64;
            done += more;
            folds.extend(found);
            told.report(done, Some(total), &format!("{done} of {total} fits")).await;
        }
        let failed = folds.iter().filter(|(_, doubt)| doubt.is_some()).count();
        if let Some(first) = folds.iter().find_map(|(_, doubt)| doubt.as_ref()) {
            reasons.push(Reason {
                code: "unreliable_fold",
                message: format!(
                    "run_ids[{at}]: {failed} of {k} fits without a part are not reliable: {}",
                    first.message
                ),
                fix: first.fix,
            });
        }
        scores.push(scored(run, model, folds, ct).await?);
    }
    Ok((scores, reasons))
}

/// A fit without one part.
async fn fitted(
    run: &Run,
    (fold, parts): (usize, Arc<[usize]>),
    (folds, seed): (usize, u64),
    ct: &CancellationToken,
) -> Result<Fold> {
    let Source { code, data: given } = run.source().await?;
    let given = data(given).map_err(refused)?;
    let part = Part::Without { fold, folds };
    let model: Model = bind(code, given, part, run.seed, ct).await?.map_err(refused)?;
    let found = task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled();
        let posterior = sampled(&model, DRAWS, seed.wrapping_add(fold as u64), &is_over)?;
        let doubt = posterior.verdict().reasons.into_iter().next();
        let all = replayed(&posterior, &model, &is_over)?.into_iter().enumerate();
        let left_out = all.filter(|(at, _)| parts.get(*at) == Some(&fold)).collect();
        Ok::<_, Error>((left_out, doubt))
    });
    Ok(found.await??)
}

/// Each observation under the fit without it.
async fn scored(
    run: &Arc<Run>,
    model: Arc<Model>,
    folds: Vec<Fold>,
    ct: &CancellationToken,
) -> Result<Elpd> {
    let run = Arc::clone(run);
    let found = task::compute(ct, move |cancel| {
        let is_over = || cancel.is_cancelled();
        let full = replayed(&run.posterior, &model, &is_over)?;
        let mut all: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (left_out, _) in folds {
            all.extend(left_out);
        }
        // an observation that no fit left out has no draws, which is refused
        let left_out = |at: usize| all.get(&at).cloned().unwrap_or_default();
        Ok::<_, Error>(elpd::folded(full.len(), &left_out, &|at| full[at].clone())?)
    });
    Ok(found.await??)
}

/// The part of every observation: outcomes count their own from 0.
fn parts(run: &Run, model: &Model, folds: usize) -> Result<Vec<usize>, Error> {
    let numbers = run.posterior.chains.first();
    let width = run.posterior.width.max(1);
    let numbers = numbers.and_then(|chain| chain.numbers.chunks(width).next());
    let numbers = numbers.ok_or(Error::NoReplay)?;
    let wanted = bayes_engine::language::Wanted::default();
    let replay = model.replay(1, 0, numbers, wanted).map_err(refused)?.ok_or(Error::NoReplay)?;
    let of = |outcome: &bayes_engine::language::Outcome| {
        (0..outcome.log_lik.len()).map(|at| at % folds).collect::<Vec<_>>()
    };
    Ok(replay.outcomes.iter().flat_map(of).collect())
}
