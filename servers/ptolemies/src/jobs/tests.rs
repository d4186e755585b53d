use std::time::Duration;

use tokio::sync::oneshot;

use super::*;

fn jobs() -> Jobs {
    Jobs::new(&StartContext::detached(std::path::PathBuf::new()))
}

fn named(id: &str) -> Principal {
    Principal::new(id, None, None)
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

#[tokio::test]
async fn a_job_goes_on_without_its_caller_and_is_its_owners() {
    let jobs = jobs();
    let (go, wait) = oneshot::channel::<()>();
    let work = |ticket: Ticket| async move {
        ticket.report(1, Some(2));
        wait.await.unwrap_or_default();
        Ok(End::Whole(Map::from_iter([("n".to_owned(), Value::from(2))])))
    };
    let job = jobs.start("test", &named("a"), Some("w".to_owned()), work).unwrap();
    let now = job.wait(Instant::now()).await;
    assert_eq!(now.state, JobState::Running);
    let same = jobs.start("test", &named("a"), Some("w".to_owned()), |_| async {
        Err(ToolError::internal("not begun"))
    });
    assert_eq!(same.unwrap().id, job.id);
    assert!(jobs.get(&named("b"), &job.id.to_string()).is_err());
    assert!(jobs.of(&named("b")).is_empty());
    go.send(()).unwrap();
    let ended = job.wait(soon()).await;
    assert_eq!((ended.state, ended.done, ended.total), (JobState::Done, 1, Some(2)));
    assert_eq!(ended.result.unwrap()["n"], 2);
    assert_eq!(jobs.get(&named("a"), &job.id.to_string()).unwrap().id, job.id);
}

#[tokio::test]
async fn a_job_is_cancelled_and_a_panic_ends_it() {
    let jobs = jobs();
    let work = |ticket: Ticket| async move {
        ticket.token().cancelled().await;
        Ok(End::Cut(Map::new()))
    };
    let job = jobs.start("test", &named("a"), None, work).unwrap();
    job.cancel();
    assert_eq!(job.wait(soon()).await.state, JobState::Cancelled);
    let broken = jobs.start("test", &named("a"), None, |_| async { panic!("of the test") });
    let ended = broken.unwrap().wait(soon()).await;
    assert_eq!(ended.state, JobState::Failed);
    assert_eq!(ended.error.unwrap().code(), "internal");
}

#[tokio::test]
async fn jobs_are_bounded_and_old_ones_forgotten() {
    let jobs = jobs();
    let idle = |ticket: Ticket| async move {
        ticket.token().cancelled().await;
        Ok(End::Cut(Map::new()))
    };
    let four = |owner: &str| -> Vec<_> {
        let each =
            (0..RUNNING_EACH).map(|_| jobs.start("test", &named(owner), None, idle).unwrap());
        each.collect()
    };
    let running = four("a");
    let error = jobs.start("test", &named("a"), None, idle).unwrap_err();
    assert_eq!(error.code(), "too_many_jobs");
    let others = four("b");
    let error = jobs.start("test", &named("c"), None, idle).unwrap_err();
    assert_eq!(error.code(), "too_many_jobs");
    running[0].cancel();
    running[0].wait(soon()).await;
    for _ in 0..REMEMBERED_EACH {
        let job = jobs.start("test", &named("a"), None, |_| async { Ok(End::Whole(Map::new())) });
        job.unwrap().wait(soon()).await;
    }
    let held = jobs.of(&named("a"));
    assert_eq!(held.len(), REMEMBERED_EACH);
    assert!(held.iter().any(|job| job.id == running[1].id), "what runs is never forgotten");
    assert_eq!(jobs.of(&named("b")).len(), others.len(), "a caller pushes out its own alone");
}
