//! Prose inside comments and documents.

use mcp_core::untrusted::is_invisible;

/// Columns that a comment line aims at.
const WIDTH: usize = 92;

/// One line: invisible characters dropped, white space collapsed.
pub(crate) fn collapse(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|character| if character.is_whitespace() { ' ' } else { character })
        .filter(|&character| !is_invisible(character))
        .collect();
    visible.split(' ').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Lines of at most [`WIDTH`] columns, broken between words, joined by a newline and `prefix`.
fn wrap(text: &str, prefix: &str) -> String {
    let mut wrapped = String::new();
    let mut column = prefix.chars().count();
    for word in text.split(' ') {
        let width = word.chars().count();
        if !wrapped.is_empty() {
            if column + 1 + width > WIDTH {
                wrapped.push('\n');
                wrapped.push_str(prefix);
                column = prefix.chars().count();
            } else {
                wrapped.push(' ');
                column += 1;
            }
        }
        wrapped.push_str(word);
        column += width;
    }
    wrapped
}

/// The text of line comments whose following lines start with `prefix`, such as `    /// `.
pub(crate) fn line_comments(text: &str, prefix: &str) -> String {
    wrap(&collapse(text), prefix)
}

/// The inside of a Python docstring.
pub(crate) fn py_docstring(text: &str, prefix: &str) -> String {
    // No quote may meet the closing ones, and no backslash may reach past them.
    wrap(&collapse(text).replace('\\', "\\\\").replace('"', "\\\""), prefix)
}

/// The inside of a TypeScript block comment.
pub(crate) fn ts_block_comment(text: &str, prefix: &str) -> String {
    wrap(&collapse(text).replace("*/", "*\\/"), prefix)
}

/// A line of Markdown that shows the text as it is: no link, image, HTML, code or table cell.
pub(crate) fn markdown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for character in collapse(text).chars() {
        let starts_block =
            line.is_empty() && matches!(character, '#' | '-' | '+' | '>' | '=' | '~');
        if starts_block
            || matches!(character, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '|' | '!' | '&')
        {
            line.push('\\');
        }
        line.push(character);
    }
    line
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_becomes_one_line_without_hidden_characters() {
        assert_eq!(collapse(" a\r\n\tb \u{202e}c\u{200b} "), "a b c");
        assert_eq!(collapse("\u{0}"), "");
    }

    #[test]
    fn no_text_ends_its_comment() {
        assert_eq!(ts_block_comment("a */ b **/", " * "), "a *\\/ b **\\/");
        assert_eq!(py_docstring(r#"""" \"#, ""), r#"\"\"\" \\"#);
        assert_eq!(line_comments("a\rb\nc", "/// "), "a b c");
    }

    #[test]
    fn long_text_wraps_behind_its_prefix() {
        let wrapped = line_comments(&"word ".repeat(40), "/// ");
        assert!(wrapped.lines().count() > 1);
        assert!(wrapped.lines().skip(1).all(|line| line.starts_with("/// word")));
    }

    #[test]
    fn markdown_shows_markup_as_text() {
        assert_eq!(markdown("# [a](b) <i> `c` |"), r"\# \[a\](b) \<i> \`c\` \|");
    }

    proptest! {
        #[test]
        fn a_block_comment_ends_only_where_it_should(text in "[*/\\\\a \\n]{0,30}|\\PC{0,30}") {
            prop_assert!(!ts_block_comment(&text, " * ").contains("*/"));
        }

        #[test]
        fn a_docstring_has_no_bare_quote(text in "[\"\\\\a \\n]{0,30}|\\PC{0,30}") {
            let inside = py_docstring(&text, "");
            let unescaped = inside.replace("\\\\", "").replace("\\\"", "");
            prop_assert!(!unescaped.contains(['"', '\\']));
        }
    }
}
