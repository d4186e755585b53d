//! Signed tokens: by the issuer's public keys, or by a shared secret.
//!
//! Accepted are exactly the algorithms of the configured kind, so that a public key can never be
//! taken for a secret. `iss` must equal the configured issuer, `aud` must contain this server's
//! canonical URI (RFC 8707), `exp` and `sub` must be there; `nbf` is obeyed. 60 s of leeway.

use std::time::Duration;

use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode,
    get_current_timestamp,
};
use quick_cache::sync::Cache;
use serde::{Deserialize, Serialize};

use super::{Principal, Scope, api_key::digest_of, jwks::Jwks, signature};
use crate::SecretString;

/// The issuer of tokens that are signed with the shared secret, unless configured.
pub(super) const OWN_ISSUER: &str = "machina";
/// Longest token.
const MAX_LENGTH: usize = 16 << 10;
/// Longest subject.
const MAX_SUBJECT: usize = 256;
/// A checked token is not checked again for so long, in seconds.
const KEEP: u64 = 60;
/// Tokens remembered at once.
const REMEMBERED: usize = 4_096;
/// Tolerated difference between clocks, in seconds.
const LEEWAY: u64 = 60;

/// Accepts tokens.
#[derive(Debug)]
pub(super) struct Tokens {
    server: &'static str,
    issuer: String,
    audience: String,
    keys: Keys,
    verified: Cache<[u8; 32], Verified>,
}

/// Where the keys come from.
#[derive(Debug)]
pub(super) enum Keys {
    /// A shared secret, HS256.
    Secret(Box<DecodingKey>),
    /// The issuer's public keys.
    Public(Box<Jwks>),
}

#[derive(Debug, Clone)]
struct Verified {
    principal: Principal,
    /// Seconds since 1970.
    until: u64,
}

/// Why a token gives no caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It is none of ours, or no longer.
    Invalid,
    /// The issuer's keys cannot be had.
    Unavailable,
}

#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    iss: String,
    exp: f64,
    #[serde(default)]
    scope: Option<String>,
    #[serde(default)]
    scp: Option<Words>,
}

/// `scp` is a list at some issuers, words at others.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Words {
    List(Vec<String>),
    Text(String),
}

impl Keys {
    /// A shared secret.
    pub(super) fn secret(secret: &SecretString) -> Self {
        Self::Secret(Box::new(DecodingKey::from_secret(secret.expose().as_bytes())))
    }
}

impl Tokens {
    pub(super) fn new(server: &'static str, issuer: String, audience: String, keys: Keys) -> Self {
        signature::install();
        Self { server, issuer, audience, keys, verified: Cache::new(REMEMBERED) }
    }

    /// The caller that a token names.
    pub(super) async fn verify(&self, token: &str) -> Result<Principal, Rejected> {
        if token.len() > MAX_LENGTH {
            return Err(Rejected::Invalid);
        }
        let digest = digest_of(token);
        let now = get_current_timestamp();
        if let Some(known) = self.verified.get(&digest).filter(|known| now < known.until) {
            return Ok(known.principal);
        }
        let claims = self.claims(token).await?;
        let principal = self.principal(&claims).ok_or(Rejected::Invalid)?;
        let until = seconds(claims.exp).min(now + KEEP);
        self.verified.insert(digest, Verified { principal: principal.clone(), until });
        Ok(principal)
    }

    async fn claims(&self, token: &str) -> Result<Claims, Rejected> {
        let header = decode_header(token).map_err(|_| Rejected::Invalid)?;
        if header.crit.is_some() {
            // RFC 7515 section 4.1.11: extensions that must be understood, and none is.
            return Err(Rejected::Invalid);
        }
        let found;
        let key = match &self.keys {
            Keys::Secret(key) if header.alg == Algorithm::HS256 => &**key,
            Keys::Public(jwks) if signature::PUBLIC_KEY_ALGORITHMS.contains(&header.alg) => {
                let kid = header.kid.as_deref().ok_or(Rejected::Invalid)?;
                found = jwks.find(kid, header.alg).await?.ok_or(Rejected::Invalid)?;
                &found
            }
            _ => return Err(Rejected::Invalid),
        };
        let token = decode::<Claims>(token, key, &self.rules(header.alg));
        let claims = token.map_err(|_| Rejected::Invalid)?.claims;
        // The library would take a list of issuers as well.
        if claims.iss == self.issuer { Ok(claims) } else { Err(Rejected::Invalid) }
    }

    fn rules(&self, algorithm: Algorithm) -> Validation {
        let mut rules = Validation::new(algorithm);
        rules.leeway = LEEWAY;
        rules.validate_nbf = true;
        rules.set_audience(&[&self.audience]);
        rules.set_issuer(&[&self.issuer]);
        rules.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        rules
    }

    fn principal(&self, claims: &Claims) -> Option<Principal> {
        let subject = &claims.sub;
        if subject.is_empty() || subject.len() > MAX_SUBJECT || subject.contains(char::is_control) {
            return None;
        }
        let words = claims.scope.as_deref().into_iter().flat_map(str::split_whitespace);
        let listed = claims.scp.iter().flat_map(|scp| match scp {
            Words::List(list) => list.iter().map(String::as_str).collect::<Vec<_>>(),
            Words::Text(text) => text.split_whitespace().collect(),
        });
        let scope = words.chain(listed).filter_map(|word| Scope::parse(word, self.server)).max();
        Some(Principal::new(format!("jwt:{subject}"), scope, None))
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a saturating cast is what a date far away needs"
)]
fn seconds(at: f64) -> u64 {
    at as u64
}

/// What a minted token says.
#[derive(Debug, Serialize)]
pub struct Mint<'a> {
    /// Who signs.
    pub iss: &'a str,
    /// The caller.
    pub sub: &'a str,
    /// For which server.
    pub aud: &'a str,
    /// Scopes, separated by spaces.
    pub scope: &'a str,
    /// Seconds since 1970.
    pub iat: u64,
    /// Seconds since 1970.
    pub exp: u64,
}

impl<'a> Mint<'a> {
    /// A token that lives for `ttl` from now.
    pub fn new(
        issuer: Option<&'a str>,
        audience: &'a str,
        subject: &'a str,
        scope: &'a str,
        ttl: Duration,
    ) -> Self {
        let iat = get_current_timestamp();
        let iss = issuer.unwrap_or(OWN_ISSUER);
        Self { iss, sub: subject, aud: audience, scope, iat, exp: iat + ttl.as_secs() }
    }

    /// Sign it with the shared secret.
    ///
    /// # Errors
    /// When the claims cannot be written as JSON.
    pub fn sign(&self, secret: &SecretString) -> Result<SecretString, String> {
        signature::install();
        let key = EncodingKey::from_secret(secret.expose().as_bytes());
        encode(&Header::new(Algorithm::HS256), self, &key)
            .map(SecretString::from)
            .map_err(|error| error.to_string())
    }
}

#[cfg(test)]
#[path = "jwt_tests.rs"]
mod tests;
