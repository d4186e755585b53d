//! The issuer's public keys (RFC 7517): fetched when needed, kept, never followed elsewhere.
//!
//! A set is fresh for what the issuer says, at least 5 minutes and at most a day. It is fetched at
//! most once a minute, by one caller at a time, whatever key ids callers make up. When the issuer
//! cannot be reached, the last set serves one hour more.

use std::{collections::HashMap, fmt, future::Future, pin::Pin, sync::RwLock, time::Duration};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse},
};
use serde::Deserialize;
use serde_json::Value;
use tokio::{sync::Mutex, time::Instant};

use super::jwt::Rejected;

const MIN_FRESH: Duration = Duration::from_secs(5 * 60);
const MAX_FRESH: Duration = Duration::from_secs(24 * 60 * 60);
/// How long a set serves beyond its freshness when no newer one can be had.
const STALE: Duration = Duration::from_secs(60 * 60);
/// Least time between two fetches.
const BETWEEN: Duration = Duration::from_secs(60);
/// Largest document.
pub(super) const MAX_BYTES: usize = 1 << 20;
/// Most keys that are taken.
const MAX_KEYS: usize = 100;

/// A fetched document, and how long it says it is fresh.
pub(super) struct Document {
    pub(super) bytes: Vec<u8>,
    pub(super) max_age: Option<Duration>,
}

type Fetching = Pin<Box<dyn Future<Output = Result<Document, String>> + Send>>;
/// Gets the document anew.
pub(super) type Fetch = Box<dyn Fn() -> Fetching + Send + Sync>;

/// Where time comes from.
type Clock = Box<dyn Fn() -> Instant + Send + Sync>;

/// The keys of one issuer.
pub(super) struct Jwks {
    fetch: Fetch,
    clock: Clock,
    known: RwLock<Option<Known>>,
    /// When it was last tried; held while trying.
    tried: Mutex<Option<Instant>>,
}

struct Known {
    keys: HashMap<String, Key>,
    fetched: Instant,
    fresh: Duration,
}

#[derive(Clone)]
struct Key {
    key: DecodingKey,
    algorithms: Vec<Algorithm>,
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").finish_non_exhaustive()
    }
}

impl Jwks {
    pub(super) fn new(fetch: Fetch) -> Self {
        Self::with_clock(fetch, Box::new(Instant::now))
    }

    pub(super) fn with_clock(fetch: Fetch, clock: Clock) -> Self {
        Self { fetch, clock, known: RwLock::new(None), tried: Mutex::new(None) }
    }

    /// The key of that id, if it signs by that algorithm.
    pub(super) async fn find(
        &self,
        kid: &str,
        algorithm: Algorithm,
    ) -> Result<Option<DecodingKey>, Rejected> {
        if let Some(found) = self.fresh(kid, algorithm) {
            return Ok(Some(found));
        }
        self.refresh(kid).await;
        let now = (self.clock)();
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        match known.as_ref() {
            Some(known) if now < known.fetched + known.fresh + STALE => {
                Ok(known.find(kid, algorithm))
            }
            _ => Err(Rejected::Unavailable),
        }
    }

    fn fresh(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.as_ref().filter(|known| known.is_fresh((self.clock)()))?.find(kid, algorithm)
    }

    /// Whether another caller fetched it meanwhile.
    fn has(&self, kid: &str) -> bool {
        let known = self.known.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let now = (self.clock)();
        known.as_ref().is_some_and(|known| known.is_fresh(now) && known.keys.contains_key(kid))
    }

    /// Fetch the set, unless it was tried within the last minute.
    async fn refresh(&self, kid: &str) {
        let mut tried = self.tried.lock().await;
        let now = (self.clock)();
        if self.has(kid) || tried.is_some_and(|at| now < at + BETWEEN) {
            return;
        }
        *tried = Some(now);
        match (self.fetch)().await.and_then(|document| read(&document, now)) {
            Ok(known) => {
                tracing::debug!(keys = known.keys.len(), "the issuer's keys were fetched");
                *self.known.write().unwrap_or_else(std::sync::PoisonError::into_inner) =
                    Some(known);
            }
            Err(error) => tracing::warn!(error, "the issuer's keys cannot be had"),
        }
    }
}

impl Known {
    fn is_fresh(&self, now: Instant) -> bool {
        now < self.fetched + self.fresh
    }

    fn find(&self, kid: &str, algorithm: Algorithm) -> Option<DecodingKey> {
        let key = self.keys.get(kid).filter(|key| key.algorithms.contains(&algorithm))?;
        Some(key.key.clone())
    }
}

fn read(document: &Document, now: Instant) -> Result<Known, String> {
    #[derive(Deserialize)]
    struct Set {
        keys: Vec<Value>,
    }
    let set: Set = serde_json::from_slice(&document.bytes)
        .map_err(|_| "the document is no JSON Web Key Set".to_owned())?;
    // A key of a kind we do not know must not spoil the others.
    let keys = set.keys.into_iter().take(MAX_KEYS).filter_map(|key| usable(&key)).collect();
    let fresh = document.max_age.unwrap_or(MIN_FRESH).clamp(MIN_FRESH, MAX_FRESH);
    Ok(Known { keys, fetched: now, fresh })
}

/// A public key for signatures, with an id.
fn usable(key: &Value) -> Option<(String, Key)> {
    let jwk: Jwk = serde_json::from_value(key.clone()).ok()?;
    let kid = jwk.common.key_id.clone()?;
    if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
        return None;
    }
    let mut algorithms = match &jwk.algorithm {
        AlgorithmParameters::RSA(_) => vec![Algorithm::RS256, Algorithm::PS256],
        AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => {
            vec![Algorithm::ES256]
        }
        AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => {
            vec![Algorithm::EdDSA]
        }
        // A secret has no place in a public document.
        _ => return None,
    };
    if let Some(named) = jwk.common.key_algorithm {
        algorithms.retain(|algorithm| named_like(named) == Some(*algorithm));
    }
    let key = DecodingKey::from_jwk(&jwk).ok().filter(|_| !algorithms.is_empty())?;
    Some((kid, Key { key, algorithms }))
}

fn named_like(name: KeyAlgorithm) -> Option<Algorithm> {
    match name {
        KeyAlgorithm::RS256 => Some(Algorithm::RS256),
        KeyAlgorithm::PS256 => Some(Algorithm::PS256),
        KeyAlgorithm::ES256 => Some(Algorithm::ES256),
        KeyAlgorithm::EdDSA => Some(Algorithm::EdDSA),
        _ => None,
    }
}

/// `max-age` of a `Cache-Control` header.
pub(super) fn max_age(header: &str) -> Option<Duration> {
    let seconds = header.split(',').find_map(|part| part.trim().strip_prefix("max-age="))?;
    seconds.parse().ok().map(Duration::from_secs)
}
