//! The key under everything that a caller carries and gives back: cursors, confirm tokens, the
//! state of a call that asked for input.
//!
//! From one secret a key of its own is derived for each purpose, so that a value made for one is
//! nothing to another. Values are signed, not encrypted: no secret belongs inside.

mod canonical;
mod request_state;

use std::{
    collections::BTreeSet,
    fmt,
    sync::{Arc, OnceLock},
};

use ring::hmac;
use rmcp::model::{RequestStateCodec, SealOptions};

pub(crate) use self::request_state::now_ms;
pub use self::{
    canonical::{canonical_json, digest_of},
    request_state::{InvalidState, RequestState},
};
use crate::{
    ConfigError, Principal, Result, SecretString, ToolError, cursor::Cursor, state_dir::StateDir,
};

/// Fewest bytes of a configured key.
pub const MIN_BYTES: usize = 32;
/// Fewest different bytes in one: less is a repeated word, not a key.
const MIN_DISTINCT: usize = 8;
/// Longest value that is looked at: no value made here comes near it.
const MAX_SEALED: usize = 8_192;

/// Signs what leaves and checks what comes back. Cheap to clone.
#[derive(Clone)]
pub struct StateKey(Arc<Source>);

/// Keys that may have to be looked for first.
struct Source {
    keys: OnceLock<Keys>,
    /// Until they are needed: a secret made at random, and where one may be kept.
    kept: Option<(StateDir, String)>,
}

struct Keys {
    confirm_token: Sealer,
    confirm_state: Sealer,
    request_state: Sealer,
    cursor: Sealer,
    name: hmac::Key,
}

impl fmt::Debug for StateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StateKey")
    }
}

impl StateKey {
    /// The key of this process: the configured one, else one made at random that ends with it.
    ///
    /// # Errors
    /// A key that is too weak; no source of randomness.
    pub fn of(setting: Option<&SecretString>) -> Result<Self, ConfigError> {
        static RANDOM: OnceLock<StateKey> = OnceLock::new();
        if let Some(secret) = setting {
            check(secret)?;
            return Self::derive(secret.expose().as_bytes());
        }
        if let Some(key) = RANDOM.get() {
            return Ok(key.clone());
        }
        let key = Self::random()?;
        Ok(RANDOM.get_or_init(|| key).clone())
    }

    /// The configured key, else the one that the state directory keeps: read, or made, when it is
    /// first needed. Where there is no place to keep it, it ends with the process.
    ///
    /// # Errors
    /// A key that is too weak; no source of randomness.
    pub(crate) fn kept(setting: Option<&SecretString>, dir: StateDir) -> Result<Self, ConfigError> {
        if setting.is_some() {
            return Self::of(setting);
        }
        let mut secret = [0; MIN_BYTES];
        fill(&mut secret)?;
        let kept = Some((dir, hex::encode(secret)));
        Ok(Self(Arc::new(Source { keys: OnceLock::new(), kept })))
    }

    /// A key of nobody else's.
    ///
    /// # Errors
    /// No source of randomness.
    pub fn random() -> Result<Self, ConfigError> {
        let mut secret = [0; MIN_BYTES];
        fill(&mut secret)?;
        Self::derive(&secret)
    }

    fn derive(secret: &[u8]) -> Result<Self, ConfigError> {
        Ok(Self(Arc::new(Source { keys: OnceLock::from(Keys::of(secret)?), kept: None })))
    }

    fn keys(&self) -> &Keys {
        self.0.keys.get_or_init(|| {
            let (dir, new) =
                self.0.kept.as_ref().unwrap_or_else(|| unreachable!("derived at once"));
            let secret = dir.secret("state_key", new).unwrap_or_else(|error| {
                tracing::warn!(%error, "cursors end with this process: their key cannot be kept");
                new.clone()
            });
            Keys::of(secret.as_bytes()).unwrap_or_else(|_| unreachable!("long enough"))
        })
    }

    /// Cursors of one listing. A new `version` refuses the cursors of the one before.
    pub fn cursor(&self, listing: &'static str, version: u8) -> Cursor {
        Cursor::new(self.clone(), listing, version)
    }

    /// State of calls of one tool that ask for input.
    pub fn request_state(&self, tool: &'static str) -> RequestState {
        RequestState::new(self.clone(), tool)
    }

    /// The name of what a caller makes from `content`: `<prefix>_` and 32 hexadecimal digits. Equal
    /// content of the same caller has the same name; without the key none can be guessed.
    pub fn name(&self, prefix: &str, owner: &Principal, content: &[u8]) -> String {
        let bound = joined(&[prefix.as_bytes(), owner.id().as_bytes(), content]);
        let tag = hmac::sign(&self.keys().name, &bound);
        let digits = tag.as_ref().first_chunk::<16>().copied().unwrap_or_default();
        format!("{prefix}_{}", hex::encode(digits))
    }

    pub(crate) fn sealer(&self, purpose: Purpose) -> &Sealer {
        match purpose {
            Purpose::ConfirmToken => &self.keys().confirm_token,
            Purpose::ConfirmState => &self.keys().confirm_state,
            Purpose::RequestState => &self.keys().request_state,
            Purpose::Cursor => &self.keys().cursor,
        }
    }
}

impl Keys {
    fn of(secret: &[u8]) -> Result<Self, ConfigError> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let sealer = |label: &str| {
            let purpose = format!("machina/state-key/1/{label}");
            let own = hmac::sign(&secret, purpose.as_bytes());
            let codec = RequestStateCodec::try_new(own.as_ref());
            codec.map(Sealer).map_err(|error| ConfigError::new(SETTING, error.to_string()))
        };
        Ok(Self {
            confirm_token: sealer("confirm-token")?,
            confirm_state: sealer("confirm-state")?,
            request_state: sealer("request-state")?,
            cursor: sealer("cursor")?,
            name: hmac::Key::new(
                hmac::HMAC_SHA256,
                hmac::sign(&secret, b"machina/state-key/1/name").as_ref(),
            ),
        })
    }
}

fn fill(secret: &mut [u8]) -> Result<(), ConfigError> {
    getrandom::fill(secret)
        .map_err(|error| ConfigError::new(SETTING, format!("no random key: {error}")))
}

/// The setting that holds the key.
const SETTING: &str = "MACHINA_STATE_KEY";

/// Refuse a key that could be guessed.
///
/// # Errors
/// When it is too short, or a short word repeated.
pub fn check(secret: &SecretString) -> Result<(), ConfigError> {
    weakness(secret.expose()).map_or(Ok(()), |why| {
        Err(ConfigError::new(SETTING, why)
            .with_hint("make one with `openssl rand -hex 32`, or leave it out for a random one"))
    })
}

/// What makes a secret easy to guess, if anything does.
pub(crate) fn weakness(secret: &str) -> Option<String> {
    let bytes = secret.as_bytes();
    let distinct = bytes.iter().collect::<BTreeSet<_>>().len();
    if bytes.len() < MIN_BYTES {
        Some(format!("has {} bytes, needs at least {MIN_BYTES}", bytes.len()))
    } else if distinct < MIN_DISTINCT {
        Some(format!("has {distinct} different bytes, needs at least {MIN_DISTINCT}"))
    } else {
        None
    }
}

/// What a sealed value is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// An argument that confirms a call.
    ConfirmToken,
    /// State of a call that asked its user to confirm it.
    ConfirmState,
    /// State of a tool's own.
    RequestState,
    /// Place where a listing goes on.
    Cursor,
}

/// Seals and opens values of one purpose.
pub(crate) struct Sealer(RequestStateCodec);

impl Sealer {
    /// Sign a payload together with what it is bound to.
    pub(crate) fn seal(&self, bound: &[&[u8]], payload: &[u8]) -> String {
        self.0.seal_with(payload, &SealOptions::new().associated_data(&joined(bound)))
    }

    /// The payload, if this value was made with this key for the same things.
    pub(crate) fn open(&self, bound: &[&[u8]], sealed: &str) -> Option<Vec<u8>> {
        if sealed.len() > MAX_SEALED {
            return None;
        }
        self.0.open_with(sealed, &joined(bound)).ok()
    }
}

/// SHA-256.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut digest = [0; 32];
    digest.copy_from_slice(ring::digest::digest(&ring::digest::SHA256, bytes).as_ref());
    digest
}

/// Parts with their lengths, so that no two lists of parts are the same bytes.
pub(crate) fn joined(parts: &[&[u8]]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
    for part in parts {
        bytes.extend((part.len() as u64).to_be_bytes());
        bytes.extend(*part);
    }
    bytes
}

/// 128 random bits as 32 hexadecimal digits.
///
/// # Errors
/// `internal` when there is no source of randomness.
pub(crate) fn random_id() -> Result<String> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)
        .map_err(|error| ToolError::internal(format!("no random id: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bits)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PURPOSES: [Purpose; 4] =
        [Purpose::ConfirmToken, Purpose::ConfirmState, Purpose::RequestState, Purpose::Cursor];

    #[test]
    fn a_weak_key_is_refused_with_the_repair() {
        for weak in ["", "short", &"a".repeat(64), &"changeme".repeat(8), &"x".repeat(31)] {
            let error = StateKey::of(Some(&weak.to_owned().into())).unwrap_err();
            assert!(error.to_string().contains("MACHINA_STATE_KEY"), "{error}");
            assert!(weak.is_empty() || !error.to_string().contains(weak), "{error}");
            assert!(error.hint().is_some_and(|hint| hint.contains("openssl rand")));
        }
        let strong: SecretString = "0123456789abcdef0123456789abcdef".to_owned().into();
        assert!(StateKey::of(Some(&strong)).is_ok());
    }

    #[test]
    fn a_value_of_one_purpose_is_nothing_to_another() {
        let key = StateKey::random().unwrap();
        for made in PURPOSES {
            let sealed = key.sealer(made).seal(&[b"a"], b"payload");
            for read in PURPOSES {
                let opened = key.sealer(read).open(&[b"a"], &sealed);
                assert_eq!(opened.is_some(), made == read, "{made:?} read as {read:?}");
            }
        }
    }

    #[test]
    fn a_name_is_of_its_owner_and_content() {
        let key = StateKey::random().unwrap();
        let (ours, theirs) = (Principal::local(), Principal::anonymous());
        let name = key.name("run", &ours, b"x");
        assert_eq!((name.len(), name.starts_with("run_")), (36, true));
        assert_eq!(name, key.name("run", &ours, b"x"));
        for other in [
            key.name("run", &theirs, b"x"),
            key.name("run", &ours, b"y"),
            key.name("data", &ours, b"x"),
            StateKey::random().unwrap().name("run", &ours, b"x"),
        ] {
            assert_ne!(name.rsplit('_').next(), other.rsplit('_').next());
        }
    }

    #[test]
    fn without_a_setting_all_parts_of_a_process_share_one_key() {
        let sealed = StateKey::of(None).unwrap().sealer(Purpose::Cursor).seal(&[], b"x");
        assert!(StateKey::of(None).unwrap().sealer(Purpose::Cursor).open(&[], &sealed).is_some());
        assert!(StateKey::random().unwrap().sealer(Purpose::Cursor).open(&[], &sealed).is_none());
    }

    #[test]
    fn a_kept_key_outlives_its_process_and_needs_no_place() {
        let home = tempfile::tempdir().unwrap();
        let at =
            |path: &std::path::Path| StateKey::kept(None, StateDir::new(path.join("a"))).unwrap();
        let seal = |key: &StateKey| key.sealer(Purpose::Cursor).seal(&[], b"x");
        let opens =
            |key: &StateKey, word: &str| key.sealer(Purpose::Cursor).open(&[], word).is_some();
        let first = at(home.path());
        assert!(!home.path().join("a").exists(), "made when it is needed");
        let word = seal(&first);
        assert!(opens(&at(home.path()), &word));
        std::fs::write(home.path().join("a/state_key"), "cut short").unwrap();
        let next = at(home.path());
        assert!(!opens(&next, &word));
        assert!(opens(&at(home.path()), &seal(&next)));
        let nowhere = StateKey::kept(None, StateDir::nowhere()).unwrap();
        assert!(opens(&nowhere, &seal(&nowhere)) && !opens(&nowhere, &word));
    }

    proptest! {
        #[test]
        fn a_value_with_any_bit_changed_is_refused(
            payload in proptest::collection::vec(any::<u8>(), 0..64),
            place in any::<proptest::sample::Index>(),
            bit in 0_u8..8,
        ) {
            let key = StateKey::of(None).unwrap();
            let sealer = key.sealer(Purpose::Cursor);
            let mut sealed = sealer.seal(&[b"to"], &payload).into_bytes();
            prop_assert_eq!(
                sealer.open(&[b"to"], std::str::from_utf8(&sealed).unwrap()),
                Some(payload)
            );
            let place = place.index(sealed.len());
            sealed[place] ^= 1 << bit;
            let changed = String::from_utf8_lossy(&sealed);
            prop_assert_eq!(sealer.open(&[b"to"], &changed), None);
        }

        #[test]
        fn no_text_opens_or_panics(text in ".{0,300}") {
            let key = StateKey::of(None).unwrap();
            prop_assert_eq!(key.sealer(Purpose::ConfirmToken).open(&[], &text), None);
        }

        #[test]
        fn what_a_value_is_bound_to_cannot_be_shifted(
            a in "[ab]{0,6}", b in "[ab]{0,6}", c in "[ab]{0,6}", d in "[ab]{0,6}"
        ) {
            let (one, two) =
                (joined(&[a.as_bytes(), b.as_bytes()]), joined(&[c.as_bytes(), d.as_bytes()]));
            prop_assert_eq!(one == two, (a, b) == (c, d));
        }
    }
}
