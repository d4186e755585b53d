//! Where a request may go: decided on the URL, and again on every address it resolves to.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use url::{Host, Url};

/// Blocks that are not the public internet (the IANA special-purpose registries), for IPv4.
const DENIED_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::UNSPECIFIED, 8),      // this network; the unspecified address
    (Ipv4Addr::new(10, 0, 0, 0), 8), // private
    (Ipv4Addr::new(100, 64, 0, 0), 10), // shared by carriers
    (Ipv4Addr::new(127, 0, 0, 0), 8), // loopback
    (Ipv4Addr::new(169, 254, 0, 0), 16), // link local: cloud metadata
    (Ipv4Addr::new(172, 16, 0, 0), 12), // private
    (Ipv4Addr::new(192, 0, 0, 0), 24), // protocol assignments
    (Ipv4Addr::new(192, 0, 2, 0), 24), // documentation
    (Ipv4Addr::new(192, 88, 99, 0), 24), // 6to4 relays
    (Ipv4Addr::new(192, 168, 0, 0), 16), // private
    (Ipv4Addr::new(198, 18, 0, 0), 15), // benchmarks
    (Ipv4Addr::new(198, 51, 100, 0), 24), // documentation
    (Ipv4Addr::new(203, 0, 113, 0), 24), // documentation
    (Ipv4Addr::new(224, 0, 0, 0), 4), // multicast
    (Ipv4Addr::new(240, 0, 0, 0), 4), // reserved; broadcast
];

/// The same for IPv6: what lies outside of `2000::/3`, and the special blocks inside.
const DENIED_V6: &[(Ipv6Addr, u8)] = &[
    (Ipv6Addr::UNSPECIFIED, 3), // ::, ::1, mapped ::ffff:0:0/96, 64:ff9b::/96, 100::/64
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23), // protocol assignments; Teredo
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32), // documentation
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16), // 6to4: an IPv4 address inside
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20), // documentation
    (Ipv6Addr::new(0x4000, 0, 0, 0, 0, 0, 0, 0), 2), // not assigned
    (Ipv6Addr::new(0x8000, 0, 0, 0, 0, 0, 0, 0), 1), // fc00::/7, fe80::/10, ff00::/8
];

/// What a host that its operator named may have besides public addresses.
const PRIVATE_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
];
const PRIVATE_V6: &[(Ipv6Addr, u8)] =
    &[(Ipv6Addr::LOCALHOST, 128), (Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0), 7)];

/// Whether no request may go to an address, unless an operator named its host.
///
/// An IPv4 address inside an IPv6 one (mapped, translated, 6to4) is denied whatever it is: a
/// resolver has no reason to answer in that form.
pub fn is_denied(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => within_v4(address, DENIED_V4),
        IpAddr::V6(address) => within_v6(address, DENIED_V6),
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => within_v4(address, PRIVATE_V4),
        IpAddr::V6(address) => within_v6(address, PRIVATE_V6),
    }
}

fn within_v4(address: Ipv4Addr, blocks: &[(Ipv4Addr, u8)]) -> bool {
    let bits = address.to_bits();
    blocks
        .iter()
        .any(|(block, length)| (bits ^ block.to_bits()).leading_zeros() >= (*length).into())
}

fn within_v6(address: Ipv6Addr, blocks: &[(Ipv6Addr, u8)]) -> bool {
    let bits = address.to_bits();
    blocks
        .iter()
        .any(|(block, length)| (bits ^ block.to_bits()).leading_zeros() >= (*length).into())
}

/// Which addresses a listed host may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// Public ones: a service of the internet.
    Public,
    /// Private and loopback ones too, because an operator named this host. Link-local addresses,
    /// where clouds keep their metadata, stay denied.
    Private,
}

/// Why a request is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// Neither https, nor http to a listed host.
    Scheme,
    /// The URL carries a user name or password.
    Credentials,
    /// The URL has no host.
    Host,
    /// A port other than 80 and 443 that is not listed, or any other port of an operator's host.
    Port,
    /// The host is, or has only, addresses that are not public.
    Address,
    /// A redirect leads nowhere, or once too often.
    Redirect,
    /// A header cannot be sent as it is.
    Header,
}

impl Refusal {
    /// What is wrong, without the URL.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Scheme => "the URL must begin with https://",
            Self::Credentials => "the URL carries a user name or password",
            Self::Host => "the URL has no host",
            Self::Port => "the URL names a port that is not allowed",
            Self::Address => "the host has no public address",
            Self::Redirect => "the upstream redirects too often, or nowhere",
            Self::Header => "a header holds characters that cannot be sent",
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for Refusal {}

/// The rules of one upstream.
#[derive(Debug, Clone, Default)]
pub(super) struct Guard {
    listed: Vec<Listed>,
}

/// A host that the server's author lists.
#[derive(Debug, Clone)]
struct Listed {
    scheme: String,
    host: String,
    port: Option<u16>,
    reach: Reach,
}

impl Guard {
    /// List the origin of a URL: this scheme, host and port.
    pub(super) fn list(&mut self, origin: &Url, reach: Reach) {
        self.listed.push(Listed {
            scheme: origin.scheme().to_owned(),
            host: origin.host_str().unwrap_or_default().to_owned(),
            port: origin.port_or_known_default(),
            reach,
        });
    }

    /// Check all that a URL says by itself, a literal address included.
    pub(super) fn check_url(&self, url: &Url) -> Result<(), Refusal> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(Refusal::Scheme);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refusal::Credentials);
        }
        let host = url.host().ok_or(Refusal::Host)?;
        let name = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default();
        let mut named = self.listed.iter().filter(|listed| listed.host == name);
        let private = named.clone().any(|listed| listed.reach == Reach::Private);
        let listed = named.any(|listed| listed.scheme == url.scheme() && listed.port == port);
        if !listed && url.scheme() != "https" {
            return Err(Refusal::Scheme);
        }
        // Its resolved addresses may be private, so a host of the operator's has the listed ports only.
        if !listed && (private || !matches!(port, Some(80 | 443))) {
            return Err(Refusal::Port);
        }
        match host {
            Host::Ipv4(address) => self.check_address(name, address.into()),
            Host::Ipv6(address) => self.check_address(name, address.into()),
            Host::Domain(_) => Ok(()),
        }
    }

    /// Check an address that a host has.
    pub(super) fn check_address(&self, host: &str, address: IpAddr) -> Result<(), Refusal> {
        let named = || {
            let private = |listed: &Listed| listed.reach == Reach::Private && listed.host == host;
            self.listed.iter().any(private)
        };
        if !is_denied(address) || (is_private(address) && named()) {
            Ok(())
        } else {
            Err(Refusal::Address)
        }
    }
}

#[cfg(test)]
#[path = "guard_tests.rs"]
mod tests;
