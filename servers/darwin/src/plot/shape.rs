//! Charts that are no lines: bars, strips, cells, tours.

use super::{Series, Size, axis::Axis, canvas::Canvas, colour, framed, inner, legend};

/// A coordinate and how much it matters, drawn as a bar.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Bar {
    pub(crate) name: String,
    pub(crate) value: f64,
}

/// Most bars, or strips.
pub(crate) const MOST: usize = 30;
/// Room for names left of the bars.
const NAMES: f64 = 130.0;

/// Bars from the top, the longest first as given.
#[expect(clippy::cast_precision_loss, reason = "bars are few")]
pub(crate) fn bars(size: Size, bars: &[Bar], what: &str) -> String {
    let [_, top, right, bottom] = inner(size, 0);
    let mut canvas = Canvas::new(size, [NAMES, top, right, bottom]);
    let axis = Axis::over(bars.iter().map(|bar| bar.value).chain([0.0]), false);
    for (place, label) in axis.ticks() {
        let x = canvas.x(place);
        canvas.line(&[(x, canvas.y(0.0)), (x, canvas.y(1.0))], "#e3e3e3", 1.0);
        canvas.label((x, canvas.y(0.0) + 17.0), "middle", &label);
    }
    let height = 1.0 / bars.len().max(1) as f64;
    let zero = axis.place(0.0);
    for (number, bar) in bars.iter().enumerate() {
        let (above, below) = (1.0 - number as f64 * height, 1.0 - (number + 1) as f64 * height);
        let [upper, lower] = [above - 0.15 * height, below + 0.15 * height];
        let corners = [(zero, lower), (axis.place(bar.value), upper)];
        let [from, to] = corners.map(|(x, y)| (canvas.x(x), canvas.y(y)));
        canvas.cell(from, to, COLOUR);
        let middle = canvas.y(f64::midpoint(above, below)) + 4.0;
        canvas.label((canvas.x(0.0) - 7.0, middle), "end", &bar.name);
    }
    canvas.line(
        &[(canvas.x(zero), canvas.y(0.0)), (canvas.x(zero), canvas.y(1.0))],
        "#333333",
        1.2,
    );
    canvas.label((canvas.x(0.5), canvas.y(0.0) + 38.0), "middle", what);
    canvas.finish(what)
}

const COLOUR: &str = "#0072b2";

/// Where the points of populations lie along each coordinate, in shares of its range: a strip for each.
#[expect(clippy::cast_precision_loss, reason = "strips are few")]
pub(crate) fn strips(size: Size, names: &[String], sets: &[(String, Vec<Vec<f64>>)]) -> String {
    let series: Vec<Series> =
        sets.iter().map(|(name, _)| Series { name: name.clone(), points: Vec::new() }).collect();
    let [_, top, right, bottom] = inner(size, series.len());
    let mut canvas = Canvas::new(size, [NAMES, top, right, bottom]);
    let axis = Axis::over([0.0, 1.0].into_iter(), false);
    for (place, label) in axis.ticks() {
        let x = canvas.x(place);
        canvas.line(&[(x, canvas.y(0.0)), (x, canvas.y(1.0))], "#e3e3e3", 1.0);
        canvas.label((x, canvas.y(0.0) + 17.0), "middle", &label);
    }
    let height = 1.0 / names.len().max(1) as f64;
    for (strip, name) in names.iter().enumerate() {
        let middle = 1.0 - (strip as f64 + 0.5) * height;
        let y = canvas.y(middle);
        canvas.line(&[(canvas.x(0.0), y), (canvas.x(1.0), y)], "#e3e3e3", 1.0);
        canvas.label((canvas.x(0.0) - 7.0, y + 4.0), "end", name);
        for (number, (_, rows)) in sets.iter().enumerate() {
            // Several populations lie beside each other, and the points of each a little apart.
            let lane = (number as f64 + 0.5) / sets.len() as f64 - 0.5;
            let mut cloud = Vec::with_capacity(rows.len());
            for (point, row) in rows.iter().enumerate() {
                let apart = (point % 5) as f64 / 5.0 - 0.4;
                let at = middle + height * (0.7 * lane + 0.25 * apart / sets.len() as f64);
                let x = row.get(strip).copied().unwrap_or_default();
                cloud.push((canvas.x(x), canvas.y(at)));
            }
            canvas.cloud(&cloud, colour(number));
        }
    }
    canvas.label((canvas.x(0.5), canvas.y(0.0) + 38.0), "middle", "share of the range");
    legend(&mut canvas, size, &series);
    canvas.finish("Where the points of a population lie")
}

/// Elites by their first two behaviours, coloured by value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cells {
    /// Names of the behaviours.
    pub(crate) names: [String; 2],
    /// Ranges of them, and cells along them; 0 where there is no grid.
    pub(crate) sides: [(f64, f64, u32); 2],
    /// Behaviour and value of each.
    pub(crate) elites: Vec<([f64; 2], f64)>,
    /// Whether large values are good.
    pub(crate) maximised: bool,
}

/// From bad to good.
const SCALE: [[f64; 3]; 5] = [
    [68.0, 1.0, 84.0],
    [59.0, 82.0, 139.0],
    [33.0, 145.0, 140.0],
    [94.0, 201.0, 98.0],
    [253.0, 231.0, 37.0],
];

pub(crate) fn cells(size: Size, cells: &Cells) -> String {
    let [x_side, y_side] = cells.sides;
    let axis = |side: (f64, f64, u32)| Axis::exactly(side.0, side.1);
    let (xs, ys) = (axis(x_side), axis(y_side));
    let [east, north] = [0, 1].map(|k| cells.names[k].as_str());
    let mut canvas = framed(size, &xs, &ys, [east, north], 1);
    let values = cells.elites.iter().map(|elite| elite.1);
    let (least, most) =
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), f| (lo.min(f), hi.max(f)));
    let goodness = |f: f64| {
        let share = if most > least { (f - least) / (most - least) } else { 1.0 };
        if cells.maximised { share } else { 1.0 - share }
    };
    for ([x, y], f) in &cells.elites {
        let colour = shade(goodness(*f));
        let (x, y) = (xs.place(*x), ys.place(*y));
        if x_side.2 == 0 || y_side.2 == 0 {
            canvas.dot((canvas.x(x), canvas.y(y)), &colour);
            continue;
        }
        let ends = |share: f64, count: u32| {
            let count = f64::from(count);
            let cell = (share * count).floor().min(count - 1.0);
            (cell / count, (cell + 1.0) / count)
        };
        let ((left, right), (low, high)) = (ends(x, x_side.2), ends(y, y_side.2));
        let [from, to] = [(left, low), (right, high)].map(|(x, y)| (canvas.x(x), canvas.y(y)));
        canvas.cell(from, to, &colour);
    }
    for step in 0..40_u32 {
        let [from, to] = [step, step + 1].map(|k| canvas.x(0.6 + 0.2 * f64::from(k) / 40.0));
        let share = f64::from(step) / 39.0;
        canvas.cell((from, 24.0), (to, 12.0), &shade(share));
    }
    let (bad, good) = if cells.maximised { (least, most) } else { (most, least) };
    canvas.label((canvas.x(0.59), 22.0), "end", &format!("worst {bad:.4e}"));
    canvas.label((canvas.x(0.81), 22.0), "start", &format!("best {good:.4e}"));
    canvas.finish("Best value of each niche of behaviour")
}

fn shade(share: f64) -> String {
    let place = share.clamp(0.0, 1.0) * 4.0;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a number from 0 to 3"
    )]
    let from = (place.floor().min(3.0)) as usize;
    let rest = place - place.floor().min(3.0);
    let mix = |k: usize| SCALE[from][k] + rest * (SCALE[from + 1][k] - SCALE[from][k]);
    format!("#{:02x}{:02x}{:02x}", byte(mix(0)), byte(mix(1)), byte(mix(2)))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "within a byte")]
fn byte(value: f64) -> u8 {
    value.round().clamp(0.0, 255.0) as u8
}

/// A round trip through points, one unit as long both ways.
pub(crate) fn tour(size: Size, name: &str, trip: &[(f64, f64)]) -> String {
    let one = [Series { name: name.to_owned(), points: Vec::new() }];
    let mut canvas = Canvas::new(size, inner(size, 1));
    let ends = |value: fn(&(f64, f64)) -> f64| {
        trip.iter()
            .map(value)
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)))
    };
    let ((left, right), (low, high)) = (ends(|at| at.0), ends(|at| at.1));
    let wide = (canvas.x(1.0) - canvas.x(0.0)) / (right - left).max(1e-300);
    let tall = (canvas.y(0.0) - canvas.y(1.0)) / (high - low).max(1e-300);
    let scale = wide.min(tall);
    let (x, y) = (f64::midpoint(left, right), f64::midpoint(low, high));
    let (middle_x, middle_y) = (canvas.x(0.5), canvas.y(0.5));
    let place = |at: &(f64, f64)| (middle_x + (at.0 - x) * scale, middle_y - (at.1 - y) * scale);
    let mut path: Vec<(f64, f64)> = trip.iter().map(place).collect();
    let corners = path.clone();
    path.extend(corners.first());
    canvas.line(&path, colour(0), 1.6);
    for at in corners {
        canvas.dot(at, colour(1));
    }
    legend(&mut canvas, size, &one);
    canvas.finish("The best round trip")
}
