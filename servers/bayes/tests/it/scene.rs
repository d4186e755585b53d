//! What the attacks must know: the handles of runs and data, and the cursors of listings.

use mcp_testkit::attacks::upstream::{Held, Scene};

/// A small model.
const FIT: (&str, &str) = (
    "fit_model",
    r#"{"code":"parameters { real x; } model { x ~ normal(0, 1); }","chains":1,"tune":100,"draws":100,"wait_ms":60000}"#,
);
const DATA: (&str, &str) = ("register_data", r#"{"content":"{\"y\": [1, 2]}"}"#);

/// A run's handle, in the hands of a tool that takes one.
const fn run(taken_by: (&'static str, &'static str)) -> Held {
    Held { before: &[], given_by: FIT, place: "/run_id", taken_by, refused_by: &[] }
}

pub(crate) const SCENE: Scene = Scene {
    upstream: None,
    held: &[
        run(("summarize_run", r#"{"run_id":"HERE"}"#)),
        run(("get_draws", r#"{"run_id":"HERE"}"#)),
        run(("list_runs", r#"{"run_id":"HERE"}"#)),
        run(("cancel_run", r#"{"run_id":"HERE"}"#)),
        Held {
            before: &[],
            given_by: DATA,
            place: "/data_id",
            taken_by: ("list_data", r#"{"data_id":"HERE"}"#),
            refused_by: &[("list_runs", r#"{"run_id":"HERE"}"#)],
        },
        Held {
            before: &[DATA, ("register_data", r#"{"content":"{\"y\": [3]}"}"#)],
            given_by: ("list_data", r#"{"limit":1}"#),
            place: "/next_cursor",
            taken_by: ("list_data", r#"{"limit":1,"cursor":"HERE"}"#),
            refused_by: &[("list_runs", r#"{"limit":1,"cursor":"HERE"}"#)],
        },
    ],
};
