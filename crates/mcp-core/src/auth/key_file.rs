//! The file of API keys: digests, never keys. Written whole, under a lock.

use std::{collections::BTreeSet, fs::File, path::Path};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Scope, api_key};
use crate::{durable, fleet, limits::Rates};

/// Layout of the file.
const VERSION: u32 = 1;
/// Keys of one name that may live at once: the old and the new one of a rotation.
const LIVE_PER_NAME: usize = 2;
/// Longest name.
const MAX_NAME: usize = 64;
/// Where the first key is laid, beside the file.
const FIRST: &str = "api_key";

/// What is wrong with the file, or with what was asked of it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct KeyFileError(String);

/// One key, as the file holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Names this one key of its owner.
    pub id: String,
    /// Owner: what it makes belongs to this name.
    pub name: String,
    /// SHA-256 of the key, in hex.
    sha256: String,
    /// `<server>:read`, `:write` or `:admin`.
    pub scopes: Vec<String>,
    /// The only tools it sees, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tools: Option<BTreeSet<String>>,
    /// Its own limits, if given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rates: Option<Rates>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires: Option<DateTime<Utc>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    keys: Vec<Record>,
}

/// What a new key may do.
#[derive(Debug, Clone, Default)]
pub struct Grant {
    /// Scopes by name.
    pub scopes: Vec<String>,
    /// The only tools it sees.
    pub tools: Option<BTreeSet<String>>,
    /// Its own limits.
    pub rates: Option<Rates>,
    /// When it ends.
    pub expires: Option<DateTime<Utc>>,
}

impl Record {
    /// Whether the key is still good.
    pub fn lives(&self, now: DateTime<Utc>) -> bool {
        self.expires.is_none_or(|expires| now < expires)
    }

    pub(super) fn digest(&self) -> Result<[u8; 32], KeyFileError> {
        let mut digest = [0; 32];
        hex::decode_to_slice(&self.sha256, &mut digest).map_err(|_| {
            KeyFileError(format!("key {}: `sha256` must be 64 hex digits", self.id))
        })?;
        Ok(digest)
    }

    fn check(&self) -> Result<(), KeyFileError> {
        self.digest()?;
        for scope in &self.scopes {
            check_scope(scope)?;
        }
        check_name(&self.name)
    }
}

/// All keys of the file; none when there is no file.
///
/// # Errors
/// When it cannot be read, or is not such a file.
pub fn read(path: &Path) -> Result<Vec<Record>, KeyFileError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(KeyFileError(format!("{} cannot be read: {error}", path.display())));
        }
    };
    parse(&text).map_err(|error| KeyFileError(format!("{}: {error}", path.display())))
}

/// When the newest key was made.
pub(super) fn newest(path: &Path) -> Result<Option<DateTime<Utc>>, KeyFileError> {
    Ok(read(path)?.iter().map(|record| record.created).max())
}

fn parse(text: &str) -> Result<Vec<Record>, KeyFileError> {
    let document: Document =
        serde_json::from_str(text).map_err(|error| KeyFileError(error.to_string()))?;
    if document.version != VERSION {
        let found = document.version;
        return Err(KeyFileError(format!(
            "version {found} is unknown, this binary reads {VERSION}"
        )));
    }
    document.keys.iter().try_for_each(Record::check)?;
    Ok(document.keys)
}

/// Make a key; the key itself is given once, here.
///
/// # Errors
/// A name that is taken twice, an unknown scope, a file that cannot be written.
pub fn create(
    path: &Path,
    server: &str,
    name: &str,
    grant: Grant,
) -> Result<(String, Record), KeyFileError> {
    check_name(name)?;
    grant.scopes.iter().try_for_each(|scope| check_scope(scope))?;
    change(path, |keys, now| {
        let live = keys.iter().filter(|key| key.name == name && key.lives(now)).count();
        if live >= LIVE_PER_NAME {
            return Err(KeyFileError(format!(
                "{name} has {live} live keys, {LIVE_PER_NAME} are the most: revoke one first"
            )));
        }
        let key = api_key::generate(server)
            .map_err(|error| KeyFileError(format!("no randomness: {error}")))?;
        let record = record(&key, name, grant, now);
        keys.push(record.clone());
        Ok((key, record))
    })
}

/// Make a second key of a name, and let the first end after `overlap`.
///
/// # Errors
/// An unknown name, or one with two live keys.
pub fn rotate(
    path: &Path,
    server: &str,
    name: &str,
    overlap: TimeDelta,
) -> Result<(String, Record), KeyFileError> {
    change(path, |keys, now| {
        let mut live: Vec<&mut Record> =
            keys.iter_mut().filter(|key| key.name == name && key.lives(now)).collect();
        let old = match live.as_mut_slice() {
            [] => return Err(unknown(name)),
            [only] => only,
            _ => {
                return Err(KeyFileError(format!(
                    "{name} is being rotated: revoke its older key first"
                )));
            }
        };
        let grant = Grant {
            scopes: old.scopes.clone(),
            tools: old.tools.clone(),
            rates: old.rates,
            expires: old.expires,
        };
        let end = now + overlap;
        old.expires = Some(old.expires.map_or(end, |expires| expires.min(end)));
        let key = api_key::generate(server)
            .map_err(|error| KeyFileError(format!("no randomness: {error}")))?;
        let record = record(&key, name, grant, now);
        keys.push(record.clone());
        Ok((key, record))
    })
}

/// Take keys away, by name or id; how many.
///
/// # Errors
/// When there is no such key.
pub fn revoke(path: &Path, name_or_id: &str) -> Result<usize, KeyFileError> {
    change(path, |keys, _now| {
        let before = keys.len();
        keys.retain(|key| key.name != name_or_id && key.id != name_or_id);
        match before - keys.len() {
            0 => Err(unknown(name_or_id)),
            gone => Ok(gone),
        }
    })
}

/// The first keys of a fresh installation, made when the file holds none and laid beside it (mode
/// 0600): one for everything on all servers of the fleet in `api_key`, from where [`shown`] reads it,
/// and in `metrics_key` one that reads `/metrics` and `/status` and sees no tool.
pub(super) fn first(path: &Path, server: &str) -> Result<bool, KeyFileError> {
    let own = fleet::find(server).is_none().then_some(server);
    let fleet = || fleet::MEMBERS.iter().map(|member| member.name).chain(own);
    let grants = [
        ("first", FIRST, Scope::Admin, None),
        ("metrics", "metrics_key", Scope::Read, Some(BTreeSet::new())),
    ];
    change(path, |keys, now| {
        if !keys.is_empty() {
            return Ok(false);
        }
        for (name, file, scope, tools) in grants {
            let key = api_key::generate("machina")
                .map_err(|error| KeyFileError(format!("no randomness: {error}")))?;
            let scopes = fleet().map(|server| scope.name(server)).collect();
            keys.push(record(&key, name, Grant { scopes, tools, ..Grant::default() }, now));
            write(&path.with_file_name(file), format!("{key}\n").as_bytes())?;
        }
        Ok(true)
    })
}

/// The first key of the installation, if it is still there.
pub fn shown(path: &Path) -> Option<String> {
    Some(std::fs::read_to_string(path.with_file_name(FIRST)).ok()?.trim().to_owned())
}

fn record(key: &str, name: &str, grant: Grant, now: DateTime<Utc>) -> Record {
    let sha256 = hex::encode(api_key::digest_of(key));
    Record {
        // Of the digest, so that a log line and the file name the same key.
        id: sha256.chars().take(8).collect(),
        name: name.to_owned(),
        sha256,
        scopes: grant.scopes,
        tools: grant.tools,
        rates: grant.rates,
        created: now,
        expires: grant.expires,
    }
}

/// Read, change and write the file while no other process does.
fn change<T>(
    path: &Path,
    edit: impl FnOnce(&mut Vec<Record>, DateTime<Utc>) -> Result<T, KeyFileError>,
) -> Result<T, KeyFileError> {
    let _lock = lock(path)?;
    let mut keys = read(path)?;
    let out = edit(&mut keys, Utc::now())?;
    let document = Document { version: VERSION, keys };
    let text =
        serde_json::to_string_pretty(&document).map_err(|error| KeyFileError(error.to_string()))?;
    write(path, text.as_bytes())?;
    Ok(out)
}

fn lock(path: &Path) -> Result<File, KeyFileError> {
    let failed = |error: std::io::Error| unwritable(path, &error);
    let mut options = durable::private();
    options.create(true).truncate(false).read(true).write(true);
    let file = options.open(path.with_extension("lock")).map_err(failed)?;
    file.lock().map_err(failed)?;
    Ok(file)
}

/// Replace a file at once: a revoked key must not come back with a crash.
fn write(path: &Path, bytes: &[u8]) -> Result<(), KeyFileError> {
    durable::replace(path, bytes).map_err(|error| unwritable(path, &error))
}

fn unwritable(path: &Path, error: &std::io::Error) -> KeyFileError {
    KeyFileError(format!("{} cannot be written: {error}", path.display()))
}

fn unknown(name: &str) -> KeyFileError {
    KeyFileError(format!("there is no live key `{name}`: `key list` shows them"))
}

fn check_name(name: &str) -> Result<(), KeyFileError> {
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.@".contains(c);
    if (1..=MAX_NAME).contains(&name.len()) && name.chars().all(good) {
        return Ok(());
    }
    Err(KeyFileError(format!(
        "the name of a key has 1 to {MAX_NAME} characters of a-z, A-Z, 0-9 and -_.@"
    )))
}

/// A scope is `<server>:<word>`; a file may hold those of other servers, but no unknown word.
fn check_scope(scope: &str) -> Result<(), KeyFileError> {
    let known = scope
        .split_once(':')
        .is_some_and(|(server, _)| !server.is_empty() && Scope::parse(scope, server).is_some());
    if known {
        return Ok(());
    }
    Err(KeyFileError(format!(
        "unknown scope `{scope}`: a scope is <server>:read, <server>:write or <server>:admin"
    )))
}

/// Whether others than the owner may read a file.
pub(super) fn is_exposed(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        std::fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scoped(scope: &str) -> Grant {
        Grant { scopes: vec![scope.to_owned()], ..Grant::default() }
    }

    #[test]
    fn keys_are_made_rotated_and_revoked() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        assert_eq!(read(&path).unwrap(), []);
        let (key, made) = create(&path, "bayes", "ci", scoped("bayes:read")).unwrap();
        assert!(!std::fs::read_to_string(&path).unwrap().contains(&key));
        assert!(!is_exposed(&path));
        let (new, _) = rotate(&path, "bayes", "ci", TimeDelta::hours(1)).unwrap();
        assert_ne!(key, new);
        let keys = read(&path).unwrap();
        assert_eq!(keys.len(), 2);
        assert!(keys[0].expires.is_some() && keys[1].expires.is_none());
        assert_eq!(keys[0].scopes, keys[1].scopes);
        assert!(rotate(&path, "bayes", "ci", TimeDelta::hours(1)).is_err());
        assert!(create(&path, "bayes", "ci", scoped("bayes:read")).is_err());
        assert_eq!(revoke(&path, &made.id).unwrap(), 1);
        assert_eq!(revoke(&path, "ci").unwrap(), 1);
        assert!(revoke(&path, "ci").is_err());
    }

    #[test]
    fn unknown_scopes_names_and_versions_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        for scope in ["bayes:*", "read", ":read", "bayes:owner"] {
            let error = create(&path, "bayes", "ci", scoped(scope)).unwrap_err();
            assert!(error.to_string().contains(scope), "{error}");
        }
        assert!(create(&path, "bayes", "a b", scoped("bayes:read")).is_err());
        assert!(create(&path, "bayes", "", scoped("bayes:read")).is_err());
        std::fs::write(&path, r#"{"version": 2, "keys": []}"#).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("version 2"));
    }

    #[test]
    fn the_first_keys_are_made_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keys.json");
        assert!(first(&path, "bayes").unwrap());
        assert!(!first(&path, "darwin").unwrap());
        let key = shown(&path).unwrap();
        let [all, metrics] = read(&path).unwrap().try_into().unwrap();
        assert_eq!(all.digest().unwrap(), api_key::digest_of(&key));
        let second = std::fs::read_to_string(dir.path().join("metrics_key")).unwrap();
        assert_eq!(metrics.digest().unwrap(), api_key::digest_of(second.trim()));
        assert!(metrics.scopes.iter().all(|scope| scope.ends_with(":read")), "{metrics:?}");
        assert!(metrics.tools.is_some_and(|tools| tools.is_empty()));
        assert!(!["api_key", "metrics_key"].iter().any(|file| is_exposed(&dir.path().join(file))));
    }
}
