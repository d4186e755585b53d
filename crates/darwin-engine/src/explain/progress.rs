//! What each doubling of the evaluations gained.

use crate::{Point, Sense};

/// How a run gained.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// The end of the run, about its half, its quarter, and so on, as its history has them.
    pub steps: Vec<Step>,
    /// By how much the last doubling bettered the best value; not negative. `None` with one step.
    pub last_gain: Option<f64>,
    /// What another doubling gains if it falls behind the last as that did behind the one before.
    pub next_gain: Option<f64>,
    /// Evaluations of the first point of the history that has the last value.
    pub reached_by: u64,
}

/// Best value so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    /// Evaluations so far.
    pub evals: u64,
    /// Best value.
    pub f: f64,
}

/// Most steps: a thousandth of the evaluations is early enough.
const STEPS: usize = 10;

/// How a history gained; `None` while it has no value.
pub fn progress(history: &[Point], sense: Sense) -> Option<Progress> {
    let known = |point: &Point| point.f.map(|f| Step { evals: point.evals, f });
    let points: Vec<Step> = history.iter().filter_map(known).collect();
    let last = *points.last()?;
    let mut steps = vec![last];
    let mut half = last.evals / 2;
    while let Some(step) = points.iter().rfind(|step| step.evals <= half) {
        steps.push(*step);
        half = step.evals / 2;
        if steps.len() == STEPS {
            break;
        }
    }
    let gain = |pair: &[Step]| (sense.cost(pair[1].f) - sense.cost(pair[0].f)).max(0.0);
    let mut gains = steps.windows(2).map(gain);
    let (last_gain, before) = (gains.next(), gains.next());
    let next_gain = last_gain.zip(before).map(|(last, before)| {
        let share = if before > 0.0 { (last / before).min(1.0) } else { 1.0 };
        last * share
    });
    let reached = points.iter().find(|step| step.f.total_cmp(&last.f).is_eq());
    Some(Progress { steps, last_gain, next_gain, reached_by: reached.unwrap_or(&last).evals })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn history(values: &[(u64, Option<f64>)]) -> Vec<Point> {
        (0..)
            .zip(values)
            .map(|(generation, (evals, f))| Point { generation, evals: *evals, f: *f })
            .collect()
    }

    #[test]
    fn gains_of_doublings_are_told_and_carried_on() {
        let falling: Vec<_> =
            (0..=8_u32).map(|k| (100 << k, Some(libm::exp2(-f64::from(k))))).collect();
        let seen = progress(&history(&falling), Sense::Min).unwrap();
        assert_eq!(seen.steps.first(), Some(&Step { evals: 25_600, f: 1.0 / 256.0 }));
        assert_eq!(seen.steps.len(), 9);
        assert_eq!((seen.last_gain, seen.next_gain), (Some(1.0 / 256.0), Some(1.0 / 512.0)));
        let risen: Vec<_> = falling.iter().map(|(evals, f)| (*evals, f.map(|f| -f))).collect();
        let same = progress(&history(&risen), Sense::Max).unwrap();
        assert_eq!((same.last_gain, same.next_gain), (seen.last_gain, seen.next_gain));
    }

    #[test]
    fn what_stands_still_gains_nothing() {
        let flat =
            [(10, None), (20, Some(3.0)), (40, Some(1.0)), (80, Some(1.0)), (160, Some(1.0))];
        let seen = progress(&history(&flat), Sense::Min).unwrap();
        assert_eq!((seen.last_gain, seen.next_gain, seen.reached_by), (Some(0.0), Some(0.0), 40));
        assert_eq!(progress(&history(&flat[..1]), Sense::Min), None);
        let one = progress(&history(&flat[..2]), Sense::Min).unwrap();
        assert_eq!((one.last_gain, one.next_gain, one.reached_by), (None, None, 20));
    }
}
