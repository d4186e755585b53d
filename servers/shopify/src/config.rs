//! Settings, and what of them makes a connection.

use mcp_core::prelude::*;
use url::Url;

/// The API version that the committed schema describes.
pub(crate) const API_VERSION: &str = "2026-10";

/// Settings of the server. Without a domain and credentials it starts, lists its tools and answers
/// `not_configured`.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// The store's own domain, `<name>.myshopify.com`. Default: none.
    #[schemars(extend("x-env" = "SHOPIFY_STORE_DOMAIN"))]
    pub store_domain: Option<String>,
    /// Admin API access token of a custom app (`shpat_…`). Default: none.
    #[schemars(extend("x-env" = "SHOPIFY_ACCESS_TOKEN"))]
    pub access_token: Option<SecretString>,
    /// Client id of an app of the store's organization, instead of an access token. Default: none.
    #[schemars(extend("x-env" = "SHOPIFY_API_KEY"))]
    pub api_key: Option<String>,
    /// Client secret that belongs to `api_key`. Default: none.
    #[schemars(extend("x-env" = "SHOPIFY_API_SECRET"))]
    pub api_secret: Option<SecretString>,
    /// Admin API version, `YYYY-MM` or `unstable`. Default: `2026-10`, the one that the queries are
    /// checked against.
    #[schemars(extend("x-env" = "SHOPIFY_API_VERSION"))]
    pub api_version: String,
    /// For tests only: `http://` address on the loopback interface to use instead of the store's.
    /// Default: none.
    #[schemars(extend("x-env" = "SHOPIFY_API_BASE"))]
    pub api_base: Option<String>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            store_domain: None,
            access_token: None,
            api_key: None,
            api_secret: None,
            api_version: API_VERSION.to_owned(),
            api_base: None,
        }
    }
}

impl ServerConfig for Config {
    fn validate(&self) -> Result<(), ConfigError> {
        self.connection().map(drop)
    }
}

/// A store and the right to talk to it.
#[derive(Debug, Clone)]
pub(crate) struct Connection {
    pub(crate) domain: String,
    /// Where the paths of the API start.
    pub(crate) base: Url,
    pub(crate) version: String,
    pub(crate) credentials: Credentials,
}

/// The right to talk to a store.
#[derive(Debug, Clone)]
pub(crate) enum Credentials {
    /// A token that does not expire.
    Token(SecretString),
    /// Key and secret that buy tokens for 24 hours.
    Client { key: String, secret: SecretString },
}

impl Config {
    /// The connection, when all parts of it are set.
    ///
    /// # Errors
    /// A part is wrong, or two ways to sign in are set at once.
    pub(crate) fn connection(&self) -> Result<Option<Connection>, ConfigError> {
        let version = version(&self.api_version)?;
        let domain = self.store_domain.as_deref().and_then(given).map(domain).transpose()?;
        let base = self.api_base.as_deref().and_then(given).map(loopback).transpose()?;
        let Some((domain, credentials)) = domain.zip(self.credentials()?) else { return Ok(None) };
        let base = match base {
            Some(base) => base,
            None => Url::parse(&format!("https://{domain}"))
                .map_err(|_| ConfigError::new("SHOPIFY_STORE_DOMAIN", "is not a host name"))?,
        };
        Ok(Some(Connection { domain, base, version, credentials }))
    }

    fn credentials(&self) -> Result<Option<Credentials>, ConfigError> {
        let token = secret(self.access_token.as_ref());
        let key = self.api_key.as_deref().and_then(given);
        let secret = secret(self.api_secret.as_ref());
        if let Some(token) = token {
            if key.is_some() || secret.is_some() {
                let message = "is set together with SHOPIFY_API_KEY or SHOPIFY_API_SECRET";
                return Err(ConfigError::new("SHOPIFY_ACCESS_TOKEN", message)
                    .with_hint("set either the access token, or key and secret"));
            }
            return self::token(token).map(|token| Some(Credentials::Token(token)));
        }
        let pair = key.map(str::to_owned).zip(secret.cloned());
        Ok(pair.map(|(key, secret)| Credentials::Client { key, secret }))
    }
}

/// A setting that is there but blank counts as absent: compose files pass those.
fn given(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|text| !text.is_empty())
}

fn secret(secret: Option<&SecretString>) -> Option<&SecretString> {
    secret.filter(|secret| !secret.expose().trim().is_empty())
}

fn domain(text: &str) -> Result<String, ConfigError> {
    let name = text.strip_suffix(".myshopify.com").unwrap_or_default();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if !name.is_empty() && name.len() <= 60 && !name.starts_with('-') && name.chars().all(plain) {
        return Ok(text.to_owned());
    }
    let message = "must match ^[a-z0-9][a-z0-9-]*\\.myshopify\\.com$";
    Err(ConfigError::new("SHOPIFY_STORE_DOMAIN", message).with_hint(
        "set the store's own domain, for example SHOPIFY_STORE_DOMAIN=my-store.myshopify.com: \
         no https://, no path, not the shop's public domain",
    ))
}

fn token(token: &SecretString) -> Result<SecretString, ConfigError> {
    let text = token.expose().trim();
    let error = |message: &str| {
        ConfigError::new("SHOPIFY_ACCESS_TOKEN", message)
            .with_hint("set the Admin API access token of the app (shpat_…)")
    };
    if text.starts_with("shpss_") {
        return Err(error("is an API secret, not an access token"));
    }
    if text.len() > 512 || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(error("must be at most 512 visible ASCII characters"));
    }
    Ok(text.to_owned().into())
}

fn version(text: &str) -> Result<String, ConfigError> {
    let quarterly = text.split_once('-').is_some_and(|(year, month)| {
        year.len() == 4
            && year.bytes().all(|byte| byte.is_ascii_digit())
            && ["01", "04", "07", "10"].contains(&month)
    });
    if quarterly || text == "unstable" {
        return Ok(text.to_owned());
    }
    let message = "must be a quarterly version (YYYY-01, -04, -07 or -10) or `unstable`";
    let hint = format!("leave it out for {API_VERSION}");
    Err(ConfigError::new("SHOPIFY_API_VERSION", message).with_hint(hint))
}

fn loopback(text: &str) -> Result<Url, ConfigError> {
    let url = Url::parse(text).ok().filter(|url| url.scheme() == "http");
    let is_loopback = |url: &Url| match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.filter(is_loopback).ok_or_else(|| {
        ConfigError::new("SHOPIFY_API_BASE", "must be an http:// address on the loopback interface")
            .with_hint("leave it out: it serves tests only")
    })
}

#[cfg(test)]
mod tests {
    use super::{Config, Credentials};

    fn config(domain: &str, token: &str) -> Config {
        Config {
            store_domain: Some(domain.to_owned()),
            access_token: Some(token.to_owned().into()),
            ..Config::default()
        }
    }

    #[test]
    fn only_a_shops_own_domain_is_accepted() {
        for good in ["a.myshopify.com", "my-store-2.myshopify.com", " 9.myshopify.com "] {
            let connection = config(good, "shpat_1").connection().unwrap().unwrap();
            assert_eq!(connection.base.scheme(), "https");
            assert_eq!(connection.base.host_str(), Some(good.trim()));
        }
        for bad in [
            "shop.example.com",
            "https://a.myshopify.com",
            "a.myshopify.com/admin",
            "-a.myshopify.com",
            ".myshopify.com",
            "A.myshopify.com",
            "a.b.myshopify.com",
            "a.myshopify.com.evil.test",
            "a@evil.test/.myshopify.com",
            "a.myshopify.com:80",
        ] {
            let error = config(bad, "shpat_1").connection().unwrap_err();
            assert!(
                error.hint().is_some_and(|hint| hint.contains("my-store.myshopify.com")),
                "{bad}"
            );
        }
    }

    #[test]
    fn a_missing_part_is_no_connection_and_a_contradiction_an_error() {
        assert!(Config::default().connection().unwrap().is_none());
        assert!(config("a.myshopify.com", " ").connection().unwrap().is_none());
        let mut pair = config("a.myshopify.com", "");
        pair.api_key = Some("key".to_owned());
        assert!(pair.connection().unwrap().is_none());
        pair.api_secret = Some("shpss_x".to_owned().into());
        let connection = pair.connection().unwrap().unwrap();
        assert!(matches!(connection.credentials, Credentials::Client { .. }));
        pair.access_token = Some("shpat_1".to_owned().into());
        assert!(pair.connection().is_err());
    }

    #[test]
    fn wrong_parts_are_named() {
        let named = |config: Config, setting: &str| {
            let error = config.connection().unwrap_err();
            assert!(error.to_string().contains(setting), "{error}");
            assert!(error.hint().is_some());
        };
        named(config("a.myshopify.com", "shpss_1"), "SHOPIFY_ACCESS_TOKEN");
        named(config("a.myshopify.com", "a b"), "SHOPIFY_ACCESS_TOKEN");
        for version in ["2026-11", "2026", "latest", "26-10"] {
            let api_version = version.to_owned();
            named(Config { api_version, ..Config::default() }, "SHOPIFY_API_VERSION");
        }
        for base in ["https://127.0.0.1:1", "http://example.com", "http://10.0.0.1", "nonsense"] {
            let api_base = Some(base.to_owned());
            named(Config { api_base, ..Config::default() }, "SHOPIFY_API_BASE");
        }
    }
}
