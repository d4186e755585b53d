//! What a path may look like.

use std::{collections::HashMap, fmt, str::FromStr};

use super::STAGING_PREFIX;

/// Longest path in bytes, and the most components of one.
const MAX_BYTES: usize = 1024;
const MAX_COMPONENTS: usize = 32;
/// `NAME_MAX` of every common file system.
const MAX_COMPONENT_BYTES: usize = 255;

/// A path below a root: relative, `/`-separated, the same file on every system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelativePath {
    text: String,
    components: Vec<String>,
}

/// A path that is not followed, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("path {path:?} is refused: {reason}")]
pub struct PathRefused {
    /// The path, cut to 100 characters.
    pub path: String,
    /// The rule it breaks.
    pub reason: String,
}

impl PathRefused {
    /// Refuse a path for a reason: what it is, as in "it is empty".
    pub fn new(path: &str, reason: impl Into<String>) -> Self {
        Self { path: path.chars().take(100).collect(), reason: reason.into() }
    }
}

impl RelativePath {
    /// The components, in order; never empty.
    pub fn components(&self) -> &[String] {
        &self.components
    }

    /// The path as it was given.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The path above the last component; `None` for a single component.
    pub fn parent(&self) -> Option<Self> {
        let (_, above) = self.components.split_last()?;
        (!above.is_empty()).then(|| Self { text: above.join("/"), components: above.to_vec() })
    }

    /// The last component.
    pub fn name(&self) -> &str {
        self.components.last().map_or("", String::as_str)
    }
}

impl fmt::Display for RelativePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for RelativePath {
    type Err = PathRefused;

    fn from_str(path: &str) -> Result<Self, PathRefused> {
        check(path).map_err(|reason| PathRefused::new(path, reason))?;
        let components = path.split('/').map(str::to_owned).collect();
        Ok(Self { text: path.to_owned(), components })
    }
}

fn check(path: &str) -> Result<(), String> {
    if path.is_empty() {
        return Err("it is empty".into());
    }
    if path.len() > MAX_BYTES {
        return Err(format!("it is longer than {MAX_BYTES} bytes"));
    }
    if path.starts_with('/') {
        return Err("it is absolute".into());
    }
    if let Some(character) = path.chars().find(|&character| is_forbidden(character)) {
        return Err(format!("it contains U+{:04X}", u32::from(character)));
    }
    if path.split('/').count() > MAX_COMPONENTS {
        return Err(format!("it has more than {MAX_COMPONENTS} components"));
    }
    path.split('/').try_for_each(check_component)
}

/// Separators, drives, streams and wildcards of other systems; invisible and reordering marks.
fn is_forbidden(character: char) -> bool {
    matches!(character, '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|')
        || character.is_control()
        || crate::untrusted::is_invisible(character)
}

fn check_component(component: &str) -> Result<(), String> {
    let reason = match component {
        "" => "it has an empty component",
        "." => "it has a `.` component",
        ".." => "it has a `..` component",
        _ if component.len() > MAX_COMPONENT_BYTES => "a component is longer than 255 bytes",
        _ if component.starts_with('-') => "a component starts with `-`",
        _ if component.starts_with(' ') => "a component starts with a space",
        _ if component.ends_with(['.', ' ']) => "a component ends with a dot or a space",
        _ if is_device(component) => "a component is a device name on Windows",
        _ if is_repository(component) => "a component is a repository's own directory",
        _ if component.starts_with(STAGING_PREFIX) => "a component is reserved for staging",
        _ if has_encoded_separator(component) => "a component has an encoded dot or separator",
        _ => return Ok(()),
    };
    Err(reason.into())
}

/// Device names are devices with any extension and in any case (Windows file naming rules).
pub fn is_device(component: &str) -> bool {
    let stem = component.split('.').next().unwrap_or_default().trim_end().to_ascii_lowercase();
    if matches!(stem.as_str(), "con" | "prn" | "aux" | "nul" | "conin$" | "conout$") {
        return true;
    }
    ["com", "lpt"].iter().any(|port| {
        stem.strip_prefix(port).is_some_and(|number| {
            let mut characters = number.chars();
            matches!(characters.next(), Some('0'..='9' | '¹' | '²' | '³'))
                && characters.next().is_none()
        })
    })
}

/// Files below `.git` are run by git itself (hooks, configuration).
fn is_repository(component: &str) -> bool {
    let lower = component.to_ascii_lowercase();
    matches!(lower.as_str(), ".git" | ".hg" | ".svn") || lower.starts_with("git~")
}

fn has_encoded_separator(component: &str) -> bool {
    let lower = component.to_ascii_lowercase();
    ["%2e", "%2f", "%5c", "%00"].iter().any(|code| lower.contains(code))
}

/// Two paths that are one file where case does not count, if there are any.
pub fn case_collision<'a>(paths: impl IntoIterator<Item = &'a str>) -> Option<(&'a str, &'a str)> {
    let mut seen = HashMap::new();
    for path in paths {
        if let Some(earlier) = seen.insert(path.to_lowercase(), path) {
            return Some((earlier, path));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_paths_are_accepted() {
        for path in
            ["a", "a/b.rs", ".gitignore", ".machina/project.json", "größe/日本", "a..b", "~"]
        {
            assert_eq!(path.parse::<RelativePath>().expect(path).as_str(), path);
        }
    }

    #[test]
    fn parent_and_name_split_a_path() {
        let path: RelativePath = "a/b/c".parse().expect("path");
        assert_eq!(path.name(), "c");
        assert_eq!(path.parent().expect("parent").as_str(), "a/b");
        assert_eq!("a".parse::<RelativePath>().expect("path").parent(), None);
    }

    #[test]
    fn collisions_are_found_without_regard_to_case() {
        assert_eq!(case_collision(["a/B", "a/c", "A/b"]), Some(("a/B", "A/b")));
        assert_eq!(case_collision(["a", "b"]), None);
    }

    proptest! {
        #[test]
        fn an_accepted_path_has_only_plain_components(path in "[a./\\\\:~ -]{0,12}|\\PC{0,20}") {
            if let Ok(parsed) = path.parse::<RelativePath>() {
                let plain = std::path::Path::new(parsed.as_str())
                    .components()
                    .map(|part| matches!(part, std::path::Component::Normal(_)))
                    .collect::<Vec<_>>();
                prop_assert_eq!(plain.len(), parsed.components().len());
                prop_assert!(plain.into_iter().all(|is_plain| is_plain));
            }
        }
    }
}
