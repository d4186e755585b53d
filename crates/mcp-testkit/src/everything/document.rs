//! Prompts, documents, completions, subscriptions, tasks: the features beyond tools.
#![expect(
    deprecated,
    reason = "`logging/setLevel` and `resources/subscribe` of the older revisions"
)]

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use futures_util::{FutureExt, future::BoxFuture};
use mcp_core::extended::Extended;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CompleteRequestParams, CompleteResult, CompletionInfo, GetPromptRequestParams,
        GetPromptResponse, GetPromptResult, JsonObject, Prompt, PromptArgument, PromptMessage,
        ReadResourceRequestParams, ReadResourceResponse, ReadResourceResult, Reference, Resource,
        ResourceContents, ResourceTemplate, Role, ServerCapabilities, SetLevelRequestParams,
        SubscribeRequestParams, SubscriptionFilter, UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext, SubscriptionSink},
};
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{
    content::{PNG, embedded, image},
    input::{asking, field, form, response},
};

type Context = RequestContext<RoleServer>;
type Answer<'a, T> = BoxFuture<'a, Result<T, ErrorData>>;

/// Whoever listens for changes.
#[derive(Default)]
pub(super) struct Library {
    next: AtomicU64,
    listeners: Mutex<BTreeMap<u64, SubscriptionSink>>,
}

impl Library {
    async fn sinks(&self) -> Vec<SubscriptionSink> {
        self.listeners.lock().await.values().cloned().collect()
    }

    pub(super) async fn tools_changed(&self) {
        for sink in self.sinks().await {
            // A listener that did not ask for this, or has left, is none of the tool's business.
            drop(sink.notify_tool_list_changed().await);
        }
    }

    pub(super) async fn prompts_changed(&self) {
        for sink in self.sinks().await {
            drop(sink.notify_prompt_list_changed().await);
        }
    }
}

/// The features beyond tools.
pub(super) struct Features {
    pub(super) library: Arc<Library>,
}

fn argument(name: &str, description: &str) -> PromptArgument {
    PromptArgument::new(name).with_description(description).with_required(true)
}

fn prompt(name: &str, description: &str, arguments: Vec<PromptArgument>) -> Prompt {
    let arguments = (!arguments.is_empty()).then_some(arguments);
    Prompt::new(name, Some(description), arguments).with_title(name.replace('_', " "))
}

fn messages(messages: Vec<PromptMessage>) -> Result<GetPromptResponse, ErrorData> {
    Ok(GetPromptResult::new(messages).into())
}

fn user(text: impl Into<String>) -> PromptMessage {
    PromptMessage::new_text(Role::User, text)
}

fn given(arguments: Option<&JsonObject>, name: &str) -> String {
    let value = arguments.and_then(|arguments| arguments.get(name));
    value.and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn render(params: &GetPromptRequestParams) -> Result<GetPromptResponse, ErrorData> {
    let arguments = params.arguments.as_ref();
    match params.name.as_str() {
        "test_simple_prompt" => messages(vec![user("This is a simple prompt for testing.")]),
        "test_prompt_with_arguments" => {
            let (first, second) = (given(arguments, "arg1"), given(arguments, "arg2"));
            messages(vec![user(format!("Prompt with arguments: arg1='{first}', arg2='{second}'"))])
        }
        "test_prompt_with_embedded_resource" => {
            let uri = given(arguments, "resourceUri");
            let block = embedded(&uri, "text/plain", "Embedded resource content for testing.");
            messages(vec![
                PromptMessage::new(Role::User, block),
                user("Please process the embedded resource above."),
            ])
        }
        "test_prompt_with_image" => messages(vec![
            PromptMessage::new(Role::User, image()),
            user("Please analyze the image above."),
        ]),
        "test_input_required_result_prompt" => {
            match response(params.input_responses.as_ref(), "user_context") {
                Some(answer) => {
                    let context =
                        field(answer, "context").and_then(Value::as_str).unwrap_or("none");
                    messages(vec![user(format!("The context is: {context}"))])
                }
                None => {
                    let request = form("What context should the prompt use?", "context", "string");
                    Ok(asking([("user_context", request)], None)?.into())
                }
            }
        }
        _ => Err(ErrorData::invalid_params("there is no such prompt", None)),
    }
}

fn read(uri: &str) -> Result<ReadResourceResponse, ErrorData> {
    let one = |contents: ResourceContents| Ok(ReadResourceResult::new(vec![contents]).into());
    let template = uri.strip_prefix("test://template/").and_then(|rest| rest.strip_suffix("/data"));
    match (uri, template) {
        ("test://static-text", _) => {
            one(ResourceContents::text("This is the content of the static text resource.", uri))
        }
        ("test://static-binary", _) => {
            one(ResourceContents::blob(PNG, uri).with_mime_type("image/png"))
        }
        ("test://watched-resource", _) => one(ResourceContents::text("Watched.", uri)),
        (_, Some(id)) if !id.is_empty() && !id.contains('/') => {
            let data =
                json!({"id": id, "templateTest": true, "data": format!("Data for ID: {id}")});
            one(ResourceContents::text(data.to_string(), uri).with_mime_type("application/json"))
        }
        _ => {
            let data = Some(json!({"uri": uri}));
            Err(ErrorData::resource_not_found("there is no such resource", data))
        }
    }
}

fn resource(uri: &str, name: &str, mime_type: &str) -> Resource {
    let mut resource = Resource::new(uri, name);
    resource.description = Some(format!("A {name} for tests"));
    resource.mime_type = Some(mime_type.to_owned());
    resource
}

impl Extended for Features {
    fn capabilities(&self, _base: ServerCapabilities) -> ServerCapabilities {
        ServerCapabilities::builder()
            .enable_tools()
            .enable_tool_list_changed()
            .enable_prompts()
            .enable_prompts_list_changed()
            .enable_resources()
            .enable_resources_subscribe()
            .enable_resources_list_changed()
            .enable_completions()
            .enable_logging()
            .enable_tasks()
            .build()
    }

    fn list_ttl_ms(&self) -> u64 {
        60_000
    }

    fn prompts(&self) -> Vec<Prompt> {
        vec![
            prompt("test_input_required_result_prompt", "Asks for its context", vec![]),
            prompt(
                "test_prompt_with_arguments",
                "Repeats its arguments",
                vec![argument("arg1", "First argument"), argument("arg2", "Second argument")],
            ),
            prompt(
                "test_prompt_with_embedded_resource",
                "Embeds a document",
                vec![argument("resourceUri", "URI of the document")],
            ),
            prompt("test_prompt_with_image", "Holds an image", vec![]),
            prompt("test_simple_prompt", "Holds a text", vec![]),
        ]
    }

    fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        _context: Context,
    ) -> Answer<'_, GetPromptResponse> {
        async move { render(&params) }.boxed()
    }

    fn resources(&self) -> Vec<Resource> {
        vec![
            resource("test://static-binary", "static binary", "image/png"),
            resource("test://static-text", "static text", "text/plain"),
            resource("test://watched-resource", "watched resource", "text/plain"),
        ]
    }

    fn resource_templates(&self) -> Vec<ResourceTemplate> {
        let mut template = ResourceTemplate::new("test://template/{id}/data", "template");
        template.description = Some("A document for every id".to_owned());
        template.mime_type = Some("application/json".to_owned());
        vec![template]
    }

    fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        _context: Context,
    ) -> Answer<'_, ReadResourceResponse> {
        async move { read(&params.uri) }.boxed()
    }

    fn complete(
        &self,
        params: CompleteRequestParams,
        _context: Context,
    ) -> Answer<'_, CompleteResult> {
        async move {
            let values = match &params.r#ref {
                Reference::Prompt(prompt) if prompt.name == "test_prompt_with_arguments" => {
                    ["paris", "park", "party"]
                        .into_iter()
                        .filter(|value| value.starts_with(&params.argument.value))
                        .map(str::to_owned)
                        .collect()
                }
                _ => Vec::new(),
            };
            let info = CompletionInfo::new(values)
                .map_err(|error| ErrorData::internal_error(error, None))?;
            Ok(CompleteResult::new(info))
        }
        .boxed()
    }

    fn set_level(&self, _params: SetLevelRequestParams, _context: Context) -> Answer<'_, ()> {
        async { Ok(()) }.boxed()
    }

    fn subscribe(&self, _params: SubscribeRequestParams, _context: Context) -> Answer<'_, ()> {
        async { Ok(()) }.boxed()
    }

    fn unsubscribe(&self, _params: UnsubscribeRequestParams, _context: Context) -> Answer<'_, ()> {
        async { Ok(()) }.boxed()
    }

    fn subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter> {
        Some(requested.clone())
    }

    fn listen(&self, context: SubscriptionContext) -> Answer<'_, ()> {
        async move {
            let key = self.library.next.fetch_add(1, Ordering::Relaxed);
            self.library.listeners.lock().await.insert(key, context.sink().clone());
            context.cancelled().await;
            self.library.listeners.lock().await.remove(&key);
            Ok(())
        }
        .boxed()
    }
}
