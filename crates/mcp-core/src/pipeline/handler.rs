//! P2 and the protocol's face: the fleet's only `ServerHandler`.
//!
//! A method whose capability is not declared answers -32601: that is rmcp's default for some and
//! an empty success for others, so each is given here.

#![expect(deprecated, reason = "the older revisions still have `logging/setLevel`")]

use rmcp::{
    ErrorData, RoleServer, ServerHandler,
    model::{
        CacheScope, CallToolRequestParams, CallToolResponse, CancelTaskParams,
        CompleteRequestParams, CompleteResult, ConstString, CustomRequest, CustomResult,
        DiscoverResult, ErrorCode, GetPromptRequestParams, GetPromptResponse, GetTaskParams,
        GetTaskResult, ListPromptsResult, ListResourceTemplatesResult, ListResourcesResult,
        ListToolsResult, PaginatedRequestParams, ReadResourceRequestParams, ReadResourceResponse,
        ReadResourceResult, ServerConfig as ServerInfo, SetLevelRequestParams,
        SubscribeRequestParams, SubscriptionFilter, Tool, UnsubscribeRequestParams,
        UpdateTaskParams,
    },
    service::{RequestContext, SubscriptionContext},
};

use super::{Guarded, document, present};
use crate::{Kind, Principal, Scope, status};

type Context = RequestContext<RoleServer>;

impl ServerHandler for Guarded {
    fn get_info(&self) -> ServerInfo {
        self.0.info.clone()
    }

    async fn discover(&self, context: Context) -> Result<DiscoverResult, ErrorData> {
        self.isolated("server/discover", &context, async {
            let versions = self.supported_protocol_versions().into_owned();
            let mut result = DiscoverResult::from_server_info(versions, self.get_info());
            (result.ttl_ms, result.cache_scope) =
                self.list_hint(present::LIST_TTL_MS, CacheScope::Public);
            Ok(result)
        })
        .await
    }

    async fn list_tools(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListToolsResult, ErrorData> {
        self.isolated("tools/list", &context, async {
            one_page(request)?;
            let caller = Principal::of(&context);
            let tools = self.0.catalogue.tools_of(&caller).cloned().collect();
            let mut result = ListToolsResult::with_all_items(tools);
            // Another caller may see other tools.
            let own = caller.is_authenticated();
            let scope = if own { CacheScope::Private } else { CacheScope::Public };
            let (ttl, scope) = self.list_hint(present::LIST_TTL_MS, scope);
            (result.ttl_ms, result.cache_scope) = (Some(ttl), Some(scope));
            self.stamp(&mut result.meta, present::is_modern(&context));
            Ok(result)
        })
        .await
    }

    fn get_tool(&self, name: &str) -> Option<Tool> {
        self.0.catalogue.tool(name).cloned()
    }

    fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: Context,
    ) -> impl Future<Output = Result<CallToolResponse, ErrorData>> + Send + '_ {
        self.call(request, context)
    }

    async fn list_prompts(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListPromptsResult, ErrorData> {
        self.isolated("prompts/list", &context, async {
            one_page(request)?;
            let prompts = match &self.0.extended {
                Some(extended) => extended.prompts(),
                None => self.0.documents.prompts(),
            };
            let mut result = ListPromptsResult::with_all_items(prompts);
            let (ttl, scope) = self.list_hint(present::LIST_TTL_MS, CacheScope::Public);
            (result.ttl_ms, result.cache_scope) = (Some(ttl), Some(scope));
            self.stamp(&mut result.meta, present::is_modern(&context));
            Ok(result)
        })
        .await
    }

    async fn get_prompt(
        &self,
        request: GetPromptRequestParams,
        context: Context,
    ) -> Result<GetPromptResponse, ErrorData> {
        let modern = present::is_modern(&context);
        let work = async {
            let mut answer = match &self.0.extended {
                Some(extended) => extended.get_prompt(request, context.clone()).await?,
                None => {
                    let arguments = request.arguments.as_ref();
                    self.0.documents.render(&request.name, arguments)?.into()
                }
            };
            if let GetPromptResponse::Complete(result) = &mut answer {
                self.stamp(&mut result.meta, modern);
            }
            Ok(answer)
        };
        self.isolated("prompts/get", &context, work).await
    }

    async fn list_resources(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourcesResult, ErrorData> {
        self.isolated("resources/list", &context, async {
            one_page(request)?;
            let resources = match &self.0.extended {
                Some(extended) => extended.resources(),
                None => self.0.documents.resources(),
            };
            let mut result = ListResourcesResult::with_all_items(resources);
            let (ttl, scope) = self.list_hint(present::RESOURCES_TTL_MS, CacheScope::Private);
            (result.ttl_ms, result.cache_scope) = (Some(ttl), Some(scope));
            self.stamp(&mut result.meta, present::is_modern(&context));
            Ok(result)
        })
        .await
    }

    async fn list_resource_templates(
        &self,
        request: Option<PaginatedRequestParams>,
        context: Context,
    ) -> Result<ListResourceTemplatesResult, ErrorData> {
        self.isolated("resources/templates/list", &context, async {
            one_page(request)?;
            let templates = match &self.0.extended {
                Some(extended) => extended.resource_templates(),
                None => Vec::new(),
            };
            let mut result = ListResourceTemplatesResult::with_all_items(templates);
            let (ttl, scope) = self.list_hint(present::LIST_TTL_MS, CacheScope::Public);
            (result.ttl_ms, result.cache_scope) = (Some(ttl), Some(scope));
            self.stamp(&mut result.meta, present::is_modern(&context));
            Ok(result)
        })
        .await
    }

    async fn read_resource(
        &self,
        request: ReadResourceRequestParams,
        context: Context,
    ) -> Result<ReadResourceResponse, ErrorData> {
        let modern = present::is_modern(&context);
        let work = async {
            let mut answer = match &self.0.extended {
                Some(extended) => extended.read_resource(request, context.clone()).await?,
                None => self.read(&request.uri, &context).await?.into(),
            };
            if let ReadResourceResponse::Complete(result) = &mut answer {
                let hint = self.list_hint(0, CacheScope::Private);
                result.ttl_ms.get_or_insert(hint.0);
                result.cache_scope.get_or_insert(hint.1);
                self.stamp(&mut result.meta, modern);
            }
            Ok(answer)
        };
        self.isolated("resources/read", &context, work).await
    }

    async fn complete(
        &self,
        request: CompleteRequestParams,
        context: Context,
    ) -> Result<CompleteResult, ErrorData> {
        let modern = present::is_modern(&context);
        let work = async {
            let mut result = match &self.0.extended {
                Some(extended) => extended.complete(request, context.clone()).await?,
                None => {
                    let argument = &request.argument;
                    let documents = &self.0.documents;
                    CompleteResult::new(documents.complete(
                        &request.r#ref,
                        &argument.name,
                        &argument.value,
                    )?)
                }
            };
            self.stamp(&mut result.meta, modern);
            Ok(result)
        };
        self.isolated("completion/complete", &context, work).await
    }

    /// rmcp takes a known method whose parameters do not fit for an unknown one.
    async fn on_custom_request(
        &self,
        request: CustomRequest,
        context: Context,
    ) -> Result<CustomResult, ErrorData> {
        let known = ["completion/complete", "prompts/get", "resources/read", "tools/call"];
        let misfit = known.contains(&request.method.as_str());
        self.isolated("other", &context, async {
            Err(if misfit {
                ErrorData::invalid_params("invalid params", None)
            } else {
                ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "there is no such method", None)
            })
        })
        .await
    }

    async fn set_level(
        &self,
        request: SetLevelRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        match &self.0.extended {
            Some(extended) => {
                let work = extended.set_level(request, context.clone());
                self.isolated("logging/setLevel", &context, work).await
            }
            None => undeclared::<rmcp::model::SetLevelRequestMethod, _>(),
        }
    }

    async fn subscribe(
        &self,
        request: SubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        match &self.0.extended {
            Some(extended) => {
                let work = extended.subscribe(request, context.clone());
                self.isolated("resources/subscribe", &context, work).await
            }
            None => undeclared::<rmcp::model::SubscribeRequestMethod, _>(),
        }
    }

    async fn unsubscribe(
        &self,
        request: UnsubscribeRequestParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        match &self.0.extended {
            Some(extended) => {
                let work = extended.unsubscribe(request, context.clone());
                self.isolated("resources/unsubscribe", &context, work).await
            }
            None => undeclared::<rmcp::model::UnsubscribeRequestMethod, _>(),
        }
    }

    fn accepted_subscription_filter(
        &self,
        requested: &SubscriptionFilter,
    ) -> Option<SubscriptionFilter> {
        self.0.extended.as_ref()?.subscription_filter(requested)
    }

    async fn listen(&self, context: SubscriptionContext) -> Result<(), ErrorData> {
        match &self.0.extended {
            Some(extended) => extended.listen(context).await,
            None => undeclared::<rmcp::model::SubscriptionsListenRequestMethod, _>(),
        }
    }

    async fn get_task(
        &self,
        request: GetTaskParams,
        context: Context,
    ) -> Result<GetTaskResult, ErrorData> {
        let Some(tasks) = self.tasks() else {
            return undeclared::<rmcp::model::GetTaskMethod, _>();
        };
        self.isolated("tasks/get", &context, async {
            let task = tasks.get(&Principal::of(&context), &request.task_id)?;
            let mut result = GetTaskResult::new(task);
            self.stamp(&mut result.meta, present::is_modern(&context));
            Ok(result)
        })
        .await
    }

    async fn update_task(
        &self,
        request: UpdateTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let Some(tasks) = self.tasks() else {
            return undeclared::<rmcp::model::UpdateTaskMethod, _>();
        };
        self.isolated("tasks/update", &context, async {
            tasks.update(&Principal::of(&context), &request.task_id, request.input_responses)
        })
        .await
    }

    async fn cancel_task(
        &self,
        request: CancelTaskParams,
        context: Context,
    ) -> Result<(), ErrorData> {
        let Some(tasks) = self.tasks() else {
            return undeclared::<rmcp::model::CancelTaskMethod, _>();
        };
        self.isolated("tasks/cancel", &context, async {
            tasks.cancel(&Principal::of(&context), &request.task_id)
        })
        .await
    }
}

impl Guarded {
    async fn read(&self, uri: &str, context: &Context) -> Result<ReadResourceResult, ErrorData> {
        if uri == status::RESOURCE.uri && Principal::of(context).holds(Scope::Read) {
            let report = serde_json::to_string(&self.0.status.report()).unwrap_or_default();
            return Ok(ReadResourceResult::new(vec![document::contents(
                &status::RESOURCE,
                report,
            )]));
        }
        if let Some(contents) = self.0.documents.read(uri) {
            return Ok(ReadResourceResult::new(vec![contents]));
        }
        let resource = self.0.documents.own(uri).ok_or_else(|| document::not_found(uri))?;
        match self.0.server.read_resource(uri, &Principal::of(context)).await {
            Ok(Some(text)) => Ok(ReadResourceResult::new(vec![document::contents(resource, text)])),
            Ok(None) => Err(document::not_found(uri)),
            Err(error) if error.kind() == Kind::Internal => {
                tracing::error!(error = error.message(), uri = resource.uri, "internal error");
                Err(ErrorData::internal_error("internal error", None))
            }
            Err(error) => {
                Err(ErrorData::internal_error(error.message().to_owned(), Some(error.to_json())))
            }
        }
    }
}

/// Every list fits one page, so that any cursor is one we never gave.
fn one_page(request: Option<PaginatedRequestParams>) -> Result<(), ErrorData> {
    match request.and_then(|request| request.cursor) {
        None => Ok(()),
        Some(_) => Err(document::invalid(
            "unknown cursor: every list of this server is one page".to_owned(),
        )),
    }
}

fn undeclared<M: ConstString, T>() -> Result<T, ErrorData> {
    Err(ErrorData::method_not_found::<M>())
}
