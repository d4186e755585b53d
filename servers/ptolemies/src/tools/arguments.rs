//! Rules of arguments that a schema cannot say, and types that tools share.

use serde_json::{Map, Value};
use ulid::Ulid;

use crate::{
    Error,
    knowledge::{Moments, WriteId},
    moment::Moment,
};

/// A label: key, context, tag, source, write id. Printable characters, no white space at the ends.
pub(crate) fn label(field: &str, text: &str) -> Result<(), Error> {
    if text.trim() != text || text.is_empty() {
        return Err(Error::invalid(field, "must not be empty, nor begin or end with white space"));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::invalid(field, "must not hold control characters"));
    }
    Ok(())
}

pub(crate) fn labels(field: &str, texts: &[String]) -> Result<(), Error> {
    texts.iter().enumerate().try_for_each(|(index, text)| label(&format!("{field}/{index}"), text))
}

pub(super) fn moment(field: &str, text: &str) -> Result<Moment, Error> {
    Moment::parse(text).ok_or_else(|| {
        Error::invalid(field, "must be a time as in 2026-01-31T09:30:00Z, not after the year 9999")
    })
}

pub(super) fn optional_moment(field: &str, text: Option<&String>) -> Result<Option<Moment>, Error> {
    text.map(|text| moment(field, text)).transpose()
}

/// Stored text: more than white space, no NUL, at most `most` bytes.
pub(crate) fn plain_text(field: &str, text: &str, most: usize) -> Result<(), Error> {
    if text.len() > most {
        return Err(Error::TooLarge {
            field: field.to_owned(),
            message: format!("must be <= {most} bytes, was {}", text.len()),
            hint: "split the text",
        });
    }
    if text.trim().is_empty() || text.contains('\0') {
        return Err(Error::invalid(field, "must hold more than white space, and no NUL"));
    }
    Ok(())
}

/// An object as it is stored.
pub(super) fn props(
    field: &str,
    object: Option<Map<String, Value>>,
) -> Result<Option<String>, Error> {
    /// Bytes of one object.
    const MAX_PROPS: usize = 32 * 1024;
    let Some(object) = object else { return Ok(None) };
    let text =
        serde_json::to_string(&object).map_err(|error| Error::Internal(error.to_string()))?;
    if text.len() > MAX_PROPS {
        return Err(Error::TooLarge {
            field: field.to_owned(),
            message: format!("must be <= {MAX_PROPS} bytes as JSON, was {}", text.len()),
            hint: "store what is long as observations or text",
        });
    }
    Ok(Some(text))
}

/// The times a read is about.
pub(super) fn moments(as_of: Option<&String>, known_at: Option<&String>) -> Result<Moments, Error> {
    Ok(Moments {
        as_of: optional_moment("/as_of", as_of)?,
        known_at: optional_moment("/known_at", known_at)?,
    })
}

pub(super) fn ids(field: &str, texts: &[String]) -> Result<Vec<Ulid>, Error> {
    let parse = |(index, text): (usize, &String)| {
        Ulid::from_string(text).map_err(|_| {
            Error::invalid(format!("{field}/{index}"), "must be an id: 26 letters and digits")
        })
    };
    texts.iter().enumerate().map(parse).collect()
}

pub(super) fn write_id(
    id: Option<String>,
    call: &impl serde::Serialize,
) -> Result<Option<WriteId>, Error> {
    let Some(id) = id else { return Ok(None) };
    label("/write_id", &id)?;
    let call = serde_json::to_string(call).map_err(|error| Error::Internal(error.to_string()))?;
    Ok(Some(WriteId { id, call }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_printable() {
        assert!(label("/key", "user:42 färbe").is_ok());
        for wrong in ["", " ", " a", "a\n", "a\u{0}b", "a\u{1b}[31m"] {
            assert!(label("/key", wrong).is_err(), "{wrong:?}");
        }
        assert!(labels("/tags", &["a".into(), "b ".into()]).is_err());
    }

    #[test]
    fn ids_and_times_name_their_place() {
        let error = ids("/ids", &[Ulid(3).to_string(), "x".into()]).unwrap_err();
        assert!(matches!(error, Error::Invalid { field, .. } if field == "/ids/1"));
        assert!(moment("/known_at", "now").is_err());
        assert_eq!(optional_moment("/known_at", None).unwrap(), None);
    }
}
