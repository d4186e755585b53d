//! Markdown: headings, and blocks below them.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::{Block, Blocks, LONGEST_HEADING, Sizes};

pub(super) fn blocks(document: &str, sizes: Sizes) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut outline = Outline { path: Vec::new(), heading: None };
    let mut blocks = Blocks::new(sizes);
    let mut depth = 0usize;
    for (event, span) in Parser::new_ext(document, options).into_offset_iter() {
        match event {
            Event::Start(Tag::Heading { level, .. }) if depth == 0 => {
                outline.open(level);
                depth += 1;
            }
            Event::End(TagEnd::Heading(_)) if depth == 1 => {
                depth -= 1;
                outline.close();
                blocks.start(span.start, &outline.names(), true);
            }
            Event::Start(tag) => {
                // The items of an outer list are blocks, since a list may be long.
                let item = depth == 1 && matches!(tag, Tag::Item);
                if item || (depth == 0 && !matches!(tag, Tag::List(_))) {
                    blocks.start(span.start, &outline.names(), false);
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => outline.take(&text),
            Event::SoftBreak | Event::HardBreak => outline.take(" "),
            Event::Rule if depth == 0 => blocks.start(span.start, &outline.names(), false),
            _ => {}
        }
    }
    blocks.list
}

/// Headings above the present place.
struct Outline {
    path: Vec<(HeadingLevel, String)>,
    heading: Option<(HeadingLevel, String)>,
}

impl Outline {
    fn open(&mut self, level: HeadingLevel) {
        self.path.retain(|(above, _)| *above < level);
        self.heading = Some((level, String::new()));
    }

    fn take(&mut self, text: &str) {
        if let Some((_, heading)) = &mut self.heading {
            let room = LONGEST_HEADING.saturating_sub(heading.len());
            heading.extend(text.chars().take(room));
        }
    }

    fn close(&mut self) {
        self.path.extend(self.heading.take());
    }

    fn names(&self) -> Vec<String> {
        self.path.iter().map(|(_, heading)| heading.trim().to_owned()).collect()
    }
}
