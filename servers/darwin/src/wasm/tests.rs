//! Modules assembled by hand.

use std::sync::atomic::{AtomicUsize, Ordering};

use darwin_engine::Sense;

use super::*;

const ALLOWANCE: Allowance = Allowance { fuel: 1_000_000, memory: 1 << 20 };

fn assembled(text: &str) -> Vec<u8> {
    wat::parse_str(text).unwrap()
}

/// A module with a function of that body; `x` loads the coordinate at a local place.
fn module(body: &str) -> Vec<u8> {
    assembled(&format!(
        r#"(module (memory (export "memory") 1) (global $seen (mut i32) (i32.const 0))
            (func (export "f") (param $at i32) (param $n i32) (result f64) {body}))"#
    ))
}

/// The sum of the squares.
const SPHERE: &str = "
    (local $end i32) (local $sum f64)
    (local.set $end (i32.add (local.get $at) (i32.mul (local.get $n) (i32.const 8))))
    (loop $next
        (local.set $sum (f64.add (local.get $sum)
            (f64.mul (f64.load (local.get $at)) (f64.load (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)";
/// How often it was called, as it remembers.
const COUNTER: &str = "
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (f64.convert_i32_s (global.get $seen))";
const ENDLESS: &str = "(loop $for_ever (br $for_ever)) (f64.const 0)";

fn objective(bytes: &[u8], allowance: Allowance) -> Result<WasmObjective, Unfit> {
    WasmObjective::new(bytes, "f", 3, allowance)
}

/// Values of as many points as there are first coordinates; the others are 1 and 2.
fn values(objective: &WasmObjective, firsts: &[f64], cancelled: Cancelled<'_>) -> Vec<f64> {
    let mut inputs = [[0.0; LANES], [1.0; LANES], [2.0; LANES]];
    inputs[0][..firsts.len()].copy_from_slice(firsts);
    let mut values = vec![7.0; firsts.len()];
    objective.evaluate_until(&inputs, &mut values, cancelled);
    values
}

#[test]
fn a_function_sees_all_coordinates() {
    let sphere = objective(&module(SPHERE), ALLOWANCE).unwrap();
    assert!(sphere.pure);
    assert_eq!(values(&sphere, &[0.0, 3.0, -0.5], &|| false), [5.0, 14.0, 5.25]);
    assert_eq!(sphere.idle.lock().unwrap().len(), 1);
    // More coordinates than a page holds.
    let wide = WasmObjective::new(&module(SPHERE), "f", 10_000, ALLOWANCE).unwrap();
    let inputs = vec![[1.0; LANES]; 10_000];
    let mut value = [0.0];
    wide.evaluate(&inputs, &mut value);
    assert_eq!(value[0].to_bits(), 10_000_f64.to_bits());
}

#[test]
fn nothing_is_remembered_from_one_point_to_the_next() {
    let counter = objective(&module(COUNTER), ALLOWANCE).unwrap();
    assert!(!counter.pure);
    assert_eq!(values(&counter, &[0.0; 5], &|| false), [1.0; 5]);
    let store = "(f64.store (i32.const 8) (f64.add (f64.load (i32.const 8)) (f64.const 1)))
                 (f64.load (i32.const 8))";
    let writer = objective(&module(store), ALLOWANCE).unwrap();
    assert_eq!(values(&writer, &[0.0; 3], &|| false), [1.0; 3]);
}

#[test]
fn what_fails_is_no_number_and_the_next_point_is_well() {
    // Where the first coordinate is negative: a trap, or no end.
    for failure in
        ["unreachable", "(loop $for_ever (br $for_ever))", "(drop (f64.load (i32.const -8)))"]
    {
        let body = format!(
            "(if (f64.lt (f64.load (local.get $at)) (f64.const 0)) (then {failure}))
             (f64.load (local.get $at))"
        );
        let objective = objective(&module(&body), ALLOWANCE).unwrap();
        let seen = values(&objective, &[1.0, -1.0, 2.0], &|| false);
        assert!(seen[1].is_nan(), "{failure}: {seen:?}");
        assert_eq!((seen[0].to_bits(), seen[2].to_bits()), (1_f64.to_bits(), 2_f64.to_bits()));
    }
    let root = objective(&module("(f64.sqrt (f64.load (local.get $at)))"), ALLOWANCE).unwrap();
    let seen = values(&root, &[4.0, -1.0], &|| false);
    assert!(seen[0].to_bits() == 2_f64.to_bits() && seen[1].is_nan());
}

#[test]
fn fuel_bounds_an_evaluation_to_the_same_point_however_it_is_sliced() {
    // As many rounds as the first coordinate says.
    let body = "
        (local $left f64)
        (local.set $left (f64.load (local.get $at)))
        (loop $next
            (local.set $left (f64.sub (local.get $left) (f64.const 1)))
            (br_if $next (f64.gt (local.get $left) (f64.const 0))))
        (f64.const 1)";
    let ends = |fuel: u64, rounds: f64| {
        let one = objective(&module(body), Allowance { fuel, ..ALLOWANCE }).unwrap();
        !values(&one, &[rounds], &|| false)[0].is_nan()
    };
    for fuel in [10_000, 2 * SLICE + 17] {
        let (mut enough, mut much) = (0.0_f64, 1e6_f64);
        while much - enough > 1.0 {
            let middle = f64::midpoint(enough, much).floor();
            if ends(fuel, middle) { enough = middle } else { much = middle }
        }
        let per_round = f64::from(u32::try_from(fuel).unwrap()) / enough;
        assert!((2.0..12.0).contains(&per_round), "{fuel}: {enough}");
        assert!(ends(fuel, enough) && !ends(fuel, enough + 1.0));
    }
}

#[test]
fn memory_is_bounded_at_the_beginning_and_later() {
    let large = assembled(
        r#"(module (memory (export "memory") 100)
        (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
    );
    let small = Allowance { memory: 50 * PAGE, ..ALLOWANCE };
    assert!(matches!(objective(&large, small), Err(Unfit::Module(_))));
    // Pages it got when it asked for so many as the first coordinate says; -1 when it got none.
    let grow = "(f64.convert_i32_s (memory.grow (i32.trunc_f64_s (f64.load (local.get $at)))))";
    let greedy = objective(&module(grow), small).unwrap();
    assert_eq!(values(&greedy, &[10.0, 1000.0, 48.0, 49.0], &|| false), [2.0, -1.0, 2.0, -1.0]);
    let closed = assembled(
        r#"(module (memory (export "memory") 1 1)
        (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
    );
    match objective(&closed, ALLOWANCE) {
        Err(Unfit::Module(reason)) => assert!(reason.contains("cannot grow"), "{reason}"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_wants_something_or_is_no_objective_is_refused() {
    let imports = assembled(
        r#"(module (import "env" "now" (func (result i64)))
        (memory (export "memory") 1)
        (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
    );
    assert_eq!(objective(&imports, ALLOWANCE).unwrap_err(), Unfit::Imports("env.now".to_owned()));
    let export = |text: &str| match objective(&assembled(text), ALLOWANCE) {
        Err(Unfit::Export(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let none = export(r#"(module (memory (export "memory") 1) (func (export "g")))"#);
    assert!(none.ends_with("functions: g"), "{none}");
    let other = export(
        r#"(module (memory (export "memory") 1) (func (export "f") (param i32) (result f64) (f64.const 0)))"#,
    );
    assert!(other.contains("(i32, i32)"), "{other}");
    let table = export(r#"(module (memory (export "f") 1))"#);
    assert!(table.contains("(i32, i32)"), "{table}");
    for text in [
        r#"(module (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
        r#"(module (memory (export "memory") 1) (func $start unreachable) (start $start)
            (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
        r#"(module (memory (export "memory") 1) (func $start (loop $l (br $l))) (start $start)
            (func (export "f") (param i32 i32) (result f64) (f64.const 0)))"#,
    ] {
        assert!(matches!(objective(&assembled(text), ALLOWANCE), Err(Unfit::Module(_))), "{text}");
    }
    let whole = module(SPHERE);
    for bytes in [&b"not a module"[..], &[], &whole[..whole.len() - 5]] {
        assert!(matches!(objective(bytes, ALLOWANCE), Err(Unfit::Module(_))));
    }
}

#[test]
fn a_batch_ends_when_it_is_cancelled() {
    let endless = objective(&module(ENDLESS), Allowance { fuel: MAX_FUEL, ..ALLOWANCE }).unwrap();
    let asked = AtomicUsize::new(0);
    let cancelled = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    values(&endless, &[0.0; 50], &cancelled);
    // Before the first point, between three slices, before the second.
    assert_eq!(asked.into_inner(), 5);
}

#[test]
fn threads_change_nothing() {
    use darwin_engine::{
        Budget, Controls, Executor, GaOptions, Kind, Model, Problem, Seed, Variable, optimize,
    };

    // Generations are large enough for threads.
    const WIDE: usize = 300;

    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let run = |executor| {
        let kind = Kind::Real { lo: -5.0, hi: 5.0, step: None };
        let variable = Variable { name: "x".to_owned(), kind, length: Some(WIDE) };
        let bytes = module(COUNTER_AND_SPHERE);
        let objective = Box::new(WasmObjective::new(&bytes, "f", WIDE, ALLOWANCE).unwrap());
        let model = Model {
            variables: vec![variable],
            lets: Vec::new(),
            objectives: Vec::new(),
            constraints: Vec::new(),
            descriptors: Vec::new(),
            tables: Vec::new(),
        };
        let problem = Problem::computed(model, vec![Sense::Min], objective).unwrap();
        let options = GaOptions { population: Some(128), ..GaOptions::default() };
        let (settings, budget) = (options.resolve(WIDE).unwrap(), Budget::evals(512).unwrap());
        let mut controls = Controls { executor, ..Controls::default() };
        optimize(&problem, settings, &budget, Seed::new(1).unwrap(), &mut controls).best.unwrap()
    };
    let (one, two) = (run(Executor::default()), run(Executor::pool(&pool, 2)));
    assert_eq!((one.f.to_bits(), &one.x), (two.f.to_bits(), &two.x));
    // What it remembers is 1 at every point.
    let sum = one.x.iter().map(|x| x * x).sum::<f64>();
    assert!((one.f - 1.0 - sum).abs() < 1e-9 * sum, "{}", one.f);
}

/// Both: it remembers, and adds what it remembers.
const COUNTER_AND_SPHERE: &str = "
    (local $end i32) (local $sum f64)
    (global.set $seen (i32.add (global.get $seen) (i32.const 1)))
    (local.set $sum (f64.convert_i32_s (global.get $seen)))
    (local.set $end (i32.add (local.get $at) (i32.mul (local.get $n) (i32.const 8))))
    (loop $next
        (local.set $sum (f64.add (local.get $sum)
            (f64.mul (f64.load (local.get $at)) (f64.load (local.get $at)))))
        (local.set $at (i32.add (local.get $at) (i32.const 8)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
    (local.get $sum)";
