//! Charts of stored runs: what each shows, the same bytes each time.

use machina_darwin::Server;
use mcp_testkit::{InProcess, TestResult};
use serde_json::{Value, json};

use crate::runs::{create, server};

/// What each chart says of itself.
const WORDS: [(&str, &str); 6] = [
    ("ecdf", "ga (2 runs)"),
    ("variables", "share of the range"),
    ("diversity", ">generation<"),
    ("importance", "step of 0.1 %"),
    ("archive", ">north<"),
    ("tour", "memetic, seed 1"),
];

async fn runs(server: &InProcess<Server>) -> TestResult<Vec<(&'static str, Vec<String>)>> {
    let start = |problem: Value, algorithm: &str, evals: u64, seed: u64| {
        json!({"problem": problem, "algorithm": algorithm, "seed": seed, "start": true,
               "budget": {"max_evals": evals, "stagnation_generations": 0}, "wait_ms": 60_000})
    };
    let mut lines = Vec::new();
    for (algorithm, seed) in [("ga", 1), ("ga", 2), ("lshade", 1), ("cma_es", 1)] {
        let problem = json!({"name": "rosenbrock", "dimension": 5});
        lines.push(create(server, start(problem, algorithm, 6000, seed)).await?);
    }
    let template = |name: &'static str, inputs: Value| async move {
        let made = json!({"template": name, "inputs": inputs});
        let made = server.call("instantiate_template", made).await?;
        TestResult::Ok(json!({"problem_id": made.structured()["problem_id"]}))
    };
    let arm = template("arm_repertoire", json!({"cells": 16})).await?;
    let arm = create(server, start(arm, "map_elites", 20_000, 1)).await?;
    let points: Vec<[f64; 2]> =
        (0..40_u32).map(|k| [f64::from(k * 37 % 41), f64::from(k * 23 % 29)]).collect();
    let trip = template("tsp", json!({"points": points})).await?;
    let trip = create(server, start(trip, "memetic", 30_000, 1)).await?;
    let beam = template("welded_beam", json!({})).await?;
    let beam = create(server, start(beam, "lshade", 20_000, 1)).await?;
    Ok(vec![
        ("ecdf", lines.clone()),
        ("variables", lines[..3].to_vec()),
        ("diversity", lines),
        ("importance", vec![beam]),
        ("archive", vec![arm]),
        ("tour", vec![trip]),
    ])
}

#[tokio::test]
async fn every_chart_says_what_it_shows_and_can_be_looked_at() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    for (chart, ids) in runs(&server).await? {
        let arguments = json!({"run_ids": ids, "chart": chart, "format": "svg"});
        let drawn = server.call("render_plot", arguments.clone()).await?;
        let svg = drawn.structured()["svg"].as_str().ok_or("no picture")?;
        assert!(!["NaN", "inf\"", "<script"].iter().any(|bad| svg.contains(bad)), "{chart}");
        let (_, word) = WORDS.iter().find(|(name, _)| *name == chart).ok_or("no such chart")?;
        assert!(svg.contains(word), "{chart}: {word} not in {svg}");
        let again = server.call("render_plot", arguments).await?;
        assert_eq!(again.structured(), drawn.structured(), "{chart}");
        let image = server.call("render_plot", json!({"run_ids": ids, "chart": chart})).await?;
        assert!(image.image().starts_with(b"\x89PNG") && image.image().len() > 3000, "{chart}");
    }
    Ok(())
}

#[tokio::test]
async fn a_formula_is_drawn_as_a_tree() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let expr =
        "0.75*exp(-b*t) + sum(i, 0, 3, x[i]^2)/sqrt(1 + t) - if(t < 2, c, min(c, 3.14159265))";
    let arguments = json!({"chart": "tree", "expr": expr, "format": "svg"});
    let drawn = server.call("render_plot", arguments.clone()).await?;
    let svg = drawn.structured()["svg"].as_str().ok_or("no picture")?;
    for word in [">exp<", ">sum i=0..3<", ">x[i]<", ">3.1416<", ">if<", ">0.75<", ">&lt;<"] {
        assert!(svg.contains(word), "{word} not in {svg}");
    }
    assert!(!["NaN", "inf\""].iter().any(|bad| svg.contains(bad)), "{svg}");
    let again = server.call("render_plot", arguments).await?;
    assert_eq!(again.structured(), drawn.structured());
    let image = server.call("render_plot", json!({"chart": "tree", "expr": expr})).await?;
    assert!(image.image().starts_with(b"\x89PNG") && image.image().len() > 3000);
    for (arguments, code, field) in [
        (json!({"chart": "tree"}), "invalid_argument", "/expr"),
        (json!({"chart": "tour", "expr": "a"}), "invalid_argument", "/expr"),
        (
            json!({"chart": "tree", "expr": "a", "run_ids": ["run_1"]}),
            "invalid_argument",
            "/run_ids",
        ),
        (json!({"chart": "tour"}), "invalid_argument", "/run_ids"),
        (json!({"chart": "tree", "expr": "a +"}), "invalid_expression", "/expr"),
        (json!({"chart": "tree", "expr": "foo(a)"}), "unknown_name", "/expr"),
        (
            json!({"chart": "tree", "expr": vec!["sin(a)"; 200].join("+")}),
            "limit_exceeded",
            "/expr",
        ),
    ] {
        let refused = server.call("render_plot", arguments).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!(code), &json!(field)),
            "{refused}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn a_chart_of_what_a_run_has_not_is_refused() -> TestResult {
    let state = tempfile::tempdir()?;
    let server = server(state.path()).await?;
    let run = json!({"problem": {"name": "sphere", "dimension": 3}, "seed": 1, "start": true,
                     "budget": {"max_evals": 500}, "wait_ms": 60_000});
    let (one, two) = (create(&server, run.clone()).await?, create(&server, run).await?);
    for (chart, ids, field) in [
        ("archive", vec![&one], "/chart"),
        ("tour", vec![&one], "/chart"),
        ("importance", vec![&one, &two], "/run_ids"),
        ("front", vec![&one], "/chart"),
    ] {
        let refused =
            server.call("render_plot", json!({"run_ids": ids, "chart": chart})).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("invalid_argument"), &json!(field)),
            "{refused}"
        );
    }
    Ok(())
}
