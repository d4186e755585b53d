//! Where a Neo4j server is.

/// Host and port of a `bolt://` or `neo4j://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    host: String,
    port: u16,
}

impl Address {
    /// # Errors
    /// What is wrong with the address.
    pub(crate) fn parse(uri: &str) -> Result<Self, String> {
        let Some((scheme, rest)) = uri.split_once("://") else {
            return Err("must be as in bolt://localhost:7687".to_owned());
        };
        match scheme {
            "bolt" | "neo4j" => {}
            "bolt+s" | "bolt+ssc" | "neo4j+s" | "neo4j+ssc" => {
                return Err(format!(
                    "`{scheme}` is not supported yet: put a TLS tunnel beside it, or use bolt"
                ));
            }
            _ => return Err("must begin with bolt:// or neo4j://".to_owned()),
        }
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(
                "must not hold a user or password: they are settings of their own".to_owned()
            );
        }
        if rest.contains(['/', '?', '#']) {
            return Err(
                "must have neither path nor query: the database is a setting of its own".to_owned()
            );
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => {
                (host, port.strip_prefix(':').or(port.is_empty().then_some("7687")))
            }
            None => match rest.split_once(':') {
                Some((host, port)) => (host, Some(port)),
                None => (rest, Some("7687")),
            },
        };
        let port = port.and_then(|port| port.parse().ok()).filter(|port| *port != 0);
        match (host, port) {
            ("", _) => Err("must name a host".to_owned()),
            (_, None) => Err("must have a port of 1-65,535 or none".to_owned()),
            (host, Some(port)) => Ok(Self { host: host.to_owned(), port }),
        }
    }

    pub(super) fn host(&self) -> &str {
        &self.host
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read() {
        for (uri, host, port) in [
            ("bolt://localhost", "localhost", 7_687),
            ("neo4j://db.example.org:7688/", "db.example.org", 7_688),
            ("bolt://[::1]:7690", "::1", 7_690),
            ("bolt://[::1]", "::1", 7_687),
        ] {
            let address = Address::parse(uri).unwrap();
            assert_eq!((address.host(), address.port()), (host, port), "{uri}");
        }
        for (uri, said) in [
            ("localhost:7687", "must be as in"),
            ("http://localhost:7474", "must begin with"),
            ("neo4j+s://x.databases.neo4j.io", "not supported yet"),
            ("bolt://neo4j:secret@localhost", "must not hold a user"),
            ("bolt://localhost/db", "neither path"),
            ("bolt://:7687", "must name a host"),
            ("bolt://localhost:0", "must have a port"),
            ("bolt://localhost:99999", "must have a port"),
            ("bolt://[::1]x", "must have a port"),
        ] {
            let error = Address::parse(uri).unwrap_err();
            assert!(error.contains(said), "{uri}: {error}");
            assert!(!error.contains("secret"), "{error}");
        }
    }
}
