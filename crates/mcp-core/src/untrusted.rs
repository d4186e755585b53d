//! Foreign text: what others wrote, shown as data that can neither act nor hide.
//!
//! [`Text`] holds such text and gives it out cleaned and cut only. Removed are control characters
//! but line feed and tab, ANSI and OSC sequences, bidirectional controls, zero-width and other
//! invisible characters, the tag block and the variation selectors. Joiners and emoji selectors stay
//! where scripts and emoji need them: one after a visible character beyond ASCII.
//!
//! A result names the places of its foreign text in a field `untrusted`: JSON pointers, where `*`
//! stands for any element. [`pointers`] finds them in a JSON value.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// What stands where text was cut.
pub const CUT: char = '…';

/// Text of an outsider. It leaves cleaned, by [`Text::show`] and [`Text::line`]; `Debug` tells its
/// length.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// The text on several lines, at most `max` characters.
    pub fn show(&self, max: usize) -> String {
        show(&self.0, max)
    }

    /// The text on one line, at most `max` characters.
    pub fn line(&self, max: usize) -> String {
        line(&self.0, max)
    }

    /// Whether there is nothing to show.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Text {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<&[u8]> for Text {
    /// What is no UTF-8 becomes U+FFFD.
    fn from(bytes: &[u8]) -> Self {
        Self(String::from_utf8_lossy(bytes).into_owned())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// Foreign text on several lines, cleaned, at most `max` characters.
pub fn show(text: &str, max: usize) -> String {
    cut(&clean(text), max).into_owned()
}

/// Foreign text on one line, cleaned, at most `max` characters.
pub fn line(text: &str, max: usize) -> String {
    cut(&clean_line(text), max).into_owned()
}

/// The text without what acts or hides. Line ends become line feeds. What is clean is borrowed.
pub fn clean(text: &str) -> Cow<'_, str> {
    let stays = |c| matches!(c, '\n' | '\t') || !is_invisible(c);
    if text.chars().all(stays) { Cow::Borrowed(text) } else { Cow::Owned(scrub(text, '\n')) }
}

/// As [`clean`], with a space for each line end and none for those at the end.
pub fn clean_line(text: &str) -> Cow<'_, str> {
    let text = text.trim_end_matches(['\r', '\n']);
    let stays = |c| c == '\t' || !is_invisible(c);
    if text.chars().all(stays) { Cow::Borrowed(text) } else { Cow::Owned(scrub(text, ' ')) }
}

/// As [`clean_line`], of bytes that should be UTF-8; what is not becomes U+FFFD.
pub fn clean_bytes(line: &[u8]) -> Cow<'_, str> {
    match String::from_utf8_lossy(line) {
        Cow::Borrowed(text) => clean_line(text),
        Cow::Owned(text) => Cow::Owned(clean_line(&text).into_owned()),
    }
}

/// At most `max` characters; where text was cut, the last of them is [`CUT`].
pub fn cut(text: &str, max: usize) -> Cow<'_, str> {
    if text.len() <= max || text.chars().nth(max).is_none() {
        return Cow::Borrowed(text);
    }
    let kept = text.chars().take(max.saturating_sub(1));
    Cow::Owned(kept.chain((max > 0).then_some(CUT)).collect())
}

/// Whether [`show`] would return the same text.
pub fn is_clean(text: &str, max: usize) -> bool {
    matches!(clean(text), Cow::Borrowed(_)) && (text.len() <= max || text.chars().count() <= max)
}

/// Whether a character shows nothing, acts on a terminal or reorders its neighbours.
pub fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    matches!(c,
        // Soft hyphen, grapheme joiner, Arabic letter mark, Hangul fillers, Khmer and Mongolian marks.
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
        | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
        // Zero width and direction marks; line separators, embeddings, overrides; operators, isolates.
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        // Variation selectors, byte order mark, interlinear annotation.
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        // Shorthand and musical formatting; tags, the variation supplement and their plane's rest.
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
        || c.is_control()
}

fn scrub(text: &str, line_end: char) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.chars().next() {
        let after = rest.get(next.len_utf8()..).unwrap_or_default();
        rest = match next {
            '\u{1b}' => after_escape(after),
            '\u{9b}' => after_control_sequence(after),
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => after_string(after),
            '\r' if after.starts_with('\n') => after,
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                out.push(line_end);
                after
            }
            other => {
                if other == '\t' || !is_invisible(other) || is_needed(other, &out) {
                    out.push(other);
                }
                after
            }
        };
    }
    out
}

/// Whether a joiner or an emoji selector belongs to what is before it.
fn is_needed(c: char, before: &str) -> bool {
    let Some(last) = before.chars().next_back() else { return false };
    let visible = !last.is_ascii() && !is_invisible(last);
    match c {
        '\u{200c}' | '\u{fe0e}' | '\u{fe0f}' => visible,
        '\u{200d}' => visible || last == '\u{fe0f}',
        _ => false,
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
            without_first(rest, |c| ('0'..='~').contains(&c))
        }
        '0'..='~' => after,
        _ => text,
    }
}

/// Parameters, intermediates and the final byte of a control sequence.
fn after_control_sequence(text: &str) -> &str {
    let rest = text.trim_start_matches(|c| ('0'..='?').contains(&c));
    let rest = rest.trim_start_matches(|c| (' '..='/').contains(&c));
    without_first(rest, |c| ('@'..='~').contains(&c))
}

/// A control string ends with BEL or ST. One without an end hides nothing: its text stays.
fn after_string(text: &str) -> &str {
    let Some(end) = text.find(['\u{7}', '\u{9c}', '\u{1b}']) else { return text };
    let rest = text.get(end..).unwrap_or_default();
    match rest.strip_prefix("\u{1b}\\") {
        Some(after) => after,
        None if rest.starts_with('\u{1b}') => rest,
        None => without_first(rest, |_| true),
    }
}

fn without_first(text: &str, is_part: impl Fn(char) -> bool) -> &str {
    let mut chars = text.chars();
    if chars.next().is_some_and(is_part) { chars.as_str() } else { text }
}

/// JSON pointers, below `at`, of the text in fields that outsiders write; sorted, no repeats.
pub fn pointers(value: &Value, at: &str, is_foreign: impl Fn(&str) -> bool) -> Vec<String> {
    let mut found = Vec::new();
    collect(value, at, &is_foreign, &mut found);
    found.sort();
    found.dedup();
    found
}

fn collect(value: &Value, at: &str, is_foreign: &impl Fn(&str) -> bool, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                let pointer = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
                if !is_foreign(name) {
                    collect(value, &pointer, is_foreign, found);
                } else if has_text(value) {
                    found.push(pointer);
                }
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                collect(value, &format!("{at}/{index}"), is_foreign, found);
            }
        }
        _ => {}
    }
}

/// Whether there is anything an outsider wrote: not nothing, and not all masked.
fn has_text(value: &Value) -> bool {
    match value {
        Value::String(text) => !text.is_empty() && !text.ends_with(crate::secret::REDACTED),
        Value::Array(items) => items.iter().any(has_text),
        Value::Object(map) => map.values().any(has_text),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn what_acts_or_hides_disappears() {
        for (text, expected) in [
            ("plain\n\ttext", "plain\n\ttext"),
            ("a\u{1b}[31mred\u{1b}[0m b", "ared b"),
            ("\u{1b}[38;5;196;1mx\u{1b}[K", "x"),
            ("x\u{1b}]8;;http://e.example\u{7}link\u{1b}]8;;\u{1b}\\y", "xlinky"),
            ("\u{9b}31mred \u{1b}(Bplain", "red plain"),
            ("\u{1b}]unterminated", "unterminated"),
            ("end\u{1b}", "end"),
            ("a\u{8}b\u{7f}c\0d", "abcd"),
            ("a\u{202e}b\u{2066}c\u{200b}d\u{feff}e\u{ad}f\u{3164}g", "abcdefg"),
            ("tag\u{e0041}\u{e0100}!\u{fe0f}", "tag!"),
            ("one\r\ntwo\rthree\u{2028}four", "one\ntwo\nthree\nfour"),
            (
                "<IMPORTANT>![x](http://e.example)</IMPORTANT>",
                "<IMPORTANT>![x](http://e.example)</IMPORTANT>",
            ),
        ] {
            assert_eq!(clean(text), expected, "{text:?}");
        }
        assert_eq!(clean_line("10%\r20%\r\n30%\tend\r\n"), "10% 20% 30%\tend");
    }

    #[test]
    fn scripts_and_emoji_keep_what_they_need() {
        for text in ["👩\u{200d}💻 نمی\u{200c}خواهم", "❤\u{fe0f}\u{200d}🔥", "größe 漢字 🦀"]
        {
            assert_eq!(clean(text), text);
        }
        assert_eq!(clean("a\u{200d}b"), "ab");
        let smuggled = "😀\u{fe0f}\u{fe01}\u{fe02}\u{fe0f}\u{200d}\u{200d}";
        assert_eq!(clean(smuggled), "😀\u{fe0f}\u{200d}", "no room for a message");
    }

    #[test]
    fn cuts_fall_between_characters_and_show() {
        assert_eq!(cut("größe", 3), "gr…");
        assert_eq!(cut("größe", 5), "größe");
        assert_eq!((cut("abc", 1), cut("abc", 0)), ("…".into(), "".into()));
        assert!(is_clean("größe", 5) && !is_clean("größe", 4) && !is_clean("a\u{200b}", 9));
    }

    #[test]
    fn text_leaves_only_clean() {
        let text: Text = serde_json::from_value(json!("a\u{1b}[2J\nb")).unwrap();
        assert_eq!(
            (text.show(9), text.line(9), text.line(2)),
            ("a\nb".into(), "a b".into(), "a…".into())
        );
        assert_eq!(format!("{text:?}"), "Text(7 bytes)");
        assert_eq!(Text::from(b"ok\xff".as_slice()).line(9), "ok\u{fffd}");
    }

    #[test]
    fn foreign_text_is_pointed_at() {
        let value = json!({"id": "x", "name": "J***", "note": "hi", "tags": ["t"], "none": null,
            "items": [{"a/b~c": {"note": "n"}}, {"note": ""}]});
        let found =
            pointers(&value, "/data", |name| ["name", "note", "tags", "none"].contains(&name));
        assert_eq!(found, ["/data/items/0/a~1b~0c/note", "/data/note", "/data/tags"]);
    }

    proptest! {
        #[test]
        fn nothing_that_acts_survives(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            let allowed = |c: char| matches!(c, '\n' | '\t' | '\u{200c}' | '\u{200d}' | '\u{fe0e}' | '\u{fe0f}');
            prop_assert!(clean(&text).chars().all(|c| allowed(c) || !is_invisible(c)));
            prop_assert!(!clean_line(&text).contains('\n'));
        }

        #[test]
        fn cleaning_twice_changes_nothing(
            text in "[a\u{1b}\u{9b}\\[\\]0-9;m\r\n\u{7}\u{9c}\\\\❤\u{fe0f}\u{200d}\u{202e}\u{e0041}]{0,40}", max in 0_usize..40,
        ) {
            let once = clean(&text).into_owned();
            prop_assert_eq!(clean(&once).into_owned(), once.clone());
            let shown = show(&text, max);
            prop_assert!(shown.chars().count() <= max);
            let line = clean_line(&text).into_owned();
            prop_assert_eq!(scrub(&line, ' '), line.clone());
        }
    }
}
