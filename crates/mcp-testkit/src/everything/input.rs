//! Calls that need input: the result asks, the client calls again with answers and state.

use futures_util::FutureExt;
use mcp_core::Principal;
use rmcp::{
    ErrorData,
    model::{InputRequest, InputRequests, InputRequiredResult, InputResponses},
};
use serde_json::{Map, Value, json};

use super::{Answer, Call, Fixture, no_arguments, said};

pub(super) const FIXTURES: &[Fixture] = &[
    Fixture {
        name: "test_streaming_elicitation",
        description: "Asks for a value",
        schema: no_arguments,
        run: |_| {
            async {
                ask([("streaming_elicitation", form("Provide a value", "value", "string"))], None)
            }
            .boxed()
        },
    },
    Fixture {
        name: "test_input_required_result_elicitation",
        description: "Asks for a name",
        schema: no_arguments,
        run: |call| async move { greet(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_sampling",
        description: "Asks the client's model",
        schema: no_arguments,
        run: |call| async move { capital(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_list_roots",
        description: "Asks for the client's roots",
        schema: no_arguments,
        run: |call| async move { roots(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_request_state",
        description: "Asks for a confirmation, with state",
        schema: no_arguments,
        run: |call| async move { confirm(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_tampered_state",
        description: "Refuses state that was changed",
        schema: no_arguments,
        run: |call| async move { confirm(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_multiple_inputs",
        description: "Asks three things at once",
        schema: no_arguments,
        run: |call| async move { three_inputs(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_multi_round",
        description: "Asks twice",
        schema: no_arguments,
        run: |call| async move { two_rounds(&call) }.boxed(),
    },
    Fixture {
        name: "test_input_required_result_capabilities",
        description: "Asks only what the client declared",
        schema: no_arguments,
        run: |call| async move { declared_only(&call) }.boxed(),
    },
];

/// A form with one required field.
pub(super) fn form(message: &str, field: &str, kind: &str) -> Value {
    json!({"method": "elicitation/create", "params": {"mode": "form", "message": message,
        "requestedSchema": {"type": "object", "required": [field],
            "properties": {field: {"type": kind, "description": message}}}}})
}

fn question(text: &str) -> Value {
    json!({"method": "sampling/createMessage", "params": {"maxTokens": 100,
        "messages": [{"role": "user", "content": {"type": "text", "text": text}}]}})
}

fn roots_request() -> Value {
    json!({"method": "roots/list", "params": {}})
}

/// One of the three requests that may travel in a result.
fn input_request(request: Value) -> Result<InputRequest, ErrorData> {
    serde_json::from_value(request)
        .map_err(|error| ErrorData::internal_error(error.to_string(), None))
}

/// An `InputRequiredResult` with these requests.
pub(super) fn asking<'k>(
    requests: impl IntoIterator<Item = (&'k str, Value)>,
    state: Option<String>,
) -> Result<InputRequiredResult, ErrorData> {
    let requests: Result<InputRequests, ErrorData> = requests
        .into_iter()
        .map(|(key, request)| Ok((key.to_owned(), input_request(request)?)))
        .collect();
    Ok(InputRequiredResult::new(Some(requests?), state))
}

pub(super) fn ask<'k>(
    requests: impl IntoIterator<Item = (&'k str, Value)>,
    state: Option<String>,
) -> Answer {
    Ok(asking(requests, state)?.into())
}

/// The client's answer to one request, if it is an object at all.
pub(super) fn response<'r>(
    responses: Option<&'r InputResponses>,
    key: &str,
) -> Option<&'r Map<String, Value>> {
    responses?.get(key)?.as_object()
}

/// A field of a filled form.
pub(super) fn field<'r>(response: &'r Map<String, Value>, name: &str) -> Option<&'r Value> {
    response.get("content")?.get(name)
}

fn greet(call: &Call<'_>) -> Answer {
    let name = response(call.responses.as_ref(), "user_name")
        .and_then(|answer| field(answer, "name"))
        .and_then(Value::as_str);
    match name {
        Some(name) => said(format!("Hello, {name}!")),
        None => ask([("user_name", form("What is your name?", "name", "string"))], None),
    }
}

fn capital(call: &Call<'_>) -> Answer {
    match response(call.responses.as_ref(), "capital_question") {
        Some(answer) => said(format!("The model said: {}", Value::Object(answer.clone()))),
        None => ask([("capital_question", question("What is the capital of France?"))], None),
    }
}

fn roots(call: &Call<'_>) -> Answer {
    match response(call.responses.as_ref(), "client_roots") {
        Some(answer) => said(format!("The client's roots: {}", Value::Object(answer.clone()))),
        None => ask([("client_roots", roots_request())], None),
    }
}

impl Call<'_> {
    fn seal(&self, state: &Value) -> Result<String, ErrorData> {
        let principal = Principal::of(&self.context);
        let sealed = self.server.key.request_state(self.name).seal(&principal, state);
        sealed.map_err(|error| ErrorData::internal_error(error.to_string(), None))
    }

    fn open(&self, sealed: &str) -> Result<Value, ErrorData> {
        let principal = Principal::of(&self.context);
        Ok(self.server.key.request_state(self.name).open(&principal, sealed)?)
    }
}

fn confirm(call: &Call<'_>) -> Answer {
    match &call.state {
        None => {
            let state = call.seal(&json!({"waits_for": "confirm"}))?;
            ask([("confirm", form("Please confirm", "ok", "boolean"))], Some(state))
        }
        Some(sealed) => {
            call.open(sealed)?;
            said("Confirmed: state-ok")
        }
    }
}

fn three_inputs(call: &Call<'_>) -> Answer {
    if let Some(sealed) = &call.state {
        call.open(sealed)?;
    }
    let requests = [
        ("user_name", form("What is your name?", "name", "string")),
        ("greeting", question("Write a greeting")),
        ("client_roots", roots_request()),
    ];
    let responses = call.responses.as_ref();
    if call.state.is_some() && requests.iter().all(|(key, _)| response(responses, key).is_some()) {
        return said("All inputs received");
    }
    let state = call.seal(&json!({"waits_for": "all"}))?;
    ask(requests, Some(state))
}

fn two_rounds(call: &Call<'_>) -> Answer {
    let round = match &call.state {
        None => 0,
        Some(sealed) => call.open(sealed)?["round"].as_u64().unwrap_or_default(),
    };
    let next = |key, request| {
        let state = call.seal(&json!({"round": round + 1}))?;
        ask([(key, request)], Some(state))
    };
    match round {
        0 => next("step1", form("Step 1: what is your name?", "name", "string")),
        1 => next("step2", form("Step 2: what is your favourite colour?", "color", "string")),
        _ => said("Multi-round flow complete"),
    }
}

fn declared_only(call: &Call<'_>) -> Answer {
    if call.responses.is_some() {
        return said("Capability-aware flow complete");
    }
    let declared =
        serde_json::to_value(call.context.meta.client_capabilities()).unwrap_or_default();
    let requests: Vec<(&str, Value)> = [
        ("elicitation", "user_name", form("What is your name?", "name", "string")),
        ("sampling", "greeting", question("Write a greeting")),
        ("roots", "client_roots", roots_request()),
    ]
    .into_iter()
    .filter(|(capability, ..)| declared.get(capability).is_some())
    .map(|(_, key, request)| (key, request))
    .collect();
    if requests.is_empty() {
        return said("The client declared nothing that could be asked");
    }
    ask(requests, None)
}
