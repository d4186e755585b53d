//! The place where a listing goes on.

use sha2::{Digest, Sha256};
use ulid::Ulid;

use crate::{Error, catalog::Filter, moment::Moment};

const VERSION: u8 = 1;

/// After which memory, as known when, for which filter. To a client it is one opaque word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) after: Ulid,
    /// All pages show what was known at the first.
    pub(crate) known_at: Moment,
    pub(crate) filter: [u8; 8],
}

/// Tells whether a cursor was made for a filter.
pub(crate) fn digest(filter: &Filter) -> [u8; 8] {
    let mut short = [0; 8];
    for (to, from) in short.iter_mut().zip(Sha256::digest(format!("{filter:?}"))) {
        *to = from;
    }
    short
}

impl Cursor {
    pub(crate) fn encode(self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(self.known_at.millis().to_be_bytes());
        bytes.extend(self.after.to_bytes());
        bytes.extend(self.filter);
        hex::encode(bytes)
    }

    /// # Errors
    /// `invalid_argument` when it was not made here, or for another filter.
    pub(crate) fn decode(word: &str, filter: &Filter) -> Result<Self, Error> {
        let cursor = Self::read(word).ok_or_else(|| {
            Error::invalid("/cursor", "must be the next_cursor of an earlier answer")
        })?;
        if cursor.filter != digest(filter) {
            return Err(Error::invalid(
                "/cursor",
                "must come with the filters of the call that gave it",
            ));
        }
        Ok(cursor)
    }

    fn read(word: &str) -> Option<Self> {
        let bytes: [u8; 33] = hex::decode(word).ok()?.try_into().ok()?;
        let (version, rest) = bytes.split_first()?;
        let (known_at, rest) = rest.split_first_chunk::<8>()?;
        let (after, rest) = rest.split_first_chunk::<16>()?;
        let known_at = Moment::from_millis(i64::from_be_bytes(*known_at));
        let filter = rest.try_into().ok()?;
        let cursor = Self { after: Ulid::from_bytes(*after), known_at, filter };
        (*version == VERSION && known_at.to_utc().is_some()).then_some(cursor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_the_way_and_nothing_else_does() {
        let filter = Filter { context: Some("work".into()), ..Filter::default() };
        let cursor = Cursor {
            after: Ulid(7),
            known_at: Moment::from_millis(1_700_000_000_000),
            filter: digest(&filter),
        };
        let word = cursor.encode();
        assert_eq!(Cursor::decode(&word, &filter).unwrap(), cursor);
        assert!(Cursor::decode(&word, &Filter::default()).is_err());
        for wrong in [
            "",
            "zz",
            "00",
            word.trim_start_matches("01"),
            &word.replacen("01", "02", 1),
            &"f".repeat(66),
        ] {
            assert!(Cursor::decode(wrong, &filter).is_err(), "{wrong}");
        }
    }
}
