//! Text that the store wrote: data, made harmless and of bounded size.

use std::collections::BTreeMap;

/// Cleans text and remembers what it cut.
#[derive(Debug, Default)]
pub(crate) struct Scrub {
    cut: BTreeMap<&'static str, usize>,
}

impl Scrub {
    /// Drop control, direction and invisible characters (line breaks and tabs stay), and cut to
    /// `max` characters.
    pub(crate) fn text(&mut self, field: &'static str, text: &str, max: usize) -> String {
        let mut kept = text.chars().filter(|c| !is_hidden(*c));
        let clean: String = kept.by_ref().take(max).collect();
        if kept.next().is_some() {
            self.cut.insert(field, max);
        }
        clean
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

/// A line of an upstream's message.
pub(crate) fn line(text: &str, max: usize) -> String {
    text.chars()
        .map(|c| if c.is_whitespace() { ' ' } else { c })
        .filter(|c| !is_hidden(*c))
        .take(max)
        .collect()
}

fn is_hidden(c: char) -> bool {
    let control = c.is_control() && !matches!(c, '\n' | '\t');
    // Zero width, direction marks and overrides, invisible operators, BOM, tag characters.
    control
        || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use super::{Scrub, line};

    #[test]
    fn hidden_characters_go_and_long_text_is_cut() {
        let mut scrub = Scrub::default();
        let text = scrub.text("title", "a\u{1b}[31m\u{202e}b\r\n\tc\u{e0041}é", 99);
        assert_eq!(text, "a[31mb\n\tcé");
        assert_eq!(scrub.warnings().count(), 0);
        assert_eq!(scrub.text("title", "ééé", 2), "éé");
        assert_eq!(scrub.list("tags", &["ab".into(), "cd".into(), "e".into()], 4), ["ab", "cd"]);
        let warnings: Vec<_> = scrub.warnings().collect();
        assert_eq!(warnings, ["tags was cut at 4 characters", "title was cut at 2 characters"]);
        assert_eq!(line("a\nb\u{7}c", 9), "a bc");
    }
}
