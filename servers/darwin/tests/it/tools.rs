//! The tools, through the whole pipeline.

use std::time::Duration;

use machina_darwin::{Config, Server};
use mcp_testkit::{
    InProcess, TestResult,
    binary::{LIMIT, StdioServer},
    wire,
};
use serde_json::{Value, json};

async fn server() -> TestResult<InProcess<Server>> {
    InProcess::start(Config::default()).await
}

/// The arguments in a `repro` line.
fn arguments_of(repro: &Value) -> TestResult<Value> {
    let line = repro.as_str().ok_or("no repro line")?;
    let json =
        line.strip_prefix("machina-darwin call optimize_problem '").ok_or("another command")?;
    Ok(serde_json::from_str(json.strip_suffix('\'').ok_or("no closing quote")?)?)
}

fn rastrigin(evals: u64, seed: u64) -> Value {
    json!({
        "problem": {"name": "rastrigin", "dimension": 5},
        "budget": {"max_evals": evals},
        "seed": seed,
    })
}

#[tokio::test]
async fn a_run_answers_with_everything_that_fixes_it() -> TestResult {
    let server = server().await?;
    let answer = server.call("optimize_problem", rastrigin(10_000, 1)).await?;
    let run = answer.structured();
    assert_eq!((&run["status"], &run["stop_reason"]), (&json!("done"), &json!("max_evals")));
    assert_eq!(run["evals"], 10_000);
    assert_eq!((&run["algorithm"], &run["seed"]), (&json!("portfolio"), &json!(1)));
    assert!(run["algorithm_reason"].as_str().is_some_and(|why| why.contains("variables are real")));
    assert_eq!(run["reproducible"], true);
    assert!(run["best"]["f"].as_f64().is_some_and(|f| (0.0..1e-8).contains(&f)), "{run}");
    assert_eq!(run["best"]["x"].as_array().map(Vec::len), Some(5));
    let history = run["history"].as_array().ok_or("no history")?;
    assert!((2..=20).contains(&history.len()));
    assert_eq!(history.last().map(|point| &point["f"]), Some(&run["best"]["f"]));
    Ok(())
}

/// The whole answer, byte for byte: a change of arithmetic or of the wire form shows here.
#[tokio::test]
async fn golden_answer() -> TestResult {
    let server = server().await?;
    let mut arguments = rastrigin(1000, 42);
    arguments["algorithm"] = "ga".into();
    arguments["points"] = 3.into();
    let answer = server.call("optimize_problem", arguments).await?;
    mcp_testkit::insta::assert_json_snapshot!("golden_answer", answer.structured());
    Ok(())
}

#[tokio::test]
async fn threads_do_not_change_a_byte() -> TestResult {
    let mut config = Config::default();
    config.threads = Some(8);
    let server = InProcess::<Server>::start(config).await?;
    let mut texts = Vec::new();
    for threads in [1, 2, 3, 8] {
        let arguments = json!({
            "problem": {"name": "ackley", "dimension": 40},
            "params": {"population": 500},
            "budget": {"max_evals": 4321},
            "seed": 5,
            "threads": threads,
        });
        let answer = server.call("optimize_problem", arguments).await?;
        texts.push(answer.structured().to_string());
    }
    assert!(texts.windows(2).all(|pair| pair[0] == pair[1]), "{texts:?}");
    Ok(())
}

#[tokio::test]
async fn the_repro_line_repeats_a_run_with_a_drawn_seed() -> TestResult {
    let server = server().await?;
    // 0.1 / 3 needs 17 digits: a number that a hasty parser reads one bit off.
    let arguments = json!({
        "problem": {"name": "rosenbrock", "dimension": 7, "lo": -1.234_567_890_123_456_7, "sense": "min"},
        "params": {"crossover": "blx_alpha", "blx_alpha": 0.1 / 3.0, "mutation": "gaussian",
                   "mutation_sigma": 0.033_333_333_333_333_326, "replacement": "generational"},
        "budget": {"max_evals": 3000},
    });
    let first = server.call("optimize_problem", arguments.clone()).await?;
    let again =
        server.call("optimize_problem", arguments_of(&first.structured()["repro"])?).await?;
    let mut expected = first.structured().clone();
    // The algorithm was named this time, so nothing was chosen.
    expected.as_object_mut().ok_or("no object")?.remove("algorithm_reason");
    assert_eq!(expected.to_string(), again.structured().to_string());
    let other = server.call("optimize_problem", arguments).await?;
    assert_ne!(other.structured()["seed"], first.structured()["seed"]);
    Ok(())
}

#[tokio::test]
async fn a_time_stop_is_repeated_by_its_evaluations() -> TestResult {
    let server = server().await?;
    let arguments = json!({
        "problem": {"name": "sphere", "dimension": 50},
        "budget": {"max_time_s": 0.05, "max_evals": 1_000_000_000, "stagnation_generations": 0},
        "seed": 3,
    });
    let timed = server.call("optimize_problem", arguments).await?;
    let timed = timed.structured();
    assert_eq!(
        (&timed["stop_reason"], &timed["reproducible"]),
        (&json!("max_time"), &json!(false))
    );
    let again = server.call("optimize_problem", arguments_of(&timed["repro"])?).await?;
    let again = again.structured();
    assert_eq!(again["stop_reason"], "max_evals");
    for same in ["best", "evals", "generations", "history", "seed", "repro"] {
        assert_eq!(timed[same], again[same], "{same}");
    }
    Ok(())
}

#[tokio::test]
async fn stops_for_target_and_for_want_of_progress() -> TestResult {
    let server = server().await?;
    let with = |budget: Value, params: Value| {
        json!({"problem": {"name": "sphere", "dimension": 3}, "budget": budget, "params": params,
               "seed": 2})
    };
    let run = server.call("optimize_problem", with(json!({"target": 0.1}), json!({}))).await?;
    assert_eq!(run.structured()["stop_reason"], "target");
    assert!(run.structured()["best"]["f"].as_f64().is_some_and(|f| f <= 0.1));
    let still = with(json!({"stagnation_generations": 20}), json!({"mutation_probability": 0.0}));
    let run = server.call("optimize_problem", still).await?;
    assert_eq!(run.structured()["stop_reason"], "stagnation");
    Ok(())
}

/// Crossover 0.8, mutation 0.1; 100 generations of 100 individuals with 20 genes.
#[tokio::test]
async fn the_four_functions_at_the_scenario_they_came_with() -> TestResult {
    let server = server().await?;
    for (name, bound) in
        [("sphere", 0.1), ("rastrigin", 20.0), ("rosenbrock", 500.0), ("ackley", 3.0)]
    {
        let arguments = json!({
            "problem": {"name": name, "dimension": 20},
            "params": {"population": 100, "crossover_probability": 0.8, "mutation_probability": 0.1},
            "budget": {"max_evals": 10_100},
            "seed": 1,
        });
        let run = server.call("optimize_problem", arguments).await?;
        let run = run.structured();
        assert_eq!(run["generations"], 100);
        assert!(
            run["best"]["f"].as_f64().is_some_and(|f| f < bound),
            "{name}: {}",
            run["best"]["f"]
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_largest_value_is_found_too() -> TestResult {
    let server = server().await?;
    let arguments = json!({
        "problem": {"name": "sphere", "dimension": 2, "lo": -1.0, "hi": 2.0, "sense": "max"},
        "budget": {"max_evals": 5000},
        "seed": 0,
    });
    let run = server.call("optimize_problem", arguments).await?;
    assert!(run.structured()["best"]["f"].as_f64().is_some_and(|f| f > 7.99), "{run:?}");
    Ok(())
}

/// Arguments with one thing wrong: code, field and a part of the message of the answer.
type Mistake<'a> = (Value, &'a str, &'a str, &'a str);

async fn check(mistakes: Vec<Mistake<'_>>) -> TestResult {
    let server = server().await?;
    for (arguments, code, field, words) in mistakes {
        let answer = server.call("optimize_problem", arguments.clone()).await?;
        let error = answer.error();
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &json!(field)), "{arguments}");
        assert!(error["message"].to_string().contains(words), "{arguments}: {error}");
    }
    Ok(())
}

#[tokio::test]
async fn a_wrong_problem_is_named() -> TestResult {
    let problem = |name: &str, dimension: u32, bounds: [f64; 2]| json!({"problem": {"name": name, "dimension": dimension, "lo": bounds[0], "hi": bounds[1]}});
    let (unit, dimension) = ([0.0, 1.0], "/problem/dimension");
    check(vec![
        (json!({}), "invalid_argument", "/problem", "required"),
        (problem("sphre", 3, unit), "unknown_name", "/problem/name", "no function named `sphre`"),
        (problem("sphere", 3, [2.0, 1.0]), "invalid_problem", "/problem/lo", "less than hi"),
        (problem("sphere", 3, [0.0, 1e13]), "invalid_problem", "/problem/hi", "1e12"),
        (problem("rosenbrock", 1, unit), "invalid_problem", dimension, "at least 2"),
        (problem("sphere", 1001, unit), "limit_exceeded", dimension, "1000"),
        (problem("sphere", 0, unit), "invalid_argument", dimension, "1"),
    ])
    .await?;
    let slip = server().await?.call("optimize_problem", problem("sphre", 3, unit)).await?.error();
    assert_eq!(slip["details"]["nearest"], "sphere");
    assert!(slip["hint"].as_str().is_some_and(|hint| hint.contains("did you mean `sphere`?")));
    Ok(())
}

#[tokio::test]
async fn a_wrong_setting_is_named() -> TestResult {
    let with = |name: &str, value: Value| json!({"problem": {"name": "sphere", "dimension": 1000}, name: value});
    let budget = |value: Value| with("budget", value);
    let params = |value: Value| {
        let mut arguments = with("params", value);
        arguments["algorithm"] = "ga".into();
        arguments
    };
    let (invalid, evals, time) = ("invalid_argument", "/budget/max_evals", "/budget/max_time_s");
    let seed = with("seed", json!(9_007_199_254_740_992_u64));
    check(vec![
        (with("algorithm", json!("annealing")), "unknown_name", "/algorithm", "no algorithm named"),
        (budget(json!({"max_evals": 0})), "invalid_budget", evals, "1..="),
        (budget(json!({"max_evals": -5})), "invalid_budget", evals, "1..="),
        (budget(json!({"max_time_s": 0})), "invalid_budget", time, "0.01"),
        (budget(json!({"max_time_s": 3600})), "invalid_budget", time, "110"),
        (seed, invalid, "/seed", "9007199254740991"),
        (params(json!({"population": 2})), invalid, "/params/population", "4"),
        (params(json!({"crossover": "ox"})), invalid, "/params/crossover", "sbx"),
        (params(json!({"elites": 2})), invalid, "/params/elites", "generational"),
        (params(json!({"population": 5000})), "limit_exceeded", "/params/population", "2000000"),
        (with("wait_ms", json!(5)), invalid, "/wait_ms", "wait_ms"),
    ])
    .await
}

#[tokio::test]
async fn listed_ranges_are_those_that_are_checked() -> TestResult {
    let server = server().await?;
    let listed = server.call("list_algorithms", json!({"representation": "real"})).await?;
    let items = listed.structured()["items"].as_array().ok_or("no items")?.clone();
    let names: Vec<_> = items.iter().map(|item| &item["name"]).collect();
    assert_eq!(
        names,
        [
            "portfolio",
            "cma_es",
            "lshade",
            "jso",
            "ga",
            "pso",
            "es",
            "nelder_mead",
            "tpe",
            "umda",
            "design",
            "map_elites",
            "nsga2",
            "nsga3",
            "moead",
            "sms_emoa"
        ]
    );
    for (representation, count) in [("mixed", 9), ("permutation", 10)] {
        let listed =
            server.call("list_algorithms", json!({"representation": representation})).await?;
        assert_eq!(listed.structured()["items"].as_array().map(Vec::len), Some(count));
    }
    for item in &items {
        for parameter in item["parameters"].as_array().ok_or("no parameters")? {
            let name = parameter["name"].as_str().ok_or("no name")?;
            let wrong = match parameter["type"].as_str() {
                Some("string") => json!("no such word"),
                _ => json!(parameter["max"].as_f64().ok_or("no max")? + 1.0),
            };
            let mut problem = json!({"name": "sphere", "dimension": 2});
            if item["objectives"] == "multiple" {
                problem = schaffer();
            }
            let arguments = json!({
                "problem": problem,
                "algorithm": item["name"],
                "params": {name: wrong},
            });
            let answer = server.call("optimize_problem", arguments).await?;
            assert_eq!(answer.error()["field"], format!("/params/{name}"));
        }
    }
    let document = server.request("resources/read", json!({"uri": "darwin://algorithms"})).await;
    let text = document["result"]["contents"][0]["text"].as_str().ok_or("no text")?;
    let all = server.call("list_algorithms", json!({})).await?;
    assert_eq!(&serde_json::from_str::<Value>(text)?, all.structured());
    Ok(())
}

/// Least weight of a cantilever in a cheap material that may bend by at most 1.
fn beam() -> Value {
    json!({
        "problem": {
            "variables": [
                {"name": "d", "lo": 0.1, "hi": 10.0},
                {"name": "gap", "kind": "log", "lo": 1e-3, "hi": 1e3},
                {"name": "legs", "kind": "int", "lo": 1, "hi": 9},
                {"name": "glue", "kind": "bool"},
                {"name": "wood", "kind": "cat", "values": ["oak", "pine"]},
                {"name": "x", "length": 2, "lo": -1, "hi": 1}
            ],
            "tables": [{"name": "price", "rows": [[5.0, 2.0]]}],
            "lets": [{"name": "stiff", "expr": "if(wood == 'oak', 2, 1) * legs"}],
            "objectives": [{"expr": "d * at(price, wood) + legs + glue + ln(gap)^2 + norm(x)"}],
            "constraints": [
                {"expr": "8 / (stiff * d)", "op": "<=", "rhs": 1},
                {"expr": "x[0] + x[1]", "op": "==", "rhs": 1, "tol": 0.01}
            ]
        },
        "budget": {"max_evals": 40_000},
        "seed": 4,
    })
}

#[tokio::test]
async fn own_expressions_are_optimised_and_answered_by_name() -> TestResult {
    let server = server().await?;
    let answer = server.call("optimize_problem", beam()).await?;
    let run = answer.structured();
    let best = &run["best"];
    // d = 8 / legs: 2 d + legs is least, 8, with 4 legs of pine; norm(x) is 0.99 / sqrt(2).
    assert!(best["f"].as_f64().is_some_and(|f| (8.699..8.75).contains(&f)), "{best}");
    let values = &best["values"];
    assert_eq!((&values["legs"], &values["glue"]), (&json!(4), &json!(false)));
    assert_eq!((&values["wood"], &best["violation"]), (&json!("pine"), &json!(0.0)));
    assert_eq!(values["x"].as_array().map(Vec::len), Some(2));
    assert_eq!((&run["algorithm"], best["x"].as_array().map(Vec::len)), (&json!("ga"), Some(7)));
    let again = server.call("optimize_problem", arguments_of(&run["repro"])?).await?;
    assert_eq!(again.structured()["best"], *best);
    Ok(())
}

#[tokio::test]
async fn a_tour_is_found_and_answered_as_an_order() -> TestResult {
    let server = server().await?;
    // Twelve places on a circle, told in another order.
    let angle = |k: u32| f64::from(k * 5 % 12) * std::f64::consts::TAU / 12.0;
    let apart = |a: u32, b: u32| 2.0 * ((angle(a) - angle(b)) / 2.0).sin().abs();
    let rows: Vec<Vec<f64>> = (0..12).map(|a| (0..12).map(|b| apart(a, b)).collect()).collect();
    let problem = |variable: Value| {
        json!({"variables": [variable], "tables": [{"name": "d", "rows": rows}],
               "objectives": [{"expr": "sum(i,0,n-2,at(d,p[i],p[i+1])) + at(d,p[n-1],p[0])"}]})
    };
    let tour = problem(json!({"name": "p", "kind": "permutation", "length": 12}));
    let arguments = json!({"problem": tour, "seed": 1, "budget": {"max_evals": 30_000}});
    let answer = server.call("optimize_problem", arguments).await?;
    let run = answer.structured();
    let shortest = 24.0 * (std::f64::consts::PI / 12.0).sin();
    assert!(run["best"]["f"].as_f64().is_some_and(|f| (f - shortest).abs() < 1e-9), "{run}");
    assert_eq!(run["algorithm"], "memetic");
    let mut order: Vec<u64> = run["best"]["values"]["p"]
        .as_array()
        .ok_or("no order")?
        .iter()
        .filter_map(Value::as_u64)
        .collect();
    order.sort_unstable();
    assert!(order.into_iter().eq(0..12));
    let length = problem(json!({"name": "p", "kind": "permutation"}));
    check(vec![
        (
            json!({"problem": length}),
            "invalid_problem",
            "/problem/variables/0/length",
            "at least 2",
        ),
        (
            json!({"problem": {"name": "sphere", "dimension": 3}, "algorithm": "memetic"}),
            "invalid_argument",
            "/algorithm",
            "all permutations",
        ),
    ])
    .await
}

/// Schaffer (1985): x^2 against (x - 2)^2; the front is 0 <= x <= 2.
fn schaffer() -> Value {
    json!({
        "variables": [{"name": "x", "lo": -1000, "hi": 1000}],
        "objectives": [{"expr": "x^2"}, {"expr": "(x-2)^2"}]
    })
}

#[tokio::test]
async fn several_objectives_give_a_front() -> TestResult {
    let server = server().await?;
    let arguments =
        json!({"problem": schaffer(), "budget": {"max_evals": 10_000}, "seed": 6, "points": 11});
    let answer = server.call("optimize_problem", arguments.clone()).await?;
    let run = answer.structured();
    assert_eq!((&run["algorithm"], &run["evals"]), (&json!("nsga2"), &json!(10_000)));
    assert!(run["best"].is_null() && run["front_size"].as_u64().is_some_and(|n| n > 60));
    let front = run["front"].as_array().ok_or("no front")?;
    assert_eq!(front.len(), 11);
    let at = |point: &Value| point["values"]["x"].as_f64().unwrap_or(f64::NAN);
    assert!(front.windows(2).all(|pair| at(&pair[0]) < at(&pair[1])), "{front:?}");
    let ends = (at(&front[0]), at(&front[10]));
    assert!(ends.0.abs() < 0.05 && (ends.1 - 2.0).abs() < 0.05, "{ends:?}");
    let again = server.call("optimize_problem", arguments_of(&run["repro"])?).await?;
    assert_eq!(again.structured()["front"], run["front"]);
    let mut unfit = arguments;
    unfit["algorithm"] = "cma_es".into();
    let error = server.call("optimize_problem", unfit).await?.error();
    assert_eq!(
        (&error["code"], &error["field"]),
        (&json!("invalid_argument"), &json!("/algorithm"))
    );
    Ok(())
}

#[tokio::test]
async fn what_cannot_be_met_is_told_by_its_violation() -> TestResult {
    let server = server().await?;
    let arguments = json!({
        "problem": {
            "variables": [{"name": "a", "lo": 0, "hi": 1}],
            "objectives": [{"expr": "a", "sense": "max"}],
            "constraints": [{"expr": "a", "op": "<=", "rhs": -1}]
        },
        "budget": {"max_evals": 2000},
        "seed": 1,
    });
    let run = server.call("optimize_problem", arguments).await?;
    let run = run.structured();
    let violation = run["best"]["violation"].as_f64().ok_or("no violation")?;
    assert!((violation - 1.0).abs() < 1e-3, "{violation}");
    assert!(run["history"].as_array().is_some_and(|all| all.iter().all(|p| p["f"].is_null())));
    Ok(())
}

#[tokio::test]
async fn a_wrong_expression_is_named_with_its_place() -> TestResult {
    let with = |objective: &str| {
        json!({"problem": {
            "variables": [{"name": "speed", "lo": 0, "hi": 1}, {"name": "x", "length": 3, "lo": 0, "hi": 1}],
            "objectives": [{"expr": objective}],
        }})
    };
    let place = "/problem/objectives/0/expr";
    let variable =
        |value: Value| json!({"problem": {"variables": [value], "objectives": [{"expr": "1"}]}});
    let first = |field: &str| format!("/problem/variables/0/{field}");
    let (lo, values, step) = (first("lo"), first("values"), first("step"));
    check(vec![
        (with("speed +"), "invalid_expression", place, "byte 7"),
        (with("x[3]"), "invalid_expression", place, "index 3 of 0..=2"),
        (with("speeed"), "unknown_name", place, "speeed"),
        (with("sine(speed)"), "unknown_name", place, "sine"),
        (with(&"(".repeat(1000)), "limit_exceeded", place, "256"),
        (with("sum(i,0,9999999,1)"), "limit_exceeded", place, "1000000"),
        (variable(json!({"name": "a", "lo": 1, "hi": 0})), "invalid_problem", &lo, "less than"),
        (variable(json!({"name": "a", "kind": "log", "lo": 0, "hi": 1})), "invalid_problem", &lo, "0"),
        (variable(json!({"name": "a", "kind": "cat"})), "invalid_problem", &values, "words"),
        (
            variable(json!({"name": "a", "kind": "bool", "step": 1})),
            "invalid_problem",
            &step,
            "kind",
        ),
        (
            variable(json!({"name": "sin", "lo": 0, "hi": 1})),
            "invalid_expression",
            "/problem/variables",
            "sin",
        ),
        (json!({"problem": {}}), "invalid_problem", "/problem", "built-in"),
        (
            json!({"problem": {"name": "sphere", "dimension": 2}, "params": {"sigma": 0.1, "elites": 1}}),
            "invalid_argument",
            "/params/elites",
            "single algorithm",
        ),
    ])
    .await?;
    let slip = server().await?.call("optimize_problem", with("speeed")).await?.error();
    assert!(slip["hint"].as_str().is_some_and(|hint| hint.contains("did you mean `speed`?")));
    assert_eq!(slip["details"], json!({"offset": 0, "nearest": "speed"}));
    Ok(())
}

fn endless() -> Value {
    json!({
        "problem": {"name": "ackley", "dimension": 200},
        "budget": {"max_evals": 1_000_000_000, "stagnation_generations": 0},
    })
}

#[tokio::test]
async fn a_dropped_call_frees_its_core() -> TestResult {
    let server = server().await?;
    let call = || server.call("optimize_problem", endless());
    let many = async { tokio::join!(call(), call(), call(), call(), call(), call()) };
    assert!(tokio::time::timeout(Duration::from_millis(300), many).await.is_err());
    // As many runs as cores compute at once: were they still going, this one would wait 50 s.
    let short = server.call("optimize_problem", rastrigin(500, 1));
    let answer = tokio::time::timeout(LIMIT, short).await??;
    assert_eq!(answer.structured()["evals"], 500);
    Ok(())
}

#[tokio::test]
async fn progress_rises_and_a_cancelled_run_is_silent() -> TestResult {
    let mut server = StdioServer::start("machina-darwin", &[])?;
    let mut params = json!({"name": "optimize_problem", "arguments": endless()});
    params["_meta"]["progressToken"] = "p".into();
    server.send(&wire::modern(1, "tools/call", &params)).await?;
    let mut seen = Vec::new();
    while seen.len() < 3 {
        let message = server.receive().await?;
        assert_eq!(message["method"], "notifications/progress", "{message}");
        let told = &message["params"];
        assert_eq!((&told["progressToken"], &told["total"]), (&json!("p"), &json!(1e9)));
        assert!(told["message"].as_str().is_some_and(|text| text.starts_with("generation ")));
        seen.push(told["progress"].as_f64().ok_or("no number")?);
    }
    assert!(seen.windows(2).all(|pair| pair[0] < pair[1]), "{seen:?}");
    let cancel = json!({"requestId": 1, "reason": "enough"});
    server.send(&wire::notification("notifications/cancelled", &cancel)).await?;
    let call = json!({"name": "optimize_problem", "arguments": rastrigin(500, 1)});
    server.send(&wire::modern(2, "tools/call", &call)).await?;
    loop {
        let message = server.receive().await?;
        assert_ne!(message["id"], 1, "a cancelled call was answered: {message}");
        if message["id"] == 2 {
            assert_eq!(message["result"]["structuredContent"]["evals"], 500);
            break;
        }
    }
    server.close().await?;
    Ok(())
}
