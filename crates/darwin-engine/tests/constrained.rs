//! Ways to rank what breaks constraints: known optima, checkpoints, threads.

mod support;

use darwin_engine::{
    ALGORITHMS, Budget, CmaOptions, ConstraintMethod, Controls, EsOptions, Executor, GaOptions,
    HandlingOptions, Kind, Limit, LshadeOptions, Model, Outcome, Plan, Problem, PsoOptions,
    Relation, Run, Seed, Sense, Settings, UmdaOptions, Variable, optimize,
};
use support::digest;

/// A problem, and its known least value.
struct Known {
    name: &'static str,
    problem: Problem,
    optimum: f64,
    within: f64,
}

fn real(name: &str, lo: f64, hi: f64, step: Option<f64>) -> Variable {
    Variable { name: name.to_owned(), kind: Kind::Real { lo, hi, step }, length: None }
}

fn compile(variables: Vec<Variable>, objective: &str, constraints: &[&str]) -> Problem {
    limited(variables, objective, constraints, (Relation::AtMost, 1e-6))
}

fn limited(
    variables: Vec<Variable>,
    objective: &str,
    constraints: &[&str],
    (relation, tolerance): (Relation, f64),
) -> Problem {
    let limit = Limit { relation, rhs: 0.0, tolerance };
    Problem::compile(Model {
        variables,
        lets: Vec::new(),
        objectives: vec![(Sense::Min, objective.to_owned())],
        constraints: constraints.iter().map(|one| ((*one).to_owned(), limit)).collect(),
        descriptors: Vec::new(),
        tables: Vec::new(),
    })
    .expect("valid")
}

/// g06, g08, g11, g24 of the CEC 2006 collection (Liang et al.).
fn known() -> [Known; 4] {
    let g06 = compile(
        vec![real("a", 13.0, 100.0, None), real("b", 0.0, 100.0, None)],
        "(a-10)^3 + (b-20)^3",
        &["-(a-5)^2 - (b-5)^2 + 100", "(a-6)^2 + (b-5)^2 - 82.81"],
    );
    let g08 = compile(
        vec![real("a", 1e-3, 10.0, None), real("b", 1e-3, 10.0, None)],
        "-sin(2*pi*a)^3 * sin(2*pi*b) / (a^3 * (a + b))",
        &["a^2 - b + 1", "1 - a + (b - 4)^2"],
    );
    let g11 = limited(
        vec![real("a", -1.0, 1.0, None), real("b", -1.0, 1.0, None)],
        "a^2 + (b - 1)^2",
        &["b - a^2"],
        (Relation::Equal, 1e-4),
    );
    let g24 = compile(
        vec![real("a", 0.0, 3.0, None), real("b", 0.0, 4.0, None)],
        "-a - b",
        &["-2*a^4 + 8*a^3 - 8*a^2 + b - 2", "-4*a^4 + 32*a^3 - 88*a^2 + 96*a + b - 36"],
    );
    [
        Known { name: "g06", problem: g06, optimum: -6_961.813_88, within: 1.0 },
        Known { name: "g08", problem: g08, optimum: -0.095_825, within: 1e-4 },
        Known { name: "g11", problem: g11, optimum: 0.7499, within: 1e-3 },
        Known { name: "g24", problem: g24, optimum: -5.508_013, within: 1e-3 },
    ]
}

/// A vessel under pressure (Kannan & Kramer 1994), walls in sixteenths of an inch: 6059.714335.
fn vessel() -> Problem {
    compile(
        vec![
            real("shell", 0.0625, 6.1875, Some(0.0625)),
            real("head", 0.0625, 6.1875, Some(0.0625)),
            real("r", 10.0, 200.0, None),
            real("l", 10.0, 200.0, None),
        ],
        "0.6224*shell*r*l + 1.7781*head*r^2 + 3.1661*shell^2*l + 19.84*shell^2*r",
        &[
            "-shell + 0.0193*r",
            "-head + 0.00954*r",
            "(-pi*r^2*l - 4/3*pi*r^3 + 1296000) / 1296000",
            "l - 240",
        ],
    )
}

fn seed(seed: u64) -> Seed {
    Seed::new(seed).expect("valid")
}

fn plan(settings: Settings, method: ConstraintMethod) -> Plan {
    // Above every multiplier of these problems.
    let penalty_factor = (method == ConstraintMethod::Penalty).then_some(2000.0);
    let handling =
        HandlingOptions { method: Some(method), penalty_factor, ..HandlingOptions::default() };
    Plan { handling: handling.resolve().expect("valid"), ..Plan::from(settings) }
}

fn run(problem: &Problem, plan: Plan, evals: u64, from: u64) -> Outcome {
    let budget = Budget::evals(evals).expect("valid");
    optimize(problem, plan, &budget, seed(from), &mut Controls::default())
}

/// The algorithms that let it be set, for two variables.
fn all() -> Vec<Settings> {
    let dimension = 2;
    let lshade = LshadeOptions { population: Some(40), ..LshadeOptions::default() };
    vec![
        CmaOptions::default().resolve(dimension).expect("valid").into(),
        lshade.resolve(dimension).expect("valid").into(),
        lshade.resolve_jso(dimension).expect("valid").into(),
        GaOptions::default().resolve(dimension).expect("valid").into(),
        PsoOptions::default().resolve().expect("valid").into(),
        EsOptions::default().resolve().expect("valid").into(),
        UmdaOptions::default().resolve().expect("valid").into(),
    ]
}

/// Every way that an algorithm takes.
fn ways(settings: Settings) -> impl Iterator<Item = Plan> {
    let methods = [
        ConstraintMethod::Rules,
        ConstraintMethod::Epsilon,
        ConstraintMethod::Penalty,
        ConstraintMethod::Adaptive,
        ConstraintMethod::Lagrangian,
    ];
    methods
        .into_iter()
        .map(move |method| plan(settings, method))
        .filter(|plan| plan.algorithm().takes(&plan.handling))
}

#[test]
fn every_algorithm_that_lists_it_is_tested_here() {
    let tested: Vec<&str> = all().iter().map(|settings| settings.algorithm().name).collect();
    let listed = ALGORITHMS.iter().filter(|one| one.parameter("constraints").is_some());
    let listed: Vec<&str> = listed.map(|one| one.name).collect();
    assert_eq!(listed.len(), tested.len());
    assert!(listed.iter().all(|name| tested.contains(name)), "{listed:?}");
    assert_eq!(ways(all()[0]).count(), 5);
    assert_eq!(ways(all()[1]).count(), 4);
}

/// Which ways must find which optimum: operators without directions lose the narrow ends of g06 and the
/// curve of g11.
fn is_able(problem: &str, plan: &Plan) -> bool {
    let way = (plan.algorithm().name, plan.handling.method);
    match way {
        ("cma_es", _) => true,
        ("lshade", _) => true,
        ("jso" | "pso", ConstraintMethod::Rules) => problem != "g11",
        ("ga", _) => problem == "g08" || problem == "g24",
        ("pso" | "es", _) => problem == "g24",
        _ => false,
    }
}

#[test]
fn known_optima_are_found_in_every_able_way() {
    let mut missed = Vec::new();
    for Known { name, problem, optimum, within } in known() {
        for plan in all().into_iter().flat_map(ways).filter(|plan| is_able(name, plan)) {
            let way = format!("{name} {} {}", plan.algorithm().name, plan.handling.method.name());
            let best = run(&problem, plan, 60_000, 5).best.expect("one");
            let above = best.f - optimum;
            if best.violation > 0.0 || !(-within..=within).contains(&above) {
                missed.push(format!("{way}: {above:.3e} above, broken by {:.1e}", best.violation));
            }
        }
    }
    assert!(missed.is_empty(), "{missed:#?}");
}

/// A thin region is not left for where nothing binds: with any of several seeds.
#[test]
fn a_violation_that_is_passed_over_does_not_lead_away_from_thin_regions() {
    let [g06, ..] = known();
    let options = LshadeOptions { population: Some(40), ..LshadeOptions::default() };
    let settings = options.resolve(2).expect("valid");
    for from in 1..=10 {
        let plan = plan(settings.into(), ConstraintMethod::Epsilon);
        let best = run(&g06.problem, plan, 30_000, from).best.expect("one");
        let above = best.f - g06.optimum;
        assert!(best.violation <= 0.0 && above < g06.within, "{from}: {above} {}", best.violation);
    }
}

/// What lies on a curve is reached from beside it.
#[test]
fn a_violation_that_is_passed_over_leads_to_equalities() {
    let [_, _, g11, _] = known();
    let options = PsoOptions::default().resolve().expect("valid");
    let above = |method| {
        let values = (1..=5).map(|from| {
            let best = run(&g11.problem, plan(options.into(), method), 30_000, from).best;
            best.filter(|best| best.violation <= 0.0).map_or(1.0, |best| best.f - g11.optimum)
        });
        let mut values: Vec<f64> = values.collect();
        values.sort_by(f64::total_cmp);
        values[2]
    };
    let [rules, epsilon] = [ConstraintMethod::Rules, ConstraintMethod::Epsilon].map(above);
    assert!(epsilon < 1e-3 && epsilon < rules / 10.0, "{epsilon} {rules}");
}

#[test]
fn a_vessel_of_given_sheets_is_as_cheap_as_is_known() {
    let problem = vessel();
    for method in [ConstraintMethod::Rules, ConstraintMethod::Epsilon, ConstraintMethod::Adaptive] {
        let options = LshadeOptions { population: Some(60), ..LshadeOptions::default() };
        let settings = options.resolve(4).expect("valid");
        let values: Vec<f64> = (1..=5)
            .map(|from| run(&problem, plan(settings.into(), method), 40_000, from))
            .map(|outcome| outcome.best.expect("one"))
            .inspect(|best| assert!(best.violation <= 0.0))
            .map(|best| best.f)
            .collect();
        let best = values.iter().copied().fold(f64::INFINITY, f64::min);
        assert!((best - 6_059.714_335).abs() < 0.05, "{}: {values:?}", method.name());
    }
}

#[test]
fn a_priced_run_resumes_from_any_generation_with_the_same_bytes() {
    let [g06, ..] = known();
    for plan in all().into_iter().flat_map(ways) {
        let name = format!("{} {}", plan.algorithm().name, plan.handling.method.name());
        let budget = Budget::evals(4000).expect("valid");
        let whole = run(&g06.problem, plan, 4000, 3);
        let mut run = Run::new(&g06.problem, plan, budget, seed(3), 50);
        let mut generation = 0;
        let stop = loop {
            if let Some(stop) = run.step(&mut Controls::default()) {
                break stop;
            }
            generation += 1;
            if generation % 5 == 1 {
                let bytes = run.save();
                run = Run::resume(&g06.problem, plan, budget, seed(3), 50, &bytes).expect("valid");
                assert_eq!(run.save(), bytes, "{name}");
            }
        };
        assert_eq!(digest(&run.finish(stop)), digest(&whole), "{name}");
    }
}

/// Large generations, so that threads are used.
#[test]
fn threads_change_no_priced_result() {
    let vector = |length| Variable {
        name: "x".to_owned(),
        kind: Kind::Real { lo: -5.0, hi: 5.0, step: None },
        length: Some(length),
    };
    let problem = compile(vec![vector(20)], "sum(i,0,n-1,x[i]^2)", &["10 - sum(x)", "x[0] - x[1]"]);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("threads");
    let ga = GaOptions { population: Some(1000), ..GaOptions::default() };
    let cma = CmaOptions { population: Some(1000), ..CmaOptions::default() };
    let settings: [Settings; 2] =
        [ga.resolve(20).expect("valid").into(), cma.resolve(20).expect("valid").into()];
    for plan in settings.into_iter().flat_map(ways) {
        let budget = Budget::evals(12_000).expect("valid");
        let on = |executor| {
            let mut controls = Controls { executor, ..Controls::default() };
            digest(&optimize(&problem, plan, &budget, seed(4), &mut controls))
        };
        assert_eq!(on(Executor::default()), on(Executor::pool(&pool, 2)));
    }
}

/// The price of what is far from feasible does not hide that nothing is.
#[test]
fn what_cannot_be_held_is_told_as_broken() {
    let problem = compile(vec![real("x", 0.0, 1.0, None)], "x", &["2 - x"]);
    for plan in all().into_iter().take(1).flat_map(ways) {
        let best = run(&problem, plan, 3000, 1).best.expect("one");
        assert!((best.violation - 1.0).abs() < 1e-3, "{best:?}");
    }
}
