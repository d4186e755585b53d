//! The process environment, read once.

use std::collections::BTreeMap;

/// Variables of this project that no binary reads: tests, benches and scripts do.
pub const DEVELOPER_VARIABLES: &[&str] = &[
    "MACHINA_BENCH_DATA",
    "MACHINA_BENCH_NODE_MODULES",
    "MACHINA_BENCH_PYTHON",
    "MACHINA_CONFORMANCE",
    "MACHINA_NODE",
    "MACHINA_NODE_MODULES",
    "MACHINA_NO_DOCKER",
    "MACHINA_POSTERIORDB",
    "MACHINA_PYTHON",
    "MACHINA_STANC3",
    "MACHINA_STRIPE_MOCK",
    "MACHINA_TOOLS_DIR",
];

/// Variables of the tests themselves start like this.
pub(super) const TEST_PREFIX: &str = "MACHINA_TEST_";

/// Names older deployments used, and what they are called now.
pub(super) const ALIASES: &[(&str, &str)] = &[
    ("MCP_HOST", "MACHINA_BIND"),
    ("MCP_PORT", "MACHINA_PORT"),
    ("LOG_LEVEL", "MACHINA_LOG_LEVEL"),
    ("API_KEYS", "MACHINA_API_KEY"),
    ("JWT_SECRET", "MACHINA_JWT_SECRET"),
];

/// A snapshot of the variables. An empty value counts as unset: compose passes `${VAR:-}` on.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// The variables of this process; values that are not UTF-8 are left out.
    pub fn of_process() -> Self {
        #[expect(clippy::disallowed_methods, reason = "this is the door")]
        let variables = std::env::vars_os();
        variables
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value of a variable that is set and not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(variables: I) -> Self {
        Self(
            variables
                .into_iter()
                .map(|(name, value)| (name.into(), value.into()))
                .filter(|(_, value)| !value.is_empty())
                .collect(),
        )
    }
}
