//! API keys: what a key's prefix says about it (docs.stripe.com/keys).

use mcp_core::SecretString;
use schemars::JsonSchema;
use serde::Serialize;

/// Which half of Stripe a key reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum Environment {
    /// Test data; no money moves.
    Test,
    /// Real customers and money.
    Live,
}

/// What a key may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(inline)]
pub(crate) enum KeyKind {
    /// Only what was granted to it (`rk_`).
    Restricted,
    /// Everything in one account (`sk_`).
    Secret,
    /// Accounts of an organization (`sk_org`).
    Organization,
}

/// A well-formed API key.
#[derive(Debug, Clone)]
pub(crate) struct ApiKey {
    secret: SecretString,
    /// What it may do.
    pub(crate) kind: KeyKind,
    /// What it reaches. An organization key does not say; it counts as live.
    pub(crate) environment: Environment,
}

impl ApiKey {
    /// Read a key; blanks and line ends around it are ignored.
    ///
    /// # Errors
    /// What is wrong with it and how to repair that; never the key itself.
    pub(crate) fn parse(secret: &SecretString) -> Result<Self, (&'static str, &'static str)> {
        let text = secret.expose().trim();
        let (kind, environment, rest) = Self::split(text)?;
        if rest.len() < 3 || !rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
            return Err((
                "is cut short or contains characters that no key has",
                "copy the whole key from the dashboard: letters, digits and underscores only",
            ));
        }
        Ok(Self { secret: SecretString::from(text.to_owned()), kind, environment })
    }

    fn split(text: &str) -> Result<(KeyKind, Environment, &str), (&'static str, &'static str)> {
        let known = [
            ("rk_test_", KeyKind::Restricted, Environment::Test),
            ("sk_test_", KeyKind::Secret, Environment::Test),
            ("rk_live_", KeyKind::Restricted, Environment::Live),
            ("sk_live_", KeyKind::Secret, Environment::Live),
            ("sk_org", KeyKind::Organization, Environment::Live),
        ];
        for (prefix, kind, environment) in known {
            if let Some(rest) = text.strip_prefix(prefix) {
                return Ok((kind, environment, rest));
            }
        }
        Err(if text.starts_with("pk_") {
            ("is a publishable key, which cannot read or write", "use a restricted key: rk_test_…")
        } else if text.starts_with("whsec_") {
            ("is a webhook signing secret, not an API key", "use a restricted key: rk_test_…")
        } else {
            (
                "does not begin like an API key",
                "use rk_test_… (or sk_test_…, rk_live_…, sk_live_…, sk_org_…)",
            )
        })
    }

    /// The key itself, for the `Authorization` header and the cursor seal.
    pub(crate) fn expose(&self) -> &str {
        self.secret.expose()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(key: &str) -> Result<ApiKey, (&'static str, &'static str)> {
        ApiKey::parse(&SecretString::from(key.to_owned()))
    }

    #[test]
    fn the_prefix_says_it_all() {
        use {Environment::*, KeyKind::*};
        let table = [
            ("rk_test_123", Restricted, Test),
            ("sk_test_51Abc", Secret, Test),
            (" sk_test_123\n", Secret, Test),
            ("rk_live_123", Restricted, Live),
            ("sk_live_123", Secret, Live),
            ("sk_org_live_123", Organization, Live),
            ("sk_org_123", Organization, Live),
        ];
        for (text, kind, environment) in table {
            let key = parse(text).unwrap();
            assert_eq!((key.kind, key.environment, key.expose()), (kind, environment, text.trim()));
        }
    }

    #[test]
    fn a_malformed_key_is_refused_without_being_shown() {
        for text in [
            "",
            "123",
            "pk_test_123",
            "whsec_x",
            "sk_test_",
            "sk_test_1 2",
            "sk_test_é123",
            "SK_TEST_123",
            "sk_test_123\nX: y",
        ] {
            let (message, hint) = parse(text).unwrap_err();
            assert!(!hint.is_empty() && (text.is_empty() || !message.contains(text)), "{text}");
        }
    }

    #[test]
    fn debug_does_not_print_it() {
        assert!(!format!("{:?}", parse("sk_test_abcdef").unwrap()).contains("abcdef"));
    }
}
