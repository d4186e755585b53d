//! Markdown: headings, and blocks below them.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

use super::Block;

pub(super) fn blocks(document: &str) -> Vec<Block> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
    let mut outline = Outline { path: Vec::new(), heading: None };
    let mut blocks = vec![outline.block(0, false)];
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
                blocks.push(outline.block(span.start, true));
            }
            Event::Start(tag) => {
                // The items of an outer list are blocks, since a list may be long.
                let item = depth == 1 && matches!(tag, Tag::Item);
                if item || (depth == 0 && !matches!(tag, Tag::List(_))) {
                    blocks.push(outline.block(span.start, false));
                }
                depth += 1;
            }
            Event::End(_) => depth = depth.saturating_sub(1),
            Event::Text(text) | Event::Code(text) => outline.take(&text),
            Event::SoftBreak | Event::HardBreak => outline.take(" "),
            Event::Rule if depth == 0 => blocks.push(outline.block(span.start, false)),
            _ => {}
        }
    }
    blocks.dedup_by(|later, earlier| {
        let same = later.start <= earlier.start;
        if same {
            earlier.path = std::mem::take(&mut later.path);
            earlier.heading |= later.heading;
        }
        same
    });
    blocks
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
            heading.push_str(text);
        }
    }

    fn close(&mut self) {
        self.path.extend(self.heading.take());
    }

    fn block(&self, start: usize, heading: bool) -> Block {
        let path = self.path.iter().map(|(_, heading)| heading.trim().to_owned()).collect();
        Block { start, path, heading, name: None }
    }
}
