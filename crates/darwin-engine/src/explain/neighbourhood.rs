//! Steps from a point along each of its coordinates.

use crate::{Kind, Problem, Report, Variable};

/// A small step, and a large one, as shares of a range.
const SMALL: f64 = 1e-3;
const LARGE: f64 = 0.05;
/// A coordinate is at a wall within this share of its range.
const AT_WALL: f64 = 1e-4;
/// Categories that are tried.
const CATEGORIES: usize = 4;

/// What lies around a point.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbourhood {
    /// Evaluations made.
    pub evals: u64,
    /// The point itself.
    pub here: Report,
    /// One for each coordinate, in order.
    pub axes: Vec<Axis>,
}

/// What steps along a coordinate do.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Axis {
    /// Steps that were tried.
    pub tried: usize,
    /// Largest change of the first objective by a small step; `None` when none was finite.
    pub effect: Option<f64>,
    /// Whether any step changed an objective, or how far constraints are broken.
    pub matters: bool,
    /// The best neighbour, as runs rank points, when it is better than the point.
    pub better: Option<Better>,
    /// How much worse the first objective is a small step below and above; negative when better,
    /// `None` beyond the bounds, or where constraints break.
    pub rise: [Option<f64>; 2],
}

/// A neighbour that is better.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Better {
    /// The coordinate's value there.
    pub value: f64,
    /// The first objective there.
    pub f: f64,
    /// By how much constraints are broken there.
    pub violation: f64,
}

/// A coordinate that has come to its bound.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Wall {
    /// Place of the coordinate.
    pub coordinate: usize,
    /// The bound.
    pub bound: f64,
    /// Whether it is the upper one.
    pub upper: bool,
}

/// A point to try.
struct Try {
    coordinate: usize,
    x: Vec<f64>,
    /// 0 a small step down, 1 up; `None` for other steps.
    side: Option<usize>,
    small: bool,
}

/// Try steps around a point in the user's terms, the small ones first, with at most `max_evals`
/// evaluations besides its own; fewer when it is cancelled. Of several objectives the first counts.
pub fn look_around(
    problem: &Problem,
    x: &[f64],
    max_evals: u64,
    cancelled: &dyn Fn() -> bool,
) -> Neighbourhood {
    let here = problem.report_at(x.to_vec());
    let kinds = kinds(problem);
    let mut tries: Vec<Try> =
        kinds.iter().enumerate().flat_map(|(place, kind)| steps(kind, x, place)).collect();
    tries.sort_by_key(|one| !one.small);
    tries.truncate(usize::try_from(max_evals).unwrap_or(usize::MAX));
    let mut axes = vec![Axis::default(); kinds.len()];
    let mut evals = 1;
    for one in tries {
        if cancelled() {
            break;
        }
        evals += 1;
        let there = problem.report_at(one.x);
        axes[one.coordinate].learn(problem, (&here, &there), (one.coordinate, one.side, one.small));
    }
    Neighbourhood { evals, here, axes }
}

/// The coordinates of a point in the user's terms that have come to a bound that could be another.
pub fn walls(problem: &Problem, x: &[f64]) -> Vec<Wall> {
    let place = |value: f64, lo: f64, hi: f64| (value - lo) / (hi - lo);
    let wall = |((coordinate, (kind, _)), value): ((usize, &(Kind, usize)), &f64)| {
        let (share, [lo, hi]) = match kind {
            Kind::Real { lo, hi, .. } | Kind::Int { lo, hi } => {
                (place(*value, *lo, *hi), [*lo, *hi])
            }
            Kind::Log { lo, hi } => {
                (place(libm::log(*value), libm::log(*lo), libm::log(*hi)), [*lo, *hi])
            }
            Kind::Bool | Kind::Cat { .. } | Kind::Permutation => return None,
        };
        let upper = share >= 1.0 - AT_WALL;
        let bound = if upper { hi } else { lo };
        (upper || share <= AT_WALL).then_some(Wall { coordinate, bound, upper })
    };
    kinds(problem).iter().enumerate().zip(x).filter_map(wall).collect()
}

impl Axis {
    fn learn(
        &mut self,
        problem: &Problem,
        (here, there): (&Report, &Report),
        (coordinate, side, small): (usize, Option<usize>, bool),
    ) {
        self.tried += 1;
        // Zero has two signs.
        let differs = |a: f64, b: f64| (a + 0.0).total_cmp(&(b + 0.0)).is_ne();
        self.matters |= differs(here.violation, there.violation)
            || here.values.iter().zip(&there.values).any(|(a, b)| differs(*a, *b));
        let first = |report: &Report| report.values.first().copied().unwrap_or(f64::NAN);
        let (from, to) = (first(here), first(there));
        let rise = problem.sense().cost(to) - problem.sense().cost(from);
        if !rise.is_finite() {
            return;
        }
        if small {
            self.effect = Some(self.effect.unwrap_or(0.0).max(rise.abs()));
        }
        if let Some(side) = side.filter(|_| there.violation <= 0.0) {
            self.rise[side] = Some(rise);
        }
        let ranked = |violation: f64, f: f64| (violation, problem.sense().cost(f));
        let best =
            self.better.map_or((here.violation, from), |better| (better.violation, better.f));
        if ranked(there.violation, to) < ranked(best.0, best.1) {
            let value = there.x[coordinate];
            self.better = Some(Better { value, f: to, violation: there.violation });
        }
    }
}

/// A coordinate's kind, and how many of its vector come behind it.
fn kinds(problem: &Problem) -> Vec<(Kind, usize)> {
    let Some(space) = problem.space() else {
        let bounds = problem.bounds();
        let sides = bounds.lo().iter().zip(bounds.hi());
        return sides.map(|(lo, hi)| (Kind::Real { lo: *lo, hi: *hi, step: None }, 0)).collect();
    };
    let each = |one: &Variable| {
        let (kind, length) = (one.kind.clone(), one.length.unwrap_or(1));
        (0..length).map(move |place| (kind.clone(), length - 1 - place))
    };
    space.variables().iter().flat_map(each).collect()
}

/// Steps along one coordinate that stay within its bounds.
fn steps((kind, behind): &(Kind, usize), x: &[f64], coordinate: usize) -> Vec<Try> {
    let at = x[coordinate];
    let moved = |to: f64, side, small| {
        let mut x = x.to_vec();
        x[coordinate] = to;
        Try { coordinate, x, side, small }
    };
    let both = |step: &dyn Fn(f64) -> f64, shares: [f64; 2]| {
        let sides = shares.into_iter().zip([true, false]).flat_map(|(share, small)| {
            [(-share, Some(0)), (share, Some(1))].map(|(share, side)| (share, side, small))
        });
        let tries = sides.map(|(share, side, small)| (step(share), side.filter(|_| small), small));
        tries
            .filter(|(to, ..)| to.total_cmp(&at).is_ne())
            .map(|(to, side, small)| moved(to, side, small))
            .collect()
    };
    match kind {
        Kind::Real { lo, hi, step: None } => {
            both(&|share| (at + share * (hi - lo)).clamp(*lo, *hi), [SMALL, LARGE])
        }
        Kind::Log { lo, hi } => {
            let range = libm::log(hi / lo);
            both(&|share| (at * libm::exp(share * range)).clamp(*lo, *hi), [SMALL, LARGE])
        }
        Kind::Real { lo, hi, step: Some(step) } => on_grid((*lo, *hi, *step), at, both),
        Kind::Int { lo, hi } => on_grid((*lo, *hi, 1.0), at, both),
        Kind::Bool => vec![moved(1.0 - at, None, true)],
        Kind::Cat { values } => {
            let (count, tried) = (values.len(), values.len().saturating_sub(1).min(CATEGORIES));
            let other = |k: usize| (place(at) + 1 + k * (count - 1) / tried) % count;
            (0..tried).map(|k| moved(number(other(k)), None, true)).collect()
        }
        Kind::Permutation if *behind > 0 => vec![swapped(x, coordinate)],
        Kind::Permutation => Vec::new(),
    }
}

/// Neighbours on a grid, and points further off.
fn on_grid(
    (lo, hi, step): (f64, f64, f64),
    at: f64,
    both: impl Fn(&dyn Fn(f64) -> f64, [f64; 2]) -> Vec<Try>,
) -> Vec<Try> {
    let most = libm::floor((hi - lo) / step + 1e-9);
    let here = libm::round((at - lo) / step);
    let far = libm::round(LARGE * most).max(2.0);
    both(&|by| lo + (here + by).clamp(0.0, most) * step, [1.0, far])
}

/// The order with an item and the next one swapped.
fn swapped(x: &[f64], coordinate: usize) -> Try {
    let mut x = x.to_vec();
    x.swap(coordinate, coordinate + 1);
    Try { coordinate, x, side: None, small: true }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place among words")]
fn place(value: f64) -> usize {
    value as usize
}

#[expect(clippy::cast_precision_loss, reason = "at most a thousand words")]
fn number(place: usize) -> f64 {
    place as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Limit, Model, Relation, Sense};

    fn one(name: &str, kind: Kind, length: Option<usize>) -> Variable {
        Variable { name: name.to_owned(), kind, length }
    }

    fn model(variables: Vec<Variable>, sense: Sense, expr: &str) -> Model {
        Model {
            variables,
            lets: Vec::new(),
            objectives: vec![(sense, expr.to_owned())],
            constraints: Vec::new(),
            descriptors: Vec::new(),
            tables: Vec::new(),
        }
    }

    fn mixed() -> Problem {
        let words = ["red", "green", "blue"].map(str::to_owned).to_vec();
        let variables = vec![
            one("x", Kind::Real { lo: -1.0, hi: 1.0, step: None }, None),
            one("g", Kind::Real { lo: 0.0, hi: 1.0, step: Some(0.25) }, None),
            one("l", Kind::Log { lo: 1e-3, hi: 1e3 }, None),
            one("k", Kind::Int { lo: 0.0, hi: 100.0 }, None),
            one("b", Kind::Bool, None),
            one("c", Kind::Cat { values: words }, None),
            one("p", Kind::Permutation, Some(3)),
            one("idle", Kind::Real { lo: 0.0, hi: 1.0, step: None }, None),
        ];
        let expr = "(x-0.5)^2 + 4*g + ln(l)^2 + (k-20)^2 + 3*b + (c == 'red') + p[0]";
        Problem::compile(model(variables, Sense::Min, expr)).unwrap()
    }

    const BEST: [f64; 10] = [0.5, 0.0, 1.0, 20.0, 0.0, 1.0, 0.0, 1.0, 2.0, 0.3];

    #[test]
    fn at_an_optimum_no_step_betters_and_each_kind_is_stepped_as_it_can_be() {
        let seen = look_around(&mixed(), &BEST, 1000, &|| false);
        assert!(seen.axes.iter().all(|axis| axis.better.is_none()));
        let tried: Vec<usize> = seen.axes.iter().map(|axis| axis.tried).collect();
        assert_eq!(tried, [4, 2, 4, 4, 1, 2, 1, 1, 0, 4]);
        assert_eq!(seen.evals, 1 + 23);
        let matters: Vec<bool> = seen.axes.iter().map(|axis| axis.matters).collect();
        assert_eq!(matters, [true, true, true, true, true, true, true, false, false, false]);
        let effect = |k: usize| seen.axes[k].effect.unwrap_or(f64::NAN);
        assert!((effect(0) - 4e-6).abs() < 1e-12 && (effect(1) - 1.0).abs() < 1e-12);
        assert!((effect(3) - 1.0).abs() < 1e-12 && (effect(4) - 3.0).abs() < 1e-12);
        assert_eq!((seen.axes[1].rise[0], effect(9)), (None, 0.0));
        assert_eq!(walls(&mixed(), &BEST), [Wall { coordinate: 1, bound: 0.0, upper: false }]);
    }

    #[test]
    fn what_a_step_betters_is_found_and_small_steps_come_first() {
        let mut point = BEST;
        (point[3], point[5], point[6], point[7]) = (25.0, 0.0, 1.0, 0.0);
        let seen = look_around(&mixed(), &point, 1000, &|| false);
        let better = |k: usize| seen.axes[k].better.map(|one| (one.value, one.f));
        let here = seen.here.values[0];
        assert_eq!(better(3), Some((20.0, here - 25.0)));
        assert!(better(5).is_some_and(|(word, f)| word > 0.0 && (f - here + 1.0).abs() < 1e-12));
        assert_eq!(better(6), Some((0.0, here - 1.0)));
        let few = look_around(&mixed(), &point, 3, &|| false);
        assert_eq!((few.evals, few.axes[0].tried, few.axes[1].tried), (4, 2, 1));
        assert_eq!(look_around(&mixed(), &point, 9, &|| true).evals, 1);
    }

    #[test]
    fn of_a_point_that_breaks_a_constraint_the_less_broken_neighbour_is_better() {
        let variables = vec![one("x", Kind::Real { lo: 0.0, hi: 1.0, step: None }, None)];
        let limit = Limit { relation: Relation::AtMost, rhs: 0.4, tolerance: 0.0 };
        let model = Model {
            constraints: vec![("x".to_owned(), limit)],
            ..model(variables, Sense::Max, "x")
        };
        let problem = Problem::compile(model).unwrap();
        let broken = look_around(&problem, &[0.43], 9, &|| false);
        let better = broken.axes[0].better.unwrap();
        assert!((better.value - 0.38).abs() < 1e-12 && better.violation <= 0.0);
        let active = look_around(&problem, &[0.4], 9, &|| false);
        assert_eq!((active.axes[0].better, active.axes[0].rise[1]), (None, None));
        assert!(active.axes[0].rise[0].is_some_and(|rise| (rise - 1e-3).abs() < 1e-12));
        let [(value, _, excess)] = problem.constraints_at(&[0.5])[..] else { panic!("one") };
        assert!((value - 0.5).abs() < 1e-12 && (excess - 0.1).abs() < 1e-12);
        assert_eq!(walls(&problem, &[1.0]), [Wall { coordinate: 0, bound: 1.0, upper: true }]);
    }
}
