//! `check_model`, and what all tools on models share.

use std::collections::BTreeMap;

use bayes_engine::language::{self, Code, Data, Datum, Diagnostic, Model, Variable};
use mcp_core::{Principal, prelude::*};
use serde_json::Value;
use tokio::time::Instant;

use super::engine_version;
use crate::{Error, Server, job};

/// A model, perhaps with its data.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CheckArgs {
    /// The model in Stan's language.
    #[schemars(length(min = 1, max = 65_536))]
    code: String,
    /// Values of the data block by name; matrices as lists of rows. Without them only the text is
    /// checked.
    data: Option<BTreeMap<String, Value>>,
    /// From `register_data`; `data` wins.
    #[schemars(length(max = 64))]
    data_id: Option<String>,
}

/// What a model says about itself.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct CheckOutput {
    /// Whether the model can be fitted (without data: whether its text is right).
    ok: bool,
    /// Declared data.
    data_needed: Vec<VariableOutput>,
    /// Declared parameters.
    parameters: Vec<VariableOutput>,
    /// Free parameters; with data only.
    #[serde(skip_serializing_if = "Option::is_none")]
    dimension: Option<usize>,
    /// What is wrong.
    diagnostics: Vec<DiagnosticOutput>,
    /// Version of the engine.
    engine_version: String,
}

/// A declared variable.
#[derive(Debug, Serialize, JsonSchema)]
struct VariableOutput {
    /// Its name.
    name: String,
    /// Its type, as declared; with data with its sizes.
    r#type: String,
}

/// One finding.
#[derive(Debug, Serialize, JsonSchema)]
struct DiagnosticOutput {
    /// Stable word: `syntax`, `type`, `unsupported`, `unknown_name`, `data_missing`, ..
    code: &'static str,
    /// What is wrong.
    message: String,
    /// Line, from 1.
    line: usize,
    /// Column, from 1.
    column: usize,
    /// JSON pointer into the data.
    #[serde(skip_serializing_if = "String::is_empty")]
    json_path: String,
    /// What repairs it.
    fix: String,
    /// The line with a caret.
    #[serde(skip_serializing_if = "String::is_empty")]
    excerpt: String,
}

#[tool_router(router = model_tools, vis = "pub(crate)")]
impl Server {
    /// Check a model in Stan's language before it is fitted: syntax, names, types and, with data, sizes
    /// and bounds. Every finding has a code, line, column and a fix. Lists the data and parameters.
    #[tool(
        title = "Check a model",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn check_model(
        &self,
        Parameters(args): Parameters<CheckArgs>,
        caller: Principal,
        ct: CancellationToken,
    ) -> Result<Json<CheckOutput>> {
        let code = args.code.clone();
        let read = task::compute(&ct, move |_| {
            language::parse(&code).map(|program| (language::check(&program, &code), program))
        });
        let (found, program) = match read.await? {
            Ok((found, program)) => (found, Some(program)),
            Err(diagnostic) => (vec![diagnostic], None),
        };
        let mut output = CheckOutput {
            ok: found.is_empty(),
            data_needed: program
                .as_ref()
                .map(|program| declared(program.data_variables()))
                .unwrap_or_default(),
            parameters: program
                .as_ref()
                .map(|program| declared(program.parameter_variables()))
                .unwrap_or_default(),
            dimension: None,
            diagnostics: found.into_iter().map(DiagnosticOutput::from).collect(),
            engine_version: engine_version(),
        };
        if output.ok && (args.data.is_some() || args.data_id.is_some()) {
            let given = (args.code.as_str(), args.data.unwrap_or_default());
            let data = self.values_for(given, args.data_id.as_deref(), &caller).await?;
            output.bind(args.code, data, &ct).await?;
        }
        Ok(Json(output))
    }
}

impl CheckOutput {
    /// What binding to data adds.
    async fn bind(
        &mut self,
        code: String,
        given: BTreeMap<String, Value>,
        ct: &CancellationToken,
    ) -> Result<()> {
        let bound = match data(given) {
            Ok(data) => job::try_bind(code, data, 0, Instant::now() + job::BIND_TIME, ct).await?,
            Err(diagnostic) => Err(diagnostic),
        };
        match bound {
            Ok(model) => {
                self.dimension = Some(model.dim());
                self.parameters = sized(&model);
            }
            Err(diagnostic) if diagnostic.code == Code::Cancelled => {
                return Err(Error::Model(Box::new(diagnostic)).into());
            }
            Err(diagnostic) => {
                self.ok = false;
                self.diagnostics.push(diagnostic.into());
            }
        }
        Ok(())
    }
}

fn declared(list: Vec<(String, String)>) -> Vec<VariableOutput> {
    list.into_iter().map(|(name, r#type)| VariableOutput { name, r#type }).collect()
}

fn sized(model: &Model) -> Vec<VariableOutput> {
    let parameters = model.variables().iter().filter(|variable| variable.block == 0);
    parameters
        .map(|variable| VariableOutput { name: variable.name.clone(), r#type: variable.shown() })
        .collect()
}

impl From<Diagnostic> for DiagnosticOutput {
    fn from(diagnostic: Diagnostic) -> Self {
        let Diagnostic { code, message, fix, path, line, column, excerpt, .. } = diagnostic;
        Self { code: code.word(), message, line, column, json_path: path, fix, excerpt }
    }
}

/// Given JSON as the engine reads it.
pub(crate) fn data(given: BTreeMap<String, Value>) -> Result<Data, Diagnostic> {
    given
        .into_iter()
        .map(|(name, value)| {
            let datum = datum(&value, &format!("/{name}"), 0)?;
            Ok((name, datum))
        })
        .collect()
}

fn datum(value: &Value, path: &str, depth: usize) -> Result<Datum, Diagnostic> {
    let refuse = |what: &str, fix: &str| {
        Err(Diagnostic::of_data(Code::DataType, path, format!("{path} holds {what}"), fix))
    };
    match value {
        Value::Number(number) => Ok(Datum::Number(number.as_f64().unwrap_or(f64::NAN))),
        Value::Array(list) if depth < 8 => list
            .iter()
            .enumerate()
            .map(|(at, part)| datum(part, &format!("{path}/{at}"), depth + 1))
            .collect::<Result<Vec<_>, _>>()
            .map(Datum::List),
        Value::Array(_) => refuse("more than 8 nested lists", "give fewer dimensions"),
        Value::Null => refuse("null", "leave missing observations out, and lower the sizes"),
        Value::Bool(_) => refuse("a truth value", "write 1 for true and 0 for false"),
        Value::String(_) => refuse("a text", "write numbers; number categories from 1"),
        Value::Object(_) => refuse("an object", "give a list"),
    }
}

/// How a variable is named in a filter: `theta` or `theta[2]`.
pub(super) fn is_wanted(wanted: &[String], variable: &Variable, label: &str) -> bool {
    wanted.is_empty() || wanted.iter().any(|name| *name == variable.name || name == label)
}
