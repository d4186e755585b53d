//! Tests of the list's presentation.

use proptest::{collection::vec, prelude::*};
use serde_json::json;

use super::{
    page::{SortKey, order, order_projects, sort_key, take_page},
    project::{ONE_OFF, group},
    *,
};

fn summary(value: serde_json::Value) -> Summary {
    serde_json::from_value(value).unwrap()
}

fn numbered(count: i64) -> Vec<Summary> {
    (0..count)
        .map(|n| summary(json!({"Id": format!("id{n:03}"), "Names": [format!("/n{}", n % 4)], "Created": n % 5})))
        .collect()
}

#[test]
fn ports_read_like_docker_ps_without_its_repetition() {
    let ports: Vec<Port> = serde_json::from_value(json!([
        {"IP": "0.0.0.0", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "::", "PrivatePort": 80, "PublicPort": 8080, "Type": "tcp"},
        {"IP": "127.0.0.1", "PrivatePort": 53, "PublicPort": 5353, "Type": "udp"},
        {"IP": "fe80::1", "PrivatePort": 53, "PublicPort": 5354, "Type": "udp"},
        {"PrivatePort": 443, "Type": "tcp"},
        {"PrivatePort": 22}
    ]))
    .unwrap();
    assert_eq!(
        super::ports(&ports),
        ["22/tcp", "127.0.0.1:5353->53/udp", "[fe80::1]:5354->53/udp", "*:8080->80/tcp", "443/tcp"]
    );
}

#[test]
fn health_comes_from_its_field_or_from_the_status_text() {
    for (row, health) in [
        (json!({"Status": "Up 2 hours (healthy)"}), Some("healthy")),
        (json!({"Status": "Up 1 second (health: starting)"}), Some("starting")),
        (json!({"Status": "Up 2 hours (Paused)"}), None),
        (json!({"Status": "Exited (0) 2 hours ago"}), None),
        (json!({"Status": "Up", "Health": {"Status": "unhealthy"}}), Some("unhealthy")),
        (json!({"Status": "Up (healthy)", "Health": {"Status": "none"}}), None),
        (json!({}), None),
    ] {
        assert_eq!(super::health(&summary(row)).as_deref(), health);
    }
}

#[test]
fn a_row_has_the_chosen_columns_and_no_empty_ones() {
    let container = summary(json!({
        "Id": "0123456789abcdef", "Names": ["/other/alias", "/web"], "Image": "sha256:fedcba9876543210",
        "Created": 100, "State": "running", "Status": "Up", "Labels": {"a": "b", "api_token": "canary"},
        "Command": "run --password=canary", "Ports": [],
    }));
    let now = Timestamp(160_000_000_000);
    let row = serde_json::to_value(Row::new(&container, &Field::DEFAULT, now)).unwrap();
    assert_eq!(
        row,
        json!({"id": "0123456789ab", "name": "web", "image": "fedcba987654", "state": "running", "age_s": 60})
    );
    let row =
        serde_json::to_value(Row::new(&container, &[Field::Labels, Field::Command], now)).unwrap();
    assert_eq!(
        row,
        json!({"labels": {"a": "b", "api_token": "[redacted]"}, "command": "run --password=[redacted]"})
    );
}

#[test]
fn an_unknown_state_is_shown_as_it_is() {
    let row = Row::new(&summary(json!({"State": "stopping"})), &[Field::State], Timestamp(0));
    assert_eq!(row.state.as_deref(), Some("stopping"));
}

#[test]
fn projects_sum_up_their_services() {
    let labels = |project: &str, service: &str, one_off: &str| json!({PROJECT: project, SERVICE: service, ONE_OFF: one_off});
    let containers: Vec<Summary> = [
        json!({"State": "running", "Status": "Up (healthy)", "Labels": labels("shop", "web", "False")}),
        json!({"State": "exited", "Status": "Exited (1)", "Labels": labels("shop", "web", "False")}),
        json!({"State": "running", "Status": "Up (unhealthy)", "Labels": labels("shop", "db", "False")}),
        json!({"State": "exited", "Labels": labels("shop", "web", "True")}),
        json!({"State": "running", "Labels": {}}),
    ]
    .into_iter()
    .map(summary)
    .collect();
    let (projects, alone) = group(&containers);
    assert_eq!(
        serde_json::to_value(projects).unwrap(),
        json!([{
            "project": "shop", "running": 2, "wanted": 3, "health": "unhealthy",
            "services": [
                {"service": "db", "running": 1, "wanted": 1, "health": "unhealthy"},
                {"service": "web", "running": 1, "wanted": 2, "health": "healthy", "not_running": ["exited"]},
            ]
        }])
    );
    assert_eq!(alone, 1);
}

/// A page of ids, and where it ended.
fn page(
    summaries: Vec<Summary>,
    sort: Sort,
    limit: usize,
    last: Option<&SortKey>,
) -> (Vec<String>, Option<SortKey>) {
    let rest = order(summaries, sort, last);
    let (ids, has_more) = take_page(&rest, limit, |summary| summary.id.clone().unwrap_or_default());
    let next = has_more.then(|| sort_key(&rest[ids.len() - 1], sort));
    (ids, next)
}

#[test]
fn a_page_ends_before_the_reply_gets_too_large() {
    let big = vec!["x".repeat(10_000); 20];
    let (rows, has_more) = take_page(&big, 100, Clone::clone);
    assert_eq!((rows.len(), has_more), (4, true));
    let (rows, has_more) = take_page(&["x".repeat(99_000)], 100, Clone::clone);
    assert_eq!((rows.len(), has_more), (1, false));
}

#[test]
fn projects_page_by_name() {
    let containers: Vec<Summary> =
        ["a", "b", "c"].map(|name| summary(json!({"Labels": {PROJECT: name}}))).into();
    let (projects, _) = group(&containers);
    let rest = order_projects(projects, Some("a"));
    assert_eq!(rest.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["b", "c"]);
}

proptest! {
    #[test]
    fn pages_cover_everything_once(
        count in 0_i64..40,
        limit in 1_usize..12,
        sort in prop::sample::select(vec![Sort::Newest, Sort::Oldest, Sort::Name, Sort::State, Sort::Project]),
    ) {
        let mut last: Option<SortKey> = None;
        let mut seen = Vec::new();
        loop {
            let (ids, next) = page(numbered(count), sort, limit, last.as_ref());
            seen.extend(ids);
            last = next;
            if last.is_none() { break; }
        }
        let once: std::collections::BTreeSet<_> = seen.iter().collect();
        prop_assert_eq!(once.len(), seen.len());
        prop_assert_eq!(seen.len(), usize::try_from(count).unwrap());
    }

    #[test]
    fn rows_that_go_do_not_shift_the_next_page(gone in vec(any::<bool>(), 20)) {
        let (shown, last) = page(numbered(20), Sort::Newest, 10, None);
        let rest: Vec<Summary> =
            numbered(20).into_iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(row, _)| row).collect();
        let (second, _) = page(rest, Sort::Newest, 99, last.as_ref());
        prop_assert!(second.iter().all(|id| !shown.contains(id)));
    }
}
