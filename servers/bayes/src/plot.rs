//! Charts as SVG: the same bytes for the same run, nothing in them but shapes and escaped words.

mod axis;
mod canvas;
mod kind;

pub(crate) use kind::{Panel, density, energy, forest, pair, points, rank, replications, trace};

/// Width of every chart in pixels.
const WIDTH: f64 = 720.0;
/// Colours that most colour-blind people tell apart (Okabe and Ito), one for each chain.
const COLOURS: [&str; 8] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000", "#999999"];
/// What is wrong or too large.
const ALARM: &str = "#d00000";
/// Lines that guide the eye.
const QUIET: &str = "#888888";

fn colour(at: usize) -> &'static str {
    COLOURS[at % COLOURS.len()]
}
