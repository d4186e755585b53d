//! Names of namespaces.

use std::{fmt, sync::Arc};

use mcp_core::prelude::Serialize;
use sha2::{Digest, Sha256};

/// Words of a name, characters of a word.
const WORDS: usize = 4;
const WORD: usize = 64;

/// What a wrong name is told.
pub(crate) const RULE: &str = "must be 1-4 words of 1-64 of a-z, 0-9, _ and -, joined by /";

/// Name of a namespace: words joined by `/`, where `a/b` lies below `a`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub(crate) struct Name(Arc<str>);

impl Name {
    /// `None` for what is no name.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let fits = |word: &str| {
            (1..=WORD).contains(&word.len())
                && word.bytes().all(|byte| {
                    byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-".contains(&byte)
                })
        };
        let is_name = text.split('/').count() <= WORDS && text.split('/').all(fits);
        is_name.then(|| Self(text.into()))
    }

    /// That of the user of this machine.
    pub(crate) fn default_one() -> Self {
        Self("default".into())
    }

    /// That of a caller to whom the configuration gives none: it tells nothing of the caller.
    pub(crate) fn of_caller(id: &str) -> Self {
        Self(format!("u_{}", short_digest(id)).into())
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn is_default(&self) -> bool {
        self.as_str() == "default"
    }

    /// Whether another is this one, or lies below it.
    pub(crate) fn covers(&self, other: &Self) -> bool {
        let rest = other.0.strip_prefix(self.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// Whether another lies below this one.
    pub(crate) fn is_above(&self, other: &Self) -> bool {
        self != other && self.covers(other)
    }

    /// A name for its directory: no name says more of itself on the disk than another.
    pub(crate) fn directory(&self) -> String {
        short_digest(self.as_str())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// 80 bits of a digest, in hexadecimal digits.
fn short_digest(text: &str) -> String {
    hex::encode(Sha256::digest(text).get(..10).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_joined_by_slashes() {
        let (long, longest) = ("x".repeat(65), "x".repeat(64));
        for good in ["default", "u_0123456789abcdef0123", "team", "a/b/c/d", "9-lives", &longest] {
            assert_eq!(Name::parse(good).map(|name| name.to_string()).as_deref(), Some(good));
        }
        let wrong = ["", "/", "a/", "/a", "a//b", "a/b/c/d/e", "A", "ä", "a.b", "..", "a b", "a\0"];
        for wrong in wrong.into_iter().chain([&*long]) {
            assert_eq!(Name::parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn what_lies_below_a_name_begins_with_it_and_a_slash() {
        let name = |text: &str| Name::parse(text).unwrap();
        for (above, below, covers) in
            [("a", "a", true), ("a", "a/b", true), ("a", "ab", false), ("a/b", "a", false)]
        {
            assert_eq!(name(above).covers(&name(below)), covers, "{above} {below}");
        }
        assert!(name("a").is_above(&name("a/b")) && !name("a").is_above(&name("a")));
    }

    #[test]
    fn a_caller_without_a_home_gets_one_by_digest() {
        // The first 20 digits of SHA-256("key:alice").
        let digest = hex::encode(Sha256::digest("key:alice"));
        let home = Name::of_caller("key:alice");
        assert_eq!(Some(home.as_str().trim_start_matches("u_")), digest.get(..20));
        assert!(Name::parse(home.as_str()).is_some());
        assert_ne!(home, Name::of_caller("key:alicf"));
    }
}
