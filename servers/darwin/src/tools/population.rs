//! The points that a run keeps: look at them, put others in.

mod put;

use darwin_engine::{Member, Problem, statistics::quantile};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use self::put::{InjectSolutionsArgs, InjectSolutionsOutput};
use super::problem::{by_name, coordinates};
use crate::{
    Server,
    run::{Active, Core, Crew},
};

/// Which run, and which of its points.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct InspectPopulationArgs {
    /// A run of yours, ended or not.
    #[schemars(length(max = 40))]
    run_id: String,
    /// After this generation, which is computed again for that (default: the latest).
    generation: Option<u64>,
    /// Which points come first (default best).
    #[serde(default)]
    sort: Sort,
    /// Most rows (default 20).
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// The `next_cursor` of an earlier answer: the same generation goes on.
    #[schemars(length(max = 500))]
    cursor: Option<String>,
}

/// Order of the points.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Sort {
    /// By what the algorithm ranks them by.
    #[default]
    Best,
    /// The other way round.
    Worst,
    /// As the algorithm has them.
    Place,
}

/// Points of a run.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct InspectPopulationOutput {
    /// The run.
    run_id: String,
    /// Its generation.
    generation: u64,
    /// Its evaluations by then.
    evals: u64,
    /// `kept`: points of the population; `next`: the algorithm keeps none, these are the next that it
    /// would evaluate.
    source: Source,
    /// Points.
    size: usize,
    /// Different points among them.
    distinct: usize,
    /// Mean over the variables of the deviation, as a share of each range; 0.29 is evenly spread.
    diversity: f64,
    /// Where the variables lie, those of the widest deviation first; at most 20.
    variables: Vec<Spread>,
    /// The points.
    rows: Vec<Row>,
    /// For the next page, when there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// Where points come from.
#[derive(Debug, Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Source {
    Kept,
    Next,
}

/// Where a variable lies.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Spread {
    /// The coordinate.
    variable: String,
    /// Least, middle and largest value; of a category its place among the words.
    range: [f64; 3],
    /// Deviation as a share of its range.
    deviation: f64,
}

/// A point.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Row {
    /// Its place in the population.
    place: usize,
    /// Values by name; of a built-in function `x`.
    values: Map<String, Value>,
    /// Objective values; absent of what was not evaluated, and of a told point that breaks constraints.
    #[serde(skip_serializing_if = "Option::is_none")]
    f: Option<Vec<f64>>,
    /// By how much constraints are broken, when it was evaluated and breaks some.
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<f64>,
}

const LIMIT: u16 = 20;
/// Variables whose place is told.
const TOLD: usize = 20;

/// A page: rows of the order, and figures of all.
struct Page {
    rows: Vec<Row>,
    variables: Vec<Spread>,
    diversity: f64,
    distinct: usize,
}

impl Page {
    fn new(crew: &Crew, sort: Sort, (from, limit): (usize, usize)) -> Self {
        let problem = &crew.job.problem;
        let order = order(&crew.members, sort);
        let row = |place: usize| Row::new(crew, place);
        let variables = spreads(problem, &crew.members);
        #[expect(clippy::cast_precision_loss, reason = "at most 1000 variables")]
        let diversity =
            variables.iter().map(|one| one.deviation).sum::<f64>() / variables.len().max(1) as f64;
        let points: std::collections::BTreeSet<Vec<u64>> = crew
            .members
            .iter()
            .map(|one| problem.decode(&one.genes).into_iter().map(f64::to_bits).collect())
            .collect();
        let mut variables = variables;
        variables.sort_by(|a, b| b.deviation.total_cmp(&a.deviation));
        variables.truncate(TOLD);
        Self {
            rows: order.into_iter().skip(from).take(limit).map(row).collect(),
            variables,
            diversity,
            distinct: points.len(),
        }
    }
}

impl Row {
    fn new(crew: &Crew, place: usize) -> Self {
        let (problem, member) = (&crew.job.problem, &crew.members[place]);
        let x = problem.decode(&member.genes);
        let values = problem.space().map_or_else(
            || Map::from_iter([("x".to_owned(), Value::from(x.clone()))]),
            |space| by_name(space, &x),
        );
        let report = crew.kept.then(|| crew.describe(member));
        let violation = report.as_ref().map(|one| one.violation).filter(|broken| *broken > 0.0);
        let f = report.map(|one| one.values).filter(|all| all.iter().all(|f| f.is_finite()));
        Self { place, values, f, violation }
    }
}

/// Places of the members in this order; of equals, the first.
fn order(members: &[Member], sort: Sort) -> Vec<usize> {
    let mut order: Vec<usize> = (0..members.len()).collect();
    let by_cost = |a: &usize, b: &usize| members[*a].cost.total_cmp(&members[*b].cost);
    match sort {
        Sort::Best => order.sort_by(by_cost),
        Sort::Worst => order.sort_by(|a, b| by_cost(b, a)),
        Sort::Place => {}
    }
    order
}

/// Where each coordinate lies, in the user's terms; its deviation among the genes.
pub(super) fn spreads(problem: &Problem, members: &[Member]) -> Vec<Spread> {
    let points: Vec<Vec<f64>> = members.iter().map(|one| problem.decode(&one.genes)).collect();
    let bounds = problem.bounds();
    #[expect(clippy::cast_precision_loss, reason = "at most 10,000 members")]
    let count = members.len().max(1) as f64;
    let spread = |(place, variable): (usize, String)| {
        let mut values: Vec<f64> = points.iter().map(|point| point[place]).collect();
        values.sort_by(f64::total_cmp);
        let at = |share| quantile(&values, share).unwrap_or(0.0);
        let mean = members.iter().map(|one| one.genes[place]).sum::<f64>() / count;
        let squares: f64 = members.iter().map(|one| (one.genes[place] - mean).powi(2)).sum();
        let width = bounds.hi()[place] - bounds.lo()[place];
        Spread {
            variable,
            range: [at(0.0), at(0.5), at(1.0)],
            deviation: (squares / count).sqrt() / width,
        }
    };
    coordinates(problem).into_iter().enumerate().map(spread).collect()
}

#[tool_router(router = population_tools, vis = "pub(crate)")]
impl Server {
    /// Look at the points that a stored run keeps, now or after an earlier generation: values,
    /// objectives, how far they are spread. Nothing is counted to the run.
    #[tool(
        title = "Inspect a population",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn inspect_population(
        &self,
        Parameters(args): Parameters<InspectPopulationArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<InspectPopulationOutput>> {
        let filter = (args.run_id.clone(), args.sort);
        let (generation, from) = match &args.cursor {
            Some(word) => {
                let (generation, from): (u64, usize) =
                    self.population_cursor().decode(&principal, &filter, word)?;
                (Some(generation), from)
            }
            None => (args.generation, 0),
        };
        let crew = self.runs().crew(&principal, &args.run_id, generation, &ct).await?;
        let limit = usize::from(args.limit.unwrap_or(LIMIT));
        let (at, kept, size) = (crew.at.clone(), crew.kept, crew.members.len());
        let sort = args.sort;
        let page = task::compute(&ct, move |_| Page::new(&crew, sort, (from, limit))).await?;
        let next = from + page.rows.len();
        let next_cursor = (next < size && !page.rows.is_empty())
            .then(|| self.population_cursor().encode(&principal, &filter, &(at.generation, next)))
            .transpose()?;
        Ok(Json(InspectPopulationOutput {
            run_id: args.run_id,
            generation: at.generation,
            evals: at.evals,
            source: if kept { Source::Kept } else { Source::Next },
            size,
            distinct: page.distinct,
            diversity: page.diversity,
            variables: page.variables,
            rows: page.rows,
            next_cursor,
        }))
    }

    /// Put points into a stored run that computes its objectives itself: seeds, ideas, migrants. Each
    /// is evaluated and takes the place of the worst point that is kept, if it is better. On disk
    /// before the answer.
    #[tool(
        title = "Inject solutions",
        annotations(
            read_only_hint = false,
            destructive_hint = false,
            idempotent_hint = false,
            open_world_hint = false
        )
    )]
    async fn inject_solutions(
        &self,
        Parameters(args): Parameters<InjectSolutionsArgs>,
        principal: Principal,
    ) -> Result<Json<InjectSolutionsOutput>> {
        let active = self.own(&principal, &args.run_id, "takes no points any more").await?;
        let spending = self.spend(&principal)?;
        let rows = put::rows(&active.job.problem, &args.solutions)?;
        spending.add(rows.len() as u64);
        let inject = move |active: &Active, core: &mut Core| active.inject(core, rows);
        let taken = self.runs().command(&active, inject).await?;
        Ok(Json(InjectSolutionsOutput::new(args.run_id, &taken, &active.overview())))
    }
}
