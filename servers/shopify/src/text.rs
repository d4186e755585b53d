//! Text that the store wrote: data, made harmless and of bounded size.

use mcp_core::untrusted::{clean, cut};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Cleans text and remembers what it cut.
#[derive(Debug, Default)]
pub(crate) struct Scrub {
    cut: BTreeMap<&'static str, usize>,
}

impl Scrub {
    /// Drop what acts or hides (line breaks and tabs stay), and cut to `max` characters.
    pub(crate) fn text(&mut self, field: &'static str, text: &str, max: usize) -> String {
        let clean = clean(text);
        let shown = cut(&clean, max);
        if let Cow::Owned(_) = shown {
            self.cut.insert(field, max);
        }
        shown.into_owned()
    }

    pub(crate) fn option(
        &mut self,
        field: &'static str,
        text: Option<&String>,
        max: usize,
    ) -> Option<String> {
        text.map(|text| self.text(field, text, max))
    }

    /// Clean a list until its texts come to `max` characters.
    pub(crate) fn list(
        &mut self,
        field: &'static str,
        texts: &[String],
        max: usize,
    ) -> Vec<String> {
        let mut left = max;
        let mut clean = Vec::new();
        for text in texts {
            if text.chars().count() > left {
                self.cut.insert(field, max);
                break;
            }
            left -= text.chars().count();
            clean.push(self.text(field, text, max));
        }
        clean
    }

    /// One line per field that was cut.
    pub(crate) fn warnings(&self) -> impl Iterator<Item = String> + '_ {
        self.cut.iter().map(|(field, max)| format!("{field} was cut at {max} characters"))
    }
}

#[cfg(test)]
mod tests {
    use super::Scrub;

    #[test]
    fn hidden_characters_go_and_long_text_is_cut() {
        let mut scrub = Scrub::default();
        let text = scrub.text("title", "a\u{1b}[31m\u{202e}b\r\n\tc\u{e0041}é", 99);
        assert_eq!(text, "ab\n\tcé");
        assert_eq!(scrub.warnings().count(), 0);
        assert_eq!(scrub.text("title", "ééé", 2), "é…");
        assert_eq!(scrub.list("tags", &["ab".into(), "cd".into(), "e".into()], 4), ["ab", "cd"]);
        let warnings: Vec<_> = scrub.warnings().collect();
        assert_eq!(warnings, ["tags was cut at 4 characters", "title was cut at 2 characters"]);
    }
}
