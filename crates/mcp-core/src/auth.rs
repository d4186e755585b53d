//! Who calls, and how far they may go.
//!
//! Over HTTP a caller shows an API key or a signed token as bearer; on stdio it is the user who
//! started the process. What a handler sees of it is a [`Principal`]: the credential ends here.

mod api_key;
mod jwks;
mod jwt;
pub mod key_file;
mod principal;
mod resource;
mod signature;

use std::{
    net::{IpAddr, Ipv6Addr},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use http::{HeaderMap, HeaderValue, header};
use quick_cache::sync::Cache;
use serde_json::Value;
use tokio::time::Instant;
use url::Url;

use self::{
    api_key::{ApiKeys, unreadable},
    jwks::{Document, Fetch, Jwks},
    jwt::{Keys, Rejected, Tokens},
    resource::Resource,
};
use crate::{
    ConfigError, StartError,
    config::{AuthMode, CoreConfig},
    fleet::Member,
    state_dir::StateDir,
    state_key::weakness,
    upstream::{Body, Options, Reach, Request, Upstream, Upstreams},
};

pub use jwt::Mint;
pub use principal::{Principal, Scope};
pub(crate) use resource::WELL_KNOWN;

/// Wrong credentials that an address may show in a minute.
const FAILURES: NonZeroU32 = NonZeroU32::new(10).expect("ten is not zero");
/// Addresses remembered at once.
const ADDRESSES: usize = 10_000;
/// A clock before this (2025-01-01) would take dead tokens for live ones.
const EARLIEST: u64 = 1_735_689_600;

/// Tells callers apart.
#[derive(Debug)]
pub struct Authenticator {
    required: bool,
    keys: Option<ApiKeys>,
    tokens: Option<Tokens>,
    resource: Resource,
    failures: Cache<IpAddr, Arc<DefaultDirectRateLimiter>>,
}

/// Why a request has no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// No credential, or one that is not accepted.
    Unknown {
        /// Whether there was one.
        given: bool,
    },
    /// Too many wrong credentials from this address.
    TooMany,
    /// The issuer's keys cannot be had.
    Unavailable,
}

/// Rules of the settings that need nothing but the settings.
pub(crate) fn check(core: &CoreConfig) -> Result<(), ConfigError> {
    let error = |setting, message: &str, hint: &str| {
        Err(ConfigError::new(setting, message).with_hint(hint))
    };
    if let Some(secret) = &core.jwt_secret {
        if let Some(why) = weakness(secret.expose()) {
            return error("jwt_secret", &why, "make one with `openssl rand -base64 32`");
        }
        if core.jwks_url.is_some() {
            let message = "is set together with jwks_url: tokens are signed in one way";
            return error("jwt_secret", message, "unset one of the two");
        }
    }
    if let Some(keys) = &core.api_key {
        api_key::check(keys)?;
    }
    if let Some(url) = &core.jwks_url {
        check_jwks_url(url)?;
        if core.jwt_issuer.is_none() {
            let message = "is needed with jwks_url: which issuer tokens must name";
            return error("jwt_issuer", message, "set it to the `iss` of the issuer's tokens");
        }
    }
    if let Some(url) = &core.public_url {
        let good = Url::parse(url).is_ok_and(|url| {
            ["http", "https"].contains(&url.scheme()) && url.has_host() && url.fragment().is_none()
        });
        if !good || url.ends_with('/') {
            let hint = "write the URL of the endpoint, such as https://mcp.example.com/mcp";
            return error("public_url", "must be an http(s) URL without a trailing slash", hint);
        }
    }
    let jwt = core.auth.contains(&AuthMode::Jwt);
    if jwt && core.jwt_secret.is_none() && core.jwks_url.is_none() {
        let message = "has jwt, but neither jwks_url nor jwt_secret is set";
        return error("auth", message, "set MACHINA_JWKS_URL and MACHINA_JWT_ISSUER");
    }
    Ok(())
}

fn check_jwks_url(text: &str) -> Result<(), ConfigError> {
    let url = Url::parse(text).ok();
    let good = url.as_ref().is_some_and(|url| match url.scheme() {
        "https" => url.has_host() && url.username().is_empty() && url.password().is_none(),
        "http" => match url.host() {
            Some(url::Host::Domain(name)) => name == "localhost",
            Some(url::Host::Ipv4(address)) => address.is_loopback(),
            Some(url::Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        },
        _ => false,
    });
    if good {
        return Ok(());
    }
    Err(ConfigError::new("jwks_url", "must be an https URL, or http on loopback")
        .with_hint("keys that anyone on the way could change prove nothing"))
}

/// This server's own URI: the resource of its metadata, the audience of its tokens.
pub fn canonical_uri(core: &CoreConfig, member: &Member) -> String {
    let port = core.port.unwrap_or(member.port);
    core.public_url.clone().unwrap_or_else(|| format!("http://127.0.0.1:{port}/mcp"))
}

/// Where the API keys lie.
pub(crate) fn keys_path(core: &CoreConfig, state: &StateDir) -> Result<PathBuf, StartError> {
    match &core.api_keys_file {
        Some(path) => Ok(path.clone()),
        None => Ok(state.open()?.join("api_keys.json")),
    }
}

impl Authenticator {
    /// Open what the configuration names; make a first key when none is there.
    ///
    /// # Errors
    /// A file of keys that cannot be read or made; a clock that is far off.
    pub fn open(
        core: &CoreConfig,
        member: &'static Member,
        state: &StateDir,
        upstreams: &Upstreams,
    ) -> Result<Self, StartError> {
        if core.asks_for_credentials() {
            check_clock(jsonwebtoken::get_current_timestamp())?;
        }
        let keys = if core.auth.contains(&AuthMode::ApiKey) {
            Some(open_keys(core, member, state)?)
        } else {
            None
        };
        let tokens = if core.auth.contains(&AuthMode::Jwt) {
            Some(open_tokens(core, member, upstreams)?)
        } else {
            None
        };
        let issuer = core.jwt_issuer.as_deref().filter(|_| tokens.is_some());
        Ok(Self {
            required: core.asks_for_credentials(),
            keys,
            tokens,
            resource: Resource::new(member, &canonical_uri(core, member), issuer),
            failures: Cache::new(ADDRESSES),
        })
    }

    /// The caller of a request.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn identify(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Principal, Denied> {
        if !self.required {
            return Ok(Principal::anonymous());
        }
        let Some(token) = bearer(headers) else {
            let given = headers.contains_key(header::AUTHORIZATION);
            return Err(Denied::Unknown { given });
        };
        let found = if token.starts_with(api_key::PREFIX) || self.tokens.is_none() {
            self.find_key(token)
        } else {
            self.find_either(token).await
        };
        match found {
            Ok(principal) => Ok(principal),
            Err(Rejected::Unavailable) => Err(Denied::Unavailable),
            Err(Rejected::Invalid) if self.too_many(address) => Err(Denied::TooMany),
            Err(Rejected::Invalid) => Err(Denied::Unknown { given: true }),
        }
    }

    fn find_key(&self, key: &str) -> Result<Principal, Rejected> {
        let keys = self.keys.as_ref().ok_or(Rejected::Invalid)?;
        keys.find(key).ok_or(Rejected::Invalid)
    }

    /// A configured key need not look like ours.
    async fn find_either(&self, token: &str) -> Result<Principal, Rejected> {
        match (self.find_key(token), &self.tokens) {
            (Err(_), Some(tokens)) => tokens.verify(token).await,
            (found, _) => found,
        }
    }

    fn too_many(&self, address: Option<IpAddr>) -> bool {
        let Some(address) = address.map(neighbourhood) else { return false };
        let make = || Ok::<_, ()>(Arc::new(RateLimiter::direct(Quota::per_minute(FAILURES))));
        self.failures.get_or_insert_with(&address, make).is_ok_and(|limit| limit.check().is_err())
    }

    pub(crate) fn challenge(&self, token_was_given: bool) -> Option<HeaderValue> {
        self.resource.challenge(token_was_given)
    }

    pub(crate) fn step_up(&self, needed: Scope) -> Option<HeaderValue> {
        self.resource.step_up(needed)
    }

    /// The RFC 9728 document, when there is an issuer to name.
    pub(crate) fn metadata(&self) -> Option<&Value> {
        self.resource.metadata()
    }
}

fn open_keys(
    core: &CoreConfig,
    member: &'static Member,
    state: &StateDir,
) -> Result<ApiKeys, StartError> {
    if core.api_key.is_some() && core.api_keys_file.is_none() {
        return Ok(ApiKeys::open(member.name, core.api_key.as_ref(), None)?);
    }
    let path = keys_path(core, state)?;
    // What is there has to be right before anything is added to it.
    let newest = key_file::newest(&path).map_err(|error| unreadable(&error))?;
    check_clock_against(Utc::now(), newest)?;
    if core.api_key.is_none() {
        make_first(&path, member)?;
    }
    if key_file::is_exposed(&path) {
        tracing::warn!(path = %path.display(), "other users can read the file of API keys: chmod 600");
    }
    Ok(ApiKeys::open(member.name, core.api_key.as_ref(), Some(path))?)
}

fn make_first(path: &Path, member: &Member) -> Result<(), StartError> {
    let made = key_file::first(path, member.name).map_err(|error| {
        StartError::config(format!("MACHINA_API_KEYS_FILE: {error}"))
            .with_hint("make the file and its directory readable and writable for this process")
    })?;
    if made {
        let show = format!("{} key", member.binary());
        tracing::info!("a first API key was made; `{show}` shows it (and one for /metrics alone)");
    }
    Ok(())
}

fn open_tokens(
    core: &CoreConfig,
    member: &'static Member,
    upstreams: &Upstreams,
) -> Result<Tokens, StartError> {
    let keys = match (&core.jwt_secret, &core.jwks_url) {
        (Some(secret), _) => Keys::secret(secret),
        (None, Some(url)) => Keys::Public(Box::new(Jwks::new(fetcher(url, upstreams)?))),
        (None, None) => return Err(StartError::internal("no source of keys for tokens")),
    };
    let issuer = core.jwt_issuer.clone().unwrap_or_else(|| jwt::OWN_ISSUER.to_owned());
    Ok(Tokens::new(member.name, issuer, canonical_uri(core, member), keys))
}

fn fetcher(url: &str, upstreams: &Upstreams) -> Result<Fetch, StartError> {
    let url = Url::parse(url).map_err(|error| StartError::config(format!("jwks_url: {error}")))?;
    // The operator chose it, and `check_jwks_url` that it is https or on loopback.
    let options = Options::new("jwks", env!("CARGO_PKG_VERSION")).list(&url, Reach::Private);
    let upstream = upstreams.add(options.max_body(jwks::MAX_BYTES));
    Ok(Box::new(move || {
        let (upstream, url) = (upstream.clone(), url.clone());
        Box::pin(async move { fetch(&upstream, url).await })
    }))
}

async fn fetch(upstream: &Upstream, url: Url) -> Result<Document, String> {
    let request = Request::get(url).before(Instant::now() + Duration::from_secs(10));
    let answer = upstream.attempt(&request).await.map_err(|failure| failure.to_string())?;
    let cached = answer.headers.get(header::CACHE_CONTROL);
    let max_age = cached.and_then(|value| value.to_str().ok()).and_then(jwks::max_age);
    match answer.body {
        Body::Whole(bytes) if (200..=299).contains(&answer.status) => {
            Ok(Document { bytes, max_age })
        }
        Body::Whole(_) => Err(format!("the issuer answered with status {}", answer.status)),
        _ => Err("the issuer's key set did not arrive whole".to_owned()),
    }
}

/// The one bearer token of a request, never from its query.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// Who can have one IPv6 address can have all of its /64.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

fn check_clock(now: u64) -> Result<(), StartError> {
    if now >= EARLIEST {
        return Ok(());
    }
    Err(StartError::config(format!(
        "the system's clock stands at {now} s after 1970: keys and tokens would never expire"
    ))
    .with_hint("set the clock, for instance by NTP"))
}

/// A key cannot have been made tomorrow.
fn check_clock_against(
    now: DateTime<Utc>,
    newest: Option<DateTime<Utc>>,
) -> Result<(), StartError> {
    let Some(made) = newest.filter(|made| *made > now + TimeDelta::days(1)) else {
        return Ok(());
    };
    let message = format!(
        "the system's clock stands at {now:.0}, but a key of the file was made at {made:.0}"
    );
    Err(StartError::config(format!("MACHINA_API_KEYS_FILE: {message}"))
        .with_hint("set the clock, for instance by NTP; with a right clock, create that key anew"))
}

#[cfg(test)]
#[path = "auth/tests.rs"]
mod tests;
