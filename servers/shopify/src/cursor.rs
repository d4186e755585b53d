//! Cursors that only continue the question they came from.

use crate::Error;
use sha2::{Digest as _, Sha256};

/// Hex digits of the binding.
const BINDING: usize = 16;

/// The question that a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question<'a> {
    /// The store.
    pub(crate) domain: &'a str,
    /// Which list of the tool.
    pub(crate) list: &'a str,
    /// All that selects and orders the rows.
    pub(crate) about: &'a str,
}

impl Question<'_> {
    /// `<list>.<binding>.<upstream cursor>`; the binding covers question and upstream cursor.
    pub(crate) fn cursor(&self, after: &str) -> String {
        format!("{}.{}.{after}", self.list, self.binding(after))
    }

    /// The upstream cursor in one of this question's.
    pub(crate) fn open(&self, cursor: &str) -> Result<String, Error> {
        let after = cursor
            .strip_prefix(self.list)
            .and_then(|rest| rest.strip_prefix('.'))
            .and_then(|rest| rest.split_once('.'))
            .filter(|(binding, after)| *binding == self.binding(after));
        after.map(|(_, after)| after.to_owned()).ok_or(Error::InvalidCursor)
    }

    fn binding(&self, after: &str) -> String {
        let mut hash = Sha256::new();
        for part in [self.domain, self.list, self.about, after] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hex::encode(hash.finalize()).chars().take(BINDING).collect()
    }
}

/// Which list a cursor continues, as it says itself.
pub(crate) fn list_of(cursor: &str) -> Option<&str> {
    cursor.split_once('.').map(|(list, _)| list)
}

#[cfg(test)]
mod tests {
    use super::{Question, list_of};

    #[test]
    fn a_cursor_opens_for_its_own_question_only() {
        let question = Question { domain: "a.myshopify.com", list: "products", about: "hat" };
        let cursor = question.cursor("eyJsYXN0X2lkIjox.MH0=");
        assert_eq!(list_of(&cursor), Some("products"));
        assert_eq!(question.open(&cursor).unwrap(), "eyJsYXN0X2lkIjox.MH0=");
        for other in [
            Question { about: "hats", ..question },
            Question { list: "media", ..question },
            Question { domain: "b.myshopify.com", ..question },
        ] {
            assert!(other.open(&cursor).is_err());
        }
        for bad in ["", "products", "products.x", "eyJ", &format!("{cursor}1")] {
            assert!(question.open(bad).is_err(), "{bad}");
        }
    }
}
