//! Foreign text: bounded, and free of characters that act instead of being read.

/// What stands where text was cut.
pub(crate) const CUT: char = '…';

/// The text without control and invisible formatting characters, at most `max` characters.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let mut visible = text.chars().filter(|c| !is_hidden(*c));
    let mut out: String = visible.by_ref().take(max).collect();
    if visible.next().is_some() {
        out.pop();
        out.push(CUT);
    }
    out
}

/// Whether [`clean`] would return the same text.
pub(crate) fn is_clean(text: &str, max: usize) -> bool {
    !text.chars().any(is_hidden) && (text.len() <= max || text.chars().count() <= max)
}

/// Controls but line feed and tab, bidirectional overrides, zero-width characters and tag
/// characters: all can hide instructions from the human who looks at the same text.
fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' => {
            true
        }
        '\u{2060}'..='\u{206f}'
        | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e007f}' => true,
        _ => c.is_control(),
    }
}

/// The text with everything that looks like a Stripe key blotted out.
pub(crate) fn without_keys(text: &str) -> String {
    text.split_inclusive(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == '*'))
        .map(|word| {
            let secret =
                ["sk_", "rk_", "whsec_", "pk_"].iter().any(|prefix| word.starts_with(prefix));
            let end = word
                .chars()
                .next_back()
                .filter(|c| !(c.is_ascii_alphanumeric() || *c == '_' || *c == '*'));
            if secret {
                format!("[key]{}", end.map(String::from).unwrap_or_default())
            } else {
                word.to_owned()
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hidden_characters_go_and_visible_ones_stay() {
        assert_eq!(
            clean("a\u{202e}b\u{200b}c\u{0}d\u{e0041}e\n\tf\u{1b}[31m", 100),
            "abcde\n\tf[31m"
        );
        assert_eq!(clean("Zoë 日本 🦀", 100), "Zoë 日本 🦀");
        assert_eq!(clean("abcdef", 3), "ab…");
        assert_eq!(clean("abc", 3), "abc");
    }

    #[test]
    fn keys_are_blotted_out() {
        assert_eq!(
            without_keys("Invalid API Key provided: sk_test_abc***123."),
            "Invalid API Key provided: [key]."
        );
        assert_eq!(without_keys("rk_live_1"), "[key]");
        assert_eq!(without_keys("task_1 risk, cus_1"), "task_1 risk, cus_1");
    }

    proptest! {
        #[test]
        fn cleaning_is_bounded_and_settles(text: String, max in 1_usize..40) {
            let once = clean(&text, max);
            prop_assert!(once.chars().count() <= max);
            prop_assert!(is_clean(&once, max));
            prop_assert_eq!(clean(&once, max), once.clone());
            prop_assert_eq!(is_clean(&text, max), once == text);
        }
    }
}
