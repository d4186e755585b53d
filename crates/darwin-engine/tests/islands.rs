//! Several populations: quality, exchange, checkpoints, threads.

mod support;

use darwin_engine::{
    ALGORITHMS, Bounds, Budget, ConstraintMethod, Controls, Executor, Function, GaOptions,
    HandlingOptions, IslandOptions, Kind, Limit, LshadeOptions, MemeticOptions, Model, Plan,
    Problem, PsoOptions, Relation, Run, Seed, Sense, Settings, Topology, Variable, optimize,
};
use support::digest;

fn rastrigin(dimension: usize) -> Problem {
    let bounds = Bounds::cube(dimension, -5.12, 5.12).expect("valid");
    let objective = Box::new(Function::Rastrigin.on(dimension).expect("valid"));
    Problem::new(objective, bounds, Sense::Min).expect("valid")
}

/// Moves lead to the reverse order, where the least value is not.
fn order(length: usize) -> Problem {
    let expression = "if(sum(i,0,n-1,abs(p[i]-i)) < 0.5, -100, sum(i,0,n-1,(p[i]-n+1+i)^2))";
    Problem::compile(Model {
        variables: vec![Variable {
            name: "p".to_owned(),
            kind: Kind::Permutation,
            length: Some(length),
        }],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, expression.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("valid")
}

fn seed(seed: u64) -> Seed {
    Seed::new(seed).expect("valid")
}

fn islands(settings: Settings, topology: Topology) -> Plan {
    let options = IslandOptions {
        islands: Some(3),
        topology: Some(topology),
        migration_interval: Some(4),
        migrants: Some(2),
    };
    Plan { islands: options.resolve().expect("valid"), ..Plan::from(settings) }
}

/// The algorithms that let it be set, with a problem for each.
fn all() -> Vec<(Problem, Settings)> {
    let lshade = LshadeOptions { population: Some(20), ..LshadeOptions::default() };
    let ga = GaOptions { population: Some(20), ..GaOptions::default() };
    let memetic = MemeticOptions { population: Some(6) };
    vec![
        (rastrigin(4), ga.resolve(4).expect("valid").into()),
        (rastrigin(4), lshade.resolve(4).expect("valid").into()),
        (rastrigin(4), lshade.resolve_jso(4).expect("valid").into()),
        (rastrigin(4), PsoOptions::default().resolve().expect("valid").into()),
        (order(12), memetic.resolve().expect("valid").into()),
    ]
}

#[test]
fn every_algorithm_that_lists_them_is_tested_here() {
    let tested: Vec<&str> = all().iter().map(|(_, one)| one.algorithm().name).collect();
    let listed = ALGORITHMS.iter().filter(|one| one.parameter("islands").is_some());
    assert!(listed.clone().all(|one| tested.contains(&one.name)) && listed.count() == tested.len());
}

#[test]
fn islands_resume_from_any_generation_with_the_same_bytes() {
    for (problem, settings) in all() {
        for topology in [Topology::Ring, Topology::Star, Topology::Full] {
            let plan = islands(settings, topology);
            let name = format!("{} {}", plan.algorithm().name, topology.name());
            let budget = Budget::evals(3000).expect("valid");
            let whole = optimize(&problem, plan, &budget, seed(3), &mut Controls::default());
            assert_eq!(whole.evals, 3000, "{name}");
            let mut run = Run::new(&problem, plan, budget, seed(3), 50);
            let mut generation = 0;
            let stop = loop {
                if let Some(stop) = run.step(&mut Controls::default()) {
                    break stop;
                }
                generation += 1;
                if generation % 3 == 1 {
                    let bytes = run.save();
                    run = Run::resume(&problem, plan, budget, seed(3), 50, &bytes).expect("valid");
                    assert_eq!(run.save(), bytes, "{name}");
                }
            };
            assert_eq!(digest(&run.finish(stop)), digest(&whole), "{name}");
        }
    }
}

#[test]
fn threads_change_no_island() {
    let problem = rastrigin(20);
    let ga = GaOptions { population: Some(400), ..GaOptions::default() };
    let plan = islands(ga.resolve(20).expect("valid").into(), Topology::Full);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let budget = Budget::evals(20_000).expect("valid");
    let on = |executor| {
        let mut controls = Controls { executor, ..Controls::default() };
        digest(&optimize(&problem, plan, &budget, seed(4), &mut controls))
    };
    assert_eq!(on(Executor::default()), on(Executor::pool(&pool, 2)));
}

/// What was told comes to what was computed.
#[test]
fn islands_that_are_told_are_those_that_compute() {
    for (problem, settings) in all() {
        let plan = islands(settings, Topology::Ring);
        let budget = Budget::evals(1500).expect("valid");
        let mut stepped = Run::new(&problem, plan, budget, seed(8), 50);
        let mut told = Run::new(&problem, plan, budget, seed(8), 50);
        while stepped.step(&mut Controls::default()).is_none() {
            let genes = told.ask();
            let rows = genes.chunks_exact(problem.bounds().dimension());
            let costs: Vec<f64> = rows.map(|row| problem.report(row).values[0]).collect();
            told.tell(&costs);
            assert_eq!(told.save(), stepped.save(), "{}", plan.algorithm().name);
        }
    }
}

/// The best point of one island comes to stand on the next.
#[test]
fn good_points_travel() {
    let problem = rastrigin(3);
    let ga = GaOptions { population: Some(10), ..GaOptions::default() };
    let plan = islands(ga.resolve(3).expect("valid").into(), Topology::Ring);
    let mut run = Run::new(&problem, plan, Budget::evals(100_000).expect("valid"), seed(1), 50);
    let doubles = |run: &mut Run<'_>| {
        let members = run.members();
        assert_eq!(members.len(), 30);
        let own = |island: usize| &members[island * 10..][..10];
        (0..3)
            .flat_map(|one| own(one).iter().map(move |member| (one, member)))
            .filter(|(one, member)| own((one + 1) % 3).iter().any(|m| m.genes == member.genes))
            .count()
    };
    for generation in 0..=4 {
        assert_eq!(run.status().evals / 30, generation);
        run.step(&mut Controls::default());
    }
    assert!(doubles(&mut run) >= 3, "{}", doubles(&mut run));
}

#[test]
fn islands_may_price_their_points_too() {
    let limit = Limit { relation: Relation::AtMost, rhs: 0.0, tolerance: 1e-6 };
    let x = Variable {
        name: "x".to_owned(),
        kind: Kind::Real { lo: -5.0, hi: 5.0, step: None },
        length: Some(4),
    };
    let problem = Problem::compile(Model {
        variables: vec![x],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, "sum(i,0,n-1,x[i]^2)".to_owned())],
        constraints: vec![("4 - sum(x)".to_owned(), limit)],
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("valid");
    let lshade = LshadeOptions { population: Some(30), ..LshadeOptions::default() };
    let handling =
        HandlingOptions { method: Some(ConstraintMethod::Epsilon), ..HandlingOptions::default() };
    let plan = Plan {
        handling: handling.resolve().expect("valid"),
        ..islands(lshade.resolve(4).expect("valid").into(), Topology::Ring)
    };
    let budget = Budget::evals(20_000).expect("valid");
    let whole = optimize(&problem, plan, &budget, seed(2), &mut Controls::default());
    let best = whole.best.clone().expect("one");
    assert!(best.violation <= 0.0 && (best.f - 4.0).abs() < 1e-4, "{best:?}");
    let mut run = Run::new(&problem, plan, budget, seed(2), 50);
    let stop = loop {
        let stop = run.step(&mut Controls::default());
        let bytes = run.save();
        run = Run::resume(&problem, plan, budget, seed(2), 50, &bytes).expect("valid");
        if let Some(stop) = stop {
            break stop;
        }
    };
    assert_eq!(digest(&run.finish(stop)), digest(&whole));
}

#[test]
fn a_point_from_elsewhere_takes_the_place_of_the_worst() {
    // Local search is at the least value of its problem by then.
    let others = all().into_iter().filter(|(_, one)| one.algorithm().name != "memetic");
    for (problem, settings) in others {
        let name = settings.algorithm().name;
        let budget = Budget::evals(100_000).expect("valid");
        let mut run = Run::new(&problem, settings, budget, seed(5), 50);
        // Those of local search come one by one.
        for _ in 0..20 {
            run.step(&mut Controls::default());
        }
        while run.members().is_empty() {
            run.step(&mut Controls::default());
        }
        let count = run.members().len();
        let n = problem.bounds().dimension();
        #[expect(clippy::cast_precision_loss, reason = "a few items")]
        let best: Vec<f64> = if name == "memetic" {
            (0..n).map(|item| (item as f64 + 0.5) / n as f64).collect()
        } else {
            vec![0.0; n]
        };
        let outside = vec![99.0; n];
        assert_eq!(run.inject(&[best.clone(), outside]), [true, false], "{name}");
        assert_eq!(run.members().len(), count);
        let least = if name == "memetic" { -100.0 } else { 0.0 };
        assert!(run.status().best_f.is_some_and(|f| (f - least).abs() < 1e-12), "{name}");
        let bytes = run.save();
        let resumed = Run::resume(&problem, settings, budget, seed(5), 50, &bytes).expect("valid");
        assert_eq!(resumed.save(), bytes);
        // No better than itself, where it stands alone.
        assert_eq!(run.inject(&[best]), [count > 1], "{name}");
    }
}
