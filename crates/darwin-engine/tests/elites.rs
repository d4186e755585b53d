//! Archives of behaviours: what fills them, checkpoints, threads.

mod support;

use darwin_engine::{
    ArchiveKind, Budget, Controls, Descriptor, ElitesOptions, Executor, Kind, Limit, Model,
    Outcome, Plan, Problem, Relation, Run, Seed, Sense, Variable, optimize,
};
use support::digest;

/// Least height of every kind of point: two behaviours that are the first two coordinates, and a bowl
/// over all; with a constraint if wanted.
fn bowl(cells: u32, limited: bool) -> Problem {
    let descriptor = |name: &str| Descriptor { name: name.to_owned(), lo: -1.0, hi: 1.0, cells };
    let limit = Limit { relation: Relation::AtMost, rhs: 0.0, tolerance: 1e-6 };
    Problem::compile(Model {
        variables: vec![Variable {
            name: "x".to_owned(),
            kind: Kind::Real { lo: -1.0, hi: 1.0, step: None },
            length: Some(10),
        }],
        lets: vec![("east".to_owned(), "x[0]".to_owned()), ("north".to_owned(), "x[1]".to_owned())],
        objectives: vec![(Sense::Min, "sum(i,0,n-1,x[i]^2)".to_owned())],
        constraints: if limited { vec![("-x[0]".to_owned(), limit)] } else { Vec::new() },
        descriptors: vec![descriptor("east"), descriptor("north")],
        tables: Vec::new(),
    })
    .expect("valid")
}

fn seed(seed: u64) -> Seed {
    Seed::new(seed).expect("valid")
}

fn run(problem: &Problem, options: ElitesOptions, evals: u64) -> Outcome {
    let settings = options.resolve(problem).expect("valid");
    let budget = Budget::evals(evals).expect("valid");
    optimize(problem, settings, &budget, seed(1), &mut Controls::default())
}

fn cvt() -> ElitesOptions {
    ElitesOptions { archive: Some(ArchiveKind::Cvt), niches: Some(60), ..ElitesOptions::default() }
}

#[test]
fn every_cell_gets_its_best_point() {
    let problem = bowl(10, false);
    let outcome = run(&problem, ElitesOptions::default(), 60_000);
    let archive = outcome.archive.expect("one");
    assert_eq!((archive.niches, archive.elites.len()), (100, 100));
    for elite in &archive.elites {
        let (x, f) = (&elite.report.x, elite.report.values[0]);
        assert_eq!(elite.behaviour, x[..2]);
        let cell = |x: f64| libm::floor((x + 1.0) * 5.0).clamp(0.0, 9.0);
        let cells = [cell(x[0]), cell(x[1])];
        #[expect(clippy::cast_precision_loss, reason = "a hundred niches")]
        let niche = elite.niche as f64;
        assert!((cells[0] * 10.0 + cells[1] - niche).abs() < 0.5);
        // The least that a cell allows is at its corner next to the middle.
        let least: f64 = cells
            .iter()
            .map(|cell| {
                let (lo, hi) = (cell / 5.0 - 1.0, (cell + 1.0) / 5.0 - 1.0);
                if lo < -1e-9 && hi < 1e-9 { hi * hi } else { lo * lo }
            })
            .sum();
        assert!(f - least < 0.15, "niche {niche}: {f}, least {least}");
    }
    assert!(outcome.best.expect("one").f < 1e-2);
}

#[test]
fn what_breaks_a_constraint_stands_only_where_nothing_else_does() {
    let outcome = run(&bowl(10, true), ElitesOptions::default(), 30_000);
    let archive = outcome.archive.expect("one");
    for elite in &archive.elites {
        let broken = elite.report.violation > 0.0;
        assert_eq!(broken, elite.behaviour[0] < -1e-6, "{elite:?}");
    }
}

#[test]
fn archives_resume_with_the_same_bytes_and_threads_change_nothing() {
    let problem = bowl(20, false);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let large = ElitesOptions { batch: Some(2000), ..ElitesOptions::default() };
    for options in [ElitesOptions::default(), cvt(), large] {
        let settings = options.resolve(&problem).expect("valid");
        let budget = Budget::evals(9000).expect("valid");
        let on = |executor| {
            let mut controls = Controls { executor, ..Controls::default() };
            optimize(&problem, settings, &budget, seed(1), &mut controls)
        };
        let whole = on(Executor::default());
        assert_eq!(on(Executor::pool(&pool, 2)), whole);
        let mut run = Run::new(&problem, settings, budget, seed(1), 50);
        let stop = loop {
            let stop = run.step(&mut Controls::default());
            let bytes = run.save();
            run = Run::resume(&problem, settings, budget, seed(1), 50, &bytes).expect("valid");
            assert_eq!(run.save(), bytes);
            if let Some(stop) = stop {
                break stop;
            }
        };
        let again = run.finish(stop);
        assert_eq!(digest(&again), digest(&whole));
        assert_eq!(again.archive, whole.archive);
    }
}

#[test]
fn evenly_spread_places_are_filled() {
    let archive = run(&bowl(10, false), cvt(), 20_000).archive.expect("one");
    assert_eq!((archive.niches, archive.elites.len()), (60, 60));
}

#[test]
fn an_archive_needs_behaviours_and_a_bounded_grid() {
    let problem = bowl(10, false);
    let plain = Problem::compile(Model {
        variables: vec![Variable { name: "x".to_owned(), kind: Kind::Bool, length: Some(3) }],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, "sum(x)".to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("valid");
    let plan = Plan::from(ElitesOptions::default().resolve(&plain).expect("valid"));
    assert!(plan.check(&plain).is_err());
    assert!(plan.check(&problem).is_ok());
    assert!(ElitesOptions::default().resolve(&bowl(200, false)).is_err());
    let niches = ElitesOptions { niches: Some(50), ..ElitesOptions::default() };
    assert!(niches.resolve(&problem).is_err());
}
