//! `register_data` and `list_data`.

use std::collections::BTreeMap;

use mcp_core::{Principal, prelude::*};
use serde_json::Value;

use super::run::{Age, PageArgs};
use crate::{
    Server,
    data::{Column, DataError, Dataset, Format},
    label::label,
    store::Fault,
};

/// Data to keep.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RegisterArgs {
    /// The values: JSON by name, or a table with a header. Missing: null; NA or nothing in a table.
    #[schemars(length(min = 1, max = 3_145_728))]
    content: String,
    /// How the content is written.
    #[serde(default = "format")]
    format: Format,
    /// What to call it.
    #[schemars(length(max = 64))]
    name: Option<String>,
}

fn format() -> Format {
    Format::Json
}

/// Data that are kept.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RegisterOutput {
    /// For `check_model` and `fit_model`.
    data_id: String,
    /// What it is called.
    name: String,
    /// SHA-256 of the content.
    sha256: String,
    /// What it holds.
    columns: Vec<Column>,
    /// When it goes.
    #[serde(flatten)]
    age: Age,
}

/// Which data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListDataArgs {
    /// Only this, with its columns.
    #[schemars(length(max = 64))]
    data_id: Option<String>,
    /// Items of a page.
    #[serde(default = "super::run::limit")]
    #[schemars(range(min = 1, max = 100))]
    limit: usize,
    /// `next_cursor` of the page before.
    #[schemars(length(max = 1000))]
    cursor: Option<String>,
}

/// Data.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListDataOutput {
    /// The newest first.
    items: Vec<DataItem>,
    /// For the next page.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A dataset.
#[derive(Debug, Serialize, JsonSchema)]
struct DataItem {
    /// Its handle.
    data_id: String,
    /// What it is called.
    name: String,
    /// Names of its columns, the first 20.
    names: Vec<String>,
    /// SHA-256 of the content.
    #[serde(skip_serializing_if = "String::is_empty")]
    sha256: String,
    /// What it holds, when it alone was asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    columns: Vec<Column>,
    /// Why it cannot be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Fault>,
    /// When it goes.
    #[serde(flatten)]
    age: Age,
}

/// Names of columns in an item.
const NAMES: usize = 20;

#[tool_router(router = data_tools, vis = "pub(crate)")]
impl Server {
    /// Keep data (24 h) for several models: columns or values of any shape, up to 3 MiB. Answers a
    /// `data_id` with type, shape, missing values and range of each.
    #[tool(
        title = "Register data",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn register_data(
        &self,
        Parameters(args): Parameters<RegisterArgs>,
        caller: Principal,
    ) -> Result<Json<RegisterOutput>> {
        let name = label(args.name, || "data".to_owned());
        let given = (name, args.format, args.content);
        let (data_id, dataset) = self.data.register(&caller, given).await?;
        let age = self.age_of(&dataset);
        let Dataset { name, sha256, columns, .. } = dataset;
        Ok(Json(RegisterOutput { data_id, name, sha256, columns, age }))
    }

    /// List your registered data, the newest first; with `data_id` one of them with its columns.
    #[tool(
        title = "List data",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_data(
        &self,
        Parameters(args): Parameters<ListDataArgs>,
        caller: Principal,
    ) -> Result<Json<ListDataOutput>> {
        if let Some(id) = args.data_id {
            let dataset = self.data.get(&caller, &id).await?;
            let columns = dataset.columns.clone();
            let items = vec![DataItem { columns, ..self.item(id, Ok(dataset)) }];
            return Ok(Json(ListDataOutput { items, next_cursor: None }));
        }
        let all = self.data.list(&caller).await?;
        let pages = self.listed_data.of(caller);
        let page = PageArgs { limit: args.limit, cursor: args.cursor.as_deref() };
        let position = |(id, one): &(String, Result<Dataset, DataError>)| {
            (one.as_ref().map_or(0, |one| one.created_ms), id.clone())
        };
        let (page, next_cursor) = page.of(&pages, &(), all, position)?;
        let items = page.into_iter().map(|(id, dataset)| self.item(id, dataset)).collect();
        Ok(Json(ListDataOutput { items, next_cursor }))
    }
}

impl Server {
    fn item(&self, data_id: String, dataset: Result<Dataset, DataError>) -> DataItem {
        let (columns, error) = (Vec::new(), None);
        match dataset {
            Ok(dataset) => {
                let names = dataset.columns.iter().take(NAMES).map(|column| column.name.clone());
                let (names, age) = (names.collect(), self.age_of(&dataset));
                let Dataset { name, sha256, .. } = dataset;
                DataItem { data_id, name, names, sha256, columns, error, age }
            }
            Err(error) => {
                let (code, message) = (error.code(), error.to_string());
                let error = Some(Fault { code, message, fix: String::new() });
                let (name, names, sha256) = (String::new(), Vec::new(), String::new());
                DataItem { data_id, name, names, sha256, columns, error, age: Age::default() }
            }
        }
    }

    fn age_of(&self, dataset: &Dataset) -> Age {
        Age::of(dataset.created_ms, self.data.lifetime())
    }

    /// The values that a model declares, of a dataset and of what is given beside it, which wins.
    pub(super) async fn values_for(
        &self,
        (code, given): (&str, BTreeMap<String, Value>),
        data_id: Option<&str>,
        caller: &Principal,
    ) -> Result<BTreeMap<String, Value>> {
        let Some(id) = data_id else { return Ok(given) };
        let mut values = self.data.values(caller, id).await?;
        // Columns of words may lie beside what the model takes. A text that is none is told later.
        if let Ok(program) = bayes_engine::language::parse(code) {
            let declared = program.data_variables();
            values.retain(|name, _| declared.iter().any(|(declared, _)| declared == name));
        }
        values.extend(given);
        Ok(values)
    }
}
