//! A first look at a problem: whether it can be evaluated, what an evaluation costs, and whether all
//! of its variables do something.

use std::time::Duration;

use crate::{LANES, Problem, Report, Seed, stream::Stream};

/// Places along a coordinate, each tried from another random point.
const PLACES: usize = 8;
/// Most evaluations for that.
const MOST: usize = 8000;
/// How long blocks of evaluations are timed, and how many at most.
const TIMED: Duration = Duration::from_millis(2);
const MOST_BLOCKS: f64 = 1e5;

/// What a first look shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Inspection {
    /// The middle of the box.
    pub middle: Report,
    /// Random points.
    pub points: usize,
    /// How many of them have finite values.
    pub finite: usize,
    /// How many of them break no constraint.
    pub feasible: usize,
    /// Constraints that each hold nowhere among them.
    pub never_hold: Vec<usize>,
    /// Objectives that are the same wherever they are finite.
    pub constant: Vec<usize>,
    /// Coordinates that changed nothing wherever they were moved.
    pub idle: Vec<usize>,
    /// Time of an evaluation in a block, ns.
    pub ns_per_eval: f64,
}

/// Look at a problem that computes its objectives itself. `clock` is any time that goes on; cancelled,
/// it looks at fewer coordinates.
pub fn inspect(
    problem: &Problem,
    seed: Seed,
    clock: &dyn Fn() -> Duration,
    cancelled: &dyn Fn() -> bool,
) -> Inspection {
    let bounds = problem.bounds();
    let sides: Vec<(f64, f64)> =
        bounds.lo().iter().copied().zip(bounds.hi().iter().copied()).collect();
    let gene = |(lo, hi): (f64, f64), share: f64| (lo + share * (hi - lo)).clamp(lo, hi);
    let middle = problem.report(&sides.iter().map(|side| gene(*side, 0.5)).collect::<Vec<_>>());
    let mut stream = Stream::new(seed, 0, 0);
    let points: Vec<Vec<f64>> =
        (0..LANES).map(|_| sides.iter().map(|side| gene(*side, stream.unit())).collect()).collect();
    let reports: Vec<Report> = points.iter().map(|point| problem.report(point)).collect();
    let is_finite = |report: &Report| report.values.iter().all(|value| value.is_finite());
    let constant = |objective: usize| {
        let mut values =
            reports.iter().map(|report| report.values[objective]).filter(|f| f.is_finite());
        values.next().is_some_and(|first| values.all(|value| value.total_cmp(&first).is_eq()))
    };
    let mut never_hold: Vec<usize> = (0..problem.constraints()).collect();
    for report in &reports {
        let broken = problem.constraints_at(&report.x);
        never_hold.retain(|constraint| broken[*constraint].2 > 0.0);
    }
    Inspection {
        middle,
        points: reports.len(),
        finite: reports.iter().filter(|report| is_finite(report)).count(),
        feasible: reports.iter().filter(|report| report.violation <= 0.0).count(),
        never_hold,
        constant: (0..problem.senses().len()).filter(|k| constant(*k)).collect(),
        idle: idle(problem, (&points, &reports), &sides, cancelled),
        ns_per_eval: time(problem, &points, clock),
    }
}

/// Coordinates that change nothing from wherever they are moved.
fn idle(
    problem: &Problem,
    (points, reports): (&[Vec<f64>], &[Report]),
    sides: &[(f64, f64)],
    cancelled: &dyn Fn() -> bool,
) -> Vec<usize> {
    let same = |a: &[f64], b: &[f64]| {
        a.iter().zip(b).all(|(a, b)| (a + 0.0).total_cmp(&(b + 0.0)).is_eq())
    };
    let moves_nothing = |coordinate: usize| {
        let mut moved = 0;
        let nothing = (0..PLACES).all(|place| {
            let from = (coordinate * PLACES + place) % points.len();
            let mut point = points[from].clone();
            let (lo, hi) = sides[coordinate];
            point[coordinate] = (lo + share(place) * (hi - lo)).clamp(lo, hi);
            let (before, after) = (&reports[from], problem.report(&point));
            moved += usize::from(!same(&before.x, &after.x));
            same(&[before.violation], &[after.violation]) && same(&before.values, &after.values)
        });
        nothing && moved > 0
    };
    let some_value =
        reports.iter().flat_map(|report| &report.values).any(|value| value.is_finite());
    if !some_value {
        // All are the same bad value.
        return Vec::new();
    }
    let looked_at = 0..sides.len().min(MOST / PLACES);
    looked_at.take_while(|_| !cancelled()).filter(|one| moves_nothing(*one)).collect()
}

#[expect(clippy::cast_precision_loss, reason = "places are few")]
fn share(place: usize) -> f64 {
    (place as f64 + 0.5) / PLACES as f64
}

/// Time of an evaluation among many.
fn time(problem: &Problem, points: &[Vec<f64>], clock: &dyn Fn() -> Duration) -> f64 {
    let lanes: Vec<[f64; LANES]> = (0..problem.bounds().dimension())
        .map(|coordinate| std::array::from_fn(|lane| points[lane][coordinate]))
        .collect();
    let (from, mut blocks) = (clock(), 0.0);
    loop {
        problem.cost_vectors(&lanes, LANES, &|| false);
        blocks += 1.0;
        let passed = clock().saturating_sub(from);
        if passed >= TIMED || blocks >= MOST_BLOCKS {
            #[expect(clippy::cast_precision_loss, reason = "64 lanes")]
            return passed.as_secs_f64() * 1e9 / (blocks * LANES as f64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::{Kind, Limit, Model, Relation, Sense, Variable};

    fn seen(objective: &str, constraints: &[(&str, f64)]) -> Inspection {
        let kind = Kind::Real { lo: -1.0, hi: 1.0, step: None };
        let limit = |rhs| Limit { relation: Relation::AtMost, rhs, tolerance: 1e-6 };
        let problem = Problem::compile(Model {
            variables: vec![
                Variable { name: "x".to_owned(), kind, length: Some(2) },
                Variable { name: "b".to_owned(), kind: Kind::Bool, length: None },
            ],
            lets: Vec::new(),
            objectives: vec![(Sense::Min, objective.to_owned())],
            constraints: constraints
                .iter()
                .map(|(e, rhs)| ((*e).to_owned(), limit(*rhs)))
                .collect(),
            descriptors: Vec::new(),
            tables: Vec::new(),
        });
        let ticks = Cell::new(0);
        let clock = || {
            ticks.set(ticks.get() + 1);
            Duration::from_millis(ticks.get())
        };
        inspect(&problem.unwrap(), Seed::new(1).unwrap(), &clock, &|| false)
    }

    #[test]
    fn idle_variables_constant_objectives_and_impossible_constraints_are_seen() {
        let good = seen("x[0]^2 + 3*b + x[1]", &[("x[0] + x[1]", 5.0)]);
        assert_eq!((good.finite, good.feasible, good.points), (64, 64, 64));
        assert!(good.idle.is_empty() && good.constant.is_empty() && good.never_hold.is_empty());
        assert_eq!((good.middle.x.clone(), good.middle.violation), (vec![0.0, 0.0, 0.0], 0.0));
        // Two blocks in two ticks of a millisecond.
        assert!((good.ns_per_eval - 2e6 / 128.0).abs() < 1e-6);
        let odd = seen("sqrt(x[0])", &[("b", 5.0), ("x[1]", -2.0)]);
        assert_eq!((odd.idle, odd.never_hold, odd.feasible), (vec![2], vec![1], 0));
        assert!((10..54).contains(&odd.finite));
        let flat = seen("2 + 0*x[0]", &[]);
        assert_eq!((flat.constant, flat.idle), (vec![0], vec![0, 1, 2]));
        let nowhere = seen("0/0 + x[0]", &[]);
        assert_eq!((nowhere.finite, nowhere.idle, nowhere.constant), (0, vec![], vec![]));
    }
}
