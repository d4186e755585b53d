//! What a front is like.

use darwin_engine::{Indicators, Sense, indicators};
use mcp_core::prelude::*;
use serde_json::{Map, Value};

use super::problem::by_name;
use crate::{Server, run::Looked};

/// Which points, and what to compare them with.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AnalyzeFrontArgs {
    /// A run of yours with several objectives, ended or not; or give `points`.
    #[schemars(length(max = 40))]
    run_id: Option<String>,
    /// Objective values of points.
    #[schemars(length(min = 1, max = 2000), inner(length(min = 2, max = 15)))]
    #[serde(default)]
    points: Vec<Vec<f64>>,
    /// Directions of the objectives of `points` (default all min).
    #[schemars(length(max = 15))]
    #[serde(default)]
    senses: Vec<Direction>,
    /// Where the hypervolume ends (default: a tenth of the range beyond the worst of the front).
    #[schemars(length(max = 15))]
    reference: Option<Vec<f64>>,
    /// A front to compare with, for `igd_plus`.
    #[schemars(length(min = 1, max = 2000), inner(length(max = 15)))]
    reference_front: Option<Vec<Vec<f64>>>,
    /// How much each objective counts, for `choice`.
    #[schemars(length(max = 15), inner(range(min = 0.0, max = 1e6)))]
    weights: Option<Vec<f64>>,
    /// Only points at least this good: null where anything will do.
    #[schemars(length(max = 15))]
    limits: Option<Vec<Option<f64>>>,
    /// Most rows (default 20).
    #[schemars(range(min = 1, max = 200))]
    limit: Option<u16>,
    /// Rows to leave out first (default 0).
    #[schemars(range(max = 100_000))]
    #[serde(default)]
    offset: u32,
}

/// Direction of an objective.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Direction {
    Min,
    Max,
}

/// A front, and its figures.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct AnalyzeFrontOutput {
    /// Points that were looked at, after `limits`.
    points: usize,
    /// Points of them that none dominates, each value once.
    front_size: usize,
    /// Volume that the front dominates up to the reference, exactly; absent where that would take too
    /// long.
    #[serde(skip_serializing_if = "Option::is_none")]
    hypervolume: Option<f64>,
    /// Where it ends.
    reference: Vec<f64>,
    /// Points of the front that lie beyond it and add nothing.
    beyond_reference: usize,
    /// Range of each objective over the front.
    extent: Vec<f64>,
    /// Deviation of the distances to the nearest neighbour, ranges scaled to 1: 0 is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    spacing: Option<f64>,
    /// Unevenness of the gaps, for two objectives: 0 is even.
    #[serde(skip_serializing_if = "Option::is_none")]
    spread: Option<f64>,
    /// Mean distance of the reference front's points to what this front reaches: 0 when it is reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    igd_plus: Option<f64>,
    /// The point with most to lose on either side.
    #[serde(skip_serializing_if = "Option::is_none")]
    knee: Option<FrontRow>,
    /// The point that `weights` choose: least of the largest weighted, scaled objective.
    #[serde(skip_serializing_if = "Option::is_none")]
    choice: Option<FrontRow>,
    /// The front, by the first objective.
    rows: Vec<FrontRow>,
    /// `offset` for more, when there is more.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_offset: Option<usize>,
}

/// A point.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub(crate) struct FrontRow {
    /// Its place among the points that were given or found.
    place: usize,
    /// Objective values.
    f: Vec<f64>,
    /// Values of the variables, of a run's points.
    #[serde(skip_serializing_if = "Option::is_none")]
    values: Option<Map<String, Value>>,
}

/// Points to look at.
struct Given {
    rows: Vec<FrontRow>,
    senses: Vec<Sense>,
}

const LIMIT: u16 = 20;

impl AnalyzeFrontArgs {
    fn points(&self) -> Result<Given> {
        let width = self.points.first().map_or(0, Vec::len);
        check("points", &self.points, width)?;
        let senses: Vec<Sense> = match self.senses.as_slice() {
            [] => vec![Sense::Min; width],
            given => given
                .iter()
                .map(|one| if *one == Direction::Min { Sense::Min } else { Sense::Max })
                .collect(),
        };
        as_long("senses", senses.len(), width)?;
        let row = |(place, f): (usize, &Vec<f64>)| FrontRow { place, f: f.clone(), values: None };
        Ok(Given { rows: self.points.iter().enumerate().map(row).collect(), senses })
    }

    /// What does not fit the number of objectives.
    fn check(&self, width: usize) -> Result<()> {
        for (field, given) in [
            ("reference", self.reference.as_ref().map(Vec::len)),
            ("weights", self.weights.as_ref().map(Vec::len)),
            ("limits", self.limits.as_ref().map(Vec::len)),
        ] {
            if let Some(length) = given {
                as_long(field, length, width)?;
            }
        }
        check("reference_front", self.reference_front.as_deref().unwrap_or(&[]), width)?;
        if self.weights.as_ref().is_some_and(|all| all.iter().sum::<f64>() <= 0.0) {
            return Err(ToolError::invalid("/weights", "must not all be 0"));
        }
        Ok(())
    }

    /// Whether a point is as good as wanted.
    fn admits(&self, row: &FrontRow, senses: &[Sense]) -> bool {
        let Some(limits) = &self.limits else { return true };
        limits.iter().zip(&row.f).zip(senses).all(|((limit, f), sense)| {
            limit.is_none_or(|limit| match sense {
                Sense::Min => *f <= limit,
                Sense::Max => *f >= limit,
            })
        })
    }

    fn told(&self, mut given: Given) -> AnalyzeFrontOutput {
        let senses = given.senses;
        given.rows.retain(|row| self.admits(row, &senses));
        let rows = given.rows;
        let values: Vec<Vec<f64>> = rows.iter().map(|row| row.f.clone()).collect();
        let Indicators {
            front,
            hypervolume,
            reference,
            beyond,
            spacing,
            extent,
            spread,
            knee,
            igd_plus,
        } = indicators(
            &values,
            &senses,
            self.reference.as_deref(),
            self.reference_front.as_deref(),
        );
        let finite = |figure: Option<f64>| figure.filter(|figure| figure.is_finite());
        let choice = self.weights.as_ref().and_then(|w| chosen(&values, &front, &senses, w));
        let (from, limit) = (self.offset as usize, usize::from(self.limit.unwrap_or(LIMIT)));
        let next = from + limit;
        AnalyzeFrontOutput {
            points: rows.len(),
            front_size: front.len(),
            hypervolume: finite(hypervolume),
            reference,
            beyond_reference: beyond,
            extent,
            spacing: finite(spacing),
            spread: finite(spread),
            igd_plus: finite(igd_plus),
            knee: knee.map(|place| rows[place].clone()),
            choice: choice.map(|place| rows[place].clone()),
            next_offset: (next < front.len()).then_some(next),
            rows: front.into_iter().skip(from).take(limit).map(|one| rows[one].clone()).collect(),
        }
    }
}

/// The point of the front whose worst weighted objective is least, ranges scaled to 1.
fn chosen(
    values: &[Vec<f64>],
    front: &[usize],
    senses: &[Sense],
    weights: &[f64],
) -> Option<usize> {
    let cost = |place: usize, k: usize| match senses[k] {
        Sense::Min => values[place][k],
        Sense::Max => -values[place][k],
    };
    let scale = |k: usize| {
        let all = front.iter().map(|place| cost(*place, k));
        let (lo, hi) =
            all.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), f| (lo.min(f), hi.max(f)));
        (lo, if hi > lo { hi - lo } else { 1.0 })
    };
    let scales: Vec<(f64, f64)> = (0..senses.len()).map(scale).collect();
    let part = |place: usize, k: usize| weights[k] * (cost(place, k) - scales[k].0) / scales[k].1;
    // Of equals in the worst, the one with the least sum.
    let value = |place: usize| {
        let parts = (0..senses.len()).map(|k| part(place, k));
        (parts.clone().fold(0.0, f64::max), parts.sum::<f64>())
    };
    front.iter().copied().min_by(|a, b| {
        let (a, b) = (value(*a), value(*b));
        a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1))
    })
}

fn check(field: &str, rows: &[Vec<f64>], width: usize) -> Result<()> {
    for (place, row) in rows.iter().enumerate() {
        as_long(&format!("{field}/{place}"), row.len(), width)?;
    }
    Ok(())
}

fn as_long(field: &str, length: usize, width: usize) -> Result<()> {
    if length == width {
        return Ok(());
    }
    let message = format!("must have {width} numbers, one for each objective, not {length}");
    Err(ToolError::invalid(format!("/{field}"), message)
        .with_hint("give as many numbers as there are objectives"))
}

/// Points of a run that none found dominates.
fn found(looked: Looked) -> Given {
    let problem = &looked.job.problem;
    let row = |(place, one): (usize, darwin_engine::Report)| FrontRow {
        place,
        values: problem.space().map(|space| by_name(space, &one.x)),
        f: one.values,
    };
    let rows = looked.outcome.front.into_iter().filter(|one| one.violation <= 0.0);
    Given { rows: rows.enumerate().map(row).collect(), senses: problem.senses().to_vec() }
}

#[tool_router(router = front_tools, vis = "pub(crate)")]
impl Server {
    /// Look at a front, of a stored run or of given points: exact hypervolume, spread, spacing, knee,
    /// distance to another front; points within limits, the one that weights choose.
    #[tool(
        title = "Analyse a front",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn analyze_front(
        &self,
        Parameters(args): Parameters<AnalyzeFrontArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Json<AnalyzeFrontOutput>> {
        let given = match &args.run_id {
            Some(_) if !args.points.is_empty() || !args.senses.is_empty() => {
                let message = "goes without points and senses: the run has its own";
                return Err(ToolError::invalid("/run_id", message)
                    .with_hint("give run_id, or points with their senses"));
            }
            Some(id) => {
                let looked = self.runs().look(&principal, id).await?;
                if looked.job.problem.senses().len() < 2 {
                    let message = "names a run with one objective, which has no front";
                    return Err(ToolError::invalid("/run_id", message)
                        .with_hint("create_run with several objectives gives a front"));
                }
                found(looked)
            }
            None if args.points.is_empty() => {
                return Err(ToolError::invalid("/points", "or run_id must be given")
                    .with_hint("give run_id, or points with their senses"));
            }
            None => args.points()?,
        };
        args.check(given.senses.len())?;
        let told = task::compute(&ct, move |_| args.told(given)).await?;
        Ok(Json(told))
    }
}
