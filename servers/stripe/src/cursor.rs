//! Opaque page cursors, good only for the listing that made them.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::Error;

const VERSION: u8 = 1;
const TAG_BYTES: usize = 16;

/// Seals object ids into cursors.
///
/// The tag is HMAC-SHA-256 under the API key, cut to 128 bits: a cursor survives a restart, and is
/// of no use to another account, resource or filter.
pub(crate) struct Seal(Hmac<Sha256>);

impl Seal {
    /// A seal that only this API key can make and check.
    pub(crate) fn new(api_key: &str) -> Self {
        let mut mac = <Hmac<Sha256> as Mac>::new_from_slice(api_key.as_bytes())
            .unwrap_or_else(|_| unreachable!("HMAC takes keys of any length"));
        mac.update(b"machina-stripe cursor\0");
        Self(mac)
    }

    /// The cursor that continues `listing` after the object `last`.
    pub(crate) fn seal(&self, listing: &str, last: &str) -> String {
        let tag = self.mac(listing, last).finalize().into_bytes();
        let mut bytes = vec![VERSION];
        bytes.extend(tag.iter().take(TAG_BYTES));
        bytes.extend(last.bytes());
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The object after which `listing` continues.
    ///
    /// # Errors
    /// `invalid_cursor` for anything that [`Self::seal`] did not make for this listing.
    pub(crate) fn open(&self, listing: &str, cursor: &str) -> Result<String, Error> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| Error::Cursor)?;
        let (&version, rest) = bytes.split_first().ok_or(Error::Cursor)?;
        let (tag, last) = rest.split_at_checked(TAG_BYTES).ok_or(Error::Cursor)?;
        let last = std::str::from_utf8(last).map_err(|_| Error::Cursor)?;
        if version != VERSION {
            return Err(Error::Cursor);
        }
        self.mac(listing, last).verify_truncated_left(tag).map_err(|_| Error::Cursor)?;
        Ok(last.to_owned())
    }

    fn mac(&self, listing: &str, last: &str) -> Hmac<Sha256> {
        let mut mac = self.0.clone();
        mac.update(&(listing.len() as u64).to_be_bytes());
        mac.update(listing.as_bytes());
        mac.update(last.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let seal = Seal::new("sk_test_1");
        let cursor = seal.seal("customer?email=a", "cus_1");
        assert_eq!(seal.open("customer?email=a", &cursor).unwrap(), "cus_1");
        assert_eq!(Seal::new("sk_test_1").open("customer?email=a", &cursor).unwrap(), "cus_1");
        assert!(seal.open("customer?email=b", &cursor).is_err());
        assert!(Seal::new("sk_test_2").open("customer?email=a", &cursor).is_err());
        for foreign in ["", "AQ", "cus_1", "not base64!", "AAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert!(seal.open("customer?email=a", foreign).is_err(), "{foreign}");
        }
    }

    #[test]
    fn no_altered_byte_opens() {
        let seal = Seal::new("sk_test_1");
        let bytes = URL_SAFE_NO_PAD.decode(seal.seal("l", "cus_1")).unwrap();
        for at in 0..bytes.len() {
            let mut altered = bytes.clone();
            altered[at] ^= 1;
            assert!(seal.open("l", &URL_SAFE_NO_PAD.encode(altered)).is_err(), "byte {at}");
        }
    }
}
