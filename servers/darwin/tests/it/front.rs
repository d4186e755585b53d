//! Fronts, looked at.

use machina_darwin::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::json;

use crate::runs::create;

#[tokio::test]
async fn a_given_front_has_the_figures_that_can_be_had_by_hand() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let points = json!([[0, 1], [0.25, 0.25], [1, 0], [0.9, 0.9]]);
    let arguments = json!({
        "points": points, "reference": [1, 1], "weights": [1, 3], "limit": 2,
        "reference_front": [[0, 0.5]],
    });
    let seen = server.call("analyze_front", arguments).await?;
    let seen = seen.structured();
    assert_eq!((&seen["points"], &seen["front_size"]), (&json!(4), &json!(3)));
    assert_eq!(seen["hypervolume"], 0.5625);
    assert_eq!((&seen["beyond_reference"], &seen["extent"]), (&json!(2), &json!([1.0, 1.0])));
    assert_eq!((&seen["knee"]["place"], &seen["choice"]["place"]), (&json!(1), &json!(1)));
    // From (0, 1/2): half to the first, a quarter to the second, nothing above it to the third.
    assert_eq!(seen["igd_plus"], 0.25);
    assert_eq!((seen["rows"].as_array().map(Vec::len), &seen["next_offset"]), (Some(2), &json!(2)));
    let rest = json!({"points": points, "limit": 2, "offset": 2, "limits": [null, 0.5]});
    let seen = server.call("analyze_front", rest).await?;
    assert_eq!(
        (&seen.structured()["points"], &seen.structured()["front_size"]),
        (&json!(2), &json!(2))
    );
    let turned =
        json!({"points": [[1, 5], [2, 4], [0, 1]], "senses": ["max", "max"], "reference": [0, 0]});
    let seen = server.call("analyze_front", turned).await?;
    assert_eq!(
        (&seen.structured()["front_size"], &seen.structured()["hypervolume"]),
        (&json!(2), &json!(9.0))
    );
    for (arguments, field) in [
        (json!({}), "/points"),
        (json!({"points": [[1, 2], [1]]}), "/points/1"),
        (json!({"points": [[1, 2]], "weights": [1]}), "/weights"),
        (json!({"points": [[1, 2]], "weights": [0, 0]}), "/weights"),
        (json!({"points": [[1, 2]], "reference_front": [[1, 2, 3]]}), "/reference_front/0"),
        (json!({"points": [[1, 2]], "run_id": "run_1"}), "/run_id"),
    ] {
        let refused = server.call("analyze_front", arguments).await?.error();
        assert_eq!(
            (&refused["code"], &refused["field"]),
            (&json!("invalid_argument"), &json!(field)),
            "{refused}"
        );
    }
    Ok(())
}

#[tokio::test]
async fn the_front_of_a_run_is_looked_at_with_its_points() -> TestResult {
    let server = InProcess::<Server>::start(Config::default()).await?;
    let made = server
        .call("instantiate_template", json!({"template": "zdt1", "inputs": {"dimension": 6}}));
    let made = made.await?.structured()["problem_id"].clone();
    let id = create(&server, json!({
        "problem": {"problem_id": made}, "seed": 1, "budget": {"max_evals": 10_000}, "start": true,
        "wait_ms": 60_000,
    }))
    .await?;
    let seen = server.call("analyze_front", json!({"run_id": id, "reference": [1.1, 1.1]})).await?;
    let seen = seen.structured();
    // All of the true front has 0.8767 there.
    let volume = seen["hypervolume"].as_f64().ok_or("no volume")?;
    assert!((0.85..0.8767).contains(&volume), "{volume}");
    assert!(
        seen["knee"]["values"]["x"].is_array() && seen["spread"].as_f64() < Some(1.0),
        "{seen}"
    );
    let single = create(&server, json!({"problem": {"name": "sphere", "dimension": 2}})).await?;
    let refused = server.call("analyze_front", json!({"run_id": single})).await?.error();
    assert_eq!(refused["field"], "/run_id", "{refused}");
    Ok(())
}
