//! Text of strangers as literals, names and comments of other languages.
//!
//! Templates hold no raw interpolation: every value passes one of these functions, each of which
//! yields exactly one token (or the inside of one comment) whatever the text is.

mod comment;
mod data;
mod string;

pub(crate) use self::{
    comment::{collapse, line_comments, markdown, py_docstring, ts_block_comment},
    data::{py_data, rs_data, ts_data},
    string::{json, py_str, rs_str, toml_str, ts_str, yaml_str},
};

/// Characters that do not show, or that reorder what shows: they can hide text from a reader.
///
/// Control characters; soft hyphen; Arabic, Mongolian and zero-width marks; line and paragraph
/// separators; bidirectional controls; byte order mark; interlinear marks; the tag block and the
/// variation supplement.
pub(crate) fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e007f}' | '\u{e0100}'..='\u{e01ef}'
        )
}
