//! From documents and conversations to the texts that are ranked.
//!
//! Chunks do not overlap: what stands beside a chunk counts when it is ranked, so nothing has to be
//! stored twice.

mod conversation;
mod html;
mod json;
mod markdown;
mod source;
mod table;

use std::ops::Range;

pub use self::{conversation::conversation, html::Page};

/// Longest heading that stands in a path, in characters.
const LONGEST_HEADING: usize = 200;

/// What a document is written in. HTML is read by [`Page`], what was said by [`conversation()`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `CommonMark` with tables, footnotes and YAML front matter.
    Markdown,
    /// Paragraphs parted by empty lines.
    Text,
    /// Program text of any language that indents.
    Source,
    /// JSON; members of long containers apart.
    Json,
    /// Records of comma-separated values, under their header.
    Csv,
}

/// Sizes of chunks, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// Paragraphs are packed together up to this.
    pub aim: usize,
    /// No chunk is longer.
    pub most: usize,
}

impl Default for Sizes {
    /// 1,000 and 2,000.
    fn default() -> Self {
        Self { aim: 1_000, most: 2_000 }
    }
}

/// A piece of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Bytes of the document, without space at the ends; not empty.
    pub span: Range<usize>,
    /// Headings it stands under, outermost first; in source the line that opens the block of which
    /// it is a later part.
    pub path: Vec<String>,
}

impl Chunk {
    /// What to rank it by: title, path and text, in one flat field.
    pub fn ranked_text(&self, title: &str, document: &str) -> String {
        let mut lines: Vec<&str> = vec![title];
        lines.extend(self.path.iter().map(String::as_str));
        lines.extend(document.get(self.span.clone()));
        lines.retain(|line| !line.is_empty());
        lines.join("\n")
    }
}

/// Something said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'a> {
    /// Who said it; may be empty.
    pub speaker: &'a str,
    /// What was said.
    pub text: &'a str,
}

/// A turn, or a piece of a long one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TurnChunk {
    /// Number of the turn.
    pub turn: usize,
    /// Bytes of its text.
    pub span: Range<usize>,
}

impl TurnChunk {
    /// What to rank it by: the speaker and what was said.
    pub fn ranked_text(&self, turns: &[Turn<'_>]) -> String {
        let Some(turn) = turns.get(self.turn) else { return String::new() };
        let said = turn.text.get(self.span.clone()).unwrap_or_default();
        if turn.speaker.is_empty() { said.to_owned() } else { format!("{}: {said}", turn.speaker) }
    }
}

/// Where a document may be cut before anything else.
#[derive(Debug)]
struct Block {
    start: usize,
    path: Vec<String>,
    /// A heading belongs to what follows it.
    heading: bool,
    /// What its later parts are told to belong to.
    name: Option<String>,
}

/// Blocks in the order of their places.
#[derive(Debug)]
struct Blocks {
    list: Vec<Block>,
    /// Bytes below which blocks under one heading are one: they would be packed together anyway, and
    /// there may be millions.
    short: usize,
}

impl Blocks {
    /// A first block at the start of the document.
    fn new(sizes: Sizes) -> Self {
        let first = Block { start: 0, path: Vec::new(), heading: false, name: None };
        Self { list: vec![first], short: sizes.aim / 5 }
    }

    /// A block starts here; it takes the place of one that starts no earlier.
    fn start(&mut self, start: usize, path: &[String], heading: bool) {
        if let Some(last) = self.list.last_mut() {
            if last.start >= start {
                last.path = path.to_vec();
                last.heading |= heading;
                return;
            }
            let is_short = start - last.start < self.short;
            if is_short && !heading && !last.heading && last.path == path {
                return;
            }
        }
        self.list.push(Block { start, path: path.to_vec(), heading, name: None });
    }
}

/// Ways to cut a block, the kindest first.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Paragraphs,
    Lines,
    Sentences,
    Words,
    Characters,
}

/// Cut a document into chunks, in its order; only space is left out.
pub fn chunks(document: &str, format: Format, sizes: Sizes) -> Vec<Chunk> {
    let blocks = match format {
        Format::Markdown => markdown::blocks(document, sizes),
        Format::Text => plain(document),
        Format::Source => source::blocks(document),
        Format::Json => json::blocks(document, sizes),
        Format::Csv => table::blocks(document, sizes),
    };
    packed(document, &blocks, sizes)
}

fn packed(document: &str, blocks: &[Block], sizes: Sizes) -> Vec<Chunk> {
    let ends = blocks.iter().skip(1).map(|block| block.start).chain([document.len()]);
    let mut packed = Packed { document, sizes, chunks: Vec::new(), open: None };
    for (block, end) in blocks.iter().zip(ends) {
        packed.block(block, block.start..end);
    }
    packed.flush();
    packed.chunks
}

/// Cut a conversation into chunks: a turn each, long ones in pieces.
pub fn turn_chunks(turns: &[Turn<'_>], sizes: Sizes) -> Vec<TurnChunk> {
    let whole = Sizes { aim: sizes.most, most: sizes.most };
    turns
        .iter()
        .enumerate()
        .flat_map(|(turn, said)| {
            let pieces = chunks(said.text, Format::Text, whole);
            pieces.into_iter().map(move |chunk| TurnChunk { turn, span: chunk.span })
        })
        .collect()
}

fn plain(document: &str) -> Vec<Block> {
    let block = |start| Block { start, path: Vec::new(), heading: false, name: None };
    starts(document, Cut::Paragraphs).into_iter().map(block).collect()
}

/// Chunks so far, and the one that still grows.
struct Packed<'a> {
    document: &'a str,
    sizes: Sizes,
    chunks: Vec<Chunk>,
    open: Option<Open>,
}

struct Open {
    span: Range<usize>,
    path: Vec<String>,
    headings_only: bool,
}

impl Packed<'_> {
    fn block(&mut self, block: &Block, span: Range<usize>) {
        let span = self.trim(span);
        if span.is_empty() {
            return;
        }
        let path = &block.path;
        if let Some(open) = &self.open {
            let length = self.length(&(open.span.start..span.end));
            let same = open.path == *path && !block.heading && length <= self.sizes.aim;
            // A heading without text of its own goes with the first text below it.
            let below = open.headings_only && length <= self.sizes.most;
            if same || below {
                let start = open.span.start;
                let headings_only = open.headings_only && block.heading;
                self.open = Some(Open { span: start..span.end, path: path.clone(), headings_only });
                return;
            }
            self.flush();
        }
        if self.length(&span) <= self.sizes.most {
            self.open = Some(Open { span, path: path.clone(), headings_only: block.heading });
            return;
        }
        let from = self.chunks.len();
        self.cut(span, path, Cut::Paragraphs);
        self.flush();
        for chunk in self.chunks.iter_mut().skip(from + 1) {
            chunk.path.extend(block.name.clone());
        }
    }

    /// Cut what is too long, and pack the pieces.
    fn cut(&mut self, span: Range<usize>, path: &[String], way: Cut) {
        let text = self.document.get(span.clone()).unwrap_or_default();
        let mut starts: Vec<usize> =
            starts(text, way).into_iter().map(|start| span.start + start).collect();
        starts.push(span.end);
        for ends in starts.windows(2) {
            let piece = self.trim(ends[0]..ends[1]);
            if piece.is_empty() {
                continue;
            }
            if let Some(open) = &mut self.open {
                let joined = open.span.start..piece.end;
                let text = self.document.get(joined.clone()).unwrap_or_default();
                if text.chars().count() <= self.sizes.aim {
                    open.span = joined;
                    continue;
                }
            }
            self.flush();
            if self.length(&piece) <= self.sizes.most {
                self.open = Some(Open { span: piece, path: path.to_vec(), headings_only: false });
            } else if let Some(finer) = way.finer() {
                self.cut(piece, path, finer);
            }
        }
    }

    fn flush(&mut self) {
        if let Some(Open { span, path, .. }) = self.open.take() {
            self.chunks.push(Chunk { span, path });
        }
    }

    fn length(&self, span: &Range<usize>) -> usize {
        self.document.get(span.clone()).map_or(0, |text| text.chars().count())
    }

    fn trim(&self, span: Range<usize>) -> Range<usize> {
        let text = self.document.get(span.clone()).unwrap_or_default();
        let start = span.start + (text.len() - text.trim_start().len());
        let end = span.end - (text.len() - text.trim_end().len());
        // Indentation belongs to the first line.
        let line = self
            .document
            .get(..start)
            .map_or(start, |head| head.trim_end_matches([' ', '\t']).len());
        let opens = line == 0 || self.document.as_bytes().get(line - 1) == Some(&b'\n');
        let start = if opens && start < end { line.max(span.start) } else { start };
        start..end.max(start)
    }
}

impl Cut {
    fn finer(self) -> Option<Self> {
        match self {
            Self::Paragraphs => Some(Self::Lines),
            Self::Lines => Some(Self::Sentences),
            Self::Sentences => Some(Self::Words),
            Self::Words => Some(Self::Characters),
            Self::Characters => None,
        }
    }
}

/// Where pieces of a text start; always at 0.
fn starts(text: &str, way: Cut) -> Vec<usize> {
    let mut found = vec![0];
    let (mut before, mut line, mut line_is_empty, mut gap) = (' ', 0, true, false);
    for (at, c) in text.char_indices() {
        let end = at + c.len_utf8();
        let starts = match way {
            Cut::Paragraphs => gap && !c.is_whitespace(),
            Cut::Lines => before == '\n',
            Cut::Sentences => {
                before.is_whitespace()
                    && !c.is_whitespace()
                    && ends_sentence(text.get(..at).unwrap_or_default())
                    || matches!(before, '。' | '！' | '？')
            }
            Cut::Words => before.is_whitespace() && !c.is_whitespace(),
            Cut::Characters => true,
        };
        // The indentation of a paragraph belongs to it.
        let at = if matches!(way, Cut::Paragraphs) { line } else { at };
        if starts && at > 0 {
            found.push(at);
        }
        if c == '\n' {
            gap |= line_is_empty;
            line_is_empty = true;
            line = end;
        } else if !c.is_whitespace() {
            line_is_empty = false;
            gap = false;
        }
        before = c;
    }
    found
}

fn ends_sentence(text: &str) -> bool {
    text.trim_end()
        .trim_end_matches(['"', '\'', ')', ']', '”', '’'])
        .ends_with(['.', '!', '?', '…'])
}

#[cfg(test)]
mod tests;
