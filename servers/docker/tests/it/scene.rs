//! What the attacks must know: an engine whose every text is hostile, and the cursors.

use mcp_testkit::attacks::upstream::{Asked, Held, STEERING, Scene, Upstream};
use serde_json::{Value, json};

const EVERYTHING: &str = r#"{"container":"web","sections":["config","state","network","mounts","health","security","processes","changes","raw"]}"#;

pub(crate) const SCENE: Scene = Scene {
    upstream: Some(Upstream {
        variables: |address| vec![("DOCKER_HOST", format!("tcp://{address}"))],
        answer,
        refusal: |_| (500, json!({ "message": STEERING }).to_string().into_bytes()),
        changes: |asked| !matches!(asked.method.as_str(), "GET" | "HEAD"),
        calls: &[
            ("list_containers", "{}"),
            ("list_containers", r#"{"group_by":"project"}"#),
            ("inspect_container", r#"{"container":"web"}"#),
            ("inspect_container", EVERYTHING),
            ("read_container_logs", r#"{"containers":["web"]}"#),
            ("get_system_info", r#"{"disk_usage":true}"#),
        ],
    }),
    held: &[
        Held {
            before: &[],
            given_by: ("list_containers", r#"{"limit":1}"#),
            place: "/next_cursor",
            taken_by: ("list_containers", r#"{"limit":1,"cursor":"HERE"}"#),
            refused_by: &[
                ("list_containers", r#"{"limit":1,"sort":"name","cursor":"HERE"}"#),
                ("list_containers", r#"{"label":["a"],"cursor":"HERE"}"#),
                ("list_containers", r#"{"group_by":"project","cursor":"HERE"}"#),
                ("read_container_logs", r#"{"containers":["web"],"cursor":"HERE"}"#),
            ],
        },
        Held {
            before: &[],
            given_by: (
                "read_container_logs",
                r#"{"containers":["web"],"since":"2025-01-01T00:00:00Z"}"#,
            ),
            place: "/cursor",
            taken_by: ("read_container_logs", r#"{"containers":["web"],"cursor":"HERE"}"#),
            refused_by: &[
                (
                    "read_container_logs",
                    r#"{"containers":["web"],"stream":"stderr","cursor":"HERE"}"#,
                ),
                ("read_container_logs", r#"{"containers":["web","db"],"cursor":"HERE"}"#),
            ],
        },
    ],
};

fn answer(asked: &Asked) -> Vec<u8> {
    let path = asked.target.split('?').next().unwrap_or_default();
    // Without the version that leads it.
    let path = path
        .strip_prefix("/v1.")
        .and_then(|rest| rest.split_once('/'))
        .map_or_else(|| path.to_owned(), |(_, rest)| format!("/{rest}"));
    let body = match path.as_str() {
        "/version" => {
            json!({"Version": "29.0", "ApiVersion": "1.52", "MinAPIVersion": "1.44", "Os": STEERING})
        }
        "/containers/json" => {
            json!([row("0123456789abcdef", "web"), row("fedcba9876543210", "db")])
        }
        "/info" => {
            json!({"Name": STEERING, "OperatingSystem": STEERING, "Driver": STEERING, "NCPU": 2,
            "Warnings": [STEERING]})
        }
        "/system/df" => json!({"LayersSize": 5, "Images": [], "Containers": [], "Volumes": []}),
        path if path.ends_with("/top") => {
            json!({"Titles": ["PID", "USER", "CMD"], "Processes": [["7", STEERING, STEERING]]})
        }
        path if path.ends_with("/changes") => json!([{"Path": STEERING, "Kind": 0}]),
        path if path.ends_with("/logs") => return log(),
        path if path.starts_with("/containers/db/") || path.starts_with("/containers/fedc") => {
            container("fedcba9876543210")
        }
        path if path.starts_with("/containers/") => container("0123456789abcdef"),
        _ => json!({}),
    };
    body.to_string().into_bytes()
}

fn row(id: &str, name: &str) -> Value {
    json!({"Id": id, "Names": [format!("/{name}")], "Image": STEERING, "State": "running", "Status": STEERING,
        "Created": 1_700_000_000, "Labels": {"com.docker.compose.project": STEERING, "note": STEERING}})
}

fn container(id: &str) -> Value {
    json!({
        "Id": id, "Name": "/web", "Path": STEERING, "Args": [STEERING],
        "State": {"Status": "exited", "Running": false, "Error": STEERING, "StartedAt": "2026-01-01T00:00:00Z",
            "Health": {"Status": "unhealthy", "Log": [{"Start": "2026-01-01T00:00:00Z", "End": "2026-01-01T00:00:01Z",
                "ExitCode": 1, "Output": STEERING}]}},
        "Config": {"Tty": false, "Env": [format!("NOTE={STEERING}")], "Image": STEERING, "Cmd": [STEERING],
            "Labels": {"note": STEERING}, "WorkingDir": STEERING},
        "HostConfig": {"NetworkMode": STEERING}, "NetworkSettings": {"Networks": {STEERING: {"IPAddress": "10.0.0.2"}}},
        "Mounts": [{"Type": "bind", "Source": STEERING, "Destination": STEERING, "RW": true}]
    })
}

/// Two lines, each in the engine's frame.
fn log() -> Vec<u8> {
    let mut bytes = Vec::new();
    for (stream, second) in [(1_u8, 1), (2, 2)] {
        let line = format!("2026-01-01T00:00:0{second}.000000000Z {STEERING}\n");
        bytes.extend([stream, 0, 0, 0]);
        bytes.extend(u32::try_from(line.len()).unwrap_or(u32::MAX).to_be_bytes());
        bytes.extend(line.into_bytes());
    }
    bytes
}
