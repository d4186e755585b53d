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
use failure::Class;
use graphql_client::GraphQLQuery;
use mcp_core::upstream::{Body, Options, Reach, Request, Retry, RetryPolicy, Upstream, Upstreams};
use mcp_core::{SecretString, StartError};
use reply::{Answer, Reply};
use tokio::time::Instant;
use url::Url;

/// A client of one store.
#[derive(Debug)]
pub(crate) struct Client {
    upstream: Upstream,
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
    pub(crate) fn new(connection: &Connection, upstreams: &Upstreams) -> Result<Self, StartError> {
        let Connection { base, version, credentials, .. } = connection;
        // Only a test's base is not https, and the configuration lets it be on loopback alone.
        let reach = if base.scheme() == "https" { Reach::Public } else { Reach::Private };
        let options = Options::new("shopify_admin", env!("CARGO_PKG_VERSION"));
        let join = |path: &str| {
            base.join(path).map_err(|error| StartError::internal(format!("{path}: {error}")))
        };
        Ok(Self {
            upstream: upstreams.add(options.list(base, reach)),
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
        // Queries only read.
        let mut retry = Retry::new(RetryPolicy::default(), true, deadline);
        let mut signed_in_again = false;
        loop {
            let failure = match self.attempt(query, body, deadline, &mut signed_in_again).await {
                Ok(Some(answer)) => return Ok(answer),
                // The token had expired; the next one is new.
                Ok(None) => continue,
                Err(failure) => failure,
            };
            if !failure.may_try_again() {
                return Err(failure);
            }
            let Some(pause) = retry.pause(failure.retry_after) else { return Err(failure) };
            // The bucket tells the wait.
            if failure.class != Class::RateLimited || failure.throttle.is_none() {
                tokio::time::sleep(pause).await;
            }
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
        let token = self.auth.token(&self.upstream, deadline).await?;
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
        let request = Request::post(self.endpoint.clone(), "application/json", body.to_vec())
            .secret_header("x-shopify-access-token", token)
            .header("accept", "application/json")
            .before(deadline);
        exchange(&self.upstream, &request).await
    }
}

/// Send a request once and read the whole answer.
async fn exchange(upstream: &Upstream, request: &Request) -> Result<Reply, Box<Failure>> {
    let answer = upstream.attempt(request).await.map_err(Failure::unanswered)?;
    let mut reply = Reply::new(answer.status, &answer.headers);
    let class = match answer.body {
        Body::Whole(body) => {
            reply.body = body;
            return Ok(reply);
        }
        Body::TooLarge => Class::TooLarge,
        Body::Late => Class::Timeout,
        Body::Broken => Class::Truncated,
    };
    Err(Box::new(Failure::new(class).with_reply(&reply)))
}
