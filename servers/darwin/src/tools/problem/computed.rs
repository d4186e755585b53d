//! Objectives that are no expression: a module of WebAssembly, or how well a model explains data.

use std::collections::BTreeMap;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use darwin_engine::{
    Dataset, DatasetModel, Error as EngineError, Frame, Loss as EngineLoss, MAX_DATA_COLUMNS,
    MAX_DATA_ROWS, Model, Seed, Split,
};
use mcp_core::prelude::*;

use super::Sense;
use crate::{
    Error,
    data::{self, Columns, Most},
    files::Files,
    wasm::{Allowance, FUEL, MAX_FUEL, MAX_MODULE, Unfit, WasmObjective},
};

/// An objective as a module of WebAssembly. It imports nothing, exports `memory` and a function of
/// (address: i32, count: i32) that gives an f64; at the address lie the coordinates, f64 each. What
/// fails, or takes more than it may, counts as the worst value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WasmArgs {
    /// The module in base64, up to 2,000,000 bytes; or `file`.
    #[schemars(length(max = 2_700_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    module: Option<String>,
    /// Its path below a directory that the operator allowed.
    #[schemars(length(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    /// Name of the function (default f).
    #[schemars(length(min = 1, max = 100))]
    #[serde(skip_serializing_if = "Option::is_none")]
    export: Option<String>,
    /// Direction (default min).
    #[serde(skip_serializing_if = "Option::is_none")]
    sense: Option<Sense>,
    /// Instructions of one evaluation, about (default 10,000,000).
    #[schemars(range(min = 1000, max = 100_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    fuel: Option<u64>,
    /// Memory, MB (default 16).
    #[schemars(range(min = 1, max = 256))]
    #[serde(skip_serializing_if = "Option::is_none")]
    memory_mb: Option<u32>,
}

/// An objective as a model's loss over data. The variables of the problem are the model's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DatasetArgs {
    /// What it predicts: an expression over the variables, lets and columns, such as a*exp(-b*t) + c.
    #[schemars(length(min = 1, max = 65_536))]
    model: String,
    /// The column to predict.
    #[schemars(length(min = 1, max = 100))]
    target: String,
    /// `mse` (default), `mae`, `huber`, `logloss` of probabilities, `quantile`; `r2` is maximised.
    #[serde(default)]
    loss: Loss,
    /// Where huber becomes straight (default 1).
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<f64>,
    /// Which quantile (default 0.5).
    #[serde(skip_serializing_if = "Option::is_none")]
    q: Option<f64>,
    /// Deal the rows out into so many parts and hold one out: the search does not see it, results tell
    /// its loss as `held_out`.
    #[schemars(range(min = 2, max = 1000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    folds: Option<u32>,
    /// Which part, from 0 (default 0).
    #[schemars(range(max = 999))]
    #[serde(skip_serializing_if = "Option::is_none")]
    fold: Option<u32>,
    /// What shuffles the rows first (default 1).
    #[schemars(range(max = 9_007_199_254_740_991_u64))]
    #[serde(skip_serializing_if = "Option::is_none")]
    fold_seed: Option<u64>,
    /// Data: columns by name, equally long; or `csv`, or `file`.
    #[schemars(length(max = 200))]
    #[serde(skip_serializing_if = "Option::is_none")]
    columns: Option<BTreeMap<String, Vec<f64>>>,
    /// Data as text: names in the first line, then numbers; separated by comma, semicolon or tab.
    #[schemars(length(max = 4_000_000))]
    #[serde(skip_serializing_if = "Option::is_none")]
    csv: Option<String>,
    /// Path of such a text below a directory that the operator allowed.
    #[schemars(length(min = 1, max = 1024))]
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
}

/// By how much a model misses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Loss {
    #[default]
    Mse,
    Mae,
    Huber,
    Logloss,
    Quantile,
    R2,
}

/// Largest text, bytes.
const MAX_CSV: usize = 4_000_000;
const MOST: Most = Most { columns: MAX_DATA_COLUMNS, rows: MAX_DATA_ROWS };
const EXPORT: &str = "f";
const MEMORY_MB: u32 = 16;
const DELTA: f64 = 1.0;
const QUANTILE: f64 = 0.5;
const FOLD_SEED: u64 = 1;

/// Longest text that is told again whole.
const MOST_TOLD: usize = 2000;

/// The beginning of a long text, and how long it is.
fn shortened(text: &mut String) {
    let length = text.chars().count();
    if length > MOST_TOLD {
        let head: String = text.chars().take(100).collect();
        *text = format!("{head}.. ({length} characters)");
    }
}

fn one_of(field: &'static str, reason: &'static str) -> ToolError {
    Error::Problem { field, reason }.into()
}

impl WasmArgs {
    /// The same with the module itself in place of the file.
    pub(super) fn loaded(mut self, files: &Files) -> Result<Self> {
        if let Some(path) = self.file.take() {
            if self.module.is_some() {
                return Err(one_of("wasm", "needs either module or file"));
            }
            let bytes = files.read(&path, MAX_MODULE as u64, "/wasm/file")?;
            self.module = Some(BASE64_STANDARD.encode(bytes));
        }
        if self.module.is_none() {
            return Err(one_of("wasm", "needs either module or file"));
        }
        Ok(self)
    }

    /// Fit to be told: the module by its beginning.
    pub(super) fn shorten(&mut self) {
        self.module.iter_mut().for_each(shortened);
    }

    pub(super) fn sense(&self) -> darwin_engine::Sense {
        self.sense.unwrap_or_default().into()
    }

    pub(super) fn build(&self, dimension: usize) -> Result<WasmObjective, Error> {
        let unfit = |field, reason: &str| Error::Module { field, reason: reason.to_owned() };
        let given = self.module.as_deref().unwrap_or_default();
        let bytes = BASE64_STANDARD.decode(given).map_err(|_| unfit("module", "is no base64"))?;
        if bytes.len() > MAX_MODULE {
            return Err(unfit("module", &format!("must be at most {MAX_MODULE} bytes")));
        }
        let fuel = self.fuel.unwrap_or(FUEL).min(MAX_FUEL);
        let memory = self.memory_mb.unwrap_or(MEMORY_MB) as usize * 1_048_576;
        let export = self.export.as_deref().unwrap_or(EXPORT);
        WasmObjective::new(&bytes, export, dimension, Allowance { fuel, memory }).map_err(|error| {
            match error {
                Unfit::Imports(name) => Error::Imports { name },
                Unfit::Module(reason) => Error::Module { field: "module", reason },
                Unfit::Export(reason) => Error::Module { field: "export", reason },
            }
        })
    }
}

impl DatasetArgs {
    /// The same with the text itself in place of the file.
    pub(super) fn loaded(mut self, files: &Files) -> Result<Self> {
        let given = [self.columns.is_some(), self.csv.is_some(), self.file.is_some()];
        if given.into_iter().filter(|one| *one).count() != 1 {
            return Err(one_of("dataset", "needs one of columns, csv and file"));
        }
        if let Some(path) = self.file.take() {
            let bytes = files.read(&path, MAX_CSV as u64, "/dataset/file")?;
            let text = String::from_utf8(bytes).map_err(|_| {
                data::invalid("/dataset/file", "the file is no text in UTF-8".to_owned())
            })?;
            self.csv = Some(text);
        }
        Ok(self)
    }

    /// Fit to be told: the data by their beginning.
    pub(super) fn shorten(&mut self) {
        self.csv.iter_mut().for_each(shortened);
        let numbers: usize = self.columns.iter().flatten().map(|(_, column)| column.len()).sum();
        if numbers * 10 > MOST_TOLD {
            let names = self.columns.take().unwrap_or_default().into_keys().collect::<Vec<_>>();
            self.csv = Some(format!("{}.. ({numbers} numbers)", names.join(",")));
        }
    }

    fn frame(&self) -> Result<Frame, Error> {
        let columns: Columns = match (&self.columns, &self.csv) {
            (Some(columns), _) => {
                columns.iter().map(|(name, column)| (name.clone(), column.clone())).collect()
            }
            (None, text) => data::read(text.as_deref().unwrap_or_default(), MOST)
                .map_err(|data::Fault { message, details }| Error::Csv { message, details })?,
        };
        let (names, columns): (Vec<String>, Vec<Vec<f64>>) = columns.into_iter().unzip();
        let known = names.clone();
        let name =
            |at: Option<usize>| at.and_then(|at| known.get(at)).map(|name| data::shown(name));
        Frame::new(names, columns).map_err(|error| placed(error, &name))
    }

    fn loss(&self) -> Result<EngineLoss, Error> {
        for (field, given, of) in
            [("delta", self.delta.is_some(), Loss::Huber), ("q", self.q.is_some(), Loss::Quantile)]
        {
            if given && self.loss != of {
                let reason = "goes with that loss only: delta with huber, q with quantile";
                return Err(Error::Dataset { field, reason: reason.to_owned(), place: None });
            }
        }
        Ok(match self.loss {
            Loss::Mse => EngineLoss::Mse,
            Loss::Mae => EngineLoss::Mae,
            Loss::Huber => EngineLoss::Huber { delta: self.delta.unwrap_or(DELTA) },
            Loss::Logloss => EngineLoss::Logloss,
            Loss::Quantile => EngineLoss::Quantile { q: self.q.unwrap_or(QUANTILE) },
            Loss::R2 => EngineLoss::R2,
        })
    }

    fn split(&self) -> Result<Option<Split>, Error> {
        let Some(folds) = self.folds else {
            let given = self.fold.is_some() || self.fold_seed.is_some();
            let reason = "is needed with fold and fold_seed".to_owned();
            let missing = Error::Dataset { field: "folds", reason, place: None };
            return if given { Err(missing) } else { Ok(None) };
        };
        let seed = Seed::new(self.fold_seed.unwrap_or(FOLD_SEED))?;
        Ok(Some(Split { folds, fold: self.fold.unwrap_or_default(), seed }))
    }

    pub(super) fn build(&self, model: &Model) -> Result<Dataset, Error> {
        let whole = DatasetModel {
            variables: &model.variables,
            lets: &model.lets,
            tables: &model.tables,
            expression: &self.model,
            target: &self.target,
            loss: self.loss()?,
            split: self.split()?,
        };
        let target = data::shown(&self.target);
        Dataset::new(&whole, self.frame()?).map_err(|error| match error {
            EngineError::InvalidProblem { field, reason }
                if ["folds", "fold", "delta", "q"].contains(&field) =>
            {
                Error::Dataset { field, reason, place: None }
            }
            error => placed(error, &|_| Some(target.clone())),
        })
    }
}

/// What is wrong with data, with the names of its column and row.
fn placed(error: EngineError, name: &dyn Fn(Option<usize>) -> Option<String>) -> Error {
    match error {
        EngineError::InvalidData { column, row, reason } => {
            let place = name(column).filter(|_| column.is_some() || row.is_some());
            Error::Dataset {
                field: "",
                reason,
                place: place.map(|name| (name, row.map(|row| row + 1))),
            }
        }
        error => error.into(),
    }
}
