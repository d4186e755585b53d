//! Whole numbers, booleans, categories and orders, alone and mixed: against optima that are known.

mod support;

use darwin_engine::{
    Budget, Controls, ExchangeKind, Executor, GaOptions, Kind, Limit, Model, OrderCrossover,
    OrderMutation, Outcome, Problem, Relation, Run, Seed, SelectionKind, Sense, Settings, Variable,
    WholeMutation, expression::Table, optimize,
};
use support::digest;

fn variable(name: &str, kind: Kind, length: Option<usize>) -> Variable {
    Variable { name: name.to_owned(), kind, length }
}

fn model(variables: Vec<Variable>, sense: Sense, objective: &str) -> Model {
    Model {
        variables,
        lets: Vec::new(),
        objectives: vec![(sense, objective.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    }
}

fn row(name: &str, values: &[f64]) -> Table {
    Table { name: name.to_owned(), columns: values.len(), values: values.to_vec() }
}

fn ga(options: GaOptions, problem: &Problem) -> Settings {
    options.resolve(problem.bounds().dimension()).expect("valid").into()
}

fn run(problem: &Problem, options: GaOptions, evals: u64, seed: u64) -> Outcome {
    let budget = Budget::evals(evals).expect("valid");
    let seed = Seed::new(seed).expect("valid");
    optimize(problem, ga(options, problem), &budget, seed, &mut Controls::default())
}

fn best(problem: &Problem, options: GaOptions, evals: u64, seed: u64) -> (Vec<f64>, f64) {
    let found = run(problem, options, evals, seed).best.expect("a finite value");
    assert_eq!(found.violation.to_bits(), 0);
    (found.x, found.f)
}

fn ones(length: usize) -> Problem {
    let x = variable("x", Kind::Bool, Some(length));
    Problem::compile(model(vec![x], Sense::Max, "sum(x)")).expect("valid")
}

#[test]
fn every_exchange_and_selection_counts_all_ones() {
    let problem = ones(100);
    let exchanges = [
        ExchangeKind::Uniform,
        ExchangeKind::OnePoint,
        ExchangeKind::TwoPoint,
        ExchangeKind::KPoint,
    ];
    for exchange in exchanges {
        let options = GaOptions { exchange: Some(exchange), ..GaOptions::default() };
        let (x, f) = best(&problem, options, 20_000, 1);
        assert!((f - 100.0).abs() < 0.5, "{exchange:?}: {f}");
        assert!(x.iter().all(|bit| (bit - 1.0).abs() < 1e-12));
    }
    for selection in [
        SelectionKind::Tournament,
        SelectionKind::Rank,
        SelectionKind::Roulette,
        SelectionKind::Sus,
        SelectionKind::Truncation,
    ] {
        let options = GaOptions { selection: Some(selection), ..GaOptions::default() };
        let (_, f) = best(&problem, options, 20_000, 2);
        assert!((f - 100.0).abs() < 0.5, "{selection:?}: {f}");
    }
}

/// Weights and values of 40 things, from a linear congruential generator.
fn things() -> (Vec<f64>, Vec<f64>) {
    let mut state = 12_345_u64;
    let mut next = || {
        state = (state * 1_103_515_245 + 12_345) % (1 << 31);
        f64::from(u32::try_from(state >> 16).expect("15 bits") % 97 + 4)
    };
    let weights: Vec<f64> = (0..40).map(|_| next()).collect();
    let values = weights.iter().map(|weight| weight + next() / 4.0).map(f64::round).collect();
    (weights, values)
}

/// By dynamic programming over all loads.
fn most_in_a_knapsack(weights: &[f64], values: &[f64], room: usize) -> f64 {
    let mut most = vec![0.0_f64; room + 1];
    for (weight, value) in weights.iter().zip(values) {
        let weight = (0..=100_u32).find(|k| f64::from(*k) >= *weight).expect("fits") as usize;
        for load in (weight..=room).rev() {
            most[load] = most[load].max(most[load - weight] + value);
        }
    }
    most[room]
}

#[test]
fn a_knapsack_is_packed_as_well_as_can_be() {
    let (weights, values) = things();
    let room = 700;
    let optimum = most_in_a_knapsack(&weights, &values, room);
    let mut knapsack =
        model(vec![variable("x", Kind::Bool, Some(40))], Sense::Max, "sum(i,0,n-1,x[i]*at(v,i))");
    let limit = Limit { relation: Relation::AtMost, rhs: 700.0, tolerance: 1e-9 };
    knapsack.constraints.push(("sum(i,0,n-1,x[i]*at(w,i))".to_owned(), limit));
    knapsack.tables = vec![row("w", &weights), row("v", &values)];
    let problem = Problem::compile(knapsack).expect("valid");
    let mut exact = 0;
    for seed in 1..=10 {
        let (x, f) = best(&problem, GaOptions::default(), 40_000, seed);
        let load: f64 = x.iter().zip(&weights).map(|(x, w)| x * w).sum();
        assert!(load <= 700.0 && f <= optimum);
        assert!(f >= 0.995 * optimum, "{f} of {optimum}");
        exact += usize::from((f - optimum).abs() < 0.5);
    }
    assert!(exact >= 5, "optimal in {exact} of 10");
}

/// A convex quadratic, rotated, whose real minimum is no whole point.
const QUADRATIC: &str = "(a+0.4*b-2.3)^2 + 3*(b-0.7*c+1.6)^2 + 2*(c+0.5*d-7.4)^2 + (d-0.6*a+3.3)^2";

fn quadratic(point: [i32; 4]) -> f64 {
    let at = point.map(f64::from);
    (at[0] + 0.4 * at[1] - 2.3).powi(2)
        + 3.0 * (at[1] - 0.7 * at[2] + 1.6).powi(2)
        + 2.0 * (at[2] + 0.5 * at[3] - 7.4).powi(2)
        + (at[3] - 0.6 * at[0] + 3.3).powi(2)
}

#[test]
fn a_whole_quadratic_is_solved_as_by_enumeration() {
    let range = || -15..=15;
    let pairs = || range().flat_map(|one| range().map(move |other| (one, other)));
    let points = pairs().flat_map(|(a, b)| pairs().map(move |(c, d)| [a, b, c, d]));
    let least = points.map(quadratic).fold(f64::INFINITY, f64::min);
    let kind = Kind::Int { lo: -15.0, hi: 15.0 };
    let variables = ["a", "b", "c", "d"].map(|name| variable(name, kind.clone(), None)).to_vec();
    let problem = Problem::compile(model(variables, Sense::Min, QUADRATIC)).expect("valid");
    for whole_mutation in [WholeMutation::Power, WholeMutation::Reset] {
        let options = GaOptions { whole_mutation: Some(whole_mutation), ..GaOptions::default() };
        let exact = (1..=10)
            .filter(|seed| (best(&problem, options, 20_000, *seed).1 - least).abs() < 1e-9)
            .count();
        assert!(exact >= 9, "{whole_mutation:?}: {exact} of 10");
    }
}

/// All kinds at once; the optimum is known by its construction.
fn mixed() -> Problem {
    let words = ["red", "green", "blue"].map(str::to_owned).to_vec();
    let variables = vec![
        variable("r", Kind::Real { lo: -5.0, hi: 5.0, step: None }, Some(2)),
        variable("g", Kind::Real { lo: 0.0, hi: 1.0, step: Some(0.125) }, None),
        variable("k", Kind::Int { lo: -50.0, hi: 50.0 }, None),
        variable("on", Kind::Bool, Some(3)),
        variable("colour", Kind::Cat { values: words }, None),
        variable("p", Kind::Permutation, Some(6)),
        variable("s", Kind::Log { lo: 1e-4, hi: 1e4 }, None),
    ];
    let objective = "(r[0]-1)^2 + (r[1]+2)^2 + abs(g-0.375) + 0.1*abs(k-17) \
                     + (on[0] != 1) + (on[1] != 0) + (on[2] != 1) + 2*(colour != 'blue') \
                     + sum(i,0,5,abs(p[i]-5+i)) + ln(s/20)^2";
    Problem::compile(model(variables, Sense::Min, objective)).expect("valid")
}

#[test]
fn all_kinds_at_once_are_solved() {
    let problem = mixed();
    for (order_crossover, order_mutation) in [
        (OrderCrossover::Ox, OrderMutation::Inversion),
        (OrderCrossover::Pmx, OrderMutation::Swap),
        (OrderCrossover::Cx, OrderMutation::Insert),
        (OrderCrossover::Erx, OrderMutation::Scramble),
    ] {
        let options = GaOptions {
            order_crossover: Some(order_crossover),
            order_mutation: Some(order_mutation),
            ..GaOptions::default()
        };
        let (x, f) = best(&problem, options, 60_000, 3);
        assert!(f < 1e-3, "{order_crossover:?}: {f} {x:?}");
        assert_eq!(x[3..8], [17.0, 1.0, 0.0, 1.0, 2.0]);
        assert_eq!(x[8..14], [5.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
    }
}

#[test]
fn a_mixed_run_is_the_same_at_any_threads_from_a_checkpoint_and_told() {
    let problem = mixed();
    let options = GaOptions {
        population: Some(1200),
        selection: Some(SelectionKind::Sus),
        exchange: Some(ExchangeKind::TwoPoint),
        ..GaOptions::default()
    };
    let settings = ga(options, &problem);
    let (budget, seed) = (Budget::evals(9000).expect("valid"), Seed::new(11).expect("valid"));
    let alone = optimize(&problem, settings, &budget, seed, &mut Controls::default());
    for threads in [2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
        let mut controls =
            Controls { executor: Executor::pool(&pool, threads), ..Controls::default() };
        let seen = optimize(&problem, settings, &budget, seed, &mut controls);
        assert_eq!(digest(&seen), digest(&alone), "{threads} threads");
    }
    let mut run = Run::new(&problem, settings, budget, seed, 50);
    let mut told = Run::new(&problem, settings, budget, seed, 50);
    let stop = loop {
        let genes = told.ask();
        let values: Vec<_> = genes
            .chunks_exact(problem.bounds().dimension())
            .map(|genes| problem.report(genes))
            .map(|report| Some((report.values, report.violation)))
            .collect();
        told.tell_values(&values);
        let stop = run.step(&mut Controls::default());
        assert_eq!(run.save(), told.save());
        if let Some(stop) = stop {
            break stop;
        }
        run =
            Run::resume(&problem, settings, budget, seed, 50, &run.save()).expect("its own bytes");
    };
    assert_eq!(digest(&run.finish(stop)), digest(&alone));
}

/// Raise the revision of the algorithm when this is changed on purpose.
#[test]
fn golden_bytes() {
    let seen = digest(&run(&mixed(), GaOptions::default(), 3000, 42));
    assert_eq!(seen, 0xf53d_41d3_be1c_5674, "{seen:#x}");
}
