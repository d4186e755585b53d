//! JSON: members of objects and elements of arrays, the large ones by their own.

use std::ops::Range;

use super::{Block, Blocks, Sizes};

/// Containers are opened down to here.
const DEEPEST: usize = 16;
/// Longest name of a member that stands in a path, in characters.
const LONGEST_NAME: usize = 120;

/// Blocks start at members. A container longer than a chunk aims to be is opened; its name, or
/// number, then stands in the path. What is no JSON is one block.
pub(super) fn blocks(document: &str, sizes: Sizes) -> Vec<Block> {
    let mut opener = Opener { document, sizes, path: Vec::new(), blocks: Blocks::new(sizes) };
    opener.open(0..document.len());
    opener.blocks.list
}

struct Opener<'a> {
    document: &'a str,
    sizes: Sizes,
    path: Vec<String>,
    blocks: Blocks,
}

impl Opener<'_> {
    fn open(&mut self, span: Range<usize>) {
        for (number, member) in Members::of(self.document, span).enumerate() {
            let value = member.value();
            let text = self.document.get(value.clone()).unwrap_or_default();
            let is_container = text.trim_start().starts_with(['{', '[']);
            let is_long = is_container && text.chars().nth(self.sizes.aim).is_some();
            if !is_long || self.path.len() == DEEPEST {
                self.blocks.start(member.start, &self.path, false);
                continue;
            }
            let name = member.name(self.document).unwrap_or_else(|| number.to_string());
            self.path.push(name);
            self.blocks.start(member.start, &self.path, false);
            self.open(value);
            self.path.pop();
        }
    }
}

/// Bytes of a member or element.
struct Member {
    start: usize,
    /// After the name of a member.
    colon: Option<usize>,
    end: usize,
}

impl Member {
    fn value(&self) -> Range<usize> {
        self.colon.map_or(self.start, |colon| colon + 1)..self.end
    }

    fn name(&self, document: &str) -> Option<String> {
        let name = document.get(self.start..self.colon?)?.trim().trim_matches('"');
        Some(name.chars().take(LONGEST_NAME).collect())
    }
}

/// Members of the container that a text begins with; none if it begins with something else. Only
/// brackets and strings are looked at, so that it takes any text.
struct Members<'a> {
    bytes: &'a [u8],
    at: usize,
    end: usize,
}

impl<'a> Members<'a> {
    fn of(document: &'a str, span: Range<usize>) -> Self {
        let text = document.get(span.clone()).unwrap_or_default();
        let at = span.start + (text.len() - text.trim_start().len());
        let is_container = matches!(document.as_bytes().get(at), Some(b'{' | b'['));
        let end = if is_container { span.end } else { at };
        Self { bytes: document.as_bytes(), at: at + 1, end }
    }
}

impl Iterator for Members<'_> {
    type Item = Member;

    fn next(&mut self) -> Option<Member> {
        let (mut start, mut colon) = (None, None);
        let (mut depth, mut in_string, mut escaped) = (0usize, false, false);
        while self.at < self.end {
            let at = self.at;
            let byte = *self.bytes.get(at)?;
            self.at += 1;
            if in_string {
                in_string = escaped || byte != b'"';
                escaped = !escaped && byte == b'\\';
                continue;
            }
            match byte {
                b'}' | b']' if depth == 0 => {
                    self.at = self.end;
                    return start.map(|start| Member { start, colon, end: at });
                }
                b',' if depth == 0 => {
                    if let Some(start) = start {
                        return Some(Member { start, colon, end: at });
                    }
                }
                byte if byte.is_ascii_whitespace() => {}
                byte => {
                    start = start.or(Some(at));
                    match byte {
                        b'"' => in_string = true,
                        b'{' | b'[' => depth += 1,
                        b'}' | b']' => depth -= 1,
                        b':' if depth == 0 => colon = colon.or(Some(at)),
                        _ => {}
                    }
                }
            }
        }
        start.map(|start| Member { start, colon, end: self.end })
    }
}
