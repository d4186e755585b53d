//! What the attacks must know: the cursors.

use mcp_testkit::attacks::upstream::{Held, Scene};

pub(crate) const SCENE: Scene = Scene {
    upstream: None,
    held: &[
        Held {
            before: &[(
                "store_memory",
                r#"{"items":[{"text":"one"},{"text":"two"},{"text":"three"}]}"#,
            )],
            given_by: ("list_memories", r#"{"limit":1}"#),
            place: "/next_cursor",
            taken_by: ("list_memories", r#"{"limit":1,"cursor":"HERE"}"#),
            refused_by: &[
                ("list_memories", r#"{"limit":1,"context":"work","cursor":"HERE"}"#),
                ("get_timeline", r#"{"entity":"Ada","limit":1,"cursor":"HERE"}"#),
            ],
        },
        Held {
            before: &[(
                "upsert_facts",
                r#"{"items":[{"from":"Ada","type":"knows","to":"Bob"},{"from":"Ada","type":"knows","to":"Eve"}]}"#,
            )],
            given_by: ("get_timeline", r#"{"entity":"Ada","limit":1}"#),
            place: "/next_cursor",
            taken_by: ("get_timeline", r#"{"entity":"Ada","limit":1,"cursor":"HERE"}"#),
            refused_by: &[("get_timeline", r#"{"entity":"Bob","limit":1,"cursor":"HERE"}"#)],
        },
        Held {
            before: &[
                ("ingest_documents", r#"{"text":"one","uri":"a"}"#),
                ("ingest_documents", r#"{"text":"two","uri":"b"}"#),
            ],
            given_by: ("list_documents", r#"{"limit":1}"#),
            place: "/next_cursor",
            taken_by: ("list_documents", r#"{"limit":1,"cursor":"HERE"}"#),
            refused_by: &[
                ("list_documents", r#"{"limit":1,"uri_glob":"a*","cursor":"HERE"}"#),
                ("list_memories", r#"{"limit":1,"cursor":"HERE"}"#),
            ],
        },
    ],
};
