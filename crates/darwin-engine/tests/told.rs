//! Runs whose values are told from outside.

use std::sync::Arc;

use darwin_engine::{
    Budget, Controls, Kind, Limit, LshadeOptions, Model, Outcome, Problem, Relation, Run, Seed,
    Sense, Settings, StopReason, Variable, optimize,
};

/// Largest a + b under a limit on their squares, where a is a whole number: found by every algorithm.
fn model(constrained: bool) -> Model {
    let whole = Kind::Int { lo: -4.0, hi: 4.0 };
    let real = Kind::Real { lo: -4.0, hi: 4.0, step: None };
    let variable = |name: &str, kind| Variable { name: name.to_owned(), kind, length: None };
    let limit = Limit { relation: Relation::AtMost, rhs: 10.0, tolerance: 0.0 };
    Model {
        variables: vec![variable("a", whole), variable("b", real)],
        lets: Vec::new(),
        objectives: vec![(Sense::Max, "a + b - 0.01*a*b".to_owned())],
        constraints: if constrained { vec![("a^2 + b^2".to_owned(), limit)] } else { Vec::new() },
        descriptors: Vec::new(),
        tables: Vec::new(),
    }
}

fn all() -> Vec<Settings> {
    let lshade = LshadeOptions { population: Some(20), ..LshadeOptions::default() };
    let mixed = Problem::compile(model(false)).expect("valid");
    vec![
        Settings::portfolio(2).expect("valid"),
        darwin_engine::CmaOptions::default().resolve(2).expect("valid").into(),
        lshade.resolve(2).expect("valid").into(),
        Settings::auto(&mixed).expect("valid").0,
    ]
}

/// Tell a run what `inner` gives, to its end; it is put to bytes after every generation.
fn told(inner: &Problem, settings: Settings, budget: Budget, seed: Seed) -> Outcome {
    let variables = inner.space().expect("named").variables().to_vec();
    let outer = Arc::new(Problem::external(variables, inner.senses().to_vec()).expect("valid"));
    let mut run = Run::new(Arc::clone(&outer), settings, budget, seed, 50);
    loop {
        let told: Vec<_> = run
            .ask()
            .chunks_exact(2)
            .map(|genes| {
                let report = inner.report(genes);
                Some((report.values, report.violation))
            })
            .collect();
        if let Some(stop) = run.tell_values(&told) {
            return run.finish(stop);
        }
        let bytes = run.save();
        run = Run::resume(Arc::clone(&outer), settings, budget, seed, 50, &bytes).expect("valid");
    }
}

#[test]
fn telling_what_an_expression_gives_is_the_same_as_computing_it() {
    let (budget, seed) = (Budget::evals(1003).expect("valid"), Seed::new(4).expect("valid"));
    for constrained in [false, true] {
        let inner = Problem::compile(model(constrained)).expect("valid");
        for settings in all() {
            let name = settings.algorithm().name;
            let outcome = told(&inner, settings, budget, seed);
            let own = optimize(&inner, settings, &budget, seed, &mut Controls::default());
            assert_eq!(outcome, own, "{name} {constrained}");
            assert_eq!(outcome.evals, 1003);
        }
    }
}

#[test]
fn points_that_could_not_be_evaluated_are_the_worst() {
    let inner = Problem::compile(model(false)).expect("valid");
    let variables = inner.space().expect("named").variables().to_vec();
    let outer = Problem::external(variables, vec![Sense::Max]).expect("valid");
    let (budget, seed) = (Budget::evals(400).expect("valid"), Seed::new(4).expect("valid"));
    for settings in all() {
        let mut run = Run::new(&outer, settings, budget, seed, 50);
        let stop = loop {
            let rows = run.ask();
            let told: Vec<_> = rows
                .chunks_exact(2)
                .map(|genes| {
                    let report = inner.report(genes);
                    (report.x[1] < 1.0).then_some((report.values, 0.0))
                })
                .collect();
            if let Some(stop) = run.tell_values(&told) {
                break stop;
            }
        };
        let outcome = run.finish(stop);
        assert_eq!((outcome.stop, outcome.evals), (StopReason::MaxEvals, 400));
        assert!(outcome.non_finite_evals > 0);
        let best = outcome.best.expect("some were evaluated");
        assert!(best.x[1] < 1.0 && best.f > 4.5, "{}: {best:?}", settings.algorithm().name);
    }
}

#[test]
fn a_longer_budget_goes_on_where_the_shorter_ended() {
    let inner = Problem::compile(model(true)).expect("valid");
    let (short, long) = (Budget::evals(300).expect("valid"), Budget::evals(900).expect("valid"));
    let seed = Seed::new(9).expect("valid");
    let settings = all()[3];
    let mut run = Run::new(&inner, settings, short, seed, 50);
    let mut controls = Controls::default();
    while run.step(&mut controls).is_none() {}
    run.set_budget(long);
    let stop = loop {
        if let Some(stop) = run.step(&mut controls) {
            break stop;
        }
    };
    let whole = optimize(&inner, settings, &long, seed, &mut Controls::default());
    assert_eq!(run.finish(stop), whole);
}
