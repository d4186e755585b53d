//! Access tokens: given, or bought with key and secret and renewed ahead of their end.

use super::exchange;
use super::failure::{Class, Failure};
use crate::config::Credentials;
use mcp_core::SecretString;
use mcp_core::upstream::{Request, Upstream};
use serde::Deserialize;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;
use url::Url;

/// Renew this long before the end, or at half of a shorter life.
const AHEAD: Duration = Duration::from_secs(300);
/// Life of a token whose answer does not tell it (Shopify: 24 hours).
const DAY: u64 = 86_400;

/// How requests sign in.
#[derive(Debug)]
pub(super) struct Auth {
    credentials: Credentials,
    route: Url,
    /// Held while a token is fetched: concurrent calls wait for the one request.
    current: Mutex<Option<Issued>>,
}

#[derive(Debug, Clone)]
struct Issued {
    token: SecretString,
    renew_at: Instant,
}

#[derive(Deserialize)]
struct Grant {
    access_token: String,
    expires_in: Option<u64>,
}

impl Auth {
    pub(super) fn new(credentials: Credentials, route: Url) -> Self {
        Self { credentials, route, current: Mutex::new(None) }
    }

    /// A token that works, as far as known.
    pub(super) async fn token(
        &self,
        upstream: &Upstream,
        deadline: Instant,
    ) -> Result<SecretString, Box<Failure>> {
        let (key, secret) = match &self.credentials {
            Credentials::Token(token) => return Ok(token.clone()),
            Credentials::Client { key, secret } => (key, secret),
        };
        let mut current = self.current.lock().await;
        if let Some(issued) = current.as_ref().filter(|issued| Instant::now() < issued.renew_at) {
            return Ok(issued.token.clone());
        }
        let issued = self.buy(upstream, key, secret, deadline).await?;
        let token = issued.token.clone();
        *current = Some(issued);
        Ok(token)
    }

    /// Throw a refused token away; false when there is no way to get another.
    pub(super) async fn forget(&self, refused: &SecretString) -> bool {
        if matches!(self.credentials, Credentials::Token(_)) {
            return false;
        }
        let mut current = self.current.lock().await;
        if current.as_ref().is_some_and(|issued| issued.token.expose() == refused.expose()) {
            *current = None;
        }
        true
    }

    async fn buy(
        &self,
        upstream: &Upstream,
        key: &str,
        secret: &SecretString,
        deadline: Instant,
    ) -> Result<Issued, Box<Failure>> {
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", key)
            .append_pair("client_secret", secret.expose())
            .finish();
        let form_type = "application/x-www-form-urlencoded";
        let request = Request::post(self.route.clone(), form_type, form)
            .header("accept", "application/json")
            .before(deadline);
        let reply = exchange(upstream, &request).await?;
        if matches!(reply.status, 400 | 401 | 403) {
            return Err(Box::new(Failure::new(Class::Credentials).with_reply(&reply)));
        }
        let grant: Grant = reply.read_plain()?;
        let life = Duration::from_secs(grant.expires_in.unwrap_or(DAY));
        let life = life.checked_sub(AHEAD).unwrap_or_default().max(life / 2);
        Ok(Issued { token: grant.access_token.into(), renew_at: Instant::now() + life })
    }
}
