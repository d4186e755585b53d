//! The question before a call that destroys something: asked of the user where the client can,
//! else a token that the caller must bring back.

use rmcp::{
    ErrorData, RoleServer,
    model::{
        CallToolRequestParams, CallToolResponse, InputRequest, InputRequiredResult, JsonObject,
    },
    service::RequestContext,
};
use serde_json::{Value, json};

use super::{Guarded, call::Failure, catalogue::Entry, present};
use crate::{
    Kind, Principal, ToolError,
    confirm::{ARGUMENT, Preview, Subject, TTL, Way},
    state_key::digest_of,
};

/// Key of the question among the input requests, and name of its field.
const QUESTION: &str = "confirm";

/// What the user said.
enum Said {
    Yes,
    No,
    /// Nothing, or nothing that fits the question.
    Nothing,
}

/// Add the token to the arguments that a tool advertises.
pub(super) fn add_argument(schema: &mut JsonObject) {
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    if let Value::Object(properties) = properties {
        let argument = json!({"type": ["string", "null"], "maxLength": 512, "description":
            "From the answer to a first call without it; repeats that call, confirmed"});
        properties.entry(ARGUMENT).or_insert(argument);
    }
}

/// Take the token out of the arguments: no handler sees it.
pub(super) fn take_argument(arguments: &mut Value) -> Option<String> {
    match arguments.as_object_mut()?.remove(ARGUMENT)? {
        Value::String(token) => Some(token),
        _ => None,
    }
}

impl Guarded {
    /// `None` when the call is confirmed, else what to ask.
    pub(super) async fn confirm(
        &self,
        entry: &Entry,
        request: &mut CallToolRequestParams,
        token: Option<String>,
        context: &RequestContext<RoleServer>,
    ) -> Result<Option<CallToolResponse>, Failure> {
        let principal = Principal::of(context);
        let arguments = request.arguments.clone().unwrap_or_default();
        let preview = self.0.server.preview(&entry.name, &arguments, &principal).await?;
        let subject = Subject {
            tool: &entry.name,
            principal: &principal,
            arguments: digest_of(&arguments),
            state: &preview.state,
        };
        if let Some(token) = token {
            let taken = self.0.confirmations.take(Way::Argument, &subject, &token);
            return taken.map(|()| None).map_err(|refusal| Failure::Tool(refusal.into()));
        }
        if !can_ask(context) {
            let token = self.0.confirmations.give(Way::Argument, &subject)?;
            return Err(required(&entry.name, &preview, &token).into());
        }
        let answer = request.input_responses.as_mut().and_then(|given| given.remove(QUESTION));
        if let Some(state) = request.request_state.take() {
            let said = said(answer.as_ref());
            if !matches!(said, Said::Nothing) {
                let taken = self.0.confirmations.take(Way::RequestState, &subject, &state);
                taken.map_err(|refusal| bad_state(&refusal.into()))?;
            }
            match said {
                Said::Yes => return Ok(None),
                Said::No => return Err(declined().into()),
                Said::Nothing => {}
            }
        }
        let state = self.0.confirmations.give(Way::RequestState, &subject)?;
        Ok(Some(question(&entry.name, &preview, state)?.into()))
    }
}

/// Whether the client can put a form before its user, and give the answer with the next call.
fn can_ask(context: &RequestContext<RoleServer>) -> bool {
    let elicitation = context.client_capabilities().and_then(|client| client.elicitation);
    // A client that names no mode has forms.
    present::is_modern(context)
        && elicitation.is_some_and(|modes| modes.form.is_some() || modes.url.is_none())
}

fn said(answer: Option<&Value>) -> Said {
    let Some(answer) = answer.and_then(Value::as_object) else { return Said::Nothing };
    let field = || answer.get("content")?.get(QUESTION)?.as_bool();
    match answer.get("action").and_then(Value::as_str) {
        Some("accept") => match field() {
            Some(true) => Said::Yes,
            Some(false) => Said::No,
            None => Said::Nothing,
        },
        Some("decline" | "cancel") => Said::No,
        _ => Said::Nothing,
    }
}

fn effect(tool: &str, preview: &Preview) -> String {
    if preview.effect.is_empty() { format!("run {tool}") } else { preview.effect.clone() }
}

fn question(
    tool: &str,
    preview: &Preview,
    state: String,
) -> Result<InputRequiredResult, ToolError> {
    let request: InputRequest = serde_json::from_value(json!({
        "method": "elicitation/create",
        "params": {
            "mode": "form",
            "message": format!("Confirm: {}", effect(tool, preview)),
            "requestedSchema": {"type": "object", "required": [QUESTION], "properties":
                {QUESTION: {"type": "boolean", "title": "Do it", "description":
                    "This cannot be undone"}}},
        }
    }))
    .map_err(|error| ToolError::internal(format!("the question is malformed: {error}")))?;
    let requests = [(QUESTION.to_owned(), request)].into();
    Ok(InputRequiredResult::new(Some(requests), Some(state)))
}

fn required(tool: &str, preview: &Preview, token: &str) -> ToolError {
    let effect = effect(tool, preview);
    ToolError::new(
        Kind::Refused,
        "confirmation_required",
        format!("{tool} needs a confirmation; nothing was done"),
    )
    .with_hint(format!("if the user agrees, repeat the call with {ARGUMENT}"))
    .with_details(json!({ARGUMENT: token, "effect": effect, "expires_in_s": TTL.as_secs()}))
}

fn declined() -> ToolError {
    ToolError::new(Kind::Refused, "confirmation_declined", "the user declined; nothing was done")
}

/// A state that does not fit is a wrong request, not an answer of the tool's.
fn bad_state(error: &ToolError) -> Failure {
    Failure::Protocol(ErrorData::invalid_params(error.message().to_owned(), Some(error.to_json())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_is_one() {
        let yes = json!({"action": "accept", "content": {"confirm": true, "extra": 1}});
        assert!(matches!(said(Some(&yes)), Said::Yes));
        for no in [
            json!({"action": "decline"}),
            json!({"action": "cancel", "content": {"confirm": true}}),
            json!({"action": "accept", "content": {"confirm": false}}),
        ] {
            assert!(matches!(said(Some(&no)), Said::No), "{no}");
        }
        for nothing in [
            json!(null),
            json!([]),
            json!({}),
            json!("accept"),
            json!({"action": "accept"}),
            json!({"action": "accept", "content": {"confirm": "true"}}),
            json!({"action": "accept", "content": {"confirm": 1}}),
            json!({"action": ["accept"], "content": {"confirm": true}}),
        ] {
            assert!(matches!(said(Some(&nothing)), Said::Nothing), "{nothing}");
        }
        assert!(matches!(said(None), Said::Nothing));
    }

    #[test]
    fn the_token_is_advertised_and_taken_out() {
        let mut schema = JsonObject::new();
        add_argument(&mut schema);
        assert!(schema["properties"][ARGUMENT]["description"].is_string());
        let mut arguments = json!({"id": 1, ARGUMENT: "t"});
        assert_eq!(take_argument(&mut arguments).as_deref(), Some("t"));
        assert_eq!(arguments, json!({"id": 1}));
        assert_eq!(take_argument(&mut json!({ARGUMENT: null})), None);
    }
}
