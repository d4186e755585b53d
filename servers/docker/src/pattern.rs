//! Search patterns of callers.

use regex::{Regex, RegexBuilder};

use crate::Error;

/// Bytes that a compiled pattern may take. Matching is linear in the text whatever the pattern.
const MAX_COMPILED: usize = 1 << 20;

/// Compile a pattern; `field` is the JSON pointer of the argument.
pub(crate) fn compile(field: &'static str, text: &str) -> Result<Regex, Error> {
    RegexBuilder::new(text).size_limit(MAX_COMPILED).dfa_size_limit(MAX_COMPILED).build().map_err(
        |error| match error {
            regex::Error::CompiledTooBig(_) => {
                Error::invalid(field, "is too large when compiled; use smaller repetitions")
            },
            _ => Error::invalid(
                field,
                "is not a valid pattern (syntax of Rust's regex: no look-around, no back-references)",
            ),
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_checked_and_bounded() {
        assert!(compile("/grep", "(?i)error|warn").is_ok());
        for text in ["(", "(?=x)", r"(a)\1", "((a{1000}){1000}){1000}"] {
            assert_eq!(compile("/grep", text).unwrap_err().code(), "invalid_argument", "{text}");
        }
    }
}
