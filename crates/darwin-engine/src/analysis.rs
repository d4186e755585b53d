//! What a few hundred evaluations tell of a problem: how its variables act together, how many minima
//! lines through it meet, how steep it is along its axes, where its best points lie.

use crate::{Algorithm, Problem, Result, Seed, Settings, stream::Stream};

/// Points of a line on which minima are counted.
const LINE: usize = 21;
/// Pairs of variables that are looked at, at most.
const PAIRS: usize = 40;
/// Below this share of the values' range a difference counts as rounding.
const ROUNDING: f64 = 1e-9;

/// What was seen of a problem's first objective.
#[derive(Debug, Clone, PartialEq)]
pub struct Analysis {
    /// Evaluations made.
    pub evals: u64,
    /// Share of random points whose values are finite.
    pub finite: f64,
    /// Share of random points that break no constraint.
    pub feasible: f64,
    /// Least, median and largest value of the random points that are finite.
    pub values: Option<[f64; 3]>,
    /// Share of the pairs of variables that act together: the effect of one depends on the other.
    /// `None` with one variable, or where too little is finite.
    pub interacting: Option<f64>,
    /// Minima on a line through the box, ends too, on average; 1 is one valley.
    pub minima_on_lines: Option<f64>,
    /// Largest second difference along an axis as a multiple of the smallest, near the best point.
    pub axis_conditioning: Option<f64>,
    /// Mean distance of the best tenth as a share of that of all: near 1, good points lie anywhere.
    pub dispersion: Option<f64>,
    /// What to try, and why.
    pub recommended: (&'static Algorithm, String),
}

struct Probe<'p> {
    problem: &'p Problem,
    evals: u64,
    /// Largest less least of the values seen, for what counts as rounding.
    range: f64,
}

impl Probe<'_> {
    /// First objective at a point of the unit cube, and how far it breaks the constraints.
    fn at(&mut self, point: &[f64]) -> (f64, f64) {
        self.evals += 1;
        let bounds = self.problem.bounds();
        let sides = bounds.lo().iter().zip(bounds.hi());
        let genes: Vec<f64> = point
            .iter()
            .zip(sides)
            .map(|(u, (lo, hi))| (lo + u * (hi - lo)).clamp(*lo, *hi))
            .collect();
        let report = self.problem.report(&genes);
        (report.values.first().copied().unwrap_or(f64::NAN), report.violation)
    }
}

/// Look at a problem that computes its objectives itself, with about `max_evals` evaluations, at least
/// fifty.
///
/// # Errors
/// As [`Settings::auto`].
pub fn analyze(problem: &Problem, max_evals: u64, seed: Seed) -> Result<Analysis> {
    let dimension = problem.bounds().dimension();
    let mut stream = Stream::new(seed, 0, 0);
    let mut probe = Probe { problem, evals: 0, range: 0.0 };
    let share = usize::try_from(max_evals / 4).unwrap_or(usize::MAX).clamp(3, 100_000);
    let points: Vec<Vec<f64>> =
        (0..share).map(|_| (0..dimension).map(|_| stream.unit()).collect()).collect();
    let seen: Vec<(f64, f64)> = points.iter().map(|point| probe.at(point)).collect();
    let mut finite: Vec<usize> = (0..share).filter(|one| seen[*one].0.is_finite()).collect();
    let sense = problem.sense();
    finite.sort_by(|a, b| sense.cost(seen[*a].0).total_cmp(&sense.cost(seen[*b].0)));
    let mut values: Vec<f64> = finite.iter().map(|one| seen[*one].0).collect();
    values.sort_by(f64::total_cmp);
    if let (Some(low), Some(high)) = (values.first(), values.last()) {
        probe.range = high - low;
    }
    let best = finite.first().map(|one| points[*one].clone());
    let interacting = interacting(&mut probe, dimension, share / 4, &mut stream);
    let minima_on_lines = minima(&mut probe, dimension, share / LINE, &mut stream);
    let axis_conditioning =
        best.as_ref().and_then(|best| conditioning(&mut probe, best, share / 4));
    let dispersion = dispersion(&points, &finite);
    let recommended = recommend(problem, interacting, minima_on_lines)?;
    Ok(Analysis {
        evals: probe.evals,
        finite: ratio(finite.len(), share),
        feasible: ratio(seen.iter().filter(|(_, violation)| *violation <= 0.0).count(), share),
        values: crate::statistics::quantile(&values, 0.5)
            .map(|median| [values[0], median, values[values.len() - 1]]),
        interacting,
        minima_on_lines,
        axis_conditioning,
        dispersion,
        recommended,
    })
}

/// Whether moving two variables together does more, or less, than moving each.
fn interacting(
    probe: &mut Probe<'_>,
    dimension: usize,
    pairs: usize,
    stream: &mut Stream,
) -> Option<f64> {
    if dimension < 2 {
        return None;
    }
    let (mut known, mut together) = (0, 0);
    for _ in 0..pairs.clamp(1, PAIRS) {
        let i = index(stream, dimension);
        let j = (i + 1 + index(stream, dimension - 1)) % dimension;
        let from: Vec<f64> = (0..dimension).map(|_| stream.unit()).collect();
        let to = [stream.unit(), stream.unit()];
        let mut moved = |first: bool, second: bool| {
            let mut point = from.clone();
            point[i] = if first { to[0] } else { point[i] };
            point[j] = if second { to[1] } else { point[j] };
            probe.at(&point).0
        };
        let [none, one, other, both] =
            [moved(false, false), moved(true, false), moved(false, true), moved(true, true)];
        let excess = (both - one - other + none).abs();
        if excess.is_finite() {
            known += 1;
            let scale =
                [none, one, other, both].into_iter().fold(probe.range, |s, f| s.max(f.abs()));
            together += usize::from(excess > ROUNDING * scale);
        }
    }
    (known > 0).then(|| ratio(together, known))
}

/// Along random lines from wall to wall.
fn minima(
    probe: &mut Probe<'_>,
    dimension: usize,
    lines: usize,
    stream: &mut Stream,
) -> Option<f64> {
    let sense = probe.problem.sense();
    let (mut known, mut found) = (0, 0);
    for _ in 0..lines.clamp(1, 50) {
        let ends: Vec<(f64, f64)> =
            (0..dimension).map(|_| (stream.unit(), stream.unit())).collect();
        let costs: Vec<f64> = (0..LINE)
            .map(|k| {
                let part = ratio(k, LINE - 1);
                let point: Vec<f64> = ends.iter().map(|(a, b)| a + part * (b - a)).collect();
                sense.canonical_cost(probe.at(&point).0)
            })
            .collect();
        if costs.iter().any(|cost| !cost.is_finite()) {
            continue;
        }
        known += 1;
        // Plateaus count once.
        let mut levels = costs;
        levels.dedup_by(|a, b| (*a - *b).abs() <= ROUNDING * probe.range);
        let at = |k: usize| levels.get(k).copied().unwrap_or(f64::INFINITY);
        let lowest = |k: usize| at(k) < at(k + 1) && k.checked_sub(1).is_none_or(|b| at(k) < at(b));
        found += (0..levels.len()).filter(|k| lowest(*k)).count();
    }
    (known > 0).then(|| ratio(found, known))
}

/// Second differences over a tenth of each range.
fn conditioning(probe: &mut Probe<'_>, best: &[f64], axes: usize) -> Option<f64> {
    let middle = probe.at(best).0;
    let mut bends = Vec::new();
    for axis in 0..best.len().min(axes.max(1)) {
        let at = best[axis].clamp(0.1, 0.9);
        let mut side = |x: f64| {
            let mut point = best.to_vec();
            point[axis] = x;
            probe.at(&point).0
        };
        let here = if (at - best[axis]).abs() > 0.0 { side(at) } else { middle };
        let bend = (side(at - 0.1) - 2.0 * here + side(at + 0.1)).abs();
        if bend.is_finite() && bend > ROUNDING * probe.range {
            bends.push(bend);
        }
    }
    let least = bends.iter().copied().fold(f64::INFINITY, f64::min);
    let most = bends.iter().copied().fold(0.0, f64::max);
    (bends.len() > 1).then(|| most / least)
}

/// Of at most 200 points: the figure settles long before.
fn dispersion(points: &[Vec<f64>], by_value: &[usize]) -> Option<f64> {
    let best = &by_value[..by_value.len().div_ceil(10).min(200)];
    let all = &by_value[..by_value.len().min(200)];
    let mean = |chosen: &[usize]| {
        let pairs = || {
            chosen.iter().enumerate().flat_map(|(k, a)| chosen[k + 1..].iter().map(move |b| (a, b)))
        };
        let apart = |(a, b): (&usize, &usize)| {
            let squares = points[*a].iter().zip(&points[*b]).map(|(x, y)| (x - y) * (x - y));
            libm::sqrt(squares.sum::<f64>())
        };
        let count = pairs().count();
        (count > 0).then(|| pairs().map(apart).sum::<f64>() / ratio(count, 1))
    };
    // The sample of all is random: points are numbered as they were drawn.
    let mut drawn = by_value.to_vec();
    drawn.sort_unstable();
    drawn.truncate(all.len());
    Some(mean(best)? / mean(&drawn)?)
}

fn recommend(
    problem: &Problem,
    interacting: Option<f64>,
    minima: Option<f64>,
) -> Result<(&'static Algorithm, String)> {
    let (auto, why) = Settings::auto(problem)?;
    let usual = auto.algorithm();
    if problem.senses().len() > 1 || !problem.is_continuous() {
        return Ok((usual, why.to_owned()));
    }
    let name = |name| Algorithm::from_name(name).unwrap_or(usual);
    Ok(match (interacting, minima) {
        (Some(share), _) if share <= 0.0 => (
            usual,
            "no pair of variables acts together: the pass along the axes of the portfolio solves each \
             by itself"
                .to_owned(),
        ),
        (_, Some(count)) if count > 2.0 => (
            name("lshade"),
            format!("{count:.1} minima on a line: a population that stays wide; portfolio beside it"),
        ),
        (_, Some(count)) if count < 1.2 => {
            (name("cma_es"), "lines meet one valley: CMA-ES learns its shape".to_owned())
        }
        _ => (usual, why.to_owned()),
    })
}

fn index(stream: &mut Stream, n: usize) -> usize {
    stream.index(u32::try_from(n).unwrap_or(u32::MAX))
}

#[expect(clippy::cast_precision_loss, reason = "counts are small")]
fn ratio(a: usize, b: usize) -> f64 {
    a as f64 / b as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Bounds, Function, Kind, Model, Sense, Variable};

    fn seen(function: Function, dimension: usize) -> Analysis {
        let (lo, hi) = function.domain();
        let bounds = Bounds::cube(dimension, lo, hi).unwrap();
        let objective = Box::new(function.on(dimension).unwrap());
        let problem = Problem::new(objective, bounds, Sense::Min).unwrap();
        let budget = 50 * dimension as u64;
        let analysis = analyze(&problem, budget, Seed::new(1).unwrap()).unwrap();
        assert!(analysis.evals <= budget, "{}", analysis.evals);
        analysis
    }

    #[test]
    fn known_functions_are_known_again() {
        let sphere = seen(Function::Sphere, 10);
        assert_eq!((sphere.interacting, sphere.finite, sphere.feasible), (Some(0.0), 1.0, 1.0));
        assert!(sphere.minima_on_lines.is_some_and(|count| (count - 1.0).abs() < 1e-12));
        assert!(sphere.axis_conditioning.is_some_and(|ratio| (ratio - 1.0).abs() < 1e-6));
        assert!(sphere.dispersion.is_some_and(|share| share < 0.9));
        let rastrigin = seen(Function::Rastrigin, 10);
        assert!(rastrigin.interacting == Some(0.0) && rastrigin.minima_on_lines > Some(2.0));
        let rosenbrock = seen(Function::Rosenbrock, 10);
        assert!(rosenbrock.interacting.is_some_and(|share| (0.02..0.6).contains(&share)));
        assert!(seen(Function::Ackley, 10).interacting.is_some_and(|share| share > 0.9));
    }

    #[test]
    fn what_is_not_finite_is_said() {
        let kind = Kind::Real { lo: -1.0, hi: 1.0, step: None };
        let model = Model {
            variables: vec![Variable { name: "x".to_owned(), kind, length: Some(2) }],
            lets: Vec::new(),
            objectives: vec![(Sense::Min, "sqrt(x[0]) + 0*x[1]".to_owned())],
            constraints: Vec::new(),
            descriptors: Vec::new(),
            tables: Vec::new(),
        };
        let half = Problem::compile(model.clone()).unwrap();
        let half = analyze(&half, 400, Seed::new(2).unwrap()).unwrap();
        assert!((0.3..0.7).contains(&half.finite));
        let nowhere = Model { objectives: vec![(Sense::Min, "0/0".to_owned())], ..model };
        let nowhere =
            analyze(&Problem::compile(nowhere).unwrap(), 50, Seed::new(2).unwrap()).unwrap();
        assert_eq!((nowhere.finite, nowhere.values, nowhere.interacting), (0.0, None, None));
    }
}
