//! S8: planning in 10 ms, creating in 15 ms, at the median; in release builds only.

use std::time::Duration;

use machina_scaffold::{Config, Server};
use mcp_testkit::{InProcess, TestResult};
use serde_json::json;
use tokio::time::Instant;

use crate::generated::spec;

const ROUNDS: usize = 60;

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[tokio::test]
async fn plans_and_projects_are_fast() -> TestResult {
    let root = tempfile::tempdir()?;
    let server =
        InProcess::<Server>::start(Config::with_roots([root.path().display().to_string()])).await?;
    for language in ["rust", "python", "typescript"] {
        let (mut planning, mut creating) = (Vec::new(), Vec::new());
        let mut files = 0;
        for round in 0..ROUNDS {
            let arguments = json!({"spec": spec(language, &["stdio", "http"])});
            let start = Instant::now();
            let plan = server.call("plan_project", arguments).await?;
            planning.push(start.elapsed());
            files = plan.structured()["file_count"].as_u64().ok_or("count")?;
            let target = format!("{language}-{round}");
            let arguments = json!({"plan_id": plan.structured()["plan_id"], "target": target});
            let start = Instant::now();
            let created = server.call("create_project", arguments).await?;
            creating.push(start.elapsed());
            assert_eq!(created.structured()["state"], "created");
        }
        let (plan, create) = (median(planning), median(creating));
        println!(
            "{language}: plan {plan:?}, create {create:?} ({files} files), medians of {ROUNDS}"
        );
        // A limit against a fault, not the bar: debug builds and loaded machines are slow.
        assert!(plan < Duration::from_secs(1) && create < Duration::from_secs(2));
    }
    Ok(())
}
