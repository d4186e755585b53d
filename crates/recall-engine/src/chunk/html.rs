//! HTML: the text that a reader sees, by headings and paragraphs.

use std::cell::RefCell;

use html5ever::{
    LocalName, TokenizerResult,
    tendril::StrTendril,
    tokenizer::{
        BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
        states::RawKind,
    },
};

use super::{Block, Blocks, Chunk, LONGEST_HEADING, Sizes, packed};

/// The text of a page.
#[derive(Debug, Default)]
pub struct Page {
    /// What it calls itself.
    pub title: Option<String>,
    /// Its text: paragraphs parted by empty lines, items on lines of their own. What is not shown
    /// (scripts, styles, templates, drawings) is not in it.
    pub text: String,
    blocks: Vec<Block>,
}

impl Page {
    /// Read a page, however broken.
    pub fn read(html: &str) -> Self {
        let tokenizer = Tokenizer::new(Sink(RefCell::new(Reader::new())), TokenizerOpts::default());
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(html));
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        tokenizer.end();
        tokenizer.sink.0.into_inner().finish()
    }

    /// Cut its text into chunks; see [`chunks`](super::chunks()).
    pub fn chunks(&self, sizes: Sizes) -> Vec<Chunk> {
        packed(&self.text, &self.blocks, sizes)
    }
}

struct Sink(RefCell<Reader>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut reader = self.0.borrow_mut();
        match token {
            Token::TagToken(tag) => return reader.tag(&tag),
            Token::CharacterTokens(text) => reader.characters(&text),
            _ => {}
        }
        TokenSinkResult::Continue
    }
}

/// Space that is due before the next character.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Gap {
    #[default]
    None,
    Space,
    Cell,
    Line,
    Paragraph,
}

/// The page so far.
struct Reader {
    title: Option<String>,
    in_title: bool,
    text: String,
    blocks: Blocks,
    gap: Gap,
    /// Headings above the present place, with their levels.
    path: Vec<(u8, String)>,
    /// The heading that is being read: its level and where it starts.
    heading: Option<(u8, Option<usize>)>,
    /// The element that is not shown, and how often it is open.
    hidden: Option<(LocalName, u32)>,
    /// A mark of an item that is due.
    item: bool,
    preformatted: u32,
}

impl Reader {
    fn new() -> Self {
        Self {
            title: None,
            in_title: false,
            text: String::new(),
            blocks: Blocks::new(Sizes::default()),
            gap: Gap::None,
            path: Vec::new(),
            heading: None,
            hidden: None,
            item: false,
            preformatted: 0,
        }
    }

    fn tag(&mut self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let opens = tag.kind == TagKind::StartTag;
        if self.hides(tag, opens) {
            return TokenSinkResult::Continue;
        }
        match name {
            "script" if opens => return TokenSinkResult::RawData(RawKind::ScriptData),
            "style" | "xmp" | "iframe" | "noembed" | "noframes" if opens => {
                return TokenSinkResult::RawData(RawKind::Rawtext);
            }
            "title" => {
                self.in_title = opens && self.title.is_none();
                if opens {
                    self.title.get_or_insert_default();
                    return TokenSinkResult::RawData(RawKind::Rcdata);
                }
            }
            "textarea" if opens => return TokenSinkResult::RawData(RawKind::Rcdata),
            "img" | "area" if opens => self.alternative(tag),
            "br" => self.due(Gap::Line),
            "td" | "th" if opens => self.due(Gap::Cell),
            "tr" | "dt" | "dd" | "option" => self.due(Gap::Line),
            "li" => {
                self.due(Gap::Line);
                self.item = opens;
            }
            _ => self.block(name, opens),
        }
        TokenSinkResult::Continue
    }

    /// Whether the tag is, or stands in, what is not shown.
    fn hides(&mut self, tag: &Tag, opens: bool) -> bool {
        if let Some((name, depth)) = &mut self.hidden {
            if *name == tag.name {
                *depth = if opens { *depth + 1 } else { *depth - 1 };
            } else if &**name != "template" && is_block(&tag.name) {
                // A drawing that was never closed ends where text begins.
                self.hidden = None;
                return false;
            }
            if self.hidden.as_ref().is_some_and(|(_, depth)| *depth == 0) {
                self.hidden = None;
            }
            return true;
        }
        let raw = ["script", "style", "iframe", "noembed", "noframes"].contains(&&*tag.name);
        let hides = ["template", "svg", "math", "canvas", "object"].contains(&&*tag.name);
        if opens && hides && !tag.self_closing {
            self.hidden = Some((tag.name.clone(), 1));
        } else if opens && raw {
            // The text up to its end comes as characters, and only its end tag ends it.
            self.hidden = Some((tag.name.clone(), 1));
            return false;
        }
        opens && hides
    }

    /// The start or end of a block, or of something within a line.
    fn block(&mut self, name: &str, opens: bool) {
        if !is_block(name) {
            return;
        }
        self.close_heading();
        self.due(Gap::Paragraph);
        self.item &= opens;
        if name == "pre" {
            self.preformatted =
                if opens { self.preformatted + 1 } else { self.preformatted.saturating_sub(1) };
        }
        if let Some(level) = level(name).filter(|_| opens) {
            self.path.retain(|(above, _)| *above < level);
            self.heading = Some((level, None));
        }
    }

    fn close_heading(&mut self) {
        let Some((level, Some(start))) = self.heading.take() else { return };
        let text = self.text.get(start..).unwrap_or_default().trim();
        self.path.push((level, text.chars().take(LONGEST_HEADING).collect()));
        let path: Vec<String> = self.path.iter().map(|(_, text)| text.clone()).collect();
        self.blocks.start(start, &path, true);
    }

    fn alternative(&mut self, tag: &Tag) {
        let named = tag.attrs.iter().find(|attribute| &*attribute.name.local == "alt");
        if let Some(text) = named.map(|attribute| attribute.value.to_string()) {
            self.characters(&text);
        }
    }

    fn due(&mut self, gap: Gap) {
        self.gap = self.gap.max(gap);
    }

    fn characters(&mut self, text: &str) {
        if self.hidden.is_some() {
            return;
        }
        if self.in_title {
            let title = self.title.get_or_insert_default();
            title.extend(text.chars().take(LONGEST_HEADING.saturating_sub(title.len())));
            return;
        }
        for c in text.chars() {
            if c.is_whitespace() && (self.preformatted == 0 || self.at_start()) {
                self.due(Gap::Space);
            } else {
                self.begin();
                self.text.push(c);
            }
        }
    }

    fn at_start(&self) -> bool {
        self.text.is_empty() || self.gap > Gap::Space
    }

    /// Write the space that is due, and tell where a block starts.
    fn begin(&mut self) {
        let gap = std::mem::take(&mut self.gap);
        let is_first = self.text.is_empty();
        let space = match gap {
            _ if is_first => "",
            Gap::None => "",
            Gap::Space => " ",
            Gap::Cell if self.text.ends_with('\n') => "",
            Gap::Cell => " | ",
            Gap::Line => "\n",
            Gap::Paragraph => "\n\n",
        };
        self.text.push_str(space);
        let start = self.text.len();
        if let Some((_, from)) = &mut self.heading {
            from.get_or_insert(start);
        } else if is_first || gap >= Gap::Line {
            let path: Vec<String> = self.path.iter().map(|(_, text)| text.clone()).collect();
            self.blocks.start(start, &path, false);
        }
        if std::mem::take(&mut self.item) {
            self.text.push_str("- ");
        }
    }

    fn finish(mut self) -> Page {
        self.close_heading();
        let title = self.title.map(|title| title.split_whitespace().collect::<Vec<_>>().join(" "));
        let title = title.filter(|title| !title.is_empty());
        Page { title, text: self.text, blocks: self.blocks.list }
    }
}

fn level(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [b'h', level @ b'1'..=b'6'] => Some(level - b'0'),
        _ => None,
    }
}

/// Whether an element stands apart from the text around it.
fn is_block(name: &str) -> bool {
    level(name).is_some()
        || matches!(
            name,
            "address"
                | "article"
                | "aside"
                | "blockquote"
                | "body"
                | "caption"
                | "center"
                | "details"
                | "dialog"
                | "div"
                | "dl"
                | "fieldset"
                | "figcaption"
                | "figure"
                | "footer"
                | "form"
                | "header"
                | "hr"
                | "html"
                | "main"
                | "menu"
                | "nav"
                | "ol"
                | "p"
                | "pre"
                | "section"
                | "select"
                | "summary"
                | "table"
                | "tbody"
                | "tfoot"
                | "thead"
                | "ul"
        )
}
