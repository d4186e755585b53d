//! What the attacks must know: the names of runs.

use mcp_testkit::attacks::upstream::{Held, Scene};

pub(crate) const SCENE: Scene = Scene {
    upstream: None,
    held: &[Held {
        before: &[],
        given_by: (
            "create_run",
            r#"{"problem":{"name":"sphere","dimension":2},"budget":{"max_evals":100},"seed":1}"#,
        ),
        place: "/run_id",
        taken_by: ("get_run", r#"{"run_id":"HERE"}"#),
        refused_by: &[],
    }],
};
