use mcp_core::prelude::CancellationToken;

use super::*;
use crate::{
    knowledge::Readiness,
    memory::{Expiry, NewMemory},
};

async fn open(state: &std::path::Path) -> Spaces {
    let context = StartContext::detached(state.to_path_buf());
    Spaces::open(state.to_path_buf(), Config::default(), context).await.unwrap().0
}

async fn enter(spaces: &Spaces, name: &str) -> Arc<Space> {
    spaces.enter(&Principal::local(), Some(name), Access::Write).await.unwrap()
}

fn memory(text: &str, expiry: Expiry) -> Vec<NewMemory> {
    vec![NewMemory { text: text.to_owned(), expiry, ..NewMemory::default() }]
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_nobody_uses_is_closed_and_opened_again() {
    let state = tempfile::tempdir().unwrap();
    let spaces = open(state.path()).await;
    let caller = Principal::local();
    spaces.create(&caller, "work", None).await.unwrap();
    let slot = spaces.slot(&Name::parse("work").unwrap());
    let space = enter(&spaces, "work").await;
    space.knowledge().store(memory("kept", Expiry::Never), None).await.unwrap();
    assert!(!Spaces::rest(&slot, Duration::ZERO).await, "a caller is inside");
    let job = space.knowledge().clone();
    drop(space);
    assert!(!Spaces::rest(&slot, Duration::ZERO).await, "a job is inside");
    drop(job);
    assert!(!Spaces::rest(&slot, IDLE).await, "it was used just now");
    assert!(Spaces::rest(&slot, Duration::ZERO).await);
    let space = enter(&spaces, "work").await;
    let holdings = space.knowledge().holdings(&CancellationToken::new()).await.unwrap();
    assert_eq!(holdings.memories, 1);
    let expiry = Expiry::In(3_600);
    space.knowledge().store(memory("for an hour", expiry), None).await.unwrap();
    drop(space);
    assert!(!Spaces::rest(&slot, Duration::ZERO).await, "something is to expire");
    let home = spaces.slot(&Name::default_one());
    drop(home);
    spaces.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn those_not_used_for_longest_make_way() {
    let state = tempfile::tempdir().unwrap();
    let context = StartContext::detached(state.path().to_path_buf());
    let config = Config { max_open_namespaces: 3, ..Config::default() };
    let (spaces, home) = Spaces::open(state.path().to_path_buf(), config, context).await.unwrap();
    let is_open = |name: &str| spaces.slot(&Name::parse(name).unwrap()).read().is_some();
    for name in ["a", "b"] {
        spaces.create(&Principal::local(), name, None).await.unwrap();
    }
    let inside = enter(&spaces, "a").await;
    for name in ["c", "d"] {
        spaces.create(&Principal::local(), name, None).await.unwrap();
    }
    assert!(is_open("default") && is_open("a"), "in use");
    assert!(!is_open("b") && !is_open("c"), "closed");
    drop(inside);
    enter(&spaces, "b").await;
    assert!(is_open("b") && !is_open("a"));
    drop(home);
    spaces.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_who_enter_at_once_meet_in_one_store() {
    let state = tempfile::tempdir().unwrap();
    let spaces = open(state.path()).await;
    spaces.create(&Principal::local(), "work", None).await.unwrap();
    spaces.close().await;
    let (one, two, three) =
        tokio::join!(enter(&spaces, "work"), enter(&spaces, "work"), enter(&spaces, "work"));
    assert!(Arc::ptr_eq(&one, &two) && Arc::ptr_eq(&two, &three));
    assert!(!matches!(one.knowledge().readiness(), Readiness::Failed(_)));
    spaces.close().await;
}
