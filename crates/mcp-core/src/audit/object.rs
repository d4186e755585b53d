//! One line: a JSON object in ASCII, member by member.

use std::{
    fmt::Display,
    io::{self, Write},
};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, Serializer};

/// Appends an object to a buffer. Written by hand: a line a call is too often for a serialiser that
/// looks at each name anew.
pub(super) struct Object<'a> {
    text: &'a mut Vec<u8>,
    open: u8,
}

impl<'a> Object<'a> {
    pub(super) fn begin(text: &'a mut Vec<u8>) -> Self {
        Self { text, open: b'{' }
    }

    /// A member with a text; `name` is plain.
    pub(super) fn text(&mut self, name: &'static str, value: &str) {
        self.name(name);
        if value.bytes().all(is_plain) {
            self.text.push(b'"');
            self.text.extend_from_slice(value.as_bytes());
            self.text.push(b'"');
            return;
        }
        let before = self.text.len();
        let written = value.serialize(&mut Serializer::with_formatter(&mut *self.text, Ascii));
        if written.is_err() {
            // Texts are always written; half a line must not stay if not.
            self.text.truncate(before);
            self.text.extend_from_slice(b"null");
        }
    }

    pub(super) fn text_if(&mut self, name: &'static str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(name, value);
        }
    }

    /// A member with what prints as JSON: a finite number, true, false.
    pub(super) fn plain(&mut self, name: &'static str, value: impl Display) {
        self.name(name);
        // Writing to a buffer does not fail.
        write!(self.text, "{value}").unwrap_or_default();
    }

    /// Close it, and the line.
    pub(super) fn end(self) {
        self.text.extend_from_slice(b"}\n");
    }

    fn name(&mut self, name: &'static str) {
        self.text.push(self.open);
        self.open = b',';
        self.text.push(b'"');
        self.text.extend_from_slice(name.as_bytes());
        self.text.extend_from_slice(b"\":");
    }
}

/// Needs no escape in JSON, and no terminal obeys it.
fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

/// JSON in ASCII: a principal may carry a stranger's name, and a terminal or a log viewer obeys more
/// characters than JSON makes one escape.
struct Ascii;

impl Formatter for Ascii {
    fn write_string_fragment<W: ?Sized + io::Write>(
        &mut self,
        writer: &mut W,
        fragment: &str,
    ) -> io::Result<()> {
        let plain = |c: char| (' '..='~').contains(&c);
        if fragment.chars().all(plain) {
            return CompactFormatter.write_string_fragment(writer, fragment);
        }
        for c in fragment.chars() {
            if plain(c) {
                writer.write_all(&[u8::try_from(c).unwrap_or(b'?')])?;
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    proptest! {
        #[test]
        fn it_is_json_in_ascii_and_comes_back(a in ".*", b in any::<u32>(), c in any::<bool>()) {
            let mut text = Vec::new();
            let mut object = Object::begin(&mut text);
            object.text("a", &a);
            object.text_if("none", None);
            object.plain("b", b);
            object.plain("d", f64::from(b) / 1e3);
            object.plain("c", c);
            object.end();
            prop_assert!(text.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')));
            prop_assert_eq!(text.split(|byte| *byte == b'\n').count(), 2);
            let back: Value = serde_json::from_slice(&text).unwrap();
            prop_assert_eq!(back, json!({"a": a, "b": b, "d": f64::from(b) / 1e3, "c": c}));
        }
    }
}
