//! Protocol features beyond tools, prompt templates and fixed documents.
//!
//! No server of the fleet needs them yet; the conformance fixture shows that the pipeline carries
//! all of them. A server that declares one answers for the whole feature.

#![expect(deprecated, reason = "the older revisions still have `logging/setLevel`")]

use futures_util::future::BoxFuture;
use rmcp::{
    ErrorData, RoleServer,
    model::{
        CompleteRequestParams, CompleteResult, GetPromptRequestParams, GetPromptResponse, Prompt,
        ReadResourceRequestParams, ReadResourceResponse, Resource, ResourceTemplate,
        ServerCapabilities, SetLevelRequestParams, SubscribeRequestParams, SubscriptionFilter,
        UnsubscribeRequestParams,
    },
    service::{RequestContext, SubscriptionContext},
};

type Context = RequestContext<RoleServer>;
type Answer<'a, T> = BoxFuture<'a, Result<T, ErrorData>>;

/// The whole of what a server may add. Every method is called only behind the pipeline's guards.
pub trait Extended: Send + Sync {
    /// The capabilities to declare, from those the pipeline would declare.
    fn capabilities(&self, base: ServerCapabilities) -> ServerCapabilities;
    /// How long a client may keep a list, in milliseconds.
    fn list_ttl_ms(&self) -> u64;
    /// Prompts, in order.
    fn prompts(&self) -> Vec<Prompt>;
    /// Render a prompt.
    fn get_prompt(
        &self,
        params: GetPromptRequestParams,
        context: Context,
    ) -> Answer<'_, GetPromptResponse>;
    /// Documents, in order.
    fn resources(&self) -> Vec<Resource>;
    /// Templates of documents, in order.
    fn resource_templates(&self) -> Vec<ResourceTemplate>;
    /// Read a document.
    fn read_resource(
        &self,
        params: ReadResourceRequestParams,
        context: Context,
    ) -> Answer<'_, ReadResourceResponse>;
    /// Complete an argument.
    fn complete(
        &self,
        params: CompleteRequestParams,
        context: Context,
    ) -> Answer<'_, CompleteResult>;
    /// `logging/setLevel` of the older revisions.
    fn set_level(&self, params: SetLevelRequestParams, context: Context) -> Answer<'_, ()>;
    /// `resources/subscribe` of the older revisions.
    fn subscribe(&self, params: SubscribeRequestParams, context: Context) -> Answer<'_, ()>;
    /// `resources/unsubscribe` of the older revisions.
    fn unsubscribe(&self, params: UnsubscribeRequestParams, context: Context) -> Answer<'_, ()>;
    /// The part of a subscription that is served.
    fn subscription_filter(&self, requested: &SubscriptionFilter) -> Option<SubscriptionFilter>;
    /// Serve a subscription until it ends.
    fn listen(&self, context: SubscriptionContext) -> Answer<'_, ()>;
}
