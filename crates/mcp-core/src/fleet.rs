//! The one table of the fleet: names, ports and purposes.

/// One server of the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Member {
    /// Short name: configuration prefix, compose service, `machina call NAME`.
    pub name: &'static str,
    /// Human-readable title.
    pub title: &'static str,
    /// Default TCP port.
    pub port: u16,
    /// One line on what it is for.
    pub purpose: &'static str,
}

impl Member {
    /// Describe a server that is not of the fleet: the test fixture, a generated project.
    pub const fn new(
        name: &'static str,
        title: &'static str,
        port: u16,
        purpose: &'static str,
    ) -> Self {
        Self { name, title, port, purpose }
    }

    /// Name of the executable, `machina-<name>`.
    pub fn binary(&self) -> String {
        format!("machina-{}", self.name)
    }
}

/// Agent memory and hybrid search.
pub const PTOLEMIES: Member = Member::new(
    "ptolemies",
    "Ptolemies",
    5001,
    "Durable agent memory: store, search, recall and forget",
);
/// Stripe.
pub const STRIPE: Member =
    Member::new("stripe", "Stripe", 5002, "The Stripe API: accounts, objects, customers");
/// Shopify.
pub const SHOPIFY: Member =
    Member::new("shopify", "Shopify", 5003, "One store's Shopify Admin API: shop and products");
/// Bayesian inference.
pub const BAYES: Member = Member::new(
    "bayes",
    "Bayes",
    5004,
    "Bayesian answers: exact updates and tests, models by NUTS",
);
/// Optimisation.
pub const DARWIN: Member =
    Member::new("darwin", "Darwin", 5005, "Evolutionary optimisation: durable runs, equal by seed");
/// Docker.
pub const DOCKER: Member =
    Member::new("docker", "Docker", 5006, "Docker containers: list, inspect, logs, engine");
/// Project generator.
pub const SCAFFOLD: Member =
    Member::new("scaffold", "Scaffold", 5007, "Plans and writes MCP server projects");

/// All seven, by port.
pub const MEMBERS: [Member; 7] = [PTOLEMIES, STRIPE, SHOPIFY, BAYES, DARWIN, DOCKER, SCAFFOLD];

/// The member of that name.
pub fn find(name: &str) -> Option<&'static Member> {
    MEMBERS.iter().find(|member| member.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_ports_are_unique_and_ordered() {
        assert!(MEMBERS.windows(2).all(|pair| pair[0].port < pair[1].port));
        for member in MEMBERS {
            assert_eq!(find(member.name), Some(&member).copied().as_ref());
        }
    }
}
