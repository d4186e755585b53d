use std::collections::BTreeSet;

use rmcp::model::InputRequest;

use super::*;

fn named(id: &str) -> Principal {
    Principal::new(id, None, None)
}

fn completed(text: &str) -> TaskPayload {
    match json!({"text": text}) {
        Value::Object(result) => TaskPayload::Completed { result },
        _ => TaskPayload::Cancelled,
    }
}

fn on_disk(dir: &std::path::Path) -> TaskStore {
    TaskStore::open(&StartContext::detached(dir.to_path_buf()), "http")
}

fn form(field: &str) -> InputRequest {
    serde_json::from_value(json!({"method": "elicitation/create", "params": {"mode": "form",
        "message": "?", "requestedSchema": {"type": "object", "properties":
            {field: {"type": "string"}}}}}))
    .unwrap()
}

#[tokio::test]
async fn a_task_is_its_owners_alone() {
    let store = TaskStore::in_memory();
    let (a, b) = (named("a"), named("b"));
    let running = store.create(&a, "work").await.unwrap();
    let id = running.task().task_id;
    assert_eq!(store.get(&a, &id).unwrap().status(), TaskStatus::Working);
    let unknown = store.get(&b, &"0".repeat(32)).unwrap_err();
    assert_eq!(store.get(&b, &id).unwrap_err(), unknown);
    assert_eq!(store.cancel(&b, &id).unwrap_err(), unknown);
    assert_eq!(store.update(&b, &id, InputResponses::new()).unwrap_err(), unknown);
    assert!(!running.cancelled_token().is_cancelled());
    running.note().say("half way");
    let told = store.get(&a, &id).unwrap().task.status_message;
    assert_eq!(told.as_deref(), Some("half way"));
    running.finish(completed("x")).await;
    assert_eq!(store.get(&a, &id).unwrap().payload, completed("x"));
    // Cancelling what has ended is acknowledged and changes nothing.
    store.cancel(&a, &id).unwrap();
    assert_eq!(store.get(&a, &id).unwrap().status(), TaskStatus::Completed);
}

#[tokio::test]
async fn tasks_are_bounded_and_their_ids_cannot_be_guessed() {
    let store = TaskStore::in_memory();
    let (mut kept, mut ids) = (Vec::new(), BTreeSet::new());
    for owner in 0..TOTAL / PER_OWNER {
        let owner = named(&owner.to_string());
        for _ in 0..PER_OWNER {
            kept.push(store.create(&owner, "work").await.unwrap());
        }
        let error = store.create(&owner, "work").await.err().unwrap();
        assert_eq!((error.code(), error.kind()), ("too_many_tasks", Kind::RateLimited));
    }
    assert!(store.create(&named("late"), "work").await.is_err());
    ids.extend(kept.iter().map(|running| running.task().task_id));
    assert!(ids.len() == TOTAL && ids.iter().all(|id| id.len() == 32));
    for guess in 0..100_000_u128 {
        assert!(store.get(&named("0"), &format!("{guess:032x}")).is_err());
    }
    assert_eq!(store.sweep(Instant::now() + TTL).len(), TOTAL);
    assert!(kept.iter().all(|running| running.cancelled_token().is_cancelled()));
    assert!(store.get(&named("0"), ids.first().unwrap()).is_err());
    store.create(&named("late"), "work").await.unwrap();
}

#[tokio::test]
async fn a_question_waits_for_all_its_answers() {
    let store = TaskStore::in_memory();
    let a = named("a");
    let running = store.create(&a, "work").await.unwrap();
    let id = running.task().task_id;
    let open = || match store.get(&a, &id).unwrap().payload {
        TaskPayload::InputRequired { input_requests } => {
            input_requests.into_keys().collect::<Vec<_>>()
        }
        _ => Vec::new(),
    };
    let give = |key: &str| {
        store.update(&a, &id, [(key.to_owned(), json!({"for": key}))].into()).unwrap();
    };
    let both = || [("one".to_owned(), form("x")), ("two".to_owned(), form("y"))].into();
    let asked = running.ask(both());
    tokio::pin!(asked);
    assert!(futures_util::poll!(&mut asked).is_pending());
    assert_eq!(open(), ["one", "two"]);
    give("other");
    give("two");
    assert_eq!(open(), ["one"]);
    give("one");
    assert_eq!(store.get(&a, &id).unwrap().status(), TaskStatus::Working);
    let given = asked.await.unwrap();
    assert_eq!(given["two"], json!({"for": "two"}));
    // Asked again, the keys are others: an answer sent twice is not taken for a new one.
    let again = running.ask(both());
    tokio::pin!(again);
    assert!(futures_util::poll!(&mut again).is_pending());
    assert_eq!(open(), ["one#2", "two#2"]);
    store.cancel(&a, &id).unwrap();
    assert!(again.await.is_none());
}

#[tokio::test]
async fn an_acknowledged_task_is_found_after_a_crash() {
    let dir = tempfile::tempdir().unwrap();
    let a = named("a");
    let store = on_disk(dir.path());
    let done = store.create(&a, "work").await.unwrap();
    let running = store.create(&a, "work").await.unwrap();
    let (done_id, running_id) = (done.task().task_id, running.task().task_id);
    done.finish(completed("kept")).await;
    // While its process lives, its tasks are nobody else's.
    let beside = on_disk(dir.path());
    assert!(beside.get(&a, &done_id).is_err());
    // What a crash leaves: files, and a lock that nobody holds.
    std::mem::forget(running);
    drop((store, beside));
    let held = std::fs::read_dir(dir.path().join("tasks/http")).unwrap().next().unwrap().unwrap();
    let crashed = tempfile::tempdir().unwrap();
    let copy = crashed.path().join("tasks/http").join(held.file_name());
    std::fs::create_dir_all(&copy).unwrap();
    for file in std::fs::read_dir(held.path()).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), copy.join(file.file_name())).unwrap();
    }
    for _restart in 0..2 {
        let store = on_disk(crashed.path());
        assert_eq!(store.get(&a, &done_id).unwrap().payload, completed("kept"));
        let TaskPayload::Failed { error } = store.get(&a, &running_id).unwrap().payload else {
            panic!("a task whose process ended has failed");
        };
        assert_eq!(error["data"]["code"], "interrupted");
        assert!(store.get(&named("b"), &done_id).is_err());
    }
}

#[tokio::test]
async fn a_task_that_cannot_be_kept_is_not_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let store = on_disk(dir.path());
    std::fs::write(dir.path().join("tasks"), "in the way").unwrap();
    let error = store.create(&named("a"), "work").await.err().unwrap();
    assert_eq!(error.code(), "task_not_kept");
    assert!(store.kept().records.is_empty());
}

#[tokio::test]
async fn an_expired_task_leaves_no_file() {
    let dir = tempfile::tempdir().unwrap();
    let store = on_disk(dir.path());
    let running = store.create(&named("a"), "work").await.unwrap();
    running.finish(completed("x")).await;
    let files = || {
        let own =
            std::fs::read_dir(dir.path().join("tasks/http")).unwrap().next().unwrap().unwrap();
        std::fs::read_dir(own.path()).unwrap().count()
    };
    assert_eq!(files(), 2, "the lock and the task");
    let expired = store.sweep(Instant::now() + TTL);
    store.forget(expired);
    assert!(store.0.tasks.join(Duration::from_secs(10)).await);
    assert_eq!(files(), 1);
}
