//! Charts, as SVG text or as the image that a client can show its model.
//!
//! A chart in SVG costs a model thousands of tokens and shows it nothing; a PNG in an image block it sees.
//! Equal charts give equal bytes: text is drawn in `DejaVu` Sans, which is part of the program, never in a
//! font of the machine.

use std::{
    borrow::Cow,
    sync::{Arc, LazyLock},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use resvg::{
    render,
    tiny_skia::{Pixmap, Transform},
    usvg::{ImageHrefResolver, Options, Tree, fontdb},
};
pub use rmcp::handler::server::tool::schema_for_output;
use rmcp::{
    ErrorData,
    handler::server::tool::IntoCallToolResult,
    model::{CallToolResponse, CallToolResult, ContentBlock},
};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::{Kind, ToolError};

/// Form of a chart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// An image beside the structured answer.
    #[default]
    Png,
    /// Text within the structured answer.
    Svg,
}

// By hand: derived, each value would be told to every model with its description.
impl JsonSchema for Format {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": ["png", "svg"]})
    }
}

/// What the structured answer says of a chart: flatten it into the answer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Shown {
    /// `image/png`: the image is a content block of its own; `image/svg+xml`: it is in `svg`.
    mime_type: &'static str,
    /// The chart as an SVG document; equal data give equal bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    svg: Option<String>,
}

/// An answer with, if its chart was asked for as an image, that image.
///
/// A tool that returns it names the schema of `T` itself:
/// `#[tool(output_schema = schema_for_output::<T>())]`.
#[derive(Debug)]
pub struct Pictured<T>(pub T, pub Option<Png>);

/// A PNG file.
#[derive(Debug)]
pub struct Png(Vec<u8>);

/// Most pixels of an image: 16 MiB while it is drawn.
pub const MAX_PIXELS: u32 = 4_000_000;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_source(fontdb::Source::Binary(Arc::new(dejavu::sans::regular())));
    fonts.set_sans_serif_family("DejaVu Sans");
    Arc::new(fonts)
});

/// Bring an SVG document of our own making into a form. Takes some 10 ms for an image: not for the
/// threads that serve.
///
/// # Errors
/// `picture_too_large`; `internal` when the document is none.
pub fn show(svg: String, format: Format) -> Result<(Shown, Option<Png>), ToolError> {
    if format == Format::Svg {
        return Ok((Shown { mime_type: "image/svg+xml", svg: Some(svg) }, None));
    }
    let png = rasterize(&svg)?;
    Ok((Shown { mime_type: "image/png", svg: None }, Some(Png(png))))
}

fn rasterize(svg: &str) -> Result<Vec<u8>, ToolError> {
    let options = Options {
        font_family: "DejaVu Sans".to_owned(),
        fontdb: Arc::clone(&FONTS),
        // No chart holds another picture; a name in one must not open a file.
        image_href_resolver: ImageHrefResolver {
            resolve_data: Box::new(|_, _, _| None),
            resolve_string: Box::new(|_, _| None),
        },
        ..Options::default()
    };
    let tree =
        Tree::from_str(svg, &options).map_err(|error| ToolError::internal(error.to_string()))?;
    let size = tree.size().to_int_size();
    let (width, height) = (size.width(), size.height());
    if width.saturating_mul(height) > MAX_PIXELS {
        let message =
            format!("the image has {width} x {height} pixels, more than {MAX_PIXELS} in all");
        return Err(ToolError::new(Kind::Refused, "picture_too_large", message)
            .with_hint("make it smaller, or ask for format `svg`"));
    }
    let mut pixels =
        Pixmap::new(width, height).ok_or_else(|| ToolError::internal("an image of no size"))?;
    render(&tree, Transform::identity(), &mut pixels.as_mut());
    pixels.encode_png().map_err(|error| ToolError::internal(error.to_string()))
}

impl<T: Serialize> IntoCallToolResult for Pictured<T> {
    fn into_call_tool_result(self) -> Result<CallToolResponse, ErrorData> {
        let facts = serde_json::to_value(self.0)
            .map_err(|error| ErrorData::internal_error(error.to_string(), None))?;
        let mut result = CallToolResult::structured(facts);
        if let Some(Png(bytes)) = self.1 {
            result.content.push(ContentBlock::image(BASE64_STANDARD.encode(bytes), "image/png"));
        }
        Ok(result.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn svg(width: u32, body: &str) -> String {
        format!(
            "<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='40' font-family='sans-serif'>\
             <rect width='100%' height='100%' fill='#fff'/>{body}</svg>"
        )
    }

    fn pixels(body: &str) -> Pixmap {
        let (_, png) = show(svg(100, body), Format::Png).unwrap();
        Pixmap::decode_png(&png.unwrap().0).unwrap()
    }

    #[test]
    fn shapes_and_words_are_drawn() {
        let blank = pixels("");
        assert_eq!((blank.width(), blank.height()), (100, 40));
        let red = pixels("<rect x='10' y='10' width='20' height='20' fill='#f00'/>");
        let at = |map: &Pixmap, x, y| {
            let pixel = map.pixel(x, y).unwrap();
            (pixel.red(), pixel.green(), pixel.blue())
        };
        assert_eq!((at(&red, 20, 20), at(&red, 5, 5)), ((255, 0, 0), (255, 255, 255)));
        // Greek is what statistics is written in.
        for text in ["A", "\u{3bc}", "\u{3c3}\u{b2}", "\u{2212}1"] {
            let written = pixels(&format!("<text x='10' y='30' font-size='20'>{text}</text>"));
            assert_ne!(written.data(), blank.data(), "{text}");
        }
        let missing = pixels("<text x='10' y='30' font-size='20'>\u{e000}</text>");
        let greek = pixels("<text x='10' y='30' font-size='20'>\u{3bc}</text>");
        assert_ne!(missing.data(), greek.data(), "a letter, not the box of a missing one");
    }

    #[test]
    fn no_file_is_opened() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("red.svg");
        std::fs::write(&path, svg(100, "<rect width='100' height='40' fill='#f00'/>")).unwrap();
        let with = pixels(&format!("<image href='{}' width='100' height='40'/>", path.display()));
        assert_eq!(with.data(), pixels("").data());
    }

    #[test]
    fn an_image_has_a_bound_and_a_document_has_none() {
        let error = show(svg(100_001, ""), Format::Png).unwrap_err();
        assert_eq!(error.code(), "picture_too_large");
        let (shown, png) = show(svg(100_001, ""), Format::Svg).unwrap();
        assert!(png.is_none() && shown.svg.is_some());
        assert_eq!(show("no document".to_owned(), Format::Png).unwrap_err().code(), "internal");
    }

    #[test]
    fn an_image_stands_beside_the_answer() {
        let (shown, png) = show(svg(10, ""), Format::Png).unwrap();
        let CallToolResponse::Complete(result) =
            Pictured(shown, png).into_call_tool_result().unwrap()
        else {
            panic!("no result")
        };
        let facts = result.structured_content.unwrap();
        assert_eq!(facts, serde_json::json!({"mime_type": "image/png"}));
        let image = result.content[1].as_image().unwrap();
        assert_eq!(image.mime_type, "image/png");
        assert!(BASE64_STANDARD.decode(&image.data).unwrap().starts_with(b"\x89PNG"));
    }
}
