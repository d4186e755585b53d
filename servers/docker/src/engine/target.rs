//! What is asked of the engine: a path, its query, and words for it.

use std::fmt::{self, Write as _};

use super::version::Api;
use crate::Error;

/// A read of the engine.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// Words for messages: "the container list".
    pub(crate) what: &'static str,
    /// The container that a 404 would be about.
    pub(crate) container: Option<ContainerRef>,
    path: String,
    query: String,
}

impl Target {
    pub(crate) fn new(what: &'static str, path: impl Into<String>) -> Self {
        Self { what, container: None, path: path.into(), query: String::new() }
    }

    /// A read below `/containers/{container}`.
    pub(crate) fn container(what: &'static str, container: &ContainerRef, leaf: &str) -> Self {
        let mut target = Self::new(what, format!("/containers/{container}/{leaf}"));
        target.container = Some(container.clone());
        target
    }

    /// Add a query parameter; the value may be any text.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.query.push(if self.query.is_empty() { '?' } else { '&' });
        self.query.push_str(name);
        self.query.push('=');
        percent_encode(value, &mut self.query);
        self
    }

    /// Path and query, pinned to an API version where there is one.
    pub(crate) fn path(&self, api: Option<Api>) -> String {
        match api {
            Some(api) => format!("/v{api}{}{}", self.path, self.query),
            None => format!("{}{}", self.path, self.query),
        }
    }
}

/// A container's name, id or unique id prefix, safe to stand in a path.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ContainerRef(String);

impl ContainerRef {
    /// The pattern of the argument schemas: the engine's own rule for names.
    pub(crate) const PATTERN: &'static str = "^[a-zA-Z0-9][a-zA-Z0-9_.-]{0,254}$";

    /// Check a name; `field` is the JSON pointer of the argument.
    pub(crate) fn parse(field: &'static str, text: &str) -> Result<Self, Error> {
        let starts = text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric());
        let rest = text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_.-".contains(&b));
        if starts && rest && text.len() <= 255 {
            Ok(Self(text.to_owned()))
        } else {
            Err(Error::invalid(field, format!("a container is named by {}", Self::PATTERN)))
        }
    }
}

impl fmt::Display for ContainerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// RFC 3986: everything but unreserved characters is escaped.
fn percent_encode(value: &str, into: &mut String) {
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            into.push(char::from(byte));
        } else {
            let _infallible = write!(into, "%{byte:02X}");
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn queries_are_escaped() {
        let target = Target::new("x", "/a").with("filters", r#"{"l":["a b&c"]}"#).with("all", "1");
        assert_eq!(target.path(None), "/a?filters=%7B%22l%22%3A%5B%22a%20b%26c%22%5D%7D&all=1");
        assert_eq!(Target::new("x", "/a").path(Some(Api::new(1, 41))), "/v1.41/a");
    }

    #[test]
    fn names_cannot_leave_their_place_in_the_path() {
        for text in
            ["", "/x", "..", ".x", "a/b", "a?b", "a%2f", "a b", "ä", "a\n", &"x".repeat(256)]
        {
            assert!(ContainerRef::parse("/container", text).is_err(), "{text:?}");
        }
        for text in ["a", "web-1", "0a.b_c", "28e942df4768"] {
            assert!(ContainerRef::parse("/container", text).is_ok(), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn any_accepted_name_is_a_valid_uri_segment(text in "\\PC{0,20}") {
            if let Ok(name) = ContainerRef::parse("/container", &text) {
                let path = Target::container("x", &name, "json").path(None);
                prop_assert!(path.parse::<http::Uri>().is_ok());
                prop_assert_eq!(path.matches('/').count(), 3);
            }
        }
    }
}
