//! Foreign text made safe to show: no terminal control, nothing invisible, a bounded length.

use std::borrow::Cow;

/// Clean text of one line and cut it to `max` characters, marking the cut with `…`.
pub(crate) fn clean(text: &str, max: usize) -> String {
    let cleaned = clean_line(text.as_bytes());
    cut(&cleaned, max).into_owned()
}

/// The first `max` characters; a cut is marked with `…`.
pub(crate) fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max {
        return Cow::Borrowed(text);
    }
    match text.char_indices().nth(max) {
        None => Cow::Borrowed(text),
        Some((end, _)) => {
            let kept = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{kept}…"))
        }
    }
}

/// One line without ANSI sequences, control, bidirectional and invisible code points. Invalid
/// UTF-8 becomes U+FFFD. Clean ASCII is borrowed.
pub(crate) fn clean_line(line: &[u8]) -> Cow<'_, str> {
    if line.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\t')) {
        return String::from_utf8_lossy(line);
    }
    let text = String::from_utf8_lossy(line);
    let mut cleaned = String::with_capacity(text.len());
    let mut rest = text.trim_end_matches(['\r', '\n']);
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        rest = match next {
            '\u{1b}' => after_escape(after),
            '\u{9b}' => after_control_sequence(after),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => after_string(after),
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{2028}' | '\u{2029}' => {
                cleaned.push(' ');
                after
            }
            other => {
                if !is_hidden(other) {
                    cleaned.push(other);
                }
                after
            }
        };
    }
    Cow::Owned(cleaned)
}

/// Whether a code point is a control, reorders text or shows nothing.
fn is_hidden(c: char) -> bool {
    match c {
        '\t' => false,
        // Soft hyphen, Arabic letter mark, Hangul fillers, Mongolian separators.
        '\u{ad}'
        | '\u{61c}'
        | '\u{34f}'
        | '\u{115f}'
        | '\u{1160}'
        | '\u{17b4}'
        | '\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{3164}'
        | '\u{ffa0}' => true,
        // Zero width, directional marks, embeddings, overrides, isolates, invisible operators.
        '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' => true,
        // Variation selectors, byte order mark, interlinear annotation, noncharacters.
        '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}' => true,
        // Musical formatting, tags, variation selectors supplement, private use planes.
        '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        other => other.is_control(),
    }
}

/// What follows an escape sequence (ECMA-48, sections 5.3 and 5.4), the ESC itself consumed.
fn after_escape(text: &str) -> &str {
    let Some(kind) = text.chars().next() else { return text };
    let after = text.get(kind.len_utf8()..).unwrap_or_default();
    match kind {
        '[' => after_control_sequence(after),
        ']' | 'P' | 'X' | '^' | '_' => after_string(after),
        ' '..='/' => {
            let rest = after.trim_start_matches(|c| (' '..='/').contains(&c));
            let mut chars = rest.chars();
            if chars.next().is_some_and(|c| ('0'..='~').contains(&c)) {
                chars.as_str()
            } else {
                rest
            }
        }
        '0'..='~' => after,
        _ => text,
    }
}

/// Parameters, intermediates and the final byte of a control sequence.
fn after_control_sequence(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| ('0'..='?').contains(&c));
    let rest = rest.trim_start_matches(|c| (' '..='/').contains(&c));
    let mut chars = rest.chars();
    if chars.next().is_some_and(|c| ('@'..='~').contains(&c)) { chars.as_str() } else { rest }
}

/// A control string ends with BEL or ST. One without an end hides nothing: its text stays.
fn after_string(text: &str) -> &str {
    let end = text.find(['\u{7}', '\u{9c}', '\u{1b}']);
    let Some(end) = end else { return text };
    let rest = text.get(end..).unwrap_or_default();
    match rest.strip_prefix("\u{1b}\\") {
        Some(after) => after,
        None if rest.starts_with('\u{1b}') => rest,
        None => rest.get(rest.chars().next().map_or(0, char::len_utf8)..).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn terminal_sequences_disappear() {
        for (line, expected) in [
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}[38;5;196;1mx\u{1b}[K", "x"),
            ("\u{1b}]0;title\u{7}text", "text"),
            ("\u{1b}]8;;http://a\u{1b}\\link\u{1b}]8;;\u{1b}\\", "link"),
            ("\u{9b}31mred", "red"),
            ("\u{1b}(Bplain", "plain"),
            ("\u{1b}]unterminated", "unterminated"),
            ("\u{1b}", ""),
            ("a\u{8}b\u{7f}c\0d", "abcd"),
            ("10%\r20%\r\n", "10% 20%"),
            ("tab\tstays", "tab\tstays"),
        ] {
            assert_eq!(clean_line(line.as_bytes()), expected, "{line:?}");
        }
    }

    #[test]
    fn invisible_and_reordering_code_points_disappear() {
        let hidden = "a\u{200b}b\u{202e}c\u{2066}d\u{feff}e\u{e0041}f\u{ad}g\u{fe0f}h";
        assert_eq!(clean_line(hidden.as_bytes()), "abcdefgh");
        assert_eq!(clean_line("größe 漢字 🦀".as_bytes()), "größe 漢字 🦀");
    }

    #[test]
    fn invalid_utf8_is_replaced() {
        assert_eq!(clean_line(b"ok\xff"), "ok\u{fffd}");
    }

    #[test]
    fn cuts_fall_between_characters() {
        assert_eq!(cut("größe", 3), "grö…");
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!(clean("abc", 0), "…");
    }

    proptest! {
        #[test]
        fn nothing_hidden_survives(line in proptest::collection::vec(any::<u8>(), 0..200)) {
            let cleaned = clean_line(&line);
            prop_assert!(!cleaned.chars().any(is_hidden), "{:?}", cleaned);
        }

        #[test]
        fn cleaning_twice_changes_nothing(line in "\\PC{0,60}") {
            let once = clean_line(line.as_bytes()).into_owned();
            prop_assert_eq!(clean_line(once.as_bytes()).into_owned(), once.clone());
        }
    }
}
