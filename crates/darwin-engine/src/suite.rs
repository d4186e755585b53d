//! Suites of problems whose answers are known, for measuring algorithms.

mod valley;

use std::f64::consts::{PI, TAU};

use self::valley::{Shape, Valley};
use crate::{
    Bounds, Function, Kind, Model, Problem, Result, Sense, Variable, expression::Table,
    stream::Stream,
};

/// A suite.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Suite {
    /// Sphere, Rastrigin, Rosenbrock and Ackley, as they are.
    Seed,
    /// Shapes of the BBOB functions with shifts and rotations of our own: figures are comparable among
    /// algorithms here, not with those of COCO.
    Bbob,
    /// ZDT1 to ZDT4, ZDT6 and DTLZ2 with three objectives.
    Fronts,
    /// Round trips whose shortest length is known by construction.
    Tours,
}

/// A problem of a suite.
#[derive(Debug)]
pub struct Task {
    /// Its name, with its size.
    pub name: String,
    /// The problem.
    pub problem: Problem,
    /// Evaluations of a run when no budget is given.
    pub evals: u64,
    /// What a run is measured by.
    pub measure: Measure,
}

/// What a run is measured by.
#[derive(Debug, Clone, PartialEq)]
pub enum Measure {
    /// The best value, against the known optimum; it counts as reached within `within`.
    Value {
        /// The least value there is.
        optimum: f64,
        /// How near is near enough.
        within: f64,
    },
    /// The hypervolume up to a point, against that of the whole front, where it is known; it counts as
    /// reached at that of pymoo's NSGA-II less a little.
    Volume {
        /// The point, the same in all objectives.
        reference: f64,
        /// Of the continuous front.
        whole: Option<f64>,
        /// Median of pymoo 0.6.2's NSGA-II, population 100, 25,000 evaluations; `None` if not measured.
        peer: Option<f64>,
        /// How near to that is near enough.
        within: f64,
    },
}

impl Suite {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Seed, Self::Bbob, Self::Fronts, Self::Tours];

    /// Name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Seed => "seed",
            Self::Bbob => "bbob_subset",
            Self::Fronts => "zdt_dtlz",
            Self::Tours => "tsp_small",
        }
    }

    /// The one of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|suite| suite.name() == name)
    }

    /// The problems, those with a free dimension in this one.
    ///
    /// # Errors
    /// [`crate::Error::InvalidProblem`] for a dimension below 2, [`crate::Error::LimitExceeded`] above
    /// that of the functions.
    pub fn tasks(self, dimension: usize) -> Result<Vec<Task>> {
        match self {
            Self::Seed => Function::ALL.iter().map(|one| plain(*one, dimension)).collect(),
            Self::Bbob => {
                Function::Rosenbrock.on(dimension)?;
                Shape::ALL.iter().map(|shape| bent(*shape, dimension)).collect()
            }
            Self::Fronts => fronts(),
            Self::Tours => tours(),
        }
    }
}

/// Evaluations for each variable.
const EVALS: u64 = 10_000;
/// A value counts as reached within this.
const WITHIN: f64 = 1e-8;
/// Evaluations of a front, as pymoo's figures have.
const FRONT_EVALS: u64 = 25_000;
/// A tour counts as shortest within this share.
const TOUR_WITHIN: f64 = 1e-9;

fn plain(function: Function, dimension: usize) -> Result<Task> {
    let (lo, hi) = function.domain();
    let objective = Box::new(function.on(dimension)?);
    Ok(Task {
        name: format!("{}_{dimension}", function.name()),
        problem: Problem::new(objective, Bounds::cube(dimension, lo, hi)?, Sense::Min)?,
        evals: EVALS * dimension as u64,
        measure: Measure::Value { optimum: 0.0, within: WITHIN },
    })
}

fn bent(shape: Shape, dimension: usize) -> Result<Task> {
    let objective = Box::new(Valley::new(shape, dimension));
    Ok(Task {
        name: format!("{}_{dimension}", shape.name()),
        problem: Problem::new(objective, Bounds::cube(dimension, -5.0, 5.0)?, Sense::Min)?,
        evals: EVALS * dimension as u64,
        measure: Measure::Value { optimum: 0.0, within: WITHIN },
    })
}

/// Zitzler, Deb & Thiele (2000); Deb, Thiele, Laumanns & Zitzler (2005).
fn fronts() -> Result<Vec<Task>> {
    let g = "1 + 9*sum(i,1,n-1,x[i])/(n-1)";
    let many = "1 + 10*(n-1) + sum(i,1,n-1,x[i]^2 - 10*cos(4*pi*x[i]))";
    let biased = "1 + 9*pow(sum(i,1,n-1,x[i])/(n-1), 0.25)";
    let first = "1 - exp(-4*x[0])*sin(6*pi*x[0])^6";
    let third = "g*(1 - sqrt(x[0]/g) - x[0]/g*sin(10*pi*x[0]))";
    let root = "g*(1 - sqrt(x[0]/g))";
    // Name, variables, lets, objectives, the whole front's volume, pymoo's.
    let two = [
        ("zdt1_30", 30, g, ["x[0]", root], Some(0.876_667), Some(0.869_76)),
        ("zdt2_30", 30, g, ["x[0]", "g*(1 - (x[0]/g)^2)"], Some(0.543_333), Some(0.536_38)),
        ("zdt3_30", 30, g, ["x[0]", third], None, Some(1.327_73)),
        ("zdt4_10", 10, many, ["x[0]", root], Some(0.876_667), None),
        ("zdt6_10", 10, biased, [first, "g*(1 - (f/g)^2)"], None, None),
    ];
    let mut tasks = Vec::new();
    for (name, length, g, objectives, whole, peer) in two {
        let mut problem = model(Kind::Real { lo: 0.0, hi: 1.0, step: None }, length);
        problem.lets.push(("g".to_owned(), g.to_owned()));
        if name == "zdt6_10" {
            problem.lets.push(("f".to_owned(), first.to_owned()));
        }
        if name == "zdt4_10" {
            // The first variable in 0..1, the others in -5..5: all are scaled.
            for (_, source) in &mut problem.lets {
                *source = source.replace("x[i]", "(10*x[i]-5)");
            }
        }
        problem.objectives = objectives.map(|one| (Sense::Min, one.to_owned())).to_vec();
        let measure = Measure::Volume { reference: 1.1, whole, peer, within: 5e-4 };
        let problem = Problem::compile(problem)?;
        tasks.push(Task { name: name.to_owned(), problem, evals: FRONT_EVALS, measure });
    }
    let mut problem = model(Kind::Real { lo: 0.0, hi: 1.0, step: None }, 12);
    for (name, source) in
        [("g", "1 + sum(i,2,n-1,(x[i]-0.5)^2)"), ("a", "x[0]*pi/2"), ("b", "x[1]*pi/2")]
    {
        problem.lets.push((name.to_owned(), source.to_owned()));
    }
    let objectives = ["g*cos(a)*cos(b)", "g*cos(a)*sin(b)", "g*sin(a)"];
    problem.objectives = objectives.map(|one| (Sense::Min, one.to_owned())).to_vec();
    let whole = Some(1.331 - PI / 6.0);
    tasks.push(Task {
        name: "dtlz2_12".to_owned(),
        problem: Problem::compile(problem)?,
        evals: FRONT_EVALS,
        measure: Measure::Volume { reference: 1.1, whole, peer: Some(0.704_17), within: 5e-3 },
    });
    Ok(tasks)
}

fn model(kind: Kind, length: usize) -> Model {
    Model {
        variables: vec![Variable { name: "x".to_owned(), kind, length: Some(length) }],
        lets: Vec::new(),
        objectives: Vec::new(),
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    }
}

/// Points on a circle, whose shortest trip is the polygon, and on a grid, whose shortest is one step for
/// each point when a side is even; in an order that is no trip.
fn tours() -> Result<Vec<Task>> {
    let circle = |n: u32| {
        let at = |k: u32| f64::from(k * 7 % n) * TAU / f64::from(n);
        (0..n).map(|k| [libm::cos(at(k)), libm::sin(at(k))]).collect::<Vec<_>>()
    };
    let polygon = |n: u32| 2.0 * f64::from(n) * libm::sin(PI / f64::from(n));
    let grid = |wide: u32, high: u32| {
        let n = wide * high;
        let at = |k: u32| k * 11 % n;
        (0..n).map(|k| [f64::from(at(k) % wide), f64::from(at(k) / wide)]).collect::<Vec<_>>()
    };
    [
        ("circle_30", circle(30), polygon(30), 20_000),
        ("circle_60", circle(60), polygon(60), 100_000),
        ("grid_6x6", grid(6, 6), 36.0, 50_000),
        ("grid_10x7", grid(10, 7), 70.0, 300_000),
    ]
    .into_iter()
    .map(|(name, points, optimum, evals)| {
        let n = points.len();
        let mut problem = model(Kind::Permutation, n);
        let apart = |a: usize, b: usize| {
            libm::hypot(points[a][0] - points[b][0], points[a][1] - points[b][1])
        };
        let values = (0..n * n).map(|at| apart(at / n, at % n)).collect();
        problem.tables.push(Table { name: "d".to_owned(), columns: n, values });
        let length = "sum(i,0,n-2,at(d,x[i],x[i+1])) + at(d,x[n-1],x[0])";
        problem.objectives.push((Sense::Min, length.to_owned()));
        let measure = Measure::Value { optimum, within: TOUR_WITHIN * optimum };
        Ok(Task { name: name.to_owned(), problem: Problem::compile(problem)?, evals, measure })
    })
    .collect()
}

/// Numbers that fix a shape's shift and rotation.
fn numbers(shape: Shape, dimension: usize) -> Stream {
    let seed = crate::Seed::from_entropy(0x62_6262);
    Stream::new(seed, shape as u64, dimension as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_its_problems_and_known_answers() {
        for suite in Suite::ALL {
            assert_eq!(Suite::from_name(suite.name()), Some(suite));
            let tasks = suite.tasks(5).unwrap();
            assert!(tasks.len() >= 4);
            for task in &tasks {
                assert!(task.evals > 0 && !task.name.is_empty());
                if let Measure::Value { optimum, .. } = task.measure {
                    let middle: Vec<f64> = task
                        .problem
                        .bounds()
                        .lo()
                        .iter()
                        .zip(task.problem.bounds().hi())
                        .map(|(lo, hi)| f64::midpoint(*lo, *hi) + 0.01)
                        .collect();
                    assert!(task.problem.report(&middle).values[0] > optimum, "{}", task.name);
                }
            }
        }
        assert!(Suite::Bbob.tasks(1).is_err() && Suite::Seed.tasks(5000).is_err());
    }

    /// The shortest trips, and points of the fronts.
    #[test]
    fn answers_are_reached_where_they_are_known_to_be() {
        let tasks = tours().unwrap();
        let at = |name: &str| tasks.iter().find(|task| task.name == name).unwrap();
        let round = at("circle_30");
        // 7 * 13 = 91 = 1 modulo 30.
        let trip: Vec<f64> = (0..30_u32).map(|place| f64::from(place * 13 % 30)).collect();
        let Measure::Value { optimum, within } = round.measure else { panic!("a value") };
        assert!((round.problem.report_at(trip).values[0] - optimum).abs() <= within);
        for task in fronts().unwrap() {
            let mut x = vec![0.0; task.problem.bounds().dimension()];
            x[0] = 0.25;
            let (expected, middle): (Vec<f64>, f64) = match task.name.as_str() {
                "zdt1_30" => (vec![0.25, 0.5], 0.0),
                "zdt4_10" => (vec![0.25, 0.5], 0.5),
                "zdt2_30" => (vec![0.25, 0.9375], 0.0),
                "dtlz2_12" => {
                    let a = PI / 8.0;
                    (vec![libm::cos(a), 0.0, libm::sin(a)], 0.5)
                }
                _ => continue,
            };
            let fixed = if task.name == "dtlz2_12" { 2 } else { 1 };
            x[fixed..].fill(middle);
            let seen = task.problem.report(&x).values;
            let near = seen.iter().zip(&expected).all(|(a, b)| (a - b).abs() < 1e-12);
            assert!(near, "{}: {seen:?}", task.name);
        }
    }
}
