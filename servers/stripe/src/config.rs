//! The server's own settings.

use std::{net::IpAddr, time::Duration};

use mcp_core::{ConfigError, SecretString, ServerConfig};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use url::{Host, Url};

use crate::{
    filter::is_id,
    key::{ApiKey, Environment},
};

pub(crate) const STRIPE: &str = "https://api.stripe.com";

/// Settings of the Stripe server.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// API key; without one every call answers `not_configured`. A restricted test key
    /// (`rk_test_…`) is best. None by default.
    #[schemars(extend("x-env" = "STRIPE_API_KEY"))]
    pub api_key: Option<SecretString>,
    /// Where the API is. Live keys go to `https://api.stripe.com` (the default) only; `http` is
    /// for loopback, such as a local stripe-mock.
    #[schemars(extend("x-env" = "STRIPE_API_BASE"), length(min = 1, max = 2_000))]
    pub api_base: String,
    /// API version sent with every request; default `2026-09-30.endive`.
    #[schemars(extend("x-env" = "STRIPE_API_VERSION"), regex(pattern = r"^\d{4}-\d{2}-\d{2}(\.[a-z]{1,20})?$"))]
    pub api_version: String,
    /// Connected account (`acct_…`) that calls act for unless they name another; none by default.
    #[schemars(extend("x-env" = "STRIPE_ACCOUNT"), regex(pattern = r"^acct_[A-Za-z0-9_]{1,255}$"))]
    pub account: Option<String>,
    /// First of the two switches that a live key needs to write; off by default.
    #[schemars(extend("x-env" = "STRIPE_ALLOW_LIVE"))]
    pub allow_live: bool,
    /// Second of the two switches that a live key needs to write; off by default. Test keys write
    /// without it; `MACHINA_READ_ONLY` removes the write tools altogether.
    #[schemars(extend("x-env" = "STRIPE_ALLOW_WRITES"))]
    pub allow_writes: bool,
    /// Let callers see names, addresses, e-mail and telephone numbers by `include_pii`; off by
    /// default, then they are always masked.
    #[schemars(extend("x-env" = "STRIPE_ALLOW_PII"))]
    pub allow_pii: bool,
    /// Longest time for one call, retries included, in seconds; default 30.
    #[schemars(range(min = 1, max = 30))]
    pub timeout_seconds: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            api_key: None,
            api_base: STRIPE.to_owned(),
            api_version: "2026-09-30.endive".to_owned(),
            account: None,
            allow_live: false,
            allow_writes: false,
            allow_pii: false,
            timeout_seconds: 30,
        }
    }
}

impl ServerConfig for Config {
    fn validate(&self) -> Result<(), ConfigError> {
        self.settings().map(drop)
    }
}

/// What a client needs, once the settings have been found good.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) key: ApiKey,
    /// Scheme, host and port, without a slash at the end.
    pub(crate) base: String,
    pub(crate) version: String,
    pub(crate) account: Option<String>,
    pub(crate) timeout: Duration,
}

impl Config {
    /// Check every rule; nothing when there is no key.
    pub(crate) fn settings(&self) -> Result<Option<Settings>, ConfigError> {
        let base = base(&self.api_base)?;
        let bad_account = self.account.as_deref().is_some_and(|account| !is_id(account, "acct_"));
        if bad_account {
            return Err(ConfigError::new("account", "must be an account id")
                .with_hint("acct_… as get_account shows it"));
        }
        if !self.api_version.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.') {
            return Err(ConfigError::new("api_version", "must be a date and a name")
                .with_hint("for example 2026-09-30.endive"));
        }
        let Some(secret) = &self.api_key else { return Ok(None) };
        let key = ApiKey::parse(secret)
            .map_err(|(message, hint)| ConfigError::new("api_key", message).with_hint(hint))?;
        if key.environment == Environment::Live && base != STRIPE {
            return Err(ConfigError::new(
                "api_base",
                "a live key may be sent to https://api.stripe.com only",
            )
            .with_hint("remove STRIPE_API_BASE, or use a test key"));
        }
        Ok(Some(Settings {
            key,
            base,
            version: self.api_version.clone(),
            account: self.account.clone(),
            timeout: Duration::from_secs(self.timeout_seconds.clamp(1, 30)),
        }))
    }

    /// Whether a key of this environment may write.
    pub(crate) fn may_write(&self, environment: Environment) -> bool {
        environment == Environment::Test || (self.allow_live && self.allow_writes)
    }
}

/// The origin of a base URL.
fn base(text: &str) -> Result<String, ConfigError> {
    let wrong = |message: &str| {
        Err(ConfigError::new("api_base", message).with_hint(
            "https://api.stripe.com, or the address of a test double such as http://127.0.0.1:12111",
        ))
    };
    let Ok(url) = Url::parse(text) else { return wrong("is not a URL") };
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => {
            return wrong("plain http is for loopback only: the key would travel in the clear");
        }
        _ => return wrong("must begin with https://"),
    }
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    if !bare || !url.username().is_empty() || url.password().is_some() {
        return wrong("must be scheme, host and port only: paths begin with /v1 by themselves");
    }
    Ok(url.origin().ascii_serialization())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip).is_loopback(),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip).is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(key: &str, base: &str) -> Config {
        let api_key = (!key.is_empty()).then(|| SecretString::from(key.to_owned()));
        Config { api_key, api_base: base.to_owned(), ..Config::default() }
    }

    #[test]
    fn good_settings_pass() {
        assert!(Config::default().settings().unwrap().is_none());
        let good = [
            ("rk_test_123", "https://api.stripe.com", "https://api.stripe.com"),
            ("sk_test_123", "http://127.0.0.1:12111/", "http://127.0.0.1:12111"),
            ("sk_test_123", "http://[::1]:1", "http://[::1]:1"),
            ("sk_test_123", "http://localhost:1", "http://localhost:1"),
            ("sk_test_123", "https://proxy.example", "https://proxy.example"),
            ("rk_live_123", "https://api.stripe.com:443/", "https://api.stripe.com"),
        ];
        for (key, given, base) in good {
            assert_eq!(config(key, given).settings().unwrap().unwrap().base, base);
        }
    }

    #[test]
    fn bad_settings_name_the_field_and_the_repair() {
        let bad = [
            ("pk_test_123", STRIPE, "api_key: "),
            ("nonsense", STRIPE, "api_key: "),
            ("sk_live_123", "https://proxy.example", "api_base: a live key"),
            ("rk_live_123", "http://127.0.0.1:1", "api_base: a live key"),
            ("sk_org_live_1", "https://api.stripe.com.evil.example", "api_base: a live key"),
            ("sk_test_123", "http://10.0.0.1", "api_base: plain http"),
            ("sk_test_123", "http://localhost.evil.example", "api_base: plain http"),
            ("sk_test_123", "https://api.stripe.com/v1", "api_base: must be scheme"),
            ("sk_test_123", "https://a:b@api.stripe.com", "api_base: must be scheme"),
            ("sk_test_123", "ftp://x", "api_base: must begin"),
            ("", "stripe", "api_base: is not a URL"),
        ];
        for (key, base, message) in bad {
            let error = config(key, base).validate().unwrap_err();
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.hint().is_some());
            assert!(key.is_empty() || !error.to_string().contains(key));
        }
        let account = Config { account: Some("acct_1\nX: y".into()), ..Config::default() };
        assert!(account.validate().unwrap_err().to_string().starts_with("account: "));
        let version = Config { api_version: "2026\nX".into(), ..Config::default() };
        assert!(version.validate().unwrap_err().to_string().starts_with("api_version: "));
    }

    #[test]
    fn live_writes_need_both_switches() {
        for (allow_live, allow_writes, may) in
            [(false, false, false), (true, false, false), (false, true, false), (true, true, true)]
        {
            let config = Config { allow_live, allow_writes, ..Config::default() };
            assert_eq!(config.may_write(Environment::Live), may);
            assert!(config.may_write(Environment::Test));
        }
    }

    #[test]
    fn the_key_is_never_printed() {
        let config = config("sk_test_abcdef", STRIPE);
        let shown = format!("{config:?} {}", serde_json::to_string(&config).unwrap());
        assert!(!shown.contains("abcdef"));
    }
}
