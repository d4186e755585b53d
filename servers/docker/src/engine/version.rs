//! Agreeing on an API version, once.

use std::{fmt, str::FromStr};

use mcp_core::untrusted;

use super::model;
use crate::Error;

/// A version of the engine's API, `major.minor`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Api(u16, u16);

impl Api {
    /// Newest that this server was written for.
    pub(crate) const NEWEST: Self = Self(1, 52);
    /// Oldest that it accepts: Docker 19.03, podman's older answers.
    pub(crate) const OLDEST: Self = Self(1, 40);

    #[cfg(test)]
    pub(crate) const fn new(major: u16, minor: u16) -> Self {
        Self(major, minor)
    }
}

impl fmt::Display for Api {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl FromStr for Api {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self(major.parse().map_err(|_| ())?, minor.parse().map_err(|_| ())?))
    }
}

/// What the engine said about itself, and the version agreed on.
#[derive(Debug, Clone)]
pub(crate) struct Negotiated {
    /// Version that every read is pinned to.
    pub(crate) api: Api,
    /// Newest and oldest that the engine offers.
    pub(crate) offered: (Api, Option<Api>),
    /// `docker` or `podman`.
    pub(crate) product: &'static str,
    /// The engine's release.
    pub(crate) release: String,
}

impl Negotiated {
    /// Take the newest version that both sides know.
    pub(crate) fn agree(version: model::Version) -> Result<Self, Error> {
        let newest: Option<Api> = version.newest_api.as_deref().and_then(|text| text.parse().ok());
        let oldest: Option<Api> = version.oldest_api.as_deref().and_then(|text| text.parse().ok());
        let Some(newest) = newest else {
            return Err(super::bad("the engine's version", "it names no API version"));
        };
        if newest < Api::OLDEST || oldest.is_some_and(|oldest| oldest > Api::NEWEST) {
            let shown = oldest.map_or_else(String::new, |oldest| format!("{oldest} to "));
            return Err(Error::Unsupported {
                message: format!(
                    "the engine offers API {shown}{newest}, this server needs {} to {}",
                    Api::OLDEST,
                    Api::NEWEST
                ),
                hint: "use another release of the engine or of this server",
            });
        }
        let components = version.components.unwrap_or_default();
        let is_podman = components
            .iter()
            .filter_map(|component| component.name.as_deref())
            .any(|name| name.contains("Podman"));
        Ok(Self {
            api: newest.min(Api::NEWEST),
            offered: (newest, oldest),
            product: if is_podman { "podman" } else { "docker" },
            release: untrusted::line(&version.release.unwrap_or_default(), 60),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(newest: &str, oldest: Option<&str>) -> model::Version {
        model::Version {
            newest_api: Some(newest.to_owned()),
            oldest_api: oldest.map(str::to_owned),
            ..model::Version::default()
        }
    }

    #[test]
    fn the_newest_common_version_is_taken() {
        for (newest, oldest, agreed) in [
            ("1.41", Some("1.12"), "1.41"),
            ("1.44", Some("1.24"), "1.44"),
            ("1.52", Some("1.44"), "1.52"),
            ("1.99", Some("1.44"), "1.52"),
            ("1.41", None, "1.41"),
        ] {
            let negotiated = Negotiated::agree(version(newest, oldest)).unwrap();
            assert_eq!(negotiated.api.to_string(), agreed);
        }
    }

    #[test]
    fn an_engine_out_of_reach_is_refused_with_both_ranges() {
        for (newest, oldest) in [("1.39", Some("1.12")), ("1.70", Some("1.60"))] {
            let error = Negotiated::agree(version(newest, oldest)).unwrap_err();
            assert_eq!(error.code(), "unsupported_by_engine");
            assert!(error.to_string().contains("1.40 to 1.52"), "{error}");
        }
        let error = Negotiated::agree(version("latest", None)).unwrap_err();
        assert_eq!(error.code(), "bad_engine_answer");
    }

    #[test]
    fn versions_compare_as_numbers() {
        assert!(Api::new(1, 9) < Api::new(1, 41));
    }
}
