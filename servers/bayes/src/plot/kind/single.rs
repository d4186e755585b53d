//! One panel for each quantity.
#![expect(clippy::cast_precision_loss, reason = "draws and bins are few")]

use super::{
    ABOVE, ALARM, Anchor, Axis, Canvas, LEFT, Panel, QUIET, RIGHT, colour, grid, legend, smooth,
    stacked,
};

/// Points of one line, and of all lines: an answer has 50,000 characters at most.
const POINTS: usize = 250;
const ALL_POINTS: usize = 3000;
/// Bins of ranks.
const BINS: usize = 20;

/// Draws in their order, each chain a line.
pub(crate) fn trace(panels: &[Panel]) -> String {
    let (mut canvas, places) = stacked(panels.len());
    for (panel, [top, bottom]) in panels.iter().zip(places) {
        let longest = panel.chains.iter().map(Vec::len).max().unwrap_or(1);
        let x = Axis::exactly([0.0, longest as f64], [LEFT, RIGHT]);
        let y = Axis::over(panel.chains.iter().flatten().copied(), [bottom, top]);
        canvas.frame(&x, Some(&y), bottom, top);
        title(&mut canvas, panel, top);
        for (at, chain) in panel.chains.iter().enumerate() {
            let every = chain.len().div_ceil(share(panels)).max(1);
            let points: Vec<[f64; 2]> = chain
                .iter()
                .enumerate()
                .step_by(every)
                .filter(|(_, value)| value.is_finite())
                .map(|(place, value)| [x.at(place as f64), y.at(*value)])
                .collect();
            canvas.line(&points, colour(at), 0.7);
        }
    }
    canvas.finish()
}

/// Points of one line where there are so many.
fn share(panels: &[Panel]) -> usize {
    let lines: usize = panels.iter().map(|panel| panel.chains.len()).sum();
    (ALL_POINTS / lines.max(1)).min(POINTS)
}

/// Ranks of every chain's draws among all: level lines if the chains agree.
pub(crate) fn rank(panels: &[Panel]) -> String {
    let (mut canvas, places) = stacked(panels.len());
    for (panel, [top, bottom]) in panels.iter().zip(places) {
        let counts = ranked(panel);
        let total: usize = panel.chains.iter().map(Vec::len).sum();
        let most = counts.iter().flatten().copied().max().unwrap_or(1);
        let x = Axis::exactly([0.0, total as f64], [LEFT, RIGHT]);
        let y = Axis::exactly([0.0, 1.1 * most as f64], [bottom, top]);
        canvas.frame(&x, Some(&y), bottom, top);
        title(&mut canvas, panel, top);
        let even = total as f64 / (BINS * panel.chains.len().max(1)) as f64;
        canvas.dashed(&[[LEFT, y.at(even)], [RIGHT, y.at(even)]], QUIET);
        for (at, bins) in counts.iter().enumerate() {
            let width = total as f64 / BINS as f64;
            let steps: Vec<[f64; 2]> = bins
                .iter()
                .enumerate()
                .flat_map(|(bin, count)| {
                    let height = y.at(*count as f64);
                    [x.at(bin as f64 * width), x.at((bin + 1) as f64 * width)].map(|x| [x, height])
                })
                .collect();
            canvas.line(&steps, colour(at), 1.2);
        }
    }
    canvas.finish()
}

/// How many draws of each chain fall into each bin of ranks.
fn ranked(panel: &Panel) -> Vec<Vec<usize>> {
    let mut order: Vec<(f64, usize)> = panel
        .chains
        .iter()
        .enumerate()
        .flat_map(|(chain, draws)| draws.iter().map(move |draw| (*draw, chain)))
        .collect();
    order.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut counts = vec![vec![0; BINS]; panel.chains.len()];
    for (rank, (_, chain)) in order.iter().enumerate() {
        counts[*chain][rank * BINS / order.len()] += 1;
    }
    counts
}

/// Smooth densities by chain.
pub(crate) fn density(panels: &[Panel]) -> String {
    let (mut canvas, places) = stacked(panels.len());
    for (panel, [top, bottom]) in panels.iter().zip(places) {
        let values = grid(panel.chains.iter().flatten().copied(), share(panels).min(120));
        let heights: Vec<Vec<f64>> =
            panel.chains.iter().map(|chain| smooth(chain, &values)).collect();
        curves(&mut canvas, &values, &heights, [top, bottom]);
        title(&mut canvas, panel, top);
    }
    canvas.finish()
}

/// Energies beside their changes: alike if momentum moves the chain through its energies.
pub(crate) fn energy(chains: &[Vec<f64>], fractions: &[f64]) -> String {
    let (mut canvas, places) = stacked(1);
    let [top, bottom] = places[0];
    let mut levels = Vec::new();
    let mut changes = Vec::new();
    for chain in chains {
        let mean = chain.iter().sum::<f64>() / chain.len().max(1) as f64;
        levels.extend(chain.iter().map(|energy| energy - mean));
        changes.extend(chain.windows(2).map(|pair| pair[1] - pair[0]));
    }
    let values = grid(levels.iter().chain(&changes).copied(), 200);
    let heights = [smooth(&levels, &values), smooth(&changes, &values)];
    curves(&mut canvas, &values, &heights, [top, bottom]);
    canvas.coloured([LEFT, top - 8.0], "energy less its mean", colour(0));
    canvas.coloured([LEFT + 130.0, top - 8.0], "change from draw to draw", colour(1));
    let shown: Vec<String> = fractions.iter().map(|fraction| format!("{fraction:.2}")).collect();
    canvas.words([RIGHT, top - 8.0], &format!("E-BFMI {}", shown.join(", ")), Anchor::End);
    canvas.finish()
}

/// Distribution functions of the data and of replicated data.
pub(crate) fn replications(name: &str, observed: &[f64], replicated: &[Vec<f64>]) -> String {
    let (mut canvas, places) = stacked(1);
    let [top, bottom] = places[0];
    // single far draws must not squeeze the rest
    let mut all: Vec<f64> =
        replicated.iter().flatten().copied().filter(|x| x.is_finite()).collect();
    all.sort_by(f64::total_cmp);
    let inner = all.get(all.len() / 200..all.len() - all.len() / 200).unwrap_or_default();
    let ends = inner.first().into_iter().chain(inner.last()).copied();
    let x = Axis::over(ends.chain(observed.iter().copied()), [LEFT, RIGHT]);
    let y = Axis::exactly([0.0, 1.0], [bottom, top]);
    canvas.frame(&x, Some(&y), bottom, top);
    for data in replicated {
        canvas.line(&steps(data, &x, &y), "#9ecae1", 0.7);
    }
    canvas.line(&steps(observed, &x, &y), "#000000", 1.8);
    canvas.words([LEFT, top - 8.0], &format!("{name}: data"), Anchor::Start);
    canvas.coloured(
        [LEFT + 140.0, top - 8.0],
        &format!("{} replicated data sets", replicated.len()),
        colour(0),
    );
    canvas.finish()
}

/// The distribution function of values, at forty places or all.
fn steps(values: &[f64], x: &Axis, y: &Axis) -> Vec<[f64; 2]> {
    let mut order: Vec<f64> = values.iter().copied().filter(|x| x.is_finite()).collect();
    order.sort_by(f64::total_cmp);
    let n = order.len();
    let every = n.div_ceil(40).max(1);
    let mut points = Vec::new();
    let mut height = y.at(0.0);
    for at in (0..n).step_by(every) {
        let end = (at + every).min(n);
        let place = x.at(order[end - 1]);
        points.push([place, height]);
        height = y.at(end as f64 / n as f64);
        points.push([place, height]);
    }
    points
}

/// Pareto k of every observation with the bound.
pub(crate) fn points(values: &[f64], bound: f64) -> String {
    let (mut canvas, places) = stacked(1);
    let [top, bottom] = places[0];
    let x = Axis::exactly([0.0, values.len() as f64 + 1.0], [LEFT, RIGHT]);
    let y = Axis::over(values.iter().copied().chain([0.0, bound]), [bottom, top]);
    canvas.frame(&x, Some(&y), bottom, top);
    canvas.dashed(&[[LEFT, y.at(bound)], [RIGHT, y.at(bound)]], ALARM);
    let place = |at: usize| {
        let value = values[at];
        // no tail to fit: shown at the upper edge
        [x.at(at as f64 + 1.0), if value.is_finite() { y.at(value) } else { top }]
    };
    let is_low = |at: &usize| values[*at] <= bound;
    let (low, high): (Vec<usize>, Vec<usize>) = (0..values.len()).partition(is_low);
    let every = low.len().div_ceil(2000).max(1);
    let calm: Vec<[f64; 2]> = low.iter().step_by(every).map(|at| place(*at)).collect();
    canvas.dots(&calm, colour(0), 4.0, 0.7);
    let loud: Vec<[f64; 2]> = high.iter().take(500).map(|at| place(*at)).collect();
    canvas.dots(&loud, ALARM, 5.0, 1.0);
    for (at, [x, y]) in high.iter().zip(&loud).take(20) {
        canvas.coloured([x + 5.0, y + 4.0], &(at + 1).to_string(), ALARM);
    }
    canvas.words([LEFT, top - 8.0], "Pareto k by observation", Anchor::Start);
    canvas.words(
        [RIGHT, top - 8.0],
        &format!("{} of {} above {bound:.2}", high.len(), values.len()),
        Anchor::End,
    );
    canvas.finish()
}

/// Curves over one grid.
fn curves(canvas: &mut Canvas, values: &[f64], heights: &[Vec<f64>], [top, bottom]: [f64; 2]) {
    let x = Axis::over(values.iter().copied(), [LEFT, RIGHT]);
    let most = heights.iter().flatten().copied().fold(f64::MIN_POSITIVE, f64::max);
    let y = Axis::exactly([0.0, 1.05 * most], [bottom, top]);
    canvas.frame(&x, None, bottom, top);
    for (at, heights) in heights.iter().enumerate() {
        let points: Vec<[f64; 2]> = values
            .iter()
            .zip(heights)
            .map(|(value, height)| [x.at(*value), y.at(*height)])
            .collect();
        canvas.line(&points, colour(at), 1.3);
    }
}

fn title(canvas: &mut Canvas, panel: &Panel, top: f64) {
    let above = top - ABOVE / 3.0;
    canvas.words([LEFT, above], &panel.name, Anchor::Start);
    legend(canvas, panel.chains.len(), above);
}
