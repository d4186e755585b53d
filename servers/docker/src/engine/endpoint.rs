//! Where the engine listens.

use std::{fmt, io, path::PathBuf};

use crate::Error;

/// What Docker's own client uses when nothing is set.
const DEFAULT: &str = "unix:///var/run/docker.sock";

/// A parsed engine address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) address: Address,
    /// Whether someone chose it, or it is the default.
    pub(crate) chosen: bool,
}

/// A transport that this server speaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Address {
    /// Socket of this host.
    Unix(PathBuf),
    /// Plain HTTP; `authority` is `host:port`.
    Tcp(String),
}

impl Endpoint {
    /// Read an address as `DOCKER_HOST` has it; `None` and blank mean the default.
    ///
    /// # Errors
    /// What is wrong with it, for a start error.
    pub(crate) fn parse(host: Option<&str>, tls: bool) -> Result<Self, String> {
        let host = host.map(str::trim).filter(|host| !host.is_empty());
        let text = host.unwrap_or(DEFAULT);
        let (scheme, rest) = text
            .split_once("://")
            .ok_or_else(|| format!("`{text}` has no scheme such as unix:// or tcp://"))?;
        let address = match scheme {
            "unix" if rest.starts_with('/') => Address::Unix(rest.into()),
            "unix" => return Err(format!("`{text}` needs an absolute path: unix:///path")),
            "tcp" | "http" if tls => {
                return Err(unsupported("TLS (DOCKER_TLS_VERIFY)"));
            }
            "tcp" | "http" => Address::Tcp(authority(rest, text)?),
            "https" => return Err(unsupported("TLS (https://)")),
            "ssh" | "npipe" | "fd" => return Err(unsupported(&format!("{scheme}://"))),
            _ => return Err(format!("`{scheme}` is not one of unix, tcp, http")),
        };
        Ok(Self { address, chosen: host.is_some() })
    }

    /// Whether nobody chose an address and nothing is at the default one.
    pub(crate) fn is_absent(&self) -> bool {
        match &self.address {
            Address::Unix(path) => !self.chosen && !path.exists(),
            Address::Tcp(_) => false,
        }
    }

    /// The error for a failed connection, with the repair that fits it.
    pub(crate) fn unavailable(&self, reason: Broken) -> Error {
        let hint = match (&self.address, reason.kind) {
            (_, Some(io::ErrorKind::PermissionDenied)) => {
                "give this process the socket's group (often `docker`), or use a socket proxy"
            }
            (Address::Unix(_), Some(io::ErrorKind::NotFound)) => {
                "start the engine, or set DOCKER_HOST to where it listens"
            }
            (_, Some(io::ErrorKind::ConnectionRefused)) => {
                "the address exists but no engine listens on it: start it"
            }
            _ => "see that the engine runs and that DOCKER_HOST is its address",
        };
        Error::Unavailable { address: self.to_string(), reason: reason.text, hint }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.address {
            Address::Unix(path) => write!(f, "unix://{}", path.display()),
            Address::Tcp(authority) => write!(f, "tcp://{authority}"),
        }
    }
}

/// Why a connection did not come about.
#[derive(Debug)]
pub(crate) struct Broken {
    pub(crate) kind: Option<io::ErrorKind>,
    pub(crate) text: String,
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Self { kind: Some(error.kind()), text: error.kind().to_string() }
    }
}

impl From<hyper::Error> for Broken {
    fn from(error: hyper::Error) -> Self {
        let text =
            if error.is_parse() { "it does not speak HTTP" } else { "the connection broke off" };
        Self { kind: None, text: text.to_owned() }
    }
}

fn authority(rest: &str, text: &str) -> Result<String, String> {
    let authority = rest.strip_suffix('/').unwrap_or(rest);
    if authority.contains(['/', '@', '?', '#']) {
        return Err(format!("`{text}` must be host:port without a path or user"));
    }
    let parsed: http::uri::Authority =
        authority.parse().map_err(|_| format!("`{text}` is not host:port"))?;
    if parsed.host().is_empty() {
        return Err(format!("`{text}` has no host"));
    }
    // 2375 is Docker's registered port for plain HTTP.
    let port = parsed.port_u16().unwrap_or(2375);
    Ok(format!("{}:{port}", parsed.host()))
}

fn unsupported(what: &str) -> String {
    format!("unsupported: {what} is not spoken by this server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_as_docker_writes_them() {
        for (host, shown) in [
            (None, "unix:///var/run/docker.sock"),
            (Some("  "), "unix:///var/run/docker.sock"),
            (
                Some("unix:///run/user/1000/podman/podman.sock"),
                "unix:///run/user/1000/podman/podman.sock",
            ),
            (Some("tcp://10.0.0.1:2375"), "tcp://10.0.0.1:2375"),
            (Some("tcp://proxy"), "tcp://proxy:2375"),
            (Some("http://[::1]:99/"), "tcp://[::1]:99"),
        ] {
            assert_eq!(Endpoint::parse(host, false).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_not_spoken_is_refused_by_name() {
        for (host, tls, word) in [
            ("tcp://h:2376", true, "unsupported: TLS"),
            ("https://h:2376", false, "unsupported: TLS"),
            ("ssh://u@h", false, "unsupported: ssh://"),
            ("npipe:////./pipe/docker", false, "unsupported: npipe://"),
            ("gopher://h", false, "not one of"),
            ("/var/run/docker.sock", false, "no scheme"),
            ("unix://relative", false, "absolute"),
            ("tcp://user@h:1", false, "without a path or user"),
            ("tcp://h:1/prefix", false, "without a path"),
            ("tcp://", false, "host:port"),
        ] {
            let error = Endpoint::parse(Some(host), tls).unwrap_err();
            assert!(error.contains(word), "{host}: {error}");
        }
    }

    #[test]
    fn tls_settings_do_not_matter_to_a_socket() {
        assert!(Endpoint::parse(Some("unix:///x"), true).is_ok());
    }
}
