//! Stored runs as charts.

use mcp_core::{
    picture::{self, Format, Pictured, Shown, schema_for_output},
    prelude::*,
};

use crate::{
    Error, Server,
    plot::{self, Series, Size},
};

/// What to draw.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderPlotArgs {
    /// Runs of yours, ended or not.
    #[schemars(length(min = 1, max = 10), inner(length(max = 40)))]
    run_ids: Vec<String>,
    /// `convergence`: best value over evaluations; `front`: the first two objectives; `parallel`: all
    /// objectives.
    chart: Chart,
    /// Width, px (default 800).
    #[schemars(range(min = 200, max = 4000))]
    width: Option<u32>,
    /// Height, px (default 500).
    #[schemars(range(min = 150, max = 4000))]
    height: Option<u32>,
    /// `png` (default): an image to look at; `svg`: a document as text.
    #[serde(default)]
    format: Format,
}

/// Kind of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
enum Chart {
    Convergence,
    Front,
    Parallel,
}

/// A chart.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RenderPlotOutput {
    #[serde(flatten)]
    chart: Shown,
    /// What each run shows.
    summary: Vec<Drawn>,
}

/// A run in a chart.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Drawn {
    /// The run.
    run_id: String,
    /// Its words in the legend.
    label: String,
    /// Points drawn.
    points: usize,
    /// Last best value.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<f64>,
}

/// Points of one front: an answer is bounded.
const POINTS: usize = 100;

#[tool_router(router = plot_tools, vis = "pub(crate)")]
impl Server {
    /// Draw stored runs: convergence of several in one chart, fronts, or objectives along
    /// parallel axes.
    #[tool(
        title = "Render a plot",
        annotations(
            read_only_hint = true,
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        ),
        output_schema = schema_for_output::<RenderPlotOutput>()
    )]
    async fn render_plot(
        &self,
        Parameters(args): Parameters<RenderPlotArgs>,
        principal: Principal,
        ct: CancellationToken,
    ) -> Result<Pictured<RenderPlotOutput>> {
        let size = Size { width: args.width.unwrap_or(800), height: args.height.unwrap_or(500) };
        let wants_front = args.chart != Chart::Convergence;
        let (mut lines, mut sets, mut summary) = (Vec::new(), Vec::new(), Vec::new());
        for id in args.run_ids {
            let (run, report) = self.report_of(&principal, &id).await?;
            let own = run.header.name;
            let Some(report) = report else {
                return Err(Error::Plot { id, reason: "failed: it has nothing to show" }.into());
            };
            let label =
                own.map_or_else(|| report.label(), |own| format!("{own} ({})", report.label()));
            let history: Vec<(f64, f64)> = report.history().collect();
            let front = super::found::thinned(report.front(), POINTS);
            if wants_front && front.is_empty() {
                let reason = "has no front: use chart convergence";
                return Err(Error::Plot { id, reason }.into());
            }
            if !wants_front && history.is_empty() {
                let reason = "has no best value over time: use chart front";
                return Err(Error::Plot { id, reason }.into());
            }
            let points = if wants_front { front.len() } else { history.len() };
            let last = history.last().map(|point| point.1);
            let drawn = if wants_front {
                front.iter().map(|row| (row[0], row.get(1).copied().unwrap_or_default())).collect()
            } else {
                history
            };
            lines.push(Series { name: label.clone(), points: drawn });
            sets.push((label.clone(), front));
            summary.push(Drawn { run_id: id, label, points, last });
        }
        let drawn = task::compute(&ct, move |_| {
            let svg = match args.chart {
                Chart::Convergence => plot::convergence(size, &lines),
                Chart::Front => plot::front(size, &lines),
                Chart::Parallel => parallel(size, &sets),
            };
            picture::show(svg, args.format)
        });
        let (chart, image) = drawn.await??;
        Ok(Pictured(RenderPlotOutput { chart, summary }, image))
    }
}

/// Fronts along parallel axes, one for each objective.
fn parallel(size: Size, sets: &[(String, Vec<Vec<f64>>)]) -> String {
    let most = sets.iter().flat_map(|(_, rows)| rows).map(Vec::len).max();
    let names: Vec<String> = (1..=most.unwrap_or(0)).map(|k| format!("objective {k}")).collect();
    plot::parallel(size, &names, sets)
}
