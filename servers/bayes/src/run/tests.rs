//! Runs on disk: whose they are, how long, how many, and what damage does.

use bayes_engine::{
    language::{Data, Model, parse},
    sampler::Settings,
};
use tempfile::TempDir;

use super::*;
use crate::store::{chain, head::Kept, now_ms};

const TEXT: &str = "parameters { vector[100] x; } model { x ~ std_normal(); }";

fn named(id: &str) -> Principal {
    Principal::new(id, None, None)
}

fn open(state: &TempDir, config: &Config) -> Runs {
    Runs::open(&StartContext::detached(state.path().to_path_buf()), config).unwrap()
}

fn plan(draws: usize, chains: u32) -> Plan {
    let model = Model::bind(&parse(TEXT).unwrap(), TEXT, &Data::new(), 1, &|| false).unwrap();
    let settings = Settings { tune: 100, draws, seed: 1, ..Settings::default() };
    let head = Head {
        created_ms: now_ms(),
        engine: "0".to_owned(),
        seed: 1,
        chains: chains as usize,
        tune: 100,
        draws,
        target_accept: None,
        max_treedepth: 10,
        max_time_s: 60.0,
        dimension: model.dim(),
        width: model.width(),
        variables: model.variables().iter().map(Kept::of).collect(),
        printed: String::new(),
    };
    let time = Duration::from_secs(60);
    let job = Job { model: Arc::new(model), settings, chains, is_adaptive: false, time };
    let source = Source { code: TEXT.to_owned(), data: BTreeMap::new() };
    Plan { head, source, job, bytes: 1 << 20 }
}

async fn fit(runs: &Runs, owner: &str, nth: u8) -> Result<(String, Arc<Ended>)> {
    let id = runs.name(&named(owner), &[nth]);
    match runs.begin(&named(owner), &id, plan(100, 2)).await? {
        Found::Active(active) => Ok((id, active.ended().await)),
        Found::Stored(_) => panic!("it was there"),
    }
}

fn code<T>(outcome: Result<T>) -> String {
    match outcome {
        Ok(_) => "ok".to_owned(),
        Err(error) => error.code().to_owned(),
    }
}

fn folder(runs: &Runs, owner: &str, id: &str) -> PathBuf {
    runs.0.folders().unwrap().folder(owner, id).unwrap()
}

#[tokio::test]
async fn another_caller_cannot_see_stop_or_remove_a_run() {
    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config::default());
    let (id, ended) = fit(&runs, "a", 1).await.unwrap();
    assert_eq!((ended.state.status, ended.state.draws), (Status::Complete, 200));
    let other = named("b");
    for runs in [runs.clone(), open(&state, &Config::default())] {
        assert_eq!(code(runs.get(&other, &id).await), "unknown_id");
        assert_eq!(code(runs.overview(&other, &id).await), "unknown_id");
        assert_eq!(code(runs.cancel(&other, &id).await), "unknown_id");
        assert_eq!(code(runs.delete(&other, &id).await), "unknown_id");
        assert_eq!(code(runs.bytes(&other, &id).await), "unknown_id");
        assert!(runs.list(&other).await.unwrap().is_empty());
        assert!(runs.equal(&other, &id).await.unwrap().is_none());
    }
    assert_ne!(runs.name(&other, &[1]), id);
    assert_eq!(runs.get(&named("a"), &id).await.unwrap().posterior.draws(), 200);
}

#[tokio::test]
async fn draws_are_the_same_from_disk() {
    let state = tempfile::tempdir().unwrap();
    let (id, ended) = fit(&open(&state, &Config::default()), "a", 1).await.unwrap();
    let run = open(&state, &Config::default()).get(&named("a"), &id).await.unwrap();
    let made = ended.run.as_ref().unwrap();
    assert_eq!((&run.posterior, run.status), (&made.posterior, Status::Complete));
    assert_eq!(run.sampler.step_sizes, made.sampler.step_sizes);
    let again = run.model(&CancellationToken::new()).await.unwrap();
    assert_eq!(again.dim(), 100);
}

#[tokio::test]
async fn what_has_expired_is_gone() {
    let state = tempfile::tempdir().unwrap();
    let config = Config { lifetime_s: 1, ..Config::default() };
    let runs = open(&state, &config);
    let (id, _) = fit(&runs, "a", 1).await.unwrap();
    let owner = named("a");
    let gone = async {
        while code(runs.overview(&owner, &id).await) == "ok" {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), gone).await.unwrap();
    assert_eq!(code(runs.get(&owner, &id).await), "unknown_id");
    assert!(runs.list(&owner).await.unwrap().is_empty());
    assert!(folder(&runs, "a", &id).is_dir());
    runs.0.sweep_owner("a", now_ms());
    assert!(!folder(&runs, "a", &id).exists());
}

#[tokio::test]
async fn quotas_are_each_callers_and_can_be_freed() {
    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config { max_runs: 1, ..Config::default() });
    let (id, _) = fit(&runs, "a", 1).await.unwrap();
    assert_eq!(code(fit(&runs, "a", 2).await), "quota_exceeded");
    fit(&runs, "b", 1).await.unwrap();
    assert!(runs.delete(&named("a"), &id).await.unwrap() > 0);
    fit(&runs, "a", 2).await.unwrap();

    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config { quota_mb: 1, ..Config::default() });
    // The space it may take counts, and what is there.
    let (id, _) = fit(&runs, "a", 1).await.unwrap();
    assert_eq!(code(fit(&runs, "a", 2).await), "quota_exceeded");
    runs.delete(&named("a"), &id).await.unwrap();
    fit(&runs, "a", 2).await.unwrap();

    let runs = open(&state, &Config { store_mb: 1, ..Config::default() });
    fit(&runs, "a", 3).await.unwrap();
    assert_eq!(code(fit(&runs, "b", 1).await), "store_full");
}

#[tokio::test]
async fn a_caller_has_so_many_runs_at_once() {
    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config::default());
    let owner = named("a");
    let mut begun = Vec::new();
    for nth in 0..8 {
        let id = runs.name(&owner, &[nth]);
        runs.begin(&owner, &id, plan(20_000, 1)).await.unwrap();
        begun.push(id);
    }
    assert_eq!(code(fit(&runs, "a", 9).await), "too_many_runs");
    assert_eq!(code(runs.get(&owner, &begun[0]).await), "conflict");
    fit(&runs, "b", 1).await.unwrap();
    let stopped = runs.cancel(&owner, &begun[0]).await.unwrap();
    assert_eq!(stopped.status, Status::Cancelled);
    let last = begun.last().unwrap();
    assert_eq!(runs.cancel(&owner, last).await.unwrap().status, Status::Cancelled);
    runs.begin(&owner, &runs.name(&owner, &[9]), plan(100, 1)).await.unwrap();
    runs.park().await;
    let listed = runs.list(&owner).await.unwrap();
    let ended = listed
        .iter()
        .filter(|(_, run)| run.as_ref().is_ok_and(|run| run.status != Status::Running));
    assert_eq!(ended.count(), 9);
    assert_eq!(code(runs.get(&owner, last).await), "no_draws");
}

#[tokio::test]
async fn a_run_without_an_end_was_interrupted() {
    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config::default());
    let (id, _) = fit(&runs, "a", 1).await.unwrap();
    let folder = folder(&runs, "a", &id);
    std::fs::remove_file(folder.join("state")).unwrap();
    std::fs::remove_file(folder.join(chain::name(1, 0))).unwrap();
    let runs = open(&state, &Config::default());
    let overview = runs.overview(&named("a"), &id).await.unwrap();
    assert_eq!((overview.status, overview.state.unwrap().draws), (Status::Interrupted, 100));
    let run = runs.get(&named("a"), &id).await.unwrap();
    assert!(!run.posterior.verdict().is_reliable && run.sampler.chains == 1);
    // An equal call begins it anew.
    assert!(runs.equal(&named("a"), &id).await.unwrap().is_none());
    let (again, ended) = fit(&runs, "a", 1).await.unwrap();
    assert_eq!((again, ended.state.status), (id, Status::Complete));
}

#[tokio::test]
async fn damage_is_told_and_can_be_repaired() {
    let state = tempfile::tempdir().unwrap();
    let runs = open(&state, &Config::default());
    let owner = named("a");
    let (id, _) = fit(&runs, "a", 1).await.unwrap();
    let dir = folder(&runs, "a", &id);
    for file in [chain::name(1, 1), "state".to_owned(), "run".to_owned()] {
        let path = dir.join(&file);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        let place = bytes.len() / 2;
        bytes[place] ^= 4;
        for broken in [&bytes[..], &bytes[..place], b""] {
            std::fs::write(&path, broken).unwrap();
            let runs = open(&state, &Config::default());
            assert_eq!(code(runs.get(&owner, &id).await), "run_damaged", "{file}");
            let listed = runs.list(&owner).await.unwrap();
            assert_eq!(listed.len(), 1, "{file}");
            assert!(runs.bytes(&owner, &id).await.is_ok(), "{file}");
        }
        std::fs::write(&path, whole).unwrap();
    }
    assert!(open(&state, &Config::default()).get(&owner, &id).await.is_ok());
    std::fs::write(dir.join("run"), b"").unwrap();
    let runs = open(&state, &Config::default());
    let (_, ended) = fit(&runs, "a", 1).await.unwrap();
    assert_eq!(ended.state.status, Status::Complete);
    std::fs::write(dir.join("run"), b"").unwrap();
    runs.delete(&owner, &id).await.unwrap();
    assert!(!dir.exists());
}

#[tokio::test]
async fn without_a_place_runs_are_refused() {
    let state = tempfile::tempdir().unwrap();
    let file = state.path().join("file");
    std::fs::write(&file, "").unwrap();
    let runs = Runs::open(&StartContext::detached(file), &Config::default()).unwrap();
    assert_eq!(code(fit(&runs, "a", 1).await), "not_configured");
    assert!(runs.list(&named("a")).await.unwrap().is_empty());
}
