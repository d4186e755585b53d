//! Formulas for data.

mod data;

use std::{sync::Arc, time::Duration};

use darwin_engine::{
    Budget, Fit, FitOptions, FitSettings, Sample, Seed, Status, fit_expression, symbolic_functions,
};
use mcp_core::prelude::*;
use tokio::sync::watch;

use self::data::DataArgs;
use super::{
    found::Stop,
    optimize::{BudgetArgs, TimeRule},
};
use crate::{Error, Server, controls::Surroundings, job::followed, quota::Spending, seed};

/// What to explain, by what, and for how long to search.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FitExpressionArgs {
    data: DataArgs,
    /// The column to explain; all others may be used.
    #[schemars(length(min = 1, max = 100))]
    target: String,
    /// Of + - * / pow min max square cube sqrt cbrt exp ln sin cos tan atan tanh abs if (default:
    /// + - * / sin cos exp ln sqrt).
    #[serde(default)]
    #[schemars(length(max = 20), inner(length(max = 10)))]
    functions: Vec<String>,
    /// Most functions, columns and numbers of a formula (default 30).
    #[schemars(range(min = 3, max = 100))]
    max_size: Option<u32>,
    /// Parts of the rows for cross-validation, 0 or 2 to 20 (default 5; none below 10 rows).
    #[schemars(range(max = 20))]
    folds: Option<u32>,
    /// `max_evals` counts formulas on the data (default 2,000,000), `target` is an rmse.
    #[serde(default)]
    budget: BudgetArgs,
    /// Equal seeds give equal results; drawn and reported when absent.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Most threads; never changes the result.
    #[schemars(range(min = 1, max = 256))]
    threads: Option<u16>,
}

/// Formulas.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct FitExpressionOutput {
    /// The formula to take; an `expr` of `define_problem` whose variables are named as the columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    best: Option<Formula>,
    /// Why that one: `exact`: the smallest without error; `cross_validation`: the smallest within a
    /// standard error of the least `cv_rmse`; `bic`: error weighed against size.
    #[serde(skip_serializing_if = "Option::is_none")]
    chosen_by: Option<&'static str>,
    /// Formulas that none found beats in both size and error, the smallest first.
    front: Vec<Formula>,
    /// Why it ended.
    stop_reason: Stop,
    /// Formulas tried on the data.
    evals: u64,
    /// Generations, over all populations.
    generations: u64,
    /// Populations; one that stands still makes room for the next.
    populations: u64,
    /// Rows of the data.
    rows: usize,
    /// Seed used.
    seed: u64,
    /// Whether the same arguments give the same result; after a time stop, those with
    /// `budget.max_evals` = `evals` do.
    reproducible: bool,
    /// Version of the engine, and revision of the algorithm.
    engine_version: String,
}

/// A formula.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct Formula {
    /// The formula.
    expr: String,
    /// Functions, columns and numbers in it.
    size: usize,
    /// Root of the mean squared residual.
    rmse: f64,
    /// Share of the target's variance that it explains.
    r2: f64,
    /// Largest residual.
    max_error: f64,
    /// Rmse on rows that its numbers were not fitted to.
    #[serde(skip_serializing_if = "Option::is_none")]
    cv_rmse: Option<f64>,
    /// Standard error of that.
    #[serde(skip_serializing_if = "Option::is_none")]
    cv_se: Option<f64>,
}

/// A search with all that fixes it.
#[derive(Debug)]
struct Search {
    data: Sample,
    settings: FitSettings,
    budget: Budget,
    seed: Seed,
    threads: usize,
}

const EVALS: i64 = 2_000_000;
/// The front is polished after the search.
const MAX_TIME: Duration = Duration::from_secs(100);

impl FitExpressionArgs {
    fn search(self, time: f64, seed: Seed, threads: usize) -> Result<Search> {
        let Self { data, target, functions, max_size, folds, mut budget, .. } = self;
        let data = data.sample(&target)?;
        budget.max_evals.get_or_insert(EVALS);
        let longest = MAX_TIME.as_secs_f64();
        let rule = TimeRule { default: Some(time.min(longest)), longest };
        let budget = budget.build(data.names().len(), rule, 0)?;
        let known = symbolic_functions();
        if let Some((place, name)) =
            functions.iter().enumerate().find(|(_, name)| !known.contains(&name.as_str()))
        {
            let error: ToolError = Error::unknown("/functions", "function", name, known).into();
            return Err(error.with_field(format!("/functions/{place}")));
        }
        let options = FitOptions { functions, max_size, folds, ..FitOptions::default() };
        let settings = options.resolve(&data).map_err(|error| {
            let field = match &error {
                darwin_engine::Error::InvalidParameter { field, .. } => format!("/{field}"),
                _ => String::new(),
            };
            ToolError::from(Error::from(error)).with_field(field)
        })?;
        let threads = self.threads.map_or(threads, |wanted| threads.min(wanted.into()));
        Ok(Search { data, settings, budget, seed, threads })
    }
}

impl Search {
    fn run(
        &self,
        pool: Option<&rayon::ThreadPool>,
        cancelled: &(dyn Fn() -> bool + Sync),
        tell: &dyn Fn(Status),
    ) -> Fit {
        let around =
            Surroundings { pool, threads: self.threads, points: 2, before: Duration::ZERO };
        around.with(cancelled, Some(tell), |controls| {
            fit_expression(&self.data, &self.settings, &self.budget, self.seed, controls)
        })
    }

    fn told(&self, fit: &Fit) -> Result<FitExpressionOutput> {
        let Some(stop_reason) = Stop::of(fit.stop) else {
            return Err(ToolError::new(Kind::Cancelled, "cancelled", "the search was cancelled"));
        };
        let formula = |one: &darwin_engine::Candidate| Formula {
            expr: one.expression.clone(),
            size: one.size,
            rmse: one.rmse,
            r2: one.r2,
            max_error: one.worst,
            cv_rmse: one.validated.map(|(mean, _)| mean),
            cv_se: one.validated.map(|(_, error)| error),
        };
        let front: Vec<Formula> = fit.front.iter().map(formula).collect();
        Ok(FitExpressionOutput {
            best: fit.choice.and_then(|(place, _)| front.get(place).cloned()),
            chosen_by: fit.choice.map(|(_, why)| why.name()),
            front,
            stop_reason,
            evals: fit.evals,
            generations: fit.generations,
            populations: fit.populations,
            rows: self.data.rows(),
            seed: self.seed.get(),
            reproducible: stop_reason != Stop::MaxTime,
            engine_version: format!(
                "{} symbolic-{}",
                darwin_engine::VERSION,
                self.settings.revision()
            ),
        })
    }
}

#[tool_router(router = fit_tools, vis = "pub(crate)")]
impl Server {
    /// Find formulas for data (symbolic regression by genetic programming, numbers by least squares):
    /// the front of error and size, and the one to take by cross-validation. Formulas are expressions
    /// of `define_problem`.
    #[tool(
        title = "Fit an expression",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn fit_expression(
        &self,
        Parameters(args): Parameters<FitExpressionArgs>,
        principal: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<FitExpressionOutput>> {
        let seed = args.seed.map_or_else(seed::draw, |seed| Ok(Seed::new(seed)?))?;
        let time = self.config().max_time_s;
        let search = Arc::new(args.search(time, seed, self.config().threads())?);
        let spending: Spending = self.spend(&principal)?;
        let pool = (search.threads > 1).then(|| self.pool()).flatten();
        let total = search.budget.max_evals();
        let (told, status) = watch::channel(None);
        let own = Arc::clone(&search);
        let work = task::compute(&ct, move |cancel| {
            let fit = own.run(pool.as_deref(), &|| cancel.is_cancelled(), &|status| {
                told.send_replace(Some(status));
            });
            spending.add(fit.evals);
            fit
        });
        let fit = followed(work, &status, Some(&progress), total).await?;
        Ok(Json(search.told(&fit)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_search_leaves_time_for_its_answer() {
        assert!(MAX_TIME > crate::job::MIN_TIME && MAX_TIME < crate::job::MAX_TIME);
    }
}
