//! Problems to begin with: templates whose inputs a caller fills in.

mod input;
mod known;

use mcp_core::prelude::*;
use serde_json::{Map, Value, json};

use self::{
    input::{Input, Inputs},
    known::TEMPLATES,
};
use super::{define::DefineProblemOutput, run::checked};
use crate::{Error, Server};

/// A problem with blanks.
#[derive(Debug)]
struct Template {
    name: &'static str,
    kind: Kind,
    summary: &'static str,
    inputs: &'static [Input],
    /// The problem, as `define_problem` takes it.
    build: fn(&Inputs<'_>) -> Result<Value>,
}

/// What a template is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Kind {
    Function,
    Selection,
    Order,
    Finance,
    Engineering,
    Learning,
    Front,
    Behaviour,
}

/// Which templates.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ListTemplatesArgs {
    /// Only of this kind.
    kind: Option<Kind>,
    /// Only this one.
    #[schemars(length(max = 40))]
    name: Option<String>,
}

/// Templates.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct ListTemplatesOutput {
    /// The templates.
    items: Vec<TemplateItem>,
}

/// A template.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct TemplateItem {
    /// Name.
    name: &'static str,
    /// What it is about.
    kind: Kind,
    /// What is searched.
    summary: &'static str,
    /// What can be given.
    inputs: Vec<InputItem>,
    /// Arguments of `instantiate_template` with every input at its default.
    example: Value,
}

/// A blank.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InputItem {
    /// Name.
    name: &'static str,
    /// Meaning, and what is allowed.
    description: &'static str,
    /// Value when absent.
    default: Value,
}

/// Which template, and what to fill in.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InstantiateTemplateArgs {
    /// A name of `list_templates`.
    #[schemars(length(max = 40))]
    template: String,
    /// Inputs by name; those left out have their defaults.
    #[serde(default)]
    inputs: Map<String, Value>,
    /// A name to find the problem by (default: the template's).
    #[schemars(length(min = 1, max = 100))]
    name: Option<String>,
}

/// The stored problem.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InstantiateTemplateOutput {
    #[serde(flatten)]
    defined: DefineProblemOutput,
    /// The problem itself.
    problem: Value,
}

impl Template {
    fn named(name: &str) -> Result<&'static Self> {
        TEMPLATES.iter().find(|one| one.name == name).ok_or_else(|| {
            let known = TEMPLATES.iter().map(|one| one.name).collect();
            Error::unknown("/template", "template", name, known).into()
        })
    }

    fn problem(&self, given: &Map<String, Value>) -> Result<Value> {
        (self.build)(&Inputs::new(self.inputs, given)?)
    }

    fn item(&self) -> Result<TemplateItem> {
        let item = |one: &Input| -> Result<InputItem> {
            Ok(InputItem { name: one.name, description: one.description, default: one.value()? })
        };
        let inputs = self.inputs.iter().map(item).collect::<Result<Vec<_>>>()?;
        let values: Map<String, Value> =
            inputs.iter().map(|one| (one.name.to_owned(), one.default.clone())).collect();
        Ok(TemplateItem {
            name: self.name,
            kind: self.kind,
            summary: self.summary,
            inputs,
            example: json!({ "template": self.name, "inputs": values }),
        })
    }
}

#[tool_router(router = template_tools, vis = "pub(crate)")]
impl Server {
    /// List problems to begin with: knapsack, tour, portfolio, job shop, vessel and others, with what
    /// each can be given.
    #[tool(
        title = "List templates",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn list_templates(
        &self,
        Parameters(args): Parameters<ListTemplatesArgs>,
    ) -> Result<Json<ListTemplatesOutput>> {
        let items = match &args.name {
            Some(name) => vec![Template::named(name)?.item()?],
            None => TEMPLATES.iter().map(Template::item).collect::<Result<Vec<_>>>()?,
        };
        let wanted = |one: &TemplateItem| args.kind.is_none_or(|kind| kind == one.kind);
        Ok(Json(ListTemplatesOutput { items: items.into_iter().filter(wanted).collect() }))
    }

    /// Make a problem of a template and your inputs, and store it as `define_problem` does.
    #[tool(
        title = "Instantiate a template",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn instantiate_template(
        &self,
        Parameters(args): Parameters<InstantiateTemplateArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<InstantiateTemplateOutput>> {
        let template = Template::named(&args.template)?;
        let problem = template.problem(&args.inputs)?;
        let given = checked(&json!({ "problem": problem }))?.problem;
        let name = args.name.unwrap_or_else(|| template.name.to_owned());
        let defined = self.define(&principal, Some(name), given, &ct).await?;
        Ok(Json(InstantiateTemplateOutput { defined, problem }))
    }
}

#[cfg(test)]
mod tests {
    use darwin_engine::{Budget, Controls, Seed, Settings, optimize};

    use super::*;

    /// Every template is a problem as it stands, whose `auto` finds something in a small budget.
    #[test]
    fn every_template_is_a_problem_that_can_be_searched() {
        for template in TEMPLATES {
            let problem = template.problem(&Map::new()).unwrap();
            let args = checked(&json!({ "problem": problem })).unwrap().problem;
            let built = args.build(true).unwrap();
            if built.is_external() {
                continue;
            }
            let (settings, _) = Settings::auto(&built).unwrap();
            let budget = Budget::evals(20_000).unwrap();
            let seed = Seed::new(1).unwrap();
            let outcome = optimize(&built, settings, &budget, seed, &mut Controls::default());
            let feasible = outcome.best.is_some_and(|best| best.violation <= 0.0);
            assert!(feasible || !outcome.front.is_empty(), "{}", template.name);
        }
    }

    #[test]
    fn inputs_that_are_none_are_refused_with_their_place() {
        let refused = |template: &str, inputs: Value| {
            let inputs: Map<String, Value> = serde_json::from_value(inputs).unwrap();
            Template::named(template).unwrap().problem(&inputs).unwrap_err()
        };
        for (template, inputs, field) in [
            ("sphere", json!({"dimension": 0}), "/inputs/dimension"),
            ("sphere", json!({"dimensions": 3}), "/inputs/dimensions"),
            ("knapsack", json!({"values": [1, 2], "weights": [1]}), "/inputs/weights"),
            ("knapsack", json!({"values": "all"}), "/inputs/values"),
            ("tsp", json!({"points": [[0, 0], [1]]}), "/inputs/points"),
            ("job_shop", json!({"jobs": [[[0, 3], [9, 2]]], "machines": 2}), "/inputs/jobs"),
            (
                "portfolio",
                json!({"returns": [0.1, 0.2], "covariance": [[1, 2]]}),
                "/inputs/covariance",
            ),
        ] {
            let error = refused(template, inputs);
            assert_eq!(error.field(), Some(field), "{error}");
        }
        assert_eq!(Template::named("knapsak").unwrap_err().code(), "unknown_name");
    }

    fn least(template: &str, inputs: Value, evals: u64) -> f64 {
        let inputs: Map<String, Value> = serde_json::from_value(inputs).unwrap();
        let problem = Template::named(template).unwrap().problem(&inputs).unwrap();
        let args = checked(&json!({ "problem": problem })).unwrap().problem;
        let built = args.build(false).unwrap();
        let (settings, _) = Settings::auto(&built).unwrap();
        let (budget, seed) = (Budget::evals(evals).unwrap(), Seed::new(1).unwrap());
        let outcome = optimize(&built, settings, &budget, seed, &mut Controls::default());
        let best = outcome.best.unwrap();
        assert!(best.violation <= 0.0);
        best.f
    }

    /// Answers that can be had by hand.
    #[test]
    fn templates_mean_what_they_say() {
        let sack = json!({"values": [60, 100, 120], "weights": [10, 20, 30], "capacity": 50});
        assert!((least("knapsack", sack, 3000) - 220.0).abs() < 1e-9);
        let square = json!({"points": [[0, 0], [1, 1], [1, 0], [0, 1]]});
        assert!((least("tsp", square, 2000) - 4.0).abs() < 1e-9);
        // Two jobs that need both machines in turn: 3 + 2 on the first, 4 and 1 on the second.
        let shop = json!({"jobs": [[[0, 3], [1, 2]], [[1, 4], [0, 1]]], "machines": 2});
        assert!((least("job_shop", shop, 2000) - 6.0).abs() < 1e-9);
        // The best of three alone where risk does not count.
        let bold = json!({
            "returns": [0.1, 0.2, 0.05], "risk_aversion": 0,
            "covariance": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        });
        assert!((least("portfolio", bold, 20_000) - 0.2).abs() < 1e-3);
        let features = json!({
            "relevance": [0.9, 0.85, 0.1], "most": 2,
            "redundancy": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
        });
        assert!(least("feature_selection", features, 2000) > 0.0);
        assert!(least("pressure_vessel", json!({}), 40_000) < 7000.0);
    }
}
