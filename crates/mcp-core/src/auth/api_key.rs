//! API keys: 256 random bits, kept as digests in one file.
//!
//! A key is `mk_<server>_<43 base64url characters>`. The file holds SHA-256 digests: of a random
//! value of 256 bits no slow hash is needed, and a request costs one digest and one look-up.

use std::{
    collections::{BTreeSet, HashMap},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, Utc};
use ring::digest;
use tokio::time::Instant;

use super::{
    Principal, Scope,
    key_file::{self, KeyFileError, Record},
};
use crate::{ConfigError, SecretString, state_key::weakness};

/// Begin of every key.
pub(super) const PREFIX: &str = "mk_";
/// How long the file's date is taken for granted.
const RECHECK: Duration = Duration::from_secs(1);

/// SHA-256 of a key.
type Digest = [u8; 32];

/// The keys that are accepted.
#[derive(Debug)]
pub(super) struct ApiKeys {
    server: &'static str,
    /// From the configuration, not from the file.
    fixed: HashMap<Digest, Arc<Key>>,
    path: Option<PathBuf>,
    from_file: RwLock<HashMap<Digest, Arc<Key>>>,
    seen: Mutex<Seen>,
}

#[derive(Debug)]
struct Seen {
    checked: Instant,
    stamp: Option<Stamp>,
}

/// What changes when the file does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    length: u64,
}

#[derive(Debug)]
struct Key {
    principal: Principal,
    expires: Option<DateTime<Utc>>,
}

impl ApiKeys {
    /// Keys of `configured` (comma-separated, full scope) and of the file at `path`.
    pub(super) fn open(
        server: &'static str,
        configured: Option<&SecretString>,
        path: Option<PathBuf>,
    ) -> Result<Self, ConfigError> {
        let fixed = configured.map(|keys| fixed(keys.expose())).transpose()?.unwrap_or_default();
        let stamp = path.as_deref().and_then(Stamp::of);
        let from_file = match &path {
            Some(path) => read(server, path).map_err(|error| unreadable(&error))?,
            None => HashMap::new(),
        };
        Ok(Self {
            server,
            fixed,
            path,
            from_file: RwLock::new(from_file),
            seen: Mutex::new(Seen { checked: Instant::now(), stamp }),
        })
    }

    /// The owner of a key, if it is one of ours and lives.
    pub(super) fn find(&self, key: &str) -> Option<Principal> {
        self.reread();
        let digest = digest_of(key);
        let found = self.fixed.get(&digest).cloned().or_else(|| {
            let keys = self.from_file.read().unwrap_or_else(PoisonError::into_inner);
            keys.get(&digest).cloned()
        })?;
        let lives = found.expires.is_none_or(|expires| Utc::now() < expires);
        lives.then(|| found.principal.clone())
    }

    /// Read the file again if it has changed. What cannot be read leaves the known keys in force.
    fn reread(&self) {
        let Some(path) = &self.path else { return };
        let Ok(mut seen) = self.seen.try_lock() else { return };
        if seen.checked.elapsed() < RECHECK {
            return;
        }
        seen.checked = Instant::now();
        let stamp = Stamp::of(path);
        if stamp == seen.stamp {
            return;
        }
        seen.stamp = stamp;
        match read(self.server, path) {
            Ok(keys) => {
                tracing::info!(keys = keys.len(), "the API keys were read again");
                *self.from_file.write().unwrap_or_else(PoisonError::into_inner) = keys;
            }
            Err(error) => {
                tracing::error!(%error, "the API keys cannot be read: the known ones stay");
            }
        }
    }
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        let metadata = std::fs::metadata(path).ok()?;
        Some(Self { modified: metadata.modified().ok()?, length: metadata.len() })
    }
}

/// A new key for a server.
pub(super) fn generate(server: &str) -> Result<String, getrandom::Error> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(format!("{PREFIX}{server}_{}", URL_SAFE_NO_PAD.encode(bytes)))
}

/// The digest under which a key is kept.
pub(super) fn digest_of(key: &str) -> Digest {
    let mut out = Digest::default();
    for (to, from) in out.iter_mut().zip(digest::digest(&digest::SHA256, key.as_bytes()).as_ref()) {
        *to = *from;
    }
    out
}

/// A file of keys that cannot be read.
pub(super) fn unreadable(error: &KeyFileError) -> ConfigError {
    ConfigError::new("MACHINA_API_KEYS_FILE", error.to_string())
        .with_hint("mend the file, or move it away and create keys anew with `key create`")
}

/// Check the keys of a configuration.
pub(super) fn check(keys: &SecretString) -> Result<(), ConfigError> {
    fixed(keys.expose()).map(drop)
}

fn fixed(keys: &str) -> Result<HashMap<Digest, Arc<Key>>, ConfigError> {
    let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty());
    keys.enumerate()
        .map(|(index, key)| {
            if let Some(why) = weakness(key) {
                let message = format!("key {} {why}", index + 1);
                return Err(ConfigError::new("api_key", message)
                    .with_hint("use random keys: `key create NAME` makes one"));
            }
            let id = format!("key:configured-{}", index + 1);
            let principal = Principal::new(id, Some(Scope::Admin), None);
            Ok((digest_of(key), Arc::new(Key { principal, expires: None })))
        })
        .collect()
}

fn read(server: &str, path: &Path) -> Result<HashMap<Digest, Arc<Key>>, KeyFileError> {
    let records = key_file::read(path)?;
    records.into_iter().map(|record| key(server, &record)).collect()
}

fn key(server: &str, record: &Record) -> Result<(Digest, Arc<Key>), KeyFileError> {
    let digest = record.digest()?;
    let scope = record.scopes.iter().filter_map(|name| Scope::parse(name, server)).max();
    let tools: Option<BTreeSet<String>> = record.tools.clone();
    let mut principal = Principal::new(format!("key:{}", record.name), scope, tools);
    if let Some(rates) = record.rates {
        principal = principal.with_rates(rates);
    }
    Ok((digest, Arc::new(Key { principal, expires: record.expires })))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(configured: &str) -> Result<ApiKeys, ConfigError> {
        ApiKeys::open("bayes", Some(&SecretString::from(configured.to_owned())), None)
    }

    #[test]
    fn a_configured_key_is_found_and_no_other() {
        let one = "0123456789abcdef0123456789abcdef";
        let keys = keys(&format!(" {one}, {one}x ")).unwrap();
        assert_eq!(keys.find(one).unwrap().id(), "key:configured-1");
        assert!(keys.find(&one.to_uppercase()).is_none());
        assert!(keys.find("").is_none());
    }

    #[test]
    fn a_short_key_is_refused_without_showing_it() {
        let error = keys("hunter2").unwrap_err();
        assert!(error.to_string().contains("needs at least 32"), "{error}");
        assert!(!error.to_string().contains("hunter2"));
    }

    #[test]
    fn keys_are_random_and_long() {
        let (one, two) = (generate("bayes").unwrap(), generate("bayes").unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), "mk_bayes_".len() + 43);
    }
}
