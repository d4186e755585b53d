//! Who may enter which namespace.

use std::collections::BTreeMap;

use mcp_core::{
    Principal,
    prelude::{ConfigError, Deserialize, JsonSchema, Serialize},
};

use super::name::{Name, RULE};
use crate::Config;

/// How far a caller may go in a namespace.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[schemars(crate = "mcp_core::prelude::schemars")]
pub enum Access {
    /// Read what is there.
    #[serde(rename = "r")]
    Read,
    /// Write as well.
    #[serde(rename = "rw")]
    Write,
}

/// Homes and grants, as the configuration gives them.
#[derive(Debug, Default)]
pub(crate) struct Rights {
    homes: BTreeMap<String, Name>,
    grants: BTreeMap<String, Vec<(Reach, Access)>>,
}

/// What a grant is for.
#[derive(Debug, PartialEq, Eq)]
enum Reach {
    /// Every namespace.
    All,
    /// One, and those below it.
    From(Name),
}

impl Rights {
    /// Read them; what is wrong is named with its setting.
    pub(crate) fn of(config: &Config) -> Result<Self, ConfigError> {
        let mut rights = Self::default();
        for (caller, home) in &config.homes {
            check_caller("homes", caller)?;
            let name = Name::parse(home).ok_or_else(|| wrong_name("homes", caller, home))?;
            rights.homes.insert(caller.clone(), name);
        }
        for (caller, grants) in &config.grants {
            check_caller("grants", caller)?;
            let grants = grants.iter().map(|(to, access)| {
                let reach =
                    if to == "*" { Some(Reach::All) } else { Name::parse(to).map(Reach::From) };
                Ok((reach.ok_or_else(|| wrong_name("grants", caller, to))?, *access))
            });
            rights.grants.insert(caller.clone(), grants.collect::<Result<_, ConfigError>>()?);
        }
        Ok(rights)
    }

    /// Where a caller is when it names no namespace.
    pub(crate) fn home(&self, caller: &Principal) -> Name {
        if is_alone(caller) {
            return Name::default_one();
        }
        let home = self.homes.get(caller.id()).cloned();
        home.unwrap_or_else(|| Name::of_caller(caller.id()))
    }

    /// How far a caller may go in a namespace of this name, there or not; `None`: not at all.
    pub(crate) fn access(&self, caller: &Principal, name: &Name) -> Option<Access> {
        if is_alone(caller) || self.home(caller).covers(name) {
            return Some(Access::Write);
        }
        let granted = self.grants.get(caller.id()).into_iter().flatten();
        let fitting = granted.filter(|(reach, _)| match reach {
            Reach::All => true,
            Reach::From(above) => above.covers(name),
        });
        fitting.map(|(_, access)| *access).max()
    }

    /// Whether a caller may make a namespace of this name.
    pub(crate) fn may_create(&self, caller: &Principal, name: &Name) -> bool {
        is_alone(caller) || self.home(caller).covers(name)
    }

    /// Whether the configuration gives a caller just this one, so that it is there when it is asked
    /// for.
    pub(crate) fn is_given(&self, caller: &Principal, name: &Name) -> bool {
        self.home(caller) == *name || self.granted(caller).any(|granted| granted == name)
    }

    /// Namespaces that the configuration names for a caller.
    pub(crate) fn granted<'a>(&'a self, caller: &Principal) -> impl Iterator<Item = &'a Name> {
        let granted = self.grants.get(caller.id()).into_iter().flatten();
        granted.filter_map(|(reach, _)| match reach {
            Reach::All => None,
            Reach::From(name) => Some(name),
        })
    }
}

/// The user of this machine, or whoever calls a port that asks for no credential: then there are no
/// tenants that could be told apart.
pub(crate) fn is_alone(caller: &Principal) -> bool {
    !caller.is_authenticated()
}

fn check_caller(setting: &str, caller: &str) -> Result<(), ConfigError> {
    let named = ["key:", "jwt:"]
        .iter()
        .any(|kind| caller.strip_prefix(kind).is_some_and(|name| !name.is_empty()));
    if named {
        return Ok(());
    }
    let message = format!("{caller:?} is no caller");
    Err(ConfigError::new(setting, message)
        .with_hint("name callers as `key:<name of the API key>` or `jwt:<subject of the token>`"))
}

fn wrong_name(setting: &str, caller: &str, name: &str) -> ConfigError {
    let message = format!("{name:?}, for {caller}, is no namespace: a name {RULE}");
    let hint = if setting == "grants" {
        "rename it; `*` grants every namespace"
    } else {
        "rename it, or leave the caller out: its home is then made of a digest of its name"
    };
    ConfigError::new(setting, message).with_hint(hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(homes: &[(&str, &str)], grants: &[(&str, &[(&str, Access)])]) -> Config {
        let owned = |text: &str| text.to_owned();
        Config {
            homes: homes.iter().map(|(caller, home)| (owned(caller), owned(home))).collect(),
            grants: grants
                .iter()
                .map(|(caller, to)| {
                    (owned(caller), to.iter().map(|(name, how)| (owned(name), *how)).collect())
                })
                .collect(),
            ..Config::default()
        }
    }

    fn key(name: &str) -> Principal {
        Principal::new(format!("key:{name}"), None, None)
    }

    #[test]
    fn a_caller_has_its_home_what_lies_below_it_and_what_is_granted() {
        let grants: &[(&str, Access)] =
            &[("team", Access::Write), ("team/rules", Access::Read), ("books", Access::Read)];
        let rights =
            Rights::of(&config(&[("key:a", "alice")], &[("key:a", grants)])).expect("sound");
        let name = |text: &str| Name::parse(text).expect("a name");
        for (asked, access) in [
            ("alice", Some(Access::Write)),
            ("alice/notes", Some(Access::Write)),
            ("alicex", None),
            ("team", Some(Access::Write)),
            ("team/rules", Some(Access::Write)),
            ("books", Some(Access::Read)),
            ("books/old", Some(Access::Read)),
            ("default", None),
            ("bob", None),
        ] {
            assert_eq!(rights.access(&key("a"), &name(asked)), access, "{asked}");
        }
        assert!(rights.may_create(&key("a"), &name("alice/new")));
        assert!(!rights.may_create(&key("a"), &name("team/new")), "a grant is no home");
        assert!(rights.is_given(&key("a"), &name("books")));
        assert!(!rights.is_given(&key("a"), &name("books/old")), "it must have been made");
        assert_eq!(rights.home(&key("b")), Name::of_caller("key:b"));
        assert_eq!(rights.access(&key("b"), &name("alice")), None);
    }

    #[test]
    fn who_is_alone_has_all() {
        let rights = Rights::default();
        for caller in [Principal::local(), Principal::anonymous()] {
            assert_eq!(rights.home(&caller), Name::default_one());
            let other = Name::of_caller("key:b");
            assert_eq!(rights.access(&caller, &other), Some(Access::Write));
            assert!(rights.may_create(&caller, &other));
        }
        // A key may be called as it likes.
        let named = key("local");
        assert_ne!(rights.home(&named), Name::default_one());
        assert_eq!(rights.access(&named, &Name::default_one()), None);
    }

    #[test]
    fn a_star_grants_every_namespace_as_far_as_it_says() {
        let rights =
            Rights::of(&config(&[], &[("jwt:ops", &[("*", Access::Read)])])).expect("sound");
        let ops = Principal::new("jwt:ops", None, None);
        assert_eq!(rights.access(&ops, &Name::default_one()), Some(Access::Read));
        assert_eq!(rights.access(&ops, &rights.home(&ops)), Some(Access::Write));
        assert!(!rights.is_given(&ops, &Name::default_one()));
    }

    #[test]
    fn wrong_rights_name_their_setting_and_the_repair() {
        for (wrong, message) in [
            (config(&[("alice", "a")], &[]), "homes: \"alice\" is no caller"),
            (config(&[("key:", "a")], &[]), "homes: \"key:\" is no caller"),
            (config(&[("key:a", "A")], &[]), "homes: \"A\", for key:a, is no namespace"),
            (config(&[], &[("b", &[("x", Access::Read)])]), "grants: \"b\" is no caller"),
            (config(&[], &[("jwt:b", &[("x/", Access::Read)])]), "grants: \"x/\", for jwt:b"),
        ] {
            let error = Rights::of(&wrong).expect_err("refused");
            assert!(error.to_string().starts_with(message), "{error}");
            assert!(error.hint().is_some());
        }
    }
}
