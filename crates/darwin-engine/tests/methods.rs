//! Every algorithm: determinism, checkpoints, ask and tell, constraints, quality.

mod support;

use darwin_engine::{
    ALGORITHMS, Bounds, Budget, CmaOptions, Controls, DesignOptions, Error, EsOptions, Executor,
    Function, GaOptions, Kind, LANES, Limit, LshadeOptions, Model, Objective, Outcome, Problem,
    PsoOptions, Relation, Restarts, Run, Sampling, Scheme, Seed, Sense, Settings, SimplexOptions,
    StopReason, TpeOptions, UmdaOptions, Variable, optimize,
};
use support::digest;

fn builtin(function: Function, dimension: usize) -> Problem {
    let (lo, hi) = function.domain();
    let bounds = Bounds::cube(dimension, lo, hi).expect("valid");
    Problem::new(Box::new(function.on(dimension).expect("valid")), bounds, Sense::Min)
        .expect("valid")
}

/// Every algorithm, with settings that make its phases short.
fn all(dimension: usize) -> Vec<Settings> {
    let cma = |restarts, diagonal| {
        let options = CmaOptions { restarts: Some(restarts), diagonal, ..CmaOptions::default() };
        Settings::from(options.resolve(dimension).expect("valid"))
    };
    let lshade = LshadeOptions { population: Some(30), ..LshadeOptions::default() };
    vec![
        Settings::portfolio(dimension).expect("valid"),
        cma(Restarts::Bipop, None),
        cma(Restarts::Ipop, Some(true)),
        lshade.resolve(dimension).expect("valid").into(),
        lshade.resolve_jso(dimension).expect("valid").into(),
        PsoOptions::default().resolve().expect("valid").into(),
        EsOptions::default().resolve().expect("valid").into(),
        EsOptions { scheme: Some(Scheme::OnePlusOne), ..EsOptions::default() }
            .resolve()
            .expect("valid")
            .into(),
        SimplexOptions::default().resolve().expect("valid").into(),
        TpeOptions::default().resolve().expect("valid").into(),
        UmdaOptions { population: Some(50), ..UmdaOptions::default() }
            .resolve()
            .expect("valid")
            .into(),
        DesignOptions::default().resolve(dimension).expect("valid").into(),
        GaOptions::default().resolve(dimension).expect("valid").into(),
    ]
}

/// Models of all that was seen cost too much for many evaluations.
fn affordable(settings: Settings, evals: u64) -> u64 {
    if settings.algorithm().name == "tpe" { evals.min(200) } else { evals }
}

fn seed(seed: u64) -> Seed {
    Seed::new(seed).expect("valid")
}

fn run(problem: &Problem, settings: Settings, evals: u64, seed_value: u64) -> Outcome {
    let budget = Budget::evals(evals).expect("valid");
    optimize(problem, settings, &budget, seed(seed_value), &mut Controls::default())
}

#[test]
fn every_listed_algorithm_is_tested_here() {
    let tested: Vec<&str> = all(3).iter().map(|settings| settings.algorithm().name).collect();
    // Orders are tested in tours.rs.
    let mut single = ALGORITHMS.iter().filter(|algorithm| {
        // Archives in elites.rs.
        algorithm.objectives == "single"
            && algorithm.representation != "permutation"
            && algorithm.name != "map_elites"
    });
    assert!(single.all(|algorithm| tested.contains(&algorithm.name)));
}

/// A change of arithmetic, of streams or of the order of draws shows here. Raise the revision of
/// the algorithm when one of these is changed on purpose.
#[test]
fn golden_bytes() {
    let problem = builtin(Function::Rastrigin, 6);
    let seen: Vec<u64> =
        all(6).into_iter().map(|s| digest(&run(&problem, s, affordable(s, 5000), 42))).collect();
    let unique: std::collections::HashSet<_> = seen.iter().collect();
    assert_eq!(unique.len(), seen.len());
    assert_eq!(seen, GOLDEN, "{seen:#x?}");
}

const GOLDEN: [u64; 13] = [
    0x8d49_8d44_5517_733f,
    0x8b68_66b4_6b7c_17f3,
    0x6f86_6aef_4dbb_6640,
    0xda6b_094b_5c4e_1ad0,
    0xb148_dbca_be97_2964,
    0x8007_b22b_3d45_b898,
    0x47ab_8f1d_e089_1ad5,
    0xa1a0_0330_f8a2_5130,
    0xaf19_bb95_5ee4_d270,
    0x0f05_32bd_6eba_de0e,
    0x095a_cd30_5084_3fb9,
    0xe293_a1ea_3cb5_aad4,
    0xbebc_63d6_37c5_feb0,
];

#[test]
fn a_run_resumes_from_any_generation_with_the_same_bytes() {
    let problem = builtin(Function::Rastrigin, 4);
    for settings in all(4) {
        let name = settings.algorithm().name;
        let budget = Budget::evals(affordable(settings, 4000)).expect("valid");
        let whole = optimize(&problem, settings, &budget, seed(3), &mut Controls::default());
        let mut run = Run::new(&problem, settings, budget, seed(3), 50);
        let mut generation = 0;
        let stop = loop {
            if let Some(stop) = run.step(&mut Controls::default()) {
                break stop;
            }
            generation += 1;
            if generation % 7 == 1 {
                let bytes = run.save();
                run = Run::resume(&problem, settings, budget, seed(3), 50, &bytes).expect("valid");
                assert_eq!(run.save(), bytes, "{name}");
            }
        };
        assert_eq!(digest(&run.finish(stop)), digest(&whole), "{name}");
    }
}

#[test]
fn a_checkpoint_of_another_run_is_refused() {
    let (four, five) = (builtin(Function::Sphere, 4), builtin(Function::Sphere, 5));
    let budget = Budget::evals(4000).expect("valid");
    for settings in all(4) {
        let mut run = Run::new(&four, settings, budget, seed(3), 50);
        for _ in 0..3 {
            run.step(&mut Controls::default());
        }
        let bytes = run.save();
        let refused = |result: Result<Run<'_>, Error>| {
            assert!(matches!(result, Err(Error::InvalidCheckpoint { .. })));
        };
        refused(Run::resume(&four, settings, budget, seed(4), 50, &bytes));
        refused(Run::resume(&five, settings, budget, seed(3), 50, &bytes));
        for other in all(4).into_iter().filter(|other| other.algorithm() != settings.algorithm()) {
            refused(Run::resume(&four, other, budget, seed(3), 50, &bytes));
        }
        for cut in (0..bytes.len()).step_by(97) {
            refused(Run::resume(&four, settings, budget, seed(3), 50, &bytes[..cut]));
        }
    }
}

#[test]
fn asking_and_telling_is_the_same_as_stepping() {
    let problem = builtin(Function::Ackley, 3);
    for settings in all(3) {
        let name = settings.algorithm().name;
        let budget = Budget::evals(100_000).expect("valid");
        let mut stepped = Run::new(&problem, settings, budget, seed(8), 50);
        let mut told = Run::new(&problem, settings, budget, seed(8), 50);
        for generation in 0..60 {
            stepped.step(&mut Controls::default());
            let genes = told.ask();
            if generation % 5 == 0 {
                assert_eq!(told.ask(), genes, "{name}: asking again");
            }
            assert!(genes.chunks_exact(3).all(|row| problem.bounds().contains(row)), "{name}");
            let costs: Vec<f64> = genes.chunks_exact(3).map(|row| problem.value_at(row)).collect();
            told.tell(&costs);
        }
        assert_eq!(stepped.save(), told.save(), "{name}");
    }
}

#[cfg(feature = "rayon")]
#[test]
fn threads_do_not_change_a_byte() {
    let problem = builtin(Function::Ackley, 60);
    let lshade = LshadeOptions { population: Some(400), ..LshadeOptions::default() };
    let cma = CmaOptions { population: Some(400), ..CmaOptions::default() };
    let settings: [Settings; 2] =
        [lshade.resolve(60).expect("valid").into(), cma.resolve(60).expect("valid").into()];
    for settings in settings {
        let digests: Vec<u64> = [1, 2, 3, 8]
            .into_iter()
            .map(|threads| {
                let pool =
                    rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("valid");
                let executor = Executor::pool(&pool, threads);
                let mut controls = Controls { executor, ..Controls::default() };
                let budget = Budget::evals(6000).expect("valid");
                digest(&optimize(&problem, settings, &budget, seed(1), &mut controls))
            })
            .collect();
        assert!(digests.windows(2).all(|pair| pair[0] == pair[1]), "{digests:?}");
    }
}

/// x^2 scaled from 1 to 10^6 along rotated axes: hard for what cannot learn directions.
struct Ellipsoid;

impl Objective for Ellipsoid {
    fn dimension(&self) -> usize {
        8
    }

    fn evaluate(&self, inputs: &[[f64; LANES]], values: &mut [f64]) {
        for (lane, value) in values.iter_mut().enumerate() {
            *value = 0.0;
            for axis in 0..8_u32 {
                // Rows of a Hadamard matrix are orthogonal.
                let along: f64 = (0..8_u32)
                    .zip(inputs)
                    .map(|(j, x)| if (axis & j).count_ones() % 2 == 0 { x[lane] } else { -x[lane] })
                    .sum();
                *value +=
                    libm::pow(10.0, 6.0 * f64::from(axis) / 7.0) * (along - 1.0) * (along - 1.0);
            }
        }
    }
}

#[test]
fn quality() {
    let cma = |n: usize| Settings::from(CmaOptions::default().resolve(n).expect("valid"));
    let lshade = |n: usize| Settings::from(LshadeOptions::default().resolve(n).expect("valid"));
    let auto = |n: usize| Settings::portfolio(n).expect("valid");
    let rosenbrock = builtin(Function::Rosenbrock, 10);
    assert!(solved(&rosenbrock, cma(10), 20_000, 1e-8) >= 8);
    assert!(solved(&builtin(Function::Sphere, 10), cma(10), 3000, 1e-8) == 9);
    assert!(solved(&builtin(Function::Ackley, 10), cma(10), 6000, 1e-6) >= 8);
    let bounds = Bounds::cube(8, -5.0, 5.0).expect("valid");
    let ellipsoid = Problem::new(Box::new(Ellipsoid), bounds, Sense::Min).expect("valid");
    assert!(solved(&ellipsoid, cma(8), 12_000, 1e-8) == 9);
    assert!(solved(&ellipsoid, auto(8), 12_000, 1e-8) == 9);
    assert!(solved(&builtin(Function::Rastrigin, 10), auto(10), 10_000, 1e-8) == 9);
    assert!(solved(&builtin(Function::Rastrigin, 10), lshade(10), 100_000, 1e-8) == 9);
    assert!(solved(&rosenbrock, lshade(10), 100_000, 1e-8) >= 8);
}

/// Runs of nine that reach a value.
fn solved(problem: &Problem, settings: Settings, evals: u64, target: f64) -> usize {
    let best = |s| run(problem, settings, evals, s).best.expect("valid").f;
    (1..=9).filter(|s| best(*s) <= target).count()
}

#[test]
fn the_others_solve_what_they_are_for() {
    let sphere = builtin(Function::Sphere, 10);
    let rosenbrock = builtin(Function::Rosenbrock, 10);
    let jso = Settings::from(LshadeOptions::default().resolve_jso(10).expect("valid"));
    assert!(solved(&builtin(Function::Rastrigin, 10), jso, 100_000, 1e-8) >= 8);
    assert!(solved(&rosenbrock, jso, 100_000, 1e-8) >= 8);
    let pso = Settings::from(PsoOptions::default().resolve().expect("valid"));
    assert!(solved(&sphere, pso, 30_000, 1e-8) == 9);
    assert!(solved(&builtin(Function::Ackley, 10), pso, 60_000, 1e-6) >= 7);
    let es = |scheme| {
        let options = EsOptions { scheme: Some(scheme), ..EsOptions::default() };
        Settings::from(options.resolve().expect("valid"))
    };
    assert!(solved(&sphere, es(Scheme::SelfAdaptive), 30_000, 1e-8) == 9);
    assert!(solved(&sphere, es(Scheme::OnePlusOne), 3000, 1e-8) == 9);
    let simplex = Settings::from(SimplexOptions::default().resolve().expect("valid"));
    assert!(solved(&builtin(Function::Rosenbrock, 4), simplex, 10_000, 1e-8) >= 8);
}

/// Hartmann's function of six variables, minimum -3.32237.
fn hartmann() -> Problem {
    let rows = |name: &str, rows: &[[f64; 6]]| darwin_engine::expression::Table {
        name: name.to_owned(),
        columns: 6,
        values: rows.concat(),
    };
    let model = Model {
        variables: vec![real("x", Some(6), 0.0, 1.0)],
        lets: Vec::new(),
        objectives: vec![(
            Sense::Min,
            "-sum(i,0,3,at(c,0,i)*exp(-sum(j,0,5,at(a,i,j)*(x[j]-at(p,i,j))^2)))".to_owned(),
        )],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: vec![
            rows("c", &[[1.0, 1.2, 3.0, 3.2, 0.0, 0.0]]),
            rows(
                "a",
                &[
                    [10.0, 3.0, 17.0, 3.5, 1.7, 8.0],
                    [0.05, 10.0, 17.0, 0.1, 8.0, 14.0],
                    [3.0, 3.5, 1.7, 10.0, 17.0, 8.0],
                    [17.0, 8.0, 0.05, 10.0, 0.1, 14.0],
                ],
            ),
            rows(
                "p",
                &[
                    [0.1312, 0.1696, 0.5569, 0.0124, 0.8283, 0.5886],
                    [0.2329, 0.4135, 0.8307, 0.3736, 0.1004, 0.9991],
                    [0.2348, 0.1451, 0.3522, 0.2883, 0.3047, 0.6650],
                    [0.4047, 0.8828, 0.8732, 0.5743, 0.1091, 0.0381],
                ],
            ),
        ],
    };
    Problem::compile(model).expect("valid")
}

/// A hundred evaluations, medians of 21 seeds. Optuna 5.0 comes to -3.232 (`benches/tpe.py`): this is
/// to come as far, less what 21 seeds leave open.
#[test]
fn few_evaluations_come_far_beyond_chance() {
    let problem = hartmann();
    let minimizer = [0.201_69, 0.150_011, 0.476_874, 0.275_332, 0.311_652, 0.657_3];
    assert!((problem.value_at(&minimizer) + 3.322_37).abs() < 1e-4);
    let median = |settings: Settings| {
        let mut all: Vec<f64> =
            (1..=21).map(|s| run(&problem, settings, 100, s).best.expect("valid").f).collect();
        all.sort_by(f64::total_cmp);
        all[10]
    };
    let tpe = median(TpeOptions::default().resolve().expect("valid").into());
    let random = DesignOptions { sampling: Some(Sampling::Random), ..DesignOptions::default() };
    let random = median(random.resolve(6).expect("valid").into());
    assert!(tpe <= -3.2 && random > -2.3, "{tpe} {random}");
}

#[test]
fn a_run_without_restarts_converges() {
    let options = CmaOptions { restarts: Some(Restarts::None), ..CmaOptions::default() };
    let settings = options.resolve(5).expect("valid");
    let outcome = run(&builtin(Function::Sphere, 5), settings.into(), 1_000_000, 1);
    assert_eq!(outcome.stop, StopReason::Converged);
    assert!(outcome.best.expect("valid").f < 1e-11 && outcome.evals < 5000);
}

fn real(name: &str, length: Option<usize>, lo: f64, hi: f64) -> Variable {
    Variable { name: name.to_owned(), kind: Kind::Real { lo, hi, step: None }, length }
}

fn limits(all: &[(&str, Relation, f64)]) -> Vec<(String, Limit)> {
    let limit = |relation, rhs| Limit { relation, rhs, tolerance: 1e-6 };
    all.iter().map(|(e, relation, rhs)| ((*e).to_owned(), limit(*relation, *rhs))).collect()
}

/// Problem g06 of the CEC 2006 collection: optimum -6961.81388 at (14.095, 0.84296), where both
/// constraints are active.
#[test]
fn a_constrained_optimum_is_found() {
    let model = Model {
        variables: vec![real("a", None, 13.0, 100.0), real("b", None, 0.0, 100.0)],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, "(a-10)^3 + (b-20)^3".to_owned())],
        constraints: limits(&[
            ("-(a-5)^2 - (b-5)^2 + 100", Relation::AtMost, 0.0),
            ("(a-6)^2 + (b-5)^2", Relation::AtMost, 82.81),
        ]),
        descriptors: Vec::new(),
        tables: Vec::new(),
    };
    let problem = Problem::compile(model).expect("valid");
    for settings in all(2) {
        let name = settings.algorithm().name;
        // One spreads points, the others see no valley across the axes.
        if ["design", "tpe", "umda"].contains(&name) {
            continue;
        }
        let best = run(&problem, settings, 60_000, 5).best.expect("valid");
        assert_eq!(best.violation.to_bits(), 0, "{name}");
        let worse = best.f + 6_961.813_88;
        let slack = if name == "ga" { 400.0 } else { 1.0 };
        assert!((-0.01..slack).contains(&worse), "{name}: {worse}");
    }
}

/// A gear train (Sandgren 1990): whole numbers of teeth, optimum 2.7e-12.
#[test]
fn whole_numbers_stay_whole() {
    let teeth =
        Variable { name: "t".to_owned(), kind: Kind::Int { lo: 12.0, hi: 60.0 }, length: Some(4) };
    let model = Model {
        variables: vec![teeth],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, "(1/6.931 - t[0]*t[1]/(t[2]*t[3]))^2".to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    };
    let problem = Problem::compile(model).expect("valid");
    let (settings, why) = Settings::auto(&problem).expect("valid");
    assert_eq!(settings.algorithm().name, "ga");
    assert!(why.contains("whole numbers"));
    let best = run(&problem, settings, 40_000, 1).best.expect("valid");
    assert!(best.x.iter().all(|x| x.fract() == 0.0 && (12.0..=60.0).contains(x)));
    assert!(best.f < 1e-8, "{}", best.f);
}

#[test]
fn values_that_are_not_numbers_are_worst_and_counted_everywhere() {
    let model = |objective: &str| Model {
        variables: vec![real("x", Some(2), -1.0, 1.0)],
        lets: Vec::new(),
        objectives: vec![(Sense::Max, objective.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    };
    let patchy = Problem::compile(model("ln(x[0]) + sqrt(x[1])")).expect("valid");
    let nowhere = Problem::compile(model("0/0 + x[0]")).expect("valid");
    for settings in all(2) {
        let name = settings.algorithm().name;
        let outcome = run(&patchy, settings, 6000, 1);
        let best = outcome.best.expect("some values are numbers").f;
        assert!(best > 1.0 - 1e-2, "{name}: {best}");
        assert!(outcome.non_finite_evals > 0, "{name}");
        let outcome = run(&nowhere, settings, 500, 1);
        assert_eq!((outcome.best, outcome.non_finite_evals), (None, 500), "{name}");
    }
}

/// The least value that UMDA finds over equal variables.
fn marginal(kind: Kind, length: usize, expression: &str, evals: u64, from: u64) -> f64 {
    let problem = Problem::compile(Model {
        variables: vec![Variable { name: "x".to_owned(), kind, length: Some(length) }],
        lets: Vec::new(),
        objectives: vec![(Sense::Min, expression.to_owned())],
        constraints: Vec::new(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("valid");
    let settings = UmdaOptions::default().resolve().expect("valid");
    run(&problem, settings.into(), evals, from).best.expect("one").f
}

#[test]
fn marginals_find_what_acts_by_itself() {
    for seed in 1..=5 {
        let ones = marginal(Kind::Bool, 100, "-sum(x)", 10_000, seed);
        assert!((ones + 100.0).abs() < 1e-9, "{ones} with seed {seed}");
        let words = Kind::Cat { values: ["a", "b", "c", "d"].map(str::to_owned).to_vec() };
        let third = marginal(words, 30, "sum(i,0,29,x[i] != 'c')", 8000, seed);
        assert!(third.abs() < 1e-9, "{third} with seed {seed}");
        let whole = Kind::Int { lo: -20.0, hi: 20.0 };
        let squares = marginal(whole, 20, "sum(i,0,19,(x[i]-i+5)^2)", 20_000, seed);
        assert!(squares.abs() < 1e-9, "{squares} with seed {seed}");
        let real = Kind::Real { lo: -5.0, hi: 4.0, step: None };
        let sphere = marginal(real, 10, "sum(i,0,9,(x[i]-0.3)^2)", 30_000, seed);
        assert!(sphere < 1e-8, "{sphere} with seed {seed}");
    }
}
