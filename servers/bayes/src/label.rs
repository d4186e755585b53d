//! Names that callers give to hypotheses and arms.

/// Longest name in characters.
pub(crate) const MAX_LABEL: usize = 64;

/// The caller's name without control characters, cut to [`MAX_LABEL`]; `fallback` if nothing is left.
pub(crate) fn label(given: Option<String>, fallback: impl FnOnce() -> String) -> String {
    let name: String = given
        .unwrap_or_default()
        .chars()
        .filter(|character| !character.is_control())
        .take(MAX_LABEL)
        .collect();
    if name.trim().is_empty() { fallback() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_bounded_text() {
        let shown = |given: &str| label(Some(given.to_owned()), || "arm".to_owned());
        assert_eq!(shown("red\u{1b}[31m\n"), "red[31m");
        assert_eq!(shown(" \t"), "arm");
        assert_eq!(shown(&"x".repeat(100)).len(), MAX_LABEL);
        assert_eq!(label(None, || "arm".to_owned()), "arm");
    }
}
