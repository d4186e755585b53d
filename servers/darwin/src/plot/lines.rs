//! Lines over one axis.

use super::{Series, Size, axis::Axis, colour, framed, legend};

/// What the axes of a chart are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Words {
    pub(super) title: &'static str,
    pub(super) x: &'static str,
    pub(super) y: &'static str,
    /// Which axes may stand by logarithms.
    pub(super) log: [bool; 2],
    /// Values from 0 to 1, whatever there is.
    pub(super) shares: bool,
}

/// Steps where nothing is known between two points, else straight lines.
pub(super) fn draw(size: Size, series: &[Series], words: Words, steps: bool) -> String {
    let all = || series.iter().flat_map(|one| one.points.iter());
    let xs = Axis::over(all().map(|point| point.0), words.log[0]);
    let ends = [0.0, 1.0].into_iter().filter(|_| words.shares);
    let ys = Axis::over(all().map(|point| point.1).chain(ends), words.log[1]);
    let mut canvas = framed(size, &xs, &ys, [words.x, words.y], series.len());
    for (number, one) in series.iter().enumerate() {
        let mut path: Vec<(f64, f64)> = Vec::new();
        for (x, y) in &one.points {
            let at = (canvas.x(xs.place(*x)), canvas.y(ys.place(*y)));
            if let Some(last) = path.last().copied().filter(|_| steps) {
                path.push((at.0, last.1));
            }
            path.push(at);
        }
        canvas.line(&path, colour(number), 1.8);
        if let [at] = path.as_slice() {
            canvas.dot(*at, colour(number));
        }
    }
    legend(&mut canvas, size, series);
    canvas.finish(words.title)
}
