//! Quantities beside each other.
#![expect(clippy::cast_precision_loss, reason = "quantities are few")]

use super::{ABOVE, ALARM, Anchor, Axis, BELOW, Canvas, Panel, QUIET, RIGHT, WIDTH, colour};

/// Height of a row.
const ROW: f64 = 20.0;
/// Pixels kept for names.
const NAMES: f64 = 150.0;
/// Pixels between rows of scatters, for ticks and a name.
const GAP: f64 = 44.0;
/// Dots of all scatters: an answer has 50,000 characters at most.
const DOTS: usize = 1500;

/// Intervals of quantities, one row each: outer interval, middle half, median.
pub(crate) fn forest(rows: &[(String, [f64; 5])], words: &str) -> String {
    let bottom = ABOVE + ROW * rows.len() as f64;
    let mut canvas = Canvas::new(bottom + BELOW + 6.0);
    let x = Axis::over(rows.iter().flat_map(|(_, points)| *points), [NAMES, RIGHT]);
    canvas.frame(&x, None, bottom, ABOVE);
    if x.contains(0.0) {
        canvas.dashed(&[[x.at(0.0), ABOVE], [x.at(0.0), bottom]], QUIET);
    }
    for (at, (name, [low, first, middle, third, high])) in rows.iter().enumerate() {
        let y = ABOVE + ROW * (at as f64 + 0.5);
        canvas.words([NAMES - 8.0, y + 4.0], name, Anchor::End);
        canvas.line(&[[x.at(*low), y], [x.at(*high), y]], colour(0), 1.2);
        canvas.line(&[[x.at(*first), y], [x.at(*third), y]], colour(0), 4.0);
        canvas.dots(&[[x.at(*middle), y]], "#000000", 6.0, 1.0);
    }
    canvas.words([NAMES, ABOVE - 10.0], words, Anchor::Start);
    canvas.finish()
}

/// Draws of each pair of quantities; divergent ones stand out.
pub(crate) fn pair(panels: &[Panel], divergent: &[bool]) -> String {
    let count = panels.len().max(2) - 1;
    let size = ((WIDTH - 90.0) / count as f64).min(300.0);
    let bottom = ABOVE + size * count as f64;
    let mut canvas = Canvas::new(bottom);
    let draws: Vec<Vec<f64>> = panels.iter().map(|panel| panel.chains.concat()).collect();
    for row in 0..count {
        for column in 0..=row {
            let left = 70.0 + size * column as f64;
            let top = ABOVE + size * row as f64;
            let place = [[left, left + size - 26.0], [top + size - GAP, top]];
            let dots = DOTS / (count * (count + 1) / 2);
            scatter(&mut canvas, [&draws[column], &draws[row + 1]], divergent, place, dots);
            if row + 1 == count {
                let at = [left + 0.5 * size - 13.0, bottom - GAP + 32.0];
                canvas.words(at, &panels[column].name, Anchor::Middle);
            }
            if column == 0 {
                canvas.words([left, top - 6.0], &panels[row + 1].name, Anchor::Start);
            }
        }
    }
    let bad = divergent.iter().filter(|is_divergent| **is_divergent).count();
    canvas.coloured([RIGHT - 160.0, ABOVE - 8.0], &format!("{bad} divergent draws"), ALARM);
    canvas.finish()
}

fn scatter(
    canvas: &mut Canvas,
    [first, second]: [&Vec<f64>; 2],
    divergent: &[bool],
    [across, up]: [[f64; 2]; 2],
    dots: usize,
) {
    let x = Axis::over(first.iter().copied(), across);
    let y = Axis::over(second.iter().copied(), up);
    canvas.frame(&x, Some(&y), up[0], up[1]);
    let place = |at: usize| [x.at(first[at]), y.at(second[at])];
    let is_bad = |at: &usize| divergent.get(*at).copied().unwrap_or(false);
    let (bad, good): (Vec<usize>, Vec<usize>) = (0..first.len()).partition(is_bad);
    let every = good.len().div_ceil(dots).max(1);
    let calm: Vec<[f64; 2]> = good.iter().step_by(every).map(|at| place(*at)).collect();
    canvas.dots(&calm, colour(0), 3.0, 0.35);
    let loud: Vec<[f64; 2]> = bad.iter().take(dots / 2).map(|at| place(*at)).collect();
    canvas.dots(&loud, ALARM, 4.0, 0.9);
}
