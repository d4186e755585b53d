//! `fit_model`.

use std::{collections::BTreeMap, sync::Arc};

use bayes_engine::{language::Model, sampler::Settings};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::{Duration, Instant};

use super::{engine_version, model::data};
use crate::{
    Error, Server,
    job::{self, Job},
    run::{Found, Plan},
    store::{Head, Source, Status, head::Kept, now_ms},
};

mod output;
mod wait;

pub(crate) use self::output::{FitOutput, SamplerOutput};

/// A model, its data and how to sample.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FitArgs {
    /// The model in Stan's language.
    #[schemars(length(min = 1, max = 65_536))]
    code: String,
    /// Values of the data block by name; matrices as lists of rows.
    #[serde(default)]
    data: BTreeMap<String, Value>,
    /// From `register_data`; `data` wins.
    #[schemars(length(max = 64))]
    data_id: Option<String>,
    /// Chains.
    #[serde(default = "chains")]
    #[schemars(range(min = 1, max = 16))]
    chains: u32,
    /// Adapting draws of each chain.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 10_000))]
    tune: usize,
    /// Kept draws of each chain.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 20_000))]
    draws: usize,
    /// Wanted acceptance; default 0.8, then 0.95 and 0.99 if draws diverge.
    #[schemars(range(min = 0.5, max = 0.999))]
    target_accept: Option<f64>,
    /// Most doublings of a trajectory.
    #[serde(default = "depth")]
    #[schemars(range(min = 1, max = 15))]
    max_treedepth: usize,
    /// Half the width of the uniform start of the free parameters.
    #[serde(default = "radius")]
    #[schemars(range(min = 0.0, max = 10.0))]
    init_radius: f64,
    /// Equal seeds give equal draws; default: from the arguments.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Longest sampling in seconds; what was drawn until then is kept.
    #[serde(default = "time")]
    #[schemars(range(min = 1.0, max = 900.0))]
    max_time_s: f64,
    /// Wait so long, ms; the run goes on.
    #[serde(default = "wait")]
    #[schemars(range(max = 60_000))]
    wait_ms: u32,
    /// Mass of the intervals.
    #[serde(default = "prob")]
    #[schemars(range(min = 0.01, max = 0.9999))]
    prob: f64,
}

fn chains() -> u32 {
    4
}

fn draws() -> usize {
    1000
}

fn depth() -> usize {
    10
}

fn radius() -> f64 {
    2.0
}

fn time() -> f64 {
    60.0
}

fn wait() -> u32 {
    10_000
}

pub(super) fn prob() -> f64 {
    0.94
}

#[tool_router(router = fit_tools, vis = "pub(crate)")]
impl Server {
    /// Fit a model in Stan's language by NUTS, without a compiler: adapts, reruns with smaller steps if
    /// draws diverge, judges itself. Answers `reliable` with reasons, a summary of the parameters and a
    /// `run_id` (24 h). An equal call answers with the same run. Refused models name line, column and fix.
    #[tool(
        title = "Fit a model",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    pub(super) async fn fit_model(
        &self,
        Parameters(args): Parameters<FitArgs>,
        caller: Principal,
        ct: CancellationToken,
        told: Progress,
    ) -> Result<Json<FitOutput>> {
        let started = Instant::now();
        let (digest, prob) = (args.digest(), args.prob);
        let id = self.runs.name(&caller, &[&digest[..], engine_version().as_bytes()].concat());
        let until = args.until(started, &told);
        if let Some(found) = self.runs.equal(&caller, &id).await? {
            let elapsed = Duration::ZERO;
            return self.joined((found, id), (prob, elapsed), &caller, until, &told).await;
        }
        let plan = self.plan(args, digest, &caller, &ct).await?;
        let active = match self.runs.begin(&caller, &id, plan).await? {
            Found::Active(active) => active,
            // An equal call of another process was faster.
            found @ Found::Stored(_) => {
                return self
                    .joined((found, id), (prob, started.elapsed()), &caller, until, &told)
                    .await;
            }
        };
        match wait::own(&active, until, &ct, &told).await {
            None => Ok(Json(FitOutput::running(id, &active.head, Some(active.watched())))),
            Some(ended) => {
                if ended.state.status == Status::Failed {
                    // Nobody knows its name yet.
                    drop(self.runs.delete(&caller, &id).await);
                }
                FitOutput::ended((id, &active), &ended, prob, started.elapsed())
            }
        }
    }
}

impl Server {
    /// The answer of a run that an earlier call began.
    async fn joined(
        &self,
        (found, id): (Found, String),
        (prob, elapsed): (f64, Duration),
        caller: &Principal,
        until: Instant,
        told: &Progress,
    ) -> Result<Json<FitOutput>> {
        let run = match found {
            Found::Active(active) => {
                return match wait::any(&active, until, told).await {
                    None => Ok(Json(FitOutput::running(id, &active.head, Some(active.watched())))),
                    Some(ended) => FitOutput::ended((id, &active), &ended, prob, elapsed),
                };
            }
            Found::Stored(run) => run,
        };
        let run = wait::elsewhere(&self.runs, caller, &id, *run, until).await?;
        if run.status == Status::Running {
            return Ok(Json(FitOutput::running(id, &run.head, None)));
        }
        let loaded = self.runs.get(caller, &id).await?;
        Ok(Json(FitOutput::new(id, &loaded, prob, elapsed)?))
    }

    /// Bind the model: what is wrong with it is told before a run begins.
    async fn plan(
        &self,
        args: FitArgs,
        digest: [u8; 32],
        caller: &Principal,
        ct: &CancellationToken,
    ) -> Result<Plan> {
        let refuse = |diagnostic| Error::Model(Box::new(diagnostic));
        let seed = args.seed.unwrap_or_else(|| from_digest(digest));
        let (settings, chains) = (args.settings(seed), args.chains);
        let (target_accept, max_time_s) = (args.target_accept, args.max_time_s);
        let given = (args.code.as_str(), args.data);
        let values = self.values_for(given, args.data_id.as_deref(), caller).await?;
        let source = Source { code: args.code, data: values };
        let given = data(source.data.clone()).map_err(refuse)?;
        let until = Instant::now() + job::BIND_TIME;
        let model =
            job::try_bind(source.code.clone(), given, seed, until, ct).await?.map_err(refuse)?;
        let head = Head {
            created_ms: now_ms(),
            engine: engine_version(),
            seed,
            chains: chains as usize,
            tune: settings.tune,
            draws: settings.draws,
            target_accept,
            max_treedepth: settings.max_depth,
            max_time_s,
            dimension: model.dim(),
            width: model.width(),
            variables: model.variables().iter().map(Kept::of).collect(),
            printed: model.printed().to_owned(),
        };
        let bytes = size(&model, &settings, chains);
        let (model, time) = (Arc::new(model), Duration::from_secs_f64(max_time_s));
        let is_adaptive = target_accept.is_none();
        Ok(Plan { head, source, job: Job { model, settings, chains, is_adaptive, time }, bytes })
    }
}

impl FitArgs {
    /// What tells equal calls: all that changes the draws.
    fn digest(&self) -> [u8; 32] {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.remove("prob");
            fields.remove("wait_ms");
        }
        Sha256::digest(value.to_string()).into()
    }

    /// When to answer at the latest. Nobody waits for the answer of a task.
    fn until(&self, started: Instant, told: &Progress) -> Instant {
        if told.is_task() {
            return mcp_core::deadline::leaving(Duration::from_secs(5), CallPolicy::MAX_DEADLINE);
        }
        started + Duration::from_millis(u64::from(self.wait_ms))
    }

    fn settings(&self, seed: u64) -> Settings {
        Settings {
            tune: self.tune,
            draws: self.draws,
            target_accept: self.target_accept.unwrap_or(job::ATTEMPTS[0]),
            max_depth: self.max_treedepth,
            radius: self.init_radius,
            seed,
            ..Settings::default()
        }
    }
}

/// A seed below 2^53.
fn from_digest(digest: [u8; 32]) -> u64 {
    let first = digest.first_chunk().copied().unwrap_or_default();
    u64::from_be_bytes(first) >> 11
}

/// Bytes of the draws of a run.
fn size(model: &Model, settings: &Settings, chains: u32) -> usize {
    let numbers = model.width() + model.dim() + 8;
    numbers.saturating_mul(settings.draws).saturating_mul(chains as usize).saturating_mul(8)
}
