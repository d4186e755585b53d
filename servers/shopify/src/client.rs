//! The way to one store's Admin API: sign in, pay, send, understand the answer, try again.

mod auth;
mod bucket;
mod failure;
mod reply;

pub(crate) use failure::Failure;
pub(crate) use reply::Spent;

use crate::config::Connection;
use auth::Auth;
use bucket::Bucket;
use failure::{Class, backoff};
use graphql_client::GraphQLQuery;
use mcp_core::http_client::{ClientOptions, client, reqwest};
use mcp_core::{SecretString, StartError};
use reply::{Answer, Reply};
use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;
use tokio::time::Instant;
use url::Url;

/// Times that a query is sent at most.
const ATTEMPTS: u32 = 4;
/// Largest answer that is read, in bytes.
const MAX_BODY: usize = 16 << 20;

/// A client of one store.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    endpoint: Url,
    version: String,
    auth: Auth,
    bucket: Bucket,
}

/// Data of the expected shape, and what it took.
#[derive(Debug)]
pub(crate) struct Found<T> {
    pub(crate) data: T,
    pub(crate) spent: Spent,
}

impl Client {
    pub(crate) fn new(connection: &Connection) -> Result<Self, StartError> {
        let http = client(ClientOptions::new("shopify", env!("CARGO_PKG_VERSION")))?;
        let Connection { base, version, credentials, .. } = connection;
        let join = |path: &str| {
            base.join(path).map_err(|error| StartError::internal(format!("{path}: {error}")))
        };
        Ok(Self {
            http,
            endpoint: join(&format!("/admin/api/{version}/graphql.json"))?,
            version: version.clone(),
            auth: Auth::new(credentials.clone(), join("/admin/oauth/access_token")?),
            bucket: Bucket::default(),
        })
    }

    /// Send a query, again where that may help, until `deadline`.
    ///
    /// `size` is the page size in the variables, 0 without one: the cost depends on it.
    pub(crate) async fn query<Q: GraphQLQuery>(
        &self,
        variables: Q::Variables,
        size: i64,
        deadline: Instant,
    ) -> Result<Found<Q::ResponseData>, Box<Failure>> {
        let body = Q::build_query(variables);
        let name = body.operation_name;
        let body = serde_json::to_vec(&body).map_err(|_| Failure::new(Class::Graphql))?;
        let answer = self.send((name, size), &body, deadline).await?;
        let Answer { data, spent } = answer;
        match serde_json::from_value(data) {
            Ok(data) => Ok(Found { data, spent }),
            // A field of another shape than the schema's.
            Err(error) => {
                let mut failure = Failure::new(Class::Shape).with_message(&error.to_string());
                failure.request_id = spent.request_id;
                Err(Box::new(failure))
            }
        }
    }

    async fn send(
        &self,
        query: (&'static str, i64),
        body: &[u8],
        deadline: Instant,
    ) -> Result<Answer, Box<Failure>> {
        let mut attempt = 1;
        let mut signed_in_again = false;
        loop {
            let failure = match self.attempt(query, body, deadline, &mut signed_in_again).await {
                Ok(Some(answer)) => return Ok(answer),
                // The token had expired; the next one is new.
                Ok(None) => continue,
                Err(failure) => failure,
            };
            let pause = pause(&failure, attempt);
            let ended = attempt >= ATTEMPTS || !failure.class.facts().retryable;
            if ended || Instant::now() + pause >= deadline {
                return Err(failure);
            }
            tokio::time::sleep(pause).await;
            attempt += 1;
        }
    }

    /// One request. `None`: the token was refused and has been thrown away; try again once.
    async fn attempt(
        &self,
        query: (&'static str, i64),
        body: &[u8],
        deadline: Instant,
        signed_in_again: &mut bool,
    ) -> Result<Option<Answer>, Box<Failure>> {
        let token = self.auth.token(&self.http, deadline).await?;
        let mut reservation = self.bucket.reserve(query, Instant::now());
        if Instant::now() + reservation.wait >= deadline {
            return Err(Box::new(
                Failure::new(Class::RateLimited).with_retry_after(reservation.wait),
            ));
        }
        tokio::time::sleep(reservation.wait).await;
        let reply = self.post(&token, body, deadline).await;
        match reply.and_then(|reply| reply.read(&self.version)) {
            Ok(answer) => {
                reservation.settle(answer.spent.cost.as_ref(), Instant::now());
                Ok(Some(answer))
            }
            Err(failure) if failure.class == Class::Unauthorized && !*signed_in_again => {
                if self.auth.forget(&token).await {
                    *signed_in_again = true;
                    return Ok(None);
                }
                Err(failure)
            }
            Err(failure) => {
                reservation.settle(failure.throttle.as_ref(), Instant::now());
                Err(failure)
            }
        }
    }

    async fn post(
        &self,
        token: &SecretString,
        body: &[u8],
        deadline: Instant,
    ) -> Result<Reply, Box<Failure>> {
        let mut secret = reqwest::header::HeaderValue::from_str(token.expose())
            .map_err(|_| Failure::new(Class::Unauthorized))?;
        secret.set_sensitive(true);
        let request = self
            .http
            .post(self.endpoint.clone())
            .header("x-shopify-access-token", secret)
            .header("content-type", "application/json")
            .header("accept", "application/json")
            .body(body.to_vec());
        exchange(request, deadline).await
    }
}

/// How long to wait before the next attempt: what the upstream asks for, else nothing when the
/// bucket tells the wait, else a jittered exponential pause.
fn pause(failure: &Failure, attempt: u32) -> Duration {
    if let Some(after) = failure.retry_after {
        return after;
    }
    if failure.class == Class::RateLimited && failure.throttle.is_some() {
        return Duration::ZERO;
    }
    backoff(attempt, RandomState::new().hash_one(attempt))
}

/// Send a request and read the whole answer, until `deadline`.
async fn exchange(
    request: reqwest::RequestBuilder,
    deadline: Instant,
) -> Result<Reply, Box<Failure>> {
    let left = deadline.saturating_duration_since(Instant::now());
    let mut response =
        request.timeout(left).send().await.map_err(|error| Failure::network(&error))?;
    let mut reply = Reply::new(response.status().as_u16(), response.headers());
    let mut body = Vec::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > MAX_BODY => {
                return Err(Box::new(Failure::new(Class::TooLarge).with_reply(&reply)));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => break,
            Err(error) => {
                let class = if error.is_timeout() { Class::Timeout } else { Class::Truncated };
                return Err(Box::new(Failure::new(class).with_reply(&reply)));
            }
        }
    }
    reply.body = body;
    Ok(reply)
}
