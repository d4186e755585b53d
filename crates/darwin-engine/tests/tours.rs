//! Permutations: tours of known length, assignments, checkpoints, threads.

use darwin_engine::{
    Budget, Controls, Executor, FrontKind, FrontOptions, GaOptions, Kind, Limit, MemeticOptions,
    Model, Outcome, Problem, Relation, Run, Seed, Sense, Settings, StopReason, Variable,
    expression::Table, optimize,
};

fn order(name: &str, length: usize) -> Variable {
    Variable { name: name.to_owned(), kind: Kind::Permutation, length: Some(length) }
}

fn model(variables: Vec<Variable>, objective: &str, tables: Vec<Table>) -> Model {
    Model {
        variables,
        lets: Vec::new(),
        objectives: vec![(Sense::Min, objective.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables,
    }
}

fn square(name: &str, side: usize, value: impl Fn(usize, usize) -> f64) -> Table {
    let values = (0..side * side).map(|at| value(at / side, at % side)).collect();
    Table { name: name.to_owned(), columns: side, values }
}

/// The shortest round trip through points.
fn trip(points: &[[f64; 2]], round: bool) -> Problem {
    let n = points.len();
    let distance = |a: usize, b: usize| {
        let d = libm::hypot(points[a][0] - points[b][0], points[a][1] - points[b][1]);
        if round { libm::floor(d + 0.5) } else { d }
    };
    let length = "sum(i,0,n-2,at(d,p[i],p[i+1])) + at(d,p[n-1],p[0])";
    Problem::compile(model(vec![order("p", n)], length, vec![square("d", n, distance)]))
        .expect("valid")
}

fn circle(n: u32) -> Vec<[f64; 2]> {
    // In an order that is far from round.
    let angle = |k: u32| f64::from(k * 7 % n) * std::f64::consts::TAU / f64::from(n);
    (0..n).map(|k| [libm::cos(angle(k)), libm::sin(angle(k))]).collect()
}

fn grid(side: u32) -> Vec<[f64; 2]> {
    (0..side * side).map(|k| [f64::from(k / side), f64::from(k % side)]).collect()
}

fn seed(seed: u64) -> Seed {
    Seed::new(seed).expect("valid")
}

fn memetic() -> Settings {
    MemeticOptions::default().resolve().expect("valid").into()
}

fn run(problem: &Problem, settings: Settings, evals: u64, from: u64) -> Outcome {
    let budget = Budget::evals(evals).expect("valid");
    optimize(problem, settings, &budget, seed(from), &mut Controls::default())
}

fn is_order(x: &[f64]) -> bool {
    let mut sorted = x.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.iter().zip(0..).all(|(item, place)| item.to_bits() == f64::from(place).to_bits())
}

#[test]
fn shortest_tours_are_found() {
    let polygon = trip(&circle(24), false);
    let side = 2.0 * libm::sin(std::f64::consts::PI / 24.0);
    let squares = trip(&grid(6), false);
    for from in 1..=5 {
        let best = run(&polygon, memetic(), 120_000, from).best.expect("finite");
        assert!(is_order(&best.x) && (best.f - 24.0 * side).abs() < 1e-9, "{from}: {}", best.f);
        let best = run(&squares, memetic(), 400_000, from).best.expect("finite");
        assert!(is_order(&best.x) && (best.f - 36.0).abs() < 1e-9, "{from}: {}", best.f);
    }
    let (settings, why) = Settings::auto(&polygon).expect("valid");
    assert_eq!(settings.algorithm().name, "memetic");
    assert!(why.contains("permutations"));
}

/// Items and places with a cost of their own: the diagonal is the best assignment.
#[test]
fn an_assignment_and_two_orders_are_found() {
    let cost = |item: usize, place: usize| if item == place { 0.0 } else { 1.0 };
    let both = "sum(i,0,11,at(c,p[i],i)) + sum(i,0,7,at(c,q[i],7-i))";
    let tables = vec![square("c", 12, cost)];
    let problem =
        Problem::compile(model(vec![order("p", 12), order("q", 8)], both, tables)).expect("valid");
    let best = run(&problem, memetic(), 100_000, 3).best.expect("finite");
    assert_eq!(best.f.to_bits(), 0, "{best:?}");
    assert!(is_order(&best.x[..12]) && is_order(&best.x[12..]));
    assert_eq!(best.x[12].to_bits(), 7.0_f64.to_bits());
}

#[test]
fn a_constraint_on_an_order_holds() {
    let mut limited = model(vec![order("p", 10)], "sum(i,0,8,abs(p[i]-p[i+1]))", Vec::new());
    let limit = Limit { relation: Relation::Equal, rhs: 5.0, tolerance: 0.0 };
    limited.constraints = vec![("p[0]".to_owned(), limit)];
    let problem = Problem::compile(limited).expect("valid");
    let best = run(&problem, memetic(), 60_000, 1).best.expect("finite");
    assert_eq!((best.violation.to_bits(), best.x[0].to_bits()), (0, 5.0_f64.to_bits()));
    // From the middle to the nearer end, and from there to the other.
    assert_eq!(best.f.to_bits(), 13.0_f64.to_bits(), "{best:?}");
}

#[test]
fn orders_go_with_other_variables_and_several_objectives() {
    let words = Kind::Cat { values: vec!["a".to_owned(), "b".to_owned()] };
    let mut mixed = model(
        vec![order("p", 5), Variable { name: "w".to_owned(), kind: words, length: None }],
        "sum(i,0,4,abs(p[i]-i)) + if(w == 'b', 0, 3)",
        Vec::new(),
    );
    let problem = Problem::compile(mixed.clone()).expect("valid");
    let (settings, _) = Settings::auto(&problem).expect("valid");
    assert_eq!(settings.algorithm().name, "ga");
    let settings: Settings = GaOptions::default().resolve(6).expect("valid").into();
    let best = run(&problem, settings, 20_000, 1).best.expect("finite");
    assert_eq!((best.f.to_bits(), best.x[5].to_bits()), (0, 1.0_f64.to_bits()));
    mixed.objectives.push((Sense::Max, "p[0]".to_owned()));
    let problem = Problem::compile(mixed).expect("valid");
    let settings = FrontOptions::default().resolve(FrontKind::Nsga2, 2).expect("valid");
    let outcome = run(&problem, settings.into(), 10_000, 1);
    assert!(outcome.front.len() > 1 && outcome.front.iter().all(|one| is_order(&one.x[..5])));
}

#[test]
fn an_order_s_run_resumes_with_the_same_bytes_at_any_threads() {
    let problem = trip(&grid(10), true);
    let budget = Budget::evals(60_001).expect("valid");
    let whole = optimize(&problem, memetic(), &budget, seed(5), &mut Controls::default());
    assert_eq!((whole.stop, whole.evals), (StopReason::MaxEvals, 60_001));
    let mut resumed = Run::new(&problem, memetic(), budget, seed(5), 50);
    let mut generation = 0;
    let stop = loop {
        if let Some(stop) = resumed.step(&mut Controls::default()) {
            break stop;
        }
        generation += 1;
        if generation % 7 == 1 {
            let bytes = resumed.save();
            resumed = Run::resume(&problem, memetic(), budget, seed(5), 50, &bytes).expect("valid");
            assert_eq!(resumed.save(), bytes);
        }
    };
    assert_eq!(resumed.finish(stop), whole);
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut controls =
            Controls { executor: Executor::pool(&pool, threads), ..Controls::default() };
        assert_eq!(optimize(&problem, memetic(), &budget, seed(5), &mut controls), whole);
    }
}

#[test]
fn where_nothing_is_finite_the_budget_ends_the_run() {
    let nowhere = model(vec![order("p", 4)], "0/0 + p[0]", Vec::new());
    let outcome = run(&Problem::compile(nowhere).expect("valid"), memetic(), 500, 1);
    assert_eq!((outcome.best, outcome.non_finite_evals), (None, 500));
    assert!(Problem::compile(model(vec![order("p", 1)], "1", Vec::new())).is_err());
}

/// The best order of a square grid: up and down the columns, then back along the first row.
fn loop_of(side: u32) -> Vec<f64> {
    let columns = (0..side).flat_map(|column| {
        let mut rows: Vec<u32> = (1..side).collect();
        if column % 2 == 1 {
            rows.reverse();
        }
        rows.into_iter().map(move |row| f64::from(column * side + row))
    });
    columns.chain((0..side).rev().map(|column| f64::from(column * side))).collect()
}

/// Share of the neighbours in one round trip that are neighbours in the other.
fn likeness(a: &[f64], b: &[f64]) -> f64 {
    let edges = |order: &[f64]| -> std::collections::BTreeSet<[u64; 2]> {
        let next = order.iter().cycle().skip(1);
        let bits = |(a, b): (&f64, &f64)| [a.min(*b).to_bits(), a.max(*b).to_bits()];
        order.iter().zip(next).map(bits).collect()
    };
    let (a, b) = (edges(a), edges(b));
    f64::from(u32::try_from(a.intersection(&b).count()).expect("few"))
        / f64::from(u32::try_from(a.len()).expect("few"))
}

/// An order that is put in is kept, and later children are made from it.
#[test]
fn an_order_that_is_put_in_takes_part_in_a_memetic_run() {
    let (side, problem) = (10, trip(&grid(10), false));
    let order = loop_of(side);
    let genes = problem.encode(&order).expect("an order");
    assert!(is_order(&order) && (problem.report(&genes).values[0] - 100.0).abs() < 1e-9);
    let closest = |put_in: bool| {
        let budget = Budget::evals(5_000_000).expect("valid");
        let mut run = Run::new(&problem, memetic(), budget, seed(2), 10);
        while run.members().len() < 3 {
            assert_eq!(run.step(&mut Controls::default()), None);
        }
        if put_in {
            assert_eq!(run.inject(std::slice::from_ref(&genes)), [true]);
            assert!(run.members().iter().any(|one| problem.decode(&one.genes) == order));
            assert!((run.status().best_f.expect("finite") - 100.0).abs() < 1e-9);
            let bytes = run.save();
            run = Run::resume(&problem, memetic(), budget, seed(2), 10, &bytes).expect("valid");
            assert_eq!(run.save(), bytes);
        }
        let (until, mut most) = (run.status().evals + 150_000, 0.0_f64);
        while run.status().evals < until {
            let row: Vec<f64> = run.ask().into_iter().take(order.len()).collect();
            most = most.max(likeness(&problem.decode(&row), &order));
            assert_eq!(run.step(&mut Controls::default()), None);
        }
        most
    };
    let (alone, with) = (closest(false), closest(true));
    assert!(with >= 0.9 && alone < 0.9, "{alone} {with}");
}
