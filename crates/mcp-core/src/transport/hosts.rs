//! F4: which names a request may be addressed to, and which pages it may come from.
//!
//! A page in a browser can make a name of its own point at 127.0.0.1 (DNS rebinding) and then talk
//! to a server on loopback. It cannot choose the Host and Origin headers that the browser sends.

use std::net::IpAddr;

use http::{HeaderMap, header, uri::Authority};

use crate::config::{ConfigError, CoreConfig};

/// The allowed names and origins.
#[derive(Debug, Clone)]
pub struct Hosts {
    hosts: Vec<Name>,
    origins: Vec<Origin>,
}

/// Why a request was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// No Host, several, or one that is no authority.
    MalformedHost,
    /// A Host that is not allowed.
    ForeignHost,
    /// An Origin that is not allowed.
    ForeignOrigin,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    host: String,
    /// `None` matches any port.
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Origin {
    scheme: String,
    name: Name,
}

impl Hosts {
    /// Loopback, and what the configuration adds.
    pub fn new(core: &CoreConfig) -> Self {
        Self {
            hosts: core.allowed_hosts.iter().filter_map(|host| name(host)).collect(),
            origins: core.allowed_origins.iter().filter_map(|text| origin(text)).collect(),
        }
    }

    /// Check the Host and Origin of a request.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn check(&self, headers: &HeaderMap) -> Result<(), Refused> {
        let host = single(headers, header::HOST).ok_or(Refused::MalformedHost)?;
        if is_plainly_local(host) && !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let host = name(host).ok_or(Refused::MalformedHost)?;
        if !is_loopback(&host.host) && !self.hosts.iter().any(|allowed| allowed.admits(&host)) {
            return Err(Refused::ForeignHost);
        }
        if !headers.contains_key(header::ORIGIN) {
            return Ok(());
        }
        let origin =
            single(headers, header::ORIGIN).and_then(origin).ok_or(Refused::ForeignOrigin)?;
        let local =
            matches!(origin.scheme.as_str(), "http" | "https") && is_loopback(&origin.name.host);
        let listed =
            |allowed: &Origin| allowed.scheme == origin.scheme && allowed.name.admits(&origin.name);
        if local || self.origins.iter().any(listed) { Ok(()) } else { Err(Refused::ForeignOrigin) }
    }
}

impl Name {
    fn admits(&self, other: &Self) -> bool {
        self.host == other.host && (self.port.is_none() || self.port == other.port)
    }
}

/// The value of a header that occurs exactly once.
fn single(headers: &HeaderMap, header: header::HeaderName) -> Option<&str> {
    let mut values = headers.get_all(header).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

/// The usual spelling, seen without taking it apart: every local client sends it with every message.
fn is_plainly_local(host: &str) -> bool {
    ["127.0.0.1", "localhost"].iter().any(|local| match host.strip_prefix(local) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|port| {
            port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok()
        }),
        None => false,
    })
}

fn is_loopback(host: &str) -> bool {
    // `::ffff:127.0.0.1` is deliberately not among them: no client writes it by accident.
    host == "localhost"
        || match host.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address == std::net::Ipv4Addr::LOCALHOST,
            Ok(IpAddr::V6(address)) => address == std::net::Ipv6Addr::LOCALHOST,
            Err(_) => false,
        }
}

/// Host and port of an authority; user information is refused.
fn name(text: &str) -> Option<Name> {
    let authority: Authority = text.trim().parse().ok()?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return None;
    }
    let port = match authority.port() {
        Some(port) => Some(port.as_str().parse().ok()?),
        // `name:` and `name:http` parse as authorities without a port.
        None if authority.as_str() != authority.host() => return None,
        None => None,
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    Some(Name { host: host.to_ascii_lowercase(), port })
}

fn origin(text: &str) -> Option<Origin> {
    let (scheme, rest) = text.trim().split_once("://")?;
    let name = match rest.strip_suffix(":*") {
        Some(host) => Name { port: None, ..name(host)? },
        None => {
            let name = name(rest)?;
            let implied = match scheme {
                "https" => Some(443),
                "http" => Some(80),
                _ => None,
            };
            Name { port: name.port.or(implied), ..name }
        }
    };
    Some(Origin { scheme: scheme.to_ascii_lowercase(), name })
}

pub(crate) fn check_host(host: &str) -> Result<(), ConfigError> {
    name(host).map(drop).ok_or_else(|| {
        ConfigError::new("allowed_hosts", format!("`{host}` is no host name"))
            .with_hint("write `name` or `name:port`, without a scheme")
    })
}

pub(crate) fn check_origin(text: &str) -> Result<(), ConfigError> {
    origin(text).map(drop).ok_or_else(|| {
        ConfigError::new("allowed_origins", format!("`{text}` is no origin"))
            .with_hint("write `https://name`, `https://name:port` or `https://name:*`")
    })
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn checked(headers: &[(header::HeaderName, &'static str)]) -> Result<(), Refused> {
        let core = CoreConfig {
            allowed_hosts: vec!["bayes:5004".into(), "mcp.example.com".into()],
            allowed_origins: vec![
                "https://app.example.com".into(),
                "http://dev.example.com:*".into(),
            ],
            ..CoreConfig::default()
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(name, HeaderValue::from_static(value));
        }
        Hosts::new(&core).check(&map)
    }

    #[test]
    fn loopback_and_listed_hosts_pass() {
        for host in [
            "localhost",
            "LOCALHOST:5004",
            "127.0.0.1",
            "127.0.0.1:1",
            "[::1]:5004",
            "bayes:5004",
            "mcp.example.com",
            "mcp.example.com:8443",
        ] {
            assert_eq!(checked(&[(header::HOST, host)]), Ok(()), "{host}");
        }
    }

    #[test]
    fn other_hosts_do_not() {
        for host in [
            "evil.com",
            "localhost.evil.com",
            "127.0.0.1.nip.io",
            "[::ffff:127.0.0.1]",
            "127.0.0.2",
            "bayes",
            "bayes:5005",
            "0.0.0.0",
        ] {
            assert_eq!(checked(&[(header::HOST, host)]), Err(Refused::ForeignHost), "{host}");
        }
        for host in ["", "user@localhost", "localhost:port", "localhost:99999", "a b"] {
            assert_eq!(checked(&[(header::HOST, host)]), Err(Refused::MalformedHost), "{host}");
        }
        assert_eq!(checked(&[]), Err(Refused::MalformedHost));
        let twice = [(header::HOST, "localhost"), (header::HOST, "localhost")];
        assert_eq!(checked(&twice), Err(Refused::MalformedHost));
    }

    #[test]
    fn origins_pass_from_loopback_and_the_list() {
        let with = |origin| checked(&[(header::HOST, "localhost"), (header::ORIGIN, origin)]);
        for origin in [
            "http://localhost:3000",
            "http://127.0.0.1",
            "https://[::1]:8",
            "https://app.example.com",
            "https://app.example.com:443",
            "http://dev.example.com:9999",
        ] {
            assert_eq!(with(origin), Ok(()), "{origin}");
        }
        for origin in [
            "null",
            "http://evil.com",
            "http://app.example.com",
            "https://app.example.com:444",
            "http://localhost.evil.com",
            "file://localhost",
            "localhost",
            "",
        ] {
            assert_eq!(with(origin), Err(Refused::ForeignOrigin), "{origin}");
        }
    }
}
