//! Names: which ones a language and its registry accept, and identifiers made from others.

use std::collections::HashSet;

use mcp_core::path_root::is_device;
use sha2::{Digest, Sha256};

use crate::spec::Language;

/// Longest tool name that clients accept.
pub(crate) const MAX_TOOL_NAME: usize = 64;

impl Language {
    /// Words that a name must not be: keywords, standard modules, packages that projects use.
    fn reserved(self) -> &'static str {
        match self {
            Self::Rust => include_str!("../data/reserved/rust.txt"),
            Self::Python => include_str!("../data/reserved/python.txt"),
            Self::Typescript => include_str!("../data/reserved/typescript.txt"),
        }
    }

    /// Whether a word means something else in this language.
    pub(crate) fn reserves(self, word: &str) -> bool {
        let word = word.to_ascii_lowercase();
        self.reserved().lines().any(|reserved| reserved == word)
    }
}

/// Why a project may not have this name, if it may not. The form `[a-z][a-z0-9-]{0,62}` is the
/// schema's rule.
pub(crate) fn project_name_refusal(name: &str, language: Language) -> Option<&'static str> {
    if name.ends_with('-') {
        return Some("it ends with a hyphen, which PyPI refuses");
    }
    if is_device(name) {
        return Some("it is a device name on Windows");
    }
    if language.reserves(name) || language.reserves(&name.replace('-', "_")) {
        return Some("it is a word or module of the language, or a package the project depends on");
    }
    None
}

/// Cut a tool name to [`MAX_TOOL_NAME`] at a word, and tell it from others by six digits of its hash.
pub(crate) fn cut_tool_name(name: &str) -> String {
    if name.len() <= MAX_TOOL_NAME {
        return name.to_owned();
    }
    with_hash(name, MAX_TOOL_NAME)
}

fn with_hash(name: &str, limit: usize) -> String {
    let digest = hex::encode(Sha256::digest(name.as_bytes()));
    let hash: String = digest.chars().take(6).collect();
    let room = limit - hash.len() - 1;
    let head: String = name.chars().take(room).collect();
    // A name that was cut inside a word loses the rest of that word.
    let cut = if name.len() > room { head.rfind(['_', '-', '.']).unwrap_or(room) } else { room };
    let head: String = head.chars().take(cut).collect();
    format!("{}_{hash}", head.trim_end_matches(['_', '-', '.']))
}

/// Whether a word is an identifier in all three languages: `[a-z_][a-z0-9_]*`, not only `_`.
pub(crate) fn is_identifier(word: &str) -> bool {
    let mut bytes = word.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_lowercase() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && word.bytes().any(|byte| byte != b'_')
}

/// Gives each name an identifier of its own, in the order in which they are asked for.
#[derive(Debug)]
pub(crate) struct Identifiers {
    language: Language,
    suffix: &'static str,
    taken: HashSet<String>,
}

impl Identifiers {
    /// `suffix` is appended to what the language reserves, such as `_tool`.
    pub(crate) fn new(language: Language, suffix: &'static str) -> Self {
        Self { language, suffix, taken: HashSet::new() }
    }

    /// An identifier like `name`; `fallback` and a number when nothing of it can be kept.
    pub(crate) fn assign(&mut self, name: &str, fallback: &str) -> String {
        let mut candidate = snake_case(name);
        if !is_identifier(&candidate) {
            fallback.clone_into(&mut candidate);
        }
        // rmcp's macro makes a second function of that name.
        let is_made_by_macro = candidate.ends_with("_tool_attr");
        if self.language.reserves(&candidate) || is_device(&candidate) || is_made_by_macro {
            candidate.push_str(self.suffix);
        }
        let base = candidate.clone();
        let mut number = 2;
        while !self.taken.insert(candidate.clone()) {
            candidate = format!("{base}_{number}");
            number += 1;
        }
        candidate
    }
}

/// `maxResults`, `max-results` and `max.results` are all `max_results`.
fn snake_case(name: &str) -> String {
    let mut snake = String::with_capacity(name.len() + 4);
    let mut previous_lower = false;
    for character in name.chars() {
        match character {
            '-' | '.' => snake.push('_'),
            _ if character.is_ascii_uppercase() => {
                if previous_lower {
                    snake.push('_');
                }
                snake.push(character.to_ascii_lowercase());
            }
            _ => snake.push(character),
        }
        previous_lower = character.is_ascii_lowercase() || character.is_ascii_digit();
    }
    snake
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn project_names_follow_the_registries() {
        assert_eq!(project_name_refusal("weather", Language::Rust), None);
        for (name, language) in [
            ("weather-", Language::Rust),
            ("con", Language::Rust),
            ("rmcp", Language::Rust),
            ("serde-json", Language::Rust),
            ("fn", Language::Rust),
            ("json", Language::Python),
            ("fastmcp", Language::Python),
            ("class", Language::Python),
            ("fs", Language::Typescript),
            ("child-process", Language::Typescript),
        ] {
            assert!(project_name_refusal(name, language).is_some(), "{name} in {language:?}");
        }
        assert_eq!(project_name_refusal("json", Language::Typescript), None);
    }

    #[test]
    fn long_tool_names_are_cut_at_a_word() {
        let long = "list_all_the_repositories_of_an_organisation_with_their_branches_and_tags";
        let cut = cut_tool_name(long);
        assert_eq!(
            cut,
            "list_all_the_repositories_of_an_organisation_with_their_3cc6a8".replace(
                "3cc6a8",
                &hex::encode(Sha256::digest(long.as_bytes())).chars().take(6).collect::<String>()
            )
        );
        assert!(cut.len() <= MAX_TOOL_NAME);
        assert_eq!(cut_tool_name("short"), "short");
    }

    #[test]
    fn identifiers_are_valid_and_distinct() {
        let mut fields = Identifiers::new(Language::Rust, "_");
        let assigned: Vec<_> =
            ["a", "maxResults", "max-results", "type", "self", "", "9", "_", "日本"]
                .iter()
                .map(|name| fields.assign(name, "field"))
                .collect();
        assert_eq!(
            assigned,
            [
                "a",
                "max_results",
                "max_results_2",
                "type_",
                "self_",
                "field",
                "field_2",
                "field_3",
                "field_4"
            ]
        );
    }

    proptest! {
        #[test]
        fn any_names_get_distinct_identifiers(names in prop::collection::vec("[A-Za-z_.-]{1,6}|\\PC{0,6}", 1..20)) {
            for language in Language::ALL {
                let mut identifiers = Identifiers::new(language, "_");
                let assigned: Vec<_> = names.iter().map(|name| identifiers.assign(name, "field")).collect();
                prop_assert!(assigned.iter().all(|name| is_identifier(name) && !language.reserves(name)));
                prop_assert_eq!(assigned.iter().collect::<HashSet<_>>().len(), names.len());
            }
        }

        #[test]
        fn cut_names_fit(name in "[a-z][a-z0-9_-]{0,200}") {
            prop_assert!(cut_tool_name(&name).len() <= MAX_TOOL_NAME);
        }
    }
}
