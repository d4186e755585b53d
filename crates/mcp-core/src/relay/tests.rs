use rmcp::handler::server::wrapper::{Json, Parameters};
use serde_json::json;

use super::*;
use crate::prelude::{JsonSchema, tool, tool_router};

/// What a handler saw of its call.
#[derive(Debug, Serialize, JsonSchema)]
struct Seen {
    caller: String,
    word: String,
    ends: bool,
    is_task: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Args {
    word: String,
}

struct Echo;

#[tool_router]
impl Echo {
    /// Say what it was called with.
    #[tool]
    async fn echo(
        &self,
        Parameters(args): Parameters<Args>,
        caller: Principal,
        told: Progress,
        token: CancellationToken,
    ) -> crate::Result<Json<Seen>> {
        assert_ne!(args.word, "panic", "asked to");
        if args.word == "fail" {
            return Err(ToolError::new(Kind::Conflict, "conflict", "no").with_hint("other"));
        }
        if args.word == "wait" {
            token.cancelled().await;
        }
        told.report(1.0, Some(2.0), "half").await;
        Ok(Json(Seen {
            caller: caller.id().to_owned(),
            word: args.word,
            ends: deadline::remaining().is_some(),
            is_task: told.is_task(),
        }))
    }
}

fn call(word: &Value, caller: &Principal, audience: Audience) -> Call {
    let arguments = json!({"word": word}).as_object().cloned().unwrap_or_default();
    let call = Call {
        tool: "echo".to_owned(),
        arguments,
        caller: caller.into(),
        left_ms: Some(60_000),
        audience,
    };
    // As it comes over.
    serde_json::from_value(serde_json::to_value(call).unwrap()).unwrap()
}

async fn run(call: Call) -> (Outcome, Vec<Report>) {
    let (sender, mut reports) = mpsc::channel(4);
    let routes = Routes::new(Echo::tool_router());
    let outcome = routes.run(&Echo, call, CancellationToken::new(), sender).await;
    let outcome = serde_json::from_value(serde_json::to_value(outcome).unwrap()).unwrap();
    let mut told = Vec::new();
    while let Some(report) = reports.recv().await {
        told.push(report);
    }
    (outcome, told)
}

#[tokio::test]
async fn a_handler_sees_the_call_as_it_was() {
    let ada = Principal::new("ada", Some(Scope::Write), None);
    let (outcome, told) = run(call(&json!("x"), &ada, Audience::Task)).await;
    let Outcome::Done(seen) = &outcome else { panic!("{outcome:?}") };
    assert_eq!(*seen, json!({"caller": "ada", "word": "x", "ends": true, "is_task": true}));
    assert_eq!(told, [Report { done: 1.0, total: Some(2.0), message: "half".to_owned() }]);
    let Ok(CallToolResponse::Complete(result)) = outcome.clone().into_response() else {
        panic!("{outcome:?}")
    };
    assert_eq!(result.content[0].as_text().unwrap().text, seen.to_string());

    let (outcome, told) = run(call(&json!("x"), &Principal::local(), Audience::Nobody)).await;
    let Outcome::Done(seen) = outcome else { panic!("{outcome:?}") };
    assert_eq!((&seen["caller"], &seen["is_task"]), (&json!("local"), &json!(false)));
    assert_eq!(told, []);
}

#[tokio::test]
async fn failures_come_back_as_what_they_are() {
    let local = Principal::local();
    let (outcome, _) = run(call(&json!("fail"), &local, Audience::Nobody)).await;
    let Ok(CallToolResponse::Complete(mut result)) = outcome.into_response() else { panic!() };
    let error = ToolError::from_result(&mut result).unwrap();
    assert_eq!(
        (error.kind(), error.code(), error.hint()),
        (Kind::Conflict, "conflict", Some("other"))
    );

    let (outcome, _) = run(call(&json!(7), &local, Audience::Nobody)).await;
    assert!(matches!(outcome.into_response(), Err(error) if error.message.contains("deserialize")));

    let (outcome, _) = run(call(&json!("panic"), &local, Audience::Nobody)).await;
    assert!(matches!(outcome, Outcome::Failed { kind, .. } if kind == "internal"));
}

#[tokio::test]
async fn a_call_is_cancelled_where_it_runs() {
    let (sender, _reports) = mpsc::channel(4);
    let (routes, token) = (Routes::new(Echo::tool_router()), CancellationToken::new());
    let call = call(&json!("wait"), &Principal::local(), Audience::Nobody);
    let work = routes.run(&Echo, call, token.clone(), sender);
    let (outcome, ()) = tokio::join!(work, async { token.cancel() });
    assert!(matches!(outcome, Outcome::Done(_)), "{outcome:?}");
}
