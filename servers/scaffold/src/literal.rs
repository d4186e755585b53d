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
