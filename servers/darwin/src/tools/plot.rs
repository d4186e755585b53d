//! Stored runs as charts.

mod data;

use mcp_core::{
    picture::{self, Format, Pictured, Shown, schema_for_output},
    prelude::*,
};

use self::data::Picture;
use crate::{Server, plot::Size};

/// What to draw.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RenderPlotArgs {
    /// Runs of yours, ended or not; importance, archive and tour show one, tree none.
    #[schemars(length(max = 10), inner(length(max = 40)))]
    #[serde(default)]
    run_ids: Vec<String>,
    /// `convergence`: best value over evaluations; `ecdf`: share of runs and of 41 targets reached, by
    /// algorithm; `front`: the first two objectives; `parallel`: all objectives; `variables`: where the
    /// population lies; `diversity`: its spread over the generations, computed again; `importance`: what
    /// a small step of each variable does at the best point; `archive`: niches of `map_elites`; `tour`: a
    /// permutation over a table of x and y; `tree`: `expr`.
    chart: Chart,
    /// An expression to draw as a tree, as `fit_expression` gives it.
    #[schemars(length(min = 1, max = 65_536))]
    expr: Option<String>,
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
    Ecdf,
    Front,
    Parallel,
    Variables,
    Diversity,
    Importance,
    Archive,
    Tour,
    Tree,
}

/// A chart.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct RenderPlotOutput {
    #[serde(flatten)]
    chart: Shown,
    /// What each run, or the tree, shows.
    summary: Vec<Drawn>,
}

/// A run in a chart.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Drawn {
    /// The run; absent for a tree.
    #[serde(skip_serializing_if = "String::is_empty")]
    run_id: String,
    /// Its words in the legend.
    label: String,
    /// Points, or nodes, drawn.
    points: usize,
    /// Last best value.
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<f64>,
}

#[tool_router(router = plot_tools, vis = "pub(crate)")]
impl Server {
    /// Draw stored runs: convergence or targets reached of several in one chart, fronts, populations,
    /// diversity, what matters at the best point, archives, tours; or an expression as a tree.
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
        if (args.chart == Chart::Tree) != args.expr.is_some() {
            return Err(ToolError::invalid("/expr", "goes with chart tree, and with no other")
                .with_hint("give expr and chart tree, or run_ids and another chart"));
        }
        if args.run_ids.is_empty() == args.expr.is_none() {
            return Err(ToolError::invalid("/run_ids", "must name runs, and for chart tree none")
                .with_hint("list_runs shows your runs"));
        }
        let (picture, summary) = match args.expr {
            Some(expr) => data::tree(&expr)?,
            None => self.picture(&principal, args.chart, &args.run_ids, &ct).await?,
        };
        let drawn = task::compute(&ct, move |_| picture::show(picture.svg(size), args.format));
        let (chart, image) = drawn.await??;
        Ok(Pictured(RenderPlotOutput { chart, summary }, image))
    }

    async fn picture(
        &self,
        principal: &Principal,
        chart: Chart,
        ids: &[String],
        ct: &CancellationToken,
    ) -> Result<(Picture, Vec<Drawn>)> {
        match chart {
            Chart::Convergence | Chart::Ecdf => self.over_time(principal, chart, ids).await,
            Chart::Front | Chart::Parallel => self.fronts(principal, chart, ids).await,
            Chart::Variables => self.populations(principal, ids, ct).await,
            Chart::Diversity => self.spreads(principal, ids, ct).await,
            Chart::Importance | Chart::Archive | Chart::Tour | Chart::Tree => {
                self.one_run(principal, chart, ids, ct).await
            }
        }
    }
}
