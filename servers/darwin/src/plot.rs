//! Charts as SVG: equal data give equal bytes; no script, no font, no reference to anything outside.

mod axis;
mod canvas;
mod lines;
mod shape;
mod tree;

use axis::Axis;
use canvas::Canvas;
use lines::Words;
pub(crate) use shape::{Bar, Cells, MOST, bars, cells, strips, tour};
pub(crate) use tree::tree;

/// Colours that the colour-blind tell apart: Okabe & Ito (2008), without the yellow.
const COLOURS: [&str; 7] =
    ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000"];

/// A line or a cloud of points, with its name.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

/// Size of a chart, px.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

/// Room around the drawing: left, top, right, bottom.
const ROOM: [f64; 4] = [78.0, 30.0, 42.0, 48.0];
/// Height of a line of the legend, and width of one of its columns.
const LINE: f64 = 18.0;
const COLUMN: u32 = 230;

/// Best value over evaluations: steps, as nothing is known between two points.
pub(crate) fn convergence(size: Size, series: &[Series]) -> String {
    let words = Words {
        title: "Best value over evaluations",
        x: "evaluations",
        y: "best value",
        log: [false, true],
        shares: false,
    };
    lines::draw(size, series, words, true)
}

/// Share of the targets that are reached.
pub(crate) fn reached(size: Size, series: &[Series]) -> String {
    let words = Words {
        title: "Share of runs and targets reached over evaluations",
        x: "evaluations",
        y: "share of runs and targets reached",
        log: [true, false],
        shares: true,
    };
    lines::draw(size, series, words, true)
}

/// How far the points of a population are spread.
pub(crate) fn diversity(size: Size, series: &[Series]) -> String {
    let words = Words {
        title: "Diversity over generations",
        x: "generation",
        y: "mean deviation / range",
        log: [false, true],
        shares: false,
    };
    lines::draw(size, series, words, false)
}

/// Two objectives of each point of a front.
pub(crate) fn front(size: Size, series: &[Series]) -> String {
    let xs =
        Axis::over(series.iter().flat_map(|one| one.points.iter().map(|point| point.0)), false);
    let ys =
        Axis::over(series.iter().flat_map(|one| one.points.iter().map(|point| point.1)), false);
    let mut canvas = framed(size, &xs, &ys, ["objective 1", "objective 2"], series.len());
    for (number, one) in series.iter().enumerate() {
        for (x, y) in &one.points {
            canvas.dot((canvas.x(xs.place(*x)), canvas.y(ys.place(*y))), colour(number));
        }
    }
    legend(&mut canvas, size, series);
    canvas.finish("Points that none dominates")
}

/// A line across parallel axes, one for each column, for every row of every named set.
pub(crate) fn parallel(size: Size, names: &[String], sets: &[(String, Vec<Vec<f64>>)]) -> String {
    let series: Vec<Series> =
        sets.iter().map(|(name, _)| Series { name: name.clone(), points: Vec::new() }).collect();
    let column = |k: usize| {
        let rows = sets.iter().flat_map(|(_, rows)| rows);
        Axis::over(rows.filter_map(move |row| row.get(k).copied()), false)
    };
    let axes: Vec<Axis> = (0..names.len()).map(column).collect();
    let mut canvas = Canvas::new(size, inner(size, series.len()));
    let last = names.len().saturating_sub(1).max(1);
    #[expect(clippy::cast_precision_loss, reason = "columns are few")]
    let across = |k: usize| k as f64 / last as f64;
    for (number, (_, rows)) in sets.iter().enumerate() {
        for row in rows {
            let at = |(k, (x, axis)): (usize, (&f64, &Axis))| {
                (canvas.x(across(k)), canvas.y(axis.place(*x)))
            };
            let points: Vec<(f64, f64)> = row.iter().zip(&axes).enumerate().map(at).collect();
            canvas.faint(&points, colour(number));
        }
    }
    for (k, (name, axis)) in names.iter().zip(&axes).enumerate() {
        let x = canvas.x(across(k));
        canvas.line(&[(x, canvas.y(0.0)), (x, canvas.y(1.0))], "#333333", 1.2);
        for (place, label) in axis.ends() {
            canvas.label(
                (x, canvas.y(place) + if place > 0.5 { -6.0 } else { 15.0 }),
                "middle",
                &label,
            );
        }
        canvas.label((x, canvas.y(0.0) + 34.0), "middle", name);
    }
    legend(&mut canvas, size, &series);
    canvas.finish("Values along parallel axes")
}

fn colour(number: usize) -> &'static str {
    COLOURS[number % COLOURS.len()]
}

/// Columns of the legend.
fn columns(size: Size) -> usize {
    (size.width.saturating_sub(60) / COLUMN).max(1) as usize
}

/// The room, with the legend above the drawing.
#[expect(clippy::cast_precision_loss, reason = "series are few")]
fn inner(size: Size, series: usize) -> [f64; 4] {
    let [left, top, right, bottom] = ROOM;
    [left, top + LINE * series.div_ceil(columns(size)) as f64, right, bottom]
}

fn framed(size: Size, xs: &Axis, ys: &Axis, names: [&str; 2], series: usize) -> Canvas {
    let mut canvas = Canvas::new(size, inner(size, series));
    for (place, label) in xs.ticks() {
        let x = canvas.x(place);
        canvas.line(&[(x, canvas.y(0.0)), (x, canvas.y(1.0))], "#e3e3e3", 1.0);
        canvas.label((x, canvas.y(0.0) + 17.0), "middle", &label);
    }
    for (place, label) in ys.ticks() {
        let y = canvas.y(place);
        canvas.line(&[(canvas.x(0.0), y), (canvas.x(1.0), y)], "#e3e3e3", 1.0);
        canvas.label((canvas.x(0.0) - 7.0, y + 4.0), "end", &label);
    }
    let corners = [(0.0, 1.0), (0.0, 0.0), (1.0, 0.0)].map(|(x, y)| (canvas.x(x), canvas.y(y)));
    canvas.line(&corners, "#333333", 1.2);
    canvas.label((canvas.x(0.5), canvas.y(0.0) + 38.0), "middle", names[0]);
    if xs.is_log() {
        canvas.label((canvas.x(1.0), canvas.y(0.0) + 38.0), "end", "(log)");
    }
    let unit = if ys.is_log() { format!("{} (log)", names[1]) } else { names[1].to_owned() };
    canvas.upright((18.0, canvas.y(0.5)), &unit);
    canvas
}

#[expect(clippy::cast_precision_loss, reason = "series are few")]
fn legend(canvas: &mut Canvas, size: Size, series: &[Series]) {
    let columns = columns(size);
    for (number, one) in series.iter().enumerate() {
        let (row, column) = (number / columns, number % columns);
        let x = ROOM[0] + f64::from(COLUMN) * column as f64;
        let y = 20.0 + LINE * row as f64;
        canvas.line(&[(x, y - 4.0), (x + 22.0, y - 4.0)], colour(number), 3.0);
        canvas.label((x + 30.0, y), "start", &one.name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { width: 400, height: 300 };

    fn series(points: &[(f64, f64)]) -> Vec<Series> {
        vec![Series { name: "<b>&\"x\u{1}".to_owned(), points: points.to_vec() }]
    }

    #[test]
    fn charts_are_whole_whatever_the_data() {
        for points in [
            vec![],
            vec![(1.0, 2.0)],
            vec![(1.0, 0.0), (2.0, -1e300), (3.0, 1e300)],
            vec![(5.0, 5.0), (5.0, 5.0)],
            vec![(1.0, 1e-12), (10.0, 1e9)],
        ] {
            for svg in [convergence(SIZE, &series(&points)), front(SIZE, &series(&points))] {
                assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
                assert!(svg.contains("&lt;b&gt;&amp;&quot;x") && !svg.contains("<b>"));
                for bad in ["NaN", "inf", "\u{1}", "<script", "href"] {
                    assert!(!svg.contains(bad), "{bad} in {svg}");
                }
            }
        }
    }

    #[test]
    fn parallel_axes_have_their_own_scales() {
        let rows = vec![vec![0.0, 100.0, -1.0], vec![1.0, 200.0, -1.0]];
        let names = ["a", "b", "c"].map(str::to_owned).to_vec();
        let svg = parallel(SIZE, &names, &[("one".to_owned(), rows)]);
        for label in [">0<", ">1<", ">100<", ">200<", ">c<"] {
            assert!(svg.contains(label), "{label} not in {svg}");
        }
        assert_eq!(
            svg,
            parallel(
                SIZE,
                &names,
                &[("one".to_owned(), vec![vec![0.0, 100.0, -1.0], vec![1.0, 200.0, -1.0]])]
            )
        );
    }
}
