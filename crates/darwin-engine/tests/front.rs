//! Several objectives: quality against known fronts, determinism, constraints.

use darwin_engine::{
    Budget, Controls, Kind, Limit, Model, NsgaOptions, Outcome, Problem, Relation, Run, Seed,
    Sense, Settings, StopReason, Variable, hypervolume, optimize,
};

fn model(length: usize, lets: &[(&str, &str)], objectives: &[&str]) -> Model {
    let kind = Kind::Real { lo: 0.0, hi: 1.0, step: None };
    let owned = |(name, source): &(&str, &str)| ((*name).to_owned(), (*source).to_owned());
    Model {
        variables: vec![Variable { name: "x".to_owned(), kind, length: Some(length) }],
        lets: lets.iter().map(owned).collect(),
        objectives: objectives.iter().map(|one| (Sense::Min, (*one).to_owned())).collect(),
        constraints: Vec::new(),
        tables: Vec::new(),
    }
}

/// Zitzler, Deb & Thiele (2000).
fn zdt(second: &str) -> Problem {
    let g = ("g", "1 + 9 * sum(i,1,n-1,x[i]) / (n-1)");
    Problem::compile(model(30, &[g], &["x[0]", second])).expect("valid")
}

fn run(problem: &Problem, evals: u64, seed: u64) -> Outcome {
    let settings = NsgaOptions::default().resolve().expect("valid");
    let budget = Budget::evals(evals).expect("valid");
    let seed = Seed::new(seed).expect("valid");
    optimize(problem, settings, &budget, seed, &mut Controls::default())
}

/// Median over five seeds, in 25,000 evaluations.
fn volume(problem: &Problem, reference: &[f64]) -> f64 {
    let mut all: Vec<f64> = (1..=5)
        .map(|seed| {
            let front = run(problem, 25_000, seed).front;
            let values: Vec<Vec<f64>> = front.into_iter().map(|one| one.values).collect();
            hypervolume(&values, reference)
        })
        .collect();
    all.sort_by(f64::total_cmp);
    all[2]
}

/// The bars: medians of another library's NSGA-II on the same budget, less 0.0005 (0.005).
#[test]
fn fronts_cover_what_another_library_covers() {
    let zdt1 = volume(&zdt("g * (1 - sqrt(x[0] / g))"), &[1.1, 1.1]);
    assert!(zdt1 >= 0.869_76 - 0.000_5, "{zdt1}");
    let zdt2 = volume(&zdt("g * (1 - (x[0] / g)^2)"), &[1.1, 1.1]);
    assert!(zdt2 >= 0.536_38 - 0.000_5, "{zdt2}");
    let zdt3 = volume(&zdt("g * (1 - sqrt(x[0]/g) - x[0]/g * sin(10*pi*x[0]))"), &[1.1, 1.1]);
    assert!(zdt3 >= 1.327_73 - 0.000_5, "{zdt3}");
    let lets = [("g", "1 + sum(i,2,n-1,(x[i]-0.5)^2)"), ("a", "x[0]*pi/2"), ("b", "x[1]*pi/2")];
    let objectives = ["g*cos(a)*cos(b)", "g*cos(a)*sin(b)", "g*sin(a)"];
    let dtlz2 = Problem::compile(model(12, &lets, &objectives)).expect("valid");
    let dtlz2 = volume(&dtlz2, &[1.1, 1.1, 1.1]);
    assert!(dtlz2 >= 0.704_17 - 0.005, "{dtlz2}");
}

#[test]
fn equal_seeds_give_equal_fronts_and_budgets_are_exact() {
    let problem = zdt("g * (1 - sqrt(x[0] / g))");
    let outcome = run(&problem, 1234, 7);
    assert_eq!((outcome.evals, outcome.stop), (1234, StopReason::MaxEvals));
    assert_eq!(outcome, run(&problem, 1234, 7));
    assert_ne!(outcome.front, run(&problem, 1234, 8).front);
    for one in &outcome.front {
        assert_eq!(one.values.len(), 2);
        let worse = |other: &&darwin_engine::Report| {
            other.values.iter().zip(&one.values).all(|(o, v)| o <= v) && other.values != one.values
        };
        assert!(outcome.front.iter().find(worse).is_none(), "a dominated point in the front");
    }
    let cancelled = &|| true;
    let mut controls = Controls { cancelled, ..Controls::default() };
    let settings = NsgaOptions::default().resolve().expect("valid");
    let budget = Budget::evals(1000).expect("valid");
    let seed = Seed::new(1).expect("valid");
    let nothing = optimize(&problem, settings, &budget, seed, &mut controls);
    assert_eq!((nothing.evals, nothing.stop), (0, StopReason::Cancelled));
    assert!(nothing.front.is_empty());
}

#[test]
fn a_run_resumes_and_can_be_told() {
    let problem = zdt("g * (1 - sqrt(x[0] / g))");
    let settings = Settings::from(NsgaOptions::default().resolve().expect("valid"));
    let (budget, seed) = (Budget::evals(2050).expect("valid"), Seed::new(5).expect("valid"));
    let whole = optimize(&problem, settings, &budget, seed, &mut Controls::default());
    let mut run = Run::new(&problem, settings, budget, seed, 50);
    let stop = loop {
        if let Some(stop) = run.step(&mut Controls::default()) {
            break stop;
        }
        let bytes = run.save();
        run = Run::resume(&problem, settings, budget, seed, 50, &bytes).expect("its own bytes");
    };
    assert_eq!(run.finish(stop), whole);
    let mut stepped = Run::new(&problem, settings, budget, seed, 50);
    let mut told = Run::new(&problem, settings, budget, seed, 50);
    for _ in 0..5 {
        stepped.step(&mut Controls::default());
        let genes = told.ask();
        let vector = |genes: &[f64]| {
            let report = problem.report(genes);
            report.values.into_iter().chain([report.violation]).collect::<Vec<f64>>()
        };
        told.tell(&genes.chunks_exact(30).flat_map(vector).collect::<Vec<f64>>());
    }
    assert_eq!(stepped.save(), told.save());
}

#[test]
fn constraints_and_directions_hold() {
    let mut limited = model(2, &[], &["x[0]", "x[1]"]);
    limited.objectives[1].0 = Sense::Max;
    let limit = Limit { relation: Relation::AtMost, rhs: 0.2, tolerance: 0.0 };
    limited.constraints = vec![("x[1] - x[0]".to_owned(), limit)];
    let problem = Problem::compile(limited).expect("valid");
    let outcome = run(&problem, 10_000, 1);
    assert!(outcome.front.len() > 50);
    for one in &outcome.front {
        assert_eq!(one.violation.to_bits(), 0);
        let (x, y) = (one.values[0], one.values[1]);
        assert!(y - x <= 0.2 && y - x > 0.15 || y > 0.99, "{x} {y}");
    }
    let nowhere = Problem::compile(model(2, &[], &["x[0]", "0/0"])).expect("valid");
    let outcome = run(&nowhere, 500, 1);
    assert!(outcome.front.is_empty());
    assert_eq!(outcome.non_finite_evals, 500);
}
