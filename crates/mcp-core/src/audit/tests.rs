use serde_json::{Value, json};

use super::*;
use crate::{fleet, metrics::Reason, server::Facts};

fn metrics() -> Arc<Metrics> {
    Arc::new(Metrics::new(&Facts::new(&fleet::BAYES, "1", "")))
}

fn core(path: &std::path::Path) -> CoreConfig {
    CoreConfig { audit_file: Some(path.to_path_buf()), ..CoreConfig::default() }
}

fn call(audit: &Audit, class: Scope, principal: &str, arguments: &Value) -> Pending {
    let principal = Principal::new(principal, Some(Scope::Admin), None);
    let (id, tool) = (RequestId::next(), Arc::from("do_it"));
    let caller =
        Caller { what: What::Call, id: &id, trace: None, principal, tool, class: Some(class) };
    let schema = json!({"properties": {"a": {}}});
    audit.begin(caller, arguments.as_object(), schema.as_object())
}

fn lines(path: &std::path::Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect()
}

#[tokio::test]
async fn a_line_has_the_shape_and_a_keyed_digest_and_no_value() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let tasks = Tasks::default();
    let audit = Audit::start(&core(&path), &tasks, &metrics(), "bayes").unwrap().unwrap();
    let arguments = json!({"a": "canary", "canary": 1});
    let ((), marks) = marked(async {
        mark_upstream();
        mark_confirmed();
    })
    .await;
    call(&audit, Scope::Read, "x", &arguments).end("ok", Cow::Borrowed(""), marks);
    let mut write = call(&audit, Scope::Admin, "evil\n\u{1b}[31m{\"a\":1}\u{9b}", &arguments);
    write.reserve().await.unwrap();
    write.end("conflict", Cow::Borrowed("in_use"), Marks::default());
    drop(call(&audit, Scope::Write, "y", &json!({"a": 1})));
    audit.close().await;
    assert!(tasks.join(Duration::from_secs(5)).await);

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains("canary") && text.is_ascii() && !text.contains('\u{1b}'), "{text}");
    let lines = lines(&path);
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0]["arguments"], "a:string(6),+1 unknown");
    assert_eq!(lines[0]["digest"], lines[1]["digest"]);
    assert_ne!(lines[0]["digest"], lines[2]["digest"]);
    assert_eq!((&lines[0]["upstream"], &lines[0]["confirmed"]), (&json!(1), &json!(true)));
    assert_eq!((&lines[1]["class"], &lines[1]["code"]), (&json!("admin"), &json!("in_use")));
    assert_eq!(lines[1]["principal"], "evil\n\u{1b}[31m{\"a\":1}\u{9b}");
    assert_eq!(lines[2]["outcome"], "dropped");

    let again =
        Audit::start(&core(&path), &Tasks::default(), &metrics(), "bayes").unwrap().unwrap();
    assert_ne!(
        audit.digest(arguments.as_object().unwrap()),
        again.digest(arguments.as_object().unwrap()),
        "the key is the process's own"
    );
}

#[cfg(unix)]
#[tokio::test]
async fn when_nothing_can_be_written_changes_are_refused_and_reads_go_on_counted() {
    // Every write to it fails, as on a full disk.
    let full = std::path::Path::new("/dev/full");
    if !full.exists() {
        return;
    }
    let metrics = metrics();
    let audit = Audit::start(&core(full), &Tasks::default(), &metrics, "bayes").unwrap().unwrap();
    let arguments = json!({"a": 1});
    for _ in 0..QUEUE + BATCHES {
        call(&audit, Scope::Read, "x", &arguments).end("ok", Cow::Borrowed(""), Marks::default());
        tokio::task::yield_now().await;
    }
    assert!(metrics.audit_dropped().get() > 0);
    let mut write = call(&audit, Scope::Write, "x", &arguments);
    let refused = write.reserve().await.unwrap_err();
    assert_eq!((refused.kind(), refused.code()), (Kind::Unavailable, "audit_unavailable"));
    let mut read = call(&audit, Scope::Read, "x", &arguments);
    read.reserve().await.unwrap();
    assert!(metrics.audit_failures().get() > 0);
}

/// More than the writer takes out of the queue before it finds that it cannot write.
const BATCHES: usize = 1_024;

#[test]
fn a_file_that_cannot_be_opened_stops_the_start() {
    let core = core(std::path::Path::new("/no/such/directory/audit.jsonl"));
    let error = Audit::start(&core, &Tasks::default(), &metrics(), "bayes").err().unwrap();
    assert!(error.to_string().starts_with("MACHINA_AUDIT_FILE: "), "{error}");
    assert!(error.hint().is_some());
}

fn stranger(reason: Reason, tool: Option<&str>) -> Refused {
    Refused {
        id: Some(RequestId::next()),
        trace: None,
        principal: None,
        address: Some([192, 0, 2, 7].into()),
        route: "/mcp",
        status: Some(401),
        reason,
        tool: tool.map(Arc::from),
    }
}

#[tokio::test]
async fn a_flood_of_refusals_leaves_a_bounded_number_of_lines_and_its_count() {
    const FLOOD: usize = 10_000;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("audit.jsonl");
    let (tasks, metrics) = (Tasks::default(), metrics());
    let audit = Audit::start(&core(&path), &tasks, &metrics, "bayes").unwrap().unwrap();
    let started = std::time::SystemTime::now();
    for _ in 0..FLOOD {
        audit.refused(stranger(Reason::Credential, None));
    }
    // A flood of one kind hides no other.
    audit.refused(stranger(Reason::ToolName, Some("\u{1b}[31m\"x")));
    let seconds = usize::try_from(started.elapsed().unwrap().as_secs()).unwrap() + 1;
    audit.close().await;
    assert!(tasks.join(Duration::from_secs(5)).await);

    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.is_ascii() && !text.contains('\u{1b}'), "{text}");
    let lines = lines(&path);
    let of = |reason: &'static str| lines.iter().filter(move |line| line["reason"] == reason);
    let (written, rest): (Vec<_>, Vec<_>) =
        of("credential").partition(|line| line["status"].is_u64());
    let burst = usize::try_from(refused::BURST).unwrap();
    assert!((burst..=burst + seconds).contains(&written.len()), "{} lines", written.len());
    let told =
        |lines: &[&Value]| lines.iter().filter_map(|line| line["unlogged"].as_u64()).sum::<u64>();
    let dropped = metrics.audit_refusals_dropped().get();
    assert_eq!(told(&written) + told(&rest), dropped);
    assert_eq!(written.len() as u64 + dropped, FLOOD as u64);
    assert_eq!(written[0]["address"], "192.0.2.7");
    assert_eq!((&written[0]["audit"], &written[0]["route"]), (&json!("refused"), &json!("/mcp")));
    let other: Vec<_> = of("tool_name").collect();
    assert_eq!(other.len(), 1);
    assert_eq!(other[0]["tool"], "\u{1b}[31m\"x");
}
