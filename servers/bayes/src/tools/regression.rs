//! `fit_regression`.

use std::collections::BTreeMap;

use bayes_engine::{
    language::Datum,
    regression::{self, Column, Regression, regression},
};
use mcp_core::{Principal, prelude::*};
use serde_json::{Value, json};

use super::fit::{FitArgs, FitOutput};
use crate::{Error, Server};

/// A formula and a table.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegressionArgs {
    /// `y ~ x + level + x:z + (1 + x | group)`; `a * b` adds both and their product, `0 +` drops the
    /// intercept; `y | trials(n) ~ x` for successes of n trials.
    #[schemars(length(min = 3, max = 1000))]
    formula: String,
    /// Distribution of the outcome. Identity link: `gaussian`, `student` (outliers). Log link, above 0:
    /// `lognormal`, `gamma`, `weibull`, `exponential`, with zeros `hurdle_*`; counts: `poisson`, `negbin`, with
    /// zeros of their own `zero_inflated_*` (mixed in) or `hurdle_*` (all of them). Logit link: `bernoulli` (0, 1),
    /// `binomial`, `beta` (between), `cumulative` (ordered 1, 2, ..), `categorical` (words or numbers, no groups).
    family: FamilyName,
    /// Columns of one length: numbers or words, null where missing. Rows that miss a used value are
    /// dropped.
    data: BTreeMap<String, Vec<Value>>,
    /// Stan distributions instead of the weak defaults, for `intercept`, `b` (also `horseshoe(m)`: about m
    /// predictors matter), `sd` (of groups), `sigma`, `nu`, `shape`, `phi`, `zi`, `hu`, `cut`.
    #[serde(default)]
    priors: BTreeMap<String, String>,
    /// Chains.
    #[serde(default = "chains")]
    #[schemars(range(min = 1, max = 16))]
    chains: u32,
    /// Kept draws of each chain.
    #[serde(default = "draws")]
    #[schemars(range(min = 100, max = 20_000))]
    draws: usize,
    /// Equal seeds give equal draws; default: from the arguments.
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    seed: Option<u64>,
    /// Longest sampling in seconds.
    #[serde(default = "time")]
    #[schemars(range(min = 1.0, max = 110.0))]
    max_time_s: f64,
}

fn chains() -> u32 {
    4
}

fn draws() -> usize {
    1000
}

fn time() -> f64 {
    60.0
}

/// A family of outcomes.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum FamilyName {
    Gaussian,
    Student,
    Lognormal,
    Gamma,
    Weibull,
    Exponential,
    Beta,
    Bernoulli,
    Poisson,
    Negbin,
    Binomial,
    ZeroInflatedPoisson,
    ZeroInflatedNegbin,
    ZeroInflatedBinomial,
    ZeroInflatedBeta,
    HurdlePoisson,
    HurdleNegbin,
    HurdleGamma,
    HurdleLognormal,
    Cumulative,
    Categorical,
}

impl From<FamilyName> for regression::Family {
    fn from(name: FamilyName) -> Self {
        match name {
            FamilyName::Gaussian => Self::Gaussian,
            FamilyName::Student => Self::Student,
            FamilyName::Lognormal => Self::Lognormal,
            FamilyName::Gamma => Self::Gamma,
            FamilyName::Weibull => Self::Weibull,
            FamilyName::Exponential => Self::Exponential,
            FamilyName::Beta => Self::Beta,
            FamilyName::Bernoulli => Self::Bernoulli,
            FamilyName::Poisson => Self::Poisson,
            FamilyName::Negbin => Self::NegBinomial,
            FamilyName::ZeroInflatedPoisson => Self::ZeroInflatedPoisson,
            FamilyName::Binomial => Self::Binomial,
            FamilyName::ZeroInflatedNegbin => Self::ZeroInflatedNegBinomial,
            FamilyName::ZeroInflatedBinomial => Self::ZeroInflatedBinomial,
            FamilyName::ZeroInflatedBeta => Self::ZeroInflatedBeta,
            FamilyName::HurdlePoisson => Self::HurdlePoisson,
            FamilyName::HurdleNegbin => Self::HurdleNegBinomial,
            FamilyName::HurdleGamma => Self::HurdleGamma,
            FamilyName::HurdleLognormal => Self::HurdleLognormal,
            FamilyName::Cumulative => Self::Cumulative,
            FamilyName::Categorical => Self::Categorical,
        }
    }
}

/// A fitted regression.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RegressionOutput {
    /// The fit, as `fit_model` answers; `b[k]` belongs to `coefficients[k]`.
    fit: FitOutput,
    /// Names of the elements of `b`.
    coefficients: Vec<String>,
    /// What varies by group: `r_1[j,m]` is level j, term m of the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    groups: Vec<GroupOutput>,
    /// Categories of an outcome without order: `b[k,c]` is of category c + 1 against the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    categories: Vec<String>,
    /// Rows used.
    rows: usize,
    /// Rows dropped for missing values.
    rows_dropped: usize,
    /// The model that ran.
    stan_code: String,
}

/// A grouping column.
#[derive(Debug, Serialize, JsonSchema)]
struct GroupOutput {
    /// The column.
    name: String,
    /// Its levels in order, at most 50.
    levels: Vec<String>,
    /// Terms in order.
    terms: Vec<String>,
}

/// Levels shown.
const LEVELS: usize = 50;

#[tool_router(router = regression_tools, vis = "pub(crate)")]
impl Server {
    /// Fit a regression by formula: 21 families, categorical predictors, interactions, varying
    /// intercepts and slopes with their correlation, horseshoe. Writes and runs a model in Stan's language
    /// and returns its text; the `run_id` serves every tool on runs.
    #[tool(
        title = "Fit a regression",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn fit_regression(
        &self,
        Parameters(args): Parameters<RegressionArgs>,
        caller: Principal,
        ct: CancellationToken,
        progress: Progress,
    ) -> Result<Json<RegressionOutput>> {
        let family = regression::Family::from(args.family);
        let table = table(args.data)?;
        let (formula, priors) = (args.formula, args.priors);
        let made = task::compute(&ct, move |_| regression(&formula, family, &table, &priors));
        let made: Regression = made.await?.map_err(Error::from)?;
        let data: BTreeMap<&String, Value> =
            made.data.iter().map(|(name, datum)| (name, value(datum))).collect();
        let mut given = json!({
            "code": made.code,
            "data": data,
            "chains": args.chains,
            "draws": args.draws,
            "max_time_s": args.max_time_s,
            "wait_ms": 60_000,
        });
        if let Some(seed) = args.seed {
            given["seed"] = json!(seed);
        }
        let given: FitArgs = serde_json::from_value(given)
            .map_err(|error| ToolError::internal(error.to_string()))?;
        let Json(fit) = self.fit_model(Parameters(given), caller, ct, progress).await?;
        let groups = made.groups.into_iter().map(|group| GroupOutput {
            name: group.name,
            levels: group.levels.into_iter().take(LEVELS).collect(),
            terms: group.terms,
        });
        Ok(Json(RegressionOutput {
            fit,
            coefficients: made.coefficients,
            groups: groups.collect(),
            categories: made.categories,
            rows: made.rows,
            rows_dropped: made.dropped,
            stan_code: made.code,
        }))
    }
}

/// Columns as the engine reads them: words if any value is one.
fn table(data: BTreeMap<String, Vec<Value>>) -> Result<BTreeMap<String, Column>, Error> {
    data.into_iter()
        .map(|(name, values)| {
            if let Some(at) = values.iter().position(|value| value.is_array() || value.is_object())
            {
                return Err(Error::Cell { name, row: at });
            }
            let has_words = values.iter().any(Value::is_string);
            let column = if has_words {
                Column::Words(values.iter().map(word).collect())
            } else {
                Column::Numbers(values.iter().map(number).collect())
            };
            Ok((name, column))
        })
        .collect()
}

fn word(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => {
            Some(crate::label::label(Some(text.clone()), || "unnamed".to_owned()))
        }
        other => Some(other.to_string()),
    }
}

fn number(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_bool().map(|is| if is { 1.0 } else { 0.0 }))
}

fn value(datum: &Datum) -> Value {
    match datum {
        Datum::Number(number) | Datum::Fill(number) => json!(number),
        Datum::List(list) => list.iter().map(value).collect(),
    }
}
