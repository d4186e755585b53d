//! What the attacks must know: the handles of runs.

use mcp_testkit::attacks::upstream::{Held, Scene};

pub(crate) const SCENE: Scene = Scene {
    upstream: None,
    held: &[Held {
        before: &[],
        given_by: (
            "fit_model",
            r#"{"code":"parameters { real x; } model { x ~ normal(0, 1); }","chains":1,"tune":100,"draws":100}"#,
        ),
        place: "/run_id",
        taken_by: ("summarize_run", r#"{"run_id":"HERE"}"#),
        refused_by: &[],
    }],
};
