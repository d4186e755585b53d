//! What the attacks must know: the names of runs and problems.

use mcp_testkit::attacks::upstream::{Held, Scene};

pub(crate) const SCENE: Scene = Scene {
    upstream: None,
    held: &[
        Held {
            before: &[],
            given_by: (
                "create_run",
                r#"{"problem":{"name":"sphere","dimension":2},"budget":{"max_evals":100},"seed":1}"#,
            ),
            place: "/run_id",
            taken_by: ("get_run", r#"{"run_id":"HERE"}"#),
            refused_by: &[],
        },
        Held {
            before: &[],
            given_by: ("define_problem", r#"{"problem":{"name":"sphere","dimension":2}}"#),
            place: "/problem_id",
            taken_by: ("list_problems", r#"{"problem_id":"HERE"}"#),
            refused_by: &[],
        },
    ],
};
